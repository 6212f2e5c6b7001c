"""Runs the statement of an answer again and says whether the answer still holds, and if not, what moved.

The statement is the one that was shown, or the corrected one that was signed. It goes through the guard, the policy as
it is today for the person whose result it was, and the budget, like any other; no row is shown, only whether the result
has the same fingerprint. An answer whose metric was redefined does not hold, even if the rows are the same: it says
what the metric meant then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from agent.admit import Place, Statement, admit
from agent.assumptions import speaks_of_today
from agent.errors import ErrorClass, UsageError
from agent.moved import Moved, metrics_moved, models_moved, policy_moved, reads_clock, schema_moved, tables_known
from agent.run import RunError, Verdict
from audit.export import accepted_run
from audit.rules import Decision
from audit.runs import RunTrace, get_run
from audit.veil import ERASED, UNREADABLE

if TYPE_CHECKING:
    from agent.settings import Settings
    from agent.warehouse.connect import Warehouse
    from agent.warehouse.policy import Policy
    from audit.ledger import Ledger
    from memory.catalog import Catalog
    from memory.semantics import SemanticLayer

__all__ = ["AskedAgain", "Replayed", "Today", "replay"]

_PURPOSE: Final = "replay"
Holds = Literal["holds", "differs", "cannot_run"]


@dataclass(frozen=True, slots=True)
class Today:
    """A workspace as it is now, opened once for any number of replays."""

    settings: Settings
    ledger: Ledger
    warehouse: Warehouse
    policy: Policy
    catalog: Catalog
    """As of the last sync: what the guard knows."""
    structure: Catalog
    """As the warehouse has it now: names, types and keys."""
    layer: SemanticLayer
    model_hashes: tuple[str, ...]
    """Of every model that may be asked; empty where they cannot be known without fetching."""
    prompt_fingerprint: str
    dialects: tuple[str, ...]
    """That models are asked to write, the warehouse's among them."""


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """What a model made of the question today, in a run of its own."""

    run_id: str
    status: str
    same_sql: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """Whether one answer still holds."""

    run_id: str
    question: str
    verdict: Holds
    moved: tuple[Moved, ...]
    notes: tuple[str, ...]
    error: RunError | None
    """Why it could not be run."""
    row_count: int
    asked_again: AskedAgain | None
    record_hash: str

    def to_json(self) -> dict[str, Any]:
        """The object that `runs replay --format json` prints."""
        told = asdict(self)
        error = told.pop("error")
        return {**told, "error": error and {"class": error["error_class"], "message": error["message"]}}


@dataclass(frozen=True, slots=True)
class _Statement:
    """What is run again, and what it gave then."""

    sql: str
    draft: str
    """As it was before the policy and the row cap were put into it."""
    person: str
    fingerprint: str
    truncated: bool
    record_hash: str


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What running it again gave."""

    verdict: Verdict
    error: RunError | None = None
    fingerprint: str = ""
    row_count: int = 0
    truncated: bool = False
    elapsed_ms: float = 0.0


def replay(today: Today, run_id: str, *, actor: str, asked_again: AskedAgain | None = None) -> Replayed:
    """Run a run's statement again, on the record, and compare.

    Raises:
        UsageError: the run gave no result that one could compare with.
        AuditError: the ledger cannot be read or written, there is no such run, or a review of it does not hold.
    """
    trace = get_run(today.ledger, run_id)
    accepted_run(today.ledger, trace.run_id)  # its reviews hold, or nothing is run on their word
    statement = _statement(trace)
    outcome = _run_again(today, trace.run_id, statement, actor)
    moved = _what_moved(today, trace, statement, outcome)
    gave = (today.ledger.keyed(trace.run_id, outcome.fingerprint), outcome.truncated)
    same = not outcome.error and gave == (statement.fingerprint, statement.truncated)
    verdict: Holds = "holds"
    if outcome.error:
        verdict = "cannot_run"
    elif not same or any(each.what == "metric" for each in moved):
        verdict = "differs"
    if verdict == "differs" and not same and _is_same_statement(statement, outcome, moved):
        moved = (Moved("data", "The same statement gives other rows: the data moved."), *moved)
    notes = _notes(today, trace, statement, same=same)
    if verdict == "differs" and not same and not any(each.what == "data" for each in moved):
        notes = (*notes, "Whether the data moved as well cannot be told: the statement or its tables are others now.")
    body = {
        "verdict": verdict,
        "sql": outcome.verdict.sql,
        "compared_with": statement.record_hash,
        "was_fingerprint": statement.fingerprint,
        "result_fingerprint": outcome.fingerprint,
        "row_count": outcome.row_count,
        "truncated": outcome.truncated,
        "moved": [asdict(each) for each in moved],
        "notes": list(notes),
        "error_class": outcome.error.error_class if outcome.error else "",
        "error": outcome.error.message if outcome.error else "",
        "elapsed_ms": round(outcome.elapsed_ms, 3),
        "catalog_fingerprint": today.structure.fingerprint,
        "semantics_fingerprint": today.layer.fingerprint,
        "policy_fingerprint": today.policy.fingerprint(),
        "prompt_fingerprint": today.prompt_fingerprint,
        "asked_again": asdict(asked_again) if asked_again else None,
    }
    record = today.ledger.append("run.replayed", body, run_id=trace.run_id, actor=actor)
    return Replayed(
        trace.run_id,
        trace.summary.question,
        verdict,
        moved,
        notes,
        outcome.error,
        outcome.row_count,
        asked_again,
        record.hash,
    )


def _statement(trace: RunTrace) -> _Statement:
    """The statement that stands: the one that was corrected last, else the one that was shown."""
    amendments = [each for each in trace.reviews if each.body.get("decision") == Decision.AMEND]
    amendment = amendments[-1] if amendments else None
    answer = trace.answer
    if amendment is not None:
        sql, person, found = str(amendment.body["sql"]), str(amendment.body["reviewer"]), amendment
    elif answer is not None:
        sql, person, found = str(answer.body.get("sql", "")), trace.summary.asker, answer
    fingerprint = str(found.body.get("result_fingerprint") or "") if amendment or answer else ""
    if not fingerprint:
        raise UsageError(
            ErrorClass.REVIEW,
            f"Run {trace.run_id} ended {trace.summary.status} and gave no result to compare with.",
            "Only a run whose statement was executed can be replayed: see `affidavit runs list --status answered`.",
        )
    if sql in (ERASED, UNREADABLE):
        raise UsageError(
            ErrorClass.REVIEW,
            f"What run {trace.run_id} asked and ran cannot be read any more: {sql[1:-1]}.",
            "Its records, reviews and proofs still hold, but there is nothing to run again.",
        )
    drafts = [each.body for each in trace.of_kind("run.guarded") if each.body.get("sql") == sql]
    draft = str(drafts[-1].get("draft_sql") or sql) if drafts else sql
    outcomes = [each.body for each in trace.of_kind("run.outcome") if each.body.get("sql") == sql]
    truncated = bool(outcomes and outcomes[-1].get("truncated"))
    return _Statement(sql, draft, person, fingerprint, truncated, found.hash)


def _run_again(today: Today, run_id: str, statement: _Statement, actor: str) -> _Outcome:
    """Judge, weigh and run it, the intent on the record before the warehouse is touched."""
    place = Place(today.settings, today.ledger, today.warehouse, today.policy, today.catalog)
    admitted = admit(place, Statement(statement.draft, run_id, statement.person, actor, _PURPOSE))
    verdict = admitted.verdict
    if admitted.refusal is not None:
        return _Outcome(verdict, admitted.refusal)
    outcome = today.warehouse.execute(verdict.sql, max_rows=admitted.max_rows)
    if outcome.result is None:
        return _Outcome(verdict, outcome.error, elapsed_ms=outcome.elapsed_ms)
    result = outcome.result
    return _Outcome(verdict, None, result.fingerprint, len(result.rows), result.truncated, outcome.elapsed_ms)


def _what_moved(today: Today, trace: RunTrace, statement: _Statement, outcome: _Outcome) -> tuple[Moved, ...]:
    tables = tuple(dict.fromkeys((*outcome.verdict.tables, *tables_known(trace))))
    return (
        *schema_moved(trace, tables, today),
        *metrics_moved(trace, today),
        *policy_moved(trace, outcome.verdict.restrictions, today),
        *models_moved(trace, statement.draft, today),
    )


def _is_same_statement(statement: _Statement, outcome: _Outcome, moved: Sequence[Moved]) -> bool:
    """Whether what was run again is what ran then, over tables of the same structure.

    Another policy.yaml may leave the statement as it was; then other rows are the data's doing all the same.
    """
    what = {each.what for each in moved}
    return "schema" not in what and ("policy" not in what or outcome.verdict.sql == statement.sql)


def _notes(today: Today, trace: RunTrace, statement: _Statement, *, same: bool) -> tuple[str, ...]:
    """What must be known to read the verdict."""
    notes = []
    if statement.truncated:
        notes.append("Only the rows up to the cap are compared; there were more.")
    if not same and reads_clock(statement.sql, today.warehouse.dialect):
        notes.append("The statement asks what day it is, so another result was to be expected.")
    elif speaks_of_today(trace.summary.question) and _day_of(trace) != today.layer.today().isoformat():
        notes.append(f"The question meant the dates of {_day_of(trace)}; asked today it would mean others.")
    return tuple(notes)


def _day_of(trace: RunTrace) -> str:
    """What "today" was: as the calendar of metrics.yaml had it, else the day on which it was asked."""
    for record in trace.of_kind("run.grounded"):
        for piece in record.body.get("pieces", ()):
            if isinstance(piece, Mapping) and piece.get("kind") == "period":
                return str(piece.get("version"))
    return trace.summary.started[:10]
