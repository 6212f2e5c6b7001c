"""Weeks, weekdays, days, months of the year, ranks and shares of the first few mean the same on every engine."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from memory.compiler import CannotCompile, Compiler, Having, SemanticQuery, TimeWindow
from memory.semantics import SemanticLayer
from tests.fixtures_warehouse import ORDERS, Built, built, layer, opened, sqlite_demo

__all__ = ["built", "layer", "sqlite_demo"]

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def rows(target: Built, layer: SemanticLayer, query: SemanticQuery) -> list[tuple[object, ...]]:
    sql = Compiler(layer, target.catalog, target.dialect).compile(query)
    with opened(target) as warehouse:
        outcome = warehouse.execute(sql)
    assert outcome.result is not None, (outcome.error, sql)
    return [tuple(row) for row in outcome.result.rows]


def order_days(target: Built) -> list[dt.date]:
    """The day of every order, asked for without the compiler."""
    with opened(target) as warehouse:
        quoted = '"OrderDate" FROM "Orders"' if target.dialect == "postgres" else "OrderDate FROM Orders"
        outcome = warehouse.execute(f"SELECT {quoted}")
    assert outcome.result is not None
    days = [dt.date.fromisoformat(str(row[0])[:10]) for row in outcome.result.rows]
    assert len(days) == ORDERS
    return days


def counted(target: Built, layer: SemanticLayer, grain: str, **other: object) -> list[tuple[object, ...]]:
    return rows(target, layer, SemanticQuery(("order_count",), grain=grain, **other))  # type: ignore[arg-type]


def test_weeks_begin_on_monday(built: Built, layer: SemanticLayer) -> None:
    expected = Counter((day - dt.timedelta(days=day.weekday())).isoformat() for day in order_days(built))
    assert counted(built, layer, "week") == sorted(expected.items())


def test_days_are_iso_dates(built: Built, layer: SemanticLayer) -> None:
    expected = Counter(day.isoformat() for day in order_days(built))
    assert counted(built, layer, "day") == sorted(expected.items())


def test_weekdays_have_a_number_and_a_name(built: Built, layer: SemanticLayer) -> None:
    expected = Counter((_DAYS[day.weekday()], str(day.isoweekday() % 7)) for day in order_days(built))
    assert counted(built, layer, "weekday") == [
        (*key, count) for key, count in sorted(expected.items(), key=lambda item: item[0][1])
    ]


def test_months_of_the_year_are_of_all_years(built: Built, layer: SemanticLayer) -> None:
    expected = Counter((day.strftime("%B"), day.strftime("%m")) for day in order_days(built))
    assert counted(built, layer, "month_of_year") == [
        (*key, count) for key, count in sorted(expected.items(), key=lambda item: item[0][1])
    ]


def test_the_second_is_the_one_after_the_first(built: Built, layer: SemanticLayer) -> None:
    ranked = rows(built, layer, SemanticQuery(("sales_revenue",), ("customer_name",), order="desc", limit=3))
    for place in range(3):
        query = SemanticQuery(("sales_revenue",), ("customer_name",), order="desc", limit=1, offset=place)
        assert [row[0] for row in rows(built, layer, query)] == [ranked[place][0]]


def test_the_second_of_each_group(built: Built, layer: SemanticLayer) -> None:
    best = SemanticQuery(
        ("sales_revenue",), ("product_category", "product_name"), order="desc", limit=2, pattern="rank_within"
    )
    both = rows(built, layer, best)
    second = rows(
        built,
        layer,
        SemanticQuery(best.metrics, best.dimensions, order="desc", limit=1, offset=1, pattern="rank_within"),
    )
    first = rows(built, layer, SemanticQuery(best.metrics, best.dimensions, order="desc", pattern="rank_within"))
    assert second
    assert sorted(map(str, both)) == sorted(map(str, first + second))


def test_the_share_of_the_first_few(built: Built, layer: SemanticLayer) -> None:
    groups = rows(built, layer, SemanticQuery(("sales_revenue",), ("customer_name",), order="desc"))
    values = [float(str(row[-1])) for row in groups]
    query = SemanticQuery(("sales_revenue",), ("customer_name",), order="desc", limit=5, pattern="share_of_top")
    [(share,)] = rows(built, layer, query)
    assert float(str(share)) == pytest.approx(100 * sum(values[:5]) / sum(values))


def test_between_keeps_both_ends(built: Built, layer: SemanticLayer) -> None:
    orders = rows(built, layer, SemanticQuery(("order_count",), ("customer_name",)))
    low, high = sorted({int(str(row[-1])) for row in orders})[:2]
    query = SemanticQuery(("order_count",), ("customer_name",), having=Having("between", low, high))
    kept = rows(built, layer, query)
    assert sorted(kept) == sorted(row for row in orders if low <= int(str(row[-1])) <= high)


def test_each_month_against_the_same_one_of_the_year_before(built: Built, layer: SemanticLayer) -> None:
    years = TimeWindow("2023-01-01", "2025-01-01")
    query = SemanticQuery(("order_count",), grain="month", lag="year", window=years, pattern="growth_series")
    months = Counter(day.strftime("%Y-%m") for day in order_days(built))
    for month, count, growth in rows(built, layer, query):
        before = months.get(f"{int(str(month)[:4]) - 1}{str(month)[4:]}")
        assert count == months[str(month)]
        if before is None:
            assert growth is None
        else:
            assert float(str(growth)) == pytest.approx(100 * months[str(month)] / before - 100)


@pytest.mark.parametrize("pattern", ["growth_series", "growth_table"])
@pytest.mark.parametrize("grain", ["week", "day", "weekday", "month_of_year"])
def test_no_growth_over_periods_with_gaps(sqlite_demo: Built, layer: SemanticLayer, grain: str, pattern: str) -> None:
    query = SemanticQuery(("order_count",), grain=grain, pattern=pattern)  # type: ignore[arg-type]
    with pytest.raises(CannotCompile, match="is not set against"):
        Compiler(layer, sqlite_demo.catalog, "sqlite").compile(query)
