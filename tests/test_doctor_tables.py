"""`doctor` names what moved since the last sync, and what cannot be joined."""

# ruff: noqa: F811  pytest finds fixtures by their imported names
from __future__ import annotations

import pytest
from fixtures_doctor import METRICS, Shop, any_shop, shop  # noqa: F401


def test_a_workspace_that_was_never_synced(shop: Shop) -> None:
    found = shop.only("sync")
    assert (found.severity, found.do) == ("warning", "Run `affidavit memory sync`.")
    assert "catalog.json and values.json are not there" in found.what


def test_a_synced_workspace_is_quiet_on_every_engine(any_shop: Shop) -> None:
    any_shop.sync()
    found = any_shop.only("sync")
    assert (found.severity, found.what) == ("ok", "Memory knows all 2 tables and views as they are.")
    for check in ("warehouse", "metrics", "joins", "keys", "policy"):
        assert any_shop.only(check).severity == "ok"


def test_every_move_since_the_sync_is_named_on_every_engine(any_shop: Shop) -> None:
    any_shop.run_sql("CREATE TABLE leaving (a INTEGER)", "CREATE TABLE moving (a INTEGER, b INTEGER)")
    any_shop.sync()
    any_shop.run_sql(
        "DROP TABLE leaving",
        "DROP TABLE moving",
        "CREATE TABLE moving (b VARCHAR(9), c INTEGER NOT NULL)",
        "CREATE TABLE coming (a INTEGER)",
    )
    found = any_shop.only("sync")
    assert found.severity == "warning"
    for said in ("Tables added: coming", "tables removed: leaving", "added: moving.c", "removed: moving.a"):
        assert said in found.what
    assert "moving.b (VARCHAR" in found.what
    assert "was INTEGER" in found.what


def test_changed_keys_are_drift_and_rows_are_not(shop: Shop) -> None:
    shop.sync()
    shop.run_sql("INSERT INTO customers VALUES (1, 'A', 'France')")
    assert shop.only("sync").severity == "ok"
    shop.run_sql("DROP TABLE orders", "CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id INTEGER,"
                 " total NUMERIC(10, 2), placed_on DATE)")  # fmt: skip
    assert shop.only("sync").what.endswith("Keys or NOT NULL changed in: orders.")


def test_another_warehouse_than_the_one_synced(shop: Shop) -> None:
    shop.sync()
    state = shop.folder / ".affidavit" / "catalog.json"
    from memory.catalog import Catalog

    synced = Catalog.from_json(state.read_text())
    state.write_text(Catalog("postgres", synced.tables, "retail").to_json())
    found = shop.only("sync")
    assert found.severity == "error"
    assert "postgres, schema retail, now sqlite" in found.what


def test_a_metric_whose_tables_no_join_connects(shop: Shop) -> None:
    shop.run_sql("CREATE TABLE returns (return_id INTEGER PRIMARY KEY, amount NUMERIC(10, 2))")
    shop.write("metrics.yaml", METRICS.replace("SUM(orders.total)", "SUM(orders.total - returns.amount)"))
    errors = [each for each in shop.check("joins") if each.severity == "error"]
    assert ["`revenue` needs returns" in each.what for each in errors] == [True]
    shop.write("metrics.yaml", shop.folder.joinpath("metrics.yaml").read_text().replace(
        "joins: []", "joins: [{left: returns.return_id, right: orders.order_id}]"))  # fmt: skip
    assert shop.only("joins").severity == "ok"


def test_tables_that_are_cut_off_from_the_rest(shop: Shop) -> None:
    shop.run_sql("CREATE TABLE visits (visit INTEGER PRIMARY KEY)", "CREATE TABLE unused (a INTEGER)")
    shop.write("metrics.yaml", METRICS + "  - {id: visits, name: Visits, sql: COUNT(*), base: visits}\n")
    found = shop.only("joins")
    assert (found.severity, found.what) == ("warning", "No join leads from customers, orders to visits.")


@pytest.mark.parametrize(("left_type", "fits"), [("BIGINT", True), ("VARCHAR(9)", False)])
def test_joins_of_different_types(left_type: str, fits: bool, shop: Shop) -> None:
    shop.run_sql(f"CREATE TABLE visits (visit INTEGER PRIMARY KEY, guest {left_type})")
    shop.write(
        "metrics.yaml",
        METRICS.replace("joins: []", "joins: [{left: visits.guest, right: customers.customer_id}]"),
    )
    found = shop.only("joins")
    assert found.severity == ("ok" if fits else "warning")
    assert fits or "visits.guest (VARCHAR(9)) with customers.customer_id (INTEGER)" in found.what


def test_a_column_that_looks_like_a_foreign_key(shop: Shop) -> None:
    shop.run_sql(
        "CREATE TABLE visits (visit INTEGER PRIMARY KEY, Customer_ID INTEGER, order_id TEXT)",
        "CREATE VIEW buyers AS SELECT customer_id FROM orders",
    )
    found = shop.only("keys")
    assert found.severity == "warning"
    assert "joined to none: visits.Customer_ID (as customers.customer_id)." in found.what
    shop.write(
        "metrics.yaml",
        METRICS.replace("joins: []", "joins: [{left: visits.customer_id, right: customers.customer_id}]"),
    )
    assert shop.only("keys").severity == "ok"


def test_a_view_that_is_used_is_asked_for_its_keys(shop: Shop) -> None:
    shop.run_sql("CREATE VIEW buyers AS SELECT customer_id, total FROM orders")
    shop.write("metrics.yaml", METRICS + "  - {id: bought, name: Bought, sql: SUM(buyers.total), base: buyers}\n")
    assert "buyers.customer_id (as customers.customer_id)" in shop.only("keys").what
