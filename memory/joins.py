"""The join graph: which tables may be joined on which columns, and what a join does to the number of rows.

An edge comes from a foreign key or from `joins:` in `metrics.yaml`. A path is the smallest set of edges that
connects the wanted tables; a join that goes from the one side to the many repeats the base table's rows, which under
a SUM is the classic silent error, so the graph can say when that would happen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from memory.catalog import Catalog, Table
from memory.errors import CatalogError, NoJoinPath

__all__ = ["JoinEdge", "JoinGraph", "NoJoinPath"]


@dataclass(frozen=True, slots=True)
class JoinEdge:
    """One equality two tables may be joined on; composite keys give one edge with several column pairs."""

    left_table: str
    left_column: str
    right_table: str
    right_column: str
    many_side: str
    """The table with many rows per row of the other; "" when both sides are unique (one-to-one)."""
    more: tuple[tuple[str, str], ...] = ()
    """Further (left, right) column pairs of a composite key."""

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """All (left column, right column) pairs."""
        return ((self.left_column, self.right_column), *self.more)

    @property
    def condition(self) -> str:
        """The edge as an unquoted SQL condition, `A.x = B.x AND ...`."""
        return " AND ".join(f"{self.left_table}.{a} = {self.right_table}.{b}" for a, b in self.pairs)

    @property
    def is_self(self) -> bool:
        """Whether the table refers to itself (Employees.ReportsTo)."""
        return self.left_table == self.right_table

    def other(self, table: str) -> str:
        """The table at the far end."""
        return self.right_table if table.casefold() == self.left_table.casefold() else self.left_table


class JoinGraph:
    """The catalog's tables and the edges among them; names are taken in any case and given in the catalog's."""

    def __init__(self, catalog: Catalog, extra: Iterable[tuple[str, str] | Mapping[str, str]] = ()) -> None:
        """Foreign keys of `catalog` and `extra` relationships, each ("T.c", "T.c") or {"left": "T.c", "right": "T.c"}.

        Raises:
            CatalogError: an extra relationship names a table or column that the catalog does not have.
        """
        self._catalog = catalog
        found = [*self._foreign_key_edges(), *(self._extra_edge(entry) for entry in extra)]
        self.edges: tuple[JoinEdge, ...] = tuple(dict.fromkeys(found))
        self._pairs = {key for edge in self.edges for key in _pair_keys(edge)}
        self._neighbours: dict[str, list[JoinEdge]] = {table.name: [] for table in catalog.tables}
        for edge in self.edges:
            if not edge.is_self:
                self._neighbours[edge.left_table].append(edge)
                self._neighbours[edge.right_table].append(edge)

    def between(self, first: str, second: str) -> tuple[JoinEdge, ...]:
        """Every edge that joins the two tables directly, declared order (two keys to one table give two)."""
        ends = {self._name(first), self._name(second)}
        return tuple(edge for edge in self.edges if {edge.left_table, edge.right_table} == ends)

    def is_edge(self, first_table: str, first_column: str, second_table: str, second_column: str) -> bool:
        """Whether the equality of these two columns is an edge, or part of a composite one."""
        return _pair_key(first_table, first_column, second_table, second_column) in self._pairs

    def path(self, tables: Sequence[str]) -> tuple[JoinEdge, ...]:
        """The fewest edges that connect all `tables`, in an order in which each joins what is there already.

        Tables in between are added as needed. Equal lengths are settled by preferring many-to-one steps from the
        first table, then by name, so the answer is always the same.

        Raises:
            NoJoinPath: a table is unknown, or cannot be reached from the first.
        """
        wanted = list(dict.fromkeys(self._name(table) for table in tables))
        if not wanted:
            return ()
        reached, chosen = {wanted[0]}, list[JoinEdge]()
        remaining = wanted[1:]
        while remaining:
            routes = [(self._route(reached, table), order) for order, table in enumerate(remaining)]
            route, order = min(routes, key=lambda found: (_route_cost(found[0]), found[1]))
            start = next(iter(route)) if route else None
            if start is None:  # already reached on the way to another
                remaining.pop(order)
                continue
            for edge, table in route:
                chosen.append(edge)
                reached.add(table)
            remaining.pop(order)
        return tuple(chosen)

    def fans_out(self, base: str, other: str) -> bool:
        """Whether joining `other` to `base` along the path can repeat rows of `base`.

        Raises:
            NoJoinPath: the two are not connected.
        """
        return any(
            edge.many_side == table or _many_to_many(edge)
            for edge, table in self._route({self._name(base)}, self._name(other))
        )

    def connected(self, tables: Sequence[str]) -> bool:
        """Whether a path over all `tables` exists."""
        try:
            self.path(tables)
        except NoJoinPath:
            return False
        return True

    def _route(self, start: set[str], goal: str) -> list[tuple[JoinEdge, str]]:
        """Shortest steps from any table of `start` to `goal`: (edge, table it adds); [] when already there."""
        if goal in start:
            return []
        queue = deque(sorted(start))
        came: dict[str, tuple[JoinEdge, str]] = {}
        seen = set(start)
        while queue:
            table = queue.popleft()
            for edge in sorted(self._neighbours[table], key=lambda e: _step_order(e, table)):
                ahead = edge.other(table)
                if ahead in seen:
                    continue
                seen.add(ahead)
                came[ahead] = (edge, table)
                if ahead == goal:
                    return _walk_back(came, goal, start)
                queue.append(ahead)
        raise NoJoinPath(f"No join path leads from {' or '.join(sorted(start))} to {goal}.")

    def _name(self, table: str) -> str:
        found = self._catalog.table(table)
        if found is None:
            raise NoJoinPath(f"There is no table {table}.")
        return found.name

    def _foreign_key_edges(self) -> Iterable[JoinEdge]:
        for table in self._catalog.tables:
            for key in table.foreign_keys:
                target = self._catalog.table(key.target_table)
                if target is None or len(key.columns) != len(key.target_columns):
                    continue  # a key into another schema cannot be joined here
                pairs = tuple(zip(key.columns, key.target_columns, strict=True))
                yield _edge(table, target, pairs)

    def _extra_edge(self, entry: tuple[str, str] | Mapping[str, str]) -> JoinEdge:
        left, right = (entry["left"], entry["right"]) if isinstance(entry, Mapping) else entry
        first, first_column = self._resolve(left)
        second, second_column = self._resolve(right)
        return _edge(first, second, ((first_column, second_column),))

    def _resolve(self, path: str) -> tuple[Table, str]:
        table_name, _, column_name = path.rpartition(".")
        table = self._catalog.table(table_name)
        column = table.column(column_name) if table else None
        if table is None or column is None:
            raise CatalogError(f"The join on {path} names nothing in the warehouse.")
        return table, column.name


def _edge(left: Table, right: Table, pairs: tuple[tuple[str, str], ...]) -> JoinEdge:
    left_unique = _is_key(left, [a for a, _ in pairs])
    right_unique = _is_key(right, [b for _, b in pairs])
    many = "" if left_unique and right_unique else (right.name if left_unique else left.name)
    if not left_unique and not right_unique:
        many = MANY_TO_MANY
    (first_left, first_right), *more = pairs
    return JoinEdge(left.name, first_left, right.name, first_right, many, tuple(more))


MANY_TO_MANY = "*"
"""`JoinEdge.many_side` where neither side is unique on the joined columns."""


def _many_to_many(edge: JoinEdge) -> bool:
    return edge.many_side == MANY_TO_MANY


def _is_key(table: Table, columns: list[str]) -> bool:
    key = {column.casefold() for column in table.primary_key}
    return bool(key) and key <= {column.casefold() for column in columns}


def _step_order(edge: JoinEdge, table: str) -> tuple[bool, str, str]:
    ahead = edge.other(table)
    return (edge.many_side in (ahead, MANY_TO_MANY), ahead, edge.condition)


def _route_cost(route: list[tuple[JoinEdge, str]]) -> tuple[int, int]:
    return len(route), sum(edge.many_side == table for edge, table in route)


def _walk_back(came: dict[str, tuple[JoinEdge, str]], goal: str, start: set[str]) -> list[tuple[JoinEdge, str]]:
    steps: list[tuple[JoinEdge, str]] = []
    table = goal
    while table not in start:
        edge, before = came[table]
        steps.append((edge, table))
        table = before
    return steps[::-1]


def _pair_keys(edge: JoinEdge) -> Iterable[frozenset[tuple[str, str]]]:
    for left, right in edge.pairs:
        yield _pair_key(edge.left_table, left, edge.right_table, right)


def _pair_key(table: str, column: str, other: str, other_column: str) -> frozenset[tuple[str, str]]:
    return frozenset({(table.casefold(), column.casefold()), (other.casefold(), other_column.casefold())})
