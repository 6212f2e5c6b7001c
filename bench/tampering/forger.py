"""Somebody who owns the database and the workspace's folder, knows the scheme, and seals everything anew.

They have the workspace's own key, which lies in that folder, and can sign checkpoints with it. They do not have the
reviewers' keys, unless a class of tampering says so, nor any checkpoint that left the house.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from audit.checkpoints import Checkpoint
from audit.enrolment import vouched
from audit.identity import Signer
from audit.merkle import Frontier
from audit.record import CHECKPOINT, IDENTITY, REVIEW, REVIEW_RULES, RUN_ANSWERED
from audit.seal import canonical_bytes, genesis_hash, leaf_hash
from bench.tampering.ledgers import WORKSPACE, House, Row, State

__all__ = ["Envelope", "envelopes", "seal_anew", "sealed_row"]

Envelope = dict[str, Any]
"""What one record says, before it is put into bytes."""


def envelopes(house: House) -> list[Envelope]:
    """The records as the forger reads them, free to be changed."""
    return [json.loads(row["payload"]) for row in house.state.rows]


def sealed_row(envelope: Mapping[str, Any]) -> Row:
    """The row of one record as the product would have stored it."""
    payload = canonical_bytes(envelope)
    names = ("workspace", "sequence", "kind", "run_id", "actor", "time", "previous_hash")
    return {**{name: envelope[name] for name in names}, "hash": leaf_hash(payload), "payload": payload}


def seal_anew(
    house: House,
    records: Sequence[Envelope],
    keys: Mapping[str, Signer] | None = None,
    named: Mapping[str, Any] | None = None,
) -> State:
    """Rows and checkpoint file of a ledger with these records: numbers, links and checkpoints all as they should be.

    `keys` are people's keys that the forger holds: what is signed in those names is signed anew, too, and what the
    workspace's key vouched for. Reviews name the last checkpoint before them, or the one given as `named`.
    """
    previous, tree, answers = genesis_hash(WORKSPACE), Frontier(), dict[str, str]()
    rows: list[Row] = []
    noted: Mapping[str, Any] = {}
    lines: list[bytes] = []
    times = [json.loads(line)["time"] for line in house.state.file.splitlines()]
    for number, given in enumerate(records, start=1):
        envelope = copy.deepcopy(given)
        envelope |= {"sequence": number, "previous_hash": previous}
        body = envelope["body"]
        if envelope["kind"] == CHECKPOINT and body["key_id"] == house.workspace_key.identity.key_id:
            signed = _signed(house.workspace_key, len(rows), previous, tree, times[len(lines)])
            lines.append(canonical_bytes(signed.to_json()) + b"\n")
            body |= {"sequence": len(rows), "hash": previous, "root": signed.root, "signature": signed.signature}
            noted = {"size": len(rows), "root": signed.root}
        elif envelope["kind"] == IDENTITY and "voucher" in body:
            envelope["body"] = _vouched_anew(body, {"workspace": house.workspace_key, **(keys or {})}, previous)
        elif envelope["kind"] == REVIEW_RULES and body["key_id"] == house.workspace_key.identity.key_id:
            body |= {"previous_head": previous}
            envelope["body"] = _signed_body(house.workspace_key, body)
        elif envelope["kind"] == REVIEW and body["reviewer"] in (keys or {}):
            signer = (keys or {})[body["reviewer"]]
            body |= {"previous_head": previous, "key_id": signer.identity.key_id}
            body["run_hash"] = answers.get(body["run_id"], body["run_hash"])
            if "checkpoint" in body:
                body["checkpoint"] = dict(noted if named is None else named)
            envelope["body"] = _signed_body(signer, body)
        row = sealed_row(envelope)
        previous = row["hash"]
        if envelope["kind"] == RUN_ANSWERED:
            answers[envelope["run_id"]] = previous
        tree.add(bytes.fromhex(previous))
        rows.append(row)
    return State(tuple(rows), b"".join(lines))


def _vouched_anew(body: Mapping[str, Any], keys: Mapping[str, Signer], previous: str) -> Mapping[str, Any]:
    """An enrolment at another place of the ledger, if the forger holds the voucher's key."""
    voucher = keys.get(body["voucher"]["name"])
    return vouched({key: body[key] for key in body if key != "voucher"}, voucher, previous) if voucher else body


def _signed_body(signer: Signer, body: Mapping[str, Any]) -> dict[str, Any]:
    return signer.sign_body({key: value for key, value in body.items() if key != "signature"})


def _signed(key: Signer, size: int, head: str, tree: Frontier, time: str) -> Checkpoint:
    unsigned = Checkpoint(WORKSPACE, size, head, time, key.identity.key_id, root=tree.root().hex())
    fields = {name: value for name, value in unsigned.to_json().items() if name != "signature"}
    return Checkpoint(**key.sign_body(fields))
