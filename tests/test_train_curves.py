"""Curves of a training run: well-formed, inside their frame, and said in words as well."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetune.reports.curves import Curve, curve_chart, smoothed

VALUES = st.lists(st.floats(min_value=0, max_value=1e6, allow_nan=False), min_size=1, max_size=80)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=VALUES, smooth=st.booleans())
def test_any_points_give_a_chart_inside_its_frame(values, smooth):
    curve = Curve("loss", "Loss & <more>", [(step, value) for step, value in enumerate(values, 1)], smooth=smooth)
    svg = ET.fromstring(curve_chart(curve, last_step=len(values), marked=1))
    assert svg.find("title").text == "Loss & <more>"
    assert f"{len(values)} points" in svg.find("desc").text
    _, _, width, height = map(float, svg.get("viewBox").split())
    for path in svg.findall("path"):
        for command in path.get("d").replace("M", "").split(" L"):
            if path.get("class") in {"curve", "raw"}:
                x, y = map(float, command.split())
                assert 0 <= x <= width
                assert 0 <= y <= height


def test_a_smoothed_curve_begins_at_its_first_point_and_follows_a_constant():
    assert smoothed([(1, 8.0)])[0] == (1, pytest.approx(8.0))
    assert [value for _, value in smoothed([(step, 2.0) for step in range(9)])] == pytest.approx([2.0] * 9)
    rising = [value for _, value in smoothed([(step, float(step)) for step in range(20)])]
    assert rising == sorted(rising)
