"""Turns whatever a database driver raised into one of our error classes, so that a run can react to it.

The drivers agree on nothing: sqlite3 has messages and a few codes, DuckDB has exception names, PostgreSQL has
SQLSTATEs, MariaDB/MySQL have numbers, and SQLAlchemy raises some of its own. Each is read by the most stable thing it
offers (the tables are in `error_codes`), and what none of the tables knows is `WAREHOUSE_OTHER`: an exception never
passes through unnamed. Drivers are recognised by module name so that none has to be installed or imported here.
"""

from __future__ import annotations

import re

from sqlalchemy.exc import StatementError

from agent.errors import ErrorClass, words_of
from agent.warehouse.error_codes import (
    DUCKDB_MESSAGES,
    DUCKDB_NAMES,
    MYSQL_BASES,
    MYSQL_CODES,
    POSTGRES_NAMES,
    POSTGRES_WORDS,
    POSTGRES_WRITES,
    SQLALCHEMY_NAMES,
    SQLITE_CODES,
    SQLITE_MESSAGES,
    SQLSTATES,
)

__all__ = ["classify", "hint_for", "without_values"]

_MESSAGE_CHARS = 300
_ABOUT_VALUES = frozenset({ErrorClass.TYPE_MISMATCH, ErrorClass.DIVISION_BY_ZERO, ErrorClass.WAREHOUSE_OTHER})
"""Classes whose messages may repeat a value of the data; those of the others speak of the statement's own words."""
_SAID = re.compile(r"""(?<!\w)'(?:[^']|'')*'(?!\w)|"[^"]*"|“[^”]*”|`[^`]*`|(?<![\w.])\d[\d.,:-]*""")

_HINTS: dict[ErrorClass, str] = {
    ErrorClass.WAREHOUSE_URL: "Check the host, port and database name in `[warehouse] url` of affidavit.toml.",
    ErrorClass.WAREHOUSE_UNREACHABLE: "Check that the warehouse is running and reachable from here, then ask again.",
    ErrorClass.WAREHOUSE_AUTH: "Check the user and password in `[warehouse] url` (or AFFIDAVIT_WAREHOUSE__URL).",
    ErrorClass.WAREHOUSE_PERMISSION: "Grant the warehouse account SELECT on the tables it should read.",
    ErrorClass.WAREHOUSE_TIMEOUT: "Ask for less (a shorter period, fewer groups), or raise `limits.timeout_s`.",
    ErrorClass.WAREHOUSE_LOCKED: "Another session holds a lock on the table; ask again in a moment.",
    ErrorClass.WAREHOUSE_OTHER: "The warehouse's own message is above; `affidavit runs show` has the statement.",
    ErrorClass.NOT_READ_ONLY: "Affidavit only reads; a question cannot change the warehouse.",
}


def classify(exc: BaseException, dialect: str) -> tuple[ErrorClass, str, str]:
    """Name a driver's exception: (class, the database's own first words, what to do about it).

    `dialect` is a sqlglot name (sqlite, duckdb, postgres, mysql); it decides only where the exception itself does
    not say whose it is. The message may hold what the driver wrote: callers scrub secrets from it.
    """
    original: BaseException = exc
    if isinstance(exc, StatementError) and exc.orig is not None:
        original = exc.orig
    text = words_of(original).strip()
    error_class = _class_of(original, text, dialect)
    return error_class, _first_words(text, original), hint_for(error_class)


def hint_for(error_class: ErrorClass) -> str:
    """What a person can do about a warehouse error of this class; empty where the model must act."""
    return _HINTS.get(error_class, "")


def without_values(message: str, error_class: ErrorClass, sql: str) -> str:
    """A database's message without the values it repeats from the data: only what the statement says itself is kept.

    `invalid input syntax for type integer: "Jane Roe"` tells a cell. A message goes on the ledger and to the model.
    """
    if error_class not in _ABOUT_VALUES:
        return message
    said = sql.casefold()

    def kept(found: re.Match[str]) -> str:
        words = found[0]
        inner = words if words[0].isdigit() else words[1:-1]
        return words if inner.strip(".,:-").casefold() in said else "…"

    return _SAID.sub(kept, message)


def _class_of(original: BaseException, text: str, dialect: str) -> ErrorClass:
    module = type(original).__module__.partition(".")[0].lstrip("_")
    if module == "sqlite3" or (module == "builtins" and dialect == "sqlite" and not isinstance(original, OSError)):
        return _sqlite_class(original, text)
    by_driver = {
        "duckdb": _duckdb_class,
        "psycopg": _postgres_class,
        "pymysql": _mysql_class,
        "sqlalchemy": _sqlalchemy_class,
    }
    if module in by_driver:
        return by_driver[module](original, text)
    if isinstance(original, TimeoutError | MemoryError):
        return ErrorClass.WAREHOUSE_TIMEOUT
    return ErrorClass.WAREHOUSE_UNREACHABLE if isinstance(original, OSError) else ErrorClass.WAREHOUSE_OTHER


def _sqlite_class(original: BaseException, text: str) -> ErrorClass:
    code = getattr(original, "sqlite_errorcode", None)
    by_code = SQLITE_CODES.get(code & 0xFF) if isinstance(code, int) else None
    return _by_message(text, SQLITE_MESSAGES) or by_code or ErrorClass.WAREHOUSE_OTHER


def _duckdb_class(original: BaseException, text: str) -> ErrorClass:
    name = type(original).__name__
    if name in {"InterruptException", "ParserException", "PermissionException"}:
        return DUCKDB_NAMES[name]
    return _by_message(text, DUCKDB_MESSAGES) or DUCKDB_NAMES.get(name, ErrorClass.WAREHOUSE_OTHER)


def _mysql_class(original: BaseException, _text: str) -> ErrorClass:
    code = original.args[0] if original.args else None
    if isinstance(code, int) and code:
        return MYSQL_CODES.get(code) or _by_name(original, MYSQL_BASES)
    return ErrorClass.WAREHOUSE_UNREACHABLE  # PyMySQL's InterfaceError has no number once its socket is gone


def _postgres_class(original: BaseException, text: str) -> ErrorClass:
    sqlstate = getattr(original, "sqlstate", None)
    if not isinstance(sqlstate, str):
        return _by_message(text, POSTGRES_WORDS) or _by_name(original, POSTGRES_NAMES)
    if sqlstate == "42883" and "operator does not exist" in text:
        return ErrorClass.TYPE_MISMATCH
    if sqlstate == "42601" and "multiple commands" in text:
        return ErrorClass.MULTIPLE_STATEMENTS
    if sqlstate == "0A000" and re.search(POSTGRES_WRITES, text.lower()):
        return ErrorClass.NOT_READ_ONLY
    prefixes = (sqlstate[:length] for length in (5, 3, 2))
    return next((SQLSTATES[prefix] for prefix in prefixes if prefix in SQLSTATES), ErrorClass.WAREHOUSE_OTHER)


def _sqlalchemy_class(original: BaseException, _text: str) -> ErrorClass:
    return SQLALCHEMY_NAMES.get(type(original).__name__, ErrorClass.WAREHOUSE_OTHER)


def _by_name(original: BaseException, names: dict[str, ErrorClass]) -> ErrorClass:
    """By the exception's own class, else by the nearest one it is derived from."""
    known = (names[base.__name__] for base in type(original).__mro__ if base.__name__ in names)
    return next(known, ErrorClass.WAREHOUSE_OTHER)


def _by_message(text: str, table: tuple[tuple[str, ErrorClass], ...]) -> ErrorClass | None:
    lowered = text.lower()
    return next((error_class for pattern, error_class in table if re.search(pattern, lowered)), None)


def _first_words(text: str, original: BaseException) -> str:
    """The part a person can read: the first paragraph, MySQL's number taken off, no statement echoed."""
    args: tuple[object, ...] = original.args
    if len(args) > 1 and isinstance(args[0], int) and isinstance(args[1], str):
        text = args[1].strip()
    first = re.split(r"\n\s*\n|\nLINE \d", text, maxsplit=1)[0]
    line = " ".join(first.split()) or type(original).__name__
    return line if len(line) <= _MESSAGE_CHARS else line[: _MESSAGE_CHARS - 1] + "…"
