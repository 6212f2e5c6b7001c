"""Asks the model for drafts: one greedy, which is its best guess, and a few sampled ones, which vote on it.

Drafts that were arrived at differently and give the same rows support each other more than any one probability.
Nothing is cleaned away from a reply that could matter to the guard: prose around a statement goes, a second
statement stays and is refused there.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.errors import ErrorClass
from agent.model.connect import prompt_style
from agent.model.prompts import ChatMessage, PromptStyle, build_messages, prompt_hash
from agent.model.translate import translate
from agent.run import Draft, Grounding, RunError, RunState

if TYPE_CHECKING:
    from agent.model.client import Completion
    from agent.services import Services

__all__ = ["draft_with_model", "extract_sql", "node"]

_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"```[ \t]*(?:\w+)?[ \t]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_WITH = r"WITH\s+(?:RECURSIVE\s+)?[\w\"`\[\]]+(?:\s*\([^)]*\))?\s+AS\b"  # not the first word of "With this query"
_QUERY = re.compile(rf"(?:^|(?<=[\s:(>]))(?:{_WITH}|SELECT\b)", re.IGNORECASE)
_STATEMENT = re.compile(
    rf"^[\s(]*(?:SELECT|{_WITH}|INSERT|UPDATE|DELETE|DROP|CREATE|ALTER|TRUNCATE|MERGE|REPLACE|GRANT|REVOKE|ATTACH|"
    r"PRAGMA|COPY|CALL|EXEC|SET|VACUUM|BEGIN|COMMIT)\b",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|;|\n[ \t]*\n", re.DOTALL)


def node(state: RunState, services: Services) -> dict[str, Any]:
    """Give the run its first drafts, the greedy one first; `error` is set when no reply holds a statement.

    Raises:
        FailedError: the model cannot be asked (a `model_*` class).
        AuditUnavailableError: a draft could not be recorded.
    """
    samples = 1 if state["direct"] else services.settings.model.samples
    drafts = draft_with_model(services, state, samples=samples)
    if not drafts:
        error = RunError(
            ErrorClass.NO_SQL, "The model's reply holds no SQL.", "Ask in other words, or use a larger model."
        )
        return {"drafts": (), "error": error}
    return {"drafts": drafts, "current": 0, "error": None}


def draft_with_model(
    services: Services,
    state: RunState,
    *,
    samples: int = 1,
    error: RunError | None = None,
    previous_sql: str = "",
) -> tuple[Draft, ...]:
    """New drafts from the model, each on the record; with `error` and `previous_sql` it is asked to mend that draft.

    The first is greedy. A reply without a statement is asked for once more under the grammar, where the provider
    can hold its output to one.
    """
    style: PromptStyle = "direct" if state["direct"] else prompt_style(services.settings.model)
    grounding: Grounding | None = state.get("grounding")
    dialect = services.warehouse.dialect if state["direct"] else services.draft_dialect
    messages = build_messages(
        state["question"],
        grounding,
        style=style,
        dialect=dialect,
        error=error,
        previous_sql=previous_sql,
    )
    basis = f"repair:{error.error_class}" if error is not None else ""
    drafts = _drafts(_completions(services, messages, samples, always=False), basis)
    if not drafts and not state["direct"] and _may_constrain(services, {"retry"}):
        drafts = _drafts(_completions(services, messages, 1, always=True), basis)
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
            "model_hash": services.model.model_hash,
            "prompt_hash": asked,
            "prompt_style": style,
            "confidence": round(draft.confidence, 6),
            "tokens": draft.tokens,
            "basis": draft.basis,
        }
        services.record("run.drafted", body, state["run_id"])
    return drafts


def extract_sql(reply: str) -> str:
    """The statement in a model's reply, or "".

    Reasoning in <think> tags, prose before and after, and code fences go. What follows a `;` stays when it is
    another statement, so that the guard sees and refuses it.
    """
    text = _THOUGHTS.sub("", reply).strip()
    fences = [block.strip() for block in _FENCE.findall(text)]
    fenced = [block for block in fences if _STATEMENT.match(block)]
    if fenced:
        return _trimmed(fenced[-1])
    if _STATEMENT.match(text):
        return _trimmed(text)
    start = _QUERY.search(text)
    return _trimmed(text[start.start() :].strip()) if start else ""


def _completions(services: Services, messages: list[ChatMessage], samples: int, *, always: bool) -> list[Completion]:
    model, grammar = services.model, None
    if always or _may_constrain(services, {"always"}):
        from agent.model.grammar import select_grammar

        grammar = select_grammar(services.catalog)
    completions = model.complete(messages, grammar=grammar)
    if samples > 1:
        temperature = services.settings.model.temperature
        completions += model.complete(messages, n=samples - 1, temperature=temperature, grammar=grammar)
    return completions


def _may_constrain(services: Services, wanted: set[str]) -> bool:
    return services.settings.model.grammar in wanted and services.model.takes_grammars


def _drafts(completions: list[Completion], basis: str) -> tuple[Draft, ...]:
    found = []
    for completion in completions:
        sql = extract_sql(completion.text)
        if sql:
            confidence = completion.confidence or 0.0
            found.append(Draft(sql, "model", completion.model, confidence, basis, completion.tokens))
    return tuple(found)


def _trimmed(text: str) -> str:
    """Cut prose off the end: after a `;`, or after a blank line, unless another statement follows."""
    for match in _TOKEN.finditer(text):
        found = match.group()
        ends_statement = found == ";"
        if not ends_statement and not found.isspace():
            continue
        rest = text[match.end() :].strip()
        if ends_statement:
            if not rest or not _STATEMENT.match(rest):
                return text[: match.start()].strip()
            return text.strip().removesuffix(";").strip()
        if rest and not _continues(rest):
            return text[: match.start()].strip()
    return text.strip().strip("`").strip()


def _continues(rest: str) -> bool:
    """Whether text after a blank line reads on as SQL: it begins with a clause, an operator or a bracket."""
    clause = (
        r"^(?:[(),+*/=<>|-]|(?:SELECT|FROM|WHERE|JOIN|LEFT|RIGHT|INNER|FULL|CROSS|ON|AND|OR|GROUP|ORDER|HAVING|LIMIT|"
        r"UNION|EXCEPT|INTERSECT|OFFSET|WINDOW|CASE|WHEN|ELSE|END|AS|INSERT|UPDATE|DELETE|DROP|CREATE|ALTER)\b)"
    )
    return re.match(clause, rest) is not None
