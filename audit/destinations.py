"""Places that checkpoints are sent to, so that whoever owns the database cannot take them back.

A file on another disk, a git repository, an HTTP endpoint, or standard output for whoever collects logs. Each takes
checkpoints as lines of JSON, in order, may be given a line twice, and has only to be written to, never read.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from audit.checkpoints import append_lines
from audit.errors import AuditError

__all__ = ["Destination", "DestinationError", "destination_of"]

_GIT: Final = "git:"
_STREAMS: Final = ("stdout", "stderr")


class DestinationError(AuditError):
    """A place did not take what it was sent; it is sent again later."""


class Destination(Protocol):
    """One place."""

    @property
    def name(self) -> str:
        """The place as it may be shown, without a password."""

    @property
    def readable(self) -> Path | None:
        """The file that holds what was sent, if it is one and can be read here."""

    def send(self, lines: Sequence[bytes], timeout_s: float) -> None:
        """Hand over whole lines; returns once they are kept.

        Raises:
            DestinationError: they are not, or nobody knows.
        """


def destination_of(place: str, workspace: str) -> Destination:
    """The destination that a setting names: `stdout`, `stderr`, an http(s) URL, `git:FOLDER`, or a file."""
    if place in _STREAMS:
        return _Stream(place)
    if place.startswith(("http://", "https://")):
        return _Endpoint(place)
    if place.startswith(_GIT):
        return _Repository(Path(place.removeprefix(_GIT)).expanduser(), workspace)
    return _File(Path(place).expanduser())


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    @property
    def readable(self) -> Path | None:
        return self._path if os.access(self._path, os.R_OK) else None

    def send(self, lines: Sequence[bytes], timeout_s: float) -> None:
        try:
            append_lines(self._path, lines)
        except OSError as error:
            raise DestinationError(f"The file {self._path} cannot be written: {error.strerror}.") from error


class _Stream:
    readable = None

    def __init__(self, name: str) -> None:
        self.name = name

    def send(self, lines: Sequence[bytes], timeout_s: float) -> None:
        stream = sys.__stdout__ if self.name == "stdout" else sys.__stderr__
        if stream is None:
            raise DestinationError(f"There is no {self.name}.")
        try:
            stream.flush()
            stream.buffer.write(b"".join(lines))
            stream.buffer.flush()
        except (OSError, ValueError) as error:
            raise DestinationError(f"Cannot write to {self.name}: {error}.") from error


class _Endpoint:
    readable = None

    def __init__(self, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        self.name = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def send(self, lines: Sequence[bytes], timeout_s: float) -> None:
        import httpx

        try:
            answer = httpx.post(
                self._url,
                content=b"".join(lines),
                headers={"Content-Type": "application/x-ndjson"},
                timeout=timeout_s,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:  # whose text may hold the URL's password
            raise DestinationError(f"{self.name} cannot be reached: {type(error).__name__}.") from error
        if not answer.is_success:
            raise DestinationError(f"{self.name} answered {answer.status_code}.")


class _Repository:
    """A commit for what is sent, in a file named after the workspace; pushing it is the repository's own matter."""

    def __init__(self, folder: Path, workspace: str) -> None:
        self._folder = folder
        self._file = folder / f"{quote(workspace, safe='')}.checkpoints.jsonl"
        self.name = f"{_GIT}{folder}"

    @property
    def readable(self) -> Path | None:
        return self._file if os.access(self._file, os.R_OK) else None

    def send(self, lines: Sequence[bytes], timeout_s: float) -> None:
        try:
            known = set(self._file.read_bytes().splitlines(keepends=True)) if self._file.exists() else set()
            # A commit that failed left its lines in the file.
            append_lines(self._file, [line for line in lines if line not in known])
        except OSError as error:
            raise DestinationError(f"The file {self._file} cannot be written: {error.strerror}.") from error
        self._git(timeout_s, "add", "--", self._file.name)
        if self._git(timeout_s, "status", "--porcelain", "--", self._file.name):
            message = f"Checkpoint {self._file.name.removesuffix('.checkpoints.jsonl')}"
            self._git(timeout_s, "commit", "--quiet", "--message", message, "--", self._file.name)

    def _git(self, timeout_s: float, *arguments: str) -> str:
        identity = ("-c", "user.name=Affidavit", "-c", "user.email=affidavit@localhost")
        try:
            done = subprocess.run(  # noqa: S603  (no shell, and nothing of what a person typed but the folder)
                ["git", "-C", str(self._folder), *identity, *arguments],  # noqa: S607  (the git of whoever runs this)
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DestinationError(f"git {arguments[0]} in {self._folder} did not end: {error}.") from error
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
            raise DestinationError(f"git {arguments[0]} in {self._folder} failed: {said[-1]}")
        return done.stdout
