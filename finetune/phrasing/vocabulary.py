"""How a business talks: the words of the semantic layer, plus the workspace's own vocabulary, as phrases to draw from.

Without a `vocabulary` section everything still has words: names and synonyms from `metrics.yaml`, and column names
split into words. The section only makes questions sound like people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from memory.semantics import Dimension, Entity, Metric, SemanticLayer

__all__ = ["Relation", "Vocabulary", "is_plural", "is_year", "plural", "summable", "with_article", "words_of"]

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_")
_NOT_NOUNS = ("how ", "average ", "avg ", "mean ")
_UNCOUNTED = {"sales", "business", "volume", "headcount"}
_AFTER_HEAD = re.compile(r" (?:of|in|on|per|by|for) ")
_VOWEL = re.compile(r"[aei]|o(?!ne)")
_DAY = re.compile(r" (?:on|at)$")


def plural(noun: str) -> str:
    """An English plural, good enough for table and column words."""
    several, of, rest = noun.partition(" of ")
    if of:
        return f"{plural(several)} of {rest}"
    head, _, last = noun.rpartition(" ")
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        last = last[:-1] + "ies"
    elif last.endswith(("s", "x", "ch", "sh")):
        last += "es"
    else:
        last += "s"
    return f"{head} {last}".strip()


def is_plural(noun: str) -> bool:
    """Whether a noun phrase already says several: "pages", "units in stock", "fines charged"."""
    words = _AFTER_HEAD.split(noun)[0].split() or [""]
    return _says_several(words[-1]) or (words[0] not in _UNCOUNTED and _says_several(words[0]))


def with_article(noun: str) -> str:
    """`an amount`, `a price`; `pages` as it is."""
    if is_plural(noun):
        return noun
    return f"{'an' if _VOWEL.match(noun) else 'a'} {noun}"


def is_year(column: str) -> bool:
    """Whether a number column holds years, which nobody adds up or writes with a comma."""
    return "year" in words_of(column.rpartition(".")[2]).split()


def summable(column: str) -> bool:
    """Whether the total of a number column says anything: prices and years do not add up."""
    return "price" not in column.lower() and not is_year(column)


def words_of(identifier: str) -> str:
    """`UnitsInStock` as `units in stock`."""
    return " ".join(part.lower() for part in _CAMEL.split(identifier) if part)


def _says_several(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us", "is"))


@dataclass(frozen=True)
class Relation:
    """What an entity does with the rows of another table, as verbs."""

    entity: str
    table: str
    has: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    not_: tuple[str, ...] = ()
    many: tuple[str, ...] = ()
    count: str = ""


@dataclass(frozen=True)
class Vocabulary:
    """Phrases for metrics, dimensions, entities, columns and relations."""

    layer: SemanticLayer
    raw: Mapping[str, Any] = field(default_factory=dict)

    def _of(self, section: str, key: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = (self.raw.get(section) or {}).get(key) or {}
        return found

    # -- metrics -------------------------------------------------------------------------------------------------

    def metric_nouns(self, metric: Metric) -> tuple[str, ...]:
        """Noun phrases for the metric, lower case."""
        return tuple(dict.fromkeys(_lower(s) for s in metric.surfaces if not s.lower().startswith("how ")))

    def counted(self, metric: Metric) -> tuple[str, ...]:
        """Plural nouns for "how many ...", when the metric counts rows."""
        if not metric.sql.upper().startswith("COUNT("):
            return ()
        found = []
        for name in map(_lower, metric.surfaces):
            surface = name.removeprefix("number of ").removeprefix("count of ")
            plain = surface.split()
            if surface.startswith(_NOT_NOUNS) or plain[-1] == "count" or set(plain) & _UNCOUNTED:
                continue
            if any(w.endswith("s") and not w.endswith("ss") for w in plain):
                found.append(surface)
        return tuple(dict.fromkeys(found))

    def asks(self, metric_id: str) -> tuple[str, ...]:
        """Whole questions for the metric's total."""
        return tuple(self._of("metrics", metric_id).get("asks", ()))

    def most(self, metric_id: str, order: str) -> tuple[str, ...]:
        """Verb phrases for the group that comes first (`desc`) or last (`asc`)."""
        return tuple(self._of("metrics", metric_id).get("most" if order == "desc" else "least", ()))

    def first(self, metric_id: str, order: str) -> tuple[str, ...]:
        """What a list in that order says of its top: "best first", "priciest first"; empty without such words."""
        given = tuple(self._of("metrics", metric_id).get("first" if order == "desc" else "last", ()))
        column = self.column(metric_id.partition(":")[2]).get("most" if order == "desc" else "least", ())
        return given + tuple(f"{word} first" for word in column)

    # -- dimensions and entities ---------------------------------------------------------------------------------

    def singular(self, dimension: Dimension) -> tuple[str, ...]:
        """Nouns for one value of the dimension."""
        return tuple(dict.fromkeys(_lower(s) for s in dimension.surfaces))

    def plurals(self, dimension: Dimension) -> tuple[str, ...]:
        """Nouns for several values."""
        given = tuple(self._of("dimensions", dimension.id).get("plural", ()))
        return given or tuple(plural(noun) for noun in self.singular(dimension)[:3])

    def who(self, kind: str, identifier: str) -> bool:
        """Whether people ask "who" for it."""
        entry = self._of(kind, identifier)
        return bool(entry.get("person") or entry.get("company"))

    def where(self, dimension: Dimension, base: str) -> tuple[str, ...]:
        """Phrases with `{v}` that restrict something counted in table `base` to one value."""
        entry = self._of("dimensions", dimension.id)
        found = list(entry.get("where", ()))
        if base in entry.get("bare_home", ()):
            found += list(entry.get("bare", ())) * 3
        # "Customers from customers in Spain" is what nobody says.
        counted = {n for e in self.layer.entities if e.table == base for n in self.entity_plurals(e)}
        found = [phrase for phrase in found if not counted & set(phrase.split())] or found
        name = _lower(dimension.name)
        return tuple(found) or (f"for {name} {{v}}", f"where the {name} is {{v}}", f"with {name} {{v}}")

    def where_at_home(self, dimension: Dimension, base: str) -> tuple[str, ...]:
        """Phrases with `{v}` that restrict the rows of the dimension's own table, such as "in {v}"; () if none."""
        entry = self._of("dimensions", dimension.id)
        return tuple(entry.get("bare", ())) if base in entry.get("bare_home", ()) else ()

    def weight(self, dimension: Dimension) -> float:
        """How often people ask by it, relative to others."""
        return float(self._of("dimensions", dimension.id).get("weight", 1.0 if not self.raw else 0.3))

    def adjectives(self, dimension: Dimension) -> Mapping[Any, tuple[str, ...]]:
        """For a flag: its values and the adjectives for each."""
        found = self._of("dimensions", dimension.id).get("adjectives") or {}
        return {_flag(value): tuple(words) for value, words in found.items()}

    def via(self, entity: Entity) -> Mapping[str, tuple[str, ...]]:
        """Phrases with `{v}` that restrict an entity's rows through rows of another table, by dimension id."""
        found = self._of("entities", entity.id).get("via") or {}
        return {dimension: tuple(phrases) for dimension, phrases in found.items()}

    def flag_phrases(self, dimension: Dimension) -> Mapping[Any, tuple[str, ...]]:
        """For a flag: its values and the phrases that follow the noun for each."""
        found = self._of("dimensions", dimension.id).get("phrases") or {}
        return {_flag(value): tuple(words) for value, words in found.items()}

    def everything(self, entity: Entity) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """By dimension id, `nouns` and `asks` with `{v}` for all rows of the entity that belong to one value."""
        found = self._of("entities", entity.id).get("everything") or {}
        return {dimension: {k: tuple(v) for k, v in entry.items()} for dimension, entry in found.items()}

    def idioms(self) -> tuple[Mapping[str, Any], ...]:
        """Ways to ask for a metric by a dimension that name neither."""
        return tuple(self.raw.get("idioms") or ())

    def known(self, dimension: Dimension) -> bool:
        """Whether the vocabulary says anything of the dimension."""
        return bool(self._of("dimensions", dimension.id))

    def entity_plurals(self, entity: Entity) -> tuple[str, ...]:
        """Nouns for several rows of the entity."""
        given = tuple(self._of("entities", entity.id).get("plural", ()))
        return given or (plural(_lower(entity.name)),)

    def entity_singular(self, entity: Entity) -> tuple[str, ...]:
        """Nouns for one row of the entity."""
        return tuple(dict.fromkeys([_lower(entity.name), *map(_lower, entity.synonyms[:2])]))

    @property
    def currency(self) -> str:
        """The code of the currency the business's own metrics are in; empty when none names one."""
        codes = [m.unit for m in self.layer.metrics if len(m.unit) == 3 and m.unit.isupper()]
        return max(codes, key=codes.count, default="")

    # -- columns and relations -----------------------------------------------------------------------------------

    def column(self, name: str) -> Mapping[str, Any]:
        """The vocabulary's entry of `Table.Column`."""
        return self._of("columns", name)

    def column_nouns(self, name: str) -> tuple[str, ...]:
        """Nouns for `Table.Column`; a day called by what happened on it ("returned_on") is said to be a date."""
        own = _DAY.sub(" date", words_of(name.rpartition(".")[2]))
        return tuple(self.column(name).get("names", ())) or (own,)

    def relations(self) -> tuple[Relation, ...]:
        """Verbs between entities and tables, as given."""
        return tuple(
            Relation(
                entry["entity"],
                entry["table"],
                tuple(entry.get("has") or ()),
                tuple(entry.get("never") or ()),
                tuple(entry.get("not") or ()),
                tuple(entry.get("many") or ()),
                entry.get("count") or "",
            )
            for entry in self.raw.get("relations") or ()
        )


def _flag(value: str | int) -> str | int:
    """A flag's value as it is stored: keys of a YAML mapping are read as text."""
    return int(value) if str(value).isdigit() else value


def _lower(surface: str) -> str:
    """Lower case, but for words that are all capitals (COGS, AOV)."""
    return " ".join(w if w.isupper() and len(w) > 1 else w.lower() for w in surface.split())
