"""Does the statement look for what nobody asked for, or the wrong way round?

A model under strain fills its pattern with a value it has seen before, or turns an order or a condition around. What
is written in the statement must come from the question, from what the question was linked to, or from a definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from agent.run import Finding, Piece
from agent.steps.checks.limits import NUMBER_WORDS
from agent.steps.checks.statement import Checked
from memory.lexical import fold, stems

__all__ = ["check_direction", "check_polarity", "check_unasked"]

# --- values and numbers -----------------------------------------------------------------------------------------

_COMPARED = (exp.EQ, exp.NEQ, exp.In, exp.GT, exp.GTE, exp.LT, exp.LTE)
_MULTIPLES = {"once": 1, "twice": 2, "double": 2, "doubled": 2, "half": 2, "halved": 2, "pair": 2, "triple": 3,
              "thrice": 3, "zero": 0, "couple": 2, "several": 2, "repeat": 1}  # fmt: skip
_SMALL = 1.0
"""Up to this a number needs no reason: “any”, “more than one”, a flag."""


def check_unasked(checked: Checked) -> Iterator[Finding]:
    """Texts and numbers that rows are compared with, although neither the question nor a definition has them."""
    defined = " ".join(f"{m.sql} {m.filter}" for m in checked.layer.metrics)
    defined += " ".join(d.expression for d in checked.layer.dimensions)
    linked = {fold(piece.id.partition("=")[2]) for piece in _value_pieces(checked)}
    for compared in checked.statement.tree.find_all(*_COMPARED):
        if not isinstance(compared.this.unnest(), exp.Column | exp.DPipe | exp.AggFunc | exp.Sub):
            continue
        literals = compared.expressions if isinstance(compared, exp.In) else [compared.expression]
        for literal in literals:
            if not isinstance(literal, exp.Literal):
                continue
            name = literal.name
            asked = _asked_text(name, linked, checked) if literal.is_string else _asked_number(name, checked)
            if not asked and not re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", defined):
                message = f"The statement looks for {literal.sql()}, which the question does not name."
                yield Finding("unasked", "warning", message, evidence=name)
                return


def _value_pieces(checked: Checked) -> tuple[Piece, ...]:
    return checked.grounding.of_kind("value") if checked.grounding else ()


def _asked_text(text: str, linked: set[str], checked: Checked) -> bool:
    if fold(text) in linked or not re.search(r"[^\W\d]{3}", text):
        return True
    return bool(set(stems(text)) & set(stems(checked.question)))


def _asked_number(text: str, checked: Checked) -> bool:
    number = float(text)
    if number <= _SMALL:
        return True
    said = {float(found.replace(",", "")) for found in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", checked.words)}
    spelled = {**NUMBER_WORDS, **_MULTIPLES}
    said |= {float(spelled[word]) for word in re.findall(r"[a-z]+", checked.words) if word in spelled}
    said |= {value / 100 for value in said} | {value * 1000 for value in said} | {value * 1e6 for value in said}
    said |= {value - 1 for value in said} | {value + 1 for value in said}
    return number in said or (bool(said) and re.search(r"\d ?(?:year|month|week)", checked.words) is not None)


# --- directions -------------------------------------------------------------------------------------------------

_HIGH = re.compile(
    r"\b(?:highest|largest|biggest|greatest|top|longest|dearest|priciest|heaviest|maximum|(?:newest|latest)"
    r"|most(?! recent)(?= (?!of\b)))\b|\bmost recent\b"
)
_LOW = re.compile(r"\b(?:lowest|smallest|fewest|cheapest|shortest|minimum|bottom|oldest|earliest|(?<!at )least)\b")
_SHRINKS = re.compile(
    r"\b(?:lost|lose|loses|fell|fall|fallen|drop\w*|declin\w+|decreas\w+|shr[aiu]nk\w*|down|worse\w*)\b"
)


_TIMES = {"slowest": "longest", "fastest": "shortest", "quickest": "shortest"}
"""What comes first by a time that is taken."""
_ON_TOP = re.compile(r"\b([a-z]+)(?: [a-z]+){0,2} (?:first|on top|at the top)\b")


def check_direction(checked: Checked) -> Iterator[Finding]:
    """“The fewest” and “cheapest first” are ascending order, “the highest” and “dearest first” descending order."""
    tree = checked.statement.tree
    order = tree.args.get("order")
    if order is None:
        return
    said_of = checked.words
    if tree.args.get("limit") is None:
        on_top = _ON_TOP.search(checked.words)
        said_of = _TIMES.get(on_top.group(1), on_top.group(1)) if on_top else ""
    high, low = _HIGH.search(said_of), _LOW.search(said_of)
    if _SHRINKS.search(checked.words):
        return  # what fell the most has the lowest change
    first = order.expressions[0]
    if (high is None) == (low is None) or not isinstance(first, exp.Ordered):
        return
    said = high or low
    assert said is not None  # noqa: S101 (exactly one of them is there)
    if bool(first.args.get("desc")) != (high is not None) and not _turned(first, checked):
        message = f"The question asks for the {said.group()}; the statement's order puts the other end first."
        yield Finding("direction", "error", message, evidence=said.group())


def _turned(first: exp.Expr, checked: Checked) -> bool:
    """Whether the order is of days, where “the longest here” began first, or of something subtracted."""
    column = first.this if isinstance(first.this, exp.Column) else None
    origin = checked.statement.found.origins.get(id(column)) if column is not None else None
    found = checked.catalog.column(*origin) if origin else None
    is_day = found is not None and found.family == "date"
    days = re.search(r"\b(?:newest|latest|most recent|oldest|earliest)\b", checked.words)
    return (is_day and days is None) or (not is_day and days is not None) or bool(first.find(exp.Sub, exp.Neg))


# --- polarity ---------------------------------------------------------------------------------------------------

_OPEN = re.compile(
    r"\b(?:unshipped|undelivered|unpaid|unassigned|outstanding|pending|not yet|yet to|still (?:not|waiting|to be|"
    r"haven't|hasn't)|(?:waiting|waits?) (?:to|for)|awaiting|unfulfilled)\b"
)


_LACKING = re.compile(
    r"\b(?:no|not|non\w*|none|nobody|no one|nothing|never|without|un(?!its?\b|til\b|der\b)\w+|\w+n['’]?t|\w+less|zero|"
    r"0|except\w*|only|alone|missing|blank|empty|absent|incomplete|lack\w*|free of|other than|yet|still|open|"
    r"pending|outstanding|a?wait\w*|fail\w*|remain\w*|left|in (?:progress|transit)|on the way|underway|stuck|backlog|"
    r"(?:over)?due|current\w*|top|highest|head|boss)\b"
)
"""Words of what lacks something, is not done yet, or has nobody above it."""


def check_polarity(checked: Checked) -> Iterator[Finding]:
    """What is still open has no date yet: IS NOT NULL alone keeps just the others, and IS NULL is of nothing else."""
    if not _OPEN.search(checked.words):
        yield from _unasked_null(checked)
        return
    nulls = [node for node in checked.statement.tree.find_all(exp.Is) if isinstance(node.expression, exp.Null)]
    missing = any(isinstance(node.this, exp.Exists) for node in checked.statement.tree.find_all(exp.Not))
    if nulls and not missing and all(isinstance(node.parent, exp.Not) for node in nulls):
        message = "The question asks for what is still open; the statement keeps only what is done."
        yield Finding("polarity", "error", message)


def _unasked_null(checked: Checked) -> Iterator[Finding]:
    """A WHERE that keeps what has no value, although the question has no word of anything that lacks."""
    if _LACKING.search(checked.words) or any("null" in f"{m.sql} {m.filter}".casefold() for m in checked.named_metrics):
        return
    for select in checked.statement.selects:
        where = select.args.get("where")
        conditions = where.this.flatten() if where is not None and isinstance(where.this, exp.And) else ()
        for condition in conditions or ([where.this] if where is not None else []):
            if isinstance(condition, exp.Is) and isinstance(condition.expression, exp.Null):
                message = f"The statement keeps only what has no {condition.this.name}, which is not asked for."
                yield Finding("polarity", "error", message, evidence=condition.sql())
                return
