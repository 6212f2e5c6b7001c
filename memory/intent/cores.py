"""What remains of a question when everything that can stand anywhere is taken out: one of a few cores, or nothing.

Each core is a pattern over all remaining codes and a builder that makes the semantic query of it, still without
filters and window.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from memory.compiler import Having, SemanticQuery
from memory.compiler.query import Grain, Order
from memory.intent.checks import meant
from memory.intent.comparisons import read_comparison
from memory.intent.items import Item
from memory.intent.known import Known, NotUnderstood
from memory.intent.parts import Parts
from memory.lexical import stems

__all__ = ["read_core"]

_METRICS = r"M(?:[kw]+h?M)*"
_TOTAL = re.compile(rf"u?{_METRICS}|Mm")
_AFTER_GROUP = re.compile(r"[kw]?h?M")
_EACH_WITH = re.compile(rf"u?Dk?w?h{_METRICS}")
_RANKED = re.compile(r"R?D[bk]h?M|RDpM")
_MOST_FIRST = re.compile(r"D[kw]?HMf")
_SUPERLATIVE = re.compile(r"p?uN?[Dg][pwz]?[HB][pwb]?M|p?uN?[Dg]MH|N?[Dg][pw][HB]M|u?N?[HB]N?[Dg][bpw]M|u?[HB]M[Dg]")
_EXTREME = re.compile(r"u?N?D[pw]?HD|N?D[pw]HD|HND[bpw]D|uHD[bpw]D")
_SHARE = re.compile(r"u?Sp?([MD])|(M)%")
_NUMBERED = re.compile(r"\b(number|count|many|total|volume)\b", re.IGNORECASE)
_SPREAD = re.compile(r"distribution|\bby\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Core:
    """The remaining items that say something, and their codes."""

    codes: str
    items: tuple[Item, ...]

    def coded(self, codes: str) -> list[Item]:
        """The items with one of the codes, in order."""
        return [item for item in self.items if item.code in codes]

    @property
    def metrics(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.items if item.code == "M")

    @property
    def number(self) -> int:
        return next((int(item.number) for item in self.items if item.code == "N"), 0)

    def has(self, pattern: re.Pattern[str]) -> bool:
        """Whether the codes are as a whole what the pattern says."""
        return bool(pattern.fullmatch(self.codes))


def read_core(parts: Parts, known: Known) -> SemanticQuery:
    """The query that the remaining items ask for, with the groups, condition and order that were taken out.

    Raises:
        NotUnderstood: the items are none of the cores.
    """
    core = _core_of(parts)
    return read_comparison(core.codes, core.items, parts, known) or _Reader(parts, known).read(core)


def _core_of(parts: Parts) -> _Core:
    listed = [match.start() + 1 for match in re.finditer("M,(?=M)", parts.codes)]
    items = [replace(item, code="k") if place in listed else item for place, item in enumerate(parts.items)]
    items = [item for item in items if item.code not in ".,cr"]
    items = _beside_metrics(items, parts)
    measured = any(item.code == "M" for item in items)
    if not measured and any(item.code == "A" for item in items):
        raise NotUnderstood  # "how much" of something that is no metric
    items = [item for item in items if item.code != "A"]
    if parts.grouped and not measured:
        items = _counting(items, parts)
    codes = re.sub("^(u?)k(?=M)", r"\1", "".join(item.code for item in items))  # "both sales and profit"
    parts.counted = "mM" in codes or codes in ("Mm", "Dm")
    codes = codes.replace("mM", "M")
    if parts.grouped:
        codes = re.sub("~p?", "", codes)
    if parts.compared:
        codes = re.sub("^[pb]", "", codes)
    if codes.endswith("kM") and parts.having and items[-1].name == parts.having[0]:
        codes, items = codes[:-2], items[:-2]  # "... and show those sales"
    if codes.endswith("RbM") and parts.order in ("asc", "desc") and len({i.name for i in items if i.code == "M"}) == 1:
        codes, items = codes[:-3], items[:-3]  # "... sorted by sales, highest first"
    return _Core(codes, tuple(items))


def _beside_metrics(items: list[Item], parts: Parts) -> list[Item]:
    """Things beside metrics as the number of them: "revenue and orders", "orders and freight by shipper"."""
    kept, codes = list(items), "".join(item.code for item in items)
    for match in re.finditer(r"D(?=kM)|(?<=Mk)D", codes):
        thing, follows = items[match.start()], codes[match.end() : match.end() + 2] == "kM"
        if thing.metric and thing.plural and (parts.grouped or not follows):
            kept[match.start()] = replace(thing, code="M", name=thing.metric)
    return kept


def _counting(items: list[Item], parts: Parts) -> list[Item]:
    """Things before what they are broken down by ("customers per country") as the metric of their name."""
    asked = any(item.code == "m" for item in items)
    if parts.order == "name" or (parts.lists and not asked):
        return items
    first = min((group.start for group in parts.groups), default=len(parts.question))
    return [
        replace(item, code="M", name=item.metric)
        if item.code == "D" and item.metric and (asked or item.start < first)
        else item
        for item in items
    ]


class _Reader:
    """Builds the query of one core."""

    def __init__(self, parts: Parts, known: Known) -> None:
        self._parts = parts
        self._known = known

    def read(self, core: _Core) -> SemanticQuery:
        things = core.coded("Dg")
        if core.has(_SUPERLATIVE):
            return self._superlative(core, things[0])
        if core.has(_RANKED) or core.has(_MOST_FIRST):
            return self._ranked(core, things)
        if core.has(_SHARE):
            return self._share(core)
        metrics = self._metrics(core, things)
        if metrics:
            return self._breakdown(metrics)
        if self._parts.grouped:
            raise NotUnderstood
        return self._rows(core, things)

    def _metrics(self, core: _Core, things: Sequence[Item]) -> tuple[str, ...]:
        """The metrics of a total or a breakdown, whose things are grouped by; empty for every other core."""
        if core.has(_TOTAL) or (self._parts.grouped and core.has(_AFTER_GROUP)):
            return core.metrics
        if core.has(_EACH_WITH) or core.codes == "DM~":
            self._parts.group(things)
            return core.metrics
        if core.codes in ("mD", "Dm"):
            return (self._rows_of(things[0]),)
        if self._parts.having and re.fullmatch(r"u?[Dg]w?", core.codes):
            self._parts.group(things)
            return (self._parts.having[0],)
        return ()

    def _rows(self, core: _Core, things: Sequence[Item]) -> SemanticQuery:
        """Cores that show rows and no metric."""
        if core.has(_EXTREME):
            return self._extreme(core, *things)
        if re.fullmatch(r"u?D", core.codes):
            return self._list(things[0]) if things[0].plural else self._lookup(things[0])
        if re.fullmatch(r"u?n[nm]?", core.codes):
            return self._lookup(core.coded("n")[0])
        raise NotUnderstood

    # -- metrics ---------------------------------------------------------------------------------------------------

    def _breakdown(self, metrics: tuple[str, ...]) -> SemanticQuery:
        parts = self._parts
        dimensions = [item.name for item in parts.groups]
        for values in parts.compared:
            field = meant(values, metrics, self._known).field
            if field not in dimensions:
                dimensions.append(field)
        if parts.unsure and not dimensions:
            raise NotUnderstood
        if not dimensions and not parts.grain:
            if parts.order or parts.having or not self._is_number(metrics):
                raise NotUnderstood
            return SemanticQuery(metrics=metrics, pattern="total")
        if not dimensions and len(parts.periods) > 1 and not self._is_number(metrics):
            raise NotUnderstood  # "the repeat customers of 2020 and 2021" are people
        if parts.having and parts.having[0] not in metrics:
            raise NotUnderstood
        by_name = parts.order == "name"
        return SemanticQuery(
            metrics,
            tuple(dimensions),
            grain=self._grain,
            having=self._having(),
            order="asc" if by_name else self._order,
            by_group=by_name,
        )

    def _having(self) -> Having | None:
        if self._parts.having is None:
            return None
        _, operator, number = self._parts.having
        return Having(cast("Any", operator), int(number) if number.is_integer() else number)

    @property
    def _grain(self) -> Grain | None:
        return cast("Grain", self._parts.grain) if self._parts.grain else None

    @property
    def _order(self) -> Order | None:
        return cast("Order", self._parts.order) if self._parts.order in ("asc", "desc") else None

    def _is_number(self, metrics: Sequence[str]) -> bool:
        """Whether a number is asked for: "late orders of 2023" may be a list of them, "how many late orders" not."""
        if self._parts.counted or len(metrics) > 1:
            return True
        for item in self._parts.said:
            if item.code == "M" and item.name in metrics:
                metric = self._known.layer.metric(item.name)
                some_rows = (item.plural and metric.filter) or (self._parts.lists and metric.unit == "count")
                if (some_rows and not _NUMBERED.search(item.surface)) or _SPREAD.search(item.surface):
                    return False
        return True

    def _ranked(self, core: _Core, things: Sequence[Item]) -> SemanticQuery:
        """ "Rank D by M", "D by M, highest first", "D, those with the most M first"."""
        said = next((item.name for item in core.coded("RH") if item.name), "")
        self._parts.order = self._parts.order if core.has(_RANKED) else said
        if core.codes.startswith("R"):
            self._parts.order = self._parts.order or said
        if self._parts.order not in ("asc", "desc"):
            raise NotUnderstood
        self._parts.group(things)
        return self._breakdown(core.metrics)

    def _superlative(self, core: _Core, thing: Item) -> SemanticQuery:
        """ "Which D has the most M", "top N D by M"; within each of another thing where that is a group."""
        parts, known = self._parts, self._known
        metric = core.metrics[0]
        if "B" in core.codes and not known.compiler.additive(metric):
            raise NotUnderstood  # the best late rate is the lowest
        if " of the " in thing.surface or parts.compared or parts.having:
            raise NotUnderstood  # "the city of the employee with the most": whose most?
        if "z" in core.codes and (thing.code == "g" or known.crosses(metric, thing.name)):
            raise NotUnderstood  # "sold the most products": units, or different ones?
        within = len(parts.groups) + bool(parts.grain)
        if within > 1 or (within and thing.code == "g"):
            raise NotUnderstood
        direction, limit = self._first(core, thing)
        parts.group([thing])
        return SemanticQuery(
            (metric,),
            tuple(item.name for item in parts.groups),
            grain=self._grain,
            order=direction,
            limit=limit,
            pattern="rank_within" if within else "breakdown",
        )

    def _first(self, core: _Core, thing: Item) -> tuple[Order, int]:
        """From which end, and how many: one thing, or so many of several; "the top customers" says not how many."""
        direction = core.coded("HB")[0].name
        if self._parts.order not in ("", direction) or (thing.plural != bool(core.number) and core.number != 1):
            raise NotUnderstood
        return cast("Order", direction), core.number or 1

    def _share(self, core: _Core) -> SemanticQuery:
        """ "What share of M is from V", "share of M by D", "M by D as a share of the total"."""
        parts = self._parts
        thing = core.coded("MD")[0]
        metric = thing.name if thing.code == "M" else self._rows_of(thing)
        if not self._known.compiler.additive(metric) or parts.having or parts.grain or parts.compared:
            raise NotUnderstood
        if parts.groups and not parts.unsure and parts.order != "name":
            dimensions = tuple(item.name for item in parts.groups)
            return SemanticQuery((metric,), dimensions, order=self._order, pattern="share")
        if parts.groups or parts.order or len(parts.filters) != 1 or "%" in core.codes:
            raise NotUnderstood
        return SemanticQuery((metric,), pattern="share_of")

    def _rows_of(self, thing: Item) -> str:
        """The metric that counts a thing."""
        if not (thing.metric or thing.entity):
            raise NotUnderstood
        return thing.metric or f"count:{thing.entity}"

    # -- rows ------------------------------------------------------------------------------------------------------

    def _list(self, thing: Item) -> SemanticQuery:
        """ "Customers in V", by name where that is said."""
        if not thing.entity or self._parts.order in ("asc", "desc") or self._parts.compared:
            raise NotUnderstood
        counted = self._known.defined(thing.metric) if thing.metric else None
        if counted and counted.time and not self._parts.asks_for_rows:
            raise NotUnderstood  # "orders to V": which ones, or how many?
        return SemanticQuery(pattern="list", entity=thing.entity, order="asc" if self._parts.order else None)

    def _extreme(self, core: _Core, thing: Item, by: Item) -> SemanticQuery:
        """ "Which D has the highest unit price": a number that each row has, and no metric."""
        direction, limit = self._first(core, thing)
        column = next((d for d in self._known.layer.dimensions if d.id == by.name and d.column), None)
        if column is None or column.type != "number" or column.table.casefold() != thing.table.casefold():
            raise NotUnderstood
        if not thing.entity or by.metric or self._parts.having:
            raise NotUnderstood
        columns = (f"{column.table}.{column.column}",)
        return SemanticQuery(pattern="extreme", entity=thing.entity, columns=columns, order=direction, limit=limit)

    def _lookup(self, thing: Item) -> SemanticQuery:
        """ "The country of V": an attribute of the one row that is named."""
        if len(self._parts.filters) != 1 or len(self._parts.filters[0]) != 1 or thing.entity or self._parts.order:
            raise NotUnderstood
        said = stems(thing.surface)
        found: set[tuple[str, str]] = set()
        for value in self._parts.filters[0][0]:
            entity = self._known.layer.entity_of(value.table)
            if entity is None or self._known.compiler.label(entity) != value.dimension:
                continue
            for dimension in self._known.layer.dimensions:
                named = dimension.id == thing.name or stems(dimension.name)[-len(said) :] == said
                if named and dimension.table.casefold() == value.table.casefold():
                    found.add((entity.id, dimension.id))
        if len(found) != 1:
            raise NotUnderstood
        [(entity_id, column)] = found
        return SemanticQuery(pattern="lookup", entity=entity_id, columns=(column,))
