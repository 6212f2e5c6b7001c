"""Turns whatever a database driver raised into one of our error classes, so that a run can react to it.

The drivers agree on nothing: sqlite3 has only messages, DuckDB has exception names, PostgreSQL has SQLSTATEs
and MariaDB/MySQL have numbers. Each is read by the most stable thing it offers, and what none of the tables
knows is `WAREHOUSE_OTHER`: an exception never passes through unnamed. Drivers are recognised by module name so
that none has to be installed or imported here.
"""

from __future__ import annotations

import re

from sqlalchemy.exc import DBAPIError

from agent.errors import ErrorClass

__all__ = ["classify", "hint_for"]

_MESSAGE_CHARS = 300

_SQLITE_MESSAGES: tuple[tuple[str, ErrorClass], ...] = (
    (r"no such table", ErrorClass.UNKNOWN_TABLE),
    (r"ambiguous column name", ErrorClass.AMBIGUOUS_COLUMN),
    (r"no such column", ErrorClass.UNKNOWN_COLUMN),
    (r"no such function|wrong number of arguments to function|unknown function", ErrorClass.UNKNOWN_FUNCTION),
    (r"misuse of aggregate|misuse of window|aggregate functions are not allowed", ErrorClass.GROUPING),
    (r"readonly database|not authorized|prohibited|authorization denied", ErrorClass.NOT_READ_ONLY),
    (r"one statement at a time", ErrorClass.MULTIPLE_STATEMENTS),
    (r"interrupted", ErrorClass.WAREHOUSE_TIMEOUT),
    (r"database (table )?is locked|database schema is locked", ErrorClass.WAREHOUSE_LOCKED),
    (r"unable to open database|not a database|disk image is malformed|disk i/o", ErrorClass.WAREHOUSE_UNREACHABLE),
    (r"datatype mismatch|integer overflow|malformed json|string or blob too big", ErrorClass.TYPE_MISMATCH),
    (r"syntax error|incomplete input|unrecognized token|malformed|term out of range|do not have the same number"
     r"|number of bindings|sub-select returns|row value misused|parser stack|too many|too large|too complex"
     r"|embedded null|null character|clause should come", ErrorClass.SYNTAX),
)  # fmt: skip

_DUCKDB_MESSAGES: tuple[tuple[str, ErrorClass], ...] = (
    (r"read-only|cannot execute statement of type|configuration has been locked|extension|disabled",
     ErrorClass.NOT_READ_ONLY),
    (r"ambiguous (reference|column)", ErrorClass.AMBIGUOUS_COLUMN),
    (r"referenced column|does not have a column|column named|referenced table|column with name",
     ErrorClass.UNKNOWN_COLUMN),
    (r"function with name|no function matches|macro", ErrorClass.UNKNOWN_FUNCTION),
    (r"must appear in the group by|aggregates? (cannot|functions? cannot)|cannot contain aggregates|nested aggregate",
     ErrorClass.GROUPING),
    (r"table with name|catalog .* does not exist|schema .* does not exist", ErrorClass.UNKNOWN_TABLE),
    (r"division by zero", ErrorClass.DIVISION_BY_ZERO),
)  # fmt: skip

_DUCKDB_NAMES: dict[str, ErrorClass] = {
    "ParserException": ErrorClass.SYNTAX,
    "SyntaxException": ErrorClass.SYNTAX,
    "CatalogException": ErrorClass.UNKNOWN_TABLE,
    "BinderException": ErrorClass.TYPE_MISMATCH,
    "ConversionException": ErrorClass.TYPE_MISMATCH,
    "TypeMismatchException": ErrorClass.TYPE_MISMATCH,
    "InvalidTypeException": ErrorClass.TYPE_MISMATCH,
    "OutOfRangeException": ErrorClass.TYPE_MISMATCH,
    "InvalidInputException": ErrorClass.TYPE_MISMATCH,
    "NotImplementedException": ErrorClass.SYNTAX,
    "PermissionException": ErrorClass.NOT_READ_ONLY,
    "InterruptException": ErrorClass.WAREHOUSE_TIMEOUT,
    "OutOfMemoryException": ErrorClass.WAREHOUSE_TIMEOUT,
    "IOException": ErrorClass.WAREHOUSE_UNREACHABLE,
    "ConnectionException": ErrorClass.WAREHOUSE_UNREACHABLE,
    "SerializationException": ErrorClass.WAREHOUSE_UNREACHABLE,
    "TransactionException": ErrorClass.WAREHOUSE_LOCKED,
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html ; the longest prefix wins.
_SQLSTATES: dict[str, ErrorClass] = {
    "42P01": ErrorClass.UNKNOWN_TABLE,
    "3F000": ErrorClass.UNKNOWN_TABLE,
    "42703": ErrorClass.UNKNOWN_COLUMN,
    "42702": ErrorClass.AMBIGUOUS_COLUMN,
    "42883": ErrorClass.UNKNOWN_FUNCTION,
    "42803": ErrorClass.GROUPING,
    "42P20": ErrorClass.GROUPING,
    "42501": ErrorClass.WAREHOUSE_PERMISSION,
    "42P10": ErrorClass.SYNTAX,
    "42P11": ErrorClass.NOT_READ_ONLY,  # invalid cursor definition: INTO, FOR UPDATE on a join, data-modifying WITH
    "42804": ErrorClass.TYPE_MISMATCH,
    "42846": ErrorClass.TYPE_MISMATCH,
    "42P18": ErrorClass.TYPE_MISMATCH,
    "42725": ErrorClass.TYPE_MISMATCH,
    "42": ErrorClass.SYNTAX,
    "22012": ErrorClass.DIVISION_BY_ZERO,
    "22": ErrorClass.TYPE_MISMATCH,
    "21": ErrorClass.SYNTAX,
    "0A": ErrorClass.NOT_READ_ONLY,
    "25006": ErrorClass.NOT_READ_ONLY,
    "25001": ErrorClass.NOT_READ_ONLY,
    "57014": ErrorClass.WAREHOUSE_TIMEOUT,
    "53": ErrorClass.WAREHOUSE_UNREACHABLE,
    "55P03": ErrorClass.WAREHOUSE_LOCKED,
    "55006": ErrorClass.WAREHOUSE_LOCKED,
    "40": ErrorClass.WAREHOUSE_LOCKED,
    "28": ErrorClass.WAREHOUSE_AUTH,
    "3D": ErrorClass.WAREHOUSE_URL,
    "08": ErrorClass.WAREHOUSE_UNREACHABLE,
    "57P": ErrorClass.WAREHOUSE_UNREACHABLE,
    "54": ErrorClass.SYNTAX,
}

# While connecting, psycopg has no SQLSTATE to show, only the server's (or the resolver's) sentence.
_POSTGRES_CONNECT: tuple[tuple[str, ErrorClass], ...] = (
    (r"password authentication failed|no password supplied|role .* does not exist|authentication|pg_hba",
     ErrorClass.WAREHOUSE_AUTH),
    (r"database .* does not exist|invalid connection option|invalid .*sslmode|invalid port", ErrorClass.WAREHOUSE_URL),
    (r"permission denied", ErrorClass.WAREHOUSE_PERMISSION),
)  # fmt: skip

# https://mariadb.com/kb/en/mariadb-error-codes/ ; MySQL's own codes lie beside them.
_MYSQL_CODES: dict[int, ErrorClass] = {
    1146: ErrorClass.UNKNOWN_TABLE,
    1051: ErrorClass.UNKNOWN_TABLE,
    1109: ErrorClass.UNKNOWN_TABLE,
    1054: ErrorClass.UNKNOWN_COLUMN,
    1052: ErrorClass.AMBIGUOUS_COLUMN,
    1060: ErrorClass.AMBIGUOUS_COLUMN,
    1305: ErrorClass.UNKNOWN_FUNCTION,
    1582: ErrorClass.UNKNOWN_FUNCTION,
    1630: ErrorClass.UNKNOWN_FUNCTION,
    1064: ErrorClass.SYNTAX,
    1066: ErrorClass.SYNTAX,
    1149: ErrorClass.SYNTAX,
    1222: ErrorClass.SYNTAX,
    1235: ErrorClass.SYNTAX,
    1241: ErrorClass.SYNTAX,
    1242: ErrorClass.SYNTAX,
    1248: ErrorClass.SYNTAX,
    1221: ErrorClass.SYNTAX,
    1055: ErrorClass.GROUPING,
    1056: ErrorClass.GROUPING,
    1111: ErrorClass.GROUPING,
    1140: ErrorClass.GROUPING,
    1365: ErrorClass.DIVISION_BY_ZERO,
    1292: ErrorClass.TYPE_MISMATCH,
    1366: ErrorClass.TYPE_MISMATCH,
    1267: ErrorClass.TYPE_MISMATCH,
    1690: ErrorClass.TYPE_MISMATCH,
    1792: ErrorClass.NOT_READ_ONLY,
    1290: ErrorClass.NOT_READ_ONLY,
    1568: ErrorClass.NOT_READ_ONLY,
    1969: ErrorClass.WAREHOUSE_TIMEOUT,
    3024: ErrorClass.WAREHOUSE_TIMEOUT,
    1317: ErrorClass.WAREHOUSE_TIMEOUT,
    1205: ErrorClass.WAREHOUSE_LOCKED,
    1213: ErrorClass.WAREHOUSE_LOCKED,
    1044: ErrorClass.WAREHOUSE_PERMISSION,
    1142: ErrorClass.WAREHOUSE_PERMISSION,
    1143: ErrorClass.WAREHOUSE_PERMISSION,
    1227: ErrorClass.WAREHOUSE_PERMISSION,
    1370: ErrorClass.WAREHOUSE_PERMISSION,
    1045: ErrorClass.WAREHOUSE_AUTH,
    1698: ErrorClass.WAREHOUSE_AUTH,
    1049: ErrorClass.WAREHOUSE_URL,
    1040: ErrorClass.WAREHOUSE_UNREACHABLE,
    1053: ErrorClass.WAREHOUSE_UNREACHABLE,
    1129: ErrorClass.WAREHOUSE_UNREACHABLE,
    1130: ErrorClass.WAREHOUSE_AUTH,
    1203: ErrorClass.WAREHOUSE_UNREACHABLE,
    1927: ErrorClass.WAREHOUSE_UNREACHABLE,
    2002: ErrorClass.WAREHOUSE_UNREACHABLE,
    2003: ErrorClass.WAREHOUSE_UNREACHABLE,
    2005: ErrorClass.WAREHOUSE_UNREACHABLE,
    2006: ErrorClass.WAREHOUSE_UNREACHABLE,
    2013: ErrorClass.WAREHOUSE_UNREACHABLE,
    2014: ErrorClass.WAREHOUSE_UNREACHABLE,
}

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
    if isinstance(exc, DBAPIError) and exc.orig is not None:
        original = exc.orig
    text = str(original).strip()
    error_class = _class_of(original, text, dialect)
    return error_class, _first_words(text, original), hint_for(error_class)


def hint_for(error_class: ErrorClass) -> str:
    """What a person can do about a warehouse error of this class; empty where the model must act."""
    return _HINTS.get(error_class, "")


def _class_of(original: BaseException, text: str, dialect: str) -> ErrorClass:
    module = type(original).__module__.partition(".")[0].lstrip("_")
    if module == "sqlite3" or (module == "builtins" and dialect == "sqlite" and not isinstance(original, OSError)):
        return _by_message(text, _SQLITE_MESSAGES) or ErrorClass.WAREHOUSE_OTHER
    by_driver = {"duckdb": _duckdb_class, "psycopg": _postgres_class, "pymysql": _mysql_class}
    if module in by_driver:
        return by_driver[module](original, text)
    if isinstance(original, TimeoutError):
        return ErrorClass.WAREHOUSE_TIMEOUT
    return ErrorClass.WAREHOUSE_UNREACHABLE if isinstance(original, OSError) else ErrorClass.WAREHOUSE_OTHER


def _duckdb_class(original: BaseException, text: str) -> ErrorClass:
    name = type(original).__name__
    if name in {"InterruptException", "ParserException", "PermissionException"}:
        return _DUCKDB_NAMES[name]
    return _by_message(text, _DUCKDB_MESSAGES) or _DUCKDB_NAMES.get(name, ErrorClass.WAREHOUSE_OTHER)


def _mysql_class(original: BaseException, _text: str) -> ErrorClass:
    code = original.args[0] if original.args else None
    if isinstance(code, int) and code:
        return _MYSQL_CODES.get(code, ErrorClass.WAREHOUSE_OTHER)
    return ErrorClass.WAREHOUSE_UNREACHABLE  # PyMySQL's InterfaceError has no number once its socket is gone


def _postgres_class(original: BaseException, text: str) -> ErrorClass:
    sqlstate = getattr(original, "sqlstate", None)
    if not isinstance(sqlstate, str):
        unknown = {"OperationalError": ErrorClass.WAREHOUSE_UNREACHABLE, "ProgrammingError": ErrorClass.SYNTAX}
        fallback = unknown.get(type(original).__name__, ErrorClass.WAREHOUSE_OTHER)
        return _by_message(text, _POSTGRES_CONNECT) or fallback
    if sqlstate == "42883" and "operator does not exist" in text:
        return ErrorClass.TYPE_MISMATCH
    if sqlstate == "42601" and "multiple commands" in text:
        return ErrorClass.MULTIPLE_STATEMENTS
    prefixes = (sqlstate[:length] for length in (5, 3, 2))
    return next((_SQLSTATES[prefix] for prefix in prefixes if prefix in _SQLSTATES), ErrorClass.WAREHOUSE_OTHER)


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
