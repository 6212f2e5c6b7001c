"""The index over both of its backends: a local folder and a Chroma server."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from memory.embedding import Embedder, WordLlamaEmbedder
from memory.errors import MemoryUnavailable
from memory.store import Item, MemoryStore


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The Rust server of the installed chromadb on a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "chroma"), "run", "--host", "127.0.0.1", "--port", str(port)]
    folder = tmp_path_factory.mktemp("chroma")
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen([*command, "--path", str(folder / "data")], stdout=log, stderr=log)
        try:
            _wait_until_up(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=10)


def _wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/api/v2/heartbeat", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the Chroma server did not come up")


@pytest.fixture(params=["local", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "chroma") if request.param == "local" else str(request.getfixturevalue("server"))


@pytest.fixture
def store(place: str, request: pytest.FixtureRequest) -> Iterator[MemoryStore]:
    with MemoryStore.open(place, namespace=f"t{abs(hash(request.node.name)) % 10**8}") as opened:
        yield opened


REVENUE = Item("revenue", "1", "sales revenue, turnover, income", {"owner": "Finance"})
FREIGHT = Item("freight", "2", "freight cost, shipping charges")


def test_what_is_written_is_found_with_its_version(store: MemoryStore) -> None:
    store.upsert("metrics", [REVENUE, FREIGHT])
    assert store.count("metrics") == 2
    assert store.count("tables") == 0
    assert store.get("metrics") == [FREIGHT, REVENUE]
    assert store.get("metrics", ["revenue"]) == [REVENUE]
    best, other = store.query("metrics", "our sales income", 5)
    assert (best.id, best.version, best.metadata) == ("revenue", "1", {"owner": "Finance"})
    assert 1.0 >= best.score > other.score
    assert store.query("metrics", "our sales income", 5, {"owner": "Finance"}) == [best]


def test_upsert_replaces_and_delete_removes(store: MemoryStore) -> None:
    store.upsert("metrics", [REVENUE])
    store.upsert("metrics", [Item("revenue", "2", "something else")])
    assert store.get("metrics") == [Item("revenue", "2", "something else", store.get("metrics")[0].metadata)]
    store.delete("metrics", ["revenue", "never there"])
    store.delete("metrics", [])
    assert store.get("metrics") == []
    assert store.query("metrics", "anything", 3) == []
    assert store.query_many("metrics", [], 3) == []


def test_vectors_are_unit_rows_in_id_order(store: MemoryStore) -> None:
    assert len(store.vectors("notes").ids) == 0
    store.upsert("notes", [REVENUE, FREIGHT])
    vectors = store.vectors("notes")
    assert vectors.ids == ("freight", "revenue")
    assert vectors.rows.shape == (2, 256)
    assert (vectors.rows**2).sum(axis=1) == pytest.approx([1.0, 1.0], abs=1e-3)


def test_reopening_finds_what_was_kept(place: str) -> None:
    with MemoryStore.open(place, namespace="kept") as first:
        first.upsert("verified_queries", [REVENUE])
    with MemoryStore.open(place, namespace="kept") as second:
        assert second.get("verified_queries") == [REVENUE]
    with MemoryStore.open(place, namespace="other") as third:
        assert third.get("verified_queries") == []


class _OtherEmbedder:
    name = "letters-26"
    dimensions = 26

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        rows = []
        for text in texts:
            row = [float(text.lower().count(chr(97 + letter))) + 0.01 for letter in range(26)]
            size = sum(value * value for value in row) ** 0.5
            rows.append([value / size for value in row])
        return rows


def test_another_embedding_is_refused_until_the_index_is_rebuilt(place: str) -> None:
    with MemoryStore.open(place, namespace="changing") as old:
        old.upsert("metrics", [REVENUE])
        old.upsert("verified_queries", [FREIGHT])
    with MemoryStore.open(place, _OtherEmbedder(), namespace="changing") as new:
        with pytest.raises(MemoryUnavailable, match="memory sync --full"):
            new.get("metrics")
        new.rebuild()
        assert new.get("metrics") == []
        assert new.get("verified_queries") == [FREIGHT]
        assert new.query("verified_queries", "freight cost", 1)[0].id == "freight"
        new.rebuild()
        assert new.get("verified_queries") == [FREIGHT]


def test_an_unreachable_server_is_memory_unavailable() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(MemoryUnavailable, match="cannot be used"):
        MemoryStore.open(f"http://127.0.0.1:{port}")


def test_a_damaged_or_impossible_folder_is_memory_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(MemoryUnavailable):
        MemoryStore.open(tmp_path / "file")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "chroma.sqlite3").write_bytes(b"not a database" * 200)
    with pytest.raises(MemoryUnavailable):
        MemoryStore.open(tmp_path / "damaged")
    with pytest.raises(MemoryUnavailable, match="cannot name"):
        MemoryStore.open(tmp_path / "fine", namespace="No Good")


def test_a_collection_with_an_embedding_function_is_not_loaded(tmp_path: Path) -> None:
    import chromadb
    from chromadb.config import Settings

    built: list[str] = []

    class Planted(chromadb.EmbeddingFunction[list[str]]):
        def __init__(self) -> None:
            pass

        def __call__(self, input: list[str]) -> list[list[float]]:  # noqa: A002 - chromadb's name
            raise AssertionError("must never be called")

        @staticmethod
        def name() -> str:
            return "default"

        def get_config(self) -> dict[str, str]:
            return {}

        @staticmethod
        def build_from_config(config: dict[str, str]) -> Planted:
            built.append("built")
            return Planted()

    client = chromadb.PersistentClient(path=str(tmp_path), settings=Settings(anonymized_telemetry=False))
    client.create_collection("affidavit.metrics", embedding_function=Planted())  # type: ignore[arg-type]
    client.close()  # type: ignore[attr-defined]
    built.clear()
    with MemoryStore.open(tmp_path) as store, pytest.raises(MemoryUnavailable, match="embedding function"):
        store.get("metrics")
    assert built == []


def test_the_embedding_is_offline_deterministic_and_keeps_logging_as_it_was() -> None:
    before = list(logging.getLogger().handlers)
    embedder = WordLlamaEmbedder()
    assert isinstance(embedder, Embedder)
    first, second, empty = embedder.embed(["sales by month", "sales by month", ""])
    assert first == second
    assert len(first) == embedder.dimensions
    assert sum(value * value for value in empty) == pytest.approx(1.0)
    assert embedder.embed([]) == []
    assert logging.getLogger().handlers == before


def test_what_another_process_wrote_is_found_by_a_store_that_was_open_before(tmp_path: Path) -> None:
    place = tmp_path / "chroma"
    with MemoryStore.open(place) as here:
        assert here.query("verified_queries", "hello", 3) == []
        written = (
            "from memory.store import MemoryStore, Item\n"
            f"with MemoryStore.open({str(place)!r}) as there:\n"
            "    there.upsert('verified_queries', [Item('x', '1', 'hello there', {})])\n"
        )
        subprocess.run([sys.executable, "-c", written], check=True)
        assert [hit.id for hit in here.query("verified_queries", "hello", 3)] == ["x"]
