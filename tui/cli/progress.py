"""Progress on stderr, for whatever may take longer than two seconds.

On a terminal a bar; elsewhere a line now and then, so that a CI log shows that something moves.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.progress import TaskID

__all__ = ["PART_LABELS", "Activity", "Progress", "activity", "progress_bar"]

PART_LABELS: Final = {"model": "Fetching the model", "memory": "Learning the warehouse"}

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
        TextColumn("{task.description}", markup=False),
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


class Activity:
    """What goes on while questions are answered: parts being fetched or learnt, then the steps of a run."""

    def part(self, part: str, done: int, total: int) -> None:
        """A part is being prepared; see `agent.services.PartProgress`."""

    def say(self, text: str) -> None:
        """Something is under way; `text` says what."""

    def pause(self) -> None:
        """Leave the terminal to what is printed next."""


class _PlainActivity(Activity):
    """Outside a terminal: a line now and then for the slow parts, nothing for steps."""

    def __init__(self) -> None:
        self._lines: dict[str, Progress] = {}

    def part(self, part: str, done: int, total: int) -> None:
        label = PART_LABELS.get(part, part)
        self._lines.setdefault(part, _plain_lines(label))(done, total)


class _TerminalActivity(Activity):
    """On a terminal: one spinner line, and a bar per slow part; gone when something is printed."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, SpinnerColumn, TextColumn
        from rich.progress import Progress as Bar

        from tui.cli.console import console

        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(bar_width=30))
        self._bar = Bar(*columns, console=console(stderr=True), transient=True)
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()  # the model is fetched on a thread of its own

    def part(self, part: str, done: int, total: int) -> None:
        with self._lock:
            self._bar.start()
            if part not in self._tasks:
                self._tasks[part] = self._bar.add_task(PART_LABELS.get(part, part), total=total or None)
            if total and done >= total:
                self._bar.remove_task(self._tasks.pop(part))
            else:
                self._bar.update(self._tasks[part], completed=done, total=total or None)

    def say(self, text: str) -> None:
        with self._lock:
            self._bar.start()
            if "" not in self._tasks:
                self._tasks[""] = self._bar.add_task(text, total=None)
            self._bar.update(self._tasks[""], description=text)

    def pause(self) -> None:
        with self._lock:
            self._bar.stop()


@contextmanager
def activity() -> Iterator[Activity]:
    """Shows what goes on, on stderr, for the time of the block."""
    shown: Activity = _TerminalActivity() if sys.stderr.isatty() else _PlainActivity()
    try:
        yield shown
    finally:
        shown.pause()


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
