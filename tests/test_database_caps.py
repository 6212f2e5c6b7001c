"""The database's own layer, on each real engine: read-only, cancelled for good, and never more than the caps."""

# ruff: noqa: F811  pytest finds fixtures by their imported names
from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fixtures_warehouse import Built, built, checksum_of, opened  # noqa: F401

from agent.errors import RefusedError
from agent.settings import GuardLimits, Settings, WarehouseSettings
from agent.warehouse.connect import Warehouse, open_warehouse
from agent.warehouse.file_readers import DuckdbReader, SqliteReader
from agent.warehouse.privileges import open_checked
from agent.warehouse.server_readers import MysqlReader, PostgresReader
from bench.safety.servers import administer

ROOT = Path(__file__).parent.parent


def q(built: Built, name: str) -> str:
    return f'"{name}"' if built.dialect == "postgres" else name


def endless(built: Built) -> str:
    """Counts 120^5 rows: minutes at the least, and nothing but work (no sleep) for the database."""
    orders, freight = q(built, "Orders"), q(built, "Freight")
    tables = ", ".join(f"{orders} {alias}" for alias in "abcde")
    return f"SELECT COUNT(*) FROM {tables} WHERE a.{freight} + e.{freight} <> 0.123"


def ten_million(built: Built) -> str:
    """120 * 120 * 91 * 9 = 11.8 million rows, each of 28 columns."""
    orders, customers, employees = (q(built, name) for name in ("Orders", "Customers", "Employees"))
    return f"SELECT a.*, b.* FROM {orders} a CROSS JOIN {orders} b CROSS JOIN {customers} c CROSS JOIN {employees} e"


def running(built: Built) -> list[str]:
    """Statements that the server is still at in this database, seen by a connection of our own."""
    url = sa.engine.make_url(built.url)
    if built.dialect == "postgres":
        sql = (
            "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    elif built.dialect == "mysql":
        sql = (
            "SELECT info FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
            " AND command <> 'Sleep' AND info IS NOT NULL"
        )
    else:
        return []
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            return [str(text) for (text,) in connection.exec_driver_sql(sql)]
    finally:
        engine.dispose()


def assert_nothing_runs(built: Built, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while (left := running(built)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


# --- read-only, each of its parts alone -----------------------------------------------------------------------------


@contextmanager
def raw(warehouse: Warehouse) -> Iterator[Any]:
    """The driver's own connection, as the reader has set it up."""
    pooled = warehouse.engine.raw_connection()
    try:
        yield pooled.driver_connection
    finally:
        pooled.invalidate()


def test_sqlite_each_part_alone_refuses_a_write(built: Built, tmp_path: Path) -> None:
    if built.dialect != "sqlite":
        pytest.skip("SQLite's parts")
    write = "INSERT INTO Shippers VALUES (99, 'x', 'y')"
    before = checksum_of(built.url)
    with opened(built) as warehouse:
        reader = warehouse._reader
        assert isinstance(reader, SqliteReader)
        with raw(warehouse) as connection:
            with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
                connection.execute(write)
            with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
                connection.execute("PRAGMA query_only = 0")
            with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
                connection.execute(f"ATTACH '{tmp_path / 'other.sqlite'}' AS other")
            connection.set_authorizer(None)
            assert connection.execute("PRAGMA query_only").fetchone() == (1,)
            connection.execute("PRAGMA query_only = 0")
            with pytest.raises(sqlite3.OperationalError, match="readonly database"):
                connection.execute(write)
        reader._uri = reader._uri.replace("mode=ro", "mode=rw")
        with raw(warehouse) as connection:
            connection.set_authorizer(None)
            with pytest.raises(sqlite3.OperationalError, match="readonly database"):
                connection.execute(write)  # held by query_only alone
    assert checksum_of(built.url) == before


def test_duckdb_is_read_only_shut_in_and_locked(built: Built, tmp_path: Path) -> None:
    if built.dialect != "duckdb":
        pytest.skip("DuckDB's parts")
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n")
    with opened(built) as warehouse:
        reader = warehouse._reader
        assert isinstance(reader, DuckdbReader)
        cursor = reader._root.cursor()  # past the reader's own look at the statement
        for sql, words in {
            "CREATE TABLE t (a INT)": "read-only",
            "DELETE FROM Shippers": "read-only",
            f"SELECT * FROM read_csv('{outside}')": "disabled",
            f"SELECT * FROM '{outside}'": "disabled|does not exist",
            f"COPY Shippers TO '{tmp_path / 'out.csv'}'": "disabled",
            f"ATTACH '{tmp_path / 'other.duckdb'}'": "disabled|read-only",
            "INSTALL httpfs": "disabled|not allowed|locked",
            "LOAD httpfs": "disabled|not allowed|not found",
            "SET enable_external_access = true": "locked|Cannot",
            "SET lock_configuration = false": "locked",
        }.items():
            with pytest.raises(Exception, match=f"(?i){words}"):
                cursor.execute(sql)
        names = ("enable_external_access", "autoinstall_known_extensions", "autoload_known_extensions")
        settings = [cursor.execute(f"SELECT current_setting('{name}')").fetchone()[0] for name in names]
        assert settings == [False, False, False]
    assert not (tmp_path / "out.csv").exists()
    assert not (tmp_path / "other.duckdb").exists()


def test_postgresql_session(built: Built) -> None:
    if built.dialect != "postgres":
        pytest.skip("PostgreSQL's parts")
    with opened(built, timeout_s=7) as warehouse:
        said = warehouse.execute(
            "SELECT current_setting('default_transaction_read_only'), current_setting('transaction_read_only'),"
            " current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('search_path')"
        ).result
        assert said is not None
        assert said.rows == (("on", "on", "7s", "5s", "public, pg_temp"),)
        with raw(warehouse) as connection:
            connection.autocommit = True
            connection.read_only = None  # the driver's own BEGIN READ ONLY taken away: the session's default is left
            for write in ('DELETE FROM "Shippers"', "CREATE TABLE t (a int)", "CREATE TEMP TABLE t (a int)"):
                with pytest.raises(Exception, match="read-only transaction"):
                    connection.execute(write)


def test_postgresql_path_stays_where_the_tables_were_found(built: Built) -> None:
    """By default a schema of the account's own name comes before `public`, so making one would change what is read."""
    if built.dialect != "postgres":
        pytest.skip("PostgreSQL's parts")
    user = sa.engine.make_url(built.url).username
    try:
        with opened(built) as warehouse:
            sql = 'SELECT COUNT(*) FROM "Shippers"'
            before = warehouse.execute(sql).result
            administer(built.url, f'CREATE SCHEMA "{user}"', f'CREATE TABLE "{user}"."Shippers" (a int)')
            after = warehouse.execute(sql).result
            with raw(warehouse) as _:
                pass  # that connection is thrown away, so the next one is new
            anew = warehouse.execute(sql).result
        assert before is not None
        assert before.rows == ((3,),)
        assert after is not None
        assert anew is not None
        assert (after.rows, anew.rows) == (before.rows, before.rows)
    finally:
        administer(built.url, f'DROP SCHEMA IF EXISTS "{user}" CASCADE')


def test_mariadb_session(built: Built) -> None:
    if built.dialect != "mysql":
        pytest.skip("MariaDB's parts")
    with opened(built, timeout_s=7) as warehouse:
        said = warehouse.execute("SELECT @@max_statement_time, @@tx_read_only, @@lock_wait_timeout, @@sql_mode").result
        assert said is not None
        assert said.rows[0][:3] == (7.0, 1, 5)
        with raw(warehouse) as connection, connection.cursor() as cursor:
            for opening in ("START TRANSACTION READ ONLY", "START TRANSACTION"):  # the session's default is left
                cursor.execute(opening)
                with pytest.raises(Exception, match="READ ONLY transaction"):
                    cursor.execute("DELETE FROM Shippers")
                cursor.execute("ROLLBACK")


# --- cancellation ----------------------------------------------------------------------------------------------------


def test_our_own_time_limit_leaves_nothing_running(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the server's limit taken away, as on a server that does not know it: ours has to reach the statement."""
    with opened(built, timeout_s=0.5) as warehouse:
        _lift_server_limit(warehouse, monkeypatch)
        began = time.perf_counter()
        error = warehouse.execute(endless(built)).error
        assert error is not None
        assert error.error_class == "warehouse_timeout"
        assert time.perf_counter() - began < 40
        assert_nothing_runs(built, within_s=5)
        assert warehouse.execute("SELECT 1").error is None


def _lift_server_limit(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = warehouse._reader
    if isinstance(reader, PostgresReader):
        pin = reader._pin_path

        def without_limit(connection: Any) -> None:
            pin(connection)
            connection.autocommit = True
            connection.execute("SET statement_timeout = 0")
            connection.autocommit = False

        monkeypatch.setattr(reader, "_pin_path", without_limit)
        reader.engine.dispose()
    if isinstance(reader, MysqlReader):

        @sa.event.listens_for(reader.engine, "connect")
        def _unlimited(connection: Any, _record: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION max_statement_time = 0")

        reader.engine.dispose()


WAITS_FOR_CTRL_C = """
import sys, time
from agent.settings import GuardLimits
from agent.warehouse.connect import open_warehouse
warehouse = open_warehouse(sys.argv[1], GuardLimits(timeout_s=60))
print("ready", flush=True)
began = time.monotonic()
try:
    outcome = warehouse.execute(sys.argv[2])
except KeyboardInterrupt:
    print(f"interrupted {time.monotonic() - began:.3f}", flush=True)
    assert warehouse.execute("SELECT 1").result is not None
    sys.exit(130)
print(outcome)
"""


def test_ctrl_c_stops_the_statement_and_the_server(built: Built) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITS_FOR_CTRL_C, built.url, endless(built)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        _wait_until_running(built)
        process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        out, err = process.communicate(timeout=60)
        took = time.monotonic() - sent
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out.startswith("interrupted")) == (130, True), (out, err)
    assert took < 40
    assert_nothing_runs(built, within_s=5)


def _wait_until_running(built: Built) -> None:
    if built.dialect in {"postgres", "mysql"}:
        deadline = time.monotonic() + 60
        while not running(built) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert running(built)
    else:
        time.sleep(0.5)


# --- caps ------------------------------------------------------------------------------------------------------------


def test_ten_million_rows_are_cut_before_they_come(built: Built) -> None:
    with opened(built, max_rows=1000) as warehouse:
        warehouse.execute("SELECT 1")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        result = warehouse.execute(ten_million(built)).result
        took = time.perf_counter() - began
        grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        assert result is not None
        assert (len(result.rows), result.truncated) == (1000, True)
        assert grown_mib < 60  # all of them are gigabytes
        assert took < 40  # and take minutes
        assert_nothing_runs(built, within_s=5)
        assert warehouse.execute("SELECT 1").error is None


def test_wide_rows_come_in_small_batches(built: Built) -> None:
    """A batch of five hundred rows of 100 kB each would be fifty megabytes for a cap of one."""
    text = {
        "sqlite": "printf('%.100000c', 'x')",
        "duckdb": "repeat('x', 100000)",
        "postgres": "repeat('x', 100000)",
        "mysql": "REPEAT('x', 100000)",
    }[built.dialect]
    orders = q(built, "Orders")
    with opened(built, max_bytes=1_000_000) as warehouse:
        fetched = 0
        with warehouse._reader.reading(f"SELECT {text} FROM {orders} a CROSS JOIN {orders} b") as cursor:
            counting = _Counting(cursor)
            result = warehouse._fetch(counting, 1000)
            fetched = counting.rows
    assert (len(result.rows), result.truncated) == (10, True)
    assert fetched <= 32 + 1


class _Counting:
    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self.rows = 0

    @property
    def description(self) -> Any:
        return self._cursor.description

    def fetchmany(self, size: int) -> Any:
        found = self._cursor.fetchmany(size)
        self.rows += len(found)
        return found


def test_a_result_that_ends_at_the_limit_keeps_its_connection(built: Built) -> None:
    """What the guard lets through asks for one row more than is shown, so the usual cut result is read to its end."""
    if built.dialect != "mysql":
        pytest.skip("only unbuffered results of MariaDB and MySQL can cost a connection")
    with opened(built, max_rows=10) as warehouse:
        ids = []
        for _ in range(3):
            cut = warehouse.execute("SELECT o.* FROM Orders o CROSS JOIN Customers c LIMIT 11").result
            assert cut is not None
            assert cut.truncated
            said = warehouse.execute("SELECT CONNECTION_ID()").result
            assert said is not None
            ids.append(said.rows)
    assert len(set(ids)) == 1


# --- the account -----------------------------------------------------------------------------------------------------


@contextmanager
def reading_account(built: Built) -> Iterator[str]:
    """The URL of an account that may read the tables and nothing else."""
    url, name = sa.engine.make_url(built.url), f"reader_{uuid.uuid4().hex[:8]}"
    postgres = built.dialect == "postgres"
    account = name if postgres else f"{name}@'%%'"
    administer(url, f"CREATE {'ROLE' if postgres else 'USER'} {account} " + ("LOGIN" if postgres else ""))
    try:
        if postgres:
            administer(url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {account}")
        else:
            administer(url, f"GRANT SELECT ON {url.database}.* TO {account}")
        yield url.set(username=name, password=None).render_as_string(hide_password=False)
    finally:
        administer(
            url,
            *((f"DROP OWNED BY {account}",) if postgres else ()),
            f"DROP {'ROLE' if postgres else 'USER'} {account}",
        )


def test_an_account_that_can_write_is_refused_where_it_must_not(built: Built, tmp_path: Path) -> None:
    def settings(url: str, required: bool) -> Settings:
        return Settings(
            workspace=tmp_path, warehouse=WarehouseSettings.model_validate({"url": url, "require_read_only": required})
        )

    open_checked(settings(built.url, required=False), GuardLimits()).close()
    if built.dialect in {"sqlite", "duckdb"}:  # no accounts: the file is opened read-only
        open_checked(settings(built.url, required=True), GuardLimits()).close()
        return
    with pytest.raises(RefusedError, match="require_read_only") as caught:
        open_checked(settings(built.url, required=True), GuardLimits())
    assert caught.value.error_class == "warehouse_writable"
    with reading_account(built) as url:
        opened_by_reader = open_checked(settings(url, required=True), GuardLimits())
        try:
            assert opened_by_reader.execute(f"SELECT COUNT(*) FROM {q(built, 'Orders')}").error is None
        finally:
            opened_by_reader.close()


def test_killing_is_open_to_an_account_that_may_only_read(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    if built.dialect != "mysql":
        pytest.skip("only there a second connection has to stop the first")
    with reading_account(built) as url:
        warehouse = open_warehouse(url, GuardLimits(timeout_s=0.5))
        try:
            _lift_server_limit(warehouse, monkeypatch)
            error = warehouse.execute(endless(built)).error
            assert error is not None
            assert error.error_class == "warehouse_timeout"
            assert_nothing_runs(built, within_s=5)
        finally:
            warehouse.close()
