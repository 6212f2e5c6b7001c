"""The runs that wait for a review, those first in which being wrong is likely or would matter.

Newest first is the order in which a queue is forgotten: what is risky drowns in what is not. So each run gets points
for what can be read from its record, each with the words that say why, and the list is in that order.

    points  because
         4  a check found an error
         4  it relied on a review that was revoked
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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import translate
from functools import cache
from re import compile as compile_pattern
from typing import Any, Final, Literal

from audit.assignment import ASSIGNMENT_KINDS, Assignment, assignment_of
from audit.identity import same_person
from audit.ledger import Ledger
from audit.record import REVIEW, RUN_ANSWERED, RUN_GUARDED, RUN_INTENT, RUN_STARTED, Record
from audit.reliance import TrainedModel, relied_on_revoked
from audit.review import DECIDING_KINDS
from audit.review_rules import ReviewRules, latest_rules
from audit.rules import ReviewStatus
from audit.runs import RunSummary, summary_of
from audit.scans import NOT_ASKED
from audit.shape import shape_of
from audit.snapshot import Selection

__all__ = ["QueueOrder", "QueuedRun", "Reason", "ReviewQueue", "Waiting", "Wanted", "review_queue"]

QueueOrder = Literal["risk", "newest"]

MIN_ESTIMATES: Final = 20
"""Fewer runs with an estimate say nothing of what is much."""
_PAGE: Final = 100
"""So many runs are read whole at a time."""
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
class Waiting:
    """Why a run that waits stands where it does, and who has what to do with it."""

    run_id: str
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

    def of(self, run: RunSummary) -> QueuedRun:
        """The same with the run itself."""
        return QueuedRun(self.run_id, self.reasons, self.assignment, self.holder, self.overdue, run)

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


@dataclass(frozen=True, slots=True)
class QueuedRun(Waiting):
    """A run that waits, and why it stands where it does."""

    run: RunSummary


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the runs that wait are to be given."""

    person: str = ""
    """Only what is assigned to this person, or in their hand."""
    overdue: bool = False
    """Only what was due before today."""

    def fits(self, waiting: Waiting) -> bool:
        """Whether it is one of them."""
        return (not self.person or waiting.is_of(self.person)) and (waiting.overdue or not self.overdue)


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """The first runs of the queue."""

    runs: list[QueuedRun]
    waiting: int
    """How many there are, those that were not given included."""


_ANY: Final = Wanted()
_NOBODYS: Final = Assignment()


def review_queue(
    ledger: Ledger,
    *,
    order: QueueOrder = "risk",
    sensitive_tables: Sequence[str] = (),
    only: Wanted = _ANY,
    limit: int | None = None,
    models: Iterable[TrainedModel] = (),
) -> ReviewQueue:
    """The runs that have ended and wait for a review, in order.

    Every run is weighed by what is kept of its records; only those that are given are read whole: a limit saves time.

    Args:
        ledger: where the runs are.
        order: the riskiest first, or the newest.
        sensitive_tables: patterns of tables (`*` and `?` are wildcards) whose runs are looked at early.
        only: leave the others out.
        limit: give at most so many.
        models: those in the registry, of which the ledger may not know what they learnt from.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """
    rules, time = latest_rules(ledger), ledger.now()
    runs = _runs(ledger)
    reviewed = {run_id: summary_of(run_id, run.records, rules) for run_id, run in runs.items() if run.records}
    accepted = {shape_of(each.sql) for each in reviewed.values() if each.review_status in _STANDING}
    scale = sorted(run.scanned for run in runs.values() if run.scanned is not None)
    weigh = _Weigh(accepted, scale, _named_by(sensitive_tables), time, relied_on_revoked(ledger, models))
    found = []
    for run_id, run in runs.items():
        summary = reviewed.get(run_id)
        is_decided = summary is not None and summary.review_status != ReviewStatus.UNREVIEWED
        if run.status and not is_decided:
            waiting = weigh.waiting(run_id, run, summary.sql if summary else run.sql)
            found += [waiting] if only.fits(waiting) else []
    found.reverse()  # the newest first, and the sort keeps that among equals
    if order == "risk":
        found.sort(key=lambda each: -each.risk)
    return ReviewQueue(_with_runs(ledger, found[:limit], rules), len(found))


def _with_runs(ledger: Ledger, waiting: Sequence[Waiting], rules: ReviewRules) -> list[QueuedRun]:
    """The same with the runs themselves."""
    found = []
    for start in range(0, len(waiting), _PAGE):
        page = waiting[start : start + _PAGE]
        records: dict[str, list[Record]] = {each.run_id: [] for each in page}
        for record in ledger.select(Selection(run_ids=tuple(records), kinds=DECIDING_KINDS)):
            records[record.run_id or ""].append(ledger.reveal(record))
        found += [each.of(summary_of(each.run_id, records[each.run_id], rules)) for each in page]
    return found


class _Run:
    """What a queue needs of one run's records; of most of them, nothing else is kept."""

    __slots__ = (
        "confidence",
        "decisions",
        "is_restricted",
        "records",
        "scanned",
        "severities",
        "sql",
        "status",
        "tables",
    )

    def __init__(self, *, is_reviewed: bool) -> None:
        self.records: list[Record] | None = [] if is_reviewed else None
        """Those that decide about it, where there is a review."""
        self.decisions: list[Record] = []
        """Reviews, assignments and claims, in order."""
        self.tables: tuple[str, ...] = ()
        self.is_restricted = False
        self.scanned: int | None = None
        self.status = self.sql = ""
        """As it ended; empty until then."""
        self.confidence = 0.0
        self.severities: tuple[Any, ...] = ()

    def add(self, record: Record) -> None:
        """Take the next record in."""
        body, kind = record.body, record.kind
        if kind in (RUN_GUARDED, RUN_INTENT):
            named = _texts(body.get("tables"))
            if any(each not in self.tables for each in named):
                self.tables = tuple(dict.fromkeys((*self.tables, *named)))
            self.is_restricted = self.is_restricted or bool(_texts(body.get("restrictions")))
        if kind == RUN_INTENT and body.get("purpose") not in NOT_ASKED:
            self._estimate(body.get("estimate"))
        if kind == RUN_ANSWERED and not self.status:
            self._end(body)
        if kind == REVIEW or kind in ASSIGNMENT_KINDS:
            self.decisions.append(record)
        if self.records is not None and kind in DECIDING_KINDS:
            self.records.append(record)

    def _end(self, body: Mapping[str, Any]) -> None:
        status, sql, findings = body.get("status"), body.get("sql"), body.get("findings")
        self.status, self.sql = _text(status), _text(sql)
        confidence = body.get("confidence")
        self.confidence = float(confidence) if isinstance(confidence, int | float) else 0.0
        if isinstance(findings, list) and findings:
            self.severities = tuple(each.get("severity") for each in findings if isinstance(each, dict))

    def _estimate(self, estimate: object) -> None:
        if isinstance(estimate, Mapping):
            try:
                self.scanned = max(self.scanned or 0, int(estimate.get("scanned_rows") or 0))
            except (TypeError, ValueError):
                return  # a number that JSON cannot hold may be text


def _runs(ledger: Ledger) -> dict[str, _Run]:
    """Every run, in the order they were asked in."""
    reviewed = {record.run_id for record in ledger.select(Selection(kinds=(REVIEW,)))}
    runs: dict[str, _Run] = {}
    for record in ledger.select(Selection(kinds=_KINDS)):
        run_id = record.run_id or ""
        if record.kind == RUN_STARTED and run_id not in runs:
            runs[run_id] = _Run(is_reviewed=run_id in reviewed)
        if run_id in runs:
            runs[run_id].add(ledger.reveal(record))
    return runs


def _named_by(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a table is named by one of the patterns; a ledger has few tables and many runs, so each is asked once."""
    compiled = [compile_pattern(translate(each.casefold())) for each in patterns]
    return cache(lambda table: any(pattern.match(table.casefold()) for pattern in compiled))


@dataclass(frozen=True, slots=True)
class _Weigh:
    """What runs are weighed with."""

    accepted: set[str]
    """Shapes."""
    scale: list[int]
    """Expected rows of all runs, in order."""
    is_sensitive: Callable[[str], bool]
    """Of a table."""
    time: str
    relied: Mapping[str, tuple[str, ...]]
    """Run → the runs with a revoked review that it relied on."""

    def waiting(self, run_id: str, run: _Run, sql: str) -> Waiting:
        assignment = assignment_of(run.decisions) if run.decisions else _NOBODYS
        overdue = assignment.is_overdue(self.time)
        reasons = [*self._reasons(run, sql), *([Reason(f"due {assignment.due}", 3)] if overdue else [])]
        if run_id in self.relied:
            revoked = ", ".join(each[:13] for each in self.relied[run_id])
            reasons.append(Reason(f"relied on a revoked review ({revoked})", 4))
        reasons.sort(key=lambda reason: -reason.points)
        return Waiting(run_id, tuple(reasons), assignment, assignment.holder(self.time), overdue)

    def _reasons(self, run: _Run, sql: str) -> Iterable[Reason]:
        if "error" in run.severities:
            yield Reason("a check found an error", 4)
        elif "warning" in run.severities:
            yield Reason("a check warned", 2)
        if run.status in _JUDGED:
            yield from self._of_answer(run, sql)
        yield from self._of_tables(run)
        yield from self._of_cost(run)

    def _of_answer(self, run: _Run, sql: str) -> Iterable[Reason]:
        if run.status == "abstained":
            yield Reason("not trusted enough to answer", 3)
        elif run.confidence < 0.5:
            yield Reason(f"confidence {run.confidence:.0%}", 3)
        elif run.confidence < 0.8:
            yield Reason(f"confidence {run.confidence:.0%}", 1)
        if sql and not (self.accepted and shape_of(sql) in self.accepted):
            yield Reason("new shape", 1)

    def _of_tables(self, run: _Run) -> Iterable[Reason]:
        named = sorted(filter(self.is_sensitive, run.tables))
        if named:
            yield Reason(f"reads {', '.join(named)}", 3)
        elif run.is_restricted:
            yield Reason("reads what the policy restricts", 3)

    def _of_cost(self, run: _Run) -> Iterable[Reason]:
        if run.scanned is None or len(self.scale) < MIN_ESTIMATES:
            return
        share = bisect_left(self.scale, run.scanned) / len(self.scale)
        if share >= 0.75:
            points, than = (2, 95) if share >= 0.95 else (1, 75)
            yield Reason(f"{run.scanned:,} rows, more than {than} % of runs", points)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
