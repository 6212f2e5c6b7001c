"""The four engines the demo warehouse is built on, each with an empty database of its own, dropped afterwards."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

POSTGRESQL = os.environ.get("AFFIDAVIT_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1/test")
MARIADB = os.environ.get("AFFIDAVIT_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1/test")

ENGINES = [
    "sqlite",
    "duckdb",
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]
SERVERS = ENGINES[2:]
SQLGLOT = {"sqlite": "sqlite", "duckdb": "duckdb", "postgresql": "postgres", "mariadb": "mysql"}


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(engine_name: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a place to build in, where nothing is yet."""
    if engine_name in ("sqlite", "duckdb"):
        yield f"{engine_name}:///{tmp_path / 'warehouse.db'}"
        return
    with _own_database(engine_name) as made:
        yield made


class _own_database:  # noqa: N801
    def __init__(self, engine_name: str) -> None:
        self.server = sa.engine.make_url(POSTGRESQL if engine_name == "postgresql" else MARIADB)
        self.name = f"affidavit_demo_{uuid.uuid4().hex[:10]}"

    def __enter__(self) -> str:
        try:
            self._run(f"CREATE DATABASE {self.name}")
        except sa.exc.OperationalError as error:
            shown = self.server.render_as_string(hide_password=True)
            if os.environ.get("CI"):
                pytest.fail(f"no server at {shown}: {error}")
            pytest.skip(f"NO SERVER at {shown}: the demo warehouse is not tested on it")
        return self.server.set(database=self.name).render_as_string(hide_password=False)

    def __exit__(self, *_: object) -> None:
        self._run(f"DROP DATABASE {self.name}")

    def _run(self, statement: str) -> None:
        engine = sa.create_engine(self.server, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(statement)
        finally:
            engine.dispose()


def rows(url: str, sql: str) -> list[tuple[object, ...]]:
    """What a statement gives, with the connection closed behind it."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(sql.replace(":", "\\:")))]
    finally:
        engine.dispose()


def run(url: str, *statements: str) -> None:
    """Execute and commit."""
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


def checksum_of(url: str) -> str:
    """`demo.warehouse.checksum` with the connection closed behind it."""
    from demo.warehouse import checksum

    engine = sa.create_engine(url)
    try:
        return checksum(engine)
    finally:
        engine.dispose()
