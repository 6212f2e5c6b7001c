"""Is every literal of the type of what it is compared with, no name a text, and no column compared with itself?"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from agent.run import Finding
from agent.steps.checks.statement import Checked
from agent.steps.literals import empty_patterns, misfits, numbers_as_texts, quoted_names, swapped_patterns, texts_added

__all__ = ["check_literals"]


def check_literals(checked: Checked) -> Iterator[Finding]:
    """A literal of the wrong type is compared without a word on SQLite and MariaDB, and gives other rows."""
    statement = checked.statement
    for misfit in misfits(statement.tree, statement.found, checked.catalog):
        if not misfit.passes_silently(statement.dialect):
            continue
        shown = misfit.literal.sql(statement.dialect)
        meant = f"; {misfit.meant.sql(statement.dialect)} was meant" if misfit.meant is not None else ""
        yield Finding("literal_type", "error", f"{shown} is compared with a value of another type{meant}.", shown)
    # PostgreSQL's TO_CHAR writes numbers, too, and its patterns have no mark that sets them apart.
    for pattern in empty_patterns(statement.tree) if statement.dialect != "postgres" else ():
        said = f"The pattern {pattern.sql(statement.dialect)} holds no part of a date, so every row gets the same text."
        yield Finding("date_pattern", "error", said, pattern.name)
    for node in swapped_patterns(statement.tree) if statement.dialect in ("sqlite", "mysql") else ():
        shown = node.sql(statement.dialect)
        yield Finding("date_pattern", "error", f"{shown} has the date where the pattern belongs.", shown)
    for added in texts_added(statement.tree) if statement.dialect in ("sqlite", "mysql") else ():
        shown = added.sql(statement.dialect)
        yield Finding("text_added", "error", f"{shown} takes texts for numbers.", shown)
    for aggregate in numbers_as_texts(statement.tree, statement.found, checked.catalog):
        shown = aggregate.sql(statement.dialect)
        yield Finding("number_as_text", "error", f"{shown} makes a text of a number before it is looked at.", shown)
    for compared in statement.tree.find_all(exp.EQ):
        if isinstance(compared.this, exp.Column) and compared.this == compared.expression:
            shown = compared.sql(statement.dialect)
            yield Finding("self_comparison", "error", f"{shown} compares a column with itself.", shown)
    for text, _ in quoted_names(statement.tree, checked.catalog):
        yield Finding("quoted_name", "error", f"“{text.name}” is a column, and stands here as a text.", text.name)
