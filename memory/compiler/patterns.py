"""One builder per shape of question about metrics; each returns SQL text in the layer's dialect.

Clause order and names are always the same, because a small model learns from this text: group keys first, then the
measure under its metric's id; intermediate results are called `grouped`, `periods`, `ranked` or `changes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from memory.compiler.dialects import period_label
from memory.compiler.frame import Group, Scope, literal
from memory.compiler.measures import Measure, when
from memory.compiler.query import CannotCompile, Having, SemanticQuery

__all__ = ["METRIC_BUILDERS"]

Builder = Callable[[SemanticQuery, Scope], str]


def _total(query: SemanticQuery, scope: Scope) -> str:
    """metrics; filters, window, related. One row."""
    measures = _measures(query, scope)
    if any(measure.parts for measure in measures):  # of two grains, so each number has a query of its own
        return f"SELECT {', '.join(f'{_alone(measure, query, scope)} AS {measure.alias}' for measure in measures)}"
    measures, body = _shared_body(measures, [], query, scope)
    return f"SELECT {', '.join(f'{m.sql} AS {m.alias}' for m in measures)} {body}"


def _breakdown(query: SemanticQuery, scope: Scope) -> str:
    """metrics; dimensions and/or grain; filters, window, having, order, by_group, limit."""
    measures = _measures(query, scope)
    groups = _groups(query, scope, measures[0])
    if not groups:
        raise CannotCompile("A breakdown needs a dimension or a grain.")
    if any(measure.parts for measure in measures):
        if len(measures) > 1:
            raise CannotCompile("A ratio over two tables cannot stand beside another metric in a breakdown.")
        return _ratio_breakdown(measures[0], query, scope)
    measures, body = _shared_body(measures, [g.sql for g in groups], query, scope)
    items = [g.item for g in groups] + [f"{m.sql} AS {m.alias}" for m in measures]
    text = f"SELECT {', '.join(items)} {body} GROUP BY {_keys(groups)}"
    if query.having is not None:
        text += f" HAVING {_test(measures[0].sql, query.having)}"
    if query.order is not None:
        text += f" ORDER BY {groups[-1].key if query.by_group else measures[0].alias}{_direction(query.order)}"
    elif query.grain is not None:
        text += f" ORDER BY {groups[-1].key}"
    return text + _limit(query)


def _share(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0] (additive); dimensions[0]. Each group's percentage of the total."""
    item = _additive(_measures(query, scope)[0], scope)
    groups = _groups(query, scope, item)
    item, body = scope.body(item, [g.sql for g in groups], query)
    share = f"100.0 * {item.sql} / SUM({item.sql}) OVER () AS share_percent"
    text = f"SELECT {', '.join(g.item for g in groups)}, {share} {body} GROUP BY {_keys(groups)}"
    return text + (f" ORDER BY share_percent{_direction(query.order)}" if query.order else "") + _limit(query)


def _share_of(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0] (additive); filters[0] is the part, the other filters hold for both. One percentage."""
    if not query.filters:
        raise CannotCompile("share_of needs the filter whose share is asked.")
    item = _additive(_measures(query, scope)[0], scope)
    part = scope.predicate(query.filters[0])
    rest = _without_first_filter(query)
    groups = _groups(query, scope, item)
    item, body = scope.body(item, [part, *(g.sql for g in groups)], rest)
    share = f"100.0 * {when(part, item.sql, scope.layer.dialect)} / {item.sql} AS share_percent"
    if not groups:
        return f"SELECT {share} {body}"
    text = f"SELECT {', '.join(g.item for g in groups)}, {share} {body} GROUP BY {_keys(groups)}"
    return text + (f" ORDER BY share_percent{_direction(query.order)}" if query.order else "") + _limit(query)


def _above_average(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions. Groups above (order desc) or below (order asc) the average group, or a multiple of it.

    `having.value` is the multiple.
    """
    item, names, cte = _grouped(query, scope)
    sign = "<" if query.order == "asc" else ">"
    shown = ", ".join([*names, item.alias])
    times = f"{literal(query.having.value)} * " if query.having else ""
    average = f"{times}(SELECT AVG({item.alias}) FROM grouped)"
    return f"WITH grouped AS ({cte}) SELECT {shown} FROM grouped WHERE {item.alias} {sign} {average}"


def _average_of_groups(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions and/or grain; aggregate. One number over the groups' values."""
    item = _measures(query, scope)[0]
    if item.parts:
        raise CannotCompile("An average of a ratio over two tables is not one statement.")
    groups = _groups(query, scope, item)
    item, body = scope.body(item, [g.sql for g in groups], query)
    inner = f"SELECT {item.sql} AS {item.alias} {body} GROUP BY {', '.join(g.sql for g in groups)}"
    word = {"avg": "average", "sum": "total"}.get(query.aggregate, query.aggregate)
    return f"SELECT {query.aggregate.upper()}({item.alias}) AS {word}_{item.alias} FROM ({inner}) AS grouped"


def _count_groups(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions; having. How many groups meet the condition."""
    if query.having is None:
        raise CannotCompile("count_groups needs a condition.")
    item = _measures(query, scope)[0]
    groups = _groups(query, scope, item)
    item, body = scope.body(_single(item), [g.sql for g in groups], query)
    test = _test(item.sql, query.having)
    inner = f"SELECT {', '.join(g.item for g in groups)} {body} GROUP BY {_keys(groups)} HAVING {test}"
    return f"SELECT COUNT(*) AS group_count FROM ({inner}) AS grouped"


def _rank_within(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions (outer..., item), or one dimension and a grain as the outer one; order, limit."""
    item, names, cte = _grouped(query, scope)
    if len(names) < 2:
        raise CannotCompile("rank_within needs two dimensions, or one and a grain.")
    outer = names[-1] if query.grain else names[0]
    shown = ", ".join([*names, item.alias])
    rank = f"RANK() OVER (PARTITION BY {outer} ORDER BY {item.alias}{_direction(query.order or 'desc')}) AS place"
    limit = query.limit or 1
    return (
        f"WITH grouped AS ({cte}), ranked AS (SELECT {shown}, {rank} FROM grouped) "
        f"SELECT {shown} FROM ranked WHERE place {'= 1' if limit == 1 else f'<= {limit}'}"
    )


def _growth(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; grain; compare = (start of the earlier period, start of the later); dimensions. Percent."""
    earlier, later, names, cte = _two_periods(query, scope)
    return _over_periods(query, names, cte, f"100.0 * {later} / {earlier} - 100 AS growth_percent", "growth_percent")


def _change(query: SemanticQuery, scope: Scope) -> str:
    """As growth, but the difference itself."""
    earlier, later, names, cte = _two_periods(query, scope)
    return _over_periods(query, names, cte, f"{later} - {earlier} AS difference", "difference")


def _moved(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions; grain; compare. Groups that rose (order desc) or fell (order asc) between the periods."""
    earlier, later, names, cte = _two_periods(query, scope)
    sign = "<" if query.order == "asc" else ">"
    shown = ", ".join(names)
    test = f"{later} {sign} {earlier}"
    return f"WITH periods AS ({cte}) SELECT {shown} FROM periods GROUP BY {shown} HAVING {test}"


def _difference(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions[0]; compare = two of its values. The first's value less the second's."""
    if len(query.compare) != 2 or len(query.dimensions) != 1:
        raise CannotCompile("difference needs one dimension and two values.")
    item = _single(_measures(query, scope)[0])
    group = scope.groups(query.dimensions, inner=True)[0]
    first, second = (literal(v) for v in query.compare)
    item, body = scope.body(item, [group.sql], query)
    body += f"{' AND' if ' WHERE ' in body else ' WHERE'} {group.sql} IN ({first}, {second})"
    sides = [f"MAX(CASE WHEN {group.name} = {v} THEN {item.alias} END)" for v in (first, second)]
    cte = f"SELECT {group.item}, {item.sql} AS {item.alias} {body} GROUP BY {group.key}"
    return f"WITH grouped AS ({cte}) SELECT {sides[0]} - {sides[1]} AS difference FROM grouped"


def _growth_series(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; grain; window. Percent change on the period before; having keeps some, order and limit pick some."""
    item, names, cte = _grouped(query, scope)
    period = names[-1]
    partition = f"PARTITION BY {', '.join(names[:-1])} " if len(names) > 1 else ""
    before = f"LAG({item.alias}) OVER ({partition}ORDER BY {period})"
    growth = f"100.0 * {item.alias} / {before} - 100 AS growth_percent"
    shown = ", ".join([*names, item.alias])
    if query.having is not None:
        inner = f"SELECT {', '.join(names)}, {growth} FROM periods"
        test = _test("growth_percent", query.having)
        kept = f"SELECT {', '.join(names)}, growth_percent FROM changes WHERE {test}"
        return f"WITH periods AS ({cte}), changes AS ({inner}) {kept}"
    order = f"growth_percent{_direction(query.order)}" if query.order else ", ".join(names)
    return f"WITH periods AS ({cte}) SELECT {shown}, {growth} FROM periods ORDER BY {order}{_limit(query)}"


def _growth_table(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; grain; window, or dimensions and compare as in growth. The value, the one before, percent change."""
    alias = scope.measure(query.metrics[0]).alias
    if query.compare:
        earlier, later, names, cte = _two_periods(query, scope)
        growth = f"100.0 * {later} / {earlier} - 100 AS growth_percent"
        values = f"{earlier} AS previous_{alias}, {later} AS {alias}, {growth}"
        return _over_periods(query, names, cte, values, "growth_percent")
    item, names, cte = _grouped(query, scope)
    before = f"LAG({item.alias}) OVER (ORDER BY {names[-1]})"
    growth = f"100.0 * {item.alias} / {before} - 100 AS growth_percent"
    shown = f"{names[-1]}, {item.alias}, {before} AS previous_{alias}, {growth}"
    return f"WITH periods AS ({cte}) SELECT {shown} FROM periods ORDER BY {names[-1]}"


def _running_total(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0] (additive); grain; window. The total so far, period by period."""
    _additive(_measures(query, scope)[0], scope)
    item, names, cte = _grouped(query, scope)
    period = names[-1]
    total = f"SUM({item.alias}) OVER (ORDER BY {period}) AS running_total"
    return f"WITH periods AS ({cte}) SELECT {period}, {item.alias}, {total} FROM periods ORDER BY {period}"


def _top_attribute(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; entity; columns; order, limit. Columns of the entity that comes first by the metric."""
    entity = scope.layer.entity(query.entity)
    groups = scope.groups(list(dict.fromkeys([scope.label(entity), *query.columns])))
    item, body = scope.body(_single(_measures(query, scope)[0]), [g.sql for g in groups], query)
    order = f"ORDER BY {item.sql}{_direction(query.order or 'desc')} LIMIT {query.limit or 1}"
    return f"SELECT {', '.join(g.item for g in groups)} {body} GROUP BY {_keys(groups)} {order}"


METRIC_BUILDERS: dict[str, Builder] = {
    "above_average": _above_average,
    "average_of_groups": _average_of_groups,
    "breakdown": _breakdown,
    "change": _change,
    "count_groups": _count_groups,
    "difference": _difference,
    "growth": _growth,
    "growth_series": _growth_series,
    "growth_table": _growth_table,
    "moved": _moved,
    "rank_within": _rank_within,
    "running_total": _running_total,
    "share": _share,
    "share_of": _share_of,
    "top_attribute": _top_attribute,
    "total": _total,
}


def _measures(query: SemanticQuery, scope: Scope) -> list[Measure]:
    if not query.metrics:
        raise CannotCompile(f"The pattern {query.pattern} needs a metric.")
    return [scope.measure(metric) for metric in query.metrics]


def _single(item: Measure) -> Measure:
    if item.parts:
        raise CannotCompile(f"`{item.id}` is a ratio over two tables, which this pattern cannot hold.")
    return item


def _additive(item: Measure, scope: Scope) -> Measure:
    if not item.additive(scope.layer.dialect):
        raise CannotCompile(f"`{item.id}` does not add up over groups, so it has no shares or running total.")
    return item


def _groups(query: SemanticQuery, scope: Scope, item: Measure) -> list[Group]:
    groups = scope.groups(query.dimensions, inner=query.pattern != "breakdown")
    if query.grain is not None:
        column = (query.window.column if query.window else "") or item.time
        if not column:
            raise CannotCompile(f"`{item.id}` has no time column, so it has no {query.grain}s.")
        groups.append(scope.period(column, query.grain))
    return groups


def _shared_body(
    measures: Sequence[Measure], extra: Sequence[str], query: SemanticQuery, scope: Scope
) -> tuple[list[Measure], str]:
    """One FROM and WHERE for several measures. They must count the same rows."""
    first = _single(measures[0])
    if any(
        (m.base, m.filter, m.time, bool(m.parts)) != (first.base, first.filter, first.time, False) for m in measures
    ):
        raise CannotCompile("These metrics count different rows, so they do not fit one SELECT.")
    built = [scope.body(m, [*extra, *(o.sql for o in measures)], query) for m in measures]
    return [m for m, _ in built], built[0][1]


def _grouped(query: SemanticQuery, scope: Scope) -> tuple[Measure, list[str], str]:
    """The measure, the names of the group keys, and the SELECT that computes one row per group."""
    item = _single(_measures(query, scope)[0])
    groups = _groups(query, scope, item)
    item, body = scope.body(item, [g.sql for g in groups], query)
    items = [g.item for g in groups] + [f"{item.sql} AS {item.alias}"]
    return item, [g.name for g in groups], f"SELECT {', '.join(items)} {body} GROUP BY {_keys(groups)}"


def _two_periods(query: SemanticQuery, scope: Scope) -> tuple[str, str, list[str], str]:
    """Earlier and later value as expressions over the CTE `periods`, the other group keys, and the CTE."""
    if query.grain is None or len(query.compare) != 2:
        raise CannotCompile(f"The pattern {query.pattern} needs a grain and two periods.")
    item, names, cte = _grouped(query, scope)
    period = names[-1]
    keeps_zero = query.pattern == "moved" and item.additive(scope.layer.dialect)
    function, otherwise = ("SUM", " ELSE 0") if keeps_zero else ("MAX", "")
    labels = [literal(period_label(str(start), query.grain)) for start in query.compare]
    sides = [f"{function}(CASE WHEN {period} = {x} THEN {item.alias}{otherwise} END)" for x in labels]
    return sides[0], sides[1], names[:-1], cte


def _over_periods(query: SemanticQuery, names: Sequence[str], cte: str, value: str, alias: str) -> str:
    head = f"WITH periods AS ({cte}) SELECT "
    if not names:
        return f"{head}{value} FROM periods"
    shown = ", ".join(names)
    order = f" ORDER BY {alias}{_direction(query.order)}" if query.order else ""
    return f"{head}{shown}, {value} FROM periods GROUP BY {shown}{order}{_limit(query)}"


def _alone(item: Measure, query: SemanticQuery, scope: Scope) -> str:
    """One metric as an expression that needs no FROM."""
    if not item.parts:
        return _scalar(item, query, scope)
    return _ratio(item, *(_scalar(part, query, scope) for part in item.parts))


def _scalar(part: Measure, query: SemanticQuery, scope: Scope) -> str:
    part, body = scope.body(_single(part), [], _timed(query, part))
    return f"(SELECT {part.sql} {body})"


def _timed(query: SemanticQuery, part: Measure) -> SemanticQuery:
    """A part without a clock (stock on hand) is the same in every period."""
    return replace(query, window=None) if query.window is not None and not part.time else query


def _ratio(item: Measure, top: str, bottom: str) -> str:
    scale = f"{item.scale:.1f} * " if item.scale != 1 else "1.0 * "
    return f"{scale}{top} / {bottom}"


def _ratio_breakdown(item: Measure, query: SemanticQuery, scope: Scope) -> str:
    """A ratio over two base tables: each side grouped on its own, then joined on the group keys."""
    sides, names = [], list[str]()
    for part in item.parts:
        if query.grain is not None and not part.time:
            raise CannotCompile(f"`{part.id}` has no time column, so `{item.id}` has no {query.grain}s.")
        groups = scope.groups(query.dimensions, inner=True)
        if query.grain is not None:
            groups.append(scope.period(part.time, query.grain))
        names = [g.name for g in groups]
        side, body = scope.body(_single(part), [g.sql for g in groups], _timed(query, part))
        items = [g.item for g in groups] + [f"{side.sql} AS {side.alias}"]
        sides.append((side.alias, f"SELECT {', '.join(items)} {body} GROUP BY {_keys(groups)}"))
    (top, first), (bottom, second) = sides
    shown = ", ".join(f"numerators.{n}" for n in names)
    tie = " AND ".join(f"numerators.{n} = denominators.{n}" for n in names)
    text = (
        f"WITH numerators AS ({first}), denominators AS ({second}) SELECT {shown}, {_ratio(item, top, bottom)} "
        f"AS {item.alias} FROM numerators JOIN denominators ON {tie}"
    )
    if query.having is not None:
        text += f" WHERE {_test(_ratio(item, top, bottom), query.having)}"
    if query.order is not None:
        key = f"numerators.{names[-1]}" if query.by_group else item.alias
        text += f" ORDER BY {key}{_direction(query.order)}"
    elif query.grain is not None:
        text += f" ORDER BY numerators.{names[-1]}"
    return text + _limit(query)


def _without_first_filter(query: SemanticQuery) -> SemanticQuery:
    return replace(query, filters=query.filters[1:])


def _keys(groups: Sequence[Group]) -> str:
    return ", ".join(g.key for g in groups)


def _test(expression: str, having: Having) -> str:
    return f"{expression} {having.op} {literal(having.value)}"


def _direction(order: str | None) -> str:
    return " DESC" if order == "desc" else ""


def _limit(query: SemanticQuery) -> str:
    return f" LIMIT {query.limit}" if query.limit else ""
