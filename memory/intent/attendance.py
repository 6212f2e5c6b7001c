"""Clauses about who came back and who stayed away: in every year, of every kind, in months on end, not once since then.

They tell of a thing's events as `memory.intent.relations` does, several of them at a time: one for each of the years
named, or one for each value that a field has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

from memory.compiler import Having, Related, TimeWindow
from memory.intent.nouns import nouns_of
from memory.intent.parts import split, unit_of
from memory.intent.rows import CONN, HAVE, VERBS, WHEN, Clause, Reader, Rows, clause_of
from memory.periods import PeriodMention

__all__ = ["ATTENDANCE"]

ATTENDANCE: list[Clause] = []

_DEALT = f"(?:{VERBS}|use|used|tried|dealt|worked|served by|active)"
_ALL = r"(?:every of|each of|all of|all|every)"
_EACH = rf"(?:{_ALL}|each)"
_PEOPLE = "(?:nobody|no one|no-one)"


@clause_of(
    ATTENDANCE,
    r"(?:, )?(?:but|and|yet)(?: then| who| have| did)? ?(?:place|placed|bought|ordered|order|buy|made)? ?"
    r"(not|nothing|none|nothing more)(?: (?:order|buy|once|anything|a single time|again))*(?: in| during| for) P",
    r"(?:, )?(?:but|and|yet)(?: then)?(?: have| has| did)? ?(not come back|not returned|not return|not come back"
    r" to|gone quiet|gone silent"
    r"|fallen silent|stopped(?: buying| ordering)?|went quiet|went silent|disappeared|dropped out) (?:in|during"
    r"|since|from) P",
    r"(?:, )?(?:but|and|yet)(?: then)? (placed no|made no|had no|without|with no|have no|have not placed a|have"
    r" not had a)"
    r" F (?:in|during|for) P",
)
def _not_then(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "... in 2022 but placed nothing in 2023"."""
    last = rows.related[-1] if rows.related else None
    if last is None or last.window is None or last.negated or last.along or last.filters or last.every:
        return None
    item = replace(last, negated=True, window=reader.window(groups[-1:]))
    return None if item.window == last.window else replace(rows, related=(*rows.related, item))


@clause_of(
    ATTENDANCE,
    rf"{CONN}{HAVE}{_DEALT}(?: (?:from|in|of|with|something from|products from))? {_ALL}(?: N)?(?: of)? F{WHEN}",
)
def _of_every(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who bought from all eight categories"."""
    letter = next(group for group in groups if group[0] == "F")
    field = reader.known.compiler.label(reader.known.layer.entity(reader.thing(letter).name))
    number = next((reader.thing(group).numbers[0] for group in groups if group[0] == "N"), None)
    table = reader.known.linker.catalog.table(reader.known.table_of(field))
    if not reader.is_far(field) or table is None or (number is not None and table.row_count not in (None, number)):
        return None
    found = reader.relation(rows, reader.known.table_of(field), (), reader.window(groups))
    if found is None:
        return None
    return replace(found, related=(*found.related[:-1], replace(found.related[-1], every=field)))


@clause_of(
    ATTENDANCE,
    rf"{CONN}{HAVE}(?:{VERBS}|active)(?: (?:from|with|something|anything))?(?: (?:Q )?F| a F)? (?:in|during) {_EACH}"
    r"(?: N)?(?: of)?(?: N)?(?: (?:years?|months?|quarters?))?(?: (?:from|in|of))? P((?: ,| and| , and) P)*",
)
def _in_every_period(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who ordered in each of the years 2022 to 2024"."""
    text = reader.sentence.text
    first = next(group for group in groups if group[0] == "P")
    listed = re.match(rf"{first}(?:(?: ,| and| , and) P\d+)*", text[text.index(first) :])
    letters = re.findall(r"P\d+", listed[0]) if listed else []
    periods = [reader.thing(letter).period for letter in letters]
    quantity = next((reader.thing(group) for group in groups if group[0] == "Q"), None)
    if quantity is not None and (quantity.name, quantity.numbers) not in ((">=", (1,)), (">", (0,))):
        return None
    several = list(_units(periods, text))
    if len(several) < 2 or rows.window:
        return None
    found: Rows | None = rows
    for start, end in several:
        found = reader.trade(found, TimeWindow(start, end), negated=False, passive=False) if found else None
    return found


def _units(periods: Sequence[PeriodMention | None], text: str) -> Iterator[tuple[str, str]]:
    """Each of the years (quarters, months) that the periods are or are made of."""
    grain = next((word for word in ("year", "quarter", "month") if re.search(rf"\b{word}s?\b", text)), "")
    for period in periods:
        if period is None or not (period.start and period.end):
            return
        unit = grain or (unit_of(period) if len(periods) > 1 else "year")
        yield from split(period.start, period.end, unit or "year")


@clause_of(
    ATTENDANCE,
    rf"{CONN}{HAVE}(?:{VERBS}|active)(?: F| a F)? (?:in|for|during) (?:Q|N) (?:or more )?consecutive (months|years)"
    r"(?: (?:in|of|within|during) P)?",
    rf"{CONN}{HAVE}(?:{VERBS}|active)(?: F| a F)? (?:in|for) (?:Q|N) (months|years) (?:in a row|running|on end)"
    r"(?: (?:in|of|within|during) P)?",
)
def _on_end(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who ordered in at least three consecutive months"."""
    quantity = reader.thing(next(group for group in groups if group[0] in "QN"))
    grain = next(group for group in groups if group in ("months", "years"))[:-1]
    if rows.streak or rows.related or quantity.name not in ("", ">=", ">") or quantity.unit:
        return None
    having = Having(cast("Any", quantity.name or ">="), quantity.numbers[0])
    return replace(rows, streak=(grain, having), window=reader.window(groups))


@clause_of(
    ATTENDANCE,
    rf"{CONN}(?:have|has|with) {_PEOPLE} (?:looking after|assigned to|covering|responsible for)(?: (?:them|it))?",
    rf"{CONN}(?:still )?(?:{_PEOPLE}|no F) (?:looks after|is assigned to|covers|is responsible for|is looking after)",
    rf"{CONN}(?:are|is) (?:not )?(?:covered|looked after) by {_PEOPLE}",
    rf"{CONN}(?:have|has|with) no F (?:assigned|looking after them|looking after it)(?: to (?:them|it))?",
)
def _unattended(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "That nobody looks after": those whom people are set over, by nobody."""
    tables = [e.table for e in reader.known.layer.entities if nouns_of(e.id, reader.known).is_person]
    if len(set(tables)) != 1 or reader.is_own(tables[0]) or reader.events in (reader.table, ""):
        return None
    item = Related(tables[0], negated=True)
    return replace(rows, related=(*rows.related, item)) if item not in rows.related else None
