"""Which of two readings the words of a question settle: whose column, what is the part of what, what is left open.

Some of these turn one reading into another; the rest say that a question leaves open which is meant, and is not read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from memory.compiler import SemanticQuery
from memory.intent.items import Item
from memory.intent.known import Known
from memory.intent.parts import Parts
from memory.lexical import STOP_WORDS, identifier_words, stems, tokenize

__all__ = ["is_left_open", "is_of_each_row", "is_the_part", "own_column"]

_MADE_UP = re.compile(r"\b(?P<verb>did|does|do)\b.*\b(?:make up|account for|represent|contribute)\b", re.IGNORECASE)
_IS_PART = re.compile(
    r"\b(?:share|percentage|percent|proportion|portion|fraction|part|%) of\b.*?"
    r"\b(?P<verb>is|are|was|were|comes?|came|go|goes|went)\b",
    re.IGNORECASE,
)
_WHAT_THEY_BOUGHT = re.compile(
    r"\b(?:list|show|name|tell|give|say)(?: me| us)? what \w.*?\b(?:ordered|bought|purchased|sold)\b", re.IGNORECASE
)
_BY_ALL = re.compile(r"\b(?:sold|bought|ordered|purchased|supplied|handled) by all\b", re.IGNORECASE)
_THEIR_PURCHASES = re.compile(r"(?:['’]s?|\b(?:whose|their|his|her|its))(?: \d{4})? purchases\b", re.IGNORECASE)


def is_the_part(parts: Parts) -> bool:
    """Whether a value is what makes up the share of each group, and not what all the groups are of.

    "What share of each country's sales was Beverages", but "what share of the sales of Beverages was ...".
    """
    verb = _MADE_UP.search(parts.question) or _IS_PART.search(parts.question)
    value = min((item.start for item in parts.said if item.code == "V"), default=0)
    if verb is None or value < verb.start("verb"):
        return False
    return verb.re is _MADE_UP or all(group.start < verb.start("verb") for group in parts.groups)


def own_column(group: Item, metrics: Sequence[str], known: Known) -> str:
    """The group's field, or the column of the same name that the very things counted have.

    The contact title that the layer knows is a customer's, but "suppliers by the title of their contact" have their
    own. A short name of which the layer knows one for either ("staff by country") stays what it is.
    """
    [metric, *others] = metrics
    if others or known.compiler.timed(metric) or not known.crosses(metric, group.name):
        return group.name
    own = known.own_column_like(known.compiler.base(metric), group.name)
    said = {token.stem for token in tokenize(group.surface) if token.folded not in STOP_WORDS}
    named = said <= set(stems(identifier_words(own.rpartition(".")[2])))
    return own if own and named and not known.dimension_of(own) else group.name


def is_of_each_row(metric: str, counted: str, known: Known) -> bool:
    """Whether a metric is an average of the very rows that another counts one by one: the days an order took."""
    if not known.counted_by(counted) or known.compiler.additive(metric) or known.compiler.two_grained(metric):
        return False
    return known.compiler.base(metric) == known.compiler.base(counted)


def is_left_open(question: str, query: SemanticQuery, known: Known) -> bool:
    """Whether the question could as well mean something that the query does not answer."""
    if query.pattern == "list" and _WHAT_THEY_BOUGHT.search(question):
        return True  # what they ordered, and not who
    if query.pattern == "breakdown" and _BY_ALL.search(question):
        return True  # by each of them, or by every one?
    if known.orders in query.metrics and _THEIR_PURCHASES.search(question):
        return True  # how often they bought, or for how much?
    # "Our sales representatives": all of our people, or those of that job title?
    return not query.dimensions and any(known.names_a_value(words) for words in _names_of_things(question, known))


def _names_of_things(question: str, known: Known) -> list[str]:
    """The words that name a thing."""
    mentions = known.link(question).mentions
    return [question[mention.start : mention.end] for mention in mentions if mention.kind != "metric"]
