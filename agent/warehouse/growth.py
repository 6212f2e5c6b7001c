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
_SQUARED = 250
"""An edit distance takes the product of both lengths: its texts may be twenty times longer, no more."""
_JOINING = (exp.Concat, exp.ConcatWs)
_REPLACING = (exp.Replace, exp.RegexpReplace)


def growth(statement: exp.Expr) -> int:
    """How many times longer a text may get, if every query of the statement feeds the next: an upper bound."""
    by_query: dict[int, int] = {}
    for node in statement.find_all(*_JOINING, *_REPLACING, exp.DPipe):
        times = 1
        above: exp.Expr | None = node
        while above is not None and not isinstance(above, exp.Query):
            times *= _times(above)
            above = above.parent
        by_query[id(above)] = max(times, by_query.get(id(above), 1))
    total = 1
    for times in by_query.values():
        total *= times
    return total * _SQUARED if statement.find(exp.Levenshtein) else total


def _times(node: exp.Expr) -> int:
    if isinstance(node, _REPLACING):
        return _longer(node)
    if isinstance(node, exp.DPipe) and not isinstance(node.parent, exp.DPipe):  # a chain counts once, as a whole
        return max(1, sum(not isinstance(part, exp.Literal) for part in node.flatten()))
    if isinstance(node, _JOINING):
        return max(1, sum(not isinstance(part, exp.Literal) for part in node.expressions))
    return 1


def _longer(node: exp.Expr) -> int:
    """How many characters a replacement makes of one."""
    new, old = node.args.get("replacement"), node.args.get("expression")
    if new is None:
        return 1
    if not isinstance(new, exp.Literal):
        return _UNKNOWN
    shortest = len(old.name) if isinstance(node, exp.Replace) and isinstance(old, exp.Literal) else 1
    return max(1, -(-len(new.name) // max(1, shortest)))
