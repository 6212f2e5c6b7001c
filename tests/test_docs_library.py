"""The example of the documentation holds together: its database, its metrics, its questions and its templates."""

from __future__ import annotations

import json
import random
import re
import shutil
import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from fixtures_cli import Run, run  # noqa: F401
from fixtures_library import LIBRARY, Library, build_library, library  # noqa: F401

from finetune.evaluation.pack import load_pack
from finetune.pairs.templates import TemplateBook, load_templates
from memory.compiler import SemanticQuery

PACK = [json.loads(line) for line in (LIBRARY / "baseline.jsonl").read_text(encoding="utf-8").splitlines()]
LEVELS = {"simple": 15, "moderate": 20, "complex": 12, "edge": 3}


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_the_database_is_the_same_every_time_and_whole(library: Library, tmp_path: Path) -> None:  # noqa: F811
    again = build_library(tmp_path / "again.sqlite")
    for table in library.catalog.tables:
        everything = f"SELECT * FROM {table.name} ORDER BY 1"
        assert rows(library.path, everything) == rows(again, everything)
    assert rows(library.path, "PRAGMA foreign_key_check") == []
    assert len(library.catalog.tables) == 10
    ((loans, first, last),) = rows(library.path, "SELECT COUNT(*), MIN(loaned_on), MAX(loaned_on) FROM loans")
    assert (loans, str(first)[:7], str(last)) == (5567, "2023-01", "2025-12-31")


@pytest.mark.parametrize(
    "nonsense",
    [
        "SELECT 1 FROM loans JOIN members USING (member_id) WHERE joined_on > loaned_on",
        "SELECT 1 FROM loans JOIN staff USING (staff_id) WHERE hired_on > loaned_on",
        "SELECT 1 FROM loans JOIN copies USING (copy_id) WHERE acquired_on > loaned_on",
        "SELECT 1 FROM loans JOIN copies USING (copy_id) JOIN staff USING (staff_id) "
        "WHERE copies.branch_id <> staff.branch_id",
        "SELECT 1 FROM loans AS a JOIN loans AS b USING (copy_id) "
        "WHERE a.loan_id < b.loan_id AND b.loaned_on < COALESCE(a.returned_on, '9999')",
        "SELECT 1 FROM fines JOIN loans USING (loan_id) WHERE returned_on IS NULL OR returned_on <= due_on",
        "SELECT 1 FROM reservations JOIN members USING (member_id) WHERE joined_on > reserved_on",
    ],
)
def test_the_rows_are_possible(library: Library, nonsense: str) -> None:  # noqa: F811
    assert rows(library.path, nonsense) == []


def test_the_pack_has_the_levels_it_says() -> None:
    assert Counter(item["difficulty"] for item in PACK) == LEVELS
    assert len(load_pack(LIBRARY / "baseline.jsonl")) == sum(LEVELS.values())
    assert len({item["question"].casefold() for item in PACK}) == len({item["id"] for item in PACK}) == len(PACK)


@pytest.mark.parametrize("item", PACK, ids=lambda item: item["id"])
def test_every_gold_statement_gives_one_answer(library: Library, item: dict[str, str]) -> None:  # noqa: F811
    found = rows(library.path, item["sql"])
    assert found
    assert any(cell is not None for row in found for cell in row)
    limit = re.search(r" LIMIT (\d+)$", item["sql"])
    if limit:  # nobody stands level with the last that is shown
        more = rows(library.path, f"{item['sql'][: limit.start()]} LIMIT {int(limit[1]) + 1}")
        assert len({row[-1] for row in more}) == len(more)


def test_every_metric_compiles_and_runs(library: Library) -> None:  # noqa: F811
    compiler = library.world.compiler
    for metric in library.layer.metrics:
        queries = [SemanticQuery((metric.id,), pattern="total")]
        fitting = [d for d in library.layer.dimensions if compiler.combinable(metric.id, d.id)]
        assert fitting, metric.id
        queries += [SemanticQuery((metric.id,), (dimension.id,)) for dimension in fitting]
        if compiler.timed(metric.id):
            queries.append(SemanticQuery((metric.id,), grain="year"))
        for query in queries:
            found = rows(library.path, library.world.compile(query))
            assert any(row[-1] for row in found), (metric.id, query.dimensions)


def test_every_dimension_has_values_to_ask_about(library: Library) -> None:  # noqa: F811
    for dimension in library.layer.dimensions:
        assert len(library.world.values(dimension.id)) > 1, dimension.id


def test_every_template_can_be_filled_and_runs(library: Library) -> None:  # noqa: F811
    book = load_templates(LIBRARY / "templates.yaml", library.catalog)
    for template in book.templates:
        alone = TemplateBook((template,))
        pairs = [pair for seed in range(60) for pair in alone.draw(random.Random(seed), library.world, 1)[1]]
        assert any(rows(library.path, pair.sql) for pair in pairs), template.id


def test_a_workspace_is_made_as_the_page_says(run: Run, tmp_path: Path) -> None:  # noqa: F811
    warehouse, workspace = build_library(tmp_path / "library.sqlite"), tmp_path / "library"
    assert run("init", workspace, "--warehouse", f"sqlite:///{warehouse}").code == 0
    for name in ("metrics.yaml", "templates.yaml", "baseline.jsonl"):
        shutil.copy(LIBRARY / name, workspace)
    synced = run("memory", "sync", "-w", workspace)
    assert synced.code == 0, synced.err
    found = run("memory", "search", "fines owed by district", "-w", workspace)
    assert "fines_owed" in found.out
    assert "district" in found.out
