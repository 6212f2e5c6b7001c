"""One screen for anything that went wrong: what happened, and what to do."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from tui.text import printable_lines

__all__ = ["ProblemPanel"]


class ProblemPanel(Static):
    """A framed message; hidden while there is no problem."""

    def show(self, title: str, message: str, hint: str = "", *, severity: str = "error") -> None:
        """Say what happened and what to do."""
        self.display = True
        self.set_class(severity == "warning", "-warning")
        self.border_title = Content(title.replace("_", " "))
        parts: list[str | tuple[str, str]] = [printable_lines(message)]
        if hint:
            parts += ["\n\n", ("What to do  ", "bold"), printable_lines(hint)]
        self.update(Content.assemble(*parts))

    def clear(self) -> None:
        """Hide the panel."""
        self.display = False
