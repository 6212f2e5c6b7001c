"""Compositions about numbers: totals, groups, rankings, shares, periods and comparisons."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from finetune.compose.compositions import (
    Composer,
    Composition,
    Draw,
    MetricWords,
    as_number,
    count_surface,
    number_surface,
    slots,
)
from finetune.compose.idioms import idiom
from finetune.compose.periods import average_of, compared_periods, growth_series, series
from finetune.compose.tables import compared_values, leaders, ordered, side_by_side
from finetune.compose.words import GRAINS, ask_for, base_draw, dimension_slots, metric_slots, query_for
from finetune.pairs.pair import Level, Parameter
from memory.compiler import Filter, Having
from memory.semantics import Dimension

__all__ = ["METRIC_KINDS"]

_TIMES = {
    1.5: ("1.5 times", "one and a half times"),
    2: ("twice", "double", "two times", "2x"),
    3: ("three times", "3x"),
}


def _total(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng)
    if metric is None:
        return None
    draw = base_draw(composer, rng, metric, period=0.65)
    shapes = ["total"]
    if metric.counted:
        shapes += ["total_count"] * 2
    elif composer.world.compiler.additive(metric.id):
        shapes.append("total_additive")
    if metric.asks:
        shapes += ["total_ask"] * 3
    words = {**metric_slots(metric), "ask": metric.asks}
    if ":" in metric.id and not metric.counted:
        shapes = ["total"]
    level: Level = "simple" if len(draw.filters) < 2 else "moderate"
    return Composition(
        query_for(draw, metric, pattern="total"), ask_for(tuple(shapes), draw, words), level, shape="total"
    )


def _two_metrics(composer: Composer, rng: random.Random) -> Composition | None:
    first = composer.a_metric(rng)
    if first is None:
        return None
    dimension = composer.a_dimension(rng, first.id) if rng.random() < 0.6 else None
    draw = base_draw(composer, rng, first, exclude=(dimension.id,) if dimension else ())
    pattern = "breakdown" if dimension else "total"
    dimensions = (dimension.id,) if dimension else ()
    second = composer.a_metric(
        rng, lambda m: m.id != first.id and composer.world.compiler.base(m.id) == composer.world.compiler.base(first.id)
    )
    if second is None:
        return None
    query = replace(query_for(draw, first, pattern=pattern, dimensions=dimensions), metrics=(first.id, second.id))
    words = {**metric_slots(first), "m2": second.nouns}
    if dimension:
        words |= dimension_slots(composer, dimension)
    shape = "two_metrics_by" if dimension else "two_metrics"
    return Composition(query, ask_for((shape,), draw, words), "moderate")


def _breakdown(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng)
    dimension = composer.a_dimension(rng, metric.id) if metric else None
    if metric is None or dimension is None:
        return None
    draw = base_draw(composer, rng, metric, exclude=(dimension.id,))
    words = {**metric_slots(metric), **dimension_slots(composer, dimension)}
    shapes = ["breakdown"] + (["breakdown_count"] if metric.counted else [])
    query = query_for(draw, metric, dimensions=(dimension.id,))
    return Composition(query, ask_for(tuple(shapes), draw, words), "moderate", shape="breakdown")


def _top(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng)
    dimension = composer.a_dimension(rng, metric.id) if metric else None
    if metric is None or dimension is None:
        return None
    draw = base_draw(composer, rng, metric, exclude=(dimension.id,))
    order = rng.choices(("desc", "asc"), weights=(3, 1))[0]
    limit = rng.choices((1, 2, 3, 5, 10, 4, 6, 7, 8, 15, 20), weights=(50, 3, 15, 15, 10, 2, 1, 1, 1, 1, 1))[0]
    if limit >= len(composer.world.values(dimension.id)):
        return None
    name = {(True, True): "best", (True, False): "worst", (False, True): "top", (False, False): "bottom"}[
        limit == 1, order == "desc"
    ]
    shapes = [name]
    words = {**metric_slots(metric), **dimension_slots(composer, dimension), "n": (count_surface(rng, limit),)}
    if metric.counted:
        shapes += [f"{name}_count"] * 2
    most = composer.words.most(metric.id, order)
    if most and name != "bottom":
        shapes += [f"{name}_verb"] * 2
        words["most"] = most
    if composer.words.who("dimensions", dimension.id) and order == "desc":
        shapes.append(f"{name}_who")
    if limit > 1:
        draw.parameters.append(Parameter("limit", words["n"][0], limit, "limit"))
    query = query_for(draw, metric, dimensions=(dimension.id,), order=order, limit=limit)
    return Composition(query, ask_for(tuple(shapes), draw, words), "moderate", shape=name)


def _two_dimensions(composer: Composer, rng: random.Random) -> Composition | None:
    found = _metric_and_two(composer, rng)
    if found is None:
        return None
    metric, first, second = found
    draw = base_draw(composer, rng, metric, exclude=(first.id, second.id))
    words = {**metric_slots(metric), **dimension_slots(composer, first), **dimension_slots(composer, second, "2")}
    query = query_for(draw, metric, dimensions=(first.id, second.id))
    if rng.random() < 0.65:
        return Composition(query, ask_for(("two_dimensions",), draw, words), "moderate")
    limit = rng.choice((1, 3, 5, 10))
    shape = "best_pair" if limit == 1 else "top_pairs"
    if limit > 1:
        words["n"] = (count_surface(rng, limit),)
        draw.parameters.append(Parameter("limit", words["n"][0], limit, "limit"))
    return Composition(replace(query, order="desc", limit=limit), ask_for((shape,), draw, words), "complex")


def _metric_and_two(composer: Composer, rng: random.Random) -> tuple[MetricWords, Dimension, Dimension] | None:
    metric = composer.a_metric(rng)
    first = composer.a_dimension(rng, metric.id) if metric else None
    if metric is None or first is None:
        return None
    second = composer.a_dimension(rng, metric.id, (first.id,))
    return (metric, first, second) if second else None


def _share(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng, lambda m: composer.world.compiler.additive(m.id))
    if metric is None:
        return None
    if rng.random() < 0.5:
        return _share_of(composer, rng, metric)
    dimension = composer.a_dimension(rng, metric.id)
    if dimension is None:
        return None
    draw = base_draw(composer, rng, metric, exclude=(dimension.id,))
    words = {**metric_slots(metric), **dimension_slots(composer, dimension)}
    query = query_for(draw, metric, pattern="share", dimensions=(dimension.id,))
    shape = rng.choices(("share", "share_best", "share_top"), weights=(7, 2, 1))[0]
    if shape == "share_best":
        query = replace(query, order="desc", limit=1)
    elif shape == "share_top":
        words["n"] = (count_surface(rng, 3),)
        draw.parameters.append(Parameter("limit", words["n"][0], 3, "limit"))
        query = replace(query, order="desc", limit=3)
    return Composition(query, ask_for((shape,), draw, words), "complex", shape="share")


def _share_of(composer: Composer, rng: random.Random, metric: MetricWords) -> Composition | None:
    options = [d for d in composer.filterable if composer.combinable(metric.id, d.id)]
    if not options:
        return None
    part = Draw()
    dimension = rng.choice(options)
    if (
        not composer.add_value(rng, part, dimension, composer.world.compiler.base(metric.id))
        or part.filters[0].op == "!="
    ):
        return None
    draw = Draw(filters=list(part.filters), parameters=list(part.parameters))
    composer.add_period(rng, draw, metric.id)
    words = {**metric_slots(metric), "part": part.where[0]}
    shapes = ("share_of_count",) if metric.counted else ("share_of",)
    return Composition(
        query_for(draw, metric, pattern="share_of"), ask_for(shapes, draw, words), "complex", shape="share_of"
    )


def _average(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng)
    if metric is None:
        return None
    if rng.random() < 0.5:
        dimension = composer.a_dimension(rng, metric.id)
        if dimension is None:
            return None
        draw = base_draw(composer, rng, metric, exclude=(dimension.id,))
        order = rng.choices(("desc", "asc"), weights=(2, 1))[0]
        words = {**metric_slots(metric), **dimension_slots(composer, dimension)}
        shape = "above_average" if order == "desc" else "below_average"
        query = query_for(draw, metric, pattern="above_average", dimensions=(dimension.id,), order=order)
        if order == "desc" and rng.random() < 0.3:
            shape, times = "above_multiple", rng.choice((2, 2, 2, 3, 1.5))
            words["times"] = _TIMES[times]
            query = replace(query, having=Having(">", times))
        return Composition(query, ask_for((shape,), draw, words), "complex")
    if not composer.world.compiler.additive(metric.id):
        return None
    return average_of(composer, rng, metric)


def _having(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng)
    dimension = composer.a_dimension(rng, metric.id) if metric else None
    if metric is None or dimension is None:
        return None
    draw = base_draw(composer, rng, metric, exclude=(dimension.id,), period=0.45)
    query = query_for(draw, metric, dimensions=(dimension.id,))
    limit = composer.threshold(rng, query)
    if limit is None:
        return None
    if metric.counted or metric.unit == "count":
        limit = float(round(limit))
    kind, op = rng.choices((("over", ">"), ("under", "<"), ("least", ">=")), weights=(6, 2, 2))[0]
    counting = rng.random() < 0.3 and kind != "least"
    surface = number_surface(rng, limit, metric.unit)
    words = {**metric_slots(metric), **dimension_slots(composer, dimension), "x": (surface,)}
    stem = f"count_{kind}" if counting else f"having_{kind}"
    shapes = [f"{stem}_count"] if metric.counted and stem != "count_under" else [stem]
    draw.parameters.append(Parameter("threshold", surface, as_number(limit), "number"))
    query = replace(query, having=Having(op, as_number(limit)), pattern="count_groups" if counting else "breakdown")  # type: ignore[arg-type]
    return Composition(query, ask_for(tuple(shapes), draw, words), "complex" if counting else "moderate", shape=stem)


def _values(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng)
    dimension = composer.a_dimension(rng, metric.id) if metric else None
    if metric is None or dimension is None or not composer.words.known(dimension):
        return None
    values = [v for v in composer.world.values(dimension.id) if isinstance(v, str)]
    if len(values) < 2:
        return None
    first, second = rng.sample(values, 2)
    draw = Draw()
    composer.add_period(rng, draw, metric.id)
    for value in (first, second):
        draw.parameters.append(composer.parameter(draw, dimension, value, value))
    words = {**metric_slots(metric), **dimension_slots(composer, dimension), "v1": (first,), "v2": (second,)}
    kind = rng.choice(("which_higher", "difference"))
    query = query_for(draw, metric, dimensions=(dimension.id,))
    if kind == "difference":
        return Composition(
            replace(query, pattern="difference", compare=(first, second)), ask_for((kind,), draw, words), "complex"
        )
    query = replace(query, filters=(*query.filters, Filter(dimension.id, "in", (first, second))))
    query = replace(query, order="desc", limit=1)
    return Composition(query, ask_for((kind,), draw, words), "moderate")


def _within(composer: Composer, rng: random.Random) -> Composition | None:
    found = _metric_and_two(composer, rng)
    if found is None:
        return None
    metric, outer, inner = found
    words = metric_slots(metric)
    if rng.random() < 0.3 and composer.world.compiler.timed(metric.id):
        grain, adverbs = rng.choices(GRAINS, weights=(8, 1, 2))[0]
        draw = base_draw(composer, rng, metric, exclude=(inner.id,), period=0.0 if grain == "year" else 0.8)
        words |= {**dimension_slots(composer, inner), "g": (grain,), "gly": adverbs}
        query = query_for(
            draw, metric, pattern="rank_within", dimensions=(inner.id,), grain=grain, order="desc", limit=1
        )
        return Composition(query, ask_for(("best_each_period",), draw, words), "complex")
    draw = base_draw(composer, rng, metric, exclude=(outer.id, inner.id))
    words |= {**dimension_slots(composer, outer), **dimension_slots(composer, inner, "2")}
    kind, order, limit = rng.choices(
        (("best_within", "desc", 1), ("worst_within", "asc", 1), ("top_within", "desc", rng.choice((2, 3, 5)))),
        weights=(5, 2, 3),
    )[0]
    if limit > 1:
        words["n"] = (count_surface(rng, limit),)
        draw.parameters.append(Parameter("limit", words["n"][0], limit, "limit"))
    query = query_for(draw, metric, pattern="rank_within", dimensions=(outer.id, inner.id), order=order, limit=limit)
    return Composition(query, ask_for((kind,), draw, words), "complex")


def _top_attribute(composer: Composer, rng: random.Random) -> Composition | None:
    entity = rng.choice([e for e in composer.entities if len(composer.text_columns(e.table)) > 2] or [None])
    if entity is None:
        return None
    metric = composer.a_metric(rng, lambda m: composer.combinable(m.id, composer.label(entity)))
    if metric is None:
        return None
    label = composer.label(entity)
    columns = [
        c
        for c in (
            *composer.text_columns(entity.table),
            *composer.date_columns(entity.table),
            *composer.number_columns(entity.table),
        )
        if c != f"{entity.table}.{entity.label}" and composer.words.column(c)
    ]
    if not columns:
        return None
    column = rng.choice(columns)
    draw = base_draw(composer, rng, metric, exclude=(label,), period=0.4)
    order = rng.choices(("desc", "asc"), weights=(4, 1))[0]
    words = {
        **metric_slots(metric),
        **slots(high=("highest", "largest", "most") if order == "desc" else ("lowest", "smallest")),
        "a": composer.words.column_nouns(column),
        "e": composer.words.entity_singular(entity),
    }
    query = query_for(draw, metric, pattern="top_attribute", entity=entity.id, columns=(column,), order=order, limit=1)
    return Composition(query, ask_for(("top_attribute",), draw, words), "complex")


METRIC_KINDS: dict[Callable[[Composer, random.Random], Composition | None], float] = {
    idiom: 26,
    _total: 16,
    _two_metrics: 4,
    _breakdown: 10,
    _top: 18,
    ordered: 15,
    side_by_side: 5,
    compared_values: 7,
    leaders: 3,
    _two_dimensions: 4,
    series: 18,
    compared_periods: 12,
    growth_series: 7,
    _share: 6,
    _average: 7,
    _having: 8,
    _values: 4,
    _within: 5,
    _top_attribute: 4,
}
