"""To accept a run that stands on a review that was revoked takes a person who knows it and says why.

Otherwise the revoked statement would come back through the run that recalled it. The review then names the revoked
runs in what is signed. It is asked when a review is written and not when a ledger is verified: what a model learnt from
may be known only to the registry beside the ledger, and older ledgers hold such reviews.
"""

from __future__ import annotations

from collections.abc import Iterable

from audit.errors import RevokedReliance
from audit.ledger import Ledger
from audit.record import Record
from audit.reliance import TrainedModel, relied_on_revoked, revoked_runs

__all__ = ["names_runs", "refuse_unknowing", "revoked_under"]


def revoked_under(ledger: Ledger, run_id: str, models: Iterable[TrainedModel] = ()) -> tuple[Record, ...]:
    """The revocations of the reviews that a run relied on, in readable form.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """
    revoked = relied_on_revoked(ledger, models).get(run_id, ())
    if not revoked:
        return ()
    revocations = revoked_runs(ledger)
    return tuple(ledger.reveal(revocations[each]) for each in revoked)


def refuse_unknowing(run_id: str, revocations: tuple[Record, ...], reason: str, *, despite_revoked: bool) -> None:
    """Refuse to accept a run on these revocations unless its reviewer insists and says why.

    Raises:
        RevokedReliance: nobody insisted, or no reason was given.
    """
    if not revocations:
        return
    if not despite_revoked:
        raise RevokedReliance(
            f"Run {run_id} relied on {_named(revocations)}",
            "Amend it with corrected SQL, or reject it. To accept it all the same, say --despite-revoked and a reason; "
            "both go into the signed review.",
        )
    if not reason.strip():
        raise RevokedReliance(
            f"Run {run_id} relied on a review that was revoked; to accept it all the same needs a reason in words.",
            "The reason goes into the signed review.",
        )


def names_runs(value: object) -> bool:
    """Whether a review's `despite_revoked` names runs, each once and in order."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, str) for each in value)
        and value == sorted(set(value))
    )


def _named(revocations: tuple[Record, ...]) -> str:
    """Which reviews, by whom they were revoked, and why."""
    said = []
    for record in revocations:
        body = record.body
        why = str(body.get("reason_code", "")).replace("_", " ")
        words = str(body.get("reason") or "").rstrip(".")
        said.append(f"the review of run {record.run_id}, which {record.actor} revoked ({why}{words and f': {words}'}).")
    return " And on ".join(said)
