"""The yardstick: gold results on one warehouse or several, and the verdict on a statement held against them.

A statement may give the right rows by accident: on one state of one database, a forgotten filter that filters nothing
there is invisible. Held against several warehouses of the same shape and other rows, few accidents are left (Zhong et
al., "Semantic Evaluation for Text-to-SQL with Distilled Test Suites", 2020). Only the statement is run elsewhere; the
question is asked once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.errors import ErrorClass, UsageError
from agent.run import Outcome, Result
from finetune.evaluation.matching import Match, results_match
from finetune.evaluation.pack import PackQuestion, order_columns, translated

__all__ = ["Gold", "Place", "Progress", "Ruling", "RunSql", "Yardstick", "gold_hash", "run_gold"]

RunSql = Callable[[str], Outcome]
Progress = Callable[[int, int, str], None]
"""`progress(done, total, what)`."""


def _no_progress(done: int, total: int, what: str) -> None:
    """Nobody is watching."""


@dataclass(frozen=True, slots=True)
class Place:
    """A warehouse that statements are run on, read-only and under caps; the workspace's own has no name."""

    run_sql: RunSql
    name: str = ""


@dataclass(frozen=True, slots=True)
class Gold:
    """One question with what its gold SQL gave."""

    question: PackQuestion
    result: Result
    order_columns: tuple[int, ...]

    def judged(self, got: Result) -> Match:
        """Whether a result is the right answer."""
        return results_match(self.result, got, self.question.ordered, order_columns=self.order_columns)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is said of one statement."""

    right: bool
    reason: str
    extra_columns: tuple[str, ...] = ()
    elsewhere: tuple[tuple[str, bool], ...] = ()
    """(name, right there) of every other warehouse, where the statement is right on the first."""


class Yardstick:
    """Gold results on the workspace's warehouse, and on others of the same shape."""

    def __init__(self, pack: Sequence[PackQuestion], places: Sequence[Place], dialect: str, progress: Progress) -> None:
        """Run every gold statement everywhere, the workspace's own warehouse being the first of `places`.

        Raises:
            UsageError: a gold statement does not hold somewhere.
        """
        self._places = tuple(places)
        self._golds = [
            {gold.question.id: gold for gold in run_gold(pack, place, dialect, progress=progress)}
            for place in self._places
        ]

    @property
    def gold_hash(self) -> str:
        """See the function of that name; other warehouses make it another test."""
        first, *others = [gold_hash(tuple(golds.values())) for golds in self._golds]
        return hashlib.sha256("\n".join((first, *others)).encode()).hexdigest() if others else first

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """The names of the other warehouses."""
        return tuple(place.name for place in self._places[1:])

    @property
    def told_apart(self) -> int:
        """Questions whose gold rows are others somewhere else: on the rest, trying a statement there shows nothing."""
        first, *others = self._golds
        return sum(
            any(golds[name].result.fingerprint != gold.result.fingerprint for golds in others)
            for name, gold in first.items()
        )

    def rule(self, question_id: str, sql: str, got: Result | None) -> Ruling | None:
        """Judge a statement by the rows it gave; without rows it is run first. None when it gives none.

        `sql` must have passed the guard.
        """
        if got is None:
            got = self._places[0].run_sql(sql).result
        if got is None:
            return None
        match = self._golds[0][question_id].judged(got)
        if not match.matched:
            return Ruling(False, match.reason)
        tried = [
            (place.name, _judged_there(golds[question_id], place, sql))
            for place, golds in zip(self._places[1:], self._golds[1:], strict=True)
        ]
        marks = tuple((name, found.matched) for name, found in tried)
        failed = next(((name, found) for name, found in tried if not found.matched), None)
        reason = f"Right here by accident; on {failed[0]}: {failed[1].reason}" if failed else match.reason
        return Ruling(failed is None, reason, match.extra_columns, marks)


def run_gold(
    pack: Sequence[PackQuestion], place: Place, dialect: str, *, progress: Progress = _no_progress
) -> tuple[Gold, ...]:
    """Execute every gold statement, translated to the warehouse's dialect where it was written in another.

    Raises:
        UsageError: one fails or is cut off by the row cap; the question is named, and nothing was asked yet.
    """
    golds = []
    where = f" on {place.name}" if place.name else ""
    for number, question in enumerate(pack, start=1):
        sql = translated(question, dialect)
        outcome = place.run_sql(sql)
        if outcome.result is None or outcome.result.truncated:
            problem = outcome.error.message if outcome.error else "it gives more rows than the limits allow"
            raise UsageError(
                ErrorClass.WORKSPACE,
                f"The gold SQL of question `{question.id}` ({question.question}) does not hold{where}: {problem}",
                "Mend it in the pack; nothing was evaluated.",
            )
        golds.append(Gold(question, outcome.result, order_columns(sql, dialect) if question.ordered else ()))
        progress(number, len(pack), f"gold{where}: {question.question}")
    return tuple(golds)


def gold_hash(golds: Sequence[Gold]) -> str:
    """sha256 over the gold results: the same pack on other rows is another test."""
    told = "\n".join(f"{gold.question.id} {gold.result.fingerprint}" for gold in golds)
    return hashlib.sha256(told.encode()).hexdigest()


def _judged_there(gold: Gold, place: Place, sql: str) -> Match:
    outcome = place.run_sql(sql)
    if outcome.result is None:
        return Match(False, outcome.error.message if outcome.error else "It gave no rows.")
    return gold.judged(outcome.result)
