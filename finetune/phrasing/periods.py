"""Periods as people say them and as half-open date ranges: years, quarters, months, and what is relative to today."""

from __future__ import annotations

import calendar
import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass

from memory.compiler import TimeWindow

__all__ = ["Period", "draw_pair", "draw_period", "month", "quarter", "year"]

_MONTHS = tuple(calendar.month_name)
_SHORT = tuple(calendar.month_abbr)
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth"}
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 12: "twelve"}


@dataclass(frozen=True, slots=True)
class Period:
    """A range of days and the phrases for it; `bare` are names that follow "in" or "from ... to"."""

    window: TimeWindow
    phrases: tuple[str, ...]
    bare: tuple[str, ...] = ()
    kind: str = "year"


def _day(value: dt.date) -> str:
    return value.isoformat()


def _window(start: dt.date | None, end: dt.date | None) -> TimeWindow:
    return TimeWindow(_day(start) if start else "", _day(end) if end else "")


def _add_months(day: dt.date, months: int) -> dt.date:
    index = day.year * 12 + day.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)


def year(number: int) -> Period:
    """One calendar year."""
    phrases = (
        f"in {number}",
        f"in {number}",
        f"for {number}",
        f"during {number}",
        f"in the year {number}",
        f"for the year {number}",
        f"over {number}",
        f"throughout {number}",
    )
    return Period(_window(dt.date(number, 1, 1), dt.date(number + 1, 1, 1)), phrases, (str(number),), "year")


def quarter(number: int, of: int) -> Period:
    """One calendar quarter."""
    start = dt.date(of, 3 * number - 2, 1)
    bare = (
        f"Q{number} {of}",
        f"the {_ORDINALS[number]} quarter of {of}",
        f"quarter {number} of {of}",
        f"Q{number} of {of}",
    )
    phrases = (*(f"in {b}" for b in bare), f"for Q{number} {of}", f"during Q{number} {of}", f"in q{number} {of}")
    return Period(_window(start, _add_months(start, 3)), phrases, bare, "quarter")


def month(number: int, of: int) -> Period:
    """One calendar month."""
    start = dt.date(of, number, 1)
    bare = (f"{_MONTHS[number]} {of}", f"{_SHORT[number]} {of}", f"{_MONTHS[number]} of {of}")
    phrases = (
        f"in {bare[0]}",
        f"in {bare[0]}",
        f"for {bare[0]}",
        f"during {bare[0]}",
        f"in {bare[1]}",
        f"in {bare[2]}",
        f"in {of}-{number:02d}",
    )
    return Period(_window(start, _add_months(start, 1)), phrases, bare, "month")


@dataclass(frozen=True, slots=True)
class _Span:
    """What a period is drawn from."""

    first: dt.date
    last: dt.date
    today: dt.date

    @property
    def years(self) -> range:
        return range(self.first.year, self.last.year + 1)


def draw_period(rng: random.Random, first: dt.date, last: dt.date, today: dt.date) -> Period:
    """A period inside the warehouse's days, of a kind drawn by how often people ask for it."""
    kind = rng.choices(list(_KINDS), weights=[weight for weight, _ in _KINDS.values()])[0]
    return _KINDS[kind][1](rng, _Span(first, last, today))


def _half(rng: random.Random, span: _Span) -> Period:
    half, of = rng.choice((1, 2)), rng.choice(span.years)
    start = dt.date(of, 6 * half - 5, 1)
    word, months = ("first", "first") if half == 1 else ("second", "last")
    phrases = (
        f"in the {word} half of {of}",
        f"in H{half} {of}",
        f"during the {word} half of {of}",
        f"in the {months} six months of {of}",
    )
    return Period(_window(start, _add_months(start, 6)), phrases, (), "half")


def _years(rng: random.Random, span: _Span) -> Period:
    if len(span.years) < 3:
        return year(rng.choice(span.years))
    low = rng.choice(span.years[:-1])
    high = rng.choice([y for y in span.years if y > low])
    window = _window(dt.date(low, 1, 1), dt.date(high + 1, 1, 1))
    phrases = (
        f"between {low} and {high}",
        f"from {low} to {high}",
        f"from {low} through {high}",
        f"in the years {low} to {high}",
    )
    return Period(window, phrases, (), "years")


def _months(rng: random.Random, span: _Span) -> Period:
    of = rng.choice(span.years)
    low, high = sorted(rng.sample(range(1, 13), 2))
    window = _window(dt.date(of, low, 1), _add_months(dt.date(of, high, 1), 1))
    phrases = (
        f"from {_MONTHS[low]} to {_MONTHS[high]} {of}",
        f"between {_MONTHS[low]} and {_MONTHS[high]} {of}",
        f"from {_SHORT[low]} to {_SHORT[high]} {of}",
    )
    return Period(window, phrases, (), "months")


def _days(rng: random.Random, span: _Span) -> Period:
    day = _any_day(rng, span)
    end = min(day + dt.timedelta(days=rng.choice((9, 19, 30, 45))), span.last)
    phrases = (f"between {day} and {end}", f"from {day} to {end}")
    return Period(_window(day, end + dt.timedelta(days=1)), phrases, (), "days")


def _one_day(rng: random.Random, span: _Span) -> Period:
    day = _any_day(rng, span)
    name = _MONTHS[day.month]
    phrases = (f"on {day}", f"on {name} {day.day}, {day.year}", f"on {day.day} {name} {day.year}")
    return Period(_window(day, day + dt.timedelta(days=1)), phrases, (), "day")


def _any_day(rng: random.Random, span: _Span) -> dt.date:
    return span.first + dt.timedelta(days=rng.randrange((span.last - span.first).days + 1))


def _before(rng: random.Random, span: _Span) -> Period:
    of = rng.choice(span.years[1:] or span.years)
    phrases = (
        f"before {of}",
        f"until the end of {of - 1}",
        f"up to the end of {of - 1}",
        f"prior to {of}",
    )
    return Period(_window(None, dt.date(of, 1, 1)), phrases, (), "before")


def _since(rng: random.Random, span: _Span) -> Period:
    of = rng.choice(span.years[1:] or span.years)
    if rng.random() < 0.35:
        number = rng.randint(1, 12)
        some = (f"since {_MONTHS[number]} {of}", f"from {_MONTHS[number]} {of} on")
        return Period(_window(dt.date(of, number, 1), None), some, (), "since")
    phrases = (
        f"since {of}",
        f"since the beginning of {of}",
        f"from {of} on",
        f"from {of} onwards",
        f"after {of - 1}",
        f"since the start of {of}",
    )
    return Period(_window(dt.date(of, 1, 1), None), phrases, (), "since")


def draw_pair(rng: random.Random, first: dt.date, last: dt.date) -> tuple[Period, Period, str]:
    """Two different periods of one grain, the earlier first, and the grain."""
    years = range(first.year, last.year + 1)
    grain = rng.choices(("year", "quarter", "month"), weights=(70, 15, 15))[0]
    if len(years) < 2:
        grain = "month"
    if grain == "year":
        later = rng.choice(years[1:])
        earlier = later - 1 if rng.random() < 0.75 else rng.choice([y for y in years if y < later])
        return year(earlier), year(later), "year"
    of = rng.choice(years)
    if grain == "quarter":
        low, high = sorted(rng.sample(range(1, 5), 2))
        return quarter(low, of), quarter(high, of), "quarter"
    low, high = sorted(rng.sample(range(1, 13), 2))
    return month(low, of), month(high, of), "month"


def _relative(rng: random.Random, span: _Span) -> Period:
    today = span.today
    kind = rng.choice(("named", "named", "named", "months", "days", "years"))
    if kind == "named":
        window, phrases, bare = rng.choices(_named(today), weights=(3, 1, 3, 2, 2, 2, 2))[0]
        return Period(window, phrases, bare, "relative")
    if kind == "years":
        count = rng.choice((2, 3))
        start = dt.date(today.year - count + 1, 1, 1)
    elif kind == "months":
        count = rng.choice((3, 6, 12))
        start = _add_months(today + dt.timedelta(days=1), -count)
    else:
        count = rng.choice((7, 14, 30, 60, 90))
        start = today - dt.timedelta(days=count)
    word = _NUMBERS.get(count, str(count))
    phrases = (
        f"in the last {count} {kind}",
        f"over the past {count} {kind}",
        f"in the past {word} {kind}",
        f"in the last {word} {kind}",
    )
    return Period(_window(start, None), phrases, (), "relative")


def _named(today: dt.date) -> tuple[tuple[TimeWindow, tuple[str, ...], tuple[str, ...]], ...]:
    """(window, phrases, bare names) of the periods that have a name of their own."""
    month_start = today.replace(day=1)
    quarter_start = dt.date(today.year, 3 * ((today.month - 1) // 3) + 1, 1)
    last_year = ("last year", "in the previous year", "in the last calendar year", "over the last calendar year")
    this_year = ("this year", "year to date", "so far this year", "in the current year", "ytd")
    return (
        (year(today.year - 1).window, last_year, ("last year",)),
        (year(today.year - 2).window, ("two years ago", "in the year before last"), ()),
        (year(today.year).window, this_year, ("this year",)),
        (_window(_add_months(today, -1), month_start), ("last month", "in the previous month"), ("last month",)),
        (_window(month_start, _add_months(today, 1)), ("this month", "in the current month", "month to date"), ()),
        (_window(_add_months(quarter_start, -3), quarter_start), ("last quarter", "in the previous quarter"), ()),
        (_window(quarter_start, _add_months(quarter_start, 3)), ("this quarter", "in the current quarter"), ()),
    )


_KINDS: dict[str, tuple[float, Callable[[random.Random, _Span], Period]]] = {
    "year": (40, lambda rng, span: year(rng.choice(span.years))),
    "quarter": (11, lambda rng, span: quarter(rng.randint(1, 4), rng.choice(span.years))),
    "month": (12, lambda rng, span: month(rng.randint(1, 12), rng.choice(span.years))),
    "relative": (16, _relative),
    "half": (3, _half),
    "since": (4, _since),
    "before": (3, _before),
    "years": (4, _years),
    "months": (3, _months),
    "days": (2, _days),
    "day": (2, _one_day),
}
