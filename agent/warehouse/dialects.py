"""What differs between the dialects in names and in writing: system tables, quoting, and the text of a statement."""

from __future__ import annotations

import logging
import re
from functools import cache, lru_cache
from typing import Any

from sqlglot import Dialect, Parser, exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.dialects.tsql import TSQL
from sqlglot.errors import ErrorLevel

from agent.warehouse.functions import allowed_function_names
from agent.warehouse.native_names import WRITTEN_AS

__all__ = [
    "DIALECTS",
    "HIDDEN_COLUMNS",
    "allowed_function_names",
    "identifier",
    "is_statement_word",
    "is_system_table",
    "parse",
    "render",
]


# The parser would print whole statements to the terminal when it meets syntax it does not know.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


DIALECTS = ("sqlite", "duckdb", "postgres", "mysql", "tsql", "snowflake", "bigquery")
"""The dialects (sqlglot's names) that the guard judges; there are connections to the first four."""


# --- names ------------------------------------------------------------------------------------------------------

_SYSTEM_SCHEMAS = _words(
    "information_schema pg_catalog pg_toast mysql performance_schema sys system temp sqlite_temp account_usage "
    "organization_usage reader_account_usage data_sharing_usage msdb master tempdb"
)
_SYSTEM_TABLE = re.compile(
    r"sqlite_|pg_|pragma_|duckdb_|innodb_|rdb\$|sys\.|all_|dbms_|show_|information_schema\.|__tables|sysobjects|spt_",
    re.IGNORECASE,
)
_NOT_SYSTEM = frozenset({"all_", "show_"})  # plausible beginnings of a user's own table names


def is_system_table(name: str, schema: str) -> bool:
    """Whether a table belongs to the database itself rather than to its users."""
    found = _SYSTEM_TABLE.match(name)
    return schema.lower() in _SYSTEM_SCHEMAS or (found is not None and found.group().lower() not in _NOT_SYSTEM)


_STATEMENT_WORDS = _words(
    "delete insert update drop create alter truncate merge grant revoke exec execute shutdown kill backup restore dbcc "
    "waitfor"
)


def is_statement_word(alias: exp.Expr) -> bool:
    """Whether an alias, as written, is the word another statement would begin with (`SELECT 1 DELETE FROM t`).

    T-SQL needs no semicolon between statements, so that its server may read two where our parser reads an alias.
    """
    name = alias.this if isinstance(alias, exp.TableAlias) else alias.args.get("alias")
    return isinstance(name, exp.Identifier) and not name.args.get("quoted") and name.name.lower() in _STATEMENT_WORDS


HIDDEN_COLUMNS: dict[str, frozenset[str]] = {
    "sqlite": _words("rowid oid _rowid_"),
    "duckdb": _words("rowid"),
    "postgres": _words("ctid xmin xmax cmin cmax tableoid"),
    "mysql": _words("_rowid"),
    "bigquery": _words("_partitiontime _partitiondate _table_suffix _file_name _change_type _change_timestamp"),
}
"""Columns that every table has without the catalog listing them; some are another name of the key."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN_LOWER = re.compile(r"[a-z_][a-z0-9_]*")
_PLAIN_ONE_CASE = re.compile(r"[a-z_][a-z0-9_]*|[A-Z_][A-Z0-9_]*")
_UNQUOTED = {"postgres": _PLAIN_LOWER, "snowflake": _PLAIN_ONE_CASE}
"""PostgreSQL reads an unquoted name in lower case; Snowflake in upper case, and SQLAlchemy tells it in lower."""
_RESERVED = _words(
    "all alter analyze and any array as asc between both by case cast check collate column condition constraint create "
    "cross current current_date current_time current_timestamp current_user database default delete desc describe "
    "distinct div do drop else end escape except exists explain fetch for "
    "foreign from full function grant group groups "
    "having if in index inner insert intersect interval into is join key keys "
    "lateral leading left like limit lock match "
    "mod natural not null of offset on only or order outer over "
    "partition primary procedure range rank read recursive "
    "references rename repeat replace return returning right row rows schema select "
    "session_user set show some system "
    "table tables then to trailing trigger union unique update usage use user "
    "using values view when where window with "
    "write"
)


_RESERVED_IN = {
    "tsql": _words(
        "authorization backup begin break browse bulk cascade checkpoint close clustered coalesce commit compute "
        "contains containstable continue convert cursor dbcc deallocate declare deny disk distributed double dump "
        "errlvl exec execute exit external file fillfactor freetext freetexttable goto holdlock identity "
        "identity_insert identitycol kill lineno load merge national nocheck nonclustered nullif off offsets open "
        "opendatasource openquery openrowset openxml option percent pivot plan precision print proc public raiserror "
        "readtext reconfigure replication restore restrict revert revoke rollback rowcount rowguidcol rule save "
        "securityaudit semantickeyphrasetable setuser shutdown statistics system_user tablesample textsize top tran "
        "transaction truncate try_convert tsequal unpivot updatetext waitfor while within writetext"
    ),
    "snowflake": _words(
        "account connect connection following gscluster ilike increment issue localtime localtimestamp minus "
        "organization qualify regexp revoke rlike sample start tablesample try_cast"
    ),
    "bigquery": _words(
        "assert_rows_modified at contains cube define enum escape exclude extract following hash ignore lookup merge "
        "new no nulls preceding proto qualify respect rollup struct tablesample treat unbounded unnest within"
    ),
}


@cache
def _reserved(dialect: str) -> frozenset[str]:
    return _RESERVED | _RESERVED_IN.get(dialect, frozenset())


def identifier(name: str, dialect: str) -> exp.Identifier:
    """`name` exactly as the catalog spells it, quoted where the dialect would otherwise read another name."""
    return exp.Identifier(this=name, quoted=_is_quoted(name, dialect))


@lru_cache(maxsize=50_000)
def _is_quoted(name: str, dialect: str) -> bool:
    return not _UNQUOTED.get(dialect, _PLAIN).fullmatch(name) or name.lower() in _reserved(dialect)


# --- rendering --------------------------------------------------------------------------------------------------


class AffidavitMySQL(MySQL):
    """sqlglot's MySQL as far as MariaDB has it too: REGEXP_LIKE exists only in MySQL 8, RLIKE in both.

    sqlglot writes UTC_DATE() and MEDIAN(x), which MariaDB has, in words that neither of the two has.
    """

    class Generator(MySQL.Generator):  # type: ignore[valid-type, misc]
        """Writes a regular-expression match as an operator, and those two functions as they were."""

        TRANSFORMS = {  # noqa: RUF012 (sqlglot declares the attribute so)
            **MySQL.Generator.TRANSFORMS,
            exp.RegexpLike: lambda self, node: self.binary(node, "RLIKE"),
            exp.UtcDate: lambda self, _node: self.func("UTC_DATE"),
            exp.Median: lambda self, node: self.func("MEDIAN", node.this),
        }


class AffidavitTSQL(TSQL):
    """sqlglot's T-SQL with the digest of a mask as the text that it is in every other dialect."""

    class Generator(TSQL.Generator):  # type: ignore[valid-type, misc]
        """Writes a digest in hexadecimal instead of bytes."""

        TRANSFORMS = {  # noqa: RUF012 (sqlglot declares the attribute so)
            **TSQL.Generator.TRANSFORMS,
            exp.MD5: lambda self, node: f"LOWER(CONVERT(VARCHAR(32), HASHBYTES('MD5', {self.sql(node, 'this')}), 2))",
        }


_WRITERS: dict[str, Any] = {"mysql": AffidavitMySQL, "tsql": AffidavitTSQL}


@cache
def _spoken(dialect: str) -> Dialect:
    """One of each is enough: a dialect keeps nothing of what it reads."""
    spoken = Dialect.get_or_raise(dialect)
    if not spoken.ORIGINAL_NAME_META_KEY:  # where it has one, its writer puts the name as written back
        spoken.ORIGINAL_NAME_META_KEY = WRITTEN_AS
    return spoken


@cache
def _written(dialect: str) -> Dialect:
    return Dialect.get_or_raise(_WRITERS.get(dialect, dialect))


_MOST_READ_AGAIN = 10
"""Times the length of a statement that the parser may go back over; what people write takes less than one."""


@cache
def _parser(dialect: str) -> type[Parser]:
    """sqlglot's parser with an end to its second thoughts.

    Where a statement can be read in two ways it tries one, goes back and tries the other. Where such places stand in a
    row, as in `a JOIN b JOIN c ...` without conditions, that doubles with each, and thirty of them take days.
    """

    class BoundedParser(_spoken(dialect).parser_class):  # type: ignore[misc]
        """Gives up once it has gone back over too much."""

        def reset(self) -> None:
            self.read_again = 0
            super().reset()

        def _retreat(self, index: int) -> None:
            self.read_again += max(0, self._index - index)
            if self.read_again > _MOST_READ_AGAIN * (len(self._tokens) + 20):
                raise ValueError("it can be read in too many ways.")  # a ParseError would be one more second thought
            super()._retreat(index)

    return BoundedParser


def parse(sql: str, dialect: str) -> list[exp.Expr | None]:
    """The statements of a text as trees.

    Raises:
        sqlglot.errors.SqlglotError, ValueError: it cannot be read, or there is no such dialect.
    """
    spoken = _spoken(dialect)
    trees: list[exp.Expr | None] = _parser(dialect)(dialect=spoken).parse(spoken.tokenize(sql), sql)
    return trees


def render(tree: exp.Expr, dialect: str, *, copy: bool = True) -> str:
    """The statement as text of the dialect, comments left out: a comment can be code (`/*! ... */`).

    Without `copy` the tree is spent: writing may change it.

    Raises:
        sqlglot.errors.UnsupportedError: the dialect cannot say it; left alone, the writer would drop what it cannot.
    """
    return _written(dialect).generate(tree, copy=copy, comments=False, unsupported_level=ErrorLevel.RAISE)
