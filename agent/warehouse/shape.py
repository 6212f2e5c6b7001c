"""What is left of a statement when nothing in it may say whom it is about: its tables, columns and structure.

Literals, comments, and every name that is not one of the warehouse's own (aliases, CTEs) are gone. So an audit can
still see what was read after the statement itself was erased.
"""

from __future__ import annotations

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from memory.catalog import Catalog

__all__ = ["shape_of"]

_NAMELESS = "x"


def shape_of(sql: str, dialect: str, catalog: Catalog) -> str:
    """The statement with `?` for literals and `x` for names that the catalog does not have; empty if unreadable."""
    known = {table.name.casefold() for table in catalog.tables}
    known |= {column.name.casefold() for table in catalog.tables for column in table.columns}
    try:
        tree = parse_one(sql, dialect=dialect)
        for node in list(tree.walk()):
            node.comments = None
            if isinstance(node, exp.Literal):
                node.replace(exp.Placeholder())
            elif isinstance(node, exp.Identifier) and node.name.casefold() not in known:
                node.set("this", _NAMELESS)
        return tree.sql(dialect=dialect, comments=False)
    except (SqlglotError, RecursionError, ValueError):
        return ""
