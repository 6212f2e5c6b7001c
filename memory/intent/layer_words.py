"""Nouns that stored values and agents are: "librarians" where that is a job, "who wrote" where there are writers.

A value of a thing's own column stands for the things that have it, and who does something is called after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from memory.intent.known import Known
from memory.intent.nouns import entity_nouns
from memory.lexical import singular, stem, stems, tokenize
from memory.linking import Links

__all__ = ["with_nouns"]

_WHO = re.compile(r"^who (?P<verb>[a-z]+) (?!the\b(?! [A-Z])|most\b|more\b)(?P<what>\S.*)", re.IGNORECASE)
_PAST = {"wrote": "write", "made": "make", "taught": "teach", "drove": "drive", "built": "build", "sang": "sing"}
"""Past forms that are not the verb with -ed."""
_IS = re.compile(r"\b(?:is|are|was|were|be|as|not|or|and)(?: the| a)? $", re.IGNORECASE)
_HEADS = re.compile(
    r"(?:\b(?:how many|which|what|the|our|all|every|each|by|of|list|number of|do|did|have)|^) $", re.IGNORECASE
)


def with_nouns(question: str, known: Known) -> Iterator[str]:
    """The question with the noun that a value or a verb stands for; nothing where it has none."""
    agent = _agent(question, known)
    if agent:
        yield agent
    links = known.link(question)
    said = _of_values(question, links, known)
    if said != question:
        yield said


def _agent(question: str, known: Known) -> str:
    """ "Who wrote X" as "who is the writer of X"."""
    match = _WHO.match(question)
    if not match:
        return ""
    verb = stem(_PAST.get(match["verb"].lower(), match["verb"].lower()))
    names = [
        name
        for entity in known.layer.entities
        if known.layer.entity_of(entity.table) == entity
        for name in map(str.lower, entity.surfaces)
        if name.endswith(("er", "or")) and verb in (stem(name[:-2]), stem(f"{name[:-2]}e"))
    ]
    return f"who is the {names[0]} of {match['what']}" if len(names) == 1 else ""


def _of_values(question: str, links: Links, known: Known) -> str:
    """ "How many librarians": people on the staff whose job that is."""
    text, nouns = question, entity_nouns(known)
    spans = dict.fromkeys((value.start, value.end) for value in links.values)
    for start, end in sorted(spans, reverse=True):
        held = [value for value in links.values if (value.start, value.end) == (start, end)]
        surface, entity = question[start:end], known.layer.entity_of(held[0].table)
        words = tokenize(surface)
        many = words[-1].is_plural and surface.lower() != held[0].value.lower()
        alone = len(held) == 1 and entity is not None and held[0].dimension not in known.labels
        follows = stems(question[end:])[:2]
        named = any(tuple(follows[:size]) in nouns for size in (1, 2))
        if not (many and alone) or named or entity is None or _IS.search(question[:start]):
            continue
        if not _HEADS.search(question[:start]):
            continue
        bare = f"{surface[: words[-1].start]}{singular(words[-1].folded)}"
        text = f"{text[:start]}{bare} {_plural(entity.name.lower())}{text[end:]}"
    return text


def _plural(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeou" else f"{noun}s"
