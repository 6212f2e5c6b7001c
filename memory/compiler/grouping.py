"""What the builders of statements about metrics share: measures, group keys, one SELECT with a row per group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from memory.compiler.frame import Group, Scope, literal
from memory.compiler.measures import Measure
from memory.compiler.query import CannotCompile, Having, SemanticQuery

__all__ = [
    "Builder",
    "additive",
    "direction_of",
    "grouped_select",
    "groups_of",
    "having_test",
    "keys_of",
    "limit_of",
    "measures_of",
    "numerators",
    "ratio_of",
    "ratio_select",
    "ratio_sides",
    "single",
    "tie",
    "timed_for",
]

Builder = Callable[[SemanticQuery, Scope], str]


def measures_of(query: SemanticQuery, scope: Scope) -> list[Measure]:
    """The measures of the query's metrics."""
    if not query.metrics:
        raise CannotCompile(f"The pattern {query.pattern} needs a metric.")
    return [scope.measure(metric) for metric in query.metrics]


def single(item: Measure) -> Measure:
    """The measure, if one SELECT can hold it."""
    if item.parts:
        raise CannotCompile(f"`{item.id}` is a ratio over two tables, which this pattern cannot hold.")
    return item


def additive(item: Measure, scope: Scope) -> Measure:
    """The measure, if its groups add up to its total."""
    if not item.additive(scope.layer.dialect):
        raise CannotCompile(f"`{item.id}` does not add up over groups, so it has no shares or running total.")
    return item


def groups_of(query: SemanticQuery, scope: Scope, item: Measure, *, inner: bool = False) -> list[Group]:
    """The query's dimensions and its grain as group keys, the grain last."""
    groups = scope.groups(query.dimensions, inner=inner or query.pattern != "breakdown")
    if query.grain is not None:
        column = (query.window.column if query.window else "") or item.time
        if not column:
            raise CannotCompile(f"`{item.id}` has no time column, so it has no {query.grain}s.")
        groups += scope.period(column, query.grain)
    return groups


def grouped_select(query: SemanticQuery, scope: Scope) -> tuple[Measure, list[str], str]:
    """The measure, the names of the group keys, and the SELECT that computes one row per group."""
    item = measures_of(query, scope)[0]
    if item.parts:
        return item, *ratio_select(item, query, scope)
    groups = groups_of(query, scope, item)
    item, body = scope.body(item, [g.sql for g in groups], query)
    items = [g.item for g in groups] + [f"{item.sql} AS {item.alias}"]
    return item, [g.name for g in groups], f"SELECT {', '.join(items)} {body} GROUP BY {keys_of(groups)}"


def timed_for(query: SemanticQuery, part: Measure) -> SemanticQuery:
    """A part without a clock (stock on hand) is the same in every period."""
    return replace(query, window=None) if query.window is not None and not part.time else query


def ratio_of(item: Measure, top: str, bottom: str) -> str:
    """A ratio of two expressions."""
    scale = f"{item.scale:.1f} * " if item.scale != 1 else "1.0 * "
    return f"{scale}{top} / {bottom}"


def ratio_select(item: Measure, query: SemanticQuery, scope: Scope) -> tuple[list[str], str]:
    """The names of the group keys, and a ratio over two base tables as one SELECT with one row per group."""
    sides, names = ratio_sides(item, query, scope)
    (top, first), (bottom, second) = sides
    return names, (
        f"SELECT {numerators(names)}, {ratio_of(item, top, bottom)} AS {item.alias} "
        f"FROM ({first}) AS numerators JOIN ({second}) AS denominators ON {tie(names)}"
    )


def ratio_sides(item: Measure, query: SemanticQuery, scope: Scope) -> tuple[list[tuple[str, str]], list[str]]:
    """Name and SELECT of either part of a ratio, and the names of the group keys."""
    sides, names = [], list[str]()
    for part in item.parts:
        if query.grain is not None and not part.time:
            raise CannotCompile(f"`{part.id}` has no time column, so `{item.id}` has no {query.grain}s.")
        groups = groups_of(replace(query, window=None), scope, part, inner=True)
        names = [g.name for g in groups]
        side, body = scope.body(single(part), [g.sql for g in groups], timed_for(query, part))
        items = [g.item for g in groups] + [f"{side.sql} AS {side.alias}"]
        sides.append((side.alias, f"SELECT {', '.join(items)} {body} GROUP BY {keys_of(groups)}"))
    return sides, names


def numerators(names: Sequence[str]) -> str:
    """The group keys as they are shown."""
    return ", ".join(f"numerators.{name}" for name in names)


def tie(names: Sequence[str]) -> str:
    """Both sides of a ratio have the same group keys."""
    return " AND ".join(f"numerators.{name} = denominators.{name}" for name in names)


def keys_of(groups: Sequence[Group]) -> str:
    """GROUP BY of the groups."""
    return ", ".join(g.key for g in groups)


def having_test(expression: str, having: Having) -> str:
    """A condition on an expression."""
    if having.op == "within":
        return f"{expression} >= {literal(having.value)} AND {expression} < {literal(having.upper or '')}"
    if having.op == "between":
        if having.upper is None:
            raise CannotCompile("Between what and what?")
        return f"{expression} BETWEEN {literal(having.value)} AND {literal(having.upper)}"
    return f"{expression} {having.op} {literal(having.value)}"


def direction_of(order: str | None) -> str:
    """What follows an ORDER BY key."""
    return " DESC" if order == "desc" else ""


def limit_of(query: SemanticQuery) -> str:
    """The LIMIT clause, if there is one."""
    offset = f" OFFSET {query.offset}" if query.offset else ""
    return f" LIMIT {query.limit}{offset}" if query.limit else ""
