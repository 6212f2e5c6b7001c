"""Questions of shapes that compare, follow and leave out, read without a model; and those that are left alone."""

from __future__ import annotations

from typing import Any

import pytest

from memory.compiler import Having, Related, SemanticQuery, TimeWindow
from memory.intent import read_intent
from memory.intent.known import Known
from memory.intent.rephrasing import ways_to_say
from memory.linking import Linker
from tests.fixtures_intent import assert_is_read_as, linker
from tests.fixtures_pairs import Shop, shop

__all__ = ["linker", "shop"]

REVENUE, ORDERS, CUSTOMER, CATEGORY = "sales_revenue", "order_count", "customer_name", "product_category"
EMPLOYEE, COUNTRY = "employee_name", "customer_country"
FIRST: dict[str, Any] = {"order": "desc", "limit": 1}


def year(number: int, until: int = 0) -> TimeWindow:
    return TimeWindow(f"{number}-01-01", f"{(until or number) + 1}-01-01")


def between(pattern: str, first: int, second: int, metric: str = REVENUE, *by: str, **other: Any) -> SemanticQuery:
    compare = (f"{first}-01-01", f"{second}-01-01")
    window = year(min(first, second), max(first, second))
    return SemanticQuery((metric,), by, window=window, grain="year", compare=compare, pattern=pattern, **other)


def listed(entity: str, *related: Related, **other: Any) -> SemanticQuery:
    labels = {"customer": CUSTOMER, "supplier": "supplier_name", "product": "product_name"}
    other.setdefault("columns", (labels[entity],))
    return SemanticQuery(pattern="list", entity=entity, related=related, **other)


def ordered(number: int, *, negated: bool = False) -> Related:
    return Related("Orders", negated, year(number))


READ: list[tuple[str, SemanticQuery]] = [
    # who rose and who fell, with the numbers
    ("Which reps brought in more revenue in 2024 than in 2023, and by how much?",
     between("change", 2023, 2024, REVENUE, EMPLOYEE, having=Having(">", 0))),
    ("Which reps brought in less revenue in 2024 than in 2023, and by how much?",
     between("change", 2024, 2023, REVENUE, EMPLOYEE, having=Having(">", 0))),
    ("Which salespeople brought in less revenue in 2024 than in 2023? Show both years.",
     between("change_table", 2023, 2024, REVENUE, EMPLOYEE, having=Having("<", 0))),
    ("Which customers spent more than twice as much in 2024 as they did in 2023, counting only those who ordered"
     " in both"
     " years?", between("growth_table", 2023, 2024, REVENUE, CUSTOMER, having=Having(">", 100), in_both=True)),
    ("Revenue per category, 2023 next to 2024", between("change_table", 2023, 2024, REVENUE, CATEGORY)),
    ("For each category, compare revenue in 2023 with revenue in 2024 and show the difference.",
     between("change_table", 2023, 2024, REVENUE, CATEGORY)),
    ("In which years were there fewer orders than in the year before?",
     SemanticQuery((ORDERS,), grain="year", having=Having("<", 0), columns=("value",), pattern="change_series")),
    ("Revenue growth in percent for 2022, 2023 and 2024",
     SemanticQuery((REVENUE,), grain="year", window=year(2022, 2024), columns=("change",), pattern="growth_series")),
    # against all, and against their own
    ("Which reps had an average order value in 2024 above the company-wide average order value for that year?",
     SemanticQuery(("average_order_value",), (EMPLOYEE,), window=year(2024), order="desc", pattern="above_total")),
    ("Which categories have a gross margin below the overall one?",
     SemanticQuery(("gross_margin",), (CATEGORY,), order="asc", pattern="above_total")),
    ("Which products have a unit price above the average of their own category?",
     SemanticQuery((), ("Categories.CategoryName",), order="desc", pattern="compare_to_row", entity="product",
                   columns=("Products.UnitPrice",))),
    ("Which countries made up more than 10% of our revenue in 2023?",
     SemanticQuery((REVENUE,), (COUNTRY,), window=year(2023), having=Having(">", 10), pattern="share")),
    # who came, who stayed away
    ("Which customers ordered in 2022 but placed nothing at all in 2023?",
     listed("customer", ordered(2022), ordered(2023, negated=True))),
    ("Which customers bought in 2022 but not once in 2023, and how much revenue did they bring in 2022? Biggest loss"
     " first.", SemanticQuery((REVENUE,), (CUSTOMER,), window=year(2022), order="desc", entity="customer",
                              related=(ordered(2022), ordered(2023, negated=True)))),
    ("Which customers placed orders in each of the years 2021, 2022 and 2023?",
     listed("customer", *map(ordered, (2021, 2022, 2023)))),
    ("Which customers have bought from all our categories?", listed("customer", Related("Orders", every=
        "Categories.CategoryName"))),
    ("Which customers ordered in at least three consecutive months of 2023?",
     SemanticQuery((), (CUSTOMER,), window=year(2023), grain="month", having=Having(">=", 3), pattern="streak",
                   entity="order")),
    ("Of the customers who ordered in 2022, what percentage came back in 2023?",
     SemanticQuery(("customer_count",), related=(ordered(2022), ordered(2023)), pattern="share_of")),
    ("Customers whose last order was before 2023",
     SemanticQuery(("max:Orders.OrderDate",), (CUSTOMER,), having=Having("<", "2023-01-01"))),
    ("When did each of our customers last order?", SemanticQuery(("max:Orders.OrderDate",), (CUSTOMER,))),
    ("How many customers placed their first order in 2023?",
     SemanticQuery(("min:Orders.OrderDate",), (CUSTOMER,), having=Having("within", "2023-01-01", "2024-01-01"),
                   pattern="count_groups")),
    ("Which customers have ordered exactly once?", SemanticQuery((ORDERS,), (CUSTOMER,), having=Having("=", 1))),
    # what comes first, and what belongs to it
    ("What's the country of the customer that brought in the most revenue in 2023?",
     SemanticQuery((REVENUE,), ("Customers.Country", CUSTOMER), window=year(2023), **FIRST)),
    ("Top 5 customers by revenue in 2023. Company, city, revenue.",
     SemanticQuery((REVENUE,), ("Customers.City", CUSTOMER), window=year(2023), order="desc", limit=5)),
    ("For each rep, who is the best customer by revenue with that rep?",
     SemanticQuery((REVENUE,), (EMPLOYEE, CUSTOMER), pattern="rank_within", **FIRST)),
    # what accompanies and follows
    ("Which two products are most often bought together on the same order?",
     SemanticQuery((), ("product_name",), pattern="pairs", entity="order", **FIRST)),
    ("How many different customers did each employee serve in 2023?",
     SemanticQuery(("distinct:Orders.CustomerID",), (EMPLOYEE,), window=year(2023))),
    ("How many employees did we hire in each year?",
     SemanticQuery(("count:employee",), grain="year", window=TimeWindow(column="Employees.HireDate"))),
    # said in other words
    ("What was total sales revenue in 2022?", SemanticQuery((REVENUE,), window=year(2022), pattern="total")),
    ("Churn check: which customers ordered in 2022 but placed nothing in 2023?",
     listed("customer", ordered(2022), ordered(2023, negated=True))),
    ("Revenue for 2021 and 2022 combined", SemanticQuery((REVENUE,), window=year(2021, 2022), pattern="total")),
]  # fmt: skip


@pytest.mark.parametrize(("question", "query"), READ, ids=[question for question, _ in READ])
def test_a_shape_is_read_as_what_it_asks(linker: Linker, shop: Shop, question: str, query: SemanticQuery) -> None:
    assert_is_read_as(shop, linker, question, query)


LEFT_ALONE = [
    "Which customers spent less than half as much in 2024 as in 2023?",  # is who bought nothing meant?
    "How many employees cover each sales region?",  # of each, and no number of those who cover all
    "Which reps brought in more revenue in 2024 than in 2023, and why?",
    "Which reps brought in more revenue in 2024 than in 2023, and how much freight did they cause?",
    "Which customers have revenue above the company-wide revenue?",  # nobody has more than all
    "Late orders: which customers had the most?",  # the heading says which orders
    "Which customers ordered in 2022 but placed nothing in 2022?",
    "Which products are most often bought together?",  # how many, and on what?
    "Which customers have bought from all nine categories?",  # there are not so many
    "Of the customers who ordered in 2022, what percentage ordered in 2022?",
    "Which products have a unit price above the average of their category in Germany?",
]


@pytest.mark.parametrize("question", LEFT_ALONE)
def test_what_could_mean_something_else_is_left_alone(linker: Linker, question: str) -> None:
    assert read_intent(question, linker) is None


def test_nothing_that_is_named_is_left_out_of_another_wording(linker: Linker) -> None:
    known = Known(linker)
    for question in ("Revenue in 2023: how many orders were there?", "Germany: which customers are there?"):
        assert all(said.startswith(question.split(":", maxsplit=1)[0]) for said in ways_to_say(question, known))
    said = list(ways_to_say("A note for the file: which customers are in France?", known))
    assert any(way.startswith("which customers are in France") for way in said)
