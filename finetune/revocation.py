"""What a revoked review takes along: datasets get their quarantine, and models are named that learnt from it.

The ledger says which datasets were built of which reviews (`dataset.built`); the registry, which models of which
datasets. Nothing is deleted: what was built stays, with a word beside it that it no longer stands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.model.lineage import known_models
from audit.reliance import (
    DATASET_BUILT,
    REVOCATION,
    BuiltDataset,
    Impact,
    Reliances,
    read_reliances,
    revoked_runs,
)
from finetune.datasets.quarantine import write_quarantine

if TYPE_CHECKING:
    from audit.ledger import Ledger
    from finetune.datasets.build import DatasetReport

__all__ = ["apply_quarantine", "impact_of", "record_dataset", "record_revocation"]

_MANIFEST = "dataset.json"
_LEARNT_FROM = ("train", "valid")


def impact_of(ledger: Ledger, state_dir: Path, run_id: str) -> Impact:
    """What stands on a run's review, whether it was revoked or not.

    Raises:
        LedgerUnavailable, UsageError: the ledger or the registry cannot be read.
    """
    return _reliances(ledger, state_dir).of(run_id)


def _reliances(ledger: Ledger, state_dir: Path) -> Reliances:
    """What the ledger says, and what datasets say of themselves that were built before they were recorded."""
    found = read_reliances(ledger, known_models(state_dir))
    recorded = {(each.folder, each.sha256) for each in found.datasets}
    for manifest in (state_dir / "dataset" / _MANIFEST, *sorted((state_dir / "train").glob(f"*/dataset/{_MANIFEST}"))):
        built = _unrecorded(manifest)
        if built is not None and (built.folder, built.sha256) not in recorded:
            found.datasets.append(built)
    return found


def _unrecorded(manifest: Path) -> BuiltDataset | None:
    """A dataset as its own files tell it; None where they do not."""
    folder = manifest.parent
    try:
        sha256 = str(json.loads(manifest.read_text(encoding="utf-8"))["sha256"]["train"])
        reviews: dict[str, list[str]] = {}
        taught: set[str] = set()
        for file in sorted(folder.glob("*.jsonl")):
            for line in file.read_bytes().splitlines():
                if b'"review.' in line:
                    record = json.loads(line)
                    run_id = str(record["template_id"]).removeprefix("review.")
                    reviews.setdefault(run_id, []).append(str(record["id"]))
                    taught |= {run_id} if file.stem in _LEARNT_FROM else set()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    held = {run_id: tuple(ids) for run_id, ids in reviews.items()}
    return BuiltDataset(str(folder.resolve()), sha256, held, frozenset(taught))


def record_dataset(ledger: Ledger, report: DatasetReport, *, actor: str = "") -> None:
    """Put on the record what a dataset was built of.

    Raises:
        LedgerUnavailable: it could not be written.
    """
    body: dict[str, Any] = {
        "folder": str(report.out_dir.resolve()),
        "sha256": report.sha256.get("train", ""),
        "counts": report.counts,
        "reviews": {run_id: sorted(records) for run_id, records in report.reviews.items()},
        "taught": sorted(report.taught),
    }
    ledger.append(DATASET_BUILT, body, actor=actor)


def record_revocation(ledger: Ledger, impact: Impact, *, actor: str) -> None:
    """Put on the record, under the revoked run, what stood on it when it was revoked.

    Raises:
        LedgerUnavailable: it could not be written.
    """
    body: Mapping[str, Any] = {
        key: value for key, value in impact.to_json().items() if key in {"datasets", "models", "exports"}
    }
    ledger.append(REVOCATION, {**body, "runs": impact.counts()}, run_id=impact.run_id, actor=actor)


def apply_quarantine(ledger: Ledger, state_dir: Path) -> dict[Path, tuple[str, ...]]:
    """Bring `quarantine.json` of every dataset that is still where it was built in line with the ledger.

    Gives folder → the revoked runs in it. A folder that was built anew is judged by what was built last.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
        FailedError: a folder cannot be written.
    """
    revoked = revoked_runs(ledger)
    if not revoked:
        return {}
    newest = {each.folder: each for each in _reliances(ledger, state_dir).datasets}
    found = {}
    for name, dataset in newest.items():
        folder = Path(name)
        if not (folder / _MANIFEST).is_file():
            continue
        held = {run_id: records for run_id, records in dataset.reviews.items() if run_id in revoked}
        write_quarantine(folder, held)
        if held:
            found[folder] = tuple(sorted(held))
    return found
