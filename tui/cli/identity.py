"""`affidavit identity`: the keys that sign reviews, and whose they are."""

from __future__ import annotations

from typing import Annotated

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, command_app, settings_of

__all__ = ["app"]

app = command_app()


@app.callback(no_args_is_help=True)
def identity() -> None:
    """Make and list the identities that sign reviews.

    \b
    Examples:
      affidavit identity create reviewer
      affidavit identity list
    """


@app.command("create")
def create_command(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="The person's name, as it will stand on every review.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Make a signing key for a person and enrol it on the ledger.

    The private key stays in .affidavit/keys, readable by its owner alone.

    \b
    Example:
      affidavit identity create reviewer
    """
    from agent.services import open_ledger
    from audit.identity import Keyring, create_identity
    from tui.cli.console import facts

    settings = settings_of(ctx, workspace)
    keyring = Keyring(settings.state_dir / "keys")
    with open_ledger(settings) as ledger:
        made = create_identity(ledger, keyring, name).identity
    facts(
        [
            ("name", made.name),
            ("key id", made.key_id),
            ("keys in", keyring.directory),
            ("next", f'affidavit review list --as "{made.name}"'),
        ]
    )


@app.command("list")
def list_command(
    ctx: typer.Context, output: FormatOption = OutputFormat.TABLE, workspace: WorkspaceOption = None
) -> None:
    """List the enrolled identities, and which of their keys are on this machine.

    \b
    Example:
      affidavit identity list --format json
    """
    from dataclasses import asdict

    from agent.services import open_ledger
    from audit.identity import Keyring, enrolled_keys, same_person
    from tui.cli.console import print_json, print_table

    settings = settings_of(ctx, workspace)
    here = Keyring(settings.state_dir / "keys").names()
    with open_ledger(settings, create=False) as ledger:
        keys = enrolled_keys(ledger.records(kinds=("identity",)), ledger.workspace)
    lines = [
        {**asdict(known), "key_here": any(same_person(known.name, name) for name in here)} for known in keys.values()
    ]
    if output is OutputFormat.JSON:
        print_json(lines)
        return
    rows = [(line["name"], line["role"], line["key_id"], "yes" if line["key_here"] else "no") for line in lines]
    print_table(("name", "role", "key id", "key here"), rows)
