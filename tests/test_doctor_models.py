"""`doctor` says whether the model could be asked, without starting it and within seconds."""

# ruff: noqa: F811  pytest finds fixtures by their imported names
from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from fixtures_doctor import Shop, shop  # noqa: F401

from agent.errors import AffidavitError, ErrorClass
from agent.model import store
from agent.model.store import KNOWN_MODELS, KnownModel
from bench.safety.loopback import serving

GGUF = b"GGUF" + (3).to_bytes(4, "little") + bytes(2000)


@contextmanager
def provider(status: int, body: bytes, *, delay_s: float = 0.0) -> Iterator[str]:
    """A model's address that answers every GET like this."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(delay_s)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            with suppress(BrokenPipeError):  # whoever asked has given up
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Handler) as url:
        yield url


def listing(*names: str) -> bytes:
    models = [{"id": name, "object": "model", "created": 1, "owned_by": "us"} for name in names]
    return json.dumps({"object": "list", "data": models}).encode()


def hosted(url: str, **more: Any) -> dict[str, Any]:
    return {"provider": "compatible", "base_url": url, "name": "ours", **more}


def test_the_embedded_model_is_fetched_right_or_damaged(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = shop.folder / "cache"
    name, known = next(iter(KNOWN_MODELS.items()))
    found = shop.only("model", cache_dir=cache)
    assert (found.severity, found.do) == ("warning", "Run `affidavit models fetch`.")
    assert not cache.exists()
    file = cache / "models" / known.file
    file.parent.mkdir(parents=True)
    file.write_bytes(GGUF)
    with pytest.raises(AffidavitError, match="is damaged: sha256") as left:
        shop.check("model", cache_dir=cache)
    assert left.value.error_class is ErrorClass.MODEL_CORRUPT
    right = KnownModel(known.requirement, known.file, hashlib.sha256(GGUF).hexdigest(), len(GGUF))
    monkeypatch.setitem(store.KNOWN_MODELS, name, right)
    assert "is right; no adapter" in shop.only("model", cache_dir=cache).what


def test_a_model_file_of_ones_own_and_an_adapter_that_is_gone(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(AffidavitError, match="neither a known model nor a file"):
        shop.check("model", model={"base": str(tmp_path / "own.gguf")})
    (tmp_path / "own.gguf").write_bytes(GGUF)
    assert shop.only("model", model={"base": str(tmp_path / "own.gguf")}).severity == "ok"
    with pytest.raises(AffidavitError, match="neither a registered adapter nor a file"):
        shop.check("model", model={"base": str(tmp_path / "own.gguf"), "adapter": "gone"})


def test_a_missing_key(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(AffidavitError, match="No key is set"):
        shop.check("model", model={"provider": "openai", "name": "some-model"})


def test_an_address_that_answers(shop: Shop) -> None:
    with provider(200, listing("ours", "other")) as url:
        assert shop.only("model", model=hosted(url)).what == "ours (compatible) answers."
    with provider(200, listing("other")) as url:
        found = shop.only("model", model=hosted(url))
        assert (found.severity, "such as other" in found.do) == ("warning", True)


@pytest.mark.parametrize(("status", "body"), [(404, b"{}"), (501, b"{}"), (200, b"<html>"), (200, b"[]")])
def test_an_address_that_answers_something_else(status: int, body: bytes, shop: Shop) -> None:
    with provider(status, body) as url:
        found = shop.only("model", model=hosted(url))
    assert found.severity == "warning"
    assert "does not list its models" in found.what


def test_a_refused_key_is_not_repeated(shop: Shop) -> None:
    body = json.dumps({"error": {"message": "Incorrect key: hunter22", "type": "x"}}).encode()
    with provider(401, body) as url, pytest.raises(AffidavitError) as left:
        shop.check("model", model=hosted(url, api_key="hunter22"))
    assert left.value.error_class is ErrorClass.MODEL_AUTH
    assert "hunter22" not in left.value.message


def test_an_address_that_does_not_answer(shop: Shop) -> None:
    with pytest.raises(AffidavitError, match="cannot be reached"):
        shop.check("model", model=hosted("http://127.0.0.1:1/v1"))


def test_a_silent_address_is_given_up_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.doctor.models._PATIENCE_S", 0.2)
    with provider(200, listing("ours"), delay_s=2) as url, pytest.raises(AffidavitError) as left:
        shop.check("model", model=hosted(url))
    assert left.value.error_class is ErrorClass.MODEL_TIMEOUT


def test_fallbacks_are_each_tried_and_are_warnings(shop: Shop) -> None:
    assert shop.check("fallbacks") == []
    with provider(200, listing("second")) as url:
        fallbacks = [
            {"provider": "compatible", "name": "first", "base_url": "http://127.0.0.1:1/v1"},
            {"provider": "compatible", "name": "second", "base_url": url},
        ]
        first, second = shop.check("fallbacks", model=hosted(url, fallbacks=fallbacks))
    assert (first.severity, second.severity) == ("warning", "ok")
    assert first.what.startswith("first (compatible): The model's server cannot be reached")
