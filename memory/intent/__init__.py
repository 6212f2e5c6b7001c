"""What a plain business question asks for, read without a model: a semantic query, or nothing.

Most questions of a business are of few shapes: a metric, by something, of something, in a period, the first so many.
Where every word of a question has its place in such a shape, and only one, the compiler's SQL is right more surely
than any model's. So the reading is strict: one word left over, one value that may stand in two columns, one metric
that cannot be broken down that way, and there is no intent, and the question goes the usual way.

    rephrasing.py  other ways to say the same, tried where a question is not read as it stands
    rephrased_words.py  the set phrases of it
    deeds.py       verbs of the layer's own events ("borrowed") as the nouns they come from
    layer_words.py nouns that values ("librarians") and those who do something ("writers") stand for
    everyday_words.py  how people say things at work, as they would be written
    everyday_trade.py  the same of what is bought, stored, shipped and paid
    frames.py      frames around a plain question
    asides.py      asides and set phrases beside it
    rephrased_shapes.py  shapes that have a plainer one: the biggest order, two named side by side
    words.py       words and set phrases with a part in the grammar, each with a one-letter code
    known.py       what the layer, the catalog and the compiler know, remembered between questions
    wrapping.py    polite and framing words, blanked out before anything is named
    items.py       the question as a row of items: what it names, and its words, by code
    implied.py     the metric that words such as "spent" or "busiest" mean by themselves
    parts.py       what can stand anywhere in the row, and is taken out of it
    taking.py      groups, conditions and orders taken out, after what is taken out by
    repetition.py  what only says again what was said
    windows.py     periods
    filters.py     values
    kinds.py       of which rows a metric is: late orders, order 10250
    remaining.py   what remains, without what only repeats
    cores.py       it must be one of a few cores: a total, a breakdown, a superlative, a list ...
    settled.py     which of two readings the words settle, and what they leave open
    checks.py      the query with its filters and window, if nothing speaks against it
    tails.py       a last clause that only says what to show
    tails_of_changes.py  the same behind who or what changed between two periods
    tails_of_series.py  the same behind periods that rose or fell

Cores that compare have their words, in Greek letters, and their modules to themselves:

    comparison_words.py  growth, above the average, without ...
    comparisons.py       a metric against other values, the average of its groups, the total
    changes.py           a metric against itself at another time
    against_all.py       groups against what it is of all of them together
    medians.py           the middle of many numbers
    described.py         a metric of things that a clause tells of

Questions about the things themselves (lists, look-ups, extremes, what is missing) have a reading of their own:

    nouns.py        what each kind of thing and its columns are called
    sentence.py     the question as a line of words in which everything named is a letter
    sentence_words.py  the words it is written with
    wording.py      other ways to say what the grammar has one way for
    records.py      the one query that comes of the lines a question can be written as
    forms.py        how questions about several things begin, and the query of each
    extremes.py     how questions about the first rows by a column begin
    means.py        the average of a column
    ranks.py        the place of one that is named
    purchases.py    what somebody bought, and how much of each
    aggregates.py   one number over the rows described
    ranges.py       from the lowest to the highest of a column
    lookups.py      questions about one of them, each a whole line
    people.py       who reports to whom, and who is meant by "who"
    rows.py         what clauses add to: the rows asked for, as far as they are read
    leaders.py      what belongs to the one that comes first by a metric, each a whole line
    company.py      pairs, gaps, who came back, each a whole line
    shapes.py       lines that are read as a whole:
      distinct.py       the different values of a column
      described_rows.py a metric of each of the things that a clause describes
      multiplied.py     who at least doubled something
      companions.py     what comes together with one thing
    conditions.py   clauses about values, numbers, days, texts, what is missing
    columns_compared.py  clauses that compare two columns of a row
    relations.py    clauses about what things have to do with others
    attached.py     clauses about what others have in the same column
    clock.py        clauses about days of the week, days between two dates, and what is due by today
    attendance.py   clauses about who came every time and who stayed away
    occasions.py    clauses about the first and the last time, and how often
    assortment.py   clauses about what is still sold and what has run out
    averages.py     clauses about the average of a row's own group
    phrases.py      clauses whose object is described in turn
    arrangement.py  clauses about columns, orders and what comes first

What is read but for a few words is a witness, and no reading: near.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from memory.compiler import CannotCompile, SemanticQuery
from memory.intent.checks import completed, is_contradicted
from memory.intent.cores import read_core
from memory.intent.described import of_described
from memory.intent.items import Item, read_items
from memory.intent.known import Known, NotUnderstood
from memory.intent.records import read_record
from memory.intent.rephrasing import ways_to_say
from memory.intent.settled import is_left_open
from memory.intent.tails import clauses, with_tail
from memory.intent.taking import take_parts
from memory.linking import Linker

__all__ = ["Intent", "read_intent"]

_SIGNS = re.compile(r"^[\s.?!,;–—-]+")
_NEGATIONS = frozenset(["not", "never", "nobody", "nothing", "none", "without"])


@dataclass(frozen=True, slots=True)
class Intent:
    """A question understood to the last word."""

    query: SemanticQuery
    readings: tuple[tuple[str, str], ...]
    """Words of the question, and what each was taken for, in order."""


def read_intent(question: str, linker: Linker) -> Intent | None:
    """The one thing a plain question can mean; None where a word is not understood or could mean two things."""
    known = _known(linker)
    for said in ways_to_say(question, known):
        found = _of_metrics(said, known)
        if found is None or _is_of_one(found.query):
            found = _of_records(said, known) or found or _without_tail(said, known) or _described(said, known)
        if found is not None:
            unsettled = is_contradicted(said, found.query, known) or is_left_open(said, found.query, known)
            return None if unsettled else found
    return None


def _described(question: str, known: Known) -> Intent | None:
    """A metric of things that a clause tells of."""

    def read(said: str) -> SemanticQuery | None:
        found = _of_metrics(said, known) or _without_tail(said, known)
        return found.query if found else None

    described = of_described(question, known, read)
    if described is None:
        return None
    query, record = described
    return Intent(query, record.readings)


def _is_of_one(query: SemanticQuery) -> bool:
    """Whether it is about one numbered row, of which a column says as much as a sum."""
    return query.pattern == "total" and any(isinstance(v, int) for item in query.filters for v in item.values)


def _without_tail(question: str, known: Known) -> Intent | None:
    parts = list(clauses(question))
    for place, (head, tail) in enumerate(parts):
        found = _of_metrics(head, known)
        if found is not None:
            query = with_tail(found.query, tail, known)
            if query is None and place:
                query = _with_tails(found.query, question, [len(text) for text, _ in parts[: place + 1]], known)
            if query is not None:
                return replace(found, query=query)
    return None


def _with_tails(query: SemanticQuery, question: str, cuts: Sequence[int], known: Known) -> SemanticQuery | None:
    """The query with one clause after the other, from the first cut to the end of the question."""
    found: SemanticQuery | None = query
    ends = [len(question), *cuts]
    for start, end in zip(reversed(cuts), reversed(ends[:-1]), strict=True):
        said = _SIGNS.sub("", question[start:end])
        found = with_tail(found, said, known) if found is not None and said else found
    return found


def _of_metrics(question: str, known: Known) -> Intent | None:
    try:
        parts = take_parts(question, read_items(question, known), known)
        query = completed(read_core(parts, known), parts, known)
    except (NotUnderstood, CannotCompile):
        return None
    if any(item.code == "D" and _NEGATIONS & set(item.surface.casefold().split()) for item in parts.said):
        return None  # "orders not yet ...": the name of a thing has swallowed what turns the question round
    return Intent(query, tuple((item.surface, _taken_for(item)) for item in parts.said))


def _of_records(question: str, known: Known) -> Intent | None:
    try:
        record = read_record(question, known)
    except (NotUnderstood, CannotCompile):
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
