"""Files that appear whole or not at all: written in a folder beside, then renamed over."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["written_beside"]

_STALE_S = 3600.0
_SIDE_FILES = ("-wal", "-shm", "-journal", ".wal")


@contextlib.contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """A path to write to; takes `path`'s place, synced to disk, when the block ends without an error.

    Raises:
        OSError: the folder cannot be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name}-"
    for left in path.parent.glob(f"{prefix}*"):  # what a killed build left behind
        if left.is_dir() and time.time() - left.stat().st_mtime > _STALE_S:
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))
    try:
        partial = folder / path.name
        yield partial
        with partial.open("rb") as handle:
            os.fsync(handle.fileno())
        for suffix in _SIDE_FILES:  # a database's log must not be replayed over the new file
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        partial.replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
