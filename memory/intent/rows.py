"""The rows a question asks for, and the reader that clauses add to them with.

A clause is a pattern over the question's line (`memory.intent.sentence`) and what it adds to the rows. One that is not
surely what it seems adds nothing, and then the whole question is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from memory.compiler import Filter, Having, Related, TimeWindow
from memory.compiler.query import Order
from memory.intent.checks import meant
from memory.intent.known import Known, NotUnderstood
from memory.intent.nouns import Nouns
from memory.intent.sentence import Sentence, Thing, pattern
from memory.joins import NoJoinPath
from memory.lexical import stem
from memory.periods import PeriodMention
from memory.values import ValueMatch

__all__ = ["CONN", "HAVE", "NEGATED", "NOTHING", "TRADE", "VERBS", "WHEN", "Clause", "Phrase", "Reader", "Rows",
           "clause_of", "verb_stem"]  # fmt: skip

CONN = r"(?:, )?(?:(?:and|but) )?(?:(?:that|who|which) )?"
WHEN = r"(?: (?:in|during|on|for|over|throughout|within|of) P| P)?"
HAVE = "(?:(?:have|has|had) (?:ever )?(?:been )?)?"
TRADE = "order|ordered|buy|bought|purchase|purchased|sell|sold"
VERBS = (
    "place|placed|take|took|taken|make|made|handle|handled|process|processed|receive|received|ship|shipped|deliver"
    "|delivered|carry|carried|supply|supplied|supplies|supplying|provide|provided|provides|cover|covered|covers"
    "|covering|look after|looks after|looked after|contain|contains|containing|include|includes|including"
    f"|responsible for|serve|served|{TRADE}"
)
NEGATED = "(?:do|does|did|have|has|had|was|were|is|are) not(?: yet| ever)?|(?:(?:have|has|had|was|were) )?never|not"
NOTHING = "with no|without|with zero|have no|has no|had no|having no|do not have|did not have|have not had a?"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows asked for, as far as the question has been read."""

    filters: tuple[Filter, ...] = ()
    related: tuple[Related, ...] = ()
    kinds: tuple[str, ...] = ()
    """Metrics that count just these rows."""
    window: TimeWindow | None = None
    columns: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    """Columns worth showing where none are asked for."""
    order: tuple[str, Order] | None = None
    """A list's order: a field, from which end."""
    extreme: tuple[str, Order] | None = None
    """The same where only the first rows are wanted."""
    counted: tuple[str, Having | None] | None = None
    """A metric of each row, and how much of it there must be, if that is said."""
    streak: tuple[str, Having] | None = None
    """In how many months or years on end there must be events."""
    measured: tuple[str, TimeWindow | None] | None = None
    """A metric to be shown of each row, in a period."""
    peers: tuple[str, str, Order, float] | None = None
    """A number, the field of the group whose average it is compared with, from which side, how many times it."""
    within: str = ""
    """The field of the groups in each of which some come first."""
    most_first: bool = False
    """Whether those with most of it come first."""
    open: bool = False
    """Whether what comes next could still describe the last thing named: "no order from Germany"."""


Handler = Callable[["Reader", Rows, Sequence[str]], Rows | None]
Kind = Literal["tells", "names", "arranges"]
"""A clause that tells of the things, one whose last word is another thing, one that says how rows are shown."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A pattern and what it adds to the rows."""

    form: re.Pattern[str]
    handler: Handler
    kind: Kind = "tells"


@dataclass(frozen=True, slots=True)
class Phrase:
    """How a clause begins whose end only its own reading can tell, and every such end with the rows it comes to."""

    form: re.Pattern[str]
    readings: Callable[[Reader, Rows, re.Match[str]], Iterator[tuple[int, Rows]]]


def clause_of(clauses: list[Clause], *forms: str, kind: Kind = "tells") -> Callable[[Handler], Handler]:
    """Put clauses of these forms, all handled by the function that is decorated, into a list."""

    def register(handler: Handler) -> Handler:
        clauses.extend(Clause(pattern(form), handler, kind) for form in forms)
        return handler

    return register


class Reader:
    """Reads the clauses of one line."""

    def __init__(self, sentence: Sentence, known: Known) -> None:
        self.sentence = sentence
        self.nouns: Nouns = sentence.nouns
        self.known = known
        self.table = self.nouns.entity.table
        self.time = known.layer.calendar.time_column
        self.events = self.time.partition(".")[0]

    def read(self, place: int, rows: Rows, clauses: Sequence[Clause | Phrase]) -> Iterator[Rows]:
        """Every way to read the line from a place to its end."""
        text = self.sentence.text
        while text[place : place + 1] == " ":
            place += 1
        if place >= len(text):
            yield rows
            return
        for clause in clauses:
            match = clause.form.match(text, place)
            if isinstance(clause, Phrase):
                if match and not (rows.open and _joins_on(match[0])):
                    for end, found in clause.readings(self, rows, match):
                        yield from self.read(end, replace(found, open=True), clauses)
            elif (
                match and match.end() > place and not (rows.open and clause.kind != "arranges" and _joins_on(match[0]))
            ):
                told = self.attempt(clause.handler, rows, [group for group in match.groups() if group])
                if told is not None:
                    yield from self.read(match.end(), replace(told, open=clause.kind == "names"), clauses)

    def attempt(self, handler: Handler, rows: Rows, groups: Sequence[str]) -> Rows | None:
        """What the handler makes of the rows; None where the clause does not hold."""
        try:
            return handler(self, rows, groups)
        except (NotUnderstood, NoJoinPath):
            return None

    # -- what handlers need ----------------------------------------------------------------------------------------

    def thing(self, letter: str) -> Thing:
        """What a letter stands for."""
        return self.sentence.things[letter]

    def with_filter(self, rows: Rows, *filters: Filter) -> Rows | None:
        """The rows with filters on fields that have none yet."""
        held = {self._plain(item.field) for item in rows.filters}
        if any(self._plain(item.field) in held for item in filters):
            return None
        return replace(rows, filters=(*rows.filters, *filters))

    def _plain(self, field: str) -> str:
        return field if "." in field else self.known.layer.dimension(field).expression

    def matches(self, group: str, fits: Callable[[ValueMatch], bool]) -> Filter:
        """The filter on the one column that fits in which all the values of the group stand."""
        values = [tuple(filter(fits, thing.values)) for thing in self.sentence.named(group)]
        if not all(values):
            raise NotUnderstood
        if any(len({match.value.casefold() for match in found}) > 1 for found in values):
            raise NotUnderstood
        return meant(tuple(values), (), self.known, self.nouns.entity.id)

    def is_own(self, table: str) -> bool:
        """Whether a table is that of the things asked about."""
        return table.casefold() == self.table.casefold()

    def is_far(self, field: str) -> bool:
        """Whether one of the things has many of the field's rows."""
        return self.known.repeats(field, (), self.nouns.entity.id)

    def condition(self, rows: Rows, found: Filter, window: TimeWindow | None = None) -> Rows | None:
        """A filter on the rows themselves or what they refer to, else on rows that are related to them."""
        if found.field == self.nouns.label:
            return None  # "the team of X" is not X
        if not self.is_far(found.field):
            return self.within(self.with_filter(rows, found), window)
        return self.relation(rows, self.known.table_of(found.field), (found,), window)

    def within(self, rows: Rows | None, window: TimeWindow | None) -> Rows | None:
        """The rows in a period, where they are things that happen."""
        if rows is None or window is None:
            return rows
        return replace(rows, window=window) if self.nouns.clock and rows.window is None else None

    def relation(self, rows: Rows, table: str, filters: tuple[Filter, ...] = (), window: TimeWindow | None = None,
                 *, negated: bool = False) -> Rows | None:  # fmt: skip
        """The rows that have a related row; through the events where these lie between."""
        catalog = self.known.linker.catalog
        found = catalog.table(table)
        if found is None or self.is_own(found.name):
            return None
        edges = self.known.linker.joins.path([self.table, found.name])
        between = {name.casefold() for edge in edges for name in (edge.left_table, edge.right_table)}
        through = bool(self.events) and self.events.casefold() in between and not self.is_own(self.events)
        if window and not through:
            return None
        target = self.events if through else found.name
        item = Related(target, negated, window, filters)
        return None if item in rows.related else replace(rows, related=(*rows.related, item))

    def trade(self, rows: Rows, window: TimeWindow | None, *, negated: bool, passive: bool) -> Rows | None:
        """The rows that have, or have not, anything to do with an event."""
        if not self.events or self.is_own(self.events):
            return None
        direct = bool(self.known.linker.joins.between(self.table, self.events))
        if direct == passive:
            return None  # customers order, products are ordered
        return self.relation(rows, self.events, (), window, negated=negated)

    def window(self, groups: Sequence[str]) -> TimeWindow | None:
        """The one period among the groups."""
        periods = [self.thing(group).period for group in groups if group.startswith("P")]
        if len(periods) > 1:
            raise NotUnderstood
        return TimeWindow(periods[0].start, periods[0].end) if periods and periods[0] else None

    def dated(self, field: str, period: PeriodMention) -> tuple[Filter, ...]:
        """A period of a date column as filters."""
        found = [Filter(field, ">=", (period.start,))] if period.start else []
        return (*found, Filter(field, "<", (period.end,))) if period.end else tuple(found)

    def in_years(self, field: str, period: PeriodMention) -> tuple[Filter, ...]:
        """A period of whole years as filters on a column of years.

        Raises:
            NotUnderstood: it is of months or days.
        """
        if any(day and not day.endswith("-01-01") for day in (period.start, period.end)):
            raise NotUnderstood
        first, end = (int(day[:4]) if day else 0 for day in (period.start, period.end))
        if end == first + 1:
            return (Filter(field, "=", (first,)),)
        found = [Filter(field, ">=", (first,))] if first else []
        return (*found, Filter(field, "<", (end,))) if end else tuple(found)

    def number(self, field: str, quantity: Thing) -> Filter:
        """A test on a number column."""
        column = self.nouns.column(field)
        if column is None or column.family != "number" or quantity.unit == "percent":
            raise NotUnderstood
        if quantity.name == "between" and quantity.numbers[0] >= quantity.numbers[1]:  # type: ignore[operator]
            raise NotUnderstood
        return Filter(field, cast("Any", quantity.name), quantity.numbers)

    def nullable(self, field: str) -> bool:
        """Whether a column may be empty."""
        column = self.nouns.column(field)
        return column is not None and column.nullable

    def field_of(self, letter: str) -> str:
        """The field that a column, a thing the rows refer to, or the rows themselves are shown by."""
        thing = self.thing(letter)
        if letter[0] == "E":
            return self.nouns.label
        if letter[0] == "C":
            return thing.name
        entity = self.known.layer.entity(thing.name)
        field = self.known.compiler.label(entity)
        if self.is_far(field):
            raise NotUnderstood
        return field


def verb_stem(word: str) -> str:
    """The stem of a verb as a date column's name has it."""
    return word if word == "born" else stem(word)


def _joins_on(said: str) -> bool:
    """Whether a clause could still belong to the thing named last."""
    return not said.startswith((",", "and ", "but ", "have ", "has ", "is ", "are ", "cost ", "costs "))
