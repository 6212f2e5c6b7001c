"""Appends that wait together share a commit, and each still gets its own answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from fixtures_audit_parts import WORKSPACE

from audit.engine import WRITING
from audit.errors import LedgerUnavailable, RecordRefusedError, SealError
from audit.group import GroupCommit, _Waiting
from audit.ledger import Ledger
from audit.record import Entry, Prepared, Record, prepare
from audit.snapshot import Snapshot
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)


def _together(
    ledger: Ledger, works: Sequence[Callable[[], object]], waiting: int | None = None
) -> list[BaseException | None]:
    """Start all of it while somebody else writes, so that it waits together; gives what each raised.

    `waiting` is how many of them get as far as to wait, if not all.
    """
    raised: list[BaseException | None] = [None] * len(works)

    def work(place: int) -> None:
        try:
            works[place]()
        except Exception as error:  # noqa: BLE001  (what it is, is what is tested)
            raised[place] = error

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(works))]
    group = ledger._group
    with group.alone():
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 20
        while group.waiting < (waiting or len(works)) and time.monotonic() < deadline:
            time.sleep(0.005)
    for thread in threads:
        thread.join()
    return raised


def _commits(ledger: Ledger) -> list[int]:
    seen: list[int] = []

    def committed(connection: sa.Connection) -> None:
        if connection.get_execution_options().get(WRITING):
            seen.append(1)

    sa.event.listen(ledger.engine, "commit", committed)
    return seen


def test_those_who_wait_share_one_commit(ledger: Ledger) -> None:
    got: list[Record] = []
    announced: list[Record] = []
    ledger.on_append(announced.append)
    commits = _commits(ledger)
    works = [lambda n=n: got.append(ledger.append("run.intent", {"n": n}, run_id=f"r{n}")) for n in range(12)]
    assert _together(ledger, works) == [None] * 12
    assert len(commits) == 1
    assert sorted(record.sequence for record in got) == list(range(1, 13))
    assert all(record.run_id == f"r{record.body['n']}" for record in got)  # each its own
    assert sorted(record.sequence for record in announced) == list(range(1, 13))
    assert verify(ledger, checkpoints=None).records == 12


def test_several_at_once_stay_together_and_in_order(ledger: Ledger) -> None:
    got: dict[int, tuple[Record, ...]] = {}
    entries = {n: [Entry("run.intent", {"n": n, "part": part}) for part in range(n)] for n in (1, 3, 2)}
    works = [lambda n=n: got.update({n: ledger.append_many(entries[n])}) for n in entries]
    assert _together(ledger, works) == [None] * 3
    for n, records in got.items():
        assert [(record.body["n"], record.body["part"]) for record in records] == [(n, part) for part in range(n)]
        assert [record.sequence - records[0].sequence for record in records] == list(range(n))


def test_one_that_is_refused_takes_no_other_along(ledger: Ledger) -> None:
    ledger.append("run.started", {}, run_id="r1")
    good = [lambda n=n: ledger.append("run.intent", {"n": n}) for n in range(4)]
    bad = [
        lambda: ledger.append("run.started", {"again": True}, run_id="r1"),
        lambda: ledger.append("run.intent", {"n": object()}),
        lambda: ledger.append("No Kind", {}),
    ]
    raised = _together(ledger, [good[0], bad[0], good[1], bad[1], good[2], bad[2], good[3]], 5)
    assert [type(error) for error in raised if error] == [RecordRefusedError, SealError, RecordRefusedError]
    assert [error is None for error in raised] == [True, False, True, False, True, False, True]
    assert ledger.head().sequence == 5
    assert verify(ledger, checkpoints=None).ok


def test_a_ledger_that_cannot_be_written_tells_everybody(ledger: Ledger, ledger_url: str) -> None:
    with Ledger.open(ledger_url, workspace=WORKSPACE, timeout_s=0.2) as waiting:
        with ledger.engine.execution_options(affidavit_write=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("LOCK TABLE ledger_records IN ACCESS EXCLUSIVE MODE"))
            raised = _together(waiting, [lambda n=n: waiting.append("run.intent", {"n": n}) for n in range(3)])
        assert [type(error) for error in raised] == [LedgerUnavailable] * 3
        assert all("locked" in str(error) for error in raised)
        assert len({id(error) for error in raised}) == 3
        assert waiting.head().sequence == 0
        assert waiting.append("run.intent", {}).sequence == 1


def test_a_commit_that_had_to_wait_keeps_the_next_one_no_longer(ledger: Ledger) -> None:
    """It may have waited for a lock: that says nothing of how long others take to come."""
    group = ledger._group
    group._last, group._last_s = 2, 120.0
    started = time.monotonic()
    ledger.append("run.intent", {})
    assert time.monotonic() - started < 30


def test_a_write_that_is_broken_off_acknowledges_nothing() -> None:
    def interrupted(_entries: Sequence[Prepared]) -> tuple[Record, ...]:
        raise KeyboardInterrupt

    group = GroupCommit(interrupted)
    raised: list[BaseException] = []

    def append() -> None:
        try:
            group.append((prepare(Entry("run.intent", {})),))
        except BaseException as error:  # noqa: BLE001  (an interrupt is meant)
            raised.append(error)

    threads = [threading.Thread(target=append) for _ in range(3)]
    with group.alone():
        for thread in threads:
            thread.start()
        while group.waiting < 3:
            time.sleep(0.005)
    for thread in threads:
        thread.join()
    assert sorted(type(error).__name__ for error in raised) == ["KeyboardInterrupt"] + ["LedgerUnavailable"] * 2
    assert group.waiting == 0
    with group.alone():  # the turn was passed on
        pass


def test_whoever_stops_waiting_holds_nobody_up(ledger: Ledger) -> None:
    """A wait that is broken off, as by an interrupt, leaves the queue; the turn goes to the next one."""
    group = ledger._group
    leaving = _Waiting((prepare(Entry("run.intent", {"n": "never"})),))
    threads: list[threading.Thread] = []
    with group.alone():
        group._queue.append(leaving)
        threads = [threading.Thread(target=ledger.append, args=("run.intent", {"n": n})) for n in range(3)]
        for thread in threads:
            thread.start()
        while group.waiting < 4:
            time.sleep(0.005)
    # It is the turn of the one that does not write.
    assert leaving.woken.is_set()
    assert not leaving.done
    group._leave(leaving, has_turn=True)
    for thread in threads:
        thread.join(timeout=60)
    assert ledger.head().sequence == 3
    assert {record.body["n"] for record in ledger.records()} == {0, 1, 2}


def test_a_decision_waits_its_turn_among_appends(ledger: Ledger) -> None:
    seen: list[int] = []

    def decide(snapshot: Snapshot) -> Entry:
        seen.append(snapshot.head.sequence)
        return Entry("run.intent", {"decided": True})

    works = [
        *(lambda n=n: ledger.append("run.intent", {"n": n}) for n in range(3)),
        lambda: ledger.append_decided(decide),
        *(lambda n=n: ledger.append("run.intent", {"n": n}) for n in range(3)),
    ]
    assert _together(ledger, works) == [None] * 7
    decided = next(record for record in ledger.records() if record.body.get("decided"))
    assert seen == [decided.sequence - 1]
    assert verify(ledger, checkpoints=None).records == 7
