"""From where to where a number of rows goes: the lowest and the highest freight, and the average between them."""

from __future__ import annotations

import re
from dataclasses import replace

from memory.compiler import SemanticQuery
from memory.intent.extremes import LISTED, Builder, Head
from memory.intent.rows import Reader, Rows
from memory.intent.sentence import pattern

__all__ = ["RANGES"]


def _range(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """ "The lowest and the highest freight of orders to Norway", and the average between them."""
    letters = [group for group in head.groups if re.fullmatch(r"C\d+", group)]
    if len(set(letters)) != 1 or head.number:
        return None
    field = reader.thing(letters[0]).name
    column = reader.nouns.column(field)
    plain = replace(rows, filters=(), window=None, open=False) == Rows()
    if column is None or column.family != "number" or not plain:
        return None
    field = field if "." in field else f"{reader.known.layer.dimension(field).table}.{column.name}"
    wanted = ("min", "avg", "max") if any(group in _MEANS for group in head.groups) else ("min", "max")
    metrics = tuple(f"{aggregate}:{field}" for aggregate in wanted)
    if rows.window and not all(reader.known.compiler.timed(metric) for metric in metrics):
        return None
    return SemanticQuery(metrics, (), rows.filters, rows.window, pattern="total")


_MEANS = ("average", "mean", "avg")
_ENDS_OF = (
    r"(?:(?:lowest|smallest|minimum|min|cheapest|least)(?: ,)?(?: (?:and )?(average|mean|avg)(?: ,)?)?(?: and|,) "
    r"(?:highest|largest|maximum|max|dearest|costliest|most expensive|biggest|greatest)"
    r"|(?:highest|largest|maximum|max|dearest|costliest|biggest|greatest)(?: ,)?(?: (?:and )?(average|mean|avg)(?:"
    r" ,)?)?"
    r"(?: and|,) (?:lowest|smallest|minimum|min|cheapest))"
)
RANGES: tuple[tuple[re.Pattern[str], Builder], ...] = tuple(
    (pattern(form), build)
    for build, forms in (
        (_range, (
            rf"(?:what (?:is |are |was |were )?)?{_ENDS_OF} C(?: [a-z]+)? (?:of|for|on|among|in|across) (?:(?:any"
            rf"|a|one|each"
            rf"|every) )?{LISTED}",
            rf"(?:what (?:is |are |was |were )?)?{_ENDS_OF} C (?:that )?we (?:paid|pay|spent) (?:on|for) (?:(?:any"
            rf"|a|one) )?"
            rf"{LISTED}",
        )),
    )
    for form in forms
)  # fmt: skip
