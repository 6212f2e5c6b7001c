"""Whether the database's own statistics still fit its data.

A planner with no statistics, or with those of last year, takes minutes for what should take milliseconds, and the
statement is cut off at its limit. Each engine keeps them differently and shows a reader something else of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.errors import FailedError
from agent.warehouse.connect import Warehouse
from agent.warehouse.inquiry import inquire

__all__ = ["LARGE_FILE_BYTES", "StatisticsReport", "statistics_report"]

LARGE_FILE_BYTES: Final = 10_000_000
"""A smaller SQLite file is read in no time, whatever plan is chosen."""
_MANY_ROWS: Final = 1000
"""A smaller table is read whole anyway; PostgreSQL itself does not analyse one of less than 50 rows."""
_LARGE_SHARE: Final = 0.2
"""Autovacuum's own limit is a tenth of the rows: twice that means that it does not come."""

# pg_stats shows only tables that the account may read, and the times of the last runs are lost with a crash: a table
# counts as never analysed only if both say so.
_POSTGRES: Final = """
    SELECT s.relname, GREATEST(s.n_live_tup, c.reltuples::bigint), s.n_mod_since_analyze,
           s.last_analyze IS NULL AND s.last_autoanalyze IS NULL AND NOT EXISTS (
               SELECT 1 FROM pg_stats p WHERE p.schemaname = s.schemaname AND p.tablename = s.relname)
    FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
    WHERE s.schemaname = current_schema() ORDER BY s.relname
"""
_MYSQL_TABLES: Final = """
    SELECT table_name, engine, table_rows, update_time, create_options FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY table_name
"""
# Only trees have a cardinality; of these MyISAM and Aria know that of a primary key without being asked.
_MYSQL_UNKNOWN: Final = """
    SELECT DISTINCT table_name FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND index_type = 'BTREE' AND cardinality IS NULL
"""
_MYSQL_UPDATED: Final = """
    SELECT table_name, last_update FROM mysql.innodb_table_stats WHERE database_name = DATABASE()
"""


@dataclass(frozen=True, slots=True)
class StatisticsReport:
    """What the planner knows of the tables."""

    looked_at: str
    """What this engine shows of its statistics, one sentence."""
    remedy: str = ""
    never: tuple[str, ...] = ()
    """Tables (for SQLite the file) of some size that were never analysed."""
    outdated: tuple[str, ...] = ()
    """Tables that changed much since they were."""
    unseen: tuple[str, ...] = ()
    """Tables whose statistics are renewed by hand only, and not shown to this account."""


def statistics_report(warehouse: Warehouse) -> StatisticsReport:
    """What can be seen of the statistics, read only.

    Raises:
        FailedError: the database would not say.
    """
    return {"postgres": _postgres, "mysql": _mysql, "sqlite": _sqlite}.get(warehouse.dialect, _duckdb)(warehouse)


def _postgres(warehouse: Warehouse) -> StatisticsReport:
    never, outdated = [], []
    for table, rows, changed, is_new in inquire(warehouse, _POSTGRES):
        if is_new and rows >= _MANY_ROWS:
            never.append(str(table))
        elif changed > max(_MANY_ROWS, rows * _LARGE_SHARE):
            outdated.append(f"{table} ({changed:,} rows changed of {rows:,})")
    return StatisticsReport(
        "pg_stat_user_tables shows every larger table analysed since it last changed much.",
        "Have the owner of the tables run ANALYZE, and see that autovacuum is on.",
        tuple(never),
        tuple(outdated),
    )


def _mysql(warehouse: Warehouse) -> StatisticsReport:
    automatic = bool(inquire(warehouse, "SELECT @@innodb_stats_auto_recalc")[0][0])
    unknown = {str(table) for (table,) in inquire(warehouse, _MYSQL_UNKNOWN)}
    updated = _mysql_updated(warehouse)
    never, outdated, unseen = [], [], []
    for name, engine, rows, changed, options in inquire(warehouse, _MYSQL_TABLES):
        table = str(name)
        if str(engine).lower() != "innodb":
            if table in unknown and (rows or 0) >= _MANY_ROWS:
                never.append(table)
        elif not _renewed_by_itself(str(options or ""), automatic):
            if updated is None:
                unseen.append(table)
            elif changed is not None and (table not in updated or changed > updated[table]):
                outdated.append(f"{table} (changed {changed}, analysed {updated.get(table, 'never')})")
    return StatisticsReport(
        "InnoDB renews statistics by itself after a tenth of a table's rows changed; the other tables have theirs.",
        "Run ANALYZE TABLE on them from an account that may write, or set STATS_AUTO_RECALC=1.",
        tuple(never),
        tuple(outdated),
        tuple(unseen),
    )


def _mysql_updated(warehouse: Warehouse) -> dict[str, Any] | None:
    """When InnoDB's statistics of each table were made; None for an account that may not read them."""
    try:
        return {str(table): moment for table, moment in inquire(warehouse, _MYSQL_UPDATED)}
    except FailedError:
        return None


def _renewed_by_itself(options: str, automatic: bool) -> bool:
    lowered = options.lower()
    return "stats_auto_recalc=1" in lowered or (automatic and "stats_auto_recalc=0" not in lowered)


def _sqlite(warehouse: Warehouse) -> StatisticsReport:
    remedy = "Run ANALYZE on the file once, from a program that may write it."
    if inquire(warehouse, "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'"):
        return StatisticsReport("The file holds statistics (sqlite_stat1).", remedy)
    size = Path(warehouse.engine.url.database or "").stat().st_size
    if size < LARGE_FILE_BYTES:
        return StatisticsReport(f"The file holds none, and with {size / 1e6:.1f} MB needs none.", remedy)
    return StatisticsReport("", remedy, never=(f"the file ({size / 1e6:.0f} MB, without sqlite_stat1)",))


def _duckdb(_: Warehouse) -> StatisticsReport:
    return StatisticsReport("Not applicable: DuckDB keeps its statistics up to date by itself.")
