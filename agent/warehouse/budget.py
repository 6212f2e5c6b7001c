"""Weighs a statement before it is run: may it cost what the database expects it to?

Every statement is weighed, budget or not, because what it was expected to cost belongs on the record. Only where there
is a budget (`limits.max_scanned_rows`) can weighing stop one; then a statement nobody can weigh is stopped, too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from agent.errors import AffidavitError, ErrorClass
from agent.run import Outcome, RunError
from agent.settings import GuardLimits
from agent.warehouse.connect import Warehouse
from agent.warehouse.cost import Estimate, estimate
from memory.catalog import Catalog

__all__ = ["Weighed", "execute_weighed", "weigh"]


@dataclass(frozen=True, slots=True)
class Weighed:
    """What weighing one statement gave."""

    estimate: Estimate | None
    no_estimate: str
    """Why there is none, in words; empty where there is one."""
    refusal: RunError | None
    """Why it may not run; None where it may."""
    elapsed_ms: float

    def to_json(self) -> dict[str, Any]:
        """The part of it that goes on every statement's record."""
        found = None if self.estimate is None else {**self.estimate.to_json(), "elapsed_ms": round(self.elapsed_ms, 3)}
        return {"estimate": found, "no_estimate": self.no_estimate}


def weigh(
    warehouse: Warehouse, sql: str, catalog: Catalog, limits: GuardLimits, *, cost_accepted: bool = False
) -> Weighed:
    """Have the database plan `sql`, and hold what it expects against the budget in `limits`.

    `cost_accepted` says that the asker agreed beforehand to go over it, which counts where they are to be asked.
    Nothing is raised: a statement that the database cannot plan has no estimate.
    """
    started = time.perf_counter()
    found: Estimate | None = None
    problem: AffidavitError | None = None
    try:
        found = estimate(warehouse, sql, catalog)
    except AffidavitError as failure:
        problem = failure
    elapsed_ms = (time.perf_counter() - started) * 1000
    refusal = None
    if limits.max_scanned_rows is not None and not (cost_accepted and limits.over_budget == "ask"):
        refusal = _refusal(found, problem, limits.max_scanned_rows, asks=limits.over_budget == "ask")
    return Weighed(found, problem.message if problem is not None else "", refusal, elapsed_ms)


def execute_weighed(warehouse: Warehouse, sql: str, catalog: Catalog, limits: GuardLimits) -> Outcome:
    """Run one query that is no run's, unless it goes over the budget; then the outcome is that error.

    What nobody records is not weighed where there is no budget.
    """
    if limits.max_scanned_rows is not None:
        refusal = weigh(warehouse, sql, catalog, limits).refusal
        if refusal is not None:
            return Outcome(sql, error=refusal)
    return warehouse.execute(sql)


def _refusal(found: Estimate | None, problem: AffidavitError | None, budget: int, *, asks: bool) -> RunError | None:
    if problem is not None:
        # Its own class: a column that is not there is mended as it would be had the statement been run.
        message = f"{problem.message} Without an estimate nothing is run, because there is a budget."
        return RunError(problem.error_class, message, problem.hint)
    if found is None or found.scanned_rows <= budget:
        return None
    message = (
        f"The database expects to look at {found.scanned_rows:,} rows; {budget:,} are allowed "
        f"(limits.max_scanned_rows).{_because(found)}"
    )
    if asks:
        hint = "Ask for less, or accept the cost: `affidavit ask --allow-cost QUESTION`."
        return RunError(ErrorClass.COST_NOT_ACCEPTED, message, hint)
    hint = "Ask for less, such as a shorter period, or have limits.max_scanned_rows raised."
    return RunError(ErrorClass.TOO_EXPENSIVE, message, hint)


def _because(found: Estimate) -> str:
    """What makes it so many, for whoever writes the next draft."""
    parts = []
    if found.cartesian_products:
        joins = "a join" if found.cartesian_products == 1 else f"{found.cartesian_products} joins"
        parts.append(f"{joins} in which every row of one side meets every row of the other")
    if found.full_scans:
        parts.append(f"reading {', '.join(found.full_scans)} from end to end")
    return f" It plans {' and '.join(parts)}." if parts else ""
