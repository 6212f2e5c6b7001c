"""How sure an answer is, in one number and by one formula; nothing else in the product makes confidences up.

Confidence is odds / (1 + odds), and the odds begin with where the draft comes from:

    a verified query, which a person vouched for            200 : 1
    compiled from the semantic layer, and the model agrees   99 : 1     no model was asked    19 : 1
                                                                        the model's rows differ     6 : 1
    compiled, but for words that are left out                49 : 1  x  exp(-6 d), no model could be asked 2 : 1
    drafted by the model                                     20 : 1  x  exp(-1.2 s)  x  exp(-3.6 d)

    s   how much the model hesitated over the statement: minus the logarithm of the probability of all its tokens
        together, at most 1.5; 0.5 when the provider does not tell. The whole statement counts, not the mean token:
        a long one has more places to go wrong in, and one doubtful word spoils it.
    d   the share of this round's drafts whose rows differ from the answer's, or that failed or were refused; where
        there was only one, 1/6, and 0 if it was so sure that no others were asked for (`SURE`). One in three divides
        the odds by 3.3, two in three by 11.

What was found and mended lowers them:

    : 2 for each warning,   : 2 for each repair,   : 500 for each error, so that no threshold shows it.

The weights of a model's draft come from 160 questions of two packs that are not the baseline and that no template had
been written for, answered by the demo's adapter: a logistic regression of right and wrong on s, d and the warnings
over the 107 drafts that no check withholds (86 right), rounded, without the cap on s. The odds of compiled and
verified queries and the weights of repairs and errors are choices: there were too few of them to fit. In five-fold
cross-validation the area under the risk-coverage curve is 0.03 of 0.17 for a confidence that tells nothing, and the
calibration error 0.05 to 0.09; a weighted geometric mean of agreement and mean token probability, which this
replaces, had 0.155 of 0.305 and 0.22. That flatters it, since the checks were written with these questions in view.
On 80 questions of a third pack, looked at once and by nothing tuned, the area is 0.09 of 0.28 (before: 0.165 of
0.31), the calibration error 0.12 (0.22), and a threshold that keeps to 4 % wrong shows half of all (a fifth). There
the default, 0.75, lies where a fifth of what is shown is wrong, as before; 0.916 shows half of them, one wrong of 40.
`affidavit eval calibrate` chooses for a pack of one's own. A model that was not trained to write SQL in one way
hesitates over wording that does not matter: the cap on s keeps it answering, barely, where its drafts agree.
Agreement of samples as evidence: Wang et al., "Self-Consistency Improves Chain of Thought Reasoning", 2023.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.run import Draft, Finding

__all__ = ["SURE", "Evidence", "agreement", "confidence_of"]

SURE = 0.998
"""Geometric mean of a draft's token probabilities from which sampled drafts would only say the same. Of 208 questions
the embedded model drafted for, 44 were as sure: every sample was the same statement, and 43 were right."""

_VERIFIED = 200.0
_COMPILED_AGREED, _COMPILED_ALONE, _COMPILED_DISPUTED = 99.0, 19.0, 6.0
_NEARLY_AGREED, _NEARLY_ALONE, _NEARLY_DISSENT_WEIGHT = 49.0, 2.0, 6.0
_DRAFTED = 20.0
_HESITATION_WEIGHT, _MOST_HESITATION, _USUAL_HESITATION = 1.2, 1.5, 0.5
_DISSENT_WEIGHT, _USUAL_DISSENT = 3.6, 1 / 6
_DIVISORS = {"error": 500.0, "warning": 2.0, "info": 1.0}
_REPAIR_DIVISOR = 2.0
_UNKNOWN = 1.0
"""The odds when there is neither a vote nor a probability: nothing speaks for the draft or against it."""
_CHARS_PER_TOKEN = 3
"""Of SQL, for a draft whose tokens were not counted."""


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
    odds = _odds_of_origin(evidence)
    for finding in evidence.findings:
        odds /= _DIVISORS[finding.severity]
    odds /= _REPAIR_DIVISOR**evidence.repairs
    return odds / (1 + odds)


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


def _odds_of_origin(evidence: Evidence) -> float:
    if evidence.draft.origin == "verified_query":
        return _VERIFIED
    if evidence.draft.origin == "compiled":
        return _odds_of_compiled(evidence)
    if evidence.agreement is None and evidence.draft.confidence <= 0:
        return _UNKNOWN
    unopposed = 0.0 if evidence.draft.confidence >= SURE else _USUAL_DISSENT
    dissent = unopposed if evidence.agreement is None else 1 - evidence.agreement
    return _DRAFTED * math.exp(-_HESITATION_WEIGHT * _hesitation(evidence.draft) - _DISSENT_WEIGHT * dissent)


def _odds_of_compiled(evidence: Evidence) -> float:
    agreed = evidence.agreement
    if evidence.draft.left_out:
        return _NEARLY_ALONE if agreed is None else _NEARLY_AGREED * math.exp(-_NEARLY_DISSENT_WEIGHT * (1 - agreed))
    if agreed is None:
        return _COMPILED_ALONE
    return _COMPILED_AGREED if agreed == 1 else _COMPILED_DISPUTED


def _hesitation(draft: Draft) -> float:
    """Minus the natural logarithm of the statement's probability, from the mean of its tokens and their number."""
    if draft.confidence <= 0:
        return _USUAL_HESITATION
    tokens = draft.tokens or len(draft.sql) / _CHARS_PER_TOKEN
    return min(_MOST_HESITATION, -math.log(min(1.0, draft.confidence)) * tokens)
