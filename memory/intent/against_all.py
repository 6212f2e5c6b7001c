"""Groups against what a metric is of all of them together: above the company's average, more than so many percent.

The codes have been matched by `memory.intent.comparisons`; here the query is made of them, or the reading refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from memory.compiler import Having, SemanticQuery
from memory.compiler.query import Order
from memory.intent.items import Item
from memory.intent.known import Known, NotUnderstood
from memory.intent.parts import Parts

__all__ = ["above_total", "number_above", "share_over"]


_NUMBER_ABOVE = re.compile(r"m?M[wW]?(?:MαD?|αM)")


def number_above(codes: str, items: Sequence[Item], parts: Parts, known: Known) -> SemanticQuery | None:
    """ "How many customers spent more than the average customer": how many groups are above their average."""
    if not _NUMBER_ABOVE.fullmatch(codes) or not parts.counted or parts.grouped or parts.order or parts.having:
        return None
    counted, metric = [item for item in items if item.code == "M"]
    field = known.counted_by(counted.name)
    others = [item for item in items if item.code == "D"]
    if not field or parts.compared or not known.compiler.additive(metric.name):
        return None
    if any(other.name != field or other.plural for other in others) or known.crosses(metric.name, field):
        return None
    order, _, times = next(item.name for item in items if item.code == "α").partition(" ")
    for item in (counted, *others):
        parts.forget(item)
    having = Having(">", float(times) if "." in times else int(times)) if times else None
    return SemanticQuery((metric.name,), (field,), having=having, order=cast("Order", order),
                         pattern="count_above_average")  # fmt: skip


def above_total(metric: str, items: Sequence[Item], parts: Parts, known: Known) -> SemanticQuery:
    """ "Which D have M above the company-wide M": above what it is of all together.

    Raises:
        NotUnderstood: one thing is asked for, or a metric of which nobody has more than all have together.
    """
    [thing] = [item for item in items if item.code == "D"]
    if not thing.plural or parts.filters or known.adds_up(metric):
        raise NotUnderstood
    order, _, times = next(item.name for item in items if item.code == "ω").partition(" ")
    number = _plain(float(times.removeprefix(">="))) if times else 0
    having = Having(">=" if times.startswith(">=") else ">", number) if times else None
    return SemanticQuery((metric,), (thing.name,), having=having, order=cast("Order", order), pattern="above_total")


def share_over(metric: str, items: Sequence[Item], parts: Parts, known: Known) -> SemanticQuery:
    """ "Which D make up more than N % of M".

    Raises:
        NotUnderstood: one thing is asked for, or the shares do not add up to all of it.
    """
    thing, number, sign = (next(item for item in items if item.code == code) for code in "DNx")
    order = parts.order
    if not thing.plural or parts.grouped or parts.having or parts.compared or order == "name":
        raise NotUnderstood
    if not known.adds_up(metric) or known.crosses(metric, thing.name):
        raise NotUnderstood
    parts.order = ""
    having = Having(cast("Any", sign.name), _plain(number.number))
    kept = cast("Order", order) if order in ("asc", "desc") else None
    return SemanticQuery((metric,), (thing.name,), having=having, order=kept, pattern="share")


def _plain(number: float) -> int | float:
    return int(number) if number.is_integer() else number
