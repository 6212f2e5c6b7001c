"""The catalog and the join graph over every warehouse backend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from memory.catalog import Catalog, Column, ForeignKey, Table, reflect
from memory.errors import CatalogError
from memory.joins import JoinGraph, NoJoinPath
from tests.fixtures_memory import shop

BACKENDS = [
    "sqlite",
    "duckdb",
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]
SQLGLOT = {"sqlite": "sqlite", "duckdb": "duckdb", "postgresql": "postgres", "mariadb": "mysql"}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(backend: str, tmp_path: Path) -> Iterator[sa.Engine]:
    with shop(backend, tmp_path) as engine:
        yield engine


@pytest.fixture
def sqlite_catalog(tmp_path: Path) -> Iterator[Catalog]:
    with shop("sqlite", tmp_path) as engine:
        yield reflect(engine)


def test_every_backend_gives_the_same_picture(engine: sa.Engine, backend: str) -> None:
    seen: list[tuple[int, int]] = []
    catalog = reflect(engine, progress=lambda done, total: seen.append((done, total)))
    assert catalog.dialect == SQLGLOT[backend]
    assert seen[-1] == (7, 7)
    orders = catalog.table("ORDERS")
    assert orders is not None
    assert orders.name == "Orders"
    assert orders.row_count == 3
    assert orders.primary_key == ("OrderID",)
    assert {(k.columns, k.target_table, k.target_columns) for k in orders.foreign_keys} == {
        (("CustomerID",), "Customers", ("CustomerID",)),
        (("EmployeeID",), "Employees", ("EmployeeID",)),
    }
    families = {column.name: column.family for column in orders.columns}
    assert families["OrderDate"] == "date"
    assert families["Freight"] == families["OrderID"] == "number"
    assert families["CustomerID"] == "text"
    country = catalog.column("customers", "COUNTRY")
    assert country is not None
    assert country.samples == ("France", "Germany", "USA")
    assert country.distinct == 3
    details = catalog.table("order_details")
    assert details is not None
    assert details.primary_key == ("OrderID", "ProductID")
    assert Catalog.from_json(catalog.to_json()) == catalog
    assert JoinGraph(catalog).path(["order_details", "Categories"])[-1].right_table == "Categories"


def test_a_view_is_a_table_without_keys(engine: sa.Engine) -> None:
    quote = engine.dialect.identifier_preparer.quote_identifier
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE VIEW {quote('BigOrders')} AS SELECT {quote('OrderID')} FROM {quote('Orders')}"
        )
    view = reflect(engine).table("bigorders")
    assert view is not None
    assert view.is_view
    assert view.row_count == 3
    assert view.primary_key == ()


def test_rows_leave_the_fingerprint_and_a_column_moves_it(engine: sa.Engine) -> None:
    quote = engine.dialect.identifier_preparer.quote_identifier
    before = reflect(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO {quote('Categories')} VALUES (9, 'Produce')")
    rows = reflect(engine)
    assert rows.fingerprint == before.fingerprint
    assert rows != before
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {quote('Suppliers')} ADD COLUMN {quote('Fax')} VARCHAR(20)")
    changed = reflect(engine)
    assert changed.fingerprint != before.fingerprint
    moved = {t.name for t, old in zip(changed.tables, before.tables, strict=True) if t.fingerprint != old.fingerprint}
    assert moved == {"Suppliers"}


def test_high_cardinality_and_withheld_columns_keep_no_values(engine: sa.Engine) -> None:
    catalog = reflect(engine, max_samples=2, withhold=lambda table, column: column == "Title")
    country = catalog.column("Customers", "Country")
    title = catalog.column("Employees", "Title")
    assert country is not None
    assert title is not None
    assert (country.samples, country.distinct) == ((), 3)
    assert (title.samples, title.distinct) == ((), None)


def test_an_unreachable_warehouse_is_a_catalog_error(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'none' / 'w.sqlite'}")
    with pytest.raises(CatalogError, match="could not be read"):
        reflect(engine)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"tables": 3}', "null"])
def test_a_damaged_catalog_file_is_refused(text: str) -> None:
    with pytest.raises(CatalogError, match="memory sync --full"):
        Catalog.from_json(text)


def test_an_edited_catalog_file_is_refused(sqlite_catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match="fingerprint"):
        Catalog.from_json(sqlite_catalog.to_json().replace('"Freight"', '"Cargo"'))


def test_the_shortest_path_adds_the_tables_in_between(sqlite_catalog: Catalog) -> None:
    graph = JoinGraph(sqlite_catalog)
    path = graph.path(["categories", "CUSTOMERS"])
    assert [edge.condition for edge in path] == [
        "Products.CategoryID = Categories.CategoryID",
        "order_details.ProductID = Products.ProductID",
        "order_details.OrderID = Orders.OrderID",
        "Orders.CustomerID = Customers.CustomerID",
    ]
    assert graph.path(["Orders"]) == ()
    assert graph.path([]) == ()
    assert len(graph.path(["order_details", "Categories", "Products", "Orders"])) == 3


def test_direction_and_fan_out(sqlite_catalog: Catalog) -> None:
    graph = JoinGraph(sqlite_catalog)
    assert graph.between("orders", "customers")[0].many_side == "Orders"
    assert not graph.fans_out("order_details", "Customers")
    assert not graph.fans_out("Orders", "Orders")
    assert graph.fans_out("Orders", "order_details")
    assert graph.fans_out("Orders", "Products")
    assert graph.fans_out("Customers", "Orders")


def test_edges_are_known_in_any_case_and_either_direction(sqlite_catalog: Catalog) -> None:
    graph = JoinGraph(sqlite_catalog)
    assert graph.is_edge("orders", "customerid", "Customers", "CustomerID")
    assert graph.is_edge("Customers", "CustomerID", "Orders", "CustomerID")
    assert not graph.is_edge("Customers", "City", "Orders", "ShipCountry")
    assert graph.is_edge("Employees", "ReportsTo", "employees", "EmployeeID")
    assert not graph.is_edge("Employees", "EmployeeID", "Employees", "EmployeeID")


def test_two_keys_to_one_table_give_two_edges_and_a_stable_choice() -> None:
    places = Table("Places", (Column("ID", "INTEGER", primary_key=True),), ("ID",))
    trips = Table(
        "Trips",
        tuple(Column(name, "INTEGER") for name in ("ID", "FromID", "ToID")),
        ("ID",),
        (ForeignKey(("ToID",), "Places", ("ID",)), ForeignKey(("FromID",), "Places", ("ID",))),
    )
    graph = JoinGraph(Catalog("sqlite", (places, trips)))
    assert len(graph.between("Trips", "Places")) == 2
    assert graph.path(["Trips", "Places"])[0].left_column == "FromID"
    assert not graph.fans_out("Trips", "Places")


def test_composite_keys_declared_joins_and_missing_paths(sqlite_catalog: Catalog) -> None:
    audit = Table("Audit", (Column("Country", "TEXT"), Column("Note", "TEXT")))
    catalog = replace(sqlite_catalog, tables=(*sqlite_catalog.tables, audit))
    with pytest.raises(NoJoinPath, match="Audit"):
        JoinGraph(catalog).path(["Orders", "Audit"])
    with pytest.raises(NoJoinPath, match="no table Nowhere"):
        JoinGraph(catalog).path(["Nowhere"])
    graph = JoinGraph(catalog, [{"left": "audit.country", "right": "customers.country"}])
    assert graph.connected(["Orders", "Audit"])
    assert graph.fans_out("Customers", "Audit")
    assert graph.fans_out("Audit", "Customers")
    with pytest.raises(CatalogError, match="names nothing"):
        JoinGraph(catalog, [("Audit.Missing", "Customers.Country")])
    line = Table(
        "Lines",
        (Column("A", "INTEGER"), Column("B", "INTEGER")),
        (),
        (ForeignKey(("A", "B"), "order_details", ("OrderID", "ProductID")),),
    )
    composite = JoinGraph(Catalog("sqlite", (*sqlite_catalog.tables, line)))
    edge = composite.between("Lines", "order_details")[0]
    assert edge.condition == "Lines.A = order_details.OrderID AND Lines.B = order_details.ProductID"
    assert edge.many_side == "Lines"
    assert composite.is_edge("order_details", "ProductID", "Lines", "B")
