"""Which metrics, dimensions and entities a question names outright.

A name or synonym that stands in the question is the strongest evidence there is of what is meant, stronger than any
vector; so mentions are found exactly (inflection and "category of products" for "product category" aside), the longest
wins, and what they cover is never guessed at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from memory.lexical import Token, tokenize
from memory.semantics import SemanticLayer

__all__ = ["Mention", "MentionIndex", "MentionKind", "without_articles"]

MentionKind = Literal["metric", "dimension", "entity"]

_ARTICLES = frozenset({"the", "a", "an", "our", "all", "their", "its", "this", "these", "those", "your", "my"})
_COUNTING = frozenset(
    {"many", "number", "count", "most", "more", "fewest", "fewer", "least", "less", "total", "amount"}
)
_LINKING = frozenset({"of", "for", "by", "in"})


@dataclass(frozen=True, slots=True)
class Mention:
    """One definition named in a question."""

    kind: MentionKind
    id: str
    surface: str
    """The name or synonym it was found by."""
    start: int
    end: int
    """Where it stands in the question, in characters."""
    first: int
    last: int
    """The same in tokens, both inclusive."""


@dataclass(frozen=True, slots=True)
class _Named:
    kind: MentionKind
    id: str
    surface: str
    participles: tuple[bool, ...] = ()
    """Which words of the matched form are participles: "shipped orders" is not said by "ship an order"."""
    plural: bool = False
    """Whether only a plural says it: the metric "sales" is not said by "on sale", nor "orders" by "per order"."""


class MentionIndex:
    """Every surface of a semantic layer by its stems."""

    def __init__(self, layer: SemanticLayer) -> None:
        self._named: dict[tuple[str, ...], list[_Named]] = {}
        self._longest = 1
        for kind, definitions in (
            ("metric", layer.metrics),
            ("dimension", layer.dimensions),
            ("entity", layer.entities),
        ):
            for definition in definitions:
                for surface in definition.surfaces:
                    self._add(_Named(kind, definition.id, surface))  # type: ignore[arg-type]

    def find(self, tokens: Sequence[Token]) -> tuple[Mention, ...]:
        """The mentions in the order of the text; where surfaces overlap, the longest.

        One surface may name a metric and a thing ("products"): the metric is meant when something is counted
        ("how many products", "the most products"), else the thing.
        """
        kept = without_articles(tokens)
        spans: list[tuple[int, int, list[_Named]]] = []
        for first in range(len(kept)):
            for last in range(first, min(first + self._longest, len(kept))):
                words = [tokens[place] for place in kept[first : last + 1]]
                named = [n for n in self._named.get(tuple(word.stem for word in words), ()) if _inflected(n, words)]
                if named:
                    spans.append((first, last, self._meant(named, tokens, kept, first)))
        taken: list[tuple[int, int, bool]] = []
        found: list[Mention] = []
        for first, last, named in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
            measured = named[0].kind == "metric"
            if not any(_excludes(held, (first, last, measured)) for held in taken):
                taken.append((first, last, measured))
                found.extend(_mention(entry, tokens, kept[first], kept[last]) for entry in named)
        return tuple(sorted(found, key=lambda mention: (mention.first, _KIND_ORDER[mention.kind], mention.id)))

    def _add(self, named: _Named) -> None:
        words = [token for token in tokenize(named.surface) if token.folded not in _ARTICLES]
        participles = {word.stem: word.is_participle for word in words}
        plain = tuple(word.stem for word in words)
        for form in dict.fromkeys((plain, *_turned(plain))):
            if form:
                known = self._named.setdefault(form, [])
                if (named.kind, named.id) not in {(entry.kind, entry.id) for entry in known}:
                    said = tuple(participles.get(word, False) for word in form)
                    plural = named.kind == "metric" and len(words) == 1 and words[0].is_plural
                    known.append(replace(named, participles=said, plural=plural))
                self._longest = max(self._longest, len(form))

    def _meant(self, named: list[_Named], tokens: Sequence[Token], kept: Sequence[int], first: int) -> list[_Named]:
        metrics = [entry for entry in named if entry.kind == "metric"]
        things = [entry for entry in named if entry.kind != "metric"]
        if not metrics or not things:
            return named
        return metrics if _is_counted(tokens, kept, first) else things


def _inflected(named: _Named, words: Sequence[Token]) -> bool:
    """Whether the words are inflected as the surface needs it."""
    if named.plural and not words[0].is_plural:
        return False
    return all(word.is_participle or not needed for word, needed in zip(words, named.participles, strict=True))


def _excludes(held: tuple[int, int, bool], span: tuple[int, int, bool]) -> bool:
    """Whether a span found later may not stand beside one that is held already.

    A metric and a thing may share a word at their ends ("total freight" and "freight of orders" in "total freight of
    orders"), but neither may lie inside the other.
    """
    overlap = held[0] <= span[1] and span[0] <= held[1]
    inside = held[0] <= span[0] and span[1] <= held[1]
    return overlap and (inside or held[2] == span[2])


_KIND_ORDER = {"metric": 0, "dimension": 1, "entity": 2}


def without_articles(tokens: Sequence[Token]) -> list[int]:
    """Places of the tokens that are no articles."""
    return [place for place, token in enumerate(tokens) if token.folded not in _ARTICLES]


def _is_counted(tokens: Sequence[Token], kept: Sequence[int], first: int) -> bool:
    """Whether what stands before says that the thing is counted: "how many", "most", "more than 5", "number of"."""
    before = [tokens[place] for place in kept[max(0, first - 3) : first]]
    if not before:
        return False
    if before[-1].folded in _COUNTING:
        return True
    if len(before) > 1 and before[-1].folded in ("different", "distinct", "of") and before[-2].folded in _COUNTING:
        return True
    return len(before) > 1 and before[-1].is_number and before[-2].folded in ("than", "least", "most", "over", "under")


def _turned(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """`product category` is also "category of products"; `value of stock` is also "stock value".

    But "number of orders" says how many there are, and is no `order number`.
    """
    turned: list[tuple[str, ...]] = []
    if len(words) == 2 and not set(words) & _LINKING and words[1] not in _COUNTING:
        turned.append((words[1], "of", words[0]))
    if len(words) == 3 and words[1] == "of":
        turned.append((words[2], words[0]))
    return turned


def _mention(named: _Named, tokens: Sequence[Token], first: int, last: int) -> Mention:
    return Mention(named.kind, named.id, named.surface, tokens[first].start, tokens[last].end, first, last)
