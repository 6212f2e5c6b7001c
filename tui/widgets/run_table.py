"""The list of runs in the review screen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import DataTable

from audit.runs import RunSummary
from tui.text import clipped, moment, printable
from tui.widgets.answer import STATUS_COLOURS, STATUS_MARKS

__all__ = ["RunTable"]

_MAX_QUESTION = 80


class RunTable(DataTable[Text]):
    """One line a run: how it ended, when, who asked, what. The row's key is the run's id."""

    def __init__(self) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False, show_row_labels=False)
        self._runs: tuple[RunSummary, ...] = ()

    def on_mount(self) -> None:
        """The columns never change; colours follow the theme."""
        self.border_title = "Runs"
        for name in ("", "asked (UTC)", "asker", "review", "question"):
            self.add_column(name)
        self.app.theme_changed_signal.subscribe(self, lambda _: self.show(self._runs))

    def show(self, runs: Sequence[RunSummary], *, keep: str = "") -> None:
        """Replace the list; the cursor goes to the run `keep`, else stays on the run it was on."""
        keep = keep or self._chosen()
        self._runs = tuple(runs)
        self.clear()
        for run in runs:
            self.add_row(
                Text(STATUS_MARKS.get(run.status, "…"), style=self._colour(run.status)),
                Text(moment(run.started)[5:]),
                Text(clipped(run.asker, 14)),
                Text(printable(run.review_status), style=self._colour(run.review_status)),
                Text(clipped(run.question, _MAX_QUESTION)),
                key=run.run_id,
            )
        self.border_title = f"{len(runs)} run{'' if len(runs) == 1 else 's'}"
        ids = [run.run_id for run in runs]
        if keep in ids:
            self.move_cursor(row=ids.index(keep))

    def _chosen(self) -> str:
        return self._runs[self.cursor_row].run_id if self.cursor_row in range(len(self._runs)) else ""

    def _colour(self, status: str) -> str:
        """The theme's colour of a status, in hex."""
        name = STATUS_COLOURS.get(status, "$warning").removeprefix("$")
        return self.app.theme_variables.get(name, "")
