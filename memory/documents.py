"""What each thing known is searched by: the text that is embedded, and the words that are weighed.

Both searches, by vector and by word, read the same text, so what one finds the other can confirm; sync writes these
texts into the index and retrieval builds its word statistics from them.
"""

from __future__ import annotations

from memory.catalog import Catalog, Table
from memory.lexical import STOP_WORDS, identifier_words, stem, tokenize
from memory.notes import dialect_notes
from memory.pieces import definition_version
from memory.semantics import Dimension, Metric, SemanticLayer
from memory.store import Item, Kind

__all__ = ["documents", "weighed_words"]


def documents(catalog: Catalog, layer: SemanticLayer) -> dict[Kind, list[Item]]:
    """Every item of the kinds that are derived: tables, metrics, dimensions, notes. Ids in a fixed order."""
    return {
        "tables": [Item(table.name, table.fingerprint[:12], _table_text(table, layer)) for table in catalog.tables],
        "metrics": [Item(m.id, definition_version(m), _definition_text(m, m.formula)) for m in layer.metrics],
        "dimensions": [
            Item(d.id, definition_version(d), _definition_text(d, identifier_words(d.column or d.table)))
            for d in layer.dimensions
        ],
        "notes": [
            Item(note.id, note.version, note.text, {"topic": note.topic}) for note in dialect_notes(catalog.dialect)
        ],
    }


def weighed_words(definition: Metric | Dimension) -> list[str]:
    """Stems of a definition, those of its name three times and those of its synonyms twice."""
    words = _content(definition.name) * 3
    for synonym in definition.synonyms:
        words += _content(synonym) * 2
    return words + _content(definition.description)


def _definition_text(definition: Metric | Dimension, also: str) -> str:
    parts = (", ".join(definition.surfaces), definition.description, also)
    return ". ".join(part for part in parts if part)


def _table_text(table: Table, layer: SemanticLayer) -> str:
    entity = layer.entity_of(table.name)
    names = ", ".join((*(entity.surfaces if entity else ()), identifier_words(table.name)))
    columns = ", ".join(identifier_words(column.name) for column in table.columns)
    about = (entity.description if entity else "") or table.comment
    return ". ".join(part for part in (names, about, columns) if part)


def _content(text: str) -> list[str]:
    return [stem(token.folded) for token in tokenize(text) if token.folded not in STOP_WORDS]
