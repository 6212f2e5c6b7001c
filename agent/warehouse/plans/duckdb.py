"""DuckDB: `EXPLAIN (FORMAT json)`, with an "Estimated Cardinality" on most nodes and no cost.

Subqueries are joins by the time there is a plan, so nothing in it runs more than once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlglot import exp

from agent.warehouse.plans.tally import RECURSIONS, Estimate, Tally, rows_left

__all__ = ["read_plan"]

_Node = Mapping[str, Any]
_MEETING: Final = frozenset(
    {"CROSS_PRODUCT", "NESTED_LOOP_JOIN", "BLOCKWISE_NL_JOIN", "PIECEWISE_MERGE_JOIN", "IE_JOIN"}
)
"""Joins without an equality. The last two sort, but what an inequality lets through is a share of all pairs."""
_LIMITS: Final = frozenset({"LIMIT", "STREAMING_LIMIT", "LIMIT_PERCENT"})
_PASSING: Final = frozenset({"PROJECTION", "FILTER", "STREAMING_WINDOW", "UNNEST", "UNION"})
"""Nodes through which a LIMIT stops the reading below; all others read their input to the end."""


def read_plan(plan: _Node, tree: exp.Expr, rows_of: Callable[[str], int | None]) -> Estimate:
    """What a plan announces for the statement `tree`; `rows_of` gives the number of rows of a table, if known.

    Raises:
        KeyError, TypeError, ValueError: the plan has another form.
    """
    tally = Tally(rows_of)
    _walk(plan, 1.0, tally)
    return tally.estimate(rows_left(tree, _rows(plan)))


def _walk(node: _Node, share: float, tally: Tally) -> None:
    """`share` is the part of the node's rows that is asked for."""
    name, children, said = _name(node), node["children"], node["extra_info"]
    if not children:
        _leaf(name, said, _rows(node), share, tally)
        return
    if name in _MEETING:
        tally.meet(_rows(children[0]), _rows(children[1]), share)
    elif name.endswith("JOIN") and len(children) == 2:
        tally.join(_rows(node), _rows(children[0]), _rows(children[1]), share)
    for position, child in enumerate(children):
        below = 1.0
        if name in _LIMITS and _rows(child):
            below = share * min(1.0, _rows(node) / _rows(child))
        elif name in _PASSING or (name.endswith(("JOIN", "PRODUCT")) and position == 0):
            below = share
        elif name in {"RECURSIVE_CTE", "REC_CTE"} and position == 1:
            below = float(RECURSIONS)
        _walk(child, below, tally)


def _leaf(name: str, said: Mapping[str, Any], rows: float, share: float, tally: Tally) -> None:
    table = str(said.get("Table", "")).rpartition(".")[2].strip('"')
    if not table or said.get("Type") == "Index Scan":
        tally.scanned += rows * share
    else:
        tally.read_whole(table, max(rows, tally.rows_of(table) or 0), share)


def _rows(node: _Node) -> float:
    """The estimate, or where there is none what follows from the nodes below."""
    name, children, said = _name(node), node["children"], node["extra_info"]
    if name in _LIMITS and children:
        limit = str(said.get("Limit", ""))
        below = _rows(children[0])
        return min(below, float(limit)) if limit.isdigit() else below
    if "Estimated Cardinality" in said:
        return float(said["Estimated Cardinality"])
    if name == "CROSS_PRODUCT":
        return _rows(children[0]) * _rows(children[1])
    if name == "UNION":
        return sum(_rows(child) for child in children)
    return max((_rows(child) for child in children), default=0.0)


def _name(node: _Node) -> str:
    return str(node["name"]).strip()
