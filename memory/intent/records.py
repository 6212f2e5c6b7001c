"""Questions about the things themselves: lists of them, how many there are, one of them, the most extreme ones.

The question is written out as a line (`memory.intent.sentence`) about each kind of thing that it may be about; a form
says how such a line begins, the clauses (`memory.intent.rows`) what follows. Where exactly one query comes of all
that, the question is understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from memory.compiler import CannotCompile, SemanticQuery
from memory.intent.forms import queries
from memory.intent.known import Known, NotUnderstood
from memory.intent.nouns import Nouns, entity_nouns
from memory.intent.rows import verb_stem
from memory.intent.sentence import Sentence, Thing, noun_stem, written
from memory.linking import Links
from memory.periods import find_periods

__all__ = ["Record", "read_record"]

_NOT_BY = re.compile(r"\bnot (\w+ed) (?:by|via|with|through)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Record:
    """A question about records that was understood, and what its words were taken for."""

    query: SemanticQuery
    readings: tuple[tuple[str, str], ...]


def read_record(question: str, known: Known) -> Record:
    """The one query about records that the question can mean.

    Raises:
        NotUnderstood: it is no such question, or could mean two things.
    """
    links, periods = known.linker.link(question), find_periods(question, known.layer.today())
    found: dict[SemanticQuery, Sentence] = {}
    not_by = _NOT_BY.search(question)
    for nouns in _candidates(links, known):
        if not_by and nouns.day_of(verb_stem(not_by[1].lower())):
            continue  # what was "not shipped by V" may have been shipped, by another
        sentence = written(links, periods, nouns, _names(known), known)
        for query in queries(sentence, known):
            found.setdefault(query, sentence)
    if len(found) != 1:
        raise NotUnderstood
    [(query, sentence)] = found.items()
    try:
        known.compiler.compile(query)
    except CannotCompile:
        raise NotUnderstood from None
    return Record(query, tuple((thing.surface, _taken_for(letter, thing)) for letter, thing in sentence.things.items()))


@lru_cache(maxsize=8)
def _names(known: Known) -> dict[tuple[str, ...], str]:
    return entity_nouns(known)


@lru_cache(maxsize=256)
def _nouns(entity_id: str, known: Known) -> Nouns:
    return Nouns(known.layer.entity(entity_id), known)


def _candidates(links: Links, known: Known) -> Iterator[Nouns]:
    """The kinds of things the question may be about: those it names, and those that a value is the name of."""
    words = [noun_stem(token) for token in links.tokens]
    names = _names(known)
    said = {names.get(tuple(words[at : at + size])) for size in (1, 2, 3) for at in range(len(words))}
    for entity in known.layer.entities:
        label = known.compiler.label(entity)
        if known.layer.entity_of(entity.table) == entity and (
            entity.id in said or any(label in (value.dimension, value.target) for value in links.values)
        ):
            yield _nouns(entity.id, known)
        elif {"ship", "deliver", "go"} & set(words) and _nouns(entity.id, known).clock:
            yield _nouns(entity.id, known)  # where we ship to


def _taken_for(letter: str, thing: Thing) -> str:
    if thing.period:
        return f"{thing.period.start} to {thing.period.end}"
    return thing.name or thing.surface
