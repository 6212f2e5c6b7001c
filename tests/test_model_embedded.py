"""The real embedded model: its server's manners, its end, and what a damaged file does to it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.errors import ErrorClass, FailedError
from agent.model.client import ModelClient
from agent.model.connect import open_model
from agent.model.embedded import EmbeddedServer, usable_cores
from agent.model.grammar import select_grammar
from agent.model.store import find_base
from agent.settings import Settings
from memory.catalog import Catalog

pytestmark = pytest.mark.embedded

ASK: Any = [{"role": "user", "content": "Write one SQL query that counts the rows of the table Orders."}]


@pytest.fixture(scope="module")
def gguf() -> Path:
    settings = Settings()
    try:
        return find_base(settings.model.base, settings.cache_dir).path
    except FailedError as error:
        if os.environ.get("CI"):
            pytest.fail(f"the embedded model cannot be fetched: {error}")
        pytest.skip(f"NO EMBEDDED MODEL, so nothing about it is tested: {error}")


@pytest.fixture(scope="module")
def server(gguf: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(gguf, context_tokens=1024) as started:
        yield started


@pytest.fixture(scope="module")
def client(gguf: Path) -> Iterator[ModelClient]:
    opened = open_model(Settings())
    yield opened
    opened.close()


def test_it_answers_with_confidence_and_says_what_it_is(client: ModelClient) -> None:
    first, second = client.complete(ASK, n=2, temperature=0.7, max_tokens=24)
    assert 0 < (first.confidence or 0) <= 1
    assert first.tokens > 3
    assert second.text
    assert client.model_name == "smollm2-135m-instruct"
    assert len(client.model_hash) == 64
    assert client.takes_grammars


def test_greedy_is_the_same_every_time(client: ModelClient) -> None:
    texts = {client.complete(ASK, max_tokens=24)[0].text for _ in range(2)}
    assert len(texts) == 1


def test_the_grammar_leaves_nothing_but_a_query(client: ModelClient) -> None:
    grammar = select_grammar(Catalog("sqlite", ()))
    poem: Any = [{"role": "user", "content": "Write a poem about the sea, please. No SQL."}]
    text = client.complete(poem, grammar=grammar, max_tokens=40)[0].text
    assert text.upper().startswith(("SELECT", "WITH"))
    assert "```" not in text


def test_a_prompt_beyond_the_context_is_told(client: ModelClient) -> None:
    with pytest.raises(FailedError) as caught:
        client.complete([{"role": "user", "content": "orders " * 9000}])
    assert caught.value.error_class is ErrorClass.MODEL_OTHER
    assert "context" in caught.value.message


def test_only_who_has_the_key_is_served_and_no_path_is_told(server: EmbeddedServer, gguf: Path) -> None:
    assert server.base_url.startswith("http://127.0.0.1:")
    url = f"{server.base_url}/chat/completions"
    body = {"model": "x", "messages": ASK, "max_tokens": 4}
    with httpx.Client(trust_env=False) as http:
        assert http.post(url, json=body).status_code == 401
        assert http.post(url, json=body, headers={"Authorization": "Bearer guess"}).status_code == 401
        allowed = http.post(url, json=body, headers={"Authorization": f"Bearer {server.api_key}"})
        assert allowed.status_code == 200
        assert str(gguf.parent) not in allowed.text
        assert str(gguf.parent) not in http.get(f"{server.base_url}/models").text
        foreign = http.options(url, headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"})
        assert foreign.headers.get("access-control-allow-origin") not in {"*", "http://evil.example"}


def test_a_proxy_of_the_users_is_not_asked(gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    opened = open_model(Settings())
    assert opened.complete(ASK, max_tokens=4)[0].tokens > 0
    opened.close()


def test_it_stops_when_told(gguf: Path) -> None:
    started = EmbeddedServer(gguf, context_tokens=512)
    with httpx.Client(trust_env=False) as http:
        assert http.get(started.base_url.removesuffix("/v1") + "/health").status_code == 200
        started.stop()
        started.stop()
        with pytest.raises(httpx.ConnectError):
            http.get(started.base_url.removesuffix("/v1") + "/health")


def test_it_dies_with_a_killed_process_and_never_writes_on_the_screen(gguf: Path) -> None:
    code = (
        "import sys, time, pathlib; from agent.model.embedded import EmbeddedServer\n"
        f"s = EmbeddedServer(pathlib.Path({str(gguf)!r}), context_tokens=512); print(s.base_url, flush=True)\n"
        "time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    process.kill()
    rest, errors = process.communicate(timeout=10)
    assert (rest, errors) == ("", "")
    assert not _answers(url.removesuffix("/v1") + "/health", within_s=5)


@pytest.mark.parametrize("kept", [2_000, 1_000_000, 50_000_000])
def test_a_cut_file_is_an_error_not_a_crash(gguf: Path, tmp_path: Path, kept: int) -> None:
    cut = tmp_path / "cut.gguf"
    with gguf.open("rb") as source:
        cut.write_bytes(source.read(kept))
    with pytest.raises(FailedError) as caught:
        EmbeddedServer(cut)
    assert caught.value.error_class is ErrorClass.MODEL_CORRUPT
    assert str(cut) in caught.value.message


def test_a_model_given_as_an_adapter_is_an_error(gguf: Path) -> None:
    with pytest.raises(FailedError) as caught:
        EmbeddedServer(gguf, gguf)
    assert caught.value.error_class is ErrorClass.MODEL_CORRUPT
    assert "adapter" in caught.value.message


def _answers(url: str, *, within_s: float) -> bool:
    """Whether somebody still answers there when the time is up; False as soon as nobody does."""
    deadline = time.monotonic() + within_s
    with httpx.Client(trust_env=False) as http:
        while time.monotonic() < deadline:
            try:
                http.get(url)
            except httpx.TransportError:
                return False
    return True


def test_it_takes_no_more_threads_than_there_are_cores() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
