"""The two charts that say what a confidence is worth, as hand-written SVG like those of `finetune.reports.charts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from finetune.evaluation.calibration import Bin
from finetune.evaluation.figures import ModeFigures, ReportFigures
from finetune.evaluation.selective import WANTED_RISK, RiskPoint
from finetune.reports.charts import svg

__all__ = ["reliability_chart", "risk_chart"]

_LEFT, _TOP, _RIGHT = 76, 16, 700
_RISK_HEIGHT, _RELIABILITY_SIDE = 240, 320
_FEW = 10
"""A share of fewer answers than this jumps about and says nothing; the curve is drawn from there on."""
_MARKERS = 40
"""With more points than this a curve is drawn as a line alone."""


@dataclass(frozen=True, slots=True)
class _Plot:
    """A rectangle whose inside runs from 0 to `top` upwards and from 0 to 1 to the right."""

    right: float
    bottom: float
    top: float = 1.0

    def at(self, x: float, y: float) -> tuple[float, float]:
        return _LEFT + (self.right - _LEFT) * x, self.bottom - (self.bottom - _TOP) * y / self.top

    def frame(self, across: str, up: str) -> list[str]:
        """Grid lines and ticks in quarters, with the name of each axis."""
        parts = []
        for quarter in range(5):
            x, y = self.at(quarter / 4, self.top * quarter / 4)
            parts.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{self.bottom}M{_LEFT} {y:.1f}H{self.right}"/>')
            parts.append(_text(x, self.bottom + 18, f"{quarter * 25} %", "middle"))
            parts.append(_text(_LEFT - 8, y + 4, f"{self.top * quarter * 25:g} %", "end"))
        middle = (_LEFT + self.right) / 2
        parts.append(
            f'<text class="label" x="{middle:.0f}" y="{self.bottom + 40}" text-anchor="middle">{across}</text>'
        )
        height = (_TOP + self.bottom) / 2
        parts.append(
            f'<text class="label" transform="translate(14 {height:.0f}) rotate(-90)" text-anchor="middle">{up}</text>'
        )
        return parts


def risk_chart(figures: ReportFigures, threshold: float | None) -> str:
    """Wrong among shown against coverage, one line per mode; a ring marks the threshold in force."""
    curves = [(mode, _steady(mode.risk_curve.points)) for mode in figures.modes if mode.risk_curve.points]
    if not curves:
        return ""
    highest = max(WANTED_RISK * 2, *(point.risk.value for _, points in curves for point in points))
    plot = _Plot(_RIGHT, _TOP + _RISK_HEIGHT, min(1.0, ceil(highest * 5) / 5))
    parts = plot.frame("coverage: shown, of all questions", "wrong, of those shown")
    x, y = plot.at(1, WANTED_RISK)
    parts.append(f'<path class="aim" d="M{_LEFT} {y:.1f}H{x:.1f}"/>')
    told = []
    for mode, points in curves:
        parts += _curve(plot, mode, points)
        told.append(
            f"{mode.mode}: from {points[0].risk.value:.0%} wrong at {points[0].coverage.value:.0%} shown to "
            f"{points[-1].risk.value:.0%} wrong at {points[-1].coverage.value:.0%}"
        )
    first = curves[0][0]
    now = first.risk_curve.at(threshold) if threshold is not None and first.mode == "agent" else None
    if now is not None:
        x, y = plot.at(now.coverage.value, now.risk.value)
        parts.append(f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="8"/>')
        told.append(f"the threshold in force, {threshold:g}, shows {now.coverage.value:.0%}")
    parts += _legend([mode.mode for mode, _ in curves], plot.bottom + 62, threshold if now is not None else None)
    return svg("risk", "Wrong among shown against coverage", "; ".join(told), plot.bottom + 76, parts)


def reliability_chart(mode: ModeFigures) -> str:
    """Share right against confidence, a dot per tenth (its area says how many drafts), beside the diagonal."""
    bins = mode.calibration.bins
    if not bins:
        return ""
    plot = _Plot(_LEFT + _RELIABILITY_SIDE * 1.5, _TOP + _RELIABILITY_SIDE)
    parts = plot.frame("confidence", "right")
    (x0, y0), (x1, y1) = plot.at(0, 0), plot.at(1, 1)
    parts.append(f'<path class="aim" d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"/>')
    most = max(found.right.total for found in bins)
    for found in bins:
        parts += _dot(plot, mode, found, most)
    told = "; ".join(f"confidence {b.mean_confidence:.2f}: {b.right.count} of {b.right.total} right" for b in bins)
    return svg(
        f"reliability-{mode.mode}", f"Confidence against share right ({mode.mode})", told, plot.bottom + 50, parts
    )


def _steady(points: Sequence[RiskPoint]) -> Sequence[RiskPoint]:
    """The points with enough answers behind them, which is fewer where there are few in all."""
    enough = min(_FEW, points[-1].risk.total // 4)
    return [point for point in points if point.risk.total >= enough]


def _curve(plot: _Plot, mode: ModeFigures, points: Sequence[RiskPoint]) -> list[str]:
    places = [plot.at(point.coverage.value, point.risk.value) for point in points]
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    parts = [f'<path class="line {mode.mode}" d="M{line}"/>']
    for point, (x, y) in zip(points, places, strict=True) if len(points) <= _MARKERS else ():
        parts.append(
            f'<circle class="{mode.mode}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{mode.mode}, threshold '
            f"{point.threshold:g}: {point.coverage.value:.1%} shown, {point.risk.count} of {point.risk.total} wrong"
            "</title></circle>"
        )
    return parts


def _dot(plot: _Plot, mode: ModeFigures, found: Bin, most: int) -> list[str]:
    x, y = plot.at(found.mean_confidence, found.right.value)
    _, low = plot.at(0, found.right.low)
    _, high = plot.at(0, found.right.high)
    radius = 3 + 8 * sqrt(found.right.total / most)
    return [
        f'<path class="whisker" d="M{x:.1f} {low:.1f}V{high:.1f}M{x - 4:.1f} {low:.1f}h8M{x - 4:.1f} {high:.1f}h8"/>',
        f'<circle class="{mode.mode}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>confidence '
        f"{found.low:.1f} to {found.high:.1f}: {found.right.count} of {found.right.total} right</title></circle>",
    ]


def _legend(modes: Sequence[str], y: float, threshold: float | None) -> list[str]:
    parts, x = [], float(_LEFT)
    for mode in modes:
        parts.append(f'<rect class="{mode}" x="{x:.0f}" y="{y - 10:.0f}" width="12" height="12" rx="2"/>')
        parts.append(_text(x + 18, y, mode))
        x += 100
    parts.append(f'<path class="aim" d="M{x:.0f} {y - 4:.0f}h24"/>')
    parts.append(_text(x + 30, y, f"{WANTED_RISK:.0%} wrong"))
    x += 120
    if threshold is not None:
        parts.append(f'<circle class="ring" cx="{x + 8:.0f}" cy="{y - 4:.0f}" r="7"/>')
        parts.append(_text(x + 22, y, f"min_confidence {threshold:g}, in force"))
    return parts


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
