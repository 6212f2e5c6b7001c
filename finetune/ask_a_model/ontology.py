"""What a model is told of a business before it thinks of questions: a few concepts at a time, with real values.

Shown everything at once, a model asks about what comes first and what it knows from elsewhere. So each request is
given other metrics, dimensions and tables, in turn, and its questions must be about these. Values are read under the
workspace's policy: what it denies is neither named nor quoted.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from agent.warehouse.policy import Policy
from finetune.pairs.world import World
from memory.semantics import Dimension

__all__ = ["Subject", "subjects"]

_METRICS, _DIMENSIONS, _TABLES, _VALUES = 2, 3, 2, 4
_MAX_COLUMNS = 14
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Subject:
    """What the questions of one request are about."""

    names: tuple[str, ...]
    """Ids of the concepts."""
    text: str
    """As the model is told."""


def subjects(world: World, count: int, seed: int) -> list[Subject]:
    """`count` subjects; every concept has had its turn before one comes again. The same seed gives the same ones."""
    rng = random.Random(f"subjects:{seed}")  # noqa: S311 (an order, not a secret)
    layer, policy = world.layer, world.policy
    tables = [t for t in world.catalog.tables if policy.table_allowed(t.name)]
    dimensions = [d for d in layer.dimensions if _readable(policy, d)]
    turns = zip(
        _turns(layer.metrics, _METRICS, count, rng),
        _turns(dimensions, _DIMENSIONS, count, rng),
        _turns(tables, _TABLES, count, rng),
        strict=True,
    )
    period = " to ".join(day for day in world.span() if day)
    found = []
    for metrics, chosen, shown in turns:
        lines = [f"figure: {m.name}{f' ({m.description})' if m.description else ''}" for m in metrics]
        lines += [f"attribute: {d.name}{_some(world.values(d.id), rng)}" for d in chosen]
        for table in shown:
            columns = [c.name for c in table.columns if not policy.column_denied(table.name, c.name)]
            lines.append(f"records: {table.name} with {', '.join(columns[:_MAX_COLUMNS])}")
        lines += [f"data from {period}"] if period else []
        names = (*(m.id for m in metrics), *(d.id for d in chosen), *(t.name for t in shown))
        found.append(Subject(names, "\n".join(" ".join(line.split()) for line in lines)))
    return found


def _readable(policy: Policy, dimension: Dimension) -> bool:
    table, column = dimension.table, dimension.column
    denied = bool(column) and policy.column_denied(table, column)
    return not denied and (not table or policy.table_allowed(table))


def _turns(items: Sequence[_T], each: int, count: int, rng: random.Random) -> list[tuple[_T, ...]]:
    """`count` hands of up to `each` different items from a pack that is shuffled anew when it runs out."""
    pack: list[_T] = []
    hands = []
    for _ in range(count):
        hand: list[_T] = []
        while len(hand) < min(each, len(items)):
            if not pack:
                pack = list(items)
                rng.shuffle(pack)
            fresh = next((index for index, item in enumerate(pack) if item not in hand), None)
            if fresh is None:
                pack = []
                continue
            hand.append(pack.pop(fresh))
        hands.append(tuple(hand))
    return hands


def _some(values: Sequence[object], rng: random.Random) -> str:
    """A few of the values, drawn."""
    drawn = rng.sample(list(values), min(_VALUES, len(values)))
    return f", such as {'; '.join(map(str, drawn))}" if drawn else ""
