"""What keeps tables from being joined: the join graph looked at for what it lacks.

A missing or mismatched key is no error anywhere until a question needs it, and then the model guesses a join. So it is
looked for beforehand: in what the definitions need, in what column names suggest, and in what the types forbid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from memory.catalog import Catalog, Column, Table
from memory.compiler.measures import tables_in
from memory.joins import JoinGraph
from memory.semantics import Metric, SemanticLayer

__all__ = [
    "LikelyKey",
    "Mismatch",
    "islands",
    "join_graph",
    "likely_keys",
    "mismatched_joins",
    "unconnected_metrics",
    "used_tables",
]

_UNTYPED = frozenset({"", "NULL", "UNKNOWN"})
"""What a column's type is called where it has none, or none that is known: nothing can be said against it."""


@dataclass(frozen=True, slots=True)
class LikelyKey:
    """A column that is named and typed like other tables' primary keys, and joined to none of them."""

    column: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Two joined columns whose types do not compare."""

    left: str
    left_type: str
    right: str
    right_type: str


def join_graph(catalog: Catalog, layer: SemanticLayer) -> JoinGraph:
    """The join graph over those of the layer's joins whose columns exist."""
    known = [(join.left, join.right) for join in layer.joins if _exists(catalog, join.left, join.right)]
    return JoinGraph(catalog, known)


def unconnected_metrics(layer: SemanticLayer, catalog: Catalog, graph: JoinGraph) -> tuple[tuple[str, str], ...]:
    """(metric id, table) for every table a metric is computed from that no join path leads to from its base."""
    return tuple(
        (metric.id, table)
        for metric in layer.metrics
        for table in _tables_of(metric, layer, catalog)
        if catalog.table(metric.base) is not None and not graph.connected([metric.base, table])
    )


def used_tables(layer: SemanticLayer, catalog: Catalog) -> tuple[str, ...]:
    """Every table that a metric, an entity or a dimension stands on, as the catalog spells it."""
    named = [table for metric in layer.metrics for table in _tables_of(metric, layer, catalog)]
    named += _known([entity.table for entity in layer.entities], catalog)
    named += _known([dimension.table for dimension in layer.dimensions], catalog)
    return tuple(sorted(set(named)))


def islands(tables: Iterable[str], graph: JoinGraph) -> tuple[tuple[str, ...], ...]:
    """The tables in groups that can be joined among themselves, the largest group first."""
    joined: dict[str, set[str]] = {}
    for edge in graph.edges:
        joined.setdefault(edge.left_table, set()).add(edge.right_table)
        joined.setdefault(edge.right_table, set()).add(edge.left_table)
    wanted, groups = set(tables), list[tuple[str, ...]]()
    while wanted:
        reached, ahead = set[str](), [min(wanted)]
        while ahead:
            table = ahead.pop()
            if table not in reached:
                reached.add(table)
                ahead += joined.get(table, ())
        groups.append(tuple(sorted(wanted & reached)))
        wanted -= reached
    return tuple(sorted(groups, key=lambda group: (-len(group), group)))


def likely_keys(catalog: Catalog, graph: JoinGraph, used: Iterable[str]) -> tuple[LikelyKey, ...]:
    """Columns with the name and type of another table's single-column primary key, and no join of any kind.

    Views declare no keys, so only those in `used` are asked for theirs.
    """
    spoken_for = {place for edge in graph.edges for place in _ends(edge.left_table, edge.right_table, edge.pairs)}
    spoken_for |= {(t.name, c) for t in catalog.tables for key in t.foreign_keys for c in key.columns}
    asked = set(used)
    found = []
    for table in catalog.tables:
        for column in table.columns if not table.is_view or table.name in asked else ():
            if table.primary_key == (column.name,) or (table.name, column.name) in spoken_for:
                continue
            targets = tuple(_keys_like(column, table, catalog))
            if targets:
                found.append(LikelyKey(f"{table.name}.{column.name}", targets))
    return tuple(found)


def mismatched_joins(catalog: Catalog, graph: JoinGraph) -> tuple[Mismatch, ...]:
    """Joined columns of which one is text, say, and the other a number."""
    found = []
    for edge in graph.edges:
        for left_name, right_name in edge.pairs:
            left = catalog.column(edge.left_table, left_name)
            right = catalog.column(edge.right_table, right_name)
            if left is not None and right is not None and not _comparable(left, right):
                ends = (f"{edge.left_table}.{left.name}", left.type, f"{edge.right_table}.{right.name}", right.type)
                found.append(Mismatch(*ends))
    return tuple(found)


def _tables_of(metric: Metric, layer: SemanticLayer, catalog: Catalog) -> tuple[str, ...]:
    """The tables of a plain metric, base first; a ratio's parts are computed each over its own."""
    if metric.is_ratio:
        return ()
    written = [table for sql in (metric.sql, metric.filter) for table in tables_in(sql, layer.dialect)]
    return _known([metric.base, *metric.tables, *written, metric.time.rpartition(".")[0]], catalog)


def _known(names: Iterable[str], catalog: Catalog) -> tuple[str, ...]:
    tables = (catalog.table(name) for name in names)
    return tuple(dict.fromkeys(table.name for table in tables if table is not None))


def _exists(catalog: Catalog, *columns: str) -> bool:
    parts = (column.rpartition(".") for column in columns)
    return all(catalog.column(table, name) is not None for table, _, name in parts)


def _ends(left: str, right: str, pairs: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    for left_column, right_column in pairs:
        yield left, left_column
        yield right, right_column


def _keys_like(column: Column, table: Table, catalog: Catalog) -> Iterable[str]:
    for other in catalog.tables:
        key = other.column(other.primary_key[0]) if len(other.primary_key) == 1 and other is not table else None
        if key is not None and key.name.casefold() == column.name.casefold() and key.type == column.type:
            yield f"{other.name}.{key.name}"


def _comparable(left: Column, right: Column) -> bool:
    types = {left.type.upper(), right.type.upper()}
    return bool(types & _UNTYPED) or _kind(left) == _kind(right)


def _kind(column: Column) -> str:
    return "uuid" if "UUID" in column.type.upper() else column.family
