"""What a statement filters on, read from the statement itself: for pairs whose SQL no template or compiler wrote.

A question that does not name what its SQL filters on teaches a model to make values up, so the quality gate needs to
know them. Dates are told as their year: people write "in March 2023", and never the first day after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp, parse_one

from finetune.pairs.pair import Level, Parameter

__all__ = ["filtered_values", "level_of"]

_DATE = re.compile(r"(\d{4})-\d{2}-\d{2}")
_UPPER_ENDS = (exp.LT, exp.LTE)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like, exp.ILike)
_OBVIOUS = {"0", "1"}
"""Numbers a question need not name: flags, and "at least one"."""


def filtered_values(sql: str, dialect: str) -> tuple[Parameter, ...]:
    """The text, numbers and years that a statement compares columns with; a row count (LIMIT) beyond one, too."""
    tree = parse_one(sql, dialect=dialect)
    found: dict[str, Parameter] = {}
    for literal in _compared(tree):
        surface = _surface(literal)
        if surface and surface not in found:
            value = literal.name if literal.is_string else _number(literal.name)
            found[surface] = Parameter(f"value_{len(found) + 1}", surface, value)
    return tuple(found.values())


def level_of(sql: str, dialect: str) -> Level:
    """How hard a statement is: by its nesting and windows, then by joins and groups."""
    tree = parse_one(sql, dialect=dialect)
    if tree.find(exp.Window, exp.SetOperation) or len(list(tree.find_all(exp.Select))) > 1:
        return "complex"
    joins = len(list(tree.find_all(exp.Join)))
    return "moderate" if joins > 1 or tree.find(exp.Group, exp.Having) else "simple"


def _compared(tree: exp.Expr) -> Iterator[exp.Literal]:
    """Literals that rows are chosen by; the upper end of a half-open range of dates is not one."""
    for node in tree.find_all(*_COMPARISONS, exp.In, exp.Between, exp.Limit):
        for side in _sides(node):
            if isinstance(side, exp.Literal) and not (isinstance(node, _UPPER_ENDS) and _DATE.match(side.name)):
                yield side


def _sides(node: exp.Expr) -> Iterator[exp.Expr | None]:
    if isinstance(node, exp.In):
        yield from node.expressions
    elif isinstance(node, exp.Between):
        yield from (node.args.get("low"), node.args.get("high"))
    elif isinstance(node, exp.Limit):
        yield node.expression
    else:
        yield from (node.this, node.expression)


def _surface(literal: exp.Literal) -> str:
    """How a question names the value; empty when it need not."""
    if not literal.is_string:
        return "" if literal.name in _OBVIOUS else literal.name
    date = _DATE.match(literal.name)
    return date[1] if date else literal.name.strip("%_")


def _number(text: str) -> int | float:
    return int(text) if text.isdigit() else float(text)
