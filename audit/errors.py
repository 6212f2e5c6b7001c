"""Every way the record can refuse, in one tree, so that a caller can wrap this room without reading it.

    AuditError                      a plain sentence, and a hint what to do
    ├── LedgerUnavailable           the ledger cannot be written or read: nothing was written, show no answer
    │   ├── LedgerMissing           there is none where it should be, and it may not be made
    │   └── NoCheckpoint            what was named holds no signed head that can be read
    ├── SealError                   a body has no canonical bytes, or stored bytes are not what they claim to be
    ├── RecordRefusedError          the ledger is fine, this record may not enter it
    ├── IdentityError               a key is missing, readable by others, malformed or not enrolled
    │   └── PassphraseError         a key needs a passphrase, or another one
    ├── RunNotFoundError            no run has this id
    ├── RecordNotFoundError         no record has this number, so nothing can be proved of it
    ├── AmbiguousRunError           several runs begin with this id
    ├── CustodyError                a ledger's database cannot be given to these roles, or made at this address
    └── ReviewError                 a decision that the rules do not allow, or whose signature does not hold
        └── RevokedReliance         to accept what relied on a revoked review takes a person who insists

Database exceptions are wrapped in `audit.engine`; none of them leaves this room.
"""

from __future__ import annotations

__all__ = [
    "AmbiguousRunError",
    "AuditError",
    "CustodyError",
    "IdentityError",
    "LedgerMissing",
    "LedgerUnavailable",
    "NoCheckpoint",
    "PassphraseError",
    "RecordNotFoundError",
    "RecordRefusedError",
    "ReviewError",
    "RevokedReliance",
    "RunNotFoundError",
    "SealError",
]


class AuditError(Exception):
    """Base of this room's errors: `message` says what happened, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class LedgerUnavailable(AuditError):  # noqa: N818  (a state the product names, not a mistake of the caller)
    """The ledger cannot be written or read; whatever was under way was rolled back."""


class LedgerMissing(LedgerUnavailable):
    """There is no ledger where it should be, and whoever opened it did not allow a new one."""


class NoCheckpoint(LedgerUnavailable):
    """What somebody named as kept elsewhere is not there, or holds no signed head that can be read."""


class SealError(AuditError):
    """A value has no canonical form, or stored bytes are not a record."""


class RecordRefusedError(AuditError):
    """The ledger works, but this record breaks a rule of it."""


class IdentityError(AuditError):
    """A key or its enrolment is missing, unsafe or malformed."""


class PassphraseError(IdentityError):
    """A key is protected by a passphrase, and there was none, a wrong one, or one too short to protect anything."""


class RunNotFoundError(AuditError):
    """No run on the ledger has this id."""


class RecordNotFoundError(AuditError):
    """The ledger has no record of this number, or never had so many."""


class AmbiguousRunError(AuditError):
    """An id prefix fits several runs; `candidates` holds the first of them."""

    def __init__(self, message: str, hint: str, candidates: tuple[str, ...]) -> None:
        super().__init__(message, hint)
        self.candidates = candidates


class CustodyError(AuditError):
    """Roles, or an address, as which no ledger can be made; whoever named them names others."""


class ReviewError(AuditError):
    """A decision the rules do not allow, or a signature that does not hold."""


class RevokedReliance(ReviewError):  # noqa: N818  (a state the product names, not a mistake of the caller)
    """The run relied on a review that was revoked, and its reviewer did not insist, or not say why."""
