"""One quantity over the steps of a run as hand-written SVG, in the manner of `finetune.reports.charts`.

A curve of a noisy quantity is drawn twice: every point faintly, and an exponential mean of them plainly. Title and
description say its first, best and last value for those who cannot see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from finetune.reports.charts import svg

__all__ = ["Curve", "curve_chart", "smoothed"]

_WIDTH, _HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 14, 28
_GRID_LINES = 4
_MAX_DOTS = 60
_MEMORY = 0.9
"""Share of the running mean that a new point leaves as it was."""

Points = Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Curve:
    """What to draw: at least one point, as (step, value)."""

    name: str
    """Unique in its page."""
    title: str
    points: Points
    form: str = "{:.3g}"
    """How a value is written."""
    smooth: bool = False


def curve_chart(curve: Curve, *, last_step: int, marked: int | None = None) -> str:
    """The curve as an `<svg>`, steps 0 to `last_step`; `marked` is the step that was kept, shown as a dashed line."""
    low, high = _range([value for _, value in curve.points])

    def place(step: float, value: float) -> tuple[float, float]:
        across = _LEFT + (_WIDTH - _LEFT - _RIGHT) * step / max(1, last_step)
        return across, _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * (value - low) / (high - low)

    parts = _axes(curve, low, high, last_step)
    placed = [place(*point) for point in curve.points]
    if curve.smooth and len(placed) > 1:
        parts.append(_line("raw", placed))
        parts.append(_line("curve", [place(*point) for point in smoothed(curve.points)]))
    else:
        parts.append(_line("curve", placed))
        if len(placed) <= _MAX_DOTS:
            parts += [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in placed]
    if marked is not None:
        x, _ = place(marked, low)
        parts.append(f'<path class="mark" d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
        anchor, aside = ("end", -5) if x > _WIDTH / 2 else ("start", 5)
        parts.append(f'<text class="mark-text" x="{x + aside:.1f}" y="{_TOP + 12}" text-anchor="{anchor}">kept</text>')
    return svg(curve.name, curve.title, _described(curve), _HEIGHT, parts)


def smoothed(points: Points) -> list[tuple[int, float]]:
    """The exponential mean after each point, without the bias towards the first (Kingma and Ba, 2015)."""
    found, mean = [], 0.0
    for count, (step, value) in enumerate(points, start=1):
        mean = _MEMORY * mean + (1 - _MEMORY) * value
        found.append((step, mean / (1 - _MEMORY**count)))
    return found


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From 0, where that leaves the curve room, to a little over the highest value."""
    low, high = min(values), max(values)
    low = min(0.0, low)
    return low, high + 0.05 * (high - low) if high > low else low + 1.0


def _axes(curve: Curve, low: float, high: float, last_step: int) -> list[str]:
    parts = []
    for line in range(_GRID_LINES + 1):
        share = line / _GRID_LINES
        y = _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * share
        value = curve.form.format(low + (high - low) * share)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(value)}</text>')
        step = f"{last_step * share:.0f}"
        parts.append(f'<text class="tick" x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{step}</text>')
    return parts


def _line(css: str, placed: Sequence[tuple[float, float]]) -> str:
    return f'<path class="{css}" d="M{" L".join(f"{x:.1f} {y:.1f}" for x, y in placed)}"/>'


def _described(curve: Curve) -> str:
    values = [value for _, value in curve.points]
    first, lowest, highest, last = map(curve.form.format, (values[0], min(values), max(values), values[-1]))
    return (
        f"{len(values)} points from step {curve.points[0][0]} to {curve.points[-1][0]}: first {first}, "
        f"lowest {lowest}, highest {highest}, last {last}"
    )
