"""Small ledgers made by the product's own code, and a way to put any rows in their place."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, delete, insert, select, text

from audit.assignment import claim
from audit.checkpoints import Checkpoint, read_checkpoints, write_checkpoint
from audit.engine import WRITING
from audit.enrolment import FOUNDING_ROLES, Role, request_of, self_enrolment_of, vouched
from audit.identity import Signer, enrol
from audit.ledger import Ledger
from audit.record import IDENTITY, Entry
from audit.review import submit_review
from audit.review_rules import ReviewRules, record_rules
from audit.schema import records_table
from audit.seal import digest

__all__ = [
    "WORKSPACE",
    "House",
    "Row",
    "State",
    "build",
    "build_in",
    "empty",
    "enrolment_of",
    "new_signer",
    "place",
    "take_off_triggers",
]

WORKSPACE = "shop"
PEOPLE = ("Ada", "Ben", "Cem")
"""Each asks and reviews, though never the same run."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """Everything in the reach of whoever owns the database: its rows, and the workspace's own checkpoint file."""

    rows: tuple[Row, ...]
    file: bytes


@dataclass(slots=True)
class House:
    """One ledger: what is stored, what was stored before, the keys, and the last checkpoint that left the house."""

    ledger: Ledger
    file: Path
    state: State
    earlier: State
    external: Checkpoint
    workspace_key: Signer
    people: dict[str, Signer] = field(default_factory=dict)


def new_signer(name: str, chance: random.Random) -> Signer:
    """A key that follows from the seed."""
    return Signer(name, Ed25519PrivateKey.from_private_bytes(chance.randbytes(32)))


def build(folder: Path, chance: random.Random, *, runs: int, people_count: int = 3) -> House:
    """A ledger of a few runs, half of them or none reviewed, with a checkpoint now and then and one at the end."""
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.sqlite'}", workspace=WORKSPACE)
    return build_in(ledger, folder / "checkpoints.jsonl", chance, runs=runs, people_count=people_count)


def build_in(ledger: Ledger, file: Path, chance: random.Random, *, runs: int, people_count: int) -> House:
    """The same in a ledger that is open already, and empty."""
    key = new_signer("workspace", chance)
    people = {name: new_signer(name, chance) for name in PEOPLE[:people_count]}
    _enrol_all(ledger, key, list(people.values()))
    two = people_count > 2 and chance.random() < 0.5
    record_rules(ledger, key, ReviewRules(reviewers=2 if two else 1))
    earlier = None
    reviewed = chance.choice((0.0, 0.5))
    for number in range(runs):
        asker, reviewer, *others = chance.sample(sorted(people), len(people))
        run_id = str(uuid.UUID(int=chance.getrandbits(128)))
        ledger.append_many(_run(run_id, asker, chance))
        if chance.random() < reviewed:
            if chance.random() < 0.3:
                claim(ledger, people[reviewer], run_id=run_id)
            for name in (reviewer, *(others if two and chance.random() < 0.5 else ())):
                submit_review(ledger, people[name], run_id=run_id, decision="accept", reason_code="correct")
        if chance.random() < 0.3 or number == 0:
            write_checkpoint(ledger, key, file)
            earlier = earlier or _state(ledger, file)
    external = write_checkpoint(ledger, key, file)
    now = _state(ledger, file)
    return House(ledger, file, now, earlier or now, external, key, people)


def place(house: House, state: State) -> None:
    """Put rows and file as `state` has them, whatever was there."""
    house.file.write_bytes(state.file)
    with house.ledger.engine.execution_options(**{WRITING: True}).begin() as connection:
        connection.execute(delete(records_table))
        if state.rows:
            connection.execute(insert(records_table), list(state.rows))


def empty(ledger: Ledger, file: Path) -> None:
    """Leave nothing of a ledger but its table."""
    file.unlink(missing_ok=True)
    with ledger.engine.execution_options(**{WRITING: True}).begin() as connection:
        connection.execute(delete(records_table))


def take_off_triggers(engine: Engine) -> None:
    """What whoever owns the database does first."""
    with engine.execution_options(**{WRITING: True}).begin() as connection:
        for name in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
            connection.execute(text(f'DROP TRIGGER "{name}"'))
        for name in ("started", "answered"):
            connection.execute(text(f"DROP INDEX ledger_records_one_{name}"))


def _state(ledger: Ledger, file: Path) -> State:
    with ledger.engine.begin() as connection:
        rows = connection.execute(select(records_table).order_by(records_table.c.sequence))
        found = tuple(dict(row._mapping) for row in rows)
    assert list(read_checkpoints(file))
    return State(found, file.read_bytes())


def enrolment_of(signer: Signer, voucher: Signer, previous_head: str, *, bootstrap: bool = False) -> dict[str, Any]:
    """The body of the record that enrols a reviewer with somebody's word for them, as `audit.identity` writes it."""
    roles = FOUNDING_ROLES if bootstrap else (Role.REVIEWER,)
    return vouched(request_of(signer, roles, WORKSPACE, bootstrap=bootstrap), voucher, previous_head)


def _enrol_all(ledger: Ledger, key: Signer, people: Sequence[Signer]) -> None:
    """The workspace's key, the first person by it, and the others by the first."""
    ledger.append(IDENTITY, self_enrolment_of(key, Role.WORKSPACE, WORKSPACE), actor=key.identity.name)
    for signer in people:
        enrol(ledger, signer, by=key if signer is people[0] else people[0])


def _run(run_id: str, asker: str, chance: random.Random) -> Sequence[Entry]:
    amount = chance.randrange(1, 10_000)
    sql = f"SELECT SUM(Freight) AS freight FROM Orders WHERE Freight > {amount}"
    fingerprint = digest(sql.encode())
    question = f"How much freight is above {amount}?"
    answer = {
        "status": "answered",
        "sql": sql,
        "dialect": "sqlite",
        "confidence": round(chance.random(), 4),
        "result_fingerprint": fingerprint,
        "findings": [],
    }
    return (
        Entry("run.started", {"question": question, "asker": asker, "direct": False}, run_id, asker),
        Entry("run.drafted", {"sql": sql, "model": "m", "tokens": chance.randrange(500)}, run_id),
        Entry("run.intent", {"draft": 0, "sql": sql, "tables": ["Orders"]}, run_id),
        Entry("run.outcome", {"draft": 0, "sql": sql, "ok": True, "result_fingerprint": fingerprint}, run_id),
        Entry("run.answered", answer, run_id),
    )
