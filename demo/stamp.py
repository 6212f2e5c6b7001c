"""How a demo warehouse is told from anybody else's tables, and a finished one from one that was cut off.

SQLite carries the mark in two header fields made for it (`application_id`, `user_version`), the others at the end of
the comment on `Regions`, the table created first.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.schema import SetTableComment

from demo.schema import metadata

__all__ = ["State", "read", "write", "write_unfinished"]

_FORMAT = 1
"""Raise it whenever the same seed would give other rows."""
_APPLICATION_ID = 0x41464456  # "AFDV"
_UNFINISHED = "unfinished"
_CARRIER = "Regions"
_IN_COMMENT = re.compile(r" \[affidavit-demo (.+)\]$")
_FOLDING = ("sqlite", "duckdb", "mysql", "mariadb")


@dataclass(frozen=True)
class State:
    """What a database holds now."""

    mark: str | None
    """None when no demo warehouse is there."""
    ours: frozenset[str]
    """Tables and views with the demo's names."""
    others: frozenset[str]

    def holds(self, connection: Connection, orders: int, seed: int) -> bool:
        """True when it is the finished warehouse of that size and seed."""
        return self.mark == _mark(connection, orders, seed) and len(self.ours) == len(metadata.tables)


def read(connection: Connection) -> State:
    """Look without changing anything."""
    inspector = inspect(connection)
    found = {*inspector.get_table_names(), *inspector.get_view_names()}
    folding = connection.dialect.name in _FOLDING
    names = {name.lower() if folding else name for name in metadata.tables}
    ours = frozenset(name for name in found if (name.lower() if folding else name) in names)
    return State(_read_mark(connection, _CARRIER in found), ours, frozenset(found - ours))


def write(connection: Connection, orders: int, seed: int) -> None:
    """Mark the warehouse as finished."""
    _write(connection, _mark(connection, orders, seed))


def write_unfinished(connection: Connection) -> None:
    """Mark the warehouse as ours and not to be trusted yet."""
    _write(connection, _UNFINISHED)


def _mark(connection: Connection, orders: int, seed: int) -> str:
    words = f"{_FORMAT} orders={orders} seed={seed}"
    return str(zlib.crc32(words.encode()) >> 1) if connection.dialect.name == "sqlite" else words


def _read_mark(connection: Connection, has_carrier: bool) -> str | None:
    if not has_carrier:
        return None
    if connection.dialect.name == "sqlite":
        if connection.exec_driver_sql("PRAGMA application_id").scalar() != _APPLICATION_ID:
            return None
        return str(connection.exec_driver_sql("PRAGMA user_version").scalar())
    if connection.dialect.name == "duckdb":  # its dialect asks PostgreSQL's catalog, which DuckDB does not have
        query = text("SELECT comment FROM duckdb_tables() WHERE table_name = :name AND schema_name = current_schema()")
        comment = connection.execute(query, {"name": _CARRIER}).scalar()
    else:
        comment = inspect(connection).get_table_comment(_CARRIER)["text"]
    found = _IN_COMMENT.search(comment or "")
    return found.group(1) if found else None


def _write(connection: Connection, mark: str) -> None:
    if connection.dialect.name == "sqlite":
        number = int(mark) if mark.isdigit() else 0
        connection.exec_driver_sql(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {number}")
        return
    carrier = metadata.tables[_CARRIER].to_metadata(MetaData())
    carrier.comment = f"{carrier.comment} [affidavit-demo {mark}]"
    connection.execute(SetTableComment(carrier))
