"""How sure an answer is, in one number and by one formula; nothing else in the product makes confidences up.

For a draft of the model, with

    a   the share of this round's drafts whose rows agree with the answer's (a draft that failed or was refused
        disagrees); left out when only one draft was asked for,
    p   the geometric mean of the draft's token probabilities; left out when the provider does not tell,

the evidence is the weighted geometric mean a^0.6 * p^0.4. Independent agreement weighs more, because a model is
often sure and wrong. A draft compiled from the semantic layer starts from 0.99 where the model's draft gave the same
rows, 0.95 where no model could be asked, 0.85 where it gave others. A recalled verified query starts from 1: a person
vouched for it. What follows lowers it:

    x 0.3 for each finding of severity error,  x 0.8 for each warning,  x 0.85 for each repair.

Result in 0..1. With three drafts and token probabilities near 1, as a trained model gives them, p moves little and a
stands out: 3 of 3 agreeing give about 0.99, 2 of 3 about 0.78, and 1 of 3 about 0.51. The usual threshold, 0.8, asks
for all three: on the development pack, answers of two in three were wrong more often than right.
An error puts any answer under 0.3, so what is plainly missing (a negation, a stored value, rows that a LIMIT cut off, a
year nobody spoke of) is withheld however well the drafts agree; a model repeats its mistakes. A repair is asked for
alone, so its draft has no vote and rests on p. The weights are a prior, to be replaced by a calibration on packs that
are not the baseline, here and nowhere else.
Agreement of samples as evidence: Wang et al., "Self-Consistency Improves Chain of Thought Reasoning", 2023.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.run import Draft, Finding

__all__ = ["Evidence", "agreement", "confidence_of"]

_AGREEMENT_WEIGHT = 0.6
_PROBABILITY_WEIGHT = 0.4
_PENALTIES = {"error": 0.3, "warning": 0.8, "info": 1.0}
_REPAIR_PENALTY = 0.85
_COMPILED_AGREED, _COMPILED_ALONE, _COMPILED_DISPUTED = 0.99, 0.95, 0.85
_UNKNOWN = 0.5
"""When there is neither a vote nor a probability, nothing speaks for the draft or against it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about an answer's draft when its confidence is asked for."""

    draft: Draft
    agreement: float | None
    """Share of drafts that agree, 0..1; None when there was no vote."""
    findings: Sequence[Finding] = ()
    repairs: int = 0


def confidence_of(evidence: Evidence) -> float:
    """The confidence of an answer, 0..1, by the formula above."""
    confidence = 1.0 if evidence.draft.origin == "verified_query" else _support(evidence)
    for finding in evidence.findings:
        confidence *= _PENALTIES[finding.severity]
    return confidence * _REPAIR_PENALTY**evidence.repairs


def agreement(drafts: Sequence[Draft], votes: Sequence[tuple[int, str]], current: int) -> float | None:
    """Share of the drafts asked for together with the current one that gave the same rows; None when it was alone.

    `votes` are (index into `drafts`, result fingerprint, "" for one that failed or was refused). A compiled draft and
    the model's are witnesses for each other. Drafts of a repair carry its name as their basis, and are no witnesses for
    or against those before it.
    """
    here = drafts[current]
    cast = {
        index: fingerprint
        for index, fingerprint in votes
        if (_way(drafts[index]), drafts[index].basis) == (_way(here), here.basis)
    }
    mine = cast.get(current, "")
    if len(cast) < 2 or not mine:
        return None
    return sum(1 for fingerprint in cast.values() if fingerprint == mine) / len(cast)


def _way(draft: Draft) -> str:
    return "asked for together" if draft.origin in ("model", "compiled") else draft.origin


def _support(evidence: Evidence) -> float:
    if evidence.draft.origin == "compiled":
        if evidence.agreement is None:
            return _COMPILED_ALONE
        return _COMPILED_AGREED if evidence.agreement == 1 else _COMPILED_DISPUTED
    told = [(evidence.agreement, _AGREEMENT_WEIGHT)] if evidence.agreement is not None else []
    if evidence.draft.confidence > 0:
        told.append((evidence.draft.confidence, _PROBABILITY_WEIGHT))
    if not told:
        return _UNKNOWN
    weight = sum(share for _, share in told)
    return math.exp(sum(share * math.log(value) for value, share in told) / weight)
