"""The parts of the benchmarks that could quietly measure the wrong thing."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from bench.command import benchmark
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


NEEDED = {"ablation": ["--pack", "pack.jsonl"]}


@pytest.mark.parametrize("name", ["ablation", "intent", "latency", "memory_recall", "pairs"])
@pytest.mark.parametrize("given", [[], ["-w", "."]])
def test_a_folder_that_is_no_workspace_is_told_on_one_screen(
    name: str,
    given: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AFFIDAVIT_DEBUG", raising=False)
    monkeypatch.setattr(sys, "argv", [name, *given, *NEEDED.get(name, [])])
    assert benchmark(importlib.import_module(f"bench.{name}").main) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert len(said.err.splitlines()) <= 24
    assert ("`affidavit init DIR`" if given else "`make demo`") in " ".join(said.err.split())
    assert list(tmp_path.iterdir()) == []
