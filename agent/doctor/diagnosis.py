"""What a check says of a workspace, as one value that a person and a program can both read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["SEVERITIES", "Diagnosis", "Severity", "and_list", "worst"]

Severity = Literal["error", "warning", "ok"]
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "ok")
"""Worst first. An error stops or falsifies answers; a warning may, or costs something."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing a check found: the fault with what to do about it, or that there is none."""

    check: str
    severity: Severity
    what: str
    why: str = ""
    """What it leads to; empty where nothing is wrong."""
    do: str = ""


def worst(found: Iterable[Diagnosis]) -> Severity:
    """The worst severity among them; nothing found is ok."""
    present = {diagnosis.severity for diagnosis in found}
    return next((severity for severity in SEVERITIES if severity in present), "ok")


def and_list(names: Iterable[str]) -> str:
    """`a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
