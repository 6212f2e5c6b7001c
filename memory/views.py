"""Which tables a view reads, told from its definition.

What a policy says of a table must hold in a view over it too, and nobody can tell from the view's own name and columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

if TYPE_CHECKING:
    from memory.catalog import Table

__all__ = ["Withhold", "followed", "names_read", "through_views"]

Withhold = Callable[[str, str], bool]
"""`withhold(table, column)` is true for a column whose values must not be read."""


def names_read(definition: str | None, dialect: str) -> tuple[str, ...] | None:
    """The tables and views that a definition names (CREATE VIEW or its query); None where that cannot be told.

    A function in FROM may read anything, so a definition with one cannot be told either. A function that is called
    anywhere else is taken to read nothing, which the database alone could say.
    """
    if not definition:
        return None
    try:
        statements = [statement for statement in parse(definition, dialect=dialect) if statement is not None]
    except (SqlglotError, RecursionError, ValueError):
        return None
    if len(statements) != 1 or isinstance(statements[0], exp.Command):
        return None
    created = statements[0].this if isinstance(statements[0], exp.Create) else None
    view = created.this if isinstance(created, exp.Schema) else created
    tables = [table for table in statements[0].find_all(exp.Table) if table is not view]
    if any(not isinstance(table.this, exp.Identifier) for table in tables):
        return None
    if statements[0].find(exp.Lateral, exp.Unnest, exp.TableFromRows):
        return None
    return tuple(dict.fromkeys(table.name for table in tables))


def followed(tables: Iterable[Table], named: Mapping[str, tuple[str, ...] | None]) -> tuple[Table, ...]:
    """The tables, each view with everything that it reads, through other views too.

    `named` is what each view's own definition names. A name that the catalog does not have (a common table expression,
    a table of another schema) is kept as it is written.
    """
    kept = tuple(tables)
    spelled = {table.name.casefold(): table.name for table in kept}
    return tuple(
        replace(table, reads=_all_read(table.name, named, spelled)) if table.is_view else table for table in kept
    )


def _all_read(
    view: str, named: Mapping[str, tuple[str, ...] | None], spelled: Mapping[str, str]
) -> tuple[str, ...] | None:
    found: dict[str, None] = {}
    pending = [view]
    while pending:
        names = named.get(pending.pop())
        if names is None:
            return None
        for written in names:
            name = spelled.get(written.casefold(), written)
            if name not in found:
                found[name] = None
                if name in named:
                    pending.append(name)
    return tuple(sorted(found))


def through_views(withhold: Withhold, tables: Iterable[Table]) -> Withhold:
    """`withhold`, with a view's columns withheld where any column of what it reads is, or where that is not known."""
    known = {table.name: table for table in tables}

    def is_held_back(table: str) -> bool:
        return any(withhold(table, column.name) for column in known[table].columns)

    def withheld(table: str, column: str) -> bool:
        if withhold(table, column):
            return True
        found = known.get(table)
        if found is None or not found.is_view:
            return False
        reads = known if found.reads is None else [name for name in found.reads if name in known]
        return any(is_held_back(name) for name in reads)

    return withheld
