"""Bad input: one screen that says what happened and what to do, the right exit code, nothing half-written."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

import importlib
import json
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

from agent.errors import AuditUnavailableError, ErrorClass, FailedError, RefusedError, UsageError
from tui.cli.failure import exit_code, one_screen
from tui.failure import FOREIGN, as_affidavit_error


def check_one_screen(said: str) -> None:
    assert "Traceback" not in said
    assert "What to do:" in said
    assert len(said.splitlines()) <= 24


def test_a_folder_that_is_no_workspace(tmp_path: Path, run: Run) -> None:
    left = run("ask", COUNT, "-w", tmp_path)
    assert left.code == 2
    check_one_screen(left.err)
    assert "affidavit init" in left.err


def test_the_error_is_inside_the_one_json_object(tmp_path: Path, run: Run) -> None:
    left = run("ask", COUNT, "-w", tmp_path, "--format", "json")
    assert left.code == 2
    assert left.out.count("\n") == 1
    assert left.json["status"] == "failed"
    assert left.json["error"]["class"] == "workspace"
    assert left.json["question"] == COUNT
    assert left.err == ""


def test_a_broken_settings_file_names_its_line(workspace: Path, run: Run) -> None:
    (workspace / "affidavit.toml").write_text("[model\n")
    left = run("ask", COUNT)
    assert left.code == 2
    assert "line 1" in left.err


def test_a_wrong_setting_names_its_key(workspace: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFFIDAVIT_MODEL__SAMPLES", "0")
    left = run("ask", COUNT)
    assert left.code == 2
    assert "model.samples" in left.err


def test_broken_metrics_name_their_line_and_key(workspace: Path, model: ScriptedModel, run: Run) -> None:
    metrics = workspace / "metrics.yaml"
    text = metrics.read_text()
    metrics.write_text(text.replace("    base:", "    basse:", 1))
    line = (
        metrics.read_text().split("\n").index(next(li for li in metrics.read_text().split("\n") if "basse" in li)) + 1
    )
    for command in (("ask", COUNT), ("memory", "sync")):
        left = run(*command)
        assert left.code == 2
        check_one_screen(left.err)
        assert f":{line}:" in left.err.replace("\n  ", "")
        assert "basse" in left.err


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("nonsense", 2),
        ("oracle://nobody@nowhere/db", 2),
        ("sqlite:////nowhere/at/all.sqlite", 2),
        ("postgresql+psycopg://nobody:secret-word@127.0.0.1:9/none", 6),
        ("mysql+pymysql://nobody:secret-word@127.0.0.1:9/none", 6),
    ],
)
def test_a_warehouse_that_cannot_be_reached(
    url: str,
    code: int,
    workspace: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AFFIDAVIT_WAREHOUSE__URL", url)
    left = run("ask", COUNT)
    assert left.code == code
    check_one_screen(left.err)
    assert "secret-word" not in left.err


def test_no_ledger_no_answer(workspace: Path, model: ScriptedModel, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "in-the-way").mkdir()
    monkeypatch.setenv("AFFIDAVIT_LEDGER__URL", f"sqlite:///{workspace / 'in-the-way'}")
    left = run("ask", COUNT, "--format", "json")
    assert left.code == 7
    assert left.json["error"]["class"] == "audit_unavailable"
    assert left.json["rows"] == []
    assert run("audit", "verify").code == 7


def test_a_missing_and_a_corrupt_model_file(
    workspace: Path,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AFFIDAVIT_MODEL__BASE", str(tmp_path / "none.gguf"))
    missing = run("ask", COUNT, "--format", "json")
    assert missing.code in (2, 6)
    assert missing.json["error"]["class"] == "model_missing"
    (tmp_path / "bad.gguf").write_bytes(b"not a model at all" * 200)
    monkeypatch.setenv("AFFIDAVIT_MODEL__BASE", str(tmp_path / "bad.gguf"))
    corrupt = run("ask", COUNT, "--format", "json")
    assert corrupt.code == 6
    assert corrupt.json["error"]["class"] == "model_corrupt"


def test_a_hundred_kilobytes_of_question(workspace: Path, model: ScriptedModel, run: Run) -> None:
    left = run("ask", "why " * 25_000, "--format", "json")
    assert left.code in (3, 5)
    assert left.json["error"]["class"] == "question_too_long"
    assert len(run("ask", "why " * 25_000).out.splitlines()) < 60


def test_init_never_writes_over_what_is_there(workspace: Path, tmp_path: Path, run: Run) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "policy.yaml").write_text("version: 1\n# mine\n")
    url = f"sqlite:///{workspace / 'warehouse.sqlite'}"
    made = run("init", mine, "--warehouse", url)
    assert made.code == 0
    assert (mine / "policy.yaml").read_text() == "version: 1\n# mine\n"
    assert run("memory", "sync", "-w", mine).code == 0
    before = {path: path.read_bytes() for path in mine.iterdir() if path.is_file()}
    assert run("init", mine, "--warehouse", url).code == 0
    assert {path: path.read_bytes() for path in mine.iterdir() if path.is_file()} == before
    assert (mine / "affidavit.toml").stat().st_mode & 0o077 == 0


def test_init_of_an_unreachable_warehouse_writes_nothing(tmp_path: Path, run: Run) -> None:
    left = run("init", tmp_path / "new", "--warehouse", "sqlite:////nowhere/at/all.sqlite")
    assert left.code == 2
    check_one_screen(left.err)
    assert not (tmp_path / "new").exists()
    assert run("init", tmp_path / "new").code == 2
    assert run("init", tmp_path / "new", "--orders", "10").code == 2


def test_chat_needs_a_terminal(workspace: Path, run: Run) -> None:
    left = run("chat")
    assert left.code == 2
    check_one_screen(left.err)


def test_our_own_mistakes_are_one_screen_too(run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("audit.runs.list_runs", broken)
    left = run("runs", "list")
    assert left.code == 6
    assert "AFFIDAVIT_DEBUG=1" in left.err
    assert "Traceback" not in left.err
    monkeypatch.setenv("AFFIDAVIT_DEBUG", "1")
    monkeypatch.setattr("sys.argv", ["affidavit", "runs", "list"])
    from tui.cli.main import main

    with pytest.raises(RuntimeError, match="a mistake of ours"):
        main()


def test_every_exception_named_in_the_table_exists() -> None:
    for foreign in FOREIGN:
        assert issubclass(getattr(importlib.import_module(foreign.module), foreign.name), Exception)


def test_exit_codes_and_what_the_rooms_exceptions_become() -> None:
    from audit.errors import LedgerUnavailable, ReviewError

    kinds = {UsageError: 2, RefusedError: 5, FailedError: 6, AuditUnavailableError: 7}
    for kind, code in kinds.items():
        assert exit_code(kind(ErrorClass.SETTINGS, "x")) == code
    assert exit_code(as_affidavit_error(LedgerUnavailable("locked"))) == 7
    refused = as_affidavit_error(ReviewError("not yours", "ask somebody"))
    assert (exit_code(refused), refused.message, refused.hint) == (5, "not yours", "ask somebody")
    assert exit_code(as_affidavit_error(PermissionError(13, "Permission denied", "/x"))) == 6


def test_one_screen_is_never_longer_and_never_obeyed() -> None:
    said = one_screen(FailedError(ErrorClass.WAREHOUSE_OTHER, "line\x1b[2J " * 2000, "do this"), width=80)
    assert len(said.splitlines()) <= 24
    assert "\x1b" not in said
    assert "do this" in said
    assert json.dumps(said)
