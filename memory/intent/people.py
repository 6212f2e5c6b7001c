"""Who reports to whom, and who is meant by "who": the reporting lines of a table that refers to itself.

A superior is a row like any other, reached along the table's reference to itself; so "the manager of X" and "who
reports to X" are lists with a condition along it (`Related.along`), and all that reads lists reads them too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from memory.compiler import Filter, Related, SemanticQuery
from memory.intent.known import Known, NotUnderstood
from memory.intent.nouns import Nouns, nouns_of
from memory.intent.rows import CONN, Clause, Reader, Rows, clause_of
from memory.intent.sentence import Thing, pattern
from memory.values import ValueMatch

__all__ = ["PEOPLE", "asked_who", "person", "reporting"]

PEOPLE: list[Clause] = []

_BOSS = "(?:line )?(?:manager|boss|supervisor|superior|team lead|team leader)"
_BOSSES = "(?:line )?(?:managers|bosses|supervisors|superiors|team leads|team leaders)"
_REPORTS = "(?:direct )?(?:reports|subordinates)|direct report"
_NOBODY = "(?:nobody|no one|noone)"
_ANYBODY = "(?:anyone|anybody|someone|somebody|other people|other persons|others|people|a team|a (?:E|F)|(?:other )?E)"
_PERSON = r"(?:E )?V(?: E)?"
_TO = "(?:directly )?to"
_THEM = "(?:them|him|her)"
_LEAD = f"(?:have|manage|supervise|lead)(?: reporting to {_THEM})?"

_WHO = "who|whom|everyone|everybody|people|anyone|anybody|all people|persons"
_ROLES: tuple[tuple[str, frozenset[str]], ...] = (
    ("orders?|ordered|buys?|bought|purchased?|place|placed", frozenset({"customer", "client", "buyer"})),
    ("supply|supplies|supplied|makes?|made|produces?|produced|provides?|provided",
     frozenset({"supplier", "vendor", "producer", "manufacturer"})),
    ("ships?|shipped|delivers?|delivered|carry|carries|carried", frozenset({"shipper", "carrier", "shipping company"})),
    ("handles?|handled|takes?|took|process|processes|processed|serves?|served|looks? after|looked after|covers?"
     "|covered"
     "|responsible for|works?|worked|lives?|reports?|reporting|manages?|supervises?|joined|joins?|started|starts?"
     "|hired|born|based|located",
     frozenset({"employee", "staff member", "salesperson", "sales rep", "rep", "agent"})),
)  # fmt: skip
_HELPING = "(?:(?:is|are|was|were|have|has|had|do|does|did|not|never|ever|been|yet) )*"


def asked_who(reader: Reader, start: int) -> str | None:
    """The line with "who" as the things whose part the verb is; None where it is not theirs or not said."""
    text = reader.sentence.text
    match = re.compile(rf"(?:(?:which|what|all) )?(?:{_WHO}) (?:who |that )?(?={_HELPING}(\S+(?: \S+)?))").match(
        text, start
    )
    if not match:
        return None
    meant = next((nouns for verbs, nouns in _ROLES if re.match(rf"(?:{verbs})(?= |$)", match[1])), None)
    if meant is None and reader.nouns.is_person and re.match(r"(?:in|at|from) V", match[1]):
        meant = frozenset(name.casefold() for name in reader.nouns.entity.surfaces)
    entities = [
        entity
        for entity in reader.known.layer.entities
        if meant and meant & {name.casefold() for name in entity.surfaces}
    ]
    if len(entities) != 1 or _others_join(reader, entities[0].id):
        return None
    letter = "E98" if entities[0] == reader.nouns.entity else "F98"
    reader.sentence.things[letter] = Thing(match[0].strip(), entities[0].id, plural=True)
    return f"{text[:start]}which {letter} {text[match.end() :]}"


def _others_join(reader: Reader, entity: str) -> bool:
    """Whether "who joined" may be others than those who work here: the members of a club."""
    others = [e for e in reader.known.layer.entities if e.id != entity and reader.known.layer.entity_of(e.table) == e]
    joined = re.search(r"\bjoin(?:ed|s)?\b", reader.sentence.question, re.IGNORECASE)
    return joined is not None and any(nouns_of(e.id, reader.known).day_of("join") for e in others)


def person(reader: Reader, group: str) -> tuple[Filter, ...]:
    """The filter for the one of the things that is called by a value: by its whole name, or a part no other has.

    Raises:
        NotUnderstood: no such thing, or several.
    """
    if len(re.findall(r"V\d+", group)) != 1:
        raise NotUnderstood
    values = reader.thing(re.findall(r"V\d+", group)[0]).values
    return (named(reader.nouns, values),)


def named(nouns: Nouns, values: Sequence[ValueMatch]) -> Filter:
    """The filter on the name, or on a unique part of it, that the values are; see `person`."""
    whole = {value.value for value in values if nouns.label in (value.dimension, value.target)}
    parts = {(value.target, value.value) for value in values if value.target in nouns.name_parts}
    if len(whole) == 1:
        return Filter(nouns.label, "=", (next(iter(whole)),))
    if whole or len(parts) != 1:
        raise NotUnderstood
    [(field, value)] = parts
    if not nouns.is_unique(field):
        raise NotUnderstood
    return Filter(field, "=", (value,))


# -- conditions -------------------------------------------------------------------------------------------------------


def _along(rows: Rows, item: Related) -> Rows:
    return replace(rows, related=(*rows.related, item))


def _hierarchy(reader: Reader) -> str:
    """The column that refers to the superior.

    Raises:
        NotUnderstood: the things have no superiors.
    """
    if not reader.nouns.superior:
        raise NotUnderstood
    return reader.nouns.superior


@clause_of(
    PEOPLE,
    rf"{CONN}<be>(?:report|reports|reporting|reported) {_TO} {_PERSON}",
    rf"{CONN}<be>(?:managed|supervised|led) by {_PERSON}",
    rf"(?:under|of) {_PERSON} (?:team|department)",
    rf"{CONN}(?:have|has|with) {_PERSON} as (?:their|his|her|its)? ?(?:direct )?{_BOSS}",
)
def _under(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Who report to X"."""
    _hierarchy(reader)
    value = next(group for group in groups if group[0] == "V")
    return _along(rows, Related(reader.table, filters=person(reader, value), along="up"))


@clause_of(
    PEOPLE,
    rf"{CONN}(?:<be>without|with no|have no|has no|having no|do not have|does not have) (?:a )?{_BOSS}",
    rf"{CONN}(?:report|reports|reporting) {_TO} {_NOBODY}",
    rf"{CONN}(?:do|does) not report {_TO} (?:anyone|anybody|a {_BOSS}|someone)(?: else)?",
)
def _at_the_top(reader: Reader, rows: Rows, _: Sequence[str]) -> Rows | None:
    """ "Without a manager"."""
    return reader.with_filter(rows, Filter(_hierarchy(reader), "is null"))


@clause_of(
    PEOPLE,
    rf"{CONN}(?:with|have|has|having) a {_BOSS}",
    rf"{CONN}(?:report|reports|reporting) {_TO} (?:someone|somebody|a {_BOSS})(?: else)?",
)
def _with_superior(reader: Reader, rows: Rows, _: Sequence[str]) -> Rows | None:
    """ "With a manager"."""
    return reader.with_filter(rows, Filter(_hierarchy(reader), "is not null"))


@clause_of(
    PEOPLE,
    rf"{CONN}(?:are (?:{_BOSSES})|is a {_BOSS})",
    rf"{CONN}(?:manage|manages|managing|supervise|supervises|supervising|lead|leading) {_ANYBODY}",
    rf"{CONN}(?:with|have|has|having) (?:{_REPORTS}|(?:people|someone|others) (?:who )?report(?:ing|s)? to {_THEM})",
)
def _with_reports(reader: Reader, rows: Rows, _: Sequence[str]) -> Rows | None:
    """ "Who manage others"."""
    _hierarchy(reader)
    return _along(rows, Related(reader.table, along="down"))


@clause_of(
    PEOPLE,
    rf"{CONN}(?:<be>not) (?:a )?(?:{_BOSS}|{_BOSSES})",
    rf"{CONN}(?:do|does) not (?:manage|supervise|lead) (?:anyone|anybody|any E|E|people)",
    rf"{CONN}(?:manage|manages|supervise|supervises) {_NOBODY}",
    rf"{CONN}(?:without|with no|have no|has no|do not have|does not have) (?:{_REPORTS})",
)
def _without_reports(reader: Reader, rows: Rows, _: Sequence[str]) -> Rows | None:
    """ "Who manage nobody"."""
    _hierarchy(reader)
    return _along(rows, Related(reader.table, negated=True, along="down"))


# -- whole lines ------------------------------------------------------------------------------------------------------

Answer = Callable[[Reader, Sequence[str]], SemanticQuery | None]


def reporting(reader: Reader, start: int) -> Iterator[SemanticQuery]:
    """Every query about superiors that the whole line is."""
    if not reader.nouns.superior:
        return
    for form, answer in _FORMS:
        match = form.fullmatch(reader.sentence.text, start)
        if match:
            try:
                query = answer(reader, [group for group in match.groups() if group])
            except NotUnderstood:
                continue
            if query is not None:
                yield query


def _listed(reader: Reader, *related: Related, columns: Sequence[str] = ()) -> SemanticQuery:
    shown = tuple(columns) or (reader.nouns.label,)
    return SemanticQuery(pattern="list", entity=reader.nouns.entity.id, columns=shown, related=related)


def _superior(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "Who does X report to", "the phone number of X's manager"."""
    value = next(group for group in groups if group[0] == "V")
    letters = next((group for group in groups if group[0] in "CF"), "")
    fields = [reader.field_of(letter) for letter in re.findall(r"[CF]\d+", letters)]
    return _listed(reader, Related(reader.table, filters=person(reader, value), along="down"), columns=fields)


def _subordinates(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "X's direct reports"."""
    value = next(group for group in groups if group[0] == "V")
    return _listed(reader, Related(reader.table, filters=person(reader, value), along="up"))


def _number_of_subordinates(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "How many direct reports does X have"."""
    value = next(group for group in groups if group[0] == "V")
    up = Related(reader.table, filters=person(reader, value), along="up")
    return SemanticQuery((reader.nouns.count,), pattern="total", related=(up,))


def _superiors(reader: Reader, _: Sequence[str]) -> SemanticQuery | None:
    """ "List all managers"."""
    return _listed(reader, Related(reader.table, along="down"))


def _number_of_superiors(reader: Reader, _: Sequence[str]) -> SemanticQuery | None:
    return SemanticQuery((reader.nouns.count,), pattern="total", related=(Related(reader.table, along="down"),))


def _per_superior(reader: Reader, _: Sequence[str]) -> SemanticQuery | None:
    """ "How many people report to each manager"."""
    return SemanticQuery(pattern="reports", entity=reader.nouns.entity.id)


def _with_superiors(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "Each employee with their manager", without those who have none where that is said."""
    said = reader.sentence.text
    letters = [letter for group in groups for letter in re.findall(r"C\d+", group)]
    fields = [reader.field_of(letter) for letter in letters]
    nobody = re.search(r"\b(?:leave|leaving|skip|without|only|who has a|who have a|blank|include|including)\b", said)
    word = nobody[0] if nobody else ""
    if not (word or re.search(r"\b(?:all|every|each|everyone|everybody)\b", said)):
        return None  # with the one who reports to nobody, or not?
    leaves_out = word not in ("", "blank", "include", "including")
    filters = (Filter(_hierarchy(reader), "is not null"),) if leaves_out else ()
    shown = tuple(dict.fromkeys([reader.nouns.label, *fields]))
    return SemanticQuery(pattern="superiors", entity=reader.nouns.entity.id, columns=shown, filters=filters)


def _most_reports(reader: Reader, groups: Sequence[str]) -> SemanticQuery | None:
    """ "The manager with the most direct reports"."""
    order = "asc" if groups[0] in ("fewest", "least") else "desc"
    return SemanticQuery(pattern="reports", entity=reader.nouns.entity.id, order=order, limit=1)  # type: ignore[arg-type]


_HOLDER = rf"(?:{_PERSON} {_BOSS}|{_BOSS} (?:of|for|to|above|over) {_PERSON})"
_WHOM = r"(?:who|whom|which E98) (?:reports|report|answers|answer) to (?:who|whom)"
_EVERYBODY = r"(?:(?:all|every|each) )?(?:E|everyone|everybody)"
_THE_BOSS = (
    rf"(?:(?:his|her|their|its) )?(?:{_BOSS}|{_BOSSES}|(?:(?:E|person|one|name of person|C of person) )"
    rf"(?:that )?(?:they|he|she|they each) (?:report|reports|answer|answers) to|{_BOSS} (?:they|he|she) "
    r"(?:report|reports|answer|answers) to)"
)
_BESIDE_THEM = (
    rf"(?: ,)?(?: C(?: ,)?(?: and)?)? ?(?:and|with|next to|beside|alongside|together with|plus)"
    rf"(?: C of)?(?: name of)? {_THE_BOSS}(?: (?:C|name))?"
)
_NONE = (
    rf"(?:leave|leaving|skip) (?:out|{_BOSS} blank|boss blank|blank)(?: (?:whoever|those|anyone|anybody|who|if there"
    rf"|for|one|without|that|people|with|has|have|no|is|is not|are|not|none|a|there|{_BOSS}|{_BOSSES}))*"
)
_STAFF = rf"(?:people|persons|staff|E|{_REPORTS})"
_FORMS: tuple[tuple[re.Pattern[str], Answer], ...] = tuple(
    (pattern(form), answer)
    for answer, forms in (
        (_superior, (
            rf"(?:who|whom|which E|which {_BOSS})(?: do| does| did| is)? {_PERSON} (?:report|reports|reporting)"
            rf" {_TO}",
            rf"to (?:who|whom|which E|which {_BOSS}) (?:does|did|is) {_PERSON} (?:report|reporting)",
            rf"(?:(?:who|what) (?:is|was) )?{_HOLDER}",
            rf"(?:which E98|who|which E|which {_BOSS}) (?:manages|supervises|leads|heads) {_PERSON}",
            rf"(?:what (?:is|are) )?L (?:of|for) {_HOLDER}", rf"(?:what (?:is|are) )?{_PERSON} {_BOSS} L",
            rf"who is {_BOSS} of {_PERSON}", rf"what (?:is )?{_PERSON} {_BOSS} called",
        )),
        (_subordinates, (
            rf"(?:(?:who|which) (?:is|are) )?(?:{_REPORTS}) (?:of|for|to|under) {_PERSON}",
            rf"(?:(?:who|which) (?:is|are) )?{_PERSON} (?:{_REPORTS}|team)",
            rf"(?:who|which E) (?:does|do) {_PERSON} (?:manage|supervise|lead)",
            rf"(?:who|which E) (?:is|are) in {_PERSON} team",
        )),
        (_number_of_subordinates, (
            rf"how many {_STAFF} (?:does|do) {_PERSON} {_LEAD}",
            rf"how many {_STAFF} (?:report|reports|are reporting) {_TO} {_PERSON}",
            rf"(?:number|count) of (?:{_REPORTS}) (?:of|for|to|under) {_PERSON}",
            rf"how many {_STAFF} are under {_PERSON}",
        )),
        (_superiors, (
            rf"(?:(?:who|which) are )?(?:every |all )?(?:{_BOSSES})(?: do we have| are there)?",
            rf"(?:which E98|which E|who) (?:are (?:{_BOSSES})|is a {_BOSS})",
        )),
        (_number_of_superiors, (rf"(?:how many|number of) (?:{_BOSSES})(?: do we have| are there)?",)),
        (_per_superior, (
            rf"how many {_STAFF} (?:report|reports|are reporting) {_TO} (?:each|every) {_BOSS}",
            rf"how many {_STAFF} (?:does|do) (?:each|every) {_BOSS} {_LEAD}",
            rf"(?:number|count) of {_STAFF} (?:per|by|(?:for|of|under|reporting to) (?:each|every)) {_BOSS}",
            rf"{_STAFF} (?:per|by) {_BOSS}",
            rf"(?:each|every) {_BOSS} (?:with|and) (?:their |its )?number of (?:{_REPORTS})",
            rf"(?:(?:each|every|all) )?(?:{_BOSS}|{_BOSSES}) (?:with|and) (?:their |his |her )?(?:number of|how many)"
            rf" {_STAFF} (?:(?:who |that )?(?:report|reports|reporting|is reporting|are reporting) {_TO} {_THEM})",
            rf"(?:{_BOSSES}) (?:with|and) (?:their )?number of (?:{_REPORTS})",
            rf"how many {_STAFF} (?:report|reports) {_TO} them by {_BOSS}",
        )),
        (_with_superiors, (
            rf"(?:{_WHOM} (?:[.,] )?)?(?:list )?{_EVERYBODY}(?: who (?:has|have) a {_BOSS})?{_BESIDE_THEM}"
            rf"(?: ?[.,] {_NONE})?",
        )),
        (_most_reports, (
            rf"(?:(?:which|what|who is) )?{_BOSS} (?:with|has|have|who has|that has) (most|fewest|least) {_STAFF}"
            rf"(?: reporting to {_THEM})?",
            rf"(?:who|which E|which E98) (?:has|have|manages) (most|fewest|least) (?:{_REPORTS})",
        )),
    )
    for form in forms
)  # fmt: skip


def roles(known: Known) -> frozenset[str]:
    """Ids of the entities that a "who" may mean."""
    every = frozenset().union(*(nouns for _, nouns in _ROLES))
    return frozenset(e.id for e in known.layer.entities if {name.casefold() for name in e.surfaces} & every)
