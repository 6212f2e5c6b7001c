"""The one line at the top: where you are, what is being asked, and in whose name."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from tui.backend import WorkspaceCard
from tui.text import clipped, printable

__all__ = ["TitleBar"]


class TitleBar(Static):
    """Product and place on the left; workspace, model and person on the right."""

    card: reactive[WorkspaceCard | None] = reactive(None)

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place

    def on_mount(self) -> None:
        """Follow the app's workspace."""
        self.watch(self.app, "card", self._card_changed)

    def _card_changed(self, card: WorkspaceCard | None) -> None:
        self.card = card

    def render(self) -> Content:
        """The line, with as much of the right side as fits."""
        left = Content.assemble((" Affidavit ", "bold $accent"), ("│ ", "$foreground 30%"), (self._place, "bold"))
        if self.card is None:
            return left
        parts = [self.card.name, self.card.dialect, self.card.model, f"as {self.card.person}"]
        room = max(0, self.size.width - left.cell_length - 3)
        while len(parts) > 1 and len(" · ".join(parts)) > room:
            del parts[-2]
        right = clipped(" · ".join(printable(part) for part in parts if part), room)
        gap = self.size.width - left.cell_length - len(right) - 1
        return Content.assemble(left, " " * max(1, gap), (right, "$secondary"))
