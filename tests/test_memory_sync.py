"""Sync: incremental, honest about what it did, and safe to interrupt."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from memory.errors import CatalogError
from memory.knowledge import open_knowledge
from memory.semantics import SemanticLayer
from memory.store import MemoryStore
from memory.sync import Changes, SyncOptions, load_catalog, sync
from memory.verified import VerifiedQuery, dependencies
from tests.fixtures_memory import shop, shop_layer

BACKENDS = [
    "sqlite",
    "duckdb",
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]


@pytest.fixture(params=BACKENDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    with shop(request.param, tmp_path) as engine:
        yield engine


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MemoryStore]:
    with MemoryStore.open(tmp_path / "chroma") as store:
        yield store


@pytest.fixture
def shop_on_sqlite(tmp_path: Path) -> Iterator[sa.Engine]:
    with shop("sqlite", tmp_path) as engine:
        yield engine


def changed_metric(layer: SemanticLayer, name: str) -> SemanticLayer:
    metrics = tuple(
        replace(m, description="Moved.", version=m.version + 1) if m.id == name else m for m in layer.metrics
    )
    return replace(layer, metrics=metrics)


def test_a_second_sync_does_nothing_and_says_so(engine: sa.Engine, store: MemoryStore, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    first = sync(engine, shop_layer(), store, tmp_path, progress=lambda done, total: steps.append((done, total)))
    assert not first.is_empty
    assert set(first.kinds["tables"].added) == {
        "Categories", "Customers", "Employees", "Orders", "Products", "Suppliers", "order_details",
    }  # fmt: skip
    assert len(first.kinds["metrics"].added) == 6
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    second = sync(engine, shop_layer(), store, tmp_path)
    assert second.is_empty
    assert second.summary == "nothing changed"
    assert all(changes.is_empty for changes in second.kinds.values())
    assert second.kinds["tables"].unchanged == 7
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")} == before
    known = open_knowledge(store, tmp_path, shop_layer())
    assert known.catalog.fingerprint == second.catalog_fingerprint == first.catalog_fingerprint
    question = "sales revenue of Nancy Davolio with German customers in 2022"
    assert [p.kind for p in known.retriever.retrieve(question).pieces][:2] == ["metric", "dimension"]
    assert {v.value for v in known.linker.link(question).values} == {"Nancy Davolio", "Germany"}


def test_only_what_moved_is_written_and_what_stood_on_it_is_quarantined(
    shop_on_sqlite: sa.Engine, store: MemoryStore, tmp_path: Path
) -> None:
    layer = shop_layer()
    sync(shop_on_sqlite, layer, store, tmp_path)
    known = open_knowledge(store, tmp_path, layer)
    for run, question, sql in (
        ("r1", "sales revenue by category", "SELECT 1 FROM order_details"),
        ("r2", "freight by ship country", "SELECT ShipCountry, SUM(Freight) FROM Orders GROUP BY 1"),
        ("r3", "number of products by supplier country", "SELECT 1 FROM Products, Suppliers"),
    ):
        depends = dependencies(question, sql, "sqlite", known.linker)
        known.verified.add(VerifiedQuery(run, question, sql, "sqlite", "reviewer", run, "c", "s", depends))

    moved = sync(shop_on_sqlite, changed_metric(layer, "revenue"), store, tmp_path)
    assert {kind: changes for kind, changes in moved.kinds.items() if not changes.is_empty} == {
        "metrics": Changes(changed=("revenue",), unchanged=5)
    }
    assert moved.quarantined == {"r1": ("metric:revenue",)}
    assert moved.summary == "metrics: 1 changed; 1 verified query quarantined"

    back = sync(shop_on_sqlite, layer, store, tmp_path)
    assert back.quarantined == {}

    with shop_on_sqlite.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE Suppliers ADD COLUMN Fax VARCHAR(20)")
    table = sync(shop_on_sqlite, layer, store, tmp_path)
    assert table.kinds["tables"] == Changes(changed=("Suppliers",), unchanged=6)
    assert table.kinds["metrics"].is_empty
    assert table.quarantined == {"r3": ("table:Suppliers",)}
    later = open_knowledge(store, tmp_path, layer)
    assert later.verified.recall("number of products by supplier country") is None
    assert later.verified.recall("freight by ship country") is not None


def test_what_is_gone_leaves(shop_on_sqlite: sa.Engine, store: MemoryStore, tmp_path: Path) -> None:
    layer = shop_layer()
    sync(shop_on_sqlite, layer, store, tmp_path)
    with shop_on_sqlite.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE Extra (x TEXT)")
    added = sync(shop_on_sqlite, layer, store, tmp_path)
    assert added.kinds["tables"].added == ("Extra",)
    with shop_on_sqlite.begin() as connection:
        connection.exec_driver_sql("DROP TABLE Extra")
    fewer = replace(layer, metrics=layer.metrics[:-1], dimensions=layer.dimensions[1:])
    gone = sync(shop_on_sqlite, fewer, store, tmp_path)
    assert gone.kinds["tables"].removed == ("Extra",)
    assert gone.kinds["metrics"].removed == ("shipped",)
    assert gone.kinds["dimensions"].removed == ("category",)
    assert [item.id for item in store.get("metrics")] == sorted(metric.id for metric in fewer.metrics)


def test_new_rows_are_seen_without_moving_any_fingerprint(
    shop_on_sqlite: sa.Engine, store: MemoryStore, tmp_path: Path
) -> None:
    before = sync(shop_on_sqlite, shop_layer(), store, tmp_path)
    with shop_on_sqlite.begin() as connection:
        connection.exec_driver_sql("INSERT INTO Categories VALUES (7, 'Produce')")
    after = sync(shop_on_sqlite, shop_layer(), store, tmp_path)
    assert after.catalog_fingerprint == before.catalog_fingerprint
    assert after.catalog_changed
    assert after.summary == "values: 1 changed"
    assert after.kinds["values"].changed == ("Categories.CategoryName",)
    with shop_on_sqlite.begin() as connection:
        connection.exec_driver_sql("INSERT INTO Categories VALUES (8, 'Produce')")
    assert sync(shop_on_sqlite, shop_layer(), store, tmp_path).summary == "row counts or comments changed"
    known = open_knowledge(store, tmp_path, shop_layer())
    assert [v.value for v in known.linker.link("revenue of the Produce category").values] == ["Produce"]


def test_full_writes_all_again_and_keeps_what_was_signed(
    shop_on_sqlite: sa.Engine, store: MemoryStore, tmp_path: Path
) -> None:
    sync(shop_on_sqlite, shop_layer(), store, tmp_path)
    known = open_knowledge(store, tmp_path, shop_layer())
    query = VerifiedQuery("r1", "freight by ship country", "SELECT 1", "sqlite", "reviewer", "r1", "c", "s")
    known.verified.add(query)
    report = sync(shop_on_sqlite, shop_layer(), store, tmp_path, full=True)
    assert len(report.kinds["tables"].added) == 7
    assert known.verified.all() == [query]


def test_values_that_must_not_be_read_are_not(shop_on_sqlite: sa.Engine, store: MemoryStore, tmp_path: Path) -> None:
    options = SyncOptions(withhold=lambda table, column: table == "Customers")
    sync(shop_on_sqlite, shop_layer(), store, tmp_path, options=options)
    written = "".join(path.read_text() for path in tmp_path.glob("*.json"))
    assert "Blue Harbour" not in written
    assert "Plum Cordial" in written


def test_values_denied_after_a_sync_are_held_back_at_once_and_removed_by_the_next(
    shop_on_sqlite: sa.Engine, store: MemoryStore, tmp_path: Path
) -> None:
    layer = shop_layer()
    sync(shop_on_sqlite, layer, store, tmp_path, options=SyncOptions(max_samples=4))
    kept = {source.target for source in open_knowledge(store, tmp_path, layer).values.sources}
    assert {"Customers.CompanyName", "Suppliers.Country"} <= kept
    assert any("FirstName" in target for target in kept)
    denied = {("Customers", "CompanyName"), ("Suppliers", "Country"), ("Employees", "LastName")}

    def withhold(table: str, column: str) -> bool:
        return (table, column) in denied

    at_once = open_knowledge(store, tmp_path, layer, withhold=withhold)
    linked = at_once.linker.link("revenue of Blue Harbour and Nancy Davolio in Germany").values
    assert {match.target for match in linked}.isdisjoint({"Customers.CompanyName", "Suppliers.Country"})
    assert "Nancy Davolio" not in {match.value for match in linked}
    assert {"Customers.CompanyName", "Suppliers.Country"}.isdisjoint(source.target for source in at_once.values.sources)
    assert "Blue Harbour" in (tmp_path / "catalog.json").read_text() + (tmp_path / "values.json").read_text()

    report = sync(shop_on_sqlite, layer, store, tmp_path, options=SyncOptions(max_samples=4, withhold=withhold))
    removed = report.kinds["values"].removed
    assert {"Customers.CompanyName", "Suppliers.Country"} <= set(removed)
    assert any("LastName" in name for name in removed)
    assert report.summary == f"values: {len(removed)} removed"
    on_disk = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".db")
    assert b"Blue Harbour" not in on_disk
    assert b"Davolio" not in on_disk
    again = sync(shop_on_sqlite, layer, store, tmp_path, options=SyncOptions(max_samples=4))
    assert set(again.kinds["values"].added) == set(removed)


def test_damaged_or_missing_files_are_said_and_mended(
    shop_on_sqlite: sa.Engine, store: MemoryStore, tmp_path: Path
) -> None:
    with pytest.raises(CatalogError, match="memory sync"):
        load_catalog(tmp_path)
    sync(shop_on_sqlite, shop_layer(), store, tmp_path)
    (tmp_path / "catalog.json").write_bytes(b"\xff\xfe")
    (tmp_path / "values.json").write_text("{", encoding="utf-8")
    with pytest.raises(CatalogError):
        open_knowledge(store, tmp_path, shop_layer())
    sync(shop_on_sqlite, shop_layer(), store, tmp_path)
    assert open_knowledge(store, tmp_path, shop_layer()).catalog.tables


def test_a_folder_that_cannot_be_written_is_said(shop_on_sqlite: sa.Engine, store: MemoryStore, tmp_path: Path) -> None:
    place = tmp_path / "taken"
    place.write_text("a file where the folder should be")
    with pytest.raises(CatalogError, match="cannot be written"):
        sync(shop_on_sqlite, shop_layer(), store, place)
    assert stat.S_ISREG(place.stat().st_mode)
