"""`affidavit identity`: whose keys may sign, who answers for them, and the end of a key."""

from __future__ import annotations

import json
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import typer

from tui.cli.identity_shown import line_of, roles_before, row_of, show_enrolled
from tui.cli.invocation import FormatOption, OutputFormat, UserOption, WorkspaceOption, command_app, settings_of
from tui.cli.passphrase import PassphraseFileOption, key_passphrase, load_signer, new_passphrase

if TYPE_CHECKING:
    from agent.settings import Settings
    from audit.identity import Identity, KeyRegister, Keyring, Signer

__all__ = ["app"]

_BY_VARIABLE: Final = "AFFIDAVIT_BY_PASSPHRASE"

app = command_app()


class _Role(StrEnum):
    """The roles of people; written out, because `audit.identity` loads too much for a help page."""

    ASKER = "asker"
    REVIEWER = "reviewer"
    ADMIN = "admin"


class _Store(StrEnum):
    """Where a private key is kept."""

    FILE = "file"
    KEYRING = "keyring"


NameArgument = Annotated[str, typer.Argument(help="The person's name, as it stands on everything they sign.")]


@app.callback(no_args_is_help=True)
def identity() -> None:
    """Make keys, enrol the people who sign with them, and retire them.

    The first person of a workspace becomes its admin; everybody else is enrolled with an admin's signature.

    \b
    Examples:
      affidavit identity create reviewer
      affidavit identity create colleague --by reviewer
      affidavit identity list
    """


@app.command("create")
def create_command(
    ctx: typer.Context,
    *,
    name: NameArgument,
    roles: Annotated[
        list[_Role] | None,
        typer.Option("--role", help="May be repeated; default: reviewer.", show_default=False),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="ADMIN", help="The admin who vouches, whose key is here.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where the request goes; default: ./NAME.enrolment.json.", show_default=False
        ),
    ] = None,
    store: Annotated[_Store, typer.Option(help="Keep the key in a file, or in the system's keyring.")] = _Store.FILE,
    passphrase_file: PassphraseFileOption = None,
    by_passphrase_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help=f"Holds the passphrase of the admin's key.  [env: {_BY_VARIABLE} holds itself]",
            show_default=False,
        ),
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Make a signing key for a person and have it enrolled.

    The first person is enrolled at once, as admin and reviewer. Everybody else needs an admin: --by ADMIN if the
    admin's key is here; else a request is written, which the admin enrols on their own machine.

    A key that is here already is used: to ask again, or to change its roles. The private key stays in
    .affidavit/keys, readable by its owner alone, under a passphrase if one is given; or in the system's keyring.

    \b
    Examples:
      affidavit identity create reviewer
      affidavit identity create colleague --by reviewer --role reviewer --role asker
    """
    from agent.services import open_ledger
    from audit.identity import (
        WORKSPACE_KEY,
        enrol,
        forgetting_unless_enrolled,
        read_register,
        request_enrolment,
    )

    settings = settings_of(ctx, workspace)
    keyring = _keyring(settings)
    wanted = tuple(role.value for role in roles or ())
    with open_ledger(settings) as ledger:
        register = read_register(ledger)
        _refuse_what_cannot_be(register, name, by, wanted, keyring)
        voucher = load_signer(keyring, by, by_passphrase_file, _BY_VARIABLE) if by else None
        before = register.named(name)
        signer, made = _own_key(register, keyring, name, store, passphrase_file)
        with forgetting_unless_enrolled(ledger, keyring, signer) if made else nullcontext():
            if voucher is None and register.has_founder:
                request = request_enrolment(ledger, signer, wanted)
                file = out or Path(f"{quote(name, safe=' ')}.enrolment.json")
                _write_request(request, file, output, before)
            else:
                enrol(ledger, signer, by=voucher or keyring.load(WORKSPACE_KEY), roles=wanted)
                show_enrolled(ledger, signer.identity.key_id, output, before)
    _warn_if_bare(keyring, name)


@app.command("enrol")
def enrol_command(
    ctx: typer.Context,
    *,
    file: Annotated[
        Path, typer.Argument(metavar="REQUEST", exists=True, dir_okay=False, help="What `identity create` wrote.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether the key id was compared.")] = False,
    passphrase_file: PassphraseFileOption = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
) -> None:
    """Enrol a person who made their key elsewhere; the admin is --as NAME.

    Have the person read you the key id before: it is what you vouch for.

    \b
    Example:
      affidavit identity enrol colleague.enrolment.json --as reviewer
    """
    import sys

    from agent.services import open_ledger
    from audit.identity import enrol_request, read_register

    settings = settings_of(ctx, workspace, user, signing=True)
    request = _read_request(file)
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("Compare the key id with the person, then say so with --yes.", param_hint="--yes")
        roles = ", ".join(str(role) for role in request.get("roles") or ())
        typer.confirm(f"Enrol {request.get('name')} ({roles}) with the key id {request.get('key_id')}?", abort=True)
    with open_ledger(settings, create=False) as ledger:
        admin = load_signer(_keyring(settings), settings.user, passphrase_file)
        before = read_register(ledger).named(str(request.get("name")))
        enrolled = enrol_request(ledger, request, by=admin)
        show_enrolled(ledger, enrolled.key_id, output, before)


@app.command("retire")
def retire_command(
    ctx: typer.Context,
    *,
    name: NameArgument,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, in words.", show_default=False)] = "",
    passphrase_file: PassphraseFileOption = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
) -> None:
    """End a person's key; what it signed before stands. Signed by an admin or by the person: --as NAME.

    A lost key is replaced so: retire it, then `affidavit identity create NAME --by ADMIN`.

    \b
    Example:
      affidavit identity retire colleague --as reviewer --reason "Left the company."
    """
    from agent.services import open_ledger
    from audit.identity import retire
    from tui.cli.console import facts, print_json

    settings = settings_of(ctx, workspace, user, signing=True)
    with open_ledger(settings, create=False) as ledger:
        record = retire(ledger, name, by=load_signer(_keyring(settings), settings.user, passphrase_file), reason=reason)
    body = record.body
    if output is OutputFormat.JSON:
        print_json({"name": body["name"], "key_id": body["key_id"], "by": body["by"], "retired": record.time})
        return
    facts([("retired", body["name"]), ("key id", body["key_id"]), ("by", body["by"])])


@app.command("protect")
def protect_command(
    ctx: typer.Context,
    *,
    name: NameArgument,
    passphrase_file: PassphraseFileOption = None,
    new_passphrase_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Holds the new one.", show_default=False),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Put a key under a passphrase, or under another one.

    --passphrase-file is for the old passphrase, where there is one. Without a terminal, the new one comes from
    --new-passphrase-file.

    \b
    Example:
      affidavit identity protect reviewer
    """
    import sys

    from audit.errors import PassphraseError
    from audit.identity import WORKSPACE_KEY, same_person
    from tui.cli.console import facts

    if same_person(name, WORKSPACE_KEY):
        raise typer.BadParameter(
            "The program signs with that key by itself, so it has no passphrase.", param_hint="NAME"
        )
    keyring = _keyring(settings_of(ctx, workspace))
    old = key_passphrase(keyring, name, passphrase_file)
    if new_passphrase_file is None and not sys.stdin.isatty():
        raise PassphraseError("There is no new passphrase.", "Use a terminal, or --new-passphrase-file FILE.")
    keyring.protect(name, new_passphrase(name, new_passphrase_file, from_environment=False), old=old)
    facts([("name", name), ("protected by", keyring.protection(name))])


@app.command("list")
def list_command(
    ctx: typer.Context, output: FormatOption = OutputFormat.TABLE, workspace: WorkspaceOption = None
) -> None:
    """List everybody who is or was enrolled, who answers for them, and which of their keys are here.

    \b
    Example:
      affidavit identity list --format json
    """
    from agent.services import open_ledger
    from audit.identity import read_register
    from tui.cli.console import print_json, print_table

    settings = settings_of(ctx, workspace)
    keyring = _keyring(settings)
    with open_ledger(settings, create=False) as ledger:
        lines = [line_of(standing, keyring) for standing in read_register(ledger).standings]
    if output is OutputFormat.JSON:
        print_json(lines)
        return
    columns = ("name", "roles", "vouched by", "since", "retired", "key id", "key here")
    print_table(columns, [row_of(line) for line in lines])


def _keyring(settings: Settings) -> Keyring:
    from audit.identity import Keyring
    from audit.session import KEYS_NAME

    return Keyring(settings.state_dir / KEYS_NAME)


def _refuse_what_cannot_be(
    register: KeyRegister, name: str, by: str | None, wanted: tuple[str, ...], keyring: Keyring
) -> None:
    """What would be refused anyway once a key was made, said in words that fit the command."""
    from audit.names import refuse_mixed_scripts

    if not register.has_founder and by:
        raise typer.BadParameter(
            "Nobody is enrolled yet who could vouch; the first person is enrolled without --by.", param_hint="--by"
        )
    if not register.has_founder and wanted and set(wanted) != {"admin", "reviewer"}:
        raise typer.BadParameter(
            "The first person of a workspace becomes its admin and reviewer; leave out --role.", param_hint="--role"
        )
    known = next((each for each in register.standings if each.identity == register.named(name)), None)
    if known is None:
        refuse_mixed_scripts(name)
    if known and known.vouched_by and not wanted and keyring.holds(name):
        raise typer.BadParameter(
            f"{known.identity.name} is enrolled already with the key {known.identity.key_id}; other roles take --role.",
            param_hint="NAME",
        )


def _own_key(
    register: KeyRegister, keyring: Keyring, name: str, store: _Store, passphrase_file: Path | None
) -> tuple[Signer, bool]:
    """The person's key, and whether it was made just now; a retired one makes room for another."""
    if keyring.holds(name):
        signer = load_signer(keyring, name, passphrase_file)
        known = register.keys.get(signer.identity.key_id)
        if known is None or not known.retired:
            return signer, False
        keyring.set_aside(name, known.key_id)
    in_system = store is _Store.KEYRING
    words = "" if in_system else new_passphrase(name, passphrase_file)
    return keyring.create(name, passphrase=words, in_system=in_system), True


def _write_request(request: dict[str, Any], file: Path, output: OutputFormat, before: Identity | None) -> None:
    from tui.cli.console import facts, print_json

    file.write_text(json.dumps(request, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if output is OutputFormat.JSON:
        print_json({"name": request["name"], "key_id": request["key_id"], "enrolled": False, "request": str(file)})
        return
    facts(
        [
            ("name", request["name"]),
            ("roles", ", ".join(request["roles"])),
            *roles_before(before, request["roles"], "would replace"),
            ("key id", request["key_id"]),
            ("not enrolled", "An admin must vouch for it: give them the file, and read them the key id."),
            ("request", file),
            ("next", f'affidavit identity enrol "{file}" --as ADMIN'),
        ]
    )


def _read_request(file: Path) -> dict[str, Any]:
    try:
        request = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{file} is not JSON: {error}.", param_hint="REQUEST") from error
    if not isinstance(request, dict):
        raise typer.BadParameter(f"{file} is no request.", param_hint="REQUEST")
    return request


def _warn_if_bare(keyring: Keyring, name: str) -> None:
    from audit.keystore import Protection
    from tui.cli.console import say

    if keyring.protection(name) is Protection.NONE:
        say(
            f"The key of {name} has no passphrase: whoever can read {keyring.directory} signs in this name. "
            f'Give it one: affidavit identity protect "{name}"'
        )
