"""A ledger with people around it, and an owner of the database who cheats."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from audit.identity import Keyring, Signer, create_identity, ensure_workspace_key
from audit.ledger import Ledger
from audit.record import Entry, Head, Record, seal_entry

WORKSPACE = "shop"
SQL = "SELECT SUM(Freight) AS freight FROM Orders"
FINGERPRINT = "ab" * 32


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'ledger.sqlite'}"


class Ticking:
    """A clock that goes on by a second at every look."""

    def __init__(self) -> None:
        self._now = dt.datetime(2026, 1, 31, 9, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        self._now += dt.timedelta(seconds=1)
        return self._now


@dataclass
class Office:
    """A ledger with the people around it: the asker asks, the reviewer and the admin review; the admin came first."""

    ledger: Ledger
    keyring: Keyring
    reviewer: Signer
    admin: Signer
    asker: Signer
    workspace_key: Signer
    checkpoints: Path

    @classmethod
    def open(cls, ledger: Ledger, folder: Path) -> Office:
        keyring = Keyring(folder / "keys")
        key = ensure_workspace_key(ledger, keyring)
        admin = create_identity(ledger, keyring, "Admin")
        reviewer, asker = (create_identity(ledger, keyring, name, by=admin) for name in ("Reviewer", "Asker"))
        return cls(ledger, keyring, reviewer, admin, asker, key, folder / "checkpoints.jsonl")

    def run(self, run_id: str = "", *, status: str = "answered", sql: str = SQL, **answer: Any) -> str:
        """A whole run, asked by the asker; gives its id."""
        run_id = run_id or str(uuid.uuid4())
        add = self.ledger.append
        add(
            "run.started",
            {"question": "How much freight?", "asker": "Asker", "direct": False},
            run_id=run_id,
            actor="Asker",
        )
        pieces = [{"kind": "table", "id": "Orders", "version": "1", "hash": "cd" * 32}]
        add(
            "run.grounded",
            {"pieces": pieces, "catalog_fingerprint": "c1", "semantics_fingerprint": "s1"},
            run_id=run_id,
        )
        add("run.drafted", {"sql": sql, "model": "m", "model_hash": "mh", "prompt_hash": "ph"}, run_id=run_id)
        body = {
            "status": status,
            "sql": sql,
            "dialect": "sqlite",
            "confidence": 0.9,
            "model": "m",
            "result_fingerprint": FINGERPRINT,
            "findings": [{"check": "time_filter", "severity": "info", "message": "no time asked"}],
            "timings_ms": {"generate": 100.0, "execute": 20.0},
            **answer,
        }
        self.ledger.append("run.answered", body, run_id=run_id)
        return run_id


def meddle(ledger: Ledger, *statements: str, **values: Any) -> None:
    """Run statements as the owner of the database, with the append-only triggers taken off."""
    with ledger.engine.execution_options(affidavit_write=True).begin() as connection:
        for statement in _without_triggers(connection):
            connection.execute(sa.text(statement))
        for statement in statements:
            used = {key: value for key, value in values.items() if f":{key}" in statement}
            connection.execute(sa.text(statement), used)


def rewrite(ledger: Ledger, sequence: int, change: Callable[[dict[str, Any]], None], *, onwards: bool = True) -> None:
    """Change a record and, as a forger who knows the scheme would, seal it and all that follow anew."""
    records = list(ledger.records())
    head = Head(sequence - 1, records[sequence - 1].previous_hash)
    for record in records[sequence - 1 : None if onwards else sequence]:
        names = ("kind", "body", "run_id", "actor", "time")
        fields = {name: getattr(record, name) for name in names}
        if record.sequence == sequence:
            change(fields)
        time = fields.pop("time")
        sealed = seal_entry(Entry(**fields), workspace=ledger.workspace, head=head, time=time)
        store(ledger, sealed)
        head = Head(sealed.sequence, sealed.hash)


def store(ledger: Ledger, record: Record) -> None:
    """Put a record's bytes and columns over the row of its sequence."""
    names = ("kind", "run_id", "actor", "time", "previous_hash", "hash", "payload")
    meddle(
        ledger,
        f"UPDATE ledger_records SET {', '.join(f'{name} = :{name}' for name in names)} WHERE sequence = :sequence",
        sequence=record.sequence,
        **{name: getattr(record, name) for name in names},
    )


def _without_triggers(connection: sa.Connection) -> list[str]:
    if connection.dialect.name == "postgresql":
        return ["ALTER TABLE ledger_records DISABLE TRIGGER USER"]
    names = connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars()
    return [f"DROP TRIGGER {name}" for name in names]
