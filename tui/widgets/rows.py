"""The rows of an answer."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import DataTable

from tui.text import cell, clipped, is_number

__all__ = ["RowsTable"]

_MAX_CELL = 60


class RowsTable(DataTable[Text]):
    """A result in a table: numbers to the right, long cells clipped (the export has them whole)."""

    def __init__(self) -> None:
        super().__init__(cursor_type="row", zebra_stripes=True, show_row_labels=False)

    def show(self, columns: Sequence[str], rows: Sequence[Sequence[object]], *, truncated: bool, total: int) -> None:
        """Replace what the table shows."""
        self.clear(columns=True)
        self.display = bool(columns)
        numeric = [
            any(row[index] is not None for row in rows)
            and all(row[index] is None or is_number(row[index]) for row in rows)
            for index in range(len(columns))
        ]
        for name, right in zip(columns, numeric, strict=True):
            self.add_column(Text(clipped(name, _MAX_CELL), justify="right" if right else "left"))
        for row in rows:
            self.add_row(*(_text(value, right) for value, right in zip(row, numeric, strict=True)))
        count = f"{total} row{'' if total == 1 else 's'}"
        self.border_title = f"{count}, CUT at the cap" if truncated else count


def _text(value: object, right: bool) -> Text:
    return Text(
        clipped(cell(value), _MAX_CELL), justify="right" if right else "left", style="dim" if value is None else ""
    )
