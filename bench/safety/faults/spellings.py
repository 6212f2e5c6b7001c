"""How other databases, and talkative models, say what a statement says: functions, dates and wrappings."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

__all__ = ["DATE_PARTS", "FUNCTIONS", "WRAPPINGS", "date_part"]

FUNCTIONS: dict[str, tuple[str, ...]] = {
    "AVG": ("AVERAGE", "MEAN"),
    "SUM": ("TOTAL_SUM", "SUMX"),
    "COUNT": ("COUNT_BIG", "COUNTA"),
    "MAX": ("MAXIMUM",),
    "MIN": ("MINIMUM",),
    "ROUND": ("ROUNDED",),
    "COALESCE": ("NVL", "ISNULL", "IFNULL"),
    "LENGTH": ("LEN", "CHAR_LENGTH"),
    "LOWER": ("LCASE",),
    "UPPER": ("UCASE",),
    "SUBSTR": ("SUBSTRING", "MID"),
    "SUBSTRING": ("SUBSTR", "MID"),
}

WRAPPINGS = (
    "```sql\n{sql}\n```",
    "```\n{sql};\n```\nThis returns the rows you asked for.",
    "Here is the query:\n\n{sql}",
    "Sure! The following SQL answers the question:\n```sql\n{sql};\n```\n\n**Explanation**: it groups and sorts.",
    "SQL: {sql}",
    "{sql};\n-- the end",
    "{sql}\n\nThis query joins the tables and filters the rows.",
    "{sql}\nNote: amounts are in the currency of the order.",
    "<think>They want the totals. SELECT something.</think>\n{sql}",
    '{"sql": "{sql}"}',
    "SQLQuery: {sql}\nSQLResult: 42\nAnswer: 42",
    "sql\n{sql}",
    "{sql};;",
    "`{sql}`",
    "Answer: ```{sql}```",
    "{sql} GO",
)

DATE_PARTS: dict[str, tuple[str, ...]] = {
    "year": (
        "YEAR({d})",
        "EXTRACT(YEAR FROM {d})",
        "STRFTIME('%Y', {d})",
        "TO_CHAR({d}, 'YYYY')",
        "DATE_FORMAT({d}, '%Y')",
        "DATEPART(year, {d})",
        "DATE_PART('year', {d})",
    ),
    "month": (
        "MONTH({d})",
        "EXTRACT(MONTH FROM {d})",
        "STRFTIME('%m', {d})",
        "DATEPART(month, {d})",
        "DATE_PART('month', {d})",
        "DATE_FORMAT({d}, '%m')",
    ),
    "year-month": (
        "STRFTIME('%Y-%m', {d})",
        "TO_CHAR({d}, 'YYYY-MM')",
        "DATE_FORMAT({d}, '%Y-%m')",
        "FORMAT({d}, 'yyyy-MM')",
        "DATE_FORMAT({d}, 'yyyy-MM')",
    ),
}

_FORMATS = {"%Y": "year", "%m": "month", "%Y-%m": "year-month"}


def date_part(node: exp.Expr) -> Iterator[tuple[str, exp.Expr]]:
    """(part, date) when a node takes one part out of a date, in any of the four engines."""
    if isinstance(node, exp.Year | exp.Month):
        yield node.key, _bare(node.this)
    elif isinstance(node, exp.Extract) and node.name.lower() in ("year", "month"):
        yield node.name.lower(), _bare(node.expression)
    elif isinstance(node, exp.TimeToStr):
        part = _FORMATS.get(node.args["format"].name)
        if part:
            yield part, _bare(node.this)
    elif isinstance(node, exp.Cast) and node.to.is_type("int", "bigint"):
        yield from date_part(node.this)


def _bare(node: exp.Expr) -> exp.Expr:
    """The date without the conversions a parser puts around it."""
    while isinstance(node, exp.TsOrDsToDate | exp.TsOrDsToTimestamp):
        node = node.this
    return node
