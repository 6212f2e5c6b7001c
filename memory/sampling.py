"""Reading values out of the warehouse, within bounds, for people's words to be matched with.

Only SELECTs, one bounded aggregate per table and one per kept column. On a table with more rows than
`SCAN_ROWS` the first `SCAN_ROWS` are looked at: enough to know a low-cardinality column, cheap on a large one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from memory.catalog import MAX_SAMPLE_CHARS, Column, Table
from memory.views import Withhold

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, FromClause, TableClause

__all__ = ["count_rows", "distinct_values", "sample_columns", "warehouse_table"]

SCAN_ROWS = 500_000
"""Rows of a table that are looked at for distinct values."""


def warehouse_table(table: Table, db_schema: str | None) -> TableClause:
    """The table as SQLAlchemy's lightweight clause, so that the dialect does the quoting."""
    from sqlalchemy import column
    from sqlalchemy import table as table_clause

    return table_clause(table.name, *(column(c.name) for c in table.columns), schema=db_schema)


def count_rows(connection: Connection, table: Table, db_schema: str | None) -> int:
    """How many rows the table has."""
    from sqlalchemy import func, select

    counted = connection.execute(select(func.count()).select_from(warehouse_table(table, db_schema))).scalar()
    return int(counted or 0)


def sample_columns(
    connection: Connection, table: Table, db_schema: str | None, max_samples: int, withhold: Withhold | None
) -> tuple[Column, ...]:
    """The table's columns, text ones with their number of distinct values and, when few, the values."""
    from sqlalchemy import func, select

    text = [c for c in table.columns if c.family == "text" and not (withhold and withhold(table.name, c.name))]
    if not text:
        return table.columns
    bounded = _first_rows(table, db_schema, [c.name for c in text])
    counts = connection.execute(select(*(func.count(func.distinct(bounded.c[c.name])) for c in text))).one()
    sampled: dict[str, Column] = {}
    for column, count in zip(text, counts, strict=True):
        few = 0 < count <= max_samples
        values = distinct_values(connection, table, db_schema, column.name, max_samples) if few else ()
        sampled[column.name] = replace(column, distinct=int(count), samples=values)
    return tuple(sampled.get(column.name, column) for column in table.columns)


def distinct_values(
    connection: Connection, table: Table, db_schema: str | None, expression: str | ColumnElement[Any], limit: int
) -> tuple[str, ...]:
    """The distinct non-null values of a column (or expression over the table) as text, sorted, at most `limit`.

    Values longer than `MAX_SAMPLE_CHARS` are left out. Sorting is done here, so that the order does not
    depend on the server's collation.
    """
    from sqlalchemy import select

    if isinstance(expression, str):
        source = _first_rows(table, db_schema, [expression])
        wanted: ColumnElement[Any] = source.c[expression]
        query = select(wanted).distinct().where(wanted.is_not(None))
    else:
        query = select(expression).distinct().select_from(warehouse_table(table, db_schema))
    rows = connection.execute(query.limit(limit + 1)).scalars()
    texts = {str(value).strip() for value in rows if value is not None}
    return tuple(sorted(text for text in texts if 0 < len(text) <= MAX_SAMPLE_CHARS))[:limit]


def _first_rows(table: Table, db_schema: str | None, columns: list[str]) -> FromClause:
    from sqlalchemy import select

    source = warehouse_table(table, db_schema)
    return select(*(source.c[name] for name in columns)).limit(SCAN_ROWS).subquery()
