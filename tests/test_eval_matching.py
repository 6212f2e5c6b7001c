"""The judge of execution accuracy: what it must accept, what it must never accept by accident."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.run import Result
from finetune.evaluation.matching import results_match


def table(columns: str, *rows: tuple[Any, ...]) -> Result:
    return Result(tuple(columns.split()), tuple(rows))


SAME = {
    "identical": (table("a b", (1, "x"), (2, "y")), table("a b", (1, "x"), (2, "y"))),
    "rows in another order": (table("a", (1,), (2,)), table("a", (2,), (1,))),
    "columns in another order and under other names": (
        table("a b", (1, "x"), (2, "y")),
        table("p q", ("x", 1), ("y", 2)),
    ),
    "int, float, string and Decimal": (
        table("n", (3,), (3.0,), ("3",), (Decimal("3.00"),)),
        table("n", ("3.0",), (3,), (Decimal(3),), ("+3",)),
    ),
    "bool and int": (table("b", (True,), (False,)), table("b", (0,), (1,))),
    "date and ISO string": (
        table("d", (date(2024, 1, 5),), (datetime(2024, 1, 6),)),
        table("d", ("2024-01-05 00:00:00",), ("2024-01-06",)),
    ),
    "moments": (table("d", (datetime(2024, 1, 5, 10, 30),)), table("d", ("2024-01-05 10:30:00.000000",))),
    "NULLs": (table("a b", (None, "x"), ("u", None)), table("b a", (None, "u"), ("x", None))),
    "duplicate rows": (table("a", (1,), (1,), (2,)), table("a", (2,), (1,), (1,))),
    "one side rounded to cents": (table("r", (45.23,), (1.5,)), table("r", (45.2349,), (1.4951,))),
    "half a cent exactly": (table("r", (2.67,)), table("r", (2.675,))),
    "decimal strings rounded to cents": (table("r", ("45.23",)), table("r", (45.2261,))),
    "rounded to a whole amount of cents": (table("r", (45.0,)), table("r", (45.0012,))),
    "relative tolerance": (table("r", (123456789.123,)), table("r", (123456800.0,))),
    "sums in another order": (table("r", (0.1 + 0.2 + 0.3,)), table("r", (0.3 + 0.2 + 0.1,))),
    "empty": (table("a"), table("a b")),
    "month as text or number": (table("m n", ("01", 5), ("02", 7)), table("m n", (1, 5), (2, 7))),
    "padded text": (table("c", ("ALFKI",)), table("c", ("ALFKI     ",))),
    "huge integers": (table("n", (10**400,)), table("n", (10**400,))),
    "not a number": (table("n", (float("nan"),)), table("n", ("NaN",))),
    "near-ties sort differently": (
        table("a b", (1.0000001, 1), (1.0, 2)),
        table("a b", (1.0000001, 2), (1.0, 1)),
    ),
    "duplicate columns": (table("a b", (5, 5), (6, 6)), table("x y", (6, 6), (5, 5))),
}

DIFFERENT = {
    "a row short": (table("a", (1,), (2,)), table("a", (1,))),
    "a row twice": (table("a", (1,), (2,)), table("a", (1,), (1,))),
    "a value off": (table("a b", ("x", 1), ("y", 2)), table("a b", ("x", 1), ("y", 3))),
    "values swapped between rows": (table("a b", ("x", 1), ("y", 2)), table("a b", ("x", 2), ("y", 1))),
    "numbers swapped between rows": (table("a b", (1, 10), (2, 20)), table("a b", (1, 20), (2, 10))),
    "None is not zero": (table("a", (None,)), table("a", (0,))),
    "None is not the empty string": (table("a", (None,)), table("a", ("",))),
    "None is not the word": (table("a", (None,)), table("a", ("None",))),
    "large integers one apart": (table("a", (10_000_001,)), table("a", (10_000_002,))),
    "integers beyond a float": (table("a", (10**400,)), table("a", (10**400 + 1,))),
    "huge integer and a float": (table("a", (10**400,)), table("a", (1.0,))),
    "a count is not rounded": (table("a", (3,)), table("a", (3.004,))),
    "zero is not a rounding": (table("a", (0.0,)), table("a", (0.004,))),
    "both rounded to cents, a cent apart": (table("a", (45.23,)), table("a", (45.24,))),
    "nobody rounded": (table("a", (45.2345,)), table("a", (45.2349,))),
    "one exact value among unrounded ones": (table("a", (0.5,), (0.12345,)), table("a", (0.503,), (0.12345,))),
    "empty is not one NULL": (table("a"), table("a", (None,))),
    "one NULL is not empty": (table("a", (None,)), table("a")),
    "empty with too few columns": (table("a b"), table("a")),
    "a column short": (table("a b", (5, 5)), table("a", (5,))),
    "zip code is not a number": (table("z", ("01730",)), table("z", (1730,))),
    "code is not a power of ten": (table("z", ("12E4",)), table("z", (120000,))),
    "case matters": (table("z", ("usa",)), table("z", ("USA",))),
    "another day": (table("d", ("2024-01-05",)), table("d", ("2024-01-06",))),
    "another hour": (table("d", ("2024-01-05",)), table("d", ("2024-01-05 10:00:00",))),
    "pivoted": (table("a b", ("x", 1), ("y", 2)), table("x y", (1, 2))),
    "a single cell in two rows": (table("n", (3,)), table("n", (3,), (4,))),
    "ratio is not percent": (table("n", (0.45,)), table("n", (45.0,))),
}


@pytest.mark.parametrize(("gold", "got"), SAME.values(), ids=SAME)
def test_accepts_the_same_answer(gold: Result, got: Result) -> None:
    assert results_match(gold, got).matched, results_match(gold, got).reason
    if len(gold.columns) == len(got.columns):
        assert results_match(got, gold).matched


@pytest.mark.parametrize(("gold", "got"), DIFFERENT.values(), ids=DIFFERENT)
def test_refuses_another_answer(gold: Result, got: Result) -> None:
    assert not results_match(gold, got).matched
    assert results_match(gold, got).reason


EXTRAS_ALLOWED = {
    "a measure beside the name asked for": (
        table("category", ("Tea",)),
        table("category revenue", ("Tea", 12.5)),
        ("revenue",),
    ),
    "a name beside the measure": (table("n", (3,)), table("CompanyName n", ("Alfa", 3)), ("CompanyName",)),
    "an id beside the measure": (table("n", (3,)), table("EmployeeID n", (9, 3)), ("EmployeeID",)),
    "a year beside the measure": (table("n", (3,), (4,)), table("year n", (2020, 3), (2021, 4)), ("year",)),
    "a measure beside the ids asked for": (
        table("OrderID", (10248,), (10249,)),
        table("order_id Freight", (10248, 3.5), (10249, 4.5)),
        ("Freight",),
    ),
    "the same column twice": (table("n", (3.5,)), table("n again", (3.5, 3.5)), ("again",)),
    "columns between": (
        table("a b", ("x", 1), ("y", 2)),
        table("k a c b", (7, "x", "u", 1), (8, "y", "v", 2)),
        ("k", "c"),
    ),
}

EXTRAS_REFUSED = {
    "a lone number in a row that happens to hold it": (table("n", (3,)), table("n shipped freight", (10, 3, 32.38))),
    "a lone number found in an identifier": (table("n", (3,)), table("ShipVia_id ShipName", (3, "Alfa"))),
    "two aggregates": (table("average", (12.5,)), table("a b", (12.5, 99.0))),
    "an aggregate of a date": (table("first", ("2020-01-01",)), table("first last", ("2020-01-01", "2024-12-31"))),
    "NULL beside a name": (table("n", (None,)), table("name n", ("Alfa", None))),
    "an identifier only by its ending": (table("n", (3,)), table("paid n", (9, 3))),
    "an aggregate of an identifier": (table("n", (3,)), table("max_id n", (9, 3))),
}


@pytest.mark.parametrize(("gold", "got", "extra"), EXTRAS_ALLOWED.values(), ids=EXTRAS_ALLOWED)
def test_identifying_columns_may_be_added_and_are_named(gold: Result, got: Result, extra: tuple[str, ...]) -> None:
    match = results_match(gold, got)
    assert match.matched, match.reason
    assert match.extra_columns == extra
    assert all(name in match.reason for name in extra)


@pytest.mark.parametrize(("gold", "got"), EXTRAS_REFUSED.values(), ids=EXTRAS_REFUSED)
def test_a_match_by_accident_is_refused(gold: Result, got: Result) -> None:
    assert not results_match(gold, got).matched


def test_truncated_results_do_not_compare() -> None:
    whole = table("a", (1,))
    assert not results_match(replace(whole, truncated=True), whole).matched
    assert not results_match(whole, replace(whole, truncated=True)).matched


def test_order_counts_only_if_asked_for() -> None:
    gold, got = table("a n", ("x", 3), ("y", 2), ("z", 2)), table("a n", ("x", 3), ("z", 2), ("y", 2))
    assert results_match(gold, got).matched
    assert not results_match(gold, got, ordered=True).matched
    assert results_match(gold, got, ordered=True, order_columns=(1,)).matched, "rows that tie may swap"
    assert not results_match(gold, table("a n", ("y", 2), ("x", 3), ("z", 2)), ordered=True, order_columns=(1,)).matched


def test_order_is_found_among_equal_columns() -> None:
    gold = table("a b", (1, 2), (2, 1))
    assert results_match(gold, table("b a", (2, 1), (1, 2)), ordered=True).pairing == (1, 0)


def test_many_equal_columns_do_not_explode() -> None:
    columns = " ".join(f"c{i}" for i in range(12))
    gold = table(columns, *[(0,) * 12] * 200)
    assert results_match(gold, gold).matched
    got = table(columns + " v", *[(*(0,) * 12, i) for i in range(200)])
    assert not results_match(gold, got).matched


def test_a_thousand_near_ties() -> None:
    noise = random.Random(3)
    rows = [(1.0 + noise.random() * 1e-8, i % 7) for i in range(1000)]
    shuffled = [(a + 1e-9, b) for a, b in rows]
    noise.shuffle(shuffled)
    assert results_match(table("a b", *rows), table("a b", *shuffled)).matched
    assert not results_match(table("a b", *rows), table("a b", *shuffled[:-1], (1.0, 9))).matched


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(-1e6, 1e6, allow_nan=False),
    st.sampled_from(["x", "y", "ALFKI", "2024-01-05", "3", "10.50", ""]),
    st.decimals(-100, 100, places=2),
)


@st.composite
def results(draw: st.DrawFn) -> Result:
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.tuples(*[CELLS] * width), max_size=8))
    return Result(tuple(f"c{i}" for i in range(width)), tuple(rows))


@given(results(), st.randoms(use_true_random=False))
def test_shuffling_rows_and_columns_changes_nothing(gold: Result, chance: random.Random) -> None:
    order = list(range(len(gold.columns)))
    chance.shuffle(order)
    rows = [tuple(row[i] for i in order) for row in gold.rows]
    chance.shuffle(rows)
    got = Result(tuple(f"other{i}" for i in order), tuple(rows))
    assert results_match(gold, got).matched
    assert results_match(got, gold).matched
    assert results_match(gold, gold, ordered=True).matched


@given(results(), st.randoms(use_true_random=False))
def test_a_row_more_or_less_or_changed_is_seen(gold: Result, chance: random.Random) -> None:
    if not gold.rows:
        return
    i = chance.randrange(len(gold.rows))
    without = replace(gold, rows=gold.rows[:i] + gold.rows[i + 1 :])
    assert not results_match(gold, without).matched
    assert not results_match(without, gold).matched
    j = chance.randrange(len(gold.columns))
    changed = (*gold.rows[i][:j], "never a value", *gold.rows[i][j + 1 :])
    assert not results_match(gold, replace(gold, rows=(*without.rows, changed))).matched


@given(results())
def test_an_added_text_column_is_allowed_unless_there_is_nothing_to_recognise(gold: Result) -> None:
    got = Result((*gold.columns, "label"), tuple((*row, f"label {i}") for i, row in enumerate(gold.rows)))
    match = results_match(gold, got)
    empty_or_null = all(cell is None for row in gold.rows for cell in row)
    assert match.matched == (not gold.rows or not empty_or_null)
    if gold.rows and match.matched:
        assert match.extra_columns == ("label",)


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.floats(0.001, 1e5)), min_size=1, max_size=8))
def test_rounding_in_sql_is_forgiven_on_either_side(rows: list[tuple[str, float]]) -> None:
    if not any(round(n, 2) for _, n in rows):
        return
    exact = Result(("a", "n"), tuple(rows))
    rounded = Result(("a", "n"), tuple((a, round(n, 2)) for a, n in rows))
    assert results_match(exact, rounded).matched
    assert results_match(rounded, exact).matched
