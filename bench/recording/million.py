"""A ledger of a million records, put into its table as the product would have, and how long its verification takes.

Appending a million records one by one is not what is measured, so the bytes are put together here from parts that are
canonical already; verification, which believes nothing, says whether that was done right.
"""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoints import Checkpoint, write_checkpoint
from audit.enrolment import Role, self_enrolment_of
from audit.identity import Signer, enrol
from audit.ledger import Ledger
from audit.record import IDENTITY, Entry, seal_entry
from audit.review import submit_review
from audit.seal import canonical_bytes, leaf_hash
from audit.verify import Verification, verify
from bench.recording.runs import run_entries

__all__ = ["LongLedger", "build_long", "verify_long"]

WORKSPACE = "shop"
_BATCH = 20_000
_AFTER = 100
"""Records after the last checkpoint: what a checkpoint every hundred records leaves at most."""


@dataclass(frozen=True, slots=True)
class LongLedger:
    """Where it is, and the checkpoint near its end."""

    url: str
    file: Path
    checkpoint: Checkpoint
    records: int


def build_long(url: str, folder: Path, records: int, progress: Callable[[str, int, int], None]) -> LongLedger:
    """Runs of ten records each; ten of the last hundred runs are reviewed, and there are a hundred checkpoints."""
    file = folder / "checkpoints.jsonl"
    with Ledger.open(url, workspace=WORKSPACE) as ledger:
        key, reviewer = (Signer(name, Ed25519PrivateKey.generate()) for name in ("workspace", "Ben"))
        ledger.append(IDENTITY, self_enrolment_of(key, Role.WORKSPACE, WORKSPACE), actor=key.identity.name)
        enrol(ledger, reviewer, by=key)
        while (size := ledger.head().sequence) < records:
            count = min(max(_BATCH, records // 100), records - size)
            _put(ledger, count)
            reviewed = str(uuid.UUID(int=size // 10 + 7))
            for decision, code in (("accept", "correct"), ("revoke", "outdated")):
                submit_review(ledger, reviewer, run_id=reviewed, decision=decision, reason_code=code)
            checkpoint = write_checkpoint(ledger, key, file)
            progress("building", size + count, records)
        _put(ledger, _AFTER)
        return LongLedger(url, file, checkpoint, ledger.head().sequence)


def verify_long(
    made: LongLedger, *, since: bool, progress: Callable[[str, int, int], None]
) -> tuple[Verification, float, float]:
    """The verification, its seconds, opening the ledger included, and the processor's, which a busy machine leaves."""
    started, busy = time.monotonic(), time.process_time()
    with Ledger.open(made.url, workspace=WORKSPACE, create=False) as ledger:
        found = verify(
            ledger,
            checkpoints=made.file,
            since=made.checkpoint if since else None,
            progress=lambda done, total: progress("verifying", done, total),
        )
    return found, time.monotonic() - started, time.process_time() - busy


def _put(ledger: Ledger, count: int) -> None:
    """Records of runs after the head, straight into SQLite's table."""
    head = ledger.head()
    bodies = [(entry.kind, canonical_bytes(entry.body).decode()) for n in range(50) for entry in run_entries("r", n)]
    previous, rows = head.hash, []
    moment = ledger.now()
    first = head.sequence + 1
    for sequence in range(first, first + count):
        at = (sequence - first) % len(bodies)
        run_id = str(uuid.UUID(int=(head.sequence + (sequence - first) // 10 * 10) // 10 + 7))
        kind, body = bodies[at]
        payload = (
            f'{{"actor":"","body":{body},"kind":"{kind}","previous_hash":"{previous}","run_id":"{run_id}",'
            f'"sequence":{sequence},"time":"{moment}","v":1,"workspace":"{WORKSPACE}"}}'
        ).encode()
        row = (WORKSPACE, sequence, kind, run_id, "", moment, previous, previous := leaf_hash(payload), payload)
        rows.append(row)
    _assert_sealed_alike(rows[0], ledger)
    _insert(ledger, rows)


def _assert_sealed_alike(row: tuple[Any, ...], ledger: Ledger) -> None:
    """The first one is what the product's own sealing makes of it."""
    said = json.loads(row[8])
    entry = Entry(said["kind"], said["body"], said["run_id"], said["actor"])
    assert seal_entry(entry, workspace=WORKSPACE, head=ledger.head(), time=said["time"]).payload == row[8]


def _insert(ledger: Ledger, rows: list[tuple[Any, ...]]) -> None:
    connection = sqlite3.connect(str(ledger.engine.url.database), isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO ledger_records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
    finally:
        connection.close()
