"""DuckDB's structure in the shape of SQLAlchemy's inspector.

The DuckDB dialect inherits PostgreSQL's inspector, whose catalog queries DuckDB cannot answer (no `pg_collation`, no
`regclass`), so its own table functions are read instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

__all__ = ["DuckDBInspector"]

_SCOPE = "database_name = current_database() AND schema_name = coalesce(:schema, current_schema())"


class DuckDBInspector:
    """The methods of SQLAlchemy's `Inspector` that the catalog reads, over `duckdb_*()` table functions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_table_names(self, schema: str | None = None) -> list[str]:
        """Names of the schema's base tables."""
        return [
            row["table_name"] for row in self._rows(f"SELECT table_name FROM duckdb_tables() WHERE {_SCOPE}", schema)
        ]

    def get_view_names(self, schema: str | None = None) -> list[str]:
        """Names of the schema's views."""
        query = f"SELECT view_name FROM duckdb_views() WHERE {_SCOPE} AND NOT internal"
        return [row["view_name"] for row in self._rows(query, schema)]

    def get_columns(self, table_name: str, schema: str | None = None) -> list[dict[str, Any]]:
        """Columns in order: name, type (as text), nullable, comment."""
        query = (
            "SELECT column_name AS name, data_type AS type, is_nullable AS nullable, comment "
            f"FROM duckdb_columns() WHERE {_SCOPE} AND table_name = :table ORDER BY column_index"
        )
        return [dict(row) for row in self._rows(query, schema, table_name)]

    def get_pk_constraint(self, table_name: str, schema: str | None = None) -> dict[str, Any]:
        """`constrained_columns` of the primary key, empty when there is none."""
        rows = self._constraints(table_name, schema, "PRIMARY KEY")
        return {"constrained_columns": list(rows[0]["constraint_column_names"]) if rows else []}

    def get_foreign_keys(self, table_name: str, schema: str | None = None) -> list[dict[str, Any]]:
        """Foreign keys: `constrained_columns`, `referred_table`, `referred_columns`."""
        return [
            {
                "constrained_columns": list(row["constraint_column_names"]),
                "referred_table": row["referenced_table"],
                "referred_columns": list(row["referenced_column_names"]),
            }
            for row in self._constraints(table_name, schema, "FOREIGN KEY")
        ]

    def get_table_comment(self, table_name: str, schema: str | None = None) -> dict[str, str | None]:
        """`text`: the table's comment or None."""
        query = f"SELECT comment FROM duckdb_tables() WHERE {_SCOPE} AND table_name = :table"
        rows = self._rows(query, schema, table_name)
        return {"text": rows[0]["comment"] if rows else None}

    def get_view_definition(self, view_name: str, schema: str | None = None) -> str | None:
        """The CREATE VIEW statement."""
        query = f"SELECT sql FROM duckdb_views() WHERE {_SCOPE} AND view_name = :table"
        rows = self._rows(query, schema, view_name)
        return str(rows[0]["sql"]) if rows else None

    def _constraints(self, table: str, schema: str | None, kind: str) -> Sequence[Any]:
        query = (
            "SELECT constraint_column_names, referenced_table, referenced_column_names FROM duckdb_constraints() "
            f"WHERE {_SCOPE} AND table_name = :table AND constraint_type = :kind ORDER BY constraint_index"
        )
        return self._rows(query, schema, table, kind)

    def _rows(self, query: str, schema: str | None, table: str | None = None, kind: str | None = None) -> Sequence[Any]:
        from sqlalchemy import text

        given = {"schema": schema, "table": table, "kind": kind}
        return (
            self._connection.execute(text(query), {name: given[name] for name in given if f":{name}" in query})
            .mappings()
            .all()
        )
