"""The warehouse's tables and columns by name alone: enough to check metrics.yaml before a sync counts and samples.

A sync of a large warehouse takes minutes, and one misspelt column makes them minutes lost. Names take milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect

from memory.catalog import Catalog, Column, Table
from memory.duckdb_structure import DuckDBInspector

if TYPE_CHECKING:
    from sqlalchemy import Engine

__all__ = ["named_tables"]


def named_tables(engine: Engine, db_schema: str | None = None) -> Catalog:
    """Every table and view with the names of its columns; no types, no keys, no counts and no values.

    Raises:
        SQLAlchemyError: the warehouse refuses to be read.
    """
    with engine.connect() as connection:
        inspector: Any = DuckDBInspector(connection) if engine.dialect.name == "duckdb" else inspect(connection)
        names = {*inspector.get_table_names(schema=db_schema), *inspector.get_view_names(schema=db_schema)}
        tables = tuple(
            Table(
                name, tuple(Column(str(entry["name"]), "") for entry in inspector.get_columns(name, schema=db_schema))
            )
            for name in sorted(names)
        )
    return Catalog(engine.dialect.name, tables, db_schema)
