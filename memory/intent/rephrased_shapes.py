"""Shapes of question and the plainer ones that ask for the same, for `memory.intent.rephrasing`.

As in `memory.intent.rephrased_words`, nothing that narrows, turns round or measures is left out: what is moved to
another place of the question stays as it was said.
"""

from __future__ import annotations

__all__ = ["RESHAPED"]

_SALE = "(order|sale|purchase)"
_OTHERWISE = (
    r"(?!.*\b(?:in terms of|measured|going by|per|each|every|average|first|on freight|weight|units?|quantit(?:y|ies)"
    r"|items?|lines?|pieces|discounts?|freight|profit|margin)\b)(?!.*(?<!placed)(?<!made)(?<!taken)(?<!handled)"
    r" by (?!value))"
)
"""Where nothing else says by what the biggest is meant: an order is as big as its value."""
_VERSUS = r"(?:versus|vs\.?|compared (?:to|with)|against)"
_TAKE = (
    "(take|handle|process|receive|place|sell|carry|deliver|supply|have|get|win|book|spend|earn|make|bring in|buy|order)"
)

RESHAPED: tuple[tuple[str, str], ...] = (
    # the biggest order, by its value
    (
        rf"\b(?:top )?(\w+) (?:biggest|largest|greatest) {_SALE}s\b{_OTHERWISE}",
        r"\1 \2s with the most revenue",
    ),
    (
        rf"\b(?:(?<!\A)|(?=.*\w \w+ \w))(?:single )?(?:biggest|largest|greatest) (?:single |ever )?{_SALE}\b"
        r"(?! (?:value|date|number))"
        rf"{_OTHERWISE}",
        r"\1 with the most revenue",
    ),
    (
        rf"\bsmallest (?:single |ever )?{_SALE}\b(?! (?:value|date|number|line)){_OTHERWISE}",
        r"\1 with the lowest revenue",
    ),
    (r"(with the (?:most|lowest) revenue\b.*?) by value\b", r"\1"),
    (
        r"^(?:what (?:was|is) |which (?:was|is) |show )?(?:the |our )?"
        r"((?:order|sale|purchase) with the (?:most|lowest) revenue.*?),?"
        r" and who (placed|took|handled|made) it(?=[?.!]*$)",
        r"who \2 the \1",
    ),
    (
        r"\s*[,–—-] which (?:order )?(?:number|one)(?: was it)?,? and how much(?: was it(?: worth)?)?(?=[?.!]*$)",
        "",
    ),
    # one beside the other
    (rf"\b{_VERSUS} (?:what['’]s|what is|what we have|that of|those of|the one of) (?:in |for |of |from )?", "versus "),
    (
        rf"\b(did|do|does) ([^,?.]{{2,40}}?) {_TAKE} {_VERSUS} ([^,?.]+?)(?= in \w+|,|[?.!]*$)",
        r"\1 \2 versus \4 \3",
    ),
    (
        rf"^([^:,?.]+?) (?:or|{_VERSUS}) ([^:,?.]+?): (?!which|who|what|how)([^:?.]+?)"
        r"(?: (?:for|of) (?:both|each)(?: of (?:them|the two))?| side by side)?(?=[?.!]*$)",
        r"\3 of \1 versus \2",
    ),
    # what a thing is made of
    (
        r"\b(which|what) (\w+) (?:did|does|do) (order (?:no\.? |number |#)?\d+) (?:contain|include|consist of|have)\b",
        r"\1 \2 are in \3",
    ),
    (r"(\border (?:no\.? |number |#)?\d+),? and how many of each(?: one| product| item)?(?=[?.!]*$)", r"\1"),
    # what belongs to the first
    (r"^who (?:supplies|makes|produces|provides)(?: us(?: with)?)? the (?=\w)", "supplier of the "),
    # where those are whom we buy from
    (
        r"\b(which|what|how many(?: different| distinct)?) (countries|cities|regions|states|towns) do we (?:buy|source"
        r"|purchase|import|get|order)(?: (?:our |the )?(?:products|goods|items|articles|things|from abroad))? from\b",
        r"\1 \2 do our suppliers come from",
    ),
    # conditions before what they are of
    (
        r"^([^:?.]+): (which|what) (\w+) (?:are|is) (?:those|these|they|that|it)(?=[?.!]*$)",
        r"\2 \3 are \1",
    ),
    # two conditions
    (
        r"\b(?:who |that |which )?(?:have )?(?:ordered|bought|purchased) (more than|at least|over|exactly) (\w+) times"
        r"(?=,? and )",
        r"have \1 \2 orders",
    ),
    # above the average
    (r"\bthan the average (\w+) (?:did|does|has|have|had|spent|spends)\b", r"than the average \1"),
)
"""(form, plain); tried before the set phrases, over the question as it was typed."""
