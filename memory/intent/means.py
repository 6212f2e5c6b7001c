"""Questions about the average of a column of a table's rows, where the layer has no metric of that name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from memory.compiler import SemanticQuery
from memory.intent.known import NotUnderstood
from memory.intent.rows import Reader
from memory.intent.sentence import pattern
from memory.joins import NoJoinPath

__all__ = ["means"]

_EACH = r"(?:(?:in|for|of|at|from) (?:each|every|all)|per|by|each)"
_ROWS = r"(?:(?:(?:of|for|per) )?(?:a |each |every )?E)"
_FORMS = tuple(
    pattern(rf"(?:what (?:is|was) |show |give )?(?:average|mean|avg) C(?: {_ROWS})?(?: {_EACH} (?:C|F))?{tail}")
    for tail in ("", r"(?: (?:,|\.) )?(?: (?:highest|lowest) first)")
)
_PER_ROW = re.compile(r"\bE\d+\b")


def means(reader: Reader, start: int) -> Iterator[SemanticQuery]:
    """The average of a number, of all rows or by what a row has once, that the whole line asks for."""
    text = reader.sentence.text
    for form in _FORMS:
        match = form.fullmatch(text, start)
        if not match or not _PER_ROW.search(text):
            continue
        letters = [group for group in match.groups() if group]
        number, *groups = [letter for letter in letters if letter[0] in "CF"]
        column = reader.nouns.column(reader.thing(number).name)
        if column is None or column.family != "number" or reader.nouns.is_year(reader.thing(number).name):
            return
        try:
            fields = tuple(reader.field_of(letter) for letter in groups)
        except (NotUnderstood, NoJoinPath):
            return
        metric = f"avg:{reader.table}.{column.name}"
        order = re.search(r"(highest|lowest) first$", text)
        if fields:
            yield SemanticQuery(
                (metric,), fields, order=("desc" if order[1] == "highest" else "asc") if order else None
            )
        elif not order:
            yield SemanticQuery((metric,), pattern="total")
