"""Looks whether this question has been answered and signed before.

Memory is only an index: what it finds counts when the ledger itself, signature by signature, says that the review
still stands and that these are the words that were signed. The recalled SQL is then judged and run again like any
draft, because the data has moved on since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from agent.errors import AuditUnavailableError, ErrorClass, FailedError
from agent.run import Draft, RunState

if TYPE_CHECKING:
    from agent.services import Services
    from audit.export import AcceptedRun
    from memory.verified import VerifiedQuery

__all__ = ["node"]

_log = structlog.get_logger(__name__)


def node(state: RunState, services: Services) -> dict[str, Any]:
    """Give the run a draft from memory when a standing review vouches for one; else change nothing.

    Raises:
        FailedError: the index cannot be read (`memory_unavailable`).
        AuditUnavailableError: the ledger cannot be read, or the recall could not be recorded.
    """
    from memory.errors import MemoryFailure

    try:
        found = services.verified.recall(state["question"], dialect=services.warehouse.dialect)
    except MemoryFailure as error:
        raise FailedError(
            ErrorClass.MEMORY_UNAVAILABLE,
            f"The verified queries cannot be read: {error}",
            "Rebuild the index with `affidavit memory sync --full`.",
        ) from error
    if found is None:
        return {}
    standing = _standing(found, services)
    if standing is None:
        return {}
    body = {
        "verified_run_id": standing.run_id,
        "verified_question": standing.question,
        "sql": standing.sql,
        "reviewer": standing.reviewer,
        "decision": standing.decision,
        "reviewed": standing.reviewed,
        "review_hash": standing.review_hash,
    }
    services.record("run.recalled", body, state["run_id"])
    draft = Draft(standing.sql, "verified_query", model="", confidence=1.0, basis=standing.run_id)
    done = "amended" if standing.decision == "amend" else "accepted"
    assumption = (
        f"Stands on run {standing.run_id}: “{standing.question}”, {done} by {standing.reviewer} "
        f"on {standing.reviewed[:10]}; its SQL was run again just now."
    )
    return {"drafts": (draft,), "current": 0, "assumptions": (assumption,)}


def _standing(found: VerifiedQuery, services: Services) -> AcceptedRun | None:
    """The review behind a recalled query, if the ledger confirms it; an index that says otherwise is not believed."""
    from audit.errors import AuditError, IdentityError, ReviewError
    from audit.export import accepted_run

    try:
        standing = accepted_run(services.ledger, found.run_id)
    except (ReviewError, IdentityError) as error:
        _log.warning("recall.review_does_not_hold", verified_run_id=found.run_id, problem=error.message)
        return None
    except AuditError as error:
        raise AuditUnavailableError(ErrorClass.AUDIT_UNAVAILABLE, error.message, error.hint) from error
    if standing is None or standing.sql.strip() != found.sql.strip():
        _log.warning("recall.not_on_the_ledger", verified_run_id=found.run_id)
        return None
    return standing
