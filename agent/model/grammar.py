"""A grammar (llama.cpp's GBNF) that holds a model's output to one query: nothing before it, nothing after it.

It limits the shape, not the names: output begins with SELECT or WITH, quotes and brackets close, no `;` but at the
very end, no blank line after which prose could follow. Which tables and columns exist is the guard's knowledge, and
a near miss is mended there by name; a grammar that knew them would also have to know every alias and derived column
that a correct statement may invent, and would block some. So no statement a warehouse would accept is ever blocked.

Every character is matched by exactly one rule, which keeps the sampler from tracking many readings at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memory.catalog import Catalog

__all__ = ["select_grammar"]

_BACKTICK_DIALECTS = frozenset({"mysql", "sqlite", "bigquery", "databricks", "spark", "hive", "clickhouse"})


def select_grammar(catalog: Catalog) -> str:
    """The GBNF grammar of one query, with the quoting characters of the catalog's dialect."""
    backtick = catalog.dialect in _BACKTICK_DIALECTS
    quoted = '"\\"" [^"\\n]* "\\""' + (' | "`" [^`\\n]* "`"' if backtick else "")
    # Where ` quotes nothing it is an ordinary character the model may not need; leaving it out keeps fences away.
    return "\n".join(
        (
            'root ::= (select | with) [ \\n] piece+ "\\n"? ";"?',
            "select ::= [Ss] [Ee] [Ll] [Ee] [Cc] [Tt]",
            "with ::= [Ww] [Ii] [Tt] [Hh]",
            'piece ::= "\\n"? (plain | string | quoted | group)',
            "plain ::= [^;'\"`()\\n]",
            'string ::= "\'" [^\']* "\'"',
            f"quoted ::= {quoted}",
            'group ::= "(" piece* "\\n"? ")"',
            "",
        )
    )
