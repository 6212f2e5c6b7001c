"""Other ways to say what the grammar has one way for, tried where a question is not read as it stands.

A manager announces a question, tells why it is asked, speaks of a supplier first and of "their products" then, or says
"the month right before it" for the month before. Each rule here puts such words into those that the rest of the package
knows, and keeps everything that could change the answer: what is named stays named, and a sentence is only left out
where it names no value, period, number or metric that the question does not name again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from memory.intent.known import Known
from memory.intent.rephrased_shapes import RESHAPED
from memory.intent.rephrased_words import REWRITTEN
from memory.periods import find_periods

__all__ = ["ways_to_say"]

_ANNOUNCED = re.compile(r"\s*(?P<head>[^:.?!\d]{3,120}?)(?P<sign>:|\.|!|\?| - | – )\s+(?=\S)")
_ASKING = re.compile(
    r"\b(?:which|what|who|whom|whose|how|when|where|list|show|per|each|every|not|never|no|without|except|only|top"
    r"|percent|percentage|growth|change|share|ratio|rate|year|month|quarter|number|total|sum|average|count|most|least|highest|lowest)\b|n['’]t\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"(?:in |on |by |from |of |for |at |to )?(?:which|what|who|whose|how|when|where|list|show|name|give|tell|for each"
    r"|each|every|find)\b",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r".*\b(?:grateful|obliged|kind|appreciate it|thankful)\b.*?\b(?:tell|show|give|let) (?:me|us)(?: know)?,?\s+"
    r"(?=(?:\w+,? ){0,2}?(?:which|what|who|how|the|when|where)\b)",
    re.IGNORECASE | re.DOTALL,
)
_GREETING = re.compile(r"\s*(?:good (?:morning|afternoon|evening|day)|dear\b|hello|hi\b)", re.IGNORECASE)
_THEY = re.compile(r"\b(?:they|them|these people)\b", re.IGNORECASE)
_THEIR = re.compile(r"\btheir\b", re.IGNORECASE)
_PERSONAL = re.compile(r"\b(?:his|her|its)\b(?! (?:supplier|customer)s?\b)", re.IGNORECASE)
_EACH = re.compile(r"\b(?:each|every) (\w+)", re.IGNORECASE)
_COMPILED = tuple((re.compile(form, re.IGNORECASE), text) for form, text in (*RESHAPED, *REWRITTEN))


def ways_to_say(question: str, known: Known) -> Iterator[str]:
    """The question, and then what else it can be said as; each once."""
    yield question
    seen = {question}
    plain = _without_letter(question, known)
    for said in (_reworded(plain), *(_reworded(text) for text in _without_announcement(plain, known))):
        if said and said not in seen:
            seen.add(said)
            yield said


def _reworded(text: str) -> str:
    for form, plain in _COMPILED:
        text = form.sub(plain, text)
    for noun in _EACH.findall(text):  # "for each rep, who is the best customer with that rep"
        text = re.sub(rf"\s(?:with|for|in|of|from|by|to) (?:that|this|the same) {noun}\b", "", text)
    return re.sub(r"\s+(?=[,.?!;:])|(?<=\s)\s+", "", text).strip(" ,;")


def _without_letter(question: str, known: Known) -> str:
    """The request of a polite letter: "Good morning ... I would be most grateful if you could tell me ..."."""
    match = _REQUEST.match(question) if _GREETING.match(question) else None
    if match is None or not _names_nothing(question[: match.end()], question[match.end() :], known):
        return question
    return question[match.end() :]


def _without_announcement(question: str, known: Known) -> Iterator[str]:
    """The question without the words before it that only say what it is for; with whom it speaks of put in."""
    text = question
    for _ in range(2):
        match = _ANNOUNCED.match(text)
        if match is None:
            return
        asks = _ASKING.search(match["head"])
        if asks and (match["sign"] != "?" or known.linker.link(match["head"]).mentions):
            return
        rest = text[match.end() :]
        if _names_nothing(match["head"], rest, known):
            text = rest
            yield text
            continue
        named = _named_once(match["head"], known)
        if named and match["sign"] != ":" and _QUESTION.match(rest):
            yield from _with_name(rest, named)
        return


def _names_nothing(head: str, rest: str, known: Known) -> bool:
    """Whether the words name no value, period, number or metric that the rest does not name as well."""
    links, others = known.linker.link(head), known.linker.link(rest)
    values = {value.value for value in others.values}
    if find_periods(head, known.layer.today()) or re.search(r"\d", head) or links.columns:
        return False
    metrics = set(others.ids("metric"))
    things = {mention.id for mention in others.mentions}
    if not all(mention.id in things for mention in links.mentions):
        return False
    return all(value.value in values for value in links.values) and set(links.ids("metric")) <= metrics


def _named_once(head: str, known: Known) -> str:
    """The one thing that a sentence calls by its name, "" where there is none or it says more."""
    links = known.linker.link(head)
    spans = {(value.start, value.end) for value in links.values if {value.dimension, value.target} & known.labels}
    if len(spans) != 1 or len({(value.start, value.end) for value in links.values}) != 1 or links.ids("metric"):
        return ""
    [(start, end)] = spans
    return head[start:end]


def _with_name(rest: str, named: str) -> Iterator[str]:
    """The question with the name in the place of the pronoun."""
    if re.match(r"who(?: is|['’]s) (?:the|our) contact(?: person)?\b(?! at)", rest, re.IGNORECASE):
        yield re.sub(r"(?i)(who(?: is|['’]s) (?:the|our) contact(?: person)?)", rf"\1 at {named}", rest, count=1)
        return
    for pronoun, text in ((_THEIR, f"{named}'s"), (_THEY, named), (_PERSONAL, f"{named}'s")):
        if len(pronoun.findall(rest)) == 1:
            yield pronoun.sub(text, rest)
            return
