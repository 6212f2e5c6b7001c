"""Checks of what kind of thing is computed and shown: silent on the right statement, loud on the model's wrong one."""

from __future__ import annotations

import dataclasses
import datetime

import pytest
from fixtures_warehouse import Built, layer, opened, sqlite_demo  # noqa: F401

from agent.run import Draft, Finding, Grounding, Piece, RunError
from agent.steps.check import check
from agent.steps.repair import mend
from memory.joins import JoinGraph
from memory.linking import Linker
from memory.semantics import SemanticLayer

REVENUE = "SUM(d.UnitPrice * d.Quantity * (1 - d.Discount))"
LINES = "Orders o JOIN order_details d ON d.OrderID = o.OrderID"
YEARS = (
    f"WITH y AS (SELECT o.ShipCountry, STRFTIME('%Y', o.OrderDate) AS year, {REVENUE} AS revenue FROM {LINES} "
    "WHERE o.OrderDate >= '2023-01-01' AND o.OrderDate < '2025-01-01' GROUP BY 1, 2) SELECT ShipCountry, "
)
LATER = "MAX(CASE WHEN year = '2024' THEN revenue END)"
EARLIER = "MAX(CASE WHEN year = '2023' THEN revenue END)"


class Checker:
    """`findings(question, sql)` with the linker's metrics, dimensions and values, and the real result."""

    def __init__(self, target: Built, layer_: SemanticLayer) -> None:
        calendar = dataclasses.replace(layer_.calendar, as_of=datetime.date(2024, 12, 31))
        self.target, self.layer = target, dataclasses.replace(layer_, calendar=calendar)
        self.joins = JoinGraph(target.catalog)
        self.linker = Linker(target.catalog, self.layer, joins=self.joins)

    def findings(self, question: str, sql: str) -> tuple[Finding, ...]:
        with opened(self.target) as warehouse:
            outcome = warehouse.execute(sql)
        assert outcome.result is not None, outcome.error
        links = self.linker.link(question)
        named = [Piece(kind, name, "1", "", 1.0) for kind in ("metric", "dimension") for name in links.ids(kind)]
        values = [Piece("value", f"{match.target}={match.value}", "1", "", 0.9) for match in links.values]
        return check(
            question, sql, outcome.result, catalog=self.target.catalog, joins=self.joins, layer=self.layer,
            grounding=Grounding((*named, *values), "", ""), dialect="sqlite",
        )  # fmt: skip

    def mended(self, question: str, sql: str) -> str:
        failed = tuple(f for f in self.findings(question, sql) if f.severity == "error")
        error = RunError("check_failed", "")
        made = mend(Draft(sql, "model"), error, self.target.catalog, self.joins, "sqlite", findings=failed)
        return made[0].sql if made else ""


@pytest.fixture(scope="module")
def checker(sqlite_demo: Built, layer: SemanticLayer) -> Checker:  # noqa: F811
    return Checker(sqlite_demo, layer)


CASES = [
    (
        "average",
        "How many units does an order contain on average, by ship country?",
        "SELECT o.ShipCountry, 1.0 * SUM(d.Quantity) / COUNT(DISTINCT o.OrderID) FROM " + LINES + " GROUP BY 1",
        "SELECT o.ShipCountry, SUM(d.Quantity) FROM " + LINES + " GROUP BY 1",
    ),
    (
        "average",
        "Which ship countries have an average freight above the average freight of all orders?",
        "SELECT ShipCountry, AVG(Freight) FROM Orders GROUP BY 1 "
        "HAVING AVG(Freight) > (SELECT AVG(Freight) FROM Orders)",
        "WITH g AS (SELECT ShipCountry, SUM(Freight) AS f FROM Orders GROUP BY 1) "
        "SELECT ShipCountry, f FROM g WHERE f > (SELECT AVG(f) FROM g)",
    ),
    (
        "share",
        "What was our best month of 2024, and what percentage of the year's revenue did it bring?",
        f"WITH m AS (SELECT STRFTIME('%Y-%m', o.OrderDate) AS month, {REVENUE} AS r FROM {LINES} WHERE "
        "o.OrderDate LIKE '2024%' GROUP BY 1) SELECT month, 100.0 * r / (SELECT SUM(r) FROM m) FROM m "
        "ORDER BY r DESC LIMIT 1",
        f"SELECT STRFTIME('%Y-%m', o.OrderDate) AS month, {REVENUE} AS r FROM {LINES} WHERE o.OrderDate LIKE '2024%' "
        "GROUP BY 1 ORDER BY r DESC LIMIT 1",
    ),
    (
        "share",
        "For each category, what percentage of its products is discontinued?",
        "SELECT c.CategoryName, 100.0 * SUM(p.Discontinued) / COUNT(*) FROM Products p JOIN Categories c "
        "ON c.CategoryID = p.CategoryID GROUP BY 1",
        "SELECT c.CategoryName, 100.0 * COUNT(*) / SUM(COUNT(*)) OVER () FROM Products p JOIN Categories c "
        "ON c.CategoryID = p.CategoryID WHERE p.Discontinued = 1 GROUP BY 1",
    ),
    (
        "comparison",
        "Which ship countries brought more revenue in 2024 than in 2023, and by how much?",
        f"{YEARS}{LATER} - {EARLIER} FROM y GROUP BY 1 HAVING {LATER} - {EARLIER} > 0",
        f"{YEARS}{LATER} - {EARLIER} FROM y GROUP BY 1",
    ),
    (
        "comparison",
        "Compare revenue by ship country in 2023 with 2024 and show the difference.",
        f"{YEARS}{LATER} - {EARLIER} FROM y GROUP BY 1",
        f"{YEARS}{EARLIER} - {LATER} FROM y GROUP BY 1",
    ),
    (
        "together",
        "Which products are most often bought together?",
        "SELECT a.ProductID, b.ProductID, COUNT(*) FROM order_details a JOIN order_details b ON b.OrderID = a.OrderID "
        "AND b.ProductID > a.ProductID GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 1",
        "SELECT ProductID, COUNT(*) FROM order_details GROUP BY 1 ORDER BY 2 DESC LIMIT 1",
    ),
    (
        "event_date",
        "On what day did order 10502 leave the warehouse?",
        "SELECT ShippedDate FROM Orders WHERE OrderID = 10502",
        "SELECT OrderDate FROM Orders WHERE OrderID = 10502",
    ),
    (
        "answer_kind",
        "When did the very first order come in?",
        "SELECT MIN(OrderDate) FROM Orders",
        "SELECT ShipName FROM Orders ORDER BY OrderDate LIMIT 1",
    ),
    (
        "answer_kind",
        "Who is our newest hire, and how many orders has that person taken?",
        "SELECT e.LastName, COUNT(*) FROM Employees e JOIN Orders o ON o.EmployeeID = e.EmployeeID "
        "WHERE e.HireDate = (SELECT MAX(HireDate) FROM Employees) GROUP BY e.EmployeeID, e.LastName",
        "SELECT LastName, HireDate FROM Employees ORDER BY HireDate DESC LIMIT 1",
    ),
    (
        "echo",
        "What kind of goods does the Produce category cover?",
        "SELECT Description FROM Categories WHERE CategoryName = 'Produce'",
        "SELECT CategoryName FROM Categories WHERE CategoryName = 'Produce'",
    ),
    (
        "direction",
        "Which ship country has the fewest orders?",
        "SELECT ShipCountry FROM Orders GROUP BY 1 ORDER BY COUNT(*) LIMIT 1",
        "SELECT ShipCountry FROM Orders GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1",
    ),
    (
        "polarity",
        "How many orders are still waiting to leave the warehouse?",
        "SELECT COUNT(*) FROM Orders WHERE ShippedDate IS NULL",
        "SELECT COUNT(*) FROM Orders WHERE NOT ShippedDate IS NULL",
    ),
    (
        "negation",
        "Are there products still in our range that nobody ordered in 2024?",
        "SELECT ProductName FROM Products p WHERE Discontinued = 0 AND NOT EXISTS (SELECT 1 FROM " + LINES + " WHERE "
        "d.ProductID = p.ProductID AND o.OrderDate >= '2024-01-01' AND o.OrderDate < '2025-01-01')",
        "SELECT ProductName FROM Products p WHERE Discontinued = 0 AND EXISTS (SELECT 1 FROM " + LINES + " WHERE "
        "d.ProductID = p.ProductID AND o.OrderDate >= '2024-01-01' AND o.OrderDate < '2025-01-01')",
    ),
    (
        "grouping",
        "Who placed our biggest order by value?",
        f"SELECT o.CustomerID FROM {LINES} GROUP BY o.OrderID, o.CustomerID ORDER BY {REVENUE} DESC LIMIT 1",
        f"SELECT o.CustomerID FROM {LINES} GROUP BY o.CustomerID ORDER BY d.UnitPrice DESC LIMIT 1",
    ),
    (
        "number",
        "How many orders took more than 20 days from order to dispatch?",
        "SELECT COUNT(*) FROM Orders WHERE JULIANDAY(ShippedDate) - JULIANDAY(OrderDate) > 20",
        "SELECT COUNT(*) FROM Orders WHERE ShippedDate > '2000-01-01'",
    ),
    (
        "metric_missing",
        "What is freight as a percentage of sales revenue?",
        f"SELECT 100.0 * (SELECT SUM(Freight) FROM Orders) / (SELECT {REVENUE} FROM order_details d)",
        "SELECT 100.0 * SUM(Freight) / SUM(SUM(Freight)) OVER () FROM Orders",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "question", "right", "wrong"), CASES, ids=[f"{c[0]}:{c[1][:40]}" for c in CASES])
def test_the_right_statement_passes_and_the_wrong_one_does_not(
    name: str, question: str, right: str, wrong: str, checker: Checker
) -> None:
    assert [f for f in checker.findings(question, right) if f.severity == "error"] == []
    assert name in {f.check for f in checker.findings(question, wrong) if f.severity == "error"}


WARNED = [
    (
        "mention",
        "Who is the contact at the supplier with the most products?",
        "SELECT s.ContactName FROM Suppliers s JOIN Products p ON p.SupplierID = s.SupplierID GROUP BY s.SupplierID, "
        "s.ContactName ORDER BY COUNT(*) DESC LIMIT 1",
        "SELECT s.CompanyName FROM Suppliers s JOIN Products p ON p.SupplierID = s.SupplierID GROUP BY s.SupplierID, "
        "s.CompanyName ORDER BY COUNT(*) DESC LIMIT 1",
    ),
    (
        "share",
        "Show the difference in revenue between 2023 and 2024 by ship country",
        f"{YEARS}{LATER} - {EARLIER} FROM y GROUP BY 1",
        f"{YEARS}100.0 * {LATER} / {EARLIER} - 100 FROM y GROUP BY 1",
    ),
    (
        "unasked",
        "Which ship countries have many orders?",
        "SELECT ShipCountry, COUNT(*) FROM Orders GROUP BY 1",
        "SELECT ShipCountry, COUNT(*) FROM Orders GROUP BY 1 HAVING COUNT(*) > 17",
    ),
    (
        "unasked",
        "How many customers are there in France?",
        "SELECT COUNT(*) FROM Customers WHERE Country = 'France'",
        "SELECT COUNT(*) FROM Customers WHERE Country = 'France' AND ContactTitle = 'Owner'",
    ),
]


@pytest.mark.parametrize(("name", "question", "right", "wrong"), WARNED, ids=[f"{c[0]}:{c[1][:40]}" for c in WARNED])
def test_what_may_be_meant_otherwise_is_only_warned_of(
    name: str, question: str, right: str, wrong: str, checker: Checker
) -> None:
    assert checker.findings(question, right) == ()
    assert (name, "warning") in {(f.check, f.severity) for f in checker.findings(question, wrong)}


@pytest.mark.parametrize(
    ("question", "sql", "limit"),
    [
        ("Show me the three orders with the highest freight", "SELECT OrderID FROM Orders ORDER BY Freight DESC", 3),
        (
            "Which five ship countries have the longest fulfillment time?",
            "SELECT ShipCountry, AVG(JULIANDAY(ShippedDate) - JULIANDAY(OrderDate)) AS t FROM Orders "
            "WHERE ShippedDate IS NOT NULL GROUP BY 1 ORDER BY t DESC",
            5,
        ),
        ("What is the oldest order?", "SELECT OrderID FROM Orders ORDER BY OrderDate", 1),
    ],
)
def test_the_number_of_rows_asked_for_is_mended(question: str, sql: str, limit: int, checker: Checker) -> None:
    assert checker.mended(question, sql).endswith(f"LIMIT {limit}")
    assert checker.findings(question, f"{sql} LIMIT {limit}") == ()


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        ("Which ship country's freight fell the most?", "SELECT ShipCountry FROM Orders GROUP BY 1 ORDER BY 1 LIMIT 1"),
        ("Orders in the order of the oldest first", "SELECT OrderID FROM Orders ORDER BY OrderDate LIMIT 900"),
        (
            "How many territories does each employee look after? Leave out anyone who has none.",
            "SELECT EmployeeID, COUNT(*) FROM EmployeeTerritories GROUP BY 1",
        ),
        (
            "Is there a customer in Berlin?",
            "SELECT Country FROM Customers WHERE Country = 'Germany'",
        ),
    ],
)
def test_words_that_only_look_like_it_raise_no_alarm(question: str, sql: str, checker: Checker) -> None:
    raised = {finding.check for finding in checker.findings(question, sql)}
    assert raised & {"direction", "negation", "echo", "polarity"} == set()
