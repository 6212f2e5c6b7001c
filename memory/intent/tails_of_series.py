"""A last clause behind a question about periods that rose or fell: "give the quarter and the size of the drop".

What stands before it picks the periods; the clause says whether their values or their changes are shown beside them.
The size of a fall is said as a number above nought.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from memory.compiler import SemanticQuery
from memory.intent.items import Item, read_items
from memory.intent.known import Known, NotUnderstood

__all__ = ["with_tail_of_series"]

_PATTERNS = frozenset({"change_series", "growth_series"})
_SAYING = frozenset(
    """
    and with plus also too just only name names amount amounts value values figure figures number numbers the to give
    show include list report return state i want need us me in for of at by it was is were each every its their size
    much how what that those these per please column columns
    """.split()  # noqa: SIM905 - a list of words is read as prose
)


def with_tail_of_series(query: SemanticQuery, tail: str, known: Known) -> SemanticQuery | None:
    """The query with what the clause asks for beside each period; None where it says more than that."""
    if query.pattern not in _PATTERNS or query.dimensions or query.lag:
        return None
    try:
        items = read_items(tail, known)
    except NotUnderstood:
        return None
    numbered = re.search(r"\b(?:quarter|month|week) numbers?\b", tail.lower())  # 3, and not 2024-Q3
    if numbered or not all(_is_said(item, query) for item in items):
        return None
    return _shown(query, tail, items)


def _shown(query: SemanticQuery, tail: str, items: Sequence[Item]) -> SemanticQuery | None:
    valued = any(item.code == "M" for item in items)
    sized = any(item.code == "Δ" for item in items) or bool(re.search(r"\b(?:size|by how much)\b", tail.lower()))
    percent = any(item.code == "Ω" for item in items)
    if query.having is None or query.limit:
        shows_change = query.columns == ("change",) and query.pattern == "growth_series" and not query.limit
        return replace(query, columns=()) if valued and shows_change else None
    if percent or query.having.value != 0:
        return None
    if not sized:
        return replace(query, pattern="change_series", columns=("value",)) if valued else query
    return replace(query, pattern="change_series", columns=() if valued else ("size",))


def _is_said(item: Item, query: SemanticQuery) -> bool:
    """Whether the item is of the periods, the metric or the change that the query is about anyway."""
    if item.code == "M":
        return item.name in query.metrics
    if item.code in "ga":
        return item.name == query.grain
    if item.code == "P":
        return item.period is None and item.name == query.grain
    if item.code in ",ΔΩAv" or (item.code == "O" and item.name == "time"):
        return True
    if item.code in "DNVHBxνSU":
        return False
    return all(word in _SAYING for word in re.findall(r"\w+", item.surface.lower()))
