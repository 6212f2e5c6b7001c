"""The four engines with the demo warehouse in them, built once for the session and dropped afterwards.

A server that is not there is a loud skip, and a failure where CI is set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.settings import GuardLimits
from agent.warehouse.connect import Warehouse, open_warehouse
from bench.safety.servers import SERVERS, NoServer, empty_database
from demo.warehouse import build, checksum
from memory.catalog import Catalog, reflect
from memory.joins import JoinGraph
from memory.semantics import SemanticLayer, load_semantics

POSTGRESQL, MARIADB = SERVERS["postgres"], SERVERS["mysql"]
METRICS = Path(__file__).parent.parent / "demo" / "files" / "metrics.yaml"
BASELINE = METRICS.parent / "baseline.jsonl"

ENGINES = [
    "sqlite",
    "duckdb",
    pytest.param("postgres", marks=pytest.mark.postgresql),
    pytest.param("mysql", marks=pytest.mark.mariadb),
]
ORDERS = 120


@dataclass(frozen=True)
class Built:
    """One engine with the demo warehouse in it."""

    dialect: str
    url: str
    catalog: Catalog
    path: Path | None = None


@pytest.fixture(scope="session", params=ENGINES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    dialect = str(request.param)
    with place(dialect, tmp_path_factory.mktemp(f"warehouse_{dialect}")) as (url, path):
        build(url, orders=ORDERS)
        yield Built(dialect, url, _catalog(url), path)


@pytest.fixture(scope="session")
def sqlite_demo(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The demo in its usual size on SQLite, which the baseline's gold statements are written for."""
    path = tmp_path_factory.mktemp("demo") / "warehouse.sqlite"
    build(f"sqlite:///{path}")
    return Built("sqlite", f"sqlite:///{path}", _catalog(f"sqlite:///{path}"), path)


@pytest.fixture(scope="session")
def layer(sqlite_demo: Built) -> SemanticLayer:
    return load_semantics(METRICS, sqlite_demo.catalog)


@pytest.fixture(scope="session")
def joins(sqlite_demo: Built) -> JoinGraph:
    return JoinGraph(sqlite_demo.catalog)


@contextmanager
def opened(target: Built, **limits: float) -> Iterator[Warehouse]:
    warehouse = open_warehouse(target.url, GuardLimits.model_validate(limits))
    try:
        yield warehouse
    finally:
        warehouse.close()


@contextmanager
def place(dialect: str, folder: Path) -> Iterator[tuple[str, Path | None]]:
    """An empty database of that kind: (URL, file or None)."""
    try:
        with empty_database(dialect, folder, "wh") as url:
            file = Path(sa.engine.make_url(url).database or "") if dialect in ("sqlite", "duckdb") else None
            yield url, file
    except NoServer as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(f"NO SERVER: the warehouse is not tested on {dialect}: {missing}")


def checksum_of(url: str) -> str:
    """A hash of every row, read by a connection of its own."""
    engine = sa.create_engine(url)
    try:
        return checksum(engine)
    finally:
        engine.dispose()


def _catalog(url: str) -> Catalog:
    warehouse = open_warehouse(url, GuardLimits())
    try:
        return reflect(warehouse.engine)
    finally:
        warehouse.close()
