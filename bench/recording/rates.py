"""Records a second, and rows a second of plain INSERTs of the same bytes, for so many writers at once.

The control is the same row, all columns of it, in a table with the same primary key and nothing else: no chain, no
lock, no trigger, no other index. It commits as often as the ledger did: each row by itself, or in groups as large as
the ledger's were on average, so that what is compared is the work of the ledger and not the disk's flush.
"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from audit.engine import WRITING, open_engine, prepare_wal
from audit.ledger import Ledger
from audit.record import Entry, Record
from audit.schema import records_table
from audit.verify import verify
from bench.recording.runs import run_entries

__all__ = ["MODES", "Rate", "measure"]

MODES = ("one per commit", "group commit", "100 at once")

Work = Callable[[Iterator[int]], None]


@dataclass(frozen=True, slots=True)
class Rate:
    """One cell of the table."""

    engine: str
    mode: str
    writers: int
    records_per_s: float
    records_per_commit: float
    plain_per_s: float
    """Plain INSERTs of the same rows, committed in groups of the same size."""
    cpu_us: float
    """Processor time of this process for one record, in microseconds: what to compare on a busy machine."""
    plain_cpu_us: float

    @property
    def ratio(self) -> float:
        """Of the ledger to plain INSERTs."""
        return self.records_per_s / self.plain_per_s if self.plain_per_s else 0.0


def measure(url: str, mode: str, writers: int, seconds: float) -> Rate:
    """Write for `seconds` with so many threads, then do the same with the plain table."""
    workspace = f"w-{uuid.uuid4().hex[:8]}"
    with Ledger.open(url, workspace=workspace, timeout_s=60) as ledger:
        commits = itertools.count()
        sa.event.listen(ledger.engine, "commit", lambda _connection: next(commits))
        before = next(commits)
        written, took, cpu = _for_a_while(_writer(ledger, mode), writers, seconds)
        # A reading transaction commits, too: each own-transaction append looks at nothing but the head in its own.
        groups = max(1, next(commits) - before - 1)
        assert ledger.head().sequence == written, "every acknowledged record must be there"
        rows = list(itertools.islice(ledger.records(), 1000))
        assert verify(ledger, checkpoints=None).ok
        engine = ledger.engine.dialect.name
    size = written / groups
    plain = _plain(url, rows, size=max(1, round(size)), writers=1 if size > 1.5 else writers, seconds=seconds)
    return Rate(engine, mode, writers, written / took, size, plain[0], cpu / written * 1e6, plain[1])


def _writer(ledger: Ledger, mode: str) -> Work:
    bodies = [entry for number in range(20) for entry in run_entries("run", number)]

    def entry(number: int) -> Entry:
        like = bodies[number % len(bodies)]
        return Entry(
            "run.intent" if like.kind in ("run.started", "run.answered") else like.kind, like.body, f"r{number}"
        )

    def one(numbers: Iterator[int]) -> None:
        chosen = entry(next(numbers))
        ledger.append_decided(lambda _snapshot: chosen)  # what is decided has a transaction of its own

    def grouped(numbers: Iterator[int]) -> None:
        chosen = entry(next(numbers))
        ledger.append(chosen.kind, chosen.body, run_id=chosen.run_id)

    def hundred(numbers: Iterator[int]) -> None:
        ledger.append_many([entry(next(numbers)) for _ in range(100)])

    return {"one per commit": one, "group commit": grouped, "100 at once": hundred}[mode]


def _for_a_while(work: Work, writers: int, seconds: float) -> tuple[int, float, float]:
    """How many numbers the threads used up, in how many seconds, and the processor time of them all."""
    numbers = itertools.count()
    errors: list[Exception] = []
    end = time.monotonic() + seconds

    def loop() -> None:
        try:
            while not errors:  # at least once, however short the time
                work(numbers)
                if time.monotonic() > end:
                    return
        except Exception as error:  # noqa: BLE001  (raised again by the main thread)
            errors.append(error)

    threads = [threading.Thread(target=loop) for _ in range(writers)]
    started, busy = time.monotonic(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, cpu = time.monotonic() - started, time.process_time() - busy
    if errors:
        raise errors[0]
    return next(numbers), took, cpu


def _plain(url: str, records: list[Record], *, size: int, writers: int, seconds: float) -> tuple[float, float]:
    metadata = sa.MetaData()
    columns = [sa.Column(each.name, each.type, primary_key=each.primary_key) for each in records_table.columns]
    table = sa.Table(f"plain_{uuid.uuid4().hex[:8]}", metadata, *columns)
    engine = open_engine(url, timeout_s=60).execution_options(**{WRITING: True})
    if engine.dialect.name == "sqlite":
        prepare_wal(engine)
    metadata.create_all(engine)
    names = [column.name for column in records_table.columns if column.name != "workspace"]
    rows = [{"workspace": "plain", **{name: getattr(each, name) for name in names}} for each in records]
    statement = table.insert()

    def insert(numbers: Iterator[int]) -> None:
        batch = [{**rows[number % len(rows)], "sequence": number + 1} for number in itertools.islice(numbers, size)]
        with engine.begin() as connection:
            connection.execute(statement, batch)

    try:
        written, took, cpu = _for_a_while(insert, writers, seconds)
    finally:
        metadata.drop_all(engine)
        engine.dispose()
    return written / took, cpu / written * 1e6
