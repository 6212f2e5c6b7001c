"""Result values in the form in which they are compared: one number however it is printed, one date likewise.

Drivers disagree about types (a money sum is a float on SQLite, a decimal string elsewhere; a date is text or a
date), and two right statements may differ by a rounding. What counts as the same value is decided here and nowhere
else; `finetune.evaluation.matching` decides which columns and rows are compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from sys import float_info
from typing import Any

from agent.run import Result

__all__ = [
    "IDENTIFIERS",
    "PERIODS",
    "RELATIVE_TOLERANCE",
    "ROUNDING_TOLERANCE",
    "Column",
    "ComparedCell",
    "Number",
    "cells_close",
    "columns_close",
    "columns_of",
    "exact_part",
    "tolerance_between",
]

RELATIVE_TOLERANCE = 1e-6
ROUNDING_TOLERANCE = 0.005
_SLACK = 1e-9
"""Half a cent is not exact in binary: 2.675 - 2.67 must still count as within 0.005."""
_NUMBER = re.compile(r"[+-]?(?:(?:0?\d|[1-9]\d{1,60})(?:\.\d{0,60})?|\.\d{1,60})(?:[eE][+-]\d{1,4})?", re.ASCII)
"""Numbers as databases print them. "01730" and "12E4" are codes, not numbers; "07" is a month."""
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?(?:Z|\+00(?::?00)?)?", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d+))?(?:Z|\+00(?::?00)?)?", re.ASCII)
_DATE_LIKE = re.compile(r"\d{4}-\d{2}(-\d{2}.*)?", re.ASCII)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
IDENTIFIERS = frozenset({"id", "key", "code"})
PERIODS = frozenset({"year", "quarter", "month", "week", "weekday", "day", "date", "hour", "period", "rank"})
_AGGREGATES = frozenset({"avg", "average", "count", "max", "min", "mean", "number", "of", "per", "sum", "total"})


@dataclass(frozen=True, slots=True)
class Number:
    """One number, with what is known of how it was written."""

    value: float
    whole: int | None
    """The exact integer, when the cell was one: integers are compared exactly, however large."""
    decimals: bool
    """Written with a decimal point, so it may have been rounded."""


ComparedCell = Number | str | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result, top to bottom."""

    name: str
    cells: tuple[ComparedCell, ...]
    rounded: bool
    """Every number has at most two decimals, and not all are whole integers or zeros."""

    @property
    def is_text(self) -> bool:
        """Some cell is neither a number nor a date."""
        return any(isinstance(cell, str) and not _DATE_LIKE.fullmatch(cell) for cell in self.cells)

    @property
    def is_null(self) -> bool:
        """There is nothing in it."""
        return all(cell is None for cell in self.cells)

    def is_called(self, last_words: frozenset[str]) -> bool:
        """The name ends in one of the words ("OrderID", "order_id") and is not that of an aggregate ("max_id")."""
        words = [word.lower() for word in _WORD.findall(self.name)]
        return bool(words) and words[-1] in last_words and _AGGREGATES.isdisjoint(words)


def columns_of(result: Result) -> list[Column]:
    """The result's columns in compared form, left to right."""
    columns = []
    for index, name in enumerate(result.columns):
        cells = tuple(_cell(row[index]) for row in result.rows)
        columns.append(Column(name, cells, _was_rounded(cells)))
    return columns


def _cell(value: Any) -> ComparedCell:
    """One value in the form in which it is compared."""
    if value is None:
        return None
    if isinstance(value, bool | int):
        return Number(_float(int(value)), int(value), False)
    if isinstance(value, float | Decimal):
        number = float(value)
        return Number(number, None, True) if isfinite(number) else str(number).lower()
    if isinstance(value, datetime | date):
        value = value.isoformat()
    return _text(str(value))


def _text(text: str) -> ComparedCell:
    text = text.rstrip(" ")  # CHAR(n) pads
    if _NUMBER.fullmatch(text):
        if _WHOLE.fullmatch(text):
            return Number(_float(int(text)), int(text), False)
        number = float(text)
        return Number(number, None, True) if isfinite(number) else text
    if midnight := _MIDNIGHT.fullmatch(text):
        return midnight[1]
    if moment := _MOMENT.fullmatch(text):
        fraction = (moment[3] or "").rstrip("0")
        return f"{moment[1]}T{moment[2]}{'.' + fraction if fraction else ''}"
    return text.lower() if text.lower() in {"nan", "inf", "-inf", "infinity", "-infinity"} else text


def _float(whole: int) -> float:
    try:
        return float(whole)
    except OverflowError:
        return float_info.max if whole > 0 else -float_info.max


def _was_rounded(cells: Sequence[ComparedCell]) -> bool:
    numbers = [cell for cell in cells if isinstance(cell, Number)]
    return (
        all(abs(number.value - round(number.value, 2)) < _SLACK for number in numbers)
        and any(number.decimals for number in numbers)
        and any(number.value for number in numbers)
    )


def _numbers_close(a: Number, b: Number, tolerance: float) -> bool:
    if a.whole is not None and b.whole is not None:
        return a.whole == b.whole
    allowed = max(RELATIVE_TOLERANCE * max(abs(a.value), abs(b.value)), tolerance)
    return abs(a.value - b.value) <= allowed


def tolerance_between(a: Column, b: Column) -> float:
    """Absolute tolerance between two columns: half a cent, if exactly one of them was rounded to cents."""
    return ROUNDING_TOLERANCE + _SLACK if a.rounded != b.rounded else 0.0


def cells_close(a: ComparedCell, b: ComparedCell, tolerance: float) -> bool:
    """The same value: numbers within 1e-6 of the larger or within `tolerance`, everything else identical."""
    if isinstance(a, Number) and isinstance(b, Number):
        return _numbers_close(a, b, tolerance)
    return exact_part(a) == exact_part(b)


def columns_close(a: Column, b: Column) -> bool:
    """The same multiset of values, taken for themselves."""
    if Counter(map(exact_part, a.cells)) != Counter(map(exact_part, b.cells)):
        return False
    tolerance = tolerance_between(a, b)
    ours, theirs = (sorted((c for c in side.cells if isinstance(c, Number)), key=_by_value) for side in (a, b))
    return all(_numbers_close(x, y, tolerance) for x, y in zip(ours, theirs, strict=True))


def exact_part(cell: ComparedCell) -> tuple[str, str]:
    """The part of a cell that must be identical: all of it, but for a number only that it is one."""
    if isinstance(cell, Number):
        return ("number", "")
    return ("null", "") if cell is None else ("text", cell)


def _by_value(number: Number) -> float:
    return number.value
