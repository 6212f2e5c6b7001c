"""What the things of a business and the columns of their tables are called, as one of these things is asked about.

"Phone" is one column of a customer and another of a shipper, so a column's names hold for one entity alone. They are
those of the layer's dimensions and plain sums over the column, its identifier, and what everybody calls such a column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache

from memory.catalog import Column
from memory.intent.known import Known
from memory.lexical import identifier_words, stem, stems, tokenize
from memory.semantics import Entity, Metric

__all__ = ["Nouns", "entity_nouns", "nouns_of", "same_verb"]

Words = tuple[str, ...]
"""A name as stems."""

_ALIKE = (
    "phone, phone number, telephone, telephone number",
    "fax, fax number",
    "postal code, postcode, post code, zip, zip code",
    "address, street address, home address",
    "home page, homepage, website, web site, web page, web address",
    "region, state, province",
    "birth date, date of birth, birthday, birthdate",
    "birth year, year of birth",
    "hire date, date of hire, hired date",
    "extension, phone extension",
    "last name, surname, family name",
    "first name, given name",
    "contact name, contact, contact person, name of the contact",
    "contact title, title of the contact, contact job title, job title of the contact",
    "title, job title, position, role",
    "units in stock, stock, stock level, stock on hand, units on hand",
    "units on order, quantity on order",
    "reorder level, reorder point",
)
"""Names that people use for one and the same kind of column."""
_NAMES = frozenset(stems("name number id no code"))
_NO_TAILS = frozenset(stems("name date id no code number level unit order per type value to on courtesy sale page"))
"""Words that alone are too little to name a column."""
_TOO_LITTLE = frozenset(stems("name date id no code number order on to"))
"""Words that are too little even where a column is called just that."""
_ARTICLES = frozenset({"a", "an", "the", "our"})
_COLLECTIVE = frozenset({"staff"})
_WHEN = frozenset({"date", "on", "at"})
"""Last words of the names of columns that say when something was done: `HireDate`, `returned_on`."""
_COLUMN_METRIC = re.compile(r"(?:SUM|AVG)\((\w+\.\w+)\)", re.IGNORECASE)
_COLUMN = re.compile(r"\b\w+\.\w+\b")
_BORN = frozenset({"birth"})
_YEAR = ("year",)
_REPORTING = frozenset(stems("report reports manager supervisor boss superior lead"))


class Nouns:
    """The names of one entity's columns, kinds and days."""

    def __init__(self, entity: Entity, known: Known) -> None:
        self.entity = entity
        self.label = known.compiler.label(entity)
        self._known = known
        self._layer = known.layer
        table = known.linker.catalog.table(entity.table)
        self._columns = table.columns if table else ()
        self._keys = {name for key in (table.foreign_keys if table else ()) for name in key.columns}

    @cached_property
    def columns(self) -> dict[Words, str]:
        """The field that each name means, of the rows or of what they refer to; what could mean two is left out."""
        others = entity_nouns(self._known)
        found = {
            name: next(iter(fields))
            for name, fields in self._of_referred().items()
            if len(fields) == 1 and name not in others and name not in self.kinds
        }
        return {**found, **self.near}

    @cached_property
    def near(self) -> dict[Words, str]:
        """The same without the own names of what an order refers to: its columns, and a product's supplier phone."""
        found: dict[Words, set[str]] = {}
        others = entity_nouns(self._known)
        for name, field in self._column_names():
            told = len(name) > 1 or (name[:1] and name[0] not in _NO_TAILS) or name in self._whole_names
            if told and name not in others and name not in self.flags:
                found.setdefault(name, set()).add(field)
        if self.clock:
            found[("date",)] = {self.clock}
        # "Price" is what a table's only price is called, unless another name is just that.
        for name, field in self._tails():
            if name not in found:
                found[name] = {field}
        for group in _ALIKE:
            names = [_plain(name) for name in group.split(", ")]
            fields = {field for name in names for field in found.get(name, ())}
            if len(fields) == 1:
                for name in names:
                    found.setdefault(name, fields)
        for name, field in self._referred():
            if name not in found and name not in others:
                found[name] = {field}
        found |= {name: {self.label} for name in self._called}
        return {name: next(iter(fields)) for name, fields in found.items() if len(fields) == 1}

    @cached_property
    def kinds(self) -> dict[Words, str]:
        """The metric that counts a kind of the entity's rows, by the words before or after their name ("late")."""
        found: dict[Words, set[str]] = {}
        for metric in self._layer.metrics:
            if metric.filter and self.counts(metric):
                for surface in metric.surfaces:
                    rest = _without(stems(surface), self._own_names)
                    if rest and "number" not in rest:
                        found.setdefault(rest, set()).add(metric.id)
        return {name: next(iter(metrics)) for name, metrics in found.items() if len(metrics) == 1}

    @cached_property
    def flags(self) -> dict[Words, str]:
        """The yes-or-no field that an adjective means."""
        flags = [d for d in self._layer.dimensions if d.type == "boolean" and self._is_own(d.table)]
        return {stems(surface): d.id for d in flags for surface in d.surfaces}

    @cached_property
    def days(self) -> dict[str, str]:
        """The date column that a verb is about: "hired" and the hire date."""
        found: dict[str, set[str]] = {}
        for name, field in self._column_names():
            column = self.column(field)
            if column and column.family == "date" and len(name) <= 3 and _WHEN & set(name):
                words = [word for word in name if word not in ("date", "of", "on", "at")]
                if len(words) == 1:
                    found.setdefault(words[0], set()).add(field)
            elif column and self.is_year(field) and len(name) == 2 and name[1] == "year":
                found.setdefault(name[0], set()).add(field)
        if self.clock:
            for verb in ("plac", "mak", "receiv", "take"):
                found.setdefault(verb, {self.clock})
        return {verb: next(iter(fields)) for verb, fields in found.items() if len(fields) == 1}

    @cached_property
    def superior(self) -> str:
        """The column by which a row says whom it reports to, "" where rows report to nobody."""
        table = self._known.linker.catalog.table(self.entity.table)
        keys = [key for key in (table.foreign_keys if table else ()) if self._is_own(key.target_table)]
        for key in keys if len(keys) == 1 and len(keys[0].columns) == 1 else ():
            keyed = [e for e in self._layer.entities if self._is_own(e.table) and e.key == key.columns[0]]
            words = set(stems(identifier_words(key.columns[0])))
            words = words.union(*(stems(name) for e in keyed for name in e.surfaces))
            if words & _REPORTING:
                return f"{self.entity.table}.{key.columns[0]}"
        return ""

    @cached_property
    def name_parts(self) -> frozenset[str]:
        """The columns that the name of a row is put together from: first and last name."""
        expression = "" if "." in self.label else self._layer.dimension(self.label).sql
        return frozenset(_COLUMN.findall(expression))

    @property
    def is_person(self) -> bool:
        """Whether the rows are called by names of several parts, as people are."""
        return len(self.name_parts) > 1

    def is_year(self, field: str) -> bool:
        """Whether a column holds years, as numbers."""
        column = self.column(field)
        return column is not None and column.family == "number" and stems(identifier_words(column.name))[-1:] == _YEAR

    def is_unique(self, field: str) -> bool:
        """Whether no two rows have the same value in a column, as far as the catalog knows."""
        column, table = self.column(field), self._known.linker.catalog.table(self.entity.table)
        return column is not None and table is not None and column.distinct == table.row_count

    @property
    def clock(self) -> str:
        """The column that says when a row happened, for the things whose periods a question means."""
        column = self._layer.calendar.time_column
        return column if self._is_own(column.partition(".")[0]) else ""

    @property
    def is_numbered(self) -> bool:
        """Whether the entity's rows are called by a number."""
        column = self.column(f"{self.entity.table}.{self.entity.label}")
        return column is not None and column.family == "number"

    @property
    def count(self) -> str:
        """The metric that counts all the entity's rows."""
        plain = (m.id for m in self._layer.metrics if not m.filter and self.counts(m))
        return next(plain, f"count:{self.entity.id}")

    def counts(self, metric: Metric) -> bool:
        """Whether a metric counts rows of the entity's table."""
        sql = metric.sql.replace(" ", "").casefold()
        key = f"count(distinct{self.entity.table}.{self.entity.key})".casefold()
        return self._is_own(metric.base) and sql in ("count(*)", key)

    @property
    def own(self) -> tuple[Column, ...]:
        """The columns of the entity's table."""
        return self._columns

    def column(self, field: str) -> Column | None:
        """The catalog's column of a field; None for a computed one."""
        if "." not in field:
            dimension = self._layer.dimension(field)
            return self._known.linker.catalog.column(dimension.table, dimension.column) if dimension.column else None
        table, _, name = field.partition(".")
        return self._known.linker.catalog.column(table, name)

    def named(self, *names: str) -> str:
        """The first field that has one of the names, "" without one."""
        return next((self.near[stems(name)] for name in names if stems(name) in self.near), "")

    def day_of(self, verb: str) -> str:
        """The date column that a verb's stem is about, "" without one."""
        if verb == "born":
            return next((field for word, field in self.days.items() if word in _BORN), "")
        return next((field for word, field in self.days.items() if same_verb(word, verb)), "")

    # -- names -----------------------------------------------------------------------------------------------------

    @cached_property
    def _whole_names(self) -> frozenset[Words]:
        """The names that columns of the table have in full, which nothing but they can mean: `pages`."""
        return frozenset(
            words for c in self._columns if len(words := stems(identifier_words(c.name))) == 1 and c.name.islower()
        ) - frozenset((word,) for word in _TOO_LITTLE)

    @cached_property
    def _own_names(self) -> frozenset[Words]:
        return frozenset(entity_nouns_of(self.entity, self._known)) | {stems(self.entity.name)}

    def _is_own(self, table: str) -> bool:
        return table.casefold() == self.entity.table.casefold()

    def _column_names(self) -> Iterator[tuple[Words, str]]:
        for dimension in self._layer.dimensions:
            if self._is_own(dimension.table):
                field = f"{dimension.table}.{dimension.column}" if dimension.column else dimension.id
                field = self.label if dimension.id == self.label else field
                for surface in dimension.surfaces:
                    words = _plain(surface)
                    rest = _without(words, self._own_names)
                    if not rest or words[: len(rest)] != rest:  # "country of the customer" is a country and a customer
                        yield words, field
                    yield rest, field
        for column in self._columns:
            words = stems(identifier_words(column.name))
            if words and column.name not in self._keys:
                field = f"{self.entity.table}.{column.name}"
                field = self.label if self._is_label(column.name) else field
                yield words, field
                if words[-1] in _WHEN and len(words) == 2:
                    yield from (((words[0], "date"), field), (("date", "of", words[0]), field))
        yield from self._summed()

    def _is_label(self, column: str) -> bool:
        dimension = None if "." in self.label else self._layer.dimension(self.label)
        return self.label == f"{self.entity.table}.{column}" or (dimension is not None and dimension.column == column)

    def _summed(self) -> Iterator[tuple[Words, str]]:
        """Metrics that only add up or average a column name it: an order's "shipping cost"."""
        for metric in self._layer.metrics:
            match = _COLUMN_METRIC.fullmatch(metric.sql) if not metric.filter else None
            if match and self._is_own(match[1].partition(".")[0]) and match[0].upper().startswith("SUM"):
                for surface in metric.surfaces:
                    if "total" not in stems(surface):
                        yield _plain(surface), match[1]

    def _tails(self) -> Iterator[tuple[Words, str]]:
        ends: dict[str, list[str]] = {}
        for column in self._columns:
            words = stems(identifier_words(column.name))
            if column.name not in self._keys and len(words) > 1:
                ends.setdefault(words[-1], []).append(f"{self.entity.table}.{column.name}")
        for end, fields in ends.items():
            if len(fields) == 1 and end not in _NO_TAILS and not self._elsewhere(end):
                yield (end,), fields[0]

    def _referred(self) -> Iterator[tuple[Words, str]]:
        """Columns of what a row refers to, under both their names: a product's "supplier phone"."""
        table = self._known.linker.catalog.table(self.entity.table)
        for key in table.foreign_keys if table else ():
            other = self._layer.entity_of(key.target_table)
            if other is None:
                yield from self._dimensions_of(key.target_table)
            if other is None or self._is_own(other.table):
                continue
            for words, field in Nouns(other, self._known)._own_columns():
                for name in entity_nouns_of(other, self._known):
                    yield (*name, *words), field

    def _dimensions_of(self, table: str) -> Iterator[tuple[Words, str]]:
        """What a row is called to be of by a table whose rows are no things of their own: a book's genre."""
        for dimension in self._layer.dimensions:
            if dimension.table.casefold() == table.casefold():
                yield from ((_plain(surface), dimension.id) for surface in dimension.surfaces)

    @property
    def _called(self) -> tuple[Words, ...]:
        """What everybody calls the name of a row."""
        company = stem("company")
        named = ((company,),) if company in stems(identifier_words(self.entity.label)) else ()
        return (("name",), ("full", "name"), *named)

    def _of_referred(self) -> dict[Words, set[str]]:
        """Columns of all that a numbered event refers to, by their own names: "extension" is only the employee's."""
        found: dict[Words, set[str]] = {}
        if not (self.clock and self.is_numbered):
            return found
        table = self._known.linker.catalog.table(self.entity.table)
        for key in table.foreign_keys if table else ():
            other = self._layer.entity_of(key.target_table)
            for words, field in (
                Nouns(other, self._known)._own_columns() if other and not self._is_own(other.table) else ()
            ):
                found.setdefault(words, set()).add(field)
        return found

    def _own_columns(self) -> Iterator[tuple[Words, str]]:
        for column in self._columns:
            words = stems(identifier_words(column.name))
            if words and column.name not in self._keys and not self._is_label(column.name):
                yield words, f"{self.entity.table}.{column.name}"
                for group in _ALIKE:
                    names = [_plain(name) for name in group.split(", ")]
                    if words in names:
                        yield from ((name, f"{self.entity.table}.{column.name}") for name in names)
        yield ("name",), self.label

    def _elsewhere(self, end: str) -> bool:
        """Whether what a row refers to has such a column too: an order's city, or its customer's?"""
        joins, catalog = self._known.linker.joins, self._known.linker.catalog
        for table in catalog.tables:
            near = not self._is_own(table.name) and joins.between(self.entity.table, table.name)
            if near and any(stems(identifier_words(column.name))[-1:] == (end,) for column in table.columns):
                return True
        return False


@lru_cache(maxsize=256)
def nouns_of(entity_id: str, known: Known) -> Nouns:
    """The names of the entity of that id, remembered between questions."""
    return Nouns(known.layer.entity(entity_id), known)


def entity_nouns(known: Known) -> dict[Words, str]:
    """Every name of an entity whose rows are all rows of its table; names that could mean two are left out."""
    found: dict[Words, set[str]] = {}
    for entity in known.layer.entities:
        if known.layer.entity_of(entity.table) == entity:
            for name in entity_nouns_of(entity, known):
                found.setdefault(name, set()).add(entity.id)
    return {name: next(iter(ids)) for name, ids in found.items() if len(ids) == 1}


def entity_nouns_of(entity: Entity, known: Known) -> Iterator[Words]:
    """The names of one entity: its own, those of what its rows are called by, and those of what counts them."""
    yield from map(stems, entity.surfaces)
    if known.layer.entity_of(entity.table) == entity:
        yield stems(identifier_words(entity.table))  # "staff" for the rows of the table `staff`
    label = f"{entity.table}.{entity.label}"
    for dimension in known.layer.dimensions:
        if dimension.expression == label or dimension.id == known.compiler.label(entity):
            yield from (name for name in map(stems, dimension.surfaces) if name[-1] not in _NAMES)
    nouns = Nouns(entity, known)
    for metric in known.layer.metrics:
        if not metric.filter and nouns.counts(metric):
            for surface in metric.surfaces:
                words = tokenize(surface)
                if len(words) == 1 and (words[0].is_plural or words[0].folded in _COLLECTIVE):
                    yield (words[0].stem,)


def same_verb(first: str, second: str) -> bool:
    """Whether two stems are of one verb; "hired" and "hire" differ by a letter that short words keep."""
    return first == second or first + "e" == second or second + "e" == first


def _plain(name: str) -> Words:
    return tuple(token.stem for token in tokenize(name) if token.folded not in _ARTICLES)


def _without(words: Words, names: Iterable[Words]) -> Words:
    """The words without the longest of the names that stands at their start or end, "of" before it included."""
    for name in sorted(names, key=len, reverse=True):
        if len(name) < len(words):
            if words[: len(name)] == name:
                return words[len(name) :]
            if words[-len(name) :] == name:
                rest = words[: -len(name)]
                return rest[:-1] if rest[-1:] == ("of",) else rest
    return ()
