"""Shows a statement only what the policy lets through of each table: some of its rows, some of its columns disguised.

Every reference to a table that has row filters or masks is replaced by a derived table of the same name, which selects
the allowed rows, and of the columns those that the statement uses, disguised where they must be. The rest of the
statement stands on that, so nothing it does (aliases, functions, ordering, grouping, joins, subqueries, set operations)
can reach what is behind it: a column that was overlooked is not there, and the database refuses the statement. A table
with denied columns gets the same where the statement looks past tables for a name, so that none is found in passing.
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from agent.errors import ErrorClass, RefusedError
from agent.warehouse.dialects import identifier
from agent.warehouse.fence import fence, may_fail
from agent.warehouse.names import Resolution, UnresolvedName
from agent.warehouse.policy import Policy
from agent.warehouse.policy_rules import Mask
from agent.warehouse.scopes import resolve
from agent.warehouse.sources import spelled
from memory.catalog import Catalog, Column, Table

__all__ = ["restrict"]

_LOOSELY_TYPED = ("sqlite", "mysql")
"""Elsewhere a bare NULL has a type of its own, and could not be compared with a value of another."""
_TOLD = {"partial": "only its first character is shown", "hash": "replaced by a digest", "full": "not shown"}
_MOST_REMEMBERED = 1_000
_resolved: dict[tuple[str, str, str, int], tuple[Catalog, exp.Expr, tuple[str, ...]]] = {}
"""Conditions that hold over their table, by the catalog's identity, which holds as long as it is kept here."""
_CONDITION_ONLY = {"expressions", "from_", "where"}


def restrict(found: Resolution, policy: Policy, catalog: Catalog, dialect: str) -> tuple[str, ...]:
    """Put what the policy lets through in place of each table of a resolved statement, whose tree is changed.

    Args:
        found: what `resolve` gave for the statement.
        policy: of the person who asks.
        catalog: of the warehouse.
        dialect: sqlglot's name of the warehouse's dialect, which the policy's conditions are written in.

    Returns:
        A sentence for each rule that shows in the statement's result.

    Raises:
        RefusedError: a row condition is not valid SQL over its table, so the table must not be read at all.
    """
    said: dict[str, None] = {}
    used = {(use.table, use.column) for use in found.uses}
    fenced: bool | None = None
    held_back: dict[str, tuple[tuple[str, ...], dict[str, Mask]]] = {}
    for node, table in found.references:
        if table.name not in held_back:
            held_back[table.name] = policy.row_conditions(table.name), policy.masks_of(table)
        conditions, masks = held_back[table.name]
        if not conditions and not masks and not (found.looked_outside and _has_denied(table, policy)):
            continue
        if conditions and fenced is None:
            fenced = may_fail(node.root(), dialect)
        columns = _columns(node, table, {name for owner, name in used if owner == table.name}, masks, dialect)
        shown = exp.Select(expressions=columns, from_=exp.From(this=exp.Table(this=identifier(table.name, dialect))))
        for condition in conditions:
            shown.where(_condition(condition, table, catalog, dialect, found), copy=False)
            said[f"The policy shows only the rows of {table.name} where {condition}."] = None
        if conditions and fenced:
            fence(shown, dialect)
        for name, mask in masks.items():
            if (table.name, name) in used:
                said[f"The policy masks {table.name}.{name}: {_TOLD[mask]}."] = None
        _put(node, shown)
    return tuple(said)


def _put(node: exp.Table, shown: exp.Select) -> None:
    """The derived table in the place of `node`, under the name that the statement knows it by."""
    alias = node.args.get("alias")
    name = alias.this if alias is not None and alias.this is not None else node.this
    derived = exp.Subquery(this=shown, alias=exp.TableAlias(this=spelled(name)), joins=node.args.get("joins"))
    node.replace(derived)


def _columns(node: exp.Table, table: Table, used: set[str], masks: dict[str, Mask], dialect: str) -> list[exp.Expr]:
    """The columns that are used, disguised where they must be, under the names of `AS t (a, b)` if given."""
    alias = node.args.get("alias")
    given = alias.args.get("columns") if alias is not None else None
    columns: list[exp.Expr] = []
    for position, column in enumerate(table.columns):
        if column.name not in used:
            continue
        own = identifier(column.name, dialect)
        name = given[position] if given and position < len(given) else own
        plain = exp.Column(this=spelled(own))
        mask = masks.get(column.name)
        value = _masked(plain, column, mask, dialect) if mask else plain
        columns.append(value if value is plain and name is own else exp.Alias(this=value, alias=spelled(name)))
    return columns or [exp.Literal.number(1)]


def _masked(value: exp.Column, column: Column, mask: Mask, dialect: str) -> exp.Expr:
    if mask == "full":
        if dialect in _LOOSELY_TYPED:
            return exp.null()
        return exp.cast(exp.null(), exp.DataType.build(column.type, dialect=dialect, udt=True))
    text = value if column.family == "text" else exp.cast(value, "text")
    if mask == "hash":
        return exp.MD5(this=text)
    start = exp.Substring(this=text, start=exp.Literal.number(1), length=exp.Literal.number(1))
    is_there = exp.Is(this=exp.Column(this=spelled(value.this)), expression=exp.Not(this=exp.Null()))
    return exp.Case(ifs=[exp.If(this=is_there, true=_starred(start))])


def _starred(text: exp.Expr) -> exp.Expr:
    return exp.Concat(expressions=[text, exp.Literal.string("***")], safe=True, coalesce=False)


def _has_denied(table: Table, policy: Policy) -> bool:
    return any(policy.column_denied(table.name, column.name) for column in table.columns)


def _condition(condition: str, table: Table, catalog: Catalog, dialect: str, found: Resolution) -> exp.Expr:
    """The condition as a tree, its names resolved against its own table."""
    key = (condition, table.name, dialect, id(catalog))
    known = _resolved.get(key)
    if known is None:
        if len(_resolved) >= _MOST_REMEMBERED:
            _resolved.clear()
        known = _resolved[key] = (catalog, *_resolve(condition, table, catalog, dialect))
    _, tree, asked = known
    hidden = [name for name in asked if name.casefold() in found.common_names]
    if hidden:  # it would read what the statement put there instead
        message = f"{hidden[0]} is a table that the policy reads; give what is called so in WITH another name."
        raise RefusedError(ErrorClass.SYNTAX, message)
    return tree.copy()


def _resolve(condition: str, table: Table, catalog: Catalog, dialect: str) -> tuple[exp.Expr, tuple[str, ...]]:
    """The condition's tree, and the tables that it asks."""
    name = identifier(table.name, dialect).sql(dialect=dialect)
    try:
        tree = sqlglot.parse_one(f"SELECT 1 FROM {name} WHERE {condition}", dialect=dialect)
        if not isinstance(tree, exp.Select) or {key for key, value in tree.args.items() if value} != _CONDITION_ONLY:
            raise _broken(condition, table, "is more than a condition.")
        asked = resolve(tree, catalog, dialect).tables
    except SqlglotError as error:
        raise _broken(condition, table, "is not valid SQL.") from error
    except UnresolvedName as error:
        raise _broken(condition, table, f"cannot hold: {error.message}") from error
    where: exp.Expr = tree.args["where"].this
    return exp.Paren(this=where.pop()), tuple(asked)


def _broken(condition: str, table: Table, what: str) -> RefusedError:
    message = f"The condition `{condition}` for {table.name} in policy.yaml {what}"
    return RefusedError(ErrorClass.FORBIDDEN_OBJECT, message, "Have whoever looks after policy.yaml mend it.")
