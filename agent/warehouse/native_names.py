"""By which names each dialect itself calls the functions that the parser knows.

The parser reads every dialect's functions in every other one as well: in MySQL, which has DATEDIFF of two dates, it
takes DuckDB's `DATE_DIFF('day', a, b)` for that, and what would be written out compares 'day' with a. The database
would have said that there is no such function. So a name that the engine does not have is refused, and a mend that
knows whose name it is can say the same in the engine's words.

The lists are what the engines themselves report (`pragma_function_list`, `duckdb_functions()`, `pg_proc`, MariaDB's
`information_schema.sql_functions`), as far as the parser reads it into a function that may be called, and words of
their grammar. They are of the engines that are connected to; the others' names are taken as they come.
"""

from __future__ import annotations

import re

from sqlglot import exp

from agent.warehouse.functions import allowed_function_names

__all__ = ["WRITTEN_AS", "foreign_function", "foreign_name", "has_two_part_isnull"]

WRITTEN_AS = "written_as"
"""Where the parser is told to keep a function's name as it was written, in the node's `meta`."""

_TWO_PART_ISNULL = re.compile(r"\bisnull\s*\((?:[^(),]|\([^()]*\))*,", re.IGNORECASE)
_GRAMMAR = (
    "cast coalesce count nullif if ifnull least greatest exists extract substring trim position date time timestamp "
    "datetime current_date current_time current_timestamp concat concat_ws left right replace char char_length "
    "character_length nvl "
)
_NATIVE: dict[str, str] = {
    "sqlite": (
        "abs acos asin atan atan2 avg ceil ceiling cos cume_dist degrees dense_rank exp first_value floor format "
        "group_concat hex iif instr json_extract json_group_array json_group_object json_object json_type lag "
        "last_value lead length ln log log10 log2 lower ltrim max median min mod nth_value ntile percent_rank "
        "percentile percentile_cont percentile_disc pi pow power radians random rank round row_number rtrim sign "
        "sin sqrt strftime string_agg substr sum tan trunc typeof unhex unicode upper"
    ),
    "duckdb": (
        "abs acos any_value approx_count_distinct approx_quantile arg_max arg_min argmax argmin array_agg "
        "array_contains array_distinct array_has array_has_all array_length array_to_string ascii asin atan atan2 "
        "avg bit_and bit_count bit_or bit_xor bool_and bool_or cbrt ceil ceiling chr contains corr cos count_if "
        "countif covar_pop covar_samp cume_dist current_localtimestamp date_add date_diff date_part date_sub "
        "date_trunc datediff datepart datetrunc day dayname dayofmonth dayofweek dayofyear degrees dense_rank "
        "editdist3 ends_with epoch epoch_ms exp factorial first first_value floor format gcd get_current_time "
        "group_concat grouping hex hour initcap instr isinf isnan isodow isoyear jaro_winkler_similarity "
        "json_extract json_extract_path json_extract_path_text json_extract_string json_keys json_type kurtosis lag "
        "last last_day last_value lcase lead len length levenshtein list list_contains list_distinct list_has "
        "list_value listagg ln log log10 log2 lower lpad ltrim make_date make_timestamp max max_by mean median min "
        "min_by minute mod mode month monthname now nth_value ntile overlay percent_rank percentile_cont "
        "percentile_disc pi pow power quantile quantile_cont quantile_disc quarter radians random rank "
        "regexp_extract regexp_extract_all regexp_full_match regexp_matches regexp_replace regr_avgx regr_avgy "
        "regr_count regr_intercept regr_r2 regr_slope reverse round row_number rpad rtrim second sign sin skewness "
        "split split_part sqrt starts_with stddev stddev_pop stddev_samp str_split strftime string_agg string_split "
        "string_to_array strpos strptime substr sum tan time_bucket to_days to_hex to_json to_timestamp today "
        "translate trunc try_cast typeof ucase unicode upper var_pop var_samp variance week weekday weekofyear year "
        "yearweek"
    ),
    "postgres": (
        "abs acos any_value array_agg array_length array_to_string ascii asin atan atan2 avg bit_and bit_or "
        "bool_and bool_or btrim cbrt ceil ceiling chr corr cos covar_pop covar_samp cume_dist date_bin date_part "
        "date_trunc degrees dense_rank div every exp factorial first_value floor format grouping initcap "
        "json_extract_path json_extract_path_text jsonb_contains jsonb_extract_path jsonb_extract_path_text "
        "justify_days justify_hours justify_interval lag last_value lead length ln localtime localtimestamp log "
        "log10 lower lpad ltrim make_interval make_timestamp max min mod mode normalize now nth_value ntile overlay "
        "percent_rank percentile_cont percentile_disc pi pow power radians random rank regexp_count regexp_instr "
        "regexp_replace regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope reverse round row_number "
        "rpad rtrim sign sin split_part sqrt starts_with stddev stddev_pop stddev_samp string_agg string_to_array "
        "strpos substr sum tan to_char to_date to_hex to_number to_timestamp translate trunc upper var_pop var_samp "
        "variance width_bucket"
    ),
    "mysql": (
        "abs acos add_months adddate any_value ascii asin atan atan2 avg bit_and bit_count bit_or bit_xor ceil "
        "ceiling chr convert convert_tz cos cume_dist curdate curtime date_add date_format date_sub datediff day "
        "dayname dayofmonth dayofweek dayofyear degrees dense_rank elt exp first_value floor format from_unixtime "
        "group_concat grouping hex hour insert instr isnull json_array json_arrayagg json_extract json_keys "
        "json_object json_objectagg json_unquote json_value lag last_day last_value lcase lead length ln localtime "
        "localtimestamp locate log log10 log2 lower lpad ltrim makedate maketime max median microsecond mid min "
        "minute mod month monthname now nth_value ntile percent_rank percentile_cont percentile_disc pi pow power "
        "quarter radians rand rank regexp_instr regexp_like regexp_replace regexp_substr reverse round row_number "
        "rpad rtrim second sign sin soundex sqrt std stddev stddev_pop stddev_samp str_to_date subdate substr "
        "substring_index sum tan timediff timestampadd timestampdiff to_char to_days ucase unix_timestamp upper "
        "utc_date utc_time utc_timestamp var_pop var_samp variance week weekofyear year"
    ),
}
_NAMES = {
    dialect: frozenset(f"{_GRAMMAR} {names}".split()) | allowed_function_names(dialect)
    for dialect, names in _NATIVE.items()
}


def foreign_name(node: exp.Expr, dialect: str) -> str:
    """The name that a function was called by, where the dialect does not have it; "" for anything else."""
    written = node.meta_get(WRITTEN_AS)
    names = _NAMES.get(dialect)
    return str(written) if written and names is not None and str(written).lower() not in names else ""


def has_two_part_isnull(sql: str) -> bool:
    """Whether T-SQL's `ISNULL(a, b)` stands in the text; MySQL's takes one argument, and the parser drops the other."""
    return _TWO_PART_ISNULL.search(sql) is not None


def foreign_function(tree: exp.Expr, dialect: str) -> str:
    """The first function of the tree called by a name that the dialect does not have; "" when there is none."""
    return next((name for node in tree.find_all(exp.Func) if (name := foreign_name(node, dialect))), "")
