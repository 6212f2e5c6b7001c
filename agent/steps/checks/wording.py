"""Does the statement do what the question's own words say: which period, which numbers, how many, by what?

Words are weak evidence, so each check asks only for a trace: a year that is named must leave some literal behind, a
breakdown some GROUP BY. What leaves no trace at all was forgotten; what leaves one may still be wrong, and other
checks look at that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from agent.run import Finding, Severity
from agent.steps.checks.limits import NUMBER_WORDS
from agent.steps.checks.statement import Checked, Statement

__all__ = ["check_breakdown", "check_numbers", "check_ranking", "check_time"]

_N = rf"(\d{{1,3}}|{'|'.join(NUMBER_WORDS)})"

# --- time -------------------------------------------------------------------------------------------------------

_YEAR = re.compile(
    r"(?<![\d.,$€£#-])(?<!order )(?<!orders )(?<!number )(?<!no\. )(?<!than )(?<!over )(?<!least )(?<!most )"
    r"((?:19|20)\d\d)(?![\d%]|[.,]\d|-\d{3}| (?:dollars|euros|usd|units|orders|items|pieces|customers|products))"
)
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_MONTH = re.compile(
    rf"\b(?:in|of|during|since|until|from|to|through|by|before|after|between|and|for) ({'|'.join(_MONTHS)})\b"
    rf"|\b({'|'.join(_MONTHS)})(?: \d{{1,2}}(?:st|nd|rd|th)?)?,? (?:of )?(?:19|20)\d\d\b"
)
_RELATIVE = re.compile(
    r"\b(?:(?:last|past|previous|this|current) (?:\d+ |\w+ )?(?:year|quarter|month|week|day)s?"
    r"|today|yesterday|year to date|ytd)\b"
)
_NOT_RELATIVE = re.compile(
    r"\b(?:the|very|each|every|a|an)? ?(?:last|previous) (?:order|purchase|date)|year over year"
    r"|(?:over|than|from|to|versus|vs|with)(?: in)? the (?:last|previous)"
)
_DATED = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")


def check_time(checked: Checked) -> Iterator[Finding]:
    """The years, months and relative periods that the question names, and periods it does not name."""
    statement, words = checked.statement, checked.words
    years = list(dict.fromkeys(_YEAR.findall(words)))
    for year in years:
        if not _mentions_year(int(year), statement.literals):
            shown = any(str(cell)[:4] == year for row in checked.result.rows for cell in row)
            got = sorted({found for text in statement.literals for found in _DATED.findall(text)})
            instead = f"it has {', '.join(got)} instead" if got else "it has no such filter"
            message = f"The question asks about {year}; the statement does not: {instead}."
            yield Finding("time_filter", "warning" if shown else "error", message, evidence=year)
    yield from _check_months(checked)
    relative = _RELATIVE.search(words) if not years and not _NOT_RELATIVE.search(words) else None
    periods = _periods(checked)
    if relative and not periods and not statement.reads_clock():
        message = f"The question asks about {relative.group()}; the statement has no such period."
        yield Finding("time_filter", "error", message, evidence=relative.group())
    foreign = sorted(set(periods) - _years_meant(checked)) if periods else []
    if foreign:
        named = sorted(set(foreign) - _range_ends(checked)) or foreign
        message = f"The statement is limited to {', '.join(map(str, named))}, which the question does not ask for."
        yield Finding("time_filter", "error", message, evidence=str(foreign[0]))


_DATE = re.compile(r"((?:19|20)\d\d)(?:-(\d\d)(?:-(\d\d))?)?(?:[T ][\d:.]+)?")
_SHORT_YEAR = re.compile(r"(?:['’]|\bfy ?['’]?|\bq[1-4][ /-]?['’]?|[/-])(\d\d)\b(?![-/.,]?\d)")
_BEFORE = re.compile(
    r"\b(?:before|until|till|prior|previous|preceding|up to|earlier|by|older|through|change|grow\w*|yoy|qoq|"
    r"year over year|compar\w+)\b"
)
_AFTER = re.compile(
    r"\b(?:since|after|from|onwards?|later|newer|beyond|starting|to date|until now|so far|following|next)\b"
)
_FROM_TODAY = re.compile(
    r"\b(?:last|past|previous|prior|this|current|currently|recent|recently|latest|next|ytd|mtd|today|yesterday|tomorrow|"
    r"now|ago|since|still|yet|already|so far|to date|overdue|upcoming|within|old|new|active)\b"
)
_MANY_YEARS = re.compile(
    rf"\b(?:{_N}|several|many|few|couple of|half a) (?:\w+ )?(?:year|quarter|month|week|day)s?\b|\bdecades?\b"
)


def _periods(checked: Checked) -> list[int]:
    """Years of the dates that the statement compares with, each once; the first and last day of a year are its edges.

    Today is no period: what has happened until now, or how old something is, is measured by it.
    """
    today = checked.layer.today().isoformat()
    years = []
    for text in checked.statement.texts:
        match = _DATE.fullmatch(text)
        if match and text[:10] != today:
            years.append(int(match.group(1)))
    return sorted(set(years))


def _range_ends(checked: Checked) -> set[int]:
    """Years of which no day is meant, as 2024 in `>= '2023-01-01' AND < '2024-01-01'`."""
    ends: set[int] = set()
    within: set[int] = set()
    for literal in checked.statement.tree.find_all(exp.Literal):
        match = _DATE.fullmatch(literal.name)
        if match:
            first_day = match.group(2, 3) == ("01", "01")
            is_end = first_day and isinstance(literal.find_ancestor(exp.Predicate, exp.Select), exp.LT)
            (ends if is_end else within).add(int(match.group(1)))
    return ends - within


def _years_meant(checked: Checked) -> set[int]:
    """Years that a statement may name for this question; every year when the question leaves that open."""
    words, this_year = checked.words, checked.layer.today().year
    asked = {int(year) for year in _DATED.findall(words)} | {2000 + int(year) for year in _SHORT_YEAR.findall(words)}
    asked |= {int(year) for metric in checked.named_metrics for year in _DATED.findall(f"{metric.sql} {metric.filter}")}
    if _MANY_YEARS.search(words):
        return set(range(1900, 2101))
    meant = set(range(min(asked) - 1, max(asked) + 2)) if asked else set()
    if asked and _BEFORE.search(words):
        meant |= set(range(1900, min(asked)))
    if asked and _AFTER.search(words):
        meant |= set(range(max(asked), 2101))
    if _FROM_TODAY.search(words):
        meant |= set(range(this_year - (3 if "before last" in words else 1), this_year + 2))
    return meant


def _mentions_year(year: int, literals: tuple[str, ...]) -> bool:
    """The year itself, or the day before or after it, as in `< '2024-01-01'`."""
    edges = (str(year), f"{year - 1}-12-31", f"{year + 1}-01-01")
    return any(edge in text for text in literals for edge in edges)


def _check_months(checked: Checked) -> Iterator[Finding]:
    texts = [text.casefold() for text in checked.statement.literals]
    for match in _MONTH.finditer(checked.words):
        name = match.group(1) or match.group(2)
        number = _MONTHS.index(name) + 1
        after = number % 12 + 1
        traces = [f"-{number:02d}", f"-{after:02d}-01", name, name[:3]]
        exact = {str(number), f"{number:02d}", str(after)}
        if not any(trace in text for text in texts for trace in traces) and not exact & set(texts):
            message = f"The question asks about {name.capitalize()}; the statement does not."
            yield Finding("time_filter", "error", message, evidence=name)


# --- numbers ---------------------------------------------------------------------------------------------------


_DIGITS = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?![\w,]|\.\d)(\s?%| percent)?")
_COMPARED = re.compile(
    r"\b(?:(?:more|less|fewer|greater|higher|lower|later|longer) than|over|above|under|below|at least|at most|"
    r"exceed\w*) (?:[$€£] ?)?$"
)
_WORD = f"({'|'.join(NUMBER_WORDS)})"
_SPELLED = re.compile(
    rf"\b(?:(?:more|less|fewer|greater|higher|lower|later|longer) than|over|at least|at most) {_WORD}\b"
    rf"|\b{_WORD}(?: \w+)? or (?:more|fewer|less)\b"
)
_HALF = re.compile(r"\b(?:more|less) than (?:half|double|twice)\b|\bby (?:more than |at least )?half\b")
_COUNTED_TIME = re.compile(r"\b(?:last|past|next|first|previous) \d+ (?:year|quarter|month|week|day)s?")


def check_numbers(checked: Checked) -> Iterator[Finding]:
    """Numbers of the question (a threshold, an order's number) must stand in the statement."""
    words = _COUNTED_TIME.sub(" ", checked.words)
    dated = set(_YEAR.findall(words)) | set(_DATED.findall(words))
    has = {_as_number(literal) for literal in checked.statement.literals} - {None}
    inside = " ".join(checked.statement.texts)
    for match in _DIGITS.finditer(words):
        text = match.group(1).replace(",", "")
        number = float(text)
        wanted = {number, number / 100} if match.group(2) else {number}
        near = words[max(0, match.start() - 12) : match.end() + 12]
        stands = re.search(rf"(?<![\d-]){re.escape(text)}(?![\d-])", inside) is not None
        if text in dated or wanted & has or stands or _is_date_part(near) or number <= 1:
            continue
        compared = _COMPARED.search(words[max(0, match.start() - 24) : match.start()])
        severity: Severity = "error" if len(text) >= 4 or compared else "warning"
        message = f"The question says {match.group(0).strip()}; the statement does not."
        yield Finding("number", severity, message, evidence=text)
    for spelled in _SPELLED.finditer(words):
        text = next(group for group in spelled.groups() if group)
        number = NUMBER_WORDS[text]
        if number > 1 and not {number, number - 1, number + 1} & has:
            message = f"The question says “{spelled.group()}”; the statement compares with no such number."
            yield Finding("number", "error", message, evidence=text)

    half = _HALF.search(words)
    if half and not {0.5, 2.0, 50.0, -50.0, 200.0} & has:
        message = f"The question says “{half.group()}”; the statement compares with no such share."
        yield Finding("number", "error", message, evidence=half.group())


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_date_part(text: str) -> bool:
    months = "|".join(month[:3] for month in _MONTHS)
    return bool(re.search(rf"\b(?:{months})|\d-\d|\d/\d|\b(?:q|quarter|week|h) ?\d|\d(?:st|nd|rd|th)\b", text))


# --- ranking ----------------------------------------------------------------------------------------------------

_RANKED = (
    r"top|bottom|best|worst|highest|lowest|largest|smallest|biggest|cheapest|dearest|oldest|newest|longest|shortest|"
    r"slowest|fastest|heaviest|busiest|leading|priciest"
)
_COUNTED = re.compile(
    rf"\b(?:{_RANKED}) {_N}\b(?! (?:years?|quarters?|months?|weeks?|days?|percent|%))"
    rf"|\b{_N} (?:{_RANKED}|most|least)\b|\bwhich {_N} \w+ (?:are|have|had|were|sell|sold|made|brought)\b"
    rf"|\b(?:which|what|the|our|those|name|list|show|give me) {_N} (?!(?:year|quarter|month|week|day|percent|%)s?\b)"
    rf"(?:[\w'-]+ ){{1,5}}?(?:the |our |their )?(?:{_RANKED}|most|least)\b(?! than)"
)
_SUPERLATIVE = re.compile(
    r"\b(?:highest|lowest|largest|smallest|biggest|cheapest|fewest|longest|shortest|oldest|newest|slowest|fastest|"
    r"heaviest|busiest|(?<!at )(?<!of the )most(?! of| recent)|(?<!at )least)\b"
)
_ORDERING = re.compile(r"\b(?:first|descending|ascending|sorted|ordered|rank|order by)\b")

_ONE = re.compile(
    rf"(?:^|[.:?!;] )(?:so |and |please )?(?:(?:what|which|who)(?: is|'s|’s| was) (?:the|our) (?:[\w'-]+ ){{0,2}}?"
    rf"|which (?:(?:one|single|product|customer) )?[\w'-]*[^s\W] (?:has|had|was|is|did|does)"
    rf" (?:[\w'-]+ ){{0,4}}?(?:the )?)"
    rf"(?:{_RANKED}|most|fewest|least)\b(?! of\b)"
)
_EVERY = re.compile(r"\b(?:each|every|per|by|first|ranking|ranked|sorted|list|all)\b")


def _keeps_all(tree: exp.Expr) -> bool:
    """Whether an ordered statement neither limits its rows nor compares with an extreme or a rank."""
    extremes = (exp.Max, exp.Min, exp.Rank, exp.RowNumber, exp.DenseRank, exp.ArgMax, exp.ArgMin)
    return tree.args.get("order") is not None and tree.args.get("limit") is None and tree.find(*extremes) is None


def check_ranking(checked: Checked) -> Iterator[Finding]:
    """“Top 5” gives five rows; “the highest” needs an order and a limit, or an extreme."""
    tree, rows = checked.statement.tree, len(checked.result.rows)
    counted = _COUNTED.search(checked.words)
    if counted and "together" not in checked.words:  # two that belong together are one row
        text = next(group for group in counted.groups() if group)
        number = int(text) if text.isdigit() else NUMBER_WORDS[text]
        limit = tree.args.get("limit")
        traced = str(number) in checked.statement.literals
        if not traced and (rows > number or (limit is not None and rows < number)):
            message = f"The question asks for {number}; the statement gives {rows} rows."
            yield Finding("row_limit", "error", message, evidence=str(number))
        return
    if rows > 1 and _ONE.search(checked.words) and not _EVERY.search(checked.words) and _keeps_all(tree):
        message = f"The question asks for the one; the statement gives {rows} rows."
        yield Finding("row_limit", "error", message, evidence="1")
    if _SUPERLATIVE.search(checked.words) and rows > 1 and not _ORDERING.search(checked.words):
        ranked = tree.find(exp.Order, exp.Max, exp.Min, exp.Rank, exp.RowNumber, exp.DenseRank, exp.ArgMax, exp.ArgMin)
        if ranked is None:
            message = (
                "The question asks for an extreme, and the statement neither orders nor takes a maximum or minimum."
            )
            yield Finding("superlative", "error", message)


# --- breakdown --------------------------------------------------------------------------------------------------

_GRAINS = ("year", "quarter", "month", "week", "day", "weekday")


def check_breakdown(checked: Checked) -> Iterator[Finding]:
    """“by category”, “for each month” needs a GROUP BY, and not of what is held to one value."""
    statement = checked.statement
    if (statement.groups and not _groups_nothing(statement)) or not statement.aggregates:
        return
    if len(checked.result.rows) > 1:
        return
    surfaces = [name for item in (*checked.layer.dimensions, *checked.layer.entities) for name in item.surfaces]
    named = "|".join(re.escape(name.casefold()) for name in sorted({*surfaces, *_GRAINS}, key=len, reverse=True))
    asked = re.search(
        rf"\b(?:(?:broken down |split |grouped |down )?by|for (?:each|every)|each|every) (?:the )?({named})\b",
        checked.words,
    )
    if asked is None or any(asked.group(1) in value.casefold() for value in checked.named_values):
        return
    if re.search(rf"\b{re.escape(asked.group(0))} (?!and\b|in\b|for\b|during\b|of\b|since\b)[a-z]", checked.words):
        return  # “by customer Rancho Clover”, “by order value”
    if re.search(r"\b(?:average|mean|typical|on average)\b", checked.words):
        return  # “average order value by each customer” may well be one number
    if not statement.groups and _is_read(asked.group(1), checked):
        return  # “orders of 2022 by ship date”
    yield Finding("grouping", "error", f"The question asks “{asked.group(0)}”, and the statement gives one total.")


def _is_read(surface: str, checked: Checked) -> bool:
    """Whether the statement reads what a dimension of this name is made of."""
    read = {column.casefold() for _, column in checked.statement.columns_used}
    named = [d for d in checked.layer.dimensions if surface in map(str.casefold, d.surfaces)]
    return any(read & set(re.findall(r"\w+", dimension.expression.casefold())) for dimension in named)


def _groups_nothing(statement: Statement) -> bool:
    """Whether the only SELECT is grouped by columns alone that its WHERE holds to one value each."""
    if len(statement.selects) != 1:
        return False
    group, where = statement.selects[0].args.get("group"), statement.selects[0].args.get("where")
    if group is None or where is None or not group.expressions:
        return False
    origins = statement.found.origins
    conditions = where.this.flatten() if isinstance(where.this, exp.And) else [where.this]
    held = {
        origins.get(id(condition.this))
        for condition in conditions
        if isinstance(condition, exp.EQ) and isinstance(condition.expression, exp.Literal)
    } - {None}
    return all(origins.get(id(column)) in held for column in group.expressions)
