"""Compositions about time: series, best periods, growth, change, running totals, averages of periods or groups."""

from __future__ import annotations

import random
from dataclasses import replace

from finetune.compose.compositions import Composer, Composition, Draw, MetricWords, count_surface
from finetune.compose.words import SERIES_KINDS, a_grain, ask_for, base_draw, dimension_slots, metric_slots, query_for
from finetune.pairs.pair import Parameter
from finetune.phrasing.periods import Period
from memory.compiler import Having, SemanticQuery, TimeWindow

__all__ = ["average_of", "compared_periods", "growth_series", "series"]


def series(composer: Composer, rng: random.Random) -> Composition | None:
    """A metric per period, the best or worst period, or the top few."""
    metric = composer.a_metric(rng, lambda m: composer.world.compiler.timed(m.id))
    if metric is None:
        return None
    grain, adverbs = a_grain(rng)
    kind = rng.choices(
        ("series", "series_by", "best_period", "worst_period", "top_periods"), weights=(45, 15, 20, 10, 10)
    )[0]
    dimension = composer.a_dimension(rng, metric.id) if kind == "series_by" else None
    if kind == "series_by" and dimension is None:
        return None
    draw = base_draw(
        composer,
        rng,
        metric,
        exclude=(dimension.id,) if dimension else (),
        period=0.35 if grain == "year" else 0.7,
        kinds=SERIES_KINDS[grain],
    )
    words = {**metric_slots(metric), "g": (grain,), "gly": adverbs}
    query = query_for(draw, metric, grain=grain, dimensions=(dimension.id,) if dimension else ())
    shapes = [kind]
    if dimension:
        words |= dimension_slots(composer, dimension)
    elif kind == "series":
        if draw.period and draw.period.kind == "year" and rng.random() < 0.4:
            return _of_year(draw, draw.period, query, words)
        shapes += ["series_count"] * bool(metric.counted) + ["series_tail"] * bool(draw.period or draw.filters)
    elif kind in ("best_period", "worst_period"):
        query = replace(query, order="desc" if kind == "best_period" else "asc", limit=1)
    elif kind == "top_periods":
        limit = rng.choice((2, 3, 5))
        words["n"] = (count_surface(rng, limit),)
        draw.parameters.append(Parameter("limit", words["n"][0], limit, "limit"))
        query = replace(query, order="desc", limit=limit)
    return Composition(query, ask_for(tuple(shapes), draw, words), "moderate", shape=kind)


def _of_year(draw: Draw, year: Period, query: SemanticQuery, words: dict[str, tuple[str, ...]]) -> Composition:
    """The periods of one year, the year being part of their name: "each quarter of 2023"."""
    ask = replace(ask_for(("series_of_year",), draw, {**words, "y": year.bare[:1]}), when=())
    return Composition(query, ask, "moderate", shape="series")


def compared_periods(composer: Composer, rng: random.Random) -> Composition | None:
    """Two periods against each other: side by side, growth, change, who rose and who fell."""
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
        "growth_table",
        "growth_table_by",
    )
    kind = rng.choices(kinds, weights=(16, 6, 22, 14, 6, 8, 4, 5, 5, 6, 8, 12, 14))[0]
    by = kind not in ("compare_periods", "growth", "change", "growth_table")
    dimension = composer.a_dimension(rng, metric.id) if by else None
    if by and dimension is None:
        return None
    earlier, later, grain = pair
    draw = Draw()
    composer.add_filters(rng, draw, metric.id, (dimension.id,) if dimension else (), 1)
    window = TimeWindow(earlier.window.start, later.window.end)
    words = {**metric_slots(metric), "p1": earlier.bare[:1] + earlier.bare, "p2": later.bare[:1] + later.bare}
    draw.parameters += [
        Parameter("earlier", "", earlier.window.start, composer.layer.calendar.time_column),
        Parameter("later", "", later.window.start, composer.layer.calendar.time_column),
    ]
    query = query_for(draw, metric, window=window, grain=grain, dimensions=(dimension.id,) if dimension else ())
    starts = (earlier.window.start, later.window.start)
    if dimension:
        words |= dimension_slots(composer, dimension)
    if kind.startswith("compare"):
        if earlier.window.end != later.window.start:
            return None  # a plain grouped series would show the periods in between as well
        return Composition(query, ask_for((kind,), draw, words), "moderate")
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
    if kind.startswith("growth_table"):
        pattern = "growth_table"
    return Composition(replace(query, pattern=pattern, compare=starts), ask_for((kind,), draw, words), "complex")


def growth_series(composer: Composer, rng: random.Random) -> Composition | None:
    """Growth on the period before, periods that fell, running totals."""
    metric = composer.a_metric(rng, lambda m: composer.world.compiler.timed(m.id) and ":" not in m.id)
    if metric is None:
        return None
    grain, adverbs = a_grain(rng)
    draw = base_draw(composer, rng, metric, period=0.0 if grain == "year" else 0.6)
    if draw.period and draw.period.kind not in ("year", "years", "since"):
        return None
    kind = rng.choices(
        ("growth_series", "growth_table_series", "growth_fell", "growth_rose", "growth_peak", "running_total"),
        weights=(30, 30, 20, 10, 10, 25),
    )[0]
    words = {**metric_slots(metric), "g": (grain,), "gly": adverbs}
    query = query_for(draw, metric, grain=grain, pattern="growth_series")
    if kind == "growth_fell":
        query = replace(query, having=Having("<", 0))
    elif kind == "growth_rose":
        percent = rng.choice((5, 10, 20, 25, 50))
        words["x"] = (str(percent),)
        draw.parameters.append(Parameter("threshold", str(percent), percent, "number"))
        query = replace(query, having=Having(">", percent))
    elif kind == "growth_peak":
        query = replace(query, order="desc", limit=1)
    elif kind == "growth_table_series":
        query = replace(query, pattern="growth_table")
    elif kind == "running_total":
        query = replace(query, pattern="running_total")
    return Composition(query, ask_for((kind,), draw, words), "complex")


def average_of(composer: Composer, rng: random.Random, metric: MetricWords) -> Composition | None:
    """The average, highest or lowest value over periods or groups."""
    if composer.world.compiler.timed(metric.id) and rng.random() < 0.5:
        grain, adverbs = a_grain(rng)
        draw = base_draw(composer, rng, metric, period=0.0 if grain == "year" else 0.5)
        if draw.period and draw.period.kind not in ("year", "years", "since", "relative"):
            return None
        shape, aggregate = rng.choices(
            (("average_of_periods", "avg"), ("peak_of_periods", "max"), ("low_of_periods", "min")), weights=(6, 2, 2)
        )[0]
        words = {**metric_slots(metric), "g": (grain,), "gly": adverbs}
        query = query_for(draw, metric, pattern="average_of_groups", grain=grain, aggregate=aggregate)
        return Composition(query, ask_for((shape,), draw, words), "complex")
    dimension = composer.a_dimension(rng, metric.id)
    if dimension is None:
        return None
    draw = base_draw(composer, rng, metric, exclude=(dimension.id,))
    words = {**metric_slots(metric), **dimension_slots(composer, dimension)}
    shapes = ("average_of_groups_count",) if metric.counted else ("average_of_groups",)
    query = query_for(draw, metric, pattern="average_of_groups", dimensions=(dimension.id,))
    return Composition(query, ask_for(shapes, draw, words), "complex", shape="average_of_groups")
