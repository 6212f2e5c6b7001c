"""Everything memory knows of one workspace, opened together so that all parts see the same snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from memory.catalog import Catalog
from memory.joins import JoinGraph
from memory.linking import Linker
from memory.retrieval import Retriever
from memory.semantics import SemanticLayer, load_semantics
from memory.store import MemoryStore
from memory.sync import load_catalog, load_values
from memory.value_sources import Withhold
from memory.values import ValueIndex
from memory.verified import VerifiedQueries

__all__ = ["Knowledge", "open_knowledge"]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known, as of the last sync."""

    catalog: Catalog
    layer: SemanticLayer
    joins: JoinGraph
    values: ValueIndex
    linker: Linker
    retriever: Retriever
    verified: VerifiedQueries


def open_knowledge(
    store: MemoryStore, state_dir: Path, metrics: Path | SemanticLayer, *, withhold: Withhold | None = None
) -> Knowledge:
    """Open what the last sync left in `state_dir` and `store`; `metrics` is `metrics.yaml` or the layer itself.

    Values of columns that `withhold` names now are left out, whatever it said at the last sync.

    Raises:
        CatalogError: there was no sync yet, or its files are unreadable.
        SemanticsError: `metrics.yaml` is wrong.
        MemoryUnavailable: the index cannot be read.
    """
    catalog = load_catalog(state_dir, withhold)
    layer = metrics if isinstance(metrics, SemanticLayer) else load_semantics(metrics, catalog)
    values = load_values(state_dir, catalog, layer, withhold)
    retriever = Retriever(store, catalog, layer, values)
    linker = retriever.linker
    return Knowledge(catalog, layer, linker.joins, values, linker, retriever, VerifiedQueries(store, linker))
