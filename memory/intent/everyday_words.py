"""What people say at work and the plainer words for it, for `memory.intent.rephrasing`.

Each pair is a regular expression over the question and what stands in its place, as in `memory.intent.rephrased_words`;
these are tried only where those alone do not make the question one that is read. A word is left out only where it
neither narrows nor measures, and nothing here names anything of one business. What is bought, stored, shipped and paid
has a module to itself, `memory.intent.everyday_trade`.
"""

from __future__ import annotations

from memory.intent.everyday_trade import TRADE

__all__ = ["EVERYDAY"]

_END = r"(?=[?.!,]*$)"
_CONTRACTIONS = (
    (r"\b(what|who|where|how)['’]?s (?=been\b)", r"\1 has "),
    (r"\b(what|who|where|how)['’]s\b", r"\1 is"),
    (r"\b(what|who|where|when|how|that|there)s\b", r"\1 is"),
    (r"\b(do|does|did|is|are|was|were|has|have|had|could|should|would)nt\b", r"\1 not"),
    (r"\bcant\b", "can not"),
    (r"\bwont\b", "will not"),
    (r"\b(we|they|you)['’]?ve\b", r"\1 have"),
    (r"\b(they|you)re\b", r"\1 are"),
    (r"\bive\b", "I have"),
    (r"\bim\b", "I am"),
)
"""Apostrophes left out, but for "were", "its", "well" and "id", which are words of their own."""

_SHORT = (
    (r"(?<!\w)(?:no\.|nr\.?|num\.?|#|cnt)(?: of)? (?=(?:\w+ ){0,2}?\w+s\b)", "number of "),
    (r"\bavg\b\.?", "average"),
    (r"\bqty\b\.?", "quantity"),
    (r"\bcust(s?)\b\.?", r"customer\1"),
    (r"(?<=\d) v\.? (?=\d)", " vs "),
)
"""Short forms of notes and headings."""

_ASKED = (
    (r"\b(what|which) (?:kind|sort) of (?=\w+ (?:did|do|does|have|has)\b)", r"\1 "),
    (r"\bhow did (sales|revenue|turnover) go (?=(?:in|this|last|during)\b)", r"total \1 "),
    (r"\bhow much (\w+) (?:is|was) (.{2,40}?) responsible for\b", r"\1 of \2"),
    (r"\bclosed? (?:the )?(most|fewest) (?:orders|deals)\b", r"handled the \1 orders"),
    (
        r"\bhow many (?:orders|deals) (did|has) (.{2,40}?) closed?\b",
        r"how many orders did \2 handle",
    ),
    (r",? (?:from )?(?:the )?top (?:to bottom|down)(?=[?.!]*$)", ", highest first"),
    (r"\b(?:run|walk|take|talk) me through\b|\b(?:hit|shoot|throw) me(?: with)?\b", "show me"),
    (r"^(?:(?:can|could) you )?(?:dig|fish|bring|pull) (?:out|up)\b", "show me"),
    (
        r"\b(?:an? |the )?(?:quick |short |brief )?(?:run-?down|overview|summary|picture) of"
        r" (?=.*\b(?:by|per|for each|for every)\b)",
        "",
    ),
    (r"\bhow (?:is|are|was|were) (.{3,40}?) looking (?=(?:this|last|in|for|so far)\b)", r"total \1 "),
    (r"\bhow (?:are|did) we (?:doing|do) (?:on|for|in terms of) (?=.* (?:this|last|in)\b)", "total "),
    (r"\b(?:broken|cut|sliced|divided) (?:out|up|down) by\b", "by"),
    (r"\bare we sitting on\b", "do we have"),
    (
        r"\bhow many (?:folks|guys|heads) (?:work here|work for us|do we employ|do we have)\b",
        "how many employees are there",
    ),
    (rf"\bwho(?: all)? is on (?:the|our) (?:payroll|staff|books){_END}", "list all employees"),
    (rf"\b(?:everyone|everybody|(?:all )?people) on (?:the|our) (?:payroll|staff){_END}", "all employees"),
    (r"\bbeen (?:here|around|with us) (?:the )?longest\b", "been with us the longest"),
    (
        r"\bhow many (?:people|employees) did we (?:hire|recruit|take on|bring on|bring in)\b",
        "how many employees were hired",
    ),
    (r"^whom? did we (?:hire|recruit|take on|bring on)\b", "who joined"),
    (r"\bwho (?:all )?works (?:under|for) (?!us\b|the\b|our\b|me\b)", "who reports to "),
    (r"\bhow (?:big|large) is (.{2,40}?)['’]s team\b", r"how many people report to \1"),
    (r"\b(?:over|out|down|up) in (?=(?-i:[A-Z]))", "in "),
    (r"\bsales(?:man|woman|guy|lady)\b", "salesperson"),
    (r"\bsales(?:men|women|guys|ladies)\b", "salespeople"),
    (r"\bwhereabouts\b", "where"),
    (r"\btown\b", "city"),
    (r"\btowns\b", "cities"),
)
"""How somebody asks, and everyday names."""

_NUMBERS = (
    # but "Produce % of revenue per country" is a name's share in each, or each one's share of it
    (r"(^|\b(?:what|which|the|as|in|and|a) |, )%(?= )", r"\1percentage"),
    (r"\b(?:north|upwards) of (?=[$€£]?\d|a )", "more than "),
    (r"\bsouth of (?=[$€£]\d|\d+ ?k\b)", "less than "),
    (r"\b(?:over|above) a (?=hundred|thousand|million|dozen)", "more than a "),
    (r"\bhalf a dozen\b", "6"),
    (r"\btwo dozen\b", "24"),
    (r"\ba dozen\b", "12"),
    (r"(?<=\d )bucks\b", "dollars"),
    (rf",? (?:in all|all in all|all told|all together)(?:{_END}|(?=,))", " in total"),
)

_SPENDING = r"(?:biggest|top|highest|best|heaviest|largest)"
_OFTEN = r"(?:the )?most (?:often|frequently|regularly)"
_SUPERLATIVES = (
    (rf"\b{_SPENDING} spender\b", "best customer"),
    (rf"\b(\w+) {_SPENDING} spenders\b|\b{_SPENDING} (\w+) spenders\b", r"top \1\2 customers by revenue"),
    (rf"^who (?:buys|orders)(?: from us)? {_OFTEN}\b", "which customer has the most orders"),
    (
        rf"(?<!is )(?<!are )(?<!was )(?<!were )\b(?:buys?|orders?|purchases?|bought|ordered)(?: from us)? {_OFTEN}\b",
        "has the most orders",
    ),
    (
        r"\b(?:in |from )?which (\w+) do (?:the )?most of (?:our|the) (\w+s)"
        r" (?:come from|sit in|live in|sit|live|buy from)\b",
        r"which \1 has the most \2",
    ),
    (
        r"\bwhich (carrier|shipper|courier|(?:freight|delivery|shipping) company|forwarder) do we"
        r" (?:use|ship with|work with|go with|rely on) (?:the )?most(?: often)?\b",
        r"which \1 has the most orders",
    ),
    (
        r"\bwho (?:carries|delivers|ships) (?:the )?most of our (?:orders|shipments)\b",
        "which carrier has the most orders",
    ),
    (r"\bour (?:top|biggest|best|largest|number one) market\b", "market with the most revenue"),
    (r"\b(?:is|are|was|were) (?:the )?most punctual\b", "has the highest on-time rate"),
    (r"\b(?:is|are|was|were) (?:the )?least punctual\b", "has the lowest on-time rate"),
    (r"\bmost punctual (\w+)\b", r"\1 with the highest on-time rate"),
    (r"\bleast punctual (\w+)\b", r"\1 with the lowest on-time rate"),
    (r"\bhow punctual (?:is|are|was|were) (?:the |our )?", "what is the on-time rate of "),
    (r" ([a-z]+)-wise\b", r" by \1"),
)

_GRAIN = r"(?:month|quarter|week|day)"
_TIME = (
    (
        rf"\b({_GRAIN} by {_GRAIN}|{_GRAIN}|monthly|quarterly|weekly|daily)(?: all)? (?:through|throughout|over|across)"
        r" (?:the )?(?:(?:whole|entire|full) )?(?:of )?(?:year )?(?=(?:19|20)\d\d\b(?! (?:to|until|through|and)\b))",
        r"\1 in ",
    ),
    (r"\bon an? (monthly|quarterly|weekly|daily|yearly|annual) basis\b", r"\1"),
    (r"\bback in (?=(?:19|20)\d\d\b)", "in "),
    (r"\b(in|of|for) the year (?=(?:19|20)\d\d\b)", r"\1 "),
    (r"\b((?:19|20)\d\d)['’]s (?=[a-z])", r"\1 "),
    (rf"^(?!.*\b{_GRAIN}s?\b)(.*)\bthis year to date\b", r"\1this year so far"),
)
"""A year that something is followed "through" is the period, where its months or weeks are told."""

_THEIRS = r"(?:their|his|her|its)"
_SAYING_NOTHING = (
    (
        rf" (?:to (?:{_THEIRS}|our) (?:name|credit)|under {_THEIRS} belts?|on (?:{_THEIRS}|the|our) books)"
        rf"(?:{_END}|(?=,| (?:in|since|during|last|this)\b))",
        "",
    ),
    (r"\b(?:roughly|approximately|ballpark|more or less)\b,? ?(?!\d|than)", ""),
    (
        r",? (?:as (?:things|we) (?:stand|speak)|these days|at this point|for the time being|in a nutshell)"
        rf"(?:{_END}|(?=,))",
        "",
    ),
    (r"^(?:in a nutshell|bottom line|long story short|as (?:things|we) (?:stand|speak)),? ", ""),
)

EVERYDAY: tuple[tuple[str, str], ...] = (
    *_CONTRACTIONS,
    *_SHORT,
    *_NUMBERS,
    *TRADE,
    *_SUPERLATIVES,
    *_ASKED,
    *_TIME,
    *_SAYING_NOTHING,
    # "Orders yesterday?" is a number that is wanted
    (
        r"^((?:[a-z]+ )?orders) ((?:last|this|past) (?:week|month|quarter|year)|yesterday|today)\?+$",
        r"how many \1 \2?",
    ),
)
