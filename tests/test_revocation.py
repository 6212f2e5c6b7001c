"""Revoking, end to end on the demo workspace: asked, accepted, learnt from, recalled, shown, exported, taken back."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fixtures_cli import Run, built_workspace, model, plain_environment, run, workspace
from fixtures_eval_model import ScriptedModel
from fixtures_gguf import LORA, PAIR, gguf_file

from agent.errors import RefusedError
from agent.services import open_ledger, workspace_name
from agent.settings import load_settings
from audit.ledger import Ledger
from finetune.adapters.cards import register_file, write_card
from finetune.adapters.registry import read_registry, register, registered
from finetune.datasets.quarantine import QUARANTINE_NAME, quarantined, refuse_quarantined, write_quarantine
from finetune.pairs.pair import pair_id, read_pairs, write_pairs
from tui.cli.pairs_dataset import training_dataset

SOURCE = "How many orders do we keep on file for Norway?"
OTHER_WORDS = "how many orders do we keep on file for  Norway"
NEAR = "How many orders do we keep on file for Sweden?"
SOURCE_SQL = "SELECT COUNT(*) AS orders FROM Orders WHERE ShipCountry = 'Norway'"


def _learn(workspace: Path, run: Run, tmp_path: Path, name: str, **more: Any) -> None:
    """Register an adapter as training on the dataset in .affidavit/dataset would."""
    manifest = json.loads((workspace / ".affidavit" / "dataset" / "dataset.json").read_text())
    register(
        workspace / ".affidavit",
        name,
        gguf_file(tmp_path / f"{name}.gguf", {**LORA, "general.name": name}, PAIR),
        base="smollm2-135m-instruct",
        dataset_hash=more.pop("dataset_hash", manifest["sha256"]["train"]),
        created=datetime.now(UTC),
        **more,
    )


def _reword(workspace: Path, source: str) -> None:
    """Most pairs of the workspace's file say that they are this run's question in other words, as `rephrase` does."""
    file = workspace / ".affidavit" / "pairs" / "pairs.jsonl"
    pairs = list(read_pairs(file))
    write_pairs(file, [replace(pair, lineage={**pair.lineage, "run_id": source}) for pair in pairs[:30]] + pairs[30:])


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _records(workspace: Path, kind: str) -> list[dict[str, Any]]:
    settings = load_settings(workspace)
    with Ledger.open(settings.ledger_url, workspace=workspace_name(settings), create=False) as ledger:
        return [{"run_id": each.run_id, "actor": each.actor, **each.body} for each in ledger.records(kinds=(kind,))]


@pytest.mark.timeout(900)
def test_a_revoked_review_takes_along_what_stood_on_it(
    workspace: Path, model: ScriptedModel, run: Run, tmp_path: Path
) -> None:
    model.script |= {
        SOURCE: SOURCE_SQL,
        " ".join(OTHER_WORDS.split()): SOURCE_SQL,
        NEAR: SOURCE_SQL.replace("Norway", "Sweden"),
    }
    state, dataset = workspace / ".affidavit", workspace / ".affidavit" / "dataset"
    run("identity", "create", "reviewer")
    source = run("ask", SOURCE, "--format", "json").json["run_id"]
    assert run("review", "accept", source, "--as", "reviewer").code == 0
    recalled = run("ask", OTHER_WORDS, "--format", "json").json
    assert recalled["origin"] == "verified_query"
    shown = run("ask", NEAR, "--format", "json").json
    pieces = next(
        each["body"]["pieces"]
        for each in run("runs", "show", shown["run_id"], "--format", "json").json["records"]
        if each["kind"] == "run.grounded"
    )
    assert source in [piece["id"] for piece in pieces if piece["kind"] == "example"]
    untouched = run("ask", "How many orders are there?", "--format", "json").json["run_id"]

    assert run("pairs", "generate", "--count", "40").code == 0
    _reword(workspace, source)
    built = run("pairs", "dataset", "--format", "json").json
    (recorded,) = _records(workspace, "dataset.built")
    held = recorded["reviews"][source]
    assert recorded["sha256"] == built["sha256"]["train"]
    assert pair_id(SOURCE, SOURCE_SQL) in held
    _learn(workspace, run, tmp_path, "night")
    parent = registered(read_registry(state), "night").sha256
    _learn(workspace, run, tmp_path, "later", dataset_hash="ab" * 32, made_from=(parent,))
    assert run("export", "examples", "--out", tmp_path / "examples.jsonl").code == 0

    before = run("review", "impact", source[:13], "--format", "json").json
    assert {each["run_id"]: each["how"] for each in before["runs"]} == {
        recalled["run_id"]: "recalled",
        shown["run_id"]: "example",
    }
    assert [each["name"] for each in before["models"]] == ["night", "later"]
    assert before["datasets"] == [{"folder": str(dataset), "sha256": recorded["sha256"], "records": held}]
    assert [each["file"] for each in before["exports"]] == [str(tmp_path / "examples.jsonl")]
    told = run("review", "impact", source).out
    assert f"affidavit runs show {shown['run_id']}" in told
    assert "night learnt from it" in told
    assert not (dataset / QUARANTINE_NAME).exists()
    assert run("runs", "show", recalled["run_id"], "--format", "json").json["relied_on_revoked"] == []
    assert run("models", "list", "--format", "json").json["revoked"] == {}
    hashes = {file: _sha256(file) for file in sorted(dataset.glob("*.json*"))}

    arguments = ("review", "revoke", source, "--as", "reviewer", "--reason-code", "wrong_metric")
    revoked = run(*arguments, "--format", "json")
    assert revoked.code == 0, revoked.err
    assert revoked.json["impact"] == before
    assert set(revoked.json["relied"]) == {recalled["run_id"], shown["run_id"]}
    (summary,) = _records(workspace, "revocation")
    assert (summary["run_id"], summary["actor"], summary["runs"]) == (source, "reviewer", {"recalled": 1, "example": 1})
    assert [each["name"] for each in summary["models"]] == ["night", "later"]

    assert {file: _sha256(file) for file in hashes} == hashes
    assert quarantined(dataset) == {source: tuple(held)}
    with pytest.raises(RefusedError, match="stand on reviews that were revoked"):
        refuse_quarantined(dataset)
    _is_marked(run, source, [recalled["run_id"], shown["run_id"]], untouched, tmp_path)

    shutil.copy(dataset / QUARANTINE_NAME, tmp_path / "kept.json")
    (dataset / QUARANTINE_NAME).unlink()
    assert run("memory", "sync").code == 0
    assert (dataset / QUARANTINE_NAME).read_bytes() == (tmp_path / "kept.json").read_bytes()
    assert run("ask", OTHER_WORDS, "--format", "json").json["origin"] != "verified_query"

    again = run("pairs", "dataset", "--format", "json").json
    assert again["sha256"] != built["sha256"]
    assert _records(workspace, "dataset.built")[-1]["reviews"] == {}
    assert not (dataset / QUARANTINE_NAME).exists()
    refuse_quarantined(dataset)
    _is_marked(run, source, [recalled["run_id"], shown["run_id"]], untouched, tmp_path)
    assert run("audit", "verify").code == 0
    assert run("runs", "show", source, "--format", "json").json["review_status"] == "revoked"


def test_a_revoked_answer_does_not_come_back_through_the_run_that_recalled_it(
    workspace: Path, model: ScriptedModel, run: Run
) -> None:
    model.script |= {SOURCE: SOURCE_SQL, " ".join(OTHER_WORDS.split()): SOURCE_SQL}
    run("identity", "create", "reviewer")
    source = run("ask", SOURCE, "--format", "json").json["run_id"]
    run("review", "accept", source, "--as", "reviewer")
    recalled = run("ask", OTHER_WORDS, "--format", "json").json
    assert recalled["origin"] == "verified_query"
    run("review", "revoke", source, "--as", "reviewer", "--reason-code", "wrong_metric")
    (queued,) = run("review", "list", "--format", "json").json
    assert (queued["run_id"], queued["reasons"][0]["points"]) == (recalled["run_id"], 4)

    accept = ("review", "accept", recalled["run_id"], "--as", "reviewer")
    refused = run(*accept)
    assert refused.code == 5, refused
    said = "".join(refused.err.split())  # which is broken into lines at hyphens, too
    assert source in said
    assert "--despite-revoked" in said
    assert run(*accept, "--despite-revoked").code == 2
    assert run("ask", OTHER_WORDS, "--format", "json").json["origin"] != "verified_query"
    signed = run(*accept, "--despite-revoked", "--reason", "It was right for these words.")
    assert signed.code == 0, signed.err
    assert _records(workspace, "review")[-1]["despite_revoked"] == [source]
    assert run("audit", "verify").code == 0


def _is_marked(run: Run, source: str, relied: list[str], untouched: str, folder: Path) -> None:
    listed = {each["run_id"]: each["relied_on_revoked"] for each in run("runs", "list", "--format", "json").json}
    assert {run_id for run_id, on in listed.items() if on} == set(relied)
    assert all(listed[run_id] == [source] for run_id in relied)
    assert listed[untouched] == []
    table = run("runs", "list")
    assert f"relied on a review that was revoked: {source}" in table.err
    assert "relied on a review that was revoked" in run("runs", "show", relied[0]).err
    assert run("runs", "show", untouched).err == ""
    bundle = run("audit", "export", relied[0], "--out", folder / "evidence.json")
    assert bundle.code == 0, bundle.err
    assert run("audit", "verify", folder / "evidence.json", "--format", "json").json["relied_on_revoked"] == [source]
    models = run("models", "list")
    assert models.out.count("1 revoked run") == 2
    doctor = {each["check"]: each for each in run("doctor", "--format", "json").json["checks"]}
    assert doctor["revoked"]["severity"] == "warning"
    assert "`night`" in doctor["revoked"]["what"]


def test_pairs_in_files_that_stand_on_a_revoked_review_are_left_out(
    workspace: Path, model: ScriptedModel, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reworded pairs carry the run they came from; so may a file from elsewhere."""
    model.script[SOURCE] = SOURCE_SQL
    run("identity", "create", "reviewer")
    source = run("ask", SOURCE, "--format", "json").json["run_id"]
    run("review", "accept", source, "--as", "reviewer")
    assert run("pairs", "generate", "--count", "20").code == 0
    pairs = list(read_pairs(workspace / ".affidavit" / "pairs" / "pairs.jsonl"))
    taken = replace(pairs[0], lineage={"source": "rephrased", "run_id": source})
    write_pairs(tmp_path / "pairs.jsonl", [taken, *pairs[1:]])
    run("review", "revoke", source, "--as", "reviewer", "--reason-code", "outdated")
    settings = load_settings(workspace)
    capsys.readouterr()
    clean = training_dataset(settings, tmp_path / "clean", [tmp_path / "pairs.jsonl"])
    assert "1 pairs that stand on reviews that were revoked" in " ".join(capsys.readouterr().err.split())
    assert clean.reviews == {}
    refuse_quarantined(clean.out_dir)
    despite = training_dataset(settings, tmp_path / "despite", [tmp_path / "pairs.jsonl"], despite_revoked=True)
    assert quarantined(despite.out_dir) == {source: (taken.id,)}
    with pytest.raises(RefusedError, match=source):
        refuse_quarantined(despite.out_dir)


def test_a_dataset_of_before_it_was_recorded_tells_by_itself(
    workspace: Path, model: ScriptedModel, run: Run, tmp_path: Path
) -> None:
    model.script[SOURCE] = SOURCE_SQL
    run("identity", "create", "reviewer")
    source = run("ask", SOURCE, "--format", "json").json["run_id"]
    run("review", "accept", source, "--as", "reviewer")
    assert run("pairs", "generate", "--count", "20").code == 0
    dataset = workspace / ".affidavit" / "dataset"
    settings = load_settings(workspace)
    training_dataset(settings, dataset)
    older = workspace / ".affidavit" / "train" / "old" / "dataset"
    shutil.copytree(dataset, older)
    manifest = json.loads((older / "dataset.json").read_text())
    manifest.pop("reviews")
    (older / "dataset.json").write_text(json.dumps(manifest))
    _learn(workspace, run, tmp_path, "old")
    impact = run("review", "impact", source, "--format", "json").json
    assert {each["folder"] for each in impact["datasets"]} == {str(dataset), str(older)}
    run("review", "revoke", source, "--as", "reviewer", "--reason-code", "outdated")
    assert quarantined(older).keys() == quarantined(dataset).keys() == {source}


@pytest.mark.train
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
def test_training_despite_a_revoked_review_is_on_the_card(
    workspace: Path, model: ScriptedModel, run: Run, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    from fixtures_tiny_model import tiny_model

    model.script[SOURCE] = SOURCE_SQL
    run("identity", "create", "reviewer")
    source = run("ask", SOURCE, "--format", "json").json["run_id"]
    run("review", "accept", source, "--as", "reviewer")
    assert run("pairs", "generate", "--count", "40").code == 0
    _reword(workspace, source)
    run("review", "revoke", source, "--as", "reviewer", "--reason-code", "outdated")
    base = tiny_model(tmp_path / "tiny")
    trained = run(
        "train", "lora", "--name", "bold", "--base", base, "--rank", "4", "--max-examples", "4", "--despite-revoked"
    )
    assert trained.code == 0, trained.err
    bold = registered(read_registry(workspace / ".affidavit"), "bold")
    assert bold.despite_revoked == (source,)
    assert run("models", "list", "--format", "json").json["revoked"] == {"bold": [source]}
    assert run("models", "export", "bold", "--out", tmp_path / "bold").code == 0
    assert json.loads((tmp_path / "bold" / "card.json").read_text())["despite_revoked"] == [source]


def test_a_card_says_what_an_adapter_learnt_despite(workspace: Path, run: Run, tmp_path: Path) -> None:
    state = workspace / ".affidavit"
    file = gguf_file(tmp_path / "made.gguf", LORA, PAIR)
    register(
        state,
        "bold",
        file,
        base="b",
        dataset_hash="ab" * 32,
        created=datetime.now(UTC),
        made_from=("cd" * 32,),
        despite_revoked=("run-1",),
    )
    card = write_card(state, "bold", tmp_path / "out", made={})
    assert json.loads(card.read_text())["despite_revoked"] == ["run-1"]
    again = register_file(
        tmp_path / "elsewhere", tmp_path / "out" / "bold.gguf", name="bold", base="b", created=datetime.now(UTC)
    )
    assert (again.despite_revoked, again.made_from) == (("run-1",), ("cd" * 32,))
    assert read_registry(tmp_path / "elsewhere").adapters == (again,)


def test_a_quarantine_that_cannot_be_read_stops_training(tmp_path: Path) -> None:
    from agent.errors import FailedError

    for text in ("", "[]", '{"runs": 3}', "{"):
        (tmp_path / QUARANTINE_NAME).write_text(text)
        with pytest.raises(FailedError, match="cannot be read"):
            refuse_quarantined(tmp_path)
    write_quarantine(tmp_path, {"r1": ["b", "a"]})
    assert quarantined(tmp_path) == {"r1": ("a", "b")}
    write_quarantine(tmp_path, {})
    assert not (tmp_path / QUARANTINE_NAME).exists()
