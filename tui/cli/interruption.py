"""What is said when somebody presses Ctrl-C: one line on stderr, also where the output goes into a file or a pipe.

Every command says at least that it was interrupted; one that takes long says what is kept, and how to go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import typer

__all__ = ["INTERRUPTED", "told_when_interrupted"]

INTERRUPTED: Final = 130
"""The exit code of a command that was interrupted."""


@contextmanager
def told_when_interrupted(kept: Callable[[], str] = lambda: "") -> Iterator[None]:
    """Turn Ctrl-C in the block into one line and exit code 130.

    `kept` is asked then, and says in one sentence what is kept and how to go on.
    """
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"Interrupted. {kept()}".rstrip(), err=True)
        raise typer.Exit(INTERRUPTED) from None
