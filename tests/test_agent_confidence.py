"""The formula of confidence, and what its inputs are allowed to do to it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.confidence import Evidence, agreement, confidence_of
from agent.run import Draft, Finding
from agent.settings import GuardLimits

MODEL = Draft("SELECT 1", "model", "m", 0.9, tokens=4)
SIGNED = Draft("SELECT 1", "verified_query", confidence=1.0, basis="run")
ERROR, WARNING, INFO = (Finding("c", severity, "m") for severity in ("error", "warning", "info"))
ORIGINS = ["model", "verified_query", "compiled", "mend"]
SHOWN = GuardLimits().min_confidence

probability = st.floats(0.001, 1.0)
findings = st.lists(st.sampled_from([ERROR, WARNING, INFO]), max_size=5)


def at_odds(odds: float) -> float:
    return pytest.approx(odds / (1 + odds))


def drafted(probability: float, tokens: int = 10) -> Draft:
    return Draft("SELECT 1", "model", "m", probability, tokens=tokens)


@given(probability, st.none() | probability, findings, st.integers(0, 3), st.sampled_from(ORIGINS))
def test_it_is_a_probability_and_bad_news_never_raises_it(p, a, found, repairs, origin) -> None:
    draft = Draft("SELECT 1", origin, "m", p)
    value = confidence_of(Evidence(draft, a, found, repairs))
    assert 0.0 < value < 1.0
    assert confidence_of(Evidence(draft, a, [*found, WARNING], repairs)) < value
    assert confidence_of(Evidence(draft, a, found, repairs + 1)) < value
    assert confidence_of(Evidence(draft, a, [*found, INFO], repairs)) == value
    assert confidence_of(Evidence(draft, a, [*found, ERROR], repairs)) < 0.3 < SHOWN


@given(probability, probability, probability)
def test_more_agreement_never_lowers_it(p: float, first: float, second: float) -> None:
    low, high = sorted((first, second))
    draft = Draft("SELECT 1", "model", "m", p)
    assert confidence_of(Evidence(draft, low)) <= confidence_of(Evidence(draft, high)) + 1e-12


@given(probability, probability, st.integers(1, 400), st.integers(1, 400))
def test_a_less_probable_or_longer_statement_is_never_surer(first: float, second: float, n: int, m: int) -> None:
    low, high = sorted((first, second))
    short, long = sorted((n, m))
    assert confidence_of(Evidence(drafted(low, n), 1.0)) <= confidence_of(Evidence(drafted(high, n), 1.0))
    assert confidence_of(Evidence(drafted(low, long), 1.0)) <= confidence_of(Evidence(drafted(low, short), 1.0))


@pytest.mark.parametrize(
    ("agreed", "odds"), [(1.0, 49), (0.75, 49 * math.exp(-1.5)), (0.5, 49 * math.exp(-3)), (None, 2)]
)
def test_a_draft_that_leaves_words_out_is_worth_what_agrees_with_it(agreed: float | None, odds: float) -> None:
    nearly = Draft("SELECT 1", "compiled", "semantic layer", 0.8, left_out="raked")
    assert confidence_of(Evidence(nearly, agreed)) == at_odds(odds)


def test_the_figures_of_the_formula() -> None:
    hesitation = -4 * math.log(0.9)
    assert confidence_of(Evidence(MODEL, 1.0)) == at_odds(20 * math.exp(-1.2 * hesitation))
    assert confidence_of(Evidence(MODEL, 2 / 3)) == at_odds(20 * math.exp(-1.2 * hesitation - 1.2))
    assert confidence_of(Evidence(MODEL, None)) == at_odds(20 * math.exp(-1.2 * hesitation - 0.6))
    assert confidence_of(Evidence(Draft("s", "model"), 2 / 3)) == at_odds(20 * math.exp(-0.6 - 1.2))
    assert confidence_of(Evidence(Draft("s", "model"), None)) == 0.5
    assert confidence_of(Evidence(MODEL, 1.0, [ERROR])) == at_odds(20 * math.exp(-1.2 * hesitation) / 500)
    assert confidence_of(Evidence(MODEL, 1.0, [WARNING], 1)) == at_odds(20 * math.exp(-1.2 * hesitation) / 4)
    assert confidence_of(Evidence(SIGNED, None)) == at_odds(200)
    assert confidence_of(Evidence(SIGNED, None, [WARNING])) == at_odds(100)


def test_a_compiled_draft_is_as_sure_as_the_model_beside_it() -> None:
    compiled = Draft("SELECT 1", "compiled", confidence=1.0)
    values = [confidence_of(Evidence(compiled, share)) for share in (1.0, None, 0.5)]
    assert [round(value, 2) for value in values] == [0.99, 0.95, 0.86]
    assert values[-1] > SHOWN > confidence_of(Evidence(compiled, 0.5, [WARNING, WARNING]))


def test_tokens_that_were_not_counted_are_guessed_from_the_length() -> None:
    counted, guessed = drafted(0.99, 20), Draft("S" * 60, "model", "m", 0.99)
    assert confidence_of(Evidence(guessed, 1.0)) == pytest.approx(confidence_of(Evidence(counted, 1.0)))


def test_one_sure_dissent_is_borne_two_are_not_and_hesitation_with_dissent_is_not() -> None:
    sure, hesitant = drafted(0.99), drafted(0.85)
    assert [confidence_of(Evidence(sure, n / 3)) > SHOWN for n in (3, 2, 1)] == [True, True, False]
    assert [confidence_of(Evidence(hesitant, n / 3)) > SHOWN for n in (3, 2, 1)] == [True, False, False]


def test_a_model_that_spreads_its_probability_still_answers_where_its_drafts_agree() -> None:
    assert confidence_of(Evidence(drafted(0.5, 200), 1.0)) > SHOWN


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
