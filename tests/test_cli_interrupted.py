"""Ctrl-C: one line on stderr that says what is kept and how to go on, also where the output goes into a file."""

from __future__ import annotations

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures_cli import COUNT, COUNT_SQL, REVENUE, Run, built_workspace, model, plain_environment, run, workspace
from fixtures_eval_model import ScriptedModel

import finetune.evaluation.workspace
import finetune.pairs.factory
import tui.cli.train
from finetune.trainers.lora_options import LoraOptions

TEMPLATES = """
templates:
- {id: to, sql: "SELECT COUNT(*) FROM Orders WHERE ShipCountry = '{c}'", questions: ["?how many orders to {c}"],
   parameters: {c: {column: Orders.ShipCountry}}}
"""


def stopped(command: list[str], begun: Callable[[], bool]) -> tuple[int, list[str], list[str]]:
    """Exit code and lines of both streams, no terminals, of a command that got a SIGINT once it had begun."""
    code = "from tui.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *command],
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not begun() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    return process.returncode, out.splitlines(), err.splitlines()


def test_pairs_generate_says_which_shards_are_kept(workspace: Path) -> None:
    (workspace / "templates.yaml").write_text(TEMPLATES)
    shards = workspace / ".affidavit" / "pairs" / "shards"
    code, out, err = stopped(
        ["pairs", "generate", "--count", "100000", "--format", "json"],
        lambda: len(list(shards.rglob("candidates-*.jsonl"))) > 1,
    )
    assert code == 130
    assert out == []
    made = len(list(shards.rglob("candidates-*.jsonl")))
    assert err[-1] == (
        f"Interrupted. {made} finished shards are kept in {shards}; the same command goes on from there."
    )


def test_eval_run_says_how_to_go_on(
    workspace: Path, model: ScriptedModel, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = workspace / "pack.jsonl"
    lines = [{"id": "a", "question": COUNT, "sql": COUNT_SQL}, {"id": "b", "question": REVENUE, "sql": COUNT_SQL}]
    pack.write_text("".join(json.dumps(line) + "\n" for line in lines))
    asked, answered = [], finetune.evaluation.workspace.ask

    def once(*given: Any, **named: Any) -> Any:
        asked.append(given)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return answered(*given, **named)

    monkeypatch.setattr(finetune.evaluation.workspace, "ask", once)
    command = ["eval", "run", "--pack", pack, "--mode", "agent"]
    left = run(*command)
    assert left.code == 130
    told = "Interrupted. 1 answers are kept; go on with the same command and --out "
    last = left.err.splitlines()[-1]
    assert last.startswith(told)
    done = run(*command, "--out", last.removeprefix(told), "--format", "json")
    assert done.code == 0, done.err
    assert done.json["resumed"] == 1


def test_eval_predict_says_where_its_lines_are(
    workspace: Path, model: ScriptedModel, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions, out = workspace / "questions.jsonl", workspace / "out.jsonl"
    questions.write_text(json.dumps({"id": 1, "question": COUNT}) + "\n")
    out.write_text("")
    monkeypatch.setattr("finetune.evaluation.predict.ask", interrupt)
    left = run("eval", "predict", "--questions", questions, "--out", out)
    assert left.code == 130
    assert left.err == f"Interrupted. The lines so far are in {out}; the same command goes on from there.\n"


def test_pairs_rephrase_keeps_its_replies(
    workspace: Path, model: ScriptedModel, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "templates.yaml").write_text(TEMPLATES)
    assert run("pairs", "generate", "--count", "1").code == 0
    monkeypatch.setattr("finetune.ask_a_model.new_phrasings.phrase_with", interrupt)
    left = run("pairs", "rephrase")
    assert left.code == 130
    assert left.err.startswith("Interrupted. The replies so far are kept in ")
    assert "rephrased.replies.jsonl" in left.err


@pytest.mark.parametrize(("saved", "says"), [(True, "The state of some 180 s ago or less is in"), (False, "No state")])
def test_training_says_whether_a_state_was_kept(tmp_path: Path, saved: bool, says: str) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_text("of another run")
    os.utime(checkpoint, (1, 1))
    began = time.time() - 1
    if saved:
        checkpoint.touch()
    assert tui.cli.train._kept(checkpoint, began, LoraOptions().checkpoint_every_s).startswith(says)


def test_any_other_command_says_that_it_was_interrupted(
    workspace: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.settings.load_settings", interrupt)
    left = run("audit", "verify")
    assert left.code == 130
    assert left.err == "Interrupted.\n"


def interrupt(*_: object, **__: object) -> Any:
    raise KeyboardInterrupt
