"""Each mend on what it is for, and on what it must leave alone: a wrong mend runs and lies."""

from __future__ import annotations

import json

import pytest
from fixtures_warehouse import BASELINE, METRICS, Built, built, joins, opened, sqlite_demo  # noqa: F401
from sqlglot import exp, parse_one

from agent.errors import ErrorClass
from agent.run import Draft, Finding, Result, RunError, Verdict
from agent.steps.check import check
from agent.steps.faults import Known
from agent.steps.guard import judge
from agent.steps.mend_dialect import transpiled
from agent.steps.mend_literals import texts_joined
from agent.steps.mend_text import limit_unquoted
from agent.steps.mends import CHECK_MENDS, MENDS, SAID
from agent.steps.repair import mend
from agent.warehouse.policy import Policy
from memory.joins import JoinGraph
from memory.semantics import load_semantics


def error_of(sql: str, target: Built) -> RunError | None:
    verdict = judge(sql, dialect=target.dialect, catalog=target.catalog, policy=Policy(), max_rows=1000)
    if not verdict.allowed:
        return RunError(verdict.error_class, verdict.message)
    with opened(target) as warehouse:
        return warehouse.execute(verdict.sql).error


def mended(sql: str, target: Built, *findings: Finding) -> Draft | None:
    error = RunError("check_failed", "") if findings else error_of(sql, target)
    assert error is not None, "the draft is not broken"
    made = mend(
        Draft(sql, "model", "m", 0.7),
        error,
        target.catalog,
        JoinGraph(target.catalog),
        target.dialect,
        findings=findings,
    )
    return made[0] if made else None


def rows_of(sql: str, target: Built) -> tuple:
    verdict = judge(sql, dialect=target.dialect, catalog=target.catalog, policy=Policy(), max_rows=1000)
    assert verdict.allowed, verdict.message
    with opened(target) as warehouse:
        outcome = warehouse.execute(verdict.sql)
    assert outcome.error is None, outcome.error
    assert outcome.result is not None
    return outcome.result.rows


CASES = [
    ("schema_dropped", "SELECT COUNT(*) FROM main.Orders", "SELECT COUNT(*) FROM Orders"),
    ("nearest_table", "SELECT COUNT(*) FROM OrderDetails", "SELECT COUNT(*) FROM order_details"),
    ("nearest_table", "SELECT COUNT(*) FROM Custommers", "SELECT COUNT(*) FROM Customers"),
    ("nearest_table", "SELECT Product.ProductName FROM Product", "SELECT ProductName FROM Products"),
    (
        "quoted_text",
        'SELECT COUNT(*) FROM Customers WHERE Country = "Germany"',
        "SELECT COUNT(*) FROM Customers WHERE Country = 'Germany'",
    ),
    (
        "requalified",
        "SELECT p.CategoryName FROM Products p JOIN Categories c ON p.CategoryID = c.CategoryID",
        "SELECT c.CategoryName FROM Products p JOIN Categories c ON p.CategoryID = c.CategoryID",
    ),
    ("requalified", "SELECT Orders.OrderID FROM Orders o", "SELECT OrderID FROM Orders"),
    ("nearest_column", "SELECT ShipDate FROM Orders", "SELECT ShippedDate FROM Orders"),
    ("nearest_column", "SELECT MAX(Price) FROM Products", "SELECT MAX(UnitPrice) FROM Products"),
    (
        "join_added",
        "SELECT CategoryName, COUNT(*) FROM Products GROUP BY CategoryName",
        "SELECT c.CategoryName, COUNT(*) FROM Products p JOIN Categories c ON c.CategoryID = p.CategoryID "
        "GROUP BY c.CategoryName",
    ),
    (
        "join_added",
        "SELECT c.City, SUM(d.Quantity) FROM Orders o JOIN order_details d ON o.OrderID = d.OrderID GROUP BY c.City",
        "SELECT c.City, SUM(d.Quantity) FROM Orders o JOIN order_details d ON o.OrderID = d.OrderID "
        "JOIN Customers c ON c.CustomerID = o.CustomerID GROUP BY c.City",
    ),
    (
        "join_added",
        "SELECT Categories.CategoryName, SUM(Quantity) FROM order_details GROUP BY Categories.CategoryName",
        "SELECT c.CategoryName, SUM(d.Quantity) FROM order_details d JOIN Products p ON p.ProductID = d.ProductID "
        "JOIN Categories c ON c.CategoryID = p.CategoryID GROUP BY c.CategoryName",
    ),
    (
        "qualified",
        "SELECT OrderID, Quantity FROM Orders JOIN order_details ON Orders.OrderID = order_details.OrderID",
        "SELECT OrderID, Quantity FROM order_details",
    ),
    (
        "transpiled",
        "SELECT YEAR(OrderDate), COUNT(*) FROM Orders GROUP BY YEAR(OrderDate)",
        "SELECT CAST(STRFTIME('%Y', OrderDate) AS INTEGER), COUNT(*) FROM Orders GROUP BY 1",
    ),
    (
        "transpiled",
        "SELECT EXTRACT(MONTH FROM OrderDate) AS m, COUNT(*) FROM Orders GROUP BY m",
        "SELECT CAST(STRFTIME('%m', OrderDate) AS INTEGER), COUNT(*) FROM Orders GROUP BY 1",
    ),
    (
        "transpiled",
        "SELECT DATE_TRUNC('month', OrderDate) AS m, COUNT(*) FROM Orders GROUP BY 1",
        "SELECT DATE(OrderDate, 'start of month'), COUNT(*) FROM Orders GROUP BY 1",
    ),
    (
        "transpiled",
        "SELECT DATE_FORMAT(OrderDate, '%Y-%m') AS m, COUNT(*) FROM Orders GROUP BY 1",
        "SELECT STRFTIME('%Y-%m', OrderDate), COUNT(*) FROM Orders GROUP BY 1",
    ),
    (
        "transpiled",
        "SELECT CONCAT(DATE_FORMAT(OrderDate, '%Y'), '-H', (DATE_FORMAT(OrderDate, '%m') + 5) / 6), COUNT(*) "
        "FROM Orders WHERE DATE_FORMAT(OrderDate, '%m') = '07' GROUP BY 1",
        "SELECT STRFTIME('%Y', OrderDate) || '-H' || (12 / 6.0), COUNT(*) FROM Orders "
        "WHERE STRFTIME('%m', OrderDate) = '07' GROUP BY 1",
    ),
    (
        "transpiled",
        "SELECT YEAR(OrderDate) || '-' || ShipCountry AS y, COUNT(*) FROM Orders GROUP BY 1",
        "SELECT STRFTIME('%Y', OrderDate) || '-' || ShipCountry AS y, COUNT(*) FROM Orders GROUP BY 1",
    ),
    (
        "transpiled",
        "SELECT TO_CHAR(OrderDate, 'YYYY') AS y, COUNT(*) FROM Orders GROUP BY 1",
        "SELECT STRFTIME('%Y', OrderDate), COUNT(*) FROM Orders GROUP BY 1",
    ),
    (
        "transpiled",
        "SELECT TOP 5 CompanyName FROM Customers ORDER BY CompanyName",
        "SELECT CompanyName FROM Customers ORDER BY CompanyName LIMIT 5",
    ),
    (
        "transpiled",
        "SELECT COUNT(*) FROM Orders WHERE QUARTER(OrderDate) = 2",
        "SELECT COUNT(*) FROM Orders WHERE STRFTIME('%m', OrderDate) BETWEEN '04' AND '06'",
    ),
    (
        "transpiled",
        "SELECT AVG(TIMESTAMPDIFF(DAY, OrderDate, ShippedDate)) FROM Orders",
        "SELECT AVG(JULIANDAY(ShippedDate) - JULIANDAY(OrderDate)) FROM Orders",
    ),
    (
        "transpiled",
        "SELECT COUNT(*) FROM Orders WHERE OrderDate > DATE_SUB('2024-12-31', INTERVAL 30 DAY)",
        "SELECT COUNT(*) FROM Orders WHERE OrderDate > '2024-12-01'",
    ),
    ("transpiled", "SELECT LEFT(CompanyName, 3) FROM Customers", "SELECT SUBSTR(CompanyName, 1, 3) FROM Customers"),
    (
        "having_moved",
        "SELECT Country, COUNT(*) FROM Customers WHERE COUNT(*) > 5 AND City <> 'x' GROUP BY Country",
        "SELECT Country, COUNT(*) FROM Customers WHERE City <> 'x' GROUP BY Country HAVING COUNT(*) > 5",
    ),
    (
        "table_by_columns",
        "SELECT COUNT(*) FROM order_details d JOIN Items ON d.ProductID = Items.ProductID WHERE Items.SupplierID = 1",
        "SELECT COUNT(*) FROM order_details d JOIN Products p ON d.ProductID = p.ProductID WHERE p.SupplierID = 1",
    ),
    (
        "requalified",
        "SELECT x.ProductName FROM Products JOIN Suppliers ON x.SupplierID = Suppliers.SupplierID",
        "SELECT ProductName FROM Products",
    ),
    (
        "qualified",
        "SELECT COUNT(*) FROM Customers c JOIN Orders o ON CustomerID = c.CustomerID",
        "SELECT COUNT(*) FROM Orders",
    ),
    (
        "text_quoted",
        "SELECT COUNT(*) FROM Customers WHERE Country = germany",
        "SELECT COUNT(*) FROM Customers WHERE Country = 'Germany'",
    ),
    (
        "quotes_straightened",
        "SELECT COUNT(*) FROM Customers WHERE Country = \u2018Germany\u2019",
        "SELECT COUNT(*) FROM Customers WHERE Country = 'Germany'",
    ),
    (
        "value_quoted",
        "SELECT COUNT(*) FROM Products p JOIN Categories c USING (CategoryID) WHERE c.CategoryName = Dairy Products",
        "SELECT COUNT(*) FROM Products p JOIN Categories c USING (CategoryID) WHERE c.CategoryName = 'Dairy Products'",
    ),
    (
        "nearest_column",
        "SELECT COUNT(DISTINCT CustomerCity) FROM Customers",
        "SELECT COUNT(DISTINCT City) FROM Customers",
    ),
    ("function_respelled", "SELECT AVERAGE(Freight) FROM Orders", "SELECT AVG(Freight) FROM Orders"),
    ("function_respelled", "SELECT CUONT(*) FROM Orders", "SELECT COUNT(*) FROM Orders"),
    (
        "transpiled",
        "SELECT DATE_FORMAT(OrderDate, 'yyyy-MM') AS m, COUNT(*) FROM Orders GROUP BY 1",
        "SELECT STRFTIME('%Y-%m', OrderDate), COUNT(*) FROM Orders GROUP BY 1",
    ),
    (
        "transpiled",
        "SELECT TOP 3 [CompanyName] FROM [Customers] WHERE ISNULL([Region], '') = '' ORDER BY [CompanyName]",
        "SELECT CompanyName FROM Customers WHERE COALESCE(Region, '') = '' ORDER BY CompanyName LIMIT 3",
    ),
]


@pytest.mark.parametrize(("name", "broken", "meant"), CASES, ids=[f"{case[0]}-{i}" for i, case in enumerate(CASES)])
def test_mends_give_what_was_meant(name: str, broken: str, meant: str, sqlite_demo: Built) -> None:  # noqa: F811
    draft = mended(broken, sqlite_demo)
    assert draft is not None
    assert name in draft.basis.split("+")
    assert draft.origin == "mend"
    assert (draft.model, draft.confidence) == ("m", 0.7)
    assert sorted(map(str, rows_of(draft.sql, sqlite_demo))) == sorted(map(str, rows_of(meant, sqlite_demo)))


@pytest.mark.parametrize(
    "broken",
    [
        "SELECT UnitPrice FROM Products JOIN order_details ON Products.ProductID = order_details.ProductID",
        "SELECT Country FROM Orders",
        "SELECT CompanyName, OrderID FROM Orders",
        "SELECT SUM(Quantity) FROM Orders",
        "SELECT COUNT(OrderDate) FROM Customers",
        "SELECT Name FROM Customers",
        "SELECT Revenue FROM Orders",
        "SELECT * FROM Invoices",
        "SELECT x.y.z FROM Orders",
        "SELEC 1",
        "SELECT FROBNICATE(1)",
        "DELETE FROM Orders",
        "SELECT e.LastName, Customers.City FROM Orders o JOIN Orders p ON o.OrderID = p.OrderID JOIN Employees e "
        "ON e.EmployeeID = o.EmployeeID",
        "SELECT Orders.CategoryName FROM Orders",
        "SELECT COUNT(*) FROM Items WHERE Items.UnitPrice > 5",
        "SELECT a.City, b.City FROM Customers AS a WHERE a.City = 'Graz'",
        "SELECT COUNT(*) FROM Employees WHERE EXISTS(SELECT 1 FROM EmployeeTerritories WHERE "
        "ex.EmployeeID = Employees.EmployeeID)",
        "SELECT COUNT(*) FROM Shippers WHERE \"Country\" = 'Germany'",
        "SELECT MAN(Freight) FROM Orders",
        "SELECT COUNT(*) FROM Customers WHERE Country = Atlantis",
        "SELECT COUNT(OrderID) FROM Orders LEFT JOIN order_details ON Orders.OrderID = order_details.OrderID",
        "SELECT x.CompanyName FROM Customers JOIN Suppliers ON Customers.City = Suppliers.City",
        "WITH placed AS (SELECT CustomerID, ShipVia FROM Orders) SELECT CompanyName FROM placed JOIN Customers "
        "ON placed.CustomerID = Customers.CustomerID WHERE Orders.ShipVia = 1",
    ],
)
def test_what_is_not_certain_is_left_to_the_model(broken: str, sqlite_demo: Built) -> None:  # noqa: F811
    assert mended(broken, sqlite_demo) is None


CHECKED = [
    (
        "literal_type",
        "SELECT COUNT(*) FROM Orders WHERE OrderDate >= 2023-01-01",
        "SELECT COUNT(*) FROM Orders WHERE OrderDate >= '2023-01-01'",
    ),
    (
        "literal_type",
        "SELECT COUNT(*) FROM Orders WHERE OrderDate < 20230101",
        "SELECT COUNT(*) FROM Orders WHERE OrderDate < '2023-01-01'",
    ),
    (
        "literal_type",
        "SELECT COUNT(*) FROM Orders WHERE STRFTIME('%m', OrderDate) = 3",
        "SELECT COUNT(*) FROM Orders WHERE STRFTIME('%m', OrderDate) = '03'",
    ),
    (
        "literal_type",
        "SELECT ShipCountry FROM Orders GROUP BY ShipCountry HAVING COUNT(*) > '9'",
        "SELECT ShipCountry FROM Orders GROUP BY ShipCountry HAVING COUNT(*) > 9",
    ),
    (
        "date_pattern",
        "SELECT STRFTIME('yyyy-MM', OrderDate) AS month, COUNT(*) FROM Orders GROUP BY 1",
        "SELECT STRFTIME('%Y-%m', OrderDate) AS month, COUNT(*) FROM Orders GROUP BY 1",
    ),
    (
        "text_added",
        "SELECT FirstName + ' ' + LastName FROM Employees",
        "SELECT FirstName || ' ' || LastName FROM Employees",
    ),
    (
        "date_pattern",
        "SELECT STRFTIME(OrderDate, '%Y') AS year, COUNT(*) FROM Orders GROUP BY 1",
        "SELECT STRFTIME('%Y', OrderDate) AS year, COUNT(*) FROM Orders GROUP BY 1",
    ),
    (
        "integer_division",
        "WITH sold AS (SELECT COUNT(*) AS orders, COUNT(DISTINCT CustomerID) AS customers FROM Orders) "
        "SELECT 100 * orders / customers FROM sold",
        "WITH sold AS (SELECT COUNT(*) AS orders, COUNT(DISTINCT CustomerID) AS customers FROM Orders) "
        "SELECT 100.0 * orders / customers FROM sold",
    ),
    (
        "number_as_text",
        "SELECT MAX(CAST(Quantity AS TEXT)) FROM order_details",
        "SELECT MAX(Quantity) FROM order_details",
    ),
    (
        "unknown_value",
        "SELECT City FROM Customers WHERE Country <> 'GERMANY'",
        "SELECT City FROM Customers WHERE Country <> 'Germany'",
    ),
    (
        "quoted_name",
        "SELECT 'FirstName' || ' ' || LastName FROM Employees",
        "SELECT FirstName || ' ' || LastName FROM Employees",
    ),
    (
        "quoted_name",
        "SELECT 'Country', COUNT(*) FROM Customers GROUP BY Country",
        "SELECT Country, COUNT(*) FROM Customers GROUP BY Country",
    ),
    (
        "quoted_name",
        "SELECT COUNT(*) FROM Orders WHERE ShippedDate > 'RequiredDate'",
        "SELECT COUNT(*) FROM Orders WHERE ShippedDate > RequiredDate",
    ),
    (
        "quoted_name",
        "SELECT SUM(UnitPrice * (1 - 'Discount')) FROM order_details",
        "SELECT SUM(UnitPrice * (1 - Discount)) FROM order_details",
    ),
    (
        "quoted_name",
        "SELECT CompanyName, COUNT(*) OVER (PARTITION BY 'Country') FROM Customers",
        "SELECT CompanyName, COUNT(*) OVER (PARTITION BY Country) FROM Customers",
    ),
    ("quoted_name", "SELECT MAX('OrderDate') FROM Orders", "SELECT MAX(OrderDate) FROM Orders"),
    (
        "quoted_name",
        "SELECT COUNT(*) FROM Customers WHERE 'Country' = 'Germany'",
        "SELECT COUNT(*) FROM Customers WHERE Country = 'Germany'",
    ),
    ("quoted_name", "SELECT AVG('freight') FROM Orders", "SELECT AVG(Freight) FROM Orders"),
    (
        "quoted_name",
        "SELECT Extension FROM Employees WHERE 'FirstName' || ' ' || LastName = 'Adele Abernethy'",
        "SELECT Extension FROM Employees WHERE FirstName || ' ' || LastName = 'Adele Abernethy'",
    ),
    (
        "cartesian_product",
        "SELECT COUNT(*) FROM Orders JOIN Customers ON Orders.CustomerID = Orders.CustomerID",
        "SELECT COUNT(*) FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID",
    ),
    (
        "grouping",
        "SELECT a.City, b.City, COUNT(*) FROM Customers a JOIN Customers b ON a.Country = b.Country GROUP BY a.City",
        "SELECT a.City, b.City, COUNT(*) FROM Customers a JOIN Customers b ON a.Country = b.Country GROUP BY 1, 2",
    ),
]


@pytest.mark.parametrize(("name", "broken", "meant"), CHECKED)
def test_what_runs_without_a_word_is_found_and_mended(name: str, broken: str, meant: str, sqlite_demo: Built) -> None:  # noqa: F811
    found = found_in(broken, sqlite_demo)
    assert name in {finding.check for finding in found}
    assert name not in {finding.check for finding in found_in(meant, sqlite_demo)}
    draft = mended(broken, sqlite_demo, *(finding for finding in found if finding.check == name))
    assert draft is not None
    assert sorted(map(str, rows_of(draft.sql, sqlite_demo))) == sorted(map(str, rows_of(meant, sqlite_demo)))


def found_in(sql: str, target: Built) -> list[Finding]:
    """The errors that the checks see in a statement that runs."""
    rows = rows_of(sql, target)
    result = Result(tuple(f"c{index}" for index in range(len(rows[0]) if rows else 1)), rows)
    joins_, layer_ = JoinGraph(target.catalog), load_semantics(METRICS, target.catalog)
    found = check("", sql, result, catalog=target.catalog, joins=joins_, layer=layer_, grounding=None, dialect="sqlite")
    return [finding for finding in found if finding.severity == "error"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(*) FROM Orders WHERE OrderDate >= '2023-01-01' AND Freight > 20230101",
        "SELECT 'City' AS kind, City FROM Customers UNION SELECT 'Country', Country FROM Customers",
        "SELECT COUNT(*) FROM Customers WHERE PostalCode = 12209",
        "SELECT COUNT(*) FROM Orders WHERE STRFTIME('%Y', OrderDate) = '2023'",
        "SELECT 'Orders', COUNT(*) FROM Orders",
        "SELECT 'City' || ': ' || City FROM Customers",
        "SELECT COUNT(*) FROM Customers WHERE Region = 'City' OR City = 'region'",
        "SELECT Quantity + '1', 1 + UnitPrice FROM order_details",
        "SELECT MAX(CAST(City AS TEXT)), COUNT(CAST(EmployeeID AS TEXT)) FROM Employees",
        "SELECT COUNT(*) FROM Orders WHERE OrderDate > ' 2023-01-01'",
    ],
)
def test_literals_that_are_right_raise_no_alarm(sql: str, sqlite_demo: Built) -> None:  # noqa: F811
    alarms = {"literal_type", "quoted_name", "text_added", "number_as_text", "date_pattern"}
    assert not alarms & {finding.check for finding in found_in(sql, sqlite_demo)}


def test_a_column_compared_with_itself_is_seen_and_not_guessed_at(sqlite_demo: Built) -> None:  # noqa: F811
    sql = "SELECT COUNT(*) FROM Products p WHERE EXISTS(SELECT 1 FROM order_details d WHERE d.ProductID = d.ProductID)"
    found = [finding for finding in found_in(sql, sqlite_demo) if finding.check == "self_comparison"]
    assert len(found) == 1
    assert mended(sql, sqlite_demo, *found) is None


def test_a_pattern_of_no_known_letters_is_seen_and_not_guessed_at(sqlite_demo: Built) -> None:  # noqa: F811
    found = found_in("SELECT STRFTIME('Month', OrderDate) FROM Orders", sqlite_demo)
    assert [finding.check for finding in found if finding.check == "date_pattern"] == ["date_pattern"]
    assert mended("SELECT STRFTIME('Month', OrderDate) FROM Orders", sqlite_demo, *found) is None


def test_a_number_with_a_unit_is_seen_and_not_guessed_at(sqlite_demo: Built) -> None:  # noqa: F811
    sql = "SELECT ShipCountry FROM Orders GROUP BY ShipCountry HAVING COUNT(*) > '9 orders'"
    found = [finding for finding in found_in(sql, sqlite_demo) if finding.check == "literal_type"]
    assert len(found) == 1
    assert mended(sql, sqlite_demo, *found) is None


def test_a_number_of_rows_in_quotes(sqlite_demo: Built) -> None:  # noqa: F811
    known = Known(sqlite_demo.catalog, JoinGraph(sqlite_demo.catalog), "postgres")
    assert limit_unquoted("SELECT 1 LIMIT '3' OFFSET '2'", known) == "SELECT 1 LIMIT 3 OFFSET 2"
    assert limit_unquoted("SELECT 1 LIMIT 3", known) is None


def test_names_in_double_quotes_are_no_texts_on_mariadb(sqlite_demo: Built) -> None:  # noqa: F811
    known = Known(sqlite_demo.catalog, JoinGraph(sqlite_demo.catalog), "mysql")
    mended_ = transpiled("""SELECT "Customers"."City" FROM "Customers" WHERE "Country" = 'Germany'""", known)
    assert mended_ == "SELECT `Customers`.`City` FROM `Customers` WHERE `Country` = 'Germany'"


def test_every_mend_says_what_it_did() -> None:
    tried = {rule.__name__ for rules in (*MENDS.values(), *CHECK_MENDS.values()) for rule in rules}
    assert set(SAID) == tried


def test_several_slips_in_one_draft(sqlite_demo: Built) -> None:  # noqa: F811
    draft = mended("SELECT p.CategoryName, COUNT(*) FROM main.Product p GROUP BY p.CategoryName", sqlite_demo)
    assert draft is not None
    assert draft.basis == "schema_dropped+nearest_table+join_added+requalified"
    assert len(rows_of(draft.sql, sqlite_demo)) == 8


@pytest.mark.parametrize(
    ("findings", "sql", "expected"),
    [
        (
            (Finding("grouping", "error", ""),),
            "SELECT Country, COUNT(*) FROM Customers",
            "SELECT Country, COUNT(*) FROM Customers GROUP BY Country",
        ),
        (
            (Finding("integer_division", "error", ""),),
            "SELECT COUNT(ShippedDate) / COUNT(*) FROM Orders",
            "SELECT 1.0 * COUNT(ShippedDate) / COUNT(*) FROM Orders",
        ),
        (
            (
                Finding("unknown_value", "error", "", evidence="germany → Germany"),
                Finding("unknown_value", "error", "", evidence="FRANCE → France"),
            ),
            "SELECT COUNT(*) FROM Customers WHERE Country IN ('germany', 'FRANCE')",
            "SELECT COUNT(*) FROM Customers WHERE Country IN ('Germany', 'France')",
        ),
        (
            (Finding("row_limit", "error", "", evidence="3"),),
            "SELECT ProductName FROM Products ORDER BY UnitPrice DESC",
            "SELECT ProductName FROM Products ORDER BY UnitPrice DESC LIMIT 3",
        ),
        (
            (Finding("limit", "error", "", evidence="1"),),
            "SELECT City FROM Customers WHERE City IN (SELECT City FROM Suppliers LIMIT 5) ORDER BY City DESC LIMIT 1",
            "SELECT City FROM Customers WHERE City IN (SELECT City FROM Suppliers LIMIT 5) ORDER BY City DESC",
        ),
    ],
)
def test_mends_for_failed_checks(
    findings: tuple[Finding, ...],
    sql: str,
    expected: str,
    sqlite_demo: Built,  # noqa: F811
) -> None:
    draft = mended(sql, sqlite_demo, *findings)
    assert draft is not None
    assert draft.sql == expected


def test_division_by_zero(sqlite_demo: Built) -> None:  # noqa: F811
    made = mend(
        Draft("SELECT SUM(Freight) / COUNT(ShippedDate) FROM Orders", "model"),
        RunError(ErrorClass.DIVISION_BY_ZERO, ""),
        sqlite_demo.catalog,
        JoinGraph(sqlite_demo.catalog),
        "postgres",
    )
    assert "NULLIF(COUNT(ShippedDate), 0)" in made[0].sql


def test_dates_of_sqlite_on_every_engine(built: Built) -> None:  # noqa: F811
    """A model that learned SQLite's dates is understood elsewhere, and one that learned MySQL's on SQLite."""
    written = {
        "sqlite": "SELECT YEAR(OrderDate) AS y, COUNT(*) FROM Orders GROUP BY YEAR(OrderDate) ORDER BY y",
        "mysql": "SELECT STRFTIME('%Y', OrderDate) AS y, COUNT(*) FROM Orders GROUP BY 1 ORDER BY y",
        "postgres": "SELECT STRFTIME('%Y', OrderDate) AS y, COUNT(*) FROM Orders GROUP BY 1 ORDER BY y",
        "duckdb": "SELECT DATE_FORMAT(OrderDate, '%Y') AS y, COUNT(*) FROM Orders GROUP BY 1 ORDER BY y",
    }[built.dialect]
    draft = mended(written, built)
    assert draft is not None
    rows = rows_of(draft.sql, built)
    assert [int(str(row[0])) for row in rows] == [2020, 2021, 2022, 2023, 2024]
    assert sum(int(str(row[1])) for row in rows) == 120


def test_days_between_dates_on_every_engine(built: Built) -> None:  # noqa: F811
    if built.dialect == "sqlite":
        pytest.skip("this is SQLite's own way")
    draft = mended("SELECT SUM(JULIANDAY(ShippedDate) - JULIANDAY(OrderDate)) FROM Orders", built)
    assert draft is not None
    assert float(str(rows_of(draft.sql, built)[0][0])) > 0


def _corruptions(sql: str) -> list[str]:
    """The gold statement with one thing broken: a renamed column, a renamed table, a dropped join."""
    found = []
    tree = parse_one(sql, dialect="sqlite")
    for column in {node.name for node in tree.find_all(exp.Column)}:
        copy = tree.copy()
        for node in copy.find_all(exp.Column):
            if node.name == column:
                node.this.set("this", column[:-2] + column[-1] if len(column) > 4 else column + "x")
        found.append(copy.sql("sqlite"))
    for table in {node.name for node in tree.find_all(exp.Table)}:
        copy = tree.copy()
        for node in copy.find_all(exp.Table):
            if node.name == table:
                node.this.set("this", table + "s" if not table.endswith("s") else table[:-1])
        found.append(copy.sql("sqlite"))
    return found


def test_fault_injection_repairs_most_and_misrepairs_almost_none(sqlite_demo: Built) -> None:  # noqa: F811
    catalog, joins_ = sqlite_demo.catalog, JoinGraph(sqlite_demo.catalog)
    repaired = wrong = tried = 0

    def judged(sql: str) -> Verdict:
        return judge(sql, dialect="sqlite", catalog=catalog, policy=Policy(), max_rows=1000)

    with opened(sqlite_demo) as warehouse:
        for entry in map(json.loads, BASELINE.read_text(encoding="utf-8").splitlines()[::2]):
            gold = warehouse.execute(entry["sql"]).result
            assert gold is not None
            for broken in _corruptions(entry["sql"]):
                verdict = judged(broken)
                if verdict.allowed:
                    continue
                tried += 1
                error = RunError(verdict.error_class, verdict.message)
                for draft in mend(Draft(broken, "model"), error, catalog, joins_, "sqlite"):
                    outcome = warehouse.execute(judged(draft.sql).sql)
                    assert outcome.result is not None
                    right = outcome.result.fingerprint == gold.fingerprint
                    repaired, wrong = repaired + right, wrong + (not right)
    print(f"{tried} faults: {repaired} repaired, {wrong} wrongly, {tried - repaired - wrong} left to the model")
    assert tried >= 300
    assert repaired / tried >= 0.6
    assert wrong / tried <= 0.01


def test_what_mysql_reads_as_or_is_put_together(sqlite_demo: Built) -> None:  # noqa: F811
    known = Known(sqlite_demo.catalog, JoinGraph(sqlite_demo.catalog), "mysql")
    broken = "SELECT FirstName || ' ' || LastName AS name FROM Employees"
    assert texts_joined(broken, known) == "SELECT CONCAT(FirstName, ' ', LastName) AS name FROM Employees"
    assert texts_joined("SELECT 1 FROM Employees WHERE City = 'London' OR 'Paris'", known) is None


def test_what_mysql_runs_without_a_group_is_grouped(sqlite_demo: Built) -> None:  # noqa: F811
    broken = "SELECT Country FROM Customers HAVING COUNT(*) > 3"
    joins_, layer = JoinGraph(sqlite_demo.catalog), load_semantics(METRICS, sqlite_demo.catalog)
    result = Result(("Country",), (("Germany",),))
    found = check(
        "", broken, result, catalog=sqlite_demo.catalog, joins=joins_, layer=layer, grounding=None, dialect="mysql"
    )
    assert [finding.check for finding in found if finding.severity == "error"] == ["grouping"]
    known = Known(sqlite_demo.catalog, joins_, "mysql", findings=found)
    (completed,) = [rule(broken, known) for rule in CHECK_MENDS["grouping"]]
    assert completed == "SELECT Country FROM Customers GROUP BY Country HAVING COUNT(*) > 3"
