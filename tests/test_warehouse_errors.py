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
        ('SELECT "ShipCountry", COUNT(*) FROM "Orders"', "grouping"),
    ],
    "duckdb": [
        ("SELECT CAST('x' AS INTEGER)", "type_mismatch"),
        ("SELECT ShipCountry, COUNT(*) FROM Orders", "grouping"),
        ("SELECT * FROM read_csv('/etc/passwd')", "not_read_only"),
    ],
    "mysql": [("SELECT (SELECT 1, 2)", "syntax")],
    "sqlite": [("SELECT abs(-9223372036854775808)", "type_mismatch"), ("SELECT (SELECT 1, 2)", "syntax")],
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
