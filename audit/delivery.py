"""Sending checkpoints on: a thread of its own, a queue that survives the program, and never a run that waits.

The queue is the workspace's checkpoint file itself: of each destination only is remembered how far it has come. What a
place does not take is sent again, in this session after growing pauses and by the next session after that.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import structlog

from audit.destinations import Destination, DestinationError

__all__ = ["SENT_NAME", "Delivery", "Standing", "standings"]

SENT_NAME: Final = "checkpoints-sent.json"
_BATCH: Final = 200
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one destination has come."""

    name: str
    waiting: int
    """Checkpoints that it has not taken yet."""
    error: str
    """Why it did not take the last ones; empty if it did, or was not asked yet."""


class Delivery:
    """Sends what is new in a checkpoint file to destinations, in the background."""

    def __init__(self, file: Path, destinations: Sequence[Destination], *, timeout_s: float) -> None:
        self._file = file
        self._destinations = destinations
        self._timeout_s = timeout_s
        self._sent = file.with_name(SENT_NAME)
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="affidavit-checkpoints", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is something new in the file, or there may be."""
        self._wake.set()

    def close(self) -> None:
        """Give what is new one more try and return when it is sent, after the timeout at the latest."""
        self._closing = True
        self._wake.set()
        self._thread.join(self._timeout_s)

    def _run(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            self._wake.wait(None if pause == _FIRST_PAUSE_S else pause)
            self._wake.clear()
            last = self._closing
            failed = [each.name for each in self._destinations if not self._send_new(each)]
            if last:
                return
            pause = min(pause * 2, _LONGEST_PAUSE_S) if failed else _FIRST_PAUSE_S

    def _send_new(self, destination: Destination) -> bool:
        try:
            with _cursors(self._sent) as (file, cursors):
                known = cursors.get(destination.name, {})
                try:
                    while batch := _new_lines(self._file, known)[:_BATCH]:
                        destination.send(batch, self._timeout_s)
                        offset = _offset(self._file, known) + sum(len(line) for line in batch)
                        known = {"offset": offset, "last": batch[-1].decode(), "error": ""}
                        cursors[destination.name] = known
                        _write(file, cursors)
                except DestinationError as error:
                    _log.warning("checkpoint.not_sent", destination=destination.name, error=error.message)
                    cursors[destination.name] = {**known, "error": error.message}
                    _write(file, cursors)
                    return False
        except OSError as error:
            _log.warning("checkpoint.not_sent", destination=destination.name, error=str(error))
            return False
        return True


def standings(file: Path, destinations: Sequence[Destination]) -> list[Standing]:
    """How far each destination has come, for people."""
    try:
        with _cursors(file.with_name(SENT_NAME)) as (_file, cursors):
            known = {each.name: cursors.get(each.name, {}) for each in destinations}
    except OSError:
        known = {each.name: {} for each in destinations}
    return [Standing(name, len(_new_lines(file, at)), str(at.get("error", ""))) for name, at in known.items()]


@contextmanager
def _cursors(path: Path) -> Iterator[tuple[BinaryIO, dict[str, dict[str, Any]]]]:
    """What is remembered of each destination, held by one process at a time."""
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            read = json.loads(file.read() or b"{}")
        except ValueError:  # torn by a power cut: everything is sent again
            read = {}
        yield file, {name: at for name, at in read.items() if isinstance(at, dict)} if isinstance(read, dict) else {}


def _write(file: BinaryIO, cursors: dict[str, dict[str, Any]]) -> None:
    file.seek(0)
    file.truncate()
    file.write(json.dumps(cursors, indent=1).encode())
    file.flush()


def _offset(path: Path, known: dict[str, Any]) -> int:
    """Where the new lines begin: after the last one sent, or at the beginning if the file is another one now."""
    offset, last = known.get("offset"), str(known.get("last", "")).encode()
    if not isinstance(offset, int) or not last or offset < len(last):
        return 0
    try:
        with open(path, "rb") as file:
            file.seek(offset - len(last))
            return offset if file.read(len(last)) == last else 0
    except OSError:
        return 0


def _new_lines(path: Path, known: dict[str, Any]) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            file.seek(_offset(path, known))
            return [line for line in file if line.endswith(b"\n")]
    except FileNotFoundError:
        return []
