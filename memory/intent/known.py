"""What the layer, the catalog and the compiler know, remembered between the questions that are read over one linker."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache

from memory.compiler import Compiler
from memory.compiler.query import Order
from memory.joins import NoJoinPath
from memory.lexical import Token, fold, identifier_words, stem, stems, tokenize
from memory.linking import Linker, Links
from memory.semantics import Metric

__all__ = ["Known", "NotUnderstood"]

_TURNING = frozenset(stems("no not never without more than longer still yet first last who ever only with"))
"""Words that turn the rest of a name into something else than it says alone."""
_BUYERS = frozenset(["customer", "client", "buyer"])
_SELLERS = frozenset(["seller", "salesperson", "sales rep", "sales representative"])
_GOODS = frozenset(["product", "item", "article", "good"])
"""What those who buy, those who sell and what they trade are called in English."""
_TRADED = frozenset(stems("sold ordered bought purchased"))
"""Verbs that say the same of the units that changed hands."""
_UNWELCOME = frozenset(
    stems("late delay overdue cost freight shipping discount return unshipped open backlog expense loss")
)
"""Stems in the names of metrics of which more is worse."""
_LATENESS = frozenset(stems("late delay overdue lateness"))
_DURATIONS = frozenset(["seconds", "minutes", "hours", "days", "weeks", "months", "years"])
_PACES = frozenset(["count", "ratio"])
"""Units of which the fast ones are the short, and those of which they are the many."""
_MEAN = re.compile(r" / COUNT\(DISTINCT \w+\.(\w+)\)")
_SEPARATED = re.compile(r"[,;:](?=\s)|[?!](?=\s)|(?<=\s)[–—/-](?=\s)")
_COLUMN = re.compile(r"\b(\w+)\.(\w+)\b")


class NotUnderstood(Exception):  # noqa: N818  (it ends a reading, and is no error)
    """The question is not one of the plain ones. Never leaves `memory.intent`."""


class Known:
    """One linker with a compiler of its own. Immutable, and safe to share between threads."""

    def __init__(self, linker: Linker) -> None:
        self.linker = linker
        self.layer = linker.layer
        self.compiler = Compiler(linker.layer, linker.catalog, linker.catalog.dialect)
        self.combinable = lru_cache(maxsize=4096)(self.compiler.combinable)
        self.crosses = lru_cache(maxsize=4096)(self.compiler.crosses)

    def link(self, question: str) -> Links:
        """What the question names; no name of it goes on across a comma or the end of a sentence."""
        links = self.linker.link(question)
        crossing = [m for m in links.mentions if _SEPARATED.search(question[m.start : m.end])]
        if not crossing:
            return links
        spans = [(m.start, m.end) for m in crossing]
        kept = [m for m in links.mentions if m not in crossing]
        place = 0
        for sign in [*(match.start() for match in _SEPARATED.finditer(question)), len(question)]:
            if any(place < end and start < sign for start, end in spans):
                part = " " * place + question[place:sign] + " " * (len(question) - sign)
                kept += [m for m in self.linker.link(part).mentions
                         if any(start <= m.start and m.end <= end for start, end in spans)]  # fmt: skip
            place = sign + 1
        return replace(links, mentions=tuple(sorted(kept, key=lambda m: (m.start, m.end))))

    @cached_property
    def labels(self) -> frozenset[str]:
        """The fields that entities are called by."""
        columns = {f"{entity.table}.{entity.label}" for entity in self.layer.entities}
        named = {dimension.id for dimension in self.layer.dimensions if dimension.expression in columns}
        return frozenset({self.compiler.label(entity) for entity in self.layer.entities} | named)

    @cached_property
    def attribute_nouns(self) -> frozenset[str]:
        """Stems of the last words of the dimensions' names: the "city" of Ship City."""
        return frozenset(last_stem(dimension.name) for dimension in self.layer.dimensions)

    @cached_property
    def _metric_names(self) -> dict[tuple[str, ...], str]:
        found: dict[tuple[str, ...], str] = {}
        for metric in self.layer.metrics:
            for surface in metric.surfaces:
                words = tuple(token.folded for token in tokenize(surface))
                found[words] = metric.id if found.get(words, metric.id) == metric.id else ""
        return found

    @cached_property
    def money(self) -> str:
        """Id of the one metric that goes by "revenue" or "sales": what an amount is when no metric is named."""
        found = {self._metric_names.get((name,), "") for name in ("revenue", "sales", "turnover")} - {""}
        return found.pop() if len(found) == 1 else ""

    @cached_property
    def pieces(self) -> str:
        """Id of the one metric that goes by the units, pieces or quantity sold, "" where there is none."""
        names = (("units",), ("units", "sold"), ("quantity", "sold"), ("pieces", "sold"))
        found = {self._metric_names.get(name, "") for name in names} - {""}
        return found.pop() if len(found) == 1 else ""

    @cached_property
    def orders(self) -> str:
        """Id of the metric that counts orders, "" where there is none."""
        return self._metric_names.get(("orders",), "")

    @cached_property
    def table_of_orders(self) -> str:
        """The table whose rows that metric counts, its case folded away."""
        return self.compiler.base(self.orders).casefold() if self.orders else ""

    @cached_property
    def goods(self) -> frozenset[str]:
        """Tables of what is sold by the piece, their case folded away."""
        return frozenset(
            entity.table.casefold() for entity in self.layer.entities if not _GOODS.isdisjoint(_words(entity.surfaces))
        )

    def is_welcome(self, metric: str) -> bool:
        """Whether more of a metric is better, as far as its names say: of cost, delay and discount it is not."""
        names = self.layer.metric(metric).surfaces if ":" not in metric else ()
        return _UNWELCOME.isdisjoint(word for name in names for word in stems(name))

    def counted_in_orders(self, table: str) -> str:
        """The plain metric of how many different rows of a table are on orders, "" where there is not just one."""
        orders = self.compiler.base(self.orders).casefold() if self.orders else ""
        found = [
            f"distinct:{other.name}.{key.columns[0]}"
            for other in self.linker.catalog.tables
            for key in other.foreign_keys
            if key.target_table.casefold() == table.casefold() and len(key.columns) == 1
            and orders in (other.name.casefold(), *(k.target_table.casefold() for k in other.foreign_keys))
        ]  # fmt: skip
        return found[0] if len(found) == 1 and self.compiler.timed(found[0]) else ""

    def is_lateness(self, metric: str) -> bool:
        """Whether a metric says how late things are, so that the worst is the highest."""
        names = self.layer.metric(metric).surfaces if ":" not in metric else ()
        return not _LATENESS.isdisjoint(word for name in names for word in stems(name))

    def speed_order(self, metric: str, word: str) -> Order:
        """Which end of a metric comes first, the "fast" or the "slow" one: of durations, the fast are the short.

        Raises:
            NotUnderstood: it is an amount or a percentage, of which nothing is fast.
        """
        found = self.defined(metric)
        unit = found.unit if found else ""
        if unit not in _DURATIONS | _PACES:
            raise NotUnderstood
        return "asc" if (word == "fast") == (unit in _DURATIONS) else "desc"

    def averaged_over(self, metric: str) -> str:
        """What the things are called by, of which a metric is the money that each brings in on average, else ""."""
        found, money = self.defined(metric), self.defined(self.money) if self.money else None
        match = _MEAN.fullmatch(found.sql.removeprefix(money.sql)) if found and money else None
        for entity in self.layer.entities:
            own = self.layer.entity_of(entity.table) == entity
            if match and own and entity.key == match[1]:
                label = self.compiler.label(entity)
                return label if "." not in label else self.dimension_of(label) or label
        return ""

    def has_clock_of_orders(self, metric: str) -> bool:
        """Whether the metric's periods are those in which orders were placed."""
        found, orders = self.defined(metric), self.defined(self.orders) if self.orders else None
        return bool(found and orders and orders.time and found.time == orders.time)

    def ratio(self, part: str, whole: str) -> str:
        """Id of the one metric that is the first as a percentage of the second, "" where there is none."""
        named = [m.id for m in self.layer.metrics if (m.numerator, m.denominator, m.scale) == (part, whole, 100)]
        return named[0] if len(named) == 1 else ""

    def averaged(self, surface: str) -> str:
        """Id of the metric that is called the average of what has this name ("avg freight"), "" where there is none."""
        return self._metric_names.get(("average", *(token.folded for token in tokenize(surface))), "")

    def share_of_such(self, kind: str, things: str) -> str:
        """Id of the metric called the percentage (or share) of such things, "late" and "orders"; "" where none is."""
        noun = tokenize(things)[-1].folded
        names = [(word, "of", fold(kind), noun) for word in ("percentage", "share", "proportion")]
        found = {self._metric_names.get(name, "") for name in names} - {""}
        return found.pop() if len(found) == 1 else ""

    def is_pieces(self, metric: str) -> bool:
        """Whether a metric is a number of things, of which one asks how many."""
        found = self.defined(metric)
        return found is None or found.unit in ("count", "days")

    def counts_things(self, surface: str) -> bool:
        """Whether a name in the plural is one of a metric that counts: "orders"."""
        tokens = tokenize(surface)
        metric = self._metric_names.get(tuple(token.folded for token in tokens), "") if tokens else ""
        return bool(metric) and tokens[-1].is_plural and self.is_count(metric)

    def is_count(self, metric: str) -> bool:
        """Whether a metric counts rows or things."""
        found = self.defined(metric)
        return found is None or "count(" in found.sql.replace(" ", "").casefold()

    def is_part_of_another(self, entity: str) -> bool:
        """Whether a thing's rows are only told apart by two columns together: the lines of an order."""
        table = self.linker.catalog.table(self.layer.entity(entity).table) if entity else None
        return table is not None and len(table.primary_key) > 1

    def names_a_value(self, surface: str) -> bool:
        """Whether several words that name a thing are, all of them, a value that a column holds as well."""
        found = self.linker.values.match(surface) if " " in surface else ()
        return any((value.start, value.end) == (0, len(surface)) for value in found)

    def parts_of_name(self, field: str) -> frozenset[str]:
        """The columns, `Table.Column`, that what things are called by is put together from: a person's last name."""
        if field not in self.labels or "." in field:
            return frozenset()
        found = frozenset(".".join(name) for name in _COLUMN.findall(self.layer.dimension(field).expression))
        return found if len(found) > 1 else frozenset()

    def referred_to(self, table: str) -> frozenset[str]:
        """The tables that a row of the table refers to, their case folded away."""
        found = self.linker.catalog.table(table)
        return frozenset(key.target_table.casefold() for key in (found.foreign_keys if found else ()))

    def party(self, verb: str) -> str:
        """The dimension that who buys or who sells is called by, "" where the layer knows none."""
        names = _SELLERS if verb == "sell" else _BUYERS
        for entity in self.layer.entities:
            own = self.layer.entity_of(entity.table) == entity
            label = self.compiler.label(entity)
            if own and "." not in label and not names.isdisjoint(_words(entity.surfaces)):
                return label
        return ""

    def table_of(self, field: str) -> str:
        """The table of a dimension id or `Table.Column`, its case folded away."""
        return (field.partition(".")[0] if "." in field else self.layer.dimension(field).table).casefold()

    def dimension_of(self, field: str) -> str:
        """Id of the dimension that is just that `Table.Column`, "" where none is."""
        return next((d.id for d in self.layer.dimensions if f"{d.table}.{d.column}" == field), "")

    def own_column_like(self, table: str, field: str) -> str:
        """The table's own column of the name that a column elsewhere has: everybody's country; "" where it has none."""
        if "." in field or field in self.labels:
            return ""
        dimension, found = self.layer.dimension(field), self.linker.catalog.table(table)
        column = found.column(dimension.column) if found and dimension.column else None
        return f"{table}.{column.name}" if column is not None and table.casefold() != self.table_of(field) else ""

    def is_text(self, field: str) -> bool:
        """Whether a dimension or `Table.Column` holds text."""
        if "." not in field:
            return self.layer.dimension(field).type == "text"
        column = self.linker.catalog.column(*field.split(".", 1))
        return column is not None and column.family == "text"

    def may_be_empty(self, field: str) -> bool:
        """Whether a row may have nothing in the field, as far as the catalog says."""
        dimension = None if "." in field else self.layer.dimension(field)
        named = _COLUMN.findall(field if dimension is None else dimension.expression)
        columns = [self.linker.catalog.column(*name) for name in named]
        return any(column is None or column.nullable for column in columns)

    def repeats(self, field: str, metrics: Sequence[str], entity: str = "") -> bool:
        """Whether a filter on the field joins many rows to one of what is counted, or of the entity listed."""
        if entity:
            table = self.linker.catalog.table(self.table_of(field))
            try:
                return table is None or self.linker.joins.fans_out(self.layer.entity(entity).table, table.name)
            except NoJoinPath:
                return True
        return any(self.crosses(metric, field) for metric in metrics)

    def is_many(self, table: str, other: str) -> bool:
        """Whether a row of the table may have several of the other, or nothing to do with any."""
        try:
            return self.linker.joins.fans_out(table, other)
        except NoJoinPath:
            return True

    def homonym(self, tokens: list[Token]) -> str:
        """Id of the one metric that goes by the same words as a thing ("orders", "units in stock"), else ""."""
        return self._metric_names.get(tuple(token.folded for token in tokens), "")

    def adds_up(self, metric: str) -> bool:
        """Whether the metric's periods add up: a customer counted in each of two months is one customer in both."""
        found = self.defined(metric)
        entity = self.layer.entity_of(found.base) if found else None
        if found is None or not self.compiler.additive(metric):
            return False
        key = f"count(distinct{entity.table}.{entity.key})".casefold() if entity else ""
        plain = found.sql.replace(" ", "").casefold()
        return "distinct" not in plain or plain == key

    def counted_by(self, metric: str) -> str:
        """The field that the things are called by which a metric counts one by one; "" where it counts no things."""
        found = self.defined(metric)
        entity = self.layer.entity_of(found.base) if found and not found.filter else None
        if found is None or entity is None:
            return ""
        plain = found.sql.replace(" ", "").casefold()
        keyed = f"count(distinct{entity.table}.{entity.key})".casefold()
        return self.compiler.label(entity) if plain in ("count(*)", keyed) else ""

    def defined(self, metric: str) -> Metric | None:
        """The layer's metric of that id; None for a plain one such as `count:customer`."""
        return None if ":" in metric else self.layer.metric(metric)

    def accounts_for(self, said: str, metric: str) -> bool:
        """Whether a word is of one of the metric's names: "did we sell" says no more of the units sold."""
        names = [set(stems(name)) for name in self.layer.metric(metric).surfaces] if ":" not in metric else []
        return any(said in name and not name & _TURNING for name in names)

    def is_told_by(self, verb: str, metric: str) -> bool:
        """Whether a participle says no more of the metric: the units "sold", the freight "paid"."""
        found, said = self.defined(metric), stem(fold(verb))
        money = bool(found and found.unit.isupper())
        traded = said in _TRADED and any(self.accounts_for(word, metric) for word in _TRADED)
        if found is not None and self._has_day(found, said):
            return False  # fines "paid" in 2024 are no fines charged then
        return traded or self.accounts_for(said, metric) or (money and verb.lower() == "paid")

    def _has_day(self, metric: Metric, verb: str) -> bool:
        """Whether the metric's rows have a day of that verb, other than the one its periods are of."""
        table = self.linker.catalog.table(metric.base)
        days = [column for column in (table.columns if table else ()) if column.family == "date"]
        named = [f"{metric.base}.{c.name}" for c in days if verb in stems(identifier_words(c.name))]
        return any(name.casefold() != metric.time.casefold() for name in named)

    def is_borrowed(self, surface: str, field: str, metric: str) -> bool:
        """Whether a short name ("country") is of a dimension far from the metric, while a nearer one ends in it."""
        if not self.crosses(metric, field):
            return False
        said = stems(surface)
        return any(
            stems(dimension.name)[-len(said) :] == said and not self.crosses(metric, dimension.id)
            for dimension in self.layer.dimensions
            if dimension.id != field and self.combinable(metric, dimension.id)
        )


def _words(surfaces: Sequence[str]) -> set[str]:
    return {surface.lower() for surface in surfaces}


def last_stem(name: str) -> str:
    """The stem of a name's last word, "" where it has none."""
    return (stems(name) or ("",))[-1]
