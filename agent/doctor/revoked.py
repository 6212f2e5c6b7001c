"""Was anything that is in use learnt from a review that was revoked?"""

from __future__ import annotations

from collections.abc import Iterator

from agent.doctor.diagnosis import Diagnosis, and_list
from agent.doctor.parts import Parts
from agent.model.adapters import read_registry
from agent.model.lineage import models_on_revoked

__all__ = ["check_revoked"]


def check_revoked(parts: Parts) -> Iterator[Diagnosis]:
    """Name the adapters that learnt from revoked runs; the one that is served first."""
    state_dir = parts.settings.state_dir
    tainted = models_on_revoked(parts.ledger(), state_dir)
    if not tainted:
        yield Diagnosis("revoked", "ok", "No adapter learnt from a review that was revoked.")
        return
    served = read_registry(state_dir).current
    in_use = served is not None and served.name in tainted
    names = sorted(tainted, key=lambda name: (not (in_use and served is not None and name == served.name), name))
    runs = sorted({run_id for each in tainted.values() for run_id in each})
    yield Diagnosis(
        "revoked",
        "warning",
        f"{and_list([f'`{name}`' for name in names])} learnt from reviews that were revoked ({', '.join(runs)})."
        + (f" `{served.name}` is served." if in_use and served is not None else ""),
        "What it drafts may repeat what nobody vouches for any more; such runs are marked in `affidavit runs list`.",
        "Train anew (`affidavit train lora`), which leaves them out, evaluate and promote that.",
    )
