"""The semantic compiler: a question in business terms becomes one canonical SQL statement.

Why not let a model write it: because the same question must always be the same SQL, on every engine, with joins that
never repeat a row under a SUM. The compiler is where training pairs get their gold SQL, and where the checks look up
what a metric should have been computed as.

    query.py      the question (SemanticQuery and its parts)
    measures.py   metrics, plain aggregates and ratios as expressions with a base table
    frame.py      FROM, JOIN and WHERE of one SELECT, with the fan-out rule
    hierarchy.py  conditions along a table that refers to itself (who reports to whom)
    grouping.py   what builders share: measures, group keys, one SELECT with a row per group
    patterns.py   one builder per shape of question about metrics
    over_time.py  those that set a metric against itself at another time
    ranks.py      those about the place of one thing, and the first in each group
    sequences.py  those about how rows follow or accompany each other
    records.py    one builder per shape of question about rows (lists, look-ups, extremes)
    dialects.py   the last step: canonical text in the warehouse's dialect
"""

from __future__ import annotations

from memory.catalog import Catalog
from memory.compiler.dialects import finish, period_label
from memory.compiler.frame import Scope
from memory.compiler.patterns import METRIC_BUILDERS
from memory.compiler.query import (
    PATTERNS,
    CannotCompile,
    Filter,
    Grain,
    Having,
    Order,
    Related,
    SemanticQuery,
    TimeWindow,
    Value,
)
from memory.compiler.ranks import RANK_BUILDERS
from memory.compiler.records import RECORD_BUILDERS
from memory.compiler.sequences import SEQUENCE_BUILDERS
from memory.semantics import Entity, SemanticLayer

__all__ = [
    "PATTERNS",
    "CannotCompile",
    "Compiler",
    "Filter",
    "Grain",
    "Having",
    "Order",
    "Related",
    "SemanticQuery",
    "TimeWindow",
    "Value",
    "compile_query",
    "period_label",
]

_BUILDERS = {**METRIC_BUILDERS, **RECORD_BUILDERS, **SEQUENCE_BUILDERS, **RANK_BUILDERS}


class Compiler:
    """Compiles many queries over one layer and catalog; keeps the join graph and what was parsed."""

    def __init__(self, layer: SemanticLayer, catalog: Catalog, dialect: str) -> None:
        self._scope = Scope(layer, catalog)
        self._dialect = dialect

    def compile(self, query: SemanticQuery) -> str:
        """The canonical statement. Raises CannotCompile."""
        builder = _BUILDERS.get(query.pattern)
        if builder is None:
            raise CannotCompile(f"There is no pattern `{query.pattern}`. Use one of {', '.join(PATTERNS)}.")
        try:
            text = builder(query, self._scope)
        except KeyError as error:
            raise CannotCompile(f"The semantic layer has no {error.args[0]}.") from error
        return finish(text, source=self._scope.layer.dialect, target=self._dialect, catalog=self._scope.catalog)

    def label(self, entity: Entity) -> str:
        """The field (dimension id or `Table.Column`) an entity's rows are called by."""
        return self._scope.label(entity)

    def base(self, metric_id: str) -> str:
        """The table whose rows a metric or plain metric counts."""
        return self._scope.measure(metric_id).base

    def timed(self, metric_id: str) -> bool:
        """Whether a metric or plain metric can be asked for a period."""
        found = self._scope.measure(metric_id)
        return any(part.time for part in found.parts or (found,))

    def time(self, metric_id: str) -> str:
        """The date column that a metric's periods are those of, "" where it has none or two."""
        found = self._scope.measure(metric_id)
        times = {part.time for part in found.parts or (found,)}
        return times.pop() if len(times) == 1 else ""

    def additive(self, metric_id: str) -> bool:
        """Whether a metric's groups add up to its total."""
        return self._scope.measure(metric_id).additive(self._scope.layer.dialect)

    def two_grained(self, metric_id: str) -> bool:
        """Whether a metric is a ratio of two that count different rows, each side grouped on its own."""
        return bool(self._scope.measure(metric_id).parts)

    def same_rows(self, first: str, second: str) -> bool:
        """Whether two metrics count the same rows, so that they fit one SELECT."""
        one, other = self._scope.measure(first), self._scope.measure(second)
        return not (one.parts or other.parts) and (one.base, one.filter, one.time) == (
            other.base,
            other.filter,
            other.time,
        )

    def crosses(self, metric_id: str, field: str) -> bool:
        """Whether grouping the metric by the field goes from one row to many, so that groups overlap."""
        return self._scope.crosses(metric_id, field)

    def combinable(self, metric_id: str, field: str) -> bool:
        """Whether a metric can be broken down or filtered by a dimension id or `Table.Column` without fanning out."""
        return self._scope.combinable(metric_id, field)


def compile_query(query: SemanticQuery, layer: SemanticLayer, catalog: Catalog, dialect: str) -> str:
    """One canonical SQL statement for the query in `dialect` (a sqlglot name). Raises CannotCompile."""
    return Compiler(layer, catalog, dialect).compile(query)
