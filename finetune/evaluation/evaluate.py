"""How often the agent is right, on questions whose right answer is known, beside the same model without the agent.

Every accuracy figure comes from here. The gold SQL is executed first and a gold error stops everything, because a
yardstick that does not run measures nothing. Each question is then asked twice: through the agent, and *direct*, the
same model with one plain prompt, which is the control the agent must beat. Answers are judged by execution
(`finetune.evaluation.judging`); what was never shown as an answer (abstained, refused, asked back) is not wrong, and
not right, but a draft that was withheld for want of confidence is judged too: without it nobody could say what a
threshold costs.

An interrupted evaluation goes on where it stopped: each attempt is written down as it is made.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from agent.errors import ErrorClass
from agent.run import Answer, Result, RunStatus
from finetune.evaluation.attempts import MODES, Attempt, EvalReport, Mode, Subject, read_attempt
from finetune.evaluation.judging import Place, Progress, Ruling, RunSql, Yardstick
from finetune.evaluation.pack import PackQuestion, pack_hash
from finetune.jsonl import append_record, cut_torn_tail, read_records

__all__ = ["EvalOptions", "JudgeModel", "evaluate"]

AskQuestion = Callable[[str, bool], Answer]
"""`ask(question, direct)`: the answer, through the agent or direct."""

_WITHHELD = frozenset({ErrorClass.LOW_CONFIDENCE.value, ErrorClass.CHECK_FAILED.value})
"""Why a draft that the guard allowed, and that gave rows, was not shown."""


@dataclass(frozen=True, slots=True)
class JudgeModel:
    """A model that is asked whether a statement answers its question."""

    name: str
    opinion: Callable[[str, str], bool | None]
    """`opinion(question, sql)`; None when it gives no verdict."""


def _no_progress(done: int, total: int, what: str) -> None:
    """Nobody is watching."""


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """How an evaluation is made."""

    modes: tuple[Mode, ...] = MODES
    attempts_file: Path | None = None
    """Where attempts are written as they are made, so that an interrupted evaluation can go on; gone when finished."""
    progress: Progress = _no_progress
    repeat: int = 1
    """How often each question is asked, all of them once before any is asked again."""
    elsewhere: tuple[Place, ...] = ()
    """Other warehouses that a right answer must be right on."""
    judge: JudgeModel | None = None


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks and judges one question; holds what does not change between questions."""

    ask: AskQuestion
    yardstick: Yardstick
    judge: JudgeModel | None

    def attempt(self, question: PackQuestion, mode: Mode, repetition: int) -> Attempt:
        started = time.perf_counter()
        answer = self.ask(question.question, mode == "direct")
        latency_ms = (time.perf_counter() - started) * 1000
        ruling = self._ruling(question, answer)
        answered = answer.status is RunStatus.ANSWERED
        right = ruling is not None and ruling.right
        judged = self.judge is not None and ruling is not None and bool(answer.sql)
        return Attempt(
            id=question.id,
            mode=mode,
            status=answer.status.value,
            right=answered and right,
            reason=ruling.reason if answered and ruling is not None else _why_not(answer),
            extra_columns=ruling.extra_columns if answered and ruling is not None else (),
            sql=answer.sql,
            confidence=round(answer.confidence, 4),
            origin=answer.origin,
            error_class=answer.error.error_class if answer.error else "",
            run_id=answer.run_id,
            latency_ms=round(latency_ms, 2),
            timings_ms={stage: round(ms, 2) for stage, ms in answer.timings_ms.items()},
            withheld_right=None if answered or ruling is None else right,
            repetition=repetition,
            elsewhere=dict(ruling.elsewhere) if ruling is not None else {},
            opinion=self.judge.opinion(question.question, answer.sql) if judged and self.judge else None,
        )

    def _ruling(self, question: PackQuestion, answer: Answer) -> Ruling | None:
        """The verdict on an answer, or on a draft that gave rows and was withheld; None where there are none.

        Such a draft has passed the guard, so its statement may be run again; no other may.
        """
        if answer.status is RunStatus.ANSWERED:
            return self.yardstick.rule(question.id, answer.sql, Result(answer.columns, answer.rows, answer.truncated))
        if answer.error is None or answer.error.error_class not in _WITHHELD or not answer.sql:
            return None
        return self.yardstick.rule(question.id, answer.sql, None)


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
    yardstick = Yardstick(pack, (Place(run_sql), *options.elsewhere), subject.dialect, options.progress)
    judge = options.judge.name if options.judge else ""
    key = _evaluation_key(pack, subject, (yardstick.gold_hash, judge, str(options.repeat)))
    journal = _Journal(options.attempts_file, key)
    attempts = {(a.id, a.mode, a.repetition): a for a in journal.taken_over()}
    resumed = len(attempts)
    asking = _Asking(ask, yardstick, options.judge)
    wanted = [
        (question, mode, repetition)
        for repetition in range(1, options.repeat + 1)
        for question in pack
        for mode in options.modes
    ]
    for question, mode, repetition in wanted:
        if (question.id, mode, repetition) not in attempts:
            attempt = asking.attempt(question, mode, repetition)
            journal.add(attempt)
            attempts[question.id, mode, repetition] = attempt
            options.progress(len(attempts), len(wanted), f"{mode}: {question.question}")
    journal.close()
    return EvalReport(
        subject=subject,
        questions=tuple(pack),
        attempts=tuple(attempts.values()),
        pack_hash=pack_hash(pack),
        gold_hash=yardstick.gold_hash,
        started=started.isoformat(timespec="seconds"),
        finished=clock().isoformat(timespec="seconds"),
        resumed=resumed,
        repeat=options.repeat,
        elsewhere=yardstick.elsewhere,
        told_apart=yardstick.told_apart,
        judge=judge,
    )


def _why_not(answer: Answer) -> str:
    if answer.error is not None:
        return answer.error.message
    return f"The run ended {answer.status.value}."


def _evaluation_key(pack: Sequence[PackQuestion], subject: Subject, others: tuple[str, ...]) -> str:
    told = repr((pack_hash(pack), *others, sorted(asdict(subject).items())))
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
            return [read_attempt(content) for content in lines[1:]]
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
