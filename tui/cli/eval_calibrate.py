"""`affidavit eval calibrate`: the threshold that keeps a wanted share of wrong answers, from a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, settings_of

if TYPE_CHECKING:
    from agent.settings import Settings
    from finetune.evaluation.calibration import Proposal
    from finetune.evaluation.selective import RiskPoint

__all__ = ["calibrate_command", "newest_report"]


def calibrate_command(
    ctx: typer.Context,
    *,
    report: Annotated[
        Path | None, typer.Argument(metavar="REPORT", help="A report.json; default: the newest of the workspace.")
    ] = None,
    risk: Annotated[
        float, typer.Option("--risk", min=0.0, max=1.0, help="Wrong answers wanted at most, among those shown.")
    ] = 0.04,
    sure: Annotated[
        bool, typer.Option("--sure", help="The upper end of the 95 % interval must be within the risk, too.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Set it in affidavit.toml.")] = False,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Propose limits.min_confidence for a wanted share of wrong answers.

    The report must be of a pack that is not the baseline: a threshold chosen on the pack that measures would flatter
    every figure measured on it. Nothing is changed without --write, which wants a report about this workspace's
    warehouse.

    \b
    Examples:
      affidavit eval run --mode agent --pack development.jsonl
      affidavit eval calibrate --risk 0.04
    """
    from dataclasses import asdict

    from agent.errors import ErrorClass, UsageError
    from agent.settings_file import set_number
    from finetune.evaluation.calibration import propose
    from finetune.evaluation.standing import standing_of
    from finetune.reports.report import read_report
    from tui.cli.console import facts, print_json, say

    settings = settings_of(ctx, workspace)
    path = report or newest_report(settings)
    read, today = read_report(path), standing_of(settings)
    found = propose(read, risk, today, surely=sure, baseline=settings.workspace / "baseline.jsonl")
    if write and read.subject.warehouse != today.warehouse:
        raise UsageError(
            ErrorClass.WORKSPACE,
            f"{path} is about another warehouse, {read.subject.warehouse}; nothing was changed.",
            "Evaluate this workspace (`affidavit eval run --mode agent --pack FILE`), or set the line by hand.",
        )
    if write and found.point is None:
        raise UsageError(
            ErrorClass.SETTINGS,
            f"No threshold keeps wrong answers to {risk:.1%} of those shown; nothing was changed.",
            "Allow a higher --risk, or leave out --sure.",
        )
    changed = (
        set_number(settings.workspace, "limits", "min_confidence", found.point.threshold)
        if write and found.point is not None
        else None
    )
    if output is OutputFormat.JSON:
        print_json({**asdict(found), "report": str(path), "written": str(changed) if changed else None})
        return
    facts(_told(found, path))
    for warning in found.warnings:
        say(f"Note: {warning}")
    if changed is not None:
        facts([("written to", changed)])
    elif found.point is not None:
        typer.echo(f"\nTo use it, set in affidavit.toml (or give --write):\n\n[limits]\n{_line(found.point)}")


def newest_report(settings: Settings) -> Path:
    """The report.json that was written last in this workspace.

    Raises:
        UsageError: there is none.
    """
    from agent.errors import ErrorClass, UsageError

    written = sorted((settings.state_dir / "eval").glob("*/report.json"))
    if not written:
        raise UsageError(
            ErrorClass.WORKSPACE, "This workspace was not evaluated yet.", "Run `affidavit eval run` first."
        )
    return written[-1]


def _told(found: Proposal, path: Path) -> list[tuple[str, str]]:
    now = _shown(found.current_threshold, found.current)
    if found.point is None:
        return [("report", str(path)), ("now", now), ("proposed", f"none keeps to {found.wanted_risk:.1%} wrong")]
    return [
        ("report", str(path)),
        ("now", now),
        ("proposed", _shown(found.point.threshold, found.point)),
    ]


def _shown(threshold: float, point: RiskPoint | None) -> str:
    if point is None:
        return f"{threshold:g} shows nothing"
    from finetune.reports.rows import share

    shown = f"{point.coverage.count} of {point.coverage.total} ({point.coverage.value:.1%})"
    return f"{threshold:g} shows {shown}, {point.risk.count} of them wrong ({share(point.risk)})"


def _line(point: RiskPoint) -> str:
    return f"min_confidence = {point.threshold:g}"
