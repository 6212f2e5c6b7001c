"""What a confidence is worth: how much of what is shown is wrong, against how much is shown.

A system that may abstain has no single accuracy. Raising the threshold shows less and errs less; the whole of that
trade is the *risk-coverage curve* (El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification",
2010), and the area under it (Geifman and El-Yaniv, "Selective Classification for Deep Neural Networks", 2017) says in
one number how well confidence tells right from wrong: the lower the better, and a confidence that tells nothing gives
the share that is wrong when everything is shown.

The curve is over what the threshold decides: answers that were shown, and drafts withheld for low confidence alone. A
draft that a check withheld is not shown at any threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from agent.errors import ErrorClass
from finetune.evaluation.attempts import Attempt
from finetune.evaluation.statistics import Proportion, proportion

__all__ = ["WANTED_RISK", "RiskCurve", "RiskPoint", "risk_curve"]

WANTED_RISK = 0.04
"""The share of wrong answers among those shown that a report looks for a threshold for."""
_LAST_STEP = 0.95
"""How far under the least confident draft a threshold that shows everything is put."""


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """What one threshold would have shown."""

    threshold: float
    """A value of `limits.min_confidence` that shows exactly this."""
    least_confidence: float
    """Of the drafts shown."""
    coverage: Proportion
    """Shown, of all questions."""
    risk: Proportion
    """Wrong, of those shown."""


@dataclass(frozen=True, slots=True)
class RiskCurve:
    """The trade between showing much and being wrong seldom."""

    points: tuple[RiskPoint, ...]
    """One per distinct confidence, from the strictest threshold to the one that shows every draft; maybe empty."""
    area: float
    """The mean risk over every number of drafts shown, 0..1 (AURC)."""
    area_if_blind: float
    """The area a confidence would have that tells nothing."""

    def widest_within(self, risk: float, *, surely: bool = False) -> RiskPoint | None:
        """The point of most coverage whose risk is at most `risk`, or, with `surely`, the upper end of its interval.

        None when no threshold does.
        """
        within = [p for p in self.points if (p.risk.high if surely else p.risk.value) <= risk]
        return within[-1] if within else None

    def at(self, threshold: float) -> RiskPoint | None:
        """What a threshold shows; None when it shows nothing."""
        shown = [point for point in self.points if point.least_confidence >= threshold]
        return shown[-1] if shown else None


def risk_curve(attempts: Sequence[Attempt]) -> RiskCurve:
    """The curve over one mode's attempts; those without a draft to judge count as questions that are never shown."""
    drafts = sorted((_judged(attempt) for attempt in attempts if _is_decided(attempt)), reverse=True)
    levels = [(confidence, [right for _, right in group]) for confidence, group in groupby(drafts, key=lambda d: d[0])]
    points: list[RiskPoint] = []
    shown = wrong = 0
    areas = 0.0
    for index, (confidence, marks) in enumerate(levels):
        here = marks.count(False)
        # Within a tie the order is arbitrary: each further draft adds the tie's mean share of wrong ones.
        areas += sum((wrong + here * n / len(marks)) / (shown + n) for n in range(1, len(marks) + 1))
        shown, wrong = shown + len(marks), wrong + here
        below = levels[index + 1][0] if index + 1 < len(levels) else confidence * _LAST_STEP
        points.append(
            RiskPoint(
                threshold=_roundest_between(below, confidence),
                least_confidence=confidence,
                coverage=proportion(shown, len(attempts)),
                risk=proportion(wrong, shown),
            )
        )
    return RiskCurve(tuple(points), areas / shown if shown else 0.0, wrong / shown if shown else 0.0)


def _is_decided(attempt: Attempt) -> bool:
    """The threshold decides whether it is shown."""
    withheld = attempt.error_class == ErrorClass.LOW_CONFIDENCE.value and attempt.withheld_right is not None
    return attempt.answered or withheld


def _judged(attempt: Attempt) -> tuple[float, bool]:
    return attempt.confidence, bool(attempt.draft_right)


def _roundest_between(low: float, high: float) -> float:
    """The number with the fewest decimals over `low` and under `high`, near their middle.

    Confidences are kept to four decimals, so a threshold must stand clear of both.
    """
    middle = (low + high) / 2
    for digits in range(1, 6):
        candidate = round(middle, digits)
        if low < candidate < high:
            return candidate
    return middle
