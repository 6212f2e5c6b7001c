"""Questions about another database than the demo's, a lending library, read by what its own layer and columns say."""

from __future__ import annotations

import json

import pytest
from fixtures_library import LIBRARY, Library, library
from sqlalchemy import create_engine

from memory.intent import read_intent
from memory.linking import Linker
from memory.value_sources import collect_values
from memory.values import ValueIndex

__all__ = ["library"]

PACK = [json.loads(line) for line in (LIBRARY / "development.jsonl").read_text(encoding="utf-8").splitlines()]
READ = {
    "Which books have more than 500 pages?": "a column by its whole name",
    "Which books were published before 1965?": "a column of years",
    "Which staff were hired before 2008?": "a table's name, and a day told by hired_on",
    "In which year was The Silent Lantern published?": "the year something was done in",
    "Who wrote Bridge and Garden?": "those who do it are called writers",
    "What genre is A Kettle for Amara?": "a table without things of its own",
    "When did the Riverside branch open?": "a verb behind the name of a thing",
    "How many librarians work at Central?": "a value for those who have it",
    "How many books did Ada Abbott borrow in 2024?": "books borrowed are loans",
    "Who borrowed the most books last year?": "borrowers are members",
    "Which books were reserved more than 15 times?": "reserved_on says when reservations are made",
    "Which members have never borrowed a book?": "none of the events",
    "List the crime books that nobody borrowed in 2025.": "nobody did",
    "Which members borrowed in 2024 but not in 2025?": "then, and not then",
    "Which branches lent more in 2025 than in 2024?": "more than then",
    "What is the average price of a copy?": "a column's average",
    "What percentage of our members are children?": "a value in the plural",
    "How many loans have not been returned yet?": "an empty day",
    "What is our longest book?": "as long as it has pages",
}
COUNTED = {
    "How many children borrowed books in 2025?": "SELECT COUNT(*) FROM members m WHERE member_type = 'child' AND EXISTS"
    " (SELECT 1 FROM loans l WHERE l.member_id = m.member_id AND l.loaned_on BETWEEN '2025-01-01' AND '2025-12-31')",
    "How many fines were paid in 2025?": "SELECT COUNT(*) FROM fines WHERE paid_on LIKE '2025-%'",
}


@pytest.fixture(scope="module")
def linker(library: Library) -> Linker:
    engine = create_engine(f"sqlite:///{library.path}")
    values = collect_values(engine, library.catalog, library.layer)
    engine.dispose()
    return Linker(library.catalog, library.layer, ValueIndex(library.catalog, library.layer, values))


def rows(library: Library, sql: str) -> list[tuple[object, ...]]:
    outcome = library.world.execute(sql)
    assert outcome.result is not None, outcome.error
    return [tuple(row) for row in outcome.result.rows]


def read(library: Library, linker: Linker, question: str) -> list[tuple[object, ...]]:
    intent = read_intent(question, linker)
    assert intent is not None
    return rows(library, library.world.compile(intent.query))


@pytest.mark.parametrize("question", READ)
def test_another_database_is_read_by_its_own_words(library: Library, linker: Linker, question: str) -> None:
    gold = rows(library, next(item["sql"] for item in PACK if item["question"] == question))
    found = read(library, linker, question)
    assert gold
    assert sorted(str(row[0]) for row in found) == sorted(str(row[0]) for row in gold)


@pytest.mark.parametrize("question", COUNTED)
def test_what_is_counted_is_what_is_named(library: Library, linker: Linker, question: str) -> None:
    assert read(library, linker, question) == rows(library, COUNTED[question])


@pytest.mark.parametrize(
    "question",
    [
        "Who lent the most books in 2025?",  # members borrow, and do not lend
        "Who joined last?",  # a member, or one of the staff?
        "How many Spanish books were lent in 2025?",  # how many times, or how many of them?
        "How many fines were there in 2025?",  # and not what they came to
    ],
)
def test_what_could_mean_two_things_is_left_alone(linker: Linker, question: str) -> None:
    assert read_intent(question, linker) is None


def test_every_question_of_the_development_pack_has_an_answer(library: Library) -> None:
    assert len({item["question"].casefold() for item in PACK}) == len({item["id"] for item in PACK}) == 80
    for item in PACK:
        assert rows(library, item["sql"]), item["id"]
