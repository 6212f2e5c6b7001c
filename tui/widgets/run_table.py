"""The list of runs in the review screen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import DataTable

from audit.runs import RunSummary
from tui.text import clipped, moment, printable
from tui.widgets.answer import STATUS_MARKS

__all__ = ["RunTable"]

_MAX_QUESTION = 80


class RunTable(DataTable[Text]):
    """One line a run: how it ended, when, who asked, what. The row's key is the run's id."""

    def __init__(self) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False, show_row_labels=False)

    def on_mount(self) -> None:
        """The columns never change."""
        self.border_title = "Runs"
        for name in ("", "asked (UTC)", "asker", "review", "question"):
            self.add_column(name)

    def show(self, runs: Sequence[RunSummary], *, keep: str = "") -> None:
        """Replace the list; the cursor goes to the run `keep`, else stays on the run it was on."""
        if not keep and self.is_valid_row_index(self.cursor_row):
            keep = str(self.coordinate_to_cell_key((self.cursor_row, 0)).row_key.value)  # type: ignore[arg-type]
        self.clear()
        for run in runs:
            self.add_row(
                Text(STATUS_MARKS.get(run.status, "…")),
                Text(moment(run.started)[5:]),
                Text(clipped(run.asker, 14)),
                Text(printable(run.review_status)),
                Text(clipped(run.question, _MAX_QUESTION)),
                key=run.run_id,
            )
        self.border_title = f"{len(runs)} run{'' if len(runs) == 1 else 's'}"
        ids = [run.run_id for run in runs]
        if keep in ids:
            self.move_cursor(row=ids.index(keep))
