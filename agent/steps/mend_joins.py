"""The mend of a join that a draft left out: it names a column of a table that is not in FROM.

A join that is not what was meant repeats or drops rows and still runs. So one is only added along declared keys, by
the one shortest way, and only where it cannot repeat rows under an aggregate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlglot import exp

from agent.steps.faults import ColumnFault, Known, column_fault_in, parsed, same_name
from agent.warehouse.dialects import identifier, render
from memory.joins import JoinEdge, NoJoinPath

__all__ = ["join_added", "join_key_mended"]


@dataclass(frozen=True, slots=True)
class _Step:
    """One join of a route: the edge, and the table it adds."""

    edge: JoinEdge
    added: str

    @property
    def behind(self) -> str:
        """The table that is there already."""
        return self.edge.other(self.added)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(column of the table that is there, column of the one it adds)."""
        if self.edge.left_table == self.behind:
            return self.edge.pairs
        return tuple((right, left) for left, right in self.edge.pairs)


_Route = tuple[_Step, ...]


def join_added(sql: str, known: Known) -> str | None:
    """A column of a table that is not in FROM: join it along declared keys, where that cannot repeat rows."""
    fault = column_fault_in(sql, known)
    select = fault.node.find_ancestor(exp.Select) if fault is not None else None
    if fault is None or select is None:
        return None
    present = {alias: table for alias, table in fault.sources.items() if table}
    owner, alias = _owner_of(fault.node, select, present, known)
    if _is_behind_nothing(fault, owner) or _is_in_a_query_beside(fault):
        return None
    owners = [owner] if owner else [table.name for table in known.catalog.tables if table.column(fault.node.name)]
    route = _only_route(present.values(), owners, select, known)
    if route is None or list(present.values()).count(route[0].behind) != 1:
        return None  # no certain way; or the table it begins at is there twice, and which one is meant is not known
    for join in _joins_along(route, present, alias, known):
        select.append("joins", join)
    return render(fault.tree, known.dialect)


def _is_behind_nothing(fault: ColumnFault, owner: str) -> bool:
    """Whether it stands behind an alias that is not there and that says of no table that it was left out."""
    qualifier = fault.node.table
    return bool(qualifier) and not owner and not any(same_name(alias, qualifier) for alias in fault.sources)


def _is_in_a_query_beside(fault: ColumnFault) -> bool:
    """Whether a query that is there, by a WITH clause or in FROM, gives a column of that name: it may be meant."""
    beside = {alias.casefold() for alias, table in fault.sources.items() if table is None}
    queries = (
        query.this
        for query in fault.tree.find_all(exp.CTE, exp.Subquery)
        if query.alias.casefold() in beside and isinstance(query.this, exp.Query)
    )
    return any(same_name(name, fault.node.name) for query in queries for name in query.named_selects)


def join_key_mended(sql: str, known: Known) -> str | None:
    """`JOIN Customers ON Orders.CustomerID = Orders.CustomerID` → `... = Customers.CustomerID`, if that is the key."""
    tree = parsed(sql, known.dialect)
    if tree is None:
        return None
    tables = {table.alias_or_name: table.name for table in tree.find_all(exp.Table)}
    changed = False
    for join in tree.find_all(exp.Join):
        on, added = join.args.get("on"), join.this
        same = [found for found in on.find_all(exp.EQ) if found.this == found.expression] if on is not None else []
        for equality in same:
            side, alias = equality.expression, added.alias_or_name
            if not isinstance(side, exp.Column) or not isinstance(added, exp.Table) or same_name(side.table, alias):
                return None
            if not known.joins.is_edge(tables.get(side.table, ""), side.name, added.name, side.name):
                return None
            side.set("table", exp.to_identifier(alias))
            changed = True
    return render(tree, known.dialect) if changed else None


def _owner_of(column: exp.Column, select: exp.Select, present: dict[str, str], known: Known) -> tuple[str, str]:
    """(table, alias) that a qualifier that is not in FROM stands for; ("", "") when it says nothing."""
    if not column.table or any(same_name(alias, column.table) for alias in present):
        return "", ""
    table = known.catalog.table(column.table)
    if table is not None:
        return table.name, ""
    # An alias that was never given: the one table with all columns it is used for, by its initials if there are more.
    wanted = {other.name for other in select.find_all(exp.Column) if same_name(other.table, column.table)}
    fitting = [table.name for table in known.catalog.tables if all(table.column(name) for name in wanted)]
    named = [table for table in fitting if _initials(table) == column.table.casefold()]
    chosen = named or fitting
    return (chosen[0], column.table) if len(chosen) == 1 else ("", "")


def _only_route(present: Iterable[str], owners: list[str], select: exp.Select, known: Known) -> _Route | None:
    """The shortest way from a table that is there to one of `owners`; None when it may be one to another owner too."""
    starts = list(dict.fromkeys(present))
    aggregated = any(not isinstance(found.parent, exp.Window) for found in select.find_all(exp.AggFunc))
    ways = [_route(start, owner, known, aggregated=aggregated) for owner in owners for start in starts]
    routes = [way for way in ways if way and not any(step.added in starts for step in way)]
    shortest = min((len(route) for route in routes), default=0)
    best = [route for route in routes if len(route) == shortest]
    return best[0] if len({route[-1].added for route in best}) == 1 else None


def _route(start: str, owner: str, known: Known, *, aggregated: bool) -> _Route | None:
    """The steps from one table to another; None when there are none, or when they are doubtful or repeat rows."""
    try:
        edges = known.joins.path([start, owner])
        repeats_rows = known.joins.fans_out(start, owner)
    except NoJoinPath:
        return None
    if repeats_rows and (aggregated or len(edges) > 1):
        return None
    if any(len(known.joins.between(edge.left_table, edge.right_table)) > 1 for edge in edges):
        return None  # two keys between the same tables: which one is meant is not known
    steps, reached = list[_Step](), {start}
    for edge in edges:
        added = edge.right_table if edge.left_table in reached else edge.left_table
        reached.add(added)
        steps.append(_Step(edge, added))
    return tuple(steps)


def _joins_along(route: _Route, present: dict[str, str], alias: str, known: Known) -> Iterator[exp.Join]:
    """The joins of a route; its last table takes `alias` if that is not empty. A nullable key gives a LEFT JOIN."""
    names = {table: name for name, table in reversed(present.items())}
    for step in route:
        given = alias if step.added == route[-1].added else ""
        names[step.added] = given or step.added
        conditions = [
            exp.EQ(
                this=_column(names[step.behind], behind, known),
                expression=_column(names[step.added], added, known),
            )
            for behind, added in step.pairs
        ]
        table = exp.Table(this=identifier(step.added, known.dialect))
        if given:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(given)))
        optional = any(_nullable(step.behind, behind, known) for behind, _ in step.pairs)
        yield exp.Join(this=table, on=exp.and_(*conditions), side="LEFT" if optional else None)


def _column(source: str, column: str, known: Known) -> exp.Column:
    qualifier = identifier(source, known.dialect) if known.catalog.table(source) else exp.to_identifier(source)
    return exp.Column(this=identifier(column, known.dialect), table=qualifier)


def _nullable(table: str, column: str, known: Known) -> bool:
    found = known.catalog.column(table, column)
    return found is not None and found.nullable


def _initials(name: str) -> str:
    """`order_details` → `od`, `OrderDetails` → `od`."""
    return "".join(word[0] for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)).casefold()
