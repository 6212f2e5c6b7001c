"""Words and how often they matter: tokens with their place in the text, English inflection folded away, and BM25.

Names are matched by words because identifiers and synonyms are exact things: no vector brings `AOV` to
`Average Order Value` as surely as the word itself. Vectors come in only where the words differ.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["BM25", "STOP_WORDS", "Token", "fold", "identifier_words", "singular", "stem", "stems", "tokenize"]

_LETTERS = r"(?:[^\W\d_][\u0300-\u036f]*)+"
_WORD = re.compile(rf"\d+(?:[.,]\d+)*%?|{_LETTERS}(?:['’]{_LETTERS})?\d*")
_ENDING = re.compile(r"['’](?:s|d|ll|ve|re|m)?$")
_STROKED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
"""Letters whose stroke or ligature is no accent to Unicode, as they are typed on a keyboard without them."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\W]+")
_IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child",
    "sold": "sell", "bought": "buy", "made": "make", "brought": "bring", "earned": "earn",
    "spent": "spend", "paid": "pay", "took": "take", "taken": "take", "gave": "give", "given": "give",
    "kept": "keep", "left": "leave", "sent": "send", "won": "win", "had": "have", "has": "have", "did": "do",
    "does": "do", "was": "be", "were": "be", "is": "be", "are": "be", "been": "be", "data": "data", "series": "series",
    "during": "during", "shipping": "ship", "shipped": "ship", "need": "need", "speed": "speed", "seed": "seed",
}  # fmt: skip
_IRREGULAR_PLURALS = {"children": "child", "men": "man", "women": "woman"}
_STOP_WORDS = (
    "a an the of in on at for to from by with and or is are was were be been do does did have has had what which who "
    "whom whose how many much that this these those it its their our we us you your me my i there all any each every "
    "per as than then so can could would should will please show list give tell find get display return name if not "
    "no between over under during through"
)
STOP_WORDS = frozenset(_STOP_WORDS.split())
_PARTICIPLES = frozenset(
    {"sold", "bought", "made", "brought", "spent", "paid", "taken", "given", "kept", "left", "sent", "won"}
)
_VOWEL = re.compile(r"[aeiouy]")


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a text: as typed, folded, singular, stemmed, and where it stands."""

    text: str
    folded: str
    singular: str
    stem: str
    start: int
    end: int
    respelt: bool = False
    """Whether the folded forms are of another word than the one typed (see `memory.spelling`)."""

    @property
    def is_number(self) -> bool:
        """Whether the word begins with a digit."""
        return self.text[0].isdigit()

    @property
    def is_participle(self) -> bool:
        """Whether the word looks like a form in -ed or -ing ("shipped", "ordering")."""
        regular = self.folded.endswith(("ed", "ing")) and not self.stem.startswith(self.folded)
        return regular or self.folded in _PARTICIPLES

    @property
    def is_plural(self) -> bool:
        """Whether the word looks like a plural."""
        return self.singular != self.folded

    @property
    def is_capitalised(self) -> bool:
        """Whether the word begins with a capital letter."""
        return self.text[0].isupper()


def tokenize(text: str) -> tuple[Token, ...]:
    """The words and numbers of `text` in order; the 's of "Anna's" and the 'd of "I'd" are no part of their words."""
    found: list[Token] = []
    for match in _WORD.finditer(text):
        word = match.group()
        bare = _ENDING.sub("", word) if not word[0].isdigit() else word
        folded = fold(bare).replace("'", "").replace("’", "")
        start = match.start()
        found.append(Token(bare, folded, singular(folded), stem(folded), start, start + len(bare)))
    return tuple(found)


def fold(text: str) -> str:
    """Case and accents folded away."""
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_STROKED)
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


@lru_cache(maxsize=50_000)
def singular(word: str) -> str:
    """A folded word without its plural ending."""
    if word in _IRREGULAR_PLURALS:
        return _IRREGULAR_PLURALS[word]
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")) or word in ("series", "always"):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if word.endswith(("sses", "ches", "shes", "xes", "zes")):
        return word[:-2]
    return word[:-1]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A folded word without plural, -ed and -ing; the same for every inflection, not always a word itself."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    base = singular(word)
    if base in _IRREGULAR:
        return _IRREGULAR[base]
    for ending in ("ing", "ed"):
        if base.endswith(ending) and len(base) - len(ending) >= 3 and _VOWEL.search(base[: -len(ending)]):
            base = base[: -len(ending)]
            if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lsz":
                base = base[:-1]
            break
    if len(base) > 4 and base.endswith("e"):
        base = base[:-1]  # so that "invoiced" and "invoice" meet
    if len(base) > 4 and base.endswith("y"):
        base = base[:-1] + "i"
    return base


def stems(text: str) -> tuple[str, ...]:
    """The stems of a text's words, in order."""
    return tuple(token.stem for token in tokenize(text))


def identifier_words(identifier: str) -> str:
    """`ShipCountry` or `order_details` as words: `Ship Country`, `order details`."""
    return " ".join(part for part in _CAMEL.split(identifier) if part)


class BM25:
    """Okapi BM25 (Robertson & Zaragoza, 2009, equation 3.15) over a fixed set of documents, k1 = 1.2, b = 0.6."""

    def __init__(self, documents: Sequence[Iterable[str]]) -> None:
        """`documents`: each the stems of one document, repeated where a word should weigh more."""
        counts = [Counter(document) for document in documents]
        lengths = [sum(count.values()) for count in counts]
        mean = (sum(lengths) / len(lengths)) if lengths else 0.0
        frequency = Counter(word for count in counts for word in count)
        self._size = len(counts)
        self._postings: dict[str, list[tuple[int, float]]] = {}
        for index, count in enumerate(counts):
            norm = 1.2 * (0.4 + 0.6 * lengths[index] / mean) if mean else 1.2
            for word, times in count.items():
                rarity = math.log(1 + (self._size - frequency[word] + 0.5) / (frequency[word] + 0.5))
                self._postings.setdefault(word, []).append((index, rarity * times * 2.2 / (times + norm)))

    def scores(self, words: Iterable[str]) -> list[float]:
        """One score per document, 0.0 where no word of the query occurs."""
        total = [0.0] * self._size
        for word in dict.fromkeys(words):
            for index, weight in self._postings.get(word, ()):
                total[index] += weight
        return total
