"""One builder per shape of question about rows: lists, look-ups, extremes of a plain column.

Where a list or an extreme has metrics, it is of the rows that all of them count: the late orders, the open ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from memory.compiler.frame import Scope, literal
from memory.compiler.grouping import limit_of
from memory.compiler.hierarchy import self_reference
from memory.compiler.query import CannotCompile, SemanticQuery

__all__ = ["RECORD_BUILDERS"]


def _list(query: SemanticQuery, scope: Scope) -> str:
    """entity; columns (default its label); metrics, filters, related, window; order by order_by or the first, limit."""
    entity = scope.layer.entity(query.entity)
    columns = list(query.columns) or [scope.label(entity)]
    conditions = _conditions(query, scope, entity.table)
    sorted_by = query.order_by or columns[0]
    source, repeats = _source(scope, entity.table, [*map(scope.field, [*columns, sorted_by]), *conditions])
    if repeats and query.order and sorted_by not in columns:
        raise CannotCompile("Rows shown once each cannot be sorted by a column that is not shown.")
    text = f"SELECT {'DISTINCT ' if repeats else ''}{_shown(columns, scope)} FROM {source}{_where(conditions)}"
    if query.order:
        key = scope.groups([sorted_by])[0]
        text += f" ORDER BY {key.key if sorted_by in columns else key.sql}{_direction(query)}"
    return text + limit_of(query)


def _lookup(query: SemanticQuery, scope: Scope) -> str:
    """entity; columns; filters that name the row. The columns asked for and nothing else."""
    if not query.columns or not query.filters:
        raise CannotCompile("A look-up needs the columns asked for and the row they are asked of.")
    entity = scope.layer.entity(query.entity)
    conditions = _conditions(query, scope, entity.table)
    source, repeats = _source(scope, entity.table, [*map(scope.field, query.columns), *conditions])
    return f"SELECT {'DISTINCT ' if repeats else ''}{_shown(query.columns, scope)} FROM {source}{_where(conditions)}"


def _extreme(query: SemanticQuery, scope: Scope) -> str:
    """entity; columns[0] is extreme; order, limit; metrics, filters, window. Label and columns of the first rows."""
    if not query.columns:
        raise CannotCompile("An extreme needs the column it is the extreme of.")
    entity = scope.layer.entity(query.entity)
    by = query.columns[0]
    shown = list(dict.fromkeys([scope.label(entity), *query.columns]))
    conditions = _conditions(query, scope, entity.table)
    table, _, name = by.partition(".")
    column = scope.catalog.column(table, name)
    if column is not None and column.nullable and query.order != "desc":
        conditions.append(f"{by} IS NOT NULL")
    source, repeats = _source(scope, entity.table, [*map(scope.field, shown), *conditions])
    if repeats:
        raise CannotCompile("The filters of an extreme would repeat its rows.")
    text = (
        f"SELECT {_shown(shown, scope)} FROM {source}{_where(conditions)} ORDER BY {scope.field(by)}{_direction(query)}"
    )
    return text + limit_of(replace(query, limit=query.limit or 1))


def _compare_to_row(query: SemanticQuery, scope: Scope) -> str:
    """entity; columns[0]; compare = (label of a row,) or () for the average; order desc: above, asc: below.

    With dimensions[0] the average is that of the rows with the same value there, which is shown beside it;
    `having.value` is a multiple of it.
    """
    if query.dimensions:
        return _compare_to_peers(query, scope)
    if not query.columns:
        raise CannotCompile("A comparison needs the column compared.")
    entity = scope.layer.entity(query.entity)
    column = scope.field(query.columns[0])
    sign = "<" if query.order == "asc" else ">"
    if query.compare:
        named = f"{scope.field(scope.label(entity))} = {literal(query.compare[0])}"
        other = f"SELECT {column} FROM {entity.table} WHERE {named}"
    else:
        other = f"SELECT AVG({column}) FROM {entity.table}"
    conditions = [*_conditions(query, scope, entity.table), f"{column} {sign} ({other})"]
    source, _ = _source(scope, entity.table, conditions[:-1])
    shown = _shown([scope.label(entity), query.columns[0]], scope)
    return f"SELECT {shown} FROM {source}{_where(conditions)}"


def _compare_to_peers(query: SemanticQuery, scope: Scope) -> str:
    entity = scope.layer.entity(query.entity)
    shown = list(dict.fromkeys([scope.label(entity), query.dimensions[0], query.columns[0]]))
    groups = scope.groups(shown, inner=True)
    peers = f"AVG({query.columns[0]}) OVER (PARTITION BY {scope.field(query.dimensions[0])}) AS average_of_peers"
    conditions = _conditions(query, scope, entity.table)
    source, repeats = _source(scope, entity.table, [*map(scope.field, shown), *conditions])
    if repeats:
        raise CannotCompile("The group would repeat the rows that are compared.")
    inner = f"SELECT {', '.join(g.item for g in groups)}, {peers} FROM {source}{_where(conditions)}"
    names = [g.name for g in groups]
    times = f"{literal(query.having.value)} * " if query.having else ""
    sign = "<" if query.order == "asc" else ">"
    return (
        f"WITH peers AS ({inner}) SELECT {', '.join(names)}, average_of_peers FROM peers "
        f"WHERE {names[-1]} {sign} {times}average_of_peers"
    )


def _values(query: SemanticQuery, scope: Scope) -> str:
    """columns[0]; filters. The different values a column has."""
    if not query.columns:
        raise CannotCompile("Which column's values?")
    group = scope.groups(query.columns[:1])[0]
    conditions = [scope.predicate(f) for f in query.filters]
    base = scope.layer.entity(query.entity).table
    source, _ = _source(scope, base, [group.sql, *conditions])
    return f"SELECT DISTINCT {group.item} FROM {source}{_where(conditions)}" + (
        f" ORDER BY {group.key}" if query.order else ""
    )


def _reports(query: SemanticQuery, scope: Scope) -> str:
    """entity; filters of those who report; order, limit. Everybody whom others report to, with how many they are."""
    entity = scope.layer.entity(query.entity)
    edge = self_reference(scope, entity.table)
    conditions = [f"{edge.reference} IS NOT NULL", *map(scope.predicate, query.filters)]
    counted = f"SELECT {edge.reference} AS superior, COUNT(*) AS report_count FROM {entity.table}{_where(conditions)}"
    text = (
        f"WITH reports AS ({counted} GROUP BY {edge.reference}) "
        f"SELECT {_shown([scope.label(entity)], scope)}, reports.report_count "
        f"FROM {entity.table} JOIN reports ON reports.superior = {edge.key}"
    )
    return text + (f" ORDER BY reports.report_count{_direction(query)}" if query.order else "") + limit_of(query)


def _superiors(query: SemanticQuery, scope: Scope) -> str:
    """entity; columns; filters, related; order. Each row with whom it reports to, empty for who reports to nobody."""
    entity = scope.layer.entity(query.entity)
    edge = self_reference(scope, entity.table)
    label = scope.groups([scope.label(entity)])[0]
    conditions = _conditions(query, scope, entity.table)
    names = f"SELECT {edge.key} AS superior_key, {label.sql} AS superior FROM {entity.table}"
    shown = _shown(list(query.columns) or [scope.label(entity)], scope)
    text = (
        f"WITH superiors AS ({names}) SELECT {shown}, superiors.superior FROM {entity.table} "
        f"LEFT JOIN superiors ON superiors.superior_key = {edge.reference}{_where(conditions)}"
    )
    return text + (f" ORDER BY {label.key}{_direction(query)}" if query.order else "")


RECORD_BUILDERS: dict[str, Callable[[SemanticQuery, Scope], str]] = {
    "compare_to_row": _compare_to_row,
    "extreme": _extreme,
    "list": _list,
    "lookup": _lookup,
    "reports": _reports,
    "superiors": _superiors,
    "values": _values,
}


def _conditions(query: SemanticQuery, scope: Scope, table: str) -> list[str]:
    found = [_counted_by(metric, scope, table) for metric in query.metrics]
    found += [scope.predicate(f) for f in query.filters]
    found += scope.window(query.window, scope.layer.calendar.time_column)
    return found + [scope.related(table, item) for item in query.related]


def _counted_by(metric: str, scope: Scope, table: str) -> str:
    """What holds for the rows of the table that the metric counts."""
    item = scope.measure(metric)
    if not item.filter or item.base.lower() != table.lower():
        raise CannotCompile(f"`{metric}` does not say which rows of {table} are meant.")
    return item.filter


def _source(scope: Scope, base: str, expressions: Sequence[str]) -> tuple[str, bool]:
    """FROM text, and whether it repeats rows of the base (then the list is DISTINCT)."""
    tables = [t for t in scope.tables(expressions) if t.lower() != base.lower()]
    text = scope.source(base, tables, fan_out=True)
    return text, any(scope.joins.fans_out(base, t) for t in tables)


def _shown(columns: Sequence[str], scope: Scope) -> str:
    return ", ".join(g.item for g in scope.groups(columns))


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _direction(query: SemanticQuery) -> str:
    return " DESC" if query.order == "desc" else ""
