"""PostgreSQL: triggers that fire in every session, and whose functions find no name but the server's own.

A function without a search path of its own looks names up in that of whoever inserts, who could put an operator of
theirs before the server's. An ordinary trigger is silent in sessions whose `session_replication_role` is `replica`.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE = "ledger_records"


def upgrade() -> None:
    """Pin the functions' search path, and have the triggers fire always."""
    if op.get_context().dialect.name == "sqlite":
        return
    for function in ("refuse", "follow"):
        op.execute(f"ALTER FUNCTION {TABLE}_{function}() SET search_path = pg_catalog, pg_temp")
    for trigger in ("no_change", "no_truncate", "follows"):
        op.execute(f"ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER {TABLE}_{trigger}")
