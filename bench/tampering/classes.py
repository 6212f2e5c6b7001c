"""The ways of tampering. Each takes a house and gives the state that it leaves, never touching an honest copy.

`careless` ones change rows and leave the rest; `sealed` ones make numbers, hashes, links and checkpoints right again.
Everything is done to what the last external checkpoint vouches for, unless a class is about what comes after.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from audit.record import CHECKPOINT, RUN_ANSWERED, RUN_STARTED
from audit.seal import canonical_bytes, digest
from bench.tampering import enrolments, signing
from bench.tampering.changes import Change, Tampering, place_of, rows_with, sealed_with
from bench.tampering.forger import Envelope, envelopes, seal_anew, sealed_row
from bench.tampering.ledgers import House, State

__all__ = ["CLASSES"]


def _number(rows: list[dict[str, Any]]) -> None:
    for number, row in enumerate(rows, start=1):
        row["sequence"] = number


# --- the content of a record -------------------------------------------------------------------------------------


def _edited(envelope: Envelope, chance: random.Random) -> None:
    body = envelope["body"]
    key = chance.choice(sorted(key for key in body if isinstance(body[key], str | int | float)) or ["note"])
    body[key] = f"{body.get(key)} {chance.randrange(10_000)}"


def _edit_sealed(house: House, chance: random.Random) -> State:
    at = place_of(house, chance, RUN_STARTED, RUN_ANSWERED, "run.drafted", "run.intent", "run.outcome")
    return sealed_with(house, lambda records: _edited(records[at], chance))


def _edit_one(house: House, chance: random.Random) -> State:
    """The record alone is sealed anew, and nothing after it."""
    at = place_of(house, chance)
    changed = copy.deepcopy(envelopes(house)[at])
    _edited(changed, chance)
    return rows_with(house, lambda rows: rows.__setitem__(at, sealed_row(changed)))


def _edit_bytes(house: House, chance: random.Random) -> State:
    at = place_of(house, chance)
    payload = bytearray(house.state.rows[at]["payload"])
    where = chance.randrange(len(payload))
    payload[where] ^= 1 << chance.randrange(8)
    return rows_with(house, lambda rows: rows[at].update(payload=bytes(payload)))


def _field(name: str, other: Callable[[Envelope, random.Random], Any], *kinds: str) -> tuple[Change, ...]:
    """Ways of changing one field of the envelope, beside its column or sealed."""

    def sealed(house: House, chance: random.Random) -> State:
        at = place_of(house, chance, *kinds)
        return sealed_with(house, lambda records: records[at].update({name: other(records[at], chance)}))

    def careless(house: House, chance: random.Random) -> State:
        at = place_of(house, chance, *kinds)
        changed = copy.deepcopy(envelopes(house)[at])
        changed[name] = other(changed, chance)
        row = sealed_row(changed)
        kept = chance.choice(({}, {"hash": house.state.rows[at]["hash"]}))
        return rows_with(house, lambda rows: rows.__setitem__(at, {**row, **kept}))

    return sealed, careless


def _column(house: House, chance: random.Random) -> State:
    at = place_of(house, chance)
    name = chance.choice(("kind", "run_id", "actor", "time", "previous_hash", "hash", "workspace"))
    return rows_with(house, lambda rows: rows[at].update({name: f"{rows[at][name]}x"}))


def _torn(house: House, chance: random.Random) -> State:
    """The end of a record's bytes never reached the disk: it is missing, or zeros."""
    at = place_of(house, chance)
    payload = house.state.rows[at]["payload"]
    kept = chance.randrange(len(payload))
    left = payload[:kept] + chance.choice((b"", bytes(len(payload) - kept)))
    return rows_with(house, lambda rows: rows[at].update(payload=left))


# --- which records there are, and in which order -----------------------------------------------------------------


def _delete(house: House, chance: random.Random) -> State:
    at = place_of(house, chance)
    close = chance.random() < 0.5

    def change(rows: list[dict[str, Any]]) -> None:
        del rows[at]
        if close:
            _number(rows)

    return rows_with(house, change)


def _delete_sealed(house: House, chance: random.Random) -> State:
    at = place_of(house, chance, "run.drafted", "run.intent", "run.outcome")
    return sealed_with(house, lambda records: records.__delitem__(at))


def _insert(house: House, chance: random.Random) -> State:
    at = place_of(house, chance)
    record = _extra(envelopes(house)[at], chance)

    def change(rows: list[dict[str, Any]]) -> None:
        rows.insert(at, sealed_row(record))
        _number(rows)

    return rows_with(house, change)


def _insert_sealed(house: House, chance: random.Random) -> State:
    at = place_of(house, chance)
    record = _extra(envelopes(house)[at], chance)
    return sealed_with(house, lambda records: records.insert(at, record))


def _extra(like: Envelope, chance: random.Random) -> Envelope:
    body = {"draft": 0, "sql": f"SELECT {chance.randrange(10_000)}", "tables": []}
    return {**like, "kind": "run.intent", "run_id": f"forged-{chance.randrange(10_000)}", "actor": "", "body": body}


def _reorder(house: House, chance: random.Random) -> State:
    first, second = chance.sample(range(house.external.sequence), 2)

    def change(rows: list[dict[str, Any]]) -> None:
        rows[first], rows[second] = rows[second], rows[first]
        _number(rows)

    return rows_with(house, change)


def _reorder_sealed(house: House, chance: random.Random) -> State:
    places = [each for each, row in enumerate(house.state.rows) if row["kind"] in ("run.drafted", "run.intent")]
    first, second = chance.sample(places, 2)

    def change(records: list[Envelope]) -> None:
        records[first], records[second] = records[second], records[first]

    return sealed_with(house, change)


def _duplicate(house: House, chance: random.Random) -> State:
    at, to = place_of(house, chance), place_of(house, chance)

    def change(rows: list[dict[str, Any]]) -> None:
        rows.insert(to, dict(rows[at]))
        _number(rows)

    return rows_with(house, change)


def _duplicate_sealed(house: House, chance: random.Random) -> State:
    at = place_of(house, chance, "run.drafted", "run.intent", "run.outcome")
    return sealed_with(house, lambda records: records.insert(at + 1, copy.deepcopy(records[at])))


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


# --- checkpoints and forks ---------------------------------------------------------------------------------------


def _checkpoint_fork(house: House, chance: random.Random) -> State:
    """Two histories up to one number, each signed with the workspace's key; the ledger shown is the other one."""
    at = place_of(house, chance, "run.drafted", "run.intent", "run.outcome")
    return sealed_with(house, lambda records: records[at]["body"].update(sql=f"SELECT {chance.randrange(10_000)}"))


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
    at = place_of(house, chance)
    sibling = _extra(envelopes(house)[at], chance)

    def change(rows: list[dict[str, Any]]) -> None:
        if chance.random() < 0.5:
            rows[at] = sealed_row(sibling)
        else:
            rows.insert(at + 1, sealed_row({**sibling, "sequence": sibling["sequence"] + 1}))
            _number(rows)

    return rows_with(house, change)


def _branch_kept(house: House, chance: random.Random) -> State:
    """The losing branch is taken for the ledger from there on."""
    at = place_of(house, chance, "run.drafted", "run.intent", "run.outcome")
    records = envelopes(house)
    return seal_anew(house, [*records[:at], *(_extra(records[at], chance) for _ in records[at:])])


def _other_bytes(house: House, chance: random.Random) -> State:
    """The same meaning in other bytes, with the hash made to fit."""
    at = place_of(house, chance)
    spaced = house.state.rows[at]["payload"].replace(b'":', b'": ', 1)
    hashed = digest(b"\x00" + spaced)
    assert canonical_bytes({}) == b"{}"
    return rows_with(house, lambda rows: rows[at].update(payload=spaced, hash=hashed))


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
    Tampering("forge review", (signing.forge_review, signing.edit_review)),
    Tampering("self-approval", (signing.self_approval,)),
    Tampering("one reviewer as two", (signing.signed_twice,)),
    Tampering("review of the old format", (signing.old_review,)),
    Tampering("checkpoint that never was", (signing.invented_checkpoint,)),
    Tampering("alter the rules", (signing.altered_rules,)),
    Tampering("backdate the rules", (signing.backdated_rules,)),
    Tampering("key swap", (signing.key_swap, signing.key_swap_column)),
    Tampering(
        "enrolment without voucher",
        (enrolments.alone, enrolments.by_the_workspace, enrolments.by_themself, enrolments.more_for_themself),
    ),
    Tampering("downgraded enrolment", (enrolments.downgrade,)),
    Tampering("second first person", (enrolments.second_first_person,)),
    Tampering("second workspace key", (enrolments.second_workspace_key,)),
    Tampering("review by a retired key", (signing.review_after_retirement,)),
    Tampering("checkpoint fork", (_checkpoint_fork, _checkpoint_line)),
    Tampering("concurrent fork", (_concurrent_fork, _branch_kept)),
    Tampering("torn write", (_torn,)),
    Tampering("column against bytes", (_column,)),
)
