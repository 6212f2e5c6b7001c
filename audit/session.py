"""A session: the ledger as the program uses it, with its own key, its checkpoints and a look at what it builds on.

A session refuses to begin on a ledger whose newest records do not hold, or that its checkpoint file contradicts. That
costs milliseconds however long the ledger is; the rest of it is the work of `audit.verify`. Whoever only verifies
opens the ledger alone (`open_alone`), and is told what exactly is wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from audit.checkpoints import last_checkpoint, refuse_rollback, write_checkpoint
from audit.delivery import Delivery
from audit.destinations import Destination, destination_of
from audit.engine import ledger_errors
from audit.errors import LedgerMissing, LedgerUnavailable, SealError
from audit.identity import WORKSPACE_KEY, Keyring, Signer, ensure_workspace_key
from audit.ledger import Ledger
from audit.record import Clock, Head, utc_now
from audit.review_rules import ReviewRules, record_rules
from audit.seal import genesis_hash
from audit.stored import newest_rows, read_stored
from audit.vouching import CheckpointPlan, CheckpointWriter

__all__ = [
    "CHECKPOINTS_NAME",
    "KEYS_NAME",
    "TIMESTAMPS_NAME",
    "WORKSPACE_KEY",
    "checkpoint_now",
    "destinations_of",
    "open_alone",
    "open_session",
    "record_rules_now",
    "refuse_unsound",
]

CHECKPOINTS_NAME: Final = "checkpoints.jsonl"
KEYS_NAME: Final = "keys"
TIMESTAMPS_NAME: Final = "timestamps.jsonl"
_LOOKED_AT: Final = 32
"""Records at the end of the ledger that are checked when a session begins."""


def open_session(
    url: str,
    *,
    workspace: str,
    state_dir: Path,
    clock: Clock = utc_now,
    create: bool = True,
    plan: CheckpointPlan = CheckpointPlan(),  # noqa: B008  (frozen)
) -> Ledger:
    """Open a ledger to work with: refuse a changed or rolled back one, have the workspace's key, write checkpoints.

    Args:
        url: the ledger's SQLAlchemy URL.
        workspace: the stable name whose chain this is.
        state_dir: holds `checkpoints.jsonl` and `keys/`; made if missing.
        clock: gives the time written on records.
        create: make the ledger if it is missing; never done once a checkpoint says that there was one.
        plan: when checkpoints are written by themselves, and where they are sent; a file among those places that can be
            read here is held against the ledger, too.

    Raises:
        LedgerUnavailable: it cannot be opened or written, one of its newest records was changed, or its checkpoints
            say that records are gone.
        IdentityError: the workspace's key cannot be made or used.
    """
    path = state_dir / CHECKPOINTS_NAME
    ledger = open_alone(url, workspace=workspace, state_dir=state_dir, clock=clock, create=create, upgrade=True)
    try:
        refuse_unsound(ledger, state_dir)
        _make_state_dir(state_dir)
        signer = ensure_workspace_key(ledger, Keyring(state_dir / KEYS_NAME))
        _send_checkpoints(ledger, signer, path, plan)
    except BaseException:
        ledger.close()
        raise
    return ledger


def open_alone(
    url: str,
    *,
    workspace: str,
    state_dir: Path,
    clock: Clock = utc_now,
    create: bool = False,
    upgrade: bool = False,
) -> Ledger:
    """Open a ledger and nothing beside it; the arguments are those of `open_session` and of `Ledger.open`.

    Raises:
        LedgerUnavailable: it cannot be opened; where a checkpoint vouches for a ledger that is missing, says so.
    """
    path = state_dir / CHECKPOINTS_NAME
    try:
        may_create = create and last_checkpoint(path) is None
        return Ledger.open(url, workspace=workspace, clock=clock, create=may_create, upgrade=upgrade)
    except LedgerMissing as error:
        vouched = last_checkpoint(path)
        if vouched is None:
            raise
        raise LedgerMissing(
            f"{error.message} The checkpoint of {vouched.time} in {path} vouches for one of {vouched.sequence} "
            "records.",
            "Name that ledger in [ledger] url, or restore it from a copy. To begin a new one here instead, move "
            f"{CHECKPOINTS_NAME} and {KEYS_NAME}/ from {state_dir} to where the old ledger is kept, then run "
            "`affidavit memory sync`: it makes the new ledger and forgets the answers that only the old one vouches "
            "for.",
        ) from error


def refuse_unsound(ledger: Ledger, state_dir: Path) -> None:
    """Refuse a ledger whose newest records do not hold, or that its checkpoints contradict; nothing is written.

    Raises:
        LedgerUnavailable: which record was changed, or what is gone.
    """
    _refuse_changed_end(ledger)
    refuse_rollback(ledger, state_dir / CHECKPOINTS_NAME)


def checkpoint_now(ledger: Ledger, state_dir: Path) -> int:
    """Write a checkpoint of the ledger as it is; gives the number of records it vouches for.

    Raises:
        LedgerUnavailable, IdentityError: as `open_session`.
    """
    signer = ensure_workspace_key(ledger, Keyring(state_dir / KEYS_NAME))
    return write_checkpoint(ledger, signer, state_dir / CHECKPOINTS_NAME).sequence


def destinations_of(plan: CheckpointPlan, workspace: str, path: Path) -> list[Destination]:
    """Whom each checkpoint of the file is sent to; the time-stamping authority comes last, for it may take longest."""
    destinations = [destination_of(place, workspace) for place in plan.to]
    if plan.timestamp_url:
        from audit.timestamps import TimestampAuthority

        destinations.append(TimestampAuthority(plan.timestamp_url, path.with_name(TIMESTAMPS_NAME)))
    return destinations


def record_rules_now(ledger: Ledger, state_dir: Path, rules: ReviewRules) -> None:
    """Put the rules of review on the ledger, signed with the workspace's key, if they are not those recorded last.

    Raises:
        LedgerUnavailable, IdentityError: as `open_session`.
    """
    signer = ensure_workspace_key(ledger, Keyring(state_dir / KEYS_NAME))
    record_rules(ledger, signer, rules)


def _send_checkpoints(ledger: Ledger, signer: Signer, path: Path, plan: CheckpointPlan) -> None:
    """Write checkpoints as planned, and send them on in the background if there is anywhere to send them."""
    destinations = destinations_of(plan, ledger.workspace, path)
    for each in destinations:
        if each.readable is not None:
            refuse_rollback(ledger, each.readable)
    if not destinations:
        CheckpointWriter(ledger, signer, path, plan)
        return
    delivery = Delivery(path, destinations, timeout_s=plan.timeout_s)
    CheckpointWriter(ledger, signer, path, plan, delivery.wake)
    ledger.on_close(delivery.close)
    delivery.wake()  # what an earlier session could not send


def _make_state_dir(state_dir: Path) -> None:
    """The folder of local state is its owner's alone; made as a parent of the keys' it would be everybody's to read."""
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerUnavailable(
            f"The folder {state_dir} cannot be made: {error.strerror}.", "Check that the workspace can be written."
        ) from error


def _refuse_changed_end(ledger: Ledger) -> None:
    """Refuse a ledger whose newest records do not give their hashes, or do not follow one another."""
    with ledger_errors(ledger.engine), ledger.engine.connect() as connection:
        rows = newest_rows(connection, ledger.workspace, _LOOKED_AT)
    before: Head | None = None
    if rows and rows[0].sequence == 1:
        before = Head(0, genesis_hash(ledger.workspace))
    for row in rows:
        try:
            record = read_stored(row, ledger.workspace)
        except SealError as error:
            raise _changed(row.sequence, str(error)) from error
        if before is not None and (record.sequence, record.previous_hash) != (before.sequence + 1, before.hash):
            raise _changed(record.sequence, "it does not follow the record before it")
        before = Head(record.sequence, record.hash)


def _changed(sequence: object, problem: str) -> LedgerUnavailable:
    return LedgerUnavailable(
        f"Record {sequence!a:.40} of the ledger was changed: {problem}.",
        "Run `affidavit audit verify`, then restore the ledger from a copy that verifies.",
    )
