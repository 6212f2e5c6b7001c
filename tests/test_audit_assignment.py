"""Who is to review what, by when, and who has it in hand: as written, as enforced, and as verified."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from fixtures_audit_parts import Office, rewrite

from audit.assignment import assign, assignment_of, claim, release
from audit.errors import ReviewError, RunNotFoundError
from audit.identity import Keyring
from audit.review import submit_review
from audit.review_rules import ReviewRules, record_rules
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)

ACCEPT = {"decision": "accept", "reason_code": "correct"}
DUE = dt.date(2026, 2, 3)


def _standing(office: Office, run_id: str) -> Any:
    return assignment_of(office.ledger.records(run_id))


def _holds(office: Office) -> bool:
    return verify(office.ledger, checkpoints=None).ok


def test_an_assignment_names_who_by_when_and_why(office: Office) -> None:
    run_id = office.run()
    record = assign(office.ledger, office.admin, run_id=run_id, assignee="REVIEWER", due=DUE, note=" the grain ")
    told = {key: record.body[key] for key in ("assignee", "due", "note", "by", "purpose")}
    assert told == {
        "assignee": "Reviewer",
        "due": "2026-02-03",
        "note": "the grain",
        "by": "Admin",
        "purpose": "affidavit.review.assigned/1",
    }
    found = _standing(office, run_id)
    assert (found.assignee, found.due, found.assigned_by) == ("Reviewer", "2026-02-03", "Admin")
    assert not found.is_overdue("2026-02-03T23:59:59.000000Z")
    assert found.is_overdue("2026-02-04T00:00:00.000000Z")
    assign(office.ledger, office.admin, run_id=run_id, assignee="Admin")
    assert (_standing(office, run_id).assignee, _standing(office, run_id).due) == ("Admin", "")
    assert _holds(office)


@pytest.mark.parametrize(
    ("assignee", "refused"),
    [("Asker", "asked this question"), ("workspace", "not enrolled"), ("Nobody", "not enrolled")],
)
def test_only_a_reviewer_who_may_decide_can_be_assigned(office: Office, assignee: str, refused: str) -> None:
    run_id = office.run()
    before = office.ledger.head()
    with pytest.raises(ReviewError, match=refused):
        assign(office.ledger, office.admin, run_id=run_id, assignee=assignee)
    assert office.ledger.head() == before


def test_the_asker_can_be_assigned_where_the_rules_let_them_review(office: Office) -> None:
    record_rules(office.ledger, office.workspace_key, ReviewRules(allow_self=True))
    run_id = office.run()
    assign(office.ledger, office.admin, run_id=run_id, assignee="Asker")
    claim(office.ledger, office.asker, run_id=run_id)
    record_rules(office.ledger, office.workspace_key, ReviewRules())
    assert _holds(office)
    with pytest.raises(ReviewError, match="asked this question"):
        claim(office.ledger, office.asker, run_id=office.run())


def test_a_run_that_has_not_ended_or_is_decided_is_nobodys_work(office: Office) -> None:
    office.ledger.append("run.started", {"question": "q", "asker": "Asker"}, run_id="open", actor="Asker")
    run_id = office.run()
    submit_review(office.ledger, office.reviewer, run_id=run_id, **ACCEPT)
    for each, refused in (("open", "has not ended"), (run_id, "is accepted already")):
        with pytest.raises(ReviewError, match=refused):
            claim(office.ledger, office.admin, run_id=each)
    with pytest.raises(RunNotFoundError):
        claim(office.ledger, office.admin, run_id="ffff")


def test_a_claim_keeps_others_from_deciding_until_it_lapses(office: Office) -> None:
    record_rules(office.ledger, office.workspace_key, ReviewRules(claim_hours=20 / 3600))
    run_id = office.run()
    record = claim(office.ledger, office.reviewer, run_id=run_id)
    assert record.body["until"] > record.time
    with pytest.raises(ReviewError, match="Reviewer has claimed this run until"):
        submit_review(office.ledger, office.admin, run_id=run_id, **ACCEPT)
    with pytest.raises(ReviewError, match="Reviewer has claimed"):
        claim(office.ledger, office.admin, run_id=run_id)
    for _ in range(25):  # the clock goes on by a second at every look
        office.ledger.now()
    submit_review(office.ledger, office.admin, run_id=run_id, **ACCEPT)
    assert _holds(office)


def test_who_claimed_may_decide_and_then_it_is_over(office: Office) -> None:
    record_rules(office.ledger, office.workspace_key, ReviewRules(reviewers=2))
    run_id = office.run()
    assign(office.ledger, office.admin, run_id=run_id, assignee="Reviewer", due=DUE)
    claim(office.ledger, office.reviewer, run_id=run_id)
    submit_review(office.ledger, office.reviewer, run_id=run_id, **ACCEPT)
    found = _standing(office, run_id)
    assert (found.assignee, found.due, found.claimed_by) == ("", "", "")
    for who in ("reviewer", "Reviewer"):
        with pytest.raises(ReviewError, match="has approved run"):
            assign(office.ledger, office.admin, run_id=run_id, assignee=who)
    assign(office.ledger, office.reviewer, run_id=run_id, assignee="Admin")
    submit_review(office.ledger, office.admin, run_id=run_id, **ACCEPT)
    assert _holds(office)


def test_a_claim_can_be_taken_over_and_given_back(office: Office) -> None:
    run_id = office.run()
    first = claim(office.ledger, office.reviewer, run_id=run_id)
    second = claim(office.ledger, office.admin, run_id=run_id, take_over=True)
    assert second.body["takes_over"] == first.hash
    with pytest.raises(ReviewError, match="Reviewer has no claim"):
        release(office.ledger, office.reviewer, run_id=run_id)
    release(office.ledger, office.admin, run_id=run_id)
    assert _standing(office, run_id).holder("") == ""
    with pytest.raises(ReviewError, match="Admin has no claim"):
        release(office.ledger, office.admin, run_id=run_id)
    submit_review(office.ledger, office.reviewer, run_id=run_id, **ACCEPT)
    assert _holds(office)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda fields: fields["body"].update(assignee="Admin"), "not signed with the key"),
        (lambda fields: fields["body"].update(due="2030-01-01"), "not signed with the key"),
        (lambda fields: fields["body"].update(extra="x"), "does not have the fields"),
        (lambda fields: fields["body"].update(due=3), "does not have the fields"),
        (lambda fields: fields.update(actor="Reviewer"), "the key is that of Admin"),
        (lambda fields: fields.update(run_id="run-2"), "not signed for this place"),
        (lambda fields: fields.update(run_id="run-9"), "never started"),
        (lambda fields: fields.update(kind="review.claimed"), "does not have the fields"),
    ],
)
def test_an_altered_assignment_is_named(office: Office, change: Callable[[dict[str, Any]], None], problem: str) -> None:
    office.run("run-2")
    run_id = office.run("run-1")
    record = assign(office.ledger, office.admin, run_id=run_id, assignee="Reviewer", due=DUE)
    rewrite(office.ledger, record.sequence, change)
    found = verify(office.ledger, checkpoints=None)
    assert (found.first_bad, problem in found.problem) == (record.sequence, True), found.problem


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"assignee": "Asker"}, "asked this question"),
        ({"assignee": "Nobody"}, "not enrolled"),
        ({"due": "tomorrow"}, "is not a day"),
        ({"previous_head": "0" * 64}, "not signed for this place"),
        ({"workspace": "bank"}, "not signed for this place"),
        ({"by": "Reviewer"}, "the key is that of Admin"),
    ],
)
def test_a_genuine_key_over_an_assignment_past_the_rules_is_named(
    office: Office, said: dict[str, str], problem: str
) -> None:
    run_id = office.run()
    body = {
        "assignee": "Reviewer",
        "by": "Admin",
        "due": "",
        "key_id": office.admin.identity.key_id,
        "note": "",
        "previous_head": office.ledger.head().hash,
        "purpose": "affidavit.review.assigned/1",
        "run_id": run_id,
        "workspace": "shop",
        **said,
    }
    record = office.ledger.append("review.assigned", office.admin.sign_body(body), run_id=run_id, actor="Admin")
    found = verify(office.ledger, checkpoints=None)
    assert (found.first_bad, problem in found.problem) == (record.sequence, True), found.problem


def test_a_stranger_claims_nothing(office: Office, tmp_path: Any) -> None:
    stranger = Keyring(tmp_path / "stranger").create("Reviewer")
    for signer in (stranger, office.workspace_key):
        with pytest.raises(ReviewError, match="not enrolled here as a reviewer"):
            claim(office.ledger, signer, run_id=office.run())


def test_a_day_that_has_passed_is_no_due_date(office: Office) -> None:
    run_id, today = office.run(), dt.date.fromisoformat(office.ledger.now()[:10])
    with pytest.raises(ReviewError, match="today is 2026-01-31"):
        assign(office.ledger, office.admin, run_id=run_id, assignee="Reviewer", due=today - dt.timedelta(days=1))
    assert _standing(office, run_id).assignee == ""
    assign(office.ledger, office.admin, run_id=run_id, assignee="Reviewer", due=today)
    assert _standing(office, run_id).due == "2026-01-31"
