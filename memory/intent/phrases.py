"""Clauses whose object is described in turn: "who handled orders shipped to France", "suppliers of late products".

What follows such a verb or preposition is a part of the line about another kind of thing. It is written anew as a line
about that kind, so that its own columns, kinds and days are what its words mean, and read with the same clauses. Only
what comes down to filters, kinds and a period can be joined: a related row's own relations cannot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from memory.compiler import Filter, TimeWindow
from memory.intent.columns_compared import COLUMNS_COMPARED
from memory.intent.conditions import CONDITIONS
from memory.intent.known import NotUnderstood
from memory.intent.nouns import Nouns, nouns_of
from memory.intent.relations import RELATIONS
from memory.intent.rows import CONN, HAVE, NEGATED, NOTHING, VERBS, WHEN, Phrase, Reader, Rows, verb_stem
from memory.intent.sentence import pattern
from memory.joins import NoJoinPath

__all__ = ["PHRASES", "adjective", "is_not_by"]

_NOT_BY = re.compile(r"\bnot (\w+ed) (?:by|via|with|through)\b", re.IGNORECASE)
_QUANTIFIED = frozenset(
    [
        "all",
        "only",
        "every",
        "each",
        "no",
        "not",
        "most",
        "few",
        "many",
        "several",
        "both",
        "more",
        "less",
        "other",
        "same",
    ]
)

_PREPOSITION = "(?:of|for|from|by|in|on)"
_DEALS = (
    rf"{CONN}{HAVE}(?:{VERBS})(?: (?:to|for|from|by|through|via|in|on))?",
    rf"{CONN}<be>(?:{VERBS}) (?:by|from|to|via|in|on|for)",
    rf"{CONN}(?:with|have|has|having|had)(?: had)?",
    rf"{CONN}<be>{_PREPOSITION}",
)
_NO_DEALS = (
    rf"{CONN}(?:{NEGATED}) (?:been )?(?:{VERBS})(?: (?:to|for|from|by|in|on))?",
    rf"{CONN}(?:{NOTHING})",
    rf"{CONN}(?:{HAVE})(?:{VERBS}) no",
    r"(?:, )?(?:and|but) no",
)
_SEVERAL = "(?: (?:a|one|Q|at least one|one or more|a single|single|something in|anything in))?"
_OBJECT = rf"{_SEVERAL} ((?:(?!F\d)\S+ ){{0,3}})F"
_START = re.compile(r"(?:a |one |single |at least one |one or more )?((?:[KBV]\d+ )*)(E\d+)(?= |$)")
_CUT = re.compile(
    r" (?=,|\.|but |and |with |have |has |are |is |cost |sorted |ordered by |by |since |in |during |between |before "
    r"|after |P\d|$)|$"
)
_CLAUSES = (*CONDITIONS, *COLUMNS_COMPARED, *RELATIONS)


def _described(reader: Reader, rows: Rows, match: re.Match[str], negated: bool) -> Iterator[tuple[int, Rows]]:
    """The rows that deal, or do not deal, with the things described, and where the description ends."""
    text = reader.sentence.text
    nouns = nouns_of(reader.thing(match.groups()[-1]).name, reader.known)
    bare = re.match(rf"{_PREPOSITION} ", match[0])
    if reader.is_own(nouns.entity.table) or (bare and rows.related):
        return  # "ordered by customers ..." says by whom they were ordered
    least = [group for group in match.groups() if group and re.fullmatch(r"Q\d+", group)]
    quantity = reader.thing(least[0]) if least else None
    if quantity and (quantity.name, quantity.numbers) not in ((">=", (1,)), (">", (0,))):
        return
    start = match.start(match.lastindex - 1 if match.lastindex else 0)
    if _QUANTIFIED & set(text[start : match.end()].split()) or is_not_by(reader.sentence.question, nouns):
        return  # "with all orders late" is more than some
    for cut in _CUT.finditer(text, match.end()):
        when = pattern(WHEN).match(text, cut.start()) if not nouns.clock else None
        ends: list[tuple[int, TimeWindow | None]] = [(cut.start(), None)]
        periods = [group for group in when.groups() if group] if when else []
        if when and periods:
            ends.append((when.end(), reader.window(periods)))
        for sub in _objects(reader, start, cut.start(), nouns):
            for end, window in ends:
                found = _joined(reader, rows, nouns, replace(sub, window=sub.window or window), negated=negated)
                if found is not None:
                    yield end, found


def is_not_by(question: str, nouns: Nouns) -> bool:
    """Whether something was not done by somebody: what was "not shipped by V" may have been shipped, by another."""
    found = _NOT_BY.search(question)
    return found is not None and bool(nouns.day_of(verb_stem(found[1].lower())))


def _objects(reader: Reader, start: int, end: int, nouns: Nouns) -> Iterator[Rows]:
    """What the part of the line says of its things; nothing where it says no more than their name."""
    try:
        other = Reader(reader.sentence.part(start, end, nouns), reader.known)
    except NotUnderstood:
        return
    match = _START.match(other.sentence.text)
    if not match:
        return
    rows: Rows | None = Rows()
    for letter in match[1].split():
        rows = adjective(other, rows, letter) if rows is not None else None
    for found in other.read(match.end(), rows, _CLAUSES) if rows is not None else ():
        plain = not (found.related or found.columns or found.order or found.extreme or found.counted)
        if plain and (found.filters or found.kinds or found.window):
            reader.sentence.inner += other.sentence.things.values()
            yield found


def _joined(reader: Reader, rows: Rows, nouns: Nouns, sub: Rows, *, negated: bool) -> Rows | None:
    """The rows with what they refer to, or what refers to them, being as it is described."""
    try:
        if not reader.is_far(nouns.label):
            if negated or sub.kinds or sub.window:
                return None
            return reader.with_filter(rows, *sub.filters)
        found = reader.relation(rows, nouns.entity.table, sub.filters, sub.window, negated=negated)
    except (NotUnderstood, NoJoinPath):
        return None
    if found is None or not sub.kinds:
        return found
    return replace(found, related=(*found.related[:-1], replace(found.related[-1], kinds=sub.kinds)))


def adjective(reader: Reader, rows: Rows, letter: str) -> Rows | None:
    """ "Late orders", "German customers", "Seafood products"."""
    thing = reader.thing(letter)
    if letter[0] == "K":
        return replace(rows, kinds=(*rows.kinds, thing.name))
    try:
        if letter[0] == "B":
            return reader.with_filter(rows, Filter(thing.name, "=", (1,)))
        found = reader.matches(letter, lambda _: True)
        return None if reader.is_far(found.field) else reader.with_filter(rows, found)
    except (NotUnderstood, NoJoinPath):
        return None


PHRASES: list[Phrase] = [
    Phrase(
        pattern(form + _OBJECT),
        lambda reader, rows, match, negated=negated: _described(reader, rows, match, negated),  # type: ignore[misc]
    )
    for forms, negated in ((_DEALS, False), (_NO_DEALS, True))
    for form in forms
]
