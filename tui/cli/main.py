"""The console script: reads the global options, hands over to one command, and turns every failure into an exit code.

Nothing heavy may be imported here: `affidavit --help` answers in a fraction of a second.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tui.cli.commands import LazyGroup
from tui.cli.invocation import Globals

__all__ = ["app", "main"]

_EPILOG = (
    "Exit codes: 0 answered or done, 1 verification failed, 2 usage, 3 needs clarification, 4 abstained, "
    "5 refused, 6 failed, 7 audit unavailable, 130 interrupted."
)

app = typer.Typer(
    cls=LazyGroup,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"affidavit {version('affidavit')}")
        raise typer.Exit


@app.callback()
def affidavit(
    ctx: typer.Context,
    workspace: Annotated[
        Path | None,
        typer.Option("-w", "--workspace", metavar="DIR", help="The workspace folder.  [env: AFFIDAVIT_WORKSPACE]"),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Who is asking or reviewing.  [env: AFFIDAVIT_USER]"),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Ask a SQL database in plain language; every answer can be checked and signed.

    \b
    Start here:
      affidavit init --demo .demo
      affidavit ask "Which product category had the highest sales revenue in 2023?" -w .demo
      affidavit chat -w .demo
    """
    ctx.obj = Globals(workspace=workspace, user=user)


def main() -> None:
    """Run the command line and leave with the exit code of the contract.

    With AFFIDAVIT_DEBUG=1 an error keeps its traceback; otherwise it is one screen that says what to do.
    """
    try:
        app(prog_name="affidavit")
    except Exception as error:  # noqa: BLE001 (where the program ends; every failure is told)
        from tui.cli.failure import report

        sys.exit(report(error))


if __name__ == "__main__":
    main()
