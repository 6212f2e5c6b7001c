"""A small shop as a workspace, on whichever engine, in which one thing at a time can be broken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fixtures_warehouse import ENGINES, place

from agent.doctor.diagnosis import Diagnosis
from agent.doctor.examine import CHECKS
from agent.doctor.parts import Parts
from agent.settings import Settings
from audit.session import open_session
from memory.catalog import reflect
from memory.sync import CATALOG_NAME, VALUES_NAME
from memory.value_sources import values_to_json

TABLES = (
    "CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, name VARCHAR(40), country VARCHAR(40))",
    "CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id INTEGER, total NUMERIC(10, 2), placed_on DATE,"
    " FOREIGN KEY (customer_id) REFERENCES customers (customer_id))",
)
METRICS = """\
version: 1
dialect: duckdb
joins: []
entities:
  - {id: customer, name: Customer, table: customers, key: customer_id, label: name, synonyms: [client]}
dimensions:
  - {id: country, name: Country, table: customers, column: country, type: text, synonyms: [market]}
metrics:
  - id: revenue
    name: Revenue
    sql: SUM(orders.total)
    base: orders
    time: orders.placed_on
    synonyms: [sales, turnover]
  - {id: orders, name: Orders, sql: COUNT(*), base: orders}
"""


@dataclass(frozen=True)
class Shop:
    """The workspace; what is broken is broken in its files or its warehouse."""

    folder: Path
    url: str

    def settings(self, **changed: Any) -> Settings:
        return Settings(**{"workspace": self.folder, "warehouse": {"url": self.url}, **changed})

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def run_sql(self, *statements: str) -> None:
        engine = sa.create_engine(self.url)
        try:
            with engine.begin() as connection:
                for statement in statements:
                    connection.exec_driver_sql(statement)
        finally:
            engine.dispose()

    def sync(self) -> None:
        """Leave what a sync leaves of the warehouse's structure."""
        engine = sa.create_engine(self.url)
        try:
            catalog = reflect(engine)
        finally:
            engine.dispose()
        state = self.folder / ".affidavit"
        state.mkdir(exist_ok=True)
        (state / CATALOG_NAME).write_text(catalog.to_json(), encoding="utf-8")
        (state / VALUES_NAME).write_text(values_to_json({}), encoding="utf-8")

    def record(self, count: int = 3) -> Path:
        """Put some records on its ledger; gives the ledger's file."""
        file = self.folder / ".affidavit" / "ledger.sqlite"
        with open_session(
            f"sqlite:///{file}", workspace="workspace", state_dir=self.folder / ".affidavit", create=True
        ) as ledger:
            for number in range(count):
                ledger.append("memory.synced", {"number": number}, actor="analyst")
        return file

    def check(self, name: str, **changed: Any) -> list[Diagnosis]:
        """What one check finds."""
        with Parts(self.settings(**changed)) as parts:
            return list(CHECKS[name](parts))

    def only(self, name: str, **changed: Any) -> Diagnosis:
        """The one thing that a check finds."""
        (found,) = self.check(name, **changed)
        assert found.check == name
        assert (found.severity == "ok") != bool(found.why and found.do)
        return found


@contextmanager
def shop_on(dialect: str, folder: Path) -> Iterator[Shop]:
    with place(dialect, folder) as (url, _):
        made = Shop(folder, url)
        made.run_sql(*TABLES)
        made.write("metrics.yaml", METRICS)
        made.write("affidavit.toml", "")
        yield made


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """On SQLite."""
    with shop_on("sqlite", tmp_path) as made:
        yield made


@pytest.fixture(params=ENGINES)
def any_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """On each engine in turn."""
    with shop_on(str(request.param), tmp_path) as made:
        yield made
