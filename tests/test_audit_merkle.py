"""The tree and its proofs: against the definition, against published vectors, and against another implementation."""

from __future__ import annotations

import hashlib
import importlib
import os
import random
from collections.abc import Sequence
from types import ModuleType

import pytest

from audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_holds,
    consistency_path,
    inclusion_holds,
    inclusion_path,
    peaks_of,
    perfect_root,
)
from audit.seal import leaf_hash

# The inputs and roots that the reference implementation of RFC 6962 publishes with its tests (certificate-transparency,
# and transparency-dev/merkle after it).
VECTOR_LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
VECTOR_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


class Tree:
    """A tree over entries that are all at hand."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = list(entries)
        self.leaves = [bytes.fromhex(leaf_hash(entry)) for entry in entries]

    def node(self, level: int, position: int) -> bytes:
        return perfect_root(self.leaves[position << level : (position + 1) << level])

    def root(self, size: int) -> bytes:
        return Frontier(size, peaks_of(self.node, size)).root()


@pytest.fixture(scope="module")
def tree() -> Tree:
    chance = random.Random(9162)
    return Tree([chance.randbytes(chance.randrange(40)) for _ in range(300)])


@pytest.fixture(scope="module")
def second() -> ModuleType:
    """An implementation by other people: scitt-cose's `merkle`, written for the receipts of IETF SCITT."""
    if os.environ.get("CI"):
        return importlib.import_module("scitt_cose.merkle")
    return pytest.importorskip("scitt_cose.merkle", reason="scitt-cose is not installed: run make setup-dev")


def _defined_root(entries: Sequence[bytes]) -> bytes:
    """MTH as section 2.1.1 writes it down."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return hashlib.sha256(b"\x01" + _defined_root(entries[:split]) + _defined_root(entries[split:])).digest()


def test_the_published_vectors() -> None:
    grown = Frontier()
    roots = [grown.root()]
    for entry in VECTOR_LEAVES:
        grown.add(bytes.fromhex(leaf_hash(bytes.fromhex(entry))))
        roots.append(grown.root())
    assert tuple(root.hex() for root in roots) == VECTOR_ROOTS


def test_a_grown_tree_has_the_defined_root(tree: Tree) -> None:
    grown = Frontier()
    for size, leaf in enumerate(tree.leaves[:70]):
        assert grown.root() == tree.root(size) if size else grown.root() == EMPTY_ROOT
        assert grown.root() == _defined_root(tree.entries[:size])
        grown.add(leaf)


def test_growing_goes_on_from_any_size_and_names_full_subtrees(tree: Tree) -> None:
    for size in (1, 2, 77, 128, 255, 256):
        grown = Frontier(size, peaks_of(tree.node, size))
        for leaf in tree.leaves[size:]:
            grown.add(leaf)
        assert grown.root() == tree.root(300)
        expected = [(8, 0, tree.node(8, 0))] if size < 256 else []
        assert [(each.level, each.position, each.hash) for each in grown.completed] == expected


def test_every_inclusion_proof_holds_and_no_other_does(tree: Tree) -> None:
    for size in (*range(1, 18), 64, 65, 300):
        root = tree.root(size)
        for index in range(0, size, 1 if size < 18 else 7):
            path = inclusion_path(tree.node, index, size)
            leaf = tree.leaves[index]
            assert inclusion_holds(leaf, index, size, path, root)
            assert not inclusion_holds(tree.leaves[index - 1], index, size, path, root) or size == 1
            assert not inclusion_holds(leaf, index + 1, size, path, root)
            assert not inclusion_holds(leaf, index, size, [*path, leaf], root)
            assert not inclusion_holds(leaf, index, size, path[:-1], root) or not path
            assert not inclusion_holds(leaf, index, size, path, tree.leaves[index]) or size == 1
            for place in range(len(path)):
                swapped = [*path[:place], root, *path[place + 1 :]]
                assert not inclusion_holds(leaf, index, size, swapped, root)


def test_every_consistency_proof_holds_and_no_other_does(tree: Tree) -> None:
    for second in (*range(1, 18), 65, 300):
        for first in range(0, second + 1, 1 if second < 18 else 7):
            path = consistency_path(tree.node, first, second)
            roots = tree.root(first), tree.root(second)
            assert consistency_holds(first, roots[0], second, roots[1], path)
            assert not consistency_holds(first, roots[0], second, roots[1], [*path, roots[0]])
            if 0 < first < second:
                assert not consistency_holds(first, roots[1], second, roots[1], path)
                assert not consistency_holds(first, roots[0], second, roots[0], path)
                assert not consistency_holds(first, roots[0], second, roots[1], path[:-1])
                assert not consistency_holds(second, roots[1], first, roots[0], path)
                for place in range(len(path)):
                    swapped = [*path[:place], roots[1], *path[place + 1 :]]
                    assert not consistency_holds(first, roots[0], second, roots[1], swapped)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_there_is_no_proof_of_what_is_not_there(tree: Tree, index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_path(tree.node, index, size)
    assert not inclusion_holds(tree.leaves[0], index, size, [], tree.leaves[0])
    with pytest.raises(ValueError, match="does not grow"):
        consistency_path(tree.node, 5, 4)


# --- the other implementation ------------------------------------------------------------------------------------


def test_another_implementation_has_the_same_roots_and_proofs(tree: Tree, second: ModuleType) -> None:
    for size in (*range(1, 20), 127, 128, 129, 257):
        entries = [entry.hex() for entry in tree.entries[:size]]
        assert second.merkle_root(entries) == tree.root(size).hex()
        for index in range(0, size, 1 if size < 20 else 31):
            path = [each.hex() for each in inclusion_path(tree.node, index, size)]
            assert path == second.inclusion_proof(entries, index)
            first_path = [each.hex() for each in consistency_path(tree.node, index, size)]
            assert first_path == second.consistency_proof(entries, index, size)


def test_another_implementation_judges_proofs_as_we_do(tree: Tree, second: ModuleType) -> None:
    """Honest proofs and ones with a hash, an index or a size changed: the same verdict on each of them."""
    chance = random.Random(6962)
    verdicts = {True: 0, False: 0}
    for _ in range(600):
        size = chance.randrange(1, 200)
        index, first = chance.randrange(size), chance.randrange(1, size + 1)
        path, grown = inclusion_path(tree.node, index, size), consistency_path(tree.node, first, size)
        said_index, said_size, said_first = (each + chance.choice((0, 0, 0, 1, -1)) for each in (index, size, first))
        for each in (path, grown):
            if each and chance.random() < 0.3:
                each[chance.randrange(len(each))] = tree.leaves[chance.randrange(300)]
        root, old = tree.root(size), tree.root(first)
        ours = inclusion_holds(tree.leaves[index], said_index, said_size, path, root)
        said = [each.hex() for each in path]
        assert ours == second.verify_inclusion(tree.entries[index].hex(), said_index, said_size, said, root.hex())
        verdicts[ours] += 1
        if said_first > 0:  # a tree of nothing has one root, which that implementation does not look at
            ours = consistency_holds(said_first, old, said_size, root, grown)
            said = [each.hex() for each in grown]
            assert ours == second.verify_consistency(old.hex(), root.hex(), said_first, said_size, said)
            verdicts[ours] += 1
    assert min(verdicts.values()) > 200
