"""Whose keys count, read from the ledger in its order: the rules of who may be enrolled, by whom, and retired.

The rules are those by which a record is written and by which every verification judges it again:

- The program's own key is enrolled as `workspace`, by itself, once; no other key is ever the workspace's.
- The first person is enrolled by their own signature and the workspace's key (bootstrap), once in a ledger's life.
- Every other person needs an admin, another person whose key is enrolled and not retired.
- Enrolments of the first version, which nobody vouched for, count only before the first person of the second.
- A name has one key at a time. The key of somebody enrolled may be enrolled again, for other roles, on a new request.
- An admin, or the person, retires a key; it signs nothing after that and never comes back, but its name may, with
  another key. The last admin stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from audit.enrolment import (
    FOUNDING_ROLES,
    WORKSPACE_KEY,
    Enrolment,
    Retirement,
    Role,
    Voucher,
    read_enrolment,
    read_retirement,
)
from audit.errors import IdentityError
from audit.keyring import Identity, same_person, signature_holds
from audit.record import IDENTITY, IDENTITY_RETIRED, Entry, Head, Record

__all__ = ["IDENTITY_KINDS", "KeyRegister", "Standing", "enrolled_keys", "register_of"]

IDENTITY_KINDS = (IDENTITY, IDENTITY_RETIRED)
"""The kinds of record that say whose key counts; whoever reads only some of them takes retired keys for good ones."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One key as the ledger has it now."""

    identity: Identity
    since: str
    """When it was enrolled first; UTC, RFC 3339."""
    sequence: int
    """The record that enrolled it last."""
    vouched_by: str = ""
    """The admin, or `workspace` for the first person; empty where nobody vouched (first version, workspace's key)."""
    bootstrap: bool = False
    retired: str = ""
    """When it was retired; empty while it counts."""
    retired_by: str = ""
    reason: str = ""

    @property
    def second_person(self) -> bool:
        """Whether somebody else of flesh and blood answered for it."""
        return bool(self.vouched_by) and not self.bootstrap


class KeyRegister:
    """The keys enrolled so far, in the order of the ledger."""

    def __init__(self, workspace: str) -> None:
        self._workspace = workspace
        self._standings: dict[str, Standing] = {}
        self._changes: list[tuple[int, Identity]] = []
        self._granted: dict[tuple[str, str], int] = {}
        self._vouching_since = 0

    @property
    def keys(self) -> dict[str, Identity]:
        """Key id → identity as it is now, retired ones included."""
        return {key_id: standing.identity for key_id, standing in self._standings.items()}

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Every key there is or was, in the order in which they came."""
        return tuple(self._standings.values())

    @property
    def has_founder(self) -> bool:
        """Whether the first person is enrolled, so that from now on an admin must vouch."""
        return bool(self._vouching_since)

    @property
    def admins(self) -> tuple[Identity, ...]:
        """Who may enrol and retire now."""
        return tuple(each for each in self.keys.values() if each.may(Role.ADMIN))

    def before(self, sequence: int) -> dict[str, Identity]:
        """The keys as they stood before that record."""
        return {identity.key_id: identity for changed, identity in self._changes if changed < sequence}

    def named(self, name: str) -> Identity | None:
        """Whose key counts under that name now."""
        living = (each for each in self.keys.values() if not each.retired and same_person(each.name, name))
        return next(living, None)

    def accept(self, record: Record) -> Identity:
        """Take in an `identity` or `identity.retired` record.

        Raises:
            IdentityError: it does not hold, as one plain sentence that begins with "it".
        """
        entry = Entry(record.kind, record.body, record.run_id, record.actor)
        standing = self.judge(entry, Head(record.sequence - 1, record.previous_hash), record.time)
        self._standings[standing.identity.key_id] = standing
        self._changes.append((record.sequence, standing.identity))
        self._granted.setdefault((standing.identity.key_id, str(record.body.get("nonce", ""))), record.sequence)
        if standing.vouched_by and not self._vouching_since:
            self._vouching_since = record.sequence
        return standing.identity

    def judge(self, entry: Entry, head: Head, time: str = "") -> Standing:
        """What a record with this entry, put after `head`, makes of its key; raises as `accept`."""
        if entry.kind == IDENTITY_RETIRED:
            return self._judge_retirement(read_retirement(entry.body, self._workspace), entry.actor, head, time)
        enrolment = read_enrolment(entry.body, self._workspace)
        identity, known = enrolment.identity, self._standings.get(enrolment.identity.key_id)
        if (Role.WORKSPACE in identity.roles) != same_person(identity.name, WORKSPACE_KEY):
            raise IdentityError(f"only the program's own key is enrolled as {WORKSPACE_KEY}, and as nothing else")
        if known is None:
            self._refuse_second_key(identity)
        else:
            self._refuse_other_use(identity, known)
        if enrolment.voucher is None:
            self._judge_unvouched(identity, known)
            return Standing(identity, time, head.sequence + 1)
        self._judge_voucher(enrolment, enrolment.voucher, head)
        answering = identity.name if enrolment.bootstrap else enrolment.voucher.name
        if entry.actor != answering:
            raise IdentityError(f"its actor is not {answering}, who signed it")
        since = known.since if known else time
        return Standing(identity, since, head.sequence + 1, enrolment.voucher.name, enrolment.bootstrap)

    def _refuse_second_key(self, identity: Identity) -> None:
        other = self.named(identity.name)
        if other is not None:
            raise IdentityError(f"it enrols a second key for {other.name}")

    def _refuse_other_use(self, identity: Identity, known: Standing) -> None:
        if known.identity.retired:
            raise IdentityError(f"it enrols the key of {known.identity.name} again, which was retired")
        if known.identity.name != identity.name:
            raise IdentityError(f"it enrols the key of {known.identity.name} again, under another name")

    def _judge_unvouched(self, identity: Identity, known: Standing | None) -> None:
        if known is not None:
            raise IdentityError(f"it enrols the key of {known.identity.name} again")
        if Role.WORKSPACE not in identity.roles and self._vouching_since:
            raise IdentityError(
                f"nobody but {identity.name} signed it, which is not enough since record {self._vouching_since}"
            )

    def _judge_voucher(self, enrolment: Enrolment, voucher: Voucher, head: Head) -> None:
        subject = enrolment.identity
        granted = self._granted.get((subject.key_id, enrolment.nonce))
        if granted:
            raise IdentityError(f"it grants the request that record {granted} granted already")
        if voucher.key_id == subject.key_id or same_person(voucher.name, subject.name):
            raise IdentityError(f"{subject.name} vouches for themself")
        identity = self.keys.get(voucher.key_id)
        if identity is None or identity.name != voucher.name:
            raise IdentityError(f"it is vouched for by {voucher.name}, whose key was not enrolled before it")
        if enrolment.bootstrap:
            self._judge_founder(subject, identity)
        elif not identity.may(Role.ADMIN):
            was = "was retired" if identity.retired else "may not enrol anybody"
            raise IdentityError(f"it is vouched for with the key of {identity.name}, which {was}")
        if voucher.previous_head != head.hash:
            raise IdentityError("it was vouched for at another place of the ledger")
        if not voucher.signed_with(identity):
            raise IdentityError(f"the signature of {identity.name} on it does not hold")

    def _judge_founder(self, subject: Identity, voucher: Identity) -> None:
        if self._vouching_since:
            raise IdentityError(f"the first person was enrolled in record {self._vouching_since}, so it needs an admin")
        if not voucher.may(Role.WORKSPACE):
            raise IdentityError("the first person is vouched for by the workspace's own key alone")
        if subject.roles != FOUNDING_ROLES:
            raise IdentityError("the first person is enrolled as admin and reviewer")

    def _judge_retirement(self, retirement: Retirement, actor: str, head: Head, time: str) -> Standing:
        known, signer = self._standings.get(retirement.key_id), self.keys.get(retirement.by_key_id)
        if known is None or known.identity.name != retirement.name:
            raise IdentityError(f"it retires a key of {retirement.name} that was not enrolled before it")
        subject = known.identity
        if subject.retired:
            raise IdentityError(f"it retires the key of {subject.name} again")
        if Role.WORKSPACE in subject.roles:
            raise IdentityError("it retires the workspace's own key, which there must be")
        if signer is None or signer.name != retirement.by or signer.name != actor:
            raise IdentityError(f"it is signed by {retirement.by}, whose key was not enrolled before it")
        if signer.retired or not (signer.key_id == subject.key_id or signer.may(Role.ADMIN)):
            raise IdentityError(f"{signer.name} may not retire the key of {subject.name}")
        if self.admins == (subject,):
            raise IdentityError(f"{subject.name} is the last admin")
        if retirement.previous_head != head.hash:
            raise IdentityError("it was signed at another place of the ledger")
        if not signature_holds(signer, retirement.body):
            raise IdentityError(f"the signature of {signer.name} on it does not hold")
        ended = replace(subject, retired=True)
        return replace(known, identity=ended, retired=time, retired_by=signer.name, reason=retirement.reason)


def register_of(records: Iterable[Record], workspace: str) -> KeyRegister:
    """The register that the records of a ledger make, in their order.

    Args:
        records: all of the kinds `IDENTITY_KINDS`; others are passed over.
        workspace: whose ledger it is.

    Raises:
        IdentityError: one of them does not hold.
    """
    register = KeyRegister(workspace)
    for record in records:
        if record.kind in IDENTITY_KINDS:
            try:
                register.accept(record)
            except IdentityError as error:
                raise IdentityError(f"The identity in record {record.sequence} does not hold: {error}.") from error
    return register


def enrolled_keys(records: Iterable[Record], workspace: str) -> dict[str, Identity]:
    """Key id → identity, retired ones included; arguments and errors as `register_of`."""
    return register_of(records, workspace).keys
