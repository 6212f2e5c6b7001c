"""The place of one that is named: "where does X rank among our customers by revenue", "X: rank within its country".

Each is a whole line; the one that is named is called by its name, and what it is compared with is of its kind. A place
by a metric of which more is worse could be counted from either end, and is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from memory.compiler import Filter, SemanticQuery
from memory.intent.known import NotUnderstood
from memory.intent.nouns import nouns_of
from memory.intent.people import person
from memory.intent.rows import Reader
from memory.intent.sentence import pattern
from memory.joins import NoJoinPath

__all__ = ["ranks"]

_PLACE = "(?:rank|place|position|ranking|standing|spot)"
_ROW = r"(?:E )?V(?: E)?"
_PEERS = r"(?: (?:among|amongst|in list of|of|out of|within)(?: (?:all|other))? E)?"
_ITS = "(?:its|their|his|her|same|that)"
_WITHIN = rf"(?: (?:among|of|within|in)(?: (?:all )?E (?:of|in|from|within|there in))? {_ITS}(?: own)? ([CF]\d+))?"
_GOING_BY = "(?:by|in terms of|on|for|in|according to|measured by|going by)"
_BY = rf"(?: ?,)? {_GOING_BY}(?: P)? (?:M|(?:number of )?F)(?: (?:in|for|during|of|over) P| P)?"
_COUNTED = re.compile(rf"{_GOING_BY}(?: P\d+)? (?:number of )?(F\d+)")
_AMONG = f"(?:{_WITHIN}|{_PEERS})"
_SHOWN = rf"(?:(?: ,| \.)?(?: and| with)?(?: (?:what is|give|show))?(?: {_ITS}| those)? M)?"
_FORMS = tuple(
    pattern(form)
    for form in (
        rf"(?:in )?(?:what|which) {_PLACE} (?:does|did|do|is|was|has) {_ROW}"
        rf"(?: (?:hold|have|take|occupy|come in|in|rank|at|on|had|held))?{_AMONG}{_BY}{_SHOWN}",
        rf"(?:where|how) (?:does|did|do|is|was) {_ROW} (?:rank|ranked|stand|come|placed?){_AMONG}{_BY}{_SHOWN}",
        rf"(?:what (?:is|was) )?{_PLACE} of {_ROW}{_AMONG}{_BY}{_SHOWN}",
        rf"(?:what (?:is|was) )?{_ROW}(?: ,)? (?:{_ITS} )?{_PLACE}{_AMONG}{_BY}{_SHOWN}",
        rf"(?:for )?{_ROW} ,? ?(?:what (?:is|was) )?(?:{_ITS} )?{_PLACE}{_AMONG}{_BY}{_SHOWN}",
    )
)


def ranks(reader: Reader, start: int) -> Iterator[SemanticQuery]:
    """Every query about the place of one that the whole line is."""
    for form in _FORMS:
        match = form.fullmatch(reader.sentence.text, start)
        if match:
            try:
                found = _place(reader, [group for group in match.groups() if group], match[0])
            except (NotUnderstood, NoJoinPath, KeyError):
                continue
            if found is not None:
                yield found


def _place(reader: Reader, groups: Sequence[str], text: str) -> SemanticQuery | None:
    known, label = reader.known, reader.nouns.label
    metrics = list(dict.fromkeys(reader.thing(group).name for group in groups if group[0] == "M"))
    counted = _COUNTED.search(text)
    if counted:
        metrics.append(nouns_of(reader.thing(counted[1]).name, known).count)
    if any(reader.thing(group).name != reader.nouns.entity.id for group in groups if group[0] == "E"):
        return None
    if len(metrics) != 1 or known.is_lateness(metrics[0]) or known.crosses(metrics[0], label):
        return None
    if not known.is_welcome(metrics[0]) and not known.compiler.additive(metrics[0]):
        return None
    found = _named(reader, next(group for group in groups if group[0] == "V"))
    outer = [reader.field_of(group) for group in groups if re.fullmatch(r"[CF]\d+", group)
             and not (counted and group == counted[1])]  # fmt: skip
    window = reader.window(groups)
    if label in outer or (window and not known.compiler.timed(metrics[0])):
        return None
    if not all(known.combinable(metrics[0], field) for field in (label, *outer)):
        return None
    shown = ("value",) if sum(group[0] == "M" for group in groups) > 1 else ()
    return SemanticQuery((metrics[0],), (*outer, label), window=window, order="desc", compare=found.values,
                         columns=shown, pattern="rank_of")  # fmt: skip


def _named(reader: Reader, letter: str) -> Filter:
    """Who or what is named: by the label of its kind, or a person by a part of the name.

    Raises:
        NotUnderstood: it is not of the kind that is asked about.
    """
    label = reader.nouns.label
    try:
        return reader.matches(letter, lambda held: label in (held.dimension, held.target))
    except NotUnderstood:
        found = person(reader, letter)[0]
        if found.field != label:
            raise
        return found
