"""Compositions in idioms: what people say without naming the metric, as in "who is our best customer"."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from finetune.compose.compositions import (
    Composer,
    Composition,
    Draw,
    MetricWords,
    as_number,
    count_surface,
    number_surface,
)
from finetune.compose.tables import order_slots
from finetune.compose.words import ask_for, query_for
from finetune.pairs.pair import Parameter
from memory.compiler import Filter, Having, Order, SemanticQuery
from memory.semantics import Dimension

__all__ = ["idiom"]

_WEIGHTS = {
    "one": 4,
    "many": 4,
    "one_asc": 2,
    "many_asc": 2,
    "each": 4,
    "subject": 6,
    "over": 4,
    "under": 2,
    "least": 2,
    "count_over": 1,
}
"""How often each key of an idiom is drawn, of those the idiom has."""
_CONDITIONS: dict[str, Literal[">", "<", ">="]] = {"over": ">", "count_over": ">", "under": "<", "least": ">="}
"""Keys of an idiom that set a condition on its groups."""


@dataclass
class _Said:
    """One key of an idiom as it is being put together; `query` and `words` grow with what is drawn."""

    key: str
    metric: MetricWords
    dimension: Dimension
    draw: Draw
    query: SemanticQuery
    productions: tuple[str, ...]
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)


def idiom(composer: Composer, rng: random.Random) -> Composition | None:
    """One of the workspace's idioms, about a value, cut to the best, for each group, or under a condition."""
    idioms = composer.words.idioms()
    if not idioms:
        return None
    said = _begun(composer, rng, rng.choice(idioms))
    if said.key == "subject" and not _name_subject(composer, rng, said):
        return None
    if said.key.startswith(("one", "many")):
        _cut(rng, said)
    composer.add_period(rng, said.draw, said.metric.id, 0.5)
    said.query = replace(said.query, window=said.draw.period.window if said.draw.period else None)
    if said.key == "each" and rng.random() < 0.4:
        _put_in_order(composer, rng, said)
    if said.key in _CONDITIONS and not _set_condition(composer, rng, said):
        return None
    ask = replace(ask_for((), said.draw, said.words), productions=said.productions)
    return Composition(said.query, ask, "simple" if said.key == "subject" else "moderate", shape=f"idiom.{said.key}")


def _begun(composer: Composer, rng: random.Random, entry: Mapping[str, Any]) -> _Said:
    metric, dimension = composer.metric_words(entry["metric"]), composer.layer.dimension(entry["dimension"])
    keys = [key for key in _WEIGHTS if entry.get(key)]
    key = rng.choices(keys, weights=[_WEIGHTS[each] for each in keys])[0]
    draw = Draw()
    if rng.random() < 0.25 and key != "subject":
        same_table = (d.id for d in composer.layer.dimensions if d.table == dimension.table)
        composer.add_filters(rng, draw, metric.id, (dimension.id, *same_table), 1)
    query = query_for(draw, metric, dimensions=(dimension.id,))
    return _Said(key, metric, dimension, draw, query, tuple(entry[key]))


def _name_subject(composer: Composer, rng: random.Random, said: _Said) -> bool:
    values = [v for v in composer.world.values(said.dimension.id) if isinstance(v, str)]
    if not values:
        return False
    value = rng.choice(values)
    surface = composer.surface(rng, value)
    said.draw.parameters.append(composer.parameter(said.draw, said.dimension, value, surface))
    said.words["v"] = (surface,)
    said.query = replace(
        said.query, filters=(Filter(said.dimension.id, "=", (value,)),), dimensions=(), pattern="total"
    )
    return True


def _cut(rng: random.Random, said: _Said) -> None:
    limit = 1 if said.key.startswith("one") else rng.choice((2, 3, 3, 5, 5, 10, 10))
    said.words["n"] = (count_surface(rng, limit),)
    if limit > 1:
        said.draw.parameters.append(Parameter("limit", said.words["n"][0], limit, "limit"))
    said.query = replace(said.query, order="asc" if said.key.endswith("_asc") else "desc", limit=limit)


def _put_in_order(composer: Composer, rng: random.Random, said: _Said) -> None:
    order: Order = "desc" if rng.random() < 0.7 else "asc"
    said.words |= order_slots(composer, said.metric, order)
    said.productions = tuple(f"{production} {{tail}}, {{first}}" for production in said.productions)
    said.query = replace(said.query, order=order)


def _set_condition(composer: Composer, rng: random.Random, said: _Said) -> bool:
    limit = composer.threshold(rng, said.query)
    if limit is None:
        return False
    surface = number_surface(rng, limit, said.metric.unit)
    said.words["x"] = (surface,)
    said.draw.parameters.append(Parameter("threshold", surface, as_number(limit), "number"))
    said.query = replace(
        said.query,
        having=Having(_CONDITIONS[said.key], as_number(limit)),
        pattern="count_groups" if said.key == "count_over" else "breakdown",
    )
    return True
