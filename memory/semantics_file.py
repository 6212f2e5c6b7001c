"""Reads the tree of `metrics.yaml` into definitions, checking each as strictly as a compiler checks a program.

Every refusal names the file, the line and the key, and says what to do: the people who write definitions are not
the people who read tracebacks.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from memory.catalog import Catalog
from memory.semantics import (
    Calendar,
    Dimension,
    Entity,
    ExtraJoin,
    Metric,
    SemanticLayer,
    SemanticsError,
)

__all__ = ["SemanticsReader"]

_TYPES = ("text", "number", "date", "boolean")
_ID = re.compile(r"^[a-z][a-z0-9_]*$")
_METRIC_KEYS = (
    "formula",
    "sql",
    "numerator",
    "denominator",
    "scale",
    "base",
    "grain",
    "tables",
    "filter",
    "time",
    "time_dependent",
    "unit",
)
_SECTIONS = ("version", "dialect", "calendar", "joins", "entities", "dimensions", "metrics")


class SemanticsReader:
    """Checks against one catalog, when there is one; keeps the path for its messages.

    With `collect`, names that do not fit are kept in `unknown` and `ambiguous`, and reading goes on.
    """

    def __init__(self, path: Path, catalog: Catalog | None, *, collect: bool = False) -> None:
        self.path = path
        self.catalog = catalog
        self.dialect = "duckdb"
        self.unknown: list[SemanticsError] = []
        self.ambiguous: list[SemanticsError] = []
        self._collect = collect

    def _refuse(self, error: SemanticsError, kept: list[SemanticsError]) -> None:
        if not self._collect:
            raise error
        kept.append(error)

    def _fail(self, node: Any, key: str, message: str, at: str | int | None = None) -> SemanticsError:
        line = 1
        position = getattr(node, "lc", None)
        if position is not None:
            line = position.line + 1
            known = position.data or {}
            if at is not None and at in known:
                line = known[at][0] + 1
        return SemanticsError(self.path, line, key, message)

    def layer(self, root: Any) -> SemanticLayer:
        """The layer in a parsed file. Raises SemanticsError."""
        if not isinstance(root, Mapping):
            raise self._fail(root, "", "must be a mapping with the keys " + ", ".join(_SECTIONS) + ".")
        for key in root:
            if key not in _SECTIONS:
                raise self._fail(root, str(key), f"is not known. Use one of: {', '.join(_SECTIONS)}.", key)
        self.dialect = self._text(root, "dialect", "dialect", default="duckdb")
        try:
            sqlglot.Dialect.get_or_raise(self.dialect)
        except ValueError as error:
            raise self._fail(
                root, "dialect", f"{error}. Name a dialect sqlglot knows, such as duckdb.", "dialect"
            ) from error
        entities = tuple(self._entity(n, k) for n, k in self._items(root, "entities"))
        dimensions = tuple(self._dimension(n, k) for n, k in self._items(root, "dimensions"))
        metrics = tuple(self._metric(n, k) for n, k in self._items(root, "metrics"))
        for section, found in (("entities", entities), ("dimensions", dimensions), ("metrics", metrics)):
            self._check_unique(root, section, found)
        self._check_ratios(root, metrics)
        return SemanticLayer(
            metrics=metrics,
            dimensions=dimensions,
            entities=entities,
            calendar=self._calendar(root),
            joins=tuple(self._join(n, k) for n, k in self._items(root, "joins")),
            dialect=self.dialect,
        )

    # -- the three kinds -----------------------------------------------------------------------------------------

    def _common(self, node: Any, key: str, allowed: Iterable[str]) -> dict[str, Any]:
        known = {"id", "name", "description", "synonyms", "owner", "version", *allowed}
        for name in node:
            if name not in known:
                raise self._fail(node, f"{key}.{name}", f"is not known here. Use: {', '.join(sorted(known))}.", name)
        identifier = self._text(node, "id", key)
        if not _ID.match(identifier):
            raise self._fail(node, f"{key}.id", f"`{identifier}` must be snake_case letters and digits.", "id")
        version = node.get("version", 1)
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise self._fail(node, f"{key}.version", "must be a whole number from 1 up.", "version")
        return {
            "id": identifier,
            "name": self._text(node, "name", key, default=identifier.replace("_", " ").title()),
            "description": self._text(node, "description", key, default=""),
            "synonyms": self._texts(node, "synonyms", key),
            "owner": self._text(node, "owner", key, default=""),
            "version": version,
        }

    def _entity(self, node: Any, key: str) -> Entity:
        base = self._common(node, key, ("table", "key", "label"))
        table = self._table(node, "table", key)
        return Entity(
            **base,
            table=table,
            key=self._column(node, "key", key, table),
            label=self._column(node, "label", key, table),
        )

    def _dimension(self, node: Any, key: str) -> Dimension:
        base = self._common(node, key, ("table", "column", "sql", "type"))
        table = self._table(node, "table", key)
        kind = self._text(node, "type", key, default="text")
        if kind not in _TYPES:
            raise self._fail(node, f"{key}.type", f"`{kind}` is not one of {', '.join(_TYPES)}.", "type")
        if ("column" in node) == ("sql" in node):
            raise self._fail(node, key, "needs exactly one of `column` and `sql`.")
        column = self._column(node, "column", key, table) if "column" in node else ""
        sql = self._sql(node, "sql", key, table) if "sql" in node else ""
        return Dimension(**base, table=table, column=column, sql=sql, type=kind)  # type: ignore[arg-type]

    def _metric(self, node: Any, key: str) -> Metric:
        base = self._common(node, key, _METRIC_KEYS)
        ratio = "numerator" in node or "denominator" in node
        if ratio == ("sql" in node):
            raise self._fail(node, key, "needs either `sql`, or `numerator` and `denominator`.")
        scale = node.get("scale", 1)
        if not isinstance(scale, int | float) or isinstance(scale, bool):
            raise self._fail(node, f"{key}.scale", "must be a number, such as 100 for a percentage.", "scale")
        table = self._table(node, "base", key) if ("base" in node or not ratio) else ""
        sql = self._sql(node, "sql", key, table) if not ratio else ""
        if sql and not sqlglot.parse_one(sql, dialect=self.dialect).find(exp.AggFunc):
            raise self._fail(
                node, f"{key}.sql", "has no aggregate (SUM, COUNT, AVG, ...). A metric is one number.", "sql"
            )
        time = self._text(node, "time", key, default="")
        if time:
            self._qualified(node, "time", key, time)
        time_dependent = node.get("time_dependent", bool(time) or ratio)
        if not isinstance(time_dependent, bool):
            raise self._fail(node, f"{key}.time_dependent", "must be true or false.", "time_dependent")
        tables = self._texts(node, "tables", key)
        for name in tables:
            self._known_table(node, "tables", key, name)
        return Metric(
            **base,
            formula=self._text(node, "formula", key, default=""),
            sql=sql,
            numerator=self._text(node, "numerator", key) if ratio else "",
            denominator=self._text(node, "denominator", key) if ratio else "",
            scale=float(scale),
            base=table,
            grain=self._text(node, "grain", key, default=""),
            tables=tables,
            filter=self._sql(node, "filter", key, table) if node.get("filter") else "",
            time=time,
            time_dependent=time_dependent,
            unit=self._text(node, "unit", key, default=""),
        )

    def _calendar(self, root: Any) -> Calendar:
        node = root.get("calendar")
        if node is None:
            return Calendar()
        if not isinstance(node, Mapping):
            raise self._fail(root, "calendar", "must be a mapping: time_column, date_format, as_of.", "calendar")
        time_column = self._text(node, "time_column", "calendar", default="")
        if time_column:
            self._qualified(node, "time_column", "calendar", time_column)
        as_of = node.get("as_of")
        if isinstance(as_of, str):
            try:
                as_of = datetime.date.fromisoformat(as_of)
            except ValueError as error:
                raise self._fail(
                    node, "calendar.as_of", f"`{as_of}` is not a date. Write YYYY-MM-DD.", "as_of"
                ) from error
        if as_of is not None and not isinstance(as_of, datetime.date):
            raise self._fail(node, "calendar.as_of", "must be a date, written YYYY-MM-DD.", "as_of")
        return Calendar(time_column, self._text(node, "date_format", "calendar", default="YYYY-MM-DD"), as_of)

    def _join(self, node: Any, key: str) -> ExtraJoin:
        left, right = self._text(node, "left", key), self._text(node, "right", key)
        self._qualified(node, "left", key, left)
        self._qualified(node, "right", key, right)
        return ExtraJoin(left, right)

    # -- fields --------------------------------------------------------------------------------------------------

    def _items(self, root: Any, section: str) -> list[tuple[Any, str]]:
        value = root.get(section)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._fail(root, section, "must be a list.", section)
        for index, node in enumerate(value):
            if not isinstance(node, Mapping):
                raise self._fail(value, f"{section}[{index}]", "must be a mapping with at least an `id`.", index)
        return [(node, f"{section}[{index}]") for index, node in enumerate(value)]

    def _text(self, node: Any, name: str, key: str, default: str | None = None) -> str:
        value = node.get(name)
        if value is None:
            if default is None:
                raise self._fail(node, f"{key}.{name}", "is missing. Add it.")
            return default
        if not isinstance(value, str) or (not value.strip() and default is None):
            raise self._fail(node, f"{key}.{name}", "must be text.", name)
        return " ".join(value.split())

    def _texts(self, node: Any, name: str, key: str) -> tuple[str, ...]:
        value = node.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._fail(node, f"{key}.{name}", "must be a list of texts.", name)
        seen: set[str] = set()
        for item in value:
            if item.lower() in seen:
                raise self._fail(node, f"{key}.{name}", f"`{item}` is there twice. Remove one.", name)
            seen.add(item.lower())
        return tuple(" ".join(item.split()) for item in value)

    def _known_table(self, node: Any, name: str, key: str, table: str) -> None:
        if self.catalog is not None and self.catalog.table(table) is None:
            known = ", ".join(t.name for t in self.catalog.tables)
            message = f"there is no table `{table}` in the warehouse. It has: {known}."
            self._refuse(self._fail(node, f"{key}.{name}", message, name), self.unknown)

    def _table(self, node: Any, name: str, key: str) -> str:
        table = self._text(node, name, key)
        self._known_table(node, name, key, table)
        return table

    def _known_column(self, node: Any, name: str, key: str, table: str, column: str) -> None:
        found = self.catalog.table(table) if self.catalog is not None else None
        if found is not None and column.lower() not in {c.name.lower() for c in found.columns}:
            known = ", ".join(c.name for c in found.columns)
            message = f"`{table}` has no column `{column}`. It has: {known}."
            self._refuse(self._fail(node, f"{key}.{name}", message, name), self.unknown)

    def _column(self, node: Any, name: str, key: str, table: str) -> str:
        column = self._text(node, name, key)
        prefix, _, bare = column.rpartition(".")
        if prefix and prefix.lower() != table.lower():
            raise self._fail(node, f"{key}.{name}", f"`{column}` is not a column of `{table}`.", name)
        self._known_column(node, name, key, table, bare)
        return bare

    def _qualified(self, node: Any, name: str, key: str, value: str) -> None:
        table, _, column = value.rpartition(".")
        if not table:
            raise self._fail(node, f"{key}.{name}", f"write `{value}` as Table.Column.", name)
        self._known_table(node, name, key, table)
        self._known_column(node, name, key, table, column)

    def _sql(self, node: Any, name: str, key: str, table: str) -> str:
        text = self._text(node, name, key)
        try:
            tree = sqlglot.parse_one(text, dialect=self.dialect)
        except SqlglotError as error:
            problem = str(error).splitlines()[0]
            raise self._fail(node, f"{key}.{name}", f"is not valid {self.dialect} SQL: {problem}", name) from error
        if isinstance(tree, exp.Query | exp.DDL | exp.DML | exp.Command):
            raise self._fail(node, f"{key}.{name}", "must be an expression, not a statement.", name)
        aliases = {found.alias for found in tree.find_all(exp.Table, exp.Subquery) if found.alias}
        for column in tree.find_all(exp.Column):
            owner = column.table or table
            if owner in aliases or (not column.table and column.parent_select is not None):
                continue  # belongs to a subquery, which the warehouse itself will judge
            self._known_table(node, name, key, owner)
            self._known_column(node, name, key, owner, column.name)
        return text

    # -- across definitions --------------------------------------------------------------------------------------

    def _check_unique(self, root: Any, section: str, found: Iterable[Metric | Dimension | Entity]) -> None:
        ids: dict[str, int] = {}
        surfaces: dict[str, tuple[int, str]] = {}
        for index, item in enumerate(found):
            node = root[section][index]
            if item.id in ids:
                raise self._fail(node, f"{section}[{index}].id", f"`{item.id}` is used twice. Rename one.", "id")
            ids[item.id] = index
            for surface in {s.lower() for s in item.surfaces}:
                if surface in surfaces:
                    other = surfaces[surface][1]
                    message = f"`{surface}` also names `{other}`. A question could mean either: keep it in one place."
                    error = self._fail(node, f"{section}[{index}].synonyms", message, "synonyms")
                    self._refuse(error, self.ambiguous)
                surfaces[surface] = (index, item.id)

    def _check_ratios(self, root: Any, metrics: tuple[Metric, ...]) -> None:
        by_id = {metric.id: metric for metric in metrics}
        for index, metric in enumerate(metrics):
            for role in ("numerator", "denominator") if metric.is_ratio else ():
                name = getattr(metric, role)
                key = f"metrics[{index}].{role}"
                if name not in by_id:
                    raise self._fail(root["metrics"][index], key, f"there is no metric `{name}`. Define it.", role)
                if self._reaches(by_id, name, metric.id):
                    raise self._fail(root["metrics"][index], key, f"`{name}` is defined by `{metric.id}` itself.", role)

    def _reaches(self, by_id: Mapping[str, Metric], start: str, goal: str, seen: frozenset[str] = frozenset()) -> bool:
        if start == goal:
            return True
        metric = by_id.get(start)
        if metric is None or not metric.is_ratio or start in seen:
            return False
        parts = (metric.numerator, metric.denominator)
        return any(self._reaches(by_id, part, goal, seen | {start}) for part in parts)
