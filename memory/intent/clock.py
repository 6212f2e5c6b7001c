"""Clauses about days: the day of the week, what should have been done by today, how soon something was done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from memory.compiler import Filter
from memory.intent.rows import CONN, Clause, Reader, Rows, clause_of, verb_stem
from memory.intent.words import DAYS_OF_WEEK

__all__ = ["CLOCK"]

CLOCK: list[Clause] = []

_WEEKDAYS = "|".join(f"{name}s?" for name in DAYS_OF_WEEK)
_PLACED = (
    "(?:(?:do|did|have) we (?:take|took|taken|get|got|make|made|receive|received|have) "
    "|<be>(?:placed|taken|received|made|coming in|come in|came in) )?"
)


@clause_of(
    CLOCK,
    rf"{CONN}{_PLACED}(?:on|at|over|during) (?:a |any )?({_WEEKDAYS})",
    rf"{CONN}<be>({_WEEKDAYS}) ones",
)
def _on_weekday(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Placed on a weekend"."""
    if not reader.nouns.clock:
        return None
    days = DAYS_OF_WEEK[groups[0].removesuffix("s")]
    op = "in" if len(days) > 1 else "="
    return reader.with_filter(rows, Filter(f"weekday:{reader.nouns.clock}", op, days))  # type: ignore[arg-type]


@clause_of(
    CLOCK,
    rf"{CONN}(?:whose|where) C (?:has |have |is |lies |was )?(?:already |now )?(?:passed|gone by|gone|in past|over"
    r"|expired|behind)",
    rf"{CONN}with (?:a )?C (?:that has already passed|that has passed|in past|already passed|already gone)",
    rf"{CONN}<be>(?:already )?past (?:their |its )?C",
)
def _passed(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Whose due date has passed", of what is still open: counted from today."""
    column = reader.nouns.column(reader.thing(groups[0]).name)
    waiting = any(item.op == "is null" for item in rows.filters) or any(
        "IS NULL" in reader.known.layer.metric(kind).filter.upper() for kind in rows.kinds
    )
    if column is None or column.family != "date" or not waiting:
        return None
    today = reader.known.layer.today().isoformat()
    return reader.with_filter(rows, Filter(f"{reader.table}.{column.name}", "<", (today,)))


_BEING = "(?:being |it being |it was |it is |they were |their |its )?"


@clause_of(
    CLOCK,
    rf"{CONN}<be>([a-z]+) (within|in under|in less than|in at most|no more than|not more than) N days (?:of|after|from)"
    rf" {_BEING}([a-z]+|C\d+)",
    rf"{CONN}<be>([a-z]+) (Q\d+) days (?:of|after|from) {_BEING}([a-z]+|C\d+)",
)
def _within_days(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Shipped within three days of being placed", "shipped more than ten days after the order date"."""
    last, first = (_day(reader, group) for group in (groups[0], groups[-1]))
    if not first or not last or first == last:
        return None
    field = f"days:{first}:{last}"
    told = next((reader.thing(group) for group in groups if group[0] == "Q"), None)
    if told is not None:
        return None if told.unit else reader.with_filter(rows, Filter(field, cast("Any", told.name), told.numbers))
    number = next(reader.thing(group) for group in groups if group[0] == "N")
    least = Filter(field, ">=", (0,)) if reader.nullable(last) and first != reader.nouns.clock else None
    if least is not None:
        return None  # before the other day as well, or only after it?
    sign = "<" if groups[1] in ("in under", "in less than") else "<="
    return reader.with_filter(rows, Filter(field, cast("Any", sign), number.numbers))


@clause_of(
    CLOCK,
    rf"{CONN}<be>([a-z]+) (?:on )?same day(?: as)?(?: {_BEING}([a-z]+|C\d+))",
    rf"{CONN}<be>([a-z]+) on day {_BEING}([a-z]+)",
)
def _same_day(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Shipped on the same day as it was placed"."""
    last, first = (_day(reader, group) for group in (groups[0], groups[-1]))
    if not first or not last or first == last:
        return None
    return reader.with_filter(rows, Filter(f"days:{first}:{last}", "=", (0,)))


def _day(reader: Reader, said: str) -> str:
    """`Table.Column` of the date that a verb or a column's name is about, "" where it is none."""
    field = reader.thing(said).name if re.fullmatch(r"C\d+", said) else reader.nouns.day_of(verb_stem(said))
    column = reader.nouns.column(field) if field else None
    return f"{reader.table}.{column.name}" if column is not None and column.family == "date" else ""
