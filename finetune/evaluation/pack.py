"""A pack: questions that a person wrote, each with the SQL that a person vouches for.

The pack is the yardstick, so it is read strictly: a question without gold SQL, or two with one id, would quietly
change what an accuracy figure means.

What the pair factory and the dataset builder write is read as a pack, too, so that a set that was held apart from
training is measured by the same command as questions that people wrote.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError

from agent.errors import ErrorClass, UsageError
from finetune.jsonl import line_error, read_records

__all__ = ["PackQuestion", "load_pack", "order_columns", "pack_hash", "translated"]


@dataclass(frozen=True, slots=True)
class PackQuestion:
    """One question with its gold SQL."""

    id: str
    question: str
    sql: str
    difficulty: str = ""
    tags: tuple[str, ...] = ()
    ordered: bool = False
    """The question asks for an order, so the rows must come in it."""
    dialect: str = ""
    """sqlglot's name of the dialect the gold is written in; empty means the warehouse's own."""


def load_pack(path: Path) -> tuple[PackQuestion, ...]:
    """Read a pack: one object per line with `id`, `question`, `sql` and optionally `difficulty`, `tags`, `ordered`,
    `dialect`; other keys are notes and are not read.

    A file of pairs is a pack whose difficulty is the pair's level and whose tag is its template. A dataset's test of
    chat records stands for the pack of the same name that was written beside it.

    Raises:
        UsageError: the file cannot be read, holds nothing, or a line does not fit (the line is named).
    """
    pack: dict[str, PackQuestion] = {}
    for number, content in read_records(path):
        if "messages" in content:
            return load_pack(_pack_beside(path))
        question = _question(path, number, _from_pair(content) if _is_pair(content) else content)
        if question.id in pack:
            raise line_error(path, number, f"the id `{question.id}` was used before")
        pack[question.id] = question
    if not pack:
        raise UsageError(ErrorClass.WORKSPACE, f"{path} holds no questions.", "Write one JSON object per line.")
    return tuple(pack.values())


def pack_hash(pack: Sequence[PackQuestion]) -> str:
    """sha256 over every field of every question, in order of id: the same pack has the same hash."""
    canonical = json.dumps([asdict(question) for question in sorted(pack, key=lambda q: q.id)], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def translated(question: PackQuestion, dialect: str) -> str:
    """The gold SQL in the warehouse's dialect; as it was written when the pack names no other.

    Raises:
        UsageError: it does not parse in the dialect the pack names.
    """
    if not question.dialect or question.dialect == dialect:
        return question.sql
    try:
        return sqlglot.transpile(question.sql, read=question.dialect, write=dialect)[0]
    except (SqlglotError, ValueError) as error:
        raise UsageError(
            ErrorClass.WORKSPACE,
            f"The gold SQL of question `{question.id}` is not {question.dialect}: {error}",
            "Mend it in the pack; nothing was evaluated.",
        ) from error


def order_columns(sql: str, dialect: str) -> tuple[int, ...]:
    """Indexes of the result's columns that the outermost ORDER BY sorts by; empty when any key is not among them.

    Rows that tie on all of them may come in any order. A statement that does not parse gives the empty tuple, too:
    then the rows must simply come as the gold's do.
    """
    try:
        query = sqlglot.parse_one(sql, read=dialect)
    except SqlglotError:
        return ()
    order = query.args.get("order")
    if not isinstance(query, exp.Query) or order is None:
        return ()
    names = [name.lower() for name in query.named_selects]
    texts = [select.unalias().sql(dialect).lower() for select in query.selects]
    indexes = [_position(ordered.this, names, texts, dialect) for ordered in order.expressions]
    return tuple(index for index in indexes if index is not None) if None not in indexes else ()


def _position(key: exp.Expression, names: Sequence[str], texts: Sequence[str], dialect: str) -> int | None:
    """Which result column an ORDER BY key stands for: by number, by the same expression, or by its name."""
    if isinstance(key, exp.Literal) and key.is_int:
        index = int(key.name) - 1
        return index if 0 <= index < len(names) else None
    text = key.sql(dialect).lower()
    if text in texts:
        return texts.index(text)
    name = key.name.lower() if isinstance(key, exp.Column) and not key.table else ""
    return names.index(name) if name and name in names else None


def _is_pair(content: dict[str, Any]) -> bool:
    return "sql_template" in content and "template_id" in content


def _from_pair(content: dict[str, Any]) -> dict[str, Any]:
    """A pair as a line of a pack. It does not say whether its question asks for an order, so none is demanded."""
    known = {**content, "difficulty": content.get("level", ""), "tags": [content["template_id"]]}
    return {key: known[key] for key in ("id", "question", "sql", "dialect", "difficulty", "tags") if key in known}


def _pack_beside(path: Path) -> Path:
    """The pack of a dataset's test set, given the file of its chat records."""
    pack = path.parent / "packs" / path.name
    if pack.is_file():
        return pack
    raise UsageError(
        ErrorClass.WORKSPACE,
        f"{path} holds a trainer's chat records, and no gold SQL to compare with.",
        "Name a pack: a dataset has its tests in packs/test_question.jsonl, test_structure.jsonl, test_template.jsonl.",
    )


def _question(path: Path, number: int, content: dict[str, Any]) -> PackQuestion:
    for key in ("id", "question", "sql"):
        if not isinstance(content.get(key), str | int) or not str(content[key]).strip():
            raise line_error(path, number, f"`{key}` is missing or empty")
    tags = content.get("tags", [])
    if not isinstance(tags, list):
        raise line_error(path, number, "`tags` is not a list")
    if not isinstance(content.get("ordered", False), bool):
        raise line_error(path, number, "`ordered` is neither true nor false")
    return PackQuestion(
        id=str(content["id"]),
        question=str(content["question"]),
        sql=str(content["sql"]),
        difficulty=str(content.get("difficulty", "")),
        tags=tuple(str(tag) for tag in tags),
        ordered=content.get("ordered", False),
        dialect=str(content.get("dialect", "")),
    )
