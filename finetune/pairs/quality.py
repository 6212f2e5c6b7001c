"""The quality gate: what a pair must be before it may teach anything, each refusal under its own name.

A statement is judged once, whatever the number of questions that share it (`finetune.pairs.judgement`). A question is
then judged against it: it names every value the SQL filters on, it does not repeat another question of the same SQL,
and no other SQL already answers it.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from finetune.pairs.judgement import Refusal, SqlVerdict, judge_sql
from finetune.pairs.pair import Level, Pair, masked_sql, normalised, pair_line
from finetune.pairs.similarity import Signature, signature

__all__ = ["Candidate", "Gate", "Limits", "Refusal", "SqlVerdict", "judge_sql", "mentions_values"]

_WITHOUT_VALUES = 4
_OPEN_WORDINGS = 100_000
"""Signatures kept for comparing further wordings; of a statement pushed out no more are taken."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the gate and the report need of a pair, worked out where the pair is made; `line` is the pair itself."""

    question: str
    """Normalised."""
    sql: str
    structure: str
    level: Level
    has_values: bool
    badly_put: str
    template_id: str
    pattern: str
    mutants: int
    survivors: int
    line: bytes

    @classmethod
    def of(cls, pair: Pair, line: bytes | None = None) -> Candidate:
        """The candidate that stands for a pair; `line` is its line of pairs.jsonl when that is known already."""
        question = normalised(pair.question)
        return cls(
            question=question,
            sql=pair.sql,
            structure=masked_sql(pair.sql),
            level=pair.level,
            has_values=bool(pair.parameters),
            badly_put=_badly_put(pair, question),
            template_id=pair.template_id,
            pattern=next((tag.subtype for tag in pair.tags if tag.type == "pattern"), ""),
            mutants=int(pair.lineage.get("mutants", 0)),
            survivors=int(pair.lineage.get("survivors", 0)),
            line=line or pair_line(pair),
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """How much sameness is allowed."""

    per_sql: int = 2
    per_structure: int = 14
    similarity: float = 0.9
    """Questions of one SQL whose estimated Jaccard similarity (MinHash over letter triples) is above this are one."""
    per_level: dict[str, int] | None = None


@dataclass
class Gate:
    """Judges pairs one after another; what it took and why it refused is what the report shows.

    Keeps about 150 bytes for every question taken: hashes of questions and statements, never their text.
    """

    limits: Limits = field(default_factory=Limits)
    refused: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    _sql_of: dict[int, int] = field(default_factory=dict)
    _wordings: dict[int, int] = field(default_factory=dict)
    _per_structure: Counter[int] = field(default_factory=Counter)
    _open: OrderedDict[int, list[Signature]] = field(default_factory=OrderedDict)
    _signatures: int = 0

    @property
    def statements(self) -> int:
        """Different statements taken."""
        return len(self._wordings)

    @property
    def structures(self) -> int:
        """Different structures of the statements taken."""
        return len(self._per_structure)

    def take(self, pair: Pair, verdict: SqlVerdict) -> bool:
        """Whether the pair is good, its statement having that verdict; counts the refusal if not."""
        if verdict.refusal:
            self.refused[str(verdict.refusal)] += 1
            return False
        return not self.refusal(Candidate.of(pair))

    def refusal(self, candidate: Candidate) -> str:
        """Why a candidate is refused, whose statement was judged already, and counts it; "" takes it."""
        reason = str(self._reason(candidate))
        if reason:
            self.refused[reason] += 1
        return reason

    def _reason(self, candidate: Candidate) -> str:
        question, sql = _key(candidate.question), _key(candidate.sql)
        reason = (
            candidate.badly_put
            or self._known_already(question, sql)
            or self._too_many(candidate, sql)
            or self._too_alike(candidate, sql)
        )
        if reason:
            return reason
        if sql not in self._wordings:
            self._per_structure[_key(candidate.structure)] += 1
        self._wordings[sql] = self._wordings.get(sql, 0) + 1
        if self._wordings[sql] == self._room(candidate):
            self._close(sql)
        self.levels[candidate.level] += 1
        self._sql_of[question] = sql
        return ""

    def _known_already(self, question: int, sql: int) -> str:
        known = self._sql_of.get(question)
        if known is None:
            return ""
        return Refusal.DUPLICATE_QUESTION if known == sql else Refusal.CONTRADICTS_ANOTHER

    def _too_many(self, candidate: Candidate, sql: int) -> str:
        limits, wordings = self.limits, self._wordings.get(sql, 0)
        if wordings and (wordings >= self._room(candidate) or sql not in self._open):
            return Refusal.SQL_REPEATED
        if not wordings and self._per_structure[_key(candidate.structure)] >= limits.per_structure:
            return Refusal.STRUCTURE_REPEATED
        if limits.per_level is not None and self.levels[candidate.level] >= limits.per_level.get(candidate.level, 0):
            return Refusal.LEVEL_FULL
        return ""

    def _room(self, candidate: Candidate) -> int:
        """How many wordings: a question without values has one SQL for all of them, so more are kept."""
        return self.limits.per_sql * (1 if candidate.has_values else _WITHOUT_VALUES)

    def _too_alike(self, candidate: Candidate, sql: int) -> str:
        found, others = signature(candidate.question), self._open.setdefault(sql, [])
        self._open.move_to_end(sql)
        if any(found.jaccard(other) > self.limits.similarity for other in others):
            return Refusal.NEAR_DUPLICATE
        others.append(found)
        self._signatures += 1
        while self._signatures > _OPEN_WORDINGS:
            self._close(next(iter(self._open)))
        return ""

    def _close(self, sql: int) -> None:
        self._signatures -= len(self._open.pop(sql, ()))


def mentions_values(pair: Pair) -> bool:
    """Whether the question names every value its SQL filters on, as typed."""
    question = normalised(pair.question)
    return all(normalised(p.surface) in question for p in pair.parameters if p.surface)


def _badly_put(pair: Pair, question: str) -> str:
    if len(question.split()) < 2 or "{" in pair.question:
        return Refusal.MALFORMED_QUESTION
    return "" if mentions_values(pair) else Refusal.VALUE_NOT_MENTIONED


def _key(text: str) -> int:
    """A text's stand-in: eight bytes, of which a million have a chance of one in thirty million to hold a pair."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
