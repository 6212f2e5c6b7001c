"""Mends of the text of a draft that does not parse: quotes that are none, values without quotes, names of functions.

What cannot be read as a tree can only be mended as text, so each rule changes nothing inside a quoted text, and values
are only recognised when the warehouse stores them just so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from sqlglot import exp

from agent.steps.faults import Known
from agent.warehouse.functions import allowed_function_names
from memory.spelling import edits

__all__ = ["apostrophe_doubled", "function_respelled", "limit_unquoted", "quotes_straightened", "value_quoted"]

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/", re.DOTALL)
_SINGLE, _DOUBLE = "\u2018\u2019\u201a\u201b\u00b4", "\u201c\u201d\u201e"
_TYPOGRAPHIC = re.compile(f"[{_SINGLE}]([^{_SINGLE}']*)[{_SINGLE}]|[{_DOUBLE}]([^{_DOUBLE}']*)[{_DOUBLE}]")
_COMPARED_WITH = r"((?:=|<>|!=|\bIN\s*\(|\bLIKE|,)\s*)"
_VALUE_END = r"(?=\s*(?:[),;]|$|\b(?:AND|OR|GROUP|ORDER|LIMIT|HAVING|UNION)\b))"
_CALL = re.compile(r"(?<![\w.\"`\]])([A-Za-z_]\w*)(\s*\()")
_LIMIT = re.compile(r"\b(LIMIT|OFFSET|TOP)\s+'(\d+)'", re.IGNORECASE)

_SAME_FUNCTION = {
    "average": "AVG",
    "mean": "AVG",
    "count_big": "COUNT",
    "maximum": "MAX",
    "minimum": "MIN",
    "len": "LENGTH",
    "nvl": "COALESCE",
    "isnull": "COALESCE",
    "ifnull": "COALESCE",
    "lcase": "LOWER",
    "ucase": "UPPER",
    "mid": "SUBSTR",
    "stdev": "STDDEV",
    "ceiling": "CEIL",
}
"""Names under which another database, or a spreadsheet, has the very same function."""
_COMMON = """
    abs avg cast ceil coalesce concat count extract floor length lower max min nullif replace round substr substring sum
    trim upper strftime julianday
    """
"""What a misspelt function can be meant to be."""
_NO_FUNCTIONS = """
    all and any array as asc between by case char date decimal desc distinct else end except exists filter float from
    full group having in inner int integer intersect interval is join left like limit not numeric on or order outer over
    partition recursive right rows select set table then top union using values varchar when where with within
    """


def quotes_straightened(sql: str, known: Known) -> str | None:
    """`\u2018Germany\u2019` and `\u201cGermany\u201d` → `'Germany'`: typographic quotes are those of a text."""
    del known
    mended = _outside_quotes(sql, lambda text: _TYPOGRAPHIC.sub(lambda found: f"'{found[1] or found[2] or ''}'", text))
    return mended if mended != sql else None


def apostrophe_doubled(sql: str, known: Known) -> str | None:
    """`'Kelly's Deli'` → `'Kelly''s Deli'`, where that is a stored value."""
    mended = sql
    for value in known.stored_texts():
        if "'" in value:
            mended = mended.replace(f"'{value}'", "'" + value.replace("'", "''") + "'")
    return mended if mended != sql else None


def value_quoted(sql: str, known: Known) -> str | None:
    """`City = New York` → `City = 'New York'`, where that is a stored value of several words."""
    longest = sorted((value for value in known.stored_texts() if re.search(r"\W", value)), key=len, reverse=True)
    for value in longest:
        if value not in sql:
            continue
        bare = re.compile(rf"{_COMPARED_WITH}{re.escape(value)}{_VALUE_END}", re.IGNORECASE)
        quoted = "'" + value.replace("'", "''") + "'"
        mended = _outside_quotes(sql, partial(bare.sub, partial(_after, quoted)))
        if mended != sql:
            return mended
    return None


def _after(quoted: str, found: re.Match[str]) -> str:
    return found[1] + quoted


def limit_unquoted(sql: str, known: Known) -> str | None:
    """`LIMIT '5'` → `LIMIT 5`."""
    del known
    mended = _LIMIT.sub(r"\1 \2", sql)
    return mended if mended != sql else None


def function_respelled(sql: str, known: Known) -> str | None:
    """`AVERAGE(x)` → `AVG(x)`, `CUONT(*)` → `COUNT(*)`: the same under another name, or the one clearly nearest."""
    unknown = {name for name in _called(sql) if not _is_function(name, known)}
    meant = {name: _meant(name) for name in unknown}
    if not unknown or not all(meant.values()):
        return None

    def respelled(text: str) -> str:
        return _CALL.sub(lambda found: f"{meant.get(found[1].lower()) or found[1]}{found[2]}", text)

    return _outside_quotes(sql, respelled)


def _called(sql: str) -> Iterator[str]:
    for text in _QUOTED.split(sql):
        yield from (found[1].lower() for found in _CALL.finditer(text))


def _is_function(name: str, known: Known) -> bool:
    if name in _NO_FUNCTIONS.split() or name in allowed_function_names(known.dialect):
        return True
    return name.upper() in exp.FUNCTION_BY_NAME and name not in _SAME_FUNCTION


def _meant(name: str) -> str:
    """The function that is surely meant, or ""."""
    if name in _SAME_FUNCTION:
        return _SAME_FUNCTION[name]
    slips = 1 if len(name) < 7 else 2
    near = [other for other in _COMMON.split() if edits(name, other, slips) <= slips]
    nearest = min((edits(name, other, slips) for other in near), default=0)
    best = [other for other in near if edits(name, other, slips) == nearest]
    return best[0].upper() if len(best) == 1 else ""


def _outside_quotes(sql: str, change: Callable[[str], str]) -> str:
    """The text with everything but quoted parts and comments changed."""
    parts, at = list[str](), 0
    for quoted in _QUOTED.finditer(sql):
        parts += [change(sql[at : quoted.start()]), quoted.group()]
        at = quoted.end()
    return "".join([*parts, change(sql[at:])])
