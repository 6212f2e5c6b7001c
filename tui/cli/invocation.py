"""What every command is told besides its own options: which workspace, and who is there.

`-w` and `--as` may stand before or after the command's name; the one nearest the command wins.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from agent.settings import Settings

__all__ = [
    "FormatOption",
    "Globals",
    "OutputFormat",
    "UserOption",
    "WorkspaceOption",
    "command_app",
    "person",
    "refuse_without_folder",
    "settings_of",
    "signer_name",
    "workspace_of",
]


class OutputFormat(StrEnum):
    """How a command prints what it found."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Globals:
    """The options given before the command's name."""

    workspace: Path | None = None
    user: str | None = None


WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "-w", "--workspace", metavar="DIR", help="The workspace folder; default: the current one.", show_default=False
    ),
]
UserOption = Annotated[
    str | None, typer.Option("--as", metavar="NAME", help="Who is asking or reviewing.", show_default=False)
]
FormatOption = Annotated[OutputFormat, typer.Option("--format", help="A table for people, JSON for programs.")]


def command_app() -> typer.Typer:
    """The parser of one command group: plain help, no completion options of its own."""
    return typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def workspace_of(ctx: typer.Context, given: Path | None) -> Path:
    """The workspace folder: the option, then AFFIDAVIT_WORKSPACE, then the current folder."""
    early = ctx.find_object(Globals) or Globals()
    chosen = given or early.workspace
    if chosen is not None:
        return chosen
    return Path(os.environ.get("AFFIDAVIT_WORKSPACE") or ".")


def person(ctx: typer.Context, given: str | None, settings: Settings | None = None) -> str:
    """Who is asking: the option, then AFFIDAVIT_USER or the workspace's `user`, then the login name."""
    early = ctx.find_object(Globals) or Globals()
    name = given or early.user or os.environ.get("AFFIDAVIT_USER") or (settings.user if settings else "")
    if name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user id may have no name
        return f"uid-{os.getuid()}"


def signer_name(ctx: typer.Context, given: str | None) -> str:
    """In whose name something is signed: the option or AFFIDAVIT_USER, and nothing else.

    Raises:
        UsageError: neither is there.
    """
    from agent.errors import ErrorClass, UsageError

    early = ctx.find_object(Globals) or Globals()
    name = given or early.user or os.environ.get("AFFIDAVIT_USER")
    if not name:
        raise UsageError(
            ErrorClass.IDENTITY, "Nobody is named in whose name to sign.", "Say it: --as NAME, or AFFIDAVIT_USER=NAME."
        )
    return name


def text_in(file: Path, option: str) -> str:
    """What a text file that somebody named holds.

    Raises:
        typer.BadParameter: it is no text in UTF-8, or cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{file} is not text in UTF-8.", param_hint=option) from error
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}.", param_hint=option) from error


def refuse_without_folder(file: Path | None, option: str) -> None:
    """Refuse a file that is to be written where there is no folder: a mistyped one is not made in silence.

    Raises:
        typer.BadParameter: the folder is not there; nothing was done.
    """
    if file is not None and not file.parent.is_dir():
        raise typer.BadParameter(
            f"There is no folder {file.parent}. Make it first, or name another file; nothing was done.",
            param_hint=option,
        )


def settings_of(
    ctx: typer.Context,
    workspace: Path | None,
    user: str | None = None,
    flags: dict[str, Any] | None = None,
    *,
    write_log: bool = True,
    signing: bool = False,
) -> Settings:
    """Load the workspace's settings, with the acting person inside, and send the log to its file.

    Without `write_log` nothing is logged, and so nothing in the workspace is touched. With `signing` the person must
    have been named: nobody signs in a name that was taken from the system or from a file that many share.

    Raises:
        UsageError: there is no workspace there, a setting does not fit, or nobody is named who signs.
    """
    from agent.logging import configure_logging
    from agent.settings import load_settings

    settings = load_settings(workspace_of(ctx, workspace), flags)
    acting = signer_name(ctx, user) if signing else person(ctx, user, settings)
    settings = settings.model_copy(update={"user": acting})
    configure_logging(settings, write=write_log)
    return settings
