"""Compositions about numbers: totals, groups, rankings, shares, periods and comparisons."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from finetune.compose import (
    Composer,
    Composition,
    Draw,
    MetricWords,
    as_number,
    count_surface,
    number_surface,
    slots,
)
from finetune.pairs import Parameter
from finetune.phrasing import Ask
from memory.compiler import Filter, Having, SemanticQuery, TimeWindow
from memory.semantics import Dimension

__all__ = ["METRIC_KINDS"]

_GRAINS = (("year", ("yearly", "annual")), ("quarter", ("quarterly",)), ("month", ("monthly",)))


def _grain(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    return rng.choices(_GRAINS, weights=(4, 2, 4))[0]


def _dimension_slots(composer: Composer, dimension: Dimension, suffix: str = "") -> dict[str, tuple[str, ...]]:
    return {
        f"d{suffix}": composer.words.singular(dimension)[:4],
        f"ds{suffix}": composer.words.plurals(dimension),
    }


def _base(
    composer: Composer, rng: random.Random, metric: MetricWords, *, exclude: tuple[str, ...] = (), period: float = 0.6
) -> Draw:
    draw = Draw()
    tables = {d.table for d in composer.layer.dimensions if d.id in exclude}
    same = tuple(d.id for d in composer.layer.dimensions if d.table in tables)
    composer.add_filters(rng, draw, metric.id, (*exclude, *same))
    composer.add_period(rng, draw, metric.id, period)
    return draw


def _ask(shapes: tuple[str, ...], draw: Draw, words: dict[str, tuple[str, ...]]) -> Ask:
    return Ask(shapes, words, tuple(draw.where), draw.when, tuple(draw.parameters))


def _metric_slots(metric: MetricWords) -> dict[str, tuple[str, ...]]:
    # The defined name counts twice: it is what most people will say.
    nouns = tuple(n for n in metric.nouns if n not in metric.counted) + tuple(
        f"number of {c}" for c in metric.counted[:3]
    )
    return {"m": (nouns[0], *nouns), "c": metric.counted}


def _query(draw: Draw, metric: MetricWords, **fields: object) -> SemanticQuery:
    base = SemanticQuery(
        metrics=(metric.id,), filters=tuple(draw.filters), window=draw.period.window if draw.period else None
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def _total(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng)
    if metric is None:
        return None
    draw = _base(composer, rng, metric, period=0.65)
    shapes = ["total"]
    if metric.counted:
        shapes += ["total_count"] * 2
    elif composer.world.compiler.additive(metric.id):
        shapes.append("total_additive")
    if metric.asks:
        shapes += ["total_ask"] * 3
    words = {**_metric_slots(metric), "ask": metric.asks}
    if ":" in metric.id and not metric.counted:
        shapes = ["total"]
    level = "simple" if len(draw.filters) < 2 else "moderate"
    return Composition(_query(draw, metric, pattern="total"), _ask(tuple(shapes), draw, words), level, shape="total")


def _two_metrics(composer: Composer, rng: random.Random) -> Composition | None:
    first = composer.a_metric(rng)
    if first is None:
        return None
    dimension = composer.a_dimension(rng, first.id) if rng.random() < 0.6 else None
    draw = _base(composer, rng, first, exclude=(dimension.id,) if dimension else ())
    pattern = "breakdown" if dimension else "total"
    dimensions = (dimension.id,) if dimension else ()
    second = composer.a_metric(
        rng, lambda m: m.id != first.id and composer.world.compiler.base(m.id) == composer.world.compiler.base(first.id)
    )
    if second is None:
        return None
    query = replace(_query(draw, first, pattern=pattern, dimensions=dimensions), metrics=(first.id, second.id))
    words = {**_metric_slots(first), "m2": second.nouns}
    if dimension:
        words |= _dimension_slots(composer, dimension)
    shape = "two_metrics_by" if dimension else "two_metrics"
    return Composition(query, _ask((shape,), draw, words), "moderate")


def _breakdown(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng)
    dimension = composer.a_dimension(rng, metric.id) if metric else None
    if metric is None or dimension is None:
        return None
    draw = _base(composer, rng, metric, exclude=(dimension.id,))
    words = {**_metric_slots(metric), **_dimension_slots(composer, dimension)}
    shapes = ["breakdown"] + (["breakdown_count"] if metric.counted else [])
    order = None
    if rng.random() < 0.15:
        order = rng.choice(("desc", "desc", "asc"))
        shapes = ["breakdown_ordered"]
        high = order == "desc"
        words |= slots(
            high=("highest", "largest", "biggest") if high else ("lowest", "smallest"),
            highlow="high to low" if high else "low to high",
            ordered=("descending",) if high else ("ascending",),
        )
    query = _query(draw, metric, dimensions=(dimension.id,), order=order)
    return Composition(query, _ask(tuple(shapes), draw, words), "moderate", shape="breakdown")


def _top(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng)
    dimension = composer.a_dimension(rng, metric.id) if metric else None
    if metric is None or dimension is None:
        return None
    draw = _base(composer, rng, metric, exclude=(dimension.id,))
    order = rng.choices(("desc", "asc"), weights=(3, 1))[0]
    limit = rng.choices((1, 2, 3, 5, 10, 4, 6, 7, 8, 15, 20), weights=(50, 3, 15, 15, 10, 2, 1, 1, 1, 1, 1))[0]
    if limit >= len(composer.world.values(dimension.id)):
        return None
    name = {(True, True): "best", (True, False): "worst", (False, True): "top", (False, False): "bottom"}[
        limit == 1, order == "desc"
    ]
    shapes = [name]
    words = {**_metric_slots(metric), **_dimension_slots(composer, dimension), "n": (count_surface(rng, limit),)}
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
    query = _query(draw, metric, dimensions=(dimension.id,), order=order, limit=limit)
    return Composition(query, _ask(tuple(shapes), draw, words), "moderate", shape=name)


def _two_dimensions(composer: Composer, rng: random.Random) -> Composition | None:
    found = _metric_and_two(composer, rng)
    if found is None:
        return None
    metric, first, second = found
    draw = _base(composer, rng, metric, exclude=(first.id, second.id))
    words = {**_metric_slots(metric), **_dimension_slots(composer, first), **_dimension_slots(composer, second, "2")}
    query = _query(draw, metric, dimensions=(first.id, second.id))
    if rng.random() < 0.65:
        return Composition(query, _ask(("two_dimensions",), draw, words), "moderate")
    limit = rng.choice((1, 3, 5, 10))
    shape = "best_pair" if limit == 1 else "top_pairs"
    if limit > 1:
        words["n"] = (count_surface(rng, limit),)
        draw.parameters.append(Parameter("limit", words["n"][0], limit, "limit"))
    return Composition(replace(query, order="desc", limit=limit), _ask((shape,), draw, words), "complex")


def _metric_and_two(composer: Composer, rng: random.Random) -> tuple[MetricWords, Dimension, Dimension] | None:
    metric = composer.a_metric(rng)
    first = composer.a_dimension(rng, metric.id) if metric else None
    if metric is None or first is None:
        return None
    second = composer.a_dimension(rng, metric.id, (first.id,))
    return (metric, first, second) if second else None


def _series(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng, lambda m: composer.world.compiler.timed(m.id))
    if metric is None:
        return None
    grain, adverbs = _grain(rng)
    kind = rng.choices(
        ("series", "series_by", "best_period", "worst_period", "top_periods"), weights=(45, 15, 20, 10, 10)
    )[0]
    dimension = composer.a_dimension(rng, metric.id) if kind == "series_by" else None
    if kind == "series_by" and dimension is None:
        return None
    draw = _base(
        composer, rng, metric, exclude=(dimension.id,) if dimension else (), period=0.0 if grain == "year" else 0.7
    )
    if draw.period and draw.period.kind not in ("year", "half", "years", "since", "relative", "before"):
        return None
    words = {**_metric_slots(metric), "g": (grain,), "gly": adverbs}
    query = _query(draw, metric, grain=grain, dimensions=(dimension.id,) if dimension else ())
    shapes = [kind]
    if dimension:
        words |= _dimension_slots(composer, dimension)
    elif kind == "series" and metric.counted:
        shapes.append("series_count")
    elif kind in ("best_period", "worst_period"):
        query = replace(query, order="desc" if kind == "best_period" else "asc", limit=1)
    elif kind == "top_periods":
        limit = rng.choice((2, 3, 5))
        words["n"] = (count_surface(rng, limit),)
        draw.parameters.append(Parameter("limit", words["n"][0], limit, "limit"))
        query = replace(query, order="desc", limit=limit)
    return Composition(query, _ask(tuple(shapes), draw, words), "moderate", shape=kind)


def _periods(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng, lambda m: composer.world.compiler.timed(m.id) and ":" not in m.id)
    pair = composer.a_pair(rng)
    if metric is None or pair is None:
        return None
    kinds = (
        "compare_periods",
        "compare_periods_by",
        "growth",
        "change",
        "growth_by",
        "growth_best",
        "growth_top",
        "change_best",
        "change_worst",
        "rose",
        "fell",
    )
    kind = rng.choices(kinds, weights=(16, 6, 22, 14, 6, 8, 4, 5, 5, 6, 8))[0]
    by = kind not in ("compare_periods", "growth", "change")
    dimension = composer.a_dimension(rng, metric.id) if by else None
    if by and dimension is None:
        return None
    earlier, later, grain = pair
    draw = Draw()
    composer.add_filters(rng, draw, metric.id, (dimension.id,) if dimension else (), 1)
    window = TimeWindow(earlier.window.start, later.window.end)
    words = {**_metric_slots(metric), "p1": earlier.bare[:1] + earlier.bare, "p2": later.bare[:1] + later.bare}
    draw.parameters += [
        Parameter("earlier", "", earlier.window.start, composer.layer.calendar.time_column),
        Parameter("later", "", later.window.start, composer.layer.calendar.time_column),
    ]
    query = _query(draw, metric, window=window, grain=grain, dimensions=(dimension.id,) if dimension else ())
    starts = (earlier.window.start, later.window.start)
    if dimension:
        words |= _dimension_slots(composer, dimension)
    if kind.startswith("compare"):
        if earlier.window.end != later.window.start:
            return None  # a plain grouped series would show the periods in between as well
        return Composition(query, _ask((kind,), draw, words), "moderate")
    if kind == "growth_top":
        limit = rng.choice((3, 5))
        words["n"] = (count_surface(rng, limit),)
        draw.parameters.append(Parameter("limit", words["n"][0], limit, "limit"))
        query = replace(query, order="desc", limit=limit)
    elif kind in ("growth_best", "change_best"):
        query = replace(query, order="desc", limit=1)
    elif kind == "change_worst":
        query = replace(query, order="asc", limit=1)
    elif kind in ("rose", "fell"):
        query = replace(query, order="desc" if kind == "rose" else "asc")
    pattern = "moved" if kind in ("rose", "fell") else "change" if kind.startswith("change") else "growth"
    return Composition(replace(query, pattern=pattern, compare=starts), _ask((kind,), draw, words), "complex")


def _growth_series(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng, lambda m: composer.world.compiler.timed(m.id) and ":" not in m.id)
    if metric is None:
        return None
    grain, adverbs = _grain(rng)
    draw = _base(composer, rng, metric, period=0.0 if grain == "year" else 0.6)
    if draw.period and draw.period.kind not in ("year", "years", "since"):
        return None
    kind = rng.choices(
        ("growth_series", "growth_fell", "growth_rose", "growth_peak", "running_total"), weights=(35, 20, 10, 10, 25)
    )[0]
    words = {**_metric_slots(metric), "g": (grain,), "gly": adverbs}
    query = _query(draw, metric, grain=grain, pattern="growth_series")
    if kind == "growth_fell":
        query = replace(query, having=Having("<", 0))
    elif kind == "growth_rose":
        percent = rng.choice((5, 10, 20, 25, 50))
        words["x"] = (str(percent),)
        draw.parameters.append(Parameter("threshold", str(percent), percent, "number"))
        query = replace(query, having=Having(">", percent))
    elif kind == "growth_peak":
        query = replace(query, order="desc", limit=1)
    elif kind == "running_total":
        query = replace(query, pattern="running_total")
    return Composition(query, _ask((kind,), draw, words), "complex")


def _share(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng, lambda m: composer.world.compiler.additive(m.id))
    if metric is None:
        return None
    if rng.random() < 0.5:
        return _share_of(composer, rng, metric)
    dimension = composer.a_dimension(rng, metric.id)
    if dimension is None:
        return None
    draw = _base(composer, rng, metric, exclude=(dimension.id,))
    words = {**_metric_slots(metric), **_dimension_slots(composer, dimension)}
    query = _query(draw, metric, pattern="share", dimensions=(dimension.id,))
    shape = rng.choices(("share", "share_best", "share_top"), weights=(7, 2, 1))[0]
    if shape == "share_best":
        query = replace(query, order="desc", limit=1)
    elif shape == "share_top":
        words["n"] = (count_surface(rng, 3),)
        draw.parameters.append(Parameter("limit", words["n"][0], 3, "limit"))
        query = replace(query, order="desc", limit=3)
    return Composition(query, _ask((shape,), draw, words), "complex", shape="share")


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
    words = {**_metric_slots(metric), "part": part.where[0]}
    shapes = ("share_of_count",) if metric.counted else ("share_of",)
    return Composition(_query(draw, metric, pattern="share_of"), _ask(shapes, draw, words), "complex", shape="share_of")


def _average(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng)
    if metric is None:
        return None
    if rng.random() < 0.5:
        dimension = composer.a_dimension(rng, metric.id)
        if dimension is None:
            return None
        draw = _base(composer, rng, metric, exclude=(dimension.id,))
        order = rng.choices(("desc", "asc"), weights=(2, 1))[0]
        words = {**_metric_slots(metric), **_dimension_slots(composer, dimension)}
        shape = "above_average" if order == "desc" else "below_average"
        query = _query(draw, metric, pattern="above_average", dimensions=(dimension.id,), order=order)
        return Composition(query, _ask((shape,), draw, words), "complex")
    if not composer.world.compiler.additive(metric.id):
        return None
    return _average_of(composer, rng, metric)


def _average_of(composer: Composer, rng: random.Random, metric: MetricWords) -> Composition | None:
    if composer.world.compiler.timed(metric.id) and rng.random() < 0.5:
        grain, adverbs = _grain(rng)
        draw = _base(composer, rng, metric, period=0.0 if grain == "year" else 0.5)
        if draw.period and draw.period.kind not in ("year", "years", "since", "relative"):
            return None
        shape, aggregate = rng.choices(
            (("average_of_periods", "avg"), ("peak_of_periods", "max"), ("low_of_periods", "min")), weights=(6, 2, 2)
        )[0]
        words = {**_metric_slots(metric), "g": (grain,), "gly": adverbs}
        query = _query(draw, metric, pattern="average_of_groups", grain=grain, aggregate=aggregate)
        return Composition(query, _ask((shape,), draw, words), "complex")
    dimension = composer.a_dimension(rng, metric.id)
    if dimension is None:
        return None
    draw = _base(composer, rng, metric, exclude=(dimension.id,))
    words = {**_metric_slots(metric), **_dimension_slots(composer, dimension)}
    shapes = ("average_of_groups_count",) if metric.counted else ("average_of_groups",)
    query = _query(draw, metric, pattern="average_of_groups", dimensions=(dimension.id,))
    return Composition(query, _ask(shapes, draw, words), "complex", shape="average_of_groups")


def _having(composer: Composer, rng: random.Random) -> Composition | None:
    metric = composer.a_metric(rng)
    dimension = composer.a_dimension(rng, metric.id) if metric else None
    if metric is None or dimension is None:
        return None
    draw = _base(composer, rng, metric, exclude=(dimension.id,), period=0.45)
    query = _query(draw, metric, dimensions=(dimension.id,))
    limit = composer.threshold(rng, query)
    if limit is None:
        return None
    if metric.counted or metric.unit == "count":
        limit = float(round(limit))
    kind, op = rng.choices((("over", ">"), ("under", "<"), ("least", ">=")), weights=(6, 2, 2))[0]
    counting = rng.random() < 0.3 and kind != "least"
    surface = number_surface(rng, limit, metric.unit)
    words = {**_metric_slots(metric), **_dimension_slots(composer, dimension), "x": (surface,)}
    stem = f"count_{kind}" if counting else f"having_{kind}"
    shapes = [f"{stem}_count"] if metric.counted and stem != "count_under" else [stem]
    draw.parameters.append(Parameter("threshold", surface, as_number(limit), "number"))
    query = replace(query, having=Having(op, as_number(limit)), pattern="count_groups" if counting else "breakdown")  # type: ignore[arg-type]
    return Composition(query, _ask(tuple(shapes), draw, words), "complex" if counting else "moderate", shape=stem)


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
    draw.parameters += [composer.parameter(draw, dimension, v, v) for v in (first,)]
    draw.parameters += [composer.parameter(draw, dimension, v, v) for v in (second,)]
    words = {**_metric_slots(metric), **_dimension_slots(composer, dimension), "v1": (first,), "v2": (second,)}
    kind = rng.choices(("compare_values", "which_higher", "difference"), weights=(5, 3, 4))[0]
    query = _query(draw, metric, dimensions=(dimension.id,))
    if kind == "difference":
        return Composition(
            replace(query, pattern="difference", compare=(first, second)), _ask((kind,), draw, words), "complex"
        )
    query = replace(query, filters=(*query.filters, Filter(dimension.id, "in", (first, second))))
    if kind == "which_higher":
        query = replace(query, order="desc", limit=1)
    return Composition(query, _ask((kind,), draw, words), "moderate")


def _within(composer: Composer, rng: random.Random) -> Composition | None:
    found = _metric_and_two(composer, rng)
    if found is None:
        return None
    metric, outer, inner = found
    words = _metric_slots(metric)
    if rng.random() < 0.3 and composer.world.compiler.timed(metric.id):
        grain, adverbs = rng.choices(_GRAINS, weights=(8, 1, 2))[0]
        draw = _base(composer, rng, metric, exclude=(inner.id,), period=0.0 if grain == "year" else 0.8)
        words |= {**_dimension_slots(composer, inner), "g": (grain,), "gly": adverbs}
        query = _query(draw, metric, pattern="rank_within", dimensions=(inner.id,), grain=grain, order="desc", limit=1)
        return Composition(query, _ask(("best_each_period",), draw, words), "complex")
    draw = _base(composer, rng, metric, exclude=(outer.id, inner.id))
    words |= {**_dimension_slots(composer, outer), **_dimension_slots(composer, inner, "2")}
    kind, order, limit = rng.choices(
        (("best_within", "desc", 1), ("worst_within", "asc", 1), ("top_within", "desc", rng.choice((2, 3, 5)))),
        weights=(5, 2, 3),
    )[0]
    if limit > 1:
        words["n"] = (count_surface(rng, limit),)
        draw.parameters.append(Parameter("limit", words["n"][0], limit, "limit"))
    query = _query(draw, metric, pattern="rank_within", dimensions=(outer.id, inner.id), order=order, limit=limit)
    return Composition(query, _ask((kind,), draw, words), "complex")


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
    draw = _base(composer, rng, metric, exclude=(label,), period=0.4)
    order = rng.choices(("desc", "asc"), weights=(4, 1))[0]
    words = {
        **_metric_slots(metric),
        **slots(high=("highest", "largest", "most") if order == "desc" else ("lowest", "smallest")),
        "a": composer.words.column_nouns(column),
        "e": composer.words.entity_singular(entity),
    }
    query = _query(draw, metric, pattern="top_attribute", entity=entity.id, columns=(column,), order=order, limit=1)
    return Composition(query, _ask(("top_attribute",), draw, words), "complex")


def _idiom(composer: Composer, rng: random.Random) -> Composition | None:
    """What people say without naming the metric: "who is our best customer"."""
    idioms = composer.words.idioms()
    if not idioms:
        return None
    idiom = rng.choice(idioms)
    metric, dimension = composer.metric_words(idiom["metric"]), composer.layer.dimension(idiom["dimension"])
    keys = [k for k in ("one", "many", "one_asc", "many_asc", "each", "subject", "over", "count_over") if idiom.get(k)]
    weights = {"one": 4, "many": 4, "one_asc": 2, "many_asc": 2, "each": 3, "subject": 6, "over": 2, "count_over": 1}
    key = rng.choices(keys, weights=[weights[k] for k in keys])[0]
    draw = Draw()
    if rng.random() < 0.25 and key != "subject":
        composer.add_filters(
            rng,
            draw,
            metric.id,
            (dimension.id, *(d.id for d in composer.layer.dimensions if d.table == dimension.table)),
            1,
        )
    words: dict[str, tuple[str, ...]] = {}
    query = _query(draw, metric, dimensions=(dimension.id,))
    if key == "subject":
        value = rng.choice([v for v in composer.world.values(dimension.id) if isinstance(v, str)])
        surface = composer.surface(rng, value)
        draw.parameters.append(composer.parameter(draw, dimension, value, surface))
        words["v"] = (surface,)
        query = replace(query, filters=(Filter(dimension.id, "=", (value,)),), dimensions=(), pattern="total")
    elif key.startswith(("one", "many")):
        limit = 1 if key.startswith("one") else rng.choice((2, 3, 3, 5, 5, 10, 10))
        words["n"] = (count_surface(rng, limit),)
        if limit > 1:
            draw.parameters.append(Parameter("limit", words["n"][0], limit, "limit"))
        query = replace(query, order="asc" if key.endswith("_asc") else "desc", limit=limit)
    composer.add_period(rng, draw, metric.id, 0.5)
    query = replace(query, window=draw.period.window if draw.period else None)
    if key in ("over", "count_over"):
        limit_value = composer.threshold(rng, query)
        if limit_value is None:
            return None
        surface = number_surface(rng, limit_value, metric.unit)
        words["x"] = (surface,)
        draw.parameters.append(Parameter("threshold", surface, as_number(limit_value), "number"))
        query = replace(
            query, having=Having(">", as_number(limit_value)), pattern="breakdown" if key == "over" else "count_groups"
        )
    ask = replace(_ask((), draw, words), productions=tuple(idiom[key]))
    return Composition(query, ask, "simple" if key == "subject" else "moderate", shape=f"idiom.{key}")


METRIC_KINDS: dict[Callable[[Composer, random.Random], Composition | None], float] = {
    _idiom: 26,
    _total: 12,
    _two_metrics: 3,
    _breakdown: 10,
    _top: 16,
    _two_dimensions: 4,
    _series: 9,
    _periods: 8,
    _growth_series: 4,
    _share: 6,
    _average: 6,
    _having: 7,
    _values: 5,
    _within: 5,
    _top_attribute: 4,
}
