"""The attack corpus on each layer alone: the guard without a database, and each database without the guard."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures_attacks import ALL, GUARDED, WRITES
from fixtures_warehouse import Built, administer, built, checksum_of, opened, sqlite_demo  # noqa: F401
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.steps.guard import judge
from agent.warehouse.policy import Policy
from agent.warehouse.policy_rules import ColumnRules, TableRules

SECRET = Policy(columns=ColumnRules(deny=("Employees.HomePhone",)), tables=TableRules(deny=("Suppliers",)))


def refused(sql: str, dialect: str, target: Built, policy: Policy | None = None) -> bool:
    verdict = judge(sql, dialect=dialect, catalog=target.catalog, policy=policy or Policy(), max_rows=100)
    assert verdict.allowed or (verdict.rule and verdict.message and verdict.error_class)
    return not verdict.allowed


def test_the_corpus_is_large() -> None:
    assert all(len(WRITES[dialect]) >= 60 for dialect in ALL)


@pytest.mark.parametrize("dialect", ALL)
def test_guard_alone_refuses_every_attack(dialect: str, sqlite_demo: Built, tmp_path: Path) -> None:  # noqa: F811
    attacks = [*WRITES[dialect], *GUARDED[dialect]]
    passed = [sql for sql in attacks if not refused(sql.replace("{file}", str(tmp_path / "out")), dialect, sqlite_demo)]
    assert passed == []


def test_database_alone_refuses_every_write(built: Built, tmp_path: Path) -> None:  # noqa: F811
    out = tmp_path / "out"
    before = checksum_of(built.url)
    if built.dialect == "postgres":
        administer(built.url, "CREATE SEQUENCE IF NOT EXISTS a_sequence")
    ran = []
    with opened(built, timeout_s=10) as warehouse:
        for attack in WRITES[built.dialect]:
            outcome = warehouse.execute(attack.replace("{file}", str(out)))
            if outcome.error is None:
                ran.append((attack, outcome.result))
    assert ran == []
    assert checksum_of(built.url) == before
    assert not out.exists()


def test_database_alone_is_unchanged_by_what_it_does_run(built: Built) -> None:  # noqa: F811
    before = checksum_of(built.url)
    with opened(built, timeout_s=5) as warehouse:
        for attack in GUARDED[built.dialect]:
            warehouse.execute(attack)
            # whatever a statement did to its session must not help the next one
            spelled = '"Orders"' if built.dialect == "postgres" else "Orders"
            follow_up = warehouse.execute(f"DELETE FROM {spelled}")
            assert follow_up.error is not None
        assert warehouse.execute("SELECT 1").error is None
    assert checksum_of(built.url) == before


POLICY_BYPASSES = [
    "SELECT HomePhone FROM Employees",
    "SELECT homephone FROM employees",
    "SELECT * FROM Employees",
    "SELECT e.* FROM Employees e",
    "SELECT e.*, 1 FROM Orders o JOIN Employees e ON e.EmployeeID = o.EmployeeID",
    "SELECT x FROM (SELECT HomePhone AS x FROM Employees) t",
    "SELECT x FROM (SELECT * FROM Employees) AS t(a, b, c, d, e, f, g, h, i, j, k, l, x, n, o)",
    "WITH e AS (SELECT * FROM Employees) SELECT 1 FROM e",
    "WITH Employees AS (SELECT HomePhone FROM Employees) SELECT 1 FROM Employees",
    "SELECT UPPER(SUBSTR(HomePhone, 1, 3)) FROM Employees",
    "SELECT COUNT(*) FROM Employees WHERE HomePhone LIKE '(5%'",
    "SELECT LastName FROM Employees ORDER BY HomePhone",
    "SELECT COUNT(*) FROM Employees GROUP BY HomePhone",
    "SELECT COUNT(*) FROM Employees GROUP BY LastName HAVING MAX(HomePhone) > '5'",
    "SELECT RANK() OVER (ORDER BY HomePhone) FROM Employees",
    "SELECT a.LastName FROM Employees a JOIN Employees b ON a.HomePhone = b.HomePhone",
    "SELECT a.LastName FROM Employees a JOIN Employees b USING (HomePhone)",
    "SELECT LastName FROM Employees NATURAL JOIN Customers",
    "SELECT 1 FROM Orders WHERE EXISTS (SELECT 1 FROM Employees WHERE HomePhone > '5')",
    "SELECT (SELECT MAX(HomePhone) FROM Employees)",
    "SELECT 1 FROM Employees UNION SELECT HomePhone FROM Employees",
    "SELECT LastName AS HomePhone FROM Employees WHERE HomePhone = 'x'",
    "SELECT CASE WHEN HomePhone > '5' THEN 1 ELSE 0 END FROM Employees",
    "SELECT COALESCE(HomePhone, '') || LastName FROM Employees",
    "SELECT CompanyName FROM Suppliers",
    "SELECT ProductName FROM Products WHERE SupplierID IN (SELECT SupplierID FROM Suppliers)",
    "WITH s AS (SELECT * FROM suppliers) SELECT COUNT(*) FROM s",
]


@pytest.mark.parametrize("dialect", ALL)
@pytest.mark.parametrize("sql", POLICY_BYPASSES)
def test_policy_holds_wherever_the_name_hides(sql: str, dialect: str, sqlite_demo: Built) -> None:  # noqa: F811
    assert refused(sql, dialect, sqlite_demo, SECRET)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(*) FROM Employees",
        "SELECT LastName FROM Employees WHERE EXISTS (SELECT * FROM Orders)",
        "SELECT LastName AS HomePhone FROM Employees",
        "WITH Employees AS (SELECT 1 AS HomePhone) SELECT HomePhone FROM Employees",
    ],
)
def test_policy_leaves_the_rest_alone(sql: str, sqlite_demo: Built) -> None:  # noqa: F811
    assert not refused(sql, "sqlite", sqlite_demo, SECRET)


_WORDS = (
    "SELECT FROM WHERE Orders Customers Employees HomePhone OrderID * ( ) , ; -- /* */ ' \" ` UNION WITH AS x DELETE "
    "DROP INSERT INTO UPDATE SET 1 = AND OR NOT IN EXISTS JOIN ON GROUP BY HAVING ORDER LIMIT CASE WHEN END COUNT( $$ "
    "\\ \n \x00 PRAGMA ATTACH COPY CALL load_extension( pg_sleep( @@ := :: [ ] { } ? :p"
)
_FRAGMENTS = st.sampled_from(_WORDS.split(" "))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(_FRAGMENTS, max_size=25), dialect=st.sampled_from(ALL))
def test_guard_neither_crashes_nor_passes_a_write(parts: list[str], dialect: str, sqlite_demo: Built) -> None:  # noqa: F811
    verdict = judge(" ".join(parts), dialect=dialect, catalog=sqlite_demo.catalog, policy=SECRET, max_rows=10)
    if verdict.allowed:
        assert verdict.sql.lstrip("( ").upper().startswith(("SELECT", "WITH"))
        assert "HomePhone" not in verdict.sql


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=80), dialect=st.sampled_from(ALL))
def test_guard_survives_any_text(text: str, dialect: str, sqlite_demo: Built) -> None:  # noqa: F811
    judge(text, dialect=dialect, catalog=sqlite_demo.catalog, policy=Policy(), max_rows=10)


def test_deep_nesting_and_long_text_are_refused_fast(sqlite_demo: Built) -> None:  # noqa: F811
    for sql in (
        "SELECT " + "(" * 500 + "1" + ")" * 500,
        "SELECT " + "1+" * 9000 + "1",
        "SELECT " + "NOT " * 4000 + "1",
        "SELECT 1 WHERE " + " OR ".join(["1=1"] * 3000),
        "SELECT * FROM " + "(SELECT * FROM " * 60 + "Orders" + ")" * 60,
        "SELECT '" + "x" * 30_000 + "'",
    ):
        judge(sql, dialect="sqlite", catalog=sqlite_demo.catalog, policy=Policy(), max_rows=10)
