"""Who the demo company deals with and what it sells: everything in the warehouse but the orders.

The tables grow slowly with the number of orders (91 customers at 830 orders, about a thousand at 100,000), as a
company's do.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np

from demo import names
from demo.draws import Draws

__all__ = ["Row", "categories", "customers", "employees", "grown", "products", "shippers", "suppliers", "territories"]

Row = tuple[Any, ...]

_DEFAULT_ORDERS = 830
_COUNTRY = {country.name: country for country in names.COUNTRIES}


def grown(base: int, orders: int, exponent: float) -> int:
    """`base` rows at 830 orders or fewer, growing with the given power of the number of orders."""
    return round(base * float(max(1.0, orders / _DEFAULT_ORDERS) ** exponent))


def categories() -> list[Row]:
    """Categories in the order of the table's columns; the same for every seed."""
    return [(number, name, description) for number, (name, description) in enumerate(names.CATEGORIES, start=1)]


def customers(seed: int, orders: int) -> list[Row]:
    """Customers in the order of the table's columns, by customer id."""
    draws = Draws(seed, 1)
    count = grown(91, orders, 0.5)
    countries = _shared_out([(c.name, c.weight) for c in names.COUNTRIES], count)
    taken_names: set[str] = set()
    taken_keys: set[str] = set()
    rows: list[Row] = []
    for country in countries:
        city, region = draws.pick(names.CITIES[country])
        patterns = names.COMPANY_PATTERNS.get(country, names.COMPANY_PATTERNS[""])
        company = _company(draws, patterns, city, taken_names)
        fax = _phone(draws, country) if draws.uniform(1)[0] < 0.7 else None
        rows.append(
            (
                _customer_key(company, taken_keys),
                company,
                _person(draws),
                draws.pick(names.CONTACT_TITLES),
                *_address(draws, country, city, region),
                _phone(draws, country),
                fax,
            )
        )
    return sorted(rows)


def suppliers(seed: int, orders: int) -> list[Row]:
    """Suppliers in the order of the table's columns."""
    draws = Draws(seed, 2)
    taken: set[str] = set()
    rows: list[Row] = []
    for number in range(1, grown(29, orders, 0.15) + 1):
        # The first sixteen go round the countries, so that every one has a supplier; the rest favour the first.
        at = number - 1 if number <= len(names.SUPPLIER_COUNTRIES) else int(draws.uniform(1)[0] ** 2 * 16)
        country = names.SUPPLIER_COUNTRIES[at]
        city, region = draws.pick(names.CITIES[country])
        company = _company(draws, names.SUPPLIER_PATTERNS, city, taken)
        fax = _phone(draws, country) if draws.uniform(1)[0] < 0.45 else None
        site = f"https://www.{_plain(company)}.example" if draws.uniform(1)[0] < 0.2 else None
        place = _address(draws, country, city, region)
        title = draws.pick(names.CONTACT_TITLES)
        rows.append((number, company, _person(draws), title, *place, _phone(draws, country), fax, site))
    return rows


def shippers(seed: int, orders: int) -> list[Row]:
    """Shippers in the order of the table's columns: three, up to six for a large company."""
    draws = Draws(seed, 3)
    count = min(len(names.SHIPPERS), grown(3, orders, 0.15))
    return [(n, names.SHIPPERS[n - 1], draws.digits("(503) 555-####")) for n in range(1, count + 1)]


def employees(seed: int, orders: int) -> list[Row]:
    """Employees in the order of the table's columns: a vice president, managers who report to her, and their people."""
    draws = Draws(seed, 4)
    count = grown(9, orders, 0.25)
    managers = max(1, count // 9)
    last_names = [names.LAST_NAMES[i] for i in draws.order(len(names.LAST_NAMES)).tolist()]
    first_names = draws.order(len(names.FIRST_NAMES)).tolist()
    rows: list[Row] = []
    for number in range(1, count + 1):
        title, boss = _position(number, managers)
        country = "UK" if draws.uniform(1)[0] < 0.35 else "USA"
        city, region = ("London", None) if country == "UK" else draws.pick(names.CITIES["USA"][:6])
        born = dt.date(1962, 1, 1) + dt.timedelta(days=int(draws.integers(0, 36 * 365, 1)[0]))
        # The first three were there before the first order; a few of the others joined during the five years.
        newest = 2019 if number <= 3 else 2023
        hired = max(dt.date(newest - 7, 1, 15), dt.date(born.year + 19, 1, 15))
        hired += dt.timedelta(days=int(draws.integers(0, max(1, (dt.date(newest, 12, 1) - hired).days), 1)[0]))
        address = _address(draws, country, city, region)
        first = first_names[(number - 1) % len(first_names)]
        courtesy = draws.pick(("Mr.", "Mr.", "Dr.") if first % 2 else ("Ms.", "Mrs.", "Dr."))
        phone, extension = _phone(draws, country), draws.digits("4##")
        name = (last_names[(number - 1) % len(last_names)], names.FIRST_NAMES[first])
        rows.append((number, *name, title, courtesy, born, hired, *address, phone, extension, boss))
    return rows


def territories(seed: int, employee_count: int) -> tuple[list[Row], list[Row], list[Row]]:
    """Regions, territories, and which employee looks after which territory (each mostly within one region)."""
    draws = Draws(seed, 5)
    regions = [(number, name) for number, name in enumerate(names.REGIONS, start=1)]
    areas: list[Row] = []
    held: set[Row] = set()
    for region, cities in enumerate(names.TERRITORIES, start=1):
        team = [e for e in range(1, employee_count + 1) if e % len(regions) == region % len(regions)]
        for place, city in enumerate(cities):
            key = f"{region * 20000 + place * 137 - 18500:05d}"
            areas.append((key, city, region))
            share = draws.uniform(1)[0]
            if share < 0.06:
                continue  # nobody looks after it yet
            held.add((draws.pick(team), key))
            if share > 0.9:
                held.add((draws.pick(team), key))
    return regions, sorted(areas), sorted(held)


def products(seed: int, orders: int, supplier_count: int) -> list[Row]:
    """Products in the order of the table's columns, suppliers spread so that each has at least one."""
    draws = Draws(seed, 6)
    count = grown(sum(len(group) for group in names.PRODUCTS), orders, 0.15)
    listed = [(name, pack, cost, cat) for cat, group in enumerate(names.PRODUCTS, 1) for name, pack, cost in group]
    listed += [
        (pattern.format(name), pack, cost * 1.15, cat)
        for pattern in names.PRODUCT_VARIANTS
        for name, pack, cost, cat in listed[: sum(len(group) for group in names.PRODUCTS)]
    ]
    listed = listed[:count]
    supplier = draws.order(count) % supplier_count + 1
    cost = np.rint(np.array([item[2] for item in listed]) * (0.92 + 0.16 * draws.uniform(count)) * 20) / 20
    dropped, empty, waiting = draws.uniform(count) < 0.1, draws.uniform(count) < 0.07, draws.uniform(count) < 0.22
    size = max(1.0, orders / _DEFAULT_ORDERS) ** 0.7
    stock = np.where(empty, 0, np.rint((3 + 120 * draws.uniform(count) ** 1.6) * size)).astype(np.int64)
    level = (draws.integers(0, 7, count) * 5 * size).astype(np.int64)
    on_order = np.where(waiting & ~dropped, draws.integers(1, 11, count) * 10 * size, 0).astype(np.int64)
    figures = zip(
        *(column.tolist() for column in (cost, stock, on_order, np.where(dropped, 0, level), dropped.astype(np.int64))),
        strict=True,
    )
    return [
        (number, name, int(supplier[number - 1]), category, pack, *figure)
        for number, ((name, pack, _, category), figure) in enumerate(zip(listed, figures, strict=True), start=1)
    ]


def _shared_out(weights: list[tuple[str, int]], count: int) -> list[str]:
    """`count` names in proportion to their weights (largest remainder), in the order given."""
    total = sum(weight for _, weight in weights)
    exact = [count * weight / total for _, weight in weights]
    shares = [int(value) for value in exact]
    remainders = sorted(range(len(exact)), key=lambda i: shares[i] - exact[i])
    for at in remainders[: count - sum(shares)]:
        shares[at] += 1
    return [name for (name, _), share in zip(weights, shares, strict=True) for _ in range(share)]


def _company(draws: Draws, patterns: Iterable[str], city: str, taken: set[str]) -> str:
    for attempt in range(10_000):
        name = str(draws.pick(tuple(patterns)))
        name = name.format(city=city, last=draws.pick(names.LAST_NAMES), word=draws.pick(names.WORDS))
        if attempt > 20:
            name += f" {attempt - 19}"  # a large company's customers come in branches
        if name not in taken:
            taken.add(name)
            return name
    raise AssertionError("no company name left")


def _plain(text: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z]", "", ascii_text.lower())


def _customer_key(company: str, taken: set[str]) -> str:
    """Five letters of the company's name; where they are taken, the last ones count on in letters."""
    letters = (_plain(company) + "xxxxx").upper()
    key, number = letters[:5], 0
    while key in taken:
        number += 1
        tail = "".join(chr(65 + number // 26**power % 26) for power in (2, 1, 0))
        key = letters[:2] + tail if number >= 26 else letters[:4] + tail[-1]
    taken.add(key)
    return key


def _person(draws: Draws) -> str:
    return f"{draws.pick(names.FIRST_NAMES)} {draws.pick(names.LAST_NAMES)}"


def _phone(draws: Draws, country: str) -> str:
    known = _COUNTRY.get(country)
    return draws.digits(known.phone if known else "+## 555-####")


def _address(draws: Draws, country: str, city: str, region: str | None) -> Row:
    known = _COUNTRY.get(country)
    code = draws.digits(known.postal_code if known else "#####")
    return (f"{draws.digits('##').lstrip('0') or '1'} {draws.pick(names.STREETS)}", city, region, code, country)


def _position(number: int, managers: int) -> tuple[str, int | None]:
    """Title and whom the employee reports to: 1 leads, 2 to managers + 1 manage, the others sell."""
    if number == 1:
        return "Vice President, Sales", None
    if number <= managers + 1:
        return "Sales Manager", 1
    title = "Inside Sales Coordinator" if number == managers + 2 else "Sales Representative"
    return title, 1 if number % 3 == 0 and number < 9 else 2 + number % managers
