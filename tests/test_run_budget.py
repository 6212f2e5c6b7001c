"""A run and its budget: what is weighed goes on the record, and what is too dear does not reach the warehouse."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures_cli import COUNT, REVENUE, Run, built_workspace, model, plain_environment, run, workspace
from fixtures_eval_model import ScriptedModel
from fixtures_steps import Bench, bench
from fixtures_warehouse import layer, sqlite_demo

from agent.run import RunState
from agent.services import open_services
from agent.settings import load_settings
from agent.steps import execute, guard
from agent.warehouse.policy import Policy, load_policy
from finetune.evaluation.workspace import open_elsewhere

CHEAP = "SELECT COUNT(*) FROM Customers"
DEAR = "SELECT COUNT(*) FROM Orders a CROSS JOIN Orders b"


def with_policy(bench: Bench, tmp_path: Path, text: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    bench.services = replace(bench.services, policy=load_policy(path).of("ana"))


def executed(bench: Bench, *drafts: str, **more: object) -> RunState:
    state = bench.state(*drafts, **more)
    state = {**state, **guard.node(state, bench.services)}
    return {**state, **execute.node(state, bench.services)}


def test_every_statement_is_weighed_once_and_its_estimate_recorded(bench: Bench) -> None:
    done = executed(bench, CHEAP, CHEAP, "SELECT COUNT(*) FROM Orders")
    assert done["outcome"].error is None
    intents = bench.records("run.intent")
    assert [body["estimate"]["scanned_rows"] for _, body in intents] == [91, 830]
    assert [body["estimate"]["full_scans"] for _, body in intents] == [{"Customers": 1}, {"Orders": 1}]
    assert all(body["no_estimate"] == "" for _, body in intents)
    assert bench.records("run.estimated") == []
    assert done["apart_ms"]["estimate"] > 0


def test_a_draft_over_the_budget_is_not_run_and_another_may_win(bench: Bench, tmp_path: Path) -> None:
    with_policy(bench, tmp_path, "limits: {max_scanned_rows: 1000}")
    done = executed(bench, DEAR, CHEAP)
    assert [body["sql"] for _, body in bench.records("run.intent")] == [CHEAP]
    ((_, weighed),) = bench.records("run.estimated")
    assert (weighed["draft"], weighed["error_class"], weighed["max_scanned_rows"]) == (0, "too_expensive", 1000)
    assert weighed["estimate"]["scanned_rows"] > 600_000
    assert done["current"] == 1
    assert done["outcome"].result is not None
    assert done["votes"][0] == (0, "")


def test_a_budget_of_a_role_tightens_everybodys(bench: Bench, tmp_path: Path) -> None:
    roles = "roles: {few: {people: [ana], limits: {max_scanned_rows: 50}}, all: {people: [ben]}}"
    with_policy(bench, tmp_path, f"limits: {{max_scanned_rows: 1000}}\n{roles}")
    assert executed(bench, CHEAP)["outcome"].error is not None
    assert load_policy(tmp_path / "policy.yaml").of("ben").effective_limits(
        bench.services.settings.limits
    ).max_scanned_rows == 1000  # fmt: skip


def test_policy_says_what_becomes_of_it(tmp_path: Path, bench: Bench) -> None:
    limits = bench.services.settings.limits.model_copy(update={"max_scanned_rows": 7, "over_budget": "ask"})
    assert Policy().effective_limits(limits).over_budget == "ask"
    with_policy(bench, tmp_path, "limits: {over_budget: refuse, max_scanned_rows: 9}")
    tightened = bench.services.policy.effective_limits(limits)
    assert (tightened.over_budget, tightened.max_scanned_rows) == ("refuse", 7)


def test_the_asker_accepts_the_cost(bench: Bench, tmp_path: Path) -> None:
    with_policy(bench, tmp_path, "limits: {max_scanned_rows: 10, over_budget: ask}")
    asked = executed(bench, CHEAP)["outcome"]
    assert asked.error is not None
    assert asked.error.error_class == "cost_not_accepted"
    assert executed(bench, CHEAP, cost_accepted=True)["outcome"].error is None


# --- through the command ---------------------------------------------------------------------------------------------


def test_asked_refused_and_accepted(
    workspace: Path, model: ScriptedModel, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFFIDAVIT_LIMITS__MAX_SCANNED_ROWS", "10")
    refused = run("ask", COUNT, "--format", "json")
    assert (refused.code, refused.json["status"], refused.json["error"]["class"]) == (5, "refused", "too_expensive")
    assert "10 are allowed" in refused.json["error"]["message"]
    assert refused.json["rows"] == []
    assert "repair" not in refused.json["timings_ms"]  # a cheaper statement would answer another question
    assert run("ask", COUNT, "--allow-cost", "--format", "json").code == 5  # nobody is asked, so nobody can accept
    monkeypatch.setenv("AFFIDAVIT_LIMITS__OVER_BUDGET", "ask")
    asked = run("ask", COUNT, "--format", "json")
    assert (asked.code, asked.json["status"]) == (3, "needs_clarification")
    assert "--allow-cost" in asked.json["error"]["hint"]
    assert run("ask", COUNT, "--allow-cost", "--format", "json").json["status"] == "answered"
    story = run("runs", "show", asked.json["run_id"]).out
    assert "weighed, and not run" in story
    assert "rows looked at" in story


def test_an_amendment_keeps_to_the_budget(
    workspace: Path, model: ScriptedModel, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = run("ask", REVENUE, "--format", "json").json
    assert asked["status"] == "answered"
    assert "estimate" in asked["timings_ms"]
    assert run("identity", "create", "reviewer").code == 0
    monkeypatch.setenv("AFFIDAVIT_LIMITS__MAX_SCANNED_ROWS", "10000")
    amend = ("review", "amend", asked["run_id"], "--as", "reviewer", "--reason-code", "wrong_grain", "--sql")
    assert run(*amend, DEAR).code == 5
    assert run(*amend, "SELECT COUNT(*) AS n FROM Orders", "--despite-findings").code == 0


def test_an_evaluation_keeps_to_the_budget(
    workspace: Path, model: ScriptedModel, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = workspace / "pack.jsonl"
    pack.write_text(json.dumps({"id": "dear", "question": COUNT, "sql": DEAR}) + "\n")
    (workspace / "policy.yaml").write_text("roles: {all: {people: ['*'], limits: {max_scanned_rows: 1000}}}")
    stopped = run("eval", "run", "--pack", pack, "--mode", "direct")
    assert stopped.code == 2
    said = " ".join(stopped.err.split())
    assert "question `dear`" in said
    assert "1,000 are allowed" in said
    with (
        open_services(load_settings(workspace), warm_up=False) as services,
        open_elsewhere(services, [f"sqlite:///{workspace / 'warehouse.sqlite'}"], asker="ana") as (there,),
    ):
        over, within = there.run_sql(DEAR), there.run_sql(CHEAP)
    assert over.error is not None
    assert over.error.error_class == "too_expensive"
    assert within.result is not None


def test_pairs_keep_to_the_budget(workspace: Path, run: Run) -> None:
    (workspace / "templates.yaml").write_text(
        "templates:\n- {id: cheap, sql: SELECT COUNT(*) FROM Shippers, questions: ['?how many shippers']}\n"
        f"- {{id: dear, sql: {DEAR}, questions: ['?how many pairs of orders']}}\n"
    )
    (workspace / "policy.yaml").write_text("limits: {max_scanned_rows: 1000, over_budget: ask}")
    made = run("pairs", "generate", "--count", "1", "--template-share", "1", "--format", "json").json
    assert list(made["fruitless"]["dear"]) == ["too_expensive"]


def test_a_recalled_statement_that_grew_too_dear_is_asked_about(
    workspace: Path, model: ScriptedModel, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = run("ask", REVENUE, "--format", "json").json
    assert run("identity", "create", "reviewer").code == 0
    assert run("review", "accept", asked["run_id"], "--as", "reviewer").code == 0
    monkeypatch.setenv("AFFIDAVIT_LIMITS__MAX_SCANNED_ROWS", "10")
    monkeypatch.setenv("AFFIDAVIT_LIMITS__OVER_BUDGET", "ask")
    again = run("ask", REVENUE, "--format", "json").json
    assert (again["status"], again["origin"]) == ("needs_clarification", "verified_query")
