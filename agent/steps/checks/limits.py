"""Was the number of rows asked for? A LIMIT that nobody asked for hides rows, and the few that are left look right.

The words decide: a superlative ("the highest", "our best") asks for one row, a number for that many. But "best first"
or "from highest to lowest" asks for an order and for all rows, and "the best of each" asks for one row per group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from agent.run import Finding
from agent.steps.checks.statement import Checked

__all__ = ["NUMBER_WORDS", "check_limit"]

_COUNTING = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBER_WORDS = {word: number for number, word in enumerate(_COUNTING, start=1)} | {
    "dozen": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100,
}  # fmt: skip

_EXTREME = (
    r"(?:(?!(?:inter|requ|for|harv|t|gu|r|w|northw|southw|midw|qu|ch|n|p|z|inv|sugg|prot|cont|dig|arr|n)est\b)[a-z]+est"
    r"|most|least|worst|top|bottom|maximum|minimum|max|min|peak)(?:-[a-z]+)*"
)
_MORE = r"(?:(?:most|least) [a-z]+)"
_SOME = rf"(?:{_MORE}|{_EXTREME}|last|first)"
_ORDER_PHRASES = re.compile(
    rf"\b(?:(?:the one|those|the ones|with|the) ){{0,3}}{_SOME}"
    r"(?: (?!(?:from|in|to|by|of|who|that|came|comes)\b)[\w'-]+){0,4}? "
    r"(?:first(?! (?:quarter|half|year|month|week|day|order|name|time|\d))|on top|at the top|to the top|up front)\b"
    rf"|\b(?:from )?(?:the )?{_SOME}(?: [\w'-]+){{0,3}}? (?:down )?to (?:the )?{_SOME}\b"
    rf"|\b(?:start|starting|begin|beginning|headed|led) (?:with|by|at|from) (?:the )?{_SOME}\b"
    r"|\b(?:in )?(?:reverse )?(?:descending|ascending|alphabetical|chronological)(?:ly)?(?: order)?\b"
    r"|\b(?:reverse )?(?:alphabetically|chronologically)\b|\b(?:a to z|z to a|high to low|low to high)\b"
    rf"|\b(?:sort|sorted|order|ordered|ranked|arranged) (?:it |them )?(?:by|on|from|in)(?: (?:the )?{_SOME}\b)?"
    rf"|\bin order of(?: {_SOME}\b)?|\b(?:rank|ranking|league table|sort)\b(?! (?:first|highest|lowest|top|number))"
)
_SINGLED_OUT = re.compile(
    rf"\b(?<!at ){_EXTREME}\b(?! of (?:the|our)\b)"
    r"|\b(?:first|last|final)\b(?!-?name| (?:name|half|(?:\w+ )?(?:year|quarter|month|week|day))s?\b)"
    r"|\b(?:second|third|next|recent|leads?|leading|leader|favou?rite|winner|wins?|won|record|main|primary"
    r"|champion|ahead|single|peaks?|peaked|outsells?|outsold|outperforms?|beats?|tops|dominates?|number one|no\. ?1"
    r"|dominant|runner-up|than any(?:one|body)?|median|middle)\b|#1\b"
    r"|\b(?:more|less|better|worse|[a-z]{2,}[^f\W]er)\b.*\bor\b"
)
_SOME_ROWS = re.compile(r"\b(?:few|some|several|couple|handful|sample|examples?|random|any)\b")
_PER_GROUP = re.compile(r"\b(?:by|per|each|every|across|among|breakdown|distribution|split|grouped)\b")
_WHOLE_LIST = re.compile(
    r"^(?:please |kindly |can you |could you |i need |i want )*"
    r"(?:show|list|give|display|print|pull|get|find|return|tell)"
    r"\b.*\b(?:all|every|everyone|everybody|everything|full|complete|entire|whole)\b|^(?:all|every|everything)\b"
)
_EACH = re.compile(r"\b(?:in|for|of|within|per|by|from)?,? ?\b(?:each|every) (?:of (?:the|our) )?([a-z]+)")


def check_limit(checked: Checked) -> Iterator[Finding]:
    """A LIMIT that cuts rows off although neither one row nor that many were asked for."""
    number = _limit_of(checked.statement.tree)
    if number is None or len(checked.result.rows) < number:
        return
    words = _without_names(checked)
    ordered = _ORDER_PHRASES.search(words) is not None
    rest = _ORDER_PHRASES.sub(" ", words)
    if _says(number, rest) or _SOME_ROWS.search(rest):
        return
    if _SINGLED_OUT.search(rest):
        each = _EACH.search(rest)
        if number == 1 and each and not ordered:
            message = f"The question asks for one of each {each.group(1)}; the statement gives one row in all."
            yield Finding("one_per_group", "error", message, evidence=each.group(1))
        return
    if ordered or _PER_GROUP.search(rest) or _WHOLE_LIST.search(rest):
        rows = "row" if number == 1 else "rows"
        message = f"The statement stops after {number} {rows}; the question does not ask for that."
        yield Finding("limit", "error", message, evidence=str(number))


def _limit_of(tree: exp.Expr) -> int | None:
    limit = tree.args.get("limit")
    if not isinstance(limit, exp.Limit | exp.Fetch) or tree.args.get("offset"):
        return None
    count = limit.expression if isinstance(limit, exp.Limit) else limit.args.get("count")
    return int(count.name) if isinstance(count, exp.Literal) and count.name.isdigit() and int(count.name) else None


def _without_names(checked: Checked) -> str:
    """The question without the names of metrics and values: "highest list price", "Best Foods" single nothing out."""
    names = [surface for metric in checked.named_metrics for surface in metric.surfaces if " " in surface]
    words = checked.words
    for name in sorted((*names, *checked.named_values), key=len, reverse=True):
        words = re.sub(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", " it ", words)
    return re.sub(r"\s+", " ", words)


def _says(number: int, words: str) -> bool:
    """Whether that number of rows stands in the words, in digits or spelled out; `one` alone says nothing."""
    spelled = [word for word, value in NUMBER_WORDS.items() if value == number and number > 1]
    return re.search(rf"(?<![\d.,$€£-])\b(?:{'|'.join([str(number), *spelled])})\b(?![.,]\d)", words) is not None
