"""A table whose columns are as wide as what they hold."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import DataTable

__all__ = ["FittedTable"]


class FittedTable(DataTable[Text]):
    """Columns get their width with their rows.

    Left to itself the widget measures new rows only when it is idle, keeps lines that it painted before that at their
    old widths, and keeps the height that it had, if it was laid out in between.
    """

    def watch_virtual_size(self) -> None:
        """The rows have been measured: lay out anew, once what was under way when they came is done."""
        self.call_after_refresh(self.refresh, layout=True)

    def fill(self, headings: Sequence[Text], rows: Sequence[Sequence[Text]], keys: Sequence[str] = ()) -> None:
        """Replace columns and rows; `keys`, if there are any, is one for each row."""
        self.clear(columns=True)
        for index, heading in enumerate(headings):
            self.add_column(heading, width=max(cell.cell_len for cell in (heading, *(row[index] for row in rows))))
        for index, row in enumerate(rows):
            self.add_row(*row, key=keys[index] if keys else None)
