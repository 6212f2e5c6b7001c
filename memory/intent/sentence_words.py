"""What a line of a question is written with: words that say nothing, short forms, texts in names, quantities."""

from __future__ import annotations

import re

__all__ = ["CONTRACTED", "NOT_BEFORE_NOUN", "QUANTITIES", "SHIELDED", "SILENT", "SPELT_RIGHT", "TEXT", "THEN"]

_QUIET = "the our your my these those please pls plz any some us me i overall actually"
SILENT = frozenset(_QUIET.split())
SPELT_RIGHT = frozenset(["brought", "course", "turn", "quiet", "gone", "paid", "once", "taken", "gave", "ever"])
"""Words of the grammar that look like a slip in a name to who knows the names alone."""
CONTRACTED = {
    **{f"{verb}nt": f"{verb} not" for verb in ("do", "does", "did", "is", "are", "was", "were", "has", "have", "had")},
    "cannot": "can not", "an": "a", "whats": "what is", "whos": "who is",
}  # fmt: skip
TEXT = re.compile(
    r"(?P<before>\b(?:(?:starts?|starting|begins?|beginning) with(?: the)?(?: letters?)?|(?:ends?|ending) (?:in|with)"
    r"|(?:contains?|containing|includes?|including|with) the word"
    r"|(?:name|title|description|size|address|packaging|it|that) (?:contains?|containing|includes?|mentions?)"
    r"|(?:with|have|has|where)(?=(?: the word)? \S+ (?:in|is part of|is in) (?:their|its|the) ))(?: the word)? )"
    r"(?P<text>['\"‘“][^'\"’”]+['\"’”]|[\w-]+)",
    re.IGNORECASE,
)
SHIELDED = re.compile(
    r"\bin (?:(?:reverse )?(?:ascending|descending|alphabetical|chronological) )?order(?: of)?\b"
    r"(?!\s*(?:no\b|number\b|#)?\W*\d)"
    r"|\b(?:ascending|descending) order\b",
    re.IGNORECASE,
)
THEN = "in|on|at|during|before|after|since|from|for|with|by|last|this|and|most|more"
NOT_BEFORE_NOUN = frozenset(["not", "never", "did", "do", "does", "to", "we", "ever"])
QUANTITIES: tuple[tuple[str, str], ...] = (
    (r"(?:more|greater|higher|larger|bigger|longer) than N|(?:over|above|exceeding) N|N plus", ">"),
    (r"(?:less|fewer|lower|smaller|shorter) than N|(?:under|below) N", "<"),
    (r"at least N|N or (?:more|higher|above|over)|(?:no|not) (?:less|fewer) than N|(?:a )?minimum of N", ">="),
    (r"at most N|N or (?:less|fewer|lower|below|under)|(?:no|not) more than N|up to N|(?:a )?maximum of N", "<="),
    (r"exactly N", "="),
)
