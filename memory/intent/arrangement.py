"""Clauses about how the rows are shown: which columns, in what order, and which of them come first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from memory.compiler.query import Order
from memory.intent.rows import Clause, Reader, Rows, clause_of, verb_stem

__all__ = ["ADJECTIVE", "ARRANGEMENT", "LEAST", "MOST", "described"]

ARRANGEMENT: list[Clause] = []

_ASKED = "(?:give|show|list|return|include|name|i|would|like|to|see|want|need|add|also|with|too|them|those|their|its)"

MOST = "highest|largest|biggest|greatest|maximum|most|max"
LEAST = "lowest|smallest|least|fewest|minimum|min"
_PRICES = {
    **dict.fromkeys(("most expensive", "priciest", "dearest", "costliest", "highest priced"), "desc"),
    **dict.fromkeys(("cheapest", "least expensive", "lowest priced"), "asc"),
}
_AGES = {"oldest": "asc", "youngest": "desc"}
_EXTENTS = {"longest": "desc", "thickest": "desc", "shortest": "asc", "thinnest": "asc"}
_AMOUNTS = {
    **dict.fromkeys(("highest", "biggest", "largest"), "desc"),
    **dict.fromkeys(("lowest", "smallest"), "asc"),
}
_SERVICE = {
    **dict.fromkeys(("longest serving", "longest tenured"), "asc"),
    **dict.fromkeys(("newest", "most recent", "latest"), "desc"),
}
_TIMES = {
    **dict.fromkeys(("newest", "latest", "most recent", "last"), "desc"),
    **dict.fromkeys(("earliest", "oldest", "first"), "asc"),
}
_DATED = {
    **dict.fromkeys(("most recently", "last", "latest"), "desc"),
    **dict.fromkeys(("first", "earliest"), "asc"),
}
ADJECTIVE = "|".join(sorted((
    *(f"{word}(?: to ship)?" for word in _PRICES), *_AGES, *_EXTENTS, *_AMOUNTS, *_SERVICE, *_TIMES,
    *(f"{word} [a-z]+ed" for word in _DATED),
), key=len, reverse=True))  # fmt: skip

_DIRECTIONS = {
    **dict.fromkeys(("descending", "desc", "highest first", "largest first", "biggest first", "latest first",
                     "newest first", "most recent first", "from highest to lowest", "high to low",
                     "from largest to smallest", "z to a", "from z to a"), "desc"),
    **dict.fromkeys(("ascending", "asc", "lowest first", "smallest first", "earliest first", "oldest first",
                     "from lowest to highest", "low to high", "a to z", "from a to z", "alphabetically",
                     "from smallest to largest"), "asc"),
}  # fmt: skip
_DIRECTION = "|".join(_DIRECTIONS)


def described(reader: Reader, words: str) -> tuple[str, Order] | None:
    """The column that an adjective is about, and which end of it comes first: "cheapest", "last shipped"."""
    nouns = reader.nouns
    bare = words.removesuffix(" to ship")
    if bare in _PRICES:
        field = nouns.named("shipping cost", "freight") if bare != words else nouns.named("price", "unit price")
        return (field, cast("Order", _PRICES[bare])) if field else None
    for table, field in (
        (_AGES, nouns.named("birth date", "birth year")),
        (_AMOUNTS, nouns.named("amount")),
        (_EXTENTS, nouns.named("length", "pages", "number of pages", "duration")),
        (_TIMES, nouns.clock),
        (_SERVICE, nouns.named("hire date")),
    ):
        if words in table and field:
            return field, cast("Order", table[words])
    start, _, verb = words.rpartition(" ")
    field = nouns.day_of(verb_stem(verb)) if start in _DATED else ""
    return (field, cast("Order", _DATED[start])) if field else None


@clause_of(
    ARRANGEMENT,
    r"(?:, )?(?:along with|together with|showing|including|listing|with|and) (their |its )?L(?: (?:of|for) "
    r"each(?: one| E\d+)?)?",
    r", (?:return |give |show |list )?L(?: of each(?: one| E\d+)?)?",
    rf"\. (?:{_ASKED} )*L(?: of each(?: one)?)?",
    r"(?:, )?and what (?:is|are) L of each(?: one)?",
    kind="arranges",
)
def _columns(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With their phone numbers"."""
    said = groups[-1]
    letters = re.findall(r"[CFE]\d+", said)
    fields = [reader.field_of(letter) for letter in letters]
    column = reader.nouns.column(fields[0])
    clear = len(groups) > 1 or len(fields) > 1 or column is None or not (column.nullable or column.family == "number")
    if rows.extreme and fields == [rows.extreme[0]]:
        return rows  # "the highest price, and what is that price": it is shown anyway
    clear = clear or (rows.order is not None and fields == [rows.order[0]])
    clear = clear or rows.extreme is not None or bool(re.search(rf"\. .*{letters[0]}", reader.sentence.text))
    if rows.columns or not clear or len(set(fields)) < len(fields):
        return None
    return replace(rows, columns=tuple(fields))


@clause_of(
    ARRANGEMENT,
    r"(?:, )?(?:and )?when (?:it|they|each|each of them) (?:was|were|has been|have been) ([a-z]+)",
    r"(?:, )?(?:and )?when (?:was|were) (?:it|they|each|each of them) ([a-z]+)",
    kind="arranges",
)
def _and_when(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "... and when they were placed": one more column."""
    field = reader.nouns.day_of(verb_stem(groups[0]))
    if not field or field in rows.columns:
        return None
    return replace(rows, columns=(*rows.columns, field))


@clause_of(
    ARRANGEMENT,
    r"(?:, )?and what (?:is|are) (it|they|those)",
    kind="arranges",
)
def _and_what(reader: Reader, rows: Rows, _: Sequence[str]) -> Rows | None:
    """ "For which of them do we have a website, and what is it": what they must have is shown."""
    found = tuple(item.field for item in rows.filters if item.op == "is not null")
    return replace(rows, columns=found) if len(found) == 1 and not rows.columns else None


@clause_of(
    ARRANGEMENT,
    rf"(?:, )?(?:with )?({ADJECTIVE}) (?:first|on top|at top)",
    rf"(?:, )?(?:starting|beginning) with ({ADJECTIVE})",
    kind="arranges",
)
def _first(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Newest first"."""
    found = described(reader, groups[0])
    return replace(rows, order=found) if found and not rows.order else None


@clause_of(
    ARRANGEMENT,
    rf"(?:, )?(?:sorted by C(?: ,)? )?({MOST}|{LEAST}|latest|earliest|newest|oldest|most recent) C (?:first|on "
    r"top)",
    kind="arranges",
)
def _column_first(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Highest price first"."""
    order: Order = "desc" if re.fullmatch(f"{MOST}|latest|newest|most recent", groups[-2]) else "asc"
    return None if rows.order else replace(rows, order=(reader.thing(groups[-1]).name, order))


@clause_of(
    ARRANGEMENT,
    r"(?:, )?from (lowest|smallest|highest|largest) to (?:highest|largest|lowest|smallest) C",
    kind="arranges",
)
def _from_end(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "From lowest to highest price"."""
    order: Order = "asc" if groups[0] in ("lowest", "smallest") else "desc"
    return None if rows.order else replace(rows, order=(reader.thing(groups[1]).name, order))


@clause_of(
    ARRANGEMENT,
    r"(?:, )?(?:and )?(?:(?:sorted|ordered|sort it|ranked|alphabetically|order it) by|in order of|by) C(?:(?: "
    rf",)? (?:in )?({_DIRECTION})(?: order)?)?",
    r"(?:, )?in (ascending|descending) order of C",
    rf"(?:, )?(?:sorted |ordered )?({_DIRECTION}) by C",
    kind="arranges",
)
def _by_column(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Sorted by city"; but "shipped in July by ship date" says which of the dates is meant."""
    letter = next(group for group in groups if group[0] == "C")
    said = next((group for group in groups if group[0] != "C"), "")
    field = reader.thing(letter).name
    column = reader.nouns.column(field)
    sorting = rf"(?:sorted|ordered|ranked|it|alphabetically) by {letter}|order of {letter}"
    sorts = said or re.search(sorting, reader.sentence.text)
    if rows.order or not (sorts or column is None or column.family != "date"):
        return None
    return replace(rows, order=(field, cast("Order", _DIRECTIONS[said or "asc"])))


@clause_of(
    ARRANGEMENT,
    rf"(?:, )?(?:sorted |ordered )?from ({ADJECTIVE}) to (?:{ADJECTIVE})",
    kind="arranges",
)
def _from_first(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "From oldest to youngest"."""
    found = described(reader, groups[0])
    return replace(rows, order=found) if found and not rows.order else None


@clause_of(
    ARRANGEMENT,
    r"(?:, )?(?:(?:sorted |ordered )?(?:from )?a to z|(?:sorted )?alphabetically|in alphabetical order)",
    r"(?:, )?(?:sorted )?((?:from )?z to a|in reverse alphabetical order)",
    kind="arranges",
)
def _by_name(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    order: Order = "desc" if groups else "asc"
    return None if rows.order else replace(rows, order=(reader.nouns.label, order))


@clause_of(
    ARRANGEMENT,
    r"(?:, )?in (?:(reverse) )?chronological order",
    r"(?:, )?(newest) to oldest",
    kind="arranges",
)
def _by_time(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    if not reader.nouns.clock or rows.order:
        return None
    return replace(rows, order=(reader.nouns.clock, "desc" if groups else "asc"))


@clause_of(
    ARRANGEMENT,
    rf"(?:that |which )?(?:with|have|has|having) ({MOST}|{LEAST}) C",
    rf"by ({MOST}|{LEAST}) C",
)
def _with_most(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With the highest price"."""
    field = reader.thing(groups[1]).name
    column = reader.nouns.column(field)
    if rows.extreme or column is None or column.family != "number":
        return None
    return replace(rows, extreme=(field, "desc" if re.fullmatch(MOST, groups[0]) else "asc"))


@clause_of(
    ARRANGEMENT,
    rf"(?:is|are|was|were) ({ADJECTIVE})",
    r"(?:is|are|was|were) ([a-z]+ (?:most recently|last|first|earliest))",
)
def _is_most(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Which product is the cheapest", "which order was shipped last"."""
    verb, _, when = groups[0].partition(" ")
    found = described(reader, groups[0]) or described(reader, f"{when} {verb}")
    return replace(rows, extreme=found) if found and not rows.extreme else None


@clause_of(
    ARRANGEMENT,
    r"(?:, )?(?:per|(?:in|of|for|from|within|by) (?:each|every)|each|every) ([CF]\d+)(?! [A-Z]\d)",
    kind="arranges",
)
def _in_each(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "The cheapest product in each category": of those that have the same there."""
    field = reader.field_of(groups[0])
    return None if rows.within or field == reader.nouns.label else replace(rows, within=field)


@clause_of(
    ARRANGEMENT,
    r"(?:, )?and (?:what|how much) (?:does it|do they|is it|are they) cost",
    r"(?:, )?and (?:at )?what(?: is)? price",
    kind="arranges",
)
def _and_price(reader: Reader, rows: Rows, _: Sequence[str]) -> Rows | None:
    """ "Which is the cheapest product, and what does it cost": the price is shown anyway."""
    price = reader.nouns.named("price", "unit price")
    return replace(rows, columns=(price,)) if price and not rows.columns else None


@clause_of(
    ARRANGEMENT,
    r"(?:do we (?:have|get|carry|offer|employ)|have we(?: got)?)",
    r"(?:are|were) there",
    r"there (?:are|were)",
    r"we (?:have|carry|offer|know of)",
    r"on (?:[CM]\d+ )list",
    r"(?:on|in) (?:file|record|catalogue|catalog|books|price list|database|system)",
    r"(?:at moment|right now|currently|so far|of ours|today)",
    r"exist",
    r", ?(?=please|$)",
    kind="arranges",
)
def _nothing(_: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Do we have"."""
    return None if groups else rows
