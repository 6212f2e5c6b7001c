"""Who may sign: the records that say whose a public key is, and what it may sign.

A key's public half goes on the ledger in an `identity` record signed by the key itself, so nobody can enrol a key
they do not hold. A name is enrolled once: a second key under the same name would be a way to sign as somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

from audit.errors import IdentityError
from audit.keyring import Identity, Keyring, Signer, key_id_of, same_person, signature_holds
from audit.ledger import Ledger
from audit.record import IDENTITY, Entry, Record
from audit.snapshot import Selection, Snapshot

__all__ = [
    "Identity",
    "KeyRegister",
    "Keyring",
    "Role",
    "Signer",
    "create_identity",
    "enrol",
    "enrolled_keys",
    "ensure_identity",
    "register_of",
    "same_person",
    "signature_holds",
]

_PURPOSE: Final = "affidavit.identity/1"


class Role(StrEnum):
    """What a key may sign."""

    REVIEWER = "reviewer"
    """Decisions on runs."""
    WORKSPACE = "workspace"
    """Checkpoints, by the program itself."""


class KeyRegister:
    """The keys enrolled so far, in the order of the ledger."""

    def __init__(self) -> None:
        self.keys: dict[str, Identity] = {}
        self._enrolled_at: dict[str, int] = {}

    def before(self, sequence: int) -> dict[str, Identity]:
        """The keys enrolled before that record."""
        return {key_id: each for key_id, each in self.keys.items() if self._enrolled_at[key_id] < sequence}

    def accept(self, record: Record, workspace: str) -> Identity:
        """Take an `identity` record in.

        Raises:
            IdentityError: malformed, not signed by its own key, or a name that already has another key.
        """
        identity = _read_identity(record.body, workspace)
        for known in self.keys.values():
            if same_person(known.name, identity.name):
                raise IdentityError(f"it enrols a second key for {known.name}")
        if identity.key_id in self.keys:
            raise IdentityError(f"it enrols the key of {self.keys[identity.key_id].name} again")
        self.keys[identity.key_id] = identity
        self._enrolled_at[identity.key_id] = record.sequence
        return identity


def create_identity(ledger: Ledger, keyring: Keyring, name: str, *, role: Role = Role.REVIEWER) -> Signer:
    """Make a key and put its public half on the ledger; if that fails no key is left behind.

    Raises:
        IdentityError: the name cannot be used or has a key.
        LedgerUnavailable: the ledger cannot be written.
    """
    signer = keyring.create(name)
    try:
        enrol(ledger, signer, role)
    except BaseException:
        keyring.remove(name)
        raise
    return signer


def ensure_identity(ledger: Ledger, keyring: Keyring, name: str, *, role: Role) -> Signer:
    """The signer of that name, made if there is none, enrolled if the ledger does not know the key yet."""
    if keyring.holds(name):
        signer = keyring.load(name)
    else:
        try:
            signer = keyring.create(name)
        except IdentityError:
            if not keyring.holds(name):
                raise
            signer = keyring.load(name)  # another process was faster
    enrol(ledger, signer, role)
    return signer


def enrol(ledger: Ledger, signer: Signer, role: Role) -> Identity:
    """Put the public half of a key on the ledger, unless this very key is there already.

    Raises:
        IdentityError: the name has another key, or the key another name or role.
    """
    identity = signer.identity
    enrolled = Identity(identity.name, identity.key_id, identity.public_key, role.value)

    def decide(snapshot: Snapshot) -> Entry | None:
        keys = enrolled_keys(snapshot.records(Selection(kinds=(IDENTITY,))), ledger.workspace)
        for known in keys.values():
            same_key, same_name = known.key_id == enrolled.key_id, same_person(known.name, enrolled.name)
            if same_key and same_name and known.role == enrolled.role:
                return None
            if same_key or same_name:
                raise IdentityError(
                    f"{known.name} is enrolled as {known.role} with the key {known.key_id}; a name has one key.",
                    "Use that key, or choose another name.",
                )
        body = signer.sign_body(_statement(enrolled, ledger.workspace))
        return Entry(IDENTITY, body, actor=enrolled.name)

    ledger.append_decided(decide)
    return enrolled


def register_of(records: Iterable[Record], workspace: str) -> KeyRegister:
    """The register that the `identity` records of a ledger make, in their order.

    Raises:
        IdentityError: one of them does not hold.
    """
    register = KeyRegister()
    for record in records:
        if record.kind == IDENTITY:
            try:
                register.accept(record, workspace)
            except IdentityError as error:
                raise IdentityError(f"The identity in record {record.sequence} does not hold: {error}.") from error
    return register


def enrolled_keys(records: Iterable[Record], workspace: str) -> dict[str, Identity]:
    """Key id → identity, from the `identity` records of a ledger; raises as `register_of`."""
    return register_of(records, workspace).keys


def _statement(identity: Identity, workspace: str) -> dict[str, Any]:
    return {
        "key_id": identity.key_id,
        "name": identity.name,
        "public_key": identity.public_key,
        "purpose": _PURPOSE,
        "role": identity.role,
        "workspace": workspace,
    }


def _read_identity(body: Mapping[str, Any], workspace: str) -> Identity:
    fields = ("name", "key_id", "public_key", "role")
    if not all(isinstance(body.get(field), str) for field in fields):
        raise IdentityError("it lacks a name, a key or a role")
    identity = Identity(*(body[field] for field in fields))
    try:
        raw = bytes.fromhex(identity.public_key)
    except ValueError as error:
        raise IdentityError("its public key is not hexadecimal") from error
    if identity.key_id != key_id_of(raw):
        raise IdentityError("its key id is not that of its public key")
    if identity.role not in set(Role):
        raise IdentityError(f"its role {identity.role!r} is not one")
    if body != {**_statement(identity, workspace), "signature": body.get("signature")}:
        raise IdentityError("it is not an enrolment for this workspace")
    if not signature_holds(identity, body):
        raise IdentityError("it is not signed by the key it enrols")
    return identity
