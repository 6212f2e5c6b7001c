"""The warehouse as data: tables, columns, keys, row counts and what their text columns hold.

Everything else that is known about a warehouse stands on this: the join graph, the semantic layer's checks, value
linking, the guard's allow-list. A table's fingerprint covers its structure alone (names, types, keys), so that new rows
do not unsettle what people signed, while a renamed column does.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

from memory.errors import CatalogError
from memory.views import followed, names_read, through_views

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["Catalog", "Column", "ColumnFamily", "ForeignKey", "Table", "named_tables", "read_structure", "reflect"]

ColumnFamily = Literal["text", "number", "date", "boolean", "other"]

MAX_SAMPLE_CHARS = 120
"""A longer value is prose, not something a question names."""

_RESYNC = "Run `affidavit memory sync --full`."
_SQLGLOT_NAMES = {"postgresql": "postgres", "mariadb": "mysql"}
_FAMILIES: tuple[tuple[ColumnFamily, re.Pattern[str]], ...] = (
    ("boolean", re.compile(r"BOOL|^BIT(\(1\))?$")),
    ("date", re.compile(r"DATE|TIME|INTERVAL")),
    ("number", re.compile(r"INT|DEC|NUM|REAL|FLOAT|DOUBLE|MONEY|SERIAL|^YEAR")),
    ("text", re.compile(r"CHAR|TEXT|STRING|ENUM|CLOB|NAME|UUID|^SET\b")),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column, with its distinct values when it is a text column that has few."""

    name: str
    type: str
    nullable: bool = True
    primary_key: bool = False
    comment: str = ""
    samples: tuple[str, ...] = ()
    """All distinct values in order when there are at most `max_samples` of them, else empty."""
    distinct: int | None = None
    """How many distinct values a text column holds; None for other columns."""

    @property
    def family(self) -> ColumnFamily:
        """What the column's type is about, whatever the database calls it."""
        upper = self.type.upper()
        return next((family for family, pattern in _FAMILIES if pattern.search(upper)), "other")


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`columns` of the table that declares it, in the order of `target_columns`."""

    columns: tuple[str, ...]
    target_table: str
    target_columns: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """One table or view."""

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    row_count: int = 0
    comment: str = ""
    is_view: bool = False
    reads: tuple[str, ...] | None = None
    """Of a view: every table and view that it reads, through other views too. None: not known, or no view."""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over names, types and keys; rows, samples and comments leave it as it is."""
        structure = {
            "name": self.name,
            "columns": [[column.name, column.type, column.nullable] for column in self.columns],
            "primary_key": list(self.primary_key),
            "foreign_keys": sorted(
                [list(key.columns), key.target_table, list(key.target_columns)] for key in self.foreign_keys
            ),
        }
        return _digest(structure)

    def column(self, name: str) -> Column | None:
        """The column of that name in whatever case, or None."""
        return self._by_folded_name.get(name.casefold())

    @cached_property
    def _by_folded_name(self) -> dict[str, Column]:
        return {column.name.casefold(): column for column in self.columns}


@dataclass(frozen=True)
class Catalog:
    """Every table of one warehouse schema, sorted by name."""

    dialect: str
    """sqlglot's name of the dialect: sqlite, duckdb, postgres, mysql, or whatever SQLAlchemy calls it."""
    tables: tuple[Table, ...]
    db_schema: str | None = None

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the dialect and the tables' fingerprints."""
        return _digest([self.dialect, sorted([table.name, table.fingerprint] for table in self.tables)])

    def table(self, name: str) -> Table | None:
        """The table of that name in whatever case, or None."""
        return self._by_folded_name.get(name.casefold())

    def column(self, table: str, column: str) -> Column | None:
        """The column of that table in whatever case, or None."""
        found = self.table(table)
        return found.column(column) if found else None

    @cached_property
    def _by_folded_name(self) -> dict[str, Table]:
        return {table.name.casefold(): table for table in self.tables}

    def to_json(self) -> str:
        """The catalog as one JSON object, fingerprints included for whoever reads the file."""
        return json.dumps(
            {
                "dialect": self.dialect,
                "db_schema": self.db_schema,
                "fingerprint": self.fingerprint,
                "tables": [_table_to_dict(table) for table in self.tables],
            },
            ensure_ascii=False,
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str) -> Catalog:
        """The catalog that `to_json` wrote.

        Raises:
            CatalogError: the text is not such a catalog, or its fingerprint does not fit its content.
        """
        try:
            content = json.loads(text)
            tables = tuple(_table_from_dict(entry) for entry in content["tables"])
            catalog = cls(content["dialect"], tables, content["db_schema"])
            stated = content["fingerprint"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CatalogError(
                f"The saved catalog is unreadable: {error}. Run `affidavit memory sync --full`."
            ) from error
        if stated != catalog.fingerprint:
            raise CatalogError(f"The saved catalog does not fit its own fingerprint. {_RESYNC}")
        return catalog


class _Inspector(Protocol):
    """The part of SQLAlchemy's inspector that is read."""

    def get_table_names(self, schema: str | None = None) -> list[str]: ...
    def get_view_names(self, schema: str | None = None) -> list[str]: ...
    def get_columns(self, table_name: str, schema: str | None = None) -> list[Any]: ...
    def get_pk_constraint(self, table_name: str, schema: str | None = None) -> Any: ...
    def get_foreign_keys(self, table_name: str, schema: str | None = None) -> list[Any]: ...
    def get_table_comment(self, table_name: str, schema: str | None = None) -> Any: ...
    def get_view_definition(self, view_name: str, schema: str | None = None) -> str | None: ...


def reflect(
    engine: Engine,
    *,
    db_schema: str | None = None,
    max_samples: int = 50,
    progress: Callable[[int, int], None] | None = None,
    withhold: Callable[[str, str], bool] | None = None,
) -> Catalog:
    """Read the warehouse's structure, row counts and the values of its low-cardinality text columns.

    Args:
        engine: the warehouse; only SELECTs are sent.
        db_schema: the schema to read, None for the connection's default.
        max_samples: a text column with more distinct values than this keeps none.
        progress: called with (tables done, tables in all).
        withhold: `withhold(table, column)` is true for a column whose values must not be read.

    Raises:
        CatalogError: the warehouse cannot be reached or refuses to be read.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from memory.sampling import count_rows, sample_columns

    try:
        with engine.connect() as connection:
            tables = _read_structure(connection, db_schema)
            held_back = through_views(withhold, tables) if withhold else None
            filled: list[Table] = []
            for done, table in enumerate(tables):
                if progress:
                    progress(done, len(tables))
                columns = sample_columns(connection, table, db_schema, max_samples, held_back)
                filled.append(replace(table, row_count=count_rows(connection, table, db_schema), columns=columns))
            if progress:
                progress(len(tables), len(tables))
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise CatalogError(f"The warehouse could not be read: {reason}") from error
    return Catalog(_dialect(engine), tuple(filled), db_schema)


def named_tables(engine: Engine, db_schema: str | None = None) -> Catalog:
    """Every table and view with the names of its columns: no types, no keys, no counts and no values.

    A sync of a large warehouse takes minutes, which one misspelt column in metrics.yaml would waste; names take
    milliseconds, and are enough to check that file.

    Raises:
        SQLAlchemyError: the warehouse refuses to be read.
    """
    with engine.connect() as connection:
        inspector, named = _inspector(connection), []
        for name in _table_names(inspector, db_schema):
            columns = inspector.get_columns(name, schema=db_schema)
            named.append(Table(name, tuple(Column(str(entry["name"]), "") for entry in columns)))
    return Catalog(_dialect(engine), tuple(named), db_schema)


def read_structure(engine: Engine, db_schema: str | None = None) -> Catalog:
    """Every table with its columns, types and keys as `reflect` reads them, but no counts and no values.

    What moved since a sync can be told from these, in the time that names take.

    Raises:
        SQLAlchemyError: the warehouse refuses to be read.
    """
    with engine.connect() as connection:
        return Catalog(_dialect(engine), tuple(_read_structure(connection, db_schema)), db_schema)


def _dialect(place: Engine | Connection) -> str:
    """By sqlglot's name for it."""
    return _SQLGLOT_NAMES.get(place.dialect.name, place.dialect.name)


def _table_names(inspector: _Inspector, db_schema: str | None) -> list[str]:
    return sorted({*inspector.get_table_names(schema=db_schema), *inspector.get_view_names(schema=db_schema)})


def _read_structure(connection: Connection, db_schema: str | None) -> list[Table]:
    inspector = _inspector(connection)
    views = set(inspector.get_view_names(schema=db_schema))
    names = _table_names(inspector, db_schema)
    tables = [_read_table(connection, inspector, name, db_schema, name in views) for name in names]
    dialect = _dialect(connection)
    named = {name: names_read(_definition(inspector, name, db_schema), dialect) for name in views}
    return list(followed(tables, named))


def _definition(inspector: _Inspector, view: str, db_schema: str | None) -> str | None:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return inspector.get_view_definition(view, schema=db_schema)
    except (SQLAlchemyError, NotImplementedError):  # whoever may read a view may not always see what it is made of
        return None


def _inspector(connection: Connection) -> _Inspector:
    if connection.dialect.name == "duckdb":
        from memory.duckdb_structure import DuckDBInspector

        return DuckDBInspector(connection)
    from sqlalchemy import inspect

    return inspect(connection)


def _read_table(
    connection: Connection, inspector: _Inspector, name: str, db_schema: str | None, is_view: bool
) -> Table:
    key = tuple(inspector.get_pk_constraint(name, schema=db_schema).get("constrained_columns") or ())
    columns = tuple(
        Column(
            name=str(entry["name"]),
            type=_type_name(entry["type"], connection),
            nullable=bool(entry.get("nullable", True)),
            primary_key=entry["name"] in key,
            comment=entry.get("comment") or "",
        )
        for entry in inspector.get_columns(name, schema=db_schema)
    )
    keys = tuple(
        ForeignKey(
            tuple(entry["constrained_columns"]),
            str(entry["referred_table"]),
            tuple(entry["referred_columns"]) or tuple(entry["constrained_columns"]),
        )
        for entry in sorted(inspector.get_foreign_keys(name, schema=db_schema), key=_foreign_key_order)
    )
    return Table(name, columns, key, keys, comment=_comment(inspector, name, db_schema), is_view=is_view)


def _foreign_key_order(entry: dict[str, Any]) -> tuple[Any, ...]:
    # Databases return constraints in no stated order; the fingerprint must not depend on it.
    return tuple(entry["constrained_columns"]), entry["referred_table"], tuple(entry["referred_columns"])


def _comment(inspector: _Inspector, name: str, db_schema: str | None) -> str:
    try:
        return inspector.get_table_comment(name, schema=db_schema).get("text") or ""
    except NotImplementedError:  # SQLite has no comments
        return ""


def _type_name(sql_type: Any, connection: Connection) -> str:
    if isinstance(sql_type, str):
        return sql_type
    from sqlalchemy.exc import CompileError

    try:
        compiled = sql_type.compile(dialect=connection.dialect)
    except CompileError:  # a type SQLAlchemy does not know (NullType)
        return "UNKNOWN"
    return re.sub(r"\s+(COLLATE|CHARACTER SET)\s+\S+", "", str(compiled)).strip()


def _table_to_dict(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "comment": table.comment,
        "is_view": table.is_view,
        **({} if table.reads is None else {"reads": list(table.reads)}),
        "row_count": table.row_count,
        "primary_key": list(table.primary_key),
        "foreign_keys": [
            {"columns": list(k.columns), "table": k.target_table, "target_columns": list(k.target_columns)}
            for k in table.foreign_keys
        ],
        "columns": [
            {
                "name": c.name,
                "type": c.type,
                "nullable": c.nullable,
                "comment": c.comment,
                "distinct": c.distinct,
                "samples": list(c.samples),
            }
            for c in table.columns
        ],
        "fingerprint": table.fingerprint,
    }


def _table_from_dict(entry: dict[str, Any]) -> Table:
    key = tuple(entry["primary_key"])
    return Table(
        name=entry["name"],
        columns=tuple(
            Column(
                name=c["name"],
                type=c["type"],
                nullable=c["nullable"],
                primary_key=c["name"] in key,
                comment=c["comment"],
                samples=tuple(c["samples"]),
                distinct=c["distinct"],
            )
            for c in entry["columns"]
        ),
        primary_key=key,
        foreign_keys=tuple(
            ForeignKey(tuple(k["columns"]), k["table"], tuple(k["target_columns"])) for k in entry["foreign_keys"]
        ),
        row_count=entry["row_count"],
        comment=entry["comment"],
        is_view=entry["is_view"],
        reads=tuple(entry["reads"]) if "reads" in entry else None,
    )


def _digest(content: Any) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
