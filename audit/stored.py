"""The ledger's rows as they lie in the database, before anything about them is believed.

Reading for use goes through indexes and trusts columns; reading to verify may not. SQLite's rows are taken in the
order of the table itself, PostgreSQL's in one repeatable-read transaction.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, Final

from sqlalchemy import Connection, Select, select, text, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import NullType

from audit.engine import is_damage
from audit.errors import SealError
from audit.record import Record, envelope_of, read_record
from audit.schema import COLUMNS, TABLE_NAME, records_table
from audit.seal import is_canonical

__all__ = ["file_damage", "newest_rows", "read_stored", "rows_after", "stored_rows"]

_PROJECTIONS: Final = tuple(name for name in COLUMNS if name not in ("workspace", "payload", "hash"))
_FETCH: Final = 500


def stored_rows(connection: Connection, workspace: str) -> Generator[Any, None, None]:
    """The workspace's rows, untyped, one after another, in one read transaction; close it to end the query early.

    Raises:
        SealError: the database says that its own file is damaged.
    """
    try:
        if connection.dialect.name == "sqlite":
            yield from _sqlite_rows(connection, workspace)
        else:
            yield from _postgresql_rows(connection, workspace)
    except DBAPIError as error:
        if is_damage(error):
            raise SealError(f"the database is damaged ({error.orig})") from error
        raise


def rows_after(connection: Connection, workspace: str, sequence: int) -> Generator[Any, None, None]:
    """The workspace's rows beyond a sequence, untyped, in order, found through the index, in one read transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    query = _untyped(workspace).where(records_table.c.sequence > sequence).order_by(records_table.c.sequence)
    with connection.execute(query, execution_options={"yield_per": _FETCH}) as result:
        yield from result


def newest_rows(connection: Connection, workspace: str, count: int) -> list[Any]:
    """The workspace's last `count` rows, untyped, oldest first; unlike `stored_rows` found through the index."""
    query = _untyped(workspace).order_by(records_table.c.sequence.desc()).limit(count)
    return list(connection.execute(query))[::-1]


def read_stored(row: Any, workspace: str) -> Record:
    """The record in a row, after its bytes were checked against hash, canonical form and every column.

    Raises:
        SealError: what does not hold.
    """
    if not isinstance(row.payload, bytes):
        raise SealError("what is stored as its bytes is something else")
    record = read_record(row.payload, workspace=workspace)
    if record.hash != row.hash:
        raise SealError("its bytes do not give the hash stored with them")
    if not is_canonical(row.payload, envelope_of(record, workspace)):
        raise SealError("its bytes are not canonical")
    if row.workspace != workspace:
        raise SealError(f"its column workspace says {row.workspace!a:.80}, its bytes say {workspace!a:.80}")
    for name in _PROJECTIONS:
        stored, sealed = getattr(row, name), getattr(record, name)
        if stored != sealed:
            raise SealError(f"its column {name} says {stored!a:.80}, its bytes say {sealed!a:.80}")
    return record


def file_damage(connection: Connection) -> str:
    """What SQLite's own check says is wrong, empty if nothing: an index beside its table would make look-ups lie."""
    if connection.dialect.name != "sqlite":
        return ""
    said = str(connection.execute(text("PRAGMA integrity_check(1)")).scalar_one())
    return "" if said == "ok" else said


def _sqlite_rows(connection: Connection, workspace: str) -> Iterator[Any]:
    # No index may hide a row; and row by row, so that a damaged page takes no good record before it along.
    query = text(f"SELECT {', '.join(COLUMNS)} FROM {TABLE_NAME} NOT INDEXED ORDER BY rowid")
    with connection.execute(query) as result:
        for row in result:
            if row.workspace == workspace or _belongs(row.payload, workspace):
                yield row


def _postgresql_rows(connection: Connection, workspace: str) -> Iterator[Any]:
    connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    query = _untyped(workspace).order_by(records_table.c.sequence)
    with connection.execute(query, execution_options={"stream_results": True, "yield_per": _FETCH}) as result:
        yield from result


def _untyped(workspace: str) -> Select[*tuple[Any, ...]]:
    """The workspace's rows as they are stored: a damaged column may hold what its type does not allow."""
    columns = [type_coerce(column, NullType()).label(column.name) for column in records_table.c]
    return select(*columns).where(records_table.c.workspace == workspace)


def _belongs(payload: Any, workspace: str) -> bool:
    """Whether a row filed under another workspace holds one of our records."""
    try:
        read_record(payload, workspace=workspace)
    except (SealError, TypeError):
        return False
    return True
