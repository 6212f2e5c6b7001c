"""Taking items out of the index so that no byte of them is left in its files.

Deleting is not enough: Chroma keeps a log of what was written, free pages and index files. So a local index is written
anew beside the old one, without them, and takes its place. That is done by a process that has never read them, because
hnswlib writes memory to its files that it has not initialised, and finds there what its process had in it before. Of a
Chroma server only its keeper can do all that.
"""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable, Collection
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, get_args

from memory.errors import MemoryUnavailable
from memory.probe import indexed_kinds
from memory.store import Item, Kind, MemoryStore

__all__ = ["forget_queries"]

_Kept = dict[Kind, list[Item]]


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
    beside, old = folder.with_name(f"{folder.name}.new"), folder.with_name(f"{folder.name}.old")
    try:
        for left in (beside, old):
            shutil.rmtree(left, ignore_errors=True)
        kept: _Kept = _in_another_process(_kept, folder, kinds, frozenset(run_ids))
        _in_another_process(_write, beside, kept)
        folder.rename(old)
        beside.rename(folder)
        shutil.rmtree(old)
    except (OSError, BrokenProcessPool) as error:
        raise MemoryUnavailable(f"The index at {folder} cannot be written anew: {error}") from error
    return True


def _in_another_process(work: Callable[..., Any], *arguments: Any) -> Any:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _kept(folder: Path, kinds: list[Kind], run_ids: frozenset[str]) -> _Kept:
    with MemoryStore.open(folder) as store:
        return {
            kind: [each for each in store.get(kind) if kind != "verified_queries" or each.id not in run_ids]
            for kind in kinds
        }


def _write(folder: Path, kept: _Kept) -> None:
    with MemoryStore.open(folder) as store:
        for kind, items in kept.items():
            store.upsert(kind, items)
