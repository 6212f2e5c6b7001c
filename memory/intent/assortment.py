"""Clauses about what is still sold and what is there: in the range or out of it, at nought, on its way, too low.

Whether a thing is still sold is a yes-or-no field that says it is not ("discontinued"); so what we still sell is what
it does not hold of.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp, parse_one

from memory.compiler import Filter
from memory.intent.rows import CONN, Clause, Reader, Rows, clause_of
from memory.lexical import stems

__all__ = ["ASSORTMENT"]

ASSORTMENT: list[Clause] = []

_GONE = frozenset(map(stems, ("discontinued", "no longer sold", "phased out", "retired", "withdrawn", "delisted")))
_SELL = "(?:sell|sold|list|carry|offer|stock|have on sale|on sale|for sale|in range|in assortment)"
_STILL = "(?:still |actively |currently )"


def _gone(reader: Reader) -> str:
    """The yes-or-no field that says that a thing is sold no more, "" where there is none."""
    fields = {field for words, field in reader.nouns.flags.items() if words in _GONE}
    return fields.pop() if len(fields) == 1 else ""


def _flagged(reader: Reader, rows: Rows, value: int) -> Rows | None:
    field = _gone(reader)
    return reader.with_filter(rows, Filter(field, "=", (value,))) if field else None


@clause_of(
    ASSORTMENT,
    rf"{CONN}(?:do )?we {_STILL}+{_SELL}",
    rf"{CONN}(?:<be>)?{_STILL}+(?:on sale|for sale|sold|in range|in assortment|available|active)",
    rf"{CONN}{_STILL}+in (?:range|assortment|catalogue|catalog)",
)
def _still_sold(reader: Reader, rows: Rows, _: Sequence[str]) -> Rows | None:
    """ "That we still sell"."""
    return _flagged(reader, rows, 0)


@clause_of(
    ASSORTMENT,
    rf"{CONN}(?:have )?(?:we )?(?:have )?(?:stopped|ceased) (?:selling|carrying|offering|listing)",
    rf"{CONN}(?:do )?we (?:no longer|do not) (?:{_SELL})(?: any more| anymore)?",
    rf"{CONN}(?:<be>)?(?:taken|dropped|removed|struck|gone) (?:out of|from|off) (?:range|assortment|catalogue|catalog)",
)
def _no_longer_sold(reader: Reader, rows: Rows, _: Sequence[str]) -> Rows | None:
    """ "That we have stopped selling"."""
    return _flagged(reader, rows, 1)


@clause_of(
    ASSORTMENT,
    r"(?:, )?(?:(?:and|but|while|with|have|has|having|whose) )*(?:(?:there is )?nothing(?: is)?|no units(?: are)?) on F"
    r"(?: (?:from|with) F)?",
)
def _nothing_coming(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With nothing on order": none on its way to us."""
    field = reader.nouns.named("units on order", "quantity on order")
    if not field or reader.thing(groups[0]).surface.lower() != "order":
        return None
    return reader.with_filter(rows, Filter(field, "=", (0,)))


@clause_of(
    ASSORTMENT,
    rf"{CONN}(?:<be>)?(?:with|at|have|has)? ?zero (?:C|units)(?: (?:left|in stock))?",
    rf"{CONN}<be>down to zero(?: C| units)?",
)
def _at_nought(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "At zero stock"."""
    field = reader.thing(groups[0]).name if groups else reader.nouns.named("units in stock")
    column = reader.nouns.column(field) if field else None
    if column is None or column.family != "number":
        return None
    return reader.with_filter(rows, Filter(field, "=", (0,)))


@clause_of(
    ASSORTMENT,
    rf"{CONN}(?:<be>|have |has )?(?:dropped |fallen |down )?(?:to )?(?:(at or below|below|at or under|under|beneath) )?"
    r"(?:their |its )?C(?: (or below|or less|or lower))?",
)
def _below_its_level(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "At or below their reorder level": the stock is, which is not said."""
    level = next(reader.thing(group).name for group in groups if re.fullmatch(r"C\d+", group))
    stock = reader.nouns.named("units in stock")
    said = [group for group in groups if not re.fullmatch(r"C\d+", group)]
    if not stock or level != reader.nouns.named("reorder level") or len(said) != 1:
        return None
    sign = "<" if said[0] in ("below", "under", "beneath") else "<="
    if not _is_the_rule(reader, rows, stock, sign, level):
        return None
    held = reader.with_filter(rows, Filter(stock, sign, other=level))  # type: ignore[arg-type]
    return replace(held, beside=(*held.beside, stock, level)) if held else None


def _is_the_rule(reader: Reader, rows: Rows, first: str, sign: str, second: str) -> bool:
    """Whether no metric compares the two columns in another way than the rows asked for do altogether."""
    layer = reader.known.layer
    said = {f"{first} {sign} {second}"}
    for kind in rows.kinds:
        said |= _tests(layer.metric(kind).filter, layer.dialect)
    for item in rows.filters:
        field = item.field if "." in item.field else layer.dimension(item.field).expression
        said |= {f"{field} {item.op} {value}" for value in item.values}
    rules = [_tests(metric.filter, layer.dialect) for metric in layer.metrics if metric.filter]
    return all(rule <= said for rule in rules if any(first in test and second in test for test in rule))


def _tests(condition: str, dialect: str) -> set[str]:
    """The tests of a condition that must all hold, as text."""
    tree = parse_one(condition, dialect=dialect)
    return {part.sql() for part in (tree.flatten() if isinstance(tree, exp.And) else [tree])}
