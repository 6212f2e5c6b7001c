"""`affidavit privacy`: whom the encrypted record is about, and erasing one of them from it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.invocation import (
    FormatOption,
    OutputFormat,
    UserOption,
    WorkspaceOption,
    command_app,
    settings_of,
    signer_name,
)
from tui.cli.passphrase import PassphraseFileOption

if TYPE_CHECKING:
    from agent.erasing import Erased

__all__ = ["app"]

app = command_app()


@app.callback(no_args_is_help=True)
def privacy() -> None:
    """List whom the record is about, and erase what it says of one of them.

    It needs `record: {encrypt: subject}` in policy.yaml before the questions are asked: what was recorded in the clear
    cannot be erased.

    \b
    Examples:
      affidavit privacy subjects
      affidavit privacy erase "customer 4711" --as dpo
    """


@app.command("subjects")
def subjects_command(
    ctx: typer.Context, output: FormatOption = OutputFormat.TABLE, workspace: WorkspaceOption = None
) -> None:
    """List the subjects of this workspace, with the number of their runs.

    \b
    Example:
      affidavit privacy subjects --format json
    """
    from agent.erasing import runs_by_subject
    from agent.services import open_ledger
    from tui.cli.console import print_json, print_table
    from tui.text import moment

    with open_ledger(settings_of(ctx, workspace), create=False) as ledger:
        runs = runs_by_subject(ledger)
        known = ledger.veil.subjects.all() if ledger.veil else []
    lines = [
        {
            "id": each.id,
            "name": each.name,
            "created": each.created,
            "erased": each.erased,
            "runs": len(runs.get(each.id, ())),
        }
        for each in known
    ]
    if output is OutputFormat.JSON:
        print_json(lines)
        return
    rows = [
        (
            each.name or "(erased)",
            len(runs.get(each.id, ())),
            moment(each.created),
            each.erased and moment(each.erased),
            each.id,
        )
        for each in known
    ]
    print_table(("subject", "runs", "since (UTC)", "erased (UTC)", "id on the ledger"), rows, empty="No subject yet.")


@app.command("erase")
def erase_command(
    ctx: typer.Context,
    *,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The name, or the id on the ledger.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")] = False,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
    passphrase_file: PassphraseFileOption = None,
) -> None:
    """Destroy a subject's key: nobody can read again what the record says of it, and every proof still holds.

    Memory forgets the queries that were signed about it. It cannot be undone, but by a copy of the keys: destroy those,
    too. That it was done goes on the record, without the name, signed by an admin once there is one.

    \b
    Example:
      affidavit privacy erase "customer 4711" --as dpo --yes
    """
    from dataclasses import asdict

    from agent.erasing import erase
    from agent.services import open_ledger
    from audit.erasure import needs_admin
    from audit.identity import Keyring
    from audit.session import KEYS_NAME
    from tui.cli.console import print_json
    from tui.cli.passphrase import load_signer

    settings = settings_of(ctx, workspace, user)
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("Say --yes: there is nobody here to ask.", param_hint="--yes")
        typer.confirm(f"Erase {subject!r} for ever?", abort=True, err=True)
    with open_ledger(settings, create=False) as ledger:
        signer = None
        if needs_admin(ledger):
            signer = load_signer(Keyring(settings.state_dir / KEYS_NAME), signer_name(ctx, user), passphrase_file)
        done = erase(settings, ledger, subject, actor=settings.user, signer=signer)
    if output is OutputFormat.JSON:
        print_json(asdict(done))
    else:
        _print_erased(done)


def _print_erased(done: Erased) -> None:
    from tui.cli.console import facts

    lines: list[tuple[str, object]] = [("erased", ", ".join(done.subjects)), ("runs", len(done.runs))]
    if not done.memory_is_clean:
        lines.append(("left to you", "The Chroma server forgot the queries; have its own files vacuumed."))
    lines += [("remove yourself", each) for each in done.files]
    lines += [("asked the same", f"affidavit runs show {each}") for each in done.relied]
    bundles = f"{done.bundles} bundle{'' if done.bundles == 1 else 's'} of evidence of these runs"
    lines.append(("exported before", f"{bundles} (audit export), which cannot be reached; ask for them back"))
    lines.append(("not reached", "backups, copies of the keys, exported evidence, terminals, and a model's provider"))
    facts(lines)
