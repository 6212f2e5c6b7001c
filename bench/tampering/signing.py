"""Tampering with who vouched: reviews, the rules they are judged by, and keys.

Where a class says so the forger has a reviewer's genuine key: it is the reviewer who cheats. What is inserted is sealed
anew with everything after it, so that only what the records mean can give it away, or a checkpoint that left the house.
"""

from __future__ import annotations

import copy
import random
from typing import Any

from audit.enrolment import retirement_of
from audit.identity import Signer
from audit.record import CHECKPOINT, IDENTITY, IDENTITY_RETIRED, REVIEW, REVIEW_RULES, RUN_ANSWERED, RUN_STARTED
from audit.rules import MEANINGS, Decision
from audit.seal import digest
from bench.tampering.changes import place_of, rows_with, sealed_with
from bench.tampering.forger import Envelope, envelopes, seal_anew, sealed_row
from bench.tampering.ledgers import WORKSPACE, House, State, enrolment_of, new_signer

__all__ = [
    "altered_rules",
    "backdated_rules",
    "edit_review",
    "forge_review",
    "invented_checkpoint",
    "key_swap",
    "key_swap_column",
    "old_review",
    "review_after_retirement",
    "self_approval",
    "signed_twice",
]


def forge_review(house: House, chance: random.Random) -> State:
    """A review in a reviewer's name, signed with a key that the forger made."""
    stranger = new_signer("Ada", chance)
    records = envelopes(house)
    at, answer = _an_answer(house, chance)
    asker = _asker(records, answer["run_id"])
    reviewer = chance.choice([name for name in house.people if name != asker])
    claimed = chance.choice((stranger.identity.key_id, house.people[reviewer].identity.key_id))
    review = _review(house, at, reviewer, stranger, key_id=claimed)
    return sealed_with(house, lambda records: records.insert(at + 1, review))


def edit_review(house: House, chance: random.Random) -> State:
    """A genuine review that says something else now; one is put there first if there is none."""
    at = place_of(house, chance, REVIEW)
    if house.state.rows[at]["kind"] != REVIEW:
        return forge_review(house, chance)
    changes = ({"decision": "reject", "reason_code": "incomplete"}, {"reviewer": "Cem"}, {"sql": "SELECT 1"})
    change = chance.choice([each for each in changes if each != {"reviewer": house.state.rows[at]["actor"]}])
    return sealed_with(house, lambda records: records[at]["body"].update(change))


def self_approval(house: House, chance: random.Random) -> State:
    """The asker signs for their own answer, with their own genuine key."""
    records = envelopes(house)
    at, answer = _an_answer(house, chance)
    asker = _asker(records, answer["run_id"])
    review = _review(house, at, asker, house.people[asker])
    records.insert(at + 1, review)
    return seal_anew(house, records, {asker: house.people[asker]})


def key_swap(house: House, chance: random.Random) -> State:
    """A reviewer's public key is replaced by the forger's, from the enrolment on, and their reviews signed anew."""
    name = chance.choice(sorted(house.people))
    signer = new_signer(name, chance)
    records = envelopes(house)
    enrolment = next(each for each in records if each["kind"] == IDENTITY and each["body"]["name"] == name)
    # The first person's word is the workspace's key, which the forger holds; anybody else's they must make up.
    first = next(iter(house.people))
    voucher = house.workspace_key if name == first else new_signer(first, chance)
    enrolment["body"] = enrolment_of(signer, voucher, enrolment["previous_hash"], bootstrap=name == first)
    return seal_anew(house, records, {name: signer})


def key_swap_column(house: House, chance: random.Random) -> State:
    """The same, in the enrolment alone."""
    at = next(
        each for each, row in enumerate(house.state.rows) if row["kind"] == IDENTITY and row["actor"] in house.people
    )
    record = envelopes(house)[at]
    signer = new_signer(record["body"]["name"], chance)
    record["body"] = enrolment_of(signer, house.workspace_key, record["previous_hash"], bootstrap=True)
    return rows_with(house, lambda rows: rows.__setitem__(at, sealed_row(record)))


def review_after_retirement(house: House, chance: random.Random) -> State:
    """A reviewer retires their key, truly; whoever kept it signs a review that is true in every other way.

    It comes after the last external checkpoint, as everything in `bench.tampering.enrolments`.
    """
    at, answer = _an_answer(house, chance)
    asker = _asker(envelopes(house), answer["run_id"])
    name = next(name for name in list(house.people)[1:] if name != asker)
    signer = house.people[name]
    body = retirement_of(signer.identity, signer, "", previous_head=house.state.rows[-1]["hash"], workspace=WORKSPACE)
    retired = {**envelopes(house)[-1], "kind": IDENTITY_RETIRED, "body": body, "actor": name, "run_id": None}
    return seal_anew(house, [*envelopes(house), retired, _review(house, at, name, signer)], {name: signer})


def _an_answer(house: House, chance: random.Random) -> tuple[int, dict[str, Any]]:
    at = place_of(house, chance, RUN_ANSWERED)
    return at, house.state.rows[at]


def _asker(records: list[Envelope], run_id: str) -> str:
    started = next(each for each in records if each["kind"] == RUN_STARTED and each["run_id"] == run_id)
    return str(started["body"]["asker"])


def signed_twice(house: House, chance: random.Random) -> State:
    """One reviewer gives both of the approvals that a run needs, with their own genuine key."""
    records = envelopes(house)
    at, reviewer = _somebody_else(house, chance)
    signer = house.people[reviewer]
    for number in (1, 2):
        records.insert(at + number, _review(house, at, reviewer, signer, approval=number, approvals_needed=2))
    _rules_of(records)["reviewers"] = 2  # whatever they were, so that the second is what the rules ask for
    return seal_anew(house, records, {reviewer: signer})


def old_review(house: House, chance: random.Random) -> State:
    """A reviewer writes a review of the first version, which knows of no second reviewer, with their genuine key."""
    records = envelopes(house)
    at, reviewer = _somebody_else(house, chance)
    review = _review(house, at, reviewer, house.people[reviewer], purpose="affidavit.review/1")
    for key in ("approval", "approvals_needed", "checkpoint"):
        del review["body"][key]
    records.insert(at + 1, review)
    return seal_anew(house, records, {reviewer: house.people[reviewer]})


def invented_checkpoint(house: House, chance: random.Random) -> State:
    """A review, signed with a genuine key, names a checkpoint that never was; half of them note it on the ledger."""
    records = envelopes(house)
    at, reviewer = _somebody_else(house, chance)
    never = {"size": at, "root": chance.randbytes(32).hex()}
    records.insert(at + 1, _review(house, at, reviewer, house.people[reviewer]))
    if chance.random() < 0.5:  # of no signature that was ever made, so not one that is signed anew
        note = {"hash": "00" * 32, "key_id": "", "root": never["root"], "sequence": at, "signature": "00" * 64}
        records.insert(at + 1, {**records[at], "kind": CHECKPOINT, "run_id": None, "actor": "workspace", "body": note})
    return seal_anew(house, records, {reviewer: house.people[reviewer]}, never)


def altered_rules(house: House, chance: random.Random) -> State:
    """The rules say something else, under the old signature or none that counts."""
    records = envelopes(house)
    at = next(number for number, each in enumerate(records) if each["kind"] == REVIEW_RULES)
    _loosened(records[at]["body"]["rules"], chance)
    if chance.random() < 0.5:  # signed, but by a reviewer
        name = chance.choice(sorted(house.people))
        signer = house.people[name]
        body = {**records[at]["body"], "key_id": signer.identity.key_id}
        records[at]["body"] = signer.sign_body({key: value for key, value in body.items() if key != "signature"})
        return seal_anew(house, records)
    return rows_with(house, lambda rows: rows.__setitem__(at, sealed_row(records[at])))


def backdated_rules(house: House, chance: random.Random) -> State:
    """Rules that let askers sign are put before an answer that its asker then signed, both with genuine keys."""
    records = envelopes(house)
    at, answer = _an_answer(house, chance)
    asker = _asker(records, answer["run_id"])
    rules = copy.deepcopy(next(each for each in records if each["kind"] == REVIEW_RULES))
    rules["body"]["rules"] |= {"allow_self": True, "reviewers": 1}
    review = _review(house, at, asker, house.people[asker], approval=1, approvals_needed=1)
    records.insert(at + 1, review)
    records.insert(at, rules)
    return seal_anew(house, records, {asker: house.people[asker]})


def _loosened(rules: dict[str, Any], chance: random.Random) -> None:
    if rules["reviewers"] == 2 and chance.random() < 0.5:
        rules["reviewers"] = 1
    else:
        rules["allow_self"] = True


def _rules_of(records: list[Envelope]) -> dict[str, Any]:
    rules: dict[str, Any] = next(each["body"]["rules"] for each in records if each["kind"] == REVIEW_RULES)
    return rules


def _somebody_else(house: House, chance: random.Random) -> tuple[int, str]:
    """The place of an answer, and a reviewer who did not ask for it."""
    at, answer = _an_answer(house, chance)
    asker = _asker(envelopes(house), answer["run_id"])
    return at, chance.choice([name for name in sorted(house.people) if name != asker])


def _review(house: House, at: int, reviewer: str, signer: Signer, key_id: str = "", **said: Any) -> Envelope:
    answer = envelopes(house)[at]
    sql = answer["body"]["sql"]
    body = {
        "approval": 1,
        "approvals_needed": _rules_of(envelopes(house))["reviewers"],
        "checkpoint": {},
        "decision": "accept",
        "key_id": key_id or signer.identity.key_id,
        "meaning": MEANINGS[Decision.ACCEPT],
        "nonce": "00" * 16,
        "previous_head": house.state.rows[at]["hash"],
        "purpose": "affidavit.review/2",
        "reason": "",
        "reason_code": "correct",
        "result_fingerprint": answer["body"]["result_fingerprint"],
        "reviewer": reviewer,
        "revokes": "",
        "run_hash": house.state.rows[at]["hash"],
        "run_id": answer["run_id"],
        "sql": sql,
        "sql_hash": digest(sql.encode()),
        "workspace": WORKSPACE,
        **said,
    }
    return {**answer, "kind": REVIEW, "actor": reviewer, "body": signer.sign_body(body)}
