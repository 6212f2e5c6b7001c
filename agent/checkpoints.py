"""Where a run's state is kept while it is under way, so that the graph can be stopped and looked into.

Checkpoints are for working, not for proving: the ledger is the evidence. They hold result rows, so a run's
checkpoints are removed when it ends. Only our own value objects may be read back from them: whoever can write
the file must not be able to have code run by it.
"""

from __future__ import annotations

import importlib.util
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.engine import make_url

from agent import run
from agent.errors import ErrorClass, FailedError
from agent.settings import Settings

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver
    from psycopg import Connection
    from psycopg.rows import DictRow

__all__ = ["CHECKPOINT_RIGHTS", "checkpoint_tables", "forget_threads", "open_checkpointer"]

_VALUE_OBJECTS = (
    run.Answer,
    run.Draft,
    run.Finding,
    run.Grounding,
    run.Outcome,
    run.Piece,
    run.Result,
    run.RunError,
    run.RunStatus,
    run.Verdict,
)
CHECKPOINT_RIGHTS: Final = {
    "checkpoints": "SELECT, INSERT, UPDATE, DELETE",
    "checkpoint_blobs": "SELECT, INSERT, UPDATE, DELETE",
    "checkpoint_writes": "SELECT, INSERT, UPDATE, DELETE",
    "checkpoint_migrations": "SELECT",
}
"""What an account that does not own the tables must be able to do with each of them."""
_BUSY_SECONDS = 10.0
_PRIMARY_CODE = 0xFF
"""Of SQLite's extended result codes: SQLITE_BUSY_RECOVERY is a SQLITE_BUSY (sqlite.org/rescode.html)."""


@contextmanager
def open_checkpointer(settings: Settings) -> Iterator[BaseCheckpointSaver[Any]]:
    """A checkpointer in `.affidavit/checkpoints.sqlite`, or in PostgreSQL where the ledger is there.

    Raises:
        FailedError: the file or database cannot be used (`workspace`).
    """
    if settings.ledger_url.startswith("postgresql") and importlib.util.find_spec("langgraph.checkpoint.postgres"):
        with _postgresql(settings.ledger_url) as saver:
            yield saver
        return
    from langgraph.checkpoint.sqlite import SqliteSaver

    path = settings.state_dir / "checkpoints.sqlite"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(path, check_same_thread=False, timeout=_BUSY_SECONDS)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(str(path), error) from error
    with closing(connection):
        saver = SqliteSaver(connection, serde=_serializer())
        try:
            _set_up(saver)
        except sqlite3.Error as error:
            raise _unusable(str(path), error) from error
        yield saver


def forget_threads(settings: Settings, run_ids: Iterable[str]) -> None:
    """Remove what is kept of these runs, and every byte that removed rows have left in the file or tables.

    Raises:
        FailedError: as `open_checkpointer`.
    """
    with open_checkpointer(settings) as checkpointer:
        for run_id in run_ids:
            checkpointer.delete_thread(run_id)
        if settings.ledger_url.startswith("postgresql") and hasattr(checkpointer, "conn"):
            _write_anew(checkpointer.conn)
    path = settings.state_dir / "checkpoints.sqlite"
    if path.exists():
        try:
            with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise _unusable(str(path), error) from error


def _write_anew(connection: Any) -> None:
    """Have PostgreSQL write its tables anew; to an account that does not own them it only says that it will not."""
    import psycopg

    if not isinstance(connection, psycopg.Connection):
        return
    try:
        connection.execute("VACUUM FULL checkpoints, checkpoint_blobs, checkpoint_writes")
    except psycopg.Error as error:
        raise _unusable("the ledger's database", error) from error


def checkpoint_tables() -> list[str]:
    """The SQL that makes the tables in PostgreSQL, for their owner; each statement is run by itself, and may be again.

    Empty where PostgreSQL's checkpointer is not installed: then they are kept in a file.
    """
    if not importlib.util.find_spec("langgraph.checkpoint.postgres"):
        return []
    from langgraph.checkpoint.postgres import PostgresSaver

    steps = [step.strip() for step in PostgresSaver.MIGRATIONS]
    done = ", ".join(f"({number})" for number in range(len(steps)))
    return [*steps, f"INSERT INTO checkpoint_migrations (v) VALUES {done} ON CONFLICT DO NOTHING;"]


def _set_up(saver: SqliteSaver) -> None:
    """Create the tables. SQLite does not wait while another connection changes the journal's mode: so we do."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            return saver.setup()
        except sqlite3.OperationalError as error:
            waiting = error.sqlite_errorcode & _PRIMARY_CODE in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL)
            if not waiting or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@contextmanager
def _postgresql(url: str) -> Iterator[BaseCheckpointSaver[Any]]:
    import psycopg
    from langgraph.checkpoint.postgres import PostgresSaver
    from psycopg.rows import dict_row

    # Not as one text: SQLAlchemy writes a space in `options` as +, which libpq does not read as one.
    parsed = make_url(url)
    target: dict[str, Any] = {**parsed.translate_connect_args(username="user", database="dbname"), **parsed.query}
    try:
        connection: Connection[DictRow] = psycopg.connect(
            **target, autocommit=True, prepare_threshold=0, row_factory=dict_row
        )
    except psycopg.Error as error:
        raise _unusable("the ledger's database", error) from None  # its words may hold the URL
    with connection:
        saver = PostgresSaver(connection, serde=_serializer())
        try:
            if _lacks_tables(connection, migrations=len(saver.MIGRATIONS)):
                saver.setup()
        except psycopg.Error as error:
            raise _unusable("the ledger's database", error) from error
        yield saver


def _lacks_tables(connection: Connection[DictRow], *, migrations: int) -> bool:
    """Whether a table, or a migration of one, is missing.

    `setup` would find out by itself, but even CREATE TABLE IF NOT EXISTS needs the right to create, which an account
    that only keeps checkpoints should not have.
    """
    found = connection.execute("SELECT to_regclass('checkpoint_migrations') IS NOT NULL AS present").fetchone()
    if found is None or not found["present"]:
        return True
    newest = connection.execute("SELECT COALESCE(MAX(v), -1) AS newest FROM checkpoint_migrations").fetchone()
    return newest is None or newest["newest"] < migrations - 1


def _serializer() -> JsonPlusSerializer:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    return JsonPlusSerializer(allowed_msgpack_modules=[(kind.__module__, kind.__name__) for kind in _VALUE_OBJECTS])


def _unusable(place: str, error: Exception) -> FailedError:
    return FailedError(
        ErrorClass.WORKSPACE,
        f"The run's state cannot be kept in {place}: {type(error).__name__}.",
        "Check its permissions and the disk; checkpoints.sqlite may be deleted, it holds no evidence.",
    )
