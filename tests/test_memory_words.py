"""Words: inflection, BM25, other names, and the dialect notes, whose claims are executed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from memory.lexical import BM25, fold, identifier_words, singular, stem, stems, tokenize
from memory.notes import dialect_notes, topics_of
from memory.spelling import Speller, edits
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


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [("shiper", "shipper", 1), ("ordres", "orders", 1), ("revnue", "revenue", 1), ("teritry", "territory", 2),
     ("same", "same", 0), ("region", "ratio", 3), ("", "ab", 2), ("a", "abcdef", 3)],
)  # fmt: skip
def test_slips_are_counted_and_cut_off(one: str, other: str, slips: int) -> None:
    assert edits(one, other, 2) == edits(other, one, 2) == slips


SPELLER = Speller(
    dict.fromkeys(("revenue", "shipper", "customer", "employee", "order", "country", "supplier", "charge"), 1),
    {"beverage": 3, "germany": 2, "hansen": 1, "maria": 1, "barlow": 1, "berlow": 1},
    ("average", "quarter"),
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("revnue", "revenue"), ("shiper", "shipper"), ("custmers", "customers"), ("coutnries", "countries"),
     ("emploee", "employee"), ("Germny", "germany"), ("bevrages", "beverages"), ("avrage", "average"),
     ("quater", "quarter"), ("roder", "order"), ("supplirs", "suppliers"), ("REVENEU", "revenue")],
)  # fmt: skip
def test_a_slip_is_mended_to_the_nearest_word(typed: str, meant: str) -> None:
    (token,) = SPELLER.mended(tokenize(typed))
    assert (token.text, token.folded, token.respelt) == (typed, meant, True)


@pytest.mark.parametrize(
    "word",
    ["county", "older", "change", "employer", "employed", "supplied", "customs", "court", "there", "three", "2023",
     "order", "Orders", "shipped", "doesn't", "ordr", "marie", "Iceland", "barlows", "birlow", "weather"],
)  # fmt: skip
def test_words_that_are_right_or_uncertain_stay(word: str) -> None:
    assert not any(token.respelt for token in SPELLER.mended(tokenize(word)))


def test_what_is_frequent_wins_among_the_equally_near() -> None:
    speller = Speller({}, {"hansen": 5, "hanson": 1})
    assert speller.mended(tokenize("hansin"))[0].folded == "hansen"
    named = Speller({"margin": 1}, {"martin": 9})
    assert named.mended(tokenize("marxin"))[0].folded == "margin"


def test_letters_with_strokes_and_marks_fold_to_plain_ones() -> None:
    assert fold("Ørsted Łódź Æther Empório") == "orsted lodz aether emporio"
    assert [token.folded for token in tokenize("Empo\u0301rio's")] == ["emporio"]


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
