"""Who at least doubled something between two periods: "which customers doubled their spend between 2023 and 2024"."""

from __future__ import annotations

import re
from itertools import pairwise

from memory.compiler import Having, SemanticQuery, TimeWindow
from memory.compiler.query import Grain, Value
from memory.intent.distinct import Answer
from memory.intent.nouns import nouns_of
from memory.intent.parts import split
from memory.intent.rows import Reader
from memory.intent.sentence import pattern

__all__ = ["MULTIPLIED"]

_TIMES = {"double": 100, "doubled": 100, "triple": 200, "tripled": 200, "quadruple": 300, "quadrupled": 300}
"""By how many percent something grew at least that has been multiplied so."""
_GRAINS: tuple[Grain, ...] = ("year", "quarter", "month")


def _grown(reader: Reader, match: re.Match[str]) -> SemanticQuery | None:
    """The things with so many times as much in the second of two periods, of those with something in the first."""
    known, label = reader.known, reader.nouns.label
    groups = [group for group in match.groups() if group]
    noun = reader.thing(next(group for group in groups if group[0] == "E"))
    metric = _metric(reader, groups)
    compared = _two_periods(reader, [group for group in groups if group[0] == "P"])
    if not noun.plural or not metric or compared is None:
        return None
    if not known.combinable(metric, label) or known.crosses(metric, label) or not known.compiler.timed(metric):
        return None
    verb = next(group for group in groups if group in _TIMES)
    more = re.search(r"\b(?:more than|over) \w+", match[0])
    grain, first, second, end = compared
    compare: tuple[Value, ...] = (first, second)
    return SemanticQuery(
        (metric,), (label,), window=TimeWindow(first, end), grain=grain, compare=compare,
        having=Having(">" if more else ">=", _TIMES[verb]), pattern="growth_table",
    )  # fmt: skip


def _metric(reader: Reader, groups: list[str]) -> str:
    """The metric that is named, the number of the things named, or what is spent."""
    said = next((group for group in groups if group[0] in "MF"), "")
    if not said:
        return reader.known.money
    name = reader.thing(said).name
    return name if said[0] == "M" else nouns_of(name, reader.known).count


def _two_periods(reader: Reader, letters: list[str]) -> tuple[Grain, str, str, str] | None:
    """The grain, both starts and the end of two periods that follow each other."""
    periods = [period for letter in letters if (period := reader.thing(letter).period)]
    if not periods or len(periods) > 2:
        return None
    first, last = sorted(periods, key=lambda period: period.start)[:: max(len(periods) - 1, 1)][:2] if len(
        periods) == 2 else (periods[0], periods[0])  # fmt: skip
    for grain in _GRAINS:
        pieces = list(split(first.start, last.end, grain)) if first.start and last.end else []
        if len(pieces) == 2 and all(one[1] == other[0] for one, other in pairwise(pieces)):
            return grain, pieces[0][0], pieces[1][0], pieces[1][1]
    return None


_VERB = "(double|doubled|triple|tripled|quadruple|quadrupled)"
_AT_LEAST = "(?:(?:have|has|had|did) )?(?:(?:at least|more than|over|more or less|even) )?"
_WHAT = r"(?:their |its )?(?:spend|spending|(?:total |number of )?(?:M|F))"
_BETWEEN = r"(?:(?:between|from|in) )?P(?: (?:and|to|against|versus|compared with|over|on) P)?"
MULTIPLIED: tuple[tuple[re.Pattern[str], Answer], ...] = tuple(
    (pattern(form), _grown)
    for form in (
        rf"(?:which |what |list |show )?E (?:(?:that|who|which) )?{_AT_LEAST}{_VERB} {_WHAT} {_BETWEEN}",
        rf"did E {_AT_LEAST}{_VERB} {_WHAT} {_BETWEEN}(?: (?:\.|,) which(?: ones?)?)?",
        rf"(?:which |what |list |show )?E whose (?:spend|spending|M|F) {_AT_LEAST}{_VERB} {_BETWEEN}",
    )
)
