"""The signed heads that a verification holds the ledger against: the workspace's own file, and any from elsewhere.

The workspace's file must be complete: a note on the ledger of a checkpoint that the file lacks is a finding. Heads from
elsewhere may be few, one that an auditor wrote down for instance, but each of them must hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from audit.checkpoints import Checkpoint, checkpoint_holds, read_checkpoints
from audit.errors import SealError
from audit.identity import Identity, Role
from audit.merkle import Frontier
from audit.record import Head, Record

__all__ = ["Broken", "SignedHeads"]


class Broken(Exception):  # noqa: N818  (leaves `audit.verify` as a Verification, never as an error)
    """The first thing that does not hold, and the record it concerns if it is one."""

    def __init__(self, sequence: int | None, problem: str) -> None:
        super().__init__(problem)
        self.sequence = sequence


class SignedHeads:
    """Checkpoints by the record they name, taken out as the walk comes past them."""

    def __init__(self, workspace: str, file: Path | None, elsewhere: Iterable[Checkpoint] = ()) -> None:
        self._workspace = workspace
        self._file = file
        self._ahead: dict[int, list[Checkpoint]] = {}
        self._in_file: dict[str, Checkpoint] = {}
        """Signature → checkpoint."""
        self.held = 0
        for checkpoint in elsewhere:
            self._expect(checkpoint)

    def read_file(self) -> None:
        """Take in the signed heads of the workspace's file."""
        if self._file is None:
            return
        try:
            for _line, checkpoint in read_checkpoints(self._file):
                self._expect(checkpoint)
                self._in_file[checkpoint.signature] = checkpoint
        except SealError as error:
            raise Broken(None, str(error)) from error

    def skip_to(self, sequence: int) -> None:
        """Leave out what names a record before `sequence`; an earlier verification held the ledger against it."""
        for each in [each for each in self._ahead if each < sequence]:
            del self._ahead[each]

    def check_at(self, head: Head, tree: Frontier, keys: dict[str, Identity]) -> None:
        """Hold those that name the record just checked against it, and their roots against the tree so far."""
        for checkpoint in self._ahead.pop(head.sequence, ()):
            self._check_signed(checkpoint, keys)
            if checkpoint.hash != head.hash or checkpoint.root not in ("", tree.root().hex()):
                raise Broken(
                    head.sequence,
                    f"Record {head.sequence} is not the one the checkpoint of {checkpoint.time} was signed over:"
                    " it, or records before it, were written anew.",
                )
            self.held += 1

    def check_note(self, record: Record) -> None:
        """A record that notes a checkpoint shows that the file once had it.

        Raises:
            SealError: the file does not have it.
        """
        if self._file is None:
            return
        signature = str(record.body.get("signature"))
        if signature not in self._in_file:  # it may have been written since the file was read
            self._in_file |= {each.signature: each for _line, each in read_checkpoints(self._file)}
        noted = self._in_file.get(signature)
        if noted is None:
            raise SealError("it notes a checkpoint that the checkpoint file does not have")
        said = {**record.body, "root": record.body.get("root", "")}
        if any(said.get(key) != getattr(noted, key) for key in ("hash", "key_id", "root", "sequence")):
            raise SealError("it notes another checkpoint than the one of that signature")

    def check_end(self, head: Head, keys: dict[str, Identity]) -> None:
        """Signed heads beyond the last record say that there were more."""
        ahead = sorted(self._ahead)
        if not ahead:
            return
        if ahead[0] < 0:
            raise Broken(None, f"A checkpoint names the record {ahead[0]}, which cannot be.")
        furthest = self._ahead[ahead[-1]][0]
        # The enrolment itself may be among the records that were cut off; then only the cut can be reported.
        if furthest.key_id in keys or furthest.workspace != self._workspace:
            self._check_signed(furthest, keys)
        missing = head.sequence + 1
        raise Broken(
            missing,
            f"Record {missing} is missing: the ledger ends at record {head.sequence}, but the checkpoint"
            f" of {furthest.time} vouches for {furthest.sequence} records.",
        )

    def _expect(self, checkpoint: Checkpoint) -> None:
        """Take one in, once: what is kept elsewhere is mostly a copy of the workspace's file."""
        expected = self._ahead.setdefault(checkpoint.sequence, [])
        if checkpoint not in expected:
            expected.append(checkpoint)

    def _check_signed(self, checkpoint: Checkpoint, keys: dict[str, Identity]) -> None:
        named = f"The checkpoint of {checkpoint.time} over record {checkpoint.sequence}"
        if checkpoint.workspace != self._workspace:
            raise Broken(None, f"{named} belongs to the workspace {checkpoint.workspace!r}, not {self._workspace!r}.")
        identity = keys.get(checkpoint.key_id)
        if identity is None or not identity.may(Role.WORKSPACE) or not checkpoint_holds(checkpoint, identity):
            raise Broken(checkpoint.sequence, f"{named} is not signed by a key of this workspace.")
