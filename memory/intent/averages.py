"""Clauses that compare a row with the average of its own group: "priced above the average of their own category"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from memory.intent.rows import CONN, Clause, Reader, Rows, clause_of

__all__ = ["AVERAGES", "TIMES"]

AVERAGES: list[Clause] = []

TIMES = {
    "twice": 2.0, "double": 2.0, "two times": 2.0, "three times": 3.0, "triple": 3.0, "half": 0.5,
    "one and a half times": 1.5,
}  # fmt: skip
_MORE = "above|over|more than|higher than|greater than|exceeding|exceeds|bigger than|dearer than|more expensive than"
_LESS = "below|under|less than|lower than|smaller than|cheaper than|less expensive than"
_SIGN = rf"({_MORE}|{_LESS})(?: ({'|'.join(TIMES)}))?"
_OWN = r"(?: (?:of|in|for|within|across|among))? (?:(?:their|its|same) ?)?(?:own |respective )?F"
_MEAN = r"(?:average|mean|that average)"


@clause_of(
    AVERAGES,
    rf"{CONN}(?:whose|with|have|has|having)(?: a)? C (?:(?:is|are|of|lies) )?{_SIGN} {_MEAN}(?: C)?{_OWN}(?: average)?",
    rf"{CONN}<be>C {_SIGN} {_MEAN}{_OWN}",
    rf"{CONN}<be>(priced|sold|listed) {_SIGN} {_MEAN}(?: C)?{_OWN}",
    rf"{CONN}(cost|costs) {_SIGN} {_MEAN}(?: C)?{_OWN}",
)
def _among_its_own(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Whose price is above the average of their own category"."""
    letters = [group for group in groups if re.fullmatch(r"C\d+", group)]
    fields = {reader.thing(letter).name for letter in letters} or {reader.nouns.named("price", "unit price")}
    dimension = reader.field_of(next(group for group in groups if re.fullmatch(r"F\d+", group)))
    column = reader.nouns.column(next(iter(fields)))
    if len(fields) != 1 or column is None or column.family != "number" or rows.peers or rows.filters or rows.related:
        return None
    if "own" not in reader.sentence.question and "same" not in reader.sentence.question:
        return None
    less = any(re.fullmatch(_LESS, group) for group in groups)
    times = next((TIMES[group] for group in groups if group in TIMES), 0.0)
    return replace(rows, peers=(next(iter(fields)), dimension, "asc" if less else "desc", times))


@clause_of(
    AVERAGES,
    r"(?:(?: ?,| ?\.)? ?(?:and|show|give|with|please|list|return|plus|its|their|that|C|E|F|average))+",
    kind="arranges",
)
def _shown(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Show product, category, price and that average": all of them are shown."""
    if rows.peers is None or rows.columns or rows.order:
        return None
    text = reader.sentence.text
    letters = re.findall(r"\b[CF]\d+", text)
    shown = {reader.nouns.label, rows.peers[0], rows.peers[1]}
    return rows if all(reader.field_of(letter) in shown for letter in letters) else None
