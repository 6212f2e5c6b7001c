"""The semantic layer: what the business words of a workspace mean, read from `metrics.yaml`.

A metric, dimension or entity is defined once, by a named owner, with a version; everything else (grounding,
compiled SQL, training pairs, verified queries) cites it by id and fingerprint. A wrong definition would be
wrong everywhere at once, so loading is strict: every problem is reported with its file, line and key, and with
what to do about it.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import sqlglot
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from memory.catalog import Catalog

__all__ = [
    "Calendar",
    "Dimension",
    "DimensionType",
    "Entity",
    "ExtraJoin",
    "Metric",
    "SemanticLayer",
    "SemanticsError",
    "load_semantics",
]

DimensionType = Literal["text", "number", "date", "boolean"]
_TYPES = ("text", "number", "date", "boolean")
_ID = re.compile(r"^[a-z][a-z0-9_]*$")
_SECTIONS = ("version", "dialect", "calendar", "joins", "entities", "dimensions", "metrics")


class SemanticsError(Exception):
    """`metrics.yaml` is wrong. Says the file, the line (1-based), the key, and what to do."""

    def __init__(self, path: Path | str, line: int, key: str, message: str) -> None:
        super().__init__(f"{path}:{line}: `{key}`: {message}" if key else f"{path}:{line}: {message}")
        self.path = Path(path)
        self.line = line
        self.key = key
        self.message = message


def _fingerprint(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


@dataclass(frozen=True)
class _Definition:
    """What every business concept carries: a name people use, other names for it, an owner, a version."""

    id: str
    name: str
    description: str = ""
    synonyms: tuple[str, ...] = ()
    owner: str = ""
    version: int = 1

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the canonical JSON of the whole definition."""
        return _fingerprint(asdict(self))

    @property
    def surfaces(self) -> tuple[str, ...]:
        """The name and its synonyms, the name first."""
        return (self.name, *self.synonyms)


@dataclass(frozen=True)
class Metric(_Definition):
    """A number with a business meaning: an aggregate (`sql`) or a ratio of two other metrics."""

    formula: str = ""
    sql: str = ""
    numerator: str = ""
    denominator: str = ""
    scale: float = 1.0
    base: str = ""
    """The table whose rows are counted or summed: joins may only go from here towards "one" sides."""
    grain: str = ""
    tables: tuple[str, ...] = ()
    filter: str = ""
    time: str = ""
    """`Table.Column` of the date that a time window restricts; empty: no window applies."""
    time_dependent: bool = True
    unit: str = ""

    @property
    def is_ratio(self) -> bool:
        """True when the metric is defined as one metric divided by another."""
        return bool(self.numerator)


@dataclass(frozen=True)
class Dimension(_Definition):
    """Something numbers are broken down or filtered by."""

    table: str = ""
    column: str = ""
    sql: str = ""
    type: DimensionType = "text"

    @property
    def expression(self) -> str:
        """The dimension as SQL in the layer's dialect, always qualified when it is a plain column."""
        return self.sql or f"{self.table}.{self.column}"


@dataclass(frozen=True)
class Entity(_Definition):
    """A kind of thing the business counts and names: customers, products, orders."""

    table: str = ""
    key: str = ""
    label: str = ""


@dataclass(frozen=True)
class ExtraJoin:
    """A relationship that no foreign key declares. Both sides are `Table.Column`; `left` is the many side."""

    left: str
    right: str


@dataclass(frozen=True)
class Calendar:
    """What relative dates are relative to."""

    time_column: str = ""
    date_format: str = "YYYY-MM-DD"
    as_of: datetime.date | None = None
    """"Today" for "last year" and the like; None: the day the question is asked."""


@dataclass(frozen=True)
class SemanticLayer:
    """Every definition of one workspace, immutable, with one fingerprint over all of them."""

    metrics: tuple[Metric, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    entities: tuple[Entity, ...] = ()
    calendar: Calendar = field(default_factory=Calendar)
    joins: tuple[ExtraJoin, ...] = ()
    dialect: str = "duckdb"
    """The dialect the layer's SQL fragments are written in (not the warehouse's)."""

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over every definition, the calendar and the joins."""
        return _fingerprint(
            {
                "metrics": sorted(m.fingerprint for m in self.metrics),
                "dimensions": sorted(d.fingerprint for d in self.dimensions),
                "entities": sorted(e.fingerprint for e in self.entities),
                "calendar": asdict(self.calendar),
                "joins": sorted((j.left, j.right) for j in self.joins),
                "dialect": self.dialect,
            }
        )

    @cached_property
    def _by_id(self) -> dict[tuple[str, str], Any]:
        kinds: tuple[tuple[str, tuple[Any, ...]], ...] = (
            ("metric", self.metrics),
            ("dimension", self.dimensions),
            ("entity", self.entities),
        )
        return {(kind, item.id): item for kind, items in kinds for item in items}

    def metric(self, metric_id: str) -> Metric:
        """The metric of that id. Raises KeyError."""
        found: Metric = self._by_id["metric", metric_id]
        return found

    def dimension(self, dimension_id: str) -> Dimension:
        """The dimension of that id. Raises KeyError."""
        found: Dimension = self._by_id["dimension", dimension_id]
        return found

    def entity(self, entity_id: str) -> Entity:
        """The entity of that id. Raises KeyError."""
        found: Entity = self._by_id["entity", entity_id]
        return found

    def entity_of(self, table: str) -> Entity | None:
        """The entity whose rows are the rows of `table` (case-insensitive), or None."""
        return next((e for e in self.entities if e.table.lower() == table.lower()), None)

    def parts_of(self, metric: Metric) -> tuple[Metric, ...]:
        """The metrics a ratio is made of, leaves only, left to right; `(metric,)` for a plain one."""
        if not metric.is_ratio:
            return (metric,)
        return (*self.parts_of(self.metric(metric.numerator)), *self.parts_of(self.metric(metric.denominator)))

    def today(self) -> datetime.date:
        """The day relative dates are taken from."""
        return self.calendar.as_of or datetime.datetime.now(tz=datetime.UTC).date()


def load_semantics(path: Path, catalog: Catalog | None = None) -> SemanticLayer:
    """Read and check `metrics.yaml`; with a catalog, also check that every table and column named exists.

    Raises:
        SemanticsError: unreadable, not YAML, or a definition is wrong; names the line and key.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SemanticsError(
            path, 1, "", f"cannot be read ({error}). Check that it exists and is UTF-8 text."
        ) from error
    yaml = YAML(typ="rt")
    try:
        root = yaml.load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = str(error.problem or error).splitlines()[0]
        raise SemanticsError(path, line, "", f"is not valid YAML: {problem}. Mend that line.") from error
    except YAMLError as error:
        raise SemanticsError(path, 1, "", f"is not valid YAML: {error}") from error
    return _Reader(Path(path), catalog).layer(root)


class _Reader:
    """Turns the YAML tree into definitions, checking each; keeps the path and catalog for the messages."""

    def __init__(self, path: Path, catalog: Catalog | None) -> None:
        self.path = path
        self.catalog = catalog
        self.dialect = "duckdb"

    def fail(self, node: Any, key: str, message: str, at: str | int | None = None) -> SemanticsError:
        line = 1
        position = getattr(node, "lc", None)
        if position is not None:
            line = position.line + 1
            known = position.data or {}
            if at is not None and at in known:
                line = known[at][0] + 1
        return SemanticsError(self.path, line, key, message)

    def layer(self, root: Any) -> SemanticLayer:
        if not isinstance(root, Mapping):
            raise self.fail(root, "", "must be a mapping with the keys " + ", ".join(_SECTIONS) + ".")
        for key in root:
            if key not in _SECTIONS:
                raise self.fail(root, str(key), f"is not known. Use one of: {', '.join(_SECTIONS)}.", key)
        self.dialect = self.text(root, "dialect", "dialect", default="duckdb")
        try:
            sqlglot.Dialect.get_or_raise(self.dialect)
        except ValueError as error:
            raise self.fail(
                root, "dialect", f"{error}. Name a dialect sqlglot knows, such as duckdb.", "dialect"
            ) from error
        entities = tuple(self.entity(n, k) for n, k in self.items(root, "entities"))
        dimensions = tuple(self.dimension(n, k) for n, k in self.items(root, "dimensions"))
        metrics = tuple(self.metric(n, k) for n, k in self.items(root, "metrics"))
        for section, found in (("entities", entities), ("dimensions", dimensions), ("metrics", metrics)):
            self.check_unique(root, section, found)
        self.check_ratios(root, metrics)
        return SemanticLayer(
            metrics=metrics,
            dimensions=dimensions,
            entities=entities,
            calendar=self.calendar(root),
            joins=tuple(self.join(n, k) for n, k in self.items(root, "joins")),
            dialect=self.dialect,
        )

    # -- the three kinds -----------------------------------------------------------------------------------------

    def common(self, node: Any, key: str, allowed: Iterable[str]) -> dict[str, Any]:
        known = {"id", "name", "description", "synonyms", "owner", "version", *allowed}
        for name in node:
            if name not in known:
                raise self.fail(node, f"{key}.{name}", f"is not known here. Use: {', '.join(sorted(known))}.", name)
        identifier = self.text(node, "id", key)
        if not _ID.match(identifier):
            raise self.fail(node, f"{key}.id", f"`{identifier}` must be snake_case letters and digits.", "id")
        version = node.get("version", 1)
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise self.fail(node, f"{key}.version", "must be a whole number from 1 up.", "version")
        return {
            "id": identifier,
            "name": self.text(node, "name", key, default=identifier.replace("_", " ").title()),
            "description": self.text(node, "description", key, default=""),
            "synonyms": self.texts(node, "synonyms", key),
            "owner": self.text(node, "owner", key, default=""),
            "version": version,
        }

    def entity(self, node: Any, key: str) -> Entity:
        base = self.common(node, key, ("table", "key", "label"))
        table = self.table(node, "table", key)
        return Entity(
            **base,
            table=table,
            key=self.column(node, "key", key, table),
            label=self.column(node, "label", key, table),
        )

    def dimension(self, node: Any, key: str) -> Dimension:
        base = self.common(node, key, ("table", "column", "sql", "type"))
        table = self.table(node, "table", key)
        kind = self.text(node, "type", key, default="text")
        if kind not in _TYPES:
            raise self.fail(node, f"{key}.type", f"`{kind}` is not one of {', '.join(_TYPES)}.", "type")
        if ("column" in node) == ("sql" in node):
            raise self.fail(node, key, "needs exactly one of `column` and `sql`.")
        column = self.column(node, "column", key, table) if "column" in node else ""
        sql = self.sql(node, "sql", key, table) if "sql" in node else ""
        return Dimension(**base, table=table, column=column, sql=sql, type=kind)  # type: ignore[arg-type]

    def metric(self, node: Any, key: str) -> Metric:
        allowed = "formula sql numerator denominator scale base grain tables filter time time_dependent unit".split()
        base = self.common(node, key, allowed)
        ratio = "numerator" in node or "denominator" in node
        if ratio == ("sql" in node):
            raise self.fail(node, key, "needs either `sql`, or `numerator` and `denominator`.")
        scale = node.get("scale", 1)
        if not isinstance(scale, int | float) or isinstance(scale, bool):
            raise self.fail(node, f"{key}.scale", "must be a number, such as 100 for a percentage.", "scale")
        table = self.table(node, "base", key) if ("base" in node or not ratio) else ""
        sql = self.sql(node, "sql", key, table) if not ratio else ""
        if sql and not sqlglot.parse_one(sql, dialect=self.dialect).find(exp.AggFunc):
            raise self.fail(
                node, f"{key}.sql", "has no aggregate (SUM, COUNT, AVG, ...). A metric is one number.", "sql"
            )
        time = self.text(node, "time", key, default="")
        if time:
            self.qualified(node, "time", key, time)
        time_dependent = node.get("time_dependent", bool(time) or ratio)
        if not isinstance(time_dependent, bool):
            raise self.fail(node, f"{key}.time_dependent", "must be true or false.", "time_dependent")
        tables = self.texts(node, "tables", key)
        for name in tables:
            self.known_table(node, "tables", key, name)
        return Metric(
            **base,
            formula=self.text(node, "formula", key, default=""),
            sql=sql,
            numerator=self.text(node, "numerator", key) if ratio else "",
            denominator=self.text(node, "denominator", key) if ratio else "",
            scale=float(scale),
            base=table,
            grain=self.text(node, "grain", key, default=""),
            tables=tables,
            filter=self.sql(node, "filter", key, table) if node.get("filter") else "",
            time=time,
            time_dependent=time_dependent,
            unit=self.text(node, "unit", key, default=""),
        )

    def calendar(self, root: Any) -> Calendar:
        node = root.get("calendar")
        if node is None:
            return Calendar()
        if not isinstance(node, Mapping):
            raise self.fail(root, "calendar", "must be a mapping: time_column, date_format, as_of.", "calendar")
        time_column = self.text(node, "time_column", "calendar", default="")
        if time_column:
            self.qualified(node, "time_column", "calendar", time_column)
        as_of = node.get("as_of")
        if isinstance(as_of, str):
            try:
                as_of = datetime.date.fromisoformat(as_of)
            except ValueError as error:
                raise self.fail(
                    node, "calendar.as_of", f"`{as_of}` is not a date. Write YYYY-MM-DD.", "as_of"
                ) from error
        if as_of is not None and not isinstance(as_of, datetime.date):
            raise self.fail(node, "calendar.as_of", "must be a date, written YYYY-MM-DD.", "as_of")
        return Calendar(time_column, self.text(node, "date_format", "calendar", default="YYYY-MM-DD"), as_of)

    def join(self, node: Any, key: str) -> ExtraJoin:
        left, right = self.text(node, "left", key), self.text(node, "right", key)
        self.qualified(node, "left", key, left)
        self.qualified(node, "right", key, right)
        return ExtraJoin(left, right)

    # -- fields --------------------------------------------------------------------------------------------------

    def items(self, root: Any, section: str) -> list[tuple[Any, str]]:
        value = root.get(section)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.fail(root, section, "must be a list.", section)
        for index, node in enumerate(value):
            if not isinstance(node, Mapping):
                raise self.fail(value, f"{section}[{index}]", "must be a mapping with at least an `id`.", index)
        return [(node, f"{section}[{index}]") for index, node in enumerate(value)]

    def text(self, node: Any, name: str, key: str, default: str | None = None) -> str:
        value = node.get(name)
        if value is None:
            if default is None:
                raise self.fail(node, f"{key}.{name}", "is missing. Add it.")
            return default
        if not isinstance(value, str) or (not value.strip() and default is None):
            raise self.fail(node, f"{key}.{name}", "must be text.", name)
        return " ".join(value.split())

    def texts(self, node: Any, name: str, key: str) -> tuple[str, ...]:
        value = node.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.fail(node, f"{key}.{name}", "must be a list of texts.", name)
        seen: set[str] = set()
        for item in value:
            if item.lower() in seen:
                raise self.fail(node, f"{key}.{name}", f"`{item}` is there twice. Remove one.", name)
            seen.add(item.lower())
        return tuple(" ".join(item.split()) for item in value)

    def known_table(self, node: Any, name: str, key: str, table: str) -> None:
        if self.catalog is not None and self.catalog.table(table) is None:
            known = ", ".join(t.name for t in self.catalog.tables)
            raise self.fail(
                node, f"{key}.{name}", f"there is no table `{table}` in the warehouse. It has: {known}.", name
            )

    def table(self, node: Any, name: str, key: str) -> str:
        table = self.text(node, name, key)
        self.known_table(node, name, key, table)
        return table

    def known_column(self, node: Any, name: str, key: str, table: str, column: str) -> None:
        found = self.catalog.table(table) if self.catalog is not None else None
        if found is not None and column.lower() not in {c.name.lower() for c in found.columns}:
            known = ", ".join(c.name for c in found.columns)
            raise self.fail(node, f"{key}.{name}", f"`{table}` has no column `{column}`. It has: {known}.", name)

    def column(self, node: Any, name: str, key: str, table: str) -> str:
        column = self.text(node, name, key)
        prefix, _, bare = column.rpartition(".")
        if prefix and prefix.lower() != table.lower():
            raise self.fail(node, f"{key}.{name}", f"`{column}` is not a column of `{table}`.", name)
        self.known_column(node, name, key, table, bare)
        return bare

    def qualified(self, node: Any, name: str, key: str, value: str) -> None:
        table, _, column = value.rpartition(".")
        if not table:
            raise self.fail(node, f"{key}.{name}", f"write `{value}` as Table.Column.", name)
        self.known_table(node, name, key, table)
        self.known_column(node, name, key, table, column)

    def sql(self, node: Any, name: str, key: str, table: str) -> str:
        text = self.text(node, name, key)
        try:
            tree = sqlglot.parse_one(text, dialect=self.dialect)
        except SqlglotError as error:
            problem = str(error).splitlines()[0]
            raise self.fail(node, f"{key}.{name}", f"is not valid {self.dialect} SQL: {problem}", name) from error
        if isinstance(tree, exp.Query | exp.DDL | exp.DML | exp.Command):
            raise self.fail(node, f"{key}.{name}", "must be an expression, not a statement.", name)
        aliases = {found.alias for found in tree.find_all(exp.Table, exp.Subquery) if found.alias}
        for column in tree.find_all(exp.Column):
            owner = column.table or table
            if owner in aliases or (not column.table and column.parent_select is not None):
                continue  # belongs to a subquery, which the warehouse itself will judge
            self.known_table(node, name, key, owner)
            self.known_column(node, name, key, owner, column.name)
        return text

    # -- across definitions --------------------------------------------------------------------------------------

    def check_unique(self, root: Any, section: str, found: Iterable[_Definition]) -> None:
        ids: dict[str, int] = {}
        surfaces: dict[str, tuple[int, str]] = {}
        for index, item in enumerate(found):
            node = root[section][index]
            if item.id in ids:
                raise self.fail(node, f"{section}[{index}].id", f"`{item.id}` is used twice. Rename one.", "id")
            ids[item.id] = index
            for surface in {s.lower() for s in item.surfaces}:
                if surface in surfaces:
                    other = surfaces[surface][1]
                    message = f"`{surface}` also names `{other}`. A question could mean either: keep it in one place."
                    raise self.fail(node, f"{section}[{index}].synonyms", message, "synonyms")
                surfaces[surface] = (index, item.id)

    def check_ratios(self, root: Any, metrics: tuple[Metric, ...]) -> None:
        by_id = {metric.id: metric for metric in metrics}
        for index, metric in enumerate(metrics):
            for role in ("numerator", "denominator") if metric.is_ratio else ():
                name = getattr(metric, role)
                key = f"metrics[{index}].{role}"
                if name not in by_id:
                    raise self.fail(root["metrics"][index], key, f"there is no metric `{name}`. Define it.", role)
                if self.reaches(by_id, name, metric.id):
                    raise self.fail(root["metrics"][index], key, f"`{name}` is defined by `{metric.id}` itself.", role)

    def reaches(self, by_id: Mapping[str, Metric], start: str, goal: str, seen: frozenset[str] = frozenset()) -> bool:
        if start == goal:
            return True
        metric = by_id.get(start)
        if metric is None or not metric.is_ratio or start in seen:
            return False
        parts = (metric.numerator, metric.denominator)
        return any(self.reaches(by_id, part, goal, seen | {start}) for part in parts)
