"""What a person names to `audit verify` beside the ledger: signed heads kept elsewhere, an authority's certificate.

What is wrong with a path that somebody typed is a wrong argument, and no fault of the ledger.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from audit.checkpoints import Checkpoint

__all__ = ["certificates_in", "checkpoints_at", "given_key"]


def given_key(key: str | None, option: str = "--key") -> str:
    """A public key as it was typed, empty where none was.

    Raises:
        typer.BadParameter: it was given and is empty, as an unset variable of a shell is: nothing would be held
            against it.
    """
    if key is not None and not key.strip():
        raise typer.BadParameter("It is empty. Leave it out, or give the key in hex.", param_hint=option)
    return (key or "").strip()


def checkpoints_at(place: str) -> list[Checkpoint]:
    """The signed heads kept at a file or URL; a line of a file that was not written to its end is said to be left out.

    Raises:
        typer.BadParameter: the file cannot be read, or a line of the file or answer is no checkpoint, or there is none.
        LedgerUnavailable: the URL cannot be read.
    """
    from audit.checkpoints import fetch_checkpoints, has_torn_line
    from audit.errors import LedgerUnavailable, NoCheckpoint, SealError
    from tui.cli.console import say

    is_url = place.startswith(("http://", "https://"))
    try:
        found = fetch_checkpoints(place)
    except (SealError, NoCheckpoint) as error:
        raise typer.BadParameter(error.message, param_hint="--checkpoint") from error
    except LedgerUnavailable as error:
        if is_url:
            raise
        raise typer.BadParameter(error.message, param_hint="--checkpoint") from error
    if not is_url and has_torn_line(Path(place)):
        say(f"The last line of {place} was not written to its end; that one line was not read.")
    return found


def certificates_in(file: Path | None) -> list[Certificate]:
    """The certificates of a PEM file; none where none is named.

    Raises:
        typer.BadParameter: it cannot be read, or holds none.
    """
    from audit.errors import LedgerUnavailable
    from audit.timestamps import read_certificates

    if file is None:
        return []
    try:
        return read_certificates(file)
    except LedgerUnavailable as error:
        raise typer.BadParameter(f"{error.message} {error.hint}".strip(), param_hint="--tsa-certificate") from error
