"""A last clause that only says what to show, and that is shown anyway: "... Give the country and the number."

What stands before it is then the whole question. It is read alone, since names that are said twice turn each other's
meaning: "which countries have three suppliers? Give the country" speaks of the suppliers' countries both times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from memory.compiler import SemanticQuery
from memory.compiler.query import Order
from memory.intent.items import Item, read_items
from memory.intent.known import Known, NotUnderstood, last_stem
from memory.intent.nouns import nouns_of
from memory.intent.tails_of_changes import with_tail_of_change
from memory.intent.tails_of_series import with_tail_of_series
from memory.lexical import stem, stems

__all__ = ["clauses", "with_tail"]

_CUT = re.compile(
    r"[.?!]\s+|:\s+|[,;–—]\s*|\s-\s|\s(?=\()|\s(?=and (?:how (?:many|much)\b|the (?:number|amount)\b|show\b|give\b"
    r"|what\b))",
    re.IGNORECASE,
)
_SHOWING = frozenset(
    """
    and with plus also too just only names name amount amounts value values figure figures number numbers count counts
    total totals sum sums it its their them they that those these this each every one ones of in for at by from the to
    give show include list display report state i we me us as both him her he she was is were are be did do does have
    has had get got take took taken buy bought sell sold bring brought bringing contribute contributed account order
    ordered place placed spend spent make made ship shipped carry carried handle handled move moved there on average
    earn earned averages want need like see know went please
    per respectively result results exactly actual sorted along together next beside
    """.split()  # noqa: SIM905 - a list of words is read as prose
)
"""Words that a clause may have that only says what to show: none of them names another number."""
_DIRECTIONS: dict[str, Order] = {"asc": "asc", "desc": "desc", "best": "desc", "worst": "asc"}
"""The end that comes first; what is best only where the question has already said from which end it counts."""
_WITH_TAIL = ("breakdown", "rank_within", "share", "average_of_groups", "above_average", "above_total")
_PEOPLE_WITHOUT = re.compile(
    r"\W*(?:please )?(?:leave out|skip|exclude|ignore|without|not|only|just)\b(?: \w+){0,4}"
    r" (?:none|any|one)(?: there)?\W*",
    re.IGNORECASE,
)


def clauses(question: str) -> Iterator[tuple[str, str]]:
    """What may be the whole question, and what then only says what to show; the shortest rest first."""
    for match in reversed(list(_CUT.finditer(question, 1))):
        yield question[: match.start()], question[match.end() :]


def with_tail(query: SemanticQuery, tail: str, known: Known) -> SemanticQuery | None:
    """The query in the order that the clause says; None where it says more than what the query shows anyway."""
    if tail and query.compare:
        return with_tail_of_change(query, tail, known)
    if tail and query.pattern in ("change_series", "growth_series"):
        return with_tail_of_series(query, tail, known)
    if query.pattern not in _WITH_TAIL or not tail or (query.among and query.having):
        return None  # of two conditions only one is shown
    if _PEOPLE_WITHOUT.fullmatch(tail):
        return query if query.pattern == "breakdown" and not query.having else None
    try:
        items = read_items(tail, known)
    except NotUnderstood:
        return None
    return _with_items(query, tail, items, known)


def _with_items(query: SemanticQuery, tail: str, items: Sequence[Item], known: Known) -> SemanticQuery | None:
    """The query with what the clause's items name: its own order, and attributes of the things that are shown."""
    order: Order | None = query.order
    beside: list[str] = []
    for item in items:
        attribute = _attribute(item, query, known)
        if attribute:
            beside.append(attribute)
            continue
        if item.code == "O" and item.name == "time" and query.grain and query.order is None:
            continue  # periods come in their order anyway
        if item.code == "O" and item.name in ("fast", "slow"):
            order = _by_speed(item, query, known)
            if order is None or query.order not in (None, order) or query.pattern != "breakdown":
                return None
        elif item.code == "O" and item.name in _DIRECTIONS:
            direction = _DIRECTIONS[item.name]
            late = item.name not in direction and not query.limit and known.is_lateness(query.metrics[0])
            if late:
                direction = "desc" if direction == "asc" else "asc"  # the worst is the latest
            if (
                order not in (None, direction)
                or query.pattern != "breakdown"
                or not (query.limit or late or item.name in direction)
            ):
                return None
            order = direction
        elif not (_is_shown(item, query, known) or item.code == ","):
            return None
    query = replace(query, dimensions=(*dict.fromkeys([*beside, *query.dimensions]),))
    return replace(query, order=order) if _asks_for_it(tail.lower(), query, known) else None


def _by_speed(item: Item, query: SemanticQuery, known: Known) -> Order | None:
    try:
        return known.speed_order(query.metrics[0], item.name)
    except NotUnderstood:
        return None


def _attribute(item: Item, query: SemanticQuery, known: Known) -> str:
    """The column of the things shown that an item names ("phone", "country"), "" where it names none of theirs."""
    if item.code not in "Dn?" or query.pattern != "breakdown" or query.grain or _is_named(item, query, known):
        return ""
    said = tuple(word for word in stems(item.surface) if word != "the")
    for name in query.dimensions:
        for entity in known.layer.entities:
            called = (known.compiler.label(entity), known.dimension_of(f"{entity.table}.{entity.label}"))
            if known.layer.entity_of(entity.table) != entity or name not in called:
                continue
            field = nouns_of(entity.id, known).columns.get(said, "")
            own = (
                item.name
                if item.code == "D" and item.name and known.table_of(item.name) == known.table_of(name)
                else ""
            )
            field = field or own or _referred_to(item, name, known)
            if field and field != name and all(known.combinable(metric, field) for metric in query.metrics):
                return field
    return ""


def _referred_to(item: Item, name: str, known: Known) -> str:
    """What a thing of that label refers to, one for each: an order's customer, a product's category."""
    if item.code != "D" or not item.name or item.name not in known.labels:
        return ""
    return item.name if not known.is_many(known.table_of(name), known.table_of(item.name)) else ""


def _asks_for_it(tail: str, query: SemanticQuery, known: Known) -> bool:
    """Whether "how many" asks for a number of things, and "how much" for none, as the metric is."""
    counts = known.is_pieces(query.metrics[0])
    return not (("how much" in tail and counts) or ("how many" in tail and not counts))


def _is_shown(item: Item, query: SemanticQuery, known: Known) -> bool:
    if item.code in "NVPHBxνS":
        return (item.code == "N" and item.surface.lower() == "one") or _is_its_period(item, query)
    if item.code in "mAu":
        return True
    found, word = known.defined(query.metrics[0]), item.surface.lower().strip()
    if word in ("ratio", "rate", "percentage", "percent"):
        return found is not None and found.unit == "percent"
    if item.code in "Uμ":
        return found is not None and (item.name == found.unit or (item.name == "avg" and "AVG(" in found.sql))
    return _is_named(item, query, known) or all(part in _SHOWING for part in re.findall(r"\w+", word))


def _is_its_period(item: Item, query: SemanticQuery) -> bool:
    period, window = item.period, query.window
    return bool(period and window) and (period.start, period.end) == (window.start, window.end)  # type: ignore[union-attr]


def _is_named(item: Item, query: SemanticQuery, known: Known) -> bool:
    """Whether the item is one of the metrics or of what they are broken down by."""
    if item.code == "M":
        return item.name in query.metrics
    shown = {last_stem(known.layer.dimension(name).name) for name in query.dimensions if "." not in name}
    if item.code == "D":
        named = last_stem(item.surface) in shown or item.name in query.dimensions
        return named or (bool(item.metric) and item.metric in query.metrics)
    if item.code in "ga":
        return item.name == query.grain
    said = stem(item.surface.lower().strip())
    return said in shown | {query.grain or ""} or (item.code in "n?j" and known.accounts_for(said, query.metrics[0]))
