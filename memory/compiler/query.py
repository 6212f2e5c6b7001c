"""What the compiler is asked for: a business question with no SQL in it, as frozen values.

A `SemanticQuery` names metrics, dimensions and entities of the semantic layer. Besides the metrics defined there it
can use *plain* metrics that need no definition, written `aggregate:argument`:

    count:customer              rows of the entity `customer`
    sum|avg|min|max:Table.Column  an aggregate of one column
    distinct:Table.Column       how many different values a column has
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "PATTERNS",
    "CannotCompile",
    "Filter",
    "Grain",
    "Having",
    "Order",
    "Related",
    "SemanticQuery",
    "TimeWindow",
    "Value",
]

Value = str | int | float
Grain = Literal["year", "quarter", "month", "week", "day", "weekday", "month_of_year"]
"""A period of each row's date; the last two come round again: the day of the week, the month of any year."""
Order = Literal["asc", "desc"]

PATTERNS = (
    "above_average",
    "above_total",
    "average_gap",
    "average_of_groups",
    "breakdown",
    "change",
    "change_series",
    "change_table",
    "compare_to_row",
    "count_above_average",
    "count_groups",
    "difference",
    "extreme",
    "first_in_group",
    "growth",
    "growth_series",
    "growth_table",
    "list",
    "lookup",
    "median",
    "moved",
    "pairs",
    "rank_of",
    "rank_within",
    "reports",
    "running_total",
    "share",
    "share_of",
    "share_of_top",
    "streak",
    "superiors",
    "top_attribute",
    "total",
    "values",
)
"""Every shape of statement `compile_query` knows."""


class CannotCompile(Exception):  # noqa: N818  (the contract's name: it reads as what happened)
    """The query has no correct single statement: it would fan out, has no join path, or names something unknown."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One predicate. `field` is a dimension id or `Table.Column`; `values` fits the operator (0, 1, 2 or more).

    It may also be reckoned from dates: `weekday:Table.Column` (`0` is Sunday), `days:Table.First:Table.Last`.
    """

    field: str
    op: Literal["=", "!=", ">", ">=", "<", "<=", "in", "not in", "between", "like", "is null", "is not null"] = "="
    values: tuple[Value, ...] = ()
    other: str = ""
    """A field that stands in the place of a value: stock below the reorder level. With `in`, all its values,
    or with a value those of the row that is called by it."""


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A half-open range of ISO dates, `start <= time < end`; an open side is empty."""

    start: str = ""
    end: str = ""
    column: str = ""
    """`Table.Column`; empty takes the metric's own time column, or the calendar's."""


@dataclass(frozen=True, slots=True)
class Having:
    """A condition on the first metric of each group."""

    op: Literal[">", ">=", "<", "<=", "=", "between", "within"]
    value: Value
    upper: Value | None = None
    """Where the operator is `between`, the most that is kept; both ends are. Of days `within`, the end is not."""


@dataclass(frozen=True, slots=True)
class Related:
    """Keep entities that have (or, negated, do not have) a related row, optionally within a window."""

    table: str
    negated: bool = False
    window: TimeWindow | None = None
    filters: tuple[Filter, ...] = ()
    kinds: tuple[str, ...] = ()
    """Metrics that count the related rows meant: late orders, products out of stock."""
    every: str = ""
    """A field of which each value there is must be among the related rows: who bought of every category."""
    along: Literal["", "up", "down"] = ""
    """In a table that refers to itself: the row that the entity's row refers to, or the rows that refer to it."""


@dataclass(frozen=True, slots=True)
class SemanticQuery:
    """A question in business terms. Which fields a pattern reads is written in `memory.compiler.patterns`."""

    metrics: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    window: TimeWindow | None = None
    grain: Grain | None = None
    having: Having | None = None
    order: Order | None = None
    limit: int | None = None
    offset: int = 0
    """How many are passed over before the first that is shown: 1 for the second best."""
    by_group: bool = False
    """A breakdown in the order of its group keys (alphabetical, chronological) instead of its metric's."""
    pattern: str = "breakdown"
    entity: str = ""
    """For list, lookup, extreme, compare_to_row, top_attribute: whose rows are shown. Elsewhere: of whom `related`
    tells, where that is not what the metric counts."""
    columns: tuple[str, ...] = ()
    """`Table.Column`s shown (list, lookup, top_attribute) or ordered by (extreme, compare_to_row). For growth_series,
    change_series, change_table and running_total: `value` or `change` where only one of them is shown; `size` is a
    change above 0."""
    order_by: str = ""
    """Field a list is sorted by, when `order` says so; empty takes the first column shown. For above_average: its
    metric, where the groups with the most of it come first, and periods in their order."""
    compare: tuple[Value, ...] = ()
    """Two periods or two values (change, growth, moved, difference), or the one value of share_of or rank_of."""
    lag: Literal["", "year"] = ""
    """What growth_series compares each month or quarter with: the one before, or the same one of the year before."""
    aggregate: Literal["avg", "min", "max", "sum"] = "avg"
    """What average_of_groups does to the groups."""
    related: tuple[Related, ...] = ()
    among: tuple[str, Having] | None = None
    """Another metric, and how much of it a group of the first dimension must have to be looked at."""
    with_empty: bool = False
    """A breakdown by things that also shows those that have nothing, with 0."""
    in_both: bool = False
    """Between two periods: only the groups that have rows in each of them."""
