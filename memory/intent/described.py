"""A metric of things that a clause tells of: "2024 revenue from customers whose first order was in 2023".

The clause is read as a list of those things is ("which customers whose first order was in 2023"), what remains without
it as a plain question; where both are understood, the metric is of the rows that have to do with the list's things.
"The share of revenue that came from such customers" is their part of what remains.

Two periods are kept apart by where they stand. Where only the clause has one, nobody can tell whether the metric is of
that period too ("revenue of customers who ordered in 2023"), and nothing is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from memory.compiler import CannotCompile, Filter, Related, SemanticQuery, TimeWindow
from memory.intent.known import Known, NotUnderstood
from memory.intent.nouns import entity_nouns
from memory.intent.records import Record, read_record
from memory.lexical import Token, tokenize

__all__ = ["of_described"]

ReadMetrics = Callable[[str], SemanticQuery | None]

_CLAUSE = re.compile(
    r"\s*,?\s*(?:(?:who|that|which|whose)\b|(?:with|without|having)\b|(?:supplied|hired|born|reporting|marked|priced)\b)",
    re.IGNORECASE,
)
_END = re.compile(
    r"[,;:?!](?=\s|$)|\.(?=\s|$)|\s[-–—]\s|$"
    r"|\s(?=(?:bring|brought|take|took|place|placed|make|made|spend|spent|generate|generated|earn|earned|buy|order|get"
    r"|got|account|sell|have|in|during|over|by|per|for)\b)"
)
_MOST_ENDS = 6
_SHARE = re.compile(
    r"^\W*(?:what|which)? ?(?:is |was )?(?:the )?(?:share|percentage|percent|proportion|part) of (?P<whole>.+?)"
    r" (?:came|comes|come|is|was|were|are|went|goes|did|do|does)(?: placed| made| earned| brought in)? "
    r"(?P<link>from|by|with|to|for) (?=\w)",
    re.IGNORECASE,
)
_OF_THEM = re.compile(
    r"(?:\s+(?:placed|made|taken|sold|bought|earned|shipped|handled) (?:by|to|with)"
    r"|\s+(?:of|for|from|with|to|on|at|among))"
    r"(?: (?:all|the|our|those|only|just))*\s+$",
    re.IGNORECASE,
)
"""What leads to things whose name may then be left out with it."""
_DID = re.compile(r"\b(did|do|does|have|has)(?: (?:all|the|our|those))*\s+$", re.IGNORECASE)
_EACH = re.compile(r"\b(?:every|each|per)\s+$", re.IGNORECASE)
_COUNTED = re.compile(
    r"\b(?:numbers?|counts?|many|names?|lists?|sum|any|each|all|most|some|none|which|one)$", re.IGNORECASE
)
"""What "of things" behind it says what is counted or shown, and not of what a metric is."""
_PATTERNS = frozenset({"total", "breakdown", "rank_within"})


def of_described(question: str, known: Known, read_metrics: ReadMetrics) -> tuple[SemanticQuery, Record] | None:
    """The query of a metric of things told by a clause, and how the clause was read; None where it is no such one."""
    ambiguous: set[str] = set()
    for cut in _cuts(question, known):
        if cut.before in ambiguous:
            continue
        try:
            record = read_record(
                f"which {cut.noun}s{cut.clause}" if cut.single else f"which {cut.noun}{cut.clause}", known
            )
        except NotUnderstood:
            continue
        told = _as_related(record.query, cut.entity, known)
        if told is None or not _is_plain_list(told, cut, known):
            continue
        ambiguous.add(cut.before)  # a shorter clause would leave the metric what may be the clause's: "in 2023"
        query = _read(cut, told, known, read_metrics)
        if query is not None:
            return query, record
    return None


@dataclass(frozen=True, slots=True)
class _Cut:
    """A question cut into what stands before a thing's name, the name, the clause behind it, and what follows."""

    before: str
    noun: str
    clause: str
    rest: str
    entity: str
    single: bool
    """Whether it is "every customer" and not "customers"."""


def _cuts(question: str, known: Known) -> Iterator[_Cut]:
    """Every way to cut the question at a clause behind the name of a kind of thing, the longest clause first."""
    tokens = tokenize(question)
    for first, last, entity in _things(tokens, entity_nouns(known)):
        start, end = tokens[first].start, tokens[last].end
        single = not tokens[last].is_plural
        if not _CLAUSE.match(question, end) or (single and not _EACH.search(question[:start])):
            continue
        stops = [match.start() for match in _END.finditer(question, end + 1)]
        for stop in stops[::-1][:_MOST_ENDS]:
            yield _Cut(question[:start], question[start:end], question[end:stop], question[stop:], entity, single)


def _things(tokens: Sequence[Token], nouns: dict[tuple[str, ...], str]) -> Iterator[tuple[int, int, str]]:
    """Names of kinds of things, by their first and last token."""
    for last in range(len(tokens)):
        for first in range(max(last - 2, 0), last + 1):
            said = tokens[first : last + 1]
            entity = nouns.get(tuple(token.stem for token in said))
            if entity:
                yield first, last, entity
                break


def _is_plain_list(query: SemanticQuery, cut: _Cut, known: Known) -> bool:
    """Whether the clause only says which of the things are meant, by more than a value."""
    entity = cut.entity
    if query.pattern != "list" or query.entity != entity or query.order or query.window or query.metrics:
        return False
    told = [item.field for item in query.filters]
    shown = set(query.columns) - {known.compiler.label(known.layer.entity(entity)), *told}
    asked = shown and re.search(r",|\b(?:with|and|show)\b", cut.clause)
    return not asked and bool(query.related or query.filters)


def _as_related(query: SemanticQuery, entity: str, known: Known) -> SemanticQuery | None:
    """The list; one told by a first or last event is one with an event then and none on its other side."""
    found = known.layer.entity(entity)
    time, having = known.layer.calendar.time_column, query.having
    if query.pattern == "list":
        return query
    if query.dimensions != (known.compiler.label(found),) or query.window or query.order or having is None:
        return None
    if query.pattern != "breakdown" or query.metrics not in ((f"min:{time}",), (f"max:{time}",)):
        return None
    start = str(having.value) if having.op in ("within", ">=") else ""
    end = str(having.upper) if having.op == "within" else str(having.value) if having.op == "<" else ""
    events = time.partition(".")[0]
    then = Related(events, window=TimeWindow(start, end))
    first = query.metrics[0].startswith("min:")
    beyond = TimeWindow("", start) if first else TimeWindow(end, "")
    never = (Related(events, negated=True, window=beyond),) if beyond != TimeWindow() else ()
    return replace(query, metrics=(), dimensions=(), having=None, pattern="list", entity=entity,
                   related=(*query.related, then, *never))  # fmt: skip


def _read(cut: _Cut, told: SemanticQuery, known: Known, read_metrics: ReadMetrics) -> SemanticQuery | None:
    share = _SHARE.match(f"{cut.before}{cut.noun}")
    if share:
        query = read_metrics(f"{share['whole']}{cut.rest}")
        if query is None or query.pattern != "total" or len(query.metrics) > 1 or not told.related or told.filters:
            return None
        if not known.compiler.additive(query.metrics[0]):
            return None
        *others, part = told.related
        if any(item.negated or item.window != query.window for item in others):
            return None  # a row of the metric is itself such an event in its own period, and in no other
        return _joined(replace(query, pattern="share_of"), replace(told, related=(part,)), known)
    for said in _without_clause(cut):
        query = read_metrics(said)
        if query is not None and not (query.entity or query.related) and query.pattern in _PATTERNS:
            return _joined(query, told, known)
    return None


def _without_clause(cut: _Cut) -> Iterator[str]:
    """The question without the clause: without the things as well where they are what the metric is of."""
    if cut.single:
        yield f"{cut.before}{cut.noun}{cut.rest}"
        return
    of_them, did = _OF_THEM.search(cut.before), _DID.search(cut.before)
    if of_them and not _COUNTED.search(cut.before[: of_them.start()]):
        yield f"{cut.before[: of_them.start()]}{cut.rest}"
    elif did and not of_them:
        yield f"{cut.before[: did.end(1)]} we{cut.rest}"


def _joined(query: SemanticQuery, told: SemanticQuery, known: Known) -> SemanticQuery | None:
    label = known.compiler.label(known.layer.entity(told.entity))
    timed = all(map(known.compiler.timed, query.metrics))
    if timed and not query.window and any(_bounds(item) for item in told.related):
        return None  # "revenue of customers who ordered in 2023": of that year, or ever?
    if any(known.crosses(metric, label) or not known.combinable(metric, label) for metric in query.metrics):
        return None
    if any(known.counted_by(metric) == label for metric in query.metrics):
        return None  # how many such things there are is a list's to say
    held = {item.field for item in query.filters}
    if any(item.field in held or not _fits(item, query, known) for item in told.filters):
        return None
    found = replace(query, filters=(*query.filters, *told.filters), related=told.related,
                    entity=told.entity if told.related else "")  # fmt: skip
    try:
        known.compiler.compile(found)
    except CannotCompile:
        return None
    return found


def _fits(item: Filter, query: SemanticQuery, known: Known) -> bool:
    return all(known.combinable(metric, item.field) for metric in query.metrics) and not known.repeats(
        item.field, query.metrics
    )


def _bounds(item: Related) -> bool:
    """Whether a period of its own says when the related rows were."""
    window: TimeWindow | None = item.window
    return window is not None and bool(window.start or window.end)
