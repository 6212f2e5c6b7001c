"""What is taken out of a question's items, because it can stand anywhere in it, and the items that remain.

`memory.intent.taking` takes it out: each filter, period, group, condition and order is a pattern over the items' codes
and a handler that looks at the items it fits and may refuse them. What is taken leaves a `.` behind, so that nothing
that stood apart comes to stand together.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from memory.compiler import Filter, Having
from memory.intent.items import Item
from memory.intent.known import NotUnderstood
from memory.periods import PeriodMention
from memory.values import ValueMatch

__all__ = ["MONTHS", "Parts", "Values", "having_of", "plain_number", "split", "take", "unit_of"]

Values = tuple[tuple[ValueMatch, ...], ...]
"""The values of one filter, each with the columns it may stand in, best first."""
MONTHS = {"month": 1, "quarter": 3, "year": 12}
_NESTED = {"year": 0, "quarter": 1, "month": 2, "day": 3}


@dataclass(slots=True)
class Parts:
    """What was taken out of a question, and the items that remain."""

    question: str
    items: list[Item]
    said: list[Item]
    """The items of the whole question that mean something by themselves."""
    asks_for_rows: bool
    """Whether the question says that things are to be shown, not a number."""
    loose: Item | None = None
    """A word that only one of the metric's names can account for."""
    filters: list[Values] = field(default_factory=list)
    compared: list[Values] = field(default_factory=list)
    """Those of the filters whose values are to be shown beside each other."""
    beside: list[Values] = field(default_factory=list)
    """Those of which a number is asked: "the revenue of A and B" are two."""
    unsure: bool = False
    """Whether several values are named of which only a breakdown can say whether they are meant together."""
    negated: list[Values] = field(default_factory=list)
    """Those of the filters whose values are left out."""
    periods: list[PeriodMention] = field(default_factory=list)
    beside_change: bool = False
    """Whether two periods and the change between them are listed: "last year, this year, % change"."""
    before: str = ""
    """The grain of "the year before", where the question says so."""
    kinds: tuple[Filter, ...] = ()
    """What holds for the rows that a metric is of: late ones, discontinued ones."""
    with_empty: bool = False
    """Whether those that have nothing are to be shown as well."""
    clock: str = ""
    """The date column, `Table.Column`, that the periods are those of, where the question names one."""
    groups: list[Item] = field(default_factory=list)
    grain: str = ""
    having: tuple[str, str, float] | None = None
    """Metric, operator, number."""
    also: tuple[str, Having] | None = None
    """A second condition, on another metric."""
    metrics: tuple[str, ...] = ()
    """Ids of all metrics that the question names, as often as it does."""
    upper: float | None = None
    """The second number of "between"."""
    order: str = ""
    """`asc`, `desc`, `name`, or empty."""
    lists: bool = False
    """Whether the question says that rows are to be named one by one."""
    in_both: bool = False
    """Whether only things with something in both of two periods are meant."""
    counted: bool = False
    """Whether the question says that a number is wanted ("how many")."""

    @property
    def codes(self) -> str:
        """The codes of the remaining items."""
        return "".join(item.code for item in self.items)

    @property
    def grouped(self) -> bool:
        """Whether anything to break down by was found."""
        return bool(self.groups or self.grain)

    def forget(self, item: Item) -> None:
        """Take an item that is named a second time, or says no more than another, for not said."""
        self.said = [said for said in self.said if said is not item]

    def group(self, items: Sequence[Item]) -> bool:
        """Break down by the things and grains among the items."""
        for item in items:
            if item.code in "ga":
                if {self.grain, item.name} == {"month", "month_of_year"}:
                    self.grain = "month_of_year"
                    continue
                if self.grain and not {self.grain, item.name} <= _NESTED.keys():
                    raise NotUnderstood
                finer = not self.grain or _NESTED.get(item.name, 0) > _NESTED.get(self.grain, 0)
                if self.grain == item.name:
                    raise NotUnderstood
                self.grain = item.name if finer else self.grain  # a quarter is one of its year
            elif item.code == "D":
                self.groups.append(item)
        return True


def having_of(parts: Parts) -> Having | None:
    """The condition on a metric that was taken out, if there is one."""
    if parts.having is None:
        return None
    number, upper = plain_number(parts.having[2]), parts.upper
    return Having(cast("Any", parts.having[1]), number, None if upper is None else plain_number(upper))


def plain_number(number: float) -> int | float:
    """A whole number as one."""
    return int(number) if number.is_integer() else number


def take(parts: Parts, pattern: str, handler: Callable[[list[Item]], bool]) -> None:
    """Take out whatever fits the pattern over codes and is not refused by the handler."""
    place = 0
    while match := re.compile(pattern).search(parts.codes, place):
        taken = parts.items[match.start() : match.end()]
        if handler(taken):
            parts.items[match.start() : match.end()] = [Item(".", "", taken[0].start, taken[-1].end)]
        place = match.start() + 1


def unit_of(period: PeriodMention) -> str:
    """The grain that a period is one of: `year` for 2023; empty for three weeks, and for an open period."""
    if not (period.start and period.end):
        return ""
    start, end = dt.date.fromisoformat(period.start), dt.date.fromisoformat(period.end)
    months = (end.year - start.year) * 12 + end.month - start.month
    grain = next((name for name, length in MONTHS.items() if length == months), "")
    whole = start.day == end.day == 1 and bool(grain) and (start.month - 1) % months == 0
    return grain if whole else ""


def split(first: str, last: str, grain: str) -> Iterator[tuple[str, str]]:
    """The years, quarters or months that a span of ISO days (the last one not included) is made of; none of parts."""
    start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    step, at, stop = MONTHS[grain], start.year * 12 + start.month - 1, end.year * 12 + end.month - 1
    if start.day != 1 or end.day != 1 or at % step or (stop - at) % step:
        return
    days = [dt.date(month // 12, month % 12 + 1, 1).isoformat() for month in range(at, stop + 1, step)]
    yield from itertools.pairwise(days)
