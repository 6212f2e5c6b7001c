"""Retrieval: the right pieces, few, always the same, quickly."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from memory.knowledge import Knowledge, open_knowledge
from memory.pieces import Piece
from memory.semantics import SemanticLayer
from memory.store import MemoryStore
from memory.sync import sync
from memory.verified import VerifiedQuery
from tests.fixtures_memory import shop, shop_layer


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knowledge]:
    folder = tmp_path_factory.mktemp("shop")
    with shop("sqlite", folder) as engine, MemoryStore.open(folder / "chroma") as store:
        sync(engine, shop_layer(), store, folder)
        yield open_knowledge(store, folder, shop_layer())


def texts(pieces: tuple[Piece, ...], kind: str) -> list[str]:
    return [piece.text for piece in pieces if piece.kind == kind]


def test_what_is_named_comes_in_full_and_first(known: Knowledge) -> None:
    question = "Which product category had the highest sales revenue with German customers in 2023?"
    retrieved = known.retriever.retrieve(question)
    pieces = retrieved.pieces
    assert (pieces[0].kind, pieces[0].id, pieces[0].score) == ("metric", "revenue", 1.0)
    assert pieces[0].text == (
        "Sales Revenue: SUM(order_details.UnitPrice * Quantity * (1 - Discount)) FROM order_details"
    )
    assert texts(pieces, "dimension") == [
        "Product Category: Categories.CategoryName",
        "Customer: Customers.CompanyName",
        "Order Date: Orders.OrderDate",  # a period is asked for
    ]
    assert texts(pieces, "value") == ["Germany: Customers.Country"]
    assert {piece.id for piece in pieces if piece.kind == "table"} == {
        "Categories", "Products", "order_details", "Orders", "Customers",
    }  # fmt: skip
    assert set(texts(pieces, "join")) == {
        "Products.CategoryID = Categories.CategoryID",
        "order_details.ProductID = Products.ProductID",
        "order_details.OrderID = Orders.OrderID",
        "Orders.CustomerID = Customers.CustomerID",
    }
    assert retrieved.catalog_fingerprint == known.catalog.fingerprint
    assert retrieved.semantics_fingerprint == known.layer.fingerprint


def test_no_piece_tells_of_a_hidden_column(known: Knowledge) -> None:
    question = "Which product category had the highest sales revenue with German customers in 2023, by order date?"
    hidden = frozenset({"Orders.OrderDate", "Customers.CustomerID", "Orders.CustomerID"})
    shown = "\n".join(piece.text for piece in known.retriever.retrieve(question).pieces)
    told = "\n".join(piece.text for piece in known.retriever.retrieve(question, hidden=hidden).pieces)
    for name in ("OrderDate", "CustomerID"):
        assert name in shown
        assert name not in told
    assert "Customers(CompanyName" in told
    assert shown == "\n".join(piece.text for piece in known.retriever.retrieve(question).pieces)


def test_every_piece_can_be_cited(known: Knowledge) -> None:
    for question in ("freight ratio by employee Nancy Davolio in 2023", "birth place", "top 3 products by sales"):
        for piece in known.retriever.retrieve(question).pieces:
            assert piece.id
            assert piece.version
            assert piece.text
            assert 0 < piece.score <= 1


def test_pieces_are_written_in_the_dialect_asked_for(known: Knowledge) -> None:
    question = "freight ratio of Nancy Davolio"
    written = {
        dialect: texts(known.retriever.retrieve(question, dialect=dialect).pieces, "value")
        for dialect in ("sqlite", "postgres", "mysql")
    }
    assert written["sqlite"] == ["Nancy Davolio: FirstName || ' ' || LastName FROM Employees"]
    assert written["postgres"] == ['Nancy Davolio: "FirstName" || \' \' || "LastName" FROM "Employees"']
    assert written["mysql"] == ["Nancy Davolio: CONCAT(FirstName, ' ', LastName) FROM Employees"]
    ratio = texts(known.retriever.retrieve(question).pieces, "metric")
    assert ratio == [
        "Freight to Sales Ratio: 100.0 * (SUM(Freight) FROM Orders) / "
        "(SUM(order_details.UnitPrice * Quantity * (1 - Discount)) FROM order_details)"
    ]
    orders = known.retriever.retrieve("list the orders", dialect="postgres").pieces
    assert texts(orders, "table")[0].startswith('"Orders"("OrderID" INTEGER key, "CustomerID" VARCHAR(5) -> Customers')


def test_what_is_only_hinted_at_is_found_and_scored_lower(known: Knowledge) -> None:
    pieces = known.retriever.retrieve("Which employee sold the most?").pieces
    guessed = [piece for piece in pieces if piece.kind == "metric"]
    assert [piece.id for piece in guessed] == ["revenue"]
    assert 0 < guessed[0].score < 1


def test_nothing_is_invented_for_a_question_about_nothing(known: Knowledge) -> None:
    for question in ("", "?", "what is the weather like", "thank you very much"):
        kinds = {piece.kind for piece in known.retriever.retrieve(question).pieces}
        assert kinds <= {"note"}


def test_the_caps_cut_the_guessed_before_the_named(known: Knowledge) -> None:
    question = "sales revenue and freight by product category and customer for Beverages and Nancy Davolio in 2023"
    full = known.retriever.retrieve(question).pieces
    few = known.retriever.retrieve(question, max_pieces=5).pieces
    assert few == full[:5]
    assert [piece.kind for piece in few[:2]] == ["metric", "metric"]


def test_one_by_one_or_together_is_the_same_every_time(known: Knowledge) -> None:
    questions = ["sales by category", "customers in Germany", "", "which employee sold the most", "sales by category"]
    together = known.retriever.retrieve_many(questions)
    assert together == [known.retriever.retrieve(question) for question in questions]
    assert known.retriever.retrieve_many([]) == []


def test_a_warm_retrieval_takes_under_twenty_milliseconds(known: Knowledge) -> None:
    questions = [f"sales revenue by category for customers in Germany in {year}" for year in range(1900, 2000)]
    known.retriever.retrieve("sales spent 5")
    start = time.perf_counter()
    for question in questions:
        known.retriever.retrieve(question)
    assert (time.perf_counter() - start) / len(questions) < 0.020


def test_verified_queries_come_as_examples(tmp_path: Path) -> None:
    with shop("sqlite", tmp_path) as engine, MemoryStore.open(tmp_path / "chroma") as store:
        sync(engine, shop_layer(), store, tmp_path)
        known = open_knowledge(store, tmp_path, shop_layer())
        for number, (question, dialect) in enumerate(
            [("Sales revenue by category in 2022", "sqlite"), ("Sales revenue by category in 2021", "postgres")]
        ):
            known.verified.add(
                VerifiedQuery(f"run-{number}", question, "SELECT 1", dialect, "reviewer", f"run-{number}", "c", "s")
            )
        examples = [p for p in known.retriever.retrieve("sales revenue by category").pieces if p.kind == "example"]
        assert [(p.id, p.text) for p in examples] == [("run-0", "Sales revenue by category in 2022\nSELECT 1")]
        assert not [p for p in known.retriever.retrieve("list of vendors").pieces if p.kind == "example"]


def test_a_warehouse_nobody_described_is_found_by_its_identifiers(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'w.sqlite'}")
    with engine.begin() as connection:
        connection.exec_driver_sql('CREATE TABLE "wind turbine" ("turbine id" INTEGER PRIMARY KEY, maker TEXT)')
        connection.exec_driver_sql(
            "CREATE TABLE reading (reading_id INTEGER PRIMARY KEY, turbine INTEGER "
            'REFERENCES "wind turbine" ("turbine id"), rotor_speed REAL)'
        )
        connection.exec_driver_sql("CREATE TABLE island (note TEXT)")
        connection.exec_driver_sql("""INSERT INTO "wind turbine" VALUES (1, 'Northwind Rotors')""")
    with MemoryStore.open(tmp_path / "chroma") as store:
        sync(engine, SemanticLayer(), store, tmp_path)
        retriever = open_knowledge(store, tmp_path, SemanticLayer()).retriever
        pieces = retriever.retrieve("average rotor speed of wind turbines by Northwind Rotors").pieces
        assert texts(pieces, "column") == ["rotor speed: reading.rotor_speed"]
        assert texts(pieces, "value") == ['Northwind Rotors: "wind turbine".maker']
        assert texts(pieces, "join") == ['reading.turbine = "wind turbine"."turbine id"']
        assert '"wind turbine"("turbine id" INTEGER key, maker TEXT)' in texts(pieces, "table")
        lost = retriever.retrieve("rotor speeds and the note of the island").pieces
        assert {piece.id for piece in lost if piece.kind == "table"} == {"reading", "island"}
    engine.dispose()
