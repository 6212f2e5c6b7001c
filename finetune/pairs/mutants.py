"""Mutants: small, wrong changes to a statement, made to see whether its result would have shown them.

A pair whose statement gives the same rows without its filter, with its order turned round or over another column
teaches nothing about that filter, order or column: a wrong answer to the question would have passed. Mutation testing
(DeMillo, Lipton and Sayward 1978) asks just that of tests; here it is asked of warehouses and statements.

Changes that cannot show on any data are not made: join keys and correlations stay, `x IS NOT NULL` is not dropped
beside another condition on `x`, and a column that is only counted is not swapped.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from sqlglot import Dialect, exp

from memory.catalog import Catalog, Table

__all__ = ["KINDS", "Mutant", "mutants"]

KINDS = ("filter", "comparison", "boundary", "aggregate", "distinct", "join", "order", "limit", "column")
"""What is changed: a filter dropped, a comparison turned round, a boundary moved, an aggregate swapped, DISTINCT
dropped, a join dropped or made inner, a direction turned round, one row more, another column of the same type."""

_TURNED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.GT: exp.LTE,
    exp.LTE: exp.GT,
    exp.GTE: exp.LT,
    exp.LT: exp.GTE,
}
_BOUNDED = (exp.GT, exp.GTE, exp.LT, exp.LTE)
_SWAPPED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.Sum: exp.Avg,
    exp.Avg: exp.Sum,
    exp.Min: exp.Max,
    exp.Max: exp.Min,
}
_PERIOD = re.compile(r"\d{4}(?:-Q[1-4]|-\d\d)?")
_MOVED_DAYS = 200
_MOST_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed statement and the kind of change."""

    kind: str
    sql: str


@dataclass(frozen=True, slots=True)
class _Edit:
    """Places of a tree (owner, argument, index in a list or None) and what each shall hold instead."""

    kind: str
    places: tuple[tuple[exp.Expr, str, int | None], ...]
    values: tuple[Any, ...]


def mutants(tree: exp.Expr, catalog: Catalog, most: int = 10) -> list[Mutant]:
    """Up to `most` different mutants of a statement in the catalog's dialect, every kind in turn.

    The tree is left as it was. Columns come from `catalog` alone, so one without withheld columns gives none of them.
    """
    dialect = catalog.dialect
    original = tree.sql(dialect=dialect)
    found: dict[str, str] = {}
    for edit in _in_turn(tree, catalog):
        text = _edited(tree, edit, dialect)
        if text != original:
            found.setdefault(text, edit.kind)
        if len(found) >= most:
            break
    return [Mutant(kind, text) for text, kind in found.items()]


def _in_turn(tree: exp.Expr, catalog: Catalog) -> Iterator[_Edit]:
    """The first change of every kind, then the second of every kind, and so on."""
    makers = (_filters, _comparisons, _boundaries, _aggregates, _distincts, _joins, _orders, _limits, _columns)
    for row in zip_longest(*(maker(tree, catalog) for maker in makers)):
        yield from (edit for edit in row if edit is not None)


def _edited(tree: exp.Expr, edit: _Edit, dialect: str) -> str:
    """The statement's text with the edit, which is undone again."""
    before = [_held(*place) for place in edit.places]
    for place, value in zip(edit.places, edit.values, strict=True):
        _put(place, value)
    try:
        return Dialect.get_or_raise(dialect).generate(tree, copy=False)
    finally:
        for place, value in zip(edit.places, before, strict=True):
            _put(place, value)


def _held(owner: exp.Expr, key: str, index: int | None) -> Any:
    return owner.args.get(key) if index is None else owner.args[key][index]


def _put(place: tuple[exp.Expr, str, int | None], value: Any) -> None:
    owner, key, index = place
    if index is None:
        owner.set(key, value)
    else:
        owner.args[key][index] = value
    if isinstance(value, exp.Expr):
        value.parent, value.arg_key, value.index = owner, key, index


def _replacing(kind: str, node: exp.Expr, value: exp.Expr) -> _Edit:
    assert node.parent is not None and node.arg_key is not None  # noqa: S101, PT018 (only inner nodes are replaced)
    return _Edit(kind, ((node.parent, node.arg_key, node.index),), (value,))


# -- conditions ------------------------------------------------------------------------------------------------------


def _conditions(tree: exp.Expr) -> Iterator[tuple[list[exp.Expr], list[exp.Expr]]]:
    """Every condition of a WHERE or HAVING with its repetitions, and the conditions beside it.

    What two halves of a ratio both filter on is one condition: dropped from one half alone, the other still holds it.
    """
    known: dict[str, tuple[list[exp.Expr], list[exp.Expr]]] = {}
    for clause in tree.find_all(exp.Where, exp.Having):
        parts = list(clause.this.flatten()) if isinstance(clause.this, exp.And) else [clause.this]
        for part in parts:
            if not _ties(part):
                known.setdefault(part.sql(), ([], parts))[0].append(part)
    yield from known.values()


def _ties(node: exp.Expr) -> bool:
    return isinstance(node, exp.Binary) and isinstance(node.left, exp.Column) and isinstance(node.right, exp.Column)


def _filters(tree: exp.Expr, _catalog: Catalog) -> Iterator[_Edit]:
    picked = _picked(tree)
    for same, beside in _conditions(tree):
        if not _follows_from(same[0], beside) and not _only_saves_work(same[0], picked):
            yield _everywhere("filter", same, exp.true())


def _everywhere(kind: str, nodes: Sequence[exp.Expr], value: exp.Expr) -> _Edit:
    edits = [_replacing(kind, node, value.copy()) for node in nodes]
    return _Edit(kind, tuple(e.places[0] for e in edits), tuple(e.values[0] for e in edits))


def _follows_from(part: exp.Expr, conjuncts: Sequence[exp.Expr]) -> bool:
    """Whether it only says that something is there which another condition compares (a NULL compares to nothing)."""
    tested = _not_null(part)
    if tested is None:
        return False
    text = tested.sql()
    return any(
        other is not part and isinstance(other, exp.Binary) and any(c.sql() == text for c in other.find_all(exp.Column))
        for other in conjuncts
    )


def _not_null(node: exp.Expr) -> exp.Expr | None:
    inner = node.this if isinstance(node, exp.Not) else node
    negated = isinstance(node, exp.Not) or (isinstance(inner, exp.Is) and "NOT" in inner.expression.sql().upper())
    return inner.this if negated and isinstance(inner, exp.Is) else None


def _picked(tree: exp.Expr) -> set[str]:
    """The labels that a CASE picks out of groups already made."""
    whens = (test.this for case in tree.find_all(exp.Case) for test in case.args["ifs"])
    return {
        when.expression.name for when in whens if isinstance(when, exp.EQ) and isinstance(when.expression, exp.Literal)
    }


def _only_saves_work(node: exp.Expr, picked: set[str]) -> bool:
    """Whether it keeps away groups that a CASE would pass over anyway: the window around two periods, two names."""
    if isinstance(node, exp.In) and node.expressions:
        return picked.issuperset(value.name for value in node.expressions)
    if isinstance(node, _BOUNDED) and isinstance(node.expression, exp.Literal) and node.expression.is_string:
        return any(_PERIOD.fullmatch(label) for label in picked)
    return False


def _comparisons(tree: exp.Expr, _catalog: Catalog) -> Iterator[_Edit]:
    for same, _ in _conditions(tree):
        part = same[0]
        turned = _TURNED.get(type(part))
        if turned is not None and isinstance(part, exp.Binary):
            yield _everywhere("comparison", same, turned(this=part.left.copy(), expression=part.right.copy()))
        elif isinstance(part, exp.In | exp.Like | exp.Between | exp.Exists):
            yield _everywhere("comparison", same, exp.Not(this=part.copy()))
        elif isinstance(part, exp.Not):
            yield _everywhere("comparison", same, part.this.copy())


def _boundaries(tree: exp.Expr, _catalog: Catalog) -> Iterator[_Edit]:
    for same, _ in _conditions(tree):
        for key, upwards in (("expression", not isinstance(same[0], exp.LT | exp.LTE)), ("low", True), ("high", False)):
            if not isinstance(same[0], (*_BOUNDED, exp.Between)):
                continue
            limits = [node.args.get(key) for node in same]
            moved = _moved(limits[0], upwards) if isinstance(limits[0], exp.Literal) else None
            if moved is not None:
                yield _everywhere("boundary", [limit for limit in limits if limit is not None], moved)


def _moved(limit: exp.Literal, upwards: bool) -> exp.Literal | None:
    """The boundary moved inwards: a date by some months, a number by half and more."""
    if limit.is_string:
        try:
            day = dt.date.fromisoformat(limit.name[:10])
        except ValueError:
            return None
        moved = day + dt.timedelta(days=_MOVED_DAYS if upwards else -_MOVED_DAYS)
        return exp.Literal.string(moved.isoformat() + limit.name[10:])
    number = float(limit.name) * 1.5 + 10 if upwards else float(limit.name) / 2
    return exp.Literal(this=str(int(number) if "." not in limit.name else number), is_string=False)


# -- what is counted, joined and shown -------------------------------------------------------------------------------


def _aggregates(tree: exp.Expr, catalog: Catalog) -> Iterator[_Edit]:
    for node in tree.find_all(*_SWAPPED):
        if not (isinstance(node.this, exp.Case) and _reads_one_row(node, catalog)):
            yield _replacing("aggregate", node, _SWAPPED[type(node)](this=node.this.copy()))


def _reads_one_row(node: exp.Expr, catalog: Catalog) -> bool:
    """Whether an aggregate of a CASE stands over groups already made, where it only lifts the one value out."""
    select = node.find_ancestor(exp.Select)
    source = select.args.get("from_") if select is not None else None
    return source is not None and catalog.table(source.this.name) is None


def _distincts(tree: exp.Expr, catalog: Catalog) -> Iterator[_Edit]:
    for node in tree.find_all(exp.Distinct):
        if isinstance(node.parent, exp.Count) and len(node.expressions) == 1:
            if not _counts_rows(node, catalog):
                yield _replacing("distinct", node, node.expressions[0].copy())
        elif isinstance(node.parent, exp.Select) and node.parent.args.get("limit") is None:
            yield _Edit("distinct", ((node.parent, "distinct", None),), (None,))


def _counts_rows(node: exp.Distinct, catalog: Catalog) -> bool:
    """Whether a primary key is counted where no join repeats its rows, so that DISTINCT adds nothing."""
    column, select = node.expressions[0], node.find_ancestor(exp.Select)
    if not isinstance(column, exp.Column) or select is None:
        return False
    sources = [select.args.get("from_"), *(select.args.get("joins") or [])]
    tables = [catalog.table(source.this.name) for source in sources if source is not None]
    owner = next((t for t in tables if t is not None and t.primary_key == (column.name,)), None)
    if owner is None or None in tables:
        return False
    return not any(
        key.target_table == owner.name for t in tables if t is not None and t is not owner for key in t.foreign_keys
    )


def _joins(tree: exp.Expr, catalog: Catalog) -> Iterator[_Edit]:
    for select in tree.find_all(exp.Select):
        joins: list[exp.Join] = select.args.get("joins") or []
        for index, join in enumerate(joins):
            if str(join.args.get("side") or "").upper() == "LEFT":
                yield _Edit("join", ((join, "side", None),), (None,))
            elif isinstance(join.this, exp.Table) and not _is_used(select, join, catalog):
                yield _Edit("join", ((select, "joins", None),), (joins[:index] + joins[index + 1 :],))


def _is_used(select: exp.Select, join: exp.Join, catalog: Catalog) -> bool:
    """Whether anything outside the join itself names a column of its table."""
    table = catalog.table(join.this.name)
    for column in select.find_all(exp.Column):
        if column.find_ancestor(exp.Join) is join:
            continue
        if column.table == join.alias_or_name:
            return True
        if not column.table and (table is None or table.column(column.name) is not None):
            return True
    return table is None


def _orders(tree: exp.Expr, _catalog: Catalog) -> Iterator[_Edit]:
    for node in tree.find_all(exp.Ordered):
        yield _Edit("order", ((node, "desc", None),), (not node.args.get("desc"),))


def _limits(tree: exp.Expr, _catalog: Catalog) -> Iterator[_Edit]:
    for node in tree.find_all(exp.Limit):
        if isinstance(node.expression, exp.Literal) and node.expression.name.isdigit():
            yield _replacing("limit", node.expression, exp.Literal.number(int(node.expression.name) + 1))


def _columns(tree: exp.Expr, catalog: Catalog) -> Iterator[_Edit]:
    """Every mention of a column turned into its neighbour of the same type; keys stay."""
    tables = [t for t in (catalog.table(node.name) for node in tree.find_all(exp.Table)) if t is not None]
    mentions: dict[str, list[exp.Column]] = {}
    for column in tree.find_all(exp.Column):
        mentions.setdefault(column.name, []).append(column)
    made = 0
    for name, columns in mentions.items():
        owners = [t for t in tables if t.column(name) is not None]
        neighbour = _neighbour(owners[0], name) if owners else None
        if neighbour is None or made == _MOST_COLUMNS or all(isinstance(c.parent, exp.Count) for c in columns):
            continue
        made += 1
        places = tuple((column, "this", None) for column in columns)
        yield _Edit("column", places, tuple(exp.to_identifier(neighbour) for _ in columns))


def _neighbour(table: Table, name: str) -> str | None:
    """The next column of the same family that is no key, or None."""
    keys = {c for key in table.foreign_keys for c in key.columns} | set(table.primary_key)
    column = table.column(name)
    if column is None or column.name in keys:
        return None
    alike = [c.name for c in table.columns if c.family == column.family and c.name not in keys]
    return alike[(alike.index(column.name) + 1) % len(alike)] if len(alike) > 1 else None
