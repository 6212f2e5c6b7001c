"""Decides how a run ended, by rules a person can read, and says in words what the answer takes for granted.

    status is set already (clarify)                     that status
    the guard refused it as a write or as forbidden     refused
    it would cost more than the budget allows           refused, or the asker is asked: needs_clarification
    the warehouse could not be used                     failed
    the statement could not be made to work             abstained, with the best draft
    a finding of severity error is left                 abstained, with the best draft
    confidence under limits.min_confidence              abstained, with the best draft
    otherwise                                           answered

An abstained answer shows its draft and no rows: rows would be read as the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.assumptions import assumptions_of
from agent.confidence import Evidence, agreement, confidence_of
from agent.errors import ErrorClass, handling
from agent.run import Answer, Draft, Result, RunError, RunState, RunStatus

if TYPE_CHECKING:
    from agent.services import Services

__all__ = ["node"]

_REFUSED = frozenset(
    {
        ErrorClass.NOT_READ_ONLY,
        ErrorClass.FORBIDDEN_FUNCTION,
        ErrorClass.FORBIDDEN_OBJECT,
        ErrorClass.MULTIPLE_STATEMENTS,
        ErrorClass.TOO_EXPENSIVE,
    }
)
_UNVERIFIED = "The SQL shown is an unverified draft, not an answer."


def node(state: RunState, services: Services) -> dict[str, Any]:
    """Give the run its answer and its status."""
    if "status" in state:
        answer = _ended(state, services, state["status"], state.get("error"))
    elif not state.get("drafts"):
        answer = _ended(state, services, RunStatus.ABSTAINED, state.get("error"))
    else:
        error = _problem(state)
        answer = _answered(state, services) if error is None else _without_result(state, services, error)
    return {"answer": answer, "status": answer.status}


def _problem(state: RunState) -> RunError | None:
    """Why the draft under work gave no result; None when it gave one."""
    verdict, outcome = state.get("verdict"), state.get("outcome")
    if verdict is not None and not verdict.allowed:
        return RunError(verdict.error_class, verdict.message, "Ask in other words, or ask somebody to write the SQL.")
    if outcome is None:
        return state.get("error") or RunError(ErrorClass.NO_SQL, "Nothing was executed.")
    return outcome.error


def _answered(state: RunState, services: Services) -> Answer:
    """A draft gave rows: an answer if they can be stood by."""
    draft, result = _draft(state), state["outcome"].result
    assert result is not None  # noqa: S101 (an outcome without an error has a result)
    findings = state.get("findings", ())
    confidence = confidence_of(
        Evidence(
            draft,
            agreement(state["drafts"], state.get("votes", ()), state["current"]),
            findings,
            0 if draft.origin == "verified_query" else state.get("attempts", 0),
        )
    )
    errors = [finding for finding in findings if finding.severity == "error"]
    minimum = services.settings.limits.min_confidence
    error: RunError | None = None
    if state["direct"]:
        pass  # the control answers whatever runs
    elif errors:
        error = RunError(
            ErrorClass.CHECK_FAILED,
            f"The best draft does not hold up: {errors[0].message}",
            "Ask in other words, or have the draft reviewed and amended.",
        )
    elif confidence < minimum:
        error = RunError(
            ErrorClass.LOW_CONFIDENCE,
            f"The best draft has confidence {confidence:.2f}; at least {minimum:.2f} is needed to answer.",
            "Ask in other words or more precisely, or have the draft reviewed.",
        )
    status = RunStatus.ANSWERED if error is None else RunStatus.ABSTAINED
    answer = _ended(state, services, status, error, confidence=confidence)
    return answer if error is not None else _with_rows(answer, result, assumptions_of(state, services))


def _without_result(state: RunState, services: Services, error: RunError) -> Answer:
    error_class = ErrorClass(error.error_class)
    if error_class in _REFUSED:
        status = RunStatus.REFUSED
    elif error_class is ErrorClass.COST_NOT_ACCEPTED:
        status = RunStatus.NEEDS_CLARIFICATION
    elif handling(error_class).actor == "operator" or error_class is ErrorClass.WAREHOUSE_TIMEOUT:
        status = RunStatus.FAILED
    else:
        status = RunStatus.ABSTAINED
    return _ended(state, services, status, error)


def _ended(
    state: RunState, services: Services, status: RunStatus, error: RunError | None, *, confidence: float = 0.0
) -> Answer:
    """An answer without rows; a draft it has is marked as unverified unless the run was answered."""
    draft = _draft(state) if state.get("drafts") else None
    return Answer(
        run_id=state["run_id"],
        status=status,
        question=state["question"],
        sql=_shown_sql(state),
        dialect=services.warehouse.dialect,
        confidence=confidence,
        assumptions=(_UNVERIFIED,) if draft is not None and status is not RunStatus.ANSWERED else (),
        findings=state.get("findings", ()),
        error=error,
        origin=draft.origin if draft is not None else "",
        model=draft.model if draft is not None else "",
        timings_ms=dict(state.get("timings_ms", {})),
    )


def _with_rows(answer: Answer, result: Result, assumptions: tuple[str, ...]) -> Answer:
    from dataclasses import replace

    return replace(
        answer,
        columns=result.columns,
        rows=result.rows,
        row_count=len(result.rows),
        truncated=result.truncated,
        assumptions=assumptions,
    )


def _draft(state: RunState) -> Draft:
    return state["drafts"][state["current"]]


def _shown_sql(state: RunState) -> str:
    """What ran, else what was judged, else what was drafted."""
    if not state.get("drafts"):
        return ""
    verdict = state.get("verdict")
    return verdict.sql if verdict is not None and verdict.allowed else _draft(state).sql
