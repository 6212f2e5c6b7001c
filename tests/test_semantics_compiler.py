"""The compiler's SQL parses, runs, never fans out, and means the same on every engine."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
import sqlglot
from fixtures_pairs import Shop, shop  # noqa: F401

from demo.warehouse import build
from memory.compiler import CannotCompile, Filter, Having, Related, SemanticQuery, TimeWindow, compile_query

YEAR = TimeWindow("2023-01-01", "2024-01-01")


def sql_of(shop: Shop, query: SemanticQuery, dialect: str = "sqlite") -> str:  # noqa: F811
    return compile_query(query, shop.layer, shop.catalog, dialect)


def rows_of(shop: Shop, query: SemanticQuery) -> list[tuple[object, ...]]:  # noqa: F811
    outcome = shop.world.execute(sql_of(shop, query))
    assert outcome.result is not None, outcome.error
    return list(outcome.result.rows)


def scalar(shop: Shop, sql: str) -> float:  # noqa: F811
    outcome = shop.world.execute(sql)
    assert outcome.result is not None, outcome.error
    return float(str(outcome.result.rows[0][0]))


def test_the_first_question_of_the_demo(shop: Shop) -> None:  # noqa: F811
    query = SemanticQuery(("sales_revenue",), ("product_category",), window=YEAR, order="desc", limit=1)
    assert sql_of(shop, query) == (
        "SELECT CategoryName, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue "
        "FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID "
        "JOIN Products ON order_details.ProductID = Products.ProductID "
        "JOIN Categories ON Products.CategoryID = Categories.CategoryID "
        "WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' "
        "GROUP BY CategoryName ORDER BY sales_revenue DESC LIMIT 1"
    )
    assert len(rows_of(shop, query)) == 1


def test_breakdowns_add_up_to_the_total(shop: Shop) -> None:  # noqa: F811
    total = scalar(shop, sql_of(shop, SemanticQuery(("sales_revenue",), pattern="total")))
    for dimension in ("product_category", "customer_country", "employee_name", "shipper", "supplier_name"):
        parts = rows_of(shop, SemanticQuery(("sales_revenue",), (dimension,)))
        assert math.isclose(sum(float(str(row[-1])) for row in parts), total, rel_tol=1e-9)


def test_a_ratio_over_two_tables_is_not_fanned_out(shop: Shop) -> None:  # noqa: F811
    ratio = scalar(shop, sql_of(shop, SemanticQuery(("freight_to_sales_ratio",), pattern="total")))
    freight = scalar(shop, "SELECT SUM(Freight) FROM Orders")
    sales = scalar(shop, "SELECT SUM(UnitPrice * Quantity * (1 - Discount)) FROM order_details")
    assert math.isclose(ratio, 100 * freight / sales, rel_tol=1e-9)
    by_country = rows_of(shop, SemanticQuery(("freight_to_sales_ratio",), ("customer_country",)))
    assert len(by_country) > 5


def test_a_ratio_over_two_tables_stands_beside_other_metrics(shop: Shop) -> None:  # noqa: F811
    for metrics in (("freight_to_sales_ratio", "sales_revenue"), ("sales_revenue", "freight_to_sales_ratio")):
        ((*both,),) = rows_of(shop, SemanticQuery(metrics, pattern="total"))
        assert both == [scalar(shop, sql_of(shop, SemanticQuery((name,), pattern="total"))) for name in metrics]
        beside = dict(
            _pairs(rows_of(shop, SemanticQuery(metrics, ("customer_country",))), metrics.index("sales_revenue"))
        )
        assert beside == dict(_pairs(rows_of(shop, SemanticQuery(("sales_revenue",), ("customer_country",))), 0))


def test_a_join_that_would_repeat_rows_is_refused(shop: Shop) -> None:  # noqa: F811
    with pytest.raises(CannotCompile, match="repeat rows of Orders"):
        sql_of(shop, SemanticQuery(("total_freight",), ("product_category",)))


def test_a_row_count_across_a_fan_out_counts_keys(shop: Shop) -> None:  # noqa: F811
    query = SemanticQuery(
        ("customer_count",), filters=(Filter("product_category", "=", ("Seafood",)),), pattern="total"
    )
    assert "COUNT(DISTINCT Customers.CustomerID)" in sql_of(shop, query)
    assert scalar(shop, sql_of(shop, query)) <= 91


def test_share_growth_and_rank(shop: Shop) -> None:  # noqa: F811
    shares = rows_of(shop, SemanticQuery(("sales_revenue",), ("product_category",), pattern="share"))
    assert math.isclose(sum(float(str(r[1])) for r in shares), 100, rel_tol=1e-9)
    growth = SemanticQuery(
        ("order_count",),
        grain="year",
        compare=("2022-01-01", "2023-01-01"),
        window=TimeWindow("2022-01-01", "2024-01-01"),
        pattern="growth",
    )
    before = scalar(shop, "SELECT COUNT(*) FROM Orders WHERE OrderDate LIKE '2022%'")
    after = scalar(shop, "SELECT COUNT(*) FROM Orders WHERE OrderDate LIKE '2023%'")
    assert math.isclose(scalar(shop, sql_of(shop, growth)), 100 * after / before - 100, rel_tol=1e-9)
    best = rows_of(shop, SemanticQuery(("sales_revenue",), ("product_category", "product_name"), pattern="rank_within"))
    assert len(best) == 8


def test_never_is_an_anti_join_that_survives_null(shop: Shop) -> None:  # noqa: F811
    query = SemanticQuery(entity="customer", pattern="list", related=(Related("Orders", negated=True),))
    idle = scalar(shop, "SELECT COUNT(*) FROM Customers WHERE CustomerID NOT IN (SELECT CustomerID FROM Orders)")
    assert "NOT EXISTS" in sql_of(shop, query)
    assert len(rows_of(shop, query)) == idle


def test_division_is_never_whole_by_accident(shop: Shop) -> None:  # noqa: F811
    share = SemanticQuery(("count:product",), filters=(Filter("Products.Discontinued", "=", (1,)),), pattern="share_of")
    assert 0 < scalar(shop, sql_of(shop, share)) < 100
    quarters = rows_of(shop, SemanticQuery(("order_count",), grain="quarter", window=YEAR))
    assert [row[0] for row in quarters] == ["2023-Q1", "2023-Q2", "2023-Q3", "2023-Q4"]


def _pairs(rows: list[tuple[object, ...]], place: int) -> list[tuple[object, object]]:
    return [(row[0], row[1 + place]) for row in rows]


COMPARED: list[SemanticQuery] = [
    SemanticQuery(("sales_revenue", "order_count"), grain="month", window=YEAR),
    SemanticQuery(("order_count", "freight_to_sales_ratio"), ("customer_country",), order="desc", limit=5),
    SemanticQuery(("order_count", "gross_profit"), ("shipper",), having=Having(">", 100)),
    SemanticQuery(("sales_revenue", "total_freight", "late_shipment_rate"), pattern="total", window=YEAR),
    *(SemanticQuery(("freight_to_sales_ratio",), grain="year", pattern=pattern, compare=("2022-01-01", "2023-01-01"))
      for pattern in ("growth", "change", "change_table", "growth_table")),
    SemanticQuery(("freight_to_sales_ratio",), grain="quarter", pattern="growth_series", window=YEAR),
    SemanticQuery(("freight_to_sales_ratio",), ("shipper",), having=Having(">", 1), pattern="count_groups"),
    SemanticQuery(("freight_to_sales_ratio",), ("customer_country",), compare=("Germany", "France"),
                  pattern="difference"),
    SemanticQuery(("sales_revenue",), ("product_category",), grain="month", pattern="average_of_groups"),
    SemanticQuery(("order_count",), ("customer_country", "customer_name"), pattern="average_of_groups"),
    SemanticQuery(("sales_revenue",), grain="quarter", window=YEAR, pattern="growth_table"),
    SemanticQuery(("sales_revenue",), grain="month", window=YEAR, having=Having("<", 0), pattern="growth_series"),
    SemanticQuery(("average_order_value",), ("customer_name",), grain="year", compare=("2022-01-01", "2023-01-01"),
                  order="asc", limit=3, pattern="change"),
]  # fmt: skip


def test_compared_metrics_are_the_same_on_sqlite_and_duckdb(shop: Shop, tmp_path: Path) -> None:  # noqa: F811
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("duckdb_engine")
    file = tmp_path / "warehouse.duckdb"
    build(f"duckdb:///{file}", orders=830, seed=7)
    with duckdb.connect(str(file), read_only=True) as connection:
        for query in COMPARED:
            here, there = rows_of(shop, query), connection.execute(sql_of(shop, query, "duckdb")).fetchall()
            assert here, query
            assert _comparable(here) == _comparable(there), query
            assert all(value is not None for row in here for value in row), query


def test_the_first_period_of_a_window_is_compared_with_the_one_before_it(shop: Shop) -> None:  # noqa: F811
    series = SemanticQuery(("order_count",), grain="quarter", window=YEAR, pattern="growth_series")
    rows = rows_of(shop, series)
    assert [row[0] for row in rows] == ["2023-Q1", "2023-Q2", "2023-Q3", "2023-Q4"]
    last = scalar(shop, "SELECT COUNT(*) FROM Orders WHERE OrderDate >= '2022-10-01' AND OrderDate < '2023-01-01'")
    assert math.isclose(float(str(rows[0][2])), 100 * float(str(rows[0][1])) / last - 100, rel_tol=1e-9)
    partial = SemanticQuery(("order_count",), grain="quarter", window=TimeWindow("2023-02-15"), pattern="growth_series")
    assert rows_of(shop, partial)[0][2] is None  # half a quarter is compared with nothing


def test_who_bought_nothing_in_one_period_has_a_change(shop: Shop) -> None:  # noqa: F811
    changes = rows_of(
        shop,
        SemanticQuery(
            ("order_count",), ("customer_name",), grain="year", compare=("2023-01-01", "2024-01-01"), pattern="change"
        ),
    )
    lost = (
        "SELECT COUNT(*) FROM Customers AS c WHERE EXISTS (SELECT 1 FROM Orders AS o WHERE o.CustomerID = c.CustomerID "
        "AND o.OrderDate LIKE '2023%') AND NOT EXISTS (SELECT 1 FROM Orders AS o WHERE o.CustomerID = c.CustomerID "
        "AND o.OrderDate LIKE '2024%')"
    )
    assert scalar(shop, lost) > 0
    assert all(change is not None for _, change in changes)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (SemanticQuery(("nothing",), pattern="total"), "nothing"),
        (SemanticQuery(("customer_count",), pattern="total", window=YEAR), "no time column"),
        (SemanticQuery(("sales_revenue",), pattern="sideways"), "no pattern"),
        (SemanticQuery(pattern="total"), "needs a metric"),
        (SemanticQuery(("avg:Products.Nope",), pattern="total"), "not a plain metric"),
        (SemanticQuery(("gross_margin",), ("product_category",), pattern="share"), "does not add up"),
    ],
)
def test_what_cannot_be_one_statement_is_refused(shop: Shop, query: SemanticQuery, says: str) -> None:  # noqa: F811
    with pytest.raises(CannotCompile, match=says):
        sql_of(shop, query)


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb", "postgres", "mysql", "tsql", "snowflake", "bigquery"])
def test_drawn_queries_parse_in_every_dialect(shop: Shop, dialect: str) -> None:  # noqa: F811
    compiled = 0
    for index in range(120):
        drawn = shop.composer.draw(random.Random(f"dialects:{index}"))
        if drawn is None:
            continue
        try:
            text = sql_of(shop, drawn.query, dialect)
        except CannotCompile:
            continue
        assert isinstance(sqlglot.parse_one(text, dialect=dialect), sqlglot.exp.Query)
        compiled += 1
    assert compiled > 80


def test_names_are_quoted_only_where_they_must_be(shop: Shop) -> None:  # noqa: F811
    query = SemanticQuery(("order_count",), ("customer_country",))
    assert '"' not in sql_of(shop, query)
    assert '"Customers"."Country"' in sql_of(shop, query, "postgres")


def test_values_are_literals_whatever_they_hold(shop: Shop) -> None:  # noqa: F811
    evil = "x'; DROP TABLE Orders; --"
    query = SemanticQuery(("order_count",), filters=(Filter("customer_name", "=", (evil,)),), pattern="total")
    assert scalar(shop, sql_of(shop, query)) == 0
    assert sqlglot.parse_one(sql_of(shop, query), dialect="sqlite").find(sqlglot.exp.Literal).name == evil  # type: ignore[union-attr]


def test_the_same_rows_on_sqlite_and_duckdb(shop: Shop, tmp_path: Path) -> None:  # noqa: F811
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("duckdb_engine")
    file = tmp_path / "warehouse.duckdb"
    build(f"duckdb:///{file}", orders=830, seed=7)
    connection = duckdb.connect(str(file), read_only=True)
    compared = 0
    for index in range(150):
        drawn = shop.composer.draw(random.Random(f"engines:{index}"))
        if drawn is None or drawn.query.limit is not None:
            continue
        try:
            here, there = sql_of(shop, drawn.query), sql_of(shop, drawn.query, "duckdb")
        except CannotCompile:
            continue
        outcome = shop.world.execute(here)
        assert outcome.result is not None, outcome.error
        if outcome.result.truncated:
            continue
        got = connection.execute(there).fetchall()
        assert _comparable(outcome.result.rows) == _comparable(got), (here, there)
        compared += 1
    connection.close()
    assert compared > 60


def _comparable(rows: object) -> list[tuple[str, ...]]:
    return sorted(tuple(_cell(c) for c in row) for row in rows)  # type: ignore[attr-defined]


def _cell(value: object) -> str:
    if value is None:
        return ""
    try:
        return f"{float(str(value)):.4f}".replace("-0.0000", "0.0000")
    except ValueError:
        return str(value)


def test_having_and_number_of_groups_agree(shop: Shop) -> None:  # noqa: F811
    having = Having(">", 5)
    listed = SemanticQuery(("order_count",), ("customer_name",), having=having)
    counted = SemanticQuery(("order_count",), ("customer_name",), having=having, pattern="count_groups")
    assert len(rows_of(shop, listed)) == scalar(shop, sql_of(shop, counted))
