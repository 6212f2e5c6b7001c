"""What the page of evidence says of revoked reviews that the run relied on: what records show, and what is a word."""

from __future__ import annotations

from typing import Final

from audit.evidence_bundle import Evidence
from audit.evidence_grounds import RevokedGround, revoked_in
from audit.record import Record
from tui.evidence.markup import Markup, code, day_and_time, section, table, text

__all__ = ["RELIED_ON_REVOKED", "unproved_grounds", "what_it_relied_on"]

RELIED_ON_REVOKED: Final = "relied on a review that was revoked"
_HOW: Final = {"recalled": "recalled from it", "example": "shown it as an example"}


def what_it_relied_on(evidence: Evidence) -> Markup:
    """The revoked reviews that the run relied on; nothing for a bundle of the first version, which does not say."""
    if evidence.grounds is None:
        return Markup("")
    title = "Whether what it relied on still stood"
    at = f"The workspace states in record #{evidence.statement.sequence}"
    if not evidence.grounds:
        said = f"{at} that no review this answer relied on had been revoked when this page was made."
        return section(title, Markup(f"<p>{text(said)}</p>"))
    revocations = revoked_in((*evidence.basis, *evidence.revoked))
    rows = [_row(each, revocations.get(each.run_id) if each.is_direct else None) for each in evidence.grounds]
    said = (
        f"{at} that this answer relied on a review that was revoked by then. A signed revocation is in this file where"
        " the records of the run show themselves that it relied on it; the rest is the workspace’s word."
    )
    return section(
        title,
        Markup(f'<p class="care">{text(said)}</p>'),
        table(("review of run", "how", "revoked by", "revoked on", "known from"), rows),
    )


def unproved_grounds(evidence: Evidence) -> tuple[str, ...]:
    """What the page does not prove of this, in one sentence; nothing for a bundle of the first version."""
    if evidence.grounds is None:
        return ()
    what = "no other review" if evidence.grounds else "no review"
    return (
        f"That it relied on {what} that was revoked by then: the workspace’s word, which whoever has the whole ledger"
        " can hold against it.",
    )


def _row(ground: RevokedGround, revocation: Record | None) -> tuple[object, ...]:
    through = "" if ground.on == ground.run_id else f", through run {ground.on}"
    how = _HOW.get(ground.how, f"drafted by the {ground.how}")
    if revocation is None:
        return (code(ground.run_id), f"{how}{through}", "", "", "the workspace’s word")
    return (
        code(ground.run_id),
        f"{how}{through}",
        revocation.actor,
        day_and_time(revocation.time),
        f"record #{revocation.sequence}",
    )
