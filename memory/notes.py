"""What a model must know about each SQL dialect to be right in it: a few facts, shown only when a question needs them.

Small models write the dialect they saw most of. Each note is one line with a topic; retrieval picks the topics that a
question touches, so that no prompt carries a manual.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["DialectNote", "dialect_notes", "topics_of"]

Topic = Literal["dates", "division", "limit", "quoting", "nulls", "text"]


@dataclass(frozen=True, slots=True)
class DialectNote:
    """One fact about one dialect."""

    dialect: str
    topic: Topic
    text: str
    version: str = "1"

    @property
    def id(self) -> str:
        """`sqlite.dates`"""
        return f"{self.dialect}.{self.topic}"


_NOTES: dict[str, dict[Topic, str]] = {
    "sqlite": {
        "dates": "Dates are text 'YYYY-MM-DD': STRFTIME('%Y', d) is the year as text, STRFTIME('%Y-%m', d) the month; "
        "JULIANDAY(a) - JULIANDAY(b) is days; there is no EXTRACT, YEAR() or DATE_TRUNC.",
        "division": "Dividing two integers drops the fraction: write 1.0 * a / b (100.0 * a / b for a percentage).",
        "limit": "The first N rows: ORDER BY ... LIMIT N (no TOP, no FETCH).",
        "quoting": 'Names with spaces or reserved words take double quotes, text takes single quotes.',
        "nulls": "NULL sorts first in ascending order and last in descending; NULLS LAST is understood.",
        "text": "Join text with ||; LIKE ignores case for ASCII letters, = does not.",
    },
    "duckdb": {
        "dates": "YEAR(d), QUARTER(d), MONTH(d) are numbers; STRFTIME(d, '%Y-%m') is the month as text; "
        "DATE_DIFF('day', a, b) is the days from a to b; literals are DATE '2023-01-31'.",
        "division": "/ keeps the fraction, // drops it.",
        "limit": "The first N rows: ORDER BY ... LIMIT N.",
        "quoting": "Names are found in any case; reserved words and spaces take double quotes.",
        "nulls": "NULL sorts last unless NULLS FIRST is said.",
        "text": "Join text with ||; LIKE minds case, ILIKE does not.",
    },
    "postgres": {
        "dates": "EXTRACT(YEAR FROM d) is a number, TO_CHAR(d, 'YYYY-MM') the month as text, DATE_TRUNC('month', d) a "
        "timestamp; one date minus another is days; literals are DATE '2023-01-31'.",
        "division": "Dividing two integers drops the fraction: write 1.0 * a / b (100.0 * a / b for a percentage).",
        "limit": "The first N rows: ORDER BY ... LIMIT N.",
        "quoting": 'Unquoted names are folded to lower case: a name with capitals needs double quotes ("OrderDate").',
        "nulls": "NULL sorts first in descending order: write DESC NULLS LAST for a ranking.",
        "text": "Join text with ||; LIKE minds case, ILIKE does not; ROUND(x, 2) needs x::numeric.",
    },
    "mysql": {
        "dates": "YEAR(d), QUARTER(d), MONTH(d) are numbers, DATE_FORMAT(d, '%Y-%m') the month as text; DATEDIFF(a, b) "
        "is days from b to a.",
        "division": "/ keeps the fraction, DIV drops it; dividing by zero gives NULL.",
        "limit": "The first N rows: ORDER BY ... LIMIT N.",
        "quoting": "Names take backticks where needed; table names mind case; text takes single quotes.",
        "nulls": "NULL sorts first in ascending order and last in descending; NULLS LAST is not understood.",
        "text": "Join text with CONCAT(a, b); || means OR; LIKE and = ignore case.",
    },
}  # fmt: skip

_SIGNS: dict[Topic, re.Pattern[str]] = {
    "dates": re.compile(
        r"\b(\d{4}|year|month|quarter|week|day|date|daily|weekly|monthly|quarterly|yearly|annual|since|before|after|"
        r"until|last|recent|latest|earliest|oldest|newest|when|how long|january|february|march|april|may|june|july|"
        r"august|september|october|november|december)(s|ly)?\b",
        re.IGNORECASE,
    ),
    "division": re.compile(
        r"%|\b(rate|ratio|share|percent|percentage|proportion|average|mean|per|growth|change|margin)s?\b", re.IGNORECASE
    ),
    "limit": re.compile(
        r"\b(top|bottom|first|best|worst|highest|lowest|most|least|fewest|largest|smallest|biggest)\b", re.IGNORECASE
    ),
    "nulls": re.compile(r"\b(highest|top|most|largest|missing|without|empty|unknown|never|null)\b", re.IGNORECASE),
    "text": re.compile(r"\b(contain|start|begin|end|like|named?|full name|letter)(s|ing)?\b", re.IGNORECASE),
}


def dialect_notes(dialect: str) -> tuple[DialectNote, ...]:
    """Every note of a dialect, in a fixed order; empty for a dialect without notes."""
    return tuple(DialectNote(dialect, topic, text) for topic, text in _NOTES.get(dialect, {}).items())


def topics_of(question: str) -> frozenset[Topic]:
    """The topics a question touches, by its words; quoting is always one."""
    return frozenset({"quoting", *(topic for topic, sign in _SIGNS.items() if sign.search(question))})
