"""What an answer takes for granted, said in words: whoever signs it must not have to read it out of the SQL.

Only what the statement really does is claimed. A definition that was offered to the model counts as used when every
column of it stands in the statement; a value when it is compared there with the column it was linked to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.confidence import agreement
from agent.run import Piece, RunState

if TYPE_CHECKING:
    from sqlglot import exp

    from agent.services import Services
    from memory.catalog import Catalog

__all__ = ["assumptions_of", "speaks_of_today"]

_COLUMN = re.compile(r"\b\w+\.[\"`\[]?(\w+)")
_RELATIVE = re.compile(
    r"\b(?:today|yesterday|currently?|now|ago|so\s+far|to\s+date|(?:this|last|past|previous|current|recent)\s+"
    r"(?:\d+\s+)?(?:day|week|month|quarter|year)s?)\b",
    re.IGNORECASE,
)
_DATE_TYPES = ("DATE", "TIME")


def speaks_of_today(question: str) -> bool:
    """Whether a question means other dates on another day: "last month", "so far"."""
    return _RELATIVE.search(question) is not None


def assumptions_of(state: RunState, services: Services) -> tuple[str, ...]:
    """What a run that gave rows takes for granted: review, metrics, values, time, row cap; then the run's notes."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    # What a recalled draft stands on says nothing about the draft that took its place.
    recalled = state["drafts"][state["current"]].origin == "verified_query"
    said = list(state.get("assumptions", ())) if recalled else []
    restrictions, result = state["verdict"].restrictions, state["outcome"].result
    # With what the policy adds, the statement that ran reads columns and compares values that nobody asked for.
    sql = state["drafts"][state["current"]].sql if restrictions else state["outcome"].sql
    try:
        tree = sqlglot.parse_one(sql, dialect=services.warehouse.dialect)
    except SqlglotError:  # the guard parsed it, so this is a statement of another origin; say what is certain
        tree = None
    grounding = state.get("grounding")
    if tree is not None and grounding is not None and not state["direct"]:
        said += _definitions(grounding.of_kind("metric"), tree)
        said += _values(grounding.of_kind("value"), tree)
        said += _times(tree, services.catalog, services.warehouse.dialect)
    if speaks_of_today(state["question"]) and not state["direct"]:
        source = "the calendar of metrics.yaml" if services.layer.calendar.as_of else "the clock"
        said.append(f"“Today” is {services.layer.today().isoformat()}, from {source}.")
    if left_out := state["drafts"][state["current"]].left_out:
        said.append(f"The question is read without its words “{left_out}”, which name nothing that is known.")
    if _is_disputed(state):
        said.append("The model's own draft gave other rows, or none; the one shown is compiled from metrics.yaml.")
    if result is not None and result.truncated:
        said.append(f"Only the first {len(result.rows):,} rows were read; there are more.")
    said += restrictions
    said += state.get("notes", ())
    return tuple(dict.fromkeys(said))


def _is_disputed(state: RunState) -> bool:
    """Whether the answer's draft is a compiled one that the model's draft did not agree with."""
    drafts, current = state["drafts"], state["current"]
    agreed = agreement(drafts, state.get("votes", ()), current)
    return drafts[current].origin == "compiled" and agreed is not None and agreed < 1


def _definitions(metrics: tuple[Piece, ...], tree: exp.Expr) -> list[str]:
    from sqlglot import exp

    used = {column.name.casefold() for column in tree.find_all(exp.Column)}
    said = []
    for piece in metrics:
        name, _, formula = piece.text.partition(": ")
        columns = {column.casefold() for column in _COLUMN.findall(formula)}
        if columns and columns <= used:
            said.append(f"{name} is taken as {formula} (definition {piece.version.partition('+')[0]}).")
    return said


def _values(values: tuple[Piece, ...], tree: exp.Expr) -> list[str]:
    """A literal compared with the column it was linked to; a computed target is not claimed."""
    from sqlglot import exp

    compared: set[tuple[str, str]] = set()
    for predicate in tree.find_all(exp.EQ, exp.In, exp.Like, exp.ILike, exp.NEQ):
        columns = [column.name.casefold() for column in predicate.find_all(exp.Column)]
        literals = [literal.name.casefold() for literal in predicate.find_all(exp.Literal) if literal.is_string]
        compared |= {(column, literal) for column in columns for literal in literals}
    said = []
    for piece in values:
        value, _, target = piece.text.rpartition(": ")
        match = _COLUMN.fullmatch(target.rstrip('"`]'))
        if match and (match[1].casefold(), value.casefold()) in compared:
            said.append(f"“{value}” is looked up in {target}.")
    return said


def _times(tree: exp.Expr, catalog: Catalog, dialect: str) -> list[str]:
    """The conditions on dates, as they stand in the statement."""
    from sqlglot import exp

    dates = {
        column.name.casefold()
        for table in catalog.tables
        for column in table.columns
        if any(kind in column.type.upper() for kind in _DATE_TYPES)
    }
    found = []
    for where in tree.find_all(exp.Where):
        whole = where.this
        for condition in whole.flatten() if isinstance(whole, exp.And) else (whole,):
            nested = condition.find(exp.Select) is not None
            named = {column.name.casefold() for column in condition.find_all(exp.Column)}
            literals = any(True for _ in condition.find_all(exp.Literal))
            if not nested and literals and named & dates:
                found.append(condition.sql(dialect=dialect))
    return [f"Time: only rows where {' AND '.join(dict.fromkeys(found))}."] if found else []
