"""What a report says of an evaluation, in words and cells, whatever the form they are shown in."""

from __future__ import annotations

from collections.abc import Sequence

from finetune.evaluation.attempts import EvalReport
from finetune.evaluation.figures import Group, ModeFigures, Opinions, Paired, ReportFigures
from finetune.evaluation.selective import WANTED_RISK, RiskPoint
from finetune.evaluation.statistics import Proportion

__all__ = [
    "accident_sentence",
    "groups",
    "headline",
    "opinion_sentence",
    "paired_sentence",
    "repeat_rows",
    "risk_rows",
    "share",
    "summary",
    "threshold_sentence",
    "with_interval",
]

_MAX_POINTS = 12
"""Thresholds shown in a table; a curve may have hundreds."""


def headline(figures: ReportFigures) -> str:
    """The evaluation in two sentences."""
    first = figures.modes[0]
    text = (
        f"The {first.mode} answered {first.accuracy.count} of {first.accuracy.total} questions rightly "
        f"({share(first.accuracy)}); {first.wrong_among_answered.count} of {first.coverage.count} answers shown were "
        f"wrong."
    )
    if len(figures.modes) > 1:
        text += f" The same model asked directly: {figures.modes[1].accuracy.count}."
    return text


def summary(figures: ReportFigures) -> list[tuple[str, list[str]]]:
    """One row per figure, one cell per mode."""
    modes = figures.modes
    return [
        ("execution accuracy", [with_interval(mode.accuracy) for mode in modes]),
        ("coverage", [with_interval(mode.coverage) for mode in modes]),
        ("wrong among answered", [with_interval(mode.wrong_among_answered) for mode in modes]),
        ("right but withheld", [str(mode.withheld_right) for mode in modes]),
        (f"coverage at {WANTED_RISK:.0%} wrong", [_at_risk(mode.within_risk) for mode in modes]),
        ("area under risk-coverage", [_area(mode) for mode in modes]),
        ("calibration error", [_calibration(mode) for mode in modes]),
        ("latency median / p95", [f"{mode.latency.median:,.0f} / {mode.latency.p95:,.0f} ms" for mode in modes]),
        ("answers from", [_counts(mode.origins) for mode in modes]),
    ]


def groups(per_mode: Sequence[Sequence[Group]], prefix: str = "") -> list[tuple[str, list[str]]]:
    """One row per group; every mode was asked the same questions, so groups are the same in the same order."""
    return [
        (prefix + same[0].name, [_with_count(group.accuracy) for group in same]) for same in zip(*per_mode, strict=True)
    ]


def repeat_rows(figures: ReportFigures) -> list[tuple[str, list[str]]]:
    """pass@1 and pass^k per difficulty; nothing when each question was asked once."""
    per_mode = [mode.repeated for mode in figures.modes if mode.repeated]
    rows = []
    for same in zip(*(repeated.by_difficulty for repeated in per_mode), strict=True):
        rows.append((f"pass@1 {same[0].name}", [f"{group.pass_1:6.1%}" for group in same]))
        rows.append((f"pass^{per_mode[0].times} {same[0].name}", [with_interval(group.pass_k) for group in same]))
    if rows:
        rows.append(("right at times only", [str(repeated.sometimes_right) for repeated in per_mode]))
    return rows


def risk_rows(mode: ModeFigures) -> list[list[str]]:
    """Threshold, coverage and risk of a mode's curve, thinned out evenly where there are many."""
    points = mode.risk_curve.points
    count = min(len(points), _MAX_POINTS)
    kept = [points[round(i * (len(points) - 1) / max(1, count - 1))] for i in range(count)]
    return [[f"{p.threshold:g}", with_interval(p.coverage), with_interval(p.risk)] for p in kept]


def threshold_sentence(mode: ModeFigures) -> str:
    """At which threshold the wanted risk would have been kept."""
    point = mode.within_risk
    if not mode.risk_curve.points:
        return f"No draft of the {mode.mode} gave rows that could be judged."
    if point is None:
        return f"No threshold keeps wrong answers to {WANTED_RISK:.0%} of those shown ({mode.mode})."
    return (
        f"With min_confidence = {point.threshold:g} the {mode.mode} would have shown {point.coverage.count} of "
        f"{point.coverage.total} ({point.coverage.value:.1%}), {point.risk.count} of them wrong "
        f"({share(point.risk)}): the most at no more than {WANTED_RISK:.0%} wrong."
    )


def accident_sentence(mode: ModeFigures, report: EvalReport) -> str:
    """What the other warehouses found."""
    named = ", ".join(f"{name} {count}" for name, count in mode.by_accident.items())
    return (
        f"On {len(report.elsewhere)} other warehouses ({mode.mode}): {mode.accidents} statements were right on the "
        f"workspace's by accident, and count as wrong ({named}). For {report.told_apart} of "
        f"{len(report.questions)} questions the right rows differ there; for the rest this shows nothing."
    )


def opinion_sentence(mode: ModeFigures, opinions: Opinions, judge: str) -> str:
    """How far the judge model and execution agree."""
    agreed = opinions.both_right + opinions.both_wrong
    asked = agreed + opinions.only_execution + opinions.only_judge
    kappa = "not defined" if opinions.kappa is None else f"{opinions.kappa:.2f}"
    return (
        f"Asked whether {asked} drafts answer their questions ({mode.mode}), {judge} agrees with execution on {agreed} "
        f"(Cohen's kappa {kappa}): it holds {opinions.only_judge} right that are not, and {opinions.only_execution} "
        f"wrong that are right; {opinions.no_verdict} times it gave no verdict."
    )


def paired_sentence(paired: Paired) -> str:
    """The paired comparison in one sentence."""
    return (
        f"Agent against direct on the same questions: both right {paired.both}, agent alone {paired.only_agent}, "
        f"direct alone {paired.only_direct}, neither {paired.neither}; McNemar's exact test p = {paired.p_value:.2g}."
    )


def share(found: Proportion) -> str:
    """A share and its interval, for a sentence."""
    return f"{found.value:.1%}, 95 % interval {found.low:.1%} to {found.high:.1%}"


def with_interval(found: Proportion) -> str:
    """A share, its counts and its interval, for a column."""
    return f"{found.value:6.1%}  {found.count}/{found.total}  [{found.low:.1%}, {found.high:.1%}]"


def _with_count(found: Proportion) -> str:
    return f"{found.value:6.1%}  {found.count}/{found.total}"


def _at_risk(point: RiskPoint | None) -> str:
    return "none" if point is None else f"{point.coverage.value:6.1%}  from confidence {point.threshold:g}"


def _area(mode: ModeFigures) -> str:
    if not mode.risk_curve.points:
        return "none"
    return f"{mode.risk_curve.area:.3f}  (blind: {mode.risk_curve.area_if_blind:.3f})"


def _calibration(mode: ModeFigures) -> str:
    found = mode.calibration
    return f"{found.expected_error:.3f}  (Brier {found.brier:.3f})" if found.drafts else "none"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "nothing"
