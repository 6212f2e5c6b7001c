"""Shapes of question about metrics: orders without a limit, series, named values, tables, leaders, sets over time."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from fixtures_pairs import Shop, shop  # noqa: F401

from finetune.compose.compositions import Composition
from finetune.compose.idioms import idiom
from finetune.compose.metrics import METRIC_KINDS
from finetune.compose.periods import compared_periods, growth_series, series
from finetune.compose.tables import compared_values, leaders, ordered, side_by_side
from finetune.phrasing.grammar import phrasings
from finetune.phrasing.productions import PRODUCTIONS
from finetune.phrasing.productions_groups import GROUP_PRODUCTIONS
from finetune.phrasing.productions_metrics import METRIC_PRODUCTIONS
from finetune.phrasing.productions_periods import PERIOD_PRODUCTIONS
from finetune.phrasing.productions_records import RECORD_PRODUCTIONS
from finetune.phrasing.productions_tables import TABLE_PRODUCTIONS
from memory.compiler import CannotCompile, Having, SemanticQuery, TimeWindow


def drawn(shop: Shop, kind: object, count: int = 120) -> Iterator[tuple[Composition, str, list[str]]]:  # noqa: F811
    """(composition, SQL, questions) of a kind, as the factory makes them."""
    for index in range(count):
        rng = random.Random(f"shapes:{index}")
        try:
            found = kind(shop.composer, rng)  # type: ignore[operator]
            sql = shop.world.compile(found.query) if found else ""
        except CannotCompile:
            continue
        if found:
            yield found, sql, phrasings(found.ask, rng, 4)


def query(**fields: object) -> SemanticQuery:
    return replace(SemanticQuery(metrics=("sales_revenue",), dimensions=("product_category",)), **fields)  # type: ignore[arg-type]


def columns_and_rows(shop: Shop, sql: str) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:  # noqa: F811
    result = shop.world.execute(sql).result
    assert result is not None
    return tuple(result.columns), list(result.rows)


# -- orders without a limit ------------------------------------------------------------------------------------------


def test_an_order_without_a_number_has_no_limit(shop: Shop) -> None:  # noqa: F811
    seen = Counter[str]()
    for found, sql, questions in drawn(shop, ordered):
        assert re.search(r" ORDER BY [\w.]+( DESC)?$", sql), sql
        assert questions, found
        assert not any(" ," in q or "{" in q for q in questions)
        seen[found.shape] += 1
    assert min(seen[f"ordered.{k}"] for k in ("by_metric", "by_name", "periods", "latest_first")) > 3


def test_words_of_an_order_agree_with_its_direction(shop: Shop) -> None:  # noqa: F811
    down = re.compile(r"\b(highest (first|on top)|largest first|biggest first|best first|descending|(high|largest) to)")
    up = re.compile(r"\b(lowest (first|on top)|smallest (first|on top)|worst first|ascending|(low|smallest) to)")
    checked = 0
    for found, _, questions in drawn(shop, ordered, 200):
        if found.shape in ("ordered.by_metric", "ordered.periods") and found.query.metrics[0] != "late_shipment_rate":
            for question in questions:
                wrong = up if found.query.order == "desc" else down
                checked += 1
                assert not wrong.search(question), question
    assert checked > 100


def test_orders_are_asked_as_often_as_top_lists() -> None:
    weights = {kind.__name__: weight for kind, weight in METRIC_KINDS.items()}
    parts = (METRIC_PRODUCTIONS, GROUP_PRODUCTIONS, PERIOD_PRODUCTIONS, TABLE_PRODUCTIONS, RECORD_PRODUCTIONS)
    names = [name for part in parts for name in part]
    assert len(names) == len(PRODUCTIONS)  # no shape takes the place of another of the same name
    assert weights["ordered"] >= 0.5 * weights["_top"]  # half of those are the one best, not a list
    assert len(PRODUCTIONS["groups_ordered"]) >= 20


def test_groups_in_alphabetical_order(shop: Shop) -> None:  # noqa: F811
    sql = shop.world.compile(query(order="asc", by_group=True))
    names = [row[0] for row in columns_and_rows(shop, sql)[1]]
    assert sql.endswith("ORDER BY CategoryName")
    assert names == sorted(names)  # type: ignore[type-var]


def test_periods_of_a_ratio_latest_first(shop: Shop) -> None:  # noqa: F811
    latest = query(
        metrics=("freight_to_sales_ratio",), dimensions=(), grain="year", window=None, order="desc", by_group=True
    )
    years = [row[0] for row in columns_and_rows(shop, shop.world.compile(latest))[1]]
    assert years == sorted(years, reverse=True)  # type: ignore[type-var]
    assert len(years) > 2


# -- series ----------------------------------------------------------------------------------------------------------


def test_a_series_of_years_may_have_a_first_and_a_last_year(shop: Shop) -> None:  # noqa: F811
    kinds = Counter[str]()
    for found, sql, questions in drawn(shop, series, 300):
        if found.query.grain == "year" and found.query.window and found.query.order is None:
            kinds["windowed"] += 1
            assert "OrderDate" in sql
        if found.ask.shapes == ("series_of_year",):
            kinds["of_year"] += 1
            year = str(found.query.window.start)[:4] if found.query.window else ""
            assert all(q.count(year) == 1 for q in questions), questions
    assert kinds["windowed"] > 5
    assert kinds["of_year"] > 5


def test_ratios_of_two_grains_are_drawn_most(shop: Shop) -> None:  # noqa: F811
    drawn_metrics = Counter[str]()
    for index in range(4000):
        metric = shop.composer.a_metric(random.Random(f"metric:{index}"))
        drawn_metrics[metric.id if metric else ""] += 1
    ratios = [m.id for m in shop.layer.metrics if shop.world.compiler.two_grained(m.id)]
    assert {"freight_to_sales_ratio", "inventory_turnover", "customer_retention_rate"} <= set(ratios)
    assert min(drawn_metrics[r] for r in ratios) > 0.03 * 4000


# -- values and metrics side by side ---------------------------------------------------------------------------------


def test_named_values_get_a_row_each(shop: Shop) -> None:  # noqa: F811
    sizes = Counter[int]()
    for found, sql, questions in drawn(shop, compared_values):
        values = found.query.filters[-1].values
        sizes[len(values)] += 1
        assert " IN (" in sql
        assert "GROUP BY" in sql
        assert "LIMIT" not in sql
        assert all(str(v).lower() in q.lower() for v in values for q in questions), (values, questions)
    assert sizes[2] > 10
    assert sizes[3] > 5


def test_three_metrics_side_by_side(shop: Shop) -> None:  # noqa: F811
    shapes = Counter[str]()
    for found, sql, _ in drawn(shop, side_by_side):
        names = columns_and_rows(shop, sql)[0]
        assert len(names) == 3 + len(found.query.dimensions) + bool(found.query.grain)
        shapes[found.ask.shapes[0]] += 1
    assert min(shapes[s] for s in ("three_metrics", "three_metrics_by", "three_metrics_series")) > 3


# -- leaders, averages, conditions -----------------------------------------------------------------------------------


def test_leaders_of_groups_without_the_metrics_name(shop: Shop) -> None:  # noqa: F811
    found = 0
    for composition, sql, questions in drawn(shop, leaders):
        assert "RANK() OVER (PARTITION BY " in sql
        assert questions, found
        limit = composition.query.limit or 1
        assert f"place {'= 1' if limit == 1 else f'<= {limit}'}" in sql
        found += 1
    assert found > 40


def test_a_multiple_of_the_average(shop: Shop) -> None:  # noqa: F811
    above = query(dimensions=("customer_name",), pattern="above_average", order="desc")
    plain = columns_and_rows(shop, shop.world.compile(above))[1]
    twice = columns_and_rows(shop, shop.world.compile(replace(above, having=Having(">", 2))))[1]
    assert 0 < len(twice) < len(plain)


@pytest.mark.parametrize(("key", "sign"), [("over", ">"), ("under", "<"), ("least", ">=")])
def test_idioms_with_a_threshold(shop: Shop, key: str, sign: str) -> None:  # noqa: F811
    made = [(f, sql) for f, sql, _ in drawn(shop, idiom, 500) if f.shape == f"idiom.{key}"]
    assert len(made) > 3
    assert all(f.query.having is not None and f.query.having.op == sign and " HAVING " in sql for f, sql in made)


# -- over time -------------------------------------------------------------------------------------------------------


def test_growth_with_both_values(shop: Shop) -> None:  # noqa: F811
    table = query(dimensions=(), pattern="growth_table", grain="year")
    names, rows = columns_and_rows(shop, shop.world.compile(table))
    assert names == ("year", "sales_revenue", "previous_sales_revenue", "growth_percent")
    for before, row in pairwise(rows):
        assert row[2] == before[1]
        assert row[3] == pytest.approx(100 * row[1] / before[1] - 100)  # type: ignore[operator]


def test_growth_by_group_with_both_values(shop: Shop) -> None:  # noqa: F811
    years = sorted({str(day)[:4] for day in shop.world.values("Orders.OrderDate")})
    first, second = f"{years[-3]}-01-01", f"{years[-2]}-01-01"
    window = TimeWindow(first, f"{years[-1]}-01-01")
    table = query(pattern="growth_table", grain="year", compare=(first, second), window=window)
    names, rows = columns_and_rows(shop, shop.world.compile(table))
    assert names == ("CategoryName", "previous_sales_revenue", "sales_revenue", "growth_percent")
    assert len(rows) == len(shop.world.values("product_category"))
    assert all(row[3] == pytest.approx(100 * row[2] / row[1] - 100) for row in rows)  # type: ignore[operator]


def test_tables_of_growth_are_composed(shop: Shop) -> None:  # noqa: F811
    seen = Counter(f.ask.shapes[0] for kind in (compared_periods, growth_series) for f, _, _ in drawn(shop, kind, 300))
    assert min(seen[s] for s in ("growth_table", "growth_table_by", "growth_table_series")) > 3


# -- sets over time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["ordered_one_quarter_not_other", "ordered_both_periods", "sold_one_period_not_other"])
def test_two_periods_of_a_template_differ(shop: Shop, key: str) -> None:  # noqa: F811
    template = next(t for t in shop.book.templates if t.id == key)
    book = replace(shop.book, templates=(template,))
    pairs = [p for i in range(60) for p in book.draw(random.Random(f"sets:{i}"), shop.world, 1)[1]]
    assert len(pairs) > 20
    for pair in pairs:
        starts = re.findall(r">= '(\d{4}-\d\d-\d\d)'", pair.sql)
        assert len(set(starts)) == 2, pair.sql
        if key == "ordered_both_periods":
            assert starts == sorted(starts)


def test_customers_every_shipper_served(shop: Shop) -> None:  # noqa: F811
    template = next(t for t in shop.book.templates if t.id == "customers_all_shippers")
    sql = replace(shop.book, templates=(template,)).draw(random.Random(1), shop.world, 1)[1][0].sql
    served = {row[0] for row in columns_and_rows(shop, sql)[1]}
    counted = columns_and_rows(
        shop,
        "SELECT CompanyName, COUNT(DISTINCT ShipVia) FROM Orders JOIN Customers USING (CustomerID) GROUP BY 1",
    )[1]
    shippers = columns_and_rows(shop, "SELECT COUNT(*) FROM Shippers")[1][0][0]
    assert served == {name for name, count in counted if count == shippers}
