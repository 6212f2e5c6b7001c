"""Plain questions read without a model: what each asks for, and which must be left to one."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import Any

import pytest

from finetune.evaluation.matching import results_match
from finetune.phrasing.grammar import phrasings
from memory.compiler import CannotCompile, Filter, Having, SemanticQuery, TimeWindow
from memory.intent import read_intent
from memory.linking import Linker
from tests.fixtures_intent import linker
from tests.fixtures_pairs import Shop, shop

__all__ = ["linker", "shop"]


def asked(*metrics: str, by: tuple[str, ...] = (), where: dict[str, Any] | None = None, **other: Any) -> SemanticQuery:
    """A query over metrics, with `where` as field to value or values and `year` as its window."""
    year = other.pop("year", None)
    if year:
        other["window"] = TimeWindow(f"{year}-01-01", f"{year + 1}-01-01")
    filters = tuple(
        Filter(field, "in", value) if isinstance(value, tuple) else Filter(field, "=", (value,))
        for field, value in (where or {}).items()
    )
    other.setdefault("pattern", "breakdown" if by or other.get("grain") else "total")
    return SemanticQuery(metrics, by, filters, **other)


GERMANY = {"customer_country": "Germany"}
TOP = {"order": "desc", "limit": 1}
UNDERSTOOD: list[tuple[str, SemanticQuery]] = [
    # totals
    ("What was our revenue in 2023?", asked("sales_revenue", year=2023)),
    ("revenue 2023", asked("sales_revenue", year=2023)),
    ("Could you please tell me the gross margin?", asked("gross_margin")),
    ("How many orders were placed in 2023?", asked("order_count", year=2023)),
    ("How many orders did we receive in 2023?", asked("order_count", year=2023)),
    ("Show me the revenue and the units sold", asked("sales_revenue", "units_sold")),
    ("How high was the late rate in 2023?", asked("late_shipment_rate", year=2023)),
    ("Revenue before 2023", asked("sales_revenue", window=TimeWindow("", "2023-01-01"))),
    ("How many late orders in 2023?", asked("late_shipments", year=2023)),
    ("How many categories are there?", asked("count:category")),
    # filters
    ("revenue from Germany in 2023", asked("sales_revenue", where=GERMANY, year=2023)),
    ("revenue from Germany or France", asked("sales_revenue", where={"customer_country": ("Germany", "France")})),
    ("sales to German customers", asked("sales_revenue", where=GERMANY)),
    ("sales from German suppliers", asked("sales_revenue", where={"supplier_country": "Germany"})),
    ("revenue in the Beverages category", asked("sales_revenue", where={"product_category": "Beverages"})),
    ("How many suppliers are in Japan?", asked("supplier_count", where={"supplier_country": "Japan"})),
    ("How many orders were shipped to Germany?", asked("order_count", where={"ship_country": "Germany"})),
    ("number of orders shipped to Germany", asked("order_count", where={"ship_country": "Germany"})),
    # breakdowns
    ("Revenue by category", asked("sales_revenue", by=("product_category",))),
    ("Revenue per category and country", asked("sales_revenue", by=("product_category", "customer_country"))),
    ("each category's revenue in 2023", asked("sales_revenue", by=("product_category",), year=2023)),
    ("For every shipper, the late rate", asked("late_shipment_rate", by=("shipper",))),
    ("Customers per country", asked("customer_count", by=("customer_country",))),
    ("Number of customers by city", asked("customer_count", by=("customer_city",))),
    ("How many suppliers are there in each country?", asked("supplier_count", by=("supplier_country",))),
    ("Show me every category and its gross margin", asked("gross_margin", by=("product_category",))),
    ("How many units did we sell per category?", asked("units_sold", by=("product_category",))),
    ("revenue by category from Germany", asked("sales_revenue", by=("product_category",), where=GERMANY)),
    ("profit and margin by category", asked("gross_profit", "gross_margin", by=("product_category",))),
    # time
    ("Revenue by month in 2023", asked("sales_revenue", grain="month", year=2023)),
    ("monthly revenue for 2023", asked("sales_revenue", grain="month", year=2023)),
    ("orders year by year", asked("order_count", grain="year")),
    ("quarterly revenue by category", asked("sales_revenue", by=("product_category",), grain="quarter")),
    ("Compare AOV in 2022 with 2023.", asked("average_order_value", grain="year",
                                             window=TimeWindow("2022-01-01", "2024-01-01"))),
    # things beside each other
    ("Germany vs France: revenue", asked("sales_revenue", by=("customer_country",),
                                         where={"customer_country": ("Germany", "France")})),
    ("Compare revenue of Germany and France", asked("sales_revenue", by=("customer_country",),
                                                    where={"customer_country": ("Germany", "France")})),
    # orders
    ("Which category had the highest revenue?", asked("sales_revenue", by=("product_category",), **TOP)),
    ("Which month of 2023 had the highest revenue?", asked("sales_revenue", grain="month", year=2023, **TOP)),
    ("Which shipper has the lowest late rate?", asked("late_shipment_rate", by=("shipper",), order="asc", limit=1)),
    ("top 5 products by units sold", asked("units_sold", by=("product_name",), order="desc", limit=5)),
    ("the three countries with the lowest revenue", asked("sales_revenue", by=("customer_country",),
                                                          order="asc", limit=3)),
    ("Which country has the most suppliers?", asked("supplier_count", by=("supplier_country",), **TOP)),
    ("top 2 products per category by revenue", asked("sales_revenue", by=("product_category", "product_name"),
                                                     order="desc", limit=2, pattern="rank_within")),
    ("Revenue by category, highest first", asked("sales_revenue", by=("product_category",), order="desc")),
    ("Rank the categories by gross margin", asked("gross_margin", by=("product_category",), order="desc")),
    ("Revenue by category in alphabetical order", asked("sales_revenue", by=("product_category",), order="asc",
                                                        by_group=True)),
    ("Top 5 orders by freight, highest first (order number and freight)",
     asked("total_freight", by=("order_number",), order="desc", limit=5)),
    # conditions
    ("Customers with more than 20 orders", asked("order_count", by=("customer_name",), having=Having(">", 20))),
    ("Which customers have at least 20 orders in 2023?",
     asked("order_count", by=("customer_name",), having=Having(">=", 20), year=2023)),
    ("Countries whose revenue is over 100,000", asked("sales_revenue", by=("customer_country",),
                                                      having=Having(">", 100000))),
    ("Categories with a gross margin above 30 percent", asked("gross_margin", by=("product_category",),
                                                              having=Having(">", 30))),
    # shares
    ("What percentage of revenue comes from Germany?", asked("sales_revenue", where=GERMANY, pattern="share_of")),
    ("share of orders by shipper", asked("order_count", by=("shipper",), pattern="share", order="desc")),
    # rows
    ("List customers in Germany", SemanticQuery(entity="customer", filters=(Filter("customer_country", "=",
                                                ("Germany",)),), pattern="list")),
    ("All vendors in USA", SemanticQuery(entity="supplier", filters=(Filter("supplier_country", "=", ("USA",)),),
                                         pattern="list")),
    ("Which suppliers are in Japan?", SemanticQuery(entity="supplier", filters=(Filter("supplier_country", "=",
                                                    ("Japan",)),), pattern="list")),
    ("all sales regions from A to Z", SemanticQuery(entity="region", order="asc", pattern="list")),
    ("which product has the highest unit price", SemanticQuery(entity="product", columns=("Products.UnitPrice",),
                                                               pattern="extreme", **TOP)),
]  # fmt: skip


@pytest.mark.parametrize(("question", "query"), UNDERSTOOD, ids=[question for question, _ in UNDERSTOOD])
def test_a_plain_question_is_read_as_what_it_asks(linker: Linker, question: str, query: SemanticQuery) -> None:
    intent = read_intent(question, linker)
    assert intent is not None
    assert intent.query == query


@pytest.mark.parametrize(
    "question",
    [
        # negations and exceptions
        # what a core cannot hold
        "Revenue growth by category",
        "How much did revenue grow from 2022 to 2023?",
        "What is the median revenue by category?",
        "Which customers spent more than the average?",
        "Revenue of the top 3 customers",
        "gross sales minus discounts",
        "gross profit / revenue by category",
        "Who is Felix Brandt?",
        "Who has handled orders of France?",
        # how many, together or each, which end
        "Top customers by revenue",
        "Which categories had the highest revenue?",
        "Revenue in 2021 and 2023",
        "Compare Beverages and Seafood",
        # two readings
        "Revenue by customers in Germany",
        "late orders of 2023",
        "orders to Germany in 2023",
        "number of orders by city",
        "staff per country",
        "What states do our customers have?",
        # yes or no
        "Are there customers in Japan?",
        "Did Germany buy more than France?",
        # no such period, grain or join
        "Revenue in March",
        "customers in 2023",
        "stock in 2023",
        "stock by ship country",
        # words that change the meaning, or mean nothing here
        "revenue at a discount over 20%",
        "discounts over 20 percent",
        "Is revenue up?",
        "revenue by category, only the increase",
        "How many discontinued products did we sell?",
        "How much did products of Germany bring in?",
        "How much do the products of each supplier bring in?",
        "the 3 products with the lowest unit price in Germany",
        "compare revenue in 2022 and 2023 for Germany and France",
        "Team size of Abernethy",
        "hello",
        "",
    ],
)
def test_a_question_that_is_not_plain_is_left_alone(linker: Linker, question: str) -> None:
    assert read_intent(question, linker) is None


def test_an_intent_says_what_each_word_was_taken_for(linker: Linker) -> None:
    intent = read_intent("Top 5 products by revenue from Germany in 2023", linker)
    assert intent is not None
    assert dict(intent.readings) == {
        "Top": "desc", "5": "5", "products": "dimension product_name", "revenue": "metric sales_revenue",
        "Germany": "Germany", "2023": "2023-01-01 to 2024-01-01",
    }  # fmt: skip


def _compiles(shop: Shop, query: SemanticQuery) -> bool:
    try:
        return bool(shop.world.compile(query))
    except CannotCompile:
        return False


def test_composed_questions_are_answered_rightly_or_not_at_all(shop: Shop, linker: Linker) -> None:
    answered, wrong = 0, []
    for seed in range(250):
        rng = random.Random(seed)
        composition = shop.composer.draw(rng)
        if composition is None or not _compiles(shop, composition.query):
            continue
        for question in phrasings(composition.ask, rng, 2):
            intent = read_intent(question, linker)
            if intent is None:
                continue
            answered += 1
            asked = composition.query
            if asked.pattern in ("growth_series", "running_total") and intent.query.columns == ("change",):
                asked = replace(asked, columns=("change",))  # the growth itself, without what it was computed from
            gold, got = (shop.world.execute(shop.world.compile(query)) for query in (asked, intent.query))
            if not (gold.result and got.result and results_match(gold.result, got.result).matched):
                wrong.append(question)
    assert answered >= 80
    assert len(wrong) <= answered * 0.02, wrong


def test_reading_a_question_takes_no_time(linker: Linker) -> None:
    questions = [question for question, _ in UNDERSTOOD]
    read_intent(questions[0], linker)
    linker.link.cache_clear()
    started = time.process_time()
    for question in questions:
        read_intent(question, linker)
    assert (time.process_time() - started) / len(questions) < 0.01
