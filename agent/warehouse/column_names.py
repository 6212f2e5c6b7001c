"""Says what one column's name stands for: which source of which scope, or which alias of the SELECT list.

`agent.warehouse.scopes` walks a statement and knows what is in FROM; here each name that it meets is followed outwards
through the scopes, written as its source spells it, and noted. A name that stands for nothing or for two things, or
that the database might read in another way than we do, ends the walk.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from agent.errors import ErrorClass
from agent.warehouse.dialects import HIDDEN_COLUMNS
from agent.warehouse.names import ColumnUse, Resolution, UnresolvedName, nearest_names
from agent.warehouse.sources import Output, Scope, Source, spelled
from memory.catalog import Catalog

__all__ = ["ColumnNames", "is_own_schema"]

_WHOLE_ROWS = frozenset({"postgres", "duckdb", "bigquery"})
"""Here the alias of a table also stands for its whole row, where no column has that name."""


def is_own_schema(name: str, catalog: Catalog) -> bool:
    """Whether a qualifier names the schema that the catalog is of, and so says nothing new."""
    return catalog.db_schema is not None and name.casefold() == catalog.db_schema.casefold()


class ColumnNames:
    """Resolves the columns of one statement; `found` is what its walk has found so far, and grows."""

    def __init__(self, catalog: Catalog, dialect: str, found: Resolution) -> None:
        self.catalog = catalog
        self.dialect = dialect
        self.found = found

    def column(self, node: exp.Column, scope: Scope, *, aliases: bool, prefer_aliases: bool) -> None:
        """Resolve one column by how it is written: `t.*`, `t.c`, or bare, which may be an alias."""
        self.found.seen.add(id(node))
        if node.args.get("db") and not node.args.get("catalog") and is_own_schema(node.text("db"), self.catalog):
            node.set("db", None)
        if node.args.get("db") or node.args.get("catalog"):
            message = f"Write {node.sql(self.dialect)} as Table.Column."
            raise UnresolvedName(ErrorClass.UNKNOWN_COLUMN, "known_column", message, node, scope.tables())
        if isinstance(node.this, exp.Star):
            self._qualified_star(node, scope)
        elif node.table:
            self._qualified_column(node, scope)
        elif not (aliases and self._alias(node, scope, preferred=prefer_aliases)):
            self._bare_column(node, scope)

    def _qualified_star(self, node: exp.Column, scope: Scope) -> None:
        source = self.source_named(node, scope)
        node.set("table", spelled(source.identifier))
        for output in source.outputs.values():
            self.note(output, node)

    def _qualified_column(self, node: exp.Column, scope: Scope) -> None:
        source = self.source_named(node, scope)
        folded = node.name.casefold()
        if folded not in source.outputs:
            raise self._no_column(node, [source], scope)
        node.set("table", spelled(source.identifier))
        self._settle(node, source, folded)

    def _alias(self, node: exp.Column, scope: Scope, *, preferred: bool) -> bool:
        """Read a bare name as an alias of this SELECT; False where it must be a column."""
        folded = node.name.casefold()
        alias, holders = scope.aliases.get(folded), scope.holders(folded)
        if alias is None or (holders and not (preferred and isinstance(node.parent, exp.Ordered))):
            return False
        if not isinstance(node.find_ancestor(exp.Ordered, exp.Having, exp.Query), exp.Ordered | exp.Having):
            self._refuse_captured(node, scope)
            self.found.looked_outside |= not folded.isascii()
        for place in scope.outward():  # which of them a database takes differs, so all must be harmless
            for source in place.holders(folded):
                self.note(source.outputs[folded], node)
        node.set("this", spelled(alias))
        return True

    def _bare_column(self, node: exp.Column, scope: Scope) -> None:
        """The nearest scope that has a column of that name has it meant, unless two sources there offer it."""
        folded = node.name.casefold()
        passed: list[Scope] = []
        for place in scope.outward():
            holders = place.holders(folded)
            if len(holders) > 1 and folded not in place.merged:
                owners = " and ".join(source.identifier.name for source in holders)
                message = f"{node.name} is ambiguous: {owners} have it."
                raise UnresolvedName(ErrorClass.AMBIGUOUS_COLUMN, "known_column", message, node, place.tables())
            if holders:
                for inner in passed:
                    self._refuse_captured(node, inner)
                self._passed(passed)
                self._settle(node, holders[0], folded)
                return
            passed.append(place)
        raise self._no_column(node, scope.sources.values(), scope)

    def _passed(self, places: Iterable[Scope]) -> None:
        if any(source.table for place in places for source in place.sources.values()):
            self.found.looked_outside = True

    def _refuse_captured(self, node: exp.Column, place: Scope) -> None:
        """Refuse a name that we find elsewhere, but that the database has a meaning for in `place` already."""
        folded = node.name.casefold()
        hidden = folded in HIDDEN_COLUMNS.get(self.dialect, ()) and any(s.table for s in place.sources.values())
        if hidden or (self.dialect in _WHOLE_ROWS and folded in place.sources):
            what = "a hidden column of every table" if hidden else "the name of a source in FROM"
            message = f"{node.name} is {what} here; give what is meant another name."
            raise UnresolvedName(ErrorClass.AMBIGUOUS_COLUMN, "known_column", message, node, place.tables())

    def star(self, node: exp.Star, scope: Scope) -> None:
        """Note every column that a `*` shows."""
        if isinstance(node.parent, exp.Count) or (
            isinstance(node.parent, exp.Select) and isinstance(node.parent.parent, exp.Exists)
        ):
            return  # counts rows, or asks whether there are any: no value is shown
        for source in scope.sources.values():
            for output in source.outputs.values():
                self.note(output, node)

    def source_named(self, node: exp.Column, scope: Scope) -> Source:
        """The source that a qualifier stands for, here or further out."""
        folded = node.table.casefold()
        passed: list[Scope] = []
        for place in scope.outward():
            if folded in place.sources:
                self._passed(passed)
                return place.sources[folded]
            passed.append(place)
        if self.catalog.table(node.table) is not None:
            message = f"{node.table}.{node.name} is used, but {node.table} is not in FROM (or has an alias there)."
            raise UnresolvedName(ErrorClass.UNKNOWN_COLUMN, "known_column", message, node, scope.tables())
        message = f"{node.table}.{node.name}: {node.table} is not in FROM."
        raise UnresolvedName(ErrorClass.UNKNOWN_TABLE, "known_table", message, node, scope.tables())

    def _settle(self, node: exp.Column, source: Source, folded: str) -> None:
        """Write the column as its source spells it, and note what it stands for."""
        output = source.outputs[folded]
        node.set("this", spelled(output.identifier))
        self.found.owners[id(node)] = source.identifier.name.casefold()
        if output.definition is not None:
            self.found.definitions[id(node)] = output.definition
        self.note(output, node)

    def note(self, output: Output, node: exp.Expr) -> None:
        """Note that `node` uses the column of the catalog behind `output`, if there is one."""
        if output.origin is not None:
            self.found.uses.append(ColumnUse(*output.origin, node))
            self.found.origins[id(node)] = output.origin

    def _no_column(self, node: exp.Column, sources: Iterable[Source], scope: Scope) -> UnresolvedName:
        """The error for a column that none of `sources` has, with what may have been meant."""
        offering = list(sources)
        owners = [table.name for table in self.catalog.tables if table.column(node.name) is not None]
        offered = [output.identifier.name for source in offering for output in source.outputs.values()]
        near = nearest_names(node.name, offered)
        where = f" in {offering[0].identifier.name}" if len(offering) == 1 else ""
        message = f"There is no column {node.name}{where}."
        if owners:
            message += f" It is a column of {', '.join(owners)}."
        elif near:
            message += f" Did you mean {' or '.join(near)}?"
        return UnresolvedName(ErrorClass.UNKNOWN_COLUMN, "known_column", message, node, scope.tables())
