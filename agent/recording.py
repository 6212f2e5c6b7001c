"""How a run gets on the record: every step with its own time, in three commits where all goes well.

A commit waits for the disk. So the question is committed before anything is done about it, and what a step did waits in
memory for the next record that must not wait: the intent, before a statement touches the warehouse, and the answer,
before it is shown. A process that dies in between leaves a run without an answer, and no statement that it may have
sent is missing from the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from audit.ledger import Ledger
    from audit.record import Entry

__all__ = ["WAITING_KINDS", "RunRecorder"]

WAITING_KINDS: Final = frozenset(
    {
        "run.recalled",
        "run.grounded",
        "run.drafted",
        "run.model_failed",
        "run.guarded",
        "run.estimated",
        "run.outcome",
        "run.checked",
        "run.repaired",
    }
)
"""What may wait for the next record of its run; every other kind is on disk when `record` returns."""


class RunRecorder:
    """Puts the records of one run on a ledger, in the order in which they come."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: list[Entry] = []

    def record(self, kind: str, body: Mapping[str, Any], run_id: str, actor: str = "") -> None:
        """Take one record of the run; unless its kind may wait, it and all before it are on disk when this returns.

        Raises:
            AuditError: none of them was written.
        """
        from audit.record import Entry

        self._waiting.append(Entry(kind, body, run_id, actor, self._ledger.now()))
        if kind not in WAITING_KINDS:
            together, self._waiting = self._waiting, []
            self._ledger.append_many(together)
