"""Opening, reading under caps, and every way a connection can be wrong."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import threading
import time
import traceback
from decimal import Decimal
from pathlib import Path

import pytest
from fixtures_warehouse import MARIADB, POSTGRESQL, Built, built, opened  # noqa: F401

from agent.errors import AffidavitError, ErrorClass, FailedError, RefusedError, UsageError
from agent.settings import GuardLimits
from agent.warehouse.cells import number_in, result_fingerprint, to_rows
from agent.warehouse.connect import open_warehouse
from agent.warehouse.reading import time_limit

PASSWORD = "s3cret-Pa55/word"
QUOTED = "s3cret-Pa55%2Fword"


def table(dialect: str, name: str) -> str:
    return f'"{name}"' if dialect == "postgres" else name


# --- reading ----------------------------------------------------------------------------------------------------


def test_reads_rows(built: Built) -> None:  # noqa: F811
    with opened(built) as warehouse:
        outcome = warehouse.execute(f"SELECT COUNT(*) AS n FROM {table(built.dialect, 'Orders')}")
        assert warehouse.dialect == built.dialect
    assert outcome.error is None
    assert outcome.result is not None
    assert outcome.result.columns == ("n",)
    assert outcome.result.rows == ((120,),)
    assert not outcome.result.truncated
    assert outcome.elapsed_ms > 0


def test_row_cap(built: Built) -> None:  # noqa: F811
    sql = f"SELECT * FROM {table(built.dialect, 'Orders')}"
    with opened(built, max_rows=7) as warehouse:
        cut = warehouse.execute(sql).result
        again = warehouse.execute("SELECT 1").result
    with opened(built, max_rows=120) as warehouse:
        whole = warehouse.execute(sql).result
    assert cut is not None
    assert (len(cut.rows), cut.truncated) == (7, True)
    assert whole is not None
    assert (len(whole.rows), whole.truncated) == (120, False)
    assert again is not None
    assert again.rows == ((1,),)


def test_byte_cap(built: Built) -> None:  # noqa: F811
    with opened(built, max_bytes=1000) as warehouse:
        result = warehouse.execute(f"SELECT * FROM {table(built.dialect, 'Customers')}").result
    assert result is not None
    assert result.truncated
    assert 0 < len(result.rows) < 91


SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
    "duckdb": "SELECT COUNT(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range % 7 = 3",
    "postgres": "SELECT pg_sleep(20)",
    "mysql": "SELECT COUNT(*) FROM Orders a, Orders b, Orders c, Orders d, Orders e WHERE SLEEP(1) = 0",
}


def test_time_limit_stops_the_work(built: Built) -> None:  # noqa: F811
    with opened(built, timeout_s=0.5) as warehouse:
        started = time.perf_counter()
        outcome = warehouse.execute(SLOW[built.dialect])
        assert time.perf_counter() - started < 5
        assert outcome.error is not None
        assert outcome.error.error_class == "warehouse_timeout"
        assert outcome.error.hint
        assert warehouse.execute("SELECT 1").error is None


def test_explain_gives_a_plan_and_runs_nothing(built: Built) -> None:  # noqa: F811
    with opened(built) as warehouse:
        assert warehouse.explain(f"SELECT * FROM {table(built.dialect, 'Orders')}").strip()
        with pytest.raises(AffidavitError):
            warehouse.explain(f"DELETE FROM {table(built.dialect, 'Orders')}")
        with pytest.raises(FailedError):
            warehouse.explain("SELECT nothing FROM nowhere")


def test_many_threads_may_share_it(built: Built) -> None:  # noqa: F811
    from concurrent.futures import ThreadPoolExecutor

    sql = f"SELECT COUNT(*) FROM {table(built.dialect, 'Customers')}"
    with opened(built) as warehouse, ThreadPoolExecutor(4) as pool:
        rows = [outcome.result.rows for outcome in pool.map(warehouse.execute, [sql] * 24) if outcome.result]
    assert rows == [((91,),)] * 24


def test_percent_signs_and_colons_are_text(built: Built) -> None:  # noqa: F811
    with opened(built) as warehouse:
        result = warehouse.execute("SELECT '100 %s %d %% :x ?' AS t").result
    assert result is not None
    assert result.rows == (("100 %s %d %% :x ?",),)


def test_a_dead_connection_is_told_and_the_next_one_works(built: Built) -> None:  # noqa: F811
    if built.dialect != "postgres":
        pytest.skip("only PostgreSQL lets a query end its own session")
    with opened(built) as warehouse:
        outcome = warehouse.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        assert outcome.error is not None
        assert outcome.error.error_class == "warehouse_unreachable"
        assert warehouse.execute("SELECT 1").error is None


def test_db_schema_makes_bare_names_resolve(built: Built) -> None:  # noqa: F811
    schema = {"postgres": "public", "duckdb": "main"}.get(built.dialect)
    if schema is None:
        pytest.skip("this engine has no schemas inside a database")
    warehouse = open_warehouse(built.url, GuardLimits(), db_schema=schema)
    try:
        assert warehouse.execute(f"SELECT 1 FROM {table(built.dialect, 'Orders')}").error is None
    finally:
        warehouse.close()


# --- cells ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (2**80, 2**80),
        (1.5, 1.5),
        (float("nan"), None),
        (float("inf"), None),
        ("text", "text"),
        (Decimal("10.50"), 10.5),
        (Decimal("3"), 3),
        (Decimal("1E+3"), 1000),
        (Decimal("0.1"), 0.1),
        (Decimal("12345678901234567890.123456789"), "12345678901234567890.123456789"),
        (Decimal("NaN"), None),
        (dt.date(2024, 2, 29), "2024-02-29"),
        (dt.datetime(2024, 2, 29, 12, 30), "2024-02-29T12:30:00"),
        (dt.time(12, 30), "12:30:00"),
        (b"\x00\xff", "00ff"),
        ([1, "a"], '[1, "a"]'),
        ({"b": 1, "a": None}, '{"a": null, "b": 1}'),
        (dt.timedelta(days=2), "2 days, 0:00:00"),
    ],
)
def test_cells_are_json_safe(value: object, cell: object) -> None:
    ((got,),) = to_rows([(value,)])
    assert got == cell
    assert type(got) is type(cell)


def test_one_decimal_beyond_a_float_makes_its_column_text() -> None:
    long = Decimal("0.3333333333333333333333")
    rows = to_rows([(Decimal("0.50"), 1, Decimal("0.5")), (long, 2, None), (Decimal("1E+3"), 3, Decimal("2"))])
    assert rows == (("0.50", 1, 0.5), (str(long), 2, None), ("1000", 3, 2))
    assert to_rows([(long, 1), (2, 1.5), (0.5, True), (Decimal("NaN"), None)]) == (
        (str(long), 1),
        ("2", 1.5),
        ("0.5", True),
        (None, None),
    )


def test_a_number_is_found_in_decimal_text_but_not_in_a_code() -> None:
    assert [number_in(cell) for cell in (1, 2.5, "-0.50", "12345678901234567890.5")] == [
        1,
        2.5,
        -0.5,
        12345678901234567890.5,
    ]
    assert [number_in(cell) for cell in (None, True, "01730", "text", "2024-02-29", "1.2.3")] == [None] * 6


def test_numbers_of_one_column_have_one_type(built: Built) -> None:  # noqa: F811
    """A third has more digits than a float keeps; the half beside it must not come back as another type."""
    half, third = "CAST(0.5 AS DECIMAL(30, 22))", "CAST(0.3333333333333333333333 AS DECIMAL(30, 22))"
    with opened(built) as warehouse:
        sql = f"SELECT {half} AS share, CAST(0.25 AS DECIMAL(10, 2)) AS price UNION ALL SELECT {third}, 0.75"
        result = warehouse.execute(sql).result
    assert result is not None
    shares, prices = zip(*sorted(result.rows, key=lambda row: str(row[1])), strict=True)
    assert prices == (0.25, 0.75)
    if built.dialect == "sqlite":  # which has no exact decimals
        assert shares == (0.5, 1 / 3)
    else:
        assert shares == ("0.5000000000000000000000", "0.3333333333333333333333")


def test_equal_averages_vote_together_however_many_digits_they_come_with(built: Built) -> None:  # noqa: F811
    freight = '"Freight"' if built.dialect == "postgres" else "Freight"
    orders = table(built.dialect, "Orders")
    with opened(built) as warehouse:
        average = warehouse.execute(f"SELECT AVG({freight}) FROM {orders}").result
        divided = warehouse.execute(f"SELECT SUM({freight}) * 1.00000000 / COUNT(*) FROM {orders}").result
    assert average is not None
    assert divided is not None
    assert average.fingerprint == divided.fingerprint


def test_fingerprint_forgets_order_and_noise_but_not_values() -> None:
    base = result_fingerprint([(1, "a"), (2, None)])
    assert result_fingerprint([(2, None), (1, "a")]) == base
    assert result_fingerprint([(1.0, "a"), (2.0000000000001, None)]) == base
    assert result_fingerprint([(1, "a"), (2, "")]) != base
    assert result_fingerprint([(1, "a")]) != base
    assert result_fingerprint([("1", "a"), (2, None)]) != base
    assert result_fingerprint([("a", 1), (None, 2)]) != base
    assert result_fingerprint([(12345678901,)]) != result_fingerprint([(12345678902,)])
    assert result_fingerprint([(0.1 + 0.2,)]) == result_fingerprint([(0.3,)])
    assert result_fingerprint([]) != base


# --- what can be wrong ------------------------------------------------------------------------------------------


def wrong(url: str) -> AffidavitError:
    with pytest.raises(AffidavitError) as caught:
        open_warehouse(url, GuardLimits())
    shown = "".join(traceback.format_exception(caught.value))
    for secret in (PASSWORD, QUOTED, "Pa55"):
        assert secret not in shown
        assert secret not in caught.value.message + caught.value.hint
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "oracle://u:p@host/db",
        f"mssql+pyodbc://u:{QUOTED}@host/db",
        f"postgresql+psycopg2://u:{QUOTED}@host/db",
        f"postgresql://u:{QUOTED}@host:port/db",
        "sqlite://",
        "sqlite:///:memory:",
        "duckdb:///:memory:",
        "sqlite:///file:x.db?uri=true&mode=rwc",
    ],
)
def test_wrong_urls_are_the_users(url: str) -> None:
    error = wrong(url)
    assert isinstance(error, UsageError)
    assert error.error_class is ErrorClass.WAREHOUSE_URL


@pytest.mark.parametrize("scheme", ["sqlite", "duckdb"])
def test_a_missing_file_is_told_and_never_made(scheme: str, tmp_path: Path) -> None:
    path = tmp_path / "typo.db"
    error = wrong(f"{scheme}:///{path}")
    assert isinstance(error, UsageError)
    assert str(path) in error.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scheme", ["sqlite", "duckdb"])
def test_a_folder_and_a_file_that_is_no_database(scheme: str, tmp_path: Path) -> None:
    assert isinstance(wrong(f"{scheme}:///{tmp_path}"), UsageError)
    path = tmp_path / "notes.txt"
    path.write_text("not a database, " * 200)
    assert isinstance(wrong(f"{scheme}:///{path}"), FailedError)


def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "locked.db"
    sqlite3.connect(path).close()
    path.write_bytes(b"")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this account reads every file")
    assert isinstance(wrong(f"sqlite:///{path}"), FailedError)


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "mariadb"])
def test_nobody_listens(scheme: str) -> None:
    error = wrong(f"{scheme}://u:{QUOTED}@127.0.0.1:1/db")
    assert isinstance(error, FailedError)
    assert error.error_class is ErrorClass.WAREHOUSE_UNREACHABLE


@pytest.mark.parametrize(
    ("base", "rest"),
    [
        pytest.param(POSTGRESQL, "nobody_at_all", marks=pytest.mark.postgresql),
        pytest.param(MARIADB, "nobody_at_all", marks=pytest.mark.mariadb),
    ],
)
def test_wrong_user_or_password(base: str, rest: str, built: Built) -> None:  # noqa: F811
    if built.dialect not in base and not (built.dialect == "postgres" and "postgresql" in base):
        pytest.skip("another engine's turn")
    prefix, _, host = base.rpartition("@")
    scheme = prefix.partition("://")[0]
    error = wrong(f"{scheme}://{rest}:{QUOTED}@{host}")
    assert isinstance(error, FailedError)
    assert error.error_class is ErrorClass.WAREHOUSE_AUTH


def test_a_database_that_is_not_there(built: Built) -> None:  # noqa: F811
    if built.dialect not in {"postgres", "mysql"}:
        pytest.skip("a file is missing, not a database")
    base = built.url.rpartition("/")[0]
    error = wrong(f"{base}/affidavit_no_such_database")
    assert isinstance(error, UsageError)


def test_the_shown_url_has_no_password_and_no_options(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    sqlite3.connect(path).close()
    warehouse = open_warehouse(f"sqlite:///{path}", GuardLimits())
    assert warehouse.display_url.endswith(str(path))
    warehouse.close()
    error = wrong(f"postgresql://u:{QUOTED}@127.0.0.1:1/db?sslpassword={QUOTED}&application_name=x")
    assert "application_name" not in error.message


def test_a_statement_that_is_no_query_is_an_outcome(built: Built) -> None:  # noqa: F811
    with opened(built) as warehouse:
        for sql in ("BEGIN", "", "SELECT 1\x00", "SET x = 1", "))"):
            outcome = warehouse.execute(sql)
            assert outcome.result is None
            assert outcome.error is not None
            ErrorClass(outcome.error.error_class)


def test_a_sqlite_file_being_written_is_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE t (a INTEGER)")
    writer.execute("INSERT INTO t VALUES (1)")
    writer.commit()
    warehouse = open_warehouse(f"sqlite:///{path}", GuardLimits())
    writer.execute("INSERT INTO t VALUES (2)")
    result = warehouse.execute("SELECT a FROM t").result
    writer.commit()
    assert result is not None
    assert result.rows == ((1,),)
    warehouse.close()
    writer.close()


def test_refusals_of_the_engine_are_refused_errors(built: Built) -> None:  # noqa: F811
    if built.dialect == "sqlite":
        pytest.skip("SQLite refuses through its authorizer, as a database error")
    with opened(built) as warehouse, pytest.raises(RefusedError):
        warehouse.explain("DROP TABLE x")


def test_work_that_misses_an_interrupt_is_interrupted_again() -> None:
    """An engine between two pieces of work drops the interrupt it is sent, and goes on with the next piece."""
    interrupts: list[float] = []
    stopped = threading.Event()

    def interrupt() -> None:
        interrupts.append(time.monotonic())
        if len(interrupts) == 3:
            stopped.set()

    with pytest.raises(TimeoutError, match=r"longer than 0\.05 s"), time_limit(0.05, interrupt):  # noqa: PT012
        assert stopped.wait(10)
        raise RuntimeError("interrupted")
    time.sleep(1)
    assert len(interrupts) == 3


def test_what_is_cut_off_at_the_row_cap_stops_being_worked_on(built: Built) -> None:  # noqa: F811
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n"
    if built.dialect == "mysql":
        endless = "SELECT 1 FROM Orders a, Orders b, Orders c, Orders d, Orders e"  # its recursion ends by itself
    with opened(built, timeout_s=20, max_rows=1000) as warehouse:
        started = time.monotonic()
        for _ in range(20):
            result = warehouse.execute(endless).result
            assert result is not None
            assert result.truncated
        assert time.monotonic() - started < 20
