"""The whole loop from the command line: ask, sign, recall, revoke, verify; the contracts of each."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fixtures_agent import Reply, scripted_provider
from fixtures_cli import (
    COUNT,
    COUNT_SQL,
    REVENUE,
    REVENUE_SQL,
    Run,
    built_workspace,
    model,
    plain_environment,
    run,
    workspace,
)
from fixtures_eval_model import ScriptedModel

import agent.services
from audit.schema import TABLE_NAME

ANSWER_KEYS = [
    "run_id", "status", "question", "sql", "dialect", "columns", "rows", "row_count", "truncated", "confidence",
    "assumptions", "findings", "error", "origin", "model", "timings_ms",
]  # fmt: skip


def test_ask_prints_exactly_one_json_object(workspace: Path, model: ScriptedModel, run: Run) -> None:
    asked = run("ask", REVENUE, "--format", "json")
    assert asked.code == 0
    assert asked.out.count("\n") == 1
    assert list(asked.json) == ANSWER_KEYS
    assert asked.json["status"] == "answered"
    assert asked.json["rows"][0][0] == "Meat/Poultry"
    assert asked.json["error"] is None


def test_ask_shows_a_person_everything_needed_to_judge(workspace: Path, model: ScriptedModel, run: Run) -> None:
    shown = run("ask", REVENUE).out
    for part in (
        REVENUE,
        "● answered",
        "confidence",
        "FROM order_details",
        "Meat/Poultry",
        "1 row",
        "checks",
        "origin",
    ):
        assert part in shown
    assert "affidavit review accept" in shown
    assert "\x1b" not in shown  # not a terminal


def test_several_questions_give_a_line_each_and_the_highest_code(
    workspace: Path,
    model: ScriptedModel,
    run: Run,
) -> None:
    asked = run("ask", COUNT, "Delete all orders", "", "--format", "json")
    statuses = [json.loads(line)["status"] for line in asked.out.splitlines()]
    assert statuses == ["answered", "refused", "needs_clarification"]
    assert asked.code == 5
    assert run("ask", "").code == 3


def test_an_unknown_question_abstains_and_shows_the_draft_as_unverified(
    workspace: Path,
    model: ScriptedModel,
    run: Run,
) -> None:
    model.script = {"How loyal": "SELECT COUNT(*) FROM Loyalty"}
    asked = run("ask", "How loyal are the customers of Northern suppliers?")
    assert asked.code in (3, 4)
    assert "● answered" not in asked.out
    if asked.code == 4 and "SELECT" in asked.out:
        assert "UNVERIFIED" in asked.out


def test_accepted_recalled_in_other_words_revoked_and_no_longer(
    workspace: Path,
    model: ScriptedModel,
    run: Run,
) -> None:
    other_words = "In 2023, what product category had the most sales revenue?"
    model.script[other_words] = REVENUE_SQL
    run_id = run("ask", REVENUE, "--format", "json").json["run_id"]
    assert run("identity", "create", "reviewer").code == 0
    assert run("identity", "create", "analyst", "--by", "reviewer").code == 0

    own = run("review", "accept", run_id)
    assert own.code == 5
    assert "analyst asked this question" in own.err
    assert run("review", "accept", run_id, "--as", "nobody").code == 2

    accepted = run("review", "accept", run_id[:13], "--as", "reviewer")
    assert accepted.code == 0
    assert "verified query" in accepted.out
    again = run("ask", other_words, "--format", "json").json
    assert again["origin"] == "verified_query"
    assert any("accepted by reviewer" in assumption for assumption in again["assumptions"])

    revoked = run("review", "revoke", run_id, "--as", "reviewer", "--reason-code", "outdated", "--format", "json")
    assert revoked.json["relied"] == [again["run_id"]]
    assert run("ask", other_words, "--format", "json").json["origin"] == "model"
    assert run("audit", "verify").code == 0


def test_an_amendment_is_guarded_run_and_recalled(workspace: Path, model: ScriptedModel, run: Run) -> None:
    run_id = run("ask", COUNT, "--format", "json").json["run_id"]
    run("identity", "create", "reviewer")
    amend = ("review", "amend", run_id, "--as", "reviewer", "--reason-code", "wrong_filter", "--sql")
    refused = run(*amend, "DELETE FROM Orders")
    assert refused.code == 5
    assert "Only a SELECT" in refused.err
    failed = run(*amend, "SELECT abs(-9223372036854775807 - 1) FROM Orders")
    assert failed.code in (5, 6)
    assert run("review", "list", "--format", "json").json[0]["run_id"] == run_id
    assert run(*amend, "SELECT COUNT(*) AS orders FROM Orders WHERE Freight > 1").code == 0
    assert "Freight" in run("ask", COUNT, "--format", "json").json["sql"]
    assert run("audit", "verify").code == 0


def test_sync_brings_memory_back_in_line_with_the_ledger(workspace: Path, model: ScriptedModel, run: Run) -> None:
    run_id = run("ask", COUNT, "--format", "json").json["run_id"]
    run("identity", "create", "reviewer")
    run("review", "accept", run_id, "--as", "reviewer")
    shutil.rmtree(workspace / ".affidavit" / "chroma")
    synced = run("memory", "sync", "--format", "json").json
    assert synced["verified_queries"]["added"] == [run_id]
    assert [item["id"] for item in run("memory", "show", "verified_queries", "--format", "json").json] == [run_id]
    assert run("memory", "sync", "--format", "json").json["verified_queries"] == {"added": [], "removed": []}


def test_runs_show_tells_the_whole_run_in_order(workspace: Path, model: ScriptedModel, run: Run) -> None:
    run_id = run("ask", COUNT, "--format", "json").json["run_id"]
    shown = run("runs", "show", run_id).out
    story = [
        "● asked",
        "● grounded",
        "● drafted",
        "● guarded",
        "● about to touch",
        "● the warehouse answered",
        "● ended",
    ]
    places = [shown.index(part) for part in story]
    assert places == sorted(places)
    assert COUNT_SQL in shown
    told = run("runs", "show", run_id[:13], "--format", "json").json
    assert told["records"][0]["kind"] == "run.started"
    assert [line["run_id"] for line in run("runs", "list", "--format", "json").json] == [run_id]
    assert run("runs", "list", "--status", "sideways").code == 2
    assert run("runs", "show", "zz").code == 2


def test_one_changed_byte_is_found_and_named(workspace: Path, model: ScriptedModel, run: Run) -> None:
    run("ask", COUNT)
    with sqlite3.connect(workspace / ".affidavit" / "ledger.sqlite") as ledger:
        table = ledger.execute(
            "SELECT name FROM sqlite_master WHERE sql LIKE '%payload%' AND type = 'table'"
        ).fetchone()[0]
        for trigger in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f'DROP TRIGGER "{trigger[0]}"')
        ledger.execute(
            f"UPDATE {table} SET payload = replace(payload, 'analyst', 'analyse') WHERE kind = 'run.started'"
        )
    ledger.close()
    found = run("audit", "verify", "--json")
    assert found.code == 1
    assert found.json["ok"] is False
    assert f"Record {found.json['first_bad']}" in found.json["problem"]


def test_exports_hold_accepted_runs_with_their_lineage(workspace: Path, model: ScriptedModel, run: Run) -> None:
    run_id = run("ask", COUNT, "--format", "json").json["run_id"]
    run("identity", "create", "reviewer")
    run("review", "accept", run_id, "--as", "reviewer")
    assert run("export", "examples").code == 0
    example = json.loads((workspace / "exports" / "examples.jsonl").read_text())
    assert (example["question"], example["reviewer"]) == (COUNT, "reviewer")
    for chat_format, key in (
        ("openai", "messages"),
        ("sharegpt", "conversations"),
        ("alpaca", "output"),
        ("chatml", "text"),
    ):
        assert run("export", "finetune", "--format", chat_format).code == 0
        path = workspace / "exports" / f"accepted.{chat_format}.jsonl"
        assert key in json.loads(path.read_text())
        lineage = json.loads(path.with_name(path.name + ".lineage.jsonl").read_text())
        assert lineage["run_id"] == run_id
        assert lineage["review_hash"]


def test_monitor_counts_and_doctor_finds(workspace: Path, model: ScriptedModel, run: Run) -> None:
    run("ask", COUNT, "Delete all orders")
    figures = run("monitor", "--format", "json").json
    assert figures["by_status"] == {"answered": 1, "refused": 1}
    assert "p50" in run("monitor").out
    assert run("doctor").code == 0
    (workspace / "metrics.yaml").write_text("version: 1\nmetricks: []\n")
    broken = run("doctor")
    assert broken.code == 1
    assert "metricks" in broken.out


@pytest.mark.parametrize("output", ["table", "json"])
def test_ctrl_c_leaves_with_130_and_the_run_on_the_record(output: str, workspace: Path, run: Run) -> None:
    with scripted_provider() as provider:
        provider.answer = lambda _request: Reply((COUNT_SQL,), delay_s=20)
        code = "from tui.cli.main import main; main()"
        environment = {
            "AFFIDAVIT_MODEL__PROVIDER": "compatible",
            "AFFIDAVIT_MODEL__BASE_URL": provider.url,
            "AFFIDAVIT_MODEL__NAME": "slow",
            "PATH": "",
            "HOME": str(workspace),
        }
        asking = subprocess.Popen(
            [sys.executable, "-c", code, "ask", COUNT, REVENUE, "-w", str(workspace), "--format", output],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not provider.requests and time.monotonic() < deadline:
            time.sleep(0.05)
        asking.send_signal(signal.SIGINT)
        out, err = asking.communicate(timeout=60)
    assert asking.returncode == 130, err
    assert "Traceback" not in err
    assert "answered" not in out
    (listed,) = run("runs", "list", "--format", "json").json
    assert listed["status"] == "failed"
    if output == "json":
        assert out.count("\n") == 1
        told = json.loads(out)
        assert (told["run_id"], told["question"], told["status"]) == (listed["run_id"], COUNT, "failed")
        assert told["error"]["class"] == "interrupted"
        assert err == ""
    else:
        assert err == f"Interrupted; run {listed['run_id']} is on the record as failed.\n"
    assert run("audit", "verify").code == 0


def test_ctrl_c_before_and_after_the_questions(
    workspace: Path, model: ScriptedModel, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = agent.services.open_services

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(agent.services, "open_services", interrupted)
    early = run("ask", COUNT, "--format", "json")
    assert early.code == 130
    assert (early.json["run_id"], early.json["error"]["class"]) == ("", "interrupted")
    assert run("ask", COUNT).err == "Interrupted.\n"

    @contextmanager
    def interrupted_at_the_end(*given: Any, **named: Any) -> Iterator[Any]:
        with opened(*given, **named) as services:
            yield services
        raise KeyboardInterrupt

    monkeypatch.setattr(agent.services, "open_services", interrupted_at_the_end)
    late = run("ask", COUNT, "--format", "json")
    assert late.code == 130
    assert late.json["status"] == "answered"  # one object, and it is the answer


@pytest.mark.parametrize("place", ["before", "after"])
def test_global_options_may_stand_on_either_side(
    place: str,
    workspace: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AFFIDAVIT_WORKSPACE")
    options = ("-w", str(workspace))
    found = run(*options, "runs", "list") if place == "before" else run("runs", "list", *options)
    assert found.code == 0
    assert "No such run yet" in found.out


def test_what_is_denied_after_a_sync_reaches_no_prompt_and_the_next_sync_says_so(
    workspace: Path, model: ScriptedModel, run: Run
) -> None:
    question = "What was the sales revenue of Mexican customers in 2023?"
    run("ask", question)
    assert "Mexico" in json.dumps(model.prompts)
    policy = workspace / "policy.yaml"
    policy.write_text(
        policy.read_text().replace("\n  deny:\n", '\n  deny:\n    - "*.Country"\n    - "*.ShipCountry"\n')
    )
    model.prompts.clear()
    run("ask", question)
    assert "Mexico" not in json.dumps(model.prompts)
    assert "Mexico" not in run("memory", "search", question).out
    synced = run("memory", "sync")
    assert re.search(r"values +0 +0 +4 ", synced.out)
    assert "removed: values Customers.Country" in synced.out
    assert "Mexico" not in "".join(path.read_text() for path in (workspace / ".affidavit").glob("*.json"))


def test_a_sync_says_which_names_of_the_policy_are_nothing(workspace: Path, run: Run) -> None:
    (workspace / "policy.yaml").write_text("tables: {deny: [Employes, Shippers]}\n")
    synced = run("memory", "sync", "--format", "json")
    assert synced.json["kinds"]["values"]["removed"]  # Shippers is denied, and stdout holds nothing but the report
    assert "`Employes`" in synced.err
    assert "`Shippers`" not in synced.err
