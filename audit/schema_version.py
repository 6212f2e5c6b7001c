"""Which schema a ledger has, and how it gets the one that this program knows.

Almost every time a ledger is opened its schema is current, and one small query says so; Alembic, which takes longer to
import than a ledger to open, is loaded only when there is something to do. A ledger from before versions were kept has
none: the steps of `audit.migrations` find what is there already and leave it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from audit.engine import WRITING, display_url, ledger_errors, lock_writers
from audit.errors import LedgerUnavailable
from audit.schema import has_schema, records_table

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = [
    "CURRENT",
    "SCHEMA_LOCK",
    "VERSIONS",
    "VERSION_TABLE",
    "bring_up_to_date",
    "migrations_sql",
    "refuse_newer",
    "stored_version",
]

VERSION_TABLE: Final = "ledger_version"
VERSIONS: Final = ("0001", "0002", "0003")
"""The steps of `audit.migrations`, oldest first."""
CURRENT: Final = VERSIONS[-1]
SCHEMA_LOCK: Final = int.from_bytes(b"affidavt", "big", signed=True)
"""The advisory lock of whoever changes the schema."""

_UNVERSIONED: Final = ""
_UNDEFINED_TABLE: Final = "42P01"
_INSUFFICIENT_PRIVILEGE: Final = "42501"
_ASK_THE_OWNER: Final = "Have the database's owner run `affidavit audit init`."

_version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True)).c.version_num
_VERSION_BESIDE_RECORDS: Final = select(_version, select(records_table.c.sequence).limit(1).scalar_subquery())
"""Fails where either table is missing: a version says nothing of records that were dropped."""
_alembic_is_busy = threading.Lock()
"""Alembic's `op` and `context` are the process's, not a thread's."""


def stored_version(engine: Engine) -> str | None:
    """The version of the ledger's schema; empty for one from before there were versions, None where there is no ledger.

    Raises:
        LedgerUnavailable: the database cannot be read.
    """
    with ledger_errors(engine), engine.connect() as connection:
        try:
            found = connection.execute(_VERSION_BESIDE_RECORDS).one_or_none()
            return found.version_num if found else _UNVERSIONED
        except DBAPIError as error:
            if not _is_missing_table(error):
                raise
        connection.rollback()
        return _UNVERSIONED if has_schema(connection) else None


def refuse_newer(version: str | None, where: str) -> None:
    """Refuse a schema that this program does not know.

    Raises:
        LedgerUnavailable: it is newer.
    """
    if version not in (None, _UNVERSIONED, *VERSIONS):
        raise LedgerUnavailable(
            f"The ledger at {where} was made by a newer Affidavit: its schema is {version}, and this program knows"
            f" {CURRENT}.",
            "Use the newer program. Nothing was written.",
        )


def bring_up_to_date(engine: Engine, *, timeout_s: float) -> None:
    """Make the ledger's schema, or what is missing of it, in one transaction. No record is touched.

    Raises:
        LedgerUnavailable: the account may not, or the database failed.
    """
    writer = engine.execution_options(**{WRITING: True})
    with ledger_errors(engine):
        try:
            with writer.begin() as connection:
                lock_writers(connection, key=SCHEMA_LOCK, timeout_s=timeout_s)
                if _version_in(connection) != CURRENT:  # nobody else did meanwhile
                    _upgrade(connection)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") != _INSUFFICIENT_PRIVILEGE:
                raise
            raise LedgerUnavailable(
                f"The ledger at {display_url(engine)} is not there or has an older schema, and this account may not"
                " make what is missing.",
                _ASK_THE_OWNER,
            ) from error


def migrations_sql(dialect: str) -> str:
    """All steps as SQL for a database of this dialect, `sqlite` or `postgresql`; a second run of it does nothing."""
    import io

    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    written = io.StringIO()
    of = sqlite if dialect == "sqlite" else postgresql
    context = MigrationContext.configure(
        dialect=of.dialect(paramstyle="named"),  # else every % would be written twice
        opts={"as_sql": True, "output_buffer": written, "literal_binds": True},
    )
    steps = reversed(list(ScriptDirectory.from_config(_config()).walk_revisions()))
    with _alembic_is_busy, Operations.context(context):
        for step in steps:
            step.module.upgrade()
    known = ", ".join(f"'{version}'" for version in VERSIONS)
    written.write(
        f"CREATE TABLE IF NOT EXISTS {VERSION_TABLE} (\n    version_num VARCHAR(32) NOT NULL,\n"
        f"    CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num)\n);\n\n"
        f"INSERT INTO {VERSION_TABLE} (version_num) SELECT '{CURRENT}'"
        f" WHERE NOT EXISTS (SELECT 1 FROM {VERSION_TABLE});\n\n"
        f"UPDATE {VERSION_TABLE} SET version_num = '{CURRENT}' WHERE version_num IN ({known});\n"
    )
    return written.getvalue()


def _version_in(connection: Connection) -> str | None:
    if not has_schema(connection) or not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(select(_version)).scalar_one_or_none()


def _upgrade(connection: Connection) -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    with _alembic_is_busy:
        if not has_schema(connection):
            command.stamp(config, "base")  # whatever a version beside it says
        command.upgrade(config, "head")


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "audit:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _is_missing_table(error: DBAPIError) -> bool:
    sqlite_says = str(error.orig).startswith("no such table")
    return sqlite_says or getattr(error.orig, "sqlstate", "") == _UNDEFINED_TABLE
