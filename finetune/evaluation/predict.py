"""`affidavit eval predict`: a file of questions in, a file of SQL out, for anyone who judges with their own yardstick.

One line per question is written as soon as it is known, whatever happened to the question, so a file of a thousand
questions can be stopped and gone on with, and a question that fails costs its own line only. With `direct` the same
model gets one plain prompt and no agent: the control that every accuracy claim is compared with.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.ask import ask
from agent.errors import AffidavitError, AuditUnavailableError, ErrorClass, UsageError
from agent.run import Answer, RunError, RunStatus
from finetune.evaluation.evidence import with_evidence
from finetune.evaluation.side_workspace import OpenWarehouses, Target, warehouse_url
from finetune.jsonl import append_record, cut_torn_tail, line_error, read_records

if TYPE_CHECKING:
    from agent.services import PartProgress, Services
    from agent.settings import Settings
    from audit.identity import Signer

__all__ = ["PredictOptions", "PredictReport", "Question", "predict", "read_questions"]

Progress = Callable[[int, int, str], None]
"""`progress(done, total, question)`."""


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """What `eval predict` was told."""

    questions: Path
    out: Path
    warehouse: str | None = None
    """URL or path of the warehouse for every line that names none; None is the workspace's."""
    metrics: Path | None = None
    direct: bool = False
    asker: str = "eval"
    signer: Signer | None = None
    """The asker's key, where the policy wants questions signed."""


@dataclass(frozen=True, slots=True)
class Question:
    """One line of the question file."""

    id: str | int
    question: str
    db: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class PredictReport:
    """What was done."""

    total: int
    resumed: int
    """Lines that were there already."""
    statuses: dict[str, int]
    """Of the lines written now."""
    notes: tuple[str, ...]
    failures: dict[str, int]
    """By error class: the lines whose run failed, those that were there already among them."""
    first_failure: RunError | None
    """What went wrong with the first of those written now."""

    @property
    def nothing_but_failures(self) -> bool:
        """Whether every line, written now or there already, is of a run that failed."""
        return sum(self.failures.values()) == self.total


def predict(
    settings: Settings,
    options: PredictOptions,
    *,
    progress: Progress | None = None,
    part_progress: PartProgress | None = None,
) -> PredictReport:
    """Answer every question of the file that has no line in `out` yet.

    Each line of `out` has `id`, `question`, `sql`, `status`, `confidence`, `origin`, `error_class`, `latency_ms`
    (wall milliseconds) and `run_id`. `out` does not say in which mode or by which model a line was made: give every
    mode a file of its own.

    Raises:
        UsageError: a line of either file does not fit (it is named), `out` answers other questions, or a file cannot
            be read or written.
        AuditUnavailableError: the ledger cannot be written; what was answered until then is in `out`.
    """
    questions = read_questions(options.questions)
    if options.metrics is not None and not options.metrics.is_file():
        raise UsageError(ErrorClass.SEMANTICS, f"There is no metrics file at {options.metrics}.", "Check the path.")
    done = _done(options.out, questions)
    left = [question for question in questions if question.id not in done]
    statuses: Counter[str] = Counter()
    failures = Counter(error_class for error_class in done.values() if error_class)
    first_failure: RunError | None = None
    with OpenWarehouses(settings, progress=part_progress) as warehouses:
        for number, question in enumerate(left, start=len(questions) - len(left) + 1):
            started = time.perf_counter()
            answer = _answer(question, _target(question, options, settings), options, warehouses)
            append_record(options.out, _line(question, answer, time.perf_counter() - started))
            statuses[answer.status.value] += 1
            if answer.status is RunStatus.FAILED:
                failures[answer.error.error_class if answer.error else ErrorClass.INTERNAL] += 1
                first_failure = first_failure or answer.error
            if progress is not None:
                progress(number, len(questions), question.question)
        notes = tuple(warehouses.notes)
    return PredictReport(
        len(questions), len(questions) - len(left), dict(statuses), notes, dict(failures), first_failure
    )


def read_questions(path: Path) -> tuple[Question, ...]:
    """Read `{"id", "question"[, "db", "evidence"]}` per line; other keys are ignored.

    Raises:
        UsageError: the file cannot be read or holds nothing, or a line does not fit or repeats an id (line named).
    """
    questions: dict[str | int, Question] = {}
    for number, content in read_records(path):
        question = _question(path, number, content)
        if question.id in questions:
            raise line_error(path, number, f"the id {json.dumps(question.id)} was used before")
        questions[question.id] = question
    if not questions:
        raise UsageError(ErrorClass.WORKSPACE, f"{path} holds no questions.", "Write one JSON object per line.")
    return tuple(questions.values())


def _question(path: Path, number: int, content: dict[str, Any]) -> Question:
    identity, question = content.get("id"), content.get("question")
    if isinstance(identity, bool) or not isinstance(identity, str | int) or identity == "":
        raise line_error(path, number, "`id` is missing, or neither text nor a whole number")
    if not isinstance(question, str):
        raise line_error(path, number, "`question` is missing or not text")
    optional = {key: content.get(key) or "" for key in ("db", "evidence")}
    for key, value in optional.items():
        if not isinstance(value, str):
            raise line_error(path, number, f"`{key}` is not text")
    return Question(identity, question, **optional)


def _done(out: Path, questions: tuple[Question, ...]) -> dict[str | int, str]:
    """Ids that have their line already, with the error class of a run that failed, else "".

    A torn last line is cut off, so its question is asked again.
    """
    cut_torn_tail(out)
    if not out.exists():
        return {}
    asked = {question.id: question.question for question in questions}
    done: dict[str | int, str] = {}
    for number, content in read_records(out):
        identity = content.get("id")
        if not isinstance(content.get("sql"), str) or not isinstance(content.get("status"), str):
            raise UsageError(
                ErrorClass.WORKSPACE, f"{out}, line {number}, is no prediction.", "Name another file with --out."
            )
        if not isinstance(identity, str | int) or asked.get(identity) != content.get("question"):
            raise UsageError(
                ErrorClass.WORKSPACE,
                f"{out}, line {number}, answers a question that is not in the question file.",
                "Name another file with --out, or remove this one.",
            )
        failed = content["status"] == RunStatus.FAILED.value
        done[identity] = str(content.get("error_class") or ErrorClass.INTERNAL) if failed else ""
    return done


def _line(question: Question, answer: Answer, seconds: float) -> dict[str, Any]:
    return {
        "id": question.id,
        "question": question.question,
        "sql": answer.sql,
        "status": answer.status.value,
        "confidence": round(answer.confidence, 4),
        "origin": answer.origin,
        "error_class": answer.error.error_class if answer.error else "",
        "latency_ms": round(seconds * 1000, 2),
        "run_id": answer.run_id,
    }


def _answer(question: Question, target: Target | None, options: PredictOptions, warehouses: OpenWarehouses) -> Answer:
    try:
        return _asked(question, options, warehouses.services(target))
    except AuditUnavailableError:
        raise  # nothing may be shown that is not on the record
    except AffidavitError as error:
        return Answer("", RunStatus.FAILED, question.question, error=error.to_run_error())


def _asked(question: Question, options: PredictOptions, services: Services) -> Answer:
    services = replace(services, signer=options.signer)
    if not question.evidence:
        return ask(services, question.question, asker=options.asker, direct=options.direct)
    if options.direct:  # the control has no grounding to add to: it reads the evidence with the question
        told = f"{question.question}\nEvidence: {question.evidence}"
        return ask(services, told, asker=options.asker, direct=True)
    return ask(with_evidence(services, question.evidence), question.question, asker=options.asker)


def _target(question: Question, options: PredictOptions, settings: Settings) -> Target | None:
    """Which warehouse a line asks; None is the workspace's own, with all that is known of it."""
    if question.db:
        return Target(warehouse_url(question.db, options.questions.resolve().parent), options.metrics)
    if options.warehouse is not None:
        return Target(warehouse_url(options.warehouse, Path.cwd()), options.metrics)
    if options.metrics is not None:
        return Target(settings.warehouse_url, options.metrics, settings.warehouse.db_schema)
    return None
