"""Literals that cannot be meant as they stand: of another type than what they are compared with, or a name in quotes.

SQLite and MariaDB compare a date with a number without a word, and the rows that come of it look like an answer.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from agent.warehouse.scopes import Resolution
from memory.catalog import Catalog, Table

__all__ = [
    "Misfit",
    "empty_patterns",
    "family_of",
    "misfits",
    "numbers_as_texts",
    "percent_pattern",
    "quoted_names",
    "swapped_patterns",
    "texts_added",
]

_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between)
_OF_COLUMNS = (
    exp.Group,
    exp.Ordered,
    exp.Sum,
    exp.Avg,
    exp.Min,
    exp.Max,
    exp.TimeToStr,
    exp.Extract,
    exp.Year,
    exp.Month,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
)
"""Where a text that is a column's name can only be that column."""
_LIKE_THEIR_ARGUMENT = (exp.Window, exp.Lag, exp.Lead, exp.Max, exp.Min, exp.Filter, exp.Coalesce)
_NUMBERS = (
    exp.Sum,
    exp.Avg,
    exp.Count,
    exp.Mul,
    exp.Div,
    exp.Round,
    exp.Abs,
    exp.Year,
    exp.Month,
    exp.Day,
    exp.Extract,
)
_UNSEEN = (exp.TsOrDsToDate, exp.TsOrDsToTimestamp, exp.Paren)
"""What the parser puts around a date, and parentheses."""
_PADDED = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2}
_JAVA = re.compile(r"(?:yyyy|yy|MM|dd|HH|mm|ss|[-/ :._])+")
_JAVA_PARTS = (("yyyy", "%Y"), ("yy", "%y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S"))


@dataclass(frozen=True, slots=True)
class Misfit:
    """A literal of another type than what it is compared with, and the one that was meant; None when that is open."""

    literal: exp.Expr
    meant: exp.Expr | None
    subject: exp.Expr
    family: str

    def passes_silently(self, dialect: str) -> bool:
        """Whether the database compares the two without an error, and other than was meant."""
        if self.meant is None:
            return dialect in ("sqlite", "mysql")
        if self.family == "date":  # MariaDB reads 20230101 as the day, but 2023-01-01 as 2021
            return dialect == "sqlite" or (dialect == "mysql" and not isinstance(self.literal, exp.Literal))
        if self.family in _PADDED:
            return dialect == "sqlite"
        return self.family == "number" and dialect == "sqlite" and not isinstance(self.subject.unnest(), exp.Column)


def misfits(tree: exp.Expr, found: Resolution, catalog: Catalog) -> list[Misfit]:
    """Every literal that cannot be meant as it stands."""
    misfitting = []
    for compared in tree.find_all(*_COMPARED):
        for subject, value in _sides(compared):
            family = family_of(subject, found, catalog)
            meant = _fitting(value, compared, family)
            if meant is not None or _says_nothing(value, family):
                misfitting.append(Misfit(value, meant, subject, family))
    return misfitting


def quoted_names(tree: exp.Expr, catalog: Catalog) -> list[tuple[exp.Literal, exp.Column]]:
    """(text, column) for texts where only a column makes sense, that are the name of one column of the tables there."""
    pairs = []
    for literal in tree.find_all(exp.Literal):
        select = literal.find_ancestor(exp.Select)
        if not literal.is_string or select is None:
            continue
        tables = [catalog.table(table.name) for table in select.find_all(exp.Table)]
        if not _stands_for_column(literal, select) and not _is_like_its_other_side(literal, tables):
            continue
        holding = {table.name for table in tables if table is not None and _has(table, literal)}
        if len(holding) == 1:
            pairs.append((literal, exp.column(exp.to_identifier(literal.name))))
    return pairs


def empty_patterns(tree: exp.Expr) -> list[exp.Literal]:
    """Patterns of dates in which no part of a date stands: each row gets the same text, and no database objects."""
    patterns = [node.args.get("format") for node in tree.find_all(exp.TimeToStr)]
    return [found for found in patterns if isinstance(found, exp.Literal) and found.name and "%" not in found.name]


def swapped_patterns(tree: exp.Expr) -> list[exp.TimeToStr]:
    """Dates written out with the date where the pattern belongs, which SQLite and MySQL take for a pattern."""
    return [
        node
        for node in tree.find_all(exp.TimeToStr)
        if isinstance(literal := _bare(node.this), exp.Literal)
        and "%" in literal.name
        and not isinstance(node.args.get("format"), exp.Literal)
    ]


def _bare(node: exp.Expr) -> exp.Expr:
    while isinstance(node, _UNSEEN):
        node = node.this
    return node


def percent_pattern(pattern: str) -> str | None:
    """`yyyy-MM` → `%Y-%m`; None for what is not a pattern of that kind."""
    if not _JAVA.fullmatch(pattern):
        return None
    for theirs, ours in _JAVA_PARTS:
        pattern = pattern.replace(theirs, ours)
    return pattern if "%" in pattern else None


def texts_added(tree: exp.Expr) -> list[exp.Expr]:
    """Sums, and MySQL's OR, with a text in them that is no number: elsewhere `+` and `||` put texts together."""
    sums = [node for node in tree.find_all(exp.Add, exp.Or) if not isinstance(node.parent, type(node))]
    return [node for node in sums if any(map(_is_no_number, node.flatten())) and node.find(exp.Interval) is None]


def numbers_as_texts(tree: exp.Expr, found: Resolution, catalog: Catalog) -> list[exp.AggFunc]:
    """Aggregates of a number that is made a text first, so that 9 comes after 10 and digits are lost."""
    return [
        node
        for node in tree.find_all(exp.Sum, exp.Avg, exp.Min, exp.Max)
        if isinstance(node.this, exp.Cast)
        and node.this.to.is_type(*exp.DataType.TEXT_TYPES)
        and family_of(node.this.this, found, catalog) == "number"
    ]


def _says_nothing(value: exp.Expr, family: str) -> bool:
    """Whether a text can be no value of that family."""
    if family == "date":
        return isinstance(value, exp.Literal) and value.is_string and not re.match(r"\s*\d", value.name)
    return family == "number" and _is_no_number(value)


def _is_no_number(value: exp.Expr) -> bool:
    return isinstance(value, exp.Literal) and value.is_string and not re.fullmatch(r"\s*-?\d+(?:\.\d+)?\s*", value.name)


def family_of(node: exp.Expr, found: Resolution, catalog: Catalog) -> str:
    """`date`, `number`, `text`, "" where it is not known, or the pattern of a part of a date that is a text."""
    node = node.unnest()
    if isinstance(node, exp.Column):
        return _column_family(node, found, catalog)
    if isinstance(node, _LIKE_THEIR_ARGUMENT):
        return family_of(node.this, found, catalog)
    if isinstance(node, exp.Sub):
        return "number" if family_of(node.this, found, catalog) == "number" else ""
    pattern: object = ""
    if isinstance(node, exp.TimeToStr):
        pattern = node.args.get("format")
    elif isinstance(node, exp.Anonymous) and node.name.lower() == "strftime" and node.expressions:
        pattern = node.expressions[0]
    if isinstance(pattern, exp.Literal):
        return str(pattern.name)
    return "number" if isinstance(node, _NUMBERS) else ""


def _column_family(node: exp.Column, found: Resolution, catalog: Catalog) -> str:
    origin, definition = found.origins.get(id(node)), found.definitions.get(id(node))
    column = catalog.column(*origin) if origin else None
    if column is None and definition is not None and definition is not node:
        return family_of(definition, found, catalog)
    return column.family if column is not None else ""


def _has(table: Table, literal: exp.Literal) -> bool:
    """In that very case among the arguments of a function: `'month'` is a part of a date beside a column `Month`."""
    column = table.column(literal.name)
    in_any_case = isinstance(literal.parent, (exp.Group, exp.Ordered, exp.Sum, exp.Avg, exp.Min, exp.Max, *_COMPARED))
    return column is not None and (in_any_case or column.name == literal.name)


def _stands_for_column(literal: exp.Literal, select: exp.Select) -> bool:
    """Nothing is grouped, ordered or added up by a text, no date is taken from one that is none, and no text compared
    with another; a text alone in the list may be a label, unless it is bare."""
    parent = literal.parent
    while isinstance(parent, _UNSEEN):
        parent = parent.parent
    if isinstance(parent, exp.DPipe | exp.Concat):  # names put together
        return isinstance(parent.find_ancestor(exp.EQ, exp.Select), exp.EQ) or _is_one_of_columns(literal, parent)
    if isinstance(parent, exp.Window):
        return literal.arg_key == "partition_by"
    if isinstance(parent, (*_OF_COLUMNS, exp.Anonymous)):
        return True
    if isinstance(parent, _COMPARED):
        return literal.arg_key == "this" and all(isinstance(node, exp.Literal) for node in parent.iter_expressions())
    shown = (column.name for entry in select.expressions for column in entry.find_all(exp.Column))
    named = literal.name.casefold() in {name.casefold() for name in shown}
    return parent is select and not named and not isinstance(select.parent, exp.SetOperation)


def _is_one_of_columns(literal: exp.Literal, together: exp.Expr) -> bool:
    """Whether a text stands beside columns in what is put together, and is not the label of one of them."""
    while isinstance(together.parent, exp.DPipe | exp.Concat | exp.Paren):
        together = together.parent
    beside = {column.name.casefold() for column in together.find_all(exp.Column)}
    return bool(beside) and literal.name.casefold() not in beside


def _is_like_its_other_side(literal: exp.Literal, tables: Sequence[Table | None]) -> bool:
    """Whether a text is compared with a date or a number, and is the name of a column of that very kind."""
    compared = literal.parent
    if not isinstance(compared, exp.EQ | exp.NEQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
        return False
    other = compared.this if compared.expression is literal else compared.expression
    families = [
        {column.family for table in tables if table is not None and (column := table.column(name)) is not None}
        for name in (literal.name, other.name if isinstance(other, exp.Column) else "")
    ]
    return families[0] == families[1] and families[0] <= {"date", "number"} and bool(families[0])


def _sides(compared: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """(what is compared, a value it is compared with), whichever way round."""
    if isinstance(compared, exp.In):
        yield from ((compared.this, value) for value in compared.expressions)
    elif isinstance(compared, exp.Between):
        yield compared.this, compared.args["low"]
        yield compared.this, compared.args["high"]
    else:
        yield compared.this, compared.expression
        yield compared.expression, compared.this


def _fitting(value: exp.Expr, compared: exp.Expr, family: str) -> exp.Expr | None:
    """The literal of the right type that says the same; None where it fits already, or what it says is not certain."""
    if family == "date":
        day = _unquoted_day(value)
        return exp.Literal.string(day) if day else None
    if not isinstance(value, exp.Literal):
        return None
    if family == "number" and value.is_string and re.fullmatch(r"-?\d+(?:\.\d+)?", value.name):
        return exp.Literal.number(value.name)
    if family == "text" and not value.is_string and isinstance(compared, exp.EQ | exp.NEQ | exp.In):
        return exp.Literal.string(value.name)
    width = _PADDED.get(family)
    if width is not None and not value.is_string and value.name.isdigit():
        return exp.Literal.string(value.name.zfill(width))
    return None


def _unquoted_day(value: exp.Expr) -> str:
    """The day that `2023-01-01` or `20230101`, read as numbers, was meant to be; "" for anything else."""
    value = value.unnest()
    parts: list[str] = []
    while isinstance(value, exp.Sub) and isinstance(value.expression, exp.Literal):
        parts.insert(0, value.expression.name)
        value = value.this
    if not isinstance(value, exp.Literal) or value.is_string:
        return ""
    whole = [value.name, *parts] if parts else [value.name[:4], value.name[4:6], value.name[6:]]
    if not parts and len(value.name) != 8:
        return ""
    try:
        year, month, day = (int(part) for part in whole)
        return dt.date(year, month, day).isoformat() if 1900 <= year <= 2100 else ""
    except ValueError:
        return ""
