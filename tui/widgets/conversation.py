"""The questions of this session, newest last; choosing one shows its answer again."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Label, ListItem, ListView

from agent.run import Answer
from tui.text import clipped, printable
from tui.widgets.answer import STATUS_COLOURS, STATUS_MARKS

__all__ = ["Conversation", "Turn"]


class Turn(ListItem):
    """One question of the session and, once it has ended, its answer."""

    def __init__(self, question: str) -> None:
        self.question = question
        self.answer: Answer | None = None
        self.problem: tuple[str, str, str] | None = None
        self.relied: tuple[str, ...] = ()
        """The runs that the answer relied on and whose review was revoked."""
        self.steps: list[tuple[str, float, str]] = []
        """(step, elapsed milliseconds, what it gave), as they ended."""
        self._label = Label(self._content())
        super().__init__(self._label)

    def finish(self, answer: Answer) -> None:
        """The run has ended."""
        self.answer = answer
        self._label.update(self._content(answer.status.value))

    def fail(self, title: str, message: str, hint: str) -> None:
        """There is no answer, such as when the ledger could not be written."""
        self.problem = (title, message, hint)
        self._label.update(self._content("failed"))

    def mark(self, relied: tuple[str, ...]) -> None:
        """Say that the answer relied on the reviews of these runs, which were revoked."""
        self.relied = relied
        if self.answer is not None:
            self._label.update(self._content(self.answer.status.value))

    def _content(self, status: str = "") -> Content:
        mark, colour = (STATUS_MARKS[status], STATUS_COLOURS[status]) if status else ("…", "$primary")
        said = status.replace("_", " ") or "working"
        relied = [("\n  ! relied on a revoked review", "$error")] if self.relied else []
        return Content.assemble(
            (f"{mark} ", colour), clipped(self.question, 120), "\n", (f"  {printable(said)}", "$secondary"), *relied
        )


class Conversation(ListView):
    """The left pane of the chat."""

    def on_mount(self) -> None:
        """Name the pane."""
        self.border_title = "This session"

    async def add(self, question: str) -> Turn:
        """Put a new question at the end and choose it."""
        turn = Turn(question)
        await self.append(turn)
        self.index = len(self) - 1
        return turn

    @property
    def answered(self) -> tuple[Turn, ...]:
        """The turns whose run is on the record."""
        return tuple(turn for turn in self.query(Turn) if turn.answer is not None and turn.answer.run_id)

    @property
    def current(self) -> Turn | None:
        """The chosen turn."""
        return self.highlighted_child if isinstance(self.highlighted_child, Turn) else None
