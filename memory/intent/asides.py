"""Asides in a plain question and set phrases beside it, and what stands in their place, for `memory.intent.rephrasing`.

What is left out here turns no answer: that all years or all orders are meant where nothing else is said, "to this day"
behind what is not done yet, "name them" behind "are there any". Each pair is a regular expression over the question and
its replacement.
"""

from __future__ import annotations

__all__ = ["ASIDES"]

_GOODS = "products|articles|items|goods|orders"
_END = r"(?=[.?!]*$)"

ASIDES: tuple[tuple[str, str], ...] = (
    # of all time, all together
    (
        r",? (?:all|over all|across all|for all) (?:orders|years|dates|periods)"
        r" (?:counted|together|taken together|included)\b",
        "",
    ),
    (
        r"\b(?:over|during|in|across) (?:their|his|her|its|the) (?:whole|entire) (?:time|career|history)"
        r"(?: (?:here|with us|in the company))?",
        "",
    ),
    (r"\b(?:in|over) the course of\b", "in"),
    (r"(?<=\bnot )((?:\w+ ){1,4}?)to this day\b", r"\1yet"),
    (r" to this day\b", ""),
    (r"(?<!no )(?<!not )\blater than (?=(?:the )?(?:year |end of )?(?:\d|[A-Z][a-z]+ \d))", "after "),
    (r"(?<!no )(?<!not )\bearlier than (?=(?:the )?(?:year |end of )?(?:\d|[A-Z][a-z]+ \d))", "before "),
    # a list of what there is
    (
        rf"^(?:are there|do we have)(?: any)? (.+?)[?.]\s+(?:name|list|show|give)(?: me)? (?:them|those){_END}",
        r"which \1",
    ),
    (
        r"^(?:are there|do we have)(?: any)? (.+?)[?.]\s+(?:name|list|show|give)(?: me)? (?:them|those)"
        r" (?:together )?with (?:the |their )?",
        r"which \1, with the ",
    ),
    (rf"^is there (?:an?|any) (.+?)[?.]\s+(?:name|list|show|give)(?: me)? (?:them|those|it){_END}", r"every \1"),
    (rf"[.?]\s+\w+ (?:by|with) (?:their )?(?:full )?names?{_END}", "?"),
    (rf"(?<=\w) (?:they|it|each) (?:falls?|lies?|belongs?) (?:in|to|under){_END}", ""),
    # what they sold is theirs
    (
        rf"\bwhose (?:{_GOODS}) (?:have |has )?(?:sold|earned|made|brought in|generated|had|cost)(?: us)? the"
        r" (most|highest|largest|fewest|least)\b",
        r"with the \1",
    ),
    (
        rf"\b(?:did not have|have not had|had not|never had) (?:even )?(?:a|one) single one of their ({_GOODS})"
        r" (ordered|sold|bought)",
        r"had no \1 \2",
    ),
    (r"\b(?:placed|made|put) (?:an? )?orders? (?=with us)", "ordered "),
    (
        r"\b(?:bought|sold|ordered|purchased|got) (more|less|fewer) (in|during) ([^,]{3,20}),"
        r" in ([\w ]+?)(?: terms)?, than\b",
        r"had \1 \4 \2 \3 than",
    ),
    # set phrases of trade
    (
        r"\b(which|what) (city|country|state|region|town) did we spend the (most|least) on (?:shipping|freight|delivery"
        r"|deliveries) (?:to|in|for)\b",
        r"\1 delivery \2 had the \3 shipping cost",
    ),
    (r"\baverage cost of (?:shipping|delivery)\b", "average shipping cost"),
    (
        r"^what does it cost(?: us)? on average to (?:ship|send|deliver) (?:an?|one) order\b",
        "what is the average shipping cost",
    ),
    (
        r"^how often (?:did|does|has) (.+?) (?:order|ordered|buy|bought)(?: from us)?"
        r"(?= (?:in|during|over|since|from)\b|[?,.]|$)",
        r"how many orders did \1 place",
    ),
    (
        r"^how (?:many days|long) (?:does|did) (each|every) (\w+) (?:need|take)(?: on average)?"
        r"(?= (?:in|during|over|since|from)\b|[?,.]|$)",
        r"average days to ship for \1 \2",
    ),
    (
        r"^how much (?:do|did|have) we (?:pay|paid) (?!for\b|in\b)(\w.*?) (?:for|in) freight\b",
        r"how much freight did we pay for \1",
    ),
    (
        r"^how much (?:do|did|have) we (?:pay|paid) (?!for\b|in\b)(\w.*?) (?:for|in) (?:shipping|transport|delivery)\b",
        r"how much shipping cost did we pay for \1",
    ),
    (r"^how much (?:is|was) (?:our |the )?stock of (.+?) worth\b", r"what is the stock value of \1"),
    (r"^how much (?:money|capital) is tied up in (?:our )?(?!stock\b)(.+)$", r"what is the stock value of \1"),
    (r"^how much does (each|every) (\w+) spend per order\b", r"average order value for \1 \2"),
)
