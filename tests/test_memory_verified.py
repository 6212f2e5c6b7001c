"""Verified queries: recalled for the same meaning, never for a neighbouring one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from demo.warehouse import build
from memory.errors import MemoryUnavailable
from memory.knowledge import Knowledge, open_knowledge
from memory.linking import Linker
from memory.meaning import meaning_of, normalised
from memory.semantics import load_semantics
from memory.store import MemoryStore
from memory.sync import sync
from memory.verified import VerifiedQueries, VerifiedQuery, dependencies

METRICS = Path(__file__).parent.parent / "demo" / "files" / "metrics.yaml"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knowledge]:
    """The demo workspace's knowledge, with a real warehouse under it."""
    folder = tmp_path_factory.mktemp("demo")
    build(f"sqlite:///{folder / 'w.sqlite'}")
    engine = sa.create_engine(f"sqlite:///{folder / 'w.sqlite'}")
    with MemoryStore.open(folder / "chroma") as store:
        sync(engine, load_semantics(METRICS), store, folder)
        yield open_knowledge(store, folder, METRICS)
    engine.dispose()


@pytest.fixture
def verified(known: Knowledge) -> Iterator[VerifiedQueries]:
    yield known.verified
    known.retriever.store.delete("verified_queries", [query.id for query in known.verified.all()])


def accepted(known: Knowledge, question: str, sql: str = "SELECT 1 FROM Orders", run: str = "run-1") -> VerifiedQuery:
    return VerifiedQuery(
        id=run,
        question=question,
        sql=sql,
        dialect="sqlite",
        reviewer="reviewer",
        run_id=run,
        catalog_fingerprint=known.catalog.fingerprint,
        semantics_fingerprint=known.layer.fingerprint,
        depends=dependencies(question, sql, "sqlite", known.linker),
        as_of=known.layer.today().isoformat(),
    )


PARAPHRASES = [
    (
        "Which product category had the highest sales revenue in 2023?",
        "What category of products brought in the most revenue in 2023?",
    ),
    (
        "Which product category had the highest sales revenue in 2023?",
        "In 2023, which category generated the most sales?",
    ),
    ("What was the late shipment rate by shipper in 2022?", "late shipment rate per carrier in 2022"),
    ("Top 5 customers by gross profit", "Which five customers have the highest gross profit?"),
    ("How many orders were shipped to Germany in 2023?", "in 2023, how many orders were shipped to Germany"),
    ("Total revenue in 2023", "What was our revenue in 2023?"),
    ("Revenue by month in 2023", "monthly revenue for 2023"),
    ("Show revenue by category", "What is the revenue for each product category?"),
    ("Top five customers by revenue", "top 5 clients by sales"),
    ("How many customers do we have?", "number of customers"),
    ("What's the average order value in Germany?", "AOV in Germany"),
    ("What is the average discount on Seafood?", "mean discount on seafood"),
    ("Orders with freight over 100", "orders with freight > 100"),
    ("WHICH CUSTOMERS NEVER ORDERED", "which customers never ordered?"),
]

NEIGHBOURS = [
    ("revenue in 2023", "revenue in 2022"),
    ("top 5 customers by revenue", "top 10 customers by revenue"),
    ("top 5 customers by revenue", "bottom 5 customers by revenue"),
    ("How many orders were shipped to Germany?", "How many orders were shipped to France?"),
    ("orders shipped to Germany", "orders shipped from Germany"),
    ("orders shipped to Germany", "orders of customers in Germany"),
    ("customers in Germany", "suppliers in Germany"),
    ("Which category had the lowest revenue?", "Which category had the highest revenue?"),
    ("revenue excluding Germany", "revenue including Germany"),
    ("revenue excluding Germany", "revenue in Germany"),
    ("Which customers never ordered?", "Which customers ordered?"),
    ("customers who didn’t order in 2023", "customers who did order in 2023"),
    ("products that aren't discontinued", "products that are discontinued"),
    ("revenue with freight", "revenue without freight"),
    ("revenue by category", "revenue by supplier"),
    ("revenue by customer country", "revenue by ship country"),
    ("revenue by category in 2023", "average order value by category in 2023"),
    ("gross profit in 2023", "gross margin in 2023"),
    ("average freight", "total freight"),
    ("median freight", "average freight"),
    ("revenue by month", "revenue by quarter"),
    ("monthly revenue", "yearly revenue"),
    ("revenue per category", "revenue of the category"),
    ("revenue before 2022 and after 2020", "revenue after 2022 and before 2020"),
    ("revenue since 2022", "revenue in 2022"),
    ("revenue until 2022", "revenue in 2022"),
    ("revenue from 2022", "revenue in 2022"),
    ("revenue 2021-2023", "revenue 2021, 2023"),
    ("revenue between 2021 and 2023", "revenue in 2021 and 2023"),
    ("revenue in 2022 and 2023", "revenue in 2023"),
    ("revenue for all years except 2023", "revenue for 2023"),
    ("revenue growth from 2022 to 2023", "revenue growth from 2023 to 2022"),
    ("revenue in the first quarter of 2023", "revenue in the second quarter of 2023"),
    ("revenue in Q1 2023", "revenue in Q2 2023"),
    ("revenue in March 2023", "revenue in May 2023"),
    ("orders with more than 5 products", "orders with less than 5 products"),
    ("orders with at least 5 products", "orders with more than 5 products"),
    ("orders with freight > 100", "orders with freight < 100"),
    ("orders with freight >= 100", "orders with freight > 100"),
    ("growth below -5%", "growth below 5%"),
    ("customers with orders but no contact", "customers with a contact but no orders"),
    ("revenue of Beverages but not Seafood", "revenue of Seafood but not Beverages"),
    ("revenue of Germany and France", "revenue of Germany or France"),
    ("the oldest customer and the newest employee", "the newest customer and the oldest employee"),
    ("the customer with the second highest revenue", "the customer with the highest revenue"),
    ("How many customers ordered in 2023?", "Which customers ordered in 2023?"),
    ("what percentage of revenue came from Germany", "what revenue came from Germany"),
    ("cumulative revenue by month", "revenue by month"),
    ("best selling product", "worst selling product"),
    ("revenue last year", "revenue this year"),
    ("only Germany revenue", "Germany revenue"),
    ("top product in each category", "top category for each product"),
    ("How many products does each supplier supply?", "How many suppliers does each product have?"),
    ("orders placed in 2023", "orders shipped in 2023"),
    ("first order of each customer", "last order of each customer"),
    ("revenue minus freight", "revenue plus freight"),
    ("freight / revenue", "freight and revenue"),
    ("customers gained in 2023", "customers lost in 2023"),
    ("list customers and their phone", "list customers and their city"),
]


@pytest.mark.parametrize(("signed", "asked"), PARAPHRASES)
def test_an_honest_paraphrase_recalls(known: Knowledge, verified: VerifiedQueries, signed: str, asked: str) -> None:
    query = accepted(known, signed)
    verified.add(query)
    assert verified.recall(asked) == query
    assert verified.recall(signed) == query


@pytest.mark.parametrize(("signed", "asked"), NEIGHBOURS)
def test_a_neighbouring_question_does_not(known: Knowledge, verified: VerifiedQueries, signed: str, asked: str) -> None:
    verified.add(accepted(known, signed))
    assert verified.recall(asked) is None
    verified.remove("run-1")
    verified.add(accepted(known, asked))
    assert verified.recall(signed) is None


def test_all_neighbours_together_still_recall_only_themselves(known: Knowledge, verified: VerifiedQueries) -> None:
    questions = list(dict.fromkeys(question for pair in NEIGHBOURS for question in pair))
    verified.add_many([accepted(known, question, run=f"run-{number}") for number, question in enumerate(questions)])
    for question in questions:
        recalled = verified.recall(question)
        assert recalled is not None
        assert meaning_of(recalled.question, known.linker) == meaning_of(question, known.linker)


def test_a_question_nothing_is_known_about_recalls_by_its_text_alone(
    known: Knowledge, verified: VerifiedQueries
) -> None:
    verified.add(accepted(known, "How is the mood?"))
    assert verified.recall("  how is the MOOD ? ") is not None
    assert verified.recall("How was the mood?") is None
    assert verified.recall("") is None


def test_a_shortened_name_recalls_only_by_the_same_words(known: Knowledge, verified: VerifiedQueries) -> None:
    name = next(n for n in known.values.sources if n.target == "Customers.CompanyName").values[0]
    short = name.rsplit(" ", 1)[0]
    verified.add(accepted(known, f"revenue of {name}"))
    assert verified.recall(f"sales of {name}") is not None
    assert verified.recall(f"sales of {short}") is None


def test_a_question_with_a_slip_recalls_only_by_the_same_words(known: Knowledge, verified: VerifiedQueries) -> None:
    verified.add(accepted(known, "monthly revenue"))
    assert verified.recall("revenue by month") is not None
    assert [mention.surface for mention in known.retriever.linker.link("revnue by month").mentions] == ["revenue"]
    assert verified.recall("revnue by month") is None


def test_relative_time_recalls_only_while_today_is_the_same(known: Knowledge, verified: VerifiedQueries) -> None:
    query = accepted(known, "revenue last year")
    verified.add(query)
    assert verified.recall("sales last year") == query
    verified.add(replace(query, as_of="2023-12-31"))
    assert verified.recall("sales last year") is None
    assert verified.recall("revenue last year") is None


def test_another_dialect_is_not_recalled(known: Knowledge, verified: VerifiedQueries) -> None:
    verified.add(accepted(known, "revenue in 2023"))
    assert verified.recall("sales in 2023", dialect="sqlite") is not None
    assert verified.recall("sales in 2023", dialect="postgres") is None


def test_removing_forgets_and_adding_again_replaces(known: Knowledge, verified: VerifiedQueries) -> None:
    query = accepted(known, "revenue in 2023")
    verified.add(query)
    verified.add(replace(query, sql="SELECT 2 FROM Orders"))
    assert [held.sql for held in verified.all()] == ["SELECT 2 FROM Orders"]
    assert verified.get("run-1") is not None
    verified.remove("run-1")
    verified.remove("run-1")
    assert verified.recall("revenue in 2023") is None
    assert verified.get("run-1") is None


def test_dependencies_are_the_tables_read_and_the_definitions_named(known: Knowledge) -> None:
    sql = "WITH x AS (SELECT * FROM orders) SELECT 1 FROM x JOIN CUSTOMERS ON 1 = 1"
    depends = dependencies("freight to sales ratio by category", sql, "sqlite", known.linker)
    assert set(depends) == {
        "table:Orders",
        "table:Customers",
        "metric:freight_to_sales_ratio",
        "metric:total_freight",
        "metric:sales_revenue",
        "dimension:product_category",
    }
    assert all(depends.values())
    every = dependencies("x", "this is no SQL (", "sqlite", known.linker)
    assert len(every) == len(known.catalog.tables)


def test_a_moved_dependency_quarantines(known: Knowledge, verified: VerifiedQueries) -> None:
    query = accepted(known, "sales revenue by category", "SELECT 1 FROM Categories")
    verified.add(query)
    verified.add(accepted(known, "number of suppliers", "SELECT COUNT(*) FROM Suppliers", run="run-2"))
    assert verified.quarantined() == {}
    metrics = tuple(replace(m, version=9) if m.id == "sales_revenue" else m for m in known.layer.metrics)
    moved = Linker(known.catalog, replace(known.layer, metrics=metrics), known.values)
    later = VerifiedQueries(known.retriever.store, moved)
    assert later.quarantined() == {"run-1": ("metric:sales_revenue",)}
    assert later.recall("sales revenue by category") is None
    assert later.recall("how many suppliers") is not None
    assert [near.id for near, _ in later.nearest("sales revenue by category", 3)] == ["run-2"]
    assert [near.id for near, _ in verified.nearest("sales revenue by category", 1)] == ["run-1"]
    tables = tuple(table for table in known.catalog.tables if table.name != "Suppliers")
    gone = VerifiedQueries(known.retriever.store, Linker(replace(known.catalog, tables=tables), known.layer))
    assert "run-2" in gone.quarantined()


def test_recalling_needs_a_linker(known: Knowledge) -> None:
    with pytest.raises(MemoryUnavailable, match="linker"):
        VerifiedQueries(known.retriever.store).recall("revenue")


def test_normalised_text_and_today(known: Knowledge) -> None:
    assert normalised("  Où   est LE Total ?! ") == "ou est le total"
    assert known.layer.today() == dt.date(2024, 12, 31)
    assert meaning_of("revenue last year", known.linker).relative
    assert not meaning_of("revenue in 2023", known.linker).relative
