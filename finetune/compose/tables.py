"""Compositions shown as a table: groups in an order, metrics side by side, named values compared, leaders of groups."""

from __future__ import annotations

import random
from dataclasses import replace

from finetune.compose.compositions import Composer, Composition, Draw, MetricWords, count_surface, slots
from finetune.compose.words import SERIES_KINDS, a_grain, ask_for, base_draw, dimension_slots, metric_slots, query_for
from finetune.pairs.pair import Parameter
from memory.compiler import Filter

__all__ = ["compared_values", "leaders", "order_slots", "ordered", "side_by_side"]

_HIGH = ("highest first", "largest first", "biggest first", "highest on top", "starting with the highest")
_LOW = ("lowest first", "smallest first", "lowest on top", "starting with the lowest", "smallest on top")
_DOWN = (
    "in descending order",
    "from highest to lowest",
    "from the highest to the lowest",
    "from high to low",
    "from largest to smallest",
    "from the largest to the smallest",
)
_UP = (
    "in ascending order",
    "from lowest to highest",
    "from the lowest to the highest",
    "from low to high",
    "from smallest to largest",
    "from the smallest to the largest",
)


def ordered(composer: Composer, rng: random.Random) -> Composition | None:
    """A metric by group, every group shown: by the metric, by the group's name, or by period."""
    kind = rng.choices(("by_metric", "by_name", "periods"), weights=(70, 10, 20))[0]
    metric = composer.a_metric(rng, lambda m: kind != "periods" or composer.world.compiler.timed(m.id))
    if metric is None:
        return None
    if kind == "periods":
        return _ordered_periods(composer, rng, metric)
    dimension = composer.a_dimension(rng, metric.id)
    if dimension is None:
        return None
    draw = base_draw(composer, rng, metric, exclude=(dimension.id,))
    words = {**metric_slots(metric), **dimension_slots(composer, dimension)}
    order = rng.choices(("desc", "asc"), weights=(7, 3))[0]
    shapes = []
    if kind == "by_metric":
        words |= order_slots(composer, metric, order)
        shapes = ["groups_ordered"] * 2 + ["groups_ordered_count"] * (2 * bool(metric.counted))
        shapes += ["ranking"] if order == "desc" else []
    else:
        order = "asc" if rng.random() < 0.85 else "desc"
        shapes = ["ordered_by_name" if order == "asc" else "ordered_by_name_reversed"]
    query = query_for(draw, metric, dimensions=(dimension.id,), order=order, by_group=kind == "by_name")
    return Composition(query, ask_for(tuple(shapes), draw, words), "moderate", shape=f"ordered.{kind}")


def order_slots(composer: Composer, metric: MetricWords, order: str) -> dict[str, tuple[str, ...]]:
    """`first`, `down`, `mostc`, `high`: ways to say in which order the groups come."""
    high = order == "desc"
    own = composer.words.first(metric.id, order)
    return {
        "first": (_HIGH if high else _LOW) + own + own,
        "down": _DOWN if high else _UP,
        "mostc": ("most",) if high else ("fewest",),
        "high": ("highest", "largest") if high else ("lowest", "smallest"),
    }


def _ordered_periods(composer: Composer, rng: random.Random, metric: MetricWords) -> Composition | None:
    grain, adverbs = a_grain(rng)
    draw = base_draw(composer, rng, metric, period=0.35 if grain == "year" else 0.75, kinds=SERIES_KINDS[grain])
    words = {**metric_slots(metric), "g": (grain,), "gly": adverbs}
    if rng.random() < 0.4:
        query = query_for(draw, metric, grain=grain, order="desc", by_group=True)
        return Composition(query, ask_for(("latest_first",), draw, words), "moderate", shape="ordered.latest_first")
    order = rng.choices(("desc", "asc"), weights=(3, 1))[0]
    words |= order_slots(composer, metric, order)
    query = query_for(draw, metric, grain=grain, order=order)
    return Composition(query, ask_for(("ordered_periods",), draw, words), "moderate", shape="ordered.periods")


def side_by_side(composer: Composer, rng: random.Random) -> Composition | None:
    """Three metrics that count the same rows, in total, by group or by period."""
    first = composer.a_metric(rng)
    if first is None:
        return None
    compiler = composer.world.compiler
    same = [m for m in composer.metrics if ":" not in m.id and m.id != first.id and compiler.same_rows(first.id, m.id)]
    if len(same) < 2:
        return None
    second, third = rng.sample(same, 2)
    by = rng.choices(("", "dimension", "grain"), weights=(40, 40, 20))[0]
    grain, adverbs = a_grain(rng)
    dimension = composer.a_dimension(rng, first.id) if by == "dimension" else None
    if (by == "dimension" and dimension is None) or (by == "grain" and not compiler.timed(first.id)):
        return None
    kinds = SERIES_KINDS[grain] if by == "grain" else ()
    draw = base_draw(composer, rng, first, exclude=(dimension.id,) if dimension else (), period=0.6, kinds=kinds)
    words = {**metric_slots(first), "m2": second.nouns[:1] + second.nouns, "m3": third.nouns[:1] + third.nouns}
    query = query_for(draw, first, pattern="breakdown" if by else "total")
    shape = "three_metrics"
    if dimension:
        words |= dimension_slots(composer, dimension)
        query, shape = replace(query, dimensions=(dimension.id,)), "three_metrics_by"
    elif by:
        words |= {"g": (grain,), "gly": adverbs}
        query, shape = replace(query, grain=grain), "three_metrics_series"
    query = replace(query, metrics=(first.id, second.id, third.id))
    return Composition(query, ask_for((shape,), draw, words), "moderate")


def compared_values(composer: Composer, rng: random.Random) -> Composition | None:
    """Two or three named values, a row each; sometimes period by period."""
    metric = composer.a_metric(rng)
    dimension = composer.a_dimension(rng, metric.id) if metric else None
    if metric is None or dimension is None or not composer.words.known(dimension):
        return None
    values = [v for v in composer.world.values(dimension.id) if isinstance(v, str)]
    count = 2 if rng.random() < 0.7 else 3
    if len(values) <= count:
        return None
    chosen = rng.sample(values, count)
    grain, adverbs = a_grain(rng)
    over_time = composer.world.compiler.timed(metric.id) and rng.random() < 0.15
    draw = Draw()
    composer.add_period(
        rng, draw, metric.id, 0.3 if over_time and grain == "year" else 0.6, SERIES_KINDS[grain] if over_time else ()
    )
    for value in chosen:
        draw.parameters.append(composer.parameter(draw, dimension, value, value))
    named = f"{', '.join(chosen[:-1])} and {chosen[-1]}"
    where = composer.words.where(dimension, composer.world.compiler.base(metric.id))
    words = {
        **metric_slots(metric),
        **dimension_slots(composer, dimension),
        **slots(named=named, g=grain, gly=adverbs, part=tuple(w.format(v=named) for w in where)),
    }
    query = query_for(draw, metric, dimensions=(dimension.id,), grain=grain if over_time else None)
    query = replace(query, filters=(*query.filters, Filter(dimension.id, "in", tuple(chosen))))
    shapes = ["compare_named"]
    if over_time:
        shapes = ["compare_named_series"]
    elif count == 2:
        words |= {"v1": (chosen[0],), "v2": (chosen[1],)}
        shapes += ["compare_values"]
    return Composition(query, ask_for(tuple(shapes), draw, words), "moderate", shape=shapes[0])


def leaders(composer: Composer, rng: random.Random) -> Composition | None:
    """The first of every group in words that leave the metric unsaid: "each country's best customer"."""
    idioms = [i for i in composer.words.idioms() if i.get("leader")]
    if not idioms:
        return None
    idiom = rng.choice(idioms)
    metric, inner = composer.metric_words(idiom["metric"]), composer.layer.dimension(idiom["dimension"])
    outer = composer.a_dimension(rng, metric.id, (inner.id,))
    if outer is None:
        return None
    draw = base_draw(composer, rng, metric, exclude=(outer.id, inner.id))
    words = {**dimension_slots(composer, outer), "leader": tuple(idiom["leader"])}
    words["who"] = ("who",) if composer.words.who("dimensions", inner.id) else ("what",)
    limit = rng.choices((1, 2, 3, 5), weights=(5, 2, 2, 1))[0]
    shape = "leader_within"
    if limit > 1:
        shape = "leaders_within"
        words |= {"leaders": tuple(idiom["leaders"]), "n": (count_surface(rng, limit),)}
        draw.parameters.append(Parameter("limit", words["n"][0], limit, "limit"))
    query = query_for(draw, metric, pattern="rank_within", dimensions=(outer.id, inner.id), order="desc", limit=limit)
    return Composition(query, ask_for((shape,), draw, words), "complex")
