"""The Merkle tree of a ledger as its database holds it: leaves are the records' hashes, and some subtrees are kept.

A root over a million records must not cost a million reads each time. The roots of full subtrees of 256, 65,536, ...
records never change, so they are kept in a table of their own, filled when a checkpoint is written. The table is no
evidence: what it lacks is computed from the records, `audit.verify` recomputes all of it, and it may be emptied.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from sqlalchemy import Connection, func, inspect, select, text

from audit.engine import WRITING, ledger_errors
from audit.errors import LedgerUnavailable
from audit.ledger import Ledger
from audit.merkle import TILE_LEVELS, Frontier, Subtree, peaks_of, perfect_root
from audit.schema import insert_new, records_table, subtrees_table
from audit.snapshot import Snapshot

__all__ = ["RecordTree", "keep_subtrees", "kept_subtrees", "open_tree"]

_TILE: Final = 1 << TILE_LEVELS
_records = records_table.c
_kept = subtrees_table.c


class RecordTree:
    """The tree over one workspace's records, as one transaction sees them."""

    def __init__(self, connection: Connection, workspace: str) -> None:
        self._connection = connection
        self._workspace = workspace
        self._keeps = _can_read_kept(connection)
        self._known: dict[tuple[int, int], bytes] = {}
        self.snapshot = Snapshot(connection, workspace)

    def node(self, level: int, position: int) -> bytes:
        """The root of one full subtree.

        Raises:
            LedgerUnavailable: records of it are missing, or a stored hash is none.
        """
        place = (level, position)
        if place not in self._known:
            base = level - level % TILE_LEVELS
            width = level - base
            self._known[place] = perfect_root(self._row(base, position << width, (position + 1) << width))
        return self._known[place]

    def frontier(self, size: int) -> Frontier:
        """The tree of the first `size` records, ready to grow."""
        return Frontier(size, peaks_of(self.node, size))

    def root(self, size: int) -> bytes:
        """The root over the first `size` records."""
        return self.frontier(size).root()

    def unkept(self, size: int) -> list[Subtree]:
        """The full subtrees among the first `size` records that the table does not have yet."""
        found = []
        level = TILE_LEVELS
        while size >> level:
            query = select(func.count()).where(_kept.workspace == self._workspace, _kept.level == level)
            known = self._connection.execute(query).scalar_one() if self._keeps else 0
            found += [Subtree(level, each, self.node(level, each)) for each in range(known, size >> level)]
            level += TILE_LEVELS
        return found

    def _row(self, level: int, begin: int, end: int) -> list[bytes]:
        """The hashes of a level, which is a multiple of eight, from one position to another."""
        hashes = self._leaves(begin, end) if level == 0 else self._subtrees(level, begin, end)
        if len(hashes) != end - begin:
            first = (begin << level) + 1
            raise LedgerUnavailable(
                f"Records from {first} on, up to {end << level}, are not all there.", "Run `affidavit audit verify`."
            )
        return hashes

    def _leaves(self, begin: int, end: int) -> list[bytes]:
        query = (
            select(_records.hash)
            .where(_records.workspace == self._workspace, _records.sequence > begin, _records.sequence <= end)
            .order_by(_records.sequence)
        )
        try:
            return [bytes.fromhex(each) for each in self._connection.execute(query).scalars()]
        except (TypeError, ValueError) as error:
            raise LedgerUnavailable(
                f"One of the records {begin + 1} to {end} has something else stored in place of its hash.",
                "Run `affidavit audit verify`.",
            ) from error

    def _subtrees(self, level: int, begin: int, end: int) -> list[bytes]:
        kept: dict[int, bytes] = {}
        if self._keeps:
            query = select(_kept.position, _kept.hash).where(
                _kept.workspace == self._workspace,
                _kept.level == level,
                _kept.position >= begin,
                _kept.position < end,
            )
            kept = {row.position: bytes.fromhex(row.hash) for row in self._connection.execute(query)}
        below = level - TILE_LEVELS
        return [kept[each] if each in kept else self._known_or(level, each, below) for each in range(begin, end)]

    def _known_or(self, level: int, position: int, below: int) -> bytes:
        place = (level, position)
        if place not in self._known:
            self._known[place] = perfect_root(self._row(below, position * _TILE, (position + 1) * _TILE))
        return self._known[place]


@contextmanager
def open_tree(ledger: Ledger) -> Iterator[RecordTree]:
    """The ledger's tree in one read transaction."""
    with ledger_errors(ledger.engine), ledger.engine.begin() as connection:
        yield RecordTree(connection, ledger.workspace)


def keep_subtrees(ledger: Ledger, subtrees: list[Subtree]) -> None:
    """Keep what was computed; whatever stands in the way only makes the next root slower."""
    if not subtrees:
        return
    rows = [
        {"workspace": ledger.workspace, "level": each.level, "position": each.position, "hash": each.hash.hex()}
        for each in subtrees
    ]
    writer = ledger.engine.execution_options(**{WRITING: True})
    with suppress(LedgerUnavailable), ledger_errors(ledger.engine), writer.begin() as connection:
        connection.execute(insert_new(connection, subtrees_table), rows)


def kept_subtrees(connection: Connection, workspace: str) -> dict[tuple[int, int], str]:
    """(level, position) → hash in hex, everything the table has, for verification."""
    if not _can_read_kept(connection):
        return {}
    query = select(_kept.level, _kept.position, _kept.hash).where(_kept.workspace == workspace)
    return {(row.level, row.position): row.hash for row in connection.execute(query)}


def _can_read_kept(connection: Connection) -> bool:
    """Whether the table is there, and an account that was given rights table by table was given that one, too."""
    if not inspect(connection).has_table(subtrees_table.name):
        return False
    if connection.dialect.name != "postgresql":
        return True
    allowed = text("SELECT has_table_privilege(CAST(:name AS text), 'SELECT')")
    return bool(connection.execute(allowed, {"name": subtrees_table.name}).scalar_one())
