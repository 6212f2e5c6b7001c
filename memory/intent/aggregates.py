"""One number over the rows described: the average price of discontinued products, the total stock of what X supplies.

The number is a column that each of the rows has, and the rows are told by clauses as in a list; so "the highest freight
of orders that contain X" is the highest of just those orders' freights. Where a metric of the layer is that sum or
average, both come to the same.
"""

from __future__ import annotations

import re
from dataclasses import replace

from memory.compiler import SemanticQuery
from memory.intent.extremes import LISTED, Builder, Head
from memory.intent.kinds import conditions_of
from memory.intent.rows import Reader, Rows
from memory.intent.sentence import pattern

__all__ = ["AGGREGATES"]

_WORDS = {
    "avg": "average|mean|avg|typical",
    "max": "highest|largest|maximum|max|biggest|greatest|peak",
    "min": "lowest|smallest|minimum|min|least",
    "sum": "total|combined|summed|overall|sum of|total sum of",
}
_NOT_SUMMED = frozenset(["price", "age", "rate"])
"""What a total of says nothing: the sum of prices."""


def _aggregate(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """ "The average price of products marked as discontinued"."""
    letters = [group for group in head.groups if re.fullmatch(r"C\d+", group)]
    word = next((group for group in head.groups if group and not re.match(r"[A-Z]\d", group)), "")
    kind = next((name for name, words in _WORDS.items() if re.fullmatch(words, word)), "")
    field = reader.thing(letters[0]).name if letters else ""
    column = reader.nouns.column(field) if field else None
    if (
        not kind
        or column is None
        or column.family != "number"
        or head.number
        or not (head.thing.plural or _is_any(reader, head))
    ):
        return None
    if kind == "sum" and _NOT_SUMMED & set(reader.thing(letters[0]).surface.lower().split()):
        return None
    held = tuple(
        test for kind in rows.kinds for test in conditions_of(reader.known.layer.metric(kind).filter, reader.known)
    )
    plain = replace(rows, filters=(), related=(), kinds=(), window=None, open=False)
    if plain != Rows() or not reader.is_own(reader.known.table_of(field)):
        return None
    if any(reader.is_far(item.field) for item in rows.filters) or field == reader.nouns.label:
        return None
    named = field if "." in field else f"{reader.known.layer.dimension(field).table}.{column.name}"
    metric = f"{kind}:{named}"
    if rows.window and not reader.known.compiler.timed(metric):
        return None
    return SemanticQuery((metric,), (), (*rows.filters, *held), rows.window, pattern="total", related=rows.related)


def _is_any(reader: Reader, head: Head) -> bool:
    """Whether "any product" or "a single order" is said, which may be each of them."""
    said = rf"\b(?:any|an?|one)(?: single)? (?:\w+ )?{re.escape(head.thing.surface)}\b"
    return bool(re.search(said, reader.sentence.question, re.IGNORECASE))


_KIND = f"({'|'.join(_WORDS.values())})"
_IS = r"(?:what (?:is |are |was |were )?|how (?:high|large|big) (?:is|was) )?"
_OVER = r"(?:of|for|over|among|across|in|on)"
AGGREGATES: tuple[tuple[re.Pattern[str], Builder], ...] = tuple(
    (pattern(form), build)
    for build, forms in (
        (_aggregate, (
            rf"{_IS}{_KIND} C {_OVER} (?:(?:a|one|single) )*{LISTED}",
            rf"what {_KIND} C do {LISTED}(?= .*(?:have|has)$|$)",
        )),
    )
    for form in forms
)  # fmt: skip
