"""Rewrites date functions that a dialect lacks into the ones it has.

sqlglot transpiles most functions, but not those it knows no counterpart for: YEAR() and INTERVAL arithmetic on SQLite,
JULIANDAY() everywhere else. Models mix these up more than anything, and the meaning is never in doubt.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

__all__ = ["lacks_functions", "rewrite_dates"]

_STRFTIME_PARTS: dict[str, str] = {"YEAR": "%Y", "MONTH": "%m", "DAY": "%d", "HOUR": "%H", "MINUTE": "%M", "WEEK": "%W"}
_TRUNCATIONS = {"YEAR": "start of year", "MONTH": "start of month"}
_TODAY_NAMES = frozenset({"curdate", "current_date", "getdate", "today", "now", "sysdate", "current_timestamp"})
_SQLITE_LACKS: tuple[type[exp.Expr], ...] = (
    exp.Year,
    exp.Month,
    exp.Day,
    exp.Hour,
    exp.Minute,
    exp.Week,
    exp.Quarter,
    exp.Extract,
    exp.DateTrunc,
    exp.TimestampTrunc,
    exp.DateAdd,
    exp.DateSub,
    exp.TimestampDiff,
    exp.Interval,
    exp.ToChar,
    exp.StrToDate,
    exp.Left,
    exp.Right,
)


def rewrite_dates(tree: exp.Expr, dialect: str) -> exp.Expr:
    """The tree with every date function that `dialect` lacks, and a counterpart is known for, replaced."""
    rewrite = _for_sqlite if dialect == "sqlite" else _for_others(dialect)
    return tree.transform(rewrite)


def lacks_functions(tree: exp.Expr, dialect: str) -> bool:
    """Whether the tree still holds a function that `dialect` is known to lack."""
    return dialect == "sqlite" and tree.find(*_SQLITE_LACKS) is not None


# --- to SQLite --------------------------------------------------------------------------------------------------


def _for_sqlite(node: exp.Expr) -> exp.Expr:
    return _part_for_sqlite(node) or _arithmetic_for_sqlite(node) or _today_for(node)


def _part_for_sqlite(node: exp.Expr) -> exp.Expr | None:
    if isinstance(node, exp.Extract):
        return _part_of(node.name.upper(), node.expression)
    if isinstance(node, exp.Quarter | exp.Year | exp.Month | exp.Day | exp.Hour | exp.Minute | exp.Week):
        return _part_of(node.key.upper(), node.this)
    if isinstance(node, exp.DateTrunc | exp.TimestampTrunc):
        return _truncated(node)
    if isinstance(node, exp.Left) and node.expression is not None:
        return exp.Substring(this=node.this, start=exp.Literal.number(1), length=node.expression)
    if isinstance(node, exp.StrToDate) and node.args.get("format") and node.args["format"].name == "%Y-%m-%d":
        text: exp.Expr = node.this  # SQLite keeps dates as text of this very form
        return text
    return None


def _arithmetic_for_sqlite(node: exp.Expr) -> exp.Expr | None:
    if isinstance(node, exp.Add | exp.Sub) and isinstance(node.expression, exp.Interval):
        return _shifted(node.this, node.expression, isinstance(node, exp.Sub))
    if isinstance(node, exp.DateAdd | exp.DateSub):
        return _shifted(node.this, _interval_of(node), isinstance(node, exp.DateSub))
    if isinstance(node, exp.TimestampDiff) and _unit(node) == "DAY":
        return _days_between(node.this, node.expression)
    return None


def _part_of(part: str, of: exp.Expr) -> exp.Expr | None:
    date = _bare(of)
    if part == "QUARTER":
        month = _part_of("MONTH", date)
        shifted = exp.Paren(this=exp.Add(this=month, expression=exp.Literal.number(2)))
        return exp.Paren(this=exp.Div(this=shifted, expression=exp.Literal.number(3), typed=True, safe=True))
    pattern = _STRFTIME_PARTS.get(part)
    if pattern is None:
        return None
    text = exp.Anonymous(this="STRFTIME", expressions=[exp.Literal.string(pattern), date.copy()])
    return exp.Cast(this=text, to=exp.DataType.build("INT"))


def _truncated(node: exp.Expr) -> exp.Expr | None:
    unit, date = _unit(node), _bare(node.this)
    if unit == "DAY":
        return exp.Anonymous(this="DATE", expressions=[date])
    if unit not in _TRUNCATIONS:
        return None
    return exp.Anonymous(this="DATE", expressions=[date, exp.Literal.string(_TRUNCATIONS[unit])])


def _shifted(date: exp.Expr, interval: exp.Expr | None, back: bool) -> exp.Expr | None:
    """`date ± interval` as SQLite's DATE(date, '±n units'); None when the interval is not a plain number of units."""
    if not isinstance(interval, exp.Interval) or interval.this is None:
        return None
    amount, _, unit = interval.this.name.partition(" ")
    unit = (unit or interval.args["unit"].name if interval.args.get("unit") else unit).strip().lower().rstrip("s")
    if not amount.lstrip("-").isdigit() or unit not in {"day", "month", "year", "week"}:
        return None
    count = int(amount) * (-1 if back else 1) * (7 if unit == "week" else 1)
    shift = exp.Literal.string(f"{count:+d} {'day' if unit == 'week' else unit}s")
    return exp.Anonymous(this="DATE", expressions=[_bare(date), shift])


def _interval_of(node: exp.Expr) -> exp.Expr | None:
    amount = node.expression
    if isinstance(amount, exp.Interval):
        return amount
    return exp.Interval(this=amount, unit=node.args.get("unit")) if isinstance(amount, exp.Literal) else None


def _days_between(later: exp.Expr, earlier: exp.Expr) -> exp.Expr:
    days = [exp.Anonymous(this="JULIANDAY", expressions=[_bare(date)]) for date in (later, earlier)]
    return exp.Paren(this=exp.Sub(this=days[0], expression=days[1]))


# --- from SQLite ------------------------------------------------------------------------------------------------


def _for_others(dialect: str) -> Callable[[exp.Expr], exp.Expr]:
    def rewrite(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Sub):
            later, earlier = _julian(node.this), _julian(node.expression)
            if later is not None and earlier is not None:
                return _day_difference(later, earlier, dialect)
        if isinstance(node, exp.Date) and node.name == "now":
            return exp.CurrentDate()
        if dialect == "postgres" and isinstance(node, exp.Quarter):
            return exp.Extract(this=exp.var("QUARTER"), expression=_bare(node.this))
        return _today_for(node)

    return rewrite


def _julian(node: exp.Expr) -> exp.Expr | None:
    if isinstance(node, exp.Anonymous) and node.name.lower() == "julianday" and len(node.expressions) == 1:
        found: exp.Expr = node.expressions[0]
        return found
    return None


def _day_difference(later: exp.Expr, earlier: exp.Expr, dialect: str) -> exp.Expr:
    if dialect == "postgres":
        sides = [exp.Cast(this=date.copy(), to=exp.DataType.build("DATE")) for date in (later, earlier)]
        return exp.Paren(this=exp.Sub(this=sides[0], expression=sides[1]))
    return exp.DateDiff(this=later.copy(), expression=earlier.copy(), unit=exp.var("DAY"))


# --- both -------------------------------------------------------------------------------------------------------


def _today_for(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Anonymous) and not node.expressions and node.name.lower() in _TODAY_NAMES:
        return (
            exp.CurrentTimestamp() if "time" in node.name.lower() or node.name.lower() == "now" else exp.CurrentDate()
        )
    return node


def _bare(node: exp.Expr) -> exp.Expr:
    """The date itself, without the conversions a parser puts around it for its own dialect."""
    while isinstance(node, exp.TsOrDsToDate | exp.TsOrDsToTimestamp):
        node = node.this
    return node.copy()


def _unit(node: exp.Expr) -> str:
    unit = node.args.get("unit")
    return unit.name.upper() if isinstance(unit, exp.Expr) else ""
