"""Reads the header of a GGUF file: what it says it is, and the shape of each of its tensors.

A file that somebody hands in is looked at here before any C++ code is given it. Only the header is read, never a
weight. Source of the format: the GGUF specification, versions 2 and 3 (docs/gguf.md of ggml).
"""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.errors import ErrorClass, FailedError
from agent.model.store import check_gguf

__all__ = ["GgufHeader", "read_header"]

Scalar = str | int | float | bool

_SCALARS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""GGUF's type number → struct's letter; strings and arrays are read apart."""
_STRING: Final = 8
_ARRAY: Final = 9
_MAX_DIMENSIONS: Final = 4
_WEIGHT_BYTES: Final = {0: 4, 1: 2, 24: 1, 25: 2, 26: 4, 27: 8, 28: 8, 30: 2}
"""GGML's type number → bytes of one weight; of quantized ones, which lie in blocks, none is counted."""
_ALIGNMENT: Final = 32


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a file says of itself."""

    metadata: dict[str, Scalar]
    """Key → value; lists (a model's vocabulary) are left out."""
    shapes: dict[str, tuple[int, ...]]
    """Tensor → its dimensions, the contiguous one first."""
    least_bytes: int = 0
    """A file with all of its weights has at least so many."""


def read_header(path: Path) -> GgufHeader:
    """The header of the GGUF file at `path`; a few milliseconds for an adapter, some 0.1 s for a model's vocabulary.

    Raises:
        FailedError: unreadable (`model_missing`), or not a whole GGUF header (`model_corrupt`).
    """
    check_gguf(path)
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _header(_Reader(content))
    except OSError as error:
        raise FailedError(
            ErrorClass.MODEL_MISSING, f"Cannot read {path}: {error.strerror or error}.", "Check its permissions."
        ) from error
    except (struct.error, ValueError, IndexError) as error:
        raise FailedError(
            ErrorClass.MODEL_CORRUPT,
            f"{path} is not a whole GGUF file: its header cannot be read ({error}).",
            "Copy or convert it again.",
        ) from error


class _Reader:
    """A place in the file that moves on as values are read; struct.error says that the file ends too early."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._at = 8  # past the magic and the version

    @property
    def at(self) -> int:
        """Bytes read so far."""
        return self._at

    def number(self, letter: str) -> int | float | bool:
        value: int | float | bool = struct.unpack_from(f"<{letter}", self._content, self._at)[0]
        self._at += struct.calcsize(f"<{letter}")
        return value

    def count(self) -> int:
        return int(self.number("Q"))

    def text(self) -> str:
        start, length = self._at + 8, self.count()
        self._skip_to(start + length)
        return self._content[start : start + length].decode("utf-8", "replace")

    def skip_array(self) -> None:
        kind, count = int(self.number("I")), self.count()
        if kind == _STRING:
            for _ in range(count):
                length = self.count()
                self._skip_to(self._at + length)
        elif kind in _SCALARS:
            self._skip_to(self._at + count * struct.calcsize(f"<{_SCALARS[kind]}"))
        else:
            raise ValueError(f"a list of type {kind}")

    def _skip_to(self, place: int) -> None:
        if place > len(self._content):
            raise ValueError("a value is longer than the file")
        self._at = place


def _header(reader: _Reader) -> GgufHeader:
    tensors, keys = reader.count(), reader.count()
    metadata: dict[str, Scalar] = {}
    for _ in range(keys):
        key, kind = reader.text(), int(reader.number("I"))
        if kind == _ARRAY:
            reader.skip_array()
        elif kind == _STRING:
            metadata[key] = reader.text()
        elif kind in _SCALARS:
            metadata[key] = reader.number(_SCALARS[kind])
        else:
            raise ValueError(f"`{key[:80]}` is of type {kind}")
    shapes: dict[str, tuple[int, ...]] = {}
    last = 0
    for _ in range(tensors):
        name, shape, end = _tensor(reader)
        shapes[name] = shape
        last = max(last, end)
    alignment = max(1, int(metadata.get("general.alignment", _ALIGNMENT)))
    return GgufHeader(metadata, shapes, -(-reader.at // alignment) * alignment + last if shapes else reader.at)


def _tensor(reader: _Reader) -> tuple[str, tuple[int, ...], int]:
    """Name, dimensions, and where its weights end, counted from where weights begin."""
    name, dimensions = reader.text(), int(reader.number("I"))
    if dimensions > _MAX_DIMENSIONS:
        raise ValueError(f"`{name[:80]}` has {dimensions} dimensions")
    shape = tuple(reader.count() for _ in range(dimensions))
    kind, begin = int(reader.number("I")), reader.count()
    return name, shape, begin + _WEIGHT_BYTES.get(kind, 0) * math.prod(shape)
