"""What a confidence is worth: the risk-coverage curve, calibration, and the threshold proposed from them."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures_eval import SUBJECT, write_pack
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import UsageError
from finetune.evaluation.attempts import Attempt, EvalReport
from finetune.evaluation.calibration import calibration_of, propose
from finetune.evaluation.pack import PackQuestion, pack_hash
from finetune.evaluation.selective import risk_curve
from finetune.evaluation.standing import Standing, differences


def shown(name: str, confidence: float, right: bool) -> Attempt:
    return Attempt(name, "agent", "answered", right, "", confidence=confidence)


def withheld(name: str, confidence: float, right: bool | None, why: str = "low_confidence") -> Attempt:
    return Attempt(name, "agent", "abstained", False, "", confidence=confidence, error_class=why, withheld_right=right)


FIVE = (
    shown("a", 0.99, True),
    shown("b", 0.9, False),
    shown("c", 0.99, True),
    withheld("d", 0.6, True),
    withheld("e", 0.0, None, "no_sql"),
)


def test_the_curve_goes_from_the_strictest_threshold_to_the_widest() -> None:
    points = risk_curve(FIVE).points
    assert [(p.coverage.count, p.coverage.total, p.risk.count) for p in points] == [(2, 5, 0), (3, 5, 1), (4, 5, 1)]
    assert [p.least_confidence for p in points] == [0.99, 0.9, 0.6]
    assert 0.9 < points[0].threshold < 0.99
    assert 0.6 < points[1].threshold < 0.9
    assert points[2].threshold < 0.6


def test_a_draft_that_a_check_withheld_is_shown_at_no_threshold() -> None:
    curve = risk_curve((shown("a", 0.9, True), withheld("b", 0.25, False, "check_failed")))
    assert [point.coverage.count for point in curve.points] == [1]
    assert calibration_of((withheld("b", 0.25, False, "check_failed"),)).drafts == 1


def test_the_area_is_the_mean_risk() -> None:
    # risks of 1, 2, 3 and 4 shown: 0, 0, 1/3, 1/4
    assert risk_curve(FIVE).area == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
    assert risk_curve(FIVE).area_if_blind == pytest.approx(1 / 4)
    ordered = [shown(str(i), 0.5 + i / 100, i >= 4) for i in range(8)]
    backwards = [replace(attempt, right=not attempt.right) for attempt in ordered]
    assert risk_curve(ordered).area < risk_curve(ordered).area_if_blind < risk_curve(backwards).area


def test_a_confidence_that_tells_nothing_has_the_blind_area() -> None:
    same = [shown(str(i), 0.7, i % 4 != 0) for i in range(20)]
    assert risk_curve(same).area == pytest.approx(risk_curve(same).area_if_blind)


def test_nothing_judged_gives_an_empty_curve() -> None:
    curve = risk_curve((withheld("e", 0.0, None, "no_sql"),))
    assert (curve.points, curve.area) == ((), 0.0)
    assert curve.widest_within(1.0) is None
    assert calibration_of(()).bins == ()


@given(st.lists(st.tuples(st.integers(0, 10_000), st.booleans()), min_size=1, max_size=40))
def test_every_threshold_shows_what_its_point_says(drafts: list[tuple[int, bool]]) -> None:
    """Confidences are kept to four decimals; whatever they are, `confidence >= threshold` must agree."""
    attempts = [shown(str(i), confidence / 10_000, right) for i, (confidence, right) in enumerate(drafts)]
    for point in risk_curve(attempts).points:
        above = [attempt for attempt in attempts if attempt.confidence >= point.threshold]
        assert len(above) == point.coverage.count
        assert sum(not attempt.right for attempt in above) == point.risk.count


def test_the_widest_point_within_a_risk() -> None:
    drafts = [shown(f"s{i}", 0.99, True) for i in range(60)]
    drafts += [shown(f"t{i}", 0.9, i != 0) for i in range(20)] + [shown(f"u{i}", 0.7, i > 9) for i in range(20)]
    curve = risk_curve(drafts)
    point = curve.widest_within(0.04)
    assert point is not None
    assert (point.coverage.count, point.risk.count) == (80, 1)
    assert curve.widest_within(0.04, surely=True) is None, "one of 80 may be 6.7 %"
    sure = curve.widest_within(0.07, surely=True)
    assert sure is not None
    assert sure.coverage.count == 80
    assert curve.at(0.8) == point
    assert curve.at(0.999) is None


def test_calibration_of_drafts_known_to_be_calibrated() -> None:
    calibrated = [shown(f"a{i}", 0.75, i % 4 != 0) for i in range(40)] + [
        shown(f"b{i}", 0.25, i % 4 == 0) for i in range(40)
    ]
    found = calibration_of(calibrated)
    assert found.expected_error == pytest.approx(0.0)
    assert found.brier == pytest.approx(0.75 * 0.25)
    assert [(b.low, b.right.count, b.right.total) for b in found.bins] == [(0.2, 10, 40), (0.7, 30, 40)]


def test_calibration_error_weighs_bins_by_their_drafts() -> None:
    drafts = [shown(f"a{i}", 0.95, i < 2) for i in range(3)] + [shown("b", 0.45, False), shown("c", 1.0, True)]
    found = calibration_of(drafts)
    top = (3 * 0.95 + 1.0) / 4
    assert found.bins[-1].mean_confidence == pytest.approx(top), "1.0 belongs to the last bin"
    assert found.expected_error == pytest.approx((4 * abs(top - 0.75) + 0.45) / 5)


# --- proposing a threshold -----------------------------------------------------------------------------------


TODAY = Standing(SUBJECT.warehouse, SUBJECT.catalog_fingerprint, SUBJECT.semantics_fingerprint, SUBJECT.model_hash, 0.5)


def report_of(attempts: list[Attempt]) -> EvalReport:
    pack = tuple(PackQuestion(a.id, f"Question {a.id}?", "SELECT 1") for a in attempts)
    subject = replace(SUBJECT, min_confidence=0.5)
    return EvalReport(subject, pack, tuple(attempts), pack_hash(pack), "", "then", "now")


def drafts(count: int, seed: int = 5) -> list[Attempt]:
    drawn = random.Random(seed)
    made = []
    for i in range(count):
        confidence = round(drawn.uniform(0.3, 1.0), 4)
        made.append(shown(f"q{i}", confidence, drawn.random() < confidence**0.3))
    return made


def test_a_proposal_says_what_it_rests_on() -> None:
    report = report_of(drafts(200))
    found = propose(report, 0.1, TODAY)
    assert found.point is not None
    assert found.point.risk.value <= 0.1
    assert found.current is not None
    assert found.current.coverage.count == sum(attempt.confidence >= 0.5 for attempt in report.attempts)
    assert any("measure it on the baseline" in warning for warning in found.warnings)
    assert not any("Only" in warning for warning in found.warnings)
    assert propose(report, 0.0001, TODAY, surely=True).point is None


def test_now_is_the_threshold_of_the_workspace_not_of_the_report() -> None:
    report = report_of(drafts(200))
    found = propose(report, 0.1, replace(TODAY, min_confidence=0.8))
    assert found.current_threshold == 0.8
    assert found.current is not None
    assert found.current.coverage.count == sum(attempt.confidence >= 0.8 for attempt in report.attempts)
    assert found.warnings[0] == "When it was made, the threshold was 0.5; it is 0.8 now."


def test_what_a_report_was_made_of_is_held_against_the_workspace() -> None:
    subject = replace(SUBJECT, min_confidence=0.5)
    assert differences(subject, TODAY) == ()
    assert differences(subject, replace(TODAY, model_hash="")) == (), "a model that is not here says nothing"
    for field, part in (
        ("warehouse", "another warehouse: sqlite:///shop.sqlite; this workspace asks other"),
        ("catalog_fingerprint", "other tables or columns"),
        ("semantics_fingerprint", "another metrics.yaml"),
        ("model_hash", "another model (scripted)"),
    ):
        (said,) = differences(subject, replace(TODAY, **{field: "other"}))
        assert part in said
        assert propose(report_of(drafts(9)), 0.1, replace(TODAY, **{field: "other"})).warnings[0] == said


def test_a_proposal_from_few_drafts_is_said_to_be_a_guess() -> None:
    warnings = propose(report_of(drafts(12)), 0.1, TODAY).warnings
    assert any(warning.startswith("Only 12 drafts") for warning in warnings)
    assert any("interval reaches" in warning for warning in warnings)


def test_the_pack_that_measures_is_not_tuned_on(tmp_path: Path) -> None:
    report = report_of(drafts(40))
    asked = [replace(question, question=question.question.lower().rstrip("?")) for question in report.questions]
    baseline = write_pack(tmp_path / "baseline.jsonl", tuple(asked[:21]))
    with pytest.raises(UsageError, match=r"21 of the report's 40 questions are in baseline\.jsonl"):
        propose(report, 0.1, TODAY, baseline=baseline)
    assert propose(report, 0.1, TODAY, baseline=tmp_path / "none.jsonl") == propose(report, 0.1, TODAY)


def test_a_question_of_the_baseline_has_no_say(tmp_path: Path) -> None:
    report = report_of([shown("a", 0.9, True), shown("b", 0.8, False), shown("c", 0.7, True)])
    baseline = write_pack(tmp_path / "baseline.jsonl", (report.questions[1],))
    found = propose(report, 0.1, TODAY, baseline=baseline)
    assert found.point is not None
    assert (found.point.coverage.count, found.point.risk.count) == (2, 0)
    assert found.warnings[0].startswith("1 of its questions are in the baseline")


def test_a_report_that_says_nothing_of_the_agent_gives_no_threshold() -> None:
    with pytest.raises(UsageError, match="nothing of the agent"):
        propose(report_of([replace(shown("a", 0.9, True), mode="direct")]), 0.1, TODAY)
    with pytest.raises(UsageError, match="no draft"):
        propose(report_of([withheld("a", 0.0, None, "no_sql")]), 0.1, TODAY)


def test_reports_from_before_these_fields_are_read() -> None:
    content = json.loads(json.dumps(report_of(drafts(3)).to_json()))
    for key in ("repeat", "elsewhere", "told_apart", "judge"):
        del content[key]
    del content["subject"]["min_confidence"]
    for attempt in content["attempts"]:
        for key in ("repetition", "elsewhere", "opinion"):
            del attempt[key]
    found = EvalReport.from_json(content)
    assert found.repeat == 1
    assert found.of_mode("agent") == report_of(drafts(3)).of_mode("agent")
    assert propose(found, 1.0, TODAY).current_threshold == 0.5
