"""How every benchmark is run: what it is given wrong ends on one screen and with the exit code of the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.errors import ErrorClass, UsageError
from agent.settings import CONFIG_NAME, Settings, load_settings
from tui.cli.failure import report

__all__ = ["DEMO", "benchmark", "workspace_settings"]

DEMO = Path(".demo")
"""The workspace that `make demo` builds, and every benchmark's default."""


def benchmark(main: Callable[[], int]) -> int:
    """The exit code of `main`, or that of its failure, which is told on stderr."""
    try:
        return main()
    except Exception as error:  # noqa: BLE001 (where a program ends; every failure is told)
        return report(error)


def workspace_settings(workspace: Path) -> Settings:
    """The settings of the workspace that is measured.

    Raises:
        UsageError: there is none, or a setting does not fit.
    """
    if workspace == DEMO and not (workspace / CONFIG_NAME).is_file():
        raise UsageError(
            ErrorClass.WORKSPACE,
            f"There is no demo workspace in {DEMO.absolute()}.",
            "Build it with `make demo`, or name another workspace with -w DIR.",
        )
    return load_settings(workspace)
