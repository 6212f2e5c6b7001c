"""Mends the spelling of a question's words where it is clear which known word was meant ("revnue by shiper").

A typed word that is known as it stands is never touched, nor is any plain English word: reading `county` as
`country` would answer another question. What is left is compared with the words of names, synonyms, identifiers and
stored values; the nearest by Damerau's distance (1964; adjacent letters that changed places count as one slip) is
taken, and among equally near ones the most frequent. Two that are equally near and equally frequent leave the word
as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from memory.lexical import STOP_WORDS, Token, singular, stem
from memory.surfaces import EVERYDAY_WORDS, TRUE_WORDS, is_country_word

__all__ = ["Speller", "edits"]

_SHORTEST, _SHORTEST_VALUE = 5, 6
"""Letters from which a word can be told from a slip of another; a value (a name of somebody) needs one more."""
_TWO_SLIPS, _TWO_SLIPS_VALUE = 8, 9
"""Letters from which two slips are allowed instead of one."""
_ENDINGS = frozenset(
    """
    s es ed er ers or ors ee ees ing ings y ies al ally ment ments ion ions ive ly able ible ance ant ent ence ist ic
    ical ous ful ness ity ation ations ship ships
    """.split()  # noqa: SIM905 - a list of words is read as prose
) | {""}
"""Two words that differ in these are two words ("employer" and "employee"), not one and its slip."""
_STEM_LETTERS = 4
_MOST_VALUES = 20_000
"""Value words that are mended towards, the most frequent ones: what can be looked through in a millisecond or two."""


class Speller:
    """The known words of one workspace. Immutable, and safe to share between threads."""

    def __init__(self, names: Mapping[str, int], values: Mapping[str, int], quiet: Iterable[str] = ()) -> None:
        """Folded words with how often each occurs.

        Args:
            names: of definitions and identifiers.
            values: of stored values.
            quiet: words that say how, not what ("average", "quarter"): known, and worth mending towards.
        """
        own = {*names, *quiet, *STOP_WORDS}
        plain = EVERYDAY_WORDS | TRUE_WORDS
        self._known = frozenset(stem(word) for word in own | values.keys() | plain)
        top = max(values.values(), default=0) + 1
        weights = dict.fromkeys(plain, 0)  # the slip of one of these is none of what is known
        often = sorted(values.items(), key=lambda held: (-held[1], held[0]))[:_MOST_VALUES]
        weights |= {word: count for word, count in often if len(word) >= _SHORTEST_VALUE}
        weights |= {word: top for word in own if word not in names}
        weights |= {word: top + count for word, count in names.items()}
        self._names = frozenset(own | plain)
        self._words: dict[tuple[str, int], list[tuple[str, int, int]]] = {}
        for word, weight in sorted(weights.items()):
            if len(word) >= _SHORTEST and word.isalpha():
                self._words.setdefault((word[0], len(word)), []).append((word, _letters(word), weight))
        self._nearest = lru_cache(maxsize=4096)(self._found)

    def mended(self, tokens: Sequence[Token]) -> tuple[Token, ...]:
        """The tokens, those with a slip as the word they stand for; text and place stay as typed."""
        return tuple(self._mended(token) for token in tokens)

    def _mended(self, token: Token) -> Token:
        if len(token.folded) < _SHORTEST or not token.folded.isalpha() or token.stem in self._known:
            return token
        if is_country_word(token.text) or is_country_word(token.singular):
            return token
        meant = self._nearest(token.folded)
        if not meant:
            return token
        return replace(token, folded=meant, singular=singular(meant), stem=stem(meant), respelt=True)

    def _found(self, word: str) -> str:
        """The known word that a folded one is a slip of, in the same number; "" when none surely is."""
        found: dict[str, tuple[int, int]] = {}
        for form in dict.fromkeys((word, singular(word))):
            for near, rank in self._near(form):
                meant = _plural(near) if form != word and near == singular(near) else near
                found[meant] = min(rank, found.get(meant, rank))
        ranked = sorted((rank, near) for near, rank in found.items())
        if not ranked:
            return ""
        tied = [near for rank, near in ranked if rank == ranked[0][0]]
        return ranked[0][1] if len({stem(near) for near in tied}) == 1 else ""

    def _near(self, word: str) -> list[tuple[str, tuple[int, int]]]:
        """Known words near enough to `word`, each with (slips, less for the more frequent)."""
        letters = _letters(word)
        starts = {word[0], word[1]}
        found = []
        for length in range(len(word) - 2, len(word) + 3):
            for start in starts:
                for known, held, weight in self._words.get((start, length), ()):
                    name = known in self._names
                    shorter = min(len(word), length)
                    allowed = 2 if shorter >= (_TWO_SLIPS if name else _TWO_SLIPS_VALUE) else 1
                    if shorter < (_SHORTEST if name else _SHORTEST_VALUE) - 1 or len(word) < _SHORTEST:
                        continue
                    if (letters ^ held).bit_count() > 2 * allowed or abs(len(word) - length) > allowed:
                        continue
                    if start != word[0] and known[:2] != word[1] + word[0]:
                        continue
                    slips = edits(word, known, allowed)
                    if slips <= allowed and not _derived(word, known):
                        found.append((known, (slips, -weight)))
        return found


def edits(first: str, second: str, most: int) -> int:
    """Damerau's distance of two words: letters put in, left out, changed, or swapped with the next.

    Anything over `most` is given as `most + 1`.
    """
    if abs(len(first) - len(second)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(second) + 1))
    for row, letter in enumerate(first, 1):
        current = [row]
        for column, other in enumerate(second, 1):
            cost = min(last[column] + 1, current[-1] + 1, last[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == second[column - 2] and other == first[row - 2]:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        if min(current) > most:
            return most + 1
        before, last = last, current
    return min(last[-1], most + 1)


def _plural(word: str) -> str:
    return word[:-1] + "ies" if word.endswith("y") and word[-2:-1] not in "aeiou" else word + "s"


def _derived(word: str, known: str) -> bool:
    """Whether both are the same beginning with an English ending each."""
    for cut in range(_STEM_LETTERS, min(len(word), len(known)) + 1):
        if word[:cut] != known[:cut]:
            return False
        if word[cut:] in _ENDINGS and known[cut:] in _ENDINGS:
            return True
    return False


def _letters(word: str) -> int:
    """The set of a word's letters as bits, for ruling out most words without measuring them."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 63)
    return bits
