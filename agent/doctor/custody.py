"""Could the account that writes the ledger also change it?"""

from __future__ import annotations

from collections.abc import Iterator

from agent.doctor.diagnosis import Diagnosis
from agent.doctor.parts import Parts
from audit.custody import custody_faults

__all__ = ["check_custody"]


def check_custody(parts: Parts) -> Iterator[Diagnosis]:
    """Do the triggers stand, and does the ledger's account do no more than read and add?"""
    ledger = parts.ledger()
    faults = custody_faults(ledger)
    in_file = ledger.engine.dialect.name == "sqlite"
    if faults:
        yield Diagnosis(
            "custody",
            "warning",
            " ".join(faults),
            "Records could be changed or deleted; verification finds that only where checkpoints are kept elsewhere.",
            "Have the database's owner run `affidavit audit init`"
            + ("." if in_file else ", and name an account in [ledger] url that is no more than a writer."),
        )
    elif in_file:
        what = "The triggers stand. A file has no accounts: whoever can write it can change it."
        yield Diagnosis("custody", "ok", f"{what} Keep checkpoints elsewhere (ledger.checkpoint_to).")
    else:
        yield Diagnosis("custody", "ok", "The triggers stand, and the ledger's account can only read and add.")
