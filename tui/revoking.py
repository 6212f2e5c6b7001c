"""What follows from a revocation beside memory: datasets go into quarantine, and what stood on it is on the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import AffidavitError, FailedError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from audit.ledger import Ledger
    from audit.reliance import Impact

__all__ = ["follow_revocation", "impact_lines", "relied_note"]

_SHOWN = 10


def follow_revocation(ledger: Ledger, state_dir: Path, run_id: str, *, actor: str) -> Impact:
    """Do what follows from a revocation that is signed already; gives what stood on the run.

    Raises:
        LedgerUnavailable: the ledger cannot be read or written.
        FailedError: the decision is signed, but a dataset's quarantine could not be written.
    """
    from finetune.revocation import apply_quarantine, impact_of, record_revocation

    impact = impact_of(ledger, state_dir, run_id)
    record_revocation(ledger, impact, actor=actor)
    try:
        apply_quarantine(ledger, state_dir)
    except AffidavitError as error:
        raise FailedError(
            error.error_class, f"The decision is signed and on the ledger, but: {error.message}", error.hint
        ) from error
    return impact


def relied_note(revoked: Iterable[str]) -> str:
    """What is said of a run that relied on the reviews of these."""
    return f"relied on a review that was revoked: {', '.join(revoked)}."


def impact_lines(impact: Impact) -> list[tuple[str, object]]:
    """What stands on a run's review, for people: each with the way to look at it."""
    lines: list[tuple[str, object]] = []
    for dataset in impact.datasets:
        records = len(dataset.reviews[impact.run_id])
        lines.append(("dataset", f"{dataset.folder}: {records} record{'' if records == 1 else 's'}"))
    lines += [("model", f"{model.name} learnt from it (affidavit models list)") for model in impact.models]
    lines += [("export", f"{file} (sha256 {sha256[:12]}…)") for file, sha256 in impact.exports]
    for each in impact.runs[:_SHOWN]:
        through = "" if each.on == impact.run_id else f", through run {each.on}"
        lines.append(("run", f"affidavit runs show {each.run_id}  ({each.how}{through})"))
    if len(impact.runs) > _SHOWN:
        lines.append(("", f"and {len(impact.runs) - _SHOWN} more runs (--format json lists all)"))
    return lines or [("nothing", "stands on it: no dataset, model, export or later run.")]
