"""Makes the cells of a result safe for JSON and gives a result its fingerprint.

Every driver has its own idea of a number and a date; drafts can only vote, and answers can only be compared
later, when equal results look equal whatever engine gave them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from agent.run import Cell

__all__ = ["cell_bytes", "number_in", "result_fingerprint", "to_rows"]

_SIGNIFICANT_DIGITS = 9
"""Sums of floats differ in the last digits with the order of rows; nine digits are above that noise."""
_EXACT_INTEGER = 2**53
_DECIMAL_TEXT = re.compile(r"-?\d+\.\d+", re.ASCII)


def to_rows(raw: Sequence[Sequence[Any]]) -> tuple[tuple[Cell, ...], ...]:
    """Rows of driver values as rows of JSON-safe cells, with one type for all numbers of a column.

    A decimal without fraction digits is an int, another one a float, unless some decimal of its column does not print
    back from a float: then every number of that column is decimal text, so no digit is ever lost. NaN and infinities
    become None; dates are ISO 8601; bytes hex.
    """
    exact = {
        index
        for row in raw
        for index, value in enumerate(row)
        if isinstance(value, Decimal) and not _survives_a_float(value)
    }
    return tuple(tuple(_cell(value, exact=index in exact) for index, value in enumerate(row)) for row in raw)


def number_in(cell: Cell) -> float | None:
    """The number in a cell, one given as decimal text included; None for anything else, booleans too."""
    if isinstance(cell, str):
        return float(cell) if _DECIMAL_TEXT.fullmatch(cell) else None
    return None if cell is None or isinstance(cell, bool) else float(cell)


def cell_bytes(value: Any) -> int:
    """About how many bytes a driver value takes when shown: what the byte cap counts."""
    cell = _cell(value, exact=isinstance(value, Decimal))
    return len(cell.encode("utf-8", "surrogatepass")) if isinstance(cell, str) else 8


def result_fingerprint(raw: Sequence[Sequence[Any]]) -> str:
    """Sha256 (hex) over the sorted canonical rows of driver values: independent of row order and of column names.

    Floats and decimals with a fraction count to nine significant digits, and a whole one equals the integer, so 830,
    830.00 and 829.9999999999 are one value; column order still matters.
    """
    canonical = sorted(json.dumps([_canonical(value) for value in row], ensure_ascii=True) for row in raw)
    seal = hashlib.sha256()
    for row in canonical:
        seal.update(row.encode("ascii"))
        seal.update(b"\n")
    return seal.hexdigest()


def _cell(value: Any, *, exact: bool) -> Cell:
    """One value as a cell; `exact` gives a number as text with all its digits."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | Decimal):
        return _number_cell(value, exact=exact)
    return _text_cell(value)


def _number_cell(value: float | Decimal, *, exact: bool) -> Cell:
    if isinstance(value, Decimal):
        if not value.is_finite():
            return None
        if exact:
            return f"{value:f}"
        return int(value) if _is_whole(value) else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return repr(value) if exact else value


def _is_whole(value: Decimal) -> bool:
    """Whether it was written without fraction digits; 3.00 was not."""
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= 0


def _survives_a_float(value: Decimal) -> bool:
    if not value.is_finite() or _is_whole(value):
        return True
    return Decimal(repr(float(value))) == value


def _text_cell(value: Any) -> str:
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=str, ensure_ascii=False, sort_keys=isinstance(value, dict))
    return str(value)


def _canonical(value: Any) -> list[str] | None:
    cell = _cell(value, exact=False)
    if cell is None:
        return None
    if isinstance(cell, bool):
        return ["n", str(int(cell))]
    if isinstance(cell, int):
        return ["n", str(cell)]
    if isinstance(cell, float):
        rounded = float(f"{cell:.{_SIGNIFICANT_DIGITS}g}")
        if rounded.is_integer() and abs(rounded) < _EXACT_INTEGER:
            return ["n", str(int(rounded))]
        return ["n", repr(rounded)]
    return ["s", cell]
