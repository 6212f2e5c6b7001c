"""`affidavit runs`: what was asked, how it ended, and everything that happened in between."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, command_app, settings_of

if TYPE_CHECKING:
    from audit.record import Record
    from audit.runs import RunSummary, RunTrace

__all__ = ["app", "run_line", "run_rows", "short_id"]

RUN_COLUMNS = ("run", "asked (UTC)", "status", "review", "asker", "reviewer", "confidence", "question")

app = command_app()


@app.callback(no_args_is_help=True)
def runs() -> None:
    """List runs, show everything that happened in one, and replay answers.

    \b
    Examples:
      affidavit runs list --review unreviewed
      affidavit runs show 0193a1b2-c3d4
      affidavit runs replay 0193a1b2-c3d4
      affidavit runs scans
    """


@app.command("list")
def list_command(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="At most this many, the newest first.")] = 20,
    status: Annotated[str | None, typer.Option(help="Only runs that ended so, such as answered or failed.")] = None,
    review: Annotated[
        str | None, typer.Option(help="Only runs whose review stands so, such as unreviewed or accepted.")
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """List runs, the newest first.

    \b
    Example:
      affidavit runs list --status abstained -n 5
    """
    from agent.model.lineage import known_models
    from agent.services import open_ledger
    from audit.reliance import relied_on_revoked
    from audit.runs import list_runs
    from tui.cli.console import print_json, print_table, say
    from tui.revoking import relied_note

    _check_status(status, review)
    settings = settings_of(ctx, workspace)
    with open_ledger(settings, create=False) as ledger:
        found = list_runs(ledger, limit=limit, status=status, review_status=review)
        relied = relied_on_revoked(ledger, known_models(settings.state_dir))
    if output is OutputFormat.JSON:
        print_json([{**run_line(run), "relied_on_revoked": list(relied.get(run.run_id, ()))} for run in found])
        return
    print_table(RUN_COLUMNS, run_rows(found), empty="No such run yet. Ask something: affidavit ask QUESTION")
    for run in found:
        if run.run_id in relied:
            say(f"! {short_id(run.run_id)} {relied_note(relied[run.run_id])}")


@app.command("show")
def show_command(
    ctx: typer.Context,
    *,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or enough of its beginning.")],
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Show everything the ledger holds of one run, in order.

    \b
    Example:
      affidavit runs show 0193a1b2-c3d4
    """
    from agent.model.lineage import known_models
    from agent.services import open_ledger
    from audit.reliance import relied_on_revoked
    from audit.runs import get_run
    from tui.cli.console import print_json, say
    from tui.revoking import relied_note

    settings = settings_of(ctx, workspace)
    with open_ledger(settings, create=False) as ledger:
        trace = get_run(ledger, run)
        relied = relied_on_revoked(ledger, known_models(settings.state_dir)).get(trace.run_id, ())
    if output is OutputFormat.JSON:
        records = [_record_json(record) for record in trace.records]
        print_json({**run_line(trace.summary), "relied_on_revoked": list(relied), "records": records})
        return
    if relied:
        say(f"! This run {relied_note(relied)}")
    _print_trace(trace)


@app.command("scans")
def scans_command(
    ctx: typer.Context,
    *,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Compare what statements were expected to scan before and after a change.

    Runs are grouped by the model, its prompt, the policy and the settings they were answered with. The newest change
    with 20 runs on either side is judged as a whole: it is an alarm when the median has doubled and a rank test
    (Mann-Whitney) gives p < 0.001. Exit code 1 then, else 0.

    \b
    Example:
      affidavit runs scans --format json
    """
    from agent.services import open_ledger
    from audit.scans import scans
    from tui.cli.console import print_json
    from tui.cli.scans_view import print_scans, scans_json

    with open_ledger(settings_of(ctx, workspace), create=False) as ledger:
        found, comparison = scans(ledger)
    if output is OutputFormat.JSON:
        print_json(scans_json(found, comparison))
    else:
        print_scans(found, comparison)
    if comparison is not None and comparison.is_inflated:
        raise typer.Exit(1)


def run_line(run: RunSummary) -> dict[str, Any]:
    """A run as one JSON object."""
    return {**asdict(run), "findings": list(run.findings)}


def run_rows(found: list[RunSummary]) -> list[tuple[object, ...]]:
    """Runs as rows of `RUN_COLUMNS`."""
    from tui.text import clipped, moment, percent

    return [
        (
            short_id(run.run_id),
            moment(run.started),
            run.status,
            run.standing,
            run.asker,
            run.reviewer,
            percent(run.confidence) if run.status in {"answered", "abstained"} else "",
            clipped(run.question, 70),
        )
        for run in found
    ]


def short_id(run_id: str) -> str:
    """Enough of a UUIDv7 to name a run: its 48 bits of time."""
    return run_id[:13]


def _check_status(status: str | None, review: str | None) -> None:
    from agent.run import RunStatus
    from audit.rules import ReviewStatus
    from audit.runs import UNFINISHED

    for name, value, known in (
        ("--status", status, [*(each.value for each in RunStatus), UNFINISHED]),
        ("--review", review, [each.value for each in ReviewStatus]),
    ):
        if value is not None and value not in known:
            raise typer.BadParameter(f"{value!r} is not one of: {', '.join(known)}.", param_hint=name)


def _record_json(record: Record) -> dict[str, Any]:
    return {
        "sequence": record.sequence,
        "kind": record.kind,
        "time": record.time,
        "actor": record.actor,
        "hash": record.hash,
        "body": record.body,
    }


def _print_trace(trace: RunTrace) -> None:
    from rich.padding import Padding
    from rich.syntax import Syntax
    from rich.table import Table
    from rich.text import Text

    from tui.cli.console import STATUS_STYLES, console, put
    from tui.sql_layout import laid_out
    from tui.text import printable_lines
    from tui.trace import told_in_order

    out, run = console(), trace.summary
    out.print(Text(printable_lines(run.question), style="bold"))
    out.print(
        Text.assemble(
            f"run {run.run_id} · asked by {run.asker} · ",
            (run.status, STATUS_STYLES.get(run.status, "")),
            " · ",
            (run.review_status, STATUS_STYLES.get(run.review_status, "")),
        )
    )
    for entry in told_in_order(trace.records):
        out.print()
        mark, style = ("✗", "red") if entry.bad else ("●", "green")
        head = Text.assemble((f"{mark} ", style), (entry.title, "bold"), (f"  {entry.time[11:23]}", "dim"))
        head.append(f"  {entry.kind} #{entry.sequence}" + (f" by {entry.actor}" if entry.actor else ""), "dim")
        out.print(head)
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, text in entry.facts:
            grid.add_row(f"  {name}", Text(text))
        if entry.facts:
            put(grid)
        if entry.sql:
            code = Syntax(
                printable_lines(laid_out(entry.sql)),
                "sql",
                theme="ansi_dark",
                background_color="default",
                word_wrap=True,
            )
            put(Padding(code, (0, 0, 0, 2)))
