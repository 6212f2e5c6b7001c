"""`affidavit chat`: the Textual app over one workspace."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tui.cli.invocation import UserOption, WorkspaceOption, command_app, settings_of
from tui.cli.passphrase import PassphraseFileOption, asker_signer

__all__ = ["app"]

app = command_app()


@app.command("chat")
def chat_command(
    ctx: typer.Context,
    *,
    light: Annotated[bool, typer.Option("--light", help="Start with the light theme (ctrl+t switches).")] = False,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
    passphrase_file: PassphraseFileOption = None,
) -> None:
    """Open the chat: ask, watch each step, review and sign.

    \b
    Example:
      affidavit chat -w .demo --as analyst
    """
    from agent.errors import ErrorClass, UsageError

    settings = settings_of(ctx, workspace, user)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            ErrorClass.SETTINGS,
            "The chat needs a terminal to draw on.",
            "Without one, use `affidavit ask QUESTION --format json`.",
        )
    signer = asker_signer(ctx, settings, user, passphrase_file)
    from tui.app import AffidavitApp
    from tui.cli.console import say
    from tui.theme import DARK, LIGHT
    from tui.workspace_backend import WorkspaceBackend

    chat = AffidavitApp(
        WorkspaceBackend(settings, signer),
        exports=settings.workspace / "exports",
        theme=(LIGHT if light else DARK).name,
    )
    try:
        problem = chat.run()
    finally:
        if chat.thread.is_busy:
            say("What is under way is finished first, so that it is on the record; Ctrl+C would leave it unfinished.")
        chat.thread.close()
    if problem is not None:
        raise problem
    if chat.return_code:
        raise typer.Exit(chat.return_code)
