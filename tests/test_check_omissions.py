"""What the question says and the statement does not: values as they are stored, negations, measures, years."""

from __future__ import annotations

import dataclasses
import datetime

import pytest
import sqlalchemy as sa
from fixtures_steps import grounded
from fixtures_warehouse import Built, layer, opened, sqlite_demo  # noqa: F401

from agent.run import Draft, Finding, RunError
from agent.steps.check import check
from agent.steps.repair import mend
from memory.joins import JoinGraph
from memory.lexical import fold
from memory.linking import Linker
from memory.semantics import SemanticLayer
from memory.value_sources import collect_values
from memory.values import ValueIndex


class Checker:
    """`findings(question, sql)` over every stored value, with the real result; today is the last day of 2024."""

    def __init__(self, target: Built, layer_: SemanticLayer) -> None:
        calendar = dataclasses.replace(layer_.calendar, as_of=datetime.date(2024, 12, 31))
        self.target, self.layer = target, dataclasses.replace(layer_, calendar=calendar)
        self.joins = JoinGraph(target.catalog)
        engine = sa.create_engine(target.url)
        try:
            self.values = ValueIndex(target.catalog, self.layer, collect_values(engine, target.catalog, self.layer))
        finally:
            engine.dispose()
        self.linker = Linker(target.catalog, self.layer, self.values, self.joins)

    def findings(self, question: str, sql: str) -> tuple[Finding, ...]:
        with opened(self.target) as warehouse:
            result = warehouse.execute(sql).result
        assert result is not None
        return check(
            question, sql, result, catalog=self.target.catalog, joins=self.joins, layer=self.layer,
            grounding=grounded(question, self.linker), dialect="sqlite", values=self.values,
        )  # fmt: skip

    def errors(self, question: str, sql: str) -> set[str]:
        return {finding.check for finding in self.findings(question, sql) if finding.severity == "error"}

    def mended(self, question: str, sql: str) -> str:
        failed = tuple(f for f in self.findings(question, sql) if f.severity == "error")
        made = mend(
            Draft(sql, "model"),
            RunError("check_failed", ""),
            self.target.catalog,
            self.joins,
            "sqlite",
            findings=failed,
        )
        return made[0].sql if made else ""


@pytest.fixture(scope="module")
def checker(sqlite_demo: Built, layer: SemanticLayer) -> Checker:  # noqa: F811
    return Checker(sqlite_demo, layer)


def label(checker: Checker, target: str) -> str:
    """A stored value of several words with an accent, of which there are more than the catalog keeps samples of."""
    source = next(source for source in checker.values.sources if source.target == target)
    column = checker.target.catalog.column(source.table, source.column)
    assert column is not None
    assert column.samples == ()
    return next(value for value in source.values if not value.isascii() and " " in value)


# --- values -----------------------------------------------------------------------------------------------------


def test_a_value_is_mended_to_the_one_spelling_that_is_stored(checker: Checker) -> None:
    stored = label(checker, "Customers.CompanyName")
    typed = fold(stored).title()
    sql = f"SELECT COUNT(*) FROM Customers WHERE CompanyName = '{typed}'"
    question = f"How many customers are called {typed}?"
    (found,) = [f for f in checker.findings(question, sql) if f.check == "unknown_value"]
    assert (found.severity, found.message) == ("error", f"Customers.CompanyName holds “{stored}”, not “{typed}”.")
    assert checker.mended(question, sql) == sql.replace(typed, stored)
    assert checker.errors(question, checker.mended(question, sql)) == set()


def test_a_value_that_the_question_misspells_is_mended_to_what_it_was_linked_to(checker: Checker) -> None:
    sql = "SELECT COUNT(*) FROM Customers WHERE Country = 'Germny'"
    assert checker.mended("How many customers in Germny?", sql) == sql.replace("Germny", "Germany")
    american = "SELECT COUNT(*) FROM Customers WHERE Country = 'American'"
    assert checker.mended("How many American customers?", american) == american.replace("American", "USA")


def test_punctuation_and_blanks_are_no_part_of_a_value(checker: Checker) -> None:
    sql = "SELECT CategoryID FROM Categories WHERE CategoryName IN ('Meat / Poultry', 'dairy  products')"
    once = checker.mended("Numbers of Meat / Poultry and dairy products", sql)
    assert once.endswith("IN ('Meat/Poultry', 'Dairy Products')")


def test_names_put_together_are_known_too(checker: Checker) -> None:
    source = next(s for s in checker.values.sources if s.computed and s.table == "Employees")
    stored = source.values[0]
    sql = f"SELECT Title FROM Employees WHERE FirstName || ' ' || LastName = '{stored.upper()}'"
    assert checker.mended(f"Title of {stored}", sql) == sql.replace(stored.upper(), stored)
    assert checker.errors(f"Title of {stored}", sql.replace(stored.upper(), stored)) == set()


def test_a_value_of_another_column_is_an_error_and_an_unknown_one_that_was_asked_for_is_not(checker: Checker) -> None:
    supplier = label(checker, "Customers.CompanyName")
    wrong = f"SELECT ProductName FROM Products WHERE ProductName = '{supplier}'"
    assert "unknown_value" in checker.errors(f"Products of {supplier}", wrong)
    sql = "SELECT COUNT(*) FROM Customers WHERE CompanyName = 'Nowhere Trading'"
    assert checker.errors("How many customers are called Nowhere Trading?", sql) == set()
    assert {f.check for f in checker.findings("How many customers are called Nowhere Trading?", sql)} == {
        "unknown_value"
    }
    assert checker.errors("How many customers are there?", sql) == {"unknown_value"}  # nobody spoke of it


def test_a_value_typed_without_its_accents_must_be_looked_for(checker: Checker) -> None:
    stored = label(checker, "Customers.CompanyName")
    assert "value_filter" in checker.errors(f"City of {fold(stored)}", "SELECT City FROM Customers")


# --- negation ---------------------------------------------------------------------------------------------------

DENIED = [
    ("Customers in Germany that have no fax number", "SELECT CompanyName FROM Customers WHERE Country = 'Germany'"),
    ("Which customers never placed an order?", "SELECT CompanyName FROM Customers"),
    ("Suppliers without a fax", "SELECT CompanyName FROM Suppliers"),
    ("Which orders haven't been shipped?", "SELECT OrderID FROM Orders"),
    ("Orders that are not shipped to Germany", "SELECT OrderID FROM Orders WHERE ShipCountry = 'Germany'"),
    ("Number of customers except those in France", "SELECT COUNT(*) FROM Customers WHERE Country = 'France'"),
    (
        "Customers who bought nothing in 2023",
        "SELECT CustomerID FROM Orders WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01'",
    ),
]
SAID = [
    ("Suppliers without a fax", "SELECT CompanyName FROM Suppliers WHERE Fax IS NULL"),
    ("Which products are not discontinued?", "SELECT ProductName FROM Products WHERE Discontinued = 0"),
    ("Suppliers outside of, that is not in, Germany", "SELECT CompanyName FROM Suppliers WHERE Country <> 'Germany'"),
    (
        "Which customers never placed an order?",
        "SELECT CompanyName FROM Customers WHERE CustomerID NOT IN (SELECT CustomerID FROM Orders)",
    ),
    (
        "Which customers never placed an order?",
        "SELECT CustomerID FROM Customers EXCEPT SELECT CustomerID FROM Orders",
    ),
    (
        "Customers who have not ordered since 2024",
        "SELECT CustomerID FROM Orders GROUP BY CustomerID HAVING MAX(OrderDate) < '2024-01-01'",
    ),
    ("Products with no more than 10 units in stock", "SELECT ProductName FROM Products WHERE UnitsInStock < 11"),
    ("Order no, ship city of all orders", "SELECT OrderID, ShipCity FROM Orders"),
    ("What is the freight of order no. 10250?", "SELECT Freight FROM Orders WHERE OrderID = 10250"),
    ("Why not show me all customers", "SELECT CompanyName FROM Customers"),
    ("Don't round: what is the average freight?", "SELECT AVG(Freight) FROM Orders"),
    (
        "Number of territories per employee, including those who have none",
        "SELECT e.EmployeeID, COUNT(t.TerritoryID) FROM Employees e LEFT JOIN EmployeeTerritories t "
        "ON t.EmployeeID = e.EmployeeID GROUP BY e.EmployeeID",
    ),
]


@pytest.mark.parametrize(("question", "sql"), DENIED)
def test_a_negation_that_was_forgotten(question: str, sql: str, checker: Checker) -> None:
    assert "negation" in checker.errors(question, sql)


@pytest.mark.parametrize(("question", "sql"), SAID)
def test_a_negation_that_leaves_a_trace_or_is_none(question: str, sql: str, checker: Checker) -> None:
    assert "negation" not in checker.errors(question, sql)


# --- measures ---------------------------------------------------------------------------------------------------

REVENUE = "SUM(d.UnitPrice * d.Quantity * (1 - d.Discount))"
LINES = "FROM Orders o JOIN order_details d ON d.OrderID = o.OrderID JOIN Shippers s ON s.ShipperID = o.ShipVia"


@pytest.mark.parametrize(
    ("question", "columns", "found"),
    [
        ("sales revenue and units sold by shipper", f"s.CompanyName, {REVENUE}", True),
        ("sales revenue, units sold and orders placed by shipper", f"s.CompanyName, {REVENUE}, 1", True),
        ("sales revenue and units sold by shipper", f"s.CompanyName, {REVENUE}, SUM(d.Quantity)", False),
        ("sales revenue together with units sold by shipper", f"s.CompanyName, SUM(d.Quantity), {REVENUE}", False),
        ("ratio of sales revenue and units sold by shipper", f"s.CompanyName, {REVENUE} / SUM(d.Quantity)", False),
        ("sales revenue by shipper", f"s.CompanyName, {REVENUE}", False),
    ],
)
def test_measures_asked_for_side_by_side(question: str, columns: str, found: bool, checker: Checker) -> None:
    sql = f"SELECT {columns} {LINES} GROUP BY s.CompanyName"
    assert ("measures" in checker.errors(question, sql)) is found


# --- years ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "condition", "found"),
    [
        ("How many orders last year?", "OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01'", False),
        ("How many orders this year?", "OrderDate >= '2024-01-01' AND OrderDate < '2025-01-01'", False),
        ("How many orders last year?", "OrderDate >= '2021-01-01' AND OrderDate < '2022-01-01'", True),
        ("How many orders in the year before last?", "STRFTIME('%Y', OrderDate) = '2022'", False),
        ("How many orders in the last 3 years?", "OrderDate >= '2022-01-01'", False),
        ("How many orders are there?", "OrderDate >= '2023-01-01'", True),
        ("Number of orders month by month", "OrderDate >= '2023-01-01'", True),
        ("How many orders in 2022?", "OrderDate >= '2022-01-01' AND OrderDate < '2023-01-01'", False),
        ("How many orders in 2022?", "STRFTIME('%Y', OrderDate) IN ('2022', '2019')", True),
        ("How many orders since 2021?", "OrderDate >= '2021-01-01' AND OrderDate < '2025-01-01'", False),
        ("How many orders in Q3 '22?", "OrderDate >= '2022-07-01' AND OrderDate < '2022-10-01'", False),
        ("Which orders are overdue?", "ShippedDate IS NULL AND RequiredDate < '2024-12-31'", False),
        ("Orders with freight over 2000", "Freight > 2000", False),
    ],
)
def test_years_that_nobody_spoke_of(question: str, condition: str, found: bool, checker: Checker) -> None:
    sql = f"SELECT COUNT(*) FROM Orders WHERE {condition}"
    assert ("time_filter" in checker.errors(question, sql)) is found


def test_a_year_that_the_result_shows_was_not_forgotten(checker: Checker) -> None:
    sql = "SELECT STRFTIME('%Y', OrderDate) AS year, COUNT(*) FROM Orders GROUP BY year"
    assert checker.errors("Number of orders in 2022 and 2023", sql) == set()
