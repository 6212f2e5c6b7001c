"""Periods as people say them and as half-open date ranges: years, quarters, months, and what is relative to today."""

from __future__ import annotations

import calendar
import datetime as dt
import random
from dataclasses import dataclass

from memory.compiler import TimeWindow

__all__ = ["Period", "draw_pair", "draw_period"]

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
    phrases = tuple(f"in {b}" for b in bare) + (f"for Q{number} {of}", f"during Q{number} {of}", f"in q{number} {of}")
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


def draw_period(rng: random.Random, first: dt.date, last: dt.date, today: dt.date) -> Period:
    """A period inside the warehouse's days, of a kind drawn by how often people ask for it."""
    kinds = ("year", "quarter", "month", "relative", "half", "since", "before", "years", "months", "days", "day")
    kind = rng.choices(kinds, weights=(40, 11, 12, 16, 3, 4, 3, 4, 3, 2, 2))[0]
    years = range(first.year, last.year + 1)
    of = rng.choice(years)
    if kind == "year":
        return year(of)
    if kind == "quarter":
        return quarter(rng.randint(1, 4), of)
    if kind == "month":
        return month(rng.randint(1, 12), of)
    if kind == "relative":
        return _relative(rng, today)
    if kind == "half":
        half = rng.choice((1, 2))
        start = dt.date(of, 6 * half - 5, 1)
        word = "first" if half == 1 else "second"
        phrases = (
            f"in the {word} half of {of}",
            f"in H{half} {of}",
            f"during the {word} half of {of}",
            f"in the {word} six months of {of}" if half == 1 else f"in the last six months of {of}",
        )
        return Period(_window(start, _add_months(start, 6)), phrases, (), "half")
    if kind in ("since", "before"):
        return _open(rng, kind, years)
    if kind == "years" and len(years) > 2:
        low = rng.choice(years[:-1])
        high = rng.choice([y for y in years if y > low])
        phrases = (
            f"between {low} and {high}",
            f"from {low} to {high}",
            f"from {low} through {high}",
            f"in the years {low} to {high}",
        )
        return Period(_window(dt.date(low, 1, 1), dt.date(high + 1, 1, 1)), phrases, (), "years")
    if kind == "months":
        low, high = sorted(rng.sample(range(1, 13), 2))
        phrases = (
            f"from {_MONTHS[low]} to {_MONTHS[high]} {of}",
            f"between {_MONTHS[low]} and {_MONTHS[high]} {of}",
            f"from {_SHORT[low]} to {_SHORT[high]} {of}",
        )
        return Period(_window(dt.date(of, low, 1), _add_months(dt.date(of, high, 1), 1)), phrases, (), "months")
    day = first + dt.timedelta(days=rng.randrange((last - first).days + 1))
    if kind == "days":
        end = min(day + dt.timedelta(days=rng.choice((9, 19, 30, 45))), last)
        phrases = (f"between {day} and {end}", f"from {day} to {end}")
        return Period(_window(day, end + dt.timedelta(days=1)), phrases, (), "days")
    if kind == "day":
        phrases = (
            f"on {day}",
            f"on {_MONTHS[day.month]} {day.day}, {day.year}",
            f"on {day.day} {_MONTHS[day.month]} {day.year}",
        )
        return Period(_window(day, day + dt.timedelta(days=1)), phrases, (), "day")
    return year(of)


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


def _open(rng: random.Random, kind: str, years: range) -> Period:
    of = rng.choice(years[1:] or years)
    if kind == "before":
        phrases = (f"before {of}", f"until the end of {of - 1}", f"up to the end of {of - 1}", f"prior to {of}")
        return Period(_window(None, dt.date(of, 1, 1)), phrases, (), "before")
    if rng.random() < 0.35:
        number = rng.randint(1, 12)
        phrases = (f"since {_MONTHS[number]} {of}", f"from {_MONTHS[number]} {of} on")
        return Period(_window(dt.date(of, number, 1), None), phrases, (), "since")
    phrases = (
        f"since {of}",
        f"since the beginning of {of}",
        f"from {of} on",
        f"from {of} onwards",
        f"after {of - 1}",
        f"since the start of {of}",
    )
    return Period(_window(dt.date(of, 1, 1), None), phrases, (), "since")


def _relative(rng: random.Random, today: dt.date) -> Period:
    this_month = today.replace(day=1)
    quarter_start = dt.date(today.year, 3 * ((today.month - 1) // 3) + 1, 1)
    kind = rng.choice(
        (
            "last year",
            "last year",
            "this year",
            "this year",
            "last month",
            "this month",
            "last quarter",
            "this quarter",
            "months",
            "days",
            "years",
            "two years ago",
        )
    )
    if kind == "last year":
        found = year(today.year - 1).window
        return Period(
            found,
            (
                "last year",
                "last year",
                "in the previous year",
                "in the last calendar year",
                "over the last calendar year",
            ),
            ("last year",),
            "relative",
        )
    if kind == "two years ago":
        return Period(year(today.year - 2).window, ("two years ago", "in the year before last"), (), "relative")
    if kind == "this year":
        found = year(today.year).window
        return Period(
            found,
            ("this year", "this year", "year to date", "so far this year", "in the current year", "ytd"),
            ("this year",),
            "relative",
        )
    if kind == "last month":
        return Period(
            _window(_add_months(today, -1), this_month),
            ("last month", "in the previous month"),
            ("last month",),
            "relative",
        )
    if kind == "this month":
        return Period(
            _window(this_month, _add_months(today, 1)),
            ("this month", "in the current month", "month to date"),
            (),
            "relative",
        )
    if kind == "last quarter":
        return Period(
            _window(_add_months(quarter_start, -3), quarter_start),
            ("last quarter", "in the previous quarter"),
            ("last quarter",),
            "relative",
        )
    if kind == "this quarter":
        return Period(
            _window(quarter_start, _add_months(quarter_start, 3)),
            ("this quarter", "in the current quarter"),
            ("this quarter",),
            "relative",
        )
    if kind == "years":
        count = rng.choice((2, 3))
        word = _NUMBERS[count]
        phrases = (f"in the last {word} years", f"over the past {count} years", f"in the past {word} years")
        return Period(_window(dt.date(today.year - count + 1, 1, 1), None), phrases, (), "relative")
    if kind == "months":
        count = rng.choice((3, 6, 12))
        start = _add_months(today + dt.timedelta(days=1), -count)
        phrases = (
            f"in the last {count} months",
            f"over the past {count} months",
            f"in the past {_NUMBERS[count]} months",
        )
        return Period(_window(start, None), phrases, (), "relative")
    count = rng.choice((7, 14, 30, 60, 90))
    phrases = (f"in the last {count} days", f"over the past {count} days", f"in the past {count} days")
    return Period(_window(today - dt.timedelta(days=count), None), phrases, (), "relative")
