"""FROM, JOIN and WHERE of one SELECT: the place where the fan-out rule is kept.

Every SELECT has a base table, whose rows are what is counted. Other tables are joined along the join graph; a step
from the "one" side to the "many" would repeat base rows and is refused, unless the measures are blind to repetition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from memory.catalog import Catalog
from memory.compiler.hierarchy import hierarchical
from memory.compiler.measures import Measure, measure, tables_in
from memory.compiler.query import CannotCompile, Filter, Related, SemanticQuery, TimeWindow, Value
from memory.joins import JoinGraph, NoJoinPath
from memory.semantics import Entity, SemanticLayer

__all__ = ["Group", "Scope", "literal"]


def literal(value: Value) -> str:
    """A value as SQL."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)


@dataclass(frozen=True)
class Group:
    """One thing a SELECT groups by: how it is computed, how it is called outside, and how GROUP BY names it."""

    sql: str
    name: str
    aliased: bool

    @property
    def item(self) -> str:
        """Its place in the SELECT list."""
        return f"{self.sql} AS {self.name}" if self.aliased else self.sql

    @property
    def key(self) -> str:
        """Its place in GROUP BY and ORDER BY of the same SELECT."""
        return self.name if self.aliased else self.sql


class Scope:
    """What every builder works with: the layer, the catalog and the joins between its tables."""

    def __init__(self, layer: SemanticLayer, catalog: Catalog) -> None:
        self.layer = layer
        self.catalog = catalog
        self.joins = JoinGraph(catalog, [(j.left, j.right) for j in layer.joins])
        self._column_names = {c.name.lower() for t in catalog.tables for c in t.columns}

    # -- names ---------------------------------------------------------------------------------------------------

    def measure(self, metric_id: str) -> Measure:
        """The measure of a metric id or plain metric."""
        return measure(metric_id, self.layer, self.catalog)

    def field(self, name: str) -> str:
        """A dimension id or `Table.Column` as an expression in the layer's dialect."""
        kind, colon, argument = name.partition(":")
        if colon:
            return self._reckoned(kind, argument)
        table, dot, column = name.partition(".")
        if not dot:
            return self.layer.dimension(name).expression
        if self.catalog.column(table, column) is None:
            raise CannotCompile(f"There is no column {name}.")
        return name

    def _reckoned(self, kind: str, argument: str) -> str:
        """What is reckoned from dates: `weekday:Table.Column`, or `days:Table.First:Table.Last` between two of them."""
        columns = [self.field(name) for name in argument.split(":")]
        if kind == "weekday" and len(columns) == 1:
            return f"PERIOD_WEEKDAY({columns[0]})"
        if kind == "days" and len(columns) == 2:
            return f"DATE_DIFF('day', {columns[0]}, {columns[1]})"
        raise CannotCompile(f"`{kind}:{argument}` is nothing that can be reckoned.")

    def label(self, entity: Entity) -> str:
        """What an entity's rows are called by: the dimension of the same name, else its label column."""
        for dimension in self.layer.dimensions:
            if dimension.table.lower() == entity.table.lower() and dimension.name.lower() == entity.name.lower():
                return dimension.id
        return f"{entity.table}.{entity.label}"

    def groups(self, names: Sequence[str], *, inner: bool = False) -> list[Group]:
        """Dimensions as group keys; aliased when they are computed, or when two would have one name (`inner`)."""
        expressions = [self.field(name) for name in names]
        plain = [e.rpartition(".")[2] if _is_column(e) else "" for e in expressions]
        found = []
        for name, expression, column in zip(names, expressions, plain, strict=True):
            clash = inner and sum(c.lower() == column.lower() for c in plain) > 1
            if column and not clash:
                found.append(Group(expression, column, False))
            else:
                found.append(Group(expression, self._free(name.replace(".", "_").lower()), True))
        return found

    def period(self, column: str, grain: str) -> list[Group]:
        """The period a date falls in, as group keys: last what sorts, before it what it is called."""
        names = {"weekday": ("weekday_name", "weekday"), "month_of_year": ("month_name", "month_of_year")}
        return [
            Group(f"PERIOD_{name.upper()}({column})", self._free(name), True) for name in names.get(grain, (grain,))
        ]

    def _free(self, name: str) -> str:
        return f"{name}_value" if name in self._column_names else name

    # -- predicates ----------------------------------------------------------------------------------------------

    def predicate(self, item: Filter) -> str:
        """One filter as SQL."""
        field = self.field(item.field)
        values = [self.field(item.other)] if item.other else [literal(v) for v in item.values]
        if item.op in ("is null", "is not null"):
            return f"{field} {item.op.upper()}"
        if item.op in ("in", "not in") and item.other:
            return f"{field} {item.op.upper()} ({self._all_values(item)})"
        if item.op in ("in", "not in"):
            return f"{field} {item.op.upper()} ({', '.join(values)})"
        if item.op == "between":
            return f"{field} BETWEEN {values[0]} AND {values[1]}"
        operator = {"!=": "<>", "like": "LIKE"}.get(item.op, item.op)
        return f"{field} {operator} {values[0]}"

    def _all_values(self, item: Filter) -> str:
        """All the values of another field, or with `values` those of the row that is called so."""
        other = self.field(item.other)
        table = self.tables([other])[0]
        entity = self.layer.entity_of(table)
        if not item.values:
            return f"SELECT {other} FROM {table}"
        if entity is None:
            raise CannotCompile(f"What are the rows of {table} called by?")
        return f"SELECT {other} FROM {table} WHERE {self.field(self.label(entity))} = {literal(item.values[0])}"

    def window(self, window: TimeWindow | None, column: str) -> list[str]:
        """A time window as range predicates on the plain column, so that an index can serve it."""
        if window is None:
            return []
        column = window.column or column
        if not column:
            raise CannotCompile("The metric has no time column, so it cannot be asked for a period.")
        found = [f"{column} >= {literal(window.start)}"] if window.start else []
        return [*found, f"{column} < {literal(window.end)}"] if window.end else found

    def related(self, table: str, item: Related) -> str:
        """EXISTS or NOT EXISTS of a related row of `table`'s row."""
        if item.along:
            return hierarchical(self, table, item)
        if item.every:
            return self._of_every(table, item)
        source, conditions = self._related_rows(table, item, [])
        word = "NOT EXISTS" if item.negated else "EXISTS"
        return f"{word} (SELECT 1 FROM {source} WHERE {' AND '.join(conditions)})"

    def _of_every(self, table: str, item: Related) -> str:
        """Whether the related rows have every value of a field that there is."""
        field = self.field(item.every)
        owner = self.tables([field])[0]
        source, conditions = self._related_rows(table, item, [field])
        found = f"(SELECT COUNT(DISTINCT {field}) FROM {source} WHERE {' AND '.join(conditions)})"
        return f"{found} = (SELECT COUNT(DISTINCT {field}) FROM {owner})"

    def _related_rows(self, table: str, item: Related, extra: Sequence[str]) -> tuple[str, list[str]]:
        """FROM and the conditions of the related rows of `table`'s row."""
        try:
            edges = list(self.joins.path([table, item.table]))
        except NoJoinPath as error:
            raise CannotCompile(str(error)) from error
        if not edges:
            raise CannotCompile(f"{table} is not related to itself.")
        first = edges[0].other(table)
        tie = " AND ".join(
            f"{edges[0].left_table}.{a} = {edges[0].right_table}.{b}"
            if edges[0].left_table == first
            else f"{edges[0].right_table}.{b} = {edges[0].left_table}.{a}"
            for a, b in edges[0].pairs
        )
        conditions = [
            tie,
            *map(self.predicate, item.filters),
            *(self.measure(kind).filter for kind in item.kinds),
            *self.window(item.window, self.layer.calendar.time_column),
        ]
        wanted = [item.table, *self.tables([*extra, *conditions])]
        source = self.source(first, [t for t in wanted if t.lower() != table.lower()], fan_out=True)
        return source, conditions

    def tables(self, expressions: Iterable[str]) -> list[str]:
        """Tables used by expressions, in order."""
        return list(dict.fromkeys(t for e in expressions for t in tables_in(e, self.layer.dialect)))

    # -- FROM ----------------------------------------------------------------------------------------------------

    def source(self, base: str, tables: Sequence[str], *, fan_out: bool = False) -> str:
        """`base JOIN ... ON ...` for every table needed. Raises CannotCompile on no path, or a fan-out not allowed."""
        wanted = list(dict.fromkeys([base, *tables]))
        try:
            if not fan_out:
                for table in wanted[1:]:
                    if self.joins.fans_out(base, table):
                        raise CannotCompile(f"Joining {table} would repeat rows of {base}.")
            edges = self.joins.path(wanted)
        except NoJoinPath as error:
            raise CannotCompile(str(error)) from error
        text, reached = base, {base.lower()}
        for edge in edges:
            known, new = edge.left_table, edge.right_table
            pairs = edge.pairs
            if known.lower() not in reached:
                known, new = new, known
                pairs = tuple((b, a) for a, b in pairs)
            reached.add(new.lower())
            text += f" JOIN {new} ON " + " AND ".join(f"{known}.{a} = {new}.{b}" for a, b in pairs)
        return text

    def crosses(self, metric_id: str, field: str) -> bool:
        """Whether the field's table has many rows per row of the metric's base."""
        found = self.measure(metric_id)
        tables = self.tables([self.field(field)])
        return any(self.joins.fans_out(part.base, t) for part in found.parts or (found,) for t in tables)

    def combinable(self, metric_id: str, field: str) -> bool:
        """Whether the metric can be grouped or filtered by the field."""
        try:
            found = self.measure(metric_id)
            for part in found.parts or (found,):
                self.body(part, [self.field(field)], SemanticQuery())
        except (CannotCompile, KeyError):
            return False
        return True

    def body(self, item: Measure, extra: Sequence[str], query: SemanticQuery) -> tuple[Measure, str]:
        """FROM and WHERE for one measure under the query's filters and window; the measure may come back rewritten.

        A plain row count that must cross a fan-out becomes a distinct count of the base's key, which is what "how
        many customers bought Beverages" means.
        """
        where = [item.filter] if item.filter else []
        where += [self.predicate(f) for f in query.filters]
        where += self.window(query.window, item.time)
        owner = self.layer.entity(query.entity).table if query.entity else item.base
        where += [self.related(owner, r) for r in query.related]
        where += self._among(query)
        needed = self.tables([item.sql, *extra, *where])
        if query.related and query.entity:
            needed.append(owner)
        needed = [t for t in needed if t.lower() != item.base.lower()]
        item, blind = self._blind(item, needed)
        source = self.source(item.base, needed, fan_out=blind)
        return item, f"FROM {source}" + (f" WHERE {' AND '.join(where)}" if where else "")

    def _among(self, query: SemanticQuery) -> list[str]:
        """The condition that a group has so much of another metric."""
        if query.among is None:
            return []
        if not query.dimensions:
            raise CannotCompile("Among the groups of what?")
        metric, having = query.among
        item, field = self.measure(metric), self.field(query.dimensions[0])
        if item.parts:
            raise CannotCompile(f"`{metric}` is a ratio over two tables, which no condition on groups can hold.")
        if not item.time:
            query = replace(query, window=None)
        item, body = self.body(item, [field], replace(query, among=None))
        test = f"{item.sql} {having.op} {literal(having.value)}"
        if having.upper is not None:
            test = f"{item.sql} BETWEEN {literal(having.value)} AND {literal(having.upper)}"
        return [f"{field} IN (SELECT {field} {body} GROUP BY {field} HAVING {test})"]

    def _blind(self, item: Measure, needed: Sequence[str]) -> tuple[Measure, bool]:
        if item.survives_fan_out(self.layer.dialect):
            return item, True
        table = self.catalog.table(item.base)
        try:
            crosses = any(self.joins.fans_out(item.base, t) for t in needed)
        except NoJoinPath as error:
            raise CannotCompile(str(error)) from error
        if crosses and item.sql == "COUNT(*)" and table is not None and len(table.primary_key) == 1:
            return replace(item, sql=f"COUNT(DISTINCT {table.name}.{table.primary_key[0]})"), True
        return item, False


def _is_column(expression: str) -> bool:
    table, dot, column = expression.partition(".")
    return bool(dot) and table.isidentifier() and column.isidentifier()
