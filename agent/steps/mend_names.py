"""Mends of names: the table, column or join that a draft surely meant.

A wrong mend runs and lies, no mend costs one more try. So names are only replaced by one clearly nearest, joins only
added along declared keys and only where they cannot repeat rows under an aggregate, and columns only qualified where
every reading is equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from agent.errors import ErrorClass
from agent.run import Finding
from agent.warehouse.dialects import identifier, render
from agent.warehouse.scopes import UnresolvedName, resolve
from memory.catalog import Catalog, Table
from memory.joins import JoinEdge, JoinGraph, NoJoinPath

__all__ = ["NAME_MENDS", "Known", "Mend", "parsed", "qualified"]

_SURE = 0.8
_MARGIN = 0.08
"""The nearest name must be this similar, and this much nearer than the next."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a mend may lean on."""

    catalog: Catalog
    joins: JoinGraph
    dialect: str
    findings: tuple[Finding, ...] = ()
    faults: dict[str, tuple[exp.Expr, UnresolvedName] | None] = field(default_factory=dict, compare=False)
    """What `_at_fault` found, so that rules tried on the same statement do not parse it again. A rule that declines
    leaves the tree as it was."""


Mend = Callable[[str, Known], str | None]


def _at_fault(sql: str, known: Known) -> tuple[exp.Expr, UnresolvedName] | None:
    """The tree and the first name in it that does not resolve."""
    if sql not in known.faults:
        known.faults[sql] = _find_fault(sql, known)
    return known.faults[sql]


def _find_fault(sql: str, known: Known) -> tuple[exp.Expr, UnresolvedName] | None:
    tree = parsed(sql, known.dialect)
    if tree is None:
        return None
    try:
        resolve(tree, known.catalog, known.dialect)
    except UnresolvedName as unresolved:
        return (tree, unresolved) if unresolved.node is not None else None
    return None


def schema_dropped(sql: str, known: Known) -> str | None:
    """`main.Orders` → `Orders`, `public.Orders.Freight` → `Orders.Freight`."""
    fault = _at_fault(sql, known)
    if fault is None:
        return None
    tree, node = fault[0], fault[1].node
    if not isinstance(node, exp.Table | exp.Column) or not node.args.get("db"):
        return None
    if isinstance(node, exp.Column) and known.catalog.table(node.table) is None:
        return None
    node.set("db", None)
    node.set("catalog", None)
    return render(tree, known.dialect)


def nearest_table(sql: str, known: Known) -> str | None:
    """`OrderDetails` → `order_details`, `Custommers` → `Customers`."""
    fault = _at_fault(sql, known)
    if fault is None or not isinstance(fault[1].node, exp.Table) or fault[1].node.args.get("db"):
        return None
    tree, node = fault[0], fault[1].node
    meant = _clearly_nearest(node.name, [table.name for table in known.catalog.tables])
    if meant is None:
        return None
    written = node.name.casefold()
    for table in list(tree.find_all(exp.Table)):
        if table.name.casefold() == written and not table.args.get("db"):
            table.set("this", identifier(meant, known.dialect))
    if not node.alias:  # columns may be qualified with the name as it was
        for column in tree.find_all(exp.Column):
            if column.table.casefold() == written:
                column.set("table", identifier(meant, known.dialect))
    return render(tree, known.dialect)


def quoted_text(sql: str, known: Known) -> str | None:
    """`Country = "Germany"` → `Country = 'Germany'`: double quotes are for names."""
    fault = _at_fault(sql, known)
    if fault is None:
        return None
    tree, node = fault[0], fault[1].node
    if not isinstance(node, exp.Column) or node.table or not node.this.args.get("quoted"):
        return None
    if not isinstance(node.parent, exp.EQ | exp.NEQ | exp.In | exp.Like | exp.GT | exp.GTE | exp.LT | exp.LTE):
        return None
    node.replace(exp.Literal.string(node.name))
    return render(tree, known.dialect)


def requalified(sql: str, known: Known) -> str | None:
    """`p.CategoryName` → `c.CategoryName` where one joined table has it; `Orders.X` → `o.X` behind an alias."""
    fault = _at_fault(sql, known)
    if fault is None or not isinstance(fault[1].node, exp.Column) or not fault[1].node.table:
        return None
    tree, unresolved = fault
    node = unresolved.node
    assert isinstance(node, exp.Column)  # noqa: S101 (checked above; narrows the type)
    holders = _holders(node.name, unresolved.sources, known.catalog)
    named = [alias for alias, table in unresolved.sources.items() if _same(table, node.table) and alias in holders]
    if len(named or holders) != 1:
        return None
    if not named and known.catalog.column(node.table, node.name) is not None:
        return None  # the qualifier is a table that has this column: it is missing, not misnamed
    written, place = (node.table, node.name), node.find_ancestor(exp.Select)
    for column in list(tree.find_all(exp.Column)):
        if (column.table, column.name) == written and column.find_ancestor(exp.Select) is place:
            column.set("table", exp.to_identifier((named or holders)[0]))
    return render(tree, known.dialect)


def nearest_column(sql: str, known: Known) -> str | None:
    """`ShipDate` → `ShippedDate`, among the columns of the tables that are there."""
    fault = _at_fault(sql, known)
    if fault is None or not isinstance(fault[1].node, exp.Column):
        return None
    tree, unresolved = fault
    node = unresolved.node
    assert isinstance(node, exp.Column)  # noqa: S101 (checked above; narrows the type)
    if not node.table and any(table.column(node.name) for table in known.catalog.tables):
        return None  # another table has exactly this column, and may be meant
    sources = {
        alias: table for alias, table in unresolved.sources.items() if not node.table or _same(alias, node.table)
    }
    tables = [known.catalog.table(table) for table in sources.values() if table]
    names = [column.name for table in tables if table for column in table.columns]
    meant = _clearly_nearest(node.name, names)
    if meant is None or len(_holders(meant, sources, known.catalog)) != 1:
        return None
    written, place = (node.table, node.name), node.find_ancestor(exp.Select)
    for column in list(tree.find_all(exp.Column)):
        if (column.table, column.name) == written and column.find_ancestor(exp.Select) is place:
            column.set("this", identifier(meant, known.dialect))
    return render(tree, known.dialect)


def join_added(sql: str, known: Known) -> str | None:
    """A column of a table that is not in FROM: join it along declared keys, where that cannot repeat rows."""
    fault = _at_fault(sql, known)
    if fault is None or not isinstance(fault[1].node, exp.Column):
        return None
    tree, unresolved = fault
    node = unresolved.node
    assert isinstance(node, exp.Column)  # noqa: S101 (checked above; narrows the type)
    select = node.find_ancestor(exp.Select)
    present = {alias: table for alias, table in unresolved.sources.items() if table}
    if select is None or not present:
        return None
    owner, alias = _owner_of(node, select, present, known)
    candidates = [owner] if owner else [t.name for t in known.catalog.tables if t.column(node.name)]
    routes = [route for table in candidates for route in _routes(present, table, select, known)]
    shortest = min((len(route) for route in routes), default=0)
    best = [route for route in routes if len(route) == shortest]
    if not best or len({route[-1][1] for route in best}) != 1:
        return None
    if not _append_joins(select, best[0], present, alias, known):
        return None
    return render(tree, known.dialect)


def _owner_of(node: exp.Column, select: exp.Select, present: dict[str, str], known: Known) -> tuple[str, str]:
    """(table, alias) that a qualifier that is not in FROM stands for; ("", "") when it says nothing."""
    if not node.table or any(_same(alias, node.table) for alias in present):
        return "", ""
    table = known.catalog.table(node.table)
    if table is not None:
        return table.name, ""
    wanted = {column.name for column in select.find_all(exp.Column) if _same(column.table, node.table)}
    fitting = [table for table in known.catalog.tables if all(table.column(name) for name in wanted)]
    initials = [table for table in fitting if _initials(table.name) == node.table.casefold()]
    chosen = initials or fitting
    return (chosen[0].name, node.table) if len(chosen) == 1 else ("", "")


def _routes(present: dict[str, str], owner: str, select: exp.Select, known: Known) -> list[list[tuple[JoinEdge, str]]]:
    """Ways from a table that is there to `owner`: steps of (edge, table it adds), none of them doubtful."""
    if owner in present.values():
        return []
    aggregates = any(not isinstance(found.parent, exp.Window) for found in select.find_all(exp.AggFunc))
    found = []
    for table in dict.fromkeys(present.values()):
        try:
            edges = known.joins.path([table, owner])
            if known.joins.fans_out(table, owner) and (aggregates or len(edges) > 1):
                continue
        except NoJoinPath:
            continue
        steps, reached = [], {table}
        for edge in edges:
            ahead = edge.right_table if edge.left_table in reached else edge.left_table
            reached.add(ahead)
            steps.append((edge, ahead))
        doubtful = any(len(known.joins.between(edge.left_table, edge.right_table)) > 1 for edge, _ in steps)
        if not doubtful and not any(ahead in present.values() for _, ahead in steps):
            found.append(steps)
    return found


def _append_joins(
    select: exp.Select, route: list[tuple[JoinEdge, str]], present: dict[str, str], alias: str, known: Known
) -> bool:
    names = {table: name for name, table in reversed(present.items())}
    if list(present.values()).count(route[0][0].other(route[0][1])) != 1:
        return False  # the table it hangs on is there twice: which one is meant is not known
    for edge, ahead in route:
        behind = edge.other(ahead)
        given = alias if ahead == route[-1][1] else ""
        pairs = edge.pairs if edge.left_table == behind else tuple((b, a) for a, b in edge.pairs)
        names[ahead] = given or ahead
        conditions = [
            exp.EQ(this=_column(names[behind], left, known), expression=_column(names[ahead], right, known))
            for left, right in pairs
        ]
        table = exp.Table(this=identifier(ahead, known.dialect))
        if given:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(given)))
        optional = any(_nullable(behind, left, known.catalog) for left, _ in pairs)
        select.append("joins", exp.Join(this=table, on=exp.and_(*conditions), side="LEFT" if optional else None))
    return True


def qualified(sql: str, known: Known) -> str | None:
    """An ambiguous column that the join makes equal on both sides: any of them will do, so the first is named."""
    fault = _at_fault(sql, known)
    if fault is None or fault[1].error_class is not ErrorClass.AMBIGUOUS_COLUMN:
        return None
    tree, unresolved = fault
    node = unresolved.node
    assert isinstance(node, exp.Column)  # noqa: S101 (an ambiguous name is a column)
    holders = _holders(node.name, unresolved.sources, known.catalog)
    select = node.find_ancestor(exp.Select)
    if select is None or len(holders) < 2:
        return None
    folded = {holder.casefold() for holder in holders}
    together = {holders[0].casefold()}
    equalities = [
        {equal.this.table.casefold(), equal.expression.table.casefold()}
        for equal in select.find_all(exp.EQ)
        if isinstance(equal.this, exp.Column)
        and isinstance(equal.expression, exp.Column)
        and _same(equal.this.name, node.name)
        and _same(equal.expression.name, node.name)
    ]
    for _ in equalities:
        together |= {name for pair in equalities if pair & together for name in pair}
    if not folded <= together:
        return None
    node.set("table", exp.to_identifier(holders[0]))
    return render(tree, known.dialect)


NAME_MENDS: tuple[Mend, ...] = (schema_dropped, nearest_table, quoted_text, requalified, join_added, nearest_column)
"""In the order they are tried: what says most about the meaning first."""


def parsed(sql: str, dialect: str) -> exp.Expr | None:
    """The one statement in `sql`, or None when that dialect cannot read it as one."""
    try:
        statements = [tree for tree in sqlglot.parse(sql, dialect=dialect) if tree is not None]
    except (SqlglotError, RecursionError, ValueError):
        return None
    return statements[0] if len(statements) == 1 else None


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
    return containing[0] if len(containing) == 1 and best - 0.2 < _similarity(name, containing[0]) else None


def _similarity(first: str, second: str) -> float:
    one, other = (re.sub(r"[^a-z0-9]", "", text.casefold()) for text in (first, second))
    return SequenceMatcher(None, one, other).ratio()


def _words(name: str) -> frozenset[str]:
    return frozenset(word.casefold().rstrip("s") for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name))


def _initials(name: str) -> str:
    return "".join(word[0] for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)).casefold()


def _holders(column: str, sources: dict[str, str | None], catalog: Catalog) -> list[str]:
    return [alias for alias, table in sources.items() if table and catalog.column(table, column) is not None]


def _same(first: str | None, second: str | None) -> bool:
    return first is not None and second is not None and first.casefold() == second.casefold()


def _column(table: str, column: str, known: Known) -> exp.Column:
    qualifier = identifier(table, known.dialect) if known.catalog.table(table) else exp.to_identifier(table)
    return exp.Column(this=identifier(column, known.dialect), table=qualifier)


def _nullable(table: str, column: str, catalog: Catalog) -> bool:
    owner: Table | None = catalog.table(table)
    found = owner.column(column) if owner else None
    return found is not None and found.nullable
