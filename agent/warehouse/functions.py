"""The functions that a statement may call, dialect by dialect, as data.

An allow-list: a function that nobody has looked at is refused, so a new release of the parser or of a database cannot
open a door by itself. Looked at means that it computes a value from its arguments, its rows or the clock, and does
nothing else. What is left out on purpose: whatever writes, locks, sleeps, reads files or the network, reads or changes
settings and sessions, moves sequences, runs text as a statement, makes digests (a masked value could be guessed by
them), or fills memory from a short text (REPEAT, LPAD of any width).

The parser knows most functions by a class, under which it also writes them in other dialects; the others by name.
"""

from __future__ import annotations

import re

from sqlglot import exp

__all__ = [
    "FORBIDDEN_FUNCTION",
    "allowed_function_classes",
    "allowed_function_names",
    "argument_problem",
    "node_classes",
]


def node_classes(names: str) -> frozenset[type[exp.Expr]]:
    """The parser's classes of those names; one that this sqlglot lacks is a class it cannot build either."""
    return frozenset(getattr(exp, name) for name in names.split() if hasattr(exp, name))


# --- classes ----------------------------------------------------------------------------------------------------

_EVERYWHERE = (
    "Case If Cast TryCast Coalesce Nullif Greatest Least Exists Nvl2 "
    "Sum Count Avg Min Max GroupConcat "
    "RowNumber Rank DenseRank PercentRank CumeDist Ntile Lag Lead FirstValue LastValue NthValue "
    "Abs Ceil Floor Round Trunc Sqrt Pow Exp Ln Log Sign Mod Rand Sin Cos Tan Asin Acos Atan Atan2 Degrees Radians Pi "
    "SafeDivide Lower Upper Trim Length Substring Concat ConcatWs Replace StrPosition Chr Unicode "
    "Date CurrentDate CurrentTime CurrentTimestamp DateAdd DateDiff TsOrDsAdd TsOrDsDiff TsOrDsToDate "
    "TsOrDsToTimestamp TsOrDsToTime TsOrDsToDatetime TimeStrToTime TimeToStr DateStrToDate "
    "JSONExtract JSONExtractScalar JSONPath JSONPathRoot JSONPathKey JSONPathSubscript JSONCast"
)
_TEXT = "Left Right Reverse Ascii"
_PADDING = "Pad"
_REGEXP = "RegexpExtract RegexpReplace RegexpInstr"
_SPREAD = "Stddev StddevPop StddevSamp Variance VariancePop"
_REGRESSION = "Corr CovarPop CovarSamp RegrSlope RegrIntercept RegrR2 RegrCount RegrAvgx RegrAvgy"
_QUANTILES = "Median PercentileCont PercentileDisc"
_ANY_ROW = "AnyValue ArgMax ArgMin"
_DATE_PARTS = "Extract Year Quarter Month Week WeekOfYear Day DayOfMonth DayOfWeek DayOfYear Hour Minute Second"
_DAY_NAMES = "Dayname Monthname"
_ISO_DATES = "DayOfWeekIso YearOfWeek YearOfWeekIso"
_TRUNCATION = "DateTrunc TimestampTrunc"
_TIMESTAMPS = "Datetime Time Timestamp Localtime Localtimestamp LastDay DateFromParts TimestampFromParts"
_PARSING = "StrToDate StrToTime TimeStrToDate UnixToTime TimeToUnix"
_TIMESTAMP_SHIFTS = "DateSub TimestampAdd TimestampSub TimestampDiff"
_ARRAYS = "ArrayAgg Array ArraySize ArrayContains ArrayToString Bracket"
_CLASSES: dict[str, str] = {
    "sqlite": "Time Datetime Typeof Hex RegexpLike JSONType JSONArray JSONObject JSONKeyValue JSONArrayAgg "
    "JSONObjectAgg Format",
    "duckdb": f"{_TEXT} {_PADDING} {_REGEXP} {_SPREAD} {_REGRESSION} {_QUANTILES} {_ANY_ROW} {_DATE_PARTS} "
    f"{_DAY_NAMES} {_ISO_DATES} {_TRUNCATION} {_TIMESTAMPS} {_PARSING} {_TIMESTAMP_SHIFTS} {_ARRAYS} "
    "Mode Quantile ApproxQuantile ApproxDistinct CountIf First Last LogicalAnd LogicalOr Grouping Skewness Kurtosis "
    "Cbrt SplitPart StartsWith EndsWith Contains RegexpExtractAll Translate Hex Levenshtein Initcap Typeof "
    "UtcDate UtcTimestamp MonthsBetween DateBin MakeInterval ToDays IsNan IsInf Split "
    "JarowinklerSimilarity JSONType DateToDi UnixSeconds DatetimeAdd DatetimeSub DatetimeDiff "
    "DatetimeTrunc BitwiseCount BitwiseAndAgg BitwiseOrAgg BitwiseXorAgg Format JSONKeys ArrayDistinct "
    "Factorial ArrayContainsAll Kwarg",
    "postgres": f"{_TEXT} {_PADDING} {_REGEXP} {_SPREAD} {_REGRESSION} {_QUANTILES} {_TRUNCATION} {_TIMESTAMPS} "
    f"{_PARSING} {_ARRAYS} Extract Mode LogicalAnd LogicalOr Grouping Cbrt WidthBucket SplitPart StartsWith "
    "RegexpCount Translate Overlay Initcap ToChar ToNumber DateBin JustifyDays JustifyHours JustifyInterval "
    "MakeInterval AnyValue JSONBExtract JSONBExtractScalar JSONBContains StringToArray "
    "BitwiseAndAgg BitwiseOrAgg CountIf Day Month Year UnixSeconds CurrentDatetime Format Factorial "
    "ArrayContainsAll Kwarg",
    "mysql": f"{_TEXT} {_PADDING} {_REGEXP} {_SPREAD} {_QUANTILES} {_DATE_PARTS} {_DAY_NAMES} {_TIMESTAMPS} {_PARSING} "
    f"{_TIMESTAMP_SHIFTS} SubstringIndex Hex Soundex Elt ToChar NumberToStr AddMonths UtcDate UtcTimestamp UtcTime "
    "ToDays DateTrunc ConvertTimezone Overlay BitwiseCount JSONArray JSONObject JSONKeyValue JSONArrayContains "
    "JSONValue JSONArrayAgg JSONObjectAgg JSONKeys AnyValue Stuff Grouping UnixToStr RegexpLike RegexpSubstr "
    "BitwiseAndAgg BitwiseOrAgg BitwiseXorAgg",
    "tsql": f"{_TEXT} {_SPREAD} {_DATE_PARTS} {_TRUNCATION} {_TIMESTAMPS} {_TIMESTAMP_SHIFTS} Convert Stuff "
    "PercentileCont PercentileDisc ApproxDistinct AnyValue Grouping GroupingId NumberToStr Translate Soundex "
    "CurrentDatetime UnixDate JSONArray JSONObject JSONKeyValue SplitPart CountIf CurrentTimestampLTZ TimeFromParts",
    "snowflake": f"{_TEXT} {_PADDING} {_REGEXP} {_SPREAD} {_REGRESSION} {_QUANTILES} {_ANY_ROW} {_DATE_PARTS} "
    f"{_DAY_NAMES} {_ISO_DATES} {_TRUNCATION} {_TIMESTAMPS} {_PARSING} {_TIMESTAMP_SHIFTS} {_ARRAYS} "
    "Mode ApproxQuantile ApproxDistinct Hll CountIf LogicalAnd LogicalOr Grouping GroupingId Skewness Kurtosis Cbrt "
    "WidthBucket SplitPart StartsWith EndsWith Contains RegexpCount RegexpExtractAll Translate Levenshtein Initcap "
    "Soundex ByteLength ToChar ToNumber ToDouble ToBoolean Typeof AddMonths MonthsBetween ConvertTimezone "
    "NextDay PreviousDay TimeSlice TimeAdd TimeSub TimeDiff UnixDate DecodeCase EqualNull Split Strtok "
    "JarowinklerSimilarity GetExtract ParseJSON JSONFormat JSONKeys ArrayDistinct Struct PropertyEQ "
    "BitwiseCount BitwiseAndAgg BitwiseOrAgg BitwiseXorAgg Stuff CurrentDatetime CurrentTimestampLTZ TimeFromParts "
    "Kwarg",
    "bigquery": f"{_TEXT} {_PADDING} {_REGEXP} {_SPREAD} Corr CovarPop CovarSamp {_ANY_ROW} {_DATE_PARTS} "
    f"{_TRUNCATION} {_TIMESTAMPS} {_PARSING} {_TIMESTAMP_SHIFTS} {_ARRAYS} PercentileCont PercentileDisc "
    "ApproxDistinct ApproxQuantiles ApproxTopK CountIf LogicalAnd LogicalOr Grouping Cbrt SplitPart StartsWith "
    "EndsWith Contains RegexpExtractAll Translate Levenshtein Initcap Soundex ByteLength CurrentDatetime "
    "DatetimeAdd DatetimeSub DatetimeDiff DatetimeTrunc TimeAdd TimeSub TimeDiff TimeTrunc ParseDatetime ParseTime "
    "UnixDate UnixSeconds UnixMillis UnixMicros DateFromUnixDate JustifyDays JustifyHours JustifyInterval MakeInterval "
    "WeekStart Split Normalize RangeBucket JSONFormat JSONValueArray JSONType ParseJSON BitwiseCount BitwiseAndAgg "
    "BitwiseOrAgg BitwiseXorAgg SafeFunc SafeNegate SafeAdd SafeSubtract SafeMultiply Format IsNan IsInf "
    "LaxInt64 LaxString LaxFloat64 LaxBool TimeFromParts Unnest",
}
_COMMON_CLASSES = node_classes(_EVERYWHERE)
_OWN_CLASSES = {dialect: _COMMON_CLASSES | node_classes(names) for dialect, names in _CLASSES.items()}


def allowed_function_classes(dialect: str) -> frozenset[type[exp.Expr]]:
    """The classes of the functions that may be called in the dialect (sqlglot's name of it)."""
    return _OWN_CLASSES.get(dialect, _COMMON_CLASSES)


# --- names ------------------------------------------------------------------------------------------------------


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMON_NAMES = _words("abs ceiling ltrim rtrim")
_NAMES: dict[str, frozenset[str]] = {
    "sqlite": _words(
        "date time datetime julianday unixepoch strftime timediff total instr ifnull iif printf format char unicode "
        "substr hex quote sign acos acosh asin asinh atan atan2 atanh cos cosh degrees log10 log2 mod pi radians sin "
        "sinh tan tanh trunc likelihood likely unlikely octet_length concat json json_array_length json_extract "
        "json_quote json_type json_valid json_array json_object json_group_array json_group_object"
    ),
    "duckdb": _words(
        "date_part datepart datesub date_sub age epoch epoch_ms make_timestamp make_date strptime try_strptime "
        "strftime printf format isfinite isnan isinf fsum favg sumkahan product entropy mad regr_sxx regr_sxy regr_syy "
        "day dayofyear weekday weekofyear isodow isoyear century decade era millennium julian datetrunc list_sum "
        "list_avg list_min list_max list_sort list_distinct list_contains array_length len even gamma lcase ucase "
        "strlen prefix suffix to_days to_months to_years to_weeks to_hours to_minutes to_seconds time_bucket any_value "
        "max_by min_by quantile_disc nullif if ifnull concat_ws log10 log2 greatest_common_divisor gcd lcm "
        "char_length character_length octet_length now today current_date get_current_timestamp yearweek bit_count "
        "ord nfc_normalize strip_accents regexp_matches regexp_full_match regexp_split_to_array string_split str_split "
        "split list_count list_unique list_string_agg array_to_string factorial cot sinh cosh tanh "
        "json_array_length json_type json_valid json_extract_string jaro_similarity damerau_levenshtein hamming "
        "jaccard date_diff datediff divide fdiv fmod histogram round_even roundbankers least_common_multiple "
        "last_day array_slice list_slice list_extract union_tag signbit nextafter geomean geometric_mean bool_and "
        "bool_or weighted_avg timezone"
    ),
    "postgres": _words(
        "age date_part make_date make_time make_timestamp make_timestamptz make_interval isfinite to_timestamp "
        "clock_timestamp statement_timestamp transaction_timestamp cot div scale min_scale trim_scale gcd lcm "
        "factorial every regr_sxx regr_syy regr_sxy regexp_substr regexp_like strpos starts_with to_number row "
        "num_nulls num_nonnulls btrim char_length character_length octet_length bit_length now sinh cosh tanh "
        "array_length cardinality array_position array_remove array_upper array_lower string_to_array array_append "
        "json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text json_typeof jsonb_typeof "
        "json_array_length jsonb_array_length jsonb_path_exists regexp_match regexp_split_to_array to_hex log10 "
        "quote_literal bit_count normalize unistr variance var_samp lower_inc upper_inc isempty timeofday all "
        "date_trunc timezone lower_inf upper_inf"
    ),
    "mysql": _words(
        "period_diff period_add yearweek makedate maketime to_seconds time_to_sec sec_to_time weekday addtime subtime "
        "adddate subdate date_sub strcmp field find_in_set conv crc32 log10 log2 std isnull bit_count ord from_days "
        "microsecond timestamp time bit_length char_length character_length octet_length truncate now time_format "
        "timediff mid lcase ucase cot export_set make_set oct bin quote json_length json_type json_valid json_unquote "
        "json_contains json_contains_path json_search json_depth json_keys json_value json_query json_exists "
        "json_object json_array json_arrayagg json_objectagg "
        "convert_tz curtime utc_time natural_sort_key nvl var_samp var_pop from_unixtime unix_timestamp localtime "
        "localtimestamp date_format weekofyear percentile_cont percentile_disc median"
    ),
    "tsql": _words(
        "patindex quotename isnumeric isdate choose getutcdate sysutcdatetime sysdatetimeoffset var varp stdevp "
        "isjson parsename str nchar datalength switchoffset todatetimeoffset date_bucket json_path_exists difference "
        "log10 atn2 cot square timefromparts datetime2fromparts datetimeoffsetfromparts smalldatetimefromparts "
        "approx_percentile_cont approx_percentile_disc bit_count left_shift right_shift"
    ),
    "snowflake": _words(
        "to_timestamp to_timestamp_ntz to_timestamp_ltz to_timestamp_tz try_to_timestamp try_to_timestamp_ntz "
        "try_to_time ratio_to_report haversine conditional_change_event conditional_true_event is_integer is_double "
        "is_null_value is_array is_object is_varchar as_integer as_double as_varchar as_date as_number div0 div0null "
        "zeroifnull nullifzero log10 cot sinh cosh tanh factorial array_position array_max array_min regr_sxx regr_sxy "
        "regr_syy timestamp_ntz_from_parts timestamp_ltz_from_parts btrim char_length octet_length now try_to_boolean "
        "try_to_double date_part least_ignore_nulls greatest_ignore_nulls bit_length booland boolor boolxor "
        "percentile_cont percentile_disc var_samp var_pop getdate sysdate bitand bitor"
    ),
    "bigquery": _words(
        "ieee_divide div char_length character_length octet_length cot sinh cosh tanh csc sec normalize_and_casefold "
        "lax_string lax_int64 lax_float64 lax_bool json_query_array timestamp_micros timestamp_millis "
        "timestamp_seconds unix_millis unix_micros array_first array_last array_reverse var_samp var_pop "
        "bit_and bit_or bit_xor parse_numeric parse_bignumeric"
    ),
}


def allowed_function_names(dialect: str) -> frozenset[str]:
    """Lower-case names of the functions that may be called without sqlglot knowing them."""
    return _ALL_NAMES.get(dialect, _COMMON_NAMES)


_ALL_NAMES = {dialect: _COMMON_NAMES | names for dialect, names in _NAMES.items()}

FORBIDDEN_FUNCTION = re.compile(
    r"sleep|benchmark|load_|_file|^file|readfile|writefile|read_|write_|^pg_|^lo_|^dblink|^xp_|^sp_|^sys_|^sys|exec|"
    r"copy|import|export|getenv|get_lock|release_|_lock|is_free|is_used|lock|set_config|current_setting|setval|nextval|"
    r"currval|lastval|last_insert|http|curl|url|glob$|_scan|scan_|parquet|csv|json_each|json_tree|query|xmltable|"
    r"database_to|table_to|schema_to|cursor_to|version|user|role|session|schema$|database|catalog|inet_|txid|kill|"
    r"shutdown|backend|reload|rotate|extension|fts3_tokenizer|zeroblob|randomblob|repeat|space|edit$|notify|pragma_|"
    r"duckdb_|sqlite_|uuid_|encrypt|decrypt|password|gtid|master_|wsrep|secret|variable|seq|error|signal|"
    r"^open|replicate|^fn_|^object_|property|^has_|get_ddl|result_|last_query|warehouse|account|^ai_|cortex|complete|"
    r"predict|^ml|^generate_|generator|randstr|identifier|^net|^keys|^md5|^sha|hash",
    re.IGNORECASE,
)
"""Only chooses the error class: FORBIDDEN_FUNCTION for a name like these, else UNKNOWN_FUNCTION."""


# --- arguments --------------------------------------------------------------------------------------------------

_FORMAT = re.compile(r"(?:[^%]|%%|%[-+ 0,']{0,2}\d{0,3}(?:\.\d{1,2})?[a-zA-Z])*")
_FORMAT_FIELDS = re.compile(r"(?:[^{}]|\{\{|\}\}|\{\d{0,2}(?::[,.<>^+ ]{0,2}\d{0,3}(?:\.\d{1,2})?[a-z]?)?\})*")
_ALLOWED_TYPES = frozenset(
    getattr(exp.DataType.Type, name)
    for name in _words(
        "CHAR NCHAR VARCHAR NVARCHAR TEXT TINYTEXT MEDIUMTEXT LONGTEXT BPCHAR BOOLEAN BIT "
        "TINYINT SMALLINT MEDIUMINT INT BIGINT INT128 INT256 UTINYINT USMALLINT UMEDIUMINT UINT UBIGINT UINT128 "
        "DECIMAL DECIMAL32 DECIMAL64 DECIMAL128 DECIMAL256 DECFLOAT BIGDECIMAL UDECIMAL FLOAT DOUBLE UDOUBLE MONEY "
        "SMALLMONEY DATE DATE32 DATETIME DATETIME2 DATETIME64 SMALLDATETIME TIME TIMETZ TIME_NS TIMESTAMP "
        "TIMESTAMPTZ TIMESTAMPLTZ TIMESTAMPNTZ TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_NS YEAR INTERVAL UUID "
        "UNIQUEIDENTIFIER JSON JSONB BINARY VARBINARY BLOB CHARACTER_SET"
    )
    if hasattr(exp.DataType.Type, name)
)
"""Types whose values are values; not XML, which has entities, nor the names of a database's own objects."""
_LONGEST_PAD = 1000
_LONGEST_TEXT = 65_535


def argument_problem(node: exp.Expr, dialect: str) -> str:
    """Why this call's arguments are unsafe though its function is not; "" when they are fine."""
    if isinstance(node, exp.DataType | exp.DataTypeParam):
        return _type_problem(node)
    if isinstance(node, exp.Pad):
        width = node.args.get("expression")
        if not (isinstance(width, exp.Literal) and not width.is_string and width.name.isdigit()):
            return "the width of a padding must be a number"
        return "" if int(width.name) <= _LONGEST_PAD else f"a padding may be {_LONGEST_PAD} wide at most"
    if isinstance(node, exp.Format):
        return _format_problem(node.this, dialect, node.key)
    if isinstance(node, exp.Anonymous) and node.expressions and node.name.lower() in {"printf", "format"}:
        return _format_problem(node.expressions[0], dialect, node.name.lower())
    return ""


def _type_problem(node: exp.DataType | exp.DataTypeParam) -> str:
    """CHAR(10000000) is padded to that length, row by row; XML has entities; REGCLASS asks the catalog."""
    if isinstance(node, exp.DataType):
        return "" if node.this in _ALLOWED_TYPES else f"no value is made of the type {node.sql()}"
    length = node.this
    if isinstance(length, exp.Literal) and length.name.isdigit() and int(length.name) > _LONGEST_TEXT:
        return f"a type may be {_LONGEST_TEXT} characters long at most"
    return ""


def _format_problem(pattern: exp.Expr, dialect: str, function: str) -> str:
    """DuckDB's FORMAT has {} for what others, and its own PRINTF, have % for."""
    small = _FORMAT_FIELDS if dialect == "duckdb" and function == "format" else _FORMAT
    if isinstance(pattern, exp.Literal) and pattern.is_string and small.fullmatch(pattern.name):
        return ""
    return "a format must be a plain literal with small widths"
