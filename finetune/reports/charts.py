"""Charts of an evaluation as hand-written SVG: no script, no font, nothing fetched.

They are put inline into the report's page, whose style sheet gives the classes their colours in light and dark.
Every chart has a title and a description for those who cannot see it, and every bar has its figure beside it, so
colour never is the only carrier of a meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from finetune.evaluation.figures import ModeFigures, ReportFigures
from finetune.evaluation.statistics import Proportion

__all__ = ["accuracy_chart", "outcome_chart", "stage_chart", "svg"]

_WIDTH = 720
_LEFT = 190
"""Where bars begin; labels end just before it."""
_PLOT = 400
_BAR = 16
_GAP = 6


@dataclass(frozen=True, slots=True)
class _Bar:
    label: str
    css: str
    share: Proportion


def accuracy_chart(figures: ReportFigures) -> str:
    """Accuracy with its 95 % interval: all questions, then each difficulty, one bar per mode."""
    groups: list[tuple[str, list[_Bar]]] = [("all questions", [_bar(mode, mode.accuracy) for mode in figures.modes])]
    for position, group in enumerate(figures.modes[0].by_difficulty):
        groups.append((group.name, [_bar(mode, mode.by_difficulty[position].accuracy) for mode in figures.modes]))
    described = "; ".join(
        f"{name}: " + ", ".join(f"{bar.label} {bar.share.count} of {bar.share.total}" for bar in bars)
        for name, bars in groups
    )
    parts, y = [_axis(22 + len(groups) * (_group_height(len(figures.modes)) + 14))], 30
    for name, bars in groups:
        middle = y + _group_height(len(bars)) / 2 + 4
        parts.append(f'<text class="label" x="{_LEFT - 70}" y="{middle:.0f}" text-anchor="end">{escape(name)}</text>')
        for bar in bars:
            parts.append(_accuracy_bar(bar, y))
            y += _BAR + _GAP
        y += 14
    return svg("accuracy", "Execution accuracy with 95 % intervals", described, y - 6, parts)


def outcome_chart(figures: ReportFigures) -> str:
    """What became of the questions: answered rightly, answered wrongly, not answered."""
    parts, y, told = [], 10, []
    for mode in figures.modes:
        total, right = mode.accuracy.total, mode.accuracy.count
        wrong = mode.wrong_among_answered.count
        pieces = [("right", right), ("wrong", wrong), ("withheld", total - right - wrong)]
        parts.append(_label(mode.mode, y))
        parts.extend(_stacked(pieces, total, y))
        told.append(f"{mode.mode}: " + ", ".join(f"{count} {name}" for name, count in pieces))
        y += _BAR * 2 + 14
    for position, (css, text) in enumerate([("right", "right"), ("wrong", "wrong"), ("withheld", "not answered")]):
        x = _LEFT + position * 130
        parts.append(f'<rect class="{css}" x="{x}" y="{y}" width="12" height="12" rx="2"/>')
        parts.append(f'<text x="{x + 18}" y="{y + 10}">{text}</text>')
    return svg("outcomes", "What became of the questions", "; ".join(told), y + 24, parts)


def stage_chart(mode: ModeFigures) -> str:
    """Median milliseconds per stage, with a tick at the 95th percentile; empty when no stage was timed."""
    if not mode.stages:
        return ""
    longest = max(latency.p95 for latency in mode.stages.values()) or 1.0
    parts, y, told = [], 10, []
    for stage, latency in mode.stages.items():
        width, tick = _PLOT * latency.median / longest, _LEFT + _PLOT * latency.p95 / longest
        parts.append(_label(stage, y - _BAR / 2))
        parts.append(f'<rect class="{mode.mode}" x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2"/>')
        parts.append(f'<path class="whisker" d="M{tick:.1f} {y - 2}v{_BAR + 4}"/>')
        parts.append(_figure(_LEFT + _PLOT + 10, y, f"{latency.median:,.1f} / {latency.p95:,.1f} ms"))
        told.append(f"{stage} median {latency.median:,.1f} ms, 95 % under {latency.p95:,.1f} ms")
        y += _BAR + _GAP
    return svg(f"stages-{mode.mode}", f"Time per stage ({mode.mode}): median / p95", "; ".join(told), y + 6, parts)


def _bar(mode: ModeFigures, share: Proportion) -> _Bar:
    return _Bar(mode.mode, mode.mode, share)


def _group_height(bars: int) -> int:
    return bars * (_BAR + _GAP) - _GAP


def _accuracy_bar(bar: _Bar, y: int) -> str:
    low, high = _LEFT + _PLOT * bar.share.low, _LEFT + _PLOT * bar.share.high
    middle = y + _BAR / 2
    return (
        f'<text x="{_LEFT - 8}" y="{y + _BAR - 4}" text-anchor="end">{escape(bar.label)}</text>'
        f'<rect class="{bar.css}" x="{_LEFT}" y="{y}" width="{_PLOT * bar.share.value:.1f}" height="{_BAR}" rx="2"/>'
        f'<path class="whisker" d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8"/>'
        + _figure(_LEFT + _PLOT + 10, y, f"{bar.share.value:.1%} ({bar.share.count}/{bar.share.total})")
    )


def _stacked(pieces: Sequence[tuple[str, int]], total: int, y: float) -> list[str]:
    parts, x = [], float(_LEFT)
    for css, count in pieces:
        width = _PLOT * count / total if total else 0.0
        if not count:
            continue
        parts.append(f'<rect class="{css}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR * 2}"/>')
        if width > 20:
            centre = x + width / 2
            parts.append(f'<text class="on-bar" x="{centre:.1f}" y="{y + 21}" text-anchor="middle">{count}</text>')
        x += width
    return parts


def _label(text: str, y: float) -> str:
    return f'<text class="label" x="{_LEFT - 8}" y="{y + _BAR + 5:.0f}" text-anchor="end">{escape(text)}</text>'


def _figure(x: float, y: float, text: str) -> str:
    return f'<text class="figure" x="{x}" y="{y + _BAR - 4}">{escape(text)}</text>'


def _axis(bottom: int) -> str:
    lines = []
    for percent in (0, 25, 50, 75, 100):
        x = _LEFT + _PLOT * percent / 100
        lines.append(f'<path class="grid" d="M{x} 22V{bottom}"/>')
        lines.append(f'<text class="tick" x="{x}" y="14" text-anchor="middle">{percent} %</text>')
    return "".join(lines)


def svg(name: str, title: str, description: str, height: float, parts: Sequence[str]) -> str:
    """A chart that scales with the page and is told to those who cannot see it."""
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-text">{escape(description)}</desc>'
        + "".join(parts)
        + "</svg>"
    )
