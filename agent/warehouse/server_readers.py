"""Readers of databases on a server: PostgreSQL, and MariaDB with MySQL.

A session outlives the statement here, so a reader also undoes whatever the statement may have left on it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL

from agent.settings import GuardLimits
from agent.warehouse.reading import (
    CONNECT_TIMEOUT_S,
    GRACE_S,
    LOCK_TIMEOUT_S,
    ReadingCursor,
    not_a_query,
    require_query,
    time_limit,
)

__all__ = ["MysqlReader", "PostgresReader"]

_MYSQL_ESCAPES = re.compile(r"/\*M?!|\b(?:outfile|dumpfile|load_file|get_lock)\b", re.I)
_MYSQL_SQL_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""Pinned, because ANSI_QUOTES, PIPES_AS_CONCAT or NO_BACKSLASH_ESCAPES would make the server read another statement
than the one the guard read."""


class PostgresReader:
    """Read-only transactions that are rolled back, and a session that is cleaned after each of them."""

    dialect = "postgres"

    def __init__(self, url: URL, limits: GuardLimits, db_schema: str | None) -> None:
        self._timeout_s = limits.timeout_s
        self.engine = create_engine(
            url.difference_update_query(["options"]),
            pool_size=2,
            pool_pre_ping=True,  # a server that was restarted has closed every session, not only the one that failed
            connect_args={
                "options": _session_options(url, limits, db_schema),
                "connect_timeout": CONNECT_TIMEOUT_S,
                "prepare_threshold": None,
                "application_name": "affidavit",
            },
        )

        @event.listens_for(self.engine, "connect")
        def _read_only(connection: Any, _record: Any) -> None:
            connection.read_only = True  # psycopg now opens every transaction with BEGIN READ ONLY

    @contextmanager
    def reading(self, sql: str, *, plan: bool = False) -> Iterator[ReadingCursor]:
        """See `Reader.reading`."""
        require_query("PostgreSQL", sql)
        pooled = self.engine.raw_connection()
        connection: Any = pooled.driver_connection
        cursor = connection.cursor() if plan else connection.cursor(name="affidavit_read")
        try:
            with time_limit(self._timeout_s + GRACE_S, connection.cancel):
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
        """See `Reader.close`."""
        self.engine.dispose()


def _session_options(url: URL, limits: GuardLimits, db_schema: str | None) -> str:
    """libpq's `options`: the URL's own, then our settings, which come last and so win."""
    settings = {
        "default_transaction_read_only": "on",
        "statement_timeout": str(max(1, round(limits.timeout_s * 1000))),
        "lock_timeout": str(LOCK_TIMEOUT_S * 1000),
        "standard_conforming_strings": "on",  # the guard reads '\' as one plain character
        "cursor_tuple_fraction": "1.0",  # plan for all rows, as the same statement outside a cursor would be
    }
    if db_schema is not None:
        settings["search_path"] = '"' + db_schema.replace('"', '""') + '"'
    given = url.query.get("options")
    own = " ".join(f"-c {key}={_escaped_option(value)}" for key, value in settings.items())
    return f"{given} {own}" if isinstance(given, str) else own


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


class MysqlReader:
    """Read-only transactions on sessions with pinned settings; rows are streamed, so a cut result hangs up."""

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
                "connect_timeout": CONNECT_TIMEOUT_S,
                "read_timeout": max(1, round(limits.timeout_s + 2 * GRACE_S)),
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
                f"SET SESSION {limit}, SESSION lock_wait_timeout = {LOCK_TIMEOUT_S}, "
                f"SESSION innodb_lock_wait_timeout = {LOCK_TIMEOUT_S}, SESSION sql_mode = '{_MYSQL_SQL_MODE}'"
            )
            cursor.execute("SET SESSION TRANSACTION READ ONLY")

    @contextmanager
    def reading(self, sql: str, *, plan: bool = False) -> Iterator[ReadingCursor]:
        """See `Reader.reading`."""
        require_query("MariaDB/MySQL", sql)
        escape = _MYSQL_ESCAPES.search(sql)
        if escape:
            raise not_a_query("MariaDB/MySQL", escape.group())
        unbuffered = importlib.import_module("pymysql.cursors").SSCursor
        pooled = self.engine.raw_connection()
        connection: Any = pooled.driver_connection
        try:
            with time_limit(self._timeout_s + GRACE_S, lambda: _hang_up(connection)):
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
        """See `Reader.close`."""
        self.engine.dispose()


def _is_streaming(connection: Any) -> bool:
    return connection._result is not None and bool(connection._result.unbuffered_active)


def _hang_up(connection: Any) -> None:
    """Close the socket without reading what is still under way on it."""
    if connection._result is not None:
        connection._result.unbuffered_active = False
    connection._force_close()
