"""What every way of tampering is made of: a place, and rows or whole records changed there."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bench.tampering.forger import Envelope, envelopes, seal_anew
from bench.tampering.ledgers import House, State

__all__ = ["Change", "Tampering", "place_of", "rows_with", "sealed_with"]

Change = Callable[[House, random.Random], State]


@dataclass(frozen=True, slots=True)
class Tampering:
    """One class and its ways, of which one is drawn for each mutation."""

    name: str
    ways: tuple[Change, ...]


def place_of(house: House, chance: random.Random, *kinds: str) -> int:
    """The index of a record that the external checkpoint vouches for, of one of these kinds if there is any."""
    vouched = range(house.external.sequence)
    fitting = [each for each in vouched if house.state.rows[each]["kind"] in kinds]
    return chance.choice(fitting or list(vouched))


def rows_with(house: House, change: Callable[[list[dict[str, Any]]], None]) -> State:
    rows = [dict(row) for row in house.state.rows]
    change(rows)
    return replace(house.state, rows=tuple(rows))


def sealed_with(house: House, change: Callable[[list[Envelope]], None]) -> State:
    records = envelopes(house)
    change(records)
    return seal_anew(house, records)
