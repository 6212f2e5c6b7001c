"""Names that a database reads in another way than the guard's resolver would: each once let a denied value out."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from fixtures_warehouse import Built, built, opened, sqlite_demo

from agent.run import Outcome, Verdict
from agent.steps.guard import judge
from agent.warehouse.connect import Warehouse
from agent.warehouse.policy import Policy
from agent.warehouse.policy_rules import ColumnRules

DENIED = Policy(columns=ColumnRules(deny=("Employees.HomePhone", "Customers.Phone", "Shippers.ShipperID")))
GERMAN = Policy(rows={"Orders": "ShipCountry = 'Germany'"})
GERMAN_DETAILS = Policy(rows={"order_details": "OrderID IN (SELECT OrderID FROM Orders WHERE ShipCountry = 'Germany')"})


@pytest.fixture(scope="module")
def warehouse(built: Built) -> Iterator[Warehouse]:
    with opened(built, max_rows=5000) as found:
        yield found


def verdict_of(target: Built, sql: str, policy: Policy) -> Verdict:
    written = sql.replace('"', "`") if target.dialect == "mysql" else sql
    return judge(written, dialect=target.dialect, catalog=target.catalog, policy=policy, max_rows=5000)


def ran(target: Built, warehouse: Warehouse, sql: str, policy: Policy) -> Outcome | None:
    verdict = verdict_of(target, sql, policy)
    return warehouse.execute(verdict.sql) if verdict.allowed else None


def cells(outcome: Outcome | None) -> set[str]:
    if outcome is None or outcome.result is None:
        return set()
    return {str(cell) for row in outcome.result.rows for cell in row}


@pytest.mark.parametrize(
    "sql",
    [
        'WITH "employees" AS (SELECT \'x\' AS "HomePhone") SELECT "HomePhone" FROM "Employees"',
        'WITH "Employeeſ" AS (SELECT \'x\' AS "HomePhone") SELECT "HomePhone" FROM Employees',
        'WITH "Employeeſ" AS (SELECT \'x\' AS "HomePhone") SELECT e."HomePhone" FROM "EMPLOYEES" AS e',
        "SELECT (SELECT MAX(x) FROM Customers AS e, (SELECT e.Phone AS x) AS t) FROM Shippers AS e",
        "SELECT (SELECT MAX(e) FROM Employees AS e) FROM (SELECT 1 AS e) AS z",
        "SELECT (SELECT MAX(HomePhoné) FROM Employees) FROM (SELECT 'a' AS HomePhoné) AS z",
        "SELECT MAX(LastName) AS HomePhoné FROM Employees GROUP BY HomePhoné",
    ],
)
def test_no_name_is_read_as_a_denied_column(built: Built, warehouse: Warehouse, sql: str) -> None:
    known = warehouse.execute("SELECT * FROM " + ('"Employees"' if built.dialect == "postgres" else "Employees"))
    phones = {str(row[12]) for row in known.result.rows} if known.result else set()
    buyers = warehouse.execute("SELECT * FROM " + ('"Customers"' if built.dialect == "postgres" else "Customers"))
    phones |= {str(row[9]) for row in buyers.result.rows} if buyers.result else set()
    assert len(phones) > 50
    shown = " ".join(cells(ran(built, warehouse, sql, DENIED)))
    assert not [phone for phone in phones if phone in shown]


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT (SELECT COUNT(*) AS "HomePhone" FROM Orders HAVING "HomePhone" > \'5\') FROM Employees',
        'SELECT (SELECT OrderID AS "HomePhone" FROM Orders ORDER BY LENGTH("HomePhone") LIMIT 1) FROM Employees',
        'SELECT (SELECT OrderID AS "HomePhone" FROM Orders GROUP BY "HomePhone" LIMIT 1) FROM Employees',
    ],
)
def test_an_alias_that_is_also_a_column_outside_must_be_allowed_as_both(built: Built, sql: str) -> None:
    assert verdict_of(built, sql, DENIED).rule == "policy_column"
    assert verdict_of(built, sql, Policy()).allowed


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("sqlite", "SELECT CompanyName, 1 AS rowid FROM Shippers WHERE rowid = 2"),
        ("sqlite", "SELECT (SELECT MAX(_rowid_) FROM Shippers) FROM (SELECT 1 AS _rowid_) AS z"),
        ("duckdb", "SELECT (SELECT MAX(rowid) FROM Shippers) FROM (SELECT 1 AS rowid) AS z"),
        ("mysql", "SELECT (SELECT MAX(_rowid) FROM Shippers) FROM (SELECT 1 AS _rowid) AS z"),
        ("postgres", "SELECT (SELECT MAX(ctid) FROM Shippers) FROM (SELECT 'a' AS ctid) AS z"),
        ("duckdb", "SELECT 1 AS e FROM Employees AS e WHERE e IS NOT NULL"),
        ("duckdb", "SELECT 1 AS e FROM Employees AS e GROUP BY e"),
    ],
)
def test_a_column_that_no_catalog_lists_is_not_reached_by_an_alias(
    dialect: str,
    sql: str,
    sqlite_demo: Built,
) -> None:
    verdict = judge(sql, dialect=dialect, catalog=sqlite_demo.catalog, policy=Policy(), max_rows=9)
    assert (verdict.allowed, verdict.rule, verdict.error_class) == (False, "known_column", "ambiguous_column")


def test_an_alias_named_like_its_table_stays_allowed(built: Built, warehouse: Warehouse) -> None:
    sql = "SELECT ShipVia, COUNT(*) AS Orders FROM Orders GROUP BY ShipVia ORDER BY Orders DESC"
    assert len(cells(ran(built, warehouse, sql, Policy()))) > 3


def test_a_statement_that_looks_past_a_table_finds_no_denied_column_there(built: Built) -> None:
    sql = "SELECT LastName FROM Employees AS e WHERE EXISTS (SELECT 1 FROM Customers WHERE City = e.City)"
    verdict = verdict_of(built, sql, DENIED)
    assert verdict.allowed
    assert "Phone" not in verdict.sql
    assert verdict.sql.count("SELECT") == 4
    assert verdict.restrictions == ()


@pytest.mark.parametrize(
    "sql",
    [
        'WITH "Orders" AS (SELECT 10001 AS "OrderID", \'Germany\' AS "ShipCountry" UNION SELECT 10002, \'Germany\')'
        " SELECT COUNT(*) FROM order_details",
        'SELECT (WITH "Orders" AS (SELECT OrderID, \'Germany\' AS "ShipCountry" FROM order_details)'
        " SELECT COUNT(*) FROM order_details) AS n",
    ],
)
def test_a_condition_reads_its_own_tables_whatever_the_statement_calls_so(built: Built, sql: str) -> None:
    verdict = verdict_of(built, sql, GERMAN_DETAILS)
    assert (verdict.allowed, verdict.rule) == (False, "policy_rows")
    assert "another name" in verdict.message


@pytest.mark.parametrize(
    "failing",
    [
        "EXP(CASE WHEN ShipCountry = 'France' THEN 100000 ELSE 1 END) > 1",
        "ABS(CASE WHEN ShipCountry = 'France' THEN -9223372036854775807 - 1 ELSE 1 END) = 1",
        "CAST(CASE WHEN ShipCountry = 'France' THEN ShipCity ELSE '1' END AS DECIMAL(9, 0)) = 1",
        "1 / (CASE WHEN ShipCountry = 'France' THEN 0 ELSE 1 END) = 1",
    ],
)
def test_no_condition_is_asked_of_a_hidden_row(built: Built, warehouse: Warehouse, failing: str) -> None:
    outcome = ran(built, warehouse, f"SELECT COUNT(*) FROM Orders WHERE {failing}", GERMAN)
    assert outcome is not None
    assert outcome.error is None
    joined = f"SELECT COUNT(*) FROM Customers AS c LEFT JOIN Orders ON {failing}"
    assert ran(built, warehouse, joined, GERMAN).error is None


def test_a_statement_that_only_compares_has_no_fence(built: Built) -> None:
    plain = "SELECT ShipVia, SUM(Freight * 2) FROM Orders WHERE ShipCity > 'B' GROUP BY ShipVia ORDER BY SUM(Freight)"
    sql = verdict_of(built, plain, GERMAN).sql
    assert ("9223372036854775807" in sql) == (built.dialect == "duckdb")
    assert "OFFSET 0" not in sql
    assert "18446744073709551615" not in sql


def test_rows_of_megabytes_are_not_all_in_memory_before_they_are_counted(sqlite_demo: Built) -> None:
    million = "REPLACE(REPLACE('xxxxxxxxxx', 'x', '" + "y" * 1000 + "'), 'y', '" + "z" * 100 + "')"
    sql = verdict_of(sqlite_demo, f"SELECT {million} FROM Orders", Policy()).sql
    with opened(sqlite_demo) as warehouse:
        tracemalloc.start()
        try:
            outcome = warehouse.execute(sql)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert outcome.result is not None
    assert outcome.result.truncated
    assert len(outcome.result.rows) == 4
    assert peak < 60_000_000  # eight hundred rows of a megabyte
