"""A signed question: where the policy wants it, who asked is not a name that was typed but a key that was there.

What is signed is the run and the question's hash, so that a signature is good for one run alone. A run says by which
policy it was asked; if that policy wants signatures, verification does not take a run without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from audit.enrolment import Role
from audit.errors import IdentityError
from audit.identity import read_register
from audit.keyring import Identity, Signer, same_person, signed_by
from audit.ledger import Ledger
from audit.record import RUN_STARTED, Entry, Record
from audit.seal import digest
from audit.snapshot import Snapshot

__all__ = ["ENROLLED", "AskingRules", "start_signed_run"]

ENROLLED: Final = "enrolled"
"""What `asking` says in a policy that wants questions signed."""

_PURPOSE: Final = "affidavit.asking/1"
_MAY_ASK: Final = (Role.ASKER, Role.REVIEWER, Role.ADMIN)


def start_signed_run(ledger: Ledger, signer: Signer, body: Mapping[str, Any], run_id: str) -> Record:
    """Put the start of a run on the ledger, signed by who asks.

    Args:
        ledger: where to.
        signer: the key of `body["asker"]`, enrolled in any role of a person.
        body: of `run.started`, without a signature.
        run_id: the run's.

    Raises:
        IdentityError: the key may not ask, or is somebody else's; nothing was written.
        LedgerUnavailable: nothing was written.
    """
    key_id = signer.identity.key_id
    # What is signed is what is stored, so that the signature outlives the key of an erased subject.
    stored = ledger.concealed(Entry(RUN_STARTED, body, run_id=run_id, actor=body["asker"])).body
    signature = signer.sign_statement(_statement(stored, run_id, ledger.workspace, key_id))
    signed = {**stored, "asker_key": key_id, "asker_signature": signature}

    def decide(snapshot: Snapshot) -> Entry:
        problem = _problem(signed, run_id, ledger.workspace, read_register(snapshot).keys)
        if problem:
            raise IdentityError(
                f"{body['asker']} cannot ask: {problem}.",
                "An admin enrols them: affidavit identity create NAME --by ADMIN --role asker.",
            )
        return Entry(RUN_STARTED, signed, run_id=run_id, actor=body["asker"])

    record = ledger.append_decided(decide)
    assert record is not None  # noqa: S101  (decide always gives an entry)
    return record


class AskingRules:
    """Which policies on a ledger want signed questions, learnt in its order, and whether a run keeps to its own."""

    def __init__(self, workspace: str) -> None:
        self._workspace = workspace
        self._wanting: set[str] = set()

    def learn(self, policy_changed: Record) -> None:
        """Take in a policy that was recorded."""
        policy = policy_changed.body.get("policy")
        if isinstance(policy, Mapping) and policy.get("asking") == ENROLLED:
            self._wanting.add(str(policy_changed.body.get("policy_fingerprint")))

    def check(self, started: Record, keys: Mapping[str, Identity]) -> None:
        """Hold the start of a run against the policy it names and the keys enrolled before it.

        Raises:
            IdentityError: its signature is missing or does not hold, as a sentence that begins with "it".
        """
        body = started.body
        if "asker_key" in body or "asker_signature" in body:
            problem = _problem(body, started.run_id or "", self._workspace, keys)
            if problem or started.actor != body["asker"]:
                raise IdentityError(problem or f"it is signed for {body['asker']}, but its actor is another")
        elif body.get("policy_fingerprint") in self._wanting:
            raise IdentityError("it is not signed by who asked, although its policy wants that")


def _problem(body: Mapping[str, Any], run_id: str, workspace: str, keys: Mapping[str, Identity]) -> str:
    key_id, asker = body.get("asker_key"), body.get("asker")
    identity = keys.get(key_id) if isinstance(key_id, str) else None
    if identity is None or not isinstance(asker, str) or not same_person(identity.name, asker):
        return f"it is not signed with an enrolled key of {asker}"
    if identity.retired:
        return f"it is signed with a key of {identity.name} that was retired before it"
    if not any(identity.may(role) for role in _MAY_ASK):
        return f"it is signed with the key of {identity.name}, which may not ask"
    if not signed_by(identity, body.get("asker_signature"), _statement(body, run_id, workspace, identity.key_id)):
        return f"the signature of {identity.name} on it does not hold"
    return ""


def _statement(body: Mapping[str, Any], run_id: str, workspace: str, key_id: str) -> dict[str, Any]:
    question = body.get("question_sha256") or digest(str(body.get("question")).encode("utf-8", "backslashreplace"))
    return {
        "asker": body.get("asker"),
        "key_id": key_id,
        "purpose": _PURPOSE,
        "question_sha256": question,
        "run_id": run_id,
        "workspace": workspace,
    }
