"""A workspace for somebody's own database: the files to start from, made from what its tables say.

The metrics are a start, not a guess at the business: one count per table and the dimensions that are plainly there.
What a figure means only its owner can say, so the file asks for it in comments.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.errors import AffidavitError, ErrorClass, UsageError

if TYPE_CHECKING:
    from memory.catalog import Catalog, Column, Table

__all__ = ["PlainWorkspace", "Wish", "make_workspace", "metrics_skeleton"]

_MAX_DIMENSIONS: Final = 40
_MAX_DISTINCT: Final = 200
_DATE_TYPES: Final = ("DATE", "TIME")
_TEXT_TYPES: Final = ("CHAR", "TEXT", "STRING", "ENUM")

_POLICY: Final = """\
# What may be asked of this warehouse, and who may vouch for an answer. An unknown key stops Affidavit.
version: 1
tables: {allow: ["*"], deny: []}    # `*` stands for any letters; deny wins
columns: {deny: []}                 # as Table.Column; their values are not read for memory either
review: {allow_self: false}         # whether the asker may accept their own run
limits: {max_rows: 1000, timeout_s: 30}
"""
_SETTINGS: Final = """\
# Settings of this workspace. A flag beats an environment variable (AFFIDAVIT_MODEL__NAME for `name` under [model]),
# which beats this file, which beats the default.

[warehouse]
# The database being asked; Affidavit only ever reads it. A relative SQLite or DuckDB path is taken from this folder.
# Keep a password out of this file: put the whole URL in AFFIDAVIT_WAREHOUSE__URL instead.
{warehouse}
{db_schema}

[ledger]
# Where every run is put on record; never the warehouse itself.
{ledger}
# The name this workspace's chain has there. Leave it as it is: under another name its records would not be found.
{workspace}

[model]
# Who writes the SQL: "embedded" (on this machine, no key), "openai", "azure", or "compatible" with base_url.
provider = "embedded"
# Hosted models asked instead, in this order, when that one fails or takes too long; the answer says so.
# fallbacks = [{{ provider = "openai", name = "gpt-4.1-mini" }}]
"""


@dataclass(frozen=True, slots=True)
class PlainWorkspace:
    """What was made."""

    directory: Path
    warehouse: str
    """URL without its password."""
    tables: int
    written: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new workspace is to be, in the words of affidavit.toml: a relative file is taken from its folder."""

    warehouse_url: str | None = None
    """None takes the URL in AFFIDAVIT_WAREHOUSE__URL and leaves it out of the file, since it may hold a password."""
    db_schema: str | None = None
    """None takes AFFIDAVIT_WAREHOUSE__DB_SCHEMA, else the account's default schema."""
    ledger_url: str | None = None
    ledger_workspace: str = ""


def make_workspace(
    directory: Path, wish: Wish, *, progress: Callable[[int, int], None] | None = None
) -> PlainWorkspace:
    """Look at the database first, then write the files that are not there yet; nothing is half-written.

    Raises:
        UsageError: a URL is wrong, the schema holds no table, the folder cannot be written, or it has settings that
            name other databases than those wished for.
        FailedError: the database cannot be reached.
    """
    root = directory.resolve()
    _check_kept(root / "affidavit.toml", wish)
    catalog, display_url = _read_database(root, wish, progress)
    wanted = {"affidavit.toml": _settings(wish), "metrics.yaml": metrics_skeleton(catalog), "policy.yaml": _POLICY}
    try:
        root.mkdir(parents=True, exist_ok=True)
        (root / ".affidavit").mkdir(mode=0o700, exist_ok=True)
        written = tuple(name for name, text in wanted.items() if _written(root / name, text))
    except OSError as error:
        raise UsageError(
            ErrorClass.WORKSPACE,
            f"Cannot make a workspace in {root}: {error.strerror}.",
            "Name a folder you may write to.",
        ) from error
    kept = tuple(name for name in wanted if name not in written)
    return PlainWorkspace(root, display_url, len(catalog.tables), written, kept)


def metrics_skeleton(catalog: Catalog) -> str:
    """A `metrics.yaml` to start from: a count per table, and each table's plain dimensions."""
    ids: set[str] = set()
    lines = [
        "# What the words of your business mean, once and for everybody who asks. This start was made from the tables:",
        "# say what a figure means, how it is computed, and who owns that. SQL is written in DuckDB's dialect.",
        "version: 1",
        "dialect: duckdb",
        *_calendar(catalog),
        "joins: []  # relationships the database does not declare, as {left: Orders.customer, right: Customers.id}",
        "entities: []",
        "dimensions:" + ("" if _dimensions(catalog) else " []"),
    ]
    for table, column, kind in _dimensions(catalog):
        lines += _block(
            _unique(f"{table.name}_{column.name}", ids),
            name=f"{_words(table.name)} {_words(column.name)}",
            table=table.name,
            column=f"{table.name}.{column.name}",
            type=kind,
            description=column.comment or f"{column.name} of {table.name}.",
        )
    lines += [
        "metrics:" + ("" if catalog.tables else " []"),
        "  # A metric of your own, for example:",
        "  # - id: revenue",
        "  #   name: Revenue",
        "  #   description: What customers paid, before tax.",
        "  #   formula: sum of price times quantity",
        '  #   sql: "SUM(order_lines.price * order_lines.quantity)"',
        "  #   base: order_lines",
        "  #   time: orders.ordered_on",
        "  #   unit: USD",
        "  #   owner: Finance",
        "  #   version: 1",
    ]
    for table in catalog.tables:
        lines += _block(
            _unique(f"{table.name}_count", ids),
            name=f"Number of {_words(table.name)}",
            description=f"How many rows {table.name} has.",
            formula=f"number of {_words(table.name)}",
            sql="COUNT(*)",
            base=table.name,
            tables=[table.name],
            time_dependent=False,
            unit="count",
        )
    return "\n".join(lines) + "\n"


def _read_database(root: Path, wish: Wish, progress: Callable[[int, int], None] | None) -> tuple[Catalog, str]:
    from agent.settings import GuardLimits, absolute_file_url
    from agent.warehouse.connect import open_warehouse
    from memory.catalog import reflect

    url = absolute_file_url(wish.warehouse_url or os.environ["AFFIDAVIT_WAREHOUSE__URL"], root)
    db_schema = wish.db_schema or os.environ.get("AFFIDAVIT_WAREHOUSE__DB_SCHEMA")
    try:
        warehouse = open_warehouse(url, GuardLimits(), db_schema=db_schema)
    except AffidavitError as error:  # affidavit.toml, which the hints name, is not written yet
        source = "`--warehouse`" if wish.warehouse_url else "AFFIDAVIT_WAREHOUSE__URL"
        error.hint = re.sub(r"`\[warehouse\] url`( of affidavit\.toml| \(or \w+\))?", source, error.hint)
        raise
    try:
        catalog = reflect(warehouse.engine, db_schema=db_schema, progress=progress)
    finally:
        warehouse.close()
    if db_schema and not catalog.tables:
        raise UsageError(
            ErrorClass.WAREHOUSE_URL,
            f"The schema `{db_schema}` of {warehouse.display_url} holds no table this account may read.",
            "Check its spelling and its grants. Nothing was written.",
        )
    return catalog, warehouse.display_url


def _settings(wish: Wish) -> str:
    # JSON's string escapes are TOML's too
    def line(key: str, value: str) -> str:
        return f"{key} = {json.dumps(value, ensure_ascii=False)}"

    return _SETTINGS.format(
        warehouse=line("url", wish.warehouse_url) if wish.warehouse_url else "# It was there when `init` ran.",
        db_schema=line("db_schema", wish.db_schema) if wish.db_schema else '# db_schema = "public"',
        ledger=line("url", wish.ledger_url or "sqlite:///.affidavit/ledger.sqlite"),
        workspace=line("workspace", wish.ledger_workspace),
    )


def _check_kept(config: Path, wish: Wish) -> None:
    """A settings file that is there is never written over, so what it says must be what was wished for."""
    if not config.is_file():
        return
    try:
        kept = tomllib.loads(config.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return  # whatever is wrong with that file is said when it is loaded
    for section, key, wished in (
        ("warehouse", "url", wish.warehouse_url),
        ("warehouse", "db_schema", wish.db_schema),
        ("ledger", "url", wish.ledger_url),
    ):
        if wished is not None and kept.get(section, {}).get(key) != wished:
            raise UsageError(
                ErrorClass.SETTINGS,
                f"{config} is there already and names another `{section}.{key}`.",
                f"Set `{key}` under [{section}] there yourself, or name another folder.",
            )


def _written(path: Path, text: str) -> bool:
    """Write a file whole and only if there is none; False when it was there."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
        os.link(partial, path)  # unlike a rename, this never replaces what is there
    except FileExistsError:
        return False
    finally:
        partial.unlink(missing_ok=True)
    return True


def _calendar(catalog: Catalog) -> list[str]:
    dated = [
        f"{table.name}.{column.name}"
        for table in sorted(catalog.tables, key=lambda table: -(table.row_count or 0))
        for column in table.columns
        if _kind(column) == "date"
    ]
    if not dated:
        return ["# calendar: {time_column: orders.ordered_on, date_format: YYYY-MM-DD}  # which date a period is about"]
    return [
        "calendar:  # which date a period such as “last year” is about, when a metric does not say",
        f"  time_column: {json.dumps(dated[0], ensure_ascii=False)}",
        '  date_format: "YYYY-MM-DD"',
    ]


def _dimensions(catalog: Catalog) -> list[tuple[Table, Column, str]]:
    """Columns one plainly groups by: dates, and text of few values."""
    found = []
    for table in catalog.tables:
        keys = {name for key in table.foreign_keys for name in key.columns} | set(table.primary_key)
        for column in table.columns:
            kind = _kind(column)
            few = column.distinct is not None and 1 < column.distinct <= min(_MAX_DISTINCT, (table.row_count or 0) // 2)
            if column.name not in keys and (kind == "date" or (kind == "text" and few)):
                found.append((table, column, kind))
    return found[:_MAX_DIMENSIONS]


def _kind(column: Column) -> str:
    name = column.type.upper()
    if any(part in name for part in _DATE_TYPES):
        return "date"
    return "text" if any(part in name for part in _TEXT_TYPES) else "number"


def _block(key: str, **fields: object) -> list[str]:
    """One entry; JSON's strings and lists are YAML's too."""
    lines = [f"  - id: {key}"]
    lines += [f"    {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    return [*lines, '    owner: ""', "    version: 1"]


def _unique(name: str, taken: set[str]) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", _snake(name)).strip("_") or "item"
    plain = plain if plain[0].isalpha() else f"t_{plain}"
    chosen, number = plain, 2
    while chosen in taken:
        chosen, number = f"{plain}_{number}", number + 1
    taken.add(chosen)
    return chosen


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _words(name: str) -> str:
    return " ".join(word.capitalize() if word.islower() else word for word in _snake(name).split("_") if word)
