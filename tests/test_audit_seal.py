"""The bytes that are hashed: the same for equal values, different for different ones, and RFC 8785's."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import uuid
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import SealError
from audit.seal import MAX_DEPTH, canonical_bytes, canonical_value, digest, genesis_hash, is_canonical, leaf_hash

SAFE = 2**53 - 1
texts = st.text(st.characters(exclude_categories=("Cs",)))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | texts | st.floats(-1e15, 1e15, allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
any_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters())
    | st.floats()
    | st.decimals()
    | st.dates()
    | st.uuids(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=20,
)


class Colour(StrEnum):
    RED = "red"


@given(json_values)
def test_reading_the_bytes_gives_the_value_back(value: Any) -> None:
    assert json.loads(canonical_bytes(value)) == value


@given(any_values)
def test_canonical_form_is_a_fixed_point(value: Any) -> None:
    once = canonical_bytes(value)
    assert canonical_bytes(json.loads(once)) == once


@given(st.dictionaries(texts, json_values, min_size=2, max_size=6), st.randoms())
def test_the_order_of_keys_does_not_matter(value: dict[str, Any], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert canonical_bytes(dict(items)) == canonical_bytes(value)


@given(json_values, json_values)
def test_different_values_have_different_bytes(first: Any, second: Any) -> None:
    same = canonical_bytes(first) == canonical_bytes(second)
    assert same == (_comparable(first) == _comparable(second))


def test_the_example_of_rfc_8785() -> None:
    given_value = {
        "numbers": [333333333.33333329, 1e30 / 1e9, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    # 1e21 is beyond what a double keeps exactly; everything else is the RFC's own output (section 3.2.2).
    assert canonical_bytes(given_value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,"1e+21",4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_keys_are_sorted_by_utf_16_code_units() -> None:
    # RFC 8785, section 3.2.3: the emoji's surrogates sort before U+FB33.
    assert list(json.loads(canonical_bytes({"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3}))) == [
        "\u20ac",
        "\U0001f600",
        "\ufb33",
    ]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("12.30"), b'"12.30"'),
        (2**53, b'"9007199254740992"'),
        (-(2**53), b'"-9007199254740992"'),
        (SAFE, b"9007199254740991"),
        (math.nan, b'"NaN"'),
        (math.inf, b'"Infinity"'),
        (-math.inf, b'"-Infinity"'),
        (-0.0, b"0"),
        (1e16, b'"1e+16"'),
        (dt.date(2024, 2, 29), b'"2024-02-29"'),
        (uuid.UUID(int=0), b'"00000000-0000-0000-0000-000000000000"'),
        (Colour.RED, b'"red"'),
        ({Colour.RED: (1, 2)}, b'{"red":[1,2]}'),
        ("\udcff", b'"\\\\udcff"'),
    ],
)
def test_what_json_cannot_hold_becomes_text(value: Any, written: bytes) -> None:
    assert canonical_bytes(value) == written


@pytest.mark.parametrize("value", [b"bytes", {1: "a"}, {"a": object()}, {1, 2}, {"\udcff": 1, "\\udcff": 2}])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(SealError):
        canonical_bytes(value)


@given(any_values)
def test_the_quick_way_writes_what_the_standards_library_writes(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(json.loads(canonical_bytes(value)))


@given(json_values | st.floats(1e-9, 1e-3) | st.integers(10**15, SAFE) | st.sampled_from([1.0, -0.0, 1e-5, 2.5e-7]))
def test_only_canonical_bytes_are_taken_for_canonical(value: Any) -> None:
    spellings = {canonical_bytes(value)}
    for ascii_only, separators in ((True, (",", ":")), (False, (",", ":")), (False, (", ", ": "))):
        text = json.dumps(value, ensure_ascii=ascii_only, separators=separators, sort_keys=not ascii_only)
        spellings.add(text.encode())
    for spelling in spellings:
        read = json.loads(spelling)
        assert is_canonical(spelling, read) == (rfc8785.dumps(read) == spelling), spelling


def test_keys_beyond_the_basic_plane_and_deep_nesting_take_the_slow_way() -> None:
    for data in (b'{"\xef\xac\xb3":1,"\xf0\x9f\x98\x80":3}', b'{"\xf0\x9f\x98\x80":3,"\xef\xac\xb3":1}'):
        value = json.loads(data)
        assert is_canonical(data, value) == (rfc8785.dumps(value) == data)
    flat = json.dumps([[]] * 100, separators=(",", ":")).encode()
    assert is_canonical(flat, json.loads(flat))
    deep = b"[" * 70 + b"]" * 70
    with pytest.raises(SealError, match="levels"):
        is_canonical(deep, json.loads(deep))


def test_nesting_is_bounded() -> None:
    value: Any = 1
    for _ in range(MAX_DEPTH + 1):
        value = [value]
    with pytest.raises(SealError, match="levels"):
        canonical_bytes(value)


def test_hashes() -> None:
    assert digest(b"abc") == hashlib.sha256(b"abc").hexdigest()
    assert leaf_hash(b"abc") == hashlib.sha256(b"\x00abc").hexdigest()
    assert genesis_hash("a") != genesis_hash("b")


def _comparable(value: Any) -> Any:
    """Equality of JSON: 1 is 1.0, but True is not 1."""
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return (isinstance(value, bool), value)


class _Word(StrEnum):
    ONE = "one"


class _Number(IntEnum):
    THREE = 3


@pytest.mark.parametrize(
    "value",
    [
        {"plain": [1, 2.5, None, True, {"text": "déjà"}]},
        {"enum": _Word.ONE, "number": _Number.THREE},
        {_Word.ONE: 1},
        {"tuple": (1, 2)},
        {"whole": 1.0, "zero": -0.0, "large": 2**53, "tiny": 1e-9, "none": float("nan")},
        {"lone": "\udcff"},
        {"\U0001f600": 1, "\uffff": 2},
        {"decimal": Decimal("1.10"), "day": dt.date(2026, 1, 31)},
        {},
        [],
        "word",
    ],
)
def test_bytes_and_what_is_read_from_them_come_together(value: object) -> None:
    written, read = canonical_value(value)
    assert written == canonical_bytes(value)
    assert read == json.loads(written)


@pytest.mark.parametrize("value", [{1: "one"}, {"a": {True: 1}}, {None: 1}, {"a": object()}])
def test_what_has_no_canonical_form_has_none_either_way(value: object) -> None:
    with pytest.raises(SealError):
        canonical_value(value)


def test_depth_counts_from_where_the_value_is_to_stand() -> None:
    value: object = 0
    for _ in range(MAX_DEPTH):
        value = [value]
    assert canonical_value(value)[0] == canonical_bytes(value)
    with pytest.raises(SealError, match="levels deep"):
        canonical_value(value, depth=1)
