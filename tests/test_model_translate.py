"""What an adapter writes in SQLite's words gives the same rows on every other engine."""

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from agent.model.translate import translate
from memory.catalog import Catalog


@pytest.fixture(scope="module")
def catalog(tmp_path_factory) -> Catalog:
    from sqlalchemy import create_engine

    from demo.warehouse import build
    from memory.catalog import reflect

    url = f"sqlite:///{tmp_path_factory.mktemp('warehouse')}/w.sqlite"
    build(url)
    engine = create_engine(url)
    try:
        return reflect(engine)
    finally:
        engine.dispose()


def test_one_dialect_is_left_byte_for_byte(catalog):
    sql = "select  strftime('%Y',orderdate) from orders"
    assert translate(sql, read="sqlite", write="sqlite", catalog=catalog) == sql


def test_identifiers_are_spelt_and_quoted_as_the_catalog_has_them(catalog):
    said = translate("SELECT SUM(freight) AS total FROM orders", read="sqlite", write="postgres", catalog=catalog)
    assert said == 'SELECT SUM("Freight") AS total FROM "Orders"'


@pytest.mark.parametrize(
    ("write", "expected"),
    [("postgres", "EXTRACT(JULIAN FROM"), ("mysql", "TO_DAYS("), ("duckdb", "JULIAN(")],
)
def test_days_are_counted_in_each_dialect_s_way(catalog, write, expected):
    sql = "SELECT AVG(JULIANDAY(ShippedDate) - JULIANDAY(OrderDate)) AS days FROM Orders"
    said = translate(sql, read="sqlite", write=write, catalog=catalog)
    assert said.count(expected) == 2
    assert "JULIANDAY" not in said


@pytest.mark.parametrize("write", ["postgres", "mysql", "duckdb"])
def test_a_quarter_stays_a_whole_number(catalog, write):
    sql = "SELECT STRFTIME('%Y', OrderDate) || '-Q' || ((STRFTIME('%m', OrderDate) + 2) / 3) AS quarter FROM Orders"
    said = translate(sql, read="sqlite", write=write, catalog=catalog)
    assert "NULLIF" not in said
    sqlglot.parse_one(said, read=write)


def test_what_does_not_parse_is_left_to_the_guard(catalog):
    assert translate("SELECT FROM WHERE", read="sqlite", write="postgres", catalog=catalog) == "SELECT FROM WHERE"
    two = "SELECT 1; DROP TABLE Orders"
    assert translate(two, read="sqlite", write="postgres", catalog=catalog) == two


@given(st.text(max_size=60))
def test_any_text_comes_back_as_text(text):
    empty = Catalog(dialect="postgres", tables=())
    assert isinstance(translate(text, read="sqlite", write="postgres", catalog=empty), str)
