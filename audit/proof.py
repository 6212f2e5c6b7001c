"""Proofs that can be handed on: this record is on the ledger, and this ledger grew out of that one.

A proof is plain JSON. Whoever gets it needs neither the ledger nor this workspace to check it, only the workspace's
public key: the record's own bytes are in it, the path from them to the Merkle root, and the signed checkpoint that has
this root. The checking functions take that JSON and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from audit.checkpoints import Checkpoint, checkpoint_holds, checkpoint_of
from audit.errors import RecordNotFoundError, SealError
from audit.keyring import Identity
from audit.ledger import Ledger
from audit.merkle import consistency_holds, consistency_path, inclusion_holds, inclusion_path
from audit.record import read_record
from audit.seal import leaf_hash
from audit.snapshot import Selection
from audit.tree import open_tree

__all__ = ["ProofSubject", "consistency_problem", "inclusion_problem", "prove_consistency", "prove_inclusion"]

_INCLUSION: Final = "affidavit.inclusion/1"
_CONSISTENCY: Final = "affidavit.consistency/1"


@dataclass(frozen=True, slots=True)
class ProofSubject:
    """What is to be proved: one record by its sequence, or all the records of a run."""

    sequence: int = 0
    run_id: str = ""


def prove_inclusion(ledger: Ledger, subject: ProofSubject, checkpoints: Iterable[Checkpoint] = ()) -> dict[str, Any]:
    """The proof that records are on the ledger, in the tree of the newest checkpoint over them or in today's.

    Raises:
        RecordNotFoundError: there is no such record.
        LedgerUnavailable: the ledger cannot be read.
    """
    with open_tree(ledger) as tree:
        records = tree.snapshot.records(_selection(subject))
        if not records:
            named = f"run {subject.run_id}" if subject.run_id else f"record {subject.sequence}"
            raise RecordNotFoundError(f"There is no {named} on this ledger, so nothing can be proved of it.")
        checkpoint = _newest_over(checkpoints, records[-1].sequence)
        size = checkpoint.sequence if checkpoint else tree.snapshot.head.sequence
        proved = [
            {
                "sequence": record.sequence,
                "record": record.payload.decode(),
                "path": [each.hex() for each in inclusion_path(tree.node, record.sequence - 1, size)],
            }
            for record in records
        ]
        root = tree.root(size).hex()
    return {
        "purpose": _INCLUSION,
        "workspace": ledger.workspace,
        "size": size,
        "root": root,
        "checkpoint": checkpoint.to_json() if checkpoint else None,
        "records": proved,
    }


def prove_consistency(
    ledger: Ledger, first: int, second: int | None = None, checkpoints: Sequence[Checkpoint] = ()
) -> dict[str, Any]:
    """The proof that the ledger of `first` records is the beginning of that of `second`, today's if None.

    Raises:
        RecordNotFoundError: it never had that many records.
        LedgerUnavailable: the ledger cannot be read.
    """
    with open_tree(ledger) as tree:
        newest = tree.snapshot.head.sequence
        second = newest if second is None else second
        if not 0 <= first <= second <= newest:
            raise RecordNotFoundError(
                f"This ledger has {newest} records, so it cannot have grown from {first} to {second}."
            )
        path = [each.hex() for each in consistency_path(tree.node, first, second)]
        roots = tree.root(first).hex(), tree.root(second).hex()
    signed = {each.sequence: each.to_json() for each in checkpoints if each.root and each.sequence in (first, second)}
    return {
        "purpose": _CONSISTENCY,
        "workspace": ledger.workspace,
        "first": {"size": first, "root": roots[0], "checkpoint": signed.get(first)},
        "second": {"size": second, "root": roots[1], "checkpoint": signed.get(second)},
        "path": path,
    }


def inclusion_problem(proof: Mapping[str, Any], key: Identity | None = None) -> str:
    """What is wrong with a proof of inclusion, as one sentence; empty if it holds.

    With `key`, the workspace's, its checkpoint must be there and signed by it; without, only the numbers are checked.
    """
    try:
        if proof["purpose"] != _INCLUSION or not proof["records"]:
            return "It is not a proof of inclusion."
        root, size = bytes.fromhex(proof["root"]), int(proof["size"])
        for each in proof["records"]:
            payload, path = each["record"].encode(), [bytes.fromhex(step) for step in each["path"]]
            record = read_record(payload, workspace=proof["workspace"])
            if record.sequence != each["sequence"]:
                return f"The bytes shown as record {each['sequence']} are those of record {record.sequence}."
            if not inclusion_holds(bytes.fromhex(leaf_hash(payload)), record.sequence - 1, size, path, root):
                return f"Record {record.sequence} is not in the tree with this root, or its bytes were changed."
        return _signature_problem(proof["workspace"], proof, key)
    except (KeyError, TypeError, ValueError, AttributeError, SealError) as error:
        return f"It is not a proof of inclusion: {error}."


def consistency_problem(proof: Mapping[str, Any], key: Identity | None = None) -> str:
    """What is wrong with a proof of consistency, as one sentence; empty if it holds. `key` is as above."""
    try:
        if proof["purpose"] != _CONSISTENCY:
            return "It is not a proof of consistency."
        first, second = proof["first"], proof["second"]
        path = [bytes.fromhex(step) for step in proof["path"]]
        roots = bytes.fromhex(first["root"]), bytes.fromhex(second["root"])
        if not consistency_holds(int(first["size"]), roots[0], int(second["size"]), roots[1], path):
            return f"The ledger of {second['size']} records did not grow out of that of {first['size']}."
        problems = (_signature_problem(proof["workspace"], each, key) for each in (first, second))
        return next((each for each in problems if each), "")
    except (KeyError, TypeError, ValueError, AttributeError, SealError) as error:
        return f"It is not a proof of consistency: {error}."


def _selection(subject: ProofSubject) -> Selection:
    if subject.run_id:
        return Selection(run_ids=(subject.run_id,))
    return Selection(after=subject.sequence - 1, before=subject.sequence + 1)


def _newest_over(checkpoints: Iterable[Checkpoint], sequence: int) -> Checkpoint | None:
    over = [each for each in checkpoints if each.root and each.sequence >= sequence]
    return max(over, key=lambda each: each.sequence, default=None)


def _signature_problem(workspace: str, head: Mapping[str, Any], key: Identity | None) -> str:
    """Whether the signed checkpoint beside a size and a root is over them."""
    if head["checkpoint"] is None:
        return "" if key is None else f"No checkpoint vouches for the {head['size']} records of it."
    checkpoint = checkpoint_of(head["checkpoint"], "What is shown as its checkpoint")
    if (checkpoint.workspace, checkpoint.sequence, checkpoint.root) != (workspace, head["size"], head["root"]):
        return f"The checkpoint of {checkpoint.time} is over another ledger than this proof."
    if key is not None and not checkpoint_holds(checkpoint, key):
        return f"The checkpoint of {checkpoint.time} is not signed with that key."
    return ""
