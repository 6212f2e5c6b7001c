"""Asks one question and sees the run through: whatever happens on the way, how it ended is on the record.

A run that was started always ends with `run.answered`, also when it fails or is interrupted; if even that cannot
be written, no answer leaves this function.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import structlog

from agent.errors import AffidavitError, AuditUnavailableError, ErrorClass, RefusedError
from agent.logging import run_logging
from agent.recording import RunRecorder
from agent.run import Answer, RunError, RunState, RunStatus, new_run_id
from agent.services import Services

__all__ = ["StepEvent", "ask"]

_MAX_STEPS = 60
_KEPT_CHARS = 4000
"""A longer question goes on the record cut, with the sha256 and length of the whole."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StepEvent:
    """One step of a run that is done: what it changed, and how long it took (milliseconds)."""

    step: str
    state_patch: dict[str, Any]
    elapsed_ms: float


OnStep = Callable[[StepEvent], None]


def ask(
    services: Services,
    question: str,
    *,
    asker: str,
    direct: bool = False,
    cost_accepted: bool = False,
    on_step: OnStep | None = None,
    opened_ms: float = 0.0,
    replay_of: str = "",
    subject: str = "",
) -> Answer:
    """Answer one question. `on_step` is called after each step, the last one only once the answer is on the record.

    `cost_accepted` lets statements go over the budget where the asker is to be asked (`limits.over_budget`).

    `replay_of` is the run that is asked again to see what a model makes of it today: nothing is recalled then.

    `subject` is whom the question is about, where policy.yaml encrypts what is recorded; the asker unless it is said.

    `opened_ms` is what somebody waited for the services before, where they were opened for this question; it counts
    as time of the run. A failure of a part outside us, or one of our own, is an answer with status `failed` and its
    error class.

    Raises:
        AuditUnavailableError: the run cannot be put on the record, so there is no answer to show.
        RefusedError: the policy wants questions signed, and the key of the asker is not there or may not ask.
        KeyboardInterrupt: passed on, with the run's id as its argument, after the interrupted run is on the record.
    """
    began = time.perf_counter() - opened_ms / 1000
    services = replace(services, policy=services.policy.of(asker), recorder=RunRecorder(services.ledger))
    initial = _initial(services, question, asker, direct, cost_accepted)
    initial["replay_of"] = replay_of
    walk = _Walk(services, on_step or (lambda _: None), initial, began)
    with run_logging(walk.run_id):
        _record_start(services, _started(services, initial, subject), walk.run_id)
        try:
            answer = walk.to_the_end()
        except AuditUnavailableError:
            raise
        except AffidavitError as error:
            _log.warning("run.failed", error_class=error.error_class.value)
            status = RunStatus.REFUSED if isinstance(error, RefusedError) else RunStatus.FAILED
            answer = walk.cut_short(status, error.to_run_error())
        except KeyboardInterrupt as interrupt:
            interrupted = RunError(ErrorClass.INTERRUPTED, "The run was interrupted.", "Ask the question again.")
            walk.record_answer(walk.cut_short(RunStatus.FAILED, interrupted))
            interrupt.args = (walk.run_id,)
            raise
        except Exception as error:  # noqa: BLE001 (the boundary of a run; it is logged and recorded)
            _log.exception("run.internal_error")
            answer = walk.cut_short(RunStatus.FAILED, _internal(error))
        answer = walk.record_answer(answer)
        walk.show(answer)
    return answer


@dataclass(slots=True)
class _Walk:
    """One run on its way through the graph, with the state as far as it is known."""

    services: Services
    on_step: OnStep
    state: RunState
    began: float
    """On the clock of `time.perf_counter`."""

    @property
    def run_id(self) -> str:
        return self.state["run_id"]

    def to_the_end(self) -> Answer:
        """Run the graph; every step but the last is shown as it is done. What comes before the first is `open`."""
        from agent.checkpoints import open_checkpointer
        from agent.graph import build_graph

        with open_checkpointer(self.services.settings) as checkpointer:
            try:
                graph = build_graph(self.services, checkpointer)
                self.state["timings_ms"] = {"open": self._elapsed_ms()}
                stream = graph.stream(
                    self.state,
                    {"configurable": {"thread_id": self.run_id}, "recursion_limit": _MAX_STEPS},
                    stream_mode="updates",
                    durability="sync",
                )
                for update in stream:
                    for step, patch in update.items():
                        self._advance(step, patch)
            finally:
                checkpointer.delete_thread(self.run_id)
        return self.state["answer"]

    def cut_short(self, status: RunStatus, error: RunError) -> Answer:
        """The answer of a run that did not reach its last step; what it had drafted is kept."""
        drafts = self.state.get("drafts", ())
        draft = drafts[self.state.get("current", 0)] if drafts else None
        return Answer(
            run_id=self.run_id,
            status=status,
            question=self.state["question"],
            sql=draft.sql if draft else "",
            dialect=self.services.warehouse.dialect,
            assumptions=("The SQL shown is an unverified draft.",) if draft else (),
            error=error,
            origin=draft.origin if draft else "",
            model=draft.model if draft else "",
            timings_ms=dict(self.state.get("timings_ms", {})),
        )

    def record_answer(self, answer: Answer) -> Answer:
        """Put the end of the run on the record; gives the answer with its total time.

        Raises:
            AuditUnavailableError: it is not on the record and must not be shown.
        """
        timings_ms = {**self.state.get("timings_ms", {}), "total": self._elapsed_ms()}
        answer = replace(answer, timings_ms=timings_ms)
        kept = self.services.policy.record.rows
        self.services.record("run.answered", _answered(answer, self.state, 0 if kept == "none" else kept), self.run_id)
        return answer

    def show(self, answer: Answer) -> None:
        """Show the last step, with the answer as it is on the record."""
        patch = {"answer": answer, "status": answer.status}
        self.on_step(StepEvent("answer", patch, answer.timings_ms.get("answer", 0.0)))

    def _elapsed_ms(self) -> float:
        return (time.perf_counter() - self.began) * 1000

    def _advance(self, step: str, patch: dict[str, Any]) -> None:
        before = self.state.get("timings_ms", {}).get(step, 0.0)
        self.state = cast(RunState, {**self.state, **patch})
        elapsed = self.state["timings_ms"][step] - before
        _log.info("run.step", step=step, elapsed_ms=round(elapsed, 1))
        if step != "answer":
            self.on_step(StepEvent(step, patch, elapsed))


def _initial(services: Services, question: str, asker: str, direct: bool, cost_accepted: bool) -> RunState:
    now_ms = int(services.clock().timestamp() * 1000)
    return {
        "run_id": new_run_id(now_ms),
        "question": question,
        "asker": asker,
        "direct": direct,
        "cost_accepted": cost_accepted,
        "attempts": 0,
        "drafts": (),
        "current": 0,
        "timings_ms": {},
    }


def _started(services: Services, initial: RunState, subject: str) -> dict[str, Any]:
    from agent.model.prompts import wording_fingerprint

    settings, question = services.settings, initial["question"]
    # Everything that can change an answer, and no secret: pydantic writes a SecretStr as stars.
    told = settings.model_dump(mode="json", include={"model", "memory", "limits"})
    body: dict[str, Any] = {
        "question": question[:_KEPT_CHARS],
        "asker": initial["asker"],
        "direct": initial["direct"],
        "cost_accepted": initial["cost_accepted"],
        "dialect": services.warehouse.dialect,
        "warehouse": services.warehouse.display_url,
        "prompt_fingerprint": wording_fingerprint(),
        "policy_fingerprint": services.policy.fingerprint(),
        "settings_hash": hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
    }
    if services.policy.record.encrypt == "subject":
        body["subject"] = subject or initial["asker"]
    if initial.get("replay_of"):
        body["replay_of"] = initial["replay_of"]
    if len(question) > _KEPT_CHARS:
        whole = question.encode("utf-8", "surrogatepass")
        body |= {"question_chars": len(question), "question_sha256": hashlib.sha256(whole).hexdigest()}
    return body


def _record_start(services: Services, body: dict[str, Any], run_id: str) -> None:
    """Put the start of a run on the record, signed if the policy wants that.

    Raises:
        AuditUnavailableError: it is not on the record.
        RefusedError: the asker's key is not there or may not ask; nothing was recorded.
    """
    if services.policy.asking == "anyone":
        services.record("run.started", body, run_id, actor=body["asker"])
        return
    from audit.asking import start_signed_run
    from audit.errors import AuditError, IdentityError

    if services.signer is None:
        raise RefusedError(
            ErrorClass.IDENTITY,
            f"policy.yaml wants questions signed, and {body['asker']} has no key here.",
            "An admin enrols them: affidavit identity create NAME --by ADMIN --role asker.",
        )
    try:
        start_signed_run(services.ledger, services.signer, body, run_id)
    except IdentityError as error:
        raise RefusedError(ErrorClass.IDENTITY, error.message, error.hint) from error
    except AuditError as error:
        raise AuditUnavailableError(ErrorClass.AUDIT_UNAVAILABLE, error.message, error.hint) from error


def _answered(answer: Answer, state: RunState, kept_rows: int) -> dict[str, Any]:
    """The body of `run.answered`: everything of the answer but its rows; the policy may have the first ones kept."""
    outcome = state.get("outcome")
    shown = outcome.result if outcome is not None and outcome.sql == answer.sql else None
    rows = {"rows": [list(row) for row in answer.rows[:kept_rows]]} if kept_rows else {}
    return rows | {
        "status": answer.status.value,
        "sql": answer.sql,
        "dialect": answer.dialect,
        "confidence": round(answer.confidence, 6),
        "columns": list(answer.columns),
        "row_count": answer.row_count,
        "truncated": answer.truncated,
        "result_fingerprint": shown.fingerprint if shown is not None else "",
        "assumptions": list(answer.assumptions),
        "findings": [asdict(finding) for finding in answer.findings],
        "error": None if answer.error is None else asdict(answer.error),
        "origin": answer.origin,
        "model": answer.model,
        "timings_ms": {step: round(spent, 2) for step, spent in answer.timings_ms.items()},
    }


def _internal(error: Exception) -> RunError:
    return RunError(
        ErrorClass.INTERNAL,
        f"Something inside Affidavit went wrong ({type(error).__name__}).",
        "The details are in .affidavit/affidavit.log; please report it with the run id.",
    )
