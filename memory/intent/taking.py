"""Filters, periods, groups, conditions and orders: what can stand anywhere in a question, taken out of its items."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from memory.compiler import Having
from memory.intent.comparison_words import COMPARISON_SIGNS
from memory.intent.filters import Filters
from memory.intent.implied import with_implied
from memory.intent.items import Item
from memory.intent.kinds import numbered, take_kinds
from memory.intent.known import Known, NotUnderstood, last_stem
from memory.intent.nouns import nouns_of
from memory.intent.parts import Parts, plain_number, take
from memory.intent.repetition import drop_repetition, of_all_years
from memory.intent.windows import take_periods
from memory.lexical import tokenize

__all__ = ["take_parts"]

_OF_ALL = re.compile(r"(?:of|on|across all(?: the| our)?)$", re.IGNORECASE)
_LISTING = re.compile(r"\b(list|which|what|names?|find|all|every)\b", re.IGNORECASE)
_NAMING = re.compile(r"\b(list|which|who|names?|all|every|find)\b", re.IGNORECASE)


def take_parts(question: str, items: Sequence[Item], known: Known) -> Parts:
    """What can stand anywhere in the question.

    Raises:
        NotUnderstood: something is said twice, or could be meant in two ways.
    """
    items = of_all_years(with_implied(question, numbered(items, question, known), known))
    items = _compared_in_number(items)
    loose = [item for item in items if item.code == "?"]
    if len(loose) > 1 or not items:
        raise NotUnderstood
    said = [item for item in items if item.code in f"MDVPNgaHOxS{COMPARISON_SIGNS}"]
    kept = [item for item in items if item.code != "?"]
    parts = Parts(question, kept, said, bool(_LISTING.search(question)), loose[0] if loose else None)
    parts.lists = bool(_NAMING.search(question))
    parts.metrics = tuple(item.name for item in items if item.code == "M")
    _check_heading(parts)
    drop_repetition(parts, known)
    _name_the_goods(parts, known)
    take(parts, r"[,pwk]*β,?", lambda _: _in_both(parts))
    take(parts, r"[,pwk]*ζ,?", lambda _: _with_empty(parts))
    _take_clock(parts, known)
    take_periods(parts)
    take_kinds(parts, known)
    Filters(parts, known).take()
    _Groups(parts, known).take()
    _Conditions(parts, known).take()
    return parts


def _compared_in_number(items: list[Item]) -> list[Item]:
    """ "Compare the orders of X and Y": the number of them, where they are all that could be compared."""
    things = [item for item in items if item.code in "DM"]
    if not items or items[0].code != "c" or len(things) != 1 or not (things[0].metric and things[0].plural):
        return items
    return [replace(item, code="M", name=item.metric) if item is things[0] else item for item in items]


def _name_the_goods(parts: Parts, known: Known) -> None:
    """ "Which five beverages sold the most": the goods of that kind."""
    match = re.match(r"[pu]*N?V(?=[zy$]*[HB]M)", parts.codes)
    if match is None or len(known.goods) != 1:
        return
    entity = next(entity for entity in known.layer.entities if entity.table.casefold() in known.goods)
    value = parts.items[match.end() - 1]
    table = known.linker.catalog.table(entity.table)
    near = {key.target_table.casefold() for key in (table.foreign_keys if table else ())}
    if not all(found.table.casefold() in near for found in value.values) or not tokenize(value.surface)[-1].is_plural:
        return
    label = known.compiler.label(entity)
    thing = Item("D", "", value.end, value.end, label, entity=entity.id, table=entity.table, plural="N" in match[0])
    parts.items.insert(match.end(), thing)


def _check_heading(parts: Parts) -> None:
    """Refuse "Japanese vendors: the article with the most stock": of all of them, or of each?"""
    if re.fullmatch(r"[pu.,]*VD,+M(?:[,k]+M)*[,.]*", parts.codes) and any(
        i.plural for i in parts.items if i.code == "D"
    ):
        raise NotUnderstood  # "Argentina clients, orders, revenue": of them all, or of each?
    heading = re.match(r"[VP]*D(?=,)", parts.codes)
    thing = parts.items[heading.end() - 1] if heading else None
    if thing is None or not thing.plural or not parts.question[thing.end :].lstrip().startswith(":"):
        return
    if re.search(r"D.*H|H.*D", parts.codes[heading.end() :] if heading else ""):
        raise NotUnderstood


def _take_clock(parts: Parts, known: Known) -> None:
    """ "By shipped date": the date that the periods are those of, where there are any."""

    def dated(items: list[Item]) -> bool:
        dimension = known.layer.dimension(items[-1].name) if "." not in items[-1].name else None
        if dimension is None or dimension.type != "date" or not dimension.column or parts.clock:
            return False
        if not re.search("[gaP]", parts.codes):
            return False
        parts.clock = f"{dimension.table}.{dimension.column}"
        parts.forget(items[-1])
        return True

    take(parts, r"[,.]*bD(?![kD])", dated)


def _in_both(parts: Parts) -> bool:
    parts.in_both = True
    return True


def _with_empty(parts: Parts) -> bool:
    parts.with_empty = True
    return True


class _Groups:
    """Things and grains to break down by."""

    def __init__(self, parts: Parts, known: Known) -> None:
        self._parts = parts
        self._known = known

    def take(self) -> None:
        """Every group that is named as one."""
        parts = self._parts
        listed = r"b[Dg](?:[k,b]+e?[Dg])*(?!V)"
        if any(item.code == "," and ":" in item.surface for item in parts.items):
            listed = r"b[Dg](?:[kb]+e?[Dg])*(?!V)"  # "by month: orders and freight"
        take(parts, r"[be]n", self._by_noun)
        take(parts, r"(?<=M)pD(?![kDMn])", self._rows_counted)
        take(parts, r"(?<=M)eD(?![kDMn])", self._rows_counted)
        take(parts, r"(?<=M)\.?p[DM](?=\.)|(?<=\.)D(?=[.,]|$)", self._of_what_there_is)
        take(parts, r"[be]nD[zp]*", self._by_column_of)
        take(parts, r"p?b?e+[Dg](?:[k,]+[be]*[Dg](?!w?[HB]M))*(?!V)", parts.group)
        take(parts, r"a", parts.group)
        take(
            parts,
            listed,
            lambda items: not re.search("[HB]", parts.codes) and parts.group(items),
        )

    def _of_what_there_is(self, items: list[Item]) -> bool:
        """ "Revenue on products from Italian suppliers": every row of the metric has one of those things."""
        thing = items[-1]
        heads = [item for item in self._parts.items if item.code == "M" and item is not thing]
        if not heads or not self._parts.filters or self._parts.groups:
            return False
        if len(heads) > 1 and (thing.code == "M" or any(self._known.crosses(h.name, thing.name) for h in heads)):
            return False
        metric = heads[0].name
        if thing.code == "M":
            same = self._known.defined(thing.name), self._known.defined(metric)
            if None in same or same[0].base != same[1].base or same[0].filter or same[0].unit == "count":  # type: ignore[union-attr]
                return False
        elif not (thing.entity and thing.plural) or self._known.crosses(metric, thing.name):
            return False
        self._parts.said = [item for item in self._parts.said if item is not thing]
        return True

    def _by_column_of(self, items: list[Item]) -> bool:
        """ "By the city our salespeople are based in": a column of those things."""
        noun, thing = items[1], items[2]
        told = items[3:]
        if not thing.entity or not thing.plural or not told or told[0].surface.lower() not in ("based", "located"):
            return False
        field = nouns_of(thing.entity, self._known).columns.get((noun.name,), "")
        dimensions = [d for d in self._known.layer.dimensions if field in (d.id, f"{d.table}.{d.column}")]
        if len(dimensions) != 1:
            return False
        self._parts.said = [item for item in self._parts.said if item is not thing]
        return self._parts.group([replace(thing, code="D", name=dimensions[0].id, surface=dimensions[0].name)])

    def _by_noun(self, items: list[Item]) -> bool:
        """ "Employees by title": the title of what is counted, where that is a table of things and not of events."""
        heads = [item.name if item.code == "M" else item.metric for item in self._parts.items if item.code in "MD"]
        if len(heads) != 1 or not heads[0] or self._known.layer.metric(heads[0]).time:
            return False
        base, noun = self._known.layer.metric(heads[0]).base.casefold(), items[-1].name
        dimensions = self._known.layer.dimensions
        called = [d for d in dimensions if last_stem(d.name) == noun]
        named = [d for d in called if d.table.casefold() == base] or [
            d for d in called if self._known.combinable(heads[0], d.id) and not self._known.crosses(heads[0], d.id)
        ]  # "territories per region", which they belong to
        if len(named) != 1:
            return False
        return self._parts.group([replace(items[-1], code="D", name=named[0].id, table=named[0].table)])

    def _rows_counted(self, items: list[Item]) -> bool:
        """ "The late rate of orders", "across all orders": the things the metric is of anyway."""
        thing = items[-1]
        metric = next(item.name for item in self._parts.items if item.code == "M")
        if not thing.entity or not thing.plural or not _OF_ALL.match(items[0].surface):
            return False
        return self._known.compiler.base(metric).casefold() == thing.table.casefold()


class _Conditions:
    """ "With more than N of M", "highest first"."""

    def __init__(self, parts: Parts, known: Known) -> None:
        self._parts = parts
        self._known = known

    def take(self) -> None:
        """At most one condition, and one order."""
        take(self._parts, r"[wWq]?pN[US]?[kp]N[US]?p?[MD]", self._between)
        take(self._parts, r"[wWq]?h?M\.?[pw]N[US]?[kp]N[US]?", self._between)
        take(self._parts, r"[wWq]?N[US]?x[US]?p?[MD]", self._or_more)
        take(self._parts, r"[wWq]?h?M\.?[pw]?N[US]?x[US]?", self._or_more)
        take(self._parts, r"[wWq]?xN[US]?p?[MD]", self._condition)
        take(self._parts, r"[wWq]?h?M\.?xN[US]?", self._condition)
        take(self._parts, r"O", self._order)
        self._put_in_order()

    def _put_in_order(self) -> None:
        """Let that of two conditions be shown that a period can be of, and that is not a ratio over two tables."""
        parts, compiler = self._parts, self._known.compiler
        if parts.having is None or parts.also is None or parts.upper is not None:
            return
        metric, condition = parts.also
        if compiler.two_grained(metric) or (parts.periods and not compiler.timed(parts.having[0])):
            other, sign, number = parts.having
            parts.also = other, Having(cast("Any", sign), plain_number(number))
            parts.having = metric, condition.op, float(condition.value)

    def _between(self, items: list[Item]) -> bool:
        """ "With between 5 and 10 orders"."""
        word = next(item.surface.lower() for item in items if item.code in "pw")
        words = [item.surface.lower() for item in items if item.code == "p"]
        if "between" not in words and (word, *words[1:2]) != ("from", "to"):
            return False
        first, second = (item for item in items if item.code == "N")
        if first.number > second.number or (first.name and second.name not in ("", first.name)):
            raise NotUnderstood
        sign = replace(first, code="x", name="between")
        kept = [item for item in items if item is not first and item.surface.lower() not in ("between", "from", "to")]
        self._condition([sign, replace(first, name=first.name or second.name), *(i for i in kept if i is not second)])
        self._parts.upper = second.number
        return True

    def _or_more(self, items: list[Item]) -> bool:
        """ "With 10 orders or more", "10 or more orders"."""
        sign = next(item for item in items if item.code == "x")
        return sign.surface.startswith(("or ", "and ")) and self._condition(items)

    def _condition(self, items: list[Item]) -> bool:
        linked = next((item for item in items if item.code == "p"), None)
        if linked is not None and linked.surface.lower() in ("from", "to", "for", "with", "at"):
            return False  # "more than 600 from customers in Paris" is an amount, and no number of customers
        number, sign = (next(item for item in items if item.code == code) for code in "Nx")
        metric = next(item.metric if item.code == "D" else item.name for item in items if item.code in "MD")
        unit = next((item.name for item in items if item.code in "US"), "") or number.name
        if metric and unit == "percent" and self._known.adds_up(metric) and sign.name in (">", ">="):
            return False  # more than 10 % of it is a share
        if not metric or (unit and unit != self._known.layer.metric(metric).unit):
            raise NotUnderstood
        if self._parts.having:
            if self._parts.also or self._parts.having[0] == metric or sign.name == "between":
                raise NotUnderstood
            self._parts.also = metric, Having(cast("Any", sign.name), plain_number(number.number))
            return True
        self._parts.having = (metric, sign.name, number.number)
        return True

    def _order(self, items: list[Item]) -> bool:
        if self._parts.order:
            raise NotUnderstood
        self._parts.order = items[0].name
        return True
