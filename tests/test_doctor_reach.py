"""`doctor` tells what cannot be reached, and looks without touching."""

# ruff: noqa: F811  pytest finds fixtures by their imported names
from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from fixtures_doctor import Shop, shop  # noqa: F401

from agent.doctor.diagnosis import Diagnosis
from agent.doctor.examine import CHECKS, examine
from audit.errors import LedgerUnavailable
from memory.errors import MemoryUnavailable
from memory.store import Item, MemoryStore
from tui.failure import as_affidavit_error


def by_check(found: list[Diagnosis]) -> dict[str, Diagnosis]:
    return {each.check: each for each in found}


def test_a_warehouse_that_is_not_there_is_one_error_and_the_other_checks_are_made(shop: Shop) -> None:
    shop.record()
    shop.sync()
    gone = shop.settings(warehouse={"url": f"sqlite:///{shop.folder}/gone.sqlite"}, cache_dir=shop.folder)
    found = by_check(list(examine(gone, as_affidavit_error)))
    assert set(found) == set(CHECKS) - {"fallbacks"}
    assert found["warehouse"].severity == "error"
    assert "There is no database file" in found["warehouse"].what
    assert {found[name].severity for name in ("ledger", "checkpoints", "names")} == {"ok"}
    for name in ("sync", "metrics", "policy", "joins", "keys", "statistics", "privileges"):
        assert found[name].severity == "warning"
        assert "the check `warehouse` found to be broken" in found[name].what
    assert not (shop.folder / "gone.sqlite").exists()


def test_a_warehouse_without_tables(shop: Shop) -> None:
    assert shop.only("warehouse").severity == "ok"
    shop.run_sql("DROP TABLE orders", "DROP TABLE customers")
    assert "shows no table" in shop.only("warehouse").what


@pytest.mark.parametrize("name", ["metrics.yaml", "policy.yaml"])
@pytest.mark.parametrize("text", ["a: [", "- a", "\x00", "version: 1\nnonsense: 3\n"])
def test_a_file_that_cannot_be_read_is_an_error_of_its_check(name: str, text: str, shop: Shop) -> None:
    shop.write(name, text)
    found = by_check(list(examine(shop.settings(cache_dir=shop.folder), as_affidavit_error)))
    assert found[name.removesuffix(".yaml")].severity == "error"
    assert name in found[name.removesuffix(".yaml")].what
    assert found["privileges"].severity == "ok"


def test_a_ledger_that_holds_and_one_that_was_changed(shop: Shop) -> None:
    file = shop.record()
    before = file.read_bytes()
    assert "records; the newest of them hold" in shop.only("ledger").what
    assert shop.only("checkpoints").severity == "ok"
    assert file.read_bytes() == before
    with closing(sqlite3.connect(file)) as owner, owner:
        owner.execute("DROP TRIGGER ledger_records_no_update")
        owner.execute("UPDATE ledger_records SET actor = 'somebody' WHERE sequence = 3")
    with pytest.raises(LedgerUnavailable, match="Record 3 of the ledger was changed"):
        shop.check("ledger")


def test_a_ledger_that_is_missing_or_cut(shop: Shop) -> None:
    with pytest.raises(LedgerUnavailable, match="There is no ledger"):
        shop.check("ledger")
    assert not (shop.folder / ".affidavit").exists()
    file = shop.record()
    with closing(sqlite3.connect(file)) as owner, owner:
        owner.execute("DROP TRIGGER ledger_records_no_delete")
        owner.execute("DELETE FROM ledger_records WHERE sequence >= 3")
    with pytest.raises(LedgerUnavailable, match="vouches for"):
        shop.check("ledger")


def test_a_missing_checkpoint_file(shop: Shop) -> None:
    shop.record()
    (shop.folder / ".affidavit" / "checkpoints.jsonl").unlink()
    found = shop.only("checkpoints")
    assert found.severity == "warning"
    assert "checkpoints.jsonl is missing" in found.what
    assert not (shop.folder / ".affidavit" / "checkpoints.jsonl").exists()


def test_an_index_that_is_there_missing_or_no_index(shop: Shop) -> None:
    assert shop.only("index").severity == "warning"
    assert not (shop.folder / ".affidavit").exists()
    shop.sync()
    assert shop.only("index").severity == "error"
    place = shop.folder / ".affidavit" / "chroma"
    with MemoryStore.open(place) as store:
        for kind in ("tables", "metrics", "dimensions"):
            store.upsert(kind, [Item("a", "1", "a thing")])
    assert "There are no notes in the local index" in shop.only("index").what
    with MemoryStore.open(place) as store:
        store.upsert("notes", [Item("a", "1", "a thing")])
    assert shop.only("index").severity == "ok"
    (place / "chroma.sqlite3").write_bytes(b"no database at all" * 100)
    with pytest.raises(MemoryUnavailable, match="cannot be read"):
        shop.check("index")


def test_a_chroma_server_that_does_not_answer(shop: Shop) -> None:
    with pytest.raises(MemoryUnavailable, match=r"http://127\.0\.0\.1:1 cannot be used"):
        shop.check("index", memory={"url": "http://reader:secret@127.0.0.1:1"})
