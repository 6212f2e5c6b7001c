"""A statement as the checks see it: parsed, every name followed to its table, and what the question named beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from sqlglot import exp

from agent.run import Grounding, Result
from agent.steps.guard import parse_query
from agent.warehouse.scopes import Resolution, UnresolvedName, resolve
from memory.catalog import Catalog
from memory.joins import JoinGraph
from memory.lexical import fold
from memory.semantics import Metric, SemanticLayer
from memory.surfaces import other_names
from memory.values import ValueIndex

__all__ = ["Checked", "Statement", "read_statement"]

_NAMED = 1.0
"""Retrieval gives this score to what the question names outright; less is only near."""


@dataclass(frozen=True)
class Statement:
    """One resolved query."""

    tree: exp.Expr
    found: Resolution
    dialect: str

    @cached_property
    def selects(self) -> tuple[exp.Select, ...]:
        """Every SELECT in it, at whatever depth."""
        return tuple(self.tree.find_all(exp.Select))

    @cached_property
    def literals(self) -> tuple[str, ...]:
        """Every literal, numbers and texts alike, as it is written."""
        return tuple(literal.name for literal in self.tree.find_all(exp.Literal))

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The text literals, without the wildcards of LIKE."""
        return tuple(literal.name.strip("%") for literal in self.tree.find_all(exp.Literal) if literal.is_string)

    @cached_property
    def columns_used(self) -> frozenset[tuple[str, str]]:
        """(table, column) of every reference, `*` included."""
        return frozenset((use.table, use.column) for use in self.found.uses)

    @cached_property
    def aggregates(self) -> tuple[exp.AggFunc, ...]:
        """Aggregates that are no window functions."""
        return tuple(found for found in self.tree.find_all(exp.AggFunc) if not is_windowed(found))

    @cached_property
    def groups(self) -> bool:
        """Whether anything is computed per something: GROUP BY, PARTITION BY, DISTINCT, or a correlated subquery."""
        if any(select.args.get("group") or select.args.get("distinct") for select in self.selects):
            return True
        if any(window.args.get("partition_by") for window in self.tree.find_all(exp.Window)):
            return True
        return len(self.selects) > 1

    def own(self, select: exp.Select, *kinds: type[exp.Expr]) -> Iterator[exp.Expr]:
        """Nodes of these kinds that belong to this very SELECT and not to one inside it."""
        return (node for node in select.find_all(*kinds) if node.find_ancestor(exp.Select) is select)

    def reads_clock(self) -> bool:
        """Whether it asks the database what day it is."""
        clocks = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentDatetime, exp.CurrentTime)
        return self.tree.find(*clocks) is not None or "now" in {text.casefold() for text in self.texts}


@dataclass(frozen=True)
class Checked:
    """All that a check may look at."""

    question: str
    statement: Statement
    result: Result
    catalog: Catalog
    joins: JoinGraph
    layer: SemanticLayer
    grounding: Grounding | None
    values: ValueIndex | None = None
    """What is stored, beyond the samples of the catalog."""

    @cached_property
    def words(self) -> str:
        """The question in lower case with single spaces."""
        return re.sub(r"\s+", " ", self.question.casefold()).strip()

    @cached_property
    def named_metrics(self) -> tuple[Metric, ...]:
        """The metrics that the question names outright."""
        pieces = self.grounding.of_kind("metric") if self.grounding else ()
        known = {metric.id: metric for metric in self.layer.metrics}
        return tuple(known[piece.id] for piece in pieces if piece.score >= _NAMED and piece.id in known)

    @cached_property
    def named_values(self) -> tuple[str, ...]:
        """Stored values that stand in the question, in whatever case, or are called something else there ("Dutch")."""
        pieces = self.grounding.of_kind("value") if self.grounding else ()
        values = dict.fromkeys(piece.id.partition("=")[2] for piece in pieces)
        words = fold(self.words)

        def stands(name: str) -> bool:
            return re.search(rf"(?<!\w){re.escape(fold(name))}(?!\w)", words) is not None

        return tuple(value for value in values if value and any(map(stands, (value, *other_names(value)))))


def read_statement(sql: str, catalog: Catalog, dialect: str) -> Statement | None:
    """The statement resolved, or None when it is not one the guard would let pass."""
    try:
        tree = parse_query(sql, dialect)
        return Statement(tree, resolve(tree, catalog, dialect), dialect)
    except (ValueError, UnresolvedName, RecursionError):
        return None


def is_windowed(node: exp.Expr) -> bool:
    """Whether an aggregate is used as a window function."""
    over = node.parent.parent if isinstance(node.parent, exp.Filter) else node.parent
    return isinstance(over, exp.Window)
