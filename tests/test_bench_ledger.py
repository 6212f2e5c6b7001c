"""The measurements of the ledger run, small, and notice what they are there to notice."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest

import bench.crash
import bench.ledger
import bench.recording.killing
import bench.tamper
from audit.verify import verify
from bench.tampering.classes import CLASSES
from bench.tampering.forger import envelopes, seal_anew
from bench.tampering.ledgers import House, build, place, take_off_triggers


@pytest.fixture
def argv(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda *arguments: monkeypatch.setattr(sys, "argv", ["bench", *map(str, arguments)])


@pytest.fixture
def house(tmp_path: Path) -> House:
    built = build(tmp_path, random.Random(1), runs=3)
    take_off_triggers(built.ledger.engine)
    return built


def test_there_are_seventeen_classes_and_more() -> None:
    assert len({each.name for each in CLASSES}) == len(CLASSES) >= 17


def test_the_forger_knows_the_scheme(house: House) -> None:
    """Sealed anew unchanged, a ledger is what it was; changed, it holds by itself and only the outside head tells."""
    assert seal_anew(house, envelopes(house)) == house.state
    records = envelopes(house)
    at = next(n for n, each in enumerate(records) if each["kind"] == "run.outcome")
    records[at]["body"]["ok"] = False
    del records[at + 1 :]
    place(house, seal_anew(house, records))
    assert verify(house.ledger, checkpoints=house.file).problem == ""
    assert verify(house.ledger, checkpoints=house.file, elsewhere=[house.external]).problem != ""


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.name)
def test_each_way_of_tampering_is_one_and_shows(house: House, kind: Any) -> None:
    for number, way in enumerate(kind.ways):
        forged = way(house, random.Random(number))
        assert forged != house.state
        place(house, forged)
        assert verify(house.ledger, checkpoints=house.file, elsewhere=[house.external]).problem != ""
        place(house, house.state)
    assert verify(house.ledger, checkpoints=house.file, elsewhere=[house.external]).problem == ""


def test_a_blind_verification_would_be_noticed(
    argv: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench.tamper, "BASES", 2)
    argv("--mutations", 19, "--clean", 3, "--format", "json")
    assert bench.tamper.main() == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["mutations"], report["detected"], report["clean_ledgers"]) == (19, 19, 3)
    monkeypatch.setattr(bench.tamper, "verified", lambda _house, *, external: "")
    argv("--mutations", 19, "--clean", 0)
    assert bench.tamper.main() == 1
    assert "MISSED" in capsys.readouterr().out


def test_rates_verification_and_cost_are_measured(argv: Any, capsys: pytest.CaptureFixture[str]) -> None:
    argv("--seconds", 0.1, "--records", 3000, "--runs", 2, "--engines", "sqlite", "--format", "json")
    bench.ledger.main()
    report = json.loads(capsys.readouterr().out)
    assert {(rate["mode"], rate["writers"]) for rate in report["rates"]} >= {
        ("group commit", 16),
        ("one per commit", 1),
    }
    assert all(rate["records_per_s"] > 0 and rate["plain_per_s"] > 0 for rate in report["rates"])
    # Two reviews, the note of a checkpoint, and a hundred records after it.
    assert (report["verification"]["records"], report["verification"]["records_since"]) == (3103, 101)
    assert report["runs"]["sqlite"]["median_ms"] > 0


def test_a_missed_target_is_said() -> None:
    rate = {"engine": "sqlite", "mode": "group commit", "writers": 16, "ratio": 0.4, "records_per_s": 2000.0}
    report = {
        "rates": [rate],
        "runs": {"sqlite": {"median_ms": 16.0}},
        "verification": {"verify_s": 121.0, "since_s": 1.1},
    }
    assert len(bench.ledger.missed(report)) == 5


def test_writers_are_killed_and_a_lost_record_would_be_noticed(
    argv: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    argv("--kills", 3, "--engines", "sqlite", "--no-trouble", "--format", "json")
    assert bench.crash.main() == 0
    found = json.loads(capsys.readouterr().out)["kills"][0]
    assert found["kills"] == 3
    drain = bench.recording.killing._drain
    monkeypatch.setattr(bench.recording.killing, "_drain", lambda channel: [*drain(channel), [(10**6, "00" * 32)]])
    argv("--kills", 3, "--engines", "sqlite", "--no-trouble")
    assert bench.crash.main() == 1
    assert "record 1000000" in capsys.readouterr().out
