"""What compositions about numbers share: slot words for metrics and dimensions, filters and a period, the query."""

from __future__ import annotations

import random
from dataclasses import replace

from finetune.compose.compositions import Composer, Draw, MetricWords
from finetune.phrasing.grammar import Ask
from memory.compiler import Grain, SemanticQuery
from memory.semantics import Dimension

__all__ = ["GRAINS", "SERIES_KINDS", "a_grain", "ask_for", "base_draw", "dimension_slots", "metric_slots", "query_for"]

GRAINS: tuple[tuple[Grain, tuple[str, ...]], ...] = (
    ("year", ("yearly", "annual")),
    ("quarter", ("quarterly",)),
    ("month", ("monthly",)),
)
"""Grain and its adverbs."""
SERIES_KINDS: dict[Grain, tuple[str, ...]] = {
    "year": ("years", "since", "before"),
    "quarter": ("year", "years", "since"),
    "month": ("year", "half", "years", "since"),
}
"""Kinds of period that a series of that grain is asked for."""


def a_grain(rng: random.Random) -> tuple[Grain, tuple[str, ...]]:
    """A grain and its adverbs, drawn by how often people use them."""
    return rng.choices(GRAINS, weights=(4, 2, 4))[0]


def dimension_slots(composer: Composer, dimension: Dimension, suffix: str = "") -> dict[str, tuple[str, ...]]:
    """`d` and `ds`: the dimension in singular and plural."""
    return {
        f"d{suffix}": composer.words.singular(dimension)[:4],
        f"ds{suffix}": composer.words.plurals(dimension),
    }


def base_draw(
    composer: Composer,
    rng: random.Random,
    metric: MetricWords,
    *,
    exclude: tuple[str, ...] = (),
    period: float = 0.6,
    kinds: tuple[str, ...] = (),
) -> Draw:
    """Filters and perhaps a period that fit the metric, none on the tables of the dimensions excluded."""
    draw = Draw()
    tables = {d.table for d in composer.layer.dimensions if d.id in exclude}
    same = tuple(d.id for d in composer.layer.dimensions if d.table in tables)
    composer.add_filters(rng, draw, metric.id, (*exclude, *same))
    composer.add_period(rng, draw, metric.id, period, kinds)
    return draw


def ask_for(shapes: tuple[str, ...], draw: Draw, words: dict[str, tuple[str, ...]]) -> Ask:
    """The ask over what was drawn."""
    return Ask(shapes, words, tuple(draw.where), draw.when, tuple(draw.parameters))


def metric_slots(metric: MetricWords) -> dict[str, tuple[str, ...]]:
    """`m`: names of the metric; `c`: what it counts, in the plural."""
    # The defined name counts twice: it is what most people will say.
    nouns = tuple(n for n in metric.nouns if n not in metric.counted) + tuple(
        f"number of {c}" for c in metric.counted[:3]
    )
    return {"m": (nouns[0], *nouns), "c": metric.counted}


def query_for(draw: Draw, metric: MetricWords, **fields: object) -> SemanticQuery:
    """A query for the metric over what was drawn."""
    base = SemanticQuery(
        metrics=(metric.id,), filters=tuple(draw.filters), window=draw.period.window if draw.period else None
    )
    return replace(base, **fields)  # type: ignore[arg-type]
