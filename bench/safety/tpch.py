"""TPC-H as a source of benign queries: its eight tables, its 22 queries, and rows to run them on.

The rows are drawn anew, not by the council's generator: as many as make every query do its work (joins, thresholds,
correlated subqueries) in a second on four engines. No figure of speed is taken from them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import sqlglot
from sqlalchemy import Column, Date, Engine, Float, Integer, MetaData, String
from sqlalchemy import Table as SqlTable
from sqlglot import exp

from agent.warehouse.dates import rewrite_dates
from agent.warehouse.dialects import render
from memory import catalog as known

__all__ = ["catalog", "fill", "queries"]

_LAYOUT = """
region: r_regionkey int, r_name char, r_comment char
nation: n_nationkey int, n_name char, n_regionkey int, n_comment char
part: p_partkey int, p_name char, p_mfgr char, p_brand char, p_type char, p_size int, p_container char,
 p_retailprice real, p_comment char
supplier: s_suppkey int, s_name char, s_address char, s_nationkey int, s_phone char, s_acctbal real, s_comment char
partsupp: ps_partkey int, ps_suppkey int, ps_availqty int, ps_supplycost real, ps_comment char
customer: c_custkey int, c_name char, c_address char, c_nationkey int, c_phone char, c_acctbal real, c_mktsegment char,
 c_comment char
orders: o_orderkey int, o_custkey int, o_orderstatus char, o_totalprice real, o_orderdate date, o_orderpriority char,
 o_clerk char, o_shippriority int, o_comment char
lineitem: l_orderkey int, l_partkey int, l_suppkey int, l_linenumber int, l_quantity real, l_extendedprice real,
 l_discount real, l_tax real, l_returnflag char, l_linestatus char, l_shipdate date, l_commitdate date,
 l_receiptdate date, l_shipinstruct char, l_shipmode char, l_comment char
"""
_SQL_TYPES = {"int": Integer(), "char": String(120), "real": Float(53), "date": Date()}
_CATALOG_TYPES = {"int": "INTEGER", "char": "VARCHAR(120)", "real": "DOUBLE", "date": "DATE"}
_NATION_NAMES = ("FRANCE", "GERMANY", "BRAZIL", "CANADA", "SAUDI ARABIA", "CHINA", "INDIA", "JAPAN", "KENYA", "PERU")
_REGION_OF = (3, 3, 1, 1, 4, 2, 2, 2, 0, 1)
_REGIONS = ("AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST")
_PARTS, _SUPPLIERS, _CUSTOMERS, _ORDERS = 120, 20, 60, 500


def catalog(dialect: str) -> known.Catalog:
    """The tables as a warehouse of the dialect would show them."""
    tables = [
        known.Table(name, tuple(known.Column(column, _CATALOG_TYPES[kind]) for column, kind in columns))
        for name, columns in _tables().items()
    ]
    return known.Catalog(dialect, tuple(sorted(tables, key=lambda table: table.name)))


def queries(dialect: str) -> list[str]:
    """The 22 queries in the dialect's words, with the parameters that the specification gives for validation.

    `tpch.sql` has them in PostgreSQL's words; the fifteenth is the approved variant with a common table expression,
    and the thirteenth names its count inside the derived table, which SQLite needs.
    """
    text = (Path(__file__).parent / "tpch.sql").read_text(encoding="utf-8")
    statements = [part.strip() for part in text.split(";\n") if part.strip()]
    if dialect == "postgres":
        return statements
    return [_said(statement, dialect) for statement in statements]


def fill(engine: Engine, seed: int = 1) -> None:
    """Create the tables and fill them with drawn rows."""
    metadata = MetaData()
    for name, columns in _tables().items():
        SqlTable(name, metadata, *(Column(column, _SQL_TYPES[kind]) for column, kind in columns))
    rows = _rows(random.Random(seed))
    with engine.begin() as connection:
        metadata.create_all(connection)
        for name, drawn in rows.items():
            names = [column for column, _ in _tables()[name]]
            connection.execute(metadata.tables[name].insert(), [dict(zip(names, row, strict=True)) for row in drawn])


@cache
def _tables() -> dict[str, tuple[tuple[str, str], ...]]:
    layout = _LAYOUT.replace(",\n ", ", ").strip().splitlines()
    return {
        line.partition(": ")[0]: tuple((c.split()[0], c.split()[1]) for c in line.partition(": ")[2].split(", "))
        for line in layout
    }


def _said(statement: str, dialect: str) -> str:
    """The statement as the dialect says it; SQLite keeps days as text, so its literals lose their type."""
    tree = sqlglot.parse_one(statement, dialect="postgres")
    if dialect == "sqlite":
        tree = tree.transform(_day_as_text)
    return render(rewrite_dates(tree, dialect), dialect)


def _day_as_text(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Cast) and node.is_type("date") and isinstance(node.this, exp.Literal):
        day: exp.Expr = node.this
        return day
    return node


def _rows(draw: random.Random) -> dict[str, list[tuple[object, ...]]]:
    orders, lines = _orders_and_lines(draw)
    return {
        "region": [(number, name, "") for number, name in enumerate(_REGIONS)],
        "nation": [(number, name, _REGION_OF[number], "") for number, name in enumerate(_NATION_NAMES)],
        "part": [_part(draw, number) for number in range(_PARTS)],
        "supplier": [_supplier(draw, number) for number in range(_SUPPLIERS)],
        "partsupp": [
            (part, (part + step) % _SUPPLIERS, draw.randint(1, 900), round(draw.uniform(1, 500), 2), "")
            for part in range(_PARTS)
            for step in (0, 7, 13)
        ],
        "customer": [_customer(draw, number) for number in range(_CUSTOMERS)],
        "orders": orders,
        "lineitem": lines,
    }


def _part(draw: random.Random, number: int) -> tuple[object, ...]:
    name = f"{draw.choice(('forest', 'dark', 'green', 'red'))} {draw.choice(('green', 'blue', 'linen'))} {number}"
    brand = f"Brand#{draw.choice((12, 23, 34, 45))}"
    kind = draw.choice(("ECONOMY ANODIZED STEEL", "PROMO PLATED BRASS", "MEDIUM POLISHED TIN", "SMALL BURNISHED BRASS"))
    box = draw.choice(("SM CASE", "MED BOX", "LG PKG", "MED BAG"))
    return number, name, "Manufacturer#1", brand, kind, draw.choice((3, 9, 14, 15, 23)), box, 900.0 + number, ""


def _supplier(draw: random.Random, number: int) -> tuple[object, ...]:
    comment = "x Customer y Complaints" if number % 9 == 0 else ""
    balance = round(draw.uniform(-900, 9000), 2)
    return number, f"Supplier#{number:09d}", f"street {number}", number % 10, _phone(draw), balance, comment


def _customer(draw: random.Random, number: int) -> tuple[object, ...]:
    segment = draw.choice(("BUILDING", "MACHINERY", "FURNITURE"))
    balance = round(draw.uniform(-900, 9000), 2)
    return number, f"Customer#{number:09d}", f"road {number}", number % 10, _phone(draw), balance, segment, ""


def _phone(draw: random.Random) -> str:
    return f"{draw.choice((13, 17, 18, 23, 29, 31, 20))}-555-{draw.randint(1000, 9999)}"


def _orders_and_lines(draw: random.Random) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    orders: list[tuple[object, ...]] = []
    lines: list[tuple[object, ...]] = []
    for number in range(_ORDERS):
        day = date(1993, 1, 1) + timedelta(days=draw.randrange(1_700))
        items = list(_lines(draw, number, day))
        total = round(sum(float(str(item[5])) for item in items), 2)
        comment = "special packages requests" if number % 11 == 0 else ""
        priority = draw.choice(("1-URGENT", "2-HIGH", "3-MEDIUM"))
        buyer = draw.randrange(_CUSTOMERS * 2 // 3)
        orders.append((number, buyer, draw.choice("FO"), total, day, priority, "Clerk#1", 0, comment))
        lines += items
    return orders, lines


def _lines(draw: random.Random, order: int, day: date) -> Iterator[tuple[object, ...]]:
    for line in range(draw.randint(1, 9)):
        part, quantity = draw.randrange(_PARTS), float(draw.randint(1, 50))
        supplier = (part + draw.choice((0, 7, 13))) % _SUPPLIERS
        shipped = day + timedelta(days=draw.randint(1, 100))
        committed, received = day + timedelta(days=draw.randint(20, 90)), shipped + timedelta(days=draw.randint(1, 30))
        price, rebate = round(quantity * draw.uniform(900, 1100), 2), draw.randint(0, 10) / 100
        how = draw.choice(("MAIL", "SHIP", "AIR", "AIR REG"))
        yield (
            order, part, supplier, line, quantity, price, rebate, 0.04, draw.choice("RAN"), draw.choice("FO"), shipped,
            committed, received, "DELIVER IN PERSON", how, "",
        )  # fmt: skip
