"""Which days a question means by "Q4 2024", "last year", "since March 2022" or "from Jan to Mar 2023".

A small model miscounts days where a calendar does not, so periods are resolved before it is asked, against the
workspace's own "today". Every period is a half-open range of ISO dates, open-ended where the question is. What is not
understood is left out: no period is better than a wrong one.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["PeriodMention", "find_periods"]

_MONTHS = {
    **{name.lower(): number for number, name in enumerate(calendar.month_name) if name},
    **{name.lower(): number for number, name in enumerate(calendar.month_abbr) if name},
    "sept": 9,
}
_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "last": 4}
_STRESS = re.compile(r"^(?:the )?(?:full|whole|entire|complete)(?: of)? |^all of | so far$", re.IGNORECASE)
"""What is said with a period and does not change it."""
_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12,
}  # fmt: skip

_YEAR = r"(?:(?<![\d,.$€£])(?:19[5-9]|20[0-4])\d(?![\d%]|[,.]\d))"
_MONTH = rf"(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?"
_DAY = r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?\b"
_ORDINAL = rf"(?:{'|'.join(_ORDINALS)})"
_NUMBER = rf"(?:\d{{1,3}}|{'|'.join(_NUMBERS)})"
_AN_AMOUNT = re.compile(
    r"(?:\b(?:than|above|under|below|least|most|exceed\w*|minimum of|maximum of|limit|top|id|number|no\.?|#)\s*)$"
)
_OF_SOMETHING = re.compile(r"\s*(?:usd|dollars?|euros?|eur|units?|items?|pieces|orders|products|customers|percent)\b")


@dataclass(frozen=True, slots=True)
class PeriodMention:
    """One period as it stands in a question."""

    surface: str
    """As written: `Q4 2024`, `last year`, `since March 2022`."""
    first: int
    last: int
    """Where it stands, in characters, half-open."""
    start: str
    """First day, ISO; empty for open."""
    end: str
    """The day after the last one, ISO; empty for open."""

    @property
    def name(self) -> str:
        """As written, without the words that only stress it: `2023` of `the whole of 2023`."""
        return _STRESS.sub("", self.surface)


@dataclass(frozen=True, slots=True)
class _Span:
    """A range of days that a stretch of the question names; `start` is None where only a name without a year stands."""

    first: int
    last: int
    start: dt.date | None
    end: dt.date | None
    part: tuple[str, int] = ("", 0)
    """("month", 3) or ("quarter", 1): what a year behind the next name would complete."""


def find_periods(question: str, today: dt.date) -> tuple[PeriodMention, ...]:
    """The periods a question names, in its order, none overlapping another.

    Args:
        question: as typed.
        today: what "last year" and the like are counted from.
    """
    text = question.casefold()
    if len(text) != len(question):  # a letter that folds to two would shift every place
        text = question.lower() if len(question.lower()) == len(question) else question
    spans = _joined(text, _spans(text, today))
    return tuple(
        PeriodMention(
            question[span.first : span.last],
            span.first,
            span.last,
            span.start.isoformat() if span.start else "",
            span.end.isoformat() if span.end else "",
        )
        for span in spans
        if span.start or span.end
    )


# -- single names -----------------------------------------------------------------------------------------------------


def _month_range(year: int, month: int, months: int = 1) -> tuple[dt.date, dt.date]:
    return dt.date(year, month, 1), _add_months(dt.date(year, month, 1), months)


def _add_months(day: dt.date, months: int) -> dt.date:
    index = day.year * 12 + day.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)


def _day_range(year: str, month: int, day: str) -> tuple[dt.date, dt.date]:
    start = dt.date(int(year), month, int(re.sub(r"\D", "", day)))
    return start, start + dt.timedelta(days=1)


def _named_month(name: str) -> int:
    return _MONTHS[name.rstrip(".")]


def _count(word: str) -> int:
    return _NUMBERS[word] if word in _NUMBERS else int(word)


def _half(number: int, year: str) -> tuple[dt.date, dt.date]:
    return _month_range(int(year), 6 * number - 5, 6)


def _quarter(number: int, year: str) -> tuple[dt.date, dt.date]:
    return _month_range(int(year), 3 * number - 2, 3)


def _edge_months(which: str, count: int, year: str) -> tuple[dt.date, dt.date]:
    return _month_range(int(year), 1 if which == "first" else 13 - count, count)


_Dates = tuple[dt.date, dt.date]
_ABSOLUTE: tuple[tuple[str, Callable[[re.Match[str]], _Dates]], ...] = (
    (r"\b(\d{4})-(\d\d)-(\d\d)\b", lambda m: _day_range(m[1], int(m[2]), m[3])),
    (rf"\b({_MONTH}) ({_DAY}),? ({_YEAR})", lambda m: _day_range(m[3], _named_month(m[1]), m[2])),
    (rf"\b(?:the )?({_DAY}) (?:of )?({_MONTH}),? ({_YEAR})", lambda m: _day_range(m[3], _named_month(m[2]), m[1])),
    (r"\b(\d{4})-(0[1-9]|1[0-2])\b(?!-)", lambda m: _month_range(int(m[1]), int(m[2]))),
    (rf"\b({_MONTH}),? (?:of |in )?({_YEAR})", lambda m: _month_range(int(m[2]), _named_month(m[1]))),
    (rf"\bq([1-4])(?: of | in |[ -]|/|)({_YEAR})", lambda m: _quarter(int(m[1]), m[2])),
    (rf"({_YEAR})[ -]?q([1-4])\b", lambda m: _quarter(int(m[2]), m[1])),
    (rf"\b(?:the )?({_ORDINAL}) quarter (?:of |in )?({_YEAR})", lambda m: _quarter(_ORDINALS[m[1]], m[2])),
    (rf"\bquarter ([1-4]) (?:of |in )?({_YEAR})", lambda m: _quarter(int(m[1]), m[2])),
    (rf"\bh([12])(?: of | in |[ -]|)({_YEAR})", lambda m: _half(int(m[1]), m[2])),
    (rf"({_YEAR})[ -]?h([12])\b", lambda m: _half(int(m[2]), m[1])),
    (
        rf"\b(?:the )?(first|1st|second|2nd|last) half (?:of |in )?({_YEAR})",
        lambda m: _half(1 if m[1] in ("first", "1st") else 2, m[2]),
    ),
    (
        rf"\b(?:the )?(first|last) ({_NUMBER}) months (?:of |in )?({_YEAR})",
        lambda m: _edge_months(m[1], _count(m[2]), m[3]),
    ),
    (
        rf"\b(?:(?:the )?(?:full|whole|entire|complete)(?: of)? |all of |the )?(?:calendar )?(?:year )?({_YEAR})",
        lambda m: (dt.date(int(m[1]), 1, 1), dt.date(int(m[1]) + 1, 1, 1)),
    ),
)
_ABSOLUTE_NAMES = tuple((re.compile(pattern), dates) for pattern, dates in _ABSOLUTE)


def _this(unit: str, today: dt.date, back: int = 0) -> _Dates:
    """The calendar unit today is in, or the one `back` units before it."""
    if unit == "year":
        return dt.date(today.year - back, 1, 1), dt.date(today.year - back + 1, 1, 1)
    if unit == "quarter":
        start = _add_months(dt.date(today.year, 3 * ((today.month - 1) // 3) + 1, 1), -3 * back)
        return start, _add_months(start, 3)
    if unit == "month":
        start = _add_months(today, -back)
        return start, _add_months(start, 1)
    if unit == "week":
        start = today - dt.timedelta(days=today.weekday() + 7 * back)
        return start, start + dt.timedelta(days=7)
    start = today - dt.timedelta(days=back)
    return start, start + dt.timedelta(days=1)


def _past(count: int, unit: str, today: dt.date) -> tuple[dt.date, None]:
    """The last so many units, today's among them, open at the end."""
    if unit == "year":
        return dt.date(today.year - count + 1, 1, 1), None
    if unit == "quarter":
        return _add_months(_this("quarter", today)[0], -3 * (count - 1)), None
    if unit == "month":
        return _add_months(today + dt.timedelta(days=1), -count), None
    return today - dt.timedelta(days=count * (7 if unit == "week" else 1)), None


_UNIT = r"(year|quarter|month|week|day)"
_PART = (
    rf"(?:q[1-4]|h[12]|(?:{_ORDINAL}) (?:quarter|half)|(?:first|last) {_NUMBER} months"
    rf"|{_MONTH} {_DAY}|{_DAY} (?:of )?{_MONTH}|{_MONTH})"
)


def _of_year(part: str, which: str, today: dt.date) -> _Dates:
    """ "December of last year": the part as it stands before the year's own number."""
    named = f"{part.removeprefix('the ')} {today.year - (which not in ('this', 'the current'))}"
    for pattern, dates in _ABSOLUTE_NAMES:
        match = pattern.fullmatch(named)
        if match:
            return dates(match)
    raise ValueError(named)


_RELATIVE: tuple[tuple[str, Callable[[re.Match[str], dt.date], tuple[dt.date, dt.date | None]]], ...] = (
    (
        rf"\b(?:the )?({_PART}),? (?:of |in )?(?:the )?(last|past|previous|this|the current) year\b",
        lambda m, today: _of_year(m[1], m[2], today),
    ),
    (
        rf"\b(?:last|past|previous|trailing|rolling) ({_NUMBER}) {_UNIT}s\b",
        lambda m, today: _past(_count(m[1]), m[2], today),
    ),
    (r"\b(?:the )?year before last\b", lambda _, today: _this("year", today, 2)),
    (rf"\b({_NUMBER}) {_UNIT}s? ago\b", lambda m, today: _this(m[2], today, _count(m[1]))),
    (
        rf"\b(?:the )?(?:last|previous|past) (?:calendar |full |complete |whole )?{_UNIT}\b",
        lambda m, today: _this(m[1], today, 1),
    ),
    (rf"\b(?:this|the current) (?:calendar )?{_UNIT}\b(?: so far)?", lambda m, today: _this(m[1], today)),
    (rf"\b{_UNIT} to date\b", lambda m, today: _this(m[1], today)),
    (r"\b(y|q|m)td\b", lambda m, today: _this({"y": "year", "q": "quarter", "m": "month"}[m[1]], today)),
    (r"\byesterday\b", lambda _, today: _this("day", today, 1)),
    (r"\btoday\b", lambda _, today: _this("day", today)),
)
_RELATIVE_NAMES = tuple((re.compile(pattern), dates) for pattern, dates in _RELATIVE)
_COMPARED = re.compile(r"\b(?:over|than|from|to|versus|vs\.?|with|against)(?: in)? (?=the (?:previous|last) \w+$)")
_BARE = re.compile(rf"\b(?:q([1-4])|({_MONTH}))(?=\s*(?:to|through|thru|and|until|till|[-–—]|,)\s*)")


def _spans(text: str, today: dt.date) -> list[_Span]:
    taken: list[_Span] = []

    def free(match: re.Match[str]) -> bool:
        return all(match.end() <= span.first or match.start() >= span.last for span in taken)

    for pattern, dates in _ABSOLUTE_NAMES:
        for match in pattern.finditer(text):
            if free(match) and not _is_amount(text, match):
                try:
                    taken.append(_Span(match.start(), match.end(), *dates(match)))
                except ValueError:  # 31 February
                    continue
    for pattern, relative in _RELATIVE_NAMES:
        named = [match for match in pattern.finditer(text) if free(match) and not _is_each_rows_own(text, match)]
        for match in named:
            try:
                taken.append(_Span(match.start(), match.end(), *relative(match, today)))
            except ValueError:  # 31 February
                continue
    for match in _BARE.finditer(text):
        if free(match):
            part = ("quarter", int(match[1])) if match[1] else ("month", _named_month(match[2]))
            taken.append(_Span(match.start(), match.end(), None, None, part))
    return sorted(taken, key=lambda span: span.first)


def _is_each_rows_own(text: str, match: re.Match[str]) -> bool:
    """Whether "the previous year" is the one before each row's, as in "growth over the previous year"."""
    return bool(_COMPARED.search(text[: match.end()]))


def _is_amount(text: str, match: re.Match[str]) -> bool:
    """Whether what looks like a year is a number of something: "more than 2000", "2000 units"."""
    if not match[0].isdigit():
        return False
    if re.search(r"\b(?:our|the|all|their|total) $", text[: match.start()]):  # "our 2023 orders"
        return False
    if text[: match.start()].endswith("over ") and int(match[0]) % 100 == 0:  # "over 2000", but "over 2021"
        return True
    return bool(_AN_AMOUNT.search(text[: match.start()]) or _OF_SOMETHING.match(text, match.end()))


# -- what stands before and between them ------------------------------------------------------------------------------

_TO = re.compile(r"\s*(?:to|through|thru|until|till|up to|[-–—])\s*(?:the end of )?")
_AND = re.compile(r"\s*(?:and|to|[-–—])\s*")
_EDGE = r"(?:the )?(?:very )?"
_PREFIXES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(rf"\b(?:since|starting|beginning)(?: (?:in|from|with))? (?:{_EDGE}(?:beginning|start) of )?$"),
        "since",
    ),
    (re.compile(r"\b(?:after|later than) (?:the end of )?$"), "after"),
    (re.compile(rf"\b(?:until|till|up to|through|by) {_EDGE}end of $"), "through"),
    (re.compile(r"\b(?:before|prior to|earlier than)(?: the (?:beginning|start) of)? $"), "before"),
    (re.compile(r"\b(?:until|till|up to) $"), "through"),
)
_FROM_ON = re.compile(r"\bfrom (?:the (?:beginning|start) of )?$")
_ONWARDS = re.compile(r"\s*(?:on|onwards?|forward|and later|or later)\b(?! (?:average|time))")


def _joined(text: str, spans: list[_Span]) -> list[_Span]:
    joined: list[_Span] = []
    place = 0
    while place < len(spans):
        span = spans[place]
        following = spans[place + 1] if place + 1 < len(spans) else None
        ranged = _ranged(text, span, following) if following else None
        if ranged is not None:
            joined.append(ranged)
            place += 2
            continue
        if span.start is not None:
            joined.append(_prefixed(text, span))
        elif following is not None and re.fullmatch(r" and ", text[span.last : following.first]):
            joined += _of_its_year(span, following)  # "Q1 and Q2 of 2023"
        place += 1
    return joined


def _of_its_year(span: _Span, following: _Span) -> list[_Span]:
    """A name without a year as one of the year that the next one has."""
    kind, number = span.part
    if following.start is None or following.end is None or (following.end - following.start).days > 92:
        return []
    months = 1 if kind == "month" else 3
    dates = _month_range(following.start.year, number if months == 1 else 3 * number - 2, months)
    return [_Span(span.first, span.last, *dates)] if dates[1] <= following.start else []


def _ranged(text: str, span: _Span, following: _Span) -> _Span | None:
    """`from A to B`, `between A and B`, `A to B`: one period from the first day of A to the last of B."""
    before, between = text[: span.first], text[span.last : following.first]
    opening = re.search(r"\b(between|from|years)(?: the (?:beginning|start) of)? $", before)
    if not (_AND if opening and opening[1] == "between" else _TO).fullmatch(between) or following.start is None:
        return None
    if opening is None and span.part[0] == "" and not re.fullmatch(r"\s*[-–—]\s*|\s*(?:through|thru)\s*", between):
        return None  # "compare 2022 to 2023" are two periods
    start = span.start
    if start is None:
        kind, number = span.part
        month = number if kind == "month" else 3 * number - 2
        start = dt.date(following.start.year, month, 1)
    if following.end is None or start >= following.end:
        return None
    return _Span(opening.start() if opening else span.first, following.last, start, following.end)


def _prefixed(text: str, span: _Span) -> _Span:
    before = text[: span.first]
    for pattern, meaning in _PREFIXES:
        match = pattern.search(before)
        if match is None:
            continue
        start, end = {
            "since": (span.start, None),
            "after": (span.end, None),
            "before": (None, span.start),
            "through": (None, span.end),
        }[meaning]
        return _Span(match.start(), span.last, start, end)
    opening, onwards = _FROM_ON.search(before), _ONWARDS.match(text, span.last)
    if onwards and (opening or onwards[0].strip() != "on"):
        return _Span(opening.start() if opening else span.first, onwards.end(), span.start, None)
    return span
