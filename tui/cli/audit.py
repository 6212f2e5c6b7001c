"""`affidavit audit`: whether the record can be believed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, command_app, settings_of

__all__ = ["app"]

app = command_app()


@app.callback(no_args_is_help=True)
def audit() -> None:
    """Verify the ledger, and sign checkpoints of its head.

    \b
    Examples:
      affidavit audit verify
      affidavit audit checkpoint
    """


@app.command("verify")
def verify_command(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; the same as --format json.")] = False,
    checkpoints: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Signed heads kept elsewhere; default: .affidavit/checkpoints.jsonl."),
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Check every record, signature and checkpoint; exit 0 only if all of them hold.

    Otherwise the exit code is 1, and the first bad record is named with what is wrong with it.

    \b
    Examples:
      affidavit audit verify
      affidavit audit verify --checkpoints /mnt/elsewhere/checkpoints.jsonl --json
    """
    from agent.services import workspace_name
    from agent.warehouse.policy import load_policy
    from audit.session import CHECKPOINTS_NAME, open_alone
    from audit.verify import verify
    from tui.cli.console import facts, print_json
    from tui.cli.progress import progress_bar

    settings = settings_of(ctx, workspace)
    if checkpoints is not None and not checkpoints.is_file():
        raise typer.BadParameter(f"{checkpoints} is not a file.", param_hint="--checkpoints")
    allow_self = load_policy(settings.workspace / "policy.yaml").review.allow_self
    with (
        open_alone(settings.ledger_url, workspace=workspace_name(settings), state_dir=settings.state_dir) as ledger,
        progress_bar("Verifying", "records") as progress,
    ):
        found = verify(
            ledger,
            checkpoints=checkpoints or settings.state_dir / CHECKPOINTS_NAME,
            allow_self=allow_self,
            progress=progress,
        )
    if as_json or output is OutputFormat.JSON:
        print_json(found.to_json())
    else:
        said = "Every record, signature and checkpoint holds." if found.ok else found.problem
        lines: list[tuple[str, object]] = [
            ("✓ verified" if found.ok else "✗ does not hold", said),
            ("records", found.records),
            ("reviews", found.reviews),
            ("checkpoints", found.checkpoints),
            ("head", found.head),
        ]
        if found.first_bad is not None:
            lines.insert(1, ("first bad record", found.first_bad))
        facts(lines)
    if not found.ok:
        raise typer.Exit(1)


@app.command("checkpoint")
def checkpoint_command(
    ctx: typer.Context,
    *,
    copy: Annotated[
        Path | None,
        typer.Option("--copy", metavar="FILE", help="Copy the file of signed heads there, where others cannot write."),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Sign the ledger's head now; a kept copy shows later whether records were cut off or rewritten.

    \b
    Example:
      affidavit audit checkpoint --copy /mnt/elsewhere/checkpoints.jsonl
    """
    import shutil

    from agent.services import open_ledger
    from audit.session import CHECKPOINTS_NAME, checkpoint_now
    from tui.cli.console import facts

    settings = settings_of(ctx, workspace)
    path = settings.state_dir / CHECKPOINTS_NAME
    with open_ledger(settings, create=False) as ledger:
        vouched = checkpoint_now(ledger, settings.state_dir)
    lines: list[tuple[str, object]] = [("records vouched for", vouched), ("written to", path)]
    if copy is not None:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        lines.append(("copied to", copy))
    facts(lines)
