"""What is hashed and signed: one byte string per value, the same on every machine and in every language.

Two programs that disagree on a space or on the order of keys disagree on the hash, so every record is put into
the JSON Canonicalization Scheme (RFC 8785) first. That scheme writes numbers as IEEE 754 doubles; whatever a
double cannot hold exactly (decimals, integers of 2^53 and more, NaN, infinities) is written as a string.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
import uuid
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum

import rfc8785

from audit.errors import SealError

__all__ = [
    "MAX_DEPTH",
    "Json",
    "canonical_bytes",
    "canonical_value",
    "digest",
    "genesis_hash",
    "is_canonical",
    "leaf_hash",
]

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MAX_DEPTH = 64
"""Deepest nesting a record may have; keeps every reader's recursion bounded."""

_FIRST_UNSAFE_INTEGER = 2**53
_LEAF_PREFIX = b"\x00"

# Python's own encoder, in C, writes the same bytes as RFC 8785 but for the numbers and characters below.
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)
_OTHER_NUMBERS = re.compile(rb"[:,\[]-?(?:[0-9]+(?:\.[0-9]+)?e|[0-9]+\.0[,\]}]|[0-9]{16})")
"""Numbers with an exponent or a trailing zero, which ECMAScript writes otherwise, and integers beyond a double."""
_BEYOND_BMP = re.compile(rb"[\xf0-\xf7]")
"""Characters whose UTF-16 order, which keys are sorted by, is not that of their code points."""


def canonical_bytes(value: object, *, depth: int = 0) -> bytes:
    """The RFC 8785 bytes of `value`, which is to stand `depth` levels deep.

    Accepts None, bool, int, float, str, Decimal, dates and times, UUID, enums of those, and lists, tuples and
    string-keyed mappings of them. Applying it to what `json.loads` reads from its own output changes nothing.
    A lone surrogate (an undecodable byte of a command line) is written as its escape, `\\udcff`.

    Raises:
        SealError: a type without a canonical form, a key that is no string, or nesting beyond `MAX_DEPTH`.
    """
    plain = _plain(value, depth)
    return _quickly(plain) or rfc8785.dumps(plain)


def canonical_value(value: object, *, depth: int = 0) -> tuple[bytes, object]:
    """The RFC 8785 bytes of `value`, and what is read from them; takes and raises what `canonical_bytes` does."""
    quick = _quickly(value)
    if quick is not None and depth + quick.count(b"{") + quick.count(b"[") <= MAX_DEPTH:
        # What was a JSON value comes back as it was; a key that is no string, a tuple, an enum does not.
        read = json.loads(quick)
        if read == value:
            return quick, read
    written = canonical_bytes(value, depth=depth)
    return written, json.loads(written)


def is_canonical(data: bytes, value: object) -> bool:
    """Whether `data` are the canonical bytes of `value`, which was read from them.

    Raises:
        SealError: as `canonical_bytes`.
    """
    if data.count(b"{") + data.count(b"[") <= MAX_DEPTH:  # else its depth must be looked at
        quick = _quickly(value)
        if quick is not None:
            return quick == data
    return canonical_bytes(value) == data


def digest(data: bytes) -> str:
    """SHA-256 (FIPS 180-4) of `data`, in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def leaf_hash(payload: bytes) -> str:
    """A record's hash: SHA-256 over a zero byte and its bytes, the leaf hash of RFC 9162, section 2.1.1.

    Being leaves already, records can be given a Merkle tree without a byte of them changing.
    """
    return digest(_LEAF_PREFIX + payload)


def genesis_hash(workspace: str) -> str:
    """What the first record of a workspace names as the one before it; ties the chain to that workspace."""
    return digest(canonical_bytes({"purpose": "affidavit.genesis/1", "workspace": workspace}))


def _quickly(value: object) -> bytes | None:
    """The canonical bytes of a JSON value, or None where only the slow way is sure to find them."""
    if not isinstance(value, dict | list | str):  # numbers are looked for behind what stands before them
        return None
    try:
        written = _ENCODER.encode(value).encode()
    except (TypeError, ValueError, RecursionError):  # not JSON, a lone surrogate, no number
        return None
    if _OTHER_NUMBERS.search(written) or not (written.isascii() or _BEYOND_BMP.search(written) is None):
        return None
    return written


def _plain(value: object, depth: int) -> Json:
    if depth > MAX_DEPTH:
        raise SealError(f"A record may be nested {MAX_DEPTH} levels deep at most.")
    if type(value) is str and value.isascii():  # most of what there is
        return value
    plain: Json
    if isinstance(value, Enum):
        plain = _plain(value.value, depth)
    elif value is None or isinstance(value, bool):
        plain = value
    elif isinstance(value, str):
        plain = _well_formed(value)
    elif isinstance(value, int | float | Decimal):
        plain = _number(value)
    elif isinstance(value, dt.date | dt.time):
        plain = value.isoformat()
    elif isinstance(value, uuid.UUID):
        plain = str(value)
    elif isinstance(value, Mapping):
        plain = _object(value, depth)
    elif isinstance(value, list | tuple):
        plain = [_plain(item, depth + 1) for item in value]
    else:
        raise SealError(f"A value of type {type(value).__name__} cannot go on the record.")
    return plain


def _number(value: int | float | Decimal) -> Json:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, int):
        return int(value) if abs(value) < _FIRST_UNSAFE_INTEGER else str(int(value))
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    # A double beyond 2^53 would be written without a point and read back as an integer that JCS refuses.
    if abs(value) >= _FIRST_UNSAFE_INTEGER:
        return repr(float(value))
    return int(value) if value.is_integer() else float(value)


def _object(value: Mapping[object, object], depth: int) -> Json:
    plain: dict[str, Json] = {}
    for key, item in value.items():
        name = key if type(key) is str and key.isascii() else _key(key)
        if name in plain:
            raise SealError(f"Two keys of one object have the same canonical form, {name!r}.")
        plain[name] = _plain(item, depth + 1)
    return plain


def _key(key: object) -> str:
    name = key.value if isinstance(key, Enum) else key
    if not isinstance(name, str):
        raise SealError(f"A key on the record must be a string, not {name!r}.")
    return _well_formed(name)


def _well_formed(text: str) -> str:
    return str.__str__(text).encode("utf-8", "backslashreplace").decode("utf-8")
