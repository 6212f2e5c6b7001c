"""Filters, periods, groups, conditions and orders: what can stand anywhere in a question, taken out of its items.

Each is a pattern over the items' codes and a handler that looks at the items it fits and may refuse them. What is
taken leaves a `.` behind, so that nothing that stood apart comes to stand together.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from memory.intent.items import Item
from memory.intent.known import Known, NotUnderstood, last_stem
from memory.lexical import tokenize
from memory.periods import PeriodMention
from memory.values import ValueMatch

__all__ = ["Parts", "Values", "take_parts"]

Values = tuple[tuple[ValueMatch, ...], ...]
"""The values of one filter, each with the columns it may stand in, best first."""

_LISTING = re.compile(r"\b(list|which|what|names?|find|all|every)\b", re.IGNORECASE)
_NAMING = re.compile(r"\b(list|which|who|names?|all|every|find)\b", re.IGNORECASE)
_SEVERAL = r"V(?:[kKv,]+p?V)*"
_LINK = r"[zy]*[pwb]"


@dataclass(slots=True)
class Parts:
    """What was taken out of a question, and the items that remain."""

    question: str
    items: list[Item]
    said: list[Item]
    """The items of the whole question that mean something by themselves."""
    asks_for_rows: bool
    """Whether the question says that things are to be shown, not a number."""
    loose: Item | None = None
    """A word that only one of the metric's names can account for."""
    filters: list[Values] = field(default_factory=list)
    compared: list[Values] = field(default_factory=list)
    """Those of the filters whose values are to be shown beside each other."""
    unsure: bool = False
    """Whether several values are named of which only a breakdown can say whether they are meant together."""
    periods: list[PeriodMention] = field(default_factory=list)
    groups: list[Item] = field(default_factory=list)
    grain: str = ""
    having: tuple[str, str, float] | None = None
    """Metric, operator, number."""
    order: str = ""
    """`asc`, `desc`, `name`, or empty."""
    lists: bool = False
    """Whether the question says that rows are to be named one by one."""
    counted: bool = False
    """Whether the question says that a number is wanted ("how many")."""

    @property
    def codes(self) -> str:
        """The codes of the remaining items."""
        return "".join(item.code for item in self.items)

    @property
    def grouped(self) -> bool:
        """Whether anything to break down by was found."""
        return bool(self.groups or self.grain)

    def group(self, items: Sequence[Item]) -> bool:
        """Break down by the things and grains among the items."""
        for item in items:
            if item.code in "ga":
                if self.grain:
                    raise NotUnderstood
                self.grain = item.name
            elif item.code == "D":
                self.groups.append(item)
        return True


def take_parts(question: str, items: Sequence[Item], known: Known) -> Parts:
    """What can stand anywhere in the question.

    Raises:
        NotUnderstood: something is said twice, or could be meant in two ways.
    """
    loose = [item for item in items if item.code == "?"]
    if len(loose) > 1 or not items:
        raise NotUnderstood
    said = [item for item in items if item.code in "MDVPNgaHOxS"]
    kept = [item for item in items if item.code != "?"]
    parts = Parts(question, kept, said, bool(_LISTING.search(question)), loose[0] if loose else None)
    parts.lists = bool(_NAMING.search(question))
    _check_verbs(parts, known)
    _drop_repetition(parts)
    _take_periods(parts)
    _Filters(parts, known).take()
    _Groups(parts, known).take()
    _Conditions(parts, known).take()
    return parts


def _take(parts: Parts, pattern: str, handler: Callable[[list[Item]], bool]) -> None:
    place = 0
    while match := re.compile(pattern).search(parts.codes, place):
        taken = parts.items[match.start() : match.end()]
        if handler(taken):
            parts.items[match.start() : match.end()] = [Item(".", "", taken[0].start, taken[-1].end)]
        place = match.start() + 1


def _check_verbs(parts: Parts, known: Known) -> None:
    """ "Orders shipped to V": what was shipped there, or the metric of what has left at all, of V?"""
    for match in re.finditer(r"M(?=[pb][VDP])", parts.codes):
        item = parts.items[match.start()]
        if known.layer.metric(item.name).filter and tokenize(item.surface)[-1].is_participle:
            raise NotUnderstood


def _drop_repetition(parts: Parts) -> None:
    """A last clause that only names again what was said: "which D has the most M? Give the D and the M."."""
    for place, separator in enumerate(parts.items):
        head, tail = parts.items[:place], parts.items[place + 1 :]
        if separator.code != "," or not re.fullmatch(r"[k,h]*[DM](?:[k,h]+[DM])*,?", "".join(i.code for i in tail)):
            continue
        named = {name for item in head if item.code in "DM" for name in (item.name, item.metric) if name}
        if all(item.name in named or item.metric in named for item in tail if item.code in "DM"):
            parts.items = head
            parts.said = [item for item in parts.said if item in head]
            return


# -- periods ----------------------------------------------------------------------------------------------------------


def _take_periods(parts: Parts) -> None:
    def one(items: list[Item]) -> bool:
        parts.periods += [item.period for item in items if item.period]
        return True

    _take(parts, r"p?P[vkwp]p?P" if "c" in parts.codes else r"p?P[vk]p?P", one)
    _take(parts, r"p?P", one)
    compared = "c" in parts.codes or "v" in parts.codes
    if len(parts.periods) > 2 or (compared and any(" and " in period.surface for period in parts.periods)):
        raise NotUnderstood
    if len(parts.periods) == 2:
        parts.grain = _common_grain(*parts.periods)


def _common_grain(first: PeriodMention, second: PeriodMention) -> str:
    """The unit that two periods are one of each, the second right after the first."""
    if first.end != second.start or not (first.start and second.end):
        raise NotUnderstood
    start, middle, end = (dt.date.fromisoformat(day) for day in (first.start, first.end, second.end))
    months = {(b.year - a.year) * 12 + b.month - a.month for a, b in ((start, middle), (middle, end))}
    grain = {1: "month", 3: "quarter", 12: "year"}.get(months.pop()) if len(months) == 1 else None
    if grain is None or any(day.day != 1 for day in (start, middle, end)):
        raise NotUnderstood
    return grain


# -- filters ----------------------------------------------------------------------------------------------------------


class _Filters:
    """Values with the words that say which column they stand in."""

    def __init__(self, parts: Parts, known: Known) -> None:
        self._parts = parts
        self._known = known

    def take(self) -> None:
        """Every value of the question."""
        for pattern, handler in (
            (rf"(?:{_LINK})?Dp?{_SEVERAL}", self._after_its_name),
            (rf"(?<!S){_LINK}D(?:[zy]*[pb]|wn){_SEVERAL}", self._of_things),
            (rf"{_LINK}{_SEVERAL}D", self._before_its_name),
            (rf"(?:{_LINK})?(?:np?{_SEVERAL}|{_SEVERAL}n)", self._beside_its_noun),
            (rf"(?:{_LINK})?{_SEVERAL}", lambda items: self._filter(items, lambda _: True)),
        ):
            _take(self._parts, pattern, handler)
        _take(self._parts, r"y", lambda _: True)

    def _after_its_name(self, items: list[Item]) -> bool:
        """ "customer X", "the country of X"."""
        thing = next(item for item in items if item.code == "D")
        link = items[items.index(thing) + 1]
        direct = link.code == "V"
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
        cue = re.search("[cr]" if len(self._parts.periods) < 2 else "r", self._parts.codes)
        if "v" in codes or ("k" in codes and len(values) > 1 and cue):
            self._parts.compared.append(values)
        elif len(values) > 1 and "K" not in codes:
            self._parts.unsure = True  # "A and B": together, or each?
        self._parts.filters.append(values)
        return True


# -- groups -----------------------------------------------------------------------------------------------------------


class _Groups:
    """Things and grains to break down by."""

    def __init__(self, parts: Parts, known: Known) -> None:
        self._parts = parts
        self._known = known

    def take(self) -> None:
        """Every group that is named as one."""
        parts = self._parts
        _take(parts, r"[be]n", self._by_noun)
        _take(parts, r"(?<=M)pD(?![kDMn])", self._rows_counted)
        _take(parts, r"p?b?e+[Dg](?:[k,]+[be]*[Dg])*(?!V)", parts.group)
        _take(parts, r"a", parts.group)
        _take(
            parts,
            r"b[Dg](?:[k,b]+e?[Dg])*(?!V)",
            lambda items: not re.search("[HB]", parts.codes) and parts.group(items),
        )

    def _by_noun(self, items: list[Item]) -> bool:
        """ "Employees by title": the title of what is counted, where that is a table of things and not of events."""
        heads = [item.name if item.code == "M" else item.metric for item in self._parts.items if item.code in "MD"]
        if len(heads) != 1 or not heads[0] or self._known.layer.metric(heads[0]).time:
            return False
        base, noun = self._known.layer.metric(heads[0]).base.casefold(), items[-1].name
        dimensions = self._known.layer.dimensions
        named = [d for d in dimensions if d.table.casefold() == base and last_stem(d.name) == noun]
        if len(named) != 1:
            return False
        return self._parts.group([replace(items[-1], code="D", name=named[0].id, table=named[0].table)])

    def _rows_counted(self, items: list[Item]) -> bool:
        """ "The late rate of orders": the things the metric is of anyway."""
        thing = items[-1]
        metric = next(item.name for item in self._parts.items if item.code == "M")
        if not thing.entity or not thing.plural or items[0].surface.lower() != "of":
            return False
        return self._known.compiler.base(metric).casefold() == thing.table.casefold()


# -- conditions and orders --------------------------------------------------------------------------------------------


class _Conditions:
    """ "With more than N of M", "highest first"."""

    def __init__(self, parts: Parts, known: Known) -> None:
        self._parts = parts
        self._known = known

    def take(self) -> None:
        """At most one condition, and one order."""
        _take(self._parts, r"[wW]?xN[US]?p?[MD]", self._condition)
        _take(self._parts, r"[wW]?h?M\.?xN[US]?", self._condition)
        _take(self._parts, r"O", self._order)

    def _condition(self, items: list[Item]) -> bool:
        number, sign = (next(item for item in items if item.code == code) for code in "Nx")
        metric = next(item.metric if item.code == "D" else item.name for item in items if item.code in "MD")
        unit = next((item.name for item in items if item.code in "US"), "") or number.name
        if not metric or self._parts.having or (unit and unit != self._known.layer.metric(metric).unit):
            raise NotUnderstood
        self._parts.having = (metric, sign.name, number.number)
        return True

    def _order(self, items: list[Item]) -> bool:
        if self._parts.order:
            raise NotUnderstood
        self._parts.order = items[0].name
        return True
