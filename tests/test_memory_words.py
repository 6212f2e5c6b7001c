"""Words: inflection, BM25, other names, and the dialect notes, whose claims are executed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from memory.lexical import BM25, identifier_words, singular, stem, stems, tokenize
from memory.notes import dialect_notes, topics_of
from memory.surfaces import is_country_word, other_names
from tests.fixtures_memory import shop


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("categories", "category"), ("Countries", "country"), ("shipped", "shipping"), ("orders", "order's"),
        ("boxes", "box"), ("sold", "sell"), ("Ordering", "ordered"), ("prices", "price"), ("invoiced", "invoice"),
        ("cities", "city"), ("Grünwald", "grunwald"), ("planned", "plan"), ("companies", "company"),
    ],
)  # fmt: skip
def test_inflections_meet(one: str, other: str) -> None:
    assert stems(one) == stems(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("ship", "shop"), ("speed", "spe"), ("series", "sery"), ("business", "busy"), ("need", "ne"), ("bus", "bu")],
)
def test_different_words_stay_apart(one: str, other: str) -> None:
    assert stem(one) != stem(other)


def test_tokens_know_their_place_and_form() -> None:
    text = "Müller's 1,000 Orders in 2023, isn't it 5%?"
    tokens = tokenize(text)
    assert [token.text for token in tokens] == ["Müller", "1,000", "Orders", "in", "2023", "isn't", "it", "5%"]
    assert all(text[token.start : token.end] == token.text for token in tokens)
    assert tokens[0].folded == "muller"
    assert tokens[1].is_number
    assert tokens[2].is_plural
    assert tokens[2].is_capitalised
    assert [token.folded for token in tokenize("shipped order") if token.is_participle] == ["shipped"]
    assert tokenize("") == ()
    assert singular("address") == "address"
    assert identifier_words("ShipCountry") == "Ship Country"
    assert identifier_words("order_details") == "order details"
    assert identifier_words("HTMLPage2Text") == "HTML Page2 Text"


def test_bm25_prefers_rare_words_and_short_documents() -> None:
    documents = [["order", "date"], ["order", "freight"], ["order", "line", "order", "number", "of", "the", "line"]]
    index = BM25(documents)
    assert index.scores(["freight"])[1] > 0
    assert index.scores(["freight"])[0] == 0
    scores = index.scores(["order", "date"])
    assert scores[0] == max(scores)
    assert index.scores(["unknown"]) == [0.0, 0.0, 0.0]
    assert BM25([]).scores(["x"]) == []


def test_countries_have_other_names() -> None:
    assert "American" in other_names("USA")
    assert "Germany" not in other_names("Germany")
    assert "German" in other_names("Deutschland")
    assert other_names("Beverages") == ()
    assert is_country_word("iceland")
    assert is_country_word("Swiss")
    assert not is_country_word("beverages")


def test_notes_are_given_for_what_a_question_touches() -> None:
    assert topics_of("Which customers are there?") == {"quoting"}
    assert "dates" in topics_of("revenue in 2023")
    assert "division" in topics_of("What percentage was late?")
    assert {"limit", "nulls"} <= topics_of("top 5 products")
    assert {note.id for note in dialect_notes("mysql")} >= {"mysql.dates", "mysql.division"}
    assert dialect_notes("klingon") == ()
    assert all(len(note.text) < 260 for d in ("sqlite", "duckdb", "postgres", "mysql") for note in dialect_notes(d))


CLAIMS = {
    "sqlite": [
        ("SELECT 1 / 2, 1.0 * 1 / 2", (0, 0.5)),
        ("SELECT STRFTIME('%Y', '2023-05-02'), STRFTIME('%Y-%m', '2023-05-02')", ("2023", "2023-05")),
        ("SELECT JULIANDAY('2023-05-03') - JULIANDAY('2023-05-01')", (2.0,)),
        ("SELECT x FROM (SELECT 1 AS x UNION ALL SELECT NULL) AS t ORDER BY x LIMIT 1", (None,)),
        ("SELECT 'a' || 'b', 'ABC' LIKE 'abc', 'A' = 'a'", ("ab", 1, 0)),
        ("SELECT x FROM (SELECT 1 AS x UNION ALL SELECT NULL) AS t ORDER BY x NULLS LAST LIMIT 1", (1,)),
    ],
    "duckdb": [
        ("SELECT 1 / 2, 1 // 2", (0.5, 0)),
        ("SELECT YEAR(DATE '2023-05-02'), QUARTER(DATE '2023-05-02'), MONTH(DATE '2023-05-02')", (2023, 2, 5)),
        (
            "SELECT STRFTIME(DATE '2023-05-02', '%Y-%m'), DATE_DIFF('day', DATE '2023-05-01', DATE '2023-05-03')",
            ("2023-05", 2),
        ),
        ("SELECT x FROM (SELECT 1 AS x UNION ALL SELECT NULL) AS t ORDER BY x LIMIT 1", (1,)),
        ("SELECT x FROM (SELECT 1 AS x UNION ALL SELECT NULL) AS t ORDER BY x DESC LIMIT 1", (1,)),
        ("SELECT 'a' || 'b', 'ABC' LIKE 'abc', 'ABC' ILIKE 'abc'", ("ab", False, True)),
    ],
    "postgresql": [
        ("SELECT 1 / 2, 1.0 * 1 / 2 = 0.5", (0, True)),
        (
            "SELECT EXTRACT(YEAR FROM DATE '2023-05-02') = 2023, TO_CHAR(DATE '2023-05-02', 'YYYY-MM')",
            (True, "2023-05"),
        ),
        ("SELECT DATE '2023-05-03' - DATE '2023-05-01'", (2,)),
        ("SELECT x FROM (SELECT 1 AS x UNION ALL SELECT NULL) AS t ORDER BY x DESC LIMIT 1", (None,)),
        ("SELECT x FROM (SELECT 1 AS x UNION ALL SELECT NULL) AS t ORDER BY x DESC NULLS LAST LIMIT 1", (1,)),
        ("SELECT 'a' || 'b', 'ABC' LIKE 'abc', 'ABC' ILIKE 'abc'", ("ab", False, True)),
    ],
    "mariadb": [
        ("SELECT 1 / 2 = 0.5, 1 DIV 2, 1 / 0", (1, 0, None)),
        ("SELECT YEAR('2023-05-02'), QUARTER('2023-05-02'), MONTH('2023-05-02')", (2023, 2, 5)),
        ("SELECT DATE_FORMAT('2023-05-02', '%%Y-%%m'), DATEDIFF('2023-05-03', '2023-05-01')", ("2023-05", 2)),
        ("SELECT x FROM (SELECT 1 AS x UNION ALL SELECT NULL) AS t ORDER BY x LIMIT 1", (None,)),
        ("SELECT CONCAT('a', 'b'), 0 || 0, 'ABC' LIKE 'abc', 'A' = 'a'", ("ab", 0, 1, 1)),
    ],
}


@pytest.fixture(
    params=[
        "sqlite",
        "duckdb",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    with shop(request.param, tmp_path) as engine:
        yield engine


def test_the_notes_say_what_the_database_does(engine: sa.Engine) -> None:
    name = {"mysql": "mariadb"}.get(engine.dialect.name, engine.dialect.name)
    with engine.connect() as connection:
        for query, expected in CLAIMS[name]:
            assert tuple(connection.exec_driver_sql(query).one()) == expected, query
