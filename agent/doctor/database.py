"""Is the database itself in order for us: its statistics, and an account that cannot write?"""

from __future__ import annotations

import os
from collections.abc import Iterator

from agent.doctor.diagnosis import Diagnosis
from agent.doctor.parts import Parts
from agent.warehouse.privileges import write_rights
from agent.warehouse.statistics import statistics_report

__all__ = ["check_privileges", "check_statistics"]


def check_statistics(parts: Parts) -> Iterator[Diagnosis]:
    """Does the planner know the tables it plans for?"""
    report = statistics_report(parts.warehouse())
    faults = (
        ("Never analysed", report.never),
        ("Not analysed since much of it changed", report.outdated),
        ("Analysed by hand only, and this account is not shown when", report.unseen),
    )
    found = [f"{label}: {', '.join(names)}." for label, names in faults if names]
    for what in found:
        why = "The database plans queries blindly; large ones may be cut off at limits.timeout_s."
        yield Diagnosis("statistics", "warning", what, why, report.remedy)
    if not found:
        yield Diagnosis("statistics", "ok", report.looked_at)


def check_privileges(parts: Parts) -> Iterator[Diagnosis]:
    """May the account write? Affidavit never does; whether it could should not rest on Affidavit alone."""
    warehouse = parts.warehouse()
    rights = write_rights(warehouse)
    required = parts.settings.warehouse.require_read_only
    if rights:
        yield Diagnosis(
            "privileges",
            "error" if required else "warning",
            f"The warehouse's account {'; it '.join(rights)}.",
            "No question is answered, because warehouse.require_read_only is on."
            if required
            else "Affidavit reads in read-only transactions, but only an account that cannot write is safe by itself.",
            "Make an account that may SELECT and nothing else, and name it in [warehouse] url "
            "(docs/how-to/connect-a-database.md).",
        )
    elif warehouse.dialect in {"sqlite", "duckdb"}:
        writable = os.access(warehouse.engine.url.database or "", os.W_OK)
        may = "may be written by this user, but" if writable else "may not be written by this user, and"
        yield Diagnosis("privileges", "ok", f"The file {may} is opened read-only.")
    else:
        yield Diagnosis("privileges", "ok", "The warehouse's account may write nothing.")
