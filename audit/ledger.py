"""The append-only ledger: the only way anything gets on the record, and the only way it is read back.

One writer at a time, whichever process or machine it is in: the head is read, the new records are sealed after it
and inserted in one transaction that holds the database's writers' lock. So the chain cannot fork, and a failure
leaves either the whole of an append or nothing. Threads of one process that wait share a transaction (`audit.group`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Engine, func, select, text

from audit.engine import WRITING, database_file, display_url, ledger_errors, lock_writers, open_engine, prepare_wal
from audit.errors import LedgerMissing, LedgerUnavailable, RecordRefusedError
from audit.group import GroupCommit
from audit.record import RUN_STARTED, Clock, Entry, Head, Prepared, Record, prepare, seal, timestamp, utc_now
from audit.schema import COLUMNS, TABLE_NAME, records_table
from audit.schema_version import CURRENT, bring_up_to_date, refuse_newer, stored_version
from audit.seal import digest
from audit.snapshot import Selection, Snapshot
from audit.veil import Veil, holds_sealed

__all__ = ["Ledger", "Selection", "Snapshot"]

_PAGE: Final = 500
_MAKE_ONE: Final = "Make it with `affidavit init` in the workspace's folder."
_columns = records_table.c
_INSERT: Final = text(
    f"INSERT INTO {TABLE_NAME} ({', '.join(COLUMNS)}) VALUES ({', '.join(f':{name}' for name in COLUMNS)})"
)

AppendListener = Callable[[Record], None]
CloseListener = Callable[[], None]


class Ledger:
    """A workspace's ledger. Open it with `Ledger.open`; safe to share between threads."""

    def __init__(self, engine: Engine, *, workspace: str, clock: Clock, timeout_s: float) -> None:
        self._engine = engine
        self._writer = engine.execution_options(**{WRITING: True})
        self._clock = clock
        self._timeout_s = timeout_s
        self._group = GroupCommit(lambda entries: self._commit(lambda _snapshot: entries))
        self._after_append: list[AppendListener] = []
        self._before_close: list[CloseListener] = []
        self._file = database_file(engine.url)
        self._file_id = self._identify_file()
        self._closed = False
        self._subjects: dict[str, str] = {}
        self._head: Head | None = None
        self.workspace = workspace
        self.veil: Veil | None = None
        """Encrypts what the records of a run with a subject say; without one such a run is refused."""

    @classmethod
    def open(
        cls,
        url: str,
        *,
        workspace: str,
        clock: Clock = utc_now,
        create: bool = True,
        upgrade: bool = True,
        timeout_s: float = 10.0,
    ) -> Self:
        """Open the ledger at a SQLAlchemy URL (SQLite file or PostgreSQL), making it if it is not there.

        Args:
            url: `sqlite:////absolute/ledger.sqlite` or `postgresql+psycopg://user@host/database`.
            workspace: the stable name whose chain this is; one database can hold several.
            clock: gives the time written on records.
            create: False refuses to make what is missing, so that a lost ledger is not mistaken for an empty one.
            upgrade: False leaves an older schema as it is: enough for reading, and nothing is written.
            timeout_s: how long to wait for a lock or a connection, in seconds.

        Raises:
            LedgerUnavailable: wrong URL, unreadable, locked, not a database, of a newer schema, or of an older one
                that this account may not change; LedgerMissing when it is not there.
        """
        if not workspace:
            raise LedgerUnavailable("A ledger needs the name of the workspace whose record it keeps.")
        engine = open_engine(url, timeout_s=timeout_s)
        try:
            _open_or_create(engine, create=create, upgrade=upgrade, timeout_s=timeout_s)
            return cls(engine, workspace=workspace, clock=clock, timeout_s=timeout_s)
        except BaseException:
            engine.dispose()
            raise

    def append(self, kind: str, body: Mapping[str, Any], *, run_id: str | None = None, actor: str = "") -> Record:
        """Put one record on the ledger; when this returns it is on disk.

        Raises:
            LedgerUnavailable: nothing was written.
            RecordRefusedError, SealError: this record may not enter.
        """
        return self.append_many([Entry(kind, body, run_id, actor)])[0]

    def append_many(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        """Put several records on the ledger in one transaction: all of them, in order, or none."""
        if not entries:
            return ()
        records, written = self._group.append(tuple(prepare(self.concealed(entry)) for entry in entries))
        self._announce(written)
        return records

    def append_decided(self, decide: Callable[[Snapshot], Entry | None]) -> Record | None:
        """Append what `decide` makes of the ledger as it stands, with no other append in between.

        `decide` gives None to append nothing. Whatever it raises leaves the ledger as it was.
        """

        def entries(snapshot: Snapshot) -> Sequence[Prepared]:
            entry = decide(snapshot)
            return [] if entry is None else [prepare(entry)]

        with self._group.alone():
            written = self._commit(entries)
        self._announce(written[-1:])
        return written[0] if written else None

    def records(
        self, run_id: str | None = None, kinds: Sequence[str] | None = None, after: int = 0
    ) -> Iterator[Record]:
        """Records in order of sequence, of one run and of some kinds if given; streams in pages."""
        return self.select(Selection((run_id,) if run_id else (), tuple(kinds or ()), after))

    def select(self, selection: Selection) -> Iterator[Record]:
        """Records of a selection, in pages of 500, each read in its own short transaction.

        Raises:
            LedgerUnavailable: unreadable, or a record whose bytes do not fit its hash.
        """
        while True:
            with self.snapshot() as snapshot:
                page = snapshot.page(selection, _PAGE)
            yield from page
            if len(page) < _PAGE:
                return
            selection = selection.past(page[-1].sequence)

    def newest(self, selection: Selection) -> Record | None:
        """The newest record of a selection, if there is one."""
        with self.snapshot() as snapshot:
            return snapshot.newest(selection)

    def head(self) -> Head:
        """The newest record's place and hash."""
        with self.snapshot() as snapshot:
            return snapshot.head

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The ledger as one short transaction sees it, to read from and no longer."""
        with ledger_errors(self._engine), self._engine.begin() as connection:
            yield Snapshot(connection, self.workspace)

    def run_ids_like(self, prefix: str, limit: int) -> tuple[str, ...]:
        """The first run ids, in order, that begin with `prefix`."""
        query = (
            select(_columns.run_id)
            .where(_columns.workspace == self.workspace, _columns.run_id.startswith(prefix, autoescape=True))
            .distinct()
            .order_by(_columns.run_id)
            .limit(limit)
        )
        with ledger_errors(self._engine), self._engine.begin() as connection:
            return tuple(connection.execute(query).scalars())

    def count(self) -> int:
        """How many rows the workspace has; an honest ledger's is its head's sequence."""
        query = select(func.count()).select_from(records_table).where(_columns.workspace == self.workspace)
        with ledger_errors(self._engine), self._engine.begin() as connection:
            return connection.execute(query).scalar_one()

    def reveal(self, record: Record) -> Record:
        """A record as people read it: its content decrypted while the key is there; bytes and hash stay as stored."""
        if self.veil is None or not holds_sealed(record) or not self._subject_of(record.run_id or ""):
            return record  # in a run without a subject, what looks like ciphertext is somebody's words
        return self.veil.reveal(record)

    def concealed(self, entry: Entry) -> Entry:
        """An entry of a run that has a subject, with its content encrypted; any other as it is.

        Everything that `append` is given goes through here. Whoever signs an entry of a run, and so appends it with
        `append_decided`, signs what this gives: then the signature outlives the key of an erased subject.

        Raises:
            RecordRefusedError: the run has a subject whose key is not there.
        """
        run_id = entry.run_id or ""
        if not run_id or not entry.kind.startswith("run."):
            return entry
        if entry.kind == RUN_STARTED:
            subject = str(entry.body.get("subject") or "")
            if subject:
                subject = self._required_veil().subjects.ensure(subject, self.now()).id
                entry = replace(entry, body={**entry.body, "subject": subject})
            self._subjects[run_id] = subject
        subject = self._subject_of(run_id)
        return self._required_veil().conceal(entry, subject) if subject else entry

    def conceal_text(self, run_id: str, label: str, words: str) -> str:
        """One text as it has to stand on a record of that run that is signed first; `label` is `kind#field`.

        Raises:
            RecordRefusedError: the run has a subject whose key is not there.
        """
        subject = self._subject_of(run_id)
        return words if not subject or not words else self._required_veil().conceal_text(subject, run_id, label, words)

    def keyed(self, run_id: str, fingerprint: str) -> str:
        """A result's fingerprint as it stands on the records of that run; raises as `conceal_text`."""
        subject = self._subject_of(run_id)
        return self._required_veil().keyed(subject, run_id, fingerprint) if subject and fingerprint else fingerprint

    def disclosed_key(self, run_id: str) -> str:
        """The key that reads the records of that run and of no other, in hex; empty if it has none, or none is left."""
        subject = self._subject_of(run_id)
        return self._required_veil().disclosed_key(subject, run_id) if subject else ""

    def now(self) -> str:
        """The clock's time as it is written on records."""
        return timestamp(self._clock())

    def on_append(self, listener: AppendListener) -> None:
        """Call `listener` after every committed append, with the newest record."""
        self._after_append.append(listener)

    def on_close(self, listener: CloseListener) -> None:
        """Call `listener` when the ledger is about to close, while it can still be written."""
        self._before_close.append(listener)

    @property
    def engine(self) -> Engine:
        """The database underneath, for verification and for whoever looks after it."""
        return self._engine

    def close(self) -> None:
        """Run the closing listeners, then give the connections back; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            for listener in self._before_close:
                listener()
        finally:
            if self.veil is not None:
                self.veil.subjects.close()
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _subject_of(self, run_id: str) -> str:
        """The id of the subject that a run is about; empty for one in the clear."""
        if run_id not in self._subjects:
            started = next(self.select(Selection(run_ids=(run_id,), kinds=(RUN_STARTED,))), None)
            if started is None:
                return ""
            self._subjects[run_id] = str(started.body.get("subject") or "")
        return self._subjects[run_id]

    def _required_veil(self) -> Veil:
        if self.veil is None:
            raise RecordRefusedError("This run has a subject, and the ledger was opened without the subjects' keys.")
        return self.veil

    def _announce(self, newest: Sequence[Record]) -> None:
        for record in newest:
            for listener in self._after_append:
                listener(record)

    def _commit(self, make: Callable[[Snapshot], Sequence[Prepared]]) -> tuple[Record, ...]:
        with ledger_errors(self._engine), self._writer.begin() as connection:
            lock_writers(connection, key=_lock_key(self.workspace), timeout_s=self._timeout_s)
            snapshot = Snapshot(connection, self.workspace, self._head)
            head = snapshot.head
            sealed: list[Record] = []
            for prepared in make(snapshot):
                record = seal(prepared, workspace=self.workspace, head=head, time=self.now())
                head = Head(record.sequence, record.hash)
                sealed.append(record)
            if sealed:
                connection.execute(_INSERT, [_row(record, self.workspace) for record in sealed])
            if self._identify_file() != self._file_id:
                raise LedgerUnavailable(
                    f"The ledger file {self._file} was removed or replaced while it was in use.",
                    "Put it back and run the command again; nothing was written.",
                )
        self._head = head
        return tuple(sealed)

    def _identify_file(self) -> tuple[int, int] | None:
        if self._file is None:
            return None
        try:
            status = os.stat(self._file)
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino


def _open_or_create(engine: Engine, *, create: bool, upgrade: bool, timeout_s: float) -> None:
    where = display_url(engine)
    path = database_file(engine.url)
    if path is not None and not path.exists():
        if not create:
            raise LedgerMissing(f"There is no ledger at {where}.", _MAKE_ONE)
        _make_file(path)
    version = stored_version(engine)
    if version == CURRENT:
        return
    if version is None and not create:
        raise LedgerMissing(f"There is no ledger in the database {where}.", _MAKE_ONE)
    refuse_newer(version, where)
    if version is not None and not upgrade:
        return
    if path is not None:
        prepare_wal(engine)
    bring_up_to_date(engine, timeout_s=timeout_s)


def _make_file(path: Path) -> None:
    """An empty file for the ledger that is its owner's alone, wherever it is; SQLite gives its side files that mode."""
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise LedgerUnavailable(
            f"The ledger's folder {path.parent} cannot be made: {error.strerror}.", "Make it, then try again."
        ) from error
    with suppress(OSError):  # SQLite is about to say what is wrong
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))


def _row(record: Record, workspace: str) -> dict[str, Any]:
    return {
        "workspace": workspace,
        "sequence": record.sequence,
        "kind": record.kind,
        "run_id": record.run_id,
        "actor": record.actor,
        "time": record.time,
        "previous_hash": record.previous_hash,
        "hash": record.hash,
        "payload": record.payload,
    }


def _lock_key(workspace: str) -> int:
    """The advisory lock of a workspace: 64 bits, signed, of the hash of its name."""
    return int.from_bytes(bytes.fromhex(digest(f"affidavit:{workspace}".encode())[:16]), "big", signed=True)
