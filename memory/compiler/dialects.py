"""From the layer's dialect to the warehouse's: the last step of every compiled statement.

sqlglot transpiles; this module decides what it should aim at, so that the text is plain, short and gives the same
rows on every engine: integer division never happens by accident, periods are text everywhere, columns are
qualified only where their name occurs in more than one table, and identifiers are quoted only where they must be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlglot import Dialect, exp, parse_one

from memory.catalog import Catalog

__all__ = ["MONTHS", "finish", "period_label", "period_sql"]

MONTHS = {"month": 1, "quarter": 3, "year": 12}
"""How many months a period of each grain has that can be set against the one before it."""

_FOLDING = {"postgres": str.lower, "redshift": str.lower, "snowflake": str.upper, "oracle": str.upper}
# fmt: off
_RESERVED = frozenset(
    {
        "all", "and", "any", "as", "asc", "between", "by", "case", "check", "column", "constraint", "create", "cross",
        "default", "delete", "desc", "distinct", "drop", "else", "end", "except", "exists", "for", "foreign", "from",
        "full", "grant", "group", "having", "in", "index", "inner", "insert", "intersect", "into", "is", "join",
        "key", "left", "like", "limit", "natural", "not", "null", "offset", "on", "or", "order", "outer", "primary",
        "references", "right", "row", "rows", "select", "set", "table", "then", "to", "union", "unique", "update",
        "user", "using", "values", "view", "when", "where", "window", "with",
    }
)
# fmt: on
_REAL = ("FLOAT", "REAL", "DOUBLE")


def finish(sql: str, *, source: str, target: str, catalog: Catalog) -> str:
    """Transpile one statement written in `source` to its canonical text in `target`."""
    tree = parse_one(sql, dialect=source)
    names = _names(catalog)
    tree = tree.transform(_plain_date_difference, target, copy=False)
    tree = tree.transform(_plain_null_test, copy=False)
    for division in list(tree.find_all(exp.Div)):
        if not _kept_whole(division, source, target):
            _true_division(division, target, names.real)
    # after the divisions: the quarter's own division is meant to be whole
    tree = tree.transform(_period, target, copy=False)
    for order in tree.find_all(exp.Ordered):
        _plain_nulls(order, target)
    # A table that is there twice under another name needs its own name wherever it is meant.
    doubled = {table.name.lower() for table in tree.find_all(exp.Table) if table.alias}
    for column in tree.find_all(exp.Column):
        owner = names.owner.get(column.name.lower())
        if owner is not None and owner == column.table.lower() and owner not in doubled and not _is_join_key(column):
            column.set("table", None)
    fold = _FOLDING.get(target)
    for identifier in tree.find_all(exp.Identifier):
        _spell(identifier, names.spelling, fold)
    return tree.sql(dialect=target)


_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def _called(code: str, names: Sequence[str], first: int) -> str:
    """A CASE that gives the numbers from `first` on their names, for an engine that knows none."""
    width = len(str(first + len(names) - 1))
    cases = " ".join(f"WHEN '{number:0{width}d}' THEN '{name}'" for number, name in enumerate(names, first))
    return f"CASE {code} {cases} END"


_PERIODS: dict[str, dict[str, str]] = {
    "sqlite": {
        "year": "STRFTIME('%Y', {c})",
        "quarter": "STRFTIME('%Y', {c}) || '-Q' || ((STRFTIME('%m', {c}) + 2) / 3)",
        "month": "STRFTIME('%Y-%m', {c})",
        "week": "DATE({c}, '-6 days', 'weekday 1')",
        "day": "STRFTIME('%Y-%m-%d', {c})",
        "weekday": "STRFTIME('%w', {c})",
        "weekday_name": _called("STRFTIME('%w', {c})", _DAYS, 0),
        "month_of_year": "STRFTIME('%m', {c})",
        "month_name": _called("STRFTIME('%m', {c})", _MONTH_NAMES, 1),
    },
    "duckdb": {
        "year": "STRFTIME({c}, '%Y')",
        "quarter": "STRFTIME({c}, '%Y') || '-Q' || QUARTER({c})",
        "month": "STRFTIME({c}, '%Y-%m')",
        "week": "STRFTIME(DATE_TRUNC('week', {c}), '%Y-%m-%d')",
        "day": "STRFTIME({c}, '%Y-%m-%d')",
        "weekday": "STRFTIME({c}, '%w')",
        "weekday_name": "STRFTIME({c}, '%A')",
        "month_of_year": "STRFTIME({c}, '%m')",
        "month_name": "STRFTIME({c}, '%B')",
    },
    "mysql": {
        "year": "DATE_FORMAT({c}, '%Y')",
        "quarter": "CONCAT(YEAR({c}), '-Q', QUARTER({c}))",
        "month": "DATE_FORMAT({c}, '%Y-%m')",
        "week": "DATE_FORMAT(DATE_SUB({c}, INTERVAL WEEKDAY({c}) DAY), '%Y-%m-%d')",
        "day": "DATE_FORMAT({c}, '%Y-%m-%d')",
        "weekday": "DATE_FORMAT({c}, '%w')",
        "weekday_name": "DATE_FORMAT({c}, '%W')",
        "month_of_year": "DATE_FORMAT({c}, '%m')",
        "month_name": "DATE_FORMAT({c}, '%M')",
    },
}
_PERIODS_ELSEWHERE = {
    "year": "TO_CHAR({c}, 'YYYY')",
    "quarter": "TO_CHAR({c}, 'YYYY-\"Q\"Q')",
    "month": "TO_CHAR({c}, 'YYYY-MM')",
    "week": "TO_CHAR(DATE_TRUNC('week', {c}), 'YYYY-MM-DD')",
    "day": "TO_CHAR({c}, 'YYYY-MM-DD')",
    "weekday": "CAST(CAST(EXTRACT(DOW FROM {c}) AS INT) AS VARCHAR)",
    "weekday_name": "TO_CHAR({c}, 'FMDay')",
    "month_of_year": "TO_CHAR({c}, 'MM')",
    "month_name": "TO_CHAR({c}, 'FMMonth')",
}


def period_sql(column: str, grain: str, target: str) -> str:
    """The period a date column falls in as text, in the target's dialect.

    A year (`2023`), quarter (`2023-Q2`), month (`2023-05`), week (the date of its Monday), day, weekday (`0` is
    Sunday) or month of the year (`05`); `weekday_name` and `month_name` are what the last two are called.
    """
    return _PERIODS.get(target, _PERIODS_ELSEWHERE)[grain].replace("{c}", column)


def period_label(start: str, grain: str) -> str:
    """How `period_sql` writes the period that begins on the ISO date `start`."""
    year, month = start[:4], int(start[5:7])
    return {"year": year, "quarter": f"{year}-Q{(month + 2) // 3}", "month": start[:7]}[grain]


class _Names:
    """Lower-cased lookups over one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        counts = Counter(column.name.lower() for table in catalog.tables for column in table.columns)
        tables = {table.name.lower(): table.name for table in catalog.tables}
        columns = {column.name.lower(): column.name for table in catalog.tables for column in table.columns}
        self.spelling = {**columns, **tables}
        self.owner = {
            column.name.lower(): table.name.lower()
            for table in catalog.tables
            for column in table.columns
            if counts[column.name.lower()] == 1 and column.name.lower() not in tables
        }
        """The one table of a column name that no other table has."""
        self.real = {
            column.name.lower()
            for table in catalog.tables
            for column in table.columns
            if any(word in column.type.upper() for word in _REAL)
        }


_CACHE: dict[str, _Names] = {}


def _names(catalog: Catalog) -> _Names:
    found = _CACHE.get(catalog.fingerprint)
    if found is None:
        found = _CACHE[catalog.fingerprint] = _Names(catalog)
    return found


def _is_join_key(column: exp.Column) -> bool:
    """True for either side of `A.x = B.y`: those stay qualified, because that is what makes them readable."""
    parent = column.parent
    if not isinstance(parent, exp.EQ):
        return False
    return isinstance(parent.left, exp.Column) and isinstance(parent.right, exp.Column)


def _spell(identifier: exp.Identifier, spelling: dict[str, str], fold: object) -> None:
    name = identifier.name
    known = spelling.get(name.lower())
    parent = identifier.parent
    if known is not None and isinstance(parent, exp.Table | exp.Column):
        name = known
        identifier.set("this", name)
    safe = name.isidentifier() and name.isascii() and name.lower() not in _RESERVED
    folded = fold(name) if callable(fold) else name
    is_catalog_name = known == name and isinstance(parent, exp.Table | exp.Column)
    identifier.set("quoted", not safe or (is_catalog_name and folded != name))


def _plain_nulls(order: exp.Ordered, target: str) -> None:
    """Leave NULL order to the engine, except where it would put NULLs on top of a descending list."""
    ordering = Dialect.get_or_raise(target).NULL_ORDERING
    descending = bool(order.args.get("desc"))
    if ordering == "nulls_are_large" and descending:
        order.set("nulls_first", False)
        return
    first = {"nulls_are_small": not descending, "nulls_are_large": descending, "nulls_are_last": False}
    order.set("nulls_first", first.get(ordering, False))


def _kept_whole(division: exp.Div, source: str, target: str) -> bool:
    """Whether a division of whole numbers is one in the source as well (a quarter's number), and is left so."""
    if not Dialect.get_or_raise(source).TYPED_DIVISION or not all(map(_is_whole, (division.left, division.right))):
        return False
    if not Dialect.get_or_raise(target).TYPED_DIVISION:
        division.replace(exp.IntDiv(this=division.left.copy(), expression=division.right.copy()))
    return True


def _is_whole(node: exp.Expr) -> bool:
    """Whether an expression is a whole number by the way it is written; a column never is."""
    if isinstance(node, exp.Paren):
        return _is_whole(node.this)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Mod):
        return _is_whole(node.left) and _is_whole(node.right)
    if isinstance(node, exp.Literal):
        return not node.is_string and "." not in node.name
    if isinstance(node, exp.Cast):
        return node.to.this in exp.DataType.INTEGER_TYPES
    return isinstance(node, exp.Extract | exp.Month | exp.Year | exp.Quarter | exp.Day | exp.TimeToStr)


def _true_division(division: exp.Div, target: str, real: set[str]) -> None:
    division.set("typed", Dialect.get_or_raise(target).TYPED_DIVISION)
    # By nothing is NULL, as in SQLite and MariaDB; PostgreSQL would fail and DuckDB give NaN, so they get a NULLIF.
    division.set("safe", not isinstance(division.right, exp.Literal))
    if _is_real(division.left, real) or _is_real(division.right, real):
        return
    first = division.left
    while isinstance(first, exp.Mul | exp.Div):
        first = first.left
    if isinstance(first, exp.Literal) and not first.is_string:
        first.replace(exp.Literal.number(f"{first.name}.0"))
    else:
        division.left.replace(exp.Mul(this=exp.Literal.number("1.0"), expression=division.left.copy()))


def _is_real(node: exp.Expr, real: set[str]) -> bool:
    for found in node.walk(prune=lambda n: isinstance(n, exp.Count | exp.Case)):
        if isinstance(found, exp.Literal) and not found.is_string and "." in found.name:
            return True
        if isinstance(found, exp.Avg) or (isinstance(found, exp.Column) and found.name.lower() in real):
            return True
    return False


def _plain_null_test(node: exp.Expr) -> exp.Expr:
    """`x IS NOT NULL` as people write it, where sqlglot would write `NOT x IS NULL`."""
    if isinstance(node, exp.Not) and isinstance(node.this, exp.Is) and isinstance(node.this.expression, exp.Null):
        return exp.Is(this=node.this.this, expression=exp.Var(this="NOT NULL"))
    return node


def _period(node: exp.Expr, target: str) -> exp.Expr:
    """`PERIOD_YEAR(column)` and the like, which only the target knows how to write; and plain date literals."""
    if isinstance(node, exp.Anonymous) and node.name.upper().startswith("PERIOD_"):
        column: str = node.expressions[0].sql(dialect=target)
        period: exp.Expr = parse_one(period_sql(column, node.name[7:].lower(), target), dialect=target)
        return period
    if target == "sqlite" and isinstance(node, exp.Cast) and node.to.is_type("date") and node.this.is_string:
        day: exp.Expr = node.this  # SQLite has no DATE: the cast would make 2024 of '2024-12-31'
        return day
    return node


def _plain_date_difference(node: exp.Expr, target: str) -> exp.Expr:
    """Days between two dates, in each engine's shortest form."""
    if not isinstance(node, exp.DateDiff) or str(node.args.get("unit") or "DAY").upper() != "DAY":
        return node
    later, earlier = node.this.copy(), node.expression.copy()
    if target == "sqlite":
        later, earlier = exp.func("JULIANDAY", later), exp.func("JULIANDAY", earlier)
    elif target != "postgres":
        return node
    difference = exp.Sub(this=later, expression=earlier)
    alone = isinstance(node.parent, exp.AggFunc)
    return difference if alone else exp.Paren(this=difference)
