"""What a model is shown of each thing known: one short line, in the warehouse's dialect, citable by id and version."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from memory.catalog import Catalog, Table
from memory.compiler.dialects import finish
from memory.compiler.measures import Measure, measure, tables_in
from memory.joins import JoinEdge
from memory.periods import PeriodMention
from memory.semantics import Dimension, Metric, SemanticLayer
from memory.values import ValueMatch

__all__ = ["Piece", "PieceKind", "PieceWriter", "definition_version"]

PieceKind = Literal["table", "column", "join", "metric", "dimension", "value", "period", "example", "note", "lesson"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of grounding."""

    kind: PieceKind
    id: str
    version: str
    text: str
    score: float = 0.0
    """1.0 for what the question names, less for what was found by nearness."""


def definition_version(definition: Metric | Dimension) -> str:
    """The owner's version number and the beginning of the fingerprint: `3+9f2ab04c`."""
    return f"{definition.version}+{definition.fingerprint[:8]}"


class PieceWriter:
    """Writes pieces for one catalog, layer and dialect, without the hidden columns; remembers what it wrote."""

    def __init__(
        self, catalog: Catalog, layer: SemanticLayer, dialect: str, hidden: frozenset[str] = frozenset()
    ) -> None:
        self.dialect = dialect
        self._hidden = hidden
        self._catalog = catalog
        self._layer = layer
        self.metric = lru_cache(maxsize=None)(self._metric)
        self.dimension = lru_cache(maxsize=None)(self._dimension)
        self.table = lru_cache(maxsize=None)(self._table)
        self._expression = lru_cache(maxsize=None)(self._write_expression)

    def value(self, match: ValueMatch) -> Piece:
        """`Beverages: Categories.CategoryName`"""
        target = self._expression(match.column, match.table) if match.computed else self._column(match)
        table = self._catalog.table(match.table)
        score = round(min(0.99, 0.5 + max(match.score, 0.0) / 8), 3)
        return Piece("value", f"{match.target}={match.value}", _short(table), f"{match.value}: {target}", score)

    def period(self, mention: PeriodMention) -> Piece:
        """`Q4 2024: >= '2024-10-01' AND < '2025-01-01'`; its version is the day that "today" was."""
        bounds = ((">=", mention.start), ("<", mention.end))
        text = " AND ".join(f"{sign} '{day}'" for sign, day in bounds if day)
        today = self._layer.today().isoformat()
        return Piece("period", f"{mention.start}..{mention.end}", today, f"{mention.name}: {text}", 1.0)

    def column(self, table: str, column: str, words: str, score: float) -> Piece:
        """`Birth Date: Employees.BirthDate`"""
        target = self._expression(f"{table}.{column}", table)
        return Piece("column", f"{table}.{column}", _short(self._catalog.table(table)), f"{words}: {target}", score)

    def join(self, edge: JoinEdge, score: float) -> Piece:
        """`Orders.CustomerID = Customers.CustomerID`"""
        sides = (self._catalog.table(edge.left_table), self._catalog.table(edge.right_table))
        condition = " AND ".join(
            f"{self._expression(f'{edge.left_table}.{left}', edge.left_table)} = "
            f"{self._expression(f'{edge.right_table}.{right}', edge.right_table)}"
            for left, right in edge.pairs
        )
        return Piece("join", edge.condition, "+".join(_short(side) for side in sides), condition, score)

    def _metric(self, metric: Metric) -> Piece:
        """`Sales Revenue: SUM(...) FROM order_details`"""
        text = self._measure(measure(metric.id, self._layer, self._catalog))
        return Piece("metric", metric.id, definition_version(metric), f"{metric.name}: {text}", 1.0)

    def _measure(self, wanted: Measure) -> str:
        if wanted.parts:
            top, bottom = (self._measure(part) for part in wanted.parts)
            scale = f"{wanted.scale:.1f} * " if wanted.scale != 1 else ""
            return f"{scale}({top}) / ({bottom})"
        used = [name for sql in (wanted.sql, wanted.filter) for name in tables_in(sql, self._layer.dialect)]
        others = dict.fromkeys(name for name in used if name.casefold() != wanted.base.casefold())
        source = wanted.base + "".join(f" CROSS JOIN {table}" for table in others)
        where = f" WHERE {wanted.filter}" if wanted.filter else ""
        written = self._finish(f"SELECT {wanted.sql} FROM {source}{where}")
        return written.removeprefix("SELECT ").replace(" CROSS JOIN ", " JOIN ")

    def _dimension(self, dimension: Dimension) -> Piece:
        """`Product Category: Categories.CategoryName`"""
        if dimension.sql:
            target = self._expression(dimension.sql, dimension.table)
        else:
            target = self._expression(f"{dimension.table}.{dimension.column}", dimension.table)
        version = definition_version(dimension)
        return Piece("dimension", dimension.id, version, f"{dimension.name}: {target}", 1.0)

    def _table(self, name: str) -> Piece:
        """`Orders(OrderID INTEGER key, CustomerID TEXT -> Customers.CustomerID, ...)`"""
        table = self._catalog.table(name)
        if table is None:
            raise KeyError(name)
        targets = {
            column: f" -> {key.target_table}.{target}"
            for key in table.foreign_keys
            for column, target in zip(key.columns, key.target_columns, strict=True)
            if f"{key.target_table}.{target}" not in self._hidden
        }
        parts = []
        for column in table.columns:
            if f"{table.name}.{column.name}" in self._hidden:
                continue
            key = " key" if column.primary_key else ""
            written = self._identifier(f"{table.name}.{column.name}")
            parts.append(f"{written} {column.type}{key}{targets.get(column.name, '')}")
        comment = f" -- {table.comment}" if table.comment else ""
        text = f"{self._table_name(table.name)}({', '.join(parts)}){comment}"
        return Piece("table", table.name, _short(table), text, 0.8)

    def _column(self, match: ValueMatch) -> str:
        return self._expression(f"{match.table}.{match.column}", match.table)

    def _write_expression(self, expression: str, table: str) -> str:
        """A fragment over `table` in the dialect; a plain column is qualified, a computed one has its FROM."""
        plain_table, _, plain_column = expression.rpartition(".")
        if self._catalog.column(plain_table, plain_column) is not None:
            return f"{self._table_name(plain_table)}.{self._identifier(expression)}"
        return self._finish(f"SELECT {expression} FROM {table}").removeprefix("SELECT ")

    def _identifier(self, path: str) -> str:
        """The bare column as the dialect needs it spelt, quoted where it must be."""
        table, _, column = path.rpartition(".")
        from sqlglot import exp

        source = exp.Table(this=exp.to_identifier(table, quoted=True))  # a name, whatever it says, is no SQL
        node = exp.select(exp.column(column, table=table)).from_(source).sql(dialect=self._layer.dialect, identify=True)
        written = self._finish(node).removeprefix("SELECT ").rpartition(" FROM ")[0]
        return written.rpartition(".")[2]

    def _table_name(self, table: str) -> str:
        from sqlglot import exp

        node = (
            exp.select("1")
            .from_(exp.Table(this=exp.to_identifier(table, quoted=True)))
            .sql(dialect=self._layer.dialect, identify=True)
        )
        return self._finish(node).rpartition(" FROM ")[2]

    def _finish(self, sql: str) -> str:
        return finish(sql, source=self._layer.dialect, target=self.dialect, catalog=self._catalog)


def _short(table: Table | None) -> str:
    return table.fingerprint[:12] if table else ""
