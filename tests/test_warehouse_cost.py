"""What each engine's EXPLAIN announces, read into the same few figures, against what is known of the demo's tables."""

# ruff: noqa: F811  pytest finds fixtures by their imported names
from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import sqlglot
from fixtures_warehouse import ORDERS, Built, built, opened  # noqa: F401

from agent.errors import FailedError
from agent.settings import GuardLimits
from agent.steps.guard import judge
from agent.warehouse.budget import weigh
from agent.warehouse.connect import Warehouse
from agent.warehouse.cost import Estimate, estimate
from agent.warehouse.plans import mysql, postgres, sqlite
from agent.warehouse.plans.tally import early_stop
from agent.warehouse.policy import Policy
from bench.safety.servers import administer

CUSTOMERS = 91
ID_ON_POSTGRES = 'SELECT MIN("OrderID") FROM "Orders"'


@pytest.fixture(scope="module")
def warehouse(built: Built) -> Iterator[Warehouse]:
    if built.dialect == "postgres":
        administer(built.url, "ANALYZE")
    if built.dialect == "mysql":
        administer(built.url, "ANALYZE TABLE Orders, Customers")
    with opened(built) as found:
        yield found


def expected(sql: str, warehouse: Warehouse, built: Built, max_rows: int = 1000) -> Estimate:
    """The estimate of a statement as the guard lets it through."""
    verdict = judge(sql, dialect=built.dialect, catalog=built.catalog, policy=Policy(), max_rows=max_rows)
    assert verdict.allowed, verdict.message
    return estimate(warehouse, verdict.sql, built.catalog)


def test_a_table_read_whole_counts_all_its_rows_whatever_is_kept(warehouse: Warehouse, built: Built) -> None:
    found = expected("SELECT COUNT(*) FROM Orders WHERE Freight > 20", warehouse, built)
    assert found.scanned_rows == pytest.approx(ORDERS, rel=0.1)
    assert (found.rows_out, dict(found.full_scans), found.cartesian_products) == (1, {"Orders": 1}, 0)
    assert (found.cost is not None) == (built.dialect == "postgres")


def test_every_row_with_every_row_is_their_product(warehouse: Warehouse, built: Built) -> None:
    found = expected("SELECT COUNT(*) FROM Orders a CROSS JOIN Orders b CROSS JOIN Customers c", warehouse, built)
    product = ORDERS * ORDERS * CUSTOMERS
    assert product * 0.7 <= found.scanned_rows <= product * 1.3
    assert found.cartesian_products == 2
    assert dict(found.full_scans) == {"Customers": 1, "Orders": 2}


def test_an_inequality_meets_many_pairs_on_every_engine(warehouse: Warehouse, built: Built) -> None:
    found = expected("SELECT COUNT(*) FROM Orders a JOIN Orders b ON a.Freight < b.Freight", warehouse, built)
    assert ORDERS * ORDERS / 6 <= found.scanned_rows <= ORDERS * ORDERS * 1.3


def test_joining_by_key_costs_little_more_than_reading_both(warehouse: Warehouse, built: Built) -> None:
    sql = "SELECT o.OrderID, c.CompanyName FROM Orders o JOIN Customers c ON c.CustomerID = o.CustomerID"
    found = expected(sql, warehouse, built)
    assert ORDERS <= found.scanned_rows <= 3 * (ORDERS + CUSTOMERS)
    assert found.cartesian_products == 0


def test_looking_one_row_up_costs_next_to_nothing(warehouse: Warehouse, built: Built) -> None:
    first = warehouse.execute("SELECT MIN(OrderID) FROM Orders" if built.dialect != "postgres" else ID_ON_POSTGRES)
    assert first.result is not None
    ((a_key,),) = first.result.rows
    found = expected(f"SELECT Freight FROM Orders WHERE OrderID = {a_key}", warehouse, built)
    # MariaDB looks it up while it plans, DuckDB has no index here and PostgreSQL needs none for so small a table
    few = ORDERS if built.dialect in {"duckdb", "postgres"} else 1
    assert found.scanned_rows <= few


def test_a_limit_stops_reading_but_not_sorting(warehouse: Warehouse, built: Built) -> None:
    some = expected("SELECT OrderID, Freight FROM Orders", warehouse, built, max_rows=9)
    assert (some.scanned_rows, some.rows_out) == (10, 10)
    best = expected("SELECT OrderID, Freight FROM Orders ORDER BY Freight DESC", warehouse, built, max_rows=9)
    # DuckDB finds the best rows by the column alone, and then reads these rows' other columns
    assert 0.9 * ORDERS <= best.scanned_rows <= (2.1 if built.dialect == "duckdb" else 1.1) * ORDERS
    assert best.rows_out == 10


def test_a_correlated_subquery_runs_for_each_row(warehouse: Warehouse, built: Built) -> None:
    sql = (
        "SELECT c.CompanyName, (SELECT COUNT(*) FROM Orders o WHERE o.ShipCity = c.City AND o.Freight < 10) AS n"
        " FROM Customers c"
    )
    found = expected(sql, warehouse, built)
    if built.dialect == "duckdb":  # which makes a join of it
        assert found.scanned_rows <= 4 * (ORDERS + CUSTOMERS)
    else:
        assert found.scanned_rows >= CUSTOMERS * ORDERS * 0.8


def test_common_tables_and_unions_are_counted_once_each(warehouse: Warehouse, built: Built) -> None:
    sql = "WITH t AS (SELECT CustomerID, COUNT(*) AS n FROM Orders GROUP BY CustomerID) SELECT AVG(n) FROM t"
    found = expected(sql, warehouse, built)
    assert ORDERS <= found.scanned_rows <= 3 * ORDERS
    assert set(found.full_scans) == {"Orders"}
    union = expected("SELECT OrderID FROM Orders UNION ALL SELECT EmployeeID FROM Orders", warehouse, built)
    assert union.scanned_rows == pytest.approx(2 * ORDERS, rel=0.1)
    assert dict(union.full_scans) == {"Orders": 2}


def test_nothing_to_read_costs_nothing(warehouse: Warehouse, built: Built) -> None:
    assert expected("SELECT 1 AS one", warehouse, built).scanned_rows <= 1


def test_it_is_planned_and_not_run(warehouse: Warehouse, built: Built) -> None:
    """Five tables multiplied take hours to count and no time to plan."""
    sql = "SELECT COUNT(*) FROM Orders a, Orders b, Orders c, Orders d, Orders e"
    found = expected(sql, warehouse, built)
    assert found.scanned_rows >= 0.4 * ORDERS**5


def test_what_the_database_cannot_plan_has_no_estimate(warehouse: Warehouse, built: Built) -> None:
    with pytest.raises(FailedError) as caught:
        estimate(warehouse, "SELECT x FROM nowhere", built.catalog)
    assert caught.value.error_class == "unknown_table"


def test_weighing(warehouse: Warehouse, built: Built) -> None:
    sql = judge(
        "SELECT COUNT(*) FROM Orders a CROSS JOIN Orders b",
        dialect=built.dialect,
        catalog=built.catalog,
        policy=Policy(),
        max_rows=9,
    ).sql
    free = weigh(warehouse, sql, built.catalog, GuardLimits())
    assert free.refusal is None
    assert free.estimate is not None
    assert free.to_json()["estimate"]["scanned_rows"] == free.estimate.scanned_rows
    over = weigh(warehouse, sql, built.catalog, GuardLimits(max_scanned_rows=1000)).refusal
    assert over is not None
    assert over.error_class == "too_expensive"
    assert f"{free.estimate.scanned_rows:,} rows; 1,000 are allowed" in over.message
    assert "every row of one side meets every row of the other" in over.message
    assert weigh(warehouse, sql, built.catalog, GuardLimits(max_scanned_rows=1_000_000)).refusal is None


def test_asking_and_accepting(warehouse: Warehouse, built: Built) -> None:
    asks = GuardLimits(max_scanned_rows=1, over_budget="ask")
    sql = "SELECT COUNT(*) FROM " + ('"Orders"' if built.dialect == "postgres" else "Orders")
    refusal = weigh(warehouse, sql, built.catalog, asks).refusal
    if built.dialect == "duckdb":  # which counts from its statistics
        assert refusal is None
        return
    assert refusal is not None
    assert refusal.error_class == "cost_not_accepted"
    assert "--allow-cost" in refusal.hint
    assert weigh(warehouse, sql, built.catalog, asks, cost_accepted=True).refusal is None
    refuses = GuardLimits(max_scanned_rows=1)
    assert weigh(warehouse, sql, built.catalog, refuses, cost_accepted=True).refusal is not None


def test_without_an_estimate_only_a_budget_stops_it(warehouse: Warehouse, built: Built) -> None:
    broken = "SELECT x FROM nowhere"
    free = weigh(warehouse, broken, built.catalog, GuardLimits())
    assert (free.estimate, free.refusal) == (None, None)
    assert free.no_estimate
    held = weigh(warehouse, broken, built.catalog, GuardLimits(max_scanned_rows=10**9)).refusal
    assert held is not None
    assert held.error_class == "unknown_table"  # so that it is mended as if it had been run


def test_a_partition_that_the_catalog_does_not_list(built: Built) -> None:
    if built.dialect != "postgres":
        pytest.skip("partitions are PostgreSQL's")
    administer(
        built.url,
        "CREATE TABLE parted (n int) PARTITION BY RANGE (n)",
        "CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM (0) TO (5000)",
        "CREATE TABLE parted_b PARTITION OF parted FOR VALUES FROM (5000) TO (9000)",
        "INSERT INTO parted SELECT n FROM generate_series(0, 8999) n",
        "ANALYZE parted",
    )
    try:
        with opened(built) as warehouse:
            found = estimate(warehouse, "SELECT COUNT(*) FROM parted WHERE n % 7 = 3", built.catalog)
        assert found.scanned_rows == 9000
        assert dict(found.full_scans) == {"parted_a": 1, "parted_b": 1}
    finally:
        administer(built.url, "DROP TABLE parted")


def test_parallel_workers_share_one_reading() -> None:
    """A plan in the form PostgreSQL documents; which tables it would read in parallel depends on the server."""
    scan = {"Node Type": "Seq Scan", "Parallel Aware": True, "Relation Name": "big", "Plan Rows": 416_667, "Plans": []}
    gather = {"Node Type": "Gather", "Workers Planned": 2, "Plan Rows": 1_000_000, "Plans": [scan], "Total Cost": 9.0}
    assert postgres.read_plan(gather, {"big": 1_000_000}.get).scanned_rows == pytest.approx(1_000_000, abs=2)
    assert postgres.read_plan(gather, lambda _: None).scanned_rows == pytest.approx(1_000_000, rel=0.01)


def test_sqlite_believes_the_statistics_of_the_file(built: Built) -> None:
    if built.dialect != "sqlite":
        pytest.skip("the other engines read their own")
    sql = "SELECT OrderID FROM Orders WHERE CustomerID = 'ALFKI'"
    tree = sqlglot.parse_one(sql, dialect="sqlite")
    line = sqlite.PlanLine(3, 0, "SEARCH Orders USING INDEX orders_customer (CustomerID=?)")
    assert sqlite.read_plan([line], tree, built.catalog, {}).scanned_rows == 10
    assert sqlite.read_plan([line], tree, built.catalog, {"orders_customer": [120, 2]}).scanned_rows == 2


def test_mysql_says_the_same_in_other_words() -> None:
    """The form of MySQL 8 (explain_json_format_version 1), from its manual: a join with a hash buffer."""
    plan = json.loads(
        """{"query_block": {"select_id": 1, "cost_info": {"query_cost": "1210.50"}, "nested_loop": [
        {"table": {"table_name": "a", "access_type": "ALL", "rows_examined_per_scan": 100,
                   "rows_produced_per_join": 100, "filtered": "100.00"}},
        {"table": {"table_name": "b", "access_type": "ALL", "rows_examined_per_scan": 200,
                   "rows_produced_per_join": 2000, "filtered": "10.00", "using_join_buffer": "hash join"}}]}}"""
    )
    tree = sqlglot.parse_one("SELECT a.x FROM t AS a JOIN u AS b ON a.x = b.x", dialect="mysql")
    found = mysql.read_plan(plan, tree)
    assert found.scanned_rows == 100 + 200 + (2000 - 100 - 200)
    assert (found.rows_out, found.cost, dict(found.full_scans)) == (2000, 1210.5, {"t": 1, "u": 1})


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT a FROM t LIMIT 10", 10),
        ("SELECT a FROM t WHERE b = 1 LIMIT 10", 10),
        ("SELECT a FROM t", None),
        ("SELECT a FROM t ORDER BY a LIMIT 10", None),
        ("SELECT DISTINCT a FROM t LIMIT 10", None),
        ("SELECT COUNT(*) FROM t LIMIT 10", None),
        ("SELECT a, COUNT(*) FROM t GROUP BY a LIMIT 10", None),
        ("SELECT RANK() OVER (ORDER BY a) FROM t LIMIT 10", None),
        ("SELECT a FROM t LIMIT 10 OFFSET 5", None),
        ("SELECT a FROM t UNION ALL SELECT a FROM u LIMIT 10", None),
    ],
)
def test_where_a_limit_saves_reading(sql: str, rows: int | None) -> None:
    assert early_stop(sqlglot.parse_one(sql)) == rows
    assert early_stop(sqlglot.parse_one(sql), filtered=False) == (None if "WHERE" in sql else rows)
