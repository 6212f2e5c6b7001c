"""Conditions on the rows of an entity: a value, a number, a missing value, a date, a flag, each with its phrases."""

from __future__ import annotations

import random

from finetune.compose import Composer, Draw, as_number, number_surface
from finetune.pairs import Parameter
from finetune.vocabulary import words_of
from memory.compiler import Filter
from memory.semantics import Entity

__all__ = ["add_condition", "by_value"]


def add_condition(composer: Composer, rng: random.Random, draw: Draw, entity: Entity) -> bool:
    """Put one condition of some kind into the draw; False when none fits the entity."""
    kinds = (by_value, _by_number, _by_null, _by_date, _by_flag)
    return any(kind(composer, rng, draw, entity) for kind in rng.choices(kinds, weights=(6, 3, 1, 2, 1), k=3))


def by_value(composer: Composer, rng: random.Random, draw: Draw, entity: Entity) -> bool:
    """One value of the entity's own table, of a table it refers to, or of one the vocabulary has a phrase for."""
    used = {f.field for f in draw.filters}
    via = composer.words.via(entity)
    options, weights = [], []
    for dimension in composer.filterable:
        if dimension.id in used or dimension.id == composer.label(entity):
            continue
        metric = f"count:{entity.id}"
        if not composer.combinable(metric, dimension.id):
            continue
        if dimension.id in via or not composer.world.compiler.crosses(metric, dimension.id):
            near = dimension.table.lower() == entity.table.lower()
            options.append(dimension)
            weights.append(composer.words.weight(dimension) * (2.0 if near else 0.6))
    if not options:
        return False
    dimension = rng.choices(options, weights=weights)[0]
    if dimension.id not in via:
        return composer.add_value(rng, draw, dimension, entity.table)
    value = rng.choice([v for v in composer.world.values(dimension.id) if isinstance(v, str)])
    surface = composer.surface(rng, value)
    draw.filters.append(Filter(dimension.id, "=", (value,)))
    draw.where.append(tuple(p.format(v=surface) for p in via[dimension.id]))
    draw.parameters.append(composer.parameter(draw, dimension, value, surface))
    return True


def _by_flag(composer: Composer, rng: random.Random, draw: Draw, entity: Entity) -> bool:
    options = [d for d in composer.layer.dimensions if d.table == entity.table and composer.words.adjectives(d)]
    if not options or draw.adjectives:
        return False
    dimension = rng.choice(options)
    value, words = rng.choice(list(composer.words.adjectives(dimension).items()))
    draw.filters.append(Filter(dimension.id, "=", (value,)))
    draw.adjectives = words
    return True


def _by_number(composer: Composer, rng: random.Random, draw: Draw, entity: Entity) -> bool:
    columns = composer.number_columns(entity.table)
    if not columns:
        return False
    column = rng.choice(columns)
    values = tuple(sorted(float(v) for v in composer.world.values(column) if isinstance(v, int | float)))
    limit = composer.round_between(rng, values)
    if limit is None:
        return False
    entry, noun = composer.words.column(column), composer.words.column_nouns(column)[0]
    unit = "USD" if "price" in noun or "cost" in noun or "freight" in noun else ""
    surface = number_surface(rng, limit, unit)
    over = rng.random() < 0.6
    given = tuple(entry.get("over" if over else "under", ()))
    words = ("above", "over", "greater than") if over else ("below", "under", "less than")
    phrases = given + tuple(f"with a {noun} {w} {{n}}" for w in words)
    op = ">" if over else "<"
    if rng.random() < 0.15:
        op, phrases = (">=" if over else "<="), (f"with a {noun} of {'at least' if over else 'at most'} {{n}}",)
    elif rng.random() < 0.12:
        high = composer.round_between(rng, tuple(v for v in values if v > limit))
        if high is not None:
            other = number_surface(rng, high, unit)
            draw.filters.append(Filter(column, "between", (as_number(limit), as_number(high))))
            draw.where.append(
                (f"with a {noun} between {surface} and {other}", f"with {noun} from {surface} to {other}")
            )
            draw.parameters += [
                Parameter(f"low_{noun}", surface, as_number(limit), column),
                Parameter(f"high_{noun}", other, as_number(high), column),
            ]
            return True
    draw.filters.append(Filter(column, op, (as_number(limit),)))  # type: ignore[arg-type]
    draw.where.append(tuple(p.format(n=surface) for p in phrases))
    draw.parameters.append(Parameter(f"number_{len(draw.parameters) + 1}", surface, as_number(limit), column))
    return True


def _by_null(composer: Composer, rng: random.Random, draw: Draw, entity: Entity) -> bool:
    table = composer.catalog.table(entity.table)
    columns = [f"{table.name}.{c.name}" for c in table.columns if c.nullable] if table else []
    columns = [c for c in columns if c in (*composer.text_columns(entity.table), *composer.date_columns(entity.table))]
    if not columns:
        return False
    column = rng.choice(columns)
    noun = rng.choice(composer.words.column_nouns(column))
    missing = rng.random() < 0.7
    phrases: tuple[str, ...]
    if missing:
        phrases = (
            f"without a {noun}",
            f"with no {noun}",
            f"that have no {noun}",
            f"missing a {noun}",
            f"where the {noun} is missing",
            f"with an empty {noun}",
        )
    else:
        phrases = (f"with a {noun}", f"that have a {noun}", f"where the {noun} is known")
    draw.filters.append(Filter(column, "is null" if missing else "is not null"))
    draw.where.append(phrases)
    return True


def _by_date(composer: Composer, rng: random.Random, draw: Draw, entity: Entity) -> bool:
    columns = composer.date_columns(entity.table)
    if not columns:
        return False
    column = rng.choice(columns)
    days = [str(v)[:10] for v in composer.world.values(column)]
    if len(days) < 3:
        return False
    year = int(rng.choice(days)[:4])
    verb = {
        "hire date": "hired",
        "birth date": "born",
        "order date": "placed",
        "shipped date": "shipped",
        "required date": "required",
    }.get(words_of(column.rpartition(".")[2]), "")
    noun = composer.words.column_nouns(column)[0]
    start, end = f"{year}-01-01", f"{year + 1}-01-01"
    kind = rng.choice(("in", "in", "before", "after"))
    lead = [verb] if verb else [f"with a {noun}"]
    if kind == "in":
        draw.filters += [Filter(column, ">=", (start,)), Filter(column, "<", (end,))]
        draw.where.append(tuple(f"{w} in {year}" for w in lead))
    elif kind == "before":
        draw.filters.append(Filter(column, "<", (start,)))
        draw.where.append(tuple(f"{w} before {year}" for w in lead))
    else:
        draw.filters.append(Filter(column, ">=", (end,)))
        draw.where.append(tuple(f"{w} after {year}" for w in lead))
    draw.parameters.append(Parameter("year", str(year), start if kind != "after" else end, column))
    return True
