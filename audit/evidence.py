"""The evidence of one answer as one value that can be handed on: its records, who judged it, and the proof of all that.

A bundle holds every record of a run byte for byte, the records that its reviews are judged by (enrolments and
retirements, policies, the rules of review, the checkpoint that each review names, the review it was recalled from), the
path of each to the Merkle root of one signed checkpoint, and that checkpoint. It holds no copy of anything that a
record says, so nothing in it can say otherwise.

Paths prove that a record is on the ledger, never that none is missing. So the workspace says on the ledger itself which
records make up the evidence (a record of kind `evidence`), the bundle must hold exactly these, and `audit.verify` holds
each such statement against the ledger. What came after the statement, a later revocation for instance, is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from audit.checkpoints import Checkpoint, read_checkpoints
from audit.errors import RunNotFoundError, SealError
from audit.identity import IDENTITY_KINDS
from audit.ledger import Ledger
from audit.merkle import inclusion_path
from audit.record import (
    CHECKPOINT,
    EVIDENCE,
    POLICY_CHANGED,
    REVIEW,
    REVIEW_RULES,
    RUN_RECALLED,
    Entry,
    Record,
)
from audit.review import DECIDING_KINDS
from audit.runs import resolve_run_id
from audit.session import CHECKPOINTS_NAME, checkpoint_now
from audit.snapshot import Selection, Snapshot
from audit.tree import open_tree

__all__ = ["EVIDENCE_PURPOSE", "PARTS", "check_statement", "export_evidence"]

EVIDENCE_PURPOSE: Final = "affidavit.evidence/1"
PARTS: Final = ("run", "basis", "identities", "policies", "rules", "checkpoints")
"""The lists of a statement: the run's records; those that decide about the run it was recalled from; all enrolments and
retirements; all policies; all rules of review; and for each review the newest note of a checkpoint before it."""

Read = Callable[[Selection], Iterable[Record]]


@dataclass(frozen=True, slots=True)
class _Gathered:
    """The records that make up the evidence of one run."""

    run: tuple[Record, ...]
    basis: tuple[Record, ...]
    identities: tuple[Record, ...]
    policies: tuple[Record, ...]
    rules: tuple[Record, ...]
    checkpoints: tuple[Record, ...]

    def statement(self, run_id: str) -> dict[str, Any]:
        """What the workspace says on the ledger."""
        return {"run_id": run_id, **{part: [each.sequence for each in getattr(self, part)] for part in PARTS}}


def export_evidence(ledger: Ledger, run_id: str, state_dir: Path, *, disclose: bool = True) -> dict[str, Any]:
    """The bundle of a run, named by its id or an unambiguous beginning; nothing new is written if nothing is new.

    What is encrypted by subject is encrypted in the bundle; with `disclose` the keys of these runs, which read nothing
    else, are put beside it.

    The first checkpoint of `state_dir` over the statement signs it; if there is none yet, one is written.

    Raises:
        RunNotFoundError, AmbiguousRunError: no run, or several, begin so.
        LedgerUnavailable, IdentityError: the ledger cannot be read or written, or the workspace's key not be used.
    """
    full_id = resolve_run_id(ledger, run_id)
    stated = _state(ledger, full_id)
    checkpoint = _over(stated, state_dir)
    if checkpoint is None:
        checkpoint_now(ledger, state_dir)
        checkpoint = _over(stated, state_dir)
    if checkpoint is None:
        raise RunNotFoundError(f"No checkpoint vouches for record {stated.sequence}.", "Run `affidavit audit verify`.")
    size = checkpoint.sequence
    with open_tree(ledger) as tree:
        gathered = _gather(tree.snapshot.records, full_id, before=stated.sequence)
        records = {each.sequence: each for part in PARTS for each in getattr(gathered, part)}
        records[stated.sequence] = stated
        proved = [
            {
                "path": [each.hex() for each in inclusion_path(tree.node, sequence - 1, size)],
                "record": records[sequence].payload.decode(),
            }
            for sequence in sorted(records)
        ]
    runs = dict.fromkeys(each.run_id for each in records.values() if each.run_id) if disclose else ()
    keys = {each: ledger.disclosed_key(each) for each in runs if each}
    return {
        "checkpoint": checkpoint.to_json(),
        "disclosed": {each: key for each, key in keys.items() if key},
        "purpose": EVIDENCE_PURPOSE,
        "records": proved,
        "run_id": full_id,
        "workspace": ledger.workspace,
    }


def check_statement(record: Record, read: Read) -> None:
    """Hold a statement against the ledger as it stood before it.

    Raises:
        SealError: it leaves out a record, or names one that is not of the run.
    """
    run_id = record.body.get("run_id")
    if not isinstance(run_id, str) or not run_id:
        raise SealError("it states the evidence of no run")
    if record.body != _gather(read, run_id, before=record.sequence).statement(run_id):
        raise SealError(f"what it states to be the evidence of run {run_id} is not what the ledger has")


def _state(ledger: Ledger, run_id: str) -> Record:
    """The record that says which ones make up the evidence of a run as it stands; written unless it is there."""

    def statement(read: Read) -> dict[str, Any]:
        return _gather(read, run_id).statement(run_id)

    def known(read: Read) -> Record | None:
        selection = Selection(kinds=(EVIDENCE,), newest_first=True)
        latest = next((each for each in read(selection) if each.body.get("run_id") == run_id), None)
        return latest if latest is not None and latest.body == statement(read) else None

    def decide(snapshot: Snapshot) -> Entry | None:
        return None if known(snapshot.records) else Entry(EVIDENCE, statement(snapshot.records))

    found = known(ledger.select) or ledger.append_decided(decide) or known(ledger.select)
    assert found is not None  # noqa: S101  (it was there, or is now)
    return found


def _gather(read: Read, run_id: str, *, before: int | None = None) -> _Gathered:
    run = tuple(read(Selection(run_ids=(run_id,), before=before)))
    recalled = dict.fromkeys(str(each.body.get("verified_run_id")) for each in run if each.kind == RUN_RECALLED)
    basis = tuple(read(Selection(run_ids=tuple(recalled), kinds=DECIDING_KINDS, before=before))) if recalled else ()
    reviews = [each.sequence for each in (*basis, *run) if each.kind == REVIEW]
    noted = {each.sequence: each for at in reviews if (each := _newest_checkpoint(read, at)) is not None}
    return _Gathered(
        run=run,
        basis=basis,
        identities=tuple(read(Selection(kinds=IDENTITY_KINDS, before=before))),
        policies=tuple(read(Selection(kinds=(POLICY_CHANGED,), before=before))),
        rules=tuple(read(Selection(kinds=(REVIEW_RULES,), before=before))),
        checkpoints=tuple(noted[each] for each in sorted(noted)),
    )


def _newest_checkpoint(read: Read, before: int) -> Record | None:
    return next(iter(read(Selection(kinds=(CHECKPOINT,), before=before, newest_first=True))), None)


def _over(record: Record, state_dir: Path) -> Checkpoint | None:
    """The first checkpoint that vouches for a record, so that a bundle is the same whenever it is made."""
    heads = (each for _line, each in read_checkpoints(state_dir / CHECKPOINTS_NAME))
    return next((each for each in heads if each.root and each.sequence >= record.sequence), None)
