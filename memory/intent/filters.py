"""The values of a question with the words that say which column they stand in, taken out of its items."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from memory.intent.items import Item
from memory.intent.known import Known, NotUnderstood, last_stem
from memory.intent.parts import Parts, take
from memory.values import ValueMatch

__all__ = ["Filters"]

_TOGETHER = re.compile(r"\b(?:combined|together(?! with)|altogether)\b", re.IGNORECASE)
_SEVERAL = r"V(?:(?:[kKv,]+|[yz]v)p?V)*"
_LINK = r"[zy]*[pwb]"
_BESIDE = ("of", "for")


_WHAT_THEY_DID = re.compile(r"u[^uMA]*y[^uMA]*k[Am]")


class Filters:
    """Values with the words that say which column they stand in."""

    def __init__(self, parts: Parts, known: Known) -> None:
        self._parts = parts
        self._known = known

    def take(self) -> None:
        """Every value of the question, those first that are left out."""
        patterns = (
            (rf"(?:{_LINK})?Dp?{_SEVERAL}", self._after_its_name),
            (rf"(?<!S){_LINK}D(?:[zy]*[pb]|wn){_SEVERAL}", self._of_things),
            (rf"{_LINK}{_SEVERAL}D", self._before_its_name),
            (rf"(?:{_LINK})?(?:np?{_SEVERAL}|{_SEVERAL}n)", self._beside_its_noun),
            (rf"(?:{_LINK})?{_SEVERAL}", lambda items: self._filter(items, lambda _: True)),
        )
        take(self._parts, rf"(?<=D)z?p{_SEVERAL}(?!n)", self._of_origin)
        take(self._parts, r"(?:e|(?<![zy])b)p?Vz?D", self._each_of_some)
        take(self._parts, rf"{_LINK}Dν(?:{_LINK})?{_SEVERAL}", self._without_some)
        for pattern, handler in (*patterns, (rf"D[zy]*[pb]{_SEVERAL}", self._of_things)):
            take(self._parts, f"p?ν(?:{pattern})", partial(self._without, handler))
        for pattern, handler in patterns:
            take(self._parts, pattern, handler)
        if _WHAT_THEY_DID.match(self._parts.codes):
            raise NotUnderstood  # "what did each carrier carry, and how much did it charge": two things
        take(self._parts, r"y", lambda _: True)

    def _each_of_some(self, items: list[Item]) -> bool:
        """ "Each German customer", "each of our London-based employees"."""
        thing, value = items[-1], next(item for item in items if item.code == "V")
        if not thing.entity or self._parts.having or (items[0].code == "b" and thing.plural):
            return False
        own = self._filter([items[0], value], lambda found: found.table.casefold() == thing.table.casefold())
        return own and self._parts.group([thing])

    def _without(self, handler: Callable[[list[Item]], bool], items: list[Item]) -> bool:
        """ "Outside X", "except for customers in X": A and B together are left out, and beside nothing."""
        compared, unsure = list(self._parts.compared), self._parts.unsure
        sign = next(place for place, item in enumerate(items) if item.code == "ν")
        if not handler(items[sign + 1 :]):
            return False
        self._parts.negated.append(self._parts.filters[-1])
        self._parts.compared, self._parts.unsure = compared, unsure
        return True

    def _without_some(self, items: list[Item]) -> bool:
        """ "From all countries except X", "for customers not in X"."""
        thing = next(item for item in items if item.code == "D")

        def fits(value: ValueMatch) -> bool:
            of_it = bool(thing.entity) and value.table.casefold() == thing.table.casefold()
            return of_it or value.dimension == thing.name

        if items[0].code == "b" and thing.plural:
            own = [value.dimension == thing.name for item in items for value in item.values[:1]]
            if not all(own):
                raise NotUnderstood  # "by customers outside X": for each of them, or all that they bought?
        if items[0].code == "b" or not thing.plural:
            return False
        return self._without(lambda held: self._filter(held, fits), items)

    def _after_its_name(self, items: list[Item]) -> bool:
        """ "customer X", "the country of X"."""
        thing = next(item for item in items if item.code == "D")
        link = items[items.index(thing) + 1]
        direct = link.code == "V"
        if direct and not thing.plural and [item.code for item in items].count("V") == 1 and items[0].code in "bp":
            parts_of_name = self._known.parts_of_name(thing.name)
            if any(value.target in parts_of_name for value in link.values):  # "by employee Smith"
                return self._filter(items, lambda value: value.target in parts_of_name)
        if items[0].code == "b" or not (direct or (link.surface.lower() == "of" and not thing.entity)):
            return False
        return self._filter(items, lambda value: value.dimension == thing.name)

    def _of_things(self, items: list[Item]) -> bool:
        """ "from customers in X"."""
        thing = next(item for item in items if item.code == "D")

        def fits(value: ValueMatch) -> bool:
            return value.table.casefold() == thing.table.casefold() and value.dimension != thing.name

        candidates = [item.values for item in items if item.code == "V"]
        if items[0].code == "b" and thing.plural and any(map(fits, sum(candidates, ()))):
            raise NotUnderstood  # "by customers in X": for each of them, or all that they bought?
        if not thing.entity or items[0].code == "b" or not all(fits(values[0]) for values in candidates):
            return False
        return self._filter(items, fits)

    def _of_origin(self, items: list[Item]) -> bool:
        """ "Products from Spain": where goods are from is where they come from, and not where they are sold."""
        place = next(place for place, item in enumerate(self._parts.items) if item is items[0])
        thing, link = self._parts.items[place - 1], next(item for item in items if item.code == "p")
        goods = thing.table.casefold() in self._known.goods and thing.plural
        measured = any(item.code == "M" for item in self._parts.said)  # a bare list of them may mean either
        if not (goods and measured) or link.surface.lower().split()[-1] != "from":
            return False
        owners = self._known.referred_to(thing.table)
        if not self._filter(items, lambda value: value.table.casefold() in owners):
            raise NotUnderstood
        return True

    def _before_its_name(self, items: list[Item]) -> bool:
        """ "in the X category", "from X customers"."""
        table = items[-1].table.casefold()
        return self._filter(items, lambda value: value.table.casefold() == table)

    def _beside_its_noun(self, items: list[Item]) -> bool:
        """ "the city of X", "in the X region"."""
        noun = next(item.name for item in items if item.code == "n")
        layer = self._known.layer
        return self._filter(
            items, lambda value: bool(value.dimension) and last_stem(layer.dimension(value.dimension).name) == noun
        )

    def _filter(self, items: Sequence[Item], fits: Callable[[ValueMatch], bool]) -> bool:
        # "Going to X" and "shipped by X" mean the column that the linker puts first for these words.
        told = items[0].code == "z" or items[0].surface.lower() == "to"
        held = (item.values[:1] if told else item.values for item in items if item.code == "V")
        values = tuple(tuple(filter(fits, candidates)) for candidates in held)
        if not all(values):
            return False
        codes = {item.code for item in items}
        together = _TOGETHER.search(self._parts.question)
        cue = re.search("[cr]" if len(self._parts.periods) < 2 else "r", self._parts.codes)
        if "v" in codes or ("k" in codes and len(values) > 1 and cue):
            self._parts.compared.append(values)
        elif len(values) > 1 and "K" not in codes and not together:
            self._parts.unsure = True  # "A and B": together, or each?
            if items[0].surface.lower() in _BESIDE:
                self._parts.beside.append(values)
        self._parts.filters.append(values)
        return True
