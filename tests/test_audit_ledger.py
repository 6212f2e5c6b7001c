"""The contract of the ledger, the same over SQLite and PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fixtures_audit_parts import WORKSPACE

from audit.errors import LedgerUnavailable, RecordRefusedError, SealError
from audit.ledger import Ledger
from audit.record import Entry, Head, read_record, seal_entry
from audit.seal import canonical_bytes, genesis_hash, leaf_hash
from audit.snapshot import Selection
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)


def test_a_record_is_sealed_after_the_one_before(ledger: Ledger) -> None:
    assert ledger.head() == Head(0, genesis_hash(WORKSPACE))
    first = ledger.append("run.started", {"question": "q", "cost": 1.5}, run_id="r1", actor="Asker")
    second = ledger.append("run.answered", {"status": "answered"}, run_id="r1")
    assert (first.sequence, second.sequence) == (1, 2)
    assert first.previous_hash == genesis_hash(WORKSPACE)
    assert second.previous_hash == first.hash
    assert ledger.head() == Head(2, second.hash)
    assert list(ledger.records()) == [first, second]


def test_everything_that_means_something_is_in_the_bytes(ledger: Ledger) -> None:
    record = ledger.append("run.started", {"question": "q"}, run_id="r1", actor="Asker")
    assert json.loads(record.payload) == {
        "actor": "Asker",
        "body": {"question": "q"},
        "kind": "run.started",
        "previous_hash": genesis_hash(WORKSPACE),
        "run_id": "r1",
        "sequence": 1,
        "time": "2026-01-31T09:00:01.000000Z",
        "v": 1,
        "workspace": WORKSPACE,
    }
    assert record.payload == canonical_bytes(json.loads(record.payload))
    assert record.hash == leaf_hash(record.payload)


def test_several_are_written_together_or_not_at_all(ledger: Ledger) -> None:
    written = ledger.append_many([Entry("run.started", {"n": n}, f"r{n}") for n in range(3)])
    assert [record.sequence for record in written] == [1, 2, 3]
    with pytest.raises(SealError):
        ledger.append_many([Entry("memory.synced", {"n": 1}), Entry("memory.synced", {"n": object()})])
    with pytest.raises(RecordRefusedError):
        ledger.append_many([Entry("memory.synced", {"n": 1}), Entry("No Kind", {})])
    assert ledger.head().sequence == 3
    assert ledger.append_many([]) == ()


def test_a_decision_that_fails_leaves_nothing(ledger: Ledger) -> None:
    def decide(_snapshot: Any) -> Entry:
        raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError):
        ledger.append_decided(decide)
    assert ledger.append_decided(lambda _snapshot: None) is None
    assert ledger.head().sequence == 0
    assert ledger.append("memory.synced", {}).sequence == 1


def test_selections(ledger: Ledger) -> None:
    for n in range(7):
        ledger.append("run.started", {"n": n}, run_id=f"r{n % 2}{n}")
        ledger.append("run.intent", {"n": n}, run_id=f"r{n % 2}{n}")
    assert [record.sequence for record in ledger.records("r00")] == [1, 2]
    assert [record.body["n"] for record in ledger.records(kinds=["run.intent"])] == list(range(7))
    assert [record.sequence for record in ledger.records(after=11)] == [12, 13, 14]
    newest = ledger.select(Selection(kinds=("run.started",), newest_first=True, before=13, after=9))
    assert [record.sequence for record in newest] == [11]
    assert ledger.run_ids_like("r1", 10) == ("r11", "r13", "r15")
    assert ledger.run_ids_like("r_", 10) == ()


def test_reading_streams_over_pages(ledger: Ledger) -> None:
    ledger.append_many([Entry("memory.synced", {"n": n}) for n in range(1203)])
    assert [record.sequence for record in ledger.records()] == list(range(1, 1204))
    backwards = ledger.select(Selection(newest_first=True))
    assert [record.sequence for record in backwards] == list(range(1203, 0, -1))


def test_workspaces_have_chains_of_their_own(ledger: Ledger, ledger_url: str) -> None:
    ledger.append("memory.synced", {"of": "shop"})
    with Ledger.open(ledger_url, workspace="bank") as other:
        record = other.append("memory.synced", {"of": "bank"})
        assert (record.sequence, record.previous_hash) == (1, genesis_hash("bank"))
        assert verify(other, checkpoints=None).ok
    assert [record.body for record in ledger.records()] == [{"of": "shop"}]
    assert verify(ledger, checkpoints=None).ok


def test_it_is_there_after_it_was_closed(ledger: Ledger, ledger_url: str) -> None:
    ledger.append("memory.synced", {"money": "12.30"})
    ledger.close()
    ledger.close()
    with Ledger.open(ledger_url, workspace=WORKSPACE, create=False) as again:
        assert [record.body for record in again.records()] == [{"money": "12.30"}]
        assert again.append("memory.synced", {}).sequence == 2


@pytest.mark.parametrize("body", [{}, {"b": [1.0, 2.5e-7, None], "a": {"é😀": "\udcff"}}, {"n": 2**60, "t": (1, 2)}])
def test_a_record_is_what_is_read_from_its_bytes(body: dict[str, Any]) -> None:
    for entry in (Entry("run.intent", body), Entry("run.intent", body, 'r\u00e9 "1"', "Réviseur 😀")):
        sealed = seal_entry(entry, workspace='sh"op', head=Head(41, "ab" * 32), time="2026-01-31T09:00:01.000000Z")
        assert read_record(sealed.payload, workspace='sh"op') == sealed
        assert canonical_bytes(json.loads(sealed.payload)) == sealed.payload
        assert (sealed.sequence, sealed.previous_hash) == (42, "ab" * 32)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_records SET actor = 'Admin' WHERE sequence = 1",
        "DELETE FROM ledger_records WHERE sequence = 2",
        "DELETE FROM ledger_records",
        "INSERT INTO ledger_records SELECT workspace, 9, kind, run_id, actor, time, previous_hash, hash, payload"
        " FROM ledger_records WHERE sequence = 2",
        "INSERT INTO ledger_records SELECT workspace, 3, kind, run_id, actor, time, previous_hash, hash, payload"
        " FROM ledger_records WHERE sequence = 2",
    ],
)
def test_the_database_itself_refuses_change(ledger: Ledger, statement: str) -> None:
    ledger.append("memory.synced", {"n": 1})
    ledger.append("memory.synced", {"n": 2})
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), ledger.engine.begin() as connection:
        connection.execute(sa.text(statement))
    assert verify(ledger, checkpoints=None).records == 2


def test_each_database_has_its_own_way_around_that_is_closed(ledger: Ledger) -> None:
    ledger.append("memory.synced", {"n": 1})
    columns = "workspace, sequence, kind, run_id, actor, time, previous_hash, hash, payload"
    statement = {
        "sqlite": f"INSERT OR REPLACE INTO ledger_records SELECT {columns} FROM ledger_records",
        "postgresql": "TRUNCATE ledger_records",
    }[ledger.engine.dialect.name]
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), ledger.engine.begin() as connection:
        connection.execute(sa.text(statement))


def test_a_run_starts_once_and_ends_once(ledger: Ledger) -> None:
    for kind in ("run.started", "run.answered"):
        ledger.append(kind, {}, run_id="r1")
        with pytest.raises(RecordRefusedError):
            ledger.append(kind, {"again": True}, run_id="r1")
    assert ledger.head().sequence == 2


@pytest.mark.parametrize(
    "bad", [{"kind": "Run"}, {"kind": ""}, {"run_id": "r\x001"}, {"actor": "a\nb"}, {"actor": "a" * 201}]
)
def test_malformed_envelopes_are_refused(ledger: Ledger, bad: dict[str, str]) -> None:
    with pytest.raises(RecordRefusedError):
        ledger.append(**{"kind": "memory.synced", "body": {}, **bad})
    assert ledger.head().sequence == 0


def test_any_text_survives(ledger: Ledger) -> None:
    question = "naïve “quotes” \x00 \t 😀 דּ \udcff ' ; DROP TABLE ledger_records; --"
    record = ledger.append("run.started", {"question": question}, run_id="r1", actor="Réviseur 😀")
    assert next(ledger.records()).body["question"] == question.replace("\udcff", "\\udcff")
    assert next(ledger.records()).actor == record.actor == "Réviseur 😀"
    assert verify(ledger, checkpoints=None).ok


def test_a_second_opening_does_not_disturb_the_first(ledger: Ledger, ledger_url: str) -> None:
    ledger.append("memory.synced", {})
    with Ledger.open(ledger_url, workspace=WORKSPACE) as second:
        second.append("memory.synced", {})
    assert ledger.append("memory.synced", {}).sequence == 3
    assert verify(ledger, checkpoints=None).ok


def test_a_ledger_that_is_not_there_is_not_made_unasked(ledger_url: str, tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="There is no ledger"):
        Ledger.open(ledger_url, workspace=WORKSPACE, create=False)
    assert list(tmp_path.iterdir()) == []
