"""The pack that may be looked at: its gold runs, and it gives nothing of the held-out pack away."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from demo.warehouse import build
from demo.workspace import files
from finetune.datasets.splits import LeakError, Splits, baseline_questions, leak_check
from finetune.evaluation.pack import PackQuestion, load_pack
from finetune.pairs.pair import Pair
from tests.fixtures_demo import rows

FOLDER = Path(str(files()))
PACK = load_pack(FOLDER / "development.jsonl")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = f"sqlite:///{tmp_path_factory.mktemp('demo') / 'warehouse.sqlite'}"
    build(made)
    return made


def too_near(held_out: Iterable[str]) -> list[str]:
    """Ids of development questions that are one of those, word for word or nearly; the others are never shown."""
    pairs = tuple(Pair(q.id, q.question, q.sql, "", q.question, q.sql) for q in PACK)
    try:
        leak_check(Splits(pairs, (), (), (), ()), held_out)
    except LeakError as error:
        return [leak.train_id for leak in error.leaks]
    return []


def test_no_development_question_is_near_a_held_out_one() -> None:
    held_out = baseline_questions(FOLDER / "baseline.jsonl")
    assert held_out
    assert too_near(held_out) == []


def test_a_repeat_and_a_near_repeat_would_be_noticed() -> None:
    longest = max(PACK, key=lambda question: len(question.question))
    assert too_near([PACK[0].question.upper()]) == [PACK[0].id]
    assert too_near([f"{longest.question} now"]) == [longest.id]


@pytest.mark.parametrize("question", PACK, ids=lambda question: question.id)
def test_gold_runs_and_has_rows(question: PackQuestion, warehouse: str) -> None:
    is_empty = any(tag.startswith("empty") for tag in question.tags)
    assert bool(rows(warehouse, question.sql)) != is_empty
