"""Words for a schema that nobody wrote a vocabulary for: no "a seats", no loans from A to Z, no dollars for euros."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from fixtures_library import Library, library  # noqa: F401

from finetune.compose.compositions import Composer, Draw, number_surface, plurals_of
from finetune.compose.conditions import add_condition
from finetune.compose.dates import by_date
from finetune.compose.entities import label_nouns
from finetune.compose.lists import LIST_KINDS
from finetune.compose.records import RECORD_KINDS
from finetune.phrasing.grammar import Ask, say_all
from finetune.phrasing.vocabulary import Vocabulary, is_plural, is_year, plural, with_article


@pytest.mark.parametrize(
    ("one", "several"),
    [
        ("branch", "branches"),
        ("category", "categories"),
        ("country of the author", "countries of the author"),
        ("part of town", "parts of town"),
        ("type of member", "types of member"),
    ],
)
def test_the_head_of_a_noun_phrase_is_what_becomes_plural(one: str, several: str) -> None:
    assert plural(one) == several


@pytest.mark.parametrize(
    ("noun", "said"),
    [
        ("pages", "pages"),
        ("units in stock", "units in stock"),
        ("fines charged", "fines charged"),
        ("amount", "an amount"),
        ("order value", "an order value"),
        ("one-off fee", "a one-off fee"),
        ("status", "a status"),
        ("address", "an address"),
        ("sales rep", "a sales rep"),
        ("share of late returns", "a share of late returns"),
    ],
)
def test_only_one_thing_has_an_article(noun: str, said: str) -> None:
    assert with_article(noun) == said
    assert is_plural(noun) == (noun == said)


def test_columns_are_said_in_the_plural_once() -> None:
    assert plurals_of(("address", "pages", "opening date")) == ("addresses", "pages", "opening dates")


def test_what_is_counted_is_not_named_again(library: Library) -> None:  # noqa: F811
    raw = {"dimensions": {"author_country": {"where": ["by authors from {v}"], "bare": ["from {v}"]}}}
    raw["dimensions"]["author_country"]["bare_home"] = ["authors"]
    words, country = Vocabulary(library.layer, raw), library.layer.dimension("author_country")
    assert set(words.where(country, "authors")) == {"from {v}"}
    assert words.where(country, "books") == ("by authors from {v}",)


def test_a_production_drops_the_article_of_several() -> None:
    ask = Ask((), {"a": ("seats",), "es": ("branches",)})
    questions = [q.lower() for _, q in say_all(("~{es} with a {a} above average",), ask, random.Random(1), 20)]
    assert any("branches with seats above average" in q for q in questions)
    assert not any("a seats" in q for q in questions)


def test_a_verb_agrees_with_what_it_is_about() -> None:
    productions = ("?what is the {a} of {v}", "?what's the {a} of {v}", "?what was the {a} of {v}")
    for noun, verbs in (("pages", {"are", "were"}), ("price", {"is", "what's", "was"})):
        ask = Ask((), {"a": (noun,), "v": ("it",)})
        said = [q.lower() for seed in range(30) for _, q in say_all(productions, ask, random.Random(seed), 3)]
        found = {before.split()[-1] for q in said for before, _, after in [q.partition(f" the {noun} ")] if after}
        assert found == verbs


def test_what_is_called_by_a_number_is_named_once(library: Library) -> None:  # noqa: F811
    lookup = next(kind for kind in RECORD_KINDS if kind.__name__ == "_lookup")
    found = [lookup(library.composer, random.Random(seed)) for seed in range(200)]
    said = {c.query.entity: c.ask.slots for c in found if c}
    assert {"loan", "book"} <= set(said)
    assert said["loan"]["ev"] == said["loan"]["v"]
    assert said["book"]["ev"][0] == f"book {said['book']['v'][0]}"


def test_a_day_is_said_by_what_happened_on_it(library: Library) -> None:  # noqa: F811
    composer, said = library.composer, []
    for entity in composer.entities:
        for seed in range(6):
            draw = Draw()
            if by_date(composer, random.Random(seed), draw, entity):
                said += [phrase for phrases in draw.where for phrase in phrases]
    assert {p.split()[0] for p in said} >= {"returned", "due", "joined", "hired", "paid"}
    assert not [p for p in said if p.startswith("with a")]
    assert composer.words.column_nouns("loans.returned_on") == ("returned date",)


def test_rows_called_by_a_number_have_no_alphabet(library: Library) -> None:  # noqa: F811
    composer = library.composer
    assert label_nouns(composer, composer.layer.entity("loan")) == ("loan number", "number")
    assert label_nouns(composer, composer.layer.entity("book"))[0] == "name"
    ordered = next(kind for kind in LIST_KINDS if kind.__name__ == "_ordered")
    found = [ordered(composer, random.Random(seed)) for seed in range(150)]
    numbered = [c for c in found if c and c.query.entity in ("loan", "fine", "copy", "reservation")]
    assert len(numbered) > 20
    by_label = [c for c in numbered if c.query.order_by.endswith("_id")]
    assert by_label
    assert not [p for c in by_label for p in c.ask.slots["by"] if "alphabet" in p or "A to Z" in p]


def test_years_are_not_added_up_nor_written_with_a_comma(library: Library) -> None:  # noqa: F811
    assert is_year("authors.birth_year")
    assert not is_year("loans.renewals")
    plain = {m.id: m for m in library.composer.metrics if ":" in m.id}
    assert "sum:books.pages" in plain
    assert "avg:books.published_year" in plain
    assert not {"sum:books.published_year", "sum:authors.birth_year", "sum:copies.price"} & set(plain)
    years = {number_surface(random.Random(seed), 1980, plain["avg:authors.birth_year"].unit) for seed in range(20)}
    assert years == {"1980"}


def test_money_is_in_the_business_s_own_currency(library: Library) -> None:  # noqa: F811
    layer = library.layer
    assert library.composer.words.currency == "EUR"
    without = replace(layer, metrics=tuple(m for m in layer.metrics if m.unit != "EUR"))
    assert Vocabulary(without).currency == ""
    said = {number_surface(random.Random(seed), 12, "EUR") for seed in range(40)}
    assert said == {"12", "€12", "12 euros"}
    phrases = _conditions(library.composer, "copy", 80)
    assert any("€" in p or "euros" in p for p in phrases)
    assert not [p for p in phrases if "$" in p or "dollar" in p]


def test_a_part_of_a_last_name_is_said_to_be_of_the_last_name(library: Library) -> None:  # noqa: F811
    phrases = [p for p in _conditions(library.composer, "member", 120) if "start" in p or "contain" in p]
    assert any("last name" in p for p in phrases)
    assert not [p for p in phrases if "whose name" in p]


def _conditions(composer: Composer, entity_id: str, draws: int) -> list[str]:
    entity, found = composer.layer.entity(entity_id), list[str]()
    for seed in range(draws):
        draw = Draw()
        if add_condition(composer, random.Random(seed), draw, entity):
            found += [phrase for phrases in draw.where for phrase in phrases]
    return found
