"""The backend of the real chat: one workspace, opened once, asked and signed from one thread."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from agent.model.lineage import known_models
from agent.run import Answer
from agent.settings import Settings
from audit.assignment import claim, release
from audit.monitor import MonitorFigures, monitor
from audit.queue import QueuedRun, review_queue
from audit.reliance import RelianceReader
from audit.runs import RunSummary, RunTrace, get_run, list_runs
from tui.backend import Notice, StepSeen, WorkspaceCard
from tui.reviewing import ReviewRequest, desk_of, review
from tui.text import moment

if TYPE_CHECKING:
    from agent.services import Services
    from audit.identity import Signer
    from memory.linking import Linker

__all__ = ["WorkspaceBackend", "step_note", "suggestions"]

_PARTS = {"model": "Fetching the model", "memory": "Learning the warehouse"}
_SUGGESTED = 5


class WorkspaceBackend:
    """See `tui.backend.Backend`. Every method is called from the same thread."""

    def __init__(self, settings: Settings, signer: Signer | None = None) -> None:
        self._settings = settings
        self._signer = signer
        self._parts = ExitStack()
        self._services: Services | None = None
        self._reliances: RelianceReader | None = None

    def open(self, notice: Notice) -> WorkspaceCard:
        """Open every part and wait until the model answers."""
        from agent.services import open_services

        self.close()
        notice("Opening the workspace…", 0, 0)
        opened = ExitStack()
        with opened:
            services = opened.enter_context(
                open_services(
                    self._settings,
                    progress=lambda part, done, total: notice(f"{_PARTS.get(part, part)}…", done, total),
                    signer=self._signer,
                )
            )
            notice("Starting the model…", 0, 0)
            model = services.model.model_name  # waits for the start, or raises what kept it from starting
            self._parts = opened.pop_all()
        self._services = services
        return WorkspaceCard(
            name=self._settings.workspace.name,
            dialect=services.warehouse.dialect,
            model=model,
            person=self._settings.user,
            key_protected=_key_protected(self._settings),
            suggestions=suggestions(services.retriever.linker),
            reviews_own=services.policy.review.allow_self,
        )

    def ask(self, question: str, on_step: StepSeen, *, cost_accepted: bool = False) -> Answer:
        """Answer one question; every step is told as it ends."""
        from agent.ask import StepEvent, ask

        def seen(event: StepEvent) -> None:
            on_step(event.step, event.elapsed_ms, step_note(event.step, event.state_patch))

        return ask(self._opened, question, asker=self._settings.user, cost_accepted=cost_accepted, on_step=seen)

    def runs(self, *, limit: int, review_status: str | None) -> tuple[RunSummary, ...]:
        """The newest runs."""
        return tuple(list_runs(self._opened.ledger, limit=limit, review_status=review_status))

    def queue(self, *, limit: int) -> tuple[QueuedRun, ...]:
        """The runs that wait."""
        sensitive = self._opened.policy.review.sensitive_tables
        models = known_models(self._settings.state_dir)
        return tuple(review_queue(self._opened.ledger, sensitive_tables=sensitive, limit=limit, models=models).runs)

    def trace(self, run_id: str) -> RunTrace:
        """Everything on the record of one run."""
        return get_run(self._opened.ledger, run_id)

    def relied_on_revoked(self) -> Mapping[str, tuple[str, ...]]:
        """The runs that relied on a review that was revoked."""
        if self._reliances is None:
            self._reliances = RelianceReader(self._opened.ledger)
        return self._reliances.relied_on_revoked(known_models(self._settings.state_dir))

    def sign(self, request: ReviewRequest, passphrase: str) -> str:
        """Sign as the person at the keyboard."""
        return review(desk_of(self._opened), request, reviewer=self._settings.user, passphrase=passphrase).note

    def claim(self, run_id: str, passphrase: str, *, take_over: bool) -> str:
        """Claim as the person at the keyboard."""
        desk = desk_of(self._opened)
        signer, allow_self = desk.signer(self._settings.user, passphrase), desk.policy.review.allow_self
        record = claim(desk.ledger, signer, run_id=run_id, take_over=take_over, allow_self=allow_self)
        return f"Run {run_id[:13]} is yours until {moment(record.body['until'])} UTC."

    def release(self, run_id: str, passphrase: str) -> str:
        """Release as the person at the keyboard."""
        desk = desk_of(self._opened)
        release(desk.ledger, desk.signer(self._settings.user, passphrase), run_id=run_id)
        return f"Run {run_id[:13]} is anybody's again."

    def figures(self) -> MonitorFigures:
        """What the ledger says of all runs."""
        return monitor(self._opened.ledger)

    def close(self) -> None:
        """Close every part; the embedded model stops."""
        self._services = self._reliances = None
        self._parts.close()

    @property
    def _opened(self) -> Services:
        if self._services is None:
            raise RuntimeError("The backend was asked before it was opened.")
        return self._services


def _key_protected(settings: Settings) -> bool:
    """Whether the person's key needs a passphrase; one that is missing or unsafe is told when it is to sign."""
    from audit.errors import IdentityError
    from audit.identity import Keyring
    from audit.keystore import Protection
    from audit.session import KEYS_NAME

    try:
        return Keyring(settings.state_dir / KEYS_NAME).protection(settings.user) is Protection.PASSPHRASE
    except IdentityError:
        return False


def step_note(step: str, patch: dict[str, Any]) -> str:
    """What a step gave, in a word or two; empty when its name says enough."""
    grounding, outcome, drafts = patch.get("grounding"), patch.get("outcome"), patch.get("drafts", ())
    note = ""
    if step == "recall" and drafts:
        note = "a signed answer"
    elif step == "ground" and grounding:
        note = _count(len(grounding.pieces), "piece")
    elif step == "generate" and drafts:
        note = _count(len(drafts), "draft")
    elif step == "execute" and outcome:
        note = (
            _count(len(outcome.result.rows), "row") if outcome.result else outcome.error.error_class.replace("_", " ")
        )
    elif step == "check" and patch.get("findings"):
        note = _count(len(patch["findings"]), "finding")
    return note


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def suggestions(linker: Linker) -> tuple[str, ...]:
    """A few questions this workspace can answer, made from its metrics and the dimensions they can be broken down by.

    Never from the baseline pack: a question that people ask and accept would no longer measure anything.
    """
    layer = linker.layer
    texts = [dimension for dimension in layer.dimensions if dimension.type == "text"]
    year = layer.today().year
    found: list[str] = []
    for number, metric in enumerate(layer.metrics):
        reached = linker.reach_of([metric.id])
        fitting = [dimension for dimension in texts if reached is None or reached(dimension.table)]
        if fitting and len(found) < _SUGGESTED:
            by = fitting[number % len(fitting)].name.lower()
            found.append(f"{metric.name} by {by}" + (f" in {year}" if metric.time_dependent else ""))
    return tuple(found)
