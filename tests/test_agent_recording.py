"""When the records of a run are on disk, and what time stands on them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.recording import WAITING_KINDS, RunRecorder
from audit.engine import WRITING
from audit.errors import LedgerUnavailable, RecordRefusedError
from audit.ledger import Ledger
from audit.record import Entry
from audit.verify import verify

RUN = ("run.started", "run.grounded", "run.drafted", "run.guarded", "run.intent", "run.outcome", "run.answered")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """On a clock that goes on by a second whenever it is looked at."""
    seconds = iter(range(10_000))
    noon = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)

    def clock() -> dt.datetime:
        return noon + dt.timedelta(seconds=next(seconds))

    with Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite", workspace="shop", clock=clock) as opened:
        yield opened


def kinds(ledger: Ledger) -> list[str]:
    return [record.kind for record in ledger.records()]


def test_what_must_not_wait_takes_along_all_before_it(ledger: Ledger) -> None:
    recorder = RunRecorder(ledger)
    on_disk = []
    for kind in RUN:
        recorder.record(kind, {}, "run-1")
        on_disk.append(len(kinds(ledger)))
    assert on_disk == [1, 1, 1, 1, 5, 5, 7]
    assert kinds(ledger) == list(RUN)


def test_a_run_is_three_commits(ledger: Ledger) -> None:
    commits = []

    @sa.event.listens_for(ledger.engine, "commit")
    def _count(connection: sa.Connection) -> None:
        if connection.get_execution_options().get(WRITING):
            commits.append(1)

    recorder = RunRecorder(ledger)
    for kind in RUN:
        recorder.record(kind, {}, "run-1")
    assert len(commits) == 3


@pytest.mark.parametrize("kind", ["run.started", "run.intent", "run.answered", "run.replayed", "run.something_new"])
def test_only_what_is_known_to_be_able_to_wait_does(ledger: Ledger, kind: str) -> None:
    assert kind not in WAITING_KINDS
    RunRecorder(ledger).record(kind, {}, "run-1")
    assert kinds(ledger) == [kind]


def test_each_record_has_the_time_of_its_step(ledger: Ledger) -> None:
    recorder = RunRecorder(ledger)
    before = []
    for kind in RUN:
        before.append(ledger.now())
        recorder.record(kind, {}, "run-1")
    times = [record.time for record in ledger.records()]
    assert all(earlier < time for earlier, time in zip(before, times, strict=True))
    assert all(time < later for time, later in zip(times, before[1:], strict=False))
    assert verify(ledger, checkpoints=None).ok


def test_runs_beside_each_other_keep_to_themselves(ledger: Ledger) -> None:
    first, second = RunRecorder(ledger), RunRecorder(ledger)
    first.record("run.drafted", {"of": 1}, "run-1")
    second.record("run.drafted", {"of": 2}, "run-2")
    second.record("run.intent", {"of": 2}, "run-2")
    assert [(record.run_id, record.body["of"]) for record in ledger.records()] == [("run-2", 2), ("run-2", 2)]


def test_one_that_may_not_enter_lets_none_enter(ledger: Ledger) -> None:
    recorder = RunRecorder(ledger)
    recorder.record("run.started", {}, "run-1")
    recorder.record("run.drafted", {}, "run-1")
    recorder.record("run.guarded", {"too deep": _nested(80)}, "run-1")
    with pytest.raises(Exception, match="nested"):
        recorder.record("run.intent", {}, "run-1")
    assert kinds(ledger) == ["run.started"]


def test_a_ledger_that_is_gone_is_told_when_it_matters(ledger: Ledger, tmp_path: Path) -> None:
    recorder = RunRecorder(ledger)
    recorder.record("run.started", {}, "run-1")
    for file in tmp_path.glob("ledger.sqlite*"):
        file.unlink()
    recorder.record("run.drafted", {}, "run-1")
    with pytest.raises(LedgerUnavailable):
        recorder.record("run.intent", {}, "run-1")


@pytest.mark.parametrize("time", ["yesterday", "2026-01-31T12:00:00Z", '2026-01-31T12:00:00.000000Z","v":2,"x":"'])
def test_a_time_is_written_as_all_are(ledger: Ledger, time: str) -> None:
    with pytest.raises(RecordRefusedError, match="not a time"):
        ledger.append_many([Entry("run.drafted", {}, "run-1", "", time)])
    assert kinds(ledger) == []


def _nested(levels: int) -> object:
    value: object = 0
    for _ in range(levels):
        value = [value]
    return value
