"""Words and set phrases with a part in the grammar of plain questions, each with its one-letter code.

M metric   D thing (dimension or entity)   V value   P period   N number   U unit   g grain   a "monthly"
n noun that ends a dimension's name ("city")   ? word that only a metric's names can account for
u which, "who is"    q who    A how much    m how many    e each    b by    p of, for, in, from ...    w with
z sold, shipped ...    y placed ...    h their    H highest    B best    f first    O highest first    R rank
x more than    W whose    S share    % as a share of the total    c compare    v versus    r respectively
k and    K or    ~ trend    , separator
Greek letters are of `memory.intent.comparison_words`.
"""

from __future__ import annotations

import re

from memory.intent.comparison_words import COMPARISON_CODES, COMPARISON_PHRASES

__all__ = ["CODES", "PATTERNS", "PHRASES"]

CODES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("which", "what"), ("u", "")),
    **dict.fromkeys(("who", "whom"), ("q", "")),
    **dict.fromkeys(("and", "plus"), ("k", "")),
    "or": ("K", ""),
    **dict.fromkeys(("vs", "versus", "against"), ("v", "")),
    **dict.fromkeys(("compare", "comparing", "comparison", "compared"), ("c", "")),
    "by": ("b", ""),
    **dict.fromkeys(("per", "each", "every", "across"), ("e", "")),
    **dict.fromkeys(("of", "for", "to", "in", "at", "within", "on", "during", "over", "throughout", "from", "via"),
                    ("p", "")),
    "with": ("w", ""),
    **dict.fromkeys(("their", "its"), ("h", "")),
    **dict.fromkeys(("highest", "most", "largest", "biggest", "greatest", "top", "leading"), ("H", "desc")),
    **dict.fromkeys(("lowest", "least", "fewest", "smallest", "bottom"), ("H", "asc")),
    "best": ("B", "desc"), "first": ("f", ""),
    **dict.fromkeys(("month", "months"), ("g", "month")),
    **dict.fromkeys(("quarter", "quarters"), ("g", "quarter")),
    **dict.fromkeys(("year", "years"), ("g", "year")),
    "monthly": ("a", "month"), "quarterly": ("a", "quarter"),
    **dict.fromkeys(("yearly", "annual", "annually"), ("a", "year")),
    **dict.fromkeys(("rank", "ranked", "ranking"), ("R", "desc")),
    **dict.fromkeys(("sort", "sorted"), ("R", "")),
    **dict.fromkeys(("percentage", "percent"), ("S", "percent")),
    **dict.fromkeys(("share", "proportion"), ("S", "")),
    **dict.fromkeys(("whose", "where"), ("W", "")),
    **dict.fromkeys(("usd", "dollars", "dollar"), ("U", "USD")), "days": ("U", "days"),
    **dict.fromkeys(("exceed", "exceeds", "exceeded", "exceeding"), ("x", ">")),
    **dict.fromkeys(("total", "overall"), ("m", "")),
    **dict.fromkeys(("trend", "development", "history", "develop", "developed", "evolve", "evolved", "track", "plot",
                     "breakdown", "split", "broken", "break", "vary", "varies", "differ", "differs", "distributed"),
                    ("~", "")),
    **dict.fromkeys(("shipped", "delivered", "sent", "going", "carried", "sold", "based", "located", "bought",
                     "ordered", "purchased", "supplied"), ("z", "")),
    **dict.fromkeys(("handled", "handle", "taken", "take", "took", "placed", "place", "received", "receive"),
                    ("y", "")),
    **dict.fromkeys(("gives", "makes", "brings", "earns", "generates", "contributes", "achieves", "shows", "gets"),
                    ("", "")),
    **COMPARISON_CODES,
}  # fmt: skip
"""Folded words: their code and, where the code has several meanings, which. The empty code is silent."""

_MOST = "(?:highest|largest|most|biggest|greatest)"
_LEAST = "(?:lowest|smallest|least|fewest)"
_SORTED = "(?:(?:and sort it|sorted|ordered|ranked) )?(?:from )?(?:the )?"


def _directions(word: str, first: str, last: str, plain: str) -> tuple[str, str, tuple[str, ...]]:
    return "O", word, (
        rf"{_SORTED}{first}(?: amount| value)? to (?:the )?{last}(?: amount| value)?",
        rf"(?:the |those with the )?{first} (?:first|on top|at the top)",
        rf"(?:starting|beginning) with the {first}",
        rf"{_SORTED}{plain}", rf"(?:and sort it |sorted )?(?:in )?{word}ending(?: order)?",
    )  # fmt: skip


PHRASES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    *COMPARISON_PHRASES,
    _directions("desc", _MOST, _LEAST, "high to low"),
    _directions("asc", _LEAST, _MOST, "low to high"),
    ("O", "name", (
        r"(?:in )?alphabetical order", r"(?:from )?a to z", r"alphabetically", r"(?:sorted|ordered) by name",
    )),
    ("H", "desc", (r"number one", r"comes? first", r"leads")),
    ("~", "", (r"over time", r"break(?:s|ing)? (?:it )?down", r"every combination of")),
    ("e", "", (
        r"(?:broken |break )?down by", r"(?:breakdown|split|grouped|group) by", r"one row per", r"for each of",
        r"(?:for|of|in|from|with|by) (?:each|every)", r"(?:across|for) all(?: the| our)?",
    )),
    ("a", "year", (r"year by year", r"over the years", r"year after year")),
    ("a", "month", (r"month by month",)),
    ("a", "quarter", (r"quarter by quarter",)),
    ("b", "", (r"in terms of", r"measured by", r"according to")),
    ("k", "", (r"along with", r"as well as", r"together with")),
    ("v", "", (r"compared (?:to|with)",)),
    ("x", ">=", (r"at least", r"(?:no|not) (?:less|fewer) than")),
    ("x", "<=", (r"at most", r"(?:no|not) more than")),
    ("x", ">", (
        r"(?:is |are |of )?(?:more|greater|higher|larger|bigger) than", r"(?:is |are )?(?:over|above)(?= [\d$€£])",
    )),
    ("x", "<", (
        r"(?:is |are |of )?(?:less|fewer|lower|smaller) than", r"(?:is |are )?(?:under|below)(?= [\d$€£])",
    )),
    ("%", "", (r"as (?:a )?(?:percent|percentage|share) of (?:the )?total",)),
    ("p", "", (r"(?:comes?|came|coming) from", r"belongs? to")),
    ("u", "", (r"who (?:is|are|was|were)",)),
    ("A", "", (r"how (?:high|big|large|low|much)",)),
    ("m", "", (r"how many of", r"how many", r"(?:the )?(?:number|count) of", r"^count(?: the| all)?")),
    ("r", "", (r"respectively", r"next to each other", r"side by side")),
    ("", "", (
        r"^(?:hi|hey|hello|so|ok|okay),?", r"can i (?:have|see|get)", r"looking for", r"pull up", r"work out",
        r"i need", r"^need", r"i want", r"^put", r"give me", r"come up with", r"^name", r"^quickly",
        r"^just wondering,?",
        r"^(?:finance|sales|marketing|accounting|controlling|management|the (?:board|controller|cfo|ceo|boss)|my boss)"
        r" (?:wants|needs|is asking for|asks for|would like)",
        r"for my report:?", r"^report:?", r"quick question:?", r"^one (?:thing|question):?", r"please|pls|plz",
        r"(?:i'd|i would) like(?: to (?:see|know))?(?: you to)?",
        r"(?:a |the )?(?:full |complete )?list of", r"(?:the )?names? of(?= )", r"all(?= \w)", r"(?<=[,–—-] )only",
        r"(?:do|did|have) we (?:have|get|got)(?: got)?", r"we got", r"(?:do|did) we (?:carry|offer)",
        r"(?:come|came|amount|amounted|comes|amounts) to", r"(?:come|came) in", r"look(?:s|ed)? like",
        r"(?:bring|brings|brought|bringing)(?: us)? in", r"(?:make|makes|made) up", r"accounts? for|accounted for",
        r"contributes? to|contributed to", r"in total", r"on file|on record|on the books",
        r"at the moment|right now|currently|current",
    )),
)  # fmt: skip
"""Set phrases as (code, word, patterns over the lower-cased question); earlier ones are looked for first."""
PATTERNS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(rf"(?<![\w-])(?:{pattern})(?!\w)"), code, word) for code, word, ps in PHRASES for pattern in ps
)
