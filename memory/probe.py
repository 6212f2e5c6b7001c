"""Whether the index is there, found out without touching it.

Opening a store makes whatever is missing, so that a lost index looks like an empty one ever after. Whoever only wants
to know looks here.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from memory.errors import MemoryUnavailable
from memory.store import list_collections

__all__ = ["indexed_kinds"]

_FILE = "chroma.sqlite3"
_LOCK_TIMEOUT_S = 1.0


def indexed_kinds(place: str | Path, *, namespace: str = "affidavit", timeout_s: float = 3.0) -> frozenset[str]:
    """The kinds of which an index has a collection; none where there is no index yet.

    `place` is what `MemoryStore.open` takes: a folder, or the address of a Chroma server, which has `timeout_s`
    seconds to answer.

    Raises:
        MemoryUnavailable: the server does not answer, or the file is not an index.
    """
    address = str(place)
    served = address.startswith(("http://", "https://"))
    names = list_collections(address, timeout_s) if served else _local_collections(Path(address))
    prefix = f"{namespace}."
    return frozenset(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def _local_collections(folder: Path) -> list[str]:
    file = folder / _FILE
    if not file.exists():
        return []
    uri = f"file:{quote(str(file.absolute()))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=_LOCK_TIMEOUT_S)) as connection:
            return [str(name) for (name,) in connection.execute("SELECT name FROM collections")]
    except sqlite3.Error as error:
        raise MemoryUnavailable(f"The index at {folder} cannot be read: {error}.") from error
