"""The one place where an error becomes an exit code and one screen of text: what happened, and what to do."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
import traceback
from typing import TYPE_CHECKING, Any, Final

from agent.errors import AffidavitError, AuditUnavailableError, RefusedError, UsageError
from tui.failure import as_affidavit_error
from tui.text import printable_lines

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["exit_code", "failed_answer", "one_screen", "report"]

_MAX_LINES: Final = 14
_KEY_NAMES: Final = ("API_KEY", "PASSPHRASE", "PASSWORD", "SECRET", "TOKEN")
"""How the names of environment variables end that hold one."""
_URL_PASSWORD: Final = re.compile(r"(?<=://)([^\s:/@]*):[^\s@]+@")


def exit_code(error: AffidavitError) -> int:
    """The contract's exit code of an error: 2 usage, 5 refused, 6 failed, 7 audit unavailable."""
    codes: tuple[tuple[type[AffidavitError], int], ...] = (
        (AuditUnavailableError, 7),
        (RefusedError, 5),
        (UsageError, 2),
    )
    return next((code for kind, code in codes if isinstance(error, kind)), 6)


def report(error: BaseException, stream: TextIO | None = None) -> int:
    """Print the error on one screen of `stream` (stderr) and give its exit code.

    With AFFIDAVIT_DEBUG=1 it is the traceback, without the keys and passwords that third parties repeat.
    """
    out = stream or sys.stderr
    known = as_affidavit_error(error)
    if os.environ.get("AFFIDAVIT_DEBUG") == "1":
        out.write(_traceback(error))
        return exit_code(known)
    out.write(one_screen(known, colour=out.isatty() and not os.environ.get("NO_COLOR")) + "\n")
    return exit_code(known)


def one_screen(error: AffidavitError, *, colour: bool = False, width: int | None = None) -> str:
    """What happened and what to do, wrapped, never longer than a screen."""
    columns = min(width or shutil.get_terminal_size().columns, 100)
    mark, name = "✗", error.error_class.value.replace("_", " ")
    head = f"{mark} {name}"
    if colour:
        head = f"\x1b[1;31m{mark}\x1b[0m \x1b[1m{name}\x1b[0m"
    parts = [head, *_wrapped(error.message, columns)]
    if error.hint:
        parts += ["", *_wrapped("What to do: " + error.hint, columns)]
    return "\n".join(parts)


def failed_answer(error: AffidavitError, question: str) -> dict[str, Any]:
    """The one JSON object of `ask --format json` when there was no run to answer with."""
    from agent.run import Answer, RunStatus

    status = RunStatus.REFUSED if isinstance(error, RefusedError) else RunStatus.FAILED
    return Answer(run_id="", status=status, question=question, error=error.to_run_error()).to_json()


def _traceback(error: BaseException) -> str:
    from agent.model.failures import without_keys

    text = "".join(traceback.format_exception(error))
    for key in (value for name, value in os.environ.items() if name.upper().endswith(_KEY_NAMES)):
        text = without_keys(text, key)
    return _URL_PASSWORD.sub(r"\1:(withheld)@", without_keys(text, ""))


def _wrapped(text: str, columns: int) -> list[str]:
    lines: list[str] = []
    for paragraph in printable_lines(text).strip().split("\n"):
        lines += textwrap.wrap(paragraph, columns - 2, initial_indent="  ", subsequent_indent="  ") or [""]
    return lines if len(lines) <= _MAX_LINES else [*lines[: _MAX_LINES - 1], "  …"]
