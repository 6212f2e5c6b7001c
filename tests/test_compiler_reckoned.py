"""Days of the week, days between two dates, places, companions and shared values mean the same on every engine."""

from __future__ import annotations

from collections import Counter

import pytest

from memory.compiler import CannotCompile, Compiler, Filter, Having, SemanticQuery
from memory.semantics import SemanticLayer
from tests.fixtures_warehouse import Built, built, layer, opened, sqlite_demo

__all__ = ["built", "layer", "sqlite_demo"]

PLACED, SENT = "Orders.OrderDate", "Orders.ShippedDate"


def rows(target: Built, layer: SemanticLayer, query: SemanticQuery) -> list[tuple[object, ...]]:
    sql = Compiler(layer, target.catalog, target.dialect).compile(query)
    with opened(target) as warehouse:
        outcome = warehouse.execute(sql)
    assert outcome.result is not None, (outcome.error, sql)
    return [tuple(row) for row in outcome.result.rows]


def number(target: Built, layer: SemanticLayer, *filters: Filter) -> int:
    [(found,)] = rows(target, layer, SemanticQuery(("order_count",), filters=filters, pattern="total"))
    return int(str(found))


def test_a_day_of_the_week_is_the_one_that_a_breakdown_counts(built: Built, layer: SemanticLayer) -> None:
    by_day = {str(row[1]): int(str(row[2])) for row in rows(built, layer, SemanticQuery(("order_count",),
                                                                                       grain="weekday"))}  # fmt: skip
    assert number(built, layer, Filter(f"weekday:{PLACED}", "=", ("1",))) == by_day["1"]
    weekend = number(built, layer, Filter(f"weekday:{PLACED}", "in", ("0", "6")))
    assert weekend == by_day.get("0", 0) + by_day.get("6", 0)


def test_the_days_between_two_dates_part_what_was_sent(built: Built, layer: SemanticLayer) -> None:
    days = f"days:{PLACED}:{SENT}"
    soon, later = (number(built, layer, Filter(days, op, (5,))) for op in ("<=", ">"))  # type: ignore[arg-type]
    assert min(soon, later) > 0
    assert soon + later == number(built, layer, Filter(SENT, "is not null"))


def test_a_place_is_where_the_breakdown_has_it(built: Built, layer: SemanticLayer) -> None:
    query = SemanticQuery(("order_count",), ("customer_name",), order="desc")
    listed = [(str(name), int(str(count))) for name, count in rows(built, layer, query)]
    name, count = listed[len(listed) // 2]
    place = SemanticQuery(("order_count",), ("customer_name",), order="desc", compare=(name,), pattern="rank_of")
    [(_, found)] = rows(built, layer, place)
    assert int(str(found)) == 1 + sum(other > count for _, other in listed)


def test_the_number_above_the_average_is_that_of_the_list(built: Built, layer: SemanticLayer) -> None:
    query = SemanticQuery(("order_count",), ("customer_name",), order="desc", pattern="above_average")
    counted = SemanticQuery(("order_count",), ("customer_name",), order="desc", pattern="count_above_average")
    [(found,)] = rows(built, layer, counted)
    assert int(str(found)) == len(rows(built, layer, query))


def test_companions_are_the_pairs_that_one_is_part_of(built: Built, layer: SemanticLayer) -> None:
    pairs = rows(built, layer, SemanticQuery((), ("product_name",), pattern="pairs", entity="order", order="desc"))
    name = str(pairs[0][0])
    query = SemanticQuery((), ("product_name",), pattern="pairs", entity="order", order="desc", compare=(name,))
    expected = Counter[str]()
    for one, other, shared in pairs:
        if name in (one, other):
            expected[str(other if one == name else one)] += int(str(shared))
    assert {str(found): int(str(shared)) for found, shared in rows(built, layer, query)} == dict(expected)


def test_two_conditions_leave_those_that_meet_both(built: Built, layer: SemanticLayer) -> None:
    many = SemanticQuery(("order_count",), ("customer_name",), having=Having(">=", 5))
    much = SemanticQuery(("total_freight",), ("customer_name",), having=Having(">", 500))
    both = SemanticQuery(
        ("order_count",), ("customer_name",), having=Having(">=", 5), among=("total_freight", Having(">", 500))
    )
    first, second, found = ({str(row[0]) for row in rows(built, layer, query)} for query in (many, much, both))
    assert found == first & second


def test_values_of_another_table_are_those_of_all_its_rows_or_of_one(built: Built, layer: SemanticLayer) -> None:
    suppliers, customers = (
        rows(built, layer, SemanticQuery(pattern="list", entity=entity, columns=(f"{entity}_name", f"{table}.City")))
        for entity, table in (("supplier", "Suppliers"), ("customer", "Customers"))
    )
    name, city = suppliers[0]
    for values, cities in (((), {row[1] for row in suppliers}), ((str(name),), {city})):
        query = SemanticQuery(
            pattern="list", entity="customer", columns=("customer_name",),
            filters=(Filter("Customers.City", "in", values, other="Suppliers.City"),),
        )  # fmt: skip
        assert Counter(rows(built, layer, query)) == Counter((row[0],) for row in customers if row[1] in cities)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (SemanticQuery(("order_count",), ("customer_name",), pattern="rank_of"), "which one"),
        (SemanticQuery(("order_count",), filters=(Filter("age:Orders.OrderDate", ">", (1,)),), pattern="total"),
         "reckoned"),
    ],
)  # fmt: skip
def test_what_cannot_be_reckoned_is_refused(
    sqlite_demo: Built, layer: SemanticLayer, query: SemanticQuery, says: str
) -> None:
    with pytest.raises(CannotCompile, match=says):
        Compiler(layer, sqlite_demo.catalog, sqlite_demo.dialect).compile(query)
