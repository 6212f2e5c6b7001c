"""The ways of tampering. Each takes a house and gives the state that it leaves, never touching an honest copy.

`careless` ones change rows and leave the rest; `sealed` ones make numbers, hashes, links and checkpoints right again.
Everything is done to what the last external checkpoint vouches for, unless a class is about what comes after.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from audit.enrolment import retirement_of
from audit.identity import Signer
from audit.record import CHECKPOINT, IDENTITY, IDENTITY_RETIRED, REVIEW, RUN_ANSWERED, RUN_STARTED
from audit.rules import MEANINGS, Decision
from audit.seal import canonical_bytes, digest
from bench.tampering import enrolments
from bench.tampering.forger import Envelope, envelopes, seal_anew, sealed_row
from bench.tampering.ledgers import WORKSPACE, House, State, enrolment_of, new_signer

__all__ = ["CLASSES", "Tampering"]

Change = Callable[[House, random.Random], State]


@dataclass(frozen=True, slots=True)
class Tampering:
    """One class and its ways, of which one is drawn for each mutation."""

    name: str
    ways: tuple[Change, ...]


def _place_of(house: House, chance: random.Random, *kinds: str) -> int:
    """The index of a record that the external checkpoint vouches for, of one of these kinds if there is any."""
    vouched = range(house.external.sequence)
    fitting = [each for each in vouched if house.state.rows[each]["kind"] in kinds]
    return chance.choice(fitting or list(vouched))


def _rows(house: House, change: Callable[[list[dict[str, Any]]], None]) -> State:
    rows = [dict(row) for row in house.state.rows]
    change(rows)
    return replace(house.state, rows=tuple(rows))


def _sealed(house: House, change: Callable[[list[Envelope]], None]) -> State:
    records = envelopes(house)
    change(records)
    return seal_anew(house, records)


def _number(rows: list[dict[str, Any]]) -> None:
    for number, row in enumerate(rows, start=1):
        row["sequence"] = number


# --- the content of a record -------------------------------------------------------------------------------------


def _edited(envelope: Envelope, chance: random.Random) -> None:
    body = envelope["body"]
    key = chance.choice(sorted(key for key in body if isinstance(body[key], str | int | float)) or ["note"])
    body[key] = f"{body.get(key)} {chance.randrange(10_000)}"


def _edit_sealed(house: House, chance: random.Random) -> State:
    at = _place_of(house, chance, RUN_STARTED, RUN_ANSWERED, "run.drafted", "run.intent", "run.outcome")
    return _sealed(house, lambda records: _edited(records[at], chance))


def _edit_one(house: House, chance: random.Random) -> State:
    """The record alone is sealed anew, and nothing after it."""
    at = _place_of(house, chance)
    changed = copy.deepcopy(envelopes(house)[at])
    _edited(changed, chance)
    return _rows(house, lambda rows: rows.__setitem__(at, sealed_row(changed)))


def _edit_bytes(house: House, chance: random.Random) -> State:
    at = _place_of(house, chance)
    payload = bytearray(house.state.rows[at]["payload"])
    where = chance.randrange(len(payload))
    payload[where] ^= 1 << chance.randrange(8)
    return _rows(house, lambda rows: rows[at].update(payload=bytes(payload)))


def _field(name: str, other: Callable[[Envelope, random.Random], Any], *kinds: str) -> tuple[Change, ...]:
    """Ways of changing one field of the envelope, beside its column or sealed."""

    def sealed(house: House, chance: random.Random) -> State:
        at = _place_of(house, chance, *kinds)
        return _sealed(house, lambda records: records[at].update({name: other(records[at], chance)}))

    def careless(house: House, chance: random.Random) -> State:
        at = _place_of(house, chance, *kinds)
        changed = copy.deepcopy(envelopes(house)[at])
        changed[name] = other(changed, chance)
        row = sealed_row(changed)
        kept = chance.choice(({}, {"hash": house.state.rows[at]["hash"]}))
        return _rows(house, lambda rows: rows.__setitem__(at, {**row, **kept}))

    return sealed, careless


def _column(house: House, chance: random.Random) -> State:
    at = _place_of(house, chance)
    name = chance.choice(("kind", "run_id", "actor", "time", "previous_hash", "hash", "workspace"))
    return _rows(house, lambda rows: rows[at].update({name: f"{rows[at][name]}x"}))


def _torn(house: House, chance: random.Random) -> State:
    """The end of a record's bytes never reached the disk: it is missing, or zeros."""
    at = _place_of(house, chance)
    payload = house.state.rows[at]["payload"]
    kept = chance.randrange(len(payload))
    left = payload[:kept] + chance.choice((b"", bytes(len(payload) - kept)))
    return _rows(house, lambda rows: rows[at].update(payload=left))


# --- which records there are, and in which order -----------------------------------------------------------------


def _delete(house: House, chance: random.Random) -> State:
    at = _place_of(house, chance)
    close = chance.random() < 0.5

    def change(rows: list[dict[str, Any]]) -> None:
        del rows[at]
        if close:
            _number(rows)

    return _rows(house, change)


def _delete_sealed(house: House, chance: random.Random) -> State:
    at = _place_of(house, chance, "run.drafted", "run.intent", "run.outcome")
    return _sealed(house, lambda records: records.__delitem__(at))


def _insert(house: House, chance: random.Random) -> State:
    at = _place_of(house, chance)
    record = _extra(envelopes(house)[at], chance)

    def change(rows: list[dict[str, Any]]) -> None:
        rows.insert(at, sealed_row(record))
        _number(rows)

    return _rows(house, change)


def _insert_sealed(house: House, chance: random.Random) -> State:
    at = _place_of(house, chance)
    record = _extra(envelopes(house)[at], chance)
    return _sealed(house, lambda records: records.insert(at, record))


def _extra(like: Envelope, chance: random.Random) -> Envelope:
    body = {"draft": 0, "sql": f"SELECT {chance.randrange(10_000)}", "tables": []}
    return {**like, "kind": "run.intent", "run_id": f"forged-{chance.randrange(10_000)}", "actor": "", "body": body}


def _reorder(house: House, chance: random.Random) -> State:
    first, second = chance.sample(range(house.external.sequence), 2)

    def change(rows: list[dict[str, Any]]) -> None:
        rows[first], rows[second] = rows[second], rows[first]
        _number(rows)

    return _rows(house, change)


def _reorder_sealed(house: House, chance: random.Random) -> State:
    places = [each for each, row in enumerate(house.state.rows) if row["kind"] in ("run.drafted", "run.intent")]
    first, second = chance.sample(places, 2)

    def change(records: list[Envelope]) -> None:
        records[first], records[second] = records[second], records[first]

    return _sealed(house, change)


def _duplicate(house: House, chance: random.Random) -> State:
    at, to = _place_of(house, chance), _place_of(house, chance)

    def change(rows: list[dict[str, Any]]) -> None:
        rows.insert(to, dict(rows[at]))
        _number(rows)

    return _rows(house, change)


def _duplicate_sealed(house: House, chance: random.Random) -> State:
    at = _place_of(house, chance, "run.drafted", "run.intent", "run.outcome")
    return _sealed(house, lambda records: records.insert(at + 1, copy.deepcopy(records[at])))


def _truncate(house: House, chance: random.Random) -> State:
    """Cut off the end, and the lines of the checkpoint file that would tell."""
    kept = chance.randrange(house.external.sequence)
    return _cut(house, kept)


def _cut(house: House, kept: int) -> State:
    lines = house.state.file.splitlines(keepends=True)
    notes = sum(row["kind"] == CHECKPOINT for row in house.state.rows[:kept])
    return State(house.state.rows[:kept], b"".join(lines[:notes]))


def _truncate_and_go_on(house: House, chance: random.Random) -> State:
    """Cut off the end and write other records in its place, so that the number is right."""
    kept = chance.randrange(len(house.people) + 1, house.external.sequence)
    records = envelopes(house)
    like = records[kept - 1]
    return seal_anew(house, [*records[:kept], *(_extra(like, chance) for _ in records[kept:])])


def _roll_back(house: House, _chance: random.Random) -> State:
    """Database and folder from an older copy: every byte of it is genuine."""
    return house.earlier


def _roll_back_and_go_on(house: House, chance: random.Random) -> State:
    records = envelopes(house)
    old = len(house.earlier.rows)
    return seal_anew(house, [*records[:old], *(_extra(records[0], chance) for _ in range(old, len(records) + 3))])


# --- people and keys ---------------------------------------------------------------------------------------------


def _forge_review(house: House, chance: random.Random) -> State:
    """A review in a reviewer's name, signed with a key that the forger made."""
    stranger = new_signer("Ada", chance)
    records = envelopes(house)
    at, answer = _an_answer(house, chance)
    asker = _asker(records, answer["run_id"])
    reviewer = chance.choice([name for name in house.people if name != asker])
    claimed = chance.choice((stranger.identity.key_id, house.people[reviewer].identity.key_id))
    review = _review(house, at, reviewer, stranger, key_id=claimed)
    return _sealed(house, lambda records: records.insert(at + 1, review))


def _edit_review(house: House, chance: random.Random) -> State:
    """A genuine review that says something else now; one is put there first if there is none."""
    at = _place_of(house, chance, REVIEW)
    if house.state.rows[at]["kind"] != REVIEW:
        return _forge_review(house, chance)
    changes = ({"decision": "reject", "reason_code": "incomplete"}, {"reviewer": "Cem"}, {"sql": "SELECT 1"})
    change = chance.choice([each for each in changes if each != {"reviewer": house.state.rows[at]["actor"]}])
    return _sealed(house, lambda records: records[at]["body"].update(change))


def _self_approval(house: House, chance: random.Random) -> State:
    """The asker signs for their own answer, with their own genuine key."""
    records = envelopes(house)
    at, answer = _an_answer(house, chance)
    asker = _asker(records, answer["run_id"])
    review = _review(house, at, asker, house.people[asker])
    records.insert(at + 1, review)
    return seal_anew(house, records, {asker: house.people[asker]})


def _key_swap(house: House, chance: random.Random) -> State:
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


def _key_swap_column(house: House, chance: random.Random) -> State:
    """The same, in the enrolment alone."""
    at = next(
        each for each, row in enumerate(house.state.rows) if row["kind"] == IDENTITY and row["actor"] in house.people
    )
    record = envelopes(house)[at]
    signer = new_signer(record["body"]["name"], chance)
    record["body"] = enrolment_of(signer, house.workspace_key, record["previous_hash"], bootstrap=True)
    return _rows(house, lambda rows: rows.__setitem__(at, sealed_row(record)))


def _review_after_retirement(house: House, chance: random.Random) -> State:
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
    at = _place_of(house, chance, RUN_ANSWERED)
    return at, house.state.rows[at]


def _asker(records: list[Envelope], run_id: str) -> str:
    started = next(each for each in records if each["kind"] == RUN_STARTED and each["run_id"] == run_id)
    return str(started["body"]["asker"])


def _review(house: House, at: int, reviewer: str, signer: Signer, key_id: str = "") -> Envelope:
    answer = envelopes(house)[at]
    sql = answer["body"]["sql"]
    body = {
        "decision": "accept",
        "key_id": key_id or signer.identity.key_id,
        "meaning": MEANINGS[Decision.ACCEPT],
        "nonce": "00" * 16,
        "previous_head": house.state.rows[at]["hash"],
        "purpose": "affidavit.review/1",
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
    }
    return {**answer, "kind": REVIEW, "actor": reviewer, "body": signer.sign_body(body)}


# --- checkpoints and forks ---------------------------------------------------------------------------------------


def _checkpoint_fork(house: House, chance: random.Random) -> State:
    """Two histories up to one number, each signed with the workspace's key; the ledger shown is the other one."""
    at = _place_of(house, chance, "run.drafted", "run.intent", "run.outcome")
    return _sealed(house, lambda records: records[at]["body"].update(sql=f"SELECT {chance.randrange(10_000)}"))


def _checkpoint_line(house: House, chance: random.Random) -> State:
    """A line of the workspace's file that is signed over another hash, or is gone while the ledger notes it."""
    lines = house.state.file.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    if chance.random() < 0.5:
        return replace(house.state, file=b"".join(lines[:at] + lines[at + 1 :]))
    other = _checkpoint_fork(house, chance).file.splitlines(keepends=True)
    return replace(house.state, file=b"".join([*lines[:at], other[-1], *lines[at + 1 :]]))


def _concurrent_fork(house: House, chance: random.Random) -> State:
    """Two writers on one head: a second record that follows the same one as its neighbour, kept instead or as well."""
    at = _place_of(house, chance)
    sibling = _extra(envelopes(house)[at], chance)

    def change(rows: list[dict[str, Any]]) -> None:
        if chance.random() < 0.5:
            rows[at] = sealed_row(sibling)
        else:
            rows.insert(at + 1, sealed_row({**sibling, "sequence": sibling["sequence"] + 1}))
            _number(rows)

    return _rows(house, change)


def _branch_kept(house: House, chance: random.Random) -> State:
    """The losing branch is taken for the ledger from there on."""
    at = _place_of(house, chance, "run.drafted", "run.intent", "run.outcome")
    records = envelopes(house)
    return seal_anew(house, [*records[:at], *(_extra(records[at], chance) for _ in records[at:])])


def _other_bytes(house: House, chance: random.Random) -> State:
    """The same meaning in other bytes, with the hash made to fit."""
    at = _place_of(house, chance)
    spaced = house.state.rows[at]["payload"].replace(b'":', b'": ', 1)
    hashed = digest(b"\x00" + spaced)
    assert canonical_bytes({}) == b"{}"
    return _rows(house, lambda rows: rows[at].update(payload=spaced, hash=hashed))


CLASSES: Final = (
    Tampering("edit", (_edit_sealed, _edit_one)),
    Tampering("flip a bit", (_edit_bytes,)),
    Tampering("other bytes, same meaning", (_other_bytes,)),
    Tampering("delete", (_delete, _delete_sealed)),
    Tampering("insert", (_insert, _insert_sealed)),
    Tampering("reorder", (_reorder, _reorder_sealed)),
    Tampering("duplicate", (_duplicate, _duplicate_sealed)),
    Tampering("truncate the tail", (_truncate, _truncate_and_go_on)),
    Tampering("roll back", (_roll_back, _roll_back_and_go_on)),
    Tampering("backdate", _field("time", lambda _record, _chance: "2020-01-01T00:00:00.000000Z")),
    Tampering(
        "swap actor",
        _field(
            "actor",
            lambda record, chance: chance.choice(
                [name for name in ("Ada", "Ben", "Mallory") if name != record["actor"]]
            ),
        ),
    ),
    Tampering(
        "move subject", _field("run_id", lambda _record, chance: f"other-{chance.randrange(10_000)}", "run.drafted")
    ),
    Tampering("forge review", (_forge_review, _edit_review)),
    Tampering("self-approval", (_self_approval,)),
    Tampering("key swap", (_key_swap, _key_swap_column)),
    Tampering(
        "enrolment without voucher",
        (enrolments.alone, enrolments.by_the_workspace, enrolments.by_themself, enrolments.more_for_themself),
    ),
    Tampering("downgraded enrolment", (enrolments.downgrade,)),
    Tampering("second first person", (enrolments.second_first_person,)),
    Tampering("second workspace key", (enrolments.second_workspace_key,)),
    Tampering("review by a retired key", (_review_after_retirement,)),
    Tampering("checkpoint fork", (_checkpoint_fork, _checkpoint_line)),
    Tampering("concurrent fork", (_concurrent_fork, _branch_kept)),
    Tampering("torn write", (_torn,)),
    Tampering("column against bytes", (_column,)),
)
