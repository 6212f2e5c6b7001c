"""`doctor` names what metrics.yaml and policy.yaml say that does not fit, or fits twice."""

# ruff: noqa: F811  pytest finds fixtures by their imported names
from __future__ import annotations

import pytest
from fixtures_doctor import METRICS, Shop, shop  # noqa: F401

from memory.semantics import SemanticsError, load_semantics, read_semantics


def test_every_unknown_table_and_column_is_named_with_its_line(shop: Shop) -> None:
    assert shop.only("metrics").severity == "ok"
    text = METRICS.replace("SUM(orders.total)", "SUM(orders.totl)").replace("label: name", "label: nam")
    shop.write("metrics.yaml", text + "  - {id: visits, name: Visits, sql: COUNT(*), base: visits}\n")
    found = shop.check("metrics")
    assert {each.severity for each in found} == {"error"}
    said = " ".join(each.what for each in found)
    assert len(found) == 3
    for wrong in ("no column `totl`", "no column `nam`", "no table `visits`", "metrics.yaml:11"):
        assert wrong in said


def test_a_join_on_what_is_not_there_is_a_misfit_and_stops_no_other_check(shop: Shop) -> None:
    shop.write(
        "metrics.yaml", METRICS.replace("joins: []", "joins: [{left: orders.gone, right: customers.customer_id}]")
    )
    assert "no column `gone`" in shop.only("metrics").what
    assert shop.only("joins").severity == "ok"


@pytest.mark.parametrize(
    ("change", "severity", "said"),
    [
        (("name: Orders", "name: TURNOVER"), "error", "`turnover` also names `revenue`"),
        (("synonyms: [market]}", "synonyms: [market]}\n  - {id: land, name: MARKET, table: customers, column: name}"),
         "error", "`market` also names `country`"),
        (("synonyms: [market]", "synonyms: [market, SALES]"), "warning",
         "The metric `revenue` and the dimension `country` are both called `sales`."),
    ],
    ids=["two metrics", "two dimensions", "a metric and a dimension"],
)  # fmt: skip
def test_one_name_for_two_things(change: tuple[str, str], severity: str, said: str, shop: Shop) -> None:
    assert shop.only("names").severity == "ok"
    assert change[0] in METRICS
    shop.write("metrics.yaml", METRICS.replace(*change))
    found = shop.only("names")
    assert found.severity == severity
    assert said in found.what
    assert shop.only("metrics").severity == "ok"  # that is another fault


def test_a_customer_entity_may_share_its_dimensions_name(shop: Shop) -> None:
    shop.write("metrics.yaml", METRICS.replace("synonyms: [market]", "synonyms: [client]"))
    assert shop.only("names").severity == "ok"


def test_reading_on_is_for_looking_only(shop: Shop) -> None:
    shop.write("metrics.yaml", METRICS.replace("name: Orders", "name: TURNOVER"))
    path = shop.folder / "metrics.yaml"
    assert len(read_semantics(path).ambiguous) == 1
    with pytest.raises(SemanticsError, match="turnover"):
        load_semantics(path)
    shop.write("metrics.yaml", METRICS.replace("type: text", "type: colour"))
    with pytest.raises(SemanticsError, match="colour"):
        read_semantics(path)


def test_rules_that_match_nothing(shop: Shop) -> None:
    shop.write("policy.yaml", "version: 1\ntables: {deny: ['ord*']}\ncolumns: {deny: ['*.Country']}\n")
    assert shop.only("policy").severity == "ok"
    shop.write("policy.yaml", "version: 1\ntables: {deny: [ordrs]}\ncolumns: {deny: [customers.phone, orders.total]}\n")
    found = shop.only("policy")
    assert found.severity == "warning"
    assert "`ordrs`, `customers.phone`," in found.what
    assert "orders.total" not in found.what
