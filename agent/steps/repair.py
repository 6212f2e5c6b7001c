"""Gives a failed draft another chance: first by rule, then by asking the model with only what it lacked, then the next.

A rule that applies is better than a model's second guess: it costs a millisecond, does the same thing every time, and
its name on the record says exactly what was changed. Which rules apply is decided by the class of the error.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.errors import ErrorClass, handling
from agent.run import Draft, Finding, Grounding, Piece, RunError, RunState
from agent.steps.faults import Known, Mend
from agent.steps.guard import judge
from agent.steps.mends import CHECK_MENDS, MENDS, SAID
from agent.warehouse.policy import Policy
from memory.catalog import Catalog
from memory.joins import JoinGraph
from memory.values import ValueIndex

if TYPE_CHECKING:
    from agent.services import Services
    from agent.steps.generate import Drafted

__all__ = ["mend", "node"]

_MAX_STEPS = 6
"""Mending one name can uncover the next; more than this many in one draft is not a slip but a guess."""
_ANY_ROWS = 1_000_000_000
_SPENT = "No model was asked for another draft: the run has spent its {} tokens (limits.max_run_tokens)."


def mend(
    draft: Draft,
    error: RunError,
    catalog: Catalog,
    joins: JoinGraph,
    dialect: str,
    *,
    findings: tuple[Finding, ...] = (),
    values: ValueIndex | None = None,
) -> tuple[Draft, ...]:
    """Mended versions of a draft, best first; () when no rule is sure of what was meant.

    Deterministic. A mended draft has origin `mend`, the names of the rules (joined by "+") as its basis, and no error
    left that the guard could see; the policy is not asked here. `findings` are the checks that failed, for
    `check_failed`; `values` are the stored values beyond the catalog's samples.
    """
    known = Known(catalog, joins, dialect, findings, values, error.message)
    sql, names = draft.sql, list[str]()
    rules = _rules_for(error.error_class, findings)
    for _ in range(_MAX_STEPS):
        step = _first_that_applies(rules, sql, known)
        if step is None:
            return ()
        name, sql = step
        names.append(name)
        verdict = judge(sql, dialect=dialect, catalog=catalog, policy=Policy(), max_rows=_ANY_ROWS)
        if verdict.allowed:
            return (Draft(sql, "mend", draft.model, draft.confidence, "+".join(names), draft.tokens),)
        rules = MENDS.get(ErrorClass(verdict.error_class), ())
    return ()


def node(state: RunState, services: Services) -> dict[str, Any]:
    """Append one more draft, mended or newly generated, and make it current; `error` is set when there is none.

    Raises:
        AuditUnavailableError: what was done could not be recorded.
        FailedError: the model cannot be asked.
    """
    failed = state["drafts"][state["current"]]
    error, findings = _what_went_wrong(state)
    patch: dict[str, Any] = {"attempts": state.get("attempts", 0) + 1}
    tried = {_text(draft) for draft in state["drafts"]}
    made = mend(
        failed,
        error,
        services.catalog,
        services.joins,
        services.warehouse.dialect,
        findings=findings,
        values=services.retriever.linker.values if services.retriever is not None else None,
    )
    fresh = [draft for draft in made if _text(draft) not in tried - _outvoted(state, findings)]
    if fresh:
        patch["notes"] = (*state.get("notes", ()), *_said(fresh[0], error, findings))
    affordable = state.get("tokens", 0) < services.settings.limits.max_run_tokens
    if not fresh and not affordable:
        patch["notes"] = (*state.get("notes", ()), _SPENT.format(services.settings.limits.max_run_tokens))
    if not fresh and affordable and _may_ask_model(failed, error):
        asked = _asked_again(state, services, failed, error)
        fresh = [draft for draft in asked.drafts if _text(draft) not in tried]
        patch |= asked.patch()
    services.record("run.repaired", _repaired_body(failed, fresh[0] if fresh else None, error), state["run_id"])
    if not fresh:
        return {**patch, "error": error}
    drafts = (*state["drafts"], fresh[0])
    return {**patch, "drafts": drafts, "current": len(drafts) - 1, "error": None, "findings": ()}


def _said(mended: Draft, error: RunError, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """What an answer must say of a mend: what was wrong, and what was made of it."""
    if findings:
        return tuple(f"Mended: {finding.message}" for finding in findings if finding.check in CHECK_MENDS)
    done = "; ".join(dict.fromkeys(SAID[name] for name in mended.basis.split("+")))
    return (f"The draft was mended ({error.message.rstrip('.')}): {done}.",)


def _outvoted(state: RunState, findings: tuple[Finding, ...]) -> set[str]:
    """Samples that lost the vote to the draft that failed its checks: a rule may still arrive at one of them."""
    if not findings:
        return set()
    failed = state["drafts"][state["current"]]
    mends = {_text(draft) for draft in state["drafts"] if draft.origin == "mend"}
    return {_text(draft) for draft in state["drafts"] if draft.sql != failed.sql} - mends


def _text(draft: Draft) -> str:
    """The statement without regard to its spacing."""
    return " ".join(draft.sql.split())


def _what_went_wrong(state: RunState) -> tuple[RunError, tuple[Finding, ...]]:
    verdict, outcome = state["verdict"], state.get("outcome")
    if not verdict.allowed:
        return RunError(verdict.error_class, verdict.message), ()
    if outcome is not None and outcome.error is not None:
        return outcome.error, ()
    failed = tuple(finding for finding in state.get("findings", ()) if finding.severity == "error")
    message = " ".join(finding.message for finding in failed) or "The result does not hold."
    return RunError(ErrorClass.CHECK_FAILED, message), failed


def _rules_for(error_class: str, findings: tuple[Finding, ...]) -> tuple[Mend, ...]:
    if error_class == ErrorClass.CHECK_FAILED:
        return tuple(rule for finding in findings for rule in CHECK_MENDS.get(finding.check, ()))
    return MENDS.get(ErrorClass(error_class), ())


def _first_that_applies(rules: tuple[Mend, ...], sql: str, known: Known) -> tuple[str, str] | None:
    for rule in rules:
        mended = rule(sql, known)
        if mended is not None and mended != sql:
            return rule.__name__, mended
    return None


def _may_ask_model(failed: Draft, error: RunError) -> bool:
    """A signed query that stopped working is replaced by a fresh draft, whatever went wrong with it."""
    return failed.origin == "verified_query" or handling(ErrorClass(error.error_class)).is_repairable


def _asked_again(state: RunState, services: Services, failed: Draft, error: RunError) -> Drafted:
    from agent.steps.generate import draft_with_model

    lacking = _lacking(state, services.catalog, error)
    grounding = state.get("grounding")
    if grounding is not None and lacking:
        grounding = replace(grounding, pieces=(*grounding.pieces, *lacking))
    asked: RunState = {**state, "grounding": grounding} if grounding is not None else state
    if failed.origin == "verified_query":
        return draft_with_model(services, asked)
    # A model that could not mend its own draft is not asked a third time while there is another.
    instead = services.fallbacks if failed.basis.startswith("repair:") else ()
    return draft_with_model(services, asked, error=error, previous_sql=failed.sql, instead=instead)


def _lacking(state: RunState, catalog: Catalog, error: RunError) -> tuple[Piece, ...]:
    """The tables and columns an unknown name could have meant, unless the model was shown them already."""
    if error.error_class not in {ErrorClass.UNKNOWN_TABLE, ErrorClass.UNKNOWN_COLUMN, ErrorClass.AMBIGUOUS_COLUMN}:
        return ()
    grounding: Grounding | None = state.get("grounding")
    shown = {piece.id.casefold() for piece in grounding.pieces} if grounding else set()
    words = set(error.message.replace(".", " ").replace(",", " ").split())
    pieces = []
    for table in catalog.tables:
        if table.name in words and table.name.casefold() not in shown:
            columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
            pieces.append(Piece("table", table.name, table.fingerprint[:8], f"{table.name}({columns})", 0.5))
    return tuple(pieces)


def _repaired_body(failed: Draft, mended: Draft | None, error: RunError) -> dict[str, Any]:
    how = "none" if mended is None else mended.basis if mended.origin == "mend" else "model"
    return {
        "mend": how,
        "from": failed.sql,
        "to": "" if mended is None else mended.sql,
        "error_class": str(error.error_class),
        "message": error.message,
    }
