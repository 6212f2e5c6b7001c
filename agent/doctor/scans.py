"""Do statements scan more since the model, its prompt, the policy or the settings changed?"""

from __future__ import annotations

from collections.abc import Iterator

from agent.doctor.diagnosis import Diagnosis, and_list
from agent.doctor.parts import Parts
from audit.scans import MIN_RUNS, scans

__all__ = ["check_scans"]


def check_scans(parts: Parts) -> Iterator[Diagnosis]:
    """Compare what the database expected of the runs before the newest change with those after it."""
    _, found = scans(parts.ledger())
    if found is None:
        what = f"Nothing to compare: it takes {MIN_RUNS} runs before a change of model, prompt, policy or settings,"
        yield Diagnosis("scans", "ok", f"{what} and {MIN_RUNS} after it.")
        return
    changed = and_list(found.changed)
    medians = f"a median of {found.after.median:,.0f} rows a run, {found.before.median:,.0f} before"
    runs = f"{len(found.after.scanned)} runs and {len(found.before.scanned)}"
    if found.is_inflated:
        yield Diagnosis(
            "scans",
            "warning",
            f"Since {changed} changed ({found.after.since[:10]}), statements scan more: {medians} ({runs}, "
            f"p = {found.p_value:.1g}).",
            "The warehouse works more for the same questions, and some may reach limits.timeout_s.",
            "See `affidavit runs scans`; go back (`affidavit models rollback`), or set limits.max_scanned_rows.",
        )
    else:
        yield Diagnosis("scans", "ok", f"No more is scanned since {changed} changed: {medians} ({runs}).")
