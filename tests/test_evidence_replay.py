"""Evidence and replay on a real workspace: handed over, judged elsewhere, run again, and told what moved."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures_cli import (
    COUNT,
    COUNT_SQL,
    REVENUE,
    REVENUE_SQL,
    Ran,
    Run,
    built_workspace,
    model,
    plain_environment,
    run,
    workspace,
)
from fixtures_eval_model import ScriptedModel

from agent.moved import reads_clock
from agent.services import workspace_name
from agent.settings import load_settings
from audit.ledger import Ledger
from audit.record import Record

LATE = "How many orders were there last month?"
LATE_SQL = "SELECT COUNT(*) AS orders FROM Orders WHERE OrderDate >= DATE('now', '-1 month')"


@pytest.fixture
def asked(workspace: Path, model: ScriptedModel, run: Run) -> str:
    """A run that counts the orders, accepted."""
    run_id: str = run("ask", COUNT, "--format", "json").json["run_id"]
    assert run("identity", "create", "reviewer").code == 0
    assert run("review", "accept", run_id, "--as", "reviewer").code == 0
    return run_id


def _warehouse(workspace: Path, *statements: str) -> None:
    with sqlite3.connect(workspace / "warehouse.sqlite") as database:
        for statement in statements:
            database.execute(statement)
    database.close()


def _records(workspace: Path, *kinds: str) -> list[Record]:
    settings = load_settings(workspace)
    with Ledger.open(settings.ledger_url, workspace=workspace_name(settings), create=False) as ledger:
        return list(ledger.records(kinds=kinds))


def _replayed(run: Run, run_id: str, *more: str) -> Ran:
    return run("runs", "replay", run_id, "--format", "json", *more)


def _moved(replayed: Ran) -> list[str]:
    return [each["what"] for each in replayed.json["moved"]]


# --- evidence -----------------------------------------------------------------------------------------------------


def test_evidence_is_handed_over_and_judged_in_an_empty_folder(
    asked: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    exported = run("audit", "export", asked[:13], "-o", out / "e.json", "--html", out / "e.html")
    assert exported.code == 0, exported.err
    keys = run("identity", "list", "--format", "json").out
    (tmp_path / "keys.json").write_text(keys)
    key = next(each["public_key"] for each in json.loads(keys) if each["roles"] == ["workspace"])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.delenv("AFFIDAVIT_WORKSPACE")
    for name in ("e.json", "e.html"):
        file = out / name
        judged = run("audit", "verify", file, "--key", key, "--format", "json")
        assert (judged.code, judged.json["ok"], judged.json["reviews"]) == (0, True, 1)
        assert run("audit", "verify", file, "--keys", tmp_path / "keys.json", "--json").json["reviewers_given"] is True
        shown = run("audit", "verify", file)
        assert (shown.code, "It agrees with itself" in shown.out) == (0, True)
        assert "compare the key id" in shown.out
        changed = tmp_path / f"changed-{name}"
        changed.write_text(file.read_text().replace("How many orders", "How many ordurs"))
        refused = run("audit", "verify", changed, "--key", key)
        assert (refused.code, "does not hold" in refused.out) == (1, True)
        assert run("audit", "verify", file, "--key", "11" * 32).code == 1
        assert run("audit", "verify", file, "--key", "zz").code == 2
        assert run("audit", "verify", file, "--key", key, "--keys", tmp_path / "keys.json").code == 2
    assert list(elsewhere.iterdir()) == []


def test_a_key_without_a_bundle_is_a_usage_error(asked: str, run: Run, tmp_path: Path) -> None:
    assert run("audit", "verify", "--key", "ab").code == 2
    assert run("audit", "verify", tmp_path / "none.json").code == 2
    assert run("audit", "export", "zz").code == 2
    (tmp_path / "noise.json").write_text("{}")
    assert "not a bundle" in run("audit", "verify", tmp_path / "noise.json").out
    assert run("audit", "export", asked, "-o", tmp_path / "x.html", "--html", tmp_path / "x.html").code == 2


def test_no_row_is_in_a_bundle_and_the_ledger_still_verifies(
    workspace: Path, model: ScriptedModel, run: Run, tmp_path: Path
) -> None:
    answer = run("ask", REVENUE, "--format", "json").json
    run("audit", "export", answer["run_id"], "-o", tmp_path / "e.json")
    for name in ("e.json", "e.html"):
        written = (tmp_path / name).read_text()
        assert all(str(value) not in written for row in answer["rows"] for value in row)
    assert run("audit", "verify").code == 0


# --- replay -------------------------------------------------------------------------------------------------------


def test_an_answer_that_holds(workspace: Path, asked: str, run: Run) -> None:
    held = _replayed(run, asked)
    assert (held.code, held.json["verdict"], _moved(held)) == (0, "holds", [])
    assert "holds" in run("runs", "replay", asked[:13]).out
    intent, replayed = _records(workspace, "run.intent", "run.replayed")[1:3]
    assert (intent.body["purpose"], intent.run_id, intent.actor) == ("replay", asked, "analyst")
    assert (replayed.kind, replayed.run_id, replayed.actor) == ("run.replayed", asked, "analyst")
    assert replayed.body["result_fingerprint"] == replayed.body["was_fingerprint"] != ""
    assert replayed.hash == held.json["record_hash"]
    assert run("audit", "verify").code == 0


def test_data_that_moved(workspace: Path, asked: str, run: Run) -> None:
    _warehouse(workspace, "DELETE FROM Orders WHERE OrderID = (SELECT MAX(OrderID) FROM Orders)")
    differs = _replayed(run, asked)
    assert (differs.code, differs.json["verdict"], _moved(differs)) == (1, "differs", ["data"])


def test_data_that_moved_is_told_beside_a_policy_that_holds_back_the_same(
    workspace: Path, asked: str, run: Run
) -> None:
    _warehouse(workspace, "DELETE FROM Orders WHERE OrderID = (SELECT MAX(OrderID) FROM Orders)")
    policy = workspace / "policy.yaml"
    policy.write_text("version: 1\nmasks: {Customers.Phone: full}\n")
    differs = _replayed(run, asked)
    assert (differs.code, differs.json["verdict"], _moved(differs)) == (1, "differs", ["data", "policy"])
    policy.write_text("version: 1\nrows: {Orders: \"ShipCountry = 'Germany'\"}\n")
    less = _replayed(run, asked)
    assert (less.code, _moved(less)) == (1, ["policy"])
    assert any("cannot be told" in each for each in less.json["notes"])


def test_a_schema_that_moved_is_named_and_another_tables_is_not(workspace: Path, asked: str, run: Run) -> None:
    _warehouse(workspace, "ALTER TABLE Suppliers ADD COLUMN Fax2 TEXT")
    assert _moved(_replayed(run, asked)) == []
    _warehouse(workspace, "ALTER TABLE Orders ADD COLUMN Channel TEXT", "UPDATE Orders SET Channel = 'web'")
    moved = _replayed(run, asked)
    assert (moved.code, moved.json["verdict"], _moved(moved)) == (0, "holds", ["schema"])
    assert "Orders.Channel" in moved.json["moved"][0]["detail"]
    assert run("memory", "sync").code == 0  # what it was then is no longer known column by column
    assert "Orders has other columns" in _replayed(run, asked).json["moved"][0]["detail"]
    _warehouse(workspace, "ALTER TABLE Orders RENAME TO Purchases")
    gone = _replayed(run, asked)
    assert (gone.code, gone.json["verdict"]) == (6, "cannot_run")
    assert "There is no table Orders any more." in [each["detail"] for each in gone.json["moved"]]
    assert gone.json["error"]["class"] == "unknown_table"


def test_a_metric_that_was_redefined(workspace: Path, model: ScriptedModel, run: Run) -> None:
    run_id = run("ask", REVENUE, "--format", "json").json["run_id"]
    metrics = workspace / "metrics.yaml"
    before = metrics.read_text()
    metrics.write_text(before.replace("name: Discount Amount", "name: Amount of Discount"))
    assert _moved(_replayed(run, run_id)) == []
    changed = before.replace("(1 - order_details.Discount)", "(1.0 - order_details.Discount)")
    assert changed != before
    metrics.write_text(changed)
    moved = _replayed(run, run_id)
    assert (moved.code, moved.json["verdict"], _moved(moved)) == (1, "differs", ["metric"])
    assert "Sales Revenue is defined otherwise now" in moved.json["moved"][0]["detail"]


def test_a_policy_that_holds_back_more(workspace: Path, asked: str, run: Run) -> None:
    policy = workspace / "policy.yaml"
    policy.write_text("version: 1\nmasks: {Customers.Phone: full}\n")
    same = _replayed(run, asked)
    assert (same.json["verdict"], _moved(same)) == ("holds", ["policy"])
    policy.write_text("version: 1\nrows: {Orders: \"ShipCountry = 'Germany'\"}\n")
    less = _replayed(run, asked)
    assert (less.code, _moved(less)) == (1, ["policy"])
    assert "Germany" in less.json["moved"][0]["detail"]
    policy.write_text("version: 1\ntables: {deny: [Orders]}\n")
    refused = _replayed(run, asked)
    assert (refused.code, refused.json["error"]["class"]) == (6, "forbidden_object")


def test_the_budget_holds_for_a_replay(workspace: Path, asked: str, run: Run) -> None:
    (workspace / "policy.yaml").write_text("version: 1\nlimits: {max_scanned_rows: 1}\n")
    before = len(_records(workspace, "run.intent"))
    refused = _replayed(run, asked)
    assert (refused.code, refused.json["error"]["class"]) == (6, "too_expensive")
    assert len(_records(workspace, "run.intent")) == before


def test_the_corrected_statement_is_what_is_run_again(workspace: Path, model: ScriptedModel, run: Run) -> None:
    run_id = run("ask", COUNT, "--format", "json").json["run_id"]
    run("identity", "create", "reviewer")
    sql = "SELECT COUNT(*) AS orders FROM Orders WHERE Freight > 1"
    amended = ("review", "amend", run_id, "--as", "reviewer", "--reason-code", "wrong_filter", "--sql", sql)
    assert run(*amended).code == 0
    held = _replayed(run, run_id)
    assert (held.code, held.json["verdict"]) == (0, "holds")
    assert "Freight > 1" in _records(workspace, "run.replayed")[-1].body["sql"]


def test_of_two_corrections_the_later_is_run_again(workspace: Path, model: ScriptedModel, run: Run) -> None:
    (workspace / "policy.yaml").write_text("version: 1\nreview: {reviewers: 2}\n")
    run_id = run("ask", COUNT, "--format", "json").json["run_id"]
    run("identity", "create", "reviewer")
    run("identity", "create", "second", "--by", "reviewer")
    for name, least in (("reviewer", 1), ("second", 2)):
        sql = f"SELECT COUNT(*) AS orders FROM Orders WHERE Freight > {least}"
        amend = ("review", "amend", run_id, "--as", name, "--reason-code", "wrong_filter", "--sql", sql)
        signed = run(*amend, "--despite-findings")
        assert signed.code == 0, signed
    assert run("review", "accept", run_id, "--as", "reviewer").code == 0
    held = _replayed(run, run_id)
    assert (held.code, held.json["verdict"]) == (0, "holds")
    assert "Freight > 2" in _records(workspace, "run.replayed")[-1].body["sql"]


def test_a_masked_result_is_compared_as_the_asker_saw_it(workspace: Path, model: ScriptedModel, run: Run) -> None:
    """The statement on record has the masks in it already; judged as it stands, they would be put on twice."""
    (workspace / "policy.yaml").write_text("version: 1\nmasks: {Customers.ContactName: hash}\n")
    question = "List the contact names of the customers"
    model.script[question] = "SELECT ContactName FROM Customers ORDER BY ContactName"
    asked = run("ask", question, "--format", "json").json
    assert asked["status"] in ("answered", "abstained")
    assert _replayed(run, asked["run_id"]).json["verdict"] == "holds"


def test_another_day_is_said_to_be_the_reason(workspace: Path, model: ScriptedModel, run: Run) -> None:
    model.script[LATE] = LATE_SQL
    run_id = run("ask", LATE, "--format", "json").json["run_id"]
    _warehouse(workspace, "UPDATE Orders SET OrderDate = DATE('now')")
    differs = _replayed(run, run_id)
    assert differs.json["verdict"] == "differs"
    assert "asks what day it is" in " ".join(differs.json["notes"])


@pytest.mark.parametrize(
    ("sql", "dialect", "expected"),
    [
        (LATE_SQL, "sqlite", True),
        ("SELECT CURRENT_DATE", "postgres", True),
        ("SELECT now() - d FROM t", "postgres", True),
        ("SELECT CURDATE()", "mysql", True),
        ("SELECT today()", "duckdb", True),
        ("SELECT d FROM t WHERE d >= '2024-01-01'", "sqlite", False),
        ("SELECT (", "sqlite", False),
    ],
)
def test_a_statement_that_reads_the_clock_is_told(sql: str, dialect: str, expected: bool) -> None:
    assert reads_clock(sql, dialect) is expected


def test_a_run_without_a_result_has_nothing_to_compare(workspace: Path, model: ScriptedModel, run: Run) -> None:
    refused = run("ask", "Delete all orders", "--format", "json").json
    said = run("runs", "replay", refused["run_id"])
    assert (said.code, "no result to compare" in said.err.replace("\n ", "")) == (2, True)
    assert run("runs", "replay").code == 2
    assert run("runs", "replay", refused["run_id"], "--accepted").code == 2
    assert run("runs", "replay", "--accepted", "--with-model").code == 2
    assert run("runs", "replay", "--accepted").out.startswith("No signed answer")


def test_every_signed_answer_is_run_again(workspace: Path, asked: str, model: ScriptedModel, run: Run) -> None:
    second = run("ask", REVENUE, "--format", "json").json["run_id"]
    run("ask", "How many products are there?")
    assert run("review", "accept", second, "--as", "reviewer").code == 0
    every = run("runs", "replay", "--accepted", "--format", "json")
    assert [each["run_id"] for each in every.json] == [second, asked]
    _warehouse(workspace, "DELETE FROM Orders WHERE OrderID = (SELECT MAX(OrderID) FROM Orders)")
    shown = run("runs", "replay", "--accepted", "--as", "nightly")
    assert shown.code == 1
    assert "differs" in shown.out
    assert run("runs", "replay", "--accepted", "--limit", "1", "--format", "json").json[0]["run_id"] == second
    assert run("review", "revoke", asked, "--as", "reviewer", "--reason-code", "outdated").code == 0
    assert len(run("runs", "replay", "--accepted", "--format", "json").json) == 1
    assert _records(workspace, "run.replayed")[2].actor == "nightly"


def test_the_model_is_asked_again_and_not_memory(workspace: Path, asked: str, model: ScriptedModel, run: Run) -> None:
    same = _replayed(run, asked, "--with-model")
    assert (same.code, same.json["asked_again"]["same_sql"]) == (0, True)
    model.script[COUNT] = "SELECT COUNT(OrderID) AS orders FROM Orders"
    other = _replayed(run, asked, "--with-model").json["asked_again"]
    assert other["same_sql"] is False
    again = run("runs", "show", other["run_id"], "--format", "json").json
    assert again["records"][0]["body"]["replay_of"] == asked
    assert "run.recalled" not in [each["kind"] for each in again["records"]]
    assert "another statement" in run("runs", "replay", asked, "--with-model").out


def test_a_model_that_is_served_no_longer_is_told(
    workspace: Path, asked: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFFIDAVIT_MODEL__NAME", "another")
    moved = _replayed(run, asked)
    assert (moved.code, moved.json["verdict"], _moved(moved)) == (0, "holds", ["model"])


def test_replays_are_part_of_the_evidence(asked: str, run: Run, tmp_path: Path) -> None:
    _replayed(run, asked)
    assert run("audit", "export", asked, "-o", tmp_path / "e.json").code == 0
    assert "Run again since" in (tmp_path / "e.html").read_text()
    assert run("audit", "verify", tmp_path / "e.html").code == 0
