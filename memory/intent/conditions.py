"""Clauses about the things' own values: where they are, how much, when, what is missing, of which kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from memory.compiler import Filter, TimeWindow
from memory.intent.rows import CONN, NOTHING, Clause, Reader, Rows, clause_of, verb_stem
from memory.lexical import identifier_words, stems
from memory.values import ValueMatch

__all__ = ["CONDITIONS"]

CONDITIONS: list[Clause] = []

_IS = rf"{CONN}(?:(?:is|are|was|were|have|has|had) )?(?:still )?(?:have )?"
_PLACE = (
    "(?:(?:is |are |was |were )?(?:located|based|situated|living|working|lives?|works?|are|is|were) )?"
    "(?:in|from|at|out of)"
)


# -- values -----------------------------------------------------------------------------------------------------------


@clause_of(
    CONDITIONS,
    rf"{CONN}{_PLACE} V",
    rf"{CONN}(?:of|for|by|under) V",
)
def _in_value(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "In Germany", "from Berlin", "of Seafood"."""
    tables = {value.table.casefold() for thing in reader.sentence.named(groups[0]) for value in thing.values}
    if reader.nouns.clock and reader.table.casefold() in tables and len(tables) > 1:
        return None  # "orders from Berlin": whose customers are there, or that were shipped there?
    found = reader.matches(groups[0], lambda _: True)
    own = reader.known.own_column_like(reader.table, found.field) if reader.is_far(found.field) else ""
    if own:  # "customers in Australia": nobody is there, though suppliers are
        return reader.with_filter(rows, replace(found, field=own))
    far = reader.is_far(found.field)
    if far and (found.op == "in" or (reader.nouns.clock and found.field not in reader.known.labels)):
        return None  # "orders from Australia": neither placed there nor shipped to it
    return reader.condition(rows, found)


@clause_of(
    CONDITIONS,
    r"(?:that |which |who )?(?:is|are|was|were)(?: still| currently| now)? V",
)
def _being(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "That are still waiting": what one of their own columns says."""
    found = reader.matches(groups[0], lambda value: reader.is_own(value.table))
    return None if found.field in reader.known.labels else reader.with_filter(rows, found)


@clause_of(
    CONDITIONS,
    rf"{CONN}{_PLACE} V ([a-z]+)",
)
def _in_value_called(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "In the Southern region": the last word of what the value is one of."""
    found = reader.matches(groups[0], lambda value: bool(value.dimension))
    if "." in found.field or stems(groups[1])[-1:] != stems(reader.known.layer.dimension(found.field).name)[-1:]:
        return None
    return reader.condition(rows, found)


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:not|outside|outside of|(?:except|excluding|other than)(?: those)?) (?:located |based )?(?:in "
    r"|from )?V",
)
def _not_in_value(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Not in Germany", of a column that every row has."""
    found = reader.matches(groups[0], lambda value: reader.is_own(value.table))
    if reader.nullable(found.field):
        return None
    return reader.with_filter(rows, Filter(found.field, "not in" if found.op == "in" else "!=", found.values))


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:of|in|from|for|with|by|via|under) F V",
    rf"{CONN}(?:of|in|from|for|under) V F",
)
def _named_value(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "In the Seafood category", "from supplier X"."""
    thing = next(group for group in groups if group[0] == "F")
    value = next(group for group in groups if group[0] == "V")
    label = reader.known.compiler.label(reader.known.layer.entity(reader.thing(thing).name))
    return reader.condition(rows, reader.matches(value, lambda match: label in (match.dimension, match.target)))


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:with|in|of|from) (?:a )?C(?: of)? V",
    rf"{CONN}whose C (?:is|are) (?:a )?V",
    r"(?:is|are) C (?:a )?V",
    rf"{CONN}where C (?:is|are) (?:a )?V",
    rf"{CONN}{_PLACE} V C",
    rf"{CONN}with V as (?:their )?C",
    rf"{CONN}with (?:a )?V as C",
)
def _column_value(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With the title X", "whose region is X"."""
    column = reader.thing(next(group for group in groups if group[0] == "C")).name
    value = next(group for group in groups if group[0] == "V")
    held = reader.nouns.column(column)
    columns = {match.column.casefold() for thing in reader.sentence.named(value) for match in thing.values}
    named = held.name if held else ""
    if named.casefold() not in columns:  # "whose contact is the owner" says what they are
        kind = stems(identifier_words(named))[:1]
        alike = [c.name for c in reader.nouns.own if c.name != named and stems(identifier_words(c.name))[:1] == kind]
        named = alike[0] if len(alike) == 1 else named

    def fits(match: ValueMatch) -> bool:
        return reader.is_own(match.table) and match.column.casefold() == named.casefold()

    beside = (*rows.beside, column) if held is not None and held.name != named else rows.beside
    return reader.with_filter(replace(rows, beside=beside), reader.matches(value, fits))


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:except|except for|excluding|leaving out|not counting|other than|without) (?:those with )?C V",
)
def _but_column_value(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Except those with the title X"."""
    found = _column_value(reader, Rows(), groups)
    if found is None or reader.nullable(reader.thing(groups[0]).name):
        return None
    [kept] = found.filters
    return reader.with_filter(rows, replace(kept, op="not in" if kept.op == "in" else "!="))


# -- numbers, days and texts ------------------------------------------------------------------------------------------


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:(?:with|having|have|has|had) )?(?:a )?C (?:(?:is|are|was) )?(?:of )?Q",
    rf"{CONN}(?:whose|where) C (?:is|are|was) (?:of )?Q",
    rf"{CONN}(?:with|having|have|has) Q(?: of)? C(?: left)?",
)
def _of_number(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With a freight over 100", "with fewer than 10 units in stock"."""
    column = reader.thing(next(group for group in groups if group[0] == "C")).name
    quantity = reader.thing(next(group for group in groups if group[0] == "Q"))
    return reader.with_filter(rows, reader.number(column, quantity))


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:with|having|have|has) Q (?:units |left )?in C",
)
def _in_stock(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With fewer than 10 in stock"."""
    thing = reader.thing(groups[1])
    if thing.surface.lower() not in ("stock", "inventory"):
        return None
    return reader.with_filter(rows, reader.number(thing.name, reader.thing(groups[0])))


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:with|having|have|has) Q (?:[MC]\d+ )?(?:units? )?left(?: in stock| in C)?(?:, and how many are"
    rf" left)?",
)
def _left(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With fewer than 20 units left"."""
    stock = reader.nouns.named("units in stock", "quantity in stock")
    return reader.with_filter(rows, reader.number(stock, reader.thing(groups[0]))) if stock else None


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:<be>(?:priced|going for)|cost|costs|costing|sell for)(?: at)? Q",
)
def _priced(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "That cost more than 20"."""
    price = reader.nouns.named("price", "unit price")
    return reader.with_filter(rows, reader.number(price, reader.thing(groups[0]))) if price else None


@clause_of(
    CONDITIONS,
    rf"{CONN}<be>Q",
)
def _worth(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Products over $20": a price only where it is said to be money."""
    quantity = reader.thing(groups[0])
    amount = reader.nouns.named("amount")
    if quantity.unit != "USD":
        return None
    return reader.with_filter(rows, reader.number(amount, quantity)) if amount else _priced(reader, rows, groups)


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:cost|costs|costing) Q to ship",
)
def _shipping(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    field = reader.nouns.named("shipping cost")
    return reader.with_filter(rows, reader.number(field, reader.thing(groups[0]))) if field else None


@clause_of(
    CONDITIONS,
    rf"{CONN}<be>(more expensive|pricier|dearer|cheaper|less expensive) than N",
)
def _dearer(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    price, number = reader.nouns.named("price", "unit price"), reader.thing(groups[1])
    sign = "<" if groups[0] in ("cheaper", "less expensive") else ">"
    return reader.with_filter(rows, reader.number(price, replace(number, name=sign))) if price else None


@clause_of(
    CONDITIONS,
    rf"{CONN}<be>([a-z]+)(?: (?:in|during|on|for|by))? P",
    rf"{CONN}(?:with|whose) (?:a )?C (?:is |was |falls |lies )?(?:in |on |during )?P",
)
def _on_day(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Hired before 2015", "with a due date in March 2023"."""
    period = reader.thing(groups[1]).period
    field = reader.thing(groups[0]).name if groups[0][0] == "C" else reader.nouns.day_of(verb_stem(groups[0]))
    column = reader.nouns.column(field) if field else None
    if period is not None and field and reader.nouns.is_year(field):
        return reader.with_filter(rows, *reader.in_years(field, period))
    if period is None or column is None or column.family != "date":
        return None
    if field == reader.time and rows.window is None:
        return replace(rows, window=TimeWindow(period.start, period.end))
    return reader.with_filter(rows, *reader.dated(field, period)) if field != reader.time else None


@clause_of(
    CONDITIONS,
    r"(?:(?:, )?(?:in|during|from|of|for|on|over|throughout) )?P",
)
def _in_period(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Of 2023", of things that happen."""
    period = reader.thing(groups[0]).period
    if not reader.nouns.clock or period is None or rows.window is not None:
        return None
    return replace(rows, window=TimeWindow(period.start, period.end))


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:(?:whose|where|with|with a|having|have) )?(?:a )?C (?:that )?(starts?|begins?|starting"
    r"|beginning|ends?|ending) (?:with|in)(?: letters?)? T",
    rf"{CONN}(contain|contains|containing|include|includes|including|with)(?: word)? T",
    rf"{CONN}(start|begin|starting|beginning|end|ending) (?:with|in)(?: letters?)? T",
)
def _starting(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    field = reader.thing(groups[0]).name if groups[0][0] == "C" else reader.nouns.label
    text = reader.thing(groups[-1]).name
    if groups[-2].startswith(("contain", "includ", "with")):
        return _like(reader, rows, field, f"%{text}%")
    end = groups[-2].startswith("end")
    return _like(reader, rows, field, f"%{text}" if end else f"{text}%")


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:(?:whose|where|with|with a) )?(?:a )?C (?:contains?|containing|includes?|mentions?)(?: word)? T",
    rf"{CONN}(?:with|have|having|where)(?: word)? T (?:in|is part of|is in)(?: their| its)? C",
)
def _containing(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    letter = next(group for group in groups if group[0] == "C")
    text = reader.thing(next(group for group in groups if group[0] == "T")).name
    return _like(reader, rows, reader.thing(letter).name, f"%{text}%")


@clause_of(
    CONDITIONS,
    rf"{CONN}<be>(?:packed|packaged) in ([a-z]+)",
)
def _packed(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Packed in jars"."""
    field = reader.nouns.named("pack size", "packaging")
    return _like(reader, rows, field, f"%{groups[0]}%") if field else None


def _like(reader: Reader, rows: Rows, field: str, text: str) -> Rows | None:
    column = reader.nouns.column(field)
    if "_" in text or text.count("%") > 2 or (column is not None and column.family != "text"):
        return None
    return reader.with_filter(rows, Filter(field, "like", (text,)))


# -- missing values, kinds and flags ----------------------------------------------------------------------------------


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:{NOTHING}|missing|lacking|with missing|with empty|with a (?:blank|empty|missing|unknown)|for "
    r"(?:which|whom) we (?:have|know) no) (?:a )?C(?: on file| on record)?",
    rf"{CONN}(?:whose|where) C is (?:missing|empty|unknown|blank|not known|not given|null)",
    rf"{CONN}where no C is (?:given|known)",
    rf"{CONN}whose C we do not (?:know|have)",
)
def _missing(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With no fax number"."""
    field = reader.thing(groups[0]).name
    return reader.with_filter(rows, Filter(field, "is null")) if reader.nullable(field) else None


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:with no|have no|has no|having no|without) C(?: left| at all)?",
)
def _zero(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With no stock": a number that every row has is nought."""
    field = reader.thing(groups[0]).name
    column = reader.nouns.column(field)
    if column is None or column.family != "number" or column.nullable:
        return None
    return reader.with_filter(rows, Filter(field, "=", (0,)))


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:with|have|has|do have|for which we (?:have|know)) a C(?: on file| on record)?",
    r"(?:do we have|have we got|we have|we know) (?:a )?C(?: on file| on record)?",
    rf"{CONN}with C on (?:file|record)",
    rf"{CONN}(?:whose|where) C (?:is (?:filled in|on file|present|known|given)|we know)",
    rf"{CONN}whose C we know",
)
def _present(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "With a fax number"."""
    field = reader.thing(groups[0]).name
    return reader.with_filter(rows, Filter(field, "is not null")) if reader.nullable(field) else None


@clause_of(
    CONDITIONS,
    rf"{_IS}not (?:yet|yet been|been yet) ([a-z]+)",
    rf"{_IS}not (?:been )?([a-z]+)(?: yet|(?! yet| (?:by|via|with|to|from|for) ))",
    rf"{CONN}(?:<be>)?(?:still |yet |waiting |still waiting |still yet )to (?:be )?([a-z]+)",
    rf"{CONN}still (?:have |has )?not (?:yet )?(?:been )?([a-z]+)",
)
def _not_yet(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Not yet shipped"; but what was "not shipped by V" may well have been shipped."""
    field = reader.nouns.day_of(verb_stem(groups[0]))
    return reader.with_filter(rows, Filter(field, "is null")) if field and reader.nullable(field) else None


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:have |has )(?:already )?been ([a-z]+)",
    rf"{CONN}(?:<be>)?already ([a-z]+)",
)
def _already(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "Already shipped"."""
    field = reader.nouns.day_of(verb_stem(groups[0]))
    return reader.with_filter(rows, Filter(field, "is not null")) if field and reader.nullable(field) else None


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:<be>|have |has |we )K",
    rf"{CONN}(?:<be>|we )B",
    rf"{CONN}<be>(?:marked|flagged) as B",
)
def _of_kind(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    """ "That are late", "discontinued"."""
    thing = reader.thing(groups[0])
    if groups[0][0] == "B":
        return reader.with_filter(rows, Filter(thing.name, "=", (1,)))
    return None if thing.name in rows.kinds else replace(rows, kinds=(*rows.kinds, thing.name))


@clause_of(
    CONDITIONS,
    rf"{CONN}(?:(?:is|are|were|was|have|has) )?not (?:been )?B",
)
def _not_flagged(reader: Reader, rows: Rows, groups: Sequence[str]) -> Rows | None:
    thing = reader.thing(groups[0])
    return None if " no " in f" {thing.surface} " else reader.with_filter(rows, Filter(thing.name, "=", (0,)))
