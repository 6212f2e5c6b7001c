"""A metric against itself at another time: growth, change, who rose and who fell, period over period, so far.

What is asked is a plain total or breakdown and what is done to its numbers, so the periods, filters and groups have
been taken out already, and what remains says only which comparison it is. "Growth" is in percent, "increase" and
"change" are differences, "how did it change" shows both values; where the words leave that open, as "how much did it
grow" does, nothing is read.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from memory.compiler import Having, SemanticQuery, TimeWindow
from memory.compiler.query import Grain, Order
from memory.intent.items import Item
from memory.intent.known import Known, NotUnderstood
from memory.intent.parts import MONTHS, Parts, unit_of
from memory.periods import PeriodMention, find_periods

__all__ = ["read_change", "side_by_side"]

_CHANGED = re.compile(r"[uqb]*(?:Δp?h?M|MpΔ|h?MΔ)")
_WITH_CHANGE = re.compile(r"u?(?:Dk?w?h)?M[wk]+Δ")
_MOST_CHANGED = re.compile(
    r"p?u?N?D[wpW]?(?:[Hφ](?:MΔ|ΔpM)|Δ[Hφ]p?M|Δp?h?M[Hφ]|MΔ[Hφ])|u?(?:HN|NH|H)?D[bp](?:MΔ|ΔpM)|u?N?φN?D[bp]M"
)
_MOVED = re.compile(r"[uq]?D(?:[wW]?h?MΔ|w?Δp?h?M|w?ΛM|[wW]?MΛ)")
_PERIODS_MOVED = re.compile(r"p?u?g(?:[wW]?MΔ|w?ΔpM|[wW]?MΛ|w?\$?Λp?M)(?:b?xNS?)?")
_PERIOD_MOST = re.compile(r"p?u?gw?(?:[Hφ]MΔ|MΔ[Hφ]|[Hφ]ΔpM)v?")
_MORE_THEN = re.compile(r"[ub]?λMτ?")
_RUNNING = re.compile(r"u?(?:Σp?M|M[wk]+Σ|MΣ)")
_HOW = re.compile(r"\W*(?:[\w-]+,? ){0,6}?how\b(?! (?:much|many))", re.IGNORECASE)
_IN_UNITS = re.compile(r"\bin (?:us )?(?:dollars?|usd|euros?|money)\b(?! terms)", re.IGNORECASE)
_TO = re.compile(r"\s*(?:\b(?:to|and)\b|[-–—])\s*")
_PERCENT = frozenset({"growth", "growing", "both", "percent", "percent rise", "percent fall"})
_UP, _DOWN = frozenset({"growth", "growing", "rise", "percent rise"}), frozenset({"fall", "percent fall"})


def read_change(codes: str, items: Sequence[Item], parts: Parts, known: Known) -> SemanticQuery | None:
    """The query of a comparison in time; None where the question compares nothing in time.

    Raises:
        NotUnderstood: it does, but not in a way that is understood.
    """
    if not re.search("[ΔψΣφλΛ]", codes):
        return None
    metrics = [item for item in items if item.code == "M"]
    if len({item.name for item in metrics}) != 1 or parts.compared or parts.having or parts.order not in ("", "time"):
        return None
    return _Changes(re.sub("[Ωψ]", "", codes), tuple(items), parts, known).read()


@dataclass(frozen=True, slots=True)
class _Changes:
    """The remaining items of a question about one metric, and their codes without what can stand anywhere."""

    codes: str
    items: tuple[Item, ...]
    parts: Parts
    known: Known

    def read(self) -> SemanticQuery | None:
        if _RUNNING.fullmatch(self.codes):
            return self._running()
        pair = self._pair()
        if pair:
            return self._between(*pair)
        if len(self.parts.periods) > 2 and self.parts.grain and _CHANGED.fullmatch(self.codes):
            self.parts.periods = [replace(self.parts.periods[0], end=self.parts.periods[-1].end)]
        if len(self.parts.periods) > 1:
            return None
        if _PERIODS_MOVED.fullmatch(self.codes) or _PERIOD_MOST.fullmatch(self.codes):
            return self._periods_that_changed()
        over_periods = _CHANGED.fullmatch(self.codes) or _WITH_CHANGE.fullmatch(self.codes)
        if over_periods and self._grain and (self.parts.grain or self._named("ψ")):
            return self._series()
        return None

    # -- what is said --------------------------------------------------------------------------------------------

    @property
    def _metric(self) -> str:
        return next(item.name for item in self.items if item.code == "M")

    def _named(self, codes: str) -> set[str]:
        return {item.name for item in self.items if item.code in codes}

    @property
    def _grain(self) -> str:
        """The one grain that the question speaks of."""
        grains = {self.parts.grain, self.parts.before, *self._named("ψ")} - {""}
        if self._named("ψ") == {"year"} and self.parts.grain in ("quarter", "month") and not self.parts.before:
            return self.parts.grain  # each month with the same one of the year before
        if len(grains) > 1:
            raise NotUnderstood  # month by month over a year before: which of them is compared?
        grain = grains.pop() if grains else ""
        if grain and grain not in MONTHS:
            raise NotUnderstood  # a week without an order is no period before the next
        return grain

    @property
    def _is_percent(self) -> bool:
        """Whether the change is asked for in percent, else as a difference."""
        named, told = self._named("Δφ"), self._named("Ω")
        if len(told) > 1 or ("points" in named and self.known.layer.metric(self._metric).unit != "percent"):
            raise NotUnderstood
        if "percent" in told:
            return True
        if self._is_in_units:
            return False
        return "absolute" not in told and bool(named & _PERCENT)

    @property
    def _is_in_units(self) -> bool:
        """Whether the change is asked for in dollars, outside the metric's own name ("margin in dollars")."""
        said = self.parts.question
        for item in self.items:
            if item.code == "M" and item.end > item.start:
                said = said[: item.start] + " " * (item.end - item.start) + said[item.end :]
        return bool(_IN_UNITS.search(said))

    @property
    def _is_rate(self) -> bool:
        """Whether "growth" may mean points as well as percent, since the metric is a percentage."""
        defined = self.known.defined(self._metric)
        said = self._named("Ω") or self._named("Δφ") - {"growth", "growing"}
        return bool(defined and defined.unit == "percent" and not said)

    @property
    def _is_beside_the_one_before(self) -> bool:
        """ "Each year with the year before and the change", and not "each year with the change on the year before"."""
        change = next(item.start for item in self.items if item.code == "Δ")
        return any(item.code == "P" and not item.period and item.start < change for item in self.parts.said)

    @property
    def _dimensions(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.parts.groups)

    # -- two periods ---------------------------------------------------------------------------------------------

    def _pair(self) -> tuple[PeriodMention, PeriodMention] | None:
        """Two periods of one length in the order said, where the question names two."""
        periods, grain = self.parts.periods, self._named("ψ")
        if self.parts.grain:
            return None
        if len(periods) == 1 and grain == {unit_of(periods[0])}:
            return _before(periods[0]), periods[0]  # year-over-year growth in 2023
        if len(periods) == 1:
            found = _halves(periods[0], self.known.layer.today())
        else:
            found = (periods[0], periods[1]) if len(periods) == 2 else None
        if found is None or not unit_of(found[0]) or unit_of(found[0]) != unit_of(found[1]):
            return None
        if grain and grain != {unit_of(found[0])}:
            raise NotUnderstood
        return None if found[0].start == found[1].start else found

    def _between(self, first: PeriodMention, second: PeriodMention) -> SemanticQuery | None:
        earlier, later = sorted((first, second), key=lambda period: period.start)
        query = SemanticQuery(
            (self._metric,),
            self._dimensions,
            window=TimeWindow(earlier.start, later.end),
            grain=cast("Grain", unit_of(first)),
            compare=(earlier.start, later.start),
        )
        turned = replace(query, compare=(second.start, first.start))
        found = self._more_then(turned) or self._table(query) or self._of_one(query) or self._of_things(query, turned)
        if found:
            self.parts.periods.clear()
            self.parts.group([item for item in self.items if item.code == "D"])
        return found

    def _more_then(self, turned: SemanticQuery) -> SemanticQuery | None:
        """ "How much more in A than in B": A less B."""
        if not _MORE_THEN.fullmatch(self.codes):
            return None
        less = self._named("λ") == {"asc"}
        return replace(turned, pattern="change", compare=turned.compare[::-1] if less else turned.compare)

    def _table(self, query: SemanticQuery) -> SemanticQuery | None:
        """Both values and the change, in total or by what the metric is broken down by."""
        named, things = self._named("Δ"), [item.name for item in self.items if item.code == "D"]
        if _CHANGED.fullmatch(self.codes) and ("both" in named or self.parts.beside_change):
            percent = "both" in named or self._is_percent
            return replace(query, pattern="growth_table" if percent else "change_table")
        if not _WITH_CHANGE.fullmatch(self.codes) or (things and self._dimensions):
            return None
        query = replace(query, dimensions=tuple(things)) if things else query
        if self._is_percent or not named & {"change", "difference", "points"}:
            return replace(query, pattern="growth_table")
        return replace(query, pattern="change_table")

    def _of_one(self, query: SemanticQuery) -> SemanticQuery | None:
        """The change itself, in total or by what the metric is broken down by."""
        named, (earlier, later) = self._named("Δ"), query.compare
        if not _CHANGED.fullmatch(self.codes) or self._is_rate:
            return None
        if any(item.code == "A" for item in self.parts.items) and not self._named("Ω"):
            raise NotUnderstood  # "how much did it grow": in percent or not?
        if _HOW.match(self.parts.question) and not self._named("Ω"):
            return replace(query, pattern="growth_table")
        if not named & _DOWN:
            return replace(query, pattern="growth" if self._is_percent else "change")
        if self._is_percent or self._dimensions:
            return None
        return replace(query, pattern="change", compare=(later, earlier))  # a fall by so much is no negative fall

    def _of_things(self, query: SemanticQuery, turned: SemanticQuery) -> SemanticQuery | None:
        """Which things changed the most, or at all."""
        things = [item for item in self.items if item.code == "D"]
        if len(things) != 1 or self._dimensions:
            return None
        named, [thing] = self._named("Δφ"), things
        both: dict[str, Any] = {"dimensions": (thing.name,), "in_both": self.parts.in_both}
        query, turned = replace(query, **both), replace(turned, **both)
        if _MOVED.fullmatch(self.codes) and thing.plural:
            if "Λ" in self.codes:
                return _moved(query, turned, self._named("Λ"))
            up, down = named <= _UP, named <= _DOWN
            if up == down or named & {"percent rise", "percent fall"} or self._named("Ω"):
                raise NotUnderstood
            return replace(query, pattern="moved", order="desc" if up else "asc")
        if not _MOST_CHANGED.fullmatch(self.codes) or self._named("Hφ") & {"asc"}:
            return None
        number = next((int(item.number) for item in self.items if item.code == "N"), 0)
        if thing.plural != bool(number) and number != 1:
            raise NotUnderstood
        if self._is_percent:
            pattern, order = "growth", "desc"
        else:
            pattern, order = "change", "desc" if named & _UP else "asc"
        if not named & ((_UP | {"percent"}) if self._is_percent else (_UP | _DOWN)) or self._is_rate:
            raise NotUnderstood  # the biggest change: up or down?
        return replace(query, pattern=pattern, order=cast("Order", order), limit=number or 1)

    # -- every period with the one before -------------------------------------------------------------------------

    def _series(self) -> SemanticQuery | None:
        named = self._named("Δ")
        if "absolute" in self._named("Ω") or not named & {"growth", "change", "percent", "both"} or "D" in self.codes:
            raise NotUnderstood
        if any(item.code == "A" for item in self.parts.items):
            raise NotUnderstood
        if _HOW.match(self.parts.question) and named == {"change"} and not self._named("Ωψ"):
            grain = cast("Grain", self._grain)
            return SemanticQuery((self._metric,), self._dimensions, grain=grain)  # how did it change over the years
        both = "both" in named or (bool(_WITH_CHANGE.fullmatch(self.codes)) and self._is_beside_the_one_before)
        said = self._grain
        lag = self._named("ψ") == {"year"} and said != "year"
        pattern = "growth_table" if both and not (self._dimensions or lag) else "growth_series"
        if self._is_in_units:
            if pattern == "growth_table" or lag:
                raise NotUnderstood
            pattern = "change_series"
        query = SemanticQuery((self._metric,), self._dimensions, grain=cast("Grain", said), pattern=pattern)
        if pattern != "growth_table" and _CHANGED.fullmatch(self.codes) and not (self._dimensions or lag):
            query = replace(query, columns=("change",))
        return replace(query, lag="year") if lag else query

    def _periods_that_changed(self) -> SemanticQuery | None:
        """ "In which months did it fall", "which year had the highest growth"."""
        grain = next(item for item in self.items if item.code == "g")
        if self._dimensions or self._grain not in ("", grain.name) or self.parts.grain:
            raise NotUnderstood
        named = self._named("Δ")
        query = SemanticQuery((self._metric,), grain=cast("Grain", grain.name), pattern="growth_series")
        if _PERIOD_MOST.fullmatch(self.codes):
            if grain.plural or self._named("H") & {"asc"} or not named & (_UP | _DOWN | {"percent"}):
                raise NotUnderstood
            if not self._is_percent and self.parts.before:
                order: Order = "asc" if named <= _DOWN else "desc"
                return replace(query, pattern="change_series", order=order, limit=1)
            if not self._is_percent or not named & (_UP | {"percent"}):
                raise NotUnderstood
            return replace(query, order="desc", limit=1)
        if "Λ" in self.codes and not self.parts.before:
            raise NotUnderstood
        down = named <= _DOWN if named else self._named("Λ") == {"asc"}
        told = next((item for item in self.items if item.code == "N"), None)
        percent = self._is_percent or any(item.code == "S" for item in self.items)
        if not grain.plural or (named and not (named <= _UP or down)) or (not told and self._named("Ω")):
            raise NotUnderstood
        if told is None and "Λ" in self.codes:
            return replace(query, pattern="change_series", columns=("value",), having=Having("<" if down else ">", 0))
        if told is None:
            return replace(query, having=Having("<" if down else ">", 0))
        sign = next(item.name for item in self.items if item.code == "x")
        if down or not percent or sign != ">" or told.name not in ("", "percent"):
            raise NotUnderstood
        if told.name != "percent" and not any(item.code in "SΩ" for item in self.items):
            raise NotUnderstood
        return replace(query, having=Having(">", int(told.number) if told.number.is_integer() else told.number))

    def _running(self) -> SemanticQuery | None:
        if not self.parts.grain or self._dimensions or not self.known.adds_up(self._metric):
            raise NotUnderstood
        columns = () if re.search("M[wk]+Σ", self.codes) else ("change",)
        return SemanticQuery(
            (self._metric,), grain=cast("Grain", self.parts.grain), columns=columns, pattern="running_total"
        )


def side_by_side(metrics: Sequence[str], dimensions: Sequence[str], parts: Parts) -> SemanticQuery:
    """ "M per D in A and in B, side by side": two columns, with their difference where there are several rows.

    Raises:
        NotUnderstood: there are several metrics, or the periods are not of one length.
    """
    first, second = sorted(parts.periods, key=lambda period: period.start)
    if len(metrics) != 1 or not unit_of(first) or unit_of(first) != unit_of(second) or parts.having or parts.compared:
        raise NotUnderstood
    parts.periods.clear()
    return SemanticQuery(
        tuple(metrics), tuple(dimensions), window=TimeWindow(first.start, second.end),
        grain=cast("Grain", unit_of(first)), compare=(first.start, second.start), pattern="change_table",
        columns=() if dimensions else ("value",),
    )  # fmt: skip


def _moved(query: SemanticQuery, turned: SemanticQuery, named: set[str]) -> SemanticQuery:
    """The things with more or less than in the other period, or more or less than so many times as much."""
    order, _, times = _order(named).partition(" ")
    if not times:
        return replace(turned, pattern="moved", order=cast("Order", order))
    limit = round(100 * float(times) - 100, 6)
    if order == "asc" and not turned.in_both:
        raise NotUnderstood  # who bought nothing then has less than half as well: are they meant?
    having = Having("<" if order == "asc" else ">", int(limit) if limit.is_integer() else limit)
    return replace(turned, pattern="growth_table", having=having)


def _order(named: set[str]) -> Order:
    if len(named) != 1:
        raise NotUnderstood
    return cast("Order", named.pop())


def _before(period: PeriodMention) -> PeriodMention:
    """The period of the same unit right before."""
    start, end = dt.date.fromisoformat(period.start), dt.date.fromisoformat(period.end)
    index = 2 * (start.year * 12 + start.month) - (end.year * 12 + end.month) - 1
    return replace(period, start=dt.date(index // 12, index % 12 + 1, 1).isoformat(), end=period.start)


def _halves(period: PeriodMention, today: dt.date) -> tuple[PeriodMention, PeriodMention] | None:
    """The first and the last of "from 2021 to 2023", which as one period is all of it."""
    pieces = _TO.split(period.surface, maxsplit=1)
    if len(pieces) != 2:
        return None
    last = find_periods(pieces[1], today)
    first = find_periods(pieces[0], today)
    if len(last) != 1 or last[0].end != period.end or len(first) > 1:
        return None
    if not first:  # "from Q1 to Q2 2023"
        unit = unit_of(last[0])
        ahead = _before(replace(last[0]))
        named = "quarter" if re.search(r"\bq\d$", pieces[0].strip(), re.IGNORECASE) else "month"
        while unit == named and ahead.start > period.start:
            ahead = _before(ahead)
        first = (ahead,)
    if first[0].start != period.start:
        return None
    return first[0], last[0]
