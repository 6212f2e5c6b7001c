"""Asks the model for drafts: one greedy, which is its best guess, and a few sampled ones, which vote on it.

Where the question could be compiled from the semantic layer, that draft takes the place of the sampled ones, unless it
leaves words out: then it is one more voter. Where the greedy draft is all but certain, samples would only say the same
and are left out.

Drafts that were arrived at differently and give the same rows support each other more than any one probability.
Nothing is cleaned away from a reply that could matter to the guard: prose around a statement goes, a second
statement stays and is refused there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from agent.confidence import SURE
from agent.errors import ErrorClass, FailedError, handling
from agent.model.connect import prompt_style
from agent.model.prompts import ChatMessage, PromptStyle, build_messages, prompt_hash
from agent.model.translate import translate
from agent.run import Draft, Grounding, RunError, RunState
from agent.steps.compiled import compiled_draft
from agent.steps.extract import extract_sql

if TYPE_CHECKING:
    from agent.model.client import Completion, ModelClient
    from agent.services import Services

__all__ = ["Drafted", "draft_with_model", "node"]

_NOTICEABLE_MS = 1.0


def node(state: RunState, services: Services) -> dict[str, Any]:
    """Give the run its first drafts: a compiled one if there is one, the greedy one, the sampled ones.

    `error` is set when there is none of them.

    Raises:
        FailedError: no model can be asked (a `model_*` class), and a compiled draft does not make up for that.
        AuditUnavailableError: a draft could not be recorded.
    """
    compiled = None if state["direct"] else compiled_draft(state, services)
    whole = compiled is not None and not compiled.left_out
    if compiled is not None and whole and not services.settings.memory.confirm_compiled:
        return {"drafts": (compiled,), "current": 0, "error": None}
    samples = 1 if state["direct"] or whole else services.settings.model.samples
    made = draft_with_model(services, state, samples=samples, compiled=compiled)
    if not made.drafts:
        error = RunError(
            ErrorClass.NO_SQL,
            "The model's reply holds no SQL." if not made.cut_off else "The model's reply was cut off at its longest.",
            "Ask in other words, use a larger model, or raise model.max_tokens.",
        )
        return {**made.patch(), "drafts": (), "error": error}
    return {**made.patch(), "drafts": made.drafts, "current": 0, "error": None}


@dataclass(frozen=True, slots=True)
class Drafted:
    """What asking for drafts gave."""

    drafts: tuple[Draft, ...]
    notes: tuple[str, ...]
    """The run's notes, with what there is to say of this added."""
    model_start_ms: float
    """How long the models that were asked had to be waited for before they could be."""
    tokens: int = 0
    """What the run has spent so far, prompts and replies together."""
    cut_off: bool = False
    """Whether a reply was left out because it ends in the middle: what is there would run, and mean something else."""

    def patch(self) -> dict[str, Any]:
        """What a step that asked for drafts changes besides them; see `agent.graph` for `apart_ms`."""
        apart = {"model_start": self.model_start_ms} if self.model_start_ms >= _NOTICEABLE_MS else {}
        return {"notes": self.notes, "tokens": self.tokens, "apart_ms": apart}


def draft_with_model(
    services: Services,
    state: RunState,
    *,
    samples: int = 1,
    error: RunError | None = None,
    previous_sql: str = "",
    compiled: Draft | None = None,
    instead: tuple[ModelClient, ...] = (),
) -> Drafted:
    """New drafts, each on the record; with `error` and `previous_sql` the model is asked to mend that draft.

    Where a model fails in a way that another one may not, the next of `model.fallbacks` is asked, and after the last
    of them `compiled`, which comes before the models' drafts in any case, stands alone. Each failure is on the record
    and in the notes. The control asks one model. `instead` are the models to ask, where not all of them are.

    Raises:
        FailedError: the last model that may be asked failed, and there is no `compiled`.
    """
    models = (services.model,) if state["direct"] else instead or (services.model, *services.fallbacks)
    notes, start_ms, spent = state.get("notes", ()), 0.0, state.get("tokens", 0)
    own = () if compiled is None else (compiled,)
    request = _Request(samples, error, previous_sql)
    for model, following in zip_longest(models, models[1:]):
        began = time.perf_counter()
        try:
            start_ms += model.start()
            drafts, completions = _drafted(services, model, state, request)
            spent += sum(each.prompt_tokens + each.tokens for each in completions)
            cut_off = any(each.cut_off for each in completions)
            return Drafted((*own, *drafts), notes, start_ms, spent, cut_off)
        except FailedError as failure:
            if handling(failure.error_class).fallback != "next_model" or not (following or own):
                raise
            body = {
                "model": model.label,
                "error_class": failure.error_class.value,
                "error": failure.message,
                "elapsed_ms": round((time.perf_counter() - began) * 1000, 3),
                "next": following.label if following else "",
            }
            services.record("run.model_failed", body, state["run_id"])
            then = f"{following.label} was asked" if following else "the compiled statement stands alone"
            notes = (*notes, f"{model.label} failed ({failure.error_class.value}), so {then}.")
    return Drafted(own, notes, start_ms, spent)


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked for: so many drafts, or one in place of a draft that failed."""

    samples: int
    error: RunError | None
    previous_sql: str


def _drafted(
    services: Services, model: ModelClient, state: RunState, request: _Request
) -> tuple[tuple[Draft, ...], list[Completion]]:
    """Drafts of one model, the greedy one first, and all it said.

    A reply without a statement is asked for once more under the grammar, where the provider can hold its output to one.
    """
    style = _style(services, model, direct=state["direct"])
    grounding: Grounding | None = state.get("grounding")
    dialect = services.warehouse.dialect if state["direct"] else services.draft_dialect
    messages = build_messages(
        state["question"],
        grounding,
        style=style,
        dialect=dialect,
        error=request.error,
        previous_sql=request.previous_sql,
    )
    basis = f"repair:{request.error.error_class}" if request.error is not None else ""
    completions = _completions(services, model, messages, request.samples, always=False)
    drafts = _drafts(completions, basis)
    if not drafts and not state["direct"] and _may_constrain(services, model, {"retry"}):
        constrained = _completions(services, model, messages, 1, always=True)
        drafts, completions = _drafts(constrained, basis), completions + constrained
    drafts = tuple(
        replace(
            draft,
            sql=translate(draft.sql, read=dialect, write=services.warehouse.dialect, catalog=services.catalog),
        )
        for draft in drafts
    )
    asked = prompt_hash(messages)
    for draft in drafts:
        body = {
            "sql": draft.sql,
            "written_in": dialect,
            "origin": draft.origin,
            "model": draft.model,
            "model_hash": model.model_hash,
            "prompt_hash": asked,
            "prompt_style": style,
            "confidence": round(draft.confidence, 6),
            "tokens": draft.tokens,
            "basis": draft.basis,
        }
        services.record("run.drafted", body, state["run_id"])
    return drafts, completions


def _style(services: Services, model: ModelClient, *, direct: bool) -> PromptStyle:
    """A fallback is a general model, whatever the model it stands in for was trained on."""
    if direct:
        return "direct"
    return prompt_style(services.settings.model) if model is services.model else "full"


def _completions(
    services: Services, model: ModelClient, messages: list[ChatMessage], samples: int, *, always: bool
) -> list[Completion]:
    grammar = None
    if always or _may_constrain(services, model, {"always"}):
        from agent.model.grammar import select_grammar

        grammar = select_grammar(services.catalog)
    completions = model.complete(messages, grammar=grammar)
    if samples > 1 and max((found.confidence or 0.0 for found in completions), default=0.0) < SURE:
        temperature = services.settings.model.temperature
        completions += model.complete(messages, n=samples - 1, temperature=temperature, grammar=grammar)
    return completions


def _may_constrain(services: Services, model: ModelClient, wanted: set[str]) -> bool:
    return services.settings.model.grammar in wanted and model.takes_grammars


def _drafts(completions: list[Completion], basis: str) -> tuple[Draft, ...]:
    found = []
    for completion in completions:
        sql = "" if completion.cut_off else extract_sql(completion.text)
        if sql:
            confidence = completion.confidence or 0.0
            found.append(Draft(sql, "model", completion.model, confidence, basis, completion.tokens))
    return tuple(found)
