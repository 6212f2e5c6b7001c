"""The different values of a column, how many there are, and which of them several rows share.

"What job titles do we have" names no thing at all, so the column's name must be one that is only its own; "how many
countries do we ship to" says by the verb whose column is meant; "cities with more than three customers" by what is
counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

from memory.compiler import Filter, Having, SemanticQuery
from memory.intent.known import last_stem
from memory.intent.rows import Reader
from memory.intent.sentence import Thing, pattern
from memory.lexical import stem, stems

__all__ = ["DISTINCT", "VALUES_ASKED", "Answer"]

Answer = Callable[[Reader, re.Match[str]], SemanticQuery | None]
"""What a line that matches comes to; None where it does not hold."""

_UNIQUE = "(?:different|distinct|unique|various|separate)"
VALUES_ASKED = re.compile(
    r"\W*(?:(?:please |can you )?(?:list|show|give me|tell me) |(?:what|which|how many)\b|the number of |number of )"
    r"(?!.*\b(?:most|least|by|per|with|without|never|not|no)\b)",
    re.IGNORECASE,
)
"""How a question may begin that names a column and nothing that has it."""
_HERE = "(?:do we have|have we got|are there|exist|do we use|are in use|occur|are used)"
_SHIP = r"(?:ship|shipped|deliver|delivered|send|sent|dispatch|dispatched|K\d+)(?: E\d+)?"
_SHARED = (
    r"(?:with|have|has|having|that have|which have|that has|where we have|in which we have|(?:that (?:are|is) )?home to"
    r"|(?:that |which )?(?:appears?|occurs?|shows? up|is used|are used|comes? up|turns? up|is found|are found"
    r"|(?:is|are) shared) (?:at|for|with|by|on|in|among)|shared by|used by)"
)


def _values(reader: Reader, match: re.Match[str]) -> SemanticQuery | None:
    """ "What job titles do we have": of a column whose name is its own."""
    thing = reader.thing(match[1])
    field = thing.name
    if not thing.plural or not _is_own_name(reader, thing) or reader.nullable(field):
        return None
    if "how many" in match[0] or "number" in match[0]:
        return _how_many(reader, field)
    return SemanticQuery(pattern="values", entity=reader.nouns.entity.id, columns=(field,))


def _is_own_name(reader: Reader, thing: Thing) -> bool:
    """Whether a name means this column of these things and no other: "job titles", but not "countries"."""
    column = reader.nouns.column(thing.name)
    named = reader.known.linker.dimension_named(thing.surface)
    if column is None or not named or thing.name == reader.nouns.label:
        return False
    dimension = reader.known.layer.dimension(named)
    if f"{dimension.table}.{dimension.column}".casefold() != f"{reader.table}.{column.name}".casefold():
        return False
    alike = [d for d in reader.known.layer.dimensions if last_stem(d.name) == last_stem(thing.surface)]
    return len(stems(thing.surface)) > 1 or len(alike) < 2


def _how_many(reader: Reader, field: str) -> SemanticQuery | None:
    column = reader.nouns.column(field)
    if column is None:
        return None
    return SemanticQuery((f"distinct:{reader.table}.{column.name}",), pattern="total")


def _destinations(reader: Reader, match: re.Match[str]) -> SemanticQuery | None:
    """ "How many different countries do we ship to": the events' own column of that name, in a period or at all."""
    noun, period = stem(match[1]), match[2]
    own = [d for d in reader.known.layer.dimensions if reader.is_own(d.table) and d.column and d.type == "text"]
    named = [d for d in own if last_stem(d.name) == noun]
    if not reader.nouns.clock or len(named) != 1:
        return None
    window = reader.window([period]) if period else None
    return SemanticQuery((f"distinct:{named[0].table}.{named[0].column}",), window=window, pattern="total")


def _shared(reader: Reader, match: re.Match[str]) -> SemanticQuery | None:
    """ "Cities with more than three customers": the values that so many of the things have."""
    letter = next(group for group in match.groups() if group and group[0] == "C")
    quantity = reader.thing(next(group for group in match.groups() if group and group[0] == "Q"))
    places = [group for group in match.groups() if group and group[0] == "V"]
    field = reader.thing(letter).name
    column = reader.nouns.column(field)
    if column is None or column.nullable or column.family != "text" or not reader.is_own(reader.known.table_of(field)):
        return None
    if reader.nouns.clock or quantity.unit or quantity.name not in (">", ">=", "=", "between"):
        return None
    if not all(isinstance(number, int) for number in quantity.numbers):
        return None
    filters: tuple[Filter, ...] = ()
    if places:
        filters = (reader.matches(places[0], lambda value: reader.is_own(value.table)),)
        if filters[0].field in (field, reader.known.dimension_of(field)):
            return None
    having = Having(cast("Any", quantity.name), *quantity.numbers)
    shape = "count_groups" if re.match(r"(?:in |for )?(?:how many|number of)", match[0]) else "breakdown"
    return SemanticQuery((reader.nouns.count,), (field,), filters, having=having, pattern=shape)


_ASKED = "(?:(?:what|which)(?: (?:are|is))?(?: all)?|list|show|every|how many|number of|all)"
_WHOSE = r"(?:(?:is|are) there (?:a |any )?|in )?(?:(?:which|what|how many|number of|in how many|for how many) )?"
DISTINCT: tuple[tuple[re.Pattern[str], Answer], ...] = tuple(
    (pattern(form), answer)
    for answer, forms in (
        (_values, (
            rf"{_ASKED}(?: {_UNIQUE})? C (?:{_HERE})(?: in E)?",
            rf"(?:what are |which are |list |all )*{_UNIQUE} C(?: (?:we have|there are|in use|in E))?",
            r"(?:what are all|list all|all) C(?: (?:we have|there are))?",
            rf"(?:how many|number of) {_UNIQUE} C",
        )),
        (_destinations, (
            rf"(?:to )?(?:how many|number of)(?: {_UNIQUE})? ([a-z]+) (?:do|did|have) we {_SHIP}(?: to)?"
            r"(?: (?:in|during|over|throughout) (P\d+))?",
            rf"(?:how many|number of)(?: {_UNIQUE})? ([a-z]+) we (?:have )?{_SHIP} to"
            r"(?: (?:in|during|over|throughout) (P\d+))?",
            rf"(?:how many|number of)(?: {_UNIQUE})? ([a-z]+) (?:do|did) E (?:go|ship|get shipped|get delivered) to"
            r"(?: (?:in|during|over|throughout) (P\d+))?",
        )),
        (_shared, (
            rf"{_WHOSE}C(?: (?:in|of) V)? {_SHARED} Q E",
            rf"{_WHOSE}V C {_SHARED} Q E",
            rf"{_WHOSE}C do we have Q E(?: in)?",
            rf"{_WHOSE}C do Q E (?:share|have|have in common|come from|live in)",
        )),
    )
    for form in forms
)  # fmt: skip
