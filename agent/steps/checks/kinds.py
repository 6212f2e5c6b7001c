"""Does the result hold the kind of thing that was asked for: a day, a number, something that was not known before?

A model that takes the wrong column still gives a row, and the row looks like an answer. What kind of thing it must hold
is said by the question's first words, and by the verb that an event is told with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from agent.run import Cell, Finding
from agent.steps.checks.statement import Checked
from agent.warehouse.cells import number_in
from memory.lexical import identifier_words, stems

__all__ = ["check_echo", "check_event", "check_kind"]

_ASKS_YES_OR_NO = re.compile(r"^(?:is|are|was|were|do|does|did|has|have|had|can|could|any)\b")

# --- the kind of value ------------------------------------------------------------------------------------------

_OPENING = r"(?:^|[,;:.?!–—-] ?|\band )"
"""Where a question begins: a text, a clause, or a second question."""
_WHICH_DAY = rf"{_OPENING}(?:on |by |since |until |from )?(?:when|what date|which date|what day|which day)"
_WHEN = re.compile(rf"{_WHICH_DAY}(?: exactly)? (?:did|do|does|was|were|is|are|has|have|had|will|should)\b")
_HOW_MANY = re.compile(
    rf"{_OPENING}(?:(?:for|by|of|in|at|to) )?(?:how (?:many|much)|what (?:percentage|percent|share))\b"
)
_DAY = re.compile(r"\d{4}-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\b(?:19|20)\d\d\b")


def check_kind(checked: Checked) -> Iterator[Finding]:
    """“When did ...” is answered by a day, “how many ...” by a number; a question after two days, by two."""
    cells = [cell for row in checked.result.rows for cell in row]
    if not cells or any(cell is None for cell in cells) or _ASKS_YES_OR_NO.search(checked.words):
        return
    days = len(_WHEN.findall(checked.words))
    if days and not any(_is_day(cell) for cell in cells):
        yield Finding("answer_kind", "error", "The question asks when; no column of the result holds a day.")
    if _HOW_MANY.search(checked.words) and all(number_in(cell) is None for cell in cells):
        yield Finding("answer_kind", "error", "The question asks how many; no column of the result holds a number.")


def _is_day(cell: Cell) -> bool:
    return _DAY.search(str(cell)) is not None


# --- the event --------------------------------------------------------------------------------------------------

_EVENTS = {
    "ship": r"ship(?:s|ped)?|dispatch(?:ed)?|(?:go|goes|went|gone|sent|leave|leaves|left)(?: us| out| off)+|"
            r"(?:leave|leaves|left) (?:the|our) (?:warehouse|dock|building|door)",
    "requir": r"need(?:s|ed)?(?: \w+){0,2}? by|requir(?:e|es|ed)|due",
    "order": r"plac(?:e|es|ed)|order(?:s|ed)?(?! \d)",
    "deliver": r"deliver(?:s|ed)?|arriv(?:e|es|ed)",
    "hire": r"hir(?:e|ed)|join(?:ed)?|start(?:ed)? (?:work|with us|here)",
    "birth": r"born|birthday",
    "pay": r"pa(?:y|id)",
}  # fmt: skip
"""How an event is told, by the word its date column is named with, as a stem."""
_ASKED_DAYS = re.compile(rf"{_WHICH_DAY}\b([^,;:.?!]*)")


def check_event(checked: Checked) -> Iterator[Finding]:
    """“When did it leave the warehouse” asks for the day that is named after shipping, not for another."""
    for asked in _ASKED_DAYS.finditer(checked.words):
        told = [event for event, verbs in _EVENTS.items() if re.search(rf"\b(?:{verbs})(?!\w)", asked.group(1))]
        if "ship" in told and "order" in told:
            told.remove("order")  # in “when did the order go out” the order is the thing, not the event
        for event in told:
            meant = _date_columns(checked, event)
            if meant and not set(meant) & checked.statement.columns_used:
                message = f"The question asks for {meant[0][0]}.{meant[0][1]}; the statement does not look at it."
                yield Finding("event_date", "error", message, evidence=asked.group().strip(" ,;:.?!"))
                return


def _date_columns(checked: Checked, event: str) -> list[tuple[str, str]]:
    """(table, column) of the dates that are named after an event, in the tables the statement reads."""
    words = {event, *stems(event)}
    return [
        (table.name, column.name)
        for table in checked.catalog.tables
        if table.name in checked.statement.found.tables
        for column in table.columns
        if column.family == "date" and words & set(stems(identifier_words(column.name)))
    ]


# --- nothing new ------------------------------------------------------------------------------------------------


def check_echo(checked: Checked) -> Iterator[Finding]:
    """A result whose every column is held to one text by the statement itself says what the question said."""
    tree = checked.statement.tree
    where = tree.args.get("where") if isinstance(tree, exp.Select) else None
    if where is None or not checked.result.rows or _ASKS_YES_OR_NO.search(checked.words):
        return
    plain = where.this.unnest()
    pinned = {
        _bare(part.this)
        for part in (plain.flatten() if isinstance(plain, exp.And) else [plain])
        if isinstance(part, exp.EQ) and isinstance(part.expression, exp.Literal) and part.expression.is_string
    }
    shown = [_bare(entry.unalias()) for entry in tree.expressions]
    if shown and all(text in pinned for text in shown):
        message = "The result only repeats what the question names."
        yield Finding("echo", "error", message, evidence=", ".join(shown))


def _bare(node: exp.Expr) -> str:
    return re.sub(r"[\"`\[\]]", "", node.sql()).casefold()
