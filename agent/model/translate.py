"""A draft in the dialect its model was trained on, said in the warehouse's own.

An adapter learns one dialect. Served against another kind of database its drafts are parsed in the dialect it was
trained on and written in the warehouse's, with identifiers spelt and quoted as the catalog has them, because
PostgreSQL folds an unquoted `Orders` to `orders`. sqlglot transpiles; what SQLite says only by idiom is put right here.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError

from agent.warehouse.dialects import parse
from memory.catalog import Catalog

__all__ = ["translate"]


def translate(sql: str, *, read: str, write: str, catalog: Catalog) -> str:
    """`sql` in the dialect `write`; unchanged where both dialects are one, or where it does not parse.

    A statement that does not parse is left for the guard, which says why.
    """
    if read == write:
        return sql
    try:
        statements = parse(sql, read)
    except (SqlglotError, ValueError):
        return sql
    if len(statements) != 1 or statements[0] is None:
        return sql
    tree = statements[0]
    _spell_identifiers(tree, catalog)
    _count_days(tree, write)
    _calculate_with_numbers(tree, write)
    return str(tree.sql(dialect=write))


def _spell_identifiers(tree: exp.Expr, catalog: Catalog) -> None:
    spelt = {table.name.lower(): table.name for table in catalog.tables}
    for table in catalog.tables:
        spelt.update({column.name.lower(): column.name for column in table.columns})
    for identifier in list(tree.find_all(exp.Identifier)):
        name = spelt.get(identifier.name.lower())
        if name is not None:
            identifier.replace(exp.to_identifier(name, quoted=True))


def _count_days(tree: exp.Expr, write: str) -> None:
    """`JULIANDAY(x)` as the day number each dialect has; only differences of two are ever meant."""
    for call in list(tree.find_all(exp.Anonymous)):
        if call.name.upper() != "JULIANDAY" or len(call.expressions) != 1:
            continue
        day = exp.cast(call.expressions[0].copy(), "date")
        if write == "postgres":
            call.replace(exp.Extract(this=exp.var("JULIAN"), expression=day))
        else:
            call.replace(exp.Anonymous(this="TO_DAYS" if write == "mysql" else "JULIAN", expressions=[day]))


def _calculate_with_numbers(tree: exp.Expr, write: str) -> None:
    """`STRFTIME('%m', d) + 2` is a number in SQLite and a type error elsewhere."""
    for text in list(tree.find_all(exp.TimeToStr)):
        operation = text.parent
        if isinstance(operation, exp.Add | exp.Sub | exp.Mul | exp.Div):
            text.replace(exp.cast(text.copy(), "int"))
            _divide_as_integers(operation, write)


def _divide_as_integers(operation: exp.Expr, write: str) -> None:
    division = operation if isinstance(operation, exp.Div) else operation.find_ancestor(exp.Div)
    if not isinstance(division, exp.Div):
        return
    if write == "postgres":  # integers divide as integers there already
        division.set("typed", True)
        division.set("safe", False)
    else:
        division.replace(exp.IntDiv(this=division.this.copy(), expression=division.expression.copy()))
