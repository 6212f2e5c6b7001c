"""Opens the warehouse so that it can only be read, and runs one statement at a time under caps.

Everything that can be wrong with a connection (scheme, driver, file, server, password) ends here in a message a
person can act on, and no message ever holds the password.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import structlog
from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from agent.errors import AffidavitError, ErrorClass, FailedError, RefusedError, UsageError
from agent.run import Outcome, Result, RunError
from agent.settings import GuardLimits
from agent.warehouse.cells import cell_bytes, result_fingerprint, to_rows
from agent.warehouse.errors import classify, hint_for, without_values
from agent.warehouse.readers import open_reader
from agent.warehouse.reading import PlanForm, Reader, ReadingCursor

__all__ = ["Warehouse", "display_url", "open_warehouse"]

_BATCH_ROWS = 500
_FIRST_ROWS = 20
_URL_HINT = (
    "Write it as sqlite:///file.sqlite, duckdb:///file.duckdb, postgresql+psycopg://user:password@host/database "
    "or mysql+pymysql://user:password@host/database."
)
_DRIVERS = {"sqlite": "pysqlite", "duckdb": "", "postgresql": "psycopg", "mysql": "pymysql"}
_BACKENDS = {"postgres": "postgresql", "mariadb": "mysql"}
_MODULES = {
    "duckdb": (("duckdb", "duckdb_engine"), "duckdb"),
    "postgresql": (("psycopg",), "postgresql"),
    "mysql": (("pymysql",), "mariadb"),
}

_TRIALS = {"sqlite": "SELECT count(*) FROM sqlite_master"}
"""SQLite opens any file; only reading its schema shows whether it is a database."""

_log = structlog.get_logger(__name__)


class Warehouse:
    """The database being asked, opened for reading only. One statement at a time; safe to share across threads."""

    def __init__(self, reader: Reader, limits: GuardLimits, display_url: str, secrets: tuple[str, ...]) -> None:
        self._reader = reader
        self._limits = limits
        self._secrets = secrets
        self.display_url = display_url
        """The URL without password and options: fit for logs, records and screens."""

    @property
    def dialect(self) -> str:
        """The sqlglot name of the engine's SQL: sqlite, duckdb, postgres or mysql."""
        return self._reader.dialect

    @property
    def engine(self) -> Engine:
        """A SQLAlchemy engine over the same read-only connections, for reflection."""
        return self._reader.engine

    def execute(self, sql: str, *, max_rows: int | None = None) -> Outcome:
        """Run one query under the time, row and byte caps. A failing statement is an outcome, not an exception.

        `max_rows` lowers the row cap for this statement.

        Rows are JSON-safe. `truncated` is set as soon as a row was left out for either cap, so a result that is
        not marked is complete.
        """
        started = time.perf_counter()
        result: Result | None = None
        error: RunError | None = None
        try:
            if "\x00" in sql:  # some drivers stop reading there, and would run less than what goes on the record
                raise RefusedError(ErrorClass.SYNTAX, "The statement holds a null character.")
            with self._reader.reading(sql) as cursor:
                result = self._fetch(cursor, min(self._limits.max_rows, max_rows or self._limits.max_rows))
        except AffidavitError as refused:
            error = refused.to_run_error()
        except Exception as failure:  # noqa: BLE001 (adapter boundary: drivers raise what they like, it is classified)
            error = self._classified(failure, sql)
        return Outcome(sql=sql, result=result, error=error, elapsed_ms=(time.perf_counter() - started) * 1000)

    def explain(self, sql: str) -> str:
        """The engine's own plan for `sql`, one line per row; the statement is not run.

        Raises:
            FailedError: the engine would not plan it; the class says why.
        """
        return "\n".join(
            "\t".join("" if cell is None else str(cell) for cell in row) for row in self._planned(sql, "text")
        )

    def plan(self, sql: str) -> list[tuple[Any, ...]]:
        """The plan for `sql` in the form this engine has for programs, as its driver gives it; nothing is run.

        Raises:
            FailedError: as `explain`.
        """
        return self._planned(sql, "data")

    def close(self) -> None:
        """Give every connection back. The warehouse cannot be used afterwards."""
        self._reader.close()

    def _planned(self, sql: str, form: PlanForm) -> list[tuple[Any, ...]]:
        try:
            with self._reader.reading(sql, plan=form) as cursor:
                return [tuple(row) for row in cursor.fetchmany(_BATCH_ROWS)]
        except AffidavitError:
            raise
        except Exception as failure:
            error = self._classified(failure, sql)
            raise FailedError(ErrorClass(error.error_class), error.message, error.hint) from failure

    def _fetch(self, cursor: ReadingCursor, max_rows: int) -> Result:
        if cursor.description is None:
            raise RefusedError(ErrorClass.NOT_READ_ONLY, "That is not a query: it gives no rows.")
        columns = tuple(str(column[0]) for column in cursor.description)
        rows, truncated = self._capped(cursor, max_rows)
        return Result(columns, to_rows(rows), truncated, result_fingerprint(rows))

    def _capped(self, cursor: ReadingCursor, max_rows: int) -> tuple[list[Sequence[Any]], bool]:
        """The rows as the driver gives them, up to the row and byte caps, and whether one was left out."""
        rows: list[Sequence[Any]] = []
        size = 0
        batch_rows = _FIRST_ROWS
        while True:
            batch = cursor.fetchmany(min(batch_rows, max_rows + 1 - len(rows)))
            # As many as are sure to fit: a batch is in memory before it can be counted, and rows may be megabytes long.
            if not batch:
                return rows, False
            for row in batch:
                size += sum(cell_bytes(value) for value in row)
                if len(rows) == max_rows or size > self._limits.max_bytes:
                    return rows, True
                rows.append(row)
            room = (self._limits.max_bytes - size) * len(rows) // max(1, size)
            batch_rows = max(1, min(_BATCH_ROWS, room))

    def _classified(self, failure: Exception, sql: str) -> RunError:
        error_class, message, hint = classify(failure, self.dialect)
        _log.info("warehouse.error", error_class=error_class.value, driver_error=type(failure).__name__)
        return RunError(error_class.value, without_values(_scrubbed(message, self._secrets), error_class, sql), hint)


def open_warehouse(url: str, limits: GuardLimits, *, db_schema: str | None = None) -> Warehouse:
    """Open the warehouse at a SQLAlchemy `url` and try it once.

    `db_schema` makes unqualified names resolve in that schema (PostgreSQL, DuckDB) or database (MariaDB/MySQL).

    Raises:
        UsageError: the URL cannot be read, names an engine or driver that is not there, or a missing file or database.
        FailedError: the server is unreachable, refuses the account, or the file is not a database.
    """
    parsed = _parsed(url)
    secrets = _secrets_of(parsed)
    display = _shown(parsed)
    _require_driver(parsed, display)
    if parsed.get_backend_name() in {"sqlite", "duckdb"}:
        _require_file(parsed, display)
    try:
        reader = open_reader(parsed, limits, db_schema)
    except Exception as failure:  # noqa: BLE001 (adapter boundary: classified below)
        raise _cannot_open(display, failure, parsed, secrets) from None  # the driver's words may hold the URL
    warehouse = Warehouse(reader, limits, display, secrets)
    try:
        with reader.reading(
            "SELECT count(*) FROM sqlite_master" if reader.dialect == "sqlite" else "SELECT 1"
        ) as trial:
            trial.fetchmany(1)
    except Exception as failure:  # noqa: BLE001 (adapter boundary: classified below)
        warehouse.close()
        raise _cannot_open(display, failure, parsed, secrets) from None
    return warehouse


def display_url(url: str) -> str:
    """The `display_url` of a warehouse at this SQLAlchemy URL; it is not opened.

    Raises:
        UsageError: the URL cannot be read, or names an engine or driver that is not known.
    """
    return _shown(_parsed(url))


def _shown(parsed: URL) -> str:
    return parsed.set(password=None, query={}).render_as_string(hide_password=True)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # its message repeats the URL, password included
        raise UsageError(ErrorClass.WAREHOUSE_URL, "The warehouse URL cannot be read.", _URL_HINT) from None
    backend, _, driver = parsed.drivername.partition("+")
    backend = _BACKENDS.get(backend, backend)
    if backend not in _DRIVERS:
        known = ", ".join(sorted([*_DRIVERS, "mariadb"]))
        raise UsageError(
            ErrorClass.WAREHOUSE_URL, f"Unknown kind of warehouse `{backend}`; known are {known}.", _URL_HINT
        )
    if driver and driver != _DRIVERS[backend]:
        wanted = f"{backend}+{_DRIVERS[backend]}" if _DRIVERS[backend] else backend
        raise UsageError(
            ErrorClass.WAREHOUSE_URL,
            f"The driver `{driver}` is not supported for {backend}.",
            f"Begin the URL with {wanted}://.",
        )
    return parsed.set(drivername=f"{backend}+{_DRIVERS[backend]}" if _DRIVERS[backend] else backend)


def _require_driver(url: URL, display: str) -> None:
    modules, extra = _MODULES.get(url.get_backend_name(), ((), ""))
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        raise UsageError(
            ErrorClass.WAREHOUSE_URL,
            f"Opening {display} needs the Python package `{missing[0]}`, which is not installed.",
            f"Install it with `pip install 'affidavit[{extra}]'`.",
        )


def _require_file(url: URL, display: str) -> None:
    """SQLite and DuckDB would make a new, empty database of a mistyped path; we never do."""
    database = url.database or ""
    if not database or database.startswith((":", "file:")):
        raise UsageError(
            ErrorClass.WAREHOUSE_URL,
            f"{display} names no database file; a warehouse in memory has nothing to ask.",
            _URL_HINT,
        )
    path = Path(database)
    if path.is_dir():
        raise UsageError(ErrorClass.WAREHOUSE_URL, f"{path} is a folder, not a database file.", _URL_HINT)
    if not path.exists():
        raise UsageError(
            ErrorClass.WAREHOUSE_URL,
            f"There is no database file at {path}.",
            "Check the path in `[warehouse] url`, or build the demo with `affidavit init --demo DIR`.",
        )


def _cannot_open(display: str, failure: Exception, url: URL, secrets: tuple[str, ...]) -> AffidavitError:
    dialect = {"postgresql": "postgres"}.get(url.get_backend_name(), url.get_backend_name())
    if isinstance(failure, AffidavitError):
        return failure
    error_class, message, hint = classify(failure, dialect)
    text = f"Cannot open the warehouse {display}: {_scrubbed(message, secrets)}"
    if error_class is ErrorClass.WAREHOUSE_URL:
        return UsageError(error_class, text, hint)
    if dialect in {"sqlite", "duckdb"}:
        hint = "Check that the file is a database of that kind and that this account may read it."
    return FailedError(error_class, text, hint or hint_for(ErrorClass.WAREHOUSE_UNREACHABLE))


def _secrets_of(url: URL) -> tuple[str, ...]:
    password = str(url.password) if url.password else ""
    from_query = [
        value for key, value in url.query.items() if "pass" in key.lower() and isinstance(value, str) and value
    ]
    found = [secret for secret in (password, *from_query) if secret]
    return tuple(
        dict.fromkeys(form for secret in found for form in (secret, quote(secret, safe=""), quote_plus(secret)))
    )


def _scrubbed(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text
