"""What is done in a business, as its own layer names it: "borrowed" where there are loans.

A table of events (one that refers to two others, and says when) has verbs: those in the name of the column that says
when it happened (`reserved_on`) and of the metric that counts its rows ("books borrowed"). A question with such a verb
is said again with the noun, for which the grammar has its forms: members who "never borrowed a book" are members with
no loans. Verbs that the grammar itself knows ("ordered", "bought") are left to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from memory.intent.known import Known
from memory.intent.nouns import Nouns, Words, entity_nouns, nouns_of
from memory.intent.rows import VERBS
from memory.lexical import identifier_words, stem, stems, tokenize
from memory.semantics import Entity, Metric

__all__ = ["with_deeds"]

_TOLD_BY_GRAMMAR = frozenset(stem(verb) for form in VERBS.split("|") for verb in form.split())
_IRREGULAR = frozenset(
    ["lent", "done", "held", "told", "written", "driven", "flown", "grown", "drawn", "shown", "rented"]
)
"""Participles that do not end in -ed."""
_PRESENT = {"lent": "lend", "held": "hold", "written": "write", "driven": "drive", "flown": "fly", "drawn": "draw"}
_WHEN = frozenset(["on", "at", "date"])
_VERB = "VERB"
"""The place of the verb in a form."""
_WHAT = r"(?: (?P<what>(?:(?:a|an|any|single|of our|our|the) )*[a-z]+))?"
_MOST = r"(?P<most>most|fewest|least)"
_QUANTITY = r"(?P<quantity>(?:more than|at least|fewer than|less than|at most|exactly|over|under) [\w.,]+)"
_BE = r"(?:(?:is|are|was|were|has been|have been|had been|got) )"
_HAVE = r"(?:(?:has|have|had|did|do|does) )"
_TIME = r"(?=(?: (?:in|during|since|before|after|on|last|this|between|from)\b|[?.!]?$))"
_PERIOD = r"(?= (?:in|during|since|before|after|on|last|this|between) )"


@dataclass(frozen=True, slots=True)
class _Deed:
    """The verbs of one table's events."""

    entity: Entity
    verbs: frozenset[str]
    """Stems."""
    objects: frozenset[str]
    """Stems of what the events are counted as: the books of "books borrowed"."""
    doers: tuple[tuple[str, str], ...]
    """Verbs with what those who do it are called, where the layer says: members borrow, though they do not lend."""

    @property
    def events(self) -> str:
        """The events in the plural."""
        return _plural(self.entity.name.lower())


def with_deeds(question: str, known: Known) -> Iterator[str]:
    """The question with the noun for each verb of an event; nothing where it has none."""
    said = question
    for deed in _deeds(known):
        nouns = {stemmed for name in deed.entity.surfaces for stemmed in (name.lower(), _plural(name.lower()))}
        for verb in dict.fromkeys(token.folded for token in tokenize(said) if token.stem in deed.verbs):
            if verb not in nouns:
                said = _with_noun(said, verb, deed, known)
    if said != question:
        yield said


def _with_noun(question: str, verb: str, deed: _Deed, known: Known) -> str:
    """The question with the noun in the place of the verb."""
    text = question
    for form, put in _forms_of(verb):
        found = form.search(text)
        if found and not (found.groupdict().get("passive") and _HOW_MANY.search(text[: found.start()])):
            text = text[: found.start()] + _said(found, verb, put, deed, known) + text[found.end() :]
    return text


def _said(match: re.Match[str], verb: str, put: Callable[[re.Match[str], str], str], deed: _Deed, known: Known) -> str:
    """What the match is said as; itself where what it was done to is no such thing, or who did it is not known."""
    told = match.groupdict()
    what = told.get("what") or ""
    noun = what.split()[-1].lower() if what else ""
    if (
        noun
        and noun not in ("anything", "something")
        and not _is_object(noun, deed, known, counted=told.get("by") is not None)
    ):
        return match[0]
    doer = dict(deed.doers).get(stem(verb), "")
    if told.get("who") is not None and not doer:
        return match[0]
    who = {"who": f"which {doer}", "who plural": f"which {_plural(doer)}"}
    said = re.sub(r"\bleast (?=\w+$)", "fewest ", put(match, deed.events))
    return said.replace("<who>", who["who"]).replace("<whos>", who["who plural"])


def _is_object(noun: str, deed: _Deed, known: Known, *, counted: bool) -> bool:
    """Whether the events are counted as such things; where none is counted, whether they are of such things."""
    if stem(noun) in deed.objects:
        return True
    entity = entity_nouns(known).get((stem(noun),), "")
    return bool(entity) and not counted and not known.is_many(deed.entity.table, known.layer.entity(entity).table)


@lru_cache(maxsize=8)
def _deeds(known: Known) -> tuple[_Deed, ...]:
    """The deeds of every table of events, those that the grammar has no verbs for."""
    found = []
    for entity in known.layer.entities:
        table = known.linker.catalog.table(entity.table)
        if table is None or known.layer.entity_of(entity.table) != entity or len(table.foreign_keys) < 2:
            continue
        nouns = nouns_of(entity.id, known)
        counting = [metric for metric in known.layer.metrics if not metric.filter and nouns.counts(metric)]
        named = [name for metric in counting for surface in metric.surfaces if (name := _object_and_verb(surface))]
        verbs = {verb for _, verb in named} | set(_verbs_of_clock(nouns, counting))
        verbs |= {stem(_PRESENT[verb]) for verb in verbs if verb in _PRESENT}
        if verbs - _TOLD_BY_GRAMMAR and not verbs & _TOLD_BY_GRAMMAR and counting:
            doers = tuple((verb, doer) for verb in sorted(verbs) if (doer := _doer(entity, verb, known)))
            found.append(_Deed(entity, frozenset(verbs), frozenset(noun for noun, _ in named), doers))
    shared = [verb for deed in found for verb in deed.verbs]
    return tuple(deed for deed in found if all(shared.count(verb) == 1 for verb in deed.verbs))


def _object_and_verb(surface: str) -> tuple[str, str] | None:
    """ "Books borrowed": a noun in the plural and a participle."""
    words = tokenize(surface)
    if len(words) != 2 or not words[0].is_plural:
        return None
    told = words[1].is_participle or words[1].folded in _IRREGULAR
    return (words[0].stem, words[1].stem) if told else None


def _verbs_of_clock(nouns: Nouns, counting: Sequence[Metric]) -> Iterator[str]:
    """ "Reserved" of `reserved_on`, where that is when its rows happened."""
    for clock in {metric.time for metric in counting if metric.time}:
        words: Words = stems(identifier_words(clock.partition(".")[2]))
        own = clock.partition(".")[0].casefold() == nouns.entity.table.casefold()
        if own and len(words) == 2 and words[1] in _WHEN:
            yield words[0]


def _doer(entity: Entity, verb: str, known: Known) -> str:
    """Who does it: those that the events refer to, of whom a name has the verb ("borrowers")."""
    table = known.linker.catalog.table(entity.table)
    found = {}
    for key in table.foreign_keys if table else ():
        other = known.layer.entity_of(key.target_table)
        if other is None or len(key.columns) != 1:
            continue
        counted = f"count(distinct{entity.table}.{key.columns[0]})".casefold()
        names = [
            *other.surfaces,
            *(
                name
                for metric in known.layer.metrics
                if metric.sql.replace(" ", "").casefold() == counted
                for name in metric.surfaces
            ),
        ]
        if any(verb in (word, _without_agent(word)) for name in names for word in stems(name)):
            found[other.id] = other.name.lower()
    return next(iter(found.values())) if len(found) == 1 else ""


def _without_agent(word: str) -> str:
    """The verb that a borrower, a lender or a visitor is named after."""
    return stem(word[:-2]) if word.endswith(("er", "or")) else ""


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


@lru_cache(maxsize=256)
def _forms_of(verb: str) -> tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], str]], ...]:
    """The forms with the verb in its place."""
    return tuple(
        (re.compile(rf"\b{form.replace(_VERB, re.escape(verb))}(?![\w-])", re.IGNORECASE), put) for form, put in _FORMS
    )


_HOW_MANY = re.compile(r"\b(?:how many|number of)\b[^.,]*$", re.IGNORECASE)
"""Of what is done to things, how many is a number of times or of things."""
_SOMEBODY = r"(?:nobody|no one|no-one|not one [a-z]+|no [a-z]+)"
_FORMS: tuple[tuple[str, Callable[[re.Match[str], str], str]], ...] = (
    # how many
    (rf"(?:how many|(?:the )?number of)(?P<by>){_WHAT} (?:did|has|have|does|do|was|were) "
           r"(?P<of>(?:(?!\b(?:not|never)\b).)+?)"
           rf" {_VERB}", lambda m, events: f"how many {events} for {m['of']}"),
    (rf"how (?:often|many times)(?P<by>) (?:did|has|have|does|do|was|were) (?P<of>.+?)(?: been)? {_VERB}",
     lambda m, events: f"how many {events} for {m['of']}"),
    (rf"(?:how many|(?:the )?number of)(?P<by>){_WHAT} {_BE}{_VERB}", lambda m, events: f"how many {events}"),
    # the most
    (rf"(?:who|which person)(?P<who>)(?: has| have)? {_VERB}(?: the)? {_MOST}(?P<by>){_WHAT}{_TIME}",
     lambda m, events: f"<who> had the {m['most']} {events}"),
    (rf"whose (?P<what>[a-z]+) {_BE}{_VERB}(?: the)? {_MOST}(?: often| frequently)?",
     lambda m, events: f"with the {m['most']} {events}"),
    (rf"{_BE}{_VERB}(?: the)? {_MOST}(?: often| frequently)?", lambda m, events: f"had the {m['most']} {events}"),
    (rf"(?:has |have )?{_VERB}(?: the)? {_MOST}(?P<by>)(?: often| frequently)?{_WHAT}{_TIME}",
     lambda m, events: f"had the {m['most']} {events}"),
    (rf"(?:top )?(?P<number>\d+|two|three|four|five|six|seven|eight|nine|ten|twenty)(?: most)?"
           rf"(?: (?:often|frequently))? {_VERB} (?P<thing>[a-z]+)",
     lambda m, events: f"{m['number']} {m['thing']} with the most {events}"),
    (rf"{_MOST}(?:[ -](?:often|frequently))?[ -]{_VERB} (?P<thing>[a-z]+)",
     lambda m, events: f"{m['thing']} with the {m['most']} {events}"),
    # so many
    (rf"{_BE}?{_HAVE}?{_VERB} {_QUANTITY} times", lambda m, events: f"had {m['quantity']} {events}"),
    (rf"{_HAVE}?{_VERB} {_QUANTITY}(?P<by>){_WHAT}{_TIME}", lambda m, events: f"had {m['quantity']} {events}"),
    # none
    (rf"(?:(?:that|which|did|has|have) )?{_SOMEBODY} (?:has |have )?(?:ever )?{_VERB}{_TIME}",
     lambda m, events: f"with no {events}"),
    (rf"(?:(?:who|that) )?(?:{_HAVE}|{_BE})?(?:never|not)(?: been| ever)? {_VERB}{_WHAT}{_TIME}",
     lambda m, events: f"have no {events}"),
    (rf"{_VERB} (?:nothing|no (?P<what>[a-z]+)){_TIME}", lambda m, events: f"have no {events}"),
    # more than at another time
    (rf"{_VERB} (?P<more>more|fewer|less)(?P<by>)(?: often)?{_WHAT}(?= (?:in|during|last|this|than)\b)",
     lambda m, events: f"had {'more' if m['more'] == 'more' else 'fewer'} {events}"),
    # some
    (rf"who(?P<who>)(?: has| have)? {_VERB}(?: (?:anything|something))?{_PERIOD}",
     lambda m, events: f"<whos> had {events}"),
    (rf"(?:did|has|have) (?P<of>(?-i:[A-Z])[^,.?]+?) {_VERB}{_TIME}", lambda m, events: f"had {events} of {m['of']}"),
    (rf"(?:(?P<passive>{_BE})|{_HAVE})?(?:ever )?{_VERB}{_WHAT}{_PERIOD}", lambda m, events: f"had {events}"),
    (rf"{_HAVE}?(?:ever )?{_VERB}(?:{_WHAT} (?:from|by|of|in))?(?= (?:the )?(?-i:[A-Z]))",
     lambda m, events: f"had {events} of"),
)  # fmt: skip
"""What is said with a verb, and with the noun."""
