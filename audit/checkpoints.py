"""Signed heads in a file: what shows a cut or a rewritten ledger to whoever kept the file.

A hash chain alone cannot tell that its last records are gone, nor that it was written anew from the first record
on. A checkpoint says "at this time the ledger had this many records, this head and this Merkle root", signed with the
workspace's key, one JSON object a line. Keep a copy where the owner of the database cannot write.

Checkpoints from before there was a tree have no root (`affidavit.checkpoint/1`); they hold as they did.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from audit.errors import IdentityError, LedgerUnavailable, NoCheckpoint, SealError
from audit.identity import Identity, Role, Signer, read_register, signature_holds
from audit.ledger import Ledger
from audit.record import CHECKPOINT
from audit.seal import canonical_bytes
from audit.snapshot import Selection
from audit.tree import keep_subtrees, open_tree

__all__ = [
    "Checkpoint",
    "append_lines",
    "checkpoint_holds",
    "checkpoint_of",
    "fetch_checkpoints",
    "has_torn_line",
    "last_checkpoint",
    "read_checkpoints",
    "refuse_rollback",
    "write_checkpoint",
]

_PURPOSE: Final = "affidavit.checkpoint/2"
_ROOTLESS: Final = "affidavit.checkpoint/1"
_TAIL_BYTES: Final = 8192
_FETCH_TIMEOUT_S: Final = 30.0
_NAME_IT: Final = "Name the file or URL they are sent to."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One signed head."""

    workspace: str
    sequence: int
    hash: str
    time: str
    key_id: str
    purpose: str = _PURPOSE
    signature: str = ""
    """Ed25519 over the canonical bytes of the other fields, in hex."""
    root: str = ""
    """The Merkle root (RFC 9162) over the records up to `sequence`; empty on a checkpoint of the first version."""

    def to_json(self) -> dict[str, Any]:
        """The object of its line."""
        fields = asdict(self)
        return fields if self.purpose == _PURPOSE else {key: fields[key] for key in fields if key != "root"}


def write_checkpoint(ledger: Ledger, signer: Signer, path: Path) -> Checkpoint:
    """Sign the ledger's head now, add it to the file, and note that on the ledger.

    The file comes first: if the program dies in between, the file vouches for more than the ledger says, never less.

    Raises:
        LedgerUnavailable: the ledger or the file cannot be written.
        IdentityError: the key is not enrolled as the workspace's.
    """
    _refuse_other_keys(ledger, signer)
    with open_tree(ledger) as tree:
        head = tree.snapshot.head
        unkept = tree.unkept(head.sequence)
        root = tree.root(head.sequence).hex()
    keep_subtrees(ledger, unkept)
    unsigned = Checkpoint(ledger.workspace, head.sequence, head.hash, ledger.now(), signer.identity.key_id, root=root)
    checkpoint = Checkpoint(**signer.sign_body(_statement(unsigned)))
    try:
        append_lines(path, [canonical_bytes(checkpoint.to_json()) + b"\n"])
    except OSError as error:
        raise LedgerUnavailable(
            f"The checkpoint file {path} cannot be written: {error.strerror}.", "Mend it and run the command again."
        ) from error
    body = {
        "hash": head.hash,
        "key_id": checkpoint.key_id,
        "root": root,
        "sequence": head.sequence,
        "signature": checkpoint.signature,
    }
    ledger.append(CHECKPOINT, body, actor=signer.identity.name)
    return checkpoint


def append_lines(path: Path, lines: Sequence[bytes]) -> None:
    """Add whole lines to a file that several programs may write to; when this returns they are on disk.

    Raises:
        OSError: they are not.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(path, "ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _drop_torn_line(file)
        file.write(b"".join(lines))
        file.flush()
        os.fsync(file.fileno())


def read_checkpoints(path: Path, named: str = "the checkpoint file") -> Iterator[tuple[int, Checkpoint]]:
    """(line number from 1, checkpoint) of every line, in the order of the file; nothing if there is no file.

    `named` is what errors call it.

    Raises:
        SealError: a line that is no checkpoint.
        LedgerUnavailable: the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return  # half-written when the power went: it vouches for nothing
                yield number, _read_line(line, f"Line {number} of {named}")
    except FileNotFoundError:
        return
    except OSError as error:
        raise LedgerUnavailable(f"The checkpoint file {path} cannot be read: {error.strerror}.") from error


def fetch_checkpoints(place: str) -> list[Checkpoint]:
    """The checkpoints kept at a file or behind an `http` or `https` URL, as JSON lines.

    Raises:
        SealError: a line that is no checkpoint.
        LedgerUnavailable: the place cannot be read.
        NoCheckpoint: there is no such file, or it has none.
    """
    if place.startswith(("http://", "https://")):
        import httpx

        try:
            answer = httpx.get(place, timeout=_FETCH_TIMEOUT_S, follow_redirects=True).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise LedgerUnavailable(
                f"The checkpoints at {place} cannot be read: {error}",
                "Check that address, and that its server answers; the ledger was not read.",
            ) from error
        lines = [line for line in answer.content.splitlines() if line.strip()]
        found = [_read_line(line, f"Line {number} of {place}") for number, line in enumerate(lines, start=1)]
    else:
        if not Path(place).exists():
            raise NoCheckpoint(f"There is no file {place}, and so no checkpoint.", _NAME_IT)
        found = [checkpoint for _line, checkpoint in read_checkpoints(Path(place), place)]
    if not found:
        raise NoCheckpoint(f"{place} holds no checkpoint that can be read.", _NAME_IT)
    return found


def has_torn_line(path: Path) -> bool:
    """Whether the last line of a file was not written to its end; such a line is not read.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


def last_checkpoint(path: Path) -> Checkpoint | None:
    """The newest checkpoint of the file, read from its end; None if there is no file or nothing in it.

    Raises:
        LedgerUnavailable: the file cannot be read, or its last line is no checkpoint.
    """
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            lines = [line for line in file.read().splitlines(keepends=True) if line.endswith(b"\n")]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LedgerUnavailable(f"The checkpoint file {path} cannot be read: {error.strerror}.") from error
    if not lines:
        return None
    try:
        return _read_line(lines[-1], "The last line of the checkpoint file")
    except SealError as error:
        raise LedgerUnavailable(str(error), "Run `affidavit audit verify`.") from error


def checkpoint_holds(checkpoint: Checkpoint, identity: Identity) -> bool:
    """Whether that key signed this checkpoint."""
    return signature_holds(identity, checkpoint.to_json())


def checkpoint_of(fields: Any, where: str) -> Checkpoint:
    """The checkpoint that a JSON object is.

    Raises:
        SealError: it is none; the sentence begins with `where`.
    """
    try:
        checkpoint = Checkpoint(**fields)
        if checkpoint.purpose not in (_PURPOSE, _ROOTLESS):
            raise ValueError(checkpoint.purpose)
    except (ValueError, TypeError) as error:
        raise SealError(f"{where} is not a checkpoint.") from error
    texts = (getattr(checkpoint, name) for name in ("workspace", "hash", "time", "key_id", "signature", "root"))
    if not all(isinstance(value, str) for value in texts) or type(checkpoint.sequence) is not int:
        raise SealError(f"{where} is not a checkpoint.")
    if checkpoint.to_json() != fields:  # of another purpose, or a root that its signature is not over
        raise SealError(f"{where} is not a checkpoint.")
    return checkpoint


def refuse_rollback(ledger: Ledger, path: Path) -> None:
    """Refuse a ledger that lacks, or differs in, what the newest checkpoint vouches for. One record is read.

    Raises:
        LedgerUnavailable: it was cut, replaced or rewritten since.
    """
    newest = last_checkpoint(path)
    if newest is not None and newest.workspace != ledger.workspace:
        raise LedgerUnavailable(
            f"The checkpoint file {path} belongs to the workspace {newest.workspace!r}, not {ledger.workspace!r}."
        )
    if newest is None or newest.sequence == 0:
        return
    found = next(ledger.select(Selection(after=newest.sequence - 1, before=newest.sequence + 1)), None)
    if found is None or found.hash != newest.hash:
        what = "lacks it" if found is None else "has another one there"
        raise LedgerUnavailable(
            f"The checkpoint of {newest.time} vouches for record {newest.sequence}, but the ledger {what}.",
            "Records were cut or rewritten: run `affidavit audit verify`, restore the ledger from a copy that holds.",
        )


def _refuse_other_keys(ledger: Ledger, signer: Signer) -> None:
    known = read_register(ledger).keys.get(signer.identity.key_id)
    if known is None or not known.may(Role.WORKSPACE):
        raise IdentityError(f"The key of {signer.identity.name} is not enrolled here as the workspace's.")


def _statement(checkpoint: Checkpoint) -> dict[str, Any]:
    return {key: value for key, value in checkpoint.to_json().items() if key != "signature"}


def _read_line(line: bytes, where: str) -> Checkpoint:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SealError(f"{where} is not a checkpoint.") from error
    return checkpoint_of(fields, where)


def _drop_torn_line(file: BinaryIO) -> None:
    """Take off what a power cut left half-written at the end; had it been finished, the ledger would name it."""
    start = max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES)
    file.seek(start)
    tail = file.read()
    if tail and not tail.endswith(b"\n"):
        file.truncate(start + tail.rfind(b"\n") + 1)
    file.seek(0, os.SEEK_END)
