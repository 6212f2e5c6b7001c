"""Row filters, masks and roles: what the policy holds back cannot be had in whatever way a statement is written."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fixtures_warehouse import Built, built, opened

from agent.run import Cell, Verdict
from agent.steps.guard import judge
from agent.warehouse.connect import Warehouse
from agent.warehouse.policy import Policy
from agent.warehouse.policy_rules import ColumnRules, Role, RowLimit, TableRules

Ask = Callable[[str, Policy], tuple[tuple[Cell, ...], ...]]

GERMAN = Policy(rows={"Orders": "ShipCountry = 'Germany'"})
MASKED = Policy(
    masks={
        "Customers.ContactName": "hash",
        "*.Phone": "partial",
        "Employees.HireDate": "full",
        "Orders.Freight": "full",
    }
)


@pytest.fixture(scope="module")
def warehouse(built: Built) -> Iterator[Warehouse]:
    with opened(built, max_rows=5000) as found:
        yield found


@pytest.fixture
def ask(built: Built, warehouse: Warehouse) -> Ask:
    def rows(sql: str, policy: Policy) -> tuple[tuple[Cell, ...], ...]:
        verdict = _judged(built, sql, policy)
        assert verdict.allowed, verdict.message
        outcome = warehouse.execute(verdict.sql)
        assert outcome.result is not None, outcome.error
        return outcome.result.rows

    return rows


def _judged(built: Built, sql: str, policy: Policy) -> Verdict:
    return judge(sql, dialect=built.dialect, catalog=built.catalog, policy=policy, max_rows=5000)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT DISTINCT ShipCountry FROM Orders",
        "SELECT DISTINCT o.ShipCountry FROM Orders AS o",
        "SELECT ShipCountry FROM (SELECT * FROM Orders) AS x GROUP BY ShipCountry",
        "WITH x AS (SELECT OrderID, ShipCountry FROM Orders) SELECT DISTINCT ShipCountry FROM x",
        "SELECT MAX(a.ShipCountry) FROM Orders AS a JOIN Orders AS b ON a.OrderID = b.OrderID",
        "SELECT ShipCountry FROM Orders WHERE 1 = 1 OR ShipCountry = 'France' GROUP BY ShipCountry",
        "SELECT ShipCountry FROM Orders UNION SELECT ShipCountry FROM Orders WHERE ShipCountry = 'France'",
        "SELECT DISTINCT (SELECT MIN(ShipCountry) FROM Orders) FROM Customers",
        "SELECT DISTINCT o.ShipCountry FROM order_details AS d JOIN Orders AS o USING (OrderID)",
        "SELECT DISTINCT ShipCountry FROM Orders WHERE EXISTS (SELECT * FROM Orders AS i WHERE i.Freight > 0)",
        "SELECT DISTINCT o.ShipCountry FROM (Orders AS o JOIN Customers AS c ON o.CustomerID = c.CustomerID)",
    ],
)
def test_rows_outside_the_filter_are_not_there(ask: Ask, sql: str) -> None:
    assert ask(sql, GERMAN) == (("Germany",),)
    assert len(ask("SELECT DISTINCT ShipCountry FROM Orders", Policy())) > 1


def test_a_left_join_keeps_its_rows_and_a_count_counts_what_is_shown(ask: Ask) -> None:
    everywhere = ask("SELECT COUNT(*) FROM Customers", Policy())
    joined = (
        "SELECT COUNT(DISTINCT Customers.CustomerID) FROM Customers"
        " LEFT JOIN Orders ON Customers.CustomerID = Orders.CustomerID"
    )
    assert ask(joined, GERMAN) == everywhere
    german = ask("SELECT COUNT(*) FROM Orders WHERE ShipCountry = 'Germany'", Policy())
    assert ask("SELECT COUNT(*) FROM Orders", GERMAN) == german


def test_a_condition_may_ask_another_table(ask: Ask) -> None:
    policy = Policy(rows={"Orders": "CustomerID IN (SELECT CustomerID FROM Customers WHERE Country = 'Germany')"})
    sql = "SELECT DISTINCT Customers.Country FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID"
    assert ask(sql, policy) == (("Germany",),)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT Phone FROM Shippers",
        "SELECT s.* FROM Shippers AS s",
        "SELECT UPPER(Phone) FROM Shippers",
        "SELECT MAX(Phone) FROM Shippers GROUP BY Phone",
        "SELECT a.Phone FROM Shippers AS a JOIN Shippers AS b ON a.Phone = b.Phone",
        "SELECT x.p FROM (SELECT Phone AS p FROM Shippers ORDER BY Phone) AS x",
        "SELECT CASE WHEN Phone LIKE '(%' THEN Phone ELSE 'no' END FROM Shippers",
    ],
)
def test_a_masked_value_cannot_be_had_in_another_way(ask: Ask, sql: str) -> None:
    known = {str(row[0]) for row in ask("SELECT Phone FROM Shippers", Policy())}
    shown = {str(cell) for row in ask(sql, MASKED) for cell in row}
    assert not known & shown
    assert any(cell.endswith("***") for cell in shown)


def test_a_masked_value_cannot_be_guessed_at(ask: Ask) -> None:
    (phone,) = ask("SELECT MIN(Phone) FROM Shippers", Policy())[0]
    assert ask(f"SELECT COUNT(*) FROM Shippers WHERE Phone = '{phone}'", MASKED) == ((0,),)
    assert ask(f"SELECT COUNT(*) FROM Shippers WHERE Phone > '{str(phone)[:3]}'", MASKED) == ((0,),)
    assert ask("SELECT COUNT(*) FROM Employees WHERE HireDate > '1990-01-01'", MASKED) == ((0,),)


def test_a_digest_tells_equal_from_different_and_nothing_else(ask: Ask) -> None:
    counted = "SELECT COUNT(DISTINCT ContactName) FROM Customers"
    assert ask(counted, MASKED) == ask(counted, Policy())
    names = ask("SELECT ContactName FROM Customers", MASKED)
    assert all(len(str(name)) == 32 and str(name).isalnum() for (name,) in names)


def test_what_is_not_shown_can_still_be_written_in_a_statement(ask: Ask) -> None:
    assert ask("SELECT SUM(Freight * 2) FROM Orders WHERE Freight > 5", MASKED) == ((None,),)
    assert ask("SELECT COUNT(*) FROM Employees WHERE HireDate IS NULL", MASKED)[0] > (0,)


def test_the_statement_says_what_was_held_back(built: Built) -> None:
    policy = Policy(rows={"Orders": "ShipCountry = 'Germany'"}, masks={"Customers.Phone": "partial"})
    sql = "SELECT Customers.Phone FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID"
    assert _judged(built, sql, policy).restrictions == (
        "The policy shows only the rows of Orders where ShipCountry = 'Germany'.",
        "The policy masks Customers.Phone: only its first character is shown.",
    )
    untouched = _judged(built, "SELECT COUNT(*) FROM Customers", policy)
    assert untouched.restrictions == ()
    assert _judged(built, "SELECT COUNT(*) FROM Products", policy).sql.count("SELECT") == 1


def test_a_common_name_hides_a_table_and_is_not_filtered_twice(built: Built, ask: Ask) -> None:
    sql = "WITH Orders AS (SELECT 1 AS OrderID, 'Mars' AS ShipCountry) SELECT ShipCountry FROM Orders"
    assert ask(sql, GERMAN) == (("Mars",),)
    recursive = (
        "WITH RECURSIVE chain AS (SELECT EmployeeID, ReportsTo FROM Employees WHERE ReportsTo IS NULL UNION ALL "
        "SELECT e.EmployeeID, e.ReportsTo FROM Employees AS e JOIN chain ON e.ReportsTo = chain.EmployeeID) "
        "SELECT COUNT(*) FROM chain"
    )
    two = Policy(rows={"Employees": "EmployeeID <= 2"})
    assert ask(recursive, two) == ((2,),)
    assert _judged(built, recursive, two).sql.count("<= 2") == 2


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("Contry = 'Germany'", "There is no column Contry"),
        ("ShipCountry = ", "not valid SQL"),
        ("1 = 1 ORDER BY OrderID", "more than a condition"),
        ("1 = 1 UNION SELECT 1", "more than a condition"),
    ],
)
def test_a_condition_that_cannot_hold_closes_the_table(built: Built, condition: str, words: str) -> None:
    policy = Policy(rows={"Orders": condition})
    verdict = _judged(built, "SELECT COUNT(*) FROM Orders", policy)
    assert not verdict.allowed
    assert verdict.rule == "policy_rows"
    assert words in verdict.message
    assert _judged(built, "SELECT COUNT(*) FROM Customers", policy).allowed


def test_masks_do_not_open_a_function_to_drafts() -> None:
    pytest.importorskip("sqlglot")
    from memory.catalog import Catalog, Column, Table

    catalog = Catalog("sqlite", (Table("t", (Column("a", "TEXT"),)),))
    verdict = judge("SELECT MD5(a) FROM t", dialect="sqlite", catalog=catalog, policy=Policy(), max_rows=5)
    assert not verdict.allowed


ROLES = Policy(
    columns=ColumnRules(deny=("Employees.HomePhone",)),
    masks={"Customers.Phone": "partial"},
    roles={
        "field": Role(people=("Ana", "ben"), rows={"Orders": "ShipCountry = 'Germany'"}, limits=RowLimit(max_rows=7)),
        "temps": Role(people=("ben",), tables=TableRules(deny=("order_details",)), masks={"Customers.Phone": "full"}),
        "rest": Role(people=("*",), columns=ColumnRules(deny=("Orders.Freight",))),
    },
)


def test_a_person_has_the_rules_of_all_their_roles_together() -> None:
    ana, ben, zoe = ROLES.of("ana"), ROLES.of("Ben"), ROLES.of("zoe")
    assert ana.row_conditions("orders") == ben.row_conditions("Orders") == ("ShipCountry = 'Germany'",)
    assert zoe.row_conditions("Orders") == ()
    assert (ana.table_allowed("order_details"), ben.table_allowed("order_details")) == (True, False)
    assert (ana.mask_of("Customers", "Phone"), ben.mask_of("Customers", "Phone")) == ("partial", "full")
    assert [p.column_denied("Orders", "Freight") for p in (ana, ben, zoe)] == [False, False, True]
    assert all(p.column_denied("Employees", "HomePhone") for p in (ana, ben, zoe))


def test_a_role_lowers_the_row_cap_of_its_people_only() -> None:
    from agent.settings import GuardLimits

    assert ROLES.of("ana").effective_limits(GuardLimits(max_rows=100)).max_rows == 7
    assert ROLES.of("zoe").effective_limits(GuardLimits(max_rows=100)).max_rows == 100


def test_whom_no_role_names_may_read_nothing(built: Built) -> None:
    policy = Policy(roles={"field": Role(people=("ana",))})
    assert _judged(built, "SELECT COUNT(*) FROM Orders", policy.of("ana")).allowed
    refused = _judged(built, "SELECT COUNT(*) FROM Orders", policy.of("eve"))
    assert (refused.allowed, refused.rule) == (False, "policy_role")
    assert Policy().of("eve").table_allowed("Orders")


def test_memory_keeps_nothing_that_is_held_back_from_anybody() -> None:
    assert ROLES.withheld("Orders", "ShipCity")  # rows of it are hidden from the field
    assert ROLES.withheld("order_details", "Quantity")  # the temps may not read it
    assert ROLES.withheld("Customers", "Phone")
    assert not ROLES.withheld("Customers", "City")


def test_a_change_of_the_policy_changes_its_fingerprint() -> None:
    assert ROLES.fingerprint() == ROLES.of("ana").fingerprint() != Policy().fingerprint()
