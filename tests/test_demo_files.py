"""The demo's definitions and questions: every metric computes on every engine, every gold answer has rows."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
import sqlglot
from ruamel.yaml import YAML
from sqlglot import exp

from agent.warehouse.policy import Policy, load_policy
from demo.warehouse import build, metadata
from demo.workspace import files
from memory.semantics import Metric, SemanticLayer, load_semantics
from tests.fixtures_demo import SQLGLOT, engine_name, rows, url

__all__ = ["engine_name", "url"]

PACK = [json.loads(line) for line in files().joinpath("baseline.jsonl").read_text(encoding="utf-8").splitlines()]
LAYER: SemanticLayer = load_semantics(Path(str(files().joinpath("metrics.yaml"))))
POLICY: Policy = load_policy(Path(str(files().joinpath("policy.yaml"))))
UNITS = {"USD", "percent", "days", "count", "ratio"}


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = f"sqlite:///{tmp_path_factory.mktemp('demo') / 'warehouse.sqlite'}"
    build(made)
    return made


def simple_sql(metric: Metric) -> str:
    """The metric over everything: its base, joined upward along foreign keys to the tables it names."""
    tree = sqlglot.parse_one(f"SELECT {metric.sql} FROM {metric.base}", dialect="duckdb")
    if metric.filter:
        tree = tree.where(metric.filter, dialect="duckdb")  # type: ignore[attr-defined]
    own = {column.table for column in outer_columns(tree)} - {metric.base}
    for name in sorted(own):
        (key,) = (k for k in metadata.tables[metric.base].foreign_keys if k.column.table.name == name)
        on = f"{metric.base}.{key.parent.name} = {name}.{key.column.name}"
        tree = tree.join(name, on=on, dialect="duckdb")  # type: ignore[attr-defined]
    return tree.sql("duckdb")


def outer_columns(tree: exp.Expression) -> list[exp.Column]:
    """Columns of the statement itself, not of subqueries in it."""
    return [c for c in tree.find_all(exp.Column) if c.find_ancestor(exp.Select) is tree]


def columns_of(fragment: str, dialect: str = "duckdb") -> set[tuple[str, str]]:
    """(table, column) of every column, with aliases resolved."""
    tree = sqlglot.parse_one(fragment, dialect=dialect)
    aliases = {table.alias_or_name: table.name for table in tree.find_all(exp.Table)}
    return {(aliases.get(c.table, c.table), c.name) for c in tree.find_all(exp.Column)}


def figures(url: str, dialect: str) -> dict[str, float]:
    """Every metric over everything, its SQL written in the dialect."""
    values: dict[str, float] = {}
    for metric in (m for m in LAYER.metrics if not m.is_ratio):
        sql = sqlglot.transpile(simple_sql(metric), read="duckdb", write=dialect, identify=True)[0]
        ((value,),) = rows(url, sql)
        values[metric.id] = float(value)  # type: ignore[arg-type]
    for metric in (m for m in LAYER.metrics if m.is_ratio):
        values[metric.id] = metric.scale * values[metric.numerator] / values[metric.denominator]
    return values


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """The figures from DuckDB, in whose dialect the layer is written."""
    made = f"duckdb:///{tmp_path_factory.mktemp('reference') / 'warehouse.duckdb'}"
    build(made)
    return figures(made, "duckdb")


def test_metrics_are_the_same_on_every_engine(url: str, engine_name: str, reference: dict[str, float]) -> None:
    build(url)
    # MariaDB rounds a quotient of whole numbers to four places
    assert figures(url, SQLGLOT[engine_name]) == pytest.approx(reference, rel=1e-9, abs=1e-4)


def test_figures_of_the_layer_agree_with_each_other(reference: dict[str, float]) -> None:
    v = reference
    assert v["gross_sales"] - v["discount_amount"] == pytest.approx(v["sales_revenue"])
    assert v["sales_revenue"] - v["cost_of_goods_sold"] == pytest.approx(v["gross_profit"])
    assert v["shipped_orders"] + v["unshipped_orders"] == v["order_count"]
    assert v["late_shipment_rate"] + v["on_time_rate"] == pytest.approx(100)
    assert v["business_account_count"] + v["customers_without_orders"] == v["customer_count"]
    assert v["active_products"] + v["discontinued_products"] == v["product_count"]
    assert v["sales_revenue"] / v["order_count"] == pytest.approx(v["average_order_value"])
    assert v["new_customers"] == v["active_customers"]  # over all time, everybody was new once
    assert all(0 <= v[m.id] <= 100 for m in LAYER.metrics if m.unit == "percent")


def test_layer_is_broad_and_fully_described() -> None:
    assert len(LAYER.metrics) >= 28
    assert len(LAYER.entities) + len(LAYER.dimensions) >= 12
    for item in (*LAYER.metrics, *LAYER.dimensions, *LAYER.entities):
        assert item.description, item.id
        assert item.owner, item.id
        assert item.synonyms, item.id
    for metric in LAYER.metrics:
        assert metric.formula, metric.id
        assert metric.grain, metric.id
        assert metric.unit in UNITS, metric.id
        assert metric.time_dependent == bool(metric.time), metric.id


def test_issue_names_are_all_defined() -> None:
    known = {item.name for item in (*LAYER.metrics, *LAYER.entities)}
    assert known >= {
        *("Sales Revenue", "Gross Profit", "Average Order Value", "Freight to Sales Ratio", "Late Shipment Rate"),
        *("On-time Rate", "Order Fulfillment Time", "Regional Freight Distribution", "Multi-Item Order Percentage"),
        *("Business Account", "Customer Lifetime Value", "Inventory Value", "Inventory Turnover"),
        *("Customer Retention Rate", "Customer Tenure"),
    }


@pytest.mark.parametrize("kind", ["metrics", "dimensions"])
def test_no_two_definitions_share_a_name(kind: str) -> None:
    """One surface with two meanings of a kind would make grounding a matter of luck."""
    surfaces = [(s.lower(), item.id) for item in getattr(LAYER, kind) for s in {s.lower() for s in item.surfaces}]
    seen: dict[str, str] = {}
    assert [(s, owner, seen[s]) for s, owner in surfaces if seen.setdefault(s, owner) != owner] == []


@pytest.mark.parametrize("metric", LAYER.metrics, ids=lambda m: m.id)
def test_metric_names_its_tables_and_no_denied_column(metric: Metric) -> None:
    parts = LAYER.parts_of(metric)
    named = {pair for part in parts for text in (part.sql, part.filter) if text for pair in columns_of(text)}
    subqueries = {t.name for part in parts if part.filter for t in sqlglot.parse_one(part.filter).find_all(exp.Table)}
    bases = {part.base for part in parts}
    assert {table for table, _ in named} | subqueries | bases == set(metric.tables)
    for table, column in named:
        assert column in metadata.tables[table].columns, (table, column)
        assert not POLICY.withheld(table, column)


def test_dimensions_exist_and_are_not_denied() -> None:
    for dimension in LAYER.dimensions:
        for table, column in columns_of(dimension.expression):
            assert table == dimension.table
            assert column in metadata.tables[table].columns
            assert not POLICY.withheld(table, column), dimension.id


def test_calendar_ends_where_the_data_does(default: str) -> None:
    last = str(rows(default, "SELECT MAX(OrderDate) FROM Orders")[0][0])
    assert str(LAYER.calendar.as_of) == "2024-12-31"
    assert "2024-12-20" <= last <= "2024-12-31"


# -- the baseline pack -----------------------------------------------------------------------------------------------


def test_pack_is_large_varied_and_well_formed() -> None:
    assert len(PACK) >= 200
    assert len({q["id"] for q in PACK}) == len(PACK)
    assert len({q["question"].lower() for q in PACK}) == len(PACK)
    assert {q["difficulty"] for q in PACK} == {"simple", "moderate", "complex", "edge"}
    assert all(isinstance(q["ordered"], bool) and q["tags"] and q["dialect"] == "sqlite" for q in PACK)
    tags = {tag for q in PACK for tag in q["tags"]}
    assert tags >= {
        *("lookup", "extreme", "superlative", "year-over-year", "ratio", "share", "having", "anti-join", "top-row"),
        *("relative-date", "unknown-value", "trend", "window", "nested", "self-join", "fan-out", "null"),
    }


@pytest.mark.parametrize("question", PACK, ids=lambda q: q["id"])
def test_gold_runs_and_has_rows(question: dict[str, object], default: str) -> None:
    found = rows(default, str(question["sql"]))
    assert bool(found) != ("empty" in question["tags"])  # type: ignore[operator]
    if "unknown-value" not in question["tags"]:  # type: ignore[operator]
        assert any(cell is not None for row in found for cell in row) or not found


@pytest.mark.parametrize("question", [q for q in PACK if re.search(r"LIMIT \d+$", q["sql"])], ids=lambda q: q["id"])
def test_gold_does_not_hang_on_a_tie(question: dict[str, str], default: str) -> None:
    """The last row in and the first row out must differ in what is sorted by, or two answers would be right."""
    tree = sqlglot.parse_one(question["sql"], dialect="sqlite")
    count = int(tree.args["limit"].expression.name)
    shown = {item.alias: item.this for item in tree.expressions if isinstance(item, exp.Alias)}
    keys = [shown.get(key.this.name, key.this).copy() for key in tree.args["order"].expressions]
    for key, item in zip(keys, tree.args["order"].expressions, strict=True):
        item.set("this", key.copy())
    tree.set("expressions", keys)
    tree.set("limit", exp.Limit(expression=exp.Literal.number(count + 1)))
    ranked = rows(default, tree.sql("sqlite"))
    assert all(a != b for a, b in itertools.pairwise(ranked))


@pytest.mark.parametrize("question", PACK, ids=lambda q: q["id"])
def test_gold_obeys_the_policy(question: dict[str, str]) -> None:
    assert not {"BirthDate", "HomePhone"} & {column for _, column in columns_of(question["sql"], "sqlite")}


def test_gold_has_an_order_where_the_question_asks_for_one() -> None:
    for question in PACK:
        tree = sqlglot.parse_one(question["sql"], dialect="sqlite")
        assert bool(tree.args.get("order")) >= question["ordered"], question["id"]


def test_files_are_tidy_yaml() -> None:
    for name in ("metrics.yaml", "policy.yaml"):
        text = files().joinpath(name).read_text(encoding="utf-8")
        assert YAML(typ="safe").load(text)["version"] == 1
        assert "\t" not in text
