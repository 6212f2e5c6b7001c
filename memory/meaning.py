"""What a question means, as far as two questions must agree before one may answer the other.

Vectors put "revenue in 2023" next to "revenue in 2022" (cosine 0.93) and "never ordered" next to "ordered", so
nearness alone must never decide that a signed answer fits. A meaning lists everything in a question that can change
its answer: what is measured, by what, which values and numbers in which order, directions, comparisons, negations, and
every content word that nothing is known about. Only words known to say nothing are left out. Two questions mean the
same when their meanings are equal; a paraphrase this is too strict for is merely answered afresh.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from memory.lexical import Token, fold
from memory.linking import Linker, Links

__all__ = ["Meaning", "meaning_of", "normalised"]

# Words with one meaning among them; the class stands in the meaning instead of the word.
_CLASSES: dict[str, str] = {
    **dict.fromkeys(("highest", "most", "top", "largest", "biggest", "greatest", "maximum", "max", "high"), "HIGH"),
    **dict.fromkeys(("lowest", "least", "fewest", "bottom", "smallest", "minimum", "min", "low"), "LOW"),
    **dict.fromkeys(("average", "mean", "avg"), "AVERAGE"),
    **dict.fromkeys(("percentage", "percent", "proportion", "share"), "SHARE"),
    **dict.fromkeys(
        ("not", "no", "never", "without", "excluding", "exclude", "excludes", "except", "neither", "nor", "cannot",
         "dont", "doesnt", "didnt", "hasnt", "havent", "hadnt", "isnt", "arent", "wasnt", "werent", "non"), "NOT"
    ),
    **dict.fromkeys(("more", "over", "above", "exceeding", "exceeds", "exceed", "greater", "exceeded"), "MORE"),
    **dict.fromkeys(("less", "under", "below", "fewer"), "LESS"),
    **dict.fromkeys(("monthly",), "EACH month"), **dict.fromkeys(("yearly", "annual", "annually"), "EACH year"),
    **dict.fromkeys(("quarterly",), "EACH quarter"), **dict.fromkeys(("weekly",), "EACH week"),
    **dict.fromkeys(("daily",), "EACH day"),
    **dict.fromkeys(("each", "every", "per"), "EACH"),
    **dict.fromkeys(("year", "years"), "year"), **dict.fromkeys(("month", "months"), "month"),
    **dict.fromkeys(("quarter", "quarters"), "quarter"),
}  # fmt: skip
_SILENT = frozenset(
    """
    a an the of on at for as with and is are was were be been being am do does did have has had having what which who
    whom whose that this these those it its their our we us you your me my i there can could would should will please
    show list give tell find get display return let see know want need like in by during within into
    make made bring brought generate generated produce produced earn earned achieve achieved record recorded
    register registered realise realised realize realized contribute contributed rank ranked calculate compute
    determine provide report come came much also so then just recorded regarding concerning terms ordered_by
    overall total
    """.split()  # noqa: SIM905 - a list of words is read as prose
)
"""Words that do not change an answer where nothing else covers them. `to`, `from`, `or`, `all`, `only` do."""
_NUMBER_WORDS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "twelve": "12", "fifteen": "15", "twenty": "20", "fifty": "50", "hundred": "100",
}  # fmt: skip
_PHRASES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(at least|no less than|no fewer than|not less than|not fewer than|minimum of)\b", re.I), "ATLEAST"),
    (re.compile(r"\b(at most|no more than|not more than|up to|maximum of)\b", re.I), "ATMOST"),
    (re.compile(r"\b(how many|number of|count of|the count)\b", re.I), "COUNT"),
    (re.compile(r"\b(more|greater|higher|larger|bigger|over and above) than\b", re.I), "MORE"),
    (re.compile(r"\b(less|fewer|lower|smaller) than\b", re.I), "LESS"),
    (re.compile(r"\b(in terms of|according to|measured by|ranked by|sorted by|ordered by)\b", re.I), "SILENT"),
    (re.compile(r"\b(broken down|break down|split|grouped|breakdown) by\b", re.I), "EACH"),
    (re.compile(r"\bfor (each|every)\b", re.I), "EACH"),
    (re.compile(r"\b(other than|apart from|aside from|but not|leaving out|left out|leave out)\b", re.I), "NOT"),
    (re.compile(r"\b(did|do|does|has|have|had|is|are|was|were|ca|wo|would|could)n['’]t\b", re.I), "NOT"),
)
_NEUTRAL_STEMS = frozenset({"categori", "productt"})


@dataclass(frozen=True, slots=True)
class Meaning:
    """Equal for two questions only when nothing known to matter tells them apart."""

    metrics: tuple[str, ...]
    dimensions: tuple[str, ...]
    """Dimensions and entities, each with `EACH ` before it when the question groups by it."""
    slots: tuple[str, ...]
    """Values, numbers, directions, comparisons and negations in the order of the text."""
    rest: frozenset[str]
    """Stems of every other word that is not known to be silent."""

    @property
    def says_something(self) -> bool:
        """Whether anything of the warehouse was recognised; a meaning without that is compared with nothing."""
        return bool(self.metrics or self.dimensions)


def normalised(question: str) -> str:
    """The question without case, accents, surplus blanks and closing punctuation."""
    return " ".join(fold(question).split()).rstrip(" ?!.")


def meaning_of(question: str, linker: Linker) -> Meaning:
    """The meaning of a question over one linker's catalog, layer and values."""
    return _Reader(linker.link(question)).read()


class _Reader:
    """One pass over a linked question, left to right."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._metrics: list[str] = []
        self._things: list[str] = []
        self._slots: list[str] = []
        self._rest: set[str] = set()
        self._grouping = False
        self._phrases = [
            (match.start(), match.end(), sign) for pattern, sign in _PHRASES for match in pattern.finditer(links.question)
        ]

    def read(self) -> Meaning:
        """The finished meaning."""
        place = 0
        tokens = self._links.tokens
        while place < len(tokens):
            place = self._step(place, tokens[place])
        return Meaning(tuple(self._metrics), tuple(sorted(self._things)), tuple(self._slots), frozenset(self._rest))

    def _step(self, place: int, token: Token) -> int:
        phrase = next((p for p in self._phrases if p[0] <= token.start < p[1]), None)
        mention_end = self._mention(token)
        value_end = self._value(token)
        if mention_end or value_end:
            self._grouping = False
            return self._after(place, max(mention_end, value_end))
        if phrase:
            self._sign(phrase[2])
            return self._after(place, phrase[1])
        self._word(token, place)
        return place + 1

    def _mention(self, token: Token) -> int:
        """Take the mentions that begin here; where they end, or 0."""
        here = [m for m in self._links.mentions if m.start == token.start]
        for mention in here:
            if mention.kind == "metric":
                self._metrics.append(mention.id)
            else:
                self._things.append(("EACH " if self._grouping else "") + self._thing(mention.kind, mention.id))
        columns = [c for c in self._links.columns if c.start == token.start]
        for column in columns:
            self._things.append(("EACH " if self._grouping else "") + f"{column.table}.{column.column}")
        return max((found.end for found in (*here, *columns)), default=0)

    def _thing(self, kind: str, name: str) -> str:
        return f"{kind}:{name}"

    def _value(self, token: Token) -> int:
        here = [v for v in self._links.values if v.start == token.start]
        if here:
            # All candidates, so that "shipped to Germany" and "customers in Germany" differ by their columns.
            targets = ",".join(sorted({f"{v.target}={v.value}" for v in here}))
            self._slots.append(targets)
        return here[0].end if here else 0

    def _sign(self, sign: str) -> None:
        if sign == "EACH":
            self._grouping = True
        elif sign != "SILENT":
            self._slots.append(sign)

    def _word(self, token: Token, place: int) -> None:
        word = token.folded
        if token.is_number or word in _NUMBER_WORDS:
            self._number(token, place)
            return
        sign = _CLASSES.get(word)
        if sign and sign.startswith("EACH"):
            self._grouping = sign == "EACH"
            if sign != "EACH":
                self._things.append(sign)
        elif sign in ("year", "month", "quarter"):
            self._things.append(("EACH " if self._grouping else "") + sign)
            self._grouping = False
        elif sign:
            self._slots.append(sign)
        elif word == "by":
            self._grouping = True
        elif word not in _SILENT:
            self._rest.add(token.stem)
            self._grouping = False

    def _number(self, token: Token, place: int) -> None:
        before = self._links.tokens[place - 1].folded if place else ""
        number = _NUMBER_WORDS.get(token.folded, token.text.replace(",", ""))
        if before == "from":
            self._slots.append("FROM")  # a period that begins here, unlike "in 2023"
        self._slots.append(number)

    def _after(self, place: int, end: int) -> int:
        tokens = self._links.tokens
        while place < len(tokens) and tokens[place].start < end:
            place += 1
        return place
