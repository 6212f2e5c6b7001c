"""Ways into the register of keys for somebody whom no admin vouched for.

All of them come after the last external checkpoint, on a ledger that holds, so nothing but the rules shows them.
"""

from __future__ import annotations

import random
from typing import Any

from audit.enrolment import Role, request_of, self_enrolment_of, vouched
from audit.record import IDENTITY
from bench.tampering.forger import envelopes, seal_anew
from bench.tampering.ledgers import WORKSPACE, House, State, enrolment_of, new_signer

__all__ = [
    "alone",
    "by_the_workspace",
    "by_themself",
    "downgrade",
    "more_for_themself",
    "second_first_person",
    "second_workspace_key",
]


def _after_the_end(house: House, body: dict[str, Any], actor: str) -> State:
    records = envelopes(house)
    last = {**records[-1], "kind": IDENTITY, "body": body, "actor": actor, "run_id": None}
    return seal_anew(house, [*records, last])


def _head(house: House) -> str:
    return str(house.state.rows[-1]["hash"])


def alone(house: House, chance: random.Random) -> State:
    """A stranger enrols themself, as a request that nobody grants."""
    body = request_of(new_signer("Mallory", chance), (Role.REVIEWER,), WORKSPACE)
    return _after_the_end(house, body, "Mallory")


def by_the_workspace(house: House, chance: random.Random) -> State:
    """The workspace's key, which lies in the folder, vouches for a stranger as an admin would."""
    body = enrolment_of(new_signer("Mallory", chance), house.workspace_key, _head(house))
    return _after_the_end(house, body, "workspace")


def by_themself(house: House, chance: random.Random) -> State:
    """A stranger vouches for themself, under their own name or an admin's."""
    stranger = new_signer("Mallory", chance)
    voucher = stranger.called(chance.choice(("Mallory", next(iter(house.people)))))
    return _after_the_end(house, enrolment_of(stranger, voucher, _head(house)), voucher.identity.name)


def more_for_themself(house: House, _chance: random.Random) -> State:
    """A reviewer's own key makes an admin of them."""
    name = list(house.people)[-1]
    signer = house.people[name]
    body = vouched(request_of(signer, (Role.ADMIN, Role.REVIEWER), WORKSPACE), signer, _head(house))
    return _after_the_end(house, body, name)


def downgrade(house: House, chance: random.Random) -> State:
    """An enrolment as the first version had it, with no signature but its own."""
    stranger = new_signer(chance.choice(("Mallory", next(iter(house.people)))), chance)
    name = stranger.identity.name
    return _after_the_end(house, self_enrolment_of(stranger, Role.REVIEWER, WORKSPACE), name)


def second_first_person(house: House, chance: random.Random) -> State:
    """What makes the first person an admin is done a second time, with the true key of the workspace."""
    body = enrolment_of(new_signer("Mallory", chance), house.workspace_key, _head(house), bootstrap=True)
    return _after_the_end(house, body, "Mallory")


def second_workspace_key(house: House, chance: random.Random) -> State:
    signer = new_signer(chance.choice(("workspace", "workspace 2")), chance)
    body = self_enrolment_of(signer, Role.WORKSPACE, WORKSPACE)
    return _after_the_end(house, body, signer.identity.name)
