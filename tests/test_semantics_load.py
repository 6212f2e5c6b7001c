"""metrics.yaml is read strictly: every mistake names its line, its key and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fixtures_pairs import METRICS, Shop, shop  # noqa: F401
from ruamel.yaml import YAML

from memory.semantics import SemanticsError, load_semantics

GOOD = """\
version: 1
dialect: duckdb
calendar: {time_column: Orders.OrderDate, as_of: "2024-12-31"}
entities:
  - {id: customer, name: Customer, table: Customers, key: CustomerID, label: CompanyName}
dimensions:
  - {id: country, name: Country, table: Customers, column: Country, type: text}
metrics:
  - id: freight
    name: Freight
    sql: SUM(Orders.Freight)
    base: Orders
    time: Orders.OrderDate
  - id: orders
    name: Orders
    sql: COUNT(*)
    base: Orders
    synonyms: [purchases]
  - {id: freight_per_order, name: Freight per Order, numerator: freight, denominator: orders}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "metrics.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_demo_layer_loads_against_its_warehouse(shop: Shop) -> None:  # noqa: F811
    assert len(shop.layer.metrics) >= 25
    assert len(shop.layer.dimensions) + len(shop.layer.entities) >= 10
    assert shop.layer.metric("sales_revenue").base == "order_details"
    assert shop.layer.fingerprint == load_semantics(METRICS).fingerprint


def test_a_ratio_knows_its_parts(tmp_path: Path) -> None:
    layer = load_semantics(written(tmp_path, GOOD))
    ratio = layer.metric("freight_per_order")
    assert [part.id for part in layer.parts_of(ratio)] == ["freight", "orders"]
    assert layer.today().isoformat() == "2024-12-31"
    assert layer.entity_of("customers") == layer.entity("customer")


def test_a_changed_meaning_changes_the_fingerprints(tmp_path: Path) -> None:
    before = load_semantics(written(tmp_path, GOOD))
    after = load_semantics(written(tmp_path, GOOD.replace("SUM(Orders.Freight)", "SUM(Orders.Freight * 2)")))
    assert before.metric("freight").fingerprint != after.metric("freight").fingerprint
    assert before.metric("orders").fingerprint == after.metric("orders").fingerprint
    assert before.fingerprint != after.fingerprint


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"),
    [
        ("sql: SUM(Orders.Freight)", "sql: SUM(Orders.Freight", 11, "metrics[0].sql", "not valid duckdb SQL"),
        ("sql: SUM(Orders.Freight)", "sql: Orders.Freight", 11, "metrics[0].sql", "no aggregate"),
        ("sql: SUM(Orders.Freight)", "sql: SELECT 1", 11, "metrics[0].sql", "must be an expression"),
        ("denominator: orders", "denominator: order", 19, "metrics[2].denominator", "no metric `order`"),
        ("numerator: freight,", "numerator: freight_per_order,", 19, "metrics[2].numerator", "defined by"),
        ("synonyms: [purchases]", "synonyms: [freight]", 18, "metrics[1].synonyms", "also names"),
        ("id: orders", "id: freight", 14, "metrics[1].id", "used twice"),
        ("id: orders", "id: Order Count", 14, "metrics[1].id", "snake_case"),
        ("type: text", "type: words", 7, "dimensions[0].type", "not one of"),
        ("column: Country", "colum: Country", 7, "dimensions[0].colum", "not known here"),
        ("dialect: duckdb", "dialect: klingon", 2, "dialect", "Name a dialect"),
        ("version: 1\n", "version: 1\nmetrcs: []\n", 2, "metrcs", "not known"),
        ('as_of: "2024-12-31"', 'as_of: "31.12.2024"', 3, "calendar.as_of", "YYYY-MM-DD"),
    ],
)
def test_every_mistake_names_line_key_and_remedy(
    tmp_path: Path, old: str, new: str, line: int, key: str, says: str
) -> None:
    assert old in GOOD
    with pytest.raises(SemanticsError) as caught:
        load_semantics(written(tmp_path, GOOD.replace(old, new, 1)))
    assert (caught.value.line, caught.value.key) == (line, key)
    assert says in str(caught.value)
    assert str(tmp_path / "metrics.yaml") in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("base: Orders\n    time", "base: Ordrs\n    time", "no table `Ordrs`"),
        ("SUM(Orders.Freight)", "SUM(Orders.Fright)", "no column `Fright`"),
        ("column: Country", "column: Land", "no column `Land`"),
        ("time: Orders.OrderDate", "time: Orders.Day", "no column `Day`"),
    ],
)
def test_names_are_checked_against_the_catalog(
    tmp_path: Path,
    shop: Shop,  # noqa: F811
    old: str,
    new: str,
    says: str,
) -> None:
    path = written(tmp_path, GOOD.replace(old, new, 1))
    load_semantics(path)  # without a catalog nothing is known to be wrong
    with pytest.raises(SemanticsError, match=says):
        load_semantics(path, shop.catalog)


def test_a_file_is_parsed_again_only_when_it_says_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []

    class Counting(YAML):
        def load(self, stream: str) -> Any:
            parsed.append(stream)
            return super().load(stream)

    monkeypatch.setattr("memory.semantics.YAML", Counting)
    text = f"# of this test\n{GOOD}"
    file = written(tmp_path, text)
    first = load_semantics(file)
    assert load_semantics(file) == first
    assert len(parsed) == 1
    written(tmp_path, text.replace("COUNT(*)", "COUNT(Orders.OrderID)"))
    assert load_semantics(file) != first
    assert len(parsed) == 2


def test_a_file_that_is_not_there_or_not_yaml(tmp_path: Path) -> None:
    with pytest.raises(SemanticsError, match="cannot be read"):
        load_semantics(tmp_path / "none.yaml")
    with pytest.raises(SemanticsError) as caught:
        load_semantics(written(tmp_path, "version: 1\nmetrics: [unclosed\n"))
    assert caught.value.line >= 2
    with pytest.raises(SemanticsError, match="must be a mapping"):
        load_semantics(written(tmp_path, "- just\n- a list\n"))
