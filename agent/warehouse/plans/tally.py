"""Adds up, node by node, the work that a plan announces: the part that is the same for every engine.

A row counts each time the plan expects to look at it: a table read whole counts all its rows whatever a filter then
keeps of them, the inner side of a nested loop counts once for every row of the outer side, and a join that gives more
rows than both its sides have counts the surplus, because rows that are made are work as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite

from sqlglot import exp

__all__ = ["RECURSIONS", "Estimate", "Tally", "early_stop", "rows_left", "tables_by_alias"]

RECURSIONS = 10
"""How often a recursive step is taken to run. Nothing in a plan says; PostgreSQL's planner assumes the same
(src/backend/optimizer/path/costsize.c, cost_recursive_union)."""
_MOST = 2**53 - 1
"""The largest whole number that JSON holds exactly; what is more is recorded as this."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the database expects of a statement that it has planned and not run."""

    scanned_rows: int
    """Rows looked at, each time they are."""
    rows_out: int
    """Rows of the result."""
    cost: float | None = None
    """In the engine's own units, where it has any; they compare with nothing but themselves."""
    full_scans: Mapping[str, int] = field(default_factory=dict)
    """Table → in how many places of the plan it is read whole."""
    cartesian_products: int = 0
    """Joins in which every row of one side meets every row of the other, whatever a condition keeps of them."""

    def to_json(self) -> dict[str, object]:
        """As it stands on the ledger."""
        return {
            "scanned_rows": self.scanned_rows,
            "rows_out": self.rows_out,
            "cost": self.cost,
            "full_scans": dict(self.full_scans),
            "cartesian_products": self.cartesian_products,
        }


@dataclass(slots=True)
class Tally:
    """The sums while a plan is being walked."""

    rows_of: Callable[[str], int | None] = lambda _: None
    """The number of rows of a table, if known."""
    scanned: float = 0.0
    full_scans: Counter[str] = field(default_factory=Counter)
    cartesian_products: int = 0

    def read_whole(self, table: str, rows: float, times: float = 1.0) -> None:
        """A table is read from end to end; `times` may be less than one where a LIMIT stops it."""
        self.scanned += rows * times
        self.full_scans[table] += 1

    def meet(self, left: float, right: float, times: float = 1.0) -> None:
        """Every row of the left meets every row of the right."""
        self.scanned += left * right * times
        self.note_product(left, right)

    def note_product(self, left: float, right: float) -> None:
        """Mark a join of that kind whose rows are counted elsewhere; one row on a side multiplies nothing."""
        if left > 1 and right > 1:
            self.cartesian_products += 1

    def join(self, out: float, left: float, right: float, times: float = 1.0) -> None:
        """A join by hashing or merging: its sides are counted where they are read, its surplus here."""
        self.scanned += max(0.0, out - left - right) * times

    def estimate(self, rows_out: float, cost: float | None = None) -> Estimate:
        """The sums as a value."""
        return Estimate(
            _whole(self.scanned),
            _whole(rows_out),
            round(cost, 2) if cost is not None and isfinite(cost) else None,
            dict(sorted(self.full_scans.items())),
            self.cartesian_products,
        )


def tables_by_alias(tree: exp.Expr) -> dict[str, tuple[str, ...]]:
    """Alias (folded) → the tables it stands for somewhere in the statement; a table without one is its own alias.

    A common table expression stands for no table: it maps to ().
    """
    made = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
    found: dict[str, list[str]] = {name: [] for name in made}
    for table in tree.find_all(exp.Table):
        if table.name.casefold() in made and not table.db:
            found.setdefault(table.alias_or_name.casefold(), [])
            continue
        found.setdefault(table.alias_or_name.casefold(), []).append(table.name)
    return {alias: tuple(dict.fromkeys(names)) for alias, names in found.items()}


def rows_left(tree: exp.Expr, rows: float) -> float:
    """The rows of the result where `rows` come out of the joins: what aggregates and LIMIT leave of them."""
    if isinstance(tree, exp.Select) and not tree.args.get("group") and _aggregates(tree):
        return 1.0
    limit = _limit(tree)
    return rows if limit is None else min(rows, float(limit))


def early_stop(tree: exp.Expr, *, filtered: bool = True) -> int | None:
    """How many rows end the statement, where reading stops as soon as they are found; None where all must be read.

    A LIMIT behind sorting, grouping or aggregates saves no reading. With `filtered=False` nor does one behind a
    condition: how many rows must be read until enough meet it is not known then.
    """
    if not isinstance(tree, exp.Select) or _aggregates(tree):
        return None
    blocking = ("group", "having", "order", "distinct", "qualify", "offset", *(() if filtered else ("where",)))
    if any(tree.args.get(part) for part in blocking):
        return None
    windows = any(entry.find(exp.Window) for entry in tree.expressions)
    return None if windows else _limit(tree)


def _limit(tree: exp.Expr) -> int | None:
    limit = tree.args.get("limit")
    count = limit.expression if isinstance(limit, exp.Limit) else None
    return int(count.name) if isinstance(count, exp.Literal) and count.name.isdigit() else None


def _aggregates(select: exp.Select) -> bool:
    return any(
        node.find_ancestor(exp.Select) is select and not isinstance(node.parent, exp.Window)
        for entry in select.expressions
        for node in entry.find_all(exp.AggFunc)
    )


def _whole(number: float) -> int:
    return min(_MOST, max(0, round(number))) if isfinite(number) else _MOST
