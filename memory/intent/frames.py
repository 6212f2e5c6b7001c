"""Frames around a plain question and the plain question in their place, for `memory.intent.rephrasing`.

"Where does our delay rate stand?" is the delay rate, "go through the reps one by one: orders" is orders by rep. A frame
says how a number is to be shown or who is to be gone through, and never which rows are counted; so what it holds is
kept word for word, in the order in which the grammar of metrics has it. Each pair is a regular expression over the
question and what stands in its place.
"""

from __future__ import annotations

__all__ = ["FRAMES"]

_NUMBER = r"(?:two|three|four|five|six|seven|eight|nine|ten|twelve|\d+)"
_SHOW = r"(?:(?:give|show|list|tell|name)(?: me| us)? )?"
_OURS = r"(?:the |our |all |all the |all our )?"
_COMPARE = r"(?:stack up|compare|do|differ|fare|measure up)"
_BY = r"(?:on|in terms of|by|in|with respect to|when it comes to|as to|as regards)"
_END = r"(?=[.?!]*$)"
_MOST = r"(highest|largest|biggest|greatest|most|lowest|smallest|least|fewest)"
_NAME = r"((?!the |our |how |each )(?:(?! (?:in|for|of|we|on|by|than|that) ).){2,40}?)"
"""What may be two names beside each other: no clause, and no number of something."""
_REST = r"(?P<rest>(?: (?:in|for|during|over|from|since|throughout|between|of|on|last|this) .*)?)"

FRAMES: tuple[tuple[str, str], ...] = (
    # one number
    (
        r"^(?:what|which) (?:kind|sort|level|amount) of (.+?) did we (?:end up with|arrive at|achieve|reach|come to)\b",
        r"what was the \1",
    ),
    (r"^where (?:does|do|did) (?:our |the )?(.+?) stand\b", r"what is the \1"),
    (r"^what (?:figure|number|value) (?:do|did) we (?:have|get|see) for (?:our |the )?", "what is the "),
    (r"^(?:put|can you put) a (?:number|figure) on (?:our |the )?", "what is the "),
    (r"^(?:the )?(?:figure|number|value) for (?:our |the )?(?=[a-z])", "what is the "),
    (r"^(?:what does|how does) (?:our |the )?(.+?) look like\b", r"what is the \1"),
    (r"^how (?:high|big|large|low) (?:is|was|are|were) (?:our |the )?", "what is the "),
    (r"^add up (?:our |the |all )?(?!.* and )", "total "),
    (r",? all in all\b", ""),
    (r"^one thing: ", ""),
    # every one of them
    (
        rf"\bgo through {_OURS}(\w[\w '-]*?) one (?:by one|at a time|after the other)[:,]? (?:the |their )?(.+)$",
        r"\2 for all the \1",
    ),
    (r"^put (?:the |our )?(.+?) (?:next to|beside|against) (?:each|every) ", r"\1 for each "),
    (r"\b(?:take|get) (?:the |our )?(.+?) and (?:split|break|divide) it (?:up |down )?by ", r"\1 by "),
    (rf"\b{_SHOW}all (?:of )?(?:the |our )?(\w[\w ]*?), each with (?:its|their|his|her) ", r"for all the \1, the "),
    (
        rf"^{_SHOW}(?:each|every) (\w[\w ]*?) and (?:the |its |their )?(.+?) of each(?: of them| one)?\b",
        r"\2 for each \1",
    ),
    (r",\s*one (?:line|row|figure|number) (?:per|for each|for every) ", " for each "),
    (r"\bhow do (?:our |the )(\w[\w ]*?) compare (?:on|in terms of|by) (?:the |their )?(.+)$", r"\2 for all the \1"),
    (r"^(?:set out|draw up|lay out|plot|chart|tabulate) (?:the |our )?(?=\w)", "show "),
    # two or more that are named
    (
        rf"^how (?:do|does|did) {_NAME} (?:and|compare (?:with|to)) {_NAME} {_COMPARE}(?: against each other)? {_BY}"
        r" (?:the |their )?(.+)$",
        r"compare the \3 for \1 and \2",
    ),
    (
        rf"^how (?:does|did) {_NAME} compare (?:with|to|against) {_NAME} {_BY} (?:the |its )?(.+)$",
        r"compare the \3 for \1 and \2",
    ),
    (
        rf"^compare {_NAME} (?:to|with|and|against) {_NAME} {_BY} (?:the |their )?(?=[a-z])(.+)$",
        r"compare the \3 for \1 and \2",
    ),
    (r"\bfor each of (?=(?-i:[A-Z]))(.+)$", r"for \1, side by side"),
    (r",? (?:one|a) (?:line|row|figure|number) (?:each|for each(?: of them)?)\b", ", respectively"),
    # sorted
    (
        rf"^{_SHOW}{_OURS}(\w[\w ]*?) with (?:the )?{_MOST} (\w[\w ]*?) first{_REST}{_END}",
        r"rank the \1 by \3, \2 first\g<rest>",
    ),
    (rf"^(?:a |the )?(?:league table|ranking|ranked list) of {_OURS}", "rank the "),
    (rf"^how (?:do|did) {_OURS}(\w[\w ]*?) rank (?:by|on|in terms of|for) ", r"rank the \1 by "),
    (
        r"^(?!.*\b(?:by|each|every|average|avg|mean|across)\b)(?!.* per .* per )(.+?) per (?=\w.*\b(?:first|on top"
        r"|high to low|low to high|highest to lowest|lowest to highest|descending|ascending)\b)",
        r"\1 by ",
    ),
    (rf"[.,;]\s+i only (?:want|need) the ({_NUMBER}) (worst|best)\b", r", \1 \2"),
    (rf"^(?:sort|order) {_OURS}(\w[\w ]*? by )", r"rank the \1"),
    (r"^rank (?:each|every) (\w[\w ]*?) by its ", r"rank the \1s by "),
    (
        rf"^(which|what) (?!of\b)(.+?)\? (?:the |only the |just the |show the )?(?:top|first) ({_NUMBER})\b[,:]?",
        r"\1 \3 \2?",
    ),
    # the answer told beforehand
    (r"^(?:the |a )?((?:19|20)\d\d) (?:league table|overview|ranking|table|summary|breakdown|report): ", r"in \1, "),
    (r"^((?:19|20)\d\d) in \w+ (?:figures|numbers): ", r"in \1, "),
    (r"\b[Cc]olumns?: ", ""),
    (r"^(.* per .*?)\s*[-–,] what (?:was|is) (?:it|that) on average\?*$", r"average \1"),
)
