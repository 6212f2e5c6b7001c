"""A review: a named person's signed decision on one run.

What is signed names everything the decision stands on (the run's record, its SQL, its result, the ledger's head at
that moment) and is judged by the same rules when it is written and whenever the ledger is verified.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from audit.errors import ReviewError
from audit.identity import Identity, Role, Signer, enrolled_keys, same_person, signature_holds
from audit.ledger import Ledger
from audit.record import IDENTITY, REVIEW, RUN_ANSWERED, RUN_STARTED, Entry, Head, Record
from audit.rules import (
    MEANINGS,
    Decision,
    ReasonCode,
    ReviewStatus,
    RunOnRecord,
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
    "check_review",
    "submit_review",
    "verify_review",
]

DECIDING_KINDS: Final = (RUN_STARTED, RUN_ANSWERED, REVIEW)
"""The kinds of a run's records that decisions depend on."""

_PURPOSE: Final = "affidavit.review/1"
_MAX_REASON: Final = 4000
_FIELDS: Final = frozenset(
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
        allow_self: the policy lets people review what they asked.

    Raises:
        ReviewError: the rules do not allow it; nothing was written.
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
    # What is signed is what is stored, so that the signature outlives the key of an erased subject.
    reason = ledger.conceal_text(full_id, f"{REVIEW}#reason", reason.strip())
    if sql is not None:
        sql = ledger.conceal_text(full_id, f"{REVIEW}#sql", sql)
        result_fingerprint = ledger.keyed(full_id, result_fingerprint)

    def decide(snapshot: Snapshot) -> Entry:
        run = run_on_record(snapshot.records(Selection(run_ids=(full_id,), kinds=DECIDING_KINDS)))
        if run is None:
            raise ReviewError(f"The ledger does not say that run {full_id} was started.")
        reviewer = _enrolled_reviewer(snapshot, signer)
        refused = refusal(run, chosen, reviewer.name, allow_self=allow_self)
        if refused:
            raise ReviewError(refused)
        statement = _statement(run, chosen, snapshot.head, workspace=ledger.workspace)
        if sql is not None:  # an amendment: every other decision refused it above
            statement |= {"sql": sql, "result_fingerprint": result_fingerprint}
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


def verify_review(record: Record, keys: Mapping[str, Identity]) -> None:
    """Check that a review is whole and signed by the enrolled key of the reviewer it names.

    Raises:
        ReviewError: it is not; one plain sentence says why.
    """
    body = record.body
    if body.keys() != _FIELDS or not all(isinstance(value, str) for value in body.values()):
        raise ReviewError("it does not have the fields of a review")
    identity = keys.get(body["key_id"])
    if identity is None:
        raise ReviewError(f"it is signed with the key {body['key_id']}, which was not enrolled before it")
    if identity.role != Role.REVIEWER:
        raise ReviewError(f"it is signed with the key of {identity.name}, which may not review")
    if identity.name != body["reviewer"] or identity.name != record.actor:
        raise ReviewError(f"it names {body['reviewer']} as reviewer, but the key is that of {identity.name}")
    if not signature_holds(identity, body):
        raise ReviewError(f"the signature of {identity.name} on it does not hold")


def check_review(
    record: Record, run: RunOnRecord | None, keys: Mapping[str, Identity], *, workspace: str, allow_self: bool
) -> None:
    """Check a review against its signature and against the run as it stood before it.

    Raises:
        ReviewError: the first thing that does not hold, as one plain sentence.
    """
    verify_review(record, keys)
    body = record.body
    try:
        decision, code = _parse(body["decision"], body["reason_code"])
    except ReviewError as error:
        raise ReviewError("its decision or reason code is not one") from error
    if run is None or run.run_id != body["run_id"] or record.run_id != run.run_id:
        raise ReviewError(f"it decides on run {body['run_id']}, which it is not filed under or which never started")
    problem = refusal(run, decision, body["reviewer"], allow_self=allow_self)
    problem = problem or code_refusal(decision, code, body["reason"])
    if problem:
        raise ReviewError(f"the rules did not allow it: {problem}")
    expected = _statement(run, decision, Head(record.sequence - 1, record.previous_hash), workspace=workspace)
    free = {"nonce", *(("sql", "result_fingerprint") if decision is Decision.AMEND else ())}
    for field, value in expected.items():
        if field not in free and body[field] != value:
            raise ReviewError(f"its {field.replace('_', ' ')} is not that of the run it decides on")
    if body["sql_hash"] != digest(body["sql"].encode()):
        raise ReviewError("its sql hash is not that of its SQL")


def _statement(run: RunOnRecord, decision: Decision, head: Head, *, workspace: str) -> dict[str, str]:
    """The part of what is signed that follows from the run and the ledger."""
    standing = run.standing_review.body if decision is Decision.REVOKE and run.standing_review else {}
    return {
        "decision": decision.value,
        "meaning": MEANINGS[decision],
        "nonce": secrets.token_hex(16),
        "previous_head": head.hash,
        "purpose": _PURPOSE,
        "result_fingerprint": standing.get("result_fingerprint", run.result_fingerprint),
        "revokes": run.standing_review.hash if decision is Decision.REVOKE and run.standing_review else "",
        "run_hash": run.answer_hash,
        "run_id": run.run_id,
        "sql": standing.get("sql", run.sql),
        "workspace": workspace,
    }


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


def _enrolled_reviewer(snapshot: Snapshot, signer: Signer) -> Identity:
    keys = enrolled_keys(snapshot.records(Selection(kinds=(IDENTITY,))), snapshot.workspace)
    known = keys.get(signer.identity.key_id)
    if known is None or known.role != Role.REVIEWER or not same_person(known.name, signer.identity.name):
        raise ReviewError(
            f"The key of {signer.identity.name} is not enrolled here as a reviewer's.",
            f"Enrol it: affidavit identity create {signer.identity.name!r}.",
        )
    return known
