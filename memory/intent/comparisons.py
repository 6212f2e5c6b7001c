"""A metric against other values, against the average of its groups, against the total: cores with a comparison.

As in `memory.intent.cores`, filters, periods and groups have been taken out; a core is a pattern over the codes that
remain and a builder of the query. Whatever the words leave open is refused: an average of averages, a share of a rate,
"by month" where "per month" would have said over what the average is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from memory.compiler import Having, SemanticQuery
from memory.compiler.query import Grain, Order
from memory.intent.against_all import above_total, number_above, share_over
from memory.intent.changes import read_change
from memory.intent.checks import meant
from memory.intent.comparison_words import COMPARISON_SIGNS
from memory.intent.items import Item
from memory.intent.known import Known, NotUnderstood
from memory.intent.medians import ONE_COLUMN, PER, median
from memory.intent.parts import Parts, Values, having_of
from memory.intent.remaining import with_metric
from memory.lexical import fold, stem, stems, tokenize
from memory.semantics import Dimension

__all__ = ["read_comparison"]

_AVERAGE = re.compile(r"u?μp?M|μu?MD|u?MDμ|u?μMpD|u?Mμ")
_PEAK = re.compile(r"u?[HBμ]M")
_COUNTED = re.compile(r"p?m?[DgM]z?")
_ABOVE = re.compile(r"[uq]?D(?:[wW]?αMD?|[wW]?MαD?|αpM|w?ΛMτμD?)|WMαD|p?u?g[wW]?(?:Mα|αM)")
_ABOVE_TOTAL = re.compile(r"[uq]?D[Wz]?w?h?M[wW]?ωM?(?:wh?j)?|[uq]?Dw?Λ?ωM|[uq]?DW?Mω")
_ROWS_ABOVE = re.compile(r"u?D(?:w?α[Dn]|[wW]?[Dn]α[Dn]?)")
_MOST_SHARE = re.compile(r"u?N?D[wp]?HSpM|u?HN?D[bp]Sp?M")
_SHARE = re.compile(r"u?DSpM|D[kw]h?SpM|u?~?p?M[~S]?(?:pD)?")
_SHARE_OVER = re.compile(r"[pu]*D[wWz$]?xNS?p?M(?:[kw]+h?S)?")
_DIFFERENCE = re.compile(r"[uq]?(?:Δp?M|MΔ|λMτ?|Ωxp?M)")
_HIGHER = re.compile(r"[uq]*(?:D?[wp]?h?ΛM|D?ΛpM)")
_PAIRS = re.compile(r"u?D[HB]?MH?puD|u?DHMpuD|H?N?κpDkDbM|u?N?κpDkDw?HM|H?N?DkDκbM|u?N?DkDκw?HM")
_ROW_VALUE = re.compile(r"u?[Hμ]n?[DM](?:p?D)?|u?[Hμ]n(?:p?D)")
_ROWS_MEASURED = re.compile(r"u?M(?:pD|D)")
_WITH_GAPS = ("day", "week", "weekday", "month_of_year")
_A_THING = re.compile(r"\b(?:an?|the average) $", re.IGNORECASE)
_OR = re.compile(r"\bor\b", re.IGNORECASE)


def read_comparison(codes: str, items: Sequence[Item], parts: Parts, known: Known) -> SemanticQuery | None:
    """The query of a comparison; None where the question is none, or not one that is understood."""
    codes, items = with_metric(codes, items)
    if any(" " in item.name for item in items if item.code in "HB") and not re.search("uD|κ", codes[1:]):
        return None  # the second most of what is compared is no core of this module
    found = read_change(codes, items, parts, known) or number_above(codes, items, parts, known)
    if found is None:
        reader = _Comparisons(codes, tuple(items), parts, known)
        found = next((query for read in reader.readers() if (query := read()) is not None), None)
    if found is not None and parts.unsure:
        raise NotUnderstood  # "A and B": together, or each?
    return found


@dataclass(frozen=True, slots=True)
class _Comparisons:
    """The remaining items of a question, and their codes."""

    codes: str
    items: tuple[Item, ...]
    parts: Parts
    known: Known

    def readers(self) -> tuple[Callable[[], SemanticQuery | None], ...]:
        """Every core, tried in turn."""
        if not any(sign in self.codes for sign in COMPARISON_SIGNS):
            return (self._counted, self._peak, self._share, self._pairs, self._row_value, self._rows_measured)
        return (
            self._above_total, self._average, self._peak, self._above, self._rows_above, self._difference, self._higher,
            self._share, self._pairs, self._row_value,
        )  # fmt: skip

    # -- what is said --------------------------------------------------------------------------------------------

    def _coded(self, codes: str) -> list[Item]:
        return [item for item in self.items if item.code in codes]

    @property
    def _metric(self) -> str:
        names = {item.name for item in self.items if item.code == "M"}
        if len(names) != 1:
            raise NotUnderstood
        return names.pop()

    @property
    def _number(self) -> int:
        return next((int(item.number) for item in self.items if item.code == "N"), 0)

    def _is_plain(self, *, having: bool = False) -> bool:
        """Whether nothing else is asked that the core could not hold."""
        return not (self.parts.order or self.parts.compared or (self.parts.having and not having))

    def _limit(self, thing: Item) -> int:
        if thing.plural != bool(self._number) and self._number != 1:
            raise NotUnderstood  # the top customers: how many?
        return self._number or 1

    def _fields(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.parts.groups)

    # -- averages and numbers of groups ----------------------------------------------------------------------------

    def _average(self) -> SemanticQuery | None:
        """ "Average M per D", "how many M does a D have on average", "average monthly M"."""
        if not _AVERAGE.fullmatch(self.codes) or not self._is_plain():
            return None
        if self._coded("μ")[0].name == "median":
            return median(self._metric, self._coded("D"), self.parts, self.known)
        if not self._adds_up():
            return None
        aggregate, groups, grain = self._coded("μ")[0].name, list(self.parts.groups), self.parts.grain
        if grain in _WITH_GAPS or any(item.name in _WITH_GAPS for item in self.parts.said if item.code == "g"):
            raise NotUnderstood  # of the days with an order, or of all days?
        for thing in self._coded("D"):
            if thing.plural or not _A_THING.search(self.parts.question[: thing.start]):
                return None
            groups.append(thing)
        if self._coded("D") and (grain or self.parts.groups):
            raise NotUnderstood  # "how many orders does a customer place per year": one number, or one each?
        monthly = bool(grain) and any(item.code == "a" for item in self.parts.said)
        if not monthly and not self._coded("D"):
            groups = self._inner_last(groups)
        if len(groups) + bool(grain) > 2 or (groups and aggregate != "avg" and not monthly):
            raise NotUnderstood  # "maximum freight per customer": of an order, or of all its orders?
        return SemanticQuery(
            (self._metric,), tuple(item.name for item in groups), grain=cast("Grain", grain) if grain else None,
            aggregate=cast("Any", aggregate), pattern="average_of_groups",
        )  # fmt: skip

    def _inner_last(self, groups: list[Item]) -> list[Item]:
        """The groups, last the one that "per" or "across" names as averaged over: "by category" may mean either."""
        said = [*groups, *(item for item in self.parts.said if item.code == "g")]
        inner = [item for item in said if PER.search(self.parts.question[: item.start])]
        if len(inner) != 1 or (self.parts.grain and inner[0].code != "g"):
            raise NotUnderstood
        return [item for item in groups if item is not inner[0]] + [item for item in inner if item.code == "D"]

    def _adds_up(self) -> bool:
        return self.known.compiler.additive(self._metric)

    def _peak(self) -> SemanticQuery | None:
        """ "The highest monthly revenue": the number, and not the month."""
        if not _PEAK.fullmatch(self.codes) or self.parts.groups or not self._is_plain() or not self._adds_up():
            return None
        if not any(item.code == "a" for item in self.parts.said):
            return None
        [word] = self._coded("HBμ")
        aggregate = {"desc": "max", "asc": "min"}.get(word.name, word.name)
        grain = cast("Grain", self.parts.grain)
        return SemanticQuery(
            (self._metric,), grain=grain, aggregate=cast("Any", aggregate), pattern="average_of_groups"
        )

    def _counted(self) -> SemanticQuery | None:
        """ "How many D have more than N of M", "in how many months was M above N"."""
        if self.parts.having is None or not _COUNTED.fullmatch(self.codes) or not self._is_plain(having=True):
            return None
        [thing] = self._coded("DgM")
        if self.parts.groups or self.parts.grain or (thing.code != "M" and "m" not in self.codes):
            return None
        metric = self.parts.having[0]
        if any(not self.known.accounts_for(stem(fold(item.surface)), metric) for item in self._coded("z")):
            raise NotUnderstood
        self.parts.group([thing])
        self.parts.grain = ""
        field = thing.name if thing.code == "D" else ""
        if thing.code == "M":
            field = self.known.counted_by(thing.name)
            if not field or thing.name == metric:
                raise NotUnderstood
        grain = cast("Grain", thing.name) if thing.code == "g" else None
        return SemanticQuery((metric,), (field,) if field else (), grain=grain, having=having_of(self.parts),
                             among=self.parts.also, pattern="count_groups")  # fmt: skip

    # -- above the average -----------------------------------------------------------------------------------------

    def _above(self) -> SemanticQuery | None:
        """ "Which D have above-average M": above the average of all D."""
        if not _ABOVE.fullmatch(self.codes) or not self._is_plain() or self.parts.grain:
            return None
        thing, *others = self._coded("Dg")
        others += self.parts.groups
        if thing.plural == self.codes.startswith("W") or any(
            other.name != thing.name or other.plural for other in others
        ):
            raise NotUnderstood
        if not self._adds_up():
            raise NotUnderstood  # the average of rates, or the rate of all?
        for other in others:
            self.parts.forget(other)
        self.parts.groups = [thing] if thing.code == "D" else []
        order, _, times = self._coded("αΛ")[0].name.partition(" ")
        return SemanticQuery(
            (self._metric,),
            (thing.name,) if thing.code == "D" else (),
            grain=cast("Grain", thing.name) if thing.code == "g" else None,
            having=Having(">", float(times) if "." in times else int(times)) if times else None,
            order=cast("Order", order),
            order_by=self._metric,
            pattern="above_average",
        )

    def _above_total(self) -> SemanticQuery | None:
        """ "Which D have M above the company-wide M"."""
        if not _ABOVE_TOTAL.fullmatch(self.codes) or not self._is_plain() or self.parts.grouped:
            return None
        return above_total(self._metric, self.items, self.parts, self.known)

    def _rows_above(self) -> SemanticQuery | None:
        """ "Products with an above-average price": a number that each row has."""
        if not _ROWS_ABOVE.fullmatch(self.codes) or not self._is_plain() or self.parts.grouped:
            return None
        thing, by, *others = self._coded("Dn")
        column, order = self._number_column(by, thing), self._coded("α")[0].name
        if not column or not thing.entity or not thing.plural or self.parts.filters or " " in order:
            raise NotUnderstood  # above the average of all, or of those?
        for other in others:
            if other.name not in (by.name, thing.name):
                raise NotUnderstood
            self.parts.forget(other)
        return SemanticQuery(
            pattern="compare_to_row", entity=thing.entity, columns=(column,), order=cast("Order", order)
        )

    def _number_column(self, by: Item, thing: Item | None) -> str:
        """`Table.Column` of a number that each of the things has, by its name or its last word; "" where it is none."""
        named = [d for d in self.known.layer.dimensions if d.type == "number" and d.column and self._names(by, d)]
        if thing is not None:
            named = [d for d in named if d.table.casefold() == thing.table.casefold()]
        if len(named) != 1 or by.entity or named[0].id in self.known.labels:
            return ""
        return f"{named[0].table}.{named[0].column}"

    def _names(self, by: Item, dimension: Dimension) -> bool:
        if by.code == "D":
            return dimension.id == by.name
        return any(stems(surface)[-1:] == (by.name,) for surface in dimension.surfaces)

    def _row_value(self) -> SemanticQuery | None:
        """ "The highest unit price of products": over the rows themselves."""
        if not _ROW_VALUE.fullmatch(self.codes) or not self._is_plain() or self.parts.grain:
            return None
        word, by, *things = [item for item in self._coded("HμDMn") if not self._is_part_of_name(item)]
        thing = things[0] if things else None
        if thing is not None and not (thing.entity and thing.plural):
            return None
        if by.code == "M":
            column = self._summed_column(by.name, thing)
        elif thing is None and word.code == "H" and "u" not in self.codes:
            column = ""  # "highest price": the number, or what has it?
        else:
            column = self._number_column(by, thing)
        if not column:
            return None
        aggregate = {"desc": "max", "asc": "min"}.get(word.name, word.name)
        pattern = "breakdown" if self.parts.groups else "total"
        return SemanticQuery((f"{aggregate}:{column}",), self._fields(), pattern=pattern)

    def _is_part_of_name(self, item: Item) -> bool:
        """Whether a word begins a name that was found without it: the "unit" of "unit price of products"."""
        place = self.items.index(item) + 1
        following = self.items[place] if place < len(self.items) else None
        if item.code != "n" or following is None or following.code != "D":
            return False
        words = self.parts.question[item.start : following.start + len(following.surface.partition(" of ")[0])]
        return self.known.linker.dimension_named(words) == following.name

    def _summed_column(self, metric: str, thing: Item | None) -> str:
        """The column that a metric sums over the very things named: the freight of orders."""
        found = self.known.defined(metric)
        summed = ONE_COLUMN.fullmatch(found.sql) if found and not found.filter else None
        if found is None or summed is None or thing is None or thing.table.casefold() != found.base.casefold():
            return ""
        return summed[1]

    def _rows_measured(self) -> SemanticQuery | None:
        """ "The average price of products": the things that the metric is of anyway."""
        if not _ROWS_MEASURED.fullmatch(self.codes) or not self._is_plain() or self.parts.grain:
            return None
        metric, thing = self._coded("MD")
        said = re.fullmatch(r"\s+of (?:all |the |our )*(.+)", self.parts.question[metric.end : thing.end])
        defined = self.known.defined(metric.name)
        entity = self.known.layer.entity_of(defined.base) if defined and defined.unit != "count" else None
        if said is None or entity is None or not tokenize(said[1])[-1].is_plural:
            return None
        if stems(said[1]) not in {stems(surface) for surface in entity.surfaces}:
            return None
        return SemanticQuery((metric.name,), self._fields(), pattern="breakdown" if self.parts.groups else "total")

    # -- shares ------------------------------------------------------------------------------------------------------

    def _share(self) -> SemanticQuery | None:
        """ "Which D has the largest share of M", "M by D in percent", "how much of M in percent is from V"."""
        in_percent = any(item.code == "Ω" and item.name == "percent" for item in self.items)
        codes = self.codes.replace("Ω", "") if in_percent else self.codes
        if _SHARE_OVER.fullmatch(codes) and ("NS" in codes or self._coded("N")[0].name == "percent"):
            return share_over(self._metric, self.items, self.parts, self.known)
        most = bool(_MOST_SHARE.fullmatch(codes))
        if not (most or (_SHARE.fullmatch(codes) and (in_percent or "S" in codes))):
            return None
        if not self._is_plain() or self.parts.grain or not self._adds_up() or self.parts.unsure:
            raise NotUnderstood
        groups = [*self.parts.groups, *self._coded("D")]
        if not groups:
            asked = "A" in self.parts.codes and codes == "pM" and len(self.parts.filters) == 1
            return SemanticQuery((self._metric,), pattern="share_of") if asked else None
        if len(groups) != 1 or (codes.endswith("pD") and not groups[0].plural):
            raise NotUnderstood
        if not self.known.adds_up(self._metric) or self.known.crosses(self._metric, groups[0].name):
            raise NotUnderstood  # an order of two categories is in both of their shares
        self.parts.groups = groups
        query = SemanticQuery((self._metric,), (groups[0].name,), order="desc", pattern="share")
        if not most:
            return query
        return replace(query, order=cast("Order", self._coded("H")[0].name), limit=self._limit(groups[0]))

    # -- named values --------------------------------------------------------------------------------------------------

    def _difference(self) -> SemanticQuery | None:
        """ "The difference in M between V and V", "how much more M did V have than V"."""
        if not _DIFFERENCE.fullmatch(self.codes) or self.parts.grouped or self.parts.order or self.parts.having:
            return None
        changed, told = self._coded("Δ"), self._coded("Ω")
        if any(item.name != "difference" for item in changed) or any(item.name != "absolute" for item in told):
            return None
        pair = self._pair()
        if pair is None:
            return None
        field, first, second = pair
        than = self.parts.question.lower().find(" than ")  # "how much more than A did B have"
        turned = "λ" in self.codes and 0 <= than < min(item.start for item in self.parts.said if item.code == "V")
        if turned != any(item.code == "λ" and item.name == "asc" for item in self.items):
            first, second = second, first
        return SemanticQuery((self._metric,), (field,), compare=(first, second), pattern="difference")

    def _pair(self) -> tuple[str, str, str] | None:
        """The two values set against each other, and their field; they are no filter any more."""
        filters = sorted(self.parts.filters, key=lambda values: values[0][0].start)
        two = [values for values in filters if len(values) == 2]
        chosen = list[Values](two) if len(two) == 1 else []
        if not chosen:
            fields = {id(values): meant(values, (self._metric,), self.known).field for values in filters}
            chosen = [v for v in filters if sum(fields[id(v)] == other for other in fields.values()) == 2]
        found = [meant(values, (self._metric,), self.known) for values in chosen]
        named = [str(value) for item in found for value in item.values]
        left_out = any(values is other for values in chosen for other in self.parts.negated)
        if len(named) != 2 or len({item.field for item in found}) != 1 or left_out or "." in found[0].field:
            return None
        if len(chosen) == 1 and _OR.search(self._between(chosen[0])):
            return None
        self.parts.filters = [v for v in self.parts.filters if not any(v is other for other in chosen)]
        self.parts.compared, self.parts.unsure = [], False
        return found[0].field, named[0], named[1]

    def _between(self, values: Values) -> str:
        """The text between the first and the last of several values."""
        return self.parts.question[values[0][0].end : values[-1][0].start]

    def _higher(self) -> SemanticQuery | None:
        """ "Which had the higher M, V or V"."""
        if not _HIGHER.fullmatch(self.codes) or self.parts.grouped or self.parts.order or self.parts.having:
            return None
        several = [values for values in self.parts.filters if len(values) > 1]
        if len(several) != 1 or self.parts.compared or not _OR.search(self._between(several[0])):
            return None
        field = meant(several[0], (self._metric,), self.known).field
        if "." in field:
            raise NotUnderstood  # a column that nobody breaks numbers down by
        if any(thing.name != field or thing.plural for thing in self._coded("D")):
            raise NotUnderstood
        order = self._coded("Λ")[0].name
        better = order == "better"
        if better != ("Λp" in self.codes) or (better and not self.known.is_welcome(self._metric)):
            raise NotUnderstood  # the better late rate is the lower one
        return SemanticQuery((self._metric,), (field,), order="asc" if order == "asc" else "desc", limit=1)

    def _pairs(self) -> SemanticQuery | None:
        """ "Top N combinations of D and D by M"."""
        if not _PAIRS.fullmatch(self.codes) or self.parts.grouped or not self._is_plain():
            return None
        first, second = self._coded("D")
        words, directions = self._coded("κ") or [first], self._coded("H")
        if len(words) != 1 or not directions or first.name == second.name:
            raise NotUnderstood
        order, _, passed = directions[0].name.partition(" ")
        limit = self._limit(words[0])
        if passed and limit != 1:
            raise NotUnderstood
        self.parts.group([first, second])
        fields = (first.name, second.name)
        return SemanticQuery((self._metric,), fields, order=cast("Order", order), limit=limit, offset=int(passed or 0))
