"""What the question says and the statement leaves out: a negation, those with none, one of several measures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from agent.run import Finding
from agent.steps.checks.statement import Checked

__all__ = ["check_inclusion", "check_measures", "check_negation"]

# --- negation ---------------------------------------------------------------------------------------------------

_NEGATION = re.compile(
    r"\b(?:no|not|never|without|none|neither|nothing|nobody|noone|excluding|except|other than|apart from|"
    r"(?:did|do|does|has|have|had|is|are|was|were)n['’]?t)\b"
)
_NO_NEGATION = re.compile(
    r"\b(?:no|not) (?:more|less|fewer|later|earlier|higher|lower|greater|sooner|older|longer|only|just|counting|"
    r"including|considering|matter|doubt|worries|rush|problem|idea|need|sure|than)\b"
    r"|\bno-longer\b"
    r"|\bno\.|\bno ?\d|\bno(?=[,;:)?]|$| and\b)|\b(?:order|customer|invoice|item|product|phone|fax|id) no\b"
    r"|\b(?:or|if|why) not\b|^no\b"
    r"|\bnot (?:to exceed|exceeding|over|above|under|below)\b"
    r"|\b(?:do|does|did|have|has|is|are|was|were|ca|wo)n['’]?t (?:we|you|they|it|there|know|remember|want|need|care|"
    r"worry|forget|round|show|include|list|exceed|reach|mind)\b"
    r"|\bnot (?:know|remember|want|need|care|mind|round|show|forget|exceed|reach)\b|\bwithout rounding\b"
    r"|\b(?:excluding|without|except) (?:(?:the|any|all|its|their) )?(?:freight|shipping|discounts?|tax|vat|taxes)\b"
    r"|\b(?:last|past) but not least\b|\b(?:including|include|even|also|if|where there) [^,.;)]*|\bexcluding +it\b"
    r"|\b(?:leave|leaving|left|skip|skipping) (?:out|over)? ?"
    r"(?:anyone|anybody|those|these|the ones|any|all|everyone)\b[^.;]*"
)
_EVENT_DENIED = re.compile(r"\b(?:never|nobody|no one|noone)\b")
_TRACES = (exp.Not, exp.Is, exp.NEQ, exp.Except, exp.NullSafeNEQ)


def check_negation(checked: Checked) -> Iterator[Finding]:
    """“never ordered”, “without a fax” need a NOT, an IS NULL, a <>, an EXCEPT or a comparison with zero."""
    words = checked.words
    for metric in checked.named_metrics:  # what a definition's name denies, its formula does
        for surface in metric.surfaces:
            words = re.sub(rf"(?<!\w){re.escape(surface.casefold())}(?!\w)", " it ", words)
    denied = _NEGATION.search(_NO_NEGATION.sub(" ", re.sub(r"\s+", " ", words)))
    if denied is None:
        return
    tree = checked.statement.tree
    if tree.find(*_TRACES) is not None:
        return
    # A row that must exist is not denied by what else must be zero.
    affirmed = _EVENT_DENIED.search(words) is not None and tree.find(exp.Exists) is not None
    if not affirmed and any(map(_excludes, tree.find_all(exp.EQ, exp.In, exp.LT, exp.LTE))):
        return
    if any(denied.group() in value.casefold() for value in checked.named_values):
        return
    message = f"The question says “{denied.group()}”; the statement excludes nothing."
    yield Finding("negation", "error", message, evidence=denied.group())


def _excludes(compared: exp.Expr) -> bool:
    """Whether something must be none, zero or false, stay under a number, or have been long ago (`MAX(date) < ...`)."""
    literals = compared.expressions if isinstance(compared, exp.In) else [compared.expression, compared.this]
    if isinstance(compared, exp.LT | exp.LTE):
        numbers = any(isinstance(node, exp.Literal) and not node.is_string for node in literals)
        return numbers or compared.find(exp.Max, exp.Min) is not None
    plain = {"0", "", "no", "n", "false", "none"}
    return any(
        (isinstance(node, exp.Literal) and node.name.casefold() in plain) or isinstance(node, exp.Boolean)
        for node in literals
    )


# --- those that have none ----------------------------------------------------------------------------------------

_NONE_TOO = re.compile(
    r"\b(?:including|include|even|also|keep|(?:don['’]?t|do not) (?:leave out|skip|forget|drop))\b"
    r"[^.;]{0,24}?\b(?:none|no \w+|without(?: any)?|zero|nothing|not (?:got|have|had) any)\b"
)
_OUTER = frozenset(["LEFT", "RIGHT", "FULL"])


def check_inclusion(checked: Checked) -> Iterator[Finding]:
    """“per employee, including those who have none” needs an outer join, or a count beside each row."""
    included = _NONE_TOO.search(checked.words)
    tree = checked.statement.tree
    if included is None or not checked.statement.groups or tree.find(exp.Union, exp.Subquery, exp.Case):
        return
    joins = list(tree.find_all(exp.Join))
    if joins and not any(join.side in _OUTER for join in joins):
        message = f"The question asks for rows “{included.group()}”; the statement joins them away."
        yield Finding("inclusion", "error", message, evidence=included.group())


# --- measures side by side --------------------------------------------------------------------------------------

_BETWEEN = re.compile(
    r"(?:, and|,| and| &| as well as| plus| along with| together with| alongside)"
    r"(?: (?:the|its|their|our|also))?(?: (?:total )?(?:number|amount|count) of| total)? "
)
_ONE_NUMBER = re.compile(
    r"\b(?:ratio|difference|gap|divided|combined|minus|times|relative|correlation|versus|vs|compar\w+|exceeds?|than)\b"
)


def check_measures(checked: Checked) -> Iterator[Finding]:
    """“revenue, freight and orders by country” gives a column for each of them."""
    tree = checked.statement.tree
    if not isinstance(tree, exp.Select) or any(isinstance(entry.unalias(), exp.Star) for entry in tree.expressions):
        return
    if _ONE_NUMBER.search(checked.words):
        return
    asked = _side_by_side(checked)
    has = _measured_columns(tree)
    if len(asked) > max(has, 1) or (len(asked) > 1 and has == 0):
        message = f"The question asks for {', '.join(asked)}; the statement gives {has} of them."
        yield Finding("measures", "error", message, evidence=", ".join(asked))


def _side_by_side(checked: Checked) -> list[str]:
    """The named metrics that stand in one enumeration, each as it is written there."""
    places: list[tuple[int, int]] = []
    for metric in checked.named_metrics:
        spans = [
            match.span()
            for surface in metric.surfaces
            for match in re.finditer(rf"(?<!\w){re.escape(surface.casefold())}(?!\w)", checked.words)
        ]
        if spans:
            places.append(max(spans, key=lambda span: (span[1] - span[0], -span[0])))
    places = [
        place
        for place in sorted(places)
        if not any(other != place and other[0] <= place[0] and place[1] <= other[1] for other in places)
    ]
    longest: list[str] = []
    row: list[tuple[int, int]] = []
    for place in places:
        joined = row and _BETWEEN.fullmatch(checked.words, row[-1][1], place[0])
        row = [*row, place] if joined else [place]
        if len(row) > len(longest):
            longest = [checked.words[start:end] for start, end in row]
    return longest if len(longest) > 1 else []


def _measured_columns(tree: exp.Select) -> int:
    """Columns of the result that no GROUP BY of the outermost SELECT names."""
    group = tree.args.get("group")
    grouped = list(group.expressions) if group else []
    names = {entry.sql().casefold() for entry in grouped} | {entry.name.casefold() for entry in grouped if entry.name}
    return sum(
        1
        for position, entry in enumerate(tree.expressions, start=1)
        if not {entry.unalias().sql().casefold(), entry.alias_or_name.casefold(), str(position)} & names
    )
