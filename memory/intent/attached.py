"""Clauses about what other things have in the same column, and values told by the kind of thing they are.

"In the same city as one of our suppliers", "shipped to another country than the customer's own", "who cover the
Eastern region".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from memory.compiler import Filter
from memory.intent.known import NotUnderstood, last_stem
from memory.intent.nouns import nouns_of
from memory.intent.rows import CONN, HAVE, VERBS, WHEN, Clause, Reader, Rows, clause_of
from memory.lexical import stem
from memory.values import ValueMatch

__all__ = ["ATTACHED"]

ATTACHED: list[Clause] = []

_ANY = r"(?:(?:one|any|some|at least one|a|another|one or more|N\d+)(?: of)? )?"


@clause_of(
    ATTACHED,
    rf"{CONN}(?:<be>)?(?:(?:located|based|situated|living|working|lives?|works?|sit|sits) )?(?:in|from|of|with|have"
    rf"|has) same C (?:as|like|with) {_ANY}F",
    rf"{CONN}(?:share|shares|sharing) (?:a |same |their )?C with {_ANY}F",
    rf"{CONN}whose C <be>(?:same as|also|also that of|that of|shared with) {_ANY}F(?: C)?",
    rf"{CONN}(?:in|from) (?:a )?C where (?:we (?:also )?have|there <be>) {_ANY}F",
    kind="names",
)
def _same_as_others(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "In the same city as one of our suppliers"."""
    letters = [group for group in groups if re.fullmatch(r"[CF]\d+", group)]
    field = reader.thing(letters[0]).name
    other = nouns_of(reader.thing(letters[1]).name, reader.known)
    if re.search(r"\bonly\b|\bsame \S+ as (?:all|every|each)\b", reader.sentence.text):
        return None
    numbers = [reader.thing(letter) for letter in re.findall(r"N\d+", reader.sentence.text)]
    if any(thing.surface.lower() not in ("one", "1") for thing in numbers):
        return None
    theirs = _counterpart(reader, field, other.entity.table)
    if not theirs or reader.is_own(other.entity.table):
        return None
    return reader.with_filter(replace(rows, beside=(*rows.beside, field)), Filter(field, "in", other=theirs))


@clause_of(
    ATTACHED,
    rf"{CONN}(?:<be>)?(?:(?:located|based|situated|living|working|lives?|works?|sit|sits) )?(?:in|from|of|with|have"
    rf"|has) same C (?:as|like|with) (?:[EF]\d+ )?V",
    rf"{CONN}(?:share|shares|sharing) (?:a |same |their )?C with (?:[EF]\d+ )?V",
)
def _same_as_one(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "In the same city as X": without X, where it is one of them."""
    field, labels = reader.thing(groups[0]).name, reader.known.labels
    named = reader.matches(groups[1], lambda match: match.dimension in labels or match.target in labels)
    table = reader.known.table_of(named.field)
    theirs = _counterpart(reader, field, table)
    if named.op != "=" or not theirs or reader.nullable(field):
        return None
    shown = replace(rows, beside=(*rows.beside, field))
    found = reader.with_filter(shown, Filter(field, "in", named.values, other=theirs))
    if found is None or not reader.is_own(table):
        return found
    return reader.with_filter(found, Filter(named.field, "!=", named.values))


def _counterpart(reader: Reader, field: str, table: str) -> str:
    """The column of another table that is called what the field is called, "" where there is none."""
    column, found = reader.nouns.column(field), reader.known.linker.catalog.table(table)
    alike = found.column(column.name) if found and column else None
    if column is None or alike is None or found is None or column.family != "text" or field == reader.nouns.label:
        return ""
    return f"{found.name}.{alike.name}"


_SENT = "went|shipped|sent|delivered|going|go|dispatched"
_BUT = "other than|different from|besides|than|not"


@clause_of(
    ATTACHED,
    rf"{CONN}<be>(?:{_SENT}) to (?:a |another |other )?([a-z]+) ({_BUT}) (?:that of )?F(?: own)?(?: home)?(?: [a-z]+)?",
    rf"{CONN}<be>(?:{_SENT}) to (?:a |another |other )?([a-z]+) ({_BUT}) C",
    rf"{CONN}<be>(?:{_SENT}) (outside|out of) F(?: own)?(?: home)? ([a-z]+)",
    rf"{CONN}<be>(?:{_SENT}) (outside|out of) C",
    rf"{CONN}whose (?:ship|delivery|destination) ([a-z]+) <be>({_BUT}) (?:that of )?(?:F(?: own)?(?: [a-z]+)?|C)",
    rf"{CONN}whose C <be>({_BUT}) (?:that of )?F(?: own)?(?: [a-z]+)?",
    rf"{CONN}whose C <be>({_BUT}) C",
)
def _elsewhere_than(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Sent to a country other than the customer's own": a column of the event against one of what it refers to."""
    fields = [reader.thing(group).name for group in groups if re.fullmatch(r"C\d+", group)]
    words = {stem(group) for group in groups if group.isalpha() and group.islower()}
    theirs = [field for field in fields if not reader.is_own(reader.known.table_of(field))]
    own = [field for field in fields if field not in theirs]
    for group in groups:
        if re.fullmatch(r"F\d+", group):
            other = nouns_of(reader.thing(group).name, reader.known)
            noun = {last_stem(reader.known.layer.dimension(own[0]).name)} if own and "." not in own[0] else words
            theirs += [f"{other.entity.table}.{c.name}" for c in other.own if last_stem(c.name) in (noun or words)]
    if not reader.nouns.clock or len(theirs) != 1 or len(own) > 1 or reader.is_far(theirs[0]):
        return None
    column = reader.nouns.column(theirs[0])
    if not own and column is not None:
        text = [d for d in reader.known.layer.dimensions if reader.is_own(d.table) and d.column and d.type == "text"]
        own = [f"{d.table}.{d.column}" for d in text if last_stem(d.name) == last_stem(column.name)]
    if column is None or column.family != "text" or len(own) != 1:
        return None
    return reader.with_filter(rows, Filter(own[0], "!=", other=theirs[0]))


@clause_of(
    ATTACHED,
    rf"{CONN}{HAVE}(?:{VERBS}|responsible for|in charge of|assigned to)(?: (?:for|in|to))? V C{WHEN}",
    rf"{CONN}<be>(?:in charge of|assigned to|covering|responsible for) V C{WHEN}",
)
def _called(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who cover the Eastern region": what the word behind the value says it is, though they have such a column."""
    value = next(group for group in groups if group[0] == "V")
    noun = last_stem(reader.thing(next(group for group in groups if group[0] == "C")).surface)

    def fits(match: ValueMatch) -> bool:
        called = reader.known.layer.dimension(match.dimension).name if match.dimension else ""
        return match.dimension in reader.known.labels and not reader.is_own(match.table) and last_stem(called) == noun

    if " and " in value:
        raise NotUnderstood
    return reader.condition(rows, reader.matches(value, fits), reader.window(groups))
