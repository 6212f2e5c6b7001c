"""When checkpoints write themselves: every so many records, after so many seconds, and when a session ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from audit.checkpoints import last_checkpoint, write_checkpoint
from audit.errors import AuditError
from audit.identity import Signer
from audit.ledger import Ledger
from audit.record import CHECKPOINT, Record

__all__ = ["CheckpointPlan", "CheckpointWriter"]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CheckpointPlan:
    """When checkpoints are written by themselves, and where they are sent."""

    every: int = 100
    """Records between two of them; one more is written at close if anything was appended."""
    seconds: float = 0.0
    """The longest that a record waits for one; 0 waits for `every` or the close."""
    to: tuple[str, ...] = ()
    """Places: see `audit.destinations`."""
    timestamp_url: str = ""
    """A time-stamping authority (RFC 3161) that says when the newest of them was there; empty asks none."""
    timeout_s: float = 5.0
    """The longest that one place, and the close of the ledger, waits for an answer."""


class CheckpointWriter:
    """Writes checkpoints as planned while a ledger grows, and when it closes; `written` is told of each."""

    def __init__(
        self,
        ledger: Ledger,
        signer: Signer,
        path: Path,
        plan: CheckpointPlan,
        written: Callable[[], None] = lambda: None,
    ) -> None:
        self._ledger = ledger
        self._signer = signer
        self._path = path
        self._plan = plan
        self._written = written
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._unvouched = False
        newest = last_checkpoint(path)
        self._vouched = newest.sequence if newest else 0
        ledger.on_append(self._after_append)
        ledger.on_close(self._before_close)

    def _after_append(self, record: Record) -> None:
        if record.kind == CHECKPOINT:  # the record of a checkpoint needs no checkpoint of its own
            return
        with self._lock:
            self._unvouched = True
            self._start_timer()
            if record.sequence - self._vouched < self._plan.every:
                return
            newest = last_checkpoint(self._path)  # another process may have written one meanwhile
            self._vouched = newest.sequence if newest else 0
            if record.sequence - self._vouched >= self._plan.every:
                self._write()

    def _before_close(self) -> None:
        with self._lock:
            self._stop_timer()
            if self._unvouched:
                self._write()

    def _write(self) -> None:
        self._unvouched = False
        self._stop_timer()
        self._vouched = write_checkpoint(self._ledger, self._signer, self._path).sequence
        self._written()

    def _start_timer(self) -> None:
        if self._plan.seconds and self._timer is None:
            self._timer = threading.Timer(self._plan.seconds, self._waited_long_enough)
            self._timer.daemon = True
            self._timer.start()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _waited_long_enough(self) -> None:
        with self._lock:
            self._timer = None
            if self._unvouched:
                try:
                    self._write()
                except AuditError as error:  # nobody waits here; the next append or the close meets it again
                    self._unvouched = True
                    _log.warning("checkpoint.not_written", error=error.message)
