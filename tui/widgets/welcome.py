"""What the chat shows before the first question: what is being opened, then what can be asked."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import ProgressBar, Static

from tui.backend import WorkspaceCard
from tui.text import printable

__all__ = ["Welcome"]


class Welcome(Vertical):
    """A few quiet lines in the middle of the pane."""

    def __init__(self) -> None:
        super().__init__()
        self._ready = False

    def compose(self) -> ComposeResult:
        """The lines and, while something slow is under way, a bar."""
        yield Static("An answer nobody could check is not an answer.", id="motto")
        yield Static("Opening the workspace…", id="welcome")
        yield ProgressBar(show_eta=False)

    def on_mount(self) -> None:
        """No bar until something is slow."""
        self.query_one(ProgressBar).display = False

    def working(self, what: str, done: int, total: int) -> None:
        """Say what is under way and how far it is; a late word after `ready` is not news."""
        if self._ready:
            return
        self.query_one("#welcome", Static).update(Content(printable(what)))
        bar = self.query_one(ProgressBar)
        bar.display = total > 0
        bar.update(total=total or None, progress=done)

    def ready(self, card: WorkspaceCard) -> None:
        """The workspace is open: say what can be asked of it."""
        self._ready = True
        self.query_one(ProgressBar).display = False
        parts: list[str | tuple[str, str]] = []
        if card.suggestions:
            parts.append(("You could ask\n\n", "$secondary"))
            parts += [part for text in card.suggestions for part in (("  › ", "$accent"), printable(text), "\n")]
        parts += [("\nEvery answer shows its SQL, its checks and the run it can be signed under.", "$secondary")]
        self.query_one("#welcome", Static).update(Content.assemble(*parts))
