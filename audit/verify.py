"""Whether the record can be believed: every byte, link, signature, decision and checkpoint, read anew.

Verification believes nothing the writer computed. It reads the table as it lies (for SQLite in the order of its
rows, past every index), once, holding one record at a time, and stops at the first that does not hold.

What it cannot see without a checkpoint kept out of the reach of whoever owns the database: records cut off the end,
and a whole ledger written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from audit.checkpoints import Checkpoint, checkpoint_holds, read_checkpoints
from audit.engine import ledger_errors
from audit.errors import IdentityError, LedgerUnavailable, ReviewError, SealError
from audit.identity import KeyRegister, Role
from audit.ledger import Ledger
from audit.record import CHECKPOINT, IDENTITY, REVIEW, Head, Record
from audit.review import DECIDING_KINDS, check_review
from audit.rules import run_on_record
from audit.seal import genesis_hash
from audit.snapshot import Selection
from audit.stored import file_damage, read_stored, stored_rows

__all__ = ["Progress", "Verification", "verify"]

Progress = Callable[[int, int], None]
"""Called with (records checked, records in all)."""

_PROGRESS_EVERY: Final = 500


@dataclass(frozen=True, slots=True)
class Verification:
    """What verification found."""

    ok: bool
    records: int
    """Records that hold, from the first on."""
    reviews: int
    checkpoints: int
    """Signed heads of the checkpoint file that hold."""
    first_bad: int | None
    """Sequence of the first record that does not hold, or is missing."""
    problem: str
    """What is wrong, in one sentence; empty if all holds."""
    head: str
    """Hash of the last record that holds."""

    def to_json(self) -> dict[str, Any]:
        """The object that `audit verify --json` prints."""
        return asdict(self)


class _Broken(Exception):  # noqa: N818  (leaves this module as a Verification, never as an error)
    """The first thing that does not hold."""

    def __init__(self, sequence: int | None, problem: str) -> None:
        super().__init__(problem)
        self.sequence = sequence


def verify(
    ledger: Ledger, *, checkpoints: Path | None, allow_self: bool = False, progress: Progress | None = None
) -> Verification:
    """Check the whole ledger, and the checkpoint file if there is one.

    Args:
        ledger: opened with `create=False`, so that a lost ledger is not verified as an empty one.
        checkpoints: the file of signed heads; None leaves a cut end undetected.
        allow_self: the workspace's policy lets people review what they asked.
        progress: told every 500 records how far it is.

    Raises:
        LedgerUnavailable: the ledger or the file cannot be read at all, which says nothing about its truth.
    """
    walk = _Walk(ledger, checkpoints, allow_self=allow_self)
    problem, first_bad = "", None
    try:
        # The file is read before the ledger: what it vouches for was committed before it was written.
        walk.read_file()
        with ledger_errors(ledger.engine), ledger.engine.connect() as connection:
            walk.check_all(connection, progress)
    except _Broken as broken:
        problem, first_bad = str(broken), broken.sequence
    return Verification(
        not problem, walk.head.sequence, walk.reviews, walk.checkpoints, first_bad, problem, walk.head.hash
    )


class _Walk:
    """One pass over the ledger, remembering the head, the keys enrolled so far and the signed heads ahead."""

    def __init__(self, ledger: Ledger, file: Path | None, *, allow_self: bool) -> None:
        self._ledger = ledger
        self._workspace = ledger.workspace
        self._file = file
        self._allow_self = allow_self
        self._register = KeyRegister()
        self._vouched: dict[int, list[Checkpoint]] = {}
        self._signatures: set[str] = set()
        self.head = Head(0, genesis_hash(self._workspace))
        self.reviews = 0
        self.checkpoints = 0

    def read_file(self) -> None:
        """Take in the signed heads of the checkpoint file."""
        if self._file is None:
            return
        try:
            for _line, checkpoint in read_checkpoints(self._file):
                self._vouched.setdefault(checkpoint.sequence, []).append(checkpoint)
                self._signatures.add(checkpoint.signature)
        except SealError as error:
            raise _Broken(None, str(error)) from error

    def check_all(self, connection: Connection, progress: Progress | None) -> None:
        """Every record, then what is left of the checkpoints, then the database file."""
        total = self._ledger.count() if progress else 0
        self._check_checkpoints()
        with closing(stored_rows(connection, self._workspace)) as rows:
            while (row := self._next(rows)) is not None:
                record = self._check_row(row)
                self._check_meaning(record)
                self.head = Head(record.sequence, record.hash)
                self._check_checkpoints()
                if progress and record.sequence % _PROGRESS_EVERY == 0:
                    progress(record.sequence, max(total, record.sequence))
        self._check_cut_end()
        damage = file_damage(connection)
        if damage:
            raise _Broken(None, f"The records hold, but the database file around them is damaged: {damage}.")
        if progress:
            progress(self.head.sequence, max(total, self.head.sequence))

    def _next(self, rows: Iterator[Any]) -> Any | None:
        try:
            return next(rows, None)
        except SealError as error:
            expected = self._expected()
            raise _Broken(expected, f"Record {expected}, or one after it, cannot be read: {error}.") from error

    def _expected(self) -> int:
        return self.head.sequence + 1

    def _check_row(self, row: Any) -> Record:
        """Bytes, hash, place in the chain, and columns against the bytes."""
        expected = self._expected()
        if row.sequence != expected:
            raise _Broken(
                expected,
                f"Record {expected} is missing or out of its place: the next one stored is {row.sequence!a:.40}.",
            )
        try:
            record = read_stored(row, self._workspace)
        except SealError as error:
            raise _Broken(expected, f"Record {expected} was changed: {error}.") from error
        if record.previous_hash != self.head.hash:
            before = f"record {self.head.sequence}" if self.head.sequence else "the beginning of this ledger"
            raise _Broken(expected, f"Record {expected} does not follow {before}: the previous hash in it is another.")
        return record

    def _check_meaning(self, record: Record) -> None:
        """What this room wrote must also be true: enrolments, decisions, notes of checkpoints."""
        try:
            if record.kind == IDENTITY:
                self._register.accept(record, self._workspace)
            elif record.kind == REVIEW:
                self._check_review(record)
                self.reviews += 1
            elif record.kind == CHECKPOINT:
                self._check_note(record)
        except (IdentityError, ReviewError, SealError) as error:
            sentence = f"Record {record.sequence}, a record of kind {record.kind}, does not hold: {error}"
            raise _Broken(record.sequence, sentence.rstrip(".") + ".") from error

    def _check_review(self, record: Record) -> None:
        # Reviews are few and the run's records before this one are verified already, so look them up.
        selection = Selection(run_ids=(record.run_id or "",), kinds=DECIDING_KINDS, before=record.sequence)
        try:
            run = run_on_record(self._ledger.select(selection))
        except LedgerUnavailable as error:
            raise ReviewError(f"the run it decides on cannot be read ({error})") from error
        check_review(record, run, self._register.keys, workspace=self._workspace, allow_self=self._allow_self)

    def _check_note(self, record: Record) -> None:
        """A record that notes a checkpoint shows that the file once had it."""
        noted = record.body.get("signature")
        if self._file is None or noted in self._signatures:
            return
        # It may have been written since the file was read.
        later = {checkpoint.signature for _line, checkpoint in read_checkpoints(self._file)}
        if noted not in later:
            raise SealError("it notes a checkpoint that the checkpoint file does not have")
        self._signatures |= later

    def _check_checkpoints(self) -> None:
        """The signed heads that name the record just checked."""
        for checkpoint in self._vouched.pop(self.head.sequence, ()):
            self._check_signed(checkpoint)
            if checkpoint.hash != self.head.hash:
                raise _Broken(
                    self.head.sequence,
                    f"Record {self.head.sequence} is not the one the checkpoint of {checkpoint.time} was signed over:"
                    " it, or records before it, were written anew.",
                )
            self.checkpoints += 1

    def _check_signed(self, checkpoint: Checkpoint) -> None:
        named = f"The checkpoint of {checkpoint.time} over record {checkpoint.sequence}"
        if checkpoint.workspace != self._workspace:
            raise _Broken(None, f"{named} belongs to the workspace {checkpoint.workspace!r}, not {self._workspace!r}.")
        identity = self._register.keys.get(checkpoint.key_id)
        if identity is None or identity.role != Role.WORKSPACE or not checkpoint_holds(checkpoint, identity):
            raise _Broken(checkpoint.sequence, f"{named} is not signed by a key of this workspace.")

    def _check_cut_end(self) -> None:
        """Signed heads beyond the last record say that there were more."""
        ahead = sorted(self._vouched)
        if not ahead:
            return
        if ahead[0] < 0:
            raise _Broken(None, f"A checkpoint names the record {ahead[0]}, which cannot be.")
        furthest = self._vouched[ahead[-1]][0]
        self._check_signed_if_enrolled(furthest)
        raise _Broken(
            self._expected(),
            f"Record {self._expected()} is missing: the ledger ends at record {self.head.sequence}, but the checkpoint"
            f" of {furthest.time} vouches for {furthest.sequence} records.",
        )

    def _check_signed_if_enrolled(self, checkpoint: Checkpoint) -> None:
        # The enrolment itself may be among the records that were cut off; then only the cut can be reported.
        if checkpoint.key_id in self._register.keys or checkpoint.workspace != self._workspace:
            self._check_signed(checkpoint)
