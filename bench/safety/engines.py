"""What the guard makes of a benign query gives the rows that the query gives: tried on the four real engines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
import sqlglot

from agent.run import Outcome
from agent.settings import GuardLimits
from agent.steps.guard import judge
from agent.warehouse.connect import Warehouse, open_warehouse
from agent.warehouse.policy import Policy
from bench.safety import tpch
from bench.safety.corpus import ORDERS, Benign
from bench.safety.servers import empty_database
from demo.warehouse import build
from memory.catalog import Catalog, reflect

__all__ = ["Compared", "compare", "engine_databases"]

_LIMITS = GuardLimits(max_rows=50_000, max_bytes=50_000_000, timeout_s=20)


@dataclass
class Compared:
    """What became of one engine's queries."""

    dialect: str
    alike: int = 0
    """The guarded statement gave the rows of the plain one."""
    not_said: int = 0
    """The plain statement itself fails on this engine and version, so there is nothing to compare."""
    unsteady: int = 0
    """The plain statement gives other rows each time (the clock, a random number)."""
    refused: int = 0
    different: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """The plain statement runs, the guarded one does not."""

    def count(self, query: Benign, warehouse: Warehouse, catalog: Catalog) -> None:
        """Run one query with the guard and without."""
        verdict = judge(query.sql, dialect=self.dialect, catalog=catalog, policy=Policy(), max_rows=_LIMITS.max_rows)
        if not verdict.allowed:
            self.refused += 1
            return
        plain = _spelled(query.sql, catalog) if self.dialect == "postgres" else query.sql
        expected = warehouse.execute(plain)
        if expected.result is None:
            self.not_said += 1
            return
        given = warehouse.execute(verdict.sql)
        if given.result is None:
            self.failed.append(f"{query.sql}  ->  {given.error.message if given.error else ''}")
        elif _rows(given) == _rows(expected):
            self.alike += 1
        elif _rows(warehouse.execute(plain)) != _rows(expected):
            self.unsteady += 1
        else:
            self.different.append(f"{query.sql}  ->  {verdict.sql}")


def compare(dialect: str, queries: list[Benign], demo_url: str, tpch_url: str) -> Compared:
    """Run the queries of one dialect on its engine."""
    compared = Compared(dialect)
    for url, about_tpch in ((demo_url, False), (tpch_url, True)):
        warehouse = open_warehouse(url, _LIMITS)
        try:
            catalog = reflect(warehouse.engine)
            for query in queries:
                if (query.source == "tpch") is about_tpch:
                    compared.count(query, warehouse, catalog)
        finally:
            warehouse.close()
    return compared


@contextlib.contextmanager
def engine_databases(dialect: str, folder: Path) -> Iterator[tuple[str, str]]:
    """The demo and TPC-H on one engine, each in a database of its own that is dropped afterwards: their URLs."""
    with (
        empty_database(dialect, folder, "benign_demo") as demo_url,
        empty_database(dialect, folder, "benign_tpch") as tpch_url,
    ):
        build(demo_url, orders=ORDERS)
        engine = sa.create_engine(tpch_url)
        try:
            tpch.fill(engine)
        finally:
            engine.dispose()
        yield demo_url, tpch_url


def _rows(outcome: Outcome) -> str:
    return outcome.result.fingerprint if outcome.result else ""


def _spelled(sql: str, catalog: Catalog) -> str:
    """The statement with the catalog's names in quotes, without which PostgreSQL would read them in lower case."""
    names = {table.name.casefold(): table.name for table in catalog.tables}
    names |= {column.name.casefold(): column.name for table in catalog.tables for column in table.columns}
    pieces, end = [], 0
    for token in sqlglot.tokenize(sql, dialect="postgres"):
        written = sql[token.start : token.end + 1]
        name = names.get(written.casefold())
        if name is not None and not name.islower():
            pieces += [sql[end : token.start], f'"{name}"']
            end = token.end + 1
    return "".join(pieces) + sql[end:]
