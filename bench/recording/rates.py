"""Records a second, and rows a second of plain INSERTs of the same bytes, for so many writers at once.

The control is the same row, all columns of it, in a table with the same primary key and nothing else: no chain, no
lock, no trigger, no other index. It commits as often as the ledger did: each row by itself, or in groups as large as
the ledger's were on average, so that what is compared is the work of the ledger and not the disk's flush.
"""

from __future__ import annotations

import itertools
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from audit.engine import WRITING, open_engine, prepare_wal
from audit.ledger import Ledger
from audit.record import Entry, Record
from audit.schema import records_table
from audit.verify import verify
from bench.recording.runs import RUN_KINDS, run_entries

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
    ratio: float
    """Of the ledger's rate to that of plain INSERTs."""


def measure(url: str, mode: str, writers: int, seconds: float, slices: int = 5) -> Rate:
    """Write for `seconds` with so many threads, and for as long to the plain table: in turns, as a disk has its moods.

    Rates, group size and processor time are medians of the slices.
    """
    workspace = f"w-{uuid.uuid4().hex[:8]}"
    with Ledger.open(url, workspace=workspace, timeout_s=60) as ledger, _plain_table(url) as plain:
        commits = itertools.count()
        sa.event.listen(ledger.engine, "commit", lambda _connection: next(commits))
        write = _writer(ledger, mode)
        found: list[tuple[float, float, float, float, float]] = []
        written = 0
        for _ in range(slices):
            before = next(commits)
            new, took, cpu = _for_a_while(write, writers, seconds / slices)
            size = new / max(1, next(commits) - before - 1)
            written += new
            assert ledger.head().sequence == written, "every acknowledged record must be there"
            rows = list(itertools.islice(ledger.records(after=max(0, written - 1000)), 1000))
            insert = plain(rows, max(1, round(size)))
            plain_new, plain_took, plain_cpu = _for_a_while(insert, 1 if size > 1.5 else writers, seconds / slices)
            found.append((new / took, size, plain_new / plain_took, cpu / new * 1e6, plain_cpu / plain_new * 1e6))
        assert verify(ledger, checkpoints=None).ok
        medians = [statistics.median(each[i] for each in found) for i in range(5)]
        ratio = statistics.median(each[0] / each[2] for each in found)
        return Rate(ledger.engine.dialect.name, mode, writers, *medians, ratio=ratio)


def _writer(ledger: Ledger, mode: str) -> Work:
    bodies = [entry for number in range(20) for entry in run_entries("", number)]
    mine = threading.local()

    def records() -> Iterator[Entry]:
        """Run after run, each of one writer: as a process that answers questions leaves them."""
        name = uuid.uuid4().hex[:8]
        for run in itertools.count():
            first = run % 20 * len(RUN_KINDS)
            run_id = f"{name}-{run}"
            for like in bodies[first : first + len(RUN_KINDS)]:
                yield Entry(like.kind, like.body, run_id)

    def following() -> Entry:
        if not hasattr(mine, "records"):
            mine.records = records()
        entry: Entry = next(mine.records)
        return entry

    def one(numbers: Iterator[int]) -> None:
        next(numbers)
        chosen = following()
        ledger.append_decided(lambda _snapshot: chosen)  # what is decided has a transaction of its own

    def grouped(numbers: Iterator[int]) -> None:
        next(numbers)
        chosen = following()
        ledger.append(chosen.kind, chosen.body, run_id=chosen.run_id)

    def hundred(numbers: Iterator[int]) -> None:
        ledger.append_many([following() for _ in itertools.islice(numbers, 100)])

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


@contextmanager
def _plain_table(url: str) -> Iterator[Callable[[list[Record], int], Work]]:
    """A table of the same columns and nothing else; gives what makes work of inserting such rows, so many a commit."""
    metadata = sa.MetaData()
    columns = [sa.Column(each.name, each.type, primary_key=each.primary_key) for each in records_table.columns]
    table = sa.Table(f"plain_{uuid.uuid4().hex[:8]}", metadata, *columns)
    engine = open_engine(url, timeout_s=60).execution_options(**{WRITING: True})
    if engine.dialect.name == "sqlite":
        prepare_wal(engine)
    metadata.create_all(engine)
    names = [column.name for column in records_table.columns if column.name != "workspace"]
    statement = table.insert()
    sequence = itertools.count(1)

    def inserting(records: list[Record], size: int) -> Work:
        rows = [{"workspace": "plain", **{name: getattr(each, name) for name in names}} for each in records]

        def insert(numbers: Iterator[int]) -> None:
            chosen = itertools.islice(numbers, size)
            batch = [{**rows[number % len(rows)], "sequence": next(sequence)} for number in chosen]
            with engine.begin() as connection:
                connection.execute(statement, batch)

        return insert

    try:
        yield inserting
    finally:
        metadata.drop_all(engine)
        engine.dispose()
