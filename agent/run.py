"""The value objects of one run: what each step of the graph takes and gives.

A *run* is one attempt to answer one question, end to end, and the unit of audit. The graph passes a
`RunState` from node to node; everything inside it is frozen, so a step can only add to the record, never
edit what an earlier step said.
"""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypedDict

__all__ = [
    "Answer",
    "Draft",
    "DraftOrigin",
    "Finding",
    "Grounding",
    "Outcome",
    "Piece",
    "PieceKind",
    "Result",
    "RunError",
    "RunState",
    "RunStatus",
    "Severity",
    "Verdict",
    "new_run_id",
]

Cell = str | int | float | bool | None
"""One value of a result row, already made JSON-safe (see `agent.warehouse.cells`)."""

PieceKind = Literal["table", "column", "join", "metric", "dimension", "value", "period", "example", "note", "lesson"]
Severity = Literal["info", "warning", "error"]
DraftOrigin = Literal["model", "compiled", "verified_query", "mend", "cache"]


class RunStatus(StrEnum):
    """How a run ended."""

    ANSWERED = "answered"
    NEEDS_CLARIFICATION = "needs_clarification"
    ABSTAINED = "abstained"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of context given to the model, with the id and version that make it citable."""

    kind: PieceKind
    id: str
    version: str
    text: str
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Grounding:
    """Everything the model was told besides the question."""

    pieces: tuple[Piece, ...]
    catalog_fingerprint: str
    semantics_fingerprint: str

    def of_kind(self, kind: PieceKind) -> tuple[Piece, ...]:
        """The pieces of one kind, in retrieval order."""
        return tuple(piece for piece in self.pieces if piece.kind == kind)


@dataclass(frozen=True, slots=True)
class Draft:
    """One SQL statement proposed by a model, compiled from the semantic layer, recalled from memory, or mended."""

    sql: str
    origin: DraftOrigin
    model: str = ""
    confidence: float = 0.0
    """Mean token probability in 0..1 for a model's draft, 1.0 for one compiled or recalled."""
    basis: str = ""
    """What a recalled or mended draft stands on: the review's run id, or the mend's name."""
    tokens: int = 0
    left_out: str = ""
    """Words of the question that a compiled draft takes no account of."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard says of a draft before it may touch the warehouse."""

    allowed: bool
    sql: str
    """The statement that may run: the draft in the warehouse's dialect with the row cap applied."""
    rule: str = ""
    message: str = ""
    tables: tuple[str, ...] = ()
    error_class: str = ""
    restrictions: tuple[str, ...] = ()
    """What the policy held back of the tables, a sentence for each rule: row filters and masks."""


@dataclass(frozen=True, slots=True)
class Result:
    """Rows as they came from the warehouse, made JSON-safe."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    truncated: bool = False
    fingerprint: str = ""
    """sha256 over the sorted canonical rows; equal results have equal fingerprints."""


@dataclass(frozen=True, slots=True)
class RunError:
    """A failure a person can act on. `error_class` is a value of `agent.errors.ErrorClass`."""

    error_class: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What execution gave: a result, or an error of a named class."""

    sql: str
    result: Result | None = None
    error: RunError | None = None
    elapsed_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check noticed about a result or the statement that gave it."""

    check: str
    severity: Severity
    message: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person sees; field for field the object that `ask --format json` prints."""

    run_id: str
    status: RunStatus
    question: str
    sql: str = ""
    dialect: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    row_count: int = 0
    truncated: bool = False
    confidence: float = 0.0
    assumptions: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    error: RunError | None = None
    origin: str = ""
    model: str = ""
    timings_ms: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The contract of `affidavit ask --format json`."""
        return {
            "run_id": self.run_id,
            "status": self.status.value,
            "question": self.question,
            "sql": self.sql,
            "dialect": self.dialect,
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "row_count": self.row_count,
            "truncated": self.truncated,
            "confidence": round(self.confidence, 4),
            "assumptions": list(self.assumptions),
            "findings": [{"check": f.check, "severity": f.severity, "message": f.message} for f in self.findings],
            "error": None
            if self.error is None
            else {"class": self.error.error_class, "message": self.error.message, "hint": self.error.hint},
            "origin": self.origin,
            "model": self.model,
            "timings_ms": {stage: round(ms, 2) for stage, ms in self.timings_ms.items()},
        }


class RunState(TypedDict, total=False):
    """What flows along the graph's edges. Each step returns only the keys it changed."""

    run_id: str
    question: str
    asker: str
    direct: bool
    """True: one plain prompt, no recall, grounding, repair or checks (the control of every accuracy claim)."""
    cost_accepted: bool
    """Whether the asker agreed beforehand that statements may go over the budget, where they are to be asked."""
    replay_of: str
    """The run that this one asks again, of a model and not of memory; empty for a question of its own."""
    grounding: Grounding
    drafts: tuple[Draft, ...]
    """Every draft of the run, oldest first; the one under work is `drafts[current]`."""
    current: int
    verdict: Verdict
    """The guard's word on `drafts[current]`."""
    verdicts: tuple[tuple[int, Verdict], ...]
    """(index into `drafts`, verdict) for every draft judged so far."""
    outcome: Outcome
    attempts: int
    """Repairs tried so far."""
    tokens: int
    """Of prompts and replies, spent so far."""
    votes: tuple[tuple[int, str], ...]
    """(index into `drafts`, result fingerprint or "" for one that failed) per executed sample."""
    findings: tuple[Finding, ...]
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]
    """What an answer must say of how it came about: a model that failed, and which one was asked instead."""
    error: RunError | None
    status: RunStatus
    answer: Answer
    timings_ms: dict[str, float]


def new_run_id(now_ms: int | None = None) -> str:
    """A UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then random bits."""
    millis = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    value = (millis & (1 << 48) - 1) << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))
