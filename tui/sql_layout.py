"""Lays a one-line statement out over several lines for reading, changing white space and nothing else.

A reviewer signs the statement that ran. Re-printing it through a SQL parser could show something that merely means
the same, so this only turns spaces between tokens into line breaks; the copied SQL is always the original.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["laid_out"]

_TOKEN: Final = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | \[[^\]]*\] | --[^\n]* | /\*.*?\*/ | \s+ | \w+ | .""",
    re.VERBOSE | re.DOTALL,
)
_CLAUSES: Final = {"FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "EXCEPT", "INTERSECT", "WINDOW"}
_JOIN_WORDS: Final = {"JOIN", "LEFT", "RIGHT", "INNER", "FULL", "CROSS", "OUTER", "NATURAL"}
_SHORT: Final = 60


def laid_out(sql: str) -> str:
    """The statement with a line break before each clause of its outermost level.

    Text that already has line breaks, or is short, comes back as it is.
    """
    text = sql.strip()
    if "\n" in text or len(text) <= _SHORT:
        return text
    parts: list[str] = []
    depth, previous = 0, ""
    for piece in _TOKEN.findall(text):
        if piece.isspace():
            parts.append(piece)
            continue
        depth += (piece == "(") - (piece == ")")
        word = piece.upper()
        if depth == 0 and _breaks_before(word, previous) and parts and parts[-1].isspace():
            parts[-1] = "\n"
        parts.append(piece)
        previous = word
    return "".join(parts)


def _breaks_before(word: str, previous: str) -> bool:
    if word in _CLAUSES:
        return True
    return word in _JOIN_WORDS and previous not in _JOIN_WORDS
