"""`affidavit review`: a named person's signed decision on a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tui.cli.invocation import (
    FormatOption,
    OutputFormat,
    UserOption,
    WorkspaceOption,
    command_app,
    settings_of,
    text_in,
)
from tui.cli.passphrase import PassphraseFileOption, key_passphrase

if TYPE_CHECKING:
    from agent.settings import Settings
    from audit.rules import ReasonCode

__all__ = ["RunArgument", "app"]

_APPROVING_CODES: Final = "Reason codes: correct, the default, or correct_with_caveats, which needs --reason."
_OBJECTING_CODES: Final = (
    "Reason codes: wrong_metric, wrong_filter, wrong_join, wrong_time, wrong_grain, wrong_source, incomplete, "
    "ambiguous_question, data_quality, outdated, reviewed_by_mistake, not_permitted, or other, the default, "
    "which needs --reason."
)
"""Written out, because `audit.rules` loads too much for a help page; a test compares the two."""
_CODE_HELP: Final = "Why, as one of the reason codes above."

app = command_app()

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or enough of its beginning.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, in words.", show_default=False)]
TakeOverOption = Annotated[bool, typer.Option("--take-over", help="Also where somebody else has claimed the run.")]


@dataclass(frozen=True, slots=True)
class _Said:
    """A decision as it was typed."""

    run: str
    reason_code: str
    reason: str
    take_over: bool
    sql: str | None = None
    despite_findings: bool = False
    despite_revoked: bool = False


@app.callback(no_args_is_help=True)
def review() -> None:
    """Accept, amend, reject or revoke a run, signed by name.

    The reviewer is --as NAME and needs a key: `affidavit identity create NAME`. Who asked may not review their own
    run unless policy.yaml says so.

    \b
    Examples:
      affidavit review list
      affidavit review claim 0193a1b2-c3d4 --as reviewer
      affidavit review accept 0193a1b2-c3d4 --as reviewer
      affidavit review reject 0193a1b2-c3d4 --as reviewer --reason-code wrong_metric --reason "freight is not revenue"
    """


def _add_decision(decision: str, summary: str, *, example: str) -> None:
    """Add the command of a decision that takes a run and why, and nothing else."""
    code_option = typer.Option("other", "--reason-code", metavar="CODE", help=_CODE_HELP)

    def command(
        ctx: typer.Context,
        *,
        run: RunArgument,
        reason_code: str = code_option,
        reason: ReasonOption = "",
        take_over: TakeOverOption = False,
        output: FormatOption = OutputFormat.TABLE,
        workspace: WorkspaceOption = None,
        user: UserOption = None,
        passphrase_file: PassphraseFileOption = None,
    ) -> None:
        settings = settings_of(ctx, workspace, user, signing=True)
        _decide(settings, decision, _Said(run, reason_code, reason, take_over), output, passphrase_file)

    app.command(decision, help=f"{summary}\n\n{_OBJECTING_CODES}\n\n\b\nExample:\n  {example}")(command)


@app.command(
    "accept",
    help=f"""Sign that a run's SQL and result answer its question; it becomes a verified query.

    {_APPROVING_CODES}

    \b
    Example:
      affidavit review accept 0193a1b2-c3d4 --as reviewer
    """,
)
def accept_command(
    ctx: typer.Context,
    *,
    run: RunArgument,
    reason_code: Annotated[str, typer.Option("--reason-code", metavar="CODE", help=_CODE_HELP)] = "correct",
    reason: ReasonOption = "",
    despite_revoked: Annotated[
        bool,
        typer.Option(
            "--despite-revoked", help="Sign it although it relied on a review that was revoked; needs --reason."
        ),
    ] = False,
    take_over: TakeOverOption = False,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
    passphrase_file: PassphraseFileOption = None,
) -> None:
    """Accept a run; the only decision that a revoked review under it stands in the way of."""
    if despite_revoked and not reason.strip():
        raise typer.BadParameter("Say why with --reason TEXT; it is signed.", param_hint="--despite-revoked")
    settings = settings_of(ctx, workspace, user, signing=True)
    said = _Said(run, reason_code, reason, take_over, despite_revoked=despite_revoked)
    _decide(settings, "accept", said, output, passphrase_file)


@app.command(
    "amend",
    help=f"""Sign a corrected statement for a run; it is guarded, run, checked, and becomes the verified query.

    {_OBJECTING_CODES}

    \b
    Example:
      affidavit review amend 0193a1b2-c3d4 --as reviewer --reason-code wrong_time --sql-file fixed.sql
    """,
)
def amend_command(
    ctx: typer.Context,
    *,
    run: RunArgument,
    sql: Annotated[str | None, typer.Option("--sql", help="The corrected statement.", show_default=False)] = None,
    sql_file: Annotated[
        Path | None,
        typer.Option("--sql-file", metavar="FILE", exists=True, dir_okay=False, help="A file that holds it."),
    ] = None,
    reason_code: Annotated[str, typer.Option("--reason-code", metavar="CODE", help=_CODE_HELP)] = "other",
    reason: ReasonOption = "",
    despite_findings: Annotated[
        bool, typer.Option("--despite-findings", help="Sign it although the checks find an error.")
    ] = False,
    take_over: TakeOverOption = False,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
    passphrase_file: PassphraseFileOption = None,
) -> None:
    """Sign a corrected statement; the only decision that takes one."""
    if sql is not None and sql_file is not None:
        raise typer.BadParameter("Give the corrected statement once: not with --sql as well.", param_hint="--sql-file")
    if sql is None and sql_file is None:
        raise typer.BadParameter("Give the corrected statement with --sql or --sql-file.", param_hint="--sql")
    corrected = sql if sql_file is None else text_in(sql_file, "--sql-file")
    settings = settings_of(ctx, workspace, user, signing=True)
    said = _Said(run, reason_code, reason, take_over, corrected, despite_findings)
    _decide(settings, "amend", said, output, passphrase_file)


_add_decision(
    "reject",
    "Sign that a run's answer must not be relied on.",
    example="affidavit review reject 0193a1b2-c3d4 --as reviewer --reason-code wrong_grain",
)
_add_decision(
    "revoke",
    "Take back an earlier approval; the query leaves memory and future training sets.",
    example="affidavit review revoke 0193a1b2-c3d4 --as reviewer --reason-code outdated",
)


def _decide(settings: Settings, decision: str, said: _Said, output: OutputFormat, passphrase_file: Path | None) -> None:
    from audit.identity import Keyring
    from audit.rules import Decision
    from audit.session import KEYS_NAME
    from tui.cli.console import console, facts, print_json
    from tui.reviewing import ReviewRequest, open_desk, review
    from tui.revoking import impact_lines

    code = _fitting_code(decision, said)
    request = ReviewRequest(
        said.run,
        Decision(decision),
        code,
        reason=said.reason,
        sql=said.sql,
        despite_findings=said.despite_findings,
        despite_revoked=said.despite_revoked,
        take_over=said.take_over,
    )
    passphrase = key_passphrase(Keyring(settings.state_dir / KEYS_NAME), settings.user, passphrase_file)
    with open_desk(settings) as desk:
        done = review(desk, request, reviewer=settings.user, passphrase=passphrase)
    if output is OutputFormat.JSON:
        print_json({**asdict(done), "impact": done.impact.to_json() if done.impact else None})
        return
    console().print(done.note)
    if done.impact is not None:
        facts(impact_lines(done.impact))


def _fitting_code(decision: str, said: _Said) -> ReasonCode:
    """The reason code as typed; one that does not go with the decision or lacks its reason is a usage error."""
    from audit.rules import Decision, ReasonCode, code_refusal

    if said.reason_code not in set(ReasonCode):
        known = ", ".join(ReasonCode)
        raise typer.BadParameter(f"{said.reason_code!r} is not one of: {known}.", param_hint="--reason-code")
    code = ReasonCode(said.reason_code)
    if problem := code_refusal(Decision(decision), code, said.reason):
        if not code_refusal(Decision(decision), code, "a reason"):  # only the words are missing
            problem += " Say why with --reason TEXT, or choose another --reason-code."
        raise typer.BadParameter(problem, param_hint="--reason-code")
    return code
