"""Compositions: questions the semantic layer can be asked, drawn at random, each with its query and its words.

This module holds what every kind of composition shares (words for metrics, filters, periods, thresholds); the kinds
themselves are in `metrics` (numbers and groups) and `records` (rows and look-ups).
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from finetune.pairs.pair import Level, Parameter
from finetune.pairs.world import World
from finetune.phrasing.grammar import Ask
from finetune.phrasing.periods import Period, draw_pair, draw_period
from finetune.phrasing.vocabulary import Vocabulary, is_plural, is_year, plural, summable
from memory.compiler import CannotCompile, Filter, SemanticQuery, Value
from memory.semantics import Dimension, Entity

__all__ = ["Composer", "Composition", "Draw", "MetricWords"]

_MAX_LABELS = 500
"""A dimension with more values than this is not something people break numbers down by."""
_CURRENCIES = {"USD": ("$", "dollars"), "EUR": ("€", "euros"), "GBP": ("£", "pounds")}


@dataclass(frozen=True)
class Composition:
    """One composed question: what is asked, how it may be said, and how hard it is."""

    query: SemanticQuery
    ask: Ask
    level: Level
    tags: tuple[tuple[str, str], ...] = ()
    shape: str = ""

    @property
    def template_id(self) -> str:
        """The composition's stand-in for a template's id."""
        return f"compose.{self.shape or self.ask.shapes[0]}"

    @property
    def combination(self) -> str:
        """Pattern, measures, dimensions and grain: what the structure-disjoint test has never met in training."""
        q = self.query
        fields = q.dimensions or tuple(f.field for f in q.filters)
        related = tuple(f"{'no ' if r.negated else ''}{r.table}" for r in q.related)
        parts = (q.pattern, q.entity, *q.metrics, "by", *fields, *q.columns, *related, q.grain or "")
        return "|".join(part for part in parts if part)


@dataclass(frozen=True)
class MetricWords:
    """A metric (or plain metric) with everything it may be called."""

    id: str
    nouns: tuple[str, ...]
    counted: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    unit: str = ""


@dataclass
class Draw:
    """A query under construction: filters and period drawn so far, with their phrases and values."""

    filters: list[Filter] = field(default_factory=list)
    where: list[tuple[str, ...]] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    period: Period | None = None
    adjectives: tuple[str, ...] = ()
    """Words that go before the noun, such as "discontinued"."""

    @property
    def when(self) -> tuple[str, ...]:
        """Phrases for the period, if one was drawn."""
        return self.period.phrases if self.period else ()


class Composer:
    """Draws compositions. A pure function of the random source, the layer and the warehouse's values."""

    def __init__(self, world: World, vocabulary: Vocabulary) -> None:
        self.world = world
        self.layer = world.layer
        self.catalog = world.catalog
        self.words = vocabulary
        first, last = world.span()
        self.first = dt.date.fromisoformat(first) if first else None
        self.last = dt.date.fromisoformat(last) if last else None
        self._combinable: dict[tuple[str, str], bool] = {}
        self._crosses: dict[tuple[str, str], bool] = {}

    def draw(self, rng: random.Random) -> Composition | None:
        """One composition, or None when the draw led nowhere (no value, no join path)."""
        from finetune.compose.metrics import METRIC_KINDS
        from finetune.compose.records import RECORD_KINDS

        kinds: dict[Callable[[Composer, random.Random], Composition | None], float] = {**METRIC_KINDS, **RECORD_KINDS}
        kind = rng.choices(list(kinds), weights=list(kinds.values()))[0]
        try:
            return kind(self, rng)
        except CannotCompile:
            return None

    # -- metrics -------------------------------------------------------------------------------------------------

    @cached_property
    def metrics(self) -> tuple[MetricWords, ...]:
        """Every metric of the layer, then plain metrics that no metric already names."""
        known = tuple(
            MetricWords(m.id, self.words.metric_nouns(m), self.words.counted(m), self.words.asks(m.id), m.unit)
            for m in self.layer.metrics
        )
        taken = {noun for m in known for noun in (*m.nouns, *m.counted)}
        plain = [m for m in self._plain_metrics() if not taken & {*m.nouns, *m.counted}]
        return (*known, *plain)

    def _plain_metrics(self) -> list[MetricWords]:
        found = []
        for entity in self.entities:
            names = self.words.entity_plurals(entity)
            found.append(MetricWords(f"count:{entity.id}", tuple(f"number of {n}" for n in names), names, (), "count"))
            of = f" of {names[0]}"
            for column in self.number_columns(entity.table):
                for word, synonyms in (
                    ("avg", ("average", "mean", "avg")),
                    ("max", ("highest", "maximum")),
                    ("min", ("lowest", "minimum")),
                    ("sum", ("total",)),
                ):
                    if word == "sum" and not summable(column):
                        continue
                    nouns = tuple(f"{s} {n}" for n in self.words.column_nouns(column)[:3] for s in synonyms)
                    nouns += tuple(f"{n}{of}" for n in nouns)
                    found.append(MetricWords(f"{word}:{column}", nouns, (), (), "year" if is_year(column) else ""))
        return found

    def metric_words(self, metric_id: str) -> MetricWords:
        """The words of one metric. Raises KeyError."""
        return next(m for m in self.metrics if m.id == metric_id)

    def a_metric(
        self, rng: random.Random, accept: Callable[[MetricWords], bool] = lambda _: True
    ) -> MetricWords | None:
        """A metric drawn among those accepted; those defined by the business four times as often as plain ones."""
        options = [m for m in self.metrics if accept(m)]
        if not options:
            return None
        return rng.choices(options, weights=[self._asked(m) for m in options])[0]

    def _asked(self, metric: MetricWords) -> float:
        """How often a metric is drawn; ratios of two grains the most, because few shapes of statement can hold them."""
        if ":" in metric.id:
            return 1.0
        return 26.0 if self.world.compiler.two_grained(metric.id) else 4.0 + 4.0 * bool(metric.asks)

    # -- dimensions and entities ---------------------------------------------------------------------------------

    @cached_property
    def groupable(self) -> tuple[Dimension, ...]:
        """Dimensions numbers are broken down by: text that repeats, or that names the rows of an entity."""
        labels = {self.label(e) for e in self.entities}
        found = []
        for dimension in self.layer.dimensions:
            if dimension.type not in ("text",):
                continue
            table = self.catalog.table(dimension.table)
            distinct = len(self.world.values(dimension.id))
            unique = table is not None and distinct >= table.row_count * 0.9
            if 2 <= distinct <= _MAX_LABELS and (not unique or dimension.id in labels):
                found.append(dimension)
        return tuple(found)

    @cached_property
    def entities(self) -> tuple[Entity, ...]:
        """One entity per table, the first that names it, if its rows have a key of one column."""
        seen: dict[str, Entity] = {}
        for entity in self.layer.entities:
            table = self.catalog.table(entity.table)
            if table is not None and len(table.primary_key) == 1:
                seen.setdefault(entity.table.lower(), entity)
        return tuple(seen.values())

    def label(self, entity: Entity) -> str:
        """The field an entity's rows are called by."""
        return self.world.compiler.label(entity)

    def combinable(self, metric_id: str, name: str) -> bool:
        """Whether metric and field fit one statement (remembered)."""
        key = (metric_id, name)
        if key not in self._combinable:
            self._combinable[key] = self.world.compiler.combinable(metric_id, name)
        return self._combinable[key]

    def _counts_itself(self, metric_id: str, dimension: Dimension) -> bool:
        """Customers per customer is one, always."""
        metric = next(m for m in self.metrics if m.id == metric_id)
        entity = self.layer.entity_of(dimension.table)
        same = self.world.compiler.base(metric_id).lower() == dimension.table.lower()
        return same and bool(metric.counted) and entity is not None and self.label(entity) == dimension.id

    def a_dimension(self, rng: random.Random, metric_id: str, exclude: tuple[str, ...] = ()) -> Dimension | None:
        """A dimension the metric can be broken down by."""
        options = [
            d
            for d in self.groupable
            if d.id not in exclude and self.combinable(metric_id, d.id) and not self._counts_itself(metric_id, d)
        ]
        if not options:
            return None
        return rng.choices(options, weights=[self.weight(metric_id, d) for d in options])[0]

    def weight(self, metric_id: str, dimension: Dimension) -> float:
        """How likely the pair is asked for; seldom where groups would overlap."""
        key = (metric_id, dimension.id)
        if key not in self._crosses:
            self._crosses[key] = self.world.compiler.crosses(metric_id, dimension.id)
        return self.words.weight(dimension) * (0.12 if self._crosses[key] else 1.0)

    def number_columns(self, table_name: str) -> tuple[str, ...]:
        """`Table.Column` of every number that is not a key."""
        return self._columns(table_name, "number")

    def date_columns(self, table_name: str) -> tuple[str, ...]:
        """`Table.Column` of every date."""
        return self._columns(table_name, "date")

    def text_columns(self, table_name: str) -> tuple[str, ...]:
        """`Table.Column` of every text that is not a key."""
        return self._columns(table_name, "text")

    def _columns(self, table_name: str, family: str) -> tuple[str, ...]:
        table = self.catalog.table(table_name)
        if table is None:
            return ()
        keys = {c for key in table.foreign_keys for c in key.columns} | set(table.primary_key)
        flags = {d.column for d in self.layer.dimensions if d.type == "boolean" and d.table == table.name}
        return tuple(
            f"{table.name}.{c.name}" for c in table.columns if c.family == family and c.name not in keys | flags
        )

    # -- filters and periods -------------------------------------------------------------------------------------

    def add_filters(
        self, rng: random.Random, draw: Draw, metric_id: str, exclude: tuple[str, ...], most: int = 2
    ) -> None:
        """No, one or two filters that the metric can take."""
        wanted = rng.choices((0, 1, 2), weights=(58, 34, 8))[0]
        used = list(exclude)
        for _ in range(min(wanted, most)):
            options = [d for d in self.filterable if d.id not in used and self.combinable(metric_id, d.id)]
            if not options:
                return
            dimension = rng.choices(options, weights=[self.weight(metric_id, d) for d in options])[0]
            used += [d.id for d in self.layer.dimensions if d.table == dimension.table]
            self.add_value(rng, draw, dimension, self.world.compiler.base(metric_id))

    @cached_property
    def filterable(self) -> tuple[Dimension, ...]:
        """Dimensions a question may name a value of."""
        return tuple(
            d
            for d in self.layer.dimensions
            if d.type == "text"
            and 2 <= len(self.world.values(d.id)) <= _MAX_LABELS
            and (d in self.groupable or self.words.known(d))
        )

    def add_value(self, rng: random.Random, draw: Draw, dimension: Dimension, base: str) -> bool:
        """A filter on one value of the dimension, rarely on two; False when it has none or its words are withheld."""
        options = self.words.where(dimension, base)
        values = [v for v in self.world.values(dimension.id) if isinstance(v, str) and v]
        if not options or not values:
            return False
        if rng.random() < 0.08 and len(values) > 2:
            pair = rng.sample(values, 2)
            draw.filters.append(Filter(dimension.id, "in", tuple(pair)))
            joined = f"{pair[0]} or {pair[1]}" if rng.random() < 0.5 else f"{pair[0]} and {pair[1]}"
            draw.where.append(tuple(o.format(v=joined) for o in options))
            draw.parameters += [self.parameter(draw, dimension, v, v) for v in pair[:1]]
            draw.parameters += [self.parameter(draw, dimension, v, v) for v in pair[1:]]
            return True
        value = rng.choice(values)
        surface = self.surface(rng, value)
        if rng.random() < 0.05:
            draw.filters.append(Filter(dimension.id, "!=", (value,)))
            name = self.words.singular(dimension)[0]
            draw.where.append(
                tuple(
                    f"{lead} {name} {surface}"
                    for lead in ("excluding", "without", "except for", "not counting", "leaving out")
                )
            )
        else:
            draw.filters.append(Filter(dimension.id, "=", (value,)))
            draw.where.append(tuple(o.format(v=surface) for o in options))
        draw.parameters.append(self.parameter(draw, dimension, value, surface))
        return True

    def surface(self, rng: random.Random, value: str) -> str:
        """A value as a person types it: mostly as it is stored, sometimes in lower case."""
        return value.lower() if rng.random() < 0.1 else value

    def parameter(self, draw: Draw, dimension: Dimension, value: Value, surface: str) -> Parameter:
        """The record of a value named, its name unique within the draw."""
        return Parameter(
            f"{dimension.id}_{len(draw.parameters) + 1}",
            surface,
            value,
            f"{dimension.table}.{dimension.column or dimension.id}",
        )

    def add_period(
        self, rng: random.Random, draw: Draw, metric_id: str, chance: float = 0.6, kinds: tuple[str, ...] = ()
    ) -> None:
        """Perhaps a period (of one of the kinds, if some are given), when the metric has a clock."""
        if self.first is None or self.last is None or rng.random() > chance or not self.world.compiler.timed(metric_id):
            return
        drawn = (draw_period(rng, self.first, self.last, self.layer.today()) for _ in range(40))
        draw.period = next((p for p in drawn if not kinds or p.kind in kinds), None)
        if draw.period is None:
            return
        self._record_period(draw, draw.period)

    def a_pair(self, rng: random.Random) -> tuple[Period, Period, str] | None:
        """Two periods to compare."""
        return draw_pair(rng, self.first, self.last) if self.first and self.last else None

    def _record_period(self, draw: Draw, period: Period) -> None:
        column = self.layer.calendar.time_column
        for name, value in (("period_start", period.window.start), ("period_end", period.window.end)):
            if value:
                draw.parameters.append(Parameter(name, "", value, column))

    # -- thresholds ----------------------------------------------------------------------------------------------

    def threshold(self, rng: random.Random, query: SemanticQuery) -> float | None:
        """A round number that splits the groups of a breakdown in two, or None when they do not differ."""
        return self.round_between(rng, self.world.measured(replace(query, order=None, limit=None, having=None)))

    def round_between(self, rng: random.Random, values: tuple[float, ...]) -> float | None:
        """A round number with values on both sides."""
        if len(values) < 3 or values[0] == values[-1]:
            return None
        raw = values[int(len(values) * rng.uniform(0.2, 0.85))]
        found = _rounded(raw, rng.choice((1, 1, 2)))
        if not values[0] <= found < values[-1]:
            found = _rounded(raw, 3)
        return found if values[0] <= found < values[-1] else None


def number_surface(rng: random.Random, value: float, unit: str = "") -> str:
    """A number as people type it."""
    plain = f"{value:g}" if value != int(value) else str(int(value))
    if unit == "year":
        return plain
    if value >= 1000 and value == int(value):
        options = [plain, f"{int(value):,}"]
        if value % 1000 == 0:
            options.append(f"{int(value) // 1000}k")
        plain = rng.choice(options)
    if unit in _CURRENCIES:
        sign, name = _CURRENCIES[unit]
        return rng.choice((plain, plain, f"{sign}{plain}", f"{plain} {name}"))
    if unit == "percent":
        return rng.choice((plain, f"{plain}%", f"{plain} percent"))
    if unit == "days":
        return rng.choice((plain, f"{plain} days"))
    return plain


def count_surface(rng: random.Random, value: int) -> str:
    """A small count, sometimes in words."""
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[value] if value <= 10 and rng.random() < 0.25 else str(value)


def as_number(value: float) -> Value:
    """An int when it is one."""
    return int(value) if value == int(value) else value


def plurals_of(nouns: tuple[str, ...]) -> tuple[str, ...]:
    """The plural of each noun; one that says several already is left as it is."""
    return tuple(n if is_plural(n) else plural(n) for n in nouns)


def slots(**words: tuple[str, ...] | str) -> Mapping[str, tuple[str, ...]]:
    """Slot words, single ones wrapped."""
    return {k: (v,) if isinstance(v, str) else v for k, v in words.items()}


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")
