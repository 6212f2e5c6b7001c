"""What somebody bought, and how much of each: "what did X order from us in 2024? The articles and the quantities."

Each is a whole line about what is sold by the piece; the number is the layer's metric of pieces sold, by what was
bought, of the one that is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from memory.compiler import SemanticQuery
from memory.intent.known import NotUnderstood
from memory.intent.rows import Reader
from memory.intent.sentence import pattern
from memory.joins import NoJoinPath

__all__ = ["purchases"]

_BOUGHT = "(?:order|ordered|buy|bought|purchase|purchased|take|taken)"
_REST = r"(?: (?:from|so far|ever|in total|with|over years))*(?: (?:in|during|over|for) P| P)?"
_EACH = r"(?:of each(?: one| of them)?|each|each time|per E|for each)"
_MANY = (
    rf"(?:quantities|quantity|amounts?|pieces|units|how many|(?:total )?(?:number of )?(?:quantity|units|pieces|M\d+))"
    rf"(?: (?:sold|bought|ordered))?(?: {_EACH})?"
)
_FORMS = tuple(
    pattern(form)
    for form in (
        rf"(?:what|which E) (?:did|has|have|does) (?:F )?V {_BOUGHT}{_REST}(?: ,| \.)?(?: (?:show|give|list))?"
        rf"(?: (?:with|E|C))?(?: and)? {_MANY}",
        rf"(?:which |list |all )?E (?:that )?(?:F )?V (?:has |have )?{_BOUGHT}{_REST}(?: ,)? (?:and|with) {_MANY}",
    )
)


def purchases(reader: Reader, start: int) -> Iterator[SemanticQuery]:
    """Every query about what somebody bought that the whole line is."""
    known = reader.known
    if reader.table.casefold() not in known.goods or not known.pieces:
        return
    for form in _FORMS:
        match = form.fullmatch(reader.sentence.text, start)
        if match:
            try:
                found = _bought(reader, [group for group in match.groups() if group], match[0])
            except (NotUnderstood, NoJoinPath):
                continue
            if found is not None:
                yield found


def _bought(reader: Reader, groups: Sequence[str], text: str) -> SemanticQuery | None:
    known, label = reader.known, reader.nouns.label
    buyer = known.party("buy")
    found = reader.matches(next(g for g in groups if g[0] == "V"), lambda match: match.dimension == buyer)
    named = [reader.thing(letter) for letter in re.findall(r"\b[CM]\d+", text)]
    if found.op != "=" or not all(thing.name in (label, known.pieces) for thing in named):
        return None
    if not known.combinable(known.pieces, label) or not known.combinable(known.pieces, buyer):
        return None
    return SemanticQuery((known.pieces,), (label,), (found,), reader.window(groups))
