"""Clauses about what the things have to do with others: who ordered, what was never sold, what somebody supplies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from memory.compiler import Filter, Having
from memory.intent.known import NotUnderstood
from memory.intent.nouns import Nouns
from memory.intent.rows import CONN, HAVE, NEGATED, NOTHING, TRADE, VERBS, WHEN, Clause, Reader, Rows, clause_of
from memory.lexical import stem
from memory.values import ValueMatch

__all__ = ["RELATIONS"]

RELATIONS: list[Clause] = []


@clause_of(
    RELATIONS,
    rf"{CONN}<be>(?:shipped|delivered|sent|going|dispatched) to V(?: (?:region|city|country))?{WHEN}",
    rf"{CONN}{HAVE}(?:shipped|delivered|sent|dispatched) (?:a )?F to V(?: (?:region|city|country))?{WHEN}",
)
def _destination(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Shipped to Germany": a column of the event itself."""
    if groups[0][0] == "F" and _table(reader, groups[0]).casefold() != reader.events.casefold():
        return None
    value = next(group for group in groups if group[0] == "V")
    found = reader.matches(value, lambda match: match.table.casefold() == reader.events.casefold())
    window = reader.window(groups)
    if not reader.is_own(reader.events):
        return reader.relation(rows, reader.events, (found,), window)
    return None if window else reader.with_filter(rows, found)


@clause_of(
    RELATIONS,
    rf"{CONN}<be>(?:supplied|made|produced|provided|bought|ordered|purchased|placed|handled|taken|sold|shipped"
    r"|delivered|carried|served|covered|processed|received) (?:by|from|via|through|with) (?:F (?:in |from |of "
    rf")?)?V{WHEN}",
    rf"{CONN}<be>sold to (?:F (?:in |from )?)?V{WHEN}",
)
def _done_by(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Supplied by X", "handled by X in 2023"; but "shipped by X in 2023" has two dates."""
    found = _deal(reader, rows, groups)
    if found is None or found.window == rows.window:
        return found
    return found if re.search(r"(?:placed|handled|taken|ordered) (?:by|from)", reader.sentence.text) else None


@clause_of(
    RELATIONS,
    rf"{CONN}{HAVE}(?:{VERBS})(?: (?:to|for|from|by|through|via))? (?:a )?(?:F (?:(?:of|from|in|for|by|through"
    rf"|via) )?)?V(?: F)?{WHEN}",
    rf"{CONN}{HAVE}V {HAVE}(?:{VERBS}){WHEN}",
    rf"(?:do|does|did|have|has|is|are) (?:F )?V (?:ever )?(?:{VERBS}|assigned to)(?: (?:from|for|with|to|by))?{WHEN}",
    rf"{CONN}(?:do )?we (?:get|got|have|had|received|buy|bought|source|purchase|purchased)(?: {VERBS})? from "
    rf"(?:F )?V{WHEN}",
    rf"{CONN}<be>assigned to V",
)
def _deals_with(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who bought X", "that supply X", "which orders did X place"."""
    return _deal(reader, rows, groups)


@clause_of(
    RELATIONS,
    rf"{CONN}(?:with|that had|had|featuring) V(?: (?:in|on) (?:it|them))?",
)
def _holding(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Orders with X": events that have to do with it, each perhaps with several."""
    found = reader.matches(groups[0], lambda match: match.dimension in reader.known.labels)
    if not reader.nouns.clock or found.op != "=" or not reader.is_far(found.field):
        return None
    return _deal(reader, rows, groups)


@clause_of(
    RELATIONS,
    rf"{CONN}(?:{NEGATED}) (?:been )?(?:{VERBS})(?: (?:to|from|by))? (?:a )?(?:F (?:(?:of|from|in|for|by) "
    rf")?)?V(?: F)?{WHEN}",
)
def _no_deal_with(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who never bought X"."""
    found = _deal(reader, Rows(), groups)
    if found is None or len(found.related) != 1 or found.filters:
        return None
    return replace(rows, related=(*rows.related, replace(found.related[0], negated=True)))


@clause_of(
    RELATIONS,
    rf"{CONN}(?:{NOTHING}|(?:{HAVE})(?:{VERBS}) no) (?:a )?(?:single )?F (?:from|of|for|by|to|in) (?:F (?:in "
    rf"|from )?)?V{WHEN}",
)
def _nothing_from(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Without an order from X"."""
    return _no_deal_with(reader, rows, groups)


@clause_of(
    RELATIONS,
    rf"{CONN}{HAVE}(?:bought|ordered|purchased|buy|order|supply|supplies|provide|provides|give|gives|sell|sells|offer"
    rf"|offers|deliver|delivers|carry|carries) both V{WHEN}",
)
def _deals_with_both(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who bought both X and Y"."""
    found: Rows | None = rows
    letters = re.findall(r"V\d+", groups[0])
    if len(letters) < 2 or " or " in groups[0]:
        return None
    for letter in letters:
        found = _deal(reader, found, [letter, *groups[1:]]) if found else None
    return found


def _deal(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    value = next(group for group in groups if group[0] == "V")
    if len(reader.sentence.named(value)) > 1 and " or " not in value:
        return None
    if any(group[0] == "F" and _is_moved(reader, group, value) for group in groups):
        return None
    things = {reader.known.layer.entity(reader.thing(g).name).table.casefold() for g in groups if g[0] == "F"}

    def fits(match: ValueMatch) -> bool:
        named = match.dimension in reader.known.labels
        return not reader.is_own(match.table) and (named or match.table.casefold() in things)

    return reader.condition(rows, reader.matches(value, fits), reader.window(groups))


@clause_of(
    RELATIONS,
    rf"(?:, )?but (not|never|(?:{NEGATED}) (?:{TRADE})) (?:F )?V",
    r"(?:, )?(and also) (?:F )?V",
)
def _but_not(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "... but not X": dealt with in the same way."""
    last = rows.related[-1] if rows.related else None
    if last is None or last.negated or last.along or last.window or len(last.filters) != 1:
        return None
    found = _deal(reader, Rows(), groups[-1:])
    if found is None or len(found.related) != 1 or found.related[0].table != last.table:
        return None
    item = replace(found.related[0], negated=groups[0] != "and also")
    return replace(rows, related=(*rows.related, item))


def _is_moved(reader: Reader, letter: str, value: str) -> bool:
    """Whether "orders from Germany" are meant: shipped to it, or placed by those who are there?"""
    tables = {match.table.casefold() for thing in reader.sentence.named(value) for match in thing.values}
    events = reader.events.casefold()
    return _table(reader, letter).casefold() == events and events in tables and len(tables) > 1


@clause_of(
    RELATIONS,
    rf"{CONN}(?:{NOTHING}|(?:{HAVE})(?:{VERBS}) no) (?:a )?(?:single )?F(?: assigned(?: to (?:it|them))?)?{WHEN}",
    rf"{CONN}(?:{NEGATED}) (?:been )?(?:{VERBS}|had) (?:a |even a )?(?:single )?F(?: yet)?{WHEN}",
    rf"{CONN}(?:{NEGATED}) (?:{VERBS}) by (?:a )?F{WHEN}",
    kind="names",
)
def _without(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Without orders", "who placed no order in 2023"."""
    return reader.relation(rows, _table(reader, groups[0]), (), reader.window(groups[1:]), negated=True)


@clause_of(
    RELATIONS,
    rf"{CONN}(?:nobody|no one|noone|no N\d+) (?:(?:is|are|has been|was) )?(?:assigned to|in charge of"
    r"|responsible for|looks? after|looking after|covers?|covering|takes? care of)(?: (?:it|them))?",
    kind="names",
)
def _without_anybody(reader: Reader, rows: Rows, _: Sequence[str]) -> Rows | None:
    """ "That nobody looks after": without one of the people whom the things are assigned to."""
    layer = reader.known.layer
    people = [e for e in layer.entities if layer.entity_of(e.table) == e and Nouns(e, reader.known).is_person]
    if len(people) != 1 or reader.is_own(people[0].table) or not reader.known.is_many(reader.table, people[0].table):
        return None
    return reader.relation(rows, people[0].table, negated=True)


@clause_of(
    RELATIONS,
    rf"{CONN}(?:{NOTHING}) (?:a )?(?:single )?([a-z]+(?: [a-z]+)?) F",
    kind="names",
)
def _without_kind(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Without discontinued products"."""
    found = _flagged(reader, groups)
    return reader.relation(rows, _table(reader, groups[1]), found, negated=True)


@clause_of(
    RELATIONS,
    rf"{CONN}(?:with|have|has|having|{VERBS}) (?:a )?([a-z]+(?: [a-z]+)?) F",
    kind="names",
)
def _with_kind(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With discontinued products"."""
    return reader.relation(rows, _table(reader, groups[1]), _flagged(reader, groups))


def _flagged(reader: Reader, groups: Sequence[str]) -> tuple[Filter, ...]:
    nouns = Nouns(reader.known.layer.entity(reader.thing(groups[1]).name), reader.known)
    field = nouns.flags.get(tuple(map(stem, groups[0].split())))
    if field is None:
        raise NotUnderstood
    return (Filter(field, "=", (1,)),)


@clause_of(
    RELATIONS,
    rf"{CONN}(?:{HAVE}(?:{VERBS})|have|has|had|with) (?:a|at least a|one or more) F{WHEN}",
    kind="names",
)
def _with_some(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who placed an order in 2023"."""
    return reader.relation(rows, _table(reader, groups[0]), (), reader.window(groups[1:]))


@clause_of(
    RELATIONS,
    rf"{CONN}(?:(?:{HAVE}(?:{VERBS})|have|has|had) F|with F) (?:(?:in|during|on|for|over|of) )?P",
    kind="names",
)
def _with_dated(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With orders in 2023"."""
    window = reader.window(groups[1:])
    if _table(reader, groups[0]).casefold() != reader.events.casefold():
        return None
    return reader.relation(rows, reader.events, (), window)


@clause_of(
    RELATIONS,
    rf"{CONN}(?:(?:{HAVE}(?:{VERBS})|have|has|had|with|in|on|appear in)) Q F{WHEN}",
    rf"{CONN}<be>(?:{VERBS}) by Q F{WHEN}",
    rf"{CONN}((?:<be>|{HAVE})(?:ordered|bought|sold|purchased)) Q times{WHEN}",
    kind="names",
)
def _with_many(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who placed more than 10 orders"; at least one is some, and more are counted."""
    quantity = reader.thing(next(group for group in groups if group[0] == "Q"))
    letter = next((group for group in groups if group[0] == "F"), "")
    table = _table(reader, letter) if letter else reader.events
    window = reader.window(groups)
    least = (quantity.name == ">=" and quantity.numbers == (1,)) or (quantity.name == ">" and quantity.numbers == (0,))
    if least and letter:
        return reader.relation(rows, table, (), window)
    entity = reader.known.layer.entity_of(table)
    if (
        quantity.name not in (">", ">=", "=")
        or quantity.numbers == (0,)
        or quantity.unit
        or entity is None
        or rows.counted
        or rows.window
    ):
        return None
    metric = Nouns(entity, reader.known).count
    if not reader.known.combinable(metric, reader.nouns.label) or reader.is_own(table):
        return None
    having = Having(cast("Any", quantity.name), quantity.numbers[0])
    return replace(rows, counted=(metric, having), window=window)


@clause_of(
    RELATIONS,
    r"(?:, )?with (?:their )?F (?:counts?|numbers?|totals?)",
    r"(?:, )?with (?:their )?number of F",
    r"(?:, )?(and) how many(?: [EF]\d+)?"
    r"(?: (?:did|do|does|have|has|are) (?:they|it|each|each of them)(?: [a-z]+)?| each| of each)?",
    kind="arranges",
)
def _and_how_many(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With more than 20 orders, and how many did they place": what is counted is shown anyway."""
    if rows.counted is None:
        return None
    named = [
        Nouns(reader.known.layer.entity(reader.thing(group).name), reader.known) for group in groups if group != "and"
    ]
    return rows if all(nouns.count == rows.counted[0] for nouns in named) else None


@clause_of(
    RELATIONS,
    rf"{CONN}(?:<be>(?:part of )?|contained )?(?:in|on|of|from|with) F (?:number |no )?N",
    rf"{CONN}{HAVE}(?:{VERBS}) (?:by |in |on |with )?F (?:number |no )?N",
)
def _of_numbered(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "In order 10250"."""
    other = Nouns(reader.known.layer.entity(reader.thing(groups[0]).name), reader.known)
    if not other.is_numbered or reader.thing(groups[1]).unit:
        return None
    found = Filter(other.label, "=", reader.thing(groups[1]).numbers)
    return reader.relation(rows, other.entity.table, (found,)) if reader.is_far(other.label) else None


@clause_of(
    RELATIONS,
    rf"{CONN}(?:{NEGATED}) (been )?(?:yet )?({TRADE})(?: anything| something| by anyone| by anybody| from| at "
    rf"all| yet)*{WHEN}",
    rf"{CONN}({TRADE}) nothing(?: at all| from| through)?{WHEN}",
    rf"{CONN}(with no|have no|had no|has no|without) F (?:ordered|sold|bought){WHEN}",
    rf"{CONN}(nobody|no one|no F) (?:has |have )?(?:ever )?(?:ordered|bought|purchased){WHEN}",
)
def _no_trade(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who never ordered", "not sold in 2023"."""
    return reader.trade(rows, reader.window(groups), negated=True, passive=_is_passive(reader, groups))


@clause_of(
    RELATIONS,
    rf"{CONN}(?:(?:have|has|had|do|does|did) )?(?:ever )?({TRADE})(?! by)(?: something| anything| from| with)*{WHEN}",
    rf"{CONN}((?:were|was|have been|has been) )(?:{TRADE}){WHEN}",
)
def _some_trade(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who ordered in 2023"."""
    return reader.trade(rows, reader.window(groups), negated=False, passive=_is_passive(reader, groups))


@clause_of(
    RELATIONS,
    rf"{CONN}(?:{HAVE}(?:{VERBS})(?: F)?|(?:are |were )?active) (?:in both|both in) P and (?:in )?P",
)
def _in_both(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who ordered in both 2022 and 2023"."""
    found: Rows | None = rows
    for group in groups:
        if group[0] == "P" and found is not None:
            found = reader.trade(found, reader.window([group]), negated=False, passive=False)
    return found


@clause_of(
    RELATIONS,
    r"(?:, )?(?:but|and) (?:did )?(not|nothing|none)(?: (?:order|buy|purchase))?(?: in| during)? P",
    r"and (also )?in P",
    r"(?:, )?but (?:not )?(no longer|never) (?:in|after|since)? ?P",
)
def _and_not_then(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "... in 2022 but not in 2023"."""
    if not rows.related or rows.related[-1].window is None or rows.related[-1].negated:
        return None
    negated = groups[0] in ("not", "nothing", "none")
    item = replace(rows.related[-1], negated=negated, window=reader.window(groups[-1:]))
    return replace(rows, related=(*rows.related, item)) if groups[0] not in ("no longer", "never") else None


def _is_passive(reader: Reader, groups: Sequence[str]) -> bool:
    """Whether what is told is done to the things: "were ordered", "not ordered" of products, "nobody bought"."""
    return not (reader.events and reader.known.linker.joins.between(reader.table, reader.events))


def _table(reader: Reader, letter: str) -> str:
    return reader.known.layer.entity(reader.thing(letter).name).table
