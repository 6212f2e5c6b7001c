"""What the guard lets pass runs, and gives what it would have given without the guard."""

from __future__ import annotations

import json
import statistics
import time

import pytest
from fixtures_warehouse import BASELINE, Built, built, opened, sqlite_demo  # noqa: F401

from agent.run import Verdict
from agent.steps.guard import judge
from agent.warehouse.policy import Policy

GOLD = [json.loads(line) for line in BASELINE.read_text(encoding="utf-8").splitlines()]

# Each runs on all four engines; names in any case, as models write them.
PORTABLE = [
    "SELECT COUNT(*) FROM Orders",
    "select country, count(*) as N from customers group by country order by n desc, country limit 5",
    "SELECT c.CompanyName FROM Customers c WHERE c.Country = 'Germany' ORDER BY c.companyname",
    "SELECT Customers.Country, SUM(orders.Freight) AS Total FROM Orders JOIN Customers "
    "ON Orders.CustomerID = Customers.CustomerID GROUP BY Customers.Country HAVING SUM(Orders.Freight) > 10 "
    "ORDER BY total",
    "SELECT ProductName FROM Products WHERE UnitPrice > (SELECT AVG(UnitPrice) FROM Products) ORDER BY ProductName",
    "WITH per_customer AS (SELECT CustomerID, COUNT(*) AS orders FROM Orders GROUP BY CustomerID) "
    "SELECT MAX(orders), MIN(orders) FROM per_customer",
    "SELECT CompanyName FROM Customers c WHERE NOT EXISTS (SELECT 1 FROM Orders o WHERE o.CustomerID = c.CustomerID)",
    "SELECT City FROM Customers UNION SELECT City FROM Suppliers ORDER BY city LIMIT 7",
    "SELECT e.LastName, m.LastName AS boss FROM Employees e LEFT JOIN Employees m ON m.EmployeeID = e.ReportsTo",
    "SELECT CategoryName, rank_no FROM (SELECT CategoryID, RANK() OVER (ORDER BY COUNT(*) DESC) AS rank_no "
    "FROM Products GROUP BY CategoryID) r JOIN Categories USING (CategoryID) ORDER BY rank_no, CategoryName",
    "SELECT COALESCE(ShipRegion, '-') AS Region, ROUND(AVG(Freight), 2) FROM Orders GROUP BY COALESCE(ShipRegion, '-')",
    "SELECT CASE WHEN Discontinued = 1 THEN 'old' ELSE 'new' END AS S, COUNT(*) FROM Products GROUP BY 1 ORDER BY 1",
    "SELECT * FROM Shippers",
    "SELECT s.* FROM Shippers AS s WHERE s.ShipperID IN (1, 2)",
    "SELECT COUNT(DISTINCT o.CustomerID) FROM Orders o, Customers c WHERE o.CustomerID = c.CustomerID",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n",
    "SELECT LOWER(Country) AS Country FROM Customers GROUP BY LOWER(Country) ORDER BY LOWER(Country) LIMIT 3",
    "SELECT Country AS Land FROM Customers ORDER BY Land LIMIT 3",
    "SELECT x.Land FROM (SELECT Country AS Land FROM Customers) AS x ORDER BY x.land LIMIT 3",
    "SELECT OrderID FROM Orders WHERE OrderDate >= '2020-01-01' AND CustomerID LIKE 'A%' AND NOT ShipVia = 1",
    "SELECT 1 + 1 AS two;",
]


def verdict_of(sql: str, target: Built, max_rows: int = 1000) -> Verdict:
    return judge(sql, dialect=target.dialect, catalog=target.catalog, policy=Policy(), max_rows=max_rows)


@pytest.mark.parametrize("sql", PORTABLE)
def test_a_good_query_passes_and_runs_on_every_engine(sql: str, built: Built) -> None:  # noqa: F811
    verdict = verdict_of(sql, built)
    assert verdict.allowed, verdict.message
    with opened(built) as warehouse:
        outcome = warehouse.execute(verdict.sql)
    assert outcome.error is None, f"{outcome.error}: {verdict.sql}"
    assert outcome.result is not None
    assert outcome.result.columns


@pytest.mark.parametrize("gold", GOLD, ids=[entry["id"] for entry in GOLD])
def test_gold_statements_pass_unchanged_in_meaning(gold: dict[str, str], sqlite_demo: Built) -> None:  # noqa: F811
    verdict = verdict_of(gold["sql"], sqlite_demo)
    assert verdict.allowed, verdict.message
    with opened(sqlite_demo) as warehouse:
        guarded, plain = warehouse.execute(verdict.sql), warehouse.execute(gold["sql"])
    assert guarded.result is not None
    assert plain.result is not None
    assert guarded.result.rows == plain.result.rows


def test_judging_twice_changes_nothing(sqlite_demo: Built) -> None:  # noqa: F811
    for entry in GOLD:
        once = verdict_of(entry["sql"], sqlite_demo)
        assert verdict_of(once.sql, sqlite_demo).sql == once.sql


@pytest.mark.parametrize(
    ("sql", "ending"),
    [
        ("SELECT City FROM Customers", "LIMIT 6"),
        ("SELECT City FROM Customers LIMIT 3", "LIMIT 3"),
        ("SELECT City FROM Customers LIMIT 3000", "LIMIT 6"),
        ("SELECT City FROM Customers LIMIT 3000 OFFSET 2", "LIMIT 6 OFFSET 2"),
        ("SELECT City FROM Customers UNION SELECT City FROM Suppliers", "LIMIT 6"),
        ("SELECT City FROM Customers UNION SELECT City FROM Suppliers ORDER BY 1 LIMIT 4", "ORDER BY 1 LIMIT 4"),
        ("WITH c AS (SELECT City FROM Customers) SELECT * FROM c", "LIMIT 6"),
        ("SELECT COUNT(*) FROM Customers", "FROM Customers"),
        ("SELECT 100.0 * SUM(Freight) / COUNT(*) FROM Orders", "FROM Orders"),
        ("SELECT COUNT(*) FROM Customers GROUP BY City", "LIMIT 6"),
        ("SELECT City, COUNT(*) OVER () FROM Customers", "LIMIT 6"),
        ("SELECT DISTINCT City FROM Customers", "LIMIT 6"),
    ],
)
def test_row_cap(sql: str, ending: str, sqlite_demo: Built) -> None:  # noqa: F811
    assert verdict_of(sql, sqlite_demo, max_rows=5).sql.endswith(ending)


def test_the_cap_does_not_reorder_or_cut_what_is_shown(sqlite_demo: Built) -> None:  # noqa: F811
    sql = "SELECT City FROM Customers ORDER BY City DESC"
    with opened(sqlite_demo) as plain, opened(sqlite_demo, max_rows=5) as capped:
        everything = plain.execute(sql).result
        first = capped.execute(verdict_of(sql, sqlite_demo, max_rows=5).sql).result
    assert everything is not None
    assert first is not None
    assert first.rows == everything.rows[:5]
    assert first.truncated


@pytest.mark.parametrize(
    ("sql", "error_class", "words"),
    [
        ("SELECT * FROM Ordres", "unknown_table", "Orders"),
        ("SELECT ShipDate FROM Orders", "unknown_column", "ShippedDate"),
        ("SELECT CategoryName FROM Products", "unknown_column", "Categories"),
        ("SELECT Customers.Country FROM Orders", "unknown_column", "not in FROM"),
        ("SELECT c.Country FROM Orders", "unknown_table", "not in FROM"),
        ("SELECT UnitPrice FROM Products JOIN order_details USING (ProductID)", "ambiguous_column", "Products"),
        ("SELECT FOO(1)", "unknown_function", "FOO"),
        ("SELECT load_extension('x')", "forbidden_function", "LOAD_EXTENSION"),
        ("SELECT * FROM sqlite_master", "forbidden_object", "sqlite_master"),
        ("SELECT 1; SELECT 2", "multiple_statements", "2"),
        ("DELETE FROM Orders", "not_read_only", "DELETE"),
        ("SELEC 1", "syntax", ""),
        ("I cannot answer that.", "syntax", ""),
        ("", "no_sql", ""),
        ("SELECT a FROM Orders o, Orders o", "syntax", "twice"),
        ("SELECT TO_CHAR(OrderDate, 'YYYY') FROM Orders", "unknown_function", ""),
    ],
)
def test_refusals_name_the_class_and_what_is_near(sql: str, error_class: str, words: str, sqlite_demo: Built) -> None:  # noqa: F811
    verdict = verdict_of(sql, sqlite_demo)
    assert not verdict.allowed
    assert verdict.error_class in {error_class, "no_sql"}
    assert words in verdict.message
    assert verdict.sql == sql


def test_names_are_written_as_the_catalog_spells_them(built: Built) -> None:  # noqa: F811
    verdict = verdict_of("select o.orderid from ORDERS as o join CUSTOMERS c on C.customerid = O.CUSTOMERID", built)
    assert verdict.tables == ("Orders", "Customers")
    plain = verdict.sql.replace('"', "")
    assert "o.OrderID FROM Orders AS o JOIN Customers AS c ON c.CustomerID = o.CustomerID" in plain


def test_comments_do_not_reach_the_warehouse(sqlite_demo: Built) -> None:  # noqa: F811
    verdict = verdict_of("SELECT /* a */ City -- b\nFROM Customers /* c */", sqlite_demo)
    assert "/*" not in verdict.sql
    assert "--" not in verdict.sql


def test_judging_is_fast(sqlite_demo: Built) -> None:  # noqa: F811
    spent = []
    for entry in GOLD:
        started = time.thread_time()
        verdict_of(entry["sql"], sqlite_demo)
        spent.append((time.thread_time() - started) * 1000)
    assert statistics.median(spent) < 15  # 1 to 3 ms on an idle core; processor time, or a busy machine would fail it
