"""Every exception class and every code that a package knows has a class of ours, or a written reason for having none.

The packages are asked what they have, so that a new release which adds something is noticed here.
"""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import duckdb
import httpx
import httpx2
import openai
import psycopg
import pymysql
import pytest
import sqlalchemy.exc
from psycopg import errors as psycopg_errors
from pymysql.constants import CR, ER

from agent.errors import ErrorClass, FailedError
from agent.model.failures import model_error
from agent.warehouse import error_codes as codes
from agent.warehouse.errors import classify

OTHER = ErrorClass.WAREHOUSE_OTHER


def classes_of(*roots: type[BaseException]) -> list[type[BaseException]]:
    """The roots and everything derived from them, wherever it is."""
    found = dict.fromkeys(roots)
    pending = list(roots)
    while pending:
        for derived in pending.pop().__subclasses__():
            if derived not in found:
                found[derived] = None
                pending.append(derived)
    return list(found)


def exceptions_in(module: ModuleType) -> list[type[BaseException]]:
    """The exception classes a module offers, without its warnings."""
    offered = (found for found in vars(module).values() if inspect.isclass(found))
    return [found for found in offered if issubclass(found, BaseException) and not issubclass(found, Warning)]


def made(kind: type[BaseException], *, code: object = "it failed") -> BaseException:
    """An instance, however its constructor wants to be called."""
    for arguments in ((code,), (code, "SELECT 1", None, None)):
        try:
            return kind(*arguments)
        except Exception:  # noqa: BLE001 (the next way of making one is tried)
            continue
    error = kind.__new__(kind)
    error.args = (code,)
    return error


def named(table: dict[str, str]) -> set[str]:
    return {name for names in table for name in names.split()}


def test_every_class_of_psycopg_and_every_sqlstate() -> None:
    sqlstates = {code for code in psycopg_errors._sqlcodes if len(code) == 5}
    assert len(sqlstates) > 250
    unmapped = set()
    for code in sqlstates:
        error_class, message, _ = classify(made(psycopg_errors.lookup(code)), "postgres")
        assert isinstance(error_class, ErrorClass)
        assert message
        if error_class is OTHER:
            unmapped.add(code)
    unexplained = {code for code in unmapped if code[:2] not in codes.SQLSTATES_OTHER}
    assert not unexplained
    mapped_too = {prefix for prefix in codes.SQLSTATES_OTHER if not any(code.startswith(prefix) for code in unmapped)}
    assert not mapped_too, "a reason that explains nothing"
    without_state = [kind for kind in classes_of(psycopg.Error) if getattr(kind, "sqlstate", None) is None]
    for kind in without_state:
        if not kind.__module__.startswith("psycopg."):
            continue  # a pool's, which no warehouse is read through
        error_class = classify(made(kind), "postgres")[0]
        assert error_class is not OTHER or kind.__name__ in {"Error", "DatabaseError", "InternalError"}, kind


def test_every_number_of_pymysql_and_every_class() -> None:
    known = {value for table in (ER, CR) for value in vars(table).values() if type(value) is int}
    assert len(known) > 500
    reasons = {code for text in codes.MYSQL_OTHER for code in codes.numbers(text)}
    assert not reasons & set(codes.MYSQL_CODES), "a code both mapped and explained away"
    for code in known | reasons | set(codes.MYSQL_CODES):
        error_class = classify(pymysql.err.OperationalError(code, "it failed"), "mysql")[0]
        assert (error_class is OTHER) == (code in reasons), code
    for kind in classes_of(pymysql.err.MySQLError):
        assert isinstance(classify(made(kind), "mysql")[0], ErrorClass)
        assert isinstance(classify(made(kind, code=4999), "mysql")[0], ErrorClass)
    assert classify(pymysql.err.DataError(4999, "new in the next release"), "mysql")[0] is ErrorClass.TYPE_MISMATCH


def test_every_code_of_sqlite() -> None:
    not_errors = {"OK", "ROW", "DONE", "DENY", "IGNORE"}
    reasons = {int(code) for text in codes.SQLITE_OTHER for code in text.split()}
    primary = {code: name for name, code in sqlite_result_codes() if name not in not_errors}
    assert len(primary) > 25
    for code, name in primary.items():
        error = sqlite3.OperationalError("said in words nobody has met")
        error.sqlite_errorcode, error.sqlite_errorname = code, name
        assert (classify(error, "sqlite")[0] is OTHER) == (code & 0xFF in reasons), name
    for kind in classes_of(sqlite3.Error):
        assert isinstance(classify(made(kind), "sqlite")[0], ErrorClass)


def sqlite_result_codes() -> Iterator[tuple[str, int]]:
    """SQLite's result codes; its limits, action codes and the like share their prefix and some of their numbers."""
    names = (
        "ABORT AUTH BUSY CANTOPEN CONSTRAINT CORRUPT EMPTY ERROR FORMAT FULL INTERNAL INTERRUPT IOERR LOCKED MISMATCH "
        "MISUSE NOLFS NOMEM NOTADB NOTFOUND NOTICE PERM PROTOCOL RANGE READONLY SCHEMA TOOBIG WARNING"
    )
    for name in dir(sqlite3):
        base = name.removeprefix("SQLITE_")
        if name != base and base.partition("_")[0] in names.split():
            yield base, getattr(sqlite3, name)


def test_every_exception_of_duckdb() -> None:
    kinds = exceptions_in(duckdb)
    assert len(kinds) > 30
    for kind in kinds:
        error_class = classify(made(kind), "duckdb")[0]
        assert (error_class is OTHER) == (kind.__name__ in named(codes.DUCKDB_OTHER)), kind


def test_every_exception_of_sqlalchemy() -> None:
    kinds = exceptions_in(sqlalchemy.exc)
    assert len(kinds) > 40
    assert {kind.__name__ for kind in kinds} >= {"TimeoutError", "ResourceClosedError", "NoSuchModuleError"}
    for kind in kinds:
        error_class = classify(made(kind), "postgres")[0]
        assert (error_class is OTHER) == (kind.__name__ in named(codes.SQLALCHEMY_OTHER)), kind


def test_a_drivers_error_is_read_through_sqlalchemys() -> None:
    inner = psycopg_errors.UndefinedTable("there is none")
    for outer in (
        sqlalchemy.exc.ProgrammingError("SELECT 1", {}, inner),
        sqlalchemy.exc.StatementError("it failed", "SELECT 1", {}, inner),
    ):
        assert classify(outer, "postgres")[:2] == (ErrorClass.UNKNOWN_TABLE, "there is none")


def test_an_exception_that_cannot_even_be_told_has_a_class() -> None:
    class UntoldError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    assert classify(UntoldError(), "postgres")[:2] == (OTHER, "UntoldError")
    assert model_error(UntoldError()).error_class is ErrorClass.MODEL_OTHER


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb", "postgres", "mysql"])
def test_every_exception_of_python_itself(dialect: str) -> None:
    for kind in classes_of(Exception):
        if kind.__module__ == "builtins" and not issubclass(kind, BaseExceptionGroup):
            assert isinstance(classify(made(kind), dialect)[0], ErrorClass)
    assert classify(MemoryError(), "postgres")[0] is ErrorClass.WAREHOUSE_TIMEOUT
    assert classify(ConnectionResetError(), "mysql")[0] is ErrorClass.WAREHOUSE_UNREACHABLE


# --- the model's side -------------------------------------------------------------------------------------------


def asked(kind: type[BaseException], status: int = 418) -> Exception:
    """An exception of `openai` as its client would raise it."""
    request = httpx2.Request("POST", "http://127.0.0.1/v1")
    if issubclass(kind, openai.APIStatusError):
        response = httpx2.Response(getattr(kind, "status_code", status), request=request)
        with_response: Any = kind
        if "message" in inspect.signature(kind).parameters:
            return with_response("it failed", response=response, body=None)
        return with_response(response=response, body=None)
    if issubclass(kind, openai.APIConnectionError):
        with_request: Any = kind
        return with_request(request=request)
    error = made(kind)
    assert isinstance(error, Exception)
    return error


def test_every_exception_of_openai() -> None:
    kinds = classes_of(openai.OpenAIError)
    assert len(kinds) > 18
    found = {kind.__name__: model_error(asked(kind)) for kind in kinds}
    assert all(isinstance(error, FailedError) and error.hint and error.message for error in found.values())
    expected = {
        "AuthenticationError": "model_auth",
        "PermissionDeniedError": "model_auth",
        "OAuthError": "model_auth",
        "SubjectTokenProviderError": "model_auth",
        "NotFoundError": "model_missing",
        "RateLimitError": "model_rate_limit",
        "APITimeoutError": "model_timeout",
        "APIConnectionError": "model_unreachable",
        "WebSocketConnectionClosedError": "model_unreachable",
        "InternalServerError": "model_unreachable",
        "ConflictError": "model_unreachable",
    }
    assert {name: error.error_class.value for name, error in found.items() if name in expected} == expected
    assert {error.error_class.value for name, error in found.items() if name not in expected} == {"model_other"}


@pytest.mark.parametrize(("status", "expected"), [(402, "model_auth"), (408, "model_timeout"), (418, "model_other")])
def test_a_status_without_a_class(status: int, expected: str) -> None:
    assert model_error(asked(openai.APIStatusError, status)).error_class == expected


@pytest.mark.parametrize("package", [httpx, httpx2])
def test_every_exception_of_httpx(package: Any) -> None:
    kinds = [kind for kind in exceptions_in(package) if issubclass(kind, Exception)]
    assert len(kinds) > 25
    for kind in kinds:
        error = made(kind)
        assert isinstance(error, Exception)
        found = model_error(error)
        if issubclass(kind, package.TimeoutException):
            assert found.error_class is ErrorClass.MODEL_TIMEOUT
        elif issubclass(kind, package.UnsupportedProtocol | package.InvalidURL):
            assert found.error_class is ErrorClass.SETTINGS
        elif issubclass(kind, package.TransportError):
            assert found.error_class is ErrorClass.MODEL_UNREACHABLE
        else:
            assert found.error_class is ErrorClass.MODEL_OTHER
