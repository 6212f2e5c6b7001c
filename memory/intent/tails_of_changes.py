"""A last clause behind a question about who or what changed between two periods: "and by how much?", "show both years".

What stands before it picks the groups; the clause says which numbers are shown beside them. The size of a fall is said
as a number above nought, so that the later value is taken off the earlier one there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from memory.compiler import Having, SemanticQuery
from memory.compiler.query import Order
from memory.intent.items import Item, read_items
from memory.intent.known import Known, NotUnderstood, last_stem
from memory.lexical import stem

__all__ = ["with_tail_of_change"]

_PATTERNS = frozenset({"moved", "change", "growth", "growth_table", "change_table"})
_SAYING = frozenset(
    """
    and with plus also too just only name names amount amounts value values figure figures number numbers the to give
    show include list report return state i want need us me in for of at by it was is were did as well well them these
    those that each every one ones size much how what large big exactly respective their its his her include please both
    rank sort next from
    """.split()  # noqa: SIM905 - a list of words is read as prose
)
_BOTH = re.compile(r"\b(?:both|two)\b", re.IGNORECASE)
_ENDS: dict[str, Order] = {"desc": "desc", "asc": "asc", "growing": "desc"}


def with_tail_of_change(query: SemanticQuery, tail: str, known: Known) -> SemanticQuery | None:
    """The query with the numbers that the clause asks for; None where it says more than that."""
    if query.pattern not in _PATTERNS or len(query.dimensions) != 1 or not query.compare:
        return None
    try:
        items = read_items(tail, known)
    except NotUnderstood:
        return None
    if not all(item.code == "," or _is_said(item, query, known) for item in items):
        return None
    order = next((_ENDS.get(item.name) for item in items if item.code == "O"), None)
    if any(item.code == "O" for item in items) and order is None:
        return None
    return _shown(query, tail, items, order)


def _shown(query: SemanticQuery, tail: str, items: Sequence[Item], order: Order | None) -> SemanticQuery | None:
    percent = any(item.code in "ΩΔ" and item.name == "percent" for item in items)
    beside = bool(_BOTH.search(tail)) or any(item.code == "P" for item in items)
    if query.pattern in ("growth_table", "change_table"):
        return replace(query, order=order or query.order)
    if query.pattern == "growth":
        return replace(query, pattern="growth_table") if beside or order else query
    changed = any(item.code in "ΔΩA" or item.surface.lower() == "size" for item in items)
    down = query.order == "asc"
    if percent or (query.pattern == "change" and order == "asc"):
        return None
    if query.pattern == "moved":
        if order and not (changed or beside):
            return None
        query = replace(query, having=Having("<" if down else ">", 0), order=None)
    return _with_both(query, order, down=down) if beside or not changed else _with_size(query, order, down=down)


def _with_both(query: SemanticQuery, order: Order | None, *, down: bool) -> SemanticQuery:
    """Both values and their difference: the biggest fall first is the lowest of the differences."""
    ends: Order | None = ("asc" if down else "desc") if order == "desc" else None
    return replace(query, pattern="change_table", order=ends or query.order)


def _with_size(query: SemanticQuery, order: Order | None, *, down: bool) -> SemanticQuery:
    """The size of the change alone; a fall by so much is no negative fall."""
    if down:
        query = replace(query, compare=query.compare[::-1], having=Having(">", 0) if query.having else None)
        query = replace(query, order="desc" if query.order == "asc" else query.order)
    return replace(query, pattern="change", order=order or query.order)


def _is_said(item: Item, query: SemanticQuery, known: Known) -> bool:
    """Whether the item is of the periods, the metric, the groups or the change that the query is about anyway."""
    if item.code == "P":
        return bool(item.period and item.period.start in query.compare)
    if item.code in "MU":
        found = known.defined(query.metrics[0])
        return item.name in query.metrics or (item.code == "U" and found is not None and found.unit == item.name)
    if item.code == "D":
        shown = {last_stem(known.layer.dimension(name).name) for name in query.dimensions if "." not in name}
        return item.name in query.dimensions or last_stem(item.surface) in shown
    if item.code in "gaψΔΩOA":
        return item.code not in "ga" or item.name == query.grain
    if item.code in "NVHBxνS":
        return item.surface.lower() == "two"
    words = re.findall(r"\w+", item.surface.lower())
    return all(word in _SAYING or stem(word) in ("loss", "gain", "jump") for word in words)
