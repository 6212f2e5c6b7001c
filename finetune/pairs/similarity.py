"""How alike two questions are: MinHash over letter triples, estimated Jaccard similarity."""

from __future__ import annotations

from typing import Protocol

__all__ = ["PERMUTATIONS", "Signature", "signature"]

PERMUTATIONS = 64
"""Standard error of the estimate is 1/sqrt(64), about 0.12, which is enough to tell a rewording from a repeat."""


class Signature(Protocol):
    """What is used of rensa's RMinHash."""

    def update(self, items: list[str]) -> None:
        """Add tokens."""

    def jaccard(self, other: Signature) -> float:
        """Estimated similarity in 0..1."""


def signature(text: str) -> Signature:
    """The signature of a normalised question (Broder 1997); the same text always has the same one."""
    from rensa import RMinHash

    found: Signature = RMinHash(num_perm=PERMUTATIONS, seed=7)
    found.update(sorted({text[i : i + 3] for i in range(max(1, len(text) - 2))}))
    return found
