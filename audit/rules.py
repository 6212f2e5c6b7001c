"""What may be decided about a run, by whom, and when: asked once when a decision is signed and again by `verify`.

    unreviewed ── accept ──> accepted ── revoke ──> revoked
               ── amend ───> amended ─── revoke ──> revoked
               ── reject ──> rejected

Where the rules ask for two reviewers a run stays unreviewed until two people have approved the same statement: an
amendment begins the count anew, and to accept after it is to approve the corrected statement. One rejection ends it.
Rejected and revoked are final: ask the question again and review that run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final

from audit.identity import same_person
from audit.record import REVIEW, RUN_ANSWERED, RUN_INTENT, RUN_STARTED, Record
from audit.review_rules import ReviewRules

__all__ = [
    "MEANINGS",
    "Decision",
    "ReasonCode",
    "ReviewStatus",
    "RunOnRecord",
    "approvals_needed",
    "code_refusal",
    "has_approved",
    "refusal",
    "run_on_record",
]


class Decision(StrEnum):
    """What a reviewer can do with a run."""

    ACCEPT = "accept"
    AMEND = "amend"
    REJECT = "reject"
    REVOKE = "revoke"


class ReviewStatus(StrEnum):
    """Where a run stands."""

    UNREVIEWED = "unreviewed"
    ACCEPTED = "accepted"
    AMENDED = "amended"
    REJECTED = "rejected"
    REVOKED = "revoked"


class ReasonCode(StrEnum):
    """Why, in words that can be counted."""

    CORRECT = "correct"
    CORRECT_WITH_CAVEATS = "correct_with_caveats"
    WRONG_METRIC = "wrong_metric"
    WRONG_FILTER = "wrong_filter"
    WRONG_JOIN = "wrong_join"
    WRONG_TIME = "wrong_time"
    WRONG_GRAIN = "wrong_grain"
    WRONG_SOURCE = "wrong_source"
    INCOMPLETE = "incomplete"
    AMBIGUOUS_QUESTION = "ambiguous_question"
    DATA_QUALITY = "data_quality"
    OUTDATED = "outdated"
    REVIEWED_BY_MISTAKE = "reviewed_by_mistake"
    NOT_PERMITTED = "not_permitted"
    OTHER = "other"


MEANINGS: Final = {
    Decision.ACCEPT: "I have checked this SQL and its result, and I vouch that they answer the question.",
    Decision.AMEND: "The SQL of the run was wrong; I vouch that the corrected SQL answers the question.",
    Decision.REJECT: "I have checked this run, and its answer must not be relied on.",
    Decision.REVOKE: "The earlier approval of this run no longer stands and must not be relied on.",
}
"""The sentence a reviewer signs with each decision."""

_AFTER: Final = {
    Decision.ACCEPT: ReviewStatus.ACCEPTED,
    Decision.AMEND: ReviewStatus.AMENDED,
    Decision.REJECT: ReviewStatus.REJECTED,
    Decision.REVOKE: ReviewStatus.REVOKED,
}
_BEFORE: Final = {
    Decision.ACCEPT: (ReviewStatus.UNREVIEWED,),
    Decision.AMEND: (ReviewStatus.UNREVIEWED,),
    Decision.REJECT: (ReviewStatus.UNREVIEWED,),
    Decision.REVOKE: (ReviewStatus.ACCEPTED, ReviewStatus.AMENDED),
}
_APPROVING_CODES: Final = frozenset((ReasonCode.CORRECT, ReasonCode.CORRECT_WITH_CAVEATS))
_EXPLAINED_CODES: Final = frozenset((ReasonCode.CORRECT_WITH_CAVEATS, ReasonCode.OTHER))
_ACCEPTABLE: Final = ("answered", "abstained")
_AMENDABLE: Final = (*_ACCEPTABLE, "failed", "needs_clarification")


@dataclass(frozen=True, slots=True)
class RunOnRecord:
    """What the ledger says of a run so far, as far as decisions depend on it."""

    run_id: str
    asker: str
    question: str = ""
    status: str = ""
    """Empty while the run has not ended, or never will."""
    answer_hash: str = ""
    sql: str = ""
    result_fingerprint: str = ""
    confidence: float = 0.0
    tables: tuple[str, ...] = ()
    """What its statements read, amendments included."""
    scanned_rows: int | None = 0
    """The most rows one of its statements was expected to look at; None where there was no estimate of one."""
    review_status: ReviewStatus = ReviewStatus.UNREVIEWED
    standing_review: Record | None = None
    """The newest review."""
    approvals: tuple[Record, ...] = ()
    """The reviews that approve the statement as it stands now, oldest first; the first may be an amendment."""

    @property
    def amendment(self) -> Record | None:
        """The amendment whose statement stands, approved by enough people or not."""
        first = self.approvals[0] if self.approvals else None
        return first if first is not None and first.body.get("decision") == Decision.AMEND else None


def run_on_record(records: Iterable[Record]) -> RunOnRecord | None:
    """Read a run from its records in order; None if none of them says that it started."""
    run: RunOnRecord | None = None
    for record in records:
        body = record.body
        if record.kind == RUN_STARTED and run is None:
            run = RunOnRecord(record.run_id or "", _text(body, "asker") or record.actor, _text(body, "question"))
        elif run is None:
            continue
        elif record.kind == RUN_INTENT:
            if run.answer_hash and body.get("purpose") == "replay":
                continue  # it shows no row and is no statement that anybody vouches for
            run = _about_to_read(run, body)
        elif record.kind == RUN_ANSWERED and not run.answer_hash:
            run = replace(
                run,
                status=_text(body, "status"),
                answer_hash=record.hash,
                sql=_text(body, "sql"),
                result_fingerprint=_text(body, "result_fingerprint"),
                confidence=_number(body.get("confidence")),
            )
        elif record.kind == REVIEW and _text(body, "decision") in set(Decision):
            run = _decided(run, record)
    return run


def approvals_needed(run: RunOnRecord, rules: ReviewRules) -> int:
    """How many people have to approve this run."""
    two_for = rules.two_for
    if two_for.scanned_rows is not None and (run.scanned_rows is None or run.scanned_rows > two_for.scanned_rows):
        return 2
    if two_for.below_confidence is not None and run.confidence < two_for.below_confidence:
        return 2
    patterns = [pattern.casefold() for pattern in two_for.tables]
    if any(fnmatchcase(table.casefold(), pattern) for table in run.tables for pattern in patterns):
        return 2
    return rules.reviewers


def has_approved(run: RunOnRecord, person: str) -> bool:
    """Whether somebody has approved the statement as it stands."""
    return any(same_person(_text(each.body, "reviewer"), person) for each in run.approvals)


def refusal(run: RunOnRecord, decision: Decision, reviewer: str, rules: ReviewRules) -> str:
    """Why this reviewer may not take this decision on this run now, as one sentence; empty if they may."""
    problem = ""
    if not run.answer_hash:
        problem = f"Run {run.run_id} has not ended, so there is nothing to {decision.value}."
    elif same_person(run.asker, reviewer) and not rules.allow_self:
        problem = f"{reviewer} asked this question and may not review its run; somebody else must."
    elif run.review_status not in _BEFORE[decision]:
        problem = (
            f"Run {run.run_id} is {run.review_status.value}; only an accepted or amended run can be revoked."
            if decision is Decision.REVOKE
            else f"Run {run.run_id} is already {run.review_status.value}, so it cannot be given another decision."
        )
    elif decision is Decision.ACCEPT and has_approved(run, reviewer):
        problem = f"{reviewer} has approved run {run.run_id} already; the second approval must be somebody else's."
    elif decision is Decision.ACCEPT and run.amendment is None and (run.status not in _ACCEPTABLE or not run.sql):
        problem = f"Run {run.run_id} ended {run.status} and has no answer to accept; amend it with SQL, or reject it."
    elif decision is Decision.AMEND and run.status not in _AMENDABLE:
        problem = f"Run {run.run_id} ended {run.status}, which no SQL can amend."
    return problem


def code_refusal(decision: Decision, code: ReasonCode, reason: str) -> str:
    """Why this reason code does not go with this decision, as one sentence; empty if it does."""
    if (decision is Decision.ACCEPT) != (code in _APPROVING_CODES):
        fitting = [each.value for each in ReasonCode if (decision is Decision.ACCEPT) == (each in _APPROVING_CODES)]
        return f"The reason code {code.value} does not go with {decision.value}; use one of {', '.join(fitting)}."
    if code in _EXPLAINED_CODES and not reason.strip():
        return f"The reason code {code.value} needs a reason in words."
    return ""


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _about_to_read(run: RunOnRecord, body: Mapping[str, Any]) -> RunOnRecord:
    """The run once another statement of it is about to be executed."""
    tables, estimate = body.get("tables"), body.get("estimate")
    named = [each for each in tables if isinstance(each, str)] if isinstance(tables, list) else []
    scanned: int | None = None
    if isinstance(estimate, Mapping) and run.scanned_rows is not None:
        try:
            scanned = max(run.scanned_rows, int(estimate.get("scanned_rows") or 0))
        except (TypeError, ValueError):
            scanned = None
    return replace(run, tables=tuple(dict.fromkeys((*run.tables, *named))), scanned_rows=scanned)


def _decided(run: RunOnRecord, review: Record) -> RunOnRecord:
    """The run once another decision was taken on it; an approval that is one of too few leaves it unreviewed."""
    decision = Decision(review.body["decision"])
    run = replace(run, review_status=_AFTER[decision], standing_review=review)
    if decision is Decision.AMEND:
        run = replace(run, approvals=(review,))
    elif decision is Decision.ACCEPT:
        run = replace(run, approvals=(*run.approvals, review))
        if run.amendment is not None:
            run = replace(run, review_status=ReviewStatus.AMENDED)
    number, needed = review.body.get("approval", 0), review.body.get("approvals_needed", 0)
    is_one_of_too_few = isinstance(number, int) and isinstance(needed, int) and number < needed
    return replace(run, review_status=ReviewStatus.UNREVIEWED) if is_one_of_too_few else run
