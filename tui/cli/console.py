"""How the commands print: colour on a terminal only, nothing clipped in a pipe, JSON exact."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from tui.text import cell, is_number

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

__all__ = ["STATUS_STYLES", "console", "facts", "print_json", "print_table", "put", "say", "table"]

_PIPE_COLUMNS: Final = 4000
"""Wide enough that a piped table is never folded: the reader there is a program or a pager."""

STATUS_STYLES: Final = {
    "answered": "green",
    "accepted": "green",
    "amended": "green",
    "needs_clarification": "yellow",
    "abstained": "yellow",
    "unreviewed": "bright_black",
    "refused": "red",
    "failed": "red",
    "rejected": "red",
    "revoked": "red",
    "info": "cyan",
    "warning": "yellow",
    "error": "red",
}


def console(*, stderr: bool = False) -> Console:
    """A console for stdout or stderr; rich itself honours NO_COLOR and drops colour outside a terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_COLUMNS
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=width)


def say(message: str) -> None:
    """One line for the person, on stderr, so that stdout holds results alone."""
    console(stderr=True).print(message, soft_wrap=True)


def print_json(value: object) -> None:
    """One JSON object on one line of stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, styles: dict[str, str] | None = None) -> Table:
    """A quiet table: one rule under the head, numbers to the right, cells made safe.

    `styles` maps a cell's text to a style, for columns that hold a status.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    body = [list(row) for row in rows]
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for index, name in enumerate(columns):
        values = [row[index] for row in body if row[index] is not None]
        numeric = bool(values) and all(is_number(value) for value in values)
        made.add_column(Text(cell(name)), justify="right" if numeric else "left", overflow="fold")
    for row in body:
        texts = [cell(value) for value in row]
        made.add_row(*(Text(text, style=(styles or {}).get(text, "")) for text in texts))
    return made


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "Nothing to show.") -> None:
    """Print a table on stdout, statuses coloured, or one line when it would be empty."""
    body = list(rows)
    if body:
        put(table(columns, body, styles=STATUS_STYLES))
    else:
        put(empty)


def facts(pairs: Iterable[tuple[str, Any]]) -> None:
    """Print `name  value` lines on stdout, aligned."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, value if isinstance(value, Text) else Text(cell(value)))
    put(grid)


def put(renderable: RenderableType) -> None:
    """Print on stdout; in a pipe every line ends where its text ends, not where the widest does."""
    out = console()
    if out.is_terminal:
        out.print(renderable)
        return
    with out.capture() as captured:
        out.print(renderable)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
