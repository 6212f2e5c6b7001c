"""The ledger's table, the triggers that make the database itself refuse to change it, and a table of derived hashes.

The triggers stop accidents and plain SQL: no UPDATE, no DELETE, no TRUNCATE, and no row that does not follow the
newest one. Somebody who owns the database can drop them; that is what `audit.verify` and checkpoints are for.

`ledger_subtrees` holds hashes that follow from the records (see `audit.tree`); a ledger from before it gets it when its
next checkpoint is written, and no record is touched.
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
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

__all__ = [
    "COLUMNS",
    "TABLE_NAME",
    "create_schema",
    "create_subtrees",
    "has_schema",
    "insert_new",
    "metadata",
    "records_table",
    "subtrees_table",
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

_SQLITE_TRIGGERS = (
    f"""CREATE TRIGGER IF NOT EXISTS {TABLE_NAME}_no_update BEFORE UPDATE ON {TABLE_NAME}
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: no record may be changed'); END""",
    f"""CREATE TRIGGER IF NOT EXISTS {TABLE_NAME}_no_delete BEFORE DELETE ON {TABLE_NAME}
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: no record may be deleted'); END""",
    # Also what stops INSERT OR REPLACE, which deletes a row without firing the trigger above.
    f"""CREATE TRIGGER IF NOT EXISTS {TABLE_NAME}_follows BEFORE INSERT ON {TABLE_NAME}
        WHEN NEW.sequence <> 1 + COALESCE(
               (SELECT MAX(sequence) FROM {TABLE_NAME} WHERE workspace = NEW.workspace), 0)
          OR NEW.previous_hash <> COALESCE(
               (SELECT hash FROM {TABLE_NAME} WHERE workspace = NEW.workspace AND sequence = NEW.sequence - 1),
               NEW.previous_hash)
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: a record must follow the newest one'); END""",
)

_POSTGRESQL_TRIGGERS = (
    f"""CREATE OR REPLACE FUNCTION {TABLE_NAME}_refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN RAISE EXCEPTION 'the ledger is append-only: no record may be changed or deleted'; END $body$""",
    f"""CREATE OR REPLACE FUNCTION {TABLE_NAME}_follow() RETURNS trigger LANGUAGE plpgsql AS $body$
        DECLARE head_sequence bigint; head_hash text;
        BEGIN
          EXECUTE format('SELECT sequence, hash FROM %I.%I WHERE workspace = $1 ORDER BY sequence DESC LIMIT 1',
                         TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO head_sequence, head_hash USING NEW.workspace;
          IF NEW.sequence <> COALESCE(head_sequence, 0) + 1
             OR NEW.previous_hash <> COALESCE(head_hash, NEW.previous_hash) THEN
            RAISE EXCEPTION 'the ledger is append-only: a record must follow the newest one';
          END IF;
          RETURN NEW;
        END $body$""",
    f"""CREATE TRIGGER {TABLE_NAME}_no_change BEFORE UPDATE OR DELETE ON {TABLE_NAME}
        FOR EACH ROW EXECUTE FUNCTION {TABLE_NAME}_refuse()""",
    f"""CREATE TRIGGER {TABLE_NAME}_no_truncate BEFORE TRUNCATE ON {TABLE_NAME}
        FOR EACH STATEMENT EXECUTE FUNCTION {TABLE_NAME}_refuse()""",
    f"""CREATE TRIGGER {TABLE_NAME}_follows BEFORE INSERT ON {TABLE_NAME}
        FOR EACH ROW EXECUTE FUNCTION {TABLE_NAME}_follow()""",
)


def has_schema(connection: Connection) -> bool:
    """Whether the ledger's table is there."""
    return inspect(connection).has_table(TABLE_NAME)


def create_schema(connection: Connection) -> None:
    """Create table, indexes and triggers inside the caller's transaction, which must hold the writers' lock."""
    connection.execute(CreateTable(records_table, if_not_exists=True))
    for index in sorted(records_table.indexes, key=lambda index: str(index.name)):
        connection.execute(CreateIndex(index, if_not_exists=True))
    statements = _SQLITE_TRIGGERS if connection.dialect.name == "sqlite" else _POSTGRESQL_TRIGGERS
    for statement in statements:
        connection.execute(text(statement))
    create_subtrees(connection)


def create_subtrees(connection: Connection) -> None:
    """Create the table of derived hashes if it is not there."""
    if not inspect(connection).has_table(subtrees_table.name):  # whoever may only insert may not even ask for it
        connection.execute(CreateTable(subtrees_table, if_not_exists=True))


def insert_new(connection: Connection, table: Table) -> Any:
    """An INSERT that leaves a row which is there already as it is."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()
