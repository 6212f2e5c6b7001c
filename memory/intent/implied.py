"""The metric that a question means without naming it: "spent", "sold over 50k", "our best customer", "busiest".

In trade some words say a metric by themselves: what is spent, earned or sold for an amount is revenue, and the best
customer or seller is the one with the most of it; who is busy has orders. A metric is put where the word stands, so
that the rest of the grammar reads the question as if it had been named. Nothing is put where a metric is named, nor
where another could be meant: a product that sells best may do so in units.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from memory.intent.items import Item
from memory.intent.known import Known
from memory.lexical import stem

__all__ = ["with_implied"]

_BEST = frozenset(["best", "top", "biggest", "largest", "leading", "worst", "greatest", "smallest"])
_WORTH_MONEY = 1000
"""From which number on "sold over 5000" is an amount of money and no number of pieces."""
_HOW_MUCH = re.compile(
    r"\bhow much(?: money| business)? (?:did|do|does|have|has|was|were|is|are)\b"
    r"|\bwhat (?:did|do|have) (?:we|our \w+) (?:earn|make|take in|bring in)\b(?! (?:on|with|by|from)\b)"
)
_OURS = re.compile(
    r"\b(?:sell|sells|sold|selling) us\b|\bwe (?:\w+ )?(?:buy|bought|spend|spent|order|ordered|purchase|purchased)\b"
)


def with_implied(question: str, items: Sequence[Item], known: Known) -> list[Item]:
    """The items with the metric that their words imply, where none is named; verbs that then say no more left out."""
    found = list(items)
    if not known.money or not known.orders:
        return [item for item in found if item.code != "$"]
    if _names_a_metric(found, known):
        return [_plain(item) for item in found if item.code != "$" or item.name]
    spent = _asked_for(question.lower(), found, known)
    if spent is not None:
        return spent
    return [_plain(item) for item in found if item.code != "$" or item.name]


def _plain(item: Item) -> Item:
    """A superlative without the metric it might have implied."""
    return replace(item, name=item.name.partition(":")[0]) if item.code in "HB" else item


def _names_a_metric(items: Sequence[Item], known: Known) -> bool:
    """Whether a metric is named, other than by the things that are counted ("how many customers spent ...")."""
    codes = "".join(item.code for item in items)
    places = [place for place, item in enumerate(items) if item.code == "M"]
    return any(not (place and codes[place - 1] == "m" and known.counted_by(items[place].name)) for place in places)


def _asked_for(question: str, items: list[Item], known: Known) -> list[Item] | None:
    verbs = [place for place, item in enumerate(items) if _is_verb(item)]
    told = [place for place, item in enumerate(items) if item.code in "HB" and ":" in item.name]
    if told and not verbs:
        return _adjective(items, told, known)
    if len(verbs) == 1 and not told and not _OURS.search(question):
        return _verb(question, items, verbs[0], known)
    return None if verbs or told else _best(question, items, known)


def _is_verb(item: Item) -> bool:
    return item.code == "$" or (item.code in "z?" and stem(item.surface.lower()) in ("sell", "buy"))


def _verb(question: str, items: list[Item], place: int, known: Known) -> list[Item] | None:
    """ "How much did V spend", "which D spent the most", "D that sold over 50k"."""
    verb = items[place]
    sells = verb.code != "$"
    before, after = items[:place], items[place + 1 :]
    goods = sells and any(_is_goods(item, known) for item in items)
    metric = _metric(verb, known.money)
    rest = "".join(item.code for item in after)
    who, alone = _who(before, verb, known), bool(re.fullmatch(r"[^DMngxHBN]*", rest))
    goods = goods and not rest.endswith("τμD")
    found: list[Item] | None = None
    if stem(verb.surface.lower()) == "earn" and any(_is_seller(item, known) for item in before):
        return None  # the most revenue, or the highest wage?
    if _HOW_MUCH.search(question) and alone and not any(item.code in "HBN" for item in before):
        found = [*(item for item in before if item.code != "u"), metric, *after]
    elif any(item.code == "λ" for item in before) and alone:
        found = [*before, metric, *after]
    elif re.match(r"αD[pP.]*$", rest):
        found = [*who, metric, *after]
    elif re.match(r"Λ[^DMn]*$|Λ[pP.]*τμD$", rest):
        found = [*who, after[0], metric, *after[1:]]
    elif re.match(r"p?xN", rest) and not _counts_things(after):
        number = next(item for item in after if item.code == "N")
        money = not sells or number.name == "USD" or number.number >= _WORTH_MONEY or rest.startswith("p")
        found = [*who, metric, *(after[1:] if rest.startswith("p") else after)] if money else None
    elif re.match(r"[HB](?![DMn])", rest):
        most = replace(after[0], code="H", name=after[0].name.partition(":")[0])
        found = [*who, metric, most, *after[1:]]
    return None if goods else found


def _counts_things(after: Sequence[Item]) -> bool:
    """Whether the number behind a verb is one of things: "sold more than 50 units", but "more than 600 from V"."""
    codes = "".join(item.code for item in after)
    match = re.match(r"p?xN[US]?(p?)[MD]", codes)
    return match is not None and (not match[1] or after[match.start(1)].surface.lower() == "of")


def _adjective(items: list[Item], told: list[int], known: Known) -> list[Item] | None:
    """ "The best-selling category", "the busiest weekday"."""
    if len(told) != 1:
        return None
    word = items[told[0]]
    direction, _, meant = word.name.partition(":")
    following = [item for item in items[told[0] + 1 :] if item.code in "Dg"][:1]
    if not following and told[0] and items[told[0] - 1].code in "Dg":
        named = Item("M", "", word.end, word.end, known.orders if meant == "busy" else known.money)
        return [*items[: told[0]], replace(word, code="H", name=direction), named, *items[told[0] + 1 :]]
    if not following or (meant == "sell" and _is_goods(following[0], known)):
        return None
    metric = known.orders if meant == "busy" else known.money
    return _with_metric(items, following[0], metric, replace(word, code="H", name=direction))


def _best(question: str, items: list[Item], known: Known) -> list[Item] | None:
    """ "Our best customer", "top 5 customers": those with the most revenue."""
    codes = "".join(item.code for item in items)
    match = re.match(r"u?q?N?([HB])N?(D)(?![DM])[.,pPVkKegaDN]*$", codes)
    if match is None or not _is_party(items[match.start(2)], known):
        return None
    if "V" in codes and items[match.start(2)].name != known.party("buy"):
        return None  # the best sellers in Germany: who are there, or who sell there?
    word = items[match.start(1)]
    if "who" not in question and items[match.start(2)].surface.lower().startswith("seller"):
        return None  # who sells best, or what?
    if word.surface.lower().split()[-1] not in _BEST:
        return None
    return _with_metric(items, items[match.start(2)], known.money, replace(word, code="H"))


def _with_metric(items: Sequence[Item], thing: Item, metric: str, word: Item) -> list[Item]:
    """The items with "by revenue" behind the thing, and the word for how much of it."""
    found: list[Item] = []
    for item in items:
        found.append(word if item.start == word.start and item.code in "HB" else item)
        if item is thing:
            found += [Item("b", "", item.end, item.end), Item("M", "", item.end, item.end, metric)]
    return found


def _metric(verb: Item, metric: str) -> Item:
    return Item("M", verb.surface, verb.start, verb.end, metric)


def _is_goods(item: Item, known: Known) -> bool:
    """Whether a thing, or what a value is the name of, is sold by the piece."""
    if item.code == "D":
        return item.table.casefold() in known.goods
    return item.code == "V" and any(value.table.casefold() in known.goods for value in item.values)


def _is_party(item: Item, known: Known) -> bool:
    """Whether a thing buys or sells."""
    return item.name in (known.party("buy"), known.party("sell"))


def _is_seller(item: Item, known: Known) -> bool:
    return item.code == "q" or (item.code == "D" and item.name == known.party("sell"))


def _who(before: list[Item], verb: Item, known: Known) -> list[Item]:
    """ "Who spent the most": the customer, "who sold the most": the seller."""
    if not before or before[-1].code != "q":
        return before
    if any(item.code in "DgM" for item in before):
        return before[:-1]
    party = known.party("sell" if stem(verb.surface.lower()) == "sell" else "buy")
    if not party:
        return before
    who = before[-1]
    thing = Item("D", who.surface, who.start, who.end, party, table=known.layer.dimension(party).table)
    return [*before[:-1], Item("u", "", who.start, who.start), thing]
