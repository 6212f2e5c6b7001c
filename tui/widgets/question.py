"""The question's line: history with the arrow keys, completion from what the workspace can answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import SuggestFromList
from textual.widgets import Input

__all__ = ["QuestionInput"]


class QuestionInput(Input):
    """One line; Enter asks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "older", "Older question", show=False),
        Binding("down", "newer", "Newer question", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(placeholder="Ask a question about your data, then press Enter")
        self._history: list[str] = []
        self._place = 0
        self._known: list[str] = []

    def suggest(self, questions: Iterable[str]) -> None:
        """Offer these as completions, besides what was asked before."""
        self._known = list(questions)
        self.suggester = SuggestFromList([*self._history, *self._known], case_sensitive=False)

    def take(self) -> str:
        """The question as typed, trimmed; the line is empty afterwards."""
        question = self.value.strip()
        self.clear()
        if question:
            if question in self._history:
                self._history.remove(question)
            self._history.append(question)
            self.suggest(self._known)
        self._place = len(self._history)
        return question

    def action_older(self) -> None:
        """The question asked before the one in the line."""
        self._recall(self._place - 1)

    def action_newer(self) -> None:
        """The question asked after the one in the line, then an empty line."""
        self._recall(self._place + 1)

    def _recall(self, place: int) -> None:
        self._place = max(0, min(place, len(self._history)))
        self.value = self._history[self._place] if self._place < len(self._history) else ""
        self.cursor_position = len(self.value)
