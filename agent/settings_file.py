"""Sets one value in `affidavit.toml` and leaves every other byte of it, comments above all, as it is.

A file that people edit by hand is not rewritten from its parsed values. The change is made in the text, read back, and
kept only if it changed that one value and nothing else.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

from agent.errors import ErrorClass, UsageError
from agent.settings import CONFIG_NAME

__all__ = ["set_number"]


def set_number(workspace: Path, section: str, key: str, value: float) -> Path:
    """Set `[section] key = value` in the workspace's `affidavit.toml`; gives its path.

    Raises:
        UsageError: the file cannot be read or written, or is written in a way that this cannot change surely.
    """
    path = workspace / CONFIG_NAME
    by_hand = f"Write `{key} = {value:g}` under `[{section}]` yourself."
    try:
        before = path.read_text(encoding="utf-8")
        after = _changed(before, section, key, f"{value:g}")
        wanted = tomllib.loads(before)
        wanted.setdefault(section, {})[key] = value
        if tomllib.loads(after) != wanted:
            raise UsageError(ErrorClass.SETTINGS, f"{path} sets `{section}.{key}` in an unusual way.", by_hand)
        partial = path.with_name(f".{path.name}.partial")
        partial.touch(mode=0o600)
        partial.write_text(after, encoding="utf-8")
        shutil.copymode(path, partial)
        partial.replace(path)
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(ErrorClass.SETTINGS, f"Cannot change {path}: {error}.", by_hand) from error
    return path


def _changed(text: str, section: str, key: str, value: str) -> str:
    lines = text.splitlines(keepends=True)
    header = re.compile(rf"\s*\[\s*{re.escape(section)}\s*\]")
    start = next((index for index, line in enumerate(lines) if header.match(line)), None)
    if start is None:
        gap = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{gap}\n[{section}]\n{key} = {value}\n"
    end = next((i for i in range(start + 1, len(lines)) if re.match(r"\s*\[", lines[i])), len(lines))
    set_there = re.compile(rf"(\s*{re.escape(key)}\s*=\s*)[^#\s]+")
    said_there = re.compile(rf"\s*#\s*{re.escape(key)}\s*=")
    for index in range(start + 1, end):
        if set_there.match(lines[index]):
            lines[index] = set_there.sub(rf"\g<1>{value}", lines[index], count=1)
            return "".join(lines)
    at = next((index for index in range(start + 1, end) if said_there.match(lines[index])), start)
    if not lines[at].endswith("\n"):
        lines[at] += "\n"
    lines.insert(at + 1, f"{key} = {value}\n")
    return "".join(lines)
