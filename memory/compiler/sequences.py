"""One builder per shape of question about how rows follow or accompany each other.

How far apart they are, in how many periods on end there are some, which two things come on the same one, and which of
a row of numbers stands in the middle. None of these is an aggregate that every engine has, so they are written with
window functions and plain comparisons, which all of them read alike.
"""

from __future__ import annotations

from memory.compiler.frame import Scope, literal
from memory.compiler.grouping import Builder, direction_of, groups_of, having_test, keys_of, limit_of, single
from memory.compiler.measures import Measure
from memory.compiler.query import CannotCompile, SemanticQuery

__all__ = ["SEQUENCE_BUILDERS"]


def _average_gap(query: SemanticQuery, scope: Scope) -> str:
    """entity; dimensions; filters, window, having (how many rows), order, limit. Days between consecutive rows."""
    item, day = _happening(query, scope)
    groups = groups_of(query, scope, item)
    item, body = scope.body(item, [day, *(g.sql for g in groups)], query)
    gap = f"1.0 * DATE_DIFF('day', MIN({day}), MAX({day})) / (COUNT(*) - 1) AS average_days_between"
    if not groups:
        return f"SELECT {gap} {body}"
    tests = ["COUNT(*) > 1"] + ([having_test("COUNT(*)", query.having)] if query.having else [])
    text = f"SELECT {', '.join(g.item for g in groups)}, {gap} {body} GROUP BY {keys_of(groups)}"
    text += f" HAVING {' AND '.join(tests)}"
    return (
        text + (f" ORDER BY average_days_between{direction_of(query.order)}" if query.order else "") + limit_of(query)
    )


def _streak(query: SemanticQuery, scope: Scope) -> str:
    """dimensions; entity (what happens); grain month or year; window; having. Who had some in so many on end."""
    if query.having is None or query.having.op not in (">=", ">", "=") or query.grain not in ("month", "year"):
        raise CannotCompile("A streak needs a grain of months or years, and how many of them.")
    item, _ = _happening(query, scope)
    groups = groups_of(query, scope, item, inner=True)
    names, period = [g.name for g in groups[:-1]], groups[-1].name
    if not names:
        raise CannotCompile("A streak needs a dimension.")
    _, body = scope.body(item, [g.sql for g in groups], query)
    inner = f"SELECT {', '.join(g.item for g in groups)} {body} GROUP BY {keys_of(groups)}"
    number = f"CAST(SUBSTRING({period}, 1, 4) AS INT)"
    if query.grain == "month":
        number = f"{number} * 12 + CAST(SUBSTRING({period}, 6, 2) AS INT)"
    shown = ", ".join(names)
    run = f"{number} - ROW_NUMBER() OVER (PARTITION BY {shown} ORDER BY {period}) AS run"
    op = ">" if query.having.op == ">" else ">="
    return (
        f"WITH periods AS ({inner}), runs AS (SELECT {shown}, {run} FROM periods) "
        f"SELECT DISTINCT {shown} FROM runs GROUP BY {shown}, run HAVING COUNT(*) {op} {literal(query.having.value)}"
    )


def _pairs(query: SemanticQuery, scope: Scope) -> str:
    """dimensions[0]; entity (what they come on); filters, window, having, order, limit. Two things on the same row.

    Each pair once: in the order of the things' keys or, `by_group`, of what they are called. With compare = (one of
    the things,) only what is there with that one.
    """
    if len(query.dimensions) != 1:
        raise CannotCompile("Pairs are of one kind of thing.")
    entity = scope.layer.entity(query.entity)
    item = scope.groups(query.dimensions, inner=True)[0]
    key = f"{entity.table}.{entity.key}"
    tests = [scope.predicate(f) for f in query.filters]
    tests += scope.window(query.window, scope.layer.calendar.time_column)
    tables = [t for t in scope.tables([item.sql, *tests]) if t.lower() != entity.table.lower()]
    source = scope.source(entity.table, tables, fan_out=True)
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    own = scope.catalog.table(scope.tables([item.sql])[0])
    keyed = not query.by_group and own is not None and len(own.primary_key) == 1
    number = f"{own.name}.{own.primary_key[0]}" if keyed and own is not None else item.sql
    inner = f"SELECT DISTINCT {key} AS together, {item.sql} AS item, {number} AS item_key FROM {source}{where}"
    if query.compare:
        text = (
            f"WITH items AS ({inner}) SELECT other.item AS {item.name}, COUNT(*) AS shared FROM items AS one "
            f"JOIN items AS other ON one.together = other.together AND one.item_key <> other.item_key "
            f"WHERE one.item = {literal(query.compare[0])} GROUP BY other.item"
        )
        return text + (f" ORDER BY shared{direction_of(query.order)}" if query.order else "") + limit_of(query)
    text = (
        f"WITH items AS ({inner}) SELECT one.item AS first_{item.name}, other.item AS second_{item.name}, "
        f"COUNT(*) AS shared FROM items AS one JOIN items AS other "
        f"ON one.together = other.together AND one.item_key < other.item_key GROUP BY one.item, other.item"
    )
    if query.having is not None:
        text += f" HAVING {having_test('COUNT(*)', query.having)}"
    return text + (f" ORDER BY shared{direction_of(query.order)}" if query.order else "") + limit_of(query)


def _median(query: SemanticQuery, scope: Scope) -> str:
    """metrics[0]; dimensions[0] the rows it is taken over, or none for those of its own table; filters, window."""
    item = single(scope.measure(query.metrics[0]))
    if query.dimensions:
        groups = groups_of(query, scope, item, inner=True)
        item, body = scope.body(item, [g.sql for g in groups], query)
        inner = f"SELECT {item.sql} AS value {body} GROUP BY {', '.join(g.sql for g in groups)}"
    else:
        column = _averaged(item.sql)
        item, body = scope.body(item, [column], query)
        inner = f"SELECT {column} AS value {body}"
    placed = "SELECT value, ROW_NUMBER() OVER (ORDER BY value) AS place, COUNT(*) OVER () AS places FROM measured"
    return (
        f"WITH measured AS ({inner}), placed AS ({placed} WHERE NOT value IS NULL) "
        f"SELECT AVG(value) AS median_value FROM placed WHERE 2 * place BETWEEN places AND places + 2"
    )


def _averaged(sql: str) -> str:
    """The column that an average or a sum is taken of."""
    name, _, rest = sql.partition("(")
    if name.upper() not in ("AVG", "SUM") or not rest.endswith(")") or rest.count("(") or rest.count(")") != 1:
        raise CannotCompile("The median is taken of one column.")
    return rest[:-1]


def _happening(query: SemanticQuery, scope: Scope) -> tuple[Measure, str]:
    """The measure that counts the entity's rows, and the day of each."""
    item = scope.measure(f"count:{query.entity}")
    if not item.time:
        raise CannotCompile(f"`{query.entity}` has no days that could follow each other.")
    return item, item.time


SEQUENCE_BUILDERS: dict[str, Builder] = {
    "average_gap": _average_gap,
    "median": _median,
    "pairs": _pairs,
    "streak": _streak,
}
