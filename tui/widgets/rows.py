"""The rows of an answer."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import JustifyMethod
from rich.text import Text

from tui.text import cell, clipped, is_number
from tui.widgets.table import FittedTable

__all__ = ["RowsTable"]

_MAX_CELL = 60


class RowsTable(FittedTable):
    """A result in a table: numbers to the right, long cells clipped (the export has them whole)."""

    def __init__(self) -> None:
        super().__init__(cursor_type="row", zebra_stripes=True, show_row_labels=False)

    def show(self, columns: Sequence[str], rows: Sequence[Sequence[object]], *, truncated: bool, total: int) -> None:
        """Replace what the table shows."""
        self.display = bool(columns)
        sides = [_side([row[index] for row in rows]) for index in range(len(columns))]
        self.fill(
            [Text(clipped(name, _MAX_CELL), justify=side) for name, side in zip(columns, sides, strict=True)],
            [[_text(value, side) for value, side in zip(row, sides, strict=True)] for row in rows],
        )
        count = f"{total} row{'' if total == 1 else 's'}"
        self.border_title = f"{count}, CUT at the cap" if truncated else count


def _side(values: Sequence[object]) -> JustifyMethod:
    """Where a column's cells belong: to the right if what it holds is numbers."""
    known = [value for value in values if value is not None]
    return "right" if known and all(is_number(value) for value in known) else "left"


def _text(value: object, side: JustifyMethod) -> Text:
    return Text(clipped(cell(value), _MAX_CELL), justify=side, style="dim" if value is None else "")
