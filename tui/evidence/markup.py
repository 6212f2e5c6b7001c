"""The pieces of a page that text from outside is put into, so that it can be nothing but text.

Questions, model output and names are an attacker's to choose. Everything goes through `text`: markup is escaped, and
characters that would hide or turn text around are shown as their pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Final

from tui.sql_layout import laid_out
from tui.text import printable_lines

__all__ = [
    "Markup",
    "code",
    "day",
    "day_and_time",
    "facts",
    "headed",
    "listed",
    "section",
    "short_hash",
    "sql",
    "table",
    "text",
    "words",
]

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_SQL_TOKEN: Final = re.compile(
    r"(?P<s>'(?:[^']|'')*')|(?P<c>--[^\n]*|/\*.*?\*/)|(?P<name>\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\])"
    r"|(?P<n>\b\d+(?:\.\d+)?\b)|(?P<word>\w+)|(?P<other>.)",
    re.DOTALL,
)
_KEYWORDS: Final = frozenset(
    (
        *("ALL", "AND", "AS", "ASC", "BETWEEN", "BY", "CASE", "CAST", "CROSS", "DESC", "DISTINCT", "ELSE", "END"),
        *("EXCEPT", "EXISTS", "FALSE", "FETCH", "FILTER", "FIRST", "FROM", "FULL", "GROUP", "HAVING", "ILIKE", "IN"),
        *("INNER", "INTERSECT", "IS", "JOIN", "LAST", "LEFT", "LIKE", "LIMIT", "NATURAL", "NOT", "NULL", "NULLS"),
        *("OFFSET", "ON", "OR", "ORDER", "OUTER", "OVER", "PARTITION", "RECURSIVE", "RIGHT", "ROWS", "SELECT", "THEN"),
        *("TRUE", "UNION", "USING", "VALUES", "WHEN", "WHERE", "WINDOW", "WITH"),
    )
)


class Markup(str):
    """HTML that was made here; any other text is escaped before it is shown."""

    __slots__ = ()


def text(value: object) -> Markup:
    """A value as text and nothing else; line breaks stay."""
    return value if isinstance(value, Markup) else Markup(escape(printable_lines(value)))


def code(value: object) -> Markup:
    """A value in fixed-width type: an id, a hash, a name."""
    return Markup(f"<code>{text(value)}</code>")


def words(name: str) -> str:
    """A name of ours, such as an error class, as words."""
    return name.replace("_", " ")


def short_hash(value: object) -> Markup:
    """The first 16 characters of a hash; nothing where there is none."""
    return code(f"{str(value)[:16]}…") if value else Markup("")


def sql(statement: str) -> Markup:
    """A statement laid out, with its words coloured."""
    return Markup(f"<pre>{''.join(_coloured(found) for found in _SQL_TOKEN.finditer(laid_out(statement)))}</pre>")


def facts(pairs: Iterable[tuple[str, object]]) -> Markup:
    """Names and values, the empty ones left out."""
    lines = [f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in pairs if value not in (None, "", (), [])]
    return Markup(f"<dl>{''.join(lines)}</dl>") if lines else Markup("")


def listed(items: Iterable[object]) -> Markup:
    """A list; nothing when it would be empty."""
    lines = "".join(f"<li>{text(item)}</li>" for item in items)
    return Markup(f"<ul>{lines}</ul>") if lines else Markup("")


def section(title: str, *parts: str) -> Markup:
    """A part of the page under a title of its own; empty parts are left out."""
    body = "\n".join(part for part in parts if part)
    return Markup(f"<section><h2>{text(title)}</h2>\n{body}\n</section>")


def headed(title: str, part: Markup) -> tuple[Markup, ...]:
    """A part under a heading within its section; nothing when it is empty."""
    return (Markup(f"<h3>{text(title)}</h3>{part}"),) if part else ()


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """A table; nothing when it would be empty."""
    body = "".join(f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    if not body:
        return Markup("")
    cells = "".join(f'<th scope="col">{text(name)}</th>' for name in head)
    return Markup(f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>")


def day(iso: str) -> str:
    """The day of a record's time as it is said: `28 November 2026`; what is no time stays as it is."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def day_and_time(iso: str) -> str:
    """The same with the time of day: `28 November 2026, 13:45:42 UTC`."""
    said = day(iso)
    return said if said == iso else f"{said}, {iso[11:19]} UTC"


def _coloured(found: re.Match[str]) -> str:
    kind, written = found.lastgroup, text(found[0])
    if kind == "word":
        kind = "k" if found[0].upper() in _KEYWORDS else None
    return f'<span class="{kind}">{written}</span>' if kind in ("s", "c", "n", "k") else written
