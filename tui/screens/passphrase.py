"""The dialog that has a passphrase typed for what is signed without further words, such as a claim."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from agent.errors import AffidavitError
from tui.backend import BackendThread
from tui.failure import as_affidavit_error
from tui.text import printable
from tui.widgets.keys import KeyBar
from tui.widgets.problem import ProblemPanel

__all__ = ["PassphraseScreen"]


class PassphraseScreen(ModalScreen[str]):
    """Gives the sentence that says what was done, once it is on the ledger; None when it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "sign", "Sign", priority=True),
        Binding("escape", "dismiss(None)", "Leave unsigned"),
    ]

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
        super().__init__()
        self._backend_thread = thread
        self._signed = signed
        self._sign = sign
        self._problem = problem
        self._signing = False

    def compose(self) -> ComposeResult:
        """What is signed, and the passphrase."""
        with VerticalScroll(id="sign-box", can_focus=False):
            yield Static(Content.assemble(("You sign  ", "$secondary"), printable(self._signed)), id="meaning")
            yield Input(placeholder="The passphrase of your key", password=True, id="passphrase")
            yield ProblemPanel()
            with Horizontal(id="buttons"):
                yield Button("Sign", variant="primary", id="sign")
                yield Button("Leave unsigned", id="leave")
        yield KeyBar()

    def on_mount(self) -> None:
        """Say in whose name this is signed."""
        card = getattr(self.app, "card", None)
        box = self.query_one("#sign-box")
        box.border_title = "The passphrase of your key"
        box.border_subtitle = Content(f"as {printable(card.person)}") if card else ""
        self.query_one(ProblemPanel).clear()
        if self._problem is not None:
            self._show(self._problem)
        self.query_one("#passphrase", Input).focus()

    @on(Button.Pressed, "#leave")
    def _leave(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#sign")
    @on(Input.Submitted)
    def _asked_to_sign(self) -> None:
        self.action_sign()

    def action_sign(self) -> None:
        """Sign; a refusal is shown here, and the passphrase can be typed again."""
        if not self._signing:
            self._send()

    @work(group="sign")
    async def _send(self) -> None:
        field = self.query_one("#passphrase", Input)
        self._signing = True
        try:
            done = await self._backend_thread.call(self._sign, field.value)
        except Exception as error:  # noqa: BLE001  the screen's boundary: whatever it was becomes one screen
            self._show(as_affidavit_error(error))
            field.value = ""
            field.focus()
        else:
            self.dismiss(done)
        finally:
            self._signing = False

    def _show(self, problem: AffidavitError) -> None:
        self.query_one(ProblemPanel).show(problem.error_class.value, problem.message, problem.hint)
