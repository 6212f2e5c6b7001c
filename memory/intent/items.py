"""A question as a row of items, each with a one-letter code: what the grammar of plain questions is written over.

Every word of the question ends in exactly one item, is silent, or makes the whole reading fail: an item the grammar
does not expect is how a question says something that is not understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from memory.intent.comparison_words import AVERAGE_CUE
from memory.intent.known import Known, NotUnderstood
from memory.intent.words import CODES, PATTERNS
from memory.lexical import Token, tokenize
from memory.linking import Links
from memory.meaning import NUMBER_WORDS, SILENT_WORDS
from memory.mentions import Mention
from memory.periods import PeriodMention, find_periods
from memory.values import ValueMatch

__all__ = ["Item", "read_items"]

_GAP = re.compile(r"[\s.?!\"“”‘’'`…]*(?:['’]s?)?[\s.?!\"“”‘’'`…]*")
_SEPARATORS = re.compile(r"[,:;()–—]|(?<=\s)-(?=\s)|&")
_SENTENCE_END = re.compile(r"[.?!]\s")
_MONEY = re.compile(r"[$€£]\s*$")
_YES_OR_NO = re.compile(r"\W*(?:is|are|was|were|did|does|do|has|have|had)\b(?! you\b)")
_ONE_OF_TWO = re.compile(r"\W*(?:did|does|do) .* or .* (?:have|has|had|get|make) (?:the )?(?:more|less|fewer|high|low)")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing said. The codes are drawn in `memory.intent.words`."""

    code: str
    surface: str
    start: int
    end: int
    name: str = ""
    """M: a metric's id. D: a dimension's id or `Table.Column`. g, a: a grain. n, ?: a stem. Else the code's word."""
    entity: str = ""
    """D: the entity of that name, if there is one."""
    table: str = ""
    """D: where it lives."""
    plural: bool = False
    metric: str = ""
    """D: the metric that goes by the same words, if there is one."""
    values: tuple[ValueMatch, ...] = ()
    """V: the columns the value may be meant in, best first."""
    period: PeriodMention | None = None
    number: float = 0


def read_items(question: str, known: Known) -> list[Item]:
    """The question's items in order, silent ones left out.

    Raises:
        NotUnderstood: two names cannot both be meant, a raw column is named, or a sign is not known.
    """
    lowered = question.lower()
    # "Above-average price": a price above the average, and not the metric Average Price.
    links = known.linker.link(AVERAGE_CUE.sub(lambda cue: " " * len(cue[0]), question))
    asked = _YES_OR_NO.match(lowered) and not _ONE_OF_TWO.match(lowered)
    if asked or links.columns or len(lowered) != len(question):
        raise NotUnderstood
    found = _with_phrases(lowered, _named(links, known, find_periods(question, known.layer.today())))
    words = [
        _word(token, question, known)
        for token in links.tokens
        if not any(item.start < token.end and token.start < item.end for item in found)
    ]
    return _separated(question, sorted([*found, *words], key=lambda item: item.start))


# -- what is named ----------------------------------------------------------------------------------------------------


def _named(links: Links, known: Known, periods: Sequence[PeriodMention]) -> list[Item]:
    """Periods, values, metrics and things."""
    found = [Item("P", period.surface, period.first, period.last, period=period) for period in periods]
    for span in dict.fromkeys((value.start, value.end) for value in links.values):
        if any(_overlap((item.start, item.end), span) for item in found):
            raise NotUnderstood
        found.append(_value(tuple(value for value in links.values if (value.start, value.end) == span)))
    by_span: dict[tuple[int, int], list[Mention]] = {}
    for mention in sorted(links.mentions, key=lambda mention: mention.kind != "metric"):
        by_span.setdefault((mention.start, mention.end), []).append(mention)
    for span, mentions in by_span.items():
        start, end = _free(span, found)
        tokens = [token for token in links.tokens if start <= token.start and token.end <= end]
        if tokens:
            found.append(_mentioned(mentions, tokens, links.question[start:end], known))
    return found


def _value(candidates: tuple[ValueMatch, ...]) -> Item:
    best = candidates[0]
    if len({value.value.casefold() for value in candidates}) > 1:
        raise NotUnderstood
    return Item("V", best.surface, best.start, best.end, values=candidates)


def _free(span: tuple[int, int], taken: Iterable[Item]) -> tuple[int, int]:
    """What of a mention's span is not taken by a value or a metric that shares a word with it."""
    start, end = span
    for item in taken:
        if _overlap((item.start, item.end), span):
            if item.code not in "VM":
                raise NotUnderstood
            start, end = (max(start, item.end), end) if item.start <= start else (start, min(end, item.start))
    return start, end


def _mentioned(mentions: Sequence[Mention], tokens: list[Token], surface: str, known: Known) -> Item:
    metrics = [mention.id for mention in mentions if mention.kind == "metric"]
    dimensions = [mention.id for mention in mentions if mention.kind == "dimension"]
    entities = [mention.id for mention in mentions if mention.kind == "entity"]
    if max(len(metrics), len(dimensions), len(entities)) > 1:
        raise NotUnderstood
    start, end = tokens[0].start, tokens[-1].end
    if metrics:
        return Item("M", surface, start, end, metrics[0], plural=any(token.is_plural for token in tokens))
    meant = tokenize(mentions[0].surface)
    if tokens[-1].is_participle and not any(token.is_participle for token in meant):
        return Item("z", surface, start, end)  # "ordered" names no order
    head = next((place for place, token in enumerate(tokens) if token.folded == "of"), len(tokens))
    plural = tokens[max(head, 1) - 1].is_plural
    thing = Item("D", surface, start, end, plural=plural, metric=known.homonym(tokens))
    if entities:
        return _entity(thing, entities[0], dimensions, known)
    return replace(thing, name=dimensions[0], table=known.layer.dimension(dimensions[0]).table)


def _entity(thing: Item, entity_id: str, dimensions: Sequence[str], known: Known) -> Item:
    """The thing as an entity; the rest of the question does not turn "products" into product categories."""
    layer, entity = known.layer, known.layer.entity(entity_id)
    if layer.entity_of(entity.table) != entity:
        if not thing.metric:
            raise NotUnderstood  # some of a table's rows: which, only the description says
        return thing
    name = known.linker.dimension_named(entity.name)
    if not name or known.table_of(name) != entity.table.casefold():
        if dimensions:
            return replace(thing, name=dimensions[0], table=layer.dimension(dimensions[0]).table)
        label = f"{entity.table}.{entity.label}"
        name = next((dimension.id for dimension in layer.dimensions if dimension.expression == label), label)
    return replace(thing, name=name, entity=entity.id, table=entity.table)


# -- the other words --------------------------------------------------------------------------------------------------


def _with_phrases(lowered: str, named: list[Item]) -> list[Item]:
    """What is named, and the set phrases; a phrase wins over a name inside it ("in descending order")."""
    found = list(named)
    for pattern, code, word in PATTERNS:
        for match in pattern.finditer(lowered):
            span = match.span()
            held = [item for item in found if _overlap((item.start, item.end), span)]
            inside = all(span[0] <= item.start and item.end <= span[1] and item.code in "DV" for item in held)
            # "over 2023" is no "more than".
            dated = code == "x" and any(item.code == "P" and 0 <= item.start - span[1] <= 2 for item in named)
            if (not held or (inside and code in ("", "O"))) and not dated:
                found = [item for item in found if item not in held]
                found.append(Item(code, match[0], *span, word))
    return found


def _word(token: Token, question: str, known: Known) -> Item:
    """A word that nothing names: a number, a word of the grammar, a silent one, or one still to be accounted for."""
    word, place = token.folded, (token.start, token.end)
    if token.is_number or word in NUMBER_WORDS:
        return _number(token, question)
    if token.respelt:
        raise NotUnderstood
    if word in CODES:
        code, meaning = CODES[word]
        return Item(code, token.text, *place, meaning, plural=token.is_plural)
    if word in SILENT_WORDS:
        return Item("", token.text, *place)
    return Item("n" if token.stem in known.attribute_nouns else "?", token.text, *place, token.stem)


def _number(token: Token, question: str) -> Item:
    text = NUMBER_WORDS.get(token.folded, token.text).replace(",", "")
    unit = "percent" if text.endswith("%") else "USD" if _MONEY.search(question[: token.start]) else ""
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        raise NotUnderstood from None
    return Item("N", token.text, token.start, token.end, unit, number=number)


def _separated(question: str, found: Sequence[Item]) -> list[Item]:
    """The items that say something, with a `,` (or, for "&", a `k`) wherever a sign parts two."""
    kept: list[Item] = []
    place = 0
    for item in [*found, Item("", "", len(question), len(question))]:
        gap = _MONEY.sub("", question[place : item.start])
        place = max(place, item.end)
        if _SEPARATORS.search(gap) or (_SENTENCE_END.search(gap) and item.end > item.start):
            kept.append(Item("k" if "&" in gap else ",", gap, item.start, item.start))
            gap = _SEPARATORS.sub(" ", gap)
        if not _GAP.fullmatch(gap):
            raise NotUnderstood
        if item.code:
            kept.append(item)
    return kept


def _overlap(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return first[0] < second[1] and second[0] < first[1]
