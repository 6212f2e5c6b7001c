"""The one place where an error becomes an exit code and one screen of text: what happened, and what to do.

The rooms below raise their own exceptions (memory, audit and demo know nothing of the agent's tree); they are
given their class here, at the edge where the person is told.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agent.errors import AffidavitError, AuditUnavailableError, ErrorClass, FailedError, RefusedError, UsageError
from tui.text import printable_lines

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["FOREIGN", "as_affidavit_error", "exit_code", "failed_answer", "one_screen", "report"]

_MAX_LINES: Final = 14


@dataclass(frozen=True, slots=True)
class Foreign:
    """An exception of a room that does not know our tree, and what it means to a person."""

    module: str
    name: str
    kind: type[AffidavitError]
    error_class: ErrorClass
    hint: str


FOREIGN: Final = (
    Foreign(
        "audit.errors",
        "LedgerUnavailable",
        AuditUnavailableError,
        ErrorClass.AUDIT_UNAVAILABLE,
        "Nothing is shown without a record. Check the ledger's database (`ledger.url` in affidavit.toml), then ask again.",
    ),
    Foreign(
        "audit.errors",
        "ReviewError",
        RefusedError,
        ErrorClass.REVIEW,
        "See the run and its reviews with `affidavit runs show RUN`.",
    ),
    Foreign(
        "audit.errors",
        "RunNotFoundError",
        UsageError,
        ErrorClass.REVIEW,
        "`affidavit runs list` shows the runs of this workspace.",
    ),
    Foreign(
        "audit.errors",
        "AmbiguousRunError",
        UsageError,
        ErrorClass.REVIEW,
        "Give more characters of the run's id.",
    ),
    Foreign(
        "audit.errors",
        "IdentityError",
        UsageError,
        ErrorClass.IDENTITY,
        "Make one with `affidavit identity create NAME`; see `affidavit identity list`.",
    ),
    Foreign(
        "audit.errors",
        "AuditError",
        AuditUnavailableError,
        ErrorClass.AUDIT_UNAVAILABLE,
        "Verify the ledger with `affidavit audit verify`.",
    ),
    Foreign(
        "memory.semantics",
        "SemanticsError",
        UsageError,
        ErrorClass.SEMANTICS,
        "Mend that line of metrics.yaml, then run `affidavit memory sync`.",
    ),
    Foreign(
        "memory.store",
        "MemoryUnavailable",
        FailedError,
        ErrorClass.MEMORY_UNAVAILABLE,
        "Check that .affidavit/chroma can be written, or `memory.url`; `affidavit memory sync --full` rebuilds it.",
    ),
    Foreign(
        "sqlalchemy.exc",
        "SQLAlchemyError",
        FailedError,
        ErrorClass.WAREHOUSE_OTHER,
        "Check the database's URL in affidavit.toml and that its server answers; `affidavit doctor` tries each part.",
    ),
)
"""First match wins."""


def as_affidavit_error(error: BaseException) -> AffidavitError:
    """The error as a member of our tree, whatever raised it."""
    if isinstance(error, AffidavitError):
        return error
    for foreign in FOREIGN:
        module = sys.modules.get(foreign.module)  # never imported means it cannot have raised this
        kind = getattr(module, foreign.name, None)
        if kind is not None and isinstance(error, kind):
            return foreign.kind(foreign.error_class, _message(error), getattr(error, "hint", "") or foreign.hint)
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return FailedError(
            ErrorClass.WORKSPACE,
            f"The system said no: {error.strerror or error}{where}.",
            "Check that the path exists, belongs to you and has space left.",
        )
    return FailedError(
        ErrorClass.WORKSPACE,
        f"Affidavit met an error of its own: {type(error).__name__}: {_message(error)}",
        "Nothing was changed by it. Run the same command with AFFIDAVIT_DEBUG=1 to see where, and report it.",
    )


def exit_code(error: AffidavitError) -> int:
    """The contract's exit code of an error: 2 usage, 5 refused, 6 failed, 7 audit unavailable."""
    codes: tuple[tuple[type[AffidavitError], int], ...] = (
        (AuditUnavailableError, 7),
        (RefusedError, 5),
        (UsageError, 2),
    )
    return next((code for kind, code in codes if isinstance(error, kind)), 6)


def report(error: BaseException, stream: TextIO | None = None) -> int:
    """Print the error on one screen of `stream` (stderr) and give its exit code."""
    out = stream or sys.stderr
    known = as_affidavit_error(error)
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


def _message(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _wrapped(text: str, columns: int) -> list[str]:
    lines: list[str] = []
    for paragraph in printable_lines(text).strip().split("\n"):
        lines += textwrap.wrap(paragraph, columns - 2, initial_indent="  ", subsequent_indent="  ") or [""]
    return lines if len(lines) <= _MAX_LINES else [*lines[: _MAX_LINES - 1], "  …"]
