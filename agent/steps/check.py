"""Asks whether a result can stand: does the statement that gave it do what the question and the definitions say?

A finding of severity `error` means it cannot: the run repairs the draft or abstains. A `warning` is shown beside the
answer. A check that cries wolf is worse than none, because a right answer is then withheld; so each check is tried on
every baseline question's gold statement, and none may find an error there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from agent.run import Finding, Grounding, Result, RunState
from agent.steps.checks.arithmetic import (
    check_average,
    check_comparison,
    check_percent,
    check_share,
    check_together,
    check_whole_share,
)
from agent.steps.checks.claims import check_alias, check_repetition
from agent.steps.checks.joins import check_joins
from agent.steps.checks.kinds import check_echo, check_event, check_kind
from agent.steps.checks.limits import check_limit
from agent.steps.checks.literals import check_literals
from agent.steps.checks.mentions import check_mentions
from agent.steps.checks.metrics import check_metrics
from agent.steps.checks.omissions import check_inclusion, check_measures, check_negation
from agent.steps.checks.periods import check_period
from agent.steps.checks.results import check_division, check_grouped_columns, check_lone_row, check_result
from agent.steps.checks.statement import Checked, read_statement
from agent.steps.checks.unasked import check_direction, check_polarity, check_unasked
from agent.steps.checks.values import check_values
from agent.steps.checks.wording import check_breakdown, check_numbers, check_ranking, check_time
from memory.catalog import Catalog
from memory.joins import JoinGraph
from memory.semantics import SemanticLayer
from memory.values import ValueIndex

if TYPE_CHECKING:
    from agent.services import Services

__all__ = ["check", "node"]

_CHECKS: tuple[Callable[[Checked], Iterator[Finding]], ...] = (
    check_joins,
    check_metrics,
    check_mentions,
    check_alias,
    check_repetition,
    check_time,
    check_period,
    check_literals,
    check_values,
    check_numbers,
    check_ranking,
    check_limit,
    check_direction,
    check_unasked,
    check_polarity,
    check_negation,
    check_inclusion,
    check_measures,
    check_breakdown,
    check_average,
    check_share,
    check_percent,
    check_whole_share,
    check_comparison,
    check_together,
    check_kind,
    check_event,
    check_echo,
    check_grouped_columns,
    check_lone_row,
    check_division,
    check_result,
)
_ABOUT_THE_WORDS = frozenset(
    {"time_filter", "value_filter", "number", "row_limit", "limit", "one_per_group", "negation", "measures"}
)
_ORDER = {"error": 0, "warning": 1, "info": 2}


def check(
    question: str,
    sql: str,
    result: Result,
    *,
    catalog: Catalog,
    joins: JoinGraph,
    layer: SemanticLayer,
    grounding: Grounding | None,
    dialect: str,
    values: ValueIndex | None = None,
) -> tuple[Finding, ...]:
    """Everything noticed about a result, errors first. Pure; a statement it cannot read gives no findings.

    `sql` is the draft, without the guard's row cap. What the question names is taken from `grounding`: metric pieces
    with score 1.0 and value pieces; without it only the checks that need no vocabulary say anything. `values` are
    the stored values beyond the catalog's samples; without it a literal is only judged where the samples are complete.
    """
    statement = read_statement(sql, catalog, dialect)
    if statement is None:
        return ()
    checked = Checked(question, statement, result, catalog, joins, layer, grounding, values)
    found = dict.fromkeys(finding for look in _CHECKS for finding in look(checked))
    return tuple(sorted(found, key=lambda finding: _ORDER[finding.severity]))


def node(state: RunState, services: Services) -> dict[str, Any]:
    """Check the current draft's result and put the findings on the record.

    A recalled verified query was judged by a person: how it computes is shown as a warning at most. Whether it fits
    this question's words was not judged by anybody, so those findings keep their severity.
    """
    draft, outcome = state["drafts"][state["current"]], state["outcome"]
    if outcome.result is None:
        return {"findings": ()}
    findings = check(
        state["question"],
        draft.sql,
        outcome.result,
        catalog=services.catalog,
        joins=services.joins,
        layer=services.layer,
        grounding=state.get("grounding"),
        dialect=services.warehouse.dialect,
        values=services.retriever.linker.values if services.retriever is not None else None,
    )
    if draft.origin == "verified_query":
        findings = tuple(_softened(finding) for finding in findings)
    body = {
        "draft": state["current"],
        "findings": [
            {"check": f.check, "severity": f.severity, "message": f.message, "evidence": f.evidence} for f in findings
        ],
    }
    services.record("run.checked", body, state["run_id"])
    return {"findings": findings}


def _softened(finding: Finding) -> Finding:
    if finding.severity != "error" or finding.check in _ABOUT_THE_WORDS:
        return finding
    return Finding(finding.check, "warning", finding.message, finding.evidence)
