"""A table of hashes that follow from the records, so that a root need not read them all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, empty, if it is missing; the next checkpoint fills it."""
    op.create_table(
        "ledger_subtrees",
        sa.Column("workspace", sa.Text, primary_key=True),
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.Text, nullable=False),
        if_not_exists=True,
    )
