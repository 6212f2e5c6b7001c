"""One answer with everything needed to judge it: status, SQL, rows, findings, assumptions, origin and run id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from agent.errors import ErrorClass
from agent.run import Answer, RunStatus
from tui.revoking import relied_note
from tui.text import percent, printable, printable_lines, seconds
from tui.widgets.problem import ProblemPanel
from tui.widgets.rows import RowsTable
from tui.widgets.sql import SqlView
from tui.widgets.steps import StepTrack

__all__ = ["STATUS_COLOURS", "STATUS_MARKS", "AnswerView"]

STATUS_COLOURS: Final = {
    "answered": "$success",
    "needs_clarification": "$warning",
    "abstained": "$warning",
    "refused": "$error",
    "failed": "$error",
    "unreviewed": "$secondary",
    "accepted": "$success",
    "amended": "$success",
    "rejected": "$error",
    "revoked": "$error",
    "info": "$primary",
    "warning": "$warning",
    "error": "$error",
}
STATUS_MARKS: Final = {
    "answered": "●",
    "needs_clarification": "?",
    "abstained": "○",
    "refused": "⊘",
    "failed": "✗",
}
_FINDING_MARKS: Final = {"info": "·", "warning": "!", "error": "✗"}


class AnswerView(VerticalScroll):
    """The right pane of the chat. It is empty, working, or shows an answer."""

    def compose(self) -> ComposeResult:
        """The parts from top to bottom; the empty ones are hidden."""
        yield Static(id="question")
        yield Static(id="status")
        yield Static(id="relied")
        yield StepTrack()
        yield ProblemPanel()
        yield Button("Ask again, and accept the cost", id="accept-cost")
        yield SqlView()
        yield RowsTable()
        yield Static(id="findings")
        yield Static(id="origin")

    def on_mount(self) -> None:
        """Start with nothing but the question's place."""
        self._hide_result()

    def begin(self, question: str, steps: Iterable[tuple[str, float, str]] = ()) -> None:
        """A run is under way: show the question and the ticking steps, those that have ended first."""
        self.query_one("#question", Static).update(Content(printable_lines(question)))
        self._hide_result()
        track = self.query_one(StepTrack)
        track.begin()
        for step in steps:
            track.add(*step)
        self.scroll_home(animate=False)

    def step(self, step: str, elapsed_ms: float, note: str = "") -> None:
        """One step of the run has ended."""
        self.query_one(StepTrack).add(step, elapsed_ms, note)

    def show(self, answer: Answer, relied: Sequence[str] = ()) -> None:
        """Show a finished run; `relied` are the runs that it relied on and whose review was revoked."""
        self.query_one("#question", Static).update(Content(printable_lines(answer.question)))
        self.query_one(StepTrack).end(answer.timings_ms)
        self._update("#status", _status_line(answer))
        if relied:
            self.mark(relied)
        self._show_error(answer)
        self.query_one(SqlView).show(answer.sql, verified=answer.status is RunStatus.ANSWERED)
        self.query_one(RowsTable).show(answer.columns, answer.rows, truncated=answer.truncated, total=answer.row_count)
        self._update("#findings", _findings(answer))
        self._update("#origin", _origin(answer))
        self.scroll_home(animate=False)

    def mark(self, relied: Sequence[str]) -> None:
        """Say that the shown answer relied on the reviews of these runs, which were revoked."""
        said = printable(f"! This run {relied_note(relied)}") if relied else ""
        self._update("#relied", Content.styled(said, "bold $error"))

    def fail(self, title: str, message: str, hint: str) -> None:
        """The run gave no answer at all, such as when the ledger could not be written."""
        self.query_one(StepTrack).end()
        self._hide_result()
        self.query_one(ProblemPanel).show(title, message, hint)

    def _show_error(self, answer: Answer) -> None:
        panel = self.query_one(ProblemPanel)
        self.query_one("#accept-cost").display = False
        if answer.error is None:
            panel.clear()
            return
        mild = answer.status in {RunStatus.NEEDS_CLARIFICATION, RunStatus.ABSTAINED}
        severity = "warning" if mild else "error"
        panel.show(answer.error.error_class, answer.error.message, answer.error.hint, severity=severity)
        self.query_one("#accept-cost").display = answer.error.error_class == ErrorClass.COST_NOT_ACCEPTED

    def _hide_result(self) -> None:
        self.query_one(ProblemPanel).clear()
        self.query_one(SqlView).show("")
        self.query_one(RowsTable).display = False
        for selector in ("#status", "#relied", "#accept-cost", "#findings", "#origin"):
            self.query_one(selector).display = False

    def _update(self, selector: str, content: Content) -> None:
        part = self.query_one(selector, Static)
        part.update(content)
        part.display = bool(content.plain)


def _status_line(answer: Answer) -> Content:
    colour = STATUS_COLOURS[answer.status.value]
    parts: list[str | tuple[str, str]] = [
        (f"{STATUS_MARKS[answer.status.value]} {answer.status.value.replace('_', ' ')}", f"bold {colour}")
    ]
    if answer.status in {RunStatus.ANSWERED, RunStatus.ABSTAINED}:
        parts += ["   confidence ", (percent(answer.confidence), "bold")]
    total = answer.timings_ms.get("total") or sum(answer.timings_ms.values())
    if total:
        parts.append((f"   {seconds(total)}", "$secondary"))
    return Content.assemble(*parts)


def _findings(answer: Answer) -> Content:
    lines: list[Content] = []
    if answer.status is RunStatus.ANSWERED and not answer.findings:
        lines.append(Content.assemble(("✓ ", "$success"), "the checks found nothing"))
    for finding in answer.findings:
        colour = STATUS_COLOURS[finding.severity]
        lines.append(
            Content.assemble(
                (f"{_FINDING_MARKS[finding.severity]} {printable(finding.check)}  ", colour),
                printable_lines(finding.message),
            )
        )
    lines += [Content.assemble(("assumes  ", "$secondary"), printable(assumption)) for assumption in answer.assumptions]
    return Content("\n").join(lines)


def _origin(answer: Answer) -> Content:
    parts = [printable(part) for part in (answer.origin.replace("_", " "), answer.model) if part]
    if answer.run_id:
        parts.append(f"run {answer.run_id}")
    return Content(" · ".join(parts))
