"""Tells how much longer than its data a statement could make a text, before a database has to find out.

A few nested replacements make gigabytes of a short text, inside one call of a function, which no time limit interrupts:
MariaDB went on for twenty minutes after such a statement was killed.
"""

from __future__ import annotations

from sqlglot import exp

__all__ = ["MAX_GROWTH", "growth"]

MAX_GROWTH = 5000
"""Times as long as the longest text it began with; twelve doublings."""
_UNKNOWN = 100
_JOINING = (exp.Concat, exp.ConcatWs)
_REPLACING = (exp.Replace, exp.RegexpReplace)


def growth(statement: exp.Expr) -> int:
    """How many times longer a text may get, if every query of the statement feeds the next: an upper bound."""
    by_query: dict[int, int] = {}
    for node in statement.find_all(*_JOINING, *_REPLACING, exp.DPipe):
        times, above = 1, node
        while above is not None and not isinstance(above, exp.Query):
            times *= _times(above)
            above = above.parent
        by_query[id(above)] = max(times, by_query.get(id(above), 1))
    total = 1
    for times in by_query.values():
        total *= times
    return total


def _times(node: exp.Expr) -> int:
    if isinstance(node, exp.DPipe):
        if isinstance(node.parent, exp.DPipe):
            return 1  # counted with the whole chain
        return max(1, sum(not isinstance(part, exp.Literal) for part in node.flatten()))
    if isinstance(node, _JOINING):
        return max(1, sum(not isinstance(part, exp.Literal) for part in node.expressions))
    if isinstance(node, _REPLACING):
        new, old = node.args.get("replacement"), node.args.get("expression")
        if new is None:
            return 1
        if not isinstance(new, exp.Literal):
            return _UNKNOWN
        shortest = len(old.name) if isinstance(node, exp.Replace) and isinstance(old, exp.Literal) else 1
        return max(1, -(-len(new.name) // max(1, shortest)))
    return 1
