"""Where nameable values come from: which columns and expressions, what they are called, and reading them in full.

The catalog keeps samples of low-cardinality columns. Labels of entities and text dimensions are read completely (up
to a limit), because a customer is named by name however many customers there are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from memory.catalog import MAX_SAMPLE_CHARS, Catalog, Table
from memory.errors import CatalogError
from memory.lexical import identifier_words, stems
from memory.semantics import Dimension, SemanticLayer
from memory.views import Withhold, through_views

if TYPE_CHECKING:
    from sqlalchemy import Engine

__all__ = [
    "ValueSource",
    "Withhold",
    "collect_values",
    "permitted_values",
    "value_sources",
    "values_from_json",
    "values_to_json",
]

Role = Literal["label", "name", "dimension", "key", "sample"]

MAX_VALUES = 50_000
"""Values read per column; a label with more is matched for these only."""

_WEIGHTS: dict[Role, float] = {"label": 1.0, "name": 0.9, "dimension": 0.8, "key": 0.7, "sample": 0.4}
_FIRST = re.compile(r"^(first|given|fore)_?name$", re.IGNORECASE)
_LAST = re.compile(r"^(last|sur|family)_?name$", re.IGNORECASE)
_GENERIC = frozenset({"name", "id", "code", "title", "descript", "number", "type", "the", "of", "a"})


@dataclass(frozen=True)
class ValueSource:
    """One column, or one expression over a table, whose values questions may name."""

    table: str
    column: str
    """Column name, or the expression in the layer's dialect when `computed`."""
    computed: bool
    role: Role
    dimension: str
    values: tuple[str, ...]
    cues: frozenset[str]
    """Stems that point at this source when they stand near a value."""
    own_cues: frozenset[str]
    """Those of them that belong to the column itself rather than to its table."""
    names: tuple[frozenset[str], ...]
    """The stems of each name of the source's dimension."""
    order: int
    """Place of the dimension in the layer, or of the column after all dimensions; settles equal scores."""

    @property
    def target(self) -> str:
        """What a value of this source is compared with: `Table.Column`, or the expression."""
        return self.column if self.computed else f"{self.table}.{self.column}"

    @property
    def weight(self) -> float:
        """How likely a value is meant in this source when nothing else speaks for one."""
        return _WEIGHTS[self.role]


@dataclass(frozen=True, slots=True)
class _Wanted:
    key: str
    table: Table
    column: str
    computed: bool
    role: Role
    dimension: Dimension | None


def value_sources(
    catalog: Catalog, layer: SemanticLayer, values: Mapping[str, Sequence[str]]
) -> tuple[ValueSource, ...]:
    """Every source that has values: collected ones (`values`, by key), and the catalog's samples for the rest."""
    sources: list[ValueSource] = []
    covered: set[str] = set()
    places = {dimension.id: index for index, dimension in enumerate(layer.dimensions)}
    for wanted in _wanted(catalog, layer):
        sample = catalog.column(wanted.table.name, wanted.column)
        held = tuple(values.get(wanted.key) or (sample.samples if sample else ()))
        covered.add(wanted.key)
        if held:
            place = places.get(wanted.dimension.id, len(places)) if wanted.dimension else len(places) + 1
            sources.append(_source(wanted, held, layer, place))
    for table in catalog.tables:
        referring = {name for foreign in table.foreign_keys for name in foreign.columns}
        for column in table.columns:
            key = f"{table.name}.{column.name}"
            if column.samples and key not in covered and column.name not in referring:
                extra = _Wanted(key, table, column.name, False, "sample", None)
                sources.append(_source(extra, column.samples, layer, len(places) + 2))
    return tuple(sources)


def collect_values(
    engine: Engine, catalog: Catalog, layer: SemanticLayer, *, withhold: Withhold | None = None, limit: int = MAX_VALUES
) -> dict[str, tuple[str, ...]]:
    """Read labels, text dimensions, text keys and full names completely: source key to sorted values.

    Raises:
        CatalogError: the warehouse refuses to be read.
    """
    from sqlalchemy import literal_column
    from sqlalchemy.exc import SQLAlchemyError

    from memory.compiler.dialects import finish
    from memory.sampling import distinct_values

    collected: dict[str, tuple[str, ...]] = {}
    withhold = through_views(withhold, catalog.tables) if withhold else None
    try:
        with engine.connect() as connection:
            for wanted in _wanted(catalog, layer):
                if withhold and _is_withheld(wanted, withhold):
                    continue
                sample = catalog.column(wanted.table.name, wanted.column)
                if sample is not None and sample.samples:
                    continue  # the catalog has them all
                if not wanted.computed:
                    expression = wanted.column
                    found = distinct_values(connection, wanted.table, catalog.db_schema, expression, limit)
                else:
                    statement = f"SELECT {wanted.column} FROM {wanted.table.name}"
                    sql = finish(statement, source=layer.dialect, target=catalog.dialect, catalog=catalog)
                    text = sql.removeprefix("SELECT ").rpartition(" FROM ")[0]
                    found = distinct_values(
                        connection, wanted.table, catalog.db_schema, literal_column(text.replace(":", "\\:")), limit
                    )
                collected[wanted.key] = found
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise CatalogError(f"The warehouse's values could not be read: {reason}") from error
    return collected


def permitted_values(
    values: Mapping[str, tuple[str, ...]], catalog: Catalog, layer: SemanticLayer, withhold: Withhold
) -> dict[str, tuple[str, ...]]:
    """Those of the collected values that may still be read."""
    withhold = through_views(withhold, catalog.tables)
    return {
        wanted.key: values[wanted.key]
        for wanted in _wanted(catalog, layer)
        if wanted.key in values and not _is_withheld(wanted, withhold)
    }


def values_to_json(values: Mapping[str, Sequence[str]]) -> str:
    """The collected values as one JSON object, the same text for the same values."""
    return json.dumps({key: list(held) for key, held in sorted(values.items())}, ensure_ascii=False, indent=0)


def values_from_json(text: str) -> dict[str, tuple[str, ...]]:
    """What `values_to_json` wrote.

    Raises:
        CatalogError: the text is something else.
    """
    try:
        content = json.loads(text)
        return {str(key): tuple(str(value) for value in held) for key, held in content.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise CatalogError(f"The saved values are unreadable: {error}. Run `affidavit memory sync --full`.") from error


def _wanted(catalog: Catalog, layer: SemanticLayer) -> Iterator[_Wanted]:
    """Sources in order of the layer, one per column: labels before plain dimensions before keys."""
    labels = {(e.table.casefold(), e.label.casefold()) for e in layer.entities}
    seen: set[str] = set()
    for wanted in (*_dimension_sources(catalog, layer, labels), *_entity_sources(catalog, layer), *_names(catalog)):
        if wanted.key not in seen:
            seen.add(wanted.key)
            yield wanted


def _dimension_sources(catalog: Catalog, layer: SemanticLayer, labels: set[tuple[str, str]]) -> Iterator[_Wanted]:
    for dimension in layer.dimensions:
        table = catalog.table(dimension.table)
        if table is None or dimension.type != "text":
            continue
        if dimension.sql:
            yield _Wanted(f"@{table.name}:{dimension.sql}", table, dimension.sql, True, "name", dimension)
            continue
        column = table.column(dimension.column)
        if column is not None and column.family == "text":
            role: Role = "label" if (table.name.casefold(), column.name.casefold()) in labels else "dimension"
            yield _Wanted(f"{table.name}.{column.name}", table, column.name, False, role, dimension)


def _entity_sources(catalog: Catalog, layer: SemanticLayer) -> Iterator[_Wanted]:
    for entity in layer.entities:
        table = catalog.table(entity.table)
        ends: tuple[tuple[str, Role], ...] = ((entity.label, "label"), (entity.key, "key"))
        for name, role in ends:
            column = table.column(name) if table else None
            if table is not None and column is not None and column.family == "text":
                yield _Wanted(f"{table.name}.{column.name}", table, column.name, False, role, None)


def _names(catalog: Catalog) -> Iterator[_Wanted]:
    """First and last name columns together, unless a dimension computes them already."""
    for table in catalog.tables:
        first = next((c.name for c in table.columns if _FIRST.match(c.name)), None)
        last = next((c.name for c in table.columns if _LAST.match(c.name)), None)
        if first and last:
            expression = f"{table.name}.{first} || ' ' || {table.name}.{last}"
            yield _Wanted(f"@{table.name}:{expression}", table, expression, True, "name", None)


def _is_withheld(wanted: _Wanted, withhold: Withhold) -> bool:
    if not wanted.computed:
        return withhold(wanted.table.name, wanted.column)
    words = set(re.findall(r"\w+", wanted.column))
    return any(column.name in words and withhold(wanted.table.name, column.name) for column in wanted.table.columns)


def _source(wanted: _Wanted, values: Sequence[str], layer: SemanticLayer, place: int) -> ValueSource:
    dimension = wanted.dimension
    own = set() if wanted.computed else set(stems(identifier_words(wanted.column)))
    names = tuple(frozenset(stems(surface)) for surface in dimension.surfaces) if dimension else ()
    own |= {word for name in names for word in name}
    whole = set(stems(identifier_words(wanted.table.name)))
    # "sales" says what is measured, not where a value lives; "orders" says both and is kept by its table's name.
    measured = {stems(surface)[0] for metric in layer.metrics for surface in metric.surfaces if " " not in surface}
    own -= measured - whole
    for entity in layer.entities:
        if entity.table.casefold() == wanted.table.name.casefold():
            whole |= {stems(surface)[-1] for surface in entity.surfaces} - measured
    return ValueSource(
        table=wanted.table.name,
        column=wanted.column,
        computed=wanted.computed,
        role=wanted.role,
        dimension=dimension.id if dimension else "",
        values=tuple(value for value in values if 0 < len(value) <= MAX_SAMPLE_CHARS),
        cues=frozenset((own | whole) - _GENERIC),
        own_cues=frozenset(own - _GENERIC),
        names=names,
        order=place,
    )
