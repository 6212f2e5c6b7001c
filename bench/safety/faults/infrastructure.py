"""Faults of the warehouse itself, on real servers: a session killed at work, a lock that is held, a time limit met.

A statement is kept at work by a lock on a table that it reads, so nothing hangs on how fast the machine is. Here a
fault counts as repaired when the run tried again and gave the right rows, or ended `failed` with the class of what
happened, every intent on the ledger having its outcome.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from agent.run import Answer, RunStatus
from agent.settings import GuardLimits
from agent.steps.guard import judge
from agent.warehouse.connect import open_warehouse
from agent.warehouse.policy import Policy
from audit.snapshot import Selection
from bench.safety.faults.injectors import Broken
from bench.safety.faults.place import Place
from bench.safety.faults.trial import Correct, Trial, answered_rightly, asked, ended

__all__ = ["INFRASTRUCTURE", "infrastructure_trials"]

INFRASTRUCTURE = ("server_killed", "lock", "timeout")
_AT_WORK = {
    "postgres": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' "
    "AND application_name = 'affidavit'",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = database() AND state LIKE 'Waiting%lock' "
    "AND id <> connection_id()",
}
_KILL = {"postgres": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}
_EXPECTED = {"server_killed": "warehouse_unreachable", "lock": "warehouse_locked", "timeout": "warehouse_timeout"}
_PATIENCE_S = 30.0


def infrastructure_trials(
    place: Place,
    rights: Sequence[Correct],
    *,
    classes: Sequence[str],
    each: int,
    progress: Callable[[str], None],
) -> Iterator[Trial]:
    """`each` faults of every class: half of them pass while the run is at work, half of them last."""
    if place.engine == "duckdb":
        return  # a file read inside this process: there is no session to kill, and a writer keeps every reader out
    for name in classes:
        if place.engine == "sqlite" and name == "server_killed":
            continue
        for number, right in enumerate(rights[:each]):
            progress(f"{place.engine} {name}")
            yield _TRIALS[name](place, right, number % 2 == 0)


def _killed(place: Place, right: Correct, passes: bool) -> Trial:
    """The session of the statement is terminated: once, or each time it comes back."""
    with _held(place, right) as held:
        watcher = threading.Thread(target=_kill, args=(place, held, 1 if passes else 2))
        watcher.start()
        answer = asked(place, right.question, Broken(right.sql))
        watcher.join()
    return _judged("server_killed", place, right, answer)


def _locked(place: Place, right: Correct, passes: bool) -> Trial:
    """A table it reads is locked: until its first try has given up, or to the end."""
    with _held(place, right) as held:
        over, before = threading.Event(), _newest(place)

        def let_go() -> None:
            while passes and not over.wait(0.05) and not _tries(place, before):
                continue
            if passes:
                held.leave()

        watcher = threading.Thread(target=let_go)
        watcher.start()
        answer = asked(place, right.question, Broken(right.sql))
        over.set()
        watcher.join()
    return _judged("lock", place, right, answer)


def _timed_out(place: Place, right: Correct, _passes: bool) -> Trial:
    """The statement cannot end within its limit, because a table it reads stays locked for longer."""
    limits = GuardLimits(timeout_s=0.6)
    warehouse = open_warehouse(place.url, limits)
    hurried = replace(place, services=replace(place.services, warehouse=warehouse))
    try:
        with _held(place, right):
            answer = asked(hurried, right.question, Broken(right.sql))
    finally:
        warehouse.close()
    return _judged("timeout", place, right, answer)


_TRIALS: dict[str, Callable[[Place, Correct, bool], Trial]] = {
    "server_killed": _killed,
    "lock": _locked,
    "timeout": _timed_out,
}


def _judged(name: str, place: Place, right: Correct, answer: Answer) -> Trial:
    trial = ended(name, right, right.sql, answer, place)
    kinds = [record.kind for record in place.services.ledger.records(answer.run_id, ("run.intent", "run.outcome"))]
    whole = kinds.count("run.intent") == kinds.count("run.outcome") > 0
    error_class = answer.error.error_class if answer.error is not None else ""
    honest = answer.status is RunStatus.FAILED and error_class == _EXPECTED[name]
    tried_again = answered_rightly(right, answer) and kinds.count("run.intent") > 1
    if whole and (honest or tried_again):
        return replace(trial, fate="repaired", noticed=kinds.count("run.intent") > 1)
    wrong = answer.status is RunStatus.ANSWERED and not answered_rightly(right, answer)
    return replace(trial, fate="mis-repaired" if wrong else "honest", noticed=kinds.count("run.intent") > 1)


def _newest(place: Place) -> int:
    """The number of the ledger's newest record."""
    return next(place.services.ledger.select(Selection(newest_first=True))).sequence


def _tries(place: Place, after: int) -> int:
    """How many tries have ended since that record."""
    return sum(1 for _ in place.services.ledger.records(None, ("run.outcome",), after))


class _Held:
    """A lock on the tables of a statement, held by a session of its own until `leave`."""

    def __init__(self, place: Place, tables: Sequence[str]) -> None:
        self.engine = sa.create_engine(place.url, isolation_level=None if place.engine == "sqlite" else "AUTOCOMMIT")
        self.connection: Any = self.engine.connect()
        self.kind = place.engine
        self.lock = threading.Lock()
        self.left = False
        if self.kind == "postgres":
            self._run("BEGIN", *(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE' for table in tables))
        elif self.kind == "mysql":
            self._run("LOCK TABLES " + ", ".join(f"`{table}` WRITE" for table in tables))
        else:
            self._run("BEGIN EXCLUSIVE")

    def _run(self, *statements: str) -> None:
        for statement in statements:
            self.connection.exec_driver_sql(statement)

    def leave(self) -> None:
        with self.lock:
            if not self.left:
                self.left = True
                self._run("UNLOCK TABLES" if self.kind == "mysql" else "ROLLBACK")

    def close(self) -> None:
        self.leave()
        self.connection.close()
        self.engine.dispose()


@contextmanager
def _held(place: Place, right: Correct) -> Iterator[_Held]:
    verdict = judge(right.sql, dialect=place.engine, catalog=place.services.catalog, policy=Policy(), max_rows=1000)
    held = _Held(place, verdict.tables)
    try:
        yield held
    finally:
        held.close()


def _kill(place: Place, held: _Held, times: int) -> None:
    """Terminate the waiting session as often as said, then let the lock go."""
    engine = sa.create_engine(place.url, isolation_level="AUTOCOMMIT")
    killed: set[int] = set()
    until = time.monotonic() + _PATIENCE_S
    try:
        with engine.connect() as connection:
            while len(killed) < times and time.monotonic() < until:
                waiting = connection.execute(sa.text(_AT_WORK[place.engine])).scalars()
                for session in set(waiting) - killed:
                    killed.add(session)
                    connection.exec_driver_sql(_KILL[place.engine].format(session))
                time.sleep(0.02)
    finally:
        held.leave()
        engine.dispose()
