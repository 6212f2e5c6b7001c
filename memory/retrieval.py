"""From a question to its grounding: the few pieces of what is known that a model needs to answer it, and no others.

What the question names outright (metrics, dimensions, values) always comes first. Only what is left of the question
is searched for, by word (BM25) and by vector, the two fused by reciprocal rank (Cormack et al., 2009). A small model
is led astray by one wrong piece more than by one missing, so a guess must have evidence in the question. The same
question over the same knowledge always gives the same pieces: vectors are compared exactly, ties are settled by id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

from memory.catalog import Catalog
from memory.documents import weighed_words
from memory.joins import JoinGraph, NoJoinPath
from memory.lexical import BM25, STOP_WORDS, identifier_words, stem, stems, tokenize
from memory.linking import Linker, Links
from memory.notes import dialect_notes, topics_of
from memory.periods import find_periods
from memory.pieces import Piece, PieceWriter
from memory.semantics import Dimension, Metric, SemanticLayer
from memory.store import Kind, MemoryStore
from memory.values import ValueIndex
from memory.verified import VerifiedQueries, VerifiedQuery

__all__ = ["Piece", "Retrieved", "Retriever"]

_RRF = 60
"""The constant of reciprocal rank fusion."""
_NEAR = 0.6
"""Cosine from which a definition counts as meant without a word in common."""
_MAX_GUESSES = 3
_SAID_OTHERWISE = {
    "sell": "sales", "sold": "sales", "spend": "sales revenue", "spent": "sales revenue", "spending": "sales revenue",
    "money": "revenue", "dollars": "revenue", "earn": "revenue", "long": "time", "longest": "time", "slow": "time",
    "fast": "time", "quickly": "time", "cheap": "price", "cheapest": "price", "expensive": "price", "cost": "price",
    "late": "delay", "old": "age", "young": "age",
}  # fmt: skip
_HINTS = {stem(word): stems(hint) for word, hint in _SAID_OTHERWISE.items()}
"""Everyday words and what definitions call the same thing; used where nothing is named outright."""
_MAX_EXAMPLES = 3
_EXAMPLE_NEAR = 0.55
_D = TypeVar("_D", Metric, Dimension)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The grounding of one question, best pieces first within each kind."""

    pieces: tuple[Piece, ...]
    catalog_fingerprint: str
    semantics_fingerprint: str


class Retriever:
    """Retrieves over one snapshot of what is known; open another after a sync."""

    def __init__(
        self,
        store: MemoryStore,
        catalog: Catalog,
        layer: SemanticLayer,
        values: ValueIndex | None = None,
        joins: JoinGraph | None = None,
    ) -> None:
        self.linker = Linker(catalog, layer, values, joins)
        self.store = store
        self._verified = VerifiedQueries(store, self.linker)
        self._metrics = _Definitions(store, "metrics", layer.metrics)
        self._dimensions = _Definitions(store, "dimensions", layer.dimensions)
        self._writers: dict[tuple[str, frozenset[str]], PieceWriter] = {}

    def retrieve(
        self,
        question: str,
        *,
        max_pieces: int = 24,
        dialect: str | None = None,
        hidden: frozenset[str] = frozenset(),
    ) -> Retrieved:
        """The pieces for one question: metric, dimension, column, value, period, example, table, join, note, in order.

        Args:
            question: as typed.
            max_pieces: the last ones are left out beyond this; what is named comes before what is guessed.
            dialect: sqlglot name the pieces are written in; None takes the warehouse's.
            hidden: columns (`Table.Column`) that whoever asks may not read, so that no model is told of them.

        Raises:
            MemoryUnavailable: the index cannot be read.
        """
        return self.retrieve_many([question], max_pieces=max_pieces, dialect=dialect, hidden=hidden)[0]

    def retrieve_many(
        self,
        questions: Sequence[str],
        *,
        max_pieces: int = 24,
        dialect: str | None = None,
        hidden: frozenset[str] = frozenset(),
    ) -> list[Retrieved]:
        """`retrieve` for several questions: one embedding call and one request for all."""
        catalog, layer = self.linker.catalog, self.linker.layer
        writer = self._writer(dialect or catalog.dialect, hidden)
        linked = [self.linker.link(question) for question in questions]
        vectors = self._vectors([" ".join(token.text for token in links.uncovered) for links in linked])
        examples = self._verified.nearest_many(list(questions), _MAX_EXAMPLES)
        retrieved = []
        for links, vector, near in zip(linked, vectors, examples, strict=True):
            pieces = self._pieces(links, vector, writer)
            pieces += _example_pieces(near, writer.dialect)
            pieces += self._structure(links, pieces, writer)
            pieces += _note_pieces(links.question, writer.dialect)
            pieces = [piece for piece in pieces if not self._tells_of(piece, hidden)]
            retrieved.append(Retrieved(tuple(pieces[:max_pieces]), catalog.fingerprint, layer.fingerprint))
        return retrieved

    # -- what the question is about --------------------------------------------------------------------------------

    def _pieces(self, links: Links, vector: Any, writer: PieceWriter) -> list[Piece]:
        layer = self.linker.layer
        metrics = [layer.metric(name) for name in links.ids("metric")]
        dimensions = [layer.dimension(name) for name in links.ids("dimension")]
        words = [token.stem for token in links.uncovered]
        context = [token.stem for token in links.tokens]
        if not metrics:
            hints = [hint for token in links.tokens for hint in _HINTS.get(token.stem, ())]
            words, context = words + hints, context + hints
        pieces = [writer.metric(metric) for metric in metrics]
        guessed_metrics = self._metrics.guess(words, vector, context=context, whole=bool(metrics))
        pieces += [_scored(writer.metric(m), s) for m, s in guessed_metrics if m not in metrics]
        measured = [*metrics, *(metric for metric, _ in guessed_metrics)]
        pieces += [writer.dimension(dimension) for dimension in dimensions]
        clock = self._clock(links, measured)
        if clock is not None and clock not in dimensions:
            pieces.append(_scored(writer.dimension(clock), 0.9))
        seen = {dimension.id for dimension in dimensions} | ({clock.id} if clock else set())
        guessed = self._dimensions.guess(words, vector, context=context, prefer=links.tables)
        pieces += [_scored(writer.dimension(d), s) for d, s in guessed if d.id not in seen]
        pieces += [
            writer.column(column.table, column.column, identifier_words(column.column), 0.9) for column in links.columns
        ]
        pieces += [writer.value(match) for match in links.values]
        pieces += [writer.period(found) for found in find_periods(links.question, layer.today())]
        return pieces

    def _clock(self, links: Links, metrics: Sequence[Metric]) -> Dimension | None:
        """The date dimension that a period in the question restricts, if it speaks of one."""
        if "dates" not in topics_of(links.question):
            return None
        named = [metric.time for metric in metrics if metric.time]
        if not named and metrics:
            return None
        wanted = (named[0] if named else self.linker.layer.calendar.time_column).casefold()
        dated = [d for d in self.linker.layer.dimensions if d.type == "date"]
        if any(d.id in links.ids("dimension") for d in dated):
            return None  # the question says which date it means
        found = next((d for d in dated if f"{d.table}.{d.column}".casefold() == wanted), None)
        if found is None or metrics:
            return found
        return found if found.table in links.tables else None

    # -- where it lives --------------------------------------------------------------------------------------------

    def _structure(self, links: Links, pieces: Sequence[Piece], writer: PieceWriter) -> list[Piece]:
        """The tables of every piece, those between them, and the joins of that path."""
        named = list(links.tables)
        for piece in pieces:
            named += self._tables_of(piece)
        if not named:
            named = self._nearest_tables(links)
        wanted = list(dict.fromkeys(named))
        joins = self.linker.joins
        edges = []
        try:
            edges = list(joins.path(wanted))
        except NoJoinPath:  # several islands: join what can be joined to the first table
            reachable = [table for table in wanted if joins.connected([wanted[0], table])]
            edges = list(joins.path(reachable))
        tables = list(dict.fromkeys([*wanted, *(end for e in edges for end in (e.left_table, e.right_table))]))
        own = [edge for table in wanted for edge in joins.between(table, table)]
        return [
            *(_scored(writer.table(table), 0.8 if table in wanted else 0.6) for table in tables),
            *(writer.join(edge, 0.6) for edge in (*edges, *own)),
        ]

    def _tells_of(self, piece: Piece, hidden: frozenset[str]) -> bool:
        """Whether a piece is about a hidden column. A metric over one is the organisation's own, and refused later."""
        if piece.kind == "dimension":
            dimension = self.linker.layer.dimension(piece.id)
            named = {f"{dimension.table}.{dimension.column}"}
        else:
            named = {piece.id} if piece.kind == "column" else set(piece.id.replace(" AND ", " = ").split(" = "))
        return not hidden.isdisjoint(named)

    def _tables_of(self, piece: Piece) -> tuple[str, ...]:
        layer = self.linker.layer
        if piece.kind == "metric":
            return self.linker.tables_of(layer.metric(piece.id))
        if piece.kind == "dimension":
            return self.linker.spelt([layer.dimension(piece.id).table])
        return ()

    def _nearest_tables(self, links: Links) -> list[str]:
        """Tables by the words of their identifiers, for a warehouse nobody has described."""
        tables = self.linker.catalog.tables
        scores = self._table_words.scores([token.stem for token in links.tokens])
        ranked = sorted(range(len(tables)), key=lambda index: (-scores[index], tables[index].name))
        return [tables[index].name for index in ranked if scores[index] > 0][:_MAX_GUESSES]

    @cached_property
    def _table_words(self) -> BM25:
        texts = [
            " ".join([identifier_words(t.name)] * 3 + [identifier_words(c.name) for c in t.columns] + [t.comment])
            for t in self.linker.catalog.tables
        ]
        return BM25([stems(text) for text in texts])

    def _vectors(self, texts: Sequence[str]) -> list[Any]:
        """A unit vector per text, None for an empty one (everything in the question is accounted for)."""
        asked = [text for text in texts if text]
        embedded = iter(self.store.embedder.embed(asked) if asked else ())
        return [next(embedded) if text else None for text in texts]

    def _writer(self, dialect: str, hidden: frozenset[str]) -> PieceWriter:
        if (dialect, hidden) not in self._writers:
            writer = PieceWriter(self.linker.catalog, self.linker.layer, dialect, hidden)
            self._writers[dialect, hidden] = writer
        return self._writers[dialect, hidden]


class _Definitions(Generic[_D]):
    """Metrics or dimensions with their word statistics and vectors, for what a question only hints at."""

    def __init__(self, store: MemoryStore, kind: Kind, definitions: Sequence[_D]) -> None:
        self._store = store
        self._kind: Kind = kind
        self._definitions: Sequence[_D] = definitions
        self._words = BM25([weighed_words(definition) for definition in definitions])
        self._named = [[_content(name) for name in definition.surfaces] for definition in definitions]

    def guess(
        self,
        words: Sequence[str],
        vector: Any,
        *,
        context: Sequence[str] = (),
        prefer: Iterable[str] = (),
        whole: bool = False,
    ) -> list[tuple[_D, float]]:
        """Definitions with evidence in these words, best first, each with a score under 1.

        Evidence is most of a name or synonym said in the question (`context`: all its stems) with at least one of
        `words` in it, or a near vector. `prefer`: tables that the question is about already; if any candidate is
        theirs the others stay out. `whole`: something is named already, so only what is said in full counts.
        """
        if not self._definitions or (not words and vector is None):
            return []
        lexical = self._words.scores(words)
        near = self._similarities(vector)
        ranks = (_ranks(lexical), _ranks(near))
        asked = set(words)
        around = asked | set(context)
        found = [
            (sum(1 / (_RRF + rank[index]) for rank in ranks), index)
            for index in range(len(self._definitions))
            if self._is_named(index, asked, around, whole) or (near[index] >= _NEAR and not whole)
        ]
        wanted = {table.casefold() for table in prefer}
        theirs = [row for row in found if self._table(row[1]) in wanted]
        ranked = sorted(theirs or found, key=lambda row: (-row[0], self._definitions[row[1]].id))
        top = max(lexical) or 1.0
        return [
            (self._definitions[index], round(min(0.95, 0.5 * lexical[index] / top + 0.5 * max(near[index], 0.0)), 3))
            for _, index in ranked[: 1 if whole else _MAX_GUESSES]
        ]

    def _is_named(self, index: int, asked: set[str], around: set[str], whole: bool) -> bool:
        share = 1.0 if whole else 0.6
        return any(name & asked and len(name & around) >= share * len(name) for name in self._named[index])

    def _table(self, index: int) -> str:
        definition = self._definitions[index]
        return (definition.base if isinstance(definition, Metric) else definition.table).casefold()

    def _similarities(self, vector: Any) -> list[float]:
        if vector is None:
            return [0.0] * len(self._definitions)
        import numpy as np

        places, rows = self._matrix
        similarities = rows @ np.asarray(vector, dtype=np.float32) if len(rows) else []
        return [float(similarities[places[d.id]]) if d.id in places else 0.0 for d in self._definitions]

    @cached_property
    def _matrix(self) -> tuple[dict[str, int], Any]:
        vectors = self._store.vectors(self._kind)
        return {name: place for place, name in enumerate(vectors.ids)}, vectors.rows


def _content(text: str) -> set[str]:
    return {token.stem for token in tokenize(text) if token.folded not in STOP_WORDS}


def _ranks(scores: Sequence[float]) -> list[int]:
    """1 for the best; whatever scores nothing shares the last rank."""
    order = sorted(range(len(scores)), key=lambda index: (-scores[index], index))
    ranks = [len(scores) + 1] * len(scores)
    for place, index in enumerate(order, 1):
        if scores[index] > 0:
            ranks[index] = place
    return ranks


def _scored(piece: Piece, score: float) -> Piece:
    return replace(piece, score=score)


def _example_pieces(near: Sequence[tuple[VerifiedQuery, float]], dialect: str) -> list[Piece]:
    return [
        Piece("example", query.id, query.version, f"{query.question}\n{query.sql}", round(score, 3))
        for query, score in near
        if score >= _EXAMPLE_NEAR and query.dialect == dialect
    ]


def _note_pieces(question: str, dialect: str) -> list[Piece]:
    topics = topics_of(question)
    return [
        Piece("note", note.id, note.version, note.text, 0.3) for note in dialect_notes(dialect) if note.topic in topics
    ]
