"""One builder per shape of question about places: of one thing among others, and what comes first in each group."""

from __future__ import annotations

from memory.compiler.frame import Scope, literal
from memory.compiler.grouping import Builder, direction_of, grouped_select
from memory.compiler.query import CannotCompile, SemanticQuery

__all__ = ["RANK_BUILDERS"]


def _rank_of(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions (outer..., item); compare = (label,); order. Its place of all or within the outer
    group, with its number where columns is ("value",).
    """
    if len(query.compare) != 1 or not query.dimensions:
        raise CannotCompile("The place of which one, among what?")
    item, names, cte = grouped_select(query, scope)
    outer = names[0] if len(names) > 1 else ""
    shown = ", ".join([*names, item.alias])
    partition = f"PARTITION BY {outer} " if outer else ""
    rank = f"RANK() OVER ({partition}ORDER BY {item.alias}{direction_of(query.order or 'desc')}) AS place"
    value = f", {item.alias}" if query.columns == ("value",) else ""
    return (
        f"WITH grouped AS ({cte}), ranked AS (SELECT {shown}, {rank} FROM grouped) "
        f"SELECT {', '.join(names)}{value}, place FROM ranked WHERE {names[-1]} = {literal(query.compare[0])}"
    )


def _first_in_group(query: SemanticQuery, scope: Scope) -> str:
    """entity; columns[0] is extreme; dimensions[0] is the group; order, limit; metrics, filters, related, window.

    The first rows of each group by the column; rows that tie for a place all have it.
    """
    if not query.columns or len(query.dimensions) != 1:
        raise CannotCompile("The first by which column, in each of which group?")
    entity = scope.layer.entity(query.entity)
    shown = list(dict.fromkeys([query.dimensions[0], scope.label(entity), *query.columns]))
    groups = scope.groups(shown, inner=True)
    by = query.columns[0]
    table, _, name = by.partition(".")
    column = scope.catalog.column(table, name)
    conditions = [scope.predicate(f) for f in query.filters]
    conditions += scope.window(query.window, scope.layer.calendar.time_column)
    conditions += [scope.related(entity.table, item) for item in query.related]
    if column is not None and column.nullable:
        conditions.append(f"{by} IS NOT NULL")
    tables = [t for t in scope.tables([*map(scope.field, shown), *conditions]) if t.lower() != entity.table.lower()]
    if any(scope.joins.fans_out(entity.table, t) for t in tables):
        raise CannotCompile("The group would repeat the rows that are compared.")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = f"ORDER BY {scope.field(by)}{direction_of(query.order)}"
    rank = f"RANK() OVER (PARTITION BY {groups[0].sql} {order}) AS place"
    items, names = ", ".join(g.item for g in groups), ", ".join(g.name for g in groups)
    limit = query.limit or 1
    return (
        f"WITH ranked AS (SELECT {items}, {rank} FROM {scope.source(entity.table, tables)}{where}) "
        f"SELECT {names} FROM ranked WHERE place {'= 1' if limit == 1 else f'<= {limit}'}"
    )


RANK_BUILDERS: dict[str, Builder] = {"first_in_group": _first_in_group, "rank_of": _rank_of}
