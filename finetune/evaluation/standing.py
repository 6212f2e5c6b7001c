"""What a workspace is today, beside what a report was made of: a threshold is worth something only where both are one.

A report is a file that can be copied, and a workspace goes on after it was evaluated. Here the two are compared without
starting a model or opening the warehouse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agent.errors import ErrorClass, UsageError
from agent.model.connect import local_model_hash
from agent.settings import Settings
from agent.warehouse.connect import display_url
from agent.warehouse.policy import load_policy
from finetune.evaluation.attempts import Subject
from memory.semantics import load_semantics
from memory.sync import CATALOG_NAME, load_catalog

__all__ = ["Standing", "differences", "standing_of"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether a report speaks of the workspace as it is now."""

    warehouse: str
    """The warehouse's URL without its password."""
    catalog_fingerprint: str
    semantics_fingerprint: str
    model_hash: str
    """Empty where the model's file is not on this machine."""
    min_confidence: float
    """The threshold in force."""


def standing_of(settings: Settings) -> Standing:
    """What the workspace is today, by its own files.

    Raises:
        UsageError: the workspace was never synced, the warehouse's URL cannot be read, or its adapter is not known.
        SemanticsError, CatalogError: metrics.yaml or the catalog cannot be used.
    """
    if not (settings.state_dir / CATALOG_NAME).is_file():
        raise UsageError(
            ErrorClass.WORKSPACE,
            "Nothing was learnt of this workspace's warehouse yet, so no report is about it.",
            "Run `affidavit memory sync`, then `affidavit eval run`.",
        )
    policy = load_policy(settings.workspace / "policy.yaml")
    catalog = load_catalog(settings.state_dir, policy.withheld)
    return Standing(
        warehouse=display_url(settings.warehouse_url),
        catalog_fingerprint=catalog.fingerprint,
        semantics_fingerprint=load_semantics(settings.workspace / "metrics.yaml", catalog).fingerprint,
        model_hash=local_model_hash(settings),
        min_confidence=settings.limits.min_confidence,
    )


def differences(subject: Subject, today: Standing) -> tuple[str, ...]:
    """What a report was made of that the workspace is not any more, or never was; one sentence each."""
    return tuple(_differences(subject, today))


def _differences(subject: Subject, today: Standing) -> Iterator[str]:
    if subject.warehouse != today.warehouse:
        yield f"The report is about another warehouse: {subject.warehouse}; this workspace asks {today.warehouse}."
    if subject.catalog_fingerprint != today.catalog_fingerprint:
        yield "The report was made on other tables or columns than this workspace knows."
    if subject.semantics_fingerprint != today.semantics_fingerprint:
        yield "The report was made with another metrics.yaml."
    if today.model_hash and subject.model_hash != today.model_hash:
        yield f"The report is about another model ({subject.model}) than this workspace serves."
    if subject.min_confidence not in (None, today.min_confidence):
        yield f"When it was made, the threshold was {subject.min_confidence:g}; it is {today.min_confidence:g} now."
