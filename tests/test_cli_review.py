"""The review commands on a real workspace: two reviewers, claims, assignments, findings of an amendment, agreement."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

from pathlib import Path

import pytest
from fixtures_cli import COUNT, COUNT_SQL, REVENUE, Run, built_workspace, model, plain_environment, run, workspace
from fixtures_eval_model import ScriptedModel


@pytest.fixture
def asked(workspace: Path, model: ScriptedModel, run: Run) -> str:
    """The id of a run that two enrolled reviewers could decide on."""
    assert run("identity", "create", "ada").code == 0
    for name in ("ben", "analyst"):
        assert run("identity", "create", name, "--by", "ada").code == 0
    run_id: str = run("ask", COUNT, "--format", "json").json["run_id"]
    return run_id


def _policy(workspace: Path, review: str) -> None:
    (workspace / "policy.yaml").write_text(f"version: 1\nreview: {review}\n", encoding="utf-8")


def test_two_must_approve_before_a_run_is_recalled(workspace: Path, asked: str, run: Run) -> None:
    _policy(workspace, "{two_for: {tables: [orders]}}")
    first = run("review", "accept", asked, "--as", "ada")
    assert (first.code, "approval 1 of 2" in first.out) == (0, True)
    assert run("ask", COUNT, "--format", "json").json["origin"] == "model"
    waiting = run("review", "list", "--format", "json").json
    assert {each["run_id"]: (each["approvals"], each["needed"]) for each in waiting}[asked] == (1, 2)
    again = run("review", "accept", asked, "--as", "ADA")
    assert (again.code, "somebody else's" in again.err) == (5, True)
    assert run("memory", "sync", "--format", "json").json["verified_queries"] == {"added": [], "removed": []}
    second = run("review", "accept", asked, "--as", "ben")
    assert (second.code, "verified query" in second.out) == (0, True)
    assert run("ask", COUNT, "--format", "json").json["origin"] == "verified_query"
    _policy(workspace, "{reviewers: 1}")
    assert run("audit", "verify").code == 0
    told = run("review", "agreement", "--format", "json").json
    assert (told["overall"]["runs"], told["overall"]["agreed"]) == (1, 1)
    assert "100 %" in run("review", "agreement").out
    assert "reviewers agree" in run("monitor").out


def test_a_self_review_holds_by_the_policy_it_was_written_under(workspace: Path, asked: str, run: Run) -> None:
    _policy(workspace, "{allow_self: true}")
    assert run("review", "accept", asked).code == 0
    _policy(workspace, "{allow_self: false}")
    assert run("audit", "verify").code == 0
    later = run("ask", REVENUE, "--format", "json").json["run_id"]
    assert run("review", "accept", later).code == 5


def test_work_is_assigned_claimed_taken_over_and_given_back(workspace: Path, asked: str, run: Run) -> None:
    assert run("review", "assign", asked, "analyst", "--as", "ada").code == 5
    assert "identity list" in run("review", "assign", asked, "nobody", "--as", "ada").err
    assert run("review", "assign", asked, "ben", "--due", "soon", "--as", "ada").code == 2
    assert "due" in run("review", "assign", asked, "ben", "--due", "3d", "--note", "look", "--as", "ada").out
    assert run("review", "list", "--mine", "--as", "ada", "--format", "json").json == []
    (mine,) = run("review", "list", "--mine", "--as", "ben", "--format", "json").json
    assert (mine["assignee"], mine["note"], mine["overdue"]) == ("ben", "look", False)
    past = run("review", "assign", asked, "ben", "--due", "2020-01-01", "--as", "ada")
    assert (past.code, "Name today or a later day" in " ".join(past.err.split())) == (5, True)
    assert run("review", "list", "--overdue", "--format", "json").json == []
    assert "is yours until" in run("review", "claim", asked, "--as", "ben").out
    held = run("review", "accept", asked, "--as", "ada")
    assert (held.code, "ben has claimed" in held.err, "--take-over" in held.err) == (5, True, True)
    assert run("review", "release", asked, "--as", "ada").code == 5
    assert run("review", "release", asked, "--as", "ben").code == 0
    run("review", "claim", asked, "--as", "ben")
    assert run("review", "accept", asked, "--as", "ada", "--take-over").code == 0
    assert run("review", "list", "--format", "json").json == []
    assert "No run waits" in run("review", "list").out
    assert run("audit", "verify").code == 0


@pytest.mark.parametrize(("both", "says"), [(True, "once"), (False, "with --sql or --sql-file")])
def test_an_amendment_takes_one_statement(workspace: Path, run: Run, both: bool, says: str) -> None:
    file = workspace / "fixed.sql"
    file.write_text(COUNT_SQL)
    left = run("review", "amend", "0193", "--as", "ada", *(["--sql", COUNT_SQL, "--sql-file", file] if both else []))
    assert left.code == 2
    assert says in " ".join(left.err.split())
    assert "--sql-file" in left.err


def test_a_file_that_is_no_text_is_a_wrong_argument(workspace: Path, run: Run) -> None:
    noise = workspace / "noise"
    noise.write_bytes(b"\x00\xff\xfe")
    refused = run("review", "amend", "0193", "--as", "ada", "--sql-file", noise)
    assert (refused.code, "not text in UTF-8" in " ".join(refused.err.split())) == (2, True)


def test_an_amendment_is_checked_before_it_is_signed(workspace: Path, asked: str, run: Run) -> None:
    amend = ("review", "amend", asked, "--as", "ada", "--reason-code", "wrong_filter", "--sql")
    wrong = f"{COUNT_SQL} WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01'"
    refused = run(*amend, wrong)
    assert (refused.code, "--despite-findings" in refused.err) == (5, True), refused
    checked = run("runs", "show", asked, "--format", "json").json["records"][-1]
    assert (checked["kind"], checked["body"]["purpose"], checked["actor"]) == ("run.checked", "amendment", "ada")
    assert "error" in {finding["severity"] for finding in checked["body"]["findings"]}
    signed = run(*amend, wrong, "--despite-findings", "--format", "json")
    assert signed.code == 0
    assert [finding["check"] for finding in signed.json["findings"]]
    assert run("audit", "verify").code == 0


def test_who_may_not_decide_is_told_before_anything_is_executed(workspace: Path, asked: str, run: Run) -> None:
    before = len(run("runs", "show", asked, "--format", "json").json["records"])
    assert run("review", "amend", asked, "--sql", COUNT_SQL, "--reason-code", "wrong_grain").code == 5
    assert len(run("runs", "show", asked, "--format", "json").json["records"]) == before


@pytest.mark.parametrize(
    ("review", "key"),
    [
        ("{reviewers: 3}", "review.reviewers"),
        ("{two_for: {columns: [a]}}", "review.two_for.columns"),
        ("{two_for: {below_confidence: 2}}", "review.two_for.below_confidence"),
        ("{claim_hours: 0}", "review.claim_hours"),
    ],
)
def test_rules_that_cannot_be_kept_stop_everything(workspace: Path, run: Run, review: str, key: str) -> None:
    assert run("identity", "create", "ada").code == 0
    _policy(workspace, review)
    told = run("review", "accept", "0", "--as", "ada")
    assert (told.code, key in told.err) == (2, True)
