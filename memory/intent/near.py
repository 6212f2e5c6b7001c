"""A question that is understood but for a few words in one place, which name nothing that is known.

The strict reading gives up at the first word it does not know. Most such words say how somebody talks ("on the books",
"hand out", a greeting); some change what is asked. So this reading is no answer by itself: it is a witness beside the
model's drafts. It drops one run of words at a time, never one that names, counts, compares, denies or dates anything,
and holds only if all that can be read that way is one and the same query.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from memory.intent import Intent, read_intent
from memory.intent.words import CODES
from memory.linking import Linker

__all__ = ["NearIntent", "read_nearly"]

_LONGEST_CUT = 4
_MOST_WORDS = 30
_PATIENCE_S = 1.0
"""Reading takes some milliseconds a time; a question of many names can take longer than it is worth."""
_WORD = re.compile(r"\S+")
_SIGNS = re.compile(r"[\d%$€£\"“”]")
_LETTERS = re.compile(r"[^\W\d_]+")
_NAME = re.compile(r"(?<!^)(?<![.?!:] )\b[A-Z][a-z]")
"""A capital that begins no sentence: the name of something that is not stored."""
_LIGHT = frozenset("pzyj$w")
"""Codes of the grammar that a question can do without: prepositions, "sold", "placed", "bill", "spent", "with"."""
_SAYS_SOMETHING = (
    "no not none nor never nobody nothing neither without except unless instead other else only solely entirely also "
    "too alone still yet again ever blank empty missing reverse minimum maximum min max minus plus many much "
    "more less fewer most least over under above below than before after since until between within later earlier "
    "high low last same different single beside due overdue late early wait waiting grow grew grown growth fell rose "
    "dropped increase decrease cumulative running half double doubled twice once triple times but both either all any "
    "they them theirs it he his him she her hers this that these those how when why "
    "two three four five six seven eight nine ten dozen today yesterday tomorrow now ago "
    "weekend weekends days date dates morning night spring summer autumn winter holiday holidays christmas easter "
    "monday tuesday wednesday thursday friday saturday sunday shipped delivered dispatched delivery"
)
_WEIGHTY = frozenset(_SAYS_SOMETHING.split()) | {word for word, (code, _) in CODES.items() if code not in _LIGHT}


@dataclass(frozen=True, slots=True)
class NearIntent:
    """What a question asks for if the words that were left out say nothing."""

    intent: Intent
    left_out: str
    """Those words, as few as there can be."""


def read_nearly(question: str, linker: Linker) -> NearIntent | None:
    """The one query that a question comes to without a few words in one place; None if there is none, or several."""
    until = time.monotonic() + _PATIENCE_S
    found: NearIntent | None = None
    for start, end in _cuts(question, linker):
        intent = read_intent(f"{question[:start].rstrip()} {question[end:].lstrip()}".strip(), linker)
        if time.monotonic() > until or (found and intent and intent.query != found.intent.query):
            return None
        if intent is not None and found is None:
            found = NearIntent(intent, question[start:end].strip(" ,.;:?!"))
    return found


def _cuts(question: str, linker: Linker) -> Iterator[tuple[int, int]]:
    """What may be left out, short runs first, as places in the question."""
    words = [match.span() for match in _WORD.finditer(question)]
    if len(words) > _MOST_WORDS:
        return
    links = linker.link(question)
    named = [(mention.start, mention.end) for mention in links.mentions]
    named += [(value.start, value.end) for value in links.values]
    named += [(column.start, column.end) for column in links.columns]
    for length in range(1, _LONGEST_CUT + 1):
        for first in range(len(words) - length + 1):
            start, end = words[first][0], words[first + length - 1][1]
            held = any(start < other_end and other_start < end for other_start, other_end in named)
            if not held and not _says_something(question, start, end):
                yield start, end


def _says_something(question: str, start: int, end: int) -> bool:
    said = question[start:end]
    if _SIGNS.search(said) or any(name.start() >= start and name.start() < end for name in _NAME.finditer(question)):
        return True
    return not _WEIGHTY.isdisjoint(_LETTERS.findall(said.casefold()))
