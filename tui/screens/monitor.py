"""How the product does, counted from the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from audit.monitor import MonitorFigures
from tui.backend import BackendThread
from tui.failure import as_affidavit_error
from tui.text import percent, printable, seconds
from tui.widgets.keys import KeyBar
from tui.widgets.problem import ProblemPanel
from tui.widgets.title import TitleBar

__all__ = ["MonitorScreen"]

_TABLES: Final = (
    ("status", "How runs ended"),
    ("errors", "Why not answered"),
    ("decisions", "Decisions signed"),
    ("stages", "Time by stage, median"),
)


class MonitorScreen(Screen[None]):
    """Six figures, then the counts behind them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "refresh", "Reload", tooltip="Count the ledger again"),
    ]

    def __init__(self, thread: BackendThread) -> None:
        super().__init__()
        self._backend_thread = thread

    def compose(self) -> ComposeResult:
        """Tiles, then tables."""
        yield TitleBar("Figures")
        with VerticalScroll(id="figures"):
            yield ProblemPanel()
            with Grid(id="tiles"):
                for name in ("runs", "answered", "recalled", "repaired", "latency", "agreement"):
                    yield Static(id=name, classes="tile")
            with Grid(id="counts"):
                for name, title in _TABLES:
                    table = Static(id=name, classes="counts")
                    table.border_title = title
                    yield table
        yield KeyBar()

    def on_mount(self) -> None:
        """No problem yet."""
        self.query_one(ProblemPanel).clear()

    def on_screen_resume(self) -> None:
        """Runs may have been added since."""
        self._load()

    def action_refresh(self) -> None:
        """Count again."""
        self._load()

    @work(exclusive=True, group="figures")
    async def _load(self) -> None:
        panel = self.query_one(ProblemPanel)
        try:
            figures = await self._backend_thread.call(self._backend_thread.backend.figures)
        except Exception as error:  # noqa: BLE001  the screen's boundary: whatever it was becomes one screen
            problem = as_affidavit_error(error)
            panel.show(problem.error_class.value, problem.message, problem.hint)
            return
        panel.clear()
        self._show(figures)

    def _show(self, figures: MonitorFigures) -> None:
        tiles = {
            "runs": (str(figures.runs), "runs"),
            "answered": (percent(figures.success_rate), "answered, of those that ended"),
            "recalled": (str(figures.recalled), "from verified queries"),
            "repaired": (f"{figures.repaired_and_answered} of {figures.repaired}", "repaired and answered"),
            "latency": (seconds(figures.latency.p50), f"median; p95 {seconds(figures.latency.p95)}"),
            "agreement": (percent(figures.review_agreement), "accepted as they were"),
        }
        for name, (figure, said) in tiles.items():
            content = Content.assemble((figure, "bold $primary"), "\n", (said, "$secondary"))
            self.query_one(f"#{name}", Static).update(content)
        self.query_one("#status", Static).update(_counts(figures.by_status))
        self.query_one("#decisions", Static).update(_counts(figures.decisions))
        self.query_one("#errors", Static).update(_counts(figures.by_error_class))
        stages = {
            stage: f"{seconds(spent.p50)}  p95 {seconds(spent.p95)}"
            for stage, spent in figures.latency_by_stage.items()
        }
        self.query_one("#stages", Static).update(_counts(stages))


def _counts(counted: Mapping[str, object]) -> Content:
    if not counted:
        return Content.styled("nothing yet", "$secondary")
    width = max(len(name) for name in counted)
    return Content("\n").join(
        Content.assemble((f"{printable(name.replace('_', ' ')):<{width}}  ", "$secondary"), str(value))
        for name, value in counted.items()
    )
