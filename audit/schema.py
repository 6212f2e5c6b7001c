"""The ledger's tables as the program reads and writes them; `audit.migrations` is what makes them.

Beside them stand triggers that make the database itself refuse what plain SQL could do by accident: no UPDATE, no
DELETE, no TRUNCATE, and no row that does not follow the newest one. Somebody who owns the database can drop them; that
is what `audit.custody`, `audit.verify` and checkpoints are for.

`ledger_subtrees` holds hashes that follow from the records (see `audit.tree`).
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    inspect,
)
from sqlalchemy.dialects import postgresql, sqlite

__all__ = [
    "COLUMNS",
    "TABLE_NAME",
    "has_schema",
    "insert_new",
    "metadata",
    "records_table",
    "subtrees_table",
    "triggers_of",
]

TABLE_NAME: Final = "ledger_records"

metadata = MetaData()

records_table = Table(
    TABLE_NAME,
    metadata,
    Column("workspace", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("run_id", Text, nullable=True),
    Column("actor", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
COLUMNS: Final = tuple(column.name for column in records_table.columns)

subtrees_table = Table(
    "ledger_subtrees",
    metadata,
    Column("workspace", Text, primary_key=True),
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
)

_c = records_table.c
Index(f"{TABLE_NAME}_run", _c.workspace, _c.run_id, _c.sequence)
Index(f"{TABLE_NAME}_kind", _c.workspace, _c.kind, _c.sequence)
# A run starts once and ends once; a second answer could be passed off as the one that was reviewed.
for _kind in ("run.started", "run.answered"):
    _where = _c.kind == _kind
    Index(
        f"{TABLE_NAME}_one_{_kind.partition('.')[2]}",
        _c.workspace,
        _c.run_id,
        unique=True,
        sqlite_where=_where,
        postgresql_where=_where,
    )


def has_schema(connection: Connection) -> bool:
    """Whether the ledger's table is there."""
    return inspect(connection).has_table(TABLE_NAME)


def insert_new(connection: Connection, table: Table) -> Any:
    """An INSERT that leaves a row which is there already as it is."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()


def triggers_of(dialect: str) -> frozenset[str]:
    """The names of the triggers that must stand on the records in a database of this dialect."""
    ends = ("no_update", "no_delete", "follows") if dialect == "sqlite" else ("no_change", "no_truncate", "follows")
    return frozenset(f"{TABLE_NAME}_{end}" for end in ends)
