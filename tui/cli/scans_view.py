"""How the scans of a workspace's runs are shown, configuration by configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audit.scans import MIN_RUNS, Comparison, Scans

__all__ = ["print_scans", "scans_json"]

_COLUMNS = ("since (UTC)", "changed", "runs", "median rows scanned", "p95")


def scans_json(found: Sequence[Scans], comparison: Comparison | None) -> dict[str, Any]:
    """The same as one JSON object; `comparison` is null where there is too little to compare."""
    return {
        "configurations": [
            {
                "model": each.configuration.model,
                "prompt": each.configuration.prompt,
                "policy": each.configuration.policy,
                "settings": each.configuration.settings,
                "since": each.since,
                "until": each.until,
                "runs": len(each.scanned),
                "median": each.median,
                "p95": each.p95,
            }
            for each in found
        ],
        "comparison": None
        if comparison is None
        else {
            "before": comparison.before.since,
            "after": comparison.after.since,
            "changed": list(comparison.changed),
            "ratio": round(comparison.ratio, 4),
            "p_value": comparison.p_value,
            "inflated": comparison.is_inflated,
        },
    }


def print_scans(found: Sequence[Scans], comparison: Comparison | None) -> None:
    """Print the configurations, oldest first, and what the newest change came to."""
    from rich.text import Text

    from tui.cli.console import STATUS_STYLES, print_table, put
    from tui.text import moment

    rows: list[tuple[object, ...]] = []
    for each, before in zip(found, (None, *found), strict=False):
        changed = "" if before is None else ", ".join(each.configuration.changed_since(before.configuration))
        figures = (f"{len(each.scanned):,}", f"{each.median:,.0f}", f"{each.p95:,.0f}")
        rows.append((moment(each.since), changed, *figures))
    print_table(_COLUMNS, rows, empty="No run with an estimate yet. Ask something: affidavit ask QUESTION")
    if not found:
        return
    if comparison is None:
        put(Text(f"Nothing to compare yet: it takes {MIN_RUNS} runs before a change and {MIN_RUNS} after it."))
        return
    style = STATUS_STYLES["warning" if comparison.is_inflated else "answered"]
    word = "INFLATED" if comparison.is_inflated else "not inflated"
    what = f"since {moment(comparison.after.since)} ({', '.join(comparison.changed)} changed)"
    put(
        Text.assemble(
            (word, style), f" {what}: {comparison.ratio:.2f} times the median before, p = {comparison.p_value:.2g}"
        )
    )
