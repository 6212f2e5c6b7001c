"""The demo warehouse: the same invented company, row for row, in SQLite, DuckDB, PostgreSQL or MariaDB.

A sample database that everybody can build without downloading anything, small enough to be read and large enough to
be slow when a query is wrong. A build is all or nothing: files are written beside and renamed, PostgreSQL gets one
transaction, and MariaDB, which cannot undo DDL, gets a mark that says "unfinished" until the last row is in. Tables
that this module did not make are never touched unless `replace=True`.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, func, insert, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from demo import stamp
from demo.beside import written_beside
from demo.errors import WarehouseBuildError
from demo.generator import generate
from demo.schema import metadata

__all__ = ["MAX_ORDERS", "Progress", "WarehouseBuildError", "WarehouseReport", "build", "checksum", "metadata"]

Progress = Callable[[int, int], None]
"""Called with the rows written so far and the rows in all."""

MAX_ORDERS = 1_000_000
_CHUNK = 5_000
_FILES = ("sqlite", "duckdb")
_SERVERS = ("postgresql", "mysql", "mariadb")


@dataclass(frozen=True)
class WarehouseReport:
    """What a build found or made."""

    url: str
    """Without its password."""
    dialect: str
    orders: int
    seed: int
    rows: dict[str, int]
    """Rows by table."""
    built: bool
    """False when the same warehouse was there already and nothing was done."""
    seconds: float


@dataclass(frozen=True)
class _Make:
    orders: int
    seed: int
    progress: Progress | None


def build(
    url: str, *, orders: int = 830, seed: int = 7, progress: Progress | None = None, replace: bool = False
) -> WarehouseReport:
    """Fill the database at `url` (SQLAlchemy's notation) with `orders` orders; no work if it holds them already.

    An earlier demo warehouse of another size or seed is rebuilt; tables with our names that are somebody else's are
    replaced only with `replace=True`, and other tables are never touched.

    Raises:
        WarehouseBuildError: wrong URL or number of orders, a missing driver, an unreachable server, or tables that
            are not ours. The database is then as it was.
    """
    if not 1 <= orders <= MAX_ORDERS:
        raise WarehouseBuildError(f"Cannot make {orders} orders.", f"Ask for 1 to {MAX_ORDERS:,} orders.")
    if seed < 0:
        raise WarehouseBuildError(f"Cannot use the seed {seed}.", "Give a whole number from 0 up.")
    started = time.perf_counter()
    target = _parsed(url)
    shown = target.render_as_string(hide_password=True)
    make = _Make(orders, seed, progress)
    try:
        if target.get_backend_name() in _FILES:
            counts, built = _build_file(target, make, replace)
        else:
            counts, built = _build_server(target, make, replace)
    except (SQLAlchemyError, OSError, ModuleNotFoundError) as error:
        raise _explained(shown, error) from error
    seconds = time.perf_counter() - started
    return WarehouseReport(shown, target.get_backend_name(), orders, seed, counts, built, seconds)


def checksum(engine: Engine) -> str:
    """sha256 over every row of the eleven tables; equal on every engine for the same number of orders and seed."""
    digest = hashlib.sha256()
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            rows = sorted(_canonical(row) for row in connection.execute(select(table)))
            digest.update(f"{table.name} {len(rows)}\n".encode())
            digest.update("".join(rows).encode())
    return digest.hexdigest()


def _canonical(row: Any) -> str:
    """One line of text; numbers that are whole in one engine and decimal in another read the same."""
    cells = (f"{value:.2f}" if isinstance(value, float | Decimal) else str(value) for value in row)
    return "\x1f".join(cells) + "\n"


def _parsed(url: str) -> URL:
    try:
        target = make_url(url)
        name = target.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise WarehouseBuildError("That is not a database URL.", "Write it as sqlite:///PATH.sqlite.") from error
    if name not in _FILES + _SERVERS:
        known = "SQLite, DuckDB, PostgreSQL and MariaDB"
        raise WarehouseBuildError(f"The demo warehouse cannot be built in {name}.", f"It can in {known}.")
    if not target.database or target.database.startswith((":memory:", "file:")):
        what = "file" if name in _FILES else "database"
        raise WarehouseBuildError(f"The URL names no {what}.", f"End it with the {what} to fill.")
    return target


def _explained(shown: str, error: Exception) -> WarehouseBuildError:
    if isinstance(error, ModuleNotFoundError):
        return WarehouseBuildError(
            f"The driver for {shown} is not installed ({error.name}).",
            "Install affidavit with the extra `duckdb`, `postgresql` or `mariadb`.",
        )
    first = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    return WarehouseBuildError(
        f"Could not fill {shown}: {first}",
        "Check that it can be reached and written with this URL; nothing was changed.",
    )


def _build_file(target: URL, make: _Make, replace: bool) -> tuple[dict[str, int], bool]:
    path = Path(str(target.database))
    if path.exists() and path.stat().st_size:
        with _opened(target) as engine, engine.connect() as connection:
            state = stamp.read(connection)
            if state.holds(connection, make.orders, make.seed):
                return _counts(connection), False
        _allow(state, replace)
        if state.others:
            raise WarehouseBuildError(
                f"{path} also holds other tables ({', '.join(sorted(state.others)[:3])}), which would be lost.",
                "Name another file.",
            )
    with written_beside(path) as partial:
        counts = _fill_file(target.set(database=str(partial)), make)
    return counts, True


def _fill_file(target: URL, make: _Make) -> dict[str, int]:
    with _opened(target) as engine, engine.connect() as connection:
        if engine.dialect.name == "sqlite":  # a power cut costs a file nobody has seen yet
            connection.exec_driver_sql("PRAGMA synchronous=OFF")
        counts = _fill(connection, make)
        connection.commit()
    return counts


def _build_server(target: URL, make: _Make, replace: bool) -> tuple[dict[str, int], bool]:
    with _opened(target) as engine:
        with engine.connect() as connection:
            state = stamp.read(connection)
            if state.holds(connection, make.orders, make.seed):
                return _counts(connection), False
        _allow(state, replace)
        try:
            with engine.begin() as connection:
                metadata.drop_all(connection)
                counts = _fill(connection, make)
        except BaseException:
            if engine.dialect.name in ("mysql", "mariadb"):  # it committed each CREATE TABLE on the way
                with engine.begin() as connection:
                    metadata.drop_all(connection)
            raise
    return counts, True


def _allow(state: stamp.State, replace: bool) -> None:
    if state.ours and state.mark is None and not replace:
        raise WarehouseBuildError(
            f"There are tables called {', '.join(sorted(state.ours)[:3])} that Affidavit did not make.",
            "Name another database, or ask for them to be replaced.",
        )


@contextlib.contextmanager
def _opened(target: URL) -> Iterator[Engine]:
    engine = create_engine(target)
    try:
        yield engine
    finally:
        engine.dispose()  # so that no file stays open


def _counts(connection: Connection) -> dict[str, int]:
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in metadata.sorted_tables
    }


def _fill(connection: Connection, make: _Make) -> dict[str, int]:
    carrier = metadata.tables["Regions"]
    carrier.create(connection)
    stamp.write_unfinished(connection)
    metadata.create_all(
        connection, [table for table in metadata.sorted_tables if table is not carrier], checkfirst=False
    )
    columns = generate(make.orders, make.seed)
    total = sum(len(values[0]) for values in columns.values())
    done = 0
    for table in metadata.sorted_tables:
        values = columns[table.name]
        step = _step(connection, table)
        for start in range(0, len(values[0]), step):
            part = [column[start : start + step] for column in values]
            _insert(connection, table, part)
            done += len(part[0])
            if make.progress:
                make.progress(done, total)
    stamp.write(connection, make.orders, make.seed)
    return {name: len(values[0]) for name, values in columns.items()}


def _step(connection: Connection, table: Table) -> int:
    """Rows to insert at once. DuckDB does not see a row's boss in the statement that inserts both."""
    points_to_itself = any(key.column.table is table for key in table.foreign_keys)
    return 1 if connection.dialect.name == "duckdb" and points_to_itself else _CHUNK


def _insert(connection: Connection, table: Table, part: list[list[Any]]) -> None:
    if connection.dialect.name == "duckdb":  # binding row by row takes DuckDB minutes, whole columns a moment
        kinds = [column.type.compile(dialect=connection.dialect) for column in table.columns]
        picks = ", ".join(f"unnest(?::{kind}[])" for kind in kinds)
        connection.exec_driver_sql(f'INSERT INTO "{table.name}" SELECT {picks}', tuple(part))
        return
    names = table.columns.keys()
    connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in zip(*part, strict=True)])
