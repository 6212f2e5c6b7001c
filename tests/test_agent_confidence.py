"""The formula of confidence, and what its inputs are allowed to do to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.confidence import Evidence, agreement, confidence_of
from agent.run import Draft, Finding

MODEL = Draft("SELECT 1", "model", "m", 0.9)
SIGNED = Draft("SELECT 1", "verified_query", confidence=1.0, basis="run")
ERROR, WARNING, INFO = (Finding("c", severity, "m") for severity in ("error", "warning", "info"))

probability = st.floats(0.001, 1.0)
findings = st.lists(st.sampled_from([ERROR, WARNING, INFO]), max_size=5)


@given(probability, st.none() | probability, findings, st.integers(0, 3), st.sampled_from(["model", "verified_query"]))
def test_it_is_a_probability_and_bad_news_never_raises_it(p, a, found, repairs, origin) -> None:
    draft = Draft("SELECT 1", origin, "m", p)
    value = confidence_of(Evidence(draft, a, found, repairs))
    assert 0.0 <= value <= 1.0
    assert confidence_of(Evidence(draft, a, [*found, WARNING], repairs)) < value
    assert confidence_of(Evidence(draft, a, found, repairs + 1)) < value
    assert confidence_of(Evidence(draft, a, [*found, INFO], repairs)) == value


@given(probability, probability, probability)
def test_more_agreement_never_lowers_it(p: float, first: float, second: float) -> None:
    low, high = sorted((first, second))
    draft = Draft("SELECT 1", "model", "m", p)
    assert confidence_of(Evidence(draft, low)) <= confidence_of(Evidence(draft, high)) + 1e-12


def test_the_figures_of_the_formula() -> None:
    assert confidence_of(Evidence(MODEL, 1.0)) == pytest.approx(0.9**0.4)
    assert confidence_of(Evidence(MODEL, 2 / 3)) == pytest.approx((2 / 3) ** 0.6 * 0.9**0.4)
    assert confidence_of(Evidence(MODEL, None)) == pytest.approx(0.9)
    assert confidence_of(Evidence(Draft("s", "model"), 2 / 3)) == pytest.approx(2 / 3)
    assert confidence_of(Evidence(Draft("s", "model"), None)) == 0.5
    assert confidence_of(Evidence(SIGNED, None)) == 1.0
    assert confidence_of(Evidence(MODEL, 1.0, [ERROR])) == pytest.approx(0.3 * 0.9**0.4)
    assert confidence_of(Evidence(SIGNED, None, [WARNING])) == pytest.approx(0.8)


def test_agreement_of_three_sure_drafts_stands_out_and_an_error_outweighs_it() -> None:
    sure = Draft("SELECT 1", "model", "m", 0.985)
    assert [round(confidence_of(Evidence(sure, n / 3)), 2) for n in (3, 2, 1)] == [0.99, 0.78, 0.51]
    assert confidence_of(Evidence(sure, 1.0, [ERROR])) < 0.3


def test_drafts_of_one_round_vote_together_and_failures_disagree() -> None:
    drafts = (
        MODEL,
        MODEL,
        MODEL,
        Draft("SELECT 2", "mend", basis="dialect"),
        Draft("SELECT 3", "model", basis="repair:x"),
    )
    votes = ((0, "f"), (1, "f"), (2, ""), (3, "g"), (4, "f"))
    assert agreement(drafts, votes, 0) == pytest.approx(2 / 3)
    assert agreement(drafts, votes, 2) is None
    assert agreement(drafts, votes, 3) is None
    assert agreement(drafts, votes, 4) is None
    assert agreement(drafts, (), 0) is None


def test_a_compiled_draft_and_the_models_vote_together() -> None:
    drafts = (Draft("SELECT 1", "compiled", confidence=1.0), MODEL)
    assert agreement(drafts, ((0, "f"), (1, "f")), 0) == 1.0
    assert agreement(drafts, ((0, "f"), (1, "g")), 0) == agreement(drafts, ((0, "f"), (1, "g")), 1) == 0.5
