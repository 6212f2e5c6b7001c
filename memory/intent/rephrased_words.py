"""Set phrases and the plainer ones that say the same, for `memory.intent.rephrasing`.

Each pair is a regular expression over the question and what stands in its place. Nothing here names anything of one
business, and nothing that narrows, turns round or measures is ever left out.
"""

from __future__ import annotations

__all__ = ["REWRITTEN"]

_GRAIN = "(month|quarter|year)"

_PLACED = (
    r"(?:(?:an? |the |its |their )?order(?:s)?(?: date)?(?:['’]s)?(?: (?:being|is|was|are|were|having been))?"
    r"(?: (?:placed|taken|made|received|coming in))?|being (?:placed|taken|ordered)|placement)"
)
_SENT = (
    r"(?:(?:it|its|their|the|them) )?(?:(?:being|getting|is|was|are|were) )?(?:shipped|shipping|shipment|dispatch"
    r"(?:ed)?|leav(?:ing|es)(?: the| our)? (?:warehouse|house)|sent out|going out)"
)
_MORE = (
    r"(more than|over|at least|less than|fewer than|under|at most|no more than|up to|longer than) (\w+(?: or more"
    r"| or less)?)"
)
_EVER = r"(?: ever)?(?: (?:that )?we(?: have|['’]ve)? (?:ever )?(?:took|taken|had|got|made))?(?: ever)?"
_AFTER_DISCOUNT = r"(?: (?:net of|after) (?:all )?discounts?)"
_AN_ORDER = r"(?:(?:an?|any|some|their|the) )?(?:orders?|shipments?|deliver(?:y|ies))\b"
_ORDERS = r"(?:orders?|shipments?|deliver(?:y|ies))"

REWRITTEN: tuple[tuple[str, str], ...] = (
    # how late, how long
    (
        rf"\b(?:average|mean) (?:number of|count of) days (?:between|from) {_PLACED} (?:and|to|until|till) {_SENT}",
        "average days to ship",
    ),
    (
        r"\b(?:provides?|supplies|supply|supplied|offers?) (?:us )?(?:with )?the (most|fewest)"
        r" (products|articles|items)\b",
        r"has the \1 \2",
    ),
    (
        rf"\b(?:when|if)(?: an?| the| our| any)? (\w.{{0,40}}? )?{_ORDERS} (?:does |do |did )?(?:(?:go|goes|ship"
        rf"|ships|are"
        r"|is|were|leave|leaves|arrive|shipped|went)(?: out)?) late, (?:by )?how many days late (?:is|are|was|were)"
        r" (?:it|they)(?: on average)?(?=[ ,.?])",
        r"average days late for \1,",
    ),
    (r"(?<=average days late) for ,", ""),
    (
        rf"\bby how many days (?:are|is|were|was) (?:the |our )?late {_ORDERS}(?: (?:being|delivered|shipped))? late"
        r"(?: on average)?",
        "average days late",
    ),
    (
        r"\b(?:on average,? )?how (?:many days|long)(?: on average)?,?(?: on average,?)? (?:pass(?:es|ed)?|go by"
        r"|elapse[sd]?"
        rf"|lie|lies|are there|does it take|did it take|is it)(?: on average)? (?:between|from) {_PLACED} (?:and"
        rf"|to|until"
        rf"|till) {_SENT}(?: on average)?",
        "average days to ship",
    ),
    (
        rf"\baverage number of days (?:that )?((?:each|every) .+?) (?:{_ORDERS} )?(?:takes?|took|needs?|needed)"
        rf" (?:from|between)"
        rf" {_PLACED} (?:to|and|until) {_SENT}",
        r"average days to ship for \1",
    ),
    (
        r"\b(?:on average,? )?how (?:long|many days) (?:does|did|do) (?:it|we)(?: on average)? (?:take|need)(?: us)?"
        r"(?: on average)? to (?:ship|dispatch|send(?: out)?) (?:(?:an?|the|our) )?orders?",
        "what is the average days to ship",
    ),
    (
        rf"(?<!\w)(?:(?:that|which) )?(?:took|take|takes|needed|need|needs|taking|needing)(?: us)? {_MORE} days?"
        rf" (?:from"
        rf" {_PLACED} (?:to|until) {_SENT}|to (?:ship|leave(?: the warehouse)?|dispatch|be shipped|be dispatched"
        rf"|go out))",
        r"with \1 \2 days to ship",
    ),
    (
        rf"(?<!\w)(?:(?:that|which) )?(?:(?:were|was|have been) )?(?:left|went out|shipped|dispatched|sent|sent"
        rf" out|delivered)"
        rf" {_MORE} days? (?:late|(?:after|past|behind) (?:the|their|its) (?:required|due|promised) date"
        r"|after the (?:date|day) the customer (?:needed|wanted|required) (?:them|it)(?: by)?)",
        r"with \1 \2 days late",
    ),
    (rf"(?<!\w)(?:(?:that|which) )?(?:were|was|are) {_MORE} days? late\b", r"with \1 \2 days late"),
    (r"\b(?:is|are) (?:currently )?(?:sitting|tied up|locked up|stuck|invested|bound) in\b", "is in"),
    (
        r"\b(orders|shipments) (?:that|which) (?:have not|haven['’]t|were not|weren['’]t|have never) (?:yet"
        r" )?(?:been )?"
        r"(?:shipped|left|dispatched|gone out|sent)(?: yet)?",
        r"\1 not yet shipped",
    ),
    (r"\bmedian (?:order value|value of (?:an |the )?orders?|order size)\b", "median average order value"),
    (r"\b(?:he or she|he/she|she or he)\b", "they"),
    (r"\b(?:bound|destined|headed|meant|addressed) (?:for|to)\b", "going to"),
    (r",? whatever the (?:year|month|date|period)\b", ""),
    (
        r"\b(?:which|what) (\w+) do we have (?:the )?most (money|capital) (?:tied|locked) up in\b",
        r"which \1 has the most \2 tied up in stock",
    ),
    (
        rf"^(which |what )?(countr(?:y|ies)|cit(?:y|ies)|regions?) (?:(?:that )?we(?: have|['’]ve)?|did we|have we)"
        rf" (?:shipped|ship|delivered|deliver|sent|send) {_MORE} (orders|shipments) to\b",
        r"\1delivery \2 with \3 \4 \5",
    ),
    (r",? and how many is it for each(?: of them| one)?(?=[?.]|$)", ", and how many each"),
    (
        r"\b(?:full|complete|whole|entire|postal|mailing)(?: (?:postal|mailing|street))? address(?:es)?\b(?! line)",
        "address, city, postal code and country",
    ),
    (r"\b(?:shipments|deliveries) of(?= (?:19|20)\d\d\b)", "orders of"),
    (r"\bevery single one of\b", "each of"),
    (r"\bevery single\b", "every"),
    (r"\bcosts? (?:us )?(?:the )?most per unit\b", "has the highest unit price"),
    (r"\bour (?:own )?people\b(?=.* (?:work|works|live|hired|based|in|from)\b)", "our employees"),
    # time
    (rf"\b(?:the )?{_GRAIN} (?:right|just|directly|immediately) before(?: it)?\b", r"the \1 before"),
    (rf"\bcalendar (?={_GRAIN}s?\b)(?!.*\b(?:all|every|any)(?: the| our)? years?\b)", ""),
    (rf"\b{_GRAIN} after \1\b", r"\1 by \1"),
    (rf"\b{_GRAIN}-by-{_GRAIN}\b", r"\1 by \2"),
    (r"\bthrough(?= (?:the )?(?:year )?\d{4}\b,)", "in"),
    (r"\byear-to-date (?=\w)", "cumulative "),
    (r"\bthis year's\b", "this year"),
    # comparisons
    (r"\b(?:of )?(?:as|what) (?:they|it|he|she) (?:did|was|were|had been|spent)(?= (?:in|during)\b)", "than"),
    (
        r"\bthan the average (\w+) (?:who|that) (?:ordered|bought|purchased)(?: (?:in )?(?:that|the same) year)?\b",
        r"than the average \1",
    ),
    (r"\bfor (?:that|the same) year\b", "that year"),
    (r"\b(?:with|next to|against|versus) (?:the one|that) (?:in|for|of) ", "versus "),
    (r"\bwe (?:give|gave|grant|granted|offer|offered) (?:to )?(?=customers|clients|buyers)", "for "),
    (r"^compare (?:the|our) (\w+) (?:on|by|in terms of) (?=\w)", r"for each \1, "),
    # parts of a question in another order
    (r"^looking (?:only |just )?at (.*?)(?: only| alone)?, (?=which|what|how|who)", r"in \1, "),
    (
        r"^of (?:the |our |all )+(orders|shipments)\b(.*?), how many (?:were |was |did )?(?:shipped|ship|delivered"
        r"|left) late\b",
        r"how many \1\2 were shipped late",
    ),
    (
        r"^(?:which|what) (\w+) (?:has|did|have) (.+?) (?:bought|buy|ordered|order|taken)(?: from)?,? and how"
        r" (?:many|much)"
        r" (\w+) (?:of|from|on) each(?: one)?",
        r"\3 by \1 for \2",
    ),
    (r"^what did (.+?) buy(?: from us)?,? in (\w+),?", r"\2 of \1"),
    (r"^what (?:did|does) shipping (.+?) cost(?: us)?\b", r"shipping cost \1"),
    (r"^on (?:which|what) (?:day|date) was the (?:very )?first (\w+) placed", r"when was the first \1 placed"),
    (
        r"^where (?:is|are) (.+?) (?:located|based)\?\s*((?:city|country|town|region)(?: and (?:city|country"
        r"|region))?)"
        r"(?: will do| please)?",
        r"what are the \2 of \1",
    ),
    (r":\s*(give|show|list|tell) (?:me |us )?", r". \1 "),
    (r",? and what (?:did|does) (?:the|its) (\w+) (?:come|amount) to\b", r", and what is its \1"),
    (
        r"\b(city|state|country|region|town) (?:in (?:the )?([\w ]+?) )?(?:that )?we"
        r" (?:ship|shipped|deliver|delivered|send|sent)(?: it| them| orders| goods)? to\b",
        r"delivery \1 \2",
    ),
    (
        r"\b(?:what is|what's) the most we(?: have|['’]ve)? (?:ever )?(?:paid|spent) (?:in|for|on) (\w+) (?:on"
        r"|for) (?:a|one)"
        r" (?:single )?(\w+)",
        r"what is the highest \1 of \2s",
    ),
    # what has run out, is waited for, was won
    (r"\b(?:are we|we are|have we|we have) (?:completely |totally )?(?:run )?out of\b", "are out of stock"),
    (r"\b(?:have|has) (?:completely )?run out(?: completely)?(?:, (?:i\.e\.|that is),? .*)?$", "are out of stock"),
    (
        rf"\b(?:are|is) (?:currently |still )?waiting for {_AN_ORDER}",
        "have orders not yet shipped",
    ),
    (
        rf"\b(?:are|is) (?:currently |still )?waiting for\b(?! {_AN_ORDER})",
        "have",
    ),
    (r"\bdid we (?:win|gain|acquire|sign up)\b", "did we get"),
    (r"\b(?:first[ -]ever|very first)\b", "first"),
    (r"\b(?:of|from|on) their (?:products|items|goods|articles)\b", ""),
    (
        r",? and (?:on|at|under) (?:what|which) (?:phone )?number\b(?: (?:do|can|should) i [\w ]+)?",
        " and on what phone number",
    ),
    (r",? and what number do (?:i|we) (?:dial|call|ring)(?: to reach [\w ]+)?", " and on what phone number"),
    (r"(?<=phone number)\? contact name and phone(?: number)?\b", ""),
    # people
    (r"^who has been with (?:us|the company) (?:the )?longest", "who is the longest serving employee"),
    (r"\b(how many) people (?=work|are working|did we (?:hire|recruit|take on))", r"\1 employees "),
    (r"\bcolleagues\b", "employees"),
    (
        r"^when did (?:each|every)(?: one)?(?: of)?(?: our| the)? (.+?) (?:buy|order|purchase)(?: from us)? for"
        r" the (first|last) time",
        r"for each \1, show the date of its \2 order",
    ),
    (
        r"^when did (?:each|every)(?: one)?(?: of)?(?: our| the)? (.+?) (first|last) (?:buy|order|purchase)(?:"
        r" from us)?",
        r"for each \1, show the date of its \2 order",
    ),
    (
        r"^(?:on average,? )?how long,?(?: on average,?)? (?:did|does|do) (.+?) take from order to (dispatch"
        r"|shipment)",
        r"days from order to \2 for \1",
    ),
    (
        r"^(?:name |who is |which is )?the (\w+) who has been with (?:us|the company|the firm) (?:the )?longest",
        r"who is the longest serving \1",
    ),
    (r"^who (?:was|is) the (last|latest|first|newest) person to join(?: the company| us)?", "who joined last"),
    (r"\b(oldest|youngest) person (?:on|in) the (?:team|company|staff)\b", r"\1 employee"),
    # signs and short forms
    (r" \+ ", " and "),
    (r"\brev\b", "revenue"),
    (r":\s*names? and (?:counts?|numbers?|amounts?)\b", ""),
    (
        r"^how many (\w+) (?:does|do|did) (?!we |you |they )(?:the )?(.+?) (?:hold|have|own|keep|stock)(?=[?.!]*$)",
        r"how many \1 for \2",
    ),
    # superlatives
    (r"\b(?:is|was) the busiest for (?=\w)", "had the most "),
    (r"\b(?:is|was) the quietest for (?=\w)", "had the fewest "),
    (r"\b(?:owes?|owed)(?: us)? the (most|least)(?: money)? in (?=\w)", r"has the \1 "),
    (r"^how much (?:money )?(?:in |of )?(\w+) (?:is|are) (?:still )?(owed)(?: to us)?", r"what are the \1 \2"),
    (
        r"^how much (?:money )?(?:in |of )?(\w+) (?:is|are) (?:still )?(outstanding|unpaid|open)",
        r"what are the \2 \1",
    ),
    (r"\b(?:was|is) our (?:strongest|best) (?:for|in)\b", "had the highest"),
    (r"\b(?:was|is) our weakest (?:for|in)\b", "had the lowest"),
    (
        rf"\bmost valuable (?:single )?(order|sale|purchase)(s?)\b{_EVER}(?: (?:by|in) value)?{_AFTER_DISCOUNT}?",
        r"\1\2 with the most revenue",
    ),
    (
        rf"\b(?:single )?(?:biggest|largest|greatest) (?:single )?(order|sale|purchase)(s?)\b{_EVER},?"
        rf"(?: (?:by|in) value{_AFTER_DISCOUNT}?|{_AFTER_DISCOUNT})",
        r"\1\2 with the most revenue",
    ),
    (r"\bmost valuable (\w+)", r"\1 with the most revenue"),
    (
        r"\b(?:biggest|largest) (order|sale)s?\b(?: ever)?(?: (?:that )?we(?: have|['’]ve)? (?:ever )?(?:took"
        r"|taken|had|got|made))?"
        r",?(?: ever)?(?: (?:by|in) value)? ?(?:by value|after discounts?|by value after discounts?)\b",
        r"\1 with the most revenue",
    ),
    (r"^rank (?=the (?:top|bottom) )", "show "),
    (r"\bsingle (?=(?:best|biggest|largest|highest|top|most|greatest)\b)", ""),
    (r"\b(?:top|highest|best)[- ](?:grossing|earning|revenue[- ](?:earning|generating)) (\w+)", r"top \1 by revenue"),
    (r"\binside (?=each|every)", "in "),
    (r"\b(?:identify|determine|disclose|reveal)\b", "name"),
    (r"\bwho (is|was|are|were) (?:their|its) (?=biggest|best|top|largest)", r"who \1 the "),
    (r"\b(revenue|sales) after discounts?\b", "net sales"),
    (r" going by order date\b", ""),
    (r"[.,] going by order date\b|\. go by order date\b", ""),
    # what says nothing
    (r"\b(?:please|pls)\b,?", ""),
    (r",? ?(?:thank you kindly|thank you|thanks)\b", ""),
    (r",? ?just that one (?:figure|number)\b", ""),
    (r"(?<=[a-z]) (?:as well|too)(?=[.?!]*$|[.?!] )", ""),
    (r"\b(?:once|now|here) and for all\b", ""),
    (r"\bever(?= (?:on|in|by|for|took|had)\b)", ""),
    (r"\b(?:actually|really)\b", ""),
    (r"\s*\((?:if|in case) [^()]*\)", ""),
    (r",? for the (?:\w+ ){1,3}(?:gift|campaign|party|mailing|lunch|event|dinner|visit|call)\b", ""),
    (r" on (?:our|the) (?:price ?list|catalogue|catalog)\b", ""),
    (r" we (?:ship|work|deal|trade|do business) with\b", ""),
    (r",? and (?:on|at) what (?:date|day|price)(?=[?.!]*$)", ""),
    (r"\bone row per \w+(?: \w+)?[.,]?(?=$| )", ""),
)
