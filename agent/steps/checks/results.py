"""What the statement's shape and its result give away by themselves: no question needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sqlglot import exp

from agent.run import Cell, Finding
from agent.steps.checks.statement import Checked, is_windowed
from agent.warehouse.cells import number_in

__all__ = ["check_division", "check_grouped_columns", "check_lone_row", "check_result"]

_NEVER_NEGATIVE = re.compile(r"revenue|sales|freight|turnover|quantity|units|stock|cost|discount|price|value", re.I)
_MAY_BE_NEGATIVE = re.compile(
    r"profit|margin|change|growth|grow|difference|develop|loss|net|versus|vs|compar|less", re.I
)


def check_result(checked: Checked) -> Iterator[Finding]:
    """Empty, cut off, nothing but NULL, negative money, or a percentage that cannot be one."""
    result = checked.result
    if result.truncated:
        message = f"Only the first {len(result.rows)} rows are shown; a total over them would be wrong."
        yield Finding("truncated", "warning", message)
    if not result.rows:
        yield Finding("empty_result", "warning", "No row matches. Check the values and the period that were asked for.")
        return
    cells = [cell for row in result.rows for cell in row]
    if all(cell is None for cell in cells):
        yield Finding("empty_result", "warning", "There is no value: nothing matches, or what matches holds none.")
        return
    yield from _implausible(checked)


def _implausible(checked: Checked) -> Iterator[Finding]:
    numbers = _numbers(cell for row in checked.result.rows for cell in row)
    if not numbers or _MAY_BE_NEGATIVE.search(checked.words) or _subtracts_totals(checked):
        return
    for metric in checked.named_metrics:
        single = len(checked.named_metrics) == 1
        if metric.unit == "percent" and single and checked.statement.tree.find(exp.Div, exp.Avg):
            shares = [number for number in _last_column(checked) if not -1e-9 <= number <= 100 + 1e-9]
            if shares:  # which value it is stays in the result: a finding goes on the record
                message = f"{metric.name} is a percentage, and a value in the result is none."
                yield Finding("implausible", "warning", message, evidence=checked.result.columns[-1])
        elif _NEVER_NEGATIVE.search(metric.name) and not _MAY_BE_NEGATIVE.search(metric.name) and min(numbers) < 0:
            message = f"{metric.name} cannot be negative, and a value in the result is."
            yield Finding("implausible", "error", message, evidence=metric.name)


def _subtracts_totals(checked: Checked) -> bool:
    """Whether one total is taken from another, so that the result is a difference whatever the question calls it."""
    return any(not node.find_ancestor(exp.AggFunc) for node in checked.statement.tree.find_all(exp.Sub))


def _last_column(checked: Checked) -> list[float]:
    return _numbers(row[-1] for row in checked.result.rows if row)


def _numbers(cells: Iterable[Cell]) -> list[float]:
    return [number for number in map(number_in, cells) if number is not None]


def check_grouped_columns(checked: Checked) -> Iterator[Finding]:
    """A plain column beside an aggregate must be grouped by, or one row's value is picked at random."""
    statement = checked.statement
    for select in statement.selects:
        own = [node for node in statement.own(select, exp.AggFunc) if not is_windowed(node)]
        projected = [node for node in own if not node.find_ancestor(exp.Having, exp.Order)]
        group = select.args.get("group")
        if group is not None and not own:
            yield from _loosely_ordered(select, checked)
        if not own or (group is not None and group.args.get("all")):
            continue
        outside = [node for node in own if not node.find_ancestor(exp.Order)]
        if group is None and (not outside or _sqlite_extreme(projected, statement.dialect)):
            continue
        yield from _loosely_ordered(select, checked)
        loose = [column for entry in select.expressions for column in _loose_columns(entry, select, checked)]
        if loose:
            names = ", ".join(dict.fromkeys(column.name for column in loose))
            related = all(_beside_grouped(column, select, checked) for column in loose)
            yield Finding(
                "grouping",
                "warning" if related else "error",
                f"{names} stands beside an aggregate without being grouped by.",
                evidence=names,
            )


def _sqlite_extreme(aggregates: list[exp.Expr], dialect: str) -> bool:
    """SQLite gives plain columns the values of the row that a lone MAX or MIN comes from."""
    return dialect == "sqlite" and len(aggregates) == 1 and isinstance(aggregates[0], exp.Max | exp.Min)


def _loose_columns(entry: exp.Expr, select: exp.Select, checked: Checked) -> list[exp.Column]:
    statement, group = checked.statement, select.args.get("group")
    grouped = list(group.expressions) if group else []
    inner = entry.unalias()
    names = {node.name.casefold() for node in grouped if isinstance(node, exp.Column) and not node.table}
    position = str(select.expressions.index(entry) + 1)
    if entry.alias_or_name.casefold() in names or any(node.name == position for node in grouped):
        return []
    if any(node == inner for node in grouped) or inner.find(exp.Window):
        return []
    owners = statement.found.owners
    origins = {statement.found.origins.get(id(node)) for node in grouped} - {None}
    held = {(owners.get(id(node)), statement.found.origins.get(id(node))) for node in grouped}
    loose = []
    for column in inner.find_all(exp.Column):
        if column.find_ancestor(exp.Select) is not select or isinstance(column.this, exp.Star):
            continue
        if any(isinstance(ancestor, exp.AggFunc) for ancestor in _ancestors(column, select)):
            continue
        if any(ancestor in grouped for ancestor in _ancestors(column, select)):
            continue
        origin = statement.found.origins.get(id(column))
        same = origin is not None and (owners.get(id(column)), origin) in held  # a table may be there twice
        named = not column.table and column.name.casefold() in names
        if same or named or _determined(origin, origins, checked):
            continue
        loose.append(column)
    return loose


def _loosely_ordered(select: exp.Select, checked: Checked) -> Iterator[Finding]:
    """Groups in the order of a column that has many values in each of them."""
    group, order = select.args.get("group"), select.args.get("order")
    if group is None or order is None or group.args.get("all"):
        return
    statement = checked.statement
    outputs = {entry.alias_or_name.casefold() for entry in select.expressions}
    grouped = {
        statement.found.origins.get(id(column)) for entry in group.expressions for column in entry.find_all(exp.Column)
    }
    for column in order.find_all(exp.Column):
        origin = statement.found.origins.get(id(column))
        inside = any(isinstance(node, exp.AggFunc) for node in _ancestors(column, select))
        named = not column.table and column.name.casefold() in outputs
        if origin is None or inside or named or origin in grouped or _determined(origin, grouped - {None}, checked):
            continue
        if not _beside_grouped(column, select, checked):
            message = f"The groups are ordered by {column.name}, which has many values in each of them."
            yield Finding("grouping", "error", message, evidence=f"ORDER BY {column.name}")


def _ancestors(node: exp.Expr, stop: exp.Expr | None = None) -> Iterator[exp.Expr]:
    at: exp.Expr | None = node
    while at is not None and at is not stop:
        yield at
        at = at.parent


def _determined(origin: tuple[str, str] | None, grouped: set[tuple[str, str] | None], checked: Checked) -> bool:
    """Whether the whole key of the column's table is grouped by, directly or through a key that refers to it."""
    table = checked.catalog.table(origin[0]) if origin else None
    if table is None or not table.primary_key:
        return False
    for key in table.primary_key:
        held = (table.name, key) in grouped or any(
            other is not None and checked.joins.is_edge(table.name, key, *other) for other in grouped
        )
        if not held:
            return False
    return True


def _beside_grouped(column: exp.Column, select: exp.Select, checked: Checked) -> bool:
    """Whether something else of the same source is grouped by, which then mostly determines this column too."""
    owners = checked.statement.found.owners
    group = select.args.get("group")
    return group is not None and any(
        owners.get(id(node)) == owners.get(id(column))
        for entry in group.expressions
        for node in entry.find_all(exp.Column)
    )


def check_lone_row(checked: Checked) -> Iterator[Finding]:
    """An aggregate of a query that always gives one row is that row: the query lost what it was grouped by."""
    for select in checked.statement.selects:
        source = _only_source(select)
        if source is None or not _is_one_row(source, checked):
            continue
        taken = next((node for node in checked.statement.own(select, exp.AggFunc) if not is_windowed(node)), None)
        if taken is not None:
            shown = taken.sql(checked.statement.dialect)
            yield Finding("lone_row", "error", f"{shown} is taken of a query that always gives one row.", shown)


def _only_source(select: exp.Select) -> exp.Expr | None:
    """The query that a SELECT reads, where it reads nothing beside it: a derived table or what a WITH clause names."""
    from_ = select.args.get("from_")
    if from_ is None or select.args.get("joins"):
        return None
    if isinstance(from_.this, exp.Subquery):
        return from_.this.this if isinstance(from_.this.this, exp.Select) else None
    named = from_.this.name.casefold()
    for with_ in (node.args.get("with_") for node in _ancestors(select)):
        for cte in with_.expressions if with_ is not None else ():
            if cte.alias.casefold() == named and isinstance(cte.this, exp.Select):
                found: exp.Expr = cte.this
                return found
    return None


def _is_one_row(query: exp.Expr, checked: Checked) -> bool:
    """Whether a query without GROUP BY is of aggregates, so that it gives one row whatever there is."""
    if not isinstance(query, exp.Select) or query.args.get("group") or query.args.get("from_") is None:
        return False
    return any(not is_windowed(node) for node in checked.statement.own(query, exp.AggFunc))


def check_division(checked: Checked) -> Iterator[Finding]:
    """Whole numbers divided by whole numbers lose their fraction on SQLite and PostgreSQL."""
    if checked.statement.dialect not in {"sqlite", "postgres"}:
        return
    for division in checked.statement.tree.find_all(exp.Div):
        if not _is_of_aggregates(division, checked):  # a quarter is (month + 2) / 3, and meant so
            continue
        if _is_whole(division.this, checked) and _is_whole(division.expression, checked):
            text = division.sql(checked.statement.dialect)
            message = f"{text} divides whole numbers and loses the fraction."
            yield Finding("integer_division", "error", message, evidence=text)


def _is_of_aggregates(division: exp.Expr, checked: Checked) -> bool:
    """Whether an aggregate is divided, there or where a column of a query inside is defined."""
    if division.find(exp.AggFunc) is not None:
        return True
    definitions = (checked.statement.found.definitions.get(id(column)) for column in division.find_all(exp.Column))
    return any(definition is not None and definition.find(exp.AggFunc) is not None for definition in definitions)


def _is_whole(node: exp.Expr, checked: Checked) -> bool:
    node = node.unnest()
    if isinstance(node, exp.Literal):
        return not node.is_string and node.name.isdigit()
    if isinstance(node, exp.Count):
        return True
    if isinstance(node, exp.Column):
        definition = checked.statement.found.definitions.get(id(node))
        if definition is not None:
            return _is_whole(definition, checked)
        origin = checked.statement.found.origins.get(id(node))
        column = checked.catalog.column(*origin) if origin else None
        return column is not None and "INT" in column.type.upper()
    if isinstance(node, exp.Cast):
        return node.to.is_type(*exp.DataType.INTEGER_TYPES)
    return _whole_parts(node, checked)


def _whole_parts(node: exp.Expr, checked: Checked) -> bool:
    if isinstance(node, exp.Sum | exp.Max | exp.Min | exp.Nullif | exp.Neg | exp.Filter | exp.Coalesce):
        return _is_whole(node.this, checked)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul):
        return _is_whole(node.this, checked) and _is_whole(node.expression, checked)
    if isinstance(node, exp.Case):
        values = [branch.args["true"] for branch in node.args["ifs"]]
        values += [node.args["default"]] if node.args.get("default") else []
        return all(isinstance(value, exp.Null) or _is_whole(value, checked) for value in values)
    return False
