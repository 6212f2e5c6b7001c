"""Other ways to say what the grammar has one way for, tried where a question is not read as it stands.

A manager announces a question, tells why it is asked, speaks of a supplier first and of "their products" then, or says
"the month right before it" for the month before. Each rule here puts such words into those that the rest of the package
knows, and keeps everything that could change the answer: what is named stays named, and a sentence is only left out
where it names no value, period, number or metric that the question does not name again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from memory.intent.asides import ASIDES
from memory.intent.deeds import with_deeds
from memory.intent.everyday_words import EVERYDAY
from memory.intent.frames import FRAMES
from memory.intent.known import Known
from memory.intent.layer_words import with_nouns
from memory.intent.rephrased_shapes import RESHAPED
from memory.intent.rephrased_words import REWRITTEN
from memory.intent.wrapping import unwrapped
from memory.periods import find_periods

__all__ = ["ways_to_say"]

_ANNOUNCED = re.compile(r"\s*(?P<head>[^:.?!\d]{2,120}?)(?P<sign>:|\.|!|\?| - | – )\s+(?=\S)")
_ASKING = re.compile(
    r"\b(?:which|what|who|whom|whose|how|when|where|list|show|per|each|every|not|never|no|without|except|only|top"
    r"|percent|percentage|growth|change|share|ratio|rate|year|month|quarter|number|total|sum|average|count|most|least|highest|lowest)\b|n['’]t\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"(?:in |on |by |from |of |for |at |to )?(?:which|what|who|whose|how|when|where|list|show|name|give|tell|for each"
    r"|each|every|find|i['’]d like|i (?:want|need|would like)|please|can you|could you)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(
    r"\b(?:is|are|am|was|were|has|calls|called|wants|wanted|asks|asked|phoned|rang)\b", re.IGNORECASE
)
"""What no heading has."""
_REQUEST = re.compile(
    r".*\b(?:grateful|obliged|kind|appreciate it|thankful)\b.*?\b(?:tell|show|give|let) (?:me|us)(?: know)?,?\s+"
    r"(?=(?:\w+,? ){0,2}?(?:which|what|who|how|the|when|where)\b)",
    re.IGNORECASE | re.DOTALL,
)
_GREETING = re.compile(r"\s*(?:good (?:morning|afternoon|evening|day)|dear\b|hello|hi\b)", re.IGNORECASE)
_LEADING = re.compile(
    r"(?P<link>in|during|for|over|throughout|from|since|within)? ?(?P<said>[^,.;:?!]{2,40}), (?=\w)", re.IGNORECASE
)
_THEY = re.compile(r"\b(?:they|them|these people)\b", re.IGNORECASE)
_THEIR = re.compile(r"\btheir\b", re.IGNORECASE)
_PERSONAL = re.compile(r"\b(?:his|her|its)\b(?! (?:supplier|customer)s?\b)", re.IGNORECASE)
_EACH = re.compile(r"\b(?:each|every) (\w+)", re.IGNORECASE)
_COMPILED = tuple((re.compile(form, re.IGNORECASE), text) for form, text in (*FRAMES, *ASIDES, *RESHAPED, *REWRITTEN))
_EVERYDAY = tuple((re.compile(form, re.IGNORECASE), text) for form, text in EVERYDAY)


def ways_to_say(question: str, known: Known) -> Iterator[str]:
    """The question, and then what else it can be said as; each once."""
    yield question
    seen = {question}
    plain = _period_last(unwrapped(_without_letter(question, known)).strip(), known)
    texts = (plain, *_without_announcement(plain, known))
    for said in (*map(_reworded, texts), *(_reworded(_in_plain_words(text)) for text in texts)):
        for told in (said, *_with_nouns(said, known)):
            if told and told not in seen:
                seen.add(told)
                yield told


def _with_nouns(text: str, known: Known) -> Iterator[str]:
    """The nouns of the layer for what they are said with: "children" are members, of whom what is told is told."""
    named = list(with_nouns(text, known))
    for said in named or [text]:
        if said != text:
            yield said
        yield from with_deeds(said, known)


def _in_plain_words(text: str) -> str:
    for form, plain in _EVERYDAY:
        text = form.sub(plain, text)
    return " ".join(text.split())


def _reworded(text: str) -> str:
    for form, plain in _COMPILED:
        text = form.sub(plain, text)
    for noun in _EACH.findall(text):  # "for each rep, who is the best customer with that rep"
        text = re.sub(rf"\s(?:with|for|in|of|from|by|to) (?:that|this|the same) {noun}\b", "", text)
    return re.sub(r"\s+(?=[,.?!;:])|(?<=\s)\s+", "", text).strip(" ,;")


def _period_last(text: str, known: Known) -> str:
    """ "During 2023, how do ..." as "how do ... during 2023"."""
    ahead = _LEADING.match(text)
    if ahead is None or not ahead["said"].strip():
        return text
    said = f"{ahead['link']} {ahead['said']}".strip()
    [*periods] = find_periods(said, known.layer.today())
    whole = len(periods) == 1 and not said[periods[0].last :].strip() and len(said[: periods[0].first].split()) <= 1
    rest = text[ahead.end() :]
    if not whole or find_periods(rest, known.layer.today()):
        return text
    body, sign = rest.rstrip(" .?!"), rest.rstrip()[-1:]
    return f"{body} {said}{sign if sign in '.?!' else ''}"


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
        if named and (match["sign"] != ":" or _SENTENCE.search(match["head"])) and _QUESTION.match(rest):
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
