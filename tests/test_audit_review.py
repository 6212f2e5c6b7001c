"""Decisions: who may take them, when, and what is signed."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures_audit_parts import FINGERPRINT, SQL, Office

from audit.errors import AmbiguousRunError, ReviewError, RunNotFoundError
from audit.identity import Keyring, enrolled_keys
from audit.record import Record
from audit.review import submit_review, verify_review
from audit.rules import MEANINGS, Decision, ReasonCode
from audit.runs import get_run
from audit.seal import digest
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)

BETTER = "SELECT SUM(Freight) FROM Orders WHERE ShippedDate IS NOT NULL"
ACCEPT = {"decision": "accept", "reason_code": "correct"}
REJECT = {"decision": "reject", "reason_code": "wrong_metric"}
REVOKE = {"decision": "revoke", "reason_code": "outdated"}
AMEND = {"decision": "amend", "reason_code": "wrong_filter", "sql": BETTER, "result_fingerprint": "ef" * 32}


def _review(office: Office, run_id: str, *, by: str = "reviewer", **decision: Any) -> Record:
    return submit_review(office.ledger, getattr(office, by), run_id=run_id, **decision)


def test_accepting_signs_everything_it_stands_on(office: Office) -> None:
    run_id = office.run()
    head = office.ledger.head()
    record = _review(office, run_id, reason=" checked against the books ", **ACCEPT)
    answer = get_run(office.ledger, run_id).answer
    assert answer is not None
    body = dict(record.body)
    assert len(bytes.fromhex(body.pop("signature"))) == 64
    assert len(bytes.fromhex(body.pop("nonce"))) == 16
    assert body == {
        "purpose": "affidavit.review/2",
        "workspace": "shop",
        "approval": 1,
        "approvals_needed": 1,
        "checkpoint": {},
        "run_id": run_id,
        "run_hash": answer.hash,
        "sql": SQL,
        "sql_hash": digest(SQL.encode()),
        "result_fingerprint": FINGERPRINT,
        "decision": "accept",
        "meaning": MEANINGS[Decision.ACCEPT],
        "reason_code": "correct",
        "reason": "checked against the books",
        "reviewer": "Reviewer",
        "key_id": office.reviewer.identity.key_id,
        "previous_head": head.hash,
        "revokes": "",
    }
    assert (record.run_id, record.actor, record.previous_hash) == (run_id, "Reviewer", head.hash)
    verify_review(record, enrolled_keys(office.ledger.records(), "shop"))
    assert verify(office.ledger, checkpoints=None).reviews == 1


def test_amending_carries_the_corrected_sql(office: Office) -> None:
    run_id = office.run()
    record = _review(office, run_id, **AMEND)
    assert (record.body["sql"], record.body["result_fingerprint"]) == (BETTER, "ef" * 32)
    assert record.body["sql_hash"] == digest(BETTER.encode())
    assert verify(office.ledger, checkpoints=None).ok


def test_revoking_names_what_it_revokes(office: Office) -> None:
    run_id = office.run()
    amended = _review(office, run_id, **AMEND)
    revoked = _review(office, run_id, by="admin", **REVOKE)
    assert revoked.body["revokes"] == amended.hash
    assert revoked.body["sql"] == BETTER
    assert verify(office.ledger, checkpoints=None).ok


def test_a_run_can_be_named_by_its_beginning(office: Office) -> None:
    office.run("0199aa-1")
    office.run("0199ab-2")
    assert _review(office, "0199aa", **ACCEPT).run_id == "0199aa-1"
    with pytest.raises(AmbiguousRunError):
        _review(office, "0199a", **ACCEPT)
    with pytest.raises(RunNotFoundError):
        _review(office, "ffff", **ACCEPT)
    with pytest.raises(RunNotFoundError):
        _review(office, " ", **ACCEPT)


@pytest.mark.parametrize("decision", [ACCEPT, AMEND, REJECT, REVOKE])
def test_the_asker_cannot_review_their_own_run(office: Office, decision: dict[str, str]) -> None:
    run_id = office.run()
    if decision is REVOKE:
        _review(office, run_id, **ACCEPT)
    before = office.ledger.head()
    with pytest.raises(ReviewError, match="may not review its run"):
        _review(office, run_id, by="asker", **decision)
    assert office.ledger.head() == before


def test_unless_the_policy_says_so_and_then_verify_must_know_the_policy(office: Office) -> None:
    run_id = office.run()
    record = _review(office, run_id, by="asker", allow_self=True, **ACCEPT)
    assert verify(office.ledger, checkpoints=None, allow_self=True).ok
    strict = verify(office.ledger, checkpoints=None)
    assert (strict.ok, strict.first_bad) == (False, record.sequence)
    assert "may not review its run" in strict.problem


@pytest.mark.parametrize(
    ("steps", "last", "refused"),
    [
        ([], REVOKE, "unreviewed; only"),
        ([ACCEPT], ACCEPT, "already accepted"),
        ([ACCEPT], REJECT, "already accepted"),
        ([ACCEPT], AMEND, "already accepted"),
        ([AMEND], ACCEPT, "already amended"),
        ([REJECT], ACCEPT, "already rejected"),
        ([REJECT], REVOKE, "rejected; only"),
        ([ACCEPT, REVOKE], REVOKE, "revoked; only"),
        ([ACCEPT, REVOKE], ACCEPT, "already revoked"),
    ],
)
def test_what_may_follow_what(office: Office, steps: list[dict[str, str]], last: dict[str, str], refused: str) -> None:
    run_id = office.run()
    for step in steps:
        _review(office, run_id, **step)
    before = office.ledger.head()
    with pytest.raises(ReviewError, match=refused):
        _review(office, run_id, by="admin", **last)
    assert office.ledger.head() == before


@pytest.mark.parametrize("status", ["answered", "abstained", "failed", "needs_clarification", "refused"])
def test_what_may_be_decided_about_which_status(office: Office, status: str) -> None:
    allowed = {
        "accept": status in ("answered", "abstained"),
        "amend": status != "refused",
        "reject": True,
    }
    for decision in (ACCEPT, AMEND, REJECT):
        run_id = office.run(status=status)
        if allowed[decision["decision"]]:
            _review(office, run_id, **decision)
        else:
            with pytest.raises(ReviewError, match=status):
                _review(office, run_id, **decision)
    assert verify(office.ledger, checkpoints=None).ok


def test_an_answer_without_sql_cannot_be_accepted(office: Office) -> None:
    with pytest.raises(ReviewError, match="no answer to accept"):
        _review(office, office.run(sql="", status="abstained"), **ACCEPT)


def test_a_run_that_has_not_ended_cannot_be_reviewed(office: Office) -> None:
    office.ledger.append("run.started", {"question": "q", "asker": "Asker"}, run_id="r1", actor="Asker")
    with pytest.raises(ReviewError, match="has not ended"):
        _review(office, "r1", **REJECT)
    office.ledger.append("run.intent", {}, run_id="r2")
    with pytest.raises(ReviewError, match="was started"):
        _review(office, "r2", **REJECT)


@pytest.mark.parametrize(
    ("decision", "refused"),
    [
        ({"decision": "bless", "reason_code": "correct"}, "bless"),
        ({"decision": "accept", "reason_code": "because"}, "because"),
        ({"decision": "accept", "reason_code": "wrong_metric"}, "does not go with accept"),
        ({"decision": "reject", "reason_code": "correct"}, "does not go with reject"),
        ({"decision": "reject", "reason_code": "other"}, "needs a reason"),
        ({"decision": "accept", "reason_code": "correct_with_caveats", "reason": " "}, "needs a reason"),
        ({**ACCEPT, "sql": BETTER}, "takes no SQL"),
        ({**AMEND, "sql": None}, "takes the corrected SQL"),
        ({**AMEND, "sql": "  "}, "takes the corrected SQL"),
        ({**AMEND, "result_fingerprint": ""}, "must have been executed"),
        ({**ACCEPT, "reason": "x" * 4001}, "4000"),
    ],
)
def test_decisions_that_are_not_whole(office: Office, decision: dict[str, Any], refused: str) -> None:
    run_id = office.run()
    with pytest.raises(ReviewError, match=refused):
        _review(office, run_id, **decision)


def test_only_an_enrolled_reviewer_may_decide(office: Office, tmp_path: Any) -> None:
    run_id = office.run()
    stranger = Keyring(tmp_path / "stranger").create("Reviewer")
    for signer in (stranger, office.workspace_key):
        with pytest.raises(ReviewError, match="not enrolled here as a reviewer"):
            submit_review(office.ledger, signer, run_id=run_id, **ACCEPT)


def test_a_reviewer_who_writes_their_name_otherwise_is_the_same(office: Office) -> None:
    record = submit_review(office.ledger, office.keyring.load("REVIEWER"), run_id=office.run(), **ACCEPT)
    assert record.actor == record.body["reviewer"] == "Reviewer"
    assert verify(office.ledger, checkpoints=None).ok


def test_every_reason_code_goes_with_some_decision(office: Office) -> None:
    for code in ReasonCode:
        decision = Decision.ACCEPT if code.value.startswith("correct") else Decision.REJECT
        submit_review(
            office.ledger, office.reviewer, run_id=office.run(), decision=decision, reason_code=code, reason="so it is"
        )
    assert verify(office.ledger, checkpoints=None).reviews == len(ReasonCode)


def test_undecodable_text_is_signed_as_it_is_stored(office: Office) -> None:
    _review(office, office.run(), **{**AMEND, "sql": "SELECT '\udcff'"}, reason="\udcff 😀")
    assert verify(office.ledger, checkpoints=None).ok
