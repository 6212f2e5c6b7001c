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
from memory.intent.wrapping import unwrapped
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
_THOUSANDS = re.compile(r"(?<![\w.,])(\d[\d,]*(?:\.\d+)?)\s?(k|m|mn|mio|million|millions|thousand|grand)\b(?![-’'])")
_SCALES = {"k": 1e3, "thousand": 1e3, "grand": 1e3}
_MENDED = frozenset("mgaHSecbR")
"""Codes of words that are taken for meant where they are misspelt: nothing turns on their exact form."""
_PERIODS = re.compile(r"(?:month|day)s\b")
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
    question = unwrapped(question)
    lowered = question.lower()
    # "Above-average price": a price above the average, and not the metric Average Price.
    links = known.link(AVERAGE_CUE.sub(lambda cue: " " * len(cue[0]), question))
    asked = _YES_OR_NO.match(lowered) and not _ONE_OF_TWO.match(lowered)
    if asked or links.columns or len(lowered) != len(question):
        raise NotUnderstood
    named = _named(links, known, find_periods(question, known.layer.today()))
    found = _with_phrases(lowered, [*named, *_scaled(lowered, named)])
    words = [
        _word(token, question, known)
        for token in links.tokens
        if not any(item.start < token.end and token.start < item.end for item in found)
    ]
    ordered = _with_verbs_apart(sorted([*found, *words], key=lambda item: item.start), question, links, known)
    return _separated(question, ordered)


def _with_verbs_apart(items: Sequence[Item], question: str, links: Links, known: Known) -> list[Item]:
    """ "Products sold the most units": things and what they did, though "products sold" are a metric too."""
    kept: list[Item] = []
    for item, after in zip(items, [*items[1:], None], strict=False):
        tokens = [token for token in links.tokens if item.start <= token.start and token.end <= item.end]
        metric = item.code == "M" and after is not None and after.code in "Hx" and len(tokens) > 1
        if not (metric and tokens[-1].is_participle):
            kept.append(item)
            continue
        cut = tokens[-2].end
        mentions = known.linker.link(question[item.start : cut]).mentions
        named = [mention for mention in mentions if mention.kind != "metric" and not mention.start]
        if not named:
            kept.append(item)
            continue
        kept.append(_mentioned(named, tokens[:-1], question[item.start : cut], known))
        kept.append(Item("z", tokens[-1].text, tokens[-1].start, tokens[-1].end))
    return kept


def _scaled(lowered: str, named: Sequence[Item]) -> list[Item]:
    """Numbers in thousands and millions: "50k", "1.5 million"."""
    found = []
    for match in _THOUSANDS.finditer(lowered):
        if not any(_overlap((item.start, item.end), match.span()) for item in named):
            number = round(float(match[1].replace(",", "")) * _SCALES.get(match[2], 1e6), 6)
            unit = "USD" if _MONEY.search(lowered[: match.start()]) else ""
            found.append(Item("N", match[0], *match.span(), unit, number=number))
    return found


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
        meant: Sequence[Mention] = mentions
        start, end = _free(span, found)
        if (start, end) != span:
            again = known.linker.link(links.question[start:end]).mentions
            metrics = [mention for mention in again if mention.kind == "metric"]
            if len(again) == len(metrics) == 1:  # "freight of" before "orders placed"
                meant = metrics
        tokens = [token for token in links.tokens if start <= token.start and token.end <= end]
        if tokens:
            found.append(_mentioned(meant, tokens, links.question[start:end], known))
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
    plural = _is_plural(tokens[max(head, 1) - 1])
    thing = Item("D", surface, start, end, plural=plural, metric=known.homonym(tokens))
    if entities:
        return _entity(thing, entities[0], dimensions, known)
    return replace(thing, name=dimensions[0], table=known.layer.dimension(dimensions[0]).table)


def _is_plural(token: Token) -> bool:
    return token.is_plural or token.folded.endswith("people")


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
            inside = all(span[0] <= item.start and item.end <= span[1] and item.code in "DVMz" for item in held)
            # "over 2023" is no "more than".
            dated = code == "x" and any(item.code == "P" and 0 <= item.start - span[1] <= 2 for item in named)
            if (not held or (inside and _may_cover(code, held))) and not dated:
                found = [item for item in found if item not in held]
                plural = code == "g" and bool(_PERIODS.search(match[0]))
                found.append(Item(code, match[0], *span, word, plural=plural))
    return found


def _may_cover(code: str, held: Sequence[Item]) -> bool:
    """Whether a phrase may stand for names that are inside it: "largest backlog first", "category by category"."""
    metrics = any(item.code == "M" for item in held)
    if code == "ζ":
        return all(item.code in "DzM" for item in held)
    if code in "βω" and code:
        return all(item.code in ("Dz" if code == "ω" else "DMz") for item in held)
    if any(item.code == "z" for item in held):
        return False
    return code == "O" or (code in ("", "e") and not metrics and bool(code == "" or len(held) == 1))


def _word(token: Token, question: str, known: Known) -> Item:
    """A word that nothing names: a number, a word of the grammar, a silent one, or one still to be accounted for."""
    word, place = token.folded, (token.start, token.end)
    if token.is_number or word in NUMBER_WORDS:
        return _number(token, question)
    if token.respelt and CODES.get(word, ("?", ""))[0] not in _MENDED:
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
        if gap == "-" and kept and kept[-1].code == item.code == "D":
            kept.append(Item("k", gap, item.start, item.start))  # "the country-category pair"
        elif not _GAP.fullmatch("" if gap == "-" and item.surface.lower() == "based" else gap):
            raise NotUnderstood
        if item.code:
            kept.append(item)
    return kept


def _overlap(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return first[0] < second[1] and second[0] < first[1]
