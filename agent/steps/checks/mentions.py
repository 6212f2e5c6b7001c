"""Does the statement look at what the question names: a contact, a region, whom somebody reports to?

What a business calls by one name is often kept in several tables ("country" of the customer, of the shipment), so a
column counts as looked at as soon as any column that is used shares a telling word with it.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from agent.run import Finding
from agent.steps.checks.statement import Checked
from memory.lexical import identifier_words, stems

__all__ = ["check_mentions"]

_NAMED = 1.0
_UNTELLING = frozenset(stems("name id number no code type title level description"))


def check_mentions(checked: Checked) -> Iterator[Finding]:
    """A dimension that the question names and that no column of the statement has to do with."""
    pieces = checked.grounding.of_kind("dimension") if checked.grounding else ()
    known = {dimension.id: dimension for dimension in checked.layer.dimensions}
    labels = {(entity.table, entity.label) for entity in checked.layer.entities}
    looked_at = {word for _, column in checked.statement.columns_used for word in _words(column)}
    for piece in pieces:
        dimension = known.get(piece.id)
        if dimension is None or piece.score < _NAMED:
            continue
        columns = _columns(dimension.expression, dimension.table, checked.layer.dialect)
        if not columns or columns & labels or dimension.type == "boolean":
            continue  # a thing's own name stands for the thing, which an answer need not name
        words = {word for _, column in columns for word in _words(column)}
        if words - _UNTELLING and not words & looked_at - _UNTELLING:
            message = f"The question names {dimension.name}; the statement does not look at it."
            yield Finding("mention", "warning", message, evidence=dimension.id)


def _words(column: str) -> frozenset[str]:
    return frozenset(stems(identifier_words(column)))


def _columns(expression: str, table: str, dialect: str) -> set[tuple[str, str]]:
    try:
        tree = sqlglot.parse_one(expression, dialect=dialect)
    except SqlglotError:
        return set()
    return {(column.table or table, column.name) for column in tree.find_all(exp.Column)}
