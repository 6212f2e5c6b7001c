"""The quality gate: what a pair must be before it may teach anything, each refusal under its own name.

The SQL is judged once, whatever the number of questions that share it: it must parse, be one SELECT, pass the guard,
run, give rows, and not depend on how the engine breaks a tie. The question is then judged against it: it names every
value the SQL filters on, it does not repeat another question of the same SQL, and no other SQL already answers it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from agent.run import Outcome, Verdict
from finetune.pairs import Pair, masked_sql, normalised
from finetune.similarity import Signature, signature

__all__ = ["Gate", "Limits", "Refusal", "SqlVerdict", "judge_sql"]

_WITHOUT_VALUES = 4
Execute = Callable[[str], Outcome]
Guard = Callable[[str], Verdict]


class Refusal(StrEnum):
    """Why a pair was not taken."""

    DOES_NOT_PARSE = "does_not_parse"
    NOT_ONE_SELECT = "not_one_select"
    GUARD_REFUSED = "guard_refused"
    DOES_NOT_EXECUTE = "does_not_execute"
    EMPTY_RESULT = "empty_result"
    TRUNCATED_RESULT = "truncated_result"
    UNDETERMINED_ORDER = "undetermined_order"
    VALUE_NOT_MENTIONED = "value_not_mentioned"
    MALFORMED_QUESTION = "malformed_question"
    DUPLICATE_QUESTION = "duplicate_question"
    NEAR_DUPLICATE = "near_duplicate"
    CONTRADICTS_ANOTHER = "contradicts_another"
    SQL_REPEATED = "sql_repeated"
    STRUCTURE_REPEATED = "structure_repeated"
    LEVEL_FULL = "level_full"


@dataclass(frozen=True, slots=True)
class SqlVerdict:
    """What one execution showed: refused for a reason, or taken with the result's fingerprint and size."""

    sql: str
    refusal: str = ""
    detail: str = ""
    rows: int = 0
    fingerprint: str = ""


def judge_sql(sql: str, dialect: str, guard: Guard, execute: Execute) -> SqlVerdict:
    """Parse one statement, have the guard judge it, and run it (twice when the cut of its LIMIT could be on a tie)."""
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    try:
        trees = parse(sql, dialect=dialect)
    except SqlglotError as error:
        return SqlVerdict(sql, Refusal.DOES_NOT_PARSE, str(error).splitlines()[0])
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        return SqlVerdict(sql, Refusal.NOT_ONE_SELECT)
    allowed = guard(sql)
    if not allowed.allowed:
        return SqlVerdict(sql, Refusal.GUARD_REFUSED, allowed.message)
    outcome = execute(allowed.sql)
    if outcome.result is None:
        return SqlVerdict(sql, Refusal.DOES_NOT_EXECUTE, outcome.error.message if outcome.error else "")
    rows, refusal = outcome.result.rows, ""
    if not rows or all(cell is None for row in rows for cell in row):
        refusal = Refusal.EMPTY_RESULT
    elif outcome.result.truncated:
        refusal = Refusal.TRUNCATED_RESULT
    elif _cut_falls_on_tie(trees[0], dialect, execute):
        refusal = Refusal.UNDETERMINED_ORDER
    return SqlVerdict(sql, refusal, "", len(rows), outcome.result.fingerprint)


def _cut_falls_on_tie(tree: object, dialect: str, execute: Execute) -> bool:
    """Whether the last row kept and the first row left out have the same sort key, or the key kept is NULL."""
    from sqlglot import exp

    if not isinstance(tree, exp.Select):
        return False
    limit, order = tree.args.get("limit"), tree.args.get("order")
    if limit is None:
        return False
    if order is None:
        return True
    count = int(limit.expression.name)
    probe = tree.copy()
    shown = {item.alias: item.this for item in tree.expressions if isinstance(item, exp.Alias)}
    for index, key in enumerate(order.expressions):
        sorted_by = shown.get(key.this.name, key.this) if isinstance(key.this, exp.Column) else key.this
        probe = probe.select(exp.alias_(sorted_by.copy(), f"sort_key_{index}"), append=True)
    probe = probe.limit(count + 1)
    outcome = execute(probe.sql(dialect=dialect))
    if outcome.result is None:
        return True
    keys = [row[-len(order.expressions) :] for row in outcome.result.rows]
    if any(cell is None for key in keys[:count] for cell in key):
        return True
    return len(keys) > count and keys[count - 1] == keys[count]


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
    """Judges pairs one after another; what it took and why it refused is what the report shows."""

    limits: Limits = field(default_factory=Limits)
    refused: Counter[str] = field(default_factory=Counter)
    _sql_of: dict[str, str] = field(default_factory=dict)
    _signatures: dict[str, list[Signature]] = field(default_factory=dict)
    _per_structure: Counter[str] = field(default_factory=Counter)
    _per_level: Counter[str] = field(default_factory=Counter)

    def take(self, pair: Pair, verdict: SqlVerdict) -> bool:
        """Whether the pair is good; counts the refusal if not."""
        reason = verdict.refusal or self._reason(pair)
        if reason:
            self.refused[str(reason)] += 1
            return False
        return True

    def _reason(self, pair: Pair) -> str:
        question = normalised(pair.question)
        reason = _badly_put(pair, question) or self._known_already(pair, question) or self._too_many(pair)
        if reason:
            return reason
        signatures = self._signatures.setdefault(pair.sql, [])
        found = signature(question)
        if any(found.jaccard(other) > self.limits.similarity for other in signatures):
            return Refusal.NEAR_DUPLICATE
        if not signatures:
            self._per_structure[masked_sql(pair.sql)] += 1
        signatures.append(found)
        self._per_level[pair.level] += 1
        self._sql_of[question] = pair.sql
        return ""

    def _known_already(self, pair: Pair, question: str) -> str:
        known = self._sql_of.get(question)
        if known is None:
            return ""
        return Refusal.DUPLICATE_QUESTION if known == pair.sql else Refusal.CONTRADICTS_ANOTHER

    def _too_many(self, pair: Pair) -> str:
        limits, wordings = self.limits, len(self._signatures.get(pair.sql, ()))
        # A question without values has one SQL for all its wordings, so more of them are kept.
        if wordings >= limits.per_sql * (1 if pair.parameters else _WITHOUT_VALUES):
            return Refusal.SQL_REPEATED
        if not wordings and self._per_structure[masked_sql(pair.sql)] >= limits.per_structure:
            return Refusal.STRUCTURE_REPEATED
        if limits.per_level is not None and self._per_level[pair.level] >= limits.per_level.get(pair.level, 0):
            return Refusal.LEVEL_FULL
        return ""


def _badly_put(pair: Pair, question: str) -> str:
    if len(question.split()) < 2 or "{" in pair.question:
        return Refusal.MALFORMED_QUESTION
    return "" if mentions_values(pair) else Refusal.VALUE_NOT_MENTIONED


def mentions_values(pair: Pair) -> bool:
    """Whether the question names every value its SQL filters on, as typed."""
    question = normalised(pair.question)
    return all(normalised(p.surface) in question for p in pair.parameters if p.surface)
