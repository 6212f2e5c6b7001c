"""The warehouse as the pair factory sees it: values to ask about, and the run of one statement.

Values and thresholds must come from real rows, or questions would have empty answers. Whatever is read goes through
the same guard and the same read-only, capped connection that serve people: what `policy.yaml` denies can neither be
asked about nor be quoted in a question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from agent.run import Cell, Outcome, Verdict
from agent.settings import GuardLimits
from agent.steps.guard import judge
from agent.warehouse.budget import execute_weighed
from agent.warehouse.policy import Policy
from memory.catalog import Catalog
from memory.compiler import CannotCompile, Compiler, SemanticQuery
from memory.semantics import SemanticLayer

if TYPE_CHECKING:
    from agent.warehouse.connect import Warehouse

__all__ = ["World"]

_MOST_REMEMBERED = 5_000
"""Compiled queries and measured columns kept per world: a run of a million draws must not keep them all."""
_LIMITS = GuardLimits(max_rows=5000, max_bytes=4_000_000, timeout_s=20)


@dataclass
class World:
    """One warehouse, opened for reading, with what was already looked up in it."""

    url: str
    layer: SemanticLayer
    catalog: Catalog
    policy: Policy
    max_scanned_rows: int | None = None
    """The budget of each statement on the warehouse; None lets it expect to look at any number of rows."""
    _values: dict[str, tuple[Cell, ...]] = field(default_factory=dict)
    _levels: dict[str, tuple[float, ...]] = field(default_factory=dict)
    _compiled: dict[SemanticQuery, str] = field(default_factory=dict)
    _spelled: dict[str, str] = field(default_factory=dict)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The connection, opened at first use so that a worker opens its own."""
        from agent.warehouse.connect import open_warehouse

        return open_warehouse(self.url, _LIMITS, db_schema=self.catalog.db_schema)

    @cached_property
    def compiler(self) -> Compiler:
        """Compiles to the warehouse's dialect."""
        return _RememberingCompiler(self.layer, self.catalog, self.catalog.dialect)

    def close(self) -> None:
        """Give the connection back, if one was opened."""
        if "warehouse" in self.__dict__:
            self.warehouse.close()

    def compile(self, query: SemanticQuery) -> str:
        """The query's SQL, remembered. Raises CannotCompile."""
        found = self._compiled.get(query)
        if found is None:
            _make_room(self._compiled)
            found = self._compiled[query] = self.compiler.compile(query)
        return found

    def spell(self, sql: str) -> str:
        """A statement of the layer's dialect as the warehouse's own, remembered: templates repeat theirs."""
        from memory.compiler.dialects import finish

        found = self._spelled.get(sql)
        if found is None:
            _make_room(self._spelled)
            found = finish(sql, source=self.layer.dialect, target=self.catalog.dialect, catalog=self.catalog)
            self._spelled[sql] = found
        return found

    def guard(self, sql: str) -> Verdict:
        """What the guard says of one statement under the policy."""
        dialect, max_rows = self.catalog.dialect, _LIMITS.max_rows
        return judge(sql, dialect=dialect, catalog=self.catalog, policy=self.policy, max_rows=max_rows)

    def execute(self, sql: str) -> Outcome:
        """Run one statement that the guard has allowed, unless it goes over the budget."""
        limits = _LIMITS.model_copy(update={"max_scanned_rows": self.max_scanned_rows})
        return execute_weighed(self.warehouse, sql, self.catalog, limits)

    def values(self, name: str) -> tuple[Cell, ...]:
        """The different values of a dimension id or `Table.Column`, sorted, without NULL.

        None if they are withheld, or reading them goes over the budget.
        """
        if name not in self._values:
            rows = self._read(self._distinct(name))
            self._values[name] = tuple(sorted((r[0] for r in rows if r[0] is not None), key=str))
        return self._values[name]

    def measured(self, query: SemanticQuery) -> tuple[float, ...]:
        """The last column of a compiled query, sorted: what thresholds are drawn from.

        Empty when the query cannot be compiled, is not allowed or fails.
        """
        try:
            sql = self.compile(query)
        except CannotCompile:
            return ()
        if sql not in self._levels:
            _make_room(self._levels)
            self._levels[sql] = tuple(sorted(_number(r[-1]) for r in self._read(sql) if r[-1] is not None))
        return self._levels[sql]

    def span(self) -> tuple[str, str]:
        """The first and last ISO day of the calendar's time column; two empty strings without one."""
        column = self.layer.calendar.time_column
        if not column:
            return "", ""
        days = [str(v)[:10] for v in self.values(column)]
        return (days[0], days[-1]) if days else ("", "")

    def _read(self, sql: str) -> tuple[tuple[Cell, ...], ...]:
        """The rows of one statement; none when the guard refuses it or it fails."""
        verdict = self.guard(sql)
        if not verdict.allowed:
            return ()
        outcome = self.execute(verdict.sql)
        return outcome.result.rows if outcome.result else ()

    def _distinct(self, name: str) -> str:
        from memory.compiler.frame import Scope

        scope = Scope(self.layer, self.catalog)
        expression = scope.field(name)
        table = name.partition(".")[0] if "." in name else self.layer.dimension(name).table
        return self.spell(f"SELECT DISTINCT {expression} AS value_ FROM {table}")


class _RememberingCompiler(Compiler):
    """Answers what the composer asks for every draw (what fits which metric) from memory the second time."""

    def __init__(self, layer: SemanticLayer, catalog: Catalog, dialect: str) -> None:
        super().__init__(layer, catalog, dialect)
        self._known: dict[tuple[str, ...], Any] = {}

    def _once(self, ask: Callable[..., Any], *of: str) -> Any:
        key = (ask.__name__, *of)
        if key not in self._known:
            self._known[key] = ask(self, *of)
        return self._known[key]

    def base(self, metric_id: str) -> str:
        found: str = self._once(Compiler.base, metric_id)
        return found

    def timed(self, metric_id: str) -> bool:
        return bool(self._once(Compiler.timed, metric_id))

    def additive(self, metric_id: str) -> bool:
        return bool(self._once(Compiler.additive, metric_id))

    def two_grained(self, metric_id: str) -> bool:
        return bool(self._once(Compiler.two_grained, metric_id))

    def same_rows(self, first: str, second: str) -> bool:
        return bool(self._once(Compiler.same_rows, first, second))

    def crosses(self, metric_id: str, field: str) -> bool:
        return bool(self._once(Compiler.crosses, metric_id, field))

    def combinable(self, metric_id: str, field: str) -> bool:
        return bool(self._once(Compiler.combinable, metric_id, field))


def _make_room(remembered: dict[Any, Any]) -> None:
    if len(remembered) >= _MOST_REMEMBERED:
        remembered.clear()


def _number(cell: Cell) -> float:
    return float(cell) if cell is not None else 0.0
