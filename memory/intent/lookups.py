"""Questions about one row: an attribute of what is named, of what it refers to, of what comes first by a metric."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from memory.compiler import Filter, SemanticQuery
from memory.compiler.query import Order
from memory.intent.arrangement import LEAST, MOST
from memory.intent.known import NotUnderstood
from memory.intent.nouns import Nouns
from memory.intent.rows import VERBS, Reader, verb_stem
from memory.intent.sentence import pattern
from memory.joins import NoJoinPath

__all__ = ["lookups"]

Answer = Callable[[Reader, Sequence[str]], SemanticQuery | None]


def lookups(reader: Reader, start: int) -> Iterator[SemanticQuery]:
    """Every query about one row that the whole line is, from where its polite words end."""
    for form, answer in _FORMS:
        match = form.fullmatch(reader.sentence.text, start)
        if match:
            try:
                query = answer(reader, [group for group in match.groups() if group])
            except (NotUnderstood, NoJoinPath):
                continue
            if query is not None:
                yield query


def _of_the_first(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "The country of the customer with the most revenue"."""
    fields = [reader.field_of(letter) for letter in re.findall(r"[CFE]\d+", groups[0])]
    measure = next(group for group in groups if group[0] in "MF" and group is not groups[0])
    metric = reader.thing(measure).name
    if measure[0] == "F":
        metric = Nouns(reader.known.layer.entity(metric), reader.known).count
    most = next(group for group in groups if re.fullmatch(f"{MOST}|{LEAST}", group))
    label = reader.nouns.label
    if label in fields or not all(reader.known.combinable(metric, field) for field in (label, *fields)):
        return None
    window = reader.window(groups)
    filters = tuple(reader.matches(group, lambda _: True) for group in groups if group[0] == "V")
    if window and not reader.known.compiler.timed(metric):
        return None
    if not all(reader.known.combinable(metric, item.field) for item in filters):
        return None
    order: Order = "desc" if re.fullmatch(MOST, most) else "asc"
    return SemanticQuery((metric,), (), filters, window, order=order, limit=1, pattern="top_attribute",
                         entity=reader.nouns.entity.id, columns=tuple(fields))  # fmt: skip


def _row(reader: Reader, group: str) -> tuple[str, Filter]:
    """The entity and the filter of the one row that is called by a name or number.

    Raises:
        NotUnderstood: there is no such entity, or there are two.
    """
    thing = reader.thing(re.findall(r"[NV]\d+", group)[-1])
    layer, compiler = reader.known.layer, reader.known.compiler
    if group[0] == "N" or thing.numbers:
        nouns = reader.nouns
        if not nouns.is_numbered or thing.unit:
            raise NotUnderstood
        return nouns.entity.id, Filter(nouns.label, "=", thing.numbers)
    found = {}
    for value in thing.values:
        entity = layer.entity_of(value.table)
        if entity is not None and compiler.label(entity) in (value.dimension, value.target):
            found[entity.id] = Filter(compiler.label(entity), "=", (value.value,))
    if len(found) != 1 or len({value.value for value in thing.values}) > 1:
        raise NotUnderstood
    return next(iter(found.items()))


def _lookup(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "The phone number of X": attributes of the row that is named, or of what it refers to."""
    entity, found = _row(reader, _row_among(groups))
    listed = next(group for group in groups if not re.search(r"[NV]\d", group))
    fields = [reader.field_of(letter) for letter in re.findall(r"[CFE]\d+", listed)]
    if entity != reader.nouns.entity.id or len(set(fields)) < len(fields) or found.field in fields:
        return None
    return SemanticQuery(pattern="lookup", entity=entity, columns=tuple(fields), filters=(found,))


def _row_among(groups: Sequence[str]) -> str:
    return next(group for group in groups if re.search(r"[NV]\d", group))


def _what_we_buy(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "What do we buy from X": the things that refer to X, and to nothing else that happens."""
    entity, found = _row(reader, groups[0])
    catalog, layer = reader.known.linker.catalog, reader.known.layer
    table = layer.entity(entity).table
    referring = [t.name for t in catalog.tables if any(key.target_table == table for key in t.foreign_keys)]
    if entity != reader.nouns.entity.id or len(referring) != 1 or referring[0].casefold() == reader.events.casefold():
        return None
    thing = layer.entity_of(referring[0])
    if thing is None:
        return None
    nouns = Nouns(thing, reader.known)
    if any(reader.thing(group).surface.lower() not in ("name", "names") for group in groups if group[0] == "C"):
        return None
    return SemanticQuery(pattern="list", entity=thing.id, columns=(nouns.label,), filters=(found,))


def _destinations(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "Which countries do we ship to"."""
    field = reader.nouns.named(f"ship {groups[0]}")
    if not reader.nouns.clock or not field:
        return None
    return SemanticQuery(pattern="values", entity=reader.nouns.entity.id, columns=(field,))


def _parent(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "Which supplier does X come from": what the row refers to, or its columns."""
    entity, found = _row_elsewhere(reader, _row_among(groups))
    listed = next(group for group in groups if not re.search(r"[NV]\d", group))
    fields = [reader.field_of(letter) for letter in re.findall(r"[CE]\d+", listed)]
    if entity == reader.nouns.entity.id or reader.known.repeats(reader.nouns.label, (), entity):
        return None
    return SemanticQuery(pattern="lookup", entity=entity, columns=tuple(fields), filters=(found,))


def _row_elsewhere(reader: Reader, group: str) -> tuple[str, Filter]:
    """As `_row`, of another kind of thing: "order 10250" where the question is about its customer."""
    letters = re.findall(r"[A-Z]\d+", group)
    thing = reader.thing(letters[-1])
    if not thing.numbers:
        return _row(reader, letters[-1])
    nouns = Nouns(reader.known.layer.entity(reader.thing(letters[0]).name), reader.known)
    if not nouns.is_numbered or thing.unit:
        raise NotUnderstood
    return nouns.entity.id, Filter(nouns.label, "=", thing.numbers)


def _day(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "When was order 10250 shipped"."""
    entity, found = _row(reader, _row_among(groups))
    verb = groups[-1]
    field = reader.nouns.day_of(verb_stem(verb))
    if entity != reader.nouns.entity.id or not field:
        return None
    return SemanticQuery(pattern="lookup", entity=entity, columns=(field,), filters=(found,))


def _attribute(*names: str) -> Answer:
    def answer(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
        entity, found = _row(reader, _row_among(groups))
        field = reader.nouns.named(*names)
        if entity != reader.nouns.entity.id or not field:
            return None
        return SemanticQuery(pattern="lookup", entity=entity, columns=(field,), filters=(found,))

    return answer


_ROW = r"((?:E\d+ )*(?:V\d+(?: E\d+)?|(?:C\d+ )?(?:(?:number|no) )?N\d+))"
_OF_FIRST = (
    rf"(?:what (?:is |are )?)?L (?:of|for) E (?:with|that has|that have|who has) ({MOST}|{LEAST})(?: number of)?"
)
_OTHER = r"((?:F\d+ )?V\d+|F\d+ (?:number |no |id )?N\d+)"
_FORMS: tuple[tuple[re.Pattern[str], Answer], ...] = tuple(
    (pattern(form), answer)
    for answer, forms in (
        (_lookup, (
            rf"(?:what (?:is |are |was )?|which |who (?:is |are )?)?L (?:of|for|at|from|in|to) {_ROW}",
            rf"(?:what (?:is |are |was )?)?{_ROW} L",
            rf"(?:in |at |on |to )?(?:what|which) L (?:is|was|are|does|did) {_ROW}"
            r"(?: (?:in|at|from|have|located|based|located in|based in|part of|belong to|come from|shipped to))?",
        )),
        (_parent, (
            rf"(?:what (?:is |are |was )?|which |who (?:is |are )?)?(E\d+) (?:of|for) {_OTHER}",
            rf"(?:in |from |by )?(?:which|what) (E\d+) (?:is|does|did|do|was) {_OTHER}"
            r"(?: (?:in|part of|belong to|belongs to|come from|from|(?:made|supplied|handled|placed|shipped) by))?",
            rf"(?:which|what) (E\d+) (?:{VERBS}|makes) {_OTHER}",
            rf"(?:what (?:is |are )?)?{_OTHER} (E\d+)",
            rf"(?:what (?:is |are )?)?L (?:of|for) (?:E )(?:of|for|that goes with) {_OTHER}",
            rf"(?:what (?:is |are )?)?L (?:of|for) {_OTHER} E",
        )),
        (_of_the_first, (
            rf"{_OF_FIRST} M(?: (?:in|during|for|over) P)?", rf"{_OF_FIRST} F(?: (?:in|during|for|over) P)?",
        )),
        (_day, (
            rf"when (?:was|is|did|were|has|will) {_ROW} (?:be |been )?([a-z]+)",
            rf"(?:on )?(?:what|which) (?:date|day) was {_ROW} ([a-z]+)",
        )),
        (_what_we_buy, (
            r"(?:what do|E99) we (?:buy|purchase|get|source) from (?:E )?(V\d+)(?: [.,] just (?:F )?C)?",
            r"(?:what does|E99) (?:E )?(V\d+) (?:supply|supplies|sell|sells)(?: with)?", r"E99 that comes from (V\d+)",
        )),
        (_destinations, (
            r"(?:to )?(?:which|what) ([a-z]+) (?:do|did|have) we (?:ship|deliver)(?:ed|ped)?(?: E)?(?: to)?",
            r"(?:different )?([a-z]+) we (?:ship|deliver|have shipped|have delivered) to",
            r"(?:which|what) ([a-z]+) do E go to",
        )),
        (_attribute("price", "unit price"), (
            rf"how (?:much|expensive) (?:does|do|is|are) {_ROW}(?: cost)?", rf"what does {_ROW} cost",
        )),
        (_attribute("units in stock"), (
            rf"how (?:much|many)(?: (?:units|M))?(?: of)? {_ROW} (?:do we have |are |is |have we got )?(?:left )?in C",
        )),
    )
    for form in forms
)  # fmt: skip
