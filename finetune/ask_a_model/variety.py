"""What a model is told to vary, because left to itself it writes the same few questions over and over.

Every request names an operation, a register and an error that its questions must show, rotated so that each
combination has its turn, and has a temperature of its own. The requests of one seed are always the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["OPERATIONS", "Demand", "demand", "numbered", "numbered_lines"]

OPERATIONS: Final[dict[str, str]] = {
    "total": "one total or count, with one condition",
    "list": "a list of records that meet two conditions",
    "ranking": "the first few of a ranking, with how many",
    "breakdown": "a number per group",
    "share": "what share or percentage of a whole something is",
    "average": "an average per something",
    "comparison": "two groups or two periods compared",
    "trend": "how a number developed over months, quarters or years",
    "threshold": "groups whose number is above or below a limit",
    "absence": "what never happened: things without any related record",
    "extreme": "the one record with the highest, lowest, first or last value",
    "distinct": "how many different things there are",
    "span": "the time between two dates of a record",
    "lookup": "one or two attributes of one named thing",
}
"""What a question asks to be done, and how that is told to a model."""

_REGISTERS: Final = (
    "a plain, complete question",
    "a terse note without verbs, as typed into a search box",
    "a polite request to a colleague",
    "an order in the imperative",
    "chatty, with a short remark before the question",
    "a manager who needs a figure for a report",
    "simple words, as somebody writes whose first language is another",
    "spoken language written down, with everyday words instead of database words",
)
_ERRORS: Final = (
    "no mistakes",
    "no capital letters and no punctuation",
    "no mistakes",
    "one typing mistake, in an ordinary word and never in a name, value, number or date",
    "no mistakes",
    "a small word left out, such as an article",
)
_TEMPERATURES: Final = (0.7, 0.9, 1.0, 0.8, 1.1)
_LINE: Final = re.compile(r"^\s*(?:[-*]\s*)?(\d+)\s*[.):]\s*(.+?)\s*$")
_QUOTES: Final = "\"'“”‘’"


@dataclass(frozen=True, slots=True)
class Demand:
    """What one request's questions must be like."""

    operation: str
    register: str
    error: str
    temperature: float


def demand(number: int, seed: int) -> Demand:
    """The demand of the request of that number: lists of lengths 14, 8, 6 and 5, each turned by one per request.

    A list whose length shares a factor with another's is also shifted each time the other has come round, so that
    the same two do not keep meeting.
    """
    turn = number + seed
    operations = tuple(OPERATIONS)
    return Demand(
        operations[turn % len(operations)],
        _REGISTERS[(turn + turn // len(operations)) % len(_REGISTERS)],
        _ERRORS[(turn + turn // len(_REGISTERS)) % len(_ERRORS)],
        _TEMPERATURES[turn % len(_TEMPERATURES)],
    )


def numbered(lines: list[str]) -> str:
    """The lines as a numbered list."""
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))


def numbered_lines(reply: str) -> dict[int, str]:
    """Number → text of a model's numbered list; quotes and emphasis around a line go, other text is passed over."""
    found: dict[int, str] = {}
    for line in reply.splitlines():
        match = _LINE.match(line)
        if match:
            text = match[2].strip("*").strip()
            if len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES:
                text = text[1:-1].strip()
            found.setdefault(int(match[1]), text)
    return found
