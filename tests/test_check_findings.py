"""The checks: silent on right answers, loud on wrong ones."""

from __future__ import annotations

import json
from functools import lru_cache

import pytest
from fixtures_steps import Bench, bench, grounded  # noqa: F401
from fixtures_warehouse import BASELINE, Built, joins, layer, opened, sqlite_demo  # noqa: F401

from agent.run import Draft, Finding, Grounding, Outcome, Piece, Result, Verdict
from agent.steps import check as check_step
from agent.steps.check import check
from memory.joins import JoinGraph
from memory.linking import Linker
from memory.semantics import SemanticLayer

GOLD = [json.loads(line) for line in BASELINE.read_text(encoding="utf-8").splitlines()]


class Checker:
    """`findings(question, sql)` with the linker's grounding and the real result."""

    def __init__(self, target: Built, layer_: SemanticLayer) -> None:
        self.target, self.layer = target, layer_
        self.joins = JoinGraph(target.catalog)
        self.linker = Linker(target.catalog, layer_, joins=self.joins)

    def findings(
        self, question: str, sql: str, result: Result | None = None, dialect: str = "sqlite"
    ) -> tuple[Finding, ...]:
        return check(
            question,
            sql,
            result if result is not None else self.run(sql),
            catalog=self.target.catalog,
            joins=self.joins,
            layer=self.layer,
            grounding=grounded(question, self.linker),
            dialect=dialect,
        )

    def run(self, sql: str) -> Result:
        with opened(self.target) as warehouse:
            outcome = warehouse.execute(sql)
        assert outcome.result is not None, outcome.error
        return outcome.result

    def errors(self, question: str, sql: str, result: Result | None = None) -> set[str]:
        return {finding.check for finding in self.findings(question, sql, result) if finding.severity == "error"}


@pytest.fixture(scope="module")
def checker(sqlite_demo: Built, layer: SemanticLayer) -> Checker:  # noqa: F811
    return Checker(sqlite_demo, layer)


@pytest.mark.parametrize("gold", GOLD, ids=[entry["id"] for entry in GOLD])
def test_no_error_on_any_gold_statement(gold: dict[str, str], checker: Checker) -> None:
    found = checker.findings(gold["question"], gold["sql"])
    assert [finding for finding in found if finding.severity == "error"] == []


def test_hardly_a_warning_on_gold_statements(checker: Checker) -> None:
    warned = [gold["id"] for gold in GOLD if checker.findings(gold["question"], gold["sql"])]
    assert len(warned) <= 0.05 * len(GOLD), warned


REVENUE = "SUM(d.UnitPrice * d.Quantity * (1 - d.Discount))"
LINES = "FROM Orders o JOIN order_details d ON d.OrderID = o.OrderID"
RIGHT = [
    (
        "Which customers with at least 10 orders have a late rate over 10 %?",
        "SELECT CustomerID FROM Orders GROUP BY CustomerID HAVING COUNT(*) >= 10 AND "
        "100.0 * SUM(CASE WHEN ShippedDate > RequiredDate THEN 1 ELSE 0 END) / COUNT(*) > 10",
    ),
    ("Which order lines had a discount over 10 percent?", "SELECT OrderID FROM order_details WHERE Discount > 0.1"),
    (
        "Share of orders by ship country",
        "WITH grouped AS (SELECT ShipCountry, COUNT(*) AS n FROM Orders GROUP BY ShipCountry) "
        "SELECT ShipCountry, 100.0 * n / SUM(n) OVER () AS share FROM grouped",
    ),
    ("Which orders are open?", "SELECT OrderID FROM Orders WHERE ShippedDate IS NULL"),
    (
        "Number of orders of 2022 by order date",
        "SELECT COUNT(*) FROM Orders WHERE OrderDate >= '2022-01-01' AND OrderDate < '2023-01-01'",
    ),
    (
        "When did each of our Dutch customers last order?",
        "SELECT c.CompanyName, MAX(o.OrderDate) FROM Customers c JOIN Orders o ON o.CustomerID = c.CustomerID "
        "WHERE c.Country = 'Netherlands' GROUP BY 1",
    ),
    (
        "How much revenue did customers in China bring?",
        "SELECT SUM(d.UnitPrice * d.Quantity * (1 - d.Discount)) FROM Orders o JOIN order_details d ON d.OrderID = "
        "o.OrderID JOIN Customers c ON c.CustomerID = o.CustomerID WHERE c.Country = 'China'",
    ),
    (
        "Which customers have three or more late shipments?",
        "SELECT CustomerID, COUNT(*) FROM Orders WHERE ShippedDate > RequiredDate GROUP BY CustomerID "
        "HAVING COUNT(*) > 2",
    ),
    (
        "Products of both Seafood and Confections with their category",
        "SELECT ProductName, CategoryName FROM Products JOIN Categories ON Products.CategoryID = Categories.CategoryID "
        "WHERE CategoryName IN ('Seafood', 'Confections')",
    ),
    (
        "Revenue of both Seafood and Confections",
        "SELECT SUM(d.UnitPrice * d.Quantity * (1 - d.Discount)) FROM order_details d JOIN Products p ON p.ProductID = "
        "d.ProductID JOIN Categories c ON c.CategoryID = p.CategoryID "
        "WHERE c.CategoryName IN ('Seafood', 'Confections')",
    ),
    (
        "Number of territories per employee, including anyone who has none",
        "SELECT e.LastName, COUNT(t.TerritoryID) FROM Employees e LEFT JOIN EmployeeTerritories t "
        "ON t.EmployeeID = e.EmployeeID GROUP BY e.EmployeeID",
    ),
    (
        "Average days to ship per country, slowest first",
        "SELECT ShipCountry, AVG(JULIANDAY(ShippedDate) - JULIANDAY(OrderDate)) AS days FROM Orders GROUP BY 1 "
        "ORDER BY days DESC",
    ),
    ("Products by price, dearest first", "SELECT ProductName, UnitPrice FROM Products ORDER BY UnitPrice DESC"),
    (
        "Total sales revenue in 2023",
        f"SELECT {REVENUE} {LINES} WHERE o.OrderDate >= '2023-01-01' AND o.OrderDate < '2024-01-01'",
    ),
    ("Sales revenue before 2022", f"SELECT {REVENUE} {LINES} WHERE o.OrderDate <= '2021-12-31'"),
    (
        "Sales revenue by month in 2023",
        f"SELECT STRFTIME('%Y-%m', o.OrderDate), {REVENUE} {LINES} WHERE o.OrderDate LIKE '2023%' GROUP BY 1",
    ),
    (
        "Sales revenue by customer country",
        "SELECT c.Country, SUM(t.total) FROM Customers c JOIN (SELECT o.CustomerID, "
        f"{REVENUE} AS total {LINES} GROUP BY o.CustomerID) t ON t.CustomerID = c.CustomerID GROUP BY c.Country",
    ),
    (
        "What is our sales revenue?",
        "SELECT SUM(UnitPrice * Quantity) - SUM(UnitPrice * Quantity * Discount) FROM order_details",
    ),
    (
        "What was our gross profit in 2024?",
        "WITH r AS (SELECT SUM(d.UnitPrice * d.Quantity * (1 - d.Discount)) AS revenue, "
        "SUM(p.UnitPrice * d.Quantity) AS "
        "cost FROM Orders o JOIN order_details d ON d.OrderID = o.OrderID JOIN Products p ON p.ProductID = d.ProductID "
        "WHERE STRFTIME('%Y', o.OrderDate) = '2024') SELECT revenue - cost FROM r",
    ),
    (
        "Which customer has the most orders?",
        "SELECT CustomerID FROM Orders GROUP BY CustomerID ORDER BY COUNT(*) DESC LIMIT 1",
    ),
    ("How many orders per employee?", "SELECT EmployeeID, COUNT(*) FROM Orders GROUP BY EmployeeID"),
    ("Average freight per order", "SELECT AVG(Freight) FROM Orders"),
    (
        "Total freight of orders that contain Chai, by product",
        "SELECT p.ProductName, SUM(o.Freight) FROM Orders o JOIN order_details d ON d.OrderID = o.OrderID "
        "JOIN Products p ON p.ProductID = d.ProductID GROUP BY p.ProductName",
    ),
    ("List order 10250", "SELECT * FROM Orders WHERE OrderID = 10250"),
    ("Orders since 2024", "SELECT COUNT(*) FROM Orders WHERE OrderDate > '2023-12-31'"),
    ("How many orders in March 2023?", "SELECT COUNT(*) FROM Orders WHERE STRFTIME('%Y-%m', OrderDate) = '2023-03'"),
    (
        "How many orders from March 2023?",
        "SELECT COUNT(*) FROM Orders WHERE OrderDate BETWEEN '2023-03-01' AND '2023-03-31'",
    ),
    (
        "Top 3 products by units sold",
        "SELECT ProductName FROM (SELECT p.ProductName, RANK() OVER (ORDER BY SUM(d.Quantity) "
        "DESC) AS place FROM Products p "
        "JOIN order_details d ON d.ProductID = p.ProductID GROUP BY p.ProductName) WHERE place <= 3",
    ),
    (
        "Which share of orders has shipped?",
        "SELECT 100.0 * (SELECT COUNT(*) FROM Orders WHERE ShippedDate IS NOT NULL) / (SELECT COUNT(*) FROM Orders)",
    ),
    (
        "Compare total orders and customers",
        "SELECT a.n, b.n FROM (SELECT COUNT(*) AS n FROM Orders) a CROSS JOIN (SELECT COUNT(*) AS n FROM Customers) b",
    ),
    (
        "Which products are more expensive than the average?",
        "WITH m AS (SELECT AVG(UnitPrice) AS mean FROM Products) SELECT ProductName FROM "
        "Products, m WHERE UnitPrice > mean",
    ),
]


@pytest.mark.parametrize(("question", "sql"), RIGHT, ids=[question for question, _ in RIGHT])
def test_no_error_on_other_ways_to_be_right(question: str, sql: str, checker: Checker) -> None:
    assert checker.errors(question, sql) == set()


RIGHT_PERIODS = [
    ("How many orders in Q4 2023?", "OrderDate >= '2023-10-01' AND OrderDate < '2024-01-01'"),
    ("How many orders in Q4 2023?", "OrderDate BETWEEN '2023-10-01' AND '2023-12-31'"),
    ("How many orders since 2023?", "OrderDate > '2022-12-31'"),
    ("How many orders in Q4 2024?", "OrderDate >= '2024-10-01'"),
    ("How many orders were open at the end of 2022?", "OrderDate <= '2022-12-31'"),
    ("How many orders before May 2022?", "OrderDate < '2022-05-01'"),
    ("How many orders in May 2022?", "STRFTIME('%Y-%m', OrderDate) = '2022-05'"),
]


@pytest.mark.parametrize(("question", "condition"), RIGHT_PERIODS)
def test_a_period_may_be_written_in_more_than_one_way(question: str, condition: str, checker: Checker) -> None:
    assert "time_filter" not in checker.errors(question, f"SELECT COUNT(*) FROM Orders WHERE {condition}")


WRONG = [
    (
        "inclusion",
        "Number of territories per employee, including anyone who has none",
        "SELECT e.LastName, COUNT(*) FROM EmployeeTerritories t JOIN Employees e ON t.EmployeeID = e.EmployeeID "
        "GROUP BY e.EmployeeID",
    ),
    (
        "direction",
        "Average days to ship per country, slowest first",
        "SELECT ShipCountry, AVG(JULIANDAY(ShippedDate) - JULIANDAY(OrderDate)) AS days FROM Orders GROUP BY 1 "
        "ORDER BY days",
    ),
    ("number", "Products that cost less than half of the dearest one", "SELECT ProductName FROM Products"),
    (
        "value_filter",
        "When did each of our Dutch customers last order?",
        "SELECT c.CompanyName, MAX(o.OrderDate) FROM Customers c JOIN Orders o ON o.CustomerID = c.CustomerID "
        "GROUP BY 1",
    ),
    ("value_filter", "How much revenue did customers in China bring?", f"SELECT {REVENUE} {LINES}"),
    (
        "number",
        "Which customers have three or more late shipments?",
        "SELECT CustomerID, COUNT(*) FROM Orders WHERE ShippedDate > RequiredDate GROUP BY CustomerID",
    ),
    (
        "number",
        "Orders that left more than ten days after the required date",
        "SELECT OrderID FROM Orders WHERE ShippedDate > RequiredDate",
    ),
    (
        "together",
        "Which suppliers give us both seafood and confections?",
        "SELECT DISTINCT s.CompanyName FROM Suppliers s JOIN Products p ON p.SupplierID = s.SupplierID "
        "JOIN Categories c "
        "ON c.CategoryID = p.CategoryID WHERE c.CategoryName IN ('Seafood', 'Confections')",
    ),
    (
        "direction",
        "Average list price in every category, dearest category first.",
        "SELECT CategoryName, AVG(UnitPrice) AS price FROM Products JOIN Categories ON Products.CategoryID = "
        "Categories.CategoryID GROUP BY CategoryName ORDER BY price",
    ),
    ("alias", "How much did we give away in discounts?", f"SELECT {REVENUE} AS discount_amount {LINES}"),
    ("cartesian_product", "How many orders do our customers have?", "SELECT COUNT(*) FROM Orders, Customers"),
    (
        "cartesian_product",
        "Sales revenue by category",
        "SELECT c.CategoryName, SUM(d.UnitPrice * d.Quantity * (1 - d.Discount)) FROM order_details d JOIN Products p "
        "ON p.ProductID = d.ProductID CROSS JOIN Categories c GROUP BY c.CategoryName",
    ),
    (
        "join_keys",
        "Orders by customer",
        "SELECT c.CompanyName, COUNT(*) FROM Orders o JOIN Customers c ON c.CustomerID = "
        "o.ShipVia GROUP BY c.CompanyName",
    ),
    (
        "join_keys",
        "Products by supplier",
        "SELECT s.CompanyName, COUNT(*) FROM Products p JOIN Suppliers s ON s.SupplierID = p.ProductID GROUP BY 1",
    ),
    ("fan_out", "Total freight", "SELECT SUM(o.Freight) FROM Orders o JOIN order_details d ON d.OrderID = o.OrderID"),
    (
        "fan_out",
        "Total freight by product category",
        "SELECT c.CategoryName, SUM(o.Freight) FROM Orders o JOIN order_details d ON "
        "d.OrderID = o.OrderID JOIN Products p "
        "ON p.ProductID = d.ProductID JOIN Categories c ON c.CategoryID = p.CategoryID GROUP BY c.CategoryName",
    ),
    (
        "fan_out",
        "How many customers have ordered?",
        "SELECT COUNT(c.CustomerID) FROM Customers c JOIN Orders o ON o.CustomerID = c.CustomerID",
    ),
    ("metric_formula", "What is our sales revenue?", "SELECT SUM(UnitPrice * Quantity) FROM order_details"),
    (
        "metric_formula",
        "What is our sales revenue?",
        "SELECT SUM(UnitPrice * Quantity * (1 + Discount)) FROM order_details",
    ),
    ("metric_formula", "Show sales revenue", "SELECT SUM(UnitPrice * Quantity * Discount) FROM order_details"),
    ("time_filter", "Sales revenue in 2023", "SELECT SUM(UnitPrice * Quantity * (1 - Discount)) FROM order_details"),
    ("time_filter", "How many orders in 2023?", "SELECT COUNT(*) FROM Orders WHERE STRFTIME('%Y', OrderDate) = '2022'"),
    ("time_filter", "How many orders last year?", "SELECT COUNT(*) FROM Orders"),
    (
        "time_filter",
        "How many orders in March 2023?",
        "SELECT COUNT(*) FROM Orders WHERE STRFTIME('%Y', OrderDate) = '2023'",
    ),
    (
        "time_filter",
        "How many orders in Q4 2023?",
        "SELECT COUNT(*) FROM Orders WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01'",
    ),
    (
        "time_filter",
        "How many orders since March 2023?",
        "SELECT COUNT(*) FROM Orders WHERE OrderDate >= '2023-05-01'",
    ),
    (
        "time_filter",
        "How many orders were placed before May 2022?",
        "SELECT COUNT(*) FROM Orders WHERE OrderDate < '2022-06-01'",
    ),
    ("value_filter", "How many customers in Germany?", "SELECT COUNT(*) FROM Customers"),
    ("value_filter", "How many customers in Germany?", "SELECT COUNT(*) FROM Customers WHERE Country = 'France'"),
    ("unknown_value", "How many customers in Germany?", "SELECT COUNT(*) FROM Customers WHERE Country = 'germany'"),
    ("number", "Has order 10250 been shipped?", "SELECT ShippedDate FROM Orders WHERE OrderID = 10251"),
    ("row_limit", "Top 5 products by price", "SELECT ProductName FROM Products ORDER BY UnitPrice DESC"),
    ("row_limit", "The three cheapest products", "SELECT ProductName FROM Products ORDER BY UnitPrice LIMIT 10"),
    ("row_limit", "Which ten products sell best?", "SELECT ProductName FROM Products ORDER BY UnitPrice DESC LIMIT 5"),
    ("superlative", "Which product has the highest price?", "SELECT ProductName FROM Products"),
    ("grouping", "Number of orders by ship country", "SELECT COUNT(*) FROM Orders"),
    ("grouping", "Total freight for each month", "SELECT SUM(Freight) FROM Orders"),
    ("grouping", "Customers and their number", "SELECT Country, COUNT(*) FROM Customers"),
    (
        "grouping",
        "Total freight of the USA by ship country",
        "SELECT ShipCountry, SUM(Freight) FROM Orders WHERE ShipCountry = 'USA' GROUP BY ShipCountry",
    ),
    (
        "polarity",
        "How many orders have come in since we opened for business?",
        "SELECT COUNT(*) FROM Orders WHERE ShippedDate IS NULL",
    ),
    (
        "polarity",
        "How many orders were placed until March 2023?",
        "SELECT COUNT(*) FROM Orders WHERE ShippedDate IS NULL AND OrderDate < '2023-04-01'",
    ),
    (
        "repetition",
        "Gross sales, discounts and freight per year",
        "SELECT STRFTIME('%Y', OrderDate) AS year, SUM(Freight) AS a, SUM(Freight) AS b FROM Orders GROUP BY year",
    ),
    (
        "share",
        "Which countries make more than 8 percent of all orders?",
        "SELECT ShipCountry, COUNT(*) FROM Orders GROUP BY ShipCountry HAVING COUNT(*) > 8",
    ),
    (
        "share",
        "Which countries make more than 8 % of all orders?",
        "WITH grouped AS (SELECT ShipCountry, COUNT(*) AS order_count FROM Orders GROUP BY ShipCountry) "
        "SELECT ShipCountry FROM grouped WHERE order_count > 8",
    ),
    (
        "share",
        "Share of orders by ship country",
        "WITH grouped AS (SELECT ShipCountry, COUNT(*) AS n FROM Orders GROUP BY ShipCountry) "
        "SELECT ShipCountry, 100.0 * n / SUM(n) OVER (PARTITION BY ShipCountry) AS share FROM grouped",
    ),
    ("integer_division", "Share of shipped orders", "SELECT COUNT(ShippedDate) / COUNT(*) FROM Orders"),
    ("integer_division", "Percentage of shipped orders", "SELECT 100 * COUNT(ShippedDate) / COUNT(*) FROM Orders"),
]


@pytest.mark.parametrize(("name", "question", "sql"), WRONG, ids=[f"{case[0]}-{i}" for i, case in enumerate(WRONG)])
def test_wrong_answers_are_found(name: str, question: str, sql: str, checker: Checker) -> None:
    assert name in checker.errors(question, sql)


def result(*rows: tuple[object, ...], truncated: bool = False) -> Result:
    return Result(tuple(f"c{i}" for i in range(len(rows[0]) if rows else 1)), rows, truncated)  # type: ignore[arg-type]


REVENUE_SQL = "SELECT SUM(UnitPrice * Quantity * (1 - Discount)) FROM order_details"


@pytest.mark.parametrize(
    ("question", "sql", "given", "expected"),
    [
        ("List the cities", "SELECT City FROM Customers", result(), ("empty_result", "warning")),
        ("Total freight", "SELECT SUM(Freight) FROM Orders", result((None,)), ("empty_result", "warning")),
        ("Sales revenue", REVENUE_SQL, result((-5.0,)), ("implausible", "error")),
        ("Sales revenue", REVENUE_SQL, result(("-5.00000000000000000001",)), ("implausible", "error")),
        ("List", "SELECT City FROM Customers", result(("a",), truncated=True), ("truncated", "warning")),
        (
            "What is the late shipment rate?",
            "SELECT 100.0 * SUM(CASE WHEN ShippedDate > RequiredDate THEN 1 ELSE 0 END) / COUNT(*) FROM Orders "
            "WHERE ShippedDate IS NOT NULL",
            result((250.0,)),
            ("implausible", "warning"),
        ),
    ],
)
def test_what_results_give_away(
    question: str, sql: str, given: Result, expected: tuple[str, str], checker: Checker
) -> None:
    assert expected in {(finding.check, finding.severity) for finding in checker.findings(question, sql, given)}


def test_real_division_is_fine_where_it_is_real(checker: Checker) -> None:
    sql = "SELECT COUNT(ShippedDate) / COUNT(*) FROM Orders"
    for dialect in ("mysql", "duckdb"):
        found = checker.findings("Share of shipped orders", sql, result((0.9,)), dialect)
        assert not any(finding.check == "integer_division" for finding in found)


def test_a_value_the_question_itself_names_is_no_error(checker: Checker) -> None:
    found = checker.findings("Customers in Iceland", "SELECT CompanyName FROM Customers WHERE Country = 'Iceland'")
    assert {finding.severity for finding in found} == {"warning"}


def test_findings_say_what_and_come_errors_first(checker: Checker) -> None:
    found = checker.findings(
        "Sales revenue in 2023 in Germany", "SELECT SUM(d.UnitPrice * d.Quantity) FROM order_details d, Customers c"
    )
    severities = [finding.severity for finding in found]
    assert severities == sorted(severities)
    assert all(finding.message.endswith(".") for finding in found)
    assert {"cartesian_product", "metric_formula", "time_filter", "value_filter"} <= {f.check for f in found}


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ("OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01'", "2023"),
        ("OrderDate >= DATE '2022-01-01' AND OrderDate < DATE '2024-01-01'", "2022"),
        ("OrderDate >= '2023-01-01' AND OrderDate <= '2024-01-01'", "2023, 2024"),
        ("OrderDate >= '2023-01-01' AND OrderDate < '2024-02-01'", "2023, 2024"),
        ("OrderDate < '2024-01-01'", "2024"),
    ],
)
def test_the_end_of_a_range_is_no_year_of_its_own(condition: str, named: str, checker: Checker) -> None:
    found = checker.findings(
        "How many orders are there?", f"SELECT COUNT(*) FROM Orders WHERE {condition}", result((1,))
    )
    (message,) = [finding.message for finding in found if finding.check == "time_filter"]
    assert message == f"The statement is limited to {named}, which the question does not ask for."


def test_unreadable_statements_and_missing_grounding_give_nothing(
    checker: Checker,
    layer: SemanticLayer,  # noqa: F811
) -> None:
    @lru_cache
    def look(sql: str) -> tuple[Finding, ...]:
        target = checker.target
        return check(
            "Sales revenue", sql, result((1,)), catalog=target.catalog, joins=checker.joins, layer=layer,
            grounding=None, dialect="sqlite",
        )  # fmt: skip

    assert look("SELEC") == ()
    assert look("SELECT Nothing FROM Orders") == ()
    assert look("SELECT SUM(UnitPrice) FROM order_details") == ()


# --- the node ---------------------------------------------------------------------------------------------------


def test_the_step_records_what_it_found(bench: Bench) -> None:  # noqa: F811
    grounding = Grounding((Piece("value", "Customers.Country=Germany", "1", "", 0.9),), "", "")
    sql = "SELECT COUNT(*) FROM Customers"
    state = bench.state(sql, question="How many customers in Germany?", grounding=grounding)
    state.update(verdict=Verdict(True, sql), outcome=Outcome(sql, Result(("n",), ((91,),))))
    patch = check_step.node(state, bench.services)
    assert [finding.check for finding in patch["findings"]] == ["value_filter"]
    (_, body), *_ = bench.records("run.checked")
    assert body["findings"][0]["severity"] == "error"


def test_a_signed_query_is_not_overruled_on_how_it_computes(bench: Bench) -> None:  # noqa: F811
    sql = "SELECT COUNT(ShippedDate) / COUNT(*) FROM Orders"
    state = bench.state(sql, question="Share of shipped orders in 2023")
    state["drafts"] = (Draft(sql, "verified_query", confidence=1.0),)
    state.update(verdict=Verdict(True, sql), outcome=Outcome(sql, Result(("n",), ((0,),))))
    found = {finding.check: finding.severity for finding in check_step.node(state, bench.services)["findings"]}
    assert found["integer_division"] == "warning"
    assert found["time_filter"] == "error"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM Orders) AS t",
        "SELECT ROUND(AVG(n), 1) FROM (SELECT CustomerID, SUM(Freight) AS n FROM Orders) AS t",
        "WITH per AS (SELECT COUNT(*) AS n FROM Orders) SELECT MAX(n) FROM per",
        "SELECT CompanyName FROM Customers WHERE 3 > (SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM Orders) AS t)",
    ],
)
def test_an_aggregate_of_one_row_has_lost_its_groups(sql: str, checker: Checker) -> None:
    assert "lone_row" in checker.errors("How many orders does a customer place on average?", sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM Orders GROUP BY CustomerID) AS t",
        "WITH per AS (SELECT CustomerID, COUNT(*) AS n FROM Orders GROUP BY CustomerID) SELECT AVG(n) FROM per",
        "SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM Orders UNION ALL SELECT COUNT(*) FROM Customers) AS t",
        "SELECT AVG(n) FROM (SELECT COUNT(*) OVER (PARTITION BY CustomerID) AS n FROM Orders) AS t",
        "SELECT n FROM (SELECT AVG(Freight) AS n FROM Orders) AS t",
    ],
)
def test_an_aggregate_of_many_rows_is_left_alone(sql: str, checker: Checker) -> None:
    assert "lone_row" not in {finding.check for finding in checker.findings("How many on average?", sql)}
