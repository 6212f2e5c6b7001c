"""Reads the documentation: its pages, their fenced blocks, links and command lines."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Block", "CommandLine", "anchors", "blocks", "command_lines", "links", "pages", "table_keys"]

ROOT = Path(__file__).parents[1]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^ {4}\S.*$", re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]*\n?[^`\n]*)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SEPARATORS = ("&&", "||", ";", "|")


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    page: Path
    line: int
    language: str
    text: str


@dataclass(frozen=True)
class CommandLine:
    """One call of the console script as the docs write it."""

    page: Path
    line: int
    words: tuple[str, ...]
    """What follows `affidavit`."""
    whole: bool
    """From a block, so meant to be typed as it stands; a code span may name a command only."""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}: affidavit {shlex.join(self.words)}"


def pages() -> list[Path]:
    """Every Markdown page that readers are sent to."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        yield Block(page, text.count("\n", 0, match.start()) + 2, match[1], match[2])


def links(page: Path) -> Iterator[str]:
    """The targets of a page's links, outside its blocks."""
    yield from _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make."""
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def command_lines(page: Path) -> Iterator[CommandLine]:
    """Every `affidavit ...` of a page: in blocks as a line of its own, in prose as a code span."""
    text = page.read_text(encoding="utf-8")
    for block in blocks(page):
        if block.language in {"console", "text", "bash", "sh"}:
            yield from _lines(page, block.text, block.line, console=block.language == "console")
    prose = _FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)
    for match in _SPAN.finditer(prose):
        words = match[1].replace("\n", " ")
        if re.match(r"affidavit(\s|$)", words):
            yield CommandLine(page, prose.count("\n", 0, match.start()) + 1, tuple(shlex.split(words))[1:], whole=False)
    for match in _INDENTED.finditer(prose):
        yield from _lines(page, match[0], prose.count("\n", 0, match.start()) + 1, console=False)


def _lines(page: Path, text: str, first: int, *, console: bool) -> Iterator[CommandLine]:
    for number, line in enumerate(text.splitlines(), start=first):
        typed = line.strip()
        if console:
            if not typed.startswith("$ "):
                continue
            typed = typed[2:]
        if not re.match(r"(\S*/)?affidavit\s|\w+=\S+ affidavit\s", typed) and not console:
            continue
        yield from _calls(page, number, typed)


def _calls(page: Path, number: int, typed: str) -> Iterator[CommandLine]:
    lexer = shlex.shlex(typed, posix=True, punctuation_chars="&|;<>")
    lexer.whitespace_split = True
    calls: list[list[str]] = [[]]
    for word in lexer:
        if word in _SEPARATORS:
            calls.append([])
        else:
            calls[-1].append(word)
    for call in calls:
        while call and re.fullmatch(r"\w+=.*", call[0]):
            call.pop(0)
        if call and call[0].rpartition("/")[2] == "affidavit":
            yield CommandLine(page, number, tuple(call[1:]), whole=True)


def table_keys(page: Path) -> dict[str, list[str]]:
    """Heading → what stands as code in the first column of the tables under it."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in _FENCE.sub("", page.read_text(encoding="utf-8")).splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ").strip("`[] ")
        elif key := re.match(r"\| `([^`]+)` \|", line):
            found.setdefault(heading, []).append(key[1])
    return found
