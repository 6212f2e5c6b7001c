"""MariaDB and MySQL: `EXPLAIN FORMAT=JSON`, whose tables stand in the order they are joined in.

The two agree in the outline and not in the words: MariaDB says "rows" and "block-nl-join" where MySQL says
"rows_examined_per_scan" and "using_join_buffer". MySQL's form is the one of `explain_json_format_version = 1`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlglot import exp

from agent.warehouse.plans.tally import RECURSIONS, Estimate, Tally, early_stop, rows_left, tables_by_alias

__all__ = ["read_plan"]

_Node = Mapping[str, Any]
_SUBQUERIES: Final = (
    "subqueries",
    "attached_subqueries",
    "select_list_subqueries",
    "having_subqueries",
    "order_by_subqueries",
    "group_by_subqueries",
    "optimized_away_subqueries",
)
_WHOLE: Final = frozenset({"ALL", "index"})
"""Access types that read a table, or one of its indexes, from end to end."""


def read_plan(plan: _Node, tree: exp.Expr) -> Estimate:
    """What a plan announces for the statement `tree`.

    Raises:
        KeyError, TypeError, ValueError: the plan has another form.
    """
    block = plan["query_block"]
    tally = Tally()
    rows = _Walk(tally, tables_by_alias(tree)).block(block, 1.0)
    stop = early_stop(tree)
    if stop is not None and rows > stop:
        tally.scanned *= stop / rows
    cost = block.get("cost", block.get("cost_info", {}).get("query_cost"))
    return tally.estimate(rows_left(tree, rows), None if cost is None else float(cost))


class _Walk:
    def __init__(self, tally: Tally, tables: Mapping[str, tuple[str, ...]]) -> None:
        self._tally = tally
        self._tables = tables

    def block(self, node: _Node, times: float) -> float:
        """Count a query block, or an operation in one, that runs `times` times; gives the rows of one run."""
        rows = 1.0
        if "nested_loop" in node:
            for entry in node["nested_loop"]:
                rows = self._entry(entry, rows, times)
        elif "table" in node:
            rows = self._table(node["table"], rows, times, {})
        else:
            rows = self._inside(node, times)
        for subquery in _subqueries(node):
            repeated = "expression_cache" in subquery or subquery.get("dependent") is True
            self.block(_query_block(subquery), times * max(1.0, rows) if repeated else times)
        return rows

    def _inside(self, node: _Node, times: float) -> float:
        """The rows of a wrapper such as a sort, or of a union of blocks."""
        union = node.get("union_result") or node.get("recursive_union")
        if union is not None:
            again = RECURSIONS if "recursive_union" in node else 1
            first, *others = (_query_block(part) for part in union["query_specifications"])
            return self.block(first, times) + sum(self.block(part, times * again) * again for part in others)
        for value in node.values():
            if isinstance(value, Mapping) and ("table" in value or "nested_loop" in value or _wraps(value)):
                return self.block(value, times)
        return 1.0

    def _entry(self, entry: _Node, before: float, times: float) -> float:
        """One step of a join, `before` the rows that reach it; gives the rows that leave it."""
        node, around = entry, dict[str, Any]()
        while "table" not in node:
            if "nested_loop" in node:
                return before * self.block(node, times * max(1.0, before))
            (key, inner), *_ = ((k, v) for k, v in node.items() if isinstance(v, Mapping))
            around |= {"step": key, **{k: v for k, v in inner.items() if not isinstance(v, Mapping)}}
            node = inner
        return self._table(node["table"], before, times, around)

    def _table(self, table: _Node, before: float, times: float, around: Mapping[str, Any]) -> float:
        for key in ("materialized", "materialized_from_subquery"):
            if key in table:
                self.block(_query_block(table[key]), times)
        if "rows" not in table and "rows_examined_per_scan" not in table:
            return before  # "Impossible WHERE", "Select tables optimized away" and the like: nothing is read
        rows = float(table.get("rows", table.get("rows_examined_per_scan")))
        after = before * rows * float(table.get("filtered", 100)) / 100
        whole = table.get("access_type") in _WHOLE
        if whole:
            self._name(str(table["table_name"]))
        buffer = str(around.get("join_type", table.get("using_join_buffer", "")))
        if "hash" in buffer.lower() or buffer.upper().endswith("BNLH"):
            self._tally.scanned += rows * times
            after = float(table.get("rows_produced_per_join", max(before, rows)))
            self._tally.join(after, before, rows, times)
        else:
            self._tally.scanned += before * rows * times
            if whole:
                self._tally.note_product(before, rows)
        for subquery in _subqueries(table):
            self.block(_query_block(subquery), times * max(1.0, before * rows))
        return float(table.get("rows_produced_per_join", after))

    def _name(self, alias: str) -> None:
        if not alias.startswith("<"):
            for table in self._tables.get(alias.casefold(), (alias,)):
                self._tally.full_scans[table] += 1


def _subqueries(node: _Node) -> Iterator[_Node]:
    for key in _SUBQUERIES:
        yield from node.get(key, ())


def _query_block(node: _Node) -> _Node:
    """The block in a subquery, past the wrappers around it."""
    at = node
    while "query_block" not in at:
        inner = [value for value in at.values() if isinstance(value, Mapping)]
        if not inner:
            return at
        at = inner[0]
    block: _Node = at["query_block"]
    return block


def _wraps(node: _Node) -> bool:
    return any(
        isinstance(value, Mapping) and ("table" in value or "nested_loop" in value or _wraps(value))
        for value in node.values()
    )
