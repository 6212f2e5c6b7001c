"""A bundle of evidence judged by whoever was handed it: no ledger, no workspace, nothing but public keys.

Every byte of a bundle is one that something is checked over. `audit.evidence_bundle` holds the records against the
root; here are the checkpoint's signature, the enrolments, and every decision by the rules that were in force.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final

from audit.asking import AskingRules
from audit.assignment import ASSIGNMENT_KINDS, assignment_of, check_assignment
from audit.checkpoints import checkpoint_holds
from audit.circumstances import Background, Circumstances
from audit.errors import IdentityError, ReviewError, SealError
from audit.evidence_bundle import Evidence, readable
from audit.evidence_grounds import check_grounds, revoked_in
from audit.identity import Identity, KeyRegister, Role
from audit.record import POLICY_CHANGED, REVIEW, RUN_RECALLED, RUN_STARTED, Record
from audit.review import DECIDING_KINDS, check_review
from audit.rules import run_on_record
from audit.snapshot import Selection

__all__ = ["EvidenceCheck", "check_evidence", "read_keys"]

_SIGNATURE: Final = re.compile("[0-9a-f]{128}")
"""The one spelling of 64 bytes; others would be read as the same."""
_NOT_PROVED: Final = (
    "Whether anything was decided about this run after the checkpoint, such as a revocation. Ask for a new bundle.",
    "Whether what is recorded was true. That is what the reviews are for.",
)


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
    basis_reviews: int = 0
    """Of the runs that it was recalled from; they are checked like its own."""
    as_of: str = ""
    """When the checkpoint was signed: the bundle says nothing about later."""
    key_id: str = ""
    """Of the key that signed the checkpoint."""
    key_given: bool = False
    """Whether it was checked with a key that came another way; without, only that the bundle agrees with itself."""
    reviewers_given: bool = False
    """Whether the reviewers' keys came another way, too."""
    relied_on_revoked: tuple[str, ...] = ()
    """Runs whose revoked review it relied on; what of this is proved, and what is a word, is said below."""
    proved: tuple[str, ...] = ()
    not_proved: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The object that `audit verify BUNDLE --format json` prints."""
        return asdict(self)


def check_evidence(evidence: Evidence, keys: Sequence[Identity] = (), *, reviewers: bool = False) -> EvidenceCheck:
    """Judge what a bundle holds: the checkpoint's signature, every enrolment, every review by the rules.

    Args:
        evidence: what `read_evidence` gave.
        keys: public keys that came another way than the bundle; without any, only its agreement with itself is shown.
        reviewers: whether those are all keys that are trusted: then each review must be signed by one of them.
    """
    given = {each.key_id: each for each in keys}
    try:
        run = readable(evidence).run
        grounds = _Grounds(evidence)
        _check_checkpoint(evidence, grounds.register, given)
        _check_decisions(evidence.run, grounds)
        _check_basis(evidence, grounds)
        _check_relied(evidence, run)
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
        basis_reviews=sum(each.kind == REVIEW for each in evidence.basis),
        as_of=evidence.checkpoint.time,
        key_id=evidence.checkpoint.key_id,
        key_given=bool(given),
        reviewers_given=reviewers,
        relied_on_revoked=tuple(dict.fromkeys(each.run_id for each in evidence.grounds or ())),
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
        self._bundled = (*evidence.checkpoints, *evidence.basis, *evidence.revoked, *evidence.run)
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
    """What the answer was recalled from must be there; its reviews, and those of revoked examples, must hold."""
    others = (*evidence.basis, *evidence.revoked)
    for run_id in dict.fromkeys(each.run_id for each in others):
        _check_decisions([each for each in others if each.run_id == run_id], grounds)
    hashes = {each.hash for each in evidence.basis if each.kind == REVIEW}
    for record in evidence.run:
        if record.kind == RUN_RECALLED and record.body.get("review_hash") not in hashes:
            raise SealError(f"Record {record.sequence} stands on a review that is not in the bundle.")


def _check_relied(evidence: Evidence, run: Sequence[Record]) -> None:
    """What the workspace says was relied on, as far as the records show it; `run` as it is read with the run's key."""
    if evidence.grounds is None:
        return
    try:
        check_grounds(evidence.grounds, run, revoked_in((*evidence.basis, *evidence.revoked)), all_known=False)
    except SealError as error:
        raise SealError(f"The statement in record {evidence.statement.sequence} is false: {error.message}.") from error


def _check_askers(evidence: Evidence, register: KeyRegister) -> None:
    """Each question that is signed, or had to be by its policy."""
    rules = AskingRules(evidence.workspace)
    asked = (*evidence.policies, *evidence.basis, *evidence.revoked, *evidence.run)
    for record in sorted(asked, key=lambda each: each.sequence):
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
    for record in (*evidence.run, *evidence.basis, *evidence.revoked):
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
    revoked = revoked_in((*evidence.basis, *evidence.revoked))
    said += [
        f"The run relied on the review of run {each.run_id} ({each.how}), which {revoked[each.run_id].actor} revoked in"
        f" record {revoked[each.run_id].sequence}."
        for each in evidence.grounds or ()
        if each.is_direct
    ]
    return tuple(said)


def _not_proved(evidence: Evidence, *, key_given: bool, reviewers: bool) -> tuple[str, ...]:
    said = [*_NOT_PROVED, *_not_proved_of_grounds(evidence)]
    between = sum(after.sequence - before.sequence - 1 for before, after in pairwise(evidence.run))
    if between:
        they = f"{between} records between those of the run say. That they are"
        one = "one record between those of the run says. That it is"
        word = "not the run's is the workspace's word; a whole verification of the ledger checks it."
        said.insert(0, f"What the {one if between == 1 else they} {word}")
    if not key_given:
        said.insert(0, "Whose ledger it is: compare the key id with the one the workspace's owner gives you.")
    elif not reviewers:
        said.insert(
            0, "That the reviewers' keys are theirs, beyond their enrolment on the ledger: give all keys for that."
        )
    return tuple(said)


def _not_proved_of_grounds(evidence: Evidence) -> list[str]:
    """What of the revoked reviews that the run relied on is the workspace's word."""
    if evidence.grounds is None:
        return ["Whether it relied on a review that was revoked: bundles of the first version do not say."]
    at = evidence.statement.sequence
    said = [
        f"That the run relied on the revoked review of run {each.run_id} through {_through(each.on, each.how)}: the"
        f" workspace says so in record {at}."
        for each in evidence.grounds
        if not each.is_direct
    ]
    other = "other " if evidence.grounds else ""
    return [*said, f"That it relied on no {other}review revoked by then: the workspace's word in record {at}."]


def _through(on: str, how: str) -> str:
    return f"the {how}" if how.startswith("model ") else f"run {on} ({how})"
