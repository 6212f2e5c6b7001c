"""Who keeps the ledger's tables, and what whoever writes records may do to them: on PostgreSQL, add and read, no more.

A database's owner can do anything to it, so the program must not be the owner. `installation` is the SQL that the
owner runs once: tables and triggers, one role that may only read and add, one that may only read. What it prints is
what is run. `custody_faults` asks a database what the account that writes could do beyond that.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, make_url, text

from audit.engine import database_file, display_url, ledger_errors, lock_writers, open_engine
from audit.errors import CustodyError, LedgerUnavailable
from audit.ledger import Ledger
from audit.schema import TABLE_NAME, subtrees_table, triggers_of
from audit.schema_version import SCHEMA_LOCK, VERSION_TABLE, VERSIONS, migrations_sql

__all__ = ["Custody", "custody_faults", "handing_over", "install", "installation", "restore_file"]

_TABLES: Final = (TABLE_NAME, subtrees_table.name, VERSION_TABLE)
_FUNCTIONS: Final = (f"{TABLE_NAME}_refuse()", f"{TABLE_NAME}_follow()")
_TIMEOUT_S: Final = 10.0
_QUIET: Final = "SET {local}client_min_messages = warning;"
"""Else it is told of everything that is there already."""
_ROLE: Final = re.compile(r"[\w.@ -]{1,63}")
_FIRST_WITH_BOUND_CREATEROLE: Final = 160000
"""Before PostgreSQL 16 whoever might create roles could make themselves a member of any that is no superuser."""

_RIGHTS: Final = """
SELECT r.rolname AS role, r.rolsuper AS superuser,
       r.rolcreaterole AND CAST(current_setting('server_version_num') AS int) < :bound AS creates_roles,
       pg_has_role(r.oid, d.datdba, 'MEMBER') AS owns_database,
       pg_has_role(r.oid, n.nspowner, 'MEMBER') AS owns_schema,
       array_remove(array_agg(c.relname) FILTER (WHERE pg_has_role(r.oid, c.relowner, 'MEMBER')), NULL) AS owned,
       array_remove(array_agg(c.relname) FILTER (
           WHERE has_table_privilege(r.oid, c.oid, 'UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
              OR has_any_column_privilege(r.oid, c.oid, 'UPDATE, REFERENCES')
              OR c.relname = :version AND has_table_privilege(r.oid, c.oid, 'INSERT')), NULL) AS changeable
FROM pg_roles r, pg_database d, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.rolname = COALESCE(CAST(:role AS name), current_user) AND d.datname = current_database()
  AND n.nspname = current_schema() AND c.relname = ANY(CAST(:tables AS name[]))
GROUP BY r.oid, r.rolname, r.rolsuper, r.rolcreaterole, d.datdba, n.nspowner
"""


@dataclass(frozen=True, slots=True)
class Custody:
    """Who may do what, once it is installed."""

    writer: str
    """The role that reads and adds records."""
    auditor: str
    """The role that reads them."""
    schema: str
    """Where the tables are."""

    def __post_init__(self) -> None:
        for name in (self.writer, self.auditor, self.schema):
            if not _ROLE.fullmatch(name):
                raise CustodyError(
                    f"{name!r} cannot be the name of a role or schema here.", "Use letters, digits, _, -, . and @."
                )


def installation(custody: Custody) -> str:
    """The SQL that makes the ledger in a PostgreSQL database, for its owner to run; a second run does nothing.

    It also takes tables that the writer owns into the hands of whoever runs it, brings back triggers that somebody took
    off, and fails, leaving all as it was, if the ledger is of a newer version.
    """
    schema = _identifier(custody.schema)
    known = ", ".join(map(_literal, VERSIONS))
    return "\n".join(
        (
            _QUIET.format(local="LOCAL "),
            _make("pg_namespace", "nspname", custody.schema, f"CREATE SCHEMA {schema}"),
            f"SET LOCAL search_path = {schema};",
            *(
                _make("pg_roles", "rolname", role, f"CREATE ROLE {_identifier(role)} NOLOGIN")
                for role in (custody.writer, custody.auditor)
            ),
            f"""DO $do$ BEGIN
  IF to_regclass('{VERSION_TABLE}') IS NOT NULL THEN
    IF EXISTS (SELECT FROM {VERSION_TABLE} WHERE version_num NOT IN ({known})) THEN
      RAISE EXCEPTION 'this ledger was made by a newer Affidavit';
    END IF;
  END IF;
END $do$;""",
            *(_take_over("TABLE", table, custody.writer) for table in _TABLES),
            *(_take_over("FUNCTION", function, custody.writer) for function in _FUNCTIONS),
            migrations_sql("postgresql"),
            *(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC;" for function in _FUNCTIONS),
            _grants(custody, dict.fromkeys(_TABLES[:2], "SELECT, INSERT") | {VERSION_TABLE: "SELECT"}, _TABLES),
        )
    )


def handing_over(custody: Custody, made: Sequence[str], rights: Mapping[str, str]) -> list[str]:
    """Statements, outside a transaction, for tables beside the ledger: owned as it is, with these rights of the writer.

    Args:
        custody: for whom.
        made: the statements that make the tables.
        rights: of each table, what the writer may do with it; the auditor has no business there.
    """
    return [
        _QUIET.format(local=""),
        f"SET search_path = {_identifier(custody.schema)};",
        *(_take_over("TABLE", table, custody.writer) for table in rights),
        *made,
        *_grants(custody, rights, ()).splitlines(),
    ]


def install(url: str, custody: Custody, beside: Sequence[str] = ()) -> bool:
    """Run `installation` in one transaction as the account of a PostgreSQL URL, then look at what the writer may do.

    Gives whether there was no ledger yet.

    Args:
        url: of the database's owner, who must be able to make roles if one is missing.
        custody: roles that are missing are made, without login; so is the schema.
        beside: statements that are run afterwards, each by itself (`handing_over`).

    Raises:
        CustodyError: the owner, the writer and the auditor are not three roles.
        LedgerUnavailable: the account may not, the ledger is of a newer version, or the writer could still change
            records; then nothing was changed.
    """
    engine = open_engine(url, timeout_s=_TIMEOUT_S)
    try:
        with ledger_errors(engine), engine.begin() as connection:
            lock_writers(connection, key=SCHEMA_LOCK, timeout_s=_TIMEOUT_S)
            _refuse_same(connection, custody)
            table = f"{_identifier(custody.schema)}.{TABLE_NAME}"
            is_new = connection.execute(text("SELECT to_regclass(:name)"), {"name": table}).scalar_one() is None
            _run(connection, installation(custody))
            faults = _rights_beyond(connection, custody.writer)
            if faults:
                raise LedgerUnavailable(
                    f"The role {custody.writer} {'; it '.join(faults)}, so records would not be safe from it. Nothing"
                    " was changed.",
                    "Take that from it, or name another role with --writer. A database is given away with ALTER"
                    " DATABASE ... OWNER TO.",
                )
        alone = engine.execution_options(isolation_level="AUTOCOMMIT")
        with ledger_errors(engine), alone.connect() as connection:
            for statement in beside:
                _run(connection, statement)
            connection.invalidate()  # its search path is not the engine's
        return is_new
    finally:
        engine.dispose()


def restore_file(ledger: Ledger) -> None:
    """Bring back what a ledger in an SQLite file should have around its records: triggers, indexes, tables.

    Raises:
        LedgerUnavailable: the file cannot be written.
    """
    with ledger_errors(ledger.engine), ledger.engine.connect() as connection:
        connection.rollback()
        driver: Any = connection.connection.driver_connection
        driver.executescript(f"BEGIN IMMEDIATE;\n{migrations_sql('sqlite')}COMMIT;")


def file_schema(url: str) -> frozenset[tuple[str, str]]:
    """Name and SQL of each table, index and trigger of a ledger in an SQLite file; none where it cannot be read."""
    path = database_file(make_url(url))
    if path is None or not path.is_file():
        return frozenset()
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT name, COALESCE(sql, '') FROM sqlite_master").fetchall()
    except sqlite3.Error:
        return frozenset()
    return frozenset((str(name), str(sql)) for name, sql in found)


def custody_faults(ledger: Ledger) -> list[str]:
    """What does not stand between the ledger's records and the account it is opened with, each as a sentence.

    For an SQLite file only the triggers can be asked for: whoever can write the file can do anything to it.

    Raises:
        LedgerUnavailable: the database would not say.
    """
    with ledger_errors(ledger.engine), ledger.engine.connect() as connection:
        missing = _missing_triggers(connection)
        beyond = _rights_beyond(connection, None) if connection.dialect.name == "postgresql" else []
    return [
        *(f"The trigger {name} is missing or switched off." for name in missing),
        *(f"The ledger's account {each}." for each in beyond),
    ]


def _rights_beyond(connection: Connection, role: str | None) -> list[str]:
    """What a role could do beyond reading and adding, each as the end of a sentence; None asks for the current one."""
    values = {"bound": _FIRST_WITH_BOUND_CREATEROLE, "role": role, "tables": list(_TABLES), "version": VERSION_TABLE}
    said = connection.execute(text(_RIGHTS), values).mappings().one()
    if said["superuser"]:
        return ["is a superuser"]
    return [
        sentence
        for sentence, holds in (
            (f"owns {', '.join(sorted(said['owned'] or ()))}", said["owned"]),
            ("owns the schema they are in", said["owns_schema"]),
            ("owns the database", said["owns_database"]),
            (f"may change {', '.join(sorted(said['changeable'] or ()))}", said["changeable"] and not said["owned"]),
            ("may create roles, and so make itself a member of the owner's", said["creates_roles"]),
        )
        if holds
    ]


def _missing_triggers(connection: Connection) -> list[str]:
    query = (
        f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{TABLE_NAME}'"
        if connection.dialect.name == "sqlite"
        else f"SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass('{TABLE_NAME}') AND tgenabled IN ('O', 'A')"
    )
    return sorted(triggers_of(connection.dialect.name) - set(connection.execute(text(query)).scalars()))


def _refuse_same(connection: Connection, custody: Custody) -> None:
    owner = connection.execute(text("SELECT current_user")).scalar_one()
    if owner in (custody.writer, custody.auditor) or custody.writer == custody.auditor:
        raise CustodyError(
            f"{owner} would own the tables, {custody.writer} write them and {custody.auditor} read them: these must be"
            " three roles.",
            "Run it as the owner of the database, and name the others with --writer and --auditor.",
        )


def _run(connection: Connection, script: str) -> None:
    """Run a script as it would be printed: past SQLAlchemy, which would look for parameters in it."""
    try:
        driver: Any = connection.connection
        with driver.cursor() as cursor:
            cursor.execute(script)
    except driver.dbapi_connection.Error as error:  # of which each driver has its own
        said = str(error).splitlines()[0]
        raise LedgerUnavailable(
            f"The ledger cannot be made at {display_url(connection.engine)}: {said}. Nothing was changed.",
            "Run it as the owner of the database; to make roles it needs CREATEROLE, or make them beforehand.",
        ) from error


def _make(catalog: str, column: str, name: str, statement: str) -> str:
    """Run a statement if there is no such thing; its own IF NOT EXISTS would ask for the right to make one even so."""
    return (
        f"DO $do$ BEGIN\n  IF NOT EXISTS (SELECT FROM {catalog} WHERE {column} = {_literal(name)}) THEN\n"
        f"    {statement};\n  END IF;\nEND $do$;"
    )


def _take_over(kind: str, name: str, writer: str) -> str:
    """What an older version had the writer make gets another owner, who must be able to act for both."""
    catalog, prefix, find = (
        ("pg_class", "rel", "to_regclass") if kind == "TABLE" else ("pg_proc", "pro", "to_regprocedure")
    )
    owner = f"(SELECT oid FROM pg_roles WHERE rolname = {_literal(writer)})"
    return (
        f"DO $do$ BEGIN\n  IF EXISTS (SELECT FROM {catalog} WHERE oid = {find}('{name}')"
        f" AND {prefix}owner = {owner}) THEN\n    ALTER {kind} {name} OWNER TO CURRENT_USER;\n  END IF;\nEND $do$;"
    )


def _grants(custody: Custody, rights: Mapping[str, str], read: Sequence[str]) -> str:
    """The writer gets these rights, the auditor SELECT on the tables of `read`, everybody else nothing."""
    writer, auditor, schema = map(_identifier, (custody.writer, custody.auditor, custody.schema))
    statements = [
        f"REVOKE ALL ON {', '.join(rights)} FROM PUBLIC, {writer}, {auditor};",
        f"GRANT USAGE ON SCHEMA {schema} TO {writer}, {auditor};",
        *(f"GRANT {granted} ON {table} TO {writer};" for table, granted in rights.items()),
        *([f"GRANT SELECT ON {', '.join(read)} TO {auditor};"] if read else []),
    ]
    return "\n".join(statements) + "\n"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
