"""What the guard lets pass, as data: the syntax, the functions and the names of each dialect's own catalogs.

Everything here is an allow-list. A node, an argument or a function that nobody has looked at is refused, so a new
release of the parser, or of a database, cannot open a door by itself. What the lists leave out on purpose: anything
that writes, locks, sleeps, reads files or the network, reads or changes settings, moves sequences, or can fill memory
from a short text (REPEAT, LPAD with any length).
"""

from __future__ import annotations

import logging
import re
from typing import Any

from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import ErrorLevel

__all__ = [
    "ALLOWED_ARGUMENTS",
    "ALLOWED_NODES",
    "FORBIDDEN_FUNCTION",
    "HIDDEN_COLUMNS",
    "WRITING_NODES",
    "allowed_function_names",
    "argument_problem",
    "identifier",
    "is_system_table",
    "node_classes",
    "render",
]


# The parser would print whole statements to the terminal when it meets syntax it does not know.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --- syntax -----------------------------------------------------------------------------------------------------

_STRUCTURE = (
    "Select Union Intersect Except Subquery CTE With From Join Where Group Having Qualify Order Ordered Limit Offset "
    "Fetch LimitOptions Distinct Table TableAlias Alias Column Identifier Star Values "
    "Tuple Paren Literal Null Boolean "
    "Interval Var DataType DataTypeParam Rollup Cube GroupingSets Window WindowSpec Filter WithinGroup IgnoreNulls "
    "RespectNulls HavingMax Collate AtTimeZone Any All Escape National"
)
_OPERATORS = (
    "And Or Not Xor EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ Is In Between Like ILike Glob SimilarTo RegexpLike "
    "RegexpILike RegexpFullMatch Add Sub Mul Div IntDiv Mod Neg DPipe BitwiseAnd BitwiseOr BitwiseXor BitwiseNot "
    "BitwiseLeftShift BitwiseRightShift IntervalOp"
)
_FUNCTIONS = (
    # conditions and types
    "Case If Cast TryCast Coalesce Nullif Greatest Least Exists Nvl2 Typeof "
    # aggregates and windows
    "Sum Count Avg Min Max Median Mode Quantile ApproxQuantile ApproxDistinct PercentileCont PercentileDisc Stddev "
    "StddevPop StddevSamp Variance VariancePop Corr CovarPop CovarSamp CountIf GroupConcat ArrayAgg AnyValue ArgMax "
    "ArgMin First Last LogicalAnd LogicalOr Grouping GroupingId RowNumber Rank DenseRank "
    "PercentRank CumeDist Ntile Lag "
    "Lead FirstValue LastValue NthValue Skewness Kurtosis RegrSlope RegrIntercept RegrR2 RegrCount RegrAvgx RegrAvgy "
    # numbers
    "Abs Ceil Floor Round Trunc Sqrt Cbrt Pow Exp Ln Log Sign Mod Rand "
    "Sin Cos Tan Asin Acos Atan Atan2 Degrees Radians "
    "Pi WidthBucket SafeDivide "
    # text
    "Lower Upper Trim Length ByteLength Substring SubstringIndex Concat ConcatWs Replace "
    "Reverse Left Right StrPosition "
    "Initcap SplitPart StartsWith EndsWith Contains RegexpExtract RegexpReplace RegexpCount RegexpInstr Chr Ascii "
    "Unicode Translate Overlay Pad NumberToStr ToChar ToNumber Levenshtein Soundex Hex Elt "
    # dates and times
    "Date Datetime Time Timestamp CurrentDate CurrentDatetime CurrentTime CurrentTimestamp Localtime Localtimestamp "
    "UtcDate UtcTimestamp Year Quarter Month Week WeekOfYear Day DayOfMonth DayOfWeek DayOfWeekIso DayOfYear Hour "
    "Minute Second Dayname Monthname YearOfWeek YearOfWeekIso Extract LastDay DateAdd DateSub DateDiff DateTrunc "
    "DatetimeAdd DatetimeSub DatetimeDiff DatetimeTrunc TimestampAdd TimestampSub TimestampDiff "
    "TimestampTrunc TimeAdd "
    "TimeSub TimeDiff AddMonths MonthsBetween DateFromParts TimestampFromParts DateBin TimeToStr StrToDate StrToTime "
    "TimeStrToDate TimeStrToTime TsOrDsAdd TsOrDsDiff TsOrDsToDate TsOrDsToDateStr TsOrDsToTimestamp TsOrDsToTime "
    "TsOrDsToDatetime DateStrToDate DateToDateStr UnixToTime UnixSeconds TimeToUnix StrToUnix ToDays JustifyDays "
    "JustifyHours JustifyInterval MakeInterval UnixDate DateToDi ConvertTimezone"
)


def node_classes(names: str) -> frozenset[type[exp.Expr]]:
    """The syntax-tree classes of these names; one that this sqlglot lacks is a class it cannot build either."""
    return frozenset(getattr(exp, name) for name in names.split() if hasattr(exp, name))


ALLOWED_NODES: frozenset[type[exp.Expr]] = node_classes(f"{_STRUCTURE} {_OPERATORS} {_FUNCTIONS}") | {exp.Anonymous}
"""Exact node classes (no subclasses) a judged statement may be made of."""

WRITING_NODES: tuple[type[exp.Expr], ...] = (
    exp.DML,
    exp.DDL,
    exp.Command,
    exp.Into,
    exp.Lock,
    *node_classes(
        "Drop Alter TruncateTable Merge Copy LoadData Set SetItem Pragma Attach Detach "
        "Use Kill Grant Revoke Transaction "
        "Commit Rollback Analyze Comment Cache Uncache Refresh Execute ExecuteSql Declare "
        "Export Install Put Get Show "
        "Describe Summarize Returning Create Insert Update Delete NextValueFor"
    ),
)
"""Nodes whose refusal is best explained as "this is not reading"; the rest of what is not allowed is mere syntax."""

ALLOWED_ARGUMENTS: dict[type[exp.Expr], frozenset[str]] = {
    exp.Select: _words(
        "with_ expressions distinct from_ joins where group having qualify windows order limit offset kind"
    ),
    exp.Union: _words("with_ this expression distinct order limit offset"),
    exp.Intersect: _words("with_ this expression distinct order limit offset"),
    exp.Except: _words("with_ this expression distinct order limit offset"),
    exp.Subquery: _words("this alias with_ joins order limit offset"),
    exp.Table: _words("this alias db catalog joins"),
    exp.Join: _words("this on using side kind"),
    exp.Star: frozenset(),
    exp.CTE: _words("this alias materialized"),
    exp.With: _words("expressions recursive"),
    exp.Column: _words("this table db catalog"),
    exp.Group: _words("expressions grouping_sets cube rollup all"),
    exp.In: _words("this expressions query"),
    exp.Values: _words("expressions alias"),
    exp.Cast: _words("this to safe"),
}
"""For the nodes that carry hints, samples, pivots and the like: the only arguments that may be set."""

# --- functions sqlglot has no class for -------------------------------------------------------------------------

_COMMON_NAMES = _words("abs ceiling truncate ltrim rtrim btrim char_length character_length octet_length now")
_NAMES: dict[str, frozenset[str]] = {
    "sqlite": _words(
        "date time datetime julianday unixepoch strftime timediff total instr ifnull "
        "iif printf format char unicode "
        "substr hex quote sign acos asin atan atan2 cos degrees log10 log2 mod pi radians sin tan trunc"
    ),
    "duckdb": _words(
        "date_part datepart datesub date_sub age epoch epoch_ms make_timestamp "
        "strptime try_strptime printf format "
        "isfinite isnan fsum favg sumkahan product entropy mad regr_sxy day dayofyear weekday isodow isoyear century "
        "decade era millennium julian datetrunc list_sum list_avg even gamma lcase ucase strlen prefix suffix "
        "to_days to_months to_years to_weeks to_hours to_minutes to_seconds time_bucket any_value max_by min_by "
        "quantile_disc nullif if ifnull concat_ws log10 log2 greatest_common_divisor gcd lcm"
    ),
    "postgres": _words(
        "age date_part make_date make_time make_timestamp make_interval isfinite "
        "to_timestamp clock_timestamp "
        "statement_timestamp transaction_timestamp cot div scale min_scale trim_scale gcd lcm "
        "factorial every regr_sxx "
        "regr_syy regr_sxy regexp_substr strpos starts_with to_number row num_nulls num_nonnulls"
    ),
    "mysql": _words(
        "period_diff period_add yearweek makedate maketime to_seconds time_to_sec sec_to_time "
        "weekday addtime subtime "
        "adddate subdate date_sub sysdate strcmp field find_in_set conv crc32 log10 log2 std isnull bit_count ord "
        "from_days microsecond timestamp time insert"
    ),
}
_NAMES["mysql"] -= {"insert", "sysdate"}  # INSERT() reads like a write; SYSDATE() makes one statement give two answers


def allowed_function_names(dialect: str) -> frozenset[str]:
    """Lower-case names of the functions that may be called without sqlglot knowing them."""
    return _COMMON_NAMES | _NAMES.get(dialect, frozenset())


FORBIDDEN_FUNCTION = re.compile(
    r"sleep|benchmark|load_|_file|^file|readfile|writefile|read_|write_|^pg_|^lo_|^dblink|^xp_|^sp_|^sys_|^sys|exec|"
    r"copy|import|export|getenv|get_lock|release_|_lock|is_free|is_used|lock|set_config|current_setting|setval|nextval|"
    r"currval|lastval|last_insert|http|curl|url|glob$|_scan|scan_|parquet|csv|json_each|json_tree|query|xmltable|"
    r"database_to|table_to|schema_to|cursor_to|version|user|role|session|schema$|database|catalog|inet_|txid|kill|"
    r"shutdown|backend|reload|rotate|extension|fts3_tokenizer|zeroblob|randomblob|repeat|space|edit$|notify|pragma_|"
    r"duckdb_|sqlite_|uuid_|encrypt|decrypt|password|gtid|master_|wsrep|secret|variable|seq|error|signal",
    re.IGNORECASE,
)
"""Only chooses the error class: FORBIDDEN_FUNCTION for a name like these, else UNKNOWN_FUNCTION."""

_FORMAT = re.compile(r"(?:[^%]|%%|%[-+ 0,]{0,2}\d{0,3}(?:\.\d{1,2})?[a-zA-Z])*")
_LONGEST_PAD = 1000
_LONGEST_TEXT = 65_535


def argument_problem(node: exp.Expr) -> str:
    """Why this call's arguments are unsafe though its function is not; "" when they are fine."""
    if isinstance(node, exp.DataTypeParam):
        return _length_problem(node)
    if isinstance(node, exp.Pad):
        width = node.args.get("expression")
        if not (isinstance(width, exp.Literal) and not width.is_string and width.name.isdigit()):
            return "the width of a padding must be a number"
        return "" if int(width.name) <= _LONGEST_PAD else f"a padding may be {_LONGEST_PAD} wide at most"
    if isinstance(node, exp.Anonymous) and node.name.lower() in {"printf", "format"} and node.expressions:
        pattern = node.expressions[0]
        if not (isinstance(pattern, exp.Literal) and pattern.is_string and _FORMAT.fullmatch(pattern.name)):
            return "a format must be a plain literal with small widths"
    return ""


def _length_problem(node: exp.DataTypeParam) -> str:
    """CHAR(10000000) is padded to that length, row by row."""
    length = node.this
    if isinstance(length, exp.Literal) and length.name.isdigit() and int(length.name) > _LONGEST_TEXT:
        return f"a type may be {_LONGEST_TEXT} characters long at most"
    return ""


# --- names ------------------------------------------------------------------------------------------------------

_SYSTEM_SCHEMAS = _words("information_schema pg_catalog pg_toast mysql performance_schema sys system temp sqlite_temp")
_SYSTEM_TABLE = re.compile(r"sqlite_|pg_|pragma_|duckdb_|innodb_|rdb\$|sys\.|all_|dbms_|show_", re.IGNORECASE)
_NOT_SYSTEM = frozenset({"all_", "show_"})  # plausible beginnings of a user's own table names


def is_system_table(name: str, schema: str) -> bool:
    """Whether a table belongs to the database itself rather than to its users."""
    found = _SYSTEM_TABLE.match(name)
    return schema.lower() in _SYSTEM_SCHEMAS or (found is not None and found.group().lower() not in _NOT_SYSTEM)


HIDDEN_COLUMNS: dict[str, frozenset[str]] = {
    "sqlite": _words("rowid oid _rowid_"),
    "duckdb": _words("rowid"),
    "postgres": _words("ctid xmin xmax cmin cmax tableoid"),
    "mysql": _words("_rowid"),
}
"""Columns that every table has without the catalog listing them; some are another name of the key."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN_LOWER = re.compile(r"[a-z_][a-z0-9_]*")
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


def identifier(name: str, dialect: str) -> exp.Identifier:
    """`name` exactly as the catalog spells it, quoted where the dialect would otherwise read another name."""
    plain = _PLAIN_LOWER if dialect == "postgres" else _PLAIN
    quoted = not plain.fullmatch(name) or name.lower() in _RESERVED
    return exp.Identifier(this=name, quoted=quoted)


# --- rendering --------------------------------------------------------------------------------------------------


class AffidavitMySQL(MySQL):
    """sqlglot's MySQL as far as MariaDB has it too: REGEXP_LIKE exists only in MySQL 8, RLIKE in both."""

    class Generator(MySQL.Generator):  # type: ignore[valid-type, misc]
        """Writes a regular-expression match as an operator."""

        TRANSFORMS = {  # noqa: RUF012 (sqlglot declares the attribute so)
            **MySQL.Generator.TRANSFORMS,
            exp.RegexpLike: lambda self, node: self.binary(node, "RLIKE"),
        }


def render(tree: exp.Expr, dialect: str) -> str:
    """The statement as text of the dialect, comments left out: a comment can be code (`/*! ... */`).

    Raises:
        sqlglot.errors.UnsupportedError: the dialect cannot say it; left alone, the writer would drop what it cannot.
    """
    target: Any = AffidavitMySQL if dialect == "mysql" else dialect
    return tree.sql(dialect=target, comments=False, unsupported_level=ErrorLevel.RAISE)
