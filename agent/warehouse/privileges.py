"""What the warehouse's account may write, asked of the database itself.

Affidavit never writes to a warehouse, and each engine is made to hold it to that. An account that cannot write holds
even where both are wrong, so whoever looks after a workspace should know whether it has one.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Final

import structlog

from agent.errors import ErrorClass, FailedError, RefusedError
from agent.settings import GuardLimits, Settings
from agent.warehouse.connect import Warehouse, open_warehouse
from agent.warehouse.inquiry import inquire

__all__ = ["check_account", "open_checked", "write_rights"]

_log = structlog.get_logger(__name__)

_POSTGRES_SUPERUSER: Final = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
_POSTGRES_SCHEMA: Final = "SELECT current_schema(), has_schema_privilege(current_schema(), 'CREATE')"
# https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-ACCESS : any of the privileges listed.
_POSTGRES_TABLES: Final = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'f')
      AND (has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
           OR has_any_column_privilege(c.oid, 'INSERT, UPDATE'))
    ORDER BY c.relname
"""

_MYSQL_NAME: Final = r"(?:`(?:[^`]|``)*`|\*)"
_MYSQL_GRANT: Final = re.compile(
    rf"GRANT (?P<rights>.+?) ON (?P<database>{_MYSQL_NAME})\.(?P<object>{_MYSQL_NAME}) TO "
)
_MYSQL_WRITES: Final = re.compile(
    r"ALL PRIVILEGES|INSERT|UPDATE|DELETE|DROP|TRIGGER|FILE|SUPER|ALTER(?! ROUTINE)|CREATE(?! (?:USER|ROUTINE|TEMP))"
)


def open_checked(settings: Settings, limits: GuardLimits) -> Warehouse:
    """The workspace's warehouse, opened, and its account looked at.

    Raises:
        UsageError, FailedError: as `open_warehouse`.
        RefusedError: the account can write, and `warehouse.require_read_only` is on.
    """
    warehouse = open_warehouse(settings.warehouse_url, limits, db_schema=settings.warehouse.db_schema)
    try:
        check_account(warehouse, must_be_read_only=settings.warehouse.require_read_only)
    except BaseException:
        warehouse.close()
        raise
    return warehouse


def check_account(warehouse: Warehouse, *, must_be_read_only: bool) -> None:
    """Write to the log that the account can write, or refuse it.

    Raises:
        RefusedError: it can write, and must not.
        FailedError: it must not, and the database would not say whether it can.
    """
    try:
        rights = write_rights(warehouse)
    except FailedError as unknown:
        if must_be_read_only:
            raise
        _log.info("warehouse.rights_unknown", error_class=unknown.error_class.value)
        return
    if not rights:
        return
    if must_be_read_only:
        raise RefusedError(
            ErrorClass.WAREHOUSE_WRITABLE,
            f"The warehouse's account {'; it '.join(rights)}, and `require_read_only` is on.",
            "Make an account that may SELECT and nothing else, and name it in [warehouse] url "
            "(docs/how-to/connect-a-database.md).",
        )
    _log.warning("warehouse.account_may_write", rights=rights)


def write_rights(warehouse: Warehouse) -> tuple[str, ...]:
    """What the account may write, each as the end of a sentence that begins "The account ..."; empty: nothing.

    A file has no accounts; who may write it is a matter of its permissions, so SQLite and DuckDB give nothing here.

    Raises:
        FailedError: the database would not say.
    """
    if warehouse.dialect == "postgres":
        return _postgres_rights(warehouse)
    return _mysql_rights(warehouse) if warehouse.dialect == "mysql" else ()


def _postgres_rights(warehouse: Warehouse) -> tuple[str, ...]:
    if any(is_superuser for (is_superuser,) in inquire(warehouse, _POSTGRES_SUPERUSER)):
        return ("is a superuser",)
    rights = [
        f"may create tables in the schema {schema}" for schema, may in inquire(warehouse, _POSTGRES_SCHEMA) if may
    ]
    tables = [str(name) for (name,) in inquire(warehouse, _POSTGRES_TABLES)]
    return tuple(rights + ([f"may write {', '.join(tables)}"] if tables else []))


def _mysql_rights(warehouse: Warehouse) -> tuple[str, ...]:
    (database,) = inquire(warehouse, "SELECT DATABASE()")[0]
    found = []
    for (line,) in inquire(warehouse, "SHOW GRANTS"):
        grant = _MYSQL_GRANT.match(str(line))
        if grant is None or not _covers(grant["database"], str(database)):
            continue
        without_columns = re.sub(r"\([^)]*\)", "", grant["rights"])  # whose names may be any words
        rights = list(dict.fromkeys(_MYSQL_WRITES.findall(without_columns)))
        if rights:
            found.append(f"has {', '.join(rights)} on {grant['database']}.{grant['object']}")
    return tuple(found)


def _covers(granted: str, database: str) -> bool:
    r"""Whether a grant's database is ours; `%` and `_` in it are wildcards unless escaped (`my\_shop`)."""
    if granted == "*":
        return True
    name = granted.strip("`").replace("``", "`")
    # fnmatch reads [ as the beginning of a set; everything else is translated
    pattern = re.sub(r"\\([%_])|[%_\[*?]", _wildcard, name)
    return fnmatchcase(database, pattern)


def _wildcard(found: re.Match[str]) -> str:
    if found[1]:
        return str(found[1])
    return {"%": "*", "_": "?"}.get(found[0], f"[{found[0]}]")
