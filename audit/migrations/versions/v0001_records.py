"""The records, and the triggers that refuse to have them changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLE = "ledger_records"

_SQLITE_TRIGGERS = (
    f"""CREATE TRIGGER IF NOT EXISTS {TABLE}_no_update BEFORE UPDATE ON {TABLE}
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: no record may be changed'); END""",
    f"""CREATE TRIGGER IF NOT EXISTS {TABLE}_no_delete BEFORE DELETE ON {TABLE}
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: no record may be deleted'); END""",
    # Also what stops INSERT OR REPLACE, which deletes a row without firing the trigger above.
    f"""CREATE TRIGGER IF NOT EXISTS {TABLE}_follows BEFORE INSERT ON {TABLE}
        WHEN NEW.sequence <> 1 + COALESCE(
               (SELECT MAX(sequence) FROM {TABLE} WHERE workspace = NEW.workspace), 0)
          OR NEW.previous_hash <> COALESCE(
               (SELECT hash FROM {TABLE} WHERE workspace = NEW.workspace AND sequence = NEW.sequence - 1),
               NEW.previous_hash)
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: a record must follow the newest one'); END""",
)
_POSTGRESQL_FUNCTIONS = (
    f"""CREATE OR REPLACE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN RAISE EXCEPTION 'the ledger is append-only: no record may be changed or deleted'; END $body$""",
    f"""CREATE OR REPLACE FUNCTION {TABLE}_follow() RETURNS trigger LANGUAGE plpgsql AS $body$
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
)
_POSTGRESQL_TRIGGERS = {
    f"{TABLE}_no_change": f"BEFORE UPDATE OR DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {TABLE}_refuse()",
    f"{TABLE}_no_truncate": f"BEFORE TRUNCATE ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_refuse()",
    f"{TABLE}_follows": f"BEFORE INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {TABLE}_follow()",
}


def upgrade() -> None:
    """Make table, indexes and triggers, where they are missing."""
    op.create_table(
        TABLE,
        sa.Column("workspace", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=True),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        if_not_exists=True,
    )
    for name, columns in (("run", ["workspace", "run_id", "sequence"]), ("kind", ["workspace", "kind", "sequence"])):
        op.create_index(f"{TABLE}_{name}", TABLE, columns, if_not_exists=True)
    # A run starts once and ends once; a second answer could be passed off as the one that was reviewed.
    for kind in ("started", "answered"):
        only = sa.text(f"kind = 'run.{kind}'")
        op.create_index(
            f"{TABLE}_one_{kind}",
            TABLE,
            ["workspace", "run_id"],
            unique=True,
            sqlite_where=only,
            postgresql_where=only,
            if_not_exists=True,
        )
    if op.get_context().dialect.name == "sqlite":
        for statement in _SQLITE_TRIGGERS:
            op.execute(statement)
        return
    for statement in _POSTGRESQL_FUNCTIONS:
        op.execute(statement)
    for name, definition in _POSTGRESQL_TRIGGERS.items():
        there = f"SELECT FROM pg_trigger WHERE tgname = '{name}' AND tgrelid = '{TABLE}'\\:\\:regclass"
        op.execute(f"DO $do$ BEGIN IF NOT EXISTS ({there}) THEN CREATE TRIGGER {name} {definition}; END IF; END $do$")
