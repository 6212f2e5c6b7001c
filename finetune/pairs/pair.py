"""A pair: one question and the SQL that answers it, with everything needed to know where it came from.

The fields are those of a template record (question and SQL templates, parameters with the surface a person typed and
the value the database holds, tags), so a pair can be taken apart, audited and made again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from finetune.jsonl import line_error, read_records

__all__ = [
    "LEVELS",
    "Level",
    "Pair",
    "Parameter",
    "Tag",
    "masked_sql",
    "normalised",
    "pair_from",
    "pair_id",
    "pair_line",
    "read_pairs",
    "templated",
    "write_pairs",
]

Level = Literal["simple", "moderate", "complex", "edge"]
LEVELS: tuple[Level, ...] = ("simple", "moderate", "complex", "edge")

_STRICT = ConfigDict(extra="forbid")
_LITERAL = re.compile(r"'(?:[^']|'')*'|(?<![\w.])\d+(?:\.\d+)?")
_WORD = re.compile(r"[a-z0-9]+(?:[.'][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value a question names: as typed, as stored, and where it is stored (`Table.Column`, or a kind of number)."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    name: str
    surface: str
    value: str | int | float
    column: str = ""


@dataclass(frozen=True, slots=True)
class Tag:
    """What a pair exercises, such as {type: pattern, subtype: share}."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    type: str
    subtype: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One question–SQL pair with its lineage."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
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
        return {
            "id": self.id,
            "question": self.question,
            "sql": self.sql,
            "template_id": self.template_id,
            "question_template": self.question_template,
            "sql_template": self.sql_template,
            "parameters": [
                {"name": p.name, "surface": p.surface, "value": p.value, "column": p.column} for p in self.parameters
            ],
            "tags": [{"type": tag.type, "subtype": tag.subtype} for tag in self.tags],
            "level": self.level,
            "dialect": self.dialect,
            "combination": self.combination,
            "lineage": dict(self.lineage),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Pair:
        """The pair that `to_json` wrote.

        Raises:
            ValidationError: a field is missing, unknown or of another kind.
        """
        return _SHAPE.validate_python(record)


_SHAPE = TypeAdapter(Pair)


def pair_id(question: str, sql: str) -> str:
    """A stable id: the first 16 hex digits of the sha256 of question and SQL."""
    return hashlib.sha256(f"{question}\x00{sql}".encode()).hexdigest()[:16]


def normalised(question: str) -> str:
    """A question without case, punctuation and spacing: two questions that agree in this are the same question."""
    return " ".join(_WORD.findall(question.lower()))


def masked_sql(sql: str) -> str:
    """The statement's structure: its text with every literal replaced by `?`."""
    return _LITERAL.sub("?", sql)


def templated(question: str, sql: str, parameters: Iterable[Parameter]) -> tuple[str, str]:
    """Question and SQL with each parameter's surface and value replaced by `{name}`."""
    for parameter in parameters:
        slot = "{" + parameter.name + "}"
        if parameter.surface:
            question = question.replace(parameter.surface, slot)
        if isinstance(parameter.value, str):
            sql = sql.replace("'" + parameter.value.replace("'", "''") + "'", f"'{slot}'")
        elif parameter.name == "limit":
            sql = sql.replace(f"LIMIT {parameter.value}", f"LIMIT {slot}")
    return question, sql


def pair_line(pair: Pair) -> bytes:
    """The pair as one line of a pairs.jsonl, with its end: always the same bytes for the same pair."""
    return json.dumps(pair.to_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def write_pairs(path: Path, pairs: Iterable[Pair]) -> str:
    """Write one JSON object per line, in order, and return the file's sha256 (hex)."""
    digest = hashlib.sha256()
    with path.open("wb") as out:
        for pair in pairs:
            line = pair_line(pair)
            digest.update(line)
            out.write(line)
    return digest.hexdigest()


def read_pairs(path: Path) -> Iterator[Pair]:
    """The pairs of a file that `write_pairs` wrote.

    Raises:
        UsageError: the file cannot be read, or a line is no pair (line and field named).
    """
    for number, record in read_records(path):
        yield pair_from(record, path, number)


def pair_from(record: dict[str, Any], path: Path, number: int) -> Pair:
    """The pair on one line of a file.

    Raises:
        UsageError: it is no pair (line and field named).
    """
    try:
        return Pair.from_json(record)
    except ValidationError as error:
        first = error.errors()[0]
        field_name = ".".join(str(part) for part in first["loc"])
        raise line_error(path, number, f"`{field_name}`: {first['msg']}") from error
