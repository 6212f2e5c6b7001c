"""Stops a run whose question no SELECT can answer, before a model is asked and before anything is read.

Empty, too long, an instruction to change data, or not about this data: each ends the run with its own class and a
sentence that helps. The read-only connection and the guard are what protect the warehouse; this step only saves
the asker a confusing answer. So it refuses what is plainly an instruction to write and lets everything doubtful
pass: "which products were dropped?" and "change in revenue" are honest questions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.errors import ErrorClass
from agent.run import Grounding, RunError, RunState, RunStatus
from memory.lexical import STOP_WORDS, identifier_words, stems, tokenize

if TYPE_CHECKING:
    from agent.services import Services
    from memory.catalog import Catalog
    from memory.semantics import SemanticLayer

__all__ = ["Objection", "is_about_data", "node", "objection", "wants_write"]


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a question goes no further."""

    status: RunStatus
    error: RunError


_POLITE = (
    r"(?:(?:please|kindly|now|just|also|then|immediately|quickly|ok(?:ay)?|hey|hi|so)[\s,]+|"
    r"(?:can|could|would|will)\s+you\s+(?:please\s+|kindly\s+|just\s+)?|"
    r"(?:i\s+(?:want|need|would\s+like)|i['’]d\s+like)\s+(?:you\s+)?to\s+|"
    r"you\s+(?:must|should|have\s+to|need\s+to)\s+(?:now\s+)?|(?:go\s+ahead\s+and|help\s+me(?:\s+to)?|let['’]?s)\s+)*"
)
_CLAUSE = rf"(?:^|[.;:!?\n]\s*|,\s*|\b(?:and|then|also)\s+){_POLITE}"
_SENTENCE = rf"(?:^|[.;:!?\n]\s*){_POLITE}"

# SQL that writes, at the start of a clause.
_WRITE_SQL = re.compile(
    _CLAUSE + r"(?:delete\s+from\s+\w|insert\s+(?:or\s+\w+\s+)?into\s+\w|replace\s+into\s+\w|merge\s+into\s+\w|"
    r"update\s+[\w.\"`\[\]]+\s+set\s|truncate\s+(?:table\s+)?\w|alter\s+(?:table|user|role|database|schema)\s|"
    r"drop\s+(?:table|view|index|database|schema|column|user|role|trigger)\s+\w|"
    r"create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+|unique\s+)?(?:table|view|index|database|schema|user|role|trigger)"
    r"\s+[\w.\"`]+\s*(?:\(|as\s|on\s|$)|grant\s+\w+(?:\s*,\s*\w+)*\s+(?:on|to)\s|revoke\s+\w+\s+(?:on|from)\s|"
    r"attach\s+database\s|vacuum\s*(?:;|$))",
    re.IGNORECASE,
)
# Verbs that have no reading sense in an order: whatever follows, it is to be destroyed.
_DESTROY = re.compile(
    _CLAUSE + r"(?:delete|erase|purge|wipe(?:\s+out)?|truncate|destroy)\s+"
    r"(?!rates?\b|flags?\b|dates?\b|requests?\b|counts?\b|logs?\b|history\b|events?\b|markers?\b)\w",
    re.IGNORECASE,
)
_DROP = re.compile(
    _CLAUSE + r"drop\s+(?:the\s+|this\s+|that\s+|all\s+|every\s+|my\s+|our\s+)*(?:\w+\s+){0,2}"
    r"(?:tables?|databases?|schemas?|views?|indexe?s?)\b",
    re.IGNORECASE,
)
_THINGS = r"(?:customers?|orders?|products?|rows?|records?|entr(?:y|ies)|items?|users?|employees?|suppliers?|{nouns})"
_OBJECT = r"(?:(?:the|this|that|these|those|all|any|every|each|my|our|his|her|their|its|a|an|new|another|\d+)\s+)"
_REMARK = r"(?!\s+(?:lists?|reports?|summar|overview|breakdown|ranking|counts?|charts?|totals?|table|by|per)\b)"
_QUALIFIERS = r"(?:(?!of\b|in\b|for\b|from\b|by\b|to\b|with\b)\w+\s+){0,2}?"
_ADD = _SENTENCE + rf"(?:insert|add|create|register|enter|append|put)\s+{_OBJECT}+{_QUALIFIERS}{_THINGS}\b{_REMARK}"
_REMOVE = _SENTENCE + rf"(?:remove|drop|cancel|archive|discontinue)\s+{_OBJECT}*{_QUALIFIERS}{_THINGS}\b{_REMARK}"
_CHANGE = re.compile(
    _SENTENCE
    + r"(?:(?:set|change|modify|alter|update|rename|overwrite|reset|edit|correct|fix|mark|move|assign|replace)\s+"
    r"(?!in\b|of\b|on\b|from\b|over\b|between\b|me\b|us\b|(?:the\s+)?(?:sort|grouping|format|chart|period|unit|"
    r"currency|granularity|limit|filter|view|report|ranking)\b)[^?\n]*?\s(?:to|as|with|=|into)\s*\S|"
    r"(?:increase|raise|decrease|reduce|lower|cut|double|halve|multiply)\s+"
    r"(?:(?:the|all|every|each|our|my|unit)\s+)+[^?\n]*?(?:\b(?:by|to)\s+[\d$€£]|$)|"
    r"update\s+(?:the|all|every|this|that|our|my)\s+(?:\w+\s+){0,2}(?:tables?|records?|rows?|database|prices?|stock)\b)",
    re.IGNORECASE,
)
# A reading word anywhere means that something is to be shown, so the softer verbs above are not an order to write.
_READING = re.compile(
    r"\?|\b(?:show|list|which|what|how\s+(?:many|much|often|long)|who|whose|when|where|give|display|count|compare|"
    r"calculate|compute|find|report|tell|rank|plot|what\s+if|average|total\s+of|from\s+the\s+(?:list|result|report|"
    r"analysis|chart|total|count|average))\b",
    re.IGNORECASE,
)

_OFF_TOPIC = re.compile(
    r"^\W*(?:hi|hello|hey|good\s+(?:morning|evening|afternoon)|thanks?(?:\s+you)?|bye|test(?:ing)?)\b[\W\w]{0,20}$|"
    r"\b(?:weather|joke|poem|haiku|song|lyrics|recipe|meaning\s+of\s+life|horoscope|capital\s+(?:city\s+)?of|"
    r"president|prime\s+minister|world\s+cup|translate|write\s+(?:me\s+)?(?:an?\s+)?(?:essay|story|email|letter|code)|"
    r"who\s+are\s+you|how\s+are\s+you|your\s+name|are\s+you\s+(?:an?\s+)?(?:ai|human|bot|real)|"
    r"system\s+prompt|ignore\s+(?:all\s+)?(?:previous|prior|your)\s+instructions)\b",
    re.IGNORECASE,
)
_ANALYTIC_WORDS = (
    "many much count number total sum average mean median most least top bottom best worst highest lowest largest "
    "smallest more less trend growth share percent percentage ratio rate breakdown distribution rank monthly yearly "
    "quarterly weekly daily year month quarter sell buy earn spend purchase revenue profit cost price table column "
    "row record schema database compare list"
)
_NAMED = 1.0
"""The score retrieval gives what the question names outright."""


def objection(question: str, services: Services, *, direct: bool = False) -> Objection | None:
    """What the words of a question alone rule out; None lets it pass. `direct` checks only that there is a question."""
    limit = services.settings.limits.max_question_chars
    if not any(character.isalnum() for character in question):
        return _stop(
            ErrorClass.EMPTY_QUESTION,
            "There is no question.",
            "Ask something like: Which product category had the highest sales revenue in 2023?",
        )
    if len(question) > limit:
        return _stop(
            ErrorClass.QUESTION_TOO_LONG,
            f"The question has {len(question):,} characters; at most {limit:,} are read.",
            "Ask it in a sentence or two, or raise limits.max_question_chars.",
        )
    if direct or not wants_write(question, _nouns(services.catalog)):
        return None
    return Objection(
        RunStatus.REFUSED,
        RunError(
            ErrorClass.WRITE_REQUESTED,
            "That asks for data to be changed. Affidavit only reads; nothing was touched.",
            "Ask what you want to know instead, such as which rows such a change would concern.",
        ),
    )


def wants_write(question: str, nouns: str = "") -> bool:
    """Whether a question is plainly an instruction to change data. `nouns`: regex alternatives for table names."""
    text = question.strip()
    if _WRITE_SQL.search(text) or _DESTROY.search(text) or _DROP.search(text):
        return True
    if _READING.search(re.sub(r"^\W*(?:can|could|would|will)\s+you\b|\?\s*$", "", text, flags=re.IGNORECASE)):
        return False
    things = nouns or "rows?"
    return bool(
        _CHANGE.search(text)
        or re.search(_ADD.replace("{nouns}", things), text, re.IGNORECASE)
        or re.search(_REMOVE.replace("{nouns}", things), text, re.IGNORECASE)
    )


def is_about_data(question: str, grounding: Grounding, catalog: Catalog, layer: SemanticLayer) -> bool:
    """Whether anything in a question touches what is known; in doubt it does.

    A definition, column or value that the question names, a word of a table's name or of a definition, or a word of
    counting and comparing is enough; a value alone is not when the question is plainly about something else.
    """
    words = {token.stem for token in tokenize(question) if token.folded not in STOP_WORDS}
    named = any(
        piece.score >= _NAMED and piece.kind in {"metric", "dimension", "column", "table"} for piece in grounding.pieces
    )
    if named or words & _table_words(catalog):
        return True
    if _OFF_TOPIC.search(question):
        return False
    if words & (_definition_words(layer) | _ANALYTIC_STEMS):
        return True
    return bool(grounding.of_kind("value") or grounding.of_kind("example"))


def node(state: RunState, services: Services) -> dict[str, Any]:
    """End the run with a status and an error, or change nothing."""
    found = objection(state["question"], services, direct=state["direct"])
    grounding = state.get("grounding")
    if (
        found is None
        and grounding is not None
        and not is_about_data(state["question"], grounding, services.catalog, services.layer)
    ):
        known = ", ".join(metric.name for metric in services.layer.metrics[:5])
        found = _stop(
            ErrorClass.NOT_ABOUT_DATA,
            "Nothing in this question matches what is in the warehouse.",
            f"Ask about its tables or metrics, such as {known}." if known else "`affidavit memory show` lists it.",
        )
    return {} if found is None else {"status": found.status, "error": found.error}


def _stop(error_class: ErrorClass, message: str, hint: str) -> Objection:
    return Objection(RunStatus.NEEDS_CLARIFICATION, RunError(error_class, message, hint))


def _nouns(catalog: Catalog) -> str:
    """The tables' names as people write them, singular and plural, as regex alternatives."""
    found: set[str] = set()
    for table in catalog.tables:
        words = identifier_words(table.name).lower()
        for form in (table.name.lower(), words, words.removesuffix("s")):
            found.add(re.escape(form).replace(r"\ ", r"\s+"))
    return "|".join(sorted(found))


def _table_words(catalog: Catalog) -> set[str]:
    return _content_stems(identifier_words(table.name) for table in catalog.tables)


def _definition_words(layer: SemanticLayer) -> set[str]:
    definitions = (*layer.metrics, *layer.dimensions, *layer.entities)
    return _content_stems(surface for definition in definitions for surface in definition.surfaces)


def _content_stems(names: Iterable[str]) -> set[str]:
    return {token.stem for name in names for token in tokenize(name) if token.folded not in STOP_WORDS}


_ANALYTIC_STEMS = frozenset(stems(_ANALYTIC_WORDS))
