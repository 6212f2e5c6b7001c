"""Which place somebody takes: "where does X rank among our customers by revenue", "what number is X in sales"."""

from __future__ import annotations

import re

from memory.compiler import SemanticQuery
from memory.compiler.query import Order
from memory.intent.distinct import Answer
from memory.intent.nouns import nouns_of
from memory.intent.rows import Reader
from memory.intent.sentence import pattern

__all__ = ["STANDING"]


def _place(reader: Reader, match: re.Match[str]) -> SemanticQuery | None:
    """The place of the one that is named, among all of its kind."""
    known, nouns = reader.known, reader.nouns
    groups = [group for group in match.groups() if group]
    value = next(group for group in groups if group[0] == "V")
    found = reader.matches(value, lambda held: nouns.label in (held.dimension, held.target))
    measure = next(group for group in reversed(groups) if group[0] in "MF")
    named = reader.thing(measure).name
    metric = named if measure[0] == "M" else nouns_of(named, known).count
    things = [reader.thing(group) for group in groups if group[0] == "E"]
    window = reader.window(groups)
    if found.op != "=" or any(not thing.plural for thing in things):
        return None
    if not known.combinable(metric, nouns.label) or known.crosses(metric, nouns.label):
        return None
    if not known.is_welcome(metric) or (window and not known.compiler.timed(metric)):
        return None  # the first by late rate: the best or the worst?
    order: Order = "asc" if re.search(r"\b(?:lowest|fewest|smallest) first", match[0]) else "desc"
    return SemanticQuery((metric,), (nouns.label,), window=window, order=order, compare=found.values, pattern="place")


_BY = r"(?: ,)? (?:by|in terms of|in|on|for|when it comes to|according to|measured by|going by)"
_WHAT = rf"{_BY}(?: P)? (?:(?:total|number of) )?(?:M|F)(?: (?:in|during|for|over|of) P| P)?"
_AMONG = r"(?: (?:among|amongst|within|compared with|against|of|between)(?: all)? E)?"
_WHEN = r"(?: (?:in|during|for) P)?"
STANDING: tuple[tuple[re.Pattern[str], Answer], ...] = tuple(
    (pattern(form), _place)
    for form in (
        rf"(?:where|how|what place|at which place|in which place|on which place) (?:does|did|is|was) (?:E )?V"
        rf" (?:rank|ranked|stand|come|place|placed|sit|positioned){_AMONG}{_WHEN}{_WHAT}",
        rf"(?:where|how|what place) (?:does|did|is|was) (?:E )?V (?:rank|ranked|stand|come){_WHAT}{_AMONG}{_WHEN}",
        rf"(?:what|which) (?:is )?(?:rank|place|position|ranking)(?: (?:is|was|does|did|of|for))? (?:E )?V"
        rf"(?: (?:have|hold|take|in|at))?{_AMONG}{_WHAT}",
        rf"(?:what is |show )?(?:E )?V (?:rank|ranking|place|position){_AMONG}{_WHEN}{_WHAT}{_AMONG}",
        rf"(?:what is |show )?(?:rank|ranking|place|position) of (?:E )?V{_AMONG}{_WHEN}{_WHAT}{_AMONG}",
    )
)
