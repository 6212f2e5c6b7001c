"""Do the joins follow the keys, and does none of them repeat the rows that are added up?

A missing or wrong join condition gives a plausible number that is wrong by orders of magnitude, and nothing fails. What
is judged is the join as it is written in this statement, not the one that would have been right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from agent.run import Finding
from agent.steps.checks.statement import Checked, is_windowed
from memory.joins import JoinGraph

__all__ = ["check_joins"]

_Column = tuple[str, str]
"""(alias, column), both folded."""


@dataclass(slots=True)
class _Joined:
    """One SELECT's sources and how they hang together."""

    tables: dict[str, str | None]
    """Alias (folded) -> catalog table, None for a derived one."""
    links: set[frozenset[str]] = field(default_factory=set)
    """Pairs of aliases that some condition mentions together."""
    pairs: list[tuple[_Column, _Column]] = field(default_factory=list)
    """Columns that are set equal across two sources."""
    pinned: set[_Column] = field(default_factory=set)
    """Columns with one value per output row: grouped by, or equal to a literal."""


def check_joins(checked: Checked) -> Iterator[Finding]:
    """Cartesian products, joins on columns that do not belong together, and aggregates over repeated rows."""
    for select in checked.statement.selects:
        joined = _read(select, checked)
        if len(joined.tables) > 1:
            yield from _cartesian(select, joined, checked)
            yield from _wrong_keys(joined, checked.joins)
            yield from _repeated(select, joined, checked)


def _read(select: exp.Select, checked: Checked) -> _Joined:
    found = checked.statement.found
    sources = found.sources.get(id(select), {})
    joined = _Joined({alias.casefold(): table for alias, table in sources.items()})
    for condition in _conditions(select, checked):
        aliases = {found.owners.get(id(column), "") for column in condition.find_all(exp.Column)} & set(joined.tables)
        joined.links |= {frozenset((one, other)) for one in aliases for other in aliases if one < other}
        _note_equality(condition, joined, checked)
    for join in checked.statement.own(select, exp.Join):
        _note_using(join, joined, checked)
    group = select.args.get("group")
    for entry in group.expressions if group else ():
        for column in _grouped_columns(entry, select):
            joined.pinned.add((found.owners.get(id(column), ""), column.name.casefold()))
    return joined


def _conditions(select: exp.Select, checked: Checked) -> Iterator[exp.Expr]:
    roots = [join.args["on"] for join in checked.statement.own(select, exp.Join) if join.args.get("on")]
    where = select.args.get("where")
    roots += [where.this] if where else []
    for root in roots:
        plain = root.unnest()
        yield from (part.unnest() for part in (plain.flatten() if isinstance(plain, exp.And) else [plain]))


def _note_equality(condition: exp.Expr, joined: _Joined, checked: Checked) -> None:
    if not isinstance(condition, exp.EQ):
        return
    sides = [condition.this.unnest(), condition.expression.unnest()]
    keys = [
        (checked.statement.found.owners.get(id(side), ""), side.name.casefold())
        for side in sides
        if isinstance(side, exp.Column)
    ]
    if len(keys) == 2 and keys[0][0] != keys[1][0] and all(alias in joined.tables for alias, _ in keys):
        joined.pairs.append((keys[0], keys[1]))
    elif len(keys) == 1 and any(isinstance(side, exp.Literal) for side in sides):
        joined.pinned.add(keys[0])


def _note_using(join: exp.Expr, joined: _Joined, checked: Checked) -> None:
    names = [name.name.casefold() for name in join.args.get("using") or ()]
    alias = join.this.alias_or_name.casefold()
    for name in names:
        for other, table in joined.tables.items():
            if other != alias and (table is None or checked.catalog.column(table, name) is not None):
                joined.pairs.append(((other, name), (alias, name)))
                joined.links.add(frozenset((other, alias)))
                break


def _grouped_columns(entry: exp.Expr, select: exp.Select) -> list[exp.Column]:
    """Columns that a GROUP BY entry stands for, through an alias or a position of the select list."""
    if isinstance(entry, exp.Literal) and entry.name.isdigit() and 0 < int(entry.name) <= len(select.expressions):
        entry = select.expressions[int(entry.name) - 1]
    elif isinstance(entry, exp.Column) and not entry.table:
        aliased = [e for e in select.expressions if isinstance(e, exp.Alias) and e.alias == entry.name]
        entry = aliased[0] if aliased else entry
    return list(entry.find_all(exp.Column))


# --- cartesian products -----------------------------------------------------------------------------------------


def _cartesian(select: exp.Select, joined: _Joined, checked: Checked) -> Iterator[Finding]:
    rows = {table.name: table.row_count for table in checked.catalog.tables}
    single = {alias for alias in joined.tables if _one_row(alias, select)}
    single |= {alias for alias, table in joined.tables.items() if table and rows.get(table, 0) == 1}
    parts: list[set[str]] = []
    for alias in joined.tables:
        near = {alias} | {other for link in joined.links if alias in link for other in link}
        touching = [part for part in parts if part & near]
        parts = [part for part in parts if not part & near] + [near.union(*touching)]
    apart = [part for part in parts if not part <= single]
    if len(apart) > 1:
        names = " and ".join(sorted(sorted(part)[0] for part in apart)[:2])
        yield Finding(
            "cartesian_product",
            "error",
            f"Nothing joins {names}: every row of the one meets every row of the other.",
            evidence=", ".join(sorted(joined.tables)),
        )


def _one_row(alias: str, select: exp.Select) -> bool:
    """Whether a derived source gives one row by its form: aggregates without GROUP BY, or LIMIT 1."""
    root = select.root()
    for source in [*select.find_all(exp.Subquery), *root.find_all(exp.CTE)]:
        if source.alias_or_name.casefold() != alias and not _names_cte(select, alias, source):
            continue
        query = source.this
        if not isinstance(query, exp.Select):
            continue
        limit = query.args.get("limit")
        if isinstance(limit, exp.Limit) and limit.expression.name == "1":
            return True
        return query.args.get("group") is None and all(
            entry.find(exp.AggFunc) or not entry.find(exp.Column) for entry in query.expressions
        )
    return False


def _names_cte(select: exp.Select, alias: str, source: exp.Expr) -> bool:
    """Whether `alias` in this SELECT's FROM stands for the CTE `source`."""
    return isinstance(source, exp.CTE) and any(
        table.alias_or_name.casefold() == alias and table.name.casefold() == source.alias.casefold()
        for table in select.find_all(exp.Table)
    )


# --- keys -------------------------------------------------------------------------------------------------------


def _wrong_keys(joined: _Joined, joins: JoinGraph) -> Iterator[Finding]:
    same = _key_classes(joins)
    between: dict[frozenset[str], list[tuple[_Column, _Column]]] = defaultdict(list)
    for left, right in joined.pairs:
        between[frozenset((left[0], right[0]))].append((left, right))
    for equalities in between.values():
        verdicts = [_related(left, right, joined, same) for left, right in equalities]
        if "yes" in verdicts or "unknown" in verdicts:
            continue
        (one, column), (other, its_column) = equalities[0]
        condition = f"{joined.tables[one]}.{column} = {joined.tables[other]}.{its_column}"
        yield Finding(
            "join_keys",
            "error" if "no" in verdicts else "warning",
            f"The join {condition} does not follow any key of the warehouse.",
            evidence=condition,
        )


def _related(left: _Column, right: _Column, joined: _Joined, same: dict[tuple[str, str], int]) -> str:
    first, second = joined.tables[left[0]], joined.tables[right[0]]
    if first is None or second is None:
        return "unknown"
    one, other = same.get((first.casefold(), left[1])), same.get((second.casefold(), right[1]))
    if one is None and other is None:
        return "yes" if first == second and left[1] == right[1] else "undeclared"
    return "yes" if one == other else "no"


def _key_classes(joins: JoinGraph) -> dict[tuple[str, str], int]:
    """(table, column) folded -> the class of columns that hold the same keys, through any number of edges."""
    classes: dict[tuple[str, str], int] = {}
    for number, edge in enumerate(joins.edges):
        for a, b in edge.pairs:
            left = (edge.left_table.casefold(), a.casefold())
            right = (edge.right_table.casefold(), b.casefold())
            old = {classes.get(left), classes.get(right)} - {None}
            classes[left] = classes[right] = number
            for key, value in list(classes.items()):
                if value in old:
                    classes[key] = number
    return classes


# --- repeated rows ----------------------------------------------------------------------------------------------


def _repeated(select: exp.Select, joined: _Joined, checked: Checked) -> Iterator[Finding]:
    owners = checked.statement.found.owners
    for node in checked.statement.own(select, exp.Sum, exp.Avg, exp.Count):
        if is_windowed(node) or isinstance(node.this, exp.Distinct):
            continue
        columns = [column for column in _valued(node) if owners.get(id(column)) in joined.tables]
        bases = {owners[id(column)] for column in columns}
        if not bases or any(joined.tables[base] is None for base in bases):
            continue
        culprits = [_repeating_join(base, joined, checked) for base in sorted(bases)]
        if any(not culprit for culprit in culprits):
            continue  # the finest of the tables in the expression is not repeated, so neither are its rows
        base, culprit = sorted(bases)[0], culprits[0]
        yield Finding(
            "fan_out",
            "warning" if isinstance(node, exp.Count) and not _counts_key(node, joined, checked) else "error",
            f"Joining {joined.tables[culprit]} repeats rows of {joined.tables[base]}, "
            f"so {node.sql(checked.statement.dialect)} counts some of them more than once.",
            evidence=node.sql(checked.statement.dialect),
        )


def _valued(node: exp.Expr) -> Iterator[exp.Column]:
    """Columns whose values are aggregated; those that only decide in a CASE whether a row counts are not."""
    for column in node.find_all(exp.Column):
        at: exp.Expr | None = column
        while at is not node and at is not None:
            if at.arg_key == "this" and isinstance(at.parent, exp.If | exp.Case):
                break
            at = at.parent
        else:
            yield column


def _counts_key(node: exp.Expr, joined: _Joined, checked: Checked) -> bool:
    column = node.this
    if not isinstance(column, exp.Column):
        return False
    table = checked.catalog.table(joined.tables.get(checked.statement.found.owners.get(id(column), "")) or "")
    return table is not None and [key.casefold() for key in table.primary_key] == [column.name.casefold()]


def _repeating_join(base: str, joined: _Joined, checked: Checked) -> str:
    """The source whose join repeats rows of `base`; "" when none does, as far as the keys tell."""
    seen, pending = {base}, [base]
    while pending:
        pending.pop()
        beside: dict[str, set[str]] = defaultdict(set)
        for left, right in joined.pairs:
            for (near, _), (far, column) in ((left, right), (right, left)):
                if near in seen and far not in seen:
                    beside[far].add(column)
        for far, columns in beside.items():
            table = checked.catalog.table(joined.tables[far] or "")
            if table is None or not table.primary_key:
                continue  # a derived table's rows are not known to repeat anything
            open_keys = {key.casefold() for key in table.primary_key} - columns
            if open_keys and not all(_settled(far, key, joined, checked) for key in open_keys):
                return far
            seen.add(far)
            pending.append(far)
    return ""


def _settled(alias: str, key: str, joined: _Joined, checked: Checked) -> bool:
    """Whether one output row has one value of this key: it is pinned, or belongs to a row that is."""
    if (alias, key) in joined.pinned:
        return True
    for left, right in joined.pairs:
        for own, other in ((left, right), (right, left)):
            if own != (alias, key):
                continue
            table = checked.catalog.table(joined.tables[other[0]] or "")
            whole = table is not None and [k.casefold() for k in table.primary_key] == [other[1]]
            if whole and any(pinned[0] == other[0] for pinned in joined.pinned):
                return True
    return False
