"""Whether a confidence means what it says: of the drafts held to be 90 % sure, are nine in ten right?

The reliability table and the expected calibration error are those of Guo et al., "On Calibration of Modern Neural
Networks" (2017), over bins of equal width; the Brier score (1950) needs no bins. Every draft whose rows were judged
counts, shown or withheld, whatever withheld it.

From a report over a pack that is not the held-out one, a threshold can be proposed. A threshold chosen on the baseline
would make the baseline's own figures better than they are, so that is refused, and a question it shares has no say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.errors import ErrorClass, UsageError
from finetune.evaluation.attempts import Attempt, EvalReport
from finetune.evaluation.pack import load_pack
from finetune.evaluation.selective import RiskPoint, risk_curve
from finetune.evaluation.standing import Standing, differences
from finetune.evaluation.statistics import Proportion, proportion
from finetune.pairs.pair import normalised

__all__ = ["Bin", "Calibration", "Proposal", "calibration_of", "propose"]

_BINS = 10
_FEW = 30
"""With fewer drafts to go by, a proposal is a guess."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The drafts whose confidence lies in one tenth of 0..1; the upper end belongs to it in the last one only."""

    low: float
    high: float
    mean_confidence: float
    right: Proportion
    """Of the drafts in the bin; `total` is how many there are."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far confidence and accuracy are apart."""

    bins: tuple[Bin, ...]
    """Those that hold drafts, least confident first."""
    drafts: int
    expected_error: float
    """Mean over the drafts of |confidence - share right| by bin, 0..1 (ECE)."""
    brier: float
    """Mean of (confidence - right)², 0..1; 0 is perfect, always saying 0.5 gives 0.25."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A threshold for a wanted risk, with what stands behind it."""

    wanted_risk: float
    point: RiskPoint | None
    """None when no threshold is that strict."""
    current: RiskPoint | None
    """What the workspace's threshold would have shown; None if it shows nothing."""
    current_threshold: float
    """The threshold in force in the workspace today, whatever it was when the report was made."""
    warnings: tuple[str, ...]


def calibration_of(attempts: Sequence[Attempt]) -> Calibration:
    """The calibration of one mode's attempts."""
    drafts = [(a.confidence, a.draft_right) for a in attempts if a.draft_right is not None]
    held: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in drafts:
        held.setdefault(min(int(confidence * _BINS), _BINS - 1), []).append((confidence, right))
    bins = tuple(_bin(index, held[index]) for index in sorted(held))
    count = len(drafts)
    apart = sum(abs(b.mean_confidence - b.right.value) * b.right.total for b in bins)
    squares = sum((confidence - right) ** 2 for confidence, right in drafts)
    return Calibration(bins, count, apart / count if count else 0.0, squares / count if count else 0.0)


def propose(
    report: EvalReport, risk: float, today: Standing, *, surely: bool = False, baseline: Path | None = None
) -> Proposal:
    """The threshold that would have shown most with at most `risk` wrong among what the agent showed.

    Args:
        report: of a pack that may be tuned on.
        risk: in 0..1.
        today: the workspace that the threshold is for; what the report was made of and it is not, is a warning.
        surely: the upper end of the risk's 95 % interval must be within it, too.
        baseline: the held-out pack's file, if there is one. Its questions have no say.

    Raises:
        UsageError: the agent was not asked, no draft was judged, or the report is about the baseline.
    """
    held_out = _held_out(report, baseline)
    if "agent" not in report.modes:
        raise UsageError(
            ErrorClass.WORKSPACE, "That report says nothing of the agent.", "Run `affidavit eval run --mode agent`."
        )
    curve = risk_curve([attempt for attempt in report.of_mode("agent") if attempt.id not in held_out])
    if not curve.points:
        raise UsageError(
            ErrorClass.WORKSPACE, "That report holds no draft with rows to judge.", "Evaluate a larger pack."
        )
    point = curve.widest_within(risk, surely=surely)
    warnings = (*differences(report.subject, today), *_warnings(curve.points[-1], point, risk))
    if held_out:
        warnings = (f"{len(held_out)} of its questions are in the baseline, too, and were left out.", *warnings)
    return Proposal(risk, point, curve.at(today.min_confidence), today.min_confidence, warnings)


def _held_out(report: EvalReport, baseline: Path | None) -> frozenset[str]:
    """Ids of the report's questions that the baseline asks, too: they have no say. Most of them, and it is refused."""
    if baseline is None or not baseline.is_file():
        return frozenset()
    held_out = {normalised(question.question) for question in load_pack(baseline)}
    shared = frozenset(q.id for q in report.questions if normalised(q.question) in held_out)
    if len(shared) * 2 > len(report.questions):
        raise UsageError(
            ErrorClass.WORKSPACE,
            f"{len(shared)} of the report's {len(report.questions)} questions are in {baseline.name}, the pack that "
            "measures; a threshold chosen on it would make its figures better than they are.",
            f"Evaluate another pack: affidavit eval run --mode agent --pack {baseline.with_name('development.jsonl')}",
        )
    return shared


def _warnings(widest: RiskPoint, point: RiskPoint | None, risk: float) -> tuple[str, ...]:
    warnings = []
    if widest.risk.total < _FEW:
        warnings.append(f"Only {widest.risk.total} drafts stand behind this; take a pack of {_FEW} or more.")
    if point is not None and point.risk.high > risk:
        warnings.append(
            f"{point.risk.count} wrong of {point.risk.total} is what was seen; the 95 % interval reaches "
            f"{point.risk.high:.1%}."
        )
    if point is not None:
        warnings.append("Chosen on these questions, it does better on them than on others: measure it on the baseline.")
    return tuple(warnings)


def _bin(index: int, drafts: Sequence[tuple[float, bool]]) -> Bin:
    mean = sum(confidence for confidence, _ in drafts) / len(drafts)
    right = sum(right for _, right in drafts)
    return Bin(index / _BINS, (index + 1) / _BINS, mean, proportion(right, len(drafts)))
