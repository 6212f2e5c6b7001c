"""Taking items out of the index so that no byte of them is left in its files.

Deleting is not enough: Chroma keeps a log of what was written, free pages and index files. So a local index is written
anew beside the old one, without them, and takes its place. Of a Chroma server only its keeper can do that.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import get_args

from memory.errors import MemoryUnavailable
from memory.probe import indexed_kinds
from memory.store import Item, Kind, MemoryStore

__all__ = ["forget_queries"]


def forget_queries(place: str | Path, run_ids: Collection[str]) -> bool:
    """Take the verified queries of these runs out of the index; gives whether its files are sure to be free of them.

    A local index must not be open elsewhere meanwhile.

    Raises:
        MemoryUnavailable: it cannot be read or written; a local one is then as it was.
    """
    address = str(place)
    kinds = [kind for kind in get_args(Kind) if kind in indexed_kinds(place)]
    if address.startswith(("http://", "https://")):
        with MemoryStore.open(place) as store:
            if "verified_queries" in kinds:
                store.delete("verified_queries", sorted(run_ids))
        return False
    folder = Path(place)
    if not folder.exists():
        return True
    kept: dict[Kind, list[Item]] = {}
    with MemoryStore.open(folder) as store:
        for kind in kinds:
            kept[kind] = [each for each in store.get(kind) if kind != "verified_queries" or each.id not in run_ids]
    beside, old = folder.with_name(f"{folder.name}.new"), folder.with_name(f"{folder.name}.old")
    try:
        for left in (beside, old):
            shutil.rmtree(left, ignore_errors=True)
        with MemoryStore.open(beside) as store:
            for kind, items in kept.items():
                store.upsert(kind, items)
        folder.rename(old)
        beside.rename(folder)
        shutil.rmtree(old)
    except OSError as error:
        raise MemoryUnavailable(f"The index at {folder} cannot be written anew: {error}") from error
    return True
