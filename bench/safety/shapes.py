"""The hand-written part of the benign corpus: shapes of queries that analysts write, from the files in `shapes/`.

`portable.sql` is said in every dialect, with what the dialects say differently left as {placeholders}; the other files
are each dialect's own. `by_design.sql` holds harmless statements that the guard refuses on purpose; they are counted by
themselves.
"""

from __future__ import annotations

import re
from pathlib import Path

from agent.warehouse.dialects import DIALECTS

__all__ = ["refused_by_design", "shapes"]

_FOLDER = Path(__file__).parent / "shapes"
_PLACEHOLDER = re.compile(r"\{(TOP|LIMIT|CONCAT|RECURSIVE)(?: (\d+))?\}")
_NOTE = re.compile(r"^--.*\n", re.MULTILINE)
_INTEGER_CAST = {"mysql": ("INTEGER", "SIGNED"), "bigquery": ("INTEGER", "INT64")}
_TEXT_CAST = {"mysql": "CHAR(20)", "bigquery": "STRING"}
_SETS = re.compile(r" (UNION|INTERSECT|EXCEPT) SELECT")


def shapes(dialect: str) -> list[str]:
    """The statements of a dialect, as people would write them in it."""
    return [_said(sql, dialect) for sql in _statements("portable")] + _statements(dialect)


def refused_by_design() -> list[tuple[str, str]]:
    """(dialect, statement) pairs that are harmless, and refused because the guard cannot follow or bound them."""
    pairs = [statement.split(": ", 1) for statement in _statements("by_design")]
    return [(dialect, sql) for dialect, sql in pairs if dialect in DIALECTS]


def _statements(name: str) -> list[str]:
    text = _NOTE.sub("", (_FOLDER / f"{name}.sql").read_text(encoding="utf-8"), count=0 if name != "portable" else 3)
    return [statement.strip() for statement in text.split(";\n") if statement.strip()]


def _said(sql: str, dialect: str) -> str:
    """A portable statement with its placeholders, its quotes and the names of two types as the dialect has them."""

    def word(found: re.Match[str]) -> str:
        what, count = found.groups()
        if what == "TOP":
            return f"TOP {count}" if dialect == "tsql" else ""
        if what == "LIMIT":
            return "" if dialect == "tsql" else f"LIMIT {count}"
        if what == "CONCAT":
            return "City || ', ' || Country" if dialect in {"sqlite", "duckdb", "postgres"} else "CONCAT(City, Country)"
        return "WITH" if dialect == "tsql" else "WITH RECURSIVE"

    said = _PLACEHOLDER.sub(word, sql).replace("  ", " ")
    said = said.replace("AS VARCHAR(20)", f"AS {_TEXT_CAST.get(dialect, 'VARCHAR(20)')}")
    said = said.replace("AS INTEGER)", f"AS {_INTEGER_CAST.get(dialect, ('', 'INTEGER'))[1]})")
    if dialect == "bigquery":
        said = _SETS.sub(r" \1 DISTINCT SELECT", said).replace("O''Brien", r"O\'Brien")
    if dialect in {"mysql", "bigquery"}:
        said = said.replace('"', "`")
    return said
