"""Progress on stderr, for whatever may take longer than two seconds.

On a terminal a bar; elsewhere a line now and then, so that a CI log shows that something moves.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["Progress", "progress_bar", "spinner"]

Progress = Callable[[int, int], None]
"""Called with (done, total); a total of 0 means that the end is not known."""

_QUIET_S: Final = 2.0
_LINE_EVERY_S: Final = 10.0


@contextmanager
def progress_bar(label: str, unit: str = "") -> Iterator[Progress]:
    """A bar for the time of the block; call what it gives with (done, total)."""
    if not sys.stderr.isatty():
        yield _plain_lines(label)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from tui.cli.console import console

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Bar(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)

        yield advance


@contextmanager
def spinner(label: str) -> Iterator[Callable[[str], None]]:
    """A spinner for the time of the block; call what it gives with the text of the step under way."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.status import Status
    from rich.text import Text

    from tui.cli.console import console

    with Status(Text(label), console=console(stderr=True), spinner="dots") as status:
        yield lambda text: status.update(Text(text))


def _plain_lines(label: str) -> Progress:
    started = said = time.monotonic()

    def advance(done: int, total: int) -> None:
        nonlocal said
        now = time.monotonic()
        finished = bool(total) and done >= total
        if now - started < _QUIET_S or (now - said < _LINE_EVERY_S and not finished):
            return
        said = now
        sys.stderr.write(f"{label}: {done}{f' of {total}' if total else ''}\n")
        sys.stderr.flush()

    return advance
