"""Every way a run can go wrong, in one tree, and what happens next for each.

    AffidavitError                  carries an ErrorClass, a message and a hint
    ├── UsageError                  the command line, a file or a setting is wrong        exit 2
    ├── RefusedError                the guard or the policy said no                       exit 5
    ├── FailedError                 a part outside us failed: warehouse, model, index     exit 6
    └── AuditUnavailableError       the ledger cannot be written, so nothing is shown     exit 7

Third-party exceptions are wrapped where they enter (warehouse adapter, model client, stores) with `from`.
Only `tui.cli` turns a class into an exit code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from agent.run import RunError

__all__ = [
    "AffidavitError",
    "AuditUnavailableError",
    "ErrorClass",
    "FailedError",
    "Handling",
    "RefusedError",
    "UsageError",
    "handling",
    "words_of",
]

Actor = Literal["asker", "model", "operator"]
Fallback = Literal["mend", "regenerate", "next_model", "abstain", "stop"]


class ErrorClass(StrEnum):
    """The closed list of error classes. Adding one means adding its `Handling` and its test."""

    # the asker's
    EMPTY_QUESTION = "empty_question"
    QUESTION_TOO_LONG = "question_too_long"
    NOT_ABOUT_DATA = "not_about_data"
    AMBIGUOUS_QUESTION = "ambiguous_question"
    WRITE_REQUESTED = "write_requested"
    COST_NOT_ACCEPTED = "cost_not_accepted"
    # the model's
    NO_SQL = "no_sql"
    SYNTAX = "syntax"
    UNKNOWN_TABLE = "unknown_table"
    UNKNOWN_COLUMN = "unknown_column"
    AMBIGUOUS_COLUMN = "ambiguous_column"
    UNKNOWN_FUNCTION = "unknown_function"
    TYPE_MISMATCH = "type_mismatch"
    GROUPING = "grouping"
    DIVISION_BY_ZERO = "division_by_zero"
    NOT_READ_ONLY = "not_read_only"
    FORBIDDEN_FUNCTION = "forbidden_function"
    FORBIDDEN_OBJECT = "forbidden_object"
    MULTIPLE_STATEMENTS = "multiple_statements"
    TOO_EXPENSIVE = "too_expensive"
    CHECK_FAILED = "check_failed"
    LOW_CONFIDENCE = "low_confidence"
    # the operator's
    WAREHOUSE_URL = "warehouse_url"
    WAREHOUSE_UNREACHABLE = "warehouse_unreachable"
    WAREHOUSE_AUTH = "warehouse_auth"
    WAREHOUSE_PERMISSION = "warehouse_permission"
    WAREHOUSE_WRITABLE = "warehouse_writable"
    WAREHOUSE_TIMEOUT = "warehouse_timeout"
    WAREHOUSE_LOCKED = "warehouse_locked"
    WAREHOUSE_OTHER = "warehouse_other"
    MODEL_MISSING = "model_missing"
    MODEL_CORRUPT = "model_corrupt"
    MODEL_UNREACHABLE = "model_unreachable"
    MODEL_AUTH = "model_auth"
    MODEL_RATE_LIMIT = "model_rate_limit"
    MODEL_TIMEOUT = "model_timeout"
    MODEL_OTHER = "model_other"
    WORKSPACE = "workspace"
    SETTINGS = "settings"
    SEMANTICS = "semantics"
    POLICY = "policy"
    MEMORY_UNAVAILABLE = "memory_unavailable"
    AUDIT_UNAVAILABLE = "audit_unavailable"
    IDENTITY = "identity"
    REVIEW = "review"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Handling:
    """Who must act on a class, and what the run does about it by itself."""

    actor: Actor
    fallback: Fallback
    retryable: bool = False
    """Whether the very same request is sent again, after a pause, before the fallback: to a model a few times, to the
    warehouse once."""

    @property
    def is_repairable(self) -> bool:
        """Whether another draft may do better."""
        return self.fallback in {"mend", "regenerate"}


_MODEL_MENDABLE = Handling("model", "mend")
_MODEL_REGENERATE = Handling("model", "regenerate")
_MODEL_FORBIDDEN = Handling("model", "stop")
_ASKER = Handling("asker", "stop")
_OPERATOR = Handling("operator", "stop")
_OPERATOR_AGAIN = Handling("operator", "stop", retryable=True)
_OPERATOR_PASSING = Handling("operator", "next_model", retryable=True)

_HANDLING: dict[ErrorClass, Handling] = {
    ErrorClass.EMPTY_QUESTION: _ASKER,
    ErrorClass.QUESTION_TOO_LONG: _ASKER,
    ErrorClass.NOT_ABOUT_DATA: _ASKER,
    ErrorClass.AMBIGUOUS_QUESTION: _ASKER,
    ErrorClass.WRITE_REQUESTED: _ASKER,
    ErrorClass.COST_NOT_ACCEPTED: _ASKER,
    ErrorClass.NO_SQL: _MODEL_REGENERATE,
    ErrorClass.SYNTAX: _MODEL_MENDABLE,
    ErrorClass.UNKNOWN_TABLE: _MODEL_MENDABLE,
    ErrorClass.UNKNOWN_COLUMN: _MODEL_MENDABLE,
    ErrorClass.AMBIGUOUS_COLUMN: _MODEL_MENDABLE,
    ErrorClass.UNKNOWN_FUNCTION: _MODEL_MENDABLE,
    ErrorClass.TYPE_MISMATCH: _MODEL_MENDABLE,
    ErrorClass.GROUPING: _MODEL_MENDABLE,
    ErrorClass.DIVISION_BY_ZERO: _MODEL_MENDABLE,
    ErrorClass.NOT_READ_ONLY: _MODEL_FORBIDDEN,
    ErrorClass.FORBIDDEN_FUNCTION: _MODEL_FORBIDDEN,
    ErrorClass.FORBIDDEN_OBJECT: _MODEL_FORBIDDEN,
    ErrorClass.MULTIPLE_STATEMENTS: _MODEL_FORBIDDEN,
    ErrorClass.TOO_EXPENSIVE: _ASKER,  # a cheaper statement answers another question
    ErrorClass.CHECK_FAILED: _MODEL_REGENERATE,
    ErrorClass.LOW_CONFIDENCE: Handling("model", "abstain"),
    ErrorClass.WAREHOUSE_URL: _OPERATOR,
    ErrorClass.WAREHOUSE_UNREACHABLE: _OPERATOR_AGAIN,
    ErrorClass.WAREHOUSE_AUTH: _OPERATOR,
    ErrorClass.WAREHOUSE_PERMISSION: _OPERATOR,
    ErrorClass.WAREHOUSE_WRITABLE: _OPERATOR,
    ErrorClass.WAREHOUSE_TIMEOUT: _MODEL_REGENERATE,
    ErrorClass.WAREHOUSE_LOCKED: _OPERATOR_AGAIN,
    ErrorClass.WAREHOUSE_OTHER: _MODEL_REGENERATE,
    ErrorClass.MODEL_MISSING: _OPERATOR,
    ErrorClass.MODEL_CORRUPT: _OPERATOR,
    ErrorClass.MODEL_UNREACHABLE: _OPERATOR_PASSING,
    ErrorClass.MODEL_AUTH: _OPERATOR,
    ErrorClass.MODEL_RATE_LIMIT: _OPERATOR_PASSING,
    ErrorClass.MODEL_TIMEOUT: _OPERATOR_PASSING,
    ErrorClass.MODEL_OTHER: Handling("operator", "next_model"),
    ErrorClass.WORKSPACE: _OPERATOR,
    ErrorClass.SETTINGS: _OPERATOR,
    ErrorClass.SEMANTICS: _OPERATOR,
    ErrorClass.POLICY: _OPERATOR,
    ErrorClass.MEMORY_UNAVAILABLE: _OPERATOR,
    ErrorClass.AUDIT_UNAVAILABLE: _OPERATOR,
    ErrorClass.IDENTITY: _OPERATOR,
    ErrorClass.REVIEW: _ASKER,
    ErrorClass.INTERRUPTED: _ASKER,
    ErrorClass.INTERNAL: _OPERATOR,
}


def handling(error_class: ErrorClass) -> Handling:
    """What the run does about an error of this class."""
    return _HANDLING[error_class]


def words_of(exc: BaseException) -> str:
    """What an exception says; "" for one whose own words fail."""
    try:
        return str(exc)
    except Exception:  # noqa: BLE001 (the last line of defence: an error must not hide behind another)
        return ""


class AffidavitError(Exception):
    """Base of every error we raise on purpose: what happened, and what to do."""

    def __init__(self, error_class: ErrorClass, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.error_class = error_class
        self.message = message
        self.hint = hint

    def to_run_error(self) -> RunError:
        """The value that goes into the answer and onto the record."""
        return RunError(self.error_class.value, self.message, self.hint)


class UsageError(AffidavitError):
    """The command line, a setting or a workspace file is wrong; the person can mend it."""


class RefusedError(AffidavitError):
    """The guard or the policy does not allow what was asked."""


class FailedError(AffidavitError):
    """A part outside Affidavit failed: the warehouse, the model, the index."""


class AuditUnavailableError(AffidavitError):
    """The ledger cannot be written or read, so no answer may be shown."""
