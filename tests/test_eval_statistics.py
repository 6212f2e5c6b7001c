"""Intervals and tests against published values and by their defining properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.evaluation.statistics import cohens_kappa, mcnemar_exact, percentile, proportion


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_the_published_ones(count: int, total: int, low: float, high: float) -> None:
    found = proportion(count, total)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


def test_nothing_observed_says_nothing() -> None:
    assert (proportion(0, 0).low, proportion(0, 0).high) == (0.0, 1.0)


@pytest.mark.parametrize(("count", "total"), [(-1, 3), (4, 3)])
def test_an_impossible_count_is_refused(count: int, total: int) -> None:
    with pytest.raises(ValueError, match="not a count"):
        proportion(count, total)


@given(st.integers(0, 500), st.integers(0, 500))
def test_an_interval_holds_its_share_and_mirrors(right: int, wrong: int) -> None:
    found, mirrored = proportion(right, right + wrong), proportion(wrong, right + wrong)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert found.low == pytest.approx(1 - mirrored.high)


def test_mcnemar_is_the_sign_test_of_the_discordant_pairs() -> None:
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(5, 0) == pytest.approx(2 / 32)
    assert mcnemar_exact(1, 9) == pytest.approx(2 * 11 / 1024)
    assert mcnemar_exact(7, 7) == 1.0


@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemar_is_a_symmetric_probability(first: int, second: int) -> None:
    assert 0.0 < mcnemar_exact(first, second) <= 1.0
    assert mcnemar_exact(first, second) == mcnemar_exact(second, first)


def test_percentiles_interpolate() -> None:
    assert percentile([], 0.5) == 0.0
    assert percentile([7.0], 0.95) == 7.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert percentile([float(i) for i in range(101)], 0.95) == 95.0


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_is_within_the_sample(values: list[float], share: float) -> None:
    assert min(values) <= percentile(values, share) <= max(values)


def test_kappa_is_agreement_beyond_chance() -> None:
    assert cohens_kappa(20, 5, 10, 15) == pytest.approx(0.4), "the textbook example: 0.7 observed, 0.5 by chance"
    assert cohens_kappa(10, 0, 0, 10) == 1.0
    assert cohens_kappa(25, 25, 25, 25) == 0.0
    assert cohens_kappa(12, 0, 0, 0) is None, "who always says yes agrees by chance alone"
    assert cohens_kappa(0, 0, 0, 0) is None


@given(*[st.integers(0, 50)] * 4)
def test_kappa_does_not_depend_on_who_is_first_or_what_is_called_yes(a: int, b: int, c: int, d: int) -> None:
    found = cohens_kappa(a, b, c, d)
    for other in (cohens_kappa(a, c, b, d), cohens_kappa(d, c, b, a)):
        assert other == (None if found is None else pytest.approx(found))
    assert found is None or -1.0 <= found <= 1.0
