"""The periods of a question: one window, several to be compared, or a year set against the one before it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from memory.intent.comparison_words import COMPARISON_SIGNS
from memory.intent.items import Item
from memory.intent.known import NotUnderstood
from memory.intent.parts import MONTHS, Parts, take, unit_of
from memory.periods import PeriodMention

__all__ = ["take_periods"]

_LISTED = re.compile(r"P[,k]+P[,k]+Δ")
_TOGETHER = re.compile(r"\b(?:combined|together(?! with)|taken together|in total)\b", re.IGNORECASE)


def take_periods(parts: Parts) -> None:
    """Take out the periods of a question.

    Raises:
        NotUnderstood: there are several that are no series and are not compared.
    """

    def dated(items: list[Item]) -> bool:
        for item in items:
            if item.period:
                parts.periods.append(item.period)
            elif item.code == "P" and parts.before:
                raise NotUnderstood
            elif item.code == "P":
                parts.before = item.name
        return True

    comparing = any(sign in parts.codes for sign in COMPARISON_SIGNS.replace("ν", "").replace("ζ", ""))
    if comparing:
        parts.beside_change = bool(_LISTED.search(parts.codes))
        take(parts, r"[vτw]?p?P(?:[vkpτwc,]+P)*", dated)
    take(parts, r"p?P(?:[,k]+p?P){2,}", dated)
    take(parts, r"p?P[cvkwp]+P" if "c" in parts.codes else r"p?P[vk]p?P", dated)
    take(parts, r"p?P", dated)
    _add_the_one_before(parts, comparing)
    compared = "c" in parts.codes or "v" in parts.codes
    if compared and any(" and " in period.surface for period in parts.periods):
        raise NotUnderstood
    if len(parts.periods) > 1 and not (comparing or compared) and _TOGETHER.search(parts.question):
        _common_grain(sorted(parts.periods, key=lambda period: period.start))
        ordered = sorted(parts.periods, key=lambda period: period.start)
        parts.periods = [replace(ordered[0], end=ordered[-1].end)]  # both years together
    if parts.before and not comparing:
        raise NotUnderstood
    if len(parts.periods) > 2 or (len(parts.periods) == 2 and not comparing):
        parts.periods.sort(key=lambda period: period.start)
        parts.grain = _common_grain(parts.periods)


def _add_the_one_before(parts: Parts, comparing: bool) -> None:
    """ "In 2023 and the year before": both periods. "In 2023, each month with the month before" means others."""
    if not parts.before or len(parts.periods) != 1:
        return
    [period] = parts.periods
    if comparing and unit_of(period) != parts.before:
        return
    if unit_of(period) != parts.before:
        raise NotUnderstood
    start = dt.date.fromisoformat(period.start)
    index = start.year * 12 + start.month - 1 - MONTHS[parts.before]
    earlier = dt.date(index // 12, index % 12 + 1, 1).isoformat()
    parts.periods.append(replace(period, start=earlier, end=period.start))
    parts.before = ""


def _common_grain(periods: Sequence[PeriodMention]) -> str:
    """The unit that periods are one of each, every one right after the one before it."""
    grains = {unit_of(period) for period in periods}
    grain = grains.pop()
    if grains or not grain or any(a.end != b.start for a, b in pairwise(periods)):
        raise NotUnderstood
    return grain
