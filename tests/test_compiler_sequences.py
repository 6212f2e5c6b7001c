"""Gaps, streaks, pairs, medians and what is set against all or against its own group: the same on every engine."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from itertools import combinations, pairwise
from statistics import mean, median

import pytest

from memory.compiler import CannotCompile, Compiler, Having, Related, SemanticQuery, TimeWindow
from memory.compiler.dialects import finish
from memory.semantics import SemanticLayer
from tests.fixtures_warehouse import Built, built, layer, opened, sqlite_demo

__all__ = ["built", "layer", "sqlite_demo"]

Rows = list[tuple[object, ...]]


def fetched(target: Built, sql: str) -> Rows:
    with opened(target) as warehouse:
        outcome = warehouse.execute(sql)
    assert outcome.result is not None, (outcome.error, sql)
    return [tuple(row) for row in outcome.result.rows]


def asked(target: Built, layer: SemanticLayer, query: SemanticQuery) -> Rows:
    return fetched(target, Compiler(layer, target.catalog, target.dialect).compile(query))


def orders(target: Built, layer: SemanticLayer) -> list[tuple[int, str, dt.date]]:
    """Number, customer and day of every order, by a plain list."""
    columns = ("order_number", "customer_name", "order_date")
    found = asked(target, layer, SemanticQuery(pattern="list", entity="order", columns=columns))
    return [(int(str(n)), str(customer), dt.date.fromisoformat(str(day)[:10])) for n, customer, day in found]


def days_of(target: Built, layer: SemanticLayer) -> dict[str, list[dt.date]]:
    found: dict[str, list[dt.date]] = defaultdict(list)
    for _, customer, day in sorted(orders(target, layer), key=lambda row: row[2]):
        found[customer].append(day)
    return found


def test_the_average_gap_is_that_between_neighbours(built: Built, layer: SemanticLayer) -> None:
    query = SemanticQuery((), ("customer_name",), pattern="average_gap", entity="order", having=Having(">=", 3))
    expected = {
        customer: mean((b - a).days for a, b in pairwise(days))
        for customer, days in days_of(built, layer).items()
        if len(days) >= 3
    }
    found = {str(name): float(str(gap)) for name, gap in asked(built, layer, query)}
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("length", [2, 3])
def test_a_streak_is_of_months_on_end_across_the_turn_of_the_year(
    built: Built, layer: SemanticLayer, length: int
) -> None:
    query = SemanticQuery(
        (), ("customer_name",), grain="month", having=Having(">=", length), pattern="streak", entity="order"
    )
    expected = set()
    for customer, days in days_of(built, layer).items():
        months = {day.year * 12 + day.month for day in days}
        if any(all(month + step in months for step in range(length)) for month in months):
            expected.add(customer)
    assert sorted(str(row[0]) for row in asked(built, layer, query)) == sorted(expected)


def test_pairs_are_counted_once_on_each_row(built: Built, layer: SemanticLayer) -> None:
    lines = asked(built, layer, SemanticQuery(("order_line_count",), ("order_number", "product_category")))
    held: dict[str, set[str]] = defaultdict(set)
    for number, category, _ in lines:
        held[str(number)].add(str(category))
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for categories in held.values():
        for one, other in combinations(sorted(categories), 2):
            expected[one, other] += 1
    for by_name in (False, True):
        query = SemanticQuery((), ("product_category",), pattern="pairs", entity="order", by_group=by_name)
        found = {tuple(sorted((str(a), str(b)))): int(str(count)) for a, b, count in asked(built, layer, query)}
        assert found == expected
    best = max(expected.values())
    first = SemanticQuery((), ("product_category",), pattern="pairs", entity="order", order="desc", limit=1)
    assert [int(str(row[2])) for row in asked(built, layer, first)] == [best]


@pytest.mark.parametrize("year", ["2022", "2023"])
def test_the_median_is_the_middle_of_odd_and_even_rows(built: Built, layer: SemanticLayer, year: str) -> None:
    window = TimeWindow(f"{year}-01-01", f"{int(year) + 1}-01-01")
    each = asked(built, layer, SemanticQuery(("total_freight",), ("order_number",), window=window))
    query = SemanticQuery(("average_freight",), window=window, pattern="median")
    [(found,)] = asked(built, layer, query)
    assert float(str(found)) == pytest.approx(median(float(str(row[1])) for row in each))
    grouped = SemanticQuery(("sales_revenue",), ("order_number",), window=window, pattern="median")
    values = asked(built, layer, SemanticQuery(("sales_revenue",), ("order_number",), window=window))
    [(found,)] = asked(built, layer, grouped)
    assert float(str(found)) == pytest.approx(median(float(str(row[1])) for row in values))


def test_above_what_it_is_of_all(built: Built, layer: SemanticLayer) -> None:
    metric = ("average_order_value",)
    [(whole,)] = asked(built, layer, SemanticQuery(metric, pattern="total"))
    each = asked(built, layer, SemanticQuery(metric, ("customer_country",)))
    query = SemanticQuery(metric, ("customer_country",), order="desc", pattern="above_total")
    expected = sorted(str(name) for name, value in each if float(str(value)) > float(str(whole)))
    assert sorted(str(row[0]) for row in asked(built, layer, query)) == expected
    assert 0 < len(expected) < len(each)


def test_rows_against_the_average_of_their_own_group(built: Built, layer: SemanticLayer) -> None:
    columns = ("product_name", "product_category", "product_unit_price")
    each = asked(built, layer, SemanticQuery(pattern="list", entity="product", columns=columns))
    prices: dict[str, list[float]] = defaultdict(list)
    for _, category, price in each:
        prices[str(category)].append(float(str(price)))
    expected = sorted(str(name) for name, group, price in each if float(str(price)) > 2 * mean(prices[str(group)]))
    query = SemanticQuery(
        (), ("product_category",), having=Having(">", 2), order="desc", pattern="compare_to_row", entity="product",
        columns=("Products.UnitPrice",),
    )  # fmt: skip
    assert sorted(str(row[0]) for row in asked(built, layer, query)) == expected
    assert expected


def test_who_bought_of_every_kind(built: Built, layer: SemanticLayer) -> None:
    lines = asked(built, layer, SemanticQuery(("order_line_count",), ("customer_name", "product_category")))
    held: dict[str, set[str]] = defaultdict(set)
    for customer, category, _ in lines:
        held[str(customer)].add(str(category))
    most = max(map(len, held.values()))
    every = Related("Orders", every="product_category")
    found = asked(built, layer, SemanticQuery(pattern="list", entity="customer", related=(every,)))
    [(kinds,)] = asked(built, layer, SemanticQuery(("count:category",), pattern="total"))
    expected = sorted(name for name, categories in held.items() if len(categories) == int(str(kinds)))
    assert sorted(str(row[0]) for row in found) == expected
    assert most <= int(str(kinds))


def test_the_share_of_those_who_came_back(built: Built, layer: SemanticLayer) -> None:
    first, second = TimeWindow("2022-01-01", "2023-01-01"), TimeWindow("2023-01-01", "2024-01-01")
    years = {customer: {day.year for day in days} for customer, days in days_of(built, layer).items()}
    then = [held for held in years.values() if 2022 in held]
    query = SemanticQuery(
        ("customer_count",),
        pattern="share_of",
        related=(Related("Orders", window=first), Related("Orders", window=second)),
    )
    [(share,)] = asked(built, layer, query)
    assert float(str(share)) == pytest.approx(100 * sum(2023 in held for held in then) / len(then))


def test_only_those_with_rows_in_both_periods(built: Built, layer: SemanticLayer) -> None:
    window = TimeWindow("2022-01-01", "2024-01-01")
    compare = ("2022-01-01", "2023-01-01")
    query = SemanticQuery(
        ("order_count",), ("customer_name",), window=window, grain="year", compare=compare, pattern="change_table",
        in_both=True,
    )  # fmt: skip
    years = {customer: [day.year for day in days] for customer, days in days_of(built, layer).items()}
    expected = {name: (held.count(2022), held.count(2023)) for name, held in years.items() if {2022, 2023} <= set(held)}
    found = {str(row[0]): (int(str(row[1])), int(str(row[2]))) for row in asked(built, layer, query)}
    assert found == expected


def test_the_periods_with_more_than_the_one_before(built: Built, layer: SemanticLayer) -> None:
    each = asked(built, layer, SemanticQuery(("order_count",), grain="year"))
    query = SemanticQuery(
        ("order_count",), grain="year", having=Having(">", 0), columns=("value",), pattern="change_series"
    )
    expected = [after for before, after in pairwise(each) if int(str(after[1])) > int(str(before[1]))]
    assert sorted(map(str, asked(built, layer, query))) == sorted(map(str, expected))


def test_shares_over_a_limit(built: Built, layer: SemanticLayer) -> None:
    shares = asked(built, layer, SemanticQuery(("sales_revenue",), ("product_category",), pattern="share"))
    query = SemanticQuery(
        ("sales_revenue",), ("product_category",), having=Having(">", 12), order="desc", pattern="share"
    )
    expected = sorted((float(str(row[1])) for row in shares if float(str(row[1])) > 12), reverse=True)
    assert [float(str(row[1])) for row in asked(built, layer, query)] == pytest.approx(expected)


def test_days_within_a_year_leave_out_the_first_of_the_next(built: Built, layer: SemanticLayer) -> None:
    query = SemanticQuery(
        ("max:Orders.OrderDate",), ("customer_name",), having=Having("within", "2023-01-01", "2024-01-01")
    )
    expected = sorted(name for name, days in days_of(built, layer).items() if days[-1].year == 2023)
    assert sorted(str(row[0]) for row in asked(built, layer, query)) == expected


def test_what_a_metric_is_of_those_who_stayed_away(built: Built, layer: SemanticLayer) -> None:
    gone = Related("Orders", negated=True, window=TimeWindow("2024-01-01", "2025-01-01"))
    query = SemanticQuery(("order_count",), ("customer_name",), related=(gone,), entity="customer")
    expected = {
        name: len(days) for name, days in days_of(built, layer).items() if all(day.year != 2024 for day in days)
    }
    assert {str(name): int(str(count)) for name, count in asked(built, layer, query)} == expected


def test_a_quarter_written_for_sqlite_is_one_elsewhere(built: Built, layer: SemanticLayer) -> None:
    quarter = "(CAST(STRFTIME('%m', Orders.OrderDate) AS INTEGER) + 2) / 3"
    text = f"SELECT Orders.OrderID, {quarter} AS quarter_number FROM Orders"
    found = fetched(built, finish(text, source="sqlite", target=built.dialect, catalog=built.catalog))
    expected = {number: (day.month + 2) // 3 for number, _, day in orders(built, layer)}
    assert {int(str(number)): float(str(value)) for number, value in found} == expected


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (SemanticQuery((), ("customer_name",), pattern="streak", entity="order"), "how many"),
        (SemanticQuery((), ("customer_name",), pattern="average_gap", entity="customer"), "no days"),
        (SemanticQuery(("gross_margin",), pattern="median"), "one column"),
        (SemanticQuery((), (), pattern="pairs", entity="order"), "one kind"),
    ],
)
def test_what_has_no_order_is_refused(
    sqlite_demo: Built,
    layer: SemanticLayer,
    query: SemanticQuery,
    says: str,
) -> None:
    with pytest.raises(CannotCompile, match=says):
        Compiler(layer, sqlite_demo.catalog, sqlite_demo.dialect).compile(query)
