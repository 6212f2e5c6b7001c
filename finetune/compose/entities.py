"""What compositions about rows share: which entity, its nouns, its columns and how they are said together."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from finetune.compose.compositions import Composer, Draw
from memory.semantics import Entity

__all__ = [
    "an_entity",
    "columns_of",
    "count_metric",
    "described",
    "entity_slots",
    "joined",
    "label_nouns",
    "parents",
    "spoken_columns",
]


def entity_slots(composer: Composer, entity: Entity) -> dict[str, tuple[str, ...]]:
    """`e` and `es`: the entity in singular and plural."""
    return {"e": composer.words.entity_singular(entity), "es": composer.words.entity_plurals(entity)}


def described(words: dict[str, tuple[str, ...]], draw: Draw) -> dict[str, tuple[str, ...]]:
    """The nouns with the adjectives drawn."""
    if not draw.adjectives:
        return words
    return {k: tuple(f"{a} {n}" for a in draw.adjectives for n in nouns) for k, nouns in words.items()}


def count_metric(composer: Composer, entity: Entity) -> str | None:
    """The metric that counts the entity's rows: the business's own if there is one."""
    nouns = set(composer.words.entity_plurals(entity))
    for metric in composer.metrics:
        if nouns & set(metric.counted) and composer.world.compiler.base(metric.id).lower() == entity.table.lower():
            return metric.id
    return None


def an_entity(
    composer: Composer, rng: random.Random, accept: Callable[[Entity], bool] = lambda _: True
) -> Entity | None:
    """An entity drawn among those accepted; tables with more to say are asked about more."""
    options = [e for e in composer.entities if accept(e)]
    if not options:
        return None
    weights = [1.0 + len(t.columns) / 4 if (t := composer.catalog.table(e.table)) else 1.0 for e in options]
    return rng.choices(options, weights=weights)[0]


def parents(composer: Composer, entity: Entity) -> list[Entity]:
    """Entities the rows refer to: the category of a product, the customer of an order."""
    table = composer.catalog.table(entity.table)
    targets = {k.target_table for k in table.foreign_keys if k.target_table != entity.table} if table else set()
    return [e for e in composer.entities if e.table in targets]


def columns_of(composer: Composer, entity: Entity) -> list[str]:
    """`Table.Column` of everything about the entity that has words, but for what its rows are called by."""
    found = (
        *composer.text_columns(entity.table),
        *composer.number_columns(entity.table),
        *composer.date_columns(entity.table),
    )
    return [c for c in found if composer.words.column(c) and c != f"{entity.table}.{entity.label}"]


def label_nouns(composer: Composer, entity: Entity) -> tuple[str, ...]:
    """Nouns for what the rows are called by: `order number`, `name`."""
    column = f"{entity.table}.{entity.label}"
    if composer.label(entity) == column and composer.words.column(column):
        return composer.words.column_nouns(column)
    found = composer.catalog.column(entity.table, entity.label)
    if found is not None and found.family == "number":  # a number has no alphabetical order
        return (f"{entity.name.lower()} number", "number")
    return ("name", "name", f"{entity.name.lower()} name")


def spoken_columns(composer: Composer, entity: Entity, fields: Sequence[str]) -> list[tuple[str, ...]]:
    """The nouns of each field: those of a column, or of the parent whose label it is."""
    labels = {composer.label(e): composer.words.entity_singular(e)[:1] for e in parents(composer, entity)}
    labels[composer.label(entity)] = label_nouns(composer, entity)
    return [labels.get(f) or composer.words.column_nouns(f) for f in fields]


def joined(rng: random.Random, nouns: Sequence[tuple[str, ...]], count: int = 4) -> tuple[str, ...]:
    """`a, b and c`, said in up to `count` ways."""
    found = []
    for _ in range(count):
        drawn = [rng.choice(options) for options in nouns]
        found.append(" and ".join([", ".join(drawn[:-1]), drawn[-1]]) if len(drawn) > 1 else drawn[0])
    return tuple(dict.fromkeys(found))
