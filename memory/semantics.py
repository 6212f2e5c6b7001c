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
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

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
    "SemanticsReading",
    "load_semantics",
    "read_semantics",
]

DimensionType = Literal["text", "number", "date", "boolean"]


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


@dataclass(frozen=True)
class SemanticsReading:
    """A file read to the end although some of its names do not fit, so that all of them can be told at once."""

    layer: SemanticLayer
    unknown: tuple[SemanticsError, ...]
    """Tables and columns that the warehouse does not have."""
    ambiguous: tuple[SemanticsError, ...]
    """Names and synonyms that two definitions of a kind share."""


def load_semantics(path: Path, catalog: Catalog | None = None) -> SemanticLayer:
    """Read and check `metrics.yaml`; with a catalog, also check that every table and column named exists.

    Raises:
        SemanticsError: unreadable, not YAML, or a definition is wrong; names the line and key.
    """
    from memory.semantics_file import SemanticsReader

    return SemanticsReader(Path(path), catalog).layer(_tree(Path(path)))


def read_semantics(path: Path, catalog: Catalog | None = None) -> SemanticsReading:
    """As `load_semantics`, but unknown and ambiguous names are collected; such a layer is to be looked at, not used.

    Raises:
        SemanticsError: anything else is wrong.
    """
    from memory.semantics_file import SemanticsReader

    reader = SemanticsReader(Path(path), catalog, collect=True)
    layer = reader.layer(_tree(Path(path)))
    return SemanticsReading(layer, tuple(reader.unknown), tuple(reader.ambiguous))


def _tree(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SemanticsError(
            path, 1, "", f"cannot be read ({error}). Check that it exists and is UTF-8 text."
        ) from error
    try:
        return _parsed(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = str(error.problem or error).splitlines()[0]
        raise SemanticsError(path, line, "", f"is not valid YAML: {problem}. Mend that line.") from error
    except YAMLError as error:
        raise SemanticsError(path, 1, "", f"is not valid YAML: {error}") from error


@lru_cache(maxsize=1)
def _parsed(text: str) -> Any:
    """The text's tree with its lines, only to be read: parsing takes half a second, and some commands ask twice."""
    return YAML(typ="rt").load(text)
