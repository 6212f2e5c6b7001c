"""Has a query ask for no more rows than may be shown, in the statement itself, so that the database can stop there."""

from __future__ import annotations

from sqlglot import exp

__all__ = ["cap_rows"]


def cap_rows(tree: exp.Expr, max_rows: int) -> None:
    """Ask for at most one row more than may be shown; a smaller limit of the draft's own stays as it is.

    A limit that is computed, or a share of the rows, stays too: whoever reads the rows stops at the cap.
    """
    target = tree
    if isinstance(tree, exp.Subquery) and not isinstance(tree.this, exp.Table):
        target = tree if tree.args.get("limit") else tree.this
    cap = max_rows + 1
    limit = target.args.get("limit")
    if limit is None:
        if not _gives_one_row(target):
            target.set("limit", exp.Limit(expression=exp.Literal.number(cap)))
        return
    key = "count" if isinstance(limit, exp.Fetch) else "expression"
    count, options = limit.args.get(key), limit.args.get("limit_options")
    is_share = options is not None and options.args.get("percent")
    if not is_share and _is_more_than(count, cap):
        limit.set(key, exp.Literal.number(cap))


def _is_more_than(count: exp.Expr | None, cap: int) -> bool:
    """Whether a limit is a number above the cap, or one of the ways to say none: ALL, NULL, -1."""
    if isinstance(count, exp.Literal):
        return count.name.isdigit() and int(count.name) > cap
    return isinstance(count, exp.Null | exp.Neg | exp.Var)


def _gives_one_row(query: exp.Expr) -> bool:
    """Whether the query is nothing but aggregates, so that a cap would only be noise in the SQL people read."""
    if not isinstance(query, exp.Select) or query.args.get("group") or query.args.get("distinct"):
        return False
    if query.args.get("from_") is None:
        return True
    return bool(query.expressions) and all(_is_aggregate(entry) for entry in query.expressions)


def _is_aggregate(entry: exp.Expr) -> bool:
    """Whether an output column is made of aggregates and constants only."""
    if isinstance(entry, exp.AggFunc) and not isinstance(entry.parent, exp.Window | exp.Filter):
        return True
    aggregates = [
        found
        for found in entry.find_all(exp.AggFunc)
        if found.find_ancestor(exp.Window, exp.Select) is entry.find_ancestor(exp.Select)
    ]
    if not aggregates:
        return False
    inside = {id(column) for aggregate in aggregates for column in aggregate.find_all(exp.Column)}
    return all(id(column) in inside for column in entry.find_all(exp.Column))
