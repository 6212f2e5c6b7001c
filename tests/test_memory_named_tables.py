"""The names that metrics.yaml is checked against are those a sync will find, on every engine."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from demo.warehouse import build
from memory.catalog import Catalog, named_tables, reflect
from tests.fixtures_demo import engine_name, url

__all__ = ["engine_name", "url"]


def names(catalog: Catalog) -> list[tuple[str, list[str]]]:
    return [(table.name, [column.name for column in table.columns]) for table in catalog.tables]


def test_the_names_are_those_of_a_sync(url: str) -> None:
    build(url, orders=20)
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE VIEW staff AS SELECT 1 AS n")
        found = named_tables(engine)
        assert names(found) == names(reflect(engine))
    finally:
        engine.dispose()
    assert found.column("STAFF", "N") is not None
    assert found.table("nothing") is None


@pytest.mark.parametrize("engine_name", ["duckdb"])
def test_only_the_schema_that_is_named_is_looked_at(url: str, engine_name: str) -> None:
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE SCHEMA retail")
            connection.exec_driver_sql("CREATE TABLE retail.purchases (id INTEGER)")
            connection.exec_driver_sql("CREATE TABLE elsewhere (id INTEGER)")
        assert names(named_tables(engine, "retail")) == [("purchases", ["id"])]
    finally:
        engine.dispose()
