"""Metrics as expressions: what is aggregated, over which base table, and whether its parts may be added up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp, parse_one

from memory.catalog import Catalog
from memory.compiler.query import CannotCompile
from memory.semantics import Metric, SemanticLayer

__all__ = ["Measure", "measure", "tables_in", "when"]

_PLAIN = {"sum": "total", "avg": "average", "min": "min", "max": "max", "distinct": "distinct"}


@dataclass(frozen=True)
class Measure:
    """One number per group. A ratio over two bases has `parts` and no `sql`."""

    id: str
    alias: str
    sql: str
    base: str
    filter: str = ""
    time: str = ""
    scale: float = 1.0
    parts: tuple[Measure, ...] = ()

    def additive(self, dialect: str) -> bool:
        """Whether the groups' values add up to the total, so that a share makes sense."""
        return bool(self.sql) and _is_additive(self.sql, dialect)

    def survives_fan_out(self, dialect: str) -> bool:
        """Whether repeating rows leaves the value as it is (distinct counts, MIN, MAX)."""
        return bool(self.sql) and _survives(self.sql, dialect)


def measure(metric_id: str, layer: SemanticLayer, catalog: Catalog) -> Measure:
    """The measure of a metric id or a plain metric (`count:customer`, `avg:Products.UnitPrice`).

    Raises:
        CannotCompile: a plain metric names an unknown aggregate, table or column.
        KeyError: there is no such metric or entity.
    """
    kind, colon, argument = metric_id.partition(":")
    if colon:
        return _plain(metric_id, kind, argument, layer, catalog)
    return _of(layer.metric(metric_id), layer, catalog)


def when(condition: str, sql: str, dialect: str) -> str:
    """The aggregates of `sql` restricted to rows where `condition` holds, by CASE so that every engine knows it."""
    test = parse_one(condition, dialect=dialect)

    def restrict(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.AggFunc):
            return node
        if _is_distinct_count(node):
            return exp.Count(
                this=exp.Distinct(expressions=[exp.Case().when(test.copy(), node.this.expressions[0].copy())])
            )
        if isinstance(node, exp.Count):
            return exp.Sum(this=exp.Case().when(test.copy(), "1").else_("0"))
        case = exp.Case().when(test.copy(), node.this.copy())
        return type(node)(this=case.else_("0") if isinstance(node, exp.Sum) else case)

    return parse_one(sql, dialect=dialect).transform(restrict).sql(dialect=dialect)


@lru_cache(maxsize=4096)
def tables_in(sql: str, dialect: str) -> tuple[str, ...]:
    """Tables whose columns the expression uses, outside its subqueries, in order of appearance."""
    if not sql:
        return ()
    tree = parse_one(sql, dialect=dialect)
    found: list[str] = []
    for node in tree.walk(prune=lambda n: isinstance(n, exp.Subquery | exp.Exists | exp.Select)):
        if isinstance(node, exp.Column) and node.table and node.table not in found:
            found.append(node.table)
    return tuple(found)


def _of(metric: Metric, layer: SemanticLayer, catalog: Catalog) -> Measure:
    alias = _alias(metric.id, catalog)
    if not metric.is_ratio:
        return Measure(metric.id, alias, metric.sql, metric.base, metric.filter, metric.time)
    top = _of(layer.metric(metric.numerator), layer, catalog)
    bottom = _of(layer.metric(metric.denominator), layer, catalog)
    scale = f"{metric.scale:.1f}" if metric.scale != 1 else ""
    if top.sql and bottom.sql and (top.base, top.filter, top.time) == (bottom.base, bottom.filter, bottom.time):
        head = f"{scale} * " if scale else ""
        text = f"{head}{_operand(top.sql)} / {_operand(bottom.sql)}"
        return Measure(metric.id, alias, text, top.base, top.filter, metric.time or top.time)
    return Measure(metric.id, alias, "", metric.base or top.base, "", metric.time, metric.scale, (top, bottom))


def _plain(metric_id: str, kind: str, argument: str, layer: SemanticLayer, catalog: Catalog) -> Measure:
    if kind == "count":
        entity = layer.entity(argument)
        return Measure(
            metric_id, _alias(f"{argument}_count", catalog), "COUNT(*)", entity.table, "", _clock(entity.table, layer)
        )
    table, _, column = argument.rpartition(".")
    if kind not in _PLAIN or catalog.column(table, column) is None:
        raise CannotCompile(f"`{metric_id}` is not a plain metric of this warehouse.")
    name = f"{table}.{column}"
    sql = f"COUNT(DISTINCT {name})" if kind == "distinct" else f"{kind.upper()}({name})"
    alias = _alias(f"{_PLAIN[kind]}_{_snake(column)}", catalog)
    return Measure(metric_id, alias, sql, table, "", _clock(table, layer))


def _clock(table: str, layer: SemanticLayer) -> str:
    """The calendar's column, for plain metrics whose rows have a date of their own."""
    column = layer.calendar.time_column
    own = column.rpartition(".")[0].lower() == table.lower()
    timed = any(m.base.lower() == table.lower() and m.time == column for m in layer.metrics)
    return column if own or timed else ""


def _snake(name: str) -> str:
    out = "".join(
        f"_{c.lower()}" if c.isupper() and i and not name[i - 1].isupper() else c.lower() for i, c in enumerate(name)
    )
    return out.strip("_")


def _alias(name: str, catalog: Catalog) -> str:
    """The metric's id, unless a column has that very name: engines differ on which of the two they then mean."""
    taken = any(table.column(name) is not None for table in catalog.tables)
    return f"{name}_value" if taken else name


def _operand(sql: str) -> str:
    tree = parse_one(sql)
    return f"({sql})" if isinstance(tree, exp.Binary) else sql


def _is_distinct_count(node: exp.Expr) -> bool:
    return isinstance(node, exp.Count) and isinstance(node.this, exp.Distinct)


@lru_cache(maxsize=1024)
def _is_additive(sql: str, dialect: str) -> bool:
    return isinstance(parse_one(sql, dialect=dialect), exp.Sum | exp.Count)


@lru_cache(maxsize=1024)
def _survives(sql: str, dialect: str) -> bool:
    aggregates = list(parse_one(sql, dialect=dialect).find_all(exp.AggFunc))
    return all(_is_distinct_count(a) or isinstance(a, exp.Min | exp.Max) for a in aggregates)
