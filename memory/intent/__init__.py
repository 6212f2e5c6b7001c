"""What a plain business question asks for, read without a model: a semantic query, or nothing.

Most questions of a business are of few shapes: a metric, by something, of something, in a period, the first so many.
Where every word of a question has its place in such a shape, and only one, the compiler's SQL is right more surely
than any model's. So the reading is strict: one word left over, one value that may stand in two columns, one metric
that cannot be broken down that way, and there is no intent, and the question goes the usual way.

    words.py   words and set phrases with a part in the grammar, each with a one-letter code
    known.py   what the layer, the catalog and the compiler know, remembered between questions
    items.py   the question as a row of items: what it names, and its words, by code
    parts.py   filters, periods, groups, conditions and orders, taken out of the row
    cores.py   what remains must be one of a few cores: a total, a breakdown, a superlative, a list ...
    checks.py  the query with its filters and window, if nothing speaks against it

Cores that compare have their words, in Greek letters, and their modules to themselves:

    comparison_words.py  growth, above the average, without ...
    comparisons.py       a metric against other values, the average of its groups, the total
    changes.py           a metric against itself at another time

Questions about the things themselves (lists, look-ups, extremes, what is missing) have a reading of their own:

    nouns.py        what each kind of thing and its columns are called
    sentence.py     the question as a line of words in which everything named is a letter
    records.py      the one query that comes of the lines a question can be written as
    forms.py        how questions about several things begin, and the query of each
    lookups.py      questions about one of them, each a whole line
    rows.py         what clauses add to: the rows asked for, as far as they are read
    conditions.py   clauses about values, numbers, days, texts, what is missing
    relations.py    clauses about what things have to do with others
    arrangement.py  clauses about columns, orders and what comes first
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from memory.compiler import SemanticQuery
from memory.intent.checks import completed
from memory.intent.cores import read_core
from memory.intent.items import Item, read_items
from memory.intent.known import Known, NotUnderstood
from memory.intent.parts import take_parts
from memory.intent.records import read_record
from memory.linking import Linker

__all__ = ["Intent", "read_intent"]


@dataclass(frozen=True, slots=True)
class Intent:
    """A question understood to the last word."""

    query: SemanticQuery
    readings: tuple[tuple[str, str], ...]
    """Words of the question, and what each was taken for, in order."""


def read_intent(question: str, linker: Linker) -> Intent | None:
    """The one thing a plain question can mean; None where a word is not understood or could mean two things."""
    known = _known(linker)
    try:
        parts = take_parts(question, read_items(question, known), known)
        query = completed(read_core(parts, known), parts, known)
    except NotUnderstood:
        return _of_records(question, known)
    return Intent(query, tuple((item.surface, _taken_for(item)) for item in parts.said))


def _of_records(question: str, known: Known) -> Intent | None:
    try:
        record = read_record(question, known)
    except NotUnderstood:
        return None
    return Intent(record.query, record.readings)


@lru_cache(maxsize=8)
def _known(linker: Linker) -> Known:
    return Known(linker)


def _taken_for(item: Item) -> str:
    if item.code == "M":
        return f"metric {item.name}"
    if item.code == "D":
        return f"dimension {item.name}"
    if item.code == "V":
        return item.values[0].value
    if item.code == "P" and item.period:
        return f"{item.period.start} to {item.period.end}"
    return item.name or item.surface
