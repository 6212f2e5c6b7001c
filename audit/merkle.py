"""The Merkle tree over a workspace's records (RFC 9162, section 2.1): its root, its proofs, and how they are checked.

A hash chain is checked by walking all of it. A tree lets somebody who holds one signed root check one record, or that
a longer ledger begins with the one they knew, from a few dozen hashes and without the ledger. Nothing here reads a
database: proofs are made from a function that gives the hash of a subtree, and checked from their numbers alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = [
    "EMPTY_ROOT",
    "TILE_LEVELS",
    "Frontier",
    "NodeAt",
    "Subtree",
    "consistency_holds",
    "consistency_path",
    "inclusion_holds",
    "inclusion_path",
    "node_hash",
    "peaks_of",
    "perfect_root",
]

NodeAt = Callable[[int, int], bytes]
"""`node(level, position)`: the root of the perfect subtree over 2^level leaves from position·2^level on."""

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
TILE_LEVELS: Final = 8
"""Subtrees of every so many levels are worth keeping: one hash for 256 below it."""

_NODE_PREFIX: Final = b"\x01"


@dataclass(frozen=True, slots=True)
class Subtree:
    """The root of one perfect subtree."""

    level: int
    position: int
    hash: bytes


class Frontier:
    """A tree that grows by one leaf at a time and remembers only the log2(size) roots of its subtrees."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)
        self.completed: list[Subtree] = []
        """Subtrees of every 8th level that grew full, in the order in which they did."""

    def add(self, leaf: bytes) -> None:
        """Take in the hash of the next leaf."""
        level, position, peaks = 0, self.size, self._peaks
        while position & 1:
            leaf = node_hash(peaks.pop(), leaf)
            level, position = level + 1, position >> 1
            if level % TILE_LEVELS == 0:
                self.completed.append(Subtree(level, position, leaf))
        peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The tree's hash over everything so far."""
        return _joined(self._peaks) if self._peaks else EMPTY_ROOT


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an interior node (RFC 9162, section 2.1.1)."""
    return hashlib.sha256(_NODE_PREFIX + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes of one level, whose number is a power of two."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[n], row[n + 1]) for n in range(0, len(row), 2)]
    return row[0]


def peaks_of(node: NodeAt, size: int) -> list[bytes]:
    """The roots of the perfect subtrees that make up a tree of `size` leaves, the largest first."""
    return _cover(node, 0, size)


def inclusion_path(node: NodeAt, index: int, size: int) -> list[bytes]:
    """What proves that leaf `index`, from 0, is in the tree of `size` leaves (section 2.1.3.1).

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"A tree of {size} leaves has no leaf {index}.")
    path, begin, end = [], 0, size
    while end - begin > 1:
        split = begin + _split(end - begin)
        if index < split:
            path.append(_joined(_cover(node, split, end)))
            end = split
        else:
            path.append(_joined(_cover(node, begin, split)))
            begin = split
    return path[::-1]


def consistency_path(node: NodeAt, first: int, second: int) -> list[bytes]:
    """What proves that the tree of `first` leaves is the beginning of that of `second` (section 2.1.4.1).

    Raises:
        ValueError: the first is not the smaller one.
    """
    if not 0 <= first <= second:
        raise ValueError(f"A tree of {second} leaves does not grow out of one of {first}.")
    if first in (0, second):
        return []
    path, begin, end = [], 0, second
    while first != end:
        split = begin + _split(end - begin)
        if first <= split:
            path.append(_joined(_cover(node, split, end)))
            end = split
        else:
            path.append(_joined(_cover(node, begin, split)))
            begin = split
    if begin:  # the first tree's root is known to whoever checks; a part of it is not
        path.append(_joined(_cover(node, begin, end)))
    return path[::-1]


def inclusion_holds(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` leads from the leaf's hash to the root (section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    low, last, reached = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if low & 1 or low == last:
            reached = node_hash(sibling, reached)
            while low and not low & 1:
                low, last = low >> 1, last >> 1
        else:
            reached = node_hash(reached, sibling)
        low, last = low >> 1, last >> 1
    return last == 0 and reached == root


def consistency_holds(first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` shows that the second tree begins with the first (section 2.1.4.2)."""
    if not 0 <= first <= second:
        return False
    if first in (0, second):
        known = EMPTY_ROOT if first == 0 else second_root
        return not path and first_root == known
    steps = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not steps:
        return False
    low, last = first - 1, second - 1
    while low & 1:
        low, last = low >> 1, last >> 1
    old = new = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if low & 1 or low == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while low and not low & 1:
                low, last = low >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        low, last = low >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1


def _cover(node: NodeAt, begin: int, end: int) -> list[bytes]:
    """The perfect subtrees over [begin, end), the largest first; one of that size may begin at `begin`."""
    hashes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        hashes.append(node(level, begin >> level))
        begin += 1 << level
    return hashes


def _joined(hashes: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees that get smaller to the right."""
    root = hashes[-1]
    for each in reversed(hashes[:-1]):
        root = node_hash(each, root)
    return root
