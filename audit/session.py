"""A session: the ledger as the program uses it, with its own key, its checkpoints and the check against a rollback.

Whoever only verifies opens the ledger alone (`Ledger.open(..., create=False)`): a session refuses to begin on a
ledger that its checkpoint file contradicts, and verification is what explains why.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from audit.checkpoints import DEFAULT_EVERY, CheckpointWriter, last_checkpoint, refuse_rollback, write_checkpoint
from audit.identity import Keyring, Role, ensure_identity
from audit.ledger import Ledger
from audit.record import Clock, utc_now

__all__ = ["CHECKPOINTS_NAME", "KEYS_NAME", "WORKSPACE_KEY", "checkpoint_now", "open_session"]

CHECKPOINTS_NAME: Final = "checkpoints.jsonl"
KEYS_NAME: Final = "keys"
WORKSPACE_KEY: Final = "workspace"
"""The name the program's own key is enrolled under; no person can have it."""


def open_session(
    url: str,
    *,
    workspace: str,
    state_dir: Path,
    clock: Clock = utc_now,
    create: bool = True,
    every: int = DEFAULT_EVERY,
) -> Ledger:
    """Open a ledger to work with: refuse a rollback, have the workspace's key, write checkpoints as it grows.

    Args:
        url: the ledger's SQLAlchemy URL.
        workspace: the stable name whose chain this is.
        state_dir: holds `checkpoints.jsonl` and `keys/`; made if missing.
        clock: gives the time written on records.
        create: make the ledger if it is missing; never done once a checkpoint says that there was one.
        every: records between two automatic checkpoints; one more is written at close if anything was appended.

    Raises:
        LedgerUnavailable: it cannot be opened or written, or its checkpoints say that records are gone.
        IdentityError: the workspace's key cannot be made or used.
    """
    path = state_dir / CHECKPOINTS_NAME
    ledger = Ledger.open(url, workspace=workspace, clock=clock, create=create and last_checkpoint(path) is None)
    try:
        refuse_rollback(ledger, path)
        signer = ensure_identity(ledger, Keyring(state_dir / KEYS_NAME), WORKSPACE_KEY, role=Role.WORKSPACE)
        CheckpointWriter(ledger, signer, path, every=every)
    except BaseException:
        ledger.close()
        raise
    return ledger


def checkpoint_now(ledger: Ledger, state_dir: Path) -> int:
    """Write a checkpoint of the ledger as it is; gives the number of records it vouches for.

    Raises:
        LedgerUnavailable, IdentityError: as `open_session`.
    """
    signer = ensure_identity(ledger, Keyring(state_dir / KEYS_NAME), WORKSPACE_KEY, role=Role.WORKSPACE)
    return write_checkpoint(ledger, signer, state_dir / CHECKPOINTS_NAME).sequence
