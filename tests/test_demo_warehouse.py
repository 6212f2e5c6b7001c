"""The demo warehouse: the same rows everywhere, realistic enough to be asked, and never built over someone's tables."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from demo import warehouse
from demo.generator import generate
from demo.warehouse import WarehouseBuildError, build, metadata
from tests.fixtures_demo import SERVERS, checksum_of, engine_name, rows, run, url

__all__ = ["engine_name", "url"]

CHECKSUM = "37e267c7c637"
"""Of 830 orders and seed 7, which the adapter and the baseline pack know: raise `demo.stamp._FORMAT` along with it."""


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = f"sqlite:///{tmp_path_factory.mktemp('demo') / 'warehouse.sqlite'}"
    build(made)
    return made


def one(url: str, sql: str) -> float:
    return float(rows(url, sql)[0][0])  # type: ignore[arg-type]


def test_same_rows_on_every_engine(url: str) -> None:
    report = build(url)
    assert report.built
    assert checksum_of(url).startswith(CHECKSUM)


def test_second_build_is_no_work(url: str) -> None:
    first = build(url, orders=40)
    second = build(url, orders=40)
    assert (first.built, second.built) == (True, False)
    assert second.rows == first.rows


def test_another_size_or_seed_is_rebuilt(url: str) -> None:
    build(url, orders=40)
    before = checksum_of(url)
    assert build(url, orders=40, seed=8).built
    assert checksum_of(url) != before
    assert build(url, orders=55).rows["Orders"] == 55


def test_foreign_tables_are_refused_then_replaced(url: str) -> None:
    quote = "`" if url.startswith("mysql") else '"'
    run(
        url,
        f"CREATE TABLE {quote}Customers{quote} (payroll INTEGER)",
        f"INSERT INTO {quote}Customers{quote} VALUES (5)",
    )
    with pytest.raises(WarehouseBuildError, match="Customers that Affidavit did not make"):
        build(url, orders=20)
    assert one(url, f"SELECT payroll FROM {quote}Customers{quote}") == 5
    assert build(url, orders=20, replace=True).rows["Orders"] == 20


def test_other_tables_stay(url: str, engine_name: str) -> None:
    run(url, "CREATE TABLE payroll (amount INTEGER)", "INSERT INTO payroll VALUES (5)")
    if engine_name in ("sqlite", "duckdb"):
        for replace in (False, True):  # a file is replaced as a whole, so it is refused whatever is asked
            with pytest.raises(WarehouseBuildError, match="payroll"):
                build(url, orders=20, replace=replace)
    else:
        build(url, orders=20)
    assert one(url, "SELECT amount FROM payroll") == 5


def test_interrupted_build_leaves_nothing_half_built(url: str, engine_name: str, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(url, orders=60, progress=stop)
    if engine_name in ("sqlite", "duckdb"):
        assert list(tmp_path.iterdir()) == []
    else:
        engine = sa.create_engine(url)
        assert sa.inspect(engine).get_table_names() == []
        engine.dispose()
    assert build(url, orders=60).built


def test_interrupted_rebuild_keeps_the_file_there_was(tmp_path: Path) -> None:
    made = f"sqlite:///{tmp_path / 'w.sqlite'}"
    build(made, orders=30)
    before = (tmp_path / "w.sqlite").read_bytes()

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(made, orders=60, progress=stop)
    assert (tmp_path / "w.sqlite").read_bytes() == before


@pytest.mark.parametrize("engine_name", [pytest.param("mariadb", marks=pytest.mark.mariadb)], indirect=True)
def test_build_cut_off_without_a_chance_to_clean_up_is_built_again(url: str) -> None:
    build(url, orders=30)
    run(url, "ALTER TABLE `Regions` COMMENT 'Groups [affidavit-demo unfinished]'", "DROP TABLE order_details")
    assert build(url, orders=30).built


def test_missing_table_is_noticed(tmp_path: Path) -> None:
    made = f"sqlite:///{tmp_path / 'w.sqlite'}"
    build(made, orders=30)
    run(made, "DROP TABLE order_details")
    assert build(made, orders=30).built


def test_stale_log_of_a_replaced_file_is_not_replayed(tmp_path: Path) -> None:
    path = tmp_path / "w.sqlite"
    build(f"sqlite:///{path}", orders=30)
    holder = sqlite3.connect(path)
    holder.execute("PRAGMA journal_mode=WAL")
    holder.execute("UPDATE Shippers SET Phone = 'changed'")
    holder.commit()
    assert path.with_name("w.sqlite-wal").exists()
    build(f"sqlite:///{path}", orders=31)
    assert one(f"sqlite:///{path}", "SELECT COUNT(*) FROM Shippers WHERE Phone = 'changed'") == 0
    holder.close()
    assert one(f"sqlite:///{path}", "SELECT COUNT(*) FROM Orders") == 31


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("nonsense", "not a database URL"),
        ("oracle://localhost/x", "cannot be built in oracle"),
        ("frobnicate://localhost/x", "cannot be built in frobnicate"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("mysql+pymysql://root@127.0.0.1/", "names no database"),
        ("postgresql+psycopg://root:secret@127.0.0.1:1/none", "127.0.0.1"),
        ("sqlite:////proc/nowhere/w.sqlite", "Could not fill"),
    ],
)
def test_bad_urls_are_explained(bad: str, says: str) -> None:
    with pytest.raises(WarehouseBuildError, match=says) as caught:
        build(bad, orders=10)
    assert caught.value.hint
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.sqlite"
    path.write_text("Dear all, " * 400)
    with pytest.raises(WarehouseBuildError, match="Could not fill"):
        build(f"sqlite:///{path}", orders=10)
    assert path.read_text().startswith("Dear all")


@pytest.mark.parametrize(("orders", "seed"), [(0, 7), (-5, 7), (warehouse.MAX_ORDERS + 1, 7), (10, -1)])
def test_impossible_sizes_and_seeds_are_refused(tmp_path: Path, orders: int, seed: int) -> None:
    with pytest.raises(WarehouseBuildError):
        build(f"sqlite:///{tmp_path / 'w.sqlite'}", orders=orders, seed=seed)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("orders", [1, 2, 7])
def test_tiny_warehouses_can_be_built(tmp_path: Path, orders: int) -> None:
    assert build(f"sqlite:///{tmp_path / 'w.sqlite'}", orders=orders).rows["Orders"] == orders


def test_progress_counts_every_row(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = build(f"sqlite:///{tmp_path / 'w.sqlite'}", orders=50, progress=lambda *at: seen.append(at))
    assert seen[-1] == (sum(report.rows.values()),) * 2
    assert seen == sorted(seen)


def test_large_warehouse_is_filled_fast(tmp_path: Path) -> None:
    started = time.process_time()  # of the processor, whatever else it has to do
    report = build(f"sqlite:///{tmp_path / 'w.sqlite'}", orders=100_000)
    assert report.rows["Orders"] == 100_000
    assert report.rows["order_details"] > 200_000
    assert time.process_time() - started < 60


def test_default_size(default: str) -> None:
    counts = {table: one(default, f'SELECT COUNT(*) FROM "{table}"') for table in metadata.tables}
    assert counts == {
        "Customers": 91,
        "Employees": 9,
        "Products": 77,
        "Suppliers": 29,
        "Shippers": 3,
        "Regions": 4,
        "Territories": 50,
        "Categories": 8,
        "Orders": 830,
        **{table: counts[table] for table in ("order_details", "EmployeeTerritories")},
    }
    assert counts["order_details"] > 2000
    assert one(default, "SELECT COUNT(DISTINCT Country) FROM Customers") == 21


@pytest.mark.parametrize("seed", [7, 8, 99])
def test_rows_look_like_a_company(tmp_path: Path, seed: int) -> None:
    made = f"sqlite:///{tmp_path / 'w.sqlite'}"
    build(made, orders=3000, seed=seed)
    late = one(made, "SELECT 100.0 * SUM(ShippedDate > RequiredDate) / COUNT(ShippedDate) FROM Orders")
    assert 4.5 < late < 8
    assert 2.5 < one(made, "SELECT 100.0 * SUM(ShippedDate IS NULL) / COUNT(*) FROM Orders") < 4
    recent = "SELECT 1.0 * SUM(OrderDate >= '2024-07-01') / COUNT(*) FROM Orders WHERE ShippedDate IS NULL"
    assert one(made, recent) > 0.7
    assert rows(made, "SELECT MIN(OrderDate) >= '2020-01-01', MAX(OrderDate) <= '2024-12-31' FROM Orders") == [(1, 1)]
    yearly = [float(n) for (n,) in rows(made, "SELECT COUNT(*) FROM Orders GROUP BY STRFTIME('%Y', OrderDate)")]  # type: ignore[arg-type]
    assert yearly[-1] > 1.25 * yearly[0]
    top = rows(made, "SELECT COUNT(*) FROM Orders GROUP BY CustomerID ORDER BY 1 DESC")
    assert sum(n for (n,) in top[: len(top) // 5]) > 0.4 * 3000  # type: ignore[misc]
    none_ordered = "SELECT COUNT(*) FROM {0}s WHERE {0}ID NOT IN (SELECT {0}ID FROM {1})"
    assert one(made, none_ordered.format("Customer", "Orders")) >= 3
    assert one(made, none_ordered.format("Product", "order_details")) >= 1
    assert {d for (d,) in rows(made, "SELECT DISTINCT Discount FROM order_details")} == {0, 0.05, 0.1, 0.15, 0.2, 0.25}
    assert one(made, "SELECT COUNT(*) FROM Customers WHERE Region IS NULL") > 20
    assert one(made, "SELECT SUM(Discontinued) FROM Products") >= 3


def test_dates_and_people_make_sense(default: str) -> None:
    nonsense = {
        "shipped before ordered": "SELECT COUNT(*) FROM Orders WHERE ShippedDate < OrderDate",
        "shipped in the future": "SELECT COUNT(*) FROM Orders WHERE ShippedDate > '2024-12-31'",
        "required before ordered": "SELECT COUNT(*) FROM Orders WHERE RequiredDate <= OrderDate",
        "sold before being hired": (
            "SELECT COUNT(*) FROM Orders JOIN Employees USING (EmployeeID) WHERE OrderDate < HireDate"
        ),
        "hired as a child": "SELECT COUNT(*) FROM Employees WHERE HireDate < DATE(BirthDate, '+18 years')",
        "two heads": "SELECT COUNT(*) - 1 FROM Employees WHERE ReportsTo IS NULL",
        "order without lines": "SELECT COUNT(*) FROM Orders WHERE OrderID NOT IN (SELECT OrderID FROM order_details)",
        "price missing": "SELECT COUNT(*) FROM order_details WHERE UnitPrice <= 0 OR Quantity <= 0",
        "ids not in order of date": (
            "SELECT COUNT(*) FROM Orders a JOIN Orders b ON b.OrderID = a.OrderID + 1 WHERE b.OrderDate < a.OrderDate"
        ),
        "dropped product in demand": "SELECT SUM(ReorderLevel + UnitsOnOrder) FROM Products WHERE Discontinued = 1",
    }
    assert {what: one(default, sql) for what, sql in nonsense.items() if one(default, sql)} == {}


def test_foreign_keys_hold(default: str) -> None:
    assert rows(default, "PRAGMA foreign_key_check") == []


def test_rows_are_a_pure_function_of_size_and_seed() -> None:
    assert generate(200, 3) == generate(200, 3)
    assert generate(200, 3)["Customers"] != generate(200, 4)["Customers"]
    assert generate(200, 3)["Customers"] == generate(300, 3)["Customers"]


@pytest.mark.parametrize("engine_name", SERVERS, indirect=True)
def test_servers_keep_money_exact(url: str) -> None:
    build(url, orders=30)
    quote = "`" if url.startswith("mysql") else '"'
    total = rows(url, f"SELECT SUM({quote}Freight{quote}) FROM {quote}Orders{quote}")[0][0]
    assert str(total) == f"{sum(round(f * 100) for f in generate(30, 7)['Orders'][7]) / 100:.2f}"
