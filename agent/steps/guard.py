"""Decides, before the warehouse is touched, whether a draft is one harmless query over what may be asked.

The draft is parsed and judged on its syntax tree, never on its words, and what runs is not the draft's text but the
judged tree written out again: a comment, an unusual quote or an encoding trick that the parser and the database read
differently is gone by then. Anything the guard does not fully understand is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from sqlglot.errors import SqlglotError, UnsupportedError

from agent.errors import ErrorClass, RefusedError
from agent.run import RunState, Verdict
from agent.warehouse.dialects import is_statement_word, parse, render
from agent.warehouse.functions import (
    FORBIDDEN_FUNCTION,
    allowed_function_classes,
    allowed_function_names,
    argument_problem,
)
from agent.warehouse.growth import MAX_GROWTH, growth
from agent.warehouse.native_names import foreign_name, has_two_part_isnull
from agent.warehouse.policy import Policy
from agent.warehouse.restriction import restrict
from agent.warehouse.row_cap import cap_rows
from agent.warehouse.scopes import Resolution, UnresolvedName, resolve
from agent.warehouse.shape import shape_of
from agent.warehouse.syntax import ALLOWED_ARGUMENTS, WRITING_NODES, allowed_nodes, every_node, harmless_nodes
from memory.catalog import Catalog, Table

if TYPE_CHECKING:
    from agent.services import Services

__all__ = ["judge", "node", "parse_query"]

_MAX_CHARS = 20_000
_MAX_DEPTH = 40
"""Nested parentheses; the parser's time can double with each."""
_EXECUTABLE_COMMENTS = ("/*!", "/*M!", "/*m!", "/*+")


_AROUND_STAR = exp.Select | exp.Count | exp.Column | exp.Distinct
_ARGUMENT_WORDS = {"method": "NATURAL (ASOF, POSITIONAL)", "locks": "FOR UPDATE", "sample": "TABLESAMPLE"}


@dataclass(frozen=True, slots=True)
class _Written:
    """What a judged tree names before it is written out."""

    tables: list[str]
    columns: set[tuple[str, str]]
    """Qualifier and name."""
    of_policy: frozenset[type[exp.Expr] | str]
    """Node classes and functions that no draft may have: the policy's own, from its masks and conditions."""


class _Refused(Exception):  # noqa: N818 (a verdict on its way out, not a fault)
    def __init__(self, error_class: ErrorClass, rule: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.rule = rule
        self.message = message


def judge(sql: str, *, dialect: str, catalog: Catalog, policy: Policy, max_rows: int) -> Verdict:
    """Judge one draft for a warehouse of `dialect` (sqlglot name). Pure: touches nothing, raises nothing.

    `policy` is that of the person who asks (`Policy.of`). An allowed verdict's `sql` is what may run: the judged tree
    in the warehouse's dialect, names spelled as in the catalog, comments gone, no more than `max_rows + 1` rows asked
    for (one more, so that "there was more" can be told), and of each table only what the policy shows; `restrictions`
    says what it held back. A refused verdict has the draft as it was, the rule that refused it, and a message for a
    person or a model.
    """
    try:
        found, text, restrictions = _judged(sql, dialect, catalog, policy, max_rows)
    except (_Refused, UnresolvedName) as refusal:
        return Verdict(False, sql, refusal.rule, refusal.message, error_class=refusal.error_class.value)
    return Verdict(True, text, tables=tuple(found.tables), restrictions=restrictions)


def node(state: RunState, services: Services) -> dict[str, Any]:
    """Judge every draft that has no verdict yet and put each verdict on the record.

    The draft under work stays the current one when it is allowed; otherwise the most confident allowed one is.
    """
    drafts = state["drafts"]
    verdicts = dict(state.get("verdicts", ()))
    fresh = [index for index in range(len(drafts)) if index not in verdicts]
    max_rows = services.policy.effective_limits(services.settings.limits).max_rows
    for index in fresh:
        verdict = judge(
            drafts[index].sql,
            dialect=services.warehouse.dialect,
            catalog=services.catalog,
            policy=services.policy,
            max_rows=max_rows,
        )
        verdicts[index] = verdict
        body = _guarded_body(index, drafts[index].sql, verdict, services.catalog)
        if services.policy.record.encrypt == "subject" and verdict.allowed:
            body["shape"] = shape_of(verdict.sql, services.warehouse.dialect, services.catalog)
        services.record("run.guarded", body, state["run_id"])
    allowed = [index for index in fresh if verdicts[index].allowed]
    current = state.get("current", 0)
    if current not in allowed and allowed:
        current = max(allowed, key=lambda index: drafts[index].confidence)
    return {"verdicts": tuple(sorted(verdicts.items())), "verdict": verdicts[current], "current": current}


def _guarded_body(index: int, draft_sql: str, verdict: Verdict, catalog: Catalog) -> dict[str, Any]:
    read = [table for name in verdict.tables if (table := catalog.table(name)) is not None]
    return {
        "draft": index,
        "draft_sql": draft_sql,
        "allowed": verdict.allowed,
        "rule": verdict.rule,
        "message": verdict.message,
        "error_class": verdict.error_class,
        "tables": list(verdict.tables),
        "table_versions": {table.name: table.fingerprint[:12] for table in read},
        "restrictions": list(verdict.restrictions),
        "sql": verdict.sql if verdict.allowed else "",
    }


def parse_query(sql: str, dialect: str) -> exp.Expr:
    """The one query in `sql` as a tree.

    Raises:
        ValueError: it is not exactly one SELECT, WITH or set operation.
    """
    try:
        return _one_query(sql, dialect)
    except _Refused as refusal:
        raise ValueError(refusal.message) from refusal


def _judged(
    sql: str, dialect: str, catalog: Catalog, policy: Policy, max_rows: int
) -> tuple[Resolution, str, tuple[str, ...]]:
    tree = _one_query(sql, dialect)
    if dialect == "mysql" and has_two_part_isnull(sql):
        raise _unknown_function("ISNULL of two arguments")
    _check_nodes(tree, dialect)
    if growth(tree) > MAX_GROWTH:
        message = "It could make a text thousands of times longer than it is."
        raise _Refused(ErrorClass.FORBIDDEN_FUNCTION, "function_argument", message)
    try:
        found = resolve(tree, catalog, dialect)
        _check_policy(found, policy, catalog)
        cap_rows(tree, max_rows)
        restrictions = restrict(found, policy, catalog, dialect)
        written = _written(tree, dialect)
        text = render(tree, dialect, copy=False)
    except RecursionError:
        raise _Refused(ErrorClass.SYNTAX, "known_syntax", "The statement is nested too deeply.") from None
    except UnsupportedError as error:
        message = f"This database cannot say it so: {_first_line(error)}"
        raise _Refused(ErrorClass.UNKNOWN_FUNCTION, "known_function", message) from error
    except RefusedError as broken:
        raise _Refused(broken.error_class, "policy_rows", broken.message) from broken
    if not _is_as_judged(text, sql, max_rows):
        _check_round_trip(text, written, dialect)
    return found, text, restrictions


def _one_query(sql: str, dialect: str) -> exp.Expr:
    if len(sql) > _MAX_CHARS:
        raise _Refused(ErrorClass.SYNTAX, "known_syntax", f"The statement is longer than {_MAX_CHARS} characters.")
    if "\x00" in sql:
        raise _Refused(ErrorClass.SYNTAX, "known_syntax", "The statement holds a null character.")
    if any(mark in sql for mark in _EXECUTABLE_COMMENTS):
        raise _Refused(ErrorClass.NOT_READ_ONLY, "executable_comment", "Comments that a database executes are refused.")
    if _paren_depth(sql) > _MAX_DEPTH:
        raise _Refused(ErrorClass.SYNTAX, "known_syntax", "The statement is nested too deeply.")
    try:
        parsed = parse(sql, dialect)
    except (SqlglotError, RecursionError, ValueError) as error:
        raise _Refused(ErrorClass.SYNTAX, "known_syntax", f"This is not valid SQL: {_first_line(error)}") from error
    except Exception as error:  # a parser that crashes on hostile text must refuse, never fall through
        message = f"The parser gave up on this statement ({type(error).__name__})."
        raise _Refused(ErrorClass.SYNTAX, "known_syntax", message) from error
    statements = [
        statement for statement in parsed if statement is not None and not isinstance(statement, exp.Semicolon)
    ]
    if len(statements) != 1:
        error_class = ErrorClass.MULTIPLE_STATEMENTS if statements else ErrorClass.NO_SQL
        raise _Refused(error_class, "one_statement", f"Exactly one statement may run; this is {len(statements)}.")
    tree = statements[0]
    if not isinstance(tree, exp.Select | exp.SetOperation | exp.Subquery):
        if isinstance(tree, WRITING_NODES):
            message = f"Only a SELECT may run; this is {_statement_name(tree)}."
            raise _Refused(ErrorClass.NOT_READ_ONLY, "read_only", message)
        raise _Refused(ErrorClass.NO_SQL, "one_statement", "Only a SELECT may run, and this is none.")
    return tree


def _check_nodes(tree: exp.Expr, dialect: str, of_policy: frozenset[type[exp.Expr] | str] = frozenset()) -> None:
    names, functions = allowed_function_names(dialect), allowed_function_classes(dialect)
    known, harmless = allowed_nodes(dialect), harmless_nodes(dialect)
    for node in every_node(tree):
        if type(node) in functions and (foreign := foreign_name(node, dialect)):
            raise _unknown_function(foreign)
        if type(node) in harmless or type(node) in of_policy:
            continue
        if type(node) not in known:
            raise _unknown_node(node, dialect)
        allowed = ALLOWED_ARGUMENTS.get(type(node))
        if allowed is not None:
            extra = [key for key, value in node.args.items() if (value or key == "indexed") and key not in allowed]
            if extra:
                what = _ARGUMENT_WORDS.get(extra[0], extra[0].strip("_").replace("_", " ").upper())
                error_class = ErrorClass.NOT_READ_ONLY if extra[0] in {"into", "locks"} else ErrorClass.SYNTAX
                raise _Refused(error_class, "known_syntax", f"{what} is not allowed in a {node.key.upper()}.")
        if isinstance(node, exp.Anonymous):
            name = node.this.lower() if isinstance(node.this, str) else ""
            if name not in names and name not in of_policy:
                raise _unknown_function(node.name)
        if isinstance(node, exp.Column) and any(
            isinstance(part, exp.Expr) and not isinstance(part, exp.Identifier | exp.Star)
            for part in node.args.values()
        ):
            raise _Refused(ErrorClass.SYNTAX, "known_syntax", f"`{node.sql(dialect)}` is not a plain column name.")
        if isinstance(node, exp.Alias | exp.TableAlias) and is_statement_word(node):
            message = f"`{node.alias}` opens a statement; where it names something, quote it."
            raise _Refused(ErrorClass.MULTIPLE_STATEMENTS, "one_statement", message)
        if isinstance(node, exp.Star) and not isinstance(node.parent, _AROUND_STAR):
            raise _Refused(ErrorClass.SYNTAX, "known_syntax", "* stands where it is not understood.")
        problem = argument_problem(node, dialect)
        if problem:
            raise _Refused(ErrorClass.FORBIDDEN_FUNCTION, "function_argument", f"{node.sql(dialect)}: {problem}.")


def _unknown_node(node: exp.Expr, dialect: str) -> _Refused:
    if isinstance(node, WRITING_NODES):
        return _Refused(
            ErrorClass.NOT_READ_ONLY, "read_only", f"Only reading is allowed; this holds {_statement_name(node)}."
        )
    if isinstance(node, exp.Func):
        return _unknown_function(node.sql_name() if node.is_var_len_args or node.sql_names() else node.name)
    if isinstance(node, exp.Placeholder | exp.Parameter | exp.SessionParameter):
        return _Refused(ErrorClass.FORBIDDEN_OBJECT, "known_syntax", "Parameters and variables are not allowed.")
    shown = node.sql(dialect)[:60]
    return _Refused(ErrorClass.SYNTAX, "known_syntax", f"{node.key.upper()} is not allowed here: `{shown}`.")


def _unknown_function(name: str) -> _Refused:
    if FORBIDDEN_FUNCTION.search(name):
        return _Refused(
            ErrorClass.FORBIDDEN_FUNCTION, "forbidden_function", f"The function {name.upper()} is not allowed."
        )
    return _Refused(
        ErrorClass.UNKNOWN_FUNCTION,
        "known_function",
        f"The function {name.upper()} is not one this database is known for.",
    )


def _check_policy(found: Resolution, policy: Policy, catalog: Catalog) -> None:
    if policy.stranger:
        message = "policy.yaml has roles, and none of them names the person who asks."
        raise _Refused(ErrorClass.FORBIDDEN_OBJECT, "policy_role", message)
    for table in found.tables:
        if not policy.table_allowed(table):
            raise _Refused(ErrorClass.FORBIDDEN_OBJECT, "policy_table", f"The policy does not allow the table {table}.")
        view = catalog.table(table)
        if view is not None and view.is_view and policy.view_hidden(view, catalog):
            raise _Refused(ErrorClass.FORBIDDEN_OBJECT, "policy_view", _hidden_view(view))
    for use in found.uses:
        if policy.column_denied(use.table, use.column):
            through = " (through *); name the columns you need" if _is_star(use.node) else ""
            raise _Refused(
                ErrorClass.FORBIDDEN_OBJECT,
                "policy_column",
                f"The policy does not allow the column {use.table}.{use.column}{through}.",
            )


def _hidden_view(view: Table) -> str:
    allowed = f"Name {view.name} under `tables: views:` in policy.yaml if it may be read as it is."
    if view.reads is None:
        return (
            f"What the view {view.name} reads is not known, so the policy cannot be held in it. Run `affidavit memory"
            f" sync`. {allowed}"
        )
    return f"The view {view.name} reads {', '.join(view.reads)}, of which the policy holds something back. {allowed}"


def _is_as_judged(text: str, sql: str, max_rows: int) -> bool:
    """Whether what runs is, letter for letter, the text that was judged, with no more than the cap added to it."""
    said = sql.strip().rstrip(";")
    return text in (said, f"{said} LIMIT {max_rows + 1}")


def _check_round_trip(text: str, written: _Written, dialect: str) -> None:
    """What runs must read back as what was judged: same names, and nothing else that would have been refused."""
    try:
        again = _one_query(text, dialect)
        _check_nodes(again, dialect, written.of_policy)
    except _Refused as refusal:
        raise _Refused(
            ErrorClass.SYNTAX,
            "round_trip",
            f"The statement does not survive being written out again: {refusal.message}",
        ) from refusal
    read = _written(again, dialect)
    if (read.tables, read.columns) != (written.tables, written.columns):
        raise _Refused(ErrorClass.SYNTAX, "round_trip", "The statement reads differently when written out again.")


def _written(tree: exp.Expr, dialect: str) -> _Written:
    """Every table as often as it stands there; columns once, for some are written twice (ORDER BY in a quantile)."""
    known, names = allowed_nodes(dialect), allowed_function_names(dialect)
    tables: list[str] = []
    columns: set[tuple[str, str]] = set()
    of_policy: set[type[exp.Expr] | str] = set()
    for node in every_node(tree):
        kind = type(node)
        if kind is exp.Column:
            columns.add((node.text("table"), node.name))
        elif kind is exp.Table:
            tables.append(node.name)
        elif kind not in known:
            of_policy.add(kind)
        elif kind is exp.Anonymous and node.name.lower() not in names:
            of_policy.add(node.name.lower())
    return _Written(sorted(tables), columns, frozenset(of_policy))


def _is_star(node: exp.Expr) -> bool:
    return isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star))


def _paren_depth(sql: str) -> int:
    depth = deepest = 0
    for character in sql:
        if character in "([":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]":
            depth -= 1
    return deepest


def _statement_name(node: exp.Expr) -> str:
    if isinstance(node, exp.Command):
        return str(node.this).upper()
    return {"into": "SELECT ... INTO", "lock": "a row lock"}.get(node.key, node.key.upper())


def _first_line(error: BaseException) -> str:
    return str(error).split("\n", maxsplit=1)[0].replace("\x1b[4m", "").replace("\x1b[0m", "")[:200]
