"""Weighs the allowed drafts, runs each distinct statement once, and lets their results vote.

A draft that is right is usually found more than once, in different words but with the same rows; so drafts vote by
the fingerprint of their result, not by their text. Where the rows were cut at a cap, two results that begin alike may
go on differently, so there only the same statement agrees with itself. No statement is run before the intent to do so
is on the ledger, and what came of it follows: an intent without an outcome is the visible trace of a crash.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.errors import ErrorClass, handling
from agent.run import Draft, Outcome, RunState, Verdict
from agent.warehouse.budget import weigh

if TYPE_CHECKING:
    from agent.services import Services

__all__ = ["elect", "node"]

_PAUSE_S = 0.5
"""Before a statement is sent again: long enough for a server to notice that one of its sessions is gone."""


def elect(drafts: Sequence[Draft], fingerprints: Mapping[int, str]) -> int | None:
    """Index of the draft whose result most drafts agree on.

    Ties go to a compiled draft, then to the higher draft confidence, then to the earlier. A compiled draft that leaves
    words out is preferred only where it is of the majority.

    `fingerprints` maps an index into `drafts` to its result's fingerprint; "" (failed, refused) does not vote. None
    when nobody votes.
    """
    voters = {index: fingerprint for index, fingerprint in fingerprints.items() if fingerprint}
    if not voters:
        return None
    counts = Counter(voters.values())

    def weight(index: int) -> tuple[int, bool, float, int]:
        draft, votes = drafts[index], counts[voters[index]]
        preferred = draft.origin == "compiled" and (not draft.left_out or 2 * votes > len(voters))
        return votes, preferred, draft.confidence, -index

    return max(voters, key=weight)


def node(state: RunState, services: Services) -> dict[str, Any]:
    """Weigh and execute every allowed draft that has not been, and make the elected one current.

    A draft whose estimate goes over the budget does not reach the warehouse: its outcome is that error.

    Only this round's drafts vote: after a repair the statements that failed a check must not outvote their mend.
    """
    drafts = state["drafts"]
    verdicts = dict(state["verdicts"])
    voted = {index for index, _ in state.get("votes", ())}
    round_ = [index for index in range(len(drafts)) if index not in voted]
    outcomes: dict[int, Outcome] = {}
    by_statement: dict[str, _Ran] = {}
    for index in sorted(round_, key=lambda index: index != state["current"]):
        verdict = verdicts[index]
        if not verdict.allowed:
            continue
        if verdict.sql not in by_statement:
            by_statement[verdict.sql] = _settled(verdict, index, state, services)
        outcomes[index] = by_statement[verdict.sql].outcome
    fingerprints = {index: _fingerprint(outcomes.get(index)) for index in round_}
    elected = elect(drafts, fingerprints)
    current = state["current"] if elected is None else elected
    return {
        "votes": (*state.get("votes", ()), *sorted(fingerprints.items())),
        "current": current,
        "verdict": verdicts[current],
        "outcome": outcomes[current],
        "apart_ms": {"estimate": sum(ran.weighing_ms for ran in by_statement.values())},
    }


@dataclass(frozen=True, slots=True)
class _Ran:
    """What came of one statement."""

    outcome: Outcome
    weighing_ms: float


def _settled(verdict: Verdict, index: int, state: RunState, services: Services) -> _Ran:
    """What came of it; it is sent once more where what failed may have passed, for reading can be repeated."""
    ran = _tried(verdict, index, state, services)
    error = ran.outcome.error
    if error is not None and handling(ErrorClass(error.error_class)).retryable:
        time.sleep(_PAUSE_S)
        again = _tried(verdict, index, state, services)
        return _Ran(again.outcome, ran.weighing_ms + again.weighing_ms)
    return ran


def _tried(verdict: Verdict, index: int, state: RunState, services: Services) -> _Ran:
    limits = services.policy.effective_limits(services.settings.limits)
    accepted = state.get("cost_accepted", False)
    weighed = weigh(services.warehouse, verdict.sql, services.catalog, limits, cost_accepted=accepted)
    if weighed.refusal is not None:
        body = {
            "draft": index,
            "sql": verdict.sql,
            **weighed.to_json(),
            "max_scanned_rows": limits.max_scanned_rows,
            "error_class": str(weighed.refusal.error_class),
            "message": weighed.refusal.message,
        }
        services.record("run.estimated", body, state["run_id"])
        return _Ran(Outcome(verdict.sql, error=weighed.refusal), weighed.elapsed_ms)
    intent = {
        "draft": index,
        "sql": verdict.sql,
        "warehouse": services.warehouse.display_url,
        "dialect": services.warehouse.dialect,
        "tables": list(verdict.tables),
        **weighed.to_json(),
    }
    services.record("run.intent", intent, state["run_id"])
    outcome = services.warehouse.execute(verdict.sql, max_rows=limits.max_rows)
    services.record("run.outcome", _outcome_body(index, outcome), state["run_id"])
    return _Ran(outcome, weighed.elapsed_ms)


def _outcome_body(index: int, outcome: Outcome) -> dict[str, Any]:
    result, error = outcome.result, outcome.error
    return {
        "draft": index,
        "sql": outcome.sql,
        "ok": error is None,
        "row_count": 0 if result is None else len(result.rows),
        "truncated": result is not None and result.truncated,
        "result_fingerprint": "" if result is None else result.fingerprint,
        "elapsed_ms": round(outcome.elapsed_ms, 3),
        "error_class": "" if error is None else error.error_class,
        "error": "" if error is None else error.message,
    }


def _fingerprint(outcome: Outcome | None) -> str:
    """What a draft votes with. Of results that were cut only those of one statement are known to be the same."""
    if outcome is None or outcome.result is None:
        return ""
    if not outcome.result.truncated:
        return outcome.result.fingerprint
    return hashlib.sha256(f"{outcome.result.fingerprint} cut {outcome.sql}".encode()).hexdigest()
