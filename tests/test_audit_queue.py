"""The order of the queue, the words for it, and how far reviewers agree."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from fixtures_audit_parts import SQL, Office
from hypothesis import given
from hypothesis import strategies as st

from audit.agreement import agreement, wilson_interval
from audit.assignment import assign, claim
from audit.monitor import monitor
from audit.queue import Wanted, review_queue
from audit.review import submit_review
from audit.review_rules import ReviewRules, record_rules
from audit.shape import shape_of

pytest_plugins = ("fixtures_audit",)

ACCEPT = {"decision": "accept", "reason_code": "correct"}
REJECT = {"decision": "reject", "reason_code": "wrong_metric"}
AMEND = {"decision": "amend", "reason_code": "wrong_filter", "sql": "SELECT 1", "result_fingerprint": "ef" * 32}


def _run(office: Office, run_id: str, *, scanned: int | None = None, tables: Any = ("Orders",), **answer: Any) -> str:
    add = office.ledger.append
    add("run.started", {"question": "q", "asker": "Asker"}, run_id=run_id, actor="Asker")
    guarded = {"tables": list(tables), "restrictions": answer.pop("restrictions", [])}
    add("run.guarded", guarded, run_id=run_id)
    if scanned is not None:
        add("run.intent", {"tables": list(tables), "estimate": {"scanned_rows": scanned}}, run_id=run_id)
    body = {"status": "answered", "sql": SQL, "confidence": 0.9, "findings": [], **answer}
    add("run.answered", body, run_id=run_id)
    return run_id


def _reviewed(office: Office, run_id: str, by: str, decision: dict[str, Any]) -> None:
    submit_review(office.ledger, getattr(office, by), run_id=run_id, **decision)


def test_the_riskiest_is_first_and_says_why(office: Office) -> None:
    _reviewed(office, _run(office, "known"), "reviewer", ACCEPT)
    _run(office, "plain")
    _run(office, "warned", findings=[{"check": "c", "severity": "warning", "message": "m"}])
    _run(office, "wrong", findings=[{"check": "c", "severity": "error"}, {"check": "d", "severity": "warning"}])
    _run(office, "unsure", confidence=0.6)
    _run(office, "guess", confidence=0.3)
    _run(office, "abstained", status="abstained", confidence=0.95)
    _run(office, "new", sql="SELECT 2")
    _run(office, "secret", tables=("Orders", "Salaries"))
    _run(office, "masked", restrictions=["Customers.Phone is masked"])
    _run(office, "failed", status="failed", sql="", confidence=0.0)
    office.ledger.append("run.started", {"question": "q", "asker": "Asker"}, run_id="open", actor="Asker")
    found = review_queue(office.ledger, sensitive_tables=("sal*",)).runs
    assert [(each.run.run_id, each.risk, each.why) for each in found] == [
        ("wrong", 4, "a check found an error"),
        ("masked", 3, "reads what the policy restricts"),
        ("secret", 3, "reads Salaries"),
        ("abstained", 3, "not trusted enough to answer"),
        ("guess", 3, "confidence 30%"),
        ("warned", 2, "a check warned"),
        ("new", 1, "new shape"),
        ("unsure", 1, "confidence 60%"),
        ("failed", 0, ""),
        ("plain", 0, ""),
    ]
    newest = [each.run.run_id for each in review_queue(office.ledger, order="newest").runs]
    assert newest[:3] == ["failed", "masked", "secret"]


def test_much_is_measured_by_the_ledger_itself(office: Office) -> None:
    for number in range(19):
        _run(office, f"r{number:02}", scanned=number)
    assert not any("rows" in each.why for each in review_queue(office.ledger).runs)
    _run(office, "r19", scanned=1_000_000)
    told = {each.run.run_id: each.why for each in review_queue(office.ledger).runs}
    assert told["r19"] == "1,000,000 rows, more than 95 % of runs, new shape"
    assert "more than 75 %" in told["r15"]
    assert told["r10"] == "new shape"


def test_what_is_overdue_moves_up_and_who_has_it_is_said(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for run_id in ("late", "held"):
        _run(office, run_id)
    today = dt.date.fromisoformat(office.ledger.now()[:10])
    assign(office.ledger, office.admin, run_id="late", assignee="Reviewer", due=today)
    monkeypatch.setattr(office.ledger, "_clock", lambda: dt.datetime(2026, 2, 1, 9, tzinfo=dt.UTC))
    claim(office.ledger, office.admin, run_id="held")
    late, held = review_queue(office.ledger).runs
    assert (late.run.run_id, late.overdue, late.risk, late.why) == ("late", True, 4, "due 2026-01-31, new shape")
    assert (late.is_of("reviewer"), late.is_of("admin"), held.is_of("admin"), held.holder) == (
        True,
        False,
        True,
        "Admin",
    )
    told = late.to_json()
    assert (told["assignee"], told["due"], told["holder"]) == ("Reviewer", "2026-01-31", "")
    assert told["reasons"][0] == {"words": "due 2026-01-31", "points": 3}


def test_a_run_half_approved_still_waits(office: Office) -> None:
    record_rules(office.ledger, office.workspace_key, ReviewRules(reviewers=2))
    _reviewed(office, _run(office, "half"), "reviewer", ACCEPT)
    (half,) = review_queue(office.ledger).runs
    assert (half.run.standing, half.why) == ("1 of 2", "new shape")
    _reviewed(office, "half", "admin", ACCEPT)
    assert review_queue(office.ledger).runs == []


def test_who_has_approved_it_has_it_in_hand_no_more(office: Office) -> None:
    record_rules(office.ledger, office.workspace_key, ReviewRules(reviewers=2))
    _run(office, "half")
    assign(office.ledger, office.admin, run_id="half", assignee="Reviewer")
    claim(office.ledger, office.reviewer, run_id="half")
    (held,) = review_queue(office.ledger).runs
    assert (held.holder, held.assignment.assignee) == ("Reviewer", "Reviewer")
    _reviewed(office, "half", "reviewer", ACCEPT)
    (half,) = review_queue(office.ledger).runs
    assert (half.holder, half.assignment.assignee, half.run.standing) == ("", "", "1 of 2")


def test_a_limit_gives_the_first_and_says_how_many_there_are(office: Office) -> None:
    for number in range(5):
        _run(office, f"r{number}", confidence=0.9 if number else 0.3)
    assign(office.ledger, office.admin, run_id="r2", assignee="Reviewer")
    whole, first = review_queue(office.ledger), review_queue(office.ledger, limit=2)
    assert (first.runs, first.waiting) == (whole.runs[:2], 5)
    assert [each.run.run_id for each in whole.runs] == ["r0", "r4", "r3", "r2", "r1"]
    mine = review_queue(office.ledger, only=Wanted(person="reviewer"), limit=2)
    assert ([each.run.run_id for each in mine.runs], mine.waiting) == (["r2"], 1)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("SELECT a FROM t WHERE b = 'x'", "select a\nfrom t where b='it''s' -- now", True),
        ("SELECT a FROM t WHERE b = 1 LIMIT 5;", "SELECT a FROM t WHERE b = 20.5 LIMIT 10", True),
        ("SELECT a FROM t WHERE b IN (1, 2)", "SELECT a FROM t WHERE b IN (1,2 , 3)", True),
        ("SELECT a FROM t /* x */", "SELECT a FROM t", True),
        ("SELECT a1 FROM t", "SELECT a2 FROM t", False),
        ("SELECT a FROM t LIMIT 5e3", "SELECT a FROM t LIMIT 5", True),
        ("SELECT t.1 FROM t", "SELECT t.2 FROM t", False),
        ("SELECT 1 - -2, a / b", "SELECT 3-  -4,a/b", True),
        ('SELECT "1" FROM t', 'SELECT "2" FROM t', False),
        ("SELECT a FROM t", "SELECT a FROM u", False),
        ("SELECT 'a -- b', c FROM t", "SELECT 'a' FROM t", False),
    ],
)
def test_a_shape_is_a_statement_without_its_values(one: str, other: str, same: bool) -> None:
    assert (shape_of(one) == shape_of(other)) is same


@given(st.text(max_size=200))
def test_a_shape_of_anything_is_its_own_shape_or_nothing_is_raised(text: str) -> None:
    assert "\n" not in shape_of(text)


# --- agreement ---------------------------------------------------------------------------------------------------


def test_agreement_is_counted_by_what_each_said_first(office: Office) -> None:
    record_rules(office.ledger, office.workspace_key, ReviewRules(reviewers=2))
    for number in range(6):
        for by in ("reviewer", "admin"):
            _reviewed(office, _run(office, f"same-{number}") if by == "reviewer" else f"same-{number}", by, ACCEPT)
    _reviewed(office, _run(office, "differs"), "reviewer", ACCEPT)
    _reviewed(office, "differs", "admin", REJECT)
    _reviewed(office, _run(office, "mended"), "reviewer", AMEND)
    _reviewed(office, "mended", "admin", ACCEPT)
    _reviewed(office, _run(office, "otherwise"), "reviewer", AMEND)
    _reviewed(office, "otherwise", "admin", {**AMEND, "sql": "SELECT 2"})
    _reviewed(office, "otherwise", "reviewer", ACCEPT)
    _reviewed(office, _run(office, "alone"), "reviewer", ACCEPT)
    _reviewed(office, "same-0", "reviewer", {"decision": "revoke", "reason_code": "outdated"})
    found = agreement(office.ledger)
    (pair,) = found.pairs
    assert (pair.first, pair.second, pair.runs, pair.agreed) == ("Admin", "Reviewer", 9, 7)
    # by hand: Admin said accepted 6, rejected 1, amended 1, amended otherwise 1; Reviewer accepted 7, amended 2
    chance = (6 * 7 + 1 * 2) / 81
    assert pair.kappa == pytest.approx((7 / 9 - chance) / (1 - chance))
    assert pair.interval == pytest.approx((0.4526, 0.9368), abs=1e-4)
    assert (found.overall.runs, found.overall.agreed, found.overall.kappa) == (9, 7, pair.kappa)
    assert [(each.reviewer, each.approved, each.revoked) for each in found.reviewers] == [
        ("Admin", 8, 1),
        ("Reviewer", 10, 1),
    ]
    assert monitor(office.ledger).between_reviewers == found.overall
    assert "on 7 of 9 runs" in found.overall.words


def test_agreement_of_nobody(office: Office) -> None:
    found = agreement(office.ledger)
    assert (found.overall.runs, found.overall.kappa, found.pairs) == (0, None, ())
    assert found.overall.words == "no run was decided on by two people"
    assert found.to_json()["overall"]["high"] == 1.0


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"), [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (50, 100, 0.4038, 0.5962)]
)
def test_wilsons_interval_is_the_published_one(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(hits, trials) == pytest.approx((low, high), abs=1e-4)
