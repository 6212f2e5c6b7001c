"""Whole questions about how events follow and accompany each other: pairs, gaps, who came back, hires by year.

Each is a line of its own and no list with clauses: two things on one order, the days between one order and the next,
the part of those who bought in one year that bought in another, how many people were taken on in each year.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from memory.compiler import Having, Related, SemanticQuery, TimeWindow
from memory.compiler.query import Grain, Order
from memory.intent.known import NotUnderstood
from memory.intent.occasions import different
from memory.intent.rows import TRADE, WHEN, Reader
from memory.intent.sentence import pattern
from memory.joins import NoJoinPath

__all__ = ["accompanied"]

Answer = Callable[[Reader, Sequence[str], str], SemanticQuery | None]

_SAME = r"(?:on|in) (?:(?:same|one|single|N\d+) )?F"
_APPEAR = (
    r"(?:(?:have |has )?(?:landed|appeared)|appear|appears|show up|shows up|turn up|come up|are (?:most often )?"
    r"(?:bought|ordered|sold|found)|(?:are|is|were) (?:bought|ordered|sold)|get (?:bought|ordered)|go|occur)"
)
_AND_SHARED = (
    r"(?:(?: ,| \.)?(?: and| want| show| give| with| plus)*(?: (?:both|N|E|C|names|how often|on how many F|number"
    r" of(?: shared)? F"
    r"|shared F|in alphabetical order|how many F(?: is it)?|count|one row per pair))+)*"
)
_BOUGHT = f"(?:{TRADE}|placed an order|placed orders|placed F|placed a F)(?: (?:something|anything|from))?"
_AGAIN = (
    r"(?:(?:came|come|were) back|returned|(?:also |had also |had already |have also |again )*"
    rf"(?:{TRADE})(?: again| from| something)*)"
)
_NEXT = r"(?:(?:a|one|N\d+|its|their) )?F (?:and|to) (?:(?:the|its|their) )?next(?: (?:one|F))?"


def accompanied(reader: Reader, start: int) -> Iterator[SemanticQuery]:
    """Every query about pairs, gaps or who came back that the whole line is."""
    for form, answer in _FORMS:
        match = form.fullmatch(reader.sentence.text, start)
        if match:
            try:
                query = answer(reader, [group for group in match.groups() if group], match[0])
            except (NotUnderstood, NoJoinPath, KeyError, StopIteration):
                continue
            if query is not None:
                yield query


def _pairs(reader: Reader, groups: Sequence[str], text: str) -> SemanticQuery | None:
    """ "Which two products are most often bought together": one pair, or those with so many in common."""
    letters = [group for group in groups if group[0] == "F"]
    event = reader.known.layer.entity(reader.thing(letters[0]).name)
    if event.table.casefold() != reader.events.casefold() or not reader.known.repeats(reader.nouns.label, (), event.id):
        return None
    if any(reader.thing(letter).name != event.id for letter in letters):
        return None
    shared = re.search(r"(Q\d+) (?:times|F\d+)|(N\d+) F\d+ or more", text)
    having = None
    if shared:
        told = reader.thing(shared[1] or shared[2])
        having = Having(cast("Any", told.name if shared[1] else ">="), told.numbers[0])
    most = re.search(r"\bmost (?:often|frequently)\b", text)
    if bool(most) == bool(having):
        return None
    named = "alphabetical" in text
    first: dict[str, Any] = {"order": "desc", "limit": 1} if most else {}
    return SemanticQuery((), (reader.nouns.label,), window=reader.window(groups), having=having, pattern="pairs",
                         entity=event.id, by_group=named, **first)  # fmt: skip


def _gap(reader: Reader, groups: Sequence[str], text: str) -> SemanticQuery | None:
    """ "How many days pass between one order and the next": for one that is named, or for each."""
    events = reader.known.layer.entity_of(reader.events)
    letters = [group for group in groups if group[0] == "F"]
    if events is None or any(reader.thing(letter).name != events.id for letter in letters):
        return None
    value = next((group for group in groups if group[0] == "V"), "")
    window = reader.window(groups)
    if value:
        found = reader.matches(value, lambda match: reader.nouns.label in (match.dimension, match.target))
        return SemanticQuery(filters=(found,), window=window, pattern="average_gap", entity=events.id)
    if not re.search(r"\b(?:each|every|per) E\d+", text) and not re.match(r"for E\d+ with Q", text):
        return None
    having = None
    quantity = next((group for group in groups if group[0] == "Q"), "")
    if quantity:
        told = reader.thing(quantity)
        having = Having(cast("Any", told.name), told.numbers[0])
    order: Order | None = "asc" if re.search(r"\b(?:quickest|shortest|fastest) first", text) else None
    order = "desc" if re.search(r"\b(?:slowest|longest) first", text) else order
    return SemanticQuery((), (reader.nouns.label,), window=window, having=having, order=order, pattern="average_gap",
                         entity=events.id)  # fmt: skip


def _came_back(reader: Reader, groups: Sequence[str], text: str) -> SemanticQuery | None:
    """ "Of those who ordered in 2022, what percentage ordered in 2023 as well"."""
    letters = re.findall(r"P\d+", text)
    first, second = (reader.window([letter]) for letter in letters[:2])
    events = reader.known.linker.catalog.table(reader.events)
    if len(letters) != 2 or events is None or first == second or not reader.known.linker.joins.between(
        reader.table, events.name
    ):  # fmt: skip
        return None
    related = (Related(events.name, window=first), Related(events.name, window=second))
    return SemanticQuery((reader.nouns.count,), pattern="share_of", related=related)


def _hired(reader: Reader, groups: Sequence[str], _: str) -> SemanticQuery | None:
    """ "How many people did we hire in each year"."""
    grain = next(group for group in groups if group in ("year", "quarter", "month"))
    field = reader.nouns.named("hire date")
    column = reader.nouns.column(field) if field else None
    if column is None or not reader.nouns.is_person:
        return None
    window = TimeWindow(column=f"{reader.table}.{column.name}")
    return SemanticQuery((f"count:{reader.nouns.entity.id}",), grain=cast("Grain", grain), window=window)


def _different(reader: Reader, groups: Sequence[str], _: str) -> SemanticQuery | None:
    """ "How many different customers did each employee serve": a number for each."""
    counted = next(group for group in groups if group[0] == "F")
    metric, window = different(reader, counted), reader.window(groups)
    if not metric or not reader.thing(counted).plural or (window and not reader.known.compiler.timed(metric)):
        return None
    return SemanticQuery((metric,), (reader.nouns.label,), window=window)


_UNIQUE = "(?:different|distinct|unique)"
_DEALT = (
    r"(?: (?:take|took|place|placed|sell|sold|serve|served|supply|supplied|ship|shipped|handle|handled|buy|bought"
    r"|have|had"
    r"|deal|work|trade|do business|deal with|provide|look after))?(?: (?:to|for|with|from|F from|orders from))*"
)
_FORMS: tuple[tuple[re.Pattern[str], Answer], ...] = tuple(
    (pattern(form), answer)
    for answer, forms in (
        (_pairs, (
            rf"(?:which|what) (?:N )?E(?: pairs)? {_APPEAR}(?: most often| most frequently)?(?: together)?"
            rf"(?: most often| most frequently)? {_SAME}(?: Q times)?{WHEN}{_AND_SHARED}",
            rf"(?:which|what) pairs of E {_APPEAR}(?: together)?(?: {_SAME})?(?: (?:on|in) (?:Q|N) F(?: or more)?|"
            rf" Q times){WHEN}"
            rf"{_AND_SHARED}",
        )),
        (_gap, (
            rf"(?:average |mean )?number of days between consecutive F (?:for|of|by|from) V{WHEN}",
            rf"(?:on average ,? ?)?how many days(?: ,)?(?: on average(?: ,)?)? (?:pass|go by|are there|lie|elapse)"
            rf"(?: on average)? between (?:{_NEXT}|consecutive F|N F)"
            rf" (?:for|of|by|from|at) V{WHEN}",
            rf"(?:average |mean )?number of days between {_NEXT} (?:for|of|by|from|at) V{WHEN}",
            rf"(?:for|of) (?:each E|every E|E with Q F) ,? ?(?:what is )?(?:how many days(?: on average)?|average"
            rf" (?:number of )?days"
            rf"|average gap)(?: (?:pass|go by|are there))? between (?:consecutive F|{_NEXT})(?: (?:,|\.)? ?[a-z]+"
            rf" first)?",
        )),
        (_came_back, (
            rf"of E (?:who|that) {_BOUGHT} (?:in|during) P , what (?:percentage|percent|share|proportion)(?: of them)?"
            rf" {_AGAIN} (?:in|during) P",
            rf"what (?:percentage|percent|share|proportion) of E (?:who|that) {_BOUGHT} (?:in|during) P {_AGAIN}"
            rf" (?:in|during) P",
        )),
        (_different, (
            rf"for (?:each|every) E ,? ?(?:(?:tell|show|give) )?how many {_UNIQUE} F (?:did|do|does|has|have)"
            rf" (?:they|he|it){_DEALT}{WHEN}",
            rf"(?:(?:with|to|for|from) )?how many {_UNIQUE} F (?:did|does|has|have|do) (?:each|every) E{_DEALT}{WHEN}",
            rf"(?:number|count) of {_UNIQUE} F (?:per|by|(?:for|of) (?:each|every)) E{WHEN}",
        )),
        (_hired, (
            r"how many E did we (?:hire|E97|recruit|employ|take on|bring in|sign)(?: (?:in|for))? (?:each|every"
            r"|per|by) (year|quarter|month)",
            r"(?:number of )?(?:E hired|hires|new E) (?:per|by|in each|each) (year|quarter|month)",
        )),
    )
    for form in forms
)  # fmt: skip
