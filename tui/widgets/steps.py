"""The steps of a run as they happen: one chip per finished step with its time, and what is under way now."""

from __future__ import annotations

from time import monotonic
from typing import Final

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from tui.text import printable, seconds

__all__ = ["StepTrack"]

_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_GAP: Final = "   "
_ORDER: Final = ("recall", "ground", "clarify", "generate", "guard", "execute", "check", "answer")


class StepTrack(Static):
    """A line of steps. It ticks while a run is under way and is still when it has ended."""

    def __init__(self) -> None:
        super().__init__()
        self._done: list[tuple[str, float, str]] = []
        self._waiting_for = ""
        self._since = 0.0
        self._timer: Timer | None = None

    def begin(self, waiting_for: str = "starting") -> None:
        """Forget the last run and start ticking."""
        self._done.clear()
        self._waiting_for, self._since = waiting_for, monotonic()
        if self._timer is None:
            self._timer = self.set_interval(0.1, self._tick)
        self._tick()

    def add(self, step: str, elapsed_ms: float, note: str = "") -> None:
        """One step has ended after `elapsed_ms`; `note` says in a word or two what it gave."""
        self._done.append((step, elapsed_ms, note))
        self._waiting_for, self._since = _next_step(step), monotonic()
        self._tick()

    def wait_for(self, what: str) -> None:
        """Say what is under way, when that is not a step of the graph."""
        if what != self._waiting_for:
            self._waiting_for, self._since = what, monotonic()
        self._tick()

    def end(self, timings_ms: dict[str, float] | None = None) -> None:
        """The run has ended: stop ticking. `timings_ms` replaces what was seen when nothing was streamed."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if timings_ms and not self._done:
            self._done = [(step, spent, "") for step, spent in timings_ms.items() if step != "total"]
        self._waiting_for = ""
        self._tick()

    def on_resize(self) -> None:
        """Chips are not broken in the middle, so the lines depend on the width."""
        self._tick()

    def _tick(self) -> None:
        self.update(self._lines())

    def _lines(self) -> Content:
        """The chips, as many to a line as fit."""
        room = self.content_size.width or self.screen.size.width
        lines: list[list[Content]] = [[]]
        used = 0
        for chip in [*map(_chip, self._done), *self._under_way()]:
            if used and used + chip.cell_length > room:
                lines.append([])
                used = 0
            lines[-1].append(chip)
            used += chip.cell_length + len(_GAP)
        return Content("\n").join(Content(_GAP).join(line) for line in lines)

    def _under_way(self) -> list[Content]:
        if not self._waiting_for:
            return []
        waited = monotonic() - self._since
        frame = _FRAMES[int(waited * 10) % len(_FRAMES)]
        said = (f"{frame} {printable(self._waiting_for)}", "bold $primary")
        return [Content.assemble(said, (f" {waited:.0f} s", "$secondary") if waited >= 1 else "")]


def _chip(done: tuple[str, float, str]) -> Content:
    step, spent, note = done
    parts: list[str | tuple[str, str]] = [("✓ ", "$success"), printable(step), (f" {seconds(spent)}", "$secondary")]
    if note:
        parts.append((f" {printable(note)}", "$foreground 50%"))
    return Content.assemble(*parts)


def _next_step(step: str) -> str:
    """The step that usually follows; the graph may loop, so this is only what the waiting line says."""
    if step == "repair":
        return "guard"
    return _ORDER[_ORDER.index(step) + 1] if step in _ORDER[:-1] else "working"
