"""How far reviewers agree: whether a signature says something of the answer, or only of who happened to sign.

Counted over runs that two people decided on, by what each of them said first, so that a talk about the run afterwards
does not pass for agreement. Two numbers, because neither says it alone: the share of runs on which both said the same,
with Wilson's 95 % interval (Wilson 1927), and Cohen's kappa (Cohen 1960), which takes off what would agree by chance
where nearly everything is accepted. A revocation is no verdict on the answer as it was (a definition may have changed),
so it is counted by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import sqrt
from typing import Any, Final

from audit.ledger import Ledger
from audit.record import REVIEW, Record
from audit.rules import Decision
from audit.snapshot import Selection

__all__ = ["Agreement", "PairAgreement", "ReviewerRecord", "agreement", "wilson_interval"]

_Z: Final = 1.959964
"""The normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two reviewers, or all pairs together with empty names."""

    first: str
    second: str
    runs: int
    """Runs that both decided on."""
    agreed: int
    kappa: float | None
    """1 for perfect agreement, 0 for what chance gives; None where both always said one and the same thing."""

    @property
    def share(self) -> float:
        """Agreed runs as a share; 0 if there are none."""
        return self.agreed / self.runs if self.runs else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share."""
        return wilson_interval(self.agreed, self.runs)

    @property
    def words(self) -> str:
        """The same in one line."""
        if not self.runs:
            return "no run was decided on by two people"
        low, high = self.interval
        kappa = "kappa not defined" if self.kappa is None else f"kappa {self.kappa:.2f}"
        return (
            f"on {self.agreed} of {self.runs} runs that two people decided on: {self.share * 100:.0f} % "
            f"(95 % interval {low * 100:.0f}-{high * 100:.0f} %), {kappa}"
        )

    def to_json(self) -> dict[str, Any]:
        """As it is printed."""
        low, high = self.interval
        return {**asdict(self), "share": self.share, "low": low, "high": high}


@dataclass(frozen=True, slots=True)
class ReviewerRecord:
    """What became of one reviewer's approvals."""

    reviewer: str
    approved: int
    """Runs that they accepted or amended."""
    revoked: int
    """Of those, runs revoked since, by whomever."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the ledger says of its reviewers."""

    overall: PairAgreement
    pairs: tuple[PairAgreement, ...]
    reviewers: tuple[ReviewerRecord, ...]

    def to_json(self) -> dict[str, Any]:
        """The object that `review agreement --format json` prints."""
        return {
            "overall": self.overall.to_json(),
            "pairs": [pair.to_json() for pair in self.pairs],
            "reviewers": [asdict(each) for each in self.reviewers],
        }


def agreement(ledger: Ledger, *, after: int = 0) -> Agreement:
    """Count the reviews that come after a sequence; all of them by default.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """
    by_run: dict[str, list[Record]] = {}
    for record in ledger.select(Selection(kinds=(REVIEW,), after=after)):
        by_run.setdefault(record.run_id or "", []).append(record)
    verdicts: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for reviews in by_run.values():
        for (first, said), (second, said_too) in combinations(_first_verdicts(reviews).items(), 2):
            pair = ((first, said), (second, said_too)) if first < second else ((second, said_too), (first, said))
            (one, one_said), (other, other_said) = pair
            verdicts.setdefault((one, other), []).append((one_said, other_said))
    everything = [said for pair in verdicts.values() for said in pair]
    return Agreement(
        _of_pair("", "", everything),
        tuple(_of_pair(*names, verdicts[names]) for names in sorted(verdicts)),
        _approvals(by_run.values()),
    )


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927); (0, 1) where nothing was tried."""
    if not trials:
        return 0.0, 1.0
    share, square = hits / trials, _Z * _Z
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = _Z * sqrt(share * (1 - share) / trials + square / (4 * trials * trials)) / (1 + square / trials)
    return max(0.0, middle - half), min(1.0, middle + half)


def _first_verdicts(reviews: Sequence[Record]) -> dict[str, str]:
    """Reviewer → what they said first of a run: that it stands, that it does not, or which statement is right."""
    found: dict[str, str] = {}
    amended = ""
    for review in reviews:
        decision, verdict = review.body.get("decision"), ""
        if decision == Decision.AMEND:
            amended = verdict = f"amended {review.body.get('sql_hash')}"
        elif decision == Decision.ACCEPT:
            verdict = amended or "accepted"
        elif decision == Decision.REJECT:
            verdict = "rejected"
        if verdict:
            found.setdefault(review.actor, verdict)
    return found


def _of_pair(first: str, second: str, said: Sequence[tuple[str, str]]) -> PairAgreement:
    agreed = sum(one == other for one, other in said)
    return PairAgreement(first, second, len(said), agreed, _kappa(said, agreed))


def _kappa(said: Sequence[tuple[str, str]], agreed: int) -> float | None:
    """Cohen's kappa over the kinds of verdict; amending otherwise than the other did is a kind of its own."""
    kinds = [_kinds(one, other) for one, other in said]
    ones, others = Counter(one for one, _ in kinds), Counter(other for _, other in kinds)
    total = len(kinds)
    by_chance = sum(ones[kind] * others[kind] for kind in ones) / (total * total) if total else 1.0
    return None if by_chance == 1.0 else (agreed / total - by_chance) / (1 - by_chance)


def _kinds(one: str, other: str) -> tuple[str, str]:
    kind, other_kind = one.partition(" ")[0], other.partition(" ")[0]
    return (kind, "amended otherwise") if kind == other_kind and one != other else (kind, other_kind)


def _approvals(by_run: Iterable[Sequence[Record]]) -> tuple[ReviewerRecord, ...]:
    approved, revoked = Counter[str](), Counter[str]()
    for reviews in by_run:
        approvers = {each.actor for each in reviews if each.body.get("decision") in (Decision.ACCEPT, Decision.AMEND)}
        approved.update(approvers)
        if any(each.body.get("decision") == Decision.REVOKE for each in reviews):
            revoked.update(approvers)
    return tuple(ReviewerRecord(name, approved[name], revoked[name]) for name in sorted(approved))
