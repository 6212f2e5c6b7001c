"""The grammar's own text, read by a small GBNF reader: every right query passes, prose and second statements do not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import sqlglot

from agent.model.grammar import select_grammar
from memory.catalog import Catalog

_TOKEN = re.compile(r"\s*(?:(\"(?:\\.|[^\"\\])*\")|(\[(?:\\.|[^\]\\])*\])|(\w+)|([()|*+?]))")


class Grammar:
    """A recogniser: from a set of places in a text to the set of places after a rule. The subset the product writes."""

    def __init__(self, text: str) -> None:
        self.rules = {}
        for line in text.strip().splitlines():
            name, _, body = line.partition("::=")
            self.rules[name.strip()] = self._alternatives([m.group().strip() for m in _TOKEN.finditer(body)])

    def accepts(self, text: str) -> bool:
        return len(text) in self._match(self.rules["root"], text, frozenset({0}))

    def _alternatives(self, tokens: list[str]):
        options, sequence = [], []
        while tokens and tokens[0] != ")":
            token = tokens.pop(0)
            if token == "|":
                options.append(("seq", sequence))
                sequence = []
                continue
            if token == "(":
                node = self._alternatives(tokens)
                tokens.pop(0)
            elif token[0] == '"':
                node = ("text", json.loads(token))
            elif token[0] == "[":
                node = ("class", re.compile(token))
            else:
                node = ("rule", token)
            if tokens and tokens[0] in "*+?":
                node = (tokens.pop(0), node)
            sequence.append(node)
        return ("any", [*options, ("seq", sequence)])

    def _match(self, node, text: str, places: frozenset[int]) -> frozenset[int]:
        kind, what = node
        if kind == "rule":
            return self._match(self.rules[what], text, places)
        if kind == "any":
            return frozenset().union(*(self._match(option, text, places) for option in what))
        if kind == "seq":
            for part in what:
                places = self._match(part, text, places) if places else places
            return places
        if kind == "text":
            return frozenset(place + len(what) for place in places if text.startswith(what, place))
        if kind == "class":
            return frozenset(place + 1 for place in places if place < len(text) and what.match(text[place]))
        found = places if kind in "*?" else frozenset()
        fresh = places
        while fresh:
            fresh = self._match(what, text, fresh) - found
            found |= fresh
            if kind == "?":
                break
        return found


def grammar(dialect: str = "sqlite") -> Grammar:
    return Grammar(select_grammar(Catalog(dialect, ())))


GOLD = [
    json.loads(line)["sql"]
    for line in (Path(__file__).parents[1] / "demo/files/baseline.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb", "postgres", "mysql"])
def test_no_right_query_of_the_baseline_is_blocked(dialect: str) -> None:
    read = grammar(dialect)
    for sql in GOLD:
        written = sqlglot.transpile(sql, read="sqlite", write=dialect, pretty=False)[0]
        assert read.accepts(written), written
        pretty = sqlglot.transpile(sql, read="sqlite", write=dialect, pretty=True)[0]
        assert read.accepts(pretty), pretty
        quoted = sqlglot.transpile(sql, read="sqlite", write=dialect, identify=True)[0]
        assert read.accepts(quoted + ";"), quoted


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM Orders",
        "SELECT 1; DROP TABLE Orders",
        "SELECT 1;\nSELECT 2;",
        "Here is the query: SELECT 1",
        "SELECT 1\n\nThis counts.",
        "SELECT (1",
        "SELECT 'a",
        "SELECTED x",
        "```sql\nSELECT 1\n```",
        "",
    ],
)
def test_what_is_no_single_query_is_blocked(text: str) -> None:
    assert not grammar().accepts(text)


@pytest.mark.parametrize(
    "text", ["SELECT 'it''s; fine'", "with a as (select 1)\nselect * from a;", "SELECT f((1), ')')"]
)
def test_quotes_and_brackets_may_hold_anything(text: str) -> None:
    assert grammar().accepts(text)
