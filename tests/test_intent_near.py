"""Questions that are understood but for a few words in one place."""

from __future__ import annotations

import pytest

from memory.intent import read_intent
from memory.intent.near import read_nearly
from memory.linking import Linker
from tests.fixtures_intent import linker
from tests.fixtures_pairs import shop

__all__ = ["linker", "shop"]


@pytest.mark.parametrize(
    ("question", "plain", "left_out"),
    [
        (
            "Which product category zoomed past with the highest sales revenue in 2023?",
            "Which product category had the highest sales revenue in 2023?",
            "zoomed past",
        ),
        ("Number of customers per country in a jiffy", "Number of customers per country", "in a jiffy"),
        ("Sales revenue by category, darling", "Sales revenue by category", "darling"),
    ],
)
def test_words_that_name_nothing_are_left_out(linker: Linker, question: str, plain: str, left_out: str) -> None:
    assert read_intent(question, linker) is None
    nearly, wanted = read_nearly(question, linker), read_intent(plain, linker)
    assert nearly is not None
    assert wanted is not None
    assert nearly.intent.query == wanted.query
    assert nearly.left_out == left_out


@pytest.mark.parametrize(
    "question",
    [
        "Sales revenue by category except zzz",
        "How many orders were there at Christmas zzz?",
        "Sales revenue of Peter Hoffmann by category in 2023?",
        "Sales revenue by category with 7 flurbs",
        "flurb blorg wumpus gnarl snark",
    ],
)
def test_words_that_may_say_something_are_not(linker: Linker, question: str) -> None:
    assert read_intent(question, linker) is None
    assert read_nearly(question, linker) is None


def test_what_comes_to_several_queries_comes_to_none(linker: Linker) -> None:
    question = "Sales revenue by blorg category zzz region"
    assert read_nearly(question, linker) is None


def test_a_median_that_no_metric_is_made_of_is_no_failure(linker: Linker) -> None:
    assert read_intent("What was the median freight of the orders in 2023?", linker) is None
