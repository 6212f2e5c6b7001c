"""Other ways to say what the grammar of records has one way for.

A line is rewritten before it is read: words that say nothing of the rows are left out ("in our company", "so far"), and
set phrases become the plain words they stand for. Nothing that could narrow the rows is ever left out.
"""

from __future__ import annotations

import re

__all__ = ["plainly"]

_PRONOUN = "(?:it|he|she|they|each of them|each of those|each|that person|this person|them)"
_REWRITTEN: tuple[tuple[str, str], ...] = (
    (r"\b(each|every) N\d+(?= |$)(?! E)", r"\1"),
    # "are there any ...? List them", "who have we lost? I mean ..."
    (r"^(?:are|is) there (?=.*\. (?:list|name|show|give|which) )", ""),
    (r" \. (?:list|name|show|give|tell) (?:them|those|it)$", ""),
    (r"^[^A-Z.]*\. (?:i )?mean ", ""),
    # who stays away
    (r"\b(not|nothing|no [EF]\d+) at all(?= |$)", r"\1"),
    (r"\bnever (bought|ordered|purchased) (?:any|anything from|anything in|a single|anything of)(?= [VFE]\d)",
        r"never \1"),
    (r"^among (E\d+) ((?:who|that|which) .*?) , (?:who|which|whose)(?: ones| of them)? (?=ha(?:s|ve)|did|do)",
     r"which \1 \2 and "),
    (r"^(?:who|which) are (E\d+) (?=that|who|which)", r"which \1 "),
    (r" over time(?= |$)", ""),
    (r" (?:\.|,) ([CFE]\d+)(?: \1)? only$", ""),
    (r" ,? ?and (?:on|at|under|by) (?:which|what) ([CF]\d+) , (at|of|for) ", r" and \1 \2 "),
    (r"\bhad no sales?(?= (?:in|during|at)|$)", "were not sold"),
    (r"(V\d+) , (E\d+)$", r"\1 \2"),
    (r"\bare still$", "are there"),
    (r"^((?:list|give|show) )?numbers? and (?=C\d+ of)", r"\1"),
    (r"\bwith (?:their |its )?numbers? and (?=C\d)", "with "),
    (r"\b(?:still )?(?:carry|carries|show|shows|lack|lacks) no (?=C\d)", "with no "),
    (r"\bhave a E\d+ with but (?=have|never|not)", ""),
    (r"\bwho on E\d+ list (?=ha)", "who "),
    (r" we(?: have)?(?: ever)? (?:paid|had|took|taken|seen|got|issued|charged|recorded)(?= |$)", ""),
    (r"^who bought (.*) , E(\d+) by E\d+$", r"who bought \1"),
    (r"\b(suppl(?:y|ies|ied)|provides?|provided) with (?=[QNFE]\d)", r"\1 "),
    (r"^((?:(?:how many|number of|count(?: of)?|list|show|which|what|share of) )?)P(\d+) ((?:[KBV]\d+ )*E\d+)(?= "
     r"|$)(?! P\d)",
        r"\1\3 in P\2"),
    (r"\b(how many|number of|count(?: of)?|list|show|which|what) P(\d+) ((?:[KBV]\d+ )*E\d+)(?= |$)(?! P\d)",
        r"\1 \3 in P\2"),
    (r"^for how many (E\d+) is (C\d+) (missing|empty|unknown|blank)$", r"how many \1 have no \2"),
    (r"\b(?:lacks?|lacking|miss) (?:a )?(?=C\d)", "have no "),
    (r"\b(C\d+) (?:missing|empty|left empty|blank)(?=$| ,)", r"with no \1"),
    (r"(?<=E\d) can not be faxed", "have no fax"),
    (r"\bwith (?:an? )?(C\d+) (?:to|at) (Q\d+)", r"with \1 \2"),
    (r"(?<=E\d) (?:with|have|has) a E\d+ (?:that |which )?(?=(?:starts?|begins?|ends?|contains?|starting|ending) )",
     " "),
    # what says nothing
    (r" (?:in|at|of|with|for) (?:company|business|firm|organisation|organization)(?= |$)", ""),
    (r" (?:so far|since day one|to date|ever since|exactly(?! (?:once|one|N\d))|altogether|up to now|until now|at"
     r" present|presently|asap"
     r"|as it stands|thanks|thank you|if possible|internally|as well|too)(?= |$)", ""),
    (r"^over years ,? ?", ""),
    (r"(?<= )at least once(?= |$)", ""),
    (r"\bvery (?=first|last|latest)", ""),
    (r"\b(?:has|have|did) not (placed?|made|make) a single (?=[EF]\d)", r"have not \1 a "),
    (r"\bnot (?:even )?(?:a|one) single (?=[EF]\d)", "no "),
    (r" (?:on|in|from) (?:C\d+ list|catalogue|range|assortment|books|product list)(?= |$)", ""),
    (r" , who are they$", ""),
    (r"\bmembers of (?=E\d)", ""),
    (r"^in which (V\d+) (C\d+) do we have (E\d+)$", r"in which \2 do we have \3 in \1"),
    (r" \. (?:tell|add|include|mention) ([CF]\d+)$", r" with \1"),
    (r",? ?and what (?:that person|his|her|its|their) ([CF]\d+)(?= |$)", r" and \1"),
    (r"\b(reports?|reporting) directly\b", r"\1"),
    # one way to say it
    (r"\b(?:dispatched|despatched)\b", "shipped"),
    (r"\b(bought|ordered|purchased) of (?=V\d)", r"\1 "),
    (r"^is there (?:a )?(E\d+) (?=that |who |which |with )", r"every \1 "),
    (r"\bhow many (?:units )?(?:do we have|are there|are|have we got) in (C\d+) ,? ?and what (?:is )?(?=C\d)",
     r"\1 and "),
    (r" ,? ?and what (?:each|each of them|they|they each) spent$", " and what they spent"),
    (r"\blisted (?=Q\d)", "priced "),
    (r"\bwith ([CF]\d+) (?:each|each one|they|each of them) (?:is|are) (?:in|at|from)(?= |$)", r"with \1"),
    (r" (?:,|\.) ((?:[CFE]\d+ and )*[CFE]\d+) will do$", r" with \1"),
    (r",? ?and (?:at|for|in|on) what ([CF]\d+)(?= |$)", r" and \1"),
    (r"\b(?:leave|leaves|go out of|goes out of|leave from)(?: from)? warehouse\b", "ship"),
    (r"\b(?:left|gone out of|went out of)(?: from)? warehouse\b", "shipped"),
    (r"\b(?:went out|gone out|sent out)\b", "shipped"),
    (r"\bgo out\b", "ship"),
    (r"\bcosts?(?: us)? (?:most|more than any other) to (?:ship|send|deliver)\b", "is most expensive to ship"),
    (r"\b(?:joined|started)(?: with)?(?: us)? (most recently|last|first|earliest)\b", r"was hired \1"),
    (r"\b(?:completely|totally|entirely) (?=K\d)", ""),
    (r"\b(?:went|gone) for\b", "bought"),
    (r"\bcome in\b", "placed"),
    (r"\bcame in\b", "placed"),
    (r"\b(?:join|joined) us\b", "joined"),
    (r"\bw with\b", "with"),
    (r"\bwaiting to (ship|leave)\b", "waiting to be ship"),
    # "..., and what is their title", "..., and which city does she work in": one more column
    (rf",? ?and (?:what|which|(?:in|at|on|by|from) (?:what|which)) ([CF]\d+) (?:is|are|does|do|did) {_PRONOUN}"
     r"(?: (?:in|at|from|have|has|work from|work in|live in|come from|based in|located in|works?|live))?(?= |$)",
     r" and \1"),
    (rf",? ?and what (?:is|are|was) (?:(?:that person|that|{_PRONOUN}|his|her|its|their) )?(?:'s )?([CF]\d+)"
     rf"(?: of {_PRONOUN})?(?= |$)", r" and \1"),
    (rf",? ?and ([CF]\d+) {_PRONOUN} (?:is|are|has|have|comes|come|works|work)(?: (?:in|at|from|based in|located"
     rf" in))?"
     r"(?= |$)", r" and \1"),
    (rf"(?<=[CF]\d),? ?and ([CF]\d+) of {_PRONOUN}(?= |$)(?! [KBVEF]\d)", r" and \1"),
)  # fmt: skip
_COMPILED = tuple((re.compile(form), text) for form, text in _REWRITTEN)


def plainly(text: str) -> str:
    """The line in the words of the grammar."""
    for form, plain in _COMPILED:
        text = form.sub(plain, text)
    return " ".join(text.split()).strip(" ,.")
