"""The evaluation commands with everything they can be told, on a demo workspace with a scripted model."""

from __future__ import annotations

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
import json
import shutil
import tomllib
from pathlib import Path

import pytest
from fixtures_cli import COUNT, COUNT_SQL, Run, built_workspace, model, plain_environment, run, workspace
from fixtures_eval_model import ScriptedModel

from finetune.adapters.registry import with_model
from finetune.evaluation.pack import load_pack
from finetune.evaluation.second_opinion import verdict_of

LUCKY = "How many orders did the demo come with?"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "pack.jsonl"
    lines = [
        {"id": "count", "question": COUNT, "sql": COUNT_SQL, "difficulty": "simple"},
        {
            "id": "lucky",
            "question": LUCKY,
            "sql": "SELECT SUM(Quantity) FROM order_details",
            "difficulty": "moderate",
        },
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_several_warehouses_and_repetitions_and_a_judge(
    workspace: Path, model: ScriptedModel, run: Run, pack: Path, tmp_path: Path
) -> None:
    model.script[LUCKY] = "SELECT SUM(Quantity) FROM order_details"
    total = run("ask", "--direct", "--format", "json", LUCKY).json["rows"][0][0]
    model.script[LUCKY] = f"SELECT {total} AS quantity FROM Orders LIMIT 1"
    for question in (COUNT, LUCKY):
        model.script[f"Question: {question}\n\nStatement:"] = "Yes."
    command = ["eval", "run", "--pack", pack, "--mode", "direct", "--out", tmp_path / "out"]
    done = run(*command, "--warehouses", "2", "--repeat", "2", "--judge", "scripted")
    assert done.code == 0, done.err
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    marks = {(a["id"], a["repetition"]): a["right"] for a in report["attempts"]}
    assert marks == {("count", 1): True, ("count", 2): True, ("lucky", 1): False, ("lucky", 2): False}
    figures = report["figures"]["modes"][0]
    assert figures["by_accident"] == {"seed-101.sqlite": 1}
    assert figures["repeated"]["by_difficulty"][0]["pass_k"]["count"] == 1
    assert figures["opinions"]["only_judge"] == 1
    assert "right on the workspace's by accident" in " ".join(done.out.split())
    assert "pass^2" in done.out
    asked = [prompt for prompt in model.prompts if "yes or no?" in prompt[-1]["content"]]
    assert len(asked) == 4
    assert "Orders(OrderID" in asked[0][-1]["content"]
    page = (tmp_path / "out" / "report.html").read_text()
    for heading in ("Asked again", "On other warehouses", "What another model says", "What confidence is worth"):
        assert heading in page


def test_another_warehouse_by_its_path(
    workspace: Path, model: ScriptedModel, run: Run, pack: Path, tmp_path: Path
) -> None:
    model.script[LUCKY] = "SELECT SUM(Quantity) FROM order_details"
    done = run(
        "eval", "run", "--pack", pack, "--mode", "direct", "--also-on", workspace / "warehouse.sqlite",
        "--format", "json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.json["elsewhere"] == ["warehouse.sqlite"]
    assert [attempt["elsewhere"] for attempt in done.json["attempts"]] == [{"warehouse.sqlite": True}] * 2


def test_copies_are_built_for_the_demo_alone(workspace: Path, model: ScriptedModel, run: Run, pack: Path) -> None:
    (workspace / ".affidavit" / "demo.json").unlink()
    left = run("eval", "run", "--pack", pack, "--warehouses", "2")
    assert left.code == 2
    assert "--also-on" in left.err


def test_a_threshold_is_proposed_and_written_only_when_asked(
    workspace: Path, model: ScriptedModel, run: Run, pack: Path
) -> None:
    assert run("eval", "run", "--pack", pack, "--mode", "agent").code == 0
    before = (workspace / "affidavit.toml").read_text()
    shown = run("eval", "calibrate", "--risk", "0.5")
    assert shown.code == 0, shown.err
    assert "[limits]\nmin_confidence = " in shown.out
    assert "Only" in shown.err
    assert (workspace / "affidavit.toml").read_text() == before
    found = run("eval", "calibrate", "--risk", "0.5", "--write", "--format", "json").json
    written = tomllib.loads((workspace / "affidavit.toml").read_text())
    assert written["limits"]["min_confidence"] == found["point"]["threshold"]
    again = run("eval", "calibrate", "--risk", "0.5")
    assert f"now       {found['point']['threshold']:g} shows" in again.out
    assert "the threshold was 0.75; it is" in again.err


def test_a_report_of_another_workspace_sets_no_threshold(
    workspace: Path, model: ScriptedModel, run: Run, pack: Path, tmp_path: Path
) -> None:
    assert run("eval", "run", "--pack", pack, "--mode", "agent", "--out", tmp_path / "out").code == 0
    other = tmp_path / "other"
    shutil.copytree(workspace, other)
    before = (other / "affidavit.toml").read_text()
    command = ["-w", other, "eval", "calibrate", tmp_path / "out", "--risk", "0.5"]
    shown = run(*command)
    assert shown.code == 0, shown.err
    assert "Note: The report is about another warehouse" in " ".join(shown.err.split())
    left = run(*command, "--write")
    assert left.code == 2
    assert "another warehouse" in " ".join(left.err.split())
    assert (other / "affidavit.toml").read_text() == before


def test_no_threshold_may_be_right(workspace: Path, model: ScriptedModel, run: Run, pack: Path) -> None:
    assert run("eval", "run", "--pack", pack, "--mode", "agent").code == 0
    shown = run("eval", "calibrate", "--risk", "0.01", "--sure")
    assert shown.code == 0
    assert "none keeps to 1.0% wrong" in shown.out
    left = run("eval", "calibrate", "--risk", "0.01", "--sure", "--write")
    assert left.code == 2
    assert "nothing was changed" in left.err


def test_the_baseline_is_not_calibrated_on(workspace: Path, model: ScriptedModel, run: Run) -> None:
    assert run("eval", "run", "--mode", "direct", "-n", "2").code == 0
    left = run("eval", "calibrate")
    assert left.code == 2
    assert "development.jsonl" in "".join(left.err.split())
    questions = load_pack(workspace / "baseline.jsonl")[:2]
    assert not any(question.question in left.err for question in questions)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("yes", True),
        ("No, the year is wrong.", False),
        ("**Yes**", True),
        ("There is no filter missing, so my answer is: yes.", True),
        ("<think>no, or yes</think> no", False),
        ("<think>yes", None),
        ("It has no filter, which is fine here", None),
        ("Not quite", None),
        ("", None),
    ],
)
def test_a_verdict_is_the_word_a_reply_begins_or_ends_with(reply: str, verdict: bool | None) -> None:
    assert verdict_of(reply) is verdict


def test_a_judge_is_a_fallback_by_its_name_or_a_model_of_the_same_provider(workspace: Path) -> None:
    from agent.settings import load_settings

    flags = {"model": {"fallbacks": [{"provider": "compatible", "name": "other", "base_url": "http://127.0.0.1:1/v1"}]}}
    settings = load_settings(workspace, flags)
    judge = with_model(settings, "other").model
    assert (judge.provider, judge.name, judge.base_url) == ("compatible", "other", "http://127.0.0.1:1/v1")
    assert judge.fallbacks == ()
    assert with_model(settings, "night-run").model.adapter == "night-run"
