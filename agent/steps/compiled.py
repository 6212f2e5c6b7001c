"""A draft without a model: where every word of a question is understood, the semantic layer's own SQL is one.

It stands beside the model's draft and votes with it. The two are arrived at in ways that share no mistakes, so their
agreement says more than that of several samples of one model, and costs less time than they do.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent.run import Draft, RunState

if TYPE_CHECKING:
    from agent.services import Services

__all__ = ["compiled_draft"]


def compiled_draft(state: RunState, services: Services) -> Draft | None:
    """The compiled statement of a question read to the last word, put on the record; None for any other question.

    Raises:
        AuditUnavailableError: the draft could not be recorded.
    """
    from memory.compiler import CannotCompile, Compiler
    from memory.intent import read_intent

    if not services.settings.memory.compile_plain:
        return None
    started = time.perf_counter()
    intent = read_intent(state["question"], services.retriever.linker)
    if intent is None:
        return None
    dialect = services.warehouse.dialect
    try:
        sql = Compiler(services.layer, services.catalog, dialect).compile(intent.query)
    except CannotCompile:
        return None
    draft = Draft(sql, "compiled", "semantic layer", confidence=1.0)
    body = {
        "sql": sql,
        "written_in": dialect,
        "origin": draft.origin,
        "model": draft.model,
        "semantics_fingerprint": services.layer.fingerprint,
        "readings": [{"words": words, "taken_for": meant} for words, meant in intent.readings],
        "confidence": draft.confidence,
        "elapsed_ms": round((time.perf_counter() - started) * 1000, 3),
    }
    services.record("run.drafted", body, state["run_id"])
    return draft
