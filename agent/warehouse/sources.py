"""What can be named at one place of a statement: the sources in FROM, the columns they offer, and what lies outside.

Names are compared folded (`str.casefold`) and written as they were declared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from agent.warehouse.dialects import identifier
from memory.catalog import Table

__all__ = ["Common", "Output", "Outputs", "Scope", "Source", "by_name", "offered", "renamed", "spelled"]


@dataclass(frozen=True, slots=True)
class Output:
    """A column that a source or a query offers."""

    identifier: exp.Identifier
    """Its name as it is to be written."""
    origin: tuple[str, str] | None
    """(table, column) of the catalog, when it is that column and nothing else."""
    definition: exp.Expr | None = None
    """The expression that is computed under this name, when it is one."""


Outputs = dict[str, Output]
"""Folded name -> column, in order."""


@dataclass(frozen=True, slots=True)
class Common:
    """A common table expression: its name as declared, which is how it must be written to be met, and its columns."""

    identifier: exp.Identifier
    outputs: Outputs


@dataclass(slots=True)
class Source:
    """One entry of FROM under its alias; `table` is None for a derived one."""

    identifier: exp.Identifier
    outputs: Outputs
    table: Table | None = None


@dataclass(slots=True)
class Scope:
    """What can be named at one place: the FROM sources, this SELECT's aliases, the CTEs, and the scope outside."""

    ctes: dict[str, Common]
    """By folded name."""
    outer: Scope | None = None
    sources: dict[str, Source] = field(default_factory=dict)
    """By folded alias."""
    merged: set[str] = field(default_factory=set)
    """Folded column names merged by USING: naming them bare is not ambiguous."""
    aliases: dict[str, exp.Identifier] = field(default_factory=dict)

    def outward(self) -> Iterator[Scope]:
        """This scope, the one outside it, and so on."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def holders(self, folded: str) -> list[Source]:
        """The sources here that offer a column of that folded name."""
        return [source for source in self.sources.values() if folded in source.outputs]

    def tables(self) -> dict[str, str | None]:
        """Alias as written -> catalog table, None for a derived one."""
        return {source.identifier.name: source.table.name if source.table else None for source in self.sources.values()}


def by_name(columns: Iterable[Output]) -> Outputs:
    """Columns by folded name, in order. One without a name, or whose name is taken, keeps its place unreachably."""
    outputs: Outputs = {}
    for position, output in enumerate(columns):
        name = output.identifier.name.casefold()
        outputs[name if name and name not in outputs else f"\x00{position}"] = output
    return outputs


def spelled(name: exp.Identifier) -> exp.Identifier:
    """The identifier again, for another place of the tree; a general copy takes ten times as long."""
    return exp.Identifier(this=name.this, quoted=name.args.get("quoted"))


_MOST_REMEMBERED = 2_000
_offered: dict[tuple[int, str], tuple[Table, Outputs]] = {}
"""By the table's identity, which holds as long as the table is kept here: comparing its columns would cost more."""


def offered(table: Table, dialect: str) -> Outputs:
    """The columns of a table of the catalog, remembered: every statement asks for the same ones. Not to be changed."""
    key = (id(table), dialect)
    found = _offered.get(key)
    if found is None:
        outputs: Outputs = {
            column.name.casefold(): Output(identifier(column.name, dialect), (table.name, column.name))
            for column in table.columns
        }
        if len(_offered) >= _MOST_REMEMBERED:
            _offered.clear()
        found = _offered[key] = (table, outputs)
    return found[1]


def renamed(outputs: Outputs, alias: exp.Expr | None) -> Outputs:
    """Apply the column list of `AS t (a, b)`: the columns keep their origins under new names."""
    names = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
    if not names:
        return outputs
    columns = []
    for position, output in enumerate(outputs.values()):
        given = names[position] if position < len(names) else output.identifier
        name = given.this if isinstance(given.this, exp.Identifier) else given
        columns.append(Output(name, output.origin, output.definition))
    return by_name(columns)
