"""A question as one line of words in which everything named is a letter with a number, for one kind of thing.

    which customers in Germany have no fax number    ->    which E0 in V1 have no C2

    E the things asked about   F other things   C a column of theirs   K a kind of them ("late")   B a yes-or-no field
    V a value   P a period   Q "more than 20", "between 10 and 20"   N a number   T a text in a name   M a metric

So the grammar of records can be written as plain regular expressions over such lines (see `pattern`). Articles and
words that say nothing are left out; a sign between words is a comma, the end of a sentence a full stop.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from memory.compiler.query import Value
from memory.intent.known import Known, NotUnderstood
from memory.intent.nouns import Nouns
from memory.intent.sentence_words import (
    CONTRACTED,
    NOT_BEFORE_NOUN,
    QUANTITIES,
    SHIELDED,
    SILENT,
    SPELT_RIGHT,
    TEXT,
    THEN,
)
from memory.intent.wording import plainly
from memory.lexical import Token, stem, stems
from memory.linking import Links
from memory.meaning import NUMBER_WORDS
from memory.periods import PeriodMention
from memory.values import ValueMatch

__all__ = ["Sentence", "Thing", "noun_stem", "pattern", "written"]

_HYPHEN = re.compile(r"(?<=[a-z])-(?=[a-z])", re.IGNORECASE)
_GAP = re.compile(r"[\s.?!\"“”‘’'`…#$€£]*(?:['’](?:s|re|d|ll|ve|m))?[\s.?!\"“”‘’'`…#$€£]*")
_SEPARATORS = re.compile(r"[,:;()–—]|(?<=\s)-(?=\s)")
_SENTENCE_END = re.compile(r"[.?!]\s")
_MONEY = re.compile(r"[$€£]\s*$")


@dataclass(frozen=True, slots=True)
class Thing:
    """What a letter of the line stands for."""

    surface: str
    name: str = ""
    """C, B: a field. E, F: an entity's id. K, M: a metric's id. Q: an operator. N, Q: USD, percent or nothing."""
    plural: bool = False
    values: tuple[ValueMatch, ...] = ()
    """V: the columns the value may be meant in, best first."""
    period: PeriodMention | None = None
    numbers: tuple[Value, ...] = ()
    unit: str = ""
    start: int = -1
    end: int = -1
    """Where it stands in the question, in characters; -1 for what only the line has."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What a line is written from."""

    links: Links
    periods: Sequence[PeriodMention]
    others: Mapping[tuple[str, ...], str]
    known: Known


@dataclass(slots=True)
class Sentence:
    """The line, and what its letters stand for."""

    question: str
    text: str
    things: dict[str, Thing]
    nouns: Nouns
    source: _Source
    words: list[tuple[str, tuple[int, int]]]
    """The line's words as they were before quantities became things, with their spans in the question."""
    inner: list[Thing] = field(default_factory=list)
    """What parts of the line named that were read as lines of their own."""

    def named(self, group: str) -> list[Thing]:
        """The things of a matched group, in order."""
        return [self.things[letter] for letter in re.findall(r"[A-Z]\d+", group)]

    def part(self, first: int, last: int, nouns: Nouns) -> Sentence:
        """What stands between two places of the line, written as one about other nouns.

        Raises:
            NotUnderstood: those words do not stand in that order in the question.
        """
        spans = list(self._spans())
        held = [span for place, span in spans if first <= place < last]
        if not held or any(one[1] > other[0] for one, other in pairwise(held)):
            raise NotUnderstood
        after = (span[0] for place, span in spans if place >= last and span[0] >= held[-1][1])
        return _between(self.source, nouns, held[0][0], next(after, len(self.question)))

    def _spans(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """Each word's place in the line, and its span in the question."""
        at, span = 0, (0, 0)
        for match in re.finditer(r"\S+", self.text):
            thing = self.things.get(match[0])
            if thing and thing.end >= 0:
                span = (thing.start, thing.end)
                at = next((i for i, (_, (start, _)) in enumerate(self.words) if start >= thing.end), len(self.words))
            elif not thing:
                found = next((i for i in range(at, len(self.words)) if self.words[i][0] == match[0]), -1)
                span = self.words[found][1] if found >= 0 else (span[1], span[1])  # a word that was rewritten
                at = found + 1 if found >= 0 else at
            yield match.start(), span


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    letter: str
    """A letter, or the words themselves in lower case."""
    thing: Thing


def pattern(text: str) -> re.Pattern[str]:
    """A regular expression over lines, whose lone capitals each capture one thing (V and L: several in a row)."""
    text = text.replace("<be>", r"(?:(?:is|are|was|were|have been|has been|be)(?: (?:still|also|already|now))? )?")
    listed = r"(?:(?: ,)?(?: and)?(?: also)?(?: their| its| a)? [CFE]\d+)*"
    text = re.sub(r"\bL\b", lambda _: rf"([CFE]\d+{listed}(?! Q\d))", text)
    text = re.sub(r"\bV\b(?!\\)", lambda _: r"(V\d+(?: (?:, and|, or|,|and|or) V\d+)*)", text)
    text = re.sub(r"\b([EFCKBPQNTM])\b(?!\\)", lambda match: rf"({match[1]}\d+)", text)
    return re.compile(text + r"(?= |$)")


def written(links: Links, periods: Sequence[PeriodMention], nouns: Nouns, others: Mapping[tuple[str, ...], str],
            known: Known) -> Sentence:  # fmt: skip
    """The question's line as one about the nouns' entity.

    Raises:
        NotUnderstood: a sign is not known, or a word was misspelt.
    """
    return _between(_Source(links, periods, others, known), nouns, 0, len(links.question))


def _between(source: _Source, nouns: Nouns, first: int, last: int) -> Sentence:
    """The line of one part of the question."""
    links = source.links
    found: list[_Piece] = []
    for piece in _claims(links, source.periods, nouns, source.others, source.known):
        held = any(piece.start < other.end and other.start < piece.end for other in found)
        if not held and first <= piece.start and piece.end <= last:
            found.append(piece)
    words = [
        _word(token, links.question)
        for token in links.tokens
        if first <= token.start
        and token.end <= last
        and not any(piece.start < token.end and token.start < piece.end for piece in found)
    ]
    pieces = sorted([*found, *words], key=lambda piece: piece.start)
    said, things = _line(links.question[:last], pieces, first)
    text = " ".join(word for word, _ in said).strip(" ,.")
    return Sentence(
        links.question,
        plainly(_said_once(_compared(text, things), things, nouns, source.known)),
        things,
        nouns,
        source,
        said,
    )


# -- what is named ----------------------------------------------------------------------------------------------------


def _claims(links: Links, periods: Sequence[PeriodMention], nouns: Nouns, others: Mapping[tuple[str, ...], str],
            known: Known) -> Iterator[_Piece]:  # fmt: skip
    """Everything that may be named, in the order in which one is preferred to another over the same words."""
    question = links.question
    for match in TEXT.finditer(question):
        text = match["text"]
        if any(value.start == match.start("text") and value.end > match.end("text") for value in links.values):
            continue  # "orders that include Wild Boar Salami": what it is called by
        bare = text.strip("'\"‘’“”")
        yield _Piece(*match.span("text"), "T", Thing(text, bare))
    for match in SHIELDED.finditer(question):
        yield _Piece(*match.span(), match[0].lower(), Thing(match[0]))
    for period in periods:
        yield _Piece(period.first, period.last, "P", Thing(period.surface, period=period))
    named = sorted(_named(links, nouns, others), key=lambda piece: (piece.start - piece.end, piece.start))
    spans = dict.fromkeys((value.start, value.end) for value in links.values)
    for start, end in spans:
        longer = any(piece.start <= start and end <= piece.end and piece.end - piece.start > end - start
                     for piece in named if piece.letter in "CF")  # fmt: skip
        held = tuple(value for value in links.values if (value.start, value.end) == (start, end))
        if not longer:
            yield _Piece(start, end, "V", Thing(question[start:end], held[0].value, values=held))
    yield from named
    for mention in links.mentions:
        if mention.kind == "metric":
            yield _Piece(mention.start, mention.end, "M", Thing(mention.surface, mention.id))


def _named(links: Links, nouns: Nouns, others: Mapping[tuple[str, ...], str]) -> Iterator[_Piece]:
    """Kinds, fields, columns and things, wherever their names stand."""
    tokens = [token for token in links.tokens if token.folded not in ("the", "our", "a", "an")]
    for first in range(len(tokens)):
        for last in range(first, min(first + 5, len(tokens))):
            said = tokens[first : last + 1]
            surface = links.question[said[0].start : said[-1].end]
            if _SEPARATORS.search(surface) or _SENTENCE_END.search(surface):
                break
            if len(said) > 1 and said[0].start and all(token.is_capitalised for token in said):
                continue  # "Sales Representatives" is what somebody is called, a job title
            follows = links.question[said[-1].end :].lstrip().lower()
            for letter, name in _meanings(tuple(map(noun_stem, said)), nouns, others):
                if letter == "K" and said[-1].is_participle and follows.startswith(("the ", "an ", "a ")):
                    continue  # "delivered the order" is what somebody did
                if letter == "C" and len(said) > 1 and said[0].is_plural and said[-1].is_participle:
                    continue  # "products priced above" are products, and no product price
                numbered = last + 1 < len(tokens) and tokens[last + 1].is_number  # "did order 10250 ship"
                before = tokens[first - 1].folded if first and not numbered else ""
                if len(said) > 1 or not _is_verb(said[0], before, letter, nouns):
                    yield _Piece(said[0].start, said[-1].end, letter, Thing(surface, name, _is_plural(said[-1])))
                    break


def noun_stem(token: Token) -> str:
    """The stem, that of "SKUs" being that of a SKU."""
    return token.text[:-1].lower() if _is_acronym(token) else token.stem


def _is_plural(token: Token) -> bool:
    return token.is_plural or token.folded == "staff" or _is_acronym(token)


def _is_acronym(token: Token) -> bool:
    return len(token.text) > 2 and token.text.endswith("s") and token.text[:-1].isupper()


def _is_verb(token: Token, before: str, letter: str, nouns: Nouns) -> bool:
    """Whether a word that could be a noun is a verb: "ordered" and "did not order" name no order."""
    if letter == "K":
        return bool(nouns.day_of(token.stem))  # when it was shipped, or that it was?
    return letter in "CEF" and (token.is_participle or (before in NOT_BEFORE_NOUN and not token.is_plural))


def _meanings(words: tuple[str, ...], nouns: Nouns, others: Mapping[tuple[str, ...], str]) -> Iterator[tuple[str, str]]:
    if words in nouns.flags:
        yield "B", nouns.flags[words]
    elif words in nouns.kinds and not {"who", "never", "no", "without", "more"} & set(words):
        yield "K", nouns.kinds[words]
    if others.get(words) == nouns.entity.id:
        yield "E", nouns.entity.id
    elif words in nouns.columns:
        yield "C", nouns.columns[words]
    elif words in others:
        yield "F", others[words]


# -- the line ---------------------------------------------------------------------------------------------------------


def _word(token: Token, question: str) -> _Piece:
    """A word that nothing names: a number, a silent one, or itself."""
    word = token.folded
    if token.is_number or word in NUMBER_WORDS:
        text = NUMBER_WORDS.get(word, token.text).replace(",", "")
        try:
            number = float(text)
        except ValueError:
            raise NotUnderstood from None
        value: Value = int(number) if number.is_integer() else number
        unit = "USD" if _MONEY.search(question[: token.start]) else ""
        return _Piece(token.start, token.end, "N", Thing(token.text, unit=unit, numbers=(value,)))
    if token.respelt and token.text.lower() not in SPELT_RIGHT:
        raise NotUnderstood
    word = token.text.lower() if token.respelt else word
    if word == "s" and question[token.start - 1] in "'’":  # "order 10250's"
        return _Piece(token.start, token.end, "", Thing(token.text))
    return _Piece(token.start, token.end, "" if word in SILENT else CONTRACTED.get(word, word), Thing(token.text))


def _line(
    question: str, pieces: Sequence[_Piece], place: int
) -> tuple[list[tuple[str, tuple[int, int]]], dict[str, Thing]]:
    """The line's words with their spans in the question, and what its letters stand for."""
    line: list[tuple[str, tuple[int, int]]] = []
    things: dict[str, Thing] = {}
    first = place
    for piece in pieces:
        gap = _HYPHEN.sub(" ", question[max(place - 1, 0) : piece.start + 1])[min(place, 1) : -1]
        between = (place, max(place, piece.start))
        if line and line[-1][0] in ("no", "number") and piece.letter == "N":
            gap = gap.replace(".", "")  # "order no. 10250"
        if _SENTENCE_END.search(gap) and line:
            line.append((".", between))
        elif _SEPARATORS.search(gap) and place > first:
            line.append((",", between))
        if "&" in gap or "+" in gap:
            line.append(("and", between))
        if line and line[-1][0] == "w" and gap.startswith("/"):
            line[-1], gap = ("with", line[-1][1]), gap[1:]
        if not _GAP.fullmatch(_SEPARATORS.sub(" ", gap.replace("&", " ").replace("+", " "))):
            raise NotUnderstood
        place = max(place, piece.end)
        span = (piece.start, piece.end)
        if len(piece.letter) == 1 and piece.letter.isupper():
            letter = f"{piece.letter}{len(things)}"
            things[letter] = replace(piece.thing, start=piece.start, end=piece.end)
            line.append((letter, span))
        else:
            line += [(word, span) for word in piece.letter.split()]
    if not _GAP.fullmatch(_SEPARATORS.sub(" ", question[place:])):
        raise NotUnderstood
    return line, things


def _compared(text: str, things: dict[str, Thing]) -> str:
    """The line with "more than N" and the like as one thing."""
    text = re.sub(r"(?<!\S)all (?=(?:of )?(?:[KBVN]\d+ )*E\d)", "", text)  # of other things it means each of them
    text = re.sub(
        r"(N\d+) (?:dollars?|usd|bucks|euros?|eur|pounds?)(?= |$)", lambda match: _money(match[1], things), text
    )

    def put(match: re.Match[str], operator: str) -> str:
        numbers = [things[letter] for letter in re.findall(r"N\d+", match[0])]
        letter = f"Q{len(things)}"
        unit = next((number.unit for number in numbers if number.unit), "")
        values = tuple(value for number in numbers for value in number.numbers)
        start, end = numbers[0].start, numbers[-1].end
        things[letter] = Thing(match[0], operator, numbers=values, unit=unit, start=start, end=end)
        return letter

    text = re.sub(
        rf"((?:do|does|did) V\d+(?: [EF]\d+)?) ([EF]\d+)(?=$| (?:{THEN}|P\d))",
        lambda match: _as_verb(match, things),
        text,
    )
    text = re.sub(r"(P\d+) or (?:in )?(P\d+)(?= |$)", lambda match: _one_period(match, things), text)
    text = re.sub(r"(?:between|from) N\d+ (?:and|to) N\d+(?= |$)", lambda match: put(match, "between"), text)
    for comparison, operator in QUANTITIES:
        form = re.compile(rf"(?<!\S)(?:{comparison.replace('N', r'N[0-9]+')})(?= |$)")
        text = form.sub(lambda match, operator=operator: put(match, operator), text)  # type: ignore[misc]
    return " ".join(text.split())


def _said_once(text: str, things: Mapping[str, Thing], nouns: Nouns, known: Known) -> str:
    """The line without "genre" behind a genre's name, and without "number of" before a number."""

    def kinds(letter: str) -> list[str]:
        named = {value.dimension for value in things[letter].values if value.dimension}
        surfaces = [surface for name in named for surface in known.layer.dimension(name).surfaces]
        return [*named, *(" ".join(stems(surface)) for surface in surfaces)]

    def bare(match: re.Match[str]) -> str:
        said = things[match[2]].name if match[2] in things else stem(match[2])
        return match[1] if said in kinds(match[1]) else match[0]

    def counted(match: re.Match[str]) -> str:
        column = nouns.column(things[match[1]].name)
        return match[1] if column is not None and column.family == "number" else match[0]

    text = re.sub(r"(V\d+) (C\d+|[a-z]+)(?= |$)", bare, text)
    return re.sub(r"\bnumber of (C\d+)(?= |$)", counted, text)


def _as_verb(match: re.Match[str], things: dict[str, Thing]) -> str:
    """ "Did X order": a verb, where nothing is plural."""
    thing = things[match[2]]
    return match[0] if thing.plural else f"{match[1]} {thing.surface.lower()}"


def _one_period(match: re.Match[str], things: dict[str, Thing]) -> str:
    """ "In 2018 or 2019": both together, where one follows the other."""
    first, second = sorted((things[letter] for letter in match.groups()), key=_start)
    one, other = first.period, second.period
    if one is None or other is None or not one.start or not other.end or one.end != other.start:
        return match[0]
    things[match[1]] = replace(
        first, surface=match[0], period=replace(one, end=other.end), end=max(first.end, second.end)
    )
    return match[1]


def _start(thing: Thing) -> str:
    return thing.period.start if thing.period else ""


def _money(letter: str, things: dict[str, Thing]) -> str:
    held = things[letter]
    things[letter] = replace(held, unit="USD")
    return letter
