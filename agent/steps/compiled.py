"""A draft without a model: where every word of a question is understood, the semantic layer's own SQL is one.

It stands beside the model's draft and votes with it. The two are arrived at in ways that share no mistakes, so their
agreement says more than that of several samples of one model, and costs less time than they do. Where all but a few
words in one place are understood, there is a compiled draft too, which says what it leaves out: one more voter.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent.run import Draft, RunState

if TYPE_CHECKING:
    from agent.services import Services

__all__ = ["compiled_draft"]

_SHARE_RIGHT = 0.7
"""Of the statements of questions read but for a few words: 9 of 11 that people could ask, 31 of 47 generated ones."""


def compiled_draft(state: RunState, services: Services) -> Draft | None:
    """The compiled statement of a question that is read, put on the record; None for any other question.

    Raises:
        AuditUnavailableError: the draft could not be recorded.
    """
    from memory.compiler import CannotCompile, Compiler
    from memory.intent import read_intent
    from memory.intent.near import read_nearly

    if not services.settings.memory.compile_plain:
        return None
    started = time.perf_counter()
    question, linker, left_out = state["question"], services.retriever.linker, ""
    intent = read_intent(question, linker)
    if intent is None and (nearly := read_nearly(question, linker)) is not None:
        intent, left_out = nearly.intent, nearly.left_out
    if intent is None:
        return None
    dialect = services.warehouse.dialect
    try:
        sql = Compiler(services.layer, services.catalog, dialect).compile(intent.query)
    except CannotCompile:
        return None
    draft = Draft(sql, "compiled", "semantic layer", _SHARE_RIGHT if left_out else 1.0, left_out=left_out)
    body = {
        "sql": sql,
        "written_in": dialect,
        "origin": draft.origin,
        "model": draft.model,
        "semantics_fingerprint": services.layer.fingerprint,
        "readings": [{"words": words, "taken_for": meant} for words, meant in intent.readings],
        "left_out": left_out,
        "confidence": draft.confidence,
        "elapsed_ms": round((time.perf_counter() - started) * 1000, 3),
    }
    services.record("run.drafted", body, state["run_id"])
    return draft
