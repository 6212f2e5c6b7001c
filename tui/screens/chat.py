"""The chat: a question below, this session's questions on the left, the answer and how it came about on the right."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Button, Input, ListView

from agent.run import Answer
from tui.backend import BackendThread, WorkspaceCard
from tui.failure import as_affidavit_error
from tui.text import cell, is_number
from tui.widgets.answer import AnswerView
from tui.widgets.conversation import Conversation, Turn
from tui.widgets.keys import KeyBar
from tui.widgets.question import QuestionInput
from tui.widgets.title import TitleBar
from tui.widgets.welcome import Welcome

__all__ = ["ChatScreen", "write_csv"]


class ChatScreen(Screen[None]):
    """Ask, and watch the steps of the run as they happen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "ask_again", "Ask again", tooltip="Ask the shown question once more, as a new run"),
        Binding("ctrl+y", "copy_sql", "Copy SQL", tooltip="Copy the shown statement exactly as it ran"),
        Binding("ctrl+s", "save_rows", "Save CSV", tooltip="Write the shown rows to a CSV file in exports/"),
        Binding("ctrl+o", "review", "Sign", tooltip="Open the shown run in the review screen"),
        Binding("ctrl+l", "toggle_list", "List", tooltip="Show or hide this session's questions"),
        Binding("shift+down", "scroll_answer(1)", "Scroll", key_display="⇧↓", tooltip="Scroll the answer down"),
        Binding("shift+up", "scroll_answer(-1)", "Scroll up", key_display="⇧↑", tooltip="Scroll the answer up"),
    ]

    @dataclass
    class Opening(Message):
        """Something slow is under way while the workspace opens."""

        what: str
        done: int
        total: int

    @dataclass
    class StepEnded(Message):
        """A step of a turn's run has ended."""

        turn: Turn
        step: str
        elapsed_ms: float
        note: str

    @dataclass
    class RunEnded(Message):
        """A turn's run has ended; sent the same way as its steps, so it comes after the last of them."""

        turn: Turn

    def __init__(self, thread: BackendThread, exports: Path) -> None:
        super().__init__()
        self._backend_thread = thread
        self._exports = exports
        self._under_way: Turn | None = None

    def compose(self) -> ComposeResult:
        """Title, two panes, the question, the keys."""
        yield TitleBar("Chat")
        with Horizontal(id="panes"):
            yield Conversation()
            with Vertical(id="right"):
                yield Welcome()
                yield AnswerView()
        yield QuestionInput()
        yield KeyBar()

    def on_mount(self) -> None:
        """The cursor starts in the question; the answer's pane waits for one."""
        self.query_one(AnswerView).display = False
        self.query_one(QuestionInput).focus()
        self.watch(self.app, "card", self._card_changed)

    def _card_changed(self, card: WorkspaceCard | None) -> None:
        if card is not None:
            self.query_one(Welcome).ready(card)
            self.query_one(QuestionInput).suggest(card.suggestions)

    @on(Opening)
    def _opening(self, event: Opening) -> None:
        self.query_one(Welcome).working(event.what, event.done, event.total)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._under_way is not None:
            self.notify("One question at a time: this one is kept until the run has ended.", severity="warning")
            return
        question = self.query_one(QuestionInput).take()
        if question:
            self._ask(question)
        else:
            self.notify("Type a question first.", severity="warning")

    @work(group="ask")
    async def _ask(self, question: str, *, cost_accepted: bool = False) -> None:
        conversation, view = self.query_one(Conversation), self.query_one(AnswerView)
        self.query_one(Welcome).display = False
        view.display = True
        self.add_class("-asked")
        self._under_way = turn = await conversation.add(question)
        view.begin(question)
        try:
            answer = await self._backend_thread.call(
                self._backend_thread.backend.ask,
                question,
                partial(self._step_seen, turn),
                cost_accepted=cost_accepted,
            )
        except Exception as error:  # noqa: BLE001  the screen's boundary: whatever it was becomes one screen
            problem = as_affidavit_error(error)
            turn.fail(problem.error_class.value, problem.message, problem.hint)
        else:
            turn.finish(answer)
        self.post_message(self.RunEnded(turn))

    @on(RunEnded)
    def _run_ended(self, event: RunEnded) -> None:
        self._under_way = None
        if self.query_one(Conversation).current is event.turn:
            self._show(event.turn)
        self._mark_relied()

    def on_screen_resume(self) -> None:
        """Reviews may have been revoked since."""
        self._mark_relied()

    @work(exclusive=True, group="relied")
    async def _mark_relied(self) -> None:
        """Mark the answers that relied on a review that was revoked."""
        conversation = self.query_one(Conversation)
        if not conversation.answered:
            return
        try:
            relied = await self._backend_thread.call(self._backend_thread.backend.relied_on_revoked)
        except Exception as error:  # noqa: BLE001  the screen's boundary: whatever it was becomes one notice
            self.notify(as_affidavit_error(error).message, severity="error", markup=False)
            return
        for turn in conversation.answered:
            found = relied.get(turn.answer.run_id, ()) if turn.answer else ()
            if found == turn.relied:
                continue  # what is laid out anew may scroll
            turn.mark(found)
            if turn is conversation.current and turn is not self._under_way:
                self.query_one(AnswerView).mark(found)

    def _step_seen(self, turn: Turn, step: str, elapsed_ms: float, note: str) -> None:
        """Called on the backend's thread; a message is the way across."""
        self.post_message(self.StepEnded(turn, step, elapsed_ms, note))

    @on(StepEnded)
    def _step_ended(self, event: StepEnded) -> None:
        event.turn.steps.append((event.step, event.elapsed_ms, event.note))
        if self.query_one(Conversation).current is event.turn and event.turn is self._under_way:
            self.query_one(AnswerView).step(*event.turn.steps[-1])

    @on(ListView.Highlighted)
    def _turn_chosen(self, event: ListView.Highlighted) -> None:
        if isinstance(event.item, Turn):
            self._show(event.item)

    def _show(self, turn: Turn) -> None:
        view = self.query_one(AnswerView)
        view.begin(turn.question, turn.steps)
        if turn is self._under_way:
            return
        if turn.answer is not None:
            view.show(turn.answer, turn.relied)
        elif turn.problem is not None:
            view.fail(*turn.problem)

    @property
    def _answer(self) -> Answer | None:
        turn = self.query_one(Conversation).current
        return turn.answer if turn else None

    def action_ask_again(self) -> None:
        """Ask the shown question once more."""
        turn = self.query_one(Conversation).current
        if turn is None or self._under_way is not None:
            self.notify("There is no finished question to ask again.", severity="warning")
            return
        self._ask(turn.question)

    @on(Button.Pressed, "#accept-cost")
    def _cost_accepted(self) -> None:
        """Ask the shown question once more, and let its statement go over the budget."""
        turn = self.query_one(Conversation).current
        if turn is not None and self._under_way is None:
            self._ask(turn.question, cost_accepted=True)
            self.query_one(QuestionInput).focus()

    def action_copy_sql(self) -> None:
        """Copy the shown statement, exactly as it ran."""
        answer = self._answer
        if answer is None or not answer.sql:
            self.notify("There is no SQL to copy.", severity="warning")
            return
        self.app.copy_to_clipboard(answer.sql)
        self.notify("SQL copied.")

    def action_save_rows(self) -> None:
        """Write the shown rows to `exports/RUN.csv`."""
        answer = self._answer
        if answer is None or not answer.columns:
            self.notify("There are no rows to save.", severity="warning")
            return
        try:
            path = write_csv(answer, self._exports)
        except OSError as error:
            self.notify(f"Could not write the file: {error.strerror}.", severity="error", markup=False)
            return
        cut = " The result was cut at the cap, so the file is not complete." if answer.truncated else ""
        self.notify(f"{len(answer.rows)} rows written to {path}.{cut}", markup=False)

    def action_review(self) -> None:
        """Open the shown run in the review screen."""
        answer = self._answer
        if answer is None or not answer.run_id:
            self.notify("There is no recorded run to sign.", severity="warning")
            return
        self.post_message(self.ReviewAsked(answer.run_id))

    @dataclass
    class ReviewAsked(Message):
        """The person wants to sign a run."""

        run_id: str

    def action_scroll_answer(self, pages: int) -> None:
        """Scroll the answer while the cursor stays in the question."""
        view = self.query_one(AnswerView)
        if pages > 0:
            view.scroll_page_down()
        else:
            view.scroll_page_up()

    def action_toggle_list(self) -> None:
        """Show or hide the left pane."""
        self.toggle_class("-list-shown" if self.has_class("-narrow") else "-list-hidden")


def write_csv(answer: Answer, folder: Path) -> Path:
    """Write an answer's rows to `folder/RUN_ID.csv` and give the path.

    Text that a spreadsheet would run as a formula gets a leading apostrophe (OWASP, CSV injection); numbers do not.

    Raises:
        OSError: the folder or file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{answer.run_id}.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([_defused(name) for name in answer.columns])
        writer.writerows([_defused(value) for value in row] for row in answer.rows)
    return path


def _defused(value: object) -> str:
    if value is None:
        return ""
    if is_number(value):
        return str(value)
    text = value if isinstance(value, str) else cell(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
