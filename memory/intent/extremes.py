"""How questions about the first rows by a column begin: the cheapest, the latest, the second oldest, what they have.

A column is one that a row has once; what is first by a metric is for `memory.intent.cores` and `lookups`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from memory.compiler import Filter, SemanticQuery
from memory.compiler.query import Order
from memory.intent.arrangement import ADJECTIVE, LEAST, MOST, described
from memory.intent.known import NotUnderstood
from memory.intent.rows import VERBS, Reader, Rows, verb_stem
from memory.intent.sentence import Thing, pattern

__all__ = ["EXTREMES", "LISTED", "Builder", "Head", "extreme", "last_deal"]

LISTED = r"((?:[KBV]\d+ )*)(E\d+)"
"""The things asked about, and the adjectives before them."""

_PLACES = {"second": 1, "third": 2, "fourth": 3, "fifth": 4}
_PLACE = "|".join(_PLACES)

Builder = Callable[[Reader, Rows, "Head"], SemanticQuery | None]


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the clauses."""

    groups: tuple[str, ...]
    thing: Thing
    """The things asked about, as they are named."""
    number: int
    every: bool
    asked: bool
    """Whether the question says that rows are to be shown, and is no bare "orders of 2023"."""


def extreme(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """The first rows by a column: as many as are asked for, or one."""
    if (
        rows.extreme is None
        or rows.order not in (None, rows.extreme)
        or rows.counted
        or (head.thing.plural and not (head.number or rows.within))
    ):
        return None
    if head.number and not head.thing.plural and head.number != 1:
        return None
    field, order = rows.extreme
    place = next((_PLACES[group] for group in head.groups if group in _PLACES), 0)
    if place and (head.number or rows.within):
        return None
    if rows.within and (rows.kinds or rows.within == field):
        return None
    return SemanticQuery(
        metrics=rows.kinds,
        filters=rows.filters,
        related=rows.related,
        window=rows.window,
        pattern="first_in_group" if rows.within else "extreme",
        dimensions=(rows.within,) if rows.within else (),
        entity=reader.nouns.entity.id,
        columns=tuple(dict.fromkeys((field, *(c for c in rows.columns if c != reader.nouns.label)))),
        order=order,
        limit=head.number or 1,
        offset=place,
    )


def _described(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """ "The three cheapest products"."""
    found = described(reader, _adjective(head))
    return extreme(reader, replace(rows, extreme=found), head) if found and not rows.extreme else None


def _adjective(head: Head) -> str:
    words = [group for group in head.groups if group and not re.match(r"[A-Z]\d", group) and group not in _PLACES]
    return words[0]


def _top_by(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """ "Top 5 products by price": the order is the column's, from the end that is said."""
    if rows.order is None or rows.extreme:
        return None
    order: Order = "asc" if "bottom" in head.groups else "desc"
    return extreme(reader, replace(rows, order=None, extreme=(rows.order[0], order)), head)


def _attributes(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """ "The supplier of the cheapest product", "who placed the latest order"."""
    fields = [reader.field_of(letter) for letter in re.findall(r"[CF]\d+", " ".join(head.groups))]
    if rows.columns or not fields or len(set(fields)) < len(fields):
        return None
    return _described(reader, replace(rows, columns=tuple(fields)), head)


def _with_most(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """ "The customer of the order with the highest freight"."""
    fields = [reader.field_of(letter) for letter in re.findall(r"[CF]\d+", " ".join(head.groups))]
    if rows.columns or rows.extreme is None or head.thing.plural or len(set(fields)) < len(fields):
        return None
    return extreme(reader, replace(rows, columns=tuple(fields)), head)


def _day(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """ "When was the latest order placed": the day that makes it the latest, and no other."""
    found = described(reader, _adjective(head))
    column = reader.nouns.column(found[0]) if found else None
    said = re.search(r"E\d+ ([a-z]+)", reader.sentence.text)
    if column is None or column.family != "date" or not found:
        return None
    if said and reader.nouns.day_of(verb_stem(said[1])) not in ("", found[0]):
        return _with_column(reader, rows, head, reader.nouns.day_of(verb_stem(said[1])))
    return _described(reader, rows, head)


def _with_column(reader: Reader, rows: Rows, head: Head, field: str) -> SemanticQuery | None:
    """The first row with one more of its columns."""
    return None if rows.columns else _described(reader, replace(rows, columns=(field,)), head)


def _highest(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """ "The highest freight on a single order, with the order number": the row, where more of it is asked for."""
    field = reader.thing(next(group for group in head.groups if re.fullmatch(r"C\d+", group))).name
    word = next(group for group in head.groups if group and not re.match(r"[A-Z]\d", group))
    column = reader.nouns.column(field)
    if not rows.columns or rows.extreme or head.thing.plural or column is None or column.family != "number":
        return None
    return extreme(reader, replace(rows, extreme=(field, "desc" if re.fullmatch(MOST, word) else "asc")), head)


def _owned(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """ "X's last order", "when did X first order"."""
    value = next(group for group in head.groups if group[:1] == "V")
    labels = reader.known.labels
    found = reader.matches(value, lambda match: match.dimension in labels or match.target in labels)
    letters = [letter for group in head.groups for letter in re.findall(r"C\d+", group)]
    fields = tuple(reader.field_of(letter) for letter in letters)
    if found.op != "=" or reader.is_far(found.field) or (rows.columns and fields):
        return None
    held = reader.with_filter(rows, found)
    return _described(reader, replace(held, columns=rows.columns or fields), head) if held else None


def last_deal(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "When did X last order"."""
    if not reader.nouns.clock:
        return None
    value, end = (next(group for group in groups if re.match(form, group)) for form in ("V", "last|first"))
    labels = reader.known.labels
    found: Filter = reader.matches(value, lambda match: match.dimension in labels or match.target in labels)
    if found.op != "=" or reader.is_far(found.field):
        raise NotUnderstood
    return SemanticQuery(
        filters=(found,), pattern="extreme", entity=reader.nouns.entity.id, columns=(reader.nouns.clock,),
        order="desc" if end == "last" else "asc", limit=1,
    )  # fmt: skip


_ENDS = f"(?:({_PLACE}) )?({ADJECTIVE})"
_IS = "(?:(?:which|what|who)(?: (?:is|are|was|were))? )?"
_DONE = f"(?:is|was|did|does|has)? ?(?:{VERBS}|makes|handles|places)(?: by)?"
EXTREMES: tuple[tuple[re.Pattern[str], Builder], ...] = tuple(
    (pattern(form), build)
    for build, forms in (
        (_described, (
            rf"{_IS}(?:top )?(?:N )?{_ENDS} (?:N )?{LISTED}",
            rf"(?:how much (?:is|are|does|do)|what does|what do) (?:N )?{_ENDS} {LISTED}(?: cost)?",
        )),
        (_top_by, (rf"(?:(?:which|what) are )?(?:N )?(top|bottom) (?:N )?{LISTED}",)),
        (_attributes, (
            rf"(?:(?:what|which|who) (?:is |are |was )?)?L (?:of|for|on|from|that goes with) {_ENDS} {LISTED}",
            rf"(?:what|which|who) (?:is )?F {_DONE} {_ENDS} {LISTED}",
            rf"(?:in |at |to |from |by )?(?:what|which) [CF] (?:is|was|does|did) {_ENDS} {LISTED}"
            r"(?: (?:in|at|from|for|based in|located in|come from|shipped to|live in|work in|belong to"
            r"|(?:placed|handled|supplied|made|taken) by))?",
        )),
        (_with_most, (
            rf"(?:what|which|who) (?:is )?F {_DONE} {LISTED}(?= (?:with|that|which))",
            rf"(?:(?:what|which|who) (?:is |are |was )?)?L (?:of|for|on) {LISTED}(?= (?:with|that|which))",
        )),
        (_highest, (
            rf"(?:what (?:is |was )?)?({MOST}|{LEAST}) C (?:ever )?(?:on|of|for|in) (?:(?:a|any|one|single) )*{LISTED}",
        )),
        (_day, (
            rf"when (?:was|is|did|were) {_ENDS} {LISTED}"
            r"(?: (?:placed|made|taken|received|hired|born|shipped|due|join|start))?",
        )),
        (_owned, (
            rf"(?:when (?:was|is) |(?:what (?:is|was) )?(?:C (?:of|for) )?)?(?:F )?V {_ENDS} {LISTED}",
        )),
    )
    for form in forms
)  # fmt: skip
