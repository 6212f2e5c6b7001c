"""`affidavit review impact`: what stands on a review, before it is revoked or after."""

from __future__ import annotations

from typing import Annotated

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, settings_of
from tui.cli.review import app

__all__ = ["impact_command"]


@app.command("impact")
def impact_command(
    ctx: typer.Context,
    *,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or enough of its beginning.")],
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Show what stands on a run's review: datasets, models, exports and later runs; nothing is changed.

    Later runs are those recalled from it, those whose model was shown it as an example or learnt from it, and those
    that relied on one of these once it was vouched for itself.

    \b
    Example:
      affidavit review impact 0193a1b2-c3d4
    """
    from agent.services import workspace_name
    from audit.runs import resolve_run_id
    from audit.session import open_alone
    from finetune.revocation import impact_of
    from tui.cli.console import facts, print_json
    from tui.revoking import impact_lines

    settings = settings_of(ctx, workspace)
    with open_alone(settings.ledger_url, workspace=workspace_name(settings), state_dir=settings.state_dir) as ledger:
        impact = impact_of(ledger, settings.state_dir, resolve_run_id(ledger, run))
    if output is OutputFormat.JSON:
        print_json(impact.to_json())
    else:
        facts(impact_lines(impact))
