"""Who is to review a run, by when, and who has it in hand: signed by whoever says so, like the decision itself.

An assignment asks somebody; a claim keeps others from deciding meanwhile, and lapses by itself so that nobody waits for
a person who went home. Both end with that person's decision. Neither is needed to decide.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from audit.circumstances import BACKGROUND_KINDS, Background, Circumstances
from audit.errors import ReviewError
from audit.identity import Identity, Signer, same_person, signature_holds
from audit.ledger import Ledger
from audit.record import (
    REVIEW,
    REVIEW_ASSIGNED,
    REVIEW_CLAIMED,
    REVIEW_RELEASED,
    RUN_ANSWERED,
    RUN_STARTED,
    Entry,
    Head,
    Record,
    timestamp,
)
from audit.reviewers import enrolled_reviewer, may_review, reviewer_named
from audit.rules import ReviewStatus, RunOnRecord, has_approved, run_on_record
from audit.runs import resolve_run_id
from audit.snapshot import Selection, Snapshot

__all__ = [
    "ASSIGNED_ON",
    "ASSIGNMENT_KINDS",
    "Assignment",
    "assign",
    "assignment_of",
    "check_assignment",
    "claim",
    "claim_refusal",
    "release",
]

ASSIGNMENT_KINDS: Final = (REVIEW_ASSIGNED, REVIEW_CLAIMED, REVIEW_RELEASED)
ASSIGNED_ON: Final = (RUN_STARTED, RUN_ANSWERED, REVIEW, *ASSIGNMENT_KINDS)
"""The kinds of a run's records that these depend on."""

_OWN_FIELDS: Final = {
    REVIEW_ASSIGNED: frozenset(("assignee", "due", "note")),
    REVIEW_CLAIMED: frozenset(("takes_over", "until")),
    REVIEW_RELEASED: frozenset(("claim",)),
}
_FIELDS: Final = frozenset(("by", "key_id", "previous_head", "purpose", "run_id", "signature", "workspace"))
_MAX_NOTE: Final = 1000


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where the work on one run stands; empty texts where nobody said anything."""

    assignee: str = ""
    due: str = ""
    """The last day, as YYYY-MM-DD."""
    note: str = ""
    assigned_by: str = ""
    claimed_by: str = ""
    claimed_until: str = ""
    """UTC, RFC 3339; a claim whose time has passed binds nobody."""
    claim: str = ""
    """Hash of the claim's record."""

    def holder(self, time: str) -> str:
        """Who has the run in hand at that time; empty if nobody."""
        return self.claimed_by if self.claimed_until > time else ""

    def is_overdue(self, time: str) -> bool:
        """Whether the day it is due on had passed at that time."""
        return bool(self.due) and self.due < time[:10]

    def released(self) -> Assignment:
        """The same without the claim."""
        return replace(self, claimed_by="", claimed_until="", claim="")


def assignment_of(records: Iterable[Record]) -> Assignment:
    """Read it from a run's records in order."""
    found = Assignment()
    for record in records:
        body = record.body
        if record.kind == REVIEW_ASSIGNED:
            told = {key: str(body.get(key, "")) for key in ("assignee", "due", "note")}
            found = replace(found, **told, assigned_by=record.actor)
        elif record.kind == REVIEW_CLAIMED:
            until = str(body.get("until", ""))
            found = replace(found, claimed_by=record.actor, claimed_until=until, claim=record.hash)
        elif record.kind == REVIEW_RELEASED:
            found = found.released()
        elif record.kind == REVIEW:
            if same_person(record.actor, found.claimed_by):
                found = found.released()
            if same_person(record.actor, found.assignee):
                found = replace(found, assignee="", due="", note="", assigned_by="")
    return found


def claim_refusal(assignment: Assignment, person: str, time: str) -> tuple[str, str] | None:
    """Why this person may not decide at that time, and what to do; None where nobody else has the run in hand."""
    holder = assignment.holder(time)
    if not holder or same_person(holder, person):
        return None
    return (
        f"{holder} has claimed this run until {assignment.claimed_until[:16].replace('T', ' ')} UTC.",
        "Wait for the decision, or take it over: --take-over, or k on the review screen.",
    )


def assign(
    ledger: Ledger,
    signer: Signer,
    *,
    run_id: str,
    assignee: str,
    due: dt.date | None = None,
    note: str = "",
    allow_self: bool = False,
) -> Record:
    """Ask a reviewer to decide on a run; replaces what was asked before.

    Args:
        ledger: where the run is.
        signer: the key of whoever asks, enrolled with the role `reviewer`.
        run_id: the run's id or an unambiguous beginning of it.
        assignee: an enrolled reviewer who neither asked the question nor approved the run.
        due: the last day; today (UTC) or later.
        note: at most 1,000 characters.
        allow_self: as for `submit_review`.

    Raises:
        ReviewError: the rules do not allow it; nothing was written.
        RunNotFoundError, AmbiguousRunError, LedgerUnavailable: as they say.
    """
    if len(note) > _MAX_NOTE:
        raise ReviewError(f"The note may have {_MAX_NOTE} characters at most.")
    full_id = resolve_run_id(ledger, run_id)
    note = ledger.conceal_text(full_id, f"{REVIEW_ASSIGNED}#note", note.strip())

    def said(_run: RunOnRecord, _earlier: Assignment, now: Circumstances, _reviewer: Identity) -> dict[str, str]:
        named = reviewer_named(now.keys, assignee)
        if named is None:
            raise ReviewError(
                f"{assignee} is not enrolled here as a reviewer.", "`affidavit identity list` shows who is, as what."
            )
        today = ledger.now()[:10]
        if due is not None and due.isoformat() < today:
            raise ReviewError(
                f"The run cannot be due on {due.isoformat()}: today is {today} (UTC).", "Name today or a later day."
            )
        day = due.isoformat() if due else ""
        return {"assignee": named.name, "due": day, "note": note}

    return _write(ledger, signer, REVIEW_ASSIGNED, full_id, said, allow_self=allow_self)


def claim(ledger: Ledger, signer: Signer, *, run_id: str, take_over: bool = False, allow_self: bool = False) -> Record:
    """Take a run in hand, so that nobody else decides on it until the claim lapses (`claim_hours` of the rules).

    Args:
        ledger, signer, run_id, allow_self: as for `assign`.
        take_over: also where somebody else has it in hand.

    Raises: as `assign`.
    """

    def said(_run: RunOnRecord, earlier: Assignment, now: Circumstances, reviewer: Identity) -> dict[str, str]:
        time = ledger.now()
        held = claim_refusal(earlier, reviewer.name, time)
        if held and not take_over:
            raise ReviewError(*held)
        start = dt.datetime.fromisoformat(time)
        until = timestamp(start + dt.timedelta(hours=now.rules.claim_hours))
        return {"takes_over": earlier.claim if held else "", "until": until}

    return _write(ledger, signer, REVIEW_CLAIMED, run_id, said, allow_self=allow_self)


def release(ledger: Ledger, signer: Signer, *, run_id: str) -> Record:
    """Give a claimed run back.

    Raises: as `assign`.
    """

    def said(_run: RunOnRecord, earlier: Assignment, _now: Circumstances, _reviewer: Identity) -> dict[str, str]:
        return {"claim": earlier.claim}

    return _write(ledger, signer, REVIEW_RELEASED, run_id, said, allow_self=True)


def check_assignment(record: Record, run: RunOnRecord | None, earlier: Assignment, then: Circumstances) -> None:
    """Check one of these records against its signature, its place, the run and the rules.

    That nobody decided while another had the run in hand is not checked: that is a matter of two clocks, and a claim
    orders work without being evidence.

    Raises:
        ReviewError: the first thing that does not hold, as one plain sentence.
    """
    body = record.body
    if body.keys() != _FIELDS | _OWN_FIELDS[record.kind] or not all(isinstance(each, str) for each in body.values()):
        raise ReviewError("it does not have the fields of its kind")
    identity = then.keys.get(body["key_id"])
    if identity is None or not may_review(identity) or not signature_holds(identity, body):
        raise ReviewError("it is not signed with the key of a reviewer who was enrolled before it")
    if identity.name != body["by"] or identity.name != record.actor:
        raise ReviewError(f"it names {body['by']}, but the key is that of {identity.name}")
    if run is None or record.run_id != run.run_id:
        raise ReviewError("it is about a run that never started")
    expected = _statement(record.kind, run.run_id, Head(record.sequence - 1, record.previous_hash), identity, then)
    if any(body[key] != value for key, value in expected.items()):
        raise ReviewError("it was not signed for this place on this ledger")
    problem = _refusal(record.kind, body, run, earlier, then)
    if problem:
        raise ReviewError(f"the rules did not allow it: {problem}")


_Said = Callable[[RunOnRecord, Assignment, Circumstances, Identity], dict[str, str]]


def _write(ledger: Ledger, signer: Signer, kind: str, run_id: str, said: _Said, *, allow_self: bool) -> Record:
    full_id = resolve_run_id(ledger, run_id)

    def decide(snapshot: Snapshot) -> Entry:
        records = snapshot.records(Selection(run_ids=(full_id,), kinds=ASSIGNED_ON))
        run, earlier = run_on_record(records), assignment_of(records)
        if run is None:
            raise ReviewError(f"The ledger does not say that run {full_id} was started.")
        known = snapshot.records(Selection(kinds=BACKGROUND_KINDS))
        background = Background.of(known, ledger.workspace, allow_self=allow_self)
        now = background.before(snapshot.head.sequence + 1, snapshot.newest)
        reviewer = enrolled_reviewer(now.keys, signer)
        body = _statement(kind, full_id, snapshot.head, reviewer, now) | said(run, earlier, now, reviewer)
        problem = _refusal(kind, body, run, earlier, now)
        if problem:
            raise ReviewError(problem)
        return Entry(kind, signer.sign_body(body), run_id=full_id, actor=reviewer.name)

    record = ledger.append_decided(decide)
    assert record is not None  # noqa: S101  (decide always gives an entry)
    return record


def _statement(kind: str, run_id: str, head: Head, by: Identity, then: Circumstances) -> dict[str, Any]:
    return {
        "by": by.name,
        "key_id": by.key_id,
        "previous_head": head.hash,
        "purpose": f"affidavit.{kind}/1",
        "run_id": run_id,
        "workspace": then.workspace,
    }


def _refusal(kind: str, body: Mapping[str, str], run: RunOnRecord, earlier: Assignment, then: Circumstances) -> str:
    """Why this may not be said of the run now, as one sentence; empty if it may."""
    problem = ""
    if kind == REVIEW_RELEASED:
        is_theirs = earlier.claim and body["claim"] == earlier.claim and same_person(earlier.claimed_by, body["by"])
        problem = "" if is_theirs else f"{body['by']} has no claim on run {run.run_id}."
    elif not run.answer_hash:
        problem = f"Run {run.run_id} has not ended, so there is nothing to review."
    elif run.review_status is not ReviewStatus.UNREVIEWED:
        problem = f"Run {run.run_id} is {run.review_status.value} already."
    elif kind == REVIEW_ASSIGNED:
        problem = _person_refusal(body["assignee"], run, then)
        if not problem and not _is_day(body["due"]):
            problem = f"{body['due']!r} is not a day, as in 2026-12-31."
    else:
        problem = _person_refusal(body["by"], run, then)
        if not problem and body["takes_over"] not in ("", earlier.claim):
            problem = "It takes over a claim that nobody has."
    return problem


def _person_refusal(person: str, run: RunOnRecord, then: Circumstances) -> str:
    """Why this person could not decide on the run."""
    if reviewer_named(then.keys, person) is None:
        return f"{person} is not enrolled here as a reviewer."
    if same_person(run.asker, person) and not then.rules.allow_self:
        return f"{person} asked this question and may not review its run."
    if has_approved(run, person):
        return f"{person} has approved run {run.run_id} already; the second approval must be somebody else's."
    return ""


def _is_day(text: str) -> bool:
    try:
        return not text or dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
