"""Gathers what the model is told besides the question, and puts on the record which version of what it was.

For the control (`--direct`) it is the plain listing of every table the policy allows, as any one-prompt tool
would show it; otherwise what retrieval links to the question.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from agent.errors import ErrorClass, FailedError
from agent.model.prompts import fit_grounding
from agent.run import Grounding, Piece, RunState

if TYPE_CHECKING:
    from agent.services import Services
    from agent.warehouse.policy import Policy
    from memory.retrieval import Retriever

__all__ = ["node", "retrieved", "schema_listing"]

_CHARS_PER_TOKEN = 3
"""Low for English, right for identifiers: a prompt that is cut a little early still works, one too long does not."""
_PROMPT_FRAME_TOKENS = 200


def node(state: RunState, services: Services) -> dict[str, Any]:
    """Give the run its grounding.

    Raises:
        FailedError: the index cannot be read (`memory_unavailable`).
        AuditUnavailableError: it could not be recorded.
    """
    grounding = schema_listing(services) if state["direct"] else _of_question(state["question"], services)
    grounding = fit_grounding(grounding, _room(services, state["question"]))
    body = {
        "pieces": [
            {
                "kind": piece.kind,
                "id": piece.id,
                "version": piece.version,
                "hash": hashlib.sha256(piece.text.encode()).hexdigest(),
            }
            for piece in grounding.pieces
        ],
        "catalog_fingerprint": grounding.catalog_fingerprint,
        "semantics_fingerprint": grounding.semantics_fingerprint,
    }
    services.record("run.grounded", body, state["run_id"])
    return {"grounding": grounding}


def schema_listing(services: Services) -> Grounding:
    """Every table the policy allows with its columns and types, in the catalog's order and nothing else."""
    pieces = []
    for table in services.catalog.tables:
        if not services.policy.table_allowed(table.name):
            continue
        columns = ", ".join(
            f"{column.name} {column.type}"
            for column in table.columns
            if not services.policy.column_denied(table.name, column.name)
        )
        pieces.append(Piece("table", table.name, table.fingerprint[:12], f"{table.name}({columns})", 1.0))
    return Grounding(tuple(pieces), services.catalog.fingerprint, services.layer.fingerprint)


def retrieved(question: str, retriever: Retriever, *, max_pieces: int, dialect: str, policy: Policy) -> Grounding:
    """What retrieval links to a question, without the tables and columns that the policy denies.

    Raises:
        FailedError: the index cannot be read (`memory_unavailable`).
    """
    from memory.errors import MemoryFailure

    try:
        found = retriever.retrieve(
            question,
            max_pieces=max_pieces,
            dialect=dialect,
            hidden=policy.denied_columns(retriever.linker.catalog),
        )
    except MemoryFailure as error:
        raise FailedError(
            ErrorClass.MEMORY_UNAVAILABLE,
            f"The index of what is known cannot be read: {error}",
            "Rebuild it with `affidavit memory sync --full`.",
        ) from error
    pieces = (
        Piece(piece.kind, piece.id, piece.version, piece.text, piece.score)
        for piece in found.pieces
        if piece.kind != "table" or policy.table_allowed(piece.id)
    )
    return Grounding(tuple(pieces), found.catalog_fingerprint, found.semantics_fingerprint)


def _of_question(question: str, services: Services) -> Grounding:
    return retrieved(
        question,
        services.retriever,
        max_pieces=services.settings.memory.max_pieces,
        dialect=services.draft_dialect,
        policy=services.policy,
    )


def _room(services: Services, question: str) -> int:
    """Characters of grounding that fit the model's context beside the question and the longest reply."""
    model = services.settings.model
    tokens = model.context_tokens - model.max_tokens - _PROMPT_FRAME_TOKENS
    return max(1000, tokens * _CHARS_PER_TOKEN - len(question))
