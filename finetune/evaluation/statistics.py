"""The few statistics behind a claim about accuracy or speed, exact and without a numerical library.

Sixty to two hundred questions are a small sample: a figure without its interval, or two figures compared without a
paired test, would claim more than was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt

__all__ = ["Proportion", "cohens_kappa", "mcnemar_exact", "percentile", "proportion"]

_Z_95 = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """`count` of `total`, with its 95 % interval; all of `value`, `low`, `high` in 0..1."""

    count: int
    total: int
    value: float
    low: float
    high: float


def proportion(count: int, total: int) -> Proportion:
    """A share with its 95 % Wilson score interval.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22 (1927), 209-212. Unlike the textbook interval it stays inside 0..1 and
    is sound near 0 and 1. Nothing observed (`total` 0) gives value 0 and the interval 0..1.

    Raises:
        ValueError: `count` is not within 0..`total`.
    """
    if not 0 <= count <= total:
        raise ValueError(f"{count} is not a count out of {total}")
    if total == 0:
        return Proportion(0, 0, 0.0, 0.0, 1.0)
    share, z2 = count / total, _Z_95 * _Z_95
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z_95 / (1 + z2 / total) * sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    low = 0.0 if count == 0 else max(0.0, centre - half)
    high = 1.0 if count == total else min(1.0, centre + half)
    return Proportion(count, total, share, low, high)


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Two-sided p-value of McNemar's exact test on paired right/wrong outcomes.

    `only_first` questions were answered rightly by the first system alone, `only_second` by the second alone;
    questions that both or neither got right say nothing about their difference. Under the null hypothesis the
    discordant ones split as fair coins, so p = min(1, 2 * P[X <= min]) with X ~ Binomial(n, 1/2).

    Source: Q. McNemar, Psychometrika 12 (1947), 153-157; the exact conditional form is in A. Agresti, "Categorical
    Data Analysis" (3rd ed., 2013), section 11.1.
    """
    discordant = only_first + only_second
    tail = sum(comb(discordant, i) for i in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / (1 << discordant))


def cohens_kappa(both: int, only_first: int, only_second: int, neither: int) -> float | None:
    """Agreement of two raters on yes or no beyond what chance gives: 1 is perfect, 0 is chance, under 0 is worse.

    The counts are the items that both, only the first, only the second, or neither said yes to. None when chance alone
    would make them agree on everything (each rater gave one verdict throughout, or there are no items): then agreement
    says nothing.

    Source: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20
    (1960), 37-46.
    """
    total = both + only_first + only_second + neither
    if total == 0:
        return None
    first, second = (both + only_first) / total, (both + only_second) / total
    by_chance = first * second + (1 - first) * (1 - second)
    if by_chance == 1:
        return None
    return ((both + neither) / total - by_chance) / (1 - by_chance)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of the sample lies, interpolated linearly; 0.0 for an empty sample.

    Source: definition 7 of R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages", The American
    Statistician 50 (1996), 361-365.
    """
    if not values:
        return 0.0
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])
