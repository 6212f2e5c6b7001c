"""Keeps what a statement asks of a table's rows from being asked of rows that the policy hides.

A row filter stands in a derived table, and an optimiser may merge that into the rest and ask a statement's own
conditions first. As long as these only compare, nobody can tell. One that can fail (a cast, a division, a number out of
range) tells: `CAST(ShipCountry AS INTEGER)` fails on a row that is not shown, and the error quotes its value. Such a
statement gets a fence, a LIMIT that no table reaches and no optimiser moves a condition across.

PostgreSQL calls the same a security barrier: https://www.postgresql.org/docs/current/rules-privileges.html
"""

from __future__ import annotations

from sqlglot import exp

from agent.warehouse.functions import node_classes

__all__ = ["fence", "may_fail"]

_CANNOT_FAIL = node_classes(
    "Select Union Intersect Except CTE With From Join Where Group Having Qualify Order Ordered Limit Offset Fetch "
    "Distinct Table TableAlias Alias Column Identifier Star Tuple Paren Literal Null Boolean Var DataType "
    "And Or Not EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ Is In Between Exists "
    "Case If Coalesce Nullif Count Min Max Sum Avg CurrentDate"
)
"""What gives a value for every row, whatever the row holds. A scalar subquery does not: it fails on a second row."""

_FARTHEST = {
    "sqlite": -1,
    "duckdb": 2**63 - 1,
    "mysql": 2**64 - 1,
    "tsql": 2**63 - 1,
    "snowflake": 2**63 - 1,
    "bigquery": 2**63 - 1,
}
"""The last three are not connected to, so nobody has tried whether their optimisers keep to it."""


def may_fail(statement: exp.Expr, dialect: str) -> bool:
    """Whether part of `statement` that could be asked of a row before the policy's condition could fail there.

    What the outermost SELECT shows, groups or orders by is asked of what its conditions let through, and only then.
    """
    if dialect == "duckdb":  # compares a text with a number by casting the text, so that any comparison may fail
        return True
    last = set[int]()
    if isinstance(statement, exp.Select):
        shown = [*statement.expressions, statement.args.get("group"), statement.args.get("order")]
        last = {id(part) for part in shown if part is not None and part.find(exp.Query) is None}
    return any(
        type(node) not in _CANNOT_FAIL and not _is_constant_cast(node) and not _holds_a_source(node)
        for node in statement.walk(prune=lambda node: id(node) in last)
        if id(node) not in last
    )


def fence(rows: exp.Select, dialect: str) -> None:
    """Put the fence on the derived table's query, in place."""
    if dialect in _FARTHEST:
        farthest = _FARTHEST[dialect]
        number = exp.Literal.number(abs(farthest))
        rows.set("limit", exp.Limit(expression=exp.Neg(this=number) if farthest < 0 else number))
    elif dialect == "postgres":
        rows.set("offset", exp.Offset(expression=exp.Literal.number(0)))


def _is_constant_cast(node: exp.Expr) -> bool:
    return isinstance(node, exp.Cast | exp.Date) and isinstance(node.this, exp.Literal)


def _holds_a_source(node: exp.Expr) -> bool:
    """A parenthesised query that stands in FROM, IN or EXISTS gives rows, not a value."""
    return isinstance(node, exp.Subquery) and isinstance(node.parent, exp.From | exp.Join | exp.Subquery | exp.In)
