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

from sqlalchemy.engine import URL

from agent.settings import GuardLimits
from agent.warehouse.file_readers import DuckdbReader, SqliteReader
from agent.warehouse.reading import Reader
from agent.warehouse.server_readers import MysqlReader, PostgresReader

__all__ = ["open_reader"]


def open_reader(url: URL, limits: GuardLimits, db_schema: str | None) -> Reader:
    """The reader for this URL's engine. Connects at the first use, not here (DuckDB: here)."""
    if url.get_backend_name() == "sqlite":
        return SqliteReader(url, limits)
    if url.get_backend_name() == "duckdb":
        return DuckdbReader(url, limits, db_schema)
    if url.get_backend_name() == "postgresql":
        return PostgresReader(url, limits, db_schema)
    return MysqlReader(url, limits, db_schema)
