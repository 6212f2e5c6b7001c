"""A metric of some of its rows: the freight of late orders, the stock value of discontinued products, order 10250.

The name of a metric that counts some rows of a table ("open orders") says, behind another metric, which rows that one
is of; a number behind the name of a numbered thing is what one of them is called by. Both become plain filters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlglot import exp, parse_one

from memory.compiler import Filter
from memory.intent.items import Item
from memory.intent.known import Known, NotUnderstood
from memory.intent.nouns import nouns_of
from memory.intent.parts import Parts, take
from memory.intent.words import DAYS_OF_WEEK
from memory.lexical import tokenize
from memory.values import ValueMatch

__all__ = ["NUMBER", "conditions_of", "numbered", "take_kinds"]

NUMBER = "number"
"""The name of a value that is one."""
_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "!=", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<=",
}  # fmt: skip
_TURNED = re.compile(r"\b(?:not|never)\b", re.IGNORECASE)
_NUMBERED = re.compile(r"\b(?:no|number|nr|id)\b|#", re.IGNORECASE)


def numbered(items: Sequence[Item], question: str, known: Known) -> list[Item]:
    """The items with "order 10250" and "order no. 10250" as the value that a numbered thing is called by."""
    found: list[Item] = []
    for item in items:
        thing = found[-1] if found else None
        if item.code != "N" or thing is None or thing.code not in "DM" or item.name or not item.number.is_integer():
            found.append(item)
            continue
        field = _called_by(thing, known)
        between = _NUMBERED.sub("", question[thing.end : item.start])
        if not field or thing.plural or between.strip(" .:"):
            found.append(item)
            continue
        table, _, column = field.partition(".")
        value = ValueMatch(question[thing.start : item.end], table, column, str(int(item.number)),
                           known.dimension_of(field), start=thing.start, end=item.end)  # fmt: skip
        found[-1] = Item("V", value.surface, thing.start, item.end, NUMBER, values=(value,))
    return found


def _called_by(thing: Item, known: Known) -> str:
    """The number column that the thing's rows are called by, "" where they are called by no number."""
    for entity in known.layer.entities:
        nouns = nouns_of(entity.id, known)
        field = f"{entity.table}.{entity.label}"
        named = thing.entity == entity.id or (bool(thing.name) and thing.name == known.dimension_of(field))
        if known.layer.entity_of(entity.table) == entity and nouns.is_numbered and named:
            return field
    return ""


def take_kinds(parts: Parts, known: Known) -> None:
    """Take the names of kinds of rows behind a metric out, as conditions on what the metric is of."""
    take(parts, r"(?<=M)[.,]?p?(?:[hz])?M(?!M)", lambda items: _of_kind(parts, items, known))
    take(parts, r"[zy]?ε", lambda items: _on_days(parts, items[-1], known))


def _on_days(parts: Parts, item: Item, known: Known) -> bool:
    """ "Revenue on weekends": of what happened on these days of the week."""
    names = {item.metric or item.name for item in parts.items if item.code == "M" or item.metric}
    times = {known.compiler.time(name) for name in names}
    words = re.sub(r"^(?:on|at|during|over) (?:a |the |any )?", "", item.surface.lower()).replace("week day", "weekday")
    days = DAYS_OF_WEEK[words.removesuffix("s")]
    if len(times) != 1 or not (time := times.pop()):
        return False
    parts.kinds += (Filter(f"weekday:{time}", "in" if len(days) > 1 else "=", days),)
    return True


def _of_kind(parts: Parts, items: Sequence[Item], known: Known) -> bool:
    kind = items[-1]
    heads = [item for item in parts.items if item.code == "M" and item is not kind]
    metric, counted = known.defined(heads[0].name), known.defined(kind.name)
    linked = any(item.code == "p" and item.surface.lower() in ("of", "for", "on", "in", "from") for item in items)
    if len(heads) != 1 or not linked or metric is None or counted is None or not counted.filter:
        return False
    if not kind.plural or not known.is_count(kind.name) or metric.numerator:
        return False
    if tokenize(kind.surface)[-1].is_participle and not _TURNED.search(kind.surface):
        return False  # "orders shipped": those that have left, or what is done with all of them?
    if (metric.base, metric.filter) == (counted.base, counted.filter):
        found: tuple[Filter, ...] = ()
    elif metric.filter or known.compiler.crosses(metric.id, conditions_of(counted.filter, known)[0].field):
        return False
    else:
        found = conditions_of(counted.filter, known)
    parts.kinds += found
    parts.forget(kind)
    return True


def conditions_of(condition: str, known: Known) -> tuple[Filter, ...]:
    """A condition of the layer as filters.

    Raises:
        NotUnderstood: it is more than comparisons of columns with values and other columns.
    """
    tree = parse_one(condition, dialect=known.layer.dialect)
    return tuple(_filter(test) for test in (tree.flatten() if isinstance(tree, exp.And) else [tree]))


def _filter(test: exp.Expr) -> Filter:
    turned = isinstance(test, exp.Not)
    inner = test.this if turned else test
    if isinstance(inner, exp.Is) and isinstance(inner.this, exp.Column) and isinstance(inner.expression, exp.Null):
        return Filter(_column(inner.this), "is not null" if turned else "is null")
    operator = _OPERATORS.get(type(inner))
    if turned or operator is None or not isinstance(inner.this, exp.Column):
        raise NotUnderstood
    op: Any = operator
    if isinstance(inner.expression, exp.Column):
        return Filter(_column(inner.this), op, other=_column(inner.expression))
    if not isinstance(inner.expression, exp.Literal):
        raise NotUnderstood
    value = inner.expression.to_py()
    return Filter(_column(inner.this), op, (value if isinstance(value, str | int) else float(value),))


def _column(column: exp.Column) -> str:
    return f"{column.table}.{column.name}"
