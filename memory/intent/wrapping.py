"""Polite and framing words around a question, which are blanked out before anything in it is named.

"My boss wants to know", "for the board meeting:", "thanks!" say who asks and why, never what. They are replaced by as
many spaces, so that every place in what remains is the same place in the question.
"""

from __future__ import annotations

import re

__all__ = ["unwrapped"]

_WHO = (
    r"(?:finance|sales|marketing|accounting|controlling|management|operations|logistics|purchasing|hr"
    r"|(?:the|our|my) (?:board|controller|cfo|ceo|coo|boss|manager|team|director|colleagues?|auditors?|bank"
    r"|accountant"
    r"|sales team|finance team|management))"
)
_MEETING = r"(?:meeting|report|deck|presentation|slides?|review|call|board|newsletter|budget|audit|briefing|dashboard)"
_LOWER = r"(?:(?-i:[a-z'’-]+)|(?:mon|tues|wednes|thurs|fri)day(?:['’]s)?)"
"""A word that names nothing: no number, and nothing that is capitalised but a weekday."""
_FRONT = (
    r"(?:hi|hey|hello|dear \w+|good (?:morning|afternoon|evening)|so|ok|okay|well|right|now|um|morning)"
    r"(?: there| all| team)?",
    r"(?:quick|short|simple|another|one more|one) (?:question|thing|one)(?: for you)?",
    rf"{_WHO} (?:wants?|needs?|is asking|asks|asked|would like|is interested in|wonders)(?: for| about)?"
    r"(?: to (?:know|see|have|understand|look at))?",
    rf"for (?:the|my|our|a|an|tomorrow's|today's|next week's) (?:[\w-]+ )?{_MEETING}"
    r"(?: (?:tomorrow|today|next week))?(?=[:, -])",
    r"(?:i was|i am|i'm|was|just)(?: just)? (?:wondering|curious)(?: about| if you (?:could|can) (?:tell|show) me)?",
    r"(?:we|i)(?: just| also| only)? (?:would need|need|want|would like|'d like|require)"
    r"(?: to (?:know|see|have|get|find out))?",
    r"(?:i'd|we'd|id) (?:like|love)(?: to (?:know|see|have|get))?",
    r"(?:do|would|could|can|will) you (?:please )?(?:happen to )?(?:know|tell me|tell us|say|give me|show me|check"
    r"|find out|work out|look up|help me (?:find|with))",
    r"(?:please )?(?:let me (?:know|see|have)|remind me(?: of)?|tell (?:me|us)(?: about)?|fill me in on)",
    r"as (?:an? |the |our |your )?(?:\w+ )?(?:controller|manager|analyst|accountant|buyer|ceo|cfo|director)"
    r"(?=,? (?:i|we)\b)",
    r"how (?:dependent|concentrated|reliant|diversified) are we"
    r"(?: on (?:the |our )?(?:\w+ )?(?:clients|accounts|customers))?",
    r"whenever (?:you have (?:a|the) (?:moment|time|minute)|it suits you|you get (?:a|the) chance|convenient)",
    r"(?:(?:i|we) )?would be (?:(?:ever|most|very|so|really) )*(?:grateful|thankful|glad|happy)"
    r" (?:if you (?:could|can|would) (?:please )?(?:tell|show|give|let) (?:me|us)(?: know)?|to (?:know|learn|see))",
    rf"i(?:'m| am) (?:{_LOWER} )+{_MEETING}(?: {_LOWER})*?(?:\.| and(?= would))",
    r"any idea|fetch|grab|print|output|retrieve|prepare|i'm interested in|i am interested in|looking for",
    r"please|pls|plz|kindly|just|quickly|actually|basically|simply|honestly",
    r"(?:just )?to be (?:sure|clear|safe)|out of (?:curiosity|interest)|i was asked (?:this|that)(?: \w+)?",
    r"(?:can|could|would|will) you (?:please )?help me with this|(?:we|i)(?: are|'re| am|'m) preparing an? \w+",
    r"i have (?:an? )?(?:\w+ )?(?:meeting|call|appointment)(?: \w+)?(?=[.:,])|i have to know",
    r"(?:report|wanted|what i need|needed)(?=:)|i(?:'m| am) after|(?:can|could|may) (?:i|we) (?:have|see|get)|send"
    r" me",
    r"(?:i'd|i would|we'd|we would) like(?: you)? to|(?:can|could|would|will) you(?: please)?",
)
_BACK = (
    r"(?:many |kind )?(?:thanks|thank you|thx|ty|cheers)(?: (?:in advance|a lot|very much|so much))?",
    r"please|pls|plz|if (?:possible|you can|you could|you don't mind)|asap|for me|as (?:of )?now",
    rf"for (?:the|my|our|a) (?:[\w-]+ )?{_MEETING}", r"that's all|that is all",
)  # fmt: skip
_BEFORE = re.compile(rf"[\s\"“]*(?:{'|'.join(_FRONT)})(?=[\s,:;.!?—–-])[\s,:;.!—–-]*", re.IGNORECASE)
_AFTER = re.compile(rf"[\s,;—–-]*(?<=[\s,;?!.—–-])(?:{'|'.join(_BACK)})[\s.!?\"”:)]*$", re.IGNORECASE)


_WRITTEN = re.compile(
    r"\((?:the )?(?:months?|years?|dates?|quarters?|weeks?)(?: are| is)?"
    r" (?:written|shown|formatted|given|like|as) [^()]*\)"
    r"| (?:written |formatted |shown )?(?:as|like) (?:YYYY|yyyy)(?:-MM|-mm)?(?:-DD|-dd)?\b"
    r"|(?<=margin) %|(?<=rate) %|(?<=share) %"
)


def unwrapped(question: str) -> str:
    """The question with its wrapping as spaces; of the same length."""
    text = _WRITTEN.sub(lambda found: " " * len(found[0]), question)
    place = 0
    while (match := _BEFORE.match(text, place)) and match.end() < len(text):
        place = match.end()
    if place:
        text = " " * place + text[place:]
    end = len(text)
    while (found := _AFTER.search(text[:end])) and found.start() > place:
        end = found.start()
    return text[:end].ljust(len(question))
