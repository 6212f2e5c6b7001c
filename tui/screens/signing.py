"""What the dialogs that sign have in common: the keys, whose name is signed, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from agent.errors import AffidavitError
from audit.errors import PassphraseError
from tui.backend import BackendThread
from tui.failure import as_affidavit_error
from tui.text import printable
from tui.widgets.problem import ProblemPanel

__all__ = ["SigningScreen"]


class SigningScreen(ModalScreen[str]):
    """Gives the sentence that says what was done, once it is on the ledger; None when it was left.

    A dialog has a box `#sign-box`, a `ProblemPanel`, an input `#passphrase` and the buttons `#sign` and `#leave`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "sign", "Sign", priority=True),
        Binding("escape", "dismiss(None)", "Leave unsigned"),
    ]

    def __init__(self, thread: BackendThread) -> None:
        super().__init__()
        self._backend_thread = thread
        self._signing = False

    @property
    def passphrase(self) -> Input:
        """Where it is typed."""
        return self.query_one("#passphrase", Input)

    def action_sign(self) -> None:
        """Sign; a refusal is shown here and nothing typed is lost."""
        raise NotImplementedError

    def refused(self, error: Exception) -> None:
        """A refusal was shown; what is to be typed again is the dialog's to say."""

    def head(self, title: str) -> None:
        """Say what is signed, and in whose name."""
        card = getattr(self.app, "card", None)
        box = self.query_one("#sign-box")
        box.border_title = title
        box.border_subtitle = Content(f"as {printable(card.person)}") if card else ""
        self.query_one(ProblemPanel).clear()

    def show(self, problem: AffidavitError) -> None:
        """Show what stands in the way."""
        self.query_one(ProblemPanel).show(problem.error_class.value, problem.message, problem.hint)

    @work(group="sign")
    async def send(self, sign: Callable[[], str]) -> None:
        """Have `sign` called where the workspace is open, one at a time, and leave with what it says was done."""
        self._signing = True
        try:
            done = await self._backend_thread.call(sign)
        except Exception as error:  # noqa: BLE001  the screen's boundary: whatever it was becomes one screen
            problem = as_affidavit_error(error)
            if isinstance(error, PassphraseError):
                problem.hint = "Type it above."
            self.show(problem)
            self.refused(error)
        else:
            self.dismiss(done)
        finally:
            self._signing = False

    @on(Button.Pressed, "#leave")
    def _leave(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#sign")
    @on(Input.Submitted)
    def _asked_to_sign(self) -> None:
        self.action_sign()
