"""JSON Lines files that outlive an interruption: every line is flushed, and a torn last one is cut off.

Asking a few hundred questions takes minutes; a run that was killed must go on where it stopped, and the only damage
a kill can do to an append-only file is a last line without its end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.errors import ErrorClass, UsageError

__all__ = ["append_record", "cut_torn_tail", "line_error", "read_records"]


def read_records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's number (from 1) and object; blank lines are skipped.

    Raises:
        UsageError: the file cannot be read, or a line is not a JSON object (the line is named).
    """
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield number, _object(path, number, line)
    except OSError as error:
        raise UsageError(ErrorClass.WORKSPACE, f"Cannot read {path}: {error}.", "Check the path.") from error


def cut_torn_tail(path: Path) -> bool:
    """Remove what follows the last line end, the trace of a write that was cut short; True if there was any.

    Raises:
        UsageError: the file exists and cannot be written.
    """
    try:
        with path.open("rb+") as stream:
            content = stream.read()
            whole = content.rfind(b"\n") + 1
            stream.truncate(whole)
            return whole < len(content)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UsageError(ErrorClass.WORKSPACE, f"Cannot write {path}: {error}.", "Name another file.") from error


def append_record(path: Path, record: dict[str, Any]) -> None:
    """Add one line and hand it to the operating system before returning.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UsageError(ErrorClass.WORKSPACE, f"Cannot write {path}: {error}.", "Name another file.") from error


def line_error(path: Path, number: int, problem: str) -> UsageError:
    """The error for a line that does not fit."""
    return UsageError(ErrorClass.WORKSPACE, f"{path}, line {number}: {problem}.", "Mend that line and run it again.")


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        content = json.loads(line.decode("utf-8-sig"))
    except ValueError as error:
        raise line_error(path, number, f"not JSON ({error})") from error  # bytes that are no UTF-8 are none either
    if not isinstance(content, dict):
        raise line_error(path, number, "not a JSON object")
    return content
