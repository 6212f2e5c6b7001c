"""What belongs to the one that comes first by a metric: "the phone number of the customer with the most revenue".

The row is found by ranking, so the answer is a breakdown by what the row is called by and by the attributes asked for,
of which the first is kept; the number that put it there stands beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from memory.compiler import SemanticQuery, TimeWindow
from memory.compiler.query import Order
from memory.intent.arrangement import LEAST, MOST
from memory.intent.known import NotUnderstood
from memory.intent.nouns import nouns_of
from memory.intent.rows import VERBS, Reader
from memory.intent.sentence import pattern
from memory.joins import NoJoinPath
from memory.lexical import stems

__all__ = ["leaders"]

_DID = (
    rf"(?:{VERBS}|has|had|brought in|brought|spent|earned|generated|wrote|booked|made|won|does|did|is on|has made"
    r"|has sold|has brought in|has earned|gave away|gave|granted|paid|received|got|took in|bought|booked)"
)
_FOR_US = "(?: (?:in|for|through|us))?"
_WHAT = f"({MOST}|{LEAST})(?: number of| total| amount of)?"
_OF_WHAT = r"(?:(M)|((?:[a-z]+ )?F))(?: F)?"
_WHEN = r"(?: (?:in|during|for|over|of) P| P| over all years| of all time| ever| overall)?"
_LEADER = (
    rf"E (?:with|that has|who has|(?:that|who|which) {_DID}{_FOR_US}|whose F {_DID}{_FOR_US}|on whose F we made)"
    rf" {_WHAT} {_OF_WHAT}{_WHEN}"
)
_FIRST = (
    rf"(?:number one|number N\d+|no N\d+|(?:top|best|biggest|largest|leading)(?: N)?|top selling|best selling) E"
    rf"(?: (?:of|in|for|during) P)?(?: ,)? (?:by|in|for|in terms of|measured by)(?: all"
    rf" time)? {_OF_WHAT}{_WHEN}"
)
_IS = "(?:(?:what|which|who) (?:is|are|was|were) |(?:what|which) )?"
_BESIDE = (
    r"(?:(?: ,| \.)?(?: and| with)?(?: (?:tell|show|give|add|include))? (?:how many|how much|how many (?:was|were)"
    r" (?:it|there|that)"
    r"|how (?:much|many) (?:did|has|have|was|were) (?:it|they|he|she|that)(?: [a-z]+){0,2}|how many were [a-z]+"
    r"|how many K"
    r"|(?:what|which) (?:is|was) E called|(?:its |their )?(?:L|M)(?: and M)?))*"
)
_ASKED = (
    r"(?:which C is it in|where is it|who is C(?: there)?|what is (?:its|their|his|her) C|C|which C|which F (?:is"
    r" it|took it|placed it)"
    r"|who (?:is|was) F|which F)"
)
_MAKES = rf"(?:is |was |that )?(?:{VERBS}|makes|places|handles|behind|for|of)(?: by)?"
_FORMS = tuple(
    pattern(form)
    for form in (
        rf"{_IS}L (?:of|at|for|from) {_LEADER}{_BESIDE}",
        rf"{_IS}L (?:of|at|for|from) {_FIRST}{_BESIDE}",
        rf"{_FIRST} , {_ASKED}(?: ,)?(?: and {_ASKED})?",
        rf"(?:(?:which|who|what) (?:is|was) )?{_FIRST}(?: ,)? (?:and|with) (?:its|their|his|her) L",
        rf"(?:(?:which|who|what) (?:is|was) )?{_LEADER}(?: ,)? (?:and|with) (?:its|their|his|her) L",
        rf"(?:which|what|who is) F {_MAKES} (?:{_LEADER}|{_FIRST})",
        rf"F (?:behind|of) (?:{_LEADER}|{_FIRST})",
        rf"(?:in |from |at |to )?(?:which|what) [CF] (?:is|are|does|do) (?:{_LEADER}|{_FIRST})"
        r"(?: (?:in|from|at|based in|located in|come from|belong to|part of|have))?",
        rf"(?:which|who is|what is) {_LEADER} , and {_ASKED}",
        rf"(?:(?:which|who is|what is) )?{_LEADER} , {_ASKED}(?: ,)?(?: and {_ASKED})?",
    )
)


def leaders(reader: Reader, start: int) -> Iterator[SemanticQuery]:
    """Every query about what belongs to the first by a metric that the whole line is."""
    for form in _FORMS:
        match = form.fullmatch(reader.sentence.text, start)
        if match:
            try:
                found = _of_the_first(reader, [group for group in match.groups() if group], match[0])
            except (NotUnderstood, NoJoinPath, KeyError):
                continue
            if found is not None:
                yield found


def _of_the_first(reader: Reader, groups: Sequence[str], text: str) -> SemanticQuery | None:
    thing, measure, metric = _ranked(reader, text)
    whose = re.search(r"whose (F\d+)", text)
    fields = _fields(reader, text, measure, whose[1] if whose else "")
    several = re.search(r"(?:top|best|biggest|largest|leading) (N\d+) E", text)
    limit = reader.thing(several[1]).numbers[0] if several else 1
    if not isinstance(limit, int) or reader.thing(thing).plural != (limit > 1):
        return None
    if fields is None or (whose and not reader.thing(whose[1]).plural):
        return None
    if not re.search(rf"\b(?:{MOST}|{LEAST})\b", text) and not reader.known.is_welcome(metric):
        return None  # the best by late rate: the one with the lowest
    window: TimeWindow | None = reader.window(groups)
    dimensions = tuple(dict.fromkeys([*fields, reader.nouns.label]))
    known, named = reader.known, [group for group in groups if re.fullmatch(r"M\d+", group)]
    if (
        not all(known.combinable(metric, field) and not known.crosses(metric, field) for field in dimensions)
        or any(reader.thing(group).name != metric for group in named)
        or (window and not known.compiler.timed(metric))
    ):
        return None
    order: Order = "asc" if re.search(rf"\b(?:{LEAST})\b", text) else "desc"
    return SemanticQuery((metric,), dimensions, window=window, order=order, limit=limit)


def _ranked(reader: Reader, text: str) -> tuple[str, str, str]:
    """The letters of the thing and of what it comes first by, and that metric's id.

    Raises:
        NotUnderstood: the line does not say by what.
    """
    at = re.search(r"(E\d+)(?: (?:of|in|for|during) P\d+)?(?: ,)? (?:with|that|who|which|whose|on whose|by|in|for"
                   r"|measured by)(?= )", text)  # fmt: skip
    ranked = at and re.search(
        rf"(?:{MOST}|{LEAST}|by|in|for|of)(?: number of| total| amount of| all time)? ((?:[a-z]+ )?[MF]\d+)",
        text[at.start() :],
    )
    if at is None or ranked is None:
        raise NotUnderstood
    kind, _, measure = ranked[1].rpartition(" ")
    metric = reader.thing(measure).name
    if measure[0] == "F":
        nouns = nouns_of(metric, reader.known)
        metric = nouns.kinds[stems(kind)] if kind else nouns.count
    return at[1], measure, metric


def _fields(reader: Reader, text: str, measure: str, whose: str) -> list[str] | None:
    """The attributes asked for, without the thing itself; None where one of them is no attribute of it."""
    found: list[str] = []
    for letter in re.findall(r"\b[CF]\d+", text):
        if letter in (measure, whose):
            continue
        field = reader.field_of(letter)
        if field == reader.nouns.label:
            continue
        if reader.is_far(field):
            return None
        found.append(field)
    return found
