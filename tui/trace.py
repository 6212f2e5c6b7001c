"""The records of a run told as a story: one entry each, in order, for the command and the screen alike.

Nothing of a record is left out: what is not given a sentence of its own is shown under the name it has on the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from audit.record import Record
from tui.text import percent, printable, printable_lines, seconds

__all__ = ["TraceEntry", "told", "told_in_order"]

_TITLES: Final = {
    "run.started": "asked",
    "run.recalled": "recalled from memory",
    "run.grounded": "grounded",
    "run.drafted": "drafted",
    "run.model_failed": "a model failed",
    "run.guarded": "guarded",
    "run.estimated": "weighed, and not run",
    "run.intent": "about to touch the warehouse",
    "run.outcome": "the warehouse answered",
    "run.repaired": "repaired",
    "run.checked": "checked",
    "run.answered": "ended",
    "run.replayed": "run again",
    "review": "reviewed",
    "revocation": "what stood on it when it was revoked",
    "review.assigned": "assigned",
    "review.claimed": "claimed",
    "review.released": "given back",
}
_HASH_KEYS: Final = ("hash", "fingerprint", "key_id", "nonce", "signature", "previous_head", "revokes")
_SHORT_HASH: Final = 16


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One record as it is shown."""

    sequence: int
    title: str
    kind: str
    time: str
    actor: str
    facts: tuple[tuple[str, str], ...]
    """(name, text) in the order they are shown; text may have several lines."""
    sql: str
    bad: bool
    """Whether this is a step that went wrong: a refusal, an error, a finding of severity error."""


def told(record: Record) -> TraceEntry:
    """One record as an entry of the story; every text in it is safe to print."""
    body = record.body
    sql = body.get("sql")
    facts = [
        (printable(name), text)
        for name, value in body.items()
        if name != "sql" and not (name == "draft_sql" and value == sql) and (text := _text(name, value))
    ]
    return TraceEntry(
        sequence=record.sequence,
        title=_TITLES.get(record.kind, printable(record.kind)),
        kind=printable(record.kind),
        time=record.time,
        actor=printable(record.actor),
        facts=tuple(facts),
        sql=sql if isinstance(sql, str) else "",
        bad=_went_wrong(body),
    )


def told_in_order(records: Iterable[Record]) -> list[TraceEntry]:
    """The records of a run; a statement that was shown before is named by the record that has it."""
    first: dict[str, int] = {}
    entries = []
    for record in records:
        entry = told(record)
        if entry.sql:
            shown = first.setdefault(entry.sql, entry.sequence)
            if shown != entry.sequence:
                entry = replace(entry, sql="", facts=(*entry.facts, ("sql", f"as in #{shown}")))
        entries.append(entry)
    return entries


def _went_wrong(body: Mapping[str, Any]) -> bool:
    if body.get("allowed") is False or body.get("ok") is False or body.get("error"):
        return True
    findings = body.get("findings")
    return isinstance(findings, list) and any(
        isinstance(finding, Mapping) and finding.get("severity") == "error" for finding in findings
    )


def _text(name: str, value: Any) -> str:
    """A body's value in words; empty values are not shown."""
    if value in (None, "", [], {}):
        return ""
    if name in _TELLERS:
        return _TELLERS[name](value)
    if isinstance(value, str):
        is_hash = len(value) > _SHORT_HASH and any(name.endswith(key) for key in _HASH_KEYS)
        return f"{printable(value[:_SHORT_HASH])}…" if is_hash else printable_lines(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(printable(item) for item in value)
    return printable(json.dumps(value, ensure_ascii=False))


def _findings(value: Any) -> str:
    lines = [
        f"{finding.get('severity', '')} · {finding.get('check', '')}: {finding.get('message', '')}"
        if isinstance(finding, Mapping)
        else str(finding)
        for finding in _items(value)
    ]
    return "\n".join(printable(line) for line in lines)


def _pieces(value: Any) -> str:
    lines = [
        f"{piece.get('kind', '')} {piece.get('id', '')} · version {str(piece.get('version', ''))[:_SHORT_HASH]}"
        if isinstance(piece, Mapping)
        else str(piece)
        for piece in _items(value)
    ]
    return "\n".join(printable(line) for line in lines)


def _timings(value: Any) -> str:
    if not isinstance(value, Mapping):
        return printable(value)
    return ", ".join(f"{printable(stage)} {seconds(_number(spent))}" for stage, spent in value.items())


def _estimate(value: Any) -> str:
    if not isinstance(value, Mapping):
        return printable(value)
    said = [f"{_number(value.get('scanned_rows')):,.0f} rows looked at, {_number(value.get('rows_out')):,.0f} given"]
    if value.get("cost") is not None:
        said.append(f"cost {_number(value.get('cost')):,.0f}")
    if value.get("full_scans"):
        said.append(f"read whole: {', '.join(map(str, value['full_scans']))}")
    if value.get("cartesian_products"):
        said.append(f"{value['cartesian_products']} products of all rows with all")
    return printable("; ".join(said))


def _confidence(value: Any) -> str:
    return percent(_number(value))


def _milliseconds(value: Any) -> str:
    return seconds(_number(value))


def _error(value: Any) -> str:
    if not isinstance(value, Mapping):
        return printable_lines(value)
    parts = (value.get("class") or value.get("error_class"), value.get("message"), value.get("hint"))
    return "\n".join(printable_lines(part) for part in parts if part)


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _number(value: Any) -> float:
    try:
        return float(value)  # decimals are strings on the ledger
    except (TypeError, ValueError):
        return 0.0


_TELLERS: Final[dict[str, Callable[[Any], str]]] = {
    "findings": _findings,
    "pieces": _pieces,
    "timings_ms": _timings,
    "elapsed_ms": _milliseconds,
    "confidence": _confidence,
    "estimate": _estimate,
    "error": _error,
}
