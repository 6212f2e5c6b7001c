"""`affidavit monitor`: how the product does, counted from the ledger."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, command_app, settings_of

if TYPE_CHECKING:
    from audit.monitor import MonitorFigures

__all__ = ["app"]

app = command_app()


@app.command("monitor")
def monitor_command(
    ctx: typer.Context, output: FormatOption = OutputFormat.TABLE, workspace: WorkspaceOption = None
) -> None:
    """Success rate, latency and review figures of the ledger.

    \b
    Example:
      affidavit monitor --format json
    """
    from agent.services import open_ledger
    from audit.monitor import monitor
    from tui.cli.console import print_json

    with open_ledger(settings_of(ctx, workspace), create=False) as ledger:
        figures = monitor(ledger)
    if output is OutputFormat.JSON:
        print_json({**asdict(figures), "between_reviewers": figures.between_reviewers.to_json()})
    else:
        _print_figures(figures)


def _print_figures(figures: MonitorFigures) -> None:
    from tui.cli.console import console, facts, print_table
    from tui.text import percent, seconds

    facts(
        [
            ("runs", figures.runs),
            ("answered", f"{percent(figures.success_rate)} of those that ended"),
            ("from verified queries", figures.recalled),
            ("repaired", f"{figures.repaired}, of which answered {figures.repaired_and_answered}"),
            ("latency", f"p50 {seconds(figures.latency.p50)}, p95 {seconds(figures.latency.p95)}"),
            ("accepted as they were", f"{percent(figures.review_agreement)} of first decisions"),
            ("reviewers agree", figures.between_reviewers.words),
        ]
    )
    counts = (
        ("status", figures.by_status),
        ("error class", figures.by_error_class),
        ("decision", figures.decisions),
    )
    for name, counted in counts:
        if counted:
            console().print()
            print_table((name, "count"), list(counted.items()))
    if figures.latency_by_stage:
        console().print()
        rows = [
            (stage, spent.count, seconds(spent.p50), seconds(spent.p95))
            for stage, spent in figures.latency_by_stage.items()
        ]
        print_table(("stage", "runs", "p50", "p95"), rows)
