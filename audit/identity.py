"""Who may sign: enrolling people, vouching for them, and retiring their keys.

Nobody is enrolled on their own word. The first person of a ledger is vouched for by the workspace's key, which says
only that they were there first; everybody after that by an admin. The rules are in `audit.register`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from audit.enrolment import (
    FOUNDING_ROLES,
    WORKSPACE_KEY,
    Role,
    read_enrolment,
    read_request,
    request_of,
    retirement_of,
    self_enrolment_of,
    vouched,
)
from audit.errors import AuditError, IdentityError
from audit.keyring import Identity, Keyring, Signer, same_person, signature_holds
from audit.ledger import Ledger
from audit.names import refuse_mixed_scripts
from audit.record import IDENTITY, IDENTITY_RETIRED, Entry, Record
from audit.register import IDENTITY_KINDS, KeyRegister, Standing, enrolled_keys, register_of
from audit.snapshot import Selection, Snapshot

__all__ = [
    "IDENTITY_KINDS",
    "WORKSPACE_KEY",
    "Identity",
    "KeyRegister",
    "Keyring",
    "Role",
    "Signer",
    "Standing",
    "create_identity",
    "enrol",
    "enrol_request",
    "enrolled_keys",
    "ensure_workspace_key",
    "forgetting_unless_enrolled",
    "read_register",
    "register_of",
    "request_enrolment",
    "retire",
    "same_person",
    "signature_holds",
]

_ENROLLING: Final = Selection(kinds=IDENTITY_KINDS)
_HOW: Final = (
    "An admin does it: affidavit identity create NAME --by ADMIN, or affidavit identity enrol FILE --as ADMIN."
)


def read_register(source: Ledger | Snapshot) -> KeyRegister:
    """Whose keys count on a ledger now.

    Raises:
        IdentityError: a record about a key does not hold.
        LedgerUnavailable: the ledger cannot be read.
    """
    records = source.select(_ENROLLING) if isinstance(source, Ledger) else source.records(_ENROLLING)
    return register_of(records, source.workspace)


def create_identity(
    ledger: Ledger,
    keyring: Keyring,
    name: str,
    *,
    by: Signer | None = None,
    roles: Collection[str] = (),
    passphrase: str = "",
) -> Signer:
    """Make a key and put its public half on the ledger; if that fails no key is left behind.

    Args:
        ledger: where the person is enrolled.
        keyring: where the key is kept, and where the workspace's is.
        name: the person's.
        by: the admin who vouches; None for the first person of the ledger alone.
        roles: as `enrol`.
        passphrase: protects the key's file; empty for none.

    Raises:
        IdentityError: the name cannot be used or has a key, or the rules do not allow it.
        LedgerUnavailable: the ledger cannot be written.
    """
    voucher = by or keyring.load(WORKSPACE_KEY)
    read_register(ledger)
    signer = keyring.create(name, passphrase=passphrase)
    with forgetting_unless_enrolled(ledger, keyring, signer):
        enrol(ledger, signer, by=voucher, roles=roles)
    return signer


@contextmanager
def forgetting_unless_enrolled(ledger: Ledger, keyring: Keyring, signer: Signer) -> Iterator[None]:
    """Delete a key that was made just now if what is done inside fails and the ledger does not know it.

    A failure can come after the enrolment was committed (a checkpoint that cannot be written, say); then, and where the
    ledger cannot tell, the key stays: one too many does no harm, but one that is enrolled and gone cannot be had again.
    """
    try:
        yield
    except BaseException:
        with suppress(AuditError):
            if signer.identity.key_id not in read_register(ledger).keys:
                keyring.remove(signer.identity.name)
        raise


def enrol(ledger: Ledger, signer: Signer, *, by: Signer, roles: Collection[str] = ()) -> Identity:
    """Put the public half of a person's key on the ledger.

    Args:
        ledger: where to.
        signer: the person's key. One that is enrolled already is enrolled anew: with other roles, or with a voucher
            where the first version had none.
        by: the admin who vouches; or the workspace's own key, for the first person alone.
        roles: of asker, reviewer and admin; empty is reviewer, and for the first person reviewer and admin.

    Raises:
        IdentityError: the rules do not allow it; nothing was written.
        LedgerUnavailable: nothing was written.
    """
    first = same_person(by.identity.name, WORKSPACE_KEY)

    def request(register: KeyRegister) -> Mapping[str, Any]:
        if first and register.has_founder:
            raise IdentityError(f"{signer.identity.name} needs an admin who vouches for them.", _HOW)
        known = register.named(signer.identity.name)
        subject = signer.called(known.name) if known else signer
        wanted = roles or (FOUNDING_ROLES if first else (Role.REVIEWER,))
        return request_of(subject, wanted, ledger.workspace, bootstrap=first)

    return _enrol(ledger, request, by)


def request_enrolment(ledger: Ledger, signer: Signer, roles: Collection[str] = ()) -> dict[str, Any]:
    """What an admin elsewhere needs in order to enrol this key; give it to them in a way they know it is from you.

    Raises:
        IdentityError: nobody could enrol it: the name or the key is taken.
    """
    known = read_register(ledger).named(signer.identity.name)
    if known is None:
        refuse_mixed_scripts(signer.identity.name)
    if known and known.key_id != signer.identity.key_id:
        raise _another_key(known)
    return request_of(signer.called(known.name) if known else signer, roles or (Role.REVIEWER,), ledger.workspace)


def enrol_request(ledger: Ledger, request: Mapping[str, Any], *, by: Signer) -> Identity:
    """Enrol a person who asked for it elsewhere, vouched for by an admin.

    Raises:
        IdentityError: it is no request for this workspace, or the rules do not allow it; nothing was written.
        LedgerUnavailable: nothing was written.
    """
    try:
        read_request(request, ledger.workspace)
    except IdentityError as error:
        raise IdentityError(
            f"This is no request that can be granted: {error.message}.",
            f"The person makes one for the workspace {ledger.workspace!r} with `affidavit identity create NAME`.",
        ) from error
    return _enrol(ledger, lambda _register: request, by)


def retire(ledger: Ledger, name: str, *, by: Signer, reason: str = "") -> Record:
    """End a person's key: it signs nothing from now on, and what it signed before stands.

    Args:
        ledger: where the person is enrolled.
        name: whose key.
        by: an admin, or the person.
        reason: at most 4,000 characters.

    Raises:
        IdentityError: nobody of that name has a key, or the rules do not allow it; nothing was written.
        LedgerUnavailable: nothing was written.
    """

    def decide(snapshot: Snapshot) -> Entry:
        register, head = read_register(snapshot), snapshot.head
        subject = register.named(name)
        if subject is None:
            raise IdentityError(
                f"Nobody called {name} has a key that could be retired.", "See `affidavit identity list`."
            )
        signer = _as_enrolled(register, by)
        body = retirement_of(subject, signer, reason, previous_head=head.hash, workspace=ledger.workspace)
        entry = Entry(IDENTITY_RETIRED, body, actor=signer.identity.name)
        _judge(lambda: register.judge(entry, head), f"The key of {subject.name} cannot be retired")
        return entry

    record = ledger.append_decided(decide)
    assert record is not None  # noqa: S101  (decide always gives an entry)
    return record


def ensure_workspace_key(ledger: Ledger, keyring: Keyring) -> Signer:
    """The program's own key, made if there is none, enrolled if the ledger does not know it yet.

    Raises:
        IdentityError: it cannot be made or used, or the ledger knows another one.
        LedgerUnavailable: the ledger cannot be read or written.
    """
    known = read_register(ledger).named(WORKSPACE_KEY)
    if known and not keyring.holds(WORKSPACE_KEY):
        raise IdentityError(
            f"The ledger knows the workspace by the key {known.key_id}, which is not in {keyring.directory}.",
            f"Copy {WORKSPACE_KEY}.key from where the workspace is used already; a ledger has one such key.",
        )
    signer = _workspace_signer(keyring)
    if known is None:
        ledger.append_decided(lambda snapshot: _workspace_entry(snapshot, signer))
    elif known.key_id != signer.identity.key_id:
        raise _another_key(known)
    return signer


def _workspace_signer(keyring: Keyring) -> Signer:
    if not keyring.holds(WORKSPACE_KEY):
        try:
            return keyring.create(WORKSPACE_KEY)
        except IdentityError:
            if not keyring.holds(WORKSPACE_KEY):
                raise  # else another process was faster
    return keyring.load(WORKSPACE_KEY)


def _workspace_entry(snapshot: Snapshot, signer: Signer) -> Entry | None:
    known = read_register(snapshot).named(WORKSPACE_KEY)
    if known is None:
        return Entry(IDENTITY, self_enrolment_of(signer, Role.WORKSPACE, snapshot.workspace), actor=WORKSPACE_KEY)
    if known.key_id != signer.identity.key_id:
        raise _another_key(known)
    return None


def _enrol(ledger: Ledger, request_for: Callable[[KeyRegister], Mapping[str, Any]], by: Signer) -> Identity:
    def decide(snapshot: Snapshot) -> Entry:
        register, head = read_register(snapshot), snapshot.head
        request = request_for(register)
        name = str(request["name"])
        known = register.named(name)
        if known and known.key_id != request["key_id"]:
            raise _another_key(known)
        if known is None:
            refuse_mixed_scripts(name)
        voucher = _as_enrolled(register, by)
        actor = name if request["bootstrap"] else voucher.identity.name
        entry = Entry(IDENTITY, vouched(request, voucher, head.hash), actor=actor)
        _judge(lambda: register.judge(entry, head), f"{name} cannot be enrolled")
        return entry

    record = ledger.append_decided(decide)
    assert record is not None  # noqa: S101  (decide always gives an entry)
    return read_enrolment(record.body, ledger.workspace).identity


def _as_enrolled(register: KeyRegister, signer: Signer) -> Signer:
    """The signer under the name as the ledger writes it."""
    known = register.keys.get(signer.identity.key_id)
    return signer.called(known.name) if known and same_person(known.name, signer.identity.name) else signer


def _judge(rule: Callable[[], object], refused: str) -> None:
    try:
        rule()
    except IdentityError as error:
        raise IdentityError(f"{refused}: {error.message}.", "See `affidavit identity list`.") from error


def _another_key(known: Identity) -> IdentityError:
    return IdentityError(
        f"{known.name} is enrolled with the key {known.key_id}; a name has one key.",
        "Use that key, or choose another name. A lost key is retired by an admin: "
        f'affidavit identity retire "{known.name}" --as ADMIN.',
    )
