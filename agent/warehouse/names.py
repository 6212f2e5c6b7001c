"""What resolving a statement's names gives: what each stands for, or the one that stands for nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from agent.errors import ErrorClass
from memory.catalog import Table

__all__ = ["ColumnUse", "Resolution", "UnresolvedName", "nearest_names"]

_NEAREST_CUTOFF = 0.6


class UnresolvedName(Exception):  # noqa: N818 (a finding about the statement, not a fault of the program)
    """A name that the catalog does not have, or has twice.

    `node` is the Table or Column at fault and `sources` what could have been meant there: alias -> catalog table, None
    for a derived one. Mends work on these.
    """

    def __init__(
        self,
        error_class: ErrorClass,
        rule: str,
        message: str,
        node: exp.Expr | None = None,
        sources: dict[str, str | None] | None = None,
    ) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.rule = rule
        self.message = message
        self.node = node
        self.sources = sources or {}


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """One reference to a column of a table of the catalog; `node` is a Column, a Star or a USING identifier."""

    table: str
    column: str
    node: exp.Expr


@dataclass(slots=True)
class Resolution:
    """What a statement's names stand for."""

    tables: list[str] = field(default_factory=list)
    """Catalog tables in order of first use."""
    references: list[tuple[exp.Table, Table]] = field(default_factory=list)
    """Every place where a table of the catalog stands in FROM."""
    uses: list[ColumnUse] = field(default_factory=list)
    origins: dict[int, tuple[str, str]] = field(default_factory=dict)
    """id of a Column node -> (table, column), also through subqueries that merely pass the column on."""
    owners: dict[int, str] = field(default_factory=dict)
    """id of a Column node -> the source it belongs to, by its alias (folded)."""
    definitions: dict[int, exp.Expr] = field(default_factory=dict)
    """id of a Column node -> the expression that a subquery or CTE computes under that name."""
    sources: dict[int, dict[str, str | None]] = field(default_factory=dict)
    """id of a Select -> its sources: alias -> catalog table, None for a derived one."""
    seen: set[int] = field(default_factory=set)
    common_names: set[str] = field(default_factory=set)
    """Names of common table expressions (folded): where they hold, no table can be read under such a name."""
    looked_outside: bool = False
    """Whether a column was found in a query further out, past tables of the catalog. A database that compares names in
    another way than we do (`é` equals `e` in MariaDB) could find it in one of those instead."""


def nearest_names(name: str, known: Iterable[str], *, count: int = 3, cutoff: float = _NEAREST_CUTOFF) -> list[str]:
    """Known names that look like `name`, best first, ignoring case and underscores."""
    plain = {_plain(candidate): candidate for candidate in known}
    return [plain[match] for match in difflib.get_close_matches(_plain(name), plain, n=count, cutoff=cutoff)]


def _plain(name: str) -> str:
    return name.casefold().replace("_", "").replace(" ", "")
