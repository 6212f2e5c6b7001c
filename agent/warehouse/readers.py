"""One reader per database engine: how that engine itself is made to refuse everything but reading.

The guard proves a statement harmless before it comes here, and none of that is trusted here. Each reader leans
on what its engine can enforce, so that a write fails even when the guard is bypassed:

    SQLite      file opened `mode=ro`, `query_only`, and an authorizer that permits reading and nothing else
    DuckDB      opened read-only, no external access, no extensions, settings locked; its own parser must say
                that the text is exactly one SELECT
    PostgreSQL  `BEGIN READ ONLY`, the statement declared as a cursor (only a SELECT can be one, and the extended
                protocol takes one statement at a time), statement and lock timeouts, always rolled back
    MariaDB     `START TRANSACTION READ ONLY`, one statement per packet, statement time limit, session settings
    and MySQL   pinned; the first word must open a query, because that transaction does not stop SET, KILL or files
"""

from __future__ import annotations

import importlib
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

from agent.errors import ErrorClass, RefusedError
from agent.settings import GuardLimits

__all__ = ["Reader", "ReadingCursor", "open_reader"]

_CONNECT_TIMEOUT_S = 10
_LOCK_TIMEOUT_S = 5
_GRACE_S = 1.0
"""A server that enforces its own time limit gets this much longer before the client cuts it off."""
_SQLITE_LENGTH_LIMIT = 64_000_000


class ReadingCursor(Protocol):
    """The part of a DB-API cursor that reading needs."""

    @property
    def description(self) -> Any:
        """One sequence per column, its name first; None when the statement gave no rows at all."""

    def fetchmany(self, size: int, /) -> Sequence[Sequence[Any]]:
        """Up to `size` further rows."""


class Reader(Protocol):
    """One engine, opened so that it can only read."""

    dialect: str
    engine: Engine

    @contextmanager
    def reading(self, sql: str, *, plan: bool = False) -> Iterator[ReadingCursor]:
        """Run `sql` (or, with `plan`, EXPLAIN it) under the time limit; what it touched is undone on leaving.

        Raises TimeoutError when the limit cut it off, RefusedError when it is no query, or the driver's own error.
        """

    def close(self) -> None:
        """Give every connection back."""


def open_reader(url: URL, limits: GuardLimits, db_schema: str | None) -> Reader:
    """The reader for this URL's engine. Connects at the first use, not here (DuckDB: here)."""
    if url.get_backend_name() == "sqlite":
        return _SqliteReader(url, limits)
    if url.get_backend_name() == "duckdb":
        return _DuckdbReader(url, limits, db_schema)
    if url.get_backend_name() == "postgresql":
        return _PostgresReader(url, limits, db_schema)
    return _MysqlReader(url, limits, db_schema)


@contextmanager
def _time_limit(seconds: float, interrupt: Callable[[], object]) -> Iterator[None]:
    """Call `interrupt` from another thread after `seconds`, and turn what that causes into TimeoutError."""
    fired = threading.Event()

    def cut_off() -> None:
        fired.set()
        interrupt()

    timer = threading.Timer(seconds, cut_off)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if fired.is_set():
            raise TimeoutError(f"The statement ran longer than {seconds:g} s and was stopped.") from error
        raise
    finally:
        timer.cancel()


_QUERY_OPENINGS = frozenset({"select", "with", "values", "table"})


def _require_query(product: str, sql: str) -> None:
    opening = _first_word(sql)
    if opening not in _QUERY_OPENINGS:
        raise _not_a_query(product, opening.upper() or "nothing")


def _first_word(sql: str) -> str:
    """The statement's first word, lower case, past white space, opening parentheses and comments."""
    at = 0
    while at < len(sql):
        if sql[at].isspace() or sql[at] == "(":
            at += 1
            continue
        ending = "*/" if sql.startswith("/*", at) else "\n" if sql.startswith(("--", "#"), at) else ""
        if not ending:
            break
        end = sql.find(ending, at + 2)
        at = len(sql) if end < 0 else end + len(ending)
    word = re.match(r"\w+", sql[at:])
    return word.group().lower() if word else ""


def _not_a_query(product: str, what: str) -> RefusedError:
    return RefusedError(ErrorClass.NOT_READ_ONLY, f"{product} was asked to run something that is not a query ({what}).")


# --- SQLite -----------------------------------------------------------------------------------------------------

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


class _SqliteReader:
    dialect = "sqlite"

    def __init__(self, url: URL, limits: GuardLimits) -> None:
        self._uri = "file:" + quote(str(Path(url.database or "").absolute())) + "?mode=ro"
        self._timeout_s = limits.timeout_s
        self.engine = create_engine(url.set(query={}), creator=self._connect, poolclass=QueuePool, pool_size=2)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._uri, uri=True, timeout=_LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA query_only = 1")
        connection.execute("PRAGMA trusted_schema = 0")
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _SQLITE_LENGTH_LIMIT)
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        connection.set_authorizer(_sqlite_authorizer)
        return connection

    @contextmanager
    def reading(self, sql: str, *, plan: bool = False) -> Iterator[ReadingCursor]:
        pooled = self.engine.raw_connection()
        try:
            connection = pooled.driver_connection
            assert isinstance(connection, sqlite3.Connection)  # noqa: S101 (narrows the pool's Any for the type checker)
            with _time_limit(self._timeout_s, connection.interrupt):
                cursor = connection.execute(f"EXPLAIN QUERY PLAN {sql}" if plan else sql)
                try:
                    yield cursor
                finally:
                    cursor.close()
        finally:
            pooled.close()

    def close(self) -> None:
        self.engine.dispose()


# --- DuckDB -----------------------------------------------------------------------------------------------------


class _DuckdbReader:
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
    def reading(self, sql: str, *, plan: bool = False) -> Iterator[ReadingCursor]:
        cursor = self._cursor()
        try:
            statements = cursor.extract_statements(sql)
            if len(statements) != 1:
                raise RefusedError(ErrorClass.MULTIPLE_STATEMENTS, "DuckDB reads this as more than one statement.")
            if statements[0].type.name != "SELECT":
                raise _not_a_query("DuckDB", statements[0].type.name)
            with _time_limit(self._timeout_s, cursor.interrupt):
                cursor.execute(f"EXPLAIN {sql}" if plan else sql)
                yield cursor
        finally:
            cursor.close()

    def close(self) -> None:
        self.engine.dispose()
        self._root.close()


# --- PostgreSQL -------------------------------------------------------------------------------------------------


class _PostgresReader:
    dialect = "postgres"

    def __init__(self, url: URL, limits: GuardLimits, db_schema: str | None) -> None:
        settings = {
            "default_transaction_read_only": "on",
            "statement_timeout": str(max(1, round(limits.timeout_s * 1000))),
            "lock_timeout": str(_LOCK_TIMEOUT_S * 1000),
            "standard_conforming_strings": "on",  # the guard reads '\' as one plain character
            "cursor_tuple_fraction": "1.0",  # plan for all rows, as the same statement outside a cursor would be
        }
        if db_schema is not None:
            settings["search_path"] = '"' + db_schema.replace('"', '""') + '"'
        given = url.query.get("options")
        own = " ".join(f"-c {key}={_escaped_option(value)}" for key, value in settings.items())
        options = f"{given} {own}" if isinstance(given, str) else own
        self._timeout_s = limits.timeout_s
        self.engine = create_engine(
            url.difference_update_query(["options"]),
            pool_size=2,
            connect_args={
                "options": options,
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "prepare_threshold": None,
                "application_name": "affidavit",
            },
        )

        @event.listens_for(self.engine, "connect")
        def _read_only(connection: Any, _record: Any) -> None:
            connection.read_only = True  # psycopg now opens every transaction with BEGIN READ ONLY

    @contextmanager
    def reading(self, sql: str, *, plan: bool = False) -> Iterator[ReadingCursor]:
        _require_query("PostgreSQL", sql)
        pooled = self.engine.raw_connection()
        connection: Any = pooled.driver_connection
        cursor = connection.cursor() if plan else connection.cursor(name="affidavit_read")
        try:
            with _time_limit(self._timeout_s + _GRACE_S, connection.cancel):
                if plan:
                    cursor.execute(f"EXPLAIN {sql}", prepare=True)  # prepared: one statement only
                else:
                    cursor.execute(sql)
                yield cursor
        finally:
            _leave_session(connection, cursor)
            if connection.closed:
                pooled.invalidate()
            pooled.close()

    def close(self) -> None:
        self.engine.dispose()


def _escaped_option(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def _leave_session(connection: Any, cursor: Any) -> None:
    """Undo, and drop what a statement may have left on the session (settings, locks) before it is used again."""
    failure = importlib.import_module("psycopg").Error
    try:
        if not connection.closed:
            connection.rollback()
            connection.autocommit = True
            connection.execute("DISCARD ALL")
            connection.autocommit = False
    except failure:
        connection.close()  # nobody knows what state it is in
    finally:
        cursor.close()


# --- MariaDB and MySQL ------------------------------------------------------------------------------------------

_MYSQL_ESCAPES = re.compile(r"/\*M?!|\b(?:outfile|dumpfile|load_file)\b", re.I)
_MYSQL_SQL_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""Pinned, because ANSI_QUOTES, PIPES_AS_CONCAT or NO_BACKSLASH_ESCAPES would make the server read another statement
than the one the guard read."""


class _MysqlReader:
    dialect = "mysql"

    def __init__(self, url: URL, limits: GuardLimits, db_schema: str | None) -> None:
        self._timeout_s = limits.timeout_s
        target = url.set(database=db_schema) if db_schema else url
        self.engine = create_engine(
            target,
            pool_size=2,
            pool_pre_ping=True,  # servers drop idle sessions after wait_timeout
            connect_args={
                "charset": "utf8mb4",
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "read_timeout": max(1, round(limits.timeout_s + 2 * _GRACE_S)),
                "local_infile": False,
            },
        )
        event.listen(self.engine, "connect", self._pin_session)

    def _pin_session(self, connection: Any, _record: Any) -> None:
        seconds = self._timeout_s
        is_mariadb = "mariadb" in str(connection.get_server_info()).lower()
        limit = f"max_statement_time = {seconds}" if is_mariadb else f"max_execution_time = {round(seconds * 1000)}"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SET SESSION {limit}, SESSION lock_wait_timeout = {_LOCK_TIMEOUT_S}, "
                f"SESSION innodb_lock_wait_timeout = {_LOCK_TIMEOUT_S}, SESSION sql_mode = '{_MYSQL_SQL_MODE}'"
            )
            cursor.execute("SET SESSION TRANSACTION READ ONLY")

    @contextmanager
    def reading(self, sql: str, *, plan: bool = False) -> Iterator[ReadingCursor]:
        _require_query("MariaDB/MySQL", sql)
        escape = _MYSQL_ESCAPES.search(sql)
        if escape:
            raise _not_a_query("MariaDB/MySQL", escape.group())
        unbuffered = importlib.import_module("pymysql.cursors").SSCursor
        pooled = self.engine.raw_connection()
        connection: Any = pooled.driver_connection
        try:
            with _time_limit(self._timeout_s + _GRACE_S, lambda: _hang_up(connection)):
                with connection.cursor() as cursor:
                    cursor.execute("START TRANSACTION READ ONLY")
                cursor = connection.cursor(unbuffered)
                cursor.execute(f"EXPLAIN {sql}" if plan else sql)
                yield cursor
        finally:
            if connection.open and not _is_streaming(connection):
                connection.rollback()
            else:  # closing an unbuffered cursor would first read every row left, so the line is cut instead
                _hang_up(connection)
                pooled.invalidate()
            pooled.close()

    def close(self) -> None:
        self.engine.dispose()


def _is_streaming(connection: Any) -> bool:
    return connection._result is not None and bool(connection._result.unbuffered_active)


def _hang_up(connection: Any) -> None:
    """Close the socket without reading what is still under way on it."""
    if connection._result is not None:
        connection._result.unbuffered_active = False
    connection._force_close()
