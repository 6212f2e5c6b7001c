"""Mends of literals: a date without quotes, a number in quotes, a text compared as a number, a name quoted as a text.

Each is only changed where the type of what it is compared with leaves one reading. The rows of such a draft are never
merely another order of the right ones: a date without quotes is a subtraction, and SQLite compares it without a word.
"""

from __future__ import annotations

from functools import reduce

from sqlglot import exp

from agent.steps.faults import Known, column_fault_in, parsed
from agent.steps.literals import (
    empty_patterns,
    misfits,
    numbers_as_texts,
    percent_pattern,
    quoted_names,
    swapped_patterns,
    texts_added,
)
from agent.warehouse.dialects import render
from agent.warehouse.scopes import Resolution, UnresolvedName, resolve

__all__ = [
    "cast_dropped",
    "literal_fitted",
    "name_unquoted",
    "pattern_said",
    "rounded_as_decimal",
    "text_quoted",
    "texts_joined",
]


def literal_fitted(sql: str, known: Known) -> str | None:
    """`OrderDate >= 2023-01-01` → `'2023-01-01'`, `Quantity > '10'` → `10`, `STRFTIME('%m', d) = 3` → `'03'`."""
    tree, found = _resolved(sql, known)
    if tree is None:
        return None
    changes = misfits(tree, found, known.catalog)
    if not changes or any(misfit.meant is None for misfit in changes):
        return None
    for misfit in changes:
        misfit.literal.replace(misfit.meant)
    return render(tree, known.dialect)


def cast_dropped(sql: str, known: Known) -> str | None:
    """`SUM(CAST(Quantity AS TEXT))` → `SUM(Quantity)`: a number need not be made a text to be added up or compared."""
    tree, found = _resolved(sql, known)
    if tree is None:
        return None
    aggregates = numbers_as_texts(tree, found, known.catalog)
    for aggregate in aggregates:
        aggregate.set("this", aggregate.this.this)
    return render(tree, known.dialect) if aggregates else None


def texts_joined(sql: str, known: Known) -> str | None:
    """`FirstName + ' ' + LastName` → `FirstName || ' ' || LastName`, where `+` takes texts for numbers."""
    tree = parsed(sql, known.dialect)
    sums = texts_added(tree) if tree is not None else []
    if tree is None or not sums or any(_is_condition(part) for added in sums for part in added.flatten()):
        return None
    for added in sums:
        parts = [part.copy() for part in added.flatten()]
        together = exp.func("CONCAT", *parts) if known.dialect == "mysql" else reduce(_piped, parts)
        added.replace(together)
    return render(tree, known.dialect)


def _is_condition(node: exp.Expr) -> bool:
    return isinstance(node, exp.Predicate | exp.Connector | exp.Not)


def _piped(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return exp.DPipe(this=left, expression=right, safe=True)


def pattern_said(sql: str, known: Known) -> str | None:
    """`DATE_FORMAT(d, 'yyyy-MM')` → `DATE_FORMAT(d, '%Y-%m')`, `STRFTIME(d, '%Y')` → `STRFTIME('%Y', d)` for SQLite."""
    tree = parsed(sql, known.dialect)
    patterns, swapped = (empty_patterns(tree), swapped_patterns(tree)) if tree is not None else ([], [])
    meant = [percent_pattern(pattern.name) for pattern in patterns]
    if tree is None or not (patterns or swapped) or None in meant:
        return None
    for pattern, said in zip(patterns, meant, strict=True):
        pattern.set("this", said)
    for node in swapped:
        pattern, date = next(node.this.find_all(exp.Literal)), node.args["format"]
        node.set("format", pattern.copy())
        node.set("this", date.copy())
    return render(tree, known.dialect)


def rounded_as_decimal(sql: str, known: Known) -> str | None:
    """`ROUND(a / b, 2)` → `ROUND(CAST(a / b AS DECIMAL), 2)`: PostgreSQL rounds only decimals to places."""
    tree = parsed(sql, known.dialect)
    if tree is None or known.dialect != "postgres" or "round(" not in known.message.casefold():
        return None
    roundings = [
        node for node in tree.find_all(exp.Round) if node.args.get("decimals") and not isinstance(node.this, exp.Cast)
    ]
    for node in roundings:
        node.set("this", exp.cast(node.this.copy(), "decimal"))
    return render(tree, known.dialect) if roundings else None


def text_quoted(sql: str, known: Known) -> str | None:
    """`Country = Germany` → `Country = 'Germany'`, where the column stores that, in whatever case."""
    fault = column_fault_in(sql, known)
    if fault is None or fault.node.table or fault.node.this.args.get("quoted"):
        return None
    beside = _beside(fault.node)
    if beside is None:
        return None
    table = next((fault.sources[a] for a in fault.sources if a.casefold() == beside.table.casefold()), None)
    owners = [table] if beside.table else [held for held in fault.sources.values() if held]
    written = fault.node.name.casefold()
    stored = {
        value for owner in owners if owner for value in known.stored(owner, beside.name) if value.casefold() == written
    }
    if len(stored) != 1:
        return None
    fault.node.replace(exp.Literal.string(stored.pop()))
    return render(fault.tree, known.dialect)


def name_unquoted(sql: str, known: Known) -> str | None:
    """`SELECT 'Country', COUNT(*)` → `SELECT Country, COUNT(*)`: a column's name in the quotes of a text."""
    tree = parsed(sql, known.dialect)
    if tree is None:
        return None
    texts = quoted_names(tree, known.catalog)
    for node, column in texts:
        node.replace(column)
    return render(tree, known.dialect) if texts else None


def _resolved(sql: str, known: Known) -> tuple[exp.Expr | None, Resolution]:
    """The tree with every name followed; None when it does not parse, or a name stands for nothing."""
    tree = parsed(sql, known.dialect)
    try:
        return tree, resolve(tree, known.catalog, known.dialect) if tree is not None else Resolution()
    except UnresolvedName:
        return None, Resolution()


def _beside(node: exp.Column) -> exp.Column | None:
    """The column that a bare word is compared with."""
    parent = node.parent
    if isinstance(parent, exp.In) and isinstance(parent.this, exp.Column) and parent.this is not node:
        return parent.this
    if isinstance(parent, exp.EQ | exp.NEQ):
        other = parent.this if parent.expression is node else parent.expression
        return other if isinstance(other, exp.Column) else None
    return None
