"""How questions about several things begin, and the query that comes of each with the clauses that follow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from sqlglot import exp, parse_one

from memory.compiler import Having, SemanticQuery
from memory.compiler.query import Grain, Order
from memory.intent.aggregates import AGGREGATES
from memory.intent.arrangement import ARRANGEMENT
from memory.intent.assortment import ASSORTMENT
from memory.intent.attached import ATTACHED
from memory.intent.attendance import ATTENDANCE
from memory.intent.averages import AVERAGES
from memory.intent.clock import CLOCK
from memory.intent.columns_compared import COLUMNS_COMPARED
from memory.intent.company import accompanied
from memory.intent.conditions import CONDITIONS
from memory.intent.extremes import EXTREMES, LISTED, Builder, Head, extreme
from memory.intent.known import Known, NotUnderstood
from memory.intent.leaders import leaders
from memory.intent.lookups import contents, lookups
from memory.intent.means import means
from memory.intent.nouns import nouns_of
from memory.intent.occasions import OCCASIONS
from memory.intent.people import PEOPLE, asked_who, reporting
from memory.intent.phrases import PHRASES, adjective
from memory.intent.purchases import purchases
from memory.intent.ranges import RANGES
from memory.intent.ranks import ranks
from memory.intent.relations import RELATIONS
from memory.intent.rows import Clause, Phrase, Reader, Rows
from memory.intent.sentence import Sentence, Thing, pattern
from memory.intent.shapes import shaped
from memory.intent.wording import plainly
from memory.joins import NoJoinPath
from memory.lexical import stem

__all__ = ["queries"]

_POLITE = re.compile(
    r"(?:(?:hi|hey|hello|so|ok|okay|please|quickly|now|just|also|quick question|one (?:thing|question)|just wondering"
    r"|for report|report|tell|i|would like|like|want|need|you|to|(?:can|could|would|will|may) (?:i|you|we)|let"
    r"|see|know|look up|looking for|list of|overview of|names of|get|give|show|list|find out|find|pull up|bring up"
    r"|display|print|return|retrieve|provide|fetch|have|a|full(?= list)|complete|do you (?:have|know)|,)"
    r"(?: |$))+"
)
_ASKING = re.compile(
    r"\b(list|which|what|who|names?|find|all|every|each|show|give|get|see|print|pull|display|return|retrieve|find)\b",
    re.IGNORECASE,
)
_WE_HAVE = re.compile(r"\beverything (?:that )?we (?:have|carry|sell|stock|offer|list|got)\b", re.IGNORECASE)
_BUSINESS = re.compile(r"(?: (?:in|at|of|with|for)|(?<=\bjoined)|(?<=\bjoin)) ([EFK]\d+)(?= |$)")
_CLAUSES: tuple[Clause | Phrase, ...] = (
    *CONDITIONS, *COLUMNS_COMPARED, *ASSORTMENT, *AVERAGES, *RELATIONS, *ATTACHED, *CLOCK, *ATTENDANCE, *OCCASIONS,
    *PHRASES, *PEOPLE, *ARRANGEMENT,
)  # fmt: skip


def queries(sentence: Sentence, known: Known) -> Iterator[SemanticQuery]:
    """Every query the line can be read as."""
    reader = Reader(sentence, known)
    text = sentence.text
    leading = pattern(r"(?:(?:in|during|for|over|throughout) )?P ,?").match(text)
    if leading:  # "In 2023, which ..." is "which ... in 2023"
        sentence.text = text = f"{text[leading.end() :].strip()} in {leading[1]}"
    each = pattern(r"(?:per|(?:for|in|within|of) (?:each|every)) ([CF]\d+) ,?").match(text)
    if each:  # "For each category, which ..." is "which ... per category"
        sentence.text = text = f"{text[each.end() :].strip()} per {each[1]}"
    polite = _POLITE.match(text)
    start = polite.end() if polite else 0
    naming = pattern(r"C (?:all )?(?:(?:[KBV]\d+ )*E\d+|F\d+)").match(text, start)
    if naming and reader.thing(naming[1]).surface.lower() == "name":
        start += len(naming[1]) + 1  # "Name the customers ..."
    everything = re.compile(r"(?:for )?everything(?= )").match(text, start)
    if everything:
        sentence.things["E99"] = Thing("everything", plural=True)
        sentence.text = text = f"{text[:start]}E99{text[everything.end() :]}"
    text = _BUSINESS.sub(lambda match: "" if _is_ours(reader.thing(match[1])) else match[0], text)
    sentence.text = text = text if text == sentence.text else plainly(text)
    hire = re.compile(r"(?:new )?(hires?)(?= |$)(?! C)").search(text, start)
    if hire and reader.nouns.is_person and reader.nouns.named("hire date"):
        sentence.things["E97"] = Thing(hire[0], sentence.nouns.entity.id, plural=hire[1].endswith("s"))
        sentence.text = text = f"{text[: hire.start()]}E97{text[hire.end() :]}"
    yield from reporting(reader, start)
    yield from accompanied(reader, start)
    yield from means(reader, start)
    yield from ranks(reader, start)
    yield from purchases(reader, start)
    yield from shaped(reader, start)
    of_the_first = list(leaders(reader, start))
    who = asked_who(reader, start)
    if who is None:
        told = list(lookups(reader, start))
        yield from told or of_the_first
        yield from _of_forms(reader, start)
        return
    yield from of_the_first
    sentence.text = who
    for plural in (False, True):  # who it was, else who they were
        sentence.things["E98"] = Thing("who", sentence.nouns.entity.id, plural)
        found = [*lookups(reader, start), *leaders(reader, start), *_of_forms(reader, start)]
        yield from found
        if found:
            break


def _is_ours(thing: Thing) -> bool:
    """Whether a word means the business that asks: "the newest hire in the company"."""
    return not thing.plural and thing.surface.lower() in ("company", "business", "firm")


def _of_forms(reader: Reader, start: int) -> Iterator[SemanticQuery]:
    for form, build in (*_FORMS, *RANGES, *AGGREGATES, *EXTREMES):
        match = form.match(reader.sentence.text, start)
        if match:
            yield from _completed(reader, match, build)


def _completed(reader: Reader, match: re.Match[str], build: Builder) -> Iterator[SemanticQuery]:
    groups = [group or "" for group in match.groups()]
    adjectives, noun = groups[-2:]
    numbers = [reader.thing(group).numbers[0] for group in groups[:-2] if re.fullmatch(r"N\d+", group)]
    number = next((n for n in numbers if isinstance(n, int)), 0)
    every = bool(re.search(r"\b(?:every|each|everyone|everybody)\b", match[0]))
    asked = every or bool(_ASKING.search(reader.sentence.question))
    head = Head(tuple(groups[:-2]), reader.thing(noun), number, every, asked)
    rows: Rows | None = Rows()
    for letter in adjectives.split():
        rows = adjective(reader, rows, letter) if rows is not None else None
    for found in reader.read(match.end(), rows, _CLAUSES) if rows is not None else ():
        try:
            query = build(reader, found, head)
        except (NotUnderstood, NoJoinPath):
            continue
        if query is not None and (not found.within or query.pattern == "first_in_group"):
            yield query


def _list(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """The rows, by what they are called by, with the columns asked for."""
    if rows.streak or rows.peers or rows.measured or rows.counted:
        return _of_measured(reader, rows, head)
    if rows.extreme:
        return extreme(reader, rows, head)
    made_of = _made_of(reader, rows)
    if made_of:
        return made_of
    if not _is_listed(reader, rows, head) or (rows.order and _other_day(reader, rows, rows.order[0])):
        return None
    tested = () if rows.columns else (*_tested(reader, rows), *rows.beside)
    columns = tuple(dict.fromkeys((reader.nouns.label, *rows.columns, *tested)))
    if rows.order:
        columns = tuple(dict.fromkeys((*columns, rows.order[0])))
    return SemanticQuery(
        metrics=rows.kinds,
        filters=rows.filters,
        related=rows.related,
        window=rows.window,
        pattern="list",
        entity=reader.nouns.entity.id,
        columns=columns,
        order=rows.order[1] if rows.order else None,
        order_by=rows.order[0] if rows.order else "",
    )


def _made_of(reader: Reader, rows: Rows) -> SemanticQuery | None:
    """ "The products of order 10250": its lines say how many of each as well."""
    if rows != Rows(related=rows.related, open=rows.open) or len(rows.related) != 1 or rows.related[0].negated:
        return None
    filters = rows.related[0].filters
    whole = [e for e in reader.known.layer.entities if [reader.known.compiler.label(e)] == [f.field for f in filters]]
    numbered = len(whole) == 1 and nouns_of(whole[0].id, reader.known).is_numbered
    found = contents(reader.known, whole[0].id, filters[0]) if numbered else None
    return found if found and found.columns[0] == reader.nouns.label else None


def _is_listed(reader: Reader, rows: Rows, head: Head) -> bool:
    """Whether it is surely all the rows that are asked for, and not how many there are."""
    if head.thing.surface == "everything" and (rows.related or _WE_HAVE.search(reader.sentence.question)):
        return False  # everything we carry in a category is not the category
    told = rows.columns or (not rows.window and (rows.order or _says_more(rows)))
    if reader.nouns.clock and not head.asked and not told:
        return False  # "orders handled by X": which ones, or how many?
    return not head.number and (head.thing.plural or head.every or head.thing.surface.lower() == "staff")


def _says_more(rows: Rows) -> bool:
    """Whether the rows are told by more than a name: by a number, a day, something missing, what they contain."""
    return bool(rows.kinds or rows.related) or any(item.op not in ("=", "in") for item in rows.filters)


def _other_day(reader: Reader, rows: Rows, field: str) -> bool:
    """Whether "oldest first" stands beside another day than the one it is taken for: "with hire date, oldest first"."""

    def is_day(name: str) -> bool:
        column = reader.nouns.column(name)
        return column is not None and column.family == "date"

    return is_day(field) and field not in rows.columns and any(map(is_day, rows.columns))


def _tested(reader: Reader, rows: Rows) -> tuple[str, ...]:
    """The columns whose numbers and days decide which rows are shown: worth showing with them."""
    found = [i.field for i in rows.filters if i.op in (">", ">=", "<", "<=", "between") and ":" not in i.field]
    for metric in rows.kinds:
        condition = parse_one(reader.known.layer.metric(metric).filter, dialect=reader.known.layer.dialect)
        for test in condition.find_all(exp.GT, exp.GTE, exp.LT, exp.LTE):
            sides = [side for side in (test.this, test.expression) if isinstance(side, exp.Column)]
            found += [f"{side.table}.{side.name}" for side in sides if reader.is_own(side.table)]
    return tuple(found)


def _number_of(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """How many rows there are."""
    if rows.columns or rows.order or rows.extreme or len(rows.kinds) > 1 or head.number or not head.thing.plural:
        return None
    if (
        any(item.every for item in rows.related)
        or rows.streak
        or rows.measured
        or rows.peers
        or (rows.counted and rows.counted[1] is None)
    ):
        return None
    if rows.counted:
        query = _counted(reader, rows)
        return replace(query, pattern="count_groups") if query else None
    metrics = rows.kinds or (reader.nouns.count,)
    said = re.search(r"E\d+ ([a-z]+) to V", reader.sentence.text)
    if (said and (stem(said[1]),) in reader.nouns.kinds) or any(m not in metrics for m in _kinds_named(reader)):
        return None  # "number of orders shipped to X": those that have left, or all that go there?
    if rows.window and not reader.known.compiler.timed(metrics[0]):
        return None
    return SemanticQuery(metrics, (), rows.filters, rows.window, pattern="total", related=rows.related)


def _kinds_named(reader: Reader) -> list[str]:
    """The metrics named in the question that count some of the rows asked about."""
    named = reader.known.linker.link(reader.sentence.question).ids("metric")
    metrics = map(reader.known.layer.metric, named)
    return [metric.id for metric in metrics if metric.filter and reader.nouns.counts(metric)]


def _counted(reader: Reader, rows: Rows) -> SemanticQuery | None:
    """The rows with more than so many of something."""
    if rows.counted is None or rows.kinds or rows.extreme or rows.streak or rows.measured:
        return None
    metric, having = rows.counted
    if not all(reader.known.combinable(metric, item.field) for item in rows.filters):
        return None
    query = SemanticQuery((metric,), (reader.nouns.label,), rows.filters, rows.window, having=having)
    return _of_those(reader, rows, query)


def _of_measured(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """The things by something that is reckoned of each of them."""
    if rows.streak:
        return _on_end(reader, rows)
    if rows.peers:
        return _beside_peers(reader, rows, head)
    if rows.measured:
        return _with_measure(reader, rows)
    return None if rows.columns or rows.order else _counted(reader, rows)


def _of_those(reader: Reader, rows: Rows, query: SemanticQuery) -> SemanticQuery:
    """The query for those of the things that have, or have not, what is related to them."""
    return replace(query, related=rows.related, entity=reader.nouns.entity.id) if rows.related else query


def _on_end(reader: Reader, rows: Rows) -> SemanticQuery | None:
    """The things with events in so many months or years on end."""
    if rows.streak is None or rows.columns or rows.order or rows.extreme or rows.kinds or rows.related or rows.counted:
        return None
    events = reader.known.layer.entity_of(reader.events)
    if events is None or rows.filters:
        return None
    grain, having = rows.streak
    return SemanticQuery((), (reader.nouns.label,), window=rows.window, grain=cast("Grain", grain), having=having,
                         pattern="streak", entity=events.id)  # fmt: skip


def _beside_peers(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """The things above or below the average of their own group."""
    if rows.peers is None or replace(rows, peers=None, open=False) != Rows() or head.number or not head.thing.plural:
        return None
    field, group, order, times = rows.peers
    having = Having(">", int(times) if times.is_integer() else times) if times else None
    return SemanticQuery((), (group,), having=having, order=order, pattern="compare_to_row",
                         entity=reader.nouns.entity.id, columns=(field,))  # fmt: skip


def _with_measure(reader: Reader, rows: Rows) -> SemanticQuery | None:
    """The things with what a metric is of each of them, in a period."""
    if rows.measured is None or rows.columns or rows.order or rows.extreme or rows.kinds:
        return None
    metric, window = rows.measured
    order: Order | None = "desc" if rows.most_first else None
    query = SemanticQuery((metric,), (reader.nouns.label,), rows.filters, window, order=order)
    return _of_those(reader, rows, query)


def _columns_of(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """ "The phone numbers of all customers in Berlin"."""
    fields = [reader.field_of(letter) for letter in re.findall(r"[CFE]\d+", head.groups[0])]
    if rows.columns or rows.extreme or rows.counted or len(set(fields)) < len(fields):
        return None
    if len(fields) == 1 and not head.every and _repeats(reader, fields[0]):
        return None  # "the cities of our customers": each once, or each customer's?
    return _list(reader, replace(rows, columns=tuple(fields)), head)


def _repeats(reader: Reader, field: str) -> bool:
    column, table = reader.nouns.column(field), reader.known.linker.catalog.table(reader.table)
    return column is not None and table is not None and (column.distinct or 0) < table.row_count


def _values(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """The different values of a column that every row has; with gaps, is the gap one of them?"""
    return None if reader.nullable(reader.thing(head.groups[0]).name) else _different(reader, rows, head)


def _different(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    field = reader.thing(head.groups[0]).name
    if rows.related or rows.kinds or rows.window or rows.columns or rows.extreme or rows.counted:
        return None
    if rows.order and rows.order[0] not in (field, reader.nouns.label):
        return None
    order = rows.order[1] if rows.order else None
    if order == "desc" or any(item.field == field for item in rows.filters):
        return None
    return SemanticQuery(
        columns=(field,), filters=rows.filters, pattern="values", entity=reader.nouns.entity.id, order=order
    )


def _number_of_values(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    query = _different(reader, rows, head)
    if query is None or query.order or "." not in query.columns[0]:
        return None
    return SemanticQuery((f"distinct:{query.columns[0]}",), (), query.filters, pattern="total")


def _share_of(reader: Reader, rows: Rows, head: Head) -> SemanticQuery | None:
    """ "What share of orders have a freight over 100"."""
    query = _number_of(reader, rows, head)
    if query is None or rows.related or rows.kinds or rows.counted or len(rows.filters) != 1:
        return None
    return replace(query, pattern="share_of")


_UNIQUE = "(?:different|distinct|unique)"


_FORMS: tuple[tuple[re.Pattern[str], Builder], ...] = tuple(
    (pattern(form), build)
    for build, forms in (
        (_list, (
            rf"(?:everyone|everybody) (?:on|in) {LISTED}",
            rf"for (?:every|each) {LISTED}",
            rf"(?:(?:(?:for|at|in|on|to|from|with) )?(?:which|what|who)(?: are| is)?(?: of)? )?"
            rf"(?:(?:every|each) )?(?:N )?{LISTED}",
        )),
        (_number_of, (
            rf"(?:how many(?: of)?|(?:what is )?(?:total )?number of|(?:what is )?count of|count(?: of)?)"
            rf"(?: {_UNIQUE})? {LISTED}",
        )),
        (_columns_of, (
            rf"(?:what (?:is |are )?)?L (?:of|for|from|by) (?:(?:every|each) )?(?:one of )?{LISTED}",
        )),
        (_share_of, (
            rf"(?:what )?(?:is )?(?:percentage|share|proportion|percent) of (?:E )?{LISTED}(?: (?:is|are|have|has))?",
        )),
        (_values, (
            rf"(?:what are )?{_UNIQUE} C (?:of|among|for|that|in) {LISTED}",
            rf"(?:in )?(?:which|what)(?: {_UNIQUE})? C (?:do|are|have|can|did) (?:we have )?{LISTED}"
            r"(?: (?:come from|live in|located in|located|based in|based|have|in|from|work in|sit in|situated)"
            r"(?! [VP]))?",
            rf"every C (?:with|of|among) {LISTED}(?: once)?",
            rf"every C {LISTED} have",
            rf"C {LISTED} are (?:located |based )?in",
        )),
        (_number_of_values, (
            rf"(?:how many|number of|count of|count) {_UNIQUE} C (?:of|among|for|are there (?:among|for)|do) {LISTED}"
            r"(?: (?:have|come from|live in|work in))?",
            rf"how many (?:{_UNIQUE} )?C do we have {LISTED} in",
            rf"in how many (?:{_UNIQUE} )?C (?:do|are) (?:we have )?{LISTED}(?: (?:located|based))?",
        )),
    )
    for form in forms
)  # fmt: skip
