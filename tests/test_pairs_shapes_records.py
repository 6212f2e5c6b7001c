"""Shapes of question about rows that the pair factory must make: orders without limits, gaps, parts of texts, dates."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fixtures_pairs import Shop, shop  # noqa: F401

from finetune.compose.compositions import Composition, Draw
from finetune.compose.conditions import add_condition
from finetune.compose.dates import by_date, day_surface
from finetune.compose.records import RECORD_KINDS
from finetune.pairs.templates import fill
from finetune.phrasing.grammar import phrasings
from memory.compiler import CannotCompile, Filter, SemanticQuery

_DRAWS = 400
Drawn = dict[str, list[tuple[Composition, str, str]]]
"""(composition, question, SQL) by shape."""


@pytest.fixture(scope="module")
def drawn(shop: Shop) -> Drawn:  # noqa: F811
    """(composition, question, SQL) by shape, of every kind of composition about rows."""
    found: Drawn = {}
    for kind in RECORD_KINDS:
        for index in range(_DRAWS):
            rng = random.Random(f"{kind.__name__}:{index}")
            try:
                composition = kind(shop.composer, rng)
                sql = shop.world.compile(composition.query) if composition else ""
            except CannotCompile:
                continue
            for question in phrasings(composition.ask, rng, 1) if composition else ():
                found.setdefault(composition.shape, []).append((composition, question, sql))  # type: ignore[union-attr]
    return found


def of(drawn: Drawn, *shapes: str) -> Iterator[tuple[Composition, str, str]]:
    for shape in shapes:
        assert len(drawn[shape]) > 20, shape
        yield from drawn[shape]


def test_rows_in_an_order_are_never_cut(drawn: Drawn) -> None:
    for _, question, sql in of(drawn, "rows.ordered", "rows.ordered_columns"):
        assert " LIMIT " not in sql, (question, sql)
    ordered = [sql for _, _, sql in of(drawn, "rows.ordered")]
    assert all(" ORDER BY " in sql for sql in ordered)
    assert sum(sql.endswith(" DESC") for sql in ordered) > len(ordered) / 6
    assert sum(" WHERE " in sql for sql in ordered) > len(ordered) / 2


def test_an_order_is_asked_for_in_many_ways(drawn: Drawn) -> None:
    ways = {phrase for c, _, _ in of(drawn, "rows.ordered") for phrase in c.ask.slots["by"]}
    for phrase in (
        ", newest first",
        ", newest on top",
        " in alphabetical order",
        ", cheapest first",
        " sorted by name",
    ):
        assert phrase in ways
    assert len(ways) > 100


def test_several_columns_are_shown_where_several_are_asked(
    drawn: Drawn,
    shop: Shop,  # noqa: F811
) -> None:
    widths = set()
    for composition, question, sql in of(drawn, "rows.ordered_columns"):
        outcome = shop.world.execute(sql)
        assert outcome.result is not None, (question, sql)
        assert len(outcome.result.columns) == len(composition.query.columns)
        widths.add(len(outcome.result.columns))
    assert {2, 3, 4} <= widths


def test_every_statement_about_rows_runs(
    drawn: Drawn,
    shop: Shop,  # noqa: F811
) -> None:
    shapes = ("rows.ordered", "rows.everything", "rows.everything_columns", "values", "aggregate", "aggregate_by")
    for composition, question, sql in of(drawn, *shapes):
        assert shop.world.execute(sql).result is not None, (composition.shape, question, sql)


def test_commas_and_colons_follow_a_word(drawn: Drawn) -> None:
    for _, question, _ in (row for rows in drawn.values() for row in rows):
        assert not re.search(r" [,:]|, ,|{", question), question


def test_different_values_are_distinct(drawn: Drawn) -> None:
    for _, question, sql in of(drawn, "values"):
        assert sql.startswith("SELECT DISTINCT "), (question, sql)
        assert " LIMIT " not in sql


def test_a_number_of_a_column_is_the_business_metric_where_there_is_one(
    drawn: Drawn,
) -> None:
    made = [sql for _, _, sql in of(drawn, "aggregate", "aggregate_by")]
    assert any("SUM(UnitsOnOrder) AS units_on_order" in sql for sql in made)
    assert any("MAX(" in sql for sql in made)
    assert any(" GROUP BY " in sql for sql in made)


def test_the_things_of_a_parent_are_filtered_by_it(drawn: Drawn) -> None:
    for composition, question, sql in of(drawn, "rows.everything", "rows.everything_columns"):
        assert str(composition.query.filters[0].values[0]).lower() in question.lower()
        assert " WHERE " in sql
        assert "{v}" not in question


# -- conditions ------------------------------------------------------------------------------------------------------


def conditions(shop: Shop, count: int = 600) -> list[Draw]:  # noqa: F811
    found = []
    for index in range(count):
        rng, draw = random.Random(f"condition:{index}"), Draw()
        if add_condition(shop.composer, rng, draw, rng.choice(shop.composer.entities)):
            found.append(draw)
    return found


def test_gaps_parts_of_texts_and_dates_are_all_asked_for(shop: Shop) -> None:  # noqa: F811
    made = conditions(shop)
    ops = [f.op for d in made for f in d.filters]
    for op in ("is null", "is not null", "like", "<", ">", ">="):
        assert ops.count(op) > 5, op
    patterns = {str(f.values[0]) for d in made for f in d.filters if f.op == "like"}
    assert any(p.startswith("%") and p.endswith("%") for p in patterns)
    assert any(not p.startswith("%") for p in patterns)


def test_a_missing_value_is_said_with_a_no(shop: Shop) -> None:  # noqa: F811
    negations = r"\b(no|not|n't|without|missing|empty|blank|lacking|unshipped|open|waiting|yet)\b|n't"
    for draw in conditions(shop):
        if any(f.op == "is null" for f in draw.filters):
            assert all(re.search(negations, phrase) for phrase in draw.where[0]), draw.where[0]


def test_a_flag_is_a_number_in_the_statement(shop: Shop) -> None:  # noqa: F811
    values = {f.values[0] for d in conditions(shop) for f in d.filters if f.field == "discontinued"}
    assert values == {0, 1}
    assert all(isinstance(v, int) for v in values)


def test_nobody_says_the_entity_twice(shop: Shop) -> None:  # noqa: F811
    supplier = shop.layer.entity("supplier")
    for index in range(200):
        draw = Draw()
        if add_condition(shop.composer, random.Random(f"twice:{index}"), draw, supplier) and draw.where:
            assert not any("suppliers in" in phrase for phrase in draw.where[0])


def test_dates_are_half_open_and_agree_with_their_words(shop: Shop) -> None:  # noqa: F811
    orders, seen = shop.layer.entity("order"), set()
    for index in range(400):
        draw = Draw()
        assert by_date(shop.composer, random.Random(f"date:{index}"), draw, orders)
        ops = [f.op for f in draw.filters]
        assert "<=" not in ops
        phrase = draw.where[0][0]
        for word, expected in (("before", ["<"]), ("after", [">", ">="]), ("since", [">="]), ("between", [">="])):
            if f" {word} " in phrase and f"or {word}" not in phrase:
                assert ops[0] in expected, (phrase, draw.filters)
                seen.add(word)
        if len(ops) == 2:
            assert ops == [">=", "<"]
            assert str(draw.filters[0].values[0]) < str(draw.filters[1].values[0])
    assert seen == {"before", "after", "since", "between"}


def test_a_day_is_written_as_people_write_it() -> None:
    day = dt.date(2021, 3, 2)
    ways = {day_surface(random.Random(index), day) for index in range(200)}
    assert {"2 March 2021", "March 2, 2021", "2021-03-02", "the 2nd of March 2021", "Mar 2, 2021"} <= ways
    assert not any(re.search(r"\d/\d", way) for way in ways)


# -- a table beside itself -------------------------------------------------------------------------------------------


def test_templates_of_a_table_beside_itself_run_and_qualify_columns(shop: Shop) -> None:  # noqa: F811
    from memory.compiler.dialects import finish

    beside = [t for t in shop.book.templates if "Employees AS manager" in t.sql]
    assert len(beside) >= 10
    for template in beside:
        filled = fill(template, random.Random(template.id), shop.world)
        assert filled is not None
        sql = finish(filled.sql, source=shop.layer.dialect, target="sqlite", catalog=shop.catalog)
        assert shop.world.execute(sql).result is not None, sql
        assert not re.search(r"(?<![.\w])(FirstName|LastName|ReportsTo|HireDate)\b", sql), sql


# -- the compiler's part ---------------------------------------------------------------------------------------------


def test_a_list_is_sorted_by_a_column_that_is_not_shown(shop: Shop) -> None:  # noqa: F811
    query = SemanticQuery(pattern="list", entity="product", order="desc", order_by="Products.UnitPrice")
    assert shop.world.compile(query) == "SELECT ProductName FROM Products ORDER BY Products.UnitPrice DESC"


def test_a_list_that_repeats_is_not_sorted_by_what_it_hides(shop: Shop) -> None:  # noqa: F811
    beverages = (Filter("product_category", "=", ("Beverages",)),)
    query = SemanticQuery(filters=beverages, pattern="list", entity="order", order="desc", order_by="Orders.OrderDate")
    with pytest.raises(CannotCompile):
        shop.world.compile(query)
    shown = replace(query, columns=("Orders.OrderID", "Orders.OrderDate"))
    assert shop.world.compile(shown).endswith(" ORDER BY OrderDate DESC")


def test_what_is_missing_is_not_shown(drawn: Drawn) -> None:
    for composition, question, _ in (row for rows in drawn.values() for row in rows):
        empty = {f.field for f in composition.query.filters if f.op == "is null"}
        assert not empty & set(composition.query.columns), question
