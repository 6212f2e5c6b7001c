"""Compositions that show rows: lists in an order, with the columns asked for, of a parent; and numbers about a column.

An order is not a limit. "Newest first" says how the rows are to lie, not how many are wanted, so every list here is
whole; the extremes, which are cut, are in `records`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from finetune.compose.compositions import Composer, Composition, Draw
from finetune.compose.conditions import add_condition
from finetune.compose.entities import (
    an_entity,
    columns_of,
    described,
    entity_slots,
    joined,
    label_nouns,
    parents,
    spoken_columns,
)
from finetune.pairs.pair import Level
from finetune.phrasing.grammar import Ask
from finetune.phrasing.vocabulary import summable
from memory.compiler import Filter, Order, SemanticQuery
from memory.semantics import Entity

__all__ = ["LIST_KINDS"]

_AGGREGATES: dict[str, tuple[str, ...]] = {
    "avg": ("average", "average", "mean", "avg"),
    "max": ("highest", "maximum", "max", "largest"),
    "min": ("lowest", "minimum", "min", "smallest"),
    "sum": ("total", "combined", "overall"),
}
_NOT_BEFORE_FIRST = ("first", "last", "earliest", "latest")


def _ordered(composer: Composer, rng: random.Random) -> Composition | None:
    """Rows in an order, whole table or filtered, with or without columns named."""
    entity = an_entity(composer, rng)
    if entity is None:
        return None
    draw = Draw()
    wanted = rng.choices((0, 1, 2), weights=(25, 55, 20))[0]
    for _ in range(wanted):
        if not add_condition(composer, rng, draw, entity):
            return None
    metric = f"count:{entity.id}"
    time = composer.layer.calendar.time_column
    if time.startswith(f"{entity.table}.") and not any(f.field.startswith(time) for f in draw.filters):
        composer.add_period(rng, draw, metric, 0.2)
    words = described(entity_slots(composer, entity), draw)
    query = SemanticQuery(
        filters=tuple(draw.filters),
        window=draw.period.window if draw.period else None,
        pattern="list",
        entity=entity.id,
    )
    named = _named_columns(composer, rng, entity, draw)
    found = _in_order(composer, rng, entity, query, named)
    if found is None:
        return None
    query, words["by"], shown = found
    shape = "ordered"
    if shown:
        words |= _said(composer, rng, entity, shown)
        shape = "ordered_columns"
    where = list(draw.where)
    if len(where) == 1 and rng.random() < 0.5 and not draw.when:
        plain = tuple(w for w in where[0] if not w.startswith(("that ", "who ", "where ")))
        where = [plain or where[0]]
    return Composition(
        query,
        Ask((shape,), words, tuple(where), draw.when, tuple(draw.parameters)),
        _level(draw, wanted),
        shape=f"rows.{shape}",
    )


def _everything(composer: Composer, rng: random.Random) -> Composition | None:
    """The things of one parent: what a supplier sells us, the orders of a customer, with columns and an order."""
    options = [(e, d) for e in composer.entities for d in composer.words.everything(e)]
    if not options:
        return None
    entity, dimension_id = rng.choice(options)
    dimension = composer.layer.dimension(dimension_id)
    values = [v for v in composer.world.values(dimension_id) if isinstance(v, str) and v]
    if not values:
        return None
    value = rng.choice(values)
    surface = composer.surface(rng, value)
    draw = Draw(filters=[Filter(dimension_id, "=", (value,))])
    draw.parameters.append(composer.parameter(draw, dimension, value, surface))
    entry = composer.words.everything(entity)[dimension_id]
    query = SemanticQuery(filters=tuple(draw.filters), pattern="list", entity=entity.id)
    words: dict[str, tuple[str, ...]] = {
        "all": tuple(n.format(v=surface) for n in entry.get("nouns", ())),
        "ask": tuple(a.format(v=surface) for a in entry.get("asks", ())),
        "by": ("",),
    }
    named = _named_columns(composer, rng, entity, draw, none=0.35)
    shape = "everything"
    if rng.random() < 0.4:
        found = _in_order(composer, rng, entity, query, named)
        if found is None:
            return None
        query, words["by"], named = found
    elif named:
        query = replace(query, columns=(composer.label(entity), *named))
    if named:
        words |= _said(composer, rng, entity, named)
        shape = "everything_columns"
    return Composition(query, Ask((shape,), words, (), (), tuple(draw.parameters)), "moderate", shape=f"rows.{shape}")


def _aggregate(composer: Composer, rng: random.Random) -> Composition | None:
    """The average, highest, lowest or total of a number column, over some rows or by a dimension."""
    entity = an_entity(composer, rng, lambda e: bool(composer.number_columns(e.table)))
    if entity is None:
        return None
    column = rng.choice(composer.number_columns(entity.table))
    adds_up = summable(column) and "level" not in column.lower()
    kind = rng.choices(tuple(_AGGREGATES), weights=(4, 2, 2, 4 if adds_up else 0))[0]
    metric = _aggregate_metric(composer, kind, column)
    draw = Draw()
    if rng.random() < 0.6 and not add_condition(composer, rng, draw, entity):
        return None
    if any(f.field == column for f in draw.filters):
        return None
    nouns = composer.words.column_nouns(column)
    words = {
        **described(entity_slots(composer, entity), draw),
        "a": nouns,
        "agg": (*_AGGREGATES[kind], *(("cheapest",) if kind == "min" and "price" in nouns else ())),
    }
    query = SemanticQuery((metric,), filters=tuple(draw.filters), pattern="total")
    parameters, level = tuple(draw.parameters), _level(draw, len(draw.filters))
    if rng.random() < 0.35:
        used = {composer.layer.dimension(f.field).table for f in draw.filters if "." not in f.field}
        same = tuple(d.id for d in composer.layer.dimensions if d.table in used)
        dimension = composer.a_dimension(rng, metric, (*same, composer.label(entity)))
        if dimension is None or composer.world.compiler.crosses(metric, dimension.id):
            return None
        words |= {"d": composer.words.singular(dimension)[:4]}
        query = replace(query, dimensions=(dimension.id,), pattern="breakdown")
        return Composition(
            query, Ask(("aggregate_by",), words, tuple(draw.where), (), parameters), level, shape="aggregate_by"
        )
    own = tuple(composer.words.column(column).get("total", ())) * 3 if kind == "sum" else ()
    return Composition(
        query, Ask(("aggregate",), words, tuple(draw.where), (), parameters, own), level, shape="aggregate"
    )


LIST_KINDS: dict[Callable[[Composer, random.Random], Composition | None], float] = {
    _ordered: 14,
    _everything: 4,
    _aggregate: 5,
}


def _level(draw: Draw, conditions: int) -> Level:
    if any("null" in f.op for f in draw.filters):
        return "edge"
    return "simple" if conditions < 2 else "moderate"


def _aggregate_metric(composer: Composer, kind: str, column: str) -> str:
    """The business's own metric where one is just this aggregate, else the plain one."""
    for metric in composer.layer.metrics:
        if not metric.filter and metric.sql.replace(" ", "").lower() == f"{kind}({column})".lower():
            return metric.id
    return f"{kind}:{column}"


# -- columns and order -----------------------------------------------------------------------------------------------


def _named_columns(
    composer: Composer, rng: random.Random, entity: Entity, draw: Draw, *, none: float = 0.5
) -> tuple[str, ...]:
    """No, one, two or three fields of the entity or its parents' labels; none that is known to be empty."""
    count = rng.choices((0, 1, 2, 3), weights=(none, 0.5 * (1 - none), 0.35 * (1 - none), 0.15 * (1 - none)))[0]
    empty = {f.field for f in draw.filters if f.op == "is null"}
    options = [c for c in columns_of(composer, entity) if c not in empty]
    labels = [composer.label(p) for p in parents(composer, entity)]
    if not count or len(options) < count:
        return ()
    found = rng.sample(options, count)
    if labels and rng.random() < 0.2:
        found[-1] = rng.choice(labels)
    return tuple(found)


def _said(composer: Composer, rng: random.Random, entity: Entity, shown: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """`cols`: the columns shown in words; `acols`: with what the rows are called by before them."""
    nouns = spoken_columns(composer, entity, shown)
    return {"cols": joined(rng, nouns), "acols": joined(rng, [label_nouns(composer, entity), *nouns])}


def _in_order(
    composer: Composer, rng: random.Random, entity: Entity, query: SemanticQuery, named: tuple[str, ...]
) -> tuple[SemanticQuery, tuple[str, ...], tuple[str, ...]] | None:
    """The query sorted, the phrases that ask for it, and the columns the question names; None if nothing sorts."""
    label = composer.label(entity)
    table = composer.catalog.table(entity.table)
    nullable = {f"{table.name}.{c.name}" for c in table.columns if c.nullable} if table else set()
    fixed = {f.field for f in query.filters if f.op == "="}
    fixed |= {f"{d.table}.{d.column}" for d in composer.layer.dimensions if d.id in fixed}
    numbers, dates = set(composer.number_columns(entity.table)), set(composer.date_columns(entity.table))
    rows = table.row_count if table else 0
    # People sort by numbers, dates and texts that repeat (a city), not by a phone number.
    options = [
        c
        for c in columns_of(composer, entity)
        if c not in nullable | fixed and (c in numbers | dates or len(composer.world.values(c)) < 0.8 * rows)
    ]
    time = composer.layer.calendar.time_column
    weights = [8.0 if c == time else 3.0 if c in numbers | dates else 0.5 for c in options]
    column = rng.choices([*options, label], weights=[*weights, 3.0])[0]
    if column == label:
        order: Order = "desc" if rng.random() < 0.12 else "asc"
        shown = (label, *named)
        phrases = _label_phrases(composer, entity, order)
    else:
        order = rng.choice(("desc", "asc")) if column in numbers | dates else "asc"
        if not named:
            shown = (label, column)
        else:
            named = named if column in named else (column, *named[:2])
            shown = (label, *named)
        phrases = _column_phrases(composer, column, order, dated=column in dates, counted=column in numbers)
    query = replace(query, columns=shown, order=order, order_by=column)
    return query, phrases, named


def _label_phrases(composer: Composer, entity: Entity, order: Order) -> tuple[str, ...]:
    noun = label_nouns(composer, entity)[0]
    if noun != "name":
        if order == "desc":
            return (f", highest {noun} first", f" by descending {noun}", f" sorted by {noun}, descending")
        return (f" sorted by {noun}", f" by {noun}", f", in order of {noun}", f" ordered by {noun}")
    if order == "desc":
        return (", Z to A", " in reverse alphabetical order", f", sorted by {noun} from Z to A")
    return (
        " in alphabetical order",
        ", alphabetically",
        ", A to Z",
        f" sorted by {noun}",
        ", sorted alphabetically",
        f" ordered by {noun}",
        ", from A to Z",
        f", in order of {noun}",
    )


def _column_phrases(composer: Composer, column: str, order: Order, *, dated: bool, counted: bool) -> tuple[str, ...]:
    """How an order by the column is asked for, each phrase with the comma or space before it."""
    entry, down = composer.words.column(column), order == "desc"
    adjectives = [a for a in entry.get("most" if down else "least", ()) if not set(a.split()) & set(_NOT_BEFORE_FIRST)]
    found = [f", {a} first" for a in adjectives] * 3 + [f", starting with the {a}" for a in adjectives]
    found += [f", {a} on top" for a in adjectives] + [f", with the {a} at the top" for a in adjectives]
    if column == composer.layer.calendar.time_column:
        ends = ("latest", "newest", "most recent") if down else ("earliest", "oldest")
        found += [f", {w} first" for w in ends] * 2 + [f", {w} on top" for w in ends]
        found += [f", starting with the {w}" for w in ends]
        found += [" in reverse chronological order", ", newest to oldest"] if down else [" in chronological order"]
    for noun in composer.words.column_nouns(column):
        if dated:
            words = ("latest", "most recent") if down else ("earliest",)
            found += [f", {w} {noun} first" for w in words] + [f" sorted by {noun}, {words[0]} first"]
            found += [f", by {noun} descending"] if down else [f" sorted by {noun}", f", in order of {noun}"]
        elif counted:
            most, least = ("highest", "lowest") if down else ("lowest", "highest")
            found += [
                f", {most} {noun} first",
                f" sorted by {noun}, {most} first",
                f", from {most} to {least} {noun}",
                f", {noun} {'descending' if down else 'ascending'}",
                f" in {'descending' if down else 'ascending'} order of {noun}",
            ]
            found += [f", largest {noun} first"] if down else [f" sorted by {noun}", f" ordered by {noun}"]
        else:
            found += [f" sorted by {noun}", f" ordered by {noun}", f", alphabetically by {noun}", f", by {noun} A to Z"]
    return tuple(found)
