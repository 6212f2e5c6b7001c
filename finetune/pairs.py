"""A pair: one question and the SQL that answers it, with everything needed to know where it came from.

The fields are those of a template record (question and SQL templates, parameters with the surface a person typed and
the value the database holds, tags), so a pair can be taken apart, audited and made again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "LEVELS",
    "Level",
    "Pair",
    "Parameter",
    "Tag",
    "masked_sql",
    "normalised",
    "pair_id",
    "read_pairs",
    "write_pairs",
]

Level = Literal["simple", "moderate", "complex", "edge"]
LEVELS: tuple[Level, ...] = ("simple", "moderate", "complex", "edge")

_LITERAL = re.compile(r"'(?:[^']|'')*'|(?<![\w.])\d+(?:\.\d+)?")
_WORD = re.compile(r"[a-z0-9]+(?:[.'][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value a question names: as typed, as stored, and where it is stored (`Table.Column`, or a kind of number)."""

    name: str
    surface: str
    value: str | int | float
    column: str = ""


@dataclass(frozen=True, slots=True)
class Tag:
    """What a pair exercises, such as {type: pattern, subtype: share}."""

    type: str
    subtype: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One question–SQL pair with its lineage."""

    id: str
    question: str
    sql: str
    template_id: str
    question_template: str
    sql_template: str
    parameters: tuple[Parameter, ...] = ()
    tags: tuple[Tag, ...] = ()
    level: Level = "simple"
    dialect: str = "sqlite"
    combination: str = ""
    """What the structure-disjoint split keeps apart: pattern, metrics, dimensions, filtered fields and grain."""
    lineage: dict[str, str | int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON object with one key per field."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Pair:
        """The pair that `to_json` wrote.

        Raises:
            KeyError, TypeError: a field is missing or unknown.
        """
        fields = dict(record)
        fields["parameters"] = tuple(Parameter(**p) for p in fields.get("parameters", ()))
        fields["tags"] = tuple(Tag(**t) for t in fields.get("tags", ()))
        return cls(**fields)


def pair_id(question: str, sql: str) -> str:
    """A stable id: the first 16 hex digits of the sha256 of question and SQL."""
    return hashlib.sha256(f"{question}\x00{sql}".encode()).hexdigest()[:16]


def normalised(question: str) -> str:
    """A question without case, punctuation and spacing: two questions that agree in this are the same question."""
    return " ".join(_WORD.findall(question.lower()))


def masked_sql(sql: str) -> str:
    """The statement's structure: its text with every literal replaced by `?`."""
    return _LITERAL.sub("?", sql)


def write_pairs(path: Path, pairs: Iterable[Pair]) -> str:
    """Write one JSON object per line, in order, and return the file's sha256 (hex)."""
    digest = hashlib.sha256()
    with path.open("wb") as out:
        for pair in pairs:
            line = (
                json.dumps(pair.to_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
            )
            digest.update(line)
            out.write(line)
    return digest.hexdigest()


def read_pairs(path: Path) -> Iterator[Pair]:
    """The pairs of a file that `write_pairs` wrote."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield Pair.from_json(json.loads(line))
