"""The faults, each made from a statement that is right: one thing is broken, by chance, the way drafts are broken.

An injector gives the broken draft as the model would send it, or None where the statement has nothing of that kind to
break. It does not look at what the agent can mend.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from agent.warehouse.scopes import Resolution, UnresolvedName, resolve
from bench.safety.faults import spellings
from bench.safety.faults.names import misnamed, misspelt
from memory.catalog import Catalog

__all__ = ["INJECTORS", "Broken", "Material"]

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Broken:
    """What the model says instead of the right statement."""

    reply: str
    ended: str = "stop"
    """Why the provider says that the reply ended."""


@dataclass(frozen=True, slots=True)
class Material:
    """A statement that is right, parsed and with every name followed; a new tree each time it is asked for."""

    sql: str
    dialect: str
    catalog: Catalog

    def tree(self) -> tuple[exp.Expr, Resolution]:
        """The tree, to be changed, and what its names stand for."""
        tree = sqlglot.parse_one(self.sql, dialect=self.dialect)
        return tree, resolve(tree, self.catalog, self.dialect)

    def text(self, tree: exp.Expr) -> str:
        """The statement of a changed tree."""
        return tree.sql(dialect=self.dialect)


Injector = Callable[[Material, random.Random], Broken | None]


# --- names ------------------------------------------------------------------------------------------------------


def renamed_column(material: Material, rng: random.Random) -> Broken | None:
    """One column of the catalog under another name, wherever the statement names it."""
    tree, found = material.tree()
    owned = [(node, found.origins[id(node)]) for node in tree.find_all(exp.Column) if id(node) in found.origins]
    owned = [(node, origin) for node, origin in owned if node.name.casefold() == origin[1].casefold()]
    if not owned:
        return None
    origin = rng.choice(sorted({origin for _, origin in owned}))
    name = misnamed(origin[1], origin[0], rng)
    for node, its_origin in owned:
        if its_origin == origin:
            node.set("this", exp.to_identifier(name, quoted=node.this.args.get("quoted")))
    return Broken(material.text(tree))


def misspelt_table(material: Material, rng: random.Random) -> Broken | None:
    """One table under another name, also where it stands before a column."""
    tree, found = material.tree()
    if not found.tables:
        return None
    table = rng.choice(sorted(found.tables))
    name = misnamed(table, "", rng)
    for node in tree.find_all(exp.Table):
        if node.name == table:
            node.set("this", exp.to_identifier(name, quoted=node.this.args.get("quoted")))
    for column in tree.find_all(exp.Column):
        if column.table == table:
            column.set("table", exp.to_identifier(name, quoted=column.args["table"].args.get("quoted")))
    return Broken(material.text(tree))


def dropped_join(material: Material, rng: random.Random) -> Broken | None:
    """One joined table forgotten, although its columns are named."""
    tree, _ = material.tree()
    joins = [
        (select, join)
        for select in tree.find_all(exp.Select)
        for join in select.args.get("joins") or ()
        if any(column.table == join.this.alias_or_name for column in select.find_all(exp.Column))
    ]
    if not joins:
        return None
    select, join = rng.choice(joins)
    select.set("joins", [other for other in select.args["joins"] if other is not join])
    return Broken(material.text(tree))


def ambiguous_name(material: Material, rng: random.Random) -> Broken | None:
    """A column that several tables of the statement have, without its table."""
    tree, found = material.tree()
    candidates = []
    for node in tree.find_all(exp.Column):
        select = node.find_ancestor(exp.Select)
        sources = found.sources.get(id(select), {}) if select is not None else {}
        holding = [table for table in sources.values() if table and material.catalog.column(table, node.name)]
        if node.table and len(holding) > 1:
            candidates.append(node)
    if not candidates:
        return None
    chosen = rng.choice(candidates)
    everywhere = rng.random() < 0.5
    for node in candidates:
        if node is chosen or (everywhere and node.sql() == chosen.sql() and not isinstance(node.parent, exp.EQ)):
            node.set("table", None)
    return Broken(material.text(tree))


def wrong_alias(material: Material, rng: random.Random) -> Broken | None:
    """A column behind an alias that stands for another table, or for none."""
    tree, _ = material.tree()
    columns = [node for node in tree.find_all(exp.Column) if node.table]
    if not columns:
        return None
    chosen = rng.choice(columns)
    aliases = sorted({node.table for node in columns} - {chosen.table})
    ways = [chosen.table[:1].lower() + "x", *aliases]
    select = chosen.find_ancestor(exp.Select)
    tables = [table for table in select.find_all(exp.Table) if table.alias == chosen.table] if select else []
    ways += [table.name for table in tables]
    name = rng.choice(ways)
    for node in columns if rng.random() < 0.5 else [chosen]:
        if node.table == chosen.table or node is chosen:
            node.set("table", exp.to_identifier(name))
    return Broken(material.text(tree))


# --- shape ------------------------------------------------------------------------------------------------------


def missing_group_by(material: Material, rng: random.Random) -> Broken | None:
    """GROUP BY forgotten, or one of its keys."""
    tree, _ = material.tree()
    selects = [select for select in tree.find_all(exp.Select) if select.args.get("group")]
    if not selects:
        return None
    select = rng.choice(selects)
    keys = select.args["group"].expressions
    if len(keys) > 1 and rng.random() < 0.6:
        kept = [key.copy() for key in keys]
        del kept[rng.randrange(len(kept))]
        select.set("group", exp.Group(expressions=kept))
    else:
        select.set("group", None)
    return Broken(material.text(tree))


def aggregate_in_where(material: Material, rng: random.Random) -> Broken | None:
    """The condition of HAVING in WHERE."""
    tree, _ = material.tree()
    selects = [select for select in tree.find_all(exp.Select) if select.args.get("having")]
    if not selects:
        return None
    select = rng.choice(selects)
    condition = select.args["having"].this.copy()
    select.set("having", None)
    select.where(condition, copy=False)
    return Broken(material.text(tree))


def integer_division(material: Material, rng: random.Random) -> Broken | None:
    """A quotient whose numerator is no longer made a fraction, where whole numbers are divided as such."""
    if material.dialect not in ("sqlite", "postgres"):
        return None
    tree, _ = material.tree()
    divisions = [node for node in tree.find_all(exp.Div) if _made_real(node.this) is not node.this]
    if not divisions:
        return None
    chosen = rng.choice(divisions)
    chosen.set("this", _made_real(chosen.this).copy())
    chosen.set("typed", True)  # as written, not as another dialect would have to say it
    chosen.set("safe", True)
    return Broken(material.text(tree))


def _made_real(node: exp.Expr) -> exp.Expr:
    """The numerator without what made it a fraction."""
    inner = node.unnest()
    if isinstance(inner, exp.Cast) and inner.to.is_type("double", "float", "decimal"):
        return inner.this
    if isinstance(inner, exp.Mul):
        for factor, rest in ((inner.this, inner.expression), (inner.expression, inner.this)):
            if isinstance(factor, exp.Literal) and re.fullmatch(r"1\.0+", factor.name):
                return rest
            if isinstance(factor, exp.Literal) and re.fullmatch(r"100\.0*", factor.name):
                return exp.Mul(this=exp.Literal.number("100"), expression=rest.copy())
    return node


def unknown_function(material: Material, rng: random.Random) -> Broken | None:
    """A function by another database's name, or misspelt."""
    names = list(
        re.finditer(r"\b(SUM|COUNT|AVG|MIN|MAX|ROUND|COALESCE|LOWER|UPPER|LENGTH|SUBSTR\w*|ABS)\(", material.sql)
    )
    if not names:
        return None
    chosen = rng.choice(names)
    name = chosen[1].upper()
    other = rng.choice([misspelt(name, rng), *spellings.FUNCTIONS.get(name, ())])
    everywhere = re.sub(rf"\b{name}\(", f"{other}(", material.sql)
    return Broken(everywhere)


def limit_form(material: Material, rng: random.Random) -> Broken | None:
    """LIMIT as other databases say it."""
    tree, _ = material.tree()
    limit = tree.args.get("limit")
    if not isinstance(limit, exp.Limit) or not isinstance(tree, exp.Select):
        return None
    count = limit.expression.name
    way = rng.choice(["top", "top()", "fetch", "text", "comma"])
    tree.set("limit", None)
    text = material.text(tree)
    if way in ("top", "top()"):
        given = count if way == "top" else f"({count})"
        return Broken(re.sub(r"^((?:WITH .*\) )?SELECT (?:DISTINCT )?)", rf"\1TOP {given} ", text, count=1, flags=re.S))
    ending = {"fetch": f"FETCH FIRST {count} ROWS ONLY", "text": f"LIMIT '{count}'", "comma": f"LIMIT 0, {count}"}[way]
    return Broken(f"{text} {ending}")


# --- literals ---------------------------------------------------------------------------------------------------


def _texts(tree: exp.Expr) -> list[exp.Literal]:
    """Texts that something is compared with."""
    return [
        node
        for node in tree.find_all(exp.Literal)
        if node.is_string and isinstance(node.parent, exp.EQ | exp.NEQ | exp.In | exp.GT | exp.GTE | exp.LT | exp.LTE)
    ]


def type_error(material: Material, rng: random.Random) -> Broken | None:
    """A date without its quotes, a number with its unit, a text compared as a number, a number added up as a text."""
    tree, found = material.tree()
    ways: list[tuple[exp.Expr, exp.Expr]] = []
    for literal in tree.find_all(exp.Literal):
        if literal.is_string and _ISO_DATE.fullmatch(literal.name):
            ways += [(literal, exp.var(day)) for day in (literal.name, literal.name.replace("-", ""))]
        if not literal.is_string and isinstance(literal.parent, exp.GT | exp.GTE | exp.LT | exp.LTE | exp.EQ):
            ways.append((literal, exp.Literal.string(f"{literal.name} units")))
        if literal.is_string and literal.name.isdigit():
            ways.append((literal, exp.Literal.number(literal.name)))
    for aggregate in tree.find_all(exp.Sum, exp.Avg):
        if isinstance(aggregate.this, exp.Column) and id(aggregate.this) in found.origins:
            ways.append((aggregate.this, exp.cast(aggregate.this.copy(), "text")))
    if not ways:
        return None
    right, wrong = rng.choice(ways)
    right.replace(wrong)
    return Broken(material.text(tree))


def value_spelling(material: Material, rng: random.Random) -> Broken | None:
    """A stored value in another case, misspelt, or with blanks around it."""
    tree, _ = material.tree()
    values = [node for node in _texts(tree) if re.fullmatch(r"[^\d%]{4,}", node.name)]
    if not values:
        return None
    chosen = rng.choice(values)
    written = chosen.name
    ways = [written.lower(), written.upper(), misspelt(written, rng), misspelt(written, rng), f"{written} "]
    chosen.set("this", rng.choice([way for way in ways if way != written]))
    return Broken(material.text(tree))


def missing_quotes(material: Material, rng: random.Random) -> Broken | None:
    """A text without its quotes, in typographic ones, in those of names, or with an apostrophe that ends it early."""
    tree, _ = material.tree()
    values = [node for node in _texts(tree) if not _ISO_DATE.fullmatch(node.name)]
    if not values:
        return None
    written = rng.choice(values).name
    quoted = "'" + written.replace("'", "''") + "'"
    ways = [written, f"\u2018{written}\u2019", f"\u201c{written}\u201d", f'"{written}"', f"`{written}`"]
    if "'" in written:
        ways = [f"'{written}'"]
    return Broken(material.text(tree).replace(quoted, rng.choice(ways)))


# --- text -------------------------------------------------------------------------------------------------------


def wrong_quotes(material: Material, rng: random.Random) -> Broken | None:
    """Every name in small or capital letters and in the quotes of some database, or one column in those of a text."""
    tree, found = material.tree()
    way = rng.choice(["double", "backtick", "bracket", "bare", "text"])
    marks = {"double": '""', "backtick": "``", "bracket": "[]", "bare": ("", ""), "text": "''"}[way]
    names = {name for origin in found.origins.values() for name in origin} | set(found.tables)
    if way == "text":
        columns = [node for node in tree.find_all(exp.Column) if not node.table and id(node) in found.origins]
        if not columns:
            return None
        column = rng.choice(columns)
        column.replace(exp.Literal.string(column.name))
        return Broken(material.text(tree))
    case = rng.choice([str.lower, str.upper, str])
    text = material.text(tree)
    for name in sorted(names, key=len, reverse=True):
        written = marks[0] + case(name) + marks[1]
        text = re.sub(rf"(?<![\w'])[\"`]?\b{re.escape(name)}\b[\"`]?(?![\w'(])", lambda _, to=written: to, text)
    return Broken(text)


def fences_prose(material: Material, rng: random.Random) -> Broken | None:
    """The right statement, wrapped in what chatty models say."""
    return Broken(rng.choice(spellings.WRAPPINGS).replace("{sql}", material.sql))


def truncated(material: Material, rng: random.Random) -> Broken | None:
    """The statement up to the token where the model had to stop."""
    tokens = re.findall(r"\s*\S+", material.sql)
    if len(tokens) < 8:
        return None
    return Broken("".join(tokens[: rng.randrange(4, len(tokens))]), "length")


# --- dialects ---------------------------------------------------------------------------------------------------


def wrong_dialect(material: Material, rng: random.Random) -> Broken | None:
    """The whole statement as another database says it."""
    others = ["tsql", "mysql", "postgres", "snowflake", "bigquery", "sqlite", "duckdb"]
    rng.shuffle(others)
    tree = sqlglot.parse_one(material.sql, dialect=material.dialect)
    for other in others:
        try:
            text = tree.sql(dialect=other, unsupported_level=ErrorLevel.RAISE, identify=rng.random() < 0.3)
        except (SqlglotError, ValueError, AttributeError):  # what that dialect cannot say, in one way or another
            continue
        if other != material.dialect and text != material.sql:
            return Broken(text)
    return None


def wrong_date_function(material: Material, rng: random.Random) -> Broken | None:
    """One part of a date taken out as another database does it."""
    tree, _ = material.tree()
    found = [
        (node, part, date)
        for node in tree.walk()
        for part, date in spellings.date_part(node)
        if not isinstance(node.parent, exp.Cast) or not list(spellings.date_part(node.parent))
    ]
    if not found:
        return None
    parts = sorted({part for _, part, _ in found})
    part = rng.choice(parts)
    way = rng.choice(spellings.DATE_PARTS[part])
    text = material.text(tree)
    for node, its_part, date in found:
        if its_part == part:
            text = text.replace(material.text(node), way.replace("{d}", material.text(date)))
    return Broken(text)


def _all() -> Iterator[Injector]:
    yield from (renamed_column, misspelt_table, dropped_join, wrong_dialect, ambiguous_name, type_error)
    yield from (missing_group_by, aggregate_in_where, wrong_quotes, value_spelling, missing_quotes)
    yield from (wrong_date_function, integer_division, fences_prose, truncated, unknown_function, wrong_alias)
    yield limit_form


INJECTORS: dict[str, Injector] = {injector.__name__: injector for injector in _all()}
"""By the class of the fault."""

# Kept here so that a caller need not know sqlglot's and the resolver's exceptions apart.
Unbreakable = (SqlglotError, UnresolvedName, ValueError)
