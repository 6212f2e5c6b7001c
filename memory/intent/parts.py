"""Filters, periods, groups, conditions and orders: what can stand anywhere in a question, taken out of its items.

Each is a pattern over the items' codes and a handler that looks at the items it fits and may refuse them. What is
taken leaves a `.` behind, so that nothing that stood apart comes to stand together.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

from memory.intent.comparison_words import COMPARISON_SIGNS
from memory.intent.items import Item
from memory.intent.known import Known, NotUnderstood, last_stem
from memory.lexical import tokenize
from memory.periods import PeriodMention
from memory.values import ValueMatch

__all__ = ["Parts", "Values", "take_parts", "unit_of"]

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
    negated: list[Values] = field(default_factory=list)
    """Those of the filters whose values are left out."""
    periods: list[PeriodMention] = field(default_factory=list)
    before: str = ""
    """The grain of "the year before", where the question says so."""
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
    said = [item for item in items if item.code in f"MDVPNgaHOxS{COMPARISON_SIGNS}"]
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
    """ "Orders shipped to V": what was shipped there, or the metric of what has left at all, of V?

    A percentage of them can only be of all orders.
    """
    for match in reversed(list(re.finditer(r"M(?=[pb][VDP])", parts.codes))):
        item, place = parts.items[match.start()], match.start()
        tokens = tokenize(item.surface)
        if not (known.layer.metric(item.name).filter and tokens[-1].is_participle):
            continue
        plain = known.homonym(list(tokens[:-1]))
        if not plain or not re.search(r"Sp?$", parts.codes[:place]):
            raise NotUnderstood
        cut = item.start + tokens[-1].start
        parts.items[place : place + 1] = [
            replace(item, name=plain, surface=item.surface[: tokens[-1].start].strip(), end=cut),
            Item("z", tokens[-1].text, cut, item.end),
        ]


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
    def dated(items: list[Item]) -> bool:
        for item in items:
            if item.period:
                parts.periods.append(item.period)
            elif item.code == "P" and parts.before:
                raise NotUnderstood
            elif item.code == "P":
                parts.before = item.name
        return True

    comparing = any(sign in parts.codes for sign in COMPARISON_SIGNS)
    if comparing:
        _take(parts, r"[vτw]?p?P(?:[vkpτwc,]+P)*", dated)
    _take(parts, r"p?P(?:[,k]+p?P){2,}", dated)
    _take(parts, r"p?P[cvkwp]+P" if "c" in parts.codes else r"p?P[vk]p?P", dated)
    _take(parts, r"p?P", dated)
    _add_the_one_before(parts, comparing)
    compared = "c" in parts.codes or "v" in parts.codes
    if compared and any(" and " in period.surface for period in parts.periods):
        raise NotUnderstood
    if parts.before and not comparing:
        raise NotUnderstood
    if len(parts.periods) > 2 or (len(parts.periods) == 2 and not comparing):
        parts.periods.sort(key=lambda period: period.start)
        parts.grain = _common_grain(parts.periods)


def _add_the_one_before(parts: Parts, comparing: bool) -> None:
    """ "In 2023 and the year before": both periods. "In 2023, each month with the month before" means others."""
    if not parts.before or len(parts.periods) != 1:
        return
    [period] = parts.periods
    if comparing and unit_of(period) != parts.before:
        return
    if unit_of(period) != parts.before:
        raise NotUnderstood
    start = dt.date.fromisoformat(period.start)
    index = start.year * 12 + start.month - 1 - _MONTHS[parts.before]
    earlier = dt.date(index // 12, index % 12 + 1, 1).isoformat()
    parts.periods.append(replace(period, start=earlier, end=period.start))
    parts.before = ""


_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def unit_of(period: PeriodMention) -> str:
    """The grain that a period is one of: `year` for 2023; empty for three weeks, and for an open period."""
    if not (period.start and period.end):
        return ""
    start, end = dt.date.fromisoformat(period.start), dt.date.fromisoformat(period.end)
    months = (end.year - start.year) * 12 + end.month - start.month
    grain = next((name for name, length in _MONTHS.items() if length == months), "")
    whole = start.day == end.day == 1 and bool(grain) and (start.month - 1) % months == 0
    return grain if whole else ""


def _common_grain(periods: Sequence[PeriodMention]) -> str:
    """The unit that periods are one of each, every one right after the one before it."""
    grains = {unit_of(period) for period in periods}
    grain = grains.pop()
    if grains or not grain or any(a.end != b.start for a, b in pairwise(periods)):
        raise NotUnderstood
    return grain


# -- filters ----------------------------------------------------------------------------------------------------------


class _Filters:
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
        _take(self._parts, rf"{_LINK}Dν(?:{_LINK})?{_SEVERAL}", self._without_some)
        for pattern, handler in (*patterns, (rf"D[zy]*[pb]{_SEVERAL}", self._of_things)):
            _take(self._parts, f"p?ν(?:{pattern})", partial(self._without, handler))
        for pattern, handler in patterns:
            _take(self._parts, pattern, handler)
        _take(self._parts, r"y", lambda _: True)

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
