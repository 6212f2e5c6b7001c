"""Does the statement do what the question's own words say: which period, which values, how many, by what?

Words are weak evidence, so each check asks only for a trace: a year that is named must leave some literal behind, a
breakdown some GROUP BY. What leaves no trace at all was forgotten; what leaves one may still be wrong, and other
checks look at that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from agent.run import Finding
from agent.steps.checks.statement import Checked

__all__ = ["check_breakdown", "check_numbers", "check_ranking", "check_time", "check_values"]

_COUNTING = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBER_WORDS = {word: number for number, word in enumerate(_COUNTING, start=1)} | {"fifteen": 15, "twenty": 20}
_N = rf"(\d{{1,3}}|{'|'.join(_NUMBER_WORDS)})"

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
            got = sorted({found for text in statement.literals for found in _DATED.findall(text)})
            instead = f"it has {', '.join(got)} instead" if got else "it has no such filter"
            message = f"The question asks about {year}; the statement does not: {instead}."
            yield Finding("time_filter", "error", message, evidence=year)
    yield from _check_months(checked)
    relative = _RELATIVE.search(words) if not years and not _NOT_RELATIVE.search(words) else None
    periods = sorted({found for text in statement.literals for found in _DATED.findall(text)})
    if relative and not periods and not statement.reads_clock():
        message = f"The question asks about {relative.group()}; the statement has no such period."
        yield Finding("time_filter", "error", message, evidence=relative.group())
    if periods and not years and not relative and not _DATED.search(words) and not _time_words(words):
        message = f"The statement is limited to {', '.join(periods)}, which the question does not ask for."
        yield Finding("time_filter", "warning", message)


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


def _time_words(words: str) -> bool:
    return bool(
        re.search(r"\b(?:year|month|quarter|week|day|date|today|since|recent|ago|now|current|latest)\w*", words)
    )


# --- values and numbers -----------------------------------------------------------------------------------------


def check_values(checked: Checked) -> Iterator[Finding]:
    """Stored values that stand in the question must be looked for; literals must be values that are stored."""
    texts = [text.casefold() for text in checked.statement.texts]
    literal_words = {word for text in texts for word in re.findall(r"\w+", text)}
    for value in checked.named_values:
        folded = value.casefold()
        found = any(text and (text in folded or folded in text) for text in texts)
        if not found and not set(re.findall(r"\w+", folded)) <= literal_words:
            message = f"The question names “{value}”; the statement does not look for it."
            yield Finding("value_filter", "error", message, evidence=value)
    yield from _unknown_values(checked)


def _unknown_values(checked: Checked) -> Iterator[Finding]:
    for compared in checked.statement.tree.find_all(exp.EQ, exp.In):
        origin = checked.statement.found.origins.get(id(compared.this))
        column = checked.catalog.column(*origin) if origin else None
        if origin is None or column is None or not column.samples or column.family != "text":
            continue
        stored = {sample.casefold(): sample for sample in column.samples}
        literals = compared.expressions if isinstance(compared, exp.In) else [compared.expression]
        for literal in literals:
            if not isinstance(literal, exp.Literal) or not literal.is_string or literal.name in column.samples:
                continue
            where = f"{origin[0]}.{origin[1]}"
            spelled = stored.get(literal.name.strip().casefold())
            if spelled is not None and checked.statement.dialect == "mysql":
                continue  # compares text without regard to case
            if spelled is not None:
                message = f"{where} holds “{spelled}”, not “{literal.name}”."
                yield Finding("unknown_value", "error", message, evidence=spelled)
                continue
            asked = literal.name.casefold() in checked.words
            severity = "warning" if asked or checked.result.rows else "error"
            yield Finding(
                "unknown_value",
                "error" if severity == "error" else "warning",
                f"{where} holds no “{literal.name}”.",
                evidence=literal.name,
            )


_DIGITS = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?![\w,]|\.\d)(\s?%| percent)?")
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
        if text in dated or wanted & has or text in inside or _is_date_part(near) or number <= 1:
            continue
        severity = "error" if len(text) >= 4 else "warning"
        message = f"The question says {match.group(0).strip()}; the statement does not."
        yield Finding("number", "error" if severity == "error" else "warning", message, evidence=text)


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
)
_SUPERLATIVE = re.compile(
    r"\b(?:highest|lowest|largest|smallest|biggest|cheapest|fewest|longest|shortest|oldest|newest|slowest|fastest|"
    r"heaviest|busiest|(?<!at )(?<!of the )most(?! of| recent)|(?<!at )least)\b"
)
_ORDERING = re.compile(r"\b(?:first|descending|ascending|sorted|ordered|rank|order by)\b")


def check_ranking(checked: Checked) -> Iterator[Finding]:
    """“Top 5” gives five rows; “the highest” needs an order and a limit, or an extreme."""
    tree, rows = checked.statement.tree, len(checked.result.rows)
    counted = _COUNTED.search(checked.words)
    if counted:
        text = next(group for group in counted.groups() if group)
        number = int(text) if text.isdigit() else _NUMBER_WORDS[text]
        limit = tree.args.get("limit")
        traced = str(number) in checked.statement.literals
        if not traced and (rows > number or (limit is not None and rows < number)):
            message = f"The question asks for {number}; the statement gives {rows} rows."
            yield Finding("row_limit", "error", message, evidence=str(number))
        return
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
    """“by category”, “for each month” needs a GROUP BY."""
    statement = checked.statement
    if statement.groups or not statement.aggregates or len(checked.result.rows) > 1:
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
    yield Finding("grouping", "error", f"The question asks “{asked.group(0)}”, and the statement gives one total.")
