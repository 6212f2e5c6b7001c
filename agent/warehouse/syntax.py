"""The syntax that the guard lets pass, as data: exact node classes, and for some of them the arguments they may carry.

An allow-list, as that of the functions is: a node or an argument that nobody has looked at is refused.
"""

from __future__ import annotations

from functools import cache

from sqlglot import exp

from agent.warehouse.functions import allowed_function_classes, node_classes

__all__ = ["ALLOWED_ARGUMENTS", "WRITING_NODES", "allowed_nodes", "every_node", "harmless_nodes"]


def every_node(tree: exp.Expr) -> list[exp.Expr]:
    """The tree's nodes, each after the one it stands in: what `walk` gives, in a fraction of its time."""
    nodes = [tree]
    for node in nodes:  # it grows while it is gone through
        for value in node.args.values():
            if isinstance(value, exp.Expr):
                nodes.append(value)
            elif type(value) is list:
                nodes += [entry for entry in value if isinstance(entry, exp.Expr)]
    return nodes


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STRUCTURE = (
    "Select Union Intersect Except Subquery CTE With From Join Where Group Having Qualify Order Ordered Limit Offset "
    "Fetch LimitOptions Distinct Table TableAlias Alias Column Identifier Star Values "
    "Tuple Paren Literal Null Boolean "
    "Interval Var DataType DataTypeParam Rollup Cube GroupingSets Window WindowSpec Filter WithinGroup IgnoreNulls "
    "RespectNulls HavingMax Collate AtTimeZone Any All Escape National "
    "RawString HexString Lateral"
)
_OPERATORS = (
    "And Or Not Xor EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ Is In Between Like ILike Glob SimilarTo RegexpLike "
    "RegexpILike RegexpFullMatch Add Sub Mul Div IntDiv Mod Neg DPipe BitwiseAnd BitwiseOr BitwiseXor BitwiseNot "
    "BitwiseLeftShift BitwiseRightShift IntervalOp Overlaps"
)
_SYNTAX = node_classes(f"{_STRUCTURE} {_OPERATORS}") | {exp.Anonymous}


@cache
def allowed_nodes(dialect: str) -> frozenset[type[exp.Expr]]:
    """Exact node classes (no subclasses) that a judged statement of the dialect may be made of."""
    return _SYNTAX | allowed_function_classes(dialect)


WRITING_NODES: tuple[type[exp.Expr], ...] = (
    exp.DML,
    exp.DDL,
    exp.Command,
    exp.Into,
    exp.Lock,
    *node_classes(
        "Drop Alter TruncateTable Merge Copy LoadData Set SetItem Pragma Attach Detach "
        "Use Kill Grant Revoke Transaction "
        "Commit Rollback Analyze Comment Cache Uncache Refresh Execute ExecuteSql Declare "
        "Export Install Put Get Show "
        "Describe Summarize Returning Create Insert Update Delete NextValueFor"
    ),
)
"""Nodes whose refusal is best explained as "this is not reading"; the rest of what is not allowed is mere syntax."""

_LOOKED_INTO = frozenset(
    {exp.Anonymous, exp.DataType, exp.DataTypeParam, exp.Pad, exp.Format, exp.Alias, exp.TableAlias, exp.Star}
)
"""Nodes that pass or not by what they hold or where they stand."""

ALLOWED_ARGUMENTS: dict[type[exp.Expr], frozenset[str]] = {
    exp.Select: _words("with_ expressions distinct from_ joins where group having qualify windows order limit offset"),
    exp.Union: _words("with_ this expression distinct order limit offset"),
    exp.Intersect: _words("with_ this expression distinct order limit offset"),
    exp.Except: _words("with_ this expression distinct order limit offset"),
    exp.Subquery: _words("this alias with_ joins order limit offset"),
    exp.Table: _words("this alias db catalog joins"),
    exp.Join: _words("this on using side kind"),
    exp.Star: frozenset(),
    exp.CTE: _words("this alias materialized"),
    exp.With: _words("expressions recursive"),
    exp.Column: _words("this table db catalog"),
    exp.Group: _words("expressions grouping_sets cube rollup all"),
    exp.In: _words("this expressions query unnest"),
    exp.Values: _words("expressions alias"),
    exp.Cast: _words("this to safe format"),
    exp.TryCast: _words("this to safe format requires_string"),
    exp.Lateral: _words("this alias outer cross_apply"),
}
"""For the nodes that carry hints, samples, pivots and the like: the only arguments that may be set."""


@cache
def harmless_nodes(dialect: str) -> frozenset[type[exp.Expr]]:
    """Those of the allowed classes that are fine with whatever they hold: nothing more is asked of them."""
    return allowed_nodes(dialect) - ALLOWED_ARGUMENTS.keys() - _LOOKED_INTO
