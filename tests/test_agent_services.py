"""What a run is given to work with: checkpoints that only hold our own values, and a log that tells no secrets."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import uuid
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog

from agent.ask import StepEvent
from agent.checkpoints import _serializer, open_checkpointer
from agent.errors import ErrorClass, FailedError
from agent.logging import LOG_NAME, configure_logging, run_logging
from agent.run import Answer, Draft, Finding, Grounding, Outcome, Piece, Result, RunError, RunStatus, Verdict
from agent.services import workspace_name
from agent.settings import Settings

POSTGRESQL = os.environ.get("AFFIDAVIT_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1/test")

RESULT = Result(("a", "b"), (("x", 1), (None, 2.5), (True, "y")), True, "f")
ERROR = RunError("syntax", "m", "h")
STATE: dict[str, Any] = {
    "grounding": Grounding((Piece("metric", "m", "1", "t", 0.5),), "c", "s"),
    "drafts": (Draft("SELECT 1", "model", "m", 0.5, "b", 3),),
    "verdict": Verdict(True, "SELECT 1", tables=("Orders",)),
    "verdicts": ((0, Verdict(False, "x", "rule", "m", error_class="syntax")),),
    "outcome": Outcome("SELECT 1", RESULT, ERROR, 1.5),
    "findings": (Finding("c", "error", "m", "e"),),
    "status": RunStatus.ABSTAINED,
    "votes": ((0, "f"), (1, "")),
    "answer": Answer("r", RunStatus.ANSWERED, "q", rows=RESULT.rows, timings_ms={"a": 1.0}),
}


def test_every_value_object_survives_a_checkpoint_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    serializer = _serializer()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for value in STATE.values():
            kind, data = serializer.dumps_typed(value)
            read = serializer.loads_typed((kind, data))
            assert _plain(read) == _plain(value)
            assert type(read) is type(value) or isinstance(value, tuple)
    assert caplog.records == []


def _plain(value: Any) -> Any:
    """Tuples come back as lists where msgpack knows no tuple; nothing else may change."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return type(value).__name__, {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def test_a_checkpoint_brings_no_other_type_to_life() -> None:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    anything = StepEvent("a step", {}, 1.0)
    written = JsonPlusSerializer(allowed_msgpack_modules=True).dumps_typed(anything)
    assert JsonPlusSerializer(allowed_msgpack_modules=True).loads_typed(written) == anything
    assert not isinstance(_serializer().loads_typed(written), StepEvent)


def test_a_checkpoint_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / ".affidavit").mkdir()
    (tmp_path / ".affidavit/checkpoints.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(FailedError) as caught, open_checkpointer(Settings(workspace=tmp_path)):
        pass
    assert caught.value.error_class is ErrorClass.WORKSPACE
    assert "deleted" in caught.value.hint


@pytest.fixture
def schema() -> Iterator[str]:
    """An empty schema of the PostgreSQL server, and a role of the same name that may use it but not create in it."""
    psycopg = pytest.importorskip("psycopg")
    pytest.importorskip("langgraph.checkpoint.postgres")
    try:
        server = psycopg.connect(POSTGRESQL.replace("+psycopg", ""), autocommit=True)
    except psycopg.OperationalError as error:
        if os.environ.get("CI"):
            pytest.fail(f"no server: {error}")
        pytest.skip("NO POSTGRESQL SERVER: checkpoints in it are not tested")
    name = f"affidavit_test_{uuid.uuid4().hex[:12]}"
    with server:
        for statement in (f"CREATE SCHEMA {name}", f"CREATE ROLE {name}", f"GRANT USAGE ON SCHEMA {name} TO {name}"):
            server.execute(statement)
        try:
            yield name
        finally:
            for statement in (f"DROP SCHEMA {name} CASCADE", f"DROP ROLE {name}"):
                server.execute(statement)


@pytest.mark.postgresql
def test_the_first_runs_of_a_workspace_wait_for_each_other(tmp_path: Path) -> None:
    (tmp_path / ".affidavit").mkdir()
    with closing(
        sqlite3.connect(tmp_path / ".affidavit/checkpoints.sqlite", check_same_thread=False, isolation_level=None)
    ) as other:
        other.execute("CREATE TABLE elsewhere (id)")
        other.execute("BEGIN IMMEDIATE")
        done = threading.Timer(0.5, other.execute, ["COMMIT"])
        done.start()
        with open_checkpointer(Settings(workspace=tmp_path)) as checkpointer:
            assert list(checkpointer.list(None)) == []
        done.join()


def test_with_a_postgresql_ledger_checkpoints_go_there_too(tmp_path: Path, schema: str) -> None:
    settings = Settings(workspace=tmp_path, ledger={"url": f"{POSTGRESQL}?options=-csearch_path%3D{schema}"})
    with open_checkpointer(settings) as checkpointer:
        assert type(checkpointer).__name__ == "PostgresSaver"
        checkpointer.delete_thread("no-such-run")
    assert not (tmp_path / ".affidavit").exists()


@pytest.mark.postgresql
def test_an_account_that_may_not_create_tables_keeps_checkpoints_in_those_that_are_there(
    tmp_path: Path, schema: str
) -> None:
    import psycopg

    own = f"{POSTGRESQL}?options=-csearch_path%3D{schema}"
    as_role = Settings(workspace=tmp_path, ledger={"url": f"{own}%20-crole%3D{schema}"})
    with pytest.raises(FailedError), open_checkpointer(as_role):
        pass
    with open_checkpointer(Settings(workspace=tmp_path, ledger={"url": own})):
        pass
    with psycopg.connect(POSTGRESQL.replace("+psycopg", ""), autocommit=True) as server:
        server.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {schema}")
    with open_checkpointer(as_role) as checkpointer:
        checkpointer.delete_thread("no-such-run")


def test_a_renamed_folder_keeps_its_ledger_and_a_server_tells_workspaces_apart(tmp_path: Path) -> None:
    first, second = Settings(workspace=tmp_path / "one"), Settings(workspace=tmp_path / "two")
    assert workspace_name(first) == workspace_name(second)
    shared = {"url": "postgresql+psycopg://h/d"}
    assert workspace_name(Settings(workspace=tmp_path / "one", ledger=shared)) == "one"
    for ledger in ({}, shared):
        assert workspace_name(Settings(workspace=tmp_path / "one", ledger={**ledger, "workspace": "own"})) == "own"


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield tmp_path / ".affidavit" / LOG_NAME
    for handler in [added for added in root.handlers if added not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    structlog.reset_defaults()


def test_every_line_is_json_with_the_run_and_without_secrets_or_rows(logs: Path, tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path, log_level="info")
    configure_logging(settings)
    configure_logging(settings)
    with run_logging("run-1"):
        structlog.get_logger("agent.test").info("step", api_key="sk-123", rows=[("secret row",)], elapsed_ms=1)
        logging.getLogger("some.library").warning("theirs")
    structlog.get_logger("agent.test").debug("too quiet to be written")
    lines = [json.loads(line) for line in logs.read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in lines] == ["step", "theirs"]
    assert all(line["run_id"] == "run-1" for line in lines)
    assert all(line["level"] and line["timestamp"] and line["logger"] for line in lines)
    assert "sk-123" not in logs.read_text(encoding="utf-8")
    assert "secret row" not in logs.read_text(encoding="utf-8")


def test_a_log_that_cannot_be_written_stops_nothing(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".affidavit").write_text("a file where the folder should be")
    configure_logging(Settings(workspace=tmp_path, log_level="info"))
    structlog.get_logger("agent.test").warning("heard")
    structlog.get_logger("agent.test").info("not heard")
    said = capsys.readouterr().err
    assert "heard" in said
    assert "not heard" not in said
