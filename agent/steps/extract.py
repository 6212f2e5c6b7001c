"""Takes the statement out of what a model replied: reasoning, prose, fences and labels go, and nothing else does.

Nothing is cleaned away that could matter to the guard: a second statement stays, and is refused there.
"""

from __future__ import annotations

import json
import re

__all__ = ["extract_sql"]

_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"```[ \t]*(?:(?!(?:SELECT|WITH)\b)\w+)?[ \t]*\n?(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)
_FIELD = re.compile(
    r"\"(?:sql|query|statement)\"\s*:\s*\"(.*?)\"\s*[,}]\s*(?:\"\w+\"\s*:|\Z)", re.DOTALL | re.IGNORECASE
)
_FIELDS = frozenset({"sql", "query", "statement"})
_BATCH_END = re.compile(r"\s+GO\s*\Z")
_WITH = r"WITH\s+(?:RECURSIVE\s+)?[\w\"`\[\]]+(?:\s*\([^)]*\))?\s+AS\b"  # not the first word of "With this query"
_QUERY = re.compile(rf"(?:^|(?<=[\s:(>`\"]))(?:{_WITH}|SELECT\b)", re.IGNORECASE)
_STATEMENT = re.compile(
    rf"^[\s(]*(?:SELECT|{_WITH}|INSERT|UPDATE|DELETE|DROP|CREATE|ALTER|TRUNCATE|MERGE|REPLACE|GRANT|REVOKE|ATTACH|"
    r"PRAGMA|COPY|CALL|EXEC|SET|VACUUM|BEGIN|COMMIT)\b",
    re.IGNORECASE,
)
_PROSE = (
    r"(?:Note|Explanation|Answer|SQLResult|Results?|Output|Assumptions?)[ \t]*:|"
    r"(?:This|The|It|Here|These|I|We|You)[ \t]+[a-z']+[ \t]+[a-z]"
)
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|;|\n[ \t]*\n|" + rf"\n[ \t]*(?={_PROSE})", re.DOTALL
)


def extract_sql(reply: str) -> str:
    """The statement in a model's reply, or "".

    Reasoning in <think> tags, prose before and after, code fences and a JSON object around it go. What follows a `;`
    stays when it is another statement, so that the guard sees and refuses it.
    """
    text = _unwrapped(_THOUGHTS.sub("", reply).strip())
    fences = [block.strip() for block in _FENCE.findall(text)]
    fenced = [block for block in fences if _STATEMENT.match(block)]
    if fenced:
        return _trimmed(fenced[-1])
    if _STATEMENT.match(text):
        return _trimmed(text)
    start = _QUERY.search(text)
    return _trimmed(text[start.start() :].strip()) if start else ""


def _unwrapped(text: str) -> str:
    """What stands in single backticks, or in the field of a JSON object that holds the statement."""
    if len(text) > 2 and text[0] == text[-1] == "`" and not text.startswith("``"):
        return text[1:-1].strip()
    if not text.startswith("{"):
        return text
    try:
        content = json.loads(text, strict=False)
    except ValueError:
        found = _FIELD.search(text)
        return found[1] if found else text
    fields = content.items() if isinstance(content, dict) else ()
    return next((held for name, held in fields if name.lower() in _FIELDS and isinstance(held, str)), text)


def _trimmed(text: str) -> str:
    """Cut prose off the end: after a `;`, a blank line or a line that is plainly no SQL, unless a statement follows."""
    text = _BATCH_END.sub("", text)
    for match in _TOKEN.finditer(text):
        found = match.group()
        ends_statement = found == ";"
        if not ends_statement and not found.isspace():
            continue
        rest = text[match.end() :].strip()
        if ends_statement:
            if not rest or not _STATEMENT.match(rest):
                return text[: match.start()].strip()
            return text.strip().removesuffix(";").strip()
        if rest and not _continues(rest):
            return text[: match.start()].strip()
    text = text.strip()
    return text.removesuffix("`").strip() if text.count("`") % 2 else text


def _continues(rest: str) -> bool:
    """Whether text after a blank line reads on as SQL: it begins with a clause, an operator or a bracket."""
    clause = (
        r"^(?:[(),+*/=<>|-]|(?:SELECT|FROM|WHERE|JOIN|LEFT|RIGHT|INNER|FULL|CROSS|ON|AND|OR|GROUP|ORDER|HAVING|LIMIT|"
        r"UNION|EXCEPT|INTERSECT|OFFSET|WINDOW|CASE|WHEN|ELSE|END|AS|INSERT|UPDATE|DELETE|DROP|CREATE|ALTER)\b)"
    )
    return re.match(clause, rest) is not None
