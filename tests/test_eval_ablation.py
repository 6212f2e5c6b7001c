"""The ladder of parts: each step is the step before with one thing more, on a real workspace with a scripted model."""

from __future__ import annotations

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
import json
from itertools import pairwise
from pathlib import Path

import pytest
from fixtures_cli import COUNT, COUNT_SQL, built_workspace, model, plain_environment, workspace
from fixtures_eval_model import ScriptedModel

from agent.settings import load_settings
from bench.ablation import main, rungs

STEPS = ("question only", "+ grounding", "+ nearest pairs")
REVENUE = "What is the total freight?"


def test_each_step_adds_one_thing(workspace: Path) -> None:
    ladder = rungs(load_settings(workspace))
    assert [rung.name for rung in ladder[:4]] == ["direct (whole schema)", *STEPS]
    assert [kind for kind in ("metric", "example") if ladder[1].shown(kind)] == []
    assert [kind for kind in ("metric", "example") if ladder[2].shown(kind)] == ["metric"]
    assert [kind for kind in ("metric", "example") if ladder[3].shown(kind)] == ["metric", "example"]
    between = ladder[3:8]
    for lower, higher in pairwise(between):
        changed = {
            (section, key)
            for section, values in higher.settings.items()
            for key, value in values.items()
            if lower.settings[section][key] != value
        }
        assert len(changed) == 1, (lower.name, higher.name)
    assert ladder[-1].settings == {}


def test_the_steps_are_asked_and_kept(
    workspace: Path, model: ScriptedModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model.script = {COUNT: COUNT_SQL, REVENUE: "SELECT 1"}
    pack = tmp_path / "pack.jsonl"
    golds = {COUNT: COUNT_SQL, REVENUE: "SELECT SUM(Freight) FROM Orders"}
    lines = [{"id": question, "question": question, "sql": sql} for question, sql in golds.items()]
    pack.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    steps = [text for step in STEPS for text in ("--rung", step)]
    command = ["-w", str(workspace), "--pack", str(pack), "--out", str(tmp_path / "out"), *steps]
    main(command)
    said = capsys.readouterr().out
    assert said.splitlines()[0].startswith("| step | right | draft right |")
    assert "no verified query is near" in said
    rows = json.loads((tmp_path / "out" / "ablation.json").read_text())["rungs"]
    assert [row["step"] for row in rows] == list(STEPS)
    assert all(row["draft_right"]["count"] == 1 for row in rows)
    assert [row["p_value"] for row in rows] == [None, 1.0, 1.0]
    told = {
        question: [prompt[-1]["content"] + prompt[0]["content"] for prompt in model.prompts if question in str(prompt)]
        for question in golds
    }
    assert len(told[REVENUE]) == 3, "one draft a step: no vote and no repair"
    assert "Freight" not in told[REVENUE][0], "the question alone"
    assert "Freight" in told[REVENUE][1]
    model.prompts.clear()
    main([*command, "--json"])
    assert not model.prompts, "what is kept is not asked again"
    again = json.loads(capsys.readouterr().out)["rungs"]
    assert [row["right"] for row in again] == [row["right"] for row in rows]
