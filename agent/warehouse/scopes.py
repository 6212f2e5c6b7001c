"""Says what every name in a statement stands for, and refuses one that stands for nothing or for two things.

The guard's allow-list of tables and columns is only worth something when each name is followed to the table it comes
from, through aliases, CTEs, subqueries, `*`, USING and correlation. The same knowledge lets the checks see which tables
are really joined and the mends see which name was meant. While resolving, every name is rewritten to the catalog's own
spelling, which is what makes `Customers` work on a database that would read it as `customers`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from agent.errors import ErrorClass
from agent.warehouse.dialects import identifier, is_system_table
from agent.warehouse.names import ColumnUse, Resolution, UnresolvedName, nearest_names
from memory.catalog import Catalog, Table

__all__ = ["ColumnUse", "Resolution", "UnresolvedName", "nearest_names", "resolve"]


@dataclass(frozen=True, slots=True)
class _Output:
    """A column that a source offers."""

    identifier: exp.Identifier
    origin: tuple[str, str] | None
    definition: exp.Expr | None = None


_Outputs = dict[str, _Output]


@dataclass(slots=True)
class _Source:
    identifier: exp.Identifier
    outputs: _Outputs
    table: Table | None = None


@dataclass(slots=True)
class _Scope:
    """What can be named at one place: the FROM sources, this SELECT's aliases, the CTEs, and the scope outside."""

    ctes: dict[str, _Outputs]
    outer: _Scope | None = None
    sources: dict[str, _Source] = field(default_factory=dict)
    merged: set[str] = field(default_factory=set)
    """Column names merged by USING: naming them bare is not ambiguous."""
    aliases: dict[str, exp.Identifier] = field(default_factory=dict)


def resolve(tree: exp.Expr, catalog: Catalog, dialect: str) -> Resolution:
    """Follow every table and column name in `tree`, rewriting each to the catalog's spelling in place.

    Raises:
        UnresolvedName: a table or column is unknown or ambiguous, or stands where this resolver does not look.
    """
    resolver = _Resolver(catalog, dialect)
    resolver.query(tree, _Scope(ctes={}))
    # What was not reached was not understood, and what is not understood is not allowed.
    for node in tree.find_all(exp.Column, exp.Table):
        if id(node) not in resolver.found.seen:
            raise UnresolvedName(
                ErrorClass.SYNTAX, "known_syntax", f"`{node.sql(dialect)}` stands where a name is not understood."
            )
    return resolver.found


class _Resolver:
    def __init__(self, catalog: Catalog, dialect: str) -> None:
        self.catalog = catalog
        self.dialect = dialect
        self.found = Resolution()

    # --- queries ------------------------------------------------------------------------------------------------

    def query(self, node: exp.Expr, scope: _Scope) -> _Outputs:
        """Resolve a query standing in `scope` (its CTEs and, as outer, its sources); give its output columns."""
        inner = _Scope(ctes=self._with(node, scope), outer=scope)
        if isinstance(node, exp.Select):
            return self._select(node, inner)
        if isinstance(node, exp.SetOperation):
            outputs = self.query(node.this, inner)
            self.query(node.expression, inner)
            self._modifiers(node, outputs, inner)
            return outputs
        if isinstance(node, exp.Subquery):
            outputs = self.query(node.this, inner)
            self._modifiers(node, outputs, inner)
            return outputs
        if isinstance(node, exp.Values):
            self._walk(node.expressions, inner, aliases=False)
            return self._value_columns(node)
        raise UnresolvedName(
            ErrorClass.NOT_READ_ONLY, "read_only", f"{node.key.upper()} stands where only a query may stand."
        )

    def _with(self, node: exp.Expr, scope: _Scope) -> dict[str, _Outputs]:
        with_ = node.args.get("with_")
        if with_ is None:
            return scope.ctes
        ctes = dict(scope.ctes)
        for cte in with_.expressions:
            name = cte.alias.casefold()
            # A recursive CTE may name itself: its first branch, resolved without it, says which columns it has.
            if with_.args.get("recursive") and isinstance(cte.this, exp.SetOperation):
                anchor = self.query(cte.this.left, _Scope(ctes=dict(ctes), outer=scope.outer))
                ctes[name] = _renamed(anchor, cte.args.get("alias"))
            outputs = self.query(cte.this, _Scope(ctes=dict(ctes), outer=scope.outer))
            ctes[name] = _renamed(outputs, cte.args.get("alias"))
        return ctes

    def _select(self, node: exp.Select, scope: _Scope) -> _Outputs:
        from_ = node.args.get("from_")
        if from_ is not None:
            self._source(from_.this, scope)
        joins = node.args.get("joins") or ()
        for join in joins:
            self._join(join, scope)
        if self.dialect == "sqlite":  # its ON may name a table that is joined further on
            self._walk([join.args.get("on") for join in joins], scope, aliases=False)
        self.found.sources[id(node)] = _tables_of(scope)
        scope.aliases = {
            entry.alias.casefold(): entry.args["alias"] for entry in node.expressions if isinstance(entry, exp.Alias)
        }
        in_where = self.dialect in {"sqlite", "duckdb"}
        self._walk(node.expressions, scope, aliases=self.dialect == "duckdb")
        for key, aliases in (("where", in_where), ("group", True), ("having", True), ("qualify", True)):
            self._walk([node.args.get(key)], scope, aliases=aliases)
        self._walk(node.args.get("windows") or (), scope, aliases=False)
        self._walk([node.args.get("order")], scope, aliases=True, prefer_aliases=True)
        self._walk([node.args.get(key) for key in ("limit", "offset", "distinct")], scope, aliases=True)
        return self._outputs(node, scope)

    def _modifiers(self, node: exp.Expr, outputs: _Outputs, scope: _Scope) -> None:
        """ORDER BY, LIMIT of a set operation or a parenthesised query name its output columns."""
        scope.aliases = {name: output.identifier for name, output in outputs.items()}
        for key in ("order", "limit", "offset"):
            self._walk([node.args.get(key)], scope, aliases=True, prefer_aliases=True)

    def _outputs(self, node: exp.Select, scope: _Scope) -> _Outputs:
        columns: list[_Output] = []
        for entry in node.expressions:
            if isinstance(entry, exp.Star):
                columns += [output for source in scope.sources.values() for output in source.outputs.values()]
            elif isinstance(entry, exp.Column) and isinstance(entry.this, exp.Star):
                columns += self._source_named(entry, scope).outputs.values()
            elif isinstance(entry, exp.Column):
                columns.append(_Output(entry.this, self.found.origins.get(id(entry))))
            elif isinstance(entry, exp.Alias):
                origin = self.found.origins.get(id(entry.this))
                columns.append(_Output(entry.args["alias"], origin, None if origin else entry.this))
            else:
                columns.append(_Output(exp.Identifier(this=""), None))
        return _by_name(columns)

    # --- sources ------------------------------------------------------------------------------------------------

    def _source(self, node: exp.Expr, scope: _Scope) -> None:
        alias = node.args.get("alias")
        if isinstance(node, exp.Table):
            self._table(node, scope)
        elif isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table | exp.Subquery) and alias is None:
            self._source(node.this, scope)  # FROM (a JOIN b ON ...): the parentheses hide nothing
        elif isinstance(node, exp.Subquery | exp.Values):
            # A derived table does not see its neighbours, only what is outside the whole SELECT.
            outputs = self.query(node, _Scope(ctes=scope.ctes, outer=scope.outer))
            name = alias.this if isinstance(alias, exp.TableAlias) and alias.this else None
            self._add(scope, name or exp.to_identifier(f"_{len(scope.sources)}"), _renamed(outputs, alias))
        else:
            raise UnresolvedName(
                ErrorClass.FORBIDDEN_FUNCTION, "known_syntax", f"{node.key.upper()} cannot stand in FROM here."
            )
        for join in node.args.get("joins") or ():
            self._join(join, scope)

    def _table(self, node: exp.Table, scope: _Scope) -> None:
        self.found.seen.add(id(node))
        if not isinstance(node.this, exp.Identifier):
            raise UnresolvedName(
                ErrorClass.FORBIDDEN_FUNCTION,
                "table_function",
                f"A function cannot stand in FROM: {node.sql(self.dialect)}",
            )
        alias = node.args.get("alias")
        name = alias.this if alias is not None and alias.this is not None else None
        if not node.db and node.name.casefold() in scope.ctes:
            self._add(scope, name or node.this, _renamed(scope.ctes[node.name.casefold()], alias))
            return
        table = self._known_table(node)
        node.set("this", identifier(table.name, self.dialect))
        outputs: _Outputs = {
            column.name.casefold(): _Output(identifier(column.name, self.dialect), (table.name, column.name))
            for column in table.columns
        }
        self._add(scope, name or node.this, _renamed(outputs, alias), table)
        if table.name not in self.found.tables:
            self.found.tables.append(table.name)

    def _known_table(self, node: exp.Table) -> Table:
        if is_system_table(node.name, node.db):
            raise UnresolvedName(
                ErrorClass.FORBIDDEN_OBJECT,
                "system_catalog",
                f"{node.sql(self.dialect)} belongs to the database itself.",
            )
        if node.db or node.catalog:
            message = f"Write {node.name} without its schema `{node.db}`."
            raise UnresolvedName(ErrorClass.UNKNOWN_TABLE, "known_table", message, node)
        table = self.catalog.table(node.name)
        if table is None:
            near = nearest_names(node.name, (known.name for known in self.catalog.tables))
            meant = f" Did you mean {' or '.join(near)}?" if near else ""
            message = f"There is no table {node.name}.{meant}"
            raise UnresolvedName(ErrorClass.UNKNOWN_TABLE, "known_table", message, node)
        return table

    def _add(self, scope: _Scope, name: exp.Identifier, outputs: _Outputs, table: Table | None = None) -> None:
        key = name.name.casefold()
        if key in scope.sources:
            raise UnresolvedName(
                ErrorClass.SYNTAX, "known_syntax", f"{name.name} stands twice in FROM; give each its own alias."
            )
        scope.sources[key] = _Source(name, outputs, table)

    def _join(self, join: exp.Join, scope: _Scope) -> None:
        before = list(scope.sources.values())
        self._source(join.this, scope)
        added = list(scope.sources.values())[len(before) :]
        for name in join.args.get("using") or ():
            self._using(name, before, added)
            scope.merged.add(name.name.casefold())
        if self.dialect != "sqlite" or not isinstance(join.parent, exp.Select):
            self._walk([join.args.get("on")], scope, aliases=False)

    def _using(self, name: exp.Expr, before: list[_Source], added: list[_Source]) -> None:
        if isinstance(name, exp.Column):
            self.found.seen.add(id(name))
        folded = name.name.casefold()
        for side in (before, added):
            outputs = [source.outputs[folded] for source in side if folded in source.outputs]
            if not outputs:
                raise UnresolvedName(
                    ErrorClass.UNKNOWN_COLUMN, "known_column", f"USING ({name.name}): one side has no such column."
                )
            for output in outputs:
                self._note(output, name)
            spelled = outputs[0].identifier
        target = name.this if isinstance(name.this, exp.Identifier) else name
        target.set("this", spelled.name)
        target.set("quoted", spelled.args.get("quoted"))

    # --- columns ------------------------------------------------------------------------------------------------

    def _walk(
        self,
        nodes: Iterable[exp.Expr | None],
        scope: _Scope,
        *,
        aliases: bool,
        prefer_aliases: bool = False,
    ) -> None:
        """Resolve every column under `nodes`, entering nested queries with this scope outside them."""
        pending = [node for node in nodes if node is not None]
        while pending:
            node = pending.pop()
            if isinstance(node, exp.Query | exp.Values):
                self.query(node, scope)
            elif isinstance(node, exp.Column):
                self._column(node, scope, aliases=aliases, prefer_aliases=prefer_aliases)
            elif isinstance(node, exp.Star):
                self._star(node, scope)
            else:
                pending.extend(node.iter_expressions())

    def _column(self, node: exp.Column, scope: _Scope, *, aliases: bool, prefer_aliases: bool) -> None:
        self.found.seen.add(id(node))
        if node.args.get("db") or node.args.get("catalog"):
            message = f"Write {node.sql(self.dialect)} as Table.Column."
            raise UnresolvedName(ErrorClass.UNKNOWN_COLUMN, "known_column", message, node, _tables_of(scope))
        if isinstance(node.this, exp.Star):
            source = self._source_named(node, scope)
            node.set("table", source.identifier.copy())
            for output in source.outputs.values():
                self._note(output, node)
            return
        folded = node.name.casefold()
        if node.table:
            source = self._source_named(node, scope)
            if folded not in source.outputs:
                raise self._no_column(node, [source], scope)
            node.set("table", source.identifier.copy())
            self._settle(node, source, folded)
            return
        holders = [source for source in scope.sources.values() if folded in source.outputs]
        alias = scope.aliases.get(folded) if aliases else None
        if alias is not None and (not holders or (prefer_aliases and isinstance(node.parent, exp.Ordered))):
            for source in holders:  # which of the two a database takes differs, so both must be harmless
                self._note(source.outputs[folded], node)
            node.set("this", alias.copy())
            return
        self._bare_column(node, scope)

    def _bare_column(self, node: exp.Column, scope: _Scope) -> None:
        folded = node.name.casefold()
        at: _Scope | None = scope
        while at is not None:
            holders = [source for source in at.sources.values() if folded in source.outputs]
            if len(holders) > 1 and folded not in at.merged:
                owners = " and ".join(source.identifier.name for source in holders)
                message = f"{node.name} is ambiguous: {owners} have it."
                raise UnresolvedName(ErrorClass.AMBIGUOUS_COLUMN, "known_column", message, node, _tables_of(at))
            if holders:
                self._settle(node, holders[0], folded)
                return
            at = at.outer
        raise self._no_column(node, scope.sources.values(), scope)

    def _star(self, node: exp.Star, scope: _Scope) -> None:
        if isinstance(node.parent, exp.Count) or (
            isinstance(node.parent, exp.Select) and isinstance(node.parent.parent, exp.Exists)
        ):
            return  # counts rows, or asks whether there are any: no value is shown
        for source in scope.sources.values():
            for output in source.outputs.values():
                self._note(output, node)

    def _source_named(self, node: exp.Column, scope: _Scope) -> _Source:
        folded = node.table.casefold()
        at: _Scope | None = scope
        while at is not None:
            if folded in at.sources:
                return at.sources[folded]
            at = at.outer
        if self.catalog.table(node.table) is not None:
            message = f"{node.table}.{node.name} is used, but {node.table} is not in FROM (or has an alias there)."
            raise UnresolvedName(ErrorClass.UNKNOWN_COLUMN, "known_column", message, node, _tables_of(scope))
        message = f"{node.table}.{node.name}: {node.table} is not in FROM."
        raise UnresolvedName(ErrorClass.UNKNOWN_TABLE, "known_table", message, node, _tables_of(scope))

    def _settle(self, node: exp.Column, source: _Source, folded: str) -> None:
        output = source.outputs[folded]
        node.set("this", output.identifier.copy())
        self.found.owners[id(node)] = source.identifier.name.casefold()
        if output.definition is not None:
            self.found.definitions[id(node)] = output.definition
        self._note(output, node)

    def _note(self, output: _Output, node: exp.Expr) -> None:
        if output.origin is not None:
            self.found.uses.append(ColumnUse(*output.origin, node))
            self.found.origins[id(node)] = output.origin

    def _no_column(self, node: exp.Column, sources: Iterable[_Source], scope: _Scope) -> UnresolvedName:
        offering = list(sources)
        owners = [table.name for table in self.catalog.tables if table.column(node.name) is not None]
        offered = [output.identifier.name for source in offering for output in source.outputs.values()]
        near = nearest_names(node.name, offered)
        where = f" in {offering[0].identifier.name}" if len(offering) == 1 else ""
        message = f"There is no column {node.name}{where}."
        if owners:
            message += f" It is a column of {', '.join(owners)}."
        elif near:
            message += f" Did you mean {' or '.join(near)}?"
        return UnresolvedName(ErrorClass.UNKNOWN_COLUMN, "known_column", message, node, _tables_of(scope))

    def _value_columns(self, node: exp.Values) -> _Outputs:
        first = node.expressions[0] if node.expressions else None
        width = len(first.expressions) if isinstance(first, exp.Tuple) else 1
        names = [f"col{index}" if self.dialect == "duckdb" else f"column{index + 1}" for index in range(width)]
        return {name: _Output(exp.to_identifier(name), None) for name in names}


def _tables_of(scope: _Scope) -> dict[str, str | None]:
    """Alias as written -> catalog table, None for a derived one."""
    return {source.identifier.name: source.table.name if source.table else None for source in scope.sources.values()}


def _by_name(columns: Iterable[_Output]) -> _Outputs:
    """Columns by folded name, in order. One without a name, or whose name is taken, keeps its place unreachably."""
    outputs: _Outputs = {}
    for position, output in enumerate(columns):
        name = output.identifier.name.casefold()
        outputs[name if name and name not in outputs else f"\x00{position}"] = output
    return outputs


def _renamed(outputs: _Outputs, alias: exp.Expr | None) -> _Outputs:
    """Apply the column list of `AS t (a, b)`: the columns keep their origins under new names."""
    names = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
    if not names:
        return outputs
    columns = []
    for position, output in enumerate(outputs.values()):
        given = names[position] if position < len(names) else output.identifier
        name = given.this if isinstance(given.this, exp.Identifier) else given
        columns.append(_Output(name, output.origin, output.definition))
    return _by_name(columns)
