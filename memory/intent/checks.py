"""The query with its filters and window, and everything that may still speak against it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from memory.compiler import Filter, Having, SemanticQuery, TimeWindow
from memory.compiler.query import Value
from memory.intent.kinds import NUMBER
from memory.intent.known import Known, NotUnderstood
from memory.intent.nouns import nouns_of
from memory.intent.parts import Parts, Values

__all__ = ["completed", "is_contradicted", "meant", "whole_name"]

_CLEARLY_ELSEWHERE = 0.6
"""How much better a column of another table must fit than one of the things that are counted."""
_CLEARLY = 0.25
"""How much better than the next column a value's column must fit, in the value index's scores."""

_HOW_MUCH = re.compile(r"\bhow (?:much|many)\b", re.IGNORECASE)
_BESIDE = re.compile(r"\b(?:side by side|next to(?! each\b))", re.IGNORECASE)
_PER_ORDER = re.compile(r"\bper (?:sales )?order\b", re.IGNORECASE)
_AVERAGE = re.compile(r"(?:average|avg|mean) (?=\w+$)", re.IGNORECASE)

_OF_KINDS = frozenset({"breakdown", "total", "share", "share_of", "average_of_groups", "rank_within", "count_groups"})
"""Patterns whose filters hold for all that is counted."""
_OF_ONE_SELECT = frozenset({"average_of_groups", "share", "share_of", "top_attribute"})
"""Patterns that cannot hold a ratio over two tables."""


def completed(query: SemanticQuery, parts: Parts, known: Known) -> SemanticQuery:
    """The query with what was taken out of the question.

    Raises:
        NotUnderstood: a value may stand in two columns, something is said twice, or the compiler cannot hold it.
    """
    filters = tuple(_filter(values, query, parts, known) for values in parts.filters)
    if parts.kinds and query.pattern not in _OF_KINDS:
        raise NotUnderstood
    if parts.also:
        _check_second_condition(query, parts.also, parts, known)
    numbered = any(item.code == "V" and item.name == NUMBER for item in parts.said)
    if numbered and (not query.metrics or any(":" in m or known.counted_by(m) for m in query.metrics)):
        raise NotUnderstood  # "the products of order 10250": with how many of each
    query = replace(query, filters=(*filters, *parts.kinds), window=_window(query, parts, known))
    query = _by_clock(query, parts, known) if parts.clock else query
    query = _with_empty(query, known) if parts.with_empty else query
    if len({item.field for item in query.filters}) < len(query.filters):
        raise NotUnderstood
    if parts.loose and not any(known.accounts_for(parts.loose.name, metric) for metric in query.metrics):
        raise NotUnderstood
    clear = True
    if query.metrics:
        _check_metrics(query, parts, known)
    elif query.pattern == "extreme":
        clear = not any(known.repeats(item.field, (), query.entity) for item in filters)
    elif query.pattern == "lookup":
        clear = filters[0].field == known.compiler.label(known.layer.entity(query.entity))
    if not clear:
        raise NotUnderstood
    return query


def _check_second_condition(query: SemanticQuery, also: tuple[str, Having], parts: Parts, known: Known) -> None:
    """Whether the query holds the second condition, and the compiler can; of the two only one metric is shown."""
    again = any(parts.metrics.count(name) > 1 for name in (also[0], *query.metrics))
    if query.among != also or len(query.dimensions) != 1 or query.grain or query.order or parts.order or again:
        raise NotUnderstood
    if not known.combinable(also[0], query.dimensions[0]) or known.compiler.two_grained(also[0]):
        raise NotUnderstood


def _with_empty(query: SemanticQuery, known: Known) -> SemanticQuery:
    """The query with those that have nothing: things of which a number or a sum is shown."""
    plain = query.pattern == "breakdown" and len(query.dimensions) == len(query.metrics) == 1
    if not plain or query.grain or query.having or query.limit or query.dimensions[0] not in known.labels:
        raise NotUnderstood
    if not known.compiler.additive(query.metrics[0]):
        raise NotUnderstood  # the average of nothing is not 0
    return replace(query, with_empty=True)


def _by_clock(query: SemanticQuery, parts: Parts, known: Known) -> SemanticQuery:
    """The query with its periods and grain by the date that the question names."""
    times = {found.time if (found := known.defined(metric)) else "" for metric in query.metrics}
    if times == {parts.clock}:
        return query
    if query.pattern not in _OF_KINDS or not (query.grain or query.window) or not query.metrics:
        raise NotUnderstood
    window = query.window or TimeWindow()
    return replace(query, window=replace(window, column=parts.clock))


def is_contradicted(question: str, query: SemanticQuery, known: Known) -> bool:
    """Whether words of the question speak against the query that was read from it as a whole."""
    if query.pattern == "lookup" and _HOW_MUCH.search(question):
        return all(known.is_text(column) for column in query.columns)  # "how much did we pay the carrier"
    if query.pattern == "list" and " or " not in question:
        several = [item.field for item in query.filters if item.op == "in"]
        return any(known.repeats(field, (), query.entity) for field in several)  # of A and of B: both, or either?
    named = [f" from {value}".casefold() for item in query.filters for value in item.values]
    if query.pattern == "share" and any(said in question.casefold() for said in named):
        return True  # the share of a value in each group, or each group's share of a value?
    if query.pattern == "breakdown" and query.dimensions and query.grain and _BESIDE.search(question):
        return True  # two columns are wanted
    rows = [name for name in query.dimensions if name in known.labels and known.table_of(name) == known.table_of_orders]
    return bool(rows) and bool(_PER_ORDER.search(question))  # the average of an order, or each one's?


def _filter(values: Values, query: SemanticQuery, parts: Parts, known: Known) -> Filter:
    found = meant(values, query.metrics, known, query.entity)
    if known.repeats(found.field, query.metrics, query.entity):
        bases = [known.compiler.base(metric) for metric in query.metrics if not known.compiler.timed(metric)]
        tables = [known.layer.entity(query.entity).table] if query.entity else bases
        if any(known.own_column_like(table, found.field) for table in tables):
            raise NotUnderstood  # "customers in Australia": nobody is there, though suppliers are
    if not any(values is other for other in parts.negated):
        return found
    # Without a value is not the same as with another, where a row may have none or several.
    if query.pattern == "lookup" or known.may_be_empty(found.field):
        raise NotUnderstood
    if known.repeats(found.field, query.metrics, query.entity):
        raise NotUnderstood
    return replace(found, op="!=" if found.op == "=" else "not in")


def meant(values: Values, metrics: Sequence[str], known: Known, entity: str = "") -> Filter:
    """The filter on the one column where all the values can be meant, of what is counted or of the entity listed.

    Raises:
        NotUnderstood: there is no such column, or two that fit alike.
    """
    scores: dict[str, list[tuple[float, str]]] = {}
    for candidates in values:
        for value in candidates:
            name = value.dimension or ("" if value.computed else value.target)
            if name:
                scores.setdefault(name, []).append((value.score, value.value))
    fitting = {
        name: sum(score for score, _ in found) / len(values)
        for name, found in scores.items()
        if len(found) == len(values) and all(known.combinable(metric, name) for metric in metrics)
    }
    own = {name for name in fitting if _is_own(name, metrics, known, entity)}
    best = max(fitting.values(), default=0.0)
    if own and max(fitting[name] for name in own) > best - _CLEARLY_ELSEWHERE:
        fitting = {name: fitting[name] for name in own}  # "suppliers in the USA" are not those of customers there
    ranked = sorted(fitting, key=lambda name: -fitting[name])
    if not ranked:
        raise NotUnderstood
    if ranked[0] not in known.labels and not known.labels.isdisjoint(ranked):
        raise NotUnderstood  # a person who is both an employee and some supplier's contact
    if known.repeats(ranked[0], metrics, entity) and not all(known.repeats(n, metrics, entity) for n in ranked):
        raise NotUnderstood  # "products in Brazil": where they are sold, or where they come from?
    # What a thing is called by is meant before what it has: an employee's name before a supplier's contact.
    named = len(ranked) > 1 and ranked[0] in known.labels and ranked[1] not in known.labels
    if len(ranked) > 1 and not named and fitting[ranked[0]] - fitting[ranked[1]] < _CLEARLY:
        raise NotUnderstood
    spelt: tuple[Value, ...] = tuple(dict.fromkeys(value for _, value in scores[ranked[0]]))
    if "." not in ranked[0] and known.layer.dimension(ranked[0]).type == "number":
        spelt = tuple(int(value) if str(value).isdigit() else value for value in spelt)
    return Filter(ranked[0], "=" if len(spelt) == 1 else "in", spelt)


def whole_name(field: str, known: Known) -> str:
    """What a person is called by, where the field is only a part of that: "Brandt" is shown with the first name."""
    column = field
    if "." not in field:
        dimension = known.layer.dimension(field)
        column = f"{dimension.table}.{dimension.column}"
    for entity in known.layer.entities:
        nouns = nouns_of(entity.id, known)
        if column in nouns.name_parts and known.layer.entity_of(entity.table) == entity:
            return nouns.label
    return field


def _is_own(name: str, metrics: Sequence[str], known: Known, entity: str) -> bool:
    """Whether a field is of the very things that are counted or listed, and not what they are called by."""
    tables = {known.layer.entity(entity).table.casefold()} if entity else set[str]()
    for metric in metrics:
        if not known.compiler.timed(metric):
            tables.add(known.compiler.base(metric).casefold())
    return known.table_of(name) in tables and name not in known.labels


def _window(query: SemanticQuery, parts: Parts, known: Known) -> TimeWindow | None:
    if not parts.periods:
        return query.window
    if len(parts.periods) > 1 and (query.limit or query.order or query.having or query.pattern != "breakdown"):
        raise NotUnderstood
    if query.entity:
        calendar = known.layer.calendar.time_column.partition(".")[0].casefold()
        if known.layer.entity(query.entity).table.casefold() != calendar:
            raise NotUnderstood
    return TimeWindow(parts.periods[0].start, parts.periods[-1].end)


def _counts(query: SemanticQuery, label: str, known: Known) -> bool:
    """Whether the very things of that label are counted."""
    bases = {known.compiler.base(metric).casefold() for metric in query.metrics}
    defined = [known.defined(metric) for metric in query.metrics if not metric.startswith("count:")]
    counting = all(metric and metric.sql == "COUNT(*)" for metric in defined)
    return counting and known.table_of(label) in bases


def _check_metrics(query: SemanticQuery, parts: Parts, known: Known) -> None:
    compiler, metrics = known.compiler, query.metrics
    things = [item.name for item in parts.said if item.code == "D" and item.name]
    if (
        len(set(things)) < len(things)
        or len(set(query.dimensions)) < len(query.dimensions)
        or len(query.dimensions) > 2
    ):
        raise NotUnderstood
    if any(item.code == "M" and known.counts_things(_AVERAGE.sub("", item.surface)) and _AVERAGE.match(item.surface)
           for item in parts.said):  # fmt: skip
        raise NotUnderstood  # "average orders per month" are a number of them, and no average order
    if any(compiler.two_grained(metric) for metric in metrics) and query.pattern in _OF_ONE_SELECT:
        raise NotUnderstood
    if (query.window or query.grain) and not all(compiler.timed(metric) for metric in metrics):
        raise NotUnderstood
    fields = (*query.dimensions, *(item.field for item in query.filters))
    if not all(known.combinable(metric, name) for metric in metrics for name in fields):
        raise NotUnderstood
    if any(item.field in known.labels and _counts(query, item.field, known) for item in query.filters):
        raise NotUnderstood  # "the team of X" is not how many people are X
    if not parts.counted and any(
        "." not in name and known.layer.dimension(name).type == "number" and _counts(query, name, known)
        for name in query.dimensions
    ):
        raise NotUnderstood  # "products by price" are sorted, not counted
    for item in parts.groups:
        own = known.linker.dimension_named(item.surface) in ("", item.name)
        beside = any(other is not item and other.table == item.table for other in parts.groups)
        if not own and (beside or item.table.casefold() in {known.table_of(f.field) for f in query.filters}):
            raise NotUnderstood  # "each sales rep and country": the linker took the country for the sales rep's
    if any(known.is_borrowed(item.surface, item.name, metric) for item in parts.groups for metric in metrics):
        raise NotUnderstood
