"""Readers of databases that are files, opened inside this process: SQLite and DuckDB."""

from __future__ import annotations

import hashlib
import importlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

from agent.errors import ErrorClass, RefusedError
from agent.settings import GuardLimits
from agent.warehouse.reading import (
    INTERRUPT_AGAIN_S,
    LOCK_TIMEOUT_S,
    PlanForm,
    ReadingCursor,
    not_a_query,
    time_limit,
)

__all__ = ["DuckdbReader", "SqliteReader"]

_DUCKDB_EXPLAIN: dict[PlanForm, str] = {"text": "EXPLAIN", "data": "EXPLAIN (FORMAT json)"}
_SQLITE_LENGTH_LIMIT = 64_000_000
_SQLITE_STEPS_BETWEEN_CALLS = 100_000
"""Instructions of its virtual machine: a millisecond or two."""
_SQLITE_READS = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION}
)
_SQLITE_BARRED_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"})
_SQLITE_INQUIRING_PRAGMAS = frozenset(
    {"table_info", "table_xinfo", "table_list", "foreign_key_list", "index_list", "index_info", "index_xinfo"}
)
_SQLITE_READABLE_SETTINGS = frozenset(
    {"database_list", "read_uncommitted", "foreign_keys", "query_only", "encoding", "user_version", "schema_version"}
)


def _sqlite_authorizer(action: int, first: str | None, second: str | None, _db: str | None, _via: str | None) -> int:
    """https://www.sqlite.org/c3ref/c_alter_table.html lists the action codes; whatever is not reading is denied."""
    if action in _SQLITE_READS:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION:
        barred = (second or "").lower() in _SQLITE_BARRED_FUNCTIONS
        return sqlite3.SQLITE_DENY if barred else sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA:
        name = (first or "").lower()
        if name in _SQLITE_INQUIRING_PRAGMAS or (name in _SQLITE_READABLE_SETTINGS and second is None):
            return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _md5(text: object) -> str | None:
    return None if text is None else hashlib.md5(str(text).encode(), usedforsecurity=False).hexdigest()


def _go_on() -> int:
    return 0


class SqliteReader:
    """A file opened `mode=ro`, under an authorizer that permits reading and nothing else.

    SQLite runs inside this process, and Python hears of Ctrl-C only between its own instructions. So it is called back
    every few milliseconds: the interrupt ends that call, which ends the statement, and is raised again from here.
    """

    dialect = "sqlite"

    def __init__(self, url: URL, limits: GuardLimits) -> None:
        self._uri = "file:" + quote(str(Path(url.database or "").absolute())) + "?mode=ro"
        self._timeout_s = limits.timeout_s
        self.engine = create_engine(url.set(query={}), creator=self._connect, poolclass=QueuePool, pool_size=2)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._uri, uri=True, timeout=LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA query_only = 1")
        connection.execute("PRAGMA trusted_schema = 0")
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _SQLITE_LENGTH_LIMIT)
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        # SQLite has no digest of its own; the guard lets no draft call it, only what the policy's masks put in
        connection.create_function("MD5", 1, _md5, deterministic=True)
        connection.set_progress_handler(_go_on, _SQLITE_STEPS_BETWEEN_CALLS)
        connection.set_authorizer(_sqlite_authorizer)
        return connection

    @contextmanager
    def reading(self, sql: str, *, plan: PlanForm | None = None) -> Iterator[ReadingCursor]:
        """See `Reader.reading`."""
        pooled = self.engine.raw_connection()
        try:
            connection = pooled.driver_connection
            assert isinstance(connection, sqlite3.Connection)  # noqa: S101 (narrows the pool's Any for the type checker)
            with time_limit(self._timeout_s, connection.interrupt):
                cursor = connection.execute(f"EXPLAIN QUERY PLAN {sql}" if plan else sql)
                try:
                    yield cursor
                finally:
                    cursor.close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:  # and not by the time limit, which says so itself
                raise KeyboardInterrupt from error
            raise
        finally:
            pooled.close()

    def close(self) -> None:
        """See `Reader.close`."""
        self.engine.dispose()


class _Aside:
    """A DuckDB cursor that works in a thread of its own, while the caller's waits for it.

    DuckDB looks for Ctrl-C between pieces of work, and one piece of a large join takes minutes; a thread that waits
    hears of it at once.
    """

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="affidavit-duckdb")

    def __enter__(self) -> _Aside:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.shutdown()

    @property
    def description(self) -> Any:
        """See `ReadingCursor`."""
        return self._cursor.description

    def execute(self, sql: str) -> None:
        """Run a statement."""
        self._wait_for(self._cursor.execute, sql)

    def fetchmany(self, size: int, /) -> Sequence[Sequence[Any]]:
        """See `ReadingCursor`; rows are made as they are fetched."""
        rows: Sequence[Sequence[Any]] = self._wait_for(self._cursor.fetchmany, size)
        return rows

    def _wait_for(self, work: Callable[..., Any], *given: object) -> Any:
        under_way = self._worker.submit(work, *given)
        try:
            return under_way.result()
        except KeyboardInterrupt:
            self._cursor.interrupt()
            while not wait((under_way,), INTERRUPT_AGAIN_S).done:
                self._cursor.interrupt()
            raise


class DuckdbReader:
    """A file opened read-only with its settings locked; one instance, and a cursor of it for every statement."""

    dialect = "duckdb"

    def __init__(self, url: URL, limits: GuardLimits, db_schema: str | None) -> None:
        duckdb = importlib.import_module("duckdb")
        wrapper = importlib.import_module("duckdb_engine").ConnectionWrapper
        self._root = duckdb.connect(
            url.database,
            read_only=True,
            config={
                "enable_external_access": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "allow_community_extensions": "false",
            },
        )
        self._root.execute("SET python_enable_replacements = false")  # else FROM name reads this program's variables
        self._root.execute("SET lock_configuration = true")
        self._schema = db_schema
        self._timeout_s = limits.timeout_s
        # Every pooled connection is a cursor of one read-only instance: DuckDB refuses a second configuration.
        self.engine = create_engine(
            url.set(query={}), creator=lambda: wrapper(self._cursor()), poolclass=QueuePool, pool_size=2
        )

    def _cursor(self) -> Any:
        cursor = self._root.cursor()
        if self._schema is not None:
            quoted = self._schema.replace('"', '""')
            cursor.execute(f'USE "{quoted}"')
        return cursor

    @contextmanager
    def reading(self, sql: str, *, plan: PlanForm | None = None) -> Iterator[ReadingCursor]:
        """See `Reader.reading`."""
        cursor = self._cursor()
        try:
            statements = cursor.extract_statements(sql)
            if len(statements) != 1:
                raise RefusedError(ErrorClass.MULTIPLE_STATEMENTS, "DuckDB reads this as more than one statement.")
            if statements[0].type.name != "SELECT":
                raise not_a_query("DuckDB", statements[0].type.name)
            with time_limit(self._timeout_s, cursor.interrupt), _Aside(cursor) as aside:
                aside.execute(f"{_DUCKDB_EXPLAIN[plan]} {sql}" if plan else sql)
                yield aside
        finally:
            cursor.interrupt()  # of a result that was not read to its end DuckDB would go on making rows
            cursor.close()

    def close(self) -> None:
        """See `Reader.close`."""
        self.engine.dispose()
        self._root.close()
