"""Words and set phrases with a part in the grammar of plain questions, each with its one-letter code.

M metric   D thing (dimension or entity)   V value   P period   N number   U unit   g grain   a "monthly"
$ spent, earned   Y in all years   n noun that ends a dimension's name ("city")
? word that only a metric's names can account for
u which, "who is"    q who    A how much    m how many    e each    b by    p of, for, in, from ...    w with
z sold, shipped ...    y placed ...    h their    H highest    B best    f first    O highest first    R rank
x more than    j figure, bill    W whose    S share    % as a share of the total    c compare    v versus
ε on weekends    r respectively    k and    K or    ~ trend    , separator
Greek letters are of `memory.intent.comparison_words`.
"""

from __future__ import annotations

import re

from memory.intent.comparison_words import COMPARISON_CODES, COMPARISON_PHRASES

__all__ = ["CODES", "DAYS_OF_WEEK", "PATTERNS", "PHRASES"]

DAYS_OF_WEEK = {
    "sunday": ("0",), "monday": ("1",), "tuesday": ("2",), "wednesday": ("3",), "thursday": ("4",), "friday": ("5",),
    "saturday": ("6",), "weekend": ("0", "6"), "weekday": ("1", "2", "3", "4", "5"),
    "working day": ("1", "2", "3", "4", "5"), "workday": ("1", "2", "3", "4", "5"),
}  # fmt: skip
"""Days as the compiler numbers them, from Sunday on."""
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
    "best": ("B", "desc"), **dict.fromkeys(("worst", "weakest", "poorest"), ("B", "asc")), "first": ("f", ""),
    **dict.fromkeys(("busiest",), ("H", "desc:busy")), "quietest": ("H", "asc:busy"),
    **dict.fromkeys(("bestselling", "topselling"), ("H", "desc:sell")),
    **dict.fromkeys(("spend", "spends", "spent", "spending"), ("$", "spend")),
    **dict.fromkeys(("earn", "earned", "generate", "generated", "generating", "make", "made", "making"), ("$", "")),
    **dict.fromkeys(("month", "months"), ("g", "month")),
    **dict.fromkeys(("quarter", "quarters"), ("g", "quarter")),
    **dict.fromkeys(("year", "years"), ("g", "year")),
    **dict.fromkeys(("week", "weeks"), ("g", "week")), "day": ("g", "day"),
    **dict.fromkeys(("weekday", "weekdays"), ("g", "weekday")),
    "monthly": ("a", "month"), "quarterly": ("a", "quarter"), "weekly": ("a", "week"), "daily": ("a", "day"),
    **dict.fromkeys(("yearly", "annual", "annually"), ("a", "year")),
    "longest": ("H", "desc"), "shortest": ("H", "asc"),
    **dict.fromkeys(("bill", "figure", "figures", "amount", "amounts", "totals", "terms", "volume"), ("j", "")),
    **dict.fromkeys(("wich", "whcih", "waht", "wat"), ("u", "")), "teh": ("", ""), "avrg": ("μ", "avg"),
    **dict.fromkeys(("rank", "ranked", "ranking"), ("R", "desc")),
    **dict.fromkeys(("sort", "sorted"), ("R", "")),
    **dict.fromkeys(("percentage", "percent"), ("S", "percent")),
    **dict.fromkeys(("share", "proportion", "portion", "fraction"), ("S", "")),
    **dict.fromkeys(("whose", "where"), ("W", "")),
    **dict.fromkeys(("usd", "dollars", "dollar"), ("U", "USD")), "days": ("U", "days"),
    **dict.fromkeys(("exceed", "exceeds", "exceeded", "exceeding"), ("x", ">")),
    **dict.fromkeys(("total", "overall", "totl", "tot"), ("m", "")),
    **dict.fromkeys(("trend", "development", "history", "develop", "developed", "evolve", "evolved", "track", "plot",
                     "breakdown", "split", "broken", "break", "vary", "varies", "differ", "differs", "distributed"),
                    ("~", "")),
    **dict.fromkeys(("shipped", "delivered", "sent", "going", "carried", "sold", "based", "located", "bought",
                     "ordered", "purchased", "supplied", "paid", "working", "employed", "living"), ("z", "")),
    **dict.fromkeys(("serve", "serves", "handled", "handle", "taken", "take", "took", "placed", "place", "received",
                     "receive",
                     "moved", "shifted", "booked", "processed", "processes", "handles", "delivers", "ships",
                     "carries", "carry", "managed", "wrote", "written", "landed"),
                    ("y", "")),
    **dict.fromkeys(("gives", "makes", "brings", "earns", "generates", "contributes", "achieves", "shows", "gets",
                     "gave", "granted", "allowed"),
                    ("", "")),
    **COMPARISON_CODES,
}  # fmt: skip
"""Folded words: their code and, where the code has several meanings, which. The empty code is silent."""

_MOST = "(?:highest|largest|most|biggest|greatest)"
_LEAST = "(?:lowest|smallest|least|fewest)"
_RANKS = (
    "second|2nd", "third|3rd", "fourth|4th", "fifth|5th", "sixth|6th", "seventh|7th", "eighth|8th", "ninth|9th",
    "tenth|10th",
)  # fmt: skip
_RANKED = tuple(
    form
    for passed, rank in enumerate(_RANKS, 1)
    for form in (
        ("H", f"desc {passed}", (
            rf"(?:{rank})[ -](?:{_MOST}|top|leading)",
            rf"(?:ranks|ranked|comes|came|places|placed) (?:in )?(?:the )?(?:{rank})(?: place)?",
            rf"(?:in|at|on) (?:the )?(?:{rank}) (?:place|position|rank)",
        )),
        ("H", f"asc {passed}", (rf"(?:{rank})[ -](?:{_LEAST}|bottom)",)),
        ("B", f"desc {passed}", (rf"(?:{rank})[ -]best(?![ -]selling)",)),
        ("B", f"asc {passed}", (rf"(?:{rank})[ -]worst(?![ -]selling)",)),
        ("H", f"desc {passed}:sell", (rf"(?:{rank})[ -](?:best|top)[ -]selling",)),
    )
)  # fmt: skip
"""The second highest, the third best: the word says from which end, and how many are passed over."""
_ALL_YEARS = "all(?: the| our)? years"
_SORTED = "(?:(?:and sort it|sorted|ordered|ranked) )?(?:from )?(?:the )?"


_ON_TOP = "(?:first|on top|at the top|to the top)"
_TIME = " year| month| quarter| week| day| period"
_PLENTY = "(?:most expensive|dearest|costliest|priciest|longest|busiest|largest|highest|biggest|greatest)"
_SCARCE = "(?:cheapest|least expensive|shortest|smallest|lowest)"
_FAST = "(?:fastest|quickest)"


def _directions(word: str, first: str, last: str, plain: str) -> tuple[str, str, tuple[str, ...]]:
    return "O", word, (
        rf"{_SORTED}{first}(?: amount| value)? to (?:the )?{last}(?: amount| value)?",
        rf"(?:the |those with the )?{first} (?:first|on top|at the top)",
        rf"(?:starting|beginning) with the {first}",
        rf"{_SORTED}{plain}", rf"(?:and sort it |sorted )?(?:in )?{word}ending(?: order)?",
    )  # fmt: skip


PHRASES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("?", "-", (r"(?:come|comes|came|coming) in with",)),
    ("", "", (r"(?:come|comes|came|coming) from there", r"(?:^|(?<=, ))name(?= (?:the|each|all|every) )")),
    *_RANKED,
    ("O", "best", (rf"(?:top|best)[ -]sellers? {_ON_TOP}",)),
    ("ε", "", (
        r"(?:on|at|during|over) (?:a |the |any )?(?:weekends?|week ?days|working days|workdays)",
        r"on (?:a |any )?(?:mon|tues|wednes|thurs|fri|satur|sun)days?(?! \d)",
    )),
    ("H", "desc:sell", (r"(?:best|top)[ -]selling", r"best[ -]?sellers?")),
    ("H", "asc:sell", (r"worst[ -]selling",)),
    ("B", "desc", (r"best[ -]performing", r"top[ -]performing")), ("B", "asc", (r"worst[ -]performing",)),
    ("O", "growing", (r"(?:the )?fastest[ -]growing (?:first|on top|at the top)",)),
    ("O", "desc", (rf"(?:the )?strongest(?: \w+){{0,2}}? {_ON_TOP}",)),
    ("O", "asc", (rf"(?:the )?weakest(?: \w+){{0,2}}? {_ON_TOP}",)),
    *COMPARISON_PHRASES,
    ("O", "desc", (
        rf"(?:the )?{_PLENTY}(?: \w+){{0,2}}? {_ON_TOP}",
        rf"(?:(?:sorted|ordered) )?(?:from )?(?:the )?{_PLENTY} to {_SCARCE}",
    )),
    ("O", "asc", (
        rf"(?:the )?{_SCARCE}(?: \w+){{0,2}}? {_ON_TOP}",
        rf"(?:(?:sorted|ordered) )?(?:from )?(?:the )?{_SCARCE} to {_PLENTY}",
    )),
    *(("O", word, (
        rf"(?:the )?{first}(?: \w+){{0,2}}? {_ON_TOP}",
        rf"(?:(?:sorted|ordered) )?(?:from )?(?:the )?{first} to {last}",
    )) for word, first, last in (("fast", _FAST, "slowest"), ("slow", "slowest", _FAST))),
    ("O", "time", (
        rf"(?:the )?(?:oldest|earliest|first)(?:{_TIME})? first",
        rf"(?:from )?(?:the )?(?:oldest|earliest|first)(?:{_TIME})? to (?:the )?(?:newest|latest|last)(?:{_TIME})?",
        r"(?:in |sorted by )?(?:chronological|calendar|date|time) order", r"chronologically",
        r"in order of (?:year|month|quarter)",
        r"(?:from )?january to december(?=[.?!]*$)", r"(?<=by year )in order(?=[.?!]*$)",
    )),
    ("O", "back", (
        rf"(?:the )?(?:newest|latest|last|most recent)(?:{_TIME})? (?:first|on top|at the top)",
        rf"(?:from )?(?:the )?(?:newest|latest|last|most recent)(?:{_TIME})? to (?:the )?(?:oldest|earliest|first)"
        rf"(?:{_TIME})?",
        r"(?:in |sorted in )?(?:reverse|descending) (?:chronological|calendar|date|time) order",
    )),
    _directions("desc", _MOST, _LEAST, "high to low"),
    _directions("asc", _LEAST, _MOST, "low to high"),
    ("O", "groups", (r"(?:in|by) order of(?= )",)),
    ("O", "name", (
        r"(?:in )?alphabetical order", r"(?:from )?a to z", r"alphabetically", r"(?:sorted|ordered) by name",
    )),
    ("H", "desc", (
        r"number one", r"(?:comes?|came) (?:in )?first", r"leads", r"led",
        r"(?:comes?|came) out on top", r"(?:is|are|was|were) (?:ahead of|in front of) (?:all )?(?:the )?others?",
        r"(?:is|are|was|were) at the top(?: of the list)?(?= (?:for|in|on|by|with)\b)",
    )),
    ("H", "asc", (
        r"(?:comes?|came) (?:in )?last",
        r"(?:is|are|was|were) at the bottom(?: of the list)?(?= (?:for|in|on|by|with)\b)",
    )),
    ("~", "", (r"over time", r"break(?:s|ing)? (?:it )?down", r"every combination of")),
    ("Y", "", (
        rf"(?:across|over|in|for|of|through) {_ALL_YEARS}", r"regardless of (?:the )?year",
        rf"(?<=, ){_ALL_YEARS} (?:together|combined|taken together)",
    )),
    ("e", "", (
        r"(?!side|year|quarter|month|week|day)(\w+) by(?= \1\b)",
        r"(?:broken |break )?down by", r"(?:breakdown|split|grouped|group) by", r"one row per", r"for each of",
        r"(?:for|of|in|from|with|by|at) (?:each|every)(?: (?:one )?of)?", r"each of",
        r"(?:across|for) all(?: the| our)?",
    )),
    ("g", "weekday", (r"(?:day|days) of the week", r"week ?days?")),
    ("g", "month_of_year", (
        r"(?:calendar )?months? of the year", r"calendar months?(?=.*\b(?:all|every|any)(?: the| our)? years?\b)",
    )),
    ("a", "month_of_year", (r"seasonality(?: of)?(?: the| our)?", r"seasonally")),
    ("a", "week", (r"week by week", r"week after week")), ("a", "day", (r"day by day",)),
    ("a", "year", (r"year by year", r"over the years", r"year after year")),
    ("a", "month", (r"month by month",)),
    ("a", "quarter", (r"quarter by quarter", r"(?:over|across|through) the quarters")),
    ("b", "", (r"in terms of", r"measured (?:by|in)", r"according to", r"(?:going|judging|gauged) by")),
    ("R", "desc", (r"(?:a |the )?ranking of",)),
    ("O", "best", (
        rf"best (?:one )?{_ON_TOP}", r"(?:from )?best to worst", r"starting with the best",
    )),
    ("a", "month", (r"(?:over|across|through) the months",)),
    ("O", "worst", (rf"worst(?: \w+){{0,2}} {_ON_TOP}", rf"worst (?:one )?{_ON_TOP}", r"(?:from )?worst to best",
        r"starting with the worst")),
    ("p", "", (r"(?:over|in) the course of(?= )",)),
    ("", "", (r"(?:give|gave|given|giving) away",)),
    ("k", "", (r"along with", r"as well as", r"together with")),
    ("v", "", (r"compared (?:to|with)",)),
    ("x", ">=", (r"at least", r"(?:no|not) (?:less|fewer) than", r"a minimum of")),
    ("x", "<=", (r"at most", r"(?:no|not) more than", r"a maximum of", r"up to(?= [\d$€£])")),
    ("x", ">=", (r"or (?:more|higher|above|over)", r"and (?:more|above|up)(?! than)")),
    ("x", "<=", (r"or (?:less|fewer|lower|below|under)",)),
    ("x", "=", (r"exactly(?= [\w$€£])", r"precisely(?= [\w$€£])")),
    ("x", ">", (
        r"(?:is |are |of )?(?:more|greater|higher|larger|bigger) than", r"(?:is |are )?(?:over|above)(?= [\d$€£])",
        r"in excess of", r"upwards of",
    )),
    ("x", "<", (
        r"(?:is |are |of )?(?:less|fewer|lower|smaller) than", r"(?:is |are )?(?:under|below)(?= [\d$€£])",
    )),
    ("S", "percent", (r"how many (?:percent|%)(?: of)?(?= )",)),
    ("S", "", (r"(?:what|which|how (?:big|large) a|how much of a) part(?= of)",)),
    ("m", "", (r"combined", r"together(?! with)")),
    ("r", "", (r"separately", r"individually", r"each for itself")),
    ("%", "", (r"as (?:a )?(?:percent|percentage|share) of (?:the )?total",)),
    ("%", "of", (r"as (?:a |the )?(?:percent|percentage|share|proportion) of(?: the| our)?(?= )",)),
    ("z", "", (r"(?:on|for|of) (?:deliveries|shipments)(?= to\b)",)),
    ("p", "", (r"(?:comes?|came|coming) from", r"belongs? to")),
    ("u", "", (r"who (?:is|are|was|were)",)),
    ("A", "", (r"how much (?:money|business)(?= (?:did|do|does|has|have|was|were)\b)",)),
    ("A", "", (r"(?:what|how much) (?:did|do|have) we (?:spend|spent|pay|paid) (?:on|for)(?= )",)),
    ("A", "", (r"how (?:high|big|large|low|much)",)),
    ("m", "", (r"how many of", r"how many", r"(?:the )?(?:total )?(?:number|count) of",
                r"(?:the )?(?:total|sum) of(?: the| our| all)?(?= )", r"^count(?: the| all)?")),
    ("r", "", (r"respectively", r"next to each other", r"side by side")),
    ("$", "", (
        r"(?:bring|brings|brought|bringing)(?: us)? in", r"(?:take|takes|took) in",
        r"(?:pay|pays|paid) us", r"(?:buy|buys|bought) for",
    )),
    ("", "", (
        r"(?:from|with|for|of) us", r"since day one", r"(?:over|across|for|of) all time", r"all[- ]time",
        r"so far", r"of all time", r"altogether",
        r"names? only", r"(?:(?:that )?(?:they|he|she|each|it) )?(?:look|looks|looking) after",
        r"(?:is|are) responsible for",
        r"(?:go|goes|went|gone) out",
        r"(?:come|comes|came) from there", r"ever(?=[?.]*$)",
        r"(?:did|do|have|had) we (?:pay|paid|move|moved|shift|ship out)",
        r"like(?=[?.]*$| (?:in|during|for|over|last|this) )", r"we (?:pay|paid)", r"(?:is|are|was|were) there",
        r"^(?:hi|hey|hello|so|ok|okay),?", r"can i (?:have|see|get)", r"looking for", r"pull up", r"work out",
        r"i need", r"^need", r"i want", r"^put", r"give me", r"come up with", r"^name", r"^quickly",
        r"^just wondering,?",
        r"^(?:finance|sales|marketing|accounting|controlling|management|the (?:board|controller|cfo|ceo|boss)|my"
        r" boss)"
        r" (?:wants|needs|is asking for|asks for|would like)",
        r"for my report:?", r"^report:?", r"quick question:?", r"^one (?:thing|question):?", r"please|pls|plz",
        r"(?:i'd|i would) like(?: to (?:see|know))?(?: you to)?",
        r"(?:a |the )?(?:full |complete )?list of", r"(?:the )?names? of(?= )", r"all(?= \w)", r"(?<=[,–—-] )only",
        r"(?:do|did|have) we (?:have|get|got|book|booked)(?: got)?", r"we got", r"(?:do|did) we (?:carry|offer)",
        r"(?:come|came|amount|amounted|comes|amounts) to", r"(?:come|came) in", r"look(?:s|ed)? like",
        r"(?:make|makes|made) up", r"accounts? for|accounted for",
        r"contributes? to|contributed to",
        r"(?:over|for|across|in|during) (?:the|their|our) (?:whole|entire|full) (?:period|time|history)"
        r"(?: here| with us)?",
        r"^any", r"in (?:dollar|money) terms",
        r"(?:of|in|for) that(?: same)? year", r"had an?(?= )", r"(?:has|have|had|got)(?= )", r"that(?: same)? year's",
        r"overall(?=[.?!]*$|[.?!] )",
        r"our friends (?:at|from)",
        r"(?:bring|brings|brought) us(?! in)", r"(?:sit|sits|lie|lies)(?= in )",
        r"in total", r"on file|on record|on (?:the|our) books",
        r"(?:does|do) (?:it|they) (?:hold|have|contain|carry|include)",
        r"(?:eat|eats|ate|eaten) up|swallow(?:s|ed)?(?: up)?",
        r"across (?:the|our) (?:whole|entire|full|complete) (?:range|assortment|catalogue|business|company)",
        r"at the moment|right now|currently|current",
    )),
)  # fmt: skip
"""Set phrases as (code, word, patterns over the lower-cased question); earlier ones are looked for first."""
PATTERNS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(rf"(?<![\w-])(?:{pattern})(?!\w)"), code, word) for code, word, ps in PHRASES for pattern in ps
)
