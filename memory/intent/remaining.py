"""What remains of a question when everything that can stand anywhere is taken out, without what only repeats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from memory.intent.items import Item
from memory.intent.known import Known, NotUnderstood
from memory.intent.parts import Parts

__all__ = ["Core", "core_of", "with_metric"]

_NUMBER_OF = re.compile(r"\b(?:many|number|count)\b", re.IGNORECASE)
_CHANGING = re.compile("(?<=[ΔΣ])D|(?<=[ΔΣ]p)D|D(?=Δ)|(?<=HSp)D")


@dataclass(frozen=True, slots=True)
class Core:
    """The remaining items that say something, and their codes."""

    codes: str
    items: tuple[Item, ...]

    def coded(self, codes: str) -> list[Item]:
        """The items with one of the codes, in order."""
        return [item for item in self.items if item.code in codes]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Ids of the metrics, in order."""
        return tuple(item.name for item in self.items if item.code == "M")

    @property
    def number(self) -> int:
        """The number that is said, 0 where none is."""
        return next((int(item.number) for item in self.items if item.code == "N"), 0)

    def has(self, pattern: re.Pattern[str]) -> bool:
        """Whether the codes are as a whole what the pattern says."""
        return bool(pattern.fullmatch(self.codes))


def core_of(parts: Parts, known: Known) -> Core:
    """The items that still say something, and their codes.

    Raises:
        NotUnderstood: "how much" is asked of something that is no metric.
    """
    listed = [match.start() + 1 for match in re.finditer("M,(?=M)", parts.codes)]
    items = [replace(item, code="k") if place in listed else item for place, item in enumerate(parts.items)]
    compared = any(item.code == "c" for item in items)
    items = [item for item in items if item.code not in (".,crk" if parts.also else ".,cr")]
    if compared:
        items = _named_twice(items)
    items = _said_once(_beside_metrics(_in_a_row(items, parts, known), parts), known)
    measured = any(item.code == "M" for item in items)
    if not measured and any(item.code == "A" for item in items):
        raise NotUnderstood  # "how much" of something that is no metric
    items = [item for item in items if item.code != "A"]
    if parts.grouped and not measured:
        items = _counting(items, parts)
    codes = re.sub("^(u?)k(?=M)", r"\1", "".join(item.code for item in items))  # "both sales and profit"
    codes, items = _without_verbs(codes, items, known)
    codes = re.sub("m+M", "mM", codes)
    if any(_is_number_of_money(*pair, known) for pair in pairwise(items)):
        raise NotUnderstood  # "how many fines" are a number of them, where "fines" is what they come to
    parts.counted = "mM" in codes or codes in ("Mm", "Dm")
    codes = codes.replace("mM", "M")
    if parts.grouped:
        codes = re.sub("~p?", "", codes)
    if parts.compared:
        codes = re.sub("^[pb]", "", codes)
    if codes.endswith("kM") and parts.having and items[-1].name == parts.having[0]:
        codes, items = codes[:-2], items[:-2]  # "... and show those sales"
    named = [item.name for item in items if item.code == "M"]
    if codes.endswith("bM") and codes.count("M") > 1 and "R" not in codes and len(set(named)) == 1:
        codes, items = codes[:-2], items[:-2]  # "the best by sales in 2023, going by sales"
    if codes.endswith("RbM") and parts.order in ("asc", "desc") and len({i.name for i in items if i.code == "M"}) == 1:
        codes, items = codes[:-3], items[:-3]  # "... sorted by sales, highest first"
    return Core(codes, tuple(items))


def _is_number_of_money(counted: Item, metric: Item, known: Known) -> bool:
    if (counted.code, metric.code) != ("m", "M") or not _NUMBER_OF.search(counted.surface):
        return False
    found = known.defined(metric.name)
    return found is not None and found.unit.isupper()


def _named_twice(items: list[Item]) -> list[Item]:
    """ "Compare the freight in 2023 with the freight in 2024": the metric of both."""
    codes = "".join(item.code for item in items)
    match = re.search("(?<=M)[wvk]M", codes)
    if match is None or items[match.start() - 1].name != items[match.end() - 1].name:
        return items
    return [*items[: match.start()], *items[match.end() :]]


def _said_once(items: list[Item], known: Known) -> list[Item]:
    """Without what only repeats: the unit of the metric, its name a second time, the "bill" of "freight bill"."""
    kept: list[Item] = []
    metrics = {item.name for item in items if item.code == "M"}
    units = {found.unit for metric in metrics if (found := known.defined(metric))}
    for item in items:
        before = kept[-1] if kept else None
        if item.code == "j" and before is not None and before.code == "M":
            continue
        twice = item.code == "M" and before is not None and (before.code, before.name) == ("M", item.name)
        if twice and before is not None and item.start - before.end <= 1:
            continue  # "total sales revenue": two of its names at once
        if item.code == "Ω" and item.name == "percent" and any(other.code == "S" for other in items):
            continue
        in_percent = item.code == "Ω" and item.name == "percent" and "percent" in units
        if in_percent and not any(other.code in "ΔλΛ" for other in items):
            continue
        if item.code == "U" and before is not None and before.code == "p" and item.name in units:
            kept.pop()
            continue
        again = len(kept) > 1 and kept[-2].code == "M" and kept[-1].code == "p"
        if item.code == "M" and again and kept[-2].name == item.name:
            kept.pop()
            continue
        averaged = known.averaged(item.surface) if item.code == "M" and before is not None else ""
        if averaged and before is not None and before.code == "μ" and before.name == "avg":
            kept[-1] = replace(item, name=averaged, surface=f"{before.surface} {item.surface}", start=before.start)
            continue
        kept.append(item)
    return kept


def _without_verbs(codes: str, items: list[Item], known: Known) -> tuple[str, list[Item]]:
    """Without "sold" behind a metric of what is sold ("units we sold"), and "average" before one that is an average."""
    for place in reversed(range(len(codes))):
        verb, before = items[place], items[place - 1] if place else None
        after = items[place + 1] if place + 1 < len(codes) else None
        said = verb.code == "z" and before is not None and before.code == "M"
        if (said and before is not None and known.is_told_by(verb.surface, before.name)) or _is_averaged_already(
            verb, after, known
        ):
            codes, items = codes[:place] + codes[place + 1 :], items[:place] + items[place + 1 :]
    return codes, items


def _is_averaged_already(word: Item, after: Item | None, known: Known) -> bool:
    if word.code != "μ" or word.name != "avg" or after is None or after.code != "M":
        return False
    found = known.defined(after.name)
    is_mean = found is not None and found.sql.startswith("AVG(")
    return is_mean or (" per " in after.surface.lower() and not known.compiler.additive(after.name))


def _in_a_row(items: list[Item], parts: Parts, known: Known) -> list[Item]:
    """ "X in 2023: orders, customers, revenue": the number of each of the things beside what else is asked of X."""
    codes = "".join(item.code for item in parts.items)
    row = re.fullmatch(r"[.,uwp]*[Am]*([DM])(?:[,k]+[.uAmh]*([DM])z?)+[.,]*", codes)
    things = [item for item in items if item.code == "D"]
    if re.search(r"D[.,k]+h", codes):
        return items  # "customers and their average order value": of each
    if row is None or not things or "M" not in codes or not (parts.filters or parts.grouped) or parts.having:
        return items
    found: list[Item] = []
    for item in items:
        metric = _number_of(item, known) if item.code == "D" else ""
        if item.code == "D" and not metric:
            return items
        if item.code in "DM":
            said = replace(item, code="M", name=metric) if metric else item
            found += [Item("k", "", item.start, item.start), said] if found else [said]
    parts.said = [item for item in parts.said if not any(item is thing for thing in things)]
    return found


def _number_of(thing: Item, known: Known) -> str:
    """The metric that counts such things where orders are asked about: those that have to do with one; "" without."""
    if not thing.plural or not thing.metric:
        return ""
    if thing.metric == known.orders:
        return thing.metric
    return known.counted_in_orders(thing.table) if thing.name == known.party("buy") else ""


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


def with_metric(codes: str, items: Sequence[Item]) -> tuple[str, Sequence[Item]]:
    """Things as the number of them where that is what changes: "growth in orders"."""
    found = list(_CHANGING.finditer("".join(item.code for item in items)))
    if "M" in codes or len(found) != 1:
        return codes, items
    place = found[0].start()
    thing = items[place]
    if not (thing.metric and thing.plural):
        return codes, items
    metric = replace(thing, code="M", name=thing.metric)
    return _CHANGING.sub("M", codes), [*items[:place], metric, *items[place + 1 :]]
