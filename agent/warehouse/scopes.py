"""Says what every name in a statement stands for, and refuses one that stands for nothing or for two things.

The guard's allow-list of tables and columns is only worth something when each name is followed to the table it comes
from, through aliases, CTEs, subqueries, `*`, USING and correlation. The same knowledge lets the checks see which tables
are really joined and the mends see which name was meant. While resolving, every name is rewritten to the catalog's own
spelling, which is what makes `Customers` work on a database that would read it as `customers`.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from agent.errors import ErrorClass
from agent.warehouse.column_names import ColumnNames, is_own_schema
from agent.warehouse.dialects import identifier, is_system_table
from agent.warehouse.names import ColumnUse, Resolution, UnresolvedName, nearest_names
from agent.warehouse.sources import Common, Output, Outputs, Scope, Source, by_name, offered, renamed, spelled
from agent.warehouse.syntax import every_node
from memory.catalog import Catalog, Table

__all__ = ["ColumnUse", "Resolution", "UnresolvedName", "nearest_names", "resolve"]


def resolve(tree: exp.Expr, catalog: Catalog, dialect: str) -> Resolution:
    """Follow every table and column name in `tree`, rewriting each to the catalog's spelling in place.

    Raises:
        UnresolvedName: a table or column is unknown or ambiguous, or stands where this resolver does not look.
    """
    resolver = _Resolver(catalog, dialect)
    resolver.query(tree, Scope(ctes={}))
    # What was not reached was not understood, and what is not understood is not allowed.
    for node in every_node(tree):
        if isinstance(node, exp.Column | exp.Table) and id(node) not in resolver.found.seen:
            raise UnresolvedName(
                ErrorClass.SYNTAX, "known_syntax", f"`{node.sql(dialect)}` stands where a name is not understood."
            )
    return resolver.found


class _Resolver:
    """One walk over a statement. `found` grows as it goes; the first name that does not resolve ends it."""

    def __init__(self, catalog: Catalog, dialect: str) -> None:
        self.catalog = catalog
        self.dialect = dialect
        self.found = Resolution()
        self.columns = ColumnNames(catalog, dialect, self.found)

    # --- queries ------------------------------------------------------------------------------------------------

    def query(self, node: exp.Expr, scope: Scope) -> Outputs:
        """Resolve a query standing in `scope` (its CTEs and, as outer, its sources); give its output columns."""
        inner = Scope(ctes=self._with(node, scope), outer=scope)
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

    def _with(self, node: exp.Expr, scope: Scope) -> dict[str, Common]:
        """The CTEs that can be named inside `node`: those of `scope`, and its own in order of their writing."""
        with_ = node.args.get("with_")
        if with_ is None:
            return scope.ctes
        ctes = dict(scope.ctes)
        for cte in with_.expressions:
            name, declared = cte.alias.casefold(), cte.args["alias"].this
            self.found.common_names.add(name)
            # A recursive CTE may name itself: its first branch, resolved without it, says which columns it has.
            may_recur = with_.args.get("recursive") or self._recurs_unsaid(name)
            if may_recur and isinstance(cte.this, exp.SetOperation):
                anchor = self.query(cte.this.left, Scope(ctes=dict(ctes), outer=scope.outer))
                ctes[name] = Common(declared, renamed(anchor, cte.args.get("alias")))
            outputs = self.query(cte.this, Scope(ctes=dict(ctes), outer=scope.outer))
            ctes[name] = Common(declared, renamed(outputs, cte.args.get("alias")))
        return ctes

    def _recurs_unsaid(self, name: str) -> bool:
        """Whether a CTE may name itself without RECURSIVE; not by a table's name, which might be read as the table."""
        return self.dialect in {"tsql", "snowflake"} and self.catalog.table(name) is None

    def _select(self, node: exp.Select, scope: Scope) -> Outputs:
        """Resolve the clauses in the order in which they make names known: FROM, the SELECT list, then the rest."""
        from_ = node.args.get("from_")
        if from_ is not None:
            self._source(from_.this, scope)
        joins = node.args.get("joins") or ()
        for join in joins:
            self._join(join, scope)
        if self.dialect == "sqlite":  # its ON may name a table that is joined further on
            self._walk([join.args.get("on") for join in joins], scope, aliases=False)
        self.found.sources[id(node)] = scope.tables()
        scope.aliases = {
            entry.alias.casefold(): entry.args["alias"] for entry in node.expressions if isinstance(entry, exp.Alias)
        }
        # Which clauses may name an alias of the SELECT list differs between databases.
        self._walk(node.expressions, scope, aliases=self.dialect in {"duckdb", "snowflake"})
        self._walk([node.args.get("where")], scope, aliases=self.dialect in {"sqlite", "duckdb", "snowflake"})
        for clause in ("group", "having", "qualify"):
            self._walk([node.args.get(clause)], scope, aliases=True)
        self._walk(node.args.get("windows") or (), scope, aliases=False)
        self._walk([node.args.get("order")], scope, aliases=True, prefer_aliases=True)
        self._walk([node.args.get(key) for key in ("limit", "offset", "distinct")], scope, aliases=True)
        return self._outputs(node, scope)

    def _modifiers(self, node: exp.Expr, outputs: Outputs, scope: Scope) -> None:
        """ORDER BY, LIMIT of a set operation or a parenthesised query name its output columns."""
        scope.aliases = {name: output.identifier for name, output in outputs.items()}
        for key in ("order", "limit", "offset"):
            self._walk([node.args.get(key)], scope, aliases=True, prefer_aliases=True)

    def _outputs(self, node: exp.Select, scope: Scope) -> Outputs:
        """The columns a SELECT gives, stars spelled out."""
        columns: list[Output] = []
        for entry in node.expressions:
            if isinstance(entry, exp.Star):
                columns += [output for source in scope.sources.values() for output in source.outputs.values()]
            elif isinstance(entry, exp.Column) and isinstance(entry.this, exp.Star):
                columns += self.columns.source_named(entry, scope).outputs.values()
            elif isinstance(entry, exp.Column):
                columns.append(Output(entry.this, self.found.origins.get(id(entry))))
            elif isinstance(entry, exp.Alias):
                origin = self.found.origins.get(id(entry.this))
                columns.append(Output(entry.args["alias"], origin, None if origin else entry.this))
            else:
                columns.append(Output(exp.Identifier(this=""), None))
        return by_name(columns)

    # --- sources ------------------------------------------------------------------------------------------------

    def _source(self, node: exp.Expr, scope: Scope) -> None:
        """Add an entry of FROM, with what is joined inside its parentheses, to the scope."""
        alias = node.args.get("alias")
        if isinstance(node, exp.Table):
            self._table(node, scope)
        elif isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table | exp.Subquery) and alias is None:
            self._source(node.this, scope)  # FROM (a JOIN b ON ...): the parentheses hide nothing
        elif isinstance(node, exp.Subquery | exp.Values):
            # A derived table does not see its neighbours, only what is outside the whole SELECT; in DuckDB it does.
            outer = scope if self.dialect == "duckdb" else scope.outer
            outputs = self.query(node, Scope(ctes=scope.ctes, outer=outer))
            self._add_derived(scope, alias, outputs)
        elif isinstance(node, exp.Lateral) and isinstance(node.this, exp.Subquery):
            outputs = self.query(node.this, Scope(ctes=scope.ctes, outer=scope))  # it sees what stands before it
            self._add_derived(scope, alias, outputs)
        else:
            raise UnresolvedName(
                ErrorClass.FORBIDDEN_FUNCTION, "known_syntax", f"{node.key.upper()} cannot stand in FROM here."
            )
        for join in node.args.get("joins") or ():
            self._join(join, scope)

    def _add_derived(self, scope: Scope, alias: exp.Expr | None, outputs: Outputs) -> None:
        name = alias.this if isinstance(alias, exp.TableAlias) and alias.this else None
        self._add(scope, name or exp.to_identifier(f"_{len(scope.sources)}"), renamed(outputs, alias))

    def _table(self, node: exp.Table, scope: Scope) -> None:
        """Add a table of the catalog, or a CTE of that name, which hides it."""
        met_before = id(node) in self.found.seen  # the first branch of a recursive CTE is walked twice
        self.found.seen.add(id(node))
        if not isinstance(node.this, exp.Identifier):
            raise UnresolvedName(
                ErrorClass.FORBIDDEN_FUNCTION,
                "table_function",
                f"A function cannot stand in FROM: {node.sql(self.dialect)}",
            )
        alias = node.args.get("alias")
        name = alias.this if alias is not None and alias.this is not None else None
        common = None if node.db else scope.ctes.get(node.name.casefold())
        if common is not None:
            node.set("this", spelled(common.identifier))  # or the database, to which K and k differ, finds a table
            self._add(scope, name or node.this, renamed(common.outputs, alias))
            return
        table = self._known_table(node)
        node.set("this", identifier(table.name, self.dialect))
        outputs = offered(table, self.dialect)
        self._add(scope, name or node.this, renamed(outputs, alias), table)
        if not met_before:
            self.found.references.append((node, table))
        if table.name not in self.found.tables:
            self.found.tables.append(table.name)

    def _known_table(self, node: exp.Table) -> Table:
        if node.db and not node.catalog and is_own_schema(node.db, self.catalog):
            node.set("db", None)
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

    def _add(self, scope: Scope, name: exp.Identifier, outputs: Outputs, table: Table | None = None) -> None:
        key = name.name.casefold()
        if key in scope.sources:
            raise UnresolvedName(
                ErrorClass.SYNTAX, "known_syntax", f"{name.name} stands twice in FROM; give each its own alias."
            )
        scope.sources[key] = Source(name, outputs, table)

    def _join(self, join: exp.Join, scope: Scope) -> None:
        """Add a joined source, then resolve what it is joined on."""
        before = list(scope.sources.values())
        self._source(join.this, scope)
        added = list(scope.sources.values())[len(before) :]
        for name in join.args.get("using") or ():
            self._using(name, before, added)
            scope.merged.add(name.name.casefold())
        if self.dialect != "sqlite" or not isinstance(join.parent, exp.Select):
            self._walk([join.args.get("on")], scope, aliases=False)

    def _using(self, name: exp.Expr, before: list[Source], added: list[Source]) -> None:
        """A column of USING belongs to both sides, and each of them must have it."""
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
                self.columns.note(output, name)
            spelled = outputs[0].identifier
        target = name.this if isinstance(name.this, exp.Identifier) else name
        target.set("this", spelled.name)
        target.set("quoted", spelled.args.get("quoted"))

    # --- expressions ---------------------------------------------------------------------------------------------

    def _walk(
        self,
        nodes: Iterable[exp.Expr | None],
        scope: Scope,
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
                self.columns.column(node, scope, aliases=aliases, prefer_aliases=prefer_aliases)
            elif isinstance(node, exp.Star):
                self.columns.star(node, scope)
            else:
                pending.extend(node.iter_expressions())

    def _value_columns(self, node: exp.Values) -> Outputs:
        """The names that a VALUES list gives its columns."""
        first = node.expressions[0] if node.expressions else None
        width = len(first.expressions) if isinstance(first, exp.Tuple) else 1
        names = [f"col{index}" if self.dialect == "duckdb" else f"column{index + 1}" for index in range(width)]
        return {name: Output(exp.to_identifier(name), None) for name in names}
