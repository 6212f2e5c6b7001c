"""`affidavit review`: a named person's signed decision on a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.invocation import FormatOption, OutputFormat, UserOption, WorkspaceOption, command_app, settings_of

if TYPE_CHECKING:
    from agent.settings import Settings

__all__ = ["app"]

app = command_app()

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or enough of its beginning.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, in words.", show_default=False)]


@dataclass(frozen=True, slots=True)
class _Said:
    """A decision as it was typed."""

    run: str
    reason_code: str
    reason: str
    sql: str | None = None


@app.callback(no_args_is_help=True)
def review() -> None:
    """Accept, amend, reject or revoke a run, signed by name.

    The reviewer is --as NAME and needs a key: `affidavit identity create NAME`. Who asked may not review their own
    run unless policy.yaml says so.

    \b
    Examples:
      affidavit review list
      affidavit review accept 0193a1b2-c3d4 --as Nina
      affidavit review reject 0193a1b2-c3d4 --as Nina --reason-code wrong_metric --reason "freight is not revenue"
    """


@app.command("list")
def list_command(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="At most this many, the newest first.")] = 20,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """List the runs that wait for a review, the newest first.

    \b
    Example:
      affidavit review list -n 5
    """
    from agent.services import open_ledger
    from audit.runs import list_runs
    from tui.cli.console import print_json, print_table
    from tui.cli.runs import RUN_COLUMNS, run_line, run_rows

    with open_ledger(settings_of(ctx, workspace), create=False) as ledger:
        found = list_runs(ledger, limit=limit, review_status="unreviewed")
    if output is OutputFormat.JSON:
        print_json([run_line(run) for run in found])
    else:
        print_table(RUN_COLUMNS, run_rows(found), empty="No run waits for a review.")


@app.command("accept")
def accept_command(
    ctx: typer.Context,
    *,
    run: RunArgument,
    reason_code: Annotated[str, typer.Option("--reason-code", help="correct or correct_with_caveats.")] = "correct",
    reason: ReasonOption = "",
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
) -> None:
    """Sign that a run's SQL and result answer its question; it becomes a verified query.

    \b
    Example:
      affidavit review accept 0193a1b2-c3d4 --as Nina
    """
    _decide(settings_of(ctx, workspace, user), "accept", _Said(run, reason_code, reason), output)


@app.command("amend")
def amend_command(
    ctx: typer.Context,
    *,
    run: RunArgument,
    sql: Annotated[str | None, typer.Option("--sql", help="The corrected statement.", show_default=False)] = None,
    sql_file: Annotated[
        Path | None,
        typer.Option("--sql-file", metavar="FILE", exists=True, dir_okay=False, help="A file that holds it."),
    ] = None,
    reason_code: Annotated[
        str, typer.Option("--reason-code", help="What was wrong, such as wrong_filter or wrong_join.")
    ] = "other",
    reason: ReasonOption = "",
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
) -> None:
    """Sign a corrected statement for a run; it is guarded, run, and becomes the verified query.

    \b
    Example:
      affidavit review amend 0193a1b2-c3d4 --as Nina --reason-code wrong_time --sql-file fixed.sql
    """
    if (sql is None) == (sql_file is None):
        raise typer.BadParameter("Give the corrected statement with --sql or --sql-file.", param_hint="--sql")
    corrected = sql if sql_file is None else sql_file.read_text(encoding="utf-8")
    _decide(settings_of(ctx, workspace, user), "amend", _Said(run, reason_code, reason, corrected), output)


@app.command("reject")
def reject_command(
    ctx: typer.Context,
    *,
    run: RunArgument,
    reason_code: Annotated[
        str, typer.Option("--reason-code", help="What is wrong, such as wrong_metric or incomplete.")
    ] = "other",
    reason: ReasonOption = "",
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
) -> None:
    """Sign that a run's answer must not be relied on.

    \b
    Example:
      affidavit review reject 0193a1b2-c3d4 --as Nina --reason-code wrong_grain
    """
    _decide(settings_of(ctx, workspace, user), "reject", _Said(run, reason_code, reason), output)


@app.command("revoke")
def revoke_command(
    ctx: typer.Context,
    *,
    run: RunArgument,
    reason_code: Annotated[
        str, typer.Option("--reason-code", help="Why it no longer stands, such as outdated or reviewed_by_mistake.")
    ] = "other",
    reason: ReasonOption = "",
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
) -> None:
    """Take back an earlier approval; the query leaves memory and future training sets.

    \b
    Example:
      affidavit review revoke 0193a1b2-c3d4 --as Nina --reason-code outdated
    """
    _decide(settings_of(ctx, workspace, user), "revoke", _Said(run, reason_code, reason), output)


def _decide(settings: Settings, decision: str, said: _Said, output: OutputFormat) -> None:
    from audit.rules import Decision, ReasonCode
    from tui.cli.console import console, print_json
    from tui.reviewing import ReviewRequest, open_desk, review

    if said.reason_code not in set(ReasonCode):
        known = ", ".join(each.value for each in ReasonCode)
        raise typer.BadParameter(f"{said.reason_code!r} is not one of: {known}.", param_hint="--reason-code")
    request = ReviewRequest(
        said.run, Decision(decision), ReasonCode(said.reason_code), reason=said.reason, sql=said.sql
    )
    with open_desk(settings) as desk:
        done = review(desk, request, reviewer=settings.user)
    if output is OutputFormat.JSON:
        print_json(asdict(done))
        return
    console().print(done.note)
    for run_id in done.relied:
        console().print(f"  affidavit runs show {run_id}")
