"""Whether a run relied on a review that was revoked, as the statement of its evidence says it and as it can be checked.

What the run relied on directly is on its own records: the run it was recalled from, the examples the model was shown.
So a statement that leaves one out, or makes one up, is found: on the ledger always, and in a bundle as far as the
revocations are in it. What came through other runs or through a model's training is computed from the whole ledger and
the registry of adapters when the bundle is made; in the bundle it is the workspace's word, and is said to be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from audit.errors import SealError
from audit.ledger import Ledger
from audit.record import REVIEW, RUN_GROUNDED, RUN_RECALLED, Record
from audit.reliance import TrainedModel, read_reliances, revoked_runs
from audit.rules import Decision

__all__ = [
    "EXAMPLE",
    "RECALLED",
    "RevokedGround",
    "all_revoked_grounds",
    "check_grounds",
    "direct_grounds",
    "grounds_in",
    "revoked_in",
]

RECALLED: Final = "recalled"
EXAMPLE: Final = "example"
_DIRECT: Final = (RECALLED, EXAMPLE)


@dataclass(frozen=True, slots=True, order=True)
class RevokedGround:
    """One run whose review was revoked, and how another run relied on it."""

    run_id: str
    """Whose review was revoked."""
    on: str
    """The run that was relied on directly: the same one, or one that stood on it."""
    how: str
    """`recalled`, `example`, or `model NAME`."""

    @property
    def is_direct(self) -> bool:
        """Whether the records of the run that relied on it show it."""
        return self.on == self.run_id and self.how in _DIRECT

    def to_json(self) -> dict[str, str]:
        """As it stands in a statement."""
        return asdict(self)


def all_revoked_grounds(ledger: Ledger, run_id: str, models: Iterable[TrainedModel]) -> tuple[RevokedGround, ...]:
    """Every revoked review that a run relied on, directly or not, in order; cheap where nothing was ever revoked.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """
    gone = revoked_runs(ledger)
    if not gone:
        return ()
    reliances = read_reliances(ledger, models)
    found = ((revoked, each) for revoked in gone for each in reliances.of(revoked).runs if each.run_id == run_id)
    return tuple(sorted(RevokedGround(revoked, each.on, each.how) for revoked, each in found))


def direct_grounds(run: Iterable[Record]) -> dict[str, str]:
    """Run → how a run relied on it directly, from the records of the latter as they are read with its key."""
    found: dict[str, str] = {}
    for record in run:
        if record.kind == RUN_RECALLED:
            found[str(record.body.get("verified_run_id"))] = RECALLED
        elif record.kind == RUN_GROUNDED:
            pieces = record.body.get("pieces")
            for piece in pieces if isinstance(pieces, list) else ():
                if isinstance(piece, Mapping) and piece.get("kind") == EXAMPLE:
                    found.setdefault(str(piece.get("id")), EXAMPLE)
    return found


def revoked_in(records: Iterable[Record]) -> dict[str, Record]:
    """Run → the review among these that revoked it."""
    return {
        record.run_id or "": record
        for record in records
        if record.kind == REVIEW and record.body.get("decision") == Decision.REVOKE
    }


def grounds_in(statement: Mapping[str, Any]) -> tuple[RevokedGround, ...] | None:
    """What a statement says was relied on; None for one of the first version, which says nothing of it.

    Raises:
        SealError: it says something else there.
    """
    if "relied" not in statement:
        return None
    try:
        found = tuple(RevokedGround(**each) for each in statement["relied"])
    except TypeError as error:
        raise SealError("What it says the run relied on cannot be read.") from error
    texts = all(isinstance(value, str) for each in found for value in asdict(each).values())
    if not texts or list(found) != sorted(set(found)):
        raise SealError("What it says the run relied on cannot be read.")
    return found


def check_grounds(
    stated: Sequence[RevokedGround], run: Sequence[Record], revoked: Collection[str], *, all_known: bool
) -> None:
    """Hold what a statement says was relied on against the run's records and the revocations before it.

    Args:
        stated: what it says.
        run: the records of the run, as they are read with its key.
        revoked: runs whose review is known to have been revoked before the statement.
        all_known: whether those are all of them, on a whole ledger; a bundle holds only those relied on directly.

    Raises:
        SealError: it leaves one out, or names one that was not relied on so, or not revoked.
    """
    shown, named = direct_grounds(run), {each.run_id for each in stated}
    for run_id in shown:
        if run_id in revoked and run_id not in named:
            raise SealError(f"it leaves out that the run relied on the review of run {run_id}, which was revoked")
    for each in stated:
        if each.run_id not in revoked and (each.is_direct or all_known):
            raise SealError(f"it says that the review of run {each.run_id} was revoked, which it was not")
        is_shown = shown.get(each.run_id) == each.how or (each.how == EXAMPLE and not _is_readable(run))
        if each.is_direct and not is_shown:
            raise SealError(f"it says that the run relied on run {each.run_id}, which its records do not show")


def _is_readable(run: Iterable[Record]) -> bool:
    """Whether the examples can be read: what is encrypted, and not disclosed or erased, is some text instead."""
    return not any(isinstance(each.body.get("pieces"), str) for each in run if each.kind == RUN_GROUNDED)
