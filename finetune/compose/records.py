"""Compositions about rows: how many and which, look-ups of one row, extremes of a plain column, rows never used."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from finetune.compose.compositions import Composer, Composition, Draw, count_surface, plurals_of
from finetune.compose.conditions import add_condition, by_value
from finetune.compose.entities import an_entity, columns_of, count_metric, described, entity_slots, parents
from finetune.compose.lists import LIST_KINDS
from finetune.pairs.pair import Level, Parameter
from finetune.phrasing.grammar import Ask
from finetune.phrasing.vocabulary import Relation
from memory.compiler import Filter, Having, Order, Related, SemanticQuery
from memory.semantics import Entity

__all__ = ["RECORD_KINDS"]

_ORDERS: tuple[Order, ...] = ("desc", "asc")
_NOT_AFTER_ARE = (
    *("that ", "where ", "who", "with ", "without ", "missing ", "lacking ", "for ", "containing ", "starting "),
    *("beginning ", "ending ", "of ", "by ", "except ", "excluding ", "leaving ", "not counting ", "yet to "),
)
"""How phrases begin that cannot follow "which of them are"."""


def _count_or_list(composer: Composer, rng: random.Random) -> Composition | None:
    entity = an_entity(composer, rng)
    if entity is None:
        return None
    draw = Draw()
    wanted = rng.choices((0, 1, 2), weights=(8, 70, 22))[0]
    for _ in range(wanted):
        if not add_condition(composer, rng, draw, entity):
            return None
    words: dict[str, tuple[str, ...]] = described(entity_slots(composer, entity), draw)
    kind = rng.choices(("count", "list", "share_of", "list_column", "list_columns"), weights=(40, 38, 8, 9, 5))[0]
    level: Level = "edge" if any("null" in f.op for f in draw.filters) else "simple" if wanted < 2 else "moderate"
    query = SemanticQuery(filters=tuple(draw.filters), pattern="list", entity=entity.id)
    shapes = [kind]
    if kind in ("count", "share_of"):
        metric = count_metric(composer, entity)
        if metric is None or (kind == "share_of" and (len(draw.filters) != 1 or draw.adjectives)):
            return None
        query = replace(query, pattern="total" if kind == "count" else "share_of", metrics=(metric,), entity="")
        if kind == "share_of":
            part = tuple(w for w in draw.where[0] if not w.startswith(("that ", "who", "where ", "for which ")))
            if not part:
                return None
            words |= {"c": words["es"], "part": part}
            draw.where.clear()
            shapes, level = ["share_of_count"], "complex"
    elif kind.startswith("list_column"):
        empty = {f.field for f in draw.filters if f.op == "is null"}
        columns = [c for c in columns_of(composer, entity) if c not in empty]
        if len(columns) < 2:
            return None
        first, second = rng.sample(columns, 2)
        nouns = composer.words.column_nouns(first)
        words |= {"a": nouns, "as": plurals_of(nouns), "a2": composer.words.column_nouns(second)}
        chosen = (first,) if kind == "list_column" else (first, second)
        query = replace(query, columns=(composer.label(entity), *chosen))
    plain = tuple(w for w in draw.where[0] if not w.startswith(_NOT_AFTER_ARE)) if len(draw.where) == 1 else ()
    if plain and kind in ("count", "list") and rng.random() < 0.3:
        draw.where[0] = plain
        shapes = [f"{kind}_tight"]
    return Composition(
        query, Ask(tuple(shapes), words, tuple(draw.where), (), tuple(draw.parameters)), level, shape=f"rows.{kind}"
    )


def _related(composer: Composer, rng: random.Random) -> Composition | None:
    relations = composer.words.relations()
    if not relations:
        return None
    relation = rng.choice(relations)
    entity = composer.layer.entity(relation.entity)
    if rng.random() < 0.25 and relation.many and relation.count:
        return _many(composer, rng, relation, entity)
    draw = Draw()
    if rng.random() < 0.35:
        by_value(composer, rng, draw, entity)
    timed = (
        composer.combinable(f"count:{entity.id}", composer.layer.calendar.time_column) and relation.table != "Products"
    )
    negated = rng.random() < 0.75
    if timed and rng.random() < 0.55 and (relation.not_ if negated else relation.has):
        composer.add_period(rng, draw, _count_of(composer, relation), 1.0)
    verbs = relation.has if not negated else relation.not_ if draw.period else relation.never
    if not verbs:
        return None
    window = draw.period.window if draw.period else None
    query = SemanticQuery(
        filters=tuple(draw.filters),
        related=(Related(relation.table, negated, window),),
        entity=entity.id,
        pattern="list",
    )
    shape = "list_who"
    if rng.random() < 0.4:
        metric = count_metric(composer, entity)
        if metric is None:
            return None
        query, shape = replace(query, pattern="total", metrics=(metric,), entity=""), "count_who"
    nouns = composer.words.entity_plurals(entity)
    if draw.where:  # "customers in Germany that ...": the filter belongs to the noun
        nouns = tuple(f"{n} {w}" for n in nouns for w in draw.where[0][:4])
        draw.where.clear()
    words = {"es": nouns, "verb": verbs}
    return Composition(
        query,
        Ask((shape,), words, (), draw.when, tuple(draw.parameters)),
        "edge" if negated else "moderate",
        shape=f"related.{shape}",
    )


def _count_of(composer: Composer, relation: Relation) -> str:
    return relation.count or next((m.id for m in composer.layer.metrics if m.time), "")


def _many(composer: Composer, rng: random.Random, relation: Relation, entity: Entity) -> Composition | None:
    draw = Draw()
    composer.add_period(rng, draw, relation.count, 0.4)
    window = draw.period.window if draw.period else None
    query = SemanticQuery((relation.count,), (composer.label(entity),), window=window)
    limit = composer.threshold(rng, query)
    if limit is None:
        return None
    number = round(limit)
    surface = count_surface(rng, number)
    draw.parameters.append(Parameter("threshold", surface, number, "number"))
    counting = rng.random() < 0.35
    verbs = tuple(v.format(n=surface) for v in relation.many)
    words = {"es": composer.words.entity_plurals(entity), "verb": verbs}
    query = replace(query, having=Having(">", number), pattern="count_groups" if counting else "breakdown")
    shape = "count_who" if counting else "list_who"
    return Composition(
        query, Ask((shape,), words, (), draw.when, tuple(draw.parameters)), "moderate", shape=f"many.{shape}"
    )


def _lookup(composer: Composer, rng: random.Random) -> Composition | None:
    entity = an_entity(composer, rng)
    if entity is None:
        return None
    label = composer.label(entity)
    values = composer.world.values(label)
    if not values:
        return None
    value = rng.choice([v for v in values if v is not None])
    surface = str(value)
    if isinstance(value, str):
        surface = composer.surface(rng, value)
    else:
        e = entity.name.lower()
        surface = rng.choice((f"{e} {value}", f"{e} number {value}", f"{e} #{value}", f"{e} no. {value}"))
    draw = Draw(filters=[Filter(label, "=", (value,))])
    shown = surface if isinstance(value, str) else str(value)
    draw.parameters.append(Parameter(entity.id, shown, value, f"{entity.table}.{entity.label}"))
    words: dict[str, tuple[str, ...]] = {**entity_slots(composer, entity), "v": (surface,)}
    words["ev"] = tuple(f"{e} {surface}" for e in words["e"]) if isinstance(value, str) else (surface,)
    query = SemanticQuery(filters=tuple(draw.filters), pattern="lookup", entity=entity.id)
    if rng.random() < 0.3:
        return _lookup_parent(composer, rng, entity, query, words, draw)
    columns = columns_of(composer, entity)
    if not columns:
        return None
    if rng.random() < 0.15 and len(columns) > 1:
        first, second = rng.sample(columns, 2)
        words |= {"a": composer.words.column_nouns(first), "a2": composer.words.column_nouns(second)}
        query = replace(query, columns=(first, second))
        return Composition(query, Ask(("lookup_two",), words, (), (), tuple(draw.parameters)), "simple", shape="lookup")
    column = rng.choice(columns)
    words["a"] = composer.words.column_nouns(column)
    asks = tuple(a.format(v=str(shown)) for a in composer.words.column(column).get("ask", ()))
    words["ask"] = asks
    shapes = ("lookup", "lookup_ask", "lookup_ask") if asks else ("lookup",)
    return Composition(
        replace(query, columns=(column,)), Ask(shapes, words, (), (), tuple(draw.parameters)), "simple", shape="lookup"
    )


def _lookup_parent(  # noqa: PLR0917
    composer: Composer,
    rng: random.Random,
    entity: Entity,
    query: SemanticQuery,
    words: dict[str, tuple[str, ...]],
    draw: Draw,
) -> Composition | None:
    """The entity one step up: the category of a product, the customer of an order, or one of its columns."""
    above = parents(composer, entity)
    if not above:
        return None
    parent = rng.choice(above)
    words = {**words, "d": composer.words.entity_singular(parent)}
    if rng.random() < 0.55:
        query = replace(query, columns=(composer.label(parent),))
        return Composition(
            query, Ask(("lookup_parent",), words, (), (), tuple(draw.parameters)), "moderate", shape="lookup_parent"
        )
    columns = [
        c
        for c in composer.text_columns(parent.table)
        if composer.words.column(c) and c != f"{parent.table}.{parent.label}"
    ]
    if not columns:
        return None
    column = rng.choice(columns)
    words["a"] = composer.words.column_nouns(column)
    query = replace(query, columns=(column,))
    return Composition(
        query,
        Ask(("lookup_parent_attribute",), words, (), (), tuple(draw.parameters)),
        "moderate",
        shape="lookup_parent_attribute",
    )


def _extreme(composer: Composer, rng: random.Random) -> Composition | None:
    entity = an_entity(
        composer, rng, lambda e: bool(composer.number_columns(e.table) or composer.date_columns(e.table))
    )
    if entity is None:
        return None
    column = rng.choice((*composer.number_columns(entity.table), *composer.date_columns(entity.table)))
    entry = composer.words.column(column)
    order: Order = rng.choice(_ORDERS)
    limit = rng.choices((1, 2, 3, 5, 10), weights=(6, 1, 2, 2, 2))[0]
    draw = Draw()
    if rng.random() < 0.4:
        by_value(composer, rng, draw, entity)
    words: dict[str, tuple[str, ...]] = {
        **entity_slots(composer, entity),
        "a": composer.words.column_nouns(column),
        "n": (count_surface(rng, limit),),
    }
    adjectives = tuple(entry.get("most" if order == "desc" else "least", ()))
    shapes = []
    if adjectives:
        words["adj"] = adjectives
        shapes += ["extreme_word" if limit == 1 else "extreme_words"] * 2
    if column in composer.number_columns(entity.table):
        one = "extreme_most" if order == "desc" else "extreme_least"
        many = "extreme_top" if order == "desc" else "extreme_bottom"
        shapes.append(one if limit == 1 else many)
    if not shapes:
        return None
    if limit > 1:
        draw.parameters.append(Parameter("limit", words["n"][0], limit, "limit"))
    query = SemanticQuery(
        filters=tuple(draw.filters), pattern="extreme", entity=entity.id, columns=(column,), order=order, limit=limit
    )
    return Composition(
        query, Ask(tuple(shapes), words, tuple(draw.where), (), tuple(draw.parameters)), "simple", shape="extreme"
    )


def _compare_row(composer: Composer, rng: random.Random) -> Composition | None:
    entity = an_entity(composer, rng, lambda e: bool(composer.number_columns(e.table)))
    if entity is None:
        return None
    column = rng.choice(composer.number_columns(entity.table))
    order: Order = rng.choice(_ORDERS)
    entry = composer.words.column(column)
    draw = Draw()
    words: dict[str, tuple[str, ...]] = {**entity_slots(composer, entity), "a": composer.words.column_nouns(column)}
    query = SemanticQuery(pattern="compare_to_row", entity=entity.id, columns=(column,), order=order)
    if rng.random() < 0.5:
        shape = "above_column_average" if order == "desc" else "below_column_average"
        return Composition(query, Ask((shape,), words), "complex", shape="column_average")
    values = [v for v in composer.world.values(composer.label(entity)) if isinstance(v, str)]
    if not values:
        return None
    value = rng.choice(values)
    draw.parameters.append(Parameter(entity.id, value, value, f"{entity.table}.{entity.label}"))
    words["v"] = (value,)
    shapes = ["compare_row" if order == "desc" else "compare_row_least"]
    more = tuple(entry.get("more" if order == "desc" else "less", ()))
    if more:
        words["more"] = more
        shapes.append("compare_row_most")
    return Composition(
        replace(query, compare=(value,)),
        Ask(tuple(shapes), words, (), (), tuple(draw.parameters)),
        "complex",
        shape="compare_row",
    )


def _values(composer: Composer, rng: random.Random) -> Composition | None:
    entity = an_entity(composer, rng, lambda e: bool(composer.text_columns(e.table)))
    if entity is None:
        return None
    own_label = f"{entity.table}.{entity.label}"
    texts = [c for c in composer.text_columns(entity.table) if c != own_label]
    texts = [c for c in texts if composer.words.column(c)] or texts
    columns = [c for c in texts if 2 <= len(composer.world.values(c)) <= 60]
    if not columns:
        return None
    column = rng.choices(columns, weights=[4 if composer.words.column(c).get("values") else 1 for c in columns])[0]
    nouns = composer.words.column_nouns(column)
    words = {**entity_slots(composer, entity), "a": nouns, "as": plurals_of(nouns)}
    draw = Draw()
    if rng.random() < 0.3:
        by_value(composer, rng, draw, entity)
        if any(f"{entity.table}.{composer.layer.dimension(f.field).column}" == column for f in draw.filters):
            return None
    if rng.random() < 0.35:
        query = SemanticQuery(metrics=(f"distinct:{column}",), filters=tuple(draw.filters), pattern="total")
        return Composition(
            query, Ask(("distinct",), words, tuple(draw.where), (), tuple(draw.parameters)), "simple", shape="distinct"
        )
    query = SemanticQuery(columns=(column,), entity=entity.id, filters=tuple(draw.filters), pattern="values")
    own = tuple(composer.words.column(column).get("values", ())) * 2
    shapes = ["values"]
    if set(nouns) & {"city", "country"}:
        shapes.append("values_place")
    if rng.random() < 0.2:
        query, own = replace(query, order="asc"), ()
        shapes = ["values_ordered"]
    ask = Ask(tuple(shapes), words, tuple(draw.where), (), tuple(draw.parameters), own if not draw.where else ())
    return Composition(query, ask, "simple", shape="values")


RECORD_KINDS: dict[Callable[[Composer, random.Random], Composition | None], float] = {
    _count_or_list: 16,
    _related: 8,
    _lookup: 11,
    _extreme: 7,
    _compare_row: 3,
    _values: 5,
    **LIST_KINDS,
}
