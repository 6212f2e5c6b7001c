"""Do the two files that people write, `metrics.yaml` and `policy.yaml`, still speak of the warehouse that is there?"""

from __future__ import annotations

from collections.abc import Iterator

from agent.doctor.diagnosis import Diagnosis, and_list
from agent.doctor.parts import Parts
from memory.semantics import SemanticLayer, read_semantics

__all__ = ["check_metrics", "check_names", "check_policy"]


def check_metrics(parts: Parts) -> Iterator[Diagnosis]:
    """Do the tables and columns exist that the definitions name? Every misfit is told, not only the first."""
    layer = parts.semantics().layer
    misfits = read_semantics(parts.settings.workspace / "metrics.yaml", parts.structure()).unknown
    for misfit in misfits:
        yield Diagnosis(
            "metrics",
            "error",
            str(misfit),
            "No question is answered while metrics.yaml names what is not there.",
            "Mend that line of metrics.yaml, then run `affidavit memory sync`.",
        )
    if not misfits:
        counts = f"{len(layer.metrics)} metrics, {len(layer.dimensions)} dimensions and {len(layer.entities)} entities"
        yield Diagnosis("metrics", "ok", f"{counts}; every table and column they name is there.")


def check_names(parts: Parts) -> Iterator[Diagnosis]:
    """Is any name or synonym in two places, so that a question which says it can mean either?"""
    reading = parts.semantics()
    for clash in reading.ambiguous:
        yield Diagnosis(
            "names",
            "error",
            str(clash),
            "No question is answered while metrics.yaml gives two things of a kind one name.",
            "Keep the word with one of them.",
        )
    shared = list(_shared_names(reading.layer))
    for metric, dimension, names in shared:
        yield Diagnosis(
            "names",
            "warning",
            f"The metric `{metric}` and the dimension `{dimension}` are both called {and_list(names)}.",
            "A question that says so can mean either.",
            "Keep each word with one of them in metrics.yaml, then run `affidavit memory sync`.",
        )
    if not reading.ambiguous and not shared:
        yield Diagnosis("names", "ok", "No name or synonym means two things.")


def check_policy(parts: Parts) -> Iterator[Diagnosis]:
    """Does every rule of policy.yaml match something? A misspelt `deny` protects nobody."""
    policy = parts.policy()
    unknown = policy.unknown_names(parts.structure())
    if unknown:
        yield Diagnosis(
            "policy",
            "warning",
            f"policy.yaml names {', '.join(f'`{name}`' for name in unknown)}, which nothing in the warehouse matches.",
            "Such a rule has no effect: what was renamed, or is spelt otherwise, is not protected.",
            "Correct it or take it out, then run `affidavit memory sync`.",
        )
        return
    own = "may" if policy.review.allow_self else "may not"
    yield Diagnosis("policy", "ok", f"Every rule matches something; askers {own} review their own runs.")


def _shared_names(layer: SemanticLayer) -> Iterator[tuple[str, str, list[str]]]:
    """(metric id, dimension id, the names they share), in whatever case the two are written."""
    for dimension in layer.dimensions:
        names = {surface.casefold() for surface in dimension.surfaces}
        for metric in layer.metrics:
            shared = names & {surface.casefold() for surface in metric.surfaces}
            if shared:
                yield metric.id, dimension.id, [f"`{name}`" for name in sorted(shared)]
