"""Whose key may sign decisions: asked wherever a decision, an assignment or a claim is written or verified."""

from __future__ import annotations

from collections.abc import Mapping

from audit.errors import ReviewError
from audit.identity import Identity, Role, Signer, same_person

__all__ = ["enrolled_reviewer", "may_review", "reviewer_named"]


def may_review(identity: Identity) -> bool:
    """Whether this enrolment lets its key sign decisions."""
    return identity.may(Role.REVIEWER)


def reviewer_named(keys: Mapping[str, Identity], name: str) -> Identity | None:
    """The enrolled reviewer of that name, if there is one."""
    return next((each for each in keys.values() if may_review(each) and same_person(each.name, name)), None)


def enrolled_reviewer(keys: Mapping[str, Identity], signer: Signer) -> Identity:
    """The enrolment of the key that is at hand.

    Raises:
        ReviewError: it is not enrolled as a reviewer's, or was retired.
    """
    known = keys.get(signer.identity.key_id)
    if known is not None and known.retired:
        raise ReviewError(
            f"The key of {known.name} was retired, so it signs nothing any more.",
            "An admin can enrol another one: affidavit identity create NAME --by ADMIN.",
        )
    if known is None or not may_review(known) or not same_person(known.name, signer.identity.name):
        raise ReviewError(
            f"The key of {signer.identity.name} is not enrolled here as a reviewer's.",
            "An admin can give it that role: affidavit identity create NAME --by ADMIN --role reviewer.",
        )
    return known
