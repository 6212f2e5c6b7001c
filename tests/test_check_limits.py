"""A LIMIT nobody asked for is found, and one that was asked for is left alone, however either is said."""

from __future__ import annotations

import pytest
from fixtures_steps import grounded
from fixtures_warehouse import Built, layer, sqlite_demo  # noqa: F401

from agent.run import Result
from agent.steps.check import check
from memory.joins import JoinGraph
from memory.linking import Linker
from memory.semantics import SemanticLayer

ASK = "SELECT CategoryName, COUNT(*) AS n FROM Categories GROUP BY CategoryName ORDER BY n DESC LIMIT {}"

ALL_ROWS = [
    "gross margin by category, best first",
    "revenue per shipper, highest first",
    "revenue by category in 2023, lowest first",
    "average freight per order by destination country for 2021, priciest destination first",
    "show me everyone on staff with their hire date, longest-serving first",
    "pull up all orders from Pebble Deli - order number and order date, newest on top",
    "show the freight by ship region, from the largest amount to the smallest",
    "revenue by category from highest to lowest",
    "revenue per customer, from best to worst",
    "sales revenue by country in descending order",
    "sales revenue by country, descending",
    "list revenue for each category, sorted from high to low",
    "sort customers by revenue, largest first",
    "sort all customers in ascending order of revenue",
    "all categories with their revenue, best first",
    "customers by revenue, most valuable first",
    "order the categories by revenue, highest first",
    "give me every category and its revenue, smallest first",
    "rank customers by revenue",
    "rank all shippers by number of orders",
    "customers ranked by sales revenue",
    "ranking of suppliers by stock value",
    "league table of employees by revenue",
    "how do the categories rank by revenue",
    "list the categories with the highest revenue first",
    "full list of customers by revenue, top ones first",
    "number of orders per employee, the one with the most first",
    "list all customers, those with the fewest orders first",
    "orders by country, most first",
    "revenue by category, in alphabetical order",
    "list customers alphabetically with their revenue",
    "revenue per category, Z to A",
    "revenue by month in 2023, latest first",
    "monthly revenue, newest first",
    "show revenue per year, most recent year first",
    "list revenue for each month, starting with the latest",
    "revenue month by month, in reverse chronological order",
    "monthly revenue for each category, newest month on top",
    "revenue by category",
    "revenue per category",
    "show revenue by customer country",
    "list revenue for each category",
    "what is the revenue for each category",
    "how does revenue vary by category",
    "break down revenue by category",
    "what revenue did each category have",
    "how is freight distributed across ship countries by shipper",
    "how many orders are there per employee",
    "count orders by country",
    "revenue grouped by category",
    "year by year, what was the average freight",
    "list all products with their price",
    "show every employee and the hire date",
    "all suppliers with their phone, oldest to newest",
]

ONE_ROW = [
    "which category has the highest revenue",
    "which category had the largest revenue in 2023",
    "category with the most orders",
    "name the category with the largest revenue",
    "what is our best category by revenue",
    "which category comes first in revenue",
    "find the category with the greatest revenue",
    "what's the top category in terms of revenue",
    "top category by revenue",
    "top month by mean freight",
    "year with the biggest year over year increase in number of orders",
    "which category leads in revenue",
    "highest revenue category",
    "which category is number one for revenue",
    "who is our biggest customer by revenue",
    "which category has the lowest revenue",
    "which category sells worst by units sold",
    "what is our weakest category by revenue",
    "which category comes last in revenue",
    "find the category with the least freight per order",
    "category with the fewest products",
    "which combination of category and supplier has the highest revenue",
    "which month had the highest revenue by orders placed",
    "what was our best quarter for revenue per customer",
    "in what year was revenue highest",
    "which category grew the most in revenue from 2022 to 2023",
    "which region grew the most in discount from the first quarter of 2023 to Q4 of 2023",
    "fastest growing category by revenue, 2022 to 2023",
    "which category lost the most revenue from 2022 to 2023",
    "which country has more revenue per order: Canada or Argentina",
    "the latest order by Pebble Deli",
    "who placed the first order by ship date",
    "which employee outsold everyone by revenue",
    "most recent order per ship date",
]

N_ROWS = [
    ("top 5 categories by revenue", 5),
    ("which three customers have the highest revenue", 3),
    ("list the 10 worst customers by revenue", 10),
    ("bottom ten products by units sold, lowest first", 10),
    ("first 20 orders by date", 20),
    ("a few orders by Pebble Deli", 5),
    ("a dozen customers by revenue", 12),
]

ONE_OF_EACH = [
    "best-selling product by revenue in each category for 2023",
    "for each customer country, who was our biggest client by 2024 sales",
    "best customer by revenue in each country",
    "each category's best product by revenue",
    "which product sold best in every category",
    "top product of each supplier by units sold",
]


@pytest.fixture(scope="module")
def linker(sqlite_demo: Built, layer: SemanticLayer) -> Linker:  # noqa: F811
    return Linker(sqlite_demo.catalog, layer, joins=JoinGraph(sqlite_demo.catalog))


def limits(question: str, linker: Linker, number: int = 1, rows: int | None = None) -> list[str]:
    given = tuple((f"c{i}", 1) for i in range(number if rows is None else rows))
    found = check(
        question, ASK.format(number), Result(("CategoryName", "n"), given), catalog=linker.catalog, joins=linker.joins,
        layer=linker.layer, grounding=grounded(question, linker), dialect="sqlite",
    )  # fmt: skip
    return [f.check for f in found if f.check in ("limit", "one_per_group") and f.severity == "error"]


@pytest.mark.parametrize("question", ALL_ROWS)
def test_an_order_or_a_breakdown_asks_for_all_rows(question: str, linker: Linker) -> None:
    assert limits(question, linker) == ["limit"]


@pytest.mark.parametrize("question", ONE_ROW)
def test_a_superlative_asks_for_one_row(question: str, linker: Linker) -> None:
    assert limits(question, linker) == []


@pytest.mark.parametrize(("question", "number"), N_ROWS)
def test_a_number_asks_for_that_many_rows(question: str, number: int, linker: Linker) -> None:
    assert limits(question, linker, number) == []


@pytest.mark.parametrize("question", ONE_OF_EACH)
def test_one_of_each_is_not_one_row(question: str, linker: Linker) -> None:
    assert limits(question, linker) == ["one_per_group"]


def test_a_limit_that_cut_nothing_off_is_no_matter(linker: Linker) -> None:
    assert limits("revenue by category", linker, 50, rows=8) == []
    assert limits("revenue by category", linker, 8) == ["limit"]
