"""The Textual app behind `affidavit chat`: it owns the screens, the themes and the thread that does the work."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.screen import Screen

from agent.errors import AffidavitError
from tui.backend import Backend, BackendThread, WorkspaceCard
from tui.failure import as_affidavit_error
from tui.screens.chat import ChatScreen
from tui.screens.monitor import MonitorScreen
from tui.screens.problem import ProblemScreen
from tui.screens.review import ReviewScreen
from tui.theme import DARK, LIGHT

__all__ = ["AffidavitApp"]


class AffidavitApp(App[AffidavitError]):
    """Ask, watch, review, sign. Gives the error that kept the workspace from opening, if one did."""

    CSS_PATH = "app.tcss"
    TITLE = "Affidavit"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (130, "-wide")]  # noqa: RUF012  Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012  Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "go('chat')", "Chat", tooltip="Ask questions"),
        Binding("f2", "go('review')", "Review", tooltip="List runs, read what happened in them, sign decisions"),
        Binding("f3", "go('monitor')", "Figures", tooltip="Success rate, latency and review figures"),
        Binding("ctrl+t", "toggle_theme", "Theme", tooltip="Switch between the dark and the light theme"),
        Binding("ctrl+q", "quit", "Quit", tooltip="Leave; a run under way is finished first", priority=True),
    ]

    card: reactive[WorkspaceCard | None] = reactive(None)
    """The open workspace; None while it is being opened."""

    def __init__(self, backend: Backend, *, exports: Path, theme: str = DARK.name) -> None:
        super().__init__()
        self.thread = BackendThread(backend)
        self.exports = exports
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = theme
        self.add_mode("chat", partial(ChatScreen, self.thread, exports))
        self.add_mode("review", partial(ReviewScreen, self.thread))
        self.add_mode("monitor", partial(MonitorScreen, self.thread))

    def on_mount(self) -> None:
        """Show the chat at once and open the workspace behind it."""
        self.switch_mode("chat")
        self.open_workspace()

    @work(exclusive=True, group="open")
    async def open_workspace(self) -> None:
        """Open the workspace on the backend's thread; a failure is one screen with a way to try again."""
        try:
            self.card = await self.thread.call(self.thread.backend.open, self._notice)
        except Exception as error:  # noqa: BLE001  the screen's boundary: whatever it was becomes one screen
            problem = as_affidavit_error(error)
            screen = ProblemScreen(problem.error_class.value, problem.message, problem.hint)
            self.push_screen(screen, partial(self._after_problem, problem))

    def _notice(self, what: str, done: int, total: int) -> None:
        for screen in self.screen_stack:
            screen.post_message(ChatScreen.Opening(what, done, total))

    def _after_problem(self, problem: AffidavitError, again: bool | None) -> None:
        if again:
            self.open_workspace()
        else:
            self.exit(problem)

    def action_go(self, mode: str) -> None:
        """Show one of the screens."""
        if self.card is None and mode != "chat":
            self.notify("The workspace is still being opened.", severity="warning")
            return
        self.switch_mode(mode)

    def on_chat_screen_review_asked(self, event: ChatScreen.ReviewAsked) -> None:
        """Somebody wants to sign the run shown in the chat."""
        self.switch_mode("review")
        self.call_after_refresh(self._show_in_review, event.run_id)

    def _show_in_review(self, run_id: str) -> None:
        if isinstance(self.screen, ReviewScreen):
            self.screen.show_run(run_id)

    def action_toggle_theme(self) -> None:
        """Dark to light and back."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every binding of the screen, so that nothing is reachable by key alone, then Textual's own."""
        seen: set[str] = set()
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.show and active.enabled and binding.description and binding.action not in seen:
                seen.add(binding.action)
                action = partial(self.run_action, binding.action, active.node)
                yield SystemCommand(binding.description, binding.tooltip or f"Key: {binding.key}", action)
        yield from (command for command in super().get_system_commands(screen) if command.title != "Quit")
