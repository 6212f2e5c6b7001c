"""Records of the size and shape that a run leaves: ten of them, 0.9 kB each on average."""

from __future__ import annotations

from typing import Any

from audit.record import Entry
from audit.seal import digest

__all__ = ["RUN_KINDS", "run_entries"]

_SQL = (
    "SELECT c.CategoryName, SUM(d.UnitPrice * d.Quantity * (1 - d.Discount)) AS revenue FROM order_details AS d "
    "JOIN Orders AS o ON d.OrderID = o.OrderID JOIN Products AS p ON d.ProductID = p.ProductID JOIN Categories AS c "
    "ON p.CategoryID = c.CategoryID WHERE o.OrderDate >= '2023-01-01' AND o.OrderDate < '2024-01-01' "
    "GROUP BY 1 LIMIT {n}"
)
_PIECES = [
    {"kind": "column", "id": f"Orders.Column{n}", "version": digest(b"v%d" % n)[:12], "hash": digest(b"h%d" % n)}
    for n in range(14)
]
RUN_KINDS = (
    "run.started",
    "run.grounded",
    "run.drafted",
    "run.drafted",
    "run.guarded",
    "run.intent",
    "run.outcome",
    "run.checked",
    "run.repaired",
    "run.answered",
)


def run_entries(run_id: str, number: int) -> list[Entry]:
    """The ten entries of one run; `number` makes them differ."""
    sql, finger = _SQL.format(n=number), digest(b"result %d" % number)
    draft: dict[str, Any] = {"sql": sql, "model": "m", "prompt_hash": finger, "confidence": 0.913, "tokens": 87}
    answer = {
        "status": "answered",
        "sql": sql,
        "dialect": "sqlite",
        "confidence": 0.913,
        "columns": ["CategoryName", "revenue"],
        "result_fingerprint": finger,
        "findings": [{"check": "limit", "severity": "info", "message": "No limit was asked for.", "evidence": ""}],
        "timings_ms": {"ground": 12.5, "generate": 401.25, "execute": 3.75},
    }
    bodies: tuple[dict[str, Any], ...] = (
        {"question": f"Which {number} categories had the highest revenue in 2023?", "asker": "Ada", "direct": False},
        {"pieces": _PIECES, "catalog_fingerprint": finger, "semantics_fingerprint": finger},
        draft,
        {**draft, "confidence": 0.72},
        {"draft": 0, "draft_sql": sql, "allowed": True, "tables": ["Orders", "Products"], "sql": sql},
        {"draft": 0, "sql": sql, "warehouse": "sqlite:///warehouse.sqlite", "tables": ["Orders", "Products"]},
        {"draft": 0, "sql": sql, "ok": True, "row_count": 8, "result_fingerprint": finger, "elapsed_ms": 3.75},
        {"draft": 0, "findings": []},
        {"mend": "none", "from": sql, "to": "", "error_class": "", "message": ""},
        answer,
    )
    return [Entry(kind, body, run_id) for kind, body in zip(RUN_KINDS, bodies, strict=True)]
