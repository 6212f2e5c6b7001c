"""Verified queries: questions somebody vouched for, with their SQL, kept for being asked again.

Only a signed review puts one in and revoking takes it out. A verified query carries the fingerprints of every table,
metric and dimension it stands on; once one of them moves, it is quarantined: never recalled, never shown as an example,
until a person reviews it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from memory.errors import MemoryUnavailable
from memory.linking import Linker
from memory.meaning import meaning_of, normalised
from memory.store import Hit, Item, MemoryStore

__all__ = ["VerifiedQueries", "VerifiedQuery", "current_fingerprint", "dependencies"]

_NEIGHBOURS = 100
_NEAR = 0.35
"""Cosine under which a neighbour is not even read; equal meanings decide, not this."""


@dataclass(frozen=True, slots=True)
class VerifiedQuery:
    """An accepted question and its SQL."""

    id: str
    """The run it was accepted in."""
    question: str
    sql: str
    dialect: str
    reviewer: str
    run_id: str
    catalog_fingerprint: str
    semantics_fingerprint: str
    depends: Mapping[str, str] = field(default_factory=dict)
    """`table:Orders`, `metric:sales_revenue`, `dimension:...` to the fingerprint it had when accepted."""
    as_of: str = ""
    """The ISO date that "today" was when accepted; a question about "last year" is recalled only on the same one."""

    @property
    def version(self) -> str:
        """Beginning of the accepting run's id: a query accepted anew has another."""
        return self.run_id[:13]


class VerifiedQueries:
    """The verified queries of one workspace, in its index."""

    def __init__(self, store: MemoryStore, linker: Linker | None = None) -> None:
        """`linker` is needed for `recall`, which must understand questions; the rest works without."""
        self._store = store
        self._linker = linker

    def add(self, query: VerifiedQuery) -> None:
        """Keep a query, replacing the one of the same id.

        Raises:
            MemoryUnavailable: the index cannot be written.
        """
        self.add_many([query])

    def add_many(self, queries: Sequence[VerifiedQuery]) -> None:
        """`add` for several at once, as when the index is built anew from the ledger's reviews."""
        self._store.upsert("verified_queries", [_to_item(query) for query in queries])

    def remove(self, query_id: str) -> None:
        """Take a query out; an unknown id is no error."""
        self._store.delete("verified_queries", [query_id])

    def get(self, query_id: str) -> VerifiedQuery | None:
        """The query of that id, quarantined or not, or None."""
        found = self._store.get("verified_queries", [query_id])
        return _from_item(found[0]) if found else None

    def all(self) -> list[VerifiedQuery]:
        """Every query, quarantined ones included, by id."""
        return [_from_item(item) for item in self._store.get("verified_queries")]

    def quarantined(self) -> dict[str, tuple[str, ...]]:
        """Queries that may not be used, by id, each with the dependencies that moved."""
        moved = {query.id: self.moved(query) for query in self.all()}
        return {query_id: names for query_id, names in moved.items() if names}

    def moved(self, query: VerifiedQuery) -> tuple[str, ...]:
        """The query's dependencies whose fingerprint is not what it was when it was accepted."""
        if self._linker is None:
            return ()
        return tuple(
            name for name, was in sorted(query.depends.items()) if current_fingerprint(name, self._linker) != was
        )

    def nearest(self, question: str, k: int = 3) -> list[tuple[VerifiedQuery, float]]:
        """The usable queries nearest to the question, with their cosine similarity, nearest first."""
        return self.nearest_many([question], k)[0]

    def nearest_many(self, questions: list[str], k: int = 3) -> list[list[tuple[VerifiedQuery, float]]]:
        """`nearest` for several questions with one request."""
        found = self._store.query_many("verified_queries", questions, k * 2 + 2)
        return [
            [(query, score) for query, score in map(_from_hit, hits) if not self.moved(query)][:k] for hits in found
        ]

    def recall(self, question: str, *, dialect: str | None = None) -> VerifiedQuery | None:
        """The query that was vouched for under the same meaning, or None.

        The same text (but for case, blanks and closing punctuation) recalls; so does another wording whose metrics,
        dimensions, values, numbers, directions, comparisons and negations are all the same (see
        `memory.meaning`). Nearness of vectors alone never recalls.

        Raises:
            MemoryUnavailable: the index cannot be read.
        """
        linker = self._linker
        if linker is None:
            raise MemoryUnavailable("Recalling needs a linker: open VerifiedQueries(store, linker).")
        meaning = meaning_of(question, linker)
        text = normalised(question)
        today = linker.layer.today().isoformat()
        hits = self._store.query("verified_queries", question, _NEIGHBOURS)
        for query, score in map(_from_hit, hits):
            same_text = normalised(query.question) == text
            if not same_text and (score < _NEAR or not meaning.says_something):
                continue
            if dialect is not None and query.dialect != dialect:
                continue
            if meaning.relative and query.as_of != today:
                continue
            if (same_text or meaning_of(query.question, linker) == meaning) and not self.moved(query):
                return query
        return None


def dependencies(question: str, sql: str, dialect: str, linker: Linker) -> dict[str, str]:
    """What a query stands on: the tables its SQL reads, and the definitions its question names.

    A metric brings the metrics it is made of. Raises nothing for SQL that does not parse: then every table counts.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    catalog, layer = linker.catalog, linker.layer
    try:
        tree = sqlglot.parse_one(sql, dialect=dialect)
        read = {table.name for table in tree.find_all(exp.Table)}
    except SqlglotError:
        read = {table.name for table in catalog.tables}
    links = linker.link(question)
    names = [f"table:{table.name}" for name in read if (table := catalog.table(name)) is not None]
    for metric_id in links.ids("metric"):
        metric = layer.metric(metric_id)
        names += [f"metric:{metric_id}", *(f"metric:{part.id}" for part in layer.parts_of(metric))]
    names += [f"dimension:{dimension_id}" for dimension_id in links.ids("dimension")]
    return {name: current_fingerprint(name, linker) for name in sorted(set(names))}


def current_fingerprint(name: str, linker: Linker) -> str:
    """The fingerprint that `table:...`, `metric:...` or `dimension:...` has now; "" when it is gone."""
    kind, _, key = name.partition(":")
    if kind == "table":
        table = linker.catalog.table(key)
        return table.fingerprint if table else ""
    try:
        definition = linker.layer.metric(key) if kind == "metric" else linker.layer.dimension(key)
    except KeyError:
        return ""
    return definition.fingerprint


def _to_item(query: VerifiedQuery) -> Item:
    metadata: dict[str, str | int | float | bool] = {
        "sql": query.sql,
        "dialect": query.dialect,
        "reviewer": query.reviewer,
        "run_id": query.run_id,
        "catalog_fingerprint": query.catalog_fingerprint,
        "semantics_fingerprint": query.semantics_fingerprint,
        "depends": json.dumps(dict(query.depends), sort_keys=True),
        "as_of": query.as_of,
    }
    return Item(query.id, query.version, query.question, metadata)


def _from_item(item: Item | Hit) -> VerifiedQuery:
    held: Mapping[str, Any] = item.metadata
    return VerifiedQuery(
        id=item.id,
        question=item.text,
        sql=str(held["sql"]),
        dialect=str(held["dialect"]),
        reviewer=str(held["reviewer"]),
        run_id=str(held["run_id"]),
        catalog_fingerprint=str(held["catalog_fingerprint"]),
        semantics_fingerprint=str(held["semantics_fingerprint"]),
        depends=json.loads(str(held["depends"])),
        as_of=str(held.get("as_of", "")),
    )


def _from_hit(hit: Hit) -> tuple[VerifiedQuery, float]:
    return _from_item(hit), hit.score
