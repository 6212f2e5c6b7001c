"""How often the agent is right, on questions whose right answer is known, beside the same model without the agent.

Every accuracy figure comes from here. The gold SQL is executed first and a gold error stops everything, because a
yardstick that does not run measures nothing. Each question is then asked twice: through the agent, and *direct*, the
same model with one plain prompt, which is the control the agent must beat. Answers are judged by execution
(`finetune.matching`); what was never shown as an answer (abstained, refused, asked back) is not wrong, and not right.

An interrupted evaluation goes on where it stopped: each attempt is written down as it is made.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from agent.errors import ErrorClass, UsageError
from agent.run import Answer, Outcome, Result, RunStatus
from finetune.jsonl import append_record, cut_torn_tail, read_records
from finetune.matching import Match, results_match
from finetune.pack import PackQuestion, order_columns, pack_hash, translated

__all__ = [
    "MODES",
    "Attempt",
    "EvalOptions",
    "EvalReport",
    "Gold",
    "Match",
    "Mode",
    "Subject",
    "evaluate",
    "gold_hash",
    "results_match",
    "run_gold",
]

Mode = Literal["agent", "direct"]
MODES: tuple[Mode, ...] = get_args(Mode)

AskQuestion = Callable[[str, bool], Answer]
"""`ask(question, direct)`: the answer, through the agent or direct."""
RunSql = Callable[[str], Outcome]
Progress = Callable[[int, int, str], None]
"""`progress(done, total, what)`."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is being evaluated: enough to tell later whether two reports are about the same thing."""

    model: str
    model_hash: str
    adapter: str = ""
    dataset_hash: str = ""
    dialect: str = ""
    warehouse: str = ""
    """The warehouse's URL without its password."""
    catalog_fingerprint: str = ""
    semantics_fingerprint: str = ""
    version: str = ""
    """Affidavit's own version."""


@dataclass(frozen=True, slots=True)
class Gold:
    """One question with what its gold SQL gave."""

    question: PackQuestion
    result: Result
    order_columns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One question asked once, and what the judge said."""

    id: str
    mode: Mode
    status: str
    right: bool
    """Shown as an answer, and the rows are the gold's."""
    reason: str
    extra_columns: tuple[str, ...] = ()
    sql: str = ""
    confidence: float = 0.0
    origin: str = ""
    error_class: str = ""
    run_id: str = ""
    latency_ms: float = 0.0
    """Wall time from question to answer."""
    timings_ms: dict[str, float] = field(default_factory=dict)
    withheld_right: bool | None = None
    """Not shown as an answer, but its rows are known: would they have been right?"""

    @property
    def answered(self) -> bool:
        """Rows were shown as an answer."""
        return self.status == RunStatus.ANSWERED.value


@dataclass(frozen=True, slots=True)
class EvalReport:
    """Everything one evaluation found out; the figures are computed from it by `finetune.report`."""

    subject: Subject
    questions: tuple[PackQuestion, ...]
    attempts: tuple[Attempt, ...]
    pack_hash: str
    gold_hash: str
    started: str
    finished: str
    resumed: int = 0
    """Attempts taken over from an interrupted evaluation."""

    def of_mode(self, mode: Mode) -> tuple[Attempt, ...]:
        """The attempts of one mode, in the pack's order."""
        order = {question.id: i for i, question in enumerate(self.questions)}
        return tuple(sorted((a for a in self.attempts if a.mode == mode), key=lambda a: order[a.id]))

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes that were asked, the agent first."""
        return tuple(mode for mode in MODES if any(attempt.mode == mode for attempt in self.attempts))

    def to_json(self) -> dict[str, Any]:
        """A JSON-safe object that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> EvalReport:
        """Read back what `to_json` gave.

        Raises:
            UsageError: the object is not an evaluation report.
        """
        try:
            given = {key: content[key] for key in ("pack_hash", "gold_hash", "started", "finished", "resumed")}
            return cls(
                subject=Subject(**content["subject"]),
                questions=tuple(PackQuestion(**{**q, "tags": tuple(q["tags"])}) for q in content["questions"]),
                attempts=tuple(_attempt(attempt) for attempt in content["attempts"]),
                **given,
            )
        except (KeyError, TypeError) as error:
            raise UsageError(
                ErrorClass.WORKSPACE, f"That is not an evaluation report: {error!r}.", "Name a report's JSON file."
            ) from error


def _no_progress(done: int, total: int, what: str) -> None:
    """Nobody is watching."""


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """How an evaluation is made."""

    modes: tuple[Mode, ...] = MODES
    attempts_file: Path | None = None
    """Where attempts are written as they are made, so that an interrupted evaluation can go on; gone when finished."""
    progress: Progress = _no_progress


@dataclass(frozen=True, slots=True)
class _Judge:
    """Asks and judges one question; holds what does not change between questions."""

    ask: AskQuestion

    def attempt(self, gold: Gold, mode: Mode) -> Attempt:
        started = time.perf_counter()
        answer = self.ask(gold.question.question, mode == "direct")
        latency_ms = (time.perf_counter() - started) * 1000
        match = _judged(gold, answer)
        answered = answer.status is RunStatus.ANSWERED
        return Attempt(
            id=gold.question.id,
            mode=mode,
            status=answer.status.value,
            right=answered and match.matched,
            reason=match.reason if answered else _why_not(answer),
            extra_columns=match.extra_columns if answered else (),
            sql=answer.sql,
            confidence=round(answer.confidence, 4),
            origin=answer.origin,
            error_class=answer.error.error_class if answer.error else "",
            run_id=answer.run_id,
            latency_ms=round(latency_ms, 2),
            timings_ms={stage: round(ms, 2) for stage, ms in answer.timings_ms.items()},
            withheld_right=match.matched if not answered and answer.columns else None,
        )


def evaluate(
    pack: Sequence[PackQuestion],
    subject: Subject,
    *,
    ask: AskQuestion,
    run_sql: RunSql,
    clock: Callable[[], datetime],
    options: EvalOptions = EvalOptions(),
) -> EvalReport:
    """Run every gold statement, ask every question in every mode, and judge what came.

    Args:
        ask: asks one question; it may raise only what should stop the evaluation (the ledger cannot be written).
        run_sql: executes one statement on the warehouse, read-only and under caps.
        clock: gives the time the report is dated with.

    Raises:
        UsageError: a gold statement fails, is cut off by the row cap (the question is named), or the file of
            attempts cannot be written.
    """
    started = clock()
    golds = run_gold(pack, run_sql, subject.dialect, progress=options.progress)
    results_hash = gold_hash(golds)
    journal = _Journal(options.attempts_file, _evaluation_key(pack, subject, results_hash))
    attempts = {(attempt.id, attempt.mode): attempt for attempt in journal.taken_over()}
    resumed = len(attempts)
    judge, total = _Judge(ask), len(golds) * len(options.modes)
    for gold in golds:
        for mode in options.modes:
            if (gold.question.id, mode) not in attempts:
                attempt = judge.attempt(gold, mode)
                journal.add(attempt)
                attempts[attempt.id, mode] = attempt
                options.progress(len(attempts), total, f"{mode}: {gold.question.question}")
    journal.close()
    return EvalReport(
        subject=subject,
        questions=tuple(pack),
        attempts=tuple(attempts.values()),
        pack_hash=pack_hash(pack),
        gold_hash=results_hash,
        started=started.isoformat(timespec="seconds"),
        finished=clock().isoformat(timespec="seconds"),
        resumed=resumed,
    )


def run_gold(
    pack: Sequence[PackQuestion], run_sql: RunSql, dialect: str, *, progress: Progress = _no_progress
) -> tuple[Gold, ...]:
    """Execute every gold statement, translated to the warehouse's dialect where it was written in another.

    Raises:
        UsageError: one fails or is cut off by the row cap; the question is named, and nothing was asked yet.
    """
    golds = []
    for number, question in enumerate(pack, start=1):
        sql = translated(question, dialect)
        outcome = run_sql(sql)
        if outcome.result is None or outcome.result.truncated:
            problem = outcome.error.message if outcome.error else "it gives more rows than the limits allow"
            raise UsageError(
                ErrorClass.WORKSPACE,
                f"The gold SQL of question `{question.id}` ({question.question}) does not hold: {problem}",
                "Mend it in the pack; nothing was evaluated.",
            )
        golds.append(Gold(question, outcome.result, order_columns(sql, dialect) if question.ordered else ()))
        progress(number, len(pack), f"gold: {question.question}")
    return tuple(golds)


def gold_hash(golds: Sequence[Gold]) -> str:
    """sha256 over the gold results: the same pack on other rows is another test."""
    told = "\n".join(f"{gold.question.id} {gold.result.fingerprint}" for gold in golds)
    return hashlib.sha256(told.encode()).hexdigest()


def _judged(gold: Gold, answer: Answer) -> Match:
    got = Result(answer.columns, answer.rows, answer.truncated)
    return results_match(gold.result, got, gold.question.ordered, order_columns=gold.order_columns)


def _why_not(answer: Answer) -> str:
    if answer.error is not None:
        return answer.error.message
    return f"The run ended {answer.status.value}."


def _attempt(content: dict[str, Any]) -> Attempt:
    return Attempt(**{**content, "extra_columns": tuple(content.get("extra_columns", ()))})


def _evaluation_key(pack: Sequence[PackQuestion], subject: Subject, results_hash: str) -> str:
    told = repr((pack_hash(pack), results_hash, sorted(asdict(subject).items())))
    return hashlib.sha256(told.encode()).hexdigest()


class _Journal:
    """The attempts made so far, on disk; its first line says of which evaluation, and another one starts it anew."""

    def __init__(self, path: Path | None, key: str) -> None:
        self._path = path
        self._key = key

    def taken_over(self) -> list[Attempt]:
        if self._path is None:
            return []
        cut_torn_tail(self._path)
        lines = [content for _, content in read_records(self._path)] if self._path.exists() else []
        if lines and lines[0] == {"evaluation": self._key}:
            return [_attempt(content) for content in lines[1:]]
        self._path.unlink(missing_ok=True)
        append_record(self._path, {"evaluation": self._key})
        return []

    def add(self, attempt: Attempt) -> None:
        if self._path is not None:
            append_record(self._path, asdict(attempt))

    def close(self) -> None:
        """A finished evaluation leaves nothing to resume: the next one asks everything again."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
