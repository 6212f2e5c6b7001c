"""Lines that are read as a whole: each form of them with the one query it comes to.

distinct.py    the different values of a column, and those that several rows share
described_rows.py  a metric of things that a clause describes
multiplied.py  who at least doubled something
companions.py  what comes together with one thing
"""

from __future__ import annotations

from collections.abc import Iterator

from memory.compiler import SemanticQuery
from memory.intent.companions import COMPANIONS
from memory.intent.described_rows import DESCRIBED
from memory.intent.distinct import DISTINCT
from memory.intent.known import NotUnderstood
from memory.intent.multiplied import MULTIPLIED
from memory.intent.rows import Reader
from memory.joins import NoJoinPath

__all__ = ["shaped"]

_FORMS = (*DISTINCT, *DESCRIBED, *MULTIPLIED, *COMPANIONS)


def shaped(reader: Reader, start: int) -> Iterator[SemanticQuery]:
    """Every query of a form that is the whole line."""
    for form, answer in _FORMS:
        match = form.fullmatch(reader.sentence.text, start)
        if match:
            try:
                found = answer(reader, match)
            except (NotUnderstood, NoJoinPath, KeyError):
                continue
            if found is not None:
                yield found
