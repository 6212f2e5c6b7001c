"""The demo company's orders: who bought what when, from whom, at which price, and how it was shipped.

What makes the figures worth asking about: growth and a season, weekdays, a few large customers and best-sellers,
customers who come, stay and leave, reps who joined late, prices that rise, about 6 % late and 3 % unshipped orders
(mostly the latest), and products that stopped selling. Everything is drawn as whole columns, so 100,000 orders take
about a second.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from demo.draws import Draws, Floats, Ints
from demo.parties import Row

__all__ = ["FIRST_DAY", "LAST_DAY", "Parties", "order_details", "orders"]

FIRST_DAY = dt.date(2020, 1, 1)
LAST_DAY = dt.date(2024, 12, 31)
FIRST_ORDER = 10001

_DAYS = (LAST_DAY - FIRST_DAY).days + 1
_EPOCH = np.datetime64(FIRST_DAY.isoformat(), "D")
_MONTH_WEIGHTS = (0.86, 0.82, 0.95, 0.98, 1.02, 0.96, 0.88, 0.84, 1.0, 1.08, 1.22, 1.39)
_DISCOUNTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25)
_DISCOUNT_WEIGHTS = (0.56, 0.13, 0.12, 0.09, 0.06, 0.04)
_LINES_WEIGHTS = (0.19, 0.29, 0.25, 0.14, 0.08, 0.03, 0.02)


@dataclass(frozen=True)
class Parties:
    """The rows an order refers to."""

    customers: Sequence[Row]
    employees: Sequence[Row]
    shippers: Sequence[Row]
    products: Sequence[Row]


@dataclass(frozen=True)
class Placed:
    """Orders as positions into the parties' rows; `day` counts from the first day."""

    day: Ints
    customer: Ints
    pull: Floats
    """How large each customer is; 1 is typical."""


def orders(seed: int, count: int, parties: Parties) -> tuple[Placed, dict[str, list[Any]]]:
    """The orders, sorted by date, and their columns but the freight, which needs the lines."""
    draws = Draws(seed, 7)
    day = _days(draws, count)
    customer, pull = _customers(draws, day, len(parties.customers))
    employee = _employees(draws, day, parties.employees, customer)
    shipper = draws.weighted([0.27, 0.42, 0.31, 0.2, 0.15, 0.1][: len(parties.shippers)], count)
    required, shipped, is_open = _dates(draws, day, shipper)
    chosen = [parties.customers[at] for at in customer.tolist()]
    stamp = [None if late else when for late, when in zip(is_open.tolist(), _dated(shipped), strict=True)]
    columns: dict[str, list[Any]] = {
        "OrderID": list(range(FIRST_ORDER, FIRST_ORDER + count)),
        "CustomerID": [row[0] for row in chosen],
        "EmployeeID": (employee + 1).tolist(),
        "OrderDate": _dated(day),
        "RequiredDate": _dated(required),
        "ShippedDate": stamp,
        "ShipVia": (shipper + 1).tolist(),
        "ShipName": [row[1] for row in chosen],
        **{
            f"Ship{name}": [row[at] for row in chosen]
            for at, name in enumerate(("Address", "City", "Region", "PostalCode", "Country"), start=4)
        },
    }
    return Placed(day, customer, pull), columns


def order_details(seed: int, placed: Placed, parties: Parties) -> tuple[dict[str, list[Any]], Floats]:
    """The lines' columns, sorted by order and product, and the freight of every order in dollars."""
    draws = Draws(seed, 8)
    order, product = _line_keys(draws, placed, parties.products)
    count = len(order)
    cost = np.array([row[5] for row in parties.products])
    markup = 1.34 + 0.42 * draws.uniform(len(cost))
    inflation = 0.9 + 0.027 * (placed.day[order] // 365)
    price = np.rint(cost[product] * markup[product] * inflation * 20) / 20
    size = np.clip(placed.pull[placed.customer[order]], 0.6, 3.0) ** 0.5
    quantity = np.maximum(np.rint(np.exp(2.75 + 0.75 * draws.normal(count)) * size), 1).astype(np.int64)
    quantity = np.where(quantity > 120, 60 + quantity % 61, quantity)  # no pile at the ceiling
    discount = np.array(_DISCOUNTS)[draws.weighted(_DISCOUNT_WEIGHTS, count)]
    units = np.bincount(order, weights=quantity, minlength=len(placed.day))
    spread = np.exp(0.55 * draws.normal(len(placed.day)))
    freight = np.rint((3.5 + 1.35 * units * spread) * 100) / 100
    columns: dict[str, list[Any]] = {
        "OrderID": (order + FIRST_ORDER).tolist(),
        "ProductID": (product + 1).tolist(),
        "UnitPrice": np.round(price, 2).tolist(),
        "Quantity": quantity.tolist(),
        "Discount": discount.tolist(),
    }
    return columns, freight


def _days(draws: Draws, count: int) -> Ints:
    """Sorted days of the orders: grows by about 60 % over the years, strong before Christmas, weak at weekends."""
    calendar = _EPOCH + np.arange(_DAYS)
    month = calendar.astype("datetime64[M]").astype(np.int64) % 12
    weekday = (calendar.astype(np.int64) + 3) % 7
    growth = 1.0 + 0.6 * np.arange(_DAYS) / _DAYS
    slump = np.where((np.arange(_DAYS) > 75) & (np.arange(_DAYS) < 165), 0.72, 1.0)  # spring of 2020
    weights = growth * slump * np.array(_MONTH_WEIGHTS)[month] * np.where(weekday < 5, 1.0, 0.07)
    return np.sort(draws.weighted(weights, count))


def _customers(draws: Draws, day: Ints, count: int) -> tuple[Ints, Floats]:
    """Each order's customer, and every customer's size. About one in twenty never orders."""
    rank = draws.order(count)
    pull = 1.0 / (rank + 4.0) ** 0.85
    pull *= count / pull.sum()
    came = np.where(draws.uniform(count) < 0.55, 0, (draws.uniform(count) ** 1.4 * _DAYS * 0.92)).astype(np.int64)
    left = np.where(draws.uniform(count) < 0.17, came + 200 + draws.integers(0, 900, count), _DAYS)
    largest = int(np.argmax(pull))
    came[largest], left[largest] = 0, _DAYS
    weights = np.where(rank >= count - max(1, count // 20), 0.0, pull)
    turn = np.array([largest, *(at for at in range(count) if at != largest)])
    chosen = draws.weighted_within(weights[turn], came[turn], left[turn], day)
    return np.asarray(turn[chosen], dtype=np.int64), np.asarray(pull, dtype=np.float64)


def _employees(draws: Draws, day: Ints, staff: Sequence[Row], customer: Ints) -> Ints:
    """Who took each order: often the customer's own rep, nobody before joining; the third was always there."""
    count = len(staff)
    hired = np.array([max(0, (row[6] - FIRST_DAY).days) for row in staff])
    weights = 0.5 + draws.uniform(count) * 1.5
    weights[0] *= 0.4
    turn = np.array([2 % count, *(at for at in range(count) if at != 2 % count)])
    never = np.full(count, _DAYS)
    chosen = turn[draws.weighted_within(weights[turn], hired[turn], never, day)]
    own = draws.weighted(weights, int(customer.max()) + 1)[customer]
    keeps = (draws.uniform(len(day)) < 0.45) & (hired[own] <= day)
    return np.where(keeps, own, chosen)


def _dates(draws: Draws, day: Ints, shipper: Ints) -> tuple[Ints, Ints, np.ndarray[Any, Any]]:
    """Required day, shipped day, and which orders are still open on the last day."""
    count = len(day)
    required = day + np.array([7, 14, 21, 28])[draws.weighted([0.08, 0.42, 0.15, 0.35], count)]
    slow = np.array([0.9, 1.0, 1.25, 1.1, 1.3, 0.8])[shipper]
    taken = np.clip(np.rint(np.exp(1.75 + 0.5 * draws.normal(count)) * slow), 1, 40).astype(np.int64)
    punctual = np.minimum(day + taken, required)
    is_late = draws.uniform(count) < 0.066 * slow**1.5
    shipped = np.where(is_late, required + 1 + (draws.uniform(count) ** 2 * 14).astype(np.int64), punctual)
    is_open = (shipped >= _DAYS) | (draws.uniform(count) < 0.003)
    missing = round(0.03 * count) - int(is_open.sum())
    if missing > 0:  # the rest of the backlog is recent
        recent = np.arange(count)[~is_open][-3 * missing :]
        is_open[recent[draws.order(len(recent))[:missing]]] = True
    return required, shipped, is_open


def _line_keys(draws: Draws, placed: Placed, listed: Sequence[Row]) -> tuple[Ints, Ints]:
    """Order and product of every line, unique and sorted, at least one to an order."""
    products, orders_ = len(listed), len(placed.day)
    lines = draws.weighted(_LINES_WEIGHTS, orders_) + 1
    order = np.repeat(np.arange(orders_), lines)
    popularity = 1.0 / (draws.order(products) + 6.0) ** 0.7
    is_dropped = np.array([row[9] for row in listed], dtype=bool)
    first = np.where((draws.uniform(products) < 0.12) & ~is_dropped, draws.integers(365, 1200, products), 0)
    last = np.where(is_dropped, draws.integers(500, 1500, products), _DAYS)
    live = np.flatnonzero(~is_dropped)
    popularity[live[np.argsort(popularity[live])[: max(1, products // 38)]]] = 0.0  # listed, never ordered
    steady = int(live[np.argmax(popularity[live] * (first[live] == 0))])
    turn = np.array([steady, *(at for at in range(products) if at != steady)])
    product = turn[draws.weighted_within(popularity[turn], first[turn], last[turn], placed.day[order])]
    key = np.unique(order * products + product)
    return key // products, key % products


def _dated(day: Ints) -> list[dt.date]:
    values: list[dt.date] = (_EPOCH + day).tolist()
    return values
