"""The page on the ledger's records says what is really written: a loop is run and its records compared with it."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

import json
from pathlib import Path

import pytest
from fixtures_cli import (
    COUNT,
    REVENUE,
    REVENUE_SQL,
    Run,
    built_workspace,
    model,
    plain_environment,
    run,
    workspace,
)
from fixtures_docs import ROOT, table_keys
from fixtures_eval_model import ScriptedModel
from fixtures_gguf import LORA, PAIR, gguf_file

from agent.services import workspace_name
from agent.settings import load_settings
from audit.ledger import Ledger

_LONG = "How many orders are there? " * 200
_SOMETIMES = {
    "run.drafted": {
        *("readings", "left_out", "semantics_fingerprint", "elapsed_ms"),  # compiled
        *("model_hash", "prompt_hash", "prompt_style", "tokens", "basis"),  # by a model
    },
    "run.started": {
        *("question_chars", "question_sha256", "replay_of", "subject"),
        *("asker_key", "asker_signature"),
    },
    "run.guarded": {"shape"},
    "run.answered": {"rows"},
    "identity": {"role", "roles", "bootstrap", "nonce", "voucher"},
    "run.intent": {"draft", "dialect", "tables", "purpose", "restrictions", "verdict"},
    "run.checked": {"draft", "purpose", "sql"},
    "run.outcome": {"draft", "error", "purpose"},
    "model.rolled_back": {"sha256", "base", "dataset_hash", "figures"},
}
"""Keys that some records of a kind lack."""


def test_every_record_has_the_keys_of_the_page(
    workspace: Path, model: ScriptedModel, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _go_round_the_loop(workspace, model, run, tmp_path)
    monkeypatch.setenv("AFFIDAVIT_MEMORY__COMPILE_PLAIN", "true")
    assert run("ask", "Sales revenue by product category", "--format", "json").json["origin"] == "compiled"
    monkeypatch.setenv("AFFIDAVIT_MEMORY__COMPILE_PLAIN", "false")
    monkeypatch.setenv("AFFIDAVIT_LIMITS__MAX_SCANNED_ROWS", "1")
    assert run("ask", COUNT, "--format", "json").json["status"] == "refused"
    monkeypatch.delenv("AFFIDAVIT_LIMITS__MAX_SCANNED_ROWS")
    _lose_the_model(model, run, monkeypatch)
    (workspace / "policy.yaml").write_text("version: 1\nrecord: {rows: 1, encrypt: subject}\n")
    run("ask", "How many suppliers are there?", REVENUE)
    assert run("privacy", "erase", "analyst", "--yes", "--as", "reviewer").code == 0
    page = table_keys(ROOT / "docs/reference/ledger-records.md")
    written: dict[str, set[str]] = {}
    settings = load_settings(workspace)
    with Ledger.open(settings.ledger_url, workspace=workspace_name(settings), create=False) as ledger:
        for record in ledger.records():
            keys, known = set(record.body), set(page[record.kind])
            assert keys <= known, f"{record.kind} #{record.sequence}"
            assert known - keys <= _SOMETIMES.get(record.kind, set()), f"{record.kind} #{record.sequence}"
            written.setdefault(record.kind, set()).update(keys)
    kinds = {heading for heading in page if heading != "The ledger's records"}
    assert set(written) == kinds
    assert {kind: set(page[kind]) - written[kind] for kind in kinds if set(page[kind]) - written[kind]} == {}


def _go_round_the_loop(workspace: Path, model: ScriptedModel, run: Run, tmp_path: Path) -> None:
    """Each kind of record at least once, through the commands."""
    mendable = "Which category had the highest sales revenue in 2022?"
    model.script[mendable] = (
        REVENUE_SQL.replace("CategoryName", "CategoryNam").replace("2023", "2022").replace("2024-", "2023-")
    )
    assert run("identity", "create", "reviewer").code == 0
    asked = run("ask", REVENUE, COUNT, mendable, _LONG, "--format", "json").out.splitlines()
    first, second = (json.loads(line)["run_id"] for line in asked[:2])
    assert run("review", "accept", first, "--as", "reviewer").code == 0
    assert run("ask", REVENUE, "--format", "json").json["origin"] == "verified_query"
    amended = ("--sql", "SELECT COUNT(OrderID) AS orders FROM Orders")
    assert run("review", "amend", second, "--as", "reviewer", "--reason-code", "wrong_grain", *amended).code == 0
    assert run("identity", "create", "second", "--by", "reviewer").code == 0
    third = json.loads(asked[2])["run_id"]
    assert run("review", "assign", third, "second", "--as", "reviewer").code == 0
    assert run("review", "claim", third, "--as", "second").code == 0
    assert run("review", "release", third, "--as", "second").code == 0
    assert run("pairs", "generate", "--count", "5").code == 0
    assert run("pairs", "dataset", "--out", tmp_path / "dataset").code == 0
    assert run("review", "revoke", first, "--as", "reviewer", "--reason-code", "outdated").code == 0
    assert run("export", "finetune", "--out", tmp_path / "accepted.jsonl").code == 0
    assert run("identity", "create", "colleague", "--by", "reviewer").code == 0
    assert run("identity", "retire", "colleague", "--as", "reviewer").code == 0
    policy = workspace / "policy.yaml"
    policy.write_text(f"{policy.read_text()}\nasking: enrolled\n")
    assert run("ask", COUNT, "--as", "reviewer").code == 0
    policy.write_text(policy.read_text().removesuffix("asking: enrolled\n"))
    assert run("runs", "replay", second, "--with-model").code == 0
    assert run("audit", "export", second, "-o", tmp_path / "evidence.json").code == 0
    _promote_twice_and_roll_back(workspace, run, tmp_path)


def _lose_the_model(model: ScriptedModel, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at the model's address, and another model is asked."""
    question = "How many products are there?"
    model.script[question] = "SELECT COUNT(*) AS products FROM Products"
    fallback = {"provider": "compatible", "name": "scripted", "base_url": model.url}
    monkeypatch.setenv("AFFIDAVIT_MODEL__BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("AFFIDAVIT_MODEL__FALLBACKS", json.dumps([fallback]))
    assert run("ask", question, "--format", "json").json["status"] == "answered"


def _promote_twice_and_roll_back(workspace: Path, run: Run, tmp_path: Path) -> None:
    """Only the files' headers are looked at: none of them is ever served."""
    for name in ("one", "two"):
        file = gguf_file(tmp_path / f"{name}.gguf", {**LORA, "general.name": name}, PAIR)
        assert run("models", "add", file, "--name", name).code == 0
        assert run("models", "promote", name, "--force").code == 0
    assert run("models", "rollback").code == 0
