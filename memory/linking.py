"""A question linked to what is known: the definitions and values it names, and the tables they live in.

Mentions and values are found apart and settled here, because one can hide in the other ("sales representative" is a
dimension, `Sales Representative` a job title). Everything that reads a question (retrieval, recall of verified queries,
training data) goes through the same linker, so that all of them understand it alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from memory.catalog import Catalog
from memory.joins import JoinGraph, NoJoinPath
from memory.lexical import STOP_WORDS, Token, identifier_words, stems, tokenize
from memory.mentions import Mention, MentionIndex
from memory.semantics import Metric, SemanticLayer
from memory.spelling import Speller
from memory.values import ValueIndex, ValueMatch

__all__ = ["ColumnMention", "Linker", "Links"]

_GENERIC_COLUMNS = frozenset({"id", "name", "code", "type", "date", "number", "descript", "title", "valu", "value"})


_QUIET = (
    "number numbers total totals average mean avg count sum amount top bottom highest lowest most least fewest largest "
    "smallest biggest best worst maximum minimum max min more less fewer over under above below value values rate "
    "percentage percent share different distinct vs versus compared comparison year years month months quarter "
    "quarters week weeks day days date dates yearly monthly quarterly weekly daily first last next previous past "
    "since before after until up down overall only also together respectively ever often usually"
)
_QUIET_WORDS = frozenset(_QUIET.split())
"""Words that say how, not what: they are no evidence for any definition by themselves."""


@dataclass(frozen=True, slots=True)
class ColumnMention:
    """A catalog column named by its own identifier ("birth date") that no dimension covers."""

    table: str
    column: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Links:
    """What a question names, in the order of its text."""

    question: str
    tokens: tuple[Token, ...]
    mentions: tuple[Mention, ...]
    values: tuple[ValueMatch, ...]
    columns: tuple[ColumnMention, ...]
    tables: tuple[str, ...]
    """Tables of all that is named, and those named themselves, in order of appearance."""
    uncovered: tuple[Token, ...]
    """Content words that nothing above accounts for."""

    def ids(self, kind: str) -> tuple[str, ...]:
        """Ids of the mentioned definitions of one kind, each once, in order."""
        return tuple(dict.fromkeys(mention.id for mention in self.mentions if mention.kind == kind))


class Linker:
    """Links questions over one catalog, layer and value index. Immutable, and safe to share between threads."""

    def __init__(
        self, catalog: Catalog, layer: SemanticLayer, values: ValueIndex | None = None, joins: JoinGraph | None = None
    ) -> None:
        self.catalog = catalog
        self.layer = layer
        self.values = values or ValueIndex(catalog, layer)
        self.joins = joins or JoinGraph(catalog, [(join.left, join.right) for join in layer.joins])
        self._mentions = MentionIndex(layer)
        self._dimension_names = {stems(name): d.id for d in reversed(layer.dimensions) for name in d.surfaces}
        self._identifiers = _identifiers(catalog, layer)
        self._speller = _speller(catalog, layer, self.values)
        self._reached = lru_cache(maxsize=1024)(self._reachable)
        self.link = lru_cache(maxsize=4096)(self._link)
        """`link(question) -> Links`, remembered: steps of one run ask for the same question again."""
        self.link_as_typed = lru_cache(maxsize=4096)(self._link_as_typed)
        """The same without mending the spelling, for whatever must not rest on a guess."""

    def dimension_named(self, name: str) -> str:
        """Id of the dimension that has this name or synonym, "" when none has."""
        return self._dimension_names.get(stems(name), "")

    def tables_of(self, metric: Metric) -> tuple[str, ...]:
        """Tables a metric is computed from: base first, then those its expression names."""
        names = [table for part in self.layer.parts_of(metric) for table in (part.base, *part.tables) if table]
        return self.spelt([metric.base, *names])

    def reach_of(self, metric_ids: Iterable[str]) -> Callable[[str], bool] | None:
        """Whether a table can be joined to any of these metrics without repeating rows; None without metrics."""
        bases = [part.base for m in metric_ids for part in self.layer.parts_of(self.layer.metric(m)) if part.base]
        if not bases:
            return None
        reached = frozenset().union(*(self._reached(base) for base in bases))
        return lambda table: table in reached

    def _link(self, question: str) -> Links:
        return self._linked(question, self._speller.mended(tokenize(question)))

    def _link_as_typed(self, question: str) -> Links:
        return self._linked(question, tokenize(question))

    def _linked(self, question: str, tokens: tuple[Token, ...]) -> Links:
        mentions = self._mentions.find(tokens)
        metrics = [mention.id for mention in mentions if mention.kind == "metric"]
        values = self.values.match(question, self.reach_of(metrics), tokens)
        mentions, values = _settled(mentions, values)
        mentions = self._redirected(tokens, mentions, values)
        covered = [(m.start, m.end) for m in mentions] + [(v.start, v.end) for v in values]
        columns, named = self._identifier_mentions(tokens, covered, mentions, values)
        covered += [(c.start, c.end) for c in columns]
        covered += named.values()
        cues = frozenset().union(*(self.values.cues_of(value) for value in _firsts(values)))
        uncovered = tuple(
            token
            for token in tokens
            if not (token.is_number or token.folded in STOP_WORDS or token.folded in _QUIET_WORDS)
            and not (_inside(token, covered) or token.stem in cues)
        )
        tables = self.spelt([*self._tables(mentions), *(v.table for v in _firsts(values)), *named])
        tables = self.spelt([*tables, *(column.table for column in columns)])
        return Links(question, tokens, mentions, values, columns, tables, uncovered)

    def _redirected(
        self, tokens: tuple[Token, ...], mentions: tuple[Mention, ...], values: tuple[ValueMatch, ...]
    ) -> tuple[Mention, ...]:
        """A short dimension name read with the rest of the question.

        "The country of the supplier" names `Customer Country` by its synonym "country"; but the customer is nowhere
        else in the question, the supplier is, and "supplier country" is said in full.
        """
        said = {token.stem for token in tokens}
        turned: list[Mention] = []
        for mention in mentions:
            others = [m for m in mentions if m is not mention and (m.start, m.end) != (mention.start, mention.end)]
            linked = {*self._tables(others), *(value.table for value in values)}
            turned.append(self._fuller(mention, said, {table.casefold() for table in linked}))
        return tuple(dict.fromkeys(turned))

    def _fuller(self, mention: Mention, said: set[str], linked: set[str]) -> Mention:
        if mention.kind != "dimension" or self.layer.dimension(mention.id).table.casefold() in linked:
            return mention
        words = set(stems(mention.surface))
        for dimension in self.layer.dimensions:
            if dimension.table.casefold() in linked:
                for surface in dimension.surfaces:
                    content = {token.stem for token in tokenize(surface) if token.folded not in STOP_WORDS}
                    if words < content <= said:
                        return replace(mention, id=dimension.id, surface=surface)
        return mention

    def _tables(self, mentions: Iterable[Mention]) -> list[str]:
        tables: list[str] = []
        for mention in mentions:
            if mention.kind == "metric":
                tables += self.tables_of(self.layer.metric(mention.id))
            elif mention.kind == "dimension":
                tables.append(self.layer.dimension(mention.id).table)
            else:
                tables.append(self.layer.entity(mention.id).table)
        return tables

    def _identifier_mentions(
        self,
        tokens: tuple[Token, ...],
        covered: list[tuple[int, int]],
        mentions: tuple[Mention, ...],
        values: tuple[ValueMatch, ...],
    ) -> tuple[tuple[ColumnMention, ...], dict[str, tuple[int, int]]]:
        """Columns and tables named by their identifiers, where nothing else covers the words."""
        columns: list[ColumnMention] = []
        tables: dict[str, tuple[int, int]] = {}
        linked = set(self.spelt([*self._tables(mentions), *(value.table for value in values)]))
        place = 0
        while place < len(tokens):
            length, found = self._identifier_at(tokens, place)
            start, end = tokens[place].start, tokens[place + max(length, 1) - 1].end
            # A longer identifier may hold a shorter mention: "order details" is a table, though "order" is said.
            held = [span for span in covered if _overlap((start, end), span)]
            if not found or any(not _contains((start, end), span) or span == (start, end) for span in held):
                place += 1
                continue
            near = [(t, c) for t, c in found if t in linked] or found
            for table, column in near if len(near) <= 2 else []:
                if column:
                    columns.append(ColumnMention(table, column, start, end))
                else:
                    tables[table] = (start, end)
            place += length
        return tuple(columns), tables

    def _identifier_at(self, tokens: tuple[Token, ...], place: int) -> tuple[int, list[tuple[str, str]]]:
        for length in range(min(4, len(tokens) - place), 0, -1):
            words = tuple(token.stem for token in tokens[place : place + length])
            found = self._identifiers.get(words)
            if found:
                return length, found
        return 0, []

    def _reachable(self, base: str) -> frozenset[str]:
        reached: set[str] = set()
        for table in self.catalog.tables:
            try:
                if not self.joins.fans_out(base, table.name):
                    reached.add(table.name)
            except NoJoinPath:
                continue
        return frozenset(reached)

    def spelt(self, names: Iterable[str]) -> tuple[str, ...]:
        """The catalog's spelling of each table, each once; what the catalog does not have is left out."""
        found = (self.catalog.table(name) for name in names if name)
        return tuple(dict.fromkeys(table.name for table in found if table is not None))


def _speller(catalog: Catalog, layer: SemanticLayer, values: ValueIndex) -> Speller:
    """Knows the words of all names and identifiers, of the stored values, and those that say how."""
    definitions = (*layer.metrics, *layer.dimensions, *layer.entities)
    texts = [surface for definition in definitions for surface in definition.surfaces]
    texts += [identifier_words(table.name) for table in catalog.tables]
    texts += [identifier_words(column.name) for table in catalog.tables for column in table.columns]
    names = Counter(word for text in texts for token in tokenize(text) for word in {token.folded, token.singular})
    return Speller(names, values.words, _QUIET_WORDS)


def _identifiers(catalog: Catalog, layer: SemanticLayer) -> dict[tuple[str, ...], list[tuple[str, str]]]:
    """Stems of each table's and undescribed column's identifier to (table, column); "" for the table itself."""
    described = {(d.table.casefold(), d.column.casefold()) for d in layer.dimensions if d.column}
    found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for table in catalog.tables:
        found.setdefault(stems(identifier_words(table.name)), []).append((table.name, ""))
        for column in table.columns:
            words = stems(identifier_words(column.name))
            generic = len(words) == 1 and (words[0] in _GENERIC_COLUMNS or len(words[0]) < 3)
            is_key = bool(words) and words[-1] == "id"
            if not generic and not is_key and (table.name.casefold(), column.name.casefold()) not in described:
                found.setdefault(words, []).append((table.name, column.name))
    found.pop((), None)
    return found


def _settled(
    mentions: tuple[Mention, ...], values: tuple[ValueMatch, ...]
) -> tuple[tuple[Mention, ...], tuple[ValueMatch, ...]]:
    """Of a mention and a value over the same words one stays: the longer, else the value if it is clearly one."""
    lost_mentions: set[Mention] = set()
    lost_spans: set[tuple[int, int]] = set()
    for mention in mentions:
        for value in _firsts(values):
            span = (value.start, value.end)
            if not _overlap((mention.start, mention.end), span):
                continue
            over = (mention.start, mention.end)
            if over == span:
                lost = _clearly_a_value(value)
            elif _contains(span, over):
                lost = True
            elif _contains(over, span):
                lost = False
            else:  # they share a word at their ends ("Dairy Products category"): both were said
                continue
            if lost:
                lost_mentions.add(mention)
            else:
                lost_spans.add(span)
    kept_values = tuple(value for value in values if (value.start, value.end) not in lost_spans)
    return tuple(mention for mention in mentions if mention not in lost_mentions), kept_values


def _clearly_a_value(value: ValueMatch) -> bool:
    typed_as_stored = value.surface == value.value and value.value != value.value.lower() and value.start > 0
    return typed_as_stored or value.score >= 2.0


def _firsts(values: Iterable[ValueMatch]) -> list[ValueMatch]:
    """The best candidate of each surface."""
    best: dict[tuple[int, int], ValueMatch] = {}
    for value in values:
        best.setdefault((value.start, value.end), value)
    return list(best.values())


def _overlap(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return first[0] < second[1] and second[0] < first[1]


def _contains(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _inside(token: Token, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= token.start and token.end <= end for start, end in spans)
