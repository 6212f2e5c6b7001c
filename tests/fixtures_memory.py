"""A small shop of our own on every warehouse backend, for the tests of memory."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from memory.semantics import Calendar, Dimension, Entity, Metric, SemanticLayer

POSTGRESQL = os.environ.get("AFFIDAVIT_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1/test")
MARIADB = os.environ.get("AFFIDAVIT_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1/test")


def shop_metadata() -> sa.MetaData:
    """Customers, Employees, Orders, order_details, Products, Categories, Suppliers."""
    metadata = sa.MetaData()
    key = {"primary_key": True, "autoincrement": False}
    sa.Table("Categories", metadata, sa.Column("CategoryID", sa.Integer, **key), _text("CategoryName"))
    sa.Table("Suppliers", metadata, sa.Column("SupplierID", sa.Integer, **key), _text("CompanyName"), _text("Country"))
    sa.Table(
        "Products",
        metadata,
        sa.Column("ProductID", sa.Integer, **key),
        _text("ProductName"),
        sa.Column("CategoryID", sa.ForeignKey("Categories.CategoryID")),
        sa.Column("SupplierID", sa.ForeignKey("Suppliers.SupplierID")),
        sa.Column("UnitPrice", sa.Numeric(10, 2)),
    )
    sa.Table(
        "Customers",
        metadata,
        sa.Column("CustomerID", sa.String(5), primary_key=True),
        _text("CompanyName"),
        _text("City"),
        _text("Region"),
        _text("Country"),
    )
    sa.Table(
        "Employees",
        metadata,
        sa.Column("EmployeeID", sa.Integer, **key),
        _text("LastName"),
        _text("FirstName"),
        _text("Title"),
        sa.Column("ReportsTo", sa.ForeignKey("Employees.EmployeeID")),
    )
    sa.Table(
        "Orders",
        metadata,
        sa.Column("OrderID", sa.Integer, **key),
        sa.Column("CustomerID", sa.ForeignKey("Customers.CustomerID")),
        sa.Column("EmployeeID", sa.ForeignKey("Employees.EmployeeID")),
        sa.Column("OrderDate", sa.Date),
        sa.Column("ShippedDate", sa.Date),
        sa.Column("Freight", sa.Numeric(10, 2)),
        _text("ShipCountry"),
    )
    sa.Table(
        "order_details",
        metadata,
        sa.Column("OrderID", sa.ForeignKey("Orders.OrderID"), **key),
        sa.Column("ProductID", sa.ForeignKey("Products.ProductID"), **key),
        sa.Column("UnitPrice", sa.Numeric(10, 2)),
        sa.Column("Quantity", sa.Integer),
        sa.Column("Discount", sa.Float),
    )
    return metadata


def fill_shop(connection: sa.Connection, metadata: sa.MetaData) -> None:
    """A few rows per table; `Germany` is in three columns, `OR` is a region and a word."""
    rows = {
        "Categories": [(1, "Beverages"), (2, "Dairy Products"), (3, "Grains/Cereals")],
        "Suppliers": [(1, "Harbour Dairy", "Germany"), (2, "Northern Lights Foods", "Norway")],
        "Products": [(1, "Plum Cordial", 1, 1, 18), (2, "Smoked Gouda", 2, 1, 21), (3, "Oat Clusters", 3, 2, 9)],
        "Customers": [
            ("BLUHA", "Blue Harbour Trading", "Berlin", None, "Germany"),
            ("CEDAR", "Cedar & Sons", "Portland", "OR", "USA"),
            ("LUNAR", "Lunar Pantry", "Paris", None, "France"),
        ],
        "Employees": [
            (1, "Davolio", "Nancy", "Sales Manager", None),
            (2, "Stone", "Grace", "Sales Representative", 1),
        ],
        "Orders": [
            (1, "BLUHA", 1, dt.date(2022, 3, 1), dt.date(2022, 3, 9), 12, "Germany"),
            (2, "CEDAR", 2, dt.date(2023, 5, 2), None, 30, "USA"),
            (3, "LUNAR", 2, dt.date(2023, 7, 2), dt.date(2023, 7, 9), 8, "France"),
        ],
        "order_details": [(1, 1, 18, 10, 0.0), (1, 2, 21, 4, 0.1), (2, 3, 9, 50, 0.0), (3, 1, 18, 5, 0.0)],
    }
    for table in metadata.sorted_tables:
        names = [column.name for column in table.columns]
        for row in rows[table.name]:
            connection.execute(table.insert(), dict(zip(names, row, strict=True)))


@contextmanager
def shop(backend: str, folder: Path) -> Iterator[sa.Engine]:
    """The shop on `backend` (sqlite, duckdb, postgresql, mariadb), dropped afterwards."""
    metadata = shop_metadata()
    name = f"affidavit_{uuid.uuid4().hex[:8]}"
    if backend in ("sqlite", "duckdb"):
        engine = sa.create_engine(f"{backend}:///{folder / name}.db")
    else:
        engine = _server_engine(backend, name)
    try:
        with engine.begin() as connection:
            metadata.create_all(connection)
            fill_shop(connection, metadata)
        yield engine
    finally:
        engine.dispose()
        if backend in ("postgresql", "mariadb"):
            _drop_space(backend, name)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(60))


def _server_engine(backend: str, name: str) -> sa.Engine:
    url = POSTGRESQL if backend == "postgresql" else MARIADB
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            kind = "SCHEMA" if backend == "postgresql" else "DATABASE"
            connection.exec_driver_sql(f"CREATE {kind} {name}")
    except sa.exc.OperationalError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no {backend} server: {error}")
    finally:
        server.dispose()
    if backend == "postgresql":
        return sa.create_engine(url, connect_args={"options": f"-c search_path={name}"})
    return sa.create_engine(sa.make_url(url).set(database=name))


def _drop_space(backend: str, name: str) -> None:
    server = sa.create_engine(POSTGRESQL if backend == "postgresql" else MARIADB, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(
            f"DROP SCHEMA {name} CASCADE" if backend == "postgresql" else f"DROP DATABASE {name}"
        )
    server.dispose()


def shop_layer() -> SemanticLayer:
    """Business words for the shop, few and with every kind of definition."""
    revenue = "SUM(order_details.UnitPrice * order_details.Quantity * (1 - order_details.Discount))"
    return SemanticLayer(
        metrics=(
            Metric("revenue", "Sales Revenue", synonyms=("revenue", "sales"), sql=revenue, base="order_details",
                   time="Orders.OrderDate", unit="USD"),
            Metric("freight", "Freight", synonyms=("freight cost",), sql="SUM(Orders.Freight)", base="Orders",
                   time="Orders.OrderDate", unit="USD"),
            Metric("freight_ratio", "Freight to Sales Ratio", synonyms=("freight ratio",), numerator="freight",
                   denominator="revenue", scale=100, unit="percent"),
            Metric("orders", "Order Count", synonyms=("orders", "number of orders"), sql="COUNT(*)", base="Orders",
                   time="Orders.OrderDate", unit="count"),
            Metric("products", "Product Count", synonyms=("products", "number of products"), sql="COUNT(*)",
                   base="Products", time_dependent=False, unit="count"),
            Metric("shipped", "Shipped Orders", sql="COUNT(*)", base="Orders", unit="count",
                   filter="Orders.ShippedDate IS NOT NULL"),
        ),
        dimensions=(
            Dimension("category", "Product Category", synonyms=("category",), table="Categories",
                      column="CategoryName"),
            Dimension("product", "Product", synonyms=("product name",), table="Products", column="ProductName"),
            Dimension("customer", "Customer", synonyms=("client",), table="Customers", column="CompanyName"),
            Dimension("customer_country", "Customer Country", synonyms=("country",), table="Customers",
                      column="Country"),
            Dimension("ship_country", "Ship Country", synonyms=("destination",), table="Orders",
                      column="ShipCountry"),
            Dimension("supplier_country", "Supplier Country", table="Suppliers", column="Country"),
            Dimension("employee", "Employee", synonyms=("sales representative", "seller"), table="Employees",
                      sql="Employees.FirstName || ' ' || Employees.LastName"),
            Dimension("order_date", "Order Date", table="Orders", column="OrderDate", type="date"),
        ),
        entities=(
            Entity("customer", "Customer", table="Customers", key="CustomerID", label="CompanyName"),
            Entity("supplier", "Supplier", synonyms=("vendor",), table="Suppliers", key="SupplierID",
                   label="CompanyName"),
            Entity("employee", "Employee", table="Employees", key="EmployeeID", label="LastName"),
            Entity("order", "Order", table="Orders", key="OrderID", label="OrderID"),
        ),
        calendar=Calendar("Orders.OrderDate", as_of=dt.date(2024, 12, 31)),
    )  # fmt: skip
