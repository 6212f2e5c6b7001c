"""What comes together with one thing: "which product is most often bought with X"."""

from __future__ import annotations

import re

from memory.compiler import SemanticQuery
from memory.intent.distinct import Answer
from memory.intent.rows import Reader
from memory.intent.sentence import pattern

__all__ = ["COMPANIONS"]


def _with_it(reader: Reader, match: re.Match[str]) -> SemanticQuery | None:
    """The things that stand most often on the same event as the one that is named."""
    known, nouns = reader.known, reader.nouns
    value = next(group for group in match.groups() if group and group[0] == "V")
    found = reader.matches(value, lambda held: nouns.label in (held.dimension, held.target))
    events = known.layer.entity_of(reader.events) if reader.events else None
    if found.op != "=" or events is None or known.linker.joins.between(reader.table, reader.events):
        return None  # customers place orders, products stand on them
    others = [reader.thing(group) for group in match.groups() if group and group[0] == "F"]
    if any(thing.name != events.id for thing in others) or not known.is_many(events.table, reader.table):
        return None
    things = [reader.thing(group) for group in match.groups() if group and group[0] == "E"]
    numbers = [reader.thing(group).numbers[0] for group in match.groups() if group and group[0] == "N"]
    number = numbers[0] if numbers else 1
    if not isinstance(number, int) or any(thing.plural != (number > 1) for thing in things):
        return None
    return SemanticQuery(
        (), (nouns.label,), window=reader.window([group for group in match.groups() if group]), order="desc",
        limit=number, compare=found.values, pattern="pairs", entity=events.id,
    )  # fmt: skip


_MOST = "(?:most often|most frequently|most commonly)"
_ENDS = "(?:ends? up|appears?|turns? up|shows? up|comes? up|lands?|sits?|(?:is|are) (?:found|seen|bought|ordered|sold))"
_BOUGHT = "(?:bought|ordered|purchased|sold|combined|paired)"
_WHEN = r"(?: (?:in|during|over) P)?"
COMPANIONS: tuple[tuple[re.Pattern[str], Answer], ...] = tuple(
    (pattern(form), _with_it)
    for form in (
        rf"(?:which|what) (?:N )?E {_MOST} {_ENDS} (?:together )?(?:on|in) same F (?:as|with) (?:E )?V{_WHEN}",
        rf"(?:which|what) (?:N )?E {_ENDS} {_MOST} (?:together )?(?:on|in) same F (?:as|with) (?:E )?V{_WHEN}",
        rf"(?:which|what) (?:N )?E (?:is|are|gets?) {_MOST} {_BOUGHT} (?:together )?(?:with|alongside) (?:E )?V{_WHEN}",
        rf"(?:which|what) (?:N )?E (?:is|are|gets?) {_BOUGHT} (?:together )?{_MOST} (?:with|alongside) (?:E )?V{_WHEN}",
        rf"E {_MOST} {_BOUGHT} (?:together )?(?:with|alongside) (?:E )?V{_WHEN}",
    )
)
