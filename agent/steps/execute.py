"""Runs the allowed drafts, each distinct statement once, and lets their results vote.

A draft that is right is usually found more than once, in different words but with the same rows; so drafts vote by
the fingerprint of their result, not by their text. Nothing touches the warehouse before the intent to do so is on the
ledger, and what came of it follows: an intent without an outcome is the visible trace of a crash.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent.errors import ErrorClass, handling
from agent.run import Draft, Outcome, RunState, Verdict

if TYPE_CHECKING:
    from agent.services import Services

__all__ = ["elect", "node"]

_PAUSE_S = 0.5
"""Before a statement is sent again: long enough for a server to notice that one of its sessions is gone."""


def elect(drafts: Sequence[Draft], fingerprints: Mapping[int, str]) -> int | None:
    """Index of the draft whose result most drafts agree on.

    Ties go to a compiled draft, then to the higher draft confidence, then to the earlier.

    `fingerprints` maps an index into `drafts` to its result's fingerprint; "" (failed, refused) does not vote. None
    when nobody votes.
    """
    voters = {index: fingerprint for index, fingerprint in fingerprints.items() if fingerprint}
    if not voters:
        return None
    counts = Counter(voters.values())

    def weight(index: int) -> tuple[int, bool, float, int]:
        draft = drafts[index]
        return counts[voters[index]], draft.origin == "compiled", draft.confidence, -index

    return max(voters, key=weight)


def node(state: RunState, services: Services) -> dict[str, Any]:
    """Execute every allowed draft that has not been executed, and make the elected one current.

    Only this round's drafts vote: after a repair the statements that failed a check must not outvote their mend.
    """
    drafts = state["drafts"]
    verdicts = dict(state["verdicts"])
    voted = {index for index, _ in state.get("votes", ())}
    round_ = [index for index in range(len(drafts)) if index not in voted]
    outcomes: dict[int, Outcome] = {}
    by_statement: dict[str, Outcome] = {}
    for index in sorted(round_, key=lambda index: index != state["current"]):
        verdict = verdicts[index]
        if not verdict.allowed:
            continue
        if verdict.sql not in by_statement:
            by_statement[verdict.sql] = _executed(verdict, index, state["run_id"], services)
        outcomes[index] = by_statement[verdict.sql]
    fingerprints = {index: _fingerprint(outcomes.get(index)) for index in round_}
    elected = elect(drafts, fingerprints)
    current = state["current"] if elected is None else elected
    return {
        "votes": (*state.get("votes", ()), *sorted(fingerprints.items())),
        "current": current,
        "verdict": verdicts[current],
        "outcome": outcomes[current],
    }


def _executed(verdict: Verdict, index: int, run_id: str, services: Services) -> Outcome:
    """What the statement gave; it is sent once more where what failed may have passed, for reading can be repeated."""
    outcome = _tried(verdict, index, run_id, services)
    if outcome.error is not None and handling(ErrorClass(outcome.error.error_class)).retryable:
        time.sleep(_PAUSE_S)
        outcome = _tried(verdict, index, run_id, services)
    return outcome


def _tried(verdict: Verdict, index: int, run_id: str, services: Services) -> Outcome:
    intent = {
        "draft": index,
        "sql": verdict.sql,
        "warehouse": services.warehouse.display_url,
        "dialect": services.warehouse.dialect,
        "tables": list(verdict.tables),
    }
    services.record("run.intent", intent, run_id)
    max_rows = services.policy.effective_limits(services.settings.limits).max_rows
    outcome = services.warehouse.execute(verdict.sql, max_rows=max_rows)
    result, error = outcome.result, outcome.error
    services.record(
        "run.outcome",
        {
            "draft": index,
            "sql": outcome.sql,
            "ok": error is None,
            "row_count": 0 if result is None else len(result.rows),
            "truncated": result is not None and result.truncated,
            "result_fingerprint": "" if result is None else result.fingerprint,
            "elapsed_ms": round(outcome.elapsed_ms, 3),
            "error_class": "" if error is None else error.error_class,
            "error": "" if error is None else error.message,
        },
        run_id,
    )
    return outcome


def _fingerprint(outcome: Outcome | None) -> str:
    return outcome.result.fingerprint if outcome is not None and outcome.result is not None else ""
