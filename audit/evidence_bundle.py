"""A bundle of evidence read from its bytes: each record whole, in the tree of the checkpoint, and where it belongs.

What the records mean, and whether the checkpoint is signed, is judged by `audit.evidence_check`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final

from audit.checkpoints import Checkpoint, checkpoint_of
from audit.errors import SealError
from audit.evidence import EVIDENCE_PURPOSE, FIRST_PARTS, FIRST_PURPOSE, PARTS
from audit.evidence_grounds import RevokedGround, grounds_in
from audit.merkle import inclusion_holds
from audit.record import EVIDENCE, RUN_STARTED, Record, envelope_of, read_record
from audit.seal import canonical_bytes, is_canonical
from audit.veil import cover, holds_sealed, reveal_with

__all__ = ["UNDISCLOSED", "Evidence", "read_evidence", "readable"]

UNDISCLOSED: Final = "[erased, or not disclosed]"
"""Shown in place of what is encrypted, where its key is not beside it."""

_FIELDS: Final = {"checkpoint", "disclosed", "purpose", "records", "run_id", "workspace"}
_PARTS: Final = {FIRST_PURPOSE: FIRST_PARTS, EVIDENCE_PURPOSE: PARTS}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a bundle holds, read from its records' bytes; every record is in the tree of the checkpoint."""

    workspace: str
    run_id: str
    checkpoint: Checkpoint
    statement: Record
    run: tuple[Record, ...]
    basis: tuple[Record, ...]
    """Of the run that this one was recalled from: how it started and ended, and its reviews."""
    identities: tuple[Record, ...]
    policies: tuple[Record, ...]
    rules: tuple[Record, ...]
    """The rules of review, as they were recorded."""
    checkpoints: tuple[Record, ...]
    """Notes of the checkpoints that the reviews name."""
    revoked: tuple[Record, ...] = ()
    """Of each run that was shown as an example and whose review was revoked: how it started and ended, its reviews."""
    grounds: tuple[RevokedGround, ...] | None = None
    """The revoked reviews that the run relied on, as the workspace states; None if it does not say (first version)."""
    disclosed: Mapping[str, bytes] = field(default_factory=dict)
    """Run id → the key that what is encrypted in its records is read with."""

    @property
    def records(self) -> int:
        """How many records the bundle holds."""
        return 1 + sum(len(getattr(self, part)) for part in PARTS)


def read_evidence(data: bytes) -> Evidence:
    """Read a bundle from its bytes and see that each record of it is whole and in the tree of its checkpoint.

    Raises:
        SealError: what does not hold, as one sentence.
    """
    bundle = _bundle_of(data)
    workspace, run_id = bundle["workspace"], bundle["run_id"]
    checkpoint = checkpoint_of(bundle["checkpoint"], "What is shown as its checkpoint")
    if checkpoint.workspace != workspace:
        raise SealError(f"The checkpoint is one of the workspace {checkpoint.workspace!r}, not of {workspace!r}.")
    records = [_record_in(each, checkpoint) for each in bundle["records"]]
    for before, after in pairwise(records):
        if before.sequence >= after.sequence:
            raise SealError(f"Record {after.sequence} is not in its place.")
        if before.sequence + 1 == after.sequence and after.previous_hash != before.hash:
            raise SealError(f"Record {after.sequence} does not follow record {before.sequence}.")
    evidence = _sorted_out(workspace, run_id, checkpoint, records, _PARTS[bundle["purpose"]])
    return replace(evidence, disclosed=_disclosed(bundle["disclosed"], evidence))


def readable(evidence: Evidence) -> Evidence:
    """The same as people read it: with what was disclosed in place of its ciphertext, and words in place of the rest.

    Raises:
        SealError: a disclosed key is not that of its run.
    """
    return replace(
        evidence,
        run=tuple(_readable(each, evidence) for each in evidence.run),
        basis=tuple(_readable(each, evidence) for each in evidence.basis),
        revoked=tuple(_readable(each, evidence) for each in evidence.revoked),
    )


def _bundle_of(data: bytes) -> dict[str, Any]:
    try:
        bundle: dict[str, Any] = json.loads(data)
        shaped = isinstance(bundle, dict) and bundle.keys() == _FIELDS and bundle["purpose"] in _PARTS
        texts = shaped and all(isinstance(bundle[name], str) for name in ("run_id", "workspace"))
        if not texts or not isinstance(bundle["records"], list):
            raise SealError("It is not a bundle of evidence, or one of a version that this program does not know.")
        if canonical_bytes(bundle) != data:
            raise SealError("Its bytes are not canonical: it was written by something else, or changed.")
    except (ValueError, RecursionError) as error:
        raise SealError("It is not a bundle of evidence: it is not JSON.") from error
    return bundle


def _record_in(entry: Any, checkpoint: Checkpoint) -> Record:
    """A record of the bundle, once its bytes are canonical and lead to the root."""
    if not isinstance(entry, dict) or entry.keys() != {"path", "record"} or not isinstance(entry["record"], str):
        raise SealError("One of its records is none.")
    payload = entry["record"].encode("utf-8", "surrogatepass")
    try:
        record = read_record(payload, workspace=checkpoint.workspace)
        named = f"Record {record.sequence}"
        if not is_canonical(payload, envelope_of(record, checkpoint.workspace)):
            raise SealError("its bytes are not canonical")
    except SealError as error:
        raise SealError(f"One of its records does not hold: {error.message}.") from error
    leaf, root = bytes.fromhex(record.hash), _hash(checkpoint.root, "The checkpoint's root")
    path = [_hash(step, f"{named}'s path") for step in entry["path"]] if isinstance(entry["path"], list) else []
    if not inclusion_holds(leaf, record.sequence - 1, checkpoint.sequence, path, root):
        raise SealError(f"{named} is not in the tree of the checkpoint, or its bytes were changed.")
    return record


def _hash(text: Any, what: str) -> bytes:
    """32 bytes from their one spelling."""
    try:
        found = bytes.fromhex(text)
    except (ValueError, TypeError):
        found = b""
    if len(found) != 32 or found.hex() != text:
        raise SealError(f"{what} holds something that is no hash.")
    return found


def _sorted_out(
    workspace: str, run_id: str, checkpoint: Checkpoint, records: Sequence[Record], names: Sequence[str]
) -> Evidence:
    """The records by what they are for, as the workspace's statement says."""
    statements = [each for each in records if each.kind == EVIDENCE]
    if len(statements) != 1 or statements[0] is not records[-1] or statements[0].body.get("run_id") != run_id:
        raise SealError(f"It does not end with one statement of what makes up the evidence of run {run_id}.")
    stated = statements[0].body
    by_sequence = {each.sequence: each for each in records[:-1]}
    try:
        parts = {part: tuple(by_sequence.pop(sequence) for sequence in stated[part]) for part in names}
    except (KeyError, TypeError) as error:
        raise SealError(f"A record that belongs to the evidence of run {run_id} is missing.") from error
    if by_sequence:
        raise SealError(f"Record {min(by_sequence)} does not belong to the evidence of run {run_id}.")
    grounds = grounds_in(stated)
    if (grounds is not None) != ("revoked" in parts):
        raise SealError("Its statement is of another version than the bundle.")
    evidence = Evidence(
        workspace=workspace,
        run_id=run_id,
        checkpoint=checkpoint,
        statement=statements[0],
        run=parts["run"],
        basis=parts["basis"],
        identities=parts["identities"],
        policies=parts["policies"],
        rules=parts["rules"],
        checkpoints=parts["checkpoints"],
        revoked=parts.get("revoked", ()),
        grounds=grounds,
    )
    if not evidence.run or evidence.run[0].kind != RUN_STARTED or any(each.run_id != run_id for each in evidence.run):
        raise SealError(f"Its records are not those of run {run_id}.")
    return evidence


def _disclosed(given: Any, evidence: Evidence) -> dict[str, bytes]:
    """The keys beside the records; one of a run that is not there, or with nothing encrypted, is out of place."""
    sealed = {each.run_id for each in (*evidence.run, *evidence.basis) if holds_sealed(each)}
    if not isinstance(given, dict) or not given.keys() <= sealed & _with_subject(evidence):
        raise SealError("It discloses a key that reads nothing in it.")
    return {run_id: _hash(key, f"The key of run {run_id}") for run_id, key in given.items()}


def _with_subject(evidence: Evidence) -> set[str | None]:
    """The runs whose records are encrypted. In another one, what looks like ciphertext is somebody's words."""
    started = (each for each in (*evidence.run, *evidence.basis, *evidence.revoked) if each.kind == RUN_STARTED)
    return {each.run_id for each in started if each.body.get("subject")}


def _readable(record: Record, evidence: Evidence) -> Record:
    if record.run_id not in _with_subject(evidence):
        return record
    key = evidence.disclosed.get(record.run_id or "")
    if key is None:
        return cover(record, UNDISCLOSED)
    shown = reveal_with(record, key, evidence.workspace)
    if holds_sealed(shown):
        raise SealError(f"The key beside it does not read what is encrypted in record {record.sequence}.")
    return shown
