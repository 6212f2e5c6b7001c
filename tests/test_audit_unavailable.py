"""A ledger that cannot be written: one plain message, nothing half-written, and it goes on once it can."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from fixtures_audit_parts import WORKSPACE, meddle, sqlite_url

from audit.errors import LedgerUnavailable
from audit.ledger import Ledger
from audit.record import Entry
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "not a database URL"),
        ("", "not a database URL"),
        ("mysql+pymysql://root@127.0.0.1/test", "cannot be kept in mysql"),
        ("oracle://x", "cannot be kept in oracle"),
        ("sqlite://", "cannot be kept in memory"),
        ("sqlite:///:memory:", "cannot be kept in memory"),
        ("sqlite:///file:ledger?mode=memory&uri=true", "cannot be kept in memory"),
        ("postgresql+nodriver://root@127.0.0.1/test", "driver for postgresql"),
        ("sqlite:////no/such/folder/here/ledger.sqlite", "cannot be made"),
        ("postgresql+psycopg://root:secret@127.0.0.1:1/test", "cannot be used"),
    ],
)
def test_addresses_that_are_none(url: str, message: str) -> None:
    with pytest.raises(LedgerUnavailable, match=message) as refused:
        Ledger.open(url, workspace=WORKSPACE, timeout_s=2)
    assert "secret" not in refused.value.message + refused.value.hint
    assert len(refused.value.message) < 500


def test_a_server_that_lacks_the_database() -> None:
    url = os.environ.get("AFFIDAVIT_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1/test")
    missing = sa.make_url(url).set(database="no_such_database_here").render_as_string(hide_password=False)
    with pytest.raises(LedgerUnavailable, match=r"cannot be used|does not exist"):
        Ledger.open(missing, workspace=WORKSPACE, timeout_s=2)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"This is not a database. " * 100)
    with pytest.raises(LedgerUnavailable, match="is not an SQLite database"):
        Ledger.open(sqlite_url(tmp_path), workspace=WORKSPACE)


def test_an_sqlite_ledger_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    with Ledger.open(sqlite_url(tmp_path), workspace=WORKSPACE) as ledger, ledger.engine.connect() as connection:
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(sa.text("PRAGMA synchronous")).scalar_one() == 2  # FULL


def test_locked(ledger: Ledger, ledger_url: str) -> None:
    ledger.append("run.intent", {"n": 1})
    with Ledger.open(ledger_url, workspace=WORKSPACE, timeout_s=0.3) as waiting:
        with _other_writer(ledger), pytest.raises(LedgerUnavailable, match="locked by another program"):
            waiting.append("run.intent", {"n": 2})
        assert waiting.head().sequence == 1
        assert waiting.append("run.intent", {"n": 3}).sequence == 2
    assert verify(ledger, checkpoints=None).ok


def test_a_locked_table_keeps_no_reader_for_ever(ledger: Ledger, ledger_url: str) -> None:
    ledger.append("run.intent", {"n": 1})
    with Ledger.open(ledger_url, workspace=WORKSPACE, timeout_s=0.3) as reading, _other_writer(ledger):
        if ledger.engine.dialect.name == "sqlite":
            assert reading.head().sequence == 1  # who reads does not wait for who writes
        else:
            with pytest.raises(LedgerUnavailable, match="locked by another program"):
                reading.head()


@contextmanager
def _other_writer(ledger: Ledger) -> Iterator[None]:
    with ledger.engine.execution_options(affidavit_write=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("LOCK TABLE ledger_records IN ACCESS EXCLUSIVE MODE"))
        yield


def test_read_only(ledger: Ledger, ledger_url: str, tmp_path: Path) -> None:
    ledger.append("run.intent", {"n": 1})
    read_only = {
        "sqlite": f"sqlite:///file:{tmp_path / 'ledger.sqlite'}?mode=ro&uri=true",
        "postgresql": f"{ledger_url}%20-cdefault_transaction_read_only%3Don",
    }[ledger.engine.dialect.name]
    with Ledger.open(read_only, workspace=WORKSPACE, create=False) as reading:
        assert verify(reading, checkpoints=None).records == 1
        with pytest.raises(LedgerUnavailable, match="is read-only"):
            reading.append("run.intent", {"n": 2})
    assert ledger.head().sequence == 1


def test_full(tmp_path: Path) -> None:
    with Ledger.open(sqlite_url(tmp_path), workspace=WORKSPACE) as ledger:
        ledger.append("run.intent", {"n": 1})

        @sa.event.listens_for(ledger.engine, "begin")
        def _cap(connection: sa.Connection) -> None:
            connection.exec_driver_sql("PRAGMA max_page_count = 12")

        with pytest.raises(LedgerUnavailable, match="full"):
            ledger.append_many([Entry("run.intent", {"text": "x" * 5000}) for _ in range(20)])
        assert ledger.head().sequence == 1
        assert verify(ledger, checkpoints=None).ok


_FILL = """
import resource, sys
from audit.errors import LedgerUnavailable
from audit.ledger import Ledger
with Ledger.open(sys.argv[1], workspace="shop") as ledger:
    for n in range(10_000):
        try:
            ledger.append("run.intent", {"text": "x" * 2000})
        except LedgerUnavailable as error:
            print(n, error.message)
            break
"""


def test_a_disk_that_takes_no_more(tmp_path: Path) -> None:
    limit = 600_000
    filled = subprocess.run(
        [sys.executable, "-c", _FILL, sqlite_url(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    acknowledged, _, message = filled.stdout.partition(" ")
    assert int(acknowledged) > 10, filled.stderr
    assert "disk" in message
    with Ledger.open(sqlite_url(tmp_path), workspace=WORKSPACE) as ledger:
        verification = verify(ledger, checkpoints=None)
        assert (verification.problem, verification.records) == ("", int(acknowledged))
        assert ledger.append("run.intent", {}).sequence == int(acknowledged) + 1


@pytest.mark.parametrize("replace", [False, True])
def test_a_file_that_goes_away_while_in_use(tmp_path: Path, replace: bool) -> None:
    file = tmp_path / "ledger.sqlite"
    ledger = Ledger.open(sqlite_url(tmp_path), workspace=WORKSPACE)
    ledger.append("run.intent", {"n": 1})
    file.rename(tmp_path / "moved.sqlite")
    if replace:
        sqlite3.connect(file).close()
        file.touch()
    with pytest.raises(LedgerUnavailable, match="removed or replaced"):
        ledger.append("run.intent", {"n": 2})
    ledger.close()


def test_a_table_that_goes_away(ledger: Ledger) -> None:
    meddle(ledger, "DROP TABLE ledger_records")
    for attempt in (lambda: ledger.append("run.intent", {}), ledger.head, lambda: verify(ledger, checkpoints=None)):
        with pytest.raises(LedgerUnavailable):
            attempt()


def test_a_server_that_restarts_is_found_again(ledger: Ledger) -> None:
    ledger.append("run.intent", {"n": 1})
    if ledger.engine.dialect.name == "postgresql":
        with ledger.engine.connect() as connection:
            own = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        killer = sa.create_engine(ledger.engine.url, isolation_level="AUTOCOMMIT")
        with killer.connect() as connection:
            connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
        killer.dispose()
    assert ledger.append("run.intent", {"n": 2}).sequence == 2


def test_text_where_the_newest_record_had_bytes_is_damage(tmp_path: Path) -> None:
    """The session that wrote it knows its hash, and still has to look at what lies there now."""
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite", workspace=WORKSPACE) as ledger:
        ledger.append("run.intent", {"n": 1})
        meddle(ledger, "UPDATE ledger_records SET payload = CAST(payload AS TEXT)")
        with pytest.raises(LedgerUnavailable, match="Record 1"):
            ledger.append("run.intent", {"n": 2})


def test_a_damaged_record_is_not_handed_out_and_not_built_on(ledger: Ledger) -> None:
    for n in range(3):
        ledger.append("run.intent", {"n": n})
    meddle(ledger, "UPDATE ledger_records SET payload = :payload WHERE sequence = 3", payload=b'{"n": 9}')
    with pytest.raises(LedgerUnavailable, match="Record 3 of the ledger is damaged or was changed"):
        list(ledger.records())
    with pytest.raises(LedgerUnavailable, match="Record 3"):
        ledger.append("run.intent", {"n": 4})
    assert ledger.count() == 3


def test_a_killed_writer_loses_nothing_it_acknowledged(ledger: Ledger, ledger_url: str) -> None:
    script = """
import sys
from audit.ledger import Ledger
ledger = Ledger.open(sys.argv[1], workspace="shop")
while True:
    print(ledger.append("run.intent", {"text": "x" * 3000}).sequence, flush=True)
"""
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", script, ledger_url], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(20)]
        writer.kill()
        lines += [line for line in writer.stdout.readlines() if line.endswith("\n")]
        writer.wait()
        writer.stdout.close()
        acknowledged = int(lines[-1])
        verification = verify(ledger, checkpoints=None)
        assert verification.problem == ""
        assert verification.records >= acknowledged
