"""Questions that set a metric against something, read without a model: what each asks for, and which are left alone."""

from __future__ import annotations

import math
from typing import Any

import pytest

from memory.compiler import Filter, Having, SemanticQuery, TimeWindow
from memory.intent import read_intent
from memory.linking import Linker
from tests.fixtures_intent import assert_is_read_as, linker
from tests.fixtures_pairs import Shop, shop

__all__ = ["linker", "shop"]


REVENUE, ORDERS, PROFIT = "sales_revenue", "order_count", "gross_profit"
CATEGORY, COUNTRY, CUSTOMER = "product_category", "customer_country", "customer_name"


def asked(pattern: str, metric: str | tuple[str, ...] = REVENUE, *by: str, **other: Any) -> SemanticQuery:
    """A query over one metric or several; `year` is its window, `where` and `without` its filters."""
    filters = [Filter(field, "=", (value,)) for field, value in other.pop("where", {}).items()]
    for field, value in other.pop("without", {}).items():
        held = value if isinstance(value, tuple) else (value,)
        filters.append(Filter(field, "!=" if len(held) == 1 else "not in", held))
    if "year" in other:
        year = other.pop("year")
        other["window"] = TimeWindow(f"{year}-01-01", f"{year + 1}-01-01")
    metrics = metric if isinstance(metric, tuple) else (metric,)
    return SemanticQuery(metrics, by, tuple(filters), pattern=pattern, **other)


def years(pattern: str, first: int, second: int, metric: str = REVENUE, *by: str, **other: Any) -> SemanticQuery:
    """The same between two years, the second less the first."""
    window = TimeWindow(f"{min(first, second)}-01-01", f"{max(first, second) + 1}-01-01")
    compare = (f"{first}-01-01", f"{second}-01-01")
    return asked(pattern, metric, *by, window=window, grain="year", compare=compare, **other)


ALONE: dict[str, Any] = {"columns": ("change",)}
TOP: dict[str, Any] = {"order": "desc", "limit": 1}
UNDERSTOOD: list[tuple[str, SemanticQuery]] = [
    # two periods: percent
    ("By what percentage did revenue grow from 2022 to 2023?", years("growth", 2022, 2023)),
    ("How much did revenue grow in percent from 2022 to 2023?", years("growth", 2022, 2023)),
    ("revenue growth 2022 to 2023", years("growth", 2022, 2023)),
    ("Growth of revenue in 2023 over the year before", years("growth", 2022, 2023)),
    ("Revenue growth in 2023 vs the previous year", years("growth", 2022, 2023)),
    ("YoY revenue growth in 2023", years("growth", 2022, 2023)),
    ("revenue growth this year vs last year", years("growth", 2023, 2024)),
    ("growth in orders in 2023 compared to 2022", years("growth", 2022, 2023, ORDERS)),
    ("What was the percentage increase in units sold from 2021 to 2023?", years("growth", 2021, 2023, "units_sold")),
    ("gross margin growth rate from 2022 to 2023", years("growth", 2022, 2023, "gross_margin")),
    ("Show me the revenue growth by category from 2022 to 2023", years("growth", 2022, 2023, REVENUE, CATEGORY)),
    ("year over year growth of revenue by category in 2023", years("growth", 2022, 2023, REVENUE, CATEGORY)),
    # two periods: the difference
    ("By how much did revenue change between 2022 and 2023?", years("change", 2022, 2023)),
    ("increase in revenue from 2022 to 2023", years("change", 2022, 2023)),
    ("difference between revenue in 2022 and 2023", years("change", 2022, 2023)),
    ("By how much did revenue fall from 2023 to 2024?", years("change", 2024, 2023)),
    ("how much higher was freight in 2024 than in 2023", years("change", 2023, 2024, "total_freight")),
    ("how much lower was the gross margin in 2024 than in 2023", years("change", 2024, 2023, "gross_margin")),
    ("How many more orders did we get in 2023 than in 2022?", years("change", 2022, 2023, ORDERS)),
    ("change in revenue per country between 2022 and 2023", years("change", 2022, 2023, REVENUE, COUNTRY)),
    # two periods: both values
    ("How did revenue change from 2022 to 2023?", years("growth_table", 2022, 2023)),
    ("How did revenue by category change from 2022 to 2023?", years("growth_table", 2022, 2023, REVENUE, CATEGORY)),
    ("revenue in 2022 and 2023 with the percentage change", years("growth_table", 2022, 2023)),
    ("Put average discount of 2022 next to 2023 with the change in percent",
     years("growth_table", 2022, 2023, "average_discount")),
    ("Late shipment rate per carrier in 2023 and in 2024, and the change in percentage points",
     years("change_table", 2023, 2024, "late_shipment_rate", "shipper")),
    ("revenue 2023 vs 2022", asked("breakdown", grain="year", window=TimeWindow("2022-01-01", "2024-01-01"))),
    ("Compare orders in 2023 with the year before",
     asked("breakdown", ORDERS, grain="year", window=TimeWindow("2022-01-01", "2024-01-01"))),
    ("How did AOV change from Q1 to Q2 2023?",
     asked("growth_table", "average_order_value", grain="quarter", compare=("2023-01-01", "2023-04-01"),
           window=TimeWindow("2023-01-01", "2023-07-01"))),
    # who changed
    ("Which category had the highest revenue growth from 2022 to 2023?",
     years("growth", 2022, 2023, REVENUE, CATEGORY, **TOP)),
    ("Which category grew the most in revenue from 2022 to 2023?",
     years("growth", 2022, 2023, REVENUE, CATEGORY, **TOP)),
    ("fastest growing category by revenue, 2022 to 2023", years("growth", 2022, 2023, REVENUE, CATEGORY, **TOP)),
    ("Top 5 products by revenue growth from 2022 to 2023",
     years("growth", 2022, 2023, REVENUE, "product_name", order="desc", limit=5)),
    ("top 3 categories by increase in gross profit from 2022 to 2023",
     years("change", 2022, 2023, PROFIT, CATEGORY, order="desc", limit=3)),
    ("Which customer had the biggest drop in revenue from 2023 to 2024?",
     years("change", 2023, 2024, REVENUE, CUSTOMER, order="asc", limit=1)),
    ("Which employee gained the most orders from 2022 to 2023?",
     years("change", 2022, 2023, ORDERS, "employee_name", **TOP)),
    ("customers whose revenue fell from 2023 to 2024", years("moved", 2023, 2024, REVENUE, CUSTOMER, order="asc")),
    ("Which countries had higher revenue in 2024 than in 2023?",
     years("moved", 2023, 2024, REVENUE, COUNTRY, order="desc")),
    # period over period
    ("year-over-year revenue growth", asked("growth_series", grain="year", **ALONE)),
    ("Revenue per year with YoY growth in percent", asked("growth_series", grain="year")),
    ("quarter-over-quarter growth of revenue in 2024", asked("growth_series", grain="quarter", year=2024, **ALONE)),
    ("month over month change in orders in 2023", asked("growth_series", ORDERS, grain="month", year=2023, **ALONE)),
    ("monthly revenue growth in 2023", asked("growth_series", grain="month", year=2023, **ALONE)),
    ("How has revenue changed over the years?", asked("breakdown", grain="year")),
    ("Compare revenue of each year with the year before, including the % change", asked("growth_table", grain="year")),
    ("revenue year over year: value, previous value and % change", asked("growth_table", grain="year")),
    ("In which months of 2023 did revenue fall?",
     asked("growth_series", grain="month", year=2023, having=Having("<", 0))),
    ("In which quarters of 2024 was revenue lower than in the quarter before?",
     asked("change_series", grain="quarter", year=2024, having=Having("<", 0), columns=("value",))),
    ("years with revenue growth above 20%", asked("growth_series", grain="year", having=Having(">", 20))),
    ("Which year had the highest revenue growth?", asked("growth_series", grain="year", **TOP)),
    ("cumulative revenue by month of 2023", asked("running_total", grain="month", year=2023, **ALONE)),
    ("Show monthly revenue for 2024 together with the running total.",
     asked("running_total", grain="month", year=2024)),
    # shares
    ("Which category has the largest share of revenue?", asked("share", REVENUE, CATEGORY, **TOP)),
    ("top 3 countries by share of revenue", asked("share", REVENUE, COUNTRY, order="desc", limit=3)),
    ("revenue by category in percent", asked("share", REVENUE, CATEGORY, order="desc")),
    ("how much does each country contribute to revenue in percent", asked("share", REVENUE, COUNTRY, order="desc")),
    ("How much of our revenue in percent is from Germany?", asked("share_of", where={COUNTRY: "Germany"})),
    ("What share of revenue comes from outside Germany?", asked("share_of", without={COUNTRY: "Germany"})),
    ("percentage of orders shipped by Falcon Freight in 2023",
     asked("share_of", ORDERS, where={"shipper": "Falcon Freight"}, year=2023)),
    # averages over groups
    ("average number of orders per customer in 2023", asked("average_of_groups", ORDERS, CUSTOMER, year=2023)),
    ("How many orders does a customer place on average?", asked("average_of_groups", ORDERS, CUSTOMER)),
    ("Average monthly revenue in 2023", asked("average_of_groups", grain="month", year=2023)),
    ("on average, how many orders do we get per month", asked("average_of_groups", ORDERS, grain="month")),
    ("average revenue per category", asked("average_of_groups", REVENUE, CATEGORY)),
    ("average monthly revenue per category", asked("average_of_groups", REVENUE, CATEGORY, grain="month")),
    ("average number of orders per customer by country", asked("average_of_groups", ORDERS, COUNTRY, CUSTOMER)),
    ("What was the highest monthly revenue in 2023?",
     asked("average_of_groups", grain="month", year=2023, aggregate="max")),
    ("lowest quarterly revenue", asked("average_of_groups", grain="quarter", aggregate="min")),
    # above the average
    ("Which customers have above average revenue in 2023?",
     asked("above_average", REVENUE, CUSTOMER, year=2023, order="desc", order_by=REVENUE)),
    ("Which countries are below the average in units sold?",
     asked("above_average", "units_sold", COUNTRY, order="asc", order_by="units_sold")),
    ("Which customers placed more orders than the average customer?",
     asked("above_average", ORDERS, CUSTOMER, order="desc", order_by=ORDERS)),
    ("customers with more than twice the average revenue",
     asked("above_average", REVENUE, CUSTOMER, order="desc", order_by=REVENUE, having=Having(">", 2))),
    ("In which months of 2023 was revenue above average?",
     asked("above_average", grain="month", year=2023, order="desc", order_by=REVENUE)),
    ("products with an above-average price",
     SemanticQuery(entity="product", columns=("Products.UnitPrice",), order="desc", pattern="compare_to_row")),
    ("What is the maximum unit price of products?", asked("total", "max:Products.UnitPrice")),
    # how many groups
    ("How many customers placed more than 5 orders?", asked("count_groups", ORDERS, CUSTOMER, having=Having(">", 5))),
    ("In how many months of 2023 was revenue over 30000 dollars?",
     asked("count_groups", grain="month", year=2023, having=Having(">", 30000))),
    ("How many products sold more than 1000 units?",
     asked("count_groups", "units_sold", "product_name", having=Having(">", 1000))),
    # values against values
    ("difference in revenue between Beverages and Seafood in 2023",
     asked("difference", REVENUE, CATEGORY, compare=("Beverages", "Seafood"), year=2023)),
    ("How much more revenue did Germany have than France?",
     asked("difference", REVENUE, COUNTRY, compare=("Germany", "France"))),
    ("how much more did Germany buy than France?",
     asked("difference", REVENUE, COUNTRY, compare=("Germany", "France"))),
    ("how much less revenue did Germany have than France?",
     asked("difference", REVENUE, COUNTRY, compare=("France", "Germany"))),
    ("By how much did Germany exceed France in revenue?",
     asked("difference", REVENUE, COUNTRY, compare=("Germany", "France"))),
    ("Which had higher revenue, Germany or France?",
     SemanticQuery((REVENUE,), (COUNTRY,), (Filter(COUNTRY, "in", ("Germany", "France")),), **TOP)),
    ("Did Germany or France have the higher revenue?",
     SemanticQuery((REVENUE,), (COUNTRY,), (Filter(COUNTRY, "in", ("Germany", "France")),), **TOP)),
    ("top 5 combinations of category and country by revenue",
     asked("breakdown", REVENUE, CATEGORY, COUNTRY, order="desc", limit=5)),
    # without
    ("Sales outside the USA", asked("total", without={COUNTRY: "USA"})),
    ("revenue not from Germany in 2023", asked("total", without={COUNTRY: "Germany"}, year=2023)),
    ("revenue from all countries except the USA", asked("total", without={COUNTRY: "USA"})),
    ("Revenue for customers not in Germany", asked("total", without={COUNTRY: "Germany"})),
    ("revenue by category excluding Beverages and Seafood",
     asked("breakdown", REVENUE, CATEGORY, without={CATEGORY: ("Beverages", "Seafood")})),
    ("How many orders were not shipped by Falcon Freight?",
     asked("total", ORDERS, without={"shipper": "Falcon Freight"})),
    ("Which country other than the USA had the highest revenue?",
     asked("breakdown", REVENUE, COUNTRY, without={COUNTRY: "USA"}, **TOP)),
    # side by side
    ("Finance wants gross sales, discount amount and net sales for 2024 side by side.",
     asked("total", ("gross_sales", "discount_amount", REVENUE), year=2024)),
    ("revenue and orders in 2023", asked("total", (REVENUE, ORDERS), year=2023)),
    ("revenue and number of orders by month in 2023",
     asked("breakdown", (REVENUE, ORDERS), grain="month", year=2023)),
    ("orders and freight by shipper", asked("breakdown", (ORDERS, "total_freight"), "shipper")),
]  # fmt: skip


@pytest.mark.parametrize(("question", "query"), UNDERSTOOD, ids=[question for question, _ in UNDERSTOOD])
def test_a_comparison_is_read_as_what_it_asks(shop: Shop, linker: Linker, question: str, query: SemanticQuery) -> None:
    assert_is_read_as(shop, linker, question, query)


@pytest.mark.parametrize(
    "question",
    [
        # in percent, or the amount?
        "How much did revenue grow from 2022 to 2023?",
        "gross margin growth from 2022 to 2023",
        "By what percentage did revenue fall from 2023 to 2024?",
        "Which category had the biggest change in revenue from 2022 to 2023?",
        "Which categories grew the most in revenue from 2022 to 2023?",
        "Which year had the biggest increase in revenue?",
        # which two periods?
        "Has revenue increased from 2022 to 2023?",
        "Revenue growth by category",
        "revenue growth since 2022",
        "revenue growth over the previous year",
        "growth of revenue from Q1 2022 to 2023",
        "change in revenue in 2023",
        "How did revenue change before 2023?",
        # a total so far of what does not add up, or over no periods
        "running total of gross margin by month",
        "cumulative revenue in 2023",
        "cumulative active customers by month",
        "which shipper has the largest share of active customers",
        "Which category has the largest share of orders?",
        # an average of what?
        "average revenue by month",
        "average revenue by category",
        "average monthly gross margin in 2023",
        "maximum revenue per customer",
        "Which categories have an above-average gross margin?",
        "Which products sell above the average?",
        "Products in Beverages with an above-average unit price",
        "average of customers' order values",
        "average number of orders a customer places per year",
        # a share of what?
        "what share of beverages revenue came from Germany",
        "share of gross margin by category",
        "Which categories have the largest share of revenue?",
        # which two values?
        "what is the difference between sales and cost of goods sold",
        "difference in revenue between Germany, France and Spain",
        "Did Germany buy more than France?",
        "which shipper was better, Falcon Freight or Overland Parcel",
        "who did better in late rate, Falcon Freight or Overland Parcel",
        # without: as well as another, or not at all?
        "how many orders excluding Beverages",
        "revenue excluding customers in region SP",
        "revenue not in 2023",
        "revenue but not much",
        "revenue without discounts",
        "orders by customers not in Germany by month",
        "revenue without Germany and without France",
        "Which customers did not grow in revenue from 2022 to 2023?",
        # more than a comparison can hold
        "revenue growth of the top 3 customers from 2022 to 2023",
        "customers with more orders in 2023 than the average customer in 2022",
        "How many customers have more than 5 orders on average?",
        "growth in revenue and orders from 2022 to 2023",
        "Is revenue higher than in 2022?",
        "What caused the drop in revenue from 2023 to 2024?",
        "Why did revenue fall in 2024?",
        "Forecast revenue growth for 2025",
        "Repeat customers of 2020 and 2021",
        "customers who ordered in 2023 and 2024",
    ],
)
def test_a_comparison_that_leaves_something_open_is_left_alone(linker: Linker, question: str) -> None:
    assert read_intent(question, linker) is None


def test_a_fall_is_a_positive_number(shop: Shop, linker: Linker) -> None:
    numbers = []
    for verb in ("fall", "rise"):
        intent = read_intent(f"By how much did revenue {verb} from 2023 to 2024?", linker)
        assert intent is not None
        result = shop.world.execute(shop.world.compile(intent.query)).result
        assert result is not None
        numbers.append(float(str(result.rows[0][0])))
    assert math.isclose(numbers[0], -numbers[1])
