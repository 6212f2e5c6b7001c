"""Words and set phrases that set a metric against something, in Greek letters, apart from those of plain questions.

Δ growth, change, rise, fall, difference    Ω in percent, in absolute terms    ψ year over year    Σ running total
μ average, maximum    α above the average    Λ more, less    λ how much more    τ than    ν without, outside
φ fastest    κ combination of    β only who has some in both periods
ω above what it is of all    ζ those with nothing as well
P the year before (a period that the question's other words must date)

A question with a Greek letter left over is understood by no plain core, so these words cost the plain ones nothing.
"""

from __future__ import annotations

import re

__all__ = ["AVERAGE_CUE", "COMPARISON_CODES", "COMPARISON_PHRASES", "COMPARISON_SIGNS"]

COMPARISON_SIGNS = "ΔΩψΣμαΛλτνφκβωζ"

COMPARISON_CODES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("growth", "grow", "grows", "grew", "grown", "growing"), ("Δ", "growth")),
    **dict.fromkeys(("change", "changes", "changed"), ("Δ", "change")),
    **dict.fromkeys(("increase", "increases", "increased", "rise", "rises", "rose", "risen", "gain", "gains",
                     "gained", "jump", "jumps", "jumped", "climb", "climbs", "climbed"), ("Δ", "rise")),
    **dict.fromkeys(("decrease", "decreases", "decreased", "decline", "declines", "declined", "drop", "drops",
                     "dropped", "fall", "falls", "fell", "fallen", "shrink", "shrinks", "shrank", "slump",
                     "slumps", "slumped", "dip", "dips", "dipped"),
                    ("Δ", "fall")),
    **dict.fromkeys(("difference", "gap"), ("Δ", "difference")),
    **dict.fromkeys(("cumulative", "cumulated", "accumulated", "cumulatively"), ("Σ", "")),
    **dict.fromkeys(("average", "mean", "avg"), ("μ", "avg")),
    "median": ("μ", "median"),
    **dict.fromkeys(("maximum", "max", "peak"), ("μ", "max")),
    **dict.fromkeys(("minimum", "min"), ("μ", "min")),
    **dict.fromkeys(("more", "higher", "greater", "larger", "bigger"), ("Λ", "desc")),
    **dict.fromkeys(("less", "fewer", "lower", "smaller"), ("Λ", "asc")),
    "than": ("τ", ""), "between": ("p", ""), "among": ("p", ""), "including": ("w", ""), "both": ("k", ""),
    "better": ("Λ", "better"), "combined": ("m", ""), "shared": ("~", ""),
    **dict.fromkeys(("outside", "excluding", "exclude", "excludes", "except", "without"), ("ν", "")),
    **dict.fromkeys(("strongest", "fastest"), ("φ", "desc")),
    **dict.fromkeys(("combination", "combinations", "pair", "pairs"), ("κ", "")),
    **dict.fromkeys(("saw", "recorded", "experienced", "suffered", "posted"), ("", "")),
}  # fmt: skip
"""Folded words: their code and which of its meanings."""

_PERCENT = "(?:percentage|percent|%|relative)"
_MORE = "(?:more|higher|greater|larger|bigger)"
_LESS = "(?:less|fewer|lower|smaller)"
_MEAN = "(?:the |an |a |their |that of the )?(?:average|mean)"
_WERE = "(?:(?:that |which |who )?(?:is|are|was|were|do|did|does) )?"
_PLACED = (
    "(?:from|in|to|for|by|via|of|at"
    "|(?:based|located|shipped|delivered|handled|taken|sold|supplied|going|placed)(?! for))"
)
_GRAINS = (("year", "y"), ("quarter", "q"), ("month", "m"))
_TIMES = (
    ("2", "(?:twice|double|two times|2 times|2x)"), ("3", "(?:three times|3 times|3x|triple)"),
    ("1.5", r"(?:one and a half times|1\.5 times|1\.5x)"),
)  # fmt: skip

_OF_ALL = (
    r"(?:the |our |that of (?:the )?)?(?:company[- ]wide|overall|whole company(?:['’]s)?|company (?:average|as a"
    r" whole))"
    r"(?: (?:rate|level|average(?=[,.?]|$| (?:for|in|of|over)\b)|figure|one))?(?: (?:gave|had|achieved|got))?"
)
_THOSE = r"(?:only |just )?(?:the |those |ones |accounts |customers |clients |things |products )*(?:that|who|which)"

_ANYBODY = (
    r"(?:anyone|anybody|everyone|everybody|all|those|any|ones|people|employees|reps|customers|carriers|shippers"
    r"|suppliers|products|categories|sellers|staff|the ones)"
)
_NONE = r"(?:none|nothing|no \w+|zero|not? any|a zero|0|without any)"

COMPARISON_PHRASES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("ζ", "", (
        rf"(?:(?:and )?(?:also |even )?(?:including|include|counting|don['’]?t (?:leave out|forget|skip)|do not"
        rf" (?:leave"
        rf" out|forget|skip)|(?:not|without) leaving out|(?:show|list)ing?(?: also)?|even|also))"
        rf" (?:the )?{_ANYBODY}(?: of (?:them|those))? (?:(?:who|that|which) (?:has|have|had|took|got|did|made)|with"
        rf"|having) {_NONE}(?: at all)?(?: as (?:zero|0|nil))?",
        rf"(?:including|counting|not leaving out|without leaving out) (?:the )?{_ANYBODY} without (?:any|one)",
        r"(?:with )?(?:the )?(?:zeros|zeroes|zero values) included|even (?:if|where|when) (?:it is |that is"
        r" )?(?:zero|none|0)",
        r"(?:with |showing |and |show )?(?:a )?(?:0|zero|nil|nought)(?: shown)? (?:if|where|when|for)"
        rf" (?:{_ANYBODY} (?:that|who|with|without) (?:\w+ ){{0,2}})?(?:there (?:is|are|were|was) )?(?:none"
        rf"|nothing|any)",
        r"(?:and |with )?(?:0|zero|nil|nought|nothing)(?: shown)? if (?:it|they|he|she|one)"
        r" (?:\w+ ){1,2}(?:nothing|none)"
        r"(?: (?:at all|in )?(?:that|the same) (?:year|quarter|month|period))?",
        r"nobody left out(?:, 0 if none)?|with nobody left out|(?:those|anyone|anybody) with (?:none|nothing) as"
        r" (?:zero|0)",
    )),
    ("β", "", (
        rf"(?:(?:counting|considering|looking at|taking|among|of|for) )?{_THOSE} (?:\w+ ){{1,4}}in (?:both|each)"
        r"(?: of)?(?: the)?(?: two)? (?:years|periods|quarters|months)",
    )),
    *(("ω", f"{order} {times}".strip(), (
        rf"(?:(?:is|are|was|were|that (?:is|was)) )?(?:{said}){many} {_OF_ALL}",
    )) for times, many in (*((t, rf" {s}") for t, s in _TIMES), ("", "")) for order, said in (
        ("desc", rf"above|over|{_MORE} than|beats?|exceed(?:s|ed|ing)?"), ("asc", rf"below|under|{_LESS} than"))),
    ("ω", "desc >=2", (rf"(?:(?:is|are|was|were|that (?:is|was)) )?at least (?:twice|double) {_OF_ALL}",)),
    ("Λ", "desc 2", (r"more than (?:twice|double|two times)(?: as much)?(?! the (?:average|mean))",
                     r"more than doubled")),
    ("Λ", "desc 3", (r"more than (?:three times|triple)(?: as much)?(?! the (?:average|mean))", r"more than tripled")),
    ("Λ", "asc 0.5", (r"less than half(?: as much)?(?! the (?:average|mean))", r"(?:more than halved)",
                      r"(?:dropped|fell|declined|decreased) by more than half")),
    *(("ψ", grain, (rf"{grain}[ -](?:over|on)[ -]{grain}", rf"{a}-?o-?{a}", rf"{a}/{a}")) for grain, a in _GRAINS),
    *(("P", grain, (
        rf"(?:the |its )?(?:previous|prior|preceding) {grain}(?:['’]s)?",
        rf"(?:the |a |one )?{grain} (?:before|earlier)(?: it)?",
    )) for grain, _ in _GRAINS),
    ("Δ", "both", (
        r"(?:value, previous value|both values) and (?:the )?"
        r"(?:(?:%|percent|percentage) (?:change|growth)|growth rate)",
    )),
    ("Δ", "percent", (
        rf"{_PERCENT} (?:change|growth|difference)", r"growth rates?", r"rates? of growth",
        r"(?:change|growth) in (?:percent|%)(?! of)",
    )),
    ("Δ", "percent rise", (rf"{_PERCENT} (?:increase|rise|gain)", r"(?:increase|rise) in (?:percent|%)(?! of)")),
    ("Δ", "percent fall", (rf"{_PERCENT} (?:decrease|decline|drop|fall)",)),
    ("Δ", "points", (r"change in percentage points", r"percentage[ -]point change")),
    ("Δ", "change", (
        r"(?:grow|rise|increase|go up|change) or (?:shrink|fall|decrease|decline|drop|go down)",
        r"(?:shrink|fall|decrease|decline|drop|go down) or (?:grow|rise|increase|go up)",
    )),
    ("Δ", "rise", (r"(?:go|goes|went|gone) up",)),
    ("Δ", "fall", (r"(?:go|goes|went|gone) down", r"(?:lost|losing)(?= the (?:most|least))")),
    ("φ", "growing", (r"fastest[ -]growing",)),
    ("Ω", "percent", (
        r"(?:by )?(?:what|how many) (?:percent(?:age)?|%)(?= (?:did|has|have)\b)", r"in relative terms",
        r"(?:in |as )(?:a )?(?:percent(?:ages?)?|%)(?: terms)?(?! (?:of|points?)\b)", r"by how many (?:percent|%)",
    )),
    ("Ω", "absolute", (r"in absolute (?:terms|numbers|figures|amounts?)", r"by how (?:much|many)(?! (?:more|less"
                                                                          r"|higher|percent|%))")),
    ("Σ", "", (
        r"(?:(?<=and )|(?<=with )|(?<=plus ))(?:the |a |their )?(?:number|count|total|sum|amount) so far",
        r"(?:running|cumulative) (?:total|sum)s?(?: of)?", r"running", r"accumulate[sd]?", r"to date",
    )),
    ("Λ", "desc", (rf"{_MORE} than(?= (?:in|during) )",)),
    ("Λ", "asc", (rf"{_LESS} than(?= (?:in|during) )",)),
    ("O", "time", (r"in (?:calendar|chronological) order", r"chronologically")),
    ("λ", "desc", (rf"(?:by )?how (?:much|many) {_MORE}",)),
    ("λ", "asc", (rf"(?:by )?how (?:much|many) {_LESS}",)),
    *(("α", f"desc {times}", (
        rf"(?:(?:is |are |of )?{_MORE} than|over|above|exceed(?:s|ed|ing)?) {said} (?:that of )?{_MEAN}",
    )) for times, said in _TIMES),
    ("α", "desc", (
        rf"(?:above|over)[ -]{_MEAN}", rf"(?:(?:is|are|was|were) )?{_MORE} than {_MEAN}",
        rf"(?:beats?|exceed(?:s|ed|ing)?) {_MEAN}",
    )),
    ("α", "asc", (rf"(?:below|under)[ -]{_MEAN}", rf"(?:(?:is|are|was|were) )?{_LESS} than {_MEAN}")),
    ("μ", "avg", (r"on average",)),
    ("v", "", (r"next to(?! each)",)),
    ("", "", (r"and (?:what|how (?:much|many|high|big|large)) (?:is|was) it", r"(?:the )?key figures(?: for)?")),
    ("ν", "", (
        r"other than", r"apart from", r"aside from", r"but not", r"except(?:ing)? for", r"(?:leaving|leave) out",
        r"not (?:counting|including)", r"with the exception of", r"outside of",
        rf"{_WERE}not(?= {_PLACED}\b)", rf"(?:that |which |who )?(?:is|are|was|were)n['’]t(?= {_PLACED}\b)",
    )),
)  # fmt: skip
"""Set phrases as in `memory.intent.words`, looked for before those."""
AVERAGE_CUE = re.compile(
    "|".join(rf"\b(?:{cue})\b" for code, _, cues in COMPARISON_PHRASES if code == "α" for cue in cues), re.IGNORECASE
)
"""What says "above the average", so that "average" is no part of any name."""
