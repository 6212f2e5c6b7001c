"""What Alembic runs to migrate: on the connection it is given, inside the transaction that is open on it."""

from __future__ import annotations

from alembic import context

from audit.schema_version import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
