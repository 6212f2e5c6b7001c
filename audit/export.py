"""What people have vouched for, with its lineage: the only door from the record to memory and to training.

Nothing leaves here on the word of a column. Every review is checked again, signature and rules, and one that does
not hold stops the export instead of being skipped.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from audit.circumstances import BACKGROUND_KINDS, Background
from audit.errors import ReviewError
from audit.ledger import Ledger
from audit.record import REVIEW, RUN_ANSWERED, RUN_INTENT, RUN_STARTED, Record
from audit.review import DECIDING_KINDS, check_review
from audit.rules import ReviewStatus, RunOnRecord, run_on_record
from audit.veil import ERASED, UNREADABLE, is_sealed

__all__ = ["AcceptedRun", "accepted_run", "accepted_runs"]

_STANDING: Final = (ReviewStatus.ACCEPTED, ReviewStatus.AMENDED)


@dataclass(frozen=True, slots=True)
class AcceptedRun:
    """One run whose SQL a reviewer vouches for, and everything that says so."""

    run_id: str
    question: str
    sql: str
    """The SQL that was accepted, or the corrected one of an amendment."""
    dialect: str
    """sqlglot's name of the warehouse's dialect, as the run's records give it."""
    asker: str
    reviewer: str
    """Who gave the last approval it took."""
    reviewers: tuple[str, ...]
    """Everybody who approved this SQL, in order: two where the rules asked for two."""
    decision: str
    """`accept` or `amend`; where somebody accepted a corrected statement, `amend`."""
    reason_code: str
    """Of the amendment if there was one, else of the last approval."""
    review_hash: str
    """Hash of the last approval's record."""
    run_hash: str
    """Hash of the `run.answered` record that was reviewed."""
    reviewed: str
    """UTC, RFC 3339."""
    result_fingerprint: str
    grounding: tuple[dict[str, Any], ...]
    """The pieces the model was given: kind, id, version, hash."""
    catalog_fingerprint: str
    semantics_fingerprint: str
    model: str
    model_hash: str
    prompt_hash: str

    @property
    def grounding_ids(self) -> tuple[str, ...]:
        """The ids of the grounding's pieces."""
        return tuple(str(piece.get("id", "")) for piece in self.grounding)


def accepted_runs(ledger: Ledger) -> list[AcceptedRun]:
    """Every run that stands accepted or amended now, in the order of its question; revoked ones are not among them.

    Raises:
        ReviewError: a review on the ledger does not hold, so nothing is exported.
        IdentityError: an enrolment does not hold.
        LedgerUnavailable: the ledger cannot be read.
    """
    reviewed = dict.fromkeys(record.run_id for record in ledger.records(kinds=(REVIEW,)) if record.run_id)
    background = _background(ledger)
    standing = (_accepted_run(ledger, run_id, background) for run_id in sorted(reviewed))
    return [run for run in standing if run is not None]


def accepted_run(ledger: Ledger, run_id: str) -> AcceptedRun | None:
    """One run, by its full id, if it stands accepted or amended now.

    Raises: as `accepted_runs`.
    """
    return _accepted_run(ledger, run_id, _background(ledger))


def _background(ledger: Ledger) -> Background:
    """Before there were rules on the ledger, self-reviews are taken as the writer's policy had them."""
    return Background.of(ledger.records(kinds=BACKGROUND_KINDS), ledger.workspace, allow_self=True)


def _accepted_run(ledger: Ledger, run_id: str, background: Background) -> AcceptedRun | None:
    records = tuple(ledger.records(run_id))
    _check_reviews(ledger, records, background)
    run = run_on_record(records)
    if run is None or run.standing_review is None or run.review_status not in _STANDING:
        return None
    # What was signed is the text as it is stored; what is learnt from is what it says, while that can be read.
    records = tuple(map(ledger.reveal, records))
    run = run_on_record(records)
    if run is None or run.standing_review is None or _cannot_be_read(run):
        return None
    review = run.standing_review
    decisive = run.amendment or review
    answer = _newest(records, RUN_ANSWERED)
    grounded = _newest(records, "run.grounded")
    drafted = _drafted(records, run.sql)
    pieces = grounded.get("pieces")
    return AcceptedRun(
        run_id=run_id,
        question=run.question,
        sql=review.body["sql"],
        dialect=_first_text(answer, _newest(records, RUN_STARTED), _newest(records, RUN_INTENT), key="dialect"),
        asker=run.asker,
        reviewer=review.body["reviewer"],
        reviewers=tuple(approval.body["reviewer"] for approval in run.approvals),
        decision=decisive.body["decision"],
        reason_code=decisive.body["reason_code"],
        review_hash=review.hash,
        run_hash=run.answer_hash,
        reviewed=review.time,
        result_fingerprint=review.body["result_fingerprint"],
        grounding=tuple(piece for piece in pieces if isinstance(piece, dict)) if isinstance(pieces, list) else (),
        catalog_fingerprint=_first_text(grounded, key="catalog_fingerprint"),
        semantics_fingerprint=_first_text(grounded, key="semantics_fingerprint"),
        model=_first_text(answer, drafted, key="model"),
        model_hash=_first_text(drafted, answer, key="model_hash"),
        prompt_hash=_first_text(drafted, key="prompt_hash"),
    )


def _cannot_be_read(run: RunOnRecord) -> bool:
    words = (run.question, run.standing_review.body["sql"] if run.standing_review else "")
    return any(each in (ERASED, UNREADABLE) or is_sealed(each) for each in words)


def _check_reviews(ledger: Ledger, records: tuple[Record, ...], background: Background) -> None:
    """Check each review against the run as it stood before it and the rules that were in force then."""
    deciding = [record for record in records if record.kind in DECIDING_KINDS]
    for position, record in enumerate(deciding):
        if record.kind != REVIEW:
            continue
        try:
            check_review(record, run_on_record(deciding[:position]), background.before(record.sequence, ledger.newest))
        except ReviewError as error:
            raise ReviewError(
                f"The review in record {record.sequence} does not hold: {error}", "Run `affidavit audit verify`."
            ) from error


def _newest(records: Iterable[Record], kind: str) -> dict[str, Any]:
    bodies = [record.body for record in records if record.kind == kind]
    if kind == RUN_ANSWERED:
        return bodies[0] if bodies else {}  # the first answer is the one reviewed
    return bodies[-1] if bodies else {}


def _drafted(records: Iterable[Record], sql: str) -> dict[str, Any]:
    """The draft the answer came from: the one with its SQL, else the newest."""
    drafts = [record.body for record in records if record.kind == "run.drafted"]
    same = [draft for draft in drafts if draft.get("sql") == sql]
    return (same or drafts or [{}])[-1]


def _first_text(*bodies: dict[str, Any], key: str) -> str:
    return next((body[key] for body in bodies if isinstance(body.get(key), str) and body[key]), "")
