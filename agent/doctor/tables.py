"""Have the tables moved since the last sync, and can they be joined?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agent.doctor.diagnosis import Diagnosis, and_list
from agent.doctor.parts import Parts
from memory.catalog import Catalog
from memory.drift import Drift, drift_between
from memory.join_faults import (
    islands,
    join_graph,
    likely_keys,
    mismatched_joins,
    unconnected_metrics,
    used_tables,
)
from memory.sync import CATALOG_NAME, VALUES_NAME, load_catalog

__all__ = ["check_joins", "check_keys", "check_sync"]

_SYNC: Final = "Run `affidavit memory sync`."
_DECLARE: Final = "Declare the foreign key in the database, or list the join under `joins:` in metrics.yaml."
_LABELS: Final = {
    "tables_added": "tables added",
    "tables_removed": "tables removed",
    "columns_added": "columns added",
    "columns_removed": "columns removed",
    "columns_retyped": "columns of another type",
    "constraints_changed": "keys or NOT NULL changed in",
}


def check_sync(parts: Parts) -> Iterator[Diagnosis]:
    """Does memory know the tables as they are now?"""
    state_dir = parts.settings.state_dir
    missing = [name for name in (CATALOG_NAME, VALUES_NAME) if not (state_dir / name).is_file()]
    if missing:
        yield Diagnosis(
            "sync",
            "warning",
            f"Memory was never synced: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not there.",
            "The first question waits until every table is read.",
            _SYNC,
        )
        return
    synced, now = load_catalog(state_dir), parts.structure()
    if synced.dialect != now.dialect or synced.db_schema != now.db_schema:
        what = f"Memory was synced with another warehouse: {_place(synced)}, now {_place(now)}."
        yield Diagnosis("sync", "error", what, "A model is told of tables that are not there.", _SYNC)
        return
    yield from _drift(drift_between(synced, now), len(now.tables))


def check_joins(parts: Parts) -> Iterator[Diagnosis]:
    """Does a path lead between the tables that the definitions need, and do the joined columns compare?"""
    layer, structure = parts.semantics().layer, parts.structure()
    graph = join_graph(structure, layer)
    found = []
    for metric, table in unconnected_metrics(layer, structure, graph):
        what = f"The metric `{metric}` needs {table}, to which no join leads from {layer.metric(metric).base}."
        found.append(Diagnosis("joins", "error", what, "It cannot be computed.", _DECLARE))
    main, *cut_off = islands(used_tables(layer, structure), graph) or ((),)
    if cut_off:
        what = f"No join leads from {', '.join(main)} to " + "; nor to ".join(map(and_list, cut_off)) + "."
        why = "A question about both is answered with a guessed join, or not at all."
        found.append(Diagnosis("joins", "warning", what, why, _DECLARE))
    mismatches = mismatched_joins(structure, graph)
    if mismatches:
        pairs = "; ".join(f"{m.left} ({m.left_type}) with {m.right} ({m.right_type})" for m in mismatches)
        why = "The database refuses such a join, converts every row, or finds no match."
        do = "Give both columns one type, or join others under `joins:` in metrics.yaml."
        found.append(Diagnosis("joins", "warning", f"Joined columns of different types: {pairs}.", why, do))
    yield from found or [Diagnosis("joins", "ok", f"{len(graph.edges)} joins connect every table that is defined.")]


def check_keys(parts: Parts) -> Iterator[Diagnosis]:
    """Does a column look like a foreign key that nobody declared?"""
    layer, structure = parts.semantics().layer, parts.structure()
    found = likely_keys(structure, join_graph(structure, layer), used_tables(layer, structure))
    if not found:
        yield Diagnosis("keys", "ok", "No column looks like a foreign key that is not declared.")
        return
    named = ", ".join(f"{key.column} (as {' or '.join(key.targets)})" for key in found)
    yield Diagnosis(
        "keys",
        "warning",
        f"Named and typed like another table's primary key, but joined to none: {named}.",
        "Questions across these tables are answered with a guessed join, or not at all.",
        _DECLARE,
    )


def _place(catalog: Catalog) -> str:
    return f"{catalog.dialect}, schema {catalog.db_schema}" if catalog.db_schema else catalog.dialect


def _drift(drift: Drift, tables: int) -> Iterator[Diagnosis]:
    if drift.is_empty:
        yield Diagnosis("sync", "ok", f"Memory knows all {tables} tables and views as they are.")
        return
    moved = "; ".join(
        f"{label}: {', '.join(getattr(drift, name))}" for name, label in _LABELS.items() if getattr(drift, name)
    )
    yield Diagnosis(
        "sync",
        "warning",
        f"The warehouse changed since the last sync. {moved[0].upper()}{moved[1:]}.",
        "A model is told of what is gone, and not of what is new.",
        _SYNC,
    )
