"""The seam between the screens and the product: everything the TUI asks for, as one protocol.

Screens know this and no room below it, so they can be drawn from a recorded answer, and the product can be driven
without a screen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, Protocol, TypeVar

from agent.run import Answer
from audit.monitor import MonitorFigures
from audit.queue import QueuedRun
from audit.runs import RunSummary, RunTrace
from tui.reviewing import ReviewRequest

__all__ = ["Backend", "BackendThread", "Notice", "StepSeen", "WorkspaceCard"]

StepSeen = Callable[[str, float, str], None]
"""Called when a step has ended: (step, elapsed milliseconds, what it gave in a word or two)."""

Notice = Callable[[str, int, int], None]
"""Called while something slow is under way: (what, done, total); a total of 0 means that the end is not known."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class WorkspaceCard:
    """What the title line and the welcome say of the workspace that was opened."""

    name: str
    dialect: str
    model: str
    person: str
    key_protected: bool = False
    """Whether the person's key is under a passphrase, which must be typed to sign."""
    suggestions: tuple[str, ...] = ()
    """Questions this workspace can answer, for somebody who sees it for the first time."""
    reviews_own: bool = True
    """Whether the policy lets people review what they asked."""


class Backend(Protocol):
    """Blocking calls, all made from one thread of their own."""

    def open(self, notice: Notice) -> WorkspaceCard:
        """Open the workspace and start the model; slow the first time.

        Raises:
            Exception: anything of the rooms below; `tui.failure` says what it means.
        """

    def ask(self, question: str, on_step: StepSeen, *, cost_accepted: bool = False) -> Answer:
        """Answer one question, on the record; `cost_accepted` lets its statement go over the budget."""

    def runs(self, *, limit: int, review_status: str | None) -> tuple[RunSummary, ...]:
        """The newest runs, of one review status if given."""

    def queue(self, *, limit: int) -> tuple[QueuedRun, ...]:
        """The runs that wait for a review, the riskiest first."""

    def trace(self, run_id: str) -> RunTrace:
        """Everything on the record of one run."""

    def relied_on_revoked(self) -> Mapping[str, tuple[str, ...]]:
        """Run → the runs that it relied on and whose review was revoked; of all runs on the ledger."""

    def sign(self, request: ReviewRequest, passphrase: str) -> str:
        """Sign a decision as the person at the keyboard; says in one sentence what was done.

        `passphrase` is that of their key; empty if it has none.
        """

    def claim(self, run_id: str, passphrase: str, *, take_over: bool) -> str:
        """Take a run in hand, as the person at the keyboard; says in one sentence what was done."""

    def release(self, run_id: str, passphrase: str) -> str:
        """Give a claimed run back."""

    def figures(self) -> MonitorFigures:
        """What the ledger says of all runs."""

    def close(self) -> None:
        """Let go of everything that `open` took. Safe to call twice."""


class BackendThread:
    """Runs a backend's calls one after another on one thread, so that the screen stays alive meanwhile."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._under_way = 0
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="affidavit-run")

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Await `function(*args, **kwargs)`, run on the backend's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: self._run(function, *args, **kwargs))

    @property
    def is_busy(self) -> bool:
        """Whether a call is under way, which closing waits for."""
        return self._under_way > 0

    def _run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        self._under_way += 1
        try:
            return function(*args, **kwargs)
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """Wait for the run under way (it must reach the record), then close the backend."""
        self._executor.submit(self.backend.close)
        self._executor.shutdown(wait=True)
