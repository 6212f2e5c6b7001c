"""What the ledger said, beside the run, when a decision was written: the same for the writer and for whoever verifies.

Keys and rules are taken in as the ledger is read; the last checkpoint is looked up, for reviews are few beside records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from audit.errors import IdentityError, ReviewError
from audit.identity import IDENTITY_KINDS, Identity, KeyRegister
from audit.record import CHECKPOINT, REVIEW, REVIEW_RULES, Record
from audit.review_rules import ReviewRules, RulesRegister
from audit.snapshot import Selection

__all__ = ["BACKGROUND_KINDS", "Background", "Circumstances", "NewestRecord"]

BACKGROUND_KINDS: Final = (*IDENTITY_KINDS, REVIEW_RULES)
"""The kinds of record that a background is made of."""

NewestRecord = Callable[[Selection], Record | None]
"""`Ledger.newest` or `Snapshot.newest`."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What held when one record was written."""

    workspace: str
    keys: Mapping[str, Identity]
    """Key id → identity, of those enrolled before it, retired ones included."""
    rules: ReviewRules
    checkpoint: Mapping[str, Any]
    """`size` and `root` of the last checkpoint noted before it; empty where there was none."""
    first_version: bool
    """Whether a review of the first version may still be written: never after rules or a review of the second."""


class Background:
    """The keys and rules of one ledger so far."""

    def __init__(self, workspace: str, *, allow_self: bool) -> None:
        self._workspace = workspace
        self._rules = RulesRegister(ReviewRules(allow_self=allow_self))
        self.register = KeyRegister(workspace)

    @classmethod
    def of(cls, records: Iterable[Record], workspace: str, *, allow_self: bool) -> Self:
        """The background that these records make, in their order.

        Raises:
            IdentityError, ReviewError: one of them does not hold; the sentence names it.
        """
        background = cls(workspace, allow_self=allow_self)
        for record in records:
            try:
                background.accept(record)
            except IdentityError as error:
                raise IdentityError(f"The identity in record {record.sequence} does not hold: {error}.") from error
            except ReviewError as error:
                raise ReviewError(f"The rules in record {record.sequence} do not hold: {error}.") from error
        return background

    def accept(self, record: Record) -> None:
        """Take a record in; of other kinds nothing is kept.

        Raises:
            IdentityError, ReviewError: it does not hold.
        """
        if record.kind in IDENTITY_KINDS:
            self.register.accept(record)
        elif record.kind == REVIEW_RULES:
            self._rules.accept(record, self.register.before(record.sequence), self._workspace)

    def before(self, sequence: int, newest: NewestRecord) -> Circumstances:
        """What held when the record of that number was written, or is to be."""
        checkpoint = newest(Selection(kinds=(CHECKPOINT,), before=sequence))
        return Circumstances(
            workspace=self._workspace,
            keys=self.register.before(sequence),
            rules=self._rules.before(sequence),
            checkpoint={} if checkpoint is None else _noted(checkpoint.body),
            first_version=not self._rules.recorded_before(sequence) and not _second_version(sequence, newest),
        )


def _noted(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"size": body.get("sequence"), "root": body.get("root", "")}


def _second_version(sequence: int, newest: NewestRecord) -> bool:
    """Whether the newest review before is of the second version; where all before hold, that says of any of them."""
    review = newest(Selection(kinds=(REVIEW,), before=sequence))
    return review is not None and review.body.get("purpose") != "affidavit.review/1"
