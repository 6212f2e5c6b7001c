"""What only says again what was said, or says nothing, taken out of a question's items before anything else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from memory.intent.items import Item
from memory.intent.known import Known, NotUnderstood
from memory.intent.parts import Parts
from memory.lexical import tokenize

__all__ = ["drop_repetition", "of_all_years"]


def drop_repetition(parts: Parts, known: Known) -> None:
    """Leave out what says no more than the rest.

    Raises:
        NotUnderstood: it could say more.
    """
    _check_verbs(parts, known)
    _drop_named_order(parts)
    _drop_last_clause(parts)
    _drop_the_clock(parts, known)
    _drop_what_is_theirs(parts, known)


def of_all_years(items: Sequence[Item]) -> list[Item]:
    """ "Across all years" says nothing where something else says what is shown, else it may be a breakdown."""
    others = [item for item in items if item.code != "Y"]
    by = "bD" in "".join(item.code for item in others)
    if len(others) < len(items) and not by and not any(item.code in "gaHBemA" for item in others):
        raise NotUnderstood
    return others


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
        if plain and re.search(r"Mp$", parts.codes[:place]) and plain == known.orders:
            head = known.defined(parts.items[place - 2].name)
            if head is not None and known.has_clock_of_orders(head.id):  # "the freight of orders shipped to V"
                parts.items[place - 1 : place + 1] = [Item("z", tokens[-1].text, item.start, item.end)]
                parts.forget(item)
                continue
        if not plain or not re.search(r"Sp?$", parts.codes[:place]):
            raise NotUnderstood
        cut = item.start + tokens[-1].start
        parts.items[place : place + 1] = [
            replace(item, name=plain, surface=item.surface[: tokens[-1].start].strip(), end=cut),
            Item("z", tokens[-1].text, cut, item.end),
        ]


def _drop_named_order(parts: Parts) -> None:
    """ "... by D and month, in order of D, then month": the order of the groups, with what it names again left out.

    Raises:
        NotUnderstood: it names something else, or in another order.
    """
    place = next((place for place, item in enumerate(parts.items) if (item.code, item.name) == ("O", "groups")), None)
    if place is None:
        return
    head, tail = parts.items[:place], parts.items[place + 1 :]
    if not re.fullmatch(r"D(?:[k,]+[Dg])*[,.]*|g", "".join(item.code for item in tail)):
        raise NotUnderstood
    named = [(item.code, item.name) for item in tail if item.code in "Dg"]
    said = [(item.code, item.name) for item in head if (item.code, item.name) in named]
    if said != named:
        raise NotUnderstood
    parts.items = parts.items[: place + 1]
    parts.said = [item for item in parts.said if not any(item is other for other in tail)]


def _drop_last_clause(parts: Parts) -> None:
    """A last clause that only names again what was said: "which D has the most M? Give the D and the M."."""
    for place, separator in enumerate(parts.items):
        head, tail = parts.items[:place], parts.items[place + 1 :]
        order = [item for item in tail if item.code == "O"]
        tail = [item for item in tail if item.code != "O"]
        if separator.code != "," or not re.fullmatch(
            r"[k,hmAu]*[DM](?:[k,hmAu]+[DM])*[z,]*", "".join(i.code for i in tail)
        ):
            continue
        named = {name for item in head if item.code in "DM" for name in (item.name, item.metric) if name}
        if all(item.name in named or item.metric in named for item in tail if item.code in "DM"):
            parts.items = [*head, *order]
            parts.said = [item for item in parts.said if item in parts.items]
            return


def _drop_the_clock(parts: Parts, known: Known) -> None:
    """ "Of orders placed in 2023": where the metric has its time from the orders, that says no more than "in 2023"."""
    for match in reversed(list(re.finditer(r"(?:p|(?<=eD),)[MD]y?(?=p?P)", parts.codes))):
        thing = parts.items[match.start() + 1]
        others = [item.name for item in parts.items if item.code == "M" and item is not thing]
        metric = thing.name if thing.code == "M" else thing.metric
        if not others or metric != known.orders or not all(map(known.has_clock_of_orders, others)):
            continue
        parts.items[match.start() : match.end()] = []
        parts.said = [item for item in parts.said if item is not thing]


def _drop_what_is_theirs(parts: Parts, known: Known) -> None:
    """ "Suppliers whose products sold ...", "which suppliers' products ...": the suppliers, by what they supply."""
    for match in reversed(list(re.finditer(r"DW?D(?=[z$y.]*[HxM])", parts.codes))):
        owner, goods = parts.items[match.start()], parts.items[match.end() - 1]
        between = parts.question[owner.end : goods.start]
        if len(match[0]) == 2 and not re.match(r"['’]s? ", between):
            continue
        if goods.table.casefold() not in known.goods or owner.table.casefold() in known.goods:
            continue
        if known.is_many(goods.table, owner.table):
            raise NotUnderstood
        del parts.items[match.start() + 1 : match.end()]
        parts.said = [item for item in parts.said if item is not goods]
