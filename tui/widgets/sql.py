"""A SQL statement, highlighted, laid out for reading, and copied exactly as it ran."""

from __future__ import annotations

from textual.content import Content
from textual.highlight import highlight
from textual.widgets import Static

from tui.sql_layout import laid_out
from tui.text import printable_lines

__all__ = ["SqlView"]


class SqlView(Static):
    """One statement. `sql` is the original, whatever the screen shows."""

    def __init__(self) -> None:
        super().__init__()
        self.sql = ""

    def show(self, sql: str, *, verified: bool = True) -> None:
        """Show a statement; one that is no answer carries its warning inside the frame."""
        self.sql = sql
        self.display = bool(sql)
        self.set_class(not verified, "-unverified")
        self.border_title = "SQL" if verified else "UNVERIFIED draft, not an answer"
        code = highlight(printable_lines(laid_out(sql)), language="sql")
        self.update(code if isinstance(code, Content) else Content(str(code)))
