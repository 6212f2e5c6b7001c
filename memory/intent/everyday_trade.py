"""Everyday words for what is bought, stored, shipped and paid, for `memory.intent.everyday_words`.

Trade has its own idioms: what nobody ever bought, whom we buy from, what we have run out of, money tied up in stock,
an order that gets out of the door. Each becomes the plain words for it.
"""

from __future__ import annotations

__all__ = ["TRADE"]

_END = r"(?=[?.!,]*$)"
_THEN = r"(?=[?.!,]*$|,| (?:in|to|for|from|by|per|with|last|this|during|on)\b)"
_SPLIT = r"(?=[?.!,]*$|,| (?:by|per|for each|for every)\b)"
_WHAT = r"\b(?:what|how much)"
_HAVE = r"(?: have|['’]ve)?"
_NAME = r"(.{2,40}?)"
_NUMBERED = r"(order (?:no\.? |number |#)?\d+)"
_ANY = r"(?:an? |the |our )?"

_NOBODY = (
    r"(?:nobody|no[ -]one|none of our (?:customers|clients|buyers)|no (?:single )?(?:customer|client|buyer)"
    r"|not (?:one|a|a single) (?:person|soul|customer|client|buyer))"
)
_BOUGHT = r"(bought|ordered|purchased)"
_NEVER_DONE = (
    *(
        (rf"\b(?:did|does) {_NOBODY} (?:ever )?{verb}\b", f"were never {done}")
        for verb, done in (("buy", "bought"), ("order", "ordered"), ("purchase", "purchased"))
    ),
    (rf"\b(?:has|have) {_NOBODY} (?:ever |yet )?{_BOUGHT}\b", r"have never been \1"),
    (rf"(?<=\w )(?:that |which )?{_NOBODY} (?:has )?(?:ever |yet )?{_BOUGHT}\b", r"never \1"),
)
"""The active for the passive: what nobody has bought was never bought."""

_BUY = r"(?:buy|get|source|purchase|procure|obtain)"
_SOMETHING = r"((?:(?!orders?\b)[\w'’.&/-]+ )+?)"
_SUPPLIED = (
    (rf"\b(?:which|what) (\w+) (?:do|did) we {_BUY} {_SOMETHING}from{_END}", r"which \1 supplies \2"),
    (rf"\b(?:who|whom) do we {_BUY} {_SOMETHING}from{_END}", r"who supplies \1"),
    (rf"\bfrom (?:whom|who) do we {_BUY} (?!orders?\b)(.+?){_END}", r"who supplies \1"),
    (rf"\b(\w+s) (?:(?:that|which|whom?) )?we {_BUY} {_SOMETHING}from{_END}", r"\1 that supply \2"),
)
"""Who we buy a thing from supplies it."""

_UNITS = r"how many (?:units|pieces|items)"
_GOT = r"(?:do we have|have we got|have we|there are|are there|are|is there|is)"
_LYING = r"(?:(?:still|currently|now|left|sitting|lying|standing|waiting) )*"
_STORED = (
    r"(?:in (?:the|our) (?:warehouse|stockroom|store)|in stock|in store|on hand|on (?:the|our) (?:shelf|shelves)|left)"
    rf"(?: (?:at the moment|right now|today))?{_END}"
)
_TIED_UP = r"(?:tied|locked|bound) up in (?!(?:the |our )?(?:stock|inventory)\b)"
_SELL = r"(?:sell|carry|offer|stock|list)"
_NO_MORE = r"(?: (?:any ?more|any longer|today|now|these days))*"
_ONES = r"\b(\w+s) (?:(?:that|which) )?we"
_STOCK = (
    (rf"\b{_UNITS} of (.+?) {_GOT} {_LYING}{_STORED}", r"stock of \1"),
    (rf"\bhow much (?!money|capital|cash|stock)(.+?) {_GOT} {_LYING}{_STORED}", r"how much \1 is in stock"),
    (
        rf"\b{_UNITS} of (.+?) {_GOT} {_LYING}on order"
        rf"(?: (?:with|from|at) (?:(?:the|our|its|their) )?suppliers?)?{_END}",
        r"units on order of \1",
    ),
    (
        rf"\bhow much (?:money|capital|cash) (?:is|are we|do we have|have we(?: got)?) {_LYING}{_TIED_UP}",
        "what is the stock value of ",
    ),
    (rf"\b(?:money|capital|cash) {_TIED_UP}", "stock value of "),
    (
        rf"(?:\b(?:that|which) )?\bwe{_HAVE} (?:completely )?(?:ran|run) out of(?:{_END}|(?=,| (?:and|that|with)\b))",
        "that are out of stock",
    ),
    (r"\b(?:that|which) (?:have|are|has|is) (?:all |completely )?sold out\b", "that are out of stock"),
    (rf"\b(?:have|are) (?:all |completely )?sold out{_END}", "are out of stock"),
    (r"(?<=[,.] )what is in stock(?=,| and\b)", "stock"),
    (rf"\bhow many (\w+s) do we no longer {_SELL}{_NO_MORE}{_END}", r"how many discontinued \1 are there"),
    (rf"{_ONES} (?:no longer|don['’]t|do not) {_SELL}{_NO_MORE}{_SPLIT}", r"discontinued \1"),
    (
        rf"{_ONES}{_HAVE} (?:stopped|quit|ceased) (?:selling|carrying|offering|stocking){_SPLIT}",
        r"discontinued \1",
    ),
    (
        rf"^(?:(?:show me|list|give me) )?(?:everything|all|what) (?:that )?(?:do )?we (?:have|{_SELL})"
        r" (?:in|under)(?= (?!stock\b|store\b|total\b))",
        "list all products in",
    ),
    (r"^what is in(?= (?!stock\b|store\b|order\b|the\b|our\b))", "list all products in"),
    (r"\b(?:which|what) (\w+s) are we (?:running|getting) (?:low|short) (?:on|of)\b", r"which low stock \1 are there"),
    (
        r"\b(?:which )?(\w+s) (?:(?:that|which) )?(?:are )?(?:(?:running|getting) )?low (?:on|in) stock\b",
        r"low stock \1",
    ),
    (
        r"\b(?:(?:needs?|has|have|ought) to|should|must) be (?:re-?ordered|re-?stocked|replenished|ordered again)\b"
        r"|\b(?:are|is) due (?:for (?:re-?ordering|re-?order|replenishment)|to be re-?ordered)\b"
        r"|\bneeds? (?:restocking|replenishing|topping up)\b",
        "need reordering",
    ),
    (
        r"\b(?:which|what) (\w+s) (?:should|must|do) we (?:(?:have|need) to )?(?:re-?order|re-?stock|replenish)\b",
        r"which \1 need reordering",
    ),
)
"""What is there, what has run out, what is on its way, what is sold no more."""

_PRICED = r"(under|over|less than|more than|at least|at most|up to)"
_PRICES = (
    (
        r"\b((?!orders|purchases)\w+s) (?:(?:that |which )?(?:go|sell|retail) |(?:going|selling|retailing) )?"
        rf"for {_PRICED}"
        r" (?=[$€£])",
        r"\1 costing \2 ",
    ),
    (r"\bpriced at (?=[$€£]?\d\S* or (?:less|more)\b)", "costing "),
    (rf"^anything {_PRICED} (?=[$€£])", r"products costing \1 "),
    (r"\b(cheapest|dearest|priciest|costliest|most expensive) thing\b", r"\1 product"),
    (
        r"\b((?:cheapest|dearest|priciest|costliest|most expensive|newest|oldest) \w+)"
        rf" (?:that )?we (?:have|{_SELL}){_END}",
        r"\1",
    ),
    (r"\bsets? us back(?: for)?\b", "cost"),
    (r"\b(?:price tag|going (?:price|rate)) (?:on|of|for)\b", "price of"),
)

_EARN = (
    r"spends?|spent|(?:brings?|brought|takes?|took)(?: us)? in|(?:makes?|made|earns?|earned)(?: us)?|generate[sd]?"
    r"|pa(?:ys?|id) us"
)
_CUSTOMERS = r"(?:customers|clients|buyers)"
_MORE = r"(?:more|less|fewer|over|under|above|below|at least|at most|up to|exactly)"
_MONEY = (
    (rf"{_WHAT}(?: money)? (?:did|do|have) we turn(?:ed)? over\b", "what was our turnover"),
    (rf"{_WHAT}(?: money)? (?:did|does|do|has|have) {_NAME} turn(?:ed)? over\b", r"what was the turnover of \1"),
    (rf"\bturn(?:ed|s)? over (?={_MORE}\b|[$€£]?\d)", "with turnover of "),
    (r"\bturn(?:ed|s)? over (?=the (?:most|least)\b)", "spent "),
    (rf"\b({_EARN}) (?:the )?(most|least) (?:money|cash|business)\b", r"\1 the \2"),
    (rf"{_WHAT} (?:money |cash )came in(?= (?:in|last|this|during|yesterday)\b)", "what was our revenue"),
    (rf"{_WHAT}(?: money)? (?:did|do|have) we (?:make|made|earn|earned) (?:off|out of)\b",
     "what was the revenue from"),
    (r"^(?!.*(?:%|\b(?:percent|percentage|share|part|portion|proportion)\b))(.*)\btakings\b", r"\1sales"),
    (r"\btop line\b", "revenue"),
    (r"\b(sales|revenue|turnover|profit|freight|margin|discount) (?:numbers?|stats)\b", r"\1"),
    (
        r"\b(?:fork(?:ed)? out|shell(?:ed)? out|lay out|laid out|cough(?:ed)? up|splash(?:ed)? out) (?:for|on)\b",
        "spend on",
    ),
    (
        rf"{_WHAT} (?:did|does|is|was) (?:freight|shipping|delivery)"
        r" (?:run us|run to|cost(?:ing)?(?: us)?|set us back)\b",
        "what was the shipping cost",
    ),
    (
        rf"{_WHAT} (?:does|did|do|is) (?:each|every) (carrier|shipper|courier|forwarder)"
        rf" (?:cost(?:ing)?|charg(?:e|ing)) us\b",
        r"shipping cost by \1",
    ),
    (r"\b(?:which|what) (\w*[^\Ws]) (?:do|did) we sell (?:the )?most of\b", r"which \1 sold the most units"),
    (r"\b(?:shift|move)(?:s|ed)? (?:the )?(most|fewest) (?:units|pieces|items)\b", r"sold the \1 units"),
    (r"\b(?:rake[sd]?|pull(?:s|ed)?|haul(?:s|ed)?) in\b", "brought in"),
    (r"\bprofit (?:did|have|do) we (?:turn|book|clear|pocket)(?:ed)?\b", "profit did we make"),
    (
        rf"\bdiscounts? (?:(?:that )?we{_HAVE} |that (?:was|were) |(?:(?:being|was|were|have been) ))?"
        r"(?:handed out|dished out|dealt out|given out|gave out|gave|granted)\b",
        "discounts given",
    ),
    (
        r"\bhow much (?:in )?discounts? (?:did|do|have) we (?:hand(?:ed)? out|dish(?:ed)? out|give(?: out)?|given)\b",
        "discounts given",
    ),
    (
        rf"\bhow much (?:in )?discounts? (?:did|do|has) {_NAME}"
        r" (?:hand(?:ed)? out|dish(?:ed)? out|give(?: out)?|given)\b",
        r"discounts given by \1",
    ),
    (r"\b(?:hand|dish)(?:s|es|ed)? out (?:the )?(most|least|fewest) discounts?\b", r"has the \1 discounts given"),
    (rf"\b(orders?|purchases?) (?:(?:that|which) )?(?:(?:is|are|was|were) )?(?:worth|totall?ing)"
     rf" (?={_MORE}(?: than)? (?:[$€£]|[\d,.]+k? (?:dollars|euros|pounds)\b))",
     r"\1 with revenue of "),
    (
        rf"{_WHAT} (?:did|was|is) {_NUMBERED} (?:come to|worth|total(?:led|ed)?|amount to|bring(?: us)? in)"
        rf"(?: in total)?{_END}",
        r"revenue of \1",
    ),
    (rf"\b(?:total |order )?(?:value|amount|worth) of (?={_NUMBERED})", "revenue of "),
    (r"\bhow much (?:business|trade) (?:did|do|have) we (?:do|done)(?= (?:with|in|last|this)\b)",
     "how much revenue did we do"),
    (rf"\bhow much (?:did|have) (?:(?:the|our|all) )?{_CUSTOMERS} (?:spend|spent)\b"
     r"(?! on (?:average|freight|shipping)\b)",
     "what was our revenue"),
    (rf"\bhow much (?:did|have) (?:(?:the|our) )?({_CUSTOMERS} .{{2,40}}?) (?:spend|spent)\b(?! on\b)",
     r"revenue of \1"),
    (
        rf"{_WHAT} (?:is|was|does|do|did) {_ANY}(?:average|typical) orders? (?:worth|come to|bring(?: us)? in)\b",
        "what is the average order value",
    ),
    (
        rf"{_WHAT} (?:is|was|does|did) an order (?:worth|come to|bring(?: us)? in)(?: to us)? on average\b",
        "what is the average order value",
    ),
    (
        rf"{_WHAT} (?:does|do|did) {_ANY}(?:average )?(?:customer|client|buyer)s? spend (?:per|on an?|in an?) order"
        r"(?: on average)?\b",
        "what is the average order value",
    ),
    (
        rf"{_WHAT} (?:does|did) {_ANY}(?:average|typical) (?:customer|client|buyer) spend(?: with us)?(?: on average)?"
        r"(?! (?:per|on|in an?) )",
        "what is the average revenue per customer",
    ),
    (rf"{_WHAT} (?:do|did) {_ANY}{_CUSTOMERS} spend(?: with us)? on average\b",
     "what is the average revenue per customer"),
)  # fmt: skip
"""Verbs of money, and what something is worth."""

_SHIPMENT = r"(?:an?|one|each) (?:(?:average|typical|single) )?(?:shipment|delivery)"
_LEAVE = (
    r"to (?:be )?(?:shipped|ship|sent|send|go|get|leave|dispatch(?:ed)?|deliver(?:ed)?)(?: out)?"
    r"(?: the (?:door|warehouse))?"
)
_SHIP = r"(?:ship|dispatch|send out|send)(?: (?:the|our|its))?(?: orders)?(?: out)?"
_SHIPPING = (
    (
        rf"{_WHAT} (?:does|do|did) {_SHIPMENT}((?: (?:to|by|with|via) .{{2,30}}?)?) cost(?: us)?(?: on average)?\b",
        r"what is the average shipping cost\1",
    ),
    (
        r"\b(?:what|how much) (?:does|did) it cost(?: us)?(?: on average)? to (?:ship|send|deliver) (?:an?|one)"
        r" (?:order|shipment|delivery|parcel)(?: on average)?\b",
        "what is the average shipping cost",
    ),
    (
        rf"{_WHAT} do we pay (?:per|for an?|for each) (?:(?:average|typical) )?(?:shipment|delivery)(?: on average)?\b",
        "what is the average shipping cost",
    ),
    (
        r"\b(?:get|getting|have|send|sending) (an?|the|our|all)? ?(orders?)((?: (?:to|for|from) (?:[\w'’-]+ ?){1,3}?)?)"
        rf" out(?: of)?(?: (?:the|our))?(?: (?:door|house|warehouse|gate))?{_THEN}",
        r"ship \1 \2\3",
    ),
    (
        rf"\b(orders|shipments) (?:(?:that|which) )?(?:we )?still (?:(?:need|have|are) )?{_LEAVE}{_THEN}",
        r"\1 not yet shipped",
    ),
    (rf"\b(orders|shipments) (?:(?:that|which) )?(?:are )?yet {_LEAVE}{_THEN}", r"\1 not yet shipped"),
    (rf"\b(orders|shipments) do we still (?:have|need) {_LEAVE}{_END}", r"\1 are not yet shipped"),
    (rf"\bwhen did {_NUMBERED} (?:leave|get (?:sent|shipped)(?: out)?)(?: the warehouse)?\b", r"when was \1 shipped"),
    (rf"\bhow (?:fast|quickly|promptly) (?:do|did) we {_SHIP}{_THEN}", "what is the average days to ship"),
    (
        rf"\bhow (?:fast|quickly|promptly) (?:do|did|does) {_NAME} {_SHIP}{_THEN}",
        r"what is the average days to ship for \1",
    ),
    (r"\b(?:went|gone|left) out late\b|\bleft late\b", "were shipped late"),
    (r"\b(?:shipments|deliveries) (?=(?:that )?(?:were|are|have been|arrived) (?:\w+ )?late\b)", "orders "),
)

_WON = (
    r"(?:acquired?|won|win|gain(?:ed)?|sign(?:ed)?(?: up)?|land(?:ed)?|attract(?:ed)?|bring in|brought in"
    r"|pick(?:ed)? up|add(?:ed)?)(?! back)"
)
_BUYERS = (
    (rf"\bhow many (?:new )?(\w+s) (?:did|have) we {_WON}(?: (?:in|for)(?= (?:each|every)))?", r"number of new \1"),
    (
        rf"\b(?:new )?(\w+s) (?:(?:that|whom?) )?we{_HAVE} {_WON}(?= (?:in |for )?(?:each|every|per|by)\b)",
        r"number of new \1",
    ),
    (
        rf"\bhow many orders did {_NAME} (?:put in|send us|send in|give us|submit){_THEN}",
        r"how many orders did \1 place",
    ),
    (
        rf"\bhow (?:often|many times) (?:did|has) {_NAME} (?:ordered|order|bought|buy)(?: (?:from|with) us)?{_THEN}",
        r"how many orders did \1 place",
    ),
    (
        rf"\bsince when (?:has|have|is) {_NAME} (?:been )?(?:(?:ordering|buying)(?: (?:from|with) us)?"
        rf"|(?:(?:an?|our) )?(?:customer|client)(?: of ours)?){_END}",
        r"when did \1 first order",
    ),
    (
        r"^(?:when (?:was|is) )?(?:the )?(last|first) time (?:that )?"
        rf"{_NAME} (?:ordered|bought|placed an order|purchased)"
        rf"(?: (?:anything|something))?(?: from us)?{_END}",
        r"when did \2 \1 order",
    ),
    (
        rf"\bwhen did {_NAME} (last|first) (?:buy|purchase) (?:anything|something)(?: from us)?{_END}",
        r"when did \1 \2 order",
    ),
)
"""A customer we win is a new one."""

TRADE: tuple[tuple[str, str], ...] = (*_NEVER_DONE, *_SUPPLIED, *_STOCK, *_PRICES, *_MONEY, *_SHIPPING, *_BUYERS)
