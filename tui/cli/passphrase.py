"""A person's key for a command, and its passphrase.

The passphrase comes from a file or the environment for programs, and is asked for without an echo on a terminal. It is
never an option of its own: a command line is seen by everybody on the machine and kept by shells.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.invocation import text_in

if TYPE_CHECKING:
    from agent.settings import Settings
    from audit.identity import Keyring, Signer

__all__ = ["PassphraseFileOption", "asker_signer", "key_passphrase", "load_signer", "new_passphrase"]

PassphraseFileOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Holds the passphrase of the key.  [env: AFFIDAVIT_PASSPHRASE holds itself]",
        show_default=False,
    ),
]
_VARIABLE = "AFFIDAVIT_PASSPHRASE"


def load_signer(keyring: Keyring, name: str, file: Path | None, variable: str = _VARIABLE) -> Signer:
    """The key of that name, its passphrase asked for if it has one.

    Raises:
        IdentityError: there is no such key, or the passphrase is missing or another.
    """
    return keyring.load(name, key_passphrase(keyring, name, file, variable))


def asker_signer(ctx: typer.Context, settings: Settings, user: str | None, file: Path | None = None) -> Signer | None:
    """The key of who asks, if the policy wants questions signed.

    Raises:
        UsageError: the policy cannot be read, or it wants a signature and nobody is named.
        IdentityError: it wants a signature and the key cannot be used.
    """
    from agent.warehouse.policy import load_policy
    from tui.cli.invocation import signer_name

    if load_policy(settings.workspace / "policy.yaml").asking == "anyone":
        return None
    from audit.identity import Keyring
    from audit.session import KEYS_NAME

    return load_signer(Keyring(settings.state_dir / KEYS_NAME), signer_name(ctx, user), file)


def key_passphrase(keyring: Keyring, name: str, file: Path | None = None, variable: str = _VARIABLE) -> str:
    """The passphrase of a key that has one, as far as it is given; empty for any other key.

    Raises:
        IdentityError: there is no such key.
    """
    from audit.keystore import Protection

    if keyring.protection(name) is not Protection.PASSPHRASE:
        return ""
    return _given(file, variable) or _asked(f"Passphrase of the key of {name}")


def new_passphrase(name: str, file: Path | None = None, *, from_environment: bool = True) -> str:
    """What a new key is put under; empty if nothing is given, or somebody wants it so.

    The environment has at most one passphrase: where a key is to get another one, it is the old.

    Raises:
        PassphraseError: it was not typed the same way twice.
    """
    from audit.errors import PassphraseError

    given = _given(file, _VARIABLE if from_environment else "")
    if given or not sys.stdin.isatty():
        return given
    first = _asked(f"A passphrase for the key of {name} (empty for none)")
    if first and _asked("The same again") != first:
        raise PassphraseError("The two passphrases differ.", "Run the command again; nothing was made.")
    return first


def _given(file: Path | None, variable: str) -> str:
    if file is not None:
        said = text_in(file, "--passphrase-file").rstrip("\r\n")
        if not said:
            raise typer.BadParameter(f"{file} is empty, and holds no passphrase.", param_hint="--passphrase-file")
        return said
    return os.environ.get(variable, "") if variable else ""


def _asked(prompt: str) -> str:
    if not sys.stdin.isatty():
        return ""
    return str(typer.prompt(prompt, default="", hide_input=True, show_default=False, err=True))
