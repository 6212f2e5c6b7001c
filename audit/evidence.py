"""The evidence of one answer as one value that can be handed on: its records, who judged it, and the proof of all that.

A bundle holds every record of a run byte for byte, the records that its reviews are judged by (enrolments and
retirements, policies, the rules of review, the checkpoint that each review names, the review it was recalled from), the
revocations of what it relied on, the path of each to the Merkle root of one signed checkpoint, and that checkpoint. It
holds no copy of anything that a record says, so nothing in it can say otherwise.

Paths prove that a record is on the ledger, never that none is missing. So the workspace says on the ledger itself which
records make up the evidence (a record of kind `evidence`), the bundle must hold exactly these, and `audit.verify` holds
each such statement against the ledger. What came after the statement, a later revocation for instance, is not in it.

Statements of the first version say nothing of what the run relied on (see `audit.evidence_grounds`). They hold as they
did, on a ledger only before the first of the second version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from audit.checkpoints import Checkpoint, read_checkpoints
from audit.errors import RunNotFoundError, SealError
from audit.evidence_grounds import (
    EXAMPLE,
    RevokedGround,
    all_revoked_grounds,
    check_grounds,
    direct_grounds,
    grounds_in,
    revoked_in,
)
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
from audit.reliance import TrainedModel
from audit.review import DECIDING_KINDS
from audit.runs import resolve_run_id
from audit.session import CHECKPOINTS_NAME, checkpoint_now
from audit.snapshot import Selection, Snapshot
from audit.tree import open_tree

__all__ = ["EVIDENCE_PURPOSE", "FIRST_PARTS", "FIRST_PURPOSE", "PARTS", "check_statement", "export_evidence"]

EVIDENCE_PURPOSE: Final = "affidavit.evidence/2"
FIRST_PURPOSE: Final = "affidavit.evidence/1"
FIRST_PARTS: Final = ("run", "basis", "identities", "policies", "rules", "checkpoints")
PARTS: Final = (*FIRST_PARTS, "revoked")
"""The lists of a statement: the run's records; those that decide about the run it was recalled from; all enrolments and
retirements; all policies; all rules of review; for each review the newest note of a checkpoint before it; and, since
the second version, those that decide about each run it was shown as an example and whose review was revoked."""

Read = Callable[[Selection], Iterable[Record]]
Reveal = Callable[[Record], Record]


@dataclass(frozen=True, slots=True)
class _Gathered:
    """The records that make up the evidence of one run."""

    run: tuple[Record, ...]
    basis: tuple[Record, ...]
    identities: tuple[Record, ...]
    policies: tuple[Record, ...]
    rules: tuple[Record, ...]
    checkpoints: tuple[Record, ...]
    revoked: tuple[Record, ...]
    grounds: tuple[RevokedGround, ...] | None
    """What it relied on that was revoked; None for a statement of the first version."""

    def statement(self, run_id: str) -> dict[str, Any]:
        """What the workspace says on the ledger."""
        parts = FIRST_PARTS if self.grounds is None else PARTS
        said = {"run_id": run_id, **{part: [each.sequence for each in getattr(self, part)] for part in parts}}
        return said if self.grounds is None else {**said, "relied": [each.to_json() for each in self.grounds]}


def export_evidence(
    ledger: Ledger, run_id: str, state_dir: Path, *, disclose: bool = True, models: Sequence[TrainedModel] = ()
) -> dict[str, Any]:
    """The bundle of a run, named by its id or an unambiguous beginning; nothing new is written if nothing is new.

    What is encrypted by subject is encrypted in the bundle; with `disclose` the keys of the run and of the one it was
    recalled from, which read nothing else, are put beside it. `models` are the adapters of the registry: what the run
    relied on through one that was never promoted is not on the ledger alone.

    The first checkpoint of `state_dir` over the statement signs it; if there is none yet, one is written.

    Raises:
        RunNotFoundError, AmbiguousRunError: no run, or several, begin so.
        LedgerUnavailable, IdentityError: the ledger cannot be read or written, or the workspace's key not be used.
    """
    full_id = resolve_run_id(ledger, run_id)
    stated = _state(ledger, full_id, all_revoked_grounds(ledger, full_id, models))
    checkpoint = _over(stated, state_dir)
    if checkpoint is None:
        checkpoint_now(ledger, state_dir)
        checkpoint = _over(stated, state_dir)
    if checkpoint is None:
        raise RunNotFoundError(f"No checkpoint vouches for record {stated.sequence}.", "Run `affidavit audit verify`.")
    size = checkpoint.sequence
    with open_tree(ledger) as tree:
        gathered = _gather(tree.snapshot.records, full_id, grounds_in(stated.body), before=stated.sequence)
        records = {each.sequence: each for part in PARTS for each in getattr(gathered, part)}
        records[stated.sequence] = stated
        proved = [
            {
                "path": [each.hex() for each in inclusion_path(tree.node, sequence - 1, size)],
                "record": records[sequence].payload.decode(),
            }
            for sequence in sorted(records)
        ]
    runs = dict.fromkeys(each.run_id for each in (*gathered.basis, *gathered.run)) if disclose else ()
    keys = {each: ledger.disclosed_key(each) for each in runs if each}
    return {
        "checkpoint": checkpoint.to_json(),
        "disclosed": {each: key for each, key in keys.items() if key},
        "purpose": EVIDENCE_PURPOSE,
        "records": proved,
        "run_id": full_id,
        "workspace": ledger.workspace,
    }


def check_statement(record: Record, read: Read, reveal: Reveal) -> None:
    """Hold a statement against the ledger as it stood before it; `reveal` reads what is encrypted, where it can.

    Raises:
        SealError: it leaves out a record or a revoked review that the run relied on, or names one that is not there.
    """
    run_id = record.body.get("run_id")
    if not isinstance(run_id, str) or not run_id:
        raise SealError("it states the evidence of no run")
    grounds = grounds_in(record.body)
    if grounds is None and _says_more(next(iter(read(_newest(EVIDENCE, record.sequence))), None)):
        raise SealError("it is a statement of the first version, after one of the second")
    gathered = _gather(read, run_id, grounds, before=record.sequence)
    if record.body != gathered.statement(run_id):
        raise SealError(f"what it states to be the evidence of run {run_id} is not what the ledger has")
    if grounds is not None:
        run = [reveal(each) for each in gathered.run]
        asked = dict.fromkeys((*direct_grounds(run), *(each.run_id for each in grounds)))
        check_grounds(grounds, run, _revoked(read, asked, before=record.sequence), all_known=True)


def _says_more(statement: Record | None) -> bool:
    return statement is not None and "relied" in statement.body


def _state(ledger: Ledger, run_id: str, grounds: tuple[RevokedGround, ...]) -> Record:
    """The record that says which ones make up the evidence of a run as it stands; written unless it is there."""

    def statement(read: Read) -> dict[str, Any]:
        shown = direct_grounds(map(ledger.reveal, read(Selection(run_ids=(run_id,)))))
        known = {each.run_id for each in grounds}  # what was revoked since those were read is added
        since = [RevokedGround(each, each, shown[each]) for each in _revoked(read, shown) if each not in known]
        return _gather(read, run_id, tuple(sorted((*grounds, *since)))).statement(run_id)

    def known(read: Read) -> Record | None:
        selection = Selection(kinds=(EVIDENCE,), newest_first=True)
        latest = next((each for each in read(selection) if each.body.get("run_id") == run_id), None)
        return latest if latest is not None and latest.body == statement(read) else None

    def decide(snapshot: Snapshot) -> Entry | None:
        return None if known(snapshot.records) else Entry(EVIDENCE, statement(snapshot.records))

    found = known(ledger.select) or ledger.append_decided(decide) or known(ledger.select)
    assert found is not None  # noqa: S101  (it was there, or is now)
    return found


def _gather(
    read: Read, run_id: str, grounds: tuple[RevokedGround, ...] | None, *, before: int | None = None
) -> _Gathered:
    run = tuple(read(Selection(run_ids=(run_id,), before=before)))
    recalled = dict.fromkeys(str(each.body.get("verified_run_id")) for each in run if each.kind == RUN_RECALLED)
    basis = tuple(read(Selection(run_ids=tuple(recalled), kinds=DECIDING_KINDS, before=before))) if recalled else ()
    examples = {each.run_id for each in grounds or () if each.is_direct and each.how == EXAMPLE} - recalled.keys()
    of_examples = Selection(run_ids=tuple(sorted(examples)), kinds=DECIDING_KINDS, before=before)
    revoked = tuple(read(of_examples)) if examples else ()
    reviews = [each.sequence for each in (*basis, *revoked, *run) if each.kind == REVIEW]
    noted = {each.sequence: each for at in reviews if (each := next(iter(read(_newest(CHECKPOINT, at))), None))}
    return _Gathered(
        run=run,
        basis=basis,
        identities=tuple(read(Selection(kinds=IDENTITY_KINDS, before=before))),
        policies=tuple(read(Selection(kinds=(POLICY_CHANGED,), before=before))),
        rules=tuple(read(Selection(kinds=(REVIEW_RULES,), before=before))),
        checkpoints=tuple(noted[each] for each in sorted(noted)),
        revoked=revoked,
        grounds=grounds,
    )


def _newest(kind: str, before: int) -> Selection:
    return Selection(kinds=(kind,), before=before, newest_first=True)


def _revoked(read: Read, run_ids: Iterable[str], *, before: int | None = None) -> tuple[str, ...]:
    """Those of the runs whose review was revoked."""
    asked = tuple(run_ids)
    return tuple(revoked_in(read(Selection(run_ids=asked, kinds=(REVIEW,), before=before)))) if asked else ()


def _over(record: Record, state_dir: Path) -> Checkpoint | None:
    """The first checkpoint that vouches for a record, so that a bundle is the same whenever it is made."""
    heads = (each for _line, each in read_checkpoints(state_dir / CHECKPOINTS_NAME))
    return next((each for each in heads if each.root and each.sequence >= record.sequence), None)
