"""The dialog that signs: what is vouched for, why, in whose name."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Select, Static, TextArea

from audit.errors import PassphraseError, RevokedReliance
from audit.rules import MEANINGS, Decision, ReasonCode, code_refusal
from audit.runs import RunSummary
from tui.amending import FindingsError
from tui.backend import BackendThread
from tui.reviewing import ReviewRequest
from tui.screens.signing import SigningScreen
from tui.sql_layout import laid_out
from tui.text import clipped
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


class SignScreen(SigningScreen):
    """Signs a decision about a run, with its reason."""

    def __init__(self, thread: BackendThread, run: RunSummary, decision: Decision) -> None:
        super().__init__(thread)
        self._run = run
        self._decision = decision
        self._despite_findings = False
        self._despite_revoked = False

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
        self.head(f"{self._decision.value.capitalize()} run {self._run.run_id[:13]}")
        card = getattr(self.app, "card", None)
        self.passphrase.display = bool(card and card.key_protected)
        self.query_one(TextArea if self._decision is Decision.AMEND else "#reason").focus()

    @on(TextArea.Changed)
    def _statement_changed(self) -> None:
        """Another statement has to be checked anew before anybody can sign it despite what is found."""
        self._despite_findings = False
        self.query_one("#sign", Button).label = f"Sign: {self._decision.value}"

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
            despite_revoked=self._despite_revoked,
        )
        words, backend = self.passphrase.value, self._backend_thread.backend
        self.send(lambda: backend.sign(request, words))

    def refused(self, error: Exception) -> None:
        """Have typed what was wanting: the passphrase, for the key may have got one since, or a second assent."""
        if isinstance(error, PassphraseError):
            self.passphrase.value = ""
            self.passphrase.display = True
            self.passphrase.focus()
        if isinstance(error, FindingsError):
            self._despite_findings = True
            self.query_one("#sign", Button).label = "Sign despite the findings"
        if isinstance(error, RevokedReliance):
            self._despite_revoked = True
            self.query_one("#sign", Button).label = "Sign despite the revoked review"
            self.query_one("#reason").focus()
