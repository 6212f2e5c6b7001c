"""Are the values that the question names looked for, and do those that the statement looks for exist?

A value that is stored nowhere gives a clean answer of nothing. Where all values of a column are known, such a literal
is found before anybody believes the zero: if one stored value is spelt alike, it was meant, and the finding says so in
a form that a mend can use (`evidence` is "written → stored").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from agent.run import Finding
from agent.steps.checks.statement import Checked
from memory.catalog import MAX_SAMPLE_CHARS
from memory.lexical import fold
from memory.spelling import edits
from memory.surfaces import is_country_word, other_names
from memory.value_sources import MAX_VALUES, ValueSource

__all__ = ["ARROW", "check_values"]

ARROW = " → "
"""Stands in the evidence between a value as written and as stored."""

_SHORTEST, _LONG = 5, 9
"""Letters from which a value that the question does not name can be a slip of a stored one, and from which two can."""
_Target = tuple[str, ...]
"""What a value is compared with: `table.column`, or the parts of a text put together, all folded."""


def check_values(checked: Checked) -> Iterator[Finding]:
    """Stored values that stand in the question must be looked for; literals must be values that are stored."""
    texts = [_key(text) for text in checked.statement.texts]
    literal_words = {word for text in checked.statement.texts for word in re.findall(r"\w+", fold(text))}
    for value in checked.named_values:
        key = _key(value)
        found = any(text and (text in key or key in text) for text in texts)
        if not found and not set(re.findall(r"\w+", fold(value))) <= literal_words:
            message = f"The question names “{value}”; the statement does not look for it."
            yield Finding("value_filter", "error", message, evidence=value)
    yield from _unknown_countries(checked)
    yield from _unknown_values(checked)


def _unknown_countries(checked: Checked) -> Iterator[Finding]:
    """A country that the question names, that no stored value is called, and that the statement passes over."""
    named = {fold(name) for value in checked.named_values for name in (value, *other_names(value))}
    texts = " ".join(map(fold, checked.statement.texts))
    for word in re.findall(r"(?<![.?!] )(?<!^)\b[A-Z][a-z]{3,}\b", checked.question):
        if is_country_word(word) and fold(word) not in texts and not any(fold(word) in name for name in named):
            message = f"The question names “{word}”; the statement does not look for it."
            yield Finding("value_filter", "error", message, evidence=word)
            return


def _unknown_values(checked: Checked) -> Iterator[Finding]:
    for compared in checked.statement.tree.find_all(exp.EQ, exp.NEQ, exp.In):
        target = _target(compared.this, checked)
        stored = _stored(target, checked) if target else frozenset()
        if not stored:
            continue
        literals = compared.expressions if isinstance(compared, exp.In) else [compared.expression]
        for literal in literals:
            if isinstance(literal, exp.Literal) and literal.is_string and literal.name not in stored:
                yield from _judged(literal.name, target, stored, checked)


def _judged(written: str, target: _Target, stored: frozenset[str], checked: Checked) -> Iterator[Finding]:
    if len(written) > MAX_SAMPLE_CHARS:
        return  # values as long as that are not kept
    where = _spelt(target, checked) or "The name"
    asked = fold(written) in fold(checked.words)
    meant = _meant(written, target, stored, checked) or (None if asked else _nearest(written, stored))
    if meant is not None:
        if checked.statement.dialect == "mysql" and meant.casefold() == written.strip().casefold():
            return  # compares text without regard to case
        message = f"{where} holds “{meant}”, not “{written}”."
        yield Finding("unknown_value", "error", message, evidence=f"{written}{ARROW}{meant}")
        return
    elsewhere = _held_elsewhere(written, target, checked)
    if elsewhere:
        message = f"{where} holds no “{written}”; that is a value of {elsewhere}."
        yield Finding("unknown_value", "error", message, evidence=written)
        return
    yield Finding("unknown_value", "warning" if asked else "error", f"{where} holds no “{written}”.", evidence=written)


def _meant(written: str, target: _Target, stored: frozenset[str], checked: Checked) -> str | None:
    """The one stored value that is spelt alike, else the one that the question was linked to and that is near."""
    key = _key(written)
    same = [value for value in stored if _key(value) == key]
    if same:
        return same[0] if len(same) == 1 else None
    linked = {value for at, value in _linked(checked) if at == target and value in stored}
    if len(linked) != 1:
        return None
    (value,) = linked
    near = len(key) >= 4 and (key in _key(value) or edits(key, _key(value), 2) <= 2)
    near = near or written.casefold() in {name.casefold() for name in other_names(value)}
    return value if near else None


def _nearest(written: str, stored: frozenset[str]) -> str | None:
    """The one stored value that is a slip of the keyboard away; None when it is short, or when two are as near.

    Values that differ in a digit are two things, and no slip.
    """
    key = _key(written)
    slips = 1 if len(key) < _LONG else 2
    if len(key) < _SHORTEST:
        return None
    digits = re.sub(r"\D", "", key)
    near = [
        value
        for value in stored
        if abs(len(value) - len(written)) <= slips + 1
        and re.sub(r"\D", "", value) == digits
        and edits(key, _key(value), slips) <= slips
    ]
    return near[0] if len(near) == 1 else None


def _held_elsewhere(written: str, target: _Target, checked: Checked) -> str:
    """Another source of names (not of places and kinds, which honestly may have no such row here) that holds it."""
    key = _key(written)
    for source in _sources(checked):
        is_other = source.role in ("label", "name") and _source_target(source, checked) != target
        if is_other and any(_key(value) == key for value in source.values):
            return source.target
    return ""


# --- what is stored ---------------------------------------------------------------------------------------------


def _stored(target: _Target, checked: Checked) -> frozenset[str]:
    """All values of the target, or nothing when not all of them are known."""
    if len(target) == 1:
        table, _, name = target[0].partition(".")
        column = checked.catalog.column(table, name)
        if column is None or column.family != "text":
            return frozenset()
        if column.samples:
            return frozenset(column.samples)
    for source in _sources(checked):
        if len(source.values) < MAX_VALUES and _source_target(source, checked) == target:
            return frozenset(source.values)
    return frozenset()


def _sources(checked: Checked) -> tuple[ValueSource, ...]:
    return checked.values.sources if checked.values is not None else ()


def _linked(checked: Checked) -> Iterator[tuple[_Target, str]]:
    """The values that the question was linked to, each with its target."""
    targets = {source.target: source for source in _sources(checked)}
    for piece in checked.grounding.of_kind("value") if checked.grounding else ():
        at, _, value = piece.id.partition("=")
        source = targets.get(at)
        yield (_source_target(source, checked) if source is not None else (fold(at),)), value


def _source_target(source: ValueSource, checked: Checked) -> _Target:
    if not source.computed:
        return (fold(f"{source.table}.{source.column}"),)
    try:
        tree = sqlglot.parse_one(source.column, dialect=checked.layer.dialect)
    except SqlglotError:
        return ()
    return _parts(tree, lambda column: f"{column.table or source.table}.{column.name}")


def _target(node: exp.Expr, checked: Checked) -> _Target:
    def named(column: exp.Column) -> str:
        origin = checked.statement.found.origins.get(id(column))
        return ".".join(origin) if origin else ""

    return _parts(node.unnest(), named)


def _parts(node: exp.Expr, name_of: Callable[[exp.Column], str]) -> _Target:
    """A column, or columns and literals put together by `||` or CONCAT; () for anything else."""
    if isinstance(node, exp.Concat):
        pieces: Iterable[exp.Expr] = node.expressions
    elif isinstance(node, exp.DPipe):
        pieces = node.flatten()
    else:
        pieces = [node]
    parts: list[str] = []
    for piece in pieces:
        inner = piece.unnest()
        while isinstance(inner, exp.Coalesce | exp.Cast):
            inner = inner.this
        if isinstance(inner, exp.Column) and name_of(inner):
            parts.append(fold(name_of(inner)))
        elif isinstance(inner, exp.Literal) and inner.is_string and len(parts) > 0:
            parts.append(f"'{inner.name}'")
        else:
            return ()
    return tuple(parts)


def _spelt(target: _Target, checked: Checked) -> str:
    """The column as the catalog spells it; "" for a text put together."""
    table, _, name = target[0].partition(".")
    column = checked.catalog.column(table, name)
    held = checked.catalog.table(table)
    return f"{held.name}.{column.name}" if len(target) == 1 and held is not None and column is not None else ""


def _key(text: str) -> str:
    """What is left of a value without case, accents, blanks and punctuation."""
    return re.sub(r"[\W_]+", "", fold(text))
