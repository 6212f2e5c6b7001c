"""PostgreSQL: `EXPLAIN (FORMAT JSON)`. A node's "Plan Rows" are those of one execution, after its filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from agent.warehouse.plans.tally import Estimate, Tally

__all__ = ["read_plan"]

_Node = Mapping[str, Any]
_LEAVES: Final = frozenset(
    {"Function Scan", "Table Function Scan", "Values Scan", "CTE Scan", "WorkTable Scan", "Named Tuplestore Scan"}
)
_BLOCKING: Final = frozenset(
    {"Sort", "Incremental Sort", "Hash", "WindowAgg", "SetOp", "Recursive Union", "Bitmap Heap Scan", "Materialize"}
)
"""Nodes that read all of their input before, or whatever, a LIMIT above them takes."""
_REREAD: Final = frozenset({"Seq Scan", "Sample Scan", "Materialize", "Foreign Scan", "CTE Scan"})
"""As the inner side of a nested loop these are gone through anew for every outer row."""


@dataclass(frozen=True, slots=True)
class _Pull:
    """How much of a node is asked for."""

    loops: float = 1.0
    """Executions."""
    share: float = 1.0
    """Of the rows of one, where a LIMIT above stops it early."""
    workers: float = 1.0
    """Processes that share the rows of parallel-aware nodes; the node's figures are those of one."""


def read_plan(plan: _Node, rows_of: Callable[[str], int | None]) -> Estimate:
    """What the root of a plan announces; `rows_of` gives the number of rows of a table, if known.

    Raises:
        KeyError, TypeError, ValueError: the plan has another form.
    """
    tally = Tally(rows_of)
    _walk(plan, _Pull(), tally)
    return tally.estimate(float(plan["Plan Rows"]), float(plan["Total Cost"]))


def _walk(node: _Node, pull: _Pull, tally: Tally) -> None:
    kind, rows = str(node["Node Type"]), float(node["Plan Rows"])
    examined = _examine(node, kind, rows, pull, tally)
    main = []
    for child in node.get("Plans", ()):
        relation = child.get("Parent Relationship")
        if relation == "SubPlan":
            each = 1.0 if f"hashed {child.get('Subplan Name')}" in str(node) else max(1.0, examined * pull.share)
            _walk(child, _Pull(pull.loops * each), tally)
        elif relation == "InitPlan":
            _walk(child, _Pull(pull.loops), tally)
        else:
            main.append(child)
    if kind == "Nested Loop":
        _nested_loop(main, pull, tally)
        return
    if kind in {"Hash Join", "Merge Join"}:
        left, right = (float(side["Plan Rows"]) for side in main)
        tally.join(rows, left, right, pull.loops * pull.share)
    for position, child in enumerate(main):
        _walk(child, _pull_below(node, kind, child, position, pull), tally)


def _examine(node: _Node, kind: str, rows: float, pull: _Pull, tally: Tally) -> float:
    """Count what a node reads itself; gives the rows of it that a subplan beside it is run for."""
    times = pull.loops * pull.share
    if kind in _LEAVES:
        tally.scanned += rows * times
        return rows
    if not kind.endswith("Scan") or kind in {"Subquery Scan", "Bitmap Index Scan"}:
        return rows
    table = str(node.get("Relation Name", "?"))
    by_index = "Index Cond" in node or kind in {"Bitmap Heap Scan", "Tid Scan", "Tid Range Scan"}
    if by_index:
        tally.scanned += rows * times
        return rows
    stored = max(rows * pull.workers if node.get("Parallel Aware") else rows, tally.rows_of(table) or 0)
    tally.read_whole(table, stored, times / pull.workers if node.get("Parallel Aware") else times)
    return rows


def _nested_loop(sides: list[_Node], pull: _Pull, tally: Tally) -> None:
    outer, inner = sides
    _walk(outer, pull, tally)
    rounds = max(1.0, float(outer["Plan Rows"]) * pull.share)
    kind, width = str(inner["Node Type"]), float(inner["Plan Rows"])
    if kind == "Materialize":  # filled once, then gone through for each outer row
        _walk(inner, _Pull(pull.loops, 1.0, pull.workers), tally)
        tally.meet(rounds, width, pull.loops)
        return
    if kind in _REREAD or (kind.startswith("Index") and "Index Cond" not in inner):
        tally.note_product(rounds, width)
    _walk(inner, _Pull(pull.loops * rounds, 1.0, pull.workers), tally)


def _pull_below(node: _Node, kind: str, child: _Node, position: int, pull: _Pull) -> _Pull:
    if kind == "Limit":
        given = float(child["Plan Rows"])
        return replace(pull, share=pull.share * min(1.0, float(node["Plan Rows"]) / given)) if given else pull
    if kind in {"Gather", "Gather Merge"}:
        planned = int(node.get("Workers Planned", 0))
        workers = max(1.0, planned + max(0.0, 1.0 - 0.3 * planned))  # get_parallel_divisor in costsize.c
        return replace(pull, loops=pull.loops * workers, workers=workers)
    is_blocking = kind in _BLOCKING or (kind == "Aggregate" and node.get("Strategy") != "Sorted")
    if is_blocking or (kind == "Merge Join" and position == 1):
        return replace(pull, share=1.0)
    return pull
