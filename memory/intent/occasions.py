"""Clauses about the first and the last time: when somebody last ordered, whose first order was in 2023, gaps between.

The day is the earliest or latest of a thing's events, a plain metric that every thing with an event has, so that a
condition on it is one on a group. What the things brought in then is shown beside them where it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from memory.compiler import Having
from memory.intent.known import NotUnderstood
from memory.intent.rows import CONN, VERBS, WHEN, Clause, Reader, Rows, clause_of

__all__ = ["OCCASIONS", "different"]

OCCASIONS: list[Clause] = []

_END = "(first|earliest|last|latest|most recent|very first)"
_BEEN = "(?:is|was|were|dates from|dated from|came|was placed|were placed|placed|dates|fell)"
_SHOWN = (
    rf"(?:with |and |, |show |give |list |E\d+ |C\d+ |name )*(?:and )?(?:C|date|day)(?: of)?(?: that| its| their)?"
    rf"(?: {_END})?(?: F)?"
)


def _day_of(reader: Reader, words: str) -> str:
    """The plain metric that is the first or the last day of a thing's events.

    Raises:
        NotUnderstood: the things have no events, or are events themselves.
    """
    if not reader.time or reader.nouns.clock or not reader.known.linker.joins.between(reader.table, reader.events):
        raise NotUnderstood
    return f"{'min' if words.endswith(('first', 'earliest')) else 'max'}:{reader.time}"


def _is_event(reader: Reader, letter: str) -> bool:
    return reader.known.layer.entity(reader.thing(letter).name).table.casefold() == reader.events.casefold()


@clause_of(
    OCCASIONS,
    rf"{CONN}(?:whose|where) {_END}(?: ever)? F {_BEEN}(?: (?:in|on|during|from|was))? P",
    rf"{CONN}(?:whose|where) {_END}(?: ever)? F P",
    rf"{CONN}(?:with|made|placed|had) (?:their |its |a )?{_END}(?: ever)? F (?:with )?(?:in|during|on|from)? ?P",
    kind="names",
)
def _dated(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Whose last order was before 2023"."""
    letter = next(group for group in groups if group[0] == "F")
    period = reader.thing(groups[-1]).period
    if rows.counted or rows.window or period is None or not _is_event(reader, letter):
        return None
    if period.start and period.end:
        having = Having("within", period.start, period.end)
    else:
        having = Having(">=", period.start) if period.start else Having("<", period.end)
    return replace(rows, counted=(_day_of(reader, groups[0]), having))


@clause_of(
    OCCASIONS,
    rf"(?:, )?(?:with|and|show|give|, E\d+ and|, show E\d+ and|, give E\d+ and) (?:the )?(?:date|day|C) of (?:its "
    rf"|their "
    rf"|that |each )?{_END} F",
    rf"(?:, )?(?:with|and|show|give) (?:its |their )?{_END} F (?:date|day)",
    rf"(?:, )?when (?:did|was|were) (?:its |their |each of their )?{_END} F (?:placed|made|come in|in)",
    rf"(?:, )?(?:and )?when (?:did )?(?:it|they) {_END} (?:order|ordered|bought|buy)",
    kind="arranges",
)
def _with_day(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With the date of their last order": of those who have one, each with its day."""
    end = groups[0]
    letter = next((group for group in groups if group[0] == "F"), "")
    if rows.columns or rows.extreme or (letter and not _is_event(reader, letter)):
        return None
    day = _day_of(reader, end)
    if rows.counted:
        return rows if rows.counted[0] == day else None
    if rows.window:
        return None
    if any(item.window or item.filters or item.negated for item in rows.related):
        return None
    return replace(rows, counted=(day, None))


@clause_of(
    OCCASIONS,
    rf"(?:, |, and |and |with )(?:C and )?(?:date|day) of (?:that|its|their) {_END} F",
    r"(?:, |, and |and )(?:when was it|when|date of it|that date|the date)",
    kind="arranges",
)
def _and_its_day(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "... , name and date of that last order": it is shown anyway."""
    if rows.counted is None or not rows.counted[0].startswith(("min:", "max:")):
        return None
    letters = [group for group in groups if group[0] == "C"]
    if any(reader.thing(letter).name != reader.nouns.label for letter in letters):
        return None
    said = [group for group in groups if group.islower()]
    return rows if all(_day_of(reader, words) == rows.counted[0] for words in said) else None


@clause_of(
    OCCASIONS,
    r"(?:, )?(?:and|with|show|plus) how much M (?:did|have|do|has) (?:they|it|each|each of them) "
    r"(?:bring in|brought in|bring|brought|make|made|earn|spend|generate|account for)(?: (?:in|during|over) P| P)?",
    r"(?:, )?(?:and|with|show|plus|\. show|\. give|\. include) (?:their |its )?P M",
    r"(?:, )?(?:and|with|show|plus|\. show|\. give|\. include) (?:their |its )?M (?:in|for|of|during) P",
    kind="arranges",
)
def _with_measure(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "... and how much revenue did they bring in 2023": the metric of each, in that period."""
    metric = reader.thing(next(group for group in groups if group[0] == "M")).name
    return _measured(reader, rows, metric, groups)


@clause_of(
    OCCASIONS,
    r"(?:, )?and (?:what were they worth|how much did they (?:spend|bring in|buy for)|what did they (?:spend|bring in)"
    r"|what they spent|what they were worth)(?: with)? (?:in|during) P",
    kind="arranges",
)
def _worth(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "... and what were they worth in 2023": in money, as who buys is counted."""
    buys = reader.known.party("buy")
    if not reader.known.money or buys != reader.nouns.label:
        return None
    return _measured(reader, rows, reader.known.money, groups)


@clause_of(
    OCCASIONS,
    r"(?:, )?and (what they spent|how much (?:they|each|each of them|they each) spent|what (?:each|they) spent"
    r"|(?:how much|what) did (?:they|each|each of them|they each) spend)",
    kind="arranges",
)
def _spent(reader: Reader, rows: Rows, _: Sequence[str]) -> Rows | None:
    """ "Who ordered in 2024, and what each of them spent": then."""
    windows = [item.window for item in rows.related if not item.negated]
    if len(windows) != 1 or windows[0] is None or rows.related[0].filters or not reader.known.money:
        return None
    if reader.known.party("buy") != reader.nouns.label:
        return None
    held = _measured(reader, rows, reader.known.money, ())
    return replace(held, measured=(reader.known.money, windows[0])) if held else None


def _measured(reader: Reader, rows: Rows, metric: str, groups: Sequence[str]) -> Rows | None:
    if rows.measured or rows.counted or rows.extreme or rows.columns or rows.window or rows.kinds or rows.streak:
        return None
    if not reader.known.combinable(metric, reader.nouns.label) or not reader.known.compiler.timed(metric):
        return None
    return replace(rows, measured=(metric, reader.window(groups)))


@clause_of(
    OCCASIONS,
    r"(?:, )?(?:\. )?(?:biggest|largest|highest|greatest|most)(?: (?:loss|losses|M|amount|one|ones))? (?:first|on top)",
    kind="arranges",
)
def _most_first(_: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Biggest loss first", of what the things brought in."""
    return replace(rows, most_first=True) if (rows.measured and not groups) else None


@clause_of(
    OCCASIONS,
    rf"{CONN}(?:(?:have|has|had) )?(?:ever )?(?:ordered|bought|purchased) (?:V )?(exactly once|only once|just once"
    rf"|once only)",
    rf"{CONN}(?:(?:have|has|had) )?(?:ever )?(?:placed|made) (?:exactly|only|just) (one) F",
    kind="names",
)
def _once(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who have ordered exactly once"."""
    if any(group[0] == "V" for group in groups) or rows.counted or rows.window:
        return None
    return _times(reader, rows, Having("=", 1))


@clause_of(
    OCCASIONS,
    rf"{CONN}(?:(?:have|has|had) )?(?:ever )?(?:ordered|bought|purchased) V Q times{WHEN}",
    kind="names",
)
def _so_often(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who have ordered X at least four times"."""
    quantity = reader.thing(next(group for group in groups if group[0] == "Q"))
    found = reader.matches(groups[0], lambda match: match.dimension in reader.known.labels)
    if rows.counted or rows.window or found.op != "=" or quantity.name not in (">", ">=", "="):
        return None
    held = reader.with_filter(replace(rows, window=reader.window(groups)), found)
    return _times(reader, held, Having(cast("Any", quantity.name), quantity.numbers[0])) if held else None


def _times(reader: Reader, rows: Rows, having: Having) -> Rows | None:
    orders = reader.known.orders
    if not orders or not reader.known.linker.joins.between(reader.table, reader.events):
        return None
    return replace(rows, counted=(orders, having))


@clause_of(
    OCCASIONS,
    rf"{CONN}(?:{VERBS}|provide|provides|deliver|delivers|offer|offers|sell|sells|use|used|have|has)(?: us|"
    rf" with)?(?: F)?"
    rf"(?: (?:from|in|of|to))? (?:Q|N) (?:different|distinct) F(?: (or more))?{WHEN}",
    kind="names",
)
def _different(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who supply products of three or more different categories"."""
    number = reader.thing(next(group for group in groups if group[0] in "QN"))
    letter = [group for group in groups if group[0] == "F"][-1]
    sign = number.name or (">=" if "or more" in groups else "")
    metric = different(reader, letter)
    if rows.counted or rows.window or sign not in (">", ">=", "=") or number.unit or not metric:
        return None
    return replace(rows, counted=(metric, Having(cast("Any", sign), number.numbers[0])), window=reader.window(groups))


def different(reader: Reader, letter: str) -> str:
    """The plain metric that counts how many different things of a kind go with one of the rows; "" where none does."""
    target = reader.known.layer.entity(reader.thing(letter).name).table.casefold()
    for table in reader.known.linker.catalog.tables:
        for key in table.foreign_keys:
            if key.target_table.casefold() != target or len(key.columns) != 1 or table.name.casefold() == target:
                continue
            metric = f"distinct:{table.name}.{key.columns[0]}"
            if reader.known.combinable(metric, reader.nouns.label) and not reader.is_own(table.name):
                return metric
    return ""
