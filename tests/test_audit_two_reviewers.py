"""Rules of review on the ledger, the second reviewer they can ask for, and every way past either."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures_audit_parts import FINGERPRINT, SQL, Office, rewrite

from audit.checkpoints import write_checkpoint
from audit.errors import ReviewError
from audit.export import accepted_run, accepted_runs
from audit.identity import Keyring, Signer
from audit.record import CHECKPOINT, REVIEW_RULES, Record
from audit.review import check_may_decide, submit_review
from audit.review_rules import ReviewRules, TwoFor, latest_rules, record_rules
from audit.rules import MEANINGS, Decision
from audit.runs import get_run, list_runs
from audit.seal import digest
from audit.snapshot import Selection
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)

TWO = ReviewRules(reviewers=2)
BETTER = "SELECT SUM(Freight) FROM Orders WHERE ShippedDate IS NOT NULL"
ACCEPT = {"decision": "accept", "reason_code": "correct"}
REJECT = {"decision": "reject", "reason_code": "wrong_metric"}
REVOKE = {"decision": "revoke", "reason_code": "outdated"}
AMEND = {"decision": "amend", "reason_code": "wrong_filter", "sql": BETTER, "result_fingerprint": "ef" * 32}


@pytest.fixture
def two(office: Office) -> Office:
    """An office in which two must approve."""
    record_rules(office.ledger, office.workspace_key, TWO)
    return office


def _review(office: Office, run_id: str, *, by: str = "reviewer", **decision: Any) -> Record:
    return submit_review(office.ledger, getattr(office, by), run_id=run_id, **decision)


def _problem(office: Office) -> str:
    return verify(office.ledger, checkpoints=None).problem


def _forge(office: Office, signer: Signer, run_id: str, *, first_version: bool = False, **changes: Any) -> Record:
    """An acceptance written past the rules with a genuine key."""
    answer = get_run(office.ledger, run_id).answer
    assert answer is not None
    later = {} if first_version else {"approval": 1, "approvals_needed": 2, "checkpoint": {}}
    body = {
        **later,
        "decision": "accept",
        "key_id": signer.identity.key_id,
        "meaning": MEANINGS[Decision.ACCEPT],
        "nonce": "00" * 16,
        "previous_head": office.ledger.head().hash,
        "purpose": f"affidavit.review/{1 if first_version else 2}",
        "reason": "",
        "reason_code": "correct",
        "result_fingerprint": FINGERPRINT,
        "reviewer": signer.identity.name,
        "revokes": "",
        "run_hash": answer.hash,
        "run_id": run_id,
        "sql": SQL,
        "sql_hash": digest(SQL.encode()),
        "workspace": "shop",
        **changes,
    }
    return office.ledger.append("review", signer.sign_body(body), run_id=run_id, actor=signer.identity.name)


# --- the second reviewer -----------------------------------------------------------------------------------------


def test_the_first_approval_leaves_the_run_unreviewed_and_the_second_completes_it(two: Office) -> None:
    run_id = two.run()
    first = _review(two, run_id, **ACCEPT)
    assert (first.body["approval"], first.body["approvals_needed"]) == (1, 2)
    (waiting,) = list_runs(two.ledger, review_status="unreviewed")
    assert (waiting.approvals, waiting.needed, waiting.standing) == (1, 2, "1 of 2")
    assert accepted_runs(two.ledger) == []
    assert _problem(two) == ""
    _review(two, run_id, by="admin", **ACCEPT)
    (done,) = list_runs(two.ledger, review_status="accepted")
    assert (done.approvals, done.needed, done.standing) == (2, 2, "accepted")
    (accepted,) = accepted_runs(two.ledger)
    assert (accepted.reviewers, accepted.reviewer, accepted.decision) == (("Reviewer", "Admin"), "Admin", "accept")
    assert _problem(two) == ""


def test_nobody_is_two_people_and_the_asker_is_none(two: Office) -> None:
    run_id = two.run()
    _review(two, run_id, **ACCEPT)
    for by, refused in (("reviewer", "second approval must be somebody else's"), ("asker", "asked this question")):
        with pytest.raises(ReviewError, match=refused):
            _review(two, run_id, by=by, **ACCEPT)
    with pytest.raises(ReviewError, match="somebody else's"):
        check_may_decide(two.ledger, two.reviewer, run_id=run_id, decision=Decision.ACCEPT)
    with pytest.raises(ReviewError, match="only an accepted or amended run"):
        _review(two, run_id, by="admin", **REVOKE)


def test_to_accept_after_an_amendment_is_to_sign_the_amended_statement(two: Office) -> None:
    run_id = two.run()
    _review(two, run_id, **AMEND)
    assert accepted_run(two.ledger, run_id) is None
    second = _review(two, run_id, by="admin", **ACCEPT)
    assert (second.body["sql"], second.body["result_fingerprint"]) == (BETTER, "ef" * 32)
    accepted = accepted_run(two.ledger, run_id)
    assert accepted is not None
    assert (accepted.sql, accepted.decision, accepted.reason_code) == (BETTER, "amend", "wrong_filter")
    assert get_run(two.ledger, run_id).summary.review_status == "amended"
    revoked = _review(two, run_id, **REVOKE)
    assert (revoked.body["revokes"], revoked.body["sql"]) == (second.hash, BETTER)
    assert accepted_runs(two.ledger) == []
    assert _problem(two) == ""


def test_an_amendment_begins_the_count_anew_so_the_first_may_approve_it(two: Office) -> None:
    run_id = two.run()
    _review(two, run_id, **ACCEPT)
    _review(two, run_id, by="admin", **AMEND)
    assert get_run(two.ledger, run_id).summary.standing == "1 of 2"
    with pytest.raises(ReviewError, match="somebody else's"):
        _review(two, run_id, by="admin", **ACCEPT)
    _review(two, run_id, **ACCEPT)
    accepted = accepted_run(two.ledger, run_id)
    assert accepted is not None
    assert (accepted.sql, accepted.reviewers) == (BETTER, ("Admin", "Reviewer"))
    assert _problem(two) == ""


def test_a_failed_run_that_was_amended_can_be_accepted_by_the_second(two: Office) -> None:
    run_id = two.run(status="failed", sql="")
    _review(two, run_id, **AMEND)
    _review(two, run_id, by="admin", **ACCEPT)
    assert accepted_run(two.ledger, run_id) is not None
    assert _problem(two) == ""


def test_one_rejection_ends_it(two: Office) -> None:
    run_id = two.run()
    _review(two, run_id, **ACCEPT)
    _review(two, run_id, by="admin", **REJECT)
    assert get_run(two.ledger, run_id).summary.review_status == "rejected"
    with pytest.raises(ReviewError, match="already rejected"):
        _review(two, run_id, by="admin", **ACCEPT)
    assert (accepted_runs(two.ledger), _problem(two)) == ([], "")


@pytest.mark.parametrize(
    ("two_for", "needed"),
    [
        (TwoFor(tables=("emp*",)), 2),
        (TwoFor(tables=("Orders",)), 1),
        (TwoFor(scanned_rows=100), 2),
        (TwoFor(scanned_rows=500), 1),
        (TwoFor(below_confidence=0.95), 2),
        (TwoFor(below_confidence=0.9), 1),
    ],
)
def test_two_can_be_asked_for_some_runs_only(office: Office, two_for: TwoFor, needed: int) -> None:
    record_rules(office.ledger, office.workspace_key, ReviewRules(two_for=two_for))
    office.ledger.append("run.started", {"question": "q", "asker": "Asker"}, run_id="r", actor="Asker")
    intent = {"tables": ["Employees"], "estimate": {"scanned_rows": 500}}
    office.ledger.append("run.intent", intent, run_id="r")
    office.ledger.append("run.answered", {"status": "answered", "sql": SQL, "confidence": 0.9}, run_id="r")
    assert list_runs(office.ledger)[0].needed == needed
    assert _review(office, "r", **ACCEPT).body["approvals_needed"] == needed
    assert (_problem(office) == "", len(accepted_runs(office.ledger))) == (True, 2 - needed)


def test_a_statement_nobody_could_weigh_takes_two_where_its_cost_matters(office: Office) -> None:
    record_rules(office.ledger, office.workspace_key, ReviewRules(two_for=TwoFor(scanned_rows=100)))
    office.ledger.append("run.started", {"question": "q", "asker": "Asker"}, run_id="r", actor="Asker")
    office.ledger.append("run.intent", {"tables": ["Orders"], "estimate": None}, run_id="r")
    office.ledger.append("run.intent", {"tables": ["Orders"], "estimate": {"scanned_rows": 1}}, run_id="r")
    office.ledger.append("run.answered", {"status": "answered", "sql": SQL, "confidence": 0.9}, run_id="r")
    assert _review(office, "r", **ACCEPT).body["approvals_needed"] == 2


# --- ways past it ------------------------------------------------------------------------------------------------


def test_this_forger_could_write_a_genuine_review(two: Office) -> None:
    run_id = two.run()
    _forge(two, two.reviewer, run_id)
    _forge(two, two.admin, run_id, approval=2)
    assert (_problem(two), len(accepted_runs(two.ledger))) == ("", 1)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"approvals_needed": 1}, "its approvals needed is not"),
        ({"approval": 2}, "its approval is not"),
        ({"checkpoint": {"size": 4, "root": "ab" * 32}}, "its checkpoint is not"),
    ],
)
def test_one_signature_does_not_pass_for_two(two: Office, changes: dict[str, Any], problem: str) -> None:
    _forge(two, two.reviewer, two.run(), **changes)
    assert problem in _problem(two)
    with pytest.raises(ReviewError, match=problem):
        accepted_runs(two.ledger)


def test_one_person_signing_twice_is_named(two: Office) -> None:
    run_id = two.run()
    _forge(two, two.reviewer, run_id)
    _forge(two, two.reviewer, run_id, approval=2)
    assert "somebody else's" in _problem(two)
    with pytest.raises(ReviewError, match="somebody else's"):
        accepted_runs(two.ledger)


def test_a_review_of_the_first_version_is_refused_once_there_are_rules(two: Office) -> None:
    record = _forge(two, two.reviewer, two.run(), first_version=True)
    found = verify(two.ledger, checkpoints=None)
    assert (found.first_bad, "of the first version" in found.problem) == (record.sequence, True)
    with pytest.raises(ReviewError, match="of the first version"):
        accepted_runs(two.ledger)


def test_reviews_of_the_first_version_keep_holding_until_the_second_is_written(office: Office) -> None:
    old, run_id, late = office.run(), office.run(), office.run()
    _forge(office, office.reviewer, old, first_version=True)
    assert (_problem(office), len(accepted_runs(office.ledger))) == ("", 1)
    revoked = _review(office, old, by="admin", **REVOKE)
    assert revoked.body["sql"] == SQL
    _review(office, run_id, **ACCEPT)
    assert _problem(office) == ""
    _forge(office, office.reviewer, late, first_version=True)
    assert "of the first version" in _problem(office)


def test_a_review_names_the_last_checkpoint_and_no_other(office: Office) -> None:
    run_id = office.run()
    write_checkpoint(office.ledger, office.workspace_key, office.checkpoints)
    record_rules(office.ledger, office.workspace_key, TWO)
    noted = office.ledger.newest(Selection(kinds=(CHECKPOINT,)))
    assert noted is not None
    record = _review(office, run_id, **ACCEPT)
    assert record.body["checkpoint"] == {"size": noted.body["sequence"], "root": noted.body["root"]}
    assert verify(office.ledger, checkpoints=office.checkpoints).ok
    rewrite(office.ledger, noted.sequence, lambda fields: fields["body"].update(root="ab" * 32), onwards=False)
    assert not verify(office.ledger, checkpoints=office.checkpoints).ok


def test_a_note_of_a_checkpoint_that_says_otherwise_than_the_file_is_named(office: Office) -> None:
    write_checkpoint(office.ledger, office.workspace_key, office.checkpoints)
    sequence = office.ledger.head().sequence
    rewrite(office.ledger, sequence, lambda fields: fields["body"].update(root="ab" * 32))
    found = verify(office.ledger, checkpoints=office.checkpoints)
    assert (found.first_bad, "another checkpoint" in found.problem) == (sequence, True)


# --- the rules ---------------------------------------------------------------------------------------------------


def test_rules_are_recorded_once_for_each_change(office: Office) -> None:
    rules = ReviewRules(True, 2, TwoFor(("Emp*",), 10, 0.5), claim_hours=0.5)
    assert record_rules(office.ledger, office.workspace_key, rules) is not None
    assert record_rules(office.ledger, office.workspace_key, rules) is None
    assert latest_rules(office.ledger) == rules
    assert record_rules(office.ledger, office.workspace_key, TWO) is not None
    assert latest_rules(office.ledger) == TWO
    assert _problem(office) == ""


def test_a_review_is_judged_by_the_rules_of_its_time(office: Office) -> None:
    run_id, later = office.run(), office.run()
    record_rules(office.ledger, office.workspace_key, ReviewRules(allow_self=True))
    _review(office, run_id, by="asker", **ACCEPT)
    record_rules(office.ledger, office.workspace_key, TWO)
    assert (_problem(office), len(accepted_runs(office.ledger))) == ("", 1)
    with pytest.raises(ReviewError, match="asked this question"):
        _review(office, later, by="asker", allow_self=True, **ACCEPT)
    _forge(office, office.asker, later)
    assert "asked this question" in verify(office.ledger, checkpoints=None, allow_self=True).problem
    with pytest.raises(ReviewError, match="asked this question"):
        accepted_runs(office.ledger)


def test_rules_that_became_stricter_leave_what_was_complete_and_looser_ones_complete_nothing_by_themselves(
    office: Office,
) -> None:
    done, begun = office.run(), office.run()
    _review(office, done, **ACCEPT)
    record_rules(office.ledger, office.workspace_key, TWO)
    _review(office, begun, **ACCEPT)
    record_rules(office.ledger, office.workspace_key, ReviewRules())
    assert [run.run_id for run in accepted_runs(office.ledger)] == [done]
    _review(office, begun, by="admin", **ACCEPT)
    assert (_problem(office), len(accepted_runs(office.ledger))) == ("", 2)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda body: body["rules"].update(allow_self=True), "not signed by a key of this workspace"),
        (lambda body: body["rules"].update(reviewers=1), "not signed by a key of this workspace"),
        (lambda body: body["rules"].update(reviewers=3), "does not hold rules"),
        (lambda body: body["rules"].update(reviewers=True), "does not hold rules"),
        (lambda body: body["rules"].update(later="yes"), "does not hold rules"),
        (lambda body: body.pop("rules"), "does not hold rules"),
        (lambda body: body.update(rules=[]), "does not hold rules"),
        (lambda body: body.update(workspace="bank"), "not signed by a key of this workspace"),
    ],
)
def test_altered_rules_are_named(two: Office, change: Any, problem: str) -> None:
    sequence = two.ledger.head().sequence
    rewrite(two.ledger, sequence, lambda fields: change(fields["body"]))
    found = verify(two.ledger, checkpoints=None)
    assert (found.first_bad, problem in found.problem) == (sequence, True), found.problem
    with pytest.raises(ReviewError, match=problem):
        accepted_runs(two.ledger)


def test_rules_signed_by_a_reviewer_or_by_nobody_enrolled_are_named(office: Office, tmp_path: Any) -> None:
    for signer in (office.reviewer, Keyring(tmp_path / "stranger").create("workspace")):
        record_rules(office.ledger, signer, ReviewRules(allow_self=True))
        assert "not signed by a key of this workspace" in _problem(office)


def test_rules_from_elsewhere_on_the_ledger_are_named(office: Office) -> None:
    record = record_rules(office.ledger, office.workspace_key, ReviewRules(allow_self=True))
    assert record is not None
    record_rules(office.ledger, office.workspace_key, TWO)
    office.ledger.append(REVIEW_RULES, record.body, actor="workspace")
    assert "not signed for this place" in _problem(office)
    with pytest.raises(ReviewError, match="not signed for this place"):
        _review(office, office.run(), by="asker", **ACCEPT)


def test_verification_since_a_checkpoint_knows_the_rules_from_before_it(two: Office) -> None:
    run_id = two.run()
    _review(two, run_id, **ACCEPT)
    since = write_checkpoint(two.ledger, two.workspace_key, two.checkpoints)
    _review(two, run_id, by="admin", **ACCEPT)
    assert verify(two.ledger, checkpoints=two.checkpoints, since=since).ok
    _forge(two, two.reviewer, two.run(), first_version=True)
    assert "first version" in verify(two.ledger, checkpoints=two.checkpoints, since=since).problem
