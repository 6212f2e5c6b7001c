"""Mends of names: the table or column that a draft surely meant.

A wrong mend runs and lies, no mend costs one more try. So a name is only replaced by the one clearly nearest, and a
column only qualified where every reading of it is equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

from sqlglot import exp

from agent.errors import ErrorClass
from agent.steps.faults import ColumnFault, Fault, Known, Mend, column_fault_in, fault_in, holders, same_name
from agent.steps.mend_joins import join_added
from agent.steps.mend_literals import text_quoted
from agent.warehouse.dialects import identifier, render
from memory.catalog import Table

__all__ = ["NAME_MENDS", "qualified"]

_SURE = 0.8
_MARGIN = 0.08
"""The nearest name must be this similar, and this much nearer than the next."""
_LEEWAY = 0.2
"""The only name with all of the words may be this much less similar than the most similar one."""
_ENOUGH_COLUMNS = 2
"""A table that nobody has heard of is only known by its columns when there are so many of them."""
_COMPARISONS = (exp.EQ, exp.NEQ, exp.In, exp.Like, exp.GT, exp.GTE, exp.LT, exp.LTE)


def schema_dropped(sql: str, known: Known) -> str | None:
    """`main.Orders` → `Orders`, `public.Orders.Freight` → `Orders.Freight`."""
    fault = fault_in(sql, known)
    if fault is None or not isinstance(fault.node, exp.Table | exp.Column) or not fault.node.args.get("db"):
        return None
    if isinstance(fault.node, exp.Column) and known.catalog.table(fault.node.table) is None:
        return None
    fault.node.set("db", None)
    fault.node.set("catalog", None)
    return render(fault.tree, known.dialect)


def nearest_table(sql: str, known: Known) -> str | None:
    """`OrderDetails` → `order_details`, `Custommers` → `Customers`."""
    fault = fault_in(sql, known)
    if fault is None or not isinstance(fault.node, exp.Table) or fault.node.args.get("db"):
        return None
    meant = _clearly_nearest(fault.node.name, [table.name for table in known.catalog.tables])
    if meant is None:
        return None
    _rename(fault, meant, known)
    return render(fault.tree, known.dialect)


def _rename(fault: Fault, meant: str, known: Known) -> None:
    """Give the unknown table its name, also where it stands before columns."""
    written = fault.node.name.casefold()
    for table in list(fault.tree.find_all(exp.Table)):
        if table.name.casefold() == written and not table.args.get("db"):
            table.set("this", identifier(meant, known.dialect))
    if not fault.node.alias:  # columns may be qualified with the name as it was
        for column in fault.tree.find_all(exp.Column):
            if column.table.casefold() == written:
                column.set("table", identifier(meant, known.dialect))


def table_by_columns(sql: str, known: Known) -> str | None:
    """`Items.ProductID`, `Items.CategoryID` → `Products`: the only table with all the columns it is used for."""
    fault = fault_in(sql, known)
    if fault is None or not isinstance(fault.node, exp.Table) or fault.node.args.get("db"):
        return None
    alias = fault.node.alias_or_name
    select = fault.node.find_ancestor(exp.Select)
    if select is None:
        return None
    used = {column.name for column in select.find_all(exp.Column) if same_name(column.table, alias)}
    there = {table.name.casefold() for table in select.find_all(exp.Table)}
    fitting = [
        table.name
        for table in known.catalog.tables
        if table.name.casefold() not in there and all(table.column(name) for name in used)
    ]
    if len(used) < _ENOUGH_COLUMNS or len(fitting) != 1:
        return None
    _rename(fault, fitting[0], known)
    return render(fault.tree, known.dialect)


def quoted_text(sql: str, known: Known) -> str | None:
    """`Country = "Germany"` → `Country = 'Germany'`: double quotes are for names."""
    fault = column_fault_in(sql, known)
    if fault is None or fault.node.table or not fault.node.this.args.get("quoted"):
        return None
    parent, name = fault.node.parent, fault.node.name
    beside = isinstance(parent, _COMPARISONS) and parent.this is not fault.node and isinstance(parent.this, exp.Column)
    if not beside or any(table.column(name) for table in known.catalog.tables):
        return None  # some databases' dialects quote every name
    fault.node.replace(exp.Literal.string(name))
    return render(fault.tree, known.dialect)


def requalified(sql: str, known: Known) -> str | None:
    """`p.CategoryName` → `c.CategoryName` where one joined table has it; `Orders.X` → `o.X` behind an alias."""
    fault = column_fault_in(sql, known)
    if fault is None or not fault.node.table:
        return None
    qualifier, name = fault.node.table, fault.node.name
    having_it = holders(name, fault.sources, known.catalog)
    aliased = [alias for alias in having_it if same_name(fault.sources[alias], qualifier)]
    if not aliased and known.catalog.column(qualifier, name) is not None:
        return None  # the qualifier is a table that has this column: it is missing, not misnamed
    meant = aliased or _possible(fault, known)
    if len(meant) != 1:
        return None
    used = {column.name for column in fault.behind_alias()}
    whole = all(meant[0] in holders(each, fault.sources, known.catalog) for each in used)
    for column in fault.behind_alias() if whole and not _is_there(qualifier, fault) else fault.alike():
        column.set("table", exp.to_identifier(meant[0]))
    return render(fault.tree, known.dialect)


def _is_there(qualifier: str, fault: ColumnFault) -> bool:
    return any(same_name(alias, qualifier) for alias in fault.sources)


def _possible(fault: ColumnFault, known: Known) -> list[str]:
    """The sources that a wrong qualifier can stand for.

    One that is not in FROM stands for what has all that it is used for, but not for what it is joined to; and for
    nothing that is there, if it may as well be a table that was left out.
    """
    name, qualifier = fault.node.name, fault.node.table
    having_it = holders(name, fault.sources, known.catalog)
    if _is_there(qualifier, fault):
        return having_it  # it stands rightly before other columns
    used = {column.name for column in fault.behind_alias()}
    whole = [alias for alias in having_it if all(alias in holders(each, fault.sources, known.catalog) for each in used)]
    joined_to = {
        side.table.casefold()
        for column in fault.behind_alias()
        if isinstance(column.parent, exp.EQ)
        for side in column.parent.iter_expressions()
        if isinstance(side, exp.Column) and not same_name(side.table, qualifier)
    }
    fitting = [
        alias
        for alias in whole or having_it
        if alias.casefold() not in joined_to and not _is_another(alias, name, fault)
    ]
    there = {str(table).casefold() for table in fault.sources.values()}
    left_out = [
        table.name
        for table in known.catalog.tables
        if table.name.casefold() not in there and all(table.column(each) for each in used)
    ]
    if not left_out:
        return fitting
    alike = [
        alias for alias in fitting if _initial(qualifier) in (_initial(alias), _initial(fault.sources[alias] or ""))
    ]
    return [] if any(_initial(name) == _initial(qualifier) for name in left_out) else alike


def _is_another(alias: str, name: str, fault: ColumnFault) -> bool:
    """Whether the statement names that column of the aliased table as well: then a second copy of it was left out."""
    if same_name(alias, fault.sources[alias]):
        return False
    return any(
        same_name(column.table, alias) and same_name(column.name, name) for column in fault.tree.find_all(exp.Column)
    )


def _initial(name: str) -> str:
    return name[:1].casefold()


def nearest_column(sql: str, known: Known) -> str | None:
    """`ShipDate` → `ShippedDate`, among the columns of the tables that are there."""
    fault = column_fault_in(sql, known)
    if fault is None:
        return None
    qualifier, name = fault.node.table, fault.node.name
    if not qualifier and any(table.column(name) for table in known.catalog.tables):
        return None  # another table has exactly this column, and may be meant
    sources = {alias: table for alias, table in fault.sources.items() if not qualifier or same_name(alias, qualifier)}
    tables = [known.catalog.table(table) for table in sources.values() if table]
    meant = _behind_its_table(name, [table for table in tables if table])
    meant = meant or _clearly_nearest(name, [column.name for table in tables if table for column in table.columns])
    if meant is None or len(holders(meant, sources, known.catalog)) != 1:
        return None
    for column in fault.alike():
        column.set("this", identifier(meant, known.dialect))
    return render(fault.tree, known.dialect)


def qualified(sql: str, known: Known) -> str | None:
    """An ambiguous column that the join makes equal on both sides: any of them will do, so the first is named."""
    fault = column_fault_in(sql, known)
    select = fault.node.find_ancestor(exp.Select) if fault is not None else None
    if fault is None or select is None or fault.error_class is not ErrorClass.AMBIGUOUS_COLUMN:
        return None
    having_it = holders(fault.node.name, fault.sources, known.catalog)
    partner = _joined_by_key(fault, having_it, known)
    if partner:
        fault.node.set("table", exp.to_identifier(partner))
        return render(fault.tree, known.dialect)
    if len(having_it) < 2 or not _made_equal(fault.node.name, having_it, select):
        return None
    if _is_outer(select) and fault.node.find_ancestor(exp.Count, exp.Is) is not None:
        return None  # which side is counted, or missing, is the whole question
    fault.node.set("table", exp.to_identifier(having_it[0]))
    return render(fault.tree, known.dialect)


def _joined_by_key(fault: ColumnFault, having_it: list[str], known: Known) -> str:
    """In `ON CustomerID = Orders.CustomerID`: the one source whose key of that name refers to the other side, or ""."""
    equality = fault.node.parent
    if not isinstance(equality, exp.EQ) or equality.find_ancestor(exp.Join) is None:
        return ""
    other = equality.expression if equality.this is fault.node else equality.this
    if not isinstance(other, exp.Column) or not other.table:
        return ""
    behind = next((table for alias, table in fault.sources.items() if same_name(alias, other.table)), None)
    linked = [
        alias
        for alias in having_it
        if not same_name(alias, other.table)
        and behind
        and known.joins.is_edge(str(fault.sources[alias]), fault.node.name, behind, other.name)
    ]
    return linked[0] if len(linked) == 1 else ""


def _is_outer(select: exp.Select) -> bool:
    return any(join.side for join in select.args.get("joins") or ())


NAME_MENDS: tuple[Mend, ...] = (
    schema_dropped,
    nearest_table,
    table_by_columns,
    quoted_text,
    text_quoted,
    requalified,
    join_added,
    nearest_column,
)
"""In the order they are tried: what says most about the meaning first."""


def _made_equal(name: str, sources: list[str], select: exp.Select) -> bool:
    """Whether equalities such as `a.name = b.name` link the column of that name of all `sources`."""
    pairs = [
        {equality.this.table.casefold(), equality.expression.table.casefold()}
        for equality in select.find_all(exp.EQ)
        if all(isinstance(side, exp.Column) and same_name(side.name, name) for side in equality.iter_expressions())
    ]
    linked = {sources[0].casefold()}
    for _ in pairs:  # each round reaches at least one source further, if there is one
        linked |= {source for pair in pairs if pair & linked for source in pair}
    return {source.casefold() for source in sources} <= linked


def _behind_its_table(name: str, tables: list[Table]) -> str | None:
    """`CustomerCity` → `City` of `Customers`: the one column that is named but for the words of its table."""
    words = _words(name)
    named = [
        column.name
        for table in tables
        for column in table.columns
        if words and _words(column.name) < words and words - _words(column.name) <= _words(table.name)
    ]
    return named[0] if len(named) == 1 else None


def _clearly_nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The one candidate that is surely meant: nearly the same letters, or the only one with all of the name's words."""
    pool = list(dict.fromkeys(candidates))
    scored = sorted(((_similarity(name, candidate), candidate) for candidate in pool), reverse=True)
    if not scored:
        return None
    best, meant = scored[0]
    runner_up = scored[1][0] if len(scored) > 1 else 0.0
    if best >= _SURE and best - runner_up >= _MARGIN:
        return meant
    words = _words(name)
    containing = [candidate for candidate in pool if words and words < _words(candidate)]
    return containing[0] if len(containing) == 1 and best - _similarity(name, containing[0]) < _LEEWAY else None


def _similarity(first: str, second: str) -> float:
    """How alike two names are in their letters and digits, 0 to 1."""
    one, other = (re.sub(r"[^a-z0-9]", "", text.casefold()) for text in (first, second))
    return SequenceMatcher(None, one, other).ratio()


def _words(name: str) -> frozenset[str]:
    """`OrderDetails` and `order_detail` → {order, detail}."""
    return frozenset(word.casefold().rstrip("s") for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name))
