"""Judges one statement: whether it may run, does run, says something, and would notice if it were slightly wrong.

It must parse, be one SELECT, pass the guard, run on the warehouse, give rows there, and not depend on how the engine
breaks a tie. Then it must run on the copies whose rows are drawn again (`finetune.pairs.variants`), and at least nine
in ten of its mutants (`finetune.pairs.mutants`) must give another result than it on one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.errors import ErrorClass
from agent.run import Outcome, Verdict
from finetune.pairs.mutants import mutants
from finetune.pairs.variants import Copies, Rows, Runner, same_result
from memory.catalog import Catalog

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Judge", "Refusal", "SqlVerdict", "judge_sql"]

_UNNOTICED = 0.1
"""The share of a statement's mutants that may give its very result everywhere."""
_MOST_REMEMBERED = 20_000

Guard = Callable[[str], Verdict]
Execute = Callable[[str], Outcome]
Clock = Callable[[str], AbstractContextManager[None]]


class Refusal(StrEnum):
    """Why a pair was not taken."""

    NO_VALUE = "no_value"
    DOES_NOT_PARSE = "does_not_parse"
    NOT_ONE_SELECT = "not_one_select"
    GUARD_REFUSED = "guard_refused"
    TOO_EXPENSIVE = "too_expensive"
    DOES_NOT_EXECUTE = "does_not_execute"
    EMPTY_RESULT = "empty_result"
    TRUNCATED_RESULT = "truncated_result"
    UNDETERMINED_ORDER = "undetermined_order"
    NOT_DISTINCT_FROM_MUTANTS = "not_distinct_from_mutants"
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
    """Refused for a reason, or taken; with how many mutants were tried and how many went unnoticed."""

    sql: str
    refusal: str = ""
    detail: str = ""
    mutants: int = 0
    survivors: int = 0


def judge_sql(sql: str, dialect: str, guard: Guard, execute: Execute) -> SqlVerdict:
    """Parse one statement, have the guard judge it, and run it; its mutants are not tried (see `Judge`)."""
    return _executed(sql, dialect, guard, execute, None)[0]


def _untimed(_stage: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass
class Judge:
    """Judges statements for one warehouse; a statement met again has the verdict it had."""

    catalog: Catalog
    guard: Guard
    execute: Execute
    copies: Copies = field(default_factory=Copies)
    most_mutants: int = 10
    clock: Clock = _untimed
    """Told when the stages `execute` and `mutants` begin."""
    _known: dict[str, SqlVerdict] = field(default_factory=dict)

    @property
    def warehouses(self) -> int:
        """On how many warehouses a statement is run: its own and the copies with other rows."""
        return 1 + len(self.copies.others)

    def judge(self, sql: str) -> SqlVerdict:
        """The verdict on one statement."""
        found = self._known.get(sql)
        if found is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            found = self._known[sql] = self._judged(sql)
        return found

    def _judged(self, sql: str) -> SqlVerdict:
        with self.clock("execute"):
            verdict, tree, allowed = _executed(sql, self.catalog.dialect, self.guard, self.execute, self.copies.home)
            if verdict.refusal or tree is None:
                return verdict
            elsewhere = [run(allowed) for run in self.copies.others]
        if None in elsewhere:
            why = "It fails or runs for too long on a copy with other rows."
            return SqlVerdict(sql, Refusal.DOES_NOT_EXECUTE, why)
        with self.clock("mutants"):
            return self._compared(sql, tree, allowed, [rows for rows in elsewhere if rows is not None])

    def _compared(self, sql: str, tree: exp.Query, allowed: str, elsewhere: list[Rows]) -> SqlVerdict:
        ordered, home = tree.args.get("order") is not None, self.copies.home or self._on_warehouse
        known = list(zip(self.copies.others, elsewhere, strict=True))
        made = mutants(tree, self.catalog, self.most_mutants)
        tried = survivors = 0
        for mutant in made:
            found = _differs(mutant.sql, known, ordered=ordered)
            if found is False and len(known) == len(
                elsewhere
            ):  # most show elsewhere, so home is asked when one did not
                known.append((home, home(allowed) or []))
                found = _differs(mutant.sql, known[-1:], ordered=ordered)
            if found is None:
                continue
            tried += 1
            survivors += not found
            if survivors > len(made) * _UNNOTICED:
                break
        refusal = Refusal.NOT_DISTINCT_FROM_MUTANTS if survivors > tried * _UNNOTICED else ""
        return SqlVerdict(sql, refusal, "", tried, survivors)

    def _on_warehouse(self, sql: str) -> Rows | None:
        """The rows on the warehouse itself, under the guard."""
        allowed = self.guard(sql)
        return _rows(allowed.sql, self.execute) if allowed.allowed else None


def _executed(
    sql: str, dialect: str, guard: Guard, execute: Execute, home: Runner | None
) -> tuple[SqlVerdict, exp.Query | None, str]:
    """The verdict of one execution, and for a statement that stands its tree and the text the guard let through."""
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    try:
        trees = parse(sql, dialect=dialect)
    except SqlglotError as error:
        return SqlVerdict(sql, Refusal.DOES_NOT_PARSE, str(error).splitlines()[0]), None, ""
    tree = trees[0]
    if len(trees) != 1 or not isinstance(tree, exp.Query):
        return SqlVerdict(sql, Refusal.NOT_ONE_SELECT), None, ""
    allowed = guard(sql)
    if not allowed.allowed:
        return SqlVerdict(sql, Refusal.GUARD_REFUSED, allowed.message), None, ""
    outcome = execute(allowed.sql)
    if outcome.result is None:
        over_budget = outcome.error is not None and outcome.error.error_class == ErrorClass.TOO_EXPENSIVE
        why = Refusal.TOO_EXPENSIVE if over_budget else Refusal.DOES_NOT_EXECUTE
        return SqlVerdict(sql, why, outcome.error.message if outcome.error else ""), None, ""
    rows, refusal = outcome.result.rows, ""
    if not rows or all(cell is None for row in rows for cell in row):
        refusal = Refusal.EMPTY_RESULT
    elif outcome.result.truncated:
        refusal = Refusal.TRUNCATED_RESULT
    elif _cut_falls_on_tie(tree, dialect, home or (lambda text: _rows(text, execute))):
        refusal = Refusal.UNDETERMINED_ORDER
    return SqlVerdict(sql, refusal), tree, allowed.sql


def _cut_falls_on_tie(tree: exp.Query, dialect: str, run: Runner) -> bool:
    """Whether the last row kept and the first row left out have the same sort key, or the key kept is NULL."""
    from sqlglot import exp

    limit, order = tree.args.get("limit"), tree.args.get("order")
    if not isinstance(tree, exp.Select) or limit is None:
        return False
    if order is None:
        return True
    count = int(limit.expression.name)
    probe = tree.copy()
    shown = {item.alias: item.this for item in tree.expressions if isinstance(item, exp.Alias)}
    for index, key in enumerate(order.expressions):
        sorted_by = shown.get(key.this.name, key.this) if isinstance(key.this, exp.Column) else key.this
        probe = probe.select(exp.alias_(sorted_by.copy(), f"sort_key_{index}"), append=True, copy=False)
    rows = run(probe.limit(count + 1, copy=False).sql(dialect=dialect))
    if rows is None:
        return True
    keys = [row[-len(order.expressions) :] for row in rows]
    if any(cell is None for key in keys[:count] for cell in key):
        return True
    return len(keys) > count and keys[count - 1] == keys[count]


def _rows(sql: str, execute: Execute) -> Rows | None:
    outcome = execute(sql)
    return list(outcome.result.rows) if outcome.result is not None else None


def _differs(sql: str, known: Sequence[tuple[Runner, Rows]], *, ordered: bool) -> bool | None:
    """Whether a mutant gives other rows than those known of a warehouse; None when it is no statement that runs."""
    for run, rows in known:
        found = run(sql)
        if found is None:
            return None
        if not same_result(rows, found, ordered=ordered):
            return True
    return False
