"""The mend of a draft that was written for another database: found out for which, and said in the warehouse's dialect.

A statement may parse in several dialects and mean another thing in each, so the dialects are tried in the order of how
much in the text is theirs alone.
"""

from __future__ import annotations

import re

from sqlglot import exp
from sqlglot.errors import SqlglotError

from agent.steps.faults import Known, parsed
from agent.steps.literals import empty_patterns, percent_pattern
from agent.warehouse.dates import lacks_functions, rewrite_dates
from agent.warehouse.dialects import render
from agent.warehouse.functions import allowed_function_names
from agent.warehouse.native_names import foreign_function, has_two_part_isnull

__all__ = ["dialects_of", "transpiled"]

_DIALECTS = ("mysql", "postgres", "duckdb", "sqlite", "tsql", "snowflake", "bigquery")
_MARKS: dict[str, str] = {
    "tsql": r"\bTOP\s*\(?\d|\[\w[\w ]*\]|\b(?:GETDATE|DATEPART|DATENAME|ISNULL|CHARINDEX|LEN|EOMONTH|CONVERT|IIF)\s*\(|"
    r"\bFORMAT\s*\(|\bN'|\bDATEADD\s*\(|\bDATEDIFF\s*\(\s*\w+\s*,[^,]+,|\bSTRING_AGG\b",
    "mysql": r"`|\b(?:DATE_FORMAT|CURDATE|DATE_SUB|DATE_ADD|STR_TO_DATE|TIMESTAMPDIFF|GROUP_CONCAT)\s*\(|"
    r"\bINTERVAL\s+\d+\s+\w+|\bLIMIT\s+\d+\s*,|\bDATEDIFF\s*\([^,]+,[^,]+\)",
    "postgres": r"::|\b(?:TO_CHAR|DATE_PART|STRING_AGG|TO_DATE)\s*\(|\bILIKE\b|\bINTERVAL\s+'",
    "snowflake": r"::|\b(?:IFF|NVL|ZEROIFNULL|TO_VARCHAR|LISTAGG|DATEADD|DATEDIFF|TO_CHAR)\s*\(|\bQUALIFY\b",
    "bigquery": r"`|\b(?:SAFE_\w+|DATE_DIFF|FORMAT_DATE|COUNTIF|PARSE_DATE|DATE_TRUNC)\s*\(",
    "sqlite": r"\bSTRFTIME\s*\(\s*'|\bJULIANDAY\s*\(|\bDATE\s*\(\s*'now'|\bGLOB\b",
    "duckdb": r"\bSTRFTIME\s*\(\s*(?!')|\bDATE_DIFF\s*\(\s*'|\bQUALIFY\b|\bDATE_TRUNC\s*\(\s*'",
}
"""What is said so in one dialect and in few others."""
_TEXT_QUOTES = ("mysql", "bigquery")


def transpiled(sql: str, known: Known) -> str | None:
    """Written in another dialect, or with its date functions: say the same in the warehouse's."""
    for source in dialects_of(sql, known.dialect):
        tree = parsed(sql, source)
        if tree is None or not isinstance(tree, exp.Query) or foreign_function(tree, source) or _compares_texts(tree):
            continue
        try:
            tree = _with_parts_apart(_with_our_formats(tree))
            text = render(rewrite_dates(tree, known.dialect), known.dialect)
        except (SqlglotError, ValueError, AttributeError):
            continue  # this dialect's reading cannot be said in ours
        if " ".join(text.split()) != " ".join(sql.split()) and _is_spoken(text, known.dialect):
            return text
    return None


def _compares_texts(tree: exp.Expr) -> bool:
    """Whether a text is compared with a text: then the double quotes of names were read as those of texts."""
    return any(
        isinstance(side, exp.Literal) and side.is_string and isinstance(other, exp.Literal)
        for compared in tree.find_all(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like)
        for side, other in [(compared.this, compared.expression)]
    )


def dialects_of(sql: str, own: str) -> list[str]:
    """The dialects a statement may be written in: that with most of its marks first; the warehouse's own wins a tie."""
    marks = {
        name: (name == "tsql" and has_two_part_isnull(sql)) + len(set(re.findall(pattern, sql, re.IGNORECASE)))
        for name, pattern in _MARKS.items()
    }
    order = [own, *(name for name in _DIALECTS if name != own)]
    if "||" in sql:  # whoever writes it puts texts together; to MySQL it is OR
        order = [name for name in order if name == own or name != "mysql"]
    if '"' in sql:  # which is a text to these, and the warehouse's own reading did not fail for nothing
        order = [name for name in order if name not in _TEXT_QUOTES or name == own or marks[name]]
        order.sort(key=lambda name: name in _TEXT_QUOTES)
    return sorted(order, key=lambda name: -marks.get(name, 0))


def _with_our_formats(tree: exp.Expr) -> exp.Expr:
    """Patterns like `yyyy-MM`, which only some dialects' functions take, as those that all of ours do; and a timestamp
    as the time that everybody means, which is SQL Server's word for the version of a row."""
    for cast in tree.find_all(exp.Cast):
        if cast.to.is_type(exp.DataType.Type.ROWVERSION):
            cast.set("to", exp.DataType.build("timestamp"))
    for node in tree.find_all(exp.TimeToStr, exp.StrToTime, exp.StrToDate):
        pattern = node.args.get("format")
        if isinstance(pattern, exp.Literal) and (meant := percent_pattern(pattern.name)) is not None:
            pattern.set("this", meant)
    return tree


def _with_parts_apart(tree: exp.Expr) -> exp.Expr:
    """The arguments of CONCAT in parentheses: `||`, as some write it, takes the first of `(m + 2) / 3` for its own."""
    for node in tree.find_all(exp.Concat):
        node.set(
            "expressions", [exp.paren(part) if isinstance(part, exp.Binary) else part for part in node.expressions]
        )
    return tree


def _is_spoken(sql: str, dialect: str) -> bool:
    """Whether the dialect has every function of the statement, as far as is known here, and every pattern is one."""
    tree = parsed(sql, dialect)
    if tree is None or lacks_functions(tree, dialect) or foreign_function(tree, dialect):
        return False
    if empty_patterns(tree):
        return False
    names = allowed_function_names(dialect)
    return all(node.name.lower() in names for node in tree.find_all(exp.Anonymous))
