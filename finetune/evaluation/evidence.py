"""Lets a question carry evidence of its own: a remark that belongs to it and to no other question.

Benchmarks hand such remarks out ("amount is in cents"). They are put into the grounding as a note, so the record
shows what the model was told, and nothing of them stays in memory.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from memory.retrieval import Piece, Retrieved, Retriever

if TYPE_CHECKING:
    from agent.services import Services

__all__ = ["with_evidence"]


def with_evidence(services: Services, evidence: str) -> Services:
    """The same services, whose every grounding ends with `evidence` as a note."""
    return replace(services, retriever=cast(Retriever, _Evidenced(services.retriever, evidence)))


class _Evidenced:
    """A retriever with one more note; everything else it is asked for is the retriever's own."""

    def __init__(self, retriever: Retriever, evidence: str) -> None:
        self._retriever = retriever
        digest = hashlib.sha256(evidence.encode()).hexdigest()
        self._note = Piece(kind="note", id="evidence", version=digest[:12], text=evidence, score=1.0)

    def retrieve(self, *args: Any, **kwargs: Any) -> Retrieved:
        """What the retriever finds, and the evidence."""
        found = self._retriever.retrieve(*args, **kwargs)
        return replace(found, pieces=(*found.pieces, self._note))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._retriever, name)
