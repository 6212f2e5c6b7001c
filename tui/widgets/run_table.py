"""The list of runs in the review screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.text import Text

from audit.queue import QueuedRun
from audit.runs import RunSummary
from tui.text import clipped, moment, printable
from tui.widgets.answer import STATUS_COLOURS, STATUS_MARKS
from tui.widgets.table import FittedTable

__all__ = ["RunTable"]

_MAX_QUESTION = 80
_HEADINGS = [Text(name) for name in ("", "risk", "asked (UTC)", "asker", "review", "question")]


class RunTable(FittedTable):
    """One line a run: how it ended, its risk while it waits, when, who asked, what. The row's key is the run's id."""

    def __init__(self) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False, show_row_labels=False)
        self._runs: tuple[RunSummary, ...] = ()
        self._waiting: Mapping[str, QueuedRun] = {}
        self._relied: frozenset[str] = frozenset()

    def on_mount(self) -> None:
        """The headings are there before the first run is; colours follow the theme."""
        self.border_title = "Runs"
        self.fill(_HEADINGS, [])
        self.app.theme_changed_signal.subscribe(self, lambda _: self.show(self._runs, self._waiting, self._relied))

    def show(
        self,
        runs: Sequence[RunSummary],
        waiting: Mapping[str, QueuedRun],
        relied: Iterable[str] = (),
        *,
        keep: str = "",
    ) -> None:
        """Replace the list; the cursor goes to the run `keep`, else stays on the run it was on.

        `waiting` has those of the runs that are in the queue, by their ids; `relied` are ids of runs that relied on a
        review that was revoked.
        """
        keep = keep or self._chosen()
        self._runs, self._waiting, self._relied = tuple(runs), waiting, frozenset(relied)
        self.fill(_HEADINGS, [self._row(run) for run in runs], [run.run_id for run in runs])
        self.border_title = f"{len(runs)} run{'' if len(runs) == 1 else 's'}"
        ids = [run.run_id for run in runs]
        self.border_subtitle = "! relied on a review that was revoked" if self._relied.intersection(ids) else ""
        if keep in ids:
            self.move_cursor(row=ids.index(keep))

    def _row(self, run: RunSummary) -> list[Text]:
        return [
            Text(STATUS_MARKS.get(run.status, "…"), style=self._colour(run.status)),
            Text(str(self._waiting[run.run_id].risk) if run.run_id in self._waiting else "", justify="right"),
            Text(moment(run.started)[5:]),
            Text(clipped(run.asker, 14)),
            self._marked(run, self._review(run)),
            Text(clipped(run.question, _MAX_QUESTION)),
        ]

    def _marked(self, run: RunSummary, review: Text) -> Text:
        """Where the review stands, with a mark where the run relied on one that was revoked."""
        return Text.assemble(("! ", self._colour("error")), review) if run.run_id in self._relied else review

    def _review(self, run: RunSummary) -> Text:
        """Where the review stands; of a run that waits, what there is to say beyond that it does."""
        queued = self._waiting.get(run.run_id)
        if queued is None or run.approvals:
            return Text(printable(run.standing), style=self._colour(run.review_status))
        if queued.overdue:
            return Text("overdue", style=self._colour("error"))
        if queued.holder:
            return Text(clipped(f"⚑ {queued.holder}", 14), style=self._colour("warning"))
        if queued.assignment.assignee:
            return Text(clipped(f"→ {queued.assignment.assignee}", 14), style=self._colour("info"))
        return Text(printable(run.standing), style=self._colour(run.review_status))

    def _chosen(self) -> str:
        return self._runs[self.cursor_row].run_id if self.cursor_row in range(len(self._runs)) else ""

    def _colour(self, status: str) -> str:
        """The theme's colour of a status, in hex."""
        name = STATUS_COLOURS.get(status, "$warning").removeprefix("$")
        return self.app.theme_variables.get(name, "")
