"""Questions about metrics in many words, read without a model: ranks, weekdays, amounts, clauses that only show."""

from __future__ import annotations

from typing import Any

import pytest

from memory.compiler import Filter, Having, SemanticQuery, TimeWindow
from memory.intent import read_intent
from memory.linking import Linker
from tests.fixtures_intent import assert_is_read_as, linker
from tests.fixtures_pairs import Shop, shop

__all__ = ["linker", "shop"]


REVENUE, ORDERS, UNITS = "sales_revenue", "order_count", "units_sold"
CATEGORY, COUNTRY, CUSTOMER, PRODUCT = "product_category", "customer_country", "customer_name", "product_name"
EMPLOYEE = "employee_name"
FIRST: dict[str, Any] = {"order": "desc", "limit": 1}
GERMANY: dict[str, Any] = {COUNTRY: "Germany"}


def asked(metric: str | tuple[str, ...] = REVENUE, *by: str, **other: Any) -> SemanticQuery:
    """A query over one metric or several; `year` is its window, `where` its filters, two values are shown apart."""
    filters = tuple(
        Filter(field, "in", value) if isinstance(value, tuple) else Filter(field, "=", (value,))
        for field, value in other.pop("where", {}).items()
    )
    if "year" in other:
        year = other.pop("year")
        other["window"] = TimeWindow(f"{year}-01-01", f"{year + 1}-01-01")
    other.setdefault("pattern", "breakdown" if by or other.get("grain") else "total")
    metrics = metric if isinstance(metric, tuple) else (metric,)
    return SemanticQuery(metrics, by, filters, **other)


UNDERSTOOD: list[tuple[str, SemanticQuery]] = [
    # of A and B: one each, and only together where that is said
    ("number of products for Beverages and Seafood",
     asked("product_count", CATEGORY, where={CATEGORY: ("Beverages", "Seafood")})),
    ("Revenue for Germany and France", asked(REVENUE, COUNTRY, where={COUNTRY: ("Germany", "France")})),
    ("late rate for Falcon Freight and Overland Parcel",
     asked("late_shipment_rate", "shipper", where={"shipper": ("Falcon Freight", "Overland Parcel")})),
    ("total revenue of Germany and France combined", asked(where={COUNTRY: ("Germany", "France")})),
    # of all there are, and not for each of them
    ("average discount percentage across all order lines", asked("average_discount")),
    ("average freight across all orders", asked("average_freight")),
    # a last clause that says what is shown anyway
    ("Top 10 customers by revenue in 2023, best first.", asked(REVENUE, CUSTOMER, year=2023, order="desc", limit=10)),
    ("Top five customers by sales of all time, please, in order, with the amounts.",
     asked(REVENUE, CUSTOMER, order="desc", limit=5)),
    ("Which customers have brought in more than 50,000 in revenue over the whole period? Include the amount.",
     asked(REVENUE, CUSTOMER, having=Having(">", 50000))),
    # polite and framing sentences, and orders in other words
    ("Good morning. I am putting together the papers for Thursday's board meeting and would be most grateful if you"
     " could tell me, whenever it suits you, what gross profit we earned on Beverages over the course of 2024."
     " Many thanks in advance.", asked("gross_profit", where={CATEGORY: "Beverages"}, year=2024)),
    ("As controller I need the gross profit for 2024.", asked("gross_profit", year=2024)),
    ("How concentrated are we: what percentage of 2024 revenue came from that year's ten largest customers?",
     asked(REVENUE, CUSTOMER, year=2024, order="desc", limit=10, pattern="share_of_top")),
    ("Monthly revenue for 2024, january to december", asked(REVENUE, grain="month", year=2024)),
    ("Show average order value for each year from the first to the last.", asked("average_order_value", grain="year")),
    ("Average list price in every category, dearest category first.",
     asked("average_product_price", CATEGORY, order="desc")),
    ("Rank the top 3 categories by units sold in 2023.", asked(UNITS, CATEGORY, year=2023, order="desc", limit=3)),
    ("For each customer country, the product category that has brought in the most revenue, with that revenue.",
     asked(REVENUE, COUNTRY, CATEGORY, **FIRST, pattern="rank_within")),
    ("gross margin % per category in 2024", asked("gross_margin", CATEGORY, year=2024)),
    # ranks
    ("Which product has the second highest revenue?", asked(REVENUE, PRODUCT, **FIRST, offset=1)),
    ("the 3rd largest customer by revenue in 2023", asked(REVENUE, CUSTOMER, year=2023, **FIRST, offset=2)),
    ("Which customer ranks third by revenue?", asked(REVENUE, CUSTOMER, **FIRST, offset=2)),
    ("Which shipper had the second lowest late rate?",
     asked("late_shipment_rate", "shipper", order="asc", limit=1, offset=1)),
    ("Which month had the second highest revenue in 2023?", asked(grain="month", year=2023, **FIRST, offset=1)),
    ("sales by country, top 5", asked(REVENUE, COUNTRY, order="desc", limit=5)),
    ("customers by revenue", asked(REVENUE, CUSTOMER, order="desc")),
    ("Gross margin by category, best first", asked("gross_margin", CATEGORY, order="desc")),
    # superlatives
    ("Best-selling product by revenue in each category for 2023",
     asked(REVENUE, CATEGORY, PRODUCT, year=2023, **FIRST, pattern="rank_within")),
    ("which customer bought the most in each country", asked(REVENUE, COUNTRY, CUSTOMER, **FIRST,
                                                             pattern="rank_within")),
    ("which customer bought the most from which category", asked(REVENUE, CUSTOMER, CATEGORY, **FIRST)),
    ("which country-category pair brings the most revenue", asked(REVENUE, COUNTRY, CATEGORY, **FIRST)),
    ("Which five products moved the most units in 2023?", asked(UNITS, PRODUCT, year=2023, order="desc", limit=5)),
    ("Which ten products sold the most units in 2024?", asked(UNITS, PRODUCT, year=2024, order="desc", limit=10)),
    ("Which country has the biggest share of orders?", asked(ORDERS, COUNTRY, **FIRST, pattern="share")),
    ("suppliers whose products sold more than 1000 units", asked(UNITS, "supplier_name", having=Having(">", 1000))),
    # a metric that is not named
    ("How much did Germany buy in 2023?", asked(where=GERMANY, year=2023)),
    ("how much money did we make in 2023", asked(year=2023)),
    ("In which year did Germany buy the most?", asked(grain="year", where=GERMANY, **FIRST)),
    ("Which customer spent the most on Beverages in 2023?",
     asked(REVENUE, CUSTOMER, where={CATEGORY: "Beverages"}, year=2023, **FIRST)),
    ("who sold the most in 2023", asked(REVENUE, EMPLOYEE, year=2023, **FIRST)),
    ("Who is our best customer?", asked(REVENUE, CUSTOMER, **FIRST)),
    ("top 5 customers 2023", asked(REVENUE, CUSTOMER, year=2023, order="desc", limit=5)),
    ("how much more did we sell in 2023 than in 2022",
     asked(pattern="change", grain="year", compare=("2022-01-01", "2023-01-01"),
           window=TimeWindow("2022-01-01", "2024-01-01"))),
    ("Which sales reps sold more in 2024 than in 2023?",
     asked(REVENUE, EMPLOYEE, pattern="moved", grain="year", order="desc", compare=("2023-01-01", "2024-01-01"),
           window=TimeWindow("2023-01-01", "2025-01-01"))),
    ("customers who spent more in 2024 than in 2023",
     asked(REVENUE, CUSTOMER, pattern="moved", grain="year", order="desc", compare=("2023-01-01", "2024-01-01"),
           window=TimeWindow("2023-01-01", "2025-01-01"))),
    ("busiest weekday", asked(ORDERS, grain="weekday", **FIRST)),
    ("what day of the week is busiest", asked(ORDERS, grain="weekday", **FIRST)),
    # grains
    ("revenue by day of the week in 2023", asked(grain="weekday", year=2023)),
    ("On which day of the week do we get the most orders?", asked(ORDERS, grain="weekday", **FIRST)),
    ("weekly revenue in 2023", asked(grain="week", year=2023)),
    ("which week of 2023 had the highest revenue", asked(grain="week", year=2023, **FIRST)),
    ("Revenue by day", asked(grain="day")),
    ("revenue by calendar month across all years", asked(grain="month_of_year")),
    ("seasonality of orders by month", asked(ORDERS, grain="month_of_year")),
    ("revenue by year and quarter", asked(grain="quarter")),
    ("year over year revenue growth by month in 2023", asked(pattern="growth_series", grain="month", lag="year",
                                                             year=2023)),
    # conditions
    ("categories that sold over 50k last year", asked(REVENUE, CATEGORY, year=2023, having=Having(">", 50000))),
    ("customers with between 5 and 10 orders", asked(ORDERS, CUSTOMER, having=Having("between", 5, 10))),
    ("Countries with revenue between 10,000 and 50,000", asked(REVENUE, COUNTRY,
                                                               having=Having("between", 10000, 50000))),
    ("Which customers bought for more than 20,000 USD in 2022?",
     asked(REVENUE, CUSTOMER, year=2022, having=Having(">", 20000))),
    ("customers with exactly 10 orders", asked(ORDERS, CUSTOMER, having=Having("=", 10))),
    ("categories with revenue of 100k or more", asked(REVENUE, CATEGORY, having=Having(">=", 100000))),
    ("how many customers spent over 20k in 2023",
     asked(REVENUE, CUSTOMER, year=2023, having=Having(">", 20000), pattern="count_groups")),
    ("products that sold fewer than 100 units in 2023", asked(UNITS, PRODUCT, year=2023, having=Having("<", 100))),
    # shares
    ("what portion of revenue comes from Germany", asked(where=GERMANY, pattern="share_of")),
    ("Beverages as a percentage of total revenue", asked(where={CATEGORY: "Beverages"}, pattern="share_of")),
    ("What share of revenue do our top 10 customers account for?",
     asked(REVENUE, CUSTOMER, order="desc", limit=10, pattern="share_of_top")),
    ("What share of our total revenue, in percent, does each country account for?",
     asked(REVENUE, COUNTRY, order="desc", pattern="share")),
    ("freight as a percentage of revenue by shipper", asked("freight_to_sales_ratio", "shipper")),
    ("What percentage of our 2023 orders were multi-item orders?", asked("multi_item_order_percentage", year=2023)),
    ("average revenue per order by country", asked("average_order_value", COUNTRY)),
    ("avg freight 2024", asked("average_freight", year=2024)),
    ("What share of revenue comes from the ten customers with the most revenue?",
     asked(REVENUE, CUSTOMER, order="desc", limit=10, pattern="share_of_top")),
    ("average discount percentage on order lines, category by category", asked("average_discount", CATEGORY)),
    # windows
    ("revenue in December of last year", asked(window=TimeWindow("2023-12-01", "2024-01-01"))),
    ("revenue in Q1 and Q2 of 2023", asked(grain="quarter", window=TimeWindow("2023-01-01", "2023-07-01"))),
    ("For orders placed in 2023, what was the order fulfillment time with each shipper?",
     asked("order_fulfillment_time", "shipper", year=2023)),
    # register
    ("My boss wants to know the top 5 customers by revenue, thanks!", asked(REVENUE, CUSTOMER, order="desc", limit=5)),
    ("For the board meeting: revenue by category in 2023", asked(REVENUE, CATEGORY, year=2023)),
    ("Could you please tell me how much freight we paid in 2023?", asked("total_freight", year=2023)),
    ("totl revnue by catgory in 2023 plz", asked(REVENUE, CATEGORY, year=2023)),
    ("Break down 2024 revenue by country, largest market first.", asked(REVENUE, COUNTRY, year=2024, order="desc")),
    ("revenue of each of our German customers", asked(REVENUE, CUSTOMER, where=GERMANY)),
    ("How many units of Jasmine Rice did we sell in 2023, and for what revenue?",
     asked((UNITS, REVENUE), where={PRODUCT: "Jasmine Rice"}, year=2023)),
    # clauses that only say what to show
    ("Who were our five biggest customers by sales last year, and how much did each buy?",
     asked(REVENUE, CUSTOMER, year=2023, order="desc", limit=5)),
    ("Which countries have at least three suppliers? Give the country and the number of suppliers.",
     asked("supplier_count", "supplier_country", having=Having(">=", 3))),
    ("How big is the backlog at each carrier? Largest backlog first.",
     asked("unshipped_orders", "shipper", order="desc")),
    ("For each category, what is the best-selling product by units sold, and how many units did it sell?",
     asked(UNITS, CATEGORY, PRODUCT, **FIRST, pattern="rank_within")),
]  # fmt: skip


@pytest.mark.parametrize(("question", "query"), UNDERSTOOD, ids=[question for question, _ in UNDERSTOOD])
def test_a_metric_in_many_words_is_read(shop: Shop, linker: Linker, question: str, query: SemanticQuery) -> None:
    assert_is_read_as(shop, linker, question, query)


@pytest.mark.parametrize(
    "question",
    [
        # what is paid is no name, what is from A and from B need not be both, two columns are no rows
        "How much did we pay the carrier for order 10393?",
        "Which customers have purchased from Seafood and from Beverages?",
        # an average of orders, or the value of an average order; each order's, or the average of one?
        "average orders per month by shipper in 2023",
        "how much revenue does Klara Underhill make per order",
        # units or dollars, and who?
        "Which product sells best?",
        "which product did we sell the most in 2023",
        "categories that sold more than 50",
        "products that sold more than 50,000",
        "How much Jasmine Rice did we sell?",
        "how much did we buy from Castellano Foods",
        "how much did we spend in 2023",
        "best supplier",
        "top 5 employees in Germany",
        "who is our most profitable customer",
        "how much did our top 3 customers spend",
        "which supplier sold us the most",
        "which employee earned the most",
        "best seller",
        # from which end, of what?
        "growth in revenue by weekday",
        "worst shipper by late orders",
        "best category by discount amount",
        "second highest revenue",
        "the second highest customers by revenue",
        "Which customers had the second biggest increase in revenue from 2022 to 2023?",
        # of all days, or of those with an order?
        "average number of orders per day",
        "average revenue per weekday",
        "which day had the most orders in 2023",
        "revenue across all years",
        # a clause that says more than what is shown
        "Which country had the most orders in 2023, and how much revenue?",
        "revenue by category. Also the number of orders",
        "which customers have more than 20 orders? Only those in Germany.",
        "Which shipper had the highest late rate? And the lowest?",
        "top 5 customers by revenue who ordered more than 10 times",
        "Who had the highest revenue in 2023, and what share of the total was it?",
        # an amount of what?
        "How much of our 2023 revenue came from Germany?",
        "customers with at least 10k",
        "revenue between 10k and 20k",
        "orders as a percentage of customers",
        "What percentage of revenue comes from our worst 5 products?",
        "customers whose products sold the most units",
    ],
)
def test_what_is_left_open_is_left_alone(linker: Linker, question: str) -> None:
    assert read_intent(question, linker) is None


def test_the_name_of_a_thing_does_not_swallow_a_negation(linker: Linker) -> None:
    assert read_intent("What share of orders not yet shipped is from Germany?", linker) is None
