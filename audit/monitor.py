"""Figures of how the product does, counted from the ledger, so that they can be checked like everything else.

Percentiles are nearest-rank (Hyndman and Fan 1996, type 1) over all runs in the window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

from audit.agreement import PairAgreement, agreement
from audit.ledger import Ledger
from audit.record import REVIEW, RUN_ANSWERED, RUN_STARTED, Record
from audit.rules import Decision
from audit.runs import UNFINISHED
from audit.snapshot import Selection

__all__ = ["Latency", "MonitorFigures", "monitor"]

_KINDS: Final = (RUN_STARTED, RUN_ANSWERED, "run.recalled", "run.repaired", REVIEW)
_TOTAL: Final = "total"
_JUDGEMENTS: Final = (Decision.ACCEPT, Decision.AMEND, Decision.REJECT)
_NO_PAIR: Final = PairAgreement("", "", 0, 0, None)


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds."""

    count: int
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class MonitorFigures:
    """What the ledger says of the runs in a window of it."""

    runs: int
    by_status: dict[str, int]
    """Run status (or `unfinished`) → runs."""
    by_error_class: dict[str, int]
    success_rate: float
    """Answered runs as a share of those that ended; 0 if none did."""
    recalled: int
    """Runs answered from a verified query."""
    repaired: int
    """Runs in which a draft was repaired."""
    repaired_and_answered: int
    latency: Latency
    """Whole runs, from question to answer."""
    latency_by_stage: dict[str, Latency]
    decisions: dict[str, int]
    """Decision → reviews."""
    review_agreement: float
    """Runs accepted as they were, as a share of first decisions; 0 if there are none."""
    between_reviewers: PairAgreement = _NO_PAIR
    """How far two people who decided on the same run said the same of it."""


@dataclass(slots=True)
class _Tally:
    """Counts of one pass over the records."""

    started: set[str] = field(default_factory=set)
    ended: dict[str, str] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    recalled: set[str] = field(default_factory=set)
    repaired: set[str] = field(default_factory=set)
    decisions: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    """Run → what was decided on it first."""
    stages: dict[str, list[float]] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Count one record."""
        run_id = record.run_id or ""
        if record.kind == RUN_STARTED:
            self.started.add(run_id)
        elif record.kind == "run.recalled":
            self.recalled.add(run_id)
        elif record.kind == "run.repaired":
            self.repaired.add(run_id)
        elif record.kind == REVIEW:
            decision = str(record.body.get("decision"))
            self.decisions[decision] += 1
            if decision in _JUDGEMENTS:
                self.first.setdefault(run_id, decision)
        elif run_id not in self.ended:
            self._add_answer(run_id, record.body)

    def _add_answer(self, run_id: str, body: Mapping[str, Any]) -> None:
        self.ended[run_id] = str(body.get("status", ""))
        error = body.get("error")
        if isinstance(error, Mapping):
            self.errors[str(error.get("class") or error.get("error_class") or "unknown")] += 1
        timings = body.get("timings_ms")
        stages = {
            str(stage): float(milliseconds)
            for stage, milliseconds in (timings.items() if isinstance(timings, Mapping) else ())
            if isinstance(milliseconds, int | float)
        }
        if stages:
            stages.setdefault(_TOTAL, sum(stages.values()))
        for stage, milliseconds in stages.items():
            self.stages.setdefault(stage, []).append(milliseconds)


def monitor(ledger: Ledger, *, after: int = 0) -> MonitorFigures:
    """Count the runs whose records come after a sequence; all of them by default.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """
    tally = _Tally()
    for record in ledger.select(Selection(kinds=_KINDS, after=after)):
        tally.add(record)
    statuses = Counter(tally.ended.values())
    unfinished = len(tally.started - tally.ended.keys())
    if unfinished:
        statuses[UNFINISHED] = unfinished
    answered = {run_id for run_id, status in tally.ended.items() if status == "answered"}
    accepted = sum(decision == Decision.ACCEPT for decision in tally.first.values())
    return MonitorFigures(
        runs=len(tally.started | tally.ended.keys()),
        by_status=dict(statuses.most_common()),
        by_error_class=dict(tally.errors.most_common()),
        success_rate=_share(len(answered), len(tally.ended)),
        recalled=len(tally.recalled & answered),
        repaired=len(tally.repaired),
        repaired_and_answered=len(tally.repaired & answered),
        latency=_latency(tally.stages.pop(_TOTAL, [])),
        latency_by_stage={stage: _latency(values) for stage, values in tally.stages.items()},
        decisions=dict(tally.decisions.most_common()),
        review_agreement=_share(accepted, len(tally.first)),
        between_reviewers=agreement(ledger, after=after).overall,
    )


def _latency(milliseconds: Sequence[float]) -> Latency:
    ordered = sorted(milliseconds)
    return Latency(len(ordered), _percentile(ordered, 50), _percentile(ordered, 95))


def _percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)] if ordered else 0.0


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
