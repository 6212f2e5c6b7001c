"""`affidavit doctor`: prints what the health check of a workspace found, and leaves with the code a script needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, command_app, settings_of, workspace_of

if TYPE_CHECKING:
    from rich.text import Text

    from agent.doctor.diagnosis import Diagnosis

__all__ = ["app"]

app = command_app()

_MARKS: Final = {"error": "✗", "warning": "!", "ok": "✓"}
_STYLES: Final = {"error": "red", "warning": "yellow", "ok": "green"}
_MAX_OF_A_CHECK: Final = 3
"""Faults of one check on the screen; JSON has all of them."""
_MAX_CHARS: Final = 320


@app.command("doctor")
def doctor_command(
    ctx: typer.Context,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Let a warning end with exit code 1, too.")] = False,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Check a workspace's parts and say what to mend.

    Is everything there that a question needs, does what metrics.yaml and policy.yaml name exist, did the tables move
    since the last sync, can they be joined, and is the database in order: its statistics, and an account that cannot
    write? Each check is made, whatever became of the one before. Nothing is written, and no model is started.

    Severities are error (answers fail or are wrong), warning (they may, or cost something) and ok. Exit code 1 if there
    is an error, 0 if not; with --strict a warning counts, too.

    \b
    Examples:
      affidavit doctor -w .demo
      affidavit doctor --strict --format json
    """
    from agent.doctor.diagnosis import SEVERITIES, worst
    from tui.cli.console import print_json

    found = sorted(_examined(ctx, workspace), key=lambda each: SEVERITIES.index(each.severity))
    status = worst(found)
    if output is OutputFormat.JSON:
        place = workspace_of(ctx, workspace).expanduser().resolve()
        print_json({"workspace": str(place), "status": status, "checks": [asdict(each) for each in found]})
    else:
        _print_table(found)
    if status == "error" or (strict and status == "warning"):
        raise typer.Exit(1)


def _examined(ctx: typer.Context, workspace: Path | None) -> Iterator[Diagnosis]:
    """What the checks found; settings that cannot be read are a finding as well, and the only one."""
    from agent.doctor.diagnosis import Diagnosis
    from agent.doctor.examine import examine
    from agent.errors import ErrorClass, UsageError
    from tui.failure import as_affidavit_error

    try:
        settings = settings_of(ctx, workspace, write_log=False)
    except UsageError as error:
        if error.error_class is not ErrorClass.SETTINGS:  # there is no workspace there
            raise
        why = "No command can be run before the settings can be read, and no other check made."
        yield Diagnosis("settings", "error", error.message, why, error.hint)
        return
    yield Diagnosis("settings", "ok", "affidavit.toml and the environment fit.")
    yield from examine(settings, as_affidavit_error)


def _print_table(found: Sequence[Diagnosis]) -> None:
    from rich.table import Table
    from rich.text import Text

    from tui.cli.console import put

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    shown: dict[str, int] = {}
    for each in found:
        shown[each.check] = shown.get(each.check, 0) + 1
        if shown[each.check] <= _MAX_OF_A_CHECK:
            mark = Text(f"{_MARKS[each.severity]} {each.severity}", style=_STYLES[each.severity])
            grid.add_row(mark, Text(each.check), _said(each))
    put(grid)
    counts = {severity: sum(each.severity == severity for each in found) for severity in ("error", "warning")}
    hidden = sum(max(0, count - _MAX_OF_A_CHECK) for count in shown.values())
    more = f" {hidden} of them not shown; --format json has all." if hidden else ""
    put(f"\n{_counted(counts['error'], 'error').capitalize()}, {_counted(counts['warning'], 'warning')}.{more}")


def _said(each: Diagnosis) -> Text:
    from rich.text import Text

    from tui.text import clipped

    said = Text(clipped(each.what, _MAX_CHARS))
    if each.severity != "ok":
        said.append(f"\n{each.why}", style="dim")
        said.append(f"\nDo: {each.do}", style="bold" if each.severity == "error" else "")
    return said


def _counted(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
