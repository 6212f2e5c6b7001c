"""The parts of the benchmarks that could quietly measure the wrong thing."""

from __future__ import annotations

from bench.latency import summary
from bench.memory_recall import lacking, needs
from memory.retrieval import Piece


def test_what_a_right_answer_needs() -> None:
    sql = """
        WITH late AS (SELECT * FROM Orders WHERE strftime('%Y', OrderDate) = '2023')
        SELECT c.CompanyName FROM late JOIN Customers c ON c.CustomerID = late.CustomerID
        WHERE c.Country IN ('France', 'Spain') AND c.City = 'Lyon'
    """
    assert needs(sql, "sqlite") == {"tables": {"orders", "customers"}, "values": {"france", "spain", "lyon"}}


def test_what_is_lacking() -> None:
    pieces = [
        Piece("table", "Orders", "1", "Orders(...)"),
        Piece("value", "employee=Ana Lund", "1", "Ana Lund: Employees.LastName"),
    ]
    assert lacking({"orders", "customers"}, pieces, "tables") == {"customers"}
    assert lacking({"lund", "france"}, pieces, "values") == {"france"}


def test_stages_are_summed_up_over_the_runs_that_had_them() -> None:
    found = summary([{"generate": 10.0, "total": 11.0}, {"generate": 20.0, "repair": 5.0, "total": 30.0}])
    assert found["generate"] == {"runs": 2, "median": 15.0, "p95": 19.5}
    assert found["repair"]["runs"] == 1
