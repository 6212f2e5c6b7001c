"""What a question means, as far as two questions must agree before one may answer the other.

Vectors put "revenue in 2023" next to "revenue in 2022" (cosine 0.93) and "never ordered" next to "ordered", so
nearness alone must never decide that a signed answer fits. A meaning lists everything in a question that can change
its answer: what is measured, by what, which values and numbers in which order, directions, comparisons, negations, and
every content word that nothing is known about. Only words known to say nothing are left out. Two questions mean the
same when their meanings are equal; a paraphrase this is too strict for is merely answered afresh.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from memory.lexical import Token, fold
from memory.linking import Linker, Links
from memory.mentions import Mention

__all__ = ["NUMBER_WORDS", "SILENT_WORDS", "Meaning", "meaning_of", "normalised"]

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
    **dict.fromkeys(("quarter", "quarters"), "quarter"), **dict.fromkeys(("week", "weeks"), "week"),
    **dict.fromkeys(("day", "days"), "day"),
}  # fmt: skip
_SILENT = """
    a an the of on at for and is are was were be been being am do does did have has had having what which who whom
    whose that this these those it its their our we us you your me my i there can could would should will please how
    show list give tell find get display return let see know want in during into make made bring brought generate
    generated earn earned achieve achieved realise realised realize realized contribute contributed placed calculate
    compute determine provide report come came much so then regarding concerning overall total
"""
SILENT_WORDS = frozenset(_SILENT.split())
"""Words that do not change an answer where nothing else covers them. `to`, `from`, `or`, `with`, `all`, `only` do."""
NUMBER_WORDS = {
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
_SYMBOLS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r">=|≥|=>"), "at least"),
    (re.compile(r"<=|≤|=<"), "at most"),
    (re.compile(r"!=|<>|≠"), "not"),
    (re.compile(r">"), "more than"),
    (re.compile(r"<"), "less than"),
    (re.compile(r"(?<=\b\d{4})\s*[-–—]\s*(?=\d{4}\b(?!-))|(?<=\d)\s*[–—]\s*(?=\d)"), "through"),
    (re.compile(r"(?<![\w)])[-−](?=\d)"), "minus"),
    (re.compile(r"\s/\s|÷"), "divided by"),
    (re.compile(r"\+"), "plus"),
    (re.compile(r"\*|×"), "times"),
    (re.compile(r"="), "equals"),
    (re.compile(r"~|\^|\||#|@"), "symbol"),
)
_RELATIVE = re.compile(
    r"\b(last|this|next|past|previous|current(ly)?|today|yesterday|now|ago|recent(ly)?|so far|to date|ytd|mtd)\b",
    re.I,
)
_YEAR = re.compile(r"^(19|20)\d\d$")


@dataclass(frozen=True, slots=True)
class Meaning:
    """Equal for two questions only when nothing that may matter tells them apart."""

    parts: tuple[str, ...]
    """Each as `kind:text`. In the order of the question, unless it is so simple that order cannot matter."""
    relative: bool
    """Whether the question speaks of time from today ("last year"), so that its answer moves with the calendar."""

    @property
    def says_something(self) -> bool:
        """Whether a metric, dimension, entity or column was recognised; without one, nothing can be compared."""
        return any(part.startswith(("metric:", "thing:", "EACH thing:")) for part in self.parts)


def normalised(question: str) -> str:
    """The question without case, accents, surplus blanks and closing punctuation."""
    return " ".join(fold(question).split()).rstrip(" ?!.")


def meaning_of(question: str, linker: Linker) -> Meaning:
    """The meaning of a question over one linker's catalog, layer and values."""
    parts = _Reader(linker).read(linker.link_as_typed(_spelled_out(question)))
    return Meaning(tuple(sorted(parts)) if _order_is_free(parts) else tuple(parts), bool(_RELATIVE.search(question)))


def _spelled_out(question: str) -> str:
    """The question with its signs as words, because a tokenizer drops them: "freight < 100", "2021-2023", "-5"."""
    text = question
    for pattern, words in _SYMBOLS:
        text = pattern.sub(f" {words} ", text)
    return text


def _order_is_free(parts: list[str]) -> bool:
    """Whether no part could belong to one of two others: at most one of each kind, and nothing negated.

    "In 2023, which category had the most revenue" may then be "which category had the most revenue in 2023", while
    "the oldest customer and the newest employee" stays apart from "the newest customer and the oldest employee".
    """
    counts = Counter(part.removeprefix("EACH ").partition(":")[0] for part in parts)
    return all(count == 1 for count in counts.values()) and not any(part.startswith("NOT ") for part in parts)


class _Reader:
    """One pass over a linked question, left to right."""

    def __init__(self, linker: Linker) -> None:
        self._linker = linker
        self._parts: list[str] = []
        self._each = False
        self._negated = False

    def read(self, links: Links) -> list[str]:
        """The question's parts in order."""
        phrases = [(m.start(), m.end(), sign) for pattern, sign in _PHRASES for m in pattern.finditer(links.question)]
        place = 0
        while place < len(links.tokens):
            token = links.tokens[place]
            end = self._named(links, token.start)
            if not end:
                phrase = next((p for p in phrases if p[0] == token.start), None)
                if phrase:
                    self._sign(phrase[2])
                    end = phrase[1]
            if not end:
                self._word(token, links.tokens[place - 1].folded if place else "")
            place += 1
            while place < len(links.tokens) and links.tokens[place].start < end:
                place += 1
        if self._negated:
            self._parts.append("sign:NOT")
        return _fused(_direction_first(self._parts))

    def _named(self, links: Links, start: int) -> int:
        """Take what is named from `start` on; where it ends, or 0."""
        values = [v for v in links.values if v.start == start]
        mentions = [m for m in links.mentions if m.start == start]
        columns = [c for c in links.columns if c.start == start]
        if values:
            # All candidate columns, so that "shipped to Germany" and "suppliers in Germany" differ.
            # A shortened or misspelt name may be another's: only the same words recall it.
            loose = "" if values[0].exact else f" as {fold(values[0].surface)}"
            self._take("value:" + ",".join(sorted({f"{v.target}={v.value}" for v in values})) + loose)
        for mention in mentions:
            if mention.kind == "metric":
                counted = self._linker.layer.metric(mention.id).unit == "count"
                if counted and self._parts[-1:] == ["count:COUNT"]:
                    self._parts.pop()  # "how many customers" is the number of customers
                self._take(f"metric:{mention.id}")
        things = {self._thing(m) for m in mentions if m.kind != "metric"} | {f"{c.table}.{c.column}" for c in columns}
        if things:
            self._take("thing:" + ",".join(sorted(things)), grouped=True)
        ends = [v.end for v in values] + [m.end for m in mentions] + [c.end for c in columns]
        return max(ends, default=0)

    def _thing(self, mention: Mention) -> str:
        """A dimension's id; for an entity, the id of the dimension that goes by the entity's name."""
        if mention.kind == "dimension":
            return mention.id
        return self._linker.dimension_named(self._linker.layer.entity(mention.id).name) or f"entity {mention.id}"

    def _take(self, part: str, *, grouped: bool = False) -> None:
        each = "EACH " if self._each and grouped else ""
        self._parts.append(("NOT " if self._negated else "") + each + part)
        self._each = self._negated = False

    def _sign(self, sign: str) -> None:
        if sign == "NOT":
            self._negated = not self._negated
        elif sign == "EACH":
            self._each = True
        elif sign == "COUNT":
            self._take("count:COUNT")
        elif sign != "SILENT":
            self._take(f"sign:{sign}")

    def _word(self, token: Token, before: str) -> None:
        word = token.folded
        if token.is_number or word in NUMBER_WORDS:
            number = NUMBER_WORDS.get(word, token.text.replace(",", ""))
            start = "from " if before == "from" else ""  # a period that begins here, unlike "in 2023"
            self._take(("year:" if _YEAR.match(number) else "number:") + start + number)
            return
        known = _CLASSES.get(word)
        if known is None:
            if word == "by":
                self._each = True
            elif word not in SILENT_WORDS and not (word == "from" and not before):
                self._take(f"word:{token.stem}")
        elif known.startswith("EACH "):
            self._each = True
            self._take(f"grain:{known[5:]}", grouped=True)
        elif known in _GRAINS:
            self._take(f"grain:{known}", grouped=True)
        else:
            self._sign(known)


_DIRECTIONS = frozenset({"sign:HIGH", "sign:LOW"})
_GRAINS = frozenset({"year", "month", "quarter", "week", "day"})


def _direction_first(parts: list[str]) -> list[str]:
    """ "5 highest" as "highest 5"."""
    turned = list(parts)
    for place in range(len(turned) - 1):
        if turned[place].startswith("number:") and turned[place + 1] in ("sign:HIGH", "sign:LOW"):
            turned[place], turned[place + 1] = turned[place + 1], turned[place]
    return turned


def _fused(parts: list[str]) -> list[str]:
    """Words and comparisons taken into the value, year or number they stand before.

    "Shipped to Germany" and "before 2022" are each one thing said, wherever in the question it is said.
    """
    fused: list[str] = []
    for part in parts:
        kind, _, text = part.partition(":")
        if kind in ("value", "year", "number"):
            before: list[str] = []
            while fused and fused[-1].partition(":")[0] in ("word", "sign") and fused[-1] not in _DIRECTIONS:
                before.insert(0, fused.pop().partition(":")[2])
            text = " ".join((*before, text))
        fused.append(f"{kind}:{text}")
    return fused
