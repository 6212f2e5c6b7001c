"""What the records about keys say: how an enrolment and a retirement are written, signed and read back.

Nothing here looks at other records; whether one may follow those before it is decided in `audit.register`.

An enrolment is signed twice. Its subject signs name, key, roles, workspace and a nonce, and thereby shows that they
hold the key. Somebody who answers for them, the voucher, signs all that, the subject's signature and the head of the
ledger it is put on, so that neither signature is good for anything else, anywhere else or a second time.

Enrolments of the first version, `affidavit.identity/1`, are signed by their own key alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from audit.errors import IdentityError
from audit.keyring import Identity, Signer, key_id_of, same_person, signature_holds, signed_by

__all__ = [
    "FOUNDING_ROLES",
    "WORKSPACE_KEY",
    "Enrolment",
    "Retirement",
    "Role",
    "Voucher",
    "read_enrolment",
    "read_request",
    "read_retirement",
    "request_of",
    "retirement_of",
    "self_enrolment_of",
    "vouched",
]

WORKSPACE_KEY: Final = "workspace"
"""The name the program's own key is enrolled under; no person can have it."""

_ALONE: Final = "affidavit.identity/1"
_VOUCHED: Final = "affidavit.identity/2"
_RETIRED: Final = "affidavit.identity.retired/1"
_MAX_REASON: Final = 4000


class Role(StrEnum):
    """What a key may sign."""

    ASKER = "asker"
    """Questions, where the policy wants them signed."""
    REVIEWER = "reviewer"
    """Decisions on runs."""
    ADMIN = "admin"
    """Enrolments and retirements of other people."""
    WORKSPACE = "workspace"
    """Checkpoints, by the program itself."""


_PERSONAL: Final = frozenset((Role.ASKER, Role.REVIEWER, Role.ADMIN))
FOUNDING_ROLES: Final = frozenset((Role.ADMIN, Role.REVIEWER))
"""What the first person of a ledger is enrolled as."""


@dataclass(frozen=True, slots=True)
class Voucher:
    """Who answers for an enrolment, as it says itself."""

    name: str
    key_id: str
    previous_head: str
    signature: str
    statement: Mapping[str, Any]
    """What the signature must be over."""

    def signed_with(self, identity: Identity) -> bool:
        """Whether that key made the signature."""
        return signed_by(identity, self.signature, self.statement)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An enrolment whose own signature holds."""

    identity: Identity
    bootstrap: bool = False
    """Whether it is that of the ledger's first person, for whom nobody but the workspace's key can answer."""
    voucher: Voucher | None = None
    """None in one of the first version."""
    nonce: str = ""
    """Of the request that it grants; empty in one of the first version."""


@dataclass(frozen=True, slots=True)
class Retirement:
    """The end of a key, as it is recorded; the signature is still to be checked."""

    name: str
    key_id: str
    reason: str
    by: str
    by_key_id: str
    previous_head: str
    body: Mapping[str, Any]


def self_enrolment_of(signer: Signer, role: Role, workspace: str) -> dict[str, Any]:
    """The body of an enrolment of the first version: only the workspace's key is enrolled so now."""
    identity = signer.identity
    return signer.sign_body(_alone(identity, role.value, workspace))


def request_of(signer: Signer, roles: Iterable[str], workspace: str, *, bootstrap: bool = False) -> dict[str, Any]:
    """What a person signs in order to be enrolled; it becomes a record once somebody vouches for it.

    Raises:
        IdentityError: the name is the program's own.
    """
    identity = signer.identity
    if same_person(identity.name, WORKSPACE_KEY):
        raise IdentityError(f"No person can be called {WORKSPACE_KEY}: it is the program's own name.")
    return signer.sign_body(
        {
            "bootstrap": bootstrap,
            "key_id": identity.key_id,
            "name": identity.name,
            "nonce": secrets.token_hex(16),
            "public_key": identity.public_key,
            "purpose": _VOUCHED,
            "roles": sorted(set(roles)),
            "workspace": workspace,
        }
    )


def vouched(request: Mapping[str, Any], voucher: Signer, previous_head: str) -> dict[str, Any]:
    """The body of the enrolment that a request becomes when `voucher` answers for it on a ledger with that head."""
    named = {"key_id": voucher.identity.key_id, "name": voucher.identity.name, "previous_head": previous_head}
    signature = voucher.sign_statement({**request, "voucher": named})
    return {**request, "voucher": {**named, "signature": signature}}


def retirement_of(
    subject: Identity, signer: Signer, reason: str, *, previous_head: str, workspace: str
) -> dict[str, Any]:
    """The body of the record that ends a key.

    Raises:
        IdentityError: the reason is too long.
    """
    if len(reason) > _MAX_REASON:
        raise IdentityError(f"The reason may have {_MAX_REASON} characters at most.")
    return signer.sign_body(
        {
            "by": signer.identity.name,
            "by_key_id": signer.identity.key_id,
            "key_id": subject.key_id,
            "name": subject.name,
            "previous_head": previous_head,
            "purpose": _RETIRED,
            "reason": reason.strip(),
            "workspace": workspace,
        }
    )


def read_enrolment(body: Mapping[str, Any], workspace: str) -> Enrolment:
    """Read the body of an `identity` record of either version and check its subject's signature.

    Raises:
        IdentityError: malformed, for another workspace, or not signed by the key it enrols.
    """
    if body.get("purpose") != _VOUCHED:
        return Enrolment(_read_alone(body, workspace))
    request = {key: value for key, value in body.items() if key != "voucher"}
    enrolment = read_request(request, workspace)
    voucher = body.get("voucher")
    fields = ("key_id", "name", "previous_head", "signature")
    if not isinstance(voucher, Mapping) or voucher.keys() != set(fields):
        raise IdentityError("nobody vouches for it")
    if not all(isinstance(voucher[field], str) for field in fields):
        raise IdentityError("nobody vouches for it")
    named = {field: voucher[field] for field in fields if field != "signature"}
    answering = Voucher(**named, signature=voucher["signature"], statement={**request, "voucher": named})
    return replace(enrolment, voucher=answering)


def read_request(request: Mapping[str, Any], workspace: str) -> Enrolment:
    """Read what a person signed in order to be enrolled.

    Raises:
        IdentityError: malformed, for another workspace, or not signed by the key it is about.
    """
    texts = ("key_id", "name", "nonce", "public_key", "purpose", "signature", "workspace")
    if request.keys() != {*texts, "bootstrap", "roles"} or not all(isinstance(request[each], str) for each in texts):
        raise IdentityError("it does not have the fields of an enrolment")
    roles, bootstrap = request["roles"], request["bootstrap"]
    if not isinstance(bootstrap, bool) or not isinstance(roles, list):
        raise IdentityError("it does not have the fields of an enrolment")
    unknown = [role for role in roles if not isinstance(role, str) or role not in _PERSONAL]
    if unknown or not roles or roles != sorted(set(roles)):
        raise IdentityError(f"its roles {roles!r:.80} are not those of a person, each once and in order")
    if request["purpose"] != _VOUCHED or request["workspace"] != workspace:
        raise IdentityError("it is not an enrolment for this workspace")
    identity = _identity(request["name"], request["key_id"], request["public_key"], roles)
    if not signature_holds(identity, request):
        raise IdentityError("it is not signed by the key it enrols")
    return Enrolment(identity, bootstrap, nonce=request["nonce"])


def read_retirement(body: Mapping[str, Any], workspace: str) -> Retirement:
    """Read the body of an `identity.retired` record.

    Raises:
        IdentityError: malformed, or for another workspace.
    """
    texts = ("by", "by_key_id", "key_id", "name", "previous_head", "purpose", "reason", "signature", "workspace")
    if body.keys() != set(texts) or not all(isinstance(body[each], str) for each in texts):
        raise IdentityError("it does not have the fields of a retirement")
    if body["purpose"] != _RETIRED or body["workspace"] != workspace:
        raise IdentityError("it is not a retirement for this workspace")
    fields = ("name", "key_id", "reason", "by", "by_key_id", "previous_head")
    return Retirement(**{each: body[each] for each in fields}, body=body)


def _alone(identity: Identity, role: str, workspace: str) -> dict[str, Any]:
    return {
        "key_id": identity.key_id,
        "name": identity.name,
        "public_key": identity.public_key,
        "purpose": _ALONE,
        "role": role,
        "workspace": workspace,
    }


def _read_alone(body: Mapping[str, Any], workspace: str) -> Identity:
    fields = ("name", "key_id", "public_key", "role")
    if not all(isinstance(body.get(field), str) for field in fields):
        raise IdentityError("it lacks a name, a key or a role")
    role = body["role"]
    identity = _identity(body["name"], body["key_id"], body["public_key"], [role])
    if role not in (Role.REVIEWER, Role.WORKSPACE):
        raise IdentityError(f"its role {role!r} is not one")
    if body != {**_alone(identity, role, workspace), "signature": body.get("signature")}:
        raise IdentityError("it is not an enrolment for this workspace")
    if not signature_holds(identity, body):
        raise IdentityError("it is not signed by the key it enrols")
    return identity


def _identity(name: str, key_id: str, public_key: str, roles: Iterable[str]) -> Identity:
    try:
        raw = bytes.fromhex(public_key)
    except ValueError as error:
        raise IdentityError("its public key is not hexadecimal") from error
    if key_id != key_id_of(raw):
        raise IdentityError("its key id is not that of its public key")
    return Identity(name, key_id, public_key, frozenset(roles))
