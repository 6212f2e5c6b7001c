"""Which of many numbers stands in the middle: the median freight of the orders, revenue per customer, order value."""

from __future__ import annotations

import re
from collections.abc import Sequence

from memory.compiler import SemanticQuery
from memory.intent.items import Item
from memory.intent.known import Known, NotUnderstood
from memory.intent.parts import Parts

__all__ = ["ONE_COLUMN", "PER", "median"]

PER = re.compile(r"\bper $|\b(?:across|over)(?: all)?(?: the| our)? $", re.IGNORECASE)
_COLUMN = re.compile(r"(?:SUM|AVG)\(\w+\.\w+\)", re.IGNORECASE)
ONE_COLUMN = re.compile(r"SUM\((\w+\.\w+)\)", re.IGNORECASE)


def median(metric: str, things: Sequence[Item], parts: Parts, known: Known) -> SemanticQuery:
    """ "Median freight", over the metric's own rows; "median revenue per customer", over customers.

    Raises:
        NotUnderstood: what it is the median of is not said.
    """
    found, groups = known.defined(metric), parts.groups
    if found is None or parts.grain or len(groups) > 1 or things:
        raise NotUnderstood
    over = known.averaged_over(metric)
    if over and not groups:
        return SemanticQuery((known.money,), (over,), pattern="median")
    own = known.layer.entity_of(found.base)
    if groups and own is not None and known.table_of(groups[0].name) == own.table.casefold():
        groups = []  # the freight of an order is one number
    per = groups and PER.search(parts.question[: groups[0].start]) and known.compiler.additive(metric)
    if not per and (groups or not _COLUMN.fullmatch(found.sql)):
        raise NotUnderstood
    return SemanticQuery((metric,), tuple(item.name for item in groups), pattern="median")
