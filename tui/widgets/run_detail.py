"""Everything on the record of one run, in order, for whoever has to sign for it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from audit.queue import QueuedRun
from audit.runs import RunTrace
from tui.revoking import relied_note
from tui.text import moment, percent, printable, printable_lines
from tui.trace import TraceEntry, told_in_order
from tui.widgets.answer import STATUS_COLOURS
from tui.widgets.problem import ProblemPanel
from tui.widgets.sql import SqlView

__all__ = ["RunDetail"]


class RunDetail(VerticalScroll):
    """The right pane of the review screen."""

    def compose(self) -> ComposeResult:
        """Question, standing, statement, then the record."""
        yield Static(id="question")
        yield Static(id="standing")
        yield Static(id="relied")
        yield Static(id="waiting")
        yield ProblemPanel()
        yield SqlView()
        yield Vertical(id="trace")

    def on_mount(self) -> None:
        """Nothing is chosen yet."""
        self.empty("")

    def empty(self, said: str) -> None:
        """Show one quiet line."""
        self._clear()
        self.query_one("#standing", Static).update(Content(said))

    def fail(self, title: str, message: str, hint: str) -> None:
        """The record could not be read."""
        self._clear()
        self.query_one(ProblemPanel).show(title, message, hint)

    def show(self, trace: RunTrace, queued: QueuedRun | None = None, relied: Sequence[str] = ()) -> None:
        """Show a run and its records; of one that waits, why it stands where it does in the queue, and with whom.

        `relied` are the runs that it relied on and whose review was revoked.
        """
        run = trace.summary
        self._clear()
        self.query_one("#question", Static).update(Content(printable_lines(run.question)))
        parts: list[str | tuple[str, str]] = [
            (printable(run.status.replace("_", " ")), f"bold {STATUS_COLOURS.get(run.status, '$warning')}"),
            "  ",
            (printable(run.standing), STATUS_COLOURS.get(run.review_status, "$secondary")),
            f" by {printable(run.reviewer)}" if run.reviewer else "",
            (f"   confidence {percent(run.confidence)} · asked by {printable(run.asker)}", "$secondary"),
            (f"\n{run.run_id}", "$secondary"),
        ]
        self.query_one("#standing", Static).update(Content.assemble(*parts))
        if relied:
            said = f"! This run {relied_note(relied)}"
            self.query_one("#relied", Static).update(Content.styled(printable(said), "bold $error"))
            self.query_one("#relied").display = True
        waiting = _waiting(queued) if queued else Content("")
        self.query_one("#waiting", Static).update(waiting)
        self.query_one("#waiting").display = bool(waiting.plain)
        self.query_one(SqlView).show(
            run.sql, verified=run.review_status in {"accepted", "amended"} or run.status == "answered"
        )
        self.query_one("#trace", Vertical).mount_all(
            Static(_entry(entry), classes="entry") for entry in told_in_order(trace.records)
        )
        self.scroll_home(animate=False)

    def _clear(self) -> None:
        self.query_one("#question", Static).update("")
        for part in ("#relied", "#waiting"):
            self.query_one(part).display = False
        self.query_one(ProblemPanel).clear()
        self.query_one(SqlView).show("")
        self.query_one("#trace", Vertical).remove_children()


def _waiting(queued: QueuedRun) -> Content:
    """Risk and its reasons; then who is to decide by when, and who has it in hand."""
    assignment = queued.assignment
    lines = [
        Content.assemble(
            (f"risk {queued.risk}", f"bold {'$warning' if queued.risk > 3 else '$secondary'}"),
            f"  {printable(queued.why)}" if queued.reasons else "  nothing stands out",
        )
    ]
    if assignment.assignee:
        due = f", due {printable(assignment.due)}" if assignment.due else ""
        late = [(" overdue", "bold $error")] if queued.overdue else []
        asked = f"for {printable(assignment.assignee)}{due}"
        lines.append(
            Content.assemble(
                ("→ ", "$primary"), asked, *late, (f"  by {printable(assignment.assigned_by)}", "$secondary")
            )
        )
        if assignment.note:
            lines.append(Content.assemble(("  “", "$secondary"), printable(assignment.note), ("”", "$secondary")))
    if queued.holder:
        until = moment(assignment.claimed_until)[11:]
        lines.append(
            Content.assemble(("⚑ ", "$warning"), f"{printable(queued.holder)} has it in hand until {until} UTC")
        )
    return Content("\n").join(lines)


def _entry(entry: TraceEntry) -> Content:
    mark, colour = ("✗", "$error") if entry.bad else ("●", "$success")
    lines = [
        Content.assemble(
            (f"{mark} ", colour),
            (entry.title, "bold"),
            (f"  {entry.time[11:23]}  {entry.kind} #{entry.sequence}", "$foreground 50%"),
            (f" by {entry.actor}" if entry.actor else "", "$foreground 50%"),
        )
    ]
    for name, text in entry.facts:
        first, *rest = text.split("\n")
        lines.append(Content.assemble((f"  {name}  ", "$secondary"), first))
        lines += [Content(f"    {line}") for line in rest]
    if entry.sql:
        lines.append(Content.assemble(("  sql  ", "$secondary"), (printable(entry.sql), "$primary")))
    return Content("\n").join(lines)
