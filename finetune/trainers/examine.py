"""How often an adapter in training is right: a small, fixed sample of validation questions, asked and executed.

Loss says how well the next token is foreseen, not whether the rows are right, so a run is watched, and stopped, by
execution accuracy. The adapter is examined as it will be used: converted, served by the embedded server, asked
greedily in the very prompt it is trained on, its statement judged by the guard and run on the warehouse.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.model.client import ModelClient
from agent.run import Outcome, Result
from agent.steps.extract import extract_sql
from finetune.evaluation.matching import results_match
from finetune.pairs.world import World

__all__ = ["SAMPLE_SIZE", "Examiner", "SampleQuestion", "guarded", "read_sample"]

SAMPLE_SIZE = 40
"""Questions per examination: some 20 to 40 s on two cores, and a standard error of at most 8 points."""


@dataclass(frozen=True, slots=True)
class SampleQuestion:
    """One validation record: the conversation to be answered, and the SQL that answers it."""

    messages: tuple[Any, ...]
    sql: str


def read_sample(valid: Path, *, size: int = SAMPLE_SIZE, seed: int = 7) -> tuple[SampleQuestion, ...]:
    """Draw `size` records of a `valid.jsonl`; the same file and seed give the same questions. Empty without a file."""
    if not valid.is_file():
        return ()
    lines = [line for line in valid.read_text(encoding="utf-8").splitlines() if line.strip()]
    drawn = random.Random(seed).sample(lines, min(size, len(lines)))  # noqa: S311 (a sample, not a secret)
    questions = []
    for line in drawn:
        *messages, reply = json.loads(line)["messages"]
        questions.append(SampleQuestion(tuple(messages), str(reply["content"])))
    return tuple(questions)


def guarded(world: World) -> Callable[[str], Outcome]:
    """Runs one statement of a warehouse if its guard allows it; a refused one has no result."""

    def run(sql: str) -> Outcome:
        verdict = world.guard(sql)
        return world.execute(verdict.sql) if verdict.allowed else Outcome(sql)

    return run


class Examiner:
    """Says what share of a fixed sample an adapter answers rightly.

    Questions whose own SQL does not run, or whose rows are cut off, are left out: nothing can be compared with them.
    """

    def __init__(
        self,
        questions: Sequence[SampleQuestion],
        run: Callable[[str], Outcome],
        serve: Callable[[Path], ModelClient],
    ) -> None:
        """`run` guards and executes one statement; `serve` opens the base model with one adapter's file."""
        self._run, self._serve = run, serve
        known = ((question, run(question.sql).result) for question in questions)
        self._asked: list[tuple[SampleQuestion, Result]] = [
            (question, gold) for question, gold in known if gold is not None and not gold.truncated
        ]

    @property
    def size(self) -> int:
        """How many questions are asked each time."""
        return len(self._asked)

    def __call__(self, adapter: Path) -> float:
        """The adapter's execution accuracy, 0..1.

        Raises:
            FailedError: it cannot be served.
        """
        model = self._serve(adapter)
        try:
            right = sum(self._is_right(model, question, gold) for question, gold in self._asked)
        finally:
            model.close()
        return right / self.size

    def _is_right(self, model: ModelClient, question: SampleQuestion, gold: Result) -> bool:
        (reply,) = model.complete(question.messages)
        sql = extract_sql(reply.text)
        got = self._run(sql).result if sql else None
        return got is not None and results_match(gold, got).matched
