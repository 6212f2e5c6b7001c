"""Periods in a question against the calendar: by hand, and against every phrase the pair factory knows."""

import datetime as dt
import random

import pytest

from finetune.phrasing.periods import draw_period
from memory.periods import find_periods

TODAY = dt.date(2024, 12, 31)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("gross profit of beverages last year", [("last year", "2023-01-01", "2024-01-01")]),
        ("Orders due before 1 December 2024", [("before 1 December 2024", "", "2024-12-01")]),
        ("everyone hired after January 1st, 2019", [("after January 1st, 2019", "2019-01-02", "")]),
        ("Compare 2022 to 2023", [("2022", "2022-01-01", "2023-01-01"), ("2023", "2023-01-01", "2024-01-01")]),
        ("growth from 2022 to 2023", [("from 2022 to 2023", "2022-01-01", "2024-01-01")]),
        ("freight from Nov 2021 through Feb 2022", [("from Nov 2021 through Feb 2022", "2021-11-01", "2022-03-01")]),
        ("between Q1 and Q3 2023", [("between Q1 and Q3 2023", "2023-01-01", "2023-10-01")]),
        ("revenue by year since 2021", [("since 2021", "2021-01-01", "")]),
        ("hired in 2019 or later", [("2019 or later", "2019-01-01", "")]),
        ("until the end of May 2021", [("until the end of May 2021", "", "2021-06-01")]),
        ("in the last two quarters", [("last two quarters", "2024-07-01", "")]),
        ("sales in December of last year", [("December of last year", "2023-12-01", "2024-01-01")]),
        ("sales in the second half of last year", [("the second half of last year", "2023-07-01", "2024-01-01")]),
        ("Q2 of this year", [("Q2 of this year", "2024-04-01", "2024-07-01")]),
        ("on March 5 last year", [("March 5 last year", "2023-03-05", "2023-03-06")]),
        ("over the trailing 12 months", [("trailing 12 months", "2024-01-01", "")]),
        ("in the last full quarter", [("the last full quarter", "2024-07-01", "2024-10-01")]),
        ("for the full year 2023", [("the full year 2023", "2023-01-01", "2024-01-01")]),
        ("by the end of 2022", [("by the end of 2022", "", "2023-01-01")]),
        ("our 2023 orders", [("2023", "2023-01-01", "2024-01-01")]),
        ("in Q1 and Q2 of 2023", [("Q1", "2023-01-01", "2023-04-01"), ("Q2 of 2023", "2023-04-01", "2023-07-01")]),
        ("EMPORIO in Q4 2024", [("Q4 2024", "2024-10-01", "2025-01-01")]),
    ],
)
def test_a_period_is_the_days_it_names(question, expected):
    assert [(m.surface, m.start, m.end) for m in find_periods(question, TODAY)] == expected


@pytest.mark.parametrize(
    "question",
    [
        "customers who spent more than 2000",
        "over 2000 orders",
        "which products cost 1,990 or $2010",
        "2020 units of what",
        "growth compared to the previous year",
        "revenue in March",
        "on 31 February",
        "who is our best customer",
    ],
)
def test_what_is_no_period_or_not_a_certain_one_is_left_out(question):
    assert find_periods(question, TODAY) == ()


def test_every_period_the_factory_phrases_is_read_as_it_was_meant():
    misread = []
    for seed in range(400):
        drawn = draw_period(random.Random(seed), dt.date(2020, 1, 1), TODAY, TODAY)
        meant = [(drawn.window.start or "", drawn.window.end or "")]
        asked = [f"What was the revenue {phrase}?" for phrase in drawn.phrases]
        asked += [f"{phrase.capitalize()}, who spent over 2000?" for phrase in drawn.phrases]
        misread += [q for q in asked if [(m.start, m.end) for m in find_periods(q, TODAY)] != meant]
    assert misread == []


def test_where_a_period_stands_is_told_in_characters():
    question = "Größte Städte: orders in İzmir last month"
    assert [question[m.first : m.last] for m in find_periods(question, TODAY)] == ["last month"]


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("sales over the whole of 2023", "2023"),
        ("sales this year so far", "this year"),
        ("sales in Q4 2023", "Q4 2023"),
    ],
)
def test_a_period_is_named_without_what_only_stresses_it(question: str, name: str) -> None:
    (found,) = find_periods(question, TODAY)
    assert found.name == name
