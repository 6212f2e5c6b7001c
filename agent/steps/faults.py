"""What is wrong with the names of a draft: the first one that stands for nothing, and what could have been meant there.

The mends of names and of joins all start from this. They try one after another on the same statement, so the fault is
looked for once per statement and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.errors import SqlglotError

from agent.errors import ErrorClass
from agent.run import Finding
from agent.warehouse.dialects import parse
from agent.warehouse.scopes import UnresolvedName, resolve
from memory.catalog import Catalog
from memory.joins import JoinGraph
from memory.values import ValueIndex

__all__ = ["ColumnFault", "Fault", "Known", "Mend", "column_fault_in", "fault_in", "holders", "parsed", "same_name"]

Sources = dict[str, str | None]
"""The sources of one SELECT: alias as written -> table of the catalog, None for a derived one."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A table or column that does not resolve, in the statement it stands in. A mend changes the tree in place."""

    tree: exp.Expr
    node: exp.Expr
    sources: Sources
    error_class: ErrorClass


@dataclass(frozen=True, slots=True)
class ColumnFault(Fault):
    """A fault whose node is a column."""

    node: exp.Column

    def alike(self) -> list[exp.Column]:
        """The columns written just like this one in the same SELECT, itself included."""
        written, place = _written(self.node), self.node.find_ancestor(exp.Select)
        return [
            column
            for column in self.tree.find_all(exp.Column)
            if _written(column) == written and column.find_ancestor(exp.Select) is place
        ]

    def behind_alias(self) -> list[exp.Column]:
        """The columns behind the same qualifier in the same SELECT, itself included."""
        place = self.node.find_ancestor(exp.Select)
        return [
            column
            for column in self.tree.find_all(exp.Column)
            if same_name(column.table, self.node.table) and column.find_ancestor(exp.Select) is place
        ]


@dataclass(frozen=True, slots=True)
class Known:
    """What a mend may lean on."""

    catalog: Catalog
    joins: JoinGraph
    dialect: str
    findings: tuple[Finding, ...] = ()
    values: ValueIndex | None = None
    """The stored values beyond the catalog's samples."""
    message: str = ""
    """What the guard or the warehouse said of the draft."""
    faults: dict[str, Fault | None] = field(default_factory=dict, compare=False)
    """What `fault_in` found for a statement. A mend that declines leaves the tree as it was."""

    def stored(self, table: str, column: str) -> tuple[str, ...]:
        """What a text column stores, as far as it is known."""
        found = self.catalog.column(table, column)
        if found is not None and found.samples:
            return found.samples
        sources = self.values.sources if self.values is not None else ()
        target = f"{table}.{column}".casefold()
        return next((source.values for source in sources if source.target.casefold() == target), ())

    def stored_texts(self) -> Iterator[str]:
        """Every stored value that is known, of whatever column."""
        for table in self.catalog.tables:
            for column in table.columns:
                yield from column.samples
        for source in self.values.sources if self.values is not None else ():
            yield from source.values


Mend = Callable[[str, Known], str | None]
"""From a statement to a mended one, or to None when it is not certain what was meant."""


def fault_in(sql: str, known: Known) -> Fault | None:
    """The first name in `sql` that does not resolve; None when all do, or when nothing can be done about it."""
    if sql not in known.faults:
        known.faults[sql] = _found(sql, known)
    return known.faults[sql]


def column_fault_in(sql: str, known: Known) -> ColumnFault | None:
    """The same, when that name is a column's."""
    fault = fault_in(sql, known)
    return fault if isinstance(fault, ColumnFault) else None


def parsed(sql: str, dialect: str) -> exp.Expr | None:
    """The one statement in `sql`, or None when that dialect cannot read it as one."""
    try:
        statements = [tree for tree in parse(sql, dialect) if tree is not None]
    except (SqlglotError, RecursionError, ValueError):
        return None
    return statements[0] if len(statements) == 1 else None


def holders(column: str, sources: Sources, catalog: Catalog) -> list[str]:
    """The aliases whose table has a column of that name."""
    return [alias for alias, table in sources.items() if table and catalog.column(table, column) is not None]


def same_name(first: str | None, second: str | None) -> bool:
    """Whether both are given and equal but for case."""
    return first is not None and second is not None and first.casefold() == second.casefold()


def _found(sql: str, known: Known) -> Fault | None:
    tree = parsed(sql, known.dialect)
    if tree is None:
        return None
    try:
        resolve(tree, known.catalog, known.dialect)
    except UnresolvedName as unresolved:
        node, sources, error_class = unresolved.node, unresolved.sources, unresolved.error_class
        if isinstance(node, exp.Column):
            return ColumnFault(tree, node, sources, error_class)
        if node is not None:
            return Fault(tree, node, sources, error_class)
    return None


def _written(column: exp.Column) -> tuple[str, str]:
    return column.table, column.name
