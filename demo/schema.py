"""The demo warehouse's tables: Northwind's shape and column names, our own rows.

Money is NUMERIC where the engine has exact decimals and REAL on SQLite, whose NUMERIC would store a round price as an
integer and then divide as integers do. The discount is a double everywhere, so that sums agree between engines.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    REAL,
    Column,
    Date,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
)
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

__all__ = ["metadata"]

metadata = MetaData()


def _table(name: str, comment: str, *items: SchemaItem) -> Table:
    """A table of `metadata`; on MariaDB one that keeps foreign keys (InnoDB) and any text (utf8mb4)."""
    return Table(name, metadata, *items, comment=comment, mysql_engine="InnoDB", mysql_charset="utf8mb4")


def _key(name: str, target: str | None = None) -> Column[int]:
    """A whole-number primary key, or a part of one; with `target`, a foreign key too."""
    references = [ForeignKey(target)] if target else []
    return Column(name, Integer, *references, primary_key=True, autoincrement=False)


def _text(name: str, length: int, *, null: bool = False) -> Column[str]:
    return Column(name, String(length), nullable=null)


def _address(prefix: str = "") -> list[Column[str]]:
    """Where somebody is, or, with the prefix `Ship`, where an order goes."""
    return [
        _text(f"{prefix}Address", 80),
        _text(f"{prefix}City", 40),
        _text(f"{prefix}Region", 40, null=True),
        _text(f"{prefix}PostalCode", 20),
        _text(f"{prefix}Country", 40),
    ]


def _company() -> list[Column[str]]:
    """A company one buys from or sells to, and whom to call there."""
    return [
        _text("CompanyName", 60),
        _text("ContactName", 60),
        _text("ContactTitle", 40),
        *_address(),
        _text("Phone", 30),
        _text("Fax", 30, null=True),
    ]


def _number(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _money(name: str, comment: str | None = None) -> Column[Any]:
    """US dollars with cents; see the top of this file for why SQLite has another type."""
    kind: TypeEngine[Any] = Numeric(10, 2, asdecimal=False)
    return Column(name, kind.with_variant(REAL(), "sqlite"), nullable=False, comment=comment)


def _link(name: str, target: str, *, null: bool = False) -> Column[int]:
    """A foreign key to a whole-number key, written `Table.Column`."""
    return Column(name, Integer, ForeignKey(target), nullable=null)


def _index(name: str, column: str) -> Index:
    # DuckDB scans columns faster than it keeps an index; MariaDB indexes every foreign key by itself.
    return Index(name, column).ddl_if(callable_=_is_indexed)


def _is_indexed(*_: object, dialect: Dialect, **__: object) -> bool:
    return dialect.name in ("sqlite", "postgresql")


_table(
    "Regions",
    "Groups of sales territories",
    _key("RegionID"),
    _text("RegionDescription", 50),
)
_table(
    "Territories",
    "Sales areas",
    Column("TerritoryID", String(20), primary_key=True),
    _text("TerritoryDescription", 50),
    _link("RegionID", "Regions.RegionID"),
)
_table(
    "Categories",
    "Product families",
    _key("CategoryID"),
    _text("CategoryName", 40),
    Column("Description", Text, nullable=False),
)
_table(
    "Suppliers",
    "Companies products are bought from",
    _key("SupplierID"),
    *_company(),
    _text("HomePage", 120, null=True),
)
_table(
    "Shippers",
    "Carriers that deliver orders",
    _key("ShipperID"),
    _text("CompanyName", 60),
    _text("Phone", 30),
)
_table(
    "Customers",
    "Companies that buy, or have an account",
    Column("CustomerID", String(5), primary_key=True),
    *_company(),
)
_table(
    "Employees",
    "Our own people; the one named on an order sold it",
    _key("EmployeeID"),
    _text("LastName", 30),
    _text("FirstName", 30),
    _text("Title", 40),
    _text("TitleOfCourtesy", 10),
    Column("BirthDate", Date, nullable=False),
    Column("HireDate", Date, nullable=False),
    *_address(),
    _text("HomePhone", 30),
    _text("Extension", 6),
    _link("ReportsTo", "Employees.EmployeeID", null=True),
)
_table(
    "EmployeeTerritories",
    "Which employees look after which territories",
    _key("EmployeeID", "Employees.EmployeeID"),
    Column("TerritoryID", String(20), ForeignKey("Territories.TerritoryID"), primary_key=True),
)
_table(
    "Products",
    "What is sold, or was",
    _key("ProductID"),
    _text("ProductName", 80),
    _link("SupplierID", "Suppliers.SupplierID"),
    _link("CategoryID", "Categories.CategoryID"),
    _text("QuantityPerUnit", 40),
    _money("UnitPrice", "what one unit costs us, in USD"),
    _number("UnitsInStock"),
    _number("UnitsOnOrder"),
    _number("ReorderLevel"),
    Column("Discontinued", Integer, nullable=False, comment="1 when no longer sold, else 0"),
)
_table(
    "Orders",
    "Orders of customers, with their dates, carrier and freight",
    _key("OrderID"),
    Column("CustomerID", String(5), ForeignKey("Customers.CustomerID"), nullable=False),
    _link("EmployeeID", "Employees.EmployeeID"),
    Column("OrderDate", Date, nullable=False),
    Column("RequiredDate", Date, nullable=False),
    Column("ShippedDate", Date, nullable=True, comment="empty while not shipped"),
    _link("ShipVia", "Shippers.ShipperID"),
    _money("Freight", "cost of shipping the order, in USD"),
    _text("ShipName", 60),
    *_address("Ship"),
    _index("orders_customer", "CustomerID"),
    _index("orders_date", "OrderDate"),
)
_table(
    "order_details",
    "One product on one order",
    _key("OrderID", "Orders.OrderID"),
    _key("ProductID", "Products.ProductID"),
    _money("UnitPrice", "price charged for one unit before discount, in USD"),
    _number("Quantity"),
    Column("Discount", Double, nullable=False, comment="fraction of the price, 0 to 0.25"),
    _index("order_details_product", "ProductID"),
)
