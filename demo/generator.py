"""All rows of the demo warehouse as columns: a pure function of the number of orders and the seed."""

from __future__ import annotations

from typing import Any

from demo import parties, trade
from demo.schema import metadata

__all__ = ["generate"]


def generate(orders: int, seed: int) -> dict[str, list[list[Any]]]:
    """For every table its columns, in the order of the table's own, each a list of plain Python values."""
    staff = parties.employees(seed, orders)
    vendors = parties.suppliers(seed, orders)
    known = trade.Parties(
        customers=parties.customers(seed, orders),
        employees=staff,
        shippers=parties.shippers(seed, orders),
        products=parties.products(seed, orders, len(vendors)),
    )
    regions, territories, held = parties.territories(seed, len(staff))
    placed, order_columns = trade.orders(seed, orders, known)
    line_columns, freight = trade.order_details(seed, placed, known)
    order_columns["Freight"] = freight.tolist()
    tables = {
        "Regions": regions,
        "Territories": territories,
        "Categories": parties.categories(),
        "Suppliers": vendors,
        "Shippers": known.shippers,
        "Customers": known.customers,
        "Employees": staff,
        "EmployeeTerritories": held,
        "Products": known.products,
    }
    columns = {name: [list(column) for column in zip(*rows, strict=True)] for name, rows in tables.items()}
    for name, named in (("Orders", order_columns), ("order_details", line_columns)):
        columns[name] = [named[column.name] for column in metadata.tables[name].columns]
    return columns
