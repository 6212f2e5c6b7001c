"""What tests of the reader share: a linker over the shop, cases written as text, and what being read rightly means."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import create_engine

from memory.compiler import SemanticQuery
from memory.intent import read_intent
from memory.linking import Linker
from memory.value_sources import collect_values
from memory.values import ValueIndex
from tests.fixtures_pairs import Shop

__all__ = ["assert_comes_to", "assert_is_read_as", "linker", "statements"]


@pytest.fixture(scope="module")
def linker(shop: Shop) -> Linker:
    engine = create_engine(shop.url)
    values = collect_values(engine, shop.catalog, shop.layer)
    engine.dispose()
    return Linker(shop.catalog, shop.layer, ValueIndex(shop.catalog, shop.layer, values))


def statements(text: str) -> list[tuple[str, str]]:
    """(question, SQL) of a text with a question on a line of its own and its statement indented below it."""
    blocks = re.findall(r"^(\S.*)\n((?:    .*\n)+)", text, re.MULTILINE)
    return [(question, " ".join(sql.split())) for question, sql in blocks]


def assert_is_read_as(shop: Shop, linker: Linker, question: str, query: SemanticQuery) -> None:
    """The question is read as `query`, which finds rows."""
    intent = read_intent(question, linker)
    assert intent is not None
    assert intent.query == query
    outcome = shop.world.execute(shop.world.compile(intent.query))
    assert outcome.result is not None, outcome.error
    assert outcome.result.rows


def assert_comes_to(shop: Shop, linker: Linker, question: str, sql: str) -> None:
    """The question is read and compiled to `sql`, which runs."""
    intent = read_intent(question, linker)
    assert intent is not None
    assert shop.world.compile(intent.query) == sql
    assert shop.world.execute(sql).result is not None
