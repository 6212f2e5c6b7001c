"""Every check of a workspace, one after another; whatever one of them meets, the next is made.

Nothing is written, neither to the workspace nor to the ledger: whoever asks what is wrong must find it as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import structlog

from agent.doctor.custody import check_custody
from agent.doctor.database import check_privileges, check_statistics
from agent.doctor.diagnosis import Diagnosis, Severity
from agent.doctor.identities import check_identities
from agent.doctor.meanings import check_metrics, check_names, check_policy
from agent.doctor.models import check_fallbacks, check_model
from agent.doctor.parts import Parts, UntriedError
from agent.doctor.reach import check_checkpoints, check_index, check_ledger, check_warehouse
from agent.doctor.revoked import check_revoked
from agent.doctor.scans import check_scans
from agent.doctor.tables import check_joins, check_keys, check_sync
from agent.errors import AffidavitError
from agent.settings import Settings

__all__ = ["CHECKS", "Explain", "examine"]

Explain = Callable[[BaseException], AffidavitError]
"""Gives any room's exception its message and hint."""
Check = Callable[[Parts], Iterable[Diagnosis]]

CHECKS: Final[dict[str, Check]] = {
    "warehouse": check_warehouse,
    "ledger": check_ledger,
    "checkpoints": check_checkpoints,
    "identities": check_identities,
    "custody": check_custody,
    "model": check_model,
    "fallbacks": check_fallbacks,
    "index": check_index,
    "sync": check_sync,
    "metrics": check_metrics,
    "names": check_names,
    "policy": check_policy,
    "joins": check_joins,
    "keys": check_keys,
    "statistics": check_statistics,
    "privileges": check_privileges,
    "scans": check_scans,
    "revoked": check_revoked,
}
"""In this order: the check named after a part that others need, too, is the one that opens it and tells its failure."""

_LEADS_TO: Final = {
    "warehouse": "No question can be answered.",
    "ledger": "Nothing is shown that cannot be put on the record, so no question is answered.",
    "checkpoints": "What the ledger lacks cannot be told.",
    "identities": "Nobody can sign.",
    "model": "Only what is compiled or recalled without a model is answered.",
    "index": "Nothing known can be looked up, so no question is answered.",
    "sync": "What memory knows cannot be compared with the warehouse.",
    "metrics": "No question is answered before the file can be read.",
    "policy": "No question is answered before the file can be read.",
}
"""What a part's failure means to whoever asks."""
_UNKNOWN: Final = "Whether all is well there is not known."
_BESIDE: Final = frozenset({"custody", "statistics", "privileges", "scans", "revoked"})
"""Checks of what answers do not depend on: a database that will not say is no error."""

_log = structlog.get_logger(__name__)


def examine(settings: Settings, explain: Explain) -> Iterator[Diagnosis]:
    """What each check found, as it is found. Nothing is raised; a check that cannot be made says why."""
    with Parts(settings) as parts:
        for name, check in CHECKS.items():
            yield from _made(name, check, parts, explain)


def _made(name: str, check: Check, parts: Parts, explain: Explain) -> Iterator[Diagnosis]:
    try:
        yield from check(parts)
    except UntriedError as untried:
        yield Diagnosis(name, "warning", untried.message, _UNKNOWN, untried.hint)
    except Exception as error:  # noqa: BLE001 (the point of the command is to tell every failure and go on)
        _log.info("doctor.check_failed", check=name, error=type(error).__name__)
        known = explain(error)
        severity: Severity = "warning" if name in _BESIDE else "error"
        yield Diagnosis(name, severity, known.message, _LEADS_TO.get(name, _UNKNOWN), known.hint)
