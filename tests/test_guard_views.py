"""What a policy holds back of a table does not come out through a view over it, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest
from fixtures_warehouse import Built, built, opened  # noqa: F401

from agent.run import Verdict
from agent.steps.guard import judge
from agent.warehouse.policy import Policy
from agent.warehouse.policy_rules import ColumnRules, Role, TableRules
from bench.safety.servers import administer
from memory.catalog import Catalog, Column, Table, reflect
from memory.views import followed, names_read, through_views

VIEWS = {
    "v_orders": "SELECT {q}OrderID{q} AS id, {q}ShipCountry{q} AS land FROM {q}Orders{q}",
    "v_deep": "SELECT v.land, COUNT(*) AS n FROM v_orders AS v GROUP BY v.land",
    "v_products": "WITH p AS (SELECT {q}ProductName{q} AS name FROM {q}Products{q}) SELECT name FROM p",
}
GERMAN = Policy(rows={"Orders": "ShipCountry = 'Germany'"})


@pytest.fixture
def with_views(built: Built) -> Iterator[Catalog]:  # noqa: F811
    quote = '"' if built.dialect in ("postgres", "duckdb", "sqlite") else "`"
    _define(built, *(f"CREATE VIEW {name} AS {sql.format(q=quote)}" for name, sql in VIEWS.items()))
    try:
        with opened(built) as warehouse:
            catalog = reflect(warehouse.engine, withhold=through_nothing)
        yield catalog
    finally:
        _define(built, *(f"DROP VIEW {name}" for name in reversed(VIEWS)))


def _define(target: Built, *statements: str) -> None:
    if target.dialect != "duckdb":
        administer(target.url, *statements)
        return
    with duckdb.connect(str(target.path)) as connection:  # its SQLAlchemy dialect knows no autocommit
        for statement in statements:
            connection.execute(statement)


def through_nothing(_table: str, _column: str) -> bool:
    return False


def judged(sql: str, catalog: Catalog, policy: Policy) -> Verdict:
    return judge(sql, dialect=catalog.dialect, catalog=catalog, policy=policy, max_rows=100)


def test_a_view_shows_nothing_that_is_held_back_of_its_tables(built: Built, with_views: Catalog) -> None:  # noqa: F811
    reads = {table.name: table.reads for table in with_views.tables if table.is_view}
    assert reads["v_orders"] == ("Orders",)
    assert reads["v_deep"] == ("Orders", "v_orders")
    assert set(reads["v_products"] or ()) == {"Products", "p"}
    assert Catalog.from_json(with_views.to_json()) == with_views
    for policy in (
        GERMAN,
        Policy(masks={"Orders.ShipCountry": "full"}),
        Policy(columns=ColumnRules(deny=("Orders.Freight",))),
        Policy(tables=TableRules(deny=("Orders",))),
        Policy(roles={"all": Role(people=("*",), rows={"Orders": "1 = 0"})}).of("ana"),
    ):
        for view in ("v_orders", "v_deep"):
            verdict = judged(f"SELECT * FROM {view}", with_views, policy)
            assert (verdict.allowed, verdict.rule) == (False, "policy_view")
        assert judged("SELECT name FROM v_products", with_views, policy).allowed
        assert not judged("SELECT 1 FROM Products WHERE EXISTS (SELECT 1 FROM v_deep)", with_views, policy).allowed
    assert judged("SELECT * FROM v_deep", with_views, Policy()).allowed
    allowed = GERMAN.model_copy(update={"tables": TableRules(views=("v_deep",))})
    verdict = judged("SELECT COUNT(*) FROM v_deep", with_views, allowed)
    with opened(built) as warehouse:
        result = warehouse.execute(verdict.sql).result
    assert result is not None
    assert not judged("SELECT * FROM v_orders", with_views, allowed).allowed


def test_memory_keeps_no_values_of_a_view_over_what_is_held_back(built: Built, with_views: Catalog) -> None:  # noqa: F811
    assert with_views.column("v_orders", "land").samples  # type: ignore[union-attr]
    with opened(built) as warehouse:
        kept = reflect(warehouse.engine, withhold=GERMAN.withheld)
    assert not kept.column("v_orders", "land").samples  # type: ignore[union-attr]
    assert not kept.column("v_deep", "land").samples  # type: ignore[union-attr]
    assert kept.column("v_products", "name") is not None


def test_a_role_cannot_open_what_another_rule_closes() -> None:
    catalog = _catalog(reads=("t",))
    opening = Role(people=("ana",), tables=TableRules(views=("v",)))
    assert not judged("SELECT a FROM v", catalog, Policy(rows={"t": "a = 1"}, roles={"r": opening}).of("ana")).allowed
    own = opening.model_copy(update={"rows": {"t": "a = 1"}})
    assert judged("SELECT a FROM v", catalog, Policy(roles={"r": own}).of("ana")).allowed


def test_a_view_that_nobody_knows_is_closed_by_any_rule() -> None:
    unknown = _catalog(reads=None)
    assert judged("SELECT a FROM v", unknown, Policy()).allowed
    for policy in (Policy(masks={"other.x": "full"}), Policy(tables=TableRules(deny=("other",)))):
        verdict = judged("SELECT a FROM v", unknown, policy)
        assert (verdict.rule, "affidavit memory sync" in verdict.message) == ("policy_view", True)
    assert through_views(lambda table, _: table == "t", unknown.tables)("v", "a")
    assert not through_views(lambda table, _: table == "t", _catalog(reads=()).tables)("v", "a")
    assert judged("SELECT a FROM t", unknown, Policy(masks={"t.b": "full"})).allowed


def test_unmatched_view_names_are_told() -> None:
    policy = Policy(tables=TableRules(views=("v", "misspelt")))
    assert policy.unknown_names(_catalog(reads=())) == ("misspelt",)


@pytest.mark.parametrize(
    ("definition", "read"),
    [
        ("SELECT a FROM t", ("t",)),
        ("CREATE VIEW v (x) AS SELECT a FROM t UNION SELECT b FROM u", ("t", "u")),
        ("CREATE VIEW v AS SELECT (SELECT MAX(a) FROM u) FROM s.t WHERE EXISTS (SELECT 1 FROM w)", ("t", "u", "w")),
        ("SELECT * FROM generate_series(1, 3) AS g", None),
        ("SELECT x FROM f('t') AS x", None),
        ("not a definition", None),
        ("SELECT 1; SELECT 2", None),
        ("", None),
        (None, None),
    ],
)
def test_what_a_definition_names(definition: str | None, read: tuple[str, ...] | None) -> None:
    found = names_read(definition, "postgres")
    assert found is read is None or set(found or ()) == set(read or ())


def test_views_that_read_each_other_end() -> None:
    tables = [Table(name, (Column("a", "INT"),), is_view=True) for name in ("v", "w")]
    ends = followed(tables, {"v": ("w", "T"), "w": ("v",)})
    assert [table.reads for table in ends] == [("T", "v", "w"), ("T", "v", "w")]


def _catalog(reads: tuple[str, ...] | None) -> Catalog:
    table = Table("t", (Column("a", "INT"), Column("b", "INT")))
    return Catalog(
        "sqlite", (table, Table("other", (Column("x", "INT"),)), replace(table, name="v", is_view=True, reads=reads))
    )
