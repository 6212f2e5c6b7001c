"""`doctor` asks each engine itself about its statistics and about what the account may write."""

# ruff: noqa: F811  pytest finds fixtures by their imported names
from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from fixtures_doctor import Shop, any_shop, shop, shop_on  # noqa: F401

from agent.doctor.diagnosis import Diagnosis
from agent.warehouse import statistics
from agent.warehouse.privileges import _covers
from bench.safety.servers import administer


@contextmanager
def reader_of(shop: Shop) -> Iterator[tuple[Shop, str]]:
    """The shop as an account sees it that may do nothing yet, and how a grant names that account."""
    url, name = sa.engine.make_url(shop.url), f"reader_{uuid.uuid4().hex[:8]}"
    is_postgres = url.get_backend_name() == "postgresql"
    account = name if is_postgres else f"{name}@'%%'"
    password = "LOGIN PASSWORD 'pw'" if is_postgres else "IDENTIFIED BY 'pw'"
    administer(url, f"CREATE {'ROLE' if is_postgres else 'USER'} {account} {password}")
    try:
        seen = url.set(username=name, password="pw").render_as_string(hide_password=False)
        yield Shop(shop.folder, seen), account
    finally:
        if is_postgres:
            administer(url, f"DROP OWNED BY {account}")
        administer(url, f"DROP {'ROLE' if is_postgres else 'USER'} {account}")


def settled(shop: Shop, severity: str) -> Diagnosis:
    """The statistics, once PostgreSQL has counted what was done: it does that a moment later."""
    deadline = time.monotonic() + 20
    while (found := shop.only("statistics")).severity != severity and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def test_a_fresh_shop_is_quiet_on_every_engine(any_shop: Shop) -> None:
    assert any_shop.only("statistics").severity == "ok"


def test_duckdb_says_that_it_does_not_apply(tmp_path: Path) -> None:
    with shop_on("duckdb", tmp_path) as made:
        assert made.only("statistics").what.startswith("Not applicable")


def test_a_large_sqlite_file_without_statistics(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "LARGE_FILE_BYTES", 1000)
    shop.run_sql("CREATE INDEX by_country ON customers (country)", "INSERT INTO customers VALUES (1, 'A', 'B')")
    found = shop.only("statistics")
    assert found.severity == "warning"
    assert "without sqlite_stat1" in found.what
    shop.run_sql("ANALYZE")
    assert shop.only("statistics").severity == "ok"


@pytest.mark.postgresql
def test_postgresql_tables_never_analysed_and_outdated(tmp_path: Path) -> None:
    with shop_on("postgres", tmp_path) as made:
        fill = "INSERT INTO customers SELECT n, 'x', 'y' FROM generate_series({}, {}) n"
        made.run_sql("ALTER TABLE customers SET (autovacuum_enabled = false)", fill.format(1, 5000))
        assert settled(made, "warning").what == "Never analysed: customers."
        made.run_sql("ANALYZE customers")
        assert settled(made, "ok").severity == "ok"
        made.run_sql(fill.format(5001, 9000))
        assert "customers (4,000 rows changed of 9,000)" in settled(made, "warning").what


@pytest.mark.mariadb
def test_mariadb_tables_whose_statistics_wait_for_somebody(tmp_path: Path) -> None:
    with shop_on("mysql", tmp_path) as made:
        made.run_sql(
            "CREATE TABLE visits (visit INT PRIMARY KEY) ENGINE=InnoDB STATS_PERSISTENT=1 STATS_AUTO_RECALC=0",
            "INSERT INTO visits SELECT seq FROM seq_1_to_3000",
            "UPDATE mysql.innodb_table_stats SET last_update = '2020-01-01' WHERE table_name = 'visits'"
            " AND database_name = DATABASE()",
        )
        found = made.only("statistics")
        assert found.severity == "warning"
        assert "visits (changed 20" in found.what
        with reader_of(made) as (reader, account):
            database = sa.engine.make_url(made.url).database
            administer(made.url, f"GRANT SELECT ON {database}.* TO {account}")
            assert "this account is not shown when: visits." in reader.only("statistics").what
        time.sleep(1.1)  # the times have whole seconds
        made.run_sql("ANALYZE TABLE visits")
        assert made.only("statistics").severity == "ok"


@pytest.mark.mariadb
def test_mariadb_tables_of_other_engines_that_were_never_analysed(tmp_path: Path) -> None:
    with shop_on("mysql", tmp_path) as made:
        made.run_sql("CREATE TABLE visits (visit INT PRIMARY KEY, page INT, KEY (page)) ENGINE=MyISAM")
        made.run_sql("INSERT INTO visits VALUES (0, 0)")  # into an empty table, it would count as it fills it
        made.run_sql("INSERT INTO visits SELECT seq, seq FROM seq_1_to_2000")
        assert made.only("statistics").what == "Never analysed: visits."
        made.run_sql("ANALYZE TABLE visits")
        assert made.only("statistics").severity == "ok"


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_a_file_is_opened_read_only(dialect: str, tmp_path: Path) -> None:
    with shop_on(dialect, tmp_path) as made:
        found = made.only("privileges")
    assert (found.severity, "opened read-only" in found.what) == ("ok", True)


@pytest.mark.postgresql
def test_postgresql_rights(tmp_path: Path) -> None:
    with shop_on("postgres", tmp_path) as made:
        assert "account is a superuser" in made.only("privileges").what
        with reader_of(made) as (reader, account):
            administer(made.url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {account}")
            assert reader.only("privileges").what == "The warehouse's account may write nothing."
            administer(made.url, f"GRANT UPDATE (name) ON customers TO {account}")
            administer(made.url, f"GRANT TRUNCATE ON orders TO {account}")
            found = reader.only("privileges")
            assert (found.severity, "may write customers, orders." in found.what) == ("warning", True)
            administer(made.url, f"GRANT CREATE ON SCHEMA public TO {account}")
            assert "may create tables in the schema public" in reader.only("privileges").what


@pytest.mark.mariadb
def test_mariadb_rights(tmp_path: Path) -> None:
    with shop_on("mysql", tmp_path) as made:
        assert "has ALL PRIVILEGES on *.*" in made.only("privileges").what
        database = sa.engine.make_url(made.url).database
        with reader_of(made) as (reader, account):
            administer(made.url, f"GRANT SELECT, SHOW VIEW, CREATE TEMPORARY TABLES ON {database}.* TO {account}")
            assert reader.only("privileges").severity == "ok"
            administer(made.url, f"GRANT UPDATE (name), INSERT ON {database}.customers TO {account}")
            found = reader.only("privileges")
            assert found.severity == "warning"
            assert "INSERT" in found.what
            assert "UPDATE" in found.what
            assert f"on `{database}`.`customers`" in found.what


@pytest.mark.parametrize(
    ("granted", "database", "covers"),
    [
        ("*", "shop", True),
        ("`shop`", "shop", True),
        ("`shop`", "shop2", False),
        (r"`my\_shop`", "my_shop", True),
        (r"`my\_shop`", "myxshop", False),
        ("`my_shop`", "myxshop", True),
        ("`sh%`", "shop", True),
        ("`a[b]*`", "a[b]*", True),
        ("`a[b]*`", "abc", False),
    ],
)
def test_which_database_a_grant_is_for(granted: str, database: str, covers: bool) -> None:
    assert _covers(granted, database) is covers
