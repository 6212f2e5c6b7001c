"""Every driver's words end in one of our classes; nothing unmapped comes through."""

from __future__ import annotations

import sqlite3

import pytest
from fixtures_warehouse import Built, built, opened  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ErrorClass
from agent.warehouse.errors import classify

STATEMENTS = [
    ("SELECT * FROM no_such_table", {"unknown_table"}),
    ("SELECT no_such_column FROM {Orders}", {"unknown_column"}),
    ("SELECT o.absent FROM {Orders} o", {"unknown_column"}),
    (
        "SELECT {OrderID} FROM {Orders} JOIN order_details ON {Orders}.{OrderID} = order_details.{OrderID}",
        {"ambiguous_column"},
    ),
    ("SELECT no_such_function(1)", {"unknown_function"}),
    ("SELECT FROM WHERE", {"syntax", "not_read_only"}),
    ("SELECT 1 FROM {Orders} WHERE SUM({Freight}) > 1", {"grouping"}),
    ("SELECT 1; SELECT 2", {"multiple_statements", "syntax"}),
    ("DELETE FROM {Orders}", {"not_read_only"}),
]


@pytest.mark.parametrize(("sql", "classes"), STATEMENTS)
def test_real_errors(sql: str, classes: set[str], built: Built) -> None:  # noqa: F811
    names = {name: f'"{name}"' if built.dialect == "postgres" else name for name in ("Orders", "OrderID", "Freight")}
    with opened(built) as warehouse:
        outcome = warehouse.execute(sql.format(**names))
    assert outcome.error is not None
    assert outcome.error.error_class in classes
    assert outcome.error.message
    assert "\n" not in outcome.error.message


BY_ENGINE = {
    "postgres": [
        ("SELECT 1 / 0", "division_by_zero"),
        ("SELECT CAST('x' AS INTEGER)", "type_mismatch"),
        ("SELECT 1 + DATE '2024-01-01' > 'x'::text", "type_mismatch"),
        ("SELECT 'a' < 1", "type_mismatch"),
        ("SELECT DATE '2024-13-45'", "type_mismatch"),
        ("SELECT to_date('x', 'YYYY')", "type_mismatch"),
        ("SELECT EXTRACT(YEAR FROM '2024-01-01')", "type_mismatch"),
        ('SELECT "ShipCountry" = 5 FROM "Orders"', "type_mismatch"),
        ('SELECT "OrderID" FROM "Orders" WHERE "OrderDate" >= 2023-01-01', "type_mismatch"),
        ("SELECT 1 UNION SELECT 'x'", "type_mismatch"),
        ("SELECT 'a' ~ '('", "type_mismatch"),
        ('SELECT "ShipCountry", COUNT(*) FROM "Orders"', "grouping"),
        ('SELECT 1 FROM "Orders" WHERE ROW_NUMBER() OVER () = 1', "grouping"),
        ("SELECT ROUND(1.5::float8, 2)", "unknown_function"),
        ("SELECT lower(1)", "unknown_function"),
        ("SELECT * FROM missing.t", "unknown_table"),
        ("WITH RECURSIVE t AS (SELECT 1) SELECT * FROM tt", "unknown_table"),
        ("SELECT (SELECT 1, 2)", "syntax"),
        ('SELECT (SELECT "OrderID" FROM "Orders")', "syntax"),
        ("SELECT 1 UNION SELECT 1, 2", "syntax"),
        ("SELECT COUNT(DISTINCT 1) OVER ()", "syntax"),
        ("VALUES (1), (1, 2)", "syntax"),
        ('SELECT 1 FROM "Orders" FOR UPDATE', "not_read_only"),
    ],
    "duckdb": [
        ("SELECT CAST('x' AS INTEGER)", "type_mismatch"),
        ("SELECT DATE '2024-13-45'", "type_mismatch"),
        ("SELECT sum('x')", "type_mismatch"),
        ("SELECT OrderDate + OrderDate FROM Orders", "type_mismatch"),
        ("SELECT OrderID FROM Orders WHERE OrderDate >= 2023-01-01", "type_mismatch"),
        ("SELECT 9223372036854775807 + 1", "type_mismatch"),
        ("SELECT regexp_matches('a', '(')", "type_mismatch"),
        ("SELECT ShipCountry, COUNT(*) FROM Orders", "grouping"),
        ("SELECT SUM(SUM(Freight)) FROM Orders", "grouping"),
        ("SELECT 1 FROM Orders WHERE ROW_NUMBER() OVER () = 1", "grouping"),
        ("SELECT ShipCountry FROM Orders GROUP BY 5", "grouping"),
        ("SELECT lower(DATE '2024-01-01', 2)", "unknown_function"),
        ("SELECT * FROM missing.Orders", "unknown_table"),
        ("SELECT o.* FROM Orders", "unknown_column"),
        ("SELECT * FROM Orders o JOIN Orders o ON true", "ambiguous_column"),
        ("SELECT (SELECT 1, 2)", "syntax"),
        ("SELECT 1 UNION SELECT 1, 2", "syntax"),
        ("VALUES (1), (1, 2)", "syntax"),
        ("SELECT * FROM read_csv('/etc/passwd')", "not_read_only"),
        ("INSTALL httpfs", "not_read_only"),
    ],
    "mysql": [
        ("SELECT (SELECT 1, 2)", "syntax"),
        ("SELECT (SELECT OrderID FROM Orders)", "syntax"),
        ("SELECT 1 UNION SELECT 1, 2", "syntax"),
        ("SELECT * FROM Orders o JOIN Orders o", "syntax"),
        ("SELECT COUNT (*) FROM Orders", "syntax"),
        ("SELECT TOP 5 * FROM Orders", "syntax"),
        ("VALUES (1), (1, 2)", "syntax"),
        ("SELECT * FROM missing.t", "unknown_table"),
        ("SELECT x.* FROM Orders", "unknown_table"),
        ("SELECT ShipCountry FROM Orders GROUP BY 9", "unknown_column"),
        ("SELECT DATE_TRUNC('month', OrderDate) FROM Orders", "unknown_function"),
        ("SELECT STRFTIME('%Y', OrderDate) FROM Orders", "unknown_function"),
        ("SELECT SUM(SUM(Freight)) FROM Orders", "grouping"),
        ("SELECT 1 FROM Orders GROUP BY COUNT(*)", "grouping"),
        ("SELECT 1 FROM Orders WHERE ROW_NUMBER() OVER () = 1", "grouping"),
        ("SELECT 9223372036854775807 + 1", "type_mismatch"),
        ("SELECT 'a' REGEXP '('", "type_mismatch"),
        ("SELECT POINT(1, 2) + 1", "type_mismatch"),
        ("SELECT CONVERT('x' USING nope)", "type_mismatch"),
        ("SELECT LOAD_FILE('/etc/passwd')", "not_read_only"),
    ],
    "sqlite": [
        ("SELECT abs(-9223372036854775808)", "type_mismatch"),
        ("SELECT json('{')", "type_mismatch"),
        ("SELECT 1 LIMIT 'x'", "type_mismatch"),
        ("SELECT (SELECT 1, 2)", "syntax"),
        ("SELECT 1 UNION SELECT 1, 2", "syntax"),
        ("SELECT 'a", "syntax"),
        ("SELECT TOP 5 * FROM Orders", "syntax"),
        ("SELECT 1 ORDER BY 9", "syntax"),
        ("SELECT *", "syntax"),
        ("WITH t AS (SELECT * FROM t) SELECT * FROM t", "syntax"),
        ("VALUES (1), (1, 2)", "syntax"),
        ("SELECT * FROM missing.t", "unknown_table"),
        ("SELECT YEAR(OrderDate) FROM Orders", "unknown_function"),
        ("SELECT round()", "unknown_function"),
        ("SELECT SUM(SUM(Freight)) FROM Orders", "grouping"),
        ("SELECT 1 FROM Orders GROUP BY COUNT(*)", "grouping"),
        ("SELECT 1 FROM Orders WHERE ROW_NUMBER() OVER () = 1", "grouping"),
        ("SELECT 1 HAVING COUNT(*) > 1", "grouping"),
        ("SELECT load_extension('x')", "not_read_only"),
        ("PRAGMA journal_mode = WAL", "not_read_only"),
    ],
}


def test_errors_of_one_engine(built: Built) -> None:  # noqa: F811
    with opened(built) as warehouse:
        for sql, expected in BY_ENGINE[built.dialect]:
            outcome = warehouse.execute(sql)
            assert outcome.error is not None, sql
            assert outcome.error.error_class == expected, (sql, outcome.error)


@given(text=st.text(), dialect=st.sampled_from(["sqlite", "duckdb", "postgres", "mysql"]))
def test_any_exception_gets_a_class(text: str, dialect: str) -> None:
    for failure in (
        sqlite3.OperationalError(text),
        ValueError(text),
        OSError(text),
        TimeoutError(text),
        KeyError(text),
    ):
        error_class, message, hint = classify(failure, dialect)
        assert isinstance(error_class, ErrorClass)
        assert isinstance(message, str)
        assert message
        assert isinstance(hint, str)
        assert len(message) <= 300
