"""What an evaluation found out, as values: who was asked, each attempt, and the report of all of them.

Kept apart from the asking, so that a report can be read back, compared and shown without a model or a warehouse.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from agent.errors import ErrorClass, UsageError
from agent.run import RunStatus
from finetune.evaluation.pack import PackQuestion

__all__ = ["MODES", "Attempt", "EvalReport", "Mode", "Subject", "read_attempt"]

Mode = Literal["agent", "direct"]
MODES: tuple[Mode, ...] = get_args(Mode)


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
    min_confidence: float | None = None
    """The threshold in force; None in reports made before it was kept."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One question asked once, and what the judge said."""

    id: str
    mode: Mode
    status: str
    right: bool
    """Shown as an answer, and the rows are the gold's, on every warehouse it was tried on."""
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
    """Not shown as an answer, but its draft gave rows: would they have been right? Never counted as an answer."""
    repetition: int = 1
    """Which time the question was asked, from 1."""
    elsewhere: dict[str, bool] = field(default_factory=dict)
    """For a statement that is right on the workspace's warehouse: whether it is on each of the others, by name."""
    opinion: bool | None = None
    """What the judge model says of the statement; None if it was not asked or gave no verdict."""

    @property
    def answered(self) -> bool:
        """Rows were shown as an answer."""
        return self.status == RunStatus.ANSWERED.value

    @property
    def draft_right(self) -> bool | None:
        """Whether the draft's rows are right, shown or not; None when there are no rows to judge."""
        return self.right if self.answered else self.withheld_right

    @property
    def right_by_accident(self) -> bool:
        """The rows are the gold's on the workspace's warehouse, and are not on another."""
        return not all(self.elsewhere.values())


@dataclass(frozen=True, slots=True)
class EvalReport:
    """Everything one evaluation found out; the figures are computed from it by `finetune.evaluation.figures`."""

    subject: Subject
    questions: tuple[PackQuestion, ...]
    attempts: tuple[Attempt, ...]
    pack_hash: str
    gold_hash: str
    started: str
    finished: str
    resumed: int = 0
    """Attempts taken over from an interrupted evaluation."""
    repeat: int = 1
    """How often each question was asked."""
    elsewhere: tuple[str, ...] = ()
    """The other warehouses that statements were tried on."""
    told_apart: int = 0
    """Questions whose right rows are others there: only on these can an accident be seen."""
    judge: str = ""
    """The model that was asked for its opinion; empty for none."""

    def of_mode(self, mode: Mode, repetition: int | None = 1) -> tuple[Attempt, ...]:
        """The attempts of one mode, in the pack's order: the first at each question, or all of them (None)."""
        order = {question.id: i for i, question in enumerate(self.questions)}
        chosen = [a for a in self.attempts if a.mode == mode and repetition in (None, a.repetition)]
        return tuple(sorted(chosen, key=lambda attempt: (order[attempt.id], attempt.repetition)))

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
                attempts=tuple(read_attempt(attempt) for attempt in content["attempts"]),
                repeat=content.get("repeat", 1),
                elsewhere=tuple(content.get("elsewhere", ())),
                told_apart=content.get("told_apart", 0),
                judge=content.get("judge", ""),
                **given,
            )
        except (KeyError, TypeError) as error:
            raise UsageError(
                ErrorClass.WORKSPACE, f"That is not an evaluation report: {error!r}.", "Name a report's JSON file."
            ) from error


def read_attempt(content: dict[str, Any]) -> Attempt:
    """An attempt from its JSON object.

    Raises:
        TypeError: a field is missing or unknown.
    """
    return Attempt(**{**content, "extra_columns": tuple(content.get("extra_columns", ()))})
