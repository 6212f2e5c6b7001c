"""Runs as they are read back: a line each for a list, everything on the record for one.

A run is not stored anywhere as such; it is the records that carry its id. What is shown here is what the ledger
says, and `audit.verify` says whether the ledger can be believed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from audit.errors import AmbiguousRunError, RunNotFoundError
from audit.ledger import Ledger
from audit.record import REVIEW, RUN_ANSWERED, RUN_INTENT, RUN_STARTED, Record
from audit.review_rules import ReviewRules, latest_rules
from audit.rules import ReviewStatus, RunOnRecord, approvals_needed, run_on_record
from audit.snapshot import Selection

__all__ = ["UNFINISHED", "RunSummary", "RunTrace", "get_run", "list_runs", "resolve_run_id", "summary_of", "trace_of"]

UNFINISHED: Final = "unfinished"
"""Shown as the status of a run that started and never ended: still under way, or cut off by a crash."""

_PAGE: Final = 100
_CANDIDATES: Final = 5


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in a list."""

    run_id: str
    question: str
    asker: str
    status: str
    """A run status, or `unfinished`."""
    sql: str
    """The answer's SQL; after an amendment, the corrected SQL."""
    confidence: float
    model: str
    started: str
    """UTC, RFC 3339."""
    review_status: str
    reviewer: str
    """Who took the newest decision; empty while there is none."""
    findings: tuple[dict[str, Any], ...]
    approvals: int = 0
    """How many people have approved the statement as it stands."""
    needed: int = 1
    """How many have to: by the rules recorded last, once it is accepted or amended by those it was judged by."""

    @property
    def standing(self) -> str:
        """The review status in a word; with the count where one approval is not enough."""
        is_begun = self.approvals and self.review_status == ReviewStatus.UNREVIEWED
        return f"{self.approvals} of {self.needed}" if is_begun else self.review_status


@dataclass(frozen=True, slots=True)
class RunTrace:
    """Everything the ledger holds of one run, in order."""

    summary: RunSummary
    records: tuple[Record, ...]

    @property
    def run_id(self) -> str:
        """The run's full id."""
        return self.summary.run_id

    @property
    def answer(self) -> Record | None:
        """The record that ended the run; None while unfinished."""
        return next(iter(self.of_kind(RUN_ANSWERED)), None)

    @property
    def reviews(self) -> tuple[Record, ...]:
        """The decisions taken on it, oldest first."""
        return self.of_kind(REVIEW)

    def of_kind(self, kind: str) -> tuple[Record, ...]:
        """Its records of one kind, in order."""
        return tuple(record for record in self.records if record.kind == kind)


def list_runs(
    ledger: Ledger, *, limit: int = 50, status: str | None = None, review_status: str | None = None
) -> list[RunSummary]:
    """The newest runs first, at most `limit`, only those of a status or review status if given.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """
    fitting = (
        summary
        for summary in _newest_first(ledger)
        if status in (None, summary.status) and review_status in (None, summary.review_status)
    )
    return list(islice(fitting, min(limit, sys.maxsize)))


def get_run(ledger: Ledger, run_id: str) -> RunTrace:
    """The whole of one run, named by its id or an unambiguous beginning of it.

    Raises:
        RunNotFoundError, AmbiguousRunError: no run, or several, begin so.
        LedgerUnavailable: the ledger cannot be read.
    """
    full_id = resolve_run_id(ledger, run_id)
    return trace_of(full_id, map(ledger.reveal, ledger.records(full_id)), latest_rules(ledger))


def trace_of(run_id: str, records: Iterable[Record], rules: ReviewRules) -> RunTrace:
    """A run as its records, of which there is at least one, tell it; `rules` as for `summary_of`."""
    found = tuple(records)
    return RunTrace(summary_of(run_id, found, rules), found)


def resolve_run_id(ledger: Ledger, prefix: str) -> str:
    """The full id of the one run whose id is `prefix` or begins with it.

    Raises:
        RunNotFoundError, AmbiguousRunError, LedgerUnavailable: as they say.
    """
    wanted = prefix.strip()
    candidates = ledger.run_ids_like(wanted, _CANDIDATES + 1) if wanted else ()
    if wanted in candidates:
        return wanted
    if not candidates:
        raise RunNotFoundError(f"No run on the ledger has the id {wanted!r}.", "List them: affidavit runs list.")
    if len(candidates) > 1:
        shown = ", ".join(candidates[:_CANDIDATES]) + (", …" if len(candidates) > _CANDIDATES else "")
        raise AmbiguousRunError(
            f"Several runs have an id that begins with {wanted!r}: {shown}.",
            "Give more of the id.",
            candidates[:_CANDIDATES],
        )
    return candidates[0]


def summary_of(run_id: str, records: Iterable[Record], rules: ReviewRules) -> RunSummary:
    """A run in a list, from its records in order; `rules` say how many must approve it if it is still to be decided."""
    records = tuple(records)
    run = run_on_record(records)
    first = records[0]
    answer = next((record.body for record in records if record.kind == RUN_ANSWERED), {})
    review = run.standing_review if run else None
    amendment = run.amendment if run and run.review_status is not ReviewStatus.REVOKED else None
    findings = answer.get("findings")
    return RunSummary(
        run_id=run_id,
        question=run.question if run else "",
        asker=run.asker if run else first.actor,
        status=(run.status if run else "") or UNFINISHED,
        sql=str(amendment.body.get("sql", "")) if amendment else (run.sql if run else ""),
        confidence=_number(answer.get("confidence")),
        model=str(answer.get("model") or ""),
        started=first.time,
        review_status=(run.review_status if run else ReviewStatus.UNREVIEWED).value,
        reviewer=review.actor if review else "",
        findings=tuple(each for each in findings if isinstance(each, dict)) if isinstance(findings, list) else (),
        approvals=len(run.approvals) if run else 0,
        needed=_needed(run, rules) if run else 1,
    )


def _newest_first(ledger: Ledger) -> Iterator[RunSummary]:
    rules = latest_rules(ledger)
    started = ledger.select(Selection(kinds=(RUN_STARTED,), newest_first=True))
    while page := [record.run_id for record in islice(started, _PAGE) if record.run_id]:
        records: dict[str, list[Record]] = {run_id: [] for run_id in page}
        kinds = (RUN_STARTED, RUN_INTENT, RUN_ANSWERED, REVIEW)
        for record in ledger.select(Selection(run_ids=tuple(page), kinds=kinds)):
            records[record.run_id or ""].append(ledger.reveal(record))
        for run_id in page:
            yield summary_of(run_id, records[run_id], rules)


def _needed(run: RunOnRecord, rules: ReviewRules) -> int:
    if run.review_status is ReviewStatus.UNREVIEWED or not run.approvals:
        return approvals_needed(run, rules)
    signed = run.approvals[-1].body.get("approvals_needed")
    return signed if isinstance(signed, int) else 1


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
