"""Is everything there that a question needs: the warehouse, the ledger, its checkpoints, the index of what is known?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agent.doctor.diagnosis import Diagnosis, and_list
from agent.doctor.parts import Parts
from audit.checkpoints import last_checkpoint
from audit.session import CHECKPOINTS_NAME, refuse_unsound
from memory.probe import indexed_kinds
from memory.sync import CATALOG_NAME

__all__ = ["check_checkpoints", "check_index", "check_ledger", "check_warehouse"]

_PATIENCE_S: Final = 3.0
_NEEDED_KINDS: Final = ("tables", "metrics", "dimensions", "notes")
"""What a sync writes, even if there is nothing of the kind."""
_SYNC: Final = "Run `affidavit memory sync`."


def check_warehouse(parts: Parts) -> Iterator[Diagnosis]:
    """Does the warehouse answer, and is there anything in it?"""
    warehouse = parts.warehouse()
    tables = parts.structure().tables
    if tables:
        yield Diagnosis("warehouse", "ok", f"{warehouse.display_url} answers; it has {len(tables)} tables and views.")
        return
    schema = parts.settings.warehouse.db_schema
    yield Diagnosis(
        "warehouse",
        "error",
        f"{warehouse.display_url} answers, but shows no table{f' in the schema {schema}' if schema else ''}.",
        "There is nothing to ask.",
        "Check [warehouse] url and db_schema in affidavit.toml, and that the account may read the tables.",
    )


def check_ledger(parts: Parts) -> Iterator[Diagnosis]:
    """Is the ledger there, and do its newest records hold? What a question would refuse, this reports."""
    ledger = parts.ledger()
    refuse_unsound(ledger, parts.settings.state_dir)
    records = ledger.head().sequence
    yield Diagnosis(
        "ledger", "ok", f"{records:,} records; the newest of them hold (`affidavit audit verify` recomputes all)."
    )


def check_checkpoints(parts: Parts) -> Iterator[Diagnosis]:
    """Is the file there that would show that records were cut off the ledger?"""
    path = parts.settings.state_dir / CHECKPOINTS_NAME
    newest = last_checkpoint(path)
    if newest is not None:
        yield Diagnosis("checkpoints", "ok", f"The newest, of {newest.time}, vouches for {newest.sequence:,} records.")
    elif parts.ledger().head().sequence == 0:
        yield Diagnosis("checkpoints", "ok", "There are none, and no record to vouch for.")
    else:
        yield Diagnosis(
            "checkpoints",
            "warning",
            f"The file {path} is missing or holds none, although the ledger has records.",
            "Nothing would show that the ledger's last records were cut off, or all of it rewritten.",
            "Put the file back from a copy. If there never was one, `affidavit audit checkpoint` begins it.",
        )


def check_index(parts: Parts) -> Iterator[Diagnosis]:
    """Is what the last sync indexed still there? A missing index looks like an empty one, and grounds nothing."""
    settings = parts.settings
    kinds = indexed_kinds(settings.memory.url or settings.state_dir / "chroma", timeout_s=_PATIENCE_S)
    missing = [kind for kind in _NEEDED_KINDS if kind not in kinds]
    where = "the Chroma server" if settings.memory.url else "the local index"
    if not missing:
        yield Diagnosis("index", "ok", f"Tables, metrics, dimensions and notes are in {where}.")
    elif not (settings.state_dir / CATALOG_NAME).is_file():
        yield Diagnosis("index", "warning", f"Nothing is in {where} yet.", "No model is told anything.", _SYNC)
    else:
        yield Diagnosis(
            "index",
            "error",
            f"There are no {and_list(missing)} in {where}, although memory was synced.",
            "A model is told nothing of them, and answers suffer without a word.",
            _SYNC,
        )
