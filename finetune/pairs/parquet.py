"""Pairs as Parquet: the columnar file that data frames and query engines read, and back without losing a byte.

DuckDB writes and reads it, so nothing heavier is needed. The flat fields are text columns; `parameters`, `tags` and
`lineage` are columns of JSON text, because a parameter's value may be a text or a number. A file converted there and
back has the hash it had.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from agent.errors import ErrorClass, UsageError
from finetune.pairs.pair import Pair, pair_from, read_pairs, write_pairs

__all__ = ["convert", "read_any", "read_parquet", "write_parquet"]

_TEXT = ("id", "question", "sql", "template_id", "question_template", "sql_template", "level", "dialect", "combination")
_JSON = ("parameters", "tags", "lineage")
_BATCH = 5_000


def convert(source: Path, target: Path) -> int:
    """Write the pairs of one file into another, each .jsonl or .parquet by its name; returns how many.

    Raises:
        UsageError: a name ends in neither, DuckDB is not installed, or a record is no pair (line and field named).
    """
    kinds = {path.suffix.lower() for path in (source, target)}
    if not kinds <= {".jsonl", ".parquet"}:
        raise UsageError(
            ErrorClass.WORKSPACE,
            f"Cannot tell what {source.name} or {target.name} is.",
            "Name files that end in .jsonl or .parquet.",
        )
    count = 0

    def counted() -> Iterator[Pair]:
        nonlocal count
        for pair in read_any(source):
            count += 1
            yield pair

    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    try:
        (write_parquet if target.suffix.lower() == ".parquet" else write_pairs)(partial, counted())
        partial.replace(target)
    except OSError as error:
        raise UsageError(ErrorClass.WORKSPACE, f"Cannot write {target}: {error}.", "Name another file.") from error
    finally:
        partial.unlink(missing_ok=True)
    return count


def read_any(path: Path) -> Iterator[Pair]:
    """The pairs of a .parquet file, or else of a JSON Lines file.

    Raises:
        UsageError: it cannot be read, or a record is no pair.
    """
    return read_parquet(path) if path.suffix.lower() == ".parquet" else read_pairs(path)


def write_parquet(path: Path, pairs: Iterable[Pair]) -> None:
    """Write pairs in order, by way of a JSON Lines file beside, so that memory does not grow with their number.

    Raises:
        UsageError: DuckDB is not installed.
        OSError: the file cannot be written.
    """
    duckdb = _duckdb()
    lines = path.with_name(f"{path.name}.jsonl")
    kinds = ", ".join([f"{name}: 'VARCHAR'" for name in _TEXT] + [f"{name}: 'JSON'" for name in _JSON])
    connection = duckdb.connect(":memory:")
    try:
        write_pairs(lines, pairs)
        rows = f"read_json({_quoted(lines)}, format = 'newline_delimited', columns = {{{kinds}}})"
        shown = ", ".join([*_TEXT, *(f"{name}::VARCHAR AS {name}" for name in _JSON)])
        connection.execute(f"COPY (SELECT {shown} FROM {rows}) TO {_quoted(path)} (FORMAT parquet, COMPRESSION zstd)")
    except duckdb.Error as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
        lines.unlink(missing_ok=True)


def read_parquet(path: Path) -> Iterator[Pair]:
    """The pairs of a file that `write_parquet` wrote, in order.

    Raises:
        UsageError: DuckDB is not installed, the file cannot be read, or a row is no pair (its number is named).
    """
    duckdb = _duckdb()
    connection = duckdb.connect(":memory:")
    names = (*_TEXT, *_JSON)
    try:
        found = connection.execute(f"SELECT {', '.join(names)} FROM read_parquet({_quoted(path)})")
        number = 0
        while batch := found.fetchmany(_BATCH):
            for row in batch:
                number += 1
                yield pair_from(_record(dict(zip(names, row, strict=True))), path, number)
    except (duckdb.Error, ValueError) as error:
        message = f"Cannot read {path} as Parquet of pairs: {str(error).splitlines()[0]}"
        raise UsageError(ErrorClass.WORKSPACE, message, "Check the file.") from error
    finally:
        connection.close()


def _record(row: dict[str, Any]) -> dict[str, Any]:
    return row | {name: json.loads(row[name]) for name in _JSON}


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _duckdb() -> Any:
    try:
        return importlib.import_module("duckdb")
    except ModuleNotFoundError as error:
        message = "Parquet needs the Python package `duckdb`, which is not installed."
        raise UsageError(ErrorClass.WORKSPACE, message, "Install it with `pip install 'affidavit[duckdb]'`.") from error
