"""Writers that are killed at random moments, and what is left on the ledger of what they were told was there."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path

from audit.ledger import Ledger
from audit.record import Entry
from audit.session import CHECKPOINTS_NAME, open_session, refuse_unsound
from audit.verify import verify
from audit.vouching import CheckpointPlan
from bench.recording.runs import run_entries

__all__ = ["WRITERS", "Killings", "kill_writers"]

WRITERS = 3
_THREADS = 2
_VERIFY_EVERY = 20
"""Rounds between two verifications of the whole ledger."""

_processes = multiprocessing.get_context("forkserver")


@dataclass(slots=True)
class Killings:
    """What happened on one database."""

    engine: str
    workspace: str
    """A name of its own: writers of one name wait for each other wherever in a database they write."""
    kills: int = 0
    acknowledged: int = 0
    records: int = 0
    lost: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """What a writer said went wrong before it was killed; none is expected."""


def kill_writers(
    engine: str, url: str, folder: Path, *, kills: int, seed: int, progress: Callable[[str, int, int], None]
) -> Killings:
    """Start writers and kill every one of them, round after round, on one ledger that is there to stay."""
    _processes.set_forkserver_preload([__name__])
    chance = random.Random(seed)
    found, state = Killings(engine, f"crash-{uuid.uuid4().hex[:8]}"), folder / "state"
    known = 0
    while found.kills < kills:
        told = _one_round(url, state, chance, found)
        known = _look(url, state, told, known, found)
        rounds = found.kills // WRITERS
        if rounds % _VERIFY_EVERY == 0 or found.kills >= kills:
            _verify(url, state, found)
        progress(f"kills on {engine}", found.kills, kills)
    return found


def _one_round(url: str, state: Path, chance: random.Random, found: Killings) -> dict[int, str]:
    """Sequence → hash of every record that a writer was told is on disk."""
    writers = [_start(url, state, found.workspace, chance.getrandbits(32)) for _ in range(WRITERS)]
    hurry = chance.random() < 0.2  # some are killed while they still open the ledger
    if not hurry:
        for _process, channel in writers:
            channel.poll(30)
    order = [chance.uniform(0, 0.25) for _ in writers]
    started = time.monotonic()
    for moment, (process, _channel) in sorted(zip(order, writers, strict=True), key=lambda pair: pair[0]):
        time.sleep(max(0.0, started + moment - time.monotonic()))
        if process.pid is not None:
            os.kill(process.pid, signal.SIGKILL)
        found.kills += 1
    told: dict[int, str] = {}
    for process, channel in writers:
        process.join()
        for each in _drain(channel):
            if isinstance(each, str):
                found.errors.append(each)
            else:
                told.update(each)
        channel.close()
    found.acknowledged += len(told)
    return told


def _start(url: str, state: Path, workspace: str, seed: int) -> tuple[BaseProcess, Connection]:
    here, there = Pipe(duplex=False)
    process = _processes.Process(target=_write, args=(url, state, workspace, seed, there), daemon=True)
    process.start()
    there.close()
    return process, here


def _write(url: str, state: Path, workspace: str, seed: int, channel: Connection) -> None:
    """What a killed process does: sessions as the program opens them, one record or several at once, from threads."""
    lock = threading.Lock()

    def tell(what: list[tuple[int, str]] | str) -> None:
        with lock:
            channel.send(what)

    def loop(chance: random.Random) -> None:
        number = 0
        while True:
            entries = [_entry(each, chance) for each in run_entries(f"r-{chance.getrandbits(60)}", number)]
            count = chance.choice((1, 1, 1, 4, 10))
            tell([(each.sequence, each.hash) for each in ledger.append_many(entries[:count])])
            number += 1

    try:
        plan = CheckpointPlan(every=20)
        ledger = open_session(url, workspace=workspace, state_dir=state, plan=plan)
        threads = [threading.Thread(target=loop, args=(random.Random(seed + n),), daemon=True) for n in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tell("the writers ended by themselves")
    except Exception as error:  # noqa: BLE001  (told to whoever killed it)
        tell(f"{type(error).__name__}: {error}")


def _entry(entry: Entry, chance: random.Random) -> Entry:
    return Entry(entry.kind, {**entry.body, "chance": chance.getrandbits(30)}, entry.run_id, entry.actor)


def _drain(channel: Connection) -> list[list[tuple[int, str]] | str]:
    """What was said before the kill; a message it cut short was never understood by anybody."""
    said = []
    try:
        while channel.poll(0.0):
            said.append(channel.recv())
    except (EOFError, OSError):
        pass
    return said


def _look(url: str, state: Path, told: dict[int, str], known: int, found: Killings) -> int:
    """Every acknowledged record must be there, and a session must be willing to go on."""
    try:
        with Ledger.open(url, workspace=found.workspace, create=False) as ledger:
            refuse_unsound(ledger, state)
            there = {record.sequence: record.hash for record in ledger.records(after=known)}
    except Exception as error:  # noqa: BLE001  (a ledger that cannot be opened has lost everything)
        if told or known:
            found.lost.append(f"after {found.kills} kills the ledger cannot be used: {error}")
        return known
    for sequence, acknowledged in told.items():
        if there.get(sequence) != acknowledged:
            found.lost.append(f"record {sequence}, acknowledged before kill {found.kills}")
    return max(there, default=known)


def _verify(url: str, state: Path, found: Killings) -> None:
    with Ledger.open(url, workspace=found.workspace, create=False) as ledger:
        verified = verify(ledger, checkpoints=state / CHECKPOINTS_NAME)
    found.records = verified.records
    if not verified.ok:
        found.broken.append(f"after {found.kills} kills: {verified.problem}")


if __name__ == "__main__":
    sys.exit("This is a part of bench.crash.")
