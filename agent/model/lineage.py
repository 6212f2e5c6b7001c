"""Which adapters learnt from which reviews: the registry knows their datasets, the ledger what those were built of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent.model.adapters import read_registry
from audit.reliance import TrainedModel, read_reliances, revoked_runs

if TYPE_CHECKING:
    from audit.ledger import Ledger

__all__ = ["known_models", "models_on_revoked"]


def known_models(state_dir: Path) -> tuple[TrainedModel, ...]:
    """The registered adapters, as far as it matters what they learnt from.

    Raises:
        UsageError: `models.json` is broken.
    """
    return tuple(
        TrainedModel(each.name, each.sha256, each.dataset_hash, each.made_from)
        for each in read_registry(state_dir).adapters
    )


def models_on_revoked(ledger: Ledger, state_dir: Path) -> dict[str, tuple[str, ...]]:
    """Adapter → the revoked runs that it learnt from; adapters that learnt from none are left out.

    Raises:
        LedgerUnavailable, UsageError: the ledger or the registry cannot be read.
    """
    revoked = revoked_runs(ledger)
    if not revoked:
        return {}
    reliances = read_reliances(ledger, known_models(state_dir))
    found: dict[str, list[str]] = {}
    for run_id in revoked:
        for model in reliances.models_of(run_id):
            found.setdefault(model.name, []).append(run_id)
    return {name: tuple(runs) for name, runs in found.items()}
