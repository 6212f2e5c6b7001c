"""The rules of review in force, on the ledger: what a review was allowed to be must not depend on today's policy.yaml.

A `review.rules` record is signed with the workspace's key over the ledger's head, so it can be neither altered nor put
in another place. Whoever owns the database but not that key can loosen nothing with it. A ledger from before there were
such records has none; there the caller says what holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from audit.errors import ReviewError
from audit.identity import Identity, Role, Signer, signature_holds
from audit.ledger import Ledger
from audit.record import REVIEW_RULES, Entry, Head, Record
from audit.snapshot import Selection, Snapshot

__all__ = ["ReviewRules", "RulesRegister", "TwoFor", "latest_rules", "record_rules", "rules_in"]

_PURPOSE: Final = "affidavit.review_rules/1"
_NEWEST: Final = Selection(kinds=(REVIEW_RULES,))
MAX_REVIEWERS: Final = 2


@dataclass(frozen=True, slots=True)
class TwoFor:
    """The runs that take two reviewers; one that fits any of these does."""

    tables: tuple[str, ...] = ()
    """Patterns of tables that a statement of the run reads; `*` and `?` are wildcards, case does not count."""
    scanned_rows: int | None = None
    """Expected to look at more rows than this, or nobody knows how many."""
    below_confidence: float | None = None
    """Answered with less confidence than this, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """Who may sign, and how many have to."""

    allow_self: bool = False
    """Whether the asker may review their own run."""
    reviewers: int = 1
    """How many people must approve any run: 1 or 2."""
    two_for: TwoFor = TwoFor()
    claim_hours: float = 4.0
    """After how many hours a claim lapses."""

    def to_json(self) -> dict[str, Any]:
        """As it is on the ledger."""
        fields = asdict(self)
        fields["two_for"]["tables"] = list(self.two_for.tables)
        return fields


class RulesRegister:
    """The rules recorded so far, in the order of the ledger."""

    def __init__(self, unrecorded: ReviewRules) -> None:
        self._found: list[tuple[int, ReviewRules]] = []
        self._unrecorded = unrecorded

    def accept(self, record: Record, keys: Mapping[str, Identity], workspace: str) -> None:
        """Take a `review.rules` record in; `keys` are those enrolled before it.

        Raises:
            ReviewError: malformed, or not signed by the workspace's key for this place on this ledger.
        """
        rules = _read_rules(record.body)
        identity = keys.get(str(record.body.get("key_id")))
        if rules is None:
            raise ReviewError("it does not hold rules of review")
        if identity is None or not identity.may(Role.WORKSPACE) or not signature_holds(identity, record.body):
            raise ReviewError("it is not signed by a key of this workspace")
        head = Head(record.sequence - 1, record.previous_hash)
        expected = _statement(rules, identity.key_id, head, workspace)
        if {key: value for key, value in record.body.items() if key != "signature"} != expected:
            raise ReviewError("it was not signed for this place on this ledger")
        self._found.append((record.sequence, rules))

    def before(self, sequence: int) -> ReviewRules:
        """The rules in force when that record was written."""
        return next((rules for at, rules in reversed(self._found) if at < sequence), self._unrecorded)

    def recorded_before(self, sequence: int) -> bool:
        """Whether there were any on the ledger then."""
        return bool(self._found) and self._found[0][0] < sequence


def record_rules(ledger: Ledger, signer: Signer, rules: ReviewRules) -> Record | None:
    """Put the rules on the ledger unless they are the ones recorded last; gives the record if one was written.

    Args:
        ledger: where reviews are written.
        signer: the workspace's own key, enrolled.
        rules: what policy.yaml says now.

    Raises:
        LedgerUnavailable: nothing was written.
    """

    def is_news(newest: Record | None) -> bool:
        return newest is None or _read_rules(newest.body) != rules

    def decide(snapshot: Snapshot) -> Entry | None:
        if not is_news(snapshot.newest(_NEWEST)):
            return None
        body = _statement(rules, signer.identity.key_id, snapshot.head, ledger.workspace)
        return Entry(REVIEW_RULES, signer.sign_body(body), actor=signer.identity.name)

    # They change seldom, so the ledger is locked only then.
    return ledger.append_decided(decide) if is_news(ledger.newest(_NEWEST)) else None


def latest_rules(ledger: Ledger) -> ReviewRules:
    """The rules recorded last, unverified, for lists; the default where there are none.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """
    return rules_in(ledger.newest(_NEWEST))


def rules_in(record: Record | None) -> ReviewRules:
    """The rules that a `review.rules` record holds, unverified; the default where there is none."""
    return (_read_rules(record.body) if record else None) or ReviewRules()


def _statement(rules: ReviewRules, key_id: str, head: Head, workspace: str) -> dict[str, Any]:
    return {
        "key_id": key_id,
        "previous_head": head.hash,
        "purpose": _PURPOSE,
        "rules": rules.to_json(),
        "workspace": workspace,
    }


def _read_rules(body: Mapping[str, Any]) -> ReviewRules | None:
    """The rules that a record holds; None if it does not hold any that this program can enforce."""
    found = body.get("rules")
    if not isinstance(found, Mapping) or not isinstance(found.get("two_for"), Mapping):
        return None
    try:
        two_for = TwoFor(**{**found["two_for"], "tables": _texts(found["two_for"])})
        rules = ReviewRules(**{**found, "two_for": two_for})
    except (TypeError, KeyError, ValueError):
        return None
    fits = (
        isinstance(rules.allow_self, bool)
        and type(rules.reviewers) is int
        and 1 <= rules.reviewers <= MAX_REVIEWERS
        and _is_number(rules.claim_hours)
        and (two_for.scanned_rows is None or type(two_for.scanned_rows) is int)
        and (two_for.below_confidence is None or _is_number(two_for.below_confidence))
    )
    return rules if fits and rules.to_json() == found else None


def _texts(two_for: Mapping[str, Any]) -> tuple[str, ...]:
    tables = two_for["tables"]
    if not isinstance(tables, list) or not all(isinstance(each, str) for each in tables):
        raise ValueError(tables)
    return tuple(tables)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
