"""The review screen: the queue of runs on one side, everything that happened in the chosen one on the other."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import DataTable, Input, Tab, Tabs

from audit.errors import PassphraseError
from audit.identity import same_person
from audit.queue import QueuedRun
from audit.rules import Decision
from audit.runs import RunSummary, RunTrace
from tui.backend import BackendThread
from tui.failure import as_affidavit_error
from tui.screens.passphrase import PassphraseScreen
from tui.screens.sign import SignScreen
from tui.widgets.keys import KeyBar
from tui.widgets.run_detail import RunDetail
from tui.widgets.run_table import RunTable
from tui.widgets.title import TitleBar

__all__ = ["ReviewScreen"]

_FILTERS: Final = (
    ("unreviewed", "Queue"),
    ("accepted", "Accepted"),
    ("amended", "Amended"),
    ("rejected", "Rejected"),
    ("revoked", "Revoked"),
    ("all", "All"),
)
_LIMIT: Final = 200


class ReviewScreen(Screen[None]):
    """Read a run, then sign a decision on it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "decide('accept')", "Accept", tooltip="Sign that the SQL and its result answer the question"),
        Binding("m", "decide('amend')", "Amend", tooltip="Sign a corrected statement"),
        Binding("x", "decide('reject')", "Reject", tooltip="Sign that the answer must not be relied on"),
        Binding("v", "decide('revoke')", "Revoke", tooltip="Take back an earlier approval"),
        Binding("k", "claim", "Claim", tooltip="Keep others from deciding on the run, or give it back"),
        Binding("f", "next_filter", "Filter", tooltip="Show the next kind of runs"),
        Binding("slash", "search", "Search", key_display="/", tooltip="Search question, SQL and asker"),
        Binding("c", "copy_sql", "Copy SQL", tooltip="Copy the run's statement"),
        Binding("r", "refresh", "Reload", tooltip="Read the ledger again"),
    ]

    def __init__(self, thread: BackendThread) -> None:
        super().__init__()
        self._backend_thread = thread
        self._found: tuple[RunSummary, ...] = ()
        self._waiting: dict[str, QueuedRun] = {}
        self._relied: Mapping[str, tuple[str, ...]] = {}
        self._trace: RunTrace | None = None
        self._wanted = ""
        self._take_over = ""
        """The run somebody else has in hand that was warned of last."""

    def compose(self) -> ComposeResult:
        """Filters above, the runs and the chosen one below."""
        yield TitleBar("Review")
        with Horizontal(id="filters"):
            yield Tabs(*(Tab(label, id=name) for name, label in _FILTERS))
            yield Input(placeholder="search", id="search")
        with Horizontal(id="panes"):
            yield RunTable()
            with Vertical(id="right"):
                yield RunDetail()
        yield KeyBar()

    def on_mount(self) -> None:
        """The list has the keyboard."""
        self.query_one(RunTable).focus()

    def on_screen_resume(self) -> None:
        """Runs may have been added since."""
        self._load()

    def show_run(self, run_id: str) -> None:
        """Open on one run, whatever its review status."""
        self._wanted = run_id
        tabs = self.query_one(Tabs)
        if tabs.active == "all":
            self._load()
        else:
            tabs.active = "all"

    @on(Tabs.TabActivated)
    def _filter_changed(self) -> None:
        self._load()

    @on(Input.Changed, "#search")
    def _search_changed(self) -> None:
        self._show_found()

    @on(Input.Submitted, "#search")
    def _search_ended(self) -> None:
        self.query_one(RunTable).focus()

    @work(exclusive=True, group="runs")
    async def _load(self) -> None:
        chosen = self.query_one(Tabs).active
        status = None if chosen in ("all", "") else chosen
        backend = self._backend_thread.backend
        self._waiting = {}
        try:
            if status == "unreviewed":
                queue = await self._backend_thread.call(backend.queue, limit=_LIMIT)
                self._waiting = {each.run.run_id: each for each in queue}
                self._found = tuple(each.run for each in queue)
            else:
                self._found = await self._backend_thread.call(backend.runs, limit=_LIMIT, review_status=status)
            self._relied = await self._backend_thread.call(backend.relied_on_revoked)
        except Exception as error:  # noqa: BLE001  the screen's boundary: whatever it was becomes one screen
            self._found = ()
            problem = as_affidavit_error(error)
            self.query_one(RunDetail).fail(problem.error_class.value, problem.message, problem.hint)
        self._show_found()

    def _show_found(self) -> None:
        wanted = self.query_one("#search", Input).value.casefold().strip()
        shown = [run for run in self._found if wanted in f"{run.question}\n{run.sql}\n{run.asker}".casefold()]
        table = self.query_one(RunTable)
        table.show(shown, self._waiting, self._relied, keep=self._wanted)
        self._wanted = ""
        if not shown:
            self._trace = None
            self.query_one(RunDetail).empty("No run here." if self._found or not wanted else "No run has that.")

    @on(DataTable.RowHighlighted)
    def _run_chosen(self, event: DataTable.RowHighlighted) -> None:
        if event.row_key is not None and event.row_key.value:
            self._open(event.row_key.value)

    @work(exclusive=True, group="trace")
    async def _open(self, run_id: str) -> None:
        try:
            self._trace = await self._backend_thread.call(self._backend_thread.backend.trace, run_id)
        except Exception as error:  # noqa: BLE001  the screen's boundary: whatever it was becomes one screen
            problem = as_affidavit_error(error)
            self._trace = None
            self.query_one(RunDetail).fail(problem.error_class.value, problem.message, problem.hint)
            return
        self.query_one(RunDetail).show(self._trace, self._waiting.get(run_id), self._relied.get(run_id, ()))

    def action_decide(self, decision: str) -> None:
        """Ask for the reason, then sign."""
        if self._trace is None:
            self.notify("Choose a run first.", severity="warning")
            return
        run, card = self._trace.summary, getattr(self.app, "card", None)
        if card and not card.reviews_own and same_person(run.asker, card.person):
            self.notify(
                f"{card.person} asked this question and may not review its run; somebody else must.",
                severity="warning",
                markup=False,
            )
            return
        self.app.push_screen(SignScreen(self._backend_thread, run, Decision(decision)), self._signed)

    @work(exclusive=True, group="claim")
    async def action_claim(self) -> None:
        """Claim the run, or give back one's own; what somebody else has in hand takes a second press."""
        queued = self._waiting.get(self._trace.run_id) if self._trace else None
        if queued is None:
            self.notify("Choose a run in the queue first.", severity="warning")
            return
        run_id, card = queued.run.run_id, getattr(self.app, "card", None)
        theirs = bool(queued.holder) and not (card and same_person(queued.holder, card.person))
        if theirs and self._take_over != run_id:
            self._take_over = run_id
            self.notify(f"{queued.holder} has it in hand. Press k again to take it over.", markup=False)
            return
        backend, is_own = self._backend_thread.backend, bool(queued.holder) and not theirs
        sign = partial(backend.release, run_id) if is_own else partial(backend.claim, run_id, take_over=theirs)
        said = f"that you {'give run' if is_own else 'take run'} {run_id[:13]} {'back' if is_own else 'in hand'}."
        if card and card.key_protected:
            self.app.push_screen(PassphraseScreen(self._backend_thread, said, sign), self._signed)
            return
        try:
            self._signed(await self._backend_thread.call(sign, ""))
        except PassphraseError as error:  # the key got one since the workspace was opened
            problem = as_affidavit_error(error)
            self.app.push_screen(PassphraseScreen(self._backend_thread, said, sign, problem), self._signed)
        except Exception as error:  # noqa: BLE001  the screen's boundary: whatever it was becomes one notice
            self.notify(as_affidavit_error(error).message, severity="error", markup=False)

    def _signed(self, note: str | None) -> None:
        if note:
            self._take_over = ""
            self.notify(note, markup=False)
            self._load()

    def action_next_filter(self) -> None:
        """The next tab."""
        self.query_one(Tabs).action_next_tab()

    def action_search(self) -> None:
        """Type what to search for; Enter goes back to the list."""
        self.query_one("#search", Input).focus()

    def action_copy_sql(self) -> None:
        """Copy the run's statement, exactly as it ran."""
        if self._trace is None or not self._trace.summary.sql:
            self.notify("There is no SQL to copy.", severity="warning")
            return
        self.app.copy_to_clipboard(self._trace.summary.sql)
        self.notify("SQL copied.")

    def action_refresh(self) -> None:
        """Read the ledger again."""
        self._load()
