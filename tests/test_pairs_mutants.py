"""Mutants and the warehouses they are tried on: what is changed, what is told apart, what is let through."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fixtures_pairs import Shop, shop  # noqa: F401
from sqlglot import parse_one

from agent.warehouse.policy import Policy
from agent.warehouse.policy_rules import ColumnRules, TableRules
from finetune.pairs.judgement import Judge
from finetune.pairs.mutants import KINDS, Mutant, mutants
from finetune.pairs.quality import Refusal
from finetune.pairs.variants import MAX_ROWS, Copies, open_copies, same_result, why_not_copied
from finetune.pairs.world import World


def made(shop: Shop, sql: str, most: int = 50) -> list[Mutant]:  # noqa: F811
    return mutants(parse_one(sql, dialect="sqlite"), shop.catalog, most)


def of_kind(shop: Shop, sql: str, kind: str) -> list[str]:  # noqa: F811
    return [mutant.sql for mutant in made(shop, sql) if mutant.kind == kind]


@pytest.mark.parametrize(
    ("kind", "sql", "expected"),
    [
        ("filter", "SELECT City FROM Customers WHERE Country = 'UK'", "SELECT City FROM Customers WHERE TRUE"),
        (
            "comparison",
            "SELECT City FROM Customers WHERE Country = 'UK'",
            "SELECT City FROM Customers WHERE Country <> 'UK'",
        ),
        (
            "boundary",
            "SELECT OrderID FROM Orders WHERE OrderDate < '2023-01-01'",
            "SELECT OrderID FROM Orders WHERE OrderDate < '2022-06-15'",
        ),
        (
            "boundary",
            "SELECT ProductName FROM Products WHERE UnitPrice >= 20",
            "SELECT ProductName FROM Products WHERE UnitPrice >= 40",
        ),
        ("aggregate", "SELECT SUM(Freight) FROM Orders", "SELECT AVG(Freight) FROM Orders"),
        ("distinct", "SELECT DISTINCT Country FROM Customers", "SELECT Country FROM Customers"),
        (
            "distinct",
            "SELECT COUNT(DISTINCT ShipCity) FROM Orders",
            "SELECT COUNT(ShipCity) FROM Orders",
        ),
        (
            "join",
            "SELECT Quantity FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID",
            "SELECT Quantity FROM order_details",
        ),
        (
            "join",
            "SELECT Orders.OrderID FROM Customers LEFT JOIN Orders ON Customers.CustomerID = Orders.CustomerID",
            "SELECT Orders.OrderID FROM Customers JOIN Orders ON Customers.CustomerID = Orders.CustomerID",
        ),
        (
            "order",
            "SELECT OrderID FROM Orders ORDER BY Freight DESC LIMIT 5",
            "SELECT OrderID FROM Orders ORDER BY Freight LIMIT 5",
        ),
        (
            "limit",
            "SELECT OrderID FROM Orders ORDER BY Freight LIMIT 5",
            "SELECT OrderID FROM Orders ORDER BY Freight LIMIT 6",
        ),
        ("column", "SELECT UnitsInStock FROM Products", "SELECT UnitsOnOrder FROM Products"),
    ],
)
def test_each_kind_of_mutant(shop: Shop, kind: str, sql: str, expected: str) -> None:  # noqa: F811
    plain = [text.replace(" NULLS LAST", "").replace(" ASC", "") for text in of_kind(shop, sql, kind)]
    assert expected in plain


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        ("filter", "SELECT OrderID FROM Orders WHERE NOT ShippedDate IS NULL AND ShippedDate > '2023-01-01'"),
        ("distinct", "SELECT COUNT(DISTINCT Orders.OrderID) FROM Orders JOIN Shippers ON ShipVia = ShipperID"),
        (
            "filter",
            "WITH periods AS (SELECT STRFTIME('%Y', OrderDate) AS year, COUNT(*) AS n FROM Orders "
            "WHERE OrderDate >= '2022-01-01' GROUP BY year) "
            "SELECT MAX(CASE WHEN year = '2023' THEN n END) - MAX(CASE WHEN year = '2022' THEN n END) FROM periods",
        ),
        ("aggregate", "WITH g AS (SELECT 1 AS n) SELECT MAX(CASE WHEN n = 1 THEN n END) FROM g"),
        ("column", "SELECT Customers.CompanyName FROM Customers WHERE EXISTS (SELECT 1 FROM Orders)"),
    ],
)
def test_what_no_data_could_show_is_not_changed(shop: Shop, kind: str, sql: str) -> None:  # noqa: F811
    found = of_kind(shop, sql, kind)
    if kind == "filter" and "NOT ShippedDate" in sql:
        assert len(found) == 1, "only the date goes, and its test for NULL is a condition of its own then"
        assert "IS NULL" in found[0]
    elif kind == "column":
        assert all("OrderID" not in text for text in found)
    else:
        assert found == []


def test_a_condition_of_both_halves_of_a_ratio_goes_from_both(shop: Shop) -> None:  # noqa: F811
    half = "(SELECT COUNT(*) FROM Orders WHERE ShipCountry = 'UK')"
    (dropped,) = of_kind(shop, f"SELECT 1.0 * {half} / {half}", "filter")
    assert "UK" not in dropped


def test_every_kind_has_its_turn_and_the_tree_is_left_alone(shop: Shop) -> None:  # noqa: F811
    sql = (
        "SELECT DISTINCT City, SUM(Freight) AS f FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID"
        " JOIN Shippers ON ShipVia = ShipperID WHERE OrderDate >= '2022-01-01' AND City = 'London' GROUP BY City"
    )
    tree = parse_one(sql, dialect="sqlite")
    before = tree.sql(dialect="sqlite")
    few = mutants(tree, shop.catalog, 7)
    assert tree.sql(dialect="sqlite") == before
    assert len({mutant.sql for mutant in few}) == len(few) == 7
    assert len({mutant.kind for mutant in few}) == 7
    assert {mutant.kind for mutant in few} <= set(KINDS)
    assert before not in {mutant.sql for mutant in few}


# -- copies ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def copies(shop: Shop) -> Copies:  # noqa: F811
    return open_copies(shop.world, 2, 7)


def test_the_home_copy_is_faithful_and_the_others_are_not(shop: Shop, copies: Copies) -> None:  # noqa: F811
    assert copies.home is not None
    assert len(copies.others) == 2
    total = "SELECT ShipCountry, COUNT(*), SUM(Freight) FROM Orders GROUP BY ShipCountry"
    outcome = shop.world.execute(total)
    assert outcome.result is not None
    shown = [run(total) for run in (copies.home, *copies.others)]
    assert all(rows for rows in shown)
    assert same_result(list(outcome.result.rows), shown[0] or [], ordered=False)
    assert not same_result(shown[0] or [], shown[1] or [], ordered=False)
    assert not same_result(shown[1] or [], shown[2] or [], ordered=False)


def test_other_rows_are_still_of_one_piece(shop: Shop, copies: Copies) -> None:  # noqa: F811
    cities = "SELECT DISTINCT City, Country FROM Customers WHERE NOT City IS NULL AND NOT Country IS NULL"
    outcome = shop.world.execute(cities)
    assert outcome.result is not None
    lost = (
        "SELECT COUNT(*) FROM Orders "
        "WHERE NOT CustomerID IS NULL AND CustomerID NOT IN (SELECT CustomerID FROM Customers)"
    )
    for run in copies.others:
        assert set(run(cities) or []) <= set(outcome.result.rows), "a city keeps its country"
        assert run(lost) == [(0,)]
        assert run("SELECT COUNT(*) - COUNT(DISTINCT OrderID) FROM Orders") == [(0,)]
        assert run("SELECT COUNT(*) FROM Orders WHERE ShippedDate < OrderDate") == [(0,)], "dates stay together"


def test_the_same_seed_draws_the_same_rows(shop: Shop, copies: Copies) -> None:  # noqa: F811
    again, other = open_copies(shop.world, 1, 7), open_copies(shop.world, 1, 8)
    rows = "SELECT * FROM Orders ORDER BY OrderID"
    assert again.others[0](rows) == copies.others[0](rows)
    assert other.others[0](rows) != copies.others[0](rows)
    again.close()
    other.close()


def test_copies_hold_nothing_that_is_withheld(shop: Shop) -> None:  # noqa: F811
    policy = Policy(tables=TableRules(deny=("Shippers",)), columns=ColumnRules(deny=("Customers.Phone",)))
    world = World(shop.url, shop.layer, shop.catalog, policy)
    try:
        found = open_copies(world, 1, 7)
        for run in (found.home, *found.others):
            assert run is not None
            assert run("SELECT Phone FROM Customers") is None
            assert run("SELECT * FROM Shippers") is None
            assert run("SELECT City FROM Customers")
        found.close()
    finally:
        world.close()


def test_copies_cannot_be_written_and_do_not_run_for_ever(copies: Copies) -> None:
    assert copies.home is not None
    assert copies.home("DELETE FROM Orders") is None
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    assert copies.home(endless) is None
    assert copies.home("SELECT COUNT(*) FROM Orders") == [(830,)]


def test_what_is_not_copied_is_said(shop: Shop) -> None:  # noqa: F811
    assert why_not_copied(shop.catalog, Policy()) == ""
    assert "postgres" in why_not_copied(replace(shop.catalog, dialect="postgres"), Policy())
    large = replace(shop.catalog, tables=(replace(shop.catalog.tables[0], row_count=MAX_ROWS + 1),))
    assert f"{MAX_ROWS:,}" in why_not_copied(large, Policy())


# -- the gate --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "refusal"),
    [
        ("SELECT ShipCountry, SUM(Freight) AS f FROM Orders GROUP BY ShipCountry", ""),
        ("SELECT City FROM Customers WHERE Country = 'Germany' ORDER BY City", ""),
        ("SELECT COUNT(*) FROM Orders WHERE OrderID > 0", Refusal.NOT_DISTINCT_FROM_MUTANTS),
        ("SELECT OrderID FROM Orders WHERE OrderID = 10248 ORDER BY OrderDate", Refusal.NOT_DISTINCT_FROM_MUTANTS),
        ("SELECT COUNT(*) FROM Orders", ""),
    ],
)
def test_a_statement_whose_mistakes_would_not_show_is_refused(
    shop: Shop,  # noqa: F811
    copies: Copies,
    sql: str,
    refusal: str,
) -> None:
    judge = Judge(shop.catalog, shop.world.guard, shop.world.execute, copies)
    verdict = judge.judge(sql)
    assert verdict.refusal == refusal, verdict
    assert judge.warehouses == 3
    assert judge.judge(sql) is verdict, "a statement is judged once"


def test_without_copies_the_warehouse_itself_tells_mutants_apart(shop: Shop) -> None:  # noqa: F811
    judge = Judge(shop.catalog, shop.world.guard, shop.world.execute)
    assert judge.warehouses == 1
    fine = judge.judge("SELECT ShipCountry, SUM(Freight) AS f FROM Orders GROUP BY ShipCountry")
    assert (fine.refusal, fine.survivors) == ("", 0)
    assert fine.mutants > 0
    assert judge.judge("SELECT COUNT(*) FROM Orders WHERE OrderID > 0").refusal == Refusal.NOT_DISTINCT_FROM_MUTANTS


def test_results_are_compared_by_what_they_say() -> None:
    assert same_result([(1.0000000000001, "a")], [(1, "a")], ordered=True)
    assert same_result([(1,), (2,)], [(2,), (1,)], ordered=False)
    assert not same_result([(1,), (2,)], [(2,), (1,)], ordered=True)
    assert not same_result([(1,)], [(1, 1)], ordered=False)
    assert not same_result([(None,)], [("None",)], ordered=False)
