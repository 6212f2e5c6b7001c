"""Group commit: appends that wait for the ledger at the same moment share one transaction.

A commit costs a flush to the disk whether it carries one record or fifty. Whoever's turn it is writes for everybody who
waits, and each append still returns only after the commit that holds its records. One append that is refused takes no
other along: then each is written by itself.
"""

from __future__ import annotations

import copy
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from audit.errors import AuditError, LedgerUnavailable
from audit.record import Prepared, Record

__all__ = ["GroupCommit", "Write"]

Write = Callable[[Sequence[Prepared]], tuple[Record, ...]]
"""Commits entries as one transaction, in order, or raises and leaves the ledger as it was."""

_MOST: Final = 256
"""Appends that share one transaction at most."""
_LINGER_SHARE: Final = 0.5
"""How long a writer waits for those whom the last commit has just let go, as a share of what that commit took; nobody
waits who is alone."""
_LINGER_MOST_S: Final = 0.01
"""Never longer, whatever kept the last commit: it may have waited for a lock."""
_LOOK_EVERY_S: Final = 0.0002


class _Waiting:
    """One append in the queue, and then what came of it."""

    def __init__(self, entries: tuple[Prepared, ...], *, alone: bool = False) -> None:
        self.entries = entries
        self.alone = alone
        self.woken = threading.Event()
        """Set when it is written, or refused, or when it is its turn to write."""
        self.written: tuple[Record, ...] | None = None
        self.error: BaseException | None = None

    @property
    def done(self) -> bool:
        """Whether somebody wrote it, or tried to."""
        return self.written is not None or self.error is not None

    def outcome(self) -> tuple[Record, ...]:
        """The records, once they are on disk; raises what stood in the way."""
        if isinstance(self.error, AuditError):
            # Several threads may have to raise it: each gets its own.
            raise copy.copy(self.error).with_traceback(self.error.__traceback__) from self.error.__cause__
        if self.error is not None or self.written is None:
            raise LedgerUnavailable("The write was broken off, and what it held is not on the record.") from self.error
        return self.written


class GroupCommit:
    """The queue of appends before a ledger. Its first one has the turn, whenever anybody has."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._queue: deque[_Waiting] = deque()
        self._lock = threading.Lock()
        self._busy = False
        self._last = 1
        """Appends that shared the last commit."""
        self._last_s = 0.0
        """What it took, in seconds."""

    @property
    def waiting(self) -> int:
        """How many are in the queue."""
        return len(self._queue)

    def append(self, entries: tuple[Prepared, ...]) -> tuple[tuple[Record, ...], list[Record]]:
        """The records of `entries`, and the last record of each append that this thread wrote, its own or others'."""
        mine = _Waiting(entries)
        self._wait_for_turn(mine)
        wrote = [] if mine.done else self._lead(mine)
        return mine.outcome(), [each.written[-1] for each in wrote if each.written]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the turn; whoever comes meanwhile waits."""
        mine = _Waiting((), alone=True)
        self._wait_for_turn(mine)
        with self._lock:
            self._queue.popleft()
        try:
            yield
        finally:
            self._pass_on()

    def _wait_for_turn(self, mine: _Waiting) -> None:
        with self._lock:
            self._queue.append(mine)
            if not self._busy:
                self._busy = True
                return
        try:
            mine.woken.wait()
        except BaseException:
            self._leave(mine, has_turn=mine.woken.is_set())
            raise

    def _leave(self, mine: _Waiting, *, has_turn: bool) -> None:
        """Somebody stops waiting: out of the queue, and if it was their turn, it is the next one's."""
        with self._lock:
            if mine not in self._queue:
                return
            self._queue.remove(mine)
        if has_turn or mine.woken.is_set():
            self._pass_on()

    def _pass_on(self) -> None:
        with self._lock:
            self._busy = bool(self._queue)
            if self._queue:
                self._queue[0].woken.set()

    def _lead(self, mine: _Waiting) -> list[_Waiting]:
        try:
            self._linger()
        except BaseException:
            self._leave(mine, has_turn=True)
            raise
        together = self._take()
        began = time.monotonic()
        try:
            self._commit(together)
            if len(together) > 1:
                for each in [each for each in together if _is_refusal(each.error)]:
                    each.error = None
                    self._commit([each])
        except BaseException as error:
            for each in together:
                each.error = each.error or (error if each.written is None else None)
            raise
        finally:
            self._last_s = time.monotonic() - began
            self._pass_on()
            for each in together:
                each.woken.set()
        return together

    def _linger(self) -> None:
        """Wait until as many have come as shared the last commit: a fuller one is worth more than an earlier one."""
        until = time.monotonic() + min(self._last_s * _LINGER_SHARE, _LINGER_MOST_S)
        while 1 < self._last > len(self._queue) and time.monotonic() < until:
            time.sleep(_LOOK_EVERY_S)

    def _take(self) -> list[_Waiting]:
        with self._lock:
            together = [self._queue.popleft()]
            while self._queue and not self._queue[0].alone and len(together) < _MOST:
                together.append(self._queue.popleft())
            self._last = len(together)
        return together

    def _commit(self, together: list[_Waiting]) -> None:
        """Write appends as one transaction; what the database or the rules say against it is theirs to raise."""
        try:
            written = self._write([entry for each in together for entry in each.entries])
        except AuditError as error:
            for each in together:
                each.error = error
            return
        start = 0
        for each in together:
            each.written = written[start : start + len(each.entries)]
            start += len(each.entries)


def _is_refusal(error: BaseException | None) -> bool:
    """Whether it may be the fault of one append alone."""
    return isinstance(error, AuditError) and not isinstance(error, LedgerUnavailable)
