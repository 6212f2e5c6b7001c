"""Is a metric that the question names computed as it is defined?

Formulas are compared by what they compute, not by how they are written: both are evaluated on the same random column
values, and two polynomials that agree on a few random points are the same (Schwartz 1980, Zippel 1979). So `a*b*(1-c)`,
`a*b - a*b*c` and a sum taken apart over two subqueries all count as the definition; a forgotten discount does not.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from agent.run import Finding, Severity
from agent.steps.checks.statement import Checked, Statement
from memory.catalog import Catalog
from memory.semantics import Metric

__all__ = ["check_metrics"]

_POINTS = 4
_TOLERANCE = 1e-9
_ARITHMETIC = (exp.Sum, exp.Avg, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Column, exp.Case, exp.Paren)

_Column = tuple[str, str]
_Point = Mapping[_Column, float]


class _NotEvaluable(Exception):  # noqa: N818 (a normal answer: this expression has no value here)
    pass


def check_metrics(checked: Checked) -> Iterator[Finding]:
    """One finding per named metric that is computed in another way than its definition says."""
    for metric in checked.named_metrics:
        yield from _check_presence(metric, checked)
        for part in checked.layer.parts_of(metric):
            yield from _check_formula(metric, part, checked)
            yield from _check_filter(metric, part, checked)


def _check_presence(metric: Metric, checked: Checked) -> Iterator[Finding]:
    """What a metric that is named in full adds up leaves some trace in the statement; a count needs none."""
    parts = {
        part.name: frozenset(
            column for atom in _summed(part.sql, checked.layer.dialect) for column in _columns_of(atom, checked.catalog)
        )
        for part in checked.layer.parts_of(metric)
    }
    missing = [name for name, columns in parts.items() if columns and not columns & checked.statement.columns_used]
    if not missing or not _is_named(metric, checked):
        return
    if not any(columns & checked.statement.columns_used for columns in parts.values()):
        severity: Severity = "error" if metric.name.casefold() in checked.words else "warning"
        yield Finding("metric_missing", severity, f"The question names {metric.name}; nothing of it is computed.")
    elif metric.is_ratio:
        told = f"{metric.name} is made of {' and '.join(missing)}; nothing of that is computed."
        yield Finding("metric_missing", "error", told)


def _check_formula(metric: Metric, part: Metric, checked: Checked) -> Iterator[Finding]:
    statement = checked.statement
    for atom in _summed(part.sql, checked.layer.dialect):
        wanted = _columns_of(atom, checked.catalog)
        used = wanted & statement.columns_used
        if not wanted or not used:
            continue  # nothing of it is here: the word was meant otherwise, or another metric of its name
        try:
            values = [_value(atom, point, None, checked.catalog) for point in _points(wanted)]
        except _NotEvaluable:
            values = []
        if values and _computed_somewhere(values, wanted, statement, checked.catalog):
            continue
        missing = sorted(f"{table}.{column}" for table, column in wanted - used)
        if not values and not missing:
            continue  # the definition is beyond plain arithmetic, and all that it is made of is there
        if not statement.aggregates and not missing:
            continue  # a list of the parts themselves
        problem = f"{', '.join(missing)} is left out" if missing else "its parts are combined differently"
        yield Finding(
            "metric_formula",
            "error" if _surely_meant(metric, part, checked, complete=not missing) else "warning",
            f"{metric.name} is not computed as defined ({part.formula or part.sql}): {problem}.",
            evidence=part.sql,
        )


def _check_filter(metric: Metric, part: Metric, checked: Checked) -> Iterator[Finding]:
    if not part.filter:
        return
    tree = _parsed(f"SELECT 1 WHERE {part.filter}", checked.layer.dialect)
    wanted = _columns_of(tree, checked.catalog) if tree is not None else frozenset()
    if wanted and not wanted & checked.statement.columns_used:
        yield Finding(
            "metric_filter",
            "error" if _is_named(metric, checked) and "SELECT" not in part.filter.upper() else "warning",
            f"{metric.name} counts only rows where {part.filter}; the statement does not look at that.",
            evidence=part.filter,
        )
    elif wanted - checked.statement.columns_used:
        missing = ", ".join(sorted(f"{t}.{c}" for t, c in wanted - checked.statement.columns_used))
        yield Finding("metric_filter", "warning", f"{metric.name} is defined with {missing}, which is not used.")


def _surely_meant(metric: Metric, part: Metric, checked: Checked, *, complete: bool) -> bool:
    """Whether the metric is named by more than one word, or at least its rows are read: “cost” is also a verb.

    A statement with all of the parts, only combined differently, may well compute a neighbour that shares a synonym:
    then only the metric's own name counts.
    """
    if complete:
        return not metric.is_ratio and metric.name.casefold() in checked.words
    return _is_named(metric, checked) or part.base in checked.statement.found.tables


def _is_named(metric: Metric, checked: Checked) -> bool:
    """By a name of several words; “orders shipped to Cork” is a place, not the metric Orders Shipped."""
    return any(
        " " in surface and re.search(rf"\b{re.escape(surface.casefold())}\b(?! (?:to|by|via|with)\b)", checked.words)
        for surface in metric.surfaces
    )


def _computed_somewhere(
    values: list[float], wanted: frozenset[_Column], statement: Statement, catalog: Catalog
) -> bool:
    """Whether any expression of the statement has these values, up to a constant factor (percent, thousands)."""
    points = _points(wanted)
    for node in statement.tree.find_all(*_ARITHMETIC):
        try:
            got = [_value(node, point, statement, catalog) for point in points]
        except (_NotEvaluable, ZeroDivisionError):
            continue
        if any(abs(value) < _TOLERANCE for value in (*values, *got)):
            continue
        factors = [one / other for one, other in zip(got, values, strict=True)]
        if all(abs(factor - factors[0]) <= _TOLERANCE * abs(factors[0]) for factor in factors):
            return True
    return False


def _value(node: exp.Expr, point: _Point, statement: Statement | None, catalog: Catalog) -> float:
    """The expression's value where every column has the point's; an aggregate is worth what it aggregates."""
    if isinstance(node, exp.Column):
        return _column_value(node, point, statement, catalog)
    if isinstance(node, exp.Literal) and not node.is_string:
        return float(node.name)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div):
        left = _value(node.this, point, statement, catalog)
        return _combined(node, left, _value(node.expression, point, statement, catalog))
    inner = _value(_inside(node), point, statement, catalog)
    return -inner if isinstance(node, exp.Neg) else inner


def _inside(node: exp.Expr) -> exp.Expr:
    """What an expression that leaves a number as it is (roughly, or by condition) is about."""
    inner: exp.Expr | None = None
    if isinstance(node, exp.Case) and node.args.get("ifs"):
        inner = node.args["ifs"][0].args["true"]
    elif isinstance(node, exp.Select) and len(node.expressions) == 1:
        inner = node.expressions[0].unalias()
    elif isinstance(
        node,
        exp.Neg | exp.Paren | exp.Sum | exp.Avg | exp.Cast | exp.Round | exp.Coalesce | exp.Filter | exp.Window
        | exp.Nullif | exp.Subquery,
    ):  # fmt: skip
        inner = node.this
    if inner is None:
        raise _NotEvaluable
    return inner


def _combined(node: exp.Expr, left: float, right: float) -> float:
    if isinstance(node, exp.Add):
        return left + right
    if isinstance(node, exp.Sub):
        return left - right
    if isinstance(node, exp.Mul):
        return left * right
    return left / right


def _column_value(node: exp.Column, point: _Point, statement: Statement | None, catalog: Catalog) -> float:
    if statement is None:
        column = catalog.column(node.table, node.name)
        table = catalog.table(node.table)
        origin = (table.name, column.name) if table and column else None
    else:
        definition = statement.found.definitions.get(id(node))
        if definition is not None:
            return _value(definition, point, statement, catalog)
        origin = statement.found.origins.get(id(node))
    if origin is None or origin not in point:
        raise _NotEvaluable
    return point[origin]


@lru_cache(maxsize=256)
def _points(columns: frozenset[_Column]) -> tuple[_Point, ...]:
    """The same few random values for the same columns, between 1 and 2 so that nothing vanishes."""
    chance = random.Random(len(columns))  # noqa: S311 (repeatable, not secret)
    return tuple({column: 1 + chance.random() for column in sorted(columns)} for _ in range(_POINTS))


@lru_cache(maxsize=256)
def _summed(sql: str, dialect: str) -> tuple[exp.Expr, ...]:
    """What a metric's SUMs and AVGs are taken of."""
    tree = _parsed(f"SELECT {sql}", dialect)
    return tuple(node.this for node in tree.find_all(exp.Sum, exp.Avg)) if tree is not None else ()


def _parsed(sql: str, dialect: str) -> exp.Expr | None:
    try:
        return sqlglot.parse_one(sql, dialect=dialect)
    except SqlglotError:
        return None


def _columns_of(tree: exp.Expr, catalog: Catalog) -> frozenset[_Column]:
    found = set()
    for node in tree.find_all(exp.Column):
        table, column = catalog.table(node.table), catalog.column(node.table, node.name)
        if table is not None and column is not None:
            found.add((table.name, column.name))
    return frozenset(found)
