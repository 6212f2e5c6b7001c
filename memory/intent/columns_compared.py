"""Clauses that compare two columns of a row: stock below the reorder level, shipped after the required date.

Where a metric compares the same two columns in another way, or with something more, the business has a rule of its own
for them ("to reorder" leaves out what is discontinued), and which of the two is meant cannot be told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlglot import exp, parse_one

from memory.compiler import Filter
from memory.intent.known import NotUnderstood
from memory.intent.rows import CONN, Clause, Reader, Rows, clause_of, verb_stem

__all__ = ["COLUMNS_COMPARED"]

COLUMNS_COMPARED: list[Clause] = []

_SIGNS: tuple[tuple[str, str], ...] = (
    ("at or below|at or under|at most|no more than|not above|on or before|no later than|by", "<="),
    ("at or above|at least|no less than|not below|on or after|no earlier than", ">="),
    ("below|under|less than|fewer than|lower than|smaller than|before|earlier than|ahead of|fewer|less", "<"),
    ("above|over|more than|greater than|higher than|larger than|exceeding|exceeds?|after|later than|past|more", ">"),
)
_SIGN = "|".join(words for words, _ in _SIGNS)
_EQUAL = {exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}


@clause_of(
    COLUMNS_COMPARED,
    rf"{CONN}(?:with|whose|where|having|have|has)? ?(?:a )?C (?:(?:is|are|was|were|has been|have been) )?({_SIGN}) "
    r"(?:their |its )?(?:own )?C",
    r"(?:with|having|have|has) (fewer|less|more) C than (?:their |its )?C",
)
def _one_and_other(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With stock below the reorder level"."""
    first, second = (reader.thing(group).name for group in groups if re.fullmatch(r"C\d+", group))
    sign = next(group for group in groups if not re.fullmatch(r"C\d+", group))
    return _compared(reader, rows, first, sign, second)


@clause_of(
    COLUMNS_COMPARED,
    rf"{CONN}<be>([a-z]+) ({_SIGN}) (?:their |its )?C",
    rf"{CONN}<be>([a-z]+) (before|after|later than|earlier than) (?:they were |it was |they are |being )?([a-z]+)",
)
def _done_before(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Shipped after the required date", "shipped later than required"."""
    first = reader.nouns.day_of(verb_stem(groups[0]))
    letter = groups[2]
    second = reader.thing(letter).name if re.fullmatch(r"C\d+", letter) else reader.nouns.day_of(verb_stem(letter))
    return _compared(reader, rows, first, groups[1], second)


def _compared(reader: Reader, rows: Rows, first: str, said: str, second: str) -> Rows | None:
    sign = next(sign for words, sign in _SIGNS if re.fullmatch(words, said))
    columns = [reader.nouns.column(field) if field else None for field in (first, second)]
    if columns[0] is None or columns[1] is None or first == second:
        return None
    if columns[0].family != columns[1].family or columns[0].family not in ("number", "date"):
        return None
    if _has_a_rule(reader, first, sign, second):
        raise NotUnderstood
    return reader.with_filter(rows, Filter(first, sign, other=second))  # type: ignore[arg-type]


def _has_a_rule(reader: Reader, first: str, sign: str, second: str) -> bool:
    """Whether a metric compares the two columns otherwise than it is said."""
    for metric in reader.known.layer.metrics:
        condition = parse_one(metric.filter, dialect=reader.known.layer.dialect) if metric.filter else None
        for test in condition.find_all(*_EQUAL) if condition is not None else ():
            sides = tuple(side.sql() for side in (test.this, test.expression))
            said = (test is condition) and sides == (first, second) and _EQUAL[type(test)] == sign
            if set(sides) == {first, second} and not said and not _is_other(sides, first, sign, type(test)):
                return True
    return False


def _is_other(sides: Sequence[str], first: str, sign: str, test: type[exp.Binary]) -> bool:
    """Whether it is the opposite that is said: before, where the rule is about after."""
    turned = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
    kept = _EQUAL[test] if sides[0] == first else turned[_EQUAL[test]]
    return sign[0] != kept[0]
