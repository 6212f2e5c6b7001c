"""That a subject is erased, on the record: signed by an admin once there is one, for it cannot be undone.

What is signed names the subjects and the head of the ledger, so that a signature erases nothing else and nothing later.
On a ledger without an admin nobody could sign, and there it is recorded with the name that was given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from audit.errors import IdentityError
from audit.identity import Identity, Role, Signer, read_register, signature_holds
from audit.ledger import Ledger
from audit.record import PRIVACY_ERASED, Entry, Head, Record
from audit.snapshot import Snapshot

__all__ = ["check_erasure", "needs_admin", "record_erasure"]

_PURPOSE: Final = "affidavit.privacy.erased/1"
_SIGNED: Final = frozenset(("by", "key_id", "previous_head", "purpose", "signature", "workspace"))
_SAID: Final = frozenset(("runs", "subjects"))


def needs_admin(ledger: Ledger) -> bool:
    """Whether an admin is enrolled, so that nobody else may erase.

    Raises:
        IdentityError: a record about a key does not hold.
        LedgerUnavailable: the ledger cannot be read.
    """
    return bool(read_register(ledger).admins)


def record_erasure(ledger: Ledger, subjects: Sequence[str], runs: int, *, actor: str, signer: Signer | None) -> Record:
    """Put on the ledger that these subjects' keys are about to be destroyed.

    Args:
        ledger: where their runs are.
        subjects: their ids on the ledger.
        runs: how many runs were about them.
        actor: whose word it is where nobody can sign.
        signer: an admin's key; None only where the ledger has no admin.

    Raises:
        IdentityError: there is an admin, and the key is not one's; nothing was written.
        LedgerUnavailable: nothing was written.
    """
    said = {"runs": runs, "subjects": list(subjects)}

    def decide(snapshot: Snapshot) -> Entry:
        register = read_register(snapshot)
        if not register.admins:
            return Entry(PRIVACY_ERASED, said, actor=actor)
        admin = register.keys.get(signer.identity.key_id) if signer else None
        if signer is None or admin is None or not admin.may(Role.ADMIN):
            named = signer.identity.name if signer else actor
            raise IdentityError(
                f"{named or 'Nobody'} may not erase: it takes an admin's key.",
                "Name an admin with --as NAME; `affidavit identity list` shows who is one.",
            )
        body = said | _statement(admin, snapshot.head, ledger.workspace)
        return Entry(PRIVACY_ERASED, signer.sign_body(body), actor=admin.name)

    record = ledger.append_decided(decide)
    assert record is not None  # noqa: S101  (decide always gives an entry)
    return record


def check_erasure(record: Record, keys: Mapping[str, Identity], workspace: str) -> None:
    """Check such a record against the keys enrolled before it.

    Raises:
        IdentityError: an admin did not sign it, as one sentence that begins with "it".
    """
    body = record.body
    if body.keys() == _SAID:
        if any(each.may(Role.ADMIN) for each in keys.values()):
            raise IdentityError("it is not signed, although there was an admin who had to")
        return
    if body.keys() != _SAID | _SIGNED:
        raise IdentityError("it does not have the fields of its kind")
    admin = keys.get(str(body["key_id"]))
    if admin is None or not admin.may(Role.ADMIN):
        raise IdentityError("it is not signed with the key of somebody who was an admin then")
    expected = _statement(admin, Head(record.sequence - 1, record.previous_hash), workspace)
    if record.actor != admin.name or any(body[key] != value for key, value in expected.items()):
        raise IdentityError(f"it was not signed by {admin.name} for this place on this ledger")
    if not signature_holds(admin, body):
        raise IdentityError(f"the signature of {admin.name} on it does not hold")


def _statement(admin: Identity, head: Head, workspace: str) -> dict[str, Any]:
    return {
        "by": admin.name,
        "key_id": admin.key_id,
        "previous_head": head.hash,
        "purpose": _PURPOSE,
        "workspace": workspace,
    }
