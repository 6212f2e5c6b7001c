"""What a failure means to a person, whichever room it came from.

The rooms below raise their own exceptions (memory, audit and demo know nothing of the agent's tree); here they get
their class and a hint. The commands and the screens both read this; only the commands choose exit codes.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

from agent.errors import AffidavitError, AuditUnavailableError, ErrorClass, FailedError, RefusedError, UsageError

__all__ = ["FOREIGN", "Foreign", "as_affidavit_error"]


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
        "Nothing is shown without a record. Check the ledger's database (`ledger.url` in affidavit.toml).",
    ),
    Foreign(
        "audit.errors",
        "CustodyError",
        UsageError,
        ErrorClass.SETTINGS,
        "See `affidavit audit init --help`.",
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
        "RecordNotFoundError",
        UsageError,
        ErrorClass.REVIEW,
        "`affidavit audit verify` says how many records there are.",
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
        "`affidavit identity list` shows who is enrolled here, and whose keys are here.",
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
        "memory.compiler.query",
        "CannotCompile",
        UsageError,
        ErrorClass.SEMANTICS,
        "Mend the metric or dimension in metrics.yaml, then run `affidavit memory sync`.",
    ),
    Foreign(
        "memory.errors",
        "MemoryFailure",
        FailedError,
        ErrorClass.MEMORY_UNAVAILABLE,
        "Check that .affidavit can be written, or `memory.url`; `affidavit memory sync --full` rebuilds the index.",
    ),
    Foreign(
        "finetune.pairs.templates",
        "TemplateError",
        UsageError,
        ErrorClass.SEMANTICS,
        "Mend that line of templates.yaml, or of the file it includes.",
    ),
    Foreign(
        "finetune.datasets.splits",
        "LeakError",
        UsageError,
        ErrorClass.WORKSPACE,
        "Make other pairs with `affidavit pairs generate --seed N`; nothing was written.",
    ),
    Foreign(
        "finetune.datasets.formats",
        "FormatError",
        UsageError,
        ErrorClass.WORKSPACE,
        "Choose another --format, or leave that run out by revoking its review.",
    ),
    Foreign(
        "demo.errors",
        "WarehouseBuildError",
        UsageError,
        ErrorClass.WORKSPACE,
        "Name another folder or warehouse.",
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
        ErrorClass.INTERNAL,
        f"Something inside Affidavit went wrong: {type(error).__name__}: {_message(error)}",
        "Run the same command with AFFIDAVIT_DEBUG=1 to see where, and please report it.",
    )


def _message(error: BaseException) -> str:
    """The sentence without its hint, where the exception keeps the two apart."""
    if hasattr(error, "hint") and hasattr(error, "message"):
        return str(error.message)
    return str(error) or type(error).__name__
