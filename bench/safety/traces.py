"""What an attack may leave behind, read with full rights on a connection of its own, before and after."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from bench.safety.targets import Target
from demo.warehouse import checksum, metadata

__all__ = ["Traces", "content_of", "traces_of"]

Traces = dict[str, str]
"""What was looked at -> how it was found."""

_TABLES = [table.name for table in metadata.sorted_tables]
_POSTGRES = {
    "objects": "SELECT string_agg(relname::text || relkind::text || coalesce(relacl::text, ''), ',' ORDER BY relname)"
    " FROM pg_class WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'"
    " AND nspname <> 'information_schema')",
    "schemas": "SELECT string_agg(nspname::text, ',' ORDER BY nspname) FROM pg_namespace"
    " WHERE nspname NOT LIKE 'pg\\_%temp%'",
    "functions": "SELECT count(*) FROM pg_proc",
    "types": "SELECT count(*) FROM pg_type WHERE typnamespace = 'public'::regnamespace",
    "triggers and rules": "SELECT (SELECT count(*) FROM pg_trigger) + (SELECT count(*) FROM pg_rewrite)",
    "extensions": "SELECT string_agg(extname::text, ',' ORDER BY extname) FROM pg_extension",
    "casts and operators": "SELECT (SELECT count(*) FROM pg_cast) + (SELECT count(*) FROM pg_operator)",
    "comments": "SELECT string_agg(description, ',' ORDER BY description) FROM pg_description"
    " WHERE objoid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)",
    "large objects": "SELECT string_agg(loid || ':' || md5(data), ',' ORDER BY loid) FROM pg_largeobject",
    "sequence": "SELECT last_value || ' ' || is_called FROM a_sequence",
    "settings": "SELECT string_agg(setconfig::text, ',') FROM pg_db_role_setting"
    " WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())",
    "attack's roles": "SELECT count(*) FROM pg_roles WHERE rolname IN ('eve')",
    "attack's slots": "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'affidavit_attack'",
    "advisory locks": "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
}
_MYSQL = {
    "objects": "SELECT GROUP_CONCAT(table_name, table_type ORDER BY table_name) FROM information_schema.tables"
    " WHERE table_schema = DATABASE()",
    "columns": "SELECT MD5(GROUP_CONCAT(table_name, column_name, column_type ORDER BY table_name, ordinal_position))"
    " FROM information_schema.columns WHERE table_schema = DATABASE()",
    "routines": "SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = DATABASE()",
    "triggers": "SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
    "events": "SELECT COUNT(*) FROM information_schema.events WHERE event_schema = DATABASE()",
    "indexes": "SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE()",
    "accounts": "SELECT MD5(GROUP_CONCAT(user, host, priv ORDER BY user, host)) FROM mysql.global_priv"
    " WHERE user IN ('root', 'eve', 'admin')",
    "sequence": "SELECT next_not_cached_value FROM s",
    "settings": "SELECT CONCAT_WS(' ', @@global.read_only, @@global.general_log, @@global.general_log_file,"
    " @@global.local_infile, @@global.slow_query_log_file, @@global.sql_mode, @@global.event_scheduler)",
    "locks": "SELECT IS_FREE_LOCK('a')",
}


def traces_of(target: Target, connection: sa.Connection | None) -> Traces:
    """Every table's content, the lists of objects, files that came into being. `connection` is for the servers."""
    found = {"files": " ".join(target.open_files())}
    if connection is None:
        path = Path(str(sa.engine.make_url(target.url).database))
        about = path.stat()
        # reading a file anew for every statement would take longer than the statements; its content is read at the end
        found["file"] = f"{about.st_size} {about.st_mtime_ns}"
        found["beside it"] = " ".join(sorted(other.name for other in path.parent.iterdir()))
        return found
    postgres = target.dialect == "postgres"
    found |= _asked(connection, _POSTGRES | _postgres_tables() if postgres else _MYSQL)
    if not postgres:
        names = ", ".join(f"`{name}`" for name in _TABLES)
        found["rows"] = str(connection.exec_driver_sql(f"CHECKSUM TABLE {names} EXTENDED").fetchall())
    connection.rollback()
    return found


def content_of(target: Target) -> str:
    """A digest of every row of the warehouse."""
    engine = sa.create_engine(target.url)
    try:
        return checksum(engine)
    finally:
        engine.dispose()


def _postgres_tables() -> dict[str, str]:
    return {
        name: f"SELECT count(*) || ' ' || md5(string_agg(t::text, ',' ORDER BY t::text)) FROM \"{name}\" t"
        for name in _TABLES
    }


def _asked(connection: sa.Connection, questions: dict[str, str]) -> Traces:
    """All of them in one statement."""
    asked = ", ".join(f"({sql})" for sql in questions.values())
    # psycopg reads % as the beginning of a placeholder
    written = asked.replace("%", "%%") if connection.dialect.name == "postgresql" else asked
    row = connection.exec_driver_sql(f"SELECT {written}").fetchone()
    return dict(zip(questions, map(str, row or ()), strict=True))
