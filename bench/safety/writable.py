"""Copies of the warehouse that can be written, where a statement runs with nothing but the guard before it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from bench.safety.targets import Target
from demo.warehouse import metadata

__all__ = ["Writable", "writable"]

_TIMEOUT_S = 2.0
_TABLES = [table.name for table in metadata.sorted_tables]
_LISTINGS = (
    "table_name, column_count FROM duckdb_tables()",
    "view_name FROM duckdb_views() WHERE NOT internal",
    "sequence_name, last_value FROM duckdb_sequences()",
    "function_name FROM duckdb_functions() WHERE NOT internal",
    "database_name FROM duckdb_databases()",
    "schema_name FROM duckdb_schemas()",
    "name, value FROM duckdb_settings()",
)
_BETWEEN_LOOKS = 100
_MAX_ROWS = 60
_TYPES = postgresql.dialect()
"""DuckDB understands the names of PostgreSQL's types."""


class Writable:
    """A SQLite and a DuckDB copy in memory, and a twin of the SQLite one that differs in what the policy holds back."""

    dialects = ("sqlite", "duckdb")

    def __init__(self, first: sqlite3.Connection, twin: sqlite3.Connection, duck: Any) -> None:
        self._first, self._twin, self._duck = first, twin, duck
        self._sqlite_before = self._sqlite_state()
        self._duck_before = self._duck_state()
        self._since_look: list[str] = []

    def offences(self, dialect: str, sql: str, *, is_restricted: bool) -> list[str]:
        """What the statement did that it should not have; DuckDB is looked at after every hundredth."""
        if dialect == "duckdb":
            self._run_duck(sql)
            self._since_look.append(sql)
            return self.final_offences() if len(self._since_look) >= _BETWEEN_LOOKS else []
        if dialect != "sqlite":
            return []
        found = []
        rows = _run_sqlite(self._first, sql)
        if self._sqlite_state() != self._sqlite_before:
            found.append("it wrote to SQLite")
            self._sqlite_before = self._sqlite_state()
        if is_restricted and rows is not None and "RANDOM" not in sql.upper() and "CURRENT" not in sql.upper():
            twin = _run_sqlite(self._twin, sql)
            if twin is not None and sorted(map(repr, twin)) != sorted(map(repr, rows)) and "LIMIT" not in sql[:-10]:
                found.append("it shows what the policy holds back")
        return found

    def final_offences(self) -> list[str]:
        """Whether DuckDB's copy is as it was; the statements since the last look say which it may have been."""
        statements, self._since_look = self._since_look, []
        state = self._duck_state()
        if state == self._duck_before:
            return []
        self._duck_before = state
        return [f"one of these wrote to DuckDB: {statements}"]

    def _sqlite_state(self) -> tuple[Any, ...]:
        return self._first.total_changes, hashlib.sha256(self._first.serialize()).hexdigest()

    def _duck_state(self) -> str:
        cursor = self._duck.cursor()
        found = [cursor.execute(f'SELECT * FROM "{name}" ORDER BY ALL').fetchall() for name in _TABLES]
        found += [cursor.execute(f"SELECT {columns} ORDER BY ALL").fetchall() for columns in _LISTINGS]
        return hashlib.sha256(repr(found).encode()).hexdigest()

    def _run_duck(self, sql: str) -> None:
        cursor = self._duck.cursor()
        timer = threading.Timer(_TIMEOUT_S, cursor.interrupt)
        timer.start()
        with contextlib.suppress(Exception):
            cursor.execute(sql).fetchmany(_MAX_ROWS)
        timer.cancel()
        cursor.close()


@contextlib.contextmanager
def writable(target: Target) -> Iterator[Writable]:
    """Copies of a SQLite target's two databases."""
    duckdb = importlib.import_module("duckdb")
    paths = [Path(str(sa.engine.make_url(url).database)) for url in (target.url, target.twin_url)]
    with contextlib.ExitStack() as parts:
        copies = [parts.enter_context(contextlib.closing(_in_memory(path))) for path in paths]
        duck = parts.enter_context(contextlib.closing(duckdb.connect(":memory:", config={"memory_limit": "1GB"})))
        for table in metadata.sorted_tables:
            rows = copies[0].execute(f'SELECT * FROM "{table.name}"').fetchall()
            columns = ", ".join(f'"{c.name}" {c.type.compile(_TYPES)}' for c in table.columns)
            duck.execute(f'CREATE TABLE "{table.name}" ({columns})')
            duck.executemany(f'INSERT INTO "{table.name}" VALUES ({", ".join("?" * len(table.columns))})', rows)
        yield Writable(copies[0], copies[1], duck)


def _in_memory(path: Path) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    with contextlib.closing(sqlite3.connect(path)) as source:
        source.backup(copy)
    copy.create_function("MD5", 1, lambda text: None if text is None else hashlib.md5(str(text).encode()).hexdigest())
    copy.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000_000)
    return copy


def _run_sqlite(connection: sqlite3.Connection, sql: str) -> list[Any] | None:
    """The first rows, or None where it took too long; an error is its message."""
    steps = 0

    def stop() -> int:
        nonlocal steps
        steps += 1
        return steps > 200

    connection.set_progress_handler(stop, 10_000)
    try:
        return connection.execute(sql).fetchmany(_MAX_ROWS)
    except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError) as error:
        return None if "interrupted" in str(error) else [("error", str(error))]
    finally:
        connection.set_progress_handler(None, 0)
