"""Is what is computed what the question's words call for: an average, a share, a difference, a comparison?

A model that lacks a pattern falls back on one it knows: the total in place of the average, the share of the total in
place of a share of something else, all rows in place of those that grew. The number is plausible and answers another
question. Each check asks only for a trace of the operation that the words name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from agent.run import Finding
from agent.steps.checks.statement import Checked, is_windowed
from agent.warehouse.cells import number_in
from memory.lexical import fold

__all__ = ["check_average", "check_comparison", "check_percent", "check_share", "check_together", "check_whole_share"]

# --- averages ---------------------------------------------------------------------------------------------------

_AVERAGE = re.compile(r"\b(?:average|averages|avg|mean value|on average|typically)\b")


def check_average(checked: Checked) -> Iterator[Finding]:
    """“On average” needs an AVG or a division, and a metric defined as an average is not a total."""
    tree = checked.statement.tree
    if any(_AVERAGE.search(value.casefold()) for value in checked.named_values):
        return
    if _AVERAGE.search(checked.words) and tree.find(exp.Avg, exp.Div) is None:
        message = "The question asks for an average; the statement computes none."
        yield Finding("average", "error", message)
        return
    for metric in checked.named_metrics:
        if metric.is_ratio or not metric.sql.upper().startswith("AVG("):
            continue
        wanted = _averaged(metric.sql, checked.layer.dialect)
        summed = {_column(node, checked) for node in tree.find_all(exp.Sum)}
        averaged = {_column(node, checked) for node in tree.find_all(exp.Avg)}
        if wanted and wanted in summed - averaged and tree.find(exp.Div) is None:
            message = f"{metric.name} is {metric.sql}; the statement adds it up."
            yield Finding("average", "error", message, evidence=metric.sql)


def _averaged(sql: str, dialect: str) -> str:
    try:
        node = sqlglot.parse_one(sql, dialect=dialect)
    except SqlglotError:
        return ""
    inner = node.this if isinstance(node, exp.Avg) else None
    return f"{inner.table}.{inner.name}".casefold() if isinstance(inner, exp.Column) else ""


def _column(node: exp.Expr, checked: Checked) -> str:
    """The stored column that an aggregate is taken of, "" when it is taken of anything else."""
    inner = node.this.unnest() if isinstance(node.this, exp.Expr) else None
    if not isinstance(inner, exp.Column) or id(inner) in checked.statement.found.definitions:
        return ""
    return ".".join(checked.statement.found.origins.get(id(inner), ("", ""))).casefold()


# --- shares -----------------------------------------------------------------------------------------------------

_SHARE = re.compile(
    r"\b(?:what|which|whose|how (?:big|large|high|much of) a|the|as a|as|by what|a|in|and)"
    r" (?:percentage|percent|share|proportion|fraction)\b(?! (?:points?|discount|off|prices?)\b)"
    r"|\b(?:percentage|proportion|share) (?:of|change|growth)\b|\bhow many (?:percent|%)"
)
_PERCENT_WORDS = re.compile(
    r"%|\b(?:percent\w*|shares?|proportions?|fractions?|parts?|rates?|ratios?|margins?|grow\w*|grew|shr[aiu]nk\w*|"
    r"r[io]se\w*|chang\w+|increas\w+|decreas\w+|declin\w+|relative\w*|develop\w*|contribut\w+|accounts?|trend\w*|"
    r"year[- ]over[- ]year|over the (?:previous|prior)|year[- ]on[- ]year|yoy|mom|qoq|how often|utili[sz]ation)\b"
)
_OF_THEIR_OWN = re.compile(r"\b(?:percentage|percent|share|proportion|fraction) of (?:all )?(?:its|their|his|her)\b")


def check_share(checked: Checked) -> Iterator[Finding]:
    """“What percentage of its products” needs a division, by the thing's own total; and none where none is asked."""
    tree, words = checked.statement.tree, checked.words
    named = any(metric.unit == "percent" for metric in checked.named_metrics)
    divides = tree.find(exp.Div, exp.Avg) is not None
    if _SHARE.search(words) and not divides and not named:
        yield Finding("share", "error", "The question asks for a share or a percentage; the statement divides nothing.")
    elif _OF_THEIR_OWN.search(words) and any(_is_overall(node) for node in tree.find_all(exp.Div)):
        message = "The question asks for a share of each one's own total; the statement divides by the total of all."
        yield Finding("share", "error", message)
    elif not named and not _PERCENT_WORDS.search(words) and any(map(_is_percent, _shown_divisions(tree))):
        yield Finding("share", "warning", "The statement gives a percentage, which the question does not ask for.")


_PERCENT_BOUND = re.compile(
    r"\b(?:(?:more|less|fewer|greater|higher|lower) than|over|above|under|below|at least|at most|exceed\w*)"
    r" (\d+(?:\.\d+)?) ?(?:%|percent\b|per cent\b)"
)


def check_percent(checked: Checked) -> Iterator[Finding]:
    """“More than 8 percent of all” is no bound of a total."""
    for said in _PERCENT_BOUND.finditer(checked.words):
        number = float(said.group(1))
        if len(re.findall(rf"(?<![\d.,]){re.escape(said.group(1))}(?![\d,]|\.\d)", checked.words)) > 1:
            continue  # the other one may be of a total
        bounds = {number, number / 100}
        for compared in checked.statement.tree.find_all(exp.GT, exp.GTE, exp.LT, exp.LTE):
            sides = (compared.this, compared.expression), (compared.expression, compared.this)
            if any(_number(bound) in bounds and _is_total(other, checked) for other, bound in sides):
                message = f"The question says “{said.group()}”; the statement compares a total with that number."
                yield Finding("share", "error", message, evidence=compared.sql())
                return


def check_whole_share(checked: Checked) -> Iterator[Finding]:
    """A share of which every row has the whole is none: what it was divided by is itself."""
    tree, rows = checked.statement.tree, checked.result.rows
    if not isinstance(tree, exp.Select) or len(rows) < 2 or len(tree.expressions) != len(rows[0]):
        return
    for place, entry in enumerate(tree.expressions):
        if entry.find(exp.Div) and entry.find(exp.Window) and {number_in(row[place]) for row in rows} in ({100}, {1}):
            yield Finding("share", "error", "Every row's share is the whole of it.", evidence=entry.alias_or_name)


def _number(node: exp.Expr) -> float | None:
    return float(node.name) if isinstance(node, exp.Literal) and not node.is_string else None


def _is_total(node: exp.Expr, checked: Checked) -> bool:
    """Whether it is a sum or a count and nothing divided, there or where a query inside defines it."""
    found = checked.statement.found.definitions.get(id(node), node)
    return found.find(exp.Sum, exp.Count) is not None and found.find(exp.Div, exp.Window) is None


def _is_overall(division: exp.Expr) -> bool:
    """Whether something is divided by a total over all rows of the result: `SUM(SUM(x)) OVER ()`."""
    windows = division.expression.find_all(exp.Window)
    return any(not window.args.get("partition_by") and not window.args.get("order") for window in windows)


def _shown_divisions(tree: exp.Expr) -> Iterator[exp.Expr]:
    """The divisions that the result's own columns are computed with."""
    for entry in tree.expressions if isinstance(tree, exp.Select) else ():
        yield from entry.find_all(exp.Div)


def _is_percent(division: exp.Expr) -> bool:
    at: exp.Expr | None = division
    while isinstance(at, exp.Div | exp.Mul | exp.Paren | exp.Cast | exp.Round):
        if any(isinstance(node, exp.Literal) and _is_hundred(node) for node in (at.this, at.args.get("expression"))):
            return True
        at = at.parent
    left = division.this.unnest()
    return isinstance(left, exp.Mul) and any(_is_hundred(node) for node in left.find_all(exp.Literal))


def _is_hundred(literal: exp.Expr) -> bool:
    return literal.name in {"100", "100.0", "100.00"}


# --- comparisons ------------------------------------------------------------------------------------------------

_CHOSEN = (
    r"(?:which|whose|who|what (?:customers|products|suppliers|employees|categories|countries|months|quarters|years)|"
    r"(?:list|name|show|find|give me)(?: \w+){0,6}? (?:that|who|whose|where|with))"
)
_MORE_THAN = (
    r"(?<!no )(?<!not )(?<!how much )(?<!how many )\b(?:more|less|fewer|higher|lower|better|worse|greater|smaller|"
    r"larger|longer|shorter)\b(?: \w+){0,6}? than (?!(?:any|all|every|the rest|once)\b)"
)
_FELL = (
    r"(?:did|does|had|has|have|whose)(?: \w+){0,4}? (?:drop|dropped|fall|fell|fallen|declined?|decreased?|"
    r"shrink|shrank|shrunk|go down|went down|rise|rose|risen|increase|increased|go up|went up)\b"
)
_CHOOSES = re.compile(rf"\b{_CHOSEN}\b[^.?!]*?(?:{_MORE_THAN}|\b{_FELL}(?! (?:the )?(?:most|least|fastest)))")
_EXTREME = re.compile(
    r"\b(?:most|least|highest|lowest|largest|smallest|biggest|fastest|steepest|strongest|best|worst)\b"
)
_INEQUALITIES = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)
_DAY = re.compile(r"(?:19|20)\d\d(?:-\d\d(?:-\d\d)?)?(?:[T ][\d:.]+)?")


def check_comparison(checked: Checked) -> Iterator[Finding]:
    """“Which sold more than last year” needs an inequality; “from 2023 to 2024” is not counted backwards."""
    tree = checked.statement.tree
    chooses = _CHOOSES.search(checked.words)
    extreme = _EXTREME.search(checked.words) and tree.args.get("limit") is not None
    if chooses and not extreme and not any(map(_is_measured, tree.find_all(*_INEQUALITIES))):
        message = "The question asks for those that compare in one way; the statement keeps all of them."
        yield Finding("comparison", "error", message, evidence=chooses.group())
    years = sorted({int(year) for year in re.findall(r"(?<!\d)(?:19|20)\d\d(?!\d)", checked.words)})
    if len(years) == 2 and not re.search(
        r"\b(?:drop|fell|fall|lost|los[st]|declin|decreas|down|less|fewer)", checked.words
    ):
        for node in tree.find_all(exp.Sub, exp.Div):
            first, second = _year_in(node.this), _year_in(node.expression)
            if first and second and first < second and {first, second} == set(years):
                message = f"The statement compares {first} with {second} as if {first} came later."
                yield Finding("comparison", "error", message, evidence=str(first))
                return


def _is_measured(node: exp.Expr) -> bool:
    """Whether an inequality is about anything but the bounds of a period."""
    literals = [literal for literal in node.find_all(exp.Literal) if literal.is_string]
    return not any(_DAY.fullmatch(literal.name) for literal in literals) or node.find(exp.Func, exp.Sub) is not None


def _year_in(node: exp.Expr) -> int:
    """The one year that an operand is limited to by its CASE, 0 when there is none or several."""
    texts = [literal.name for literal in node.find_all(exp.Literal)]
    years = {int(text[:4]) for text in texts if _DAY.fullmatch(text)} if node.find(exp.Case) is not None else set()
    return years.pop() if len(years) == 1 else 0


# --- things that occur together ---------------------------------------------------------------------------------

_TOGETHER = re.compile(
    r"\b(?:bought|buy|ordered|sold|purchased|sell|appear\w*|occur\w*|found) (?:\w+ )?together\b(?! with)"
    r"|\b(?:combination|pair)s? of (?:two )?(?:products|items|categories|articles)\b"
)


_BOTH = re.compile(r"\bboth\b(?! (?:years?|months?|quarters?|periods?|names?|dates?|amounts?|figures?|numbers?)\b)")


def check_together(checked: Checked) -> Iterator[Finding]:
    """What is bought together is found by reading the same rows twice, and what deals with both A and B likewise."""
    both = _BOTH.search(checked.words)
    grouped = checked.statement.aggregates or any(select.args.get("group") for select in checked.statement.selects)
    if both and not grouped:
        named = {fold(value) for value in checked.named_values if both.end() < checked.words.find(fold(value))}
        for either in checked.statement.tree.find_all(exp.In):
            held = {fold(literal.name) for literal in either.expressions}
            if len(held) > 1 and held <= named and not _shown(either.this, checked):
                message = (
                    "The question asks for what has to do with both; the statement takes what has to do with either."
                )
                yield Finding("together", "error", message, evidence=either.sql())
                return
    if not _TOGETHER.search(checked.words):
        return
    read = [table.name.casefold() for table in checked.statement.tree.find_all(exp.Table)]
    if len(read) == len(set(read)) and not any(map(is_windowed, checked.statement.tree.find_all(exp.AggFunc))):
        message = "The question asks what goes together; the statement looks at each by itself."
        yield Finding("together", "error", message)


def _shown(node: exp.Expr, checked: Checked) -> bool:
    """Whether the result has a column of it, so that either is told from the other."""
    tree = checked.statement.tree
    return isinstance(tree, exp.Select) and any(entry.unalias() == node for entry in tree.expressions)
