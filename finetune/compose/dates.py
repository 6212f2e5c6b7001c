"""Conditions on a date of the rows themselves: hired after a day, due before a month, shipped between two days."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

from finetune.compose.compositions import Composer, Draw
from finetune.pairs.pair import Parameter
from finetune.phrasing.vocabulary import with_article, words_of
from memory.compiler import Filter
from memory.semantics import Entity

__all__ = ["by_date", "day_surface"]

_VERBS = {
    "hire date": "hired",
    "birth date": "born",
    "order date": "placed",
    "shipped date": "shipped",
    "required date": "required",
}
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Span:
    """A day, month or year that is named: its first day, the day after its last, and what it is called."""

    kind: str
    start: dt.date
    end: dt.date
    said: str


@dataclass(frozen=True, slots=True)
class _Test:
    """Filters (half-open), the phrases after the verb, and (surface, value) of the dates named."""

    filters: tuple[Filter, ...]
    phrases: tuple[str, ...]
    named: tuple[tuple[str, str], ...]


def by_date(composer: Composer, rng: random.Random, draw: Draw, entity: Entity) -> bool:
    """A test on one of the entity's own dates; False when it has none that is free."""
    used = {f.field for f in draw.filters}
    columns = [c for c in composer.date_columns(entity.table) if c not in used]
    if not columns:
        return False
    column = rng.choice(columns)
    days = sorted({dt.date.fromisoformat(str(v)[:10]) for v in composer.world.values(column)})
    if len(days) < 3:
        return False
    noun = composer.words.column_nouns(column)[0]
    said = words_of(column.rpartition(".")[2])
    # "returned_on" and "created_at" hold the verb themselves.
    verb = said.removesuffix(" on").removesuffix(" at")
    verb = _VERBS.get(said) or (verb if verb != said else f"with {with_article(noun)}")
    verbs = tuple(composer.words.column(column).get("verbs", ())) or (verb,)
    # Away from the ends, so that there are rows on both sides.
    span = _span(rng, days[int(len(days) * rng.uniform(0.1, 0.9))])
    found = _test(rng, column, span, days)
    draw.filters += found.filters
    draw.where.append(tuple(f"{v} {p}" for v in verbs for p in found.phrases))
    for surface, value in found.named:
        draw.parameters.append(Parameter(f"date_{len(draw.parameters) + 1}", surface, value, column))
    return True


def day_surface(rng: random.Random, day: dt.date) -> str:
    """A day as people write it; never only in figures but for the ISO form, which alone is not ambiguous."""
    number, ordinal = day.day, _ordinal(day.day)
    return rng.choice(
        (
            f"{number} {day:%B} {day.year}",
            f"{number} {day:%B} {day.year}",
            f"{day:%B} {number}, {day.year}",
            f"{day:%B} {number} {day.year}",
            f"{number} {day:%b} {day.year}",
            f"{day:%b} {number}, {day.year}",
            f"the {number}{ordinal} of {day:%B} {day.year}",
            f"{day:%B} {number}{ordinal}, {day.year}",
            day.isoformat(),
            day.isoformat(),
        )
    )


def _ordinal(number: int) -> str:
    return "th" if 11 <= number <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _span(rng: random.Random, day: dt.date) -> _Span:
    kind = rng.choices(("year", "month", "day"), weights=(4, 3, 6))[0]
    if kind == "year":
        return _Span(kind, dt.date(day.year, 1, 1), dt.date(day.year + 1, 1, 1), str(day.year))
    if kind == "month":
        start = day.replace(day=1)
        said = rng.choice((f"{day:%B} {day.year}", f"{day:%b} {day.year}", f"{day:%B} of {day.year}"))
        return _Span(kind, start, (start + 31 * _DAY).replace(day=1), said)
    if rng.random() < 0.4:  # people like the first of a month
        day = day.replace(day=1)
    return _Span(kind, day, day + _DAY, day_surface(rng, day))


def _test(rng: random.Random, column: str, span: _Span, days: list[dt.date]) -> _Test:
    kind = rng.choices(("in", "open", "between"), weights=(3, 12, 3))[0]
    later = [d for d in days if d >= span.end]
    if kind == "between" and later and span.kind != "month":
        return _between(rng, column, span, rng.choice(later))
    if kind == "open":
        return _open(rng, column, span)
    phrases = (f"on {span.said}",) if span.kind == "day" else (f"in {span.said}", f"during {span.said}")
    first, after = span.start.isoformat(), span.end.isoformat()
    return _Test((Filter(column, ">=", (first,)), Filter(column, "<", (after,))), phrases, ((span.said, first),))


def _open(rng: random.Random, column: str, span: _Span) -> _Test:
    """A test with one side open."""
    said, day = span.said, span.kind == "day"
    first, after = span.start.isoformat(), span.end.isoformat()
    kind = rng.choices(("before", "after", "since", "until"), weights=(4, 4, 3, 1.5))[0]
    if kind == "before":
        found, phrases = Filter(column, "<", (first,)), (f"before {said}", f"before {said}", f"earlier than {said}")
    elif kind == "after":
        # "After a day" is said of the day itself; after a month or a year begins with the next.
        found = Filter(column, ">", (first,)) if day else Filter(column, ">=", (after,))
        phrases = (f"after {said}", f"after {said}", f"later than {said}")
    elif kind == "since":
        found = Filter(column, ">=", (first,))
        phrases = (f"since {said}", f"from {said} on", f"on or after {said}" if day else f"from {said} onwards")
    else:
        found = Filter(column, "<", (after,))
        phrases = (f"up to the end of {said}", f"until the end of {said}", f"no later than {said}")
        if day:
            phrases = (f"on or before {said}", f"up to {said}", f"no later than {said}")
    return _Test((found,), phrases, ((said, str(found.values[0])),))


def _between(rng: random.Random, column: str, span: _Span, last: dt.date) -> _Test:
    """From one day to another, or from one year to another, both ends meant."""
    if span.kind == "year":
        beyond, named = dt.date(last.year + 1, 1, 1).isoformat(), str(last.year)
    else:
        beyond = (last + _DAY).isoformat()
        named = last.isoformat() if span.said == span.start.isoformat() else f"{last.day} {last:%B} {last.year}"
    said, first = span.said, span.start.isoformat()
    phrases = (f"between {said} and {named}", f"from {said} to {named}", f"between {said} and {named}")
    tests = (Filter(column, ">=", (first,)), Filter(column, "<", (beyond,)))
    return _Test(tests, phrases, ((said, first), (named, beyond)))
