"""Bad input: one screen that says what happened and what to do, the right exit code, nothing half-written."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

import importlib
import json
import pkgutil
import re
import sqlite3
from contextlib import closing
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

import agent
import audit
import demo
import finetune
import memory
import tui
from agent.errors import AffidavitError, AuditUnavailableError, ErrorClass, FailedError, RefusedError, UsageError
from audit.rules import Decision, ReasonCode, code_refusal
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


def test_a_file_of_a_workspace_is_not_the_workspace(workspace: Path, run: Run) -> None:
    left = run("-w", workspace / "metrics.yaml", "runs", "list")
    assert left.code == 2
    check_one_screen(left.err)
    assert "-w wants the workspace's folder" in " ".join(left.err.split())


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


@pytest.mark.parametrize("first", [True, False])
def test_metrics_are_checked_against_the_warehouse_before_it_is_read(
    first: bool, workspace: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, metrics = workspace / ".affidavit", workspace / "metrics.yaml"
    if first:
        (state / "catalog.json").unlink()
    before = {path: path.read_bytes() for path in state.glob("*.json")}
    metrics.write_text(metrics.read_text().replace("base: Orders\n", "base: Ordres\n", 1))

    def read(*_: object, **__: object) -> None:
        raise AssertionError("the warehouse was read")

    monkeypatch.setattr("memory.sync.reflect", read)
    for command in (("memory", "sync"), *([("ask", COUNT)] if first else [])):
        left = run(*command)
        assert left.code == 2
        check_one_screen(left.err)
        assert "no table `Ordres`" in " ".join(left.err.split())
    assert {path: path.read_bytes() for path in state.glob("*.json")} == before


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


def test_a_changed_record_stops_the_next_question(workspace: Path, model: ScriptedModel, run: Run) -> None:
    assert run("ask", COUNT).code == 0
    with closing(sqlite3.connect(workspace / ".affidavit" / "ledger.sqlite")) as owner, owner:
        owner.execute("DROP TRIGGER ledger_records_no_update")
        owner.execute("UPDATE ledger_records SET actor = 'somebody' WHERE kind = 'run.started'")
    asked = run("ask", COUNT, "--format", "json")
    assert asked.code == 7
    assert asked.json["rows"] == []
    assert asked.json["error"]["class"] == "audit_unavailable"
    assert "was changed" in asked.json["error"]["message"]
    assert "audit verify" in asked.json["error"]["hint"]
    assert run("audit", "verify").code == 1


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


@pytest.mark.parametrize("decision", list(Decision))
def test_review_help_lists_the_reason_codes_of_its_decision(decision: Decision, run: Run) -> None:
    shown = run("review", decision, "--help").out
    listed = re.search(r"Reason codes: (.+?--reason)\.", " ".join(shown.split()))
    assert listed
    fitting = [code for code in ReasonCode if not code_refusal(decision, code, "a reason")]
    assert [code for code in ReasonCode if code in re.findall(r"\w+", listed[1])] == fitting
    worded = [code for code in fitting if code_refusal(decision, code, "")]
    assert re.search(rf"or ({'|'.join(worded)}),.* which needs --reason", listed[1])


def test_a_review_without_the_reason_it_needs_is_a_usage_error(workspace: Path, run: Run) -> None:
    for arguments in (("reject", "0"), ("revoke", "0"), ("amend", "0", "--sql", "SELECT 1")):
        left = run("review", *arguments)
        assert left.code == 2
        said = left.err.strip().splitlines()[-1]
        assert "other needs a reason in words" in said
        assert "--reason TEXT" in said
    assert "does not go with reject" in run("review", "reject", "0", "--reason-code", "correct").err
    assert "is not one of: correct, " in run("review", "reject", "0", "--reason-code", "because").err


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
    shown = run("runs", "list")
    assert shown.code == 6
    assert "Traceback" in shown.err
    assert "RuntimeError: a mistake of ours" in shown.err


def test_a_traceback_repeats_no_key(run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        try:
            raise OSError("no such key: plain-words-1; Authorization: Bearer abcdef123456; sk-abcdef-9")
        except OSError as error:
            raise RuntimeError("at postgresql://reader:hunter2@db.example.com/shop") from error

    monkeypatch.setattr("audit.runs.list_runs", broken)
    monkeypatch.setenv("SOME_API_KEY", "plain-words-1")
    monkeypatch.setenv("AFFIDAVIT_DEBUG", "1")
    said = run("runs", "list").err
    assert "no such key: (withheld); Authorization: Bearer (withheld)" in said
    assert "postgresql://reader:(withheld)@db.example.com/shop" in said
    assert [secret for secret in ("plain-words-1", "abcdef", "hunter2") if secret in said] == []


def test_every_exception_named_in_the_table_exists() -> None:
    for foreign in FOREIGN:
        assert issubclass(getattr(importlib.import_module(foreign.module), foreign.name), Exception)


CAUGHT_BELOW = {"UnresolvedName", "NotUnderstood", "Broken"}
"""Public, but caught where they are raised: by the guard, where there is no intent, and by `verify`."""


def rooms_exceptions() -> list[type[Exception]]:
    """Every public exception class that a room of ours defines outside the agent's tree."""
    found: set[type[Exception]] = set()
    for room in (agent, memory, audit, finetune, tui, demo):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if module.name.startswith(("finetune.trainers.", "audit.migrations.")):
                continue  # the one needs torch, the other is loaded by Alembic alone, and neither defines any
            for name, kind in vars(importlib.import_module(module.name)).items():
                public = not name.startswith("_") and name not in CAUGHT_BELOW
                if not (public and isinstance(kind, type) and kind.__module__ == module.name):
                    continue
                if issubclass(kind, Exception) and not issubclass(kind, AffidavitError):
                    found.add(kind)
    return sorted(found, key=lambda kind: kind.__qualname__)


@pytest.mark.parametrize("kind", rooms_exceptions(), ids=lambda kind: kind.__name__)
def test_every_exception_of_ours_is_one_screen_with_a_class(
    kind: type[Exception], workspace: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise kind.__new__(kind, "What happened.")

    monkeypatch.setattr("audit.runs.list_runs", broken)
    left = run("runs", "list")
    check_one_screen(left.err)
    assert "What happened." in left.err
    assert "internal" not in left.err
    bad_input = {"TemplateError", "LeakError", "FormatError", "SemanticsError", "CannotCompile", "WarehouseBuildError"}
    assert (left.code == 2) == (
        kind.__name__
        in bad_input
        | {
            "CustodyError",
            "IdentityError",
            "PassphraseError",
            "RunNotFoundError",
            "RecordNotFoundError",
            "AmbiguousRunError",
        }
    )


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
