"""Questions about the things themselves: lists of them, how many there are, one of them, the most extreme ones.

The question is written out as a line (`memory.intent.sentence`) about each kind of thing that it may be about; a form
says how such a line begins, the clauses (`memory.intent.rows`) what follows. Where exactly one query comes of all
that, the question is understood.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from memory.compiler import CannotCompile, SemanticQuery
from memory.intent.distinct import VALUES_ASKED
from memory.intent.forms import queries
from memory.intent.known import Known, NotUnderstood
from memory.intent.nouns import Nouns, entity_nouns, nouns_of
from memory.intent.people import roles
from memory.intent.phrases import is_not_by
from memory.intent.sentence import Sentence, Thing, noun_stem, written
from memory.intent.wrapping import unwrapped
from memory.lexical import stems
from memory.linking import Links
from memory.periods import find_periods
from memory.semantics import Entity

__all__ = ["Record", "read_record"]

_PEOPLE = frozenset(["hire", "who", "whom", "everyone", "everybody", "person", "people"])
"""Words for people that name no kind of thing."""
_SUPERIORS = frozenset(stems("manager boss supervisor superior lead leader report subordinate"))


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
    question = unwrapped(question)
    links, periods = known.link(question), find_periods(question, known.layer.today())
    found: dict[SemanticQuery, Sentence] = {}
    for nouns in _candidates(links, known):
        if is_not_by(question, nouns):
            continue
        sentence = written(links, periods, nouns, _names(known), known)
        for query in queries(sentence, known):
            found.setdefault(query, sentence)
    statements: dict[str, tuple[SemanticQuery, Sentence]] = {}
    for query, sentence in found.items():
        try:
            statements.setdefault(known.compiler.compile(query), (query, sentence))
        except CannotCompile:
            raise NotUnderstood from None
    if len(statements) != 1:
        raise NotUnderstood
    [(query, sentence)] = statements.values()
    things = {(thing.start, thing.end): thing for thing in [*sentence.inner, *sentence.things.values()]}
    said = [things[span] for span in sorted(things) if span[0] >= 0]
    return Record(query, tuple((thing.surface, _taken_for(thing)) for thing in said))


@lru_cache(maxsize=8)
def _names(known: Known) -> dict[tuple[str, ...], str]:
    return entity_nouns(known)


def _candidates(links: Links, known: Known) -> Iterator[Nouns]:
    """The kinds of things the question may be about: those it names, and those that a value is the name of."""
    words = [noun_stem(token) for token in links.tokens]
    names = _names(known)
    asked = roles(known) if _PEOPLE & set(words) else frozenset()
    said = {names.get(tuple(words[at : at + size])) for size in (1, 2, 3) for at in range(len(words))}
    values = bool(VALUES_ASKED.match(links.question))
    for entity in known.layer.entities:
        label = known.compiler.label(entity)
        if known.layer.entity_of(entity.table) == entity and (
            entity.id in said
            or entity.id in asked
            or any(label in (value.dimension, value.target) for value in links.values)
            or any(value.target in nouns_of(entity.id, known).name_parts for value in links.values)
            or (nouns_of(entity.id, known).superior and _SUPERIORS & set(words))
        ):
            yield nouns_of(entity.id, known)
        elif {"ship", "deliver", "go"} & set(words) and nouns_of(entity.id, known).clock:
            yield nouns_of(entity.id, known)  # where we ship to
        elif values and known.layer.entity_of(entity.table) == entity and _has_column(entity, links, known):
            yield nouns_of(entity.id, known)


def _has_column(entity: Entity, links: Links, known: Known) -> bool:
    """Whether a column of these things is named."""
    named = [known.layer.dimension(mention.id) for mention in links.mentions if mention.kind == "dimension"]
    return any(dimension.table.casefold() == entity.table.casefold() for dimension in named)


def _taken_for(thing: Thing) -> str:
    if thing.period:
        return f"{thing.period.start} to {thing.period.end}"
    return thing.name or thing.surface
