"""Asks the database what a statement would cost before it is run: EXPLAIN, and never EXPLAIN ANALYZE, which runs it.

The four engines say it in four languages and one of them, SQLite, says only half of it. All of it comes down to one
small value (`Estimate`), in rows that would be looked at: the one unit that means the same everywhere, so that a
budget can be written once. It is a planner's guess from its statistics. It tells a question from a disaster; it does
not tell a cheap question from a dear one to within a factor of two.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import sqlglot
from sqlglot.errors import SqlglotError

from agent.errors import ErrorClass, FailedError
from agent.warehouse.connect import Warehouse
from agent.warehouse.inquiry import inquire
from agent.warehouse.plans import duckdb, mysql, postgres, sqlite
from agent.warehouse.plans.tally import Estimate
from memory.catalog import Catalog

__all__ = ["Estimate", "estimate"]

_POSTGRES_SIZES: Final = "SELECT relname, reltuples::bigint FROM pg_class WHERE relkind IN ('r', 'p', 'm')"
_SQLITE_HAS_STATISTICS: Final = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'"
_SQLITE_STATISTICS: Final = "SELECT COALESCE(idx, tbl), stat FROM sqlite_stat1"


def estimate(warehouse: Warehouse, sql: str, catalog: Catalog) -> Estimate:
    """What the database expects of one statement that the guard has allowed; it is planned, and not run.

    `catalog` gives the tables' rows where a plan does not: on SQLite all of them, elsewhere those that a filter hides.

    Raises:
        FailedError: the database would not plan it (the class says why), or its plan has a form that is not known.
    """
    rows = warehouse.plan(sql)
    try:
        return _READERS[warehouse.dialect](warehouse, sql, catalog, rows)
    except (KeyError, TypeError, ValueError, IndexError, RecursionError, SqlglotError) as error:
        message = f"The plan of this database cannot be read ({type(error).__name__})."
        raise FailedError(
            ErrorClass.WAREHOUSE_OTHER, message, "Please report it, with the database's version."
        ) from error


def _postgres(warehouse: Warehouse, _sql: str, catalog: Catalog, rows: list[tuple[Any, ...]]) -> Estimate:
    ((given,),) = rows
    (plan,) = json.loads(given) if isinstance(given, str) else given
    unlisted: dict[str, int] = {}

    def rows_of(table: str) -> int | None:
        """Partitions and tables behind views are not in the catalog; the planner's own count does for them."""
        known = catalog.table(table)
        if known is not None:
            return known.row_count
        if not unlisted:
            unlisted.update({"": 0}, **{str(name): int(count) for name, count in inquire(warehouse, _POSTGRES_SIZES)})
        return unlisted.get(table)

    return postgres.read_plan(plan["Plan"], rows_of)


def _duckdb(_warehouse: Warehouse, sql: str, catalog: Catalog, rows: list[tuple[Any, ...]]) -> Estimate:
    (plan,) = json.loads(rows[-1][-1])

    def rows_of(table: str) -> int | None:
        known = catalog.table(table)
        return None if known is None else known.row_count

    return duckdb.read_plan(plan, sqlglot.parse_one(sql, dialect="duckdb"), rows_of)


def _mysql(_warehouse: Warehouse, sql: str, _catalog: Catalog, rows: list[tuple[Any, ...]]) -> Estimate:
    ((given,),) = rows
    return mysql.read_plan(json.loads(given), sqlglot.parse_one(sql, dialect="mysql"))


def _sqlite(warehouse: Warehouse, sql: str, catalog: Catalog, rows: list[tuple[Any, ...]]) -> Estimate:
    averages: dict[str, list[float]] = {}
    if inquire(warehouse, _SQLITE_HAS_STATISTICS):
        for index, numbers in inquire(warehouse, _SQLITE_STATISTICS):
            averages[str(index).casefold()] = [float(each) for each in str(numbers).split() if each.isdigit()]
    lines = [sqlite.PlanLine(int(row[0]), int(row[1]), str(row[3])) for row in rows]
    return sqlite.read_plan(lines, sqlglot.parse_one(sql, dialect="sqlite"), catalog, averages)


_READERS: Final[dict[str, Callable[[Warehouse, str, Catalog, list[tuple[Any, ...]]], Estimate]]] = {
    "postgres": _postgres,
    "duckdb": _duckdb,
    "mysql": _mysql,
    "sqlite": _sqlite,
}
