"""Does the statement cover exactly the days that the question's period means?

The calendar is counted by `memory.periods`, not by the model. Only the plain case is judged: one period, no
comparison, and a statement that compares with whole dates; anything else is left to the weaker check of years.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from agent.run import Finding
from agent.steps.checks.statement import Checked
from memory.periods import find_periods

__all__ = ["check_period"]

_COMPARES = re.compile(
    r"\b(?:grow\w*|change\w*|compar\w+|versus|vs|than|previous|prior|before|after|first|new|not|never|no|without|"
    r"increas\w+|decreas\w+|declin\w+|drop\w*|fell|yoy|qoq|mom|trend|retention|retained|over year|over quarter|"
    r"over month|as of|end of|at the end|by the end|close of|lost|churn\w*|return\w*|repeat\w*|repurchase|cumulative|"
    r"running|last order\w*)\b"
)
_DATE = re.compile(r"((?:19|20)\d\d-\d\d-\d\d)(?:[T ][\d:.]+)?")


def check_period(checked: Checked) -> Iterator[Finding]:
    """The bounds of the one period a question names stand in the statement; one after today need not."""
    today = checked.layer.today()
    named = find_periods(checked.question, today)
    if len(named) != 1:
        return
    period = named[0]
    around = f"{checked.question[: period.first]} {checked.question[period.last :]}"
    if _COMPARES.search(around.casefold()):
        return
    found = {match[1] for text in checked.statement.texts if (match := _DATE.fullmatch(text))} - {today.isoformat()}
    if not found:
        return
    needed = [period.start] + ([period.end] if period.end <= today.isoformat() else [])
    missing = [bound for bound in needed if bound and not {bound, _day_before(bound)} & found]
    if missing:
        days = " up to ".join(bound for bound in (period.start, period.end) if bound)
        message = f"`{period.surface}` means {days}; the statement says {', '.join(sorted(found))}."
        yield Finding("time_filter", "error", message, evidence=period.surface)


def _day_before(day: str) -> str:
    """Where a bound may be written with the day before it: `> '2022-12-31'`, `<= '2023-12-31'`."""
    return (dt.date.fromisoformat(day) - dt.timedelta(days=1)).isoformat()
