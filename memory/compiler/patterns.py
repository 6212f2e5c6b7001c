"""One builder per shape of question about metrics; each returns SQL text in the layer's dialect.

Clause order and names are always the same, because a small model learns from this text: group keys first, then the
measure under its metric's id; intermediate results are called `grouped`, `periods`, `ranked` or `changes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from memory.compiler.frame import Scope, literal
from memory.compiler.grouping import (
    Builder,
    additive,
    direction_of,
    grouped_select,
    groups_of,
    having_test,
    keys_of,
    limit_of,
    measures_of,
    numerators,
    ratio_of,
    ratio_select,
    ratio_sides,
    single,
    tie,
    timed_for,
)
from memory.compiler.measures import Measure, when
from memory.compiler.over_time import PERIOD_BUILDERS
from memory.compiler.query import CannotCompile, Filter, SemanticQuery

__all__ = ["METRIC_BUILDERS"]


def _total(query: SemanticQuery, scope: Scope) -> str:
    """metrics; filters, window, related. One row."""
    measures = measures_of(query, scope)
    if _differ(measures):  # each number has a query of its own
        return f"SELECT {', '.join(f'{_alone(measure, query, scope)} AS {measure.alias}' for measure in measures)}"
    measures, body = _shared_body(measures, [], query, scope)
    return f"SELECT {', '.join(f'{m.sql} AS {m.alias}' for m in measures)} {body}"


def _breakdown(query: SemanticQuery, scope: Scope) -> str:
    """metrics; dimensions and/or grain; filters, window, having, order, by_group, limit, among, with_empty."""
    if query.with_empty:
        return _with_empty(query, scope)
    measures = measures_of(query, scope)
    groups = groups_of(query, scope, measures[0])
    if not groups:
        raise CannotCompile("A breakdown needs a dimension or a grain.")
    if len(measures) == 1 and measures[0].parts:
        return _ratio_breakdown(measures[0], query, scope)
    if _differ(measures):
        return _side_by_side(measures, query, scope)
    measures, body = _shared_body(measures, [g.sql for g in groups], query, scope)
    items = [g.item for g in groups] + [f"{m.sql} AS {m.alias}" for m in measures]
    text = f"SELECT {', '.join(items)} {body} GROUP BY {keys_of(groups)}"
    if query.having is not None:
        text += f" HAVING {having_test(measures[0].sql, query.having)}"
    if query.order is not None:
        text += f" ORDER BY {_in_order([g.key for g in groups], query) if query.by_group else measures[0].alias}"
        text += direction_of(query.order)
    elif query.grain is not None:
        text += f" ORDER BY {groups[-1].key}"
    return text + limit_of(query)


def _in_order(keys: Sequence[str], query: SemanticQuery) -> str:
    """The group keys that a breakdown in the order of its groups is sorted by: of a period the one that sorts."""
    return ", ".join([*keys[: len(query.dimensions)], *([keys[-1]] if query.grain else [])])


def _with_empty(query: SemanticQuery, scope: Scope) -> str:
    """A breakdown by the rows of one table that shows each of them, with 0 where there is nothing."""
    shown = [scope.field(name) for name in query.dimensions]
    entities = [e for e in scope.layer.entities if [scope.field(scope.label(e))] == shown]
    if not entities or query.grain or query.having or query.limit or len(query.metrics) != 1:
        raise CannotCompile("Only things can be shown that have nothing, by one number and one by one.")
    item = single(measures_of(query, scope)[0])
    table, label = entities[0].table, scope.groups(query.dimensions)[0]
    key = f"{table}.{entities[0].key}"
    reached = {f: scope.tables([scope.field(f.field)]) for f in query.filters}
    own = [f for f, tables in reached.items() if not any(scope.joins.fans_out(table, t) for t in tables)]
    others = [t for t in scope.tables([scope.field(f.field) for f in own]) if t != table]
    item, body = scope.body(item, [key], replace(query, with_empty=False))
    counted = f"SELECT {key} AS counted_key, {item.sql} AS {item.alias} {body} GROUP BY {key}"
    tests = [*map(scope.predicate, own)]
    if query.entity and scope.layer.entity(query.entity).table == table:
        tests += [scope.related(table, item) for item in query.related]
    elif query.related:
        raise CannotCompile("Whether those that have nothing are related to others is not one condition.")
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    text = (
        f"WITH counted AS ({counted}) SELECT {label.item}, COALESCE(counted.{item.alias}, 0) AS {item.alias} "
        f"FROM {scope.source(table, others)} LEFT JOIN counted ON counted.counted_key = {key}{where}"
    )
    return text + (f" ORDER BY {label.key if query.by_group else item.alias}{direction_of(query.order)}"
                   if query.order else "")  # fmt: skip


def _side_by_side(measures: Sequence[Measure], query: SemanticQuery, scope: Scope) -> str:
    """A breakdown of metrics that count different rows: each grouped on its own, then put beside each other."""
    sides, names = [], list[str]()
    for place, item in enumerate(measures):
        values = ["CAST(NULL AS DOUBLE)"] * len(measures)
        if item.parts:
            names, cte = ratio_select(item, query, scope)
            values[place], items, body = item.alias, list(names), f"FROM ({cte}) AS ratios"
        else:
            groups = groups_of(query, scope, item, inner=True)
            side, body = scope.body(item, [g.sql for g in groups], query)
            values[place], items, names = side.sql, [g.item for g in groups], [g.name for g in groups]
            body += f" GROUP BY {keys_of(groups)}"
        items += [f"{v} AS {m.alias}" for v, m in zip(values, measures, strict=True)]
        sides.append(f"SELECT {', '.join(items)} {body}")
    shown = ", ".join(names)
    largest = [f"MAX({m.alias})" for m in measures]
    # Where another metric has rows, a number or a sum of none is nought.
    none = [
        f"COALESCE({v}, 0)" if m.additive(scope.layer.dialect) else v for v, m in zip(largest, measures, strict=True)
    ]
    values, first = [f"{v} AS {m.alias}" for v, m in zip(none, measures, strict=True)], none[0]
    text = (
        f"WITH sides AS ({' UNION ALL '.join(sides)}) SELECT {shown}, {', '.join(values)} FROM sides GROUP BY {shown}"
    )
    if query.having is not None:
        text += f" HAVING {having_test(first, query.having)}"
    if query.order is not None:
        text += f" ORDER BY {_in_order(names, query) if query.by_group else first}{direction_of(query.order)}"
    elif query.grain is not None:
        text += f" ORDER BY {names[-1]}"
    return text + limit_of(query)


def _share(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0] (additive); dimensions[0]. Each group's percentage of the total."""
    item = additive(measures_of(query, scope)[0], scope)
    groups = groups_of(query, scope, item)
    item, body = scope.body(item, [g.sql for g in groups], query)
    share = f"100.0 * {item.sql} / SUM({item.sql}) OVER () AS share_percent"
    text = f"SELECT {', '.join(g.item for g in groups)}, {share} {body} GROUP BY {keys_of(groups)}"
    if query.having is not None:
        shown = ", ".join([*(g.name for g in groups), "share_percent"])
        test = having_test("share_percent", query.having)
        text = f"WITH shares AS ({text}) SELECT {shown} FROM shares WHERE {test}"
    return text + (f" ORDER BY share_percent{direction_of(query.order)}" if query.order else "") + limit_of(query)


def _share_of(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0] (additive); filters[0] is the part, the other filters hold for both. One percentage.

    Without filters the last of `related` is the part: of those who ordered in one year, who ordered in another.
    """
    if not query.filters and query.related:
        return _share_of_related(query, scope)
    if not query.filters:
        raise CannotCompile("share_of needs the filter whose share is asked.")
    item = additive(measures_of(query, scope)[0], scope)
    part = scope.predicate(query.filters[0])
    rest = _without_first_filter(query)
    groups = groups_of(query, scope, item)
    item, body = scope.body(item, [part, *(g.sql for g in groups)], rest)
    share = f"100.0 * {when(part, item.sql, scope.layer.dialect)} / {item.sql} AS share_percent"
    if not groups:
        return f"SELECT {share} {body}"
    text = f"SELECT {', '.join(g.item for g in groups)}, {share} {body} GROUP BY {keys_of(groups)}"
    return text + (f" ORDER BY share_percent{direction_of(query.order)}" if query.order else "") + limit_of(query)


def _share_of_related(query: SemanticQuery, scope: Scope) -> str:
    item = additive(measures_of(query, scope)[0], scope)
    owner = scope.layer.entity(query.entity) if query.entity else None
    part = scope.related(owner.table if owner else item.base, query.related[-1])
    keys = [f"{owner.table}.{owner.key}"] if owner else []  # so that its rows are there to be related
    item, body = scope.body(item, keys, replace(query, related=query.related[:-1]))
    return f"SELECT 100.0 * {when(part, item.sql, scope.layer.dialect)} / {item.sql} AS share_percent {body}"


def _above_average(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions. Groups above (order desc) or below (order asc) the average group, or a multiple of it.

    `having.value` is the multiple. With `order_by` those with the most come first, of periods the earliest. As
    count_above_average, how many they are.
    """
    item, names, cte = grouped_select(query, scope)
    sign = "<" if query.order == "asc" else ">"
    shown = "COUNT(*) AS group_count" if query.pattern == "count_above_average" else ", ".join([*names, item.alias])
    times = f"{literal(query.having.value)} * " if query.having else ""
    average = f"{times}(SELECT AVG({item.alias}) FROM grouped)"
    first = names[-1] if query.grain else f"{item.alias} DESC"
    order = f" ORDER BY {first}" if query.order_by else ""
    return f"WITH grouped AS ({cte}) SELECT {shown} FROM grouped WHERE {item.alias} {sign} {average}{order}"


def _above_total(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions. Groups above (order desc) or below (order asc) what the metric is of all, or a multiple.

    `having.value` is the multiple, and its operator says whether the multiple itself is enough.
    """
    item, names, cte = grouped_select(query, scope)
    whole = _alone(measures_of(query, scope)[0], query, scope)
    sign = "<" if query.order == "asc" else ">"
    if query.having and query.having.op in (">=", "<="):
        sign += "="
    times = f"{literal(query.having.value)} * " if query.having else ""
    shown = ", ".join([*names, item.alias])
    return f"WITH grouped AS ({cte}) SELECT {shown} FROM grouped WHERE {item.alias} {sign} {times}{whole}"


def _average_of_groups(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions (outer..., item), or outer ones and a grain; aggregate. The groups' average, per outer."""
    item = measures_of(query, scope)[0]
    if item.parts:
        raise CannotCompile("An average of a ratio over two tables is not one statement.")
    groups = groups_of(query, scope, item)
    outer = [g for g in groups[: len(query.dimensions)] if g is not groups[-1]]
    item, body = scope.body(item, [g.sql for g in groups], query)
    shown = "".join(f"{g.item}, " for g in outer)
    inner = f"SELECT {shown}{item.sql} AS {item.alias} {body} GROUP BY {', '.join(g.sql for g in groups)}"
    word = {"avg": "average", "sum": "total"}.get(query.aggregate, query.aggregate)
    names = "".join(f"{g.name}, " for g in outer)
    text = f"SELECT {names}{query.aggregate.upper()}({item.alias}) AS {word}_{item.alias} FROM ({inner}) AS grouped"
    return f"{text} GROUP BY {names.removesuffix(', ')}" if outer else text


def _count_groups(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions; having. How many groups meet the condition."""
    if query.having is None:
        raise CannotCompile("count_groups needs a condition.")
    item = measures_of(query, scope)[0]
    if item.parts:
        _, inner = ratio_select(item, query, scope)
        return f"SELECT COUNT(*) AS group_count FROM ({inner}) AS grouped WHERE {having_test(item.alias, query.having)}"
    groups = groups_of(query, scope, item)
    item, body = scope.body(item, [g.sql for g in groups], query)
    test = having_test(item.sql, query.having)
    inner = f"SELECT {', '.join(g.item for g in groups)} {body} GROUP BY {keys_of(groups)} HAVING {test}"
    return f"SELECT COUNT(*) AS group_count FROM ({inner}) AS grouped"


def _rank_within(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions (outer..., item), or one dimension and a grain as the outer one; order, limit."""
    item, names, cte = grouped_select(query, scope)
    if len(names) < 2:
        raise CannotCompile("rank_within needs two dimensions, or one and a grain.")
    outer = names[-1] if query.grain else names[0]
    shown = ", ".join([*names, item.alias])
    rank = f"RANK() OVER (PARTITION BY {outer} ORDER BY {item.alias}{direction_of(query.order or 'desc')}) AS place"
    limit, offset = query.limit or 1, query.offset
    places = f"= {offset + 1}" if limit == 1 else f"<= {offset + limit}{f' AND place > {offset}' if offset else ''}"
    return (
        f"WITH grouped AS ({cte}), ranked AS (SELECT {shown}, {rank} FROM grouped) "
        f"SELECT {shown} FROM ranked WHERE place {places}"
    )


def _share_of_top(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0] (additive); dimensions; order, limit. The percentage of all that the first groups have together."""
    item = additive(measures_of(query, scope)[0], scope)
    if not query.limit or not query.dimensions:
        raise CannotCompile("share_of_top needs a dimension, and how many of its groups.")
    item, _, cte = grouped_select(query, scope)
    rank = f"ROW_NUMBER() OVER (ORDER BY {item.alias}{direction_of(query.order or 'desc')}) AS place"
    share = f"100.0 * SUM(CASE WHEN place <= {query.limit} THEN {item.alias} ELSE 0 END) / SUM({item.alias})"
    return (
        f"WITH grouped AS ({cte}), ranked AS (SELECT {item.alias}, {rank} FROM grouped) "
        f"SELECT {share} AS share_percent FROM ranked"
    )


def _difference(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions[0]; compare = two of its values. The first's value less the second's."""
    if len(query.compare) != 2 or len(query.dimensions) != 1:
        raise CannotCompile("difference needs one dimension and two values.")
    item = measures_of(query, scope)[0]
    group = scope.groups(query.dimensions, inner=True)[0]
    first, second = (literal(v) for v in query.compare)
    sides = [f"MAX(CASE WHEN {group.name} = {v} THEN {item.alias} END)" for v in (first, second)]
    if item.parts:
        both = Filter(query.dimensions[0], "in", query.compare)
        _, cte = ratio_select(item, replace(query, filters=(*query.filters, both)), scope)
        return f"WITH grouped AS ({cte}) SELECT {sides[0]} - {sides[1]} AS difference FROM grouped"
    item, body = scope.body(item, [group.sql], query)
    body += f"{' AND' if ' WHERE ' in body else ' WHERE'} {group.sql} IN ({first}, {second})"
    cte = f"SELECT {group.item}, {item.sql} AS {item.alias} {body} GROUP BY {group.key}"
    return f"WITH grouped AS ({cte}) SELECT {sides[0]} - {sides[1]} AS difference FROM grouped"


def _top_attribute(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; entity; columns; order, limit. Columns of the entity that comes first by the metric."""
    entity = scope.layer.entity(query.entity)
    groups = scope.groups(list(dict.fromkeys([scope.label(entity), *query.columns])))
    item, body = scope.body(single(measures_of(query, scope)[0]), [g.sql for g in groups], query)
    order = (
        f"ORDER BY {item.sql}{direction_of(query.order or 'desc')}{limit_of(replace(query, limit=query.limit or 1))}"
    )
    return f"SELECT {', '.join(g.item for g in groups)} {body} GROUP BY {keys_of(groups)} {order}"


METRIC_BUILDERS: dict[str, Builder] = {
    **PERIOD_BUILDERS,
    "above_average": _above_average,
    "above_total": _above_total,
    "average_of_groups": _average_of_groups,
    "breakdown": _breakdown,
    "count_above_average": _above_average,
    "count_groups": _count_groups,
    "difference": _difference,
    "rank_within": _rank_within,
    "share": _share,
    "share_of": _share_of,
    "share_of_top": _share_of_top,
    "top_attribute": _top_attribute,
    "total": _total,
}


def _differ(measures: Sequence[Measure]) -> bool:
    """Whether metrics count different rows, so that they do not fit one SELECT; a ratio over two tables never does."""
    return any(m.parts for m in measures) or len({(m.base, m.filter, m.time) for m in measures}) > 1


def _shared_body(
    measures: Sequence[Measure], extra: Sequence[str], query: SemanticQuery, scope: Scope
) -> tuple[list[Measure], str]:
    """One FROM and WHERE for several measures, which count the same rows."""
    built = [scope.body(m, [*extra, *(o.sql for o in measures)], query) for m in measures]
    return [m for m, _ in built], built[0][1]


def _alone(item: Measure, query: SemanticQuery, scope: Scope) -> str:
    """One metric as an expression that needs no FROM."""
    if not item.parts:
        return _scalar(item, query, scope)
    return ratio_of(item, *(_scalar(part, query, scope) for part in item.parts))


def _scalar(part: Measure, query: SemanticQuery, scope: Scope) -> str:
    part, body = scope.body(single(part), [], timed_for(query, part))
    return f"(SELECT {part.sql} {body})"


def _ratio_breakdown(item: Measure, query: SemanticQuery, scope: Scope) -> str:
    """A ratio over two base tables: each side grouped on its own, then joined on the group keys."""
    sides, names = ratio_sides(item, query, scope)
    (top, first), (bottom, second) = sides
    ratio = ratio_of(item, top, bottom)
    text = (
        f"WITH numerators AS ({first}), denominators AS ({second}) SELECT {numerators(names)}, {ratio} "
        f"AS {item.alias} FROM numerators JOIN denominators ON {tie(names)}"
    )
    if query.having is not None:
        text += f" WHERE {having_test(ratio, query.having)}"
    if query.order is not None:
        key = _in_order([f"numerators.{name}" for name in names], query) if query.by_group else item.alias
        text += f" ORDER BY {key}{direction_of(query.order)}"
    elif query.grain is not None:
        text += f" ORDER BY numerators.{names[-1]}"
    return text + limit_of(query)


def _without_first_filter(query: SemanticQuery) -> SemanticQuery:
    return replace(query, filters=query.filters[1:])
