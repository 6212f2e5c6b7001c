"""The dialog that signs: what is vouched for, why, in whose name."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Select, Static, TextArea

from audit.errors import PassphraseError
from audit.rules import MEANINGS, Decision, ReasonCode, code_refusal
from audit.runs import RunSummary
from tui.amending import FindingsError
from tui.backend import BackendThread
from tui.failure import as_affidavit_error
from tui.reviewing import ReviewRequest
from tui.sql_layout import laid_out
from tui.text import clipped, printable
from tui.widgets.keys import KeyBar
from tui.widgets.problem import ProblemPanel

__all__ = ["SignScreen", "fitting_codes"]

_REASON_FOR_CHECK = "a reason"


def fitting_codes(decision: Decision) -> tuple[ReasonCode, ...]:
    """The reason codes that go with a decision, the usual one first."""
    return tuple(code for code in ReasonCode if not code_refusal(decision, code, _REASON_FOR_CHECK))


def _editor_theme(dark: bool) -> str:
    """Textual's own colours for SQL are made for dark backgrounds."""
    return "css" if dark else "github_light"


class SignScreen(ModalScreen[str]):
    """Gives a sentence saying what was done once the decision is on the ledger; None when it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "sign", "Sign", priority=True),
        Binding("escape", "dismiss(None)", "Leave unsigned"),
    ]

    def __init__(self, thread: BackendThread, run: RunSummary, decision: Decision) -> None:
        super().__init__()
        self._backend_thread = thread
        self._run = run
        self._decision = decision
        self._signing = False
        self._despite_findings = False

    def compose(self) -> ComposeResult:
        """The sentence that is signed, the reason, and for an amendment the corrected statement."""
        codes = fitting_codes(self._decision)
        with VerticalScroll(id="sign-box", can_focus=False):
            yield Static(Content(clipped(self._run.question, 200)), id="question")
            yield Static(Content.assemble(("You sign  ", "$secondary"), MEANINGS[self._decision]), id="meaning")
            if self._decision is Decision.AMEND:
                yield TextArea(
                    laid_out(self._run.sql),
                    language="sql",
                    theme=_editor_theme(self.app.current_theme.dark),
                    tab_behavior="focus",
                )
            yield Select(
                [(code.value.replace("_", " "), code) for code in codes], value=codes[0], allow_blank=False, id="code"
            )
            yield Input(placeholder="The reason, in words", max_length=4000, id="reason")
            yield Input(placeholder="The passphrase of your key", password=True, id="passphrase")
            yield ProblemPanel()
            with Horizontal(id="buttons"):
                yield Button(f"Sign: {self._decision.value}", variant="primary", id="sign")
                yield Button("Leave unsigned", id="leave")
        yield KeyBar()

    def on_mount(self) -> None:
        """Say in whose name this is signed."""
        card = getattr(self.app, "card", None)
        box = self.query_one("#sign-box")
        box.border_title = f"{self._decision.value.capitalize()} run {self._run.run_id[:13]}"
        box.border_subtitle = Content(f"as {printable(card.person)}") if card else ""
        self.query_one("#passphrase").display = bool(card and card.key_protected)
        self.query_one(ProblemPanel).clear()
        self.query_one(TextArea if self._decision is Decision.AMEND else "#reason").focus()

    @on(TextArea.Changed)
    def _statement_changed(self) -> None:
        """Another statement has to be checked anew before anybody can sign it despite what is found."""
        self._despite_findings = False
        self.query_one("#sign", Button).label = f"Sign: {self._decision.value}"

    @on(Button.Pressed, "#leave")
    def _leave(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#sign")
    @on(Input.Submitted)
    def _asked_to_sign(self) -> None:
        self.action_sign()

    def action_sign(self) -> None:
        """Sign and put it on the ledger; a refusal is shown here and nothing typed is lost."""
        if self._signing:
            return
        code = self.query_one("#code", Select).value
        sql = self.query_one(TextArea).text if self._decision is Decision.AMEND else None
        request = ReviewRequest(
            run_id=self._run.run_id,
            decision=self._decision,
            reason_code=ReasonCode(str(code)),
            reason=self.query_one("#reason", Input).value,
            sql=sql,
            despite_findings=self._despite_findings,
        )
        self._send(request)

    @work(group="sign")
    async def _send(self, request: ReviewRequest) -> None:
        self._signing = True
        try:
            words = self.query_one("#passphrase", Input).value
            done = await self._backend_thread.call(self._backend_thread.backend.sign, request, words)
        except Exception as error:  # noqa: BLE001  the screen's boundary: whatever it was becomes one screen
            problem = as_affidavit_error(error)
            self.query_one(ProblemPanel).show(problem.error_class.value, problem.message, problem.hint)
            if isinstance(error, PassphraseError):
                self._ask_passphrase()
            if isinstance(error, FindingsError):
                self._despite_findings = True
                self.query_one("#sign", Button).label = "Sign despite the findings"
        else:
            self.dismiss(done)
        finally:
            self._signing = False

    def _ask_passphrase(self) -> None:
        """Have the passphrase typed, or typed again: the key may have got one since the workspace was opened."""
        field = self.query_one("#passphrase", Input)
        field.value = ""
        field.display = True
        field.focus()
