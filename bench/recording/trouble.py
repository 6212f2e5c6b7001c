"""A question asked while the ledger cannot be written: what the command says, and what it leaves behind."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from audit.ledger import Ledger
from audit.session import open_session
from audit.verify import verify
from bench.recording.databases import fresh_database
from bench.startup import affidavit_command

__all__ = ["CASES", "Case", "Trouble", "ask_in_trouble"]

WORKSPACE = f"trouble-{os.getpid()}"
_QUESTION = "How many orders are there?"
_PATIENCE_S = 300


@dataclass(frozen=True, slots=True)
class Case:
    """One way in which a ledger cannot be written."""

    name: str
    engine: str
    url: Callable[[str, Path], str] = lambda url, _folder: url
    """The URL that the command is given, from the honest one and the folder of the file."""
    hold: Callable[[str], Any] = lambda _url: nullcontext()
    """What is done to the ledger while the command runs."""
    most_bytes: int = 0
    """The largest file that the command may write; 0 for any."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What came of a case."""

    name: str
    engine: str
    exit_code: int
    said: str
    problem: str
    """What was not as promised; empty if nothing."""


@contextmanager
def _locked(url: str) -> Iterator[None]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(sa.text("LOCK TABLE ledger_records IN ACCESS EXCLUSIVE MODE"))
        yield
        connection.rollback()
    engine.dispose()


def _read_only(url: str, folder: Path) -> str:
    if url.startswith("sqlite"):
        return f"sqlite:///file:{folder / 'ledger.sqlite'}?mode=ro&uri=true"
    return f"{url}%20-cdefault_transaction_read_only%3Don"


def _overwritten(_url: str, folder: Path) -> str:
    (folder / "other.sqlite").write_bytes(b"This is not a database. " * 200)
    return f"sqlite:///{folder / 'other.sqlite'}"


CASES = (
    Case("disk full", "sqlite", most_bytes=2048),
    Case("read-only", "sqlite", url=_read_only),
    Case("locked", "sqlite", hold=_locked),
    Case("not a database", "sqlite", url=_overwritten),
    Case("folder gone", "sqlite", url=lambda _url, folder: f"sqlite:///{folder}/no/such/folder/ledger.sqlite"),
    Case("read-only", "postgresql", url=_read_only),
    Case("locked", "postgresql", hold=_locked),
    Case("server gone", "postgresql", url=lambda _url, _folder: "postgresql+psycopg://root@127.0.0.1:9/none"),
)


def ask_in_trouble(case: Case) -> Trouble:
    """Ask a question through the command line, in a workspace whose ledger is in this trouble."""
    with fresh_database(case.engine) as (url, folder):
        workspace = _workspace(folder)
        before = _records(url, workspace)
        try:
            with case.hold(url):
                asked = _ask(case, case.url(url, folder), workspace)
        except subprocess.TimeoutExpired:
            return Trouble(case.name, case.engine, -1, "", f"nothing was said within {_PATIENCE_S} s")
        problem = _problem(asked) or _changed(url, workspace, before)
    said = json.loads(asked.stdout)["error"]["message"] if asked.stdout.startswith("{") else asked.stderr[:200]
    return Trouble(case.name, case.engine, asked.returncode, said, problem)


def _workspace(folder: Path) -> Path:
    """A workspace with a warehouse of one table; its ledger is elsewhere."""
    workspace = folder / "workspace"
    workspace.mkdir()
    (workspace / "affidavit.toml").write_text('[warehouse]\nurl = "sqlite:///warehouse.sqlite"\n')
    with sqlite3.connect(workspace / "warehouse.sqlite") as warehouse:
        warehouse.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, freight REAL)")
    warehouse.close()
    return workspace


def _records(url: str, workspace: Path) -> int:
    with open_session(url, workspace=WORKSPACE, state_dir=workspace / ".affidavit") as ledger:
        ledger.append("run.intent", {"sql": "SELECT 1"}, run_id="before")
    with Ledger.open(url, workspace=WORKSPACE, create=False) as ledger:
        return ledger.count()


def _ask(case: Case, url: str, workspace: Path) -> subprocess.CompletedProcess[str]:
    def cap() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (case.most_bytes, case.most_bytes))

    return subprocess.run(
        [affidavit_command(), "ask", _QUESTION, "--format", "json", "-w", str(workspace)],
        env={**os.environ, "AFFIDAVIT_LEDGER__URL": url, "AFFIDAVIT_LEDGER__WORKSPACE": WORKSPACE},
        preexec_fn=cap if case.most_bytes else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE_S,
    )


def _problem(asked: subprocess.CompletedProcess[str]) -> str:
    if asked.returncode != 7:
        return f"exit code {asked.returncode}, not 7: {asked.stderr[-300:]}"
    try:
        answer = json.loads(asked.stdout)
    except ValueError:
        return f"not one JSON object: {asked.stdout[:200]!r}"
    if answer["rows"] or answer["sql"] or answer["status"] == "answered":
        return "an answer was shown"
    if answer["error"]["class"] != "audit_unavailable" or len(answer["error"]["message"]) < 20:
        return f"the error is not told: {answer['error']}"
    return "a traceback was shown" if "Traceback" in asked.stderr else ""


def _changed(url: str, workspace: Path, before: int) -> str:
    """What is half-written: a record more or less than before, or one that does not hold."""
    with Ledger.open(url, workspace=WORKSPACE, create=False) as ledger:
        found = verify(ledger, checkpoints=workspace / ".affidavit" / "checkpoints.jsonl")
    if found.problem:
        return f"the ledger does not hold any more: {found.problem}"
    return "" if found.records == before else f"{found.records} records where {before} were"
