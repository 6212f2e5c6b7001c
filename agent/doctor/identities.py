"""Who can sign here, and what a signature is worth: who answers for whom, and how the keys on this machine are kept."""

from __future__ import annotations

from collections.abc import Iterator

from agent.doctor.diagnosis import Diagnosis, and_list
from agent.doctor.parts import Parts
from audit.identity import WORKSPACE_KEY, Keyring, Role, Standing, read_register
from audit.keystore import Protection
from audit.session import KEYS_NAME

__all__ = ["check_identities"]


def check_identities(parts: Parts) -> Iterator[Diagnosis]:
    """Did a second person answer for whoever may sign, and can their keys be read by whoever reads the disk?"""
    people = [
        each
        for each in read_register(parts.ledger()).standings
        if not each.identity.retired and each.identity.name != WORKSPACE_KEY
    ]
    keyring = Keyring(parts.settings.state_dir / KEYS_NAME)
    found = [*_unvouched(people), *_unprotected(people, keyring)]
    yield from found
    if not found:
        yield Diagnosis("identities", "ok", _standing(people))


def _unvouched(people: list[Standing]) -> Iterator[Diagnosis]:
    alone = [each.identity.name for each in people if not each.vouched_by]
    if alone:
        yield Diagnosis(
            "identities",
            "warning",
            f"Nobody vouched for {and_list(alone)}: enrolled by an earlier version on their own signature.",
            "Whoever could write to the ledger then could have enrolled themself under that name.",
            'Enrol each anew with their key: affidavit identity create NAME --by ADMIN, the first one without "--by".',
        )


def _unprotected(people: list[Standing], keyring: Keyring) -> Iterator[Diagnosis]:
    names = [each.identity.name for each in people]
    bare = [name for name in names if keyring.holds(name) and keyring.protection(name) is Protection.NONE]
    if bare:
        yield Diagnosis(
            "identities",
            "warning",
            f"The key of {and_list(bare)} lies in {keyring.directory} without a passphrase.",
            "Whoever can read that folder, or a backup of it, signs in that name.",
            "Give each a passphrase: affidavit identity protect NAME.",
        )


def _standing(people: list[Standing]) -> str:
    if not people:
        return "Nobody is enrolled yet, so nothing can be signed: affidavit identity create NAME."
    admins = [each.identity.name for each in people if each.identity.may(Role.ADMIN)]
    first = next((each.identity.name for each in people if each.bootstrap), "")
    said = f"{len(people)} enrolled; {and_list(admins)} can enrol and retire."
    return f"{said} {first} came first, so no second person answers for that key: compare it." if first else said
