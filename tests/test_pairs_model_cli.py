"""`affidavit pairs rephrase` and `ask-model` from the command line, against a model on loopback."""

from __future__ import annotations

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from pathlib import Path

import pytest
from fixtures_cli import Run, built_workspace, model, plain_environment, run, workspace
from fixtures_eval_model import ScriptedModel
from fixtures_gguf import gguf_file

from finetune.ask_a_model.variety import numbered, numbered_lines
from finetune.pairs.pair import read_pairs


def test_pairs_are_reworded_within_a_budget_and_not_paid_for_twice(
    workspace: Path, model: ScriptedModel, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(messages: list[dict[str, str]]) -> str:
        model.prompts.append(messages)
        asked = numbered_lines(messages[-1]["content"].partition("\n\n")[2])
        return numbered([f"so tell us then: {line.partition('   keep:')[0]}" for line in asked.values()])

    monkeypatch.setattr(model, "reply", reply)
    assert run("pairs", "generate", "--count", "12").code == 0
    command = ("pairs", "rephrase", "-n", "8", "--phrasings", "1", "--batch", "4", "--format", "json")
    assert run(*command, "--max-cost", "1").code == 2
    prices = ("--price-in", "1", "--price-out", "1")
    stopped = run(*command, *prices, "--max-cost", "0.0000001").json
    assert (stopped["exhausted"], stopped["pairs"], stopped["refused"]) == (True, 0, {"no_reply": 8})
    made = run(*command, *prices, "--max-cost", "1").json
    assert (made["pairs"], made["spent"]["requests"]) == (8, 2)
    assert made["spent"]["cost"] == pytest.approx(2 * 15e-6)
    pairs = list(read_pairs(Path(made["path"])))
    assert all(pair.question.startswith("so tell us then: ") and pair.lineage["of"] for pair in pairs)
    again = run(*command, *prices).json
    assert (again["spent"]["requests"], again["sha256"]) == (0, made["sha256"])
    assert "stopped at the budget" not in run(*command[:-2], *prices).out


def test_a_model_is_asked_for_questions_and_their_sql(
    workspace: Path, model: ScriptedModel, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(messages: list[dict[str, str]]) -> str:
        if "questions. Each asks for" in messages[-1]["content"]:
            return numbered(["How many shippers do we work with?", "Who is the best dancer?"])
        if "shippers" in messages[-1]["content"]:
            return "<think>One table.</think>\nSELECT COUNT(*) AS shippers FROM Shippers"
        return "The data does not say."

    monkeypatch.setattr(model, "reply", reply)
    made = run("pairs", "ask-model", "-n", "2", "--batch", "2", "--reasoning", "--format", "json").json
    assert (made["questions"], made["pairs"], made["refused"]) == (2, 1, {"no_sql": 1})
    (pair,) = read_pairs(Path(made["path"]))
    assert pair.lineage["reasoning"] == "One table."
    assert "ask-model" in run("pairs", "--help").out


def test_training_on_another_architecture_is_refused_before_anything_is_built(
    workspace: Path, run: Run, tmp_path: Path
) -> None:
    other = gguf_file(tmp_path / "other.gguf", {"general.architecture": "qwen2"}, {"blk.0.attn_k.weight": (64, 32)})
    left = run("train", "lora", "--name", "x", "--base", other)
    assert left.code == 2
    assert "`qwen2`" in left.err
    assert len(left.err.splitlines()) < 12
    fits = gguf_file(tmp_path / "fits.gguf", {"general.architecture": "llama"}, {"blk.0.attn_k.weight": (9000, 9000)})
    left = run("train", "lora", "--name", "x", "--base", fits, "--rank", "512")
    assert left.code == 2
    assert "--rank 333" in left.err
