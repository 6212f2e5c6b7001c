"""The dialog that has a passphrase typed for what is signed without further words, such as a claim."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from agent.errors import AffidavitError
from tui.backend import BackendThread
from tui.screens.signing import SigningScreen
from tui.text import printable
from tui.widgets.keys import KeyBar
from tui.widgets.problem import ProblemPanel

__all__ = ["PassphraseScreen"]

_TITLE = "The passphrase of your key"


class PassphraseScreen(SigningScreen):
    """Asks for the passphrase and nothing else."""

    def __init__(
        self, thread: BackendThread, signed: str, sign: Callable[[str], str], problem: AffidavitError | None = None
    ) -> None:
        """Ask for it.

        Args:
            thread: where `sign` is called.
            signed: what is signed, in words.
            sign: does it with a passphrase, and says in a sentence what was done.
            problem: what kept it from being done without one.
        """
        super().__init__(thread)
        self._signed = signed
        self._sign = sign
        self._problem = problem

    def compose(self) -> ComposeResult:
        """What is signed, and the passphrase."""
        with VerticalScroll(id="sign-box", can_focus=False):
            yield Static(Content.assemble(("You sign  ", "$secondary"), printable(self._signed)), id="meaning")
            yield Input(placeholder=_TITLE, password=True, id="passphrase")
            yield ProblemPanel()
            with Horizontal(id="buttons"):
                yield Button("Sign", variant="primary", id="sign")
                yield Button("Leave unsigned", id="leave")
        yield KeyBar()

    def on_mount(self) -> None:
        """Say in whose name this is signed."""
        self.head(_TITLE)
        if self._problem is not None:
            self.show(self._problem)
        self.passphrase.focus()

    def action_sign(self) -> None:
        """Sign; a refusal is shown here, and the passphrase can be typed again."""
        if not self._signing:
            words = self.passphrase.value
            self.send(lambda: self._sign(words))

    def refused(self, error: Exception) -> None:
        """Have it typed again."""
        self.passphrase.value = ""
        self.passphrase.focus()
