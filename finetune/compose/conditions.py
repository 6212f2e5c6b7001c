"""Conditions on the rows of an entity: a value, a number, a missing value, a date, a flag, a part of a text."""

from __future__ import annotations

import random
import re

from finetune.compose.compositions import Composer, Draw, as_number, number_surface
from finetune.compose.dates import by_date
from finetune.pairs.pair import Parameter
from finetune.phrasing.vocabulary import is_year, with_article, words_of
from memory.compiler import Filter
from memory.semantics import Dimension, Entity

__all__ = ["add_condition", "by_value"]


def add_condition(composer: Composer, rng: random.Random, draw: Draw, entity: Entity) -> bool:
    """Put one condition of some kind into the draw; False when none fits the entity."""
    kinds = (by_value, _by_number, _by_null, by_date, _by_flag, _by_text)
    return any(kind(composer, rng, draw, entity) for kind in rng.choices(kinds, weights=(6, 3, 2.5, 3, 1.5, 1.5), k=3))


def by_value(composer: Composer, rng: random.Random, draw: Draw, entity: Entity) -> bool:
    """One value of the entity's own table, of a table it refers to, or of one the vocabulary has a phrase for."""
    used = {f.field for f in draw.filters}
    via = composer.words.via(entity)
    options, weights = [], []
    for dimension in composer.filterable:
        own = (dimension.table, dimension.column) == (entity.table, entity.label)
        if own or dimension.id in used or dimension.id == composer.label(entity):
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
        added = composer.add_value(rng, draw, dimension, entity.table)
        if added:
            draw.where[-1] = _of_its_own(composer, entity, dimension, draw)
        return added
    value = rng.choice([v for v in composer.world.values(dimension.id) if isinstance(v, str)])
    surface = composer.surface(rng, value)
    draw.filters.append(Filter(dimension.id, "=", (value,)))
    draw.where.append(tuple(p.format(v=surface) for p in via[dimension.id]))
    draw.parameters.append(composer.parameter(draw, dimension, value, surface))
    return True


def _of_its_own(composer: Composer, entity: Entity, dimension: Dimension, draw: Draw) -> tuple[str, ...]:
    """The last phrases, fit for the entity's own rows: nobody says "suppliers from suppliers in Italy"."""
    phrases = draw.where[-1]
    home = composer.words.where_at_home(dimension, entity.table)
    if home and dimension.table == entity.table and draw.filters[-1].op == "=":
        phrases = tuple(p.format(v=draw.parameters[-1].surface) for p in home)
    nouns = set(composer.words.entity_plurals(entity))
    fit = tuple(p for p in phrases if not nouns & set(p.split()))
    if dimension.table == entity.table:
        fit = tuple(p for p in fit if not p.startswith("for ")) or fit
    return fit or phrases


def _by_flag(composer: Composer, rng: random.Random, draw: Draw, entity: Entity) -> bool:
    used = {f.field for f in draw.filters}
    options = [
        d
        for d in composer.layer.dimensions
        if d.table == entity.table and d.id not in used and composer.words.adjectives(d)
    ]
    if not options or draw.adjectives:
        return False
    dimension = rng.choice(options)
    value, words = rng.choice(list(composer.words.adjectives(dimension).items()))
    phrases = composer.words.flag_phrases(dimension).get(value, ())
    draw.filters.append(Filter(dimension.id, "=", (value,)))
    if phrases and rng.random() < 0.5:
        draw.where.append(phrases)
    else:
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
    unit = composer.words.currency if "price" in noun or "cost" in noun or "freight" in noun else ""
    unit = "year" if is_year(column) else unit
    surface, a_noun = number_surface(rng, limit, unit), with_article(noun)
    over = rng.random() < 0.6
    given = tuple(entry.get("over" if over else "under", ()))
    words = ["above", "over", "greater than"] if over else ["below", "under", "less than"]
    if unit == "year":
        words = ["after", "later than"] if over else ["before", "earlier than"]
    phrases = given + tuple(f"with {a_noun} {w} {{n}}" for w in words)
    op = ">" if over else "<"
    if rng.random() < 0.15:
        op, phrases = (">=" if over else "<="), (f"with {a_noun} of {'at least' if over else 'at most'} {{n}}",)
    elif rng.random() < 0.12:
        high = composer.round_between(rng, tuple(v for v in values if v > limit))
        if high is not None:
            other = number_surface(rng, high, unit)
            draw.filters.append(Filter(column, "between", (as_number(limit), as_number(high))))
            draw.where.append(
                (f"with {a_noun} between {surface} and {other}", f"with {noun} from {surface} to {other}")
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
    used = {f.field for f in draw.filters}
    known = (*composer.text_columns(entity.table), *composer.date_columns(entity.table))
    columns = [c for c in columns if c in known and c not in used]
    if not columns:
        return False
    column = rng.choice(columns)
    noun = rng.choice(composer.words.column_nouns(column))
    missing = rng.random() < 0.7
    own = tuple(composer.words.column(column).get("empty" if missing else "filled", ()))
    draw.filters.append(Filter(column, "is null" if missing else "is not null"))
    draw.where.append(own if own and rng.random() < 0.75 else _null_phrases(noun, missing=missing))
    return True


def _null_phrases(noun: str, *, missing: bool) -> tuple[str, ...]:
    a_noun = with_article(noun)
    if not missing:
        return (
            f"with {a_noun}",
            f"that have {a_noun}",
            f"that do have {a_noun}",
            f"with {a_noun} on file",
            f"where the {noun} is known",
            f"where the {noun} is filled in",
            f"for which we have {a_noun}",
            f"whose {noun} we know",
        )
    return (
        f"without {a_noun}",
        f"with no {noun}",
        f"that have no {noun}",
        f"that do not have {a_noun}",
        f"that don't have {a_noun}",
        f"missing {a_noun}",
        f"where the {noun} is missing",
        f"with an empty {noun}",
        f"with no {noun} on file",
        f"without {a_noun} on file",
        f"for which we have no {noun}",
        f"lacking {a_noun}",
        f"whose {noun} is blank",
        f"whose {noun} we don't know",
        f"where no {noun} is given",
        f"with a blank {noun}",
    )


# -- text ------------------------------------------------------------------------------------------------------------


def _by_text(composer: Composer, rng: random.Random, draw: Draw, entity: Entity) -> bool:
    """A part of a text: a word in it, how it starts, how it ends."""
    name = f"{entity.table}.{entity.label}"
    texts = composer.text_columns(entity.table)
    used = {f.field for f in draw.filters}
    options = [c for c in texts if (c == name or composer.words.column(c).get("contains")) and c not in used]
    if not options:
        return False
    column = rng.choice(options)
    values = [v for v in composer.world.values(column) if isinstance(v, str) and v]
    words = sorted({w for v in values for w in _WORD.findall(v)})
    if not words:
        return False
    own = tuple(composer.words.column(column).get("contains", ()))
    noun = "name" if column == name else composer.words.column_nouns(column)[0]
    if column == name and words_of(entity.label) in _PARTS_OF_NAMES:
        noun = words_of(entity.label)
    kind = rng.choices(("contains", "starts", "ends"), weights=(6, 3 if not own else 0, 1 if not own else 0))[0]
    if kind == "starts":
        start = rng.choice(values)
        text = start[: rng.choice((1, 1, 1, 2, 3))].strip()
        pattern, phrases = f"{text}%", tuple(p.format(a=noun, w=text) for p in _STARTS)
        if len(text) == 1:
            phrases += (f"starting with the letter {text}", f"whose {noun} begins with the letter {text}")
    elif kind == "ends":
        text = rng.choice(values).split()[-1]
        pattern, phrases = f"%{text}", tuple(p.format(a=noun, w=text) for p in _ENDS)
    else:
        text = rng.choice(words)
        if own:
            text = text.lower() if text.islower() else text
        pattern, phrases = f"%{text}%", own or tuple(p.format(a=noun, w=text) for p in _CONTAINS)
        phrases = tuple(p.format(w=text) for p in phrases)
    draw.filters.append(Filter(column, "like", (pattern,)))
    draw.where.append(phrases)
    draw.parameters.append(Parameter(f"text_{len(draw.parameters) + 1}", text, pattern, column))
    return True


_PARTS_OF_NAMES = ("first name", "last name", "surname")
_WORD = re.compile(r"[^\W\d_]{4,}")
_CONTAINS = (
    "whose {a} contains {w}",
    "whose {a} contains '{w}'",
    "with {w} in the {a}",
    "that have {w} in their {a}",
    "with '{w}' in their {a}",
    "whose {a} includes {w}",
    "with the word {w} in the {a}",
    "where the {a} contains {w}",
    "where {w} is part of the {a}",
)
_STARTS = (
    "whose {a} starts with {w}",
    "whose {a} begins with {w}",
    "with a {a} starting with {w}",
    "where the {a} starts with {w}",
    "starting with {w}",
    "beginning with {w}",
    "whose {a} starts with '{w}'",
)
_ENDS = ("whose {a} ends in {w}", "whose {a} ends with {w}", "with a {a} ending in {w}", "ending in {w}")
