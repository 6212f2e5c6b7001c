"""Readers of databases on a server: PostgreSQL, and MariaDB with MySQL.

A session outlives the statement here, so a reader also undoes whatever the statement may have left on it. And a server
does not notice by itself that nobody waits for its answer any more: whoever stops waiting has to tell it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL

from agent.settings import GuardLimits
from agent.warehouse.reading import (
    CONNECT_TIMEOUT_S,
    GRACE_S,
    LOCK_TIMEOUT_S,
    PlanForm,
    ReadingCursor,
    not_a_query,
    require_query,
    time_limit,
)

__all__ = ["MysqlReader", "PostgresReader"]

_log = structlog.get_logger(__name__)

_POSTGRES_EXPLAIN: dict[PlanForm, str] = {"text": "EXPLAIN", "data": "EXPLAIN (FORMAT JSON)"}
_MYSQL_EXPLAIN: dict[PlanForm, str] = {"text": "EXPLAIN", "data": "EXPLAIN FORMAT=JSON"}
_KILLING_TIMEOUTS = {"connect_timeout": CONNECT_TIMEOUT_S, "read_timeout": CONNECT_TIMEOUT_S}
_NO_SUCH_THREAD = 1094
_LAST_PACKET_S = 0.05
"""How long the end of a result is waited for; it comes with the last row."""
_MYSQL_ESCAPES = re.compile(r"/\*M?!|\b(?:outfile|dumpfile|load_file|get_lock)\b", re.I)
_MYSQL_SQL_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""Pinned, because ANSI_QUOTES, PIPES_AS_CONCAT or NO_BACKSLASH_ESCAPES would make the server read another statement
than the one the guard read."""


class PostgresReader:
    """Read-only transactions that are rolled back, and a session that is cleaned after each of them."""

    dialect = "postgres"

    def __init__(self, url: URL, limits: GuardLimits, db_schema: str | None) -> None:
        self._timeout_s = limits.timeout_s
        self._path = "" if db_schema is None else _search_path((db_schema,))
        self.engine = create_engine(
            url.difference_update_query(["options"]),
            pool_size=2,
            pool_pre_ping=True,  # a server that was restarted has closed every session, not only the one that failed
            connect_args={
                "options": _session_options(url, limits),
                "connect_timeout": CONNECT_TIMEOUT_S,
                "prepare_threshold": None,
                "application_name": "affidavit",
            },
        )

        @event.listens_for(self.engine, "connect")
        def _read_only(connection: Any, _record: Any) -> None:
            connection.read_only = True  # psycopg now opens every transaction with BEGIN READ ONLY
            self._pin_path(connection)

    def _pin_path(self, connection: Any) -> None:
        """Hold on to the schemas in which the first session found its tables, with temporary ones last.

        A name must go on meaning the table that memory read and the policy names, also after somebody has made a
        schema of the account's name, which by default comes before `public`.
        """
        connection.autocommit = True
        if not self._path:
            ((schemas,),) = connection.execute("SELECT current_schemas(false)").fetchall()
            self._path = _search_path(schemas)
        connection.execute(f"SET search_path = {self._path}")
        connection.autocommit = False

    @contextmanager
    def reading(self, sql: str, *, plan: PlanForm | None = None) -> Iterator[ReadingCursor]:
        """See `Reader.reading`."""
        require_query("PostgreSQL", sql)
        pooled = self.engine.raw_connection()
        connection: Any = pooled.driver_connection
        cursor = connection.cursor() if plan else connection.cursor(name="affidavit_read")
        try:
            with time_limit(self._timeout_s + GRACE_S, connection.cancel):
                if plan:
                    cursor.execute(f"{_POSTGRES_EXPLAIN[plan]} {sql}", prepare=True)  # prepared: one statement only
                else:
                    cursor.execute(sql)
                yield cursor
        finally:
            self._leave_session(connection, cursor)
            if connection.closed:
                pooled.invalidate()
            pooled.close()

    def close(self) -> None:
        """See `Reader.close`."""
        self.engine.dispose()

    def _leave_session(self, connection: Any, cursor: Any) -> None:
        """Undo, and drop what a statement may have left on the session (settings, locks) before it is used again."""
        failure = importlib.import_module("psycopg").Error
        try:
            if not connection.closed:
                connection.rollback()
                connection.autocommit = True
                connection.execute("DISCARD ALL")
                self._pin_path(connection)
        except failure:
            connection.close()  # nobody knows what state it is in
        finally:
            cursor.close()


def _search_path(schemas: Iterable[str]) -> str:
    quoted = ('"' + schema.replace('"', '""') + '"' for schema in schemas)
    return ", ".join((*quoted, "pg_temp"))


def _session_options(url: URL, limits: GuardLimits) -> str:
    """libpq's `options`: the URL's own, then our settings, which come last and so win."""
    settings = {
        "default_transaction_read_only": "on",
        "statement_timeout": str(max(1, round(limits.timeout_s * 1000))),
        "lock_timeout": str(LOCK_TIMEOUT_S * 1000),
        "standard_conforming_strings": "on",  # the guard reads '\' as one plain character
        "cursor_tuple_fraction": "1.0",  # plan for all rows, as the same statement outside a cursor would be
    }
    given = url.query.get("options")
    own = " ".join(f"-c {key}={_escaped_option(value)}" for key, value in settings.items())
    return f"{given} {own}" if isinstance(given, str) else own


def _escaped_option(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


class MysqlReader:
    """Read-only transactions on sessions with pinned settings; rows are streamed, so a cut result hangs up."""

    dialect = "mysql"

    def __init__(self, url: URL, limits: GuardLimits, db_schema: str | None) -> None:
        self._timeout_s = limits.timeout_s
        target = url.set(database=db_schema) if db_schema else url
        self._connect_args: dict[str, Any] = {
            "charset": "utf8mb4",
            "connect_timeout": CONNECT_TIMEOUT_S,
            "read_timeout": max(1, round(limits.timeout_s + 2 * GRACE_S)),
            "local_infile": False,
        }
        self.engine = create_engine(
            target,
            pool_size=2,
            pool_pre_ping=True,  # servers drop idle sessions after wait_timeout
            connect_args=self._connect_args,
        )
        event.listen(self.engine, "connect", self._pin_session)

    def _pin_session(self, connection: Any, _record: Any) -> None:
        seconds = self._timeout_s
        is_mariadb = "mariadb" in str(connection.get_server_info()).lower()
        limit = f"max_statement_time = {seconds}" if is_mariadb else f"max_execution_time = {round(seconds * 1000)}"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SET SESSION {limit}, SESSION lock_wait_timeout = {LOCK_TIMEOUT_S}, "
                f"SESSION innodb_lock_wait_timeout = {LOCK_TIMEOUT_S}, SESSION sql_mode = '{_MYSQL_SQL_MODE}'"
            )
            cursor.execute("SET SESSION TRANSACTION READ ONLY")

    @contextmanager
    def reading(self, sql: str, *, plan: PlanForm | None = None) -> Iterator[ReadingCursor]:
        """See `Reader.reading`."""
        require_query("MariaDB/MySQL", sql)
        escape = _MYSQL_ESCAPES.search(sql)
        if escape:
            raise not_a_query("MariaDB/MySQL", escape.group())
        unbuffered = importlib.import_module("pymysql.cursors").SSCursor
        pooled = self.engine.raw_connection()
        connection: Any = pooled.driver_connection
        try:
            with time_limit(self._timeout_s + GRACE_S, lambda: self._kill(connection, "QUERY")):
                with connection.cursor() as cursor:
                    cursor.execute("START TRANSACTION READ ONLY")
                cursor = connection.cursor(unbuffered)
                cursor.execute(f"{_MYSQL_EXPLAIN[plan]} {sql}" if plan else sql)
                yield cursor
        finally:
            if connection.open and (not _is_streaming(connection) or _ends_here(connection)):
                connection.rollback()
            else:  # closing an unbuffered cursor would first read every row left, so the line is cut instead
                _hang_up(connection)
                self._kill(connection, "CONNECTION")
                pooled.invalidate()
            pooled.close()

    def _kill(self, connection: Any, what: str) -> None:
        """Have the server stop a statement of ours, over a line of its own; an account may always stop its own.

        Of a line that was cut it would hear only when it next has a row to send.
        """
        pymysql = importlib.import_module("pymysql")
        given, named = self.engine.dialect.create_connect_args(self.engine.url)
        settings = {**named, **self._connect_args, **_KILLING_TIMEOUTS}
        try:
            with pymysql.connect(*given, **settings) as second, second.cursor() as cursor:
                cursor.execute(f"KILL {what} {int(connection.thread_id())}")
        except pymysql.MySQLError as error:  # ended by itself, or out of reach; its own time limit holds there
            if error.args[:1] != (_NO_SUCH_THREAD,):
                _log.warning("warehouse.not_killed", driver_error=type(error).__name__)
            _hang_up(connection)

    def close(self) -> None:
        """See `Reader.close`."""
        self.engine.dispose()


def _is_streaming(connection: Any) -> bool:
    return connection._result is not None and bool(connection._result.unbuffered_active)


def _ends_here(connection: Any) -> bool:
    """Whether nothing is left of a result: one with a LIMIT of one row more than is shown ends so."""
    usual, connection._read_timeout = connection._read_timeout, _LAST_PACKET_S
    try:
        return connection._result._read_rowdata_packet_unbuffered() is None
    except importlib.import_module("pymysql").MySQLError:
        return False
    finally:
        connection._read_timeout = usual


def _hang_up(connection: Any) -> None:
    """Close the socket without reading what is still under way on it."""
    if connection._result is not None:
        connection._result.unbuffered_active = False
    connection._force_close()
