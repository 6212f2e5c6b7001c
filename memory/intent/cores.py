"""What remains of a question when everything that can stand anywhere is taken out: one of a few cores, or nothing.

Each core is a pattern over all remaining codes and a builder that makes the semantic query of it, still without
filters and window.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

from memory.compiler import Having, SemanticQuery
from memory.compiler.query import Grain, Order
from memory.intent.changes import side_by_side
from memory.intent.checks import meant, whole_name
from memory.intent.comparisons import read_comparison
from memory.intent.items import Item
from memory.intent.kinds import NUMBER
from memory.intent.known import Known, NotUnderstood
from memory.intent.parts import Parts, having_of
from memory.intent.remaining import Core, core_of
from memory.intent.settled import is_of_each_row, is_the_part, own_column
from memory.lexical import fold, stem, stems

__all__ = ["read_core"]

_METRICS = r"M(?:[kw]+[pu]*h?M)*"
_TOTAL = re.compile(rf"u?{_METRICS}|Mm")
_AFTER_GROUP, _AMONG = re.compile(r"[kw]?h?M"), re.compile(r"p?Du?N?[wp]?h?[HB]M")
_EACH_WITH = re.compile(rf"u?Dk?w?h{_METRICS}")
_RANKED = re.compile(r"R?D[bk]h?M|RDpM|DRbM")
_MOST_FIRST = re.compile(r"D[kw]?HMf")
_SUPERLATIVE = re.compile(
    r"p?uN?[Dg][pwz]?[HB][pwb]?M|p?uN?[Dg]MH|N?[Dg][pw]?[HB]M|R?u?N?[HB]N?[Dg][bpw]M|u?[HB]M[Dg]|u?HNDM"
    r"|u?[Dg][HB][bp]M|[Dg]q?MH|[Dg]z[HB]M|p?Du?N?[wp]?h?[HB]M"
)
_FIRST_FEW = re.compile(r"DbMHN|MHN|MbDHN|M(?:bD)?N[HB]")
_EXTREME = re.compile(r"u?N?D[pw]?HD|N?D[pw]HD|HND[bpw]D|uHD[bpw]D")
_SHARE = re.compile(r"u?Sp?([MD])|(M)%|%M")
_PART_OF = re.compile(r"u?Sp?[DM]w?M|u?M%M")
_OF_THE_FIRST = re.compile(r"u?Sp?M[pz]*(?:HND|NHD|NDwHM)|u?S[pz]*(?:HND|NHD)[pz]*M")
_BESIDE = re.compile(r"\b(?:side by side|next to(?! each\b))", re.IGNORECASE)
_VERSUS = re.compile(r"\b(?:vs|versus|compared)\b", re.IGNORECASE)
_NUMBERED = re.compile(r"\b(number|count|many|total|volume)\b", re.IGNORECASE)
_HOW_MUCH_OF = re.compile(r"\bhow much of\b", re.IGNORECASE)
_SPREAD = re.compile(r"distribution|\bby\b", re.IGNORECASE)


def read_core(parts: Parts, known: Known) -> SemanticQuery:
    """The query that the remaining items ask for, with the groups, condition and order that were taken out.

    Raises:
        NotUnderstood: the items are none of the cores.
    """
    core = core_of(parts, known)
    if parts.order in ("fast", "slow"):
        directions = {known.speed_order(metric, parts.order) for metric in core.metrics}
        if len(directions) != 1 or parts.having:
            raise NotUnderstood
        parts.order = directions.pop()
    return read_comparison(core.codes, core.items, parts, known) or _Reader(parts, known).read(core)


class _Reader:
    """Builds the query of one core."""

    def __init__(self, parts: Parts, known: Known) -> None:
        self._parts = parts
        self._known = known

    def read(self, core: Core) -> SemanticQuery:
        """The query of the core.

        Raises:
            NotUnderstood: it is none that is known.
        """
        things = core.coded("Dg")
        builder = next((builder for pattern, builder in _BUILDERS if core.has(pattern)), None)
        if builder is not None:
            return builder(self, core, things)
        metrics = self._metrics(core, things)
        if metrics:
            return self._breakdown(metrics)
        if self._parts.grouped:
            raise NotUnderstood
        return self._rows(core, things)

    def _metrics(self, core: Core, things: Sequence[Item]) -> tuple[str, ...]:
        """The metrics of a total or a breakdown, whose things are grouped by; empty for every other core."""
        one = any(
            item.code == "V" and item.name == NUMBER for item in self._parts.said
        )  # "what did order 10250 come to"
        if (
            core.has(_TOTAL)
            or (self._parts.grouped and core.has(_AFTER_GROUP))
            or (core.codes == "upM" and (one or self._parts.grouped))
        ):
            return core.metrics
        if core.has(_EACH_WITH) or core.codes == "DM~":
            self._parts.group(things)
            return core.metrics
        if re.fullmatch("u?D[wW]?Mkme?", core.codes) and self._known.is_count(core.metrics[0]):
            self._parts.group(things)
            return core.metrics
        if core.codes in ("mD", "Dm") or (core.codes in ("D", "uD") and self._parts.compared and things[0].metric):
            return (self._rows_of(things[0]),)
        sold = self._parts.having and all(
            self._known.accounts_for(stem(fold(item.surface)), self._parts.having[0]) for item in core.coded("z")
        )
        if self._parts.having and sold and re.fullmatch(r"u?[Dg][wqW]?z?(?:pu?)?(?:wj)?", core.codes):
            self._parts.group(things)
            return (self._parts.having[0],)
        return ()

    def _rows(self, core: Core, things: Sequence[Item]) -> SemanticQuery:
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
        dimensions = [own_column(item, metrics, self._known) for item in parts.groups]
        if parts.unsure and not (dimensions or parts.grain or parts.order or parts.having) and not parts.compared:
            parts.compared = [values for values in parts.beside if len(parts.filters) == 1]
        for values in parts.compared:
            field = whole_name(meant(values, metrics, self._known).field, self._known)
            if field not in dimensions:
                dimensions.append(field)
        if parts.unsure and not dimensions:
            raise NotUnderstood
        if not dimensions and not parts.grain:
            return self._total(metrics)
        compared = _VERSUS.search(parts.question)
        if not dimensions and len(parts.periods) > 1 and not compared and not self._is_number(metrics):
            raise NotUnderstood  # "the repeat customers of 2020 and 2021" are people
        among = self._among(metrics, dimensions)
        if parts.order in ("best", "worst"):
            best = self._known.is_welcome(metrics[0])  # the worst late rate is the highest
            parts.order = "desc" if (parts.order == "best") == best else "asc"
        if len(parts.periods) == 2 and _BESIDE.search(parts.question) and not parts.order:
            return side_by_side(metrics, dimensions, parts)
        if parts.order == "growing":
            raise NotUnderstood
        if parts.order == "back":
            return self._backwards(metrics, dimensions)
        by_name = parts.order in ("name", "groups")
        return SemanticQuery(
            metrics,
            tuple(dimensions),
            grain=self._grain,
            having=having_of(parts),
            order="asc" if by_name else self._order,
            by_group=by_name,
            among=among,
        )

    def _total(self, metrics: tuple[str, ...]) -> SemanticQuery:
        parts = self._parts
        if parts.order or parts.having or not self._is_number(metrics):
            raise NotUnderstood
        if _HOW_MUCH_OF.search(parts.question):
            raise NotUnderstood  # the amount, or what share of all?
        return SemanticQuery(metrics=metrics, pattern="total")

    def _backwards(self, metrics: tuple[str, ...], dimensions: Sequence[str]) -> SemanticQuery:
        """ "By month, latest first"."""
        if not self._parts.grain or dimensions or self._parts.having:
            raise NotUnderstood
        return SemanticQuery(metrics, grain=self._grain, order="desc", by_group=True)

    def _among(self, metrics: Sequence[str], dimensions: Sequence[str]) -> tuple[str, Having] | None:
        """The condition where it is one on another metric than what is shown: "with at least 10 orders"."""
        parts, condition = self._parts, having_of(self._parts)
        if parts.also and (parts.having is None or parts.having[0] not in metrics or parts.grain):
            raise NotUnderstood  # two conditions, and neither on what is shown
        if parts.having is None or condition is None or parts.having[0] in metrics:
            return parts.also
        metric = parts.having[0]
        if len(dimensions) != 1 or parts.grain or parts.compared or not self._known.combinable(metric, dimensions[0]):
            raise NotUnderstood
        if is_of_each_row(metric, metrics[0], self._known):
            raise NotUnderstood  # "orders with 2 or fewer days to ship": what each of them has
        parts.having = None
        return metric, condition

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
                some_rows = (item.plural and metric.filter and self._known.is_count(item.name)) or (
                    self._parts.lists and metric.unit == "count"
                )
                if (some_rows and not _NUMBERED.search(item.surface)) or _SPREAD.search(item.surface):
                    return False
        return True

    def _ranked(self, core: Core, things: Sequence[Item]) -> SemanticQuery:
        """ "Rank D by M", "D by M, highest first", "D, those with the most M first"."""
        said = next((item.name for item in core.coded("RH") if item.name), "")
        self._parts.order = self._parts.order if core.has(_RANKED) else said
        if "R" in core.codes:
            self._parts.order = self._parts.order or said
        elif core.codes == "DbM" and not self._parts.order:
            self._parts.order = "desc"  # "customers by revenue"
        if self._parts.order not in ("asc", "desc"):
            raise NotUnderstood
        if any(self._known.is_part_of_another(thing.entity) for thing in things):
            raise NotUnderstood  # "order lines by discount": they are called by no name of their own
        self._parts.group(things)
        return self._breakdown(core.metrics)

    def _superlative(self, core: Core, things: Sequence[Item]) -> SemanticQuery:
        """ "Which D has the most M", "top N D by M"; within each of another thing where that is a group."""
        parts, known, thing = self._parts, self._known, things[0]
        metric = core.metrics[0]
        late = "B" in core.codes and known.is_lateness(metric) and not known.compiler.additive(metric)
        if "B" in core.codes and not (late or known.is_welcome(metric)):
            raise NotUnderstood  # the best discount: for whom?
        among = self._among((metric,), [thing.name]) if thing.code == "D" and not parts.grouped else None
        if (thing.code == "D" and " of the " in thing.surface) or parts.compared or parts.having:
            raise NotUnderstood  # "the city of the employee with the most": whose most?
        if "z" in core.codes and (thing.code == "g" or known.crosses(metric, thing.name)):
            raise NotUnderstood  # "sold the most products": units, or different ones?
        within = len(parts.groups) + bool(parts.grain)
        if within > 1 or (within and thing.code == "g"):
            raise NotUnderstood
        if thing.name in ("day", "week") and known.is_count(metric):
            raise NotUnderstood  # many days have the same small number
        if among and core.has(_AMONG) and thing.plural:
            thing = replace(thing, plural=bool(core.number))  # "of the customers with ..., which has the highest"
        direction, limit, offset = self._first(core, thing)
        if late:
            direction = "asc" if direction == "desc" else "desc"  # the worst late rate is the highest
        parts.group([thing])
        return SemanticQuery(
            (metric,),
            tuple(item.name for item in parts.groups),
            among=among,
            grain=self._grain,
            order=direction,
            limit=limit,
            offset=offset,
            pattern="rank_within" if within else "breakdown",
        )

    def _first(self, core: Core, thing: Item) -> tuple[Order, int, int]:
        """From which end, how many, and how many before them are passed over.

        That is one thing, or so many of several; "the top customers" says not how many.
        """
        direction, _, passed = core.coded("HB")[0].name.partition(" ")
        if self._parts.order not in ("", direction) or (thing.plural != bool(core.number) and core.number != 1):
            raise NotUnderstood
        if passed and core.number:
            raise NotUnderstood
        return cast("Order", direction), core.number or 1, int(passed or 0)

    def _first_few(self, core: Core, things: Sequence[Item]) -> SemanticQuery:
        """ "Sales by country, top 5": the first few of a breakdown."""
        self._parts.group(things)
        word = core.coded("HB")[0]
        if word.code == "B":
            if self._parts.order not in ("", "best" if word.name == "desc" else "worst"):
                raise NotUnderstood
            self._parts.order = ""
            if not self._known.is_welcome(core.metrics[0]):  # the worst late rate is the highest
                word = replace(word, name="asc" if word.name == "desc" else "desc")
        if len(self._parts.groups) != 1 or self._parts.grain or self._parts.order or self._parts.compared:
            raise NotUnderstood
        if word.name not in ("asc", "desc") or not self._parts.groups[0].name:
            raise NotUnderstood
        return replace(self._breakdown(core.metrics[:1]), order=cast("Order", word.name), limit=core.number)

    def _share(self, core: Core, _: Sequence[Item]) -> SemanticQuery:
        """ "What share of M is from V", "share of M by D", "M by D as a share of the total"."""
        parts = self._parts
        thing = core.coded("MD")[0]
        such = self._known.share_of_such(parts.loose.surface, thing.surface) if parts.loose else ""
        if such and not parts.order and not parts.having and "%" not in core.codes:
            parts.loose, parts.counted = None, True
            parts.said = [item for item in parts.said if item is not thing]
            return self._breakdown((such,))
        metric = thing.name if thing.code == "M" else self._rows_of(thing)
        if not self._known.compiler.additive(metric) or parts.having or parts.grain or parts.compared:
            raise NotUnderstood
        if parts.groups and not parts.unsure and parts.order != "name":
            dimensions = tuple(item.name for item in parts.groups)
            if parts.filters and is_the_part(parts):
                if len(parts.filters) > 1 or parts.kinds or len(dimensions) != 1:
                    raise NotUnderstood
                return SemanticQuery((metric,), dimensions, order=self._order, pattern="share_of")
            return SemanticQuery((metric,), dimensions, order=self._order or "desc", pattern="share")
        kind = len(parts.kinds) == 1 and not parts.filters and not parts.periods
        if parts.groups or parts.order or not (kind or (len(parts.filters) == 1 and not parts.kinds)):
            raise NotUnderstood
        if core.codes == "M%":
            raise NotUnderstood
        return SemanticQuery((metric,), pattern="share_of")

    def _part_of(self, core: Core, _: Sequence[Item]) -> SemanticQuery:
        """ "What percentage of orders were multi-item orders": the metric that is the one as a share of the other."""
        whole, part = core.coded("DM")[:: -1 if "%" in core.codes else 1]
        metric = self._known.ratio(part.name, whole.name if whole.code == "M" else whole.metric)
        if not metric or self._parts.order or self._parts.having:
            raise NotUnderstood
        self._parts.said = [item for item in self._parts.said if item is not whole]
        self._parts.counted = True
        return self._breakdown((metric,))

    def _share_of_first(self, core: Core, things: Sequence[Item]) -> SemanticQuery:
        """ "What share of revenue comes from the top 10 customers"."""
        parts, metric, thing = self._parts, core.metrics[0], things[0]
        order, limit, passed = self._first(core, thing)
        if parts.grouped or parts.order or parts.having or parts.compared or passed or order != "desc":
            raise NotUnderstood
        if not self._known.adds_up(metric) or self._known.crosses(metric, thing.name) or not core.number:
            raise NotUnderstood
        if len(set(core.metrics)) > 1:
            raise NotUnderstood  # of the ten with the most of something else
        parts.group([thing])
        return SemanticQuery((metric,), (thing.name,), order=order, limit=limit, pattern="share_of_top")

    def _rows_of(self, thing: Item) -> str:
        """The metric that counts a thing."""
        if not (thing.metric or thing.entity):
            raise NotUnderstood
        return thing.metric or f"count:{thing.entity}"

    # -- rows ------------------------------------------------------------------------------------------------------

    def _list(self, thing: Item) -> SemanticQuery:
        """ "Customers in V", by name where that is said."""
        if not thing.entity or self._parts.order not in ("", "name") or self._parts.compared:
            raise NotUnderstood
        counted = self._known.defined(thing.metric) if thing.metric else None
        if counted and counted.time and not self._parts.asks_for_rows:
            raise NotUnderstood  # "orders to V": which ones, or how many?
        return SemanticQuery(pattern="list", entity=thing.entity, order="asc" if self._parts.order else None)

    def _extreme(self, core: Core, thing: Item, by: Item) -> SemanticQuery:
        """ "Which D has the highest unit price": a number that each row has, and no metric."""
        direction, limit, offset = self._first(core, thing)
        column = next((d for d in self._known.layer.dimensions if d.id == by.name and d.column), None)
        if column is None or column.type != "number" or column.table.casefold() != thing.table.casefold():
            raise NotUnderstood
        if not thing.entity or by.metric or self._parts.having:
            raise NotUnderstood
        columns = (f"{column.table}.{column.column}",)
        return SemanticQuery(pattern="extreme", entity=thing.entity, columns=columns, order=direction, limit=limit,
                             offset=offset)  # fmt: skip

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


_BUILDERS: tuple[tuple[re.Pattern[str], Callable[[_Reader, Core, Sequence[Item]], SemanticQuery]], ...] = (
    (_SUPERLATIVE, _Reader._superlative),
    (_FIRST_FEW, _Reader._first_few),
    (_RANKED, _Reader._ranked),
    (_MOST_FIRST, _Reader._ranked),
    (_SHARE, _Reader._share),
    (_PART_OF, _Reader._part_of),
    (_OF_THE_FIRST, _Reader._share_of_first),
)
