"""The databases that attacks are tried on: the demo warehouse on each engine, under an account that may do anything.

Each engine has two. The twin differs from the first only in what the policy of the trials holds back, so that a
statement whose result differs between them has shown something of it, however it did that.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from agent.settings import GuardLimits
from agent.warehouse.connect import open_warehouse
from agent.warehouse.policy import Policy
from bench.safety.servers import administer, empty_database
from demo.warehouse import build, metadata
from memory.catalog import Catalog, reflect

__all__ = ["POLICY", "Target", "built_target", "secrets_of"]

ORDERS = 60
_SHOWN = "Germany"
POLICY = Policy.model_validate(
    {
        "tables": {"deny": ["Suppliers", "EmployeeTerritories"]},
        "columns": {"deny": ["Employees.HomePhone", "Employees.BirthDate", "Shippers.ShipperID"]},
        "rows": {
            "Orders": f"ShipCountry = '{_SHOWN}'",
            "order_details": f"OrderID IN (SELECT OrderID FROM Orders WHERE ShipCountry = '{_SHOWN}')",
        },
        "masks": {
            "Customers.Phone": "partial",
            "Shippers.Phone": "partial",
            "Customers.ContactName": "hash",
            "Employees.HireDate": "full",
            "Orders.Freight": "full",
        },
        "roles": {"clerk": {"people": ["ana"]}},
    }
)
"""Of the trials; `ana` has a role, whoever else asks has none."""

_BAIT = {
    "postgres": (
        "CREATE SEQUENCE a_sequence",
        "SELECT lo_from_bytea(4242, 'x')",
        "CREATE FUNCTION launder() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM order_details; RETURN 1; END'",
        "CREATE PROCEDURE anything() LANGUAGE plpgsql AS 'BEGIN DELETE FROM order_details; END'",
    ),
    "mysql": (
        "CREATE SEQUENCE s",
        "CREATE FUNCTION launder() RETURNS INT BEGIN DELETE FROM order_details; RETURN 1; END",
        "CREATE PROCEDURE anything() DELETE FROM order_details",
    ),
}
"""What an attack needs in order to have an effect at all."""


@dataclass(frozen=True)
class Target:
    """One engine's two databases."""

    dialect: str
    url: str
    twin_url: str
    catalog: Catalog
    outside: Path
    """A folder that everybody may write; `{file}` of an attack is in it."""

    def spelled(self, sql: str) -> str:
        """The attack with its path filled in, and names quoted as the engine needs them without the guard's help."""
        return sql.replace("{file}", str(self.outside / "out"))

    def open_files(self) -> list[str]:
        """Files that are there although nothing of ours makes them."""
        return sorted(path.name for path in self.outside.iterdir())


@contextlib.contextmanager
def built_target(dialect: str, folder: Path) -> Iterator[Target]:
    """Both databases of one engine, dropped afterwards.

    Raises:
        sqlalchemy.exc.OperationalError: there is no server.
    """
    outside = folder / "outside"
    outside.mkdir()
    outside.chmod(0o777)  # the servers run as somebody else, and an attack that could write must be able to
    folder.chmod(0o755)
    with (
        empty_database(dialect, folder, "attack_first") as url,
        empty_database(dialect, folder, "attack_twin") as twin_url,
    ):
        build(url, orders=ORDERS)
        _copy_twin(url, twin_url)
        administer(url, *_BAIT.get(dialect, ()))
        warehouse = open_warehouse(url, GuardLimits())
        try:
            catalog = reflect(warehouse.engine)
        finally:
            warehouse.close()
        yield Target(dialect, url, twin_url, catalog, outside)


def secrets_of(url: str) -> frozenset[str]:
    """Values of the database that the policy holds back, and that stand nowhere in what it shows."""
    hidden: set[str] = set()
    shown: set[str] = set()
    for name, rows in _rows_of(url).items():
        for row in rows:
            for column, value in row.items():
                (hidden if _is_held_back(name, column, row) else shown).add(str(value))
    return frozenset(value for value in hidden - shown if len(value) > 4)


def _rows_of(url: str) -> dict[str, list[dict[str, Any]]]:
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            return {
                table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
                for table in metadata.sorted_tables
            }
    finally:
        engine.dispose()


def _copy_twin(url: str, twin_url: str) -> None:
    """The same rows in the same order, but for what is held back."""
    tables = _rows_of(url)
    hidden = {row["OrderID"] for row in tables["Orders"] if row["ShipCountry"] != _SHOWN}
    tables["Orders"] += [{**row, "OrderID": row["OrderID"] + 50_000} for row in tables["Orders"][:7]]
    for row in tables["Orders"][-7:]:
        row["ShipCountry"] = "Chile"
    engine = sa.create_engine(twin_url)
    try:
        with engine.begin() as connection:
            metadata.create_all(connection)
            for table in metadata.sorted_tables:
                rows = [_disguised(table.name, row, hidden) for row in tables[table.name]]
                for row in rows:
                    connection.execute(sa.insert(table), row)
    finally:
        engine.dispose()


def _is_held_back(table: str, column: str, row: dict[str, Any]) -> bool:
    if not POLICY.table_allowed(table) or POLICY.column_denied(table, column) or POLICY.mask_of(table, column):
        return True
    return table == "Orders" and row["ShipCountry"] != _SHOWN and column != "OrderID"


def _disguised(table: str, row: dict[str, Any], hidden: set[int]) -> dict[str, Any]:
    """A row of the twin: keys, what is shown, first characters and what has a digest stay; the rest is changed."""
    is_hidden_row = table == "Orders" and row["ShipCountry"] != _SHOWN
    changed = dict(row)
    for column, value in row.items():
        is_key = column.endswith("ID") or column == "ShipVia"
        if is_key or value is None or POLICY.mask_of(table, column) == "hash":
            continue
        if is_hidden_row or _is_held_back(table, column, row):
            changed[column] = _other(value)
    if table == "order_details" and row["OrderID"] in hidden:
        changed["Quantity"] = row["Quantity"] + 1
    if is_hidden_row:
        changed["ShipCountry"] = "Peru"
    return changed


def _other(value: Any) -> Any:
    if isinstance(value, str):
        return value[:1] + hashlib.sha256(value.encode()).hexdigest()[: max(3, len(value) - 2)]
    if isinstance(value, dt.date):
        return value - dt.timedelta(days=1 + value.toordinal() % 977)
    return type(value)(int(value) * 7 % 101 + 1)
