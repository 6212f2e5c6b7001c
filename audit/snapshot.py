"""Reading records: which ones, and as one transaction sees them.

A record that is read is checked on the way: its bytes must give the hash stored beside them, so nothing that was
changed in place is ever shown or built on as if it were evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Select, select, text, type_coerce
from sqlalchemy.types import NullType

from audit.errors import LedgerUnavailable, SealError
from audit.record import Head, Record, read_record
from audit.schema import TABLE_NAME, records_table
from audit.seal import genesis_hash, leaf_hash

__all__ = ["Selection", "Snapshot"]

_columns = records_table.c
_NEWEST = text(
    f"SELECT sequence, hash, payload FROM {TABLE_NAME} WHERE workspace = :workspace ORDER BY sequence DESC LIMIT 1"
)
"""As text, for every append asks it: building the query anew takes longer than the database does."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records to read. Empty tuples do not restrict; bounds are exclusive."""

    run_ids: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    after: int = 0
    before: int | None = None
    newest_first: bool = False

    def past(self, sequence: int) -> Selection:
        """What is left of it once everything up to `sequence`, in its own order, was read."""
        return replace(self, before=sequence) if self.newest_first else replace(self, after=sequence)


class Snapshot:
    """The ledger as one transaction sees it; inside an append, nobody else can add to it meanwhile."""

    def __init__(self, connection: Connection, workspace: str, known: Head | None = None) -> None:
        self._connection = connection
        self.workspace = workspace
        self._known = known
        """The newest record that this program wrote itself: if it still is, its bytes need not be read again."""

    @property
    def head(self) -> Head:
        """The newest record's place and hash."""
        row = self._connection.execute(_NEWEST, {"workspace": self.workspace}).first()
        if row is None:
            return Head(0, genesis_hash(self.workspace))
        is_known = self._known == Head(row.sequence, row.hash) and isinstance(row.payload, bytes)
        if self._known is not None and is_known and leaf_hash(row.payload) == row.hash:
            return self._known
        newest = _read_row(row.sequence, row.hash, row.payload, self.workspace)
        return Head(newest.sequence, newest.hash)

    def newest(self, selection: Selection) -> Record | None:
        """The newest record of a selection, if there is one."""
        return next(iter(self.page(replace(selection, newest_first=True), 1)), None)

    def records(self, selection: Selection) -> tuple[Record, ...]:
        """All records of a selection that is known to be small, one run's for instance."""
        return tuple(self.page(selection, None))

    def page(self, selection: Selection, limit: int | None) -> list[Record]:
        """The first records of a selection, at most `limit`."""
        rows = self._connection.execute(_records_query(self.workspace, selection).limit(limit))
        return [_read_row(row.sequence, row.hash, row.payload, self.workspace) for row in rows]


def _records_query(workspace: str, selection: Selection) -> Select[Any]:
    # The bytes are asked for untyped: a damaged row may hold text where bytes should be.
    query = select(_columns.sequence, _columns.hash, type_coerce(_columns.payload, NullType()).label("payload"))
    query = query.where(_columns.workspace == workspace)
    if selection.after:
        query = query.where(_columns.sequence > selection.after)
    if selection.before is not None:
        query = query.where(_columns.sequence < selection.before)
    if selection.run_ids:
        query = query.where(_columns.run_id.in_(selection.run_ids))
    if selection.kinds:
        query = query.where(_columns.kind.in_(selection.kinds))
    return query.order_by(_columns.sequence.desc() if selection.newest_first else _columns.sequence)


def _read_row(sequence: int, stored_hash: str, payload: Any, workspace: str) -> Record:
    try:
        if not isinstance(payload, bytes):
            raise SealError("its bytes are not stored as bytes")
        record = read_record(payload, workspace=workspace)
        if (record.sequence, record.hash) != (sequence, stored_hash):
            raise SealError("its bytes do not fit its hash")
    except SealError as error:
        raise LedgerUnavailable(
            f"Record {sequence} of the ledger is damaged or was changed: {error.message}.",
            "Run `affidavit audit verify`, then restore the ledger from a copy that verifies.",
        ) from error
    return record
