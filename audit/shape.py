"""The shape of a statement: what is left of it when its literals are taken out.

Two statements of one shape ask the same of the same columns for other values, so a reviewer who has accepted one has
seen the other's joins and conditions. Read with a plain pattern, for it only orders a list: it need not understand SQL,
only never take a part of a literal for code.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

__all__ = ["shape_of"]

_WHOLE: Final = re.compile(
    r"""
    [-'"`/\d](?:                                                   # most characters are none of these: found fast
        (?<=')(?:[^']|'')*(?:'|\Z)                                 # a text
      | (?<=")(?:[^"]|"")*(?:"|\Z) | (?<=`)[^`]*(?:`|\Z)           # a quoted name, kept
      | (?<=-)-[^\n]* | (?<=/)\*.*?(?:\*/|\Z)                      # a comment
      | (?<=\d)(?<![\w$.]\d)\d*(?:\.\d*)?(?:[eE][+-]?\d+)?\b       # a number
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_BEFORE_SIGN: Final = re.compile(r" ([(),=<>!|*/+;-])")
_AFTER_SIGN: Final = re.compile(r"([(),=<>!|*/+;-]) ")
_LISTS: Final = re.compile(r"\(\?(?:,\?)+\)")


@lru_cache(maxsize=20_000)
def shape_of(sql: str) -> str:
    """`sql` on one line in lower case, every literal a `?`, a list of them one, comments and a last semicolon gone."""
    plain = " ".join(_WHOLE.sub(_without_value, sql).lower().split())
    return _LISTS.sub("(?)", _AFTER_SIGN.sub(r"\1", _BEFORE_SIGN.sub(r"\1", plain))).rstrip(";")


def _without_value(found: re.Match[str]) -> str:
    text = found.group()
    if text[0] in '"`':
        return text
    return " " if text[0] in "-/" else "?"
