"""Hand-written templates: questions with parameters, for what the semantic layer does not compose by itself.

A template says a question in several ways and its SQL once, in the layer's dialect. Its parameters are typed and take
their values from the warehouse, so the same file serves any warehouse of that shape:

    country: {column: Customers.Country}          a value of the column
    seller: {dimension: employee_name}            a value of the dimension
    n: {choice: [3, 5, 10]}                       one of these
    price: {number: Products.UnitPrice}           a round number with rows on both sides
    year: {period: year}                          {year} in the question; '{year.start}' and '{year.end}' in the SQL
    state: {map: {overdue: late, punctual: on_time}}   what people say and what the database holds
    other: {column: Customers.Country, not: country}   another value than that parameter's

A long list is told apart by topic: `include: [templates/customers.yaml, ...]` names further files beside the first one,
which hold `templates` only.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from finetune.pairs.pair import LEVELS, Level, Pair, Parameter, Tag, pair_id
from finetune.pairs.world import World
from finetune.phrasing.grammar import Ask, say_all
from finetune.phrasing.periods import month, quarter, year
from memory.catalog import Catalog

__all__ = ["Template", "TemplateBook", "TemplateError", "load_templates"]

_SLOT = re.compile(r"\{([a-z_0-9]+)(?:\.(start|end|label))?\}")
_KINDS = ("column", "dimension", "choice", "number", "period", "map")


class TemplateError(Exception):
    """templates.yaml is wrong. Says the file, the line, the key, and what to do."""

    def __init__(self, path: Path, line: int, key: str, message: str) -> None:
        super().__init__(f"{path}:{line}: `{key}`: {message}" if key else f"{path}:{line}: {message}")
        self.path, self.line, self.key, self.message = path, line, key, message


@dataclass(frozen=True)
class Template:
    """One template."""

    id: str
    questions: tuple[str, ...]
    sql: str
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    level: Level = "moderate"
    version: int = 1


@dataclass(frozen=True)
class TemplateBook:
    """A workspace's templates and its vocabulary."""

    templates: tuple[Template, ...] = ()
    vocabulary: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = ""
    """Of the bytes of its files, one after the other; empty without a file."""

    def draw(self, rng: random.Random, world: World, count: int) -> tuple[Template, list[Pair]]:
        """A template, and up to `count` questions of it filled once; [] when a parameter has no value."""
        template = rng.choice(self.templates)
        filled = fill(template, rng, world)
        return template, [] if filled is None else _pairs(template, filled, rng, world, count)


@dataclass(frozen=True)
class Filled:
    """A template with values: the SQL to run, the words for the slots, the record of what was put in."""

    sql: str
    words: Mapping[str, str]
    parameters: tuple[Parameter, ...]


def load_templates(path: Path, catalog: Catalog | None = None) -> TemplateBook:
    """Read and check templates.yaml and the files it includes.

    Raises:
        TemplateError: unreadable, not YAML, or a template is wrong; names the file, line and key.
    """
    root, content = _read(path, ("version", "vocabulary", "templates", "include"))
    templates, digest = _templates(path, root, catalog), hashlib.sha256(content)
    for index, name in enumerate(root.get("include") or ()):
        beside = path.parent / str(name)
        if not beside.is_file():
            raise TemplateError(path, _line(root, "include"), f"include[{index}]", f"there is no file {beside}.")
        part, content = _read(beside, ("version", "templates"))
        templates += _templates(beside, part, catalog)
        digest.update(content)
    known: dict[str, Path] = {}
    for template, file, line in templates:
        if template.id in known:
            raise TemplateError(file, line, "id", f"`{template.id}` is used twice, first in {known[template.id].name}.")
        known[template.id] = file
    return TemplateBook(
        tuple(template for template, _, _ in templates), _plain(root.get("vocabulary") or {}), digest.hexdigest()
    )


def fill(template: Template, rng: random.Random, world: World) -> Filled | None:
    """Draw a value for every parameter; None when one has none."""
    sql, words, parameters = template.sql, dict[str, str](), list[Parameter]()
    values: dict[str, Any] = {}
    for name, spec in template.parameters.items():
        drawn = _value(spec, rng, world, values)
        if drawn is None:
            return None
        surface, value, parts, column = drawn
        values[name] = value
        words[name] = surface
        parameters.append(Parameter(name, surface, value, column))
        for suffix, text in parts.items():
            sql = sql.replace(f"{{{name}{suffix}}}", text)
    return Filled(sql, words, tuple(parameters))


_Drawn = tuple[str, str | int | float, dict[str, str], str]


def _value(spec: Mapping[str, Any], rng: random.Random, world: World, values: Mapping[str, Any]) -> _Drawn | None:
    if "choice" in spec:
        choice = rng.choice(list(spec["choice"]))
        return str(choice), choice, {"": str(choice)}, "choice"
    if "map" in spec:
        surface, value = rng.choice(list(spec["map"].items()))
        return str(surface), value, {"": str(value).replace("'", "''")}, "map"
    if "period" in spec:
        return _period(spec, rng, world, values)
    if "number" in spec:
        return _number(spec, rng, world)
    column = spec.get("column") or spec["dimension"]
    taken = values.get(str(spec.get("not")))
    options = [
        v for v in world.values(column) if v is not None and v not in ("", taken) and isinstance(v, str | int | float)
    ]
    if not options:
        return None
    chosen = rng.choice(options)
    return str(chosen), chosen, {"": str(chosen).replace("'", "''")}, column


def _number(spec: Mapping[str, Any], rng: random.Random, world: World) -> _Drawn | None:
    column = str(spec["number"])
    numbers = tuple(sorted(float(v) for v in world.values(column) if isinstance(v, int | float)))
    if len(numbers) < 3:
        return None
    raw = float(f"{numbers[int(len(numbers) * rng.uniform(0.15, 0.85))]:.2g}")
    value = int(raw) if raw == int(raw) else raw
    return str(value), value, {"": str(value)}, column


def _period(spec: Mapping[str, Any], rng: random.Random, world: World, values: Mapping[str, Any]) -> _Drawn | None:
    first, last = (dt.date.fromisoformat(day) if day else None for day in world.span())
    if first is None or last is None:
        return None
    taken = values.get(str(spec.get("after") or spec.get("not")))
    grain, years = spec["period"], list(range(first.year, last.year + 1))
    if grain == "year":
        years = [y for y in years if str(y) != str(taken) and (not spec.get("after") or y > int(str(taken)))]
    if not years:
        return None
    of = rng.choice(years)
    if grain == "year":
        found = year(of)
        return (
            str(of),
            of,
            {"": str(of), ".start": found.window.start, ".end": found.window.end, ".label": str(of)},
            "period",
        )
    found = quarter(rng.randint(1, 4), of) if grain == "quarter" else month(rng.randint(1, 12), of)
    start = found.window.start
    if taken is not None and (start == taken or (spec.get("after") and start < str(taken))):
        return None
    surface = rng.choice(found.bare)
    return surface, start, {"": surface, ".start": start, ".end": found.window.end}, "period"


def _pairs(template: Template, filled: Filled, rng: random.Random, world: World, count: int) -> list[Pair]:
    sql, sql_template = world.spell(filled.sql), world.spell(_unfilled(template.sql, filled))
    ask = Ask((), {k: (v,) for k, v in filled.words.items()}, parameters=filled.parameters)
    tags = (Tag("pattern", template.id), *(Tag("topic", tag) for tag in template.tags))
    return [
        Pair(
            id=pair_id(question, sql),
            question=question,
            sql=sql,
            template_id=template.id,
            question_template=production[1:],
            sql_template=sql_template,
            parameters=filled.parameters,
            tags=tags,
            level=template.level,
            dialect=world.catalog.dialect,
            combination=f"template|{template.id}",
            lineage={
                "source": "template",
                "template_version": template.version,
                "semantics_fingerprint": world.layer.fingerprint,
                "catalog_fingerprint": world.catalog.fingerprint,
            },
        )
        for production, question in say_all(template.questions, ask, rng, count)
    ]


def _unfilled(sql: str, filled: Filled) -> str:
    """The SQL with slots inside quotes left as they are, and bare ones given their values so that it parses."""
    for parameter in filled.parameters:
        if not isinstance(parameter.value, str):
            sql = re.sub(r"(?<!')\{" + parameter.name + r"\}(?!')", str(parameter.value), sql)
    return sql


# -- reading ---------------------------------------------------------------------------------------------------------


def _read(path: Path, keys: tuple[str, ...]) -> tuple[Mapping[str, Any], bytes]:
    """What a file says, and its bytes."""
    try:
        content = path.read_bytes()
        root = YAML(typ="rt").load(content.decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(path, 1, "", f"cannot be read ({error}).") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TemplateError(path, line, "", f"is not valid YAML: {error.problem}. Mend that line.") from error
    except YAMLError as error:
        raise TemplateError(path, 1, "", f"is not valid YAML: {error}") from error
    known = " or ".join(f"`{key}`" for key in keys[1:])
    if not isinstance(root, Mapping):
        raise TemplateError(path, 1, "", f"must be a mapping with {known}.")
    for key in root:
        if key not in keys:
            raise TemplateError(path, _line(root, key), str(key), f"is not known. Use {known}.")
    return root, content


def _templates(path: Path, root: Mapping[str, Any], catalog: Catalog | None) -> list[tuple[Template, Path, int]]:
    """The templates of one file, each with its file and line."""
    nodes = root.get("templates") or []
    return [
        (_template(path, node, f"templates[{i}]", catalog), path, _line(node, "id")) for i, node in enumerate(nodes)
    ]


def _template(path: Path, node: Any, key: str, catalog: Catalog | None) -> Template:
    if not isinstance(node, Mapping):
        raise TemplateError(path, 1, key, "must be a mapping with id, questions and sql.")
    for name in ("id", "questions", "sql"):
        if not node.get(name):
            raise TemplateError(path, _line(node, "id"), f"{key}.{name}", "is missing. Add it.")
    level = node.get("level", "moderate")
    if level not in LEVELS:
        raise TemplateError(path, _line(node, "level"), f"{key}.level", f"`{level}` is not one of {', '.join(LEVELS)}.")
    questions = tuple(str(q) for q in node["questions"])
    for question in questions:
        if question[:1] not in "?!~":
            raise TemplateError(
                path, _line(node, "questions"), f"{key}.questions", f"`{question}` must begin with ?, ! or ~."
            )
    tags = tuple(node.get("tags") or ())
    for tag in tags:
        if not isinstance(tag, str):  # YAML reads `null` and `no` as something else
            raise TemplateError(path, _line(node, "tags"), f"{key}.tags", f"`{tag}` is not text. Quote it.")
    parameters = _plain(node.get("parameters") or {})
    _check_parameters(path, node, key, parameters, catalog)
    sql = " ".join(str(node["sql"]).split())
    used = {m[1] for m in _SLOT.finditer(sql)} | {m[1] for q in questions for m in _SLOT.finditer(q)}
    for name in sorted(used ^ set(parameters)):
        message = "is used but not declared under parameters." if name in used else "is declared but never used."
        raise TemplateError(path, _line(node, "parameters"), f"{key}.parameters.{name}", message)
    return Template(str(node["id"]), questions, sql, parameters, tags, level, int(node.get("version", 1)))


def _check_parameters(path: Path, node: Any, key: str, parameters: Mapping[str, Any], catalog: Catalog | None) -> None:
    for name, spec in parameters.items():
        where = f"{key}.parameters.{name}"
        if not isinstance(spec, dict) or sum(kind in spec for kind in _KINDS) != 1:
            raise TemplateError(path, _line(node, "parameters"), where, f"needs exactly one of {', '.join(_KINDS)}.")
        column = spec.get("column") or spec.get("number")
        if column and catalog is not None and catalog.column(*str(column).split(".", 1)) is None:
            raise TemplateError(
                path, _line(node, "parameters"), where, f"there is no column {column} in the warehouse."
            )


def _line(node: Any, key: Any) -> int:
    position = getattr(node, "lc", None)
    if position is None:
        return 1
    known = position.data or {}
    return int(known[key][0]) + 1 if key in known else int(position.line) + 1


def _plain(node: Any) -> Any:
    """ruamel's containers as plain ones, so that they pickle small and compare plainly."""
    if isinstance(node, Mapping):
        return {str(k): _plain(v) for k, v in node.items()}
    if isinstance(node, list):
        return [_plain(v) for v in node]
    return node
