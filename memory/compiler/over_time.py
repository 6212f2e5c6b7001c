"""One builder per shape of question that sets a metric against itself at another time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from memory.compiler.dialects import MONTHS, period_label
from memory.compiler.frame import Scope, literal
from memory.compiler.grouping import Builder, additive, direction_of, grouped_select, having_test, limit_of, measures_of
from memory.compiler.query import CannotCompile, SemanticQuery

__all__ = ["PERIOD_BUILDERS"]

_DIFFERENCES = ("change", "change_series", "change_table", "moved")
"""Patterns in which a group without rows in one of the periods has a nought there."""


def _growth(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; grain; compare = (start of the earlier period, start of the later); dimensions. Percent."""
    earlier, later, names, cte = _two_periods(query, scope)
    return _over_periods(query, names, cte, f"100.0 * {later} / {earlier} - 100 AS growth_percent", "growth_percent")


def _change(query: SemanticQuery, scope: Scope) -> str:
    """As growth, but the difference itself."""
    earlier, later, names, cte = _two_periods(query, scope)
    return _over_periods(query, names, cte, f"{later} - {earlier} AS difference", "difference")


def _change_table(query: SemanticQuery, scope: Scope) -> str:
    """As growth_table between two periods, with the difference itself in place of the percentage.

    `columns` may be `value`: both values alone.
    """
    alias = scope.measure(query.metrics[0]).alias
    earlier, later, names, cte = _two_periods(query, scope)
    values = f"{earlier} AS previous_{alias}, {later} AS {alias}"
    if query.columns != ("value",):
        values += f", {later} - {earlier} AS difference"
    return _over_periods(query, names, cte, values, "difference")


def _moved(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions; grain; compare. Groups that rose (order desc) or fell (order asc) between the periods."""
    earlier, later, names, cte = _two_periods(query, scope)
    sign = "<" if query.order == "asc" else ">"
    shown = ", ".join(names)
    test = f"{later} {sign} {earlier}"
    kept = _in_both(query, names)
    return f"WITH periods AS ({cte}) SELECT {shown} FROM periods GROUP BY {shown} HAVING {test}{kept}"


def _growth_series(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; grain; window. Percent change on the period before; having keeps some, order and limit pick some.

    With a lag of a year the period before is the same quarter or month of the last year, whether or not each has rows.
    """
    if query.lag:
        return _year_over_year(query, scope)
    item, names, cte = grouped_select(_led(query), scope)
    period = names[-1]
    partition = f"PARTITION BY {', '.join(names[:-1])} " if len(names) > 1 else ""
    before = f"LAG({item.alias}) OVER ({partition}ORDER BY {period})"
    return _series(query, item.alias, names, cte, ("growth_percent", f"100.0 * {item.alias} / {before} - 100"))


def _change_series(query: SemanticQuery, scope: Scope) -> str:
    """As growth_series, with the difference itself in place of the percentage."""
    item, names, cte = grouped_select(_led(query), scope)
    partition = f"PARTITION BY {', '.join(names[:-1])} " if len(names) > 1 else ""
    before = f"LAG({item.alias}) OVER ({partition}ORDER BY {names[-1]})"
    if query.columns == ("size",) and query.having is not None and query.having.op == "<":
        query = replace(query, having=replace(query.having, op=">"))  # a fall by so much is no negative fall
        return _series(query, item.alias, names, cte, ("difference", f"{before} - {item.alias}"))
    return _series(query, item.alias, names, cte, ("difference", f"{item.alias} - {before}"))


def _series(query: SemanticQuery, alias: str, names: Sequence[str], cte: str, change: tuple[str, str]) -> str:
    """Each period with its change, called so and computed so; all of them, or those that `having` keeps."""
    name, sql = change
    period = names[-1]
    shown = ", ".join(names if query.columns == ("change",) else [*names, alias])
    order = f" ORDER BY {f'{name}{direction_of(query.order)}' if query.order else ', '.join(names)}"
    if query.having is not None:
        tests = [having_test(name, query.having), *_since(query, period)]
        held = ", ".join(names if name == "growth_percent" else [*names, alias])
        wanted = f"{held}, {name}" if query.columns != ("value",) else held
        if query.columns == ("size",):
            held, wanted = ", ".join(names), f"{', '.join(names)}, {name}"
        inner = f"SELECT {held}, {sql} AS {name} FROM periods"
        kept = f"SELECT {wanted} FROM changes WHERE {' AND '.join(tests)}"
        return f"WITH periods AS ({cte}), changes AS ({inner}) {kept}"
    return f"WITH periods AS ({cte}) {_from_periods(query, shown, f'{sql} AS {name}', period)}{order}{limit_of(query)}"


def _year_over_year(query: SemanticQuery, scope: Scope) -> str:
    if query.grain not in ("quarter", "month") or query.having is not None:
        raise CannotCompile("Only quarters and months are set against the same ones of the year before.")
    item, names, cte = grouped_select(_led(query, 12), scope)
    period, others = names[-1], names[:-1]
    ties = [
        f"CAST(SUBSTRING(later.{period}, 1, 4) AS INT) = CAST(SUBSTRING(earlier.{period}, 1, 4) AS INT) + 1",
        f"SUBSTRING(later.{period}, 5, 3) = SUBSTRING(earlier.{period}, 5, 3)",
    ]
    ties += [f"earlier.{name} = later.{name}" for name in others]
    growth = f"100.0 * later.{item.alias} / earlier.{item.alias} - 100 AS growth_percent"
    shown = ", ".join(f"later.{name}" for name in [*names, item.alias])
    tests = [f"later.{test}" for test in _since(query, period)]
    order = f"growth_percent{direction_of(query.order)}" if query.order else ", ".join(f"later.{n}" for n in names)
    return (
        f"WITH periods AS ({cte}) SELECT {shown}, {growth} FROM periods AS later LEFT JOIN periods AS earlier "
        f"ON {' AND '.join(ties)}{f' WHERE {tests[0]}' if tests else ''} ORDER BY {order}{limit_of(query)}"
    )


def _growth_table(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; grain; window, or dimensions and compare as in growth. The value, the one before, percent change."""
    alias = scope.measure(query.metrics[0]).alias
    if query.compare:
        earlier, later, names, cte = _two_periods(query, scope)
        growth = f"100.0 * {later} / {earlier} - 100 AS growth_percent"
        values = f"{earlier} AS previous_{alias}, {later} AS {alias}, {growth}"
        return _over_periods(query, names, cte, values, "growth_percent")
    item, names, cte = grouped_select(_led(query), scope)
    before = f"LAG({item.alias}) OVER (ORDER BY {names[-1]})"
    growth = f"{before} AS previous_{alias}, 100.0 * {item.alias} / {before} - 100 AS growth_percent"
    shown = f"{names[-1]}, {item.alias}"
    return f"WITH periods AS ({cte}) {_from_periods(query, shown, growth, names[-1])} ORDER BY {names[-1]}"


def _running_total(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0] (additive); grain; window. The total so far, period by period."""
    additive(measures_of(query, scope)[0], scope)
    item, names, cte = grouped_select(query, scope)
    period = names[-1]
    total = f"SUM({item.alias}) OVER (ORDER BY {period}) AS running_total"
    shown = period if query.columns == ("change",) else f"{period}, {item.alias}"
    return f"WITH periods AS ({cte}) SELECT {shown}, {total} FROM periods ORDER BY {period}"


PERIOD_BUILDERS: dict[str, Builder] = {
    "change": _change,
    "change_series": _change_series,
    "change_table": _change_table,
    "growth": _growth,
    "growth_series": _growth_series,
    "growth_table": _growth_table,
    "moved": _moved,
    "running_total": _running_total,
}


def _two_periods(query: SemanticQuery, scope: Scope) -> tuple[str, str, list[str], str]:
    """Earlier and later value as expressions over the CTE `periods`, the other group keys, and the CTE."""
    if query.grain not in MONTHS or len(query.compare) != 2:
        raise CannotCompile(f"The pattern {query.pattern} needs a grain and two periods.")
    item, names, cte = grouped_select(query, scope)
    period = names[-1]
    # Who bought nothing in one of the years has a change all the same, and no growth in percent.
    keeps_zero = query.pattern in _DIFFERENCES and item.additive(scope.layer.dialect)
    function, otherwise = ("SUM", " ELSE 0") if keeps_zero else ("MAX", "")
    labels = [literal(period_label(str(start), str(query.grain))) for start in query.compare]
    sides = [f"{function}(CASE WHEN {period} = {x} THEN {item.alias}{otherwise} END)" for x in labels]
    return sides[0], sides[1], names[:-1], cte


def _led(query: SemanticQuery, months: int = 0) -> SemanticQuery:
    """The query from one period (or so many months) on, so that the window's first one has one to be compared with."""
    if query.grain is not None and query.grain not in MONTHS:  # a week without an order is no period before the next
        raise CannotCompile(f"A {query.grain} is not set against the one before it.")
    if query.window is None or not _since(query, ""):
        return query
    start = dt.date.fromisoformat(query.window.start)
    index = start.year * 12 + start.month - 1 - (months or MONTHS[str(query.grain)])
    return replace(query, window=replace(query.window, start=dt.date(index // 12, index % 12 + 1, 1).isoformat()))


def _since(query: SemanticQuery, period: str) -> list[str]:
    """The test that leaves out the period before the window, where the window begins with a whole period."""
    start = query.window.start if query.window else ""
    if not start or query.grain is None:
        return []
    whole = start.endswith("-01") and (int(start[5:7]) - 1) % MONTHS[query.grain] == 0
    return [f"{period} >= {literal(period_label(start, query.grain))}"] if whole else []


def _from_periods(query: SemanticQuery, shown: str, values: str, period: str) -> str:
    """Columns of the CTE `periods` and values beside them, from the window's first period on."""
    tests = _since(query, period)
    if not tests:
        return f"SELECT {shown}, {values} FROM periods"
    return f"SELECT * FROM (SELECT {shown}, {values} FROM periods) AS changes WHERE {tests[0]}"


def _over_periods(query: SemanticQuery, names: Sequence[str], cte: str, value: str, alias: str) -> str:
    head = f"WITH periods AS ({cte}) SELECT "
    keeps_zero = query.pattern in _DIFFERENCES and "ELSE 0" in value
    if not names:
        return f"{head}{value} FROM periods"
    shown = ", ".join(names)
    order = f" ORDER BY {alias}{direction_of(query.order)}" if query.order else ""
    result = value.rpartition(", ")[2].removesuffix(f" AS {alias}")
    tests = [having_test(result, query.having)] if query.having else []
    if query.order == "asc" and not keeps_zero:  # no value in one of the periods is not the lowest of all
        tests.append(f"{result} IS NOT NULL")
    kept = f" HAVING {' AND '.join(tests)}" if tests else ""
    both = _in_both(query, names)
    kept += both if tests else both.replace(" AND ", " HAVING ", 1)
    return f"{head}{shown}, {value} FROM periods GROUP BY {shown}{kept}{order}{limit_of(query)}"


def _in_both(query: SemanticQuery, names: Sequence[str]) -> str:
    """What keeps the groups with rows in both periods, after other tests; empty where all are kept."""
    if not (query.in_both and names):
        return ""
    labels = ", ".join(literal(period_label(str(start), str(query.grain))) for start in query.compare)
    return f" AND COUNT(CASE WHEN {query.grain} IN ({labels}) THEN 1 END) = 2"
