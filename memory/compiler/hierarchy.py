"""Conditions along a table that refers to itself: who reports to whom, which part belongs to which.

No join path leads from a table to itself, and the layer's expressions name their tables outright, so that neither can
be given an alias. A subquery needs none: inside it the table's name means the other row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory.compiler.query import CannotCompile, Related

if TYPE_CHECKING:
    from memory.compiler.frame import Scope

__all__ = ["SelfReference", "hierarchical", "self_reference"]


@dataclass(frozen=True, slots=True)
class SelfReference:
    """The two `Table.Column`s that tie a row to its superior."""

    reference: str
    key: str


def self_reference(scope: Scope, table: str) -> SelfReference:
    """How the rows of a table refer to others of it.

    Raises:
        CannotCompile: they do not, or in two ways.
    """
    edges = [edge for edge in scope.joins.edges if edge.is_self and edge.left_table.lower() == table.lower()]
    if len(edges) != 1 or edges[0].more:
        raise CannotCompile(f"{table} does not refer to itself in one way.")
    [edge] = edges
    found = scope.catalog.table(table)
    key = found.primary_key if found else ()
    reference, other = edge.left_column, edge.right_column
    if other not in key:
        reference, other = other, reference
    return SelfReference(f"{edge.left_table}.{reference}", f"{edge.left_table}.{other}")


def hierarchical(scope: Scope, table: str, item: Related) -> str:
    """The condition that a row's superior (`up`), or one who reports to it (`down`), is as `item` says.

    Raises:
        CannotCompile: it is negated of superiors: a row without one has an empty reference.
    """
    edge = self_reference(scope, table)
    conditions = [*map(scope.predicate, item.filters), *(scope.measure(kind).filter for kind in item.kinds)]
    outer, inner = edge.key, edge.reference
    if item.along == "down":
        conditions.append(f"{inner} IS NOT NULL")
    elif item.negated:
        raise CannotCompile("Rows without a superior have an empty reference.")
    else:
        outer, inner = inner, outer
    needed = [name for name in scope.tables(conditions) if name.lower() != table.lower()]
    source = scope.source(table, needed, fan_out=True)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"{outer} {'NOT IN' if item.negated else 'IN'} (SELECT {inner} FROM {source}{where})"
