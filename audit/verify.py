"""Whether the record can be believed: every byte, link, signature, decision, checkpoint and proof, read anew.

Verification believes nothing the writer computed. It reads the table as it lies (for SQLite in the order of its
rows, past every index), once, holding one record at a time, and stops at the first that does not hold.

What it cannot see without a checkpoint kept out of the reach of whoever owns the database: records cut off the end,
and a whole ledger written anew. `since` makes it quick: it believes what one checkpoint vouches for, whose root it
holds against the stored hashes, and reads only what came after.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from audit.asking import AskingRules
from audit.assignment import ASSIGNED_ON, ASSIGNMENT_KINDS, assignment_of, check_assignment
from audit.checkpoints import Checkpoint
from audit.circumstances import BACKGROUND_KINDS, Background
from audit.engine import ledger_errors
from audit.erasure import check_erasure
from audit.errors import IdentityError, LedgerUnavailable, ReviewError, SealError
from audit.evidence import check_statement
from audit.identity import Identity
from audit.ledger import Ledger
from audit.merkle import Frontier
from audit.record import CHECKPOINT, EVIDENCE, POLICY_CHANGED, PRIVACY_ERASED, REVIEW, RUN_STARTED, Head, Record
from audit.review import DECIDING_KINDS, check_review
from audit.rules import run_on_record
from audit.seal import genesis_hash
from audit.snapshot import Selection
from audit.stored import file_damage, read_stored, rows_after, stored_rows
from audit.tree import RecordTree, kept_subtrees
from audit.vouched import Broken, SignedHeads

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
    """Signed heads that hold, of the checkpoint file and from elsewhere."""
    first_bad: int | None
    """Sequence of the first record that does not hold, or is missing."""
    problem: str
    """What is wrong, in one sentence; empty if all holds."""
    head: str
    """Hash of the last record that holds."""
    root: str
    """Merkle root over the records that hold."""
    since: int = 0
    """Records that were believed on the word of a checkpoint, not read."""

    def to_json(self) -> dict[str, Any]:
        """The object that `audit verify --json` prints."""
        return asdict(self)


def verify(
    ledger: Ledger,
    *,
    checkpoints: Path | None,
    elsewhere: Iterable[Checkpoint] = (),
    since: Checkpoint | None = None,
    allow_self: bool = False,
    progress: Progress | None = None,
) -> Verification:
    """Check the whole ledger, and the checkpoint file if there is one.

    Args:
        ledger: opened with `create=False`, so that a lost ledger is not verified as an empty one.
        checkpoints: the file of signed heads, which must be complete; None leaves a cut end undetected.
        elsewhere: signed heads kept elsewhere, each of which must hold as well.
        since: believe the records up to this checkpoint, which an earlier verification has read, and read the rest;
            one without a root has nothing to be held against, so then everything is read.
        allow_self: the workspace's policy lets people review what they asked; this is for what was reviewed before
            there were rules on the ledger, and for nothing else.
        progress: told every 500 records how far it is.

    Raises:
        LedgerUnavailable: the ledger or the file cannot be read at all, which says nothing about its truth.
    """
    walk = _Walk(ledger, SignedHeads(ledger.workspace, checkpoints, elsewhere), allow_self=allow_self)
    problem, first_bad = "", None
    if since is not None and not since.root:
        since = None
    try:
        # The file is read before the ledger: what it vouches for was committed before it was written.
        walk.heads.read_file()
        with ledger_errors(ledger.engine), ledger.engine.connect() as connection:
            if since is None:
                walk.check_all(connection, progress)
            else:
                walk.check_since(connection, since, progress)
    except Broken as broken:
        problem, first_bad = str(broken), broken.sequence
    return Verification(
        ok=not problem,
        records=walk.head.sequence,
        reviews=walk.reviews,
        checkpoints=walk.heads.held,
        first_bad=first_bad,
        problem=problem,
        head=walk.head.hash,
        root=walk.tree.root().hex(),
        since=since.sequence if since else 0,
    )


class _Walk:
    """One pass over the ledger, remembering the head, the tree, the keys enrolled so far and the signed heads ahead."""

    def __init__(self, ledger: Ledger, heads: SignedHeads, *, allow_self: bool) -> None:
        self._ledger = ledger
        self._workspace = ledger.workspace
        self._asking = AskingRules(ledger.workspace)
        self._background = Background(self._workspace, allow_self=allow_self)
        self.heads = heads
        self.head = Head(0, genesis_hash(self._workspace))
        self.tree = Frontier()
        self.reviews = 0

    def check_all(self, connection: Connection, progress: Progress | None) -> None:
        """Every record, then what is left of the checkpoints, the kept subtrees, and the database file."""
        total = self._ledger.count() if progress else 0
        self._check_rows(stored_rows(connection, self._workspace), total, progress)
        self._check_kept(connection)
        damage = file_damage(connection)
        if damage:
            raise Broken(None, f"The records hold, but the database file around them is damaged: {damage}.")
        if progress:
            progress(self.head.sequence, max(total, self.head.sequence))

    def check_since(self, connection: Connection, since: Checkpoint, progress: Progress | None) -> None:
        """The records after a checkpoint, once the checkpoint itself is seen to hold over what lies before."""
        self.heads.skip_to(since.sequence)
        believed = SignedHeads(self._workspace, None, [since])
        try:
            before = Selection(kinds=(*BACKGROUND_KINDS, POLICY_CHANGED), before=since.sequence + 1)
            for record in self._ledger.select(before):
                self._check_meaning(record)
            newest = self._ledger.head()
            if since.sequence <= newest.sequence:
                # Its root is over the stored hash of the record it names, and over every hash before that.
                self.tree = RecordTree(connection, self._workspace).frontier(since.sequence)
                connection.rollback()
                self.head = Head(since.sequence, since.hash)
        except LedgerUnavailable as error:
            if isinstance(error.__cause__, SQLAlchemyError | OSError):
                raise  # it cannot be read, which says nothing about its truth
            raise Broken(None, error.message) from error
        believed.check_at(self.head, self.tree, self._keys)
        believed.check_end(newest, self._keys)
        self._check_rows(rows_after(connection, self._workspace, since.sequence), newest.sequence, progress)

    def _check_rows(self, found: Generator[Any, None, None], total: int, progress: Progress | None) -> None:
        self.heads.check_at(self.head, self.tree, self._keys)
        with closing(found) as rows:
            while (row := self._next(rows)) is not None:
                record = self._check_row(row)
                self._check_meaning(record)
                self.head = Head(record.sequence, record.hash)
                self.tree.add(bytes.fromhex(record.hash))
                self.heads.check_at(self.head, self.tree, self._keys)
                if progress and record.sequence % _PROGRESS_EVERY == 0:
                    progress(record.sequence, max(total, record.sequence))
        self.heads.check_end(self.head, self._keys)

    def _check_kept(self, connection: Connection) -> None:
        """The kept subtrees are no evidence, but proofs are made from them."""
        kept = kept_subtrees(connection, self._workspace)
        for each in self.tree.completed:
            if kept.pop((each.level, each.position), each.hash.hex()) != each.hash.hex():
                last = (each.position + 1) << each.level
                raise Broken(
                    None, f"The records hold, but the kept hash of the subtree that ends at {last} is not theirs."
                )
        if kept:
            raise Broken(
                self._expected(),
                f"Record {self._expected()} is missing: a kept hash is over records beyond {self.head.sequence}.",
            )

    def _next(self, rows: Iterator[Any]) -> Any | None:
        try:
            return next(rows, None)
        except SealError as error:
            expected = self._expected()
            raise Broken(expected, f"Record {expected}, or one after it, cannot be read: {error}.") from error

    def _expected(self) -> int:
        return self.head.sequence + 1

    def _check_row(self, row: Any) -> Record:
        """Bytes, hash, place in the chain, and columns against the bytes."""
        expected = self._expected()
        if row.sequence != expected:
            raise Broken(
                expected,
                f"Record {expected} is missing or out of its place: the next one stored is {row.sequence!a:.40}.",
            )
        try:
            record = read_stored(row, self._workspace)
        except SealError as error:
            raise Broken(expected, f"Record {expected} was changed: {error}.") from error
        if record.previous_hash != self.head.hash:
            before = f"record {self.head.sequence}" if self.head.sequence else "the beginning of this ledger"
            raise Broken(expected, f"Record {expected} does not follow {before}: the previous hash in it is another.")
        return record

    def _check_meaning(self, record: Record) -> None:
        """What this room wrote must also be true: enrolments, decisions, notes of checkpoints, signed questions."""
        try:
            if record.kind in BACKGROUND_KINDS:
                self._background.accept(record)
            elif record.kind == REVIEW:
                self._check_review(record)
                self.reviews += 1
            elif record.kind in ASSIGNMENT_KINDS:
                self._check_assignment(record)
            elif record.kind == CHECKPOINT:
                self.heads.check_note(record)
            elif record.kind == EVIDENCE:
                check_statement(record, self._ledger.select, self._ledger.reveal)
            elif record.kind == POLICY_CHANGED:
                self._asking.learn(record)
            elif record.kind == PRIVACY_ERASED:
                check_erasure(record, self._keys, self._workspace)
            elif record.kind == RUN_STARTED:
                self._asking.check(record, self._keys)
        except (IdentityError, ReviewError, SealError) as error:
            sentence = f"Record {record.sequence}, a record of kind {record.kind}, does not hold: {error}"
            raise Broken(record.sequence, sentence.rstrip(".") + ".") from error

    def _check_review(self, record: Record) -> None:
        with self._looking_back():
            run = run_on_record(self._run_before(record, DECIDING_KINDS))
            then = self._background.before(record.sequence, self._ledger.newest)
        check_review(record, run, then)

    def _check_assignment(self, record: Record) -> None:
        with self._looking_back():
            records = list(self._run_before(record, ASSIGNED_ON))
            then = self._background.before(record.sequence, self._ledger.newest)
        check_assignment(record, run_on_record(records), assignment_of(records), then)

    def _run_before(self, record: Record, kinds: tuple[str, ...]) -> Iterator[Record]:
        # Reviews are few and the run's records before this one are verified already, so look them up.
        return self._ledger.select(Selection(run_ids=(record.run_id or "",), kinds=kinds, before=record.sequence))

    @contextmanager
    def _looking_back(self) -> Iterator[None]:
        try:
            yield
        except LedgerUnavailable as error:
            raise ReviewError(f"what it stands on cannot be read ({error})") from error

    @property
    def _keys(self) -> dict[str, Identity]:
        return self._background.register.keys
