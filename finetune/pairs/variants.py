"""The warehouse with its rows drawn again: where a statement must also run, and where its mutants must show.

One warehouse can make two statements look the same by chance: everybody has ordered something, no date is missing. So
a statement is also tried on copies of the same tables in which other rows belong together. A copy holds only what the
policy permits, lives in the memory of one process, and is gone with it.

What is drawn again: foreign keys, dates, texts and numbers of each table take the values of other rows of the same
table (dates stay together, and so do texts, so that a city keeps its country and a clerk the two halves of his name);
some dates are moved beyond the span there is; a few values that may be missing are; a few rows that no other row
refers to are left out. Primary keys stay.
"""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agent.warehouse.policy import Policy
from finetune.pairs.world import World
from memory.catalog import Catalog, Column, Table

__all__ = ["MAX_ROWS", "Copies", "Rows", "Runner", "open_copies", "same_result", "why_not_copied"]

MAX_ROWS = 200_000
"""A warehouse with more rows than this is not copied into memory."""
_SHOWN_ROWS = 5_001
_STEPS = 20_000
_MOST_CALLS = 2_000
"""Virtual machine steps a statement may take on a copy: `_STEPS` times this. Counted, not timed, so that the same
statement has the same fate on every machine."""
_MISSING = 0.04
_LEFT_OUT = 0.12
_MOVED = 0.2
_MOVED_DAYS = 700
_STRETCHED_DAYS = 60

Rows = list[tuple[Any, ...]]


class Runner(Protocol):
    """Runs one statement; None when it fails."""

    def __call__(self, sql: str) -> Rows | None:
        """The rows, or None."""


@dataclass(frozen=True)
class Copies:
    """The copies of one warehouse."""

    home: Runner | None = None
    """The warehouse's own rows."""
    others: tuple[Runner, ...] = ()
    """Each with rows drawn again."""
    close: Callable[[], None] = lambda: None


def why_not_copied(catalog: Catalog, policy: Policy) -> str:
    """Why a warehouse cannot be copied into memory, in words for a report; empty when it can."""
    if catalog.dialect != "sqlite":
        return f"a {catalog.dialect} warehouse is not copied"
    total = sum(table.row_count for table in _open_to_all(catalog, policy))
    return f"{total:,} rows are more than the {MAX_ROWS:,} that are copied" if total > MAX_ROWS else ""


def open_copies(world: World, variants: int, seed: int) -> Copies:
    """A faithful copy and `variants` resampled ones; none of a warehouse that cannot be copied into memory."""
    if not variants or why_not_copied(world.catalog, world.policy):
        return Copies()
    tables = _open_to_all(world.catalog, world.policy)
    rows = {table.name: _read(world, table) for table in tables}
    connections = [_filled(tables, rows, world.policy)]
    for number in range(1, variants + 1):
        drawn = _drawn_again(tables, rows, world.policy, random.Random(f"{seed}:{number}"))  # noqa: S311
        connections.append(_filled(tables, drawn, world.policy))

    def close() -> None:
        for connection in connections:
            connection.close()

    home, *others = (_SqliteRunner(connection) for connection in connections)
    return Copies(home, tuple(others), close)


def same_result(first: Rows, other: Rows, *, ordered: bool) -> bool:
    """Whether two results agree; floats to nine digits, and rows in any order unless the order was asked for."""
    if first == other:
        return True
    if len(first) != len(other) or (first and len(first[0]) != len(other[0])):
        return False
    one, two = [_plain(row) for row in first], [_plain(row) for row in other]
    return one == two if ordered else sorted(one) == sorted(two)


def _plain(row: Sequence[Any]) -> tuple[str, ...]:
    return tuple(f"{cell:.9g}" if isinstance(cell, int | float) else repr(cell) for cell in row)


class _SqliteRunner:
    """One copy in memory, opened for reading once it is filled."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._calls = 0
        connection.execute("PRAGMA query_only = 1")
        connection.set_progress_handler(self._count, _STEPS)

    def __call__(self, sql: str) -> Rows | None:
        self._calls = 0
        try:
            return self._connection.execute(sql).fetchmany(_SHOWN_ROWS)
        except sqlite3.Error:
            return None

    def _count(self) -> int:
        self._calls += 1
        return int(self._calls > _MOST_CALLS)


def _open_to_all(catalog: Catalog, policy: Policy) -> list[Table]:
    return [table for table in catalog.tables if policy.table_allowed(table.name)]


def _permitted(table: Table, policy: Policy) -> list[Column]:
    return [column for column in table.columns if not policy.column_denied(table.name, column.name)]


def _read(world: World, table: Table) -> Rows:
    columns = ", ".join(_quoted(column.name) for column in _permitted(table, world.policy))
    if not columns:
        return []
    with world.warehouse.engine.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT {columns} FROM {_quoted(table.name)}").fetchall()
    return [tuple(row) for row in found]


def _filled(tables: Sequence[Table], rows: dict[str, Rows], policy: Policy) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for table in tables:
        columns = _permitted(table, policy)
        if not columns:
            continue
        name, shown = _quoted(table.name), ", ".join(f"{_quoted(c.name)} {c.type}" for c in columns)
        connection.execute(f"CREATE TABLE {name} ({shown})")
        connection.execute("BEGIN")
        connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})", rows[table.name])
        connection.execute("COMMIT")
        known = {column.name for column in columns}
        keys = {table.primary_key, *(key.columns for key in table.foreign_keys)}
        for number, key in enumerate(sorted(key for key in keys if key and known.issuperset(key))):
            listed = ", ".join(map(_quoted, key))
            connection.execute(f"CREATE INDEX {_quoted(f'{table.name}_{number}')} ON {name} ({listed})")
    connection.execute("ANALYZE")
    return connection


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# -- drawing again ---------------------------------------------------------------------------------------------------


def _drawn_again(tables: Sequence[Table], rows: dict[str, Rows], policy: Policy, rng: random.Random) -> dict[str, Rows]:
    referred = {key.target_table.lower() for table in tables for key in table.foreign_keys}
    found = {}
    for table in tables:
        kept = rows[table.name]
        if table.name.lower() not in referred:
            kept = [row for row in kept if rng.random() >= _LEFT_OUT] or kept
        found[table.name] = _resampled(table, _permitted(table, policy), kept, rng)
    return found


def _resampled(table: Table, columns: Sequence[Column], rows: Rows, rng: random.Random) -> Rows:
    if not rows:
        return rows
    values = [list(column) for column in zip(*rows, strict=True)]
    for block, repeats in _blocks(table, columns, values):
        order = rng.choices(range(len(rows)), k=len(rows)) if repeats else rng.sample(range(len(rows)), len(rows))
        for index in block:
            values[index] = [values[index][row] for row in order]
    _move_dates(columns, values, rng)
    for index, column in enumerate(columns):
        if column.nullable and not column.primary_key and column.name not in table.primary_key:
            values[index] = [None if rng.random() < _MISSING else value for value in values[index]]
    return list(zip(*values, strict=True))


def _move_dates(columns: Sequence[Column], values: list[list[Any]], rng: random.Random) -> None:
    """Move the dates of some rows, beyond the span that the warehouse happens to cover, and their distances with them.

    The earliest date of a row stays the earliest; without other distances, two dates that always lie four weeks apart
    would be as good as one.
    """
    dates = [index for index, column in enumerate(columns) if column.family == "date"]
    for row in range(len(values[0])):
        if not dates or rng.random() >= _MOVED:
            continue
        days = rng.randint(-_MOVED_DAYS, _MOVED_DAYS)
        earliest = min((str(values[i][row]) for i in dates if values[i][row] is not None), default="")
        for index in dates:
            stretched = 0 if str(values[index][row]) == earliest else rng.randint(0, _STRETCHED_DAYS)
            values[index][row] = _later(values[index][row], dt.timedelta(days=days + stretched))


def _later(value: Any, days: dt.timedelta) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return (dt.date.fromisoformat(value[:10]) + days).isoformat() + value[10:]
    except (ValueError, OverflowError):
        return value


def _blocks(table: Table, columns: Sequence[Column], values: list[list[Any]]) -> list[tuple[list[int], bool]]:
    """Columns (by index) that move together, and whether their values may be drawn more than once."""
    own = {c for key in table.foreign_keys if key.target_table.lower() == table.name.lower() for c in key.columns}
    fixed = set(table.primary_key) | own  # a row that became its own ancestor would let a recursion run on
    foreign = [key.columns for key in table.foreign_keys if not fixed.intersection(key.columns)]
    place = {column.name: index for index, column in enumerate(columns)}
    blocks = [([place[c] for c in key if c in place], True) for key in foreign]
    taken = fixed.union(*foreign) if foreign else fixed
    left = [index for index, column in enumerate(columns) if column.name not in taken]
    dates = [index for index in left if columns[index].family == "date"]
    texts = [index for index in left if columns[index].family == "text"]
    names = [index for index in texts if len(set(values[index])) >= 0.9 * len(values[index])]
    blocks += [(dates, True), (names, False), ([index for index in texts if index not in names], True)]
    blocks += [([index], True) for index in left if index not in (*dates, *texts)]
    return blocks
