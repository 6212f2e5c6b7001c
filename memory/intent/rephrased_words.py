"""Set phrases and the plainer ones that say the same, for `memory.intent.rephrasing`.

Each pair is a regular expression over the question and what stands in its place. Nothing here names anything of one
business, and nothing that narrows, turns round or measures is ever left out.
"""

from __future__ import annotations

__all__ = ["REWRITTEN"]

_GRAIN = "(month|quarter|year)"

REWRITTEN: tuple[tuple[str, str], ...] = (
    # time
    (rf"\b(?:the )?{_GRAIN} (?:right|just|directly|immediately) before(?: it)?\b", r"the \1 before"),
    (rf"\bcalendar (?={_GRAIN}s?\b)", ""),
    (rf"\b{_GRAIN} after \1\b", r"\1 by \1"),
    (rf"\b{_GRAIN}-by-{_GRAIN}\b", r"\1 by \2"),
    (r"\bthrough(?= (?:the )?(?:year )?\d{4}\b,)", "in"),
    (r"\byear-to-date (?=\w)", "cumulative "),
    (r"\bthis year's\b", "this year"),
    # comparisons
    (r"\b(?:of )?(?:as|what) (?:they|it|he|she) (?:did|was|were|had been|spent)(?= (?:in|during)\b)", "than"),
    (r"\bthan the average (\w+) (?:who|that) (?:ordered|bought|purchased)(?: (?:in )?(?:that|the same) year)?\b",
     r"than the average \1"),
    (r"\bfor (?:that|the same) year\b", "that year"),
    # superlatives
    (r"\bsingle (?=(?:best|biggest|largest|highest|top|most|greatest)\b)", ""),
    (r"\b(?:top|highest|best)[- ](?:grossing|earning|revenue[- ](?:earning|generating)) (\w+)", r"top \1 by revenue"),
    (r"\binside (?=each|every)", "in "),
    (r"\b(?:identify|determine|disclose|reveal)\b", "name"),
    (r"\bwho (is|was|are|were) (?:their|its) (?=biggest|best|top|largest)", r"who \1 the "),
    (r"\b(revenue|sales) after discounts?\b", "net sales"),
    # what says nothing
    (r"\b(?:please|pls)\b,?", ""),
    (r",? ?(?:thank you kindly|thank you|thanks)\b", ""),
    (r",? ?just that one (?:figure|number)\b", ""),
    (r"(?<=[a-z]) (?:as well|too)(?=[.?!]*$|[.?!] )", ""),
    (r"\b(?:once|now|here) and for all\b", ""),
    (r"\bever(?= (?:on|in|by|for|took|had)\b)", ""),
    (r"\b(?:actually|really|exactly)\b", ""),
    (r"\bone row per \w+(?: \w+)?[.,]?(?=$| )", ""),
)
