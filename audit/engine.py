"""How the ledger's database is opened, and how every failure of it becomes one plain sentence.

Nothing here knows what a record is. The settings are chosen so that a record which was acknowledged is on disk:
SQLite in WAL mode with `synchronous=FULL`, PostgreSQL with `synchronous_commit` never off.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from audit.errors import LedgerUnavailable, RecordRefusedError

__all__ = [
    "WRITING",
    "database_file",
    "display_url",
    "is_damage",
    "ledger_errors",
    "lock_writers",
    "open_engine",
    "prepare_wal",
]

_WAL_ATTEMPTS: Final = 200
WRITING: Final = "affidavit_write"
"""The execution option of a connection whose transactions write."""
_LOCK_WRITERS: Final = text(
    "SELECT set_config('lock_timeout', :timeout, true), set_config('synchronous_commit',"
    " CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END,"
    " true), pg_advisory_xact_lock(:key)"
)
"""One statement, because each is a journey to the server."""
_HINT: Final = "Nothing was written. Mend it and run the command again."

# SQLite's result codes (sqlite.org/rescode.html), extended codes by their first two words.
_SQLITE_SENTENCES: Final = {
    "SQLITE_BUSY": "is locked by another program",
    "SQLITE_LOCKED": "is locked by another program",
    "SQLITE_READONLY": "is read-only",
    "SQLITE_PERM": "may not be opened by this user",
    "SQLITE_FULL": "cannot grow: the disk or the database is full",
    "SQLITE_IOERR": "cannot be read from or written to its disk",
    "SQLITE_TOOBIG": "cannot hold a record this large",
    "SQLITE_CANTOPEN": "cannot be opened: the file or its folder is missing or not accessible",
    "SQLITE_NOTADB": "is not an SQLite database, or its first bytes are damaged",
    "SQLITE_CORRUPT": "is damaged",
}
# PostgreSQL's SQLSTATEs (documentation, appendix A), by class of two characters or by full code.
_POSTGRESQL_SENTENCES: Final = {
    "55P03": "is locked by another program",
    "57014": "did not answer in time",
    "25006": "is read-only",
    "42501": "may not be written by this user",
    "42P01": "has no ledger in it yet",
    "3D000": "does not exist on its server",
    "3F000": "lacks the schema it should be in",
    "28": "does not accept this user or password",
    "53": "has run out of disk, memory or connections",
    "XX": "is damaged",
}


def open_engine(url: str, *, timeout_s: float) -> Engine:
    """An engine whose transactions keep what they acknowledged.

    Raises:
        LedgerUnavailable: not a database URL, an engine that is neither SQLite nor PostgreSQL, a missing driver.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise LedgerUnavailable(
            "The ledger's address is not a database URL.",
            "Write it as sqlite:///path/to/ledger.sqlite or postgresql+psycopg://user@host/database.",
        ) from error
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise LedgerUnavailable(
            f"The ledger cannot be kept in {backend}.", "Keep it in SQLite or in PostgreSQL (ledger.url)."
        )
    if backend == "sqlite" and database_file(parsed) is None:
        raise LedgerUnavailable(
            "The ledger cannot be kept in memory: it would be gone with the process.", "Give ledger.url a file."
        )
    try:
        return _sqlite_engine(parsed, timeout_s) if backend == "sqlite" else _postgresql_engine(parsed, timeout_s)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise LedgerUnavailable(
            f"The driver for {parsed.drivername} is not installed.", "Install it: pip install 'affidavit[postgresql]'."
        ) from error


def database_file(url: URL) -> Path | None:
    """The file of an SQLite URL, in its plain and its `file:` form; None for memory and for other databases."""
    name = url.database or ""
    if url.get_backend_name() != "sqlite" or name in ("", ":memory:") or url.query.get("mode") == "memory":
        return None
    return Path(name.removeprefix("file:"))


def display_url(engine: Engine) -> str:
    """The ledger's address as it may be shown: an SQLite file's path, or a URL without its password."""
    path = database_file(engine.url)
    return str(path) if path is not None else engine.url.render_as_string(hide_password=True)


def lock_writers(connection: Connection, *, key: int, timeout_s: float) -> None:
    """Make this transaction the only one that appends; held until it ends.

    SQLite's BEGIN IMMEDIATE already did. PostgreSQL takes an advisory lock, because a row lock would need a row
    that changes, and nothing in a ledger does.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK_WRITERS, {"timeout": f"{int(timeout_s * 1000)}ms", "key": key})


def prepare_wal(engine: Engine) -> None:
    """Put an SQLite file into WAL mode; it stays so. SQLite's busy timeout does not cover this switch, so retry."""
    for attempt in range(_WAL_ATTEMPTS):
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            if cursor.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if _sqlite_code(error) != "SQLITE_BUSY" or attempt == _WAL_ATTEMPTS - 1:
                raise LedgerUnavailable(f"The ledger at {display_url(engine)} {_sentence(error)}.", _HINT) from error
        finally:
            connection.close()
        time.sleep(0.02)


@contextmanager
def ledger_errors(engine: Engine) -> Iterator[None]:
    """Turn whatever the database raises inside into `LedgerUnavailable` or `RecordRefusedError`."""
    where = display_url(engine)
    try:
        yield
    except IntegrityError as error:
        raise RecordRefusedError(
            f"The ledger at {where} already has such a record, or it does not follow the newest one: {error.orig}"
        ) from error
    except DBAPIError as error:
        raise LedgerUnavailable(f"The ledger at {where} {_sentence(error.orig)}.", _HINT) from error
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise LedgerUnavailable(f"The ledger at {where} failed: {error}", _HINT) from error


def is_damage(error: BaseException | None) -> bool:
    """Whether a database error says that stored bytes are broken, as opposed to unreachable."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return _sqlite_code(cause) in ("SQLITE_CORRUPT", "SQLITE_NOTADB") or _sqlstate(cause)[:2] == "XX"


def _sqlite_engine(url: URL, timeout_s: float) -> Engine:
    engine = create_engine(url, connect_args={"timeout": timeout_s})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # Transactions are begun below, explicitly; the driver's own guesses would begin them too late.
        connection.isolation_level = None
        connection.text_factory = _decode
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get(WRITING, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _postgresql_engine(url: URL, timeout_s: float) -> Engine:
    seconds = max(1, round(timeout_s))
    arguments = {"connect_timeout": seconds} if "connect_timeout" not in url.query else {}
    # READ COMMITTED: the head must be read as it is once the lock is held, not as it was when the transaction began.
    engine = create_engine(url, connect_args=arguments, isolation_level="READ COMMITTED", pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # Whoever holds the table keeps readers waiting, too, and by default for ever.
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", (f"{int(timeout_s * 1000)}ms",))
        connection.commit()

    return engine


def _decode(stored: bytes) -> str:
    # A flipped byte must reach `verify`, which can name the record, not stop the driver.
    return stored.decode("utf-8", "surrogateescape")


def _sqlite_code(error: BaseException | None) -> str:
    name = getattr(error, "sqlite_errorname", "") or ""
    return "_".join(name.split("_")[:2])


def _sqlstate(error: BaseException | None) -> str:
    return getattr(error, "sqlstate", "") or ""


def _sentence(error: BaseException | None) -> str:
    state = _sqlstate(error)
    known = (
        _SQLITE_SENTENCES.get(_sqlite_code(error))
        or _POSTGRESQL_SENTENCES.get(state)
        or _POSTGRESQL_SENTENCES.get(state[:2])
    )
    if known:
        return known
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"cannot be used: {lines[0]}"
