"""A whole screen for a workspace that cannot be opened: what happened, what to do, try again or leave."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.widgets.keys import KeyBar
from tui.widgets.problem import ProblemPanel

__all__ = ["ProblemScreen"]


class ProblemScreen(ModalScreen[bool]):
    """Gives True to try again, False to leave."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "dismiss(True)", "Try again"),
        Binding("q,escape", "dismiss(False)", "Quit", key_display="q"),
    ]

    def __init__(self, title: str, message: str, hint: str) -> None:
        super().__init__()
        self._said = (title, message, hint)

    def compose(self) -> ComposeResult:
        """The panel in the middle."""
        with Vertical(id="problem-box"):
            yield ProblemPanel()
        yield KeyBar()

    def on_mount(self) -> None:
        """Say it."""
        self.query_one(ProblemPanel).show(*self._said)
