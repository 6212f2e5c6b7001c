"""Value linking: which of the warehouse's values a question names, and in which columns they live.

A small model cannot know that `Nancy Davolio` is an employee or that `Germany` stands in three columns; left to guess
it binds the value to the wrong one. The index holds the low-cardinality values of the catalog, all values of entity
labels and text dimensions, and computed names (first + last). Where one surface lives in several columns, the words
around it, and the tables the question can reach, rank them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from memory.catalog import Catalog
from memory.lexical import STOP_WORDS, Token, identifier_words, stem, stems, tokenize
from memory.semantics import SemanticLayer
from memory.surfaces import EVERYDAY_WORDS, is_country_word, other_names
from memory.value_sources import ValueSource, value_sources

__all__ = ["ValueIndex", "ValueMatch"]

MAX_CANDIDATES = 3
"""Columns given for one surface."""
MARGIN = 1.0
"""A column that scores this much less than the best one for the surface is not given."""

_JOINING = frozenset({"and", "&", "the"})
_DESTINATION = frozenset({"destin", "destination", "deliver", "deliveri", "ship"})
_NO_LETTER = re.compile(r"^[^A-Za-z\u00c0-\uffff]+$")


@dataclass(frozen=True, slots=True)
class ValueMatch:
    """One value named in a question, in one of the columns it lives in."""

    surface: str
    """The words as typed."""
    table: str
    column: str
    """The column's name; for a computed value, the expression in the semantic layer's dialect."""
    value: str
    """The value as the warehouse spells it."""
    dimension: str = ""
    """Id of the dimension over that column or expression, if there is one."""
    computed: bool = False
    """Whether `column` is an expression (first name || ' ' || last name)."""
    score: float = 0.0
    start: int = 0
    end: int = 0
    """Where the surface stands in the question, in characters."""
    exact: bool = True
    """False for a shortened or misspelt surface."""

    @property
    def target(self) -> str:
        """What the value is compared with: `Table.Column`, or the expression."""
        return self.column if self.computed else f"{self.table}.{self.column}"


@dataclass(frozen=True, slots=True)
class _Entry:
    source: int
    value: str
    alias: bool = False


@dataclass(frozen=True, slots=True)
class _Span:
    first: int
    last: int
    entries: tuple[_Entry, ...]
    exact: bool = True


class ValueIndex:
    """Every value a question may name. Immutable, and safe to share between threads."""

    def __init__(
        self,
        catalog: Catalog,
        layer: SemanticLayer | None = None,
        values: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Samples of `catalog`, and `values` collected in full (see `memory.value_sources.collect_values`)."""
        self.sources: tuple[ValueSource, ...] = value_sources(catalog, layer or SemanticLayer(), values or {})
        self._entries: dict[str, list[_Entry]] = {}
        self._starts: dict[str, list[_Entry]] = {}
        self._buckets: dict[tuple[int, str], list[str]] = {}
        self._longest = 1
        for index, source in enumerate(self.sources):
            for value in source.values:
                self._add(index, source, value)
        for key in self._entries:
            self._buckets.setdefault((key.count(" "), key[:1]), []).append(key)
        self._cues = {source.target: source.own_cues for source in self.sources}
        self._known = _vocabulary(catalog, layer or SemanticLayer())

    def __len__(self) -> int:
        return sum(len(source.values) for source in self.sources)

    @property
    def words(self) -> Counter[str]:
        """The folded singular words of everything that can be matched, with how many surfaces hold each."""
        return Counter(word for key in self._entries for word in set(key.split(" ")))

    def match(
        self, question: str, reach: Callable[[str], bool] | None = None, tokens: Sequence[Token] | None = None
    ) -> tuple[ValueMatch, ...]:
        """The values named in the question, in the order of the text, each with its columns best first.

        The longest surface wins where two overlap. Case, plural, possessive, accents and country adjectives are
        tolerated; a capitalised surface may also be shortened ("Blue Harbour" for "Blue Harbour Trading") or have
        a letter wrong.

        Args:
            question: the question as typed.
            reach: whether a table can be joined to what the question measures without repeating rows; columns of
                other tables rank lower.
            tokens: the question's words with their spelling mended; None takes them as typed.
        """
        read = tokenize(question) if tokens is None else tokens
        tokens = [token for token in read if token.folded not in _JOINING]
        cased = any(token.is_capitalised for token in tokens[1:]) or len(tokens) < 2
        taken: set[int] = set()
        spans = [span for span in self._exact_spans(tokens, cased) if _claim(span, taken)]
        spans += [span for span in self._loose_spans(tokens, taken) if _claim(span, taken)]
        found: list[ValueMatch] = []
        for span in sorted(spans, key=lambda s: s.first):
            found.extend(self._ranked(question, tokens, span, reach))
        return tuple(found)

    def cues_of(self, match: ValueMatch) -> frozenset[str]:
        """Stems that point at the match's column: words that are accounted for by the match."""
        return self._cues.get(match.target, frozenset())

    # -- building --------------------------------------------------------------------------------------------------

    def _add(self, index: int, source: ValueSource, value: str) -> None:
        for surface, alias in ((value, False), *((name, True) for name in _aliases(value, source))):
            words = _key_words(surface)
            if not words or len(words) > 8:
                continue
            entry = _Entry(index, value, alias)
            known = self._entries.setdefault(" ".join(words), [])
            if not any(e.source == index and e.value == value for e in known):
                known.append(entry)
            self._longest = max(self._longest, len(words))
        words = _key_words(value)
        if source.role in ("label", "name") and len(words) > 1:
            for length in range(1, len(words)):
                start = " ".join(words[:length])
                if length > 1 or (len(start) >= 4 and start not in EVERYDAY_WORDS):
                    self._starts.setdefault(start, []).append(_Entry(index, value))

    # -- finding ---------------------------------------------------------------------------------------------------

    def _exact_spans(self, tokens: Sequence[Token], cased: bool) -> list[_Span]:
        spans: list[_Span] = []
        for first in range(len(tokens)):
            for last in range(first, min(first + self._longest, len(tokens))):
                entries = self._entries.get(" ".join(token.singular for token in tokens[first : last + 1]))
                if entries:
                    kept = tuple(e for e in entries if self._plausible(e, tokens, first, last, cased))
                    if kept:
                        exact = not any(token.respelt for token in tokens[first : last + 1])
                        spans.append(_Span(first, last, kept, exact))
        return sorted(spans, key=lambda span: (span.first - span.last, span.first))

    def _plausible(self, entry: _Entry, tokens: Sequence[Token], first: int, last: int, cased: bool) -> bool:
        words = tokens[first : last + 1]
        if len(words) > 1:
            return True
        word = words[0]
        source = self.sources[entry.source]
        if _NO_LETTER.match(entry.value):
            return len(entry.value) >= 5 and word.text == entry.value
        if source.role == "key" or word.folded in STOP_WORDS or word.folded == "us" or len(word.text) <= 2:
            same_case = word.text == (word.text.upper() if entry.alias else entry.value)
            return same_case and (cased_text(tokens) or word.folded not in STOP_WORDS)
        if word.is_capitalised and (first > 0 or word.text == entry.value):
            return True
        if word.folded in EVERYDAY_WORDS or word.singular in EVERYDAY_WORDS:
            # Of another name ("the States") only the capital tells that it is meant.
            return not entry.alias and self._cue(source, source.cues, tokens, first, last) > 0
        return not (entry.alias and cased) or len(word.folded) > 4

    def _loose_spans(self, tokens: Sequence[Token], taken: set[int]) -> list[_Span]:
        spans: list[_Span] = []
        for first, token in enumerate(tokens):
            if first in taken or token.is_number or token.folded in STOP_WORDS:
                continue
            capitalised = token.is_capitalised and first > 0
            if not capitalised and (len(token.folded) < 7 or token.stem in self._known):
                continue
            for last in range(min(first + self._longest, len(tokens)) - 1, first - 1, -1):
                if taken.isdisjoint(range(first, last + 1)):
                    entries = self._loose_entries([t.singular for t in tokens[first : last + 1]], capitalised)
                    if entries:
                        spans.append(_Span(first, last, entries, exact=False))
                        break
        return sorted(spans, key=lambda span: (span.first - span.last, span.first))

    def _loose_entries(self, words: list[str], capitalised: bool) -> tuple[_Entry, ...]:
        key = " ".join(words)
        if len(words) == 1 and (stem(key) in self._known or key in EVERYDAY_WORDS):
            return ()
        if is_country_word(key):  # a country the warehouse does not have is no misspelling of one it has
            return ()
        if capitalised:
            entries = self._starts.get(key, [])
            if entries and len({entry.value for entry in entries}) <= MAX_CANDIDATES:
                return tuple(entries)
        if len(key) < 7:
            return ()
        near = [
            known
            for known in self._buckets.get((len(words) - 1, key[:1]), ())
            if abs(len(known) - len(key)) <= 1 and _within(key, known, 1)
        ]
        return tuple(self._entries[near[0]]) if len(near) == 1 else ()

    # -- ranking ---------------------------------------------------------------------------------------------------

    def _ranked(
        self, question: str, tokens: Sequence[Token], span: _Span, reach: Callable[[str], bool] | None
    ) -> list[ValueMatch]:
        start, end = tokens[span.first].start, tokens[span.last].end
        surface = question[start:end]
        shared = frozenset.intersection(*(self.sources[e.source].cues for e in span.entries))
        scored: dict[tuple[str, str], tuple[float, int, ValueMatch]] = {}
        several = len({e.source for e in span.entries}) > 1
        for entry in span.entries:
            source = self.sources[entry.source]
            score = source.weight + (0.2 if entry.value == surface else 0.0) - (0.3 if not span.exact else 0.0)
            score += self._cue(source, source.cues - shared if several else source.cues, tokens, span.first, span.last)
            if several and any(words <= shared for words in source.names):
                score += 0.3  # the dimension people mean by the bare word ("country")
            if span.first and tokens[span.first - 1].folded == "to" and source.own_cues & _DESTINATION:
                score += 0.8
            if reach is not None:
                score += 0.4 if reach(source.table) else -1.0
            match = ValueMatch(
                surface, source.table, source.column, entry.value, source.dimension, source.computed,
                round(score, 3), start, end, span.exact,
            )  # fmt: skip
            scored[match.target, match.value] = (-match.score, source.order, match)
        best = [match for *_, match in sorted(scored.values(), key=lambda row: row[:2])]
        return [match for match in best if match.score > best[0].score - MARGIN][:MAX_CANDIDATES]

    def _cue(self, source: ValueSource, cues: frozenset[str], tokens: Sequence[Token], first: int, last: int) -> float:
        total = 0.0
        seen: set[str] = set()
        for index, token in enumerate(tokens):
            if first <= index <= last or token.folded in STOP_WORDS:
                continue
            cue = next((c for c in (token.stem,) if c in cues), None) or _long_prefix(token.stem, cues)
            if cue is None or cue in seen:
                continue
            seen.add(cue)
            near = -4 <= index - first < 0 or 0 < index - last <= 2
            total += (1.5 if near else 0.8) * (1.0 if cue in source.own_cues else 0.5)
        return min(total, 2.5)


def cased_text(tokens: Iterable[Token]) -> bool:
    """Whether the text uses lower case at all, so that a capital says something."""
    return any(token.text != token.text.upper() for token in tokens if not token.is_number)


def _claim(span: _Span, taken: set[int]) -> bool:
    places = set(range(span.first, span.last + 1))
    if places & taken:
        return False
    taken |= places
    return True


def _key_words(text: str) -> list[str]:
    return [token.singular for token in tokenize(text) if token.folded not in _JOINING]


def _aliases(value: str, source: ValueSource) -> list[str]:
    names = list(other_names(value)) if source.role in ("dimension", "sample", "label") else []
    if "/" in value and source.role in ("label", "dimension"):
        names += [part.strip() for part in value.split("/") if len(part.strip()) > 3]
    return names


def _long_prefix(word: str, cues: frozenset[str]) -> str | None:
    """A cue of which `word` is the beginning, or the other way round ("deliver", "deliveri"); at least 5 letters."""
    if len(word) < 5:
        return None
    return min((c for c in cues if len(c) >= 5 and (c.startswith(word) or word.startswith(c))), default=None)


def _vocabulary(catalog: Catalog, layer: SemanticLayer) -> frozenset[str]:
    """Stems of every word the schema and the semantic layer use: such a word is no misspelt value."""
    texts: list[str] = []
    for table in catalog.tables:
        texts += [identifier_words(table.name), *(identifier_words(column.name) for column in table.columns)]
    for definition in (*layer.metrics, *layer.dimensions, *layer.entities):
        texts += [*definition.surfaces, definition.description]
    return frozenset(word for text in texts for word in stems(text))


def _within(first: str, second: str, allowed: int) -> bool:
    """Whether the edit distance (Levenshtein, 1966) of two texts is at most `allowed`."""
    previous = list(range(len(second) + 1))
    for row, letter in enumerate(first, 1):
        current = [row]
        for column, other in enumerate(second, 1):
            current.append(min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (letter != other)))
        if min(current) > allowed:
            return False
        previous = current
    return previous[-1] <= allowed
