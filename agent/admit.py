"""A statement that no model drafted just now, a correction or a replay, on its way to the warehouse.

It goes the way of every draft: judged by the policy of the person whose result it is, weighed against the budget, and
its intent on the record before the warehouse is touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.run import RunError, Verdict

if TYPE_CHECKING:
    from agent.settings import Settings
    from agent.warehouse.connect import Warehouse
    from agent.warehouse.policy import Policy
    from audit.ledger import Ledger
    from memory.catalog import Catalog

__all__ = ["Admitted", "Place", "Statement", "admit"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement is to run."""

    settings: Settings
    ledger: Ledger
    warehouse: Warehouse
    policy: Policy
    catalog: Catalog
    """What the guard knows of the warehouse."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a run, and who wants it run for what."""

    sql: str
    run_id: str
    person: str
    """Whose policy holds for it."""
    actor: str
    """Who is on the record for running it."""
    purpose: str
    """`amendment` or `replay`, as the records of it say."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What the guard and the budget said; where there is no refusal, the intent is on the record."""

    verdict: Verdict
    refusal: RunError | None
    max_rows: int


def admit(place: Place, statement: Statement) -> Admitted:
    """Judge and weigh a statement, and put the intent to run it on the record if it may.

    Raises:
        AuditError: it could not be put on the record.
    """
    from agent.steps.guard import judge
    from agent.warehouse.budget import weigh

    warehouse, policy = place.warehouse, place.policy.of(statement.person)
    limits = policy.effective_limits(place.settings.limits)
    verdict = judge(
        statement.sql, dialect=warehouse.dialect, catalog=place.catalog, policy=policy, max_rows=limits.max_rows
    )
    if not verdict.allowed:
        return Admitted(verdict, RunError(verdict.error_class, verdict.message), limits.max_rows)
    weighed = weigh(warehouse, verdict.sql, place.catalog, limits)
    if weighed.refusal is not None:
        return Admitted(verdict, weighed.refusal, limits.max_rows)
    intent = {
        "sql": verdict.sql,
        "warehouse": warehouse.display_url,
        "dialect": warehouse.dialect,
        "tables": list(verdict.tables),
        "restrictions": list(verdict.restrictions),
        "verdict": "allowed",
        "purpose": statement.purpose,
        **weighed.to_json(),
    }
    place.ledger.append("run.intent", intent, run_id=statement.run_id, actor=statement.actor)
    return Admitted(verdict, None, limits.max_rows)
