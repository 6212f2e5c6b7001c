"""The safety benchmarks on a small part of their corpora: every source is there, passes, and is timed."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from fixtures_warehouse import Built, sqlite_demo  # noqa: F401

from agent.settings import GuardLimits
from agent.steps.guard import judge
from agent.warehouse.connect import open_warehouse
from agent.warehouse.dialects import DIALECTS
from bench.safety import tpch
from bench.safety.benign import judged
from bench.safety.corpus import SOURCES, Benign, Catalogs, corpus
from bench.safety.engines import Compared, _spelled
from bench.safety.guard_cost import measured, meets_targets
from bench.safety.shapes import refused_by_design, shapes

DRAWN = ["SELECT COUNT(*) FROM Orders", "SELECT JULIANDAY('now') FROM Orders", "SELECT City FROM Customers LIMIT 3"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_hand_written_shapes_pass(dialect: str, sqlite_demo: Built) -> None:  # noqa: F811
    written = shapes(dialect)
    assert len(written) > 165
    assert not any(mark in sql for sql in written for mark in ("{TOP", "{LIMIT", "{CONCAT", "{RECURSIVE"))
    refused = judged([Benign(dialect, "shapes", sql) for sql in written], Catalogs(sqlite_demo.catalog))
    assert [refusal.sql for refusal in refused if refusal.sql not in KNOWN] == []


KNOWN = {
    "SELECT E'tab\\there' AS t",
    "SELECT $$dollar quoted$$ AS d, U&'caf\\00e9' AS u",
    "SELECT b'abc' AS b",
    "SELECT DATE_BUCKET(week, 1, OrderDate) AS w FROM Orders",
}
"""Refused, and counted as such by `make benign`."""


def test_what_is_refused_by_design_is_refused(sqlite_demo: Built) -> None:  # noqa: F811
    designed = [Benign(dialect, "shapes", sql) for dialect, sql in refused_by_design()]
    assert len(designed) > 25
    assert len(judged(designed, Catalogs(sqlite_demo.catalog))) == len(designed)


def test_the_corpus_has_every_source_in_every_dialect(sqlite_demo: Built) -> None:  # noqa: F811
    found = corpus(sqlite_demo.catalog, DRAWN)
    counts = {(d, s): sum(q.dialect == d and q.source == s for q in found) for d in DIALECTS for s in SOURCES}
    assert {counts[dialect, "tpch"] for dialect in DIALECTS} == {22}
    assert counts["sqlite", "pairs"] == 3
    assert {counts[dialect, "pairs"] for dialect in DIALECTS if dialect != "sqlite"} == {2}, "no JULIANDAY elsewhere"
    assert all(counts[dialect, "baseline"] > 190 for dialect in DIALECTS)
    tpch_queries = [query for query in found if query.source == "tpch"]
    assert judged(tpch_queries, Catalogs(sqlite_demo.catalog)) == []


def test_tpch_runs_and_answers(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tpch.sqlite'}"
    engine = sa.create_engine(url)
    tpch.fill(engine)
    engine.dispose()
    catalog, compared = tpch.catalog("sqlite"), Compared("sqlite")
    warehouse = open_warehouse(url, GuardLimits())
    try:
        for sql in tpch.queries("sqlite"):
            compared.count(Benign("sqlite", "tpch", sql), warehouse, catalog)
        results = [warehouse.execute(sql).result for sql in tpch.queries("sqlite")]
    finally:
        warehouse.close()
    assert compared.alike == 22, compared
    assert sum(bool(result and result.rows) for result in results) >= 15


def test_a_rewrite_that_changes_rows_would_be_told(sqlite_demo: Built, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    from dataclasses import replace

    def changed(*args: str, **given: object) -> object:
        verdict = judge(*args, **given)  # type: ignore[arg-type]
        return replace(verdict, sql=verdict.sql + " LIMIT 1")

    monkeypatch.setattr("bench.safety.engines.judge", changed)
    warehouse = open_warehouse(sqlite_demo.url, GuardLimits())
    compared = Compared("sqlite")
    try:
        compared.count(Benign("sqlite", "shapes", "SELECT OrderID FROM Orders LIMIT 5"), warehouse, sqlite_demo.catalog)
        compared.count(Benign("sqlite", "shapes", "SELECT MAX(OrderID) FROM Orders"), warehouse, sqlite_demo.catalog)
        compared.count(Benign("sqlite", "shapes", "SELECT nothing"), warehouse, sqlite_demo.catalog)
    finally:
        warehouse.close()
    assert (compared.alike, len(compared.failed), compared.refused) == (1, 1, 1)


def test_names_are_quoted_for_postgresql(sqlite_demo: Built) -> None:  # noqa: F811
    said = _spelled("SELECT c.City, 'City' FROM customers c -- City", sqlite_demo.catalog)
    assert said == 'SELECT c."City", \'City\' FROM "Customers" c -- City'


def test_cost_is_measured_by_dialect(sqlite_demo: Built) -> None:  # noqa: F811
    queries = [Benign(dialect, "shapes", "SELECT COUNT(*) FROM Orders") for dialect in DIALECTS]
    queries += [Benign("sqlite", "tpch", tpch.queries("sqlite")[0])]
    figures = measured(queries, Catalogs(sqlite_demo.catalog), 1, restricting=True)
    assert figures["sqlite"]["wall_ms"]["queries"] == 2
    assert figures["all"]["processor_ms"]["max"] > 0
    slow = {"wall_ms": {"median": 3.5, "p99": 10.0}}
    fast = {"wall_ms": {"median": 2.5, "p99": 10.0}}
    engines = dict.fromkeys((*DIALECTS, "all"), fast)
    assert meets_targets({"plain": engines, "with_policy": engines})
    assert not meets_targets({"plain": engines, "with_policy": {**engines, "mysql": slow}})
