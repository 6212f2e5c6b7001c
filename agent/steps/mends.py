"""The deterministic mends, and which error class or failed check each is tried for.

Each is a function from a statement to a mended one, or to None when what was meant is not certain. Those of names are
in `mend_names` and `mend_joins`, of literals and of text that does not parse in `mend_literals` and `mend_text`, of
other dialects in `mend_dialect`; here are those of shape.
"""

from __future__ import annotations

import re

from sqlglot import exp

from agent.errors import ErrorClass
from agent.steps.checks.values import ARROW
from agent.steps.faults import Known, Mend, parsed
from agent.steps.mend_dialect import transpiled
from agent.steps.mend_joins import join_key_mended
from agent.steps.mend_literals import (
    cast_dropped,
    literal_fitted,
    name_unquoted,
    pattern_said,
    rounded_as_decimal,
    texts_joined,
)
from agent.steps.mend_names import NAME_MENDS, qualified
from agent.steps.mend_text import (
    apostrophe_doubled,
    function_respelled,
    limit_unquoted,
    quotes_straightened,
    value_quoted,
)
from agent.warehouse.dialects import render

__all__ = ["CHECK_MENDS", "MENDS", "SAID"]


# --- shape ------------------------------------------------------------------------------------------------------


def group_by_completed(sql: str, known: Known) -> str | None:
    """`SELECT Country, COUNT(*) FROM Customers` → `... GROUP BY Country`."""
    tree = parsed(sql, known.dialect)
    if tree is None:
        return None
    changed = False
    for select in tree.find_all(exp.Select):
        missing = _ungrouped(select)
        for expression in missing:
            select.group_by(expression.copy(), copy=False)
            changed = True
    return render(tree, known.dialect) if changed else None


def _ungrouped(select: exp.Select) -> list[exp.Expr]:
    if not any(_is_aggregate(found, select) for found in select.find_all(exp.AggFunc)):
        return []
    group = select.args.get("group")
    grouped = {_plain_text(entry.sql()) for entry in (group.expressions if group else ())}
    bare = [entry for entry in (group.expressions if group else ()) if not getattr(entry, "table", "")]
    grouped_names = {entry.name.casefold() for entry in bare if entry.name}
    missing = []
    for position, entry in enumerate(select.expressions, start=1):
        inner = entry.this if isinstance(entry, exp.Alias) else entry
        if isinstance(inner, exp.Star) or not list(inner.find_all(exp.Column)):
            continue
        if any(_is_aggregate(found, select) for found in inner.find_all(exp.AggFunc)) or inner.find(exp.Window):
            continue
        keys = {_plain_text(inner.sql()), str(position)}
        if not keys & grouped and entry.alias_or_name.casefold() not in grouped_names:
            missing.append(inner)
    return missing


def having_moved(sql: str, known: Known) -> str | None:
    """`WHERE SUM(x) > 5` → `HAVING SUM(x) > 5`."""
    tree = parsed(sql, known.dialect)
    if tree is None:
        return None
    changed = False
    for select in tree.find_all(exp.Select):
        where = select.args.get("where")
        if where is None:
            continue
        parts = list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
        moved = [part for part in parts if any(_is_aggregate(f, select) for f in part.find_all(exp.AggFunc))]
        if not moved or not select.args.get("group"):
            continue
        kept = [part.copy() for part in parts if part not in moved]
        select.set("where", exp.Where(this=exp.and_(*kept)) if kept else None)
        select.having(*[part.copy() for part in moved], copy=False)
        changed = True
    return render(tree, known.dialect) if changed else None


def division_guarded(sql: str, known: Known) -> str | None:
    """`a / b` → `a / NULLIF(b, 0)`: nothing by nothing is unknown, not an error."""
    tree = parsed(sql, known.dialect)
    if tree is None:
        return None
    risky = [
        division
        for division in tree.find_all(exp.Div, exp.IntDiv, exp.Mod)
        if not isinstance(division.expression, exp.Literal | exp.Nullif)
    ]
    for division in risky:
        divisor = division.expression.unnest()
        division.set("expression", exp.Nullif(this=divisor.copy(), expression=exp.Literal.number(0)))
    return render(tree, known.dialect) if risky else None


def division_made_real(sql: str, known: Known) -> str | None:
    """`COUNT(a) / COUNT(b)` → `1.0 * COUNT(a) / COUNT(b)` where integers divide as integers."""
    tree = parsed(sql, known.dialect)
    if tree is None:
        return None
    told = {finding.evidence for finding in known.findings if finding.check == "integer_division"}
    divisions = [
        found
        for found in tree.find_all(exp.Div)
        if found.find(exp.AggFunc) is not None or found.sql(known.dialect) in told
    ]
    for division in divisions:
        left = division.this
        product = exp.Mul(this=exp.Literal.number("1.0"), expression=left.copy())
        division.set("this", product)
    return render(tree, known.dialect) if divisions else None


def value_respelled(sql: str, known: Known) -> str | None:
    """`Country = 'germany'` → `Country = 'Germany'`, as the check found it stored."""
    pairs = [finding.evidence.split(ARROW) for finding in known.findings if finding.check == "unknown_value"]
    stored = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
    tree = parsed(sql, known.dialect)
    if tree is None:
        return None
    literals = [
        literal
        for compared in tree.find_all(exp.EQ, exp.NEQ, exp.In)
        for literal in (compared.expressions if isinstance(compared, exp.In) else [compared.expression])
        if isinstance(literal, exp.Literal) and literal.is_string and literal.name in stored
    ]
    for literal in literals:
        literal.set("this", stored[literal.name])
    return render(tree, known.dialect) if literals else None


def limit_dropped(sql: str, known: Known) -> str | None:
    """`... ORDER BY revenue DESC LIMIT 1` → `... ORDER BY revenue DESC`, where all rows were asked for."""
    tree = parsed(sql, known.dialect)
    if tree is None or tree.args.get("limit") is None:
        return None
    tree.set("limit", None)
    return render(tree, known.dialect)


def limit_set(sql: str, known: Known) -> str | None:
    """The number of rows the question asks for, as the check found it, on a statement that is ordered."""
    wanted = next((f.evidence for f in known.findings if f.check == "row_limit" and f.evidence.isdigit()), "")
    tree = parsed(sql, known.dialect)
    if not wanted or tree is None or tree.args.get("order") is None:
        return None
    tree.set("limit", exp.Limit(expression=exp.Literal.number(wanted)))
    return render(tree, known.dialect)


MENDS: dict[ErrorClass, tuple[Mend, ...]] = {
    ErrorClass.SYNTAX: (
        quotes_straightened,
        apostrophe_doubled,
        value_quoted,
        limit_unquoted,
        name_unquoted,
        function_respelled,
        transpiled,
    ),
    ErrorClass.UNKNOWN_FUNCTION: (rounded_as_decimal, transpiled, function_respelled),
    ErrorClass.FORBIDDEN_FUNCTION: (),
    ErrorClass.UNKNOWN_TABLE: NAME_MENDS,
    ErrorClass.UNKNOWN_COLUMN: (quotes_straightened, value_quoted, *NAME_MENDS, transpiled),
    ErrorClass.AMBIGUOUS_COLUMN: (qualified,),
    ErrorClass.GROUPING: (having_moved, name_unquoted, group_by_completed),
    ErrorClass.TYPE_MISMATCH: (literal_fitted, cast_dropped, name_unquoted, limit_unquoted, transpiled),
    ErrorClass.DIVISION_BY_ZERO: (division_guarded,),
}
"""Which mends an error class is tried with, in order."""

CHECK_MENDS: dict[str, tuple[Mend, ...]] = {
    "grouping": (group_by_completed,),
    "cartesian_product": (join_key_mended,),
    "self_comparison": (join_key_mended,),
    "literal_type": (literal_fitted,),
    "date_pattern": (pattern_said,),
    "text_added": (texts_joined,),
    "number_as_text": (cast_dropped,),
    "quoted_name": (name_unquoted,),
    "integer_division": (division_made_real,),
    "unknown_value": (value_respelled,),
    "row_limit": (limit_set,),
    "limit": (limit_dropped,),
}
"""The same for a result that ran but does not hold, by the check that said so."""


SAID: dict[str, str] = {
    "apostrophe_doubled": "an apostrophe inside a stored value was doubled",
    "cast_dropped": "a number that was made a text before it was added up was left a number",
    "division_guarded": "a division by nothing gives nothing",
    "division_made_real": "whole numbers are divided with their fraction",
    "function_respelled": "a function was read as the nearest one, or as the same one under another name",
    "group_by_completed": "the columns beside an aggregate are grouped by",
    "having_moved": "a condition on an aggregate was moved from WHERE to HAVING",
    "join_added": "a table whose column is named was joined along its key",
    "join_key_mended": "a join of a key with itself was read as one with the table that is joined",
    "limit_dropped": "a limit that was not asked for was dropped",
    "limit_set": "the number of rows is the one that was asked for",
    "limit_unquoted": "the number of rows was taken out of its quotes",
    "literal_fitted": "a literal was given the type of what it is compared with",
    "name_unquoted": "a column's name in the quotes of a text was read as the column",
    "nearest_column": "a column was read as the nearest one of its tables",
    "nearest_table": "a table was read as the nearest one",
    "pattern_said": "a pattern of a date was written as this database has it",
    "qualified": "a column of several tables was taken from the one that the join makes it equal to",
    "quoted_text": "a text in the quotes of a name was read as a text",
    "quotes_straightened": "typographic quotes were read as plain ones",
    "requalified": "a column was taken from the one table that has it",
    "rounded_as_decimal": "a number was made a decimal before it was rounded",
    "schema_dropped": "the schema before a table was left out",
    "table_by_columns": "a table was read as the only one with the columns it is used for",
    "text_quoted": "a word without quotes was read as the stored value",
    "transpiled": "it was written for another database and was said in the warehouse's dialect",
    "texts_joined": "texts that were added up were put together",
    "value_quoted": "a stored value without quotes was given them",
    "value_respelled": "a value was spelt as it is stored",
}
"""What each mend did, for whoever reads the answer."""


def _is_aggregate(node: exp.Expr, select: exp.Select) -> bool:
    """Whether an aggregate belongs to this very SELECT and is no window function."""
    over = node.parent.parent if isinstance(node.parent, exp.Filter) else node.parent
    return not isinstance(over, exp.Window) and node.find_ancestor(exp.Select) is select


def _plain_text(sql: str) -> str:
    return re.sub(r"\s+", " ", sql).strip().rstrip(";").casefold()
