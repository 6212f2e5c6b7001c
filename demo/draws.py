"""Random numbers that are the same on every machine and with every release of numpy.

numpy promises to keep the raw stream of its bit generators, not what its distributions make of it, so the few
distributions the demo warehouse needs are written out here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Draws", "Floats", "Ints"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Draws:
    """One independent stream of draws; `stream` keeps one table's rows from depending on another's number."""

    def __init__(self, seed: int, stream: int) -> None:
        self._bits = np.random.PCG64([seed, stream])

    def uniform(self, count: int) -> Floats:
        """`count` numbers in [0, 1), from the top 53 bits of each raw word."""
        raw = np.asarray(self._bits.random_raw(count), dtype=np.uint64)
        return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self, count: int) -> Floats:
        """`count` standard normal numbers (Box and Muller, 1958)."""
        radius = np.sqrt(-2.0 * np.log(1.0 - self.uniform(count)))
        return np.asarray(radius * np.cos(2.0 * np.pi * self.uniform(count)), dtype=np.float64)

    def integers(self, low: int, high: int, count: int) -> Ints:
        """`count` whole numbers in [low, high), evenly."""
        return low + (self.uniform(count) * (high - low)).astype(np.int64)

    def weighted(self, weights: Sequence[float] | Floats, count: int) -> Ints:
        """`count` positions in `weights`, each as likely as its weight."""
        total = np.cumsum(np.asarray(weights, dtype=np.float64))
        found = np.searchsorted(total, self.uniform(count) * total[-1], side="right")
        return np.asarray(found, dtype=np.int64)

    def weighted_within(self, weights: Floats, first: Ints, last: Ints, days: Ints) -> Ints:
        """For each day a position whose window [first, last] holds it; the position 0 must be open on every day.

        Drawn again where the window is closed, a fixed number of times, then given to position 0.
        """
        chosen = self.weighted(weights, len(days))
        for _ in range(12):
            closed = np.flatnonzero((days < first[chosen]) | (days > last[chosen]))
            if not len(closed):
                return chosen
            chosen[closed] = self.weighted(weights, len(closed))
        chosen[(days < first[chosen]) | (days > last[chosen])] = 0
        return chosen

    def order(self, count: int) -> Ints:
        """The numbers 0 to count - 1, shuffled."""
        return np.argsort(self.uniform(count), kind="stable").astype(np.int64)

    def pick(self, items: Sequence[Any]) -> Any:
        """One item, each as likely as another."""
        return items[int(self.integers(0, len(items), 1)[0])]

    def digits(self, pattern: str) -> str:
        """The pattern with every # replaced by a digit."""
        drawn = iter(self.integers(0, 10, pattern.count("#")).tolist())
        return "".join(str(next(drawn)) if mark == "#" else mark for mark in pattern)
