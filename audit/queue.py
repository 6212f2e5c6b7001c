"""The runs that wait for a review, those first in which being wrong is likely or would matter.

Newest first is the order in which a queue is forgotten: what is risky drowns in what is not. So each run gets points
for what can be read from its record, each with the words that say why, and the list is in that order.

    points  because
         4  a check found an error
         3  it was given without being trusted: abstained, or a confidence under 50 %
         3  it reads a table that the policy restricts or calls sensitive
         3  it is overdue
         2  a check warned
         2  it was expected to look at more rows than 95 % of the runs here
         1  a confidence under 80 %
         1  it was expected to look at more rows than 75 % of the runs here
         1  no run of this shape stands accepted

A reason that has a stronger form is counted once. The weights are a judgement and no measurement; they only order a
list that shows its reasons. Of runs alike the newest is first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import translate
from re import Pattern
from re import compile as compile_pattern
from typing import Any, Final, Literal

from audit.assignment import ASSIGNMENT_KINDS, Assignment, assignment_of
from audit.identity import same_person
from audit.ledger import Ledger
from audit.record import REVIEW, RUN_ANSWERED, RUN_GUARDED, RUN_INTENT, RUN_STARTED, Record
from audit.review_rules import latest_rules
from audit.rules import ReviewStatus
from audit.runs import UNFINISHED, RunSummary, summary_of
from audit.scans import NOT_ASKED
from audit.shape import shape_of
from audit.snapshot import Selection

__all__ = ["QueueOrder", "QueuedRun", "Reason", "review_queue"]

QueueOrder = Literal["risk", "newest"]

MIN_ESTIMATES: Final = 20
"""Fewer runs with an estimate say nothing of what is much."""
_KINDS: Final = (RUN_STARTED, RUN_GUARDED, RUN_INTENT, RUN_ANSWERED, REVIEW, *ASSIGNMENT_KINDS)
_JUDGED: Final = ("answered", "abstained")
"""The statuses whose confidence and statement say something."""
_STANDING: Final = (ReviewStatus.ACCEPTED, ReviewStatus.AMENDED)


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that makes a run worth an early look."""

    words: str
    points: int


@dataclass(frozen=True, slots=True)
class QueuedRun:
    """A run that waits, and why it stands where it does."""

    run: RunSummary
    reasons: tuple[Reason, ...]
    """The weightiest first."""
    assignment: Assignment
    holder: str
    """Who has it in hand now; empty if nobody."""
    overdue: bool

    @property
    def risk(self) -> int:
        """The points of all reasons together."""
        return sum(reason.points for reason in self.reasons)

    @property
    def why(self) -> str:
        """The reasons in words."""
        return ", ".join(reason.words for reason in self.reasons)

    def is_of(self, person: str) -> bool:
        """Whether it is assigned to this person, or in their hand."""
        return any(name and same_person(name, person) for name in (self.assignment.assignee, self.holder))

    def to_json(self) -> dict[str, Any]:
        """What a list says of it beside the run."""
        told = {key: value for key, value in asdict(self.assignment).items() if key != "claim"}
        return {
            "risk": self.risk,
            "reasons": [asdict(reason) for reason in self.reasons],
            **told,
            "holder": self.holder,
            "overdue": self.overdue,
        }


def review_queue(
    ledger: Ledger, *, order: QueueOrder = "risk", sensitive_tables: Sequence[str] = ()
) -> list[QueuedRun]:
    """Every run that has ended and waits for a review, in order.

    Args:
        ledger: where the runs are.
        order: the riskiest first, or the newest.
        sensitive_tables: patterns of tables (`*` and `?` are wildcards) whose runs are looked at early.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """
    rules, time = latest_rules(ledger), ledger.now()
    runs = _runs(ledger)
    reviewed = {run_id: summary_of(run_id, run.records, rules) for run_id, run in runs.items() if run.is_reviewed}
    accepted = {shape_of(each.sql) for each in reviewed.values() if each.review_status in _STANDING}
    scale = sorted(run.scanned for run in runs.values() if run.scanned is not None)
    patterns = [compile_pattern(translate(each.casefold())) for each in sensitive_tables]
    weigh = _Weigh(accepted, scale, patterns, time)
    found = []
    for run_id, run in runs.items():
        summary = reviewed.get(run_id) or summary_of(run_id, run.records, rules)
        if summary.review_status == ReviewStatus.UNREVIEWED and summary.status != UNFINISHED:
            found.append(weigh.queued(summary, run))
    found.reverse()  # the newest first, and the sort keeps that among equals
    return sorted(found, key=lambda each: -each.risk) if order == "risk" else found


class _Run:
    """What a queue needs of one run's records."""

    __slots__ = ("assigned", "is_reviewed", "records", "restrictions", "scanned", "tables")

    def __init__(self) -> None:
        self.records: list[Record] = []
        """Those that a summary is made of."""
        self.assigned: list[Record] = []
        self.is_reviewed = False
        self.tables: set[str] = set()
        self.restrictions: list[str] = []
        self.scanned: int | None = None

    def add(self, record: Record) -> None:
        """Take one record in."""
        body = record.body
        if record.kind in (RUN_GUARDED, RUN_INTENT):
            self.tables.update(_texts(body.get("tables")))
            self.restrictions += _texts(body.get("restrictions"))
        if record.kind == RUN_INTENT and body.get("purpose") not in NOT_ASKED:
            self._estimate(body.get("estimate"))
        if record.kind == REVIEW:
            self.is_reviewed = True
        if record.kind in ASSIGNMENT_KINDS:
            self.assigned.append(record)
        elif record.kind != RUN_GUARDED:
            self.records.append(record)

    def _estimate(self, estimate: object) -> None:
        if isinstance(estimate, Mapping):
            try:
                self.scanned = max(self.scanned or 0, int(estimate.get("scanned_rows") or 0))
            except (TypeError, ValueError):
                return  # a number that JSON cannot hold may be text


def _runs(ledger: Ledger) -> dict[str, _Run]:
    """Every run, in the order they were asked in."""
    runs: dict[str, _Run] = {}
    for record in ledger.select(Selection(kinds=_KINDS)):
        run_id = record.run_id or ""
        if record.kind == RUN_STARTED:
            runs.setdefault(run_id, _Run())
        if run_id in runs:
            runs[run_id].add(ledger.reveal(record))
    return runs


@dataclass(frozen=True, slots=True)
class _Weigh:
    """What runs are weighed with."""

    accepted: set[str]
    """Shapes."""
    scale: list[int]
    """Expected rows of all runs, in order."""
    sensitive: list[Pattern[str]]
    time: str

    def is_sensitive(self, table: str) -> bool:
        return any(pattern.match(table.casefold()) for pattern in self.sensitive)

    def queued(self, summary: RunSummary, run: _Run) -> QueuedRun:
        assignment = assignment_of([*run.records, *run.assigned]) if run.assigned else Assignment()
        overdue = assignment.is_overdue(self.time)
        reasons = [*self._reasons(summary, run), *([Reason(f"due {assignment.due}", 3)] if overdue else [])]
        reasons.sort(key=lambda reason: -reason.points)
        return QueuedRun(summary, tuple(reasons), assignment, assignment.holder(self.time), overdue)

    def _reasons(self, summary: RunSummary, run: _Run) -> Iterable[Reason]:
        severities = [finding.get("severity") for finding in summary.findings]
        if "error" in severities:
            yield Reason("a check found an error", 4)
        elif "warning" in severities:
            yield Reason("a check warned", 2)
        if summary.status in _JUDGED:
            yield from self._of_answer(summary)
        yield from self._of_tables(run)
        yield from self._of_cost(run)

    def _of_answer(self, summary: RunSummary) -> Iterable[Reason]:
        if summary.status == "abstained":
            yield Reason("not trusted enough to answer", 3)
        elif summary.confidence < 0.5:
            yield Reason(f"confidence {summary.confidence:.0%}", 3)
        elif summary.confidence < 0.8:
            yield Reason(f"confidence {summary.confidence:.0%}", 1)
        if summary.sql and shape_of(summary.sql) not in self.accepted:
            yield Reason("new shape", 1)

    def _of_tables(self, run: _Run) -> Iterable[Reason]:
        named = sorted(table for table in run.tables if self.is_sensitive(table)) if self.sensitive else []
        if named:
            yield Reason(f"reads {', '.join(named)}", 3)
        elif run.restrictions:
            yield Reason("reads what the policy restricts", 3)

    def _of_cost(self, run: _Run) -> Iterable[Reason]:
        if run.scanned is None or len(self.scale) < MIN_ESTIMATES:
            return
        share = bisect_left(self.scale, run.scanned) / len(self.scale)
        if share >= 0.75:
            points, than = (2, 95) if share >= 0.95 else (1, 75)
            yield Reason(f"{run.scanned:,} rows, more than {than} % of runs", points)


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
