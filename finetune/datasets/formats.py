"""Chat records in the shapes that trainers read, and back.

Four shapes hold a conversation: OpenAI chat, ShareGPT, Alpaca and ChatML. Each can be turned into any other without
losing a word. The fifth, the template record, holds a whole pair: its templates, its parameters as surface and
database value, its tags.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from finetune.pairs.pair import Pair, Parameter, Tag, pair_id

__all__ = [
    "CHAT_FORMATS",
    "FormatError",
    "Messages",
    "from_format",
    "from_template_record",
    "read_chats",
    "to_format",
    "to_template_record",
    "write_chats",
]

Messages = tuple[tuple[str, str], ...]
"""(role, content) pairs; roles are system, user, assistant."""

_SHAREGPT = {"system": "system", "user": "human", "assistant": "gpt"}
_ROLES = {name: role for role, name in _SHAREGPT.items()}
_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>", re.DOTALL)


class FormatError(Exception):
    """A record is not of the shape it is said to be. Says the file and line when it came from one."""


def to_format(messages: Messages, name: str) -> dict[str, Any]:
    """One conversation as a record of the named format.

    Raises:
        FormatError: the format is unknown, or cannot hold the conversation (Alpaca holds one exchange).
    """
    return _format(name)[0](messages)


def from_format(record: Mapping[str, Any], name: str) -> Messages:
    """The conversation in a record of the named format.

    Raises:
        FormatError: the record does not have that shape.
    """
    try:
        return _format(name)[1](record)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"This is not a record of the format {name}: {error!r}.") from error


def write_chats(path: Path, conversations: Iterable[Messages], name: str) -> int:
    """Write one record per line; returns how many."""
    count = 0
    with path.open("w", encoding="utf-8") as out:
        for messages in conversations:
            out.write(json.dumps(to_format(messages, name), ensure_ascii=False) + "\n")
            count += 1
    return count


def read_chats(path: Path, name: str) -> Iterator[Messages]:
    """The conversations of a file that `write_chats` wrote.

    Raises:
        FormatError: a line is not JSON or not of that shape (its number is named).
    """
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield from_format(json.loads(line), name)
            except (ValueError, FormatError) as error:
                raise FormatError(f"{path}, line {number}: {error}") from error


def to_template_record(pair: Pair) -> dict[str, Any]:
    """The pair as a template record: nlq, sql, their templates, the parameter mapping and the tags."""
    return {
        "id": pair.id,
        "nlq": pair.question,
        "sql": pair.sql,
        "template_id": pair.template_id,
        "nlq_template": pair.question_template,
        "sql_template": pair.sql_template,
        "parameter_mapping": [
            {"name": p.name, "surface": p.surface, "value": p.value, "column": p.column} for p in pair.parameters
        ],
        "tags": [{"type": t.type, "subtype": t.subtype} for t in pair.tags],
        "level": pair.level,
        "dialect": pair.dialect,
        "combination": pair.combination,
        "lineage": dict(pair.lineage),
    }


def from_template_record(record: Mapping[str, Any]) -> Pair:
    """The pair in a template record; what a foreign record does not say is left at its default.

    `parameter_mapping` may also be a mapping of name to {surface, value} or of surface to value.

    Raises:
        FormatError: question or SQL is missing, or a part has another shape.
    """
    try:
        question, sql = str(record["nlq"]), str(record["sql"])
        return Pair(
            id=str(record.get("id") or pair_id(question, sql)),
            question=question,
            sql=sql,
            template_id=str(record.get("template_id", "")),
            question_template=str(record.get("nlq_template", question)),
            sql_template=str(record.get("sql_template", sql)),
            parameters=tuple(_parameters(record.get("parameter_mapping") or [])),
            tags=tuple(Tag(str(t["type"]), str(t["subtype"])) for t in record.get("tags") or []),
            level=record.get("level", "moderate"),
            dialect=str(record.get("dialect", "tsql")),
            combination=str(record.get("combination", "")),
            lineage=dict(record.get("lineage") or {}),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"This is not a template record: {error!r}.") from error


def _parameters(mapping: Any) -> Iterator[Parameter]:
    if isinstance(mapping, Mapping):
        for name, entry in mapping.items():
            if isinstance(entry, Mapping):
                surface = str(entry.get("surface", entry["value"]))
                yield Parameter(str(name), surface, entry["value"], str(entry.get("column", "")))
            else:
                yield Parameter(str(name), str(name), entry)
        return
    for entry in mapping:
        yield Parameter(str(entry["name"]), str(entry["surface"]), entry["value"], str(entry.get("column", "")))


# -- the four shapes -------------------------------------------------------------------------------------------------


def _to_openai(messages: Messages) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in messages]}


def _from_openai(record: Mapping[str, Any]) -> Messages:
    return tuple((_role(m["role"]), str(m["content"])) for m in record["messages"])


def _to_sharegpt(messages: Messages) -> dict[str, Any]:
    return {"conversations": [{"from": _SHAREGPT[role], "value": content} for role, content in messages]}


def _from_sharegpt(record: Mapping[str, Any]) -> Messages:
    return tuple((_ROLES[m["from"]], str(m["value"])) for m in record["conversations"])


def _to_alpaca(messages: Messages) -> dict[str, Any]:
    roles = [role for role, _ in messages]
    content = dict(messages)
    if roles == ["system", "user", "assistant"]:
        return {"instruction": content["system"], "input": content["user"], "output": content["assistant"]}
    if roles == ["user", "assistant"]:
        return {"instruction": content["user"], "input": "", "output": content["assistant"]}
    raise FormatError(f"Alpaca holds one exchange, not {', '.join(roles)}.")


def _from_alpaca(record: Mapping[str, Any]) -> Messages:
    instruction, given, output = str(record["instruction"]), str(record.get("input") or ""), str(record["output"])
    if given:
        return (("system", instruction), ("user", given), ("assistant", output))
    return (("user", instruction), ("assistant", output))


def _to_chatml(messages: Messages) -> dict[str, Any]:
    for _, content in messages:
        if "<|im_end|>" in content or "<|im_start|>" in content:
            raise FormatError("The text holds a ChatML marker, which would end a turn early.")
    return {"text": "".join(f"<|im_start|>{role}\n{content}<|im_end|>\n" for role, content in messages)}


def _from_chatml(record: Mapping[str, Any]) -> Messages:
    turns = _TURN.findall(record["text"])
    if not turns:
        raise ValueError("no turns")
    return tuple((_role(role), content) for role, content in turns)


def _role(name: str) -> str:
    if name not in _SHAREGPT:
        raise ValueError(f"unknown role {name}")
    return name


_Codec = tuple[Callable[[Messages], dict[str, Any]], Callable[[Mapping[str, Any]], Messages]]
_CODECS: dict[str, _Codec] = {
    "openai": (_to_openai, _from_openai),
    "sharegpt": (_to_sharegpt, _from_sharegpt),
    "alpaca": (_to_alpaca, _from_alpaca),
    "chatml": (_to_chatml, _from_chatml),
}
CHAT_FORMATS = tuple(_CODECS)
"""The names `to_format` and `from_format` know."""


def _format(name: str) -> _Codec:
    if name not in _CODECS:
        raise FormatError(f"There is no format `{name}`. Use one of {', '.join(CHAT_FORMATS)}.")
    return _CODECS[name]
