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
from finetune.evaluation import Attempt, EvalReport, Mode
from finetune.pack import PackQuestion
from finetune.statistics import Proportion, mcnemar_exact, percentile, proportion

__all__ = ["Group", "Latency", "ModeFigures", "Paired", "ReportFigures", "adapter_figures", "figures_of"]

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
    answered = sum(attempt.answered for attempt in attempts)
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
