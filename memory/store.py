"""The index: what is known, kept in Chroma, one collection per kind.

Vectors are always given explicitly and no collection ever carries an embedding function: chromadb up to 1.5.9 can be
made to run code through a stored one (CVE-2026-45829, CVE-2026-45833), so a collection that has one is refused.
One collection per kind because a metadata filter costs twenty times a plain query.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args
from urllib.parse import urlsplit

from memory.embedding import Embedder, WordLlamaEmbedder
from memory.errors import MemoryUnavailable

if TYPE_CHECKING:
    import httpx
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection

__all__ = ["Hit", "Item", "Kind", "MemoryStore", "MemoryUnavailable", "Vectors", "list_collections"]

Kind = Literal["tables", "metrics", "dimensions", "notes", "verified_queries", "lessons"]
Scalar = str | int | float | bool
_T = TypeVar("_T")

_DERIVED: frozenset[Kind] = frozenset({"tables", "metrics", "dimensions", "notes"})
"""Kinds a sync can write again from the warehouse and the semantic layer."""
_BATCH = 1000
_SERVER_TIMEOUT_S = 30.0
_NAMESPACE = re.compile(r"^[a-z0-9][a-z0-9_-]{1,40}$")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing known: `text` is what is embedded and searched."""

    id: str
    version: str
    text: str
    metadata: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hit:
    """An item found by nearness; `score` is the cosine similarity, -1 to 1."""

    id: str
    version: str
    text: str
    metadata: Mapping[str, Scalar]
    score: float


@dataclass(frozen=True, slots=True)
class Vectors:
    """All vectors of a kind, for exact search in the process."""

    ids: tuple[str, ...]
    rows: Any
    """A float32 numpy array, one unit row per id."""


class MemoryStore:
    """Everything indexed for one workspace. Open it with `MemoryStore.open`."""

    def __init__(self, client: Client, embedder: Embedder, namespace: str, place: str) -> None:
        self._client = client
        self._namespace = namespace
        self._place = place
        self._collections: dict[Kind, Collection] = {}
        self.embedder = embedder

    @classmethod
    def open(
        cls, path_or_url: str | Path, embedder: Embedder | None = None, *, namespace: str = "affidavit"
    ) -> MemoryStore:
        """A local store in a folder, or a Chroma server at `http(s)://[user:password@]host[:port]`.

        Args:
            path_or_url: the folder (made when missing) or the server's address.
            embedder: what turns text into vectors; None takes the offline one.
            namespace: prefix of the collections' names, so that workspaces can share a server.

        Raises:
            MemoryUnavailable: the folder or server cannot be used.
        """
        if not _NAMESPACE.match(namespace):
            raise MemoryUnavailable(f"`{namespace}` cannot name collections: use lower-case letters, digits, _ and -.")
        place = str(path_or_url)
        client = _guarded(_without_password(place), lambda: _connect(place))
        return cls(client, embedder or WordLlamaEmbedder(), namespace, _without_password(place))

    def __enter__(self) -> MemoryStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of files and connections; the store is not to be used afterwards."""
        self._collections.clear()
        _guarded(self._place, self._client.close)
        for session in _sessions(self._client):  # chromadb leaves them to the garbage collector
            session.close()

    def upsert(self, kind: Kind, items: Sequence[Item]) -> None:
        """Add the items, replacing those of the same id.

        Raises:
            MemoryUnavailable: the index cannot be written.
        """
        self._write(self._collection(kind), items)

    def delete(self, kind: Kind, ids: Sequence[str]) -> None:
        """Remove the items of these ids; an unknown id is no error."""
        if ids:
            collection = self._collection(kind)
            self._try(lambda: collection.delete(ids=list(ids)))

    def query(self, kind: Kind, text: str, k: int, where: Mapping[str, Any] | None = None) -> list[Hit]:
        """The `k` nearest items, nearest first, ties by id."""
        return self.query_many(kind, [text], k, where)[0]

    def query_many(
        self, kind: Kind, texts: Sequence[str], k: int, where: Mapping[str, Any] | None = None
    ) -> list[list[Hit]]:
        """`query` for several texts with one embedding call and one request."""
        size = self.count(kind)
        if not texts or not size or k < 1:
            return [[] for _ in texts]
        vectors: Any = self.embedder.embed(texts)

        def found_near() -> Any:
            return self._collection(kind).query(
                query_embeddings=vectors,
                n_results=min(k, size),
                where=dict(where) if where else None,
                include=["documents", "metadatas", "distances"],
            )

        try:
            found = self._try(found_near)
        except MemoryUnavailable:
            # A local index that another process has since written to is not seen by a client that was open before
            if not self._local:
                raise
            self._reopen()
            found = self._try(found_near)
        return [_hits(found, row) for row in range(len(texts))]

    def get(self, kind: Kind, ids: Sequence[str] | None = None) -> list[Item]:
        """Every item of the kind (or those of `ids`), by id."""
        collection = self._collection(kind)
        found = self._try(
            lambda: collection.get(ids=list(ids) if ids is not None else None, include=["documents", "metadatas"])
        )
        rows = zip(found["ids"], found["documents"] or [], found["metadatas"] or [], strict=True)
        return sorted((_item(*row) for row in rows), key=lambda item: item.id)

    def count(self, kind: Kind) -> int:
        """How many items the kind has."""
        collection = self._collection(kind)
        return int(self._try(collection.count))

    def vectors(self, kind: Kind) -> Vectors:
        """All vectors of a kind in id order, so that a search over them is exact and always the same."""
        import numpy as np

        collection = self._collection(kind)
        found = self._try(lambda: collection.get(include=["embeddings"]))
        order = sorted(range(len(found["ids"])), key=lambda index: found["ids"][index])
        given: Any = found["embeddings"]
        rows = np.asarray(given, dtype=np.float32)[order] if order else np.zeros((0, self.embedder.dimensions))
        return Vectors(tuple(found["ids"][index] for index in order), rows.astype(np.float32))

    def rebuild(self) -> None:
        """Drop what can be derived again, and embed what cannot anew if another embedding made it.

        Verified queries and lessons are signed knowledge: they are copied beside before anything of theirs is
        dropped, so that an interruption loses nothing.
        """
        self._collections.clear()
        existing = {entry.name for entry in self._try(self._client.list_collections)}
        for kind in get_args(Kind):
            name = self._collection_name(kind)
            if kind in _DERIVED:
                if name in existing:
                    self._try(partial(self._client.delete_collection, name))
            elif name in existing or f"{name}.new" in existing:
                self._embed_anew(kind, name, existing)

    def _embed_anew(self, kind: Kind, name: str, existing: set[str]) -> None:
        beside = f"{name}.new"
        if name in existing:
            old = self._try(partial(self._client.get_collection, name, embedding_function=None))
            if beside in existing:  # left by an interruption before the old one was dropped
                self._try(partial(self._client.delete_collection, beside))
            if (old.metadata or {}).get("embedder") == self.embedder.name:
                return
            found = self._try(lambda: old.get(include=["documents", "metadatas"]))
            rows = zip(found["ids"], found["documents"] or [], found["metadatas"] or [], strict=True)
            self._write(self._made(beside), [_item(*row) for row in rows])
            self._try(partial(self._client.delete_collection, name))
        copy = self._try(partial(self._client.get_collection, beside, embedding_function=None))
        self._try(partial(copy.modify, name=name))

    def _write(self, collection: Collection, items: Sequence[Item]) -> None:
        for start in range(0, len(items), _BATCH):
            batch = items[start : start + _BATCH]
            vectors: Any = self.embedder.embed([item.text for item in batch])
            metadatas: Any = [{**item.metadata, "version": item.version} for item in batch]
            ids, texts = [item.id for item in batch], [item.text for item in batch]
            write = partial(collection.upsert, ids=ids, embeddings=vectors, documents=texts, metadatas=metadatas)
            self._try(write)

    def _collection_name(self, kind: Kind) -> str:
        return f"{self._namespace}.{kind}"

    def _collection(self, kind: Kind) -> Collection:
        known = self._collections.get(kind)
        if known is not None:
            return known
        collection = self._made(self._collection_name(kind))
        stored = (collection.configuration_json.get("embedding_function") or {}).get("type", "legacy")
        if stored != "legacy":
            raise MemoryUnavailable(
                f"The index at {self._place} holds a collection with an embedding function of its own, which is not "
                "loaded. Move that index away and run `affidavit memory sync --full`."
            )
        made_by = (collection.metadata or {}).get("embedder")
        if made_by != self.embedder.name:
            raise MemoryUnavailable(
                f"The index at {self._place} was made with the embedding {made_by}, not {self.embedder.name}. "
                "Run `affidavit memory sync --full` to build it anew."
            )
        self._collections[kind] = collection
        return collection

    def _made(self, name: str) -> Collection:
        return self._try(
            lambda: self._client.get_or_create_collection(
                name,
                embedding_function=None,
                metadata={"embedder": self.embedder.name},
                configuration={"hnsw": {"space": "cosine", "ef_search": 200}},
            )
        )

    @property
    def _local(self) -> bool:
        return not self._place.startswith(("http://", "https://"))

    def _reopen(self) -> None:
        self.close()
        self._client = _guarded(self._place, lambda: _connect(self._place))

    def _try(self, call: Callable[[], _T]) -> _T:
        return _guarded(self._place, call)


def list_collections(address: str, timeout_s: float) -> list[str]:
    """The names of all collections on a Chroma server, which has `timeout_s` seconds to answer; nothing is made.

    Raises:
        MemoryUnavailable: it does not answer, or not as a Chroma server does.
    """

    def names() -> list[str]:
        client = _connect(address, timeout_s)
        try:
            return [collection.name for collection in client.list_collections()]
        finally:
            client.close()
            for session in _sessions(client):
                session.close()

    return _guarded(_without_password(address), names)


def _connect(place: str, timeout_s: float = _SERVER_TIMEOUT_S) -> Client:
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    if not place.startswith(("http://", "https://")):
        Path(place).mkdir(parents=True, exist_ok=True)
        return cast("Client", chromadb.PersistentClient(path=place, settings=settings))
    import httpx

    url = urlsplit(place)
    secure = url.scheme == "https"
    host, port = url.hostname or "localhost", url.port or (443 if secure else 8000)
    given = b64encode(f"{url.username}:{url.password or ''}".encode()).decode() if url.username else ""
    headers = {"Authorization": f"Basic {given}"} if given else {}
    # chromadb waits for a silent server for ever, so it is asked for a sign of life first.
    alive = f"{url.scheme}://{host}:{port}/api/v2/heartbeat"
    httpx.get(alive, headers=headers, timeout=timeout_s).raise_for_status()
    client = chromadb.HttpClient(host=host, port=port, ssl=secure, headers=headers, settings=settings)
    for session in _sessions(client):
        session.timeout = httpx.Timeout(timeout_s)
    return cast("Client", client)


def _sessions(client: Any) -> list[httpx.Client]:
    """The HTTP sessions of a client of a server: its own and its admin part's; none for a local one."""
    import httpx

    parts = (client, getattr(client, "_admin_client", None))
    found = (getattr(getattr(part, "_server", None), "_session", None) for part in parts)
    return [session for session in found if isinstance(session, httpx.Client)]


def _without_password(place: str) -> str:
    return re.sub(r"//[^/@]*@", "//", place)


def _guarded(place: str, call: Callable[[], _T]) -> _T:
    import httpx
    from chromadb.errors import ChromaError

    try:
        return call()
    except (ChromaError, httpx.HTTPError, OSError, ValueError, KeyError, RuntimeError) as error:
        reason = (str(error) or type(error).__name__).strip().splitlines()[0]
        raise MemoryUnavailable(f"The index at {place} cannot be used: {reason}") from error


def _item(item_id: str, text: str | None, metadata: Mapping[str, Any] | None) -> Item:
    rest = dict(metadata or {})
    version = str(rest.pop("version", ""))
    return Item(item_id, version, text or "", rest)


def _hits(found: Any, row: int) -> list[Hit]:
    columns = (found["ids"][row], found["documents"][row], found["metadatas"][row], found["distances"][row])
    hits = []
    for item_id, text, metadata, distance in zip(*columns, strict=True):
        item = _item(item_id, text, metadata)
        hits.append(Hit(item.id, item.version, item.text, item.metadata, round(1.0 - float(distance), 6)))
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))
