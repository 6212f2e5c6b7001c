"""What happens to a statement when its server is not there for a moment: real sessions killed, real locks held."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from fixtures_steps import Bench, bench, layer, sqlite_demo  # noqa: F401
from fixtures_warehouse import Built, place

from agent.run import Verdict
from agent.settings import GuardLimits
from agent.steps import execute
from agent.warehouse import server_readers
from agent.warehouse.connect import open_warehouse
from memory.catalog import Catalog

SERVERS = [
    pytest.param("postgres", marks=pytest.mark.postgresql),
    pytest.param("mysql", marks=pytest.mark.mariadb),
]
SLEEP = {"postgres": "SELECT 7 AS n, pg_sleep(s) FROM naps", "mysql": "SELECT 7 AS n, SLEEP(s) FROM naps"}
"""Until it is killed; then the naps are over."""
SESSIONS = {
    "postgres": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name = 'affidavit' AND state = 'active' AND query LIKE 'FETCH%'",  # it reads through a cursor
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = database() AND info LIKE '%SLEEP(s)%' "
    "AND id <> connection_id()",
}
KILL = {"postgres": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}
LOCK = {
    "postgres": ("BEGIN", "LOCK TABLE t IN ACCESS EXCLUSIVE MODE", "ROLLBACK"),
    "mysql": ("SET autocommit = 1", "LOCK TABLES t WRITE", "UNLOCK TABLES"),
}


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Built]:
    dialect = str(request.param)
    with place(dialect, tmp_path) as (url, _):
        yield Built(dialect, url, Catalog(dialect, ()))


@contextmanager
def administered(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def killing(server: Built, times: int) -> Iterator[list[int]]:
    """Kill the session of the sleeping statement as often as said, as soon as each is seen at work."""
    killed: list[int] = []
    over = threading.Event()
    at_work = sa.text(SESSIONS[server.dialect])
    with administered(server.url) as connection:
        connection.exec_driver_sql("CREATE TABLE naps (s INTEGER)")
        connection.exec_driver_sql("INSERT INTO naps VALUES (9)")

        def watch() -> None:
            while len(killed) < times and not over.wait(0.02):
                for session in set(connection.execute(at_work).scalars()) - set(killed):
                    killed.append(session)
                    if len(killed) == times:
                        connection.exec_driver_sql("UPDATE naps SET s = 0")
                    connection.exec_driver_sql(KILL[server.dialect].format(session))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield killed
        finally:
            over.set()
            watcher.join()


def run(bench: Bench, server: Built, sql: str) -> dict:  # noqa: F811
    """Execute one allowed draft on the server, with the real ledger."""
    warehouse = open_warehouse(server.url, GuardLimits(timeout_s=10))
    try:
        verdict = Verdict(True, sql)
        state = bench.state(sql, verdicts=((0, verdict),), verdict=verdict)
        return execute.node(state, replace(bench.services, warehouse=warehouse))
    finally:
        warehouse.close()


def test_a_session_killed_once_is_asked_again(bench: Bench, server: Built) -> None:  # noqa: F811
    with killing(server, 1) as killed:
        patch = run(bench, server, SLEEP[server.dialect])
    assert len(killed) == 1
    assert patch["outcome"].result.rows[0][0] == 7
    records = bench.records("run.intent", "run.outcome")
    assert [kind for kind, _ in records] == ["run.intent", "run.outcome"] * 2
    assert [body["error_class"] for kind, body in records if kind == "run.outcome"] == ["warehouse_unreachable", ""]


def test_a_session_killed_twice_fails_by_its_class(bench: Bench, server: Built) -> None:  # noqa: F811
    with killing(server, 2) as killed:
        patch = run(bench, server, SLEEP[server.dialect])
    assert len(killed) == 2
    assert patch["outcome"].error.error_class == "warehouse_unreachable"
    assert len(bench.records("run.intent")) == len(bench.records("run.outcome")) == 2


@pytest.mark.parametrize(("held", "classes"), [(1, ["warehouse_locked", ""]), (2, ["warehouse_locked"] * 2)])
def test_a_lock_is_waited_for_twice(
    bench: Bench,  # noqa: F811
    server: Built,
    held: int,
    classes: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is held until so many tries have ended."""
    monkeypatch.setattr(server_readers, "LOCK_TIMEOUT_S", 1)
    begin, lock, leave = LOCK[server.dialect]
    with administered(server.url) as connection:
        connection.exec_driver_sql("CREATE TABLE t (n INTEGER)")
        connection.exec_driver_sql(begin)
        connection.exec_driver_sql(lock)
        done = threading.Event()

        def let_go() -> None:
            while not done.wait(0.05) and len(bench.records("run.outcome")) < held:
                continue
            connection.exec_driver_sql(leave)

        holder = threading.Thread(target=let_go)
        holder.start()
        try:
            run(bench, server, "SELECT COUNT(*) FROM t")
        finally:
            done.set()
            holder.join()
    found = [body["error_class"] for _, body in bench.records("run.outcome")]
    assert found == classes


def test_what_will_not_pass_is_not_tried_again(bench: Bench) -> None:  # noqa: F811
    state = bench.state("SELECT Absent FROM Orders")
    verdict = Verdict(True, "SELECT Absent FROM Orders")
    started = time.perf_counter()
    patch = execute.node({**state, "verdicts": ((0, verdict),), "verdict": verdict}, bench.services)
    assert patch["outcome"].error.error_class == "unknown_column"
    assert len(bench.records("run.intent")) == 1
    assert time.perf_counter() - started < 0.5
