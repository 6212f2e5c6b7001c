"""How each dialect is asked for the plan of a query, as text: nothing here runs.

No plan is asked for with ANALYZE or its like, which would run the query to measure it. T-SQL has no EXPLAIN: a setting
of the session makes the server answer with the plan of what follows. BigQuery has none either: its interface takes the
query itself with `dryRun` set, and answers with the bytes that it would read.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.warehouse.dialects import DIALECTS
from agent.warehouse.reading import require_query

__all__ = ["PlanRequest", "explain_text"]

_PREFIXES = {
    "sqlite": "EXPLAIN QUERY PLAN ",
    "duckdb": "EXPLAIN (FORMAT JSON) ",
    "postgres": "EXPLAIN (FORMAT JSON) ",
    "mysql": "EXPLAIN FORMAT=JSON ",
    "snowflake": "EXPLAIN USING JSON ",
    "bigquery": "",
}


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What to send for a plan."""

    batches: tuple[str, ...]
    """Each is sent by itself and on the same session, in this order."""
    answer: int = 0
    """Which of them is answered with the plan."""
    dry_run: bool = False
    """Whether the job must be sent with `dryRun` set; sent without, it would run."""


def explain_text(sql: str, dialect: str) -> PlanRequest:
    """What asks a database of `dialect` (sqlglot's name) for the plan of `sql`, a statement that the guard has allowed.

    Raises:
        RefusedError: the text does not begin like a query; what an EXPLAIN is put before might run.
        ValueError: no plan can be asked for in this dialect.
    """
    if dialect not in DIALECTS:
        raise ValueError(f"No plan can be asked for in the dialect `{dialect}`; known are {', '.join(DIALECTS)}.")
    require_query(dialect, sql)
    if dialect == "tsql":
        return PlanRequest(("SET SHOWPLAN_XML ON", sql, "SET SHOWPLAN_XML OFF"), answer=1)
    return PlanRequest((_PREFIXES[dialect] + sql,), dry_run=dialect == "bigquery")
