"""The figures of an evaluation: counts with their intervals, the paired test, latencies by stage.

Kept apart from how they are shown, so that the terminal, the JSON file and the HTML page cannot disagree.

The words: *accuracy* is right answers over all questions; *coverage* is answers shown over all questions; *wrong
among answered* is answers shown that were wrong over answers shown. A system may trade coverage for fewer wrong
answers, and the last two figures together say at what price.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agent.model.adapters import AdapterFigures
from finetune.evaluation.attempts import Attempt, EvalReport, Mode
from finetune.evaluation.calibration import Calibration, calibration_of
from finetune.evaluation.pack import PackQuestion
from finetune.evaluation.selective import WANTED_RISK, RiskCurve, RiskPoint, risk_curve
from finetune.evaluation.statistics import Proportion, cohens_kappa, mcnemar_exact, percentile, proportion

__all__ = [
    "Group",
    "Latency",
    "ModeFigures",
    "Opinions",
    "Paired",
    "Repeated",
    "ReportFigures",
    "Steadiness",
    "adapter_figures",
    "figures_of",
]

_UNNAMED = "(none)"


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds."""

    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Group:
    """The accuracy on the questions of one difficulty or tag."""

    name: str
    accuracy: Proportion


@dataclass(frozen=True, slots=True)
class Steadiness:
    """How the questions of one difficulty fared when each was asked k times."""

    name: str
    pass_1: float
    """Share right of all attempts: what one try may be expected to give."""
    pass_k: Proportion
    """Questions that were right every time."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """Asking again: pass^k as in Yao et al., "τ-bench" (2024), which a user who asks daily lives with."""

    times: int
    by_difficulty: tuple[Steadiness, ...]
    """All questions first, then each difficulty."""
    sometimes_right: int
    """Questions that were right at times, and wrong or withheld at others."""


@dataclass(frozen=True, slots=True)
class Opinions:
    """What a judge model says of the statements, beside what execution says; never instead of it."""

    both_right: int
    only_execution: int
    only_judge: int
    both_wrong: int
    no_verdict: int
    kappa: float | None
    """Cohen's; None where agreement would say nothing."""


@dataclass(frozen=True, slots=True)
class ModeFigures:
    """Everything said of one mode."""

    mode: Mode
    accuracy: Proportion
    coverage: Proportion
    wrong_among_answered: Proportion
    by_difficulty: tuple[Group, ...]
    by_tag: tuple[Group, ...]
    statuses: dict[str, int]
    error_classes: dict[str, int]
    origins: dict[str, int]
    withheld_right: int
    """Answers that were not shown and would have been right: the price of abstaining."""
    latency: Latency
    stages: dict[str, Latency]
    risk_curve: RiskCurve
    within_risk: RiskPoint | None
    """The threshold that would have shown most with no more than `WANTED_RISK` wrong among it; None without one."""
    calibration: Calibration
    repeated: Repeated | None
    """None unless each question was asked more than once; all other figures are those of the first time."""
    by_accident: dict[str, int]
    """Answers right on the workspace's warehouse and wrong on another, by that one's name; counted as wrong."""
    accidents: int
    """Answers wrong on at least one of them."""
    opinions: Opinions | None
    """None unless a judge model was asked."""


@dataclass(frozen=True, slots=True)
class Paired:
    """The agent against the direct prompt on the same questions (McNemar's exact test)."""

    both: int
    only_agent: int
    only_direct: int
    neither: int
    p_value: float


@dataclass(frozen=True, slots=True)
class ReportFigures:
    """All figures of one evaluation."""

    modes: tuple[ModeFigures, ...]
    paired: Paired | None
    """None unless both modes were asked."""

    def to_json(self) -> dict[str, Any]:
        """A JSON-safe object."""
        return asdict(self)


def figures_of(report: EvalReport) -> ReportFigures:
    """Compute every figure of a report."""
    modes = tuple(_mode_figures(report, mode) for mode in report.modes)
    return ReportFigures(modes, _paired(report) if len(modes) == 2 else None)


def adapter_figures(report: EvalReport) -> AdapterFigures:
    """What the registry keeps of a report: how the agent did (or the direct prompt, if only that was asked)."""
    attempts = report.of_mode(report.modes[0])
    answered = sum(attempt.answered for attempt in attempts)
    right = sum(attempt.right for attempt in attempts)
    return AdapterFigures(
        right=right,
        total=len(attempts),
        answered=answered,
        wrong=answered - right,
        pack_hash=report.pack_hash,
        gold_hash=report.gold_hash,
        evaluated=report.finished,
    )


def _mode_figures(report: EvalReport, mode: Mode) -> ModeFigures:
    attempts = report.of_mode(mode)
    questions = {question.id: question for question in report.questions}
    curve = risk_curve(attempts)
    shown = [attempt for attempt in attempts if attempt.answered]
    answered = len(shown)
    right = sum(attempt.right for attempt in attempts)
    return ModeFigures(
        mode=mode,
        accuracy=proportion(right, len(attempts)),
        coverage=proportion(answered, len(attempts)),
        wrong_among_answered=proportion(answered - right, answered),
        by_difficulty=_grouped(attempts, questions, lambda question: (question.difficulty or _UNNAMED,)),
        by_tag=_grouped(attempts, questions, lambda question: question.tags or (_UNNAMED,)),
        statuses=_counted(attempt.status for attempt in attempts),
        error_classes=_counted(attempt.error_class for attempt in attempts if attempt.error_class),
        origins=_counted(attempt.origin for attempt in attempts if attempt.origin),
        withheld_right=sum(attempt.withheld_right is True for attempt in attempts),
        latency=_latency([attempt.latency_ms for attempt in attempts]),
        stages=_stages(attempts),
        risk_curve=curve,
        within_risk=curve.widest_within(WANTED_RISK),
        calibration=calibration_of(attempts),
        repeated=_repeated(report, mode, questions) if report.repeat > 1 else None,
        by_accident={name: sum(a.elsewhere.get(name) is False for a in shown) for name in report.elsewhere},
        accidents=sum(attempt.right_by_accident for attempt in shown),
        opinions=_opinions(attempts) if report.judge else None,
    )


def _grouped(
    attempts: Sequence[Attempt],
    questions: dict[str, PackQuestion],
    names_of: Callable[[PackQuestion], tuple[str, ...]],
) -> tuple[Group, ...]:
    """Groups in the order in which the pack first names them."""
    totals: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for attempt in attempts:
        for name in names_of(questions[attempt.id]):
            totals[name] += 1
            right[name] += attempt.right
    return tuple(Group(name, proportion(right[name], total)) for name, total in totals.items())


def _repeated(report: EvalReport, mode: Mode, questions: dict[str, PackQuestion]) -> Repeated:
    marks: dict[str, list[bool]] = {}
    for attempt in report.of_mode(mode, repetition=None):
        marks.setdefault(attempt.id, []).append(attempt.right)
    groups: dict[str, list[list[bool]]] = {"all questions": list(marks.values())}
    for name, mine in marks.items():
        groups.setdefault(questions[name].difficulty or _UNNAMED, []).append(mine)
    return Repeated(
        times=report.repeat,
        by_difficulty=tuple(_steadiness(name, lists) for name, lists in groups.items()),
        sometimes_right=sum(any(mine) and not all(mine) for mine in marks.values()),
    )


def _steadiness(name: str, marks: Sequence[Sequence[bool]]) -> Steadiness:
    tries = sum(map(len, marks))
    return Steadiness(name, sum(map(sum, marks)) / tries, proportion(sum(map(all, marks)), len(marks)))


def _opinions(attempts: Sequence[Attempt]) -> Opinions:
    """Over every draft that execution judged, shown or withheld."""
    judged = [attempt for attempt in attempts if attempt.draft_right is not None]
    cells = Counter((bool(a.draft_right), a.opinion) for a in judged if a.opinion is not None)
    both, only_execution, only_judge = cells[True, True], cells[True, False], cells[False, True]
    neither = cells[False, False]
    kappa = cohens_kappa(both, only_execution, only_judge, neither)
    return Opinions(both, only_execution, only_judge, neither, len(judged) - cells.total(), kappa)


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _latency(milliseconds: Sequence[float]) -> Latency:
    return Latency(round(percentile(milliseconds, 0.5), 2), round(percentile(milliseconds, 0.95), 2))


def _stages(attempts: Sequence[Attempt]) -> dict[str, Latency]:
    """Per stage over the runs that went through it, in the order in which runs first did."""
    times: dict[str, list[float]] = {}
    for attempt in attempts:
        for stage, milliseconds in attempt.timings_ms.items():
            times.setdefault(stage, []).append(milliseconds)
    return {stage: _latency(values) for stage, values in times.items()}


def _paired(report: EvalReport) -> Paired:
    agent = {attempt.id: attempt.right for attempt in report.of_mode("agent")}
    direct = {attempt.id: attempt.right for attempt in report.of_mode("direct")}
    cells = Counter((agent[name], direct[name]) for name in agent.keys() & direct.keys())
    only_agent, only_direct = cells[True, False], cells[False, True]
    return Paired(
        cells[True, True], only_agent, only_direct, cells[False, False], mcnemar_exact(only_agent, only_direct)
    )
