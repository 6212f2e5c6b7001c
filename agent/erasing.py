"""Erasing a subject: its key is destroyed, and what lies outside the ledger is cleared.

The ledger itself is not touched. What it holds of the subject was encrypted with that key before it was sealed, so its
hashes, proofs and signatures hold as before, over words that nobody can read. What was copied out of it in the clear
(memory's index, the state of runs under way, lines of the log) is taken out here; files that were exported are named,
for whoever has them to remove.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.checkpoints import forget_threads
from agent.errors import ErrorClass, UsageError
from agent.logging import LOG_NAME
from agent.settings import Settings
from audit.erasure import record_erasure
from audit.record import EVIDENCE, RUN_RECALLED, RUN_STARTED

if TYPE_CHECKING:
    from audit.identity import Signer
    from audit.ledger import Ledger
    from audit.subjects import Subject
    from audit.veil import Veil

__all__ = ["Erased", "erase", "runs_by_subject"]


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done, and what is left for people to do."""

    subjects: tuple[str, ...]
    """The ids on the ledger whose keys are gone."""
    runs: tuple[str, ...]
    memory_is_clean: bool
    """False with a Chroma server: what it deleted may still be in its files."""
    files: tuple[str, ...]
    """Exports that were made from these runs."""
    bundles: int
    """How many bundles of evidence of these runs the ledger says were made (`audit export`); wherever they went."""
    relied: tuple[str, ...]
    """Runs about other subjects that were answered from these: they asked the same, and what they say is theirs."""
    record_hash: str


def runs_by_subject(ledger: Ledger) -> dict[str, list[str]]:
    """Subject id → its runs, oldest first."""
    found: dict[str, list[str]] = {}
    for record in ledger.records(kinds=(RUN_STARTED,)):
        subject = record.body.get("subject")
        if isinstance(subject, str) and record.run_id:
            found.setdefault(subject, []).append(record.run_id)
    return found


def erase(settings: Settings, ledger: Ledger, name: str, *, actor: str, signer: Signer | None = None) -> Erased:
    """Destroy the key of the subject of that name, or of that id, and clear what was copied from its runs.

    That it is done is on the record before it is done, signed by `signer`, an admin's key, where there is an admin. Run
    again after a failure it does the rest.

    Raises:
        UsageError: there is no such subject, or it was erased already.
        IdentityError: there is an admin, and the key is not one's; nothing was erased.
        LedgerUnavailable, MemoryUnavailable: a part could not be cleared; the message says which.
    """
    subjects = _subjects(ledger, name)
    ids = tuple(each.id for each in subjects)
    by_subject = runs_by_subject(ledger)
    runs = tuple(run_id for each in ids for run_id in by_subject.get(each, ()))
    record = record_erasure(ledger, ids, len(runs), actor=actor, signer=signer)
    clean = _forget(settings, runs)
    for each in ids:
        _veil(ledger).subjects.erase(each, ledger.now())
    return Erased(ids, runs, clean, _files(ledger, runs), _bundles(ledger, runs), _relied(ledger, runs), record.hash)


def _subjects(ledger: Ledger, name: str) -> list[Subject]:
    store = _veil(ledger).subjects
    found = store.named(name) or [each for each in store.all() if each.id == name and not each.erased]
    if not found:
        raise UsageError(
            ErrorClass.WORKSPACE,
            f"There is no subject called {name!r} whose key could be destroyed.",
            "`affidavit privacy subjects` lists them.",
        )
    return found


def _veil(ledger: Ledger) -> Veil:
    if ledger.veil is None:
        raise UsageError(ErrorClass.WORKSPACE, "The ledger was opened without its subjects' keys.")
    return ledger.veil


def _forget(settings: Settings, runs: Collection[str]) -> bool:
    """Clear memory, the runs' working state and the log; gives whether the index's own files are free of it."""
    from memory.forget import forget_queries

    clean = forget_queries(settings.memory.url or settings.state_dir / "chroma", frozenset(runs))
    forget_threads(settings, runs)
    _drop_lines(settings.state_dir / LOG_NAME, frozenset(runs))
    return clean


def _drop_lines(log: Path, runs: Collection[str]) -> None:
    """Take the lines of these runs out of the log, in place: other programs may be writing to its end."""
    try:
        with log.open("r+b") as file:
            kept = [line for line in file if _run_of(line) not in runs]
            file.seek(0)
            file.writelines(kept)
            file.truncate()
    except FileNotFoundError:
        return


def _run_of(line: bytes) -> str:
    try:
        said = json.loads(line)
    except ValueError:
        return ""
    return str(said.get("run_id", "")) if isinstance(said, dict) else ""


def _files(ledger: Ledger, runs: Collection[str]) -> tuple[str, ...]:
    exported = ledger.records(kinds=("export",))
    return tuple(str(each.body.get("file")) for each in exported if set(runs) & set(each.body.get("run_ids", ())))


def _bundles(ledger: Ledger, runs: Collection[str]) -> int:
    return sum(each.body.get("run_id") in runs for each in ledger.records(kinds=(EVIDENCE,)))


def _relied(ledger: Ledger, runs: Collection[str]) -> tuple[str, ...]:
    recalled = ledger.records(kinds=(RUN_RECALLED,))
    found = (each.run_id for each in recalled if each.body.get("verified_run_id") in runs and each.run_id not in runs)
    return tuple(dict.fromkeys(run_id for run_id in found if run_id))
