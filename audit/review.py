"""A review: a named person's signed decision on one run.

What is signed names everything the decision stands on (the run's record, its SQL, its result, the ledger's head and
last checkpoint at that moment, which of how many approvals it is) and is judged by the same rules when it is written
and whenever the ledger is verified.

Reviews from before there were rules on the ledger (`affidavit.review/1`) hold as they did. After the first record of
the rules, or the first review of the second version, one of them is refused: it could be written to need no second
reviewer. One of the third version (`affidavit.review/3`) accepts a run although it relied on reviews that were revoked,
and names those.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

from audit.assignment import ASSIGNMENT_KINDS, assignment_of, claim_refusal
from audit.circumstances import BACKGROUND_KINDS, Background, Circumstances
from audit.despite import names_runs, refuse_unknowing, revoked_under
from audit.errors import ReviewError
from audit.identity import Identity, Signer, signature_holds
from audit.ledger import Ledger
from audit.record import REVIEW, RUN_ANSWERED, RUN_INTENT, RUN_STARTED, Entry, Head, Record
from audit.reliance import TrainedModel
from audit.reviewers import enrolled_reviewer, may_review
from audit.rules import (
    MEANINGS,
    Decision,
    ReasonCode,
    ReviewStatus,
    RunOnRecord,
    approvals_needed,
    code_refusal,
    refusal,
    run_on_record,
)
from audit.runs import resolve_run_id
from audit.seal import digest
from audit.snapshot import Selection, Snapshot

__all__ = [
    "DECIDING_KINDS",
    "Decision",
    "ReasonCode",
    "ReviewStatus",
    "check_may_decide",
    "check_review",
    "submit_review",
    "verify_review",
]

DECIDING_KINDS: Final = (RUN_STARTED, RUN_INTENT, RUN_ANSWERED, REVIEW)
"""The kinds of a run's records that decisions depend on."""

_PURPOSE: Final = "affidavit.review/2"
_FIRST_PURPOSE: Final = "affidavit.review/1"
_DESPITE_PURPOSE: Final = "affidavit.review/3"
_MAX_REASON: Final = 4000
_FIRST_FIELDS: Final = frozenset(
    (
        "decision",
        "key_id",
        "meaning",
        "nonce",
        "previous_head",
        "purpose",
        "reason",
        "reason_code",
        "result_fingerprint",
        "reviewer",
        "revokes",
        "run_hash",
        "run_id",
        "signature",
        "sql",
        "sql_hash",
        "workspace",
    )
)
_COUNTS: Final = ("approval", "approvals_needed")
_LATER_FIELDS: Final = frozenset((*_COUNTS, "checkpoint"))
"""What the second version has beside the first."""
_DESPITE: Final = "despite_revoked"
"""What the third version has beside the second."""
_FIELDS: Final = {
    _FIRST_PURPOSE: _FIRST_FIELDS,
    _PURPOSE: _FIRST_FIELDS | _LATER_FIELDS,
    _DESPITE_PURPOSE: _FIRST_FIELDS | _LATER_FIELDS | {_DESPITE},
}


def submit_review(
    ledger: Ledger,
    signer: Signer,
    *,
    run_id: str,
    decision: Decision | str,
    reason_code: ReasonCode | str,
    reason: str = "",
    sql: str | None = None,
    result_fingerprint: str = "",
    allow_self: bool = False,
    despite_revoked: bool = False,
    models: Iterable[TrainedModel] = (),
) -> Record:
    """Sign a decision on a run and put it on the ledger.

    Args:
        ledger: where the run is.
        signer: the reviewer's key, enrolled with the role `reviewer`.
        run_id: the run's id or an unambiguous beginning of it.
        decision: accept, amend, reject or revoke.
        reason_code: a `ReasonCode`; `other` and `correct_with_caveats` need `reason` in words.
        reason: at most 4,000 characters.
        sql: amend only: the corrected statement, already guarded and executed by the caller.
        result_fingerprint: amend only: what executing `sql` gave.
        allow_self: the policy lets people review what they asked; only for a ledger without rules of its own.
        despite_revoked: accept only: also where the run relied on a review that was revoked; takes a `reason`.
        models: those in the registry, of which the ledger may not know what they learnt from.

    Raises:
        ReviewError: the rules do not allow it; nothing was written.
        RevokedReliance: the run relied on a review that was revoked, and nobody insists or says why; the same.
        RunNotFoundError, AmbiguousRunError: `run_id` does not name one run.
        LedgerUnavailable: nothing was written.
    """
    chosen, code = _parse(decision, reason_code)
    problem = code_refusal(chosen, code, reason) or _amendment_refusal(chosen, sql, result_fingerprint)
    if len(reason) > _MAX_REASON:
        problem = f"The reason may have {_MAX_REASON} characters at most."
    if problem:
        raise ReviewError(problem)
    full_id = resolve_run_id(ledger, run_id)
    revocations = revoked_under(ledger, full_id, models) if chosen is Decision.ACCEPT else ()
    said = reason
    # What is signed is what is stored, so that the signature outlives the key of an erased subject.
    reason = ledger.conceal_text(full_id, f"{REVIEW}#reason", reason.strip())
    if sql is not None:
        sql = ledger.conceal_text(full_id, f"{REVIEW}#sql", sql)
        result_fingerprint = ledger.keyed(full_id, result_fingerprint)

    def decide(snapshot: Snapshot) -> Entry:
        run, reviewer, now = _situation(snapshot, signer, full_id, ledger.now(), allow_self=allow_self)
        refused = refusal(run, chosen, reviewer.name, now.rules)
        if refused:
            raise ReviewError(refused)
        relied = revocations if run.amendment is None else ()  # a corrected statement stands on its own
        refuse_unknowing(full_id, relied, said, despite_revoked=despite_revoked)
        statement = _statement(run, chosen, snapshot.head, now)
        if sql is not None:  # an amendment: every other decision refused it above
            statement |= {"sql": sql, "result_fingerprint": result_fingerprint}
        if relied:
            runs = sorted(each.run_id or "" for each in relied)
            statement |= {_DESPITE: runs, "purpose": _DESPITE_PURPOSE}
        statement |= {
            "key_id": reviewer.key_id,
            "reason": reason.strip(),
            "reason_code": code.value,
            "reviewer": reviewer.name,
            "sql_hash": digest(statement["sql"].encode("utf-8", "backslashreplace")),
        }
        return Entry(REVIEW, signer.sign_body(statement), run_id=full_id, actor=reviewer.name)

    record = ledger.append_decided(decide)
    assert record is not None  # noqa: S101  (decide always gives an entry)
    return record


def check_may_decide(
    ledger: Ledger, signer: Signer, *, run_id: str, decision: Decision, allow_self: bool = False
) -> RunOnRecord:
    """Refuse now what `submit_review` would refuse later, before an amendment is executed for nothing; gives the run.

    Raises:
        ReviewError: the rules do not allow it as the ledger stands.
        RunNotFoundError, AmbiguousRunError, LedgerUnavailable: as `submit_review`.
    """
    full_id = resolve_run_id(ledger, run_id)
    with ledger.snapshot() as snapshot:
        run, reviewer, now = _situation(snapshot, signer, full_id, ledger.now(), allow_self=allow_self)
    problem = refusal(run, decision, reviewer.name, now.rules)
    if problem:
        raise ReviewError(problem)
    return run


def verify_review(record: Record, keys: Mapping[str, Identity]) -> None:
    """Check that a review is whole and signed by the enrolled key of the reviewer it names.

    Raises:
        ReviewError: it is not; one plain sentence says why.
    """
    body = record.body
    if not _has_fields(body):
        raise ReviewError("it does not have the fields of a review")
    identity = keys.get(body["key_id"])
    if identity is None:
        raise ReviewError(f"it is signed with the key {body['key_id']}, which was not enrolled before it")
    if identity.retired:
        raise ReviewError(f"it is signed with the key of {identity.name}, which was retired before it")
    if not may_review(identity):
        raise ReviewError(f"it is signed with the key of {identity.name}, which may not review")
    if identity.name != body["reviewer"] or identity.name != record.actor:
        raise ReviewError(f"it names {body['reviewer']} as reviewer, but the key is that of {identity.name}")
    if not signature_holds(identity, body):
        raise ReviewError(f"the signature of {identity.name} on it does not hold")


def check_review(record: Record, run: RunOnRecord | None, then: Circumstances) -> None:
    """Check a review against its signature, the run as it stood before it, and what else held then.

    Raises:
        ReviewError: the first thing that does not hold, as one plain sentence.
    """
    verify_review(record, then.keys)
    body = record.body
    is_first_version = body["purpose"] == _FIRST_PURPOSE
    if is_first_version and not then.first_version:
        raise ReviewError("it is of the first version, which was no longer written then")
    try:
        decision, code = _parse(body["decision"], body["reason_code"])
    except ReviewError as error:
        raise ReviewError("its decision or reason code is not one") from error
    if run is None or run.run_id != body["run_id"] or record.run_id != run.run_id:
        raise ReviewError(f"it decides on run {body['run_id']}, which it is not filed under or which never started")
    problem = refusal(run, decision, body["reviewer"], then.rules)
    problem = problem or code_refusal(decision, code, body["reason"])
    if problem:
        raise ReviewError(f"the rules did not allow it: {problem}")
    expected = _statement(run, decision, Head(record.sequence - 1, record.previous_hash), then)
    if is_first_version:
        expected = {key: expected[key] for key in expected if key not in _LATER_FIELDS} | {"purpose": _FIRST_PURPOSE}
    elif body["purpose"] == _DESPITE_PURPOSE and decision is Decision.ACCEPT:
        expected["purpose"] = _DESPITE_PURPOSE
    free = {"nonce", *(("sql", "result_fingerprint") if decision is Decision.AMEND else ())}
    for field, value in expected.items():
        if field not in free and body[field] != value:
            raise ReviewError(f"its {field.replace('_', ' ')} is not that of the run it decides on, or of its ledger")
    if body["sql_hash"] != digest(body["sql"].encode()):
        raise ReviewError("its sql hash is not that of its SQL")


def _situation(
    snapshot: Snapshot, signer: Signer, run_id: str, time: str, *, allow_self: bool
) -> tuple[RunOnRecord, Identity, Circumstances]:
    """The run, the reviewer as enrolled, and what else holds now, unless somebody else has claimed the run."""
    kinds = (*DECIDING_KINDS, *ASSIGNMENT_KINDS)
    records = snapshot.records(Selection(run_ids=(run_id,), kinds=kinds))
    run = run_on_record(records)
    if run is None:
        raise ReviewError(f"The ledger does not say that run {run_id} was started.")
    background = Background.of(
        snapshot.records(Selection(kinds=BACKGROUND_KINDS)), snapshot.workspace, allow_self=allow_self
    )
    now = background.before(snapshot.head.sequence + 1, snapshot.newest)
    reviewer = enrolled_reviewer(now.keys, signer)
    claimed = claim_refusal(assignment_of(records), reviewer.name, time)
    if claimed:
        raise ReviewError(*claimed)
    return run, reviewer, now


def _statement(run: RunOnRecord, decision: Decision, head: Head, then: Circumstances) -> dict[str, Any]:
    """The part of what is signed that follows from the run and the ledger."""
    revoked = run.standing_review if decision is Decision.REVOKE else None
    # What is vouched for: the corrected statement once there is one, whoever wrote it.
    source = revoked or (run.amendment if decision is Decision.ACCEPT else None)
    standing = source.body if source else {}
    approves = decision in (Decision.ACCEPT, Decision.AMEND)
    number = len(run.approvals) + 1 if decision is Decision.ACCEPT else 1
    return {
        "approval": number if approves else 0,
        "approvals_needed": approvals_needed(run, then.rules) if approves else 0,
        "checkpoint": dict(then.checkpoint),
        "decision": decision.value,
        "meaning": MEANINGS[decision],
        "nonce": secrets.token_hex(16),
        "previous_head": head.hash,
        "purpose": _PURPOSE,
        "result_fingerprint": standing.get("result_fingerprint", run.result_fingerprint),
        "revokes": revoked.hash if revoked else "",
        "run_hash": run.answer_hash,
        "run_id": run.run_id,
        "sql": standing.get("sql", run.sql),
        "workspace": then.workspace,
    }


def _has_fields(body: Mapping[str, Any]) -> bool:
    purpose = body.get("purpose")
    fields = _FIELDS.get(purpose if isinstance(purpose, str) else "", _FIELDS[_PURPOSE])  # another is refused later
    if body.keys() != fields:
        return False
    if not all(isinstance(body[key], str) for key in _FIRST_FIELDS):
        return False
    if fields is _FIRST_FIELDS:
        return True
    # `type`, for a boolean equals a number and would be signed as another byte string
    counted = isinstance(body["checkpoint"], dict) and all(type(body[each]) is int for each in _COUNTS)
    return counted and (_DESPITE not in fields or names_runs(body[_DESPITE]))


def _parse(decision: Decision | str, reason_code: ReasonCode | str) -> tuple[Decision, ReasonCode]:
    try:
        return Decision(decision), ReasonCode(reason_code)
    except ValueError as error:
        words = ", ".join(each.value for each in (*Decision, *ReasonCode))
        raise ReviewError(f"{error}.", f"Decisions and reason codes are: {words}.") from error


def _amendment_refusal(decision: Decision, sql: str | None, result_fingerprint: str) -> str:
    if decision is not Decision.AMEND:
        return "" if sql is None else f"To {decision.value} takes no SQL; to correct it, amend."
    if not sql or not sql.strip():
        return "To amend takes the corrected SQL."
    if not result_fingerprint:
        return "The corrected SQL must have been executed: its result's fingerprint is missing."
    return ""
