"""Keeping the index in step with the warehouse and the semantic layer, touching only what moved.

A sync reflects the warehouse, compares every item's version with what is indexed, and writes the difference. What it
says is what it did: a second sync right after the first reports nothing. What policy withholds is neither read nor
kept, and is held back at once where the index is older than the rule. Verified queries are never dropped here;
those whose tables or definitions moved are reported as quarantined until someone reviews them again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from memory.catalog import Catalog, reflect
from memory.documents import documents
from memory.errors import CatalogError
from memory.linking import Linker
from memory.store import Item, Kind, MemoryStore
from memory.value_sources import Withhold, collect_values, permitted_values, values_from_json, values_to_json
from memory.values import ValueIndex
from memory.verified import VerifiedQueries
from memory.views import through_views

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from memory.semantics import SemanticLayer

__all__ = ["CATALOG_NAME", "VALUES_NAME", "Changes", "SyncOptions", "SyncReport", "load_catalog", "load_values", "sync"]

CATALOG_NAME = "catalog.json"
VALUES_NAME = "values.json"


Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """What is read of the warehouse."""

    db_schema: str | None = None
    max_samples: int = 50
    withhold: Withhold | None = None
    """`withhold(table, column)` is true for a column whose values must not be read."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a sync did to one kind: ids."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing had to be written."""
        return not (self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync found and did."""

    kinds: Mapping[str, Changes]
    """`tables`, `metrics`, `dimensions`, `notes`, and `values` (the columns and names whose values are kept) to what
    changed."""
    quarantined: Mapping[str, tuple[str, ...]]
    """Verified queries that may not be used, by id, with the dependencies that moved."""
    catalog_fingerprint: str
    semantics_fingerprint: str
    catalog_changed: bool
    """Whether `catalog.json` was written: structure, row counts, comments or kept values moved."""

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to do."""
        return not self.catalog_changed and all(changes.is_empty for changes in self.kinds.values())

    @property
    def summary(self) -> str:
        """One line for people: `tables: 1 changed; metrics: 2 added; 1 verified query quarantined`."""
        parts = []
        for kind, changes in self.kinds.items():
            done = [
                f"{len(ids)} {verb}"
                for verb, ids in (("added", changes.added), ("changed", changes.changed), ("removed", changes.removed))
                if ids
            ]
            if done:
                parts.append(f"{kind}: {', '.join(done)}")
        if self.catalog_changed and not parts:
            parts.append("row counts or comments changed")
        text = "; ".join(parts) or "nothing changed"
        count = len(self.quarantined)
        return f"{text}; {count} verified {'query' if count == 1 else 'queries'} quarantined" if count else text


def sync(
    engine: Engine,
    layer: SemanticLayer,
    store: MemoryStore,
    state_dir: Path,
    *,
    full: bool = False,
    progress: Progress | None = None,
    options: SyncOptions | None = None,
) -> SyncReport:
    """Bring `store` and the files in `state_dir` up to date with the warehouse and the layer.

    Args:
        engine: the warehouse, read with SELECTs only.
        layer: the semantic layer as it is now.
        store: the index.
        state_dir: where `catalog.json` and `values.json` are kept; made when missing.
        full: write every derived item again, dropping the index first (verified queries and lessons are kept).
        progress: called with (steps done, steps in all); a step is a table read or a kind indexed.
        options: which schema, how many samples, and what must not be read.

    Raises:
        CatalogError: the warehouse cannot be read.
        MemoryUnavailable: the index cannot be written.
    """
    steps = _Steps(progress)
    catalog, values = _read_warehouse(engine, layer, options or SyncOptions(), steps)
    if full:
        store.rebuild()
    kinds: dict[str, Changes] = {}
    for kind, items in documents(catalog, layer).items():
        kinds[kind] = _write_difference(store, kind, items)
        steps.indexed()
    kinds["values"] = _difference(_kept_before(state_dir), _kept_values(catalog, values))
    _write_if_changed(state_dir / VALUES_NAME, values_to_json(values))
    catalog_changed = _write_if_changed(state_dir / CATALOG_NAME, catalog.to_json())
    steps.indexed()
    linker = Linker(catalog, layer, ValueIndex(catalog, layer, values))
    quarantined = VerifiedQueries(store, linker).quarantined()
    return SyncReport(kinds, quarantined, catalog.fingerprint, layer.fingerprint, catalog_changed)


def _read_warehouse(
    engine: Engine, layer: SemanticLayer, options: SyncOptions, steps: _Steps
) -> tuple[Catalog, dict[str, tuple[str, ...]]]:
    catalog = reflect(
        engine,
        db_schema=options.db_schema,
        max_samples=options.max_samples,
        withhold=options.withhold,
        progress=steps.reading,
    )
    return catalog, collect_values(engine, catalog, layer, withhold=options.withhold)


def load_catalog(state_dir: Path, withhold: Withhold | None = None) -> Catalog:
    """The catalog that the last sync wrote, without the values that must not be read now.

    Raises:
        CatalogError: there is none, or it is unreadable.
    """
    catalog = Catalog.from_json(_read(state_dir / CATALOG_NAME))
    return _without_values(catalog, withhold) if withhold else catalog


def load_values(
    state_dir: Path, catalog: Catalog, layer: SemanticLayer, withhold: Withhold | None = None
) -> ValueIndex:
    """The value index over the catalog's samples and what the last sync collected; as `load_catalog`.

    Raises:
        CatalogError: there was no sync, or its file is unreadable.
    """
    values = values_from_json(_read(state_dir / VALUES_NAME))
    return ValueIndex(catalog, layer, permitted_values(values, catalog, layer, withhold) if withhold else values)


def _without_values(catalog: Catalog, withhold: Withhold) -> Catalog:
    withhold = through_views(withhold, catalog.tables)
    tables = (
        replace(
            table,
            columns=tuple(
                replace(column, samples=(), distinct=None) if withhold(table.name, column.name) else column
                for column in table.columns
            ),
        )
        for table in catalog.tables
    )
    return replace(catalog, tables=tuple(tables))


def _write_difference(store: MemoryStore, kind: Kind, items: list[Item]) -> Changes:
    """Write what is new or moved, delete what is gone. Version and text decide: a comment moves only the text."""
    indexed = {item.id: item for item in store.get(kind)}
    wanted = {item.id: item for item in items}
    added = [item for item in items if item.id not in indexed]
    changed = [item for item in items if item.id in indexed and _differs(item, indexed[item.id])]
    removed = sorted(set(indexed) - set(wanted))
    store.upsert(kind, [*added, *changed])
    store.delete(kind, removed)
    unchanged = len(items) - len(added) - len(changed)
    return Changes(tuple(i.id for i in added), tuple(i.id for i in changed), tuple(removed), unchanged)


def _differs(item: Item, indexed: Item) -> bool:
    return (item.version, item.text) != (indexed.version, indexed.text)


def _kept_values(catalog: Catalog, values: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Every value that is kept, whichever of the two files holds it, by the name of its source."""
    samples = {f"{table.name}.{column.name}": column.samples for table in catalog.tables for column in table.columns}
    return {name: held for name, held in {**samples, **values}.items() if held}


def _kept_before(state_dir: Path) -> dict[str, tuple[str, ...]]:
    try:
        return _kept_values(load_catalog(state_dir), values_from_json(_read(state_dir / VALUES_NAME)))
    except CatalogError:  # the first sync, or a damaged file that is written anew
        return {}


def _difference(before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]) -> Changes:
    both = sorted(set(before) & set(after))
    changed = tuple(name for name in both if before[name] != after[name])
    return Changes(
        added=tuple(sorted(set(after) - set(before))),
        changed=changed,
        removed=tuple(sorted(set(before) - set(after))),
        unchanged=len(both) - len(changed),
    )


def _write_if_changed(path: Path, text: str) -> bool:
    """Replace the file in one step, unless it holds that text already."""
    try:
        if path.read_text(encoding="utf-8") == text:
            return False
    except (OSError, UnicodeDecodeError):
        pass  # missing or damaged: written below
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(beside).replace(path)
    except OSError as error:
        raise CatalogError(f"{path} cannot be written: {error}") from error
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path} cannot be read: {error}. Run `affidavit memory sync`.") from error


class _Steps:
    """One progress bar over reading tables and indexing kinds."""

    INDEXING = 5

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._tables = 0
        self._done = 0

    def reading(self, done: int, tables: int) -> None:
        self._tables = tables
        if self._progress:
            self._progress(done, tables + self.INDEXING)

    def indexed(self) -> None:
        self._done += 1
        if self._progress:
            self._progress(self._tables + self._done, self._tables + self.INDEXING)
