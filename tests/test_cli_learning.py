"""The learning side of the command line: pairs, evaluation, predictions, adapters."""

from __future__ import annotations

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fixtures_cli import (
    COUNT,
    REVENUE,
    Run,
    built_workspace,
    model,
    plain_environment,
    run,
    workspace,
)
from fixtures_eval_model import ScriptedModel
from fixtures_gguf import LORA, PAIR, gguf_file

from agent.model.adapters import adapter_file, read_registry
from agent.settings import load_settings
from finetune.adapters.registry import register, registered
from tui.cli.pairs_dataset import training_dataset


def test_pairs_are_generated_the_same_twice_and_shown(workspace: Path, run: Run, tmp_path: Path) -> None:
    first = run("pairs", "generate", "--count", "20", "--format", "json").json
    again = run("pairs", "generate", "--count", "20", "--out", tmp_path / "again", "--format", "json").json
    assert first["pairs"] == 20
    assert first["sha256"] == again["sha256"]
    shown = run("pairs", "show", "-n", "3", "--format", "json").json
    assert len(shown) == 3
    assert all(pair["question"] and pair["sql"] for pair in shown)
    assert "written to" in run("pairs", "generate", "--count", "20").out


def test_showing_or_training_without_pairs_says_how_to_make_some(workspace: Path, run: Run) -> None:
    for command in (("pairs", "show"), ("train", "lora", "--name", "x")):
        left = run(*command)
        assert left.code == 2
        assert "affidavit pairs generate" in left.err


@pytest.mark.parametrize("line", [b'{"question": "torn', b"[]", b"{}", b'{"id": "\xe9"}'])
def test_a_file_that_holds_no_pairs_is_named_with_its_line(
    workspace: Path, run: Run, tmp_path: Path, line: bytes
) -> None:
    assert run("pairs", "generate", "--count", "1").code == 0
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes((workspace / ".affidavit" / "pairs" / "pairs.jsonl").read_bytes() + line + b"\n")
    for command in (("train", "lora", "--name", "x", "--pairs", bad), ("pairs", "show", bad)):
        left = run(*command)
        assert left.code == 2, left.err
        said = "".join(left.err.split())
        assert "bad.jsonl,line2:" in said
        assert "Mendthatline" in said
        assert "internal" not in said
        assert len(left.err.splitlines()) < 12


def test_pairs_follow_the_policy_of_the_workspace(workspace: Path, run: Run) -> None:
    free = run("pairs", "generate", "--count", "120", "--format", "json").json
    policy = workspace / "policy.yaml"
    policy.write_text(policy.read_text().replace("  deny:\n    -", "  deny:\n    - Employees.*\n    -", 1))
    held = run("pairs", "generate", "--count", "120", "--format", "json").json
    assert held["pairs"] == 120
    assert held["sha256"] != free["sha256"]
    assert held["refused"]["guard_refused"] > 0
    assert "Employees." not in Path(held["path"]).read_text()


def test_templates_that_gave_nothing_are_named_a_screenful_at_most(workspace: Path, run: Run) -> None:
    fine = "{id: fine, sql: SELECT COUNT(*) FROM Orders, questions: ['?how many orders', '?orders in all']}"
    sql = "SELECT OrderID FROM Orders WHERE Freight < -"
    empty = [f"{{id: empty_{i}, sql: {sql}{i}, questions: ['?which are under -{i}']}}" for i in range(1, 13)]
    templates = "".join(f"- {template}\n" for template in (fine, *empty))
    (workspace / "templates.yaml").write_text(f"templates:\n{templates}")
    command = ["pairs", "generate", "--count", "2", "--template-share", "1"]
    shown = run(*command, "--out", workspace / "shown")
    assert shown.code == 0, shown.err
    assert "12 templates were drawn and gave no pair" in shown.err
    named = [line.split(maxsplit=1) for line in shown.out.splitlines() if line.startswith("empty_")]
    assert len(named) == 10
    assert all(why.startswith("empty_result ") for _, why in named)
    assert "2 more are named in" in shown.err
    assert len((shown.out + shown.err).splitlines()) <= 24
    told = run(*command, "--format", "json").json
    assert told["fruitless"].keys() == {f"empty_{i}" for i in range(1, 13)}


def test_broken_templates_name_their_line(workspace: Path, run: Run) -> None:
    templates = workspace / "templates.yaml"
    templates.write_text(templates.read_text().replace("  sql:", "  sqll:", 1).replace("    sql:", "    sqll:", 1))
    left = run("pairs", "generate", "--count", "5")
    assert left.code == 2
    assert "templates.yaml" in left.err
    assert "Traceback" not in left.err


def test_what_people_accepted_is_trained_on_and_revoked_runs_are_not(
    workspace: Path, model: ScriptedModel, run: Run
) -> None:
    questions = ["How many orders do we keep on file?", "Count the shippers we work with."]
    model.script = {questions[0]: "SELECT COUNT(*) FROM Orders", questions[1]: "SELECT COUNT(*) FROM Shippers"}
    run("identity", "create", "reviewer")
    ids = [run("ask", question, "--format", "json").json["run_id"] for question in questions]
    for run_id in ids:
        assert run("review", "accept", run_id, "--as", "reviewer").code == 0
    run("review", "revoke", ids[1], "--as", "reviewer", "--reason-code", "outdated")
    assert run("pairs", "generate", "--count", "20").code == 0
    folder = training_dataset(load_settings(workspace), workspace / "dataset").out_dir
    records = "".join(path.read_text() for path in folder.glob("*.jsonl"))
    assert questions[0] in records
    assert questions[1] not in records


def test_a_dataset_is_compared_with_what_an_adapter_was_trained_on(workspace: Path, run: Run) -> None:
    assert run("pairs", "generate", "--count", "40").code == 0
    made = run("pairs", "dataset", "--format", "json").json
    assert made["counts"]["train"] > 20
    adapter = registered(read_registry(workspace / ".affidavit"), "demo")
    other = run("pairs", "dataset", "--like", "demo")
    assert other.code == 1
    assert adapter.dataset_hash in other.out
    register(
        workspace / ".affidavit",
        "twin",
        adapter_file(adapter, workspace / ".affidavit"),
        base=adapter.base,
        dataset_hash=made["sha256"]["train"],
        created=datetime.now(UTC),
    )
    same = run("pairs", "dataset", "--like", "twin", "--format", "json")
    assert (same.code, same.json["same"]) == (0, True)


def test_eval_run_reports_and_eval_report_shows_it_again(workspace: Path, model: ScriptedModel, run: Run) -> None:
    done = run("eval", "run", "-n", "2", "--mode", "agent")
    assert done.code == 0
    assert "report.html" in done.out
    report = run("eval", "report", "--format", "json").json
    assert len(report["attempts"]) == 2
    assert "0/2" in run("eval", "report").out


def test_eval_report_before_any_evaluation(workspace: Path, run: Run) -> None:
    left = run("eval", "report")
    assert left.code == 2
    assert "affidavit eval run" in left.err


@pytest.mark.parametrize("direct", [False, True])
def test_eval_predict_keeps_its_contract_and_goes_on(
    direct: bool, workspace: Path, model: ScriptedModel, run: Run, tmp_path: Path
) -> None:
    questions, out = tmp_path / "questions.jsonl", tmp_path / "out.jsonl"
    lines = [{"id": "a", "question": COUNT}, {"id": 2, "question": REVENUE}]
    questions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = ("eval", "predict", "--questions", questions, "--out", out, *(["--direct"] if direct else []))
    assert run(*command).code == 0
    written = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["id"] for line in written] == ["a", 2]
    assert list(written[0]) == [
        "id", "question", "sql", "status", "confidence", "origin", "error_class", "latency_ms", "run_id",
    ]  # fmt: skip
    assert {line["status"] for line in written} == {"answered"}
    before = out.read_bytes()
    again = run(*command)
    assert "2 were there already" in again.out
    assert out.read_bytes() == before


def test_eval_predict_fails_when_every_question_did(workspace: Path, model: ScriptedModel, run: Run) -> None:
    questions, out = workspace / "questions.jsonl", workspace / "out.jsonl"
    lines = [
        {"id": "a", "question": COUNT, "db": "nowhere.sqlite"},
        {"id": "b", "question": REVENUE, "db": "no.sqlite"},
    ]
    questions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = ("eval", "predict", "--questions", questions, "--out", out)
    left = run(*command)
    assert left.code == 6
    said = " ".join(left.err.split())
    assert "Every question failed (warehouse_url 2). The first one: There is no database file at" in said
    assert "remove" in said
    assert len(out.read_text().splitlines()) == 2
    again = run(*command)
    assert again.code == 6, "the lines that are there say the same"
    assert "Every question failed (warehouse_url 2)." in again.err
    lines[1] = {"id": "b", "question": COUNT}
    questions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    out.unlink()
    assert run(*command).code == 0, "one was answered"


def test_adapters_are_added_promoted_and_rolled_back_on_the_record(
    workspace: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFFIDAVIT_CACHE_DIR", str(tmp_path / "nothing fetched"))
    for name in ("one", "two"):
        file = gguf_file(tmp_path / f"{name}.gguf", {**LORA, "general.name": name}, PAIR)
        added = run("models", "add", file, "--name", name)
        assert added.code == 0
        assert "not fetched yet" in added.out
        assert run("models", "promote", name, "--as", "reviewer", "--force").code == 0
    assert run("models", "list", "--format", "json").json["served"] == "two"
    back = run("models", "rollback", "--as", "reviewer")
    assert back.code == 0
    assert run("models", "list", "--format", "json").json["served"] == "one"
    assert "●" in run("models", "list").out
    assert run("models", "promote", "three").code == 2


def test_only_an_adapter_for_the_base_model_is_added(
    workspace: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = gguf_file(tmp_path / "model.gguf", {"general.type": "model"}, {"blk.0.attn_k.weight": (960, 192)})
    monkeypatch.setenv("AFFIDAVIT_MODEL__BASE", str(model))
    refused = run("models", "add", model, "--name", "whole")
    assert refused.code == 2
    assert "is not a LoRA adapter" in " ".join(refused.err.split())
    file = gguf_file(tmp_path / "lora.gguf", LORA, PAIR)
    assert "for `llama` models" in run("models", "add", file, "--name", "lora").err
    shipped = tmp_path / "shipped"
    monkeypatch.delenv("AFFIDAVIT_MODEL__BASE")
    assert run("models", "export", "demo", "--out", shipped).code == 0
    added = run("models", "add", shipped / "demo.gguf", "--name", "again")
    assert re.search(r"execution accuracy +\d+ % of \d+", added.out)
    known = {adapter["name"]: adapter for adapter in run("models", "list", "--format", "json").json["adapters"]}
    assert {**known["again"], "name": "", "path": ""} == {**known["demo"], "name": "", "path": ""}
    assert run("audit", "verify").code == 0


def test_fetch_is_for_the_embedded_model_only(workspace: Path, model: ScriptedModel, run: Run) -> None:
    left = run("models", "fetch")
    assert left.code == 2
    assert "embedded" in left.err


def test_memory_search_shows_the_pieces_a_model_would_get(workspace: Path, run: Run) -> None:
    found = run("memory", "search", "late shipment rate by shipper in 2022", "--format", "json").json
    kinds = {(piece["kind"], piece["id"]) for piece in found}
    assert ("metric", "late_shipment_rate") in kinds
    assert ("dimension", "shipper") in kinds
    assert "late_shipment_rate" in run("memory", "search", "late shipment rate by shipper in 2022").out
    assert "sales_revenue" in run("memory", "show", "metrics").out
    assert "Memory keeps no lessons" in run("memory", "show", "lessons").out
