"""Questions about one row: an attribute of what is named, of what it refers to, of what comes first by a metric."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from memory.compiler import Filter, SemanticQuery
from memory.compiler.query import Order
from memory.intent.arrangement import LEAST, MOST
from memory.intent.extremes import last_deal
from memory.intent.known import Known, NotUnderstood
from memory.intent.nouns import Nouns, nouns_of
from memory.intent.people import named
from memory.intent.rows import VERBS, Reader, verb_stem
from memory.intent.sentence import pattern
from memory.joins import NoJoinPath
from memory.lexical import stems

__all__ = ["contents", "lookups"]

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
    if not found and reader.nouns.is_person:
        return reader.nouns.entity.id, named(reader.nouns, thing.values)
    if len(found) != 1 or len({value.value for value in thing.values}) > 1:
        raise NotUnderstood
    return next(iter(found.items()))


def _is_of_others_too(reader: Reader, letters: Sequence[str]) -> bool:
    """Whether others have such columns: "the phone number of Felix" may be that of somebody's contact."""
    others = [e for e in reader.known.layer.entities if e.table.casefold() != reader.table.casefold()]
    names = [stems(reader.thing(letter).surface) for letter in letters]
    return any(name in nouns_of(other.id, reader.known).near for other in others for name in names)


def _lookup(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "The phone number of X": attributes of the row that is named, or of what it refers to."""
    entity, found = _row(reader, _row_among(groups))
    listed = next(group for group in groups if not re.search(r"[NV]\d", group))
    fields = [reader.field_of(letter) for letter in re.findall(r"[CFE]\d+", listed)]
    if entity != reader.nouns.entity.id or len(set(fields)) < len(fields) or found.field in fields:
        return None
    if found.field in reader.nouns.name_parts and _is_of_others_too(reader, re.findall(r"[CFE]\d+", listed)):
        return None
    return SemanticQuery(pattern="lookup", entity=entity, columns=tuple(fields), filters=(found,))


def _two_lists(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "Who is the contact at X, and what is their title"."""
    first, second = (_lookup(reader, [row, listed]) for row, listed in ((groups[1], groups[0]), (groups[1], groups[2])))
    return replace(first, columns=(*first.columns, *second.columns)) if first and second else None


def _all_rows(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "Employee names and job titles"."""
    letters = re.findall(r"[CFE]\d+", groups[0])
    fields = [reader.field_of(letter) for letter in letters]
    first = reader.thing(letters[0])
    if len(set(fields)) < 2 or fields[0] != reader.nouns.label or not first.plural or letters[0][0] != "C":
        return None
    return SemanticQuery(pattern="list", entity=reader.nouns.entity.id, columns=tuple(dict.fromkeys(fields)))


def _contents(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "What is in order 10250"."""
    entity, found = _row(reader, _row_among(groups))
    query = contents(reader.known, entity, found) if entity == reader.nouns.entity.id else None
    said = [reader.thing(group).name for group in groups if re.fullmatch(r"F\d+", group)]
    return query if query and all(name == query.entity for name in said) else None


def contents(known: Known, entity: str, found: Filter) -> SemanticQuery | None:
    """The lines that a row is made of, each with what it is of; None where its rows have no lines."""
    own = known.layer.entity(entity).table.casefold()
    made_of = [
        table
        for table in known.linker.catalog.tables
        if any(
            key.target_table.casefold() == own and set(key.columns) < set(table.primary_key)
            for key in table.foreign_keys
        )
    ]
    lines = known.layer.entity_of(made_of[0].name) if len(made_of) == 1 else None
    if lines is None:
        return None
    keys = {name for key in made_of[0].foreign_keys for name in key.columns} | set(made_of[0].primary_key)
    others = [known.layer.entity_of(key.target_table) for key in made_of[0].foreign_keys]
    names = [known.compiler.label(other) for other in others if other is not None and other.id != entity]
    values = [f"{made_of[0].name}.{column.name}" for column in made_of[0].columns if column.name not in keys]
    return SemanticQuery(pattern="list", entity=lines.id, columns=(*names, *values), filters=(found,))


def _contact_and(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "Who do we talk to at X, and on which number"."""
    first, second = _attribute("contact name", "contact")(reader, groups[:1]), _lookup(reader, groups)
    return replace(first, columns=(*first.columns, *second.columns)) if first and second else None


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
    verb = next(group for group in reversed(groups) if group.islower())
    field = reader.nouns.day_of(verb_stem(verb))
    if entity != reader.nouns.entity.id or not field or ("year" in groups and not reader.nouns.is_year(field)):
        return None
    return SemanticQuery(pattern="lookup", entity=entity, columns=(field,), filters=(found,))


def _two_days(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "When was order 10250 due, and when did it ship"."""
    first, second = (_day(reader, [_row_among(groups), verb]) for verb in groups if verb.isalpha() and verb.islower())
    if first is None or second is None or first.columns == second.columns:
        return None
    return replace(first, columns=(*first.columns, *second.columns))


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
_SPEAK = (
    "(?:who|whom) (?:do|should|can|must|could) (?:(?:we|i|you) )?"
    "(?:(?:talk|speak|write|turn) (?:to|with)|contact|call|ask(?: for)?|phone|ring|reach|deal with|know) (?:at|in"
    "|from)"
)
_FORMS: tuple[tuple[re.Pattern[str], Answer], ...] = tuple(
    (pattern(form), answer)
    for answer, forms in (
        (_lookup, (
            rf"(?:what (?:is |are |was )?|which |who (?:is |are )?)?L (?:of|for|at|from|in|to) {_ROW}",
            rf"(?:what (?:is |are |was )?)?{_ROW}(?: ,)? L",
            rf"for {_ROW} ,? ?(?:(?:give|show|tell|i need|i want|what is|what are) )?L",
            rf"(?:what|which) L (?:is|are|was|were) (?:set|given|recorded|listed|noted|held|on file|shown) for"
            rf" {_ROW}",
            rf"(?:what|how much) (?:did|do) we (?:pay|spend) (?:in |on |for )?L (?:for|on) {_ROW}",
            rf"how many L (?:does|do|did|has|have) {_ROW} have",
            rf"(?:in |at |on |to )?(?:what|which) L (?:is|was|are|does|did) {_ROW}"
            r"(?: (?:in|at|from|have|works?(?: in| from)?|live(?: in)?|sit in"
            r"|located|based|located in|based in|part of|belong to|come from|shipped to))?",
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
        (last_deal, (
            r"when did (?:F )?V (last|first) (?:(?:place|make|take|handle|give us) )?(?:a )?(?:order|buy|purchase|E)"
            r"(?: (?:with|from|anything from) us)?",
            r"when did (?:F )?V (?:place|make|take|handle) (?:(?:his|her|its) )?(last|first) E",
        )),
        (_day, (
            rf"when (?:was|is|did|were|has|will) {_ROW} (?:be |been )?([a-z]+)",
            rf"when did {_ROW} (join|start|start at|start with) [EF]\d+",
            rf"(?:on )?(?:what|which) (?:C|date|day) (?:was|did|has|were|is) {_ROW} (?:been )?([a-z]+)",
            rf"in (?:what|which) (year) (?:was|did|were|is) {_ROW} (?:been )?([a-z]+)",
        )),
        (_two_days, (
            rf"when (?:was|is|did) {_ROW} ([a-z]+)(?: ,)? and (?:when (?:was|did) it )?([a-z]+)",
        )),
        (_what_we_buy, (
            r"(?:what do|E99) we (?:buy|purchase|get|source) from (?:E )?(V\d+)(?: [.,] just (?:F )?C)?",
            r"(?:what does|E99) (?:E )?(V\d+) (?:supply|supplies|sell|sells)(?: with)?", r"E99 that comes from (V\d+)",
        )),
        (_all_rows, (r"L",)),
        (_contents, (
            rf"what (?:is|was|are|were) (?:in|on|part of|contained in|included in) {_ROW}",
            rf"what (?:did|does) {_ROW} (?:contain|include|consist of)",
            rf"(?:F|lines?|contents?) (?:of|in|on|for) {_ROW}",
        )),
        (_two_lists, (
            rf"(?:what (?:is |are |was )?|which |who (?:is |are )?)?L (?:of|for|at|from|in|to) {_ROW}(?: ,)? and L",
        )),
        (_attribute("contact name", "contact"), (
            rf"{_SPEAK} {_ROW}",
        )),
        (_contact_and, (
            rf"{_SPEAK} {_ROW} and L",
        )),
        (_destinations, (
            r"(?:to )?(?:which|what) ([a-z]+) (?:do|did|have) we (?:ship|deliver)(?:ed|ped)?(?: E)?(?: to)?",
            r"(?:different )?([a-z]+) we (?:ship|deliver|have shipped|have delivered) to",
            r"(?:which|what) ([a-z]+) do E go to",
        )),
        (_attribute("price", "unit price"), (
            rf"how (?:much|expensive) (?:does|do|is|are) {_ROW}(?: cost)?", rf"what does {_ROW} cost",
        )),
        (_attribute("shipping cost", "freight"), (
            rf"how much (?:did|do) we (?:pay|spend) to (?:ship|send|deliver) {_ROW}",
            rf"(?:what|how much) did it cost(?: us)? to (?:ship|send|deliver) {_ROW}",
        )),
        (_attribute("units in stock"), (
            rf"how (?:much|many)(?: (?:units|M))?(?: of)? {_ROW} (?:do we have |are |is |have we got )?(?:left"
            rf" )?in C",
            rf"how (?:much|many)(?: units| M)? (?:do we have|are|is|have we got) (?:left )?in C (?:of|for) {_ROW}",
        )),
    )
    for form in forms
)  # fmt: skip
