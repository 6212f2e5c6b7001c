"""Makes the cells of a result safe for JSON and gives a result its fingerprint.

Every driver has its own idea of a number and a date; drafts can only vote, and answers can only be compared
later, when equal results look equal whatever engine gave them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from agent.run import Cell

__all__ = ["cell_bytes", "result_fingerprint", "to_cell"]

_SIGNIFICANT_DIGITS = 9
"""Sums of floats differ in the last digits with the order of rows; nine digits are above that noise."""
_EXACT_INTEGER = 2**53


def to_cell(value: Any) -> Cell:
    """One driver value as a JSON-safe cell.

    Decimals become int when they have no fraction digits, float when the float prints back to the same decimal,
    and a string otherwise, so no digit is ever lost; NaN and infinities become None; dates are ISO 8601; bytes hex.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return _decimal_cell(value)
    return _text_cell(value)


def cell_bytes(cell: Cell) -> int:
    """About how many bytes a cell takes when shown: what the byte cap counts."""
    if isinstance(cell, str):
        return len(cell.encode("utf-8", "surrogatepass"))
    return 8


def result_fingerprint(rows: Sequence[Sequence[Cell]]) -> str:
    """Sha256 (hex) over the sorted canonical rows: independent of row order and of column names.

    Floats count to nine significant digits and a whole float equals the integer, so 830, 830.0 and
    829.9999999999 are one value; column order still matters.
    """
    canonical = sorted(json.dumps([_canonical(cell) for cell in row], ensure_ascii=True) for row in rows)
    seal = hashlib.sha256()
    for row in canonical:
        seal.update(row.encode("ascii"))
        seal.update(b"\n")
    return seal.hexdigest()


def _decimal_cell(value: Decimal) -> Cell:
    if not value.is_finite():
        return None
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= 0:
        return int(value)
    as_float = float(value)
    return as_float if Decimal(repr(as_float)) == value else str(value)


def _text_cell(value: Any) -> str:
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=str, ensure_ascii=False, sort_keys=isinstance(value, dict))
    return str(value)


def _canonical(cell: Cell) -> list[str] | None:
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
