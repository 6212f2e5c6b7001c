"""A bundle of evidence judged by whoever was handed it: no ledger, no workspace, nothing but public keys.

Everything is read from the records' own bytes, and every byte of the bundle is one that something is checked over: the
records by their hashes in the tree, the paths by the root, the checkpoint by its signature, and the list of what has to
be there by the workspace's own statement among the records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any, Final

from audit.asking import AskingRules
from audit.assignment import ASSIGNMENT_KINDS, assignment_of, check_assignment
from audit.checkpoints import Checkpoint, checkpoint_holds, checkpoint_of
from audit.circumstances import Background, Circumstances
from audit.errors import IdentityError, ReviewError, SealError
from audit.evidence import EVIDENCE_PURPOSE, PARTS
from audit.identity import Identity, KeyRegister, Role
from audit.merkle import inclusion_holds
from audit.record import (
    EVIDENCE,
    POLICY_CHANGED,
    REVIEW,
    RUN_RECALLED,
    RUN_STARTED,
    Record,
    envelope_of,
    read_record,
)
from audit.review import DECIDING_KINDS, check_review
from audit.rules import run_on_record
from audit.seal import canonical_bytes, is_canonical
from audit.snapshot import Selection
from audit.veil import cover, holds_sealed, reveal_with

__all__ = ["UNDISCLOSED", "Evidence", "EvidenceCheck", "check_evidence", "read_evidence", "read_keys", "readable"]

UNDISCLOSED: Final = "[erased, or not disclosed]"
"""Shown in place of what is encrypted, where its key is not beside it."""

_SIGNATURE: Final = re.compile("[0-9a-f]{128}")
"""The one spelling of 64 bytes; others would be read as the same."""
_FIELDS: Final = {"checkpoint", "disclosed", "purpose", "records", "run_id", "workspace"}
_NOT_PROVED: Final = (
    "Whether anything was decided about this run after the checkpoint, such as a revocation. Ask for a new bundle.",
    "Whether what is recorded was true. That is what the reviews are for.",
)


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
    disclosed: Mapping[str, bytes] = field(default_factory=dict)
    """Run id → the key that what is encrypted in its records is read with."""

    @property
    def records(self) -> int:
        """How many records the bundle holds."""
        return 1 + sum(len(getattr(self, part)) for part in PARTS)


@dataclass(frozen=True, slots=True)
class EvidenceCheck:
    """What checking a bundle gave."""

    ok: bool
    problem: str
    """What is wrong, in one sentence; empty if all holds."""
    workspace: str = ""
    run_id: str = ""
    records: int = 0
    reviews: int = 0
    as_of: str = ""
    """When the checkpoint was signed: the bundle says nothing about later."""
    key_id: str = ""
    """Of the key that signed the checkpoint."""
    key_given: bool = False
    """Whether it was checked with a key that came another way; without, only that the bundle agrees with itself."""
    reviewers_given: bool = False
    """Whether the reviewers' keys came another way, too."""
    proved: tuple[str, ...] = ()
    not_proved: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The object that `audit verify BUNDLE --format json` prints."""
        return asdict(self)


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
    evidence = _sorted_out(workspace, run_id, checkpoint, records)
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
    )


def check_evidence(evidence: Evidence, keys: Sequence[Identity] = (), *, reviewers: bool = False) -> EvidenceCheck:
    """Judge what a bundle holds: the checkpoint's signature, every enrolment, every review by the rules.

    Args:
        evidence: what `read_evidence` gave.
        keys: public keys that came another way than the bundle; without any, only its agreement with itself is shown.
        reviewers: whether those are all keys that are trusted: then each review must be signed by one of them.
    """
    given = {each.key_id: each for each in keys}
    try:
        readable(evidence)
        grounds = _Grounds(evidence)
        _check_checkpoint(evidence, grounds.register, given)
        _check_decisions(evidence.run, grounds)
        _check_basis(evidence, grounds)
        _check_askers(evidence, grounds.register)
        if reviewers:
            _check_reviewers(evidence, grounds.register, given)
    except (SealError, IdentityError, ReviewError) as error:
        return EvidenceCheck(False, error.message, evidence.workspace, evidence.run_id)
    reviews = sum(each.kind == REVIEW for each in evidence.run)
    return EvidenceCheck(
        ok=True,
        problem="",
        workspace=evidence.workspace,
        run_id=evidence.run_id,
        records=evidence.records,
        reviews=reviews,
        as_of=evidence.checkpoint.time,
        key_id=evidence.checkpoint.key_id,
        key_given=bool(given),
        reviewers_given=reviewers,
        proved=_proved(evidence, reviews),
        not_proved=_not_proved(evidence, key_given=bool(given), reviewers=reviewers),
    )


def read_keys(text: str) -> tuple[Identity, ...]:
    """The public keys that `affidavit identity list --format json` printed.

    Raises:
        IdentityError: it is something else.
    """
    try:
        listed = json.loads(text)
        return tuple(
            Identity(
                str(each["name"]), str(each["key_id"]), str(each["public_key"]), frozenset(map(str, each["roles"]))
            )
            for each in listed
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise IdentityError(
            "The file of keys cannot be read.", "Make it with `affidavit identity list --format json > keys.json`."
        ) from error


def _bundle_of(data: bytes) -> dict[str, Any]:
    try:
        bundle: dict[str, Any] = json.loads(data)
        shaped = isinstance(bundle, dict) and bundle.keys() == _FIELDS and bundle["purpose"] == EVIDENCE_PURPOSE
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


def _sorted_out(workspace: str, run_id: str, checkpoint: Checkpoint, records: Sequence[Record]) -> Evidence:
    """The records by what they are for, as the workspace's statement says."""
    statements = [each for each in records if each.kind == EVIDENCE]
    if len(statements) != 1 or statements[0] is not records[-1] or statements[0].body.get("run_id") != run_id:
        raise SealError(f"It does not end with one statement of what makes up the evidence of run {run_id}.")
    stated = statements[0].body
    by_sequence = {each.sequence: each for each in records[:-1]}
    try:
        parts = {part: tuple(by_sequence.pop(sequence) for sequence in stated[part]) for part in PARTS}
    except (KeyError, TypeError) as error:
        raise SealError(f"A record that belongs to the evidence of run {run_id} is missing.") from error
    if by_sequence:
        raise SealError(f"Record {min(by_sequence)} does not belong to the evidence of run {run_id}.")
    lists = (parts["run"], parts["basis"], parts["identities"], parts["policies"], parts["rules"], parts["checkpoints"])
    evidence = Evidence(workspace, run_id, checkpoint, statements[0], *lists)
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
    started = (each for each in (*evidence.run, *evidence.basis) if each.kind == RUN_STARTED)
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


def _check_checkpoint(evidence: Evidence, register: KeyRegister, given: Mapping[str, Identity]) -> None:
    checkpoint = evidence.checkpoint
    enrolled = register.keys.get(checkpoint.key_id)
    if enrolled is None or not enrolled.may(Role.WORKSPACE):
        raise SealError(f"The checkpoint of {checkpoint.time} is signed with a key that is not the workspace's.")
    signer = enrolled
    if given:
        known = given.get(checkpoint.key_id)
        is_other = known is not None and bool(known.roles) and not known.may(Role.WORKSPACE)
        if known is None or known.public_key != enrolled.public_key or is_other:
            raise SealError(f"The checkpoint of {checkpoint.time} is signed with {checkpoint.key_id}, no key you gave.")
        signer = known
    if not _SIGNATURE.fullmatch(checkpoint.signature) or not checkpoint_holds(checkpoint, signer):
        raise SealError(f"The signature of the checkpoint of {checkpoint.time} does not hold.")


class _Grounds:
    """What decisions in the bundle are judged by: the keys, rules, policies and checkpoints that are in it."""

    def __init__(self, evidence: Evidence) -> None:
        self._policies = evidence.policies
        self._bundled = (*evidence.checkpoints, *evidence.basis, *evidence.run)
        records = sorted((*evidence.identities, *evidence.rules), key=lambda each: each.sequence)
        self._backgrounds = {
            allowed: Background.of(records, evidence.workspace, allow_self=allowed) for allowed in (False, True)
        }
        self.register = self._backgrounds[False].register

    def before(self, sequence: int) -> Circumstances:
        """What held when that record was written.

        Reviews of other runs are not in the bundle, so one of the first version that came after a review of the second
        is refused here only if there were rules on the ledger; without any there is nothing that it could get round.
        """
        return self._backgrounds[self._allows_self(sequence)].before(sequence, self._newest)

    def _newest(self, selection: Selection) -> Record | None:
        found = (
            each
            for each in self._bundled
            if each.kind in selection.kinds and each.sequence < (selection.before or each.sequence + 1)
        )
        return max(found, key=lambda each: each.sequence, default=None)

    def _allows_self(self, sequence: int) -> bool:
        """Whether the policy in force at a record let people review what they asked; for before there were rules."""
        in_force = [each for each in self._policies if each.sequence < sequence]
        policy = in_force[-1].body.get("policy") if in_force else None
        review = policy.get("review") if isinstance(policy, dict) else None
        return isinstance(review, dict) and review.get("allow_self") is True


def _check_decisions(records: Sequence[Record], grounds: _Grounds) -> None:
    """Each review and assignment against the run as it stood before it, and what else held then."""
    for position, record in enumerate(records):
        if record.kind != REVIEW and record.kind not in ASSIGNMENT_KINDS:
            continue
        before, then = records[:position], grounds.before(record.sequence)
        run = run_on_record(each for each in before if each.kind in DECIDING_KINDS)
        try:
            if record.kind == REVIEW:
                check_review(record, run, then)
            else:
                check_assignment(record, run, assignment_of(before), then)
        except ReviewError as error:
            named = "review" if record.kind == REVIEW else "assignment"
            sentence = f"The {named} in record {record.sequence} does not hold: {error.message}"
            raise ReviewError(sentence.rstrip(".") + ".") from error


def _check_basis(evidence: Evidence, grounds: _Grounds) -> None:
    """What the answer was recalled from must be there, and its reviews must hold."""
    for run_id in dict.fromkeys(each.run_id for each in evidence.basis):
        _check_decisions([each for each in evidence.basis if each.run_id == run_id], grounds)
    hashes = {each.hash for each in evidence.basis if each.kind == REVIEW}
    for record in evidence.run:
        if record.kind == RUN_RECALLED and record.body.get("review_hash") not in hashes:
            raise SealError(f"Record {record.sequence} stands on a review that is not in the bundle.")


def _check_askers(evidence: Evidence, register: KeyRegister) -> None:
    """Each question that is signed, or had to be by its policy."""
    rules = AskingRules(evidence.workspace)
    for record in sorted((*evidence.policies, *evidence.basis, *evidence.run), key=lambda each: each.sequence):
        try:
            if record.kind == POLICY_CHANGED:
                rules.learn(record)
            elif record.kind == RUN_STARTED:
                rules.check(record, register.before(record.sequence))
        except IdentityError as error:
            sentence = f"The question in record {record.sequence} does not hold: {error.message}"
            raise IdentityError(sentence.rstrip(".") + ".") from error


def _check_reviewers(evidence: Evidence, register: KeyRegister, given: Mapping[str, Identity]) -> None:
    enrolled = register.keys
    for record in (*evidence.run, *evidence.basis):
        if record.kind != REVIEW:
            continue
        key_id = str(record.body.get("key_id"))
        known = given.get(key_id)
        if known is None or (known.name, known.public_key) != (enrolled[key_id].name, enrolled[key_id].public_key):
            raise ReviewError(f"The review in record {record.sequence} is signed with {key_id}, no key you gave.")


def _proved(evidence: Evidence, reviews: int) -> tuple[str, ...]:
    checkpoint = evidence.checkpoint
    said = [
        f"Each of the {evidence.records} records is byte for byte among the first {checkpoint.sequence} of the ledger.",
        f"The ledger was so at {checkpoint.time}, signed with the workspace's key {checkpoint.key_id}.",
        f"The workspace states in record {evidence.statement.sequence} that these are all the records of the run.",
    ]
    if reviews:
        said.append(f"{reviews} review{'s are' if reviews > 1 else ' is'} signed by the enrolled keys and allowed.")
    return tuple(said)


def _not_proved(evidence: Evidence, *, key_given: bool, reviewers: bool) -> tuple[str, ...]:
    said = list(_NOT_PROVED)
    between = sum(after.sequence - before.sequence - 1 for before, after in pairwise(evidence.run))
    if between:
        said.insert(
            0,
            f"What the {between} records between those of the run say. That they are not the run's is the workspace's"
            " word; a whole verification of the ledger checks it.",
        )
    if not key_given:
        said.insert(0, "Whose ledger it is: compare the key id with the one the workspace's owner gives you.")
    elif not reviewers:
        said.insert(
            0, "That the reviewers' keys are theirs, beyond their enrolment on the ledger: give all keys for that."
        )
    return tuple(said)
